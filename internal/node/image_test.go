package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/internal/peer"
	"entente/journal"
)

// liar is a partner's node that hides from a party what it holds of that party's
// own journal: it shows none of it, and says it holds only so much.
type liar struct {
	backend
	hide journal.Origin
	says journal.Head
}

func (l liar) Hello(ctx context.Context, id journal.UnitID, to journal.PartyID) (peer.Hello, error) {
	h, err := l.backend.Hello(ctx, id, to)
	delete(h.Have, l.hide)
	if l.says.Size > 0 {
		h.Have[l.hide] = l.says
	}
	return h, err
}

func (l liar) Since(ctx context.Context, id journal.UnitID, to journal.PartyID, have map[journal.Origin]journal.Head) iter.Seq2[peer.Run, error] {
	return func(yield func(peer.Run, error) bool) {
		for run, err := range l.backend.Since(ctx, id, to, have) {
			if run.Origin == l.hide && err == nil {
				continue
			}
			if !yield(run, err) {
				return
			}
		}
	}
}

// lies lets a party answer as a liar from now on.
func (p *testParty) lies(hide journal.Origin, says journal.Head) {
	p.t.Helper()
	p.stop()
	n := must[*Node](p.t)(Open(p.t.Context(), p.dir, testOptions(p.t)))
	p.Node = n
	tls, err := tlsCertificate(n.tlsKey(), n.opts.Rand, n.now())
	if err != nil {
		p.t.Fatal(err)
	}
	srv := peer.NewServer(peer.ServerParams{Self: n.Party(), Backend: liar{backend{n}, hide, says}, Directory: backend{n}, Bell: n.bell})
	l := must[net.Listener](p.t)(net.Listen("tcp", p.init.PeerListen))
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l, tls) }()
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
	p.t.Cleanup(func() { p.stop() })
}

// establish asks as a server does at its start.
func (p *testParty) establish() {
	p.t.Helper()
	if err := p.Establish(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *testParty) retired() bool {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.retired != nil && l.own == nil
}

func (p *testParty) ownOrigin() journal.Origin {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.origin()
}

// ownWitnessOf starts a witness of a party's own that knows its journal, and lets
// the party's configuration name it.
func ownWitnessOf(t *testing.T, p *testParty) (log *oneLog, away *atomic.Bool) {
	t.Helper()
	l := must[*ledger](t)(p.findUnit(""))
	log, away = &oneLog{keys: l.own.Keyring()}, &atomic.Bool{}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := must[*peer.Witness](t)(peer.NewWitness(peer.WitnessParams{Name: "witness.north.example/own", Key: key, Logs: log, Now: time.Now}))
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		w.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	p.stop()
	p.configure("witnesses: []", `witnesses: [{url: "`+srv.URL+`", vkey: "`+w.VKey()+`", own: true}]`)
	p.start()
	p.establish()
	return log, away
}

// configure changes the configuration of a party that is not running.
func (p *testParty) configure(old, next string) {
	p.t.Helper()
	text := string(must[[]byte](p.t)(os.ReadFile(configPath(p.dir))))
	if !strings.Contains(text, old) {
		p.t.Fatalf("the configuration has no %q", old)
	}
	if err := os.WriteFile(configPath(p.dir), []byte(strings.Replace(text, old, next, 1)), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *testParty) suspends() error {
	p.t.Helper()
	_, err := p.Suspend(p.t.Context(), UnitSuspendRequest{})
	return err
}

// markFile is where the high-water mark of a party's own journal lies.
func (p *testParty) markFile() string {
	return filepath.Join(p.dir, "highwater", strings.TrimPrefix(string(p.ownOrigin()), "entente/"))
}

// TestHeadIsMarkedBeforeItIsTold: a crash parts an append from its mark. The next
// start marks it before it tells it; else a backup from before it would go on
// from there.
func TestHeadIsMarkedBeforeItIsTold(t *testing.T) {
	a, _ := two(t)
	mark := must[[]byte](t)(os.ReadFile(a.markFile()))
	file := a.markFile()
	if err := a.suspends(); err != nil {
		t.Fatal(err)
	}
	a.stop()
	if err := os.WriteFile(file, mark, 0o600); err != nil {
		t.Fatal(err)
	}
	a.fs = wholeMachine{}
	a.start()
	l := must[*ledger](t)(a.findUnit(""))
	if got, ok, err := a.marks.Get(l.origin()); err != nil || !ok || got != l.own.Head() {
		t.Errorf("the mark is %v (%v, %v), the head that is told %v", got, ok, err, l.own.Head())
	}
}

// TestOldMarks: marks that are older than their journal by more than a crash can
// part say nothing about what was signed since.
func TestOldMarks(t *testing.T) {
	a, b := two(t)
	file := a.markFile()
	mark := must[[]byte](t)(os.ReadFile(file))
	for range 2 {
		if err := a.suspends(); err != nil {
			t.Fatal(err)
		}
	}
	a.stop()
	if err := os.WriteFile(file, mark, 0o600); err != nil {
		t.Fatal(err)
	}
	a.fs = wholeMachine{}
	a.start()
	if err := a.suspends(); code(err) != CodeRetired {
		t.Fatalf("it signs over marks that are older than its journal: %v", err)
	}
	must[[]RestoredUnit](t)(a.Succeed(t.Context(), a.orgText()))
	for range 3 {
		a.codes()
		b.codes()
	}
	sameState(t, a, b)
	sound(t, a, b)
}

// TestUnmarkedHeadIsNotTold: a mark that cannot be written keeps the head from
// being told, to partners by either way and in dossiers.
func TestUnmarkedHeadIsNotTold(t *testing.T) {
	a, b := two(t)
	before := b.heldOf("", a)
	file := a.markFile()
	if err := errors.Join(os.Rename(file, file+".away"), os.Mkdir(file, 0o700), os.WriteFile(filepath.Join(file, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := a.suspends(); err == nil {
		t.Fatal("signed without a mark")
	}
	a.codes()
	b.codes()
	a.config.Witnesses = []WitnessConfig{{Party: "South"}}
	if err := a.askWitnesses(t.Context(), must[*ledger](t)(a.findUnit(""))); err != nil {
		t.Fatal(err)
	}
	if h := must[journal.Head](t)(b.cosigned(a.ownOrigin())); h.Size > 0 {
		t.Errorf("a head of %d entries was shown to a witness without a mark", h.Size)
	}
	if got := b.heldOf("", a); got != before {
		t.Errorf("told without a mark: the partner holds %d entries, held %d", got, before)
	}
	var out strings.Builder
	if err := a.ExportDossier(t.Context(), DossierExportRequest{}, &out); code(err) != CodeHeld {
		t.Errorf("a dossier tells it: %v", err)
	}
	a.stop()
	if err := errors.Join(os.RemoveAll(file), os.Rename(file+".away", file)); err != nil {
		t.Fatal(err)
	}
	a.start() // and is told once it is marked
	a.codes()
	if got := b.heldOf("", a); got != before+1 {
		t.Errorf("the partner holds %d entries, signed were %d", got, before+1)
	}
	sound(t, a, b)
}

// TestCopyIsNotTheOriginal is a folder that was copied file by file, marks and
// all, and started while the original lives on, and one that a backup tool put
// back in its place. Neither signs; the organisation key lets it go on.
func TestCopyIsNotTheOriginal(t *testing.T) {
	a, b := two(t)
	clone := a.snapshot()
	clone.fs = nil
	if fs := must[[]byte](t)(os.ReadFile(a.markFile())); len(strings.Split(strings.TrimSpace(string(fs)), "\n")) < 4 {
		t.Skip("this file system does not tell when a file was made")
	}
	shareOne(t, a, 1, "original.example")
	a.sync()
	a.stop()
	clone.start()
	if err := clone.suspends(); code(err) != CodeRetired {
		t.Fatalf("a copy signs: %v", err)
	}
	// The original, started again, is what it was.
	clone.stop()
	a.start()
	shareOne(t, a, 2, "still-original.example")
	a.sync()
	a.stop()
	clone.start()
	must[[]RestoredUnit](t)(clone.Succeed(t.Context(), clone.orgText()))
	for range 3 {
		clone.codes()
		b.codes()
	}
	if !b.uses("still-original.example") {
		t.Error("what the original said last is gone")
	}
	sameState(t, clone, b)
	sound(t, clone, b)
}

// TestImageAsksBeforeItSigns is a machine that was put back whole. At its start it
// asks, and learns from an honest partner that it went on; it has signed nothing.
func TestImageAsksBeforeItSigns(t *testing.T) {
	a, b := two(t)
	image := a.snapshot()
	shareOne(t, a, 1, "later.example")
	a.sync()
	signed := a.heldOf("", a)
	a.stop()
	image.start()
	image.establish()
	if err := image.suspends(); code(err) != CodeRetired {
		t.Fatalf("an old image signs although its partner could be asked: %v", err)
	}
	if got := image.heldOf("", image); got != signed {
		t.Errorf("it holds %d of its own entries, signed were %d", got, signed)
	}
	units := must[[]RestoredUnit](t)(image.Succeed(t.Context(), image.orgText()))
	if len(units) != 1 || units[0].Head != signed {
		t.Errorf("the successor names %+v, the last known head is at %d", units, signed)
	}
	for range 3 {
		image.codes()
		b.codes()
	}
	sameState(t, image, b)
	sound(t, image, b)
}

// TestStartAsksEverybody is an image in a unit of three, where one member lies
// about what it holds of us and the other does not.
func TestStartAsksEverybody(t *testing.T) {
	a, b, c := three(t)
	relay(a, b, c)
	image := a.snapshot()
	if err := a.suspends(); err != nil {
		t.Fatal(err)
	}
	relay(a, b, c)
	// Something for the image to receipt, from the liar.
	origin := a.ownOrigin()
	if err := b.suspends(); err != nil {
		t.Fatal(err)
	}
	a.stop()
	b.lies(origin, journal.Head{})
	image.start()
	image.establish()
	if !image.retired() {
		t.Fatal("it did not hear the honest member")
	}
	b.stop()
	b.start()
	relay(image, b, c)
	sound(t, image, b, c)
}

// TestClaimHoldsUpSigning is an image taken between a partner's entry and its
// receipt. The partner's next session builds on what it knows of the original,
// so the first packet does not show our own journal: only its greeting tells.
func TestClaimHoldsUpSigning(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	l := must[*ledger](t)(a.findUnit(""))
	client := must[*peer.Client](t)(b.client())
	defer client.Close()
	target, ok := must[*ledger](t)(b.findUnit("")).target(a.Party())
	if !ok {
		t.Fatal("the partner has no address")
	}
	must[peer.Report](t)(client.Sync(ctx, target, nil))
	if err := b.suspends(); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	have := map[journal.Origin]journal.Head{}
	for _, j := range l.journals() {
		have[j.origin] = j.head
	}
	l.mu.Unlock()
	for run, err := range (backend{b.Node}).Since(ctx, l.id, a.Party(), have) {
		if err != nil {
			t.Fatal(err)
		}
		must[int](t)(backend{a.Node}.Accept(ctx, l.id, b.Party(), run))
	}
	image := a.snapshot()
	if err := (backend{a.Node}).Settle(ctx, l.id, b.Party()); err != nil {
		t.Fatal(err)
	}
	must[peer.Report](t)(client.Sync(ctx, target, nil))
	a.stop()
	image.start()
	if _, err := b.Resume(ctx, UnitResumeRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Sync(ctx, target, nil); err != nil {
		t.Fatal(err)
	}
	if !image.retired() {
		t.Error("it did not learn of its own longer journal")
	}
	if codes := b.evidence(""); len(codes) != 0 {
		t.Errorf("it signed a fork of itself: %q", codes)
	}
	sound(t, image, b)
}

// TestClones are two live nodes with one key and one partner. Whoever signs first
// goes on; the other one signs nothing from then on.
func TestClones(t *testing.T) {
	for _, first := range []string{"the original", "the clone"} {
		t.Run(first, func(t *testing.T) {
			a, b := two(t)
			clone := a.snapshot()
			init := *a.init
			init.PeerListen = freeAddr(t)
			clone.init = &init
			clone.start()
			clone.establish() // nothing has happened yet: both are current
			winner, loser := a, clone
			if first == "the clone" {
				winner, loser = clone, a
			}
			shareOne(t, winner, 1, "first.example")
			winner.sync()
			loser.codes()
			if !loser.retired() {
				t.Fatal("two nodes sign with one key")
			}
			shareOne(t, winner, 2, "second.example")
			winner.sync()
			if !b.uses("second.example") {
				t.Error("the one that signed first does not go on")
			}
			sound(t, winner, b)
		})
	}
}
