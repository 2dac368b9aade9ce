package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// roleKeys and wayKeys are the words for roles and directions.
var (
	roleKeys = map[record.Role]string{
		record.Query: "ui.watch-role-query", record.Answer: "ui.watch-role-answer", record.Host: "ui.watch-role-host", record.Request: "ui.watch-role-request",
		record.Referrer: "ui.watch-role-referrer", record.Source: "ui.watch-role-source", record.Destination: "ui.watch-role-destination", record.Sender: "ui.watch-role-sender",
		record.Recipient: "ui.watch-role-recipient", record.Subject: "ui.watch-role-subject", record.Agent: "ui.watch-role-agent", record.File: "ui.watch-role-file",
		record.Certificate: "ui.watch-role-certificate", record.Process: "ui.watch-role-process", record.Other: "ui.watch-role-other", record.Past: "ui.watch-role-past",
	}
	wayKeys = map[record.Direction]string{
		record.Inbound: "ui.watch-way-inbound", record.Outbound: "ui.watch-way-outbound", record.Internal: "ui.watch-way-internal", record.External: "ui.watch-way-external",
	}
)

// write tells one sighting: what was seen, and why it matters.
func (w *watching) write(p *printer, s *sighting.Sighting) {
	p.gap()
	p.f("%s", strings.Join(s.Seen, ", "))
	why := s.Value.Text + " (" + string(s.Value.Type) + ", " + s.Indicator
	if s.Source != "" {
		why += ", " + s.Source
	}
	if s.TLP != "" {
		why += ", " + s.TLP
	}
	where := s.Host
	if s.Rest {
		where = p.t("ui.watch-rest")
	}
	var roles, ways []string
	for _, r := range slices.Sorted(maps.Keys(s.Roles)) {
		roles = append(roles, p.t(roleKeys[r])+" "+p.number(s.Roles[r]))
	}
	for _, d := range slices.Sorted(maps.Keys(s.Ways)) {
		ways = append(ways, p.t(wayKeys[d])+" "+p.number(s.Ways[d]))
	}
	times := p.number(s.Count())
	pairs := []string{
		"ui.watch-meets", why + ")", "ui.watch-machine", where, "ui.watch-as", strings.Join(roles, ", "), "ui.watch-way", strings.Join(ways, ", "),
		"ui.watch-times", times, "ui.watch-first", p.at(s.First), "ui.watch-last", p.at(s.Last),
	}
	if s.First.IsZero() {
		pairs = pairs[:len(pairs)-4]
	}
	for i, l := range s.Sample {
		key := ""
		if i == 0 {
			key = "ui.watch-line"
		}
		at := l.Input
		if l.Number > 0 {
			at += fmt.Sprintf(":%d", l.Number)
		}
		pairs = append(pairs, key, at+"  "+l.Field)
	}
	names := make([]string, 0, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i]
		if name != "" {
			name = p.t(name)
		}
		names = append(names, "  "+name, pairs[i+1])
	}
	p.pairs(names...)
	p.gap()
}
