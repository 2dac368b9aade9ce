// Package journaltest holds an in-memory journal storage and the suite of tests
// that every [journal.Storage] has to pass.
package journaltest

import (
	"bytes"
	"fmt"
	"iter"
	"sync"

	"entente/journal"
)

// Memory is a [journal.Storage] that keeps everything in memory. The zero value
// is empty and ready. It may be used concurrently.
type Memory struct {
	// Fail, if set, is asked before every append; its error makes the append fail
	// with nothing stored.
	Fail func(journal.Batch) error

	mu          sync.RWMutex
	entries     [][]byte
	hashes      []journal.Hash
	checkpoints []kept
}

type kept struct {
	size   int64
	signed []byte
}

// Append stores a copy of the batch, or nothing.
func (m *Memory) Append(b journal.Batch) error {
	if m.Fail != nil {
		if err := m.Fail(b); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.First != int64(len(m.entries)) {
		return fmt.Errorf("journaltest: batch starts at %d, %d entries are stored", b.First, len(m.entries))
	}
	n := 0
	for _, e := range b.Entries {
		n += len(e)
	}
	block := make([]byte, 0, n)
	for _, e := range b.Entries {
		at := len(block)
		block = append(block, e...)
		m.entries = append(m.entries, block[at:len(block):len(block)])
	}
	m.hashes = append(m.hashes, b.Hashes...)
	m.checkpoints = append(m.checkpoints, kept{int64(len(m.entries)), bytes.Clone(b.Checkpoint)})
	return nil
}

// ReadHashes returns stored tree hashes.
func (m *Memory) ReadHashes(indexes []int64) ([]journal.Hash, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]journal.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(m.hashes)) {
			return nil, fmt.Errorf("journaltest: tree hash %d is not stored", x)
		}
		out[i] = m.hashes[x]
	}
	return out, nil
}

// Read yields stored entries.
func (m *Memory) Read(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := from; i < to; i++ {
			m.mu.RLock()
			var e []byte
			ok := i >= 0 && i < int64(len(m.entries))
			if ok {
				e = m.entries[i]
			}
			m.mu.RUnlock()
			if !ok {
				yield(nil, fmt.Errorf("journaltest: entry %d is not stored", i))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Checkpoints yields the kept checkpoints from a size on.
func (m *Memory) Checkpoints(fromSize int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		m.mu.RLock()
		list := m.checkpoints
		m.mu.RUnlock()
		for _, c := range list {
			if c.size >= fromSize && !yield(c.signed, nil) {
				return
			}
		}
	}
}

// Latest returns the last checkpoint, nil when empty.
func (m *Memory) Latest() ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.checkpoints) == 0 {
		return nil, nil
	}
	return m.checkpoints[len(m.checkpoints)-1].signed, nil
}

// Snapshot returns an independent copy, as a backup would be.
func (m *Memory) Snapshot() *Memory {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return &Memory{entries: append([][]byte(nil), m.entries...), hashes: append([]journal.Hash(nil), m.hashes...),
		checkpoints: append([]kept(nil), m.checkpoints...)}
}

// Alter changes the stored bytes of an entry behind everybody's back, for tests
// of what notices. It panics if there is no such entry.
func (m *Memory) Alter(index int64, change func([]byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append([][]byte(nil), m.entries...)
	m.entries[index] = change(bytes.Clone(m.entries[index]))
}

// AlterCheckpoint changes a kept checkpoint, counted from 0.
func (m *Memory) AlterCheckpoint(i int, change func([]byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checkpoints = append([]kept(nil), m.checkpoints...)
	m.checkpoints[i].signed = change(bytes.Clone(m.checkpoints[i].signed))
}

// AlterHash changes a stored tree hash.
func (m *Memory) AlterHash(i int64, h journal.Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hashes = append([]journal.Hash(nil), m.hashes...)
	m.hashes[i] = h
}
