package input

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"entente/internal/watch/pass"
)

// piece is what was read of a pipe at once.
type piece struct {
	text   []byte // nil if the pipe could not be begun
	packed bool
	guess  string // an encoding that the text was told to have
	raw    int64  // how much of the pipe was read so far
	err    error
}

// Pipe reads a stream that cannot be asked again, such as standard input, to its end. While nothing comes it goes on with all else, messages among it, and ends with the context; a
// read that waits then is left to itself.
func (r *Reader) Pipe(ctx context.Context, name string, in io.Reader) error {
	s, err := r.p.Open(name, pass.State{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces, free := make(chan piece), make(chan []byte, 2)
	for range cap(free) {
		free <- make([]byte, blockSize)
	}
	go pump(ctx, in, pieces, free)
	tick := time.NewTicker(r.o.Poll)
	defer tick.Stop()
	messages := r.o.Messages
	begun := false
	lately := 0 // how much came since the last tick
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m, ok := <-messages:
			if !ok {
				messages = nil
				continue
			}
			r.Take(m)
			_ = r.save(false) // it was told, and is tried again
		case <-tick.C:
			if lately < blockSize { // it comes as it happens; a log that is piped through comes faster, and ends
				s.Rest(r.o.Now())
				r.quiet()
			}
			lately = 0
		case x := <-pieces:
			if x.text == nil {
				return x.err
			}
			if !begun {
				begun = true
				r.told(name, x.guess)
			}
			if n := len(x.text); n > 0 {
				lately += n
				s.Write(x.text, r.o.Now())
				if !x.packed && n < blockSize/16 { // lines come one by one
					s.Rest(r.o.Now())
				}
				r.dirty = true
				if r.o.Step != nil {
					r.o.Step(name, x.raw, 0)
				}
			}
			free <- x.text[:cap(x.text)]
			if x.err == nil {
				continue
			}
			s.Flush(r.o.Now())
			if !errors.Is(x.err, io.EOF) {
				r.tell(name, "broken", x.err)
			}
			return nil
		}
	}
}

// pump reads a pipe into what is free, until it ends or the context does. Its last piece has an error.
func pump(ctx context.Context, in io.Reader, pieces chan<- piece, free <-chan []byte) {
	give := func(x piece) bool {
		select {
		case pieces <- x:
			return x.err == nil
		case <-ctx.Done():
			return false
		}
	}
	raw := &counting{r: in}
	text, packed, guess, closing, err := unpackedAs(bufio.NewReaderSize(raw, blockSize))
	if err != nil {
		give(piece{err: err})
		return
	}
	defer closing()
	for {
		select {
		case <-ctx.Done():
			return
		case buf := <-free:
			n, err := text.Read(buf)
			if !give(piece{buf[:n], packed, guess, raw.n, err}) {
				return
			}
		}
	}
}
