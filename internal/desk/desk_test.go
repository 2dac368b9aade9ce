package desk_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	north = journal.PartyID("1111111111111111111111111111111111111111111111111111111111111111")
	south = journal.PartyID("2222222222222222222222222222222222222222222222222222222222222222")
	west  = journal.PartyID("3333333333333333333333333333333333333333333333333333333333333333")
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func ref(i int64) journal.Ref {
	return journal.Ref{Origin: "entente/" + journal.Origin(north), Index: i}
}

func doc(t testing.TB) *accord.Document {
	d, problems, err := accord.Parse(accord.Example("complete"))
	if err != nil {
		t.Fatal(err, problems)
	}
	return d
}

// conversation writes moves of one request, an hour apart.
type conversation struct {
	t    *testing.T
	b    *desk.Book
	doc  *accord.Document
	i    int64
	now  time.Time
	send journal.Ref
}

func newConversation(t *testing.T) *conversation {
	return conversationOf(t, desk.Body{Type: desk.Information, Urgency: "urgent", Fields: []string{"subject", "purpose"}})
}

// conversationOf is a request of North to South.
func conversationOf(t *testing.T, send desk.Body) *conversation {
	t.Helper()
	d := doc(t)
	send.To = south
	c := &conversation{t: t, b: desk.NewBook(d, "hash"), doc: d, now: start, send: ref(0)}
	if err := c.b.Apply(desk.Move{Ref: c.send, Name: desk.Send, Party: north, At: start, Body: send}); err != nil {
		t.Fatal(err)
	}
	return c
}

// move makes one move an hour later and checks the code ("" for a legal one).
func (c *conversation) move(p journal.PartyID, name, code string, set ...func(*desk.Body)) {
	c.t.Helper()
	c.i++
	c.now = c.now.Add(time.Hour)
	b := desk.Body{Request: &c.send}
	for _, f := range set {
		f(&b)
	}
	err := c.b.Apply(desk.Move{Ref: ref(c.i), Name: name, Party: p, At: c.now, Body: b})
	var me *desk.MoveError
	if errors.As(err, &me) != (code != "") || me != nil && me.Code != code {
		c.t.Errorf("%s by %s: %v, want code %q", name, p.Short(), err, code)
	}
}

func (c *conversation) request(now time.Time, received time.Time, pauses ...desk.Interval) desk.Request {
	return c.b.Requests(now, func(journal.Ref) time.Time { return received }, pauses)[0]
}

// tables are the types by whose name a table is documented.
var tables = []string{desk.Information, desk.Preservation, desk.Incident, desk.Protest, desk.PreNotice}

func TestTableGolden(t *testing.T) {
	for _, kind := range tables {
		file := "testdata/" + kind + ".txt"
		got := desk.Table(kind)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the table of %s has changed; if that is meant, run with -update and change docs/protocol/state.md:\n%s", kind, got)
		}
	}
	for _, kind := range desk.Types() {
		if !slices.Contains(tables, kind) && desk.Table(kind) != desk.Table(desk.Information) {
			t.Errorf("the table of %s is neither documented nor that of %s", kind, desk.Information)
		}
	}
	if desk.Table("levitation") != "" {
		t.Error("a type without a table has one")
	}
}

// TestTypesOfTheAccord: a request of each type that an accord offers by default can be sent.
func TestTypesOfTheAccord(t *testing.T) {
	var offered []string
	for _, r := range doc(t).Requests.Types {
		offered = append(offered, r.Type)
	}
	slices.Sort(offered)
	known := desk.Types()
	slices.Sort(known)
	if !slices.Equal(offered, known) {
		t.Errorf("offered %v, known %v", offered, known)
	}
}

// TestTableIsDocumented holds the specification to the tables.
func TestTableIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol/state.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range tables {
		if !strings.Contains(string(text), "```\n"+desk.Table(kind)+"```\n") {
			t.Errorf("docs/protocol/state.md does not hold the table of %s", kind)
		}
	}
}

func TestWholeLife(t *testing.T) {
	c := newConversation(t)
	c.move(north, "acknowledge", desk.CodeWrongSide)
	c.move(south, "accept", desk.CodeWrongState)
	c.move(west, "dispute", desk.CodeWrongSide)
	c.move(south, "acknowledge", "")
	c.move(south, "acknowledge", desk.CodeDuplicate)
	c.move(south, "needs-info", "", func(b *desk.Body) { b.Fields = []string{"legal-basis"} })
	c.move(south, "info", desk.CodeWrongSide)
	c.move(north, "info", "")
	c.move(south, "conditions", "")
	c.move(north, "accept-terms", "")
	c.move(south, "accept", "")
	c.move(south, "progress", "")
	c.move(south, "progress", "")
	c.move(south, "at-risk", "", func(b *desk.Body) { b.Code = "source" })
	c.move(south, "answer", desk.CodeWrongState)
	c.move(north, "proceed", "")
	c.move(south, "partial", "")
	c.move(south, "answer", "")
	c.move(north, "withdraw", desk.CodeWrongState)
	c.move(north, "assess", "", func(b *desk.Body) { b.Scores, b.Use = map[string]int{"accuracy": 4}, "blocking" })
	c.move(north, "assess", desk.CodeDuplicate)
	c.move(north, "close", "")
	c.move(south, "dispute", "")
	c.move(north, "fly", desk.CodeUnknownMove)
	r := c.request(c.now, time.Time{})
	if r.State != desk.Closed || !r.Disputed || r.Scores["accuracy"] != 4 || r.Use != "blocking" || len(r.Illegal) != 9 || len(r.Steps) != 16 {
		t.Errorf("state %s, %d steps, %d illegal", r.State, len(r.Steps), len(r.Illegal))
	}
	if got := r.Next[desk.Asking]; !slices.Equal(got, []string{"dispute", "translate"}) {
		t.Errorf("next %v", got)
	}
}

func TestRefusedAtTheDoor(t *testing.T) {
	b := desk.NewBook(doc(t), "hash")
	send := ref(0)
	for _, c := range []struct {
		m    desk.Move
		code string
	}{
		{desk.Move{Ref: ref(1), Name: "send", Party: north, Body: desk.Body{To: south, Type: "levitation"}}, desk.CodeUnknownType},
		{desk.Move{Ref: ref(2), Name: "send", Party: north, Body: desk.Body{Type: "information"}}, desk.CodeNoAddressee},
		{desk.Move{Ref: ref(3), Name: "send", Party: north, Body: desk.Body{To: north, Type: "information"}}, desk.CodeNoAddressee},
		{desk.Move{Ref: ref(5), Name: "send", Party: north, At: start, Body: desk.Body{To: south, Type: "incident", Detected: start.Add(time.Second)}}, desk.CodeBadDate},
		{desk.Move{Ref: ref(4), Name: "acknowledge", Party: south, Body: desk.Body{Request: &send}}, desk.CodeUnknownRequest},
		{desk.Move{Ref: ref(4), Name: "acknowledge", Party: south, Body: desk.Body{Request: &send}}, desk.CodeDuplicate},
	} {
		var me *desk.MoveError
		if err := b.Apply(c.m); !errors.As(err, &me) || me.Code != c.code || me.Error() == "" {
			t.Errorf("%s: %v, want code %s", c.m.Name, err, c.code)
		}
	}
	if len(b.Strays()) != 5 || len(b.Requests(start, func(journal.Ref) time.Time { return time.Time{} }, nil)) != 0 {
		t.Errorf("strays %+v", b.Strays())
	}
}

func clock(t *testing.T, r desk.Request, name string) desk.Clock {
	t.Helper()
	for _, k := range r.Clocks {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no clock %s in %+v", name, r.Clocks)
	return desk.Clock{}
}

func TestClocks(t *testing.T) {
	hour, day := time.Hour, 24*time.Hour
	received := start.Add(5 * time.Minute)

	c := newConversation(t)
	k := clock(t, c.request(start.Add(time.Minute), time.Time{}), "answer")
	if k.Basis != desk.BasisPosting || !k.Due.Equal(start.Add(3*day)) {
		t.Errorf("without a receipt: %+v", k)
	}
	r := c.request(start.Add(20*time.Minute), time.Time{})
	if k := clock(t, r, "receipt"); !k.Overdue || !r.Overdue {
		t.Errorf("a receipt that did not come is not overdue: %+v", k)
	}
	r = c.request(start.Add(20*time.Minute), received)
	if k := clock(t, r, "receipt"); k.Overdue || k.Late || !k.Met.Equal(received) {
		t.Errorf("a receipt in time: %+v", k)
	}
	if k := clock(t, r, "answer"); k.Basis != desk.BasisReceipt || !k.Due.Equal(received.Add(3*day)) || k.Owner != south {
		t.Errorf("answer: %+v", k)
	}
	if k := clock(t, r, "acknowledge"); !k.Due.Equal(received.Add(4*hour)) || !r.Due.Equal(k.Due) {
		t.Errorf("acknowledge: %+v, next %s", k, r.Due)
	}

	// The clock stands from needs-info to info, and while the unit is suspended; both count once.
	c.move(south, "acknowledge", "") // start + 1 h
	c.move(south, "needs-info", "")  // start + 2 h
	if k := clock(t, c.request(start.Add(10*day), received), "answer"); !k.Stopped || k.Overdue {
		t.Errorf("needs-info: %+v", k)
	}
	if k := clock(t, c.request(start.Add(20*day), received), "answer"); k.Stopped || !k.Overdue || !k.Due.Equal(received.Add(17*day)) {
		t.Errorf("the accord lets needs-info stop the clock for at most 14 days: %+v", k)
	}
	c.now = start.Add(4 * hour)
	c.move(north, "info", "") // start + 5 h: three hours
	pause := desk.Interval{From: start.Add(4 * hour), To: start.Add(6 * hour)}
	if k := clock(t, c.request(start.Add(day), received, pause), "answer"); k.Stopped || !k.Due.Equal(received.Add(3*day+4*hour)) {
		t.Errorf("due %s after stops of 3 and 2 hours that overlap by one", k.Due)
	}
	if r := c.request(start.Add(30*day), received, desk.Interval{From: start.Add(7 * hour)}); !r.Suspended || r.Overdue || !clock(t, r, "answer").Stopped {
		t.Errorf("suspended: %+v", r.Overlay)
	}

	// Overdue and escalated are overlays: the state does not change.
	late := start.Add(10 * day)
	r = c.request(late, received)
	if k := clock(t, r, "answer"); !k.Overdue || r.State != desk.Acknowledged || len(r.Escalated) == 0 {
		t.Errorf("overdue: %+v, escalated %+v", k, r.Escalated)
	}
	if r := c.request(received.Add(3*day+3*hour-30*time.Minute), received); !clock(t, r, "answer").Warning {
		t.Errorf("no warning in the last hour: %+v", clock(t, r, "answer"))
	}

	// At-risk stops, proceed resumes; postponing moves the date; the answer ends it.
	c.move(south, "accept", "")                                            // + 6 h
	c.move(south, "at-risk", "", func(b *desk.Body) { b.Code = "source" }) // + 7 h
	c.now = c.now.Add(9 * hour)                                            //
	c.move(north, "proceed", "")                                           // + 17 h: ten hours
	if k := clock(t, c.request(c.now, received), "answer"); !k.Due.Equal(received.Add(3*day + 13*hour)) {
		t.Errorf("at-risk: due %s", k.Due)
	}
	if k := clock(t, c.request(c.now, received), "acknowledge"); !k.Due.Equal(received.Add(4*hour)) || k.Late {
		t.Errorf("stops that came after it was met moved a deadline: %+v", k)
	}
	until := start.Add(40 * day)
	for _, past := range []time.Time{start, c.now.Add(hour)} { // the move is made an hour later
		c.move(south, "postpone", desk.CodeBadDate, func(b *desk.Body) { b.Code, b.Until = "overload", past })
		c.now = c.now.Add(-hour)
	}
	c.move(south, "postpone", "", func(b *desk.Body) { b.Code, b.Until = "overload", until })
	if k := clock(t, c.request(c.now, received), "answer"); !k.Due.Equal(until) {
		t.Errorf("postponed: due %s", k.Due)
	}
	c.move(south, "accept", "")
	c.now = start.Add(41 * day)
	c.move(south, "answer", "")
	if k := clock(t, c.request(c.now.Add(90*day), received), "answer"); !k.Late || k.Overdue || !k.Met.Equal(c.now) {
		t.Errorf("a late answer: %+v", k)
	}
}

func TestSkewIsShown(t *testing.T) {
	c := newConversation(t)
	if r := c.request(start, start.Add(-time.Hour)); len(r.Skewed) != 1 {
		t.Errorf("a receipt an hour before the request: %v", r.Skewed)
	}
	if r := c.request(start, start.Add(-time.Minute)); len(r.Skewed) != 0 {
		t.Errorf("within the tolerance: %v", r.Skewed)
	}
}

// TestMovesProperty makes random moves by both sides and a third: states change along the table
// only, whatever else comes is answered with a code, and two sides that apply the same moves agree.
func TestMovesProperty(t *testing.T) {
	table := map[string]string{} // "type state move side" -> state
	moves := []string{"send", "fly"}
	for _, kind := range desk.Types() {
		for line := range strings.Lines(desk.Table(kind)) {
			f := strings.Fields(line)
			table[kind+" "+f[0]+" "+f[1]+" "+f[2]] = f[4]
			if !slices.Contains(moves, f[1]) {
				moves = append(moves, f[1])
			}
		}
	}
	d := doc(t)
	rapid.Check(t, func(rt *rapid.T) {
		one, two := desk.NewBook(d, "hash"), desk.NewBook(d, "hash")
		send := ref(0)
		kind := rapid.SampledFrom(desk.Types()).Draw(rt, "type")
		m := desk.Move{Ref: send, Name: "send", Party: north, At: start, Body: desk.Body{To: south, Type: kind, Urgency: "routine"}}
		state, legal, illegal, both := "sent", 1, 0, []desk.Move{m}
		var held time.Time
		acknowledged := false
		texts := map[journal.Ref]journal.PartyID{} // entries with a text that can be translated, and who wrote it
		if one.Apply(m) != nil || two.Apply(m) != nil {
			rt.Fatal("send")
		}
		for i := range rapid.IntRange(0, 60).Draw(rt, "moves") {
			p := rapid.SampledFrom([]journal.PartyID{north, south, north, south, west}).Draw(rt, "party")
			m := desk.Move{Ref: ref(int64(i + 1)), Name: rapid.SampledFrom(moves).Draw(rt, "move"), Party: p,
				At: start.Add(time.Duration(i) * time.Hour), Body: desk.Body{Request: &send, Until: start.Add(time.Duration(rapid.IntRange(-5, 70).Draw(rt, "until")) * time.Hour)}}
			if rapid.Bool().Draw(rt, "payload") {
				m.Payload = &journal.PayloadRef{}
			}
			of := ref(int64(rapid.IntRange(0, i+2).Draw(rt, "of")))
			m.Body.Of, m.Body.Lang, m.Body.Kind, m.Body.Authentic = &of, "vi", desk.MachineTranslation, rapid.Bool().Draw(rt, "authentic")
			side := map[journal.PartyID]string{north: "asking", south: "asked"}[p]
			// Prefer legal moves now and then, so that long lives are reached.
			if rapid.Bool().Draw(rt, "legal") {
				if next := one.Requests(start, func(journal.Ref) time.Time { return time.Time{} }, nil)[0].Next[desk.Side(side)]; len(next) > 0 {
					m.Name = rapid.SampledFrom(next).Draw(rt, "next")
				}
			}
			to, ok := table[kind+" "+state+" "+m.Name+" "+side]
			switch m.Name { // what a table does not say
			case "hold":
				if ok = ok && m.Body.Until.After(m.At) && !m.Body.Until.Before(held); ok {
					held = m.Body.Until
				}
			case "postpone":
				ok = ok && m.Body.Until.After(m.At)
			case "lapse":
				ok = ok && !m.At.Before(held)
			case "acknowledge":
				ok = ok && !(kind == "incident" && acknowledged)
				acknowledged = acknowledged || ok
			case "translate":
				author, has := texts[of]
				ok = ok && has && m.Payload != nil && (author == p || !m.Body.Authentic)
			}
			if ok && m.Payload != nil && m.Name != "translate" {
				texts[m.Ref] = p
			}
			err1, err2 := one.Apply(m), two.Apply(m)
			var me *desk.MoveError
			if (err1 == nil) != ok || fmt.Sprint(err1) != fmt.Sprint(err2) || !ok && (!errors.As(err1, &me) || me.Code == "") {
				rt.Fatalf("%s by %s in %s: %v and %v", m.Name, side, state, err1, err2)
			}
			if ok {
				state = to
				legal++
			} else {
				illegal++
			}
			both = append(both, m)
			if rapid.IntRange(0, 4).Draw(rt, "replay") == 0 { // a replay is refused and leaves nothing
				again := both[rapid.IntRange(0, len(both)-1).Draw(rt, "which")]
				if err := one.Apply(again); !errors.As(err, &me) || me.Code != desk.CodeDuplicate {
					rt.Fatalf("replay: %v", err)
				}
			}
		}
		now := start.Add(time.Duration(rapid.IntRange(60, 5000).Draw(rt, "now")) * time.Hour)
		none := func(journal.Ref) time.Time { return start }
		a, b := one.Requests(now, none, nil)[0], two.Requests(now, none, nil)[0]
		if string(a.State) != state || len(a.Steps) != legal || len(a.Illegal)+len(one.Strays()) != illegal {
			rt.Fatalf("state %s, want %s; %d steps, want %d; %d illegal, want %d", a.State, state, len(a.Steps), legal, len(a.Illegal), illegal)
		}
		if !reflect.DeepEqual(text(rt, a), text(rt, b)) {
			rt.Fatal("the two sides differ")
		}
	})
}

func text(t *rapid.T, r desk.Request) string {
	b, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBodies(t *testing.T) {
	long := strings.Repeat("a", 65)
	id := fmt.Sprintf(`"request":{"origin":%q,"index":3}`, ref(0).Origin)
	for _, c := range []struct {
		move, body string
		ok         bool
	}{
		{"send", `{"type":"information","urgency":"urgent","fields":["subject"],"unknown":1}`, true},
		{"send", `{"type":"information"}`, false},
		{"send", `{"type":"information","urgency":"urgent","to":"x"}`, false},
		{"send", `{` + id + `,"type":"information","urgency":"urgent"}`, false},
		{"acknowledge", `{` + id + `}`, true},
		{"acknowledge", `{}`, false},
		{"acknowledge", `{"request":{"origin":"x","index":3}}`, false},
		{"refuse", `{` + id + `,"code":"sovereignty"}`, true},
		{"refuse", `{` + id + `}`, false},
		{"refuse", `{` + id + `,"code":"` + long + `"}`, false},
		{"refuse", `{` + id + `,"code":"a text with spaces"}`, false},
		{"postpone", `{` + id + `,"code":"overload","until":"2026-05-01T00:00:00Z"}`, true},
		{"postpone", `{` + id + `,"code":"overload"}`, false},
		{"postpone", `{` + id + `,"code":"overload","until":"9026-05-01T00:00:00Z"}`, false},
		{"hold", `{` + id + `,"until":"2026-05-01T00:00:00Z"}`, true},
		{"hold", `{` + id + `}`, false},
		{"renew", `{` + id + `}`, true},
		{"send", `{"type":"incident","urgency":"urgent","detected":"2026-05-01T00:00:00+02:00"}`, true},
		{"send", `{"type":"incident","urgency":"urgent","detected":"1970-01-01T00:00:00Z"}`, false},
		{"transfer", `{` + id + `,"agency":"police"}`, true},
		{"transfer", `{` + id + `}`, false},
		{"assess", `{` + id + `,"scores":{"relevance":1,"accuracy":5,"timeliness":3,"clarity":3,"usefulness":3,"completeness":3},"use":"blocking"}`, true},
		{"assess", `{` + id + `,"scores":{"relevance":6}}`, false},
		{"assess", `{` + id + `,"scores":{"relevance":0}}`, false},
		{"assess", `{` + id + `,"scores":{"kindness":3}}`, false},
		{"assess", `{` + id + `}`, false},
		{"info", `{` + id + `,"fields":["` + strings.Repeat(`a","`, 64) + `a"]}`, false},
		{"info", `{` + id + `,` + id + `}`, false},
		{"info", `[]`, false},
	} {
		if _, err := desk.ParseBody(c.move, jsontext.Value(c.body)); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.move, c.body, err)
		}
	}
}

func FuzzParseBody(f *testing.F) {
	f.Add("send", []byte(`{"type":"information","urgency":"urgent","fields":["subject"]}`))
	f.Add("assess", []byte(`{"request":{"origin":"entente/`+string(north)+`","index":0},"scores":{"accuracy":5}}`))
	f.Add("postpone", []byte(`{"code":"overload","until":"2026-05-01T00:00:00Z"}`))
	f.Add("send", []byte(`{"type":"incident","urgency":"urgent","detected":"2026-05-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, move string, raw []byte) {
		b, err := desk.ParseBody(move, raw)
		if err != nil {
			return
		}
		if len(b.Fields) > desk.MaxFields || len(b.Code) > desk.MaxToken || (b.Request == nil) != (move == desk.Send) {
			t.Errorf("taken: %+v", b)
		}
		for _, n := range b.Scores {
			if n < 1 || n > 5 {
				t.Errorf("score %d", n)
			}
		}
		out, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := desk.ParseBody(move, out); err != nil {
			t.Errorf("what was taken is not taken again: %v\n%s", err, out)
		}
	})
}
