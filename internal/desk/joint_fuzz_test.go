package desk_test

import (
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// FuzzJointBodies: no body makes a parser or a machine panic, a machine judges what its parser lets through, and what is refused
// has a code and changes nothing.
func FuzzJointBodies(f *testing.F) {
	ref := `{"origin":"entente/` + strings.Repeat("1", 64) + `","index":1}`
	for _, s := range []string{`link {"case":` + ref + `,"object":"a--b","relation":"x"}`, `claim {"case":` + ref + `,"class":"attribution","confidence":"low","concerns":"` + string(south) + `"}`,
		`reply {"case":` + ref + `,"claim":` + ref + `}`, `event {"case":` + ref + `,"event":"x","happened":"2026-03-01T00:00:00Z"}`, `close {"case":` + ref + `}`, `withdraw {"case":` + ref + `,"entry":` + ref + `}`,
		`report {"commitment":` + ref + `,"status":"done"}`, `amend {"commitment":` + ref + `,"due":"2027-01-01T00:00:00+07:00"}`, `release {"commitment":` + ref + `}`,
		`sign {"statement":` + ref + `,"sha256":"` + sum + `"}`, `retract {"statement":` + ref + `}`, `decline {"statement":` + ref + `,"code":"x"}`,
		`propose {"sha256":"` + sum + `","texts":[{"lang":"en","sha256":"` + sum + `","authentic":true}]}`, `answer {"leak":` + ref + `,"answer":"own"}`, "x \xff", `open null`, `open {"tlp":"\u202e"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		move, body, _ := strings.Cut(s, " ")
		members := []journal.PartyID{north, south}
		opened := func(name string) journal.Ref { return journal.Ref{Origin: originOf(north), Index: 1} }
		if b, err := desk.ParseCase(move, []byte(body)); err == nil {
			open := desk.CaseMove{Ref: opened("case"), Name: desk.CaseOpen, Party: north, At: start, Members: members}
			c, err := desk.NewCase(open)
			if err != nil {
				t.Fatal(err)
			}
			played(t, c, desk.CaseMove{Ref: ref2(south), Name: move, Party: south, At: start.Add(time.Hour), Body: b, Members: members}, func() int { return len(c.Illegal) })
			c.Overlay(start.AddDate(1, 0, 0), nobody)
		}
		if b, err := desk.ParseCommitment(move, []byte(body)); err == nil {
			c, err := desk.NewCommitment(desk.CommitmentMove{Ref: opened("commitment"), Name: desk.CommitMake, Party: north, At: start, Members: members})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range members {
				played(t, c, desk.CommitmentMove{Ref: ref2(p), Name: move, Party: p, At: start.Add(time.Hour), Body: b, Members: members}, func() int { return len(c.Illegal) })
			}
			c.Overlay(start.AddDate(1, 0, 0))
		}
		if b, err := desk.ParseStatement(move, []byte(body)); err == nil {
			if move == desk.StatementPropose {
				_, _ = desk.NewStatement(desk.StatementMove{Ref: opened("statement"), Name: move, Party: north, At: start, Body: b, Members: members}, &accord.Publicity{Statements: "own", Embargo: "P1D"})
			}
			st, err := desk.NewStatement(desk.StatementMove{Ref: opened("statement"), Name: desk.StatementPropose, Party: north, At: start, Body: proposed(), Members: members}, &accord.Publicity{Statements: "joint"})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range members {
				played(t, st, desk.StatementMove{Ref: ref2(p), Name: move, Party: p, At: start.Add(time.Hour), Body: b, Members: members}, func() int { return len(st.Illegal) })
			}
			if st.Counts() && len(st.Signed) != 2 {
				t.Fatalf("it counts with %d signatures", len(st.Signed))
			}
		}
		if b, err := desk.ParseLeak(move, []byte(body)); err == nil {
			about := journal.Ref{Origin: originOf(north)}
			l, err := desk.NewLeak(desk.LeakMove{Ref: opened("leak"), Name: desk.LeakReport, Party: north, At: start, Body: desk.LeakBody{About: &about, Found: start}, Known: map[journal.Ref]desk.Known{about: {Kind: "share"}}, Members: members})
			if err != nil {
				t.Fatal(err)
			}
			played(t, l, desk.LeakMove{Ref: ref2(south), Name: move, Party: south, At: start.Add(time.Hour), Body: b, Members: members}, func() int { return len(l.Illegal) })
			l.Overlay(members, nobody)
		}
		_, _ = desk.OpenStatement([]byte(body), desk.StatementBody{SHA256: sum})
	})
}

func ref2(p journal.PartyID) journal.Ref { return journal.Ref{Origin: originOf(p), Index: 2} }

// played makes one move: it counts, or it is kept with its code.
func played[B any](t *testing.T, m applier[B], a desk.Act[B], illegal func() int) {
	judged, why := m.Judge(a)
	before := illegal()
	code := codeOf(m.Apply(a))
	if judged != code || (code != "" && (illegal() != before+1 || why == "")) {
		t.Fatalf("judged %q, applied %q, %d illegal after %d", judged, code, illegal(), before)
	}
}

// TestOpenStatement: texts are what their entry says, to the byte, or nobody signs them.
func TestOpenStatement(t *testing.T) {
	words := []desk.StatementWords{{Lang: "en", Text: "We have agreed."}, {Lang: "zh-hans", Text: "我们达成一致。"}}
	plain, sha, said, err := desk.SealStatement(words, []string{"zh-hans"})
	if err != nil {
		t.Fatal(err)
	}
	good := desk.StatementBody{SHA256: sha, Texts: said}
	if got, err := desk.OpenStatement(plain, good); err != nil || len(got) != 2 || got[1] != words[1] || !said[1].Authentic || said[0].Authentic {
		t.Errorf("%v, %v", got, err)
	}
	other := append([]desk.StatementText{}, said...)
	other[0].SHA256 = sum
	for name, b := range map[string]desk.StatementBody{"another hash": {SHA256: sum, Texts: said}, "another text": {SHA256: sha, Texts: other}, "one less": {SHA256: sha, Texts: said[:1]}} {
		if _, err := desk.OpenStatement(plain, b); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	long := strings.Repeat("x", desk.MaxStatementText)
	eight := func(n int) (out []desk.StatementWords) {
		for i := range n {
			out = append(out, desk.StatementWords{Lang: "l" + string(rune('a'+i)), Text: long})
		}
		return out
	}
	for _, c := range []struct {
		limit string
		words []desk.StatementWords
		good  bool
	}{
		{"MaxStatementText", eight(1), true},
		{"MaxStatementText", []desk.StatementWords{{Lang: "la", Text: long + "x"}}, false},
		{"MaxStatementBytes", eight(7), true},
		{"MaxStatementBytes", eight(8), false},
		{"an empty text", []desk.StatementWords{{Lang: "la", Text: " \n"}}, false},
		{"no UTF-8", []desk.StatementWords{{Lang: "la", Text: "\xff"}}, false},
		{"not sorted", []desk.StatementWords{{Lang: "lb", Text: "x"}, {Lang: "la", Text: "x"}}, false},
	} {
		if _, _, _, err := desk.SealStatement(c.words, []string{"la"}); (err == nil) != c.good {
			t.Errorf("%s: %v", c.limit, err)
		}
	}
	if _, err := desk.OpenStatement(make([]byte, desk.MaxStatementBytes+1), good); err == nil {
		t.Error("a payload beyond the bound is read")
	}
}
