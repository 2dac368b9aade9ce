package web

import (
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"entente/internal/node"
)

// resumeField is the field of a form with which it is shown again with all that was typed, and does nothing.
const resumeField = "resume-form"

// typedByField is the field of a form that says whose session it was typed in.
const typedByField = "typed-by"

// typedByOther tells whether a form that was read was typed by somebody else than who is signed in now: the browser has one session, and
// whoever signs in in another tab would sign what they did not write.
func typedByOther(r *http.Request, now node.Grant) bool {
	by := r.PostForm.Get(typedByField)
	r.PostForm.Del(typedByField)
	r.Form.Del(typedByField)
	return by != "" && by != now.ID
}

var errTypedByOther = &node.Error{Code: "typed-by-another", Status: http.StatusConflict, What: "Nothing was sent: somebody else typed this.",
	Why: "It was begun before you signed in, in another tab of this browser.", Next: "Read it, and send it again if it is to be said in your name."}

// keep answers a form of somebody who is not signed in any more with what they typed: the page holds it, and nothing else
// does, until they have signed in in another tab and go back to the form. It tells whether it did. Secrets are not kept, and neither
// is a form that ends with a file.
func (h *handler) keep(w http.ResponseWriter, r *http.Request, here *node.HereResponse, rt route) bool {
	if rt.act == nil || !typed(r) || strings.HasPrefix(r.URL.Path, "/profile/") {
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		h.fail(w, r, here, badForm(err))
		return true
	}
	x := &heldForm{To: sanePath(r.URL.RequestURI())}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			if name != "secret" && name != "dry_run" && name != resumeField && len(x.Fields) < maxFields {
				x.Fields = append(x.Fields, field{name, value})
			}
		}
	}
	h.renderDoor(w, r, http.StatusUnauthorized, "kept", "ui.signed-out", here, x)
	return true
}

// typed tells whether a form has only what was typed in it, and no file.
func typed(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded"
}

// resumed tells whether a form that was read is only to be shown again.
func resumed(r *http.Request) bool {
	if !r.PostForm.Has(resumeField) {
		return false
	}
	r.PostForm.Del(resumeField)
	r.Form.Del(resumeField)
	return true
}

// lost is what was typed into a form that was refused, and what a page does not have any more: the form is not there again when somebody else, or
// the same person in another tab, was faster.
func lost(p *page, body string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(p.Form)) {
		for _, s := range p.Form[name] {
			if text := strings.TrimSpace(s); (name == "text" && text != "" || strings.ContainsAny(text, " \n")) && !strings.Contains(body, escaped(s)) {
				out = append(out, text)
			}
		}
	}
	return out
}

// escaped is a text as the templates write it.
func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;", "\x00", "\uFFFD").Replace(s)
}
