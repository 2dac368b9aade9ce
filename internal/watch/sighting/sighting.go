// Package sighting gathers hits into sightings: what was seen, at which machine of
// the party's own and in which hour, how often, first and last, in which role and
// direction, with a few of the lines. A flood of hits takes no more memory than a
// bounded number of sightings.
//
// It is pure: no I/O, no clock, no randomness.
package sighting

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// Bounds on what is kept.
const (
	// MaxSightings is the number of sightings of a table. What would need more is counted only.
	MaxSightings = 100_000
	// MaxPerIndicator is the number of machines and hours that one indicator is told for; the rest is told
	// together, without machine and hour.
	MaxPerIndicator = 1_000
	// MaxSeen is the number of different values that a sighting names.
	MaxSeen = 8
	// MaxSample is the number of lines that a sighting keeps, MaxSampleLine how much of each, in bytes.
	MaxSample     = 3
	MaxSampleLine = 2048
)

// Hit is one line that met an indicator.
type Hit struct {
	ID     string           // of the indicator
	Value  observable.Value // what was looked for
	Source string           // who the indicator came from
	TLP    string           // its marking
	Seen   observable.Value // what stands in the line
	// Fields are the fields of the line that met it; at least one.
	Fields []record.Field
	Time   time.Time // when it happened; zero if the line does not say
	Host   string    // the party's own machine
	Way    record.Direction
	Format string
	Input  string // the file or the address that the line came from
	Number int64  // of the line, from 1; 0 if nobody counted
	Line   []byte
	Record *record.Record // all that the line says, good until the hit was told; nil if it is of several lines
}

// Line is one of the lines of a sighting. It never leaves the node by itself.
type Line struct {
	Input  string `json:"input"`
	Number int64  `json:"number,omitzero"`
	Field  string `json:"field"`
	Text   string `json:"text"`
	Cut    bool   `json:"cut,omitzero"`
}

// Sighting is what is known of one indicator at one machine in one hour.
type Sighting struct {
	Indicator string           `json:"indicator"`
	Value     observable.Value `json:"value"`
	Source    string           `json:"source,omitzero"`
	TLP       string           `json:"tlp,omitzero"`
	// Host and Hour are empty where events do not say them, and where Rest is true.
	Host string    `json:"host,omitzero"`
	Hour time.Time `json:"hour,omitzero"`
	// Rest tells that this is what went beyond the machines and hours that one indicator is told for.
	Rest  bool      `json:"rest,omitzero"`
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Lines is the number of lines; Questions and Answers those that only asked for the value or only answered with
	// it, in a log of questions and answers.
	Lines     int64                      `json:"lines"`
	Questions int64                      `json:"questions,omitzero"`
	Answers   int64                      `json:"answers,omitzero"`
	Roles     map[record.Role]int64      `json:"roles"`
	Ways      map[record.Direction]int64 `json:"directions,omitzero"`
	Formats   []string                   `json:"formats"`
	Seen      []string                   `json:"seen"`
	Sample    []Line                     `json:"sample"`
	// Told is how much of Count was told already.
	Told int64 `json:"told,omitzero"`
	// Sent is how much of Count other systems took, by what they are called.
	Sent map[string]int64 `json:"sent,omitempty"`
	// Aside is at which Count a message to them was set aside, because they refuse it.
	Aside map[string]int64 `json:"aside,omitempty"`

	// still is the time at which lines were as many as stillLines for the first time that Forget saw.
	still      time.Time
	stillLines int64
}

// Count is how often it was seen: a question and its answer are one event that logs write twice.
func (s *Sighting) Count() int64 { return s.Lines - min(s.Questions, s.Answers) }

type key struct {
	id, value, host string
	hour            int64 // since 1970; noHour where events do not say
}

const noHour = math.MinInt64

// hourOf is the hour in which it was, also before 1970.
func hourOf(t time.Time) int64 {
	if t.IsZero() {
		return noHour
	}
	return t.Truncate(time.Hour).Unix() / 3600
}

// Table gathers hits. The zero Table is empty. It is not safe for concurrent use.
type Table struct {
	all map[key]*Sighting
	of  map[string]int // by indicator and value: how many machines and hours
	// Beyond is the number of hits that no sighting tells of, because the table was full.
	Beyond int64
	Hits   int64
}

// Add adds a hit and gives its sighting, and whether it is a new one. The sighting is nil if the table is full.
func (t *Table) Add(h Hit) (s *Sighting, isNew bool) {
	if t.all == nil {
		t.all, t.of = map[key]*Sighting{}, map[string]int{}
	}
	t.Hits++
	k := key{h.ID, h.Value.Key(), h.Host, hourOf(h.Time)}
	s = t.all[k]
	if s == nil {
		group := h.ID + " " + k.value
		rest := t.of[group] >= MaxPerIndicator
		if rest {
			k.host, k.hour = "\x00", noHour
			s = t.all[k]
		}
		if s == nil {
			if len(t.all) >= MaxSightings {
				t.Beyond++
				return nil, false
			}
			s = &Sighting{Indicator: strings.Clone(h.ID), Value: h.Value, Source: h.Source, TLP: h.TLP, Rest: rest, Roles: map[record.Role]int64{}}
			if !rest {
				s.Host = strings.Clone(h.Host)
				if !h.Time.IsZero() {
					s.Hour = h.Time.UTC().Truncate(time.Hour)
				}
				k.host = s.Host
				t.of[group]++
			}
			k.id = s.Indicator
			t.all[k] = s
			isNew = true
		}
	}
	s.add(h)
	return s, isNew
}

// AddHour adds that an indicator was seen in an hour of the past, of which an index knows that and no more: it counts as one, once, however often it is
// added. The sighting is nil if there is no place for it.
func (t *Table) AddHour(id string, v observable.Value, source, tlp string, hour time.Time) (s *Sighting, isNew bool) {
	k := key{id, v.Key(), "", hour.Unix() / 3600}
	if s = t.all[k]; s != nil {
		return s, false
	}
	if t.of[id+" "+k.value] >= MaxPerIndicator {
		t.Hits++
		t.Beyond++
		return nil, false
	}
	return t.Add(Hit{ID: id, Value: v, Source: source, TLP: tlp, Seen: v, Fields: []record.Field{{Role: record.Past}}, Time: hour, Format: "index"})
}

// InHour tells whether a line met an indicator in an hour, at whatever machine.
func (t *Table) InHour(id string, v observable.Value, hour time.Time) bool {
	for _, s := range t.all {
		if s.Indicator == id && s.Value == v && s.Hour.Equal(hour) && !s.Past() {
			return true
		}
	}
	return false
}

// Past tells whether nothing is known of a sighting but that it was in an hour of the past.
func (s *Sighting) Past() bool { return s.Lines > 0 && s.Roles[record.Past] == s.Lines }

func (s *Sighting) add(h Hit) {
	s.Lines++
	questions, answers, others := false, false, false
	var told [16]record.Role
	roles := told[:0]
	for _, f := range h.Fields {
		if !slices.Contains(roles, f.Role) {
			roles = append(roles, f.Role)
			s.Roles[f.Role]++
		}
		switch f.Role {
		case record.Query:
			questions = true
		case record.Answer:
			answers = true
		default:
			others = true
		}
	}
	switch {
	case others || questions && answers:
	case questions:
		s.Questions++
	case answers:
		s.Answers++
	}
	if h.Way != "" {
		if s.Ways == nil {
			s.Ways = map[record.Direction]int64{}
		}
		s.Ways[h.Way]++
	}
	if !h.Time.IsZero() {
		if s.First.IsZero() || h.Time.Before(s.First) {
			s.First = h.Time
		}
		if h.Time.After(s.Last) {
			s.Last = h.Time
		}
	}
	if !slices.Contains(s.Formats, h.Format) && len(s.Formats) < MaxSeen {
		s.Formats = append(s.Formats, strings.Clone(h.Format))
	}
	if !slices.Contains(s.Seen, h.Seen.Text) && len(s.Seen) < MaxSeen {
		s.Seen = append(s.Seen, h.Seen.Text)
	}
	if len(s.Sample) < MaxSample && len(h.Line) > 0 {
		text := h.Line[:min(len(h.Line), MaxSampleLine)]
		s.Sample = append(s.Sample, Line{Input: strings.Clone(h.Input), Number: h.Number, Field: strings.Clone(h.Fields[0].Path), Text: string(text), Cut: len(text) < len(h.Line)})
	}
}

// Len is the number of sightings.
func (t *Table) Len() int { return len(t.all) }

// All lists the sightings by their first moment, then by indicator and machine.
func (t *Table) All() []*Sighting {
	list := make([]*Sighting, 0, len(t.all))
	for _, s := range t.all {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *Sighting) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.Value.Text, b.Value.Text), cmp.Compare(a.Host, b.Host), a.Hour.Compare(b.Hour))
	})
	return list
}

// Restore puts sightings of an earlier run back, before the first hit.
func (t *Table) Restore(list []*Sighting, hits, beyond int64) {
	t.all, t.of = map[key]*Sighting{}, map[string]int{}
	t.Hits, t.Beyond = hits, beyond
	for _, s := range list[:min(len(list), MaxSightings)] {
		k := key{s.Indicator, s.Value.Key(), s.Host, hourOf(s.Hour)}
		if s.Rest {
			k.host, k.hour = "\x00", noHour
		} else {
			t.of[s.Indicator+" "+k.value]++
		}
		if s.Roles == nil {
			s.Roles = map[record.Role]int64{}
		}
		t.all[k] = s
	}
}

// Forget drops the sightings whose hour ended a while ago, that did not grow for as long, and that were told as they are: a watch that goes on for ever keeps
// what may still grow. The hour alone does not say that: logs may be read late, or lag behind by their clocks, and a sighting that begins anew has the
// identifier and a part of the count of the one that was told. Those that owed names are kept; nil: none.
func (t *Table) Forget(now time.Time, while time.Duration, owed func(*Sighting) bool) {
	for k, s := range t.all {
		if s.still.IsZero() || s.stillLines != s.Lines {
			s.still, s.stillLines = now, s.Lines
		}
		over := !s.Rest && !s.Hour.IsZero() && s.Hour.Add(time.Hour+while).Before(now) && !now.Before(s.still.Add(while))
		if over && s.Told == s.Count() && (owed == nil || !owed(s)) {
			delete(t.all, k)
			if group := s.Indicator + " " + s.Value.Key(); t.of[group] > 1 {
				t.of[group]--
			} else {
				delete(t.of, group)
			}
		}
	}
}
