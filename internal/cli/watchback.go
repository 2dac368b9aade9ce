package cli

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"entente/internal/node"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/input"
	"entente/internal/watch/past"
	"entente/internal/watch/sighting"
)

const (
	// maxBackAtOnce is how many values are looked for in the index at once.
	maxBackAtOnce = 10_000
	// maxBackWaiting is how many may wait for the index to be written, to be looked for again in what was read since the last writing.
	maxBackWaiting = 100_000
	// backAgain is after how long the index is asked again that could not be read.
	backAgain = time.Minute
	// backBeside is for how long before now an hour may be one in which the watch looked for what is new already.
	backBeside = 3 * time.Hour
	// backLast is how long the end of a watch that is stopped waits for what is being asked.
	backLast = 10 * time.Second
)

// looking looks back: what is new of what is watched for is looked for in the index, once, and the hours that it was seen in become sightings. The
// index is asked beside the watch, all else is done by the goroutine that reads. A nil one does nothing.
type looking struct {
	w      *watching
	ctx    context.Context
	cancel func()
	asked  *past.Asked
	back   time.Duration

	upTo  *watch.Set // all that it looks for was asked, or will be by next
	next  func() (watch.Indicator, bool)
	stop  func()
	known *past.Known // what was asked before, as long as next gives it

	answers chan lookedBack // of what is being asked; nil: nothing is
	again   time.Time       // not before this the index is asked
	retry   []watch.Indicator

	// waiting are those that are to be looked for again when the index was written for more than writes times.
	waiting []watch.Indicator
	writes  int

	// All that came of done is to be kept before it is noted: rows reported to the node, and then saved.
	done []past.Question
	rows []*sighting.Sighting
	save bool

	values, seen int64 // since the last summary
	told         int   // values that people were told of one by one
	from, to     time.Time
	hours, span  int // that the index knows, of how many
}

// lookedBack is an answer of the index.
type lookedBack struct {
	indicators []watch.Indicator
	answer     *past.Answer
	from, to   time.Time
	last       bool // next has no more
	final      bool // nothing was read that the index does not have
	err        error
}

// lookBack begins to look back with what the index remembers.
func (w *watching) lookBack() (*looking, error) {
	f := w.f.indexFlags
	if f.index == "" {
		return nil, nil
	}
	now := w.a.now()
	from, err := w.a.sinceTime("--look-back", f.lookBack, now)
	if err != nil {
		return nil, err
	}
	if !from.Before(now) {
		return nil, nil
	}
	l := &looking{w: w, back: now.Sub(from)}
	l.ctx, l.cancel = context.WithCancel(w.index.ctx)
	if l.asked, l.known, err = w.index.index.Asked(); err != nil {
		return nil, err
	}
	return l, nil
}

// first looks for all that is new before anything is read, where a watch ends by itself: then what it reads is not among what was seen before.
func (l *looking) first(ctx context.Context) {
	if l != nil && !l.w.goesOn() {
		_ = l.all(ctx) // a watch that is stopped here reads nothing
	}
}

// all goes on until nothing is left to be asked.
func (l *looking) all(ctx context.Context) error {
	for asked := int64(0); ; {
		l.tick()
		if l.answers == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case x := <-l.answers:
			l.take(x)
			asked += int64(len(x.indicators))
			l.w.bar.set(node.Progress{Stage: "hunt", Done: asked, Total: int64(l.w.live.Load().Len())})
		}
	}
}

// end looks for the rest when all is read and the index is written.
func (l *looking) end(ctx context.Context) error {
	if l == nil {
		return nil
	}
	if ctx.Err() != nil { // it was stopped; what is not asked now is asked by the next run
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), backLast)
		defer cancel()
	}
	err := l.all(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	l.summary()
	return err
}

// close ends what is being asked.
func (l *looking) close() {
	if l == nil {
		return
	}
	l.cancel()
	if l.answers != nil { // it uses next
		<-l.answers
	}
	if l.stop != nil {
		l.stop()
	}
}

// tick goes on with what is to be done. It does not wait.
func (l *looking) tick() {
	if l == nil {
		return
	}
	if l.answers != nil {
		select {
		case x := <-l.answers:
			l.take(x)
		default:
			return
		}
	}
	l.settle()
	x := l.w.index
	now := l.w.a.now()
	if now.Before(l.again) {
		return
	}
	if len(l.waiting) >= maxBackWaiting && x.writes == l.writes {
		x.flush()
	}
	clean := x.clean()
	switch {
	case len(l.retry) > 0:
		list := l.retry
		l.retry = nil
		l.ask(list, false, clean)
	case len(l.waiting) > 0 && x.writes > l.writes:
		list := l.waiting
		l.waiting = nil
		l.ask(list, false, true) // what was read since the writing was read with these in force
	case l.next != nil || l.w.live.Load() != l.upTo:
		if l.next == nil {
			set := l.w.live.Load()
			if l.known == nil && !set.Continues(l.upTo) { // another set: most of it was asked
				var err error
				if l.asked, l.known, err = x.index.Asked(); err != nil {
					l.fail(err)
					return
				}
			}
			l.next, l.stop = iter.Pull(set.Since(l.upTo))
			l.upTo = set
		}
		l.ask(nil, true, clean)
	default:
		l.summary()
	}
}

// ask asks the index for a list, or for what next gives.
func (l *looking) ask(list []watch.Indicator, more, final bool) {
	answers := make(chan lookedBack, 1)
	l.answers = answers
	now := l.w.a.now().UTC()
	x := lookedBack{indicators: list, from: now.Add(-l.back), to: now, final: final}
	index, next, known := l.w.index.index, l.next, l.known
	go func() {
		for more && len(x.indicators) < maxBackAtOnce {
			ind, ok := next()
			if !ok {
				x.last = true
				break
			}
			ind.ID, _, _ = strings.Cut(ind.ID, "#") // behind it is what tells values of one indicator apart
			// A part of a pattern alone is nothing that was seen, and the index does not tell a name from those below it.
			if ind.Atom == 0 && ind.Policy != watch.Exact && !known.Has(ind.ID, ind.Value) {
				x.indicators = append(x.indicators, ind)
			}
		}
		if len(x.indicators) > 0 {
			values := make([]observable.Value, len(x.indicators))
			for i, ind := range x.indicators {
				values[i] = ind.Value
			}
			x.answer, x.err = index.Hunt(l.ctx, values, x.from, x.to)
		}
		answers <- x
	}()
}

// take makes sightings of an answer.
func (l *looking) take(x lookedBack) {
	l.answers = nil
	if x.last {
		l.stop()
		l.next, l.stop, l.known = nil, nil, nil
	}
	if x.err != nil {
		l.retry = x.indicators
		l.fail(x.err)
		return
	}
	if x.answer == nil {
		return
	}
	for i := range x.answer.Seen {
		l.found(&x, i)
	}
	for _, f := range x.answer.Faults {
		l.w.problem(input.Problem{Input: f.File, Kind: "unreadable", Err: f})
	}
	l.from, l.to, l.hours, l.span = x.from, x.to, 0, 0
	for _, d := range x.answer.Known {
		d.Each(func(time.Time) { l.hours++ })
	}
	for at := x.from.Truncate(time.Hour); at.Before(x.to); at = at.Add(time.Hour) {
		l.span++
	}
	if !x.final {
		l.waiting, l.writes = append(l.waiting, x.indicators...), l.w.index.writes
		return
	}
	l.values += int64(len(x.indicators))
	for _, ind := range x.indicators {
		l.done = append(l.done, past.Question{ID: ind.ID, Value: ind.Value})
	}
}

// found makes sightings of the hours that one of the indicators was seen in while it was valid.
func (l *looking) found(x *lookedBack, i int) {
	ind, s := &x.indicators[i], &x.answer.Seen[i]
	var first, last time.Time
	hours, fresh := 0, false
	for _, d := range s.Days {
		d.Each(func(hour time.Time) {
			if !ind.Until.IsZero() && !hour.Before(ind.Until) || !hour.Add(time.Hour).After(ind.From) {
				return
			}
			if hours == 0 {
				first = hour
			}
			last = hour
			hours++
			if x.to.Sub(hour) < backBeside && l.w.table.InHour(ind.ID, ind.Value, hour) {
				return // by this watch: it was looked for then
			}
			row, isNew := l.w.table.AddHour(ind.ID, ind.Value, ind.Source, ind.TLP, hour)
			if isNew {
				fresh = true
				l.rows, l.save = append(l.rows, row), true
				l.w.outs.add(row)
			}
		})
	}
	if !fresh {
		return
	}
	l.seen++
	l.w.seenBack++
	if l.w.f.as != "" || l.told >= l.w.f.limit {
		return
	}
	l.told++
	p := l.w.a.printer()
	why := string(ind.Value.Type) + ", " + ind.ID
	if ind.Source != "" {
		why += ", " + ind.Source
	}
	if ind.TLP != "" {
		why += ", " + ind.TLP
	}
	p.say("", "ui.watch-back-seen", "value", ind.Value.Text, "why", why, "hours", p.number(int64(hours)), "first", p.at(first), "last", p.at(last))
	if _, err := io.WriteString(l.w.a.out, p.String()); err != nil {
		l.w.err = err
	}
}

// settle notes what was asked when all that came of it is kept: reported to the node, and saved with the positions. Without either it is kept by having been told.
func (l *looking) settle() {
	if l == nil || len(l.done) == 0 {
		return
	}
	if l.rows = slices.DeleteFunc(l.rows, func(s *sighting.Sighting) bool { return !l.w.join.owes(s) }); len(l.rows) > 0 {
		return
	}
	if l.save {
		l.w.reader.Touch()
		if err := l.w.reader.Save(); err != nil {
			return // it was told, and is tried again
		}
	}
	if err := l.asked.Add(l.done); err != nil {
		l.fail(err)
		return
	}
	l.w.lookedBack += int64(len(l.done))
	l.done, l.save = nil, false
}

// fail tells what went wrong, and puts off the next question.
func (l *looking) fail(err error) {
	l.again = l.w.a.now().Add(backAgain)
	l.w.problem(input.Problem{Input: l.w.f.index, Kind: "unreadable", Err: err})
}

// summary tells how many were looked for, where something was.
func (l *looking) summary() {
	if l.values == 0 || l.span == 0 {
		return
	}
	p := l.w.a.printer()
	p.say("", "ui.watch-back", "n", p.number(l.values), "seen", p.number(l.seen), "from", p.at(l.from), "known", p.number(int64(l.hours)), "all", p.number(int64(l.span)))
	l.values, l.seen = 0, 0
	if l.hours == 0 {
		return // an index that begins knows nothing
	}
	l.w.bar.done()
	if err := l.w.note(p); err != nil {
		l.w.err = err
	}
}
