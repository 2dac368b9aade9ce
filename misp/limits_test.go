package misp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/misp"
	"entente/stix"
)

// TestLargeObjects refuses to make a STIX object beyond its limit.
func TestLargeObjects(t *testing.T) {
	now := time.Unix(1714680000, 0)
	e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "x")
	e.AddAttribute(misp.NewAttribute("33333333-3333-4333-8333-333333333333", "text", strings.Repeat("x", 10_000), now))
	if _, err := misp.ToSTIX(e, misp.ToOptions{MaxObjectBytes: 10_000}); !errors.Is(err, misp.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := misp.ToSTIX(e, misp.ToOptions{}); err != nil {
		t.Errorf("%v", err)
	}
}

// TestMentions makes a note of a report that names more parts than a note refers to.
func TestMentions(t *testing.T) {
	now := time.Unix(1714680000, 0)
	e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "x")
	e.SetOrgc("22222222-2222-4222-8222-222222222222", "North")
	var content strings.Builder
	for i := range 1001 {
		uuid := fmt.Sprintf("33333333-3333-4333-8333-%012d", i)
		e.AddAttribute(misp.NewAttribute(uuid, "comment", "x", now))
		content.WriteString("@[attribute](" + uuid + ") ")
	}
	r := &misp.Members{}
	r.SetText("uuid", "44444444-4444-4444-8444-444444444444")
	r.SetText("name", "r")
	r.SetText("content", content.String())
	e.Add("EventReport", r)
	b := roundTrip(t, e, misp.ToOptions{})
	note := byID(b)["note--44444444-4444-4444-8444-444444444444"]
	if refs, _ := note.Root().Member("object_refs").Texts(); len(refs) != 1000 {
		t.Errorf("%d references", len(refs))
	}
}

// TestPatternOfManyValues reads a pattern of more values than become attributes.
func TestPatternOfManyValues(t *testing.T) {
	for _, n := range []int{1000, 1001} {
		values := make([]string, n)
		for i := range values {
			values[i] = fmt.Sprintf("domain-name:value = 'a%d.example.org'", i)
		}
		o, err := stix.Parse(fmt.Appendf(nil, `{"type":"indicator","spec_version":"2.1","id":"indicator--33333333-3333-4333-8333-333333333333",`+
			`"created":"2024-05-02T00:00:00.000Z","modified":"2024-05-02T00:00:00.000Z","pattern":"[%s]","pattern_type":"stix",`+
			`"valid_from":"2024-05-02T00:00:00Z"}`, strings.Join(values, " OR ")))
		if err != nil {
			t.Fatal(err)
		}
		e := returnSTIX(t, []*stix.Object{o}).Events[0]
		first := misp.Attribute{Members: e.List("Attribute")[0]}
		if many := len(e.List("Attribute")) == n && first.Type() == "domain"; many != (n == 1000) || !many && first.Type() != "stix2-pattern" {
			t.Errorf("%d values: %d attributes of type %s", n, len(e.List("Attribute")), first.Type())
		}
	}
}
