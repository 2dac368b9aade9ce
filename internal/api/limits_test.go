package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// endless is a body that never ends, and counts what was read of it.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) { e.read += int64(len(p)); return len(p), nil }

// TestMaxDrain: an upload that goes on for ever after its answer is read up to the
// bound and no further; what ends before is read whole.
func TestMaxDrain(t *testing.T) {
	h := newHandler(nil, Options{Trusted: true}, trial())
	for _, most := range []int64{maxDrain - 1, maxDrain, maxDrain + 1, 1 << 62} {
		body := &endless{}
		r := httptest.NewRequest(http.MethodPost, Prefix+"swallow", io.LimitReader(body, most))
		r.Header.Set(HeaderRequest, `{"name":"at once"}`)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || body.read != min(most, maxDrain) {
			t.Errorf("an upload of %d bytes: %d, %d bytes read", most, w.Code, body.read)
		}
	}
}
