package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md on what is written, and on what a
// file says when it is read.
func TestLimits(t *testing.T) {
	root := strings.Repeat("A", 43) + "=\n"
	text := func(n int) []byte { return append([]byte("o\n1\n"+root), make([]byte, n-6-len(root)+2)...) }
	head := func(n uint32) []byte {
		h := make([]byte, frameHeader)
		h[0] = kindEntry
		binary.BigEndian.PutUint32(h[1:], n)
		return h
	}
	r := &records{}
	admit := func(n int) error {
		_, err := r.admit(&extent{}, 0, 1, [][]byte{make([]byte, n)}, []byte("o\n1\n"+root), nil)
		return err
	}
	scan := func(n uint32) error {
		_, err := newScanner(bytes.NewReader(head(n)), 0, frameHeader).next()
		if errors.Is(err, errShortRecord) {
			return nil // within the bound, and looked for
		}
		return err
	}
	commit := func(n int) error { _, err := parseCommit(text(n)); return err }
	for _, x := range []struct {
		limit   string
		in, out error
	}{
		{"maxCommit", commit(maxCommit), commit(maxCommit + 1)},
		{"maxRecord, written", admit(maxRecord), admit(maxRecord + 1)},
		{"maxRecord, read", scan(maxRecord), scan(maxRecord + 1)},
	} {
		if x.in != nil || x.out == nil {
			t.Errorf("%s: %v and %v", x.limit, x.in, x.out)
		}
	}
}
