package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"entente/internal/notify"
	"entente/internal/observable"
	"entente/internal/store"
	"entente/internal/watch/asset"
	"entente/internal/watch/seen"
)

// maxFindingDay is the most that the findings of one day take on the disk, in bytes.
const maxFindingDay = 64 << 20

// findings is what watchers saw of assets: a book in memory, and under findings/ a log for each day on which they told, kept as
// long as sightings are.
type findings struct {
	mu   sync.Mutex
	book *asset.Book         // nil until it is read
	made map[string][]string // by matter: the drafts that were made of it
	// settled are the matters about which nothing more is to be done.
	settled map[string]FindingSettled
	waits   map[string]int // by asset: matters of which nothing was drafted and that nobody settled; nil until it is asked for
	dayLog
	ahead bool // the book has what is not on the disk yet
}

// findingRecord is a record of such a log: what a run counted, or what became of a matter.
type findingRecord struct {
	Run    string         `json:"run,omitempty"`
	Counts []asset.Report `json:"counts,omitempty"`
	// Batch: the counts are of these messages of a queue alone.
	Batch *seen.Batch `json:"batch,omitempty"`

	Matter   string          `json:"matter,omitempty"`
	Drafts   []string        `json:"drafts,omitempty"`
	Settled  *FindingSettled `json:"settled,omitempty"`
	Reopened bool            `json:"reopened,omitempty"`
}

func (l layout) findings() string { return filepath.Join(l.dir, "findings") }

// withFindings runs f with what was found. What f could not keep on the disk is forgotten, so that it is new the next time.
func (n *Node) withFindings(f func(*findings) error) error {
	s := &n.findings
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book == nil {
		if err := n.readFindings(s); err != nil {
			return fmt.Errorf("findings: %w", err)
		}
	}
	err := f(s)
	if err != nil && s.ahead {
		s.book = nil
		err = errors.Join(err, s.closeLog())
	}
	s.ahead = false
	return err
}

func (s *findings) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book = nil
	return s.closeLog()
}

// readFindings makes the book of what was told in the days that are kept, and drops the days before.
func (n *Node) readFindings(s *findings) error {
	book, made, settled := new(asset.Book), map[string][]string{}, map[string]FindingSettled{}
	if err := n.eachDay(n.at.findings(), func(log *store.Log) error { return readFindingLog(book, made, settled, log) }); err != nil {
		return err
	}
	s.book, s.made, s.settled, s.waits = book, made, settled, nil
	return nil
}

func readFindingLog(book *asset.Book, made map[string][]string, settled map[string]FindingSettled, log *store.Log) error {
	for raw, err := range log.Records(0) {
		if err != nil {
			return err
		}
		var rec findingRecord
		if err := json.Unmarshal(raw, &rec); err != nil {
			return fmt.Errorf("a record cannot be read: %w", err)
		}
		take := func(x asset.Report) error { _, err := book.Take(rec.Run, x); return err }
		if rec.Batch != nil {
			if err := book.Mark(rec.Run, *rec.Batch); err != nil {
				continue // what was beyond the bounds when it was told is so again
			}
			take = func(x asset.Report) error { return book.Add(rec.Run, x) }
		}
		for _, x := range rec.Counts {
			if err := take(x); err != nil {
				break // what was beyond the bounds when it was told is so again
			}
		}
		switch {
		case rec.Settled != nil:
			settled[rec.Matter] = *rec.Settled
		case rec.Reopened:
			delete(settled, rec.Matter)
		case rec.Matter != "":
			made[rec.Matter] = rec.Drafts
		}
	}
	return nil
}

// keepFindings puts a record on the disk, into the log of today.
func (n *Node) keepFindings(s *findings, rec findingRecord) error {
	s.waits = nil // whatever is kept may change it
	raw, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	if err := n.roomFor(int64(len(raw))); err != nil {
		return err
	}
	now := n.now().UTC()
	began, err := s.open(n.opts.FS, n.at.findings(), now)
	if err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	if began {
		s.book.Forget(now.Add(-sightingsKept))
		kept := map[string]bool{}
		for _, f := range s.book.All(func(*asset.Finding) bool { return true }) {
			kept[f.Matter()] = true
		}
		maps.DeleteFunc(s.made, func(matter string, _ []string) bool { return !kept[matter] }) // as after a start
		maps.DeleteFunc(s.settled, func(matter string, _ FindingSettled) bool { return !kept[matter] })
	}
	if s.bytes += int64(len(raw)); s.bytes > maxFindingDay {
		return conflict("full", "No more findings are taken today.", fmt.Sprintf("The reports of one day take at most %s on the disk.", sizeText(maxFindingDay)), "Look with 'entente asset findings' for what everything looks like, and give that asset narrower names or prefixes.")
	}
	if _, err := s.log.Append(raw); err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	return nil
}

// takeFindings takes in what a run of a watcher found, or with a batch what its messages held, and drafts what an officer may send about it. It is on the disk when this
// returns.
func (n *Node) takeFindings(ctx context.Context, run string, batch *seen.Batch, list []WatchFinding, res *WatchReportResponse) error {
	file, _, _, err := n.assetsNow()
	if err != nil {
		return err
	}
	now := n.now()
	known := map[string]bool{}
	refuse := func(i int, code, reason string) {
		res.RefusedFindings = append(res.RefusedFindings, RefusedReport{Index: i, Code: code, Reason: reason})
	}
	var good []int
	var reports []asset.Report
	for i, f := range list {
		x := asset.Report{Key: asset.Key{Of: f.Of, Asset: f.Asset, At: f.At, Value: observable.Value{Type: observable.Type(f.Type), Text: f.Value}, Why: f.Why, IDN: f.IDN, Indicator: f.Indicator, Hour: f.Hour},
			Count: asset.Count{First: f.First, Last: f.Last, Count: f.Count, Sources: f.Sources, Hosts: f.Hosts}}
		if err := x.Check(now); err != nil {
			refuse(i, CodeBadInput, err.Error())
			continue
		}
		if !slices.ContainsFunc(file.Assets, func(a asset.Asset) bool { return a.ID == x.Asset }) {
			refuse(i, CodeNotFound, "there is no such asset here")
			continue
		}
		if x.Indicator != "" {
			here, asked := known[x.Indicator]
			if !asked {
				if here, err = n.accepts(ctx, x.Indicator); err != nil {
					return err
				}
				known[x.Indicator] = here
			}
			if !here {
				refuse(i, CodeNotFound, "no such indicator is accepted here")
				continue
			}
		}
		good, reports = append(good, i), append(reports, x)
	}
	return n.withFindings(func(s *findings) error {
		var fresh []asset.Report
		take := func(x asset.Report) (bool, error) { return s.book.Take(run, x) }
		if batch != nil {
			if res.Known = s.book.Known(run, *batch); len(res.Known) > 0 {
				n.alarms(ctx, s, file, reports)
				return nil
			}
			take = func(x asset.Report) (bool, error) { return true, s.book.Add(run, x) }
		}
		s.ahead = true
		if batch != nil {
			if err := s.book.Mark(run, *batch); err != nil {
				return tooManyQueues()
			}
		}
		for i, x := range reports {
			anew, err := take(x)
			if err != nil {
				refuse(good[i], "full", fmt.Sprintf("this node keeps %d findings, and what so many watchers counted of each, and no more", asset.MaxFindings))
				continue
			}
			if anew {
				fresh = append(fresh, x)
			}
			res.TakenFindings++
		}
		if len(fresh) > 0 {
			n.watched.grew()
			if err := n.keepFindings(s, findingRecord{Run: run, Counts: fresh, Batch: batch}); err != nil {
				return err
			}
		}
		s.ahead = false
		n.alarms(ctx, s, file, reports)
		return nil
	})
}

// alarms drafts what there is to draft about findings that are in the book, those too that were told before: a node that was killed between the two drafts it when it is told
// again. The lock of the findings must be held.
func (n *Node) alarms(ctx context.Context, s *findings, file assetFile, reports []asset.Report) {
	for _, x := range reports {
		if err := n.alarm(ctx, s, file, x.Key); err != nil {
			n.opts.Log.Warn("a finding is not drafted", "finding", x.ID(), "err", err)
		}
	}
}

// Findings lists what watchers saw of assets.
func (n *Node) Findings(_ context.Context, r FindingListRequest) (*FindingListResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	if r.Of != "" && r.Of != asset.Lookalike && r.Of != asset.Attack {
		return nil, badInput(fmt.Sprintf("%.40q is no kind of finding.", r.Of), "", "Use lookalike or attack, or leave it out.")
	}
	value := ""
	switch {
	case strings.HasPrefix(r.Value, "[") || strings.HasPrefix(r.Value, "("): // a pattern, as a finding has it
		value = r.Value
	case r.Value != "":
		v, err := observable.Parse(r.Value)
		if err != nil {
			return nil, badInput("The value cannot be understood.", err.Error(), "Give a domain, an address or another value as 'entente search' takes it.")
		}
		value = v.Text
	}
	if r.Limit == 0 {
		r.Limit = 100
	}
	res := &FindingListResponse{Findings: []FindingView{}}
	err := n.withFindings(func(s *findings) error {
		all := s.book.All(func(f *asset.Finding) bool {
			return (r.Asset == "" || f.Asset == r.Asset) && (r.Of == "" || f.Of == r.Of) && (value == "" || f.Value.Text == value) && !f.Last.Before(r.From) &&
				(r.ID == "" || f.ID() == r.ID) && (!r.Open || s.isOpen(f.Key))
		})
		res.Total = len(all)
		all = all[min(max(r.Offset, 0), len(all)):]
		for _, f := range all[:min(r.Limit, maxSightingsListed, len(all))] {
			res.Findings = append(res.Findings, s.view(f))
		}
		return nil
	})
	return res, err
}

func (s *findings) view(f asset.Finding) FindingView {
	v := FindingView{ID: f.ID(), Of: f.Of, Asset: f.Asset, At: f.At, Type: string(f.Value.Type), Value: f.Value.Text, Why: f.Why, IDN: f.IDN, Indicator: f.Indicator, Hour: f.Hour,
		First: f.First, Last: f.Last, Count: f.Count.Count, Sources: f.Sources, Hosts: f.Hosts, Watchers: f.Runs, Drafts: s.made[f.Matter()]}
	if x, ok := s.settled[f.Matter()]; ok {
		v.Settled = &x
	}
	return v
}

// finding gives one finding by its id.
func (s *findings) finding(id string) (asset.Finding, error) {
	all := s.book.All(func(f *asset.Finding) bool { return f.ID() == id })
	if len(all) == 0 {
		return asset.Finding{}, notFound(fmt.Sprintf("There is no finding %.40q.", id), "List them with 'entente asset findings'.")
	}
	return all[0], nil
}

// isOpen tells whether a matter waits for a person: nothing was drafted of it, and nobody settled it.
func (s *findings) isOpen(k asset.Key) bool {
	matter := k.Matter()
	_, settled := s.settled[matter]
	return !settled && len(s.made[matter]) == 0
}

// openByAsset counts the matters of each asset that wait for a person.
func (s *findings) openByAsset() map[string]int {
	if s.waits == nil {
		seen := map[string]bool{}
		s.waits = map[string]int{}
		for k := range s.book.Keys() {
			if matter := k.Matter(); !seen[matter] {
				seen[matter] = true
				if s.isOpen(k) {
					s.waits[k.Asset]++
				}
			}
		}
	}
	return s.waits
}

// SettleFinding says that nothing more is to be done about a finding, or takes that back.
func (n *Node) SettleFinding(_ context.Context, r FindingSettleRequest) (*FindingSettleResponse, error) {
	if !utf8.ValidString(r.Note) || utf8.RuneCountInString(r.Note) > maxStatedNote {
		return nil, badInput("The note is too long.", fmt.Sprintf("A note has at most %d characters.", maxStatedNote), "Shorten it.")
	}
	res := &FindingSettleResponse{DryRun: r.DryRun}
	err := n.withFindings(func(s *findings) error {
		f, err := s.finding(r.ID)
		if err != nil {
			return err
		}
		res.Finding = s.view(f)
		switch {
		case r.Reopen && res.Finding.Settled == nil:
			return conflict("not-settled", "This finding is not settled.", "There is nothing to take back.", "Look at it with 'entente asset findings'.")
		case r.Reopen:
			res.Finding.Settled = nil
		default:
			res.Finding.Settled = &FindingSettled{By: personOf(r.asker()).Name, At: n.now().UTC(), Note: r.Note}
		}
		if r.DryRun {
			return nil
		}
		if err := n.keepFindings(s, findingRecord{Matter: f.Matter(), Settled: res.Finding.Settled, Reopened: r.Reopen}); err != nil {
			return err
		}
		if n.watched.changed(); r.Reopen {
			delete(s.settled, f.Matter())
		} else {
			s.settled[f.Matter()] = *res.Finding.Settled
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// findingNeeds are the assets of which something was found that is neither drafted nor settled: whom it is told is not known, or too
// many drafts wait.
func (n *Node) findingNeeds() []notify.Item {
	file, _, _, err := n.assetsNow()
	if err != nil || len(file.Assets) == 0 {
		return nil // doctor says so
	}
	var out []notify.Item
	if err := n.withFindings(func(s *findings) error {
		open := s.openByAsset()
		for _, a := range file.Assets { // of what is protected no more nothing can be drafted
			if open[a.ID] > 0 {
				out = append(out, notify.Item{Code: notify.ItemFindingOpen, Ref: a.ID, Short: a.ID, Word: a.ID, Count: open[a.ID]})
			}
		}
		return nil
	}); err != nil {
		n.opts.Log.Warn("what was found of assets cannot be read", "err", err)
	}
	return out
}
