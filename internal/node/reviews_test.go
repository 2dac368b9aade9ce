package node

import (
	"bytes"
	"entente/internal/desk"
	"errors"
	"strings"
	"testing"
	"time"

	"entente/journal"
)

// reportAt is the JSON of a report as a party computes it.
func reportAt(t *testing.T, p *testParty, r ReviewReportRequest) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.ReviewReport(t.Context(), r, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// refusedReview wants an error of a use case with a code of the desk in its reason, and nothing written.
func refusedReview(t *testing.T, p *testParty, code string, do func() error) {
	t.Helper()
	l := p.units()[0]
	before := l.own.Head()
	var e *Error
	if err := do(); !errors.As(err, &e) || !strings.Contains(e.Error(), code) {
		t.Errorf("%v, want %s", err, code)
	}
	if l.own.Head() != before {
		t.Errorf("%s: something was written", code)
	}
}

func TestReviewAtBothEnds(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	period := ReviewReportRequest{From: time.Now().Add(-24 * time.Hour), To: time.Now().Add(24 * time.Hour)}
	q, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	moves(t, b, a, q.ID, RequestMoveRequest{Move: "acknowledge"}, RequestMoveRequest{Move: "accept"}, RequestMoveRequest{Move: "answer", Text: "Somebody."})
	a.reaches(b)
	b.reaches(a)

	refusedReview(t, a, "needs a period", func() error { _, err := a.OpenReview(ctx, ReviewOpenRequest{To: period.To}); return err })
	opened := must[*ReviewOpenResponse](t)(a.OpenReview(ctx, ReviewOpenRequest{From: period.From, To: period.To}))
	id := opened.Review.Short
	a.reaches(b)
	first, second := reportAt(t, a, ReviewReportRequest{ID: id}), reportAt(t, b, ReviewReportRequest{ID: id})
	if !bytes.Equal(first, second) || !bytes.Contains(first, []byte(`"answered":1`)) {
		t.Fatalf("the report here\n%s\nand there\n%s", first, second)
	}

	waits := func(p *testParty) string {
		for _, text := range saysOf(must[*StatusResponse](t)(p.Status(ctx))) {
			if strings.Contains(text, "the review "+id) {
				return text
			}
		}
		return ""
	}
	if got := waits(b); !strings.Contains(got, desk.NeedReviewCommit) {
		t.Errorf("status says %q", got)
	}
	score := func(p *testParty, scores map[string]map[string]map[string]int) error {
		_, err := p.CommitReview(ctx, ReviewCommitRequest{ID: id, Scores: scores})
		return err
	}
	type byType = map[string]map[string]int
	give := func(p *testParty, n int) error {
		other := map[*testParty]string{a: b.init.Name, b: a.init.Name}[p]
		return score(p, map[string]byType{"": {"information": {"timeliness": n}}, other: {"information": {"clarity": 3}, "takedown": {"clarity": 1}}})
	}
	if err := score(b, map[string]map[string]map[string]int{"": {"infromation": {"timeliness": 3}}}); err == nil || !strings.Contains(err.Error(), "Unknown type of request infromation") {
		t.Errorf("scores for a type that there is not, which could never be changed: %v", err)
	}
	reveal := func(p *testParty) error {
		_, err := p.RevealReview(ctx, ReviewMoveRequest{ID: id, Text: "As agreed."})
		return err
	}
	for why, scores := range map[string]map[string]byType{
		"from 1 to 5":    {"": {"information": {"timeliness": 6}}},
		"there are none": nil,
		"No partner":     {"Nobody": {"information": {"timeliness": 2}}},
		"another party":  {a.init.Name: {"information": {"timeliness": 2}}},
		"given twice":    {"": {"information": {"timeliness": 2}}, b.init.Name: {"information": {"timeliness": 3}}},
	} {
		refusedReview(t, a, why, func() error { return score(a, scores) })
	}
	refusedReview(t, a, "nothing to reveal", func() error { return reveal(a) })
	if err := give(a, 2); err != nil {
		t.Fatal(err)
	}
	refusedReview(t, a, "duplicate", func() error { return give(a, 1) })
	refusedReview(t, a, "too-early", func() error { return reveal(a) })
	if err := give(b, 5); err != nil {
		t.Fatal(err)
	}
	b.reaches(a)
	a.stop() // what was committed to is on the disk
	a.start()
	if err := reveal(a); err != nil {
		t.Fatal(err)
	}
	refusedReview(t, a, "nothing to reveal", func() error { return reveal(a) })
	a.reaches(b)
	if err := reveal(b); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*testParty{a, b} {
		must[*WriteResponse](t)(p.SignReview(ctx, ReviewMoveRequest{ID: id}))
		refusedReview(t, p, "duplicate", func() error { _, err := p.SignReview(ctx, ReviewMoveRequest{ID: id}); return err })
	}
	b.reaches(a)
	a.reaches(b)
	for _, p := range []*testParty{a, b} {
		v := must[*ReviewView](t)(p.Review(ctx, ReviewShowRequest{ID: id}))
		if v.State != "revealed" || v.Agreed == "" || v.Agreed != v.Report || v.Differs || len(v.Next) != 0 || len(v.Moves) != 7 {
			t.Errorf("%s: %+v", p.init.Name, v)
		}
		if got := waits(p); got != "" {
			t.Errorf("status says %q", got)
		}
		for _, x := range v.Parties {
			want := map[string]int{a.init.Name: 2, b.init.Name: 5}[x.Name]
			for _, types := range x.Scores {
				if types["information"]["timeliness"] != want || types["information"]["clarity"] != 3 || types["takedown"]["clarity"] != 1 {
					t.Errorf("%s gave %v", x.Name, x.Scores)
				}
			}
			if len(x.Scores) != 1 {
				t.Errorf("%s gave %v", x.Name, x.Scores)
			}
		}
		remarks := 0
		for _, m := range v.Moves {
			if m.Text == "As agreed." {
				remarks++
			}
		}
		if remarks != 2 {
			t.Errorf("%s: %d remarks: %+v", p.init.Name, remarks, v.Moves)
		}
		if list := must[*ReviewListResponse](t)(p.Reviews(ctx, ReviewListRequest{})); len(list.Reviews) != 1 {
			t.Errorf("%+v", list)
		}
	}
	for _, format := range []string{ReviewCSV, ReviewHTML} {
		x, y := reportAt(t, a, ReviewReportRequest{ID: id, Format: format}), reportAt(t, b, ReviewReportRequest{ID: id, Format: format})
		if !bytes.Equal(x, y) || len(x) == 0 {
			t.Errorf("%s differs", format)
		}
	}
	// The scores that were shown are in the next report, at both ends.
	if x, y := reportAt(t, a, period), reportAt(t, b, period); !bytes.Contains(x, []byte(`"state":"revealed"`)) || !bytes.Equal(x, y) {
		t.Errorf("%s\n%s", x, y)
	}
	refusedReview(t, a, "too many scores", func() error {
		f := draftFile{}
		for i := range maxScores {
			f.Scores = append(f.Scores, savedScores{Unit: "x", Review: journal.Ref{Origin: a.units()[0].origin(), Index: int64(i)}})
		}
		if err := a.at.writeJSON(a.draftPath(), f); err != nil {
			return err
		}
		return a.keepScores(savedScores{Unit: "x", Review: journal.Ref{Origin: a.units()[0].origin(), Index: maxScores}})
	})
}
