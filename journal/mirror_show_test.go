package journal_test

import (
	"bytes"
	"errors"
	"testing"

	"entente/journal"
	"entente/journal/journaltest"

	"golang.org/x/mod/sumdb/tlog"
)

// TestShownTreeProvesARewriting compares two histories of one journal, of every
// pair of small sizes: what the longer tree has at the shorter one's size proves
// the rewriting, also where RFC 6962 leaves the shared part out of the proof.
func TestShownTreeProvesARewriting(t *testing.T) {
	const most = 20
	var histories [2][][]byte
	actors := [2]*actor{open(t, "South"), open(t, "South")}
	origin, key := actors[0].w.Origin(), actors[0].key
	for i, a := range actors {
		a.append(t, notes(100*i, 100*i+most-1)...)
		for raw, err := range a.st.Read(0, most) {
			ok(t, err)
			histories[i] = append(histories[i], bytes.Clone(raw))
		}
	}
	for n := 2; n < most; n++ {
		for size := n + 1; size <= most; size++ {
			m, err := journal.OpenMirror(journaltest.Forge(t, origin, histories[0][:n], key), journal.MirrorParams{Unit: actors[0].unit})
			ok(t, err)
			other := journaltest.Forge(t, origin, histories[1][:size], key)
			cp, err := other.Latest()
			ok(t, err)
			proof, err := tlog.ProveTree(int64(size), int64(n), other)
			ok(t, err)
			root, err := tlog.TreeHash(int64(n), other)
			ok(t, err)
			p := journal.Prefix{Size: int64(n), Root: root, Proof: proof}
			var c *journal.ContradictionError
			if err := m.Show(cp, p); !errors.As(err, &c) || c.Code != journal.CodeRewritten {
				t.Fatalf("%d against %d: %v", n, size, err)
			}
			if err := c.Proof.Verify(m.Keyring()); err != nil {
				t.Fatalf("%d against %d: %v", n, size, err)
			}
			p.Root[0] ^= 1
			if err := m.Show(cp, p); journal.CodeOf(err) != journal.CodeBadRoot {
				t.Fatalf("%d against %d with another root: %v", n, size, err)
			}
			// The same history proves nothing.
			same := journaltest.Forge(t, origin, histories[0][:size], key)
			p.Proof, _ = tlog.ProveTree(int64(size), int64(n), same)
			p.Root, _ = tlog.TreeHash(int64(n), same)
			cp, _ = same.Latest()
			if err := m.Show(cp, p); !errors.Is(err, journal.ErrStale) {
				t.Fatalf("%d against %d of one history: %v", n, size, err)
			}
		}
	}
}
