package input

import (
	"context"
	"errors"
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
	// Leave names files and folders that are no logs although they may lie among them: what the watch itself writes.
	Leave []string
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
	// Pipes are read to their ends, after the files, while all else goes on. A read that waits when the context ends is left to itself.
	Pipes []Pipe
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
	book    *Book // what Options has, or of this run where files are followed without; else nil
	files   map[string]*file
	awake   []*file                 // those that are open while they are followed, that to which something was added last at the end
	streams map[string]*pass.Stream // of the network
	order   []string
	failed  map[string]string // why a file cannot be read, as it was told
	guessed map[string]string // encodings, as they were told
	faults  map[string]fault  // of the last listing
	buf     []byte
	saved   time.Time
	cost    time.Duration // of the last save
	dirty   bool
	total   int64
	done    int64
}

// maxSenders is the number of senders of the network whose formats are remembered.
const maxSenders = 4096

// NewReader makes a reader for a pass.
func NewReader(p *pass.Pass, o Options) *Reader {
	if o.Poll == 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	r := &Reader{o: o, p: p, book: o.Book, files: map[string]*file{}, streams: map[string]*pass.Stream{}, failed: map[string]string{}, guessed: map[string]string{}}
	if r.book == nil && o.Follow {
		r.book = newBook("")
	}
	return r
}

func (r *Reader) tell(input, code string, err error) {
	if r.o.Tell != nil {
		r.o.Tell(Problem{input, code, err})
	}
}

// told tells of an encoding that a text was told to have; empty: it has a mark, or is plain.
func (r *Reader) told(input, guess string) {
	if guess != "" && r.guessed[input] != guess {
		r.guessed[input] = guess
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
		if err := r.catchUp(ctx, path); err != nil {
			return errors.Join(err, r.save(true))
		}
		if err := r.read(ctx, path); err != nil {
			return errors.Join(err, r.save(true))
		}
		if !r.o.Follow {
			r.close(ctx, path)
		}
	}
	ended := r.live(ctx, names)
	for _, path := range r.order {
		r.close(context.WithoutCancel(ctx), path)
	}
	r.Flush()
	if r.o.End != nil {
		r.o.End()
		r.dirty = true
	}
	return errors.Join(ended, r.save(true))
}

// due tells whether it is time to write the book: what is counted may be large.
func (r *Reader) due() bool {
	return r.o.Book != nil && r.dirty && r.o.Now().Sub(r.saved) >= max(r.o.Every, 10*r.cost)
}

// save writes the book if it is due, or at once. A disk that is full ends nothing: it is told, and tried again.
func (r *Reader) save(now bool) error {
	if r.o.Book == nil || !r.dirty || !now && !r.due() {
		return nil
	}
	t := r.o.Now()
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

// quiet does what is to be done from time to time, whatever comes.
func (r *Reader) quiet() {
	for _, s := range r.streams {
		s.Rest(r.o.Now())
	}
	if r.o.Idle != nil {
		r.o.Idle()
	}
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
