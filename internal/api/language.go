package api

import (
	"net/http"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/internal/node"
)

// language is in which words the caller wants answers: the parameter lang of the query, else the header
// Accept-Language (RFC 9110, section 12.5.4); nil where it names none that there are words in.
func (h *handler) language(r *http.Request) *lang.Catalog {
	for _, wish := range []string{r.URL.Query().Get("lang"), r.Header.Get("Accept-Language")} {
		if c, ok := lang.Known(wish); ok {
			return c
		}
	}
	return nil
}

// spoken is the catalog of an answer, nil where the caller named no language. The header Content-Language
// says it, so that whatever writes an answer or a problem uses the same.
// The header Entente-Zone says in which zone it tells instants, if the caller named one.
func spoken(w http.ResponseWriter) *lang.Catalog {
	tag := w.Header().Get("Content-Language")
	if tag == "" {
		return nil
	}
	c := lang.Match(tag)
	if zone, err := accord.Zone(w.Header().Get(HeaderZone)); err == nil {
		c = c.In(zone)
	}
	return c
}

// HeaderZone is the header in which a caller names the time zone that words tell instants in (an IANA name or an offset
// such as +05:30), and an answer the one that was used. The parameter zone of the query does the same. Nothing but words
// depends on it: members that are times are what they are.
const HeaderZone = "Entente-Zone"

// zone is the time zone that a caller wants, "" where none is named that is known.
func (h *handler) zone(r *http.Request) string {
	for _, wish := range []string{r.URL.Query().Get("zone"), r.Header.Get(HeaderZone)} {
		if _, err := accord.Zone(wish); err == nil {
			return wish
		}
	}
	return ""
}

// label puts words beside the codes of an answer.
func label(w http.ResponseWriter, answer any) {
	c := spoken(w)
	if c == nil {
		return
	}
	switch v := answer.(type) {
	case *RequestNewResponse:
		node.Label(c, v.Request)
		node.Label(c, v.Write)
	default:
		node.Label(c, answer)
	}
}

// localize puts the sentences of a problem into the language of the answer.
func localize(w http.ResponseWriter, p *Problem) {
	p.Said = saidOf(p)
	if c := spoken(w); c != nil {
		Localize(c, p)
	}
}

// Localize puts the sentences of a problem into a language. Its codes stay, and what was said stays beside them.
func Localize(c *lang.Catalog, p *Problem) {
	p.Said = saidOf(p)
	t := node.Telling{Code: p.Code, What: p.Title, Why: p.Detail, Next: p.Next, Terms: p.Terms, Decision: p.Decision}.In(c)
	p.Title, p.Detail, p.Next = t.What, t.Why, t.Next
	if p.Decision != nil {
		d := *p.Decision
		node.Label(c, &d)
		p.Decision = &d
	}
}

// Said is what a problem says, taken apart: for a reader in another language than the answer is in.
type Said struct {
	Title  *lang.Sentence `json:"title,omitempty"`
	Detail *lang.Sentence `json:"detail,omitempty"`
	Next   *lang.Sentence `json:"next,omitempty"`
}

func saidOf(p *Problem) *Said {
	if p.Said != nil {
		return p.Said
	}
	var s Said
	for _, x := range []struct {
		text string
		to   **lang.Sentence
	}{{p.Title, &s.Title}, {p.Detail, &s.Detail}, {p.Next, &s.Next}} {
		if said, ok := lang.Heard(x.text); ok {
			*x.to = &said
		}
	}
	if s == (Said{}) {
		return nil
	}
	return &s
}
