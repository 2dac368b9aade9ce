//go:build unix

package cli

import "syscall"

// openNoWait lets a pipe without a writer be opened at once, so that it can be refused.
const openNoWait = syscall.O_NONBLOCK
