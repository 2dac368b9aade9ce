package accord

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrRule is wrapped by errors of Rules.Apply. Nothing may be shared after one: a rule that cannot
// be applied has not taken out what it should have.
var ErrRule = errors.New("field rule not applied")

// Rules are field rules in the order of the document; each works on what the one before left.
type Rules []FieldRule

// objectBounds hold for the content that rules are applied to.
var objectBounds = bounds{size: 16 << 20, depth: 64, nodes: 1 << 20}

// maxVisits bounds the search of one rule in one object.
const maxVisits = 4 << 20

// fieldDomain separates hashes made by rules from every other use of SHA-256 in the protocol.
const fieldDomain = "entente/field/v1\n"

// Apply takes out of one JSON object (a STIX object, a request; not a bundle, whose objects are
// given one by one) what the rules say. All other bytes stay as they are. changed names each rule
// and place, and is empty when nothing was touched; out is then raw itself. It is pure and bounded:
// 16 MiB, 64 deep.
func (rs Rules) Apply(raw []byte) (out []byte, changed []string, err error) {
	out = raw
	var root *node
	for _, r := range rs {
		if root == nil {
			if root, err = readJSON(out, objectBounds); err != nil {
				return nil, nil, fmt.Errorf("%w: the object cannot be read: %w", ErrRule, err)
			}
			if root.kind != '{' {
				return nil, nil, fmt.Errorf("%w: this is no JSON object", ErrRule)
			}
		}
		if len(r.Types) > 0 {
			if t := root.get("type"); t == nil || t.kind != '"' || !slices.Contains(r.Types, t.str) {
				continue
			}
		}
		edits, names, err := r.edits(root, out)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: clause %s: %w", ErrRule, r.ID, err)
		}
		if len(edits) == 0 {
			continue
		}
		out, root = splice(out, edits), nil
		changed = append(changed, names...)
	}
	return out, changed, nil
}

// edit replaces the bytes [start, end).
type edit struct {
	start, end int
	with       []byte
}

func splice(text []byte, edits []edit) []byte {
	out := make([]byte, 0, len(text))
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.start]...), e.with...)
		at = e.end
	}
	return append(out, text[at:]...)
}

func (r FieldRule) edits(root *node, text []byte) (edits []edit, names []string, err error) {
	steps, err := parsePath(r.Path)
	if err != nil {
		return nil, nil, err
	}
	var hits []place
	limit := maxVisits
	if !selectPlaces(root, "$", steps, &limit, func(p place) { hits = append(hits, p) }) {
		return nil, nil, fmt.Errorf("%w: the path %s takes too many steps here", errBounds, r.Path)
	}
	slices.SortFunc(hits, func(a, b place) int { return a.start() - b.start() })
	// What lies in something already hit goes with it, and what was found twice counts once.
	kept, covered := hits[:0], -1
	for _, h := range hits {
		if h.start() < covered {
			continue
		}
		kept, covered = append(kept, h), h.value().end
	}
	dropped := map[*node]map[int]bool{}
	for _, h := range kept {
		v := h.value()
		var with []byte
		switch r.Action {
		case "drop":
			if dropped[h.parent] == nil {
				dropped[h.parent] = map[int]bool{}
			}
			dropped[h.parent][h.i] = true
			names = append(names, r.ID+" drop "+h.path)
			continue
		case "mask":
			with, err = jsontext.AppendQuote(nil, r.Mask)
		case "hash":
			with = r.hash(v, text)
		case "coarsen":
			with, err = r.coarsen(v)
		default:
			err = fmt.Errorf("%q is no action", clip(r.Action, 20))
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", h.path, err)
		}
		if with != nil && string(with) != string(text[v.start:v.end]) {
			edits = append(edits, edit{v.start, v.end, with})
			names = append(names, r.ID+" "+r.Action+" "+h.path)
		}
	}
	for parent, gone := range dropped {
		edits = append(edits, removal(parent, gone)...)
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	return edits, names, nil
}

// removal takes members or elements out with the comma that went with each.
func removal(parent *node, gone map[int]bool) []edit {
	n := max(len(parent.members), len(parent.elems))
	start := func(i int) int { return place{parent: parent, i: i}.start() }
	end := func(i int) int { return place{parent: parent, i: i}.value().end }
	if len(gone) == n {
		return []edit{{start: start(0), end: end(n - 1)}}
	}
	var out []edit
	keptBefore := false
	for i := range n {
		switch {
		case !gone[i]:
			keptBefore = true
		case keptBefore:
			out = append(out, edit{start: end(i - 1), end: end(i)})
		default:
			out = append(out, edit{start: start(i), end: start(i + 1)})
		}
	}
	return out
}

// hash is over the string's characters, or over the bytes of any other value as written.
func (r FieldRule) hash(v *node, text []byte) []byte {
	h := sha256.New()
	h.Write([]byte(fieldDomain + r.Salt + "\n"))
	if v.kind == '"' {
		h.Write([]byte(v.str))
	} else {
		h.Write(text[v.start:v.end])
	}
	return []byte(`"` + hex.EncodeToString(h.Sum(nil)) + `"`)
}

// coarsen gives the coarser value. A value that the rule says nothing about is an error and not
// left as it is, because what stays by mistake is gone for good.
func (r FieldRule) coarsen(v *node) ([]byte, error) {
	k := r.Coarsen
	switch v.kind {
	case 'n':
		return nil, nil
	case '0':
		if !k.Numbers {
			break
		}
		f, err := strconv.ParseFloat(v.str, 64)
		if err != nil || math.Abs(f) > 1e15 {
			return nil, errors.New("the number is out of the range that can be rounded (1e15)")
		}
		if k.Digits < 0 {
			return strconv.AppendFloat(nil, f, 'f', -k.Digits, 64), nil
		}
		unit := math.Pow10(k.Digits)
		return strconv.AppendFloat(nil, math.RoundToEven(f/unit)*unit+0, 'f', 0, 64), nil
	case '"':
		if k.Time != "" {
			if t, err := time.Parse(time.RFC3339Nano, v.str); err == nil {
				return strconv.AppendQuote(nil, cut(t.UTC(), k.Time).Format(time.RFC3339)), nil
			}
		}
		if s, ok, err := k.address(v.str); err != nil {
			return nil, err
		} else if ok {
			return strconv.AppendQuote(nil, s), nil
		}
	case '{', '[':
		return nil, errors.New("the path names a list or an object; let it end in .* or [*]")
	}
	return nil, errors.New("the value is nothing the rule can coarsen; use mask or drop for it, or take the object out")
}

func cut(t time.Time, unit string) time.Time {
	y, m, d, h := t.Year(), t.Month(), t.Day(), t.Hour()
	switch unit {
	case "year":
		m, d, h = 1, 1, 0
	case "month":
		d, h = 1, 0
	case "day":
		h = 0
	}
	return time.Date(y, m, d, h, 0, 0, 0, time.UTC)
}

// address cuts an address or a CIDR prefix to the bits that stay.
func (k Coarsen) address(s string) (string, bool, error) {
	if strings.Contains(s, "%") {
		return "", false, nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return "", false, nil
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	keep := k.IPv4
	if p.Addr().Is6() {
		keep = k.IPv6
	}
	if keep == 0 {
		return "", false, nil
	}
	if p.Addr().Is4In6() {
		return "", false, errors.New("the address is IPv4 written as IPv6; write it plainly")
	}
	if p.Bits() <= keep {
		return s, true, nil
	}
	p, err = p.Addr().Prefix(keep)
	if err != nil {
		return "", false, err
	}
	return p.String(), true, nil
}
