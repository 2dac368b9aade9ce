package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	fastjson "github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/spf13/pflag"

	"entente/internal/api"
	"entente/internal/node"
	"entente/internal/watch"
	"entente/internal/watch/ahead"
	"entente/internal/watch/asset"
	"entente/internal/watch/indicators"
	"entente/internal/watch/seen"
	"entente/internal/watch/sighting"
)

const (
	// maxTokenFile is the largest file of a bearer token, in bytes.
	maxTokenFile = 4 << 10
	// maxBucketLine is the longest line of what a node tells to watch for, in bytes.
	maxBucketLine = 256 << 20
	// watchBuckets is the number of buckets that a node spreads values over.
	watchBuckets = 4096
	// reportEvery is how often what was seen is told to the node, reportAgain after how long it is tried again.
	reportEvery, reportAgain = 5 * time.Second, 30 * time.Second
	// reportWait is how long a report may take.
	reportWait = 20 * time.Second
	// askWait is how long a question to the node is left open until something changes, in seconds.
	askWait = 30
)

// joinFlags are the flags of watch that are about the node it works for.
type joinFlags struct {
	url, token string
	everyLine  bool
}

func (f *joinFlags) register(x *pflag.FlagSet) {
	x.StringVar(&f.url, "join", "", "watch for what the node at this URL tells, and report to it what is seen")
	x.BoolVar(&f.everyLine, "every-line", false, "with --join: look also for patterns that no value stands for, for which every line has to be read")
	x.StringVar(&f.token, "token-file", "", "a file with a bearer token of the scope watch, for --join")
}

// joined is the node that a watch works for.
type joined struct {
	client *api.Client
	url    string
	seed   watch.Seed
	begins bool // validity begins to count at valid_from
	live   *watch.Live

	// assets are what the node protects; mark is that of them.
	assets atomic.Pointer[asset.Set]
	mark   string
	found  map[*asset.Seen]int64 // how much of each finding was reported

	// What the node's last answer was; only the goroutine that asks touches it after the first.
	run     string
	change  uint64
	values  int64
	broad   int64 // values that cannot be watched for
	settled int   // values that there were when memory was given back last
	moved   bool  // something changed since

	// patterns are looked for as a whole; asked holds those of each bucket, whether they can be looked for or not.
	patterns  *watchPatterns
	asked     map[int]map[string]bool // by the indicator: true for one that is looked for
	everyLine bool

	// queue: what messages held is reported with their numbers, under the name of the queue, and not as the table has it.
	queue    bool
	name     string // of this run, under which it counts
	reported map[*sighting.Sighting]int64
	next     time.Time // of the next report
	spread   spread
	refused  int64
}

// joining reads the flags; nil without --join.
func (a *app) joining(f joinFlags, seed watch.Seed, begins bool, patterns *watchPatterns) (*joined, error) {
	if f.url == "" {
		if f.token != "" {
			return nil, usage("usage.only-with", "flags", "--token-file", "with", "--join")
		}
		return nil, nil
	}
	u, err := url.Parse(f.url)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return nil, usage("usage.no-join")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage("usage.join-clear", "url", f.url)
	}
	if f.token == "" {
		return nil, usage("usage.needs-token")
	}
	file, err := os.Open(f.token)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.token, err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return nil, usage("usage.no-token", "file", f.token)
	}
	var name [8]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, fmt.Errorf("naming this run: %w", err)
	}
	return &joined{client: api.TCP(u.String(), token), url: u.Redacted(), seed: seed, begins: begins, patterns: patterns, asked: map[int]map[string]bool{}, everyLine: f.everyLine, name: "watch-" + hex.EncodeToString(name[:]), reported: map[*sighting.Sighting]int64{}, found: map[*asset.Seen]int64{}}, nil
}

// first asks for the whole set.
func (j *joined) first(ctx context.Context) (*watch.Live, error) {
	defer collectEarly()()
	if err := j.ask(ctx, 0); err != nil {
		return nil, err
	}
	return j.live, nil
}

// follow keeps the set as the node has it, until ctx ends; tell is told of each row of failures once.
func (j *joined) follow(ctx context.Context, tell func(error)) {
	const least, most = time.Second, 30 * time.Second
	pause := least
	for ctx.Err() == nil {
		before := j.change
		err := j.ask(ctx, askWait)
		if j.grown(err == nil && j.change == before); err == nil {
			pause = least
			continue
		}
		if ctx.Err() == nil && pause == least {
			tell(fmt.Errorf("what is to be watched for stays as it was: %w", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, most)
	}
}

// grown gives memory back when the set is an eighth larger than when it was last done, and when it is another and nothing more comes: a set that comes bit by
// bit leaves more behind than one that comes at once.
func (j *joined) grown(quiet bool) {
	set := j.live.Load()
	if n := set.Len(); n >= largeSet && (n-j.settled > j.settled/8 || quiet && j.moved) {
		j.settled, j.moved = n, false
		settle(set)
	}
}

// ask asks once for what changed, and puts it in force when the answer is whole.
func (j *joined) ask(ctx context.Context, wait int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, out := io.Pipe()
	var res node.WatchSetResponse
	done := make(chan error, 1)
	go func() {
		err := j.client.Download(ctx, "watch.set", node.WatchSetRequest{Run: j.run, Since: j.change, Assets: j.mark, ByIndicator: true, Wait: wait}, out, &res)
		out.CloseWithError(err)
		done <- err
	}()
	taken, err := j.take(in)
	if err != nil {
		cancel()
		in.CloseWithError(err)
	}
	if sent := <-done; sent != nil {
		return sent // it says more than that the lines broke off
	}
	if err != nil {
		return err
	}
	return taken(&res)
}

// take reads the lines of an answer, and gives what puts them in force.
func (j *joined) take(in io.Reader) (func(*node.WatchSetResponse) error, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxBucketLine)
	var head node.WatchSetHead
	if !lines.Scan() {
		return nil, errors.Join(errors.New("the node's answer is empty"), lines.Err())
	}
	if err := fastjson.Unmarshal(lines.Bytes(), &head, toldJSON); err != nil {
		return nil, fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	var protected *asset.Set
	if head.Mark != j.mark {
		list := make([]asset.Asset, 0, len(head.Assets))
		for _, x := range head.Assets {
			list = append(list, toldAsset(x))
		}
		var err error
		if protected, err = asset.NewSet(list); err != nil {
			return nil, fmt.Errorf("the node names assets that cannot be watched: %w", err)
		}
	}
	if j.live == nil && !head.Whole {
		return nil, errors.New("the node's answer cannot be read") // it tells what changed to one who has nothing
	}
	var builder *watch.Builder
	if j.live == nil {
		builder = watch.NewBuilder(j.seed)
	}
	var told [watchBuckets]bool
	var changed changedBuckets
	broad := int64(0)
	scratch := watch.NewBuilder(j.seed)
	check := scratch // what it tells of a value every builder does
	one := func(x *ahead.Found[toldBucket]) error {
		b := &x.What
		switch narrow := b.Indicator != ""; {
		case x.Err != nil:
			return x.Err
		case told[b.Bucket]:
			return fmt.Errorf("the node tells bucket %d twice", b.Bucket)
		case narrow && (head.Whole || !b.aboutOne):
			return fmt.Errorf("the node's answer cannot be read: what is told of %.80q is not all, or about others", b.Indicator)
		default:
			told[b.Bucket] = !narrow
		}
		if b.err != nil {
			return b.err
		}
		if builder != nil {
			parts := map[string][]watch.Indicator{}
			asked, err := j.wholes(&b.WatchBucket, parts, scratch)
			if err != nil {
				return err
			}
			j.askedNow(b.Bucket, asked)
			n, err := b.addTo(builder, parts)
			broad += n
			return err
		}
		asked, err := j.wholes(&b.WatchBucket, b.of, scratch)
		if err != nil {
			return err
		}
		if b.Indicator == "" {
			changed.add(b.Bucket, b.of, asked)
		} else if err := changed.narrow(&b.WatchBucket, b.of, asked); err != nil {
			return err
		}
		if changed.values >= changed.atOnce(j.live.Load().Len()) {
			return j.renew(&changed)
		}
		return nil
	}
	read := func(in []string, give func(toldBucket, error) bool) {
		var room []node.WatchValue
		for _, line := range in {
			give(j.read(line, builder != nil, check, &room))
		}
	}
	for x := range ahead.Read(linesOf(lines), toldWeight, read, func([]ahead.Found[toldBucket]) {}) {
		if err := one(x); err != nil {
			if p, ok := in.(*io.PipeReader); ok {
				p.CloseWithError(err) // what is read ahead is not waited for
			}
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the node's answer breaks off: %w", err)
	}
	return func(res *node.WatchSetResponse) error {
		if builder != nil {
			if builder.Len() >= largeSet {
				debug.FreeOSMemory() // as where files were read
			}
			j.live, j.broad, j.values = watch.NewLive(builder.Set()), broad, res.Values
		} else {
			for b := range told {
				if head.Whole && !told[b] {
					changed.add(b, nil, nil)
				}
			}
			if err := j.renew(&changed); err != nil {
				return err
			}
		}
		if protected != nil {
			j.mark = head.Mark
			j.assets.Store(protected)
		}
		j.run, j.change = res.Run, res.Change
		return nil
	}, nil
}

// singlesAtOnce is how many values of single indicators are gathered before they are put in force, and bucketsAtOnce how many at least where there are whole buckets among
// them: to find what is no more in a bucket takes a look at all identifiers. Each line stands for itself: one that was told counts although the answer breaks off behind it.
const (
	singlesAtOnce = 1 << 12
	bucketsAtOnce = 1 << 14
)

// changedBuckets are buckets, and what single indicators have in one, as the node has them now.
type changedBuckets struct {
	of     map[string]map[string][]watch.Indicator // by what stands behind the identifiers of a bucket
	asked  map[int]map[string]bool
	single []singleChange
	values int // and single indicators that have none
}

// atOnce is how many values are gathered for a set of so many. One that is gathered takes as much memory as five in the set.
func (c *changedBuckets) atOnce(set int) int {
	if len(c.of) == 0 {
		return singlesAtOnce
	}
	return max(bucketsAtOnce, set/64)
}

// singleChange is what one indicator has in one bucket.
type singleChange struct {
	watch.Change
	bucket    int
	indicator string
	asked     map[string]bool
}

// narrow takes in a line about one indicator.
func (c *changedBuckets) narrow(b *node.WatchBucket, of map[string][]watch.Indicator, asked map[string]bool) error {
	id, err := namedIndicator(b.Indicator)
	if err != nil {
		return err
	}
	x := singleChange{watch.Change{ID: bucketID(id, b.Bucket)}, b.Bucket, b.Indicator, asked}
	x.Indicators = of[x.ID]
	c.single = append(c.single, x)
	c.values += max(len(x.Indicators), 1)
	return nil
}

func (c *changedBuckets) add(bucket int, of map[string][]watch.Indicator, asked map[string]bool) {
	if c.of == nil {
		c.of, c.asked = map[string]map[string][]watch.Indicator{}, map[int]map[string]bool{}
	}
	c.of[bucketTail(bucket)], c.asked[bucket] = of, asked
	for _, list := range of {
		c.values += len(list)
	}
}

// renew puts what changed in force. What was in one of the buckets and is no more has no values.
func (j *joined) renew(c *changedBuckets) error {
	var changes []watch.Change
	if len(c.of) > 0 {
		for id := range j.live.Load().Identifiers(func(tail string) bool { _, ok := c.of[tail]; return ok }) {
			if _, there := c.of[id[strings.LastIndexByte(id, '#'):]][id]; !there {
				changes = append(changes, watch.Change{ID: id})
			}
		}
	}
	for i := range c.single {
		changes = append(changes, c.single[i].Change)
	}
	for _, of := range c.of {
		for id, list := range of {
			changes = append(changes, watch.Change{ID: id, Indicators: list})
		}
	}
	if len(changes) > 0 {
		j.moved = true
		if err := j.live.Apply(changes); errors.Is(err, watch.ErrFull) {
			return err
		}
	}
	for b, asked := range c.asked {
		j.askedNow(b, asked)
	}
	for i := range c.single {
		j.askedOf(&c.single[i])
	}
	*c = changedBuckets{}
	return nil
}

// askedNow says which patterns a bucket has: others that it had are not looked for any more.
func (j *joined) askedNow(bucket int, now map[string]bool) {
	for id := range j.asked[bucket] {
		if !now[id] {
			j.patterns.Drop(id)
		}
	}
	if j.asked[bucket] = now; len(now) == 0 {
		delete(j.asked, bucket)
	}
}

// askedOf says whether a bucket has a pattern of one indicator.
func (j *joined) askedOf(x *singleChange) {
	now := maps.Clone(j.asked[x.bucket])
	if delete(now, x.indicator); now == nil {
		now = map[string]bool{}
	}
	maps.Copy(now, x.asked)
	j.askedNow(x.bucket, now)
}

// bucketID is what an indicator is called in the set, as far as its values lie in one bucket. What comes after # is cut off
// where a sighting names it.
func bucketID(id uuid.UUID, bucket int) string {
	return "indicator--" + id.String() + bucketTail(bucket)
}

func bucketTail(bucket int) string { return "#" + strconv.Itoa(bucket) }

// wholes brings the patterns of a bucket to those that look for them, and adds their values to what is to stand in the set. It gives
// which indicators have one. A pattern that was there goes on waiting for what it waits for, whether the
// answer turns out whole or not; one that is new is looked for a moment before its values tell the lines that hold it.
func (j *joined) wholes(b *node.WatchBucket, of map[string][]watch.Indicator, scratch *watch.Builder) (map[string]bool, error) {
	asked := map[string]bool{}
	for _, x := range b.Patterns {
		id, err := namedIndicator(x.Indicator)
		if err != nil {
			return nil, err
		}
		p := indicators.Pattern{ID: x.Indicator, Text: x.Pattern, Until: x.Until, TLP: x.TLP}
		if j.begins {
			p.From = x.From
		}
		atoms, err := j.patterns.Put(p)
		if err == nil && !j.everyLine && j.patterns.isOpen(p.ID) {
			j.patterns.Drop(p.ID)
			err = errors.New("it would make every line be read")
		}
		if asked[p.ID] = err == nil; err != nil {
			continue
		}
		list := []watch.Indicator{}
		hidden := false
		for i, v := range atoms {
			part := watch.Indicator{ID: bucketID(id, b.Bucket), Value: v, Atom: uint16(min(i+1, math.MaxUint16)), TLP: x.TLP}
			if err := scratch.Add(part); err != nil {
				hidden = true
				continue
			}
			list = append(list, part)
		}
		if hidden && j.everyLine {
			j.patterns.hide(p.ID)
		} else if hidden {
			j.patterns.Drop(p.ID)
			asked[p.ID] = false
			continue
		}
		key := bucketID(id, b.Bucket)
		of[key] = append(of[key], list...)
	}
	return asked, nil
}

// left is the number of patterns that are not looked for.
func (j *joined) left() (n int64) {
	for _, ids := range j.asked {
		for _, looked := range ids {
			if !looked {
				n++
			}
		}
	}
	return n
}

// due tells whether it is time for a report.
func (j *joined) due(now time.Time) bool { return j != nil && !now.Before(j.next) }

// report tells the node what was counted since the last report that arrived. A report says how often each was seen so far, so
// that it may come twice.
func (j *joined) report(ctx context.Context, now time.Time, table *sighting.Table) error {
	const atOnce = 1000
	j.next = now.Add(reportEvery)
	var batch []*sighting.Sighting
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		r := node.WatchReportRequest{Run: j.name}
		for _, s := range batch {
			r.Sightings = append(r.Sightings, watchSighting(s))
		}
		ctx, cancel := context.WithTimeout(ctx, reportWait)
		defer cancel()
		var res node.WatchReportResponse
		if err := j.client.Call(ctx, "watch.report", r, &res); err != nil {
			j.next = now.Add(reportAgain)
			return fmt.Errorf("what was seen could not be reported: %w", err)
		}
		for i, s := range batch {
			j.reported[s] = r.Sightings[i].Count
		}
		j.refused += int64(len(res.Refused)) // and would be again
		batch = batch[:0]
		return nil
	}
	for _, s := range table.All() {
		if s.Count() <= j.reported[s] || !strings.HasPrefix(s.Indicator, "indicator--") {
			continue
		}
		if batch = append(batch, s); len(batch) == atOnce {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if err := send(); err != nil {
		return err
	}
	for {
		list := j.spread.due(atOnce / 10)
		if len(list) == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, reportWait)
		err := j.client.Call(ctx, "watch.report", node.WatchReportRequest{Run: j.name, Machines: watchMachines(list), Sightings: []node.WatchSighting{}}, &node.WatchReportResponse{})
		cancel()
		if err != nil {
			j.next = now.Add(reportAgain)
			return fmt.Errorf("at how many machines values were seen could not be reported: %w", err)
		}
		j.spread.told(list)
	}
}

// watchSighting is a sighting as it is reported.
func watchSighting(s *sighting.Sighting) node.WatchSighting {
	x := node.WatchSighting{Indicator: s.Indicator, Type: string(s.Value.Type), Value: s.Value.Text, Host: machineName(s.Host), Hour: s.Hour, First: s.First, Last: s.Last, Count: s.Count(), Roles: map[string]int64{}, Directions: map[string]int64{}}
	if s.Value.Type == seen.Pattern {
		x.Value = seen.PatternValue(s.Value.Text).Text
	}
	for role, n := range s.Roles {
		x.Roles[string(role)] = n
	}
	for way, n := range s.Ways {
		x.Directions[string(way)] = n
	}
	return x
}

// machineName is the name of a machine as a node takes it. Who can choose what a machine is called in a log must not be able to keep
// what it did from being reported.
func machineName(host string) string {
	host = strings.ToValidUTF8(host, "\uFFFD")
	if len(host) > seen.MaxHost {
		host = strings.ToValidUTF8(host[:seen.MaxHost], "")
	}
	return host
}

// owes tells whether something of a sighting was not reported.
func (j *joined) owes(s *sighting.Sighting) bool {
	return j != nil && !j.queue && s.Count() > j.reported[s]
}

// forget drops what is known of sightings that the table holds no more.
func (j *joined) forget(table *sighting.Table) {
	if j == nil || len(j.reported) <= 2*table.Len()+1000 {
		return
	}
	kept := make(map[*sighting.Sighting]int64, table.Len())
	for _, s := range table.All() {
		kept[s] = j.reported[s]
	}
	j.reported = kept
}
