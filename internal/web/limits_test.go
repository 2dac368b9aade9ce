package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entente/internal/dossier"
	"entente/internal/node"
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
	for more := range 2 {
		d := dossierShown{Preview: &node.DossierReport{Report: &dossier.Report{}}}
		d.Preview.Words = make([]dossier.Words, maxPreviewed+more)
		if d.More() != more {
			t.Errorf("maxPreviewed, %d more: %d", more, d.More())
		}
	}
}

// grown is a unit of so many entries.
type grown struct {
	story
	entries int64
}

func (g grown) ShowUnit(ctx context.Context, r node.UnitShowRequest) (*node.UnitShowResponse, error) {
	u, err := g.story.ShowUnit(ctx, r)
	if err == nil {
		u.Brief.Members = []node.MemberBrief{{Size: g.entries - 1}, {Size: 1}}
		if !r.Standing {
			u.State = json.RawMessage(`{"whole":"state"}`)
		}
	}
	return u, err
}

// TestWholeState: the whole state of a unit stands in its page as long as that is short, and is a file from then on.
func TestWholeState(t *testing.T) {
	for more, inPage := range []bool{true, false} {
		v := signedIn(t, grown{entries: maxWhole + int64(more)})
		_, page := v.get(t, "/unit?unit="+unitID)
		if strings.Contains(page, "whole&#34;: &#34;state") != inPage || strings.Contains(page, "/unit/file?unit="+unitID) == inPage {
			t.Errorf("maxWhole, %d more: the state is in the page, or not, the wrong way round", more)
		}
		if r, body := v.get(t, "/unit/file?unit="+unitID); body != `{"whole":"state"}` || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("the file holds %s, %v", body, r.Header)
		}
	}
}
