package lang_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"entente/internal/lang"
	"entente/internal/watch/queue"
	"entente/misp"
	"entente/stix"
	"entente/stix/pattern"
	"entente/taxii"
)

// quoted is what a sentence quotes, and english two words side by side that are left of it.
var (
	quoted  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|«[^»]*»|“[^”]*”|'[^']*'|\[[^\]]*\]`)
	english = regexp.MustCompile(`(?:^| )(?:the|is|of|must|not|and|no|has|with|found|expected|than|to|it) [a-z]{2,}(?:[ .,;:]|$)`)
)

// TestWhatParsersSayIsTold: whole errors, as they come from real input, are told with nothing left in English but what they quote.
func TestWhatParsersSayIsTold(t *testing.T) {
	const (
		id   = "indicator--12345678-1234-4234-8234-123456789abc"
		head = `{"type":"indicator","spec_version":"2.1","id":"` + id + `","created":"2026-01-31T12:00:00.000Z","modified":"2026-01-31T12:00:00.000Z"`
	)
	var said []string
	note := func(err error) {
		if err == nil {
			t.Error("no error")
			return
		}
		said = append(said, err.Error(), strings.TrimSuffix(err.Error(), ".")+".")
	}
	for _, text := range []string{
		"", "{", `{"type":7}`, `{"type":"indicator"}`, `{"type":"tool","id":"` + id + `"}`, head + `,"created":"now"}`, head + `,"revoked":7}`, head + `,"pattern":7}`, head + `,"labels":["a","a` + "\xff" + `"]}`,
		head + `,"object_marking_refs":7}`, head + `,"granular_markings":[{"selectors":["a"]}]}`, head + `} x`, `[]`, head + `,"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	} {
		_, err := stix.Parse([]byte(text))
		note(err)
	}
	for _, text := range []string{`{"type":"bundle","id":"bundle--x","objects":[7,{"type":"tool"}]}`, `[1 2]`, `{"type":"bundle","objects":[` + head + `,}]}`, `{"a" 1}`, `{a`, `[{"type":"bundle","objects":[]}]`} {
		r := stix.NewReader(strings.NewReader(text), stix.ReaderOptions{Strict: true})
		failed := false
		for range 10 { // a refused object ends nothing
			_, err := r.Next()
			var read *stix.ReadError
			if !errors.As(err, &read) {
				break
			}
			failed = true
			note(err)
			if read.Fatal {
				break
			}
		}
		if !failed {
			t.Errorf("%s is read", text)
		}
	}
	for _, rest := range []string{
		`,"pattern":"[a","pattern_type":"stix","valid_from":"2026-01-31T12:00:00Z"`, `,"pattern":"[a:b = ","pattern_type":"stix","valid_from":"2026-01-31T12:00:00+01:00"`,
		`,"pattern":"[file:hashes.MD5 = 'x']","pattern_type":"stix","valid_from":"2026-01-31T12:00:00Z","valid_until":"2026-01-31T11:00:00Z","confidence":1000`,
		`,"labels":[],"kill_chain_phases":{},"name":null,"external_references":[{}],"x_y":1,"indicator_types":["unknown thing"],"object_marking_refs":["` + id + `"],"lang":"??"`,
	} {
		o, err := stix.Parse([]byte(head + rest + "}"))
		if err != nil {
			t.Fatal(err)
		}
		problems := stix.Validate(o)
		if len(problems) == 0 {
			t.Errorf("%s has no problem", rest)
		}
		for _, p := range problems {
			said = append(said, p.Message, p.String())
		}
	}
	for _, text := range []string{"[", "[file:name = 'a", "[file:name = 'a\\x']", "[file:size > 'a' AND ipv4-addr:value = '1']", "[file:name IN ('a', 7)]", "[file:name = 7] WITHIN -1 SECONDS", "[file:name MATCHES '(']",
		"[file:name = h'1']", "[file:name = t'x']", "[file:name EXISTS]", "[file:name = 'a'] REPEATS 0 TIMES", "[file:hashes.SHA-256 = 'a']", "[file:name = 'a'] x", strings.Repeat("(", 200), "[ipv4-addr:value ISSUBSET 'x']", "[file:name = 01]", "/*"} {
		p, err := pattern.Parse(text)
		if err != nil {
			note(err)
			continue
		}
		faults := p.Check()
		for _, f := range faults {
			note(f)
		}
		if len(faults) == 0 {
			t.Errorf("%s has no fault", text)
		}
	}
	for _, text := range []string{"", "{", "[]", `{"Event":7}`, `{"Event":{"info":"a"},"x":1}`, `{"Event":{"Attribute":7}}`, `{"response":[[[]]]}`, `{"Attribute":[]}`} {
		_, err := misp.Parse([]byte(text), misp.Limits{})
		note(err)
	}
	for _, text := range []string{"", `[]`, `{"name":"x"}`, `{"name":"x","list":7}`, `{"name":"x","type":"other","list":["a"]}`} {
		_, err := misp.ReadWarninglist(strings.NewReader(text), misp.ListLimits{})
		note(err)
	}
	for _, u := range []string{"ftp://a", "https://u:p@host/"} {
		_, err := taxii.NewClient(u, taxii.ClientOptions{})
		note(err)
	}
	note(&taxii.ResponseError{Method: "GET", URL: "https://h/api/", Status: 404, Title: "Not found", Description: "There is no such resource. Discovery is at /taxii2/."})
	for _, text := range []string{"nats://host", "kafka://u:p@h/t?group=a", "nats://h/s?consumer=a.b", "kafka://h/t?x=y", "kafka://h/t"} {
		_, err := queue.Parse(text)
		note(err)
	}
	for _, tag := range lang.Tags()[1:] {
		c, _ := lang.Known(tag)
		for _, text := range said {
			told, ok := c.Told(text)
			if left := english.FindString(quoted.ReplaceAllString(told, "")); !ok || left != "" {
				t.Errorf("%s: %q is told as %q (%q)", tag, text, told, left)
			}
		}
	}
}
