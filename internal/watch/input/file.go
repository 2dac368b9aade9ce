package input

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"entente/internal/watch/pass"
)

// maxRecent is how much of what was read last is at hand for the tail of an entry, in bytes: lines that are not read yet may stand behind it.
const maxRecent = 16 << 10

// file is a file that is read.
type file struct {
	path    string
	f       *os.File // nil: it sleeps
	text    io.Reader
	closing func()
	packed  bool
	stream  *pass.Stream
	entry   *Entry // nil: no position is noted
	head    []byte // the beginning of its text, at most maxPrint
	recent  []byte // what was read last, at most maxRecent
	at      int64  // bytes of text that were read
	gone    int    // looks at which another file lay at its path
	raw     *counting
	// info is of the file that sleeps: it is read on once another one lies at its path, or it changed.
	info fs.FileInfo
	// changed tells that it is to be read on.
	changed bool
	// torn is what a packed file that ends too soon was read with: the rest of it may still be written. nil: it is whole.
	torn *pass.Stream
}

// counting counts what is read of a file.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// maxFresh is how long ago a file that is followed was changed for it to be read on as soon as something is added to it.
const maxFresh = time.Minute

// wasRead gives a file, asleep, that is as it was when it was read to its end.
func (r *Reader) wasRead(path string) *file {
	if r.book == nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil || r.o.Follow && r.o.Now().Sub(info.ModTime()) < maxFresh {
		return nil // opening it tells
	}
	for _, e := range r.book.files[identity(info)] {
		if e.unchanged(info) {
			r.book.moved(e, path, e.id())
			e.round, e.Used = r.book.round, r.book.Saves+1
			return &file{path: path, entry: e, info: info, packed: e.State.Offset != info.Size()}
		}
	}
	return nil
}

// open opens a file at the position that the book has for it.
func (r *Reader) open(path string) (*file, error) {
	r.makeRoom()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	x := &file{path: path, f: f, raw: &counting{r: f}}
	switch err := r.begin(x); {
	case errors.Is(err, errCopy):
		x.shut()
		return x, nil
	case err != nil:
		x.shut()
		return nil, err
	}
	if r.o.Follow {
		r.awake = append(r.awake, x)
	}
	return x, nil
}

// errCopy means that a file is, so far, a copy of one that is followed: a rotation makes it, and truncates that one then. It sleeps until either changes.
var errCopy = errors.New("so far it is a copy of a log beside it")

// begin comes to where a file is read on.
func (r *Reader) begin(x *file) error {
	info, err := x.f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder", x.path)
	}
	var guess string
	if x.text, x.packed, guess, x.closing, err = unpackedAs(bufio.NewReaderSize(x.raw, blockSize)); err != nil {
		return err
	}
	r.told(x.path, guess)
	text := bufio.NewReaderSize(x.text, maxPrint*4)
	head, headErr := text.Peek(maxPrint) // a file may be shorter, or break: reading it on tells
	if headErr != nil && !errors.Is(headErr, io.EOF) && len(head) == 0 {
		return headErr
	}
	x.head = bytes.Clone(head)
	state := pass.State{}
	if r.book != nil && info.Mode().IsRegular() {
		l := looked{x.path, info, x.head, x.packed}
		if x.entry = r.book.entry(l); x.entry == nil {
			if r.o.Follow && r.book.copied(l) {
				x.info = info
				return errCopy
			}
			x.entry = r.book.begin(x.path, identity(info), "")
		}
		state = x.entry.State
	}
	x.text = text
	switch {
	case state.Offset == 0:
	case x.packed:
		if _, err := io.CopyN(io.Discard, x.text, state.Offset); err != nil {
			return fmt.Errorf("going on at byte %d of its text: %w", state.Offset, err)
		}
	case info.Size() < state.Offset: // it was truncated, and begins the same
		r.tell(x.path, "truncated", fmt.Errorf("it was read up to byte %d and has %d", state.Offset, info.Size()))
		state = pass.State{Format: state.Format}
	default:
		if _, err := x.f.Seek(state.Offset, io.SeekStart); err != nil {
			return err
		}
		x.raw.n = state.Offset
		x.text = x.raw
	}
	x.at = state.Offset
	x.stream, err = r.p.Open(x.path, state)
	return err
}

// shut closes a file.
func (x *file) shut() {
	if x.closing != nil {
		x.closing()
	}
	if x.f != nil {
		_ = x.f.Close() // it was only read
	}
	x.f, x.text, x.closing, x.raw, x.stream, x.head, x.recent = nil, nil, nil, nil, nil, nil, nil
}

// sleeps tells whether a file is closed until it changes.
func (x *file) sleeps() bool { return x.f == nil }

// mark notes the position of a file.
func (r *Reader) mark(x *file) {
	e := x.entry
	if e == nil {
		return
	}
	was := e.State.Offset
	r.book.read(e, x.stream.State())
	r.book.printed(e, x.head[:min(int64(len(x.head)), e.State.Offset, maxPrint)])
	if e.State.Offset != was {
		e.Tail, e.TailLength = "", 0
	}
	r.dirty = true
}

// note notes what was read of a file last, before its position is saved or left to rest.
func (x *file) note() {
	e := x.entry
	if e == nil || e.TailLength > 0 {
		return
	}
	if upTo := int64(len(x.recent)) - (x.at - e.State.Offset); upTo > 0 {
		tail := x.recent[max(0, upTo-maxTail):upTo]
		e.Tail, e.TailLength = printOf(tail), len(tail)
	}
}

// took notes what was read of a file.
func (x *file) took(p []byte) {
	if len(x.head) < maxPrint && x.at == int64(len(x.head)) {
		x.head = append(x.head, p[:min(len(p), maxPrint-len(x.head))]...)
	}
	x.at += int64(len(p))
	if x.entry == nil {
		return
	}
	x.recent = append(x.recent, p[max(0, len(p)-maxRecent):]...)
	x.recent = x.recent[:copy(x.recent, x.recent[max(0, len(x.recent)-maxRecent):])]
}

// read reads a file to its end.
func (r *Reader) read(ctx context.Context, path string) error {
	x := r.files[path]
	if x == nil {
		if x = r.wasRead(path); x != nil {
			r.files[path] = x
			return nil
		}
		var err error
		if x, err = r.open(path); err != nil {
			r.fails(path, "unreadable", err)
			return nil
		}
		r.files[path] = x
	}
	if x.sleeps() {
		return nil
	}
	if r.buf == nil {
		r.buf = make([]byte, blockSize)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := x.raw.n
		n, err := x.text.Read(r.buf)
		if n > 0 {
			x.took(r.buf[:n])
			x.stream.Write(r.buf[:n], r.o.Now())
			r.mark(x)
			r.stays(x)
			if r.due() {
				x.note()
			}
			if serr := r.save(false); serr != nil {
				return serr
			}
		}
		r.done += x.raw.n - before
		if r.o.Step != nil {
			r.o.Step(path, r.done, r.total)
		}
		switch {
		case errors.Is(err, io.EOF) && !x.packed:
			x.rest(r)
			r.mark(x)
			x.note()
			x.text = x.raw // what it was begun with is read
			delete(r.failed, path)
			return nil
		case err != nil:
			if r.o.Follow && errors.Is(err, io.ErrUnexpectedEOF) {
				x.torn = x.stream
				x.stream.Rest(r.o.Now())
			} else {
				x.stream.Flush(r.o.Now())
			}
			r.mark(x)
			x.note()
			read := x.raw.n
			r.sleep(x)
			if errors.Is(err, io.EOF) {
				delete(r.failed, path)
				x.whole(x.info, read)
			} else {
				r.fails(path, "broken", err)
			}
			return nil
		}
	}
}

// whole notes that a file was read to its end: where the system has it, how much of it was read.
func (x *file) whole(info fs.FileInfo, read int64) {
	if x.entry != nil && info != nil && info.Size() == read && read > 0 {
		x.entry.Size, x.entry.Changed = read, info.ModTime().UnixNano()
	}
}

// fails tells of a file that cannot be read, once as long as that says the same.
func (r *Reader) fails(path, kind string, err error) {
	if r.failed[path] == err.Error() {
		return
	}
	r.failed[path] = err.Error()
	r.tell(path, kind, err)
}

// rest reads what was held back at the end of a file. A line without an end is still being written where the file is
// followed or a later run goes on in it: then it is read when it has one. So is a record of several lines, unless nothing was added to the file for long.
func (x *file) rest(r *Reader) {
	now := r.o.Now()
	if !r.o.Follow && r.o.Book == nil {
		x.stream.Flush(now)
		return
	}
	x.stream.Rest(now)
	if !x.stream.Waits() {
		return
	}
	if info, err := x.f.Stat(); err == nil && now.Sub(info.ModTime()) >= pass.MaxRecordWait {
		x.stream.Release(now)
	}
}

// close ends the reading of a file.
func (r *Reader) close(ctx context.Context, path string) {
	x := r.files[path]
	if x == nil {
		return
	}
	if x.holds() && r.o.Book == nil { // nobody goes on in it
		r.files[path] = nil
		if err := r.read(ctx, path); err != nil {
			return // the watch was ended
		}
		if x = r.files[path]; x == nil {
			return // it was told
		}
	}
	switch {
	case !x.sleeps():
		x.rest(r)
		if r.o.Book == nil {
			x.stream.Release(r.o.Now())
		}
		r.mark(x)
		x.note()
		if info, err := x.f.Stat(); err == nil && x.entry != nil && !x.packed {
			x.whole(info, x.entry.State.Offset)
		}
		r.shut(x)
	case x.torn != nil && r.o.Book == nil:
		x.torn.Flush(r.o.Now())
	}
	r.files[path] = nil
}

// holds tells whether something may stand at the end of a file that sleeps that was not read: a line without its end, or a record of several lines.
func (x *file) holds() bool {
	return x.sleeps() && !x.packed && x.entry != nil && x.info != nil && x.entry.State.Offset < x.info.Size()
}

// shut closes a file, which is awake no longer.
func (r *Reader) shut(x *file) {
	r.asleep(x)
	x.shut()
}
