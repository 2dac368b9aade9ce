//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/api"
	"entente/internal/lang"
	"entente/internal/node"
)

// served is a node run by the real program.
type served struct {
	t     testing.TB
	name  string
	exe   string
	dir   string
	org   string   // file of the organisation key
	party string   // its id
	token string   // with which one signs in to its pages
	pages string   // where they are; "none": nowhere
	wrap  []string // a command that runs the program, as "ip netns exec NAME"
	cmd   *exec.Cmd
	errs  *tail
	api   *api.Client
}

// tail keeps the end of what a program says.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	if over := len(w.buf) - 256<<10; over > 0 {
		w.buf = append([]byte{}, w.buf[over:]...)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.buf)
}

// newServed makes a node's folder under base, or in dir. Sessions are opened every
// second.
func newServed(t testing.TB, exe, base, name, dir, listen string) *served {
	t.Helper()
	if dir == "" {
		dir = filepath.Join(base, strings.ToLower(name))
	}
	org := filepath.Join(base, name+".key")
	res, err := node.Init(context.Background(), dir, node.InitOptions{Name: name, Agency: "CERT", PeerListen: listen, OrgKeyPath: org}, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, name: name, exe: exe, dir: dir, org: org, party: res.Party, token: res.APIToken, pages: "none"}
	s.configure("sync_every: 1m0s", "sync_every: 1s")
	t.Cleanup(func() {
		if s.cmd != nil {
			s.kill(syscall.SIGKILL)
		}
	})
	return s
}

// configure replaces a piece of the configuration.
func (s *served) configure(old, new string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "config.yaml")
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte(old)) {
		s.t.Fatalf("%s has no %q (%v)", file, old, err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(new), 1), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// spawn starts the program and does not wait for anything.
func (s *served) spawn() *bufio.Reader {
	s.t.Helper()
	s.errs = &tail{}
	args := append(append([]string{}, s.wrap...), s.exe, "serve", "--dir", s.dir, "--http-listen", s.pages, "--json")
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Stderr = s.errs
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.api = api.Dialed(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", node.ControlSocket(s.dir))
	})
	return bufio.NewReader(out)
}

// start runs the program and waits until it says that it is ready.
func (s *served) start() {
	s.t.Helper()
	if err := s.tryStart(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *served) tryStart() error {
	s.t.Helper()
	line, err := s.spawn().ReadString('\n')
	if err == nil && strings.Contains(line, `"ready":true`) {
		return nil
	}
	said := s.errs
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.api.Close()
	s.cmd = nil
	return fmt.Errorf("%s does not start: %q %v\n%s", s.dir, line, err, said)
}

// kill sends a signal and waits for the end.
func (s *served) kill(sig syscall.Signal) {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
	s.api.Close()
	s.cmd = nil
}

// alive fails the test if the program has ended by itself.
func (s *served) alive() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		s.t.Fatalf("%s has ended: %v\n%s", s.name, err, s.errs)
	}
}

func (s *served) call(op string, in, out any) {
	s.t.Helper()
	if err := s.api.Call(s.t.Context(), op, in, out); err != nil {
		s.t.Fatalf("%s at %s: %v\n%s", op, s.dir, err, s.errs)
	}
}

func (s *served) long(op string, in any, body io.Reader, out any) error {
	return s.api.Long(s.t.Context(), op, in, body, nil, out)
}

func (s *served) status() node.StatusResponse {
	s.t.Helper()
	var st node.StatusResponse
	s.call("status", nil, &st)
	return st
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
	c := s.status().Objects
	if c.Conflicts+c.Quarantined+c.Rejected > 0 {
		s.t.Fatalf("%s: %+v", s.dir, c)
	}
	return c.Accepted
}

// verify reads every byte back through the server.
func (s *served) verify() {
	s.t.Helper()
	var rep node.JournalVerifyResponse
	if err := s.long("journal.verify", nil, nil, &rep); err != nil || !rep.OK {
		s.t.Fatalf("%s: journal verify: %v %q", s.dir, err, rep.Errors)
	}
}

// pair founds a unit at the first node, pairs the others with it, and brings an
// accord into force. All are serving.
func pair(t testing.TB, nodes ...*served) {
	t.Helper()
	pairUnder(t, "", nodes...)
}

// meet founds a unit at the first node, pairs the others with it, and returns the parties as an accord names them. All are
// serving.
func meet(t testing.TB, nodes ...*served) []accord.PartyRef {
	t.Helper()
	first := nodes[0]
	first.call("unit.found", node.UnitFoundRequest{Name: "Watch"}, nil)
	for _, s := range nodes[1:] {
		var inv node.UnitInviteResponse
		first.call("unit.invite", node.UnitInviteRequest{}, &inv)
		var there node.Pairing
		s.call("unit.join", node.UnitJoinRequest{Invitation: inv.Invitation}, &there)
		var here node.Pairing
		for _, p := range first.status().Pairings {
			if p.State == "compare" || p.State == "confirmed-there" {
				here = p
			}
		}
		first.call("unit.confirm", node.UnitConfirmRequest{Pairing: here.ID, Digits: there.Digits}, nil)
		s.call("unit.confirm", node.UnitConfirmRequest{Digits: here.Digits}, nil)
	}
	var refs []accord.PartyRef
	for _, s := range nodes {
		refs = append(refs, accord.PartyRef{ID: s.party, Name: s.name, Agencies: []string{"CERT"}})
	}
	eventuallySoon(t, "every node knows every other", func() error {
		for _, s := range nodes {
			if st := s.status(); len(st.Units) != 1 || len(st.Units[0].Members) != len(nodes) {
				return fmt.Errorf("%s: %+v", s.name, st.Units)
			}
		}
		return nil
	})
	return refs
}

// pairUnder is pair under an accord with more in it.
func pairUnder(t testing.TB, more string, nodes ...*served) {
	t.Helper()
	first := nodes[0]
	text, err := accord.ExampleFor("minimal", meet(t, nodes...))
	if err != nil {
		t.Fatal(err)
	}
	var prop node.AccordProposeResponse
	first.call("accord.propose", node.AccordProposeRequest{Text: string(text) + more}, &prop)
	for _, s := range nodes {
		eventuallySoon(t, "the accord is signed", func() error {
			return s.api.Call(t.Context(), "accord.act", node.AccordActRequest{Hash: prop.Hash, Move: "sign"}, nil)
		})
	}
	for _, s := range nodes {
		eventuallySoon(t, "the accord is in force", func() error {
			if st := s.status(); st.Units[0].State != "in-force" {
				return errors.New(st.Units[0].State)
			}
			return nil
		})
	}
}

// eventuallySoon waits until ok holds. The bound is for a test that hangs, not a
// claim about speed.
func eventuallySoon(t testing.TB, what string, ok func() error) {
	t.Helper()
	within(t, 3*time.Minute, what, ok)
}

// errNotYet is for what needs no more words.
var errNotYet = errors.New("not yet")

func within(t testing.TB, most time.Duration, what string, ok func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	t.Fatalf("waited in vain: %s: %v", what, err)
}

// same waits until all nodes have the same state, to the byte.
func same(t testing.TB, nodes ...*served) {
	t.Helper()
	eventuallySoon(t, "one state at all nodes", func() error {
		_, first := nodes[0].state()
		for _, s := range nodes[1:] {
			if _, text := s.state(); text != first {
				return fmt.Errorf("%s:\n%s\n%s:\n%s", nodes[0].name, first, s.name, text)
			}
		}
		return nil
	})
}

// indicators yields n STIX objects, one a line, that no other call with another
// batch number yields.
func indicators(batch, n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		buf := bufio.NewWriterSize(w, 64<<10)
		for i := range n {
			fmt.Fprintf(buf, `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"k%d","pattern":"[domain-name:value = '%s']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}`+"\n",
				batch<<24+i+1, batch, domain(batch, i))
		}
		w.CloseWithError(buf.Flush())
	}()
	return r
}

func domain(batch, i int) string { return fmt.Sprintf("k%d-%d.example", batch, i) }

func batchName(batch int) string { return fmt.Sprint("batch ", batch) }

// load imports a batch.
func (s *served) load(batch, n int) (node.ImportResponse, error) {
	var res node.ImportResponse
	body := indicators(batch, n)
	err := s.long("import", node.ImportRequest{Name: batchName(batch)}, body, &res)
	body.(io.Closer).Close()
	return res, err
}

// share shares a batch.
func (s *served) share(batch int) (node.ShareResponse, error) {
	var res node.ShareResponse
	err := s.long("share", node.ShareRequest{Source: batchName(batch)}, nil, &res)
	return res, err
}

// knows looks one object of a batch up by its value.
func (s *served) knows(batch, i int) error {
	var page node.SearchResponse
	if err := s.api.Call(s.t.Context(), "search", node.SearchRequest{Value: domain(batch, i)}, &page); err != nil {
		return err
	}
	if len(page.Objects) != 1 || page.Objects[0].State != "accepted" || !bytes.Contains(page.Objects[0].Object, []byte(domain(batch, i))) {
		return fmt.Errorf("%s knows %d objects with %s", s.name, len(page.Objects), domain(batch, i))
	}
	return nil
}

// told is what a status says needs a person, in words and codes.
func told(st node.StatusResponse) (out []string) {
	for i := range st.Attention {
		out = append(out, st.Attention[i].Text(lang.English())+" ("+st.Attention[i].Code+")")
	}
	return out
}
