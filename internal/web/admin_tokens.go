package web

import (
	"net/http"

	"entente/internal/node"
)

func (h *handler) tokenRoutes() []route {
	return []route{
		mayAdmin("GET /admin/tokens", h.bearerTokens, nil),
		mayAdmin("POST /token/new", h.bearerTokens, posted(h.newToken)),
		mayAdmin("POST /token/revoke", h.bearerTokens, posted(h.revokeToken)),
	}
}

// tokensData are the bearer tokens, and what one may be good for.
type tokensData struct {
	Tokens []node.TokenView
	Scopes []node.Scope
}

func (h *handler) bearerTokens(r *http.Request) (string, *page, error) {
	list, err := h.node.Tokens(r.Context())
	if err != nil {
		return "", nil, err
	}
	return "tokens", adminPage("tokens", tokensData{list.Tokens, node.Scopes()}), nil
}

// newToken makes a token, whose secret is shown this once.
func (h *handler) newToken(r *http.Request, in node.TokenNewRequest) (outcome, error) {
	res, err := h.node.NewToken(r.Context(), in)
	return outcome{shown: sessionsShown{New: res}, empty: err == nil}, err
}

func (h *handler) revokeToken(r *http.Request, in node.TokenRevokeRequest) (outcome, error) {
	res, err := h.node.RevokeToken(r.Context(), in)
	if err == nil && in.DryRun {
		return outcome{shown: sessionsShown{Ends: &res.Ends}, empty: true}, nil
	}
	return outcome{to: "/admin/tokens", done: "done.token-revoked"}, err
}
