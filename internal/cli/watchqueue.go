package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"entente/internal/node"
	"entente/internal/watch/asset"
	"entente/internal/watch/input"
	"entente/internal/watch/queue"
	"entente/internal/watch/seen"
	"entente/internal/watch/sighting"
)

const (
	// maxPasswordFile is the largest file of a password, in bytes.
	maxPasswordFile = 4 << 10
	// linesEvery is how long at most a message of a queue waits until what it held is on standard output.
	linesEvery = 10 * time.Second
	// maxReportAtOnce is the number of sightings that one report to a node has.
	maxReportAtOnce = 1000
)

// queueForm is how a queue is named.
const queueForm = "nats://HOST/STREAM?consumer=NAME, kafka://HOST/TOPIC?group=NAME"

// withoutSecret is an address as it may be shown.
func withoutSecret(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = "..." + rest[i:]
	}
	return scheme + "://" + rest
}

// queueFlags are the flags of watch that are about the queue it reads.
type queueFlags struct {
	ca, certificate, key string
	credentials          string
	user, password, sasl string
	address              *queue.Address // nil: no queue is read
}

func (f *queueFlags) register(x *pflag.FlagSet) {
	x.StringVar(&f.ca, "queue-ca", "", "for nats+tls and kafka+tls: certificates in PEM that the server's is signed with (default: those of the system)")
	x.StringVar(&f.certificate, "queue-certificate", "", "a certificate in PEM that the queue knows this watcher by")
	x.StringVar(&f.key, "queue-key", "", "its key in PEM")
	x.StringVar(&f.credentials, "queue-credentials", "", "a file of credentials of NATS (.creds)")
	x.StringVar(&f.user, "queue-user", "", "the name that the queue knows this watcher by")
	x.StringVar(&f.password, "queue-password-file", "", "a file with its password")
	x.StringVar(&f.sasl, "queue-sasl", "", "for Kafka: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 (default with a name: SCRAM-SHA-512)")
}

// check reads the address among the inputs. A queue is read alone: what settles it is other than what settles files.
func (f *queueFlags) check(args []string, w *watchFlags) error {
	i := slices.IndexFunc(args, queue.Is)
	if i < 0 {
		if f.ca+f.certificate+f.key+f.credentials+f.user+f.password+f.sasl != "" {
			return usage("usage.only-with", "flags", "--queue-...", "with", queueForm)
		}
		return nil
	}
	a, err := queue.Parse(args[i])
	if err != nil {
		return usage("usage.not-form", "flag", "INPUT", "value", withoutSecret(args[i]), "form", queueForm)
	}
	secret := f.user != "" || f.credentials != ""
	switch {
	case len(args) > 1 || w.listens():
		return usage("usage.queue-alone")
	case w.index != "":
		return usage("usage.queue-index")
	case w.position != "" && w.url != "":
		return usage("usage.queue-position")
	case (f.certificate == "") != (f.key == ""):
		return usage("usage.only-with", "flags", "--queue-certificate, --queue-key", "with", "--queue-certificate, --queue-key")
	case (f.ca != "" || f.certificate != "") && !a.TLS:
		return usage("usage.only-with", "flags", "--queue-ca, --queue-certificate", "with", "nats+tls://, kafka+tls://")
	case (f.user == "") != (f.password == ""):
		return usage("usage.only-with", "flags", "--queue-user, --queue-password-file", "with", "--queue-user, --queue-password-file")
	case f.credentials != "" && f.user != "":
		return usage("usage.not-both", "flags", "--queue-credentials, --queue-user")
	case f.credentials != "" && a.Kafka:
		return usage("usage.only-with", "flags", "--queue-credentials", "with", "nats://, nats+tls://")
	case f.sasl != "" && (!a.Kafka || f.user == ""):
		return usage("usage.only-with", "flags", "--queue-sasl", "with", "kafka://, kafka+tls://, --queue-user")
	case f.sasl != "" && !slices.Contains([]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, strings.ToUpper(f.sasl)):
		return usage("usage.flag-is", "flag", "--queue-sasl", "values", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512")
	case secret && !a.TLS && !a.Local():
		return usage("usage.queue-clear", "address", a.String())
	}
	f.address = &a
	return nil
}

// access reads the files that the flags name.
func (f *queueFlags) access() (queue.Access, error) {
	x := queue.Access{Credentials: f.credentials, User: f.user, Mechanism: strings.ToUpper(f.sasl)}
	if f.user != "" && x.Mechanism == "" && f.address.Kafka {
		x.Mechanism = "SCRAM-SHA-512"
	}
	if f.password != "" {
		file, err := os.Open(f.password)
		if err != nil {
			return x, err
		}
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, maxPasswordFile))
		if err != nil {
			return x, fmt.Errorf("%s: %w", f.password, err)
		}
		if x.Password = strings.TrimRight(string(text), "\r\n"); x.Password == "" {
			return x, usage("usage.queue-empty", "flag", "--queue-password-file", "file", f.password)
		}
	}
	if !f.address.TLS {
		return x, nil
	}
	x.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return x, err
		}
		x.TLS.RootCAs = x509.NewCertPool()
		if !x.TLS.RootCAs.AppendCertsFromPEM(text) {
			return x, usage("usage.queue-empty", "flag", "--queue-ca", "file", f.ca)
		}
	}
	if f.certificate != "" {
		pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
		if err != nil {
			return x, fmt.Errorf("--queue-certificate: %w", err)
		}
		x.TLS.Certificates = []tls.Certificate{pair}
	}
	return x, nil
}

// queued is the queue that a watch reads.
type queued struct {
	address queue.Address
	access  queue.Access
	source  queue.Source
	counted map[string]*seen.Messages
	stats   queue.Stats
	letter  *letter   // that is read at the moment
	letters []*letter // that held something the node was not told
	// others and found are what was seen when no message was read, such as the end of a pattern: of a run, not of messages.
	others sighting.Table
	found  asset.Table
}

// letter is what one message held.
type letter struct {
	lane   string
	number uint64
	table  sighting.Table
	// findings are those about assets.
	findings asset.Table
}

// open opens the queue that the flags name; nil if they name none.
func (f *queueFlags) open(ctx context.Context) (*queued, error) {
	if f.address == nil {
		return nil, nil
	}
	x, err := f.access()
	if err != nil {
		return nil, err
	}
	q := &queued{address: *f.address, access: x, counted: map[string]*seen.Messages{}}
	return q, q.enter(ctx)
}

// enter opens the queue; where that fails what was open stays what it is.
func (q *queued) enter(ctx context.Context) error {
	enter := queue.NATS
	if q.address.Kafka {
		enter = queue.Kafka
	}
	source, err := enter(ctx, q.address, q.access)
	if err == nil {
		q.source = source
	}
	return err
}

func (q *queued) close() {
	if q != nil {
		q.source.Close()
	}
}

// soFar is what is reported to a node as it was counted so far: of a queue only patterns that were found when no message was
// read.
func (w *watching) soFar() *sighting.Table {
	if w.queue != nil {
		return &w.queue.others
	}
	return &w.table
}

// forgetOthers drops what is over of what was seen when no message was read, and was told.
func (w *watching) forgetOthers(now time.Time) {
	if w.queue == nil || w.join == nil {
		return
	}
	for _, s := range w.queue.others.All() {
		s.Told = min(s.Count(), w.join.reported[s])
	}
	w.queue.others.Forget(now, forgetAfter, nil)
}

// findingsSoFar is what is reported of findings, as soFar is of sightings.
func (w *watching) findingsSoFar() *asset.Table {
	if w.queue != nil {
		return &w.queue.found
	}
	return &w.assets.Table
}

// add notes a hit for the node: of the message that is read, or of none.
func (q *queued) add(h *sighting.Hit, joined bool) {
	if q == nil || !joined {
		return
	}
	if q.letter == nil {
		q.others.Add(*h)
		return
	}
	x := *h
	x.Line = nil // no line goes to a node
	q.letter.table.Add(x)
}

// openLetter begins to gather what a message holds, if a node is to be told.
func (w *watching) openLetter(m *queue.Message) {
	if w.join == nil {
		return
	}
	l := &letter{lane: m.Lane, number: m.Number}
	w.queue.letter, w.assets.Also = l, &l.findings
}

// closeLetter keeps what the message held until the node was told.
func (w *watching) closeLetter() {
	q := w.queue
	if q.letter == nil {
		return
	}
	if q.letter.table.Len()+q.letter.findings.Len() > 0 {
		q.letters = append(q.letters, q.letter)
	}
	q.letter, w.assets.Also = nil, &q.found
}

// readQueue reads the queue until the context ends.
func (w *watching) readQueue(ctx context.Context, r *input.Reader, book bool) error {
	q := w.queue
	o := queue.Options{Counted: q.counted, Now: w.a.now, Stats: &q.stats, Tell: func(kind string, err error) {
		w.problem(input.Problem{Input: w.f.address.String(), Kind: "queue", Err: fmt.Errorf("%s: %w", kind, err)})
	},
		Idle: w.idle}
	if w.f.as != "" && w.join == nil {
		o.Every = linesEvery
	}
	o.Again = func(ctx context.Context) (queue.Source, error) {
		q.address.New = false // what came since it was made anew is new
		if err := q.enter(ctx); err != nil {
			return nil, err
		}
		return q.source, nil
	}
	o.Take = func(m *queue.Message) {
		text, err := input.Lines(m.Text)
		if err != nil {
			w.problem(input.Problem{Input: fmt.Sprintf("%s message %d", m.From, m.Number), Kind: "broken", Err: err})
		}
		w.openLetter(m)
		r.Take(input.Message{From: m.From, Text: text})
		w.closeLetter()
	}
	o.Settle = func(ctx context.Context, list []*queue.Message) error {
		if w.join != nil {
			if err := w.join.reportQueue(ctx, q); err != nil {
				return err
			}
		}
		if len(list) > 0 && w.f.as != "" {
			if err := w.lines(); err != nil {
				return err
			}
		}
		if book {
			return r.Save()
		}
		return nil
	}
	if w.join != nil {
		w.assets.Also = &q.found
	}
	err := queue.Read(ctx, q.source, o)
	r.Flush()
	return err
}

// reportQueue tells the node what messages of a queue held: each once, whoever read it. What the node was told is forgotten, so that a failure in between makes nothing be
// told twice by this watcher.
func (j *joined) reportQueue(ctx context.Context, q *queued) error {
	slices.SortFunc(q.letters, func(a, b *letter) int {
		return cmp.Or(strings.Compare(a.lane, b.lane), cmp.Compare(a.number, b.number))
	})
	for len(q.letters) > 0 {
		first := q.letters[0]
		n, sightings, findings := 0, 0, 0
		for _, l := range q.letters {
			if l.lane != first.lane || n == seen.MaxBatch || n > 0 && max(sightings+l.table.Len(), findings+l.findings.Len()) > maxReportAtOnce {
				break
			}
			n, sightings, findings = n+1, sightings+l.table.Len(), findings+l.findings.Len()
		}
		of := q.letters[:n]
		if err := reportLetters(ctx, j, q.source, of, func(l *letter) []*sighting.Sighting { return l.table.All() }, addSightings); err != nil {
			return err
		}
		if err := reportLetters(ctx, j, q.source, of, func(l *letter) []*asset.Seen { return l.findings.All() }, addFindings); err != nil {
			return err
		}
		q.letters = q.letters[n:]
	}
	return nil
}

// reportLetters tells what some messages of one lane held of a kind, which add adds to a report. What the node knows already, because somebody else told it, is left out.
func reportLetters[T any](ctx context.Context, j *joined, source queue.Source, letters []*letter, held func(*letter) []T, add func(*node.WatchReportRequest, []T)) error {
	of := map[uint64][]T{}
	lane := letters[0].lane
	for _, l := range letters {
		if list := held(l); len(list) > 0 {
			of[l.number] = list
		}
	}
	if all := of[letters[0].number]; len(letters) == 1 && len(all) > maxReportAtOnce {
		// One message that holds more than one report does: each part is known by itself.
		for part := 0; len(all) > 0; part++ {
			n := min(len(all), maxReportAtOnce)
			name := lane
			if part > 0 {
				name += fmt.Sprintf(".part%d", part)
			}
			if err := reportOnce(ctx, j, source, name, lane, map[uint64][]T{letters[0].number: all[:n]}, add); err != nil {
				return err
			}
			all = all[n:]
		}
		return nil
	}
	return reportOnce(ctx, j, source, lane, lane, of, add)
}

// reportOnce tells what messages held, by their numbers, under the name of a lane.
func reportOnce[T any](ctx context.Context, j *joined, source queue.Source, name, lane string, of map[uint64][]T, add func(*node.WatchReportRequest, []T)) error {
	for len(of) > 0 {
		r := node.WatchReportRequest{Run: source.Run(), Lane: name, Floor: source.Floor(lane), Messages: slices.Sorted(maps.Keys(of)), Sightings: []node.WatchSighting{}}
		var list []T
		for _, number := range r.Messages {
			list = append(list, of[number]...)
		}
		if add(&r, list); len(r.Sightings)+len(r.Findings) == 0 {
			return nil
		}
		var res node.WatchReportResponse
		call, cancel := context.WithTimeout(ctx, reportWait)
		err := j.client.Call(call, "watch.report", r, &res)
		cancel()
		if err != nil {
			return fmt.Errorf("what was seen could not be reported: %w", err)
		}
		if len(res.Known) == 0 {
			j.refused += int64(len(res.Refused) + len(res.RefusedFindings)) // and would be again
			return nil
		}
		before := len(of)
		for _, n := range res.Known {
			delete(of, n)
		}
		if len(of) == before {
			return errors.New("the node knows messages that were not in the report")
		}
	}
	return nil
}

// addSightings adds sightings to a report, those of one key as one.
func addSightings(r *node.WatchReportRequest, list []*sighting.Sighting) {
	at := map[[5]string]int{} // of the request
	for _, s := range list {
		if !strings.HasPrefix(s.Indicator, "indicator--") {
			continue
		}
		x := watchSighting(s)
		key := [5]string{x.Indicator, x.Type, x.Value, x.Host, x.Hour.String()}
		if i, there := at[key]; there {
			r.Sightings[i] = addedUp(r.Sightings[i], x)
			continue
		}
		at[key] = len(r.Sightings)
		r.Sightings = append(r.Sightings, x)
	}
}

// addFindings adds findings to a report, those of one key as one.
func addFindings(r *node.WatchReportRequest, list []*asset.Seen) {
	sums := map[asset.Key]*asset.Seen{}
	var keys []asset.Key // in their order
	for _, s := range list {
		if !tellable(s) {
			continue
		}
		if sum := sums[s.Key]; sum != nil {
			sum.Count = sum.Count.Plus(s.Count)
			continue
		}
		sums[s.Key] = &asset.Seen{Report: s.Report}
		keys = append(keys, s.Key)
	}
	for _, k := range keys {
		r.Findings = append(r.Findings, reported(sums[k]))
	}
}

// addedUp adds two sightings of one key.
func addedUp(a, b node.WatchSighting) node.WatchSighting {
	sum := seen.Count{First: a.First, Last: a.Last, Count: a.Count, Roles: a.Roles, Ways: a.Directions}.Plus(seen.Count{First: b.First, Last: b.Last, Count: b.Count, Roles: b.Roles, Ways: b.Directions})
	a.First, a.Last, a.Count, a.Roles, a.Directions = sum.First, sum.Last, sum.Count, sum.Roles, sum.Ways
	return a
}
