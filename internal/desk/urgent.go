package desk

import (
	"cmp"
	"slices"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// instant is a time that is compared fast, with the place of what it is of.
type instant struct {
	sec     int64
	nsec, i int32
}

func instantOf(t time.Time, i int) instant {
	return instant{t.Unix(), int32(t.Nanosecond()), int32(i)}
}

// ByDue returns requests with their clocks in the order in which they are due, those that are due at one instant as they came; then,
// by id, those that nothing is due of.
func ByDue(requests []*Request) []*Request {
	keys := make([]instant, 0, len(requests))
	var never []*Request
	for i, r := range requests {
		if r.Due.IsZero() {
			never = append(never, r)
		} else {
			keys = append(keys, instantOf(r.Due, i))
		}
	}
	slices.SortFunc(keys, func(a, b instant) int {
		switch {
		case a.sec != b.sec:
			return cmp.Compare(a.sec, b.sec)
		case a.nsec != b.nsec:
			return cmp.Compare(a.nsec, b.nsec)
		}
		return cmp.Compare(a.i, b.i)
	})
	out := make([]*Request, 0, len(requests))
	for _, k := range keys {
		out = append(out, requests[k.i])
	}
	slices.SortStableFunc(never, func(a, b *Request) int { return CompareRefs(a.ID, b.ID) })
	return append(out, never...)
}

// Pressing returns the most pressing need of each request that wants something of a party: those that matter most first (see
// [Need.Rank]), then those that are due first, then by the text of their entries. It returns most of them at most, and how many there are.
func Pressing(requests []*Request, self journal.PartyID, most int) (out []Need, all int) {
	type candidate struct {
		rank int
		due  time.Time
		at   int
	}
	before := func(a, b candidate) int {
		if c := cmp.Or(cmp.Compare(a.rank, b.rank), a.due.Compare(b.due)); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(requests[a.at].ID.String(), requests[b.at].ID.String()), cmp.Compare(a.at, b.at))
	}
	first := func(needs []Need) (at int) {
		for i := range needs {
			if cmp.Or(cmp.Compare(needs[i].Rank(), needs[at].Rank()), needs[i].Due.Compare(needs[at].Due)) < 0 {
				at = i
			}
		}
		return at
	}
	var needs []Need
	var best []candidate
	for i, r := range requests {
		if needs = r.appendNeeds(needs[:0], self); len(needs) == 0 {
			continue
		}
		all++
		n := &needs[first(needs)]
		c := candidate{n.Rank(), n.Due, i}
		if len(best) == most {
			if most == 0 || before(best[most-1], c) < 0 {
				continue
			}
			best = best[:most-1]
		}
		place, _ := slices.BinarySearchFunc(best, c, before)
		best = slices.Insert(best, place, c)
	}
	for _, c := range best {
		needs = requests[c.at].appendNeeds(needs[:0], self)
		n := needs[first(needs)]
		n.Urgency = cmp.Or(n.Urgency, accord.Routine)
		out = append(out, n)
	}
	return out, all
}
