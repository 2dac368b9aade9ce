package web

import (
	"fmt"
	"io"
	"net/http"

	"entente/internal/node"
)

func (h *handler) keyRoutes() []route {
	return []route{
		mayAdmin("GET /admin/keys", h.keys, nil),
		mayAdmin("POST /identity/check", h.keys, posted(h.checkRotation)),
		{pattern: "POST /identity/rotate", scope: node.ScopeAdmin, show: h.keys, act: uploaded(h.rotate), upload: true},
		mayAdmin("POST /exhibit/rekey", h.keys, posted(h.rekey)),
	}
}

func (h *handler) keys(r *http.Request) (string, *page, error) {
	k, err := h.node.Keys(r.Context())
	return "keys", adminPage("keys", k), err
}

// checkRotation says what a rotation would change. The organisation key is not needed for that.
func (h *handler) checkRotation(r *http.Request, in node.IdentityRotateRequest) (outcome, error) {
	in.DryRun = true
	res, err := h.node.RotateIdentity(r.Context(), in)
	return outcome{shown: res}, err
}

// maxKeyFile bounds the file of an organisation key.
const maxKeyFile = 64 << 10

// rotate makes the next version of the identity with the organisation key, which is read from its file and not kept.
func (h *handler) rotate(r *http.Request, in node.IdentityRotateRequest, _ string, file io.Reader) (outcome, error) {
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return outcome{}, badForm(err)
	}
	if len(text) > maxKeyFile {
		return outcome{}, badForm(fmt.Errorf("the file of an organisation key has at most %d bytes", maxKeyFile))
	}
	if in.What == "org" { // a new organisation key belongs on a medium, and not into a page
		return outcome{}, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The organisation key is not replaced here.", Why: "The new one would come through a browser.", Next: "On the node's machine: 'entente identity rotate org --org-key OLD --new-org-key NEW'."}
	}
	in.OrgKey = string(text)
	_, err = h.node.RotateIdentity(r.Context(), in)
	return outcome{to: "/admin/keys", done: "done.rotated"}, err
}

// rekey makes another key under which evidence lies from now on.
func (h *handler) rekey(r *http.Request, in node.ExhibitRekeyRequest) (outcome, error) {
	_, err := h.node.RekeyExhibits(r.Context(), in, nil)
	return outcome{to: "/admin/keys", done: "done.rekeyed"}, err
}
