package intel

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"

	"entente/journal"
)

// Counts says how much a node knows.
type Counts struct {
	Accepted    int64            // objects that may be used
	Types       map[string]int64 // of them
	Local       int64            // of them, imported here
	Quarantined int64            // arrivals that wait for a decision
	Rejected    int64            // arrivals
	Conflicts   int64            // objects beyond the first of one id and version
	Feeds       []FeedCount      // by unit and partner
}

// FeedCount counts the accepted objects that one partner sent in one unit.
type FeedCount struct {
	Unit  journal.UnitID
	Party journal.PartyID
	Types map[string]int64
	Total int64
}

// Counts reads the counters; it counts nothing.
func (in *Intel) Counts(ctx context.Context) (c Counts, err error) {
	err = in.view(func(v reading) (err error) {
		c, err = v.allCounts()
		return err
	})
	return c, errors.Join(err, ctx.Err())
}

func (v reading) allCounts() (c Counts, err error) {
	if c.Types, c.Accepted, err = v.countsOf(allColl()); err != nil {
		return c, err
	}
	if _, c.Local, err = v.countsOf(localColl()); err != nil {
		return c, err
	}
	held, _, err := v.countsOf(collID{})
	if err != nil {
		return c, err
	}
	c.Quarantined, c.Rejected, c.Conflicts = held[string(Quarantined)], held[string(Rejected)], held[countConflicts]
	feeds, err := v.feeds()
	if err != nil {
		return c, err
	}
	for _, f := range feeds {
		n := FeedCount{Unit: f.Unit, Party: f.Party}
		if n.Types, n.Total, err = v.countsOf(partnerColl(f.Unit, f.Party)); err != nil {
			return c, err
		}
		c.Feeds = append(c.Feeds, n)
	}
	return c, nil
}

func (v reading) countsOf(c collID) (map[string]int64, int64, error) {
	out := map[string]int64{}
	var total int64
	prefix := countKey(c, "")
	for row, err := range v.Scan(prefix, after(prefix), false) {
		if err != nil {
			return nil, 0, err
		}
		n, err := number(row.Value)
		if err != nil {
			return nil, 0, err
		}
		out[string(row.Key[len(prefix):])] = n
		total += n
	}
	return out, total, nil
}

// feeds lists the units and partners something was received from, by unit and
// party.
func (v reading) feeds() ([]feed, error) {
	var out []feed
	for row, err := range v.Scan([]byte{keySource}, []byte{keySource + 1}, false) {
		if err != nil {
			return nil, err
		}
		var f feed
		if err := unmarshal(row.Value, &f); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b feed) int {
		return slices.Compare([]string{string(a.Unit), string(a.Party)}, []string{string(b.Unit), string(b.Party)})
	})
	return out, nil
}

func unmarshal(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return errBadRow
	}
	return nil
}
