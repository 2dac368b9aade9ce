package journal_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"filippo.io/torchwood"
	"pgregory.net/rapid"

	"entente/journal"
	"entente/journal/journaltest"
)

func TestPropertyAnySplitIntoBatchesGivesTheSameRoot(t *testing.T) {
	whole := open(t, "North")
	whole.append(t, notes(0, 60)...)
	rapid.Check(t, func(r *rapid.T) {
		a := open(t, "North")
		for at := 0; at < 60; {
			n := rapid.IntRange(1, 60-at).Draw(r, "batch")
			a.append(t, notes(at, at+n)...)
			at += n
		}
		if a.w.Head() != whole.w.Head() {
			r.Fatalf("head %v, want %v", a.w.Head(), whole.w.Head())
		}
		last, err := a.st.Latest()
		ok(t, err)
		if !bytes.Equal(last, whole.w.Checkpoint()) {
			r.Fatal("the last checkpoint differs")
		}
	})
}

func TestPropertyAnyChangedByteIsNoticedAndNamed(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 3)...)
	a.append(t, notes(3, 40)...)
	cps := checkpoints(a.st)
	sizes := []int64{1, 4, 41}
	mirror := a.mirror(t)
	_, err := mirror.Extend(all(a.st, 0, 1), cps[0])
	ok(t, err)
	rapid.Check(t, func(r *rapid.T) {
		st := a.st.Snapshot()
		var at int
		change := func(b []byte) []byte {
			at = rapid.IntRange(0, len(b)-1).Draw(r, "byte")
			b[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(r, "bit"))
			return b
		}
		var from, to int64 // where the error has to point
		if rapid.Bool().Draw(r, "entry") {
			i := rapid.Int64Range(0, 40).Draw(r, "index")
			st.Alter(i, change)
			from, to = i, i
			if i > 0 {
				cp := 1
				if i >= 4 {
					cp = 2
				}
				m := mirrorAt(t, a, cp)
				if _, err := m.Extend(all(st, m.Head().Size, sizes[cp]), cps[cp]); err == nil {
					r.Fatalf("a mirror took entry %d with byte %d changed", i, at)
				}
			}
		} else {
			c := rapid.IntRange(0, 2).Draw(r, "checkpoint")
			st.AlterCheckpoint(c, change)
			to = sizes[c] - 1
			if c > 0 {
				from = sizes[c-1] - 1
			}
			if _, h, err := journal.CheckpointHead(checkpoints(st)[c]); err == nil && h.Size > sizes[c] {
				to = 41
			}
		}
		_, err := journal.Verify(context.Background(), st, journal.VerifyParams{})
		var ref *journal.Refusal
		if !errors.As(err, &ref) {
			r.Fatalf("byte %d: error %v names no entry", at, err)
		}
		if ref.Index < from || ref.Index > to {
			r.Fatalf("byte %d: error %v, want one about entries %d to %d", at, err, from, to)
		}
	})
}

// mirrorAt returns a mirror that has taken the first n checkpoints.
func mirrorAt(t testing.TB, a *actor, n int) *journal.Mirror {
	t.Helper()
	m := a.mirror(t)
	for _, cp := range checkpoints(a.st)[:n] {
		_, h, err := journal.CheckpointHead(cp)
		ok(t, err)
		_, err = m.Extend(all(a.st, m.Head().Size, h.Size), cp)
		ok(t, err)
	}
	return m
}

func TestPropertyAnyChangedTreeHashIsNoticed(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 40)...)
	rapid.Check(t, func(r *rapid.T) {
		st := a.st.Snapshot()
		i := rapid.Int64Range(0, 77).Draw(r, "hash")
		st.AlterHash(i, journal.Hash{1, 2, 3})
		_, err := journal.Verify(context.Background(), st, journal.VerifyParams{})
		if journal.CodeOf(err) != journal.CodeDamaged {
			r.Fatalf("hash %d: %v", i, err)
		}
	})
}

func TestPropertyAnyInterleavingLeavesTheMirrorEqual(t *testing.T) {
	a := open(t, "North")
	for i := range 8 {
		a.append(t, notes(3*i, 3*i+1+i%3)...)
	}
	cps := checkpoints(a.st)
	var heads []journal.Head
	for _, cp := range cps {
		_, h, err := journal.CheckpointHead(cp)
		ok(t, err)
		heads = append(heads, h)
	}
	rapid.Check(t, func(r *rapid.T) {
		st := new(journaltest.Memory)
		m, err := journal.OpenMirror(st, journal.MirrorParams{Unit: a.unit})
		ok(t, err)
		for steps := 0; m.Head() != a.w.Head(); steps++ {
			// Any packet: from anywhere to any kept head; late, early, repeated or torn.
			c := rapid.IntRange(0, len(cps)-1).Draw(r, "head")
			from := rapid.Int64Range(0, heads[c].Size-1).Draw(r, "from")
			if steps > 50 { // the honest sender gets through in the end
				c, from = len(cps)-1, m.Head().Size
			}
			held := m.Head()
			entries := all(a.st, from, heads[c].Size)
			torn := rapid.Bool().Draw(r, "torn") && steps <= 50
			if torn {
				entries = entries[:len(entries)-1]
			}
			_, err := m.Extend(entries, cps[c])
			switch {
			case heads[c].Size <= held.Size:
				if !errors.Is(err, journal.ErrStale) {
					r.Fatalf("a stale packet gave %v", err)
				}
			case torn || from > held.Size:
				if journal.CodeOf(err) != journal.CodeGap {
					r.Fatalf("a packet with a gap gave %v", err)
				}
			default:
				if err != nil {
					r.Fatalf("a good packet was refused: %v", err)
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "restart") == 0 {
				if m, err = journal.OpenMirror(st, journal.MirrorParams{Unit: a.unit}); err != nil {
					r.Fatal(err)
				}
			}
		}
		for i, raw := range all(st, 0, a.w.Head().Size) {
			if want := all(a.st, int64(i), int64(i)+1)[0]; !bytes.Equal(raw, want) {
				r.Fatalf("entry %d differs", i)
			}
		}
		_, err = journal.Verify(context.Background(), st, journal.VerifyParams{})
		ok(t, err)
	})
}

func TestPropertyEveryEntryCanBeProvedUnderEveryHead(t *testing.T) {
	a := open(t, "North")
	for i := range 12 {
		a.append(t, notes(i*2, i*2+2)...)
	}
	rapid.Check(t, func(r *rapid.T) {
		size := 1 + 2*rapid.Int64Range(0, 12).Draw(r, "head")
		i := rapid.Int64Range(0, size-1).Draw(r, "entry")
		proof, err := journal.Prove(a.st, i, size)
		ok(t, err)
		raw := all(a.st, i, i+1)[0]
		e, h, err := journal.VerifyProof(raw, proof, a.w.Keyring())
		if err != nil || e.Index != i || h.Size != size {
			r.Fatalf("entry %d under %d: %v", i, size, err)
		}
		// Standard tools accept it as well.
		ok(t, torchwood.VerifyProof(a.w.Keyring().Policy(size), e.LeafHash, proof))
		bad := bytes.Clone(proof)
		at := rapid.IntRange(0, len(bad)-1).Draw(r, "byte")
		bad[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(r, "bit"))
		if _, _, err := journal.VerifyProof(raw, bad, a.w.Keyring()); err == nil {
			r.Fatalf("byte %d of the proof can change", at)
		}
		other := (i + 1) % size
		if other != i {
			if _, _, err := journal.VerifyProof(all(a.st, other, other+1)[0], proof, a.w.Keyring()); err == nil {
				r.Fatal("the proof holds for another entry")
			}
		}
	})
}
