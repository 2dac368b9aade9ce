package journal

import (
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// Batch is what one append makes durable: entries, the tree hashes they add and
// the signed checkpoint over all of it.
type Batch struct {
	First      int64    // index of the first entry
	Entries    [][]byte // in index order
	Hashes     []Hash   // tlog stored hashes from StoredHashCount(First) on
	Checkpoint []byte   // signed, over First+len(Entries) entries
}

// Storage keeps one journal, own or mirrored. It verifies nothing; writers and
// mirrors do. Methods may be called concurrently, except Append with itself.
//
// Slices given to Append must not be kept after it returns. Slices yielded by
// Read and Checkpoints are valid until the next step of the iteration, so
// callers that keep them copy them.
type Storage interface {
	// ReadHashes returns tlog stored hashes.
	tlog.HashReader
	// Append makes a batch durable. After a crash either all of it is there or nothing.
	Append(Batch) error
	// Read yields the entries with indexes from (inclusive) to to (exclusive) in
	// order. It yields an error and stops if one cannot be read.
	Read(from, to int64) iter.Seq2[[]byte, error]
	// Checkpoints yields every kept checkpoint with size >= fromSize, ascending.
	Checkpoints(fromSize int64) iter.Seq2[[]byte, error]
	// Latest returns the checkpoint of the last append, nil when empty.
	Latest() (checkpoint []byte, err error)
}

// readEntry parses one stored entry, which has to be the one at its place.
func readEntry(st Storage, index int64) (*Entry, error) {
	for raw, err := range st.Read(index, index+1) {
		if err != nil {
			return nil, fmt.Errorf("journal: reading entry %d: %w", index, err)
		}
		e, err := ParseEntry(append([]byte(nil), raw...))
		if err != nil {
			return nil, asRefusal(err, CodeDamaged, "", index)
		}
		if e.Index != index {
			return nil, refuse(CodeDamaged, e.Origin(), index, "entry %d is stored in its place", e.Index)
		}
		return e, nil
	}
	return nil, fmt.Errorf("journal: entry %d is not stored", index)
}

// ReadGenesis returns the first entry of a stored journal and its body, for
// instance to open a successor. It verifies no signature.
func ReadGenesis(st Storage) (*Entry, GenesisBody, error) {
	cp, err := st.Latest()
	if err != nil {
		return nil, GenesisBody{}, fmt.Errorf("journal: reading the latest checkpoint: %w", err)
	}
	if cp == nil {
		return nil, GenesisBody{}, ErrEmpty
	}
	e, err := readEntry(st, 0)
	if err != nil {
		return nil, GenesisBody{}, err
	}
	g, err := e.Genesis()
	return e, g, err
}
