package node

import (
	"errors"
	"fmt"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

const (
	// chunkOverhead is what a chunk that does not compress is longer by as a payload: at most a few bytes for each
	// 128 KiB and what frames them.
	chunkOverhead = 1 << 10
	// othersShare is the part of the accord's bytes of the day, one in so many, that this node's exhibits leave to
	// everything else that has to be sent that day.
	othersShare = 8
)

// errPaced says that the accord's bytes of the day leave no room for the next chunk.
var errPaced = errors.New("the accord's bytes of the day are used up")

// chunkCost is what a whole chunk of an exhibit takes of a day's bytes if it does not compress.
func chunkCost(x *desk.Exhibit) int64 { return min(x.Chunk, x.Size) + chunkOverhead }

// paceOf works out how the rest of an exhibit goes on if its author sends nothing else and nothing compresses. Every chunk is an
// entry of its author's, and is held against the quota of the day at both ends like any other.
func paceOf(a unit.Allowance, x *desk.Exhibit) ExhibitPace {
	left, today, daily := x.Chunks-x.Have, roomOfDay(a, x)/chunkCost(x), dayOfExhibits(a, x)/chunkCost(x)
	p := ExhibitPace{Clause: a.Clause, PerDay: daily * x.Chunk, Today: today * x.Chunk}
	switch {
	case left == 0 || daily == 0:
	case left <= today:
		p.Ends = a.Next.Add(-24 * time.Hour)
	default:
		days := (left - today + daily - 1) / daily
		p.Ends = a.Next.Add(time.Duration(days-1) * 24 * time.Hour)
	}
	if left > 0 && today == 0 && daily > 0 {
		p.Resumes = a.Next
	}
	return p
}

// dayOfExhibits is how much of a day's bytes exhibits may take. Where a day is hardly more than a chunk, one may take all of it.
func dayOfExhibits(a unit.Allowance, x *desk.Exhibit) int64 {
	most := a.PerDay - a.PerDay/othersShare
	if c := chunkCost(x); c > most && c <= a.PerDay {
		most = c
	}
	return most
}

// roomOfDay is how much of that is left, with what else was sent that day taken off.
func roomOfDay(a unit.Allowance, x *desk.Exhibit) int64 {
	return max(0, dayOfExhibits(a, x)-(a.PerDay-a.Left))
}

// pace says how an exhibit goes on, nil where no accord is in force or nothing is to come. The lock must be held.
func (l *ledger) pace(x *desk.Exhibit) *ExhibitPace {
	a, ok := l.fold.Allowance(x.Party, l.n.now())
	if !ok || x.State != desk.BeingAdded {
		return nil
	}
	p := paceOf(a, x)
	return &p
}

// neverPasses is the decision about an exhibit of which not even one chunk fits into a day; nil where one does.
func (l *ledger) neverPasses(x *desk.Exhibit) *Decision {
	a, ok := l.fold.Allowance(x.Party, l.n.now())
	if !ok || x.Chunks == 0 || chunkCost(x) <= a.PerDay {
		return nil
	}
	d := decision(accord.Decision{Verdict: accord.Refuse, Clause: a.Clause, Code: accord.CodeQuotaBytes,
		Reason: fmt.Sprintf("one chunk takes up to %d bytes, and the accord allows %d in a day, so that it could pass on none", chunkCost(x), a.PerDay)})
	return &d
}

// written says how far the content can be taken in now: the first chunk that is missing, and the end of what the day leaves room for.
// The lock must be held.
func (l *ledger) written(x *unit.Exhibit, res *ExhibitAddResponse) {
	res.Exhibit = l.exhibitView(x, false)
	res.Offset, res.Until = x.Size, x.Size
	missing := x.Missing(1)
	if len(missing) == 0 || x.State != desk.BeingAdded {
		return
	}
	res.Offset = missing[0] * x.Chunk
	if p := res.Exhibit.Pace; p != nil {
		res.Until = min(x.Size, res.Offset+p.Today)
	}
}

// paceText says in a line how an exhibit that is being added goes on. The lock must be held.
func (l *ledger) paceText(ref journal.Ref) string {
	x, _ := l.fold.Exhibit(ref)
	text := fmt.Sprintf("%s of %s", sizeText(min(x.Have*x.Chunk, x.Size)), sizeText(x.Size))
	p := l.pace(&x.Exhibit)
	if p == nil {
		return text
	}
	if p.PerDay == 0 {
		text += fmt.Sprintf("; a piece of it is more than the accord's bytes of a day (%s)", p.Clause)
	}
	if !p.Resumes.IsZero() {
		text += fmt.Sprintf("; by the accord's bytes of the day (%s) it goes on at %s", p.Clause, p.Resumes.Format(time.RFC3339))
	}
	if !p.Ends.IsZero() {
		text += "; it may be whole on " + p.Ends.UTC().Format(time.DateOnly) + " UTC"
	}
	return text
}
