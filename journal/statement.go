package journal

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// maxSignatures is the most signatures of one statement.
const maxSignatures = 4

// Signed is a statement: the exact JSON text and who signed it. The text is
// never serialised again. Its member "statement" names the kind, which is also
// the domain of the signatures ("statement/" kind).
type Signed struct {
	Text       string         `json:"text"`
	Signatures []KeySignature `json:"signatures"`
}

// KeySignature is the pair of signatures of one key over a statement.
type KeySignature struct {
	Key Hash `json:"key"` // id of the public key
	Signature
}

// StatementHash names a statement's text: SHA-256("entente/statement/v1\n" text).
func StatementHash(text string) Hash { return hashOf("entente/statement/v1\n", []byte(text)) }

// sign signs text with every key, each once.
func sign(kind, text string, keys ...*PrivateKey) (Signed, error) {
	s := Signed{Text: text}
	if err := s.check(); err != nil {
		return Signed{}, err
	}
	for i, k := range keys {
		if k == nil {
			return Signed{}, errors.New("journal: a key to sign the statement with is missing")
		}
		if i > 0 && k.pub.Equal(keys[i-1].pub) {
			continue
		}
		sig, err := k.Sign("statement/"+kind, []byte(text))
		if err != nil {
			return Signed{}, err
		}
		s.Signatures = append(s.Signatures, KeySignature{Key: k.pub.ID(), Signature: sig})
	}
	return s, nil
}

// check bounds a statement from outside.
func (s Signed) check() error {
	if len(s.Text) > MaxStatement {
		return refuse(CodeOversize, "", -1, "a statement of %d bytes is larger than %d", len(s.Text), MaxStatement)
	}
	if len(s.Signatures) > maxSignatures {
		return refuse(CodeOversize, "", -1, "a statement has more than %d signatures", maxSignatures)
	}
	if !utf8.ValidString(s.Text) {
		return refuse(CodeBadEntry, "", -1, "a statement is not UTF-8")
	}
	return nil
}

// Kind returns the member "statement" of the text, or an error if the text is
// not a statement.
func (s Signed) Kind() (string, error) {
	var x struct {
		Statement string `json:"statement"`
	}
	if err := s.decode(&x); err != nil {
		return "", err
	}
	return x.Statement, nil
}

func (s Signed) decode(into any) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := checkDepth([]byte(s.Text), 8); err != nil {
		return refuse(CodeBadEntry, "", -1, "statement: %v", err)
	}
	if err := json.Unmarshal([]byte(s.Text), into); err != nil {
		return refuse(CodeBadEntry, "", -1, "statement: %v", err)
	}
	return nil
}

// SignedBy checks that the key signed the statement as one of the given kind,
// with both halves. It does not look at what the statement says.
func (s Signed) SignedBy(kind string, key PublicKey) error {
	if err := s.check(); err != nil {
		return err
	}
	id := key.ID()
	for _, sig := range s.Signatures {
		if sig.Key == id {
			return key.Verify("statement/"+kind, []byte(s.Text), sig.Signature)
		}
	}
	return refuse(CodeBadSignature, "", -1, "the %s statement is not signed by key %s", kind, id)
}

// asRefusal gives an error of this package a code if it has none.
func asRefusal(err error, code string, o Origin, index int64) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		c := *r
		if c.Origin == "" {
			c.Origin = o
		}
		if c.Index < 0 {
			c.Index = index
		}
		return &c
	}
	return &Refusal{Code: code, Origin: o, Index: index, Detail: fmt.Sprint(err)}
}
