//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/api"
	"entente/internal/node"
)

const (
	kills        = 50
	killedShares = kills
	killObjects  = 600 // in each share
)

// served is a node run by the real program.
type served struct {
	t    *testing.T
	exe  string
	dir  string
	cmd  *exec.Cmd
	errs bytes.Buffer
	api  *api.Client
}

// start runs the program and waits until it says that it is ready.
func (s *served) start() {
	s.t.Helper()
	s.errs.Reset()
	s.cmd = exec.Command(s.exe, "serve", "--dir", s.dir, "--http-listen", "none", "--json", "-q")
	s.cmd.Stderr = &s.errs
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, `"ready":true`) {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.t.Fatalf("%s does not start: %q %v\n%s", s.dir, line, err, s.errs.String())
	}
	s.api = api.Dialed(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", node.ControlSocket(s.dir))
	})
}

func (s *served) kill(sig syscall.Signal) {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
	s.api.Close()
	s.cmd = nil
}

func (s *served) call(op string, in, out any) {
	s.t.Helper()
	if err := s.api.Call(s.t.Context(), op, in, out); err != nil {
		s.t.Fatalf("%s at %s: %v", op, s.dir, err)
	}
}

// state is the unit's state without the instant it was asked for.
func (s *served) state() (shares int, text string) {
	s.t.Helper()
	var show node.UnitShowResponse
	s.call("unit.show", node.UnitShowRequest{}, &show)
	var all map[string]any
	if err := json.Unmarshal(show.State, &all); err != nil {
		s.t.Fatal(err)
	}
	delete(all, "now")
	text_, err := json.Marshal(all)
	if err != nil {
		s.t.Fatal(err)
	}
	list, _ := all["shares"].([]any)
	return len(list), string(text_)
}

func (s *served) accepted() int64 {
	s.t.Helper()
	var st node.StatusResponse
	s.call("status", nil, &st)
	if c := st.Objects; c.Conflicts+c.Quarantined+c.Rejected > 0 {
		s.t.Fatalf("%s: %+v", s.dir, c)
	}
	return st.Objects.Accepted
}

// killWorld makes two nodes with an accord, and what is to be shared.
func killWorld(t *testing.T) (north, south *served) {
	t.Helper()
	ctx := t.Context()
	base, err := os.MkdirTemp("", "kill") // short: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(base, "entente")
	if err := os.Symlink(self, exe); err != nil {
		t.Fatal(err)
	}
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var nodes []*node.Node
	var refs []accord.PartyRef
	stops := []func(){}
	for _, name := range []string{"North", "South"} {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		fail(err)
		addr := free.Addr().String()
		fail(free.Close())
		dir := filepath.Join(base, strings.ToLower(name))
		res, err := node.Init(ctx, dir, node.InitOptions{Name: name, Agency: "CERT", PeerListen: addr, OrgKeyPath: filepath.Join(base, name+".key")}, node.Options{})
		fail(err)
		refs = append(refs, accord.PartyRef{ID: res.Party, Name: name, Agencies: []string{"CERT"}})
		n, err := node.Open(ctx, dir, node.Options{})
		fail(err)
		l, err := net.Listen("tcp", addr)
		fail(err)
		serveCtx, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- n.ServePeer(serveCtx, l) }()
		stops = append(stops, func() { cancel(); <-done; fail(n.Close()) })
		nodes = append(nodes, n)
	}
	a, b := nodes[0], nodes[1]
	_, err = a.FoundUnit(ctx, node.UnitFoundRequest{Name: "Watch"})
	fail(err)
	inv, err := a.Invite(ctx, node.UnitInviteRequest{})
	fail(err)
	there, err := b.Join(ctx, node.UnitJoinRequest{Invitation: inv.Invitation})
	fail(err)
	st, err := a.Status(ctx)
	fail(err)
	_, err = a.Confirm(ctx, node.UnitConfirmRequest{Digits: there.Digits})
	fail(err)
	_, err = b.Confirm(ctx, node.UnitConfirmRequest{Digits: st.Pairings[0].Digits})
	fail(err)
	sync := func() {
		for range 2 {
			_, err = a.Sync(ctx, node.SyncRequest{}, nil)
			fail(err)
		}
	}
	sync()
	text, err := accord.ExampleFor("minimal", refs)
	fail(err)
	prop, err := a.ProposeAccord(ctx, node.AccordProposeRequest{Text: string(text)})
	fail(err)
	sync()
	for _, n := range nodes {
		_, err = n.ActOnAccord(ctx, node.AccordActRequest{Hash: prop.Hash, Move: "sign"})
		fail(err)
	}
	sync()
	for k := range killedShares {
		var lines bytes.Buffer
		for i := range killObjects {
			fmt.Fprintf(&lines, `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"k%d","pattern":"[domain-name:value = 'k%d-%d.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}`+"\n", 10000*k+i+1, k, k, i)
		}
		_, err := a.Import(ctx, node.ImportRequest{Name: fmt.Sprint("batch ", k)}, &lines, nil)
		fail(err)
	}
	for _, stop := range stops {
		stop()
	}
	return &served{t: t, exe: exe, dir: a.Dir()}, &served{t: t, exe: exe, dir: b.Dir()}
}

// TestKill kills one server or both, for good and without warning, at 50 points
// of shares between two served nodes. After each restart what was confirmed is
// there; at the end nothing is lost and nothing is doubled.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: kill -9 at 50 points of a share")
	}
	north, south := killWorld(t)
	defer func() {
		for _, s := range []*served{north, south} {
			if s.cmd != nil {
				s.kill(syscall.SIGKILL)
			}
		}
	}()
	north.start()
	south.start()
	rng := rand.New(rand.NewPCG(50, 9))
	cut, unsaid := 0, 0
	for k := range kills {
		req := node.ShareRequest{Source: fmt.Sprint("batch ", k)}
		result := make(chan error, 1)
		go func() {
			var res node.ShareResponse
			result <- north.api.Long(t.Context(), "share", req, nil, nil, &res)
		}()
		time.Sleep(time.Duration(rng.Int64N(int64(100 * time.Millisecond))))
		var victims []*served
		switch k % 3 {
		case 0:
			victims = []*served{north}
		case 1:
			victims = []*served{south}
		default:
			victims = []*served{north, south}
		}
		for _, v := range victims {
			if v != north {
				v.kill(syscall.SIGKILL)
			}
		}
		if victims[0] == north {
			if err := north.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		confirmed := <-result == nil
		if victims[0] == north {
			_ = north.cmd.Wait()
			north.api.Close()
		}
		for _, v := range victims {
			v.start()
		}
		shares, _ := north.state()
		switch {
		case shares == k && confirmed:
			t.Fatalf("kill %d: a confirmed share is lost", k)
		case shares == k:
			cut++
			var res node.ShareResponse
			if err := north.api.Long(t.Context(), "share", req, nil, nil, &res); err != nil || res.Shared != killObjects {
				t.Fatalf("kill %d: sharing again: %v, %+v", k, err, res)
			}
		case shares != k+1:
			t.Fatalf("kill %d: %d shares are in the journal", k, shares)
		case !confirmed:
			unsaid++
		}
	}
	t.Logf("%d kills: %d before the share was durable, %d before it was confirmed, the others while it travelled", kills, cut, unsaid)
	total := int64(killedShares * killObjects)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		_, a := north.state()
		_, b := south.state()
		if south.accepted() == total && a == b {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("South knows %d objects, shared were %d; the states differ: %v\n%s\n%s", south.accepted(), total, a != b, a, b)
		}
	}
	if got := north.accepted(); got != total {
		t.Errorf("North knows %d objects, imported were %d", got, total)
	}
	for _, s := range []*served{north, south} {
		var rep node.JournalVerifyResponse
		if err := s.api.Long(t.Context(), "journal.verify", nil, nil, nil, &rep); err != nil || !rep.OK {
			t.Errorf("%s: %v %q", s.dir, err, rep.Errors)
		}
		var rb node.RebuildResponse
		if err := s.api.Long(t.Context(), "rebuild", nil, nil, nil, &rb); err != nil || rb.Before != rb.Digest {
			t.Errorf("%s: a rebuild gives another digest (%v)", s.dir, err)
		}
		if shares, _ := s.state(); shares != killedShares {
			t.Errorf("%s holds %d shares of %d", s.dir, shares, killedShares)
		}
		s.kill(syscall.SIGTERM)
	}
}
