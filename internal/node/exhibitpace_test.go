package node

import (
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/internal/unit"
)

// TestPace: how far an exhibit may go today, when it goes on, and on which day it may be whole.
func TestPace(t *testing.T) {
	next := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return next.AddDate(0, 0, n) }
	const gib, c = int64(1) << 30, exhibit.ChunkSize
	for _, x := range []struct {
		name              string
		perDay, used      int64
		size, chunk, have int64
		today, daily      int64 // chunks
		waits             bool
		ends              time.Time
		never             bool
	}{
		{name: "10 GiB under the default accord", perDay: 4 * gib, size: 10 * gib, chunk: c, today: 447, daily: 447, ends: day(1)},
		{name: "the same on its second day, when half of it was used", perDay: 4 * gib, used: 2 * gib, size: 10 * gib, chunk: c, have: 447, today: 191, daily: 447, ends: day(1)},
		{name: "the day is used up", perDay: 4 * gib, used: 4*gib - gib/2, size: 10 * gib, chunk: c, have: 447, daily: 447, waits: true, ends: day(1)},
		{name: "more was used than exhibits may", perDay: 4 * gib, used: 4 * gib, size: c, chunk: c, daily: 447, waits: true, ends: day(0)},
		{name: "it fits into today", perDay: 4 * gib, size: gib, chunk: c, today: 447, daily: 447, ends: day(-1)},
		{name: "the largest there is", perDay: 4 * gib, size: desk.MaxExhibitChunks * c, chunk: c, today: 447, daily: 447, ends: day(145)},
		{name: "a day is hardly more than a chunk", perDay: c + 2*chunkOverhead, size: 3 * c, chunk: c, today: 1, daily: 1, ends: day(1)},
		{name: "a small file where a chunk would not pass", perDay: 100_000, size: 1000, chunk: c, today: 43, daily: 43, ends: day(-1)},
		{name: "a chunk is more than a day", perDay: c, size: 3 * c, chunk: c, never: true},
		{name: "nothing is allowed", perDay: 0, size: 1, chunk: c, never: true},
		{name: "all is written", perDay: 4 * gib, size: c, chunk: c, have: 1, today: 447, daily: 447},
		{name: "empty files", perDay: 0, size: 0, chunk: c},
	} {
		e := &desk.Exhibit{Size: x.size, Chunk: x.chunk, Chunks: (x.size + x.chunk - 1) / x.chunk, Have: x.have}
		p := paceOf(unit.Allowance{Clause: "L1", PerDay: x.perDay, Left: x.perDay - x.used, Next: next}, e)
		if p.Today != x.today*x.chunk || p.PerDay != x.daily*x.chunk || !p.Ends.Equal(x.ends) || p.Resumes.IsZero() == x.waits || x.waits && !p.Resumes.Equal(next) || p.Clause != "L1" {
			t.Errorf("%s: %+v", x.name, p)
		}
		if never := e.Chunks > 0 && chunkCost(e) > x.perDay; never != x.never {
			t.Errorf("%s: on no day %v", x.name, never)
		}
	}
}
