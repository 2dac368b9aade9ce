package api

import (
	"net/http"

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
func spoken(w http.ResponseWriter) *lang.Catalog {
	tag := w.Header().Get("Content-Language")
	if tag == "" {
		return nil
	}
	return lang.Match(tag)
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

// localize puts the sentences of a problem into the language of the answer. Its codes stay. What is
// particular to the case, and has no code, stays in detail as the node said it.
func localize(w http.ResponseWriter, p *Problem) {
	c := spoken(w)
	if c == nil {
		return
	}
	Localize(c, p)
}

// Localize puts the sentences of a problem into a language.
func Localize(c *lang.Catalog, p *Problem) {
	if p.Decision != nil {
		d := *p.Decision
		node.Label(c, &d)
		p.Decision = &d
	}
	if c.IsEnglish() || !c.Has("problem."+p.Code) {
		return
	}
	t := p.Terms
	switch {
	case t != nil:
		p.Title = c.Text("problem.illegal-move", "move", c.Code("move", t.Move))
		p.Detail = c.Text("problem.illegal-move.detail", "state", c.Code("state", t.State), "side", c.Code("side", t.Side), "code", node.IllegalText(c, t.Code)) + " [" + t.Code + "]"
		next := c.Text("ui.none")
		if len(t.Next) > 0 {
			next = c.Codes("move", t.Next)
		}
		p.Next = c.Text("problem.illegal-move.next", "next", next)
	case p.Decision != nil:
		p.Title = c.Text("problem.gate")
		p.Detail = c.Text("problem.gate.detail", "clause", p.Decision.Clause, "code", c.Code("gate", p.Decision.Code), "verdict", c.Code("verdict", p.Decision.Verdict))
		if p.Decision.Reason != "" {
			p.Detail += " [" + p.Decision.Reason + "]"
		}
		p.Next = c.Text("problem.gate.next")
	default:
		// The sentence of the code leads; what the node said of this case follows.
		if p.Detail == "" {
			p.Detail = p.Title
		} else {
			p.Detail = p.Title + " " + p.Detail
		}
		p.Title = c.Text(problemKey(p.Code))
	}
}

// problemKey is the key of the sentence of a code that stands alone.
func problemKey(code string) string {
	if code == "illegal-move" { // of something else than a request
		return "problem.illegal-move.other"
	}
	return "problem." + code
}
