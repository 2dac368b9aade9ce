package node

import (
	"fmt"
	"strings"

	"entente/internal/desk"
	"entente/internal/lang"
	"entente/journal"

	jsonv2 "github.com/go-json-experiment/json"
)

// textLanguage checks the tag of a free text and writes it in its usual form.
func textLanguage(tag string) (string, error) {
	t, err := lang.Canonical(tag)
	if err != nil {
		return "", badInput("The language of the text cannot be read.", err.Error()+".", "Give a tag of RFC 5646, such as fr, pt-BR or zh-Hans, or leave it out.")
	}
	return t, nil
}

// plainTag is what a partner says about the language of a text, "" if it is no tag.
func plainTag(tag string) string {
	t, err := lang.Canonical(tag)
	if err != nil {
		return ""
	}
	return t
}

// translation makes the payload of a translation and what its entry says about it. The marking is
// that of the text it translates, unless a stricter one is given.
func (l *ledger) translation(request journal.Ref, r *RequestMoveRequest, body *requestBody) ([]byte, error) {
	switch {
	case strings.TrimSpace(r.Text) == "" || r.Lang == "":
		return nil, badInput("A translation needs a text and its language.", "", "Give --text or --text-file, and --lang TAG.")
	case len(r.Title) > maxTitle:
		return nil, badInput("The title is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(r.Title), maxTitle), "Shorten it.")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q, ok := l.request(request)
	if !ok {
		return nil, notFound("That request is not here any more.", "")
	}
	of, err := findStep(q, r.Of)
	if err != nil {
		return nil, err
	}
	body.Of, body.Lang, body.Kind, body.Authentic = &of.Ref, strings.ToLower(r.Lang), r.As, r.Authentic
	if body.TLP == "" {
		body.TLP = of.TLP
	}
	if _, err := desk.ParseBody(desk.Translate, mustBody(body.Body)); err != nil {
		return nil, badInput("This is no translation.", err.Error()+".", "Say --as human, courtesy or machine.")
	}
	return answerPayload{Text: r.Text, Title: r.Title, Lang: r.Lang}.encode()
}

// mustBody is the text of a body; one that cannot be written is none.
func mustBody(b desk.Body) []byte {
	text, err := jsonv2.Marshal(b)
	if err != nil {
		return nil
	}
	return text
}

// findStep takes the reference of a move, "origin#index", or a prefix of how lists print it; empty is
// the request itself.
func findStep(q *desk.Request, of string) (desk.Step, error) {
	if of == "" {
		return q.Steps[0], nil
	}
	var hits []desk.Step
	for _, s := range q.Steps {
		full := s.Ref.String()
		if full == of || short(s.Ref) == of || twelve(s.Ref) == of {
			return s, nil
		}
		if strings.HasPrefix(strings.TrimPrefix(full, "entente/"), of) {
			hits = append(hits, s)
		}
	}
	if len(hits) == 1 {
		return hits[0], nil
	}
	return desk.Step{}, notFound(fmt.Sprintf("The request has no move %q.", of), "Name the entry that 'entente request show' prints beside the text.")
}

// twelve is how the command line prints an entry: twelve digits of the journal, and the index.
func twelve(r journal.Ref) string {
	digits := strings.TrimPrefix(string(r.Origin), "entente/")
	return fmt.Sprintf("%.12s#%d", digits, r.Index)
}

// translationView must be called with the lock held.
func (l *ledger) translationView(s desk.Step) TranslationView {
	v := TranslationView{Ref: s.Ref.String(), Party: l.partyName(s.Party), By: Claim{s.By.Agency, s.By.Role}, At: s.At,
		Lang: plainTag(s.Lang), Kind: s.Kind, Authentic: s.Authentic}
	p, absent := l.moveWords(s.Payload, s.Held)
	v.Title, v.Text, v.Absent = p.Title, p.Text, absent
	return v
}
