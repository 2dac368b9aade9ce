package asset

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// TestWholePatterns: a pattern that was found concerns the assets that any record of it has something of, each once, but for what the pattern itself names; the other
// sides of all its records are named.
func TestWholePatterns(t *testing.T) {
	s := set(t)
	w := NewWatcher(func() *Set { return s }, nil, maphash.MakeSeed())
	asked := &record.Record{Time: noon, Host: "192.0.2.200", Fields: []record.Field{field(record.Source, observable.IPv4, "192.0.2.200"), field(record.Query, observable.Domain, "www.party.example"), field(record.Answer, observable.IPv4, "203.0.113.7")}}
	went := &record.Record{Time: noon.Add(time.Minute), Host: "192.0.2.200", Fields: []record.Field{field(record.Source, observable.IPv4, "192.0.2.200"), field(record.Destination, observable.IPv4, "203.0.113.8")}}
	nothing := &record.Record{Time: noon, Fields: []record.Field{field(record.Query, observable.Domain, "elsewhere.example")}}
	const pattern = "[domain-name:value = 'www.party.example'] FOLLOWEDBY [ipv4-addr:value = '203.0.113.8']"
	for _, c := range []struct {
		name  string
		notes []string
		named string
		want  []string
	}{
		{"both", []string{w.Note(asked), w.Note(went)}, "www.party.example", []string{"register 192.0.2.128/25 source [203.0.113.7 203.0.113.8]"}},
		{"not named", []string{w.Note(asked), w.Note(went)}, "", []string{"party party.example query [203.0.113.7 203.0.113.8]", "register 192.0.2.128/25 source [203.0.113.7 203.0.113.8]"}},
		{"all named", []string{w.Note(went)}, "192.0.2.200", nil},
		{"nothing", []string{w.Note(nothing), "", "no note"}, "", nil},
	} {
		w.Table = Table{}
		w.Whole(&record.Record{Time: went.Time, Host: went.Host, Line: []byte("x")}, "indicator--1", pattern, c.notes, func(f record.Field) bool { return f.Text == c.named }, "dns.log", 9, func(f *Seen, isNew bool) {
			if f == nil || !isNew || f.Indicator != "indicator--1" || f.Of != Attack || f.Value.Text != pattern || !f.Last.Equal(went.Time) {
				t.Errorf("%s: %+v, new %v", c.name, f, isNew)
			}
		})
		var got []string
		for _, f := range w.Table.All() {
			got = append(got, fmt.Sprintf("%s %s %s %v", f.Asset, f.At, f.Why, f.Sources))
			if err := f.Check(noon.Add(time.Hour)); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	if n := w.Note(nothing); n != "" {
		t.Errorf("of nothing %q is noted", n)
	}
	// What is noted is bounded, whatever names a log has, and UTF-8.
	big := &record.Record{Host: "192.0.2.200"}
	for i := range 100 {
		big.Fields = append(big.Fields, field(record.Request, observable.URL, fmt.Sprintf("https://n%d.register.example/%s", i, strings.Repeat("\xff\"", 500))), field(record.Query, observable.Domain, fmt.Sprintf("n%d.register.example", i)))
	}
	if n := w.Note(big); len(n) == 0 || len(n) > 2048 {
		t.Errorf("%d bytes are noted", len(n))
	}
	// An asset that is no more, and an address that belongs to one now.
	note := w.Note(went)
	other, err := NewSet([]Asset{{ID: "new", Prefixes: []string{"203.0.113.8/32"}}})
	if err != nil {
		t.Fatal(err)
	}
	s, w.Table = other, Table{}
	w.Whole(went, "indicator--1", pattern, []string{note, w.Note(&record.Record{Fields: []record.Field{field(record.Source, observable.IPv4, "203.0.113.8"), field(record.Destination, observable.IPv4, "203.0.113.9")}})}, func(record.Field) bool { return false }, "", 0, func(*Seen, bool) {})
	if all := w.Table.All(); len(all) != 1 || all[0].Asset != "new" || !slices.Equal(all[0].Sources, []string{netip.MustParseAddr("203.0.113.9").String()}) {
		t.Errorf("%+v", all)
	}
	s = nil
	w.Whole(went, "indicator--1", pattern, []string{note}, func(record.Field) bool { return false }, "", 0, func(*Seen, bool) { t.Error("without assets") })
}
