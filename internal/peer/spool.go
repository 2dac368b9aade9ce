package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// SpoolName is the pattern of the names of files that hold what is incomplete.
const SpoolName = "exchange-*.spool"

// spoolMemory is how much of one run, payload or answer is kept in memory; what is
// larger lies in a file until all of it is there.
const spoolMemory = 256 << 10

// Memory bounds what all exchanges of a node hold in memory at once, however many
// there are and however slow their peers. What is incomplete, and what waits to be
// read by a peer, lies in files beyond [spoolMemory] bytes; what is complete is
// brought into memory by a few at a time, and those never wait for a peer. So a
// slow peer costs a file and no memory, and cannot keep others waiting.
//
// All exchanges that are to be bounded together share one Memory.
type Memory struct {
	dir  string
	work chan struct{}
}

// DefaultWork is how many large things a Memory lets be worked on at once.
const DefaultWork = 1

// NewMemory makes a Memory whose files lie in dir (made when it is needed; the
// system's folder for temporary files if dir is empty), with work places. The files
// have no name while they are open, or lose it with [Memory.Clear].
func NewMemory(dir string, work int) *Memory {
	if work <= 0 {
		work = DefaultWork
	}
	return &Memory{dir: dir, work: make(chan struct{}, work)}
}

// Clear removes what a process that was killed left behind. It must not be called
// while exchanges run.
func (m *Memory) Clear() error {
	left, err := filepath.Glob(filepath.Join(m.dir, SpoolName))
	if err != nil || m.dir == "" {
		return err
	}
	var errs []error
	for _, name := range left {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}

// Enter waits for a place to work on something large; leave gives it back.
func (m *Memory) Enter(ctx context.Context) (leave func(), err error) {
	select {
	case m.work <- struct{}{}:
		return func() { <-m.work }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// spool collects bytes: a few in memory, more in a file without a name.
type spool struct {
	m    *Memory
	mem  []byte
	file *os.File
	size int64
}

// Write appends. After an error the spool is of no more use.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.mem)+len(p) <= spoolMemory {
		s.mem = append(s.mem, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		if err := s.spill(); err != nil {
			return 0, fmt.Errorf("keeping a packet on disk while it is incomplete: %w", err)
		}
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, err
}

// spill moves what is in memory to a file.
func (s *spool) spill() error {
	err := os.MkdirAll(s.m.dir, 0o700)
	if s.m.dir == "" || err == nil {
		s.file, err = os.CreateTemp(s.m.dir, SpoolName)
	}
	if err != nil { // a disk that is full or read-only must not end what could still be given
		if s.file, err = os.CreateTemp("", SpoolName); err != nil {
			return err
		}
	}
	_ = os.Remove(s.file.Name()) // where an open file cannot be removed, Close does
	if _, err := s.file.Write(s.mem); err != nil {
		return err
	}
	s.mem = nil
	return nil
}

// large tells whether it takes a place to bring it into memory.
func (s *spool) large() bool { return s.file != nil }

// bytes brings everything into memory. A large one needs a place.
func (s *spool) bytes() ([]byte, error) {
	if s.file == nil {
		if s.mem == nil {
			s.mem = []byte{}
		}
		return s.mem, nil
	}
	data := make([]byte, s.size)
	_, err := s.file.ReadAt(data, 0)
	return data, err
}

// reader reads from the beginning. Several may be used one after another.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

// Close gives the file back.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if rerr := os.Remove(s.file.Name()); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	s.file = nil
	return err
}
