package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkGraph makes the page of a neighbourhood of 2,000 objects, without looking for them.
func BenchmarkGraph(b *testing.B) {
	h := Handler(broad{}, Options{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?token="+token, nil))
	cookie := w.Result().Cookies()[0]
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/graph?id=indicator--0", nil)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
