package intel

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"entente/internal/guard"
	"entente/internal/observable"
	"entente/internal/watch/compound"
	"entente/stix"
)

// What sensors are given: for each accepted indicator, in its newest version, the
// values that are each enough by themselves. The rows follow what arrives, is decided
// and destroyed through marks: whatever touches an object marks its id in the same
// write, and [Intel.UpdateActive] works the marks off. So nothing is missed, an
// arrival costs one small row, and a crash costs nothing. Digest leaves them out:
// they may be behind, and follow by themselves.
//
//	f d id                    ->              the id was touched
//	f c id                    -> keys         the rows that the id has now
//	f a bucket type 00 value 00 id -> entry   one value of one indicator
//	f b bucket                -> change       the last change in a bucket
//	f n type                  -> count        values of a type
//	f g id                    -> guarded      what the guard keeps back of the id (JSON)
//	f m marking               -> levels       what a marking definition asked when it was looked at last
//	f t id                    ->              it may have been taken back here: see taken.go
//	f k bucket id             -> entry, text  a pattern of more than one value: see patterns.go
//	f s                       -> change, digests of what decides beside the guard, and of the guard
//
// What they were given, and who keeps it has to hear of, is in given.go.
const keyActive = 'f'

// ActiveBuckets is the number of buckets that values are spread over: what is made of one
// bucket is made anew only when something in it changed.
const ActiveBuckets = 4096

// Active is one value that sensors may look for.
type Active struct {
	Value observable.Value
	ID    string // of the indicator
	Name  string
	// TLP is the strictest marking of any accepted arrival; TLPNone: nobody marked it.
	TLP stix.TLP
	PAP stix.PAP
	// From and Until bound its validity; the zero time is no bound.
	From, Until time.Time
	Confidence  int // 0 to 100, or stix.NoConfidence
	// Changed is when it was changed last: the version's date, or when it came back.
	Changed time.Time
	// Source is the name of the import, or the party id, that it came from first.
	Source string
	// Places are where in a record a watcher looks for it. None: nowhere, since the indicator asks for more than the value says, and its pattern is among
	// [Intel.Patterns].
	Places observable.Places
}

func activeKey(kind byte, rest string) []byte {
	return append([]byte{keyActive, kind}, rest...)
}

// touch marks an id.
func (t *tx) touch(id string) {
	switch stix.IDType(id) {
	case "indicator", "opinion":
	case "marking-definition":
		if stix.Fixed(id) {
			return
		}
	default:
		return
	}
	t.touches = true
	if len(t.marked) <= maxFresh {
		t.marked = append(t.marked, id)
	}
	t.add(activeKey('d', id), nil)
}

// maxFresh is how many ids one write marks at most for them to come before others that wait, maxFreshAll of how many that is
// remembered. Marks say it too: this is for the order alone.
const maxFresh, maxFreshAll = 1000, 10_000

// freshen has what a write of few ids marked looked at next: what a person or a partner tells now does not wait until a large
// import is worked off.
func (in *Intel) freshen(t *tx) {
	if len(t.marked) > maxFresh {
		return
	}
	in.first(t.marked...)
}

// first has ids that are marked looked at before others, as many of them as are remembered.
func (in *Intel) first(ids ...string) {
	in.fresh = append(in.fresh, ids[:min(len(ids), max(0, maxFreshAll-len(in.fresh)))]...)
}

// takeFresh gives ids that are to come before others, each once, and what marks others first.
func (in *Intel) takeFresh() []string {
	ids := in.fresh[:min(len(in.fresh), activeBatch)]
	if in.fresh = in.fresh[len(ids):]; len(in.fresh) == 0 {
		in.fresh = nil
	}
	of := func(id string) int {
		if stix.IDType(id) == "marking-definition" {
			return 0
		}
		return 1
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(of(a), of(b)), strings.Compare(a, b)) })
	return slices.Compact(ids)
}

// Touched gives a token whenever something waits for [Intel.UpdateActive].
func (in *Intel) Touched() <-chan struct{} { return in.touched }

// activeBatch is how many ids are worked off in one write. Whoever tells something meanwhile waits for as many.
const activeBatch = 250

// UpdateActive works off what was touched since it was last called.
func (in *Intel) UpdateActive(ctx context.Context) error {
	for {
		more, _, err := in.updateActive(ctx)
		if err != nil {
			return fmt.Errorf("intel: what sensors are given: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// UpdateActiveFor works off what was touched for a while, one batch at least, and tells whether more is left: in the midst of a large import there is always
// more, and who waits for all of it waits for the end of the import. What came before others (see freshen) ends the while: somebody waits for it.
func (in *Intel) UpdateActiveFor(ctx context.Context, most time.Duration) (more bool, err error) {
	for end := in.cfg.Now().Add(most); ; {
		more, fresh, err := in.updateActive(ctx)
		if err != nil {
			return false, fmt.Errorf("intel: what sensors are given: %w", err)
		}
		if !more || fresh || !in.cfg.Now().Before(end) {
			return more, nil
		}
	}
}

// UpdateActiveSoon works off what comes before others (see freshen), and whatever else was touched for a while; what comes before others
// for most at most. It tells whether more is left.
func (in *Intel) UpdateActiveSoon(ctx context.Context, while, most time.Duration) (more bool, err error) {
	for begun := in.cfg.Now(); ; {
		more, _, err := in.updateActive(ctx)
		if err != nil {
			return false, fmt.Errorf("intel: what sensors are given: %w", err)
		}
		took := in.cfg.Now().Sub(begun)
		if !more || took >= most {
			return more, nil
		}
		if took >= while {
			if fresh, more, err := in.waits(); err != nil || !fresh {
				return more, err
			}
		}
	}
}

// waits tells whether something is marked that comes before others, and whether anything is.
func (in *Intel) waits() (fresh, more bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	first := activeKey('d', "")
	for _, err := range in.cfg.Objects.Scan(first, after(first), false) {
		return len(in.fresh) > 0, true, err
	}
	return len(in.fresh) > 0, len(in.fresh) > 0, nil
}

// updateActive works off one batch. It tells whether there was something, and whether that came before others.
func (in *Intel) updateActive(ctx context.Context) (more, fresh bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := errors.Join(ctx.Err(), in.open(ctx)); err != nil {
		return false, false, err
	}
	if err := in.policyChanged(ctx); err != nil {
		return false, false, err
	}
	ids, fresh, err := in.nextTouched()
	var before []Row
	if err == nil && len(ids) == 0 {
		before, err = in.givenBefore()
	}
	if err != nil {
		return false, false, err
	}
	if len(ids)+len(before) == 0 {
		more, err = in.tellLeftOut()
		return more, false, err
	}
	change, made, err := reading{in.cfg.Objects}.activeState()
	if err != nil {
		return false, false, err
	}
	change = max(change, in.changes)
	counts, err := in.ActiveCounts()
	if err != nil {
		return false, false, err
	}
	// Nobody else writes meanwhile, and one view is asked much more cheaply than the store as often.
	rows, err := in.cfg.Objects.View()
	if err != nil {
		return false, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	u := activeUpdate{reader: newReader(rows), guard: in.cfg.Guard, everywhere: in.isEverywhere, aging: in.cfg.Aging, now: in.cfg.Now(), change: change + 1, counts: map[observable.Type]int64{}, located: map[string]bool{}, sources: map[string][2]int64{}}
	for _, n := range counts {
		u.rows += n
	}
	for _, id := range ids {
		one := u.update
		switch stix.IDType(id) {
		case "opinion":
			one = u.opinion
		case "marking-definition":
			one = u.marking
		}
		if err := one(id); err != nil {
			return false, false, fmt.Errorf("%s: %w", id, err)
		}
		u.remove(activeKey('d', id))
	}
	for _, row := range before {
		if err := u.givenNoMore(row); err != nil {
			return false, false, err
		}
	}
	if len(u.again) > 0 {
		if err := in.touchIndicators(u.underAgain); err != nil {
			return false, false, err
		}
	}
	if u.changed {
		if err := u.finishActive(made); err != nil {
			return false, false, err
		}
		in.moves.add(u.change, u.moved)
	}
	return true, fresh, in.cfg.Objects.Write(u.changes)
}

// nextTouched gives the ids of the next batch, and whether they come before others. Those come every other time: who sends little things without end
// does not hold up what waits.
func (in *Intel) nextTouched() (ids []string, fresh bool, err error) {
	if !in.wasFresh {
		ids = in.takeFresh()
	}
	if in.wasFresh = len(ids) > 0; in.wasFresh {
		return ids, true, nil
	}
	ids, err = in.touchedIDs("marking-definition--") // first, so that what they mark is looked at once
	if err == nil && len(ids) == 0 {
		ids, err = in.touchedIDs("")
	}
	return ids, false, err
}

// touchedIDs gives some of the ids of one kind that are marked: those that follow the ones it gave last, so that it does not pass over
// all that were marked before them.
func (in *Intel) touchedIDs(kind string) (ids []string, err error) {
	first := activeKey('d', kind)
	from := first
	if last := activeKey('d', in.lastTouched); bytes.HasPrefix(last, first) {
		from = append(last, 0)
	}
	for {
		for row, err := range in.cfg.Objects.Scan(from, after(first), false) {
			if err != nil {
				return nil, err
			}
			if ids = append(ids, string(row.Key[2:])); len(ids) == activeBatch {
				break
			}
		}
		if len(ids) > 0 {
			in.lastTouched = ids[len(ids)-1]
			return ids, nil
		}
		if bytes.Equal(from, first) {
			return nil, nil
		}
		from = first // from the beginning
	}
}

// activeState reads the number of the last change and the policy that the rows were made under, as it is written; nil if there are none.
func (v reading) activeState() (change uint64, made []byte, err error) {
	value, ok, err := v.Get(activeKey('s', ""))
	if err != nil || !ok {
		return 0, nil, err
	}
	if len(value) < 8 {
		return 0, nil, errBadRow
	}
	return binary.BigEndian.Uint64(value), value[8:], nil
}

// activeUpdate is one batch under way.
type activeUpdate struct {
	*reader
	guard *Guard
	// everywhere tells values that this party sees everywhere.
	everywhere func(observable.Value) (guard.Hit, bool)
	now        time.Time
	change     uint64
	changed    bool
	buckets    [ActiveBuckets]bool
	moved      []Move
	left       [ActiveBuckets]bool // of which something left
	counts     map[observable.Type]int64
	sources    map[string][2]int64 // given, false
	aging      Aging
	guarded    []Guarded       // of the id under way
	pattern    []byte          // the row of its pattern, if that asks for more than one value
	located    map[string]bool // keys of places that were asked for
	rows       int64           // that there are, about
	again      map[string]bool // markings that ask for something else than they did
}

// update makes the rows of one id what they should be.
func (u *activeUpdate) update(id string) error {
	value, _, err := u.get(activeKey('c', id))
	if err != nil {
		return err
	}
	var had []string
	for len(value) > 0 {
		var key string
		if key, value, err = cutText(value); err != nil {
			return err
		}
		had = append(had, key)
	}
	u.guarded, u.pattern = nil, nil
	rows, err := u.wanted(id)
	if err != nil {
		return err
	}
	if rows, err = u.withoutFalse(id, rows); err != nil {
		return err
	}
	if err := u.setPattern(id, u.pattern); err != nil {
		return err
	}
	if err := u.setGuarded(id); err != nil {
		return err
	}
	var have []string
	for _, r := range rows {
		have = append(have, r.key)
	}
	has, hadIt := among(have), among(had)
	for _, key := range had {
		if !has(key) {
			if err := u.leaves(key); err != nil {
				return err
			}
			if err := u.goes(key); err != nil {
				return err
			}
			u.remove([]byte(key))
			u.note(key, -1)
		}
	}
	for _, r := range rows {
		old, ok, err := u.get([]byte(r.key))
		if err != nil {
			return err
		}
		if ok && sameActive(old, r.value) {
			continue
		}
		if !ok {
			if old, err = u.takeGiven(r.key); err != nil {
				return err
			}
		}
		if sameActive(old, r.value) {
			r.value = old // as it was given before all was derived again
		} else if r.value, err = u.follows(r.key, old, r.value); err != nil {
			return err
		}
		if ok {
			if err := u.leaves(r.key); err != nil {
				return err
			}
		}
		u.countSource(r.source, 1, 0)
		u.set([]byte(r.key), r.value)
		delta := int64(1)
		if hadIt(r.key) {
			delta = 0
		}
		u.note(r.key, delta)
	}
	if len(have) == 0 {
		if len(had) > 0 {
			u.remove(activeKey('c', id))
		}
		return nil
	}
	if slices.Equal(had, have) {
		return nil
	}
	var keys []byte
	for _, key := range have {
		keys = appendText(keys, key)
	}
	u.set(activeKey('c', id), keys)
	return nil
}

// among tells what a list holds. A pattern may name ten thousand values.
func among(list []string) func(string) bool {
	if len(list) <= 16 {
		return func(s string) bool { return slices.Contains(list, s) }
	}
	all := make(map[string]bool, len(list))
	for _, s := range list {
		all[s] = true
	}
	return func(s string) bool { return all[s] }
}

// leaves takes the row of a key, as it is, from what is counted of its source.
func (u *activeUpdate) leaves(key string) error {
	value, ok, err := u.get([]byte(key))
	if err != nil || !ok {
		return err
	}
	a, err := parseActive(Row{Key: []byte(key), Value: value})
	if err == nil {
		u.countSource(a.Source, -1, 0)
	}
	return err
}

// note remembers a change of a row.
func (u *activeUpdate) note(key string, delta int64) {
	u.moves(binary.BigEndian.Uint16([]byte(key[2:4])), key[strings.LastIndexByte(key, 0)+1:])
	if typ, _, ok := strings.Cut(key[4:], "\x00"); ok {
		u.counts[observable.Type(typ)] += delta
	}
}

// moves remembers that what an id has in a bucket is to change.
func (u *activeUpdate) moves(bucket uint16, id string) {
	u.changed, u.buckets[bucket] = true, true
	u.moved = append(u.moved, Move{int(bucket), id})
}

func (u *activeUpdate) finishActive(made []byte) error {
	for b, changed := range u.buckets {
		if changed {
			u.add(binary.BigEndian.AppendUint16(activeKey('b', ""), uint16(b)), value8(int64(u.change)))
			if !u.left[b] {
				continue // nothing has been added to what is kept of it
			}
			if err := u.pruneGone(b); err != nil {
				return err
			}
		}
	}
	for typ, delta := range u.counts {
		old, ok, err := u.objects.Get(activeKey('n', string(typ)))
		if err != nil {
			return err
		}
		n := delta
		if ok {
			before, err := number(old)
			if err != nil {
				return err
			}
			n += before
		}
		u.add(activeKey('n', string(typ)), value8(n))
	}
	u.add(activeKey('s', ""), append(binary.BigEndian.AppendUint64(nil, u.change), made...))
	return u.finishSources()
}

type activeRow struct {
	key    string
	value  []byte
	source string
}

// wanted gives the rows that an id should have: those of its newest accepted version,
// if it is not revoked.
func (u *activeUpdate) wanted(id string) ([]activeRow, error) {
	f, ok, err := u.newest(id, false)
	if err != nil || !ok {
		return nil, err
	}
	return u.activeRows(&f)
}

func (u *activeUpdate) activeRows(f *Found) ([]activeRow, error) {
	o, err := stix.Parse(f.Raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRow, err)
	}
	if o.Revoked || o.PatternType != "stix" && o.PatternType != "" || benign(o) {
		return nil, nil
	}
	a := Active{ID: f.ID, Name: o.Name, TLP: f.Effective, PAP: f.PAP, Confidence: o.Confidence,
		From: o.ValidFrom.Time, Until: o.ValidUntil.Time}
	if len(f.Provenance) > 0 {
		a.Source = f.Provenance[0].Source
	}
	if a.Changed = o.Modified.Time; a.Changed.IsZero() {
		a.Changed = o.Created.Time
	}
	until, since := a.Until, a.From
	if o.Modified.Time.After(since) {
		since = o.Modified.Time
	}
	alone := observable.Alone(o.Pattern)
	places, whole := observable.PlacesOf(o.Pattern, alone)
	if !whole && len(alone) > 0 {
		if open, err := compound.Open(o.Pattern); err == nil && !open {
			clear(places) // watchers look for the pattern, and for none of its values by itself
		}
	}
	var value []byte
	var last observable.Places // that value says
	var rows []activeRow
	aged, latest := a, until
	for i, v := range alone {
		end := u.aging.until(v.Type, a.Source, since, until)
		if i == 0 || !latest.IsZero() && (end.IsZero() || end.After(latest)) {
			latest = end
		}
		aged.Value, aged.Places = v, places[i]
		if hit, guarded := aged.kept(u.keeps); guarded {
			if len(u.guarded) < maxGuardedOfOne {
				u.guarded = append(u.guarded, Guarded{ID: f.ID, Name: o.Name, Source: a.Source, Value: v, Hit: hit})
			}
			continue
		}
		if strings.IndexByte(v.Text, 0) >= 0 {
			continue
		}
		if value == nil || !end.Equal(aged.Until) || aged.Places != last {
			aged.Until, last = end, aged.Places
			value = aged.row()
		}
		bucket, err := u.place(v)
		if err != nil {
			return nil, err
		}
		rows = append(rows, activeRow{string(entryKey(bucket, v, f.ID)), value, a.Source})
	}
	if !whole {
		a.Until = latest
		u.pattern = u.patternOf(f, o, a)
	}
	return rows, nil
}

// keeps tells whether a value is kept back, and why.
func (u *activeUpdate) keeps(v observable.Value) (hit guard.Hit, kept bool) {
	if hit, kept = u.guard.Match(v); !kept {
		hit, kept = u.everywhere(v)
	}
	return hit, kept
}

// kept tells whether a value is kept back as lists have it, or as logs do.
func (a *Active) kept(by func(observable.Value) (guard.Hit, bool)) (hit guard.Hit, kept bool) {
	hit, kept = by(a.Value)
	if sought := observable.Sought(a.Value, a.Places); !kept && sought != a.Value {
		hit, kept = by(sought)
	}
	return hit, kept
}

// benign tells an indicator of what is "not suspicious or malicious in and of itself" (STIX 2.1 §10.10, indicator-type-ov),
// which somebody shares so that nobody is misled by it; STIX 2.0 says so in its labels. One that says malicious-activity as
// well is not believed to be harmless.
func benign(o *stix.Object) bool {
	if !bytes.Contains(o.Raw, []byte("benign")) {
		return false
	}
	var says struct {
		Types  []string `json:"indicator_types"`
		Labels []string `json:"labels"`
	}
	if o.Decode(&says) != nil {
		return false
	}
	all := append(says.Types, says.Labels...)
	return slices.Contains(all, "benign") && !slices.Contains(all, "malicious-activity")
}

func entryKey(bucket uint16, v observable.Value, id string) []byte {
	k := binary.BigEndian.AppendUint16(activeKey('a', ""), bucket)
	k = append(append(k, v.Type...), 0)
	k = append(append(k, v.Text...), 0)
	return append(k, id...)
}

// activeFixed is the length of what comes before the texts of a row.
const activeFixed = 3 + 3*8

// encode writes what the rows of values and of patterns say beside their keys.
func (a *Active) encode() []byte {
	b := []byte{byte(a.TLP), byte(a.PAP), byte(a.Confidence)}
	for _, t := range []time.Time{a.From, a.Until, a.Changed} {
		n := int64(0)
		if !t.IsZero() {
			n = t.UnixMicro()
		}
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return appendText(appendText(b, a.Name), a.Source)
}

// row writes what the row of a value says beside its key.
func (a *Active) row() []byte {
	b := a.encode()
	if a.Places != observable.AnyPlace { // most rows say nothing of it
		b = append(b, byte(a.Places))
	}
	return b
}

func parseActive(row Row) (a Active, err error) {
	parts := strings.SplitN(string(row.Key[4:]), "\x00", 3)
	if len(parts) != 3 || len(row.Value) < activeFixed {
		return a, errBadRow
	}
	a.Value, a.ID = observable.Value{Type: observable.Type(parts[0]), Text: parts[1]}, parts[2]
	a.entry(row.Value)
	rest := row.Value[activeFixed:]
	if a.Name, rest, err = cutText(rest); err == nil {
		a.Source, rest, err = cutText(rest)
	}
	if a.Places = observable.AnyPlace; err == nil && len(rest) > 0 {
		a.Places = observable.Places(rest[0])
	}
	if err == nil && (len(rest) > 1 || !a.Places.Known()) {
		err = errBadRow
	}
	return a, err
}

// entry reads what comes before the texts of a row.
func (a *Active) entry(value []byte) {
	a.TLP, a.PAP, a.Confidence = stix.TLP(value[0]), stix.PAP(value[1]), int(int8(value[2]))
	for i, t := range []*time.Time{&a.From, &a.Until, &a.Changed} {
		if n := int64(binary.BigEndian.Uint64(value[3+8*i:])); n != 0 {
			*t = time.UnixMicro(n).UTC()
		}
	}
}

// Active yields what sensors are given, of the buckets from (included) to (excluded),
// whatever its marking and validity. A value that several indicators name comes once for each.
func (in *Intel) Active(ctx context.Context, from, to int) iter.Seq2[Active, error] {
	return viewed(in, func(v reading) iter.Seq2[Active, error] { return v.active(ctx, from, to) })
}

func (v reading) active(ctx context.Context, from, to int) iter.Seq2[Active, error] {
	return func(yield func(Active, error) bool) {
		first := binary.BigEndian.AppendUint16(activeKey('a', ""), uint16(from))
		last := binary.BigEndian.AppendUint16(activeKey('a', ""), uint16(to))
		n := 0
		for row, err := range v.Scan(first, last, false) {
			if n++; err == nil && n%1024 == 0 {
				err = ctx.Err()
			}
			var a Active
			if err == nil {
				a, err = parseActive(row)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// ActiveChanges tells the number of the last change of all, and of each bucket.
func (in *Intel) ActiveChanges() (last uint64, buckets *[ActiveBuckets]uint64, err error) {
	err = in.view(func(v reading) (err error) {
		last, buckets, err = v.activeChanges()
		return err
	})
	return last, buckets, err
}

func (v reading) activeChanges() (last uint64, buckets *[ActiveBuckets]uint64, err error) {
	buckets = new([ActiveBuckets]uint64)
	prefix := activeKey('b', "")
	for row, err := range v.Scan(prefix, after(prefix), false) {
		if err != nil {
			return 0, nil, err
		}
		n, err := number(row.Value)
		if err != nil || len(row.Key) != 4 {
			return 0, nil, errBadRow
		}
		if b := binary.BigEndian.Uint16(row.Key[2:]); b < ActiveBuckets {
			buckets[b] = uint64(n)
		}
	}
	last, _, err = v.activeState()
	return last, buckets, err
}

// ActiveCounts tells how many rows there are of each type of value.
func (in *Intel) ActiveCounts() (map[observable.Type]int64, error) {
	out := map[observable.Type]int64{}
	prefix := activeKey('n', "")
	for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return nil, err
		}
		n, err := number(row.Value)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out[observable.Type(row.Key[2:])] = n
		}
	}
	return out, nil
}

// ActiveChange is the number of the last change of what sensors are given: it rises with each. It does not
// bring anything up to date (see [Intel.UpdateActive]).
func (in *Intel) ActiveChange() (last uint64, err error) {
	err = in.view(func(v reading) (err error) {
		last, _, err = v.activeState()
		return err
	})
	return last, err
}
