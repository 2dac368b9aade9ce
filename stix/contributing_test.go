package stix

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestContributingIDVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/sco_ids.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Want   string
			Object json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) < 20 {
		t.Fatal(len(file.Cases), err)
	}
	for _, c := range file.Cases {
		if got, err := ContributingID(c.Object); err != nil || got != c.Want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.Object, got, err, c.Want)
		}
	}
}

// TestContributingIDRules checks the rules by comparing identifiers with each
// other: what must not matter, and what must.
func TestContributingIDRules(t *testing.T) {
	id := func(s string) string {
		t.Helper()
		got, err := ContributingID([]byte(s))
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return got
	}
	same := [][2]string{
		{`{"type":"url","value":"http://a.example/<\u0041>"}`, `{"value" : "http:\/\/a.example/<A>", "type":"url", "id":"url--x", "defanged":true}`},
		{`{"type":"file","hashes":{"SHA-512":"b","SHA-256":"a"}}`, `{"type":"file","hashes":{"SHA-256":"a"}}`},
		{`{"type":"file","hashes":{"SHA-256":"a","SHA-1":"c"}}`, `{"type":"file","hashes":{"SHA-1":"c"}}`},
		{`{"type":"file","hashes":{"TLSH":"t","SSDEEP":"s"}}`, `{"type":"file","hashes":{"SSDEEP":"s","TLSH":"t"}}`},
		{`{"type":"autonomous-system","number":15139}`, `{"type":"autonomous-system","number":1.5139e4,"rir":"x"}`},
		{`{"type":"windows-registry-key","key":"a","values":[{"name":"n","data":"d"}]}`,
			`{"type":"windows-registry-key","values":[{"data":"d","name":"n"}],"key":"a","number_of_subkeys":3}`},
		{`{"type":"email-message","is_multipart":false,"subject":"s"}`, `{"type":"email-message","is_multipart":true,"subject":"s","to_refs":[]}`},
		{`{"type":"user-account","user_id":"1"}`, `{"type":"user-account","user_id":"1","display_name":"d"}`},
	}
	for _, c := range same {
		if a, b := id(c[0]), id(c[1]); a != b {
			t.Errorf("%s and %s differ:\n%s\n%s", a, b, c[0], c[1])
		}
	}
	different := [][2]string{
		{`{"type":"file","name":"a"}`, `{"type":"file","name":"A"}`},
		{`{"type":"file","name":"a"}`, `{"type":"file","name":"a","parent_directory_ref":"directory--1"}`},
		{`{"type":"file","name":"a"}`, `{"type":"file","name":"a","extensions":{"pdf-ext":{"version":"1.7"}}}`},
		{`{"type":"network-traffic","protocols":["tcp"],"dst_port":1}`, `{"type":"network-traffic","protocols":["tcp"],"dst_port":2}`},
		{`{"type":"network-traffic","protocols":["tcp"],"start":"2024-01-01T00:00:00Z"}`, `{"type":"network-traffic","protocols":["tcp"],"end":"2024-01-01T00:00:00Z"}`},
		{`{"type":"network-traffic","protocols":["tcp","http"]}`, `{"type":"network-traffic","protocols":["http","tcp"]}`},
		{`{"type":"software","name":"a"}`, `{"type":"software","name":"a","swid":"s"}`},
		{`{"type":"user-account","user_id":"1"}`, `{"type":"user-account","account_login":"1"}`},
		{`{"type":"x509-certificate","serial_number":"1"}`, `{"type":"x509-certificate","serial_number":"1","hashes":{"MD5":"m"}}`},
		{`{"type":"artifact","payload_bin":"AA=="}`, `{"type":"artifact","payload_bin":"AA==","hashes":{"MD5":"m"}}`},
	}
	for _, c := range different {
		if a, b := id(c[0]), id(c[1]); a == b {
			t.Errorf("the same %s for\n%s\n%s", a, c[0], c[1])
		}
	}
	for raw, want := range map[string]error{
		`{"type":"process","pid":4,"command_line":"x"}`:      ErrRandomID,
		`{"type":"x509-certificate","issuer":"x"}`:           ErrRandomID,
		`{"type":"email-message","is_multipart":false}`:      ErrRandomID,
		`{"type":"indicator","name":"x"}`:                    ErrNotSCO,
		`{"value":"x"}`:                                      ErrNotSCO,
		`{"type":"file","hashes":{}}`:                        ErrProperty,
		`{"type":"file","hashes":"x"}`:                       ErrProperty,
		`{"type":"url","value":"x","value":"y"}`:             ErrDuplicateName,
		`{"type":"url"`:                                      ErrSyntax,
		"{\"type\":\"url\",\"value\":\"\xff\"}":              ErrInvalidUTF8,
		`[` + strings.Repeat(`{"type":"url"},`, 2) + `null]`: ErrNotObject,
	} {
		if _, err := ContributingID([]byte(raw)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", raw, err, want)
		}
	}
	for typ := range contributing {
		if spec, ok := SpecOf(typ); !ok || spec.Category != SCO {
			t.Errorf("%s contributes but is no observable", typ)
		}
	}
	n := 0
	for _, typ := range KnownTypes() {
		if spec, _ := SpecOf(typ); spec.Category == SCO {
			n++
			if _, ok := contributing[typ]; !ok {
				t.Errorf("%s has no ID contributing properties", typ)
			}
			for _, p := range contributing[typ] {
				if _, ok := spec.Property(p); !ok {
					t.Errorf("%s.%s contributes but is not in the table", typ, p)
				}
			}
		}
	}
	if n != 18 {
		t.Errorf("%d observables, want 18", n)
	}
}
