package input

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHTTPPackedOtherwise: a body that is said to be packed as nobody undoes it here is refused, not taken for binary lines.
func TestHTTPPackedOtherwise(t *testing.T) {
	out := make(chan Message, 1)
	for _, how := range []string{"br", "deflate", "gzip, br"} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("\x8b\x02\x80a\n\x03"))
		r.Header.Set("Content-Encoding", how)
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			for {
				select {
				case m := <-out:
					close(m.Done)
				case <-done:
					return
				}
			}
		}()
		receiver(out).ServeHTTP(w, r)
		close(done)
		if w.Code != http.StatusUnsupportedMediaType || w.Header().Get("Accept-Encoding") != "gzip,zstd" {
			t.Errorf("%s: %d %q", how, w.Code, w.Body)
		}
	}
}
