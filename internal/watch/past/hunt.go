package past

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"slices"
	"sync"
	"time"

	"entente/internal/observable"

	"golang.org/x/sync/errgroup"
)

// Hours are hours of a day, UTC.
type Hours struct {
	Day  time.Time // its beginning
	Mask uint32    // bit 0 is the hour from 00:00
}

// Each calls f with the beginning of each hour.
func (h Hours) Each(f func(time.Time)) {
	for m := h.Mask; m != 0; m &= m - 1 {
		f(h.Day.Add(time.Duration(bits.TrailingZeros32(m)) * time.Hour))
	}
}

// Seen is a value and the hours it was seen in, oldest day first. A value that was
// not seen has none.
type Seen struct {
	Value observable.Value
	Days  []Hours
	// Unasked is true for a value of a type that no index holds, so that nothing is
	// known of it.
	Unasked bool
}

// Count is the number of hours.
func (s *Seen) Count() (n int) {
	for _, d := range s.Days {
		n += bits.OnesCount32(d.Mask)
	}
	return n
}

// Fault is a part of the index that could not be read, so that an hour of its day may
// be missing from the answer.
type Fault struct {
	Day  time.Time
	File string
	Err  error
}

// Error implements error.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s of %s: %v", f.File, f.Day.Format(time.DateOnly), f.Err)
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Answer is what a hunt found.
type Answer struct {
	Seen []Seen // in the order of the question
	// Known are the hours that the index has records of. Of the others nothing is known.
	Known []Hours
	// Faults are the parts that could not be read.
	Faults []*Fault
}

// question is one value as an index has it.
type question struct {
	first, last token
	value       int
}

// Hunt looks for values from the hour of one time to the hour of another, which is
// outside if it begins with it. A domain is looked for with everything below it, a
// prefix with every address in it. Parts that cannot be read do not end a hunt; the
// answer names them.
func (x *Index) Hunt(ctx context.Context, values []observable.Value, from, to time.Time) (*Answer, error) {
	if len(values) > maxValues {
		return nil, fmt.Errorf("a hunt for %d values; the most is %d, so ask in several", len(values), maxValues)
	}
	names, err := x.between(from, to)
	if err != nil {
		return nil, err
	}
	h := &hunt{values: values, questions: map[key]func() []question{}, days: map[int32]uint32{}, hits: map[int]map[int32]uint32{}}
	for try := 1; len(names) > 0; try++ {
		if err := h.askAll(ctx, x, names, try < 3); err != nil {
			return nil, err
		}
		// Parts that were joined meanwhile are in the new one, which was there first.
		gone := h.gone
		h.gone = nil
		if names, err = x.between(from, to); err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(n name) bool { return !gone[n.day] })
	}
	return h.answer(from, to), nil
}

// askAll asks parts. Those that are not there any more are noted if they may be asked
// in another form.
func (h *hunt) askAll(ctx context.Context, x *Index, names []name, again bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxOpen)
	for _, n := range names {
		g.Go(func() error {
			err := ctx.Err()
			if err == nil {
				err = h.ask(ctx, x, n)
			}
			if err == nil || ctx.Err() != nil {
				return err
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if again && errors.Is(err, fs.ErrNotExist) {
				if h.gone == nil {
					h.gone = map[int32]bool{}
				}
				h.gone[n.day] = true
				return nil
			}
			h.faults = append(h.faults, &Fault{Day: dayTime(n.day), File: n.name, Err: err})
			return nil
		})
	}
	return g.Wait()
}

func dayTime(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// between lists the parts of days that have something of a time.
func (x *Index) between(from, to time.Time) ([]name, error) {
	names, err := x.names()
	if err != nil {
		return nil, fmt.Errorf("the index of the past cannot be read: %w", err)
	}
	return slices.DeleteFunc(names, func(n name) bool { return window(n.day, from, to) == 0 }), nil
}

// window gives the hours of a day that have something of a time.
func window(day int32, from, to time.Time) (mask uint32) {
	for hour := range 24 {
		at := dayTime(day).Add(time.Duration(hour) * time.Hour)
		if at.Add(time.Hour).After(from) && at.Before(to) {
			mask |= 1 << hour
		}
	}
	return mask
}

type hunt struct {
	values    []observable.Value
	mu        sync.Mutex
	questions map[key]func() []question
	days      map[int32]uint32
	hits      map[int]map[int32]uint32
	faults    []*Fault
	gone      map[int32]bool // days of parts that were joined meanwhile
}

// asked gives the questions for a key, sorted.
func (h *hunt) asked(k key) []question {
	h.mu.Lock()
	f := h.questions[k]
	if f == nil {
		f = sync.OnceValue(func() []question {
			t := tokenizer{key: k}
			var out []question
			for i, v := range h.values {
				if first, last, ok := t.asked(v); ok {
					out = append(out, question{first, last, i})
				}
			}
			slices.SortFunc(out, func(a, b question) int {
				return cmp.Or(a.first.compare(b.first), a.last.compare(b.last), cmp.Compare(a.value, b.value))
			})
			return out
		})
		h.questions[k] = f
	}
	h.mu.Unlock()
	return f()
}

// ask asks one part. What it found before a fault counts.
func (h *hunt) ask(ctx context.Context, x *Index, n name) error {
	p, done, err := x.open(n.name)
	if err != nil {
		return err
	}
	defer done()
	spans, err := p.spans()
	known := uint32(0)
	for k := range spans {
		known |= 1 << k.hour
	}
	type hit struct {
		value int
		mask  uint32
	}
	var hits []hit
	if err == nil {
		for i, q := range h.asked(p.key) {
			if i&0xfff == 0xfff && ctx.Err() != nil {
				return ctx.Err()
			}
			var mask uint32
			if q.first.kind == hashed {
				mask, err = p.token(q.first.lo)
			} else {
				mask, err = p.between(q.first, q.last)
			}
			if err != nil {
				break
			}
			if mask != 0 {
				hits = append(hits, hit{q.value, mask})
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.days[n.day] |= known
	for _, x := range hits {
		if h.hits[x.value] == nil {
			h.hits[x.value] = map[int32]uint32{}
		}
		h.hits[x.value][n.day] |= x.mask
	}
	return err
}

func (h *hunt) answer(from, to time.Time) *Answer {
	trim := func(days map[int32]uint32) (out []Hours) {
		for day, mask := range days {
			if mask &= window(day, from, to); mask != 0 {
				out = append(out, Hours{dayTime(day), mask})
			}
		}
		slices.SortFunc(out, func(a, b Hours) int { return a.Day.Compare(b.Day) })
		return out
	}
	a := &Answer{Seen: make([]Seen, len(h.values)), Known: trim(h.days), Faults: h.faults}
	slices.SortFunc(a.Faults, func(a, b *Fault) int { return cmp.Compare(a.File, b.File) })
	t := tokenizer{}
	for i, v := range h.values {
		_, _, ok := t.asked(v)
		a.Seen[i] = Seen{Value: v, Days: trim(h.hits[i]), Unasked: !ok}
	}
	return a
}

// Places lists the stretches of log files that hold the records of hours, by file,
// each stretch once.
func (x *Index) Places(ctx context.Context, hours []Hours) ([]Span, []*Fault, error) {
	want := map[int32]uint32{}
	for _, h := range hours {
		if day, _, ok := hourOf(h.Day); ok {
			want[day] |= h.Mask
		}
	}
	names, err := x.names()
	if err != nil {
		return nil, nil, fmt.Errorf("the index of the past cannot be read: %w", err)
	}
	var out []Span
	var faults []*Fault
	for _, n := range names {
		if want[n.day] == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		p, done, err := x.open(n.name)
		var spans map[spanKey]Span
		if err == nil {
			spans, err = p.spans()
			done()
		}
		if err != nil {
			faults = append(faults, &Fault{Day: dayTime(n.day), File: n.name, Err: err})
		}
		for k, s := range spans {
			if want[n.day]&(1<<k.hour) != 0 && s.Source != "" {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	n := 0
	for i := range out { // those that overlap are one
		if n > 0 && out[n-1].Source == out[i].Source && out[i].From <= out[n-1].To {
			out[n-1].add(out[i])
			continue
		}
		out[n] = out[i]
		n++
	}
	return out[:n], faults, nil
}
