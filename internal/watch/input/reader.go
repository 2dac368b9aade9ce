package input

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"entente/internal/watch/pass"
)

// Problem is something that went wrong with a source and did not end the watch.
type Problem struct {
	Input string
	// Kind is broken, truncated, rotated, unreadable or position; or encoding, which is none but what a text was told to be.
	Kind string
	Err  error
}

// Options steer a Reader.
type Options struct {
	// Follow goes on at the end of files until the context ends.
	Follow bool
	// Poll is how often files are looked at; 0 means half a second.
	Poll time.Duration
	// Book keeps positions; nil: none are kept.
	Book *Book
	// Kept gives what is saved with the positions.
	Kept func() any
	// Every is how long at most passes between two saves; 0 means a second.
	Every time.Duration
	// Tell is told of problems.
	Tell func(Problem)
	// Step is told of progress after each block: bytes of files, before decompression.
	Step func(input string, done, total int64)
	// Idle is called each time all sources were looked at, while it follows.
	Idle func()
	// End is called when all was read, before what is kept is saved for the last time.
	End func()
	// Now tells the time.
	Now func() time.Time
	// Messages come from the network; nil: from nowhere.
	Messages <-chan Message
}

// Message is one piece from the network: whole lines.
type Message struct {
	From string
	Text []byte
	// More tells that another piece of the same comes next: a record of several lines may go on in it. Otherwise a message stands for itself.
	More bool
	// Done, if not nil, is closed when the lines were read.
	Done chan<- struct{}
}

// Reader reads sources into a pass, one block at a time.
type Reader struct {
	o       Options
	p       *pass.Pass
	files   map[string]*file
	streams map[string]*pass.Stream // of the network
	order   []string
	buf     []byte
	saved   time.Time
	cost    time.Duration // of the last save
	dirty   bool
	total   int64
	done    int64
}

// maxSenders is the number of senders of the network whose formats are remembered.
const maxSenders = 4096

// file is a file that is read.
type file struct {
	path    string
	f       *os.File
	text    io.Reader
	closing func()
	packed  bool
	stream  *pass.Stream
	entry   *Entry
	head    []byte // the beginning of its text, at most maxPrint
	at      int64  // bytes of text that were read
	ended   bool   // a packed file is read once
	gone    int    // looks at which another file lay at its path
	raw     *counting
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

// NewReader makes a reader for a pass.
func NewReader(p *pass.Pass, o Options) *Reader {
	if o.Poll == 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	return &Reader{o: o, p: p, files: map[string]*file{}, streams: map[string]*pass.Stream{}}
}

func (r *Reader) tell(input, code string, err error) {
	if r.o.Tell != nil {
		r.o.Tell(Problem{input, code, err})
	}
}

// told tells of an encoding that a text was told to have; empty: it has a mark, or is plain.
func (r *Reader) told(input, guess string) {
	if guess != "" {
		r.tell(input, "encoding", errors.New(guess))
	}
}

// Run reads the files that names name, each to its end, and goes on with what is added if it follows. It ends with
// the context's error only if that ended it before it was through.
func (r *Reader) Run(ctx context.Context, names []string) error {
	if err := r.list(names); err != nil {
		return err
	}
	for _, path := range r.order {
		if info, err := os.Stat(path); err == nil {
			r.total += info.Size()
		}
	}
	for i := 0; i < len(r.order); i++ {
		if err := r.catchUp(ctx, r.order[i]); err != nil {
			return errors.Join(err, r.save(true))
		}
		if err := r.read(ctx, r.order[i]); err != nil {
			return errors.Join(err, r.save(true))
		}
	}
	if r.o.Follow || r.o.Messages != nil {
		r.follow(ctx, names)
	}
	for _, path := range r.order {
		r.close(path)
	}
	r.Flush()
	if r.o.End != nil {
		r.o.End()
		r.dirty = true
	}
	return r.save(true)
}

// list finds the files that are new.
func (r *Reader) list(names []string) error {
	for _, name := range names {
		found, err := Files(name)
		if err != nil {
			return err
		}
		for _, path := range found {
			if _, known := r.files[path]; !known {
				r.files[path] = nil
				r.order = append(r.order, path)
			}
		}
	}
	return nil
}

// open opens a file at the position that the book has for it.
func (r *Reader) open(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a folder", path), f.Close())
	}
	x := &file{path: path, f: f, raw: &counting{r: f}}
	br := bufio.NewReaderSize(x.raw, blockSize)
	guess := ""
	if x.text, x.packed, guess, x.closing, err = unpackedAs(br); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.told(path, guess)
	head := bufio.NewReaderSize(x.text, maxPrint*4)
	begin, headErr := head.Peek(maxPrint) // a file may be shorter, or break: reading it on tells
	if headErr != nil && !errors.Is(headErr, io.EOF) && len(begin) == 0 {
		x.shut()
		return nil, headErr
	}
	x.head = bytes.Clone(begin)
	state := pass.State{}
	if r.o.Book != nil {
		device, inode := identity(info)
		x.entry = r.o.Book.entry(path, device, inode, x.head)
		state = x.entry.State
	}
	x.text = head
	switch {
	case state.Offset == 0:
	case x.packed:
		if _, err := io.CopyN(io.Discard, x.text, state.Offset); err != nil {
			x.shut()
			return nil, fmt.Errorf("going on at byte %d of its text: %w", state.Offset, err)
		}
	case info.Size() < state.Offset: // it was truncated, and begins the same
		r.tell(path, "truncated", fmt.Errorf("it was read up to byte %d and has %d", state.Offset, info.Size()))
		state = pass.State{Format: state.Format}
	default:
		if _, err := f.Seek(state.Offset, io.SeekStart); err != nil {
			x.shut()
			return nil, err
		}
		x.raw.n = state.Offset
		x.text = x.raw
	}
	x.at = state.Offset
	if x.stream, err = r.p.Open(path, state); err != nil {
		x.shut()
		return nil, err
	}
	return x, nil
}

func (x *file) shut() {
	if x.closing != nil {
		x.closing()
	}
	_ = x.f.Close() // it was only read
}

// mark puts the position of a file into the book.
func (r *Reader) mark(x *file) {
	if x.entry == nil {
		return
	}
	x.entry.State = x.stream.State()
	x.entry.Used = r.o.Book.Saves + 1
	n := int(min(int64(len(x.head)), x.entry.State.Offset, maxPrint))
	if n != x.entry.Length || x.entry.Print == "" {
		x.entry.Length, x.entry.Print = n, printOf(x.head[:n])
	}
	r.dirty = true
}

// save writes the book when it is time to. A disk that is full ends nothing: it is told, and tried again.
func (r *Reader) save(now bool) error {
	if r.o.Book == nil || !r.dirty {
		return nil
	}
	t := r.o.Now()
	if !now && t.Sub(r.saved) < max(r.o.Every, 10*r.cost) { // what is counted may be large
		return nil
	}
	defer func() { r.saved, r.cost = r.o.Now(), r.o.Now().Sub(t) }()
	var kept any
	if r.o.Kept != nil {
		kept = r.o.Kept()
	}
	if err := r.o.Book.Save(kept); err != nil {
		r.tell(r.o.Book.path, "position", err)
		if now {
			return err
		}
		return nil
	}
	r.dirty = false
	return nil
}

// catchUp reads the rest of a file that lay at a path and was moved away since the position was saved.
func (r *Reader) catchUp(ctx context.Context, path string) error {
	if r.o.Book == nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil // reading it tells
	}
	device, inode := identity(info)
	head, err := beginning(path)
	if err != nil {
		return nil // reading it tells
	}
	for _, e := range slices.Clone(r.o.Book.Files) {
		if e.Path != path || e.begins(head) && (e.Inode == inode && e.Device == device || e.Length >= minPrint) {
			continue // another path, or the file that lies there
		}
		moved := r.moved(path, e)
		if moved == "" {
			r.tell(path, "rotated", errors.New("the file that was read is not beside it any more: what was added to it is not known"))
			e.Path = ""
			continue
		}
		e.Path = moved
		if info, err := os.Stat(moved); err == nil {
			e.Device, e.Inode = identity(info) // a copy has another than what was truncated
		}
		if _, known := r.files[moved]; known {
			continue // it is read in its turn
		}
		r.files[moved] = nil
		if err := r.read(ctx, moved); err != nil {
			return err
		}
		if x := r.files[moved]; x != nil {
			x.stream.Release(r.o.Now()) // nobody writes to it any more, and nobody reads it again
		}
		r.close(moved)
		delete(r.files, moved)
	}
	return nil
}

// moved finds the file of an entry in its folder.
func (r *Reader) moved(path string, e *Entry) string {
	dir := filepath.Dir(path)
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
		device, inode := identity(info)
		same := inode != 0 && inode == e.Inode && device == e.Device
		if !same && !(e.says(name) && related(d.Name(), filepath.Base(path))) {
			continue
		}
		if head, err := beginning(name); err == nil && e.begins(head) {
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

// beginning gives the first bytes of a file's text.
func beginning(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, _, closing, err := unpacked(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	defer closing()
	head := make([]byte, maxPrint)
	n, err := io.ReadFull(text, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// read reads a file to its end.
func (r *Reader) read(ctx context.Context, path string) error {
	x := r.files[path]
	if x == nil {
		var err error
		if x, err = r.open(path); err != nil {
			r.tell(path, "unreadable", err)
			return nil
		}
		r.files[path] = x
	}
	if x.ended {
		return nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.buf == nil {
			r.buf = make([]byte, blockSize)
		}
		before := x.raw.n
		n, err := x.text.Read(r.buf)
		if n > 0 {
			if len(x.head) < maxPrint && x.at == int64(len(x.head)) {
				x.head = append(x.head, r.buf[:min(n, maxPrint-len(x.head))]...)
			}
			x.at += int64(n)
			x.stream.Write(r.buf[:n], r.o.Now())
			r.mark(x)
			if serr := r.save(false); serr != nil {
				return serr
			}
		}
		r.done += x.raw.n - before
		if r.o.Step != nil {
			r.o.Step(path, r.done, r.total)
		}
		switch {
		case errors.Is(err, io.EOF):
			if x.packed {
				x.stream.Flush(r.o.Now())
				x.ended = true
			} else {
				x.rest(r)
			}
			r.mark(x)
			return nil
		case err != nil:
			x.stream.Flush(r.o.Now())
			r.mark(x)
			x.ended = true
			r.tell(path, "broken", err)
			return nil
		}
	}
}

func (r *Reader) close(path string) {
	x := r.files[path]
	if x == nil {
		return
	}
	x.rest(r)
	if r.o.Book == nil { // nobody goes on in it
		x.stream.Release(r.o.Now())
	}
	r.mark(x)
	x.shut()
	r.files[path] = nil
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

// follow reads what is added to files, and what comes from the network, until the context ends.
func (r *Reader) follow(ctx context.Context, names []string) {
	tick := time.NewTicker(r.o.Poll)
	defer tick.Stop()
	looks := 0
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-r.o.Messages:
			if !ok {
				return
			}
			r.Take(m)
			_ = r.save(false) // it was told, and is tried again
			continue
		case <-tick.C:
		}
		r.quiet()
		if !r.o.Follow {
			_ = r.save(false) // it was told, and is tried again
			continue
		}
		if looks++; looks%8 == 0 {
			if err := r.list(names); err != nil {
				r.tell(names[0], "unreadable", err)
			}
		}
		for _, path := range r.order {
			if err := r.look(ctx, path); err != nil {
				return
			}
		}
		_ = r.save(false) // it was told, and is tried again
	}
}

// quiet does what is to be done from time to time, whatever comes.
func (r *Reader) quiet() {
	for _, s := range r.streams {
		s.Rest(r.o.Now())
	}
	if r.o.Idle != nil {
		r.o.Idle()
	}
}

// look reads what was added to a file, and finds out whether it was truncated or moved away.
func (r *Reader) look(ctx context.Context, path string) error {
	x := r.files[path]
	if x == nil {
		if _, err := os.Stat(path); err != nil {
			return nil // it was moved away, and nothing came in its place yet
		}
		return r.read(ctx, path)
	}
	if x.ended {
		return nil
	}
	info, err := x.f.Stat()
	if err != nil {
		r.tell(path, "unreadable", err)
		return nil
	}
	if info.Size() < x.at || info.Size() != x.at && !x.beginsSame() {
		r.tell(path, "truncated", fmt.Errorf("it was read up to byte %d and has %d", x.at, info.Size()))
		format := x.stream.State().Format
		x.stream.Flush(r.o.Now())
		x.shut()
		if x.entry != nil {
			x.entry.State, x.entry.Length, x.entry.Print = pass.State{Format: format}, 0, printOf(nil)
		}
		r.files[path] = nil
		return r.read(ctx, path)
	}
	if err := r.read(ctx, path); err != nil {
		return err
	}
	there, err := os.Stat(path)
	if err == nil && os.SameFile(there, info) {
		x.gone = 0
		return nil
	}
	if x.gone++; x.gone < 3 { // who writes to it may not have been told yet
		return nil
	}
	x.stream.Flush(r.o.Now())
	r.mark(x)
	x.shut()
	r.files[path] = nil
	if err != nil {
		return nil
	}
	return r.read(ctx, path)
}

// beginsSame tells whether the beginning of the file is what it was.
func (x *file) beginsSame() bool {
	if x.packed || len(x.head) == 0 {
		return true
	}
	now := make([]byte, len(x.head))
	n, err := x.f.ReadAt(now, 0)
	return err == nil && n == len(now) && bytes.Equal(now, x.head) || err != nil && !errors.Is(err, io.EOF)
}

// Save writes the book at once.
func (r *Reader) Save() error { return r.save(true) }

// Touch notes that what is kept changed although nothing was read.
func (r *Reader) Touch() { r.dirty = true }

// Flush reads what stands there of lines of the network without an end.
func (r *Reader) Flush() {
	for _, s := range r.streams {
		s.Flush(r.o.Now())
	}
}

// Take reads lines of the network.
func (r *Reader) Take(m Message) {
	if m.Done != nil {
		defer close(m.Done)
	}
	s := r.streams[m.From]
	if s == nil {
		if len(r.streams) >= maxSenders {
			for from, old := range r.streams {
				old.Flush(r.o.Now())
				delete(r.streams, from)
				break
			}
		}
		var err error
		if s, err = r.p.Open(m.From, pass.State{}); err != nil {
			r.tell(m.From, "unreadable", err)
			return
		}
		r.streams[m.From] = s
	}
	s.Write(m.Text, r.o.Now())
	if m.More {
		s.Rest(r.o.Now())
	} else {
		s.Release(r.o.Now())
	}
	r.dirty = true
}
