package intel

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entente/internal/guard"
	"entente/internal/observable"
	"entente/stix"
)

// A STIX opinion that was imported here, is not revoked, and disagrees with an indicator
// states a false positive: MISP's sightings of that kind become such opinions. The
// indicator is taken from sensors, and counts against the source that brought it. What
// partners say of each other's indicators counts nothing: else one could talk another's
// away.
//
//	f e opinion               -> indicators   that it disagrees with
//	f p indicator             -> counted, opinions
//	f q source                -> given, false
//
// counted is what of the indicator is in the counts of a source: "values source".

// FalsePositives is the list under which [Intel.Guarded] tells what was stated a false
// positive here.
const FalsePositives = "false-positives"

// The bounds on statements.
const (
	maxStatedOfOne = 1000 // indicators one opinion speaks of, opinions kept of one indicator
	maxSources     = 100_000
)

// SourceCount says what sensors are given of a source.
type SourceCount struct {
	Source string // name of the import, or party id
	Given  int64  // values that sensors are given
	False  int64  // values that are not given, since they were stated false positives here
}

// Score is how many of a hundred values were not stated false positives, rounded down;
// 100 for a source of which none was.
func (s SourceCount) Score() int {
	if s.Given+s.False <= 0 {
		return 100
	}
	return int(100 * s.Given / (s.Given + s.False))
}

// Sources tells what is counted of each source, by name, as of the last
// [Intel.UpdateActive].
func (in *Intel) Sources(ctx context.Context) ([]SourceCount, error) {
	var out []SourceCount
	prefix := activeKey('q', "")
	for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if len(row.Value) != 16 {
			return nil, errBadRow
		}
		s := SourceCount{Source: string(row.Key[2:]), Given: int64(binary.BigEndian.Uint64(row.Value)), False: int64(binary.BigEndian.Uint64(row.Value[8:]))}
		if s.Given != 0 || s.False != 0 {
			out = append(out, s)
		}
		if len(out) > maxSources {
			return nil, fmt.Errorf("intel: there are more than %d sources", maxSources)
		}
	}
	return out, nil
}

// countSource notes a change of what is counted of a source.
func (u *activeUpdate) countSource(source string, given, wrong int64) {
	c := u.sources[source]
	c[0], c[1] = c[0]+given, c[1]+wrong
	u.sources[source] = c
}

func (u *activeUpdate) finishSources() error {
	for source, delta := range u.sources {
		if delta == [2]int64{} {
			continue
		}
		key := activeKey('q', source)
		old, ok, err := u.objects.Get(key)
		if err != nil {
			return err
		}
		if ok {
			if len(old) != 16 {
				return errBadRow
			}
			delta[0] += int64(binary.BigEndian.Uint64(old))
			delta[1] += int64(binary.BigEndian.Uint64(old[8:]))
		}
		u.add(key, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(delta[0])), uint64(delta[1])))
	}
	return nil
}

// stated is the row of an indicator that opinions disagree with.
type stated struct {
	counted  string
	opinions []string
}

func cutTexts(b []byte) (out []string, err error) {
	for len(b) > 0 {
		var s string
		if s, b, err = cutText(b); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func appendTexts(b []byte, list ...string) []byte {
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

func (u *activeUpdate) stated(id string) (s stated, err error) {
	value, ok, err := u.get(activeKey('p', id))
	if err != nil || !ok {
		return s, err
	}
	list, err := cutTexts(value)
	if err != nil || len(list) == 0 {
		return s, errBadRow
	}
	return stated{list[0], list[1:]}, nil
}

func (u *activeUpdate) setStated(id string, s stated) {
	if key := activeKey('p', id); s.counted == "" && len(s.opinions) == 0 {
		u.remove(key)
	} else {
		u.set(key, appendTexts(appendText(nil, s.counted), s.opinions...))
	}
}

// opinion makes what an opinion says of indicators what it should be, and marks those of
// which it says something else than before.
func (u *activeUpdate) opinion(id string) error {
	key := activeKey('e', id)
	value, _, err := u.get(key)
	if err != nil {
		return err
	}
	had, err := cutTexts(value)
	if err != nil {
		return err
	}
	have, err := u.disagrees(id, true)
	if err == nil {
		err = u.setDispute(id, have)
	}
	if err != nil || slices.Equal(had, have) {
		return err
	}
	if len(have) == 0 {
		u.remove(key)
	} else {
		u.set(key, appendTexts(nil, have...))
	}
	for _, target := range append(slices.Clone(had), have...) {
		before, now := slices.Contains(had, target), slices.Contains(have, target)
		if before == now {
			continue
		}
		s, err := u.stated(target)
		if err != nil {
			return err
		}
		s.opinions = slices.DeleteFunc(s.opinions, func(o string) bool { return o == id })
		if now && len(s.opinions) < maxStatedOfOne {
			s.opinions = append(s.opinions, id)
		}
		u.setStated(target, s)
		u.add(activeKey('d', target), nil)
	}
	return nil
}

// disagrees gives the indicators that an opinion disagrees with: its newest version that
// is accepted, with here that was imported here, if that is not revoked.
func (u *activeUpdate) disagrees(id string, here bool) ([]string, error) {
	f, ok, err := u.newest(id, here)
	if err != nil || !ok {
		return nil, err
	}
	o, err := stix.Parse(f.Raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRow, err)
	}
	said := ""
	if v, ok := o.Get("opinion"); ok {
		said, _ = v.Text()
	}
	if o.Revoked || said != "strongly-disagree" && said != "disagree" {
		return nil, nil
	}
	var out []string
	refs, ok := o.Get("object_refs")
	if !ok {
		return nil, nil
	}
	for ref := range refs.Elements() {
		if target, ok := ref.Text(); ok && stix.IDType(target) == "indicator" && !slices.Contains(out, target) && len(out) < maxStatedOfOne {
			out = append(out, target)
		}
	}
	return out, nil
}

// newest reads the newest accepted version of an object; with here, of those that were
// imported here.
func (t *reader) newest(id string, here bool) (Found, bool, error) {
	prefix := idPrefix(id)
	for row, err := range t.objects.Scan(prefix, after(prefix), true) {
		if err != nil {
			return Found{}, false, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return Found{}, false, err
		}
		for _, v := range vs {
			f, ok, err := t.examine(v.seq, Query{}, criteria{})
			if err != nil {
				return Found{}, false, err
			}
			if ok && (!here || slices.ContainsFunc(f.Provenance, func(p Provenance) bool { return p.From == "" && p.State == Accepted })) {
				return f, true, nil
			}
		}
	}
	return Found{}, false, nil
}

// withoutFalse takes all rows from an indicator that was stated a false positive, and
// brings what is counted of it up to date.
func (u *activeUpdate) withoutFalse(id string, rows []activeRow) ([]activeRow, error) {
	s, err := u.stated(id)
	if err != nil || s.counted == "" && len(s.opinions) == 0 {
		return rows, err
	}
	counted, n := "", len(rows)
	if u.pattern != nil {
		n++
	}
	if len(s.opinions) > 0 && len(rows) > 0 {
		a, err := parseActive(Row{Key: []byte(rows[0].key), Value: rows[0].value})
		if err != nil {
			return nil, err
		}
		counted = strconv.Itoa(n) + " " + a.Source
		for _, r := range rows[:min(len(rows), maxGuardedOfOne)] {
			typ, rest, _ := strings.Cut(r.key[4:], "\x00")
			text, _, _ := strings.Cut(rest, "\x00")
			u.guarded = append(u.guarded, Guarded{ID: id, Name: a.Name, Source: a.Source, Value: observable.Value{Type: observable.Type(typ), Text: text},
				Hit: guard.Hit{List: FalsePositives, Why: "it was stated here to be a false positive", Relation: guard.Rule}})
		}
		rows = nil
	}
	if len(s.opinions) > 0 && u.pattern != nil {
		p, err := parsePattern(patternRow(id, u.pattern))
		if err != nil {
			return nil, err
		}
		counted = strconv.Itoa(n) + " " + p.Source
		u.guarded = append(u.guarded, Guarded{ID: id, Source: p.Source, Value: p.shown(), Hit: guard.Hit{List: FalsePositives, Why: "it was stated here to be a false positive", Relation: guard.Rule}})
		u.pattern = nil
	}
	if counted == s.counted {
		return rows, nil
	}
	for delta, c := range map[int64]string{-1: s.counted, 1: counted} {
		if n, source, ok := strings.Cut(c, " "); ok {
			values, err := strconv.ParseInt(n, 10, 32)
			if err != nil {
				return nil, errBadRow
			}
			u.countSource(source, 0, delta*values)
		}
	}
	s.counted = counted
	u.setStated(id, s)
	u.changed = true
	return rows, nil
}
