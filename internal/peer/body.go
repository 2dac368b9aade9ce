package peer

import (
	"io"
	"sync"
)

// written is what a request's body turned out to hold.
type written struct {
	counts Counts
	more   bool
}

// body is a request body that is produced while it is sent. Production starts with
// the first Read, so that dialling is not charged to anybody.
type body struct {
	*io.PipeReader
	w       *io.PipeWriter
	once    sync.Once
	produce func(io.Writer) (written, error)
	done    chan struct{}
	res     written
	err     error
}

func newBody(produce func(io.Writer) (written, error)) *body {
	r, w := io.Pipe()
	return &body{PipeReader: r, w: w, produce: produce, done: make(chan struct{})}
}

func (b *body) Read(p []byte) (int, error) {
	b.once.Do(func() {
		go func() {
			defer close(b.done)
			b.res, b.err = b.produce(b.w)
			b.w.CloseWithError(b.err)
		}()
	})
	return b.PipeReader.Read(p)
}

// wait returns when production has ended, or at once if it never began.
func (b *body) wait() (written, error) {
	b.once.Do(func() { close(b.done) })
	<-b.done
	return b.res, b.err
}
