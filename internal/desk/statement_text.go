package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds on the texts of a statement.
const (
	MaxStatementText  = 256 << 10 // bytes of a text in one language
	MaxStatementBytes = 2 << 20   // bytes of all texts with their JSON
)

// StatementWords is a text of a statement in one language.
type StatementWords struct {
	Lang string `json:"lang"`
	Text string `json:"text"`
}

// statementPayload is the payload of a statement: its texts, sorted by language.
type statementPayload struct {
	Texts []StatementWords `json:"texts"`
}

// SealStatement makes the payload of a statement, and what its entry says of it: authentic names the languages that bind. The
// texts have to stand sorted by language, each once.
func SealStatement(texts []StatementWords, authentic []string) (plain []byte, sha string, said []StatementText, err error) {
	known := map[string]bool{}
	for _, lang := range authentic {
		known[lang] = true
	}
	for _, t := range texts {
		if err := t.check(); err != nil {
			return nil, "", nil, err
		}
		said = append(said, StatementText{Lang: t.Lang, SHA256: hexSum([]byte(t.Text)), Authentic: known[t.Lang]})
		delete(known, t.Lang)
	}
	for lang := range known {
		return nil, "", nil, fmt.Errorf("desk: there is no text in the language %q that is said to be authentic", clip(lang))
	}
	plain, err = json.Marshal(statementPayload{texts}, json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return nil, "", nil, fmt.Errorf("desk: the texts: %w", err)
	}
	if len(plain) > MaxStatementBytes {
		return nil, "", nil, fmt.Errorf("desk: the texts have %d bytes together, at most %d are allowed", len(plain), MaxStatementBytes)
	}
	b := StatementBody{SHA256: hexSum(plain), Texts: said}
	return plain, b.SHA256, said, b.check(StatementPropose)
}

func (t StatementWords) check() error {
	switch {
	case strings.TrimSpace(t.Text) == "":
		return fmt.Errorf("desk: the text in the language %q is empty", clip(t.Lang))
	case len(t.Text) > MaxStatementText:
		return fmt.Errorf("desk: the text in the language %q has %d bytes, at most %d are allowed", clip(t.Lang), len(t.Text), MaxStatementText)
	case !utf8.ValidString(t.Text):
		return fmt.Errorf("desk: the text in the language %q is not UTF-8", clip(t.Lang))
	}
	return nil
}

// OpenStatement reads the payload of a statement and holds it against what its entry says of it. An error means that its author
// committed to one text and says that it is another: nobody should sign it.
func OpenStatement(plain []byte, b StatementBody) ([]StatementWords, error) {
	if len(plain) > MaxStatementBytes {
		return nil, fmt.Errorf("desk: the texts have %d bytes together, at most %d are allowed", len(plain), MaxStatementBytes)
	}
	if got := hexSum(plain); got != b.SHA256 {
		return nil, fmt.Errorf("desk: the texts have the SHA-256 %s, the entry says %s", got, b.SHA256)
	}
	var p statementPayload
	if err := json.Unmarshal(plain, &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("desk: the texts cannot be read: %w", err)
	}
	if len(p.Texts) != len(b.Texts) {
		return nil, fmt.Errorf("desk: there are %d texts, the entry names %d", len(p.Texts), len(b.Texts))
	}
	for i, t := range p.Texts {
		if err := t.check(); err != nil {
			return nil, err
		}
		if want := b.Texts[i]; t.Lang != want.Lang || hexSum([]byte(t.Text)) != want.SHA256 {
			return nil, fmt.Errorf("desk: text %d, in the language %q, is not the one that the entry names", i, clip(t.Lang))
		}
	}
	return p.Texts, nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
