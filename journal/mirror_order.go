package journal

import (
	"bytes"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// skippedRotation explains a signature that does not verify because the key was
// rotated among the entries that came.
func (m *Mirror) skippedRotation(entries [][]byte, err error) error {
	for _, raw := range entries[:max(0, len(entries)-1)] {
		if !bytes.Contains(raw, []byte(KindRotate)) {
			continue
		}
		if e, perr := m.parser.Parse(raw); perr == nil && e.Kind == KindRotate {
			return fmt.Errorf("%w (the entries rotate the key at %d: %w)", rotationFirst(m.ledger.origin, e.Index), e.Index, err)
		}
	}
	return err
}

func rotationFirst(o Origin, index int64) *Refusal {
	return refuse(CodeHalfSignature, o, index, "the key is rotated here; the checkpoint of size %d, signed by both keys, has to come first", index+1)
}

func (m *Mirror) bounds(entries [][]byte) error {
	if len(entries) > MaxBatchEntries {
		return refuse(CodeOversize, m.ledger.origin, -1, "%d entries came at once; %d are allowed", len(entries), MaxBatchEntries)
	}
	n := 0
	for _, e := range entries {
		if n += len(e); n > MaxBatchBytes {
			return refuse(CodeOversize, m.ledger.origin, -1, "more than %d bytes of entries came at once", MaxBatchBytes)
		}
	}
	return nil
}

// parse parses all entries; on error it returns those before the bad one.
func (m *Mirror) parse(entries [][]byte) ([]*Entry, error) {
	out := make([]*Entry, 0, len(entries))
	for _, raw := range entries {
		e, err := m.parser.Parse(raw)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

// order checks that the indexes count up by one, start at or below what is
// held, and end at the head.
func (m *Mirror) order(list []*Entry, size int64) *Refusal {
	o, held := m.ledger.origin, m.tree.size
	if len(list) == 0 {
		return refuse(CodeGap, o, held, "the head has %d entries, %d are held and none came", size, held)
	}
	for _, e := range list {
		// Entries of other journals are named as such before their places are judged.
		switch {
		case m.params.Unit != e.Unit:
			return refuse(CodeWrongUnit, o, e.Index, "it belongs to unit %s, not %s", e.Unit.Short(), m.params.Unit.Short())
		case m.ledger.party != "" && m.ledger.party != e.Author:
			return refuse(CodeWrongAuthor, o, e.Index, "it was written by party %s, not %s", e.Author.Short(), m.ledger.party.Short())
		case o != "" && o != e.Origin():
			return refuse(CodeWrongOrigin, o, e.Index, "it belongs to another journal of its party (epoch %d)", e.Epoch)
		}
	}
	first := list[0].Index
	for i, e := range list {
		if e.Index == first+int64(i) {
			continue
		}
		return m.misplaced(list, i)
	}
	switch end := first + int64(len(list)); {
	case first > held:
		return refuse(CodeGap, o, held, "entries %d to %d are missing", held, first-1)
	case end < size:
		return refuse(CodeGap, o, end, "the head covers %d entries, those from %d on are missing", size, end)
	case end > size:
		return refuse(CodeWrongIndex, o, size, "more entries came than the head covers")
	}
	return nil
}

// misplaced names what is wrong with the first entry that is not in its place.
func (m *Mirror) misplaced(list []*Entry, i int) *Refusal {
	o, want, e := m.ledger.origin, list[0].Index+int64(i), list[i]
	seen := make(map[int64]int, len(list))
	for _, x := range list {
		seen[x.Index]++
	}
	switch {
	case seen[e.Index] > 1:
		return refuse(CodeReplay, o, want, "entry %d came more than once", e.Index)
	case e.Index < list[0].Index && e.Index < m.tree.size && m.holds(e):
		return refuse(CodeReplay, o, want, "entry %d, which is already held, came again in its place", e.Index)
	case seen[want] > 0:
		return refuse(CodeReorder, o, want, "entry %d came in its place", e.Index)
	case e.Index > want:
		return refuse(CodeGap, o, want, "it is missing, entry %d came", e.Index)
	}
	return refuse(CodeWrongIndex, o, want, "it calls itself entry %d", e.Index)
}

func (m *Mirror) holds(e *Entry) bool {
	h, err := m.st.ReadHashes([]int64{tlog.StoredHashIndex(0, e.Index)})
	return err == nil && len(h) == 1 && h[0] == e.LeafHash
}

// overlap compares entries that are already held with what is held. If they
// differ and the signed head covers the other ones, history was rewritten.
func (m *Mirror) overlap(list []*Entry, skip int, head Head, cp []byte) error {
	bad := -1
	for i, e := range list[:skip] {
		if !m.holds(e) {
			bad = i
			break
		}
	}
	if bad < 0 {
		return nil
	}
	first := list[0].Index
	tr, err := loadTree(m.st, first)
	if err != nil {
		return err
	}
	var more []Hash
	for _, e := range list {
		more = tr.add(e.LeafHash, more)
	}
	if tr.head() != head {
		return refuse(CodeRewritten, m.ledger.origin, list[bad].Index, "it is not the entry that is held, and the signed head does not cover it either")
	}
	theirs := overlay(m.st, first, more)
	root, err := tlog.TreeHash(m.tree.size, theirs)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(head.Size, m.tree.size, theirs)
	if err != nil {
		return err
	}
	return contradiction(CodeRewritten, m.ledger.origin, m.latest, cp, proof, root)
}
