package intel

import (
	"bytes"
	"fmt"

	"entente/stix"
)

// Ceiling is what may be given to a reader that acts on what it reads: one rule for feeds and for sensors that read over
// TAXII.
type Ceiling struct {
	TLP  stix.TLP // the strictest level that goes there
	Acts bool     // what goes there is blocked or asked after openly, not only looked for
}

// SensorCeiling is the ceiling of sensors where nothing else is said. TLP:RED is for named persons and goes to no sensor.
var SensorCeiling = Ceiling{TLP: stix.TLPAmberStrict}

// Allows tells whether something goes where the ceiling is. What nobody marked counts as TLP:AMBER+STRICT, and may be
// acted on.
func (c Ceiling) Allows(tlp stix.TLP, pap stix.PAP) bool {
	most := stix.PAPAmber
	if c.Acts {
		most = stix.PAPGreen
	}
	return counted(tlp) <= c.TLP && pap <= most
}

// counted is the level that something counts as.
func counted(tlp stix.TLP) stix.TLP {
	if tlp == stix.TLPNone {
		return stix.TLPAmberStrict
	}
	return tlp
}

// levels is what marking definitions ask.
type levels struct {
	tlp stix.TLP
	pap stix.PAP
}

// unreadable is what a marking counts as whose definition is not here: it may forbid anything.
var unreadable = levels{pap: stix.PAPRed}

// The bounds on looking definitions up.
const (
	maxLevelsKept  = 1024 // answers that one reader keeps
	maxDefinitions = 64   // accepted texts under one id; with more the marking counts as not known
)

// marked adds to the levels of an object those of its markings that are not fixed. A definition that contradicts itself,
// or of which there are several texts, counts as the strictest.
func (t *reader) marked(m meta, raw []byte) (meta, error) {
	if !m.defined {
		return m, nil
	}
	o, err := stix.Parse(raw)
	if err != nil {
		return m, fmt.Errorf("%w: %w", errBadRow, err)
	}
	for id := range o.MarkingRefs {
		if stix.Fixed(id) {
			continue
		}
		l, ok := t.levels[id]
		if !ok {
			if l, err = t.asked(id); err != nil {
				return m, err
			}
			if t.levels == nil || len(t.levels) >= maxLevelsKept {
				t.levels = map[string]levels{}
			}
			t.levels[id] = l
		}
		m.tlp, m.pap = max(m.tlp, l.tlp), max(m.pap, l.pap)
	}
	return m, nil
}

// asked reads what the accepted definitions under an id ask.
func (t *tx) asked(id string) (levels, error) {
	l, n := levels{}, 0
	prefix := idPrefix(id)
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return l, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return l, err
		}
		for _, v := range vs {
			known, _, err := t.fromElsewhere(v, collID{})
			if err != nil {
				return l, err
			}
			if !known {
				continue
			}
			value, ok, err := t.get(key8(keyDoc, v.seq))
			if err != nil {
				return l, err
			}
			if !ok {
				continue
			}
			_, raw, err := parseDoc(value)
			if err != nil {
				return l, err
			}
			o, err := stix.Parse(raw)
			if n++; err != nil || o.Type != "marking-definition" || n > maxDefinitions {
				return unreadable, nil
			}
			tlp, pap := stix.Asks(o)
			l = levels{max(l.tlp, tlp), max(l.pap, pap)}
		}
	}
	if n == 0 {
		return unreadable, nil
	}
	return l, nil
}

// marking notes that a definition asks for something else than when it was looked at last, as it does when it comes after
// what it marks.
func (u *activeUpdate) marking(id string) error {
	key := activeKey('m', id)
	old, known, err := u.get(key)
	if err != nil {
		return err
	}
	l, err := u.asked(id)
	if err != nil {
		return err
	}
	value := []byte{byte(l.tlp), byte(l.pap)}
	if known && bytes.Equal(old, value) {
		return nil
	}
	u.set(key, value)
	if u.again == nil {
		u.again = map[string]bool{}
	}
	u.again[id] = true
	return nil
}

// underAgain tells whether an object is under a marking which asks for something else now.
func (u *activeUpdate) underAgain(m meta, raw []byte) bool {
	if !m.defined {
		return false
	}
	o, err := stix.Parse(raw)
	if err != nil {
		return true // who looks at it again says what is wrong with it
	}
	for id := range o.MarkingRefs {
		if u.again[id] {
			return true
		}
	}
	return false
}
