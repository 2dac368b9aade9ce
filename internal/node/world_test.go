package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/internal/store"
)

// testParty is one node under test, serving partners.
type testParty struct {
	t    testing.TB
	init *InitResult
	dir  string
	org  string
	*Node
	stop  func()
	clock func() time.Time // of the node when it is started next; nil: the machine's
	fs    store.FS         // of the node when it is started next; nil: the machine's
	// options changes what the node is started with, if set.
	options func(*Options)
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func testOptions(t testing.TB) Options {
	level := slog.LevelError
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	return Options{Version: "test", Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: level}))}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Helper()
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func newParty(t testing.TB, name string) *testParty {
	t.Helper()
	p := &testParty{t: t, dir: filepath.Join(t.TempDir(), "node"), org: filepath.Join(t.TempDir(), "organisation.key")}
	var err error
	p.init, err = Init(t.Context(), p.dir, InitOptions{Name: name, PeerListen: freeAddr(t), OrgKeyPath: p.org, Agency: "CERT"}, testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(func() { p.stop() })
	return p
}

// start opens the node and answers partners; nothing is synced by itself.
func (p *testParty) start() {
	p.t.Helper()
	opts := testOptions(p.t)
	opts.FS, opts.Clock = p.fs, p.clock
	if p.options != nil {
		p.options(&opts)
	}
	n, err := Open(p.t.Context(), p.dir, opts)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Node = n
	l, err := net.Listen("tcp", p.init.PeerListen)
	for began := time.Now(); errors.Is(err, syscall.EADDRINUSE) && time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		l, err = net.Listen("tcp", p.init.PeerListen) // while it was stopped, a connection of somebody else's got its port
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.init.PeerListen = l.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.ServePeer(ctx, l) }()
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-done
		if err := n.Close(); err != nil {
			p.t.Errorf("closing %s: %v", p.init.Name, err)
		}
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// pair lets b join a unit of a.
func pair(t testing.TB, a, b *testParty, unitName string) {
	t.Helper()
	ctx := t.Context()
	inv := must[*UnitInviteResponse](t)(a.Invite(ctx, UnitInviteRequest{Unit: unitName}))
	there := must[*Pairing](t)(b.Join(ctx, UnitJoinRequest{Invitation: inv.Invitation}))
	st := must[*StatusResponse](t)(a.Status(ctx))
	if len(st.Pairings) != 1 {
		t.Fatalf("pairings at the inviter: %+v", st.Pairings)
	}
	must[*Pairing](t)(a.Confirm(ctx, UnitConfirmRequest{Digits: there.Digits}))
	done := must[*Pairing](t)(b.Confirm(ctx, UnitConfirmRequest{Digits: st.Pairings[0].Digits}))
	if done.State != "done" {
		t.Fatalf("pairing ends as %s (%s)", done.State, done.Code)
	}
}

func (p *testParty) sync() {
	p.t.Helper()
	res := must[*SyncResponse](p.t)(p.Sync(p.t.Context(), SyncRequest{}, nil))
	for _, s := range res.Sessions {
		if s.Error != "" {
			p.t.Fatalf("sync of %s with %s: %s %s", p.init.Name, s.Name, s.Code, s.Error)
		}
	}
}

// agree puts the minimal accord in force between all parties.
func agree(t testing.TB, edit func(string) string, ps ...*testParty) string {
	t.Helper()
	ctx := t.Context()
	var refs []accord.PartyRef
	for _, p := range ps {
		refs = append(refs, accord.PartyRef{ID: p.init.Party, Name: p.init.Name, Agencies: []string{"CERT"}})
	}
	text := must[[]byte](t)(accord.ExampleFor("minimal", refs))
	if edit != nil {
		text = []byte(edit(string(text)))
	}
	prop := must[*AccordProposeResponse](t)(ps[0].ProposeAccord(ctx, AccordProposeRequest{Text: string(text)}))
	for range 2 {
		for _, p := range ps {
			p.sync()
		}
	}
	for _, p := range ps {
		must[*WriteResponse](t)(p.ActOnAccord(ctx, AccordActRequest{Hash: prop.Hash, Move: "sign"}))
	}
	for range 3 {
		for _, p := range ps {
			p.sync()
		}
	}
	for _, p := range ps {
		st := must[*UnitShowResponse](t)(p.ShowUnit(ctx, UnitShowRequest{}))
		if st.Brief.State != "in-force" || st.Brief.Accord != prop.Hash {
			t.Fatalf("%s: %+v\n%s", p.init.Name, st.Brief, st.State)
		}
	}
	return prop.Hash
}

// sameState checks that all hold the same unit, to the byte.
func sameState(t testing.TB, ps ...*testParty) {
	t.Helper()
	now := ps[0].now()
	var first []byte
	for _, p := range ps {
		l := must[*ledger](t)(p.findUnit(""))
		l.mu.Lock()
		b := l.fold.State(now).JSON()
		l.mu.Unlock()
		if first == nil {
			first = b
		} else if string(b) != string(first) {
			t.Fatalf("states differ:\n%s\n%s", first, b)
		}
	}
}

var (
	_ io.Reader
	_ = os.ErrExist
	_ time.Time
)

// saysOf is what a status says needs a person, in words and codes.
func saysOf(st *StatusResponse) (out []string) {
	for i := range st.Attention {
		x := &st.Attention[i]
		out = append(out, x.Text(lang.English())+" ("+x.Code+" "+x.Word+")")
	}
	return out
}
