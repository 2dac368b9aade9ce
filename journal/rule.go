package journal

import (
	"fmt"
)

// adjacent checks what can be checked of an entry from its predecessor alone,
// so that a third person can check it as well (see [Violation]).
func adjacent(prev, e *Entry) *Refusal {
	o, i := prev.Origin(), prev.Index+1
	switch {
	case e.Unit != prev.Unit:
		return refuse(CodeWrongUnit, o, i, "it belongs to unit %s, the journal to %s", e.Unit.Short(), prev.Unit.Short())
	case e.Author != prev.Author:
		return refuse(CodeWrongAuthor, o, i, "it was written by party %s, the journal belongs to %s", e.Author.Short(), prev.Author.Short())
	case e.Epoch != prev.Epoch:
		return refuse(CodeWrongOrigin, o, i, "it belongs to epoch %d, the journal is epoch %d", e.Epoch, prev.Epoch)
	case e.Index != i:
		return refuse(CodeWrongIndex, o, i, "it calls itself entry %d", e.Index)
	case e.At.Before(prev.At):
		return refuse(CodeBackDated, o, i, "its time %s lies before its predecessor's %s", e.AtText, prev.AtText)
	}
	if err := seenFollows(prev.Seen, e.Seen); err != nil {
		return refuse(CodeBadSeen, o, i, "%v", err)
	}
	if r := seenAlone(e); r != nil {
		return r
	}
	if err := shape(e); err != nil {
		return refuse(CodeBadEntry, o, i, "%v", err)
	}
	return nil
}

// shape checks the body of an entry of this layer's kinds by itself.
func shape(e *Entry) (err error) {
	switch e.Kind {
	case KindGenesis:
		err = fmt.Errorf("a genesis stands only at entry 0")
	case KindIdentity:
		_, err = DecodeBody[IdentityBody](e, KindIdentity)
	case KindRotate:
		_, err = DecodeBody[RotateBody](e, KindRotate)
	case KindCompromise:
		_, err = DecodeBody[CompromiseBody](e, KindCompromise)
	case KindWitness:
		_, err = DecodeBody[WitnessBody](e, KindWitness)
	case KindEvidence:
		_, err = DecodeBody[EvidenceBody](e, KindEvidence)
	case KindDestroyed:
		_, err = DecodeBody[DestroyedBody](e, KindDestroyed)
	}
	return err
}

// seenAlone checks what an entry says it has seen against itself: not its own
// journal, and every head that it receipts.
func seenAlone(e *Entry) *Refusal {
	if _, ok := e.Seen[e.Origin()]; ok {
		return refuse(CodeBadSeen, e.Origin(), e.Index, "it says it has seen its own journal")
	}
	if e.Kind != KindReceipt {
		return nil
	}
	r, err := e.Receipt()
	if err != nil {
		return asRefusal(err, CodeBadEntry, e.Origin(), e.Index)
	}
	h, ok := e.Seen[r.Origin]
	if !ok || h.Size < r.Size || h.Size == r.Size && h.Root != r.Root {
		return refuse(CodeBadSeen, e.Origin(), e.Index, "it receipts %d entries of %s, but its seen does not cover them", r.Size, r.Origin.Short())
	}
	return nil
}

// seenFollows checks that next covers all that prev covers: seen is cumulative
// and never decreases.
func seenFollows(prev, next map[Origin]Head) error {
	for o, h := range prev {
		switch n, ok := next[o]; {
		case !ok:
			return fmt.Errorf("it leaves out journal %s, which an earlier entry had seen", o.Short())
		case n.Size < h.Size:
			return fmt.Errorf("it has seen %d entries of %s, an earlier entry %d", n.Size, o.Short(), h.Size)
		case n.Size == h.Size && n.Root != h.Root:
			return fmt.Errorf("it names another root for %d entries of %s than an earlier entry", n.Size, o.Short())
		}
	}
	return nil
}
