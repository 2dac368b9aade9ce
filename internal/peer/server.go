package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"entente/journal"
)

// Paths of the protocol.
const (
	PathExchange = "/peer/v1/exchange"
	PathHint     = "/peer/v1/hint"
	PathPair     = "/peer/v1/pair"
	// PathWitness is where C2SP tlog-witness clients submit; the submission prefix
	// is the part before /add-checkpoint.
	PathWitness = "/witness/add-checkpoint"

	// MaxHeader bounds the head of a request or an answer in bytes.
	MaxHeader = 16 << 10

	// ContentType of a packet.
	ContentType = "application/vnd.entente.packet"
)

// ServerParams are what a Server is made from. Pairing, Witness, OnHint and OnExchange may be nil.
type ServerParams struct {
	Self      journal.PartyID
	Backend   Backend
	Directory Directory
	Limits    Limits
	Now       func() time.Time
	Log       *slog.Logger
	// Pairing handles PathPair; it is reached by keys that nobody knows, and only
	// while it says that an invitation is open.
	Pairing Pairing
	// Witness handles PathWitness for known parties.
	Witness http.Handler
	// OnHint is told that a party has something new in a unit. It must not block,
	// and should let many hints become one sync.
	OnHint func(journal.PartyID, journal.UnitID)
	// OnExchange is told that a party has opened an exchange in a unit, that its packet was taken in and that the answer
	// went out whole. It must not block. May be nil.
	OnExchange func(journal.PartyID, journal.UnitID)
	// Bell is rung by the node when a unit has something new; long polls wait on it.
	Bell *Bell
	// Certificate is asked at each connection for the certificate to show; nil: the one
	// that Serve is given, always.
	Certificate func() (*tls.Certificate, error)
}

// Pairing is the handler of PathPair; Open says whether an invitation is pending.
type Pairing interface {
	http.Handler
	Open() bool
}

// Server answers other nodes.
type Server struct {
	p     ServerParams
	mux   *http.ServeMux
	total chan struct{}
	door  *door

	mu    sync.Mutex
	busy  map[string]bool
	asked map[string]int // requests of any kind under way
	polls map[string]int
}

// NewServer makes a server; Handler or Serve puts it to work.
func NewServer(p ServerParams) *Server {
	p.Limits = p.Limits.withDefaults()
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Bell == nil {
		p.Bell = NewBell()
	}
	s := &Server{
		p:     p,
		mux:   http.NewServeMux(),
		total: make(chan struct{}, p.Limits.Exchanges),
		door:  newDoor(p.Limits.Connections),
		busy:  make(map[string]bool),
		asked: make(map[string]int),
		polls: make(map[string]int),
	}
	s.mux.HandleFunc("POST "+PathExchange, s.known(s.exchange))
	s.mux.HandleFunc("POST "+PathHint, s.known(s.hint))
	s.mux.HandleFunc("GET "+PathHint, s.known(s.poll))
	if p.Pairing != nil {
		s.mux.Handle("POST "+PathPair, p.Pairing)
	}
	if p.Witness != nil {
		s.mux.HandleFunc("POST "+PathWitness, s.known(func(w http.ResponseWriter, r *http.Request, _ caller) {
			p.Witness.ServeHTTP(w, r)
		}))
	}
	return s
}

// Handler is the server as a handler. It must run behind ServerConfig's TLS: who
// is asking is known from the connection alone.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			s.fail(w, http.StatusForbidden, refuse(CodeUnknownParty, "a client certificate is required"))
			return
		}
		// Whatever a handler waits for is bounded, also writes that it never armed.
		rc := http.NewResponseController(w)
		deadline := time.Now().Add(s.p.Limits.Poll + s.p.Limits.Window)
		_ = rc.SetReadDeadline(deadline)
		_ = rc.SetWriteDeadline(deadline)
		defer s.fault(r)
		s.mux.ServeHTTP(w, r)
	})
}

// Admit tells ServerConfig whom to let in: parties known now and, only while an
// invitation is open, anybody. The latter reach nothing but PathPair.
func (s *Server) Admit(pin journal.Hash) bool {
	if len(s.p.Directory.Parties(pin)) > 0 {
		return true
	}
	return s.p.Pairing != nil && s.p.Pairing.Open()
}

// closing bounds how long a server that is told to stop lets what runs finish, and then
// how long it waits until its connections are gone.
const closing = 5 * time.Second

// Serve answers on l until ctx ends, then lets running exchanges finish for a few
// seconds. It closes l. When it returns nothing of it runs any more: an idle connection is
// closed by whoever stops the server, and its own end comes after that.
func (s *Server) Serve(ctx context.Context, l net.Listener, cert tls.Certificate) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.p.Limits.Header, // bounds the TLS handshake too
		IdleTimeout:       s.p.Limits.Idle,
		MaxHeaderBytes:    MaxHeader,
		ErrorLog:          slog.NewLogLogger(s.p.Log.Handler(), slog.LevelDebug),
		// Requests end when the node does: long polls would keep it from stopping.
		BaseContext: func(net.Listener) context.Context { return ctx },
		Protocols:   new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		err := srv.Shutdown(grace)
		if err != nil {
			err = srv.Close()
		}
		stopped <- err
	})
	var open sync.WaitGroup
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		s.door.state(c, state)
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}
	config := ServerConfig(cert, s.Admit)
	if s.p.Certificate != nil {
		config.Certificates = nil
		config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.p.Certificate() }
	}
	err := srv.Serve(tls.NewListener(newHostListener(l, s.p.Limits.Connections/4), config))
	if stop() {
		return fmt.Errorf("serving peers on %s: %w", l.Addr(), err)
	}
	err = <-stopped
	gone := make(chan struct{})
	go func() { open.Wait(); close(gone) }()
	wait := time.NewTimer(closing)
	defer wait.Stop()
	select {
	case <-gone:
	case <-wait.C:
		s.p.Log.Warn("connections of partners are not gone after the server has stopped")
	}
	return err
}

// known passes on requests of parties in the directory.
func (s *Server) known(h func(http.ResponseWriter, *http.Request, caller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		parties := s.p.Directory.Parties(Pin(r.TLS.PeerCertificates[0]))
		if len(parties) == 0 {
			s.fail(w, http.StatusForbidden, refuse(CodeUnknownParty, "this TLS key belongs to no partner; pair first"))
			return
		}
		by := caller(slices.Sorted(slices.Values(parties)))
		s.door.know(hostOfText(r.RemoteAddr))
		if !s.enter(by.key()) {
			w.Header().Set("Retry-After", "1")
			s.fail(w, http.StatusServiceUnavailable, refuse(CodeBusy, "at most %d requests of one party at a time", MaxRequests))
			return
		}
		defer s.leave(by.key())
		h(w, r, by)
	}
}

// MaxRequests bounds the requests of one party that a server answers at a time, so
// that slow ones cannot take all its connections.
const MaxRequests = 16

func (s *Server) enter(p string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked[p] >= MaxRequests {
		return false
	}
	s.asked[p]++
	return true
}

func (s *Server) leave(p string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked[p]--; s.asked[p] == 0 {
		delete(s.asked, p)
	}
}

// caller is who may be at the other end of a connection: the parties that name
// its TLS key as theirs.
type caller []journal.PartyID

// key is what a caller's share of the server is counted by.
func (c caller) key() string { return fmt.Sprint([]journal.PartyID(c)) }

// in is the caller as a member of a unit.
func (c caller) in(d Directory, unit journal.UnitID) (journal.PartyID, bool) {
	for _, p := range c {
		if d.Member(unit, p) {
			return p, true
		}
	}
	return "", false
}

// begin takes the party's only place and one of the server's; end gives them back.
func (s *Server) begin(party string) (end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[party] {
		return nil, false
	}
	select {
	case s.total <- struct{}{}:
	default:
		return nil, false
	}
	s.busy[party] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, party)
		<-s.total
	}, true
}
