//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package store

import (
	"errors"
	"os"
)

func lockFile(*os.File) error {
	return errors.New("this operating system has no file lock that the store knows; it will not risk two writers")
}

func testLock(*os.File) error {
	return errors.New("this operating system has no file lock that the store knows")
}
