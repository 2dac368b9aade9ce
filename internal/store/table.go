package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// table is a derived file of rows of one width. It is written without sync
// (see watermark) and lives in memory instead when a folder opened for reading
// lacks it.
type table struct {
	name  string
	width int64
	f     File   // nil: rows are in mem
	mem   []byte // only without f
}

// openTable opens the rows of a derived file; a folder open for reading may
// lack it, then the rows are kept in memory.
func openTable(fsys FS, name string, width int64, writable bool) (*table, error) {
	flag := os.O_RDONLY
	if writable {
		flag = os.O_RDWR | os.O_CREATE
	}
	f, err := fsys.OpenFile(name, flag, filePerm)
	if err != nil {
		if !writable && errors.Is(err, fs.ErrNotExist) {
			return &table{name: name, width: width}, nil
		}
		return nil, err
	}
	return &table{name: name, width: width, f: f}, nil
}

// rows counts the whole rows that are there.
func (t *table) rows() (int64, error) {
	if t.f == nil {
		return int64(len(t.mem)) / t.width, nil
	}
	size, err := t.f.Size()
	return size / t.width, err
}

// toMemory leaves the file alone and keeps all rows in memory from now on.
func (t *table) toMemory() {
	if t.f != nil {
		t.f.Close()
	}
	t.f, t.mem = nil, nil
}

func (t *table) write(row int64, data []byte) error {
	if t.f == nil {
		if row*t.width != int64(len(t.mem)) {
			return fmt.Errorf("%s: rows in memory are only appended", t.name)
		}
		t.mem = append(t.mem, data...)
		return nil
	}
	_, err := t.f.WriteAt(data, row*t.width)
	return err
}

// read fills data with rows from the given one on; len(data) is a multiple of
// the width.
func (t *table) read(row int64, data []byte) error {
	if t.f == nil {
		if off := row * t.width; off >= 0 && off+int64(len(data)) <= int64(len(t.mem)) {
			copy(data, t.mem[off:])
			return nil
		}
		return fmt.Errorf("%s: row %d: %w", t.name, row, io.ErrUnexpectedEOF)
	}
	n, err := t.f.ReadAt(data, row*t.width)
	if n == len(data) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: row %d: %w", t.name, row, err)
}

// cut removes every row from the given one on.
func (t *table) cut(rows int64) error {
	if t.f == nil {
		t.mem = t.mem[:min(int64(len(t.mem)), rows*t.width)]
		return nil
	}
	size, err := t.f.Size()
	if err != nil || size == rows*t.width {
		return err
	}
	return t.f.Truncate(rows * t.width)
}

func (t *table) sync() error {
	if t.f == nil {
		return nil
	}
	return t.f.Sync()
}

func (t *table) close() error {
	if t.f == nil {
		return nil
	}
	return t.f.Close()
}
