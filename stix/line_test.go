package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readTexts reads a stream by its texts. Of an object that is taken it gives its text alone.
func readTexts(r io.Reader, take func(rest []byte) int) (out []string) {
	var last string
	var taker func(rest []byte) int
	if take != nil {
		taker = func(rest []byte) int {
			n := take(rest)
			last = strings.TrimSpace(string(rest[:n]))
			return n
		}
	}
	for t, err := range NewReader(r, ReaderOptions{}).Texts(taker) {
		if t == nil && err == nil {
			out = append(out, last)
			continue
		}
		var o *Object
		if err == nil {
			o, err = t.Object()
		}
		var re *ReadError
		if errors.As(err, &re) && re.Fatal {
			return append(out, fmt.Sprint("fatal: ", errors.Is(err, ErrSyntax)))
		}
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, fmt.Sprintf("%d %s %s", t.at.Offset, t.at.Path, o.Raw))
	}
	return out
}

// takeSome takes whole objects of which the text has some lengths, and white space behind them.
func takeSome(rest []byte) int {
	for n := range rest {
		if rest[n] != '}' || n%3 == 0 {
			continue
		}
		o, err := Parse(bytes.Clone(rest[:n+1]))
		if err != nil || o.Type == "bundle" || o.Root().Member("objects").Kind() == KindArray {
			continue
		}
		for n++; n < len(rest) && rest[n] == '\n'; n++ {
		}
		return n
	}
	return 0
}

// sameLines holds the reading of whole lines to that of members: with what cannot be taken as a line, because only a part of it is at hand each time.
func sameLines(t *testing.T, text string) {
	t.Helper()
	want := readTexts(iotest.OneByteReader(strings.NewReader(text)), nil)
	for _, r := range []io.Reader{strings.NewReader(text), iotest.HalfReader(strings.NewReader(text)), iotest.OneByteReader(strings.NewReader(text))} {
		got := readTexts(r, takeSome)
		for i := range min(len(got), len(want)) {
			if strings.HasPrefix(got[i], "{") && strings.HasSuffix(want[i], " "+got[i]) {
				got[i] = want[i]
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s: where some are taken %q, else %q", text, got, want)
		}
	}
	if got := readTexts(strings.NewReader(text), nil); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s: by lines %q, by members %q", text, got, want)
	}
	var objects []string
	r := NewReader(strings.NewReader(text), ReaderOptions{})
	for o, err := range r.Objects() {
		var re *ReadError
		switch {
		case errors.As(err, &re) && re.Fatal:
			objects = append(objects, fmt.Sprint("fatal: ", errors.Is(err, ErrSyntax)))
		case err != nil:
			objects = append(objects, err.Error())
		default:
			objects = append(objects, fmt.Sprintf("%d %s %s", r.Position().Offset, r.Position().Path, o.Raw))
		}
	}
	if strings.Join(objects, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s: objects %q, texts %q", text, objects, want)
	}
}

// TestLines: objects on lines of their own are the same whether they are taken as lines or by their members, whatever stands in them and around them.
func TestLines(t *testing.T) {
	const object = `{"type":"x-a","id":"x-a--11111111-1111-4111-8111-111111111111","n":"b"}`
	parts := []string{"\n", "\r\n", " ", "{", "}", "[", "]", `"`, `\`, `\"`, ",", ":", `"objects":[]`, `,"objects":[` + object + `]`, `"type":"bundle"`, `,"type":"x-b"`, "bundle", `,"m":{"a":[{}]}`, `"}\n{"`, object, object + "\n", "\xff", "\x00", "é", `{"type":"bundle","objects":[`, `]}`, "\xef\xbb\xbf"}
	r := rand.New(rand.NewPCG(17, 18))
	for range 5_000 {
		text := strings.Repeat(object+"\n", 1+r.IntN(3)) + object
		for range r.IntN(4) {
			at := r.IntN(len(text) + 1)
			text = text[:at] + parts[r.IntN(len(parts))] + text[min(at+r.IntN(2)*r.IntN(3), len(text)):]
		}
		sameLines(t, text)
	}
}

// TestTaken: objects are taken in lists and in between, up to where as many were read as may be, and none where each is to be validated.
func TestTaken(t *testing.T) {
	const object = `{"type":"x-a","id":"x-a--11111111-1111-4111-8111-111111111111"}`
	text := `{"type":"bundle","objects":[` + object + `,` + object + `]}[` + object + `]` + object + strings.Repeat(" ", 2*maxTaken)
	all := func(rest []byte) int {
		if len(rest) > maxTaken {
			t.Errorf("%d bytes are shown", len(rest))
		}
		if strings.HasPrefix(string(rest), object) {
			return len(object)
		}
		return 0
	}
	for _, c := range []struct {
		ReaderOptions
		taken int
		err   error
	}{{ReaderOptions{}, 4, nil}, {ReaderOptions{MaxObjects: 3}, 3, ErrTooLarge}, {ReaderOptions{Strict: true}, 0, nil}, {ReaderOptions{Limits: Limits{MaxObjectBytes: 10}}, 0, nil}} {
		n, take := 0, all
		if c.MaxObjectBytes > 0 {
			take = func(rest []byte) int {
				if len(rest) > c.MaxObjectBytes {
					t.Error("more is shown than an object may have")
				}
				return 0
			}
		}
		var last error
		for x, err := range NewReader(strings.NewReader(text), c.ReaderOptions).Texts(take) {
			if last = err; x == nil && err == nil {
				n++
			}
		}
		if n != c.taken || c.err != nil && !errors.Is(last, c.err) {
			t.Errorf("%+v: %d are taken, and then %v", c.ReaderOptions, n, last)
		}
	}
}

// TestLineIsTaken: the usual lines are.
func TestLineIsTaken(t *testing.T) {
	for line, want := range map[string]bool{
		`{"type":"indicator","id":"a","l":["b{",{"c":"]"}]}` + "\n": true,
		`{"type":"a"}` + "\r\n":           true,
		`{"type":"a"}`:                    false,
		`{"type":"a"} ` + "\n":            false,
		`{"type":"a"}{"type":"b"}` + "\n": false,
		`{"type":"a","b":"\\"}` + "\n":    false,
		`{"type":"bundle"}` + "\n":        false,
		`{"id":"a"}` + "\n":               false,
		`{"type":"a` + "\n":               false,
		`{"type":"a"` + "\n":              false,
	} {
		s := scanner{src: strings.NewReader(line), maxValue: 1000}
		if _, err := s.peek(); err != nil {
			t.Fatal(err)
		}
		if got := s.line(); got != want || got && s.pos != int64(len(bytes.TrimRight([]byte(line), "\r\n"))) {
			t.Errorf("%q is taken: %t, up to %d", line, got, s.pos)
		}
	}
}
