// Package seen merges what any number of watchers report into one book of sightings.
//
// A watcher tells of each sighting how often it counted it so far, under the name of its run. So a report may come twice,
// late or in another order and changes nothing; and what several watchers counted of one hour is added up.
//
// It is pure: no I/O, no clock, no randomness.
package seen

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entente/internal/observable"
)

// Bounds of a book and of what goes into it.
const (
	MaxSightings = 100_000 // in a book
	MaxRuns      = 64      // of watchers that counted one sighting
	MaxHost      = 255     // bytes of the name of a machine
	MaxNames     = 16      // roles, and directions, of a sighting
	MaxName      = 32      // bytes of each
	MaxCount     = 1 << 53 // what JSON carries everywhere
	MaxPattern   = 255     // bytes of a pattern's beginning
)

// Pattern is the type of what stands for a whole STIX pattern, of which the beginning is the text.
const Pattern observable.Type = "stix-pattern"

// PatternValue is what stands for a whole pattern.
func PatternValue(text string) observable.Value {
	text = strings.ToValidUTF8(text, "")
	if len(text) > MaxPattern {
		text = strings.ToValidUTF8(text[:MaxPattern], "")
	}
	return observable.Value{Type: Pattern, Text: text}
}

// Ahead is how far what was seen may lie ahead of the clock that judges it: logs are kept by clocks that differ.
const Ahead = 24 * time.Hour

// ErrFull is what a report is answered with that would make a book larger than its bounds.
var ErrFull = errors.New("seen: the book is full")

// Key is what a sighting is of: an indicator and its value, at a machine of the party's own, in an hour.
type Key struct {
	Indicator string           `json:"indicator"`
	Value     observable.Value `json:"value"`
	Host      string           `json:"host,omitempty"` // "" where logs do not say
	Hour      time.Time        `json:"hour,omitzero"`  // its beginning; zero where logs do not say
}

// ID names a sighting at this node, in 24 hexadecimal digits.
func (k Key) ID() string {
	h := sha256.New()
	for _, s := range []string{k.Indicator, k.Value.Key(), k.Host, k.Hour.UTC().Format(time.RFC3339)} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Count is what was counted.
type Count struct {
	First time.Time        `json:"first,omitzero"`
	Last  time.Time        `json:"last,omitzero"`
	Count int64            `json:"count"`
	Roles map[string]int64 `json:"roles,omitempty"`      // how often in each role of a field
	Ways  map[string]int64 `json:"directions,omitempty"` // how often in each direction
}

// Report is what one run of a watcher counted of one sighting so far.
type Report struct {
	Key
	Count
}

// Check tells what is wrong with a report, by the clock of who takes it in.
func (r *Report) Check(now time.Time) error {
	late := now.Add(Ahead)
	switch {
	case !strings.HasPrefix(r.Indicator, "indicator--") || len(r.Indicator) > 64:
		return errors.New("the indicator is no id of a STIX indicator")
	case len(r.Host) > MaxHost || !utf8.ValidString(r.Host):
		return fmt.Errorf("the machine's name is longer than %d bytes, or not UTF-8", MaxHost)
	case !r.Hour.Equal(r.Hour.Truncate(time.Hour)):
		return errors.New("the hour is not the beginning of an hour of UTC")
	case r.Count.Count < 1 || r.Count.Count > MaxCount:
		return errors.New("the count is below 1 or too large")
	case r.First.After(r.Last) || r.First.IsZero() != r.Last.IsZero():
		return errors.New("the first time is after the last, or one of them is missing")
	case r.Last.After(late) || r.Hour.After(late):
		return errors.New("it lies ahead of this node's clock by more than a day")
	case !r.Hour.IsZero() && !r.First.IsZero() && (r.First.Before(r.Hour) || !r.Last.Before(r.Hour.Add(time.Hour))):
		return errors.New("the times are not in the hour")
	}
	v, err := observable.New(r.Value.Type, r.Value.Text)
	if r.Value.Type == Pattern && r.Value.Text != "" {
		v, err = PatternValue(r.Value.Text), nil
	}
	if err != nil || v != r.Value {
		return errors.New("the value is not one in its canonical form")
	}
	for _, m := range []map[string]int64{r.Roles, r.Ways} {
		if len(m) > MaxNames {
			return fmt.Errorf("there are more than %d roles or directions", MaxNames)
		}
		for name, n := range m {
			if len(name) > MaxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" || n < 0 || n > MaxCount {
				return errors.New("a role or direction has an impossible name or number")
			}
		}
	}
	return nil
}

// Sighting is what all watchers together counted.
type Sighting struct {
	Key
	Count
	Runs int    // of watchers that counted it
	Made string // the id of the STIX sighting that was made of it; "" if none was
}

type entry struct {
	runs map[string]Count
	made string
}

// Book holds sightings. The zero Book is empty. It is not safe for concurrent use.
type Book struct {
	all   map[Key]*entry
	lanes Lanes // of queues: what was counted of them
}

func canonical(k Key) Key {
	k.Hour = k.Hour.UTC()
	return k
}

// Take takes in what a run counted, which has passed Check, and tells whether it said anything new.
func (b *Book) Take(run string, r Report) (bool, error) {
	e, err := b.entryFor(run, r.Key)
	if err != nil {
		return false, err
	}
	was, known := e.runs[run]
	now := was.grown(r.Count)
	if known && now.same(was) {
		return false, nil
	}
	e.runs[run] = now
	return true, nil
}

// entryFor gives the entry of a key with room for a run, a new one if there is none. It fails with ErrFull.
func (b *Book) entryFor(run string, of Key) (*entry, error) {
	k := canonical(of)
	e := b.all[k]
	if e == nil {
		if len(b.all) >= MaxSightings {
			return nil, ErrFull
		}
		if b.all == nil {
			b.all = map[Key]*entry{}
		}
		e = &entry{runs: map[string]Count{}}
		b.all[k] = e
	}
	if _, known := e.runs[run]; !known && len(e.runs) >= MaxRuns {
		return nil, ErrFull
	}
	return e, nil
}

// grown is the larger of each number: what one run counts only grows.
func (c Count) grown(d Count) Count {
	larger := func(a, b map[string]int64) map[string]int64 {
		out := maps.Clone(a)
		for name, n := range b {
			if _, known := out[name]; !known && len(out) >= MaxNames {
				continue
			}
			if out == nil {
				out = map[string]int64{}
			}
			out[name] = max(out[name], n)
		}
		return out
	}
	return Count{First: earlier(c.First, d.First), Last: later(c.Last, d.Last), Count: max(c.Count, d.Count), Roles: larger(c.Roles, d.Roles), Ways: larger(c.Ways, d.Ways)}
}

func (c Count) same(d Count) bool {
	return c.Count == d.Count && c.First.Equal(d.First) && c.Last.Equal(d.Last) && maps.Equal(c.Roles, d.Roles) && maps.Equal(c.Ways, d.Ways)
}

// Plus adds what was counted apart.
func (c Count) Plus(d Count) Count {
	sum := func(a, b map[string]int64) map[string]int64 {
		out := maps.Clone(a)
		for name, n := range b {
			if out == nil {
				out = map[string]int64{}
			}
			out[name] = min(out[name]+n, MaxCount)
		}
		return out
	}
	return Count{First: earlier(c.First, d.First), Last: later(c.Last, d.Last), Count: min(c.Count+d.Count, MaxCount), Roles: sum(c.Roles, d.Roles), Ways: sum(c.Ways, d.Ways)}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b.UTC()
	}
	return a.UTC()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b.UTC()
	}
	return a.UTC()
}

// Made notes the STIX sighting that was made of one. What the book does not hold is passed over.
func (b *Book) Made(k Key, id string) {
	if e := b.all[canonical(k)]; e != nil {
		e.made = id
	}
}

// Len is the number of sightings.
func (b *Book) Len() int { return len(b.all) }

// All lists the sightings that a filter lets through (nil: all), those that were seen last first.
func (b *Book) All(keep func(*Sighting) bool) []Sighting {
	out := []Sighting{}
	for k, e := range b.all {
		s := Sighting{Key: k, Runs: len(e.runs), Made: e.made}
		for _, c := range e.runs {
			s.Count = s.Count.Plus(c)
		}
		if keep == nil || keep(&s) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(x, y Sighting) int {
		if c := y.Last.Compare(x.Last); c != 0 {
			return c
		}
		return strings.Compare(x.ID(), y.ID())
	})
	return out
}

// Forget drops what was last seen before a time, and what nobody said a time of.
func (b *Book) Forget(before time.Time) {
	maps.DeleteFunc(b.all, func(_ Key, e *entry) bool {
		var last time.Time
		for _, c := range e.runs {
			last = later(last, c.Last)
		}
		return last.Before(before)
	})
}
