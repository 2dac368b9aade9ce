package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// live reads what is added to files, what comes by pipes, and what comes from the network, until the context or all that it comes from ends. It ends with the context's
// error only if that ended it before pipes were through, and nothing is followed.
func (r *Reader) live(ctx context.Context, names []string) error {
	pctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pipes, pieces, err := r.openPipes(pctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(r.o.Poll)
	defer tick.Stop()
	messages, following := r.o.Messages, r.o.Follow && len(names) > 0
	for looks := 0; following || messages != nil || len(pipes) > 0; {
		select {
		case <-ctx.Done():
			for p := range pipes {
				p.stream.Release(r.o.Now()) // nobody reads it again; of a line without an end the rest is not known
				r.dirty = true
			}
			if len(pipes) > 0 && !r.o.Follow {
				return ctx.Err()
			}
			return nil
		case x := <-pieces:
			if !r.takePiece(x) {
				delete(pipes, x.of)
			}
		case m, ok := <-messages:
			if !ok {
				messages = nil
				continue
			}
			r.Take(m)
		case <-tick.C:
			r.restPipes(pipes)
			r.quiet()
			if !following {
				break
			}
			if looks++; looks%8 == 0 {
				r.listAgain(names)
			}
			for _, path := range r.order {
				if err := r.look(ctx, path); err != nil {
					return nil // the watch was ended
				}
			}
		}
		_ = r.save(false) // it was told, and is tried again
	}
	return nil
}

// look reads what was added to a file, and finds out whether it was truncated or moved away.
func (r *Reader) look(ctx context.Context, path string) error {
	x := r.files[path]
	switch {
	case x == nil:
		if _, err := os.Stat(path); err != nil {
			return nil // it was moved away, and nothing came in its place yet
		}
		return r.read(ctx, path)
	case x.changed:
		r.files[path] = nil
		if err := r.catchUp(ctx, path); err != nil {
			return err
		}
		return r.read(ctx, path)
	case x.sleeps():
		return nil
	}
	info, err := x.f.Stat()
	if err != nil {
		r.tell(path, "unreadable", err)
		return nil
	}
	if info.Size() < x.at || info.Size() != x.at && !x.beginsSame() {
		return r.truncated(ctx, x, info)
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
	x.note()
	r.shut(x)
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

// truncated goes on in a file that was truncated. Where a rotation left a copy of it beside it, what was added to that last is read first.
func (r *Reader) truncated(ctx context.Context, x *file, info fs.FileInfo) error {
	path, e := x.path, x.entry
	r.tell(path, "truncated", fmt.Errorf("it was read up to byte %d and has %d", x.at, info.Size()))
	r.book.moved(e, path, identified{}) // what it was does not lie there any more
	copied := r.moved(path, e)
	if copied == "" {
		x.stream.Flush(r.o.Now())
	}
	format := x.stream.State().Format
	r.shut(x)
	r.files[path] = nil
	if copied != "" {
		if err := r.readMoved(ctx, copied, e); err != nil {
			return err
		}
	} else {
		r.book.moved(e, "", identified{})
	}
	r.book.begin(path, identity(info), format)
	return r.read(ctx, path)
}
