package dnstap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// conversation gives what a connection holds that sends in, a few bytes at a time, and what it is answered.
func conversation(t testing.TB, in []byte, atOnce int) (lines []string, answers []byte, err error) {
	t.Helper()
	from := &slow{in: in, n: atOnce}
	var out bytes.Buffer
	r, err := Accept(bufio.NewReaderSize(from, 4096), &out)
	for err == nil {
		waits, before := r.Waits(), from.reads
		var line []byte
		if line, err = r.Line(); err == nil {
			lines = append(lines, string(line))
		}
		if !waits && from.reads != before {
			t.Fatal("reading a frame that is there whole asked the sender")
		}
	}
	if r != nil && errors.Is(err, io.EOF) {
		if err := r.Finish(&out); err != nil {
			t.Fatal(err)
		}
	}
	return lines, out.Bytes(), err
}

type slow struct {
	in       []byte
	n, reads int
}

func (s *slow) Read(p []byte) (int, error) {
	s.reads++
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in[:min(s.n, len(s.in))])
	s.in = s.in[n:]
	return n, nil
}

// TestConnections: a sender that waits for answers has them, one that does not has none, and what is out of order is refused.
func TestConnections(t *testing.T) {
	good := stream(tap(reply(name("evil", "example"))), tap(reply(name("next", "example"))))
	accept, finish := string(controlFrame(controlAccept, Content)), string(controlFrame(controlFinish))
	body := good[len(controlFrame(controlStart, Content)):]
	for _, c := range []struct {
		name    string
		in      []byte
		lines   int
		answers string
		err     error
	}{
		{"one way", good, 2, "", io.EOF},
		{"both ways", append(controlFrame(controlReady, Content), good...), 2, accept + finish, io.EOF},
		{"both ways, several contents", append(controlFrame(controlReady, "text:x", Content), good...), 2, accept + finish, io.EOF},
		{"both ways, any content", append(append(controlFrame(controlReady), controlFrame(controlStart)...), body...), 2, accept + finish, io.EOF},
		{"no end", append(controlFrame(controlReady, Content), good[:len(good)-len(controlFrame(controlStop))]...), 2, accept, io.EOF},
		{"what comes behind the end", append(bytes.Clone(good), good...), 2, "", io.EOF},
		{"cut", good[:len(good)-len(controlFrame(controlStop))-1], 1, "", io.ErrUnexpectedEOF},
		{"nothing", nil, 0, "", io.EOF},
		{"cut at first", good[:7], 0, "", io.ErrUnexpectedEOF},
		{"only ready", controlFrame(controlReady, Content), 0, accept, io.EOF},
		{"other content", append(controlFrame(controlReady, "text:x"), good...), 0, "", ErrStream},
		{"other content at last", append(controlFrame(controlReady, Content), controlFrame(controlStart, "text:x")...), 0, accept, ErrStream},
		{"ready twice", append(controlFrame(controlReady, Content), controlFrame(controlReady, Content)...), 0, accept, ErrStream},
		{"accept at first", append(controlFrame(controlAccept, Content), good...), 0, "", ErrStream},
		{"start in between", append(append(controlFrame(controlStart, Content), controlFrame(controlStart, Content)...), body...), 0, "", ErrStream},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n"), 0, "", ErrStream},
	} {
		for _, atOnce := range []int{1, 5, 1 << 20} {
			lines, answers, err := conversation(t, c.in, atOnce)
			if len(lines) != c.lines || string(answers) != c.answers || !errors.Is(err, c.err) {
				t.Errorf("%s, %d bytes at once: %d lines, answered %q: %v", c.name, atOnce, len(lines), answers, err)
			}
		}
	}
}

// FuzzAccept: whatever comes over a connection, and however it is cut, it gives the same lines of JSON, and no more is answered than ACCEPT and FINISH.
func FuzzAccept(f *testing.F) {
	good := stream(tap(reply(name("evil", "example"))))
	f.Add(good, 3)
	f.Add(append(controlFrame(controlReady, Content), good...), 100)
	f.Add(append(controlFrame(controlReady, Content), good[:len(good)-9]...), 1)
	f.Fuzz(func(t *testing.T, in []byte, atOnce int) {
		lines, answers, err := conversation(t, in, max(1, min(atOnce, 1<<20)))
		whole, again, err2 := conversation(t, in, 1<<20)
		if strings.Join(lines, "") != strings.Join(whole, "") || !bytes.Equal(answers, again) || (err == nil) != (err2 == nil) {
			t.Fatal("cut in another way it reads otherwise")
		}
		if most := append(controlFrame(controlAccept, Content), controlFrame(controlFinish)...); !bytes.HasPrefix(most, answers) {
			t.Fatalf("answered %q", answers)
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) || len(line) > 2*maxText || line[len(line)-1] != '\n' {
				t.Fatalf("%d bytes: %.300q", len(line), line)
			}
		}
	})
}
