package cli

import (
	"cmp"
	"slices"
	"time"

	"entente/internal/node"
	"entente/internal/watch/seen"
	"entente/internal/watch/sighting"
)

// maxSpread is the number of values and days of which a watcher counts machines; those of further ones are not counted.
const maxSpread = 4096

// spread counts at how many machines each value was seen on each day, for the node.
type spread struct {
	days   map[seen.Day]*machines
	newest string // day
}

type machines struct {
	seen.Machines
	fresh []byte // hashes that the node was not told
}

// add counts the machine of a hit.
func (s *spread) add(h *sighting.Hit, now time.Time) {
	if h.Host == "" {
		return
	}
	at := h.Time
	if at.IsZero() {
		at = now
	}
	k := seen.Day{Indicator: h.ID, Value: h.Value, Day: at.UTC().Format(time.DateOnly)}
	if k.Value.Type == seen.Pattern {
		k.Value = seen.PatternValue(k.Value.Text)
	}
	m := s.days[k]
	if m == nil {
		if len(s.days) >= maxSpread {
			return
		}
		if s.days == nil {
			s.days = map[seen.Day]*machines{}
		}
		m = &machines{}
		s.days[k] = m
		s.newest = max(s.newest, k.Day)
	}
	if hash := seen.HashMachine(machineName(h.Host)); m.Add(hash) {
		m.fresh = seen.AppendHash(m.fresh, hash)
	}
}

// due gives what the node is to be told, at most so many.
func (s *spread) due(most int) (out []seen.Spread) {
	for k, m := range s.days {
		if len(m.fresh) > 0 && len(out) < most {
			out = append(out, seen.Spread{Day: k, Hashes: slices.Clone(m.fresh[:min(len(m.fresh), 8*seen.MaxHashes)])})
		}
	}
	slices.SortFunc(out, func(a, b seen.Spread) int {
		return cmp.Or(cmp.Compare(a.Day.Day, b.Day.Day), cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.Value.Key(), b.Value.Key()))
	})
	return out
}

// told notes what the node was told, and forgets days that are over.
func (s *spread) told(list []seen.Spread) {
	for _, x := range list {
		if m := s.days[x.Day]; m != nil {
			m.fresh = m.fresh[len(x.Hashes):]
		}
	}
	newest, err := time.Parse(time.DateOnly, s.newest)
	if err != nil {
		return
	}
	before := newest.AddDate(0, 0, -2).Format(time.DateOnly)
	for k, m := range s.days {
		if len(m.fresh) == 0 && k.Day < before {
			delete(s.days, k)
		}
	}
}

// restore takes back what the node was not told before a stop.
func (s *spread) restore(list []seen.Spread) {
	for _, x := range list {
		if len(s.days) >= maxSpread || len(x.Hashes)%8 != 0 {
			return
		}
		if s.days == nil {
			s.days = map[seen.Day]*machines{}
		}
		s.days[x.Day] = &machines{fresh: x.Hashes}
		s.newest = max(s.newest, x.Day.Day)
	}
}

func watchMachines(list []seen.Spread) (out []node.WatchMachines) {
	for _, x := range list {
		out = append(out, node.WatchMachines{Indicator: x.Indicator, Type: string(x.Value.Type), Value: x.Value.Text, Day: x.Day.Day, Hashes: x.Hashes})
	}
	return out
}
