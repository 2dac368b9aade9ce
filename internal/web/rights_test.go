package web

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"entente/internal/node"
)

// rights are all addresses that ask for a session, each with the scope that it needs beside that of looking.
var rights = map[string]node.Scope{
	"GET /{$}":               node.ScopeRead,
	"GET /unit":              node.ScopeRead,
	"GET /unit/file":         node.ScopeRead,
	"GET /accord":            node.ScopeRead,
	"GET /pair":              node.ScopeUnit,
	"POST /pair/found":       node.ScopeUnit,
	"POST /pair/invite":      node.ScopeUnit,
	"POST /pair/join":        node.ScopeUnit,
	"POST /pair/confirm":     node.ScopeUnit,
	"POST /unit/suspend":     node.ScopeUnit,
	"POST /unit/resume":      node.ScopeUnit,
	"POST /unit/withdraw":    node.ScopeUnit,
	"GET /ask":               node.ScopeRead,
	"POST /accord/act":       node.ScopeUnit,
	"POST /accord/propose":   node.ScopeUnit,
	"GET /requests":          node.ScopeRead,
	"GET /request":           node.ScopeRead,
	"GET /intelligence":      node.ScopeRead,
	"GET /object":            node.ScopeRead,
	"GET /intake":            node.ScopeRead,
	"GET /graph":             node.ScopeRead,
	"POST /intake/decide":    node.ScopeIntel,
	"GET /import":            node.ScopeIntel,
	"POST /import":           node.ScopeIntel,
	"GET /share":             node.ScopeIntel,
	"POST /share":            node.ScopeIntel,
	"GET /journal":           node.ScopeRead,
	"GET /entry":             node.ScopeRead,
	"GET /entry/file":        node.ScopeRead,
	"GET /fork":              node.ScopeRead,
	"GET /release":           node.ScopeRead,
	"GET /release/content":   node.ScopeRead,
	"POST /release/approve":  node.ScopeRelease,
	"POST /release/reject":   node.ScopeRead, // one's own; the use case asks for the scope release otherwise
	"POST /request/move":     node.ScopeRequest,
	"POST /requests/saved":   node.ScopeRead,
	"GET /request/new":       node.ScopeRead,
	"POST /request/new":      node.ScopeRequest,
	"POST /request/drop":     node.ScopeRequest,
	"GET /exhibit":           node.ScopeRead,
	"POST /exhibit/verify":   node.ScopeRead,
	"POST /exhibit/custody":  node.ScopeRequest,
	"GET /exhibit/content":   node.ScopeRequest,
	"POST /request/evidence": node.ScopeRequest,

	// What members keep together.
	"GET /cases":      node.ScopeRead,
	"GET /case":       node.ScopeRead,
	"POST /case/move": node.ScopeRequest,
	"GET /case/new":   node.ScopeRequest,
	"POST /case/new":  node.ScopeRequest,
	"GET /case/tie":   node.ScopeRequest,
	"POST /case/tie":  node.ScopeRequest,

	"GET /reviews":        node.ScopeRead,
	"GET /review":         node.ScopeRead,
	"GET /review/file":    node.ScopeRead,
	"POST /review/open":   node.ScopeRequest,
	"POST /review/commit": node.ScopeRequest,
	"POST /review/reveal": node.ScopeRequest,
	"POST /review/sign":   node.ScopeRequest,

	"GET /dossiers":          node.ScopeRead,
	"POST /dossier/preview":  node.ScopeUnit,
	"GET /dossier/file":      node.ScopeUnit,
	"POST /dossier/verify":   node.ScopeRead,
	"GET /hotline":           node.ScopeRead,
	"GET /call":              node.ScopeRead,
	"POST /call/move":        node.ScopeRequest,
	"GET /call/new":          node.ScopeRequest,
	"POST /call/new":         node.ScopeRequest,
	"GET /drills":            node.ScopeRead,
	"POST /drills/announce":  node.ScopeRequest,
	"GET /contacts":          node.ScopeRead,
	"POST /contacts/confirm": node.ScopeRequest,
	"POST /contacts/ping":    node.ScopeRequest,
	"POST /contacts/answer":  node.ScopeRequest,
	"POST /contacts/replace": node.ScopeUnit,

	"GET /statements":         node.ScopeRead,
	"GET /statement":          node.ScopeRead,
	"GET /statement/file":     node.ScopeUnit,
	"POST /statement/compare": node.ScopeRead,
	"POST /statement/move":    node.ScopeRequest,
	"GET /statement/new":      node.ScopeRequest,
	"POST /statement/new":     node.ScopeRequest,
	"GET /leaks":              node.ScopeRead,
	"GET /leak":               node.ScopeRead,
	"POST /leak/move":         node.ScopeRequest,
	"GET /leak/new":           node.ScopeRequest,
	"POST /leak/new":          node.ScopeRequest,

	"GET /commitments":      node.ScopeRead,
	"GET /commitment":       node.ScopeRead,
	"POST /commitment/move": node.ScopeRequest,
	"GET /commitment/new":   node.ScopeRequest,
	"POST /commitment/new":  node.ScopeRequest,

	// An officer's own page, which is nobody else's.
	"GET /profile":              node.ScopeRead,
	"POST /profile/password":    node.ScopeRead,
	"POST /profile/language":    node.ScopeRead,
	"POST /profile/zone":        node.ScopeRead,
	"POST /profile/no-password": node.ScopeRead,
	"POST /profile/second":      node.ScopeRead,
	"POST /profile/recovery":    node.ScopeRead,
	"POST /profile/passkey":     node.ScopeRead,
	"POST /profile/session":     node.ScopeRead,
	"GET /profile/provider":     node.ScopeRead,
	"POST /profile/provider":    node.ScopeRead,
}

// with is a story whose token has only some scopes.
type with struct {
	story
	scopes []node.Scope
}

func (w with) GrantOf(d [32]byte) (node.Grant, bool) {
	g, ok := w.story.GrantOf(d)
	g.Scopes = w.scopes
	return g, ok
}

// TestRights: every route by every scope. A new route without a row fails.
func TestRights(t *testing.T) {
	h := &handler{}
	var have []string
	for _, rt := range h.routes() {
		have = append(have, rt.pattern)
		if want, ok := rights[rt.pattern]; !ok || rt.scope != want {
			t.Errorf("%s asks for %q, and the table says %q", rt.pattern, rt.scope, want)
		}
	}
	slices.Sort(have)
	if want := slices.Sorted(maps.Keys(rights)); !slices.Equal(have, want) {
		t.Errorf("the routes are %q, and the table has %q", have, want)
	}
	for _, s := range node.Scopes() {
		if s == node.ScopeRead {
			continue
		}
		v := signedIn(t, with{scopes: []node.Scope{node.ScopeRead, s}})
		for pattern, scope := range rights {
			method, path, _ := strings.Cut(strings.TrimSuffix(pattern, "{$}"), " ")
			r := httptest.NewRequest(method, path, nil)
			may := scope == node.ScopeRead || scope == s
			if got := v.do(r).StatusCode; (got != http.StatusForbidden) != may {
				t.Errorf("%s with %s: %d", pattern, s, got)
			}
		}
	}
	// Whoever may not look is not let in at all.
	v := &visitor{h: Handler(with{scopes: []node.Scope{node.ScopeAdmin, node.ScopeTAXIIRead}}, Options{})}
	if resp, _ := v.get(t, "/?token="+token); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) != 0 {
		t.Errorf("a token that may not look: %d", resp.StatusCode)
	}
}
