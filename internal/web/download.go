package web

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// attach says of what is sent that it is kept and never shown, and what it is called.
func attach(w http.ResponseWriter, kind, name string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// send streams what is kept and never shown. What breaks off is cut off: the browser must not take a part for the whole.
func (h *handler) send(w http.ResponseWriter, r *http.Request, kind, name string, write func(io.Writer) error) error {
	out := &steadyWriter{w: w, conn: http.NewResponseController(w)}
	attach(w, kind, name)
	err := write(out)
	if err == nil {
		return nil
	}
	if !out.begun {
		w.Header().Del("Content-Disposition")
		return err
	}
	h.logFailure(r, failureOf(err), err)
	panic(http.ErrAbortHandler)
}

// fileName is the last part of a path with nothing in it that a file system or a header could take amiss.
func fileName(p string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, path.Base(p))
	return string(clean([]byte(name)))
}

// steadyWriter gives a large answer as long as it takes while the browser takes it.
type steadyWriter struct {
	w     io.Writer
	conn  *http.ResponseController
	begun bool
}

func (s *steadyWriter) Write(p []byte) (int, error) {
	s.begun = true
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience)) // where it cannot be set there is none
	return s.w.Write(p)
}
