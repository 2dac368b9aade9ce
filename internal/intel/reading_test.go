package intel_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"testing"

	"entente/internal/intel"
	"entente/internal/store"
	"entente/taxii"
)

// cutting calls cut at the n-th row that is asked for.
type cutting struct {
	intel.Objects
	reads, at int
	cut       func()
}

func (c *cutting) read() {
	if c.reads++; c.reads == c.at {
		c.cut()
	}
}

func (c *cutting) Get(key []byte) ([]byte, bool, error) { return c.rows(c.Objects).Get(key) }

func (c *cutting) GetMany(keys [][]byte) ([][]byte, error) { return c.rows(c.Objects).GetMany(keys) }

func (c *cutting) Scan(from, to []byte, reverse bool) iter.Seq2[intel.Row, error] {
	return c.rows(c.Objects).Scan(from, to, reverse)
}

func (c *cutting) rows(r intel.Rows) cutRows { return cutRows{r, c} }

func (c *cutting) View() (intel.View, error) {
	v, err := c.Objects.View()
	if err != nil {
		return nil, err
	}
	return cutView{c.rows(v), v}, nil
}

type cutRows struct {
	intel.Rows
	c *cutting
}

func (r cutRows) Get(key []byte) ([]byte, bool, error) {
	r.c.read()
	return r.Rows.Get(key)
}

func (r cutRows) GetMany(keys [][]byte) ([][]byte, error) {
	r.c.read()
	return r.Rows.GetMany(keys)
}

func (r cutRows) Scan(from, to []byte, reverse bool) iter.Seq2[intel.Row, error] {
	return func(yield func(intel.Row, error) bool) {
		r.c.read()
		for row, err := range r.Rows.Scan(from, to, reverse) {
			if !yield(row, err) {
				return
			}
			r.c.read()
		}
	}
}

type cutView struct {
	cutRows
	v intel.View
}

func (v cutView) Close() error { return v.v.Close() }

// TestReadersSeeOneMoment: whatever is read, and at whichever of its rows a rebuild takes everything away, the answer
// is that of the moment when it began.
func TestReadersSeeOneMoment(t *testing.T) {
	t.Run("memory", func(t *testing.T) { readersSeeOneMoment(t, &intel.Memory{}) })
	t.Run("disk", func(t *testing.T) {
		o, err := store.OpenObjects(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		readersSeeOneMoment(t, o)
	})
}

func readersSeeOneMoment(t *testing.T, inner intel.Objects) {
	ctx := context.Background()
	w := newWorld(t)
	c := &cutting{Objects: inner}
	w.objects = c
	w.open(t)
	var first []string
	for i := range 3 {
		first = append(first, indicator(i, 1, fmt.Sprintf("a%d.one.example", i), `,"name":"seldom word"`), indicator(i, 2, fmt.Sprintf("b%d.one.example", i), `,"name":"seldom word"`))
	}
	first = append(first, prose("malware", 1, `,"name":"seldom"`), relation(7, idOf(1), sdo("malware", 1)), relation(8, idOf(2), sdo("malware", 1)))
	w.load(t, "first", first...)
	r, plain := sent(1, 1, indicator(20, 1, "20.two.example"), indicator(21, 1, "8.8.8.8"))
	w.receive(t, r, plain)
	if err := w.in.UpdateActive(ctx); err != nil {
		t.Fatal(err)
	}
	s := w.in.TAXII(nil)
	records := func(seq iter.Seq2[taxii.Record, error]) (string, error) {
		out := ""
		for r, err := range seq {
			if err != nil {
				return out, err
			}
			out += fmt.Sprintln(r.ID, r.Version, r.Seq, r.Only, len(r.Group), len(r.Raw))
		}
		return out, nil
	}
	found := func(list []intel.Found, err error) (string, error) {
		out := ""
		for _, f := range list {
			out += fmt.Sprintln(f.ID, f.Version, f.State, f.Conflict, len(f.Provenance))
		}
		return out, err
	}
	searched := func(q intel.Query) func() (string, error) {
		return func() (string, error) {
			p, err := w.in.Search(ctx, q)
			return found(p.Objects, err)
		}
	}
	readers := map[string]func() (string, error){
		"search":           searched(intel.Query{}),
		"search by value":  searched(intel.Query{Value: "one.example", Children: true}),
		"search by text":   searched(intel.Query{Text: "sel* word"}),
		"search by source": searched(intel.Query{Source: "first"}),
		"search by type":   searched(intel.Query{Type: "indicator", Held: true}),
		"select": func() (string, error) {
			var list []intel.Found
			for f, err := range w.in.Select(ctx, intel.Query{}) {
				if err != nil {
					return "", err
				}
				list = append(list, f)
			}
			return found(list, nil)
		},
		"by id":       func() (string, error) { return found(w.in.Get(ctx, idOf(1))) },
		"newest here": func() (string, error) { raw, err := w.in.NewestHere(ctx, idOf(1)); return string(raw), err },
		"neighbours": func() (string, error) {
			n, err := w.in.Neighbours(ctx, intel.GraphQuery{ID: idOf(1), Depth: 4})
			out := ""
			for _, o := range n.Objects {
				out += fmt.Sprintln(o.ID, o.Depth, len(o.Edges), o.Object != nil)
			}
			return out, err
		},
		"counts": func() (string, error) { n, err := w.in.Counts(ctx); return fmt.Sprint(n), err },
		"intake": func() (string, error) {
			p, err := w.in.Intake(ctx, intel.IntakeFilter{})
			return fmt.Sprint(len(p.Items), p), err
		},
		"a TAXII page": func() (string, error) {
			return records(s.Scan(ctx, intel.CollectionAll(), taxii.Query{UpTo: math.MaxInt64}))
		},
		"a manifest": func() (string, error) {
			return records(s.Scan(ctx, intel.CollectionLocal(), taxii.Query{UpTo: math.MaxInt64, NoRaw: true}))
		},
		"TAXII by ids": func() (string, error) {
			return records(s.Scan(ctx, intel.CollectionAll(), taxii.Query{UpTo: math.MaxInt64, IDs: []string{idOf(1), idOf(2)}}))
		},
		"versions over TAXII": func() (string, error) { return records(s.Versions(ctx, intel.CollectionAll(), idOf(1))) },
		"a partner's records": func() (string, error) {
			return records(s.Scan(ctx, intel.CollectionOf(unitID(1), partyID(1)), taxii.Query{UpTo: math.MaxInt64}))
		},
		"head": func() (string, error) { n, err := s.Head(ctx, intel.CollectionAll()); return fmt.Sprint(n), err },
		"what sensors get": func() (string, error) {
			out := ""
			for a, err := range w.in.Active(ctx, 0, intel.ActiveBuckets) {
				if err != nil {
					return out, err
				}
				out += fmt.Sprintln(a)
			}
			return out, nil
		},
	}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			before, err := read()
			if err != nil || before == "" {
				t.Fatalf("%q, %v", before, err)
			}
			for at := 1; ; at++ {
				c.reads, c.at = 0, at
				c.cut = func() {
					if err := inner.Reset(nil); err != nil { // a rebuild that has only just begun
						t.Fatal(err)
					}
				}
				got, err := read()
				done := c.reads < at
				c.at = 0
				if err != nil || got != before {
					t.Fatalf("cut at row %d: %q, %v, not %q", at, got, err, before)
				}
				if done {
					break
				}
				if err := w.in.Rebuild(ctx, nil); err != nil {
					t.Fatal(err)
				}
				if err := w.in.UpdateActive(ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
