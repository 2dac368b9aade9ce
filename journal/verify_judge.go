package journal

import (
	"bytes"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

func (v *verifier) judge(c *chunk) error {
	for i, r := range c.records {
		if c.err != nil && i == c.bad {
			return asRefusal(c.err, CodeBadEntry, v.led.origin, v.tree.size)
		}
		var err error
		switch r.Kind {
		case RecordEntry:
			err = v.entry(c.entries[i])
		case RecordCheckpoint:
			err = v.checkpoint(r.Content)
		default:
			err = refuse(CodeDamaged, v.led.origin, v.tree.size, "a record of unknown kind %d stands in the journal", r.Kind)
		}
		if err != nil {
			return err
		}
	}
	if err := v.compareHashes(); err != nil {
		return err
	}
	if v.p.Progress != nil {
		v.p.Progress(v.tree.size)
	}
	return nil
}

func (v *verifier) entry(e *Entry) error {
	if l := v.led.last; l != nil && l.Kind == KindRotate && v.covered != v.led.size {
		return refuse(CodeHalfSignature, v.led.origin, l.Index, "the checkpoint after the rotated key, signed by both keys, is missing")
	}
	if r := v.led.step(e, v.p.Known); r != nil {
		// If the tree hash that is kept is another one, these are not the bytes
		// that were taken in: say so, rather than blame the author.
		v.fresh = v.tree.add(e.LeafHash, v.fresh)
		if err := v.compareHashes(); err != nil {
			return err
		}
		return r
	}
	v.fresh = v.tree.add(e.LeafHash, v.fresh)
	if hw := v.p.HighWater; hw != nil && v.tree.size == hw.Size && v.tree.root() != hw.Root {
		return fmt.Errorf("%w (the first %d entries are not the ones that were written)", ErrRolledBack, hw.Size)
	}
	if v.tree.size == 1 {
		v.report.First = e.At
	}
	v.report.Bytes += int64(len(e.Raw))
	v.report.Kinds[e.Kind]++
	return nil
}

// compareHashes compares the tree hashes that storage keeps with those of the
// entries since the last comparison.
func (v *verifier) compareHashes() error {
	n := len(v.fresh)
	if v.st == nil || n == 0 {
		v.fresh, v.from = v.fresh[:0], v.tree.size
		return nil
	}
	base := tlog.StoredHashCount(v.from)
	idx := make([]int64, n)
	for i := range idx {
		idx[i] = base + int64(i)
	}
	kept, err := v.st.ReadHashes(idx)
	if err != nil {
		return fmt.Errorf("journal: reading tree hashes from entry %d on: %w", v.from, err)
	}
	if len(kept) != n {
		return fmt.Errorf("journal: storage returned %d of %d tree hashes", len(kept), n)
	}
	for i := range idx {
		if kept[i] == v.fresh[i] {
			continue
		}
		level, place := tlog.SplitStoredHashIndex(idx[i])
		if level == 0 {
			return refuse(CodeDamaged, v.led.origin, place, "the entry or its kept tree hash was changed: they do not belong together")
		}
		return refuse(CodeDamaged, v.led.origin, (place+1)<<level-1, "the kept tree hash over %d entries up to it was changed", int64(1)<<level)
	}
	v.fresh, v.from = v.fresh[:0], v.tree.size
	return nil
}

// checkpoint checks size and root now and the signatures beside.
func (v *verifier) checkpoint(signed []byte) error {
	o, size := v.led.origin, v.tree.size
	if v.led.keys == nil {
		return refuse(CodeDamaged, o, 0, "a checkpoint stands before the genesis entry")
	}
	if err := v.compareHashes(); err != nil {
		return err
	}
	_, h, err := CheckpointHead(signed)
	if err != nil {
		return asRefusal(err, CodeDamaged, o, size-1)
	}
	if h.Size != size || size <= v.covered {
		return refuse(CodeDamaged, o, size-1, "the checkpoint after it is for size %d", h.Size)
	}
	if root := v.tree.root(); h.Root != root {
		return refuse(CodeBadRoot, o, size-1, "entries %d to %d do not give the signed root: one of them was changed", v.covered, size-1)
	}
	signed = bytes.Clone(signed) // the chunk will be used again
	v.covered, v.last = size, signed
	v.report.Checkpoints++
	keys := v.led.keys
	v.sem <- struct{}{}
	v.signs.Go(func() {
		defer func() { <-v.sem }()
		if _, err := keys.verifyExact(signed); err != nil {
			v.cancel(asRefusal(fmt.Errorf("the checkpoint after it: %w", err), CodeBadSignature, o, size-1))
		}
	})
	return nil
}

// end judges what can only be judged when everything has been read.
func (v *verifier) end() error {
	switch {
	case v.tree.size == 0:
		return ErrEmpty
	case v.covered != v.tree.size:
		return refuse(CodeDamaged, v.led.origin, v.covered, "the entries from it on are covered by no checkpoint")
	case v.p.HighWater != nil && v.tree.size < v.p.HighWater.Size:
		return fmt.Errorf("%w (the journal ends at %d entries, %d were written)", ErrRolledBack, v.tree.size, v.p.HighWater.Size)
	}
	return nil
}

func (v *verifier) fill() {
	l, r := &v.led, &v.report
	r.Origin, r.Unit, r.Party, r.Epoch, r.Name = l.origin, l.unit, l.party, l.epoch, l.identity.Name
	r.Head, r.Keys, r.Identities, r.Certificate = v.tree.head(), l.keys, l.chain, l.cert
	if l.last != nil {
		r.Last = l.last.At
	}
}
