package past

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// Stats is what became of the records of a builder.
type Stats struct {
	Records uint64 // that were taken
	// Undated are records without a time, or with one before 1970 or after 9999.
	// Nothing is known of their hour, so they are not in the index.
	Undated uint64
	// Values are fields that were of a type, and Refused those among them whose text
	// is no value of it, which no indicator can name.
	Values, Refused uint64
	// Dropped are records that were left out because the disk took no more.
	Dropped uint64
	// Entries are tokens written, each once an hour at most for each run.
	Entries uint64
	// Parts are the files written.
	Parts int
}

// Builder takes records in any order and writes them into an index. Its memory is
// bounded: what does not fit goes to sorted runs in the folder of the index. It may be
// used by one goroutine at a time.
type Builder struct {
	index  *Index
	tokens tokenizer
	seed   maphash.Seed
	cache  []cached
	es     []entry
	runs   []*run
	days   map[int32]struct{}
	spans  map[spanKey]Span
	stats  Stats
	found  []token
	text   []byte
	limit  int // entries in memory
}

// cached remembers the hours that a value was added for last. It is compared as a
// whole, so nothing is ever left out by mistake.
type cached struct {
	typ  observable.Type
	text string
	day  int32
	mask uint32
}

const (
	cacheSize = 1 << 15
	cacheText = 512 // longer texts are not remembered
)

// Builder begins to add to the index.
func (x *Index) Builder() *Builder {
	return &Builder{index: x, tokens: tokenizer{key: x.key}, seed: maphash.MakeSeed(), cache: make([]cached, cacheSize),
		days: map[int32]struct{}{}, spans: map[spanKey]Span{}, limit: maxEntries}
}

// Stats tells what became of the records so far.
func (b *Builder) Stats() Stats { return b.stats }

// Add adds the values of a record, which stands at a place in the logs. It keeps
// nothing of the record. What was added is in the index after [Builder.Flush]; when
// there is too much of it, Add flushes by itself. The error is of the disk.
func (b *Builder) Add(ctx context.Context, r *record.Record, at Place) error {
	day, hour, ok := hourOf(r.Time)
	if !ok {
		b.stats.Undated++
		return nil
	}
	if len(at.Source) > maxSource || at.From < 0 || at.To < at.From {
		return fmt.Errorf("a place in a log that cannot be: %d bytes of name, from %d to %d", len(at.Source), at.From, at.To)
	}
	if _, known := b.days[day]; !known && len(b.days) >= maxDays || len(b.spans) >= maxSpans {
		if err := b.Flush(ctx); err != nil {
			return err
		}
	}
	if len(b.es) >= 2*b.limit { // the disk took nothing for long
		if err := b.spill(ctx); err != nil {
			b.stats.Dropped++
			return err
		}
	}
	b.stats.Records++
	b.days[day] = struct{}{}
	k := spanKey{day, hour, at.Source}
	this := Span{Source: at.Source, From: at.From, To: at.To, Events: 1}
	if s, ok := b.spans[k]; ok {
		this.add(s)
	} else {
		k.source = strings.Clone(k.source)
	}
	this.Source = k.source
	b.spans[k] = this
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Type != "" && f.Text != "" {
			b.field(r, f, day, hour)
		}
	}
	if len(b.es) < b.limit {
		return nil
	}
	return b.spill(ctx)
}

func (b *Builder) field(r *record.Record, f *record.Field, day int32, hour uint8) {
	b.stats.Values++
	b.text = request(b.text[:0], r, f)
	var c *cached
	if len(b.text) <= cacheText {
		c = &b.cache[maphash.Bytes(b.seed, b.text)%cacheSize]
		if c.typ == f.Type && c.text == string(b.text) {
			if c.day == day && c.mask&(1<<hour) != 0 {
				return
			}
			if c.day != day {
				c.day, c.mask = day, 0
			}
		} else {
			*c = cached{typ: f.Type, text: string(b.text), day: day}
		}
	}
	text := f.Text
	if c != nil {
		text = c.text
	} else if len(b.text) != len(f.Text) {
		text = string(b.text)
	}
	b.found = b.tokens.appendTokens(b.found[:0], f.Type, text)
	if len(b.found) == 0 {
		b.stats.Refused++
		return // and is not remembered, so that it is counted each time
	}
	if c != nil {
		c.mask |= 1 << hour
	}
	for _, t := range b.found {
		b.es = append(b.es, entry{day: day, mask: 1 << hour, token: t})
	}
}

// hourOf gives the day and the hour of a time.
func hourOf(t time.Time) (day int32, hour uint8, ok bool) {
	s := t.Unix()
	if t.IsZero() || s < 0 || s/86400 > lastDay {
		return 0, 0, false
	}
	return int32(s / 86400), uint8(s % 86400 / 3600), true
}

// spill makes room in memory.
func (b *Builder) spill(ctx context.Context) error {
	if b.es = tidy(b.es); len(b.es) < b.limit/2 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(b.runs) >= maxRuns {
		r, err := writeRun(b.index.dir, &merged{from: b.sources()})
		if err != nil {
			return fmt.Errorf("the index of the past could not join its sorted runs in %s: %w", b.index.dir, err)
		}
		b.dropRuns()
		b.runs = append(b.runs, r)
	}
	m := inMemory(b.es)
	r, err := writeRun(b.index.dir, &m)
	if err != nil {
		return fmt.Errorf("the index of the past could not write a sorted run in %s: %w", b.index.dir, err)
	}
	b.runs = append(b.runs, r)
	b.es = b.es[:0]
	return nil
}

func (b *Builder) sources() []source {
	var out []source
	for _, r := range b.runs {
		out = append(out, r.entries())
	}
	return out
}

func (b *Builder) dropRuns() {
	for _, r := range b.runs {
		r.drop()
	}
	b.runs = nil
}

// Flush writes everything that was added into the index and returns when it is on
// disk. Who keeps a position in the logs keeps it after that. If it fails, what was
// added stays with the builder and Flush can be called again.
func (b *Builder) Flush(ctx context.Context) error {
	if len(b.days) == 0 {
		return nil
	}
	b.es = tidy(b.es)
	all := func() source {
		m := inMemory(b.es)
		return &merged{from: append(b.sources(), &m)}
	}
	n, err := b.index.write(ctx, all, b.spans, b.days)
	if err != nil {
		return fmt.Errorf("the index of the past in %s could not be written: %w", b.index.dir, err)
	}
	b.stats.Parts += len(b.days)
	b.stats.Entries += n
	days := b.days
	b.dropRuns()
	b.es, b.days, b.spans = b.es[:0], map[int32]struct{}{}, map[spanKey]Span{}
	var fault error
	for day := range days {
		fault = errors.Join(fault, b.index.compact(ctx, day, maxParts))
	}
	return fault
}

// Close gives up what was not flushed.
func (b *Builder) Close() { b.dropRuns() }
