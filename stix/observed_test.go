package stix

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"entente/stix/pattern"
)

const observedFile = `{"type":"observed-data","spec_version":"2.1","id":"observed-data--2a387450-91c3-4e26-8af3-0ac55e1fa4af",
	"created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z","first_observed":"2024-01-01T00:00:00Z",
	"last_observed":"2024-01-01T00:01:00Z","number_observed":3,
	"object_refs":["file--2a387450-91c3-4e26-8af3-0ac55e1fa4af","file--2a387450-91c3-4e26-8af3-0ac55e1fa4b0"]}`

func TestObserved(t *testing.T) {
	objects := map[string]*Object{}
	for _, text := range []string{
		`{"type":"file","id":"file--2a387450-91c3-4e26-8af3-0ac55e1fa4af","name":"a\u002eexe","size":18014398509481985,"x_ratio":2.50,
			"x_list":[1,[true,null],{"k":"v"}],"hashes":{"MD5":"79054025255fb1a26e4bc422aef54eb4"},
			"parent_directory_ref":"directory--2a387450-91c3-4e26-8af3-0ac55e1fa4af"}`,
		`{"type":"directory","id":"directory--2a387450-91c3-4e26-8af3-0ac55e1fa4af","path":"C:\\x"}`,
	} {
		o, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		objects[o.ID] = o
	}
	od, err := Parse([]byte(observedFile))
	if err != nil {
		t.Fatal(err)
	}
	seen, err := od.Observed(func(id string) *Object { return objects[id] })
	if err != nil {
		t.Fatal(err)
	}
	if len(seen.Objects) != 1 || seen.Count != 3 || seen.Last.Sub(seen.First).Seconds() != 60 {
		t.Errorf("%+v", seen)
	}
	for text, want := range map[string]bool{
		`[file:name = 'a.exe' AND file:size = 18014398509481985]`:                          true,
		`[file:size = 18014398509481984]`:                                                  false,
		`[file:x_ratio = 2.5 AND file:x_list[1][0] = true]`:                                true,
		`[file:x_list[*].k = 'v' AND EXISTS file:x_list[1][1]]`:                            true,
		`[file:hashes[*] = '79054025255fb1a26e4bc422aef54eb4']`:                            true,
		`[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4'] REPEATS 3 TIMES`:           true,
		`[file:hashes.MD5 LIKE '7%'] REPEATS 4 TIMES`:                                      false,
		`[file:parent_directory_ref.path = 'C:\\x']`:                                       true,
		`[file:parent_directory_ref LIKE 'directory--%']`:                                  true,
		`[directory:path = 'C:\\x']`:                                                       false, // it is not in object_refs
		`[file:name LIKE '%.exe' AND NOT EXISTS file:created]`:                             true,
		`[file:name LIKE '%' ] START t'2024-01-01T00:01:00Z' STOP t'2025-01-01T00:00:00Z'`: true,
	} {
		p, err := pattern.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.Match([]pattern.Observed{seen}); err != nil || r.Matched != want {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
}

// TestObserved20: the objects inside an observed-data of STIX 2.0.
func TestObserved20(t *testing.T) {
	od, err := Parse([]byte(`{"type":"observed-data","id":"observed-data--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2017-01-01T00:00:00Z",
		"modified":"2017-01-01T00:00:00Z","first_observed":"2017-01-01T00:00:00Z","last_observed":"2017-01-01T00:00:00Z","number_observed":1,
		"objects":{"0":{"type":"domain-name","value":"x.example","resolves_to_refs":["1"]},"1":{"type":"ipv4-addr","value":"192.0.2.1"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	seen, err := od.Observed(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pattern.Compile(`[domain-name:value = 'x.example' AND domain-name:resolves_to_refs[*].value ISSUBSET '192.0.2.0/24']`)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p.Match([]pattern.Observed{seen}); err != nil || fmt.Sprint(r.Observed()) != "[0]" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestObservedRefuses(t *testing.T) {
	for _, x := range [][2]string{
		{`"type":"observed-data"`, `"type":"report"`},
		{`"number_observed":3`, `"number_observed":0`},
		{`"number_observed":3`, `"number_observed":"3"`},
		{`"first_observed"`, `"x_observed"`},
		{`"last_observed":"2024-01-01T00:01:00Z"`, `"last_observed":7`},
	} {
		text := strings.Replace(observedFile, x[0], x[1], 1)
		if x[1] == `"type":"report"` {
			text = strings.Replace(text, `"observed-data--`, `"report--`, 1)
		}
		o, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Observed(nil); !errors.Is(err, ErrProperty) {
			t.Errorf("%s: %v", x[1], err)
		}
	}
}
