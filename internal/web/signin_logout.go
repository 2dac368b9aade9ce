package web

import (
	"encoding/json"
	"mime"
	"net/http"
)

const maxLogout = 32 << 10 // bytes of what a provider tells of a sign-out

// signedOutThere hears whom the provider has signed out (OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8). Who
// sends it is no browser: the answer is for a program, and 400 whatever is wrong.
func (h *handler) signedOutThere(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(code, why string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": why}) // the sender is gone if this fails
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogout)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err := r.ParseForm(); err != nil || kind != "application/x-www-form-urlencoded" || len(r.PostForm["logout_token"]) != 1 {
		refuse("invalid_request", "there is no form with one logout_token, or it is too long")
		return
	}
	if _, err := h.Door.ProviderSignsOut(r.Context(), r.PostForm.Get("logout_token"), whoAsks(r, "")); err != nil {
		f := failureOf(err)
		h.logFailure(r, f, err)
		code := "invalid_request"
		if f.Status >= http.StatusInternalServerError || f.Status == http.StatusTooManyRequests {
			code = "temporarily_unavailable"
		}
		refuse(code, f.What)
		return
	}
	_, _ = w.Write([]byte("{}\n"))
}
