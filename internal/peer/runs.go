package peer

import (
	"bytes"
	"fmt"
	"iter"

	"entente/journal"
)

// Sizes at which Runs closes a run although more would be allowed: large enough that
// a signature is checked for many entries, small enough to keep memory low and to
// lose little when a connection is cut.
const (
	goodRunEntries = 2048
	goodRunBytes   = 2 << 20
)

// rotateMark is in every entry that changes the journal's key. Such an entry must
// be the last of its run, because later checkpoints are signed by the next key. An
// entry that merely contains the text ends a run early, which is harmless.
var rotateMark = []byte(`"` + journal.KindRotate + `"`)

// Runs reads what follows the first from entries of a stored journal as Runs that
// can be sent, each ending at a checkpoint that is kept. With payloads, each Run
// also lists the payloads of its entries, to be offered along with them.
func Runs(st journal.Storage, from int64, payloads bool) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		run, size := Run{First: from}, 0
		for kept, err := range st.Checkpoints(from + 1) {
			if err != nil {
				yield(Run{}, fmt.Errorf("reading checkpoints: %w", err))
				return
			}
			origin, head, err := journal.CheckpointHead(kept)
			if err != nil {
				yield(Run{}, fmt.Errorf("reading checkpoints: %w", err))
				return
			}
			pos := run.First + int64(len(run.Entries))
			if head.Size <= pos {
				continue
			}
			checkpoint := bytes.Clone(kept)
			stretch, bytesMore, rotates, err := readStretch(st, pos, head.Size)
			if err != nil {
				yield(Run{}, err)
				return
			}
			if len(run.Entries) > 0 && (len(run.Entries)+len(stretch) > MaxRunEntries || size+bytesMore > MaxRunBytes) {
				if !offer(yield, run, payloads) {
					return
				}
				run, size = Run{First: pos}, 0
			}
			run.Origin, run.Checkpoint = origin, checkpoint
			run.Entries = append(run.Entries, stretch...)
			size += bytesMore
			if rotates || len(run.Entries) >= goodRunEntries || size >= goodRunBytes {
				if !offer(yield, run, payloads) {
					return
				}
				run, size = Run{First: head.Size}, 0
			}
		}
		if len(run.Entries) > 0 {
			offer(yield, run, payloads)
		}
	}
}

func offer(yield func(Run, error) bool, run Run, payloads bool) bool {
	if payloads {
		for i, raw := range run.Entries {
			e, err := journal.ParseEntry(raw)
			if err != nil {
				return yield(Run{}, fmt.Errorf("entry %d of %s: %w", run.First+int64(i), run.Origin.Short(), err))
			}
			if e.Payload != nil {
				run.Payloads = append(run.Payloads, e.Payload.Commitment)
			}
		}
	}
	return yield(run, nil)
}

// readStretch copies the entries from (inclusive) to to (exclusive).
func readStretch(st journal.Storage, from, to int64) (entries [][]byte, size int, rotates bool, err error) {
	if to-from > MaxRunEntries {
		return nil, 0, false, fmt.Errorf("%d entries lie under one checkpoint, at most %d can be sent", to-from, MaxRunEntries)
	}
	entries = make([][]byte, 0, to-from)
	for raw, err := range st.Read(from, to) {
		if err != nil {
			return nil, 0, false, fmt.Errorf("reading entries: %w", err)
		}
		entries = append(entries, bytes.Clone(raw))
		size += len(raw)
		rotates = bytes.Contains(raw, rotateMark)
	}
	if int64(len(entries)) != to-from {
		return nil, 0, false, fmt.Errorf("entry %d is not stored", from+int64(len(entries)))
	}
	return entries, size, rotates, nil
}
