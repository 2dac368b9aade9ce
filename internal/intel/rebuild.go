package intel

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Rebuild drops everything derived and derives it again from the local log and
// the received payloads. What sensors were given stays known. It is always safe: if it is interrupted, the next
// start goes on where it stopped.
func (in *Intel) Rebuild(ctx context.Context, progress func(Progress)) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.rebuild(ctx, progress)
}

func (in *Intel) rebuild(ctx context.Context, progress func(Progress)) error {
	if err := in.forget(ctx); err != nil {
		return fmt.Errorf("intel: %w", err)
	}
	in.next, in.free, in.ready = 0, 1, false
	return in.catchUp(ctx, progress)
}

// Digest returns the SHA-256 over everything derived, cursor included, except what
// sensors are given, which follows by itself: equal digests mean equal content, byte
// for byte.
func (in *Intel) Digest(ctx context.Context) ([sha256.Size]byte, error) {
	sum := sha256.New()
	var length [8]byte
	n := 0
	for row, err := range in.cfg.Objects.Scan([]byte{0}, []byte{0xff}, false) {
		if n++; err == nil && n%4096 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return [sha256.Size]byte{}, fmt.Errorf("intel: %w", err)
		}
		if row.Key[0] == keyActive || row.Key[0] == keyGiven {
			continue
		}
		for _, part := range [][]byte{row.Key, row.Value} {
			binary.BigEndian.PutUint64(length[:], uint64(len(part)))
			sum.Write(length[:])
			sum.Write(part)
		}
	}
	return [sha256.Size]byte(sum.Sum(nil)), nil
}

// Applied tells, without changing anything, how far derived content is behind a
// log; fits is false if it was derived from another log.
func Applied(log Log, objects Objects) (behind int64, fits bool, err error) {
	value, ok, err := objects.Get(cursorKey)
	if err != nil || !ok {
		return log.Len(), err == nil, err
	}
	next, _, fits, err := readCursorValue(log, value)
	return log.Len() - next, fits, err
}
