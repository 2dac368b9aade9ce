package cli

import (
	"net/http"
	"time"
)

// maxQuiet is how long a piece of an answer may wait for its reader, and pieceOfAnswer how much is one.
const (
	maxQuiet      = time.Minute
	pieceOfAnswer = 64 << 10
)

// steady gives each piece of an answer its own time. The server's own limit counts from the request's
// head: a body that takes longer to come would be taken in and never answered, and a long page would be cut on a
// slow line, and cut again when it is asked for again.
func steady(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&steadyAnswer{w, http.NewResponseController(w)}, r)
	})
}

type steadyAnswer struct {
	http.ResponseWriter
	rc *http.ResponseController
}

// Unwrap lets a [http.ResponseController] through.
func (s *steadyAnswer) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *steadyAnswer) WriteHeader(status int) {
	_ = s.rc.SetWriteDeadline(time.Now().Add(maxQuiet)) // not every writer has deadlines
	s.ResponseWriter.WriteHeader(status)
}

func (s *steadyAnswer) Write(p []byte) (n int, err error) {
	for {
		piece := p[n:min(len(p), n+pieceOfAnswer)]
		_ = s.rc.SetWriteDeadline(time.Now().Add(maxQuiet))
		wrote, err := s.ResponseWriter.Write(piece)
		if n += wrote; err != nil || n == len(p) {
			return n, err
		}
	}
}
