package dossier_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/journal"
)

// recorded is a unit in which everything that the desk keeps was done, and of every family something that changed nothing.
// idle are the codes of the latter by their kinds.
func recorded(t testing.TB) (w *world, theCase journal.Ref, idle map[string]string) {
	w = newWorld(t, "North", "South")
	w.edit = func(yaml string) string {
		return yaml + fmt.Sprintf("\ncontacts:\n  - id: K1\n    party: %q\n    kind: duty\n    mailbox: duty@south.example\n    languages: [en]\n    hours: 24/7\n    zone: UTC\n", w.parties[1].id)
	}
	w.agree()
	north, south := w.parties[0], w.parties[1]
	idle = map[string]string{}
	words := func(format string, args ...any) *journal.PayloadRef {
		return w.seal(journal.PayloadText, fmt.Appendf(nil, `{"text":%q}`, fmt.Sprintf(format, args...)))
	}
	do := func(p *party, kind string, body map[string]any, said string) journal.Ref {
		t.Helper()
		var pl *journal.PayloadRef
		if said != "" {
			body["tlp"] = "green"
			pl = words("%s", said)
		}
		ref := p.write(kind, body, pl).Ref()
		w.sync()
		return ref
	}
	void := func(p *party, kind, code string, body map[string]any) {
		t.Helper()
		idle[kind] = code
		do(p, kind, body, "")
	}
	send := north.write("request.send", map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id},
		w.seal(journal.PayloadRequest, []byte(`{"text":"the words of the request"}`))).Ref()
	w.sync()
	void(north, "request.accept", desk.CodeWrongSide, map[string]any{"request": send})
	call := do(north, "hotline.call", map[string]any{"urgency": "urgent", "request": send}, "the words of the call")
	do(south, "hotline.acknowledge", map[string]any{"call": call}, "")
	void(south, "hotline.acknowledge", desk.CodeDuplicate, map[string]any{"call": call})
	announced := do(north, "hotline.announce", map[string]any{"drill": true, "from": w.clock, "until": w.clock.Add(time.Hour)}, "")
	do(north, "hotline.call", map[string]any{"urgency": "routine", "drill": true, "announced": announced}, "the words of the drill")
	do(south, "contact.confirm", map[string]any{"contact": "K1"}, "the words of the contact")
	void(south, "contact.confirm", desk.CodeUnknownContact, map[string]any{"contact": "K7"})
	theCase = do(north, "case.open", map[string]any{}, "the words of the case")
	do(north, "case.link", map[string]any{"case": theCase, "target": send, "relation": "asked"}, "")
	claim := do(north, "case.claim", map[string]any{"case": theCase, "class": "attribution", "confidence": "low", "concerns": south.id}, "the words of the claim")
	do(south, "case.reply", map[string]any{"case": theCase, "claim": claim}, "the words of the reply")
	void(north, "case.reply", desk.CodeNotYours, map[string]any{"case": theCase, "claim": claim})
	bound := do(south, "commitment.make", map[string]any{"due": w.clock.Add(time.Hour), "case": theCase}, "the words of the commitment")
	do(north, "commitment.view", map[string]any{"commitment": bound, "status": "broken"}, "")
	void(north, "commitment.report", desk.CodeWrongSide, map[string]any{"commitment": bound, "status": "done"})
	plain, sum, texts, err := desk.SealStatement([]desk.StatementWords{{Lang: "en", Text: "the words of the statement"}}, []string{"en"})
	ok(t, err)
	statement := north.write("statement.propose", map[string]any{"sha256": sum, "texts": texts, "tlp": "green"}, w.seal(journal.PayloadStatement, plain)).Ref()
	w.sync()
	for _, p := range w.parties {
		do(p, "statement.sign", map[string]any{"statement": statement, "sha256": sum}, "")
	}
	void(south, "statement.sign", desk.CodeWrongState, map[string]any{"statement": statement, "sha256": sum})
	leak := do(north, "leak.report", map[string]any{"about": theCase, "found": w.clock.Add(-time.Second)}, "the words of the leak")
	do(south, "leak.answer", map[string]any{"leak": leak, "answer": "deny"}, "")
	void(south, "leak.withdraw", desk.CodeNotYours, map[string]any{"leak": leak})
	var cut []desk.CutHead
	for _, o := range []*party{north, south} {
		h := o.jw.Head()
		cut = append(cut, desk.CutHead{Origin: o.jw.Origin(), Size: h.Size, Root: h.Root})
	}
	slices.SortFunc(cut, func(a, b desk.CutHead) int { return strings.Compare(string(a.Origin), string(b.Origin)) })
	review := do(north, "review.open", map[string]any{"from": start, "to": w.clock, "now": w.clock, "cut": cut}, "the words of the review")
	for _, p := range w.parties {
		do(p, "review.sign", map[string]any{"review": review, "report": journal.Hash{9}}, "")
	}
	void(north, "review.reveal", desk.CodeBadBody, map[string]any{"review": review})
	exhibit := do(north, "exhibit.add", map[string]any{"about": send, "files": 1, "size": 1, "chunk": desk.MinChunk, "chunks": 1}, "no manifest")
	idle["exhibit.add"] = desk.CodeBadBody
	void(south, "exhibit.abandon", desk.CodeUnknownThread, map[string]any{"exhibit": exhibit})
	return w, theCase, idle
}

// TestRecordIsTold: a stranger is told the whole record: what was called, claimed, promised, said in public, leaked and reviewed, with who
// signed it; and each move that changed nothing with its code, against nobody.
func TestRecordIsTold(t *testing.T) {
	w, _, idle := recorded(t)
	r, err := dossier.Verify(context.Background(), bytes.NewReader(pack(t, w.source())), dossier.Options{Words: true})
	ok(t, err)
	if len(r.Calls) != 1 || len(r.Drills.Calls) != 1 || len(r.Contacts) != 1 || len(r.Cases) != 1 || len(r.Commitments) != 1 || len(r.Statements) != 1 || len(r.Leaks) != 1 || len(r.Reviews) != 1 {
		t.Errorf("calls %d, drills %d, contacts %d, cases %d, commitments %d, statements %d, leaks %d, reviews %d", len(r.Calls), len(r.Drills.Calls), len(r.Contacts), len(r.Cases),
			len(r.Commitments), len(r.Statements), len(r.Leaks), len(r.Reviews))
	}
	var text, page bytes.Buffer
	ok(t, r.WriteText(&text, lang.English()))
	ok(t, r.WritePage(&page, lang.English()))
	for _, want := range []string{"the words of the request", "the words of the call", "the words of the drill", "the words of the contact", "the words of the case", "the words of the claim",
		"the words of the reply", "the words of the commitment", "the words of the statement", "the words of the leak", "the words of the review"} {
		if strings.Count(page.String(), want) != 1 {
			t.Errorf("the page has %q %d times", want, strings.Count(page.String(), want))
		}
	}
	for name, shown := range map[string]string{"text": text.String(), "page": page.String()} {
		for _, want := range []string{"North (", "called South (", "Drill: North", "Contact K1", "Case opened by North", "make a claim (attribution, low confidence, concerns South", "reply to a claim (to claim ",
			"Commitment of South", "seen differently", "sees broken", "Statement (joint, version 1) proposed by North", ": signed by all", "Leak reported by North", "answers it was not us",
			"Review of ", "report SHA-256 09"} {
			if !strings.Contains(shown, want) {
				t.Errorf("the %s does not have %q", name, want)
			}
		}
		for _, p := range w.parties {
			for _, mark := range r.Statements[0].Signed {
				if mark.Party == p.id && !strings.Contains(shown, mark.Ref.String()) {
					t.Errorf("the %s does not have the signature of %s", name, p.name)
				}
			}
			if ref := r.Reviews[0].Party(p.id).Signed; ref == nil || !strings.Contains(shown, ref.String()) {
				t.Errorf("the %s does not have the countersignature of %s", name, p.name)
			}
		}
	}
	for kind, code := range idle {
		if !slices.ContainsFunc(r.Findings, func(f dossier.Finding) bool {
			return f.Weight == dossier.Noted && f.Code == code && strings.Contains(f.Text, kind) && len(f.Refs) == 1 && len(f.Exhibits) == 1
		}) {
			t.Errorf("no finding says that %s changed nothing (%s)", kind, code)
		}
	}
	if len(r.Proven) != 0 {
		t.Errorf("proved: %+v", r.Proven)
	}
}

// TestPageHasABound: what does not fit on a page is in the file, and the page says so.
func TestPageHasABound(t *testing.T) {
	r := &dossier.Report{Name: "Flooded"}
	for i := range 200 {
		q := dossier.RequestReport{}
		for range 500 {
			q.Steps = append(q.Steps, desk.Step{Ref: journal.Ref{Index: int64(i)}, Move: "answer", By: journal.By{Agency: strings.Repeat("\u202e", 20)}})
		}
		r.Requests = append(r.Requests, q)
	}
	var page bytes.Buffer
	ok(t, r.WritePage(&page, lang.English()))
	if page.Len() > 8<<20 || !strings.HasSuffix(page.String(), "</html>\n") || !strings.Contains(page.String(), "no more room") {
		t.Errorf("the page has %d bytes and ends in %q", page.Len(), page.String()[page.Len()-200:])
	}
}

// TestRecordOfACase: the page of a dossier about a case shows what belongs to it, and nothing else.
func TestRecordOfACase(t *testing.T) {
	w, theCase, _ := recorded(t)
	w.about = []journal.Ref{theCase}
	r, err := dossier.Verify(context.Background(), bytes.NewReader(pack(t, w.source())), dossier.Options{Words: true})
	ok(t, err)
	var page bytes.Buffer
	ok(t, r.WritePage(&page, lang.English()))
	for words, want := range map[string]bool{"the request": true, "the call": true, "the case": true, "the reply": true, "the commitment": true,
		"the drill": false, "the contact": false, "the statement": false, "the leak": false, "the review": false} {
		if strings.Contains(page.String(), "the words of "+words) != want {
			t.Errorf("the words of %s: %v", words, !want)
		}
	}
}
