package intel

import (
	"context"

	"entente/internal/guard"
	"entente/internal/observable"
	"entente/stix"
	"entente/taxii"
)

// SensorView is the taxii.Principal.View of who acts on what it reads. It is shown no object of any type whose marking is
// above the ceiling for sensors, and no indicator that the guard keeps back or that was stated a false positive here, in no
// collection but those that it writes to itself. A version that revokes an indicator is shown whatever the guard and PAP say,
// since it takes back and asks for nothing to be done; TLP says who may read it, and holds for it too.
const SensorView = "sensors"

// withheld decides what sensors are not shown.
type withheld struct {
	guard *Guard
	// everywhere tells values that this party sees everywhere.
	everywhere func(observable.Value) (guard.Hit, bool)
	ceiling    Ceiling
	read       *reader
}

// withheld returns what the caller is not shown of a collection; nil: it is shown everything.
func (s taxiiStore) withheld(ctx context.Context, v reading, c collID) *withheld {
	p, ok := taxii.Caller(ctx)
	if !ok || p.View != SensorView {
		return nil
	}
	if _, _, err := s.writable(c.String()); err == nil && p.MayWrite(c.String()) {
		return nil
	}
	return &withheld{s.in.Guard(), s.in.isEverywhere, s.ceiling, newReader(v)}
}

// holds tells whether an object is kept back. Guard and markings are asked here and now, so that no sensor gets what a guard
// that was changed a moment ago keeps back; a false positive is one once UpdateActive has heard of it.
func (w *withheld) holds(m meta, seq int64, raw []byte) (bool, error) {
	if w == nil {
		return false, nil
	}
	m, err := w.read.marked(m, raw)
	if err != nil {
		return true, err
	}
	f := Found{Effective: m.tlp}
	if m.tlp == stix.TLPNone { // what was stated where it came from
		if _, err := w.read.arrivals(&f, m, seq, Query{}, criteria{}); err != nil {
			return true, err
		}
	}
	pap := m.pap
	indicator := m.typ == "indicator"
	if indicator || pap != stix.PAPNone {
		o, err := stix.Parse(raw)
		if err != nil {
			return true, nil // nothing could be said of it
		}
		if o.Revoked {
			indicator, pap = false, stix.PAPNone
		}
		if indicator {
			for _, v := range observable.FromObject(o) {
				if _, guarded := w.guard.Match(v); guarded {
					return true, nil
				}
				if _, guarded := w.everywhere(v); guarded {
					return true, nil
				}
			}
		}
	}
	if !w.ceiling.Allows(f.Effective, pap) {
		return true, nil
	}
	if !indicator {
		return false, nil
	}
	value, ok, err := w.read.get(activeKey('p', m.id))
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
	held, err := w.holds(m, seq, raw)
	return raw, err == nil && !held, err
}
