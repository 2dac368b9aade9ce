package accord

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// carries says whether the act moves content, which then has a marking.
func (g *gate) carries() bool {
	return g.a.Kind == "share" || g.a.Objects > 0 || g.a.Bytes > 0 || g.a.TLP != "" || g.a.Unmarked != ""
}

func (g *gate) marking() *Decision {
	g.tlp = -1
	a, h := g.a, g.d.Handling
	g.rely(h.ID)
	if !g.carries() {
		return nil
	}
	tlp, label := -1, ""
	if a.TLP != "" {
		r, ok := tlpRank(a.TLP)
		if !ok {
			return g.refuse(h.ID, CodeTLPUnknown, "%q is not a TLP 2.0 label; use one of %s", clip(a.TLP, 32), strings.Join(tlpLabels, ", "))
		}
		tlp, label = r, tlpLabels[r]
	}
	if a.TLP == "" || a.UnmarkedObjects > 0 || a.Unmarked != "" {
		g.rely(h.Unmarked.ID)
		counts := h.Unmarked.CountsAs
		if a.Unmarked != "" {
			if !h.Unmarked.SenderMayState {
				return g.refuse(h.Unmarked.ID, CodeUnmarked, "the accord does not let a sender state a marking for unmarked objects; they count as TLP:%s", strings.ToUpper(counts))
			}
			counts = a.Unmarked
		}
		r, ok := tlpRank(counts)
		if !ok {
			return g.refuse(h.Unmarked.ID, CodeTLPUnknown, "%q is not a TLP 2.0 label; use one of %s", clip(counts, 32), strings.Join(tlpLabels, ", "))
		}
		if r > tlp {
			tlp, label = r, tlpLabels[r]
		}
	}
	pap, papClause, papWhy := 0, h.PAP.ID, "marked"
	if a.PAP != "" {
		r, ok := papRank(a.PAP)
		if !ok {
			return g.refuse(h.PAP.ID, CodePAPUnknown, "%q is not a PAP label; use one of %s", clip(a.PAP, 32), strings.Join(papLabels, ", "))
		}
		pap = r
	} else {
		r, ok := papRank(h.PAP.Unmarked)
		if !ok {
			r = len(papLabels) - 1
		}
		pap, papWhy = r, "unmarked and counts as"
	}
	for _, to := range g.recipients {
		c := g.d.ceiling(a.Kind, a.Author, to)
		if c == nil {
			return g.refuse(h.ID, CodeNoCeiling, "the accord names no marking ceiling for %s from %s to %s, so nothing may travel that way", a.Kind, g.d.NameOf(a.Author), g.d.NameOf(to))
		}
		g.rely(c.ID)
		if g.cited == "" {
			g.cited = c.ID
		}
		if limit, ok := tlpRank(c.TLP); !ok || tlp > limit {
			return g.refuse(c.ID, CodeTLP, "TLP:%s is above the ceiling TLP:%s that the accord sets for %s from %s to %s",
				strings.ToUpper(label), strings.ToUpper(c.TLP), a.Kind, g.d.NameOf(a.Author), g.d.NameOf(to))
		}
		if limit, ok := papRank(c.PAP); !ok || pap > limit {
			if papWhy != "marked" {
				g.rely(papClause)
			}
			return g.refuse(c.ID, CodePAP, "content %s PAP:%s is above the ceiling PAP:%s that the accord sets for %s from %s to %s",
				papWhy, strings.ToUpper(papLabels[pap]), strings.ToUpper(c.PAP), a.Kind, g.d.NameOf(a.Author), g.d.NameOf(to))
		}
	}
	g.tlp = tlp
	g.obligations = append(g.obligations, ObligationTLP+label, ObligationPAP+papLabels[pap])
	if rule := h.Onward.Rule; rule == "no" || rule == "ask" {
		g.obligations = append(g.obligations, ObligationOnward+rule)
	}
	return nil
}

func (g *gate) quotas() *Decision {
	q, a, u := g.d.Quotas, g.a, g.s.Used
	g.rely(q.ID)
	if a.Kind == "request.send" && add(u.RequestsToday, 1) > q.RequestsPerDay {
		return g.refuse(q.ID, CodeQuotaRequests, "%d requests have been sent today and the accord allows %d; wait until tomorrow (UTC)", u.RequestsToday, q.RequestsPerDay)
	}
	if a.Bytes > 0 && add(u.BytesToday, a.Bytes) > q.BytesPerDay {
		return g.refuse(q.ID, CodeQuotaBytes, "%d bytes were sent today and this would add %d, but the accord allows %d; wait until tomorrow (UTC) or send less", u.BytesToday, a.Bytes, q.BytesPerDay)
	}
	if int64(a.Objects) > q.ObjectsPerShare {
		return g.refuse(q.ID, CodeQuotaObjects, "%d objects in one entry, but the accord allows %d; split the share", a.Objects, q.ObjectsPerShare)
	}
	if a.Elements > q.BlindMatchPerCall {
		return g.refuse(q.ID, CodeQuotaBlind, "%d elements in one blind match, but the accord allows %d", a.Elements, q.BlindMatchPerCall)
	}
	if a.Elements > 0 && add(u.BlindToday, a.Elements) > q.BlindMatchPerDay {
		return g.refuse(q.ID, CodeQuotaBlind, "%d blind-match elements were used today and this would add %d, but the accord allows %d", u.BlindToday, a.Elements, q.BlindMatchPerDay)
	}
	return nil
}

// add is saturating, for figures that come from outside.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (g *gate) quality() *Decision {
	q, a := g.d.Quality, g.a
	g.rely(q.ID)
	if len(a.Forbidden) > 0 {
		return g.refuse(q.ID, CodeNeverSend, "%s is on the accord's never-send list; take it out", clip(slices.Min(a.Forbidden), 80))
	}
	if q.MaxAge.Set() && !a.Oldest.IsZero() {
		span, err := q.MaxAge.Span()
		if err != nil || a.Oldest.Before(span.Before(a.At)) {
			return g.refuse(q.ID, CodeTooOld, "an indicator of %s is older than the accord allows (%s); take it out", a.Oldest.UTC().Format("2006-01-02"), q.MaxAge)
		}
	}
	if q.Quarantine > 0 && a.Objects > 0 {
		g.obligations = append(g.obligations, fmt.Sprintf("%s%d", ObligationQuarantine, q.Quarantine))
	}
	return nil
}

func (g *gate) tier() *Decision {
	if g.a.Tier != "" {
		t := g.d.tier(g.a.Tier)
		if t == nil {
			return g.refuse(g.d.Fields.ID, CodeTier, "%q is not a tier of detail of the accord", clip(g.a.Tier, 64))
		}
		for _, to := range g.recipients {
			if len(t.To) > 0 && !slices.Contains(t.To, to) {
				return g.refuse(t.ID, CodeTier, "the tier %s is not for %s", t.Tier, g.d.NameOf(to))
			}
		}
		g.rely(t.ID)
	}
	if !g.carries() {
		return nil
	}
	named := map[string]bool{}
	for _, to := range g.recipients {
		for _, r := range g.d.RulesFor(g.a.Kind, g.a.Author, to, g.a.Tier) {
			named[r.ID] = true
			g.rely(r.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(named)) {
		g.obligations = append(g.obligations, ObligationFieldRule+id)
	}
	return nil
}

func (g *gate) request() *Decision {
	if !strings.HasPrefix(g.a.Kind, "request.") {
		return nil
	}
	g.rely(g.d.Requests.ID)
	r := g.a.Request
	if r == nil || r.Type == "" {
		if g.a.Kind != "request.send" {
			return nil // a move on a request names it; the desk knows its type
		}
		return g.refuse(g.d.Requests.ID, CodeRequestType, "a request names its type; the accord has %s", g.d.requestTypeNames())
	}
	t := g.d.requestType(r.Type)
	if t == nil {
		return g.refuse(g.d.Requests.ID, CodeRequestType, "%q is not a type of request under the accord; it has %s", clip(r.Type, 64), g.d.requestTypeNames())
	}
	g.rely(t.ID)
	if _, ok := t.Clocks[r.Urgency]; !ok && (g.a.Kind == "request.send" || r.Urgency != "") {
		return g.refuse(t.ID, CodeUrgency, "%q is not an urgency that the accord offers for %s; it has %s", clip(r.Urgency, 64), t.Type, strings.Join(slices.Sorted(maps.Keys(t.Clocks)), ", "))
	}
	if g.a.Kind == "request.send" {
		if g.cited == "" || g.tlp < 0 {
			g.cited = t.ID
		}
		for _, f := range t.Fields {
			if !slices.Contains(r.Fields, f) {
				return g.refuse(t.ID, CodeRequestField, "a request of type %s must state %s", t.Type, f)
			}
		}
	}
	return nil
}

func (g *gate) refusal() *Decision {
	owes := g.a.Kind == "request.refuse" || g.a.Kind == "request.postpone"
	if !owes && g.a.Code == "" {
		return nil
	}
	for _, c := range g.d.Refusals {
		if c.Code != g.a.Code {
			continue
		}
		g.rely(c.ID)
		if owes {
			g.cited = c.ID
		}
		if owes && c.Reason && (g.a.Request == nil || !slices.Contains(g.a.Request.Fields, "reason")) {
			return g.refuse(c.ID, CodeReasonOwed, "under the accord a refusal for %s owes a reason; state it", c.Code)
		}
		return nil
	}
	if !owes {
		return nil // other moves have codes of their own
	}
	codes := make([]string, 0, len(g.d.Refusals))
	for _, c := range g.d.Refusals {
		codes = append(codes, c.Code)
	}
	return g.refuse(g.d.Requests.ID, CodeRefusalCode, "%q is not a ground for refusal under the accord; it has %s", clip(g.a.Code, 64), strings.Join(codes, ", "))
}

func (g *gate) suspension() *Decision {
	for _, r := range g.d.Release {
		if g.releaseApplies(r) {
			g.rely(r.ID)
		}
	}
	if anyCovers(g.d.Suspension.StillAllowed, g.a.Kind) {
		return nil
	}
	for _, s := range g.s.Suspended {
		hit := ""
		if len(s.Scope) == 0 {
			hit = "all"
		}
		for _, sc := range s.Scope {
			if sc == "all" || covers(sc, g.a.Kind) || strings.HasPrefix(g.a.Kind, sc+".") || g.relied[sc] {
				hit = sc
				break
			}
		}
		if hit == "" {
			continue
		}
		d := g.refuse(g.d.Suspension.ID, CodeSuspended, "%s has suspended %s; this waits until it resumes", g.d.NameOf(s.By), suspended(hit))
		d.Verdict = Hold
		d.Obligations = append(g.obligations, ObligationSuspension+clip(hit, 64))
		return d
	}
	return nil
}

func suspended(scope string) string {
	if scope == "all" || scope == Any {
		return "the accord"
	}
	return "the part " + clip(scope, 64)
}

func (g *gate) release() Decision {
	p := g.d.party(g.a.Author)
	var known []Claim
	for _, c := range g.a.Release {
		if a := p.agency(c.Agency); a != nil && a.role(c.Role) != nil && !slices.Contains(known, c) {
			known = append(known, c)
		}
	}
	for _, r := range g.d.Release {
		if !g.releaseApplies(r) {
			continue
		}
		if satisfies(r.Claims, relevant(r.Claims, known)) {
			continue
		}
		d := g.refuse(r.ID, CodeTwoPerson, "the accord asks for release by %s before %s leaves; the entry has %s", claimNames(r.Claims), g.a.Kind, heldNames(known))
		d.Verdict = Hold
		d.Obligations = append(g.obligations, ObligationTwoPerson+r.ID)
		return *d
	}
	cited := g.cited
	if cited == "" {
		cited = p.ID
	}
	return Decision{Verdict: Allow, Clause: cited, Code: CodeOK, Reason: "within the accord", Obligations: g.obligations}
}

func (g *gate) releaseApplies(r ReleaseRule) bool {
	if !covers(r.Kind, g.a.Kind) || (r.Party != Any && r.Party != g.a.Author) {
		return false
	}
	from, ok := tlpRank(r.FromTLP)
	// A rule for all content also covers a move that carries none; one from a label upwards does not.
	return !ok || from == 0 || g.tlp >= from
}

// satisfies says whether each claim asked for can be given a claim of its own. Both are few.
func satisfies(asked []RoleClaim, have []Claim) bool {
	if len(asked) == 0 {
		return true
	}
	for i, h := range have {
		if (asked[0].Agency == Any || asked[0].Agency == h.Agency) && (asked[0].Role == Any || asked[0].Role == h.Role) {
			if satisfies(asked[1:], slices.Delete(slices.Clone(have), i, i+1)) {
				return true
			}
		}
	}
	return false
}

// relevant keeps, for each claim asked, as many matching offices as there are claims: more cannot
// be needed, and the search stays small.
func relevant(asked []RoleClaim, have []Claim) []Claim {
	var out []Claim
	for _, a := range asked {
		n := 0
		for _, h := range have {
			if (a.Agency == Any || a.Agency == h.Agency) && (a.Role == Any || a.Role == h.Role) {
				if !slices.Contains(out, h) {
					out = append(out, h)
				}
				if n++; n == len(asked) {
					break
				}
			}
		}
	}
	return out
}

func claimNames(cs []RoleClaim) string {
	var out []string
	for _, c := range cs {
		switch {
		case c.Agency == Any && c.Role == Any:
			out = append(out, "any office")
		case c.Agency == Any:
			out = append(out, c.Role)
		default:
			out = append(out, c.Agency+"/"+c.Role)
		}
	}
	return strings.Join(out, " and ")
}

func heldNames(cs []Claim) string {
	if len(cs) == 0 {
		return "no valid release claim"
	}
	var out []string
	for _, c := range cs {
		out = append(out, c.Agency+"/"+c.Role)
	}
	return strings.Join(out, " and ")
}
