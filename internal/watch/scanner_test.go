package watch

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestLongLines: a line beyond the bound is counted, and those around it are read.
func TestLongLines(t *testing.T) {
	set := setOf(t, "evil.com")
	for _, size := range []int{1 << 10, 256 << 10, 40 << 20} { // of the pieces that are given
		s := NewScanner(func() *Set { return set }, keysOf(t, Key{Name: "query", Look: LookHost}))
		hit := []byte(`{"query":"www.evil.com"}` + "\n")
		long := bytes.Repeat([]byte("x"), MaxLine+1)
		stream := slices.Concat(hit, long, []byte("\n"), hit, long[:MaxLine-40], hit)
		var at []int64
		emit := func(line []byte, where int64) {
			if bytes.HasSuffix(line, bytes.TrimSpace(hit)) {
				at = append(at, where)
			}
		}
		for p := range slices.Chunk(stream, size) {
			s.Scan(p, emit)
		}
		s.End(emit)
		h := int64(len(hit))
		if want := []int64{0, h + MaxLine + 2, 2*h + MaxLine + 2}; !slices.Equal(at, want) {
			t.Errorf("%d at once: lines at %v, want %v", size, at, want)
		}
		if got := s.Stats(); got.TooLong != 1 || got.Lines != 3 || got.Bytes != int64(len(stream)) {
			t.Errorf("%d at once: %+v", size, got)
		}
	}
}

// TestPieces: however a stream is cut, the same lines are found at the same places.
func TestPieces(t *testing.T) {
	set := setOf(t, "evil.com", "1.2.3.4")
	text := strings.Repeat("{\"query\":\"good.com\"}\r\n\n{\"query\":\"x.evil.com\"}\n{\"query\":\"1.2.3.4\",\"answers\":[\"5.6.7.8\"]}\n", 5) + `{"query":"EVIL.com"}`
	var want []int64
	for i := 0; ; {
		n := strings.Index(text[i:], "\n")
		line := text[i:]
		if n >= 0 {
			line = text[i : i+n]
		}
		if strings.Contains(strings.ToLower(line), "evil.com") || strings.Contains(line, "1.2.3.4") {
			want = append(want, int64(i)+7)
		}
		if n < 0 {
			break
		}
		i += n + 1
	}
	for size := 1; size <= len(text); size++ {
		s := NewScanner(func() *Set { return set }, keysOf(t, Key{Name: "query", Look: LookHost}))
		s.Reset(7)
		var at []int64
		emit := func(line []byte, where int64) {
			if bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("%q", line)
			}
			if !bytes.Contains(line, []byte("good")) {
				at = append(at, where)
			}
		}
		for p := range slices.Chunk([]byte(text), size) {
			s.Scan(p, emit)
		}
		s.End(emit)
		if !slices.Equal(at, want) {
			t.Fatalf("%d at once: %v, want %v", size, at, want)
		}
	}
}

// TestScanAllocatesNothing: lines that hold nothing cost no memory.
func TestScanAllocatesNothing(t *testing.T) {
	set, _ := testSet(t)
	log := []byte(strings.Repeat(`{"ts":1,"id.orig_h":"172.16.1.1","query":"www.Good.example.org.","answers":["2001:db8:1::2","x.good.example"],"url":"http://good.example/a%20b?c","from":"A <b@good.example>","filename":"C:\\x\\y.exe","host":"good.example:80","uri":"/x"}`+"\n", 500))
	for name, keys := range map[string]*Keys{"json": testKeys(t), "text": nil} {
		log := log
		if keys == nil {
			log = bytes.ReplaceAll(bytes.ReplaceAll(log, []byte("{"), nil), []byte(`\\`), []byte("/"))
		}
		s := NewScanner(func() *Set { return set }, keys)
		n := 0
		emit := func([]byte, int64) { n++ }
		s.Scan(log, emit)
		if got := testing.AllocsPerRun(5, func() { s.Scan(log, emit) }); got > 0 {
			t.Errorf("%s: %v allocations for 500 lines", name, got)
		}
		if n != 0 {
			t.Errorf("%s: %d lines handed over", name, n)
		}
	}
}
