package unit_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// lined returns a unit whose accord has contacts and a ladder of 30 minutes, 4 hours and a day.
// announced says whether it wants drills announced.
func lined(t testing.TB, announced bool, names ...string) *world {
	t.Helper()
	w := newWorld(t, names...)
	founder := w.actors[0]
	for _, a := range w.actors[1:] {
		w.admit(founder, a)
	}
	w.text("First accord", 1, "", w.actors...)
	hash := w.edit(func(d *accord.Document) {
		d.Drills.Announced = announced
		for i, a := range w.actors {
			for _, kind := range []string{"duty", "technical", "diplomatic"} {
				d.Contacts = append(d.Contacts, accord.Contact{Clause: accord.Clause{ID: fmt.Sprintf("K%d.%s", i+1, kind), Text: accord.Texts{}}, Party: string(a.id),
					Kind: kind, Mailbox: kind + "@example.org", Languages: []string{"en"}, Hours: "24/7", Zone: "UTC"})
			}
		}
		for i, e := range []accord.Escalation{{After: "PT30M", Contact: "duty"}, {After: "PT4H", Contact: "technical"}, {After: "P1D", Contact: "diplomatic"}} {
			e.Clause = accord.Clause{ID: fmt.Sprint("T", i+1), Text: accord.Texts{}}
			d.Escalation = append(d.Escalation, e)
		}
	})
	founder.propose(unit.KindPropose, hash, 1, "")
	for _, a := range w.actors {
		a.see(w.actors...)
		a.sign(hash)
	}
	w.sync()
	return w
}

// edit changes the last text.
func (w *world) edit(change func(*accord.Document)) string {
	last := &w.texts[len(w.texts)-1]
	d, err := accord.Load(*last)
	if err != nil {
		w.t.Fatal(err)
	}
	change(d)
	raw, err := json.Marshal(d)
	if err != nil {
		w.t.Fatal(err)
	}
	if *last, err = accord.Canonical(raw); err != nil {
		w.t.Fatal(err)
	}
	sum := accord.HashOf(*last)
	return hex.EncodeToString(sum[:])
}

// said are words, marked so that they may travel.
func said(size int64) option {
	return func(m map[string]any) {
		body := map[string]any{"tlp": "green"}
		maps.Copy(body, m["body"].(map[string]any))
		m["body"] = body
		payload(journal.PayloadText, size)(m)
	}
}

func (a *actor) call(more map[string]any, opts ...option) *journal.Entry {
	m := map[string]any{"urgency": "urgent", "subject": "register", "tlp": "green"}
	maps.Copy(m, more)
	return a.write("hotline.call", m, append([]option{said(100)}, opts...)...)
}

func (a *actor) on(call *journal.Entry, move string, more map[string]any, opts ...option) *journal.Entry {
	m := map[string]any{"call": call.Ref()}
	maps.Copy(m, more)
	return a.write("hotline."+move, m, opts...)
}

// became returns the code by which an entry of a call or a contact changed nothing, "" if it did.
func became(t testing.TB, s *unit.State, ref journal.Ref) string {
	t.Helper()
	for _, x := range s.Strays {
		if x.Ref == ref {
			return x.Refused
		}
	}
	for _, list := range [][]desk.Call{s.Calls, s.Drills.Calls} {
		for _, c := range list {
			if st, ok := c.Step(ref); ok {
				return st.Refused
			}
		}
	}
	for _, p := range s.Drills.Pings {
		for _, st := range append(slices.Clone(p.Steps), p.Illegal...) {
			if st.Ref == ref {
				return st.Refused
			}
		}
	}
	for _, n := range s.Drills.Announced {
		if n.ID == ref {
			return ""
		}
		for _, st := range n.Illegal {
			if st.Ref == ref {
				return st.Refused
			}
		}
	}
	for _, k := range s.Contacts {
		if k.Confirmed != nil && k.Confirmed.Ref == ref {
			return ""
		}
	}
	t.Fatalf("nothing is known of %s", ref)
	return ""
}

// TestCallsClimbByClaims is the ladder by receipts: what counts is what the climbing side had seen.
func TestCallsClimbByClaims(t *testing.T) {
	w := lined(t, true, "North", "South")
	north, south := w.actors[0], w.actors[1]
	c := north.call(nil)
	w.clock = w.clock.Add(10 * time.Minute)
	south.receipt(north)
	rung := map[string]any{"rung": 1}
	w.clock = c.At.Add(59 * time.Minute)
	early := north.on(c, "escalate", rung)
	w.clock = c.At.Add(61 * time.Minute)
	posted := north.on(c, "escalate", rung) // it has not seen the receipt: 30 minutes from the posting, and 30 after
	w.clock = c.At.Add(62 * time.Minute)
	north.see(south)
	second := north.on(c, "escalate", map[string]any{"rung": 2})
	south.see(north)
	south.on(c, "acknowledge", nil, said(10))
	north.see(south)
	after := north.on(c, "say", nil, said(10))
	s := w.state()
	for _, x := range []struct {
		e    *journal.Entry
		code string
	}{{early, desk.CodeTooEarly}, {posted, ""}, {second, desk.CodeTooEarly}, {after, ""}} {
		if got := became(t, s, x.e.Ref()); got != x.code {
			t.Errorf("%s at %s: %q, want %q", x.e.Kind, x.e.At, got, x.code)
		}
	}
	got := s.Calls[0]
	if got.State != desk.Acknowledged || got.Rung != 1 || got.Clocks[1].Basis != desk.BasisReceipt || got.Overdue || len(s.Drills.Calls) != 0 {
		t.Errorf("%+v", got)
	}
	// The same with the receipt seen: ten minutes later.
	w = lined(t, true, "North", "South")
	north, south = w.actors[0], w.actors[1]
	c = north.call(nil)
	w.clock = w.clock.Add(10*time.Minute - time.Second)
	south.receipt(north)
	north.see(south)
	w.clock = c.At.Add(70*time.Minute - 2*time.Second)
	early = north.on(c, "escalate", rung)
	posted = north.on(c, "escalate", rung)
	if s := w.state(); became(t, s, early.Ref()) != desk.CodeTooEarly || became(t, s, posted.Ref()) != "" {
		t.Errorf("a second early: %q, in time: %q", became(t, s, early.Ref()), became(t, s, posted.Ref()))
	}
}

// chronological folds entries in the order of their times, as a node does that gets each at once.
func (w *world) chronological() *unit.Fold {
	f := w.empty()
	var all []*journal.Entry
	for _, a := range w.actors {
		all = append(all, a.entries...)
	}
	slices.SortStableFunc(all, func(a, b *journal.Entry) int { return a.At.Compare(b.At) })
	add(w.t, f, all...)
	return f
}

// TestClimbingIsJudgedByWhatWasSeen: what the climbing side had not seen counts neither for nor against its step, whatever came first
// to whoever judges it; what it had seen does.
func TestClimbingIsJudgedByWhatWasSeen(t *testing.T) {
	for _, x := range []struct {
		name   string
		unseen func(south *actor, q, c *journal.Entry)
		about  bool   // the call is about the request
		gave   bool   // the asked side had receipted the request
		code   string // of the step, if North has seen that
	}{
		{"a receipt of the call", func(south *actor, _, _ *journal.Entry) { south.receipt(south.w.actors[0]) }, false, false, desk.CodeTooEarly},
		{"a suspension", func(south *actor, _, _ *journal.Entry) {
			south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"hotline.acknowledge"}, Code: "x"})
		}, false, false, desk.CodeTooEarly},
		{"an acknowledgement of the request", func(south *actor, q, _ *journal.Entry) { south.move("acknowledge", q, nil) }, true, true, desk.CodeTooEarly},
		{"a receipt of the request", func(south *actor, _, _ *journal.Entry) { south.receipt(south.w.actors[0]) }, true, false, desk.CodeTooEarly},
		{"a suspension of requests", func(south *actor, _, _ *journal.Entry) {
			south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"request.answer"}, Code: "x"})
		}, true, true, desk.CodeTooEarly},
	} {
		for _, sees := range []bool{false, true} {
			w := lined(t, true, "North", "South")
			north, south := w.actors[0], w.actors[1]
			q := north.ask(says("urgency", "emergency"))
			body := map[string]any(nil)
			if x.about {
				body = map[string]any{"request": q.Ref()}
			}
			if x.gave {
				south.receipt(north)
				north.see(south)
			}
			c := north.call(body)
			south.seen[north.origin] = north.head(int64(len(north.entries)))
			if x.about {
				south.on(c, "acknowledge", nil)
				north.see(south)
			}
			w.clock = w.clock.Add(5 * time.Minute)
			x.unseen(south, q, c)
			w.clock = c.At.Add(61 * time.Minute)
			if sees {
				north.see(south)
			}
			e := north.on(c, "escalate", map[string]any{"rung": 1})
			want := ""
			if sees {
				want = x.code
			}
			one, other := w.fold().State(w.clock), w.chronological().State(w.clock)
			if a, b := became(t, one, e.Ref()), became(t, other, e.Ref()); a != want || b != want || string(one.JSON()) != string(other.JSON()) {
				t.Errorf("%s, seen %v: %q and %q, want %q", x.name, sees, a, b, want)
			}
		}
	}
}

// TestRequestClimbsTheLadder: a call about a request climbs once the asked side has missed a clock on it.
func TestRequestClimbsTheLadder(t *testing.T) {
	w := lined(t, true, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	q := north.ask(says("to", south.id))
	w.sync() // urgent: acknowledged in 4 hours
	c := north.call(map[string]any{"to": south.id, "request": q.Ref()})
	third := west.call(map[string]any{"to": south.id, "request": q.Ref()})
	unseen := north.call(map[string]any{"to": south.id, "request": journal.Ref{Origin: south.origin, Index: 99}})
	w.sync()
	south.on(c, "acknowledge", nil)
	w.sync()
	rung := map[string]any{"rung": 1}
	none := north.on(c, "escalate", rung)
	w.clock = w.clock.Add(4*time.Hour + 31*time.Minute)
	due := north.on(c, "escalate", rung)
	mark := len(south.entries)
	south.move("acknowledge", q, nil)
	s := w.state()
	for _, x := range []struct {
		name string
		e    *journal.Entry
		code string
	}{{"a third party's request", third, desk.CodeWrongSide}, {"a request that is not there", unseen, desk.CodeUnknownRequest},
		{"nothing missed", none, desk.CodeTooEarly}, {"missed", due, ""}} {
		if got := became(t, s, x.e.Ref()); got != x.code {
			t.Errorf("%s: %q, want %q", x.name, got, x.code)
		}
	}
	if mark == len(south.entries) || s.Calls[0].Rung != 1 || s.Calls[0].Rings[1].Contact != "duty" {
		t.Errorf("%+v", s.Calls[0])
	}
	// What the request has become since does not take the step back, and the next hangs on it.
	north.see(south)
	w.clock = w.clock.Add(5 * time.Hour)
	next := north.on(c, "escalate", map[string]any{"rung": 2})
	south.see(north)
	south.on(c, "acknowledge", nil)
	if s := w.state(); became(t, s, next.Ref()) != "" || s.Calls[0].Rung != 2 {
		// The ring of the first step is missed now: nobody has answered it.
		t.Errorf("%q", became(t, s, next.Ref()))
	}
}

// TestDrillsNeverMix: a drill names nothing live, and nothing live a drill, in whatever entry it is tried.
func TestDrillsNeverMix(t *testing.T) {
	w := lined(t, false, "North", "South")
	north, south := w.actors[0], w.actors[1]
	is := map[string]any{"drill": true}
	with := func(more map[string]any, name string, ref journal.Ref) map[string]any {
		m := maps.Clone(more)
		m[name] = ref
		return m
	}
	q := north.ask()
	live, drill := north.call(nil), north.call(is)
	ping := north.write("contact.ping", map[string]any{"contact": "K2.duty", "drill": true})
	announced := north.write("hotline.announce", map[string]any{"drill": true, "from": w.clock.Add(-time.Hour), "until": w.clock.Add(time.Hour)})
	w.sync()
	mixed := []*journal.Entry{
		north.call(with(is, "request", q.Ref())),
		north.call(with(is, "follows", live.Ref())),
		north.call(with(map[string]any{}, "follows", drill.Ref())),
		north.call(with(map[string]any{}, "announced", announced.Ref())),
		south.on(drill, "acknowledge", nil),
		south.on(live, "acknowledge", is),
		north.on(drill, "say", nil, said(10)),
		north.on(live, "close", is),
		north.on(drill, "close", nil),
		south.write("contact.answer", map[string]any{"ping": ping.Ref()}),
		north.write("contact.ping", map[string]any{"contact": "K2.duty"}),
		north.write("contact.confirm", map[string]any{"contact": "K1.duty", "drill": true}),
	}
	stranger := []*journal.Entry{
		north.on(q, "say", nil), north.on(ping, "say", is), south.write("contact.answer", map[string]any{"ping": drill.Ref(), "drill": true}),
		north.move("withdraw", drill, nil), south.move("acknowledge", live, nil),
	}
	s := w.state()
	for _, e := range mixed {
		if got := became(t, s, e.Ref()); got != desk.CodeDrillMixed {
			t.Errorf("%s %s: %q, want %s", e.Kind, e.Body, got, desk.CodeDrillMixed)
		}
	}
	for _, e := range stranger {
		if got := became(t, s, e.Ref()); got != desk.CodeUnknownThread && got != desk.CodeUnknownRequest {
			t.Errorf("%s %s: %q", e.Kind, e.Body, got)
		}
	}
	apart(t, s)
	if len(s.Calls) != 1 || len(s.Drills.Calls) != 1 || len(s.Drills.Pings) != 1 || len(s.Requests) != 1 || s.Requests[0].State != desk.Sent {
		t.Errorf("%d calls, %d drills, %d pings", len(s.Calls), len(s.Drills.Calls), len(s.Drills.Pings))
	}
}

// apart checks that nothing of a drill is among what is live, and the other way about.
func apart(t interface{ Fatalf(string, ...any) }, s *unit.State) {
	lives, drills := map[journal.Ref]bool{}, map[journal.Ref]bool{}
	for _, c := range s.Calls {
		lives[c.ID] = true
	}
	for _, c := range s.Drills.Calls {
		drills[c.ID] = true
	}
	for _, list := range [][]desk.Call{s.Calls, s.Drills.Calls} {
		for _, c := range list {
			for _, st := range c.Steps {
				if st.Drill != c.Drill {
					t.Fatalf("drill %v has step %+v", c.Drill, st)
				}
			}
			if c.Drill != drills[c.ID] || c.Drill == lives[c.ID] || c.Drill && c.Request != nil || !c.Drill && c.Announced != nil ||
				c.Follows != nil && (c.Drill && lives[*c.Follows] || !c.Drill && drills[*c.Follows]) {
				t.Fatalf("mixed: %+v", c)
			}
		}
	}
}

// TestDrillsAreAnnounced under an accord that wants them so.
func TestDrillsAreAnnounced(t *testing.T) {
	w := lined(t, true, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	is := func(more map[string]any) map[string]any {
		m := map[string]any{"drill": true, "to": south.id}
		maps.Copy(m, more)
		return m
	}
	from := w.clock.Add(time.Hour)
	surprise := north.call(is(nil))
	said := north.write("hotline.announce", is(map[string]any{"from": from, "until": from.Add(time.Hour)}))
	past := north.write("hotline.announce", is(map[string]any{"from": start.AddDate(0, 0, -2), "until": start.AddDate(0, 0, -1)}))
	named := is(map[string]any{"announced": said.Ref()})
	w.clock = from
	untold := north.call(named)
	w.sync()
	if w.clock.After(from.Add(time.Minute)) {
		t.Fatal("time flies")
	}
	inTime := north.call(named)
	others := west.call(named)
	toOthers := north.call(map[string]any{"drill": true, "to": west.id, "announced": said.Ref()})
	wrong := north.call(is(map[string]any{"announced": surprise.Ref()}))
	pinged := north.write("contact.ping", map[string]any{"contact": "K2.technical", "drill": true, "announced": said.Ref()})
	unannounced := north.write("contact.ping", map[string]any{"contact": "K2.technical", "drill": true})
	w.clock = from.Add(time.Hour)
	late := north.call(named)
	s := w.state()
	for _, x := range []struct {
		name string
		e    *journal.Entry
		code string
	}{{"surprise", surprise, desk.CodeNotAnnounced}, {"for a day that has passed", past, desk.CodeBadDate}, {"not receipted", untold, desk.CodeNotAnnounced}, {"in time", inTime, ""},
		{"another's", others, desk.CodeNotAnnounced}, {"to another", toOthers, desk.CodeNotAnnounced}, {"what is none", wrong, desk.CodeNotAnnounced},
		{"ping", pinged, ""}, {"surprise ping", unannounced, desk.CodeNotAnnounced}, {"too late", late, desk.CodeNotAnnounced}} {
		if got := became(t, s, x.e.Ref()); got != x.code {
			t.Errorf("%s: %q, want %q", x.name, got, x.code)
		}
	}
	if n := s.Drills.Announced; len(n) != 1 || n[0].State != desk.Drilled || len(n[0].Tried) != 2 || n[0].Received.IsZero() {
		t.Errorf("%+v", n)
	}
	if d := s.Drills; !d.Last.Equal(pinged.At) || d.Overdue || !d.Due.Equal(pinged.At.AddDate(0, 3, 0)) {
		t.Errorf("last %s, due %s", d.Last, d.Due)
	}
	if d := w.fold().Drills(pinged.At.AddDate(0, 3, 1)); !d.Overdue {
		t.Errorf("a drill is due since %s and nothing says so", d.Due)
	}
}

// TestOpenCallsAreBounded: a journal has so many calls open, drills counted apart, whatever else the other side writes.
func TestOpenCallsAreBounded(t *testing.T) {
	w := lined(t, false, "North", "South")
	north, south := w.actors[0], w.actors[1]
	var calls []*journal.Entry
	for range desk.MaxOpenCalls {
		calls = append(calls, north.call(nil))
	}
	beyond := north.call(nil)
	drill := north.call(map[string]any{"drill": true})
	south.see(north)
	fake := south.on(calls[0], "close", nil) // nobody took it: changes nothing, and frees nothing
	north.see(south)
	still := north.call(nil)
	north.on(calls[1], "close", map[string]any{"drill": true})
	still2 := north.call(nil)
	north.on(calls[1], "close", nil)
	free := north.call(nil)
	full := north.call(nil)
	south.on(calls[2], "acknowledge", nil)
	south.on(calls[2], "close", nil)
	unseen := north.call(nil)
	north.see(south)
	free2 := north.call(nil)
	s := w.state()
	for i, x := range []struct {
		e    *journal.Entry
		code string
	}{{calls[len(calls)-1], ""}, {beyond, desk.CodeTooMany}, {drill, ""}, {fake, desk.CodeWrongState}, {still, desk.CodeTooMany}, {still2, desk.CodeTooMany}, {free, ""},
		{full, desk.CodeTooMany}, {unseen, desk.CodeTooMany}, {free2, ""}} {
		if got := became(t, s, x.e.Ref()); got != x.code {
			t.Errorf("%d: %q, want %q", i, got, x.code)
		}
	}
	if len(s.Calls) != desk.MaxOpenCalls+2 {
		t.Errorf("%d calls", len(s.Calls))
	}
	// Announcements and pings.
	for _, x := range []struct {
		kind string
		body map[string]any
	}{{"hotline.announce", map[string]any{"drill": true, "from": w.clock.Add(time.Hour), "until": w.clock.Add(2 * time.Hour)}},
		{"contact.ping", map[string]any{"drill": true, "contact": "K2.duty"}}} {
		var last *journal.Entry
		for range desk.MaxOpenCalls {
			last = south.write(x.kind, maps.Clone(x.body))
			if x.kind == "contact.ping" {
				last = north.write(x.kind, x.body)
			}
		}
		author := w.actor("South")
		if x.kind == "contact.ping" {
			author = north
		}
		more := author.write(x.kind, x.body)
		w.clock = w.clock.Add(25 * time.Hour)
		x.body["from"], x.body["until"] = w.clock.Add(time.Hour), w.clock.Add(2*time.Hour)
		later := author.write(x.kind, x.body)
		s := w.state()
		if a, b, c := became(t, s, last.Ref()), became(t, s, more.Ref()), became(t, s, later.Ref()); a != "" || b != desk.CodeTooMany || c != "" {
			t.Errorf("%s: the last %q, one more %q, a day later %q", x.kind, a, b, c)
		}
	}
}

// TestConfirmationsAreBounded: within a day a journal says of contacts that they hold, or tries them, so often; of one more nothing
// stays, the last word that counted still does, and the other side is not counted.
func TestConfirmationsAreBounded(t *testing.T) {
	w := lined(t, false, "North", "South")
	north, south := w.actors[0], w.actors[1]
	when := w.clock
	confirm := func(a *actor, contact string, after time.Duration) *journal.Entry {
		when = when.Add(after)
		return a.write("contact.confirm", map[string]any{"contact": contact}, at(when))
	}
	var last *journal.Entry
	for range desk.MaxThreadsADay {
		last = confirm(north, "K1.duty", time.Second)
	}
	beyond := confirm(north, "K1.duty", time.Second)
	theirs := confirm(south, "K2.technical", time.Second)
	f := w.fold()
	for _, c := range f.Contacts(when) {
		if c.ID == "K1.duty" && (c.Confirmed == nil || c.Confirmed.Ref != last.Ref()) {
			t.Errorf("the last word that counts: %+v", c.Confirmed)
		}
	}
	if code, _ := f.Check(north.id, journal.Draft{Kind: "contact.confirm", At: when, Body: map[string]any{"contact": "K1.duty"}}); code != desk.CodeTooMany {
		t.Errorf("a node would write it: %q", code)
	}
	later := confirm(north, "K1.duty", 25*time.Hour)
	f = w.fold()
	for e, want := range map[*journal.Entry]string{last: "", beyond: desk.CodeTooMany, theirs: "", later: ""} {
		if got := f.VoidCode(e.Ref()); got != want {
			t.Errorf("entry %s: %q, want %q", e.Ref(), got, want)
		}
	}
}

// TestContactsOfTheUnit: what is confirmed and reached is seen by both.
func TestContactsOfTheUnit(t *testing.T) {
	w := lined(t, false, "North", "South")
	north, south := w.actors[0], w.actors[1]
	k := south.write("contact.confirm", map[string]any{"contact": "K2.technical", "tlp": "green"}, said(50))
	older := south.write("contact.confirm", map[string]any{"contact": "K2.technical", "changed": true}, at(k.At))
	others := south.write("contact.confirm", map[string]any{"contact": "K1.technical"})
	add := south.write("contact.answer", map[string]any{"ping": k.Ref(), "drill": true})
	c := north.call(nil)
	w.sync()
	ack := south.on(c, "acknowledge", nil)
	s := w.state()
	by := map[string]desk.Contact{}
	for _, x := range s.Contacts {
		by[x.ID] = x
	}
	if x := by["K2.duty"]; !x.Reached.Equal(ack.At) || !x.Fresh.Equal(ack.At) || x.Confirmed != nil {
		t.Errorf("%+v", x)
	}
	if x := by["K2.technical"]; x.Confirmed == nil || x.Confirmed.Ref != older.Ref() || !x.Confirmed.Changed {
		t.Errorf("of two at the same moment the later entry counts: %+v", x.Confirmed)
	}
	if got := became(t, s, others.Ref()); got != desk.CodeUnknownContact {
		t.Errorf("another party's contact: %q", got)
	}
	if _, ok := w.fold().Ping(add.Ref(), w.clock); ok || len(by) != 6 {
		t.Errorf("%d contacts", len(by))
	}
}

// TestSuspendedLine: clocks of calls stand while calls are suspended, and run on where the accord lets them be answered all the same.
func TestSuspendedLine(t *testing.T) {
	for _, still := range [][]string{{}, {"hotline.*"}} {
		for _, scope := range []string{"all", "hotline", "hotline.*", "hotline.acknowledge", "share"} {
			w := newWorld(t, "North", "South")
			north, south := w.actors[0], w.actors[1]
			w.admit(north, south)
			w.text("First accord", 1, "", w.actors...)
			hash := w.edit(func(d *accord.Document) { d.Suspension.StillAllowed = still })
			north.propose(unit.KindPropose, hash, 1, "")
			for _, a := range w.actors {
				a.see(w.actors...)
				a.sign(hash)
			}
			w.sync()
			c := north.call(nil)
			s := north.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{scope}, Code: "x"})
			w.clock = c.At.Add(20 * time.Minute)
			r := north.write(unit.KindResume, unit.ResumeBody{Suspension: s.Ref()})
			want := c.At.Add(30 * time.Minute)
			if len(still) == 0 && scope != "share" {
				want = want.Add(r.At.Sub(s.At))
			}
			got, ok := w.fold().Call(c.Ref(), w.clock)
			if !ok || !got.Clocks[1].Due.Equal(want) {
				t.Errorf("scope %s, still allowed %v: due %s, want %s", scope, still, got.Clocks[1].Due, want)
			}
		}
	}
}

// lineStory lets random things happen on the hotline.
type lineStory struct {
	*story
	calls, drills, pings, told, asks []*journal.Entry
	to                               map[journal.Ref]*actor // whom a call or ping was meant for
}

// side picks, mostly, one of the two that something is between.
func (s *lineStory) side(of journal.Ref, a *actor) *actor {
	called := s.to[of]
	if called == nil {
		return a
	}
	switch s.pick(8, "side") {
	case 0:
		return a
	case 1, 2, 3:
		for _, x := range s.w.actors {
			if x.origin == of.Origin {
				return x
			}
		}
	}
	return called
}

func (s *lineStory) ref(of []*journal.Entry, what string) journal.Ref {
	if len(of) == 0 {
		return journal.Ref{Origin: s.w.actors[0].origin, Index: 1}
	}
	return of[s.pick(len(of), what)].Ref()
}

func (s *lineStory) step() {
	a := s.actor()
	other := s.w.actors[s.pick(len(s.w.actors), "other")]
	for a.id == other.id && s.pick(8, "oneself") > 0 {
		other = s.actor()
	}
	if s.pick(3, "sees") > 0 {
		a.see(s.w.actors...)
	}
	var opts []option
	if s.pick(15, "claim") == 0 {
		opts = append(opts, at(start))
	}
	if s.pick(4, "words") == 0 {
		opts = append(opts, said(10))
	}
	if s.to == nil {
		s.to = map[journal.Ref]*actor{}
	}
	s.w.clock = s.w.clock.Add([]time.Duration{0, time.Minute, 20 * time.Minute, 3 * time.Hour, 20 * time.Hour}[s.pick(5, "time")])
	body := map[string]any{"urgency": "urgent"}
	drill := s.pick(3, "drill") == 0
	if drill {
		body["drill"] = true
	}
	if s.pick(8, "to") > 0 {
		body["to"] = other.id
	}
	what := s.pick(17, "what")
	switch {
	case what > 12 && len(s.calls)+len(s.drills) == 0:
		what = 2
	case what == 13 && len(s.pings) > 0:
		what = 10
	case what == 14 && len(s.pings) == 0:
		what = 9
	case what > 12:
		what = 3
	}
	switch what {
	case 0, 1:
		a.receipt(s.w.actors...)
	case 2:
		switch s.pick(8, "names") {
		case 0, 1:
			body["request"] = s.ref(s.asks, "ask")
		case 2:
			body["follows"] = s.ref(append(slices.Clone(s.calls), s.drills...), "follows")
		case 3:
			body["announced"] = s.ref(s.told, "told")
		}
		e := a.write("hotline.call", body, opts...)
		s.to[e.Ref()] = other
		_, opened := s.w.fold().Call(e.Ref(), s.w.clock)
		switch {
		case !opened && s.pick(8, "keep") > 0: // more about what is there than about what is not
		case drill:
			s.drills = append(s.drills, e)
		default:
			s.calls = append(s.calls, e)
		}
	case 3, 4, 5, 6, 7:
		of := s.calls
		if drill == (s.pick(8, "mixed") > 0) {
			of = s.drills
		}
		on := s.ref(of, "call")
		body["call"] = on
		if a = s.side(on, a); s.pick(4, "blind") > 0 {
			a.see(s.w.actors...)
		}
		move := []string{"acknowledge", "escalate", "say", "close", "escalate", "mumble"}[s.pick(6, "move")]
		body["rung"] = []int{1, 1, 1, 2, 2, 3}[s.pick(6, "rung")]
		a.write("hotline."+move, body, opts...)
	case 8:
		body["from"], body["until"] = s.w.clock.Add(time.Duration(s.pick(3, "from")-2)*time.Hour), s.w.clock.Add(time.Duration(s.pick(40, "until"))*time.Hour)
		s.told = append(s.told, a.write("hotline.announce", body, opts...))
	case 9:
		body["contact"] = fmt.Sprintf("K%d.%s", 1+s.pick(len(s.w.actors), "of"), []string{"duty", "technical"}[s.pick(2, "kind")])
		if s.pick(3, "confirms") == 0 {
			a.write("contact.confirm", body, opts...)
			return
		}
		if body["drill"] = true; s.pick(8, "live") == 0 {
			delete(body, "drill")
		}
		if s.pick(3, "announced") == 0 {
			body["announced"] = s.ref(s.told, "told")
		}
		e := a.write("contact.ping", body, opts...)
		for i, x := range s.w.actors {
			if body["contact"].(string)[1] == byte('1'+i) {
				s.to[e.Ref()] = x
			}
		}
		if _, opened := s.w.fold().Ping(e.Ref(), s.w.clock); opened || s.pick(8, "keep") == 0 {
			s.pings = append(s.pings, e)
		}
	case 10:
		on := s.ref(s.pings, "ping")
		if body["ping"], body["drill"] = on, true; s.pick(8, "live") == 0 {
			delete(body, "drill")
		}
		a = s.side(on, a)
		if s.pick(4, "blind") > 0 {
			a.see(s.w.actors...)
		}
		a.write("contact.answer", body, opts...)
	case 11:
		if s.pick(2, "asks") == 0 || len(s.asks) == 0 {
			s.asks = append(s.asks, a.ask(says("to", other.id)))
			return
		}
		a.move([]string{"acknowledge", "accept", "needs-info", "info", "answer"}[s.pick(5, "move")], s.asks[s.pick(len(s.asks), "ask")], nil)
	case 12:
		if s.pick(2, "suspends") == 0 || len(s.susp) == 0 {
			s.susp = append(s.susp, a.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{[]string{"hotline.*", "hotline", "all", "request.*"}[s.pick(4, "scope")]}, Code: "test"}))
			return
		}
		a.write(unit.KindResume, unit.ResumeBody{Suspension: s.susp[s.pick(len(s.susp), "suspension")].Ref()})
	}
}

// sameLine says what of the hotline's open part is not what the whole state says.
func sameLine(l unit.Line, s *unit.State) error {
	var want unit.Line
	open := func(calls []desk.Call) []desk.Call {
		return slices.DeleteFunc(slices.Clone(calls), func(c desk.Call) bool { return !c.Open() })
	}
	want.Calls, want.Drills, want.Contacts = open(s.Calls), s.Drills, s.Contacts
	want.Drills.Calls = open(s.Drills.Calls)
	want.Drills.Pings = slices.DeleteFunc(slices.Clone(s.Drills.Pings), func(p desk.PingState) bool { return p.State == desk.Answered })
	want.Drills.Announced = slices.DeleteFunc(slices.Clone(s.Drills.Announced), func(n desk.Announcement) bool { return !s.Now.Before(n.Until) })
	a, err := json.Marshal(l)
	b, err2 := json.Marshal(want)
	if err != nil || err2 != nil || string(a) != string(b) {
		return fmt.Errorf("%v %v: the line is\n%s\nand of the state\n%s", err, err2, a, b)
	}
	return nil
}

// TestCallsConverge: any moves by any side in any order that causality allows give the same calls, drills, contacts and
// clocks at both ends; every move that changes nothing has its code; drills stay apart; and what a node is told before it
// writes is what becomes of the entry.
func TestCallsConverge(t *testing.T) {
	reached := map[string]int{}
	for _, names := range [][]string{{"North", "South"}, {"North", "South", "West"}} {
		rapid.Check(t, func(rt *rapid.T) {
			w := lined(t, rapid.Bool().Draw(rt, "announced"), names...)
			s := &lineStory{story: &story{t: rt, w: w}}
			for range rapid.IntRange(5, 40).Draw(rt, "steps") {
				s.step()
			}
			if rapid.IntRange(0, 5).Draw(rt, "successor") == 0 {
				s.successor(w.actors[0])
				for range 5 {
					s.step()
				}
			}
			now := w.clock.Add(rapid.SampledFrom([]time.Duration{0, time.Hour, 30 * 24 * time.Hour, 200 * 24 * time.Hour}).Draw(rt, "now"))
			first := w.fold().State(now)
			for i := range 2 {
				f, texts := w.empty(), [][]byte(nil)
				if i == 0 {
					f, texts = unit.NewFold(w.founding), slices.Clone(w.texts)
				}
				n := 0
				f = shuffled(rt, w, f, texts, fmt.Sprint("order ", i), func(f *unit.Fold) {
					if n++; n%3 == 0 { // asked on the way, and not
						f.Calls(now)
					}
				})
				if got := f.State(now); string(got.JSON()) != string(first.JSON()) {
					rt.Fatalf("one says\n%s\nand the other\n%s", pretty(got.JSON()), pretty(first.JSON()))
				}
				for _, c := range append(slices.Clone(first.Calls), first.Drills.Calls...) {
					if one, ok := f.Call(c.ID, now); !ok || !reflect.DeepEqual(one.Clocks, c.Clocks) || one.State != c.State || !reflect.DeepEqual(one.Ladder, c.Ladder) {
						rt.Fatalf("Call says\n%+v\nand the state\n%+v", one, c)
					}
				}
			}
			apart(rt, first)
			if err := sameLine(w.fold().Line(now), first); err != nil {
				rt.Fatal(err)
			}
			seen := map[journal.Ref]bool{}
			count := func(steps ...desk.Step) {
				for _, st := range steps {
					if seen[st.Ref] {
						rt.Fatalf("%s is told twice", st.Ref)
					}
					seen[st.Ref] = true
					if (st.Refused == "") == (st.State == "") {
						rt.Fatalf("neither made nor refused: %+v", st)
					}
					key := st.Move + " " + st.Refused
					reached[key]++
				}
			}
			count(first.Strays...)
			for _, list := range [][]desk.Call{first.Calls, first.Drills.Calls} {
				for _, c := range list {
					count(append(slices.Clone(c.Steps), c.Illegal...)...)
				}
			}
			for _, p := range first.Drills.Pings {
				count(append(slices.Clone(p.Steps), p.Illegal...)...)
			}
			for _, n := range first.Drills.Announced {
				count(n.Illegal...)
				seen[n.ID] = true
			}
			void := map[journal.Ref]bool{}
			for _, v := range first.Void {
				void[v.Ref] = true
			}
			for _, a := range w.actors {
				for _, e := range a.entries {
					if f := e.Kind; (len(f) > 8 && f[:8] == "hotline." || f == "contact.ping" || f == "contact.answer") && !seen[e.Ref()] && !void[e.Ref()] {
						waits := slices.ContainsFunc(first.Waiting, func(x unit.Waiting) bool { return x.First.Origin == e.Origin() && x.First.Index <= e.Index })
						if !waits {
							rt.Fatalf("nothing is told of %s %s", e.Ref(), e.Kind)
						}
					}
				}
			}
		})
	}
	if testing.Short() { // too few stories to say what chance brings
		return
	}
	for _, want := range []string{"call ", "acknowledge ", "escalate ", "say ", "close ", "ping ", "acknowledge wrong-side", "escalate wrong-side", "hotline.call drill-mixed",
		"hotline.call not-announced", "hotline.call unknown-request", "mumble unknown-move", "hotline.say unknown-thread"} {
		if reached[want] == 0 {
			t.Errorf("%q was never reached: %v", want, reached) // all happen many times in a run
		}
	}
}

// TestCheckSaysWhatBecomes: what a node is told of a draft before it writes it is what becomes of the entry.
func TestCheckSaysWhatBecomes(t *testing.T) {
	codes := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := lined(t, rapid.Bool().Draw(rt, "announced"), "North", "South")
		s := &lineStory{story: &story{t: rt, w: w}}
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			lens := [2]int{len(w.actors[0].entries), len(w.actors[1].entries)}
			for _, a := range w.actors {
				a.see(w.actors...)
			}
			f := w.fold()
			s.step()
			for i, a := range w.actors {
				if len(a.entries) != lens[i]+1 {
					continue
				}
				e := a.entries[lens[i]]
				if len(e.Kind) < 8 || e.Kind[:8] != "hotline." && e.Kind[:8] != "contact." {
					continue
				}
				var body jsontext.Value = e.Body
				code, _ := f.Check(a.id, journal.Draft{Kind: e.Kind, By: e.By, At: e.At, Body: body, Payload: e.Payload})
				after := w.state()
				if voidCode(after, e) != "" {
					continue
				}
				var got string
				if e.Kind == "contact.confirm" && code == "" {
					continue // of several only the last is shown
				}
				got = became(t, after, e.Ref())
				if got == desk.CodeRefused { // the gate's word, which Check leaves to Decide
					continue
				}
				codes[code]++
				if code != got {
					rt.Fatalf("%s %s: told %q, became %q", e.Kind, e.Body, code, got)
				}
			}
		}
	})
	if len(codes) < 8 {
		t.Errorf("few codes were reached: %v", codes)
	}
}

// TestHostileCallsAreLinear is a partner that calls, closes, climbs, pings and confirms without end: the work grows with
// what it writes and not with its square, and what is beyond the bounds opens nothing.
func TestHostileCallsAreLinear(t *testing.T) {
	for _, x := range []struct {
		name  string
		n     int
		write func(w *world, south *actor, n int)
		most  int // threads
	}{
		{"calls", 500, func(_ *world, south *actor, n int) {
			for range n {
				south.call(nil)
			}
		}, desk.MaxOpenCalls},
		{"calls that are given up", 300, func(_ *world, south *actor, n int) {
			for range n {
				south.on(south.call(nil), "close", nil)
			}
		}, 600},
		{"one call closed without end by who never took it", 1000, func(w *world, south *actor, n int) {
			c := w.actors[0].call(nil)
			south.see(w.actors[0])
			for range n {
				south.on(c, "close", nil)
			}
		}, 1},
		{"a late request climbed too early without end", 300, func(w *world, south *actor, n int) {
			q := south.ask()
			for range 300 {
				south.move("dispute", q, nil)
			}
			c := south.call(map[string]any{"request": q.Ref()})
			w.actors[0].receipt(south)
			for range n {
				w.actors[0].move("dispute", q, nil) // unseen by the one that climbs
				south.on(c, "escalate", map[string]any{"rung": 1})
			}
		}, 1},
		{"drills announced", 500, func(w *world, south *actor, n int) {
			for range n {
				south.write("hotline.announce", map[string]any{"drill": true, "from": w.clock.AddDate(0, 0, 1), "until": w.clock.AddDate(0, 0, 2)})
			}
		}, desk.MaxOpenCalls},
		{"pings", 500, func(_ *world, south *actor, n int) {
			for range n {
				south.write("contact.ping", map[string]any{"contact": "K1.duty", "drill": true})
			}
		}, desk.MaxOpenCalls},
		{"confirmations", 500, func(_ *world, south *actor, n int) {
			for range n {
				south.write("contact.confirm", map[string]any{"contact": "K2.duty"})
			}
		}, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			work := func(n int) (uint64, int) {
				w := lined(t, false, "North", "South")
				x.write(w, w.actors[1], n)
				f := w.empty()
				var s *unit.State
				cost := mallocs(func() {
					for i := 0; i < max(len(w.actors[0].entries), len(w.actors[1].entries)); i++ {
						for _, a := range w.actors {
							if i < len(a.entries) {
								add(t, f, a.entries[i])
							}
						}
					}
					s = f.State(w.clock)
				})
				return cost, len(s.Calls) + len(s.Drills.Calls) + len(s.Drills.Pings) + len(s.Drills.Announced)
			}
			one, _ := work(x.n)
			two, threads := work(2 * x.n)
			if two > 3*one {
				t.Errorf("%d entries cost %d allocations, %d cost %d", x.n, one, 2*x.n, two)
			}
			if threads > x.most {
				t.Errorf("%d were opened, at most %d", threads, x.most)
			}
		})
	}
}

// open10kCalls returns a unit in which 10,000 calls were made, one in a hundred of them open.
func open10kCalls(b *testing.B) (*world, *unit.Fold) {
	w := lined(b, false, "North", "South")
	north, south := w.actors[0], w.actors[1]
	for i := range 10_000 {
		c := north.call(nil)
		south.receipt(north)
		south.on(c, "acknowledge", nil)
		north.receipt(south)
		if i%200 != 0 {
			north.on(c, "close", nil)
		}
	}
	f := w.fold()
	if got := f.Calls(w.clock); len(got) != 10_000 {
		b.Fatalf("%d calls", len(got))
	}
	return w, f
}

// BenchmarkCalls takes all of 10,000 calls with clocks and ladders.
func BenchmarkCalls(b *testing.B) {
	w, f := open10kCalls(b)
	b.ReportAllocs()
	for b.Loop() {
		f.Calls(w.clock)
	}
}

// BenchmarkCall takes one of them.
func BenchmarkCall(b *testing.B) {
	w, f := open10kCalls(b)
	ref := f.Calls(w.clock)[5000].ID
	for b.Loop() {
		if _, ok := f.Call(ref, w.clock); !ok {
			b.Fatal("it is gone")
		}
	}
}
