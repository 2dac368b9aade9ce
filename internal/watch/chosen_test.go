package watch

import (
	"fmt"
	"slices"
	"testing"

	"entente/internal/observable"
)

// chosen gives texts of n bytes that differ in nothing but the case of letters.
func chosen(n, many int) (out []string) {
	for i := range many {
		b := make([]byte, n)
		for k := range b {
			if b[k] = 'a'; k < 20 && i>>k&1 != 0 {
				b[k] = 'A'
			}
		}
		out = append(out, string(b))
	}
	return out
}

// TestChosenTexts: URLs, subjects and identifiers that are hashed alike if case is not looked at are as many as a hostile list has without each being held to
// all others, and are told apart. (With each held to all others this takes minutes.)
func TestChosenTexts(t *testing.T) {
	const many = 1 << 15
	b := NewBuilder(testSeed)
	for i, text := range chosen(20, many) {
		for typ, text := range map[observable.Type]string{observable.URL: "http://evil.com/" + text, observable.MailSubject: text} {
			if err := b.Add(Indicator{ID: fmt.Sprint("id", typ, i), Value: observable.Value{Type: typ, Text: text}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	live := NewLive(b.Set())
	texts := chosen(20, many)
	var changes []Change
	for i, id := range chosen(24, many) {
		changes = append(changes, Change{ID: id, Indicators: []Indicator{{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}}})
	}
	if err := live.Apply(changes); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 77, many - 1} {
		if got := hits(live.Load(), observable.URL, "http://evil.com/"+texts[i]); len(got) != 1 || got[0] != fmt.Sprint("id", observable.URL, i) {
			t.Errorf("URL %s: %v", texts[i], got)
		}
		if got := hits(live.Load(), observable.MailSubject, texts[i]); len(got) != 1 || got[0] != fmt.Sprint("id", observable.MailSubject, i) {
			t.Errorf("subject %s: %v", texts[i], got)
		}
		if got := hits(live.Load(), observable.Domain, fmt.Sprintf("www.n%d.example", i)); len(got) != 1 || got[0] != chosen(24, many)[i] {
			t.Errorf("n%d: %v", i, got)
		}
	}
}

// TestChosenIdentifiers: identifiers with one UUID, and others before or behind it, do not lie in one place.
func TestChosenIdentifiers(t *testing.T) {
	const many, uuid = 1 << 12, "--0a1b2c3d-1111-4111-8111-0123456789ab"
	l := NewLive(NewBuilder(testSeed).Set())
	var changes []Change
	for i := range many {
		for k, id := range []string{fmt.Sprint("x", i, uuid), fmt.Sprint("indicator", uuid, "x", i), fmt.Sprint("indicator", uuid, "#", i)} {
			changes = append(changes, Change{ID: id, Indicators: []Indicator{{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.x%d.example", i, k)}}}})
		}
	}
	if err := l.Apply(changes); err != nil {
		t.Fatal(err)
	}
	w := l.Load().unlocked
	for k := range w.ids {
		p, run, longest := &w.ids[k], 0, 0
		for _, x := range p.slots {
			if run++; x == 0 {
				run = 0
			}
			longest = max(longest, run)
		}
		if longest > 200 { // chance brings tens
			t.Fatalf("%d of %d identifiers lie behind each other", longest, p.n)
		}
	}
	for i, c := range changes {
		if i%3 != 0 {
			changes[i].Indicators = nil
		} else {
			changes[i].Indicators = slices.Clone(c.Indicators)
			changes[i].Indicators[0].Atom = 7
		}
	}
	if err := l.Apply(changes); err != nil {
		t.Fatal(err)
	}
	if n := l.Load().Len(); n != many {
		t.Errorf("%d are left, want %d", n, many)
	}
}
