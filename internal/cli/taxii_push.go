package cli

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"

	"time"

	"github.com/spf13/cobra"

	"entente/internal/lang"
	"entente/internal/node"
	"entente/stix"
	"entente/taxii"
)

const (
	maxTAXIIListed      = 1000     // objects listed of a kind: held, bad; further ones are counted
	maxTAXIIDefinitions = 10_000   // marking definitions that are kept in mind
	maxTAXIIStream      = 16 << 30 // bytes of one file, after decompression
	taxiiSearchPage     = 200      // objects that are asked of the node at a time
)

// pushed is the answer of 'taxii push'.
type pushed struct {
	Server     string           `json:"server"`
	Collection string           `json:"collection"`
	Title      string           `json:"title"`
	DryRun     bool             `json:"dry_run,omitempty"`
	TLP        string           `json:"tlp"`      // what goes out is marked no stricter
	Selected   int64            `json:"selected"` // objects that were looked at
	Outgoing   int64            `json:"outgoing"` // of them, what may go out
	HeldCount  int64            `json:"held_count"`
	Held       []heldObject     `json:"held,omitempty"` // at most 1,000
	BadCount   int64            `json:"bad_count"`
	Bad        []node.BadObject `json:"bad,omitempty"` // at most 1,000: what cannot be read
	// Report is what the server said.
	Report taxii.PushReport `json:"report"`
}

// heldObject is one that does not go out.
type heldObject struct {
	ID     string `json:"id"`
	TLP    string `json:"tlp,omitempty"`
	Reason string `json:"reason"`

	why  string // the key of the reason, and what fills it
	args []any
}

func (a *app) taxiiPush() *cobra.Command {
	var link *taxiiLink
	p := &pusher{a: a, stream: maxTAXIIStream}
	var tlp, unmarked string
	cmd := command{
		use: "push URL COLLECTION [FILE...]", short: "Add objects to a collection of a TAXII server",
		long: `Sends the objects of STIX files (a bundle, a list, one object a line; plain or with
gzip), or accepted objects of this node chosen with exactly one of --id, --source,
--value, --all (with --type to narrow it), byte for byte as they are.

Who reads that server is not known here, so only what is TLP:CLEAR goes out. You state
with --tlp that readers may have more: what nobody marked counts as amber+strict
unless you state otherwise with --unmarked, RED goes nowhere, an object under a
marking that is not known here stays, and so does what only a partner brought:
handing that on is a matter of the accord ('entente share').

Requests have at most the server's max_content_length. Each object that the server
refuses is listed. Exit code 3 when nothing was let out, 1 when some could not be
read or were refused by the server.`,
		examples: []string{"entente taxii push https://taxii.example/ inbox bundle.json --dry-run", "entente taxii push https://taxii.example/ inbox --source feed.csv --tlp green",
			"entente taxii push https://taxii.example/ inbox --all --type indicator --tlp green --unmarked clear --credentials taxii.secret"},
		args: cobra.MinimumNArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			p.files = args[2:]
			chosen := 0
			for _, set := range []bool{len(p.files) > 0, len(p.ids) > 0, p.in.Source != "", p.in.Value != "", p.all} {
				if set {
					chosen++
				}
			}
			if chosen != 1 {
				return usage("usage.push-what", "flags", "--id, --source, --value, --all")
			}
			var err error
			if p.most, err = outgoingTLP("--tlp", tlp); err != nil {
				return err
			}
			if p.unmarked, err = outgoingTLP("--unmarked", unmarked); err != nil {
				return err
			}
			c, err := link.client(args[0])
			if err != nil {
				return err
			}
			ref, info, err := c.Find(ctx, args[1])
			if err != nil {
				return taxiiError(err)
			}
			p.answer = pushed{Server: args[0], Collection: ref.Collection, Title: info.Title, DryRun: p.dryRun, TLP: p.most.String()}
			if !info.CanWrite {
				return &node.Error{Code: codeRemote, Status: http.StatusForbidden, What: "The collection cannot be written to.",
					Why: "The server says so of this credential (can_write is false). Nothing was sent.", Next: "Use another credential, or ask whoever runs the server."}
			}
			err = p.run(ctx, c, ref)
			r := &p.answer
			switch {
			case r.Report.Failure > 0 || r.Report.Pending > 0 || r.BadCount > 0:
				a.code = exitFailed
			case r.HeldCount > 0 && r.Outgoing == 0:
				a.code = exitGate
			}
			if err != nil && r.Selected == 0 {
				return err
			}
			if shown := a.show(r, func(w *printer) { writePushed(w, r) }); shown != nil {
				return shown
			}
			return err
		},
	}.build()
	link = a.taxiiFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&p.ids, "id", nil, "STIX id; repeatable")
	f.StringVar(&p.in.Source, "source", "", "everything imported from this source")
	f.StringVar(&p.in.Value, "value", "", "everything about this observable value")
	f.StringVar(&p.in.Type, "type", "", "only objects of this STIX type")
	f.BoolVar(&p.all, "all", false, "everything that is accepted")
	f.StringVar(&tlp, "tlp", "clear", "the strictest marking that you let out to this server: clear, green, amber or amber+strict")
	f.StringVar(&unmarked, "unmarked", "amber+strict", "TLP you state for objects that nobody marked")
	f.BoolVar(&p.dryRun, "dry-run", false, "show what would go out, send nothing")
	f.BoolVar(&p.options.Gzip, "gzip", false, "compress requests, for a server that takes that")
	f.IntVar(&p.options.Batch, "batch", 0, "objects of one request (default 5000)")
	f.DurationVar(&p.options.Wait, "wait", 10*time.Minute, "how long the server may take to decide about one request")
	return cmd
}

// outgoingTLP reads a level that something may have and still go to a server.
func outgoingTLP(flag, text string) (stix.TLP, error) {
	t, err := stix.ParseTLP(text)
	if err != nil || t == stix.TLPNone {
		return t, usage("usage.flag-is", "flag", flag, "values", "clear, green, amber, amber+strict")
	}
	if t == stix.TLPRed {
		return t, usage("usage.no-red", "flag", flag)
	}
	return t, nil
}

// pusher is one push under way.
type pusher struct {
	a              *app
	files          []string
	ids            []string
	all            bool
	in             node.SearchRequest
	most, unmarked stix.TLP
	dryRun         bool
	options        taxii.PushOptions
	stream         int64 // bytes of one file

	answer  pushed
	bar     *progress
	defined map[string]*stix.Object                                    // marking definitions; nil: not to be found
	look    func(ctx context.Context, id string) (*stix.Object, error) // in the node; nil: there is none
	failed  error                                                      // of look
}

func (p *pusher) run(ctx context.Context, c *taxii.Client, ref taxii.Ref) error {
	p.bar = p.a.progress("push")
	defer p.bar.done()
	p.defined = map[string]*stix.Object{}
	if len(p.files) > 0 {
		return p.send(ctx, c, ref, p.fromFiles(ctx))
	}
	return p.a.with(ctx, func(s *session) error {
		p.look = func(ctx context.Context, id string) (*stix.Object, error) {
			var r node.SearchResponse
			if err := s.Call(ctx, "search", node.SearchRequest{ID: id, Limit: 1}, &r); err != nil || len(r.Objects) == 0 {
				return nil, err
			}
			return stix.Parse(r.Objects[0].Object)
		}
		return p.send(ctx, c, ref, p.fromNode(ctx, s))
	})
}

func (p *pusher) send(ctx context.Context, c *taxii.Client, ref taxii.Ref, objects iter.Seq2[[]byte, error]) error {
	if p.dryRun {
		for _, err := range objects {
			if err != nil {
				return err
			}
		}
		return nil
	}
	report, err := c.Push(ctx, ref, objects, p.options)
	p.answer.Report = report
	if err != nil {
		var own *node.Error
		var reading *readingError
		if errors.As(err, &own) || errors.As(err, &reading) {
			return err
		}
		return taxiiError(err)
	}
	return nil
}

// readingError is a failure to read what was to be sent.
type readingError struct{ err error }

func (e *readingError) Error() string { return e.err.Error() }
func (e *readingError) Unwrap() error { return e.err }

// fromFiles yields what may go out of the files. A file that can be read again is read for its marking definitions first:
// they may stand behind what they mark.
func (p *pusher) fromFiles(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, name := range p.files {
			if name != "-" {
				err := p.eachOf(ctx, name, func(o *stix.Object, _ error, _ string) bool { p.define(o); return true })
				if err != nil {
					yield(nil, &readingError{err})
					return
				}
			}
			on := true
			err := p.eachOf(ctx, name, func(o *stix.Object, bad error, path string) bool {
				p.answer.Selected++
				if bad != nil {
					p.answer.BadCount++
					if len(p.answer.Bad) < maxTAXIIListed {
						p.answer.Bad = append(p.answer.Bad, node.BadObject{Path: name + ": " + path, Reason: bad.Error()})
					}
					return true
				}
				p.define(o)
				if p.lets(ctx, o, stix.TLPNone) {
					on = yield(o.Raw, nil)
				}
				return on
			})
			if !on {
				return
			}
			if err != nil {
				yield(nil, &readingError{fmt.Errorf("%s: %w", name, err)})
				return
			}
		}
	}
}

// eachOf calls f with what a file holds, good or bad, until it returns false.
func (p *pusher) eachOf(ctx context.Context, name string, f func(o *stix.Object, bad error, path string) bool) error {
	src := p.a.in
	if name != "-" {
		file, err := openFile(name)
		if err != nil {
			return err
		}
		defer file.Close()
		if src, err = sized(file); err != nil {
			return err
		}
	}
	plain, err := unzipped(src)
	if err != nil {
		return err
	}
	r := stix.NewReader(plain, stix.ReaderOptions{MaxStreamBytes: p.stream})
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		path := ""
		var bad *stix.ReadError
		switch {
		case err == nil:
		case errors.As(err, &bad) && !bad.Fatal:
			path, err = bad.Path, bad.Err
		default:
			return err
		}
		if !f(o, err, path) {
			return nil
		}
	}
}

// unzipped looks through gzip.
func unzipped(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := b.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return b, nil
	}
	return gzip.NewReader(b)
}

// fromNode yields what may go out of what the node knows.
func (p *pusher) fromNode(ctx context.Context, s *session) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		queries := []node.SearchRequest{p.in}
		if len(p.ids) > 0 {
			queries = queries[:0]
			for _, id := range p.ids {
				q := p.in
				q.ID = id
				queries = append(queries, q)
			}
		}
		for _, q := range queries {
			q.Limit = taxiiSearchPage
			for more := true; more; {
				var r node.SearchResponse
				if err := s.Call(ctx, "search", q, &r); err != nil {
					yield(nil, &readingError{err})
					return
				}
				for _, found := range r.Objects {
					raw, err := p.ofNode(ctx, &found)
					if err != nil {
						yield(nil, &readingError{err})
						return
					}
					if raw != nil && !yield(raw, nil) {
						return
					}
				}
				more, q.Next = r.Next != "", r.Next
			}
		}
	}
}

// ofNode decides about one object of the node; nil: it stays.
func (p *pusher) ofNode(ctx context.Context, found *node.FoundObject) ([]byte, error) {
	p.answer.Selected++
	o, err := stix.Parse(found.Object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", found.ID, err)
	}
	here, from, level := false, "", stix.TLPNone
	for _, v := range found.Provenance {
		if v.TLP != "" {
			t, err := stix.ParseTLP(v.TLP)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", found.ID, err)
			}
			level = max(level, t)
		}
		switch {
		case v.Ref != "":
			from = v.Source
		case v.State == "":
			here = true
		}
	}
	if !here {
		p.hold(o, stix.TLPNone, "cli.held-source", "source", from)
		return nil, nil
	}
	if !p.lets(ctx, o, level) {
		return nil, p.failed
	}
	return o.Raw, nil
}

// define keeps a marking definition in mind.
func (p *pusher) define(o *stix.Object) {
	if o != nil && o.Type == "marking-definition" && len(p.defined) < maxTAXIIDefinitions {
		p.defined[o.ID] = o
	}
}

// resolve finds a marking definition.
func (p *pusher) resolve(ctx context.Context) func(id string) *stix.Object {
	return func(id string) *stix.Object {
		o, known := p.defined[id]
		if known || p.look == nil || p.failed != nil {
			return o
		}
		o, err := p.look(ctx, id)
		if err != nil {
			p.failed = err
		}
		if len(p.defined) < maxTAXIIDefinitions {
			p.defined[id] = o
		}
		return o
	}
}

// lets tells whether an object goes out. level is the strictest marking that it came under otherwise.
func (p *pusher) lets(ctx context.Context, o *stix.Object, level stix.TLP) bool {
	p.bar.set(node.Progress{Stage: "push", Done: p.answer.Selected, Unit: "objects"})
	if _, fixed := stix.TLPOf(o.ID); fixed {
		p.answer.Outgoing++
		return true // what a level means is no secret
	}
	resolve := p.resolve(ctx)
	if unknown := o.UnknownMarkings(resolve); len(unknown) > 0 {
		p.hold(o, level, "cli.held-unknown", "marking", unknown[0])
		return false
	}
	own, _ := o.TLP(resolve)
	level = max(level, own)
	if p.failed != nil {
		return false
	}
	switch {
	case level == stix.TLPNone && p.unmarked > p.most:
		p.hold(o, level, "cli.held-unmarked", "tlp", p.unmarked.Label())
	case level == stix.TLPRed:
		p.hold(o, level, "cli.held-red")
	case level > p.most:
		p.hold(o, level, "cli.held-level", "tlp", level.Label())
	default:
		p.answer.Outgoing++
		return true
	}
	return false
}

// hold lists what stays; the reason is a text of the catalogs.
func (p *pusher) hold(o *stix.Object, level stix.TLP, why string, args ...any) {
	p.answer.HeldCount++
	if len(p.answer.Held) < maxTAXIIListed {
		p.answer.Held = append(p.answer.Held, heldObject{ID: o.ID, TLP: level.String(), Reason: lang.English().Text(why, args...), why: why, args: args})
	}
}

func writePushed(p *printer, r *pushed) {
	if r.DryRun {
		p.say("", "cli.would-push", "objects", p.many("ui.object-count", r.Outgoing), "all", p.number(r.Selected), "title", r.Title)
	} else {
		p.say("", "cli.pushed", "objects", p.many("ui.object-count", int64(r.Report.Success)), "title", r.Title, "refused", p.number(int64(r.Report.Failure)),
			"pending", p.number(int64(r.Report.Pending)), "requests", p.many("cli.n-http-requests", int64(r.Report.Requests)))
	}
	if r.HeldCount > 0 {
		p.gap()
		p.say("", "cli.not-let-out", "tlp", strings.ToUpper(r.TLP), "objects", p.many("ui.object-count", r.HeldCount))
		for i, h := range r.Held {
			if i == 20 {
				p.say("  ", "cli.more-json", "n", p.number(r.HeldCount-20))
				break
			}
			p.f("  %s: %s", h.ID, p.t(h.why, h.args...))
		}
	}
	if r.BadCount > 0 {
		p.gap()
		p.say("", "cli.not-readable", "objects", p.many("ui.object-count", r.BadCount))
		for i, b := range r.Bad {
			if i == 20 {
				p.say("  ", "cli.more-json", "n", p.number(r.BadCount-20))
				break
			}
			p.f("  %s: %s", b.Path, p.tell(b.Reason))
		}
	}
	for _, list := range []struct {
		heading string
		n       int64
		of      []taxii.StatusDetail
	}{{"cli.refused-by-server", int64(r.Report.Failure), r.Report.Failures}, {"cli.remarks-of-server", int64(len(r.Report.Remarks)), r.Report.Remarks}} {
		if list.n == 0 {
			continue
		}
		p.gap()
		p.say("", list.heading, "objects", p.many("ui.object-count", list.n))
		for i, d := range list.of {
			if i == 20 {
				p.say("  ", "cli.more-json", "n", p.number(list.n-20))
				break
			}
			p.f("  %s %s: %s", d.ID, d.Version, d.Message)
		}
	}
}
