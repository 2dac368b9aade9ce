package desk_test

import (
	"testing"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// say makes a move with a payload.
func (c *conversation) say(p journal.PartyID, name, code string, b desk.Body) journal.Ref {
	c.t.Helper()
	c.i++
	c.now = c.now.Add(time.Hour)
	b.Request = &c.send
	m := desk.Move{Ref: ref(c.i), Name: name, Party: p, At: c.now, Body: b, Payload: &journal.PayloadRef{}}
	got := ""
	if err := c.b.Apply(m); err != nil {
		me, ok := err.(*desk.MoveError)
		if !ok {
			c.t.Fatal(err)
		}
		got = me.Code
	}
	if got != code {
		c.t.Errorf("%s by %s: %q, want code %q", name, p.Short(), got, code)
	}
	return m.Ref
}

// TestTranslations: either side translates in any state, nothing moves, and only who wrote a text says
// that a translation is authentic too.
func TestTranslations(t *testing.T) {
	c := newConversation(t)
	silence := func() time.Time { return clock(t, c.request(c.now, start), "silence").Started }
	ask := c.say(south, desk.Acknowledge, "", desk.Body{})
	before, waits := c.request(c.now, start).State, silence()
	into := func(of journal.Ref, authentic bool) desk.Body {
		return desk.Body{Of: &of, Lang: "fr", Kind: desk.HumanTranslation, Authentic: authentic}
	}
	first := c.say(south, desk.Translate, "", into(ask, true))
	c.say(north, desk.Translate, "", into(ask, false))
	c.say(north, desk.Translate, desk.CodeNotAuthor, into(ask, true))
	c.say(west, desk.Translate, desk.CodeWrongSide, into(ask, false))
	c.say(south, desk.Translate, desk.CodeUnknownText, into(c.send, false)) // sent without a payload here
	c.say(south, desk.Translate, desk.CodeUnknownText, into(first, false))  // a translation
	c.say(south, desk.Translate, desk.CodeUnknownText, into(ref(99), false))
	of := ask
	c.move(south, desk.Translate, desk.CodeUnknownText, func(b *desk.Body) { b.Of, b.Lang, b.Kind = &of, "fr", "human" }) // no payload
	r := c.request(c.now, start)
	if r.State != before || !silence().Equal(waits) {
		t.Errorf("a translation moved something: %s, silence since %s instead of %s", r.State, silence(), waits)
	}
	if s, ok := r.Step(first); !ok || s.Kind != desk.HumanTranslation || s.Lang != "fr" || !s.Authentic || *s.Of != ask {
		t.Errorf("%+v", s)
	}
	// The acknowledgement is still what led here, so that it is made twice and not out of turn.
	c.move(south, desk.Acknowledge, desk.CodeDuplicate)
	c.say(north, desk.Withdraw, "", desk.Body{})
	c.say(north, desk.Translate, "", into(ask, false))
}

// TestTranslationKeepsAStop: a question stops the clocks until it is answered, whoever translates it.
func TestTranslationKeepsAStop(t *testing.T) {
	c := newConversation(t)
	c.move(south, desk.Acknowledge, "")
	q := c.say(south, desk.NeedInfo, "", desk.Body{})
	c.say(south, desk.Translate, "", desk.Body{Of: &q, Lang: "ru", Kind: desk.MachineTranslation})
	if k := clock(t, c.request(c.now.Add(time.Hour), start), "answer"); !k.Stopped {
		t.Errorf("%+v", k)
	}
}

func TestBodiesOfTranslations(t *testing.T) {
	of := `"request":{"origin":"entente/` + string(north) + `","index":0},"of":{"origin":"entente/` + string(north) + `","index":0}`
	for body, ok := range map[string]bool{
		`{` + of + `,"lang":"zh-hans","kind":"courtesy"}`:                                             true,
		`{` + of + `,"lang":"zh-hans","kind":"courtesy","authentic":true}`:                            true,
		`{` + of + `,"lang":"zh-Hans","kind":"courtesy"}`:                                             false,
		`{` + of + `,"lang":"fr","kind":"guess"}`:                                                     false,
		`{` + of + `,"kind":"human"}`:                                                                 false,
		`{` + of + `,"lang":"aaaaaaaa-bbbbbbbb-cccccccc-dddddddd-eeeeeeee","kind":"human"}`:           false,
		`{"request":{"origin":"entente/` + string(north) + `","index":0},"lang":"fr","kind":"human"}`: false,
	} {
		if _, err := desk.ParseBody(desk.Translate, []byte(body)); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}
