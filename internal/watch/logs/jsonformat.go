package logs

import (
	"fmt"
	"strings"

	"entente/internal/watch/record"
)

// jsonFormat reads JSON lines by a table of places.
type jsonFormat struct {
	reader
	name   string
	walker walker
	places map[string]place
	times  []string // where the time may stand, the best first
	// finish adds what takes more than one value: URLs, ends, direction, the name of the kind of line.
	finish func(*jsonFormat)
	// mapped are places that the user named; they come before the others.
	mapped Map
	// must are places of which each line has at least one; nil: it may be any object.
	must []string
	// loose tells that values in places that nobody named are taken by their form.
	loose bool
}

func (f *jsonFormat) Name() string { return f.name }

func (f *jsonFormat) Header() string { return "" }

// Rest implements [Rester].
func (f *jsonFormat) Rest() {
	f.reader.Rest()
	f.walker.rest()
}

// Decode implements [Format].
func (f *jsonFormat) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	err := f.walker.walk(line)
	if len(f.walker.leaves) > 0 {
		f.fill()
	}
	if err == nil && !f.fits() {
		err = fmt.Errorf("%w: %w: it has none of %q", ErrLine, ErrOther, f.must)
	}
	return err
}

// fits tells whether the line has a place that each line of the format has.
func (f *jsonFormat) fits() bool {
	for _, p := range f.must {
		if f.has(p) {
			return true
		}
	}
	return f.must == nil
}

func (f *jsonFormat) fill() {
	for i := range f.walker.leaves {
		l := &f.walker.leaves[i]
		if l.kind == leafNull || l.kind == leafBool {
			continue
		}
		if m := f.mapped.find(l.place, l.path); m != nil {
			m.put(&f.reader, l.path, l.text)
			continue
		}
		switch p, ok := f.places[l.place]; {
		case ok && f.loose && (p.as == asForm || p.as <= asHost && strings.ContainsAny(l.text, " ,;")): // several addresses, which proxies write
			f.unknown(p.role, l.path, l.text)
		case ok:
			f.put(p, l.path, l.text)
		case f.loose && l.kind == leafText:
			f.unknown(record.Other, l.path, l.text)
		}
	}
	f.ends(f.from, f.to)
	if f.finish != nil {
		f.finish(f)
	}
	for i := 0; i < len(f.times) && f.r.Time.IsZero(); i++ {
		if text := f.get(f.times[i]); f.loose { // a name that many programs have may mean something else
			f.r.Time = likelyMoment(text)
		} else {
			f.r.Time = moment(text)
		}
	}
}

// get gives the first value at a place, empty if there is none.
func (f *jsonFormat) get(place string) string {
	for i := range f.walker.leaves {
		if l := &f.walker.leaves[i]; l.place == place {
			return l.text
		}
	}
	return ""
}

// first gives the first value that there is.
func (f *jsonFormat) first(places ...string) string {
	for _, p := range places {
		if s := f.get(p); s != "" {
			return s
		}
	}
	return ""
}

// has tells whether there is a place.
func (f *jsonFormat) has(place string) bool {
	for i := range f.walker.leaves {
		if f.walker.leaves[i].place == place {
			return true
		}
	}
	return false
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}
