package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"entente/internal/lang"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC) // a Friday; clocks in Paris go forward on the 29th

func zone(t testing.TB, name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func event(id, urgency string) Event {
	return Event{ID: id, Kind: KindRequestNew, Unit: "Joint", Ref: "entente/ab#" + id, At: noon, Urgency: urgency, Code: "information"}
}

func channels(due []Delivery) string {
	var out []string
	for _, d := range due {
		s := d.Event.ID + ">" + d.Channel
		if d.Escalated {
			s += "!"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestOnceRetriesAndEscalation(t *testing.T) {
	p := Plan{First: []string{"desk"}, Ladder: []Rung{{15 * time.Minute, []string{"mail"}}, {time.Hour, []string{"desk", "boss"}}}}
	var b Book
	look := func(after time.Duration, want string) []Delivery {
		t.Helper()
		now := noon.Add(after)
		b.Observe(now, []Event{event("1111", "routine")})
		due := b.Due(now, p)
		if got := channels(due); got != want {
			t.Errorf("after %s: %q, want %q", after, got, want)
		}
		return due
	}
	first := look(0, "1111>desk")
	b.Done(first, noon, errors.New("no route"))
	look(29*time.Second, "")
	again := look(30*time.Second, "1111>desk")
	if again[0].Key != first[0].Key || again[0].Try != 2 {
		t.Errorf("another message: %+v", again[0])
	}
	b.Done(again, noon.Add(30*time.Second), nil)
	look(time.Minute, "")
	b.Done(look(15*time.Minute, "1111>mail!"), noon.Add(15*time.Minute), nil)
	look(59*time.Minute, "")
	// The desk has it already; only who has not is told.
	look(time.Hour, "1111>boss!")
	if b.Ack("1", "x", noon) != 0 || b.Ack("1111", "x", noon) != 1 || b.Ack("1111", "x", noon) != 0 {
		t.Error("acknowledged by one digit, or twice")
	}
	look(2*time.Hour, "")
	if !strings.Contains(fmt.Sprint(b.List(false)), "[]") || len(b.List(true)) != 1 {
		t.Errorf("%+v", b.List(false))
	}
}

func TestGivingUp(t *testing.T) {
	var b Book
	b.Observe(noon, []Event{event("1111", "routine")})
	now, n := noon, 0
	for range 10_000 {
		for _, d := range b.Due(now, Plan{First: []string{"desk"}}) {
			n++
			b.Done([]Delivery{d}, now, errors.New("no"))
		}
		now = now.Add(time.Minute)
	}
	if s := b.Records["1111"].Sent["desk"]; n != MaxTries || s.Tries != MaxTries || s.Error != "no" || !s.Next.IsZero() {
		t.Errorf("%d attempts: %+v", n, s)
	}
}

// TestWhatIsOver: nobody is told of what needs nobody any more; an episode that begins anew is told
// again, one that flaps is not, and what can happen only once never is.
func TestWhatIsOver(t *testing.T) {
	p := Plan{First: []string{"desk"}}
	down := Event{ID: "2222", Kind: KindUnreachable, Urgency: "urgent", Episode: true}
	once := event("1111", "routine")
	var b Book
	told := func(at time.Duration, events ...Event) string {
		now := noon.Add(at)
		b.Observe(now, events)
		due := b.Due(now, p)
		for _, d := range due {
			b.Done([]Delivery{d}, now, nil)
		}
		return channels(due)
	}
	for _, s := range []struct {
		at     time.Duration
		events []Event
		want   string
	}{
		{0, []Event{once, down}, "1111>desk 2222>desk"}, {time.Minute, nil, ""}, {2 * time.Minute, []Event{once, down}, ""},
		{3 * time.Minute, nil, ""}, {2 * time.Hour, []Event{once, down}, "2222>desk"},
	} {
		if got := told(s.at, s.events...); got != s.want {
			t.Errorf("at %s: %q, want %q", s.at, got, s.want)
		}
	}
	told(3 * time.Hour)
	told(keep + 4*time.Hour)
	if len(b.Records) != 0 {
		t.Errorf("kept for ever: %+v", b.Records)
	}
}

func TestQuietHours(t *testing.T) {
	paris := zone(t, "Europe/Paris")
	q := &Quiet{Zone: paris, From: 22 * 60, To: 7 * 60, Except: []string{"emergency"}}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, paris)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for in, until := range map[string]string{
		"2026-03-27 21:59": "", "2026-03-27 22:00": "2026-03-28 07:00", "2026-03-28 06:59": "2026-03-28 07:00", "2026-03-28 07:00": "",
		"2026-03-28 23:30": "2026-03-29 07:00", "2026-10-24 23:30": "2026-10-25 07:00", // a night of eight hours, and one of ten
	} {
		want := time.Time{}
		if until != "" {
			want = at(until)
		}
		if got := q.Until(at(in).UTC()); !got.Equal(want) {
			t.Errorf("%s: until %s, want %s", in, got, want)
		}
	}
	if night := q.Until(at("2026-03-28 22:00")).Sub(at("2026-03-28 22:00")); night != 8*time.Hour {
		t.Errorf("the night in which clocks go forward has %s", night)
	}
	weekend := &Quiet{Zone: paris, From: 0, To: 0, Days: []time.Weekday{time.Saturday, time.Sunday}}
	if got := weekend.told(at("2026-03-28 10:00"), &Event{Urgency: "routine"}); !got.Equal(at("2026-03-30 00:00")) {
		t.Errorf("a weekend ends %s", got)
	}
	// What comes at night is told in the morning, and the escalation counts from then.
	p := Plan{First: []string{"desk"}, Ladder: []Rung{{30 * time.Minute, []string{"boss"}}}, Quiet: q}
	for _, s := range []struct {
		at, urgency, want string
	}{
		{"2026-03-27 23:00", "routine", ""}, {"2026-03-28 06:59", "routine", ""}, {"2026-03-28 07:00", "routine", "1111>desk"}, {"2026-03-28 07:30", "routine", "1111>boss! 1111>desk"},
		{"2026-03-27 23:00", "emergency", "1111>desk"}, {"2026-03-27 23:30", "emergency", "1111>boss! 1111>desk"},
	} {
		var b Book
		b.Observe(at("2026-03-27 23:00"), []Event{event("1111", s.urgency)})
		if got := channels(b.Due(at(s.at), p)); got != s.want {
			t.Errorf("%s at %s: %q, want %q", s.urgency, s.at, got, s.want)
		}
	}
}

// TestScheduleProperty runs a book through any hours, failures, acknowledgements and restarts, and holds
// it against what it promises: nothing twice over a channel, nothing to nobody, nothing that is quiet at
// night, nobody beyond the first before its rung, and everything that stays open is told in the end.
func TestScheduleProperty(t *testing.T) {
	lisbon := zone(t, "Europe/Lisbon")
	rapid.Check(t, func(rt *rapid.T) {
		p := Plan{First: []string{"desk", "mail"}, Ladder: []Rung{{10 * time.Minute, []string{"pager"}}, {2 * time.Hour, []string{"boss", "desk"}}}}
		if rapid.Bool().Draw(rt, "quiet") {
			p.Quiet = &Quiet{Zone: lisbon, From: rapid.IntRange(0, 1439).Draw(rt, "from"), To: rapid.IntRange(0, 1439).Draw(rt, "to"), Except: []string{"emergency"}}
			if p.Quiet.From == p.Quiet.To {
				p.Quiet.To = (p.Quiet.To + 1) % 1440
			}
			if (p.Quiet.To-p.Quiet.From+1440)%1440 > 1200 { // nights that leave time to tell
				p.Quiet.To = (p.Quiet.From + 600) % 1440
			}
		}
		var b Book
		now := noon
		done := map[string]int{} // event and channel -> messages that were taken
		keys := map[string]string{}
		first := map[string]time.Time{}
		var events []Event
		urgency := map[string]string{}
		acked := map[string]bool{}
		round := func(fail bool) {
			b.Observe(now, events)
			for _, e := range events {
				if first[e.ID].IsZero() {
					first[e.ID] = now
				}
			}
			seen := map[string]bool{}
			for _, d := range b.Due(now, p) {
				pair := d.Event.ID + " " + d.Channel
				if seen[pair] {
					rt.Fatalf("%s twice in one round", pair)
				}
				seen[pair] = true
				if owner, known := keys[d.Key]; known && owner != pair {
					rt.Fatalf("the key of %s is that of %s", pair, owner)
				}
				keys[d.Key] = pair
				if p.Quiet != nil && urgency[d.Event.ID] == "routine" && !p.Quiet.Until(now).IsZero() {
					rt.Fatalf("%s at %s, in quiet hours", pair, now)
				}
				if acked[d.Event.ID] {
					rt.Fatalf("%s, at which somebody has looked", pair)
				}
				if !slices.Contains(p.First, d.Channel) && now.Before(first[d.Event.ID].Add(10*time.Minute)) {
					rt.Fatalf("%s before its rung", pair)
				}
				if fail && rapid.Bool().Draw(rt, "fails") {
					b.Done([]Delivery{d}, now, errors.New("no"))
					continue
				}
				b.Done([]Delivery{d}, now, nil)
				if done[pair]++; done[pair] > 1 {
					rt.Fatalf("%s was sent twice", pair)
				}
			}
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "minutes")) * time.Minute)
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				id := fmt.Sprintf("%04d", len(events))
				u := rapid.SampledFrom([]string{"emergency", "urgent", "routine"}).Draw(rt, "urgency")
				events, urgency[id] = append(events, event(id, u)), u
			case 1:
				if len(events) > 0 {
					id := rapid.SampledFrom(events).Draw(rt, "ack").ID
					if b.Ack(id, "somebody", now) > 0 {
						acked[id] = true
					}
				}
			case 2: // a restart: only what is on disk stays
				text, err := json.Marshal(&b)
				if err != nil {
					rt.Fatal(err)
				}
				b = Book{}
				if err := json.Unmarshal(text, &b); err != nil {
					rt.Fatal(err)
				}
			}
			round(true)
		}
		for range 2 * 24 * 4 { // two days in which everything works
			now = now.Add(15 * time.Minute)
			round(false)
		}
		for _, e := range events {
			for _, c := range []string{"desk", "mail", "pager", "boss"} {
				if !acked[e.ID] && done[e.ID+" "+c] != 1 {
					rt.Fatalf("%s was never told to %s: %+v", e.ID, c, b.Records[e.ID])
				}
			}
		}
	})
}

func TestBounds(t *testing.T) {
	var b Book
	events := make([]Event, MaxRecords+7)
	for i := range events {
		events[i] = event(fmt.Sprintf("%06d", i), "routine")
	}
	if _, dropped := b.Observe(noon, events); dropped != 7 || len(b.Records) != MaxRecords {
		t.Errorf("%d left out, %d kept", dropped, len(b.Records))
	}
	b.Done([]Delivery{{Channel: "desk", Event: Event{ID: "000001"}}}, noon, errors.New(strings.Repeat("é", 1000)))
	if e := b.Records["000001"].Sent["desk"].Error; len(e) > 300 || strings.Contains(e, "\ufffd") {
		t.Errorf("%d bytes of an error", len(e))
	}
	b.Done([]Delivery{{Channel: "desk", Event: Event{ID: "unknown"}}}, noon, nil)
}

// TestRender: codes and references in the reader's words, and no title unless there is one.
func TestRender(t *testing.T) {
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		m := Render(c, []Delivery{{Channel: "desk", Key: "k", Event: event("1111", "urgent"), Escalated: true, Try: 2}})
		for _, want := range []string{"Joint", "entente/ab#1111", c.Code("urgency", "urgent"), c.Text("notify.escalated"), "entente notify ack 1111"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s: no %q in %q", tag, want, m.Text)
			}
		}
		if m.Lang != tag || !strings.Contains(m.Subject, c.Code("notify", KindRequestNew)) || strings.Contains(m.Text, "{") || strings.Contains(m.Text, c.Text("notify.title", "title", "")) {
			t.Errorf("%s: %+v", tag, m)
		}
	}
	e := event("1111", "urgent")
	e.Title = "Who\u202e runs\r\nthis?\x1b[2J"
	if m := Render(lang.English(), []Delivery{{Event: e}}); !strings.Contains(m.Text, `Title: Who\u202e runs\x0d\x0athis?\x1b[2J`) || strings.ContainsAny(m.Event.Title, "\u202e\n\x1b") {
		t.Errorf("%q %q", m.Text, m.Event.Title)
	}
}

// TestChannelsRest: whoever makes a notice in every round does not ring a pager for ever: after some messages within an
// hour a channel rests between two, what is due meanwhile is gathered, and nothing is lost.
func TestChannelsRest(t *testing.T) {
	var b Book
	var events []Event
	p := Plan{First: []string{"pager"}}
	messages, told := 0, map[string]int{}
	now := noon
	for i := range 360 { // an hour of rounds
		events = append(events, event(fmt.Sprintf("%04d", i), "emergency"))
		b.Observe(now, events)
		if due := b.Due(now, p); len(due) > 0 {
			messages++
			for _, d := range due {
				told[d.Event.ID]++
			}
			b.Done(due, now, nil)
		}
		now = now.Add(10 * time.Second)
	}
	if most := burst + int(time.Hour/spacing); messages > most || messages < burst {
		t.Errorf("%d messages in an hour, at most %d", messages, most)
	}
	now = now.Add(spacing)
	for _, d := range b.Due(now, p) {
		told[d.Event.ID]++
	}
	for _, e := range events {
		if told[e.ID] != 1 {
			t.Fatalf("%s was told %d times", e.ID, told[e.ID])
		}
	}
	if len(b.Told["pager"]) != burst {
		t.Errorf("%d messages are remembered", len(b.Told["pager"]))
	}
}

// TestRenderMany: what is due at once is one message with the same key in every attempt; what a partner wrote stays harmless.
func TestRenderMany(t *testing.T) {
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		var due []Delivery
		for i := range 50 {
			e := event(fmt.Sprintf("%04d", i), "urgent")
			e.Title = "x\x1b[2J\n"
			due = append(due, Delivery{Channel: "desk", Key: fmt.Sprint("k", i), Event: e, Try: 1, Escalated: i == 40})
		}
		m := Render(c, due)
		if m.Count != 50 || len(m.Events) != maxTold || m.Events[3].Key != "k3" || !m.Escalated || m.Key == due[0].Key || m.Key != Render(c, due).Key {
			t.Errorf("%s: %d, %d, %s", tag, m.Count, len(m.Events), m.Key)
		}
		if !strings.Contains(m.Subject, c.Text("notify.gathered", "n", 50)) || !strings.Contains(m.Text, c.Text("notify.more", "n", 30)) || strings.Contains(m.Text, "\x1b") {
			t.Errorf("%s: %s\n%s", tag, m.Subject, m.Text)
		}
	}
}
