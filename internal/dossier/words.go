package dossier

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"entente/internal/desk"
	"entente/journal"
)

// Bounds of the texts that are kept for a report, in bytes.
const (
	maxWords    = desk.MaxStatementBytes // of one payload
	maxAllWords = 16 << 20               // of all
)

// Words are what an entry of the record says in its payload. They are foreign: escape them before
// showing them.
type Words struct {
	Ref    journal.Ref `json:"ref"`
	Title  string      `json:"title,omitempty"`
	Text   string      `json:"text,omitempty"`
	Fields []Said      `json:"fields,omitempty"` // of a request by name, of a statement its texts by language, of a leak where and by whom
}

// Said is one field of words.
type Said struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// keepWords keeps the text of a payload, as far as there is room. What cannot be read as one is left out.
func (v *verifier) keepWords(ref journal.Ref, st *payloadState, plain []byte) {
	switch st.p.Type {
	case journal.PayloadRequest, journal.PayloadAnswer, journal.PayloadText, journal.PayloadStatement:
	default:
		return
	}
	if len(plain) > maxWords || v.wordBytes+int64(len(plain)) > maxAllWords {
		return
	}
	var p struct {
		Title   string                `json:"title"`
		Text    string                `json:"text"`
		Fields  map[string]string     `json:"fields"`
		Where   string                `json:"where"`
		Noticed string                `json:"noticed"`
		Texts   []desk.StatementWords `json:"texts"`
	}
	if json.Unmarshal(plain, &p) != nil {
		return
	}
	w := Words{Ref: ref, Title: strings.ToValidUTF8(p.Title, "\uFFFD"), Text: strings.ToValidUTF8(p.Text, "\uFFFD")}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		w.Fields = append(w.Fields, Said{name, p.Fields[name]})
	}
	for _, x := range []Said{{"where", p.Where}, {"noticed", p.Noticed}} {
		if x.Value != "" {
			w.Fields = append(w.Fields, x)
		}
	}
	for _, t := range p.Texts {
		w.Fields = append(w.Fields, Said{t.Lang, t.Text})
	}
	if v.words == nil {
		v.words = map[journal.Ref]Words{}
	}
	v.wordBytes += int64(len(plain))
	v.words[ref] = w
}
