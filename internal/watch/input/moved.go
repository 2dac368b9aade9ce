package input

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// catchUp reads the rest of a file that lay at a path and was moved away since its position was noted.
func (r *Reader) catchUp(ctx context.Context, path string) error {
	if r.book == nil || len(r.book.paths[path]) == 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil // reading it tells
	}
	var there *looked
	rotated := false
	for _, e := range slices.Clone(r.book.paths[path]) {
		if e.unchanged(info) {
			continue
		}
		if there == nil {
			if there, err = look(path); err != nil {
				return nil // reading it tells
			}
		}
		if e.id() == identity(info) && e.is(*there) || e.Length >= minPrint && e.begins(there.head) && e.ends(path) {
			continue // the file that lies there
		}
		rotated = true
		moved := r.moved(path, e)
		if moved == "" {
			r.tell(path, "rotated", errors.New("the file that was read is not beside it any more: what was added to it is not known"))
			r.book.moved(e, "", e.id())
			continue
		}
		if err := r.readMoved(ctx, moved, e); err != nil {
			return err
		}
	}
	if !rotated || r.book.saved.IsZero() {
		return nil
	}
	for _, part := range r.between(path) {
		if err := r.readAside(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// between gives the parts of a log that a rotation began and another ended while nothing ran, in the order in which they were written.
func (r *Reader) between(path string) (parts []string) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	when := map[string]time.Time{}
	for _, d := range list[:min(len(list), maxFiles)] {
		name := filepath.Join(dir, d.Name())
		info, err := d.Info()
		if _, listed := r.files[name]; listed || err != nil || !info.Mode().IsRegular() || info.ModTime().Before(r.book.saved) || !part(d.Name(), base) {
			continue
		}
		if x, err := look(name); err != nil || r.book.knows(*x) { // what cannot be read is none that was read before
			continue
		}
		parts, when[name] = append(parts, name), info.ModTime()
	}
	slices.SortStableFunc(parts, func(a, b string) int { return when[a].Compare(when[b]) })
	return parts
}

// part tells whether a name is that of a part of a log that a rotation made: with nothing but a number or a time before or behind the ending, and what it is packed with.
func part(name, of string) bool {
	for _, ending := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, ending)
	}
	ending := filepath.Ext(of)
	stem := strings.TrimSuffix(of, ending)
	rest, ok := strings.CutPrefix(name, of)
	if !ok {
		if rest, ok = strings.CutPrefix(name, stem); !ok || stem == "" {
			return false
		}
		if rest, ok = strings.CutSuffix(rest, ending); !ok {
			return false
		}
	}
	return len(rest) > 1 && strings.Contains("-._", rest[:1]) && strings.Trim(rest, "0123456789-._:T") == ""
}

// readMoved reads the rest of a file that was moved away: nobody writes to it any more.
func (r *Reader) readMoved(ctx context.Context, path string, e *Entry) error {
	id := e.id()
	if info, err := os.Stat(path); err == nil {
		id = identity(info) // a copy has another than what was truncated
	}
	r.book.moved(e, path, id)
	return r.readAside(ctx, path)
}

// readAside reads a part of a log that is no input itself, or leaves it to its turn.
func (r *Reader) readAside(ctx context.Context, path string) error {
	if x, known := r.files[path]; known {
		if x != nil && x.sleeps() {
			x.changed = true
		}
		return nil
	}
	r.files[path] = nil
	if err := r.read(ctx, path); err != nil {
		return err
	}
	if x := r.files[path]; x != nil && !x.sleeps() {
		x.stream.Release(r.o.Now())
	}
	r.close(ctx, path)
	delete(r.files, path)
	return nil
}

// moved finds the file of an entry that lay at a path: in the folder of it, or in that of what a link there leads to.
func (r *Reader) moved(path string, e *Entry) string {
	dir := filepath.Dir(path)
	if found := movedIn(dir, path, e); found != "" {
		return found
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && filepath.Dir(real) != dir {
		return movedIn(filepath.Dir(real), path, e)
	}
	return ""
}

// movedIn finds the file of an entry in a folder.
func movedIn(dir, path string, e *Entry) string {
	list, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, d := range list[:min(len(list), maxFiles)] {
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		name := filepath.Join(dir, d.Name())
		if name == filepath.Clean(path) {
			continue
		}
		id := identity(info)
		same := id.inode != 0 && id == e.id()
		if !same && !(e.says(name) && related(d.Name(), filepath.Base(path))) {
			continue
		}
		if there, err := look(name); err == nil && (same && e.is(*there) || e.begins(there.head) && e.ends(name)) {
			return name
		}
	}
	return ""
}

// related tells whether a name may be that of a rotated part of a log: dns.log.1.gz, dns-2024.log of dns.log.
func related(name, of string) bool {
	stem := of[:len(of)-len(filepath.Ext(of))]
	return stem != "" && len(name) > len(stem) && name[:len(stem)] == stem
}

// look looks at a file.
func look(path string) (*looked, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, packed, closing, err := unpacked(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	defer closing()
	head := make([]byte, maxPrint)
	n, err := io.ReadFull(text, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return &looked{path, info, head[:n], packed}, nil
}

// ends tells whether what was read last of an entry stands in a file where it stood. Where nothing is known of that, it is taken to.
func (e *Entry) ends(path string) bool {
	if e.TailLength == 0 {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false // reading it tells
	}
	defer f.Close()
	text, packed, closing, err := unpacked(bufio.NewReader(f))
	if err != nil {
		return false // reading it tells
	}
	defer closing()
	tail, from := make([]byte, e.TailLength), e.State.Offset-int64(e.TailLength)
	if packed {
		if _, err = io.CopyN(io.Discard, text, from); err == nil {
			_, err = io.ReadFull(text, tail)
		}
	} else {
		_, err = f.ReadAt(tail, from)
	}
	return err == nil && printOf(tail) == e.Tail
}

// sameUpTo tells whether two files have the same before a position.
func sameUpTo(path, other string, end int64) bool {
	from := max(0, end-maxTail)
	one, two := make([]byte, end-from), make([]byte, end-from)
	for _, x := range []struct {
		path string
		text []byte
	}{{path, one}, {other, two}} {
		f, err := os.Open(x.path)
		if err != nil {
			return false // reading it tells
		}
		_, err = f.ReadAt(x.text, from)
		_ = f.Close() // it was only read
		if err != nil {
			return false
		}
	}
	return bytes.Equal(one, two)
}
