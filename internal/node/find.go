package node

import (
	"fmt"
	"slices"
	"strings"

	"entente/journal"
)

// findUnit takes a unit's name, id or prefix of it; empty means the only one.
func (n *Node) findUnit(s string) (*ledger, error) {
	all := n.units()
	if s == "" {
		if len(all) == 0 {
			return nil, notFound("This node is in no unit yet.", "Found one with 'entente unit found NAME', or take an invitation with 'entente unit join'.")
		}
		// Units that were left are not meant by somebody who names none.
		if live := slices.DeleteFunc(slices.Clone(all), (*ledger).left); len(live) > 0 {
			all = live
		}
		if len(all) == 1 {
			return all[0], nil
		}
		return nil, badInput("This node is in several units.", strings.Join(unitNames(all), ", ")+".", "Name one with --unit.")
	}
	var hits []*ledger
	for _, l := range all {
		if string(l.id) == s || l.name() == s {
			return l, nil
		}
		if strings.HasPrefix(string(l.id), s) || strings.EqualFold(l.name(), s) {
			hits = append(hits, l)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return nil, notFound(fmt.Sprintf("No unit is called %q here.", s), "The units are: "+strings.Join(unitNames(all), ", ")+".")
	}
	return nil, badInput(fmt.Sprintf("%q fits several units.", s), strings.Join(unitNames(hits), ", ")+".", "Give more of the id.")
}

// left tells whether the unit is over for this node: this party withdrew, or
// nobody else is left.
func (l *ledger) left() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	self := l.n.keys().party
	return l.fold.Withdrawn(self) || len(l.others()) == 0 && slices.ContainsFunc(sortedParties(l.file.Partners), l.fold.Withdrawn)
}

func unitNames(ls []*ledger) []string {
	var out []string
	for _, l := range ls {
		out = append(out, fmt.Sprintf("%s (%s)", l.name(), l.id.Short()))
	}
	return out
}

// findParty takes a partner's name, id or prefix of it; empty means the only one.
func (l *ledger) findParty(s string) (journal.PartyID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := sortedParties(l.file.Partners)
	if s == "" {
		if len(all) == 1 {
			return all[0], nil
		}
		return "", badInput("This unit has several partners.", "Their names: "+strings.Join(l.names(all), ", ")+".", "Name one.")
	}
	var hits []journal.PartyID
	for _, p := range append(all, l.n.keys().party) {
		if string(p) == s || l.partyName(p) == s {
			return p, nil
		}
		if strings.HasPrefix(string(p), s) || strings.EqualFold(l.partyName(p), s) {
			hits = append(hits, p)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return "", notFound(fmt.Sprintf("No partner is called %q in this unit.", s), "The partners are: "+strings.Join(l.names(all), ", ")+".")
	}
	return "", badInput(fmt.Sprintf("%q fits several partners.", s), strings.Join(l.names(hits), ", ")+".", "Give more of the id.")
}

func (l *ledger) names(ps []journal.PartyID) []string {
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s (%s)", l.partyName(p), p.Short()))
	}
	return out
}

func sortedParties[T any](m map[journal.PartyID]T) []journal.PartyID {
	out := make([]journal.PartyID, 0, len(m))
	for p := range m {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// threadID is something that a person may name.
type threadID struct {
	ref  journal.Ref
	open bool
}

// allOpen are threads of which each may be meant by somebody who names none.
func allOpen(refs []journal.Ref) []threadID {
	out := make([]threadID, len(refs))
	for i, ref := range refs {
		out[i] = threadID{ref, true}
	}
	return out
}

// findThread takes "origin#index", the short form that lists print, or a prefix of either; empty means
// the only open one.
func (n *Node) findThread(unitName, id, what, where string, all func(*ledger) []threadID) (*ledger, journal.Ref, error) {
	ledgers := n.units()
	if unitName != "" {
		l, err := n.findUnit(unitName)
		if err != nil {
			return nil, journal.Ref{}, err
		}
		ledgers = []*ledger{l}
	}
	type hit struct {
		l   *ledger
		ref journal.Ref
	}
	var hits []hit
	whole, err := journal.ParseRef(id)
	isWhole := err == nil
	for _, l := range ledgers {
		l.mu.Lock()
		list := all(l)
		l.mu.Unlock()
		for _, x := range list {
			if isWhole { // there may be ten thousand, and a page names the one it is about whole
				if x.ref == whole {
					return l, x.ref, nil
				}
				continue
			}
			full := x.ref.String()
			if full == id || short(x.ref) == id {
				return l, x.ref, nil
			}
			if id == "" && x.open || id != "" && (strings.HasPrefix(strings.TrimPrefix(full, "entente/"), id) || strings.HasPrefix(short(x.ref), id)) {
				hits = append(hits, hit{l, x.ref})
			}
		}
	}
	switch len(hits) {
	case 1:
		return hits[0].l, hits[0].ref, nil
	case 0:
		if id == "" {
			return nil, journal.Ref{}, notFound("No "+what+" is open.", "List them with '"+where+"'.")
		}
		return nil, journal.Ref{}, notFound(fmt.Sprintf("No %s %q is here.", what, id), "List them with '"+where+"'.")
	}
	if id == "" {
		return nil, journal.Ref{}, badInput("More than one "+what+" is open.", "", "Name one, see '"+where+"'.")
	}
	return nil, journal.Ref{}, badInput(fmt.Sprintf("%q fits several.", id), "", "Give its whole id, see '"+where+"'.")
}
