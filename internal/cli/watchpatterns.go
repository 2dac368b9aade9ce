package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/compound"
	"entente/internal/watch/indicators"
	"entente/internal/watch/record"
	"entente/internal/watch/seen"
	"entente/internal/watch/sighting"
)

// maxRemembered is the number of lines with a part of a pattern that a match can still show.
const maxRemembered = 1 << 14

// patternType is the type of what a sighting of a whole pattern was looked for by.
const patternType = seen.Pattern

// watchPatterns are the patterns that ask for more than one value, and what was found of them. A node changes them while they
// are looked for.
type watchPatterns struct {
	mu     sync.Mutex
	mapped bool // the user says what some fields are: they may be anything
	engine *compound.Engine
	table  compound.Table
	of     map[string]compound.ID // by the indicator
	is     map[compound.ID]indicators.Pattern
	atoms  map[compound.ID][]observable.Value
	// hidden are values of patterns that cannot stand in the set: every record is looked at for them. Of files their number is
	// enough, of what a node may take back which patterns they are of.
	hidden int
	behind map[compound.ID]bool

	hits []compound.ID
	// last are the lines that had a part of a pattern, by the number that a match names them with; none until there is one.
	last    []remembered
	seq     uint64
	ticked  time.Time
	unsaved bool // it was told that what they wait for cannot be kept
}

// whole is a match of a whole pattern.
type whole struct {
	sighting.Hit
	notes []string // of the records that it was found in, for what is protected
	atoms []observable.Value
}

// names tells whether the pattern names what stands in a field.
func (x *whole) names() func(record.Field) bool {
	var t compound.Table
	t.Set(0, x.atoms)
	return func(f record.Field) bool { return len(t.Find(nil, &record.Record{Fields: []record.Field{f}})) > 0 }
}

type remembered struct {
	seq           uint64
	input, format string
	number        int64
	line          []byte
	way           record.Direction
}

func newWatchPatterns(note func(*record.Record) string) *watchPatterns {
	return &watchPatterns{engine: compound.New(compound.Options{Note: note}), of: map[string]compound.ID{}, is: map[compound.ID]indicators.Pattern{},
		atoms: map[compound.ID][]observable.Value{}, behind: map[compound.ID]bool{}}
}

// Put implements indicators.Patterns. A pattern that is there with the same text goes on waiting for what it waits for.
func (w *watchPatterns) Put(p indicators.Pattern) ([]observable.Value, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id, ok := w.of[p.ID]; ok && w.is[id].Text == p.Text {
		w.is[id] = p
		return w.atoms[id], nil
	}
	w.drop(p.ID)
	if !w.mapped {
		if err := compound.Visible(p.Text); err != nil {
			return nil, err
		}
	}
	id, atoms, err := w.engine.Add(p.Text)
	if err != nil {
		return nil, err
	}
	w.table.Set(id, atoms)
	w.of[p.ID], w.is[id], w.atoms[id] = id, p, atoms
	return atoms, nil
}

// Drop implements indicators.Patterns.
func (w *watchPatterns) Drop(indicator string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(indicator)
}

func (w *watchPatterns) drop(indicator string) {
	if id, ok := w.of[indicator]; ok {
		w.engine.Remove(id)
		w.table.Remove(id, w.atoms[id])
		delete(w.of, indicator)
		delete(w.is, id)
		delete(w.atoms, id)
		delete(w.behind, id)
	}
}

// Hidden implements indicators.Patterns.
func (w *watchPatterns) Hidden() { w.hidden++ }

// isOpen tells whether every line has to be read for the pattern of an indicator.
func (w *watchPatterns) isOpen(indicator string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.of[indicator]
	return ok && w.engine.IsOpen(id)
}

// hide says that a value of the pattern of an indicator cannot stand in the set.
func (w *watchPatterns) hide(indicator string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id, ok := w.of[indicator]; ok {
		w.behind[id] = true
	}
}

// len is the number of patterns.
func (w *watchPatterns) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.of)
}

// all tells whether every record has to be read, and not only those that hold something of the set.
func (w *watchPatterns) all() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hidden > 0 || len(w.behind) > 0 || w.engine.Counts().Open > 0
}

// take looks at a record. found is told of each sighting of a whole pattern.
func (w *watchPatterns) take(r *record.Record, input string, number int64, found func(whole)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.of) == 0 {
		return
	}
	w.hits = w.table.Find(w.hits[:0], r)
	if len(w.hits) > 0 || w.engine.Counts().Open > 0 {
		if w.seq++; w.last == nil {
			w.last = make([]remembered, maxRemembered)
		}
		m := &w.last[w.seq%maxRemembered]
		line := r.Line[:min(len(r.Line), sighting.MaxSampleLine)]
		*m = remembered{w.seq, strings.Clone(input), strings.Clone(r.Format), number, append(m.line[:0], line...), r.Direction}
	}
	w.engine.Take(r, w.hits, w.seq, func(x compound.Match) { w.tell(x, found) })
}

// patternState is what patterns wait for, as it is kept with positions.
type patternState struct {
	Seq   uint64 `json:"seq"` // lines that had a part of a pattern
	Bytes []byte `json:"engine,omitempty"`
}

// lasting is the name of a pattern that outlives this run: of its indicator and its text, whose number of parts is what is waited for.
func lasting(p indicators.Pattern) string {
	h := sha256.New()
	h.Write([]byte(p.ID + "\x00" + p.Text))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// state gives what patterns wait for; nil if they wait for nothing.
func (w *watchPatterns) state() (*patternState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.of) == 0 {
		return nil, nil
	}
	text, err := w.engine.Save(func(id compound.ID) string {
		p, ok := w.is[id]
		if !ok {
			return ""
		}
		return lasting(p)
	})
	if err != nil && w.unsaved {
		return nil, nil // it was told
	}
	w.unsaved = err != nil
	return &patternState{w.seq, text}, err
}

// restore goes on with what patterns waited for.
func (w *watchPatterns) restore(s *patternState) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make(map[string]compound.ID, len(w.is))
	for id, p := range w.is {
		names[lasting(p)] = id
	}
	if err := w.engine.Load(s.Bytes, func(name string) (compound.ID, bool) {
		id, ok := names[name]
		return id, ok
	}); err != nil {
		return err
	}
	w.seq = s.Seq
	return nil
}

// tick looks, once in the bound on lateness, at what has been waiting for that long.
func (w *watchPatterns) tick(now time.Time, found func(whole)) {
	if now.Sub(w.ticked) < compound.DefaultLate {
		return
	}
	w.ticked = now
	w.mu.Lock()
	defer w.mu.Unlock()
	w.engine.Tick(func(x compound.Match) { w.tell(x, found) })
}

// flush looks at what waits for more, when nothing more comes.
func (w *watchPatterns) flush(found func(whole)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.engine.Flush(func(x compound.Match) { w.tell(x, found) })
}

func (w *watchPatterns) tell(x compound.Match, found func(whole)) {
	p, ok := w.is[x.Pattern]
	if !ok || len(x.Seen) == 0 {
		return
	}
	var last time.Time
	for _, s := range x.Seen {
		if s.Time.After(last) {
			last = s.Time
		}
	}
	if !last.IsZero() && (!p.Until.IsZero() && !last.Before(p.Until) || last.Before(p.From)) {
		return
	}
	// The line that is shown is the last one that is still known.
	h := sighting.Hit{ID: p.ID, Value: observable.Value{Type: patternType, Text: p.Text}, Source: p.Source, TLP: p.TLP, Seen: observable.Value{Type: patternType, Text: p.Text},
		Fields: []record.Field{{Role: record.Other}}, Time: last, Host: strings.Clone(x.Host)}
	notes := make([]string, 0, len(x.Seen))
	for _, s := range x.Seen {
		notes = append(notes, s.Note)
		if w.last == nil {
			continue // it waits since before this run
		}
		if m := &w.last[s.Tag%maxRemembered]; m.seq == s.Tag {
			h.Way, h.Format, h.Input, h.Number, h.Line = m.way, m.format, m.input, m.number, m.line
		}
	}
	found(whole{h, notes, w.atoms[x.Pattern]})
}
