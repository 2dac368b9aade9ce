package intel

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"entente/internal/observable"
	"entente/journal"
	"entente/stix"
)

// IntakeItem is one arrival of an object that was held when it came, whatever
// was decided since.
type IntakeItem struct {
	Item    string          `json:"item"` // what Accept and Reject take
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Name    string          `json:"name,omitzero"`
	Version string          `json:"version,omitzero"`
	TLP     stix.TLP        `json:"tlp,omitzero"`
	Unit    journal.UnitID  `json:"unit,omitzero"` // empty for what was imported here
	From    journal.PartyID `json:"from,omitzero"`
	Ref     journal.Ref     `json:"ref,omitzero"`
	Source  string          `json:"source,omitzero"` // the name of an import
	Arrived time.Time       `json:"arrived"`
	State   State           `json:"state"`
	Reasons []Reason        `json:"reasons"`
	By      string          `json:"by,omitzero"` // of the decision
	Note    string          `json:"note,omitzero"`
	Object  []byte          `json:"-"` // as received
}

// IntakeFilter chooses items. The zero value chooses what waits for a decision.
type IntakeFilter struct {
	State State        // empty: Quarantined
	All   bool         // whatever the state
	Ref   *journal.Ref // only what came with this entry
	Limit int          // default 50, at most 1,000
	Next  string       // of the page before
}

// IntakePage is one page of intake, oldest first.
type IntakePage struct {
	Items []IntakeItem `json:"items"`
	Next  string       `json:"next,omitzero"` // empty: there is no more
}

// Errors of people's input.
var (
	// ErrQuery means that a query cannot be understood.
	ErrQuery = errors.New("intel: the query cannot be understood")
	// ErrNoItem means that nothing in intake is called so.
	ErrNoItem = errors.New("intel: there is no such item in intake")
)

func limit(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, 1000)
}

// Intake lists what was held.
func (in *Intel) Intake(ctx context.Context, f IntakeFilter) (page IntakePage, err error) {
	err = in.view(func(v reading) (err error) {
		page, err = v.intake(ctx, f)
		return err
	})
	return page, err
}

func (v reading) intake(ctx context.Context, f IntakeFilter) (IntakePage, error) {
	from, to := key8(keyHeld, 0), []byte{keyHeld + 1}
	if f.Ref != nil {
		base, ok, err := newTx(v).recordOf(*f.Ref)
		if err != nil || !ok {
			return IntakePage{}, err
		}
		var row recordRow
		if _, err := newTx(v).getJSON(key8(keyRecord, base), &row); err != nil {
			return IntakePage{}, err
		}
		from, to = key8(keyHeld, base), key8(keyHeld, base+row.Count)
	}
	if f.Next != "" {
		at, err := hex.DecodeString(f.Next)
		if err != nil || len(at) != 9 || at[0] != keyHeld {
			return IntakePage{}, fmt.Errorf("%w: next is not one of ours", ErrQuery)
		}
		if slices.Compare(at, from) > 0 {
			from = at
		}
	}
	if f.State == "" {
		f.State = Quarantined
	}
	var page IntakePage
	for row, err := range v.Scan(from, to, false) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return IntakePage{}, err
		}
		item, err := v.intakeItem(tail8(row.Key), row.Value)
		if err != nil {
			return IntakePage{}, err
		}
		if !f.All && item.State != f.State {
			continue
		}
		if len(page.Items) == limit(f.Limit) {
			page.Next = hex.EncodeToString(row.Key)
			return page, nil
		}
		page.Items = append(page.Items, item)
	}
	return page, nil
}

func itemName(slot int64) string { return strconv.FormatInt(slot, 36) }

func parseItemName(name string) (int64, error) {
	slot, err := strconv.ParseInt(name, 36, 64)
	if err != nil || slot <= 0 || itemName(slot) != name {
		return 0, fmt.Errorf("%w: %q", ErrNoItem, name)
	}
	return slot, nil
}

func (v reading) intakeItem(slot int64, value []byte) (IntakeItem, error) {
	var h heldRow
	var row recordRow
	t := newTx(v.Rows)
	if _, err := t.getJSON(key8(keyHeld, slot), &h); err != nil {
		return IntakeItem{}, err
	}
	if ok, err := t.getJSON(key8(keyRecord, h.Base), &row); err != nil || !ok || row.Receive == nil && row.Import == nil {
		return IntakeItem{}, errors.Join(err, errBadRow)
	}
	m, raw, _, _, err := t.load(h.Seq)
	if err != nil {
		return IntakeItem{}, err
	}
	item := IntakeItem{
		Item: itemName(slot), ID: m.id, Type: m.typ, Version: m.version, TLP: m.tlp, Arrived: row.At,
		State: h.State, Reasons: []Reason{h.Reason}, By: h.By, Note: h.Note, Object: raw,
	}
	if row.Receive != nil {
		item.Unit, item.From, item.Ref = row.Receive.Received.Unit, row.Receive.Received.From, row.Receive.Received.Ref
		if len(row.Receive.Hold) > 0 {
			item.Reasons = row.Receive.Hold
		}
	} else {
		item.Source = row.Import.Name
	}
	if o, err := stix.Parse(raw); err == nil {
		item.Name = o.Name
		if values := observable.FromObject(o); item.Name == "" && m.sco && len(values) > 0 {
			item.Name = values[0].Text // an observable is what it says
		}
	}
	return item, nil
}

// Choice names held arrivals: single items, or all of one entry that still wait.
type Choice struct {
	Items []string
	Ref   *journal.Ref
}

// Accept takes held arrivals into what the node knows: from now on they can be
// found, shared and served. Rejected ones may be accepted after all. It returns
// how many were.
func (in *Intel) Accept(ctx context.Context, c Choice, by, note string) (int, error) {
	return in.decide(ctx, c, true, by, note)
}

// Reject decides that held arrivals are not used. They stay on record.
func (in *Intel) Reject(ctx context.Context, c Choice, by, reason string) (int, error) {
	return in.decide(ctx, c, false, by, reason)
}

func (in *Intel) decide(ctx context.Context, c Choice, accept bool, by, note string) (int, error) {
	if utf8.RuneCountInString(by) > 200 || utf8.RuneCountInString(note) > 2000 {
		return 0, fmt.Errorf("%w: a name has at most 200 characters, a note 2,000", ErrQuery)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.catchUp(ctx, nil); err != nil {
		return 0, err
	}
	t := newTx(in.cfg.Objects)
	slots, err := in.chosen(t, c, accept)
	if err != nil || len(slots) == 0 {
		return 0, err
	}
	if len(slots) > maxSlots {
		return 0, fmt.Errorf("%w: at most %d items are decided at once", ErrQuery, maxSlots)
	}
	h := in.begin(kindDecide, int64(len(slots)))
	h.Decide = &decideRec{Accept: accept, By: by, Note: note, Slots: ranges(slots)}
	if err := t.applyDecide(h); err != nil {
		return 0, fmt.Errorf("intel: %w", err)
	}
	return len(slots), in.commit(t, h, nil)
}

// chosen returns the slots of a choice that a decision changes, ascending.
func (in *Intel) chosen(t *tx, c Choice, accept bool) ([]int64, error) {
	var slots []int64
	consider := func(slot int64, named bool) error {
		var h heldRow
		ok, err := t.getJSON(key8(keyHeld, slot), &h)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: %q", ErrNoItem, itemName(slot))
		}
		if h.State == Quarantined || named && accept && h.State == Rejected {
			slots = append(slots, slot)
		}
		return nil
	}
	for _, name := range c.Items {
		slot, err := parseItemName(name)
		if err == nil {
			err = consider(slot, true)
		}
		if err != nil {
			return nil, err
		}
	}
	if c.Ref != nil {
		base, ok, err := t.recordOf(*c.Ref)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("%w: nothing was received with %s", ErrNoItem, c.Ref)
		}
		var row recordRow
		if _, err := t.getJSON(key8(keyRecord, base), &row); err != nil {
			return nil, err
		}
		for held, err := range in.cfg.Objects.Scan(key8(keyHeld, base), key8(keyHeld, base+row.Count), false) {
			if err != nil {
				return nil, err
			}
			if err := consider(tail8(held.Key), false); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(slots)
	return slices.Compact(slots), nil
}

// ranges joins neighbours.
func ranges(slots []int64) [][2]int64 {
	var out [][2]int64
	for _, s := range slots {
		if n := len(out); n > 0 && out[n-1][0]+out[n-1][1] == s {
			out[n-1][1]++
		} else {
			out = append(out, [2]int64{s, 1})
		}
	}
	return out
}

func (t *tx) applyDecide(h header) error {
	d := h.Decide
	n := int64(0)
	for _, r := range d.Slots {
		for i := range r[1] {
			if n >= h.Count || r[0] <= 0 || r[0] > maxSlot {
				return ErrRecord
			}
			if err := t.decideOne(r[0]+i, h.Base+n, d); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}

// decideOne applies a decision to one arrival. One that is not there any more
// (its payload was destroyed) is passed over.
func (t *tx) decideOne(slot, added int64, d *decideRec) error {
	var h heldRow
	ok, err := t.getJSON(key8(keyHeld, slot), &h)
	if err != nil || !ok || h.State == Accepted {
		return err
	}
	t.countHeld(h.State, -1)
	h.State, h.By, h.Note = Rejected, d.By, d.Note
	if d.Accept {
		h.State, h.Added = Accepted, added
	}
	t.countHeld(h.State, 1)
	if err := t.setJSON(key8(keyHeld, slot), h); err != nil || !d.Accept {
		return err
	}
	m, _, vs, own, err := t.load(h.Seq)
	if err != nil {
		return err
	}
	c := vs[own].coll
	if slot != vs[own].seq {
		value, ok, err := t.get(moreKey(h.Seq, slot))
		if err != nil || !ok {
			return errors.Join(err, errBadRow)
		}
		if _, c, err = parseMore(value); err != nil {
			return err
		}
	}
	t.touch(m.id)
	t.taken = true // it may be what revokes an object
	return t.show(&item{meta: m}, vs[own], slot, added, c)
}
