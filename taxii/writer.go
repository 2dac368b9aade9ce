package taxii

import "context"

// Writer is the write side of a [Store]. A store that implements it can have collections that clients add to and
// delete from (sections 5.5 and 5.7); [MemoryStore] is one, and taxiitest.TestWriter checks any other. Which collection
// is written to by whom is decided before: a Writer is called only for a collection that is [Collection.Writable], for
// a principal that [Principal.MayWrite].
//
// Both methods are called concurrently, also for one collection.
type Writer interface {
	// Put takes in objects, in their order. When it returns without an error it has decided about each: there is one
	// Result for each object, in the same order, and what was taken in is durable and visible. What is refused leaves
	// nothing behind and stops nothing else.
	//
	// An object that is there already, byte for byte, is taken in without a new record. One with an id and version
	// that are there with other bytes is a conflict: it becomes a record of its own (with an empty Version, so that
	// TAXII names it by when it was added), and its Result says so. Neither is lost, and both are served.
	//
	// After an error nothing is known of the objects; putting them again does no harm.
	Put(ctx context.Context, b Batch) ([]Result, error)

	// Remove takes records out of a collection, durably, and tells how many were there. From then on they are in no
	// answer, also not in that of a run of pages that began before. What is gone already is no error.
	Remove(ctx context.Context, r Removal) (int, error)
}

// Batch is some objects that a client adds to a collection.
type Batch struct {
	Collection string // id
	Principal  string // name of who adds them
	// Objects are the texts as they came, each to be kept byte for byte. They are elements of the envelope's objects and
	// nothing more is known of them: not that they are JSON, and not that they are objects. The writer may keep them.
	Objects [][]byte
}

// Result is what became of one object of a [Batch].
type Result struct {
	ID      string // of the object; empty when it could not be read
	Version string // its modified or created; empty when it has neither or could not be read
	Refused bool   // it was not taken in
	Message string // why not, or a remark on what was; for people, empty when there is nothing to say
}

// Removal is what a client deletes from a collection.
type Removal struct {
	Collection string   // id
	Principal  string   // name of who deletes
	ID         string   // of the object
	Records    []Record // its records that go, as Versions yielded them
}
