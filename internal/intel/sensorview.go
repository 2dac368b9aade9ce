package intel

import (
	"context"

	"entente/internal/observable"
	"entente/stix"
	"entente/taxii"
)

// SensorView is the taxii.Principal.View of who acts on what it reads. It is shown no indicator that the guard keeps back or
// that was stated a false positive here, in no collection but those that it writes to itself. A version that revokes an
// indicator is shown, since it takes back.
const SensorView = "sensors"

// withheld decides what sensors are not shown.
type withheld struct{ guard *Guard }

// withheld returns what the caller is not shown of a collection; nil: it is shown everything.
func (s taxiiStore) withheld(ctx context.Context, c collID) *withheld {
	p, ok := taxii.Caller(ctx)
	if !ok || p.View != SensorView {
		return nil
	}
	if _, _, err := s.writable(c.String()); err == nil && p.MayWrite(c.String()) {
		return nil
	}
	return &withheld{s.in.Guard()}
}

// holds tells whether an object is kept back. The guard is asked here and now, so that no sensor gets what a guard that was
// changed a moment ago keeps back; a false positive is one once UpdateActive has heard of it.
func (w *withheld) holds(t *tx, m meta, raw []byte) (bool, error) {
	if w == nil || m.typ != "indicator" {
		return false, nil
	}
	o, err := stix.Parse(raw)
	if err != nil {
		return true, nil // nothing could be said of it
	}
	if o.Revoked {
		return false, nil
	}
	for _, v := range observable.FromObject(o) {
		if _, guarded := w.guard.Match(v); guarded {
			return true, nil
		}
	}
	value, ok, err := t.get(activeKey('p', m.id))
	if err != nil || !ok {
		return false, err
	}
	texts, err := cutTexts(value)
	return len(texts) > 1, err
}

// shown reads the text of a record of a collection and tells whether it is shown; ok is false as well if it is gone
// meanwhile.
func (w *withheld) shown(t *tx, c collID, r taxii.Record) (raw []byte, ok bool, err error) {
	value, ok, err := t.get(collKey(c, int64(r.Seq)))
	if err != nil || !ok {
		return nil, false, err
	}
	seq, err := number(value)
	if err != nil {
		return nil, false, err
	}
	if value, ok, err = t.get(key8(keyDoc, seq)); err != nil || !ok {
		return nil, false, err
	}
	m, raw, err := parseDoc(value)
	if err != nil {
		return nil, false, err
	}
	held, err := w.holds(t, m, raw)
	return raw, err == nil && !held, err
}
