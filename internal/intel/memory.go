package intel

import (
	"bytes"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Memory is an [Objects] that keeps everything in memory, for tests and small
// tools. Its zero value is ready for use.
type Memory struct {
	mu  sync.Mutex
	now *memoryView // what is there; a view that was given out is not changed any more
	out bool        // now was given out
}

var _ Objects = (*Memory)(nil)

// memoryView is rows that are not changed any more once it is given out.
type memoryView struct {
	mu   sync.Mutex // for keys
	rows map[string][]byte
	keys []string // sorted; nil when it has to be made
}

func (m *Memory) view() *memoryView {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == nil {
		m.now = &memoryView{}
	}
	m.out = true
	return m.now
}

// View implements Objects.
func (m *Memory) View() (View, error) { return m.view(), nil }

// Get implements Objects.
func (m *Memory) Get(key []byte) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == nil {
		return nil, false, nil
	}
	return m.now.Get(key)
}

// GetMany implements Objects.
func (m *Memory) GetMany(keys [][]byte) ([][]byte, error) { return m.view().GetMany(keys) }

// Scan implements Objects.
func (m *Memory) Scan(from, to []byte, reverse bool) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) { m.view().Scan(from, to, reverse)(yield) }
}

// Write implements Objects.
func (m *Memory) Write(changes []Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.now == nil:
		m.now = &memoryView{}
	case m.out:
		m.now, m.out = &memoryView{rows: maps.Clone(m.now.rows)}, false
	}
	if m.now.rows == nil {
		m.now.rows = map[string][]byte{}
	}
	for _, c := range changes {
		k := strings.Clone(string(c.Key))
		if c.Delete {
			delete(m.now.rows, k)
		} else {
			m.now.rows[k] = append([]byte{}, c.Value...)
		}
	}
	m.now.keys = nil
	return nil
}

// Reset implements Objects.
func (m *Memory) Reset(from []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := &memoryView{rows: map[string][]byte{}}
	if m.now != nil {
		for k, value := range m.now.rows {
			if k < string(from) {
				kept.rows[k] = value
			}
		}
	}
	m.now, m.out = kept, false
	return nil
}

// Sync implements Objects. What is in memory is as durable as it gets.
func (m *Memory) Sync() error { return nil }

// Get implements View.
func (v *memoryView) Get(key []byte) ([]byte, bool, error) {
	value, ok := v.rows[string(key)]
	return bytes.Clone(value), ok, nil
}

// GetMany implements View.
func (v *memoryView) GetMany(keys [][]byte) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, k := range keys {
		values[i] = bytes.Clone(v.rows[string(k)])
	}
	return values, nil
}

// sorted returns the keys, in a slice nobody changes.
func (v *memoryView) sorted() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil {
		v.keys = slices.Sorted(maps.Keys(v.rows))
	}
	return v.keys
}

// Scan implements View.
func (v *memoryView) Scan(from, to []byte, reverse bool) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		keys := v.sorted()
		low, high := sort.SearchStrings(keys, string(from)), len(keys)
		if to != nil {
			high = sort.SearchStrings(keys, string(to))
		}
		for n := low; n < high; n++ {
			k := keys[n]
			if reverse {
				k = keys[high-1-(n-low)]
			}
			if !yield(Row{[]byte(k), v.rows[k]}, nil) {
				return
			}
		}
	}
}

// Close implements View.
func (v *memoryView) Close() error { return nil }
