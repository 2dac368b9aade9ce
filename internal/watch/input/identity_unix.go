//go:build unix

package input

import (
	"os"
	"syscall"
)

// identity gives what the system knows a file by: a name is only where it lies at the moment.
func identity(info os.FileInfo) (device, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), s.Ino
	}
	return 0, 0
}
