package intel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"entente/journal"
	"entente/stix"
	"entente/taxii"
)

// Writable is a collection of this node's own that TAXII clients add to.
type Writable struct {
	Alias string // names it in URLs and in the provenance of what is added; never given to another collection
	Title string
}

// ID is the id of the collection.
func (w Writable) ID() string { return writableColl(w.Alias).String() }

func writableColl(alias string) collID { return uuid.NewSHA1(collSpace, []byte("writable/"+alias)) }

// TAXIIWith is TAXII with collections that clients write to, and a ceiling for what readers of SensorView are shown. The
// store is a taxii.Writer.
func (in *Intel) TAXIIWith(title func(journal.UnitID, journal.PartyID) string, writable []Writable, sensors Ceiling) taxii.Store {
	return taxiiStore{in, title, slices.Clone(writable), sensors}
}

var _ taxii.Writer = taxiiStore{}

// Put implements taxii.Writer. Each object is parsed and must keep every MUST of STIX; what does is taken in as an import
// is, from the source "taxii:PRINCIPAL/ALIAS", and is durable and found by its values when Put returns.
func (s taxiiStore) Put(ctx context.Context, b taxii.Batch) ([]taxii.Result, error) {
	w, c, err := s.writable(b.Collection)
	if err != nil {
		return nil, err
	}
	results := make([]taxii.Result, len(b.Objects))
	all := make([]*stix.Object, len(b.Objects))
	eachOf(len(all), func(i int) { all[i], results[i] = judgePosted(b.Objects[i]) })
	var good []*stix.Object
	var places []int
	for i, o := range all {
		if o != nil {
			good, places = append(good, o), append(places, i)
		}
	}
	if len(good) == 0 {
		return results, ctx.Err()
	}
	items := s.in.newItems(good, nil)
	for i := range items {
		items[i].o = nil
	}
	name := "taxii:" + b.Principal + "/" + w.Alias
	for utf8.RuneCountInString(name) > 200 {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	outcomes, added, err := s.in.post(ctx, c, Source{Name: name}, items)
	if err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		r := &results[places[i]]
		switch o {
		case isConflict:
			r.Message = "conflict: this id and version are here with other content; both are kept, this one as the version " + taxii.FormatTime(added(i))
		case isDropped:
			r.Refused, r.Message = true, fmt.Sprintf("%d objects with this id and version are known already, each with other bytes", maxVariant)
		}
	}
	return results, nil
}

// judgePosted parses one object and finds the first MUST that it breaks.
func judgePosted(raw []byte) (*stix.Object, taxii.Result) {
	o, err := stix.Parse(raw)
	if err != nil {
		return nil, taxii.Result{Refused: true, Message: err.Error()}
	}
	r := taxii.Result{ID: o.ID, Version: metaOf(o).version}
	if p := breach(o); p != nil {
		r.Refused, r.Message = true, fmt.Sprintf("%s: %s", p.Path, p.Message)
		return nil, r
	}
	return o, r
}

// post keeps items in a writable collection as one record of the log. added tells when an item came in.
func (in *Intel) post(ctx context.Context, c collID, src Source, items []item) (out []outcome, added func(int) time.Time, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.open(ctx); err != nil {
		return nil, nil, err
	}
	h := in.begin(kindImport, int64(len(items)))
	h.Import, h.Coll = &src, c.String()
	t := newTx(in.cfg.Objects)
	t.expect(len(items))
	if err := t.fetch(items); err != nil {
		return nil, nil, err
	}
	if err := t.setJSON(key8(keyRecord, h.Base), recordRow{Kind: h.Kind, At: h.At, Count: h.Count, Import: h.Import}); err != nil {
		return nil, nil, err
	}
	var body []byte
	out = make([]outcome, len(items))
	for i := range items {
		logged, err := t.logged(&items[i], c)
		if err != nil {
			return nil, nil, err
		}
		items[i].logged = logged
		body = appendItem(body, &items[i], logged)
		if out[i], err = t.arrive(h.Base+int64(i), h.Base, c, &items[i], nil); err != nil {
			return nil, nil, err
		}
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, nil, err
	}
	defer enc.Close()
	if err := in.commit(t, h, enc.EncodeAll(body, make([]byte, 0, len(body)/4))); err != nil {
		return nil, nil, err
	}
	return out, func(i int) time.Time { return time.UnixMicro(h.Base + int64(i)).UTC() }, nil
}

// collection is where the objects of an import lie.
func (h header) collection() (collID, error) {
	if h.Coll == "" {
		return localColl(), nil
	}
	c, err := parseColl(h.Coll)
	if err != nil {
		return c, fmt.Errorf("%w: collection %q", ErrRecord, h.Coll)
	}
	return c, nil
}

func (s taxiiStore) writable(id string) (Writable, collID, error) {
	for _, w := range s.write {
		if c := writableColl(w.Alias); c.String() == id {
			return w, c, nil
		}
	}
	return Writable{}, collID{}, fmt.Errorf("%w: %s", taxii.ErrNoCollection, id)
}

// Remove implements taxii.Writer.
func (s taxiiStore) Remove(ctx context.Context, r taxii.Removal) (int, error) {
	_, c, err := s.writable(r.Collection)
	if err != nil {
		return 0, err
	}
	in := s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.open(ctx); err != nil {
		return 0, err
	}
	rec := &removeRec{Coll: c.String(), By: r.Principal}
	for _, record := range r.Records {
		rec.Added = append(rec.Added, int64(min(record.Seq, maxSlot)))
	}
	h := in.begin(kindRemove, 0)
	h.Remove = rec
	t := newTx(in.cfg.Objects)
	n, err := t.applyRemove(rec)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, in.commit(t, h, nil)
}

// RemoveImported takes out of the local collection what imports of one name brought of some objects, as DELETE takes what
// clients posted out of theirs, and tells how many it was. What came otherwise, too, stays.
func (in *Intel) RemoveImported(ctx context.Context, source string, ids []string, by string) (int, error) {
	if source == "" {
		return 0, errors.New("intel: removing: the import is not named")
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.open(ctx); err != nil {
		return 0, err
	}
	rec := &removeRec{Coll: CollectionLocal(), By: by, Source: source}
	t := newTx(in.cfg.Objects)
	for _, id := range ids {
		records, err := t.taxiiVersions(localColl(), id, 0, meta{})
		if err != nil {
			return 0, err
		}
		for _, r := range records {
			rec.Added = append(rec.Added, int64(r.Seq))
		}
	}
	slices.Sort(rec.Added)
	rec.Added = slices.Compact(rec.Added) // an id that was named twice
	h := in.begin(kindRemove, 0)
	h.Remove = rec
	n, err := t.applyRemove(rec)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, in.commit(t, h, nil)
}

// applyRemove takes the arrivals of objects out of one collection; an object that has no other is forgotten.
func (t *tx) applyRemove(r *removeRec) (n int, err error) {
	c, err := parseColl(r.Coll)
	if err != nil {
		return 0, errors.Join(ErrRecord, err)
	}
	for _, added := range r.Added {
		value, ok, err := t.get(collKey(c, added))
		if err != nil {
			return n, err
		}
		if !ok {
			continue
		}
		seq, err := number(value)
		if err != nil {
			return n, err
		}
		gone, err := t.removed(seq, c, r.Source)
		if err != nil {
			return n, err
		}
		if len(gone) == 0 {
			continue
		}
		if value, ok, err = t.get(key8(keyDoc, seq)); err != nil || !ok {
			return n, errors.Join(err, errBadRow)
		}
		m, _, err := parseDoc(value)
		if err != nil {
			return n, err
		}
		t.takenBack(m.id)
		if err := t.forgetArrivals(seq, func(a more) bool { return gone[a.slot] }); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// removed lists the slots of the arrivals of an object in a collection, of imports of one name if it is not empty.
func (t *tx) removed(seq int64, c collID, source string) (map[int64]bool, error) {
	out := map[int64]bool{}
	look := func(a more) (bool, error) {
		if a.coll != c {
			return true, nil
		}
		if source != "" {
			var row recordRow
			ok, err := t.getJSON(key8(keyRecord, a.base), &row)
			if err != nil || !ok {
				return false, errors.Join(err, errBadRow)
			}
			if row.Import == nil || row.Import.Name != source {
				return true, nil
			}
		}
		out[a.slot] = true
		return true, nil
	}
	_, _, vs, own, err := t.load(seq)
	if err != nil {
		return nil, err
	}
	if _, err := look(more{vs[own].seq, vs[own].base, vs[own].coll}); err != nil {
		return nil, err
	}
	return out, t.eachMore(seq, look)
}

// open applies what is behind, unless the work has ended. A request of a client can outlive the one that brought it.
func (in *Intel) open(ctx context.Context) error {
	if in.closed {
		return errClosed
	}
	return in.catchUp(ctx, nil)
}

var errClosed = errors.New("intel: the node is being closed")
