package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Born implements [Born] with the time the file was made, which no call can set
// (statx(2), STATX_BTIME); where the file system keeps none, with its number.
func (f osFile) Born() string {
	var s unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME|unix.STATX_INO, &s)
	switch {
	case err != nil:
		return ""
	case s.Mask&unix.STATX_BTIME != 0:
		return fmt.Sprintf("born %d.%09d", s.Btime.Sec, s.Btime.Nsec)
	case s.Mask&unix.STATX_INO != 0:
		return fmt.Sprintf("file %d", s.Ino)
	}
	return ""
}
