package cli

import (
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/compound"
	"entente/internal/watch/record"
	"entente/stix/pattern"

	"pgregory.net/rapid"
)

// someCondition draws a condition of few values in all places whose meaning the evaluator and the set share: the set also takes who asks for a name for one who goes there, and a hash for the whole of a file.
func someCondition(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if depth > 0 && rapid.Bool().Draw(t, "joined") {
			joint := rapid.SampledFrom([]string{" AND ", " OR ", " OR "}).Draw(t, "joint")
			return "(" + someCondition(depth-1).Draw(t, "left") + joint + someCondition(depth-1).Draw(t, "right") + ")"
		}
		path := rapid.SampledFrom([]string{"network-traffic:src_ref.value", "network-traffic:dst_ref.value", "ipv4-addr:value", "domain-name:resolves_to_refs[*].value", "network-traffic:dst_ref.type", "network-traffic:src_ref.type",
			"email-message:from_ref.value", "email-message:to_refs[*].value", "email-addr:value", "domain-name:value", "network-traffic:protocols[*]", "file:name", "file:mime_type"}).Draw(t, "path")
		values := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}
		switch {
		case strings.HasSuffix(path, ".type"):
			return path + " = '" + rapid.SampledFrom([]string{"ipv4-addr", "ipv6-addr"}).Draw(t, "type") + "'"
		case strings.HasPrefix(path, "email"):
			values = []string{"a@one.example", "b@two.example"}
		case path == "domain-name:value":
			values = []string{"k.three.example", "l.four.example"}
		case strings.HasSuffix(path, "protocols[*]"):
			values = []string{"tcp", "udp"}
		case strings.HasPrefix(path, "file"):
			values = []string{"x.txt", "text/plain"}
		case rapid.IntRange(0, 4).Draw(t, "block") == 0 && path != "domain-name:resolves_to_refs[*].value":
			return path + " ISSUBSET '192.0.2.2/31'"
		}
		value := rapid.SampledFrom(values).Draw(t, "value")
		switch rapid.IntRange(0, 5).Draw(t, "operator") {
		case 0:
			return path + " IN ('" + value + "', '" + values[0] + "')"
		case 1:
			return path + " LIKE '" + value + "'"
		}
		return path + " = '" + value + "'"
	})
}

// TestPlacedIsTheEvaluator: where a pattern is taken for values in their places, they are found in a record if and only if the evaluator finds the pattern in it.
func TestPlacedIsTheEvaluator(t *testing.T) {
	yes, no := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := "[" + someCondition(rapid.IntRange(0, 3).Draw(t, "depth")).Draw(t, "condition") + "]"
		placed := observable.AppendPlaced(nil, text)
		if len(placed) == 0 {
			return
		}
		b := watch.NewBuilder(watch.Seed{1, 2})
		for _, p := range placed {
			if err := b.Add(watch.Indicator{ID: "x", Value: observable.Sought(p.Value, observable.In(p.Place)), Place: p.Place}); err != nil {
				t.Fatal(text, err)
			}
		}
		set := b.Set()
		r := &record.Record{Host: "h", Time: time.Unix(1, 0)}
		add := func(typ observable.Type, role record.Role, path string, values ...string) {
			if rapid.IntRange(0, 3).Draw(t, path) > 0 {
				r.Fields = append(r.Fields, record.Field{Path: path, Type: typ, Role: role, Text: rapid.SampledFrom(values).Draw(t, "field")})
			}
		}
		addresses := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}
		add(observable.IPv4, record.Source, "source", addresses...)
		add(observable.IPv4, record.Destination, "destination", addresses...)
		r.Fields = append(r.Fields, record.Field{Path: "query", Type: observable.Domain, Role: record.Query, Text: rapid.SampledFrom([]string{"k.three.example", "m.example"}).Draw(t, "query")})
		add(observable.IPv4, record.Answer, "answers.0", addresses...)
		add(observable.IPv4, record.Answer, "answers.1", addresses...)
		add(observable.Email, record.Sender, "from", "a@one.example", "b@two.example", "c@five.example")
		add(observable.Email, record.Recipient, "to.0", "a@one.example", "b@two.example", "c@five.example")
		add(observable.Email, record.Recipient, "to.1", "a@one.example", "b@two.example", "c@five.example")
		add(observable.FileName, record.File, "filename", "x.txt", "y.txt")
		add("", record.File, "mime_type", "text/plain", "x.txt")
		add("", record.Other, "proto", "tcp", "udp")
		got := false
		for _, f := range r.Fields {
			set.Match(f, r.Time, func(watch.Hit) { got = true })
		}
		p, err := pattern.Compile(text)
		if err != nil {
			t.Fatal(text, err)
		}
		want, err := p.Match([]pattern.Observed{compound.Observe(r)})
		if err != nil || got != want.Matched {
			t.Fatalf("%s, as %v, in %v: %v, the evaluator says %v, %v", text, placed, r.Fields, got, want.Matched, err)
		}
		if err := compound.Visible(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got {
			yes++
		} else {
			no++
		}
	})
	if testing.Short() { // a fifth of the cases: too few to say what chance brings
		return
	}
	if yes < 5 || no < 5 {
		t.Errorf("%d were found and %d were not: too few of one", yes, no)
	}
}
