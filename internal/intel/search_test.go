package intel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/observable"
	"entente/stix"
)

func TestSearch(t *testing.T) {
	w := newWorld(t)
	w.load(t, "first", indicator(1, 1, "a.b.evil.example"), indicator(2, 1, "evil.example", marked(stix.TLP2Red)))
	between := w.now.Add(time.Hour)
	w.now = between.Add(time.Hour)
	w.load(t, "second", indicator(2, 1, "evil.example", marked(stix.TLP2Red)), // again
		strings.Replace(indicator(3, 1, "https://a.b.evil.example/x?y=1#frag"), "domain-name", "url", 1),
		`{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000004","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"m","is_family":false`+marked(stix.TLP2Clear)+`}`)
	r, plain := sent(1, 1, indicator(5, 1, "evil.example"))
	r.Claims.Unmarked = stix.TLPGreen
	w.receive(t, r, plain)
	for name, c := range map[string]struct {
		q    intel.Query
		want string
	}{
		"everything":         {intel.Query{}, "1 2 3 4 5"},
		"value":              {intel.Query{Value: "evil.example"}, "2 5"},
		"defanged":           {intel.Query{Value: "EVIL[.]example"}, "2 5"},
		"value, no parents":  {intel.Query{Value: "x.evil.example"}, ""},
		"value, parents":     {intel.Query{Value: "c.a.b.evil.example", Parents: true}, "1 2 5"},
		"url":                {intel.Query{Value: "hxxps://a.b.evil[.]example/x?y=1"}, "3"},
		"url, parents":       {intel.Query{Value: "https://a.b.evil.example/x?y=1", Parents: true}, "1 2 3 5"},
		"type":               {intel.Query{Type: "malware"}, "4"},
		"no such type":       {intel.Query{Type: "malwar"}, ""},
		"value and type":     {intel.Query{Value: "evil.example", Type: "malware"}, ""},
		"import":             {intel.Query{Source: "first"}, "1 2"},
		"other import":       {intel.Query{Source: "second"}, "2 3 4"},
		"import and type":    {intel.Query{Source: "second", Type: "indicator"}, "2 3"},
		"value and import":   {intel.Query{Source: "second", Value: "evil.example"}, "2"},
		"local":              {intel.Query{Source: "local"}, "1 2 3 4"},
		"partner":            {intel.Query{Source: string(partyID(1))}, "5"},
		"unit":               {intel.Query{Source: string(unitID(1))}, "5"},
		"value and partner":  {intel.Query{Source: string(unitID(1)), Value: "evil.example"}, "5"},
		"nobody":             {intel.Query{Source: "nobody"}, ""},
		"id":                 {intel.Query{ID: idOf(2)}, "2"},
		"after":              {intel.Query{After: between}, "3 4 5"},
		"before":             {intel.Query{Before: between}, "1 2"},
		"before, type":       {intel.Query{Before: between, Type: "indicator"}, "1 2"},
		"after, local":       {intel.Query{After: between, Source: "local"}, "3 4"},
		"marking":            {intel.Query{Marking: stix.TLPGreen}, "4 5"},
		"marking, type":      {intel.Query{Marking: stix.TLPRed, Type: "indicator"}, "2 5"},
		"held too":           {intel.Query{Held: true}, "1 2 3 4 5"},
		"held, value, after": {intel.Query{Held: true, Value: "evil.example", After: between}, "5"},
	} {
		for limit := range 4 {
			c.q.Limit = limit
			if got := ids(search(t, w.in, c.q)); got != c.want {
				t.Errorf("%s, %d a page: %q, want %q", name, limit, got, c.want)
			}
		}
		if got := ids(selected(t, w.in, c.q)); got != c.want {
			t.Errorf("%s, selected: %q, want %q", name, got, c.want)
		}
	}
	all := search(t, w.in, intel.Query{Limit: 2})
	for i := 1; i < len(all); i++ {
		if !all[i].Added.Before(all[i-1].Added) {
			t.Error("a search is not newest first")
		}
	}
	oldest := selected(t, w.in, intel.Query{})
	for i := 1; i < len(oldest); i++ {
		if !oldest[i].Added.After(oldest[i-1].Added) {
			t.Error("a selection is not oldest first")
		}
	}
	for _, q := range []intel.Query{{Value: "what is this?"}, {Next: "zz"}, {Next: "0102"}, {Value: "evil.example", Next: fmt.Sprintf("%x", "c12345678")}} {
		if _, err := w.in.Search(context.Background(), q); !errors.Is(err, intel.ErrQuery) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestDefinition(t *testing.T) {
	w := newWorld(t)
	def := `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"x"}}`
	w.load(t, "f", def)
	o, err := w.in.Definition(context.Background(), "marking-definition--00000000-0000-4000-8000-000000000001")
	if err != nil || o == nil || string(o.Raw) != def {
		t.Fatal(o, err)
	}
	if o, err := w.in.Definition(context.Background(), "marking-definition--00000000-0000-4000-8000-000000000002"); o != nil || err != nil {
		t.Fatal(o, err)
	}
}

func TestGuardWith(t *testing.T) {
	if _, err := guard.Default().With("x", "not a value at all"); err == nil {
		t.Fatal("nonsense was taken into the guard list")
	}
}

// TestGuardAbove: whoever blocks a domain blocks what is below it, so what lies above
// something guarded is guarded; so is mail of a guarded domain.
func TestGuardAbove(t *testing.T) {
	set, err := guard.Default().With("an asset of ours", "vote.agency.example", "198.51.100.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for text, held := range map[string]bool{
		"vote.agency.example": true, "www.vote.agency.example": true, "agency.example": true,
		"other.agency.example": false, "agency.example.net": false, "notagency.example": false,
		"clerk@vote.agency.example": true, "clerk@agency.example": false,
		"198.51.100.9": true, "198.51.100.0/25": true, "198.51.0.0/16": true, "198.52.0.0/16": false,
	} {
		v, err := observable.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if why, ok := set.Match(v); ok != held {
			t.Errorf("%s: held is %v (%s)", text, ok, why)
		}
	}
	// A list of what must never be sent says what it says.
	never, err := guard.Empty().With("never", "vote.agency.example")
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := observable.Parse("agency.example"); func() bool { _, ok := never.Match(v); return ok }() {
		t.Error("what lies above a value that is never sent was kept back")
	}
}

// TestNewestHere: what a partner brings under an id that it can guess is not ours.
func TestNewestHere(t *testing.T) {
	w := newWorld(t)
	id := idOf(1)
	r, plain := sent(1, 0, indicator(1, 3, "one.example", `,"name":"theirs"`))
	w.receive(t, r, plain)
	newest := func() string {
		t.Helper()
		raw, err := w.in.NewestHere(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if got := newest(); got != "" {
		t.Errorf("a partner's object is taken for ours: %s", got)
	}
	ours := indicator(1, 2, "one.example", `,"name":"ours"`)
	w.load(t, "ours", ours)
	if got := newest(); got != ours {
		t.Errorf("ours is %s", got)
	}
}
