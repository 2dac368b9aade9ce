package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md on forms, and on how deep an accord
// text that is not known is set out.
func TestLimits(t *testing.T) {
	for more, want := range []int{http.StatusSeeOther, http.StatusBadRequest} {
		form := "token=" + token + "&x="
		r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(form+strings.Repeat("x", maxForm+more-len(form))))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if resp := (&visitor{h: Handler(story{}, Options{})}).do(r); resp.StatusCode != want {
			t.Errorf("maxForm, %d more: %d, want %d", more, resp.StatusCode, want)
		}
	}
	// What lies deeper is shown as it stands in the text.
	for more, raw := range []bool{false, true} {
		n := maxDepth + more
		s, ok := parseObject([]byte(strings.Repeat(`{"k":1,"title_x":`, n)+`{"a":1,"b":2}`+strings.Repeat("}", n)), "", 0)
		for ; len(s.Inner) > 0; n-- {
			s = s.Inner[0]
		}
		last := s.Terms[len(s.Terms)-1]
		if shown := last.Value == `{"a":1,"b":2}`; !ok || shown != raw || n != more {
			t.Errorf("maxDepth, %d more: %v, %d levels left, the last is %v", more, ok, n, last)
		}
	}
}
