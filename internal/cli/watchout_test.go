package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/outlet"
)

// TestRefusedMessagesAreKept: a message that a receiver refuses is told and kept, with why, in a file that only its owner reads, up to a bound; without positions it is only told.
func TestRefusedMessagesAreKept(t *testing.T) {
	var errs bytes.Buffer
	position := filepath.Join(t.TempDir(), "position")
	w := &watching{a: &app{now: time.Now, err: &errs, out: new(bytes.Buffer), env: func(string) string { return "" }}, f: watchFlags{position: position}}
	m := outlet.Message{ID: "0f6b", Text: []byte("{\"x\":\"\xff\"}\n")}
	for range 2 {
		w.setAside("webhook", m, errors.New("the webhook answered 422"))
	}
	text, err := os.ReadFile(position + ".refused")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	var got refusedMessage
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || len(lines) != 2 || got.ID != m.ID || got.Receiver != "webhook" || !strings.Contains(got.Why, "422") || !strings.HasPrefix(got.Message, `{"x":`) {
		t.Errorf("%v: %q", err, lines)
	}
	if info, err := os.Stat(position + ".refused"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if !strings.Contains(errs.String(), "0f6b") || !strings.Contains(errs.String(), position+".refused") {
		t.Errorf("%s", errs.String())
	}
	if err := os.Truncate(position+".refused", maxRefusedFile-10); err != nil {
		t.Fatal(err)
	}
	errs.Reset()
	w.setAside("webhook", m, errors.New("the webhook answered 422"))
	if info, err := os.Stat(position + ".refused"); err != nil || info.Size() != maxRefusedFile-10 || !strings.Contains(errs.String(), "0f6b") || !strings.Contains(errs.String(), "full") {
		t.Errorf("%v: %s", info.Size(), errs.String())
	}
	errs.Reset()
	w.f.position = ""
	if w.setAside("syslog", m, errors.New("gone")); !strings.Contains(errs.String(), "0f6b") {
		t.Errorf("%s", errs.String())
	}
}
