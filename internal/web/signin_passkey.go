package web

import (
	"encoding/json"
	"net/http"

	"entente/internal/node"
)

// maxAnswer is the longest answer of an authenticator, in bytes.
const maxAnswer = 64 << 10

// keyRequest is what the script of the pages sends.
type keyRequest struct {
	Ticket string          `json:"ticket"`
	Name   string          `json:"name"`
	Back   string          `json:"back"`
	Answer json.RawMessage `json:"answer"`
}

// keyAnswer is what it gets: options for the authenticator, or where to go, or why not.
type keyAnswer struct {
	Options any    `json:"options,omitempty"`
	To      string `json:"to,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// passkeyRoutes are the addresses that the script of passkeys uses.
func (h *handler) passkeyRoutes(mux *http.ServeMux) {
	type step func(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor, in keyRequest) (keyAnswer, error)
	for pattern, f := range map[string]step{
		"POST /sign-in/passkey/begin": func(_ http.ResponseWriter, _ *http.Request, _ *node.HereResponse, v node.Visitor, _ keyRequest) (keyAnswer, error) {
			ask, err := h.Door.AskPasskey(v)
			return keyAnswer{Options: ask}, err
		},
		"POST /sign-in/passkey/finish": func(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor, in keyRequest) (keyAnswer, error) {
			e, err := h.Door.Passkey(in.Answer, v)
			if err == nil {
				h.letIn(w, r, here, e)
			}
			return keyAnswer{To: sanePath(in.Back)}, err
		},
		"POST /set-up/passkey/begin": func(_ http.ResponseWriter, _ *http.Request, _ *node.HereResponse, v node.Visitor, in keyRequest) (keyAnswer, error) {
			ask, err := h.Door.AskFirstPasskey(in.Ticket, v)
			return keyAnswer{Options: ask}, err
		},
		"POST /set-up/passkey/finish": func(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor, in keyRequest) (keyAnswer, error) {
			e, err := h.Door.SetUpPasskey(in.Ticket, in.Name, in.Answer, v)
			if err == nil {
				h.letIn(w, r, here, e)
			}
			return keyAnswer{To: "/"}, err
		},
		"POST /profile/passkey/begin": func(_ http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor, _ keyRequest) (keyAnswer, error) {
			g, _ := h.granted(r, cookieName(here.Party), true)
			ask, err := h.Door.AskNewPasskey(g, v)
			return keyAnswer{Options: ask}, err
		},
		"POST /profile/passkey/finish": func(_ http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor, in keyRequest) (keyAnswer, error) {
			g, _ := h.granted(r, cookieName(here.Party), true)
			return keyAnswer{To: withDone("/profile", "done.credentials")}, h.Door.AddPasskey(g, in.Name, in.Answer, v)
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var out keyAnswer
			in, status := keyRequest{}, http.StatusOK
			here, err := h.node.Here(r.Context())
			if err == nil {
				if err = json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAnswer)).Decode(&in); err != nil {
					err = badForm(err)
				}
			}
			if err == nil {
				out, err = f(w, r, here, whoAsks(r, cookieName(here.Party)), in)
			}
			if err != nil {
				x := failureOf(err)
				h.logFailure(r, x, err)
				x.localize(h.language(w, r))
				status, out = x.Status, keyAnswer{Problem: x.What}
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(out) // the reader is gone if this fails
		})
	}
}
