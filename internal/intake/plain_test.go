package intake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"entente/internal/observable"
)

// closely reads a list line by line, and looks closely at each.
func closely(in io.Reader) (out []string) {
	r := bufio.NewReaderSize(in, MaxLine)
	for n := 1; ; n++ {
		raw, err := r.ReadSlice('\n')
		if len(raw) == 0 && err != nil {
			return out
		}
		line := string(raw)
		if errors.Is(err, bufio.ErrBufferFull) {
			out = append(out, fmt.Sprint(Item{}, lineError(n, line[:64], fmt.Sprintf("longer than %d bytes", MaxLine))))
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			continue
		}
		line = strings.TrimRight(line, "\r\n")
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if !utf8.ValidString(line) {
			out = append(out, fmt.Sprint(Item{}, lineError(n, strings.ToValidUTF8(line, "?"), "not valid UTF-8")))
			continue
		}
		for _, e := range entries(nil, line) {
			v, err := observable.Parse(e.value)
			if host, _, port := cutPort(observable.Refang(e.value)); err != nil && port && !strings.Contains(e.value, "/") {
				v, err = observable.Parse(host)
			}
			if err != nil {
				out = append(out, fmt.Sprint(Item{}, lineError(n, e.value, reason(err))))
				continue
			}
			out = append(out, fmt.Sprint(Item{Line: n, Value: v, Note: e.note, Confidence: -1}, error(nil)))
		}
	}
}

// readAsClosely holds ReadList to closely, in whatever pieces the text comes.
func readAsClosely(t *testing.T, text string) {
	t.Helper()
	for _, pieces := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.HalfReader, iotest.DataErrReader} {
		want := closely(pieces(strings.NewReader(text)))
		i := 0
		for item, err := range ReadList(pieces(strings.NewReader(text))) {
			if got := fmt.Sprint(item, err); i >= len(want) || got != want[i] {
				t.Fatalf("%.200q: %d is %s, want %.200q", text, i, got, want[min(i, len(want)):min(i+1, len(want))])
			}
			i++
		}
		if i != len(want) {
			t.Fatalf("%.200q: %d where there are %d", text, i, len(want))
		}
	}
}

// TestReadListAsClosely: a list that is read quickly gives what a close look at each line gives, with the same lines and errors.
func TestReadListAsClosely(t *testing.T) {
	parts := []string{"a.example", "b.example\n", "\n", "\r\n", "1.2.3.4", "http://a.example/x", "hxxp://a[.]b/", " ", "\t", "#", " # note", "*.", "||", "^", "0.0.0.0 ", "127.0.0.1\t", "localhost", ":8080", "\xff", "\ufeff", "!!", "//", "-", "_", "ja3:", strings.Repeat("ab", 32), "file-name:x", "\x00"}
	r := rand.New(rand.NewPCG(3, 4))
	for range 1_000 {
		var b strings.Builder
		for range r.IntN(60) {
			b.WriteString(parts[r.IntN(len(parts))])
			if r.IntN(2) == 0 {
				b.WriteByte('\n')
			}
		}
		readAsClosely(t, b.String())
	}
	short := strings.Repeat("a.example\n", together/5)
	for _, long := range []int{together - 1, together, together + 1, MaxLine - 2, MaxLine - 1, MaxLine, MaxLine + 1, 3 * MaxLine} {
		line := strings.Repeat("x", long)
		readAsClosely(t, line)
		readAsClosely(t, short+line+"\n"+short)
		readAsClosely(t, short[:together-3]+"\xff\n"+line+"\n\n"+line+"\r\nlast.example")
	}
}

// TestReadListStops: an error of the reader ends the list, behind the lines that came before it.
func TestReadListStops(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"", "a.example\n", "a.example\nb.exa"} {
		lines, failed := 0, false
		for _, err := range ReadList(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))) {
			if failed = errors.Is(err, broken); !failed {
				lines++
			}
		}
		if !failed || lines != strings.Count(text, "\n") {
			t.Errorf("%q: %d lines, failed %t", text, lines, failed)
		}
	}
}

// FuzzReadList holds ReadList to a close look at each line.
func FuzzReadList(f *testing.F) {
	for _, s := range []string{"a.example\n1.2.3.4\r\n", "# x\n||a.example^\n*.b.example", "0.0.0.0 a.example localhost\n", "\ufeffa.example\n\xff\n", "http://a.example/x # note\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { readAsClosely(t, text) })
}
