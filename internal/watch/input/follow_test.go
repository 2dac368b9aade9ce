package input

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// following is a watch that follows its inputs.
type following struct {
	b      *bench
	r      *Reader
	step   chan func()
	ended  chan error
	cancel func()
}

// follow follows inputs, with the book or without.
func (b *bench) follow(book bool, names ...string) *following {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &following{b: b, r: b.start(Options{Follow: true, Poll: 5 * time.Millisecond}, book), step: make(chan func(), 1), ended: make(chan error, 1), cancel: cancel}
	f.r.o.Idle = func() {
		select {
		case x := <-f.step:
			x()
		default:
		}
	}
	go func() { f.ended <- f.r.Run(ctx, names) }()
	b.t.Cleanup(cancel)
	return f
}

// until waits until something is so, which is asked where the reader reads.
func (f *following) until(what string, is func() bool) {
	f.b.t.Helper()
	for end := time.Now().Add(60 * time.Second); ; {
		got := make(chan bool)
		f.step <- func() { got <- is() }
		if <-got {
			return
		}
		if time.Now().After(end) {
			f.b.t.Fatalf("%s: not after a minute", what)
		}
	}
}

// hits waits until there were n hits, and fails if there are more.
func (f *following) hits(what string, n int) {
	f.b.t.Helper()
	have := 0
	f.until(what, func() bool {
		have = len(f.b.numbers)
		return have >= n
	})
	if have > n {
		f.b.t.Fatalf("%s: %d hits instead of %d", what, have, n)
	}
}

// settled waits until the inputs were listed again twice.
func (f *following) settled() {
	f.b.t.Helper()
	for range 20 {
		f.until("settled", func() bool { return true })
	}
}

// end ends it.
func (f *following) end() {
	f.b.t.Helper()
	f.cancel()
	if err := <-f.ended; err != nil {
		f.b.t.Fatal(err)
	}
	if n := len(f.r.awake); n > 0 {
		f.b.t.Errorf("%d files were left open", n)
	}
}

// TestFollowedPattern: of a pattern that names the rotated parts of a log, too, each line is counted once without positions on disk: whether a rotation renames, packs, or copies and truncates.
func TestFollowedPattern(t *testing.T) {
	b := newBench(t)
	b.write("x.log", lines(0, 5))
	f := b.follow(false, b.path("x.log*"))
	f.hits("at first", 5)
	if err := os.Rename(b.path("x.log"), b.path("x.log.1")); err != nil {
		t.Fatal(err)
	}
	b.add("x.log.1", lines(5, 6)) // who writes was not told yet
	b.write("x.log", lines(6, 10))
	f.hits("renamed", 10)
	f.settled()
	b.write("x.log.1.gz", packed(t, lines(0, 6)))
	if err := os.Remove(b.path("x.log.1")); err != nil {
		t.Fatal(err)
	}
	f.settled()
	text, err := os.ReadFile(b.path("x.log"))
	if err != nil {
		t.Fatal(err)
	}
	b.write("x.log.2", string(text)+lines(10, 11)) // the last line came just before
	b.write("x.log", "")
	f.hits("copied", 11)
	b.add("x.log", lines(11, 13))
	f.hits("truncated", 13)
	f.settled()
	f.end()
	b.has("all", 13)
	if !slices.Equal(b.problems, []string{"truncated"}) {
		t.Errorf("problems: %v", b.problems)
	}
}

// TestSlowCopy: a copy that a rotation makes of a log, and that takes long, is not read beside the log before that is truncated; nor is one that somebody keeps.
func TestSlowCopy(t *testing.T) {
	b := newBench(t)
	b.write("x.log", lines(0, 30))
	f := b.follow(false, filepath.Join(b.dir, "logs"))
	f.hits("at first", 30)
	b.write("x.log.bak", lines(0, 30))
	b.write("x.log.1", lines(0, 12)+line(12)[:20])
	f.settled()
	b.add("x.log.1", line(12)[20:]+lines(13, 30))
	b.add("x.log", line(30))
	f.hits("meanwhile", 31)
	f.settled()
	b.add("x.log.1", line(30))
	b.write("x.log", "")
	b.add("x.log", lines(31, 33))
	f.hits("truncated", 33)
	f.settled()
	f.end()
	b.has("all", 33)
	if !slices.Equal(b.problems, []string{"truncated"}) {
		t.Errorf("problems: %v", b.problems)
	}
}

// TestManyFollowed: of more files than are open at once each is read on, those that sleep, too: added to, without an end of the last line, rotated, and when the watch ends.
func TestManyFollowed(t *testing.T) {
	const n = maxAwake + 50
	b := newBench(t)
	for i := range n {
		b.write(fmt.Sprintf("f%03d.log", i), line(i))
	}
	b.write("packed.gz", packed(t, line(n)))
	f := b.follow(false, filepath.Join(b.dir, "logs"))
	f.hits("at first", n+1)
	b.add("f000.log", line(n + 1)[:50])
	f.settled()
	b.add("f000.log", line(n + 1)[50:])
	b.add("f001.log", line(n+2))
	f.hits("added", n+3)
	if err := os.Rename(b.path("f002.log"), b.path("f002.log.1")); err != nil {
		t.Fatal(err)
	}
	b.add("f002.log.1", line(n+3))
	b.write("f002.log", line(n+4))
	f.hits("rotated", n+5)
	for i := range n { // all sleep once, and wake
		b.add(fmt.Sprintf("f%03d.log", i), line(n+5+i))
	}
	f.hits("all at once", 2*n+5)
	f.settled()
	f.end()
	b.has("all", 2*n+5)
	if len(b.problems) > 0 {
		t.Errorf("problems: %v", b.problems)
	}
}

// TestTornIsRead: a packed file that is still being written while it is followed is read when it is there, and what was torn counts once.
func TestTornIsRead(t *testing.T) {
	b := newBench(t)
	whole := packed(t, lines(0, 3000))
	b.write("a.gz", whole[:len(whole)/2])
	f := b.follow(false, filepath.Join(b.dir, "logs"))
	torn := 0
	f.until("torn", func() bool {
		torn = len(b.numbers)
		return len(b.problems) > 0
	})
	if torn == 0 || torn >= 3000 || b.problems[0] != "broken" {
		t.Fatalf("%d hits of the first half, %v", torn, b.problems)
	}
	f.settled()
	b.write("a.gz", whole)
	f.hits("whole", 3000)
	f.settled()
	f.end()
	b.has("all", 3000)
	if len(b.problems) != 1 {
		t.Errorf("problems: %v", b.problems)
	}
}

// TestWideIsFollowed: what is added to a log in UTF-16 is read while it is followed, and its encoding is told once.
func TestWideIsFollowed(t *testing.T) {
	b := newBench(t)
	wide := func(text string) string { // without the mark
		return asUTF16(text, binary.LittleEndian)[2:]
	}
	b.write("a.log", wide(lines(0, 10)+line(10)[:20]))
	f := b.follow(false, b.path("a.log"))
	f.hits("at first", 10)
	b.add("a.log", wide(line(10)[20:]+lines(11, 15)))
	f.hits("added", 15)
	b.add("a.log", wide(lines(15, 16)))
	f.hits("added again", 16)
	f.settled()
	f.end()
	b.has("all", 16)
	if len(b.problems) != 1 || b.problems[0] != "encoding" {
		t.Error(b.problems)
	}
}
