package intel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"entente/journal"
	"entente/taxii"

	"github.com/google/uuid"
)

// TAXII returns what was accepted as a store for a TAXII server: a collection
// of everything, one of what was imported here, and one for each unit and
// partner something was received from. title names the latter for people; it
// may be nil.
func (in *Intel) TAXII(title func(journal.UnitID, journal.PartyID) string) taxii.Store {
	return taxiiStore{in, title, nil, SensorCeiling}
}

type taxiiStore struct {
	in    *Intel
	title func(journal.UnitID, journal.PartyID) string
	write []Writable
	// ceiling is what readers of SensorView are shown.
	ceiling Ceiling
}

// CollectionAll and CollectionLocal are the ids of the two collections that
// every node has.
func CollectionAll() string { return allColl().String() }

// CollectionLocal is the id of the collection of what was imported here.
func CollectionLocal() string { return localColl().String() }

// CollectionOf is the id of the collection of what a partner sent in a unit.
func CollectionOf(u journal.UnitID, p journal.PartyID) string { return partnerColl(u, p).String() }

// Collections implements taxii.Store.
func (s taxiiStore) Collections(ctx context.Context) ([]taxii.Collection, error) {
	out := []taxii.Collection{
		{ID: CollectionAll(), Title: "Everything accepted", Alias: "all", Description: "What was imported here and what was received from partners and accepted."},
		{ID: CollectionLocal(), Title: "Imported here", Alias: "local", Description: "What was imported at this node."},
	}
	feeds, err := reading{s.in.cfg.Objects}.feeds()
	if err != nil {
		return nil, err
	}
	for _, f := range feeds {
		name := "party " + f.Party.Short() + " in unit " + f.Unit.Short()
		if s.title != nil {
			name = s.title(f.Unit, f.Party)
		}
		out = append(out, taxii.Collection{ID: CollectionOf(f.Unit, f.Party), Title: "From " + name, Description: "What was received from " + name + " and accepted."})
	}
	for _, w := range s.write {
		out = append(out, taxii.Collection{ID: w.ID(), Title: w.Title, Alias: w.Alias, Description: "What TAXII clients added here.", Writable: true})
	}
	return out, ctx.Err()
}

func (s taxiiStore) coll(ctx context.Context, v reading, id string) (collID, error) {
	if _, c, err := s.writable(id); err == nil || id == CollectionAll() || id == CollectionLocal() {
		if err != nil {
			return parseColl(id)
		}
		return c, nil
	}
	c, err := parseColl(id)
	if err == nil && c.String() == id {
		var known bool
		if _, known, err = v.Get(append([]byte{keySource}, c[:]...)); err != nil {
			return collID{}, err
		} else if known {
			return c, ctx.Err()
		}
	}
	return collID{}, fmt.Errorf("%w: %s", taxii.ErrNoCollection, id)
}

// Head implements taxii.Store.
func (s taxiiStore) Head(ctx context.Context, collection string) (head uint64, err error) {
	err = s.in.view(func(v reading) (err error) {
		head, err = s.head(ctx, v, collection)
		return err
	})
	return head, err
}

func (s taxiiStore) head(ctx context.Context, v reading, collection string) (uint64, error) {
	c, err := s.coll(ctx, v, collection)
	if err != nil {
		return 0, err
	}
	from := collKey(c, 0)
	for row, err := range v.Scan(from, after(from[:17]), true) {
		return uint64(tail8(row.Key)), err
	}
	return 0, nil
}

// Scan implements taxii.Store. The sequence number of a record is the moment it
// was added, in microseconds.
func (s taxiiStore) Scan(ctx context.Context, collection string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	return viewed(s.in, func(v reading) iter.Seq2[taxii.Record, error] { return s.scan(ctx, v, collection, q) })
}

func (s taxiiStore) scan(ctx context.Context, v reading, collection string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	return func(yield func(taxii.Record, error) bool) {
		c, err := s.coll(ctx, v, collection)
		if err != nil {
			yield(taxii.Record{}, err)
			return
		}
		if len(q.IDs) > 0 && len(q.IDs) <= 1000 {
			s.scanIDs(ctx, v, c, q, yield)
			return
		}
		low, high := int64(min(q.After, 1<<62)), int64(min(q.UpTo, 1<<62))
		if !q.AddedAfter.IsZero() {
			low = max(low, q.AddedAfter.UnixMicro())
		}
		w := newTAXIIWalk(v, c, q)
		defer w.close()
		w.without = s.withheld(ctx, v, c)
		n := 0
		for row, err := range v.Scan(collKey(c, low+1), collKey(c, high+1), false) {
			if n%256 == 0 && err == nil {
				err = ctx.Err()
			}
			n++
			var r taxii.Record
			ok := false
			if err == nil {
				r, ok, err = w.record(row)
			}
			if err != nil {
				yield(taxii.Record{}, err)
				return
			}
			if ok && q.Matches(r) && !yield(r, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(taxii.Record{}, err)
		}
	}
}

// taxiiWalk makes records of the rows of a collection, in their order. Objects mostly lie
// in a collection in the order of their numbers, so that their texts, and what is held
// beside them of others of their id, come from two iterators beside the one of the
// collection, and nothing is looked up. The text of what is not shown is not read.
type taxiiWalk struct {
	t          *tx
	c          collID
	q          taxii.Query
	docs, many *follower
	without    *withheld // what is left out; nil: nothing
}

func newTAXIIWalk(o Rows, c collID, q taxii.Query) *taxiiWalk {
	return &taxiiWalk{t: newTx(o), c: c, q: q, docs: newFollower(o, keyDoc), many: newFollower(o, keyMany)}
}

func (w *taxiiWalk) close() {
	w.docs.close()
	w.many.close()
}

// record makes the record of a row.
func (w *taxiiWalk) record(row Row) (r taxii.Record, ok bool, err error) {
	seq, err := number(row.Value)
	if err != nil {
		return r, false, err
	}
	at := tail8(row.Key)
	beside, many, err := w.many.get(seq)
	if err != nil {
		return r, false, err
	}
	var group []taxii.Record // of its id; nil: not known yet
	if many && len(beside) > 0 {
		if group, err = groupBeside(beside, w.c); err != nil {
			return r, false, err
		}
		if group != nil && !w.q.Shows(uint64(at), group) {
			return r, false, nil
		}
	}
	value, ok, err := w.docs.get(seq)
	if err != nil || !ok {
		return r, false, err
	}
	m, raw, err := parseDoc(value)
	if err != nil {
		return r, false, err
	}
	if len(w.q.Types) > 0 {
		if _, found := slices.BinarySearch(w.q.Types, m.typ); !found {
			return r, false, nil
		}
	}
	if held, err := w.without.holds(m, seq, raw); err != nil || held {
		return r, false, err
	}
	if !w.q.NoRaw {
		raw = bytes.Clone(raw)
	}
	switch {
	case !many:
		r = taxiiRecord(at, m)
		r.Only = true
	case group == nil:
		if group, err = w.t.taxiiVersions(w.c, m.id, seq, m); err != nil {
			return r, false, err
		}
		fallthrough
	default:
		i := slices.IndexFunc(group, func(g taxii.Record) bool { return g.Seq == uint64(at) })
		if i < 0 {
			return r, false, nil // gone meanwhile
		}
		for i := range group {
			group[i].ID, group[i].Type = m.id, m.typ
		}
		r = group[i]
		r.Only, r.Group = len(group) == 1, group
	}
	if !w.q.NoRaw {
		r.Raw = raw
	}
	return r, true, nil
}

// groupBeside makes the records of one id in a collection, without their ids and types, of what is held beside its objects,
// as taxiiVersions does of what it finds. Nil: that has to be asked.
func groupBeside(value []byte, c collID) ([]taxii.Record, error) {
	members, err := parseMembers(value)
	if err != nil {
		return nil, err
	}
	out := make([]taxii.Record, 0, len(members))
	for _, m := range members {
		if m.lost {
			return nil, nil
		}
		for _, p := range m.places {
			if p.coll == c {
				out = append(out, taxiiRecord(p.added, meta{version: m.version, spec: m.spec}))
			}
		}
	}
	slices.SortFunc(out, bySeq)
	for i := 1; i < len(out); i++ {
		r := &out[i]
		for _, first := range out[:i] {
			if first.SpecVersion == r.SpecVersion && sameVersion(first.Version, r.Version) {
				r.Version = ""
				break
			}
		}
	}
	return out, nil
}

// sameVersion tells whether two versions name one instant. Most that differ do so before their fractions.
func sameVersion(a, b string) bool {
	const whole = len("2006-01-02T15:04:05")
	plain := func(s string) bool { return len(s) > whole && s[10] == 'T' && s[len(s)-1] == 'Z' && s[17] != '6' }
	if a == b || plain(a) && plain(b) && a[:whole] != b[:whole] {
		return a == b
	}
	return versionKey(a) == versionKey(b)
}

// taxiiRecord is the record, without its text, of an object that was added at a moment.
func taxiiRecord(added int64, m meta) taxii.Record {
	return taxii.Record{Seq: uint64(added), Added: time.UnixMicro(added).UTC(), ID: m.id, Type: m.typ, SpecVersion: m.spec, Version: m.version}
}

// taxiiVersions returns the records of one id in a collection, without their text,
// in the order in which they were added. Where objects of one version differ in
// bytes, TAXII has no name for all but one: the first keeps its version, each
// other goes by when it was added, so that none is left out. known is an object
// that was read already, 0: none.
func (t *tx) taxiiVersions(c collID, id string, known int64, knownMeta meta) ([]taxii.Record, error) {
	var versions [][]variant
	var keys [][]byte // where the objects lie if they were accepted when they came
	prefix := idPrefix(id)
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return nil, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return nil, err
		}
		versions = append(versions, vs)
		for _, v := range vs {
			keys = append(keys, collKey(c, v.seq))
		}
	}
	places, err := t.objects.GetMany(keys)
	if err != nil {
		return nil, err
	}
	var out []taxii.Record
	for _, vs := range versions {
		same := make([]taxii.Record, 0, len(vs))
		for i, v := range vs {
			added, ok, err := t.addedAt(v, c, places[i])
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			m := knownMeta
			if v.seq != known {
				value, ok, err := t.get(key8(keyDoc, v.seq))
				if err != nil {
					return nil, err
				}
				if !ok {
					continue
				}
				if m, _, err = parseDoc(value); err != nil {
					return nil, err
				}
			}
			same = append(same, taxiiRecord(added, m))
		}
		places = places[len(vs):]
		slices.SortFunc(same, bySeq)
		taken := map[string]bool{}
		for i := range same {
			if taken[same[i].SpecVersion] {
				same[i].Version = ""
			}
			taken[same[i].SpecVersion] = true
		}
		out = append(out, same...)
	}
	slices.SortFunc(out, bySeq)
	return out, nil
}

// addedAt is addedIn for who has looked already where the object lies if it was accepted when it came first: it cannot have
// come into the collection before.
func (t *tx) addedAt(v variant, c collID, place []byte) (added int64, ok bool, err error) {
	if place != nil {
		if seq, err := number(place); err != nil || seq == v.seq {
			return v.seq, err == nil, err
		}
	}
	return t.addedIn(v, c)
}

func bySeq(a, b taxii.Record) int {
	if a.Seq < b.Seq {
		return -1
	}
	return int(min(1, a.Seq-b.Seq))
}

// addedIn tells when an object came into a collection, if it is in it.
func (t *tx) addedIn(v variant, c collID) (added int64, ok bool, err error) {
	look := func(m more) (bool, error) {
		if ok && m.slot >= added {
			return false, nil // nothing is accepted before it arrives
		}
		if c != allColl() && m.coll != c {
			return true, nil
		}
		accepted, at, err := t.accepted(m.slot)
		if accepted && (!ok || at < added) {
			added, ok = at, true
		}
		return true, err
	}
	if _, err = look(more{v.seq, v.base, v.coll}); err == nil {
		err = t.eachMore(v.seq, look)
	}
	return added, ok, err
}

// scanIDs answers a scan for few ids without walking the collection.
func (s taxiiStore) scanIDs(ctx context.Context, v reading, c collID, q taxii.Query, yield func(taxii.Record, error) bool) {
	t, without := newTx(v), s.withheld(ctx, v, c)
	var out []taxii.Record
	for _, id := range slices.Compact(slices.Clone(q.IDs)) {
		if err := ctx.Err(); err != nil {
			yield(taxii.Record{}, err)
			return
		}
		group, err := t.taxiiVersions(c, id, 0, meta{})
		if err != nil {
			yield(taxii.Record{}, err)
			return
		}
		for _, r := range group {
			r.Only, r.Group = len(group) == 1, group
			if q.Matches(r) {
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, bySeq)
	for _, r := range out {
		if !q.NoRaw || without != nil {
			raw, ok, err := without.shown(t, c, r)
			if err != nil {
				yield(taxii.Record{}, err)
				return
			}
			if !ok {
				continue
			}
			if !q.NoRaw {
				r.Raw = raw
			}
		}
		if !yield(r, nil) {
			return
		}
	}
	if err := ctx.Err(); err != nil {
		yield(taxii.Record{}, err)
	}
}

// Versions implements taxii.Store.
func (s taxiiStore) Versions(ctx context.Context, collection, id string) iter.Seq2[taxii.Record, error] {
	return viewed(s.in, func(v reading) iter.Seq2[taxii.Record, error] { return s.versions(ctx, v, collection, id) })
}

func (s taxiiStore) versions(ctx context.Context, v reading, collection, id string) iter.Seq2[taxii.Record, error] {
	return func(yield func(taxii.Record, error) bool) {
		c, err := s.coll(ctx, v, collection)
		t := newTx(v)
		var group []taxii.Record
		if err == nil {
			group, err = t.taxiiVersions(c, id, 0, meta{})
		}
		if err != nil {
			yield(taxii.Record{}, err)
			return
		}
		without := s.withheld(ctx, v, c)
		for _, r := range group {
			err, shown := ctx.Err(), true
			if err == nil && without != nil {
				_, shown, err = without.shown(t, c, r)
			}
			if err != nil {
				yield(taxii.Record{}, err)
				return
			}
			r.Only = len(group) == 1
			if shown && !yield(r, nil) {
				return
			}
		}
	}
}

// parseColl reads the id of a collection in its one form, case aside: other ways of
// writing a UUID (without hyphens, in braces, as a URN) would be other addresses of
// the same collection.
func parseColl(id string) (collID, error) {
	c, err := uuid.Parse(id)
	if err == nil && c.String() != strings.ToLower(id) {
		err = errors.New("not a UUID of five groups")
	}
	return c, err
}
