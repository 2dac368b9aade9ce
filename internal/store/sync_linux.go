package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData writes a file's content to the disk. fdatasync includes the length
// (it is needed to read the data back) and leaves out the times, which saves a
// write of the inode on most calls.
func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
		return nil
	}
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
