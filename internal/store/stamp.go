package store

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"entente/journal"
)

// racy is how old a change of a file has to be before an equal time of change says that nothing was changed since: file systems
// count time in steps.
const racy = 200 * time.Millisecond

// Stamp tells apart what a payload's file was and is, without reading it. The zero Stamp is that of a payload that is not here.
type Stamp struct {
	Size    int64     // of the file, in bytes
	Changed time.Time // as the file system says
	// Settled says that a file with an equal stamp is the same one, as far as the file system says the truth.
	Settled bool
}

// Same says that the file is as it was when the earlier stamp was taken.
func (s Stamp) Same(earlier Stamp) bool {
	return earlier.Settled && s.Size == earlier.Size && s.Changed.Equal(earlier.Changed)
}

// Stamp returns the stamp of a payload's file, the zero one if there is none.
func (p *Payloads) Stamp(c journal.Hash) (Stamp, error) {
	_, name := p.path(c)
	info, err := p.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Stamp{}, nil
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("store: payload %s: %w", c, err)
	}
	return Stamp{Size: info.Size(), Changed: info.ModTime(), Settled: time.Since(info.ModTime()) > racy}, nil
}
