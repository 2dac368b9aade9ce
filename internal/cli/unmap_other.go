//go:build !linux

package cli

// unmapProgram does nothing where it is not known how.
func unmapProgram() {}
