package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
	"entente/journal/journaltest"
)

// edit returns the entry with one text replaced, which must occur.
func edit(t testing.TB, raw []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(raw, []byte(old)) {
		t.Fatalf("%q does not occur in %s", old, raw)
	}
	return bytes.Replace(raw, []byte(old), []byte(new), 1)
}

// victim has a journal of 8 entries (sizes 1, 4, 8) and a mirror of it.
func victim(t testing.TB) (*actor, *journal.Mirror) {
	t.Helper()
	a := open(t, "North")
	a.append(t, notes(0, 3)...)
	a.append(t, notes(3, 7)...)
	m := a.mirror(t)
	follow(t, m, a.st)
	return a, m
}

// caught checks that err carries a proof that a third person with nothing but
// the keys accepts, also after it has been written down as JSON.
func caught(t testing.TB, err error, code string, keys *journal.Keyring) {
	t.Helper()
	wantCode(t, err, code)
	text, e := json.Marshal(keys)
	ok(t, e)
	var third journal.Keyring
	ok(t, json.Unmarshal(text, &third))
	var c *journal.ContradictionError
	var v *journal.ViolationError
	switch {
	case errors.As(err, &c):
		b, e := json.Marshal(c.Proof)
		ok(t, e)
		var p journal.Contradiction
		ok(t, json.Unmarshal(b, &p))
		ok(t, p.Verify(&third))
	case errors.As(err, &v):
		b, e := json.Marshal(v.Proof)
		ok(t, e)
		var p journal.Violation
		ok(t, json.Unmarshal(b, &p))
		ok(t, p.Verify(&third))
	default:
		t.Fatalf("%v carries no proof", err)
	}
}

func TestForkIsProvedByTwoHeadsOfOneSize(t *testing.T) {
	a, m := victim(t)
	raw := all(a.st, 0, 8)
	raw[5] = edit(t, raw[5], `"n":4`, `"n":9`)
	evil := journaltest.Forge(t, a.w.Origin(), raw, a.key)
	before := m.Head()
	_, err := m.Extend(nil, checkpoints(evil)[0])
	caught(t, err, journal.CodeFork, m.Keyring())
	if m.Head() != before {
		t.Fatal("the mirror moved")
	}
	_, err = m.Offer(checkpoints(evil)[0], nil)
	caught(t, err, journal.CodeFork, m.Keyring())
}

func TestRollbackToAnotherShorterHistoryIsProved(t *testing.T) {
	a, m := victim(t)
	raw := all(a.st, 0, 6)
	raw[2] = edit(t, raw[2], `"n":1`, `"n":7`)
	evil := journaltest.Forge(t, a.w.Origin(), raw, a.key)
	_, err := m.Extend(raw, checkpoints(evil)[0])
	caught(t, err, journal.CodeRollback, m.Keyring())
	// At size 4 the mirror holds a signed head itself: no Merkle proof is needed.
	evil = journaltest.Forge(t, a.w.Origin(), raw[:4], a.key)
	_, err = m.Extend(raw[:4], checkpoints(evil)[0])
	caught(t, err, journal.CodeFork, m.Keyring())
}

func TestRewrittenHistoryIsProvedByItsEntries(t *testing.T) {
	a, m := victim(t)
	a.append(t, notes(7, 12)...)
	raw := all(a.st, 0, 13)
	for i := range 8 {
		if i == 0 {
			continue
		}
		bad := slices.Clone(raw)
		bad[i] = edit(t, raw[i], fmt.Sprintf(`"n":%d`, i-1), `"n":99`)
		evil := journaltest.Forge(t, a.w.Origin(), bad, a.key)
		// All of the other history, or only from the change on.
		for _, from := range []int{0, i} {
			_, err := m.Extend(bad[from:], checkpoints(evil)[0])
			caught(t, err, journal.CodeRewritten, m.Keyring())
		}
		// Only its tail: it does not fit, but that proves nothing yet.
		_, err := m.Extend(bad[8:], checkpoints(evil)[0])
		wantCode(t, err, journal.CodeBadRoot)
	}
}

func TestRewrittenHistoryIsProvedByAConsistencyProof(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 6)...) // 7 entries: no power of two
	m := a.mirror(t)
	follow(t, m, a.st)
	raw := all(a.st, 0, 7)
	raw[3] = edit(t, raw[3], `"n":2`, `"n":9`)
	a.append(t, notes(6, 14)...)
	raw = append(raw, all(a.st, 7, 15)...)
	evil := journaltest.Forge(t, a.w.Origin(), raw, a.key)
	_, err := m.Offer(checkpoints(evil)[0], func(n, size int64) ([]journal.Hash, error) { return journal.ProveConsistency(evil, n, size) })
	caught(t, err, journal.CodeRewritten, m.Keyring())
	// The honest head is accepted.
	h, err := m.Offer(a.w.Checkpoint(), func(n, size int64) ([]journal.Hash, error) { return journal.ProveConsistency(a.st, n, size) })
	ok(t, err)
	if h != a.w.Head() || m.Head().Size != 7 {
		t.Fatal("an offer must judge, not extend")
	}
	// A made-up proof shows nothing.
	_, err = m.Offer(a.w.Checkpoint(), func(n, size int64) ([]journal.Hash, error) { return []journal.Hash{{1}, {2}}, nil })
	wantCode(t, err, journal.CodeBadRoot)
	_, err = m.Offer(a.w.Checkpoint(), nil)
	wantCode(t, err, journal.CodeGap)
}

func TestContradictionsThatProveNothing(t *testing.T) {
	a, m := victim(t)
	cps := checkpoints(a.st)
	raw := all(a.st, 0, 6)
	raw[2] = edit(t, raw[2], `"n":1`, `"n":7`)
	evil := journaltest.Forge(t, a.w.Origin(), raw, a.key)
	_, err := m.Extend(raw, checkpoints(evil)[0])
	var c *journal.ContradictionError
	if !errors.As(err, &c) {
		t.Fatal(err)
	}
	p := c.Proof
	honestRoot, e := tlog.TreeHash(4, a.st)
	ok(t, e)
	honestProof, e := journal.ProveConsistency(a.st, 4, 8)
	ok(t, e)
	for name, bad := range map[string]journal.Contradiction{
		"same head twice":      {Origin: p.Origin, A: string(cps[1]), B: string(cps[1])},
		"consistent heads":     {Origin: p.Origin, A: string(cps[1]), B: string(cps[2]), Proof: honestProof, Root: honestRoot},
		"another root claimed": {Origin: p.Origin, A: string(cps[1]), B: string(cps[2]), Proof: honestProof, Root: journal.Hash{1}},
		"exchanged":            {Origin: p.Origin, A: p.B, B: p.A, Proof: p.Proof, Root: p.Root},
		"no proof":             {Origin: p.Origin, A: p.A, B: p.B, Root: p.Root},
		"other origin":         {Origin: journal.OriginOf(a.unit, a.id, 1), A: p.A, B: p.B, Proof: p.Proof, Root: p.Root},
		"unsigned":             {Origin: p.Origin, A: strings.Replace(p.A, "8", "9", 1), B: p.B, Proof: p.Proof, Root: p.Root},
		"endless proof":        {Origin: p.Origin, A: p.A, B: p.B, Proof: make([]journal.Hash, 100), Root: p.Root},
	} {
		if err := bad.Verify(m.Keyring()); err == nil {
			t.Errorf("%s: accepted as proof", name)
		}
	}
	ok(t, p.Verify(m.Keyring()))
	if err := p.Verify(); err == nil {
		t.Error("accepted without any key")
	}
	other, err := journal.NewKeyring(p.Origin, seed("somebody").Public())
	ok(t, err)
	if err := p.Verify(other); err == nil {
		t.Error("accepted under another key")
	}
	ok(t, p.Verify(other, m.Keyring()))
}

func TestReplayGapReorderAndMisplacedEntriesAreRefused(t *testing.T) {
	a, m := victim(t)
	a.append(t, notes(7, 12)...)
	fresh := all(a.st, 8, 13)
	old := all(a.st, 0, 8)
	cp := a.w.Checkpoint()
	foreign := open(t, "South")
	foreign.append(t, notes(0, 12)...)
	for name, c := range map[string]struct {
		entries [][]byte
		code    string
	}{
		"replayed twice":  {[][]byte{fresh[0], fresh[1], fresh[1], fresh[3], fresh[4]}, journal.CodeReplay},
		"replayed old":    {[][]byte{fresh[0], old[3], fresh[2], fresh[3], fresh[4]}, journal.CodeReplay},
		"exchanged":       {[][]byte{fresh[0], fresh[2], fresh[1], fresh[3], fresh[4]}, journal.CodeReorder},
		"one left out":    {[][]byte{fresh[0], fresh[1], fresh[3], fresh[4]}, journal.CodeGap},
		"start left out":  {fresh[1:], journal.CodeGap},
		"end left out":    {fresh[:4], journal.CodeGap},
		"nothing":         {nil, journal.CodeGap},
		"one too many":    {append(slices.Clone(fresh), edit(t, fresh[4], `"index":12`, `"index":13`)), journal.CodeWrongIndex},
		"another author":  {append(slices.Clone(fresh[:4]), all(foreign.st, 12, 13)...), journal.CodeWrongAuthor},
		"changed entry":   {append(slices.Clone(fresh[:4]), edit(t, fresh[4], `"n":11`, `"n":12`)), journal.CodeBadRoot},
		"changed overlap": {slices.Concat([][]byte{edit(t, old[7], `"n":6`, `"n":5`)}, fresh), journal.CodeRewritten},
		"not an entry":    {append(slices.Clone(fresh[:4]), []byte("{}")), journal.CodeBadEntry},
		"oversize":        {append(slices.Clone(fresh[:4]), make([]byte, journal.MaxEntry+1)), journal.CodeOversize},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Extend(c.entries, cp)
			wantCode(t, err, c.code)
			var proof *journal.ContradictionError
			if errors.As(err, &proof) {
				t.Fatal("somebody in between can do this; it proves nothing against the author")
			}
			if m.Head().Size != 8 {
				t.Fatal("the mirror moved")
			}
		})
	}
	// The true entries are still taken, also with an overlap.
	_, err := m.Extend(slices.Concat(old[5:], fresh), cp)
	ok(t, err)
}

func TestEntriesThatTheAuthorHimselfSignedAgainstTheRulesAreProved(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, raw [][]byte)
		code   string
	}{
		"wrong-unit": {func(t *testing.T, r [][]byte) {
			r[2] = edit(t, r[2], `"unit":"`, `"unit":"`+strings.Repeat("0", 64)+`","was":"`)
		}, journal.CodeWrongUnit},
		"wrong-author": {func(t *testing.T, r [][]byte) {
			r[2] = edit(t, r[2], `"author":"`, `"author":"`+strings.Repeat("0", 64)+`","was":"`)
		}, journal.CodeWrongAuthor},
		"wrong-origin":   {func(t *testing.T, r [][]byte) { r[2] = edit(t, r[2], `"epoch":0`, `"epoch":1`) }, journal.CodeWrongOrigin},
		"wrong-index":    {func(t *testing.T, r [][]byte) { r[2] = edit(t, r[2], `"index":10`, `"index":11`) }, journal.CodeWrongIndex},
		"back-dated":     {func(t *testing.T, r [][]byte) { r[2] = edit(t, r[2], `"at":"2026-`, `"at":"2025-`) }, journal.CodeBackDated},
		"bad-entry":      {func(t *testing.T, r [][]byte) { r[2] = []byte("{}") }, journal.CodeBadEntry},
		"second genesis": {func(t *testing.T, r [][]byte) { r[2] = edit(t, r[2], `"kind":"note"`, `"kind":"genesis"`) }, journal.CodeBadEntry},
		"empty rotation": {func(t *testing.T, r [][]byte) { r[2] = edit(t, r[2], `"kind":"note","at"`, `"kind":"witness","at"`) }, journal.CodeBadEntry},
		"first one":      {func(t *testing.T, r [][]byte) { r[0] = edit(t, r[0], `"at":"2026-`, `"at":"2025-`) }, journal.CodeBackDated},
		"reordered":      {func(t *testing.T, r [][]byte) { r[0], r[1] = r[1], r[0] }, journal.CodeWrongIndex},
		"own journal seen": {func(t *testing.T, r [][]byte) {
			r[2] = edit(t, r[2], `"seen":{`, `"seen":{"`+string(journal.OriginOf(newActor("North").unit, newActor("North").id, 0))+`":{"size":1,"root":"`+journal.Hash{}.String()+`"}`)
		}, journal.CodeBadSeen},
	} {
		t.Run(name, func(t *testing.T) {
			a, m := victim(t)
			a.append(t, notes(7, 12)...)
			evil := a.st.Snapshot()
			raw := all(evil, 8, 13)
			c.change(t, raw)
			evil = journaltest.Forge(t, a.w.Origin(), slices.Concat(all(a.st, 0, 8), raw), a.key)
			_, err := m.Extend(raw, checkpoints(evil)[0])
			caught(t, err, c.code, m.Keyring())
			if m.Head().Size != 8 {
				t.Fatal("the mirror moved")
			}
			// The honest continuation is still possible for the mirror; having
			// both is the proof.
			follow(t, m, a.st)
		})
	}
}

func TestForeignCheckpointsAndEntriesAreRefused(t *testing.T) {
	a, m := victim(t)
	b := open(t, "South")
	b.append(t, notes(0, 3)...)
	_, err := m.Extend(all(b.st, 0, 4), b.w.Checkpoint())
	wantCode(t, err, journal.CodeWrongOrigin)

	fresh, err := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: journal.UnitOf("another")})
	ok(t, err)
	_, err = fresh.Extend(all(a.st, 0, 1), checkpoints(a.st)[0])
	wantCode(t, err, journal.CodeWrongUnit)

	fresh, err = journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: a.unit, Party: b.id})
	ok(t, err)
	_, err = fresh.Extend(all(a.st, 0, 1), checkpoints(a.st)[0])
	wantCode(t, err, journal.CodeWrongAuthor)

	fresh, err = journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: a.unit, Origin: b.w.Origin()})
	ok(t, err)
	_, err = fresh.Extend(all(a.st, 0, 1), checkpoints(a.st)[0])
	wantCode(t, err, journal.CodeWrongOrigin)

	// A genesis taken from another party's journal: signed by the thief.
	fresh = a.mirror(t)
	evil := journaltest.Forge(t, a.w.Origin(), all(a.st, 0, 1), b.key)
	_, err = fresh.Extend(all(evil, 0, 1), checkpoints(evil)[0])
	wantCode(t, err, journal.CodeBadSignature)
	// A journal that does not start with a genesis.
	evil = journaltest.Forge(t, a.w.Origin(), [][]byte{edit(t, all(a.st, 1, 2)[0], `"index":1`, `"index":0`)}, a.key)
	_, err = fresh.Extend(all(evil, 0, 1), checkpoints(evil)[0])
	wantCode(t, err, journal.CodeBadEntry)
}

func TestStorageFailureStopsWriterAndMirror(t *testing.T) {
	a, m := victim(t)
	boom := errors.New("disk full")
	a.st.Fail = func(journal.Batch) error { return boom }
	_, _, err := a.w.Append(start, note(1))
	wantIs(t, err, boom)
	wantIs(t, err, journal.ErrBroken)
	a.st.Fail = nil
	_, _, err = a.w.Append(start, note(2))
	wantIs(t, err, journal.ErrBroken)
	// Opened again, it goes on from what is durable.
	head := a.w.Head()
	w, err := journal.OpenWriter(a.st, a.key, journal.WriterParams{HighWater: &head})
	ok(t, err)
	_, _, err = w.Append(start, note(3))
	ok(t, err)
	follow(t, m, a.st)
}
