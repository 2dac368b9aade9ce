package input

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"entente/internal/watch/pass"
)

// posted sends a body, and gives the answer and how many bytes of lines came before it.
func posted(t *testing.T, body io.Reader) (status int, read int64) {
	t.Helper()
	out := make(chan Message)
	defer close(out)
	counted := make(chan int64)
	go func() {
		for m := range out {
			counted <- int64(len(m.Text))
			close(m.Done)
		}
	}()
	answered := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		receiver(out).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", body))
		answered <- w.Code
	}()
	for {
		select {
		case n := <-counted:
			read += n
		case status = <-answered:
			return status, read
		}
	}
}

// TestHTTPBodies: a body that breaks off, within what is packed or without, and one that is too large when unpacked, are no success; what came before is read.
func TestHTTPBodies(t *testing.T) {
	text := strings.Repeat("some line or other\n", 20_000)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte(text))
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 1023) + "\n"
	exact := w.EncodeAll([]byte(strings.Repeat(line, maxBody/1024)), nil)
	above := w.EncodeAll([]byte(strings.Repeat(line, maxBody/1024)+"one more\n"), nil)
	for _, c := range []struct {
		name string
		body io.Reader
		want int
		read int64 // at least
	}{
		{"plain", strings.NewReader(text), http.StatusNoContent, int64(len(text))},
		{"empty", strings.NewReader(""), http.StatusNoContent, 0},
		{"two members", bytes.NewReader(bytes.Repeat(zipped.Bytes(), 2)), http.StatusNoContent, 2 * int64(len(text))},
		{"cut in a member", bytes.NewReader(zipped.Bytes()[:zipped.Len()-20]), http.StatusBadRequest, 1},
		{"cut in the second member", bytes.NewReader(append(bytes.Clone(zipped.Bytes()), zipped.Bytes()[:40]...)), http.StatusBadRequest, int64(len(text))},
		{"no gzip behind its mark", strings.NewReader("\x1f\x8bno"), http.StatusBadRequest, 0},
		{"broken off", io.MultiReader(strings.NewReader(text), iotest.ErrReader(io.ErrUnexpectedEOF)), http.StatusBadRequest, int64(len(text))},
		{"as large as may be", bytes.NewReader(exact), http.StatusNoContent, maxBody},
		{"larger", bytes.NewReader(above), http.StatusRequestEntityTooLarge, maxBody},
	} {
		if status, read := posted(t, c.body); status != c.want || read < c.read {
			t.Errorf("%s: %d, %d bytes of lines", c.name, status, read)
		}
	}
}

// TestWholeLines: whatever the sizes, what is handed over are the lines; of one that is too long its beginning, once.
func TestWholeLines(t *testing.T) {
	long := strings.Repeat("l", 3*pass.MaxLine+17)
	for in, want := range map[string]string{
		"": "", "a": "a\n", "a\nb": "a\nb\n", "a\n\nb\n": "a\n\nb\n",
		"a\n" + long + "\nb\n":                "a\n" + long[:pass.MaxLine+1] + "\nb\n",
		long + "\n":                           long[:pass.MaxLine+1] + "\n",
		long:                                  long[:pass.MaxLine+1] + "\n",
		"a\n" + long[:pass.MaxLine] + "\nb\n": "a\n" + long[:pass.MaxLine] + "\nb\n",
		"a\n" + long[:pass.MaxLine]:           "a\n" + long[:pass.MaxLine] + "\n",
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(in), "halves": iotest.HalfReader(strings.NewReader(in)), "error with data": iotest.DataErrReader(strings.NewReader(in))} {
			var got strings.Builder
			waits := false
			err := wholeLines(r, func(b []byte, more bool) error {
				if len(b) == 0 && (more || !waits) || len(b) > 0 && b[len(b)-1] != '\n' {
					t.Errorf("%s: %.20q does not end with a line", name, b)
				}
				waits = more
				got.Write(b)
				return nil
			})
			if got.String() != want || err != nil || waits {
				t.Errorf("%s: %.20q: %d bytes instead of %d, %v", name, in, got.Len(), len(want), err)
			}
		}
	}
	stop := errors.New("no more")
	if err := wholeLines(strings.NewReader("a\n"), func([]byte, bool) error { return stop }); err != stop {
		t.Error(err)
	}
}

// due is the response of a connection that keeps its deadline.
type due struct {
	http.ResponseWriter
	at time.Time
}

func (d *due) SetReadDeadline(t time.Time) error {
	d.at = t
	return nil
}

// trickle takes a while for each byte.
type trickle time.Duration

func (s trickle) Read(p []byte) (int, error) {
	time.Sleep(time.Duration(s))
	return 1, nil
}

// TestSlowBody: a body that trickles is over when its piece is due; one whose lines wait to be read is not.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			every, between time.Duration
			late           bool
		}{{10 * time.Second, 0, true}, {time.Millisecond / 2, 0, false}, {time.Millisecond / 2, time.Minute, false}} {
			d := &due{}
			s := &slowBody{rc: http.NewResponseController(d), in: trickle(c.every)}
			late := false
			for range 2 * pieceSize {
				if _, err := s.Read(make([]byte, 8)); err != nil {
					t.Fatal(err)
				}
				if late = time.Now().After(d.at); late {
					break
				}
				time.Sleep(c.between)
			}
			if late != c.late {
				t.Errorf("%v and %v: late is %v", c.every, c.between, late)
			}
		}
	})
}

// TestBodiesAreBounded: only so many bodies are read at once; the others wait.
func TestBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := make(chan Message)
		h := receiver(out)
		done := make(chan int)
		for range maxBodies + 3 {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a\n")))
				done <- w.Code
			}()
		}
		synctest.Wait()
		var waiting []Message
		for range maxBodies {
			waiting = append(waiting, <-out)
		}
		synctest.Wait()
		select {
		case <-out:
			t.Error("one more is read")
		default:
		}
		for _, m := range waiting {
			close(m.Done)
		}
		for range 3 {
			close((<-out).Done)
		}
		for range maxBodies + 3 {
			if code := <-done; code != http.StatusNoContent {
				t.Error(code)
			}
		}
	})
}
