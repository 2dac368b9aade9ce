package desk_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// ringing is a call of North to South; every move is made at a minute after it.
type ringing struct {
	t    *testing.T
	c    *desk.Call
	i    int64
	past desk.Past
}

// nation is a text of the complete accord whose parties are North and South.
func nation(t testing.TB) *accord.Document {
	d := doc(t)
	for i, p := range []journal.PartyID{north, south} {
		old := d.Signatories[i].Party
		d.Signatories[i].Party = string(p)
		for j := range d.Contacts {
			if d.Contacts[j].Party == old {
				d.Contacts[j].Party = string(p)
			}
		}
	}
	return d
}

func call(t *testing.T, b desk.CallBody, past desk.Past) *ringing {
	t.Helper()
	b.Urgency = "urgent"
	c, err := desk.NewCall(desk.Act[desk.CallBody]{Ref: ref(0), Name: desk.Ring, Party: north, At: start, Body: b}, south, nation(t), "hash")
	if err != nil {
		t.Fatal(err)
	}
	return &ringing{t: t, c: c, past: past}
}

func (r *ringing) act(p journal.PartyID, minute int, name string, set ...func(*desk.Act[desk.CallBody])) desk.Act[desk.CallBody] {
	r.i++
	id := ref(0)
	a := desk.Act[desk.CallBody]{Ref: ref(r.i), Name: name, Party: p, By: journal.By{Agency: "cert", Role: "duty"}, At: start.Add(time.Duration(minute) * time.Minute),
		Body: desk.CallBody{Call: &id, Drill: r.c.Drill}}
	for _, f := range set {
		f(&a)
	}
	a.Body = a.Body.WithPast(r.past)
	return a
}

// move makes a move and checks its code, "" for one that is legal.
func (r *ringing) move(p journal.PartyID, minute int, name, code string, set ...func(*desk.Act[desk.CallBody])) {
	r.t.Helper()
	a := r.act(p, minute, name, set...)
	before := *r.c
	judged, _ := r.c.Judge(a)
	err := r.c.Apply(a)
	var me *desk.MoveError
	if errors.As(err, &me) != (code != "") || me != nil && me.Code != code || judged != code {
		r.t.Fatalf("%s by %s at minute %d: judged %q, applied %v, want %q", name, p.Short(), minute, judged, err, code)
	}
	if code != "" && (r.c.State != before.State || len(r.c.Steps) != len(before.Steps) || r.c.Rung != before.Rung || len(r.c.Rings) != len(before.Rings)) {
		r.t.Fatalf("%s was refused and changed something", name)
	}
}

func rung(n int) func(*desk.Act[desk.CallBody]) {
	return func(a *desk.Act[desk.CallBody]) { a.Body.Rung = n }
}

func drill(a *desk.Act[desk.CallBody]) { a.Body.Drill = !a.Body.Drill }

func received(minute int) desk.Past {
	at := start.Add(time.Duration(minute) * time.Minute)
	return desk.Past{Received: func(r journal.Ref) time.Time {
		if r == ref(0) {
			return at
		}
		return time.Time{}
	}}
}

func TestCallIsAnswered(t *testing.T) {
	r := call(t, desk.CallBody{Subject: "register"}, received(2))
	r.move(north, 3, "acknowledge", desk.CodeWrongSide)
	r.move(west, 3, "acknowledge", desk.CodeWrongSide)
	r.move(south, 3, "say", desk.CodeWrongState)
	r.move(south, 3, "close", desk.CodeWrongState)
	r.move(south, 3, "hang-up", desk.CodeUnknownMove)
	r.move(south, 3, "call", desk.CodeUnknownMove)
	r.move(north, 3, "say", "")
	r.move(north, 4, "say", desk.CodeTooLarge, func(a *desk.Act[desk.CallBody]) {
		a.Payload = &journal.PayloadRef{Size: desk.MaxWords + 1, Type: journal.PayloadText}
	})
	r.move(north, 4, "say", "", func(a *desk.Act[desk.CallBody]) {
		a.Payload = &journal.PayloadRef{Size: desk.MaxWords, Type: journal.PayloadText}
	})
	r.move(north, 4, "say", desk.CodeBadBody, func(a *desk.Act[desk.CallBody]) { a.Payload = &journal.PayloadRef{Size: 1, Type: journal.PayloadSTIX} })
	r.move(south, 12, "acknowledge", "")
	r.move(south, 13, "acknowledge", desk.CodeDuplicate)
	r.move(south, 13, "say", "")
	if o := r.c.Clocked(start.Add(20*time.Minute), r.past); o.Turn != desk.Calling || o.Overdue || !o.Due.IsZero() {
		t.Errorf("after a word of the called side: %+v", o.CallOverlay)
	}
	r.move(south, 14, "close", "", func(a *desk.Act[desk.CallBody]) { a.Body.Code = "settled" })
	for _, m := range []string{"say", "acknowledge"} {
		r.move(south, 15, m, desk.CodeWrongState)
	}
	r.move(north, 15, "close", desk.CodeDuplicate)
	r.move(north, 15, "escalate", desk.CodeWrongState, rung(1))
	o := r.c.Clocked(start.Add(99*time.Hour), r.past)
	k := o.Clocks[1]
	if o.State != desk.Closed || o.Code != "settled" || o.Turn != "" || k.Basis != desk.BasisReceipt || k.Clause != "T1" || k.Owner != south ||
		!k.Started.Equal(start.Add(2*time.Minute)) || !k.Due.Equal(start.Add(32*time.Minute)) || !k.Met.Equal(start.Add(12*time.Minute)) || k.Late || k.Overdue {
		t.Errorf("%s %s\n%+v", o.State, o.Code, o.Clocks)
	}
	if rc := o.Clocks[0]; rc.Name != "receipt" || !rc.Met.Equal(start.Add(2*time.Minute)) || rc.Late {
		t.Errorf("receipt %+v", rc)
	}
	if err := r.c.Apply(desk.Act[desk.CallBody]{Ref: ref(0), Name: "say", Party: north}); err == nil {
		t.Error("the entry that opened it was applied again")
	}
}

func TestCallIsCancelled(t *testing.T) {
	r := call(t, desk.CallBody{}, desk.Past{})
	r.move(north, 1, "close", "")
	o := r.c.Clocked(start.Add(time.Hour), r.past)
	if o.State != desk.Cancelled || len(o.Next(desk.Calling)) != 0 || o.Overdue {
		t.Errorf("%s %+v", o.State, o.CallOverlay)
	}
	if k := o.Clocks[1]; k.Basis != desk.BasisPosting || !k.Ended.Equal(start.Add(time.Minute)) || k.Late {
		t.Errorf("%+v", k)
	}
}

// The ladder is climbed step by step, each step when its time after the missed clock has passed: here the
// clock started with the receipt in minute 2 and ran out in minute 32; the steps are 30 minutes, 4 hours, a day.
func TestLadder(t *testing.T) {
	r := call(t, desk.CallBody{}, received(2))
	r.move(south, 10, "escalate", desk.CodeWrongSide, rung(1))
	r.move(north, 32, "escalate", desk.CodeTooEarly, rung(1)) // due, and not missed
	r.move(north, 61, "escalate", desk.CodeTooEarly, rung(1))
	r.move(north, 62, "escalate", desk.CodeWrongStep, rung(2))
	if o := r.c.Clocked(start.Add(61*time.Minute), r.past); o.Climb != 0 || o.Turn != desk.Called || !o.Overdue || !o.Ladder[0].From.Equal(start.Add(62*time.Minute)) {
		t.Errorf("before the first step: %+v", o.CallOverlay)
	}
	if o := r.c.Clocked(start.Add(62*time.Minute), r.past); o.Climb != 1 || o.Turn != desk.Calling || !o.Ladder[0].Due || o.Ladder[1].Due {
		t.Errorf("at the first step: %+v", o.CallOverlay)
	}
	r.move(north, 62, "escalate", "", rung(1))
	r.move(north, 63, "escalate", desk.CodeWrongStep, rung(1))
	r.move(north, 32+239, "escalate", desk.CodeTooEarly, rung(2))
	r.move(north, 32+240, "escalate", "", rung(2))
	o := r.c.Clocked(start.Add(5*time.Hour), r.past)
	if o.Rung != 2 || o.State != desk.Ringing || len(o.Rings) != 3 || o.Rings[2].Contact != "technical" || o.Rings[2].Clause != "T3" || !o.Ladder[1].Climbed.Equal(start.Add(272*time.Minute)) {
		t.Errorf("%+v", o.Rings)
	}
	r.move(south, 280, "acknowledge", "")
	if o := r.c.Clocked(start.Add(9000*time.Minute), r.past); o.Overdue || o.Climb != 0 || !o.Rings[0].Met.Equal(o.Rings[2].Met) {
		t.Errorf("whoever takes it answers all: %+v %+v", o.Rings, o.CallOverlay)
	}
	r.move(north, 9000, "escalate", desk.CodeTooEarly, rung(3)) // nothing is missed any more
	r.move(north, 9001, "escalate", desk.CodeWrongStep, rung(4))

	quiet := call(t, desk.CallBody{}, desk.Past{}) // no receipt: from the posting
	quiet.move(north, 59, "escalate", desk.CodeTooEarly, rung(1))
	for i, minute := range []int{60, 30 + 240, 30 + 1440} {
		quiet.move(north, minute, "escalate", "", rung(i+1))
	}
	quiet.move(north, 99999, "escalate", desk.CodeWrongStep, rung(4))
}

// A step that is climbed by a clock set forward, or a call that was received before it was made, is shown.
func TestCallsThatLieAboutTime(t *testing.T) {
	past := desk.Past{Received: func(r journal.Ref) time.Time {
		if r == ref(0) {
			return start
		}
		return start.Add(5 * time.Minute)
	}}
	r := call(t, desk.CallBody{}, past)
	r.move(north, 65, "escalate", "", rung(1)) // the other side had it in minute 5
	if o := r.c.Clocked(start.Add(6*time.Minute), past); !slices.Equal(o.Skewed, []journal.Ref{ref(1)}) {
		t.Errorf("%v", o.Skewed)
	}
	r.move(south, 8, "acknowledge", "")
	if o := r.c.Clocked(start.Add(9*time.Minute), past); !slices.Equal(o.Skewed, []journal.Ref{ref(2), ref(1)}) {
		t.Errorf("%v", o.Skewed)
	}
	if o := call(t, desk.CallBody{}, received(-6)).c.Clocked(start, received(-6)); len(o.Skewed) != 1 {
		t.Errorf("received before it was made: %v", o.Skewed)
	}
}

// A call about a request climbs as long as a clock of the called side on that request is missed.
func TestRequestClimbs(t *testing.T) {
	missed := time.Time{}
	past := received(0)
	past.Missed = func() time.Time { return missed }
	q := ref(77)
	r := call(t, desk.CallBody{Request: &q}, past)
	r.move(south, 5, "acknowledge", "")
	r.move(north, 500, "escalate", desk.CodeTooEarly, rung(1))
	missed = start.Add(100 * time.Minute)
	r.move(north, 129, "escalate", desk.CodeTooEarly, rung(1))
	if o := r.c.Clocked(start.Add(130*time.Minute), past); o.Climb != 1 || o.Turn != desk.Calling {
		t.Errorf("%+v", o.CallOverlay)
	}
	r.move(north, 130, "escalate", "", rung(1))
	if o := r.c.Clocked(start.Add(131*time.Minute), past); o.State != desk.Acknowledged || o.Turn != desk.Called || !slices.Contains(o.Next(desk.Called), "acknowledge") {
		t.Errorf("%s, next of the called side %v", o.State, o.Next(desk.Called))
	}
	r.move(south, 132, "acknowledge", "")
	r.move(south, 133, "acknowledge", desk.CodeDuplicate)
}

func TestSuspensionHoldsACall(t *testing.T) {
	past := received(0)
	pause := desk.Interval{From: start.Add(10 * time.Minute), To: start.Add(40 * time.Minute)}
	past.Pauses = func() []desk.Interval { return []desk.Interval{pause} }
	r := call(t, desk.CallBody{}, past)
	if o := r.c.Clocked(start.Add(50*time.Minute), past); o.Overdue || !o.Due.Equal(start.Add(60*time.Minute)) {
		t.Errorf("after it: %+v", o.CallOverlay)
	}
	pause.To = time.Time{}
	if o := r.c.Clocked(start.Add(500*time.Minute), past); o.Overdue || !o.Suspended || !o.Clocks[1].Stopped || o.Ladder[0].Due {
		t.Errorf("during it: %+v", o.CallOverlay)
	}
	r.move(north, 500, "escalate", desk.CodeTooEarly, rung(1))
	pause.To = start.Add(40 * time.Minute)
	r.move(north, 89, "escalate", desk.CodeTooEarly, rung(1))
	r.move(north, 90, "escalate", "", rung(1))
}

// What is no drill stays none, and the other way about, move by move.
func TestDrillNeverMixes(t *testing.T) {
	for _, is := range []bool{false, true} {
		r := call(t, desk.CallBody{Drill: is}, received(0))
		for _, name := range []string{"acknowledge", "say", "escalate", "close"} {
			r.move(south, 1, name, desk.CodeDrillMixed, drill, rung(1))
			r.move(north, 1, name, desk.CodeDrillMixed, drill, rung(1))
		}
		r.move(south, 2, "acknowledge", "")
		if s := r.c.Steps[1]; s.Drill != is || r.c.Steps[0].Drill != is {
			t.Errorf("drill %v: %+v", is, s)
		}
	}
}

func TestCallOpens(t *testing.T) {
	d := nation(t)
	for _, x := range []struct {
		name, code string
		called     journal.PartyID
		doc        *accord.Document
		set        func(*desk.Act[desk.CallBody])
	}{
		{"nobody", desk.CodeNoAddressee, "", d, nil},
		{"oneself", desk.CodeNoAddressee, north, d, nil},
		{"another move", desk.CodeUnknownMove, south, d, func(a *desk.Act[desk.CallBody]) { a.Name = "say" }},
		{"a file", desk.CodeBadBody, south, d, func(a *desk.Act[desk.CallBody]) { a.Payload = &journal.PayloadRef{Type: "stix"} }},
		{"a book", desk.CodeTooLarge, south, d, func(a *desk.Act[desk.CallBody]) { a.Payload = &journal.PayloadRef{Type: "text", Size: 1 << 20} }},
		{"an unknown contact", desk.CodeUnknownContact, south, d, func(a *desk.Act[desk.CallBody]) { a.Body.Contact = "K9.duty" }},
		{"an own contact", desk.CodeUnknownContact, south, d, func(a *desk.Act[desk.CallBody]) { a.Body.Contact = "K1.duty" }},
		{"a contact", "", south, d, func(a *desk.Act[desk.CallBody]) { a.Body.Contact = "K2.technical" }},
		{"no text of the accord", "", south, nil, nil},
	} {
		a := desk.Act[desk.CallBody]{Ref: ref(0), Name: desk.Ring, Party: north, At: start, Body: desk.CallBody{Urgency: "urgent"}}
		if x.set != nil {
			x.set(&a)
		}
		c, err := desk.NewCall(a, x.called, x.doc, "hash")
		var me *desk.MoveError
		if errors.As(err, &me) != (x.code != "") || me != nil && me.Code != x.code {
			t.Errorf("%s: %v, want %q", x.name, err, x.code)
		}
		if err == nil {
			c.Clocked(start.Add(time.Hour), desk.Past{})
			if a.Body.Contact == "K2.technical" && c.Rings[0].Contact != "technical" {
				t.Errorf("%s: %+v", x.name, c.Rings)
			}
		}
	}
}

// Bodies that do not hold what a move needs, or too much.
func TestCallBodies(t *testing.T) {
	id := `{"origin":"` + string(ref(0).Origin) + `","index":0}`
	for _, x := range []struct{ move, body, fault string }{
		{"call", `{"urgency":"urgent"}`, ""},
		{"call", `{}`, "urgency"},
		{"call", `{"urgency":"urgent","call":` + id + `}`, "names its call"},
		{"acknowledge", `{}`, "names its call"},
		{"acknowledge", `{"call":` + id + `}`, ""},
		{"escalate", `{"call":` + id + `}`, "step"},
		{"escalate", `{"call":` + id + `,"rung":-1}`, "step"},
		{"escalate", `{"call":` + id + `,"rung":1}`, ""},
		{"announce", `{"drill":true}`, "from and until"},
		{"announce", `{"drill":true,"from":"2026-03-02T09:00:00Z","until":"2026-03-02T09:00:00Z"}`, "from and until"},
		{"announce", `{"drill":true,"from":"2026-03-02T09:00:00Z","until":"2326-03-02T09:00:00Z"}`, "from and until"},
		{"announce", `{"from":"2026-03-02T09:00:00Z","until":"2026-03-02T10:00:00Z"}`, "drill"},
		{"announce", `{"drill":true,"from":"2026-03-02T09:00:00Z","until":"2026-03-02T10:00:00Z"}`, ""},
		{"call", `{"urgency":"Urgent!"}`, "token"},
		{"call", `{"urgency":"urgent","subject":"` + strings.Repeat("x", 65) + `"}`, "token"},
		{"call", `{"urgency":"urgent","contact":"` + strings.Repeat("x", 129) + `"}`, "clause"},
		{"call", `{"urgency":"urgent","contact":"a\u0000b"}`, "clause"},
		{"call", `{"urgency":"urgent","language":"zh-Hant"}`, ""},
		{"call", `{"urgency":"urgent","language":"zh_Hant"}`, "language"},
		{"call", `{"urgency":"urgent","language":"` + strings.Repeat("x", 36) + `"}`, "language"},
		{"call", `{"urgency":"urgent","to":"north"}`, "party"},
		{"call", `[]`, "body of call"},
	} {
		_, err := desk.ParseCallBody(x.move, jsontext.Value(x.body))
		if (err != nil) != (x.fault != "") || err != nil && !strings.Contains(err.Error(), x.fault) {
			t.Errorf("%s %.120s: %v, want %q", x.move, x.body, err, x.fault)
		}
	}
	for _, x := range []struct{ move, body, fault string }{
		{"confirm", `{"contact":"K1.duty"}`, ""},
		{"confirm", `{}`, "needs the contact"},
		{"ping", `{"drill":true}`, "needs the contact"},
		{"answer", `{"drill":true}`, "names its ping"},
		{"ping", `{"drill":true,"contact":"K1","ping":` + id + `}`, "names its ping"},
		{"answer", `{"drill":true,"ping":` + id + `,"language":"fr!"}`, "language"},
		{"answer", `7`, "body of answer"},
	} {
		_, err := desk.ParseContactBody(x.move, jsontext.Value(x.body))
		if (err != nil) != (x.fault != "") || err != nil && !strings.Contains(err.Error(), x.fault) {
			t.Errorf("%s %s: %v, want %q", x.move, x.body, err, x.fault)
		}
	}
}

// FuzzCallBody: no body is taken that a later look would not take, and none crashes the table.
func FuzzCallBody(f *testing.F) {
	for _, s := range []string{`{}`, `{"urgency":"urgent","drill":true,"contact":"K2.duty","language":"fr"}`, `{"call":{"origin":"entente/1111111111111111111111111111111111111111111111111111111111111111","index":0},"rung":1}`,
		`{"contact":"K1.duty","changed":true}`, `{"drill":true,"from":"2026-03-02T09:00:00Z","until":"2026-03-02T10:00:00Z"}`} {
		for _, m := range []string{"call", "escalate", "announce", "confirm", "ping", "answer"} {
			f.Add(m, []byte(s))
		}
	}
	d := nation(f)
	f.Fuzz(func(t *testing.T, move string, raw []byte) {
		if b, err := desk.ParseCallBody(move, raw); err == nil {
			a := desk.Act[desk.CallBody]{Ref: ref(1), Name: move, Party: north, At: start, Body: b}
			if c, err := desk.NewCall(a, south, d, "hash"); err == nil {
				for _, m := range []string{"acknowledge", "escalate", "say", "close"} {
					_ = c.Apply(desk.Act[desk.CallBody]{Ref: ref(2), Name: m, Party: south, At: start, Body: b})
				}
				c.Clocked(start.Add(time.Hour), desk.Past{})
			}
			_, _ = desk.NewAnnouncement(a, south)
		}
		if b, err := desk.ParseContactBody(move, raw); err == nil {
			a := desk.Act[desk.ContactBody]{Ref: ref(1), Name: move, Party: north, At: start, Body: b}
			if p, err := desk.NewPing(a, d, "hash"); err == nil {
				p.Clocked(start, desk.Past{})
			}
			_, _ = desk.NewConfirmation(a, d)
		}
	})
}

func TestCallIsBounded(t *testing.T) {
	r := call(t, desk.CallBody{}, received(0))
	r.move(south, 1, "acknowledge", "")
	for range desk.MaxMoves - 2 {
		r.move(north, 2, "say", "")
	}
	r.move(north, 2, "say", desk.CodeTooMany)
	r.move(south, 2, "close", "") // what is full can be ended

	asked := 0
	past := received(0)
	past.Missed = func() time.Time { asked++; return time.Time{} }
	q := ref(77)
	x := call(t, desk.CallBody{Request: &q}, past)
	for range desk.MaxRefused {
		a := x.act(north, 1, "escalate", rung(1))
		if err := x.c.Apply(a); err == nil {
			t.Fatal("it climbed")
		}
	}
	x.move(north, 99999, "escalate", desk.CodeTooMany, rung(1))
	if asked != desk.MaxRefused {
		t.Errorf("the request was looked at %d times, want %d", asked, desk.MaxRefused)
	}
	x.move(north, 99999, "close", "")
}

func ping(t *testing.T) *desk.PingState {
	t.Helper()
	p, err := desk.NewPing(desk.Act[desk.ContactBody]{Ref: ref(0), Name: desk.Ping, Party: north, At: start, Body: desk.ContactBody{Contact: "K2.technical", Drill: true}}, nation(t), "hash")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPing(t *testing.T) {
	d := nation(t)
	open := func(code string, p journal.PartyID, doc *accord.Document, b desk.ContactBody) {
		t.Helper()
		_, err := desk.NewPing(desk.Act[desk.ContactBody]{Ref: ref(0), Name: desk.Ping, Party: p, At: start, Body: b}, doc, "hash")
		var me *desk.MoveError
		if !errors.As(err, &me) || me.Code != code {
			t.Errorf("%+v: %v, want %s", b, err, code)
		}
	}
	open(desk.CodeDrillMixed, north, d, desk.ContactBody{Contact: "K2.duty"})
	open(desk.CodeUnknownContact, north, d, desk.ContactBody{Contact: "K7.duty", Drill: true})
	open(desk.CodeUnknownContact, north, nil, desk.ContactBody{Contact: "K2.duty", Drill: true})
	open(desk.CodeNoAddressee, north, d, desk.ContactBody{Contact: "K1.duty", Drill: true})
	p := ping(t)
	i := int64(0)
	move := func(party journal.PartyID, name, code string, is bool) {
		t.Helper()
		i++
		err := p.Apply(desk.Act[desk.ContactBody]{Ref: ref(i), Name: name, Party: party, At: start.Add(40 * time.Minute), Body: desk.ContactBody{Drill: is, Language: "fr"}})
		var me *desk.MoveError
		if errors.As(err, &me) != (code != "") || me != nil && me.Code != code {
			t.Errorf("%s: %v, want %q", name, err, code)
		}
	}
	move(south, "answer", desk.CodeDrillMixed, false)
	move(north, "answer", desk.CodeWrongSide, true)
	move(south, "say", desk.CodeUnknownMove, true)
	if k := p.Clocked(start.Add(31*time.Minute), desk.Past{}).Clock; !k.Overdue {
		t.Errorf("%+v", k)
	}
	move(south, "answer", "", true)
	move(south, "answer", desk.CodeDuplicate, true)
	if k := p.Clocked(start.Add(9*time.Hour), received(15)).Clock; p.State != desk.Answered || k.Late || k.Overdue || !k.Met.Equal(start.Add(40*time.Minute)) {
		t.Errorf("%s %+v", p.State, k)
	}
}

func TestContactsAreFresh(t *testing.T) {
	d := nation(t)
	since := start
	words, answered := map[string]*desk.Confirmation{}, map[string]time.Time{}
	at := func(now time.Time, id string) desk.Contact {
		t.Helper()
		for _, c := range desk.Contacts(d, since, now, func(_ journal.PartyID, id string) *desk.Confirmation { return words[id] }, func(k *accord.Contact) time.Time { return answered[k.ID] }) {
			if c.ID == id {
				return c
			}
		}
		t.Fatal("no contact " + id)
		return desk.Contact{}
	}
	due := time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC) // three months, the rhythm of drills
	if c := at(due, "K1.duty"); c.Stale || !c.Due.Equal(due) || c.Bound != "P3M" || c.Confirmed != nil || !c.Open {
		t.Errorf("%+v", c)
	}
	if c := at(due.Add(time.Second), "K1.duty"); !c.Stale {
		t.Errorf("%+v", c)
	}
	confirm := func(at time.Time, changed bool) error {
		c, err := desk.NewConfirmation(desk.Act[desk.ContactBody]{Ref: ref(5), Name: desk.Confirm, Party: north, At: at, Body: desk.ContactBody{Contact: "K1.duty", Changed: changed}}, d)
		words["K1.duty"] = c
		return err
	}
	if err := confirm(due, true); err != nil {
		t.Fatal(err)
	}
	if c := at(due.Add(time.Second), "K1.duty"); !c.Stale || c.Confirmed == nil {
		t.Errorf("a contact that changes is no fresher for it: %+v", c)
	}
	if err := confirm(due, false); err != nil {
		t.Fatal(err)
	}
	if c := at(due.Add(time.Second), "K1.duty"); c.Stale || !c.Fresh.Equal(due) {
		t.Errorf("confirmed: %+v", c)
	}
	d.Contacts[0].Phone = "+00 111"
	if c := at(due.Add(time.Second), "K1.duty"); !c.Stale || c.Confirmed != nil {
		t.Errorf("confirmed as it was before: %+v", c)
	}
	answered["K2.technical"] = due
	if c := at(due.Add(time.Hour), "K2.technical"); c.Stale || !c.Reached.Equal(due) {
		t.Errorf("reached: %+v", c)
	}
	d.Drills.Every = ""
	if c := at(due, "K1.duty"); c.Bound != "P6M" {
		t.Errorf("without drills reviews count: %s", c.Bound)
	}
	for name, a := range map[string]desk.Act[desk.ContactBody]{
		desk.CodeUnknownContact: {Name: desk.Confirm, Party: north, Body: desk.ContactBody{Contact: "K2.duty"}}, // not its own
		desk.CodeDrillMixed:     {Name: desk.Confirm, Party: north, Body: desk.ContactBody{Contact: "K1.duty", Drill: true}},
		desk.CodeBadBody:        {Name: desk.Confirm, Party: north, Body: desk.ContactBody{Contact: "K1.duty"}, Payload: &journal.PayloadRef{Type: "stix"}},
	} {
		var me *desk.MoveError
		if _, err := desk.NewConfirmation(a, d); !errors.As(err, &me) || me.Code != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// Whom to call: who answers now, in a language that is spoken, the duty desk first.
func TestWhoToCall(t *testing.T) {
	d := nation(t)
	for i := range d.Contacts {
		if d.Contacts[i].ID == "K2.diplomatic" {
			d.Contacts[i].Zone = "Asia/Tokyo"
		}
	}
	all := func(now time.Time) (ids []string) {
		none := func(journal.PartyID, string) *desk.Confirmation { return nil }
		list := slices.DeleteFunc(desk.Contacts(d, start, now, none, func(*accord.Contact) time.Time { return time.Time{} }), func(c desk.Contact) bool { return c.Party != south })
		for _, c := range desk.WhoToCall(list, "fr-CA") {
			if c.Open {
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	// Office hours are 8 to 18, read in each contact's zone. The technical side speaks no French.
	if got, want := all(time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)), []string{"K2.duty", "K2.diplomatic", "K2.technical"}; !reflect.DeepEqual(got, want) {
		t.Errorf("at half past eight, in Tokyo half past five: %v", got)
	}
	if got, want := all(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)), []string{"K2.duty", "K2.technical"}; !reflect.DeepEqual(got, want) {
		t.Errorf("at noon: %v", got)
	}
	if got, want := all(time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)), []string{"K2.duty"}; !reflect.DeepEqual(got, want) {
		t.Errorf("on a Saturday: %v", got)
	}
}

func TestHistory(t *testing.T) {
	done := func(is bool, receivedAt, ack int) desk.Call {
		r := call(t, desk.CallBody{Drill: is}, received(receivedAt))
		if ack > 0 {
			r.move(south, ack, "acknowledge", "")
		}
		return r.c.Clocked(start.Add(300*time.Minute), r.past)
	}
	live := []desk.Call{done(false, 0, 10), done(false, 5, 45), done(false, 1, 20), done(false, 0, 0)}
	p := ping(t)
	pinged := p.Clocked(start.Add(10*time.Hour), desk.Past{})
	h := desk.NewHistory(live, desk.Drills{Calls: []desk.Call{done(true, 0, 1)}, Pings: []desk.PingState{pinged}})
	want := []desk.Speed{
		{Party: south, Rang: 4, Answered: 3, Within: 2, Late: 1, Unanswered: 1, Overdue: 1, Median: 19 * 60, Slowest: 40 * 60, Last: 40 * 60, LastAt: start.Add(45 * time.Minute)},
		{Party: south, Contact: "duty", Rang: 4, Answered: 3, Within: 2, Late: 1, Unanswered: 1, Overdue: 1, Median: 19 * 60, Slowest: 40 * 60, Last: 40 * 60, LastAt: start.Add(45 * time.Minute)},
	}
	if !reflect.DeepEqual(h.Live, want) {
		t.Errorf("live %+v\nwant %+v", h.Live, want)
	}
	if len(h.Drills) != 4 || h.Drills[0].Rang != 2 || h.Drills[0].Answered != 1 || h.Drills[2].Contact != "duty" && h.Drills[1].Contact != "K2.technical" {
		t.Errorf("drills %+v", h.Drills)
	}
}
