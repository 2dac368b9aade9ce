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
	if err := store.AddCollection(taxii.Collection{ID: collectionID, Title: "Test"}); err != nil {
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
