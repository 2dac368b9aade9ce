package asset

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/internal/watch/seen"
)

const (
	// maxNoted is how much that belongs to assets is noted of one record.
	maxNoted = 4
	// maxNotedText is the longest text of a field that is noted, in bytes: the longest name. Of a longer one the place alone is.
	maxNotedText = 255
)

// note is what is noted of a record that satisfies a part of a pattern: the record itself is gone when the rest is found.
type note struct {
	Places []notedPlace `json:"p,omitempty"`
	Others []netip.Addr `json:"o,omitempty"` // public addresses that belong to nobody here
}

type notedPlace struct {
	Asset string          `json:"a"`
	At    string          `json:"n"`
	Role  record.Role     `json:"r"`
	Type  observable.Type `json:"t,omitempty"`
	Text  string          `json:"x,omitempty"`
}

// Note gives what [Watcher.Whole] is to know of a record: what of it belongs to assets as they are now, and who is on the other side. It is
// empty where there is nothing of either, and UTF-8.
func (w *Watcher) Note(r *record.Record) string {
	s := w.current()
	if s == nil {
		return ""
	}
	n := note{Others: s.Foreign(r, nil, w.own)}
	s.places(r, func(p Place, f record.Field, _ bool) {
		x := notedPlace{Asset: p.Asset, At: p.At, Role: p.Role, Type: f.Type, Text: f.Text}
		if len(x.Text) > maxNotedText || !utf8.ValidString(x.Text) {
			x.Text = ""
		}
		if len(n.Places) < maxNoted && !slices.ContainsFunc(n.Places, func(y notedPlace) bool { return y.Asset == x.Asset && y.Text == x.Text }) {
			n.Places = append(n.Places, x)
		}
	})
	if len(n.Places)+len(n.Others) == 0 {
		return ""
	}
	text, err := json.Marshal(n)
	if err != nil {
		return "" // it has texts and addresses alone
	}
	return string(text)
}

// Whole looks whether a whole pattern of several values that was found concerns assets. r is what is told of the last record of it, notes what [Watcher.Note] gave of each,
// named tells what the pattern itself names, which does not count.
func (w *Watcher) Whole(r *record.Record, indicator, text string, notes []string, named func(record.Field) bool, stream string, number int64, told func(s *Seen, isNew bool)) {
	s := w.current()
	if s == nil {
		return
	}
	var places []notedPlace
	var others []netip.Addr
	for _, text := range notes {
		var n note
		if text == "" || json.Unmarshal([]byte(text), &n) != nil {
			continue // there was nothing, or a file of positions holds something else
		}
		for _, p := range n.Places {
			known := slices.ContainsFunc(s.list, func(a Asset) bool { return a.ID == p.Asset })
			twice := slices.ContainsFunc(places, func(x notedPlace) bool { return x.Asset == p.Asset })
			if known && !twice && (p.Text == "" || !named(record.Field{Role: p.Role, Type: p.Type, Text: p.Text})) {
				places = append(places, p)
			}
		}
		for _, a := range n.Others {
			if _, ours := s.Addr(a); a.IsValid() && !ours && !slices.Contains(others, a) && len(others) < MaxSources {
				others = append(others, a)
			}
		}
	}
	for _, p := range places {
		k := Key{Of: Attack, Asset: p.Asset, At: strings.Clone(p.At), Value: seen.PatternValue(text), Why: string(p.Role), Indicator: indicator}
		told(w.add(k, r, others, stream, number))
	}
}
