// Package indicators reads what is to be watched for from files that people have: STIX
// (bundles, lists, one object a line), MISP events, tables and plain lists.
//
// It is pure: the bytes and the time are arguments.
package indicators

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"entente/internal/intake"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/ahead"
	"entente/stix"
)

const (
	// maxTold is the number of refused indicators that are told one by one.
	maxTold = 20
)

// ErrFormat means that a file holds no indicators in a form that is known.
var ErrFormat = errors.New("no indicators in a form that is known")

// Options steer the reading.
type Options struct {
	// Name is what the file is called: the source of its indicators.
	Name string
	// Now is the time at which what has no identifier is drafted.
	Now time.Time
	// FromValidity keeps the beginning of each indicator's validity. Otherwise what is known today is found in what happened
	// before, too.
	FromValidity bool
	// Patterns takes those that ask for more than one value; nil: they are counted and not looked for.
	Patterns Patterns
}

// drafter drafts what has no identifier.
// drafter says what a draft of a value would. It knows no time: what says until when alone it is valid is found in what happened before.
func (o Options) drafter() intake.Drafter {
	return intake.Drafter{Source: o.Name, Confidence: stix.NoConfidence}
}

// Pattern is a STIX pattern that no single value stands for, and the indicator that it is of.
type Pattern struct {
	ID, Text    string
	From, Until time.Time // as of a [watch.Indicator]
	Source, TLP string
}

// Patterns looks for patterns.
type Patterns interface {
	// Put adds the pattern of an indicator, in the place of an older one, and gives the values that stand in every line
	// that is of any use to it, if there are such. They go into the set as parts of the pattern.
	Put(p Pattern) ([]observable.Value, error)
	// Drop forgets the pattern of an indicator, if there is one.
	Drop(indicator string)
	// Hidden says that a value that Put gave cannot stand in the set, so that it does not tell the lines that hold it.
	Hidden()
}

// Refused is an indicator that is not watched for.
type Refused struct {
	What string
	Err  error
}

// Says tells whether the error names what was refused itself, as those of lines do.
func (r *Refused) Says() bool { return strings.HasPrefix(r.Err.Error(), r.What+": ") }

// Report says what a file held.
type Report struct {
	Name   string        `json:"name"`
	Format intake.Format `json:"format"`
	// Indicators is the number of them that are watched for, Values that of what they name.
	Indicators int `json:"indicators"`
	Values     int `json:"values"`
	Revoked    int `json:"revoked,omitzero"`
	Expired    int `json:"expired,omitzero"`
	// Compound patterns ask for more than one value, or for something that has no type: they are looked for only if Options.Patterns
	// is there. Others are in languages other than STIX.
	Compound int `json:"compound,omitzero"`
	Others   int `json:"others,omitzero"`
	Broad    int `json:"too_broad,omitzero"`
	Bad      int `json:"bad,omitzero"`
	// Unmarked is the number of attributes of MISP that are not marked for detection (to_ids), and so left out.
	Unmarked int `json:"unmarked,omitzero"`
	// Told are the first of those that were refused.
	Told []Refused `json:"-"`
}

func (r *Report) refuse(what string, err error) {
	if errors.Is(err, watch.ErrTooBroad) {
		r.Broad++
	} else {
		r.Bad++
	}
	if len(r.Told) < maxTold {
		r.Told = append(r.Told, Refused{what, err})
	}
}

// Set collects indicators of files.
type Set struct {
	b        *watch.Builder
	versions *versions        // of the identifiers that were read
	later    []watch.Change   // newer versions of what was added already
	valid    map[int]validity // of values of lists that later says something else of
	// doubles are the values of lists and tables for as long as nothing else was read: then their identifiers are not in versions.
	doubles *doubles
	reads   []begun
	list    []watch.Indicator // room for those of one object
	fetched uint64            // says nothing
}

// begun is a file that was begun: what was the next value then, and the version of its values.
type begun struct {
	first   int
	version version
}

// New begins a set.
func New(seed watch.Seed) *Set {
	b := watch.NewBuilder(seed)
	b.Derive(func(source string, v observable.Value) string { return intake.Drafter{Source: source}.IndicatorID(v) })
	return &Set{b: b, versions: newVersions(b.Identifier), doubles: newDoubles()}
}

// Len is the number of values so far.
func (s *Set) Len() int { return s.b.Len() }

// Done says that nothing more is read: what is only needed for that is given up.
func (s *Set) Done() { s.versions, s.doubles, s.valid = nil, nil, nil }

// Compile gives the set. The Set must not be used any more.
func (s *Set) Compile() (*watch.Live, error) {
	s.Done()
	live := watch.NewLive(s.b.Set())
	if len(s.later) == 0 {
		return live, nil
	}
	return live, live.Apply(s.later)
}

// Read adds the indicators of a file. It fails with [ErrFormat], if the file cannot be read, and with [watch.ErrFull].
func (s *Set) Read(r io.Reader, o Options) (Report, error) {
	rep := Report{Name: o.Name}
	if s.doubles != nil {
		s.reads = append(s.reads, begun{s.b.Len(), versionOf(o.Now)})
	}
	by := readier{s.b, s.versions, s.doubles, o.drafter()}
	format, err := readFile(r, o.Name, taking[readyObject, readyItem]{
		readyObject: by.object,
		quick:       new(quick).read,
		check:       by.check,
		soonObjects: s.soonObjects,
		object:      func(x *readyObject) error { return s.object(&rep, x, o) },
		ready:       by.items,
		soon:        s.soon,
		item:        func(x *readyItem) error { return s.item(&rep, x, o) },
		refuse:      rep.refuse,
		unmarked:    func(n int) { rep.Unmarked += n },
	})
	rep.Format = format
	return rep, err
}

// readyValue is a value, and whether it can be watched for.
type readyValue struct {
	checked watch.Checked
	refused *refusedValue // why it cannot be watched for
	place   observable.Place
}

type refusedValue struct {
	value observable.Value
	err   error
}

// value is that which was looked at.
func (x *readyValue) value() observable.Value {
	if x.refused != nil {
		return x.refused.value
	}
	return x.checked.Value()
}

// readyItem is an item of a list or a table, and what was found out about it beside the reading.
type readyItem struct {
	readyValue
	hash        uint64
	tlp         string
	from, until time.Time // as of a [watch.Indicator]
	unpatterned bool      // no pattern of STIX looks for its value
}

// readier makes items and objects ready; it is safe for use by many at once.
type readier struct {
	b        *watch.Builder
	versions *versions
	doubles  *doubles // nil where no value is looked for by its hash
	drafter  intake.Drafter
}

func (r readier) value(v observable.Value) (x readyValue) {
	var err error
	if x.checked, err = r.b.Check(v, watch.Subdomains); err != nil {
		x.refused = &refusedValue{v, err}
	}
	return x
}

// items gives what makes items ready that come one after the other. It fails where the draft of an item would: that tells whether its marking and its times can be read.
func (r readier) items() func(intake.Item) (readyItem, error) {
	var fine intake.Item // the last one that says something which can be read, or none: many say the same
	var from, until time.Time
	return func(i intake.Item) (x readyItem, err error) {
		if i.TLP != fine.TLP || i.From != fine.From || i.To != fine.To {
			if x.from, x.until, err = r.drafter.Valid(i); err == nil {
				fine, from, until = i, x.from, x.until
			}
		} else {
			x.from, x.until = from, until
		}
		x.tlp = i.TLP
		if x.unpatterned = !i.Value.HasPattern(); err != nil && !x.unpatterned {
			return readyItem{}, err
		}
		x.readyValue = r.value(i.Value)
		if r.doubles != nil {
			x.hash = r.doubles.hash(i.Value)
		}
		return x, nil
	}
}

// readyObject is what an indicator says, and what was found out about it beside the reading.
type readyObject struct {
	id                    string // empty for all that is no indicator
	modified, from, until time.Time
	ends, revoked         bool // ends: it says until when it is valid
	pattern, patternType  string
	marking               string
	key                   idKey
	hash                  uint64 // of the key
	err                   error  // why it cannot be decoded
	// values is how many there are that stand for themselves. Most have one, which needs no room of its own then.
	values int
	first  readyValue
	more   []readyValue
}

// value gives one of the values that stand for themselves.
func (x *readyObject) value(i int) *readyValue {
	if i == 0 {
		return &x.first
	}
	return &x.more[i-1]
}

// objectOf gives what an indicator says.
func objectOf(x *stix.Object) readyObject {
	return readyObject{id: x.ID, modified: x.Modified.Time, from: x.ValidFrom.Time, until: x.ValidUntil.Time, ends: !x.ValidUntil.IsZero(), revoked: x.Revoked,
		pattern: x.Pattern, patternType: x.PatternType, marking: markingOf(x)}
}

// markingOf is the TLP marking of an object as it is written, empty if it has none.
func markingOf(x *stix.Object) string {
	level, _ := x.TLP(nil)
	if level == stix.TLPNone {
		return ""
	}
	return level.Label()
}

func (r readier) object(x *stix.Object) readyObject {
	if x.Type != "indicator" {
		return readyObject{}
	}
	out := objectOf(x)
	if !plain(x) {
		if _, out.err = x.View(); out.err != nil {
			return out
		}
	}
	r.check(&out)
	return out
}

// check looks at the values of an indicator.
func (r readier) check(x *readyObject) {
	x.key = keyOf(x.id)
	x.hash = r.versions.hash(x.key)
	if x.revoked || x.patternType != "" && x.patternType != "stix" {
		return
	}
	var room [1]observable.Placed
	values := observable.AppendPlaced(room[:0], x.pattern)
	x.values = len(values)
	for i, v := range values {
		value := observable.Sought(v.Value, observable.In(v.Place))
		ready := r.value(value)
		if _, logged := observable.Logged(pathOf(value)); value.Type == observable.Other && !logged {
			ready.refused = &refusedValue{value, fmt.Errorf("%w: no log has such a value", watch.ErrIndicator)}
		}
		if ready.place = v.Place; i == 0 {
			x.first = ready
		} else {
			x.more = append(x.more, ready)
		}
	}
}

// pathOf gives the path under which a value has no type of its own.
func pathOf(v observable.Value) string {
	path, _, _ := strings.Cut(v.Text, "=")
	return path
}

// soonObjects has what stands about indicators at hand when they are added.
func (s *Set) soonObjects(batch []ahead.Found[readyObject]) {
	sum := uint64(0)
	for i := range batch {
		sum += s.versions.held.fetch(batch[i].What.hash)
	}
	s.fetched = sum
}

// soon has what stands about items at hand when they are added.
func (s *Set) soon(batch []ahead.Found[readyItem]) {
	if s.doubles == nil {
		return
	}
	sum := uint64(0)
	for i := range batch {
		sum += s.doubles.fetch(batch[i].What.hash)
	}
	s.fetched = sum
}

// item adds a value of a list or a table.
func (s *Set) item(rep *Report, x *readyItem, o Options) error {
	ind := watch.Indicator{Value: x.value(), Source: o.Name, TLP: x.tlp, Until: x.until}
	if o.FromValidity {
		ind.From = x.from
	}
	if !x.until.IsZero() && !x.until.After(o.Now) {
		rep.Expired++
	}
	if !x.unpatterned {
		return s.derived(rep, x, ind, o.drafter(), versionOf(o.Now))
	}
	if ind.ID = ind.Value.Key(); len(ind.ID) > watch.MaxID {
		ind.ID = ind.ID[:watch.MaxID]
	}
	key := keyOf(ind.ID)
	hash := s.versions.hash(key)
	if _, n, twice := s.versions.find(key, hash); twice {
		s.widen(n, ind)
		return nil
	}
	return s.add(rep, &readyObject{key: key, hash: hash}, versionOf(o.Now), []watch.Indicator{ind}, nil)
}

// derived adds a value whose identifier is that of its draft.
func (s *Set) derived(rep *Report, x *readyItem, ind watch.Indicator, d intake.Drafter, v version) error {
	var key idKey
	var hash uint64
	twice := func() (int, bool) {
		key = idKey(d.IndicatorUUID(x.value()))
		hash = s.versions.hash(key)
		_, n, ok := s.versions.find(key, hash)
		return n, ok
	}
	if s.doubles != nil {
		if n, ok := s.doubles.find(x.hash, func(n int) bool { return s.b.IsDerived(n, ind.Source, x.value()) }); ok {
			s.widen(n, ind)
			return nil
		}
	} else if n, ok := twice(); ok {
		s.widen(n, ind)
		return nil
	}
	n, err := s.b.Len(), error(nil)
	if x.refused != nil {
		err = x.refused.err
	} else {
		err = s.b.AddCheckedDerived(&x.checked, ind)
	}
	switch {
	case errors.Is(err, watch.ErrFull):
		return err
	case err != nil:
		if s.doubles != nil {
			if _, ok := twice(); ok {
				return nil // refused before
			}
		}
		rep.refuse(x.value().Text, err)
		n = nowhere
	default:
		rep.Indicators++
		rep.Values++
		if s.doubles != nil {
			s.doubles.add(x.hash, n)
			return nil
		}
	}
	s.versions.add(key, hash, v, n)
	return nil
}

// widen has what a list says twice valid whenever either says so: none of them is the newer one. What an indicator of STIX said since of the same identifier stays.
func (s *Set) widen(n int, ind watch.Indicator) {
	if n == nowhere {
		return
	}
	was, known := s.valid[n]
	if !known {
		was.from, was.until = s.b.Valid(n)
	}
	all := was
	if !all.until.IsZero() && (ind.Until.IsZero() || ind.Until.After(all.until)) {
		all.until = ind.Until
	}
	if !all.from.IsZero() && ind.From.Before(all.from) {
		all.from = ind.From
	}
	if all == was || was.final {
		return
	}
	if s.valid == nil {
		s.valid = map[int]validity{}
	}
	s.valid[n] = all
	ind.ID, ind.From, ind.Until = s.b.Identifier(n), all.from, all.until
	s.later = append(s.later, watch.Change{ID: ind.ID, Indicators: []watch.Indicator{ind}})
}

// validity is when a value of a list is valid. It is final where an indicator of STIX says something else of its identifier.
type validity struct {
	from, until time.Time
	final       bool
}

// identify works out the identifiers of all values of lists and tables, which what is read next may name.
func (s *Set) identify() {
	reads := s.reads
	s.doubles, s.reads = nil, nil
	for n := range s.b.Len() {
		for len(reads) > 1 && reads[1].first <= n {
			reads = reads[1:]
		}
		if source, value, ok := s.b.Derived(n); ok {
			key := idKey(intake.Drafter{Source: source}.IndicatorUUID(value))
			s.versions.add(key, s.versions.hash(key), reads[0].version, n)
		}
	}
}

// object adds a STIX indicator.
func (s *Set) object(rep *Report, x *readyObject, o Options) error {
	if x.id == "" {
		return nil
	}
	if x.err != nil {
		rep.refuse(x.id, x.err)
		return nil
	}
	if s.doubles != nil {
		s.identify()
	}
	was, n, twice := s.versions.find(x.key, x.hash)
	now := versionOf(x.modified)
	if twice && !now.after(was) {
		return nil
	}
	list := s.list[:0]
	if o.Patterns != nil {
		o.Patterns.Drop(x.id)
	}
	switch {
	case x.revoked:
		rep.Revoked++
	case x.patternType != "" && x.patternType != "stix":
		rep.Others++
	case x.ends && x.until.Before(x.from):
		rep.refuse(x.id, errors.New("its validity ends before it begins"))
	default:
		for i := range x.values {
			w := watch.Indicator{ID: x.id, Value: x.value(i).value(), Place: x.value(i).place, Until: x.until, Source: o.Name, TLP: x.marking}
			if o.FromValidity {
				w.From = x.from
			}
			list = append(list, w)
		}
		s.list = list
		if len(list) == 0 && o.Patterns == nil {
			rep.Compound++
		} else if len(list) == 0 {
			p := Pattern{ID: x.id, Text: x.pattern, Until: x.until, Source: o.Name, TLP: x.marking}
			if o.FromValidity {
				p.From = x.from
			}
			var err error
			if list, err = s.parts(p, o.Patterns); err != nil {
				rep.refuse(x.id, err)
				return nil
			}
			rep.Compound++
		}
		if x.ends && !x.until.After(o.Now) {
			rep.Expired++
		}
	}
	if n != nowhere {
		s.versions.set(n, now)
		if _, _, derived := s.b.Derived(n); derived {
			if s.valid == nil {
				s.valid = map[int]validity{}
			}
			s.valid[n] = validity{final: true}
		}
		if len(list) > 0 && list[0].Atom != 0 {
			o.Patterns.Hidden() // whether all of them can stand there shows only later
		}
		s.later = append(s.later, watch.Change{ID: x.id, Indicators: slices.Clone(list)})
		return nil
	}
	return s.add(rep, x, now, list, o.Patterns)
}

// parts gives the values of a pattern as parts of it.
func (s *Set) parts(p Pattern, patterns Patterns) ([]watch.Indicator, error) {
	atoms, err := patterns.Put(p)
	if err != nil {
		return nil, err
	}
	var list []watch.Indicator
	for i, value := range atoms {
		list = append(list, watch.Indicator{ID: p.ID, Value: value, Atom: uint16(min(i+1, math.MaxUint16)), Source: p.Source, TLP: p.TLP})
	}
	return list, nil
}

// add adds values of an identifier that has none in the set. Those of x that are no parts of a pattern have been checked, one by one.
func (s *Set) add(rep *Report, x *readyObject, v version, list []watch.Indicator, patterns Patterns) error {
	first, added := s.b.Len(), 0
	for i, ind := range list {
		var err error
		if x.values == 0 {
			err = s.b.Add(ind)
		} else if c := x.value(i); c.refused != nil {
			err = c.refused.err
		} else {
			err = s.b.AddChecked(&c.checked, ind)
		}
		if errors.Is(err, watch.ErrFull) {
			return err
		}
		if err != nil && ind.Atom != 0 {
			patterns.Hidden()
			continue
		}
		if err != nil {
			rep.refuse(ind.Value.Text, err)
			continue
		}
		if added++; ind.Atom == 0 {
			rep.Values++
		}
	}
	if added == 0 {
		first = nowhere
	} else if list[0].Atom == 0 {
		rep.Indicators++
	}
	s.versions.add(x.key, x.hash, v, first)
	return nil
}
