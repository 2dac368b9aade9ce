package intel

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// activeRules counts the changes of what this program itself decides of what sensors are given, so that rows of an older one are looked at again.
const activeRules = 4 // rows say where a watcher looks for a value

// policy tells, by digests, all that decides which values of an accepted indicator sensors are given: the guard, and apart from it the rules of this program
// and how values age.
type policy struct{ rules, guard [sha256.Size]byte }

func policyOf(g *Guard, a Aging) policy {
	return policy{sha256.Sum256(fmt.Appendf(nil, "%s %d", a.text(), activeRules)), g.Digest()}
}

// appendTo writes it as it stands behind the number of the last change.
func (p *policy) appendTo(b []byte) []byte { return append(append(b, p.rules[:]...), p.guard[:]...) }

// policyChanged marks what is to be looked at again when the policy is not what the rows were made under: every indicator, or, if it is the guard
// alone that changed, those of which the guard now says something else.
func (in *Intel) policyChanged(ctx context.Context) error {
	change, made, err := reading{in.cfg.Objects}.activeState()
	if err != nil {
		return err
	}
	now := in.policy.appendTo(nil)
	if string(made) == string(now) {
		return nil
	}
	switch {
	case made == nil: // nothing was worked off yet, and all are marked since they arrived
	case len(made) == len(now) && string(made[:sha256.Size]) == string(in.policy.rules[:]):
		err = in.touchGuarded(ctx)
	default:
		err = in.touchIndicators(func(meta, []byte) bool { return true })
	}
	if err != nil {
		return err
	}
	return in.cfg.Objects.Write([]Change{{Key: activeKey('s', ""), Value: append(binary.BigEndian.AppendUint64(nil, change), now...)}})
}

// touchGuarded marks each indicator of which the guard may say something else than when it was looked at last: the rows tell what it said. They come before
// others, as whoever changes the guard waits for that; patterns last, whose values no row has.
func (in *Intel) touchGuarded(ctx context.Context) (err error) {
	view, err := in.cfg.Objects.View()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	m := newMarking(in.cfg.Objects)
	touch := func(id string) error {
		in.first(id)
		return m.touch(id)
	}
	v := reading{view}
	for a, err := range v.active(ctx, 0, ActiveBuckets) {
		if err != nil {
			return err
		}
		if _, kept := a.kept(in.cfg.Guard.Match); kept {
			if err := touch(a.ID); err != nil {
				return err
			}
		}
	}
	for list, err := range v.guarded(ctx) {
		if err != nil {
			return err
		}
		if len(list) >= maxGuardedOfOne || slices.ContainsFunc(list, in.guardSaysElse) {
			if err := touch(list[0].ID); err != nil {
				return err
			}
		}
	}
	for p, err := range v.patterns(ctx, 0, ActiveBuckets) {
		if err != nil {
			return err
		}
		if err := touch(p.ID); err != nil {
			return err
		}
	}
	return m.write()
}

// guardSaysElse tells whether the guard in force may say something else of what is kept back.
func (in *Intel) guardSaysElse(g Guarded) bool {
	hit, kept := in.cfg.Guard.Match(g.Value)
	return !kept || hit != g.Hit || g.Pattern // whose other values count, too
}

// touchIndicators marks the indicators that are to be looked at again.
func (in *Intel) touchIndicators(which func(m meta, raw []byte) bool) error {
	view, err := in.cfg.Objects.View()
	if err != nil {
		return err
	}
	defer view.Close() // it was only read, and what could not be read was told
	docs := newFollower(view, keyDoc)
	defer docs.close()
	marks := newMarking(in.cfg.Objects)
	prefix := keyOf(keyType, "indicator", 0)
	prefix = prefix[:len(prefix)-8]
	for row, err := range view.Scan(prefix, after(prefix), false) {
		if err != nil {
			return err
		}
		value, ok, err := docs.get(tail8(row.Key))
		if err != nil || !ok {
			return errors.Join(err, errBadRow)
		}
		m, raw, err := parseDoc(value)
		if err != nil {
			return err
		}
		if which(m, raw) {
			if err := marks.touch(m.id); err != nil {
				return err
			}
		}
	}
	return marks.write()
}

// marking marks ids that are to be looked at again, however many. Marks are harmless however many are there, and are written as they come.
type marking struct {
	objects Objects
	*tx
}

func newMarking(objects Objects) *marking { return &marking{objects, newTx(objects)} }

func (m *marking) touch(id string) error {
	m.tx.touch(id)
	if len(m.changes) < 50_000 {
		return nil
	}
	return m.write()
}

// write writes the marks that have come.
func (m *marking) write() error {
	if err := m.objects.Write(m.changes); err != nil {
		return err
	}
	m.tx = newTx(m.objects)
	return nil
}
