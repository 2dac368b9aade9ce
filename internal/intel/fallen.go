package intel

import (
	"context"
	"encoding/binary"
	"time"
)

// Standing says how a source stands with a feed that asks for a score.
type Standing struct {
	Low bool // its score is below what the feed asks
	// Since is when it fell, or when it came back; zero: it has been so ever since the feed knows it.
	Since time.Time
}

// Standings tells of the sources that are counted how they stand with a feed, by the score that the feed asks, if there is
// something to tell: they are low, or were. What it tells is remembered, since a
// reader that keeps what it was given has to hear since when it is no more.
func (in *Intel) Standings(ctx context.Context, feed string, least int) (map[string]Standing, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	all, err := in.Sources(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]Standing{}
	t := newTx(in.cfg.Objects)
	for _, c := range all {
		key := givenKey('w', feed+"\x00"+c.Source)
		value, known, err := t.get(key)
		if err != nil {
			return nil, err
		}
		if known && len(value) != 9 {
			return nil, errBadRow
		}
		s := Standing{Low: c.Score() < least}
		if known {
			if at := int64(binary.BigEndian.Uint64(value[1:])); at != 0 {
				s.Since = time.UnixMicro(at).UTC()
			}
		}
		if was := known && value[0] != 0; !known || was != s.Low {
			if known {
				now := time.UnixMicro(in.cfg.Now().UnixMicro()).UTC()
				if after := s.Since.Add(2 * time.Second); after.After(now) { // readers compare seconds
					now = after
				}
				s.Since = now
			}
			row := append([]byte{0}, value8(0)...)
			if s.Low {
				row[0] = 1
			}
			if !s.Since.IsZero() {
				binary.BigEndian.PutUint64(row[1:], uint64(s.Since.UnixMicro()))
			}
			t.set(key, row)
		}
		if s != (Standing{}) {
			out[c.Source] = s
		}
	}
	if len(t.changes) == 0 {
		return out, nil
	}
	return out, in.cfg.Objects.Write(t.changes)
}
