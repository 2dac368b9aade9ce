package journal

import (
	"fmt"
	"slices"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// tree is the compact range of an RFC 6962 tree: the roots of the complete
// subtrees along its right edge, largest first. It appends and gives the root
// without reading anything back.
type tree struct {
	size int64
	edge []Hash
}

// loadTree reads the compact range of the first n entries.
func loadTree(r tlog.HashReader, n int64) (tree, error) {
	if n == 0 {
		return tree{}, nil
	}
	idx := torchwood.RightEdge(n)
	h, err := r.ReadHashes(idx)
	if err != nil {
		return tree{}, fmt.Errorf("journal: reading tree hashes: %w", err)
	}
	if len(h) != len(idx) {
		return tree{}, fmt.Errorf("journal: storage returned %d of %d tree hashes", len(h), len(idx))
	}
	return tree{n, slices.Clone(h)}, nil
}

func (t *tree) clone() tree { return tree{t.size, slices.Clone(t.edge)} }

// add appends a leaf and appends to out the hashes that tlog stores for it
// (tlog.StoredHashes): the leaf and every subtree it completes.
func (t *tree) add(leaf Hash, out []Hash) []Hash {
	out = append(out, leaf)
	h := leaf
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.edge) - 1
		h = tlog.NodeHash(t.edge[last], h)
		t.edge = t.edge[:last]
		out = append(out, h)
	}
	t.edge = append(t.edge, h)
	t.size++
	return out
}

// root returns the RFC 6962 root, for 0 entries the hash of nothing.
func (t *tree) root() Hash {
	n := len(t.edge)
	if n == 0 {
		return hashOf("")
	}
	h := t.edge[n-1]
	for i := n - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edge[i], h)
	}
	return h
}

func (t *tree) head() Head { return Head{t.size, t.root()} }

// overlay reads the hashes of a tree whose first base entries are stored and
// whose later stored hashes are in more.
func overlay(r tlog.HashReader, base int64, more []Hash) tlog.HashReader {
	cut := tlog.StoredHashCount(base)
	return tlog.HashReaderFunc(func(idx []int64) ([]Hash, error) {
		out := make([]Hash, len(idx))
		var stored []int64
		for i, x := range idx {
			switch {
			case x < cut:
				stored = append(stored, x)
			case x-cut < int64(len(more)):
				out[i] = more[x-cut]
			default:
				return nil, fmt.Errorf("journal: tree hash %d is not known", x)
			}
		}
		if len(stored) == 0 {
			return out, nil
		}
		h, err := r.ReadHashes(stored)
		if err != nil {
			return nil, err
		}
		if len(h) != len(stored) {
			return nil, fmt.Errorf("journal: storage returned %d of %d tree hashes", len(h), len(stored))
		}
		j := 0
		for i, x := range idx {
			if x < cut {
				out[i] = h[j]
				j++
			}
		}
		return out, nil
	})
}
