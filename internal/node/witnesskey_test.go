package node

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// twoHistories are heads of two histories of the hostile member's journal, of one size and
// one entry longer than what anybody holds.
func twoHistories(w *world, r *rogue, b *machine) (heads [2][]byte) {
	for i, text := range []string{"one", "another"} {
		st, last := r.fork(r.last.Index + 1)
		heads[i] = r.signed(st, nil, r.entry(last, "x.note", map[string]any{"text": text}, nil, w.at(b, last, nil))).Checkpoint
	}
	return heads
}

// TestWitnessWithoutItsMarks: an author that forks itself has one history cosigned, and wants the
// other one cosigned after the witness has lost what it knew. The witness never cosigns it with the
// key that it has cosigned the first one with; a succession gives it another key, with nothing
// more for an officer to do.
func TestWitnessWithoutItsMarks(t *testing.T) {
	marks := func(m *machine, prefix string) {
		for _, name := range m.disk.Names() {
			if strings.HasPrefix(name, simMarks+"/"+prefix) {
				m.disk.Set(name, nil)
			}
		}
	}
	restart := func(t *testing.T, m *machine, between func()) {
		t.Helper()
		if err := m.halt(); err != nil {
			t.Fatal(err)
		}
		between()
		if err := m.boot(); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct {
		name    string
		stopped bool // it cosigns nothing with its key
		retired bool // an officer opens a successor
		harm    func(t *testing.T, w *world, a *machine, older save)
	}{
		{"nothing happened", false, false, func(*testing.T, *world, *machine, save) {}},
		{"started again", false, false, func(t *testing.T, _ *world, a *machine, _ save) { restart(t, a, func() {}) }},
		{"an older folder, marks kept", false, false, func(t *testing.T, w *world, _ *machine, older save) {
			if err := w.restore(older, true); err != nil {
				t.Fatal(err)
			}
		}},
		{"marks lost", true, true, func(t *testing.T, _ *world, a *machine, _ save) { restart(t, a, func() { marks(a, "") }) }},
		{"marks lost while it runs", true, false, func(_ *testing.T, _ *world, a *machine, _ save) { marks(a, "") }},
		{"one mark lost", true, true, func(t *testing.T, _ *world, a *machine, _ save) {
			own := strings.TrimPrefix(string(a.node.units()[0].origin()), "entente/")
			restart(t, a, func() { marks(a, own) })
		}},
		{"an older folder, marks lost", true, true, func(t *testing.T, w *world, _ *machine, older save) {
			if err := w.restore(older, false); err != nil {
				t.Fatal(err)
			}
		}},
		{"as an earlier program left it", false, false, func(t *testing.T, _ *world, a *machine, _ save) {
			restart(t, a, func() { marks(a, notePrefix); a.disk.Set(simDir+"/keys/"+keyWitnessNoted, nil) })
		}},
		{"as an earlier program left it, marks lost", true, true, func(t *testing.T, _ *world, a *machine, _ save) {
			restart(t, a, func() { marks(a, ""); a.disk.Set(simDir+"/keys/"+keyWitnessNoted, nil) })
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			storyOf(t, found(t, shape{members: 3}), func(w *world, a, b *machine) {
				older := a.picture()
				b.hostile, w.hostile, w.victim = true, b, a
				r := w.mask(b)
				heads := twoHistories(w, r, b)
				ask := func(head []byte) error {
					defer r.http.CloseIdleConnections()
					c := peer.WitnessClient{URL: "https://" + a.addr + "/witness", VKey: a.witnessKey(), HTTP: r.http}
					_, err := c.Cosign(w.ctx, head, 0, nil)
					return err
				}
				key := a.witnessKey()
				if err := ask(heads[0]); err != nil {
					t.Fatal(err)
				}
				x.harm(t, w, a, older)
				if err := ask(heads[1]); err == nil {
					t.Fatal("it cosigns two histories with one key")
				}
				err := w.askedBy(t, a, w.ms[2])
				if (err != nil) != x.stopped || x.stopped && !strings.Contains(err.Error(), CodeWitnessStopped) {
					t.Fatalf("it answers an honest author: %v", err)
				}
				_, told := a.unit(t, "Joint")
				if strings.Contains(told, CodeWitnessStopped) != x.stopped || a.examined(t, "whole for the witness key") && !x.stopped {
					t.Errorf("its officer is told: %s", told)
				}
				if !x.stopped {
					if a.witnessKey() != key {
						t.Error("its key was replaced for nothing")
					}
					return
				}
				if x.retired {
					if err := w.actSucceed(a); err != nil {
						t.Fatal(err)
					}
				} else {
					a.rotate(t, "witness")
				}
				if _, told := a.unit(t, "Joint"); strings.Contains(told, CodeWitnessStopped) || a.examined(t, "whole for the witness key") {
					t.Errorf("its officer is still told: %s", told)
				}
				if a.witnessKey() == key {
					t.Fatal("it has the same key")
				}
				restart(t, a, func() {})
				w.cosignedBy(t, a, w.ms[2])
			})
		})
	}
}

// askedBy lets a witness be asked about the head of another member's journal.
func (w *world) askedBy(t *testing.T, witness, author *machine) error {
	t.Helper()
	l := must[*ledger](t)(author.node.findUnit("Joint"))
	to, ok := l.target(w.eye.party[witness])
	if !ok {
		t.Fatal("no address")
	}
	c := peer.WitnessClient{URL: "https://" + witness.addr + "/witness", VKey: witness.witnessKey(), HTTP: author.client.HTTP(to)}
	_, err := c.CosignFrom(w.ctx, l.own.Checkpoint(), 0, func(old, size int64) ([]journal.Hash, error) { return tlog.ProveTree(size, old, l.ownStore) })
	return err
}

// cosignedBy: a head of a member's journal is cosigned by another one, with its newest key.
func (w *world) cosignedBy(t *testing.T, witness, author *machine) {
	t.Helper()
	w.round()
	w.round()
	must[*WriteResponse](t)(author.node.Suspend(w.ctx, UnitSuspendRequest{Unit: "Joint", Code: "trust"}))
	if err := w.actCosign(author); err != nil {
		t.Fatal(err)
	}
	l := must[*ledger](t)(author.node.findUnit("Joint"))
	name, _, _ := strings.Cut(witness.witnessKey(), "+")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.eye.cosigned[cosigner{name, l.origin()}].Size == 0 {
		t.Error("nothing is cosigned with the new key")
	}
}

// TestRestoredWitness: a restore with the organisation key ends with a witness that cosigns,
// with another key than before; where a member cannot be heard, an officer is told, and the
// key is replaced when it can be.
func TestRestoredWitness(t *testing.T) {
	for _, heard := range []bool{true, false} {
		storyOf(t, found(t, shape{members: 3}), func(w *world, a, b *machine) {
			s, key := must[save](t)(w.backup(a)), a.witnessKey()
			if err := w.actSync(a); err != nil {
				t.Fatal(err)
			}
			if !heard {
				w.net.meet(func(m *machine, _ string) lineFault { return lineFault{refuse: true} })
			}
			if err := w.restore(s, false); err != nil {
				t.Fatal(err)
			}
			w.net.meet(nil)
			_, told := a.unit(t, "Joint")
			if (a.witnessKey() != key) != heard || strings.Contains(told, CodeWitnessStopped) == heard {
				t.Errorf("members heard: %v; its key is another: %v; %s", heard, a.witnessKey() != key, told)
			}
			if !heard {
				if err := w.actSucceed(a); err != nil { // nothing is retired any more
					t.Fatal(err)
				}
			}
			if a.witnessKey() == key || a.node.witnessStopped() || a.node.keys().id.Version != 2 {
				t.Errorf("members heard: %v; the identity has version %d, the witness is stopped: %v", heard, a.node.keys().id.Version, a.node.witnessStopped())
			}
			w.cosignedBy(t, a, b) // and the others know the new key
		})
	}
}

// TestWitnessKeyIsRotated: a served node cosigns with its new witness key at once, partners take it
// from the journal, and what was cosigned with the one before stays verifiable.
func TestWitnessKeyIsRotated(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	a.config.Witnesses = []WitnessConfig{{Party: "South"}}
	l := must[*ledger](t)(a.findUnit(""))
	before := b.keys().id.Witness
	if err := a.askWitnesses(ctx, l); err != nil {
		t.Fatal(err)
	}
	must[*IdentityRotateResponse](t)(b.RotateIdentity(ctx, IdentityRotateRequest{What: "witness", OrgKey: b.orgText()}))
	after := b.keys().id.Witness
	if after == before {
		t.Fatal("the key is the same")
	}
	b.sync()
	if err := a.suspends(); err != nil {
		t.Fatal(err)
	}
	if err := a.askWitnesses(ctx, l); err != nil {
		t.Fatal(err)
	}
	var with []string
	for raw, err := range l.ownStore.Read(0, l.own.Head().Size) {
		if err != nil {
			t.Fatal(err)
		}
		e := must[*journal.Entry](t)(journal.ParseEntry(slices.Clone(raw)))
		if e.Kind != journal.KindWitness {
			continue
		}
		body := must[journal.WitnessBody](t)(journal.DecodeBody[journal.WitnessBody](e, journal.KindWitness))
		for _, key := range []string{before, after} {
			if _, _, sigs, err := journal.Cosignatures([]byte(body.Checkpoint), key); err == nil && len(sigs) == 1 {
				with = append(with, key)
			}
		}
	}
	if !slices.Equal(with, []string{before, after}) {
		t.Errorf("cosigned with %q, want %q and %q", with, before, after)
	}
	b.stop()
	b.start()
	if b.keys().id.Witness != after || witnessVKey(b.keys().witness) != after || b.witnessStopped() {
		t.Errorf("after a restart: %s, stopped %v", witnessVKey(b.keys().witness), b.witnessStopped())
	}
	sound(t, a, b)
}

// TestWitnessRotationKilled cuts the rotation of a witness key before every operation on the
// disk: the key is that of the identity, and its marks are whole.
func TestWitnessRotationKilled(t *testing.T) {
	rotationKilled(t, "witness", 5, func(_ *world, a *machine, at int) {
		k := a.node.keys()
		if witnessVKey(k.witness) != k.id.Witness || a.node.witnessStopped() {
			t.Errorf("killed at %d: version %d, its key is the identity's: %v, stopped: %v", at, k.id.Version, witnessVKey(k.witness) == k.id.Witness, a.node.witnessStopped())
		}
	})
}

// rotationKilled cuts the rotation of a key before every operation on the disk, in turn by a kill and by
// a power loss, and looks at the machine once it runs again. With -short, as under
// the race detector, which makes each many times as long, only every short-th cut is made.
func rotationKilled(t *testing.T, what string, short int, then func(w *world, a *machine, at int)) {
	t.Helper()
	tpl, step := found(t, shape{members: 2}), 1
	if testing.Short() {
		step = short
	}
	for at, killed := 1, true; killed; at += step {
		storyOf(t, tpl, func(w *world, a, _ *machine) {
			a.mu.Lock()
			a.kill = killPlan{at: a.ops + at, power: at%2 == 0, pick: picker(uint64(at))}
			a.mu.Unlock()
			_, _ = a.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: what, OrgKey: must[string](t)(a.orgKey())})
			killed = a.dead.Load()
			w.bury()
			if killed {
				if err := w.wake(a); err != nil {
					t.Fatal(err)
				}
			}
			then(w, a, at)
		})
		if t.Failed() || at > 1000 {
			t.Fatalf("at operation %d", at)
		}
	}
}

// TestWitnessOfAnImage: a machine that was put back as a whole looks from inside like one that
// was started again. At the moment at which it learns of a head of its own that it does not
// have, its witness stops, and the succession gives it another key.
func TestWitnessOfAnImage(t *testing.T) {
	a, b := two(t)
	image := a.snapshot()
	shareOne(t, a, 1, "later.example")
	a.sync()
	a.stop()
	image.start()
	key := image.keys().id.Witness
	if image.witnessStopped() {
		t.Fatal("the image knows that it is one")
	}
	image.establish()
	if !image.retired() || !image.witnessStopped() {
		t.Fatal("it has learned that it is an image, and its witness goes on")
	}
	image.stop()
	image.start()
	if !image.witnessStopped() {
		t.Fatal("a start makes it forget that")
	}
	if _, err := image.RotateIdentity(t.Context(), IdentityRotateRequest{What: "witness", OrgKey: image.orgText()}); code(err) != CodeRetired {
		t.Fatalf("rotated while the journal is retired: %v", err)
	}
	must[[]RestoredUnit](t)(image.Succeed(t.Context(), image.orgText()))
	if image.witnessStopped() || image.keys().id.Witness == key {
		t.Error("the succession did not replace the witness key")
	}
	for range 3 {
		image.codes()
		b.codes()
	}
	sameState(t, image, b)
	sound(t, image, b)
}

// TestCopiedFolderCosignsNothing: the marks that came with a copy of the folder are not those
// that its key is used with; neither is a key unused that lay in a folder which was copied
// before its first start.
func TestCopiedFolderCosignsNothing(t *testing.T) {
	a, _ := two(t)
	a.stop()
	note := filepath.Join(a.dir, "highwater", witnessNote(a.keys().id.Witness))
	if text := string(must[[]byte](t)(os.ReadFile(note))); strings.Count(text, "\n") < 2 {
		t.Skip("this file system does not tell when a file was made")
	}
	clone := a.snapshot()
	clone.fs = nil
	clone.start()
	if !clone.witnessStopped() {
		t.Error("a copy cosigns")
	}
	clone.stop()
	a.start()
	if a.witnessStopped() {
		t.Error("the original does not")
	}

	dir, org := filepath.Join(t.TempDir(), "node"), filepath.Join(t.TempDir(), "organisation.key")
	init := must[*InitResult](t)(Init(t.Context(), dir, InitOptions{Name: "East", PeerListen: freeAddr(t), OrgKeyPath: org, Agency: "CERT"}, testOptions(t)))
	x := &testParty{t: t, dir: dir, org: org, init: init, stop: func() {}}
	y := x.snapshot()
	y.fs = nil
	for p, stopped := range map[*testParty]bool{x: false, y: true} {
		p.start()
		if p.witnessStopped() != stopped {
			t.Errorf("the witness of a folder that was copied before its first start: %v", !stopped)
		}
		p.stop()
	}
}

// TestWitnessOfAFolderThatTakesNoNote: where no note can be left nothing is cosigned, and the
// node works; a later start leaves it.
func TestWitnessOfAFolderThatTakesNoNote(t *testing.T) {
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	a.stop()
	note := filepath.Join(a.dir, "highwater", witnessNote(a.keys().id.Witness))
	if err := errors.Join(os.Remove(note), os.Remove(a.at.key(keyWitnessNoted)), os.MkdirAll(filepath.Join(note, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	a.start()
	ask := func(want int) {
		t.Helper()
		h := a.witnessHandler()
		l := must[*ledger](t)(b.findUnit(""))
		rec := httptest.NewRecorder()
		req := must[*http.Request](t)(http.NewRequest(http.MethodPost, "https://x/witness/add-checkpoint", strings.NewReader("old 0\n\n"+string(l.own.Checkpoint()))))
		h.ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("it answers with %d %s, want %d", rec.Code, rec.Body, want)
		}
	}
	ask(http.StatusInternalServerError)
	if err := a.suspends(); err != nil {
		t.Error(err)
	}
	a.stop()
	if err := os.RemoveAll(note); err != nil {
		t.Fatal(err)
	}
	a.start()
	ask(http.StatusOK)
}

// syncedFolders notes which folders were synced.
type syncedFolders struct {
	store.OS
	names []string
}

func (s *syncedFolders) SyncDir(name string) error {
	s.names = append(s.names, name)
	return s.OS.SyncDir(name)
}

// TestStartSyncsTheKeys: a key that a killed process has put into its place is seen at the next
// start, and a power loss must not take it back once it was used.
func TestStartSyncsTheKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	must[*InitResult](t)(Init(t.Context(), dir, InitOptions{Name: "North", PeerListen: "none", OrgKeyPath: filepath.Join(t.TempDir(), "organisation.key")}, testOptions(t)))
	if err := must[*Node](t)(Open(t.Context(), dir, testOptions(t))).Close(); err != nil { // the first start writes there
		t.Fatal(err)
	}
	opts, fs := testOptions(t), &syncedFolders{}
	opts.FS = fs
	if err := must[*Node](t)(Open(t.Context(), dir, opts)).Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(fs.names, filepath.Join(dir, "keys")) {
		t.Errorf("synced were %q", fs.names)
	}
}
