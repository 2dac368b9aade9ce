//go:build unix

package input

import (
	"os"
	"syscall"
)

// identity gives what the system knows a file by.
func identity(info os.FileInfo) identified {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return identified{uint64(s.Dev), s.Ino}
	}
	return identified{}
}
