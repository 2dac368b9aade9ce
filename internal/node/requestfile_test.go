package node

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRequestFile(t *testing.T) {
	const good = `{"format":"entente/request/v1","unit":"Joint","to":"South","type":"incident","urgency":"emergency","title":"Register","text":"It is\nunreachable.","lang":"en","tlp":"green","detected":"2026-03-01T08:15:00+02:00","fields":{"subject":"register"},"by":{"agency":"CERT","role":"duty"}}`
	r, err := ParseRequestFile([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if r.Unit != "Joint" || r.To != "South" || r.Type != "incident" || r.Urgency != "emergency" || r.Title != "Register" || r.Text != "It is\nunreachable." || r.Lang != "en" || r.TLP != "green" ||
		!r.Detected.Equal(time.Date(2026, 3, 1, 6, 15, 0, 0, time.UTC)) || r.Fields["subject"] != "register" || r.By != (Claim{"CERT", "duty"}) || r.Draft || r.DryRun || r.From != "" {
		t.Errorf("%+v", r)
	}
	yaml := "format: entente/request/v1\ntype: information\nurgency: routine\ntitle: \"x\"\n"
	if _, err := ParseRequestFile([]byte(yaml)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"", "x", "[]", "null", `{}`, strings.Replace(good, "request/v1", "request/v2", 1), strings.Replace(good, `"unit"`, `"Unit"`, 1), strings.Replace(good, `"to"`, `"draft"`, 1),
		strings.Replace(good, `"to":"South"`, `"unit":"twice"`, 1), strings.Replace(good, "green", "purple", 1), strings.Replace(good, "2026-03-01T08", "2026-03-01 08", 1),
		strings.Replace(good, `"register"}`, `7}`, 1), strings.Replace(good, `"Register"`, `""`, 1), strings.Replace(good, `"Register"`, `"`+strings.Repeat("x", 201)+`"`, 1),
		strings.Replace(good, "Register", `a\u202eb`, 1), strings.Replace(good, "Register", "a\u2066b", 1), strings.Replace(good, "Register", `a\u001b[2Jb`, 1), good + good,
		strings.Replace(good, `,"role":"duty"`, "", 1), yaml + "text: &a x\nlang: *a\n", yaml + "type: takedown\n", yaml + "---\n" + yaml,
		yaml + "text: \"" + strings.Repeat("x", 10<<20) + "\"\n", yaml + "fields: {Subject: x}\n", yaml + strings.Repeat("[", 10_000),
	} {
		if _, err := ParseRequestFile([]byte(bad)); err == nil {
			t.Errorf("%.200q is a request", bad)
		}
	}
}

// TestRequestSchema: the published schema is the one that is used, and the documented example is a request.
func TestRequestSchema(t *testing.T) {
	published, err := os.ReadFile("../../docs/request.schema.json")
	if err != nil || !bytes.Equal(published, RequestSchema()) {
		t.Errorf("docs/request.schema.json is not internal/node/request.schema.json: %v", err)
	}
	example, err := os.ReadFile("../../docs/examples/request.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRequestFile(example)
	if err != nil || r.Type != "subscriber" || r.Fields["phone"] != "+000 555 0100" {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzRequestFile(f *testing.F) {
	for _, s := range []string{`{"format":"entente/request/v1","type":"information","urgency":"routine","title":"x"}`, "format: entente/request/v1\ntype: a\nurgency: b\ntitle: c\nfields: {subject: d}\n",
		"format: entente/request/v1\ntype: incident\nurgency: routine\ntitle: x\ndetected: 2026-03-01T08:15:00Z\n", "a: &b [*b]", "? x", "{", "title: |\n  x\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRequestFile(text)
		if err == nil && (r.Title == "" || r.Type == "" || r.Urgency == "" || r.Draft || r.DryRun || len(r.Release) > 0) {
			t.Fatalf("%q: %+v", text, r)
		}
	})
}
