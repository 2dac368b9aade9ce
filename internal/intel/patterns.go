package intel

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"iter"
	"slices"
	"strings"

	"entente/internal/observable"
	"entente/stix"
)

// Patterns that ask for more than one value, or for something that is no single value: no list can carry them, and so only
// watchers of this node are given them. Where a list carries values of such a pattern that are a sign by themselves (an address, of what is an address and a
// protocol), it is those; watchers are given the pattern in their place.
//
//	f k bucket id             -> entry, pattern

// maxPatternText is the longest pattern that watchers are given, in bytes; the engine of watchers takes no longer one.
const maxPatternText = 64 << 10

// ActivePattern is a pattern that watchers look for. Its Value is empty.
type ActivePattern struct {
	Active
	Pattern string
}

// patternBucket is the bucket of an indicator's pattern. Its changes are told with those of the values in the bucket.
func patternBucket(id string) uint16 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // it never fails
	return uint16(h.Sum32() % ActiveBuckets)
}

// patternOf gives the row that the pattern of an indicator should have which is no matter of values in places, of its newest accepted version; nil if it should have none.
// The guard keeps a pattern back if it keeps back every value that the pattern names: one of several, such as a resolver beside
// a name that it is asked for, harms nobody, because it is not looked for alone.
func (u *activeUpdate) patternOf(f *Found, o *stix.Object, a Active) []byte {
	text := strings.TrimSpace(o.Pattern)
	if text == "" || len(text) > maxPatternText {
		return nil
	}
	values := observable.FromObject(o)
	var first *Guarded
	for _, v := range values {
		hit, guarded := u.guard.Match(v)
		if !guarded {
			first = nil
			break
		}
		if first == nil {
			first = &Guarded{ID: f.ID, Name: o.Name, Source: a.Source, Value: v, Hit: hit, Pattern: true}
		}
	}
	if first != nil {
		if i := slices.IndexFunc(u.guarded, func(g Guarded) bool { return g.Value == first.Value }); i >= 0 {
			u.guarded[i].Pattern = true // it is told once, with the value that lists would have
		} else {
			u.guarded = append(u.guarded, *first)
		}
		return nil
	}
	p := ActivePattern{Active: a, Pattern: text}
	if hit, ok := u.everywhere(p.shown()); ok {
		u.guarded = append(u.guarded, Guarded{ID: f.ID, Name: o.Name, Source: a.Source, Value: p.shown(), Hit: hit})
		return nil
	}
	a.Name = "" // nobody is shown it with a pattern
	return appendText(a.encode(), text)
}

// setPattern makes the row of an indicator's pattern what it should be.
func (u *activeUpdate) setPattern(id string, want []byte) error {
	bucket := patternBucket(id)
	row := patternRow(id, want)
	old, had, err := u.get(row.Key)
	if err != nil || want == nil && !had || had && string(old) == string(want) {
		return err
	}
	if had {
		p, err := parsePattern(Row{Key: row.Key, Value: old})
		if err != nil {
			return err
		}
		u.countSource(p.Source, -1, 0)
	}
	if want == nil {
		u.remove(row.Key)
	} else {
		p, err := parsePattern(row)
		if err != nil {
			return err
		}
		u.countSource(p.Source, 1, 0)
		u.set(row.Key, want)
	}
	u.moves(bucket, id)
	return nil
}

func patternRow(id string, value []byte) Row {
	return Row{Key: append(binary.BigEndian.AppendUint16(activeKey('k', ""), patternBucket(id)), id...), Value: value}
}

// PatternType is the type of what stands for a whole pattern where values are told.
const PatternType observable.Type = "stix-pattern"

// shown is what a pattern is told as where values are: its beginning.
func (p *ActivePattern) shown() observable.Value {
	const most = 255
	text := strings.ToValidUTF8(p.Pattern, "")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return observable.Value{Type: PatternType, Text: text}
}

// Patterns yields the patterns that watchers look for, of the buckets from (included) to (excluded), whatever their marking
// and validity.
func (in *Intel) Patterns(ctx context.Context, from, to int) iter.Seq2[ActivePattern, error] {
	return viewed(in, func(v reading) iter.Seq2[ActivePattern, error] { return v.patterns(ctx, from, to) })
}

func (v reading) patterns(ctx context.Context, from, to int) iter.Seq2[ActivePattern, error] {
	return func(yield func(ActivePattern, error) bool) {
		first := binary.BigEndian.AppendUint16(activeKey('k', ""), uint16(from))
		last := binary.BigEndian.AppendUint16(activeKey('k', ""), uint16(to))
		n := 0
		for row, err := range v.Scan(first, last, false) {
			if n++; err == nil && n%1024 == 0 {
				err = ctx.Err()
			}
			var p ActivePattern
			if err == nil {
				p, err = parsePattern(row)
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

func parsePattern(row Row) (p ActivePattern, err error) {
	if len(row.Key) < 5 || len(row.Value) < activeFixed {
		return p, errBadRow
	}
	p.ID = string(row.Key[4:])
	p.entry(row.Value)
	rest := row.Value[activeFixed:]
	for _, text := range []*string{&p.Name, &p.Source, &p.Pattern} {
		if *text, rest, err = cutText(rest); err != nil {
			return p, err
		}
	}
	return p, nil
}
