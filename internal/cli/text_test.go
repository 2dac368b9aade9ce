package cli

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"entente/internal/lang"
	"entente/internal/node"
)

func TestPartnerTextCannotDriveTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                "plain",
		"\x1b[31mred\x1b[0m":   `\x1b[31mred\x1b[0m`,
		"\u009b31m":            `\x9b31m`,
		"a\nb\rc\td":           `a\x0ab\x0dc\x09d`,
		"invoice\u202efdp.exe": `invoice\u202efdp.exe`,
		"\u2066x\u2069":        `\u2066x\u2069`,
		"\ufeff\u200b\u00ad":   `\ufeff\u200b\u00ad`,
		"line\u2028par\u2029":  `line\u2028par\u2029`,
		"\xff\xfe":             `\xff\xfe`,
		"\ufffd":               "\ufffd",
		"\U000e0041":           `\U000e0041`,
		"مرحبا 中文 é می\u200cخواهم \U0001F469\u200d\U0001F680": "مرحبا 中文 é می\u200cخواهم \U0001F469\u200d\U0001F680",
	} {
		if got := cleanLine(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzCleanLine(f *testing.F) {
	for _, s := range []string{"", "a\x1b]0;x\x07", "\u202e", "\xc3\x28", "中"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanLine(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q became %q, which is not UTF-8", s, got)
		}
		for _, r := range got {
			if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
				t.Fatalf("%q became %q, which holds %U", s, got, r)
			}
		}
		if cleanLine(got) != got {
			t.Fatalf("%q is cleaned differently the second time", s)
		}
	})
}

// TestRequestsInEachLanguage: what a request says in codes is printed in the reader's words, in columns that
// stand below each other also where letters are wide, and a text keeps its own with translations below.
func TestRequestsInEachLanguage(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 15, 0, 0, time.UTC)
	q := &node.RequestView{ID: "entente/ab#1", Short: "ab-1", Type: "subscriber", Urgency: "urgent", State: "needs-info", Title: "Кто?", Text: "Кому принадлежит?", Lang: "ru",
		Fields: map[string]string{"subject": "host", "our-own": "x"}, Next: []string{"info"},
		Translations: []node.TranslationView{{Party: "South", Lang: "fr", Kind: "machine", At: at, Title: "Qui ?", Text: "À qui\u202e ?"}, {Party: "North", Lang: "vi", Kind: "human", Authentic: true, At: at, Text: "Của ai?"}},
		Clocks:       []node.ClockView{{Name: "answer", Owner: "South", Clause: "R1", Basis: "posting", Started: at, Due: at, Overdue: true}, {Name: "acknowledge", Owner: "South", Clause: "R2", Basis: "receipt", Started: at, Due: at, Met: at}},
		Moves:        []node.MoveView{{Move: "refuse", Code: "overload", Party: "South", At: at, Refused: "wrong-state", Scores: map[string]int{"clarity": 3}}}}
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		p := &printer{now: at, c: c}
		writeRequest(p, q)
		for _, want := range []string{c.Code("state", "needs-info"), c.Code("type", "subscriber"), c.Code("urgency", "urgent"), c.Code("field", "subject") + ": host", "our-own: x", c.Code("stage", "answer"), c.Text("clock.overdue"),
			c.Code("basis", "posting"), c.Code("move", "refuse"), c.Code("refusal", "overload"), "(overload)", c.Code("desk", "wrong-state"), c.Code("score", "clarity"), c.Code("move", "info"), "(info)",
			"Кто?", "| Кому принадлежит?", c.Language("ru"), c.Code("translation", "machine"), ": Qui ?", `À qui\u202e ?`, c.Code("translation", "human"), c.Text("translation.authentic"), c.Text("translation.not-authentic"),
			c.Text("translation.original-authentic"), c.Time(at)} {
			if !strings.Contains(p.String(), want) {
				t.Errorf("%s: no %q in\n%s", tag, want, p)
			}
		}
		if strings.Index(p.String(), "Кому принадлежит?") > strings.Index(p.String(), "Qui ?") {
			t.Errorf("%s: a translation before the original", tag)
		}
		if strings.Contains(p.String(), "{") {
			t.Errorf("%s: a place that nothing was put in:\n%s", tag, p)
		}
		if text := nextClock(c, q.Clocks, at); !strings.Contains(text, c.Code("stage", "answer")) {
			t.Errorf("%s: %q", tag, text)
		}
	}
	for s, want := range map[string]int{"ab": 2, "中文": 4, "é": 1, "e\u0301": 1, "（a）": 5, "Đã gửi": 6, "": 0} {
		if got := columns(s); got != want {
			t.Errorf("%q is %d columns wide, want %d", s, got, want)
		}
	}
}

// TestWhyIsTold: a case says in each language when something was taken back, in which short word and with which words, and with
// which word it was closed.
func TestWhyIsTold(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 15, 0, 0, time.UTC)
	back := func(code, text string) *node.TakenBackView {
		return &node.TakenBackView{MarkView: node.MarkView{Party: "North", At: at}, Code: code, Text: text}
	}
	v := &node.CaseView{State: "closed", Claims: []node.ClaimView{{Class: "fact", Withdrawn: back("mistaken", "Our own scanner.\nNo more.")}}, Outcomes: []node.OutcomeView{{Outcome: "arrest", Withdrawn: back("too-early", "")}},
		Links: []node.LinkView{{Relation: "asked", Unlinked: back("", "Another case.")}},
		Line:  []node.LineView{{When: at, Of: "event", Code: "scan", Withdrawn: true, TakenBack: back("overload", "")}, {When: at, What: "case.close", Of: "case-move", Code: "close", Why: "settled"}}}
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		p := &printer{now: at, c: c}
		writeCase(p, v)
		when := c.Text("ui.taken-back-at", "at", c.Time(at))
		for _, want := range []string{
			c.Text("ui.done-because", "what", when, "why", "mistaken, Our own scanner. ..."), c.Text("ui.done-because", "what", when, "why", "too-early"), c.Text("ui.done-because", "what", when, "why", "Another case."),
			c.Text("ui.done-because", "what", when, "why", c.Code("refusal", "overload")), c.Text("ui.done-because", "what", node.LineText(c, &v.Line[1]), "why", "settled"),
		} {
			if !strings.Contains(p.String(), want) {
				t.Errorf("%s: no %q in\n%s", tag, want, p)
			}
		}
	}
}

// TestHarmedEvidenceIsTold: an exhibit says in each language how much of it is here, was read back, is missing and was changed,
// and what to do; one that is whole says none of it.
func TestHarmedEvidenceIsTold(t *testing.T) {
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		p := &printer{c: c}
		writeExhibit(p, &node.ExhibitView{Chunks: 9, Written: 8, Here: 5, ReadBack: 4, Missing: 2, Damaged: 1})
		for _, want := range []string{c.Text("ui.chunk-counts", "written", "8", "all", "9", "here", "5", "read", "4"), c.Text("ui.chunks-missing", "n", 2), c.Text("ui.chunks-damaged", "n", 1), "entente sync", "entente doctor"} {
			if !strings.Contains(p.String(), want) {
				t.Errorf("%s: no %q in\n%s", tag, want, p)
			}
		}
		p = &printer{c: c}
		if writeExhibit(p, &node.ExhibitView{Chunks: 8, Written: 8, Here: 8}); strings.Contains(p.String(), "entente sync") {
			t.Errorf("%s: of a whole one it says\n%s", tag, p)
		}
	}
}

// TestEverythingPrintedIsCleaned puts an escape sequence into every text of
// the answers that partners have a hand in.
func TestEverythingPrintedIsCleaned(t *testing.T) {
	bad := "x\x1b[2J\u202ey\nz"
	p := &printer{now: time.Now()}
	writeStatus(p, &node.StatusResponse{Name: bad, Attention: []node.Attention{{Code: bad, Unit: bad, Short: bad, Word: bad}, {Code: "held", Detail: bad, From: bad, To: bad}}, Pairings: []node.Pairing{{Partner: bad, Digits: bad, Name: bad, Code: bad, State: "failed"}},
		Units: []node.UnitBrief{{Name: bad, State: bad, Members: []node.MemberBrief{{Name: bad, Fault: bad, Party: bad}}}}})
	writeRequest(p, &node.RequestView{Title: bad, Text: bad, State: bad, From: bad, Fields: map[string]string{bad: bad}, Clocks: []node.ClockView{{Name: bad, Owner: bad, Clause: bad}},
		Moves: []node.MoveView{{Move: bad, Party: bad, By: node.Claim{Agency: bad, Role: bad}, Text: bad, Code: bad, Objects: []string{bad}, Scores: map[string]int{bad: 1}, Refused: bad}}, Next: []string{bad}})
	writeFound(p, &node.SearchResponse{Objects: []node.FoundObject{{ID: bad, TLP: bad, Provenance: []node.Provenance{{Source: bad, Ref: bad}}, Object: []byte(bad)}}, Next: bad})
	writeShared(p, &node.ShareResponse{Stopped: 1, Refused: []node.GatedObject{{ID: bad, TLP: bad, Decision: node.Decision{Reason: bad}}}})
	writeChanges(p, []node.Change{{Clause: bad, Path: bad, Before: bad, After: bad, Text: bad}, {Text: bad}})
	writeJournal(p, &node.JournalShowResponse{Name: bad, Entries: []node.JournalEntry{{Entry: []byte(`{"kind":"a\u001b[2J","at":"\u202e"}`), Void: bad}}}, false)
	writeState(p, []byte(`{"proposals":[{"hash":"\u001b","status":"\u202e","proposed":[{"party":"\u001b"}],"unsigned":["\u202e"],"reservations":[{"party":"\u001b","clauses":["\u202e"]}]}],"suspensions":[{"party":"\u001b","scope":["\u202e"],"code":"\u0007"}],"breaches":[{"kind":"\u001b","reason":"\u202e"}],"missing":["\u001b"],"problem":"\u202e"}`), nil)
	writeDecision(p, &node.Decision{Reason: bad, Obligations: []string{bad}})
	for _, r := range p.String() {
		if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Fatalf("printed %U in:\n%q", r, p.String())
		}
	}
	if strings.Contains(p.String(), "\nz") && !strings.Contains(p.String(), "| z") {
		t.Error("a line break of a partner's one-line text was printed")
	}
}

func TestRelativeTimes(t *testing.T) {
	at := time.Date(2026, 3, 9, 12, 0, 0, 0, time.FixedZone("", 2*3600))
	p := (&app{now: func() time.Time { return at.Add(-time.Hour) }, zoneWish: "Asia/Kolkata"}).printer()
	if got := p.at(at); got != "2026-03-09 15:30:00 +05:30" {
		t.Errorf("a time: %q", got)
	}
	if got := p.until(at); got != "2026-03-09 15:30:00 +05:30 (in 1 h)" {
		t.Errorf("a deadline: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
	if count(1, "entry") != "1 entry" || count(2, "entry") != "2 entries" || count(0, "object") != "0 objects" {
		t.Error("counting")
	}
}
