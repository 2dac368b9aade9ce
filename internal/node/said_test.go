package node

import (
	"testing"

	"entente/internal/desk"
	"entente/internal/lang"
	"entente/journal"
)

// Whatever family an entry is of, what keeps its words from being shown has one code, and no words stand in their place.
func TestOneCodeForWordsThatAreNotShown(t *testing.T) {
	a, _ := twoInForce(t, nil)
	l := a.units()[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	seal := func(plain string) *journal.PayloadRef {
		return must[*journal.PayloadRef](t)(l.seal(journal.PayloadText, []byte(plain)))
	}
	good := seal(`{"text":"said"}`)
	for _, c := range []struct {
		p            *journal.PayloadRef
		held         bool
		text, absent string
	}{
		{nil, false, "", ""},
		{nil, true, "", ""},
		{good, false, "said", ""},
		{good, true, "", AbsentHeld},
		{&journal.PayloadRef{Type: journal.PayloadText}, false, "", AbsentNotHere},
		{seal(`{"text":"cut`), false, "", AbsentUnreadable},
		{seal(`{"title":"a","text":5}`), false, "", AbsentUnreadable},
	} {
		line, ofLine := l.words(c.p, c.held)
		move, ofMove := l.moveWords(c.p, c.held)
		joint, ofJoint := l.payloadOf(&desk.Said{Payload: c.p, Held: c.held})
		q := l.viewOf(&desk.Request{Steps: []desk.Step{{}, {Move: desk.Answer, Payload: c.p, Held: c.held}}}, true)
		first := l.viewOf(&desk.Request{Steps: []desk.Step{{Payload: c.p, Held: c.held}}}, true)
		translated := l.translationView(desk.Step{Payload: c.p, Held: c.held})
		for name, got := range map[string][2]string{"on the line": {line, ofLine}, "a move": {move.Text, ofMove}, "kept together": {joint.Text, ofJoint},
			"in a request": {q.Moves[1].Text, q.Moves[1].Absent}, "the request": {first.Text, first.Absent}, "a translation": {translated.Text, translated.Absent}} {
			if got != [2]string{c.text, c.absent} {
				t.Errorf("%s: %q, want %q", name, got, [2]string{c.text, c.absent})
			}
		}
		if move.Title != "" || joint.Title != "" || first.Title != "" {
			t.Error("half of what cannot be read is shown")
		}
		if c.absent != "" {
			Label(lang.English(), q)
			if w := q.Moves[1].Labels["absent"]; w == "" || w == c.absent {
				t.Errorf("%s has no words", c.absent)
			}
		}
	}
}
