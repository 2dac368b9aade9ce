package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/exhibit"
	"entente/internal/lang"
	"entente/journal"
)

// refusedJoint wants a move to be refused with a code before anything is written.
func refusedJoint(t *testing.T, p *testParty, err error, code string, before journal.Head) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code && !strings.Contains(e.Why, "("+code+")") {
		t.Errorf("%v, want %s", err, code)
	}
	if p.units()[0].own.Head() != before {
		t.Errorf("%s was written", code)
	}
}

func lastRef(w *WriteResponse) string { return w.Refs[len(w.Refs)-1] }

// TestCaseAtBothEnds: a case, what one side claims and the other answers, what came of it, and a promise that came out of it.
func TestCaseAtBothEnds(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	q, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who runs it?", Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	id := lastRef(must[*WriteResponse](t)(a.OpenCase(ctx, CaseOpenRequest{Title: "Register broken into", Text: "Since \u202egnidnufrom Monday.\x1b[2J", TLP: "green"})))
	move := func(p *testParty, r CaseMoveRequest) string {
		t.Helper()
		r.ID = id
		return lastRef(must[*WriteResponse](t)(p.MoveCase(ctx, r)))
	}
	link := move(a, CaseMoveRequest{Move: "link", Target: q.Short, Relation: "asked"})
	happened := time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second)
	move(a, CaseMoveRequest{Move: "event", Event: "intrusion", Happened: happened, Precision: "hour", Text: "First login"})
	claim := move(a, CaseMoveRequest{Move: "claim", Class: "attribution", Confidence: "moderate", Concerns: b.init.Name, Evidence: []string{q.ID}, Text: "From your territory."})
	head := a.units()[0].own.Head()
	for _, x := range []struct {
		r    CaseMoveRequest
		code string
	}{
		{CaseMoveRequest{Move: "reply", Claim: claim, Text: "for them"}, "not-yours"},
		{CaseMoveRequest{Move: "link", Target: a.units()[0].origin().Short() + "-99999", Relation: "x"}, "unknown-reference"},
		{CaseMoveRequest{Move: "event", Event: "x", Happened: time.Now().Add(time.Hour)}, "bad-date"},
		{CaseMoveRequest{Move: "claim", Class: "rumour"}, "bad-body"},
		{CaseMoveRequest{Move: "claim", Class: "denial", About: claim}, "wrong-side"},
		{CaseMoveRequest{Move: "levitate"}, "unknown-move"},
		{CaseMoveRequest{Move: "event", Event: "x", Happened: happened, Text: strings.Repeat("x", 10<<20)}, CodeBadInput},
		{CaseMoveRequest{Move: "link", Target: "nowhere", Relation: "x"}, CodeBadInput},
	} {
		x.r.ID = id
		_, err := a.MoveCase(ctx, x.r)
		refusedJoint(t, a, err, x.code, head)
	}
	dry := must[*WriteResponse](t)(a.MoveCase(ctx, CaseMoveRequest{ID: id, Move: "outcome", Outcome: "arrest", DryRun: true}))
	if !dry.DryRun || len(dry.Refs) != 0 || a.units()[0].own.Head() != head {
		t.Errorf("dry run: %+v", dry)
	}
	a.reaches(b)
	seen := must[*CaseView](t)(b.Case(ctx, JointShowRequest{ID: id}))
	if len(seen.OpenReplies) != 1 || seen.OpenReplies[0].Received.IsZero() || seen.Claims[0].Answered || seen.Claims[0].Concerns != b.init.Name {
		t.Errorf("open replies there: %+v", seen.OpenReplies)
	}
	move(b, CaseMoveRequest{Move: "reply", Claim: claim, Text: "A rented host."})
	move(b, CaseMoveRequest{Move: "claim", Class: "denial", About: claim, Text: "Not us."})
	move(b, CaseMoveRequest{Move: "outcome", Outcome: "victim-notified"})
	move(b, CaseMoveRequest{Move: "close"})
	made := lastRef(must[*WriteResponse](t)(b.MakeCommitment(ctx, CommitmentMakeRequest{Title: "We punish whoever intrudes from our territory", Case: id, Due: time.Now().Add(72 * time.Hour)})))
	b.reaches(a)
	tells := func(r DossierExportRequest, words ...string) {
		t.Helper()
		r.Payloads = true
		var file bytes.Buffer
		if err := a.ExportDossier(ctx, r, &file); err != nil {
			t.Fatal(err)
		}
		rep := must[*DossierReport](t)(VerifyDossierForPage(bytes.NewReader(file.Bytes()), nil))
		for _, w := range []string{"Who runs it?", "Register broken into", "A rented host.", "We punish whoever intrudes from our territory", "Of nothing else"} {
			in := slices.ContainsFunc(rep.Words, func(x dossier.Words) bool { return x.Title == w || x.Text == w })
			if in != slices.Contains(words, w) || in != bytes.Contains(file.Bytes(), []byte(w)) {
				t.Errorf("a dossier about %+v: %q is there: %v", r, w, in)
			}
		}
	}
	must[*WriteResponse](t)(a.OpenCase(ctx, CaseOpenRequest{Title: "Of nothing else"}))
	tells(DossierExportRequest{Request: q.ID}, "Who runs it?", "Register broken into", "A rented host.")
	tells(DossierExportRequest{Case: id}, "Who runs it?", "Register broken into", "A rented host.", "We punish whoever intrudes from our territory")
	tells(DossierExportRequest{From: time.Now().Add(-time.Hour), Page: true}, "Who runs it?", "Register broken into", "A rented host.", "We punish whoever intrudes from our territory", "Of nothing else")
	tells(DossierExportRequest{To: time.Now().Add(-time.Hour), Page: true})
	if err := a.ExportDossier(ctx, DossierExportRequest{From: time.Now(), To: time.Now().Add(-time.Hour)}, io.Discard); codeOf(err) != CodeBadInput {
		t.Errorf("a period that ends before it begins: %v", err)
	}
	preview := must[*DossierReport](t)(a.PreviewDossier(ctx, DossierExportRequest{Payloads: true, Request: q.ID}))
	if !preview.OK || len(preview.About) != 1 || !slices.ContainsFunc(preview.Words, func(x dossier.Words) bool { return x.Title == "Who runs it?" }) {
		t.Errorf("a preview: %v, about %v, %d texts", preview.OK, preview.About, len(preview.Words))
	}
	if _, err := a.PreviewDossier(ctx, DossierExportRequest{Request: "none"}); codeOf(err) != CodeNotFound {
		t.Errorf("a preview of what is not here: %v", err)
	}
	if err := a.ExportDossier(ctx, DossierExportRequest{Request: q.ID, Case: id}, io.Discard); codeOf(err) != CodeBadInput {
		t.Errorf("a dossier about two things: %v", err)
	}
	move(a, CaseMoveRequest{Move: "unlink", Entry: link, Code: "wrong-case"})
	mistaken := move(a, CaseMoveRequest{Move: "event", Event: "scan", Happened: happened.Add(time.Hour), Text: "A scan"})
	move(a, CaseMoveRequest{Move: "withdraw", Entry: mistaken, Code: "mistaken", Text: "It was our own scanner."})
	tells(DossierExportRequest{Request: q.ID}, "Who runs it?")
	move(a, CaseMoveRequest{Move: "close", Code: "settled"})
	must[*WriteResponse](t)(a.MoveCommitment(ctx, CommitmentMoveRequest{ID: made, Move: "view", Status: "broken"}))
	must[*WriteResponse](t)(a.MoveCommitment(ctx, CommitmentMoveRequest{ID: made, Move: "decline", Code: "too-late"}))
	_, err = a.MoveCommitment(ctx, CommitmentMoveRequest{ID: made, Move: "amend", Due: time.Now().Add(time.Hour)})
	refusedJoint(t, a, err, "wrong-side", a.units()[0].own.Head())
	a.reaches(b)
	must[*WriteResponse](t)(b.MoveCommitment(ctx, CommitmentMoveRequest{ID: made, Move: "report", Status: "on-track"}))
	b.reaches(a)
	sameState(t, a, b)
	for _, p := range []*testParty{a, b} {
		v := must[*CaseView](t)(p.Case(ctx, JointShowRequest{ID: id}))
		if v.State != "closed" || len(v.OpenReplies) != 0 || !v.Claims[0].Answered || len(v.Claims[0].Denials) != 1 || v.Claims[0].Replies[0].Text != "A rented host." || v.Links[0].Unlinked == nil {
			t.Errorf("%s: %+v", p.init.Name, v)
		}
		if !v.Line[0].When.Equal(happened) || v.Line[0].What != "case.event" || v.Line[0].Code != "intrusion" || !slices.ContainsFunc(v.Line, func(x LineView) bool { return x.What == "request.send" && x.Withdrawn }) {
			t.Errorf("time line: %+v", v.Line)
		}
		// Why something was taken back, and why a case was closed, is told to both: the word and the words.
		if u := v.Links[0].Unlinked; u.Code != "wrong-case" || u.Party != a.init.Name || u.Text != "" {
			t.Errorf("untied: %+v", u)
		}
		if !slices.ContainsFunc(v.Line, func(x LineView) bool {
			return x.Ref == mistaken && x.Withdrawn && x.TakenBack != nil && x.TakenBack.Code == "mistaken" && x.TakenBack.Text == "It was our own scanner."
		}) || !slices.ContainsFunc(v.Line, func(x LineView) bool { return x.What == "case.close" && x.Why == "settled" }) {
			t.Errorf("the reasons on the time line: %+v", v.Line)
		}
		var file, page bytes.Buffer
		if err := p.ExportDossier(ctx, DossierExportRequest{Case: id, Payloads: true}, &file); err != nil {
			t.Fatal(err)
		}
		if err := must[*DossierReport](t)(VerifyDossierForPage(bytes.NewReader(file.Bytes()), nil)).WritePage(&page, lang.English()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"mistaken", "It was our own scanner.", "wrong-case", "settled"} {
			if !strings.Contains(page.String(), want) {
				t.Errorf("the page of the dossier does not say %q", want)
			}
		}
		list := must[*CommitmentListResponse](t)(p.Commitments(ctx, JointListRequest{}))
		if c := list.Commitments[0]; len(list.Commitments) != 1 || !c.DueSoon || !c.Differing || c.Report != "on-track" || !c.Views[0].Differs || c.Answers[0].Accepted || c.Case != id {
			t.Errorf("%s: %+v", p.init.Name, list)
		}
		if got := must[*CaseListResponse](t)(p.Cases(ctx, JointListRequest{})); len(got.Cases) != 1 || got.Cases[0].ID == id {
			t.Errorf("closed cases are listed as open: %+v", got)
		}
	}
}

// TestTimeLineHoldsAllThatIsTied: requests with what came of them, calls, shares, exhibits, statements, leaks and commitments stand on
// the time line of a case in the order in which their authors knew of each other, though one clock is behind; the same at both.
func TestTimeLineHoldsAllThatIsTied(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	b.stop()
	b.clock = func() time.Time { return time.Now().Add(-20 * time.Second) }
	b.start()
	q, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who runs it?", Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	id := lastRef(must[*WriteResponse](t)(a.OpenCase(ctx, CaseOpenRequest{Title: "Register broken into"})))
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "one"}, bytes.NewReader(bundleText(indicatorText(1, "h1.example", tlpClear))), nil))
	share := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{Source: "one"}, nil)).FirstRef()
	tie := func(entry string) {
		t.Helper()
		must[*WriteResponse](t)(a.MoveCase(ctx, CaseMoveRequest{ID: id, Move: "link", Target: entry, Relation: "part"}))
	}
	call := lastRef(must[*WriteResponse](t)(a.Call(ctx, HotlineCallRequest{Text: "Look at it."})))
	said := lastRef(must[*WriteResponse](t)(a.ProposeStatement(ctx, StatementProposeRequest{Texts: []StatementTextRequest{{Lang: "en", Text: "We agree.", Authentic: true}}})))
	leak := lastRef(must[*WriteResponse](t)(a.ReportLeak(ctx, LeakReportRequest{About: q.ID, Found: time.Now().Add(-time.Minute)})))
	for _, entry := range []string{q.ID, share, call, said, leak} {
		tie(entry)
	}
	fsys, m, text := evidenceOf(t, 3)
	x := must[*ExhibitAddResponse](t)(a.AddExhibit(ctx, ExhibitAddRequest{About: id}, bytes.NewReader(text), nil))
	must[*ExhibitAddResponse](t)(a.ExhibitContent(ctx, ExhibitContentRequest{ID: x.Exhibit.ID}, exhibit.Content(fsys, m, 0), nil))
	a.reaches(b)
	must[*WriteResponse](t)(b.MoveCall(ctx, HotlineMoveRequest{ID: call, Move: "acknowledge"}))
	must[*WriteResponse](t)(b.MoveRequest(ctx, RequestMoveRequest{ID: q.ID, Move: "acknowledge"}))
	must[*WriteResponse](t)(b.MoveStatement(ctx, StatementMoveRequest{ID: said, Move: "sign"}))
	must[*WriteResponse](t)(b.MoveLeak(ctx, LeakMoveRequest{ID: leak, Move: "answer", Answer: "deny"}))
	must[*WriteResponse](t)(b.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: x.Exhibit.ID, Act: "received"}, nil))
	must[*WriteResponse](t)(b.MakeCommitment(ctx, CommitmentMakeRequest{Title: "It is taken down", Case: id}))
	b.reaches(a)
	var lines [][]LineView
	for _, p := range []*testParty{a, b} {
		lines = append(lines, must[*CaseView](t)(p.Case(ctx, JointShowRequest{ID: id})).Line)
	}
	if !reflect.DeepEqual(lines[0], lines[1]) {
		t.Errorf("two time lines: %+v and %+v", lines[0], lines[1])
	}
	where := map[string]int{}
	for i, x := range lines[0] {
		where[x.What] = i
		if x.Of == "custody" {
			where[x.What+" "+x.Code] = i
		}
	}
	for _, pair := range [][2]string{{"request.send", "request.acknowledge"}, {"hotline.call", "hotline.acknowledge"}, {"statement.propose", "statement.sign"}, {"leak.report", "leak.answer"},
		{"exhibit.add", "exhibit.complete"}, {"exhibit.complete", "exhibit.custody received"}, {"case.open", "commitment.make"}, {"share", "commitment.make"}} {
		first, ok := where[pair[0]]
		then, also := where[pair[1]]
		if !ok || !also || first >= then {
			t.Errorf("%q stands at %d (%v), %q at %d (%v)", pair[0], first, ok, pair[1], then, also)
		}
	}
	if _, ok := where["exhibit.chunk"]; ok {
		t.Error("the pieces of an exhibit fill the time line")
	}
}

// TestStatementAtBothEnds: it counts with both signatures only, is not let out before its time, and its file verifies by itself.
// What was found in public is on record with who had it.
func TestStatementAtBothEnds(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	var later atomic.Int64 // nanoseconds
	now := time.Now().UTC().Truncate(time.Second)
	for _, p := range []*testParty{a, b} {
		p.stop()
		p.clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		p.start()
	}
	words := "We have agreed.\n"
	_, err := a.ProposeStatement(ctx, StatementProposeRequest{Texts: []StatementTextRequest{{Lang: "en", Text: words}}})
	refusedJoint(t, a, err, CodeBadInput, a.units()[0].own.Head()) // none is authentic
	_, err = a.ProposeStatement(ctx, StatementProposeRequest{Texts: []StatementTextRequest{{Lang: "en", Text: strings.Repeat("x", 10<<20), Authentic: true}}})
	refusedJoint(t, a, err, CodeBadInput, a.units()[0].own.Head())
	embargo := now.Add(2 * time.Hour).In(time.FixedZone("", 7*3600))
	id := lastRef(must[*WriteResponse](t)(a.ProposeStatement(ctx, StatementProposeRequest{Embargo: embargo, TLP: "clear",
		Texts: []StatementTextRequest{{Lang: "vi", Text: "Chúng tôi đã đồng ý.\n"}, {Lang: "EN", Text: words, Authentic: true}}})))
	must[*WriteResponse](t)(a.MoveStatement(ctx, StatementMoveRequest{ID: id, Move: "sign"}))
	a.reaches(b)
	_, err = b.MoveStatement(ctx, StatementMoveRequest{ID: id, Move: "sign", SHA256: strings.Repeat("0", 64)})
	refusedJoint(t, b, err, "text-mismatch", b.units()[0].own.Head())
	_, err = b.MoveStatement(ctx, StatementMoveRequest{ID: id, Move: "retract"})
	refusedJoint(t, b, err, "not-yours", b.units()[0].own.Head())
	var file bytes.Buffer
	refusedJoint(t, b, b.ExportStatement(ctx, StatementExportRequest{ID: id}, &file), "not-complete", b.units()[0].own.Head())
	must[*WriteResponse](t)(b.MoveStatement(ctx, StatementMoveRequest{ID: id, Move: "sign"}))
	b.reaches(a)
	sameState(t, a, b)
	refusedJoint(t, a, a.ExportStatement(ctx, StatementExportRequest{ID: id}, &file), "embargo", a.units()[0].own.Head())
	if file.Len() != 0 {
		t.Fatal("something was written under embargo")
	}
	for _, early := range []bool{true, false} {
		if !early {
			later.Store(int64(3 * time.Hour))
		}
		for _, p := range []*testParty{a, b} {
			file.Reset()
			if err := p.ExportStatement(ctx, StatementExportRequest{ID: id, Embargoed: early}, &file); err != nil {
				t.Fatal(err)
			}
			rep := must[*StatementReport](t)(VerifyStatement(bytes.NewReader(file.Bytes()), []string{a.init.Party, b.init.Party}))
			if !rep.OK || !rep.Trusted || rep.Embargoed != early || !rep.Embargo.Equal(embargo) || len(rep.Signed) != 2 || rep.Texts[0].Text != words || !rep.Texts[0].Authentic {
				t.Fatalf("%s: %+v\n%+v", p.init.Name, rep, rep.StatementReport)
			}
		}
	}
	stranger := strings.Repeat("f", 64)
	if rep := must[*StatementReport](t)(VerifyStatement(bytes.NewReader(file.Bytes()), []string{stranger})); rep.OK || rep.Trusted || !strings.Contains(rep.Damage, stranger) {
		t.Errorf("a stranger is trusted: %+v", rep)
	}
	for _, text := range []string{words, "We have agreed."} {
		if c := must[*StatementCompareResponse](t)(b.CompareStatement(ctx, StatementCompareRequest{ID: id, Text: text})); c.Same != (text == words) || c.Same && (c.Lang != "en" || !c.Authentic) || c.Embargoed || !c.Counts {
			t.Errorf("%q: %+v", text, c)
		}
	}

	leak := lastRef(must[*WriteResponse](t)(b.ReportLeak(ctx, LeakReportRequest{About: id, Found: now, Where: "a newspaper", Noticed: "press office"})))
	b.reaches(a)
	must[*WriteResponse](t)(a.MoveLeak(ctx, LeakMoveRequest{ID: leak, Move: "answer", Answer: "deny", Text: "Not us."}))
	_, err = a.MoveLeak(ctx, LeakMoveRequest{ID: leak, Move: "withdraw"})
	refusedJoint(t, a, err, "not-yours", a.units()[0].own.Head())
	a.reaches(b)
	v := must[*LeakView](t)(b.Leak(ctx, JointShowRequest{}))
	if v.Where != "a newspaper" || len(v.Answers) != 1 || v.Answers[0].Answer != "deny" || len(v.Holders) != 2 || len(v.Unanswered) != 0 || v.Kind != "statement.propose" {
		t.Errorf("%+v", v)
	}
	sameState(t, a, b)
	brokenStatements(t, file.Bytes())
}

// brokenStatements: what is changed in a statement's file does not verify. The tests of the format try far more.
func brokenStatements(t *testing.T, file []byte) {
	t.Helper()
	for i := 0; i < len(file); i += 1 + len(file)/13 {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		rep, err := dossier.VerifyStatement(bytes.NewReader(bad), dossier.Options{})
		var d *dossier.Damage
		// The times of the file itself are claims of whoever made it: nobody signed them.
		at := bytes.Index(file, []byte(`"exported":"`))
		if i >= at && i < at+len(`"exported":"2026-01-01T00:00:00Z"`) && err == nil {
			continue
		}
		if !errors.As(err, &d) || rep != nil {
			t.Fatalf("byte %d of %d changed: %v", i, len(file), err)
		}
	}
	for _, bad := range [][]byte{nil, file[:len(file)-1], append(bytes.Clone(file), '\n'), append([]byte("x"), file...)} {
		if _, err := dossier.VerifyStatement(bytes.NewReader(bad), dossier.Options{}); err == nil {
			t.Errorf("a file of %d bytes instead of %d verifies", len(bad), len(file))
		}
	}
}

// TestHostileWords: words of a partner that are too many, or none at all, are not shown as if they were.
func TestHostileWords(t *testing.T) {
	a := newParty(t, "North")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	l := a.units()[0]
	// Each character as an escape of six bytes, and so mixed that it is no bomb: nothing that is allowed is longer.
	var escaped, words strings.Builder
	letters := rand.New(rand.NewPCG(1, 2))
	for range maxText {
		c := 'a' + letters.IntN(26)
		fmt.Fprintf(&escaped, `\u%04x`, c)
		words.WriteByte(byte(c))
	}
	longest := `{"text":"` + escaped.String() + `"}`
	pad := func(n int) string { return longest + strings.Repeat(" ", n-len(longest)) }
	for name, c := range map[string]struct{ plain, want string }{
		"as long as allowed":       {`{"text":"` + strings.Repeat("x", maxText) + `"}`, strings.Repeat("x", maxText)},
		"a character too long":     {`{"text":"` + strings.Repeat("x", maxText+1) + `"}`, AbsentTooLong},
		"a title that is too long": {`{"title":"` + strings.Repeat("x", maxTitle+1) + `","text":"x"}`, AbsentTooLong},
		"10 MB":                    {`{"text":"` + strings.Repeat("x", 10<<20) + `"}`, AbsentUnreadable},
		"at the bound":             {pad(maxJointPayload), words.String()},
		"beyond the bound":         {pad(maxJointPayload + 1), AbsentUnreadable},
		"no JSON":                  {`text`, AbsentUnreadable},
		"no text":                  {`{"text":5}`, AbsentUnreadable},
	} {
		l.mu.Lock()
		ref, err := l.seal(journal.PayloadText, []byte(c.plain))
		if err != nil {
			t.Fatal(err)
		}
		p, got := l.payloadOf(&desk.Said{Payload: ref})
		if got == "" {
			got = p.Text
		} else if p != (jointPayload{}) {
			t.Errorf("%s: %+v is shown all the same", name, p)
		}
		none, held := l.payloadOf(&desk.Said{Payload: ref, Held: true})
		l.mu.Unlock()
		if got != c.want || held != AbsentHeld || none != (jointPayload{}) {
			t.Errorf("%s: %.80q, held %.80q", name, got, held)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, got := l.payloadOf(&desk.Said{Payload: &journal.PayloadRef{}}); got != AbsentNotHere {
		t.Errorf("a payload that is not here: %q", got)
	}
}
