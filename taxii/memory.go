package taxii

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"
	"sync"
	"time"
)

// ErrNoCollection says that a store has no collection with this id.
var ErrNoCollection = errors.New("taxii: no such collection")

// MemoryStore is a [Store] that keeps everything in memory: for tests, for examples and for small, passing feeds.
// Its zero value is not usable; see [NewMemoryStore].
type MemoryStore struct {
	now func() time.Time

	mu          sync.RWMutex // guards what follows
	collections []Collection
	contents    map[string]*memoryCollection
}

type memoryCollection struct {
	records []Record         // ascending Seq; Seq is index+1; append-only
	byID    map[string][]int // indexes into records, ascending
}

// NewMemoryStore returns an empty store that takes the time of what is added from now.
func NewMemoryStore(now func() time.Time) *MemoryStore {
	return &MemoryStore{now: now, contents: make(map[string]*memoryCollection)}
}

// AddCollection makes a new, empty collection. Its id must not be in use.
func (m *MemoryStore) AddCollection(c Collection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.contents[c.ID]; ok || c.ID == "" {
		return fmt.Errorf("taxii: the collection id %q is empty or in use", c.ID)
	}
	m.collections = append(slices.Clip(m.collections), c)
	m.contents[c.ID] = &memoryCollection{byID: make(map[string][]int)}
	return nil
}

// Add appends one version of an object to a collection and returns it with the Seq and Added that it was given; those
// of r are ignored. What is there already, by ID, Version and SpecVersion, is returned as it is and not added again;
// an object without a version is there already if its bytes are. r.Raw is copied.
func (m *MemoryStore) Add(collection string, r Record) (Record, error) {
	if r.ID == "" || !looksLikeObject(r.Raw) {
		return Record{}, errors.New("taxii: a record needs an id and a JSON object")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.contents[collection]
	if !ok {
		return Record{}, fmt.Errorf("%w: %s", ErrNoCollection, collection)
	}
	for _, i := range c.byID[r.ID] {
		old := c.records[i]
		if old.Version == r.Version && old.specVersion() == r.specVersion() && (r.Version != "" || bytes.Equal(old.Raw, r.Raw)) {
			return old, nil
		}
	}
	r.Seq = uint64(len(c.records)) + 1
	r.Added = m.now().UTC().Truncate(time.Microsecond)
	if n := len(c.records); n > 0 && !r.Added.After(c.records[n-1].Added) {
		r.Added = c.records[n-1].Added.Add(time.Microsecond)
	}
	r.Raw, r.Only = bytes.Clone(r.Raw), false
	c.byID[r.ID] = append(c.byID[r.ID], len(c.records))
	c.records = append(c.records, r)
	return r, nil
}

// Collections implements [Store].
func (m *MemoryStore) Collections(ctx context.Context) ([]Collection, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.collections, ctx.Err()
}

// Head implements [Store].
func (m *MemoryStore) Head(ctx context.Context, collection string) (uint64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, ok := m.contents[collection]
	if !ok {
		return 0, fmt.Errorf("%w: %s", ErrNoCollection, collection)
	}
	return uint64(len(c.records)), ctx.Err()
}

// Scan implements [Store].
func (m *MemoryStore) Scan(ctx context.Context, collection string, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		records, err := m.candidates(collection, q)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for i, r := range records {
			if i%1024 == 0 && ctx.Err() != nil {
				yield(Record{}, ctx.Err())
				return
			}
			if !q.Matches(r) {
				continue
			}
			r.Only = m.only(collection, r.ID)
			if q.NoRaw {
				r.Raw = nil
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Versions implements [Store].
func (m *MemoryStore) Versions(ctx context.Context, collection, id string) iter.Seq2[Record, error] {
	return m.Scan(ctx, collection, Query{UpTo: math.MaxUint64, IDs: []string{id}, NoRaw: true})
}

// candidates returns the records among which those of q are, in order: a slice that nobody writes to any more, so that
// no lock is held while it is walked.
func (m *MemoryStore) candidates(collection string, q Query) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, ok := m.contents[collection]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoCollection, collection)
	}
	if len(q.IDs) > 0 {
		var indexes []int
		for _, id := range q.IDs {
			indexes = append(indexes, c.byID[id]...)
		}
		slices.Sort(indexes)
		records := make([]Record, len(indexes))
		for i, at := range indexes {
			records[i] = c.records[at]
		}
		return records, nil
	}
	from := min(q.After, uint64(len(c.records))) // Seq is index+1
	to := max(from, min(q.UpTo, uint64(len(c.records))))
	records := c.records[from:to:to]
	if !q.AddedAfter.IsZero() {
		i := sort.Search(len(records), func(i int) bool { return records[i].Added.After(q.AddedAfter) })
		records = records[i:]
	}
	return records, nil
}

func (m *MemoryStore) only(collection, id string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.contents[collection].byID[id]) == 1
}
