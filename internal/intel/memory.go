package intel

import (
	"bytes"
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Memory is an [Objects] that keeps everything in memory, for tests and small
// tools. Its zero value is ready for use.
type Memory struct {
	mu   sync.RWMutex
	rows map[string][]byte
	keys []string // sorted; nil when it has to be made again
}

var _ Objects = (*Memory)(nil)

// Get implements Objects.
func (m *Memory) Get(key []byte) ([]byte, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.rows[string(key)]
	return bytes.Clone(v), ok, nil
}

// GetMany implements Objects.
func (m *Memory) GetMany(keys [][]byte) ([][]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	values := make([][]byte, len(keys))
	for i, k := range keys {
		values[i] = bytes.Clone(m.rows[string(k)])
	}
	return values, nil
}

// sorted returns the keys as they are now, in a slice nobody changes any more.
func (m *Memory) sorted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil {
		m.keys = make([]string, 0, len(m.rows))
		for k := range m.rows {
			m.keys = append(m.keys, k)
		}
		slices.Sort(m.keys)
	}
	return m.keys
}

// Scan implements Objects.
func (m *Memory) Scan(from, to []byte, reverse bool) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		keys := m.sorted()
		low, high := sort.SearchStrings(keys, string(from)), len(keys)
		if to != nil {
			high = sort.SearchStrings(keys, string(to))
		}
		for n := low; n < high; n++ {
			k := keys[n]
			if reverse {
				k = keys[high-1-(n-low)]
			}
			m.mu.RLock()
			v, ok := m.rows[k]
			m.mu.RUnlock()
			if ok && !yield(Row{[]byte(k), v}, nil) {
				return
			}
		}
	}
}

// Write implements Objects.
func (m *Memory) Write(changes []Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[string][]byte{}
	}
	for _, c := range changes {
		k := strings.Clone(string(c.Key))
		if c.Delete {
			delete(m.rows, k)
		} else {
			m.rows[k] = append([]byte{}, c.Value...)
		}
	}
	m.keys = nil
	return nil
}

// Reset implements Objects.
func (m *Memory) Reset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows, m.keys = nil, nil
	return nil
}
