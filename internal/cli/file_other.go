//go:build !unix

package cli

// openNoWait is nothing where named pipes are not files.
const openNoWait = 0
