package accord

import (
	"slices"
	"strings"
)

// ClauseParties is cited when somebody is not a party at all, so that no party's clause applies.
const ClauseParties = "parties"

// Parties are the party ids, sorted.
func (d *Document) Parties() []string {
	ids := make([]string, 0, len(d.Signatories))
	for _, p := range d.Signatories {
		ids = append(ids, p.Party)
	}
	slices.Sort(ids)
	return ids
}

// HasParty says whether a party id is a party.
func (d *Document) HasParty(id string) bool { return d.party(id) != nil }

// NameOf is the display name of a party, or its shortened id.
func (d *Document) NameOf(id string) string {
	if p := d.party(id); p != nil && p.Name != "" {
		return p.Name
	}
	return short(id)
}

func (d *Document) party(id string) *Party {
	for i := range d.Signatories {
		if d.Signatories[i].Party == id {
			return &d.Signatories[i]
		}
	}
	return nil
}

func (p *Party) agency(name string) *Agency {
	for i := range p.Agencies {
		if p.Agencies[i].Agency == name {
			return &p.Agencies[i]
		}
	}
	return nil
}

func (p *Party) agencyNames() string {
	var out []string
	for _, a := range p.Agencies {
		out = append(out, a.Agency)
	}
	return strings.Join(out, ", ")
}

func (a *Agency) role(name string) *Role {
	for i := range a.Roles {
		if a.Roles[i].Role == name {
			return &a.Roles[i]
		}
	}
	return nil
}

func (a *Agency) roleNames() string {
	var out []string
	for _, r := range a.Roles {
		out = append(out, r.Role)
	}
	return strings.Join(out, ", ")
}

// Ceiling is the highest TLP and PAP label that a kind may carry from one party to another, and the
// clause that says so; ok is false when the accord names none, and then nothing may travel.
func (d *Document) Ceiling(kind, from, to string) (tlp, pap, clause string, ok bool) {
	c := d.ceiling(kind, from, to)
	if c == nil {
		return "", "", "", false
	}
	return c.TLP, c.PAP, c.ID, true
}

// ceiling takes the clause that names the kind most exactly, then the one that names the direction
// most exactly; between two equally exact ones the stricter.
func (d *Document) ceiling(kind, from, to string) *Ceiling {
	var best *Ceiling
	bestWeight := -1
	for i := range d.Handling.Ceiling {
		c := &d.Handling.Ceiling[i]
		if !covers(c.Kind, kind) || (c.From != Any && c.From != from) || (c.To != Any && c.To != to) {
			continue
		}
		w := 4 * weight(c.Kind, kind)
		if c.From != Any {
			w++
		}
		if c.To != Any {
			w++
		}
		if w > bestWeight || w == bestWeight && stricter(c, best) {
			best, bestWeight = c, w
		}
	}
	return best
}

func stricter(a, b *Ceiling) bool {
	at, _ := tlpRank(a.TLP)
	bt, _ := tlpRank(b.TLP)
	if at != bt {
		return at < bt
	}
	ap, _ := papRank(a.PAP)
	bp, _ := papRank(b.PAP)
	return ap < bp
}

// TwoPerson is the release rules that may apply to a kind, whoever writes it.
func (d *Document) TwoPerson(kind string) []ReleaseRule {
	var out []ReleaseRule
	for _, r := range d.Release {
		if covers(r.Kind, kind) {
			out = append(out, r)
		}
	}
	return out
}

// RequestType is the terms of a type of request; nil when the accord has no such type.
func (d *Document) RequestType(name string) *RequestType { return d.requestType(name) }

func (d *Document) requestType(name string) *RequestType {
	for i := range d.Requests.Types {
		if d.Requests.Types[i].Type == name {
			return &d.Requests.Types[i]
		}
	}
	return nil
}

func (d *Document) requestTypeNames() string {
	var out []string
	for _, t := range d.Requests.Types {
		out = append(out, t.Type)
	}
	return strings.Join(out, ", ")
}

func (d *Document) tier(name string) *Tier {
	for i := range d.Fields.Tiers {
		if d.Fields.Tiers[i].Tier == name {
			return &d.Fields.Tiers[i]
		}
	}
	return nil
}

// RulesFor is the field rules that apply to a kind in a direction: those the personal data clause
// names, those of the tier, and those that no tier names.
func (d *Document) RulesFor(kind, from, to, tier string) Rules {
	inTier, chosen := map[string]bool{}, map[string]bool{}
	for _, t := range d.Fields.Tiers {
		for _, id := range t.Rules {
			inTier[id] = true
			if t.Tier == tier || tier == "" && slices.Contains(t.To, to) {
				chosen[id] = true
			}
		}
	}
	var out Rules
	for _, r := range d.Fields.Rules {
		if !covers(r.Kind, kind) || (r.From != Any && r.From != from) || (r.To != Any && r.To != to) {
			continue
		}
		if !inTier[r.ID] || chosen[r.ID] || slices.Contains(d.PersonalData.Scrub, r.ID) {
			out = append(out, r)
		}
	}
	return out
}

// StillAllowed says whether a content kind passes during any suspension.
func (d *Document) StillAllowed(kind string) bool { return anyCovers(d.Suspension.StillAllowed, kind) }

// Suspendable says whether a word may stand in the scope of a suspension: "all", a content kind or
// family (share, request, request.send, request.*) or the id of a clause. A suspension of anything
// else would hold nothing, so it should not be written.
func (d *Document) Suspendable(scope string) bool {
	if scope == "all" || scope == Any || IsContent(scope) || IsContent(strings.TrimSuffix(scope, ".*")+".x") {
		return true
	}
	_, ok := d.FindClause(scope)
	return ok
}
