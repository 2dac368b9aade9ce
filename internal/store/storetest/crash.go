package storetest

import (
	"maps"
	"path/filepath"
	"slices"
)

// Clone returns an equal disk without faults, as after the process was killed
// and the machine stayed up. It costs little: bytes are shared until written over.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	same := map[*inode]*inode{}
	dup := func(f *inode) *inode {
		if same[f] == nil {
			same[f] = f.clone()
		}
		return same[f]
	}
	for name, f := range d.names {
		c.names[name] = dup(f)
	}
	for name, f := range d.durable {
		c.durable[name] = dup(f)
	}
	c.dirs, c.kept, c.used, c.moved = maps.Clone(d.dirs), maps.Clone(d.kept), d.used, slices.Clone(d.moved)
	return c
}

// Crash returns the disk as it may be found after a power loss. pick(n) chooses
// among n possibilities (0 <= result < n), again and again: each unsynced name
// and each unsynced sector may or may not have made it.
func (d *Disk) Crash(pick func(n int) int) *Disk {
	c := d.Clone()
	for k, m := range c.moved { // a folder is found under its old name, and those moved later then, too
		if pick(2) == 1 {
			rename(c.durable, m)
			rename(c.kept, m)
			continue
		}
		for _, m := range slices.Backward(c.moved[k:]) {
			back := move{m.next, m.old}
			rename(c.names, back)
			rename(c.dirs, back)
		}
		break
	}
	c.moved = nil
	dirs := map[string]bool{}
	for _, dir := range union(c.dirs, c.kept) { // those above come first
		there := c.kept[dir]
		if c.dirs[dir] != there && pick(2) == 1 {
			there = c.dirs[dir]
		}
		if parent := filepath.Dir(dir); there && (isRoot(parent) || dirs[parent]) {
			dirs[dir] = true
		}
	}
	sorted := union(c.names, c.durable)
	after := map[string]*inode{}
	taken := map[*inode]bool{}
	for _, name := range sorted {
		f := c.durable[name]
		if c.names[name] != f && pick(2) == 1 {
			f = c.names[name]
		}
		dir := filepath.Dir(name)
		// A file that was renamed is found under one of its names, not under both.
		if f != nil && !taken[f] && (isRoot(dir) || dirs[dir]) {
			after[name] = f
			taken[f] = true
		}
	}
	// A file whose old name is gone and whose new one is not there yet is under
	// one of them: a rename happens or it does not.
	for _, name := range sorted {
		f := c.names[name]
		if f == nil || taken[f] || !isRoot(filepath.Dir(name)) && !dirs[filepath.Dir(name)] {
			continue
		}
		for _, old := range sorted {
			if c.durable[old] == f && old != name {
				after[name] = f
				taken[f] = true
			}
		}
	}
	c.used = 0
	for _, name := range sorted {
		if f := after[name]; f != nil {
			data := mix(f.synced, f.data, pick)
			*f = inode{data: data}
			f.sync()
			c.used += int64(len(data))
		}
	}
	c.names, c.durable = after, maps.Clone(after)
	c.dirs, c.kept = dirs, maps.Clone(dirs)
	return c
}

// union lists the keys of both in order.
func union[V any](a, b map[string]V) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(names)
	return slices.Compact(names)
}

// mix returns a file some of whose unsynced sectors made it.
func mix(synced, data []byte, pick func(n int) int) []byte {
	if string(synced) == string(data) {
		return data
	}
	size := len(synced)
	if len(data) != size {
		switch pick(3) {
		case 1:
			size = len(data)
		case 2:
			low, high := min(size, len(data)), max(size, len(data))
			size = low + pick(high-low+1)
		}
	}
	out := make([]byte, size)
	for at := 0; at < size; at += sector {
		from := synced
		if pick(2) == 1 {
			from = data
		}
		if at < len(from) {
			copy(out[at:min(at+sector, size)], from[at:])
		}
	}
	return out
}
