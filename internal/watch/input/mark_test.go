package input

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"

	"entente/internal/watch/pass"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestMarkedFile: the byte order mark of a table is no part of the name of its first column: in a file that is read by one run and gone on with by others, wherever it was
// cut, in one that is packed, and in one that was truncated and written anew.
func TestMarkedFile(t *testing.T) {
	head := pass.ByteOrderMark + "domain,src_ip\n"
	row := func(n string) string { return "n" + n + ".evil.example,10.0.0.1\n" }
	b := newBench(t)
	for at := range len(head) + 1 {
		b.write("x.csv", head[:at])
		b.once(true, b.path("x.csv"))
		b.add("x.csv", head[at:]+row("0"))
		b.once(true, b.path("x.csv"))
		b.add("x.csv", row("1"))
		r := b.start(Options{}, true)
		if err := r.Run(t.Context(), []string{b.path("x.csv")}); err != nil {
			t.Fatal(err)
		}
		b.has("a table", 2)
		if e := r.o.Book.Files[0]; e.State.Offset != int64(len(head)+2*len(row("0"))) || e.State.Line != 3 || len(b.problems) > 0 {
			t.Errorf("cut at %d: %+v, %q", at, e.State, b.problems)
		}
		b = newBench(t)
	}
	b.write("x.csv", head+row("0")+row("1"))
	b.once(true, b.path("x.csv"))
	b.write("x.csv", head+row("2"))
	b.once(true, b.path("x.csv"))
	b.has("written anew", 3)
	b.write("y.csv.gz", zipped(t, head+row("0")))
	b.once(false, b.path("y.csv.gz"))
	b.has("packed", 1)
}

// TestMarkedBodies: the byte order mark of each body is none of its lines, not only that of the first one from a machine.
func TestMarkedBodies(t *testing.T) {
	b := newBench(t)
	r := b.start(Options{}, false)
	out := make(chan Message)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range out {
			r.Take(m)
		}
	}()
	text := pass.ByteOrderMark + "domain,src_ip\nn0.evil.example,10.0.0.1\n"
	for _, body := range []string{text, strings.ReplaceAll(text, "n0", "n1"), zipped(t, strings.ReplaceAll(text, "n0", "n2"))} {
		w := httptest.NewRecorder()
		if receiver(out).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", iotest.OneByteReader(strings.NewReader(body)))); w.Code != http.StatusNoContent {
			t.Error(w.Code)
		}
	}
	close(out)
	<-done
	b.has("bodies", 3)
	if c := b.pass.Counts; c.Failed != 0 || c.Changed != 0 || c.Decoded != 3 {
		t.Errorf("%+v", c)
	}
	for _, in := range []string{"", "\xef", "\xef\xbb", "\xef\xbbx"} {
		if got, err := io.ReadAll(unmarked(strings.NewReader(in))); err != nil || string(got) != in {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
