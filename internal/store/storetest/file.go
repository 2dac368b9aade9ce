package storetest

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// sector is what a disk writes whole.
const sector = 512

// inode is one file. Its bytes are shared with what is synced and with clones as
// long as nobody writes over them.
type inode struct {
	data     []byte // as programs see it
	synced   []byte // as on the platter
	shared   int    // data below this is somebody else's, too
	nameless bool   // removed or replaced, though perhaps still open
	// lost are the sectors that a failed sync dropped: the next one takes them for written.
	lost map[int]bool
}

// sync puts the content on the platter, but for what a failed sync dropped.
func (f *inode) sync() {
	if len(f.lost) == 0 {
		f.synced = f.data[:len(f.data):len(f.data)]
		f.shared = len(f.data)
		return
	}
	next := append([]byte{}, f.data...)
	for s := range f.lost {
		at := s * sector
		if at >= len(next) {
			continue
		}
		end := min(at+sector, len(next))
		clear(next[at:end])
		if at < len(f.synced) {
			copy(next[at:end], f.synced[at:])
		}
	}
	f.synced = next
}

// failSync takes the dirty sectors for written.
func (f *inode) failSync() {
	for at := 0; at < len(f.data); at += sector {
		end := min(at+sector, len(f.data))
		if end > len(f.synced) || string(f.data[at:end]) != string(f.synced[at:end]) {
			if f.lost == nil {
				f.lost = map[int]bool{}
			}
			f.lost[at/sector] = true
		}
	}
}

// write puts bytes at a place; the file grows as needed.
func (f *inode) write(p []byte, off int) {
	end := off + len(p)
	if off < f.shared {
		f.data = append(make([]byte, 0, max(len(f.data), end)), f.data...)
		f.shared = 0
	}
	if end > len(f.data) {
		f.data = append(f.data, make([]byte, end-len(f.data))...)
	}
	copy(f.data[off:], p)
	if f.lost != nil && len(p) > 0 {
		for s := off / sector; s <= (end-1)/sector; s++ {
			delete(f.lost, s)
		}
	}
}

// clone shares the bytes; whoever writes over them first makes a copy.
func (f *inode) clone() *inode {
	f.shared = len(f.data)
	c := &inode{data: f.data[:len(f.data):len(f.data)], synced: f.synced[:len(f.synced):len(f.synced)], shared: len(f.data), nameless: f.nameless}
	for s := range f.lost {
		if c.lost == nil {
			c.lost = map[int]bool{}
		}
		c.lost[s] = true
	}
	return c
}

// resize cuts a file or fills it with zeros.
func (d *Disk) resize(f *inode, size int) {
	if !f.nameless {
		d.used += int64(size - len(f.data))
	}
	if size <= len(f.data) {
		f.data = f.data[:size:size]
		f.shared = min(f.shared, size)
		return
	}
	f.data = append(f.data, make([]byte, size-len(f.data))...)
}

type handle struct {
	d     *Disk
	f     *inode
	name  string
	write bool
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.FaultReads {
		err := h.d.fault("read", h.name)
		if torn := (*Torn)(nil); errors.As(err, &torn) {
			n := 0
			if off < int64(len(h.f.data)) {
				n = copy(p[:min(len(p), torn.Bytes)], h.f.data[off:])
			}
			return n, &fs.PathError{Op: "read", Path: h.name, Err: syscall.EIO}
		}
		if err != nil {
			return 0, err
		}
	}
	if off >= int64(len(h.f.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if !h.write {
		return 0, &fs.PathError{Op: "write", Path: h.name, Err: fs.ErrPermission}
	}
	err := h.d.fault("write", h.name)
	if torn := (*Torn)(nil); errors.As(err, &torn) {
		p = p[:min(len(p), torn.Bytes)]
	} else if err != nil {
		return 0, err
	}
	grow := max(0, off+int64(len(p))-int64(len(h.f.data)))
	if room := max(0, h.d.Capacity-h.d.used); h.d.Capacity > 0 && err == nil && grow > room {
		p = p[:max(0, int64(len(p))-(grow-room))]
		err = &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
		grow = max(0, off+int64(len(p))-int64(len(h.f.data)))
	}
	if len(p) == 0 {
		return 0, err
	}
	if !h.f.nameless {
		h.d.used += grow
	}
	h.f.write(p, int(off))
	return len(p), err
}

func (h *handle) Sync() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.fault("sync", h.name); err != nil {
		h.f.failSync()
		return err
	}
	h.f.sync()
	return nil
}

func (h *handle) Truncate(size int64) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.fault("truncate", h.name); err != nil {
		return err
	}
	h.d.resize(h.f, int(size))
	return nil
}

func (h *handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return int64(len(h.f.data)), nil
}

func (h *handle) Close() error { return nil }
