package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"entente/internal/api"
	"entente/internal/node"
	"entente/internal/web"
)

// Bounds of the HTTP server. Operations of the API that stream have deadlines
// of their own.
const (
	maxConnections = 512
	maxHeader      = 128 << 10
	shutdownGrace  = 10 * time.Second

	// memoryGoal is what the memory manager of a serving node works towards before it takes more, beside what is in
	// use: a soft limit, not a wall. GOMEMLIMIT in the environment replaces it.
	memoryGoal = 96 << 20
	memoryLook = time.Second // between two looks at what is in use
	memorySpan = 60          // looks of which the one counts that found least: what is in use for a moment does not move the goal
)

// serving is what a program learns once the node is ready.
type serving struct {
	Ready   bool   `json:"ready"`
	Name    string `json:"name"`
	Party   string `json:"party"`
	Dir     string `json:"dir"`
	Pages   string `json:"pages,omitempty"`
	API     string `json:"api,omitempty"`
	TAXII   string `json:"taxii,omitempty"`
	Peer    string `json:"peer,omitempty"`
	Control string `json:"control"`
	PID     int    `json:"pid"`

	exposed bool // the pages are reachable from other machines
}

func (a *app) serveCommand() *cobra.Command {
	var httpListen, peerListen string
	cmd := command{
		use: "serve", short: "Run the node: partners, pages, API, TAXII",
		long: `Opens the folder and listens: for partners (peer.listen), for people and programs
(http.listen: pages at /, API at /api/v1/, TAXII at /taxii2/), and for commands on
this machine (control.sock in the folder). Syncs with partners on its own. Stops
on Ctrl-C or SIGTERM, after what is under way is done. With --json it prints one
line when it is ready.`,
		examples: []string{"entente serve", "entente serve --dir /srv/entente --http-listen 127.0.0.1:8420", "entente serve --json --peer-listen none"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			level := slog.LevelInfo
			if a.quiet {
				level = slog.LevelWarn
			}
			log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
			return serve(ctx, dir, httpListen, peerListen, log, func(r serving) error {
				return a.show(r, func(p *printer) { writeReady(p, &r) })
			})
		},
	}.build()
	cmd.Flags().StringVar(&httpListen, "http-listen", "", "host:port of pages, API and TAXII, or none (default: the configuration's)")
	cmd.Flags().StringVar(&peerListen, "peer-listen", "", "host:port where partners connect, or none (default: the configuration's)")
	return cmd
}

// serve runs the node of a folder until ctx ends and calls ready once it
// answers. An empty address means the configuration's.
func serve(ctx context.Context, dir, httpListen, peerListen string, log *slog.Logger, ready func(serving) error) (err error) {
	opened := make(chan struct{})
	if os.Getenv("GOMEMLIMIT") == "" {
		looking, stop := context.WithCancel(ctx)
		defer stop()
		go new(memory).follow(looking, opened)
	}
	n, err := openWhenFree(ctx, dir, node.Options{Version: version(), Log: log})
	if err != nil {
		return err
	}
	runtime.GC() // what only the start took
	close(opened)
	defer func() { err = errors.Join(err, n.Close()) }()
	// Before anybody is listened to: two nodes that start at once must not wait for
	// each other.
	if err := n.Establish(ctx); err != nil {
		return ended(err)
	}

	told := serving{Ready: true, Dir: dir, Control: filepath.Join(dir, controlSocket), PID: os.Getpid()}
	cfg := n.Config()
	control, err := listenControl(dir)
	if err != nil {
		return err
	}
	defer os.Remove(filepath.Join(dir, controlSocket))
	defer control.Close()
	pages, err := listen(httpListen, cfg.HTTP.Listen, "pages, API and TAXII (--http-listen)")
	if err != nil {
		return err
	}
	peers, err := listen(peerListen, cfg.Peer.Listen, "partners (--peer-listen)")
	if err != nil {
		return errors.Join(err, closeAll(pages))
	}

	handler, err := public(ctx, n, log)
	if err != nil {
		return errors.Join(err, closeAll(pages, peers))
	}
	status, err := n.Status(ctx)
	if err != nil {
		return errors.Join(err, closeAll(pages, peers))
	}
	told.Name, told.Party = status.Name, status.Party

	work, ctx := errgroup.WithContext(ctx)
	if peers != nil {
		told.Peer = peers.Addr().String()
		work.Go(func() error { return ended(n.ServePeer(ctx, peers)) })
	}
	work.Go(func() error { return ended(n.Run(ctx)) })
	serveHTTP(ctx, work, control, api.Handler(n, api.Options{Trusted: true, Log: log}))
	if pages != nil {
		base := "http://" + pages.Addr().String()
		told.Pages, told.API, told.TAXII = base+"/", base+api.Prefix, base+"/taxii2/"
		told.exposed = !loopback(pages.Addr())
		serveHTTP(ctx, work, pages, handler)
	}
	work.Go(func() error { return ready(told) })
	return work.Wait()
}

// memory is what was in use at the last looks, the newest last.
type memory struct{ used []int64 }

// follow looks at what is in use now and then, until ctx ends. Until opened is closed the last look counts: a node that reads
// its journals takes more and more of it for good.
func (m *memory) follow(ctx context.Context, opened <-chan struct{}) {
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	for {
		m.aim()
		select {
		case <-ctx.Done():
			return
		case <-opened:
			m.used, opened = nil, nil
		case <-tick.C:
			if opened != nil {
				m.used = nil
			}
		}
	}
}

// aim sets the goal of the memory manager above what is in use. A goal below what is held for good, and journals grow, would have
// it search without end for what is not there.
func (m *memory) aim() {
	use := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(use)
	m.used = append(m.used[max(0, len(m.used)-memorySpan+1):], int64(use[0].Value.Uint64())) //nolint:gosec // no machine has more
	debug.SetMemoryLimit(memoryGoal + slices.Min(m.used))
}

func writeReady(p *printer, r *serving) {
	p.say("", "cli.ready", "name", r.Name)
	peer := r.Peer
	if peer == "" {
		peer = p.t("cli.connects-nobody")
	}
	p.fields("  ", "ui.in-folder", r.Dir, "ui.partners-connect", peer, "cli.pages", r.Pages, "API", r.API, "TAXII", r.TAXII, "cli.commands", r.Control)
	if r.exposed {
		p.say("  ", "cli.exposed")
	}
	p.note("", "cli.serve-hint")
}

// public is what strangers may reach: each part asks who it is. What waits ends with ctx.
func public(ctx context.Context, n *node.Node, log *slog.Logger) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle(api.Prefix, api.Handler(n, api.Options{Grant: n.Grant, Log: log}))
	taxii, err := n.TAXII()
	if err != nil {
		return nil, err
	}
	feeds, err := n.FeedHandler()
	if err != nil {
		return nil, err
	}
	mux.Handle(node.FeedPrefix, feeds)
	mux.Handle("/", web.Handler(n, web.Options{Log: log, Door: n.Door(), Closing: ctx.Done()}))
	return besideTAXII(steady(taxii), http.NewCrossOriginProtection().Handler(oneSlash(mux))), nil
}

// besideTAXII gives all that lies below /taxii2 to the TAXII handler, as it came: its errors are TAXII's then, and no
// redirection of a mux and no text of the protection against other origins, which it has itself.
func besideTAXII(taxii, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/taxii2" || strings.HasPrefix(r.URL.Path, "/taxii2/") {
			taxii.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// oneSlash reads several slashes in a feed's address as one. MISP puts "/manifest.json"
// behind the address that it was given, also behind one that ends in a slash, and not
// every version of it follows the redirect that a mux answers.
func oneSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, node.FeedPrefix) && strings.Contains(r.URL.Path, "//") {
			parts := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
			again := *r
			address := *r.URL
			again.URL, address.RawPath = &address, ""
			address.Path = "/" + strings.Join(parts, "/")
			if strings.HasSuffix(r.URL.Path, "/") {
				address.Path += "/"
			}
			r = &again
		}
		next.ServeHTTP(w, r)
	})
}

// listen opens a listener at the address of the flag, else of the
// configuration; nil for none.
func listen(flag, config, what string) (net.Listener, error) {
	addr := flag
	if addr == "" {
		addr = config
	}
	if addr == "" || addr == "none" {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &node.Error{Code: "listen", Status: http.StatusInternalServerError, What: "There is no listening for " + what + ".", Why: err.Error() + ".",
			Next: "Stop what uses the address, or name another; port 0 picks a free one.", Err: err}
	}
	return l, nil
}

func closeAll(list ...net.Listener) error {
	var err error
	for _, l := range list {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
	}
	return err
}

// serveHTTP serves at most maxConnections at a time until the context ends, then lets
// what is under way finish.
func serveHTTP(ctx context.Context, work *errgroup.Group, l net.Listener, h http.Handler) {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what strangers send is not worth a line each
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	work.Go(func() error {
		if err := s.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
		return nil
	})
	work.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		if err := s.Shutdown(grace); err != nil {
			return errors.Join(s.Close(), nil) // what did not finish in time is cut off
		}
		return nil
	})
}

// ended takes the end that was asked for as no error.
func ended(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func loopback(addr net.Addr) bool {
	t, ok := addr.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
