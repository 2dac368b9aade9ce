// Package demo lets two parties, North and South, live through the whole story
// of a unit on one machine. It drives two real nodes through their API, exactly
// as two officers would: nothing in it takes a shortcut that a deployment could
// not take.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"entente/internal/api"
	"entente/internal/node"
)

// Ready is what a serving node tells: the addresses it answers on.
type Ready struct {
	Pages string // base URL of the pages
	API   string // base URL of the API
	TAXII string // URL of TAXII discovery
	Peer  string // host:port partners connect to
}

// Options say how the demo runs.
type Options struct {
	Out    io.Writer
	Once   bool     // stop when the story is told
	JSON   bool     // print one line for programs instead of the story
	Import []string // files that are imported at North and shared as well
	Keep   string   // folder that receives north/, south/, what they export and the evidence
	Port   int      // first of four ports; 0 picks free ones
	// Program runs the program with a command line of a subcommand, and gives what it printed and its exit code.
	Program func(ctx context.Context, args ...string) (out []byte, code int)
	// Serve runs a node's folder until ctx ends, as 'entente serve' does, and
	// calls ready once it answers.
	Serve func(ctx context.Context, dir string, ready func(Ready)) error
}

// party is one side of the story.
type party struct {
	name  string
	dir   string
	init  *node.InitResult
	ready Ready
	taxii string // token of an analyst's TAXII client
	// language is that of its pages: two parties need not share one.
	language string
	*api.Client
	stop   context.CancelFunc
	served chan error
}

// story is the demo under way.
type story struct {
	o            Options
	dir          string
	north, south *party
	unit         string
	accord       string
	registry     struct{ unit, incident, request string } // the longer story
	drafted      struct{ incident, request string }       // what South's node drafted about the attack
	say          *narrator
	dossier      string
}

// startTimeout bounds how long a node may take to answer; stepTimeout how long
// one party waits for the other to have something.
const (
	startTimeout = 30 * time.Second
	stepTimeout  = 60 * time.Second
)

// Run tells the story. It fails at the first step that does not hold.
func Run(ctx context.Context, o Options) (err error) {
	s := &story{o: o, say: &narrator{out: o.Out, quiet: o.JSON}}
	if err := s.folder(); err != nil {
		return err
	}
	if o.Keep == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, step := range s.steps() {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("demo, step %q: %w", step.title, err)
		}
	}
	if o.Once && !o.JSON {
		s.say.end("Every step held.")
		return nil
	}
	if err := s.invite(ctx); err != nil || o.Once {
		return err
	}
	<-ctx.Done()
	return nil
}

// folder makes the place where the two nodes live.
func (s *story) folder() (err error) {
	if s.o.Keep == "" {
		s.dir, err = os.MkdirTemp("", "entente-demo-")
		return err
	}
	if s.dir, err = filepath.Abs(s.o.Keep); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"north", "south", "logs", "evidence", "dossier.entente", "register.entente", "statement.entente"} {
		if _, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			return &node.Error{Code: "exists", Status: 409, What: "The folder " + s.dir + " holds a story already.",
				Why: "There is " + name + " in it, and a story is never written over.", Next: "Name another folder with --keep, or remove it."}
		}
	}
	return nil
}

// ports picks n addresses on loopback. Free ones are looked for below those that systems hand out by themselves, or one could be
// somebody's before its node listens there.
func (s *story) ports(n int) ([]string, error) {
	var out []string
	for i := range n {
		if s.o.Port > 0 {
			out = append(out, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.o.Port+i)))
			continue
		}
		var l net.Listener
		var err error
		for range 100 {
			if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(10_000)))); err == nil {
				break
			}
		}
		if err != nil {
			return nil, err
		}
		defer l.Close() // all held until all are picked, so that they differ
		out = append(out, l.Addr().String())
	}
	return out, nil
}

// start makes a party and serves it.
func (s *story) start(ctx context.Context, name, language, peerAddr, httpAddr string) (*party, error) {
	p := &party{name: name, dir: filepath.Join(s.dir, strings.ToLower(name)), language: language, served: make(chan error, 1)}
	var err error
	p.init, err = node.Init(ctx, p.dir, node.InitOptions{
		Name: name, PeerListen: peerAddr, HTTPListen: httpAddr, Agency: "CERT", Role: "duty-officer"}, node.Options{})
	if err != nil {
		return nil, err
	}
	if name == "North" {
		if err := scratch(p.dir); err != nil {
			return nil, err
		}
	}
	if err := s.serve(ctx, p); err != nil {
		return p, err
	}
	scopes := []node.Scope{node.ScopeRead}
	if name == "North" {
		scopes = append(scopes, node.ScopeTAXIIWrite+":"+scratchAlias)
	}
	var made node.TokenNewResponse
	err = p.Call(ctx, "token.new", node.TokenNewRequest{Name: analyst, Scopes: scopes}, &made)
	p.taxii = made.Secret
	return p, err
}

// analyst is the user that TAXII clients of the demo name beside a token that reads everything accepted. The TAXII user of
// init is for sensors: it is not shown what the guard keeps back, and writes nowhere.
const analyst = "analyst"

func (s *story) serve(ctx context.Context, p *party) error {
	ctx, p.stop = context.WithCancel(ctx)
	ready := make(chan Ready, 1)
	go func() { p.served <- s.o.Serve(ctx, p.dir, func(r Ready) { ready <- r }) }()
	select {
	case p.ready = <-ready:
	case err := <-p.served:
		p.served <- nil
		return fmt.Errorf("%s does not start: %w", p.name, err)
	case <-time.After(startTimeout):
		return fmt.Errorf("%s did not answer within %s", p.name, startTimeout)
	}
	p.Client = api.TCP(p.ready.Pages, p.init.APIToken)
	return nil
}

// stop ends both nodes and waits for them.
func (s *story) stop() error {
	var errs []error
	for _, p := range []*party{s.north, s.south} {
		if p == nil || p.stop == nil {
			continue
		}
		if p.Client != nil {
			p.Client.Close()
		}
		p.stop()
		if err := <-p.served; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
		p.stop = nil
	}
	return errors.Join(errs...)
}

// eventually asks again until the answer is there.
func eventually(ctx context.Context, what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	for {
		ok, err := ask()
		if err != nil {
			return err
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not happen within %s", what, stepTimeout)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// programs is the line that --json prints.
type programs struct {
	Ready   bool           `json:"ready"`
	Unit    string         `json:"unit"`
	Accord  string         `json:"accord"`
	Dossier string         `json:"dossier"`
	Parties []programParty `json:"parties"`
}

type programParty struct {
	Name        string             `json:"name"`
	Party       string             `json:"party"`
	Dir         string             `json:"dir"`
	Pages       string             `json:"pages"`
	SignedIn    string             `json:"signed_in"` // the pages, signed in, in the party's language
	API         string             `json:"api"`
	Peer        string             `json:"peer"`
	TAXII       programTAXII       `json:"taxii"`
	Credentials programCredentials `json:"credentials"`
}

type programTAXII struct {
	Discovery   string              `json:"discovery"`
	APIRoot     string              `json:"api_root"`
	Collections []programCollection `json:"collections"`
}

type programCollection struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Alias string `json:"alias,omitempty"`
	URL   string `json:"url"`
}

type programCredentials struct {
	APIToken      string `json:"api_token"`
	TAXIIUser     string `json:"taxii_user"`
	TAXIIPassword string `json:"taxii_password"`
}

// invite tells people and programs where to go on from here.
func (s *story) invite(ctx context.Context) error {
	out := programs{Ready: true, Unit: s.unit, Accord: s.accord, Dossier: s.dossier}
	for _, p := range []*party{s.north, s.south} {
		t := &taxiiClient{party: p}
		root, collections, err := t.collections(ctx)
		if err != nil {
			return err
		}
		q := url.Values{"token": {p.init.APIToken}, "lang": {p.language}}
		pp := programParty{Name: p.name, Party: p.init.Party, Dir: p.dir, Pages: p.ready.Pages, SignedIn: p.ready.Pages + "?" + q.Encode(), API: p.ready.API, Peer: p.ready.Peer,
			TAXII:       programTAXII{Discovery: p.ready.TAXII, APIRoot: root},
			Credentials: programCredentials{p.init.APIToken, analyst, p.taxii}}
		for _, c := range collections {
			pp.TAXII.Collections = append(pp.TAXII.Collections, programCollection{c.ID, c.Title, c.Alias, root + "collections/" + c.ID + "/"})
		}
		out.Parties = append(out.Parties, pp)
	}
	if s.o.JSON {
		return json.NewEncoder(s.o.Out).Encode(out)
	}
	s.say.end("Every step held. Both nodes keep running; Ctrl-C ends the demo.")
	for _, p := range out.Parties {
		s.say.plain("%s", p.Name)
		s.say.plain("  pages   %s", p.SignedIn)
		s.say.plain("  API     curl -s -X POST -H 'Authorization: Bearer %s' %sstatus", p.Credentials.APIToken, p.API)
		s.say.plain("  TAXII   curl -s -u %s:%s -H 'Accept: application/taxii+json;version=2.1' %scollections/", p.Credentials.TAXIIUser, p.Credentials.TAXIIPassword, p.TAXII.APIRoot)
		s.say.plain("  CLI     entente status --dir %s", p.Dir)
	}
	s.say.plain("Open the two pages side by side: they are signed in, North in English and South in Vietnamese.")
	s.say.plain("Dossier   entente verify %s", s.dossier)
	return nil
}
