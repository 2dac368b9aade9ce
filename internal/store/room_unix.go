//go:build linux || darwin || freebsd

package store

import (
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var errQuota error = syscall.EDQUOT

// Room implements Meter.
func (OS) Room(name string) (Room, error) {
	var s unix.Statfs_t
	for {
		err := unix.Statfs(name, &s)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Room{}, &os.PathError{Op: "statfs", Path: name, Err: err}
		}
		break
	}
	times := func(blocks uint64) int64 {
		if size := uint64(s.Bsize); size > 0 && blocks > math.MaxInt64/size {
			return math.MaxInt64
		}
		return int64(blocks * uint64(s.Bsize))
	}
	return Room{Free: times(uint64(max(int64(s.Bavail), 0))), Total: times(uint64(s.Blocks))}, nil
}
