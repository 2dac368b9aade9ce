package taxiitest

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"entente/taxii"
)

const collectionID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"

func openMemory(t testing.TB) Subject {
	store := taxii.NewMemoryStore(time.Now)
	if err := store.AddCollection(taxii.Collection{ID: collectionID, Title: "Test", Writable: true}); err != nil {
		t.Fatal(err)
	}
	return Subject{Store: store, Collection: collectionID, Add: func(_ context.Context, records ...taxii.Record) error {
		for _, r := range records {
			if _, err := store.Add(collectionID, r); err != nil {
				return err
			}
		}
		return nil
	}}
}

func TestMemoryStore(t *testing.T) { TestStore(t, openMemory) }

func TestMemoryWriter(t *testing.T) { TestWriter(t, openMemory) }

// brokenWriter is a writer that keeps all promises but one.
type brokenWriter struct {
	*taxii.MemoryStore
	put    func(taxii.Batch, []taxii.Result) (taxii.Batch, []taxii.Result)
	remove func(taxii.Removal) taxii.Removal
}

func (b brokenWriter) Put(ctx context.Context, batch taxii.Batch) ([]taxii.Result, error) {
	results := []taxii.Result(nil)
	if b.put != nil {
		batch, results = b.put(batch, nil)
	}
	if results != nil {
		return results, nil
	}
	results, err := b.MemoryStore.Put(ctx, batch)
	if b.put != nil {
		_, results = b.put(batch, results)
	}
	return results, err
}

func (b brokenWriter) Remove(ctx context.Context, r taxii.Removal) (int, error) {
	n := len(r.Records)
	if b.remove != nil {
		r = b.remove(r)
	}
	if _, err := b.MemoryStore.Remove(ctx, r); err != nil {
		return 0, err
	}
	return n, nil
}

// Every check of a writer finds the fault it is there for.
func TestWriterChecksFindFaults(t *testing.T) {
	fault := func(change func(taxii.Batch, []taxii.Result) (taxii.Batch, []taxii.Result), remove func(taxii.Removal) taxii.Removal) func(*taxii.MemoryStore) taxii.Store {
		return func(m *taxii.MemoryStore) taxii.Store { return brokenWriter{m, change, remove} }
	}
	for _, tt := range []struct {
		check string
		store func(*taxii.MemoryStore) taxii.Store
	}{
		{"objects put come in order, byte for byte", fault(func(b taxii.Batch, r []taxii.Result) (taxii.Batch, []taxii.Result) {
			slices.Reverse(b.Objects)
			slices.Reverse(r)
			return b, r
		}, nil)},
		{"a bad object is refused alone", fault(func(b taxii.Batch, r []taxii.Result) (taxii.Batch, []taxii.Result) {
			for i := range r {
				r[i].Refused = false
			}
			return b, r
		}, nil)},
		{"the same bytes are taken in and make no second record", fault(func(b taxii.Batch, r []taxii.Result) (taxii.Batch, []taxii.Result) {
			if r == nil {
				b.Objects = slices.Clone(b.Objects)
				for i, o := range b.Objects {
					b.Objects[i] = append([]byte("{"+string(rune(' '))), o[1:]...)
				}
				if len(b.Objects) == 2 {
					b.Objects[1] = append([]byte("{  "), b.Objects[1][1:]...)
				}
			}
			return b, r
		}, nil)},
		{"another content of a version is told and kept", fault(func(b taxii.Batch, r []taxii.Result) (taxii.Batch, []taxii.Result) {
			for i := range r {
				r[i].Message = ""
			}
			return b, r
		}, nil)},
		{"what was removed is in no answer", fault(nil, func(r taxii.Removal) taxii.Removal { r.Records = nil; return r })},
		{"what is gone can be removed again, and put again", fault(nil, nil)},
		{"dates added stay unique while many write", fault(func(b taxii.Batch, r []taxii.Result) (taxii.Batch, []taxii.Result) {
			if r == nil {
				return b, make([]taxii.Result, len(b.Objects))
			}
			return b, r
		}, nil)},
	} {
		t.Run(tt.check, func(t *testing.T) {
			s := openMemory(t)
			s.Store = tt.store(s.Store.(*taxii.MemoryStore))
			i := slices.IndexFunc(writerChecks(), func(c check) bool { return c.name == tt.check })
			if err := writerChecks()[i].run(t.Context(), s); err == nil {
				t.Error("the check passed a writer that breaks its promise")
			}
		})
	}
}

// broken is a store that keeps all promises but one.
type broken struct {
	taxii.Store
	scan     func(taxii.Query, iter.Seq2[taxii.Record, error]) iter.Seq2[taxii.Record, error]
	query    func(taxii.Query) taxii.Query
	head     func(uint64) uint64
	versions func(iter.Seq2[taxii.Record, error]) iter.Seq2[taxii.Record, error]
	detached bool
}

func (b broken) Scan(ctx context.Context, c string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	if b.detached {
		ctx = context.WithoutCancel(ctx)
	}
	changed := q
	if b.query != nil {
		changed = b.query(q)
	}
	seq := b.Store.Scan(ctx, c, changed)
	if b.scan != nil {
		seq = b.scan(q, seq)
	}
	return seq
}

func (b broken) Head(ctx context.Context, c string) (uint64, error) {
	n, err := b.Store.Head(ctx, c)
	if b.head != nil {
		n = b.head(n)
	}
	return n, err
}

func (b broken) Versions(ctx context.Context, c, id string) iter.Seq2[taxii.Record, error] {
	seq := b.Store.Versions(ctx, c, id)
	if b.versions != nil {
		seq = b.versions(seq)
	}
	return seq
}

func each(change func(i int, r *taxii.Record) (keep bool)) func(iter.Seq2[taxii.Record, error]) iter.Seq2[taxii.Record, error] {
	return func(seq iter.Seq2[taxii.Record, error]) iter.Seq2[taxii.Record, error] {
		return func(yield func(taxii.Record, error) bool) {
			i := 0
			for r, err := range seq {
				keep := err != nil || change(i, &r)
				i++
				if keep && !yield(r, err) {
					return
				}
			}
		}
	}
}

func scanEach(change func(int, *taxii.Record) bool) func(taxii.Query, iter.Seq2[taxii.Record, error]) iter.Seq2[taxii.Record, error] {
	return func(_ taxii.Query, seq iter.Seq2[taxii.Record, error]) iter.Seq2[taxii.Record, error] {
		return each(change)(seq)
	}
}

// TestSuiteFindsBrokenStores breaks one promise at a time and asks whether the check that is there for it says so.
func TestSuiteFindsBrokenStores(t *testing.T) {
	var buffer []byte
	var mu sync.RWMutex
	tests := []struct {
		check string
		store func(taxii.Store) taxii.Store
		add   func(Subject) func(context.Context, ...taxii.Record) error
	}{
		{check: "an empty collection is listed and yields nothing", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, head: func(n uint64) uint64 { return n + 1 }}
		}},
		{check: "records come in order, as they were added", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool { r.Added = r.Added.Add(time.Nanosecond); return true })}
		}},
		{check: "records come in order, as they were added", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool { r.Added = r.Added.Truncate(time.Hour); return true })}
		}},
		{check: "records come in order, as they were added", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool { r.Raw = append([]byte{' '}, r.Raw...); return true })}
		}},
		{check: "ranges are after and up to", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, query: func(q taxii.Query) taxii.Query { q.After = max(q.After, 1) - 1; return q }}
		}},
		{check: "ranges are after and up to", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, query: func(q taxii.Query) taxii.Query { q.UpTo++; return q }}
		}},
		{check: "added after excludes the moment itself", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, query: func(q taxii.Query) taxii.Query {
				if !q.AddedAfter.IsZero() {
					q.AddedAfter = q.AddedAfter.Add(-time.Nanosecond)
				}
				return q
			}}
		}},
		{check: "hints leave out nothing that matches", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, query: func(q taxii.Query) taxii.Query { q.Types = q.Types[:min(1, len(q.Types))]; return q }}
		}},
		{check: "versions yields every record of an id and no other", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, versions: each(func(i int, r *taxii.Record) bool { return i != 1 })}
		}},
		{check: "only is never said of an id with several records", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool { r.Only = true; return true })}
		}},
		{check: "a group is what versions yields", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool { r.Group = []taxii.Record{*r, *r}; return true })}
		}},
		{check: "the same version is there once", add: func(s Subject) func(context.Context, ...taxii.Record) error {
			n := 0
			return func(ctx context.Context, records ...taxii.Record) error {
				records = slices.Clone(records)
				for i := range records {
					records[i].Raw = append(slices.Clone(records[i].Raw[:1]), records[i].Raw[1:]...)
				}
				if n++; n > 1 {
					for i := range records {
						records[i].Version += "0"
					}
				}
				return s.Add(ctx, records...)
			}
		}},
		{check: "raw bytes outlive the scan", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool {
				buffer = append(buffer[:0], r.Raw...)
				r.Raw = buffer
				return true
			})}
		}},
		{check: "a context that is done ends a scan with its error", store: func(s taxii.Store) taxii.Store {
			return broken{Store: s, detached: true}
		}},
		{check: "nothing appears below a head once seen", store: func(s taxii.Store) taxii.Store {
			n := 0
			return broken{Store: s, scan: scanEach(func(i int, r *taxii.Record) bool {
				mu.Lock()
				defer mu.Unlock()
				n++
				return n%7 != 3 // a commit that is not visible yet, and later is
			})}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.check, func(t *testing.T) {
			s := openMemory(t)
			if tt.store != nil {
				s.Store = tt.store(s.Store)
			}
			if tt.add != nil {
				s.Add = tt.add(s)
			}
			i := slices.IndexFunc(checks(), func(c check) bool { return c.name == tt.check })
			if err := checks()[i].run(t.Context(), s); err == nil {
				t.Error("the check passed a store that breaks its promise")
			}
		})
	}
}
