package input

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/pass"
)

// TestQuietPipe: while a pipe is quiet all else goes on: what is to be done from time to time, and messages; what came is there at once. It ends with the context although a read waits.
func TestQuietPipe(t *testing.T) {
	b := newBench(t)
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	idle := make(chan pass.Counts)
	messages := make(chan Message)
	r := b.start(Options{Poll: time.Millisecond, Pipes: []Pipe{{"-", in}}, Messages: messages, Idle: func() {
		select {
		case idle <- b.pass.Counts:
		case <-ctx.Done():
		}
	}}, false)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, nil) }()
	wait := func(lines int64) {
		t.Helper()
		for after := time.After(time.Minute); ; {
			select {
			case c := <-idle:
				if c.Lines == lines {
					return
				}
			case err := <-ended:
				t.Fatal(err)
			case <-after:
				t.Fatalf("%d lines were not seen", lines)
			}
		}
	}
	wait(0)
	if _, err := io.WriteString(out, lines(0, 3)); err != nil {
		t.Fatal(err)
	}
	wait(3)
	done := make(chan struct{})
	for sent := false; !sent; {
		select {
		case messages <- Message{From: "sender", Text: []byte(line(3)), Done: done}:
			sent = true
		case <-idle:
		}
	}
	wait(4)
	<-done
	if _, err := io.WriteString(out, line(4)); err != nil {
		t.Fatal(err)
	}
	wait(5)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.has("quiet", 5)
}

// endless gives the same lines over and over.
type endless struct{ text string }

func (x endless) Read(p []byte) (n int, err error) {
	for n+len(x.text) <= len(p) {
		n += copy(p[n:], x.text)
	}
	return n, nil
}

// TestBusyPipe: what is to be done from time to time is done although more comes at any time.
func TestBusyPipe(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	idle := 0
	r := b.start(Options{Poll: 100 * time.Millisecond, Pipes: []Pipe{{"-", endless{strings.ReplaceAll(lines(0, 10), "evil", "good")}}}, Idle: func() {
		if idle++; idle == 3 {
			cancel()
		}
	}}, false)
	if err := r.Run(ctx, nil); !errors.Is(err, context.Canceled) || idle != 3 {
		t.Errorf("%d times, %v", idle, err)
	}
}

// TestShortLine: a first line that is shorter than what a packed stream is told by is read although nothing follows.
func TestShortLine(t *testing.T) {
	for _, text := range []string{"\n", "B\n", "BZh\n", "P*M\n", "192.0.2.1\n"} {
		b := newBench(t)
		in, out := io.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r := b.start(Options{Poll: time.Millisecond, Pipes: []Pipe{{"-", in}}, Idle: func() {
			if b.pass.Counts.Lines == 1 {
				cancel()
			}
		}}, false)
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx, nil) }()
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%q is not read: %v", text, err)
		}
		out.Close()
		cancel()
	}
}

// TestPipeIsKept: what was counted of a pipe that stays open is kept from time to time.
func TestPipeIsKept(t *testing.T) {
	b := newBench(t)
	in, out := io.Pipe()
	r := b.start(Options{Poll: time.Millisecond, Every: time.Nanosecond, Pipes: []Pipe{{"-", in}}}, true)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context(), nil) }()
	defer func() {
		out.Close()
		<-ended
	}()
	if _, err := io.WriteString(out, lines(0, 3)); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if k, err := OpenBook(b.book); err == nil && string(k.Kept) == "[0,1,2]" {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatal("nothing is kept")
		}
	}
}

// TestStoppedPipe: when a watch of a pipe is stopped the whole lines are read that were held back, as those by which the format would be told, and of the network what has begun; all is kept.
func TestStoppedPipe(t *testing.T) {
	b := newBench(t)
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	taken, messages, done := make(chan struct{}), make(chan Message), make(chan struct{})
	r := b.start(Options{Poll: time.Hour, Pipes: []Pipe{{"-", in}}, Messages: messages, Step: func(string, int64, int64) { close(taken) }}, true)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, nil) }()
	long := strings.ReplaceAll(lines(0, 20), `{"ts"`, `{"padding":"`+strings.Repeat("x", 1000)+`","ts"`)
	if _, err := io.WriteString(out, long+strings.TrimSuffix(line(20), "\n")); err != nil { // the last one may go on
		t.Fatal(err)
	}
	<-taken
	messages <- Message{From: "sender", Text: []byte(strings.TrimSuffix(line(20), "\n")), More: true, Done: done}
	<-done
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.start(Options{}, true) // with what was kept
	b.has("stopped", 21)
}

// broken gives some bytes and then an error.
type broken struct {
	io.Reader
	err error
}

func (x *broken) Read(p []byte) (int, error) {
	n, err := x.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = x.err
	}
	return n, err
}

// TestPipeEnds: what came before a pipe ended or broke off is read, that it broke off is said, and so is that it could not be begun.
func TestPipeEnds(t *testing.T) {
	bad := errors.New("bad")
	for name, c := range map[string]struct {
		in       io.Reader
		n        int
		problems int
	}{
		"whole":               {strings.NewReader(lines(0, 5000)), 5000, 0},
		"without an end":      {strings.NewReader(strings.TrimSuffix(lines(0, 3), "\n")), 3, 0},
		"empty":               {strings.NewReader(""), 0, 0},
		"breaks off":          {&broken{strings.NewReader(lines(0, 7)), bad}, 7, 1},
		"packed":              {strings.NewReader(packed(t, lines(0, 20000))), 20000, 0},
		"packed, breaks off":  {strings.NewReader(packed(t, lines(0, 9))[:60]), 0, 1},
		"packed, of one byte": {strings.NewReader("\x1f\x8b\x08"), 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := b.start(Options{Pipes: []Pipe{{"-", c.in}}}, false).Run(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if len(b.problems) != c.problems {
				t.Errorf("%q", b.problems)
			}
			if c.n > 0 {
				b.has(name, c.n)
			}
		})
	}
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	z := gzip.NewWriter(&out)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
