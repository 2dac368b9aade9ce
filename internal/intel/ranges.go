package intel

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"entente/internal/observable"
)

// keyRange is a stretch of index rows, each of which ends with the seq of an object.
type keyRange struct {
	from, to []byte
	up       bool // walked upwards, by name, whatever order is asked for
}

func (r keyRange) has(key []byte) bool {
	return bytes.Compare(key, r.from) >= 0 && bytes.Compare(key, r.to) < 0
}

func allUnder(prefix []byte) keyRange { return keyRange{from: prefix, to: after(prefix)} }

// valueRanges lists where the objects of a value are, and of what is above and below it.
// No two overlap.
func valueRanges(v observable.Value, parents, children bool) []keyRange {
	exact := exactKey(v)
	out := []keyRange{allUnder(exact)}
	if parents {
		out = append(out, parentRanges(v)...)
	}
	if !children {
		return out
	}
	if v.Type == observable.Domain {
		out = append(out, keyRange{after(exact), after(hostPrefix(v.Text)), true})
	} else if p, ok := netOf(v); ok {
		out = append(out, keyRange{after(exact), netEnd(p), true})
	}
	return out
}

// parentRanges lists where the values above a value are, nearest first.
func parentRanges(v observable.Value) (out []keyRange) {
	if host, ok := v.HostOf(); ok {
		v = host
		out = append(out, allUnder(exactKey(v)))
	}
	if v.Type == observable.Domain {
		for _, p := range observable.Parents(v.Text) {
			out = append(out, allUnder(hostKey(p, kindItself)))
		}
	}
	if p, ok := netOf(v); ok {
		for bits := p.Bits() - 1; bits >= 0; bits-- {
			if wider, err := p.Addr().Prefix(bits); err == nil {
				out = append(out, allUnder(netKey(wider, kindItself)))
			}
		}
	}
	return out
}

// maxProbe is how many rows of each word are counted to see which is the rarest.
const maxProbe = 512

// lead finds the word whose rows to walk: the rarest, or the one that a page before has
// walked, which may no longer be the rarest.
func (v reading) lead(words []wantedWord, next []byte) (best keyRange, which int, err error) {
	least := -1
	for i, w := range words {
		r := allUnder(wordKey(w.text))
		if w.begin {
			r = allUnder(wordPrefix(w.text))
			r.up = true
		}
		if next != nil {
			if i == int(next[0]) {
				return r, i, nil
			}
			continue
		}
		rows, n := 0, 0
		for row, err := range v.Scan(r.from, r.to, false) {
			if err != nil {
				return r, 0, err
			}
			n += len(row.Value) // an object costs a byte or two
			if rows++; rows == maxProbe {
				break
			}
		}
		// Of two that are equally frequent the one that is walked in order of time.
		if least < 0 || n < least || n == least && best.up && !r.up {
			best, which, least = r, i, n
		}
	}
	if least < 0 {
		return best, 0, errOtherQuery
	}
	return best, which, nil
}

var errOtherQuery = fmt.Errorf("%w: next belongs to another query", ErrQuery)

// byRanges walks ranges one after another. An object comes once, at the row that is
// met first of all its rows, so that a page needs to know nothing of the pages before it.
func (v reading) byRanges(c criteria, newest bool) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		first := 0
		if c.next != nil {
			first = slices.IndexFunc(c.ranges, func(r keyRange) bool { return r.has(c.next) })
			if first < 0 {
				yield(candidate{}, errOtherQuery)
				return
			}
		}
		met := map[int64]bool{}
		next := c.next
		for _, r := range c.ranges[first:] {
			for cand, err := range v.places(r, next, newest && !r.up) {
				if err == nil && c.several {
					first := false
					if !met[cand.seq] {
						if len(met) < maxMet {
							met[cand.seq] = true
						}
						first, err = v.firstOf(cand.seq, cand.place, c.ranges, newest)
					}
					cand.again = !first
				}
				if !yield(cand, err) || err != nil {
					return
				}
			}
			next = nil
		}
	}
}

// places walks the rows of a range, from a place on if next is not nil. An object of a
// list has its place where it would be in a row of its own.
func (v reading) places(r keyRange, next []byte, down bool) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		from, to := r.from, r.to
		if next != nil {
			upTo := append(bytes.Clone(next), 0)
			if down {
				to = upTo
			} else {
				from = next
				for row, err := range v.Scan(r.from, upTo, true) { // the list that it is in
					if err != nil {
						yield(candidate{}, err)
						return
					}
					if len(row.Key) == len(next) && bytes.HasPrefix(row.Key, next[:len(next)-8]) {
						from = bytes.Clone(row.Key)
					}
					break
				}
			}
		}
		for row, err := range v.Scan(from, to, down) {
			var seqs []int64
			if err == nil {
				seqs, err = seqsOf(row)
			}
			if err != nil {
				yield(candidate{}, err)
				return
			}
			prefix := bytes.Clone(row.Key[:len(row.Key)-8])
			for i := range seqs {
				if down {
					i = len(seqs) - 1 - i
				}
				cand := candidate{seq: seqs[i], place: withSeq(prefix, seqs[i])}
				if next != nil {
					if at := bytes.Compare(cand.place, next); down && at > 0 || !down && at < 0 {
						continue
					}
				}
				if !yield(cand, nil) {
					return
				}
			}
		}
	}
}

// maxMet bounds the objects that one walk remembers to have met; others are looked at
// each time they are met.
const maxMet = 1_000_000

// firstOf tells whether of all rows of an object that lie in the ranges one is the first.
func (v reading) firstOf(seq int64, place []byte, ranges []keyRange, newest bool) (bool, error) {
	t := newTx(v.Rows)
	value, ok, err := t.get(key8(keyDoc, seq))
	if err != nil || !ok {
		return false, err // gone since the index was read
	}
	_, raw, err := parseDoc(value)
	if err != nil {
		return false, err
	}
	it, said, err := t.listed(seq, raw)
	if err != nil {
		return false, err
	}
	best, bestAt := len(ranges), []byte(nil)
	look := func(k []byte) {
		k = withSeq(k, seq)
		i := slices.IndexFunc(ranges, func(r keyRange) bool { return r.has(k) })
		if i < 0 || i > best {
			return
		}
		down := newest && !ranges[i].up
		if i < best || (bytes.Compare(k, bestAt) < 0) != down {
			best, bestAt = i, k
		}
	}
	for _, k := range it.keys {
		look(k)
	}
	for k := range it.lists.first(said) {
		look(k)
	}
	return bytes.Equal(bestAt, place), nil
}
