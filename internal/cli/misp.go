package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"entente/internal/node"
	"entente/misp"
)

const (
	mispHeadersEnv  = "ENTENTE_MISP_HEADERS"
	maxMISPHeaders  = 16 << 10         // a file with headers, in bytes
	maxMISPState    = 128 << 20        // a state file, in bytes
	maxMISPKept     = 1 << 20          // events that a state names
	maxMISPManifest = 64 << 20         // a manifest, in bytes
	maxMISPEvent    = 64 << 20         // the file of one event, in bytes
	mispChunk       = 16 << 20         // bytes of events after which they are taken in and the state is kept
	maxMISPTime     = 10 * time.Minute // for one file to come
	mispStateForm   = 1
)

func (a *app) mispCommand() *cobra.Command {
	return group("misp", "Read from MISP feeds of others", `URL is that of a feed of events: the folder in which manifest.json lies. A MISP
instance exports one, other nodes serve one under /feeds/misp.`,
		[]string{"entente misp pull https://misp.example/feed/ --state misp.state --dry-run"}, a.mispPull())
}

// mispPulled is the answer of 'misp pull'.
type mispPulled struct {
	Feed   string `json:"feed"`
	Events int64  `json:"events"` // that the manifest names
	Same   int64  `json:"same"`   // of them, known as they are
	Pulled int64  `json:"pulled"`
	// Gone are events that are known and that the manifest names no more: what they brought stays, as in MISP.
	Gone     int64            `json:"gone"`
	BadCount int64            `json:"bad_count"`     // entries and events that cannot be used
	Bad      []node.BadObject `json:"bad,omitempty"` // at most 1,000
	More     bool             `json:"more"`          // there is more to pull (--max-events, or it broke off)

	Import node.ImportResponse `json:"import"`
}

// mispState is the state file: which events are known, and in which state each.
type mispState struct {
	Version int                  `json:"version"`
	Feed    string               `json:"feed"`
	Events  map[string]mispKnown `json:"events"` // by UUID
}

type mispKnown struct {
	Timestamp int64  `json:"timestamp"`
	SHA256    string `json:"sha256"` // of the file as it came
}

// mispPuller is one pull under way.
type mispPuller struct {
	a              *app
	link           *taxiiLink // tls, plain
	headers, state string
	in             node.ImportRequest
	most           int64

	base   *url.URL
	client *http.Client
	header http.Header
	answer mispPulled
	kept   mispState
	read   map[string]mispKnown // in chunk, not yet taken in
	chunk  bytes.Buffer
}

func (a *app) mispPull() *cobra.Command {
	p := &mispPuller{a: a, link: &taxiiLink{a: a}}
	cmd := command{
		use: "pull URL", short: "Take in a MISP feed",
		long: `Reads the manifest of a feed and takes in the events that are new or have changed, as
'entente import' takes in MISP events: what cannot be read is listed, and the rest comes
in. Where the manifest states the hash of an event's file, another file is refused.

With --state a file keeps which events are known, so that the next run fetches only what
has changed, and a run that breaks off goes on where it was. An event that has left the
feed is counted, and what it brought stays; an attribute that its event calls deleted, or
wants to be looked for no more, leaves this node's feeds.

Headers that the server asks for, such as a credential, are in a file (--headers) or in
the environment (` + mispHeadersEnv + `), one "Name: value" a line, and never on the
command line.`,
		examples: []string{"entente misp pull https://misp.example/feed/ --state misp.state --unmarked amber",
			"entente misp pull https://partner.example/feeds/misp --headers partner.headers --state partner.state --dry-run --json"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if err := p.begin(args[0]); err != nil {
				return err
			}
			err := p.run(ctx)
			if err != nil && p.answer.Events == 0 {
				return err
			}
			if shown := a.show(&p.answer, func(w *printer) { p.write(w) }); shown != nil {
				return shown
			}
			return err
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&p.headers, "headers", "", "file with headers that others cannot read (default: what $"+mispHeadersEnv+" holds)")
	f.StringVar(&p.link.ca, "ca", "", "file with the certificates (PEM) of the authorities to trust, instead of the system's")
	f.StringVar(&p.link.pin, "pin", "", "SHA-256 (hex) of the server's public key: no other is talked to; without --ca it need not be certified")
	f.BoolVar(&p.link.plain, "allow-http", false, "send the headers over http:// to another machine, for all on the way to read")
	f.StringVar(&p.state, "state", "", "file that keeps which events are known; made if it is not there")
	f.BoolVar(&p.in.DryRun, "dry-run", false, "show what would come in, keep nothing, not even the state")
	f.StringVar(&p.in.Name, "name", "", "the source's name (default: misp:HOST)")
	f.StringVar(&p.in.Unmarked, "unmarked", "", "TLP you state for objects without one")
	f.StringVar(&p.in.Note, "note", "", "for the own records")
	f.Int64Var(&p.most, "max-events", 0, "stop after so many events were fetched (0: all)")
	return cmd
}

// begin looks at what was asked for, and finds out where to go on.
func (p *mispPuller) begin(feed string) error {
	u, err := url.Parse(feed)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return usage("usage.no-feed", "text", feed)
	}
	if p.most < 0 {
		return usage("usage.least", "flag", "--max-events", "least", "0")
	}
	u.Path = strings.TrimSuffix(u.Path, "/"+misp.ManifestName)
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	u.RawPath = ""
	p.base = u
	if p.header, err = p.readHeaders(); err != nil {
		return err
	}
	if u.Scheme == "http" && len(p.header) > 0 && !p.link.plain && !sameMachine(u.Hostname()) {
		return &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The headers are not sent over http:// to another machine.",
			Why: "All on the way to " + u.Host + " could read and use them.", Next: "Use https://, or say --allow-http if something else protects the way."}
	}
	config, err := p.link.tls()
	if err != nil {
		return err
	}
	p.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 20 * time.Second}).DialContext, TLSClientConfig: config,
			TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: 2 * time.Minute, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= 3 || r.URL.Scheme != u.Scheme || r.URL.Host != u.Host {
				return fmt.Errorf("%w: %s", errMISPElsewhere, r.URL.Host)
			}
			return nil
		},
	}
	p.answer.Feed = u.String()
	p.answer.Import = node.ImportResponse{Types: map[string]int{}, DryRun: p.in.DryRun, Format: "misp"}
	if p.in.Name == "" {
		p.in.Name = excerpt("misp:"+u.Host, 190)
	}
	p.in.As = "misp"
	p.read = map[string]mispKnown{}
	return p.readState()
}

var errMISPElsewhere = errors.New("it points to another address")

// readHeaders reads what is sent with each request.
func (p *mispPuller) readHeaders() (http.Header, error) {
	text, from := p.a.env(mispHeadersEnv), "$"+mispHeadersEnv
	if p.headers != "" {
		b, err := readSmall(p.headers, maxMISPHeaders, true)
		if err != nil {
			return nil, err
		}
		text, from = string(b), p.headers
	}
	h := http.Header{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || strings.EqualFold(name, "Host") {
			return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The headers in " + from + " cannot be used.",
				Why: "A line is not \"Name: value\".", Next: "Write one a line, as in Authorization: KEY."}
		}
		h.Add(name, value)
	}
	return h, nil
}

func (p *mispPuller) readState() error {
	p.kept = mispState{Version: mispStateForm, Feed: p.base.String(), Events: map[string]mispKnown{}}
	if p.state == "" {
		return nil
	}
	text, err := readSmall(p.state, maxMISPState, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var s mispState
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	why := ""
	switch err := d.Decode(&s); {
	case err != nil || s.Version != mispStateForm || s.Events == nil:
		why = "It is no state file of this program, or of a newer one."
	case s.Feed != p.kept.Feed:
		why = "It is of the feed " + s.Feed + "."
	default:
		p.kept = s
		return nil
	}
	return &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The state in " + p.state + " cannot be used.", Why: why,
		Next: "Use a file of its own for each feed; without one everything is fetched again, and what is known is not taken in twice."}
}

// open asks for a file of the feed. It says fs.ErrNotExist of one that is not there.
func (p *mispPuller) open(ctx context.Context, name string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxMISPTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base.JoinPath(name).String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = p.header.Clone()
	r.Header.Set("Accept", "application/json")
	res, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	case res.StatusCode != http.StatusOK:
		return nil, &mispStatus{name, res.StatusCode}
	}
	// What is packed is unpacked by now: the bound is on what it holds.
	b, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s: %w: at most %s are read", name, misp.ErrTooLarge, size(most))
	}
	return b, nil
}

// mispStatus is an answer that is no file.
type mispStatus struct {
	name string
	code int
}

func (e *mispStatus) Error() string {
	return e.name + ": the server answered " + strconv.Itoa(e.code) + " " + http.StatusText(e.code)
}

// remote says for people what went wrong at the server. What lies in it of a fault is that of one event.
func (p *mispPuller) remote(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	told := &node.Error{Code: codeRemote, Status: http.StatusBadGateway, What: "The feed could not be read.", Why: err.Error() + ".", Err: err,
		Next: "Check the address (manifest.json lies directly below it), and whether the server runs. What was taken in until then stays."}
	var status *mispStatus
	var own *node.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &status) && (status.code == http.StatusUnauthorized || status.code == http.StatusForbidden):
		told.Next = "Give the headers that it asks for: --headers FILE, or $" + mispHeadersEnv + "."
	case errors.Is(err, errMISPElsewhere):
		told.Next = "Name the other address if that is meant: it then gets the headers."
	default:
		if shown, ok := taxiiError(err).(*node.Error); ok && shown.What == "The server does not prove who it is." || errors.As(err, new(*pinError)) {
			return taxiiError(err)
		}
	}
	return told
}

func (p *mispPuller) bad(path, reason string) {
	p.answer.BadCount++
	if len(p.answer.Bad) < maxTAXIIListed {
		p.answer.Bad = append(p.answer.Bad, node.BadObject{Path: excerpt(path, 100), Reason: excerpt(reason, 300)})
	}
}

// run takes in what is new.
func (p *mispPuller) run(ctx context.Context) error {
	text, err := p.open(ctx, misp.ManifestName, maxMISPManifest)
	if err != nil {
		return p.remote(err)
	}
	var todo []misp.ManifestEntry
	named := map[string]bool{}
	for e, err := range misp.ReadManifest(bytes.NewReader(text), misp.FeedLimits{MaxManifestBytes: maxMISPManifest, MaxEvents: maxMISPKept}) {
		var refused *misp.Error
		if errors.As(err, &refused) && !refused.Fatal {
			p.answer.Events++
			p.bad(misp.ManifestName, err.Error())
			continue
		}
		if err != nil {
			return p.remote(fmt.Errorf("%s: %w", misp.ManifestName, err))
		}
		p.answer.Events++
		uuid := strings.ToLower(e.UUID)
		named[uuid] = true
		at, _ := e.Timestamp()
		if known, ok := p.kept.Events[uuid]; ok && known.Timestamp >= at.Unix() && (e.SHA256() == "" || e.SHA256() == known.SHA256) {
			p.answer.Same++
			continue
		}
		todo = append(todo, e)
	}
	for uuid := range p.kept.Events {
		if !named[uuid] {
			p.answer.Gone++
			if len(p.kept.Events)+len(todo) > maxMISPKept {
				delete(p.kept.Events, uuid) // it would be fetched again if it came back
			}
		}
	}
	bar := p.a.progress("pull")
	defer bar.done()
	var failed error
	for i, e := range todo {
		if p.most > 0 && p.answer.Pulled+int64(len(p.read)) >= p.most {
			p.answer.More = true
			break
		}
		if failed = p.event(ctx, e); failed != nil {
			p.answer.More = true
			break
		}
		bar.set(node.Progress{Stage: "pull", Done: int64(i + 1), Total: int64(len(todo)), Unit: "events"})
		if p.chunk.Len() >= mispChunk {
			if err := p.keep(ctx); err != nil {
				return err
			}
		}
	}
	return errors.Join(failed, p.keep(ctx))
}

// event fetches one event. An event that cannot be used is listed; the others come.
func (p *mispPuller) event(ctx context.Context, e misp.ManifestEntry) error {
	name, ok := misp.EventFile(e.UUID)
	if !ok {
		p.bad(e.UUID, "it is no UUID")
		return nil
	}
	var raw []byte
	feed := misp.NewFeed(func(name string) (io.ReadCloser, error) {
		var err error
		raw, err = p.open(ctx, name, maxMISPEvent)
		return io.NopCloser(bytes.NewReader(raw)), err
	}, misp.FeedLimits{Limits: misp.Limits{MaxEventBytes: maxMISPEvent, MaxElementBytes: maxMISPEvent, MaxHeaderBytes: maxMISPEvent}})
	_, err := feed.Event(e)
	var refused *misp.Error
	switch {
	case err == nil:
	case errors.As(err, &refused), errors.Is(err, fs.ErrNotExist), errors.Is(err, misp.ErrTooLarge):
		p.bad(name, err.Error())
		return nil
	default:
		return p.remote(err)
	}
	at, _ := e.Timestamp()
	sum := sha256.Sum256(raw)
	p.read[strings.ToLower(e.UUID)] = mispKnown{Timestamp: at.Unix(), SHA256: hex.EncodeToString(sum[:])}
	p.chunk.Write(raw)
	p.chunk.WriteByte('\n')
	return nil
}

// keep takes in what was fetched, and notes it in the state.
func (p *mispPuller) keep(ctx context.Context) error {
	if len(p.read) == 0 {
		return nil
	}
	r := new(node.ImportResponse)
	if err := p.a.long(ctx, "import", p.in, bufio.NewReader(bytes.NewReader(p.chunk.Bytes())), r); err != nil && !p.unusable(err) {
		p.answer.More = true
		return err
	}
	sum := &imported{ImportResponse: p.answer.Import}
	sum.add(p.in.Name, r)
	sum.Bad = sum.Bad[:min(len(sum.Bad), maxTAXIIListed)]
	p.answer.Import = sum.ImportResponse
	p.answer.Pulled += int64(len(p.read))
	for uuid, known := range p.read {
		p.kept.Events[uuid] = known
	}
	clear(p.read)
	p.chunk.Reset()
	if p.state == "" || p.in.DryRun {
		return nil
	}
	text, err := json.Marshal(p.kept)
	if err == nil {
		err = p.a.saveText(p.state, string(text)+"\n")
	}
	if err != nil {
		return fmt.Errorf("the state: %w", err)
	}
	return nil
}

// unusable tells whether a chunk was refused because none of its events can be taken in, and lists them: a feed must not be
// able to hold up what comes behind them.
func (p *mispPuller) unusable(err error) bool {
	var told *node.Error
	if !errors.As(err, &told) || told.Code != node.CodeBadInput {
		return false
	}
	var why []string
	for e, err := range misp.NewReader(bytes.NewReader(p.chunk.Bytes()), misp.Limits{MaxEventBytes: maxMISPEvent}).Events() {
		if err == nil {
			_, err = misp.ToSTIX(e, misp.ToOptions{TLP2: true})
		}
		if err == nil {
			return false
		}
		why = append(why, err.Error())
	}
	for _, w := range why {
		p.bad("event", w)
	}
	return true
}

func (p *mispPuller) write(w *printer) {
	r := &p.answer
	w.say("", "cli.misp-pulled", "events", w.many("cli.n-events", r.Pulled), "all", strconv.FormatInt(r.Events, 10), "feed", r.Feed, "same", strconv.FormatInt(r.Same, 10))
	if r.Gone > 0 {
		w.say("", "cli.misp-gone", "events", w.many("cli.n-events", r.Gone))
	}
	for _, b := range r.Bad {
		w.f("  %s: %s", b.Path, w.tell(b.Reason))
	}
	if r.BadCount > 0 {
		w.say("", "cli.left-out", "things", w.many("cli.n-events", r.BadCount))
	}
	if r.Pulled > 0 {
		writeImported(w, &imported{ImportResponse: r.Import, Files: []importedFile{{Name: p.in.Name, ImportResponse: r.Import}}})
	}
	if r.More {
		w.note("", "cli.more-to-pull")
	}
}
