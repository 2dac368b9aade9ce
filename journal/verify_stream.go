package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// chunk is a piece of the stream: read by one goroutine, parsed by another,
// judged in order by a third.
type chunk struct {
	records []Record
	arena   []byte
	entries []*Entry // parsed, nil for checkpoints
	err     error    // of the first entry that does not parse
	bad     int      // its place in records
	done    chan struct{}
}

func (v *verifier) run(records iter.Seq2[Record, error]) (Report, error) {
	defer v.cancel(errStop)
	work := make(chan *chunk, v.p.Workers)
	order := make(chan *chunk, 2*v.p.Workers)
	var workers sync.WaitGroup
	for range v.p.Workers {
		workers.Go(func() {
			p := NewParser()
			for c := range work {
				c.parse(p)
				close(c.done)
			}
		})
	}
	judged := make(chan error, 1)
	go func() { judged <- v.judgeAll(order) }()
	readErr := v.read(records, work, order)
	close(work)
	close(order)
	err := <-judged
	workers.Wait()
	v.signs.Wait()
	if sig := context.Cause(v.ctx); sig != nil && !errors.Is(sig, errStop) && err == nil {
		err = sig
	}
	if err == nil && readErr != nil {
		err = refusalOfRead(readErr, v.led.origin, v.tree.size)
	}
	if err == nil {
		err = v.end()
	}
	v.fill()
	return v.report, err
}

// refusalOfRead names the entry at which reading stopped.
func refusalOfRead(err error, o Origin, index int64) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if CodeOf(err) != "" {
		return asRefusal(err, CodeDamaged, o, index)
	}
	return fmt.Errorf("%w: %w", refuse(CodeDamaged, o, index, "it or its checkpoint cannot be read"), err)
}

// read copies the records into chunks and hands them out.
func (v *verifier) read(records iter.Seq2[Record, error], work, order chan<- *chunk) error {
	c := v.newChunk()
	flush := func() bool {
		if len(c.records) == 0 {
			return true
		}
		c.done = make(chan struct{})
		select {
		case order <- c:
		case <-v.ctx.Done():
			return false
		}
		work <- c // workers never stop before work is closed
		c = v.newChunk()
		return true
	}
	for r, err := range records {
		if err != nil {
			flush()
			return err
		}
		if len(c.arena)+len(r.Content) > cap(c.arena) {
			// The old arena stays alive through the records that point into it.
			c.arena = make([]byte, 0, max(chunkBytes, len(r.Content)))
		}
		at := len(c.arena)
		c.arena = append(c.arena, r.Content...)
		c.records = append(c.records, Record{r.Kind, c.arena[at:len(c.arena):len(c.arena)]})
		if len(c.records) >= chunkRecords || len(c.arena) >= chunkBytes {
			if !flush() {
				return context.Cause(v.ctx)
			}
		}
	}
	if !flush() {
		return context.Cause(v.ctx)
	}
	return nil
}

func (v *verifier) newChunk() *chunk {
	select {
	case c := <-v.free:
		clear(c.entries)
		*c = chunk{records: c.records[:0], arena: c.arena[:0], entries: c.entries[:0]}
		return c
	default:
		return &chunk{arena: make([]byte, 0, chunkBytes)}
	}
}

func (c *chunk) parse(p *Parser) {
	c.entries = slices.Grow(c.entries, len(c.records))[:len(c.records)]
	for i, r := range c.records {
		if r.Kind != RecordEntry {
			continue
		}
		if c.entries[i], c.err = p.Parse(r.Content); c.err != nil {
			c.bad = i
			return
		}
	}
}

// judgeAll takes the chunks in order. After an error it cancels and drains.
func (v *verifier) judgeAll(order <-chan *chunk) error {
	var first error
	for c := range order {
		if first != nil {
			continue
		}
		<-c.done
		if first = v.judge(c); first != nil {
			v.cancel(errStop)
			continue
		}
		// What is kept of a chunk (the last entry) is used without its bytes.
		select {
		case v.free <- c:
		default:
		}
	}
	return first
}
