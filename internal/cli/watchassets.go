package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"strings"
	"time"

	"entente/internal/node"
	"entente/internal/watch/asset"
)

// loadAssets reads what is protected from the file that --assets names, and tells how many assets there are.
func (w *watching) loadAssets() (int, error) {
	if w.f.assets == "" {
		return 0, nil
	}
	in := w.a.in
	if w.f.assets != "-" {
		f, err := os.Open(w.f.assets)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		in = f
	}
	list, err := asset.ReadFile(in)
	if err != nil {
		return 0, &node.Error{Code: node.CodeBadInput, Status: 400, What: "The file of assets cannot be read.", Why: strings.TrimPrefix(err.Error(), "asset: ") + ".",
			Next: "Give JSON as 'entente asset list --json' writes it, or a name, an address or a block a line.", Err: err}
	}
	set, err := asset.NewSet(list)
	if err != nil {
		return 0, fmt.Errorf("--assets: %w", err)
	}
	w.assets = asset.NewWatcher(func() *asset.Set { return set }, w.own, maphash.MakeSeed())
	return len(list), nil
}

// found tells whether anything was found about assets.
func (w *watching) found() bool { return w.assets != nil && w.assets.Table.Len() > 0 }

// finding is told of each line that concerns an asset, and shows the first of a finding while a stream is followed.
func (w *watching) finding(s *asset.Seen, isNew bool) {
	if s == nil || !isNew || w.f.as != "" || !w.goesOn() {
		return
	}
	p := w.a.printer()
	w.writeFinding(p, s)
	if _, err := io.WriteString(w.a.out, p.String()); err != nil {
		w.err = err
	}
}

// writeFinding tells one finding: what was seen, of which asset, and why.
func (w *watching) writeFinding(p *printer, s *asset.Seen) {
	p.gap()
	p.f("%s", s.Value.Text)
	why := p.code("asset-finding", s.Of) + ": " + node.FindingWhyText(p.words(), s.Of, s.Why)
	if s.IDN {
		why += " (IDN)"
	}
	what := s.Asset
	if s.At != s.Asset {
		what += " (" + s.At + ")"
	}
	pairs := []string{"ui.asset", what, "ui.finding-why", why, "ui.watch-machine", strings.Join(s.Hosts, ", "), "ui.finding-sources", strings.Join(s.Sources, ", "), "ui.watch-times", p.number(s.Count.Count)}
	if !s.First.IsZero() {
		pairs = append(pairs, "ui.watch-first", p.at(s.First), "ui.watch-last", p.at(s.Last))
	}
	for i, l := range s.Sample {
		key := ""
		if i == 0 {
			key = "ui.watch-line"
		}
		pairs = append(pairs, key, fmt.Sprintf("%s:%d", l.Input, l.Number))
	}
	names := make([]string, 0, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i]
		if name != "" {
			name = p.t(name)
		}
		if pairs[i+1] != "" {
			names = append(names, "  "+name, pairs[i+1])
		}
	}
	p.pairs(names...)
	p.gap()
}

// findingRecord is a finding in the names of the Elastic Common Schema, for the party's own systems.
type findingRecord struct {
	Timestamp time.Time           `json:"@timestamp"`
	ECS       map[string]string   `json:"ecs"`
	Event     map[string]any      `json:"event"`
	Related   map[string][]string `json:"related"`
	Entente   struct {
		Finding foundAbout `json:"finding"`
	} `json:"entente"`
}

type foundAbout struct {
	node.WatchFinding
	Sample []asset.Line `json:"sample,omitempty"`
}

// reported is a finding as it is told to others than people.
func reported(s *asset.Seen) node.WatchFinding {
	return node.WatchFinding{Of: s.Of, Asset: s.Asset, At: s.At, Type: string(s.Value.Type), Value: s.Value.Text, Why: s.Why, IDN: s.IDN, Indicator: s.Indicator, Hour: s.Hour,
		First: s.First, Last: s.Last, Count: s.Count.Count, Sources: s.Sources, Hosts: s.Hosts}
}

// findingLines tells what is new of findings, one JSON object a line.
func (w *watching) findingLines() error {
	if w.assets == nil || w.f.as != "ecs" {
		return nil
	}
	if w.toldFindings == nil {
		w.toldFindings = map[*asset.Seen]int64{}
	}
	for _, s := range w.assets.Table.All() {
		if w.toldFindings[s] == s.Count.Count {
			continue
		}
		r := findingRecord{Timestamp: s.Last, ECS: map[string]string{"version": "8.17.0"}, Event: map[string]any{"kind": "alert", "category": []string{"threat"}, "type": []string{"info"}, "provider": "entente", "dataset": "entente.asset"},
			Related: map[string][]string{"hosts": append([]string{s.Value.Text}, s.Hosts...), "ip": s.Sources}}
		if s.First.IsZero() {
			r.Timestamp = w.a.now().UTC()
		} else {
			r.Event["start"], r.Event["end"] = s.First, s.Last
		}
		r.Entente.Finding = foundAbout{reported(s), s.Sample}
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("a finding as ECS: %w", err)
		}
		if _, err := w.a.out.Write(append(line, '\n')); err != nil {
			return err
		}
		w.toldFindings[s] = s.Count.Count
	}
	return nil
}

// forgetFindings drops what is over and was told.
func (w *watching) forgetFindings(before time.Time) {
	if w.assets == nil {
		return
	}
	done := func(s *asset.Seen) bool {
		if w.join != nil && w.join.found[s] != s.Count.Count {
			return false
		}
		delete(w.toldFindings, s)
		if w.join != nil {
			delete(w.join.found, s)
		}
		return true
	}
	if w.join == nil || w.queue == nil {
		w.assets.Table.Forget(before, done)
		return
	}
	w.queue.found.Forget(before, done)
	w.assets.Table.Forget(before, func(s *asset.Seen) bool { // the node is told of messages, not of these
		delete(w.toldFindings, s)
		return true
	})
}

// tellable tells whether a node takes a finding: an indicator of its own is one of STIX.
func tellable(s *asset.Seen) bool {
	return s.Of != asset.Attack || strings.HasPrefix(s.Indicator, "indicator--")
}

// reportFindings tells the node what was found so far and it does not know, as report does of sightings.
func (j *joined) reportFindings(ctx context.Context, now time.Time, table *asset.Table) error {
	const atOnce = 500
	var batch []*asset.Seen
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		r := node.WatchReportRequest{Run: j.name, Sightings: []node.WatchSighting{}}
		for _, s := range batch {
			r.Findings = append(r.Findings, reported(s))
		}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		var res node.WatchReportResponse
		if err := j.client.Call(ctx, "watch.report", r, &res); err != nil {
			j.next = now.Add(reportAgain)
			return fmt.Errorf("what was found about assets could not be reported: %w", err)
		}
		for i, s := range batch {
			j.found[s] = r.Findings[i].Count
		}
		j.refused += int64(len(res.RefusedFindings)) // and would be again
		batch = batch[:0]
		return nil
	}
	for _, s := range table.All() {
		if s.Count.Count <= j.found[s] || !tellable(s) {
			continue
		}
		if batch = append(batch, s); len(batch) == atOnce {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
