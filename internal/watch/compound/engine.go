package compound

import (
	"cmp"
	"container/list"
	"fmt"
	"slices"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/stix/pattern"
)

// ID names a pattern of an engine.
type ID uint32

// Options steer an engine.
type Options struct {
	// Late is how much later than a newer one a record of a host may come; 0 is DefaultLate.
	Late time.Duration
	// Horizon is the longest that a match may take; 0 is DefaultHorizon.
	Horizon time.Duration
	// Note gives what a match is to say of a record that is part of it, in UTF-8 and up to [MaxNote] bytes; nil: nothing. It is asked once for each record that
	// satisfies a part of a pattern.
	Note func(*record.Record) string
}

// Seen is an observation of a match.
type Seen struct {
	Time time.Time
	// Part is the "[...]" that it was chosen for, numbered from 0.
	Part int
	// Tag is what the caller gave with the record.
	Tag uint64
	// Note is what the caller noted of it.
	Note string
}

// Match is that a pattern was found.
type Match struct {
	Pattern ID
	Host    string // empty for a record without one
	Seen    []Seen // in the order of the pattern
}

// Counts are what became of the records.
type Counts struct {
	Records uint64 // that a pattern was looked at for
	Undated uint64 // of them without a time; they can satisfy only patterns of one observation
	Alone   uint64 // observations of patterns that need several, without a host: never joined
	Late    uint64 // that came later than the bound
	GivenUp uint64 // looks that took too much work, so that nobody knows whether they match
	Crowded uint64 // observations of one pattern and host given up because there were too many
	Evicted uint64 // pairs of pattern and host given up because there were too many
	Cut     uint64 // records with more fields, or longer ones, than are looked at
	Unsaved uint64 // pairs of pattern and host that were not written with the last state, because there were too many
	Matches uint64
	Open    int // patterns that are looked at with every record of certain kinds
}

// observation is a record that satisfied a part of a pattern. It is shared by all
// patterns that keep it.
type observation struct {
	pattern.Observed
	tag    uint64
	note   string
	number uint64 // in the order of coming
}

// kept is an observation in the state of one pattern and host.
type kept struct {
	*observation
	parts uint64 // that it satisfies
}

type stateKey struct {
	pattern ID
	host    string
}

// state is what is kept for one pattern and host. All is in the order of time.
type state struct {
	stateKey
	done    []kept // looked at, not older than the horizon, and not used up
	waiting []kept // not looked at yet: an earlier one may still come
}

// host is the clock of a host and what is kept for it.
type host struct {
	latest  time.Time // of its events
	states  map[ID]*list.Element
	waiting map[ID]struct{} // the states in which something waits
	due     time.Time       // no later than the earliest that waits
	ticked  time.Time       // after everything that waited at the last tick; zero if nothing did
}

// Engine finds patterns in a stream of records. It is not safe for concurrent use.
type Engine struct {
	o        Options
	patterns map[ID]*compiled
	next     ID
	open     map[ID]uint64
	anyOpen  uint64 // the types that some open pattern looks at
	hosts    map[string]*host
	states   *list.List // of *state, the one used longest ago first
	total    int        // observations in states
	number   uint64
	counts   Counts
}

// New makes an engine without patterns.
func New(o Options) *Engine {
	if o.Late <= 0 {
		o.Late = DefaultLate
	}
	if o.Horizon <= 0 {
		o.Horizon = DefaultHorizon
	}
	return &Engine{o: o, patterns: map[ID]*compiled{}, open: map[ID]uint64{}, hosts: map[string]*host{}, states: list.New()}
}

// Counts tells what became of the records so far.
func (e *Engine) Counts() Counts {
	c := e.counts
	c.Open = len(e.open)
	return c
}

// Add adds a pattern and gives its atoms: the values that go into the index of all
// indicators. [Engine.Take] is to be told the pattern for every record in which one of
// them is found. A pattern that is open is looked at without being told, too. The error
// is [ErrTooLarge] or of package pattern.
func (e *Engine) Add(text string) (ID, []observable.Value, error) {
	if len(e.patterns) >= MaxPatterns {
		return 0, nil, fmt.Errorf("%w: %d patterns are watched for already", ErrTooLarge, MaxPatterns)
	}
	c, err := compile(text, e.o)
	if err != nil {
		return 0, nil, err
	}
	id := e.next
	e.next++
	e.patterns[id] = c
	if c.open != 0 {
		e.open[id] = c.open
		e.anyOpen |= c.open
	}
	return id, c.values, nil
}

// IsOpen tells whether a pattern is looked at without being told of a value.
func (e *Engine) IsOpen(id ID) bool { return e.open[id] != 0 }

// Remove forgets a pattern and what is kept for it.
func (e *Engine) Remove(id ID) {
	delete(e.patterns, id)
	delete(e.open, id)
	e.anyOpen = 0
	for _, types := range e.open {
		e.anyOpen |= types
	}
	for el := e.states.Front(); el != nil; {
		after := el.Next()
		if el.Value.(*state).pattern == id {
			e.drop(el)
		}
		el = after
	}
}

// Take takes a record and the patterns of which an atom was found in it, in any order
// and however often; more than those does no harm. It calls found for what now matches,
// with the time of the events of the host as far as they are settled. It keeps nothing of
// the record. tag comes back in matches.
func (e *Engine) Take(r *record.Record, hits []ID, tag uint64, found func(Match)) {
	var types uint64
	if e.anyOpen != 0 {
		types = e.anyOpen & recordTypes(r)
	}
	if len(hits) == 0 && types == 0 {
		e.settle(r, found)
		return
	}
	ids := slices.Clone(hits)
	for id, t := range e.open {
		if t&types != 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	e.counts.Records++
	if cut(r) {
		e.counts.Cut++
	}
	if r.Time.IsZero() {
		e.counts.Undated++
	}
	o := &observation{Observed: Observe(r), tag: tag, number: e.number}
	e.number++
	one := []pattern.Observed{o.Observed}
	noted := e.o.Note == nil
	note := func() {
		if noted {
			return
		}
		noted = true
		if text := e.o.Note(r); len(text) <= MaxNote {
			o.note = text
		}
	}
	for _, id := range ids {
		c := e.patterns[id]
		if c == nil {
			continue
		}
		if c.alone {
			if res, err := c.whole.MatchWithin(one, maxSteps); err != nil {
				e.counts.GivenUp++
			} else if res.Matched {
				note()
				e.tell(id, r.Host, []kept{{observation: o}}, res, found)
			}
			continue
		}
		parts := e.satisfied(c, one)
		switch {
		case parts == 0:
		case r.Host == "" || r.Time.IsZero():
			e.counts.Alone++
		default:
			note()
			e.keep(stateKey{id, r.Host}, kept{o, parts}, found)
		}
	}
	e.settle(r, found)
}

// cut tells a record that Observe does not look at as a whole.
func cut(r *record.Record) bool {
	if len(r.Fields) > MaxFields {
		return true
	}
	for i := range r.Fields {
		if len(r.Fields[i].Text) > observable.MaxText {
			return true
		}
	}
	return false
}

// satisfied gives the parts of a pattern that one observation satisfies.
func (e *Engine) satisfied(c *compiled, one []pattern.Observed) (parts uint64) {
	for i := range c.parts {
		res, err := c.parts[i].MatchWithin(one, maxSteps)
		if err != nil {
			e.counts.GivenUp++
		}
		if res.Matched {
			parts |= 1 << i
		}
	}
	return parts
}

func (e *Engine) tell(id ID, host string, from []kept, res pattern.Result, found func(Match)) {
	m := Match{Pattern: id, Host: host}
	for _, c := range res.Chosen {
		o := from[c.Observed]
		m.Seen = append(m.Seen, Seen{Time: o.First, Part: c.Part, Tag: o.tag, Note: o.note})
	}
	e.counts.Matches++
	found(m)
}

// inOrder is the order of the events: by time, and of one time by what they hold,
// so that the order in which they came means nothing unless they are equal.
func inOrder(a, b kept) int {
	return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.parts, b.parts), cmp.Compare(a.number, b.number))
}

func insert(list []kept, k kept) []kept {
	i, _ := slices.BinarySearchFunc(list, k, inOrder)
	return slices.Insert(list, i, k)
}

// keep adds an observation to a state.
func (e *Engine) keep(key stateKey, k kept, found func(Match)) {
	h := e.hosts[key.host]
	if h == nil {
		h = &host{states: map[ID]*list.Element{}, waiting: map[ID]struct{}{}}
		key.host = string(append([]byte(nil), key.host...))
		e.hosts[key.host] = h
	}
	el := h.states[key.pattern]
	if el == nil {
		for e.states.Len() >= MaxStates {
			e.counts.Evicted++
			e.drop(e.states.Front())
		}
		if e.hosts[key.host] == nil { // it went with its last state
			e.hosts[key.host] = h
		}
		el = e.states.PushBack(&state{stateKey: key})
		h.states[key.pattern] = el
	}
	e.states.MoveToBack(el)
	s := el.Value.(*state)
	e.total++
	if k.First.Before(h.latest.Add(-e.o.Late)) {
		e.counts.Late++
		e.tooLate(s, k, found)
	} else {
		s.waiting = e.crowd(insert(s.waiting, k))
		if len(h.waiting) == 0 || k.First.Before(h.due) {
			h.due = k.First
		}
		h.waiting[key.pattern] = struct{}{}
	}
	for e.total > MaxObservations && e.states.Len() > 0 {
		e.counts.Evicted++
		e.drop(e.states.Front())
	}
}

// crowd bounds a list: of too many that satisfy the same parts one in the middle goes.
func (e *Engine) crowd(list []kept) []kept {
	if len(list) <= MaxKept {
		return list
	}
	same := map[uint64]int{}
	for _, k := range list {
		same[k.parts]++
	}
	for parts, n := range same {
		for ; n > MaxKept; n-- {
			at := n / 2
			for i := range list {
				if list[i].parts != parts {
					continue
				}
				if at == 0 {
					list = slices.Delete(list, i, i+1)
					e.total--
					e.counts.Crowded++
					break
				}
				at--
			}
		}
	}
	return list
}

// drop gives up a state.
func (e *Engine) drop(el *list.Element) {
	s := el.Value.(*state)
	e.total -= len(s.done) + len(s.waiting)
	e.states.Remove(el)
	if h := e.hosts[s.host]; h != nil {
		delete(h.states, s.pattern)
		delete(h.waiting, s.pattern)
		if len(h.states) == 0 {
			delete(e.hosts, s.host)
		}
	}
}

// settle moves the clock of a record's host and looks at what cannot be preceded any
// more.
func (e *Engine) settle(r *record.Record, found func(Match)) {
	h := e.hosts[r.Host]
	if h == nil || r.Host == "" || !r.Time.After(h.latest) {
		return
	}
	h.latest = r.Time
	e.look(h, h.latest.Add(-e.o.Late), found)
}

// look looks at the observations of a host before a time, pattern by pattern.
func (e *Engine) look(h *host, until time.Time, found func(Match)) {
	if len(h.waiting) == 0 || !h.due.Before(until) {
		return
	}
	var ids []ID
	var due time.Time
	for id := range h.waiting {
		first := h.states[id].Value.(*state).waiting[0].First
		if first.Before(until) {
			ids = append(ids, id)
		} else if due.IsZero() || first.Before(due) {
			due = first
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		el := h.states[id]
		s, c := el.Value.(*state), e.patterns[id]
		n := 0
		for n < len(s.waiting) && s.waiting[n].First.Before(until) {
			s.done = append(s.done, s.waiting[n])
			n++
			e.try(s, c, found)
		}
		s.waiting = slices.Delete(s.waiting, 0, n)
		if len(s.waiting) == 0 {
			delete(h.waiting, id)
		} else if due.IsZero() || s.waiting[0].First.Before(due) {
			due = s.waiting[0].First
		}
		if len(s.done)+len(s.waiting) == 0 {
			e.drop(el)
		}
	}
	h.due = due
}

// try looks whether a state matches, the newest of which is the last.
func (e *Engine) try(s *state, c *compiled, found func(Match)) {
	newest := s.done[len(s.done)-1].First
	old := 0
	for s.done[old].First.Before(newest.Add(-c.horizon)) {
		old++
	}
	e.total -= old
	s.done = e.crowd(slices.Delete(s.done, 0, old))
	if e.ask(s, c, s.done, found) {
		e.total -= len(s.done)
		s.done = s.done[:0]
		clear(s.done[:cap(s.done)])
	}
}

func (e *Engine) ask(s *state, c *compiled, list []kept, found func(Match)) bool {
	observed := make([]pattern.Observed, len(list))
	for i := range list {
		observed[i] = list[i].Observed
	}
	res, err := c.whole.MatchWithin(observed, maxSteps)
	if err != nil {
		e.counts.GivenUp++
	}
	if !res.Matched {
		return false
	}
	e.tell(s.pattern, s.host, list, res, found)
	return true
}

// tooLate tries an observation that came later than the bound with those that are kept
// and near enough.
func (e *Engine) tooLate(s *state, k kept, found func(Match)) {
	c := e.patterns[s.pattern]
	s.done = insert(s.done, k)
	at := slices.IndexFunc(s.done, func(x kept) bool { return x.observation == k.observation })
	from, to := at, at+1
	for from > 0 && !s.done[from-1].First.Before(k.First.Add(-c.horizon)) {
		from--
	}
	for to < len(s.done) && !s.done[to].First.After(k.First.Add(c.horizon)) {
		to++
	}
	// The last that are near are tried first, then one less, so that no match is longer
	// than the horizon.
	for end := at + 1; end <= to; end++ {
		first := from
		for s.done[first].First.Before(s.done[end-1].First.Add(-c.horizon)) {
			first++
		}
		if e.ask(s, c, s.done[first:end], found) {
			e.total -= end - first
			s.done = slices.Delete(s.done, first, end)
			return
		}
	}
	s.done = e.crowd(s.done)
}

// Tick looks at what waited already when Tick was called last: who calls it as often as the bound on lateness, by a clock of
// its own, is told of a match although its host says nothing more.
func (e *Engine) Tick(found func(Match)) {
	names := make([]string, 0, len(e.hosts))
	for name, h := range e.hosts {
		if len(h.waiting) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if h := e.hosts[name]; h != nil {
			e.tick(h, found)
		}
	}
}

func (e *Engine) tick(h *host, found func(Match)) {
	if !h.ticked.IsZero() {
		e.look(h, h.ticked, found)
	}
	h.ticked = time.Time{}
	for id := range h.waiting {
		list := h.states[id].Value.(*state).waiting
		if last := list[len(list)-1].First.Add(1); last.After(h.ticked) {
			h.ticked = last
		}
	}
}

// Flush looks at everything that waits, as at the end of the records.
func (e *Engine) Flush(found func(Match)) {
	names := make([]string, 0, len(e.hosts))
	for name := range e.hosts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		e.Settle(name, time.Unix(1<<40, 0), found)
	}
}

// Settle looks at what waits of a host from before a time: nothing earlier is expected any
// more, as when the host has been silent for long.
func (e *Engine) Settle(name string, until time.Time, found func(Match)) {
	if h := e.hosts[name]; h != nil {
		e.look(h, until, found)
	}
}
