package dossier

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"entente/journal"
)

// Bounds of the texts that are kept for a report.
const (
	maxWords    = 1 << 20  // bytes of one payload
	maxAllWords = 16 << 20 // bytes of all
)

// Words are what a request, an answer or a statement says in its payload. They are foreign: escape them before
// showing them.
type Words struct {
	Ref    journal.Ref `json:"ref"`
	Title  string      `json:"title,omitempty"`
	Text   string      `json:"text,omitempty"`
	Fields []Said      `json:"fields,omitempty"` // by name
}

// Said is one field of a request.
type Said struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// keepWords keeps the text of a payload, as far as there is room. What cannot be read as one is left out.
func (v *verifier) keepWords(ref journal.Ref, st *payloadState, plain []byte) {
	switch st.p.Type {
	case journal.PayloadRequest, journal.PayloadAnswer, journal.PayloadText:
	default:
		return
	}
	if len(plain) > maxWords || v.wordBytes+int64(len(plain)) > maxAllWords {
		return
	}
	var p struct {
		Title  string            `json:"title"`
		Text   string            `json:"text"`
		Fields map[string]string `json:"fields"`
	}
	if json.Unmarshal(plain, &p) != nil {
		return
	}
	w := Words{Ref: ref, Title: strings.ToValidUTF8(p.Title, "\uFFFD"), Text: strings.ToValidUTF8(p.Text, "\uFFFD")}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		w.Fields = append(w.Fields, Said{name, p.Fields[name]})
	}
	if v.words == nil {
		v.words = map[journal.Ref]Words{}
	}
	v.wordBytes += int64(len(plain))
	v.words[ref] = w
}
