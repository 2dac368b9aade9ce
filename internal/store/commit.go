package store

import (
	"bytes"
	"errors"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// maxCommit bounds a commit record: a signed checkpoint with two signatures
// and witness cosignatures has a few KiB.
const maxCommit = 64 << 10

// commit is the readable part of a commit record: the first three lines of a
// C2SP tlog-checkpoint (origin, size, root). A local log closes its batches
// with the same three lines, unsigned, its chain hash in place of the root.
type commit struct {
	origin string
	size   int64
	root   tlog.Hash
}

var errBadCommit = errors.New("not a checkpoint (origin, size, root, each on a line)")

func parseCommit(text []byte) (commit, error) {
	var c commit
	if len(text) > maxCommit {
		return c, errBadCommit
	}
	origin, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok || len(origin) == 0 {
		return c, errBadCommit
	}
	size, rest, ok := bytes.Cut(rest, []byte("\n"))
	if !ok {
		return c, errBadCommit
	}
	root, _, ok := bytes.Cut(rest, []byte("\n"))
	if !ok {
		return c, errBadCommit
	}
	n, err := strconv.ParseInt(string(size), 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != string(size) {
		return c, errBadCommit
	}
	h, err := tlog.ParseHash(string(root))
	if err != nil || h.String() != string(root) {
		return c, errBadCommit
	}
	return commit{string(origin), n, h}, nil
}
