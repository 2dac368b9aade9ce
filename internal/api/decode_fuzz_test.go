package api

import (
	"encoding/json"
	"testing"

	"entente/internal/node"
)

// FuzzDecode: whatever is taken as a request is also JSON for the ordinary
// reader, and says the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, ``, ` `, `null`, `{"by":{"agency":"cert","role":"head"},"unit":"u","id":"x","move":"answer","until":"2026-01-02T03:04:05+02:00","scores":{"relevance":5}}`,
		`{"unit":"a","unit":"b"}`, `{"Unit":"a"}`, "{\"unit\":\"\xff\"}", `{"until":"never"}`, `{"scores":{"a":1e400}}`, `[[[[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decode[node.RequestMoveRequest](text)
		if err != nil {
			return
		}
		again, err := encode(got)
		if err != nil {
			t.Fatalf("read %q, cannot be written: %v", text, err)
		}
		if !json.Valid(again) {
			t.Fatalf("read %q, written as %q", text, again)
		}
		if _, err := decode[node.RequestMoveRequest](again); err != nil {
			t.Fatalf("read %q, written as %q, not read again: %v", text, again, err)
		}
	})
}
