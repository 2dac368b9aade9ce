package taxii

import (
	"context"
	"iter"
	"slices"
	"time"
)

// Store is what a [Handler] reads from. The user of this package implements it over whatever keeps the objects;
// [MemoryStore] is one implementation, and taxiitest.TestStore checks any other.
//
// A collection is an append-only sequence of records, one record for each version of an object. The paging promises of
// the handler (nothing lost, nothing repeated, a page can be asked for again) rest on these promises of the store:
//
//   - Seq is unique in its collection and never reused. Added is strictly increasing with Seq, in whole microseconds.
//   - Visibility follows Seq: once a record can be read, no record with a lower Seq appears later in that collection.
//     A store whose writers commit out of order must hide a record until all before it are there.
//   - A record does not change. It may disappear (retention, deletion).
//   - A collection holds at most one record for the same ID, Version and SpecVersion.
//
// All methods are called concurrently. Versions is also called while a Scan of the same goroutine is under way, so a
// store must not hold a lock that is not re-entrant, or its only connection, across the yields of Scan. Methods return
// promptly with an error that wraps ctx.Err() once ctx is done. Any error they return is answered with status 500 (503
// when it wraps a context error) and logged; its text never reaches the client.
type Store interface {
	// Collections returns the collections of this API root, in the order in which they shall be listed.
	Collections(ctx context.Context) ([]Collection, error)

	// Head returns the Seq of the newest visible record of a collection, 0 if it is empty. The first page of a
	// request takes it as the upper end of everything that its following pages will show.
	Head(ctx context.Context, collection string) (uint64, error)

	// Scan yields, in ascending Seq, the records of a collection with q.After < Seq <= q.UpTo and Added after
	// q.AddedAfter. The remaining fields of q are hints: a store that can use an index should leave out what does
	// not match, one that cannot may ignore them, since the handler filters again. After an error it yields no more.
	Scan(ctx context.Context, collection string, q Query) iter.Seq2[Record, error]

	// Versions yields the headers (Raw may be nil) of every record with this object id, in ascending Seq, and
	// nothing if there is none. From it the handler knows which version is the first, the last, and of the latest
	// specification; it never asks the store to decide that.
	Versions(ctx context.Context, collection, id string) iter.Seq2[Record, error]
}

// Collection describes one collection (TAXII 2.1, section 5.2.1). Who may read it and, if it is writable, write to it
// is decided by the [Principal].
type Collection struct {
	ID          string   // a UUID, section 5.2.1
	Title       string   // required
	Description string   // optional
	Alias       string   // optional; accepted in URLs in place of the ID
	MediaTypes  []string // what objects it holds; STIX 2.1 when empty
	Writable    bool     // clients may add objects and delete them; the store is a [Writer]
}

// Record is one version of one object, as it lies in a collection.
type Record struct {
	Seq         uint64    // position in the collection, from 1
	Added       time.Time // when it was added to the collection; strictly increasing, microseconds
	ID          string    // object id, e.g. indicator--...
	Type        string    // object type, e.g. indicator
	SpecVersion string    // STIX specification version, e.g. 2.1; empty counts as 2.1

	// Version is the object's modified property, or created where it has no modified, exactly as in the object.
	// Empty where it has neither (STIX cyber-observables): then the time it was added serves, as section 5.3.1
	// of TAXII 2.1 leaves to the server.
	Version string

	Media string // media type of the object; derived from SpecVersion when empty

	// Raw is the object as it was received: one JSON object, valid UTF-8. It is served byte for byte. The handler
	// keeps it until the page is written and does not change it, so it must not be a buffer that is used again.
	Raw []byte

	// Only states that the collection held no other record with this ID when the record was read. It saves a call
	// of Versions. False is always correct.
	Only bool

	// Group is what Versions would have yielded for this ID when the record was read, for a store that had to look it up
	// anyway. It saves a call of Versions. Nil is always correct.
	Group []Record
}

// Query says what a Scan shall yield.
type Query struct {
	After      uint64    // only records with a higher Seq
	UpTo       uint64    // only records with this Seq or a lower one
	AddedAfter time.Time // only records added later than this; zero for all

	IDs          []string // hint: only these object ids; empty for all; sorted
	Types        []string // hint: only these object types; empty for all; sorted
	SpecVersions []string // hint: only these specification versions; empty for all; sorted
	NoRaw        bool     // hint: Raw is not needed

	versions *filter // what Shows goes by; nil: every version is wanted
}

// Shows tells whether the record with this Seq can be among those that are shown, by group, which is what Versions would
// yield for its id; of these records ID, Raw, Only and Group are not looked at. A store that knows this much of a record
// before it has read the object need not read, and should leave out, what is not shown. Asking is never necessary.
func (q Query) Shows(seq uint64, group []Record) bool {
	i := slices.IndexFunc(group, func(r Record) bool { return r.Seq == seq })
	if q.versions == nil || i < 0 {
		return true
	}
	chosen := q.versions.choose(group, q.UpTo)
	return q.versions.shows(group[i], chosen)
}

// Matches tells whether r lies in the range and passes the hints of q. Stores without an index can filter with it.
func (q Query) Matches(r Record) bool {
	return r.Seq > q.After && r.Seq <= q.UpTo &&
		(q.AddedAfter.IsZero() || r.Added.After(q.AddedAfter)) &&
		oneOf(q.IDs, r.ID) && oneOf(q.Types, r.Type) && oneOf(q.SpecVersions, r.specVersion())
}

// oneOf tells whether the sorted list is empty or holds s.
func oneOf(sorted []string, s string) bool {
	if len(sorted) == 0 {
		return true
	}
	_, found := slices.BinarySearch(sorted, s)
	return found
}

func (r Record) specVersion() string {
	if r.SpecVersion == "" {
		return "2.1"
	}
	return r.SpecVersion
}

func (r Record) version() string {
	if r.Version == "" {
		return FormatTime(r.Added)
	}
	return r.Version
}

func (r Record) media() string {
	if r.Media == "" {
		return "application/stix+json;version=" + r.specVersion()
	}
	return r.Media
}
