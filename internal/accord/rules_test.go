package accord

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func TestRulesApply(t *testing.T) {
	rule := func(path, action string) FieldRule {
		return FieldRule{Clause: Clause{ID: "F"}, Path: path, Action: action, Mask: "[withheld]"}
	}
	coarse := func(path string, c Coarsen) FieldRule { r := rule(path, "coarsen"); r.Coarsen = c; return r }
	only := func(r FieldRule, types ...string) FieldRule { r.Types = types; return r }
	for _, row := range []struct {
		name     string
		rules    Rules
		in, want string
		changed  string
	}{
		{"nothing to do", Rules{rule("$.x", "drop")}, `{ "type" : "a" }`, `{ "type" : "a" }`, ""},
		{"drop the first", Rules{rule("$.a", "drop")}, `{"a": 1, "b": 2,  "c": 3}`, `{"b": 2,  "c": 3}`, "F drop $.a"},
		{"drop the middle", Rules{rule("$.b", "drop")}, `{"a": 1, "b": 2,  "c": 3}`, `{"a": 1,  "c": 3}`, "F drop $.b"},
		{"drop the last", Rules{rule("$.c", "drop")}, `{"a": 1, "b": 2,  "c": 3 }`, `{"a": 1, "b": 2 }`, "F drop $.c"},
		{"drop the only one", Rules{rule("$.a", "drop")}, `{ "a": 1 }`, `{  }`, "F drop $.a"},
		{"drop all", Rules{rule("$.*", "drop")}, `{"a": 1, "b": [2], "c": {}}`, `{}`, "F drop $.a|F drop $.b|F drop $.c"},
		{"drop two that lead", Rules{rule("$..x", "drop")}, `{"x":1,"a":{"x":2,"y":3},"z":0}`, `{"a":{"y":3},"z":0}`, "F drop $.x|F drop $.a.x"},
		{"drop elements", Rules{rule("$.l[*]", "drop")}, `{"l":[1, 2 ,3]}`, `{"l":[]}`, "F drop $.l[0]|F drop $.l[1]|F drop $.l[2]"},
		{"drop inside a list", Rules{rule("$.l[*].x", "drop")}, `{"l":[{"x":1},{"y":2},{"y":2,"x":1}]}`, `{"l":[{},{"y":2},{"y":2}]}`, "F drop $.l[0].x|F drop $.l[2].x"},
		{"drop what holds what is dropped", Rules{rule("$..a", "drop")}, `{"a":{"a":{"a":1}},"b":{"a":[{"a":1}]}}`, `{"b":{}}`, "F drop $.a|F drop $.b.a"},
		{"every depth twice over", Rules{rule("$..*..x", "mask")}, `{"a":{"b":{"x":1}}}`, `{"a":{"b":{"x":"[withheld]"}}}`, "F mask $.a.b.x"},
		{"name in brackets", Rules{rule("$['a.b']", "mask")}, `{"a.b":"é","a":{"b":1}}`, `{"a.b":"[withheld]","a":{"b":1}}`, "F mask $.a.b"},
		{"name behind escapes", Rules{rule("$.secret", "drop")}, `{"\u0073ecret":1,"b":2}`, `{"b":2}`, "F drop $.secret"},
		{"mask a whole object", Rules{rule("$.a", "mask")}, `{"a":{"x":[1,2]}, "b":1}`, `{"a":"[withheld]", "b":1}`, "F mask $.a"},
		{"masked already", Rules{rule("$.a", "mask")}, `{"a":"[withheld]"}`, `{"a":"[withheld]"}`, ""},
		{"hash", Rules{rule("$.a", "hash")}, `{"a":"x"}`, `{"a":"2a01e4e09b3a17e4b7d42e1a5f1e4dbf4f3f7c0a"}`, "F hash $.a"},
		{"other types stay", Rules{only(rule("$.a", "drop"), "identity")}, `{"type":"malware","a":1}`, `{"type":"malware","a":1}`, ""},
		{"the type it is for", Rules{only(rule("$.a", "drop"), "identity")}, `{"type":"identity","a":1}`, `{"type":"identity"}`, "F drop $.a"},
		{"one after the other", Rules{rule("$.a", "mask"), rule("$.b", "drop")}, `{"a":1,"b":2}`, `{"a":"[withheld]"}`, "F mask $.a|F drop $.b"},
		{"an hour", Rules{coarse("$.t", Coarsen{Time: "hour"})}, `{"t":"2026-11-20T16:20:58.123+02:00"}`, `{"t":"2026-11-20T14:00:00Z"}`, "F coarsen $.t"},
		{"a day", Rules{coarse("$.t", Coarsen{Time: "day"})}, `{"t":"2026-11-20T16:20:58Z"}`, `{"t":"2026-11-20T00:00:00Z"}`, "F coarsen $.t"},
		{"a month", Rules{coarse("$.t", Coarsen{Time: "month"})}, `{"t":"2026-11-20T16:20:58Z"}`, `{"t":"2026-11-01T00:00:00Z"}`, "F coarsen $.t"},
		{"a year", Rules{coarse("$.t", Coarsen{Time: "year"})}, `{"t":"2026-11-20T16:20:58Z"}`, `{"t":"2026-01-01T00:00:00Z"}`, "F coarsen $.t"},
		{"an address", Rules{coarse("$.v", Coarsen{IPv4: 24, IPv6: 48})}, `{"v":"198.51.100.77"}`, `{"v":"198.51.100.0/24"}`, "F coarsen $.v"},
		{"an IPv6 address", Rules{coarse("$.v", Coarsen{IPv4: 24, IPv6: 48})}, `{"v":"2001:db8:1:2::3"}`, `{"v":"2001:db8:1::/48"}`, "F coarsen $.v"},
		{"a prefix", Rules{coarse("$.v", Coarsen{IPv4: 24})}, `{"v":"198.51.100.128/25"}`, `{"v":"198.51.100.0/24"}`, "F coarsen $.v"},
		{"a prefix that is coarse already", Rules{coarse("$.v", Coarsen{IPv4: 24})}, `{"v":"198.51.0.0/16"}`, `{"v":"198.51.0.0/16"}`, ""},
		{"tenths", Rules{coarse("$.n", Coarsen{Numbers: true, Digits: -1})}, `{"n":48.2082}`, `{"n":48.2}`, "F coarsen $.n"},
		{"hundreds", Rules{coarse("$.n", Coarsen{Numbers: true, Digits: 2})}, `{"n":-1234}`, `{"n":-1200}`, "F coarsen $.n"},
		{"whole", Rules{coarse("$.n", Coarsen{Numbers: true})}, `{"n":-0.4}`, `{"n":0}`, "F coarsen $.n"},
		{"nothing is nothing", Rules{coarse("$.n", Coarsen{Numbers: true})}, `{"n":null}`, `{"n":null}`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, changed, err := row.rules.Apply([]byte(row.in))
			if err != nil {
				t.Fatal(err)
			}
			if row.name == "hash" {
				if len(out) != len(`{"a":""}`)+64 {
					t.Fatalf("%s", out)
				}
			} else if string(out) != row.want {
				t.Errorf("got  %s\nwant %s", out, row.want)
			}
			if got := strings.Join(changed, "|"); got != row.changed {
				t.Errorf("changed %s", got)
			}
			if !jsontext.Value(out).IsValid() {
				t.Errorf("no longer JSON: %s", out)
			}
		})
	}
}

// TestRulesHashIsPinned: partners compare hashes, so the value must not change between versions.
func TestRulesHashIsPinned(t *testing.T) {
	r := Rules{{Clause: Clause{ID: "F"}, Path: "$.a", Action: "hash", Salt: "s"}}
	one, _, err := r.Apply([]byte(`{"a":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	two, _, _ := r.Apply([]byte(`{"a":"\u0078"}`))
	if !bytes.Equal(one, two) {
		t.Error("the same value written otherwise has another hash")
	}
	// printf 'entente/field/v1\ns\nx' | sha256sum
	if want := `{"a":"` + pinnedFieldHash + `"}`; string(one) != want {
		t.Errorf("%s", one)
	}
	r[0].Salt = "t"
	if other, _, _ := r.Apply([]byte(`{"a":"x"}`)); bytes.Equal(one, other) {
		t.Error("the salt does nothing")
	}
}

const pinnedFieldHash = "10e07b4f882bee9a305b241103c75b758e9c0a0f17dbc1e45950ce380ad4defd"

// TestRulesFailClosed: what cannot be applied is an error and gives nothing back.
func TestRulesFailClosed(t *testing.T) {
	coarse := FieldRule{Clause: Clause{ID: "F"}, Path: "$.v", Action: "coarsen", Coarsen: Coarsen{Time: "day", IPv4: 24, Numbers: false}}
	for _, row := range []struct{ name, in string }{
		{"a name where an address belongs", `{"v":"evil.example"}`},
		{"an IPv6 address no bits are given for", `{"v":"2001:db8::1"}`},
		{"an address in disguise", `{"v":"::ffff:198.51.100.7"}`},
		{"a number", `{"v":12}`},
		{"a list", `{"v":["198.51.100.7"]}`},
		{"true", `{"v":true}`},
		{"not JSON", `{"v":`},
		{"name twice", `{"v":"2026-01-01T00:00:00Z","v":"198.51.100.7"}`},
		{"two values", `{} {}`},
		{"a list of objects", `[{"v":1}]`},
		{"too deep", strings.Repeat(`{"v":`, 70) + `1` + strings.Repeat(`}`, 70)},
	} {
		if out, changed, err := (Rules{coarse}).Apply([]byte(row.in)); !errors.Is(err, ErrRule) || out != nil || changed != nil {
			t.Errorf("%s: %s %v", row.name, out, err)
		}
	}
	numbers := FieldRule{Clause: Clause{ID: "F"}, Path: "$.v", Action: "coarsen", Coarsen: Coarsen{Numbers: true}}
	if _, _, err := (Rules{numbers}).Apply([]byte(`{"v":1e300}`)); !errors.Is(err, ErrRule) {
		t.Errorf("a number out of range: %v", err)
	}
	if _, _, err := (Rules{{Path: "x", Action: "drop"}}).Apply([]byte(`{}`)); !errors.Is(err, ErrPath) {
		t.Errorf("a bad path: %v", err)
	}
	if _, _, err := (Rules{{Path: "$.a", Action: "burn"}}).Apply([]byte(`{"a":1}`)); !errors.Is(err, ErrRule) {
		t.Errorf("a bad action: %v", err)
	}
	// 16 steps of descent through 60 levels would visit more than anybody can wait for.
	costly := Rules{{Path: "$" + strings.Repeat("..*", 16), Action: "drop"}}
	if _, _, err := costly.Apply([]byte(strings.Repeat(`{"v":`, 60) + `1` + strings.Repeat(`}`, 60))); !errors.Is(err, errBounds) {
		t.Errorf("a costly path: %v", err)
	}
}

func TestParsePath(t *testing.T) {
	for _, good := range []string{"$.a", "$.a.b", "$['a b'].c", "$[*]", "$.*", "$..a", "$..*", "$..[*].x", "$..['x-y']", "$.x_y-z.ä"} {
		if _, err := parsePath(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "a", "$", "$.", "$a", "$..", "$.a[0]", "$.a[?(@.b)]", "$[a]", "$['a'", "$['']", "$.a b", "$...a", "$.a.", "$" + strings.Repeat(".a", 17)} {
		if p, err := parsePath(bad); !errors.Is(err, ErrPath) {
			t.Errorf("%q is %v", bad, p)
		}
	}
}

// TestRulesLeaveOtherBytes: what the rules do not name is byte for byte in the result, and a second
// application changes nothing more.
func TestRulesLeaveOtherBytes(t *testing.T) {
	rules := Rules{
		{Clause: Clause{ID: "F1"}, Path: "$..x", Action: "drop"},
		{Clause: Clause{ID: "F2"}, Path: "$..y", Action: "mask", Mask: "-"},
	}
	value := rapid.SampledFrom([]string{`1`, `1.50e+2`, `"\u00e9/"`, ` [ 1 , 2 ] `, `{ }`, `{"y":1 , "k":"\t"}`, `{"x":0}`, `[{"x":1},2]`, "true"})
	rapid.Check(t, func(t *rapid.T) {
		var in []byte
		in = append(in, "{"...)
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "x", "y", "c"}), 0, 5, rapid.ID[string]).Draw(t, "names")
		for i, n := range names {
			if i > 0 {
				in = append(in, rapid.SampledFrom([]string{",", " , ", ",\n\t"}).Draw(t, "comma")...)
			}
			in = append(in, `"`+n+`"`...)
			in = append(in, rapid.SampledFrom([]string{":", " : "}).Draw(t, "colon")...)
			in = append(in, value.Draw(t, "value")...)
		}
		in = append(in, "}"...)
		out, _, err := rules.Apply(in)
		if err != nil {
			t.Fatal(err)
		}
		root, err := readJSON(out, objectBounds)
		if err != nil {
			t.Fatalf("%s became %s: %v", in, out, err)
		}
		before, _ := readJSON(in, objectBounds)
		if root.get("x") != nil || bytes.Contains(out, []byte(`"x"`)) {
			t.Fatalf("x is still in %s", out)
		}
		for _, m := range before.members {
			if m.name == "x" || m.name == "y" {
				continue
			}
			raw := in[m.value.start:m.value.end]
			after := root.get(m.name)
			if after == nil {
				t.Fatalf("%s is gone from %s", m.name, out)
			}
			if !bytes.ContainsAny(raw, "xy") && !bytes.Equal(raw, out[after.start:after.end]) {
				t.Fatalf("%s was %s and is %s", m.name, raw, out[after.start:after.end])
			}
		}
		again, changed, err := rules.Apply(out)
		if err != nil || len(changed) != 0 || !bytes.Equal(again, out) {
			t.Fatalf("a second time: %s, %v, %v", again, changed, err)
		}
	})
}
