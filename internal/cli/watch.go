package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
	"entente/internal/watch"
	"entente/internal/watch/asset"
	"entente/internal/watch/indicators"
	"entente/internal/watch/input"
	"entente/internal/watch/logs"
	"entente/internal/watch/pass"
	"entente/internal/watch/record"
	"entente/internal/watch/seen"
	"entente/internal/watch/sighting"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	logZone        string
	indicators     []string
	format, fields string
	own            []string
	assets         string
	follow         bool
	position       string
	as             string
	countOnly      bool
	fromValidity   bool
	listenFlags
	metrics string
	limit   int
	indexFlags
	joinFlags
	queueFlags
	outFlags
}

func (a *app) watchCommand() *cobra.Command {
	var f watchFlags
	cmd := command{
		use: "watch [INPUT...] --indicators FILE", short: "Match logs against indicators: what was seen, where, when and why",
		long: `Reads logs and tells which of them meet an indicator. No node is needed.

INPUT is a file, a folder with all below it (links in it are followed, hidden files left out), a
pattern in quotes, or - for standard input (also without any INPUT); gzip, zstd, bzip2, xz and UTF-16 are undone. Formats are told by themselves and told of: Zeek
(JSON and TSV), Suricata EVE, BIND, Unbound, dnstap (frames, JSON), Common and
Combined, W3C (IIS), Caddy, Squid, Postfix, Exim, nfdump, flows as JSON, Windows events and Sysmon as JSON, any other JSON
lines, tables and text. --fields says where values stand in what no format knows:
FIELD=ROLE, FIELD=ROLE:TYPE, FIELD=time, FIELD=machine.

INPUT can also be a queue that any number of watchers share: nats://HOST/STREAM?consumer=NAME
(JetStream) or kafka://HOST/TOPIC?group=NAME; nats+tls:// and kafka+tls:// are encrypted. A
message is acknowledged when what it held is counted and kept.

FILE is STIX (a bundle, a list, one object a line), MISP, a table or a list of one value a line,
packed or not.
A domain means itself and all names below it. An indicator is found in what happened before it
was made, too, but not after its end; --from-validity looks only from its beginning on.
Patterns that ask for more than one value are looked for line by line and host by host, on the
time of the events.

--assets names what is protected, as a list of names, addresses and blocks, or as 'entente asset
list --json' writes it: names that imitate one of them (typos, letters that look the same, added
words, other top-level domains) are told of, and so is an indicator in a record that concerns one.

--follow goes on with what is added, through rotation and truncation, until Ctrl-C.
--index keeps an index of the past, which entente hunt asks: which value was seen in which
hour. With it positions are saved every five minutes, each time with the index. A value that
was not looked for before is looked for in it at once, as far back as --look-back says.

--position keeps how far files were read together with what was counted, so that after
a crash nothing is missed and nothing counted twice.

--to-syslog and --to-webhook tell each sighting also to another system of yours, when it is new
and again when it grew, each message with an id and how often so far; --to-lines sends lines, too.
What a receiver did not take waits, is sent again, and with --position outlives a crash.

--join takes what is to be watched for from a node instead, live, and reports to it how often
each was seen, where and when, but no line: see 'entente sighting list'.

With --json, or with --as stix or ecs, each sighting is one JSON object on a line of its own:
STIX has how often, first and last (--count-only: how often alone); ECS, for the party's own
systems, has fields and lines, too. What was read is then told on standard error.

Exit codes: 0 nothing matched; 6 something matched; 1 failed, or nothing matched in what could
be read; 2 the command line is wrong; 4 a file is not there.`,
		examples: []string{
			"entente watch /var/log/zeek/current/dns.log --indicators bad-domains.txt",
			"entente watch eve.json --indicators bundle.json --as stix > sightings.jsonl",
			"entente watch '/var/log/zeek/*/*.log.gz' --indicators misp-event.json",
			"entente watch --follow /var/log/suricata/eve.json --indicators list.csv --position watch.position",
			"entente watch '/var/log/zeek/current/*.log' --indicators list.txt --index /var/lib/entente/past",
			"entente watch --syslog udp://0.0.0.0:5514 --indicators list.txt --metrics 127.0.0.1:9400",
			"entente watch --dnstap unix:///run/entente/dnstap.sock --indicators list.txt",
			"entente watch --follow /var/log/zeek/current/dns.log --join https://node.example:8420 --token-file watch.token --position watch.position",
			"entente watch 'nats+tls://nats1.example,nats2.example/LOGS?consumer=entente' --queue-credentials watch.creds --join https://node.example:8420 --token-file watch.token",
			"entente watch 'kafka://127.0.0.1/zeek-dns?group=entente' --indicators list.txt --position watch.position",
			"entente watch --follow eve.json --indicators list.txt --position watch.position --to-syslog tls://siem.example:6514",
			"entente watch --follow eve.json --indicators list.txt --position watch.position --to-webhook https://siem.example/entente --to-secret-file webhook.secret",
			"entente watch /var/log/zeek/current/dns.log --assets our-names.txt",
			"entente watch proxy.jsonl --indicators list.txt --fields 'client=source:ipv4,target=request,when=time'",
		},
		args: cobra.ArbitraryArgs,
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.watch(ctx, args, f)
		},
	}.build()
	x := cmd.Flags()
	x.StringArrayVarP(&f.indicators, "indicators", "i", nil, "a file of indicators (again for more)")
	x.StringVar(&f.logZone, "log-tz", "", "time zone of times that logs write without an offset, as BIND and syslog do: a name such as Asia/Kolkata, or an offset (default UTC)")
	x.StringVar(&f.format, "format", "", "the format of all inputs (default: told by themselves): "+strings.Join(logs.Names(), ", "))
	x.StringVar(&f.fields, "fields", "", "where values stand in JSON lines, tables and text, as in client=source,name=query:domain,when=time")
	x.StringArrayVar(&f.own, "own", nil, "a network of your own, for directions (again for more; default: private networks)")
	x.BoolVarP(&f.follow, "follow", "f", false, "go on with what is added to the files")
	x.StringVar(&f.position, "position", "", "a file that keeps how far files were read, and what was counted")
	x.StringVar(&f.as, "as", "", "one JSON object a sighting: stix or ecs")
	x.BoolVar(&f.countOnly, "count-only", false, "with --as stix: how often, and not when")
	x.BoolVar(&f.fromValidity, "from-validity", false, "look for an indicator only in what happened after the beginning of its validity")
	x.StringVar(&f.metrics, "metrics", "", "show counters for Prometheus at HOST:PORT, path /metrics")
	x.StringVar(&f.assets, "assets", "", "a file of what is protected: names that imitate it, and attacks on it, are told of")
	f.listenFlags.register(x)
	f.indexFlags.register(x)
	f.joinFlags.register(x)
	f.queueFlags.register(x)
	f.outFlags.register(x)
	x.IntVar(&f.limit, "limit", 100, "how many sightings are shown to people")
	completes(cmd, "format", logs.Names()...)
	completes(cmd, "as", "stix", "ecs")
	completes(cmd, "queue-sasl", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	return cmd
}

// exitMatched is watch's: something matched.
const exitMatched = 6

// forgetAfter is how long after its hour a sighting is kept at least, and after it grew last.
const forgetAfter = 2 * time.Hour

// watching is one run of watch.
type watching struct {
	a      *app
	f      watchFlags
	live   *watch.Live
	pass   *pass.Pass
	table  sighting.Table
	began  time.Time
	bar    *progress
	last   time.Time // of telling in JSON
	mu     sync.Mutex
	shown  gauges // what metrics show, under mu
	lost   int64  // problems
	unread int64  // those that something was not read for
	loads  []indicators.Report
	err    error // the output broke
	index  *indexing
	back   *looking // nil: what is new is not looked for in the index
	// lookedBack is how many values were looked for in the index, seenBack how many of them were seen.
	lookedBack, seenBack int64
	// patterns are those that ask for more than one value.
	patterns *watchPatterns
	join     *joined // nil: the indicators are of files
	queue    *queued // nil: no queue is read
	// assets looks for what concerns what is protected; nil: nothing is named.
	assets *asset.Watcher
	own    []netip.Prefix
	// toldFindings is how much of each finding was told in JSON.
	toldFindings map[*asset.Seen]int64
	// secret is what identifiers of sightings are made with.
	secret []byte
	outs   outs // who else is told
	reader *input.Reader
	taps   *input.Taps   // nil: no dnstap is taken
	syslog *input.Syslog // nil: no syslog is taken
	// told are the formats of streams that were told.
	told map[toldFormat]struct{}
	// formats is how many streams have each.
	formats map[string]int64
}

// toldFormat is a format of a stream.
type toldFormat struct{ stream, format string }

const (
	// maxTold is the number of formats of streams that are known to have been told.
	maxTold = 100_000
	// toldOfEach is the number of streams of a format that it is told of; of a folder's others it is told how many there are.
	toldOfEach = 20
)

// kept is what is saved with positions.
type kept struct {
	Counts    pass.Counts          `json:"counts"`
	Hits      int64                `json:"hits"`
	Beyond    int64                `json:"beyond"`
	Sightings []*sighting.Sighting `json:"sightings"`
	Secret    []byte               `json:"secret"`
	Run       string               `json:"run,omitzero"` // under which the counts were reported to a node
	Patterns  *patternState        `json:"patterns,omitempty"`
	Spread    []seen.Spread        `json:"spread,omitempty"` // of machines, that the node was not told
	// Queue is the queue whose messages were counted, by lane.
	Queue    string                    `json:"queue,omitzero"`
	Messages map[string]*seen.Messages `json:"messages,omitempty"`
	// Findings are those about assets, FindingsBeyond the lines that none tells of.
	Findings       []*asset.Seen `json:"findings,omitempty"`
	FindingsBeyond int64         `json:"findings_beyond,omitzero"`
}

func (a *app) watch(ctx context.Context, args []string, f watchFlags) error {
	if err := f.queueFlags.check(args, &f); err != nil {
		return err
	}
	if err := f.outFlags.check(); err != nil {
		return err
	}
	w := &watching{a: a, f: f, began: a.now()}
	options, err := w.options(args)
	if err != nil {
		return err
	}
	if err := w.load(ctx); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if w.queue, err = f.queueFlags.open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // nothing was read
		}
		return err
	}
	defer w.queue.close()
	if w.join != nil {
		w.join.queue = w.queue != nil
	}
	if w.index, err = a.indexing(ctx, f.indexFlags); err != nil {
		return err
	}
	defer w.index.close()
	each := w.index.each()
	read := func(r *record.Record, stream string, number int64) {
		w.patterns.take(r, stream, number, w.whole)
		if w.assets != nil {
			w.assets.Read(r, stream, number, w.finding)
		}
	}
	var name func(uint64, []byte) bool
	if w.assets != nil {
		name = w.assets.Name
	}
	w.pass = pass.New(pass.Options{Each: each, Read: read, Name: name, All: w.patterns.all, Set: w.live.Load, Logs: options, Format: f.format, Sightings: &w.table, Told: w.hit, Known: w.known})
	files, pipes := a.inputs(args, f.follow)
	o := input.Options{Follow: f.follow, Now: a.now, Tell: w.problem, Step: w.step, Idle: w.idle, Kept: w.kept, Pipes: pipes, Leave: []string{f.position, f.index}}
	if w.index != nil {
		o.Every = indexEvery // a position is saved only with what the index has up to it
	}
	if f.position != "" {
		if o.Book, err = w.restore(); err != nil {
			return err
		}
	}
	w.openOuts()
	lctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	o.End = func() {
		if o.Messages == nil && !f.follow {
			w.patterns.flush(w.whole)
		}
	}
	if o.Messages, err = w.listen(lctx, &wg); err != nil {
		return err
	}
	if len(args) == 0 && o.Messages == nil {
		o.Pipes = []input.Pipe{{Name: "-", In: a.in}}
	}
	if w.join != nil {
		wg.Go(func() { w.join.follow(lctx, func(err error) { w.tellLater("join", err) }) })
	}
	w.bar = a.progress("watch")
	r := input.NewReader(w.pass, o)
	w.reader = r
	w.measure() // nothing may come for long
	if w.back, err = w.lookBack(); err != nil {
		return err
	}
	defer w.back.close()
	if len(w.outs.list) > 0 { // a message that was sent before a kill has its id again only if the secret was kept
		r.Touch()
		if err := r.Save(); err != nil {
			return err
		}
	}
	w.back.first(ctx)
	if w.queue != nil {
		files = nil
		err = w.readQueue(ctx, r, o.Book != nil)
	}
	if err == nil {
		err = r.Run(ctx, files)
	}
	w.bar.done()
	unsaved := errors.Is(err, input.ErrUnsaved) // what was found is told all the same
	if err != nil && !unsaved && !errors.Is(err, context.Canceled) {
		return err
	}
	if unsaved {
		err = &node.Error{Code: node.CodeDiskFull, Status: http.StatusInsufficientStorage, What: "The positions were not saved.", Why: err.Error() + ".",
			Next: fmt.Sprintf("Make room for %s, and run it again: what was read since it was saved last is read, and counted, again.", f.position)}
	} else {
		err = nil
	}
	w.index.flush()
	err = errors.Join(err, w.back.end(ctx), w.index.end(w))
	if f.position == "" { // otherwise what waits goes on waiting
		w.patterns.flush(w.whole)
	}
	if err = errors.Join(err, w.finish(), w.reportLast(ctx), w.tellOutsLast(ctx)); err != nil {
		return err
	}
	w.back.settle()
	switch matched := w.table.Hits > 0 || w.found(); {
	case a.code != exitOK:
	case matched:
		a.code = exitMatched
	case w.unread > 0 && !w.goesOn(): // that nothing matched is not known
		a.code = exitFailed
	}
	return nil
}

// options reads the flags.
func (w *watching) options(args []string) (logs.Options, error) {
	o := logs.Options{Now: w.a.now}
	var err error
	if o.Zone, err = logZone(w.f.logZone); err != nil {
		return o, err
	}
	f := &w.f
	if w.a.json && f.as == "" {
		f.as = "ecs"
	}
	switch {
	case len(f.indicators) == 0 && f.url == "" && f.assets == "":
		return o, usage("usage.needs-indicators")
	case f.assets != "" && f.url != "":
		return o, usage("usage.not-both", "flags", "--join, --assets")
	case f.as != "" && f.as != "stix" && f.as != "ecs":
		return o, usage("usage.flag-is", "flag", "--as", "values", "stix, ecs")
	case f.countOnly && f.as != "stix":
		return o, usage("usage.only-with", "flags", "--count-only", "with", "--as stix")
	case f.follow && len(args) == 0 && !f.listens():
		return o, usage("usage.needs-follow")
	}
	if f.format != "" {
		if _, err := logs.New(f.format, o); err != nil {
			return o, usage("usage.flag-is", "flag", "--format", "values", join(logs.Names()))
		}
	}
	if f.fields != "" {
		m, err := logs.ParseMap(f.fields)
		if err != nil {
			return o, usage("usage.no-fields", "text", f.fields)
		}
		o.Fields = m
	}
	for _, text := range f.own {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return o, usage("usage.not-form", "flag", "--own", "value", text, "form", "10.0.0.0/8")
		}
		o.Own = append(o.Own, p.Masked())
	}
	if o.Own == nil {
		o.Own = logs.Private()
	}
	w.own = o.Own
	return o, f.listenFlags.check()
}

// load reads the indicators.
func (w *watching) load(ctx context.Context) error {
	var seed watch.Seed
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return fmt.Errorf("a seed: %w", err)
	}
	seed[0], seed[1] = binary.LittleEndian.Uint64(raw[:8]), binary.LittleEndian.Uint64(raw[8:])
	w.secret = make([]byte, 32)
	if _, err := rand.Read(w.secret); err != nil {
		return fmt.Errorf("a secret: %w", err)
	}
	var err error
	w.patterns = newWatchPatterns(w.noted)
	w.patterns.mapped = w.f.fields != ""
	if w.join, err = w.a.joining(w.f.joinFlags, seed, w.f.fromValidity, w.patterns); err != nil {
		return err
	}
	if w.join != nil {
		if len(w.f.indicators) > 0 {
			return usage("usage.not-both", "flags", "--join, --indicators")
		}
		if w.live, err = w.join.first(ctx); err != nil {
			return err
		}
		w.join.grown(false)
		w.assets = asset.NewWatcher(w.join.assets.Load, w.own, maphash.MakeSeed())
		if w.f.as != "" {
			return nil
		}
		p := w.a.printer()
		p.say("", "ui.watch-joined", "values", p.many("cli.n-values", w.join.values-w.join.broad), "node", w.join.url)
		if n := w.patterns.len(); n > 0 {
			p.say("", "ui.watch-patterns", "n", p.number(int64(n)))
		}
		if n := w.join.left(); n > 0 {
			p.say("", "ui.watch-open-left", "n", p.number(n))
		}
		return w.note(p)
	}
	protected, err := w.loadFiles(seed)
	if err != nil {
		return err
	}
	settle(w.live.Load())
	if w.f.as != "" {
		return nil
	}
	p := w.a.printer()
	values, count := 0, 0
	for _, rep := range w.loads {
		values, count = values+rep.Values, count+rep.Indicators
		if rep.Others+rep.Broad+rep.Bad+rep.Revoked > 0 {
			p.say("", "ui.watch-left-out", "file", rep.Name, "others", p.number(int64(rep.Others)), "broad", p.number(int64(rep.Broad)),
				"bad", p.number(int64(rep.Bad)), "revoked", p.number(int64(rep.Revoked)))
			for i, x := range rep.Told {
				switch {
				case i >= 3 || x.Err == nil:
				case x.Says():
					p.hint("  %s", p.tell(x.Err.Error()))
				default:
					p.hint("  %s: %s", x.What, p.tell(x.Err.Error()))
				}
			}
		}
	}
	for _, rep := range w.loads {
		if rep.Unmarked > 0 {
			p.say("", "ui.watch-unmarked", "file", rep.Name, "n", p.number(int64(rep.Unmarked)))
		}
	}
	if protected > 0 {
		p.say("", "ui.watch-assets", "n", p.number(int64(protected)))
	}
	p.say("", "ui.watch-set", "values", p.number(int64(values)), "indicators", p.number(int64(count)))
	if n := len(w.patterns.of); n > 0 {
		p.say("", "ui.watch-patterns", "n", p.number(int64(n)))
	}
	return w.note(p)
}

// loadFiles reads indicators and assets of files, and tells how many of those there are.
func (w *watching) loadFiles(seed watch.Seed) (protected int, err error) {
	defer collectEarly()()
	set := indicators.New(seed)
	for _, name := range w.f.indicators {
		rep, err := w.loadFile(set, name)
		if err != nil {
			return 0, err
		}
		w.loads = append(w.loads, rep)
	}
	if protected, err = w.loadAssets(); err != nil {
		return 0, err
	}
	if set.Len() == 0 && len(w.patterns.of) == 0 && protected == 0 {
		return 0, &node.Error{Code: node.CodeBadInput, Status: 400, What: "There is nothing to look for.", Why: w.whyNothing(),
			Next: "Give a STIX bundle, a MISP event, a table, or a list of one value a line."}
	}
	if set.Done(); set.Len() >= largeSet {
		debug.FreeOSMemory() // the tables are made where what was read stood, and not beside it
	}
	if w.live, err = set.Compile(); err != nil {
		return 0, fmt.Errorf("indicators: %w", err)
	}
	return protected, nil
}

// collectEarly has what is thrown away collected early, until the function that it gives is called: most of what a set is made of is without pointers, so that it costs little to look at it often. What the program was read for to start is
// given back first.
func collectEarly() (end func()) {
	unmapProgram()
	if os.Getenv("GOGC") != "" { // somebody asked for something else
		return func() {}
	}
	was := debug.SetGCPercent(20)
	return func() { debug.SetGCPercent(was) }
}

// whyNothing says why nothing can be watched for, with the first that was refused of each file.
func (w *watching) whyNothing() string {
	why := "The files of indicators hold no value that can be watched for."
	for _, rep := range w.loads[:min(len(w.loads), 3)] {
		if rep.Unmarked > 0 {
			why += fmt.Sprintf(" Attributes of %s that are not marked for detection (to_ids), and so left out: %d.", rep.Name, rep.Unmarked)
		}
		if len(rep.Told) > 0 {
			x, what := &rep.Told[0], ""
			if !x.Says() {
				what = x.What + ": "
			}
			why += fmt.Sprintf(" %s: %s%s.", rep.Name, what, strings.TrimSuffix(x.Err.Error(), "."))
		}
	}
	return why
}

// largeSet is how many values are so many that it pays to give memory back.
const largeSet = 100_000

// settle gives back what a large set was read with, which is twice as large: the watch may go on for weeks. Beside such a set what is thrown away on the way
// is little, and a tenth of the set may be that before it is collected.
func settle(set *watch.Set) {
	if set.Len() < largeSet {
		return
	}
	if os.Getenv("GOGC") == "" { // nobody asked for something else
		debug.SetGCPercent(10)
	}
	debug.FreeOSMemory()
	unmapProgram()
}

func (w *watching) loadFile(set *indicators.Set, name string) (indicators.Report, error) {
	in := w.a.in
	if name != "-" {
		f, err := openNamed(name)
		if err != nil {
			return indicators.Report{}, err
		}
		defer f.Close()
		in = f
	}
	text, closing, err := input.Text(bufio.NewReaderSize(in, 1<<16))
	if err != nil {
		return indicators.Report{}, fmt.Errorf("%s: %w", name, err)
	}
	defer closing()
	rep, err := set.Read(text, indicators.Options{Name: name, Now: w.began.UTC(), FromValidity: w.f.fromValidity, Patterns: w.patterns})
	if errors.Is(err, indicators.ErrFormat) {
		err = notIndicators(name, err)
	}
	return rep, err
}

// note prints what is not the answer on standard error.
func (w *watching) note(p *printer) error {
	if w.a.quiet {
		return nil
	}
	_, err := io.WriteString(w.a.err, p.String())
	return err
}

// restore reads positions, and what was counted up to them.
func (w *watching) restore() (*input.Book, error) {
	if _, err := os.Stat(filepath.Dir(w.f.position)); err != nil { // it would be found out when something is to be saved
		return nil, err
	}
	b, err := input.OpenBook(w.f.position)
	if err != nil {
		return nil, err
	}
	if len(b.Kept) > 0 {
		var k kept
		if err := json.Unmarshal(b.Kept, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", w.f.position, err)
		}
		w.table.Restore(k.Sightings, k.Hits, k.Beyond)
		w.pass.Counts = k.Counts
		if w.assets != nil {
			w.assets.Table.Restore(k.Findings, k.FindingsBeyond)
		}
		if len(k.Secret) > 0 {
			w.secret = k.Secret
		}
		if w.join != nil && k.Run != "" {
			w.join.name = k.Run
		}
		if w.join != nil {
			w.join.spread.restore(k.Spread)
		}
		if k.Patterns != nil {
			if err := w.patterns.restore(k.Patterns); err != nil { // what they waited for is lost, and all else goes on
				w.problem(input.Problem{Input: w.f.position, Kind: "position", Err: err})
			}
		}
		if w.queue != nil && len(k.Messages) > 0 {
			if k.Queue != w.queue.source.Run() {
				return nil, usage("usage.queue-other", "file", w.f.position)
			}
			w.queue.counted = k.Messages
		}
	}
	return b, nil
}

func (w *watching) kept() any {
	w.index.flush()
	k := kept{Counts: w.pass.Counts, Hits: w.table.Hits, Beyond: w.table.Beyond, Sightings: w.table.All(), Secret: w.secret}
	if w.assets != nil {
		k.Findings, k.FindingsBeyond = w.assets.Table.All(), w.assets.Table.Beyond
	}
	if w.join != nil {
		k.Run = w.join.name
		k.Spread = w.join.spread.due(maxSpread)
	}
	var err error
	if k.Patterns, err = w.patterns.state(); err != nil {
		w.problem(input.Problem{Input: w.f.position, Kind: "position", Err: err})
	}
	if w.queue != nil {
		k.Queue, k.Messages = w.queue.source.Run(), w.queue.counted
	}
	return k
}

// goesOn tells whether a watch goes on until it is stopped, so that what is found is told when it is.
func (w *watching) goesOn() bool { return w.f.follow || w.f.listens() || w.queue != nil }

// hit is told of each line that matched.
func (w *watching) hit(h *sighting.Hit, s *sighting.Sighting, isNew bool) {
	if w.join != nil {
		w.join.spread.add(h, w.a.now())
	}
	w.queue.add(h, w.join != nil)
	w.outs.add(s)
	if w.assets != nil && h.Record != nil {
		w.assets.Hit(h.Record, h.ID, h.Value, h.Fields, h.Input, h.Number, w.finding)
	}
	if !w.goesOn() || w.f.as != "" || !isNew {
		return
	}
	p := w.a.printer()
	w.write(p, s)
	if _, err := io.WriteString(w.a.out, p.String()); err != nil {
		w.err = err
	}
}

// whole is told of each time that a whole pattern was found.
func (w *watching) whole(x whole) {
	h := &x.Hit
	s, isNew := w.table.Add(*h)
	w.hit(h, s, isNew)
	if w.assets != nil {
		w.assets.Whole(&record.Record{Time: h.Time, Host: h.Host, Format: h.Format, Line: h.Line}, h.ID, h.Value.Text, x.notes, x.names(), h.Input, h.Number, w.finding)
	}
}

// noted is what is kept of a record that a pattern may be found in, for what is protected.
func (w *watching) noted(r *record.Record) string {
	if w.assets == nil {
		return ""
	}
	return w.assets.Note(r)
}

// known tells of a format of a stream, once: how often it changes is counted.
func (w *watching) known(stream, format string, e logs.Evidence) {
	if w.f.as != "" || len(w.told) >= maxTold {
		return
	}
	k := toldFormat{strings.Clone(stream), format}
	if _, known := w.told[k]; known {
		return
	}
	if w.told == nil {
		w.told = map[toldFormat]struct{}{}
	}
	w.told[k] = struct{}{}
	if w.formats == nil {
		w.formats = map[string]int64{}
	}
	if w.formats[k.format]++; w.formats[k.format] > toldOfEach {
		return
	}
	p := w.a.printer()
	p.say("", "ui.watch-known", "input", stream, "format", format, "agree", e.Agree, "lines", e.Lines, "marks", strings.Join(e.Marks, " "))
	w.bar.done()
	if err := w.note(p); err != nil {
		w.err = err
	}
}

// others tells of how many streams the format was not told.
func (w *watching) others() error {
	p := w.a.printer()
	for _, format := range slices.Sorted(maps.Keys(w.formats)) {
		if n := w.formats[format] - toldOfEach; n > 0 {
			p.say("", "ui.watch-known-more", "format", format, "n", p.number(n))
		}
	}
	return w.note(p)
}

// problem tells of what went wrong and did not end the watch.
func (w *watching) problem(x input.Problem) {
	switch x.Kind {
	case "encoding": // nothing that went wrong
	case "unreadable", "broken", "rotated":
		w.unread++
		w.lost++
	default:
		w.lost++
	}
	p := w.a.printer()
	args := []any{"input", x.Input, "why", p.tell(x.Err.Error())}
	switch x.Kind {
	case "broken":
		p.say("", "ui.watch-broken", args...)
	case "truncated":
		p.say("", "ui.watch-truncated", args...)
	case "rotated":
		p.say("", "ui.watch-rotated", args...)
	case "position":
		p.say("", "ui.watch-position", args...)
	case "encoding":
		p.say("", "ui.watch-encoding", "input", x.Input, "name", p.tell(x.Err.Error()))
	case "queue":
		p.say("", "ui.watch-queue", args...)
	default:
		p.say("", "ui.watch-unreadable", args...)
	}
	if w.bar != nil {
		w.bar.done()
	}
	if _, err := io.WriteString(w.a.err, p.String()); err != nil {
		w.err = err
	}
}

// step shows progress and what metrics show.
func (w *watching) step(_ string, done, total int64) {
	w.bar.set(node.Progress{Stage: "watch", Done: done, Total: total, Unit: "bytes"})
	w.measure()
	w.index.now(w.a.now())
	w.back.tick()
	w.patterns.tick(w.a.now(), w.whole)
	w.report()
	w.tellOuts()
}

// report tells the node what was seen, when it is time.
func (w *watching) report() {
	now := w.a.now()
	if !w.join.due(now) {
		return
	}
	if err := w.join.report(context.Background(), now, w.soFar()); err != nil {
		w.tellLater("join", err)
	}
	w.join.forget(w.soFar())
	if err := w.join.reportFindings(context.Background(), now, w.findingsSoFar()); err != nil {
		w.tellLater("join", err)
	}
}

// reportLast tells the node the rest: the watch is over. It is bounded, and does not end with the watch.
func (w *watching) reportLast(ctx context.Context) error {
	if w.join == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	defer w.join.client.Close()
	if err := errors.Join(w.join.report(ctx, w.a.now(), w.soFar()), w.join.reportFindings(ctx, w.a.now(), w.findingsSoFar())); err != nil {
		return err
	}
	if w.join.refused > 0 {
		p := w.a.printer()
		p.say("", "ui.watch-refused", "n", p.number(w.join.refused))
		return w.note(p)
	}
	return nil
}

// idle does what is done from time to time. Every ten seconds it tells in JSON what is new, and forgets what is old and was told.
func (w *watching) idle() {
	w.measure()
	now := w.a.now()
	w.index.now(now)
	w.back.tick()
	w.patterns.tick(now, w.whole)
	w.report()
	w.tellOuts()
	if now.Sub(w.last) < 10*time.Second || !w.goesOn() && w.f.as == "" { // of a pipe all is told in words at its end
		return
	}
	w.last = now
	if err := w.lines(); err != nil {
		w.err = err
	}
	w.table.Forget(now, forgetAfter, w.outs.owes)
	w.forgetOthers(now)
	w.forgetFindings(now.Add(-forgetAfter))
}

// lines writes what is new of each sighting as JSON.
func (w *watching) lines() error {
	if w.f.as == "" {
		for _, s := range w.table.All() {
			if !w.join.owes(s) { // what the node was not told is kept
				s.Told = s.Count()
			}
		}
		return nil
	}
	for _, s := range w.table.All() {
		if s.Told == s.Count() || w.join.owes(s) {
			continue
		}
		var line []byte
		var err error
		if w.f.as == "stix" {
			line, err = s.STIX(w.secret, w.a.now(), w.f.countOnly)
		} else {
			line, err = s.ECS(w.a.now())
		}
		if err != nil {
			w.problem(input.Problem{Input: s.Indicator, Kind: "unreadable", Err: err})
			s.Told = s.Count()
			continue
		}
		if _, err := w.a.out.Write(append(line, '\n')); err != nil {
			return err
		}
		s.Told = s.Count()
	}
	return w.findingLines()
}

// summary is what was read, for programs.
type summary struct {
	Indicators []indicators.Report `json:"indicators"`
	Counts     pass.Counts         `json:"counts"`
	Hits       int64               `json:"hits"`
	Sightings  int                 `json:"sightings"`
	Beyond     int64               `json:"beyond"`
	Problems   int64               `json:"problems"`
	Seconds    float64             `json:"seconds"`
}

// finish tells what was found and what was read.
func (w *watching) finish() error {
	took := w.a.now().Sub(w.began)
	if err := w.others(); err != nil {
		return err
	}
	if w.f.as != "" {
		if err := w.lines(); err != nil {
			return err
		}
		if w.a.quiet {
			return w.err
		}
		text, err := json.Marshal(summary{w.loads, w.pass.Counts, w.table.Hits, w.table.Len(), w.table.Beyond, w.lost, took.Seconds()})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.a.err, "%s\n", text)
		return errors.Join(err, w.err)
	}
	p := w.a.printer()
	list := w.table.All()
	if !w.f.follow && w.queue == nil {
		shown := slices.DeleteFunc(slices.Clone(list), (*sighting.Sighting).Past) // these were told together
		for _, s := range shown[:min(len(shown), w.f.limit)] {
			w.write(p, s)
		}
		if more := len(shown) - w.f.limit; more > 0 {
			p.say("", "ui.watch-more", "n", p.number(int64(more)))
			p.gap()
		}
	}
	if w.assets != nil && !w.f.follow && w.queue == nil {
		found := w.assets.Table.All()
		for _, s := range found[:min(len(found), w.f.limit)] {
			w.writeFinding(p, s)
		}
	}
	switch {
	case len(list) > 0 || w.found():
	case w.unread > 0:
		p.say("", "ui.watch-nothing-read", "n", p.number(w.unread))
	default:
		p.say("", "ui.watch-nothing")
	}
	c := w.pass.Counts
	p.say("", "ui.watch-read", "lines", p.number(c.Lines), "size", p.size(c.Bytes), "time", fmt.Sprintf("%.1f s", took.Seconds()), "hits", p.number(w.table.Hits), "sightings", p.number(int64(len(list))))
	if c.Failed+c.TooLong+c.Changed+c.Backwards > 0 {
		p.say("", "ui.watch-failed", "failed", p.number(c.Failed), "binary", p.number(c.Binary), "text", p.number(c.AsText), "long", p.number(c.TooLong), "changed", p.number(c.Changed), "back", p.number(c.Backwards))
	}
	if c.Stray > 0 {
		p.say("", "ui.watch-stray", "n", p.number(c.Stray))
	}
	if w.assets != nil {
		p.say("", "ui.watch-findings", "n", p.number(int64(w.assets.Table.Len())), "names", p.number(w.assets.Looked), "beyond", p.number(w.assets.Table.Beyond))
	}
	if w.table.Beyond > 0 {
		p.say("", "ui.watch-beyond", "n", p.number(w.table.Beyond))
	}
	_, err := io.WriteString(w.a.out, p.String())
	return errors.Join(err, w.err)
}
