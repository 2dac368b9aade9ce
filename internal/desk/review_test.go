package desk_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"entente/internal/desk"
	"entente/journal"
)

var (
	reviewNorth = journal.PartyID(strings.Repeat("1", 64))
	reviewSouth = journal.PartyID(strings.Repeat("2", 64))
	reviewOne   = journal.Origin("entente/" + strings.Repeat("a", 64))
)

func subjectOf(journals int) desk.Subject {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := desk.Subject{From: at, To: at.AddDate(0, 6, 0), Now: at.AddDate(0, 6, 0)}
	for i := range journals {
		s.Cut = append(s.Cut, desk.CutHead{Origin: journal.Origin(fmt.Sprintf("entente/%064x", i)), Size: int64(i + 1), Root: journal.Hash{byte(i)}})
	}
	return s
}

// TestReviewHashes fixes what is hashed: another implementation has to come to the same.
func TestReviewHashes(t *testing.T) {
	s := subjectOf(2)
	subject := s.Hash()
	if got := hex.EncodeToString(subject[:]); got != "c826083c36d69c98f34219efc70a5ee4b554c9e3136bd970607f81d1219e992c" {
		t.Errorf("subject %s", got)
	}
	scores := desk.ReviewScores{reviewSouth: {"information": {"timeliness": 4, "accuracy": 5}, "takedown": {"clarity": 1}}}
	c := desk.ScoreCommitment("unit", journal.Ref{Origin: reviewOne, Index: 7}, subject, reviewNorth, journal.Hash{1, 2, 3}, scores)
	if got := hex.EncodeToString(c[:]); got != "64170a3072963b6981a7c4daae6a1b3cd44de4fcb7d6581eb6519b8fd43ecc15" {
		t.Errorf("commitment %s", got)
	}
	// Everything is bound.
	others := []journal.Hash{
		desk.ScoreCommitment("unit2", journal.Ref{Origin: reviewOne, Index: 7}, subject, reviewNorth, journal.Hash{1, 2, 3}, scores),
		desk.ScoreCommitment("unit", journal.Ref{Origin: reviewOne, Index: 8}, subject, reviewNorth, journal.Hash{1, 2, 3}, scores),
		desk.ScoreCommitment("unit", journal.Ref{Origin: reviewOne, Index: 7}, journal.Hash{}, reviewNorth, journal.Hash{1, 2, 3}, scores),
		desk.ScoreCommitment("unit", journal.Ref{Origin: reviewOne, Index: 7}, subject, reviewSouth, journal.Hash{1, 2, 3}, scores),
		desk.ScoreCommitment("unit", journal.Ref{Origin: reviewOne, Index: 7}, subject, reviewNorth, journal.Hash{1, 2}, scores),
		desk.ScoreCommitment("unit", journal.Ref{Origin: reviewOne, Index: 7}, subject, reviewNorth, journal.Hash{1, 2, 3}, desk.ReviewScores{reviewSouth: {"information": {"timeliness": 4, "accuracy": 5}, "takedown": {"clarity": 2}}}),
		c,
	}
	if n := len(slices.Compact(slices.SortedFunc(slices.Values(others), func(a, b journal.Hash) int { return strings.Compare(string(a[:]), string(b[:])) }))); n != len(others) {
		t.Errorf("%d of %d commitments differ", n, len(others))
	}
}

// failing is what a test and a property have in common.
type failing interface{ Fatal(...any) }

func bodyJSON(t failing, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReviewLimits(t *testing.T) {
	open := func(journals int) error {
		s := subjectOf(journals)
		_, err := desk.ParseReviewBody(desk.ReviewOpen, bodyJSON(t, desk.ReviewBody{From: s.From, To: s.To, Now: s.Now, Cut: s.Cut}))
		return err
	}
	if open(desk.MaxCut) != nil || open(desk.MaxCut+1) == nil || open(0) == nil {
		t.Errorf("cuts: %v, %v, %v", open(desk.MaxCut), open(desk.MaxCut+1), open(0))
	}
	if n := len(bodyJSON(t, desk.ReviewBody{Cut: subjectOf(desk.MaxCut).Cut})); n > journal.MaxEntry/2 {
		t.Errorf("a cut takes %d bytes", n)
	}
	ref := journal.Ref{Origin: reviewOne}
	reveal := func(types int) error {
		s := desk.ReviewScores{reviewSouth: {}}
		for i := range types {
			s[reviewSouth][fmt.Sprintf("%064d", i)] = map[string]int{"relevance": 1, "accuracy": 1, "timeliness": 1, "clarity": 1, "usefulness": 1, "completeness": 1}
		}
		b := bodyJSON(t, desk.ReviewBody{Review: &ref, Salt: &journal.Hash{}, Scores: s})
		if len(b) > journal.MaxEntry/2 {
			t.Errorf("%d types take %d bytes", types, len(b))
		}
		_, err := desk.ParseReviewBody(desk.ReviewReveal, b)
		return err
	}
	if reveal(desk.MaxScored) != nil || reveal(desk.MaxScored+1) == nil || reveal(0) == nil {
		t.Errorf("scores: %v, %v, %v", reveal(desk.MaxScored), reveal(desk.MaxScored+1), reveal(0))
	}
	v := opened(t)
	for i := range desk.MaxMoves + 5 {
		code, _ := v.Judge(signing(int64(i+1), byte(i%2)))
		if want := map[bool]string{true: desk.CodeTooMany}[i >= desk.MaxMoves-1]; code != want {
			t.Fatalf("move %d: %q, want %q", i, code, want)
		}
		_ = v.Apply(signing(int64(i+1), byte(i%2)))
	}
	if err := v.Apply(signing(3, 1)); err == nil || len(v.Illegal) != 6 {
		t.Errorf("the same entry again: %v, %d", err, len(v.Illegal))
	}
}

// TestWhatAReviewDoesNotTake: what the gate holds does not count, and a payload is a remark or none.
func TestWhatAReviewDoesNotTake(t *testing.T) {
	v := opened(t)
	held, stix := signing(1, 1), signing(2, 1)
	held.Held, stix.Payload = true, &journal.PayloadRef{Type: journal.PayloadAnswer}
	for want, m := range map[string]desk.ReviewMove{desk.CodeRefused: held, desk.CodeBadBody: stix} {
		if code, _ := v.Judge(m); code != want || v.Apply(m) == nil || v.Party(reviewNorth).Signed != nil {
			t.Errorf("%q, want %q: %+v", code, want, v.Parties)
		}
	}
	m := signing(3, 1)
	m.Payload = &journal.PayloadRef{Type: journal.PayloadText}
	if err := v.Apply(m); err != nil {
		t.Error(err)
	}
	s := subjectOf(1)
	open := desk.ReviewMove{Ref: journal.Ref{Origin: reviewOne}, Name: desk.ReviewOpen, Party: reviewNorth, Payload: stix.Payload, Body: desk.ReviewBody{From: s.From, To: s.To, Now: s.Now, Cut: s.Cut}}
	if _, err := desk.NewReview(open, "unit", []journal.PartyID{reviewSouth, reviewNorth}); err == nil {
		t.Error("a review was opened with an answer as its payload")
	}
}

func opened(t failing) *desk.Review {
	s := subjectOf(1)
	v, err := desk.NewReview(desk.ReviewMove{Ref: journal.Ref{Origin: reviewOne}, Name: desk.ReviewOpen, Party: reviewNorth, Body: desk.ReviewBody{From: s.From, To: s.To, Now: s.Now, Cut: s.Cut}}, "unit", []journal.PartyID{reviewSouth, reviewNorth})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func signing(i int64, report byte) desk.ReviewMove {
	return desk.ReviewMove{Ref: journal.Ref{Origin: reviewOne, Index: i}, Name: desk.ReviewSign, Party: reviewNorth, Body: desk.ReviewBody{Report: &journal.Hash{report}}}
}

// TestReviewMachine makes random moves of both sides and a third, and holds the machine against what it must never do:
// no scores before all have committed, none but those committed to, nothing illegal without a code, and nothing that Judge
// says differently.
func TestReviewMachine(t *testing.T) {
	third := journal.PartyID(strings.Repeat("3", 64))
	var revealed, agreed int
	rapid.Check(t, func(t *rapid.T) {
		v := opened(t)
		parties := []journal.PartyID{reviewNorth, reviewSouth, third}
		committed := map[journal.PartyID]journal.Hash{}
		for i := range rapid.IntRange(1, 40).Draw(t, "moves") {
			p := rapid.SampledFrom(parties).Draw(t, "party")
			other := map[journal.PartyID]journal.PartyID{reviewNorth: reviewSouth, reviewSouth: reviewNorth, third: reviewNorth}[p]
			scores := desk.ReviewScores{other: {"information": {"timeliness": rapid.IntRange(1, 2).Draw(t, "score")}}}
			salt := journal.Hash{1}
			c := desk.ScoreCommitment("unit", v.ID, v.Hash(), p, salt, scores)
			m := desk.ReviewMove{Ref: journal.Ref{Origin: reviewOne, Index: int64(i + 1)}, Party: p, Name: rapid.SampledFrom([]string{"commit", "reveal", "reveal", "reveal", "commit", "sign", "open", "dance"}).Draw(t, "move"),
				Body: desk.ReviewBody{Review: &v.ID, Commitment: &c, Salt: &salt, Scores: scores, Report: &journal.Hash{byte(rapid.IntRange(1, 2).Draw(t, "report"))}, Knew: map[journal.PartyID]bool{}}}
			for _, q := range parties {
				m.Body.Knew[q] = rapid.IntRange(0, 9).Draw(t, "knew") < 9
			}
			before := string(bodyJSON(t, v.Parties))
			code, _ := v.Judge(m)
			err := v.Apply(m)
			if (code == "") != (err == nil) {
				t.Fatalf("Judge says %q and Apply %v", code, err)
			}
			if code != "" {
				if last := v.Illegal[len(v.Illegal)-1]; last.Ref != m.Ref || last.Refused != code || last.Reason == "" {
					t.Fatalf("%+v", last)
				}
				if after := string(bodyJSON(t, v.Parties)); after != before && code != desk.CodeUnfit {
					t.Fatalf("%s changed something:\n%s\n%s", code, before, after)
				}
				continue
			}
			switch {
			case p == third:
				t.Fatal("a third party moved")
			case m.Name == desk.ReviewCommit:
				committed[p] = c
			case m.Name == desk.ReviewReveal:
				if len(committed) < 2 || c != committed[p] || !m.Body.Knew[reviewNorth] || !m.Body.Knew[reviewSouth] {
					t.Fatalf("%s was shown, with %d commitments", p, len(committed))
				}
			}
		}
		if v.State == desk.ReviewRevealed {
			revealed++
		}
		if v.Agreed != nil {
			agreed++
			if *v.Party(reviewNorth).Report != *v.Party(reviewSouth).Report || v.Differs {
				t.Fatalf("%+v", v)
			}
		}
		if got := slices.Collect(maps.Keys(committed)); (len(got) == 2) != (v.State != desk.ReviewOpened) {
			t.Fatalf("%s with %d commitments", v.State, len(got))
		}
	})
	if !testing.Short() && (revealed == 0 || agreed == 0) { // a fifth of the cases says nothing about what chance brings
		t.Errorf("%d revealed, %d agreed", revealed, agreed)
	}
}

func FuzzReviewBody(f *testing.F) {
	s := subjectOf(1)
	ref := journal.Ref{Origin: reviewOne}
	f.Add("open", bodyJSON(f, desk.ReviewBody{From: s.From, To: s.To, Now: s.Now, Cut: s.Cut}))
	f.Add("commit", bodyJSON(f, desk.ReviewBody{Review: &ref, Commitment: &journal.Hash{1}}))
	f.Add("reveal", bodyJSON(f, desk.ReviewBody{Review: &ref, Salt: &journal.Hash{1}, Scores: desk.ReviewScores{reviewSouth: {"information": {"accuracy": 5}}}}))
	f.Add("sign", bodyJSON(f, desk.ReviewBody{Review: &ref, Report: &journal.Hash{1}}))
	f.Add("open", []byte(`{"from":"0000-01-01T00:00:00Z","cut":[{"size":-1}]}`))
	f.Add("reveal", []byte(`{"review":{"origin":"x","index":-1},"scores":{"x":{"y":{"z":99999999999}}}}`))
	f.Fuzz(func(t *testing.T, move string, raw []byte) {
		b, err := desk.ParseReviewBody(move, raw)
		if err != nil {
			return
		}
		// What is read can be applied, and is read again as it was.
		again, err := desk.ParseReviewBody(move, bodyJSON(t, b))
		if err != nil || string(bodyJSON(t, again)) != string(bodyJSON(t, b)) {
			t.Fatalf("%v: %s", err, raw)
		}
		v := opened(t)
		b.Knew = map[journal.PartyID]bool{reviewNorth: true, reviewSouth: true}
		_ = v.Apply(desk.ReviewMove{Ref: journal.Ref{Origin: reviewOne, Index: 1}, Name: move, Party: reviewNorth, Body: b})
	})
}
