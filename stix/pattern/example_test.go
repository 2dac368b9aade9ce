package pattern_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entente/stix/pattern"
)

func ExampleExtractAtoms() {
	atoms, err := pattern.ExtractAtoms(`[file:name = 'a.exe' AND file:hashes.'SHA-256' IN ('aa', 'bb')] WITHIN 5 SECONDS`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range atoms {
		fmt.Println(a.ObjectType, a.Path, a.Op, a.Value.Text, len(a.Set))
	}
	_, err = pattern.ExtractAtoms(`[file:size = 1280`)
	fmt.Println(err)
	// Output:
	// file name = a.exe 0
	// file hashes.SHA-256 IN  2
	// not a STIX pattern: expected "]" at the end of the observation, AND or OR, found the end of the pattern (line 1, column 18)
}

func ExampleParse() {
	tree, err := pattern.Parse(`[domain-name:value == 'x.example'] // a comment
		FOLLOWEDBY ([url:value LIKE 'http://%'])`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tree)
	both := tree.Root.(*pattern.Combination)
	first := both.Terms[0].(*pattern.Observation).Where.(*pattern.Comparison)
	fmt.Println(both.Joint, first.Path.Type, first.Path.Steps[0].Key, first.Op, first.Value)
	// Output:
	// [domain-name:value = 'x.example'] FOLLOWEDBY [url:value LIKE 'http://%']
	// FOLLOWEDBY domain-name value = 'x.example'
}

func ExampleError() {
	_, err := pattern.Parse("[file:size\n = 'ü' OR file:size > true]")
	var e *pattern.Error
	if errors.As(err, &e) {
		fmt.Println(e.Rule, e.Rule.Degree() == pattern.Invalid, e.Offset, e.Line, e.Column)
		fmt.Println("expected", e.Expected)
		fmt.Println("found", e.Found)
	}
	// Output:
	// syntax true 34 2 23
	// expected a constant that has an order after >
	// found the word true
}

func ExampleTree_Check() {
	tree, err := pattern.Parse(`[file:size = 5 AND url:value = 'x'] REPEATS 0 TIMES`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, fault := range tree.Check() {
		fmt.Println(fault)
	}
	// Output:
	// the pattern has a part that can never match: expected comparisons with one type of object, because AND is about one object, found another type: url (line 1, column 20)
	// not a STIX pattern: expected at least 1 time after REPEATS, found 0 (line 1, column 37)
}

func ExampleCanonical() {
	for _, text := range []string{
		`[file:size<>+0100.50]`,
		`(([file:'name' = 'a'])) WITHIN 5.0 SECONDS`,
	} {
		fmt.Println(pattern.Canonical(text))
	}
	// Output:
	// [file:size != 100.5] <nil>
	// [file:name = 'a'] WITHIN 5 SECONDS <nil>
}

func ExamplePattern_Match() {
	p, err := pattern.Compile(`([domain-name:value LIKE '%.example' AND domain-name:resolves_to_refs[*].value ISSUBSET '192.0.2.0/24']
		FOLLOWEDBY [file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4'] REPEATS 2 TIMES) WITHIN 60 SECONDS`)
	if err != nil {
		fmt.Println(err)
		return
	}
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	object := func(text string) pattern.Object {
		var m pattern.MapObject
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			fmt.Println(err)
		}
		return m
	}
	result, err := p.Match([]pattern.Observed{
		{First: noon, Last: noon, Count: 1, Objects: []pattern.Object{
			object(`{"type":"domain-name","id":"d","value":"x.example","resolves_to_refs":["a"]}`),
			object(`{"type":"ipv4-addr","id":"a","value":"192.0.2.7"}`)}},
		{First: noon.Add(time.Minute), Last: noon.Add(time.Hour), Count: 5, Objects: []pattern.Object{
			object(`{"type":"file","id":"f","hashes":{"MD5":"79054025255fb1a26e4bc422aef54eb4"}}`)}},
	})
	fmt.Println(result.Matched, result.Chosen, err)
	// Output: true [{0 0 1} {1 1 2}] <nil>
}

// flow is an object without JSON: what a sensor saw.
type flow struct {
	to   string
	port int64
}

func (f flow) ObjectType() string { return "network-traffic" }
func (f flow) ObjectID() string   { return "" }

func (f flow) Property(name string) (pattern.Value, bool) {
	switch name {
	case "dst_port":
		return pattern.IntValue(f.port), true
	case "x_dst":
		return pattern.StringValue(f.to), true
	}
	return pattern.Value{}, false
}

func (f flow) Each(yield func(string, pattern.Value) bool) {
	_ = yield("dst_port", pattern.IntValue(f.port)) && yield("x_dst", pattern.StringValue(f.to))
}

func ExampleObject() {
	p, err := pattern.Compile(`[network-traffic:dst_port IN (443, 8443) AND network-traffic:x_dst MATCHES '(^|\\.)example$'] REPEATS 2 TIMES`)
	if err != nil {
		fmt.Println(err)
		return
	}
	var seen []pattern.Observed
	for _, f := range []flow{{"a.example", 443}, {"b.invalid", 443}, {"example", 8443}} {
		seen = append(seen, pattern.Observed{Objects: []pattern.Object{f}})
	}
	result, err := p.Match(seen)
	fmt.Println(result.Matched, result.Observed(), err)
	// Output: true [0 2] <nil>
}

func ExamplePattern_MatchWithin() {
	p, err := pattern.Compile(`[x:a = 1] AND [x:a = 2]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	seen := []pattern.Observed{{Objects: []pattern.Object{pattern.MapObject{"type": "x", "a": 1}}}, {Objects: []pattern.Object{pattern.MapObject{"type": "x", "a": 2}}}}
	_, err = p.MatchWithin(seen, 5)
	fmt.Println(errors.Is(err, pattern.ErrBudget))
	// Output: true
}
