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
	"POST /request/move":     node.ScopeRequest,
	"POST /requests/saved":   node.ScopeRead,
	"GET /request/new":       node.ScopeRead,
	"POST /request/new":      node.ScopeRequest,
	"GET /exhibit":           node.ScopeRead,
	"POST /exhibit/verify":   node.ScopeRead,
	"GET /exhibit/content":   node.ScopeRequest,
	"POST /request/evidence": node.ScopeRequest,

	// An officer's own page, which is nobody else's.
	"GET /profile":              node.ScopeRead,
	"POST /profile/password":    node.ScopeRead,
	"POST /profile/no-password": node.ScopeRead,
	"POST /profile/second":      node.ScopeRead,
	"POST /profile/recovery":    node.ScopeRead,
	"POST /profile/passkey":     node.ScopeRead,
	"POST /profile/session":     node.ScopeRead,
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
	for pattern, scope := range rights {
		method, path, _ := strings.Cut(strings.TrimSuffix(pattern, "{$}"), " ")
		for _, s := range node.Scopes() {
			if s == node.ScopeRead {
				continue
			}
			v := signedIn(t, with{scopes: []node.Scope{node.ScopeRead, s}})
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
