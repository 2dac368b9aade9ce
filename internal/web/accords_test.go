package web

import (
	"reflect"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/node"
)

// TestAccordsAreReadOnce: an accord is read once, each unit has its own, and one that comes in its place is read; what is no accord is none.
func TestAccordsAreReadOnce(t *testing.T) {
	var k accords
	text := func(example, name string) *node.AccordShowResponse {
		b, err := accord.ExampleFor(example, []accord.PartyRef{{ID: strings.Repeat("a", 64), Name: name, Agencies: []string{"CERT"}}, {ID: strings.Repeat("b", 64), Name: "South", Agencies: []string{"CERT"}}})
		if err == nil {
			b, err = accord.Canonical(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		return &node.AccordShowResponse{Unit: "u", Hash: example + name, InForce: true, Text: b}
	}
	first, other := text("minimal", "North"), text("minimal", "West")
	elsewhere := *first
	elsewhere.Unit = "v"
	for _, a := range []*node.AccordShowResponse{first, first, other, &elsewhere, other, first} {
		got := k.read(a)
		want, err := accord.Load(a.Text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) || got != k.read(a) {
			t.Errorf("%s of %s is not read as it is, or twice", a.Hash, a.Unit)
		}
	}
	if len(k.by) != 2 {
		t.Errorf("%d accords are kept of two units", len(k.by))
	}
	if bad := k.read(&node.AccordShowResponse{Unit: "w", Hash: "x", Text: []byte("no accord")}); !reflect.DeepEqual(bad, new(accord.Document)) || len(k.by) != 2 {
		t.Errorf("%+v", bad)
	}
}
