package asset

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// Seen is a finding of one watcher, with some of the lines.
type Seen struct {
	Report
	Sample []Line `json:"sample,omitempty"`
}

// Table gathers findings. The zero Table is empty. It is not safe for concurrent use.
type Table struct {
	all map[Key]*Seen
	of  map[Key]int // by kind, asset and hour
	// Beyond is the number of lines that no finding tells of, because the table was full.
	Beyond int64
}

// Add adds a line and gives its finding, and whether it is a new one; nil if the table is full. stream and number say where
// the line stands.
func (t *Table) Add(k Key, r *record.Record, sources []netip.Addr, stream string, number int64) (s *Seen, isNew bool) {
	if t.all == nil {
		t.all, t.of = map[Key]*Seen{}, map[Key]int{}
	}
	k.Hour = time.Time{}
	if !r.Time.IsZero() {
		k.Hour = r.Time.UTC().Truncate(time.Hour)
	}
	s = t.all[k]
	if s == nil {
		group := Key{Of: k.Of, Asset: k.Asset, Hour: k.Hour}
		if len(t.all) >= MaxFindings || t.of[group] >= MaxPerAsset {
			t.Beyond++
			return nil, false
		}
		k.Value = observable.Value{Type: k.Value.Type, Text: strings.Clone(k.Value.Text)}
		s = &Seen{Report: Report{Key: k}}
		t.all[k] = s
		t.of[group]++
		isNew = true
	}
	c := Count{First: r.Time.UTC(), Last: r.Time.UTC()}
	if r.Time.IsZero() {
		c = Count{}
	}
	for _, a := range sources {
		if len(s.Sources) < MaxSources {
			c.Sources = append(c.Sources, a.String())
		}
	}
	if r.Host != "" && len(s.Hosts) < MaxHosts {
		c.Hosts = append(c.Hosts, machine(r.Host))
	}
	s.Count = s.Count.with(c, s.Count.Count+1)
	if len(s.Sample) < MaxSample && len(r.Line) > 0 {
		text := r.Line[:min(len(r.Line), MaxSampleLine)]
		s.Sample = append(s.Sample, Line{Input: strings.Clone(stream), Number: number, Text: strings.ToValidUTF8(string(text), "\uFFFD"), Cut: len(text) < len(r.Line)})
	}
	return s, isNew
}

// machine is the name of a machine as a report has it.
func machine(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.WithZone("").Unmap().String()
	}
	host = strings.ToValidUTF8(host, "\uFFFD")
	if len(host) > maxHost {
		host = strings.ToValidUTF8(host[:maxHost], "")
	}
	return strings.Clone(host)
}

// Len is the number of findings.
func (t *Table) Len() int { return len(t.all) }

// All lists the findings by their first moment, then by what they are of.
func (t *Table) All() []*Seen {
	list := make([]*Seen, 0, len(t.all))
	for _, s := range t.all {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *Seen) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Value.Text, b.Value.Text), cmp.Compare(a.ID(), b.ID()))
	})
	return list
}

// Restore puts findings of an earlier run back, before the first line.
func (t *Table) Restore(list []*Seen, beyond int64) {
	t.all, t.of, t.Beyond = map[Key]*Seen{}, map[Key]int{}, beyond
	for _, s := range list[:min(len(list), MaxFindings)] {
		k := s.canonical()
		s.Key = k
		t.all[k] = s
		t.of[Key{Of: k.Of, Asset: k.Asset, Hour: k.Hour}]++
	}
}

// Forget drops the findings of hours that ended before a time and that done lets go of.
func (t *Table) Forget(before time.Time, done func(*Seen) bool) {
	for k, s := range t.all {
		if !k.Hour.IsZero() && k.Hour.Add(time.Hour).Before(before) && done(s) {
			delete(t.all, k)
			t.of[Key{Of: k.Of, Asset: k.Asset, Hour: k.Hour}]--
			if group := (Key{Of: k.Of, Asset: k.Asset, Hour: k.Hour}); t.of[group] <= 0 {
				delete(t.of, group)
			}
		}
	}
}
