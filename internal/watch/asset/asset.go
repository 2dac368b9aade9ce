// Package asset is what a party protects: voter registers, results, parties, media. It tells which
// asset a record of a log concerns, which names look like an asset's, and gathers both into findings.
//
// It is pure: no I/O, no clock, no randomness.
package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entente/internal/observable"
	"entente/internal/watch/lookalike"
)

// Bounds.
const (
	MaxAssets   = 1_000              // of a party
	MaxNames    = 200                // of an asset
	MaxPrefixes = 200                // of an asset
	MaxWindows  = 32                 // of an asset
	MaxAll      = lookalike.MaxNames // names of all assets together, and prefixes of all
	maxID       = 40                 // bytes of an id, and of a kind
	maxWords    = 200                // bytes of a title, an owner, and a window's name
)

// Asset is something protected.
type Asset struct {
	ID    string `json:"id"`              // 1 to 40 small letters, digits, dots and hyphens
	Title string `json:"title,omitempty"` // for people
	Owner string `json:"owner,omitempty"` // who answers for it
	// Kind is one of [Kinds] or a word of the party's own, written as an id.
	Kind string `json:"kind"`
	// Names are domains; what lies below them belongs to it.
	Names    []string `json:"names,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"` // addresses and blocks
	Windows  []Window `json:"windows,omitempty"`  // in which its protection is most pressing
}

// Window is a time in which an asset is watched most closely: a clause on elections of a unit's accord,
// or own dates.
type Window struct {
	Name string `json:"name,omitempty"`
	// Unit and Clause name a window of the accord in force of a unit. Its dates are the accord's.
	Unit   string    `json:"unit,omitempty"`
	Clause string    `json:"clause,omitempty"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"` // when it is over
}

// Kinds are the kinds of assets that have words in all languages.
func Kinds() []string {
	return []string{"voter-register", "results", "election-authority", "party", "candidate", "media", "mail", "website", "identity", "network", "other"}
}

// ErrBad is what an asset is refused with that cannot be protected as it is written.
var ErrBad = errors.New("asset")

func word(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && s[0] != '-' && s[0] != '.'
}

// Clean gives an asset in its canonical form: names and prefixes as they are compared, each once. It fails with [ErrBad].
func Clean(a Asset) (Asset, error) {
	bad := func(format string, args ...any) (Asset, error) {
		return Asset{}, fmt.Errorf("%w: %s", ErrBad, fmt.Sprintf(format, args...))
	}
	if a.Kind == "" {
		a.Kind = "other"
	}
	switch {
	case !word(a.ID, maxID):
		return bad("the id %.60q is not 1 to %d small letters, digits, dots and hyphens", a.ID, maxID)
	case !word(a.Kind, maxID):
		return bad("the kind %.60q is not written as an id is", a.Kind)
	case len(a.Title) > maxWords || len(a.Owner) > maxWords || !utf8.ValidString(a.Title) || !utf8.ValidString(a.Owner):
		return bad("the title or the owner is longer than %d bytes, or not UTF-8", maxWords)
	case len(a.Names) > MaxNames || len(a.Prefixes) > MaxPrefixes || len(a.Windows) > MaxWindows:
		return bad("there are more than %d names, %d prefixes or %d windows", MaxNames, MaxPrefixes, MaxWindows)
	case len(a.Names)+len(a.Prefixes) == 0:
		return bad("%s has neither a name nor a prefix, so nothing can be seen of it", a.ID)
	}
	names := make([]string, 0, len(a.Names))
	for _, text := range a.Names {
		v, err := observable.New(observable.Domain, text)
		if err != nil {
			return bad("%.260q is no domain", text)
		}
		names = append(names, v.Text)
	}
	if _, err := lookalike.New([]lookalike.Asset{{ID: a.ID, Names: names}}, nil); err != nil {
		return bad("%v", err)
	}
	prefixes := make([]string, 0, len(a.Prefixes))
	for _, text := range a.Prefixes {
		p, err := Prefix(text)
		if err != nil {
			return bad("%v", err)
		}
		prefixes = append(prefixes, p.String())
	}
	windows := slices.Clone(a.Windows)
	for i := range windows {
		w := &windows[i]
		w.From, w.To = w.From.UTC(), w.To.UTC()
		switch own := w.Unit == "" && w.Clause == ""; {
		case len(w.Name) > maxWords || !utf8.ValidString(w.Name) || len(w.Unit) > maxWords || len(w.Clause) > maxWords:
			return bad("a window's name, unit or clause is longer than %d bytes", maxWords)
		case own && !w.From.Before(w.To):
			return bad("a window needs a beginning and a later end, or a clause of an accord")
		case !own && (w.Unit == "" || w.Clause == "" || !w.From.IsZero() || !w.To.IsZero()):
			return bad("a window has own dates, or a unit and the clause of its accord")
		}
	}
	slices.Sort(names)
	slices.Sort(prefixes)
	a.Names, a.Prefixes, a.Windows = slices.Compact(names), slices.Compact(prefixes), windows
	return a, nil
}

// Prefix reads an address or a block. One wider than an IPv4 /8 or an IPv6 /16 is refused: everything would lie in it.
func Prefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%.60q is no address and no block", text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	if p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16 {
		return netip.Prefix{}, fmt.Errorf("%.60q is too wide a block", text)
	}
	return p.Masked(), nil
}

// Mark names a list of assets: another list has another one.
func Mark(list []Asset) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, a := range list {
		_ = enc.Encode(a) // of texts and times, into a hash: it does not fail
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
