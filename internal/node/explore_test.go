package node

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"entente/internal/lang"
	"entente/journal"
)

// toldBoth is a request with an answer and a share, known at both ends.
func toldBoth(t *testing.T) (a, b *testParty, request string) {
	t.Helper()
	ctx := t.Context()
	a, b = twoInForce(t, nil)
	q, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", To: "South", Title: "Who runs it?", Text: "Tell us.", TLP: "clear", Urgency: "routine", Fields: map[string]string{"subject": "198.51.100.7", "purpose": "containment"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	moves(t, b, a, q.ID, RequestMoveRequest{Move: "acknowledge"})
	a.load(indicatorText(1, "h1.example", tlpClear))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{Source: "x"}, nil))
	a.reaches(b)
	b.reaches(a)
	return a, b, q.ID
}

// TestJournalsSideBySide: entries of both come in causal order, receipts with them; filters keep what they say; pages
// put together are the whole; what belongs to a request is found.
func TestJournalsSideBySide(t *testing.T) {
	a, b, request := toldBoth(t)
	ctx := t.Context()
	for _, p := range []*testParty{a, b} {
		all := must[*JournalSidesResponse](t)(p.JournalSides(ctx, JournalSidesRequest{Limit: maxSides}))
		want := int64(0)
		for _, j := range all.Journals {
			want += j.Size
		}
		var flat []SideEntry
		for _, r := range all.Rows {
			flat = append(flat, r.Entries...)
		}
		if int64(len(flat)) != want || all.Next != "" || len(all.Journals) != 2 || !all.Journals[0].Self {
			t.Fatalf("%d of %d entries, next %q", len(flat), want, all.Next)
		}
		together := slices.ContainsFunc(all.Rows, func(r SideRow) bool { return len(r.Entries) == 2 })
		if !together {
			t.Error("no row has entries that have not seen each other, and both genesis entries have not")
		}
		i := slices.IndexFunc(flat, func(e SideEntry) bool { return e.Kind == "share" })
		if i < 0 || flat[i].Payload != "held" || flat[i].Name != "North" || flat[i].Decision == nil || flat[i].Decision.Verdict != "allow" || len(flat[i].Receipts) != 1 || flat[i].Receipts[0].Name != "South" || flat[i].Receipts[0].Missing {
			t.Fatalf("the share: %+v", flat[max(i, 0)])
		}
		var paged []string
		for next := ""; ; {
			page := must[*JournalSidesResponse](t)(p.JournalSides(ctx, JournalSidesRequest{Limit: 3, Next: next}))
			for _, r := range page.Rows {
				for _, e := range r.Entries {
					paged = append(paged, e.Ref)
				}
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if !slices.EqualFunc(paged, flat, func(ref string, e SideEntry) bool { return ref == e.Ref }) {
			t.Error("pages are not the whole")
		}
	}
	for name, x := range map[string]struct {
		r    JournalSidesRequest
		want func(SideEntry) bool
		some int
	}{
		"kind":    {JournalSidesRequest{Kind: "share"}, func(e SideEntry) bool { return e.Kind == "share" }, 1},
		"family":  {JournalSidesRequest{Kind: "request.*"}, func(e SideEntry) bool { return strings.HasPrefix(e.Kind, "request.") }, 2},
		"without": {JournalSidesRequest{Kind: "-receipt"}, func(e SideEntry) bool { return e.Kind != "receipt" }, 6},
		"author":  {JournalSidesRequest{Author: "South"}, func(e SideEntry) bool { return e.Name == "South" }, 3},
		"about":   {JournalSidesRequest{About: request}, func(e SideEntry) bool { return strings.HasPrefix(e.Kind, "request.") }, 2},
		"future":  {JournalSidesRequest{From: a.now().AddDate(1, 0, 0)}, func(SideEntry) bool { return false }, 0},
		"past":    {JournalSidesRequest{To: a.now().AddDate(-1, 0, 0)}, func(SideEntry) bool { return false }, 0},
	} {
		res := must[*JournalSidesResponse](t)(a.JournalSides(ctx, x.r))
		n := 0
		for _, r := range res.Rows {
			for _, e := range r.Entries {
				if n++; !x.want(e) {
					t.Errorf("%s: %s of %s", name, e.Kind, e.Name)
				}
			}
		}
		if n < x.some || x.some == 0 && n > 0 {
			t.Errorf("%s: %d entries", name, n)
		}
	}
	for _, bad := range []string{"x", "3f:1", strings.Repeat("0", 64) + ":-1", strings.Repeat(",", 300), strings.Repeat("0", 64)} {
		if _, err := a.JournalSides(ctx, JournalSidesRequest{Next: bad}); err == nil {
			t.Errorf("%.20q is a place", bad)
		}
	}
}

// stepOf is the first step of a code.
func stepOf(r *JournalCheckResponse, code string) *CheckStep {
	for i := range r.Steps {
		if r.Steps[i].Code == code {
			return &r.Steps[i]
		}
	}
	return nil
}

// TestCheckEntry: what is verified of an entry is said step by step, at both ends; content that changed on the disk is told;
// the file verifies by itself, and no byte of it can change.
func TestCheckEntry(t *testing.T) {
	a, b, request := toldBoth(t)
	ctx := t.Context()
	for _, p := range []*testParty{a, b} {
		res := must[*JournalCheckResponse](t)(p.CheckEntry(ctx, JournalCheckRequest{Ref: request}))
		for _, code := range []string{StepBytes, StepPlace, StepPath, StepEd25519, StepMLDSA44, StepCertificate, StepReceipt, StepReceiptPath, StepReceiptHead, StepHeld} {
			if s := stepOf(res, code); s == nil || s.State != stepGood {
				t.Errorf("%s: %s is %+v", p.init.Name, code, s)
			}
		}
		if !res.Whole || res.Family != "request" || res.Thread != request || res.Kind != "request.send" || len(res.Keys) != 2 {
			t.Errorf("%s: %+v", p.init.Name, res)
		}
		basis := StepSelf
		if p == b {
			basis = StepPaired
		}
		if stepOf(res, basis) == nil {
			t.Errorf("%s: on what the identity rests is not said: %+v", p.init.Name, res.Steps)
		}
		if handed := stepOf(res, StepHandedOver) != nil; handed != (p == a) {
			t.Errorf("%s: handing over is said: %v", p.init.Name, handed)
		}
	}
	// The newest entry is receipted by nobody yet.
	w := must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{Scope: []string{"all"}}))
	late := must[*JournalCheckResponse](t)(a.CheckEntry(ctx, JournalCheckRequest{Ref: w.Refs[0]}))
	if s := stepOf(late, StepReceiptNone); s == nil || s.State != stepWait || !late.Whole {
		t.Errorf("a receipt that has not come: %+v", late.Steps)
	}
	if s := stepOf(must[*JournalCheckResponse](t)(a.CheckEntry(ctx, JournalCheckRequest{Ref: request})), StepWithheld); s == nil || s.Decision == nil || s.Decision.Verdict == "allow" {
		t.Errorf("content during a suspension is not withheld: %+v", s)
	}

	var file bytes.Buffer
	if err := b.ExportEntry(ctx, JournalFileRequest{Ref: request}, &file); err != nil {
		t.Fatal(err)
	}
	rep := must[*EntryReport](t)(VerifyEntry(bytes.NewReader(file.Bytes()), []string{a.init.Party, b.init.Party}))
	if !rep.OK || !rep.Trusted || rep.Entry.String() != request || len(rep.Receipts) != 1 || rep.Receipts[0].Party != journal.PartyID(b.init.Party) || rep.Author.Name != "North" {
		t.Fatalf("%+v", rep)
	}
	if text := rep.Text(lang.English()); !strings.Contains(text, "Receipted by:\n  South") || !strings.Contains(text, request) {
		t.Error(text)
	}
	if rep := must[*EntryReport](t)(VerifyEntry(bytes.NewReader(file.Bytes()), []string{strings.Repeat("0", 64)})); rep.OK {
		t.Error("a party that the file does not name is trusted")
	}
	for i := 0; i < file.Len(); i += 1 + file.Len()/60 {
		changed := slices.Clone(file.Bytes())
		changed[i] ^= 1
		if rep, err := VerifyEntry(bytes.NewReader(changed), nil); err == nil && rep.OK && !bytes.Contains(file.Bytes()[max(0, i-40):i+1], []byte(`"exported":"`)) {
			t.Errorf("byte %d of the file can change", i)
		}
	}
}

// TestAForkIsShown: a partner that signed two histories is shown with both heads, which contradict each other.
func TestAForkIsShown(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	r.forks()
	ctx := t.Context()
	res := must[*ProofListResponse](t)(a.Proofs(ctx, ProofListRequest{Unit: "Watch"}))
	if len(res.Proofs) != 1 {
		t.Fatalf("%+v", res)
	}
	p := res.Proofs[0]
	if p.Code != journal.CodeFork || !p.Holds || p.Name != "South" || len(p.Heads) != 2 || p.Heads[0].Root == p.Heads[1].Root || p.Heads[0].Size != p.Heads[1].Size || p.Upto != p.Heads[0].Size || p.Heads[0].Held == p.Heads[1].Held || p.Told == "" {
		t.Fatalf("%+v", p)
	}
	sides := must[*JournalSidesResponse](t)(a.JournalSides(ctx, JournalSidesRequest{Unit: "Watch"}))
	if sides.Lies != 1 || !slices.ContainsFunc(sides.Journals, func(j SideJournal) bool { return j.Name == "South" && j.Fault == journal.CodeFork }) {
		t.Errorf("%+v", sides.Journals)
	}
	if none := must[*ProofListResponse](t)(a.Proofs(ctx, ProofListRequest{Unit: "Watch", Origin: "North"})); len(none.Proofs) != 0 {
		t.Errorf("of another journal: %+v", none)
	}
	// The entry that tells the others is one that can be looked at.
	if told := must[*JournalCheckResponse](t)(a.CheckEntry(ctx, JournalCheckRequest{Unit: "Watch", Ref: p.Told})); told.Kind != journal.KindEvidence || !told.Whole {
		t.Errorf("%+v", told)
	}
}
