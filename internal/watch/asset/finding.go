package asset

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entente/internal/observable"
	"entente/internal/watch/seen"
)

// Bounds of findings.
const (
	// MaxFindings is the number of findings of a book, and of a table. What would need more is counted only.
	MaxFindings = 10_000
	// MaxPerAsset is the number of findings of one kind that a table has for one asset in one hour.
	MaxPerAsset = 1_000
	// MaxSources is the number of addresses that a finding names, MaxHosts that of machines.
	MaxSources = 16
	MaxHosts   = 8
	maxRuns    = 64
	maxHost    = 255
	maxCount   = 1 << 53
	// ahead is how far what was seen may lie ahead of the clock that judges it.
	ahead = 24 * time.Hour
	// MaxSample is the number of lines that a table keeps of a finding, MaxSampleLine how much of each, in bytes.
	MaxSample     = 3
	MaxSampleLine = 2048
)

// What a finding is of.
const (
	Lookalike = "lookalike" // a name that looks like one of an asset
	Attack    = "attack"    // an indicator was met in a record that concerns an asset
)

// Key is what a finding is of, in an hour.
type Key struct {
	Of    string           `json:"of"`    // Lookalike or Attack
	Asset string           `json:"asset"` // its id
	At    string           `json:"at"`    // the name or the prefix of the asset
	Value observable.Value `json:"value"` // the name that looks like it, or what the indicator names
	// Why is how the name looks like the asset's, or the role in which the asset stands in the record.
	Why       string    `json:"why"`
	IDN       bool      `json:"idn,omitempty"`       // the name has letters beyond ASCII
	Indicator string    `json:"indicator,omitempty"` // of an attack
	Hour      time.Time `json:"hour,omitzero"`       // its beginning; zero where logs do not say
}

// ID names a finding, in 24 hexadecimal digits.
func (k Key) ID() string {
	return name(k.Of, k.Asset, k.At, k.Value.Key(), k.Why, k.Indicator, k.Hour.UTC().Format(time.RFC3339))
}

// Matter names what findings of all hours have in common: one is answered for all of them. Of a pattern the beginning alone is known, so it is told by its indicator.
func (k Key) Matter() string {
	if k.Value.Type == seen.Pattern {
		return name(k.Of, k.Asset, k.Value.Key(), k.Indicator)
	}
	return name(k.Of, k.Asset, k.Value.Key())
}

func name(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Count is what was counted.
type Count struct {
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	Count   int64     `json:"count"`             // of lines
	Sources []string  `json:"sources,omitempty"` // public addresses on the other side
	Hosts   []string  `json:"hosts,omitempty"`   // machines of the party's own
}

// Report is what one run of a watcher counted of one finding so far.
type Report struct {
	Key
	Count
}

// Line is one of the lines of a finding. It never leaves the machine of the watcher by itself.
type Line struct {
	Input  string `json:"input"`
	Number int64  `json:"number,omitzero"`
	Text   string `json:"text"`
	Cut    bool   `json:"cut,omitzero"`
}

// Check tells what is wrong with a report, by the clock of who takes it in.
func (r *Report) Check(now time.Time) error {
	late := now.Add(ahead)
	lower := func(s string) bool {
		return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") == ""
	}
	switch {
	case r.Of != Lookalike && r.Of != Attack:
		return errors.New("it is neither a lookalike nor an attack")
	case !word(r.Asset, maxID) || len(r.At) > 260 || !lower(r.Why):
		return errors.New("the asset, its name or the reason is not one")
	case r.Of == Attack != strings.HasPrefix(r.Indicator, "indicator--") || len(r.Indicator) > 64:
		return errors.New("an attack has the id of a STIX indicator, a lookalike none")
	case !r.Hour.Equal(r.Hour.Truncate(time.Hour)):
		return errors.New("the hour is not the beginning of an hour of UTC")
	case r.Count.Count < 1 || r.Count.Count > maxCount:
		return errors.New("the count is below 1 or too large")
	case r.First.After(r.Last) || r.First.IsZero() != r.Last.IsZero():
		return errors.New("the first time is after the last, or one of them is missing")
	case r.Last.After(late) || r.Hour.After(late):
		return errors.New("it lies ahead of this node's clock by more than a day")
	case !r.Hour.IsZero() && !r.First.IsZero() && (r.First.Before(r.Hour) || !r.Last.Before(r.Hour.Add(time.Hour))):
		return errors.New("the times are not in the hour")
	case len(r.Sources) > MaxSources || len(r.Hosts) > MaxHosts:
		return fmt.Errorf("there are more than %d sources or %d machines", MaxSources, MaxHosts)
	}
	for _, text := range r.Sources {
		if a, err := netip.ParseAddr(text); err != nil || a.String() != text || a.Zone() != "" || a.Is4In6() {
			return errors.New("a source is no address in its canonical form")
		}
	}
	for _, text := range r.Hosts {
		if len(text) > maxHost || text == "" || !utf8.ValidString(text) {
			return fmt.Errorf("a machine's name is empty, longer than %d bytes, or not UTF-8", maxHost)
		}
	}
	v, err := observable.New(r.Value.Type, r.Value.Text)
	if r.Of == Attack && r.Value.Type == seen.Pattern && r.Value.Text != "" {
		v, err = seen.PatternValue(r.Value.Text), nil
	}
	if err != nil || v != r.Value {
		return errors.New("the value is not one in its canonical form")
	}
	return nil
}

func (k Key) canonical() Key {
	k.Hour = k.Hour.UTC()
	return k
}

func union(a, b []string, most int) []string {
	out := a[:len(a):len(a)]
	for _, s := range b {
		if len(out) < most && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// with gives c with what d knows beyond it; n is how often both are.
func (c Count) with(d Count, n int64) Count {
	out := Count{First: c.First, Last: c.Last, Count: min(n, maxCount), Sources: union(c.Sources, d.Sources, MaxSources), Hosts: union(c.Hosts, d.Hosts, MaxHosts)}
	if out.First.IsZero() || !d.First.IsZero() && d.First.Before(out.First) {
		out.First = d.First.UTC()
	}
	if d.Last.After(out.Last) {
		out.Last = d.Last.UTC()
	}
	return out
}

func (c Count) same(d Count) bool {
	return c.Count == d.Count && c.First.Equal(d.First) && c.Last.Equal(d.Last) && slices.Equal(c.Sources, d.Sources) && slices.Equal(c.Hosts, d.Hosts)
}

// Finding is what all watchers together counted.
type Finding struct {
	Key
	Count
	Runs int // of watchers that counted it
}

// Plus adds what was counted apart.
func (c Count) Plus(d Count) Count { return c.with(d, c.Count+d.Count) }

// Book holds findings. The zero Book is empty. It is not safe for concurrent use.
type Book struct {
	all   map[Key]map[string]Count
	lanes seen.Lanes // of queues: what was counted of them
}

// ErrFull is what a report is answered with that would make a book larger than its bounds.
var ErrFull = errors.New("asset: the book is full")

// Take takes in what a run counted, which has passed Check, and tells whether it said anything new.
func (b *Book) Take(run string, r Report) (bool, error) {
	runs, err := b.runsFor(run, r.Key)
	if err != nil {
		return false, err
	}
	was, known := runs[run]
	now := was.with(r.Count, max(was.Count, r.Count.Count))
	if known && now.same(was) {
		return false, nil
	}
	runs[run] = now
	return true, nil
}

// runsFor gives what runs counted of a key, with room for one of them, a new one if there is none. It fails with [ErrFull].
func (b *Book) runsFor(run string, of Key) (map[string]Count, error) {
	k := of.canonical()
	runs := b.all[k]
	if runs == nil {
		if len(b.all) >= MaxFindings {
			return nil, ErrFull
		}
		if b.all == nil {
			b.all = map[Key]map[string]Count{}
		}
		runs = map[string]Count{}
		b.all[k] = runs
	}
	if _, known := runs[run]; !known && len(runs) >= maxRuns {
		return nil, ErrFull
	}
	return runs, nil
}

// Known tells which messages of a queue were counted before.
func (b *Book) Known(run string, x seen.Batch) []uint64 { return b.lanes.Known(run, x) }

// Mark notes that the messages of a batch were counted; each finding of theirs is given to Add. It fails with [ErrFull].
func (b *Book) Mark(run string, x seen.Batch) error {
	if b.lanes.Mark(run, x) != nil {
		return ErrFull
	}
	return nil
}

// Add adds what messages held that were not known, which has passed Check. It fails with [ErrFull].
func (b *Book) Add(run string, r Report) error {
	runs, err := b.runsFor(run, r.Key)
	if err != nil {
		return err
	}
	runs[run] = runs[run].Plus(r.Count)
	return nil
}

// Keys are those of all findings, in no order.
func (b *Book) Keys() iter.Seq[Key] { return maps.Keys(b.all) }

// Len is the number of findings.
func (b *Book) Len() int { return len(b.all) }

func sum(k Key, runs map[string]Count) Finding {
	f := Finding{Key: k, Runs: len(runs)}
	names := make([]string, 0, len(runs))
	for name := range runs {
		names = append(names, name)
	}
	slices.Sort(names) // which sources are named does not depend on chance
	for _, name := range names {
		f.Count = f.Count.with(runs[name], f.Count.Count+runs[name].Count)
	}
	return f
}

// All lists the findings that a filter lets through (nil: all), those that were seen last first.
func (b *Book) All(keep func(*Finding) bool) []Finding {
	out := []Finding{}
	for k, runs := range b.all {
		if f := sum(k, runs); keep == nil || keep(&f) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(x, y Finding) int { return cmp.Or(y.Last.Compare(x.Last), cmp.Compare(x.ID(), y.ID())) })
	return out
}

// Of gives the finding of a key, if there is one.
func (b *Book) Of(k Key) (Finding, bool) {
	k = k.canonical()
	runs, ok := b.all[k]
	if !ok {
		return Finding{}, false
	}
	return sum(k, runs), true
}

// Forget drops what was last seen before a time, and what nobody said a time of.
func (b *Book) Forget(before time.Time) {
	for k, runs := range b.all {
		if f := sum(k, runs); f.Last.Before(before) {
			delete(b.all, k)
		}
	}
}
