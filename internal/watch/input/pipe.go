package input

import (
	"bufio"
	"context"
	"errors"
	"io"

	"entente/internal/watch/pass"
)

// Pipe is a stream that cannot be asked again, such as standard input or a named pipe.
type Pipe struct {
	Name string
	In   io.Reader
}

// pipe is a Pipe that is read.
type pipe struct {
	name   string
	stream *pass.Stream
	free   chan []byte
	begun  bool
	lately int // how much came since the last tick
}

// piece is what was read of a pipe at once.
type piece struct {
	of     *pipe
	text   []byte // nil if the pipe could not be begun
	packed bool
	guess  string // an encoding that the text was told to have
	raw    int64  // how much of the pipe was read so far
	err    error
}

// openPipes begins to read the pipes.
func (r *Reader) openPipes(ctx context.Context) (map[*pipe]struct{}, <-chan piece, error) {
	open, pieces := map[*pipe]struct{}{}, make(chan piece)
	for _, x := range r.o.Pipes {
		s, err := r.p.Open(x.Name, pass.State{})
		if err != nil {
			return nil, nil, err
		}
		p := &pipe{name: x.Name, stream: s, free: make(chan []byte, 2)}
		for range cap(p.free) {
			p.free <- make([]byte, blockSize)
		}
		open[p] = struct{}{}
		go pump(ctx, p, x.In, pieces)
	}
	return open, pieces, nil
}

// takePiece reads what came by a pipe, and tells whether more may come.
func (r *Reader) takePiece(x piece) bool {
	p := x.of
	if x.text == nil {
		r.tell(p.name, "unreadable", x.err)
		return false
	}
	if !p.begun {
		p.begun = true
		r.told(p.name, x.guess)
	}
	if n := len(x.text); n > 0 {
		p.lately += n
		p.stream.Write(x.text, r.o.Now())
		if !x.packed && n < blockSize/16 { // lines come one by one
			p.stream.Rest(r.o.Now())
		}
		r.dirty = true
		if r.o.Step != nil {
			r.o.Step(p.name, r.done+x.raw, r.total)
		}
	}
	p.free <- x.text[:cap(x.text)]
	if x.err == nil {
		return true
	}
	p.stream.Flush(r.o.Now())
	if !errors.Is(x.err, io.EOF) {
		r.tell(p.name, "broken", x.err)
	}
	return false
}

// restPipes reads the whole lines that pipes held back. What comes faster than it happens is a log that is piped through: there more comes at once.
func (r *Reader) restPipes(open map[*pipe]struct{}) {
	for p := range open {
		if p.lately < blockSize {
			p.stream.Rest(r.o.Now())
		}
		p.lately = 0
	}
}

// pump reads a pipe into what is free, until it ends or the context does. Its last piece has an error.
func pump(ctx context.Context, p *pipe, in io.Reader, pieces chan<- piece) {
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
		give(piece{of: p, err: err})
		return
	}
	defer closing()
	for {
		select {
		case <-ctx.Done():
			return
		case buf := <-p.free:
			n, err := text.Read(buf)
			if !give(piece{p, buf[:n], packed, guess, raw.n, err}) {
				return
			}
		}
	}
}
