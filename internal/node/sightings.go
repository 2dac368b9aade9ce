package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"entente/internal/intel"
	"entente/internal/observable"
	"entente/internal/store"
	"entente/internal/watch/seen"
	"entente/stix"
)

const (
	// sightingsKept is how long sightings are kept after the day on which they were told.
	sightingsKept = 90 * 24 * time.Hour
	// maxReported is the most sightings of one report, maxSightingsListed of a page and of what is made into one object.
	maxReported, maxSightingsListed = 1000, 1000
	// maxSightingDay is the most that the reports of one day take on the disk, in bytes.
	maxSightingDay = 256 << 20
	// sightingSource is what the import is called that sightings of this node's watchers come from.
	sightingSource = "watch"
)

// sightings is what watchers told: a book in memory, and under sightings/ a log for each day on which they did.
type sightings struct {
	mu      sync.Mutex
	book    *seen.Book    // nil until it is read
	spreads *seen.Spreads // as the book
	dayLog
	// ahead: the book has what is not on the disk yet.
	ahead bool
}

// sightingRecord is a record of such a log: one of the three.
type sightingRecord struct {
	Run    string        `json:"run,omitempty"`
	Counts []seen.Report `json:"counts,omitempty"`
	// Batch: the counts are of these messages of a queue alone.
	Batch *seen.Batch `json:"batch,omitempty"`

	Made string     `json:"made,omitempty"`
	Of   []seen.Key `json:"of,omitempty"`

	Spreads []seen.Spread `json:"spreads,omitempty"`
}

func (l layout) sightings() string { return filepath.Join(l.dir, "sightings") }

var (
	watcherRun = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)
)

// ReportSightings takes in what a watcher counted. It is on the disk when this returns.
func (n *Node) ReportSightings(ctx context.Context, r WatchReportRequest) (*WatchReportResponse, error) {
	if count := len(r.Sightings) + len(r.Findings); !watcherRun.MatchString(r.Run) || count+len(r.Machines) == 0 || count > maxReported || len(r.Machines) > maxReported {
		return nil, badInput("The report is not complete, or too large.", fmt.Sprintf("It needs the name of a run, 8 to 64 letters, digits, dots, hyphens and underscores, and 1 to %d sightings and findings.", maxReported), "Send the rest in another report.")
	}
	var batch *seen.Batch
	if len(r.Messages) > 0 || r.Lane != "" || r.Floor > 0 {
		batch = &seen.Batch{Lane: r.Lane, Floor: r.Floor, Messages: r.Messages}
		if err := batch.Check(); err != nil {
			return nil, badInput("The report of messages of a queue cannot be taken in.", err.Error(), "")
		}
		if len(r.Findings) > 0 && len(r.Sightings)+len(r.Machines) > 0 {
			return nil, badInput("The report of messages of a queue cannot be taken in.", "It has sightings and findings: those of messages come in reports of their own.", "Send the findings in another report.")
		}
	}
	res := &WatchReportResponse{Refused: []RefusedReport{}}
	known := map[string]bool{}
	var good []int // of the request
	var reports []seen.Report
	now := n.now()
	for i, s := range r.Sightings {
		x := seen.Report{Key: seen.Key{Indicator: s.Indicator, Value: observable.Value{Type: observable.Type(s.Type), Text: s.Value}, Host: s.Host, Hour: s.Hour},
			Count: seen.Count{First: s.First, Last: s.Last, Count: s.Count, Roles: s.Roles, Ways: s.Directions}}
		if err := x.Check(now); err != nil {
			res.Refused = append(res.Refused, RefusedReport{Index: i, Code: CodeBadInput, Reason: err.Error()})
			continue
		}
		here, asked := known[s.Indicator]
		if !asked {
			var err error
			if here, err = n.accepts(ctx, s.Indicator); err != nil {
				return nil, err
			}
			known[s.Indicator] = here
		}
		if !here {
			res.Refused = append(res.Refused, RefusedReport{Index: i, Code: CodeNotFound, Reason: "no such indicator is accepted here"})
			continue
		}
		good, reports = append(good, i), append(reports, x)
	}
	var spreads []seen.Spread
	for _, m := range r.Machines { // what is refused of these is not missed: they only say how wide a sighting is
		x := seen.Spread{Day: seen.Day{Indicator: m.Indicator, Value: observable.Value{Type: observable.Type(m.Type), Text: m.Value}, Day: m.Day}, Hashes: m.Hashes}
		if x.Check(now) != nil {
			continue
		}
		here, asked := known[m.Indicator]
		if !asked {
			var err error
			if here, err = n.accepts(ctx, m.Indicator); err != nil {
				return nil, err
			}
			known[m.Indicator] = here
		}
		if here {
			spreads = append(spreads, x)
		}
	}
	var wide map[observable.Value]PrevalentValue
	takeIn := func(s *sightings) error {
		var fresh []seen.Report
		take := func(x seen.Report) (bool, error) { return s.book.Take(r.Run, x) }
		if batch != nil {
			if res.Known = s.book.Known(r.Run, *batch); len(res.Known) > 0 {
				return nil
			}
			take = func(x seen.Report) (bool, error) { return true, s.book.Add(r.Run, x) }
		}
		s.ahead = true
		if batch != nil {
			if err := s.book.Mark(r.Run, *batch); err != nil {
				return tooManyQueues()
			}
		}
		news, widely, full := n.takeSpreads(s, spreads)
		wide = widely
		if full {
			n.opts.Log.Warn("at how many machines values are seen is counted no further", "hashes", seen.MaxSpread)
		}
		if len(news) > 0 {
			if err := n.keepSightings(s, sightingRecord{Spreads: news}); err != nil {
				return err
			}
		}
		for i, x := range reports {
			anew, err := take(x)
			if err != nil { // what is held goes on to grow
				res.Refused = append(res.Refused, RefusedReport{Index: good[i], Code: "full", Reason: fmt.Sprintf("this node keeps %d sightings, and %d runs of watchers of each, and no more", seen.MaxSightings, seen.MaxRuns)})
				continue
			}
			if anew {
				fresh = append(fresh, x)
			}
			res.Taken++
		}
		if res.New = len(fresh); res.New == 0 {
			return nil
		}
		n.watched.grew()
		return n.keepSightings(s, sightingRecord{Run: r.Run, Counts: fresh, Batch: batch})
	}
	var err error
	if batch == nil || len(r.Findings) == 0 {
		err = n.withSightings(takeIn)
	}
	if err == nil && len(r.Findings) > 0 {
		err = n.takeFindings(ctx, r.Run, batch, r.Findings, res)
	}
	if err != nil {
		return nil, err
	}
	if len(wide) > 0 {
		if err := n.lookWidely(ctx, wide); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// tooManyQueues is what a report of messages of one queue more is answered with.
func tooManyQueues() error {
	return conflict("full", "No more queues are taken.", fmt.Sprintf("This node knows the messages of %d partitions and streams, and no more.", seen.MaxLanes), "Have watchers share fewer consumers.")
}

// accepts tells whether an object of an id is accepted here.
func (n *Node) accepts(ctx context.Context, id string) (bool, error) {
	for _, err := range n.intel.Select(ctx, intel.Query{ID: id}) {
		return err == nil, err
	}
	return false, nil
}

// withSightings runs f with what watchers told. What f could not keep on the disk is forgotten, so that it is new the next time.
func (n *Node) withSightings(f func(*sightings) error) error {
	s := &n.seen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book == nil {
		if err := n.readSightings(s); err != nil {
			return fmt.Errorf("sightings: %w", err)
		}
	}
	err := f(s)
	if err != nil && s.ahead {
		s.book, s.spreads = nil, nil
		err = errors.Join(err, s.closeLog())
	}
	s.ahead = false
	return err
}

func (s *sightings) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book, s.spreads = nil, nil
	return s.closeLog()
}

// readSightings makes the book of what was told in the days that are kept, and drops the days before.
func (n *Node) readSightings(s *sightings) error {
	book, spreads := new(seen.Book), new(seen.Spreads)
	if err := n.eachDay(n.at.sightings(), func(log *store.Log) error { return readSightingLog(book, spreads, log) }); err != nil {
		return err
	}
	spreads.Forget(n.now().UTC().AddDate(0, 0, -seen.MaxDays).Format(time.DateOnly))
	s.book, s.spreads = book, spreads
	return nil
}

func readSightingLog(book *seen.Book, spreads *seen.Spreads, log *store.Log) error {
	for raw, err := range log.Records(0) {
		if err != nil {
			return err
		}
		var rec sightingRecord
		if err := json.Unmarshal(raw, &rec); err != nil {
			return fmt.Errorf("a record cannot be read: %w", err)
		}
		take := func(x seen.Report) error { _, err := book.Take(rec.Run, x); return err }
		if rec.Batch != nil {
			if err := book.Mark(rec.Run, *rec.Batch); err != nil {
				continue // what was beyond the bounds when it was told is so again
			}
			take = func(x seen.Report) error { return book.Add(rec.Run, x) }
		}
		for _, x := range rec.Counts {
			if err := take(x); err != nil {
				break // the same
			}
		}
		for _, k := range rec.Of {
			book.Made(k, rec.Made)
		}
		for _, x := range rec.Spreads {
			if _, err := spreads.Take(x); err != nil {
				break
			}
		}
	}
	return nil
}

// keepSightings puts a record on the disk, into the log of today.
func (n *Node) keepSightings(s *sightings, rec sightingRecord) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("sightings: %w", err)
	}
	if err := n.roomFor(int64(len(raw))); err != nil {
		return err
	}
	now := n.now().UTC()
	began, err := s.open(n.opts.FS, n.at.sightings(), now)
	if err != nil {
		return fmt.Errorf("sightings: %w", err)
	}
	if began {
		s.book.Forget(now.Add(-sightingsKept))
		s.spreads.Forget(now.AddDate(0, 0, -seen.MaxDays).Format(time.DateOnly))
	}
	if s.bytes += int64(len(raw)); s.bytes > maxSightingDay {
		return conflict("full", "No more sightings are taken today.", fmt.Sprintf("The reports of one day take at most %s on the disk.", sizeText(maxSightingDay)), "Look for an indicator that everything meets with 'entente sighting list', and put it on a guard list.")
	}
	if _, err := s.log.Append(raw); err != nil {
		return fmt.Errorf("sightings: %w", err)
	}
	return nil
}

// Sightings lists what the watchers of this node saw.
func (n *Node) Sightings(ctx context.Context, r SightingListRequest) (*SightingListResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	value := ""
	if r.Value != "" {
		v, err := observable.Parse(r.Value)
		if err != nil {
			return nil, badInput("The value cannot be understood.", err.Error(), "Give a domain, an address, a prefix, a URL, a hash or another value as 'entente search' takes it.")
		}
		value = v.Text
	}
	if r.Limit == 0 {
		r.Limit = 100
	}
	res := &SightingListResponse{Sightings: []SightingView{}}
	err := n.withSightings(func(s *sightings) error {
		all := s.book.All(func(x *seen.Sighting) bool {
			return (r.Indicator == "" || x.Indicator == r.Indicator) && (value == "" || x.Value.Text == value) && (r.Host == "" || x.Host == r.Host) && !x.Last.Before(r.From)
		})
		res.Total = len(all)
		all = all[min(max(r.Offset, 0), len(all)):]
		for _, x := range all[:min(r.Limit, maxSightingsListed, len(all))] {
			res.Sightings = append(res.Sightings, SightingView{ID: x.ID(), Indicator: x.Indicator, Type: string(x.Value.Type), Value: x.Value.Text, Host: x.Host, Hour: x.Hour,
				First: x.First, Last: x.Last, Count: x.Count.Count, Roles: x.Roles, Directions: x.Ways, Watchers: x.Runs, Made: x.Made})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if r.Indicator != "" {
		if res.Statement, err = n.ownStatement(ctx, r.Indicator); err != nil {
			return nil, err
		}
	}
	statements := map[string]string{r.Indicator: res.Statement}
	for i := range res.Sightings {
		x := &res.Sightings[i]
		said, known := statements[x.Indicator]
		if !known {
			if said, err = n.ownStatement(ctx, x.Indicator); err != nil {
				return nil, err
			}
			statements[x.Indicator] = said
		}
		x.Statement = said
	}
	return res, nil
}

// MakeSighting makes one STIX sighting of what was counted of an indicator, marked as strictly as the indicator, and takes
// it in as an import does.
func (n *Node) MakeSighting(ctx context.Context, r SightingMakeRequest) (*SightingMakeResponse, error) {
	if len(r.IDs) == 0 || len(r.IDs) > maxSightingsListed {
		return nil, badInput("No sighting is named, or too many.", fmt.Sprintf("1 to %d ids of sightings of one indicator are needed.", maxSightingsListed), "List them with 'entente sighting list'.")
	}
	var res *SightingMakeResponse
	err := n.withSightings(func(s *sightings) error {
		sum, of, err := s.sum(r.IDs)
		if err != nil {
			return err
		}
		raw, id, err := n.stixSighting(ctx, sum, r.CountOnly)
		if err != nil {
			return err
		}
		res = &SightingMakeResponse{ID: id, Object: string(raw), DryRun: r.DryRun}
		if r.DryRun {
			return nil
		}
		rep, err := n.intel.Import(ctx, bytes.NewReader(raw), intel.Source{Name: sightingSource, Note: "made of what was seen in this party's own logs"}, intel.Options{})
		if err == nil && rep.BadCount > 0 {
			err = fmt.Errorf("the sighting was not taken in: %s", rep.Bad[0].Reason)
		}
		if err != nil {
			return err
		}
		s.ahead = true
		for _, k := range of {
			s.book.Made(k, id)
		}
		return n.keepSightings(s, sightingRecord{Made: id, Of: of})
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// sightingOf gives the indicator of a sighting.
func (n *Node) sightingOf(id string) (indicator string, err error) {
	err = n.withSightings(func(s *sightings) error {
		for _, x := range s.book.All(func(x *seen.Sighting) bool { return x.ID() == id }) {
			indicator = x.Indicator
		}
		if indicator == "" {
			return notFound(fmt.Sprintf("There is no sighting %.40q.", id), "List them with 'entente sighting list'.")
		}
		return nil
	})
	return indicator, err
}

// sum adds up sightings of one indicator, and tells which they are.
func (s *sightings) sum(ids []string) (sum seen.Sighting, of []seen.Key, err error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	for i, x := range s.book.All(func(x *seen.Sighting) bool { return wanted[x.ID()] }) {
		of = append(of, x.Key)
		delete(wanted, x.ID())
		if i == 0 {
			sum = x
			continue
		}
		if x.Indicator != sum.Indicator {
			return sum, nil, badInput("The sightings are of more than one indicator.", "A STIX sighting is of one.", "Make one for each indicator.")
		}
		sum.Count = sum.Count.Plus(x.Count)
	}
	for id := range wanted {
		return sum, nil, notFound(fmt.Sprintf("There is no sighting %.40q.", id), "List them with 'entente sighting list'.")
	}
	return sum, of, nil
}

// stixSighting gives the text of a STIX sighting of an indicator that is accepted here.
func (n *Node) stixSighting(ctx context.Context, x seen.Sighting, countOnly bool) (raw []byte, id string, err error) {
	tlp, here := stix.TLPNone, false
	for f, err := range n.intel.Select(ctx, intel.Query{ID: x.Indicator}) {
		if err != nil {
			return nil, "", err
		}
		tlp, here = max(tlp, f.Effective), true
	}
	if !here {
		return nil, "", notFound("The indicator is not accepted here any more.", "Look it up with 'entente search "+x.Indicator+"'.")
	}
	// Nothing of what it is made of is in its id: a machine's address could be guessed from it.
	u, err := uuid.NewRandomFromReader(n.opts.Rand)
	if err != nil {
		return nil, "", fmt.Errorf("naming the sighting: %w", err)
	}
	id = "sighting--" + u.String()
	now := n.now().UTC().Truncate(time.Millisecond)
	b := stix.Build("sighting").ID(id).Set("created", now).Set("modified", now).Set("sighting_of_ref", x.Indicator).Set("count", min(x.Count.Count, maxSTIXCount))
	if !countOnly && !x.First.IsZero() {
		b.Set("first_seen", x.First.UTC()).Set("last_seen", x.Last.UTC())
	}
	if tlp != stix.TLPNone {
		b.Refs("object_marking_refs", tlp.MarkingID())
	}
	o, err := b.Object()
	if err != nil {
		return nil, "", fmt.Errorf("the sighting cannot be made: %w", err)
	}
	return o.Raw, id, nil
}

// maxSTIXCount is the largest count of a sighting (STIX 2.1, section 5.2).
const maxSTIXCount = 999_999_999
