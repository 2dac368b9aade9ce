package accord

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Decide is the gate. It is total, pure and deterministic, so both ends come to the same decision
// from the same entry and causal past. Refusals are looked for first, then what holds, so that a
// suspension never makes of a refusal something weaker.
func Decide(s Situation, a Act) Decision {
	if IsControl(a.Kind) {
		return Decision{Verdict: Allow, Clause: Protocol, Code: CodeProtocol, Reason: "protocol messages carry no content and always pass"}
	}
	if !IsContent(a.Kind) {
		return Decision{Clause: Protocol, Code: CodeUnknownKind,
			Reason: fmt.Sprintf("%q is not a kind of entry this version of the protocol lets carry content; use share or request", clip(a.Kind, 64))}
	}
	if s.Accord == nil {
		return Decision{Clause: ClauseNone, Code: CodeNoAccord, Reason: "no accord is in force in this unit; propose one and have every member sign it"}
	}
	g := &gate{s: s, a: a, d: s.Accord}
	for _, rule := range []func() *Decision{
		g.sane, g.validity, g.members, g.writer, g.scope, g.marking, g.quotas, g.quality, g.tier, g.request, g.refusal,
	} {
		if d := rule(); d != nil {
			return *d
		}
	}
	if d := g.suspension(); d != nil {
		return *d
	}
	return g.release()
}

type gate struct {
	s          Situation
	a          Act
	d          *Document
	recipients []string
	tlp        int // rank of the effective label; -1 when the act carries nothing
	// cited is the clause that allows the act, should nothing stand against it.
	cited string
	// relied are ids of the clauses that govern the act; suspending one of them holds it. Nil while nothing is suspended.
	relied      map[string]bool
	obligations []string
}

func (g *gate) refuse(clause, code, format string, args ...any) *Decision {
	return &Decision{Clause: clause, Code: code, Reason: fmt.Sprintf(format, args...)}
}

func (g *gate) rely(clauses ...string) {
	if len(g.s.Suspended) == 0 {
		return // nobody asks: this is done for every entry of every journal
	}
	if g.relied == nil {
		g.relied = map[string]bool{}
	}
	for _, c := range clauses {
		if c != "" {
			g.relied[c] = true
		}
	}
}

func (g *gate) sane() *Decision {
	a := g.a
	sum := int64(0)
	bad := a.Objects < 0 || a.Bytes < 0 || a.UnmarkedObjects < 0 || a.Elements < 0 || a.UnmarkedObjects > a.Objects
	for _, n := range a.Types {
		if n < 0 || n > math.MaxInt32 {
			bad = true
			break
		}
		sum += n
	}
	u := g.s.Used
	if bad || (len(a.Types) > 0 && sum != int64(a.Objects)) || u.RequestsToday < 0 || u.BytesToday < 0 || u.BlindToday < 0 {
		return g.refuse(Protocol, CodeBadAct, "the entry's figures contradict each other (%d objects, %d by type, %d unmarked, %d bytes); its author must correct them",
			a.Objects, sum, a.UnmarkedObjects, a.Bytes)
	}
	if a.At.IsZero() {
		return g.refuse(Protocol, CodeBadAct, "the entry states no time")
	}
	return nil
}

func (g *gate) validity() *Decision {
	v := g.d.Validity
	g.rely(v.ID)
	from, err := time.Parse(time.RFC3339, v.Effective)
	if err != nil {
		return g.refuse(v.ID, CodeNotYet, "the accord does not say from when it is effective")
	}
	if g.a.At.Before(from) {
		return g.refuse(v.ID, CodeNotYet, "the accord is effective from %s; wait until then", v.Effective)
	}
	if v.Expires != "" {
		until, err := time.Parse(time.RFC3339, v.Expires)
		if err != nil || !g.a.At.Before(until) {
			return g.refuse(v.ID, CodeExpired, "the accord expired at %s; sign a successor", clip(v.Expires, 40))
		}
	}
	return nil
}

func (g *gate) members() *Decision {
	a := g.a
	member := func(id string) bool {
		return g.d.HasParty(id) && (len(g.s.Members) == 0 || slices.Contains(g.s.Members, id))
	}
	if !member(a.Author) {
		return g.refuse(ClauseParties, CodeNotMember, "the author %s is not a party to the accord in force", short(a.Author))
	}
	if slices.Contains(g.s.Withdrawn, a.Author) {
		return g.refuse(g.d.Withdrawal.ID, CodeWithdrawn, "the author %s has withdrawn from the accord", g.d.NameOf(a.Author))
	}
	g.recipients = slices.Clone(a.Recipients)
	if len(g.recipients) == 0 {
		for _, p := range g.d.Parties() {
			if p != a.Author && member(p) && !slices.Contains(g.s.Withdrawn, p) {
				g.recipients = append(g.recipients, p)
			}
		}
	}
	slices.Sort(g.recipients)
	g.recipients = slices.DeleteFunc(slices.Compact(g.recipients), func(p string) bool { return p == a.Author })
	if len(g.recipients) == 0 {
		return g.refuse(ClauseParties, CodeNoRecipient, "no other party is left to receive this")
	}
	for _, r := range g.recipients {
		if !member(r) {
			return g.refuse(ClauseParties, CodeNotMember, "the recipient %s is not a party to the accord in force", short(r))
		}
		if slices.Contains(g.s.Withdrawn, r) {
			return g.refuse(g.d.Withdrawal.ID, CodeWithdrawn, "the recipient %s has withdrawn from the accord", g.d.NameOf(r))
		}
	}
	for _, p := range g.d.Signatories {
		if p.Party == a.Author || slices.Contains(g.recipients, p.Party) {
			g.rely(p.ID)
		}
	}
	return nil
}

func (g *gate) writer() *Decision {
	p := g.d.party(g.a.Author)
	by := g.a.By
	agency := p.agency(by.Agency)
	if agency == nil {
		return g.refuse(p.ID, CodeAgency, "%q is not an agency of %s under the accord; it has %s", clip(by.Agency, 64), p.Name, p.agencyNames())
	}
	role := agency.role(by.Role)
	if role == nil {
		return g.refuse(p.ID, CodeRole, "%q is not a role of the agency %s of %s under the accord; it has %s", clip(by.Role, 64), agency.Agency, p.Name, agency.roleNames())
	}
	if !anyCovers(role.May, g.a.Kind) {
		return g.refuse(p.ID, CodeRoleKind, "the role %s of %s may not write %s, only %s", role.Role, agency.Agency, g.a.Kind, strings.Join(role.May, ", "))
	}
	return nil
}

func (g *gate) scope() *Decision {
	sc := g.d.Scope
	g.rely(sc.ID)
	types := slices.Sorted(maps.Keys(g.a.Types))
	if len(sc.ObjectTypes) > 0 {
		for _, t := range types {
			if !slices.Contains(sc.ObjectTypes, t) {
				return g.refuse(sc.ID, CodeObjectType, "objects of type %s are not in the accord's scope; take them out", clip(t, 64))
			}
		}
	}
	if i := outside(sc.IncidentKinds, g.a.Incidents); i != "" {
		return g.refuse(sc.ID, CodeIncidentKind, "incidents of kind %s are not in the accord's scope", clip(i, 64))
	}
	if i := outside(sc.Sectors, g.a.Sectors); i != "" {
		return g.refuse(sc.ID, CodeSector, "the sector %s is not in the accord's scope", clip(i, 64))
	}
	for _, x := range sc.Exclusions {
		if len(x.Kinds) > 0 && !anyCovers(x.Kinds, g.a.Kind) {
			continue
		}
		g.rely(x.ID)
		if x.wholeKinds() {
			return g.refuse(x.ID, CodeExcluded, "%s is excluded by the accord", g.a.Kind)
		}
		for _, pair := range []struct {
			what       string
			have, deny []string
		}{{"objects of type", types, x.ObjectTypes}, {"incidents of kind", g.a.Incidents, x.IncidentKinds}, {"the sector", g.a.Sectors, x.Sectors}} {
			for _, h := range slices.Sorted(slices.Values(pair.have)) {
				if slices.Contains(pair.deny, h) {
					return g.refuse(x.ID, CodeExcluded, "%s %s are excluded by the accord; take them out", pair.what, clip(h, 64))
				}
			}
		}
	}
	return nil
}

// wholeKinds says whether the exclusion names kinds of entry and nothing else.
func (x Exclusion) wholeKinds() bool {
	return len(x.Kinds) > 0 && len(x.ObjectTypes)+len(x.IncidentKinds)+len(x.Sectors) == 0
}

// outside is the first of have (sorted) that a non-empty allowed list does not hold.
func outside(allowed, have []string) string {
	if len(allowed) == 0 {
		return ""
	}
	for _, h := range slices.Sorted(slices.Values(have)) {
		if !slices.Contains(allowed, h) {
			return h
		}
	}
	return ""
}

func short(id string) string {
	if id == "" {
		return "(none)"
	}
	return clip(id, 12)
}
