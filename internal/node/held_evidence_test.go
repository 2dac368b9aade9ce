package node

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/exhibit"
)

// released looks at an act as the second person does, and releases it.
func released(t *testing.T, p *testParty, id string) (*HeldAct, *WriteResponse) {
	t.Helper()
	act := must[*HeldAct](t)(p.HeldAct(t.Context(), ReleaseShowRequest{ID: id, Asked: askedBy(bert)}))
	return act, must[*WriteResponse](t)(p.Release(t.Context(), ReleaseApproveRequest{ID: id, Digest: act.Digest, Asked: askedBy(bert)}))
}

// bothClaims wants every entry of evidence of this party under the claims of two persons.
func (p *testParty) bothClaims(t *testing.T, kind string, want int) {
	t.Helper()
	for ref, list := range p.releasedBy(kind) {
		if !slices.Equal(list, []Claim{ada.Claims[0], bert.Claims[0]}) {
			t.Errorf("%s is released by %v", ref, list)
		}
		want--
	}
	if want != 0 {
		t.Errorf("%d entries %s are missing", want, kind)
	}
}

func (p *testParty) releasedBy(kind string) map[string][]Claim {
	out := map[string][]Claim{}
	l := p.units()[0]
	l.mu.Lock()
	size, origin := l.own.Head().Size, string(l.origin())
	l.mu.Unlock()
	for i := range size {
		c := must[*JournalCheckResponse](p.t)(p.CheckEntry(p.t.Context(), JournalCheckRequest{Ref: origin + "#" + strconv.FormatInt(i, 10)}))
		if c.Kind == kind {
			out[c.Ref] = c.Release
		}
	}
	return out
}

// TestReleaseOfEvidence: files that were attached are held ready with what they say, lie readable nowhere meanwhile, can be looked at by
// the second person, and are written whole under both claims once they are released, with nobody of the first.
func TestReleaseOfEvidence(t *testing.T) {
	a, b := twoPersons(t, "exhibit.*")
	ctx := t.Context()
	text := strings.Repeat("the words of the evidence, ", 1<<15)
	attach := func(text string) string {
		t.Helper()
		r := must[*ExhibitAddResponse](t)(a.AttachFile(ctx, ExhibitAttachRequest{Name: "notes.txt", Title: "Notes", TLP: "green", Acting: by(ada)}, strings.NewReader(text), nil))
		if r.Held == "" || r.Exhibit != nil || len(r.Refs) != 0 {
			t.Fatalf("not held: %+v", r)
		}
		return r.Held
	}
	var gate *GateError
	if _, err := a.AttachFile(ctx, ExhibitAttachRequest{Name: "notes.txt", Acting: Acting{By: ada.Claims[0]}}, strings.NewReader(text), nil); !errors.As(err, &gate) {
		t.Fatalf("by one person: %v", err)
	}
	id := attach(text)
	if seen := readableIn(t, a.at.dir, "words of the evidence", "notes.txt"); len(seen) > 0 {
		t.Errorf("readable while it waits: %q", seen)
	}
	a.stop() // who prepared it goes home, and the machine is started again
	a.start()
	act := must[*HeldAct](t)(a.HeldAct(ctx, ReleaseShowRequest{ID: id, Asked: askedBy(bert)}))
	if act.Files != int64(len(text)) || len(act.Entries) != 1 || act.Entries[0].Kind != "exhibit.add" || len(act.Entries[0].List) != 1 || act.Entries[0].List[0].Path != "notes.txt" || act.Entries[0].TLP != "green" {
		t.Fatalf("%+v", act)
	}
	var seen bytes.Buffer
	if err := a.HeldContent(ctx, ReleaseContentRequest{ID: id, Files: true, Asked: askedBy(bert)}, &seen); err != nil || seen.String() != text {
		t.Errorf("%d bytes are shown, %v", seen.Len(), err)
	}
	if err := a.HeldContent(ctx, ReleaseContentRequest{ID: id, Files: true, Asked: askedBy(officerGrant("carl", "duty-officer"))}, &seen); err == nil {
		t.Error("shown to somebody who may not release it")
	}
	if r := must[*ExhibitRekeyResponse](t)(a.RekeyExhibits(ctx, ExhibitRekeyRequest{All: true}, nil)); r.Keys != 1 { // what waits is sealed anew, too
		t.Errorf("%+v", r)
	}
	_, w := released(t, a, id)
	x := must[*ExhibitView](t)(a.Exhibit(ctx, ExhibitIDRequest{ID: w.Refs[0]}))
	if x.State != "complete" || x.Title != "Notes" || x.Bytes != int64(len(text)) {
		t.Fatalf("%+v", x)
	}
	a.bothClaims(t, "exhibit.add", 1)
	a.bothClaims(t, "exhibit.chunk", int(x.Chunks))
	a.bothClaims(t, "exhibit.complete", 1)
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); len(names) != 1 {
		t.Errorf("contents are left: %v", names)
	}
	a.reaches(b)
	if v := must[*ExhibitVerifyResponse](t)(b.VerifyExhibit(ctx, ExhibitIDRequest{ID: x.ID}, nil)); !v.OK {
		t.Errorf("at South: %+v", v)
	}
	// A statement of custody, with words, waits as well; it says what it did when it was prepared.
	h := must[*WriteResponse](t)(b.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: x.ID, Act: desk.ActReceived, Text: "READABLE WORDS of custody", Acting: by(ada)}, nil))
	if h.Held == "" {
		t.Fatalf("%+v", h)
	}
	if seen := readableIn(t, b.at.dir, "READABLE WORDS"); len(seen) > 0 {
		t.Errorf("readable while it waits: %q", seen)
	}
	act, _ = released(t, b, h.Held)
	if act.Entries[0].Text != "READABLE WORDS of custody" || act.About != x.ID {
		t.Errorf("%+v", act)
	}
	b.bothClaims(t, "exhibit.custody", 1)
	destroyed := must[*WriteResponse](t)(b.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: x.ID, Act: desk.ActDestroyed, Acting: by(ada)}, nil))
	released(t, b, destroyed.Held)
	if n := b.ownEntries("destroyed"); n != 1 {
		t.Errorf("%d entries say what was destroyed", n)
	}
	b.reaches(a)
	sameState(t, a, b)
	// What is rejected, taken back or too old leaves nothing.
	id = attach(text + "2")
	must[*HeldAct](t)(a.Reject(ctx, ReleaseRejectRequest{ID: id, Reason: "Not this one.", Asked: askedBy(bert)}))
	late := attach(text + "3")
	h2 := *a.held.acts[late]
	h2.At = h2.At.Add(-heldLife - time.Second)
	a.held.acts[late] = &h2
	must[*ReleaseListResponse](t)(a.HeldActs(ctx, ReleaseListRequest{Asked: askedBy(bert)}))
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".sealed") }) {
		t.Errorf("contents are left: %v", names)
	}
}

// TestReleaseOfAManifest: over the API the announcement is held ready alone; once it is released, the content follows under its claims,
// and only the content that it names.
func TestReleaseOfAManifest(t *testing.T) {
	a, b := twoPersons(t, "exhibit.*")
	ctx := t.Context()
	fsys, m, text := evidenceOf(t, 3)
	r := must[*ExhibitAddResponse](t)(a.AddExhibit(ctx, ExhibitAddRequest{TLP: "green", Acting: by(ada)}, bytes.NewReader(text), nil))
	if r.Held == "" || r.Exhibit != nil {
		t.Fatalf("%+v", r)
	}
	_, w := released(t, a, r.Held)
	add := must[*ExhibitAddResponse](t)(a.AddExhibit(ctx, ExhibitAddRequest{TLP: "green", Acting: by(ada)}, bytes.NewReader(text), nil))
	if !add.Resumed || add.Exhibit.ID != w.Refs[0] || add.Exhibit.State != "adding" {
		t.Fatalf("%+v", add)
	}
	content := ExhibitContentRequest{ID: add.Exhibit.ID, Acting: Acting{By: ada.Claims[0]}}
	if _, err := a.ExhibitContent(ctx, content, bytes.NewReader(make([]byte, m.Size)), nil); codeOf(err) != "other-content" {
		t.Errorf("other content under the claims of who released the manifest: %v", err)
	}
	done := must[*ExhibitAddResponse](t)(a.ExhibitContent(ctx, content, exhibit.Content(fsys, m, 0), nil))
	if done.Exhibit.State != "complete" {
		t.Fatalf("%+v", done.Exhibit)
	}
	a.bothClaims(t, "exhibit.chunk", 3)
	a.reaches(b)
	sameState(t, a, b)
}

// TestReleasedEvidenceOverDays: what the bytes of the day leave no room for waits, sealed, and follows when there is room, also after a
// start, until it is whole.
func TestReleasedEvidenceOverDays(t *testing.T) {
	a, _ := twoInForce(t, func(s string) string {
		return s + "\nquotas:\n  id: Q9\n  bytes_per_day: 9000000\nrelease:\n  - id: R1\n    kind: exhibit.*\n    from_tlp: clear\n    claims:\n      - role: duty-officer\n      - role: release-officer\n"
	})
	ctx := t.Context()
	midnight := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	clock := &handClock{}
	a.takes(clock)
	noon := func(day int) { at := midnight.AddDate(0, 0, day).Add(12 * time.Hour); clock.at.Store(&at) }
	noon(0)
	fsys, _, _ := evidenceOf(t, 8<<20/desk.MinChunk+3) // noise, so that it does not compress
	held := must[*ExhibitAddResponse](t)(a.AttachFile(ctx, ExhibitAttachRequest{Name: "image.raw", Acting: by(ada)}, bytes.NewReader(fsys["disk/image.raw"].Data), nil)).Held
	_, w := released(t, a, held)
	state := func() *ExhibitView { return must[*ExhibitView](t)(a.Exhibit(ctx, ExhibitIDRequest{ID: w.Refs[0]})) }
	if x := state(); x.State != "adding" || x.Chunks != 2 || x.Written > 1 {
		t.Fatalf("on the first day: %+v", x)
	}
	a.bringAllHeld(ctx)
	if x := state(); x.State != "adding" {
		t.Fatalf("again on the first day: %+v", x)
	}
	if _, err := os.Stat(a.at.heldFiles(held)); err != nil {
		t.Fatal(err)
	}
	a.stop()
	a.start()
	for day := 1; day <= 3 && state().State == "adding"; day++ {
		noon(day)
		a.bringAllHeld(ctx)
	}
	if x := state(); x.State != "complete" {
		t.Fatalf("in the end: %+v", x)
	}
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); len(names) != 1 || a.held.acts[held].Whole != 0 {
		t.Errorf("files are left: %v", names)
	}
}

// TestReleaseOfAReview: each move of a review waits for a second person, who sees the scores that a hash stands for; what was committed
// to stays here until it is shown.
func TestReleaseOfAReview(t *testing.T) {
	a, b := twoPersons(t, "review.*")
	ctx := t.Context()
	opened := must[*ReviewOpenResponse](t)(a.OpenReview(ctx, ReviewOpenRequest{From: time.Now().Add(-24 * time.Hour), To: time.Now().Add(24 * time.Hour), Acting: by(ada)}))
	if opened.Write.Held == "" || opened.Review != nil {
		t.Fatalf("%+v", opened)
	}
	_, w := released(t, a, opened.Write.Held)
	id := w.Refs[0]
	a.reaches(b)
	scores := func(n int) map[string]map[string]map[string]int {
		return map[string]map[string]map[string]int{"": {"information": {"timeliness": n}}}
	}
	commit := func(p *testParty, n int) string {
		t.Helper()
		w := must[*WriteResponse](t)(p.CommitReview(ctx, ReviewCommitRequest{ID: id, Scores: scores(n), Acting: by(ada)}))
		if w.Held == "" {
			t.Fatalf("%+v", w)
		}
		return w.Held
	}
	first := commit(a, 2)
	if _, err := a.CommitReview(ctx, ReviewCommitRequest{ID: id, Scores: scores(4), Acting: by(ada)}); codeOf(err) != "commitment-waits" {
		t.Errorf("other scores took the place of those that wait: %v", err)
	}
	if _, err := a.CommitReview(ctx, ReviewCommitRequest{ID: id, Scores: scores(4), Acting: Acting{By: ada.Claims[0], Release: []Claim{ada.Claims[0], bert.Claims[0]}}}); codeOf(err) != "commitment-waits" {
		t.Errorf("other scores took the place of those that wait, on the console: %v", err)
	}
	must[*HeldAct](t)(a.Reject(ctx, ReleaseRejectRequest{ID: first, Reason: "Too low.", Asked: askedBy(bert)}))
	second := commit(a, 4)
	act, _ := released(t, a, second)
	if got := act.Entries[0].Given[b.init.Name]["information"]["timeliness"]; got != 4 || act.About != id {
		t.Errorf("the second person sees %+v", act.Entries[0])
	}
	a.reaches(b)
	// Scores that are lost are not committed to.
	lost := commit(b, 5)
	if err := b.forgetScores(b.units()[0].id, b.units()[0].fold.Reviews()[0].ID); err != nil {
		t.Fatal(err)
	}
	seen := must[*HeldAct](t)(b.HeldAct(ctx, ReleaseShowRequest{ID: lost, Asked: askedBy(bert)}))
	if _, err := b.Release(ctx, ReleaseApproveRequest{ID: lost, Digest: seen.Digest, Asked: askedBy(bert)}); codeOf(err) != "scores-lost" {
		t.Errorf("scores that are lost: %v", err)
	}
	must[*HeldAct](t)(b.Reject(ctx, ReleaseRejectRequest{ID: lost, Asked: askedBy(ada)}))
	released(t, b, commit(b, 5))
	b.reaches(a)
	a.stop() // what is committed to is on the disk
	a.start()
	for _, p := range []*testParty{a, b} {
		r := must[*WriteResponse](t)(p.RevealReview(ctx, ReviewMoveRequest{ID: id, Text: "As agreed.", Acting: by(ada)}))
		if act, _ := released(t, p, r.Held); act.Entries[0].Text != "As agreed." {
			t.Errorf("%+v", act.Entries)
		}
		if f := must[draftFile](t)(p.readDrafts()); len(f.Scores) != 0 {
			t.Errorf("scores that were shown are kept: %+v", f.Scores)
		}
		p.reaches(map[*testParty]*testParty{a: b, b: a}[p])
	}
	for _, p := range []*testParty{a, b} {
		released(t, p, must[*WriteResponse](t)(p.SignReview(ctx, ReviewMoveRequest{ID: id, Acting: by(ada)})).Held)
	}
	b.reaches(a)
	a.reaches(b)
	for _, p := range []*testParty{a, b} {
		if v := must[*ReviewView](t)(p.Review(ctx, ReviewShowRequest{ID: id})); v.State != "revealed" || v.Agreed == "" || v.Agreed != v.Report {
			t.Errorf("%s: %+v", p.init.Name, v)
		}
	}
	sameState(t, a, b)
}
