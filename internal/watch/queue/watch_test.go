package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/seen"
)

// watch reads a queue, and settles all it reads, until it is stopped.
type watch struct {
	t      *testing.T
	cancel func()
	done   chan struct{}
	stats  *Stats
	err    error
	lines  chan string
	told   chan string
	got    []string
	said   []string
}

// newWatch opens a queue, and opens it again when it was made anew; open is given whether that is so.
func newWatch(t *testing.T, open func(ctx context.Context, again bool) (Source, error)) *watch {
	t.Helper()
	s, err := open(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &watch{t: t, cancel: cancel, done: make(chan struct{}), stats: &Stats{}, lines: make(chan string, 100_000), told: make(chan string, 10_000)}
	go func() {
		defer close(w.done)
		w.err = Read(ctx, s, Options{Counted: map[string]*seen.Messages{}, Now: time.Now, Stats: w.stats,
			Again: func(ctx context.Context) (Source, error) {
				again, err := open(ctx, true)
				if err == nil {
					s = again
				}
				return again, err
			},
			Take:   func(m *Message) { w.lines <- string(m.Text) },
			Settle: func(context.Context, []*Message) error { return nil },
			Tell:   func(kind string, err error) { w.told <- fmt.Sprintf("%s: %v", kind, err) }})
		s.Close()
	}()
	t.Cleanup(w.stop)
	return w
}

// until waits until it read texts.
func (w *watch) until(texts ...string) {
	w.t.Helper()
	missing := map[string]bool{}
	for _, text := range texts {
		missing[text] = true
	}
	for _, text := range w.got {
		delete(missing, text)
	}
	for len(missing) > 0 {
		w.wait(func(line string) { delete(missing, line) }, func(string) {}, missing)
	}
}

// says waits until it said something with a text.
func (w *watch) says(text string) {
	w.t.Helper()
	said := strings.Contains(strings.Join(w.said, "\n"), text)
	for !said {
		w.wait(func(string) {}, func(line string) { said = strings.Contains(line, text) }, text)
	}
}

// wait waits for one line that is read or said.
func (w *watch) wait(read, said func(string), what any) {
	w.t.Helper()
	select {
	case line := <-w.lines:
		w.got = append(w.got, line)
		read(line)
	case line := <-w.told:
		w.said = append(w.said, line)
		said(line)
	case <-time.After(time.Minute):
		w.t.Fatalf("%.200q did not come; read was %.500q, said %.2000q", fmt.Sprint(what), w.got, w.said)
	}
}

// stop ends it as Ctrl-C does.
func (w *watch) stop() {
	w.t.Helper()
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.cancel = nil
	<-w.done
	if w.err != nil {
		w.t.Error(w.err)
	}
	for len(w.lines)+len(w.told) > 0 {
		select {
		case line := <-w.lines:
			w.got = append(w.got, line)
		case line := <-w.told:
			w.said = append(w.said, line)
		}
	}
}

// read checks all that was read, in any order.
func (w *watch) read(want ...string) {
	w.t.Helper()
	got := slices.Sorted(slices.Values(w.got))
	if slices.Sort(want); !slices.Equal(got, want) {
		w.t.Errorf("read was %.500q, and %.500q is to be; said %.500q", got, want, w.said)
	}
}
