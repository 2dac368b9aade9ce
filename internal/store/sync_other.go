//go:build !linux

package store

import (
	"os"
	"runtime"
)

func syncData(f *os.File) error { return f.Sync() }

func syncDir(name string) error {
	if runtime.GOOS == "windows" {
		// Windows has no sync of a folder; NTFS journals its own metadata.
		return nil
	}
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
