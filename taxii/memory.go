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

// MemoryStore is a [Store] and a [Writer] that keeps everything in memory: for tests, for examples and for small, passing feeds.
// Its zero value is not usable; see [NewMemoryStore].
type MemoryStore struct {
	now func() time.Time

	mu          sync.RWMutex // guards what follows
	collections []Collection
	contents    map[string]*memoryCollection
}

type memoryCollection struct {
	records []Record         // ascending Seq; Seq is index+1; append-only, without ID where one was removed
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
// of r are ignored. What is there already, byte for byte, is returned as it is and not added again. An object whose ID,
// Version and SpecVersion are there with other bytes is a conflict, and is kept too: without a Version, so that it goes
// by when it was added. r.Raw is copied.
func (m *MemoryStore) Add(collection string, r Record) (Record, error) {
	r, _, err := m.add(collection, r)
	return r, err
}

func (m *MemoryStore) add(collection string, r Record) (added Record, conflict bool, err error) {
	if r.ID == "" || !looksLikeObject(r.Raw) {
		return Record{}, false, errors.New("taxii: a record needs an id and a JSON object")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.contents[collection]
	if !ok {
		return Record{}, false, fmt.Errorf("%w: %s", ErrNoCollection, collection)
	}
	for _, i := range c.byID[r.ID] {
		old := c.records[i]
		if bytes.Equal(old.Raw, r.Raw) && (old.Version == r.Version || old.Version == "") {
			return old, false, nil
		}
		conflict = conflict || r.Version != "" && old.Version == r.Version && old.specVersion() == r.specVersion()
	}
	if conflict {
		r.Version = ""
	}
	r.Seq = uint64(len(c.records)) + 1
	r.Added = m.now().UTC().Truncate(time.Microsecond)
	if n := len(c.records); n > 0 && !r.Added.After(c.records[n-1].Added) {
		r.Added = c.records[n-1].Added.Add(time.Microsecond)
	}
	r.Raw, r.Only = bytes.Clone(r.Raw), false
	c.byID[r.ID] = append(c.byID[r.ID], len(c.records))
	c.records = append(c.records, r)
	return r, conflict, nil
}

// Put implements [Writer]. It takes in every JSON object that has an id and a type.
func (m *MemoryStore) Put(ctx context.Context, b Batch) ([]Result, error) {
	out := make([]Result, len(b.Objects))
	for i, raw := range b.Objects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := readHeader(raw)
		if err != nil {
			id, version := peekHeader(raw)
			out[i] = Result{ID: id, Version: version, Refused: true, Message: err.Error()}
			continue
		}
		added, conflict, err := m.add(b.Collection, r)
		if err != nil {
			return nil, err
		}
		out[i] = Result{ID: r.ID, Version: r.Version}
		if conflict {
			out[i].Message = "conflict: this id and version are here with other content; both are kept, this one as the version " + FormatTime(added.Added)
		}
	}
	return out, nil
}

// Remove implements [Writer].
func (m *MemoryStore) Remove(ctx context.Context, r Removal) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.contents[r.Collection]
	if !ok {
		return 0, fmt.Errorf("%w: %s", ErrNoCollection, r.Collection)
	}
	n := 0
	records := slices.Clone(c.records) // readers walk the old ones
	for _, gone := range r.Records {
		at := slices.IndexFunc(c.byID[r.ID], func(i int) bool { return records[i].Seq == gone.Seq })
		if at < 0 {
			continue
		}
		i := c.byID[r.ID][at]
		records[i] = Record{Seq: records[i].Seq, Added: records[i].Added}
		c.byID[r.ID] = slices.Delete(slices.Clone(c.byID[r.ID]), at, at+1)
		n++
	}
	if len(c.byID[r.ID]) == 0 {
		delete(c.byID, r.ID)
	}
	c.records = records
	return n, ctx.Err()
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
			if r.ID == "" || !q.Matches(r) {
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
