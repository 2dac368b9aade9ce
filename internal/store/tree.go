package store

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// total sums up records one after the other into the hash that commit records
// carry: the Merkle tree of a journal, or the hash chain of a local log.
type total interface {
	// add takes the next record and returns hashes with the tree hashes that
	// are stored for it appended (none for a chain).
	add(s summed, hashes []tlog.Hash) []tlog.Hash
	root() tlog.Hash
}

// summed is what is needed of a record to add it to a total.
type summed struct {
	sum  [sha256.Size]byte // of the bytes, as stored with the record
	leaf tlog.Hash         // RFC 6962 leaf hash; only for trees
}

// edge is the right edge of a Merkle tree of n leaves: the root of each
// complete subtree that the next leaves will be joined with.
type edge struct {
	n     int64
	level [64]tlog.Hash
}

func (t *edge) add(s summed, hashes []tlog.Hash) []tlog.Hash {
	h := s.leaf
	hashes = append(hashes, h)
	l := 0
	for ; t.n>>l&1 == 1; l++ {
		h = tlog.NodeHash(t.level[l], h)
		hashes = append(hashes, h)
	}
	t.level[l] = h
	t.n++
	return hashes
}

func (t *edge) root() tlog.Hash {
	if t.n == 0 {
		return sha256.Sum256(nil) // the root of the empty tree, RFC 6962 section 2.1
	}
	var h tlog.Hash
	first := true
	for l := range t.level {
		if t.n>>l&1 == 0 {
			continue
		}
		if first {
			h, first = t.level[l], false
			continue
		}
		h = tlog.NodeHash(t.level[l], h)
	}
	return h
}

// loadEdge reads the right edge of the tree of n leaves from stored hashes.
func loadEdge(n int64, hashes *table) (*edge, error) {
	t := &edge{n: n}
	for l := range t.level {
		if n>>l&1 == 0 {
			continue
		}
		if err := hashes.read(tlog.StoredHashIndex(l, n>>l-1), t.level[l][:]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// chain is the total of a local log: each link is the SHA-256 of the link
// before it and the record's own SHA-256. It starts at the SHA-256 of nothing.
type chain struct{ link tlog.Hash }

func newChain() *chain { return &chain{sha256.Sum256(nil)} }

func (c *chain) add(s summed, hashes []tlog.Hash) []tlog.Hash {
	var both [2 * sha256.Size]byte
	copy(both[:], c.link[:])
	copy(both[sha256.Size:], s.sum[:])
	c.link = sha256.Sum256(both[:])
	return hashes
}

func (c *chain) root() tlog.Hash { return c.link }
