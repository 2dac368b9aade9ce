package node

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/peer"
	"entente/journal"
)

// TestHostileWithheldReceipt is a partner that fetches everything, says in its
// greetings that it holds it, writes on, and never signs for it. What its greetings say
// counts for nothing; officers see what is not signed for, the clocks of a request run
// from its posting and say so, and no dossier takes that for a proof.
func TestHostileWithheldReceipt(t *testing.T) {
	ctx := t.Context()
	a, r, _ := hostileWorldFor(t, false)
	shareOne(t, a, 0x700, "fetched.example")
	view, _, err := a.NewRequest(ctx, RequestNewRequest{Unit: "Watch", To: "South", Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	if err != nil {
		t.Fatal(err)
	}
	own := a.footprint(t, "Watch").own
	silent := r.last.Seen // what it ever admits to have seen
	// It fetches all of it, payloads too.
	got := r.say(nil)
	var want []journal.Hash
	for _, run := range got.runs {
		for _, raw := range run.Entries {
			if e := r.parse(raw); e.Payload != nil && run.Origin == r.victimOrigin() {
				want = append(want, e.Payload.Commitment)
			}
		}
	}
	if got := r.ask(want...); len(want) < 2 || len(got.payloads) != len(want) {
		t.Fatalf("of %d payloads it got %d: %q", len(want), len(got.payloads), got.codes())
	}
	told := got.hello.Have[r.victimOrigin()]
	for range 3 { // "I have it all", and it writes on
		r.have[r.victimOrigin()] = told
		raw := r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["seen"] = silent })
		if got := r.say([]peer.Run{r.next(raw)}); len(got.codes()) > 0 {
			t.Fatalf("%q", got.codes())
		}
		r.last = r.parse(raw)
	}
	check := func(when string, overdue bool) {
		t.Helper()
		st := must[*StatusResponse](t)(a.Status(ctx))
		var m MemberBrief
		for _, b := range st.Units {
			for _, x := range b.Members {
				if x.Party == string(r.self.party) {
					m = x
				}
			}
		}
		if m.Receipted >= own-1 || m.Size != r.last.Index+1 {
			t.Errorf("%s: of %d entries %d are shown as signed for", when, own, m.Receipted)
		}
		v := must[*RequestView](t)(a.Request(ctx, RequestShowRequest{ID: view.ID}))
		clocks := map[string]ClockView{}
		for _, c := range v.Clocks {
			clocks[c.Name] = c
			if c.Basis != desk.BasisPosting || c.Owner != "South" || !c.Met.IsZero() {
				t.Errorf("%s: a clock without a receipt: %+v", when, c)
			}
		}
		if k, ok := clocks[accord.StageReceipt]; !ok || k.Overdue != overdue {
			t.Errorf("%s: the clock of the receipt: %+v", when, clocks)
		}
		late := slices.ContainsFunc(saysOf(st), func(s string) bool {
			return strings.Contains(s, v.Short) && strings.Contains(s, "OVERDUE")
		})
		if late != overdue {
			t.Errorf("%s: officers are told %q", when, saysOf(st))
		}
	}
	check("at once", false)
	now := time.Now().AddDate(0, 0, 30)
	a.stop()
	a.clock = func() time.Time { return now }
	a.start()
	check("a month later, after a restart", true)
	rep := a.clears("Watch") // nobody is proved guilty of what nobody signed for
	if !slices.ContainsFunc(rep.Findings, func(f dossier.Finding) bool {
		return f.Weight == dossier.Open && f.Code == dossier.CodeNotMet && f.Party == r.self.party && strings.Contains(f.Text, "No receipt of the request is shown")
	}) {
		t.Errorf("the dossier: %+v", rep.Findings)
	}

	// One receipt of its own, and the clocks run from it.
	r.now = func() time.Time { return now }
	at := now.Add(-20 * 24 * time.Hour).UTC()
	body := journal.ReceiptBody{Origin: r.victimOrigin(), Size: told.Size, Root: told.Root}
	raw := r.entry(r.last, journal.KindReceipt, body, nil, func(m map[string]any) { m["at"] = at.Format("2006-01-02T15:04:05.000Z") })
	if got := r.say([]peer.Run{r.next(raw)}); len(got.codes()) > 0 {
		t.Fatalf("the receipt: %q", got.codes())
	}
	r.last = r.parse(raw)
	v := must[*RequestView](t)(a.Request(ctx, RequestShowRequest{ID: view.ID}))
	for _, c := range v.Clocks {
		switch {
		case c.Name == accord.StageReceipt && (c.Met.IsZero() || c.Basis != desk.BasisPosting):
			t.Errorf("the receipt is there: %+v", c)
		case c.Name == accord.StageAcknowledge && (c.Basis != desk.BasisReceipt || !c.Started.Equal(r.last.At) || !c.Overdue):
			t.Errorf("with a receipt: %+v", c)
		}
	}
	a.clears("Watch") // by its own clock, nothing is due yet
	// Its own later entry is what proves it.
	raw = r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["at"] = now.UTC().Format("2006-01-02T15:04:05.000Z") })
	if got := r.say([]peer.Run{r.next(raw)}); len(got.codes()) > 0 {
		t.Fatalf("%q", got.codes())
	}
	if rep := a.dossier("Watch"); !rep.OK || !proved(rep, dossier.CodeNotMet, r.self.party) {
		t.Errorf("the dossier (ok %v, %s): %+v", rep.OK, rep.Damage, rep.Findings)
	}
	a.lives(nil)
}

// TestHostileQuotaDatedAhead pins what the threat model says is not protected: who
// dates its entries ahead uses the quotas of days to come. It gains no more than those:
// each day's is used up once, and there is no way back to the days before.
func TestHostileQuotaDatedAhead(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, func(s string) string { return s + "\nquotas:\n  id: QT\n  requests_per_day: 2\n" }, a, b)
	r := takeOver(t, b, a)
	day := time.Now().UTC()
	if day.Hour() == 23 && day.Minute() > 55 {
		day = day.Add(10 * time.Minute) // not over midnight in the middle of a day's quota
	}
	question := must[[]byte](t)(json.Marshal(requestPayload{Title: "Who?", Text: "Who?"}))
	n := 0
	ask := func(at time.Time) (*Decision, answer) {
		n++
		body := requestBody{Bytes: int64(len(question))}
		body.To, body.Type, body.Urgency, body.TLP, body.Fields = a.keys().party, "information", "urgent", "amber", []string{"facts", "purpose", "subject"}
		p, ref := r.sealed(journal.PayloadRequest, append(slices.Clone(question), strings.Repeat(" ", n)...))
		raw := r.entry(r.last, "request.send", body, ref, func(m map[string]any) { m["at"] = at.Format("2006-01-02T15:04:05.000Z") })
		got := r.say([]peer.Run{r.next(raw)}, p)
		if len(got.codes()) > 0 {
			return nil, got
		}
		r.last = r.parse(raw)
		return r.entryAt(r.last.Index).Decision, got
	}
	for ahead := range 3 { // today, tomorrow, and the day after, all of it today
		var verdicts []string
		for range 3 {
			d, got := ask(day.AddDate(0, 0, ahead))
			if d == nil {
				t.Fatalf("%d days ahead: %q", ahead, got.codes())
			}
			verdicts = append(verdicts, d.Verdict+" "+d.Code+" "+d.Clause)
		}
		over := fmt.Sprintf("refuse %s QT", accord.CodeQuotaRequests)
		if strings.HasPrefix(verdicts[0], "allow") && strings.HasPrefix(verdicts[1], "allow") && verdicts[2] == over {
			continue
		}
		t.Errorf("%d days ahead: %q", ahead, verdicts)
	}
	if open := len(must[*RequestListResponse](t)(a.Requests(ctx, RequestListRequest{State: "all"})).Requests); open != 6 {
		t.Errorf("%d requests were opened; three days allow 6", open)
	}
	// The receipt of the receiver shows the difference to everybody, a stranger too.
	shown := must[*JournalShowResponse](t)(a.ShowJournal(ctx, JournalShowRequest{Unit: "Watch", Origin: string(r.victimOrigin())}))
	var signed time.Time
	for _, e := range shown.Entries {
		if x := must[*journal.Entry](t)(journal.ParseEntry(e.Entry)); x.Kind == journal.KindReceipt && x.Seen[r.origin].Size == r.last.Index+1 {
			signed = x.At
		}
	}
	if signed.IsZero() || !signed.Before(r.last.At.Add(-24*time.Hour)) {
		t.Errorf("written at %s by its author, signed for at %s", r.last.At, signed)
	}
	// The days before are gone: an entry of today is proof against its author.
	before := r.held()
	if _, got := ask(day); !slices.Contains(got.codes(), journal.CodeBackDated) {
		t.Errorf("back to today: %q", got.codes())
	}
	if r.held() != before || r.fault() != journal.CodeBackDated {
		t.Errorf("held %+v after %+v, fault %q", r.held(), before, r.fault())
	}
	a.convicts("Watch", r.self.party, journal.CodeBackDated, accord.CodeQuotaRequests)
}
