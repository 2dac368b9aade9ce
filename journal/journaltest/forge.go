package journaltest

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
)

// Forge plays a hostile writer: it signs whatever entries it is given, in this
// order, as a journal of this origin, and returns it with one checkpoint. No rule
// is checked.
func Forge(t testing.TB, o journal.Origin, entries [][]byte, keys ...*journal.PrivateKey) *Memory {
	t.Helper()
	m := new(Memory)
	ForgeMore(t, m, o, entries, keys...)
	return m
}

// ForgeMore appends forged entries and a checkpoint over all of them.
func ForgeMore(t testing.TB, m *Memory, o journal.Origin, entries [][]byte, keys ...*journal.PrivateKey) {
	t.Helper()
	base := int64(len(m.entries))
	scratch := &Memory{hashes: append([]journal.Hash(nil), m.hashes...)}
	for i, raw := range entries {
		hs, err := tlog.StoredHashes(base+int64(i), raw, scratch)
		if err != nil {
			t.Fatal(err)
		}
		scratch.hashes = append(scratch.hashes, hs...)
	}
	size := base + int64(len(entries))
	root, err := tlog.TreeHash(size, scratch)
	if err != nil {
		t.Fatal(err)
	}
	cp, err := journal.SignCheckpoint(o, journal.Head{Size: size, Root: root}, Start, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Append(journal.Batch{First: base, Entries: entries, Hashes: scratch.hashes[len(m.hashes):], Checkpoint: cp}); err != nil {
		t.Fatal(err)
	}
}
