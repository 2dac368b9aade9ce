package cli

import (
	"fmt"
	"io"
	"os"
)

// openFile opens a file that a person named, to read it. What is not a regular file is refused: a
// pipe may keep everybody waiting for ever, a device may never end. A link is followed, because
// who names it may well mean what it points to. Standard input is for what comes through pipes.
func openFile(name string) (*os.File, error) {
	// O_NONBLOCK where there is such a thing: opening a pipe must not wait for its other end.
	f, err := os.OpenFile(name, os.O_RDONLY|openNoWait, 0)
	if err != nil {
		if info, st := os.Stat(name); st == nil && !info.Mode().IsRegular() {
			return nil, notRegular(name, info.Mode())
		}
		return nil, fmt.Errorf("reading: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(name, info.Mode())
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// nameFile is what to do about something that is no file.
const nameFile = ": name a file, or \"-\" for standard input where the command takes it"

// notRegular says what stands where a file should be.
func notRegular(name string, mode os.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("%s is a folder"+nameFile, name)
	case mode&os.ModeNamedPipe != 0:
		return fmt.Errorf("%s is a named pipe"+nameFile, name)
	case mode&os.ModeSocket != 0:
		return fmt.Errorf("%s is a socket"+nameFile, name)
	case mode&os.ModeDevice != 0:
		return fmt.Errorf("%s is a device"+nameFile, name)
	}
	return fmt.Errorf("%s is no regular file"+nameFile, name)
}

// sized is a file as long as it was when it was opened: one that grows while it is read does not
// keep the reader for ever.
func sized(f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}
