package intel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/observable"
	"entente/journal"
	"entente/stix"
	"entente/stix/pattern"
)

// maxPayloadObjects bounds the objects of one payload (DESIGN part 6: 10,000).
const maxPayloadObjects = 20_000

// maxPayloadValues bounds the JSON values and member names of all objects of a
// payload; each costs 16 bytes while the payload is looked at. An ordinary object
// has less than a hundred.
const maxPayloadValues = 1 << 20

// maxSingleHolds is how many objects of one payload may be held one by one; a
// payload with more is held as a whole.
const maxSingleHolds = 1000

// ErrDestroyed means that a payload was destroyed here and is not taken again.
var ErrDestroyed = errors.New("intel: the payload of this entry was destroyed here")

// Outcome says what became of a received payload.
type Outcome struct {
	Objects  int64    `json:"objects"`
	New      int64    `json:"new"`
	Known    int64    `json:"known"`
	Conflict int64    `json:"conflicts"`
	Held     int64    `json:"held"`
	Invalid  int64    `json:"invalid"`
	Reasons  []Reason `json:"reasons,omitempty"` // why all is held
	// Again says that the entry was taken in before and nothing was changed.
	Again bool `json:"again,omitzero"`
}

// readPayload reads the objects of a payload, in order, and counts those that
// are none. A payload that breaks off counts one more.
func readPayload(plain []byte) (objects []*stix.Object, invalid int64, err error) {
	r := stix.NewReader(bytes.NewReader(plain), stix.ReaderOptions{MaxObjects: maxPayloadObjects, MaxStreamValues: maxPayloadValues})
	for {
		o, err := r.Next()
		if errors.Is(err, io.EOF) {
			return objects, invalid, nil
		}
		if err != nil {
			invalid++
			var bad *stix.ReadError
			if !errors.As(err, &bad) || bad.Fatal {
				return objects, invalid, nil
			}
			continue
		}
		objects = append(objects, o)
	}
}

// Receive takes in the payload of a partner's share entry, which the caller has
// made durable. It is held as a whole if the shared verdict says so or if it is
// not what its entry claims; single objects are held if they break a MUST of STIX,
// collide with what is known from elsewhere or name what the guard list holds. What
// is held is in
// intake and nowhere else until Accept. Receiving the same entry twice changes
// nothing.
func (in *Intel) Receive(ctx context.Context, r Received, plain []byte) (Outcome, error) {
	if err := r.check(); err != nil {
		return Outcome{}, err
	}
	objects, invalid, err := readPayload(plain)
	if err != nil {
		return Outcome{}, err
	}
	items := in.newItems(objects, nil)
	eachOf(len(items), func(i int) { items[i].breach = breach(objects[i]) })
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.catchUp(ctx, nil); err != nil {
		return Outcome{}, err
	}
	t := newTx(in.cfg.Objects)
	if gone, err := t.destroyed(r.Ref); err != nil {
		return Outcome{}, err
	} else if gone {
		return Outcome{}, fmt.Errorf("%w: %s", ErrDestroyed, r.Ref)
	}
	if base, ok, err := t.recordOf(r.Ref); err != nil {
		return Outcome{}, err
	} else if ok {
		return in.again(ctx, base)
	}
	if err := t.fetch(items); err != nil {
		return Outcome{}, fmt.Errorf("intel: %w", err)
	}
	rec := &receiveRec{Received: r, Invalid: invalid}
	if rec.Hold, err = in.judge(r, items, invalid); err != nil {
		return Outcome{}, err
	}
	if len(rec.Hold) == 0 {
		if rec.Items, err = in.judgeEach(t, r, items); err != nil {
			return Outcome{}, err
		}
		if len(rec.Items) > maxSingleHolds {
			first := rec.Items[0].Reason
			rec.Hold = []Reason{{Code: first.Code, Text: fmt.Sprintf("%d of %d objects are to be held; the first: %s", len(rec.Items), len(items), first.Text)}}
			rec.Items = nil
		}
	}
	for i := range items {
		items[i].o = nil
	}
	h := in.begin(kindReceive, int64(len(items)))
	h.Receive = rec
	outcomes, err := t.apply(h, items, false)
	if err != nil {
		return Outcome{}, fmt.Errorf("intel: %w", err)
	}
	if err := in.commit(t, h, nil); err != nil {
		return Outcome{}, err
	}
	return outcomeOf(rec, outcomes), nil
}

func (r Received) check() error {
	if err := r.Unit.Check(); err != nil {
		return fmt.Errorf("intel: receiving: %w", err)
	}
	if err := r.From.Check(); err != nil {
		return fmt.Errorf("intel: receiving: %w", err)
	}
	if r.Ref.Origin == "" || r.Ref.Index < 0 || len(r.Claims.Types) > 1000 {
		return errors.New("intel: receiving: the entry is not named, or claims more than 1,000 types")
	}
	return nil
}

func outcomeOf(rec *receiveRec, outcomes []outcome) Outcome {
	out := Outcome{Objects: int64(len(outcomes)), Invalid: rec.Invalid, Reasons: rec.Hold, Held: int64(len(rec.Items))}
	if len(rec.Hold) > 0 {
		out.Held = out.Objects
	}
	for _, o := range outcomes {
		switch o {
		case isKnown:
			out.Known++
		case isConflict:
			out.Conflict++
			out.New++
		case isNew:
			out.New++
		}
	}
	return out
}

// again answers for an entry that was taken in before. If its payload was
// missing when the derived content was made, that content is made again now.
func (in *Intel) again(ctx context.Context, base int64) (Outcome, error) {
	var row recordRow
	if _, err := newTx(in.cfg.Objects).getJSON(key8(keyRecord, base), &row); err != nil {
		return Outcome{}, fmt.Errorf("intel: %w", err)
	}
	if row.Missing {
		if err := in.rebuild(ctx, nil); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{Objects: row.Count, Again: true}, nil
}

// judge finds reasons to hold the whole payload.
func (in *Intel) judge(r Received, items []item, invalid int64) ([]Reason, error) {
	var why []Reason
	if r.Verdict.Verdict != accord.Allow {
		why = append(why, Reason{Code: r.Verdict.Code, Clause: r.Verdict.Clause, Text: r.Verdict.Reason})
	}
	if invalid > 0 {
		why = append(why, Reason{Code: CodeInvalid, Text: fmt.Sprintf("%d parts of the payload are no STIX objects that can be relied on", invalid)})
	}
	types := map[string]int{}
	for i := range items {
		types[items[i].meta.typ]++
	}
	if r.Claims.Objects != len(items) || r.Claims.Types != nil && !maps.Equal(types, r.Claims.Types) {
		why = append(why, Reason{Code: CodeCounts, Text: fmt.Sprintf("the entry counts %d objects %v, the payload holds %d %v", r.Claims.Objects, r.Claims.Types, len(items), types)})
	}
	own := map[string]*stix.Object{} // markings that the payload itself defines
	for i := range items {
		if items[i].meta.typ == "marking-definition" {
			own[items[i].meta.id] = items[i].o
		}
	}
	resolve := func(id string) *stix.Object { return own[id] }
	for i := range items {
		if level, marked := items[i].o.TLP(resolve); marked && level > r.Claims.TLP {
			claim := r.Claims.TLP.Label()
			if r.Claims.TLP == stix.TLPNone {
				claim = "no marking"
			}
			why = append(why, Reason{Code: CodeMarking, Text: fmt.Sprintf("%s is marked %s, the entry says %s", items[i].meta.id, level.Label(), claim)})
			break
		}
	}
	if most, ok := obliged(r.Verdict.Obligations, accord.ObligationPAP); ok {
		claim := stix.ParsePAP(most)
		for i := range items {
			if level := items[i].o.PAP(resolve); level > claim {
				why = append(why, Reason{Code: CodePAP, Text: fmt.Sprintf("%s is marked %s, the entry counts as %s", items[i].meta.id, level.Label(), claim.Label())})
				break
			}
		}
	}
	return why, nil
}

// judgeEach finds objects to hold one by one.
func (in *Intel) judgeEach(t *tx, r Received, items []item) ([]itemHold, error) {
	var held []itemHold
	from := partnerColl(r.Unit, r.From)
	least := quarantineBelow(r.Verdict.Obligations)
	defined := map[string]bool{} // markings that are known, or come along
	for i := range items {
		if items[i].meta.typ == "marking-definition" {
			defined[items[i].meta.id] = true
		}
	}
	for i := range items {
		reason, err := in.judgeOne(t, from, &items[i])
		if err == nil && reason == nil {
			reason, err = in.markings(t, items[i].o, defined)
		}
		if err != nil {
			return nil, fmt.Errorf("intel: %w", err)
		}
		if reason == nil {
			reason = r.Terms.judge(items[i].o)
		}
		if o := items[i].o; reason == nil && o != nil && o.Type == "indicator" && !o.Revoked && o.Confidence != stix.NoConfidence && o.Confidence < least {
			reason = &Reason{Code: CodeConfidence, Clause: r.Terms.Clause, Text: fmt.Sprintf("its confidence is %d, and the accord's terms of quality hold what is below %d", o.Confidence, least)}
		}
		if p := items[i].breach; reason == nil && p != nil {
			reason = &Reason{Code: CodeInvalid, Text: fmt.Sprintf("it breaks STIX 2.1 §%s at %s: %s", p.Section, p.Path, p.Message)}
		}
		if reason != nil {
			held = append(held, itemHold{int64(i), *reason})
		}
	}
	return held, nil
}

// Took tells whether a received payload is on record, or was destroyed, so that
// Receive would change nothing: it saves reading the payload again. The verdict
// is the one it was received with. A payload that was missing when its record
// was last applied is still to be read.
func (in *Intel) Took(ctx context.Context, ref journal.Ref) (verdict accord.Decision, ok bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.catchUp(ctx, nil); err != nil {
		return verdict, false, err
	}
	t := newTx(in.cfg.Objects)
	if gone, err := t.destroyed(ref); err != nil || gone {
		return verdict, gone, err
	}
	base, ok, err := t.recordOf(ref)
	if err != nil || !ok {
		return verdict, false, err
	}
	var row recordRow
	if _, err := t.getJSON(key8(keyRecord, base), &row); err != nil {
		return verdict, false, err
	}
	if row.Receive != nil {
		verdict = row.Receive.Received.Verdict
	}
	return verdict, !row.Missing, nil
}

// quarantineBelow reads the confidence below which the accord has intake hold an
// indicator, from what the gate's decision obliges to; 0 holds nothing.
func quarantineBelow(obligations []string) int {
	text, _ := obliged(obligations, accord.ObligationQuarantine)
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// obliged gives what stands behind an obligation's name.
func obliged(obligations []string, name string) (text string, ok bool) {
	for _, o := range obligations {
		if text, ok = strings.CutPrefix(o, name); ok {
			return text, true
		}
	}
	return "", false
}

func (in *Intel) judgeOne(t *tx, from collID, it *item) (*Reason, error) {
	vs, err := t.variants(it)
	if err != nil {
		return nil, err
	}
	if known := find(vs, it.digest); known == nil {
		if len(vs) >= maxVariant {
			return &Reason{Code: CodeVariants, Text: fmt.Sprintf("%d objects with this id and version are known, each with other bytes", len(vs))}, nil
		}
		for _, v := range vs {
			if it.meta.sco {
				break // an observable's id stands for its value, not for its bytes
			}
			_, elsewhere, err := t.fromElsewhere(v, from)
			if err != nil {
				return nil, err
			}
			if elsewhere {
				return &Reason{Code: CodeCollision, Text: fmt.Sprintf("%s, version %s, is known from elsewhere with other bytes", it.meta.id, it.meta.version)}, nil
			}
		}
	}
	if reason, err := in.versions(t, from, it); reason != nil || err != nil {
		return reason, err
	}
	if it.meta.typ != "indicator" || it.o.Revoked {
		return nil, nil // nobody acts on what is taken back
	}
	if o := it.o; o.PatternType == "stix" || o.PatternType == "" {
		if _, err := pattern.ExtractAtoms(o.Pattern); err != nil {
			return &Reason{Code: CodeUnread, Text: fmt.Sprintf("its pattern cannot be read: %v", err)}, nil
		}
	}
	for _, v := range observable.FromObject(it.o) {
		if hit, ok := in.cfg.Guard.Match(v); ok {
			return &Reason{Code: CodeGuarded, Text: fmt.Sprintf("it names %s: %s", v.Text, hit)}, nil
		}
	}
	return nil, nil
}

// maxVersions bounds how many versions of one object are looked at; an object with
// more is held.
const maxVersions = 1000

// versions looks at the other versions of an object that are known. Whoever was
// shown one under terms does not lift them by giving it another date, and only who
// brought an object first may bring newer versions: else a partner could take back,
// or bend, what another party says.
func (in *Intel) versions(t *tx, from collID, it *item) (*Reason, error) {
	if it.meta.sco || it.meta.version == "" {
		return nil, nil // its id stands for its value
	}
	prefix, seen := idKey(it.meta.id, ""), 0
	first, firstFrom, newest := int64(0), collID{}, ""
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return nil, err
		}
		if seen++; seen > maxVersions {
			return &Reason{Code: CodeVariants, Text: fmt.Sprintf("more than %d versions of %s are known", maxVersions, it.meta.id)}, nil
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			m, _, _, _, err := t.load(v.seq)
			if err != nil {
				return nil, err
			}
			known, elsewhere, err := t.fromElsewhere(v, from)
			if err != nil {
				return nil, err
			}
			if !known {
				continue
			}
			if first == 0 || v.seq < first {
				first, firstFrom = v.seq, v.coll
			}
			newest = max(newest, versionKey(m.version))
			if !elsewhere || m.version == it.meta.version {
				continue
			}
			lost := ""
			switch {
			case m.tlp > it.meta.tlp:
				lost = m.tlp.Label()
			case m.pap > it.meta.pap:
				lost = m.pap.Label()
			}
			if lost != "" {
				return &Reason{Code: CodeWeakened, Text: fmt.Sprintf("%s, version %s, is known from elsewhere and marked %s; this version is marked less strictly", it.meta.id, m.version, lost)}, nil
			}
		}
	}
	if first != 0 && firstFrom != from && it.verKey > newest {
		return &Reason{Code: CodeOthers, Text: fmt.Sprintf("%s is known from elsewhere, and this is a newer version of it", it.meta.id)}, nil
	}
	return nil, nil
}

// markings finds an object that is marked with what nobody here can read: it may
// forbid what would be done with it.
func (in *Intel) markings(t *tx, o *stix.Object, defined map[string]bool) (*Reason, error) {
	for id := range o.MarkingRefs {
		if defined[id] {
			continue
		}
		if !stix.Fixed(id) {
			known := stix.IDType(id) == "marking-definition" // anything else defines nothing, known or not
			if known {
				var err error
				if known, err = t.anyAccepted(id); err != nil {
					return nil, err
				}
			}
			if !known {
				return &Reason{Code: CodeUnmarked, Text: fmt.Sprintf("it is marked with %s, whose definition is neither known here nor in the payload", id)}, nil
			}
		}
		defined[id] = true
	}
	return nil, nil
}

// anyAccepted tells whether anything with an id is accepted.
func (t *tx) anyAccepted(id string) (bool, error) {
	prefix := idPrefix(id)
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return false, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return false, err
		}
		for _, v := range vs {
			if known, _, err := t.fromElsewhere(v, collID{}); err != nil || known {
				return known, err
			}
		}
	}
	return false, nil
}

// judge repeats what the sender should have executed before sealing.
func (terms *Terms) judge(o *stix.Object) *Reason {
	if terms.Never != nil {
		for _, v := range observable.FromObject(o) {
			if hit, ok := terms.Never.Match(v); ok {
				return &Reason{Code: accord.CodeNeverSend, Clause: terms.Clause, Text: fmt.Sprintf("%s is %s", v.Text, hit.Why)}
			}
		}
	}
	if !terms.Oldest.IsZero() && o.Type == "indicator" && !o.Revoked {
		since := o.ValidFrom.Time
		if since.IsZero() {
			since = o.Created.Time
		}
		if !since.IsZero() && since.Before(terms.Oldest) {
			return &Reason{Code: accord.CodeTooOld, Clause: terms.Clause, Text: fmt.Sprintf("it is of %s, older than the accord allows", since.UTC().Format(time.DateOnly))}
		}
	}
	return nil
}

// fromElsewhere tells whether an object has an accepted arrival, and one that
// lies in another collection than the given one.
func (t *tx) fromElsewhere(v variant, from collID) (any, elsewhere bool, err error) {
	look := func(m more) (bool, error) {
		accepted, _, err := t.accepted(m.slot)
		if accepted {
			any = true
			elsewhere = elsewhere || m.coll != from
		}
		return !elsewhere, err
	}
	on, err := look(more{v.seq, v.base, v.coll})
	if err == nil && on {
		err = t.eachMore(v.seq, look)
	}
	return any, elsewhere, err
}

// recordOf finds the record of an entry.
func (t *tx) recordOf(ref journal.Ref) (base int64, ok bool, err error) {
	value, ok, err := t.get(refKey(ref))
	if err != nil || !ok {
		return 0, false, err
	}
	base, err = number(value)
	return base, true, err
}

func goneKey(ref journal.Ref) []byte { return append([]byte{keyGone}, ref.String()...) }

func (t *tx) destroyed(ref journal.Ref) (bool, error) {
	_, ok, err := t.get(goneKey(ref))
	return ok, err
}
