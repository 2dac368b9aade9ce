package node

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/intel"
	"entente/internal/lang"
	"entente/internal/notify"
	"entente/internal/watch/asset"
	"entente/internal/watch/seen"
	"entente/journal"
	"entente/stix"
)

const (
	// maxAlarmDrafts is the most drafts that the node makes by itself and that wait at the same time.
	maxAlarmDrafts = 100
	// maxSubject is how much of a pattern a draft names, in bytes.
	maxSubject = 160
)

// How a partner was chosen, see DraftReason.By.
const (
	byPartnerNetwork = "network"
	byPartnerSystem  = "system"
	byPartnerCountry = "country"
	byPartnerDomain  = "domain"
	byPartnerOnly    = "only-partner"
	byPerson         = "person"
)

// addressed is a partner that an attack is told to, and why it is this one.
type addressed struct {
	l      *ledger
	party  journal.PartyID
	reason DraftReason // Source, Country, Network, By and Also
	rank   int
}

// alarm drafts what an officer may send about a finding: an incident notice and a request to the partner that answers for where it comes
// from. Findings of one asset and partner come together in one pair of drafts for as long as these wait. Nothing is sent. The lock
// of the findings must be held.
func (n *Node) alarm(_ context.Context, s *findings, file assetFile, k asset.Key) error {
	if !s.isOpen(k) {
		return nil
	}
	f, ok := s.book.Of(k)
	i := slices.IndexFunc(file.Assets, func(a asset.Asset) bool { return a.ID == k.Asset })
	if !ok || i < 0 {
		return nil
	}
	to, ok := n.partnerFor(file, f)
	if !ok {
		return nil // nobody is known to answer for it; an officer may choose
	}
	drafts, err := n.draftAlarm(s, file.Assets[i], f, to)
	if err != nil || len(drafts) == 0 {
		return err
	}
	ids := make([]string, len(drafts))
	for i, d := range drafts {
		ids[i] = d.ID
	}
	s.made[f.Matter()] = ids
	return n.keepFindings(s, findingRecord{Matter: f.Matter(), Drafts: ids})
}

// DraftFinding drafts the notice and the request about a finding for a partner that a person chooses.
func (n *Node) DraftFinding(_ context.Context, r FindingDraftRequest) (*FindingDraftResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	party, err := l.findParty(r.To)
	if err != nil {
		return nil, err
	}
	if party == n.keys().party {
		return nil, badInput("That is this party itself.", "Attacks are told to others.", "Name another member.")
	}
	file, _, _, err := n.assetsNow()
	if err != nil {
		return nil, err
	}
	res := &FindingDraftResponse{Drafts: []RequestView{}, DryRun: r.DryRun}
	err = n.withFindings(func(s *findings) error {
		f, err := s.finding(r.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(file.Assets, func(a asset.Asset) bool { return a.ID == f.Asset })
		if i < 0 {
			return noAsset(f.Asset)
		}
		to := addressed{l: l, party: party, reason: DraftReason{By: byPerson}}
		if len(f.Sources) > 0 {
			to.reason.Source = f.Sources[0]
			if a, err := netip.ParseAddr(f.Sources[0]); err == nil {
				o := n.geo.of(n.opts.FS, n.config.Watch.Databases, n.now(), a)
				to.reason.Country, to.reason.Network = o.country, systemName(o.system)
			}
		}
		made, err := n.alarmDrafts(file.Assets[i], f, to)
		if err != nil {
			return err
		}
		if len(made) == 0 {
			return conflict("no-accord", "Nothing can be drafted for this unit.", "No accord is in force there, the partner has left, or the accord offers neither notices of incidents nor a request that fits.", "See what it offers with 'entente accord show'.")
		}
		if r.DryRun {
			for _, d := range made {
				res.Drafts = append(res.Drafts, draftView(d))
			}
			return nil
		}
		saved, err := n.saveAlarms(made)
		if err != nil {
			return err
		}
		var ids []string
		for _, d := range saved {
			res.Drafts = append(res.Drafts, draftView(d))
			ids = append(ids, d.ID)
		}
		s.made[f.Matter()] = ids
		return n.keepFindings(s, findingRecord{Matter: f.Matter(), Drafts: ids})
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// partnerFor chooses whom a finding is told: who answers for the network of a source, else for its system, its country, or the country of the
// name's top-level domain; else the only partner there is.
func (n *Node) partnerFor(file assetFile, f asset.Finding) (addressed, bool) {
	type place struct {
		addr   netip.Addr
		text   string
		origin origin
	}
	var places []place
	for _, text := range f.Sources {
		if a, err := netip.ParseAddr(text); err == nil {
			places = append(places, place{a, text, n.geo.of(n.opts.FS, n.config.Watch.Databases, n.now(), a)})
		}
	}
	var all []addressed
	partners := 0
	var only addressed
	for _, l := range n.units() {
		l.mu.Lock()
		doc, _ := l.fold.InForce()
		others := l.others()
		l.mu.Unlock()
		if doc == nil {
			continue
		}
		for _, p := range others {
			partners++
			only = addressed{l: l, party: p}
			i := slices.IndexFunc(file.Partners, func(x areaOf) bool { return x.Unit == l.id && x.Party == p })
			if i < 0 {
				continue
			}
			best := addressed{l: l, party: p}
			for _, x := range places {
				by, what, rank := file.Partners[i].covers(x.addr, x.origin.country, x.origin.system)
				if rank > best.rank {
					best.rank = rank
					best.reason = DraftReason{Source: x.text, Country: x.origin.country, Network: cmp.Or(map[bool]string{true: what}[by != byPartnerCountry], systemName(x.origin.system)), By: by}
				}
			}
			if tld := f.Value.Text[strings.LastIndexByte(f.Value.Text, '.')+1:]; best.rank == 0 && f.Of == asset.Lookalike && len(tld) == 2 && slices.Contains(file.Partners[i].Countries, countryOf(tld)) {
				best.rank, best.reason = 1, DraftReason{Country: countryOf(tld), By: byPartnerDomain}
			}
			if best.rank > 0 {
				all = append(all, best)
			}
		}
	}
	if len(all) == 0 {
		if partners != 1 {
			return addressed{}, false
		}
		only.reason = DraftReason{By: byPartnerOnly}
		if len(places) > 0 {
			only.reason.Source, only.reason.Country, only.reason.Network = places[0].text, places[0].origin.country, systemName(places[0].origin.system)
		}
		return only, true
	}
	slices.SortStableFunc(all, func(a, b addressed) int { return b.rank - a.rank })
	for _, x := range all[1:] {
		if name := x.l.nameOf(x.party); x.party != all[0].party && !slices.Contains(all[0].reason.Also, name) {
			all[0].reason.Also = append(all[0].reason.Also, name)
		}
	}
	return all[0], true
}

func systemName(number string) string {
	if number == "" {
		return ""
	}
	return "AS" + number
}

// countryOf is the country of a top-level domain of two letters: those of ISO 3166-1, but for the United Kingdom.
func countryOf(tld string) string {
	if tld == "uk" {
		return "GB"
	}
	return strings.ToUpper(tld)
}

// draftAlarm makes the drafts about a finding, or adds it to those that wait for the same asset and partner.
func (n *Node) draftAlarm(s *findings, a asset.Asset, f asset.Finding, to addressed) ([]savedDraft, error) {
	waiting, alarms, err := n.waitingFor(a.ID, f.Of, to)
	if err != nil || len(waiting) > 0 {
		return waiting, err
	}
	made, err := n.alarmDrafts(a, f, to)
	if err != nil || len(made) == 0 {
		return nil, err
	}
	if alarms+len(made) > maxAlarmDrafts {
		n.opts.Log.Warn("no more is drafted until officers have sent or dropped what waits", "drafts", alarms)
		return nil, nil
	}
	return n.saveAlarms(made)
}

// waitingFor gives the drafts that wait for an asset and a partner, with one finding more, and counts all that the node made by itself.
func (n *Node) waitingFor(id, of string, to addressed) (waiting []savedDraft, alarms int, err error) {
	n.drafting.Lock()
	defer n.drafting.Unlock()
	file, err := n.readDrafts()
	if err != nil {
		return nil, 0, err
	}
	for i := range file.Drafts {
		d := &file.Drafts[i]
		if d.Why == nil {
			continue
		}
		alarms++
		if d.Why.Asset == id && d.Why.Of == of && d.Request.Unit == string(to.l.id) && d.Request.To == string(to.party) {
			why := *d.Why
			why.Findings++
			d.Why = &why
			waiting = append(waiting, *d)
		}
	}
	if len(waiting) == 0 {
		return nil, alarms, nil
	}
	return waiting, alarms, n.keepDrafts(file)
}

// saveAlarms keeps drafts.
func (n *Node) saveAlarms(made []savedDraft) ([]savedDraft, error) {
	for i := range made {
		id, err := n.keepDraft(made[i])
		if err != nil {
			return nil, err
		}
		made[i].ID = id
	}
	return made, nil
}

// alarmDrafts composes the incident notice and the request, as far as the accord of the unit offers them.
func (n *Node) alarmDrafts(a asset.Asset, f asset.Finding, to addressed) ([]savedDraft, error) {
	to.l.mu.Lock()
	doc, _ := to.l.fold.InForce()
	gone := to.l.hasNoWayTo(to.party)
	to.l.mu.Unlock()
	if doc == nil || gone {
		return nil, nil
	}
	now := n.now()
	window, open := n.openWindow(a, now)
	c := lang.English()
	if known, ok := lang.Known(n.config.Language); ok {
		c = known
	}
	why := to.reason
	why.Finding, why.Of, why.Asset, why.Kind, why.At, why.Value, why.Window, why.Made, why.Findings = f.ID(), f.Of, a.ID, a.Kind, f.At, findingSubject(f), window, now.UTC(), 1
	tlp := stix.TLPAmber
	if f.Indicator != "" {
		for x, err := range n.intel.Select(context.Background(), intel.Query{ID: f.Indicator}) {
			if err != nil {
				return nil, err
			}
			why.TLP = x.Effective.String()
			tlp = max(tlp, x.Effective)
		}
	}
	detected := f.First
	if detected.IsZero() || detected.After(now) {
		detected = now
	}
	asks := desk.Assistance
	if f.Of == asset.Lookalike {
		asks = desk.Takedown
	}
	var out []savedDraft
	for _, types := range [][]string{{desk.Incident}, {asks, desk.Assistance, desk.Information}} {
		i := slices.IndexFunc(types, func(t string) bool { return doc.RequestType(t) != nil })
		if i < 0 {
			continue
		}
		t := doc.RequestType(types[i])
		r := RequestNewRequest{Unit: string(to.l.id), To: string(to.party), Type: t.Type, Urgency: alarmUrgency(t, open), TLP: strings.ToLower(strings.TrimPrefix(tlp.String(), "TLP:")), Lang: c.Tag(),
			Title: cut(alarmText(c, "title", a, f, why), maxTitle), Text: alarmWords(c, a, f, why, t.Type), Fields: map[string]string{}}
		for _, name := range t.Fields {
			switch name {
			case "subject":
				r.Fields[name] = findingSubject(f)
			case "purpose":
				r.Fields[name] = alarmText(c, "purpose", a, f, why)
			}
		}
		reason := why
		if t.Type == desk.Incident {
			r.Detected = detected
			if clock, ok := doc.Clock(t.Type, r.Urgency, accord.StageEarlyWarning); ok {
				reason.Due = doc.Due(clock, detected).UTC()
			}
		}
		out = append(out, savedDraft{Request: r, Why: &reason})
	}
	return out, nil
}

// alarmUrgency is the most pressing urgency that a type is offered in while a window is open, and otherwise urgent, or what comes next.
func alarmUrgency(t *accord.RequestType, open bool) string {
	order := []string{accord.Urgent, accord.Routine, accord.Emergency}
	if open {
		order = []string{accord.Emergency, accord.Urgent, accord.Routine}
	}
	var offered []string
	for u := range t.Clocks {
		offered = append(offered, u)
	}
	slices.Sort(offered)
	for _, u := range order {
		if slices.Contains(offered, u) {
			return u
		}
	}
	return slices.Concat(offered, []string{accord.Urgent})[0]
}

// findingSubject is what a finding is of in words: a value, or the beginning of a pattern on one line.
func findingSubject(f asset.Finding) string {
	if f.Value.Type != seen.Pattern {
		return f.Value.Text
	}
	text := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, f.Value.Text)
	return cut(strings.Join(strings.Fields(text), " "), maxSubject)
}

// alarmText is one text about a finding.
func alarmText(c *lang.Catalog, what string, a asset.Asset, f asset.Finding, why DraftReason) string {
	return c.Text("alarm."+what+"-"+f.Of, "asset", cmp.Or(a.Title, a.ID), "kind", kindText(c, a.Kind), "at", f.At, "value", findingSubject(f), "reason", c.Code("lookalike", f.Why),
		"n", f.Count.Count, "first", utc(c, f.First), "last", utc(c, f.Last), "sources", cmp.Or(strings.Join(f.Sources, ", "), c.Text("ui.none")), "country", cmp.Or(why.Country, c.Text("ui.none")), "network", cmp.Or(why.Network, c.Text("ui.none")),
		"window", why.Window)
}

func utc(c *lang.Catalog, t time.Time) string {
	if t.IsZero() {
		return c.Text("ui.none")
	}
	return c.Time(t.UTC())
}

// kindText is the kind of an asset in words, or as it is if it is a word of the party's own.
func kindText(c *lang.Catalog, kind string) string {
	if c.Has("asset-kind." + kind) {
		return c.Code("asset-kind", kind)
	}
	return kind
}

// alarmWords is the text of a draft: what was seen, where it came from, and what is asked. It says nothing of own machines and no line of a log.
func alarmWords(c *lang.Catalog, a asset.Asset, f asset.Finding, why DraftReason, reqType string) string {
	lines := []string{alarmText(c, "what", a, f, why), alarmText(c, "seen", a, f, why)}
	if len(f.Sources) > 0 {
		lines = append(lines, alarmText(c, "source", a, f, why))
	}
	if why.Window != "" {
		lines = append(lines, c.Text("alarm.window", "window", why.Window))
	}
	if reqType != desk.Incident {
		lines = append(lines, alarmText(c, "ask", a, f, why))
	}
	return strings.Join(lines, "\n")
}

func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most-3], "") + "…"
	}
	return s
}

// alarmNeeds are the drafts that the node made and that wait for an officer.
func (n *Node) alarmNeeds(now time.Time) []notify.Item {
	file, err := n.readDrafts()
	if err != nil {
		return nil // doctor says so
	}
	var out []notify.Item
	for _, d := range file.Drafts {
		if d.Why == nil {
			continue
		}
		x := notify.Item{Code: notify.ItemAlarm, Ref: d.ID, Short: d.ID, Word: d.Why.Asset, Since: d.Why.Made, Due: d.Why.Due, Overdue: !d.Why.Due.IsZero() && now.After(d.Why.Due), Urgency: d.Request.Urgency}
		gone := false
		if l := n.ledger(journal.UnitID(d.Request.Unit)); l != nil {
			to := journal.PartyID(d.Request.To)
			l.mu.Lock()
			x.Unit, x.To = l.name(), l.partyName(to)
			gone = l.hasNoWayTo(to)
			l.mu.Unlock()
		}
		if !gone { // else nothing can be sent; it is still among the drafts
			out = append(out, x)
		}
	}
	return out
}

// hasNoWayTo tells whether nothing can be said to a party in this unit any more: it has left, or this party has, or its journal is
// retired. The lock must be held.
func (l *ledger) hasNoWayTo(party journal.PartyID) bool {
	return l.retired != nil || l.fold.Withdrawn(l.n.keys().party) || l.fold.HasLeft(party)
}
