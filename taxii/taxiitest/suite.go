// Package taxiitest checks implementations of [taxii.Store] against every promise of its doc comment that can be tried
// from outside. A store that passes can be served by [taxii.Handler] without losing or repeating an object.
package taxiitest

import (
	"context"
	"testing"
	"time"

	"entente/taxii"
)

// Subject is a store under test.
type Subject struct {
	Store taxii.Store

	// Collection is the id of a collection of Store that is empty and that nobody else writes to.
	Collection string

	// Add puts records into Collection, in their order. When it returns they are visible. ID, Type, SpecVersion,
	// Version and Raw are set and agree with each other; Seq and Added are for the store to give. It is called
	// concurrently. A record that is there already must not make an error.
	Add func(ctx context.Context, records ...taxii.Record) error

	// Reopen closes the store and opens it again over the same data; nil if it keeps none.
	Reopen func(testing.TB) taxii.Store
}

// check tries one promise on a fresh subject. The error says which was broken, and how.
type check struct {
	name string
	run  func(context.Context, Subject) error
}

// TestStore runs the suite, opening a fresh store for each check.
func TestStore(t *testing.T, open func(testing.TB) Subject) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := c.run(ctx, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("what was added is there after reopening", func(t *testing.T) {
		s := open(t)
		if s.Reopen == nil {
			t.Skip("this store keeps nothing beyond its life: Subject.Reopen is nil")
		}
		want, err := fill(t.Context(), s, sample(20)...)
		if err != nil {
			t.Fatal(err)
		}
		s.Store = s.Reopen(t)
		got, err := scan(t.Context(), s, everything)
		if err != nil {
			t.Fatal(err)
		}
		if err := sameRecords(got, want); err != nil {
			t.Fatal(err)
		}
		if err := s.Add(t.Context(), object("indicator", 999, "2030-01-01T00:00:00.000Z", "2.1")); err != nil {
			t.Fatal(err)
		}
		if got, err = scan(t.Context(), s, everything); err != nil {
			t.Fatal(err)
		}
		if err := ordered(got); err != nil || len(got) != len(want)+1 {
			t.Fatalf("after reopening and adding one: %d records, order: %v", len(got), err)
		}
	})
}
