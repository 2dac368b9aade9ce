package node

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/internal/peer"
	"entente/journal"
	"entente/journal/journaltest"
)

// footprint is what a node keeps: files, bytes, and entries of its own journal.
type footprint struct {
	files, bytes int64
	own          int64
}

func (p *testParty) footprint(t *testing.T, unitName string) footprint {
	t.Helper()
	var f footprint
	l := must[*ledger](t)(p.findUnit(unitName))
	err := filepath.WalkDir(l.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			f.files++
			f.bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own != nil {
		f.own = l.own.Head().Size
	}
	return f
}

// unbounded lifts the bound on how fast partners may make a node grow, so that
// what a test tries is not stopped by it first.
func (p *testParty) unbounded() { p.growth = newGrowth(1 << 30) }

// fromParty gives the victim a stretch as another member would, without the wire.
func (r *rogue) fromParty(from journal.PartyID, run peer.Run) string {
	r.t.Helper()
	_, err := backend{r.victim.Node}.Accept(r.t.Context(), r.unit, from, run)
	if err == nil {
		return ""
	}
	ref, ok := peer.AsRefusal(err)
	if !ok {
		r.t.Fatalf("a fault of our own: %v", err)
	}
	return ref.Code
}

// TestHostileRepetition shows the same lie a thousand times, by its author and by
// another member: one proof is kept, and nothing grows after the first.
func TestHostileRepetition(t *testing.T) {
	accomplice := journal.PartyOf("another member")
	many := 1000
	if testing.Short() {
		many = 150
	}
	for _, x := range []struct {
		name string
		runs func(r *rogue) []peer.Run
	}{
		{"a fork shown by its head", func(r *rogue) []peer.Run {
			other, prev := r.fork(r.held().Size - 1)
			return []peer.Run{{Origin: r.origin, Checkpoint: r.signed(other, nil, r.note(prev, "another past")).Checkpoint}}
		}},
		{"a thousand different forks", func(r *rogue) []peer.Run {
			var runs []peer.Run
			for i := range many {
				other, prev := r.fork(r.held().Size - 1)
				runs = append(runs, r.signed(other, nil, r.note(prev, fmt.Sprint("past ", i))))
			}
			return runs
		}},
		{"an entry that breaks a rule", func(r *rogue) []peer.Run {
			return []peer.Run{r.next(r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["index"] = r.last.Index + 2 }))}
		}},
		{"heads that lie far ahead", func(r *rogue) []peer.Run {
			var runs []peer.Run
			for i := range many {
				cp := must[[]byte](t)(journal.SignCheckpoint(r.origin, journal.Head{Size: 1<<40 - int64(i), Root: journal.Hash{byte(i), byte(i >> 8)}}, r.victim.now(), r.key))
				runs = append(runs, peer.Run{Origin: r.origin, Checkpoint: cp})
			}
			return runs
		}},
		{"half signatures", func(r *rogue) []peer.Run {
			run := r.next(r.note(r.last, "one"))
			lines := bytes.SplitAfter(run.Checkpoint, []byte("\n"))
			run.Checkpoint = bytes.Join(lines[:len(lines)-2], nil)
			return []peer.Run{run}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			a.unbounded()
			runs := x.runs(r)
			for _, run := range runs[:1] {
				if code := r.fromParty(r.self.party, run); code == "" {
					t.Fatal("it was believed")
				}
				r.fromParty(accomplice, run)
			}
			before, proofs := a.footprint(t, "Watch"), len(a.evidence("Watch"))
			for i := range many {
				for _, from := range []journal.PartyID{r.self.party, accomplice} {
					if code := r.fromParty(from, runs[i%len(runs)]); code == "" {
						t.Fatal("it was believed")
					}
				}
			}
			after := a.footprint(t, "Watch")
			if after.files > before.files+1 || after.own != before.own || len(a.evidence("Watch")) != proofs {
				t.Errorf("%d repetitions: %+v became %+v, %d proofs became %d", 2*many, before, after, proofs, len(a.evidence("Watch")))
			}
			if after.bytes > before.bytes+64<<10 {
				t.Errorf("%d repetitions took %d bytes on disk", 2*many, after.bytes-before.bytes)
			}
			a.lives(nil)
		})
	}
}

// TestHostileBeginning is a partner whose journal breaks a rule before anything of
// it is held: the proof is kept once, and the honest beginning still comes in from
// somebody else.
func TestHostileBeginning(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	r := takeOver(t, b, a)
	a.unbounded()
	first := must[[]byte](t)(firstEntry(r.st))
	genesis := r.parse(first)
	bad := r.entry(genesis, "x.note", map[string]any{}, nil, func(m map[string]any) { m["at"] = "2001-01-01T00:00:00Z" })
	st := journaltest.Forge(t, r.origin, [][]byte{first, bad}, r.key)
	run := peer.Run{Origin: r.origin, Entries: [][]byte{first, bad}, Checkpoint: must[[]byte](t)(st.Latest())}
	for range 1000 {
		if code := r.fromParty(r.self.party, run); code != journal.CodeBackDated {
			t.Fatalf("answered with %q", code)
		}
	}
	if kept := a.evidence("Watch"); len(kept) != 1 {
		t.Errorf("%d proofs are kept of one lie", len(kept))
	}
	a.convicts("Watch", r.self.party, journal.CodeBackDated) // although nothing of that journal is here
	if text := string(must[[]byte](t)(json.Marshal(must[*StatusResponse](t)(a.Status(ctx))))); !strings.Contains(text, `"`+journal.CodeBackDated+`"`) {
		t.Errorf("status does not show it:\n%s", text)
	}
	a.stop()
	a.start()
	a.unbounded()
	a.convicts("Watch", r.self.party, journal.CodeBackDated)
	honest := peer.Run{Origin: r.origin, Entries: [][]byte{first}, Checkpoint: must[[]byte](t)(r.st.Latest())}
	if code := r.fromParty(r.self.party, honest); code != journal.CodeBackDated {
		t.Errorf("its author goes on with %q", code)
	}
	if code := r.fromParty(journal.PartyOf("another member"), honest); code != "" || r.held().Size != 1 {
		t.Errorf("another member's sound copy: %q", code)
	}
	a.stop()
	a.start()
	if r.fault() != journal.CodeBackDated || r.held().Size != 1 {
		t.Errorf("after a restart: fault %q, %d entries", r.fault(), r.held().Size)
	}
	a.convicts("Watch", r.self.party, journal.CodeBackDated)
}

// TestHostileFirstStretch is a partner that lies in the very first thing it shows of its journal: in the
// genesis itself, whose key its own organisation certified, or with a key that it may not name so soon. Nothing of it
// is held, and the dossier proves it all the same. A genesis that nobody's key shows to be the partner's proves nothing.
func TestHostileFirstStretch(t *testing.T) {
	for _, x := range []struct {
		name, code string
		proved     bool
		entries    func(r *rogue, genesis *journal.Entry) [][]byte
	}{
		{"a rotation by a stranger", journal.CodeBadSignature, true, func(r *rogue, genesis *journal.Entry) [][]byte {
			next := journaltest.Key("next").Public()
			cert := must[journal.Signed](r.t)(journal.NewCertificate(journaltest.Key("a stranger"), journal.Certificate{Unit: r.unit, Party: r.self.party, Key: next, Replaces: r.key.Public().ID()}))
			note := r.note(genesis, "first")
			return [][]byte{genesis.Raw, note, r.entry(r.parse(note), journal.KindRotate, journal.RotateBody{Key: next, Certificate: cert}, nil, nil)}
		}},
		{"no entry", journal.CodeBadEntry, true, func(_ *rogue, genesis *journal.Entry) [][]byte { return [][]byte{genesis.Raw, []byte("{}")} }},
		{"a genesis that has seen itself", journal.CodeBadSeen, true, func(r *rogue, genesis *journal.Entry) [][]byte {
			return [][]byte{r.again(genesis, func(m map[string]any) { m["seen"] = map[journal.Origin]journal.Head{r.origin: {Size: 1}} })}
		}},
		{"a genesis under a key that nobody certified", journal.CodeBadSignature, false, func(r *rogue, genesis *journal.Entry) [][]byte {
			g := must[journal.GenesisBody](r.t)(genesis.Genesis())
			g.Certificate = must[journal.Signed](r.t)(journal.NewCertificate(journaltest.Key("a stranger"), journal.Certificate{Unit: r.unit, Party: r.self.party, Key: r.key.Public()}))
			return [][]byte{r.again(genesis, func(m map[string]any) { m["body"] = g })}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			ctx := t.Context()
			a, b := newParty(t, "North"), newParty(t, "South")
			must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
			pair(t, a, b, "Watch")
			r := takeOver(t, b, a)
			genesis := r.parse(must[[]byte](t)(firstEntry(r.st)))
			raw := x.entries(r, genesis)
			cp := must[[]byte](t)(journaltest.Forge(t, r.origin, raw, r.key).Latest())
			if code := r.fromParty(r.self.party, peer.Run{Origin: r.origin, Entries: raw, Checkpoint: cp}); code != x.code || r.held().Size != 0 {
				t.Fatalf("answered with %q, %d entries held", code, r.held().Size)
			}
			for range 2 {
				if x.proved {
					a.convicts("Watch", r.self.party, x.code)
				} else {
					a.clears("Watch")
				}
				a.stop()
				a.start()
			}
			a.lives(nil)
		})
	}
}

// again writes an entry anew with something changed.
func (r *rogue) again(e *journal.Entry, change func(map[string]any)) []byte {
	r.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.Raw, &m); err != nil {
		r.t.Fatal(err)
	}
	change(m)
	return must[[]byte](r.t)(json.Marshal(m))
}

// TestHostileHeadAhead is a second history of which only a head is shown, longer
// than what the victim holds: nothing can be said of it yet. It is remembered, and
// when the first history has grown so far the two heads meet.
func TestHostileHeadAhead(t *testing.T) {
	for _, x := range []struct {
		name  string
		sizes [2]int // entries of the false history, and of the true one that follows
		code  string
		show  func(r *rogue, head []byte)
	}{
		{"by a member, of one size", [2]int{3, 3}, journal.CodeFork, func(r *rogue, head []byte) { r.say([]peer.Run{{Origin: r.origin, Checkpoint: head}}) }},
		{"by a member, shorter", [2]int{2, 4}, journal.CodeRollback, func(r *rogue, head []byte) { r.say([]peer.Run{{Origin: r.origin, Checkpoint: head}}) }},
		{"with entries that do not fit", [2]int{3, 3}, journal.CodeFork, func(r *rogue, head []byte) {
			one := r.note(r.last, "else")
			two := r.note(r.parse(one), "else")
			run := peer.Run{Origin: r.origin, First: r.last.Index + 1, Entries: [][]byte{one, two, r.note(r.parse(two), "else")}, Checkpoint: head}
			if got := r.say([]peer.Run{run}); !slices.Contains(got.codes(), journal.CodeBadRoot) {
				r.t.Errorf("answered with %q", got.codes())
			}
		}},
		{"to the witness, of one size", [2]int{3, 3}, journal.CodeFork, func(r *rogue, head []byte) { r.witness(0, head) }},
		{"to the witness, shorter", [2]int{1, 2}, journal.CodeRollback, func(r *rogue, head []byte) { r.witness(0, head) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, quiet := hostileWorldFor(t, x.name == "to the witness, shorter")
			other, prev := r.fork(r.held().Size)
			var entries [][]byte
			for i := range x.sizes[0] {
				raw := r.note(prev, fmt.Sprint("false ", i))
				entries, prev = append(entries, raw), r.parse(raw)
			}
			x.show(r, r.signed(other, nil, entries...).Checkpoint)
			if r.fault() != "" || len(a.evidence("Watch")) > 0 {
				t.Fatalf("it proves something before it can: %q", r.fault())
			}
			a.stop()
			a.start()
			prev, entries = r.last, nil
			for i := range x.sizes[1] {
				raw := r.note(prev, fmt.Sprint("true ", i))
				entries, prev = append(entries, raw), r.parse(raw)
			}
			run := r.next(entries...)
			if got := r.say([]peer.Run{run}); !slices.Contains(got.codes(), x.code) {
				t.Errorf("answered with %q", got.codes())
			}
			caught(t, a, r, x.code, r.held())
			a.lives(quiet)
		})
	}
}

// witness asks the victim's witness to cosign a head, and tells how it answered.
func (r *rogue) witness(old int64, head []byte) int {
	r.t.Helper()
	resp, err := r.http.Post("https://"+r.victim.init.PeerListen+"/witness/add-checkpoint", "text/plain", bytes.NewReader(fmt.Appendf(nil, "old %d\n\n%s", old, head)))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// TestHostileForkToTheWitness is a partner that wants a cosignature under another
// history than the one it gave: it gets none, and the proof is kept.
func TestHostileForkToTheWitness(t *testing.T) {
	for _, x := range []struct {
		name, code string
		heads      func(r *rogue) [][]byte
	}{
		{"of the size that is held", journal.CodeFork, func(r *rogue) [][]byte {
			other, prev := r.fork(r.held().Size - 1)
			return [][]byte{r.signed(other, nil, r.note(prev, "another past")).Checkpoint}
		}},
		{"shorter", journal.CodeRollback, func(r *rogue) [][]byte {
			more := r.next(r.note(r.last, "two"), r.note(r.parse(r.note(r.last, "two")), "three"))
			r.say([]peer.Run{more})
			other, prev := r.fork(more.First)
			return [][]byte{r.signed(other, nil, r.note(prev, "never said that")).Checkpoint}
		}},
		{"two of one size, before either is held", journal.CodeFork, func(r *rogue) [][]byte {
			var heads [][]byte
			for i := range 2 {
				other, prev := r.fork(r.held().Size)
				heads = append(heads, r.signed(other, nil, r.note(prev, fmt.Sprint("past ", i))).Checkpoint)
			}
			return heads
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			heads := x.heads(r)
			before := r.held()
			status := 0
			for _, h := range heads {
				status = r.witness(0, h)
			}
			if status == http.StatusOK {
				t.Error("a second history was cosigned")
			}
			caught(t, a, r, x.code, before)
			if again := r.witness(0, heads[0]); again == http.StatusOK {
				t.Error("the witness goes on with a journal that is proved false")
			}
		})
	}
}

// TestHostileForkInALongJournal is a split view in a journal that is longer than
// anything that travels in one piece: the heads meet all the same.
func TestHostileForkInALongJournal(t *testing.T) {
	if testing.Short() {
		t.Skip("a journal of 16,484 entries; it is written without -short")
	}
	length := journal.MaxBatchEntries + 100
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	a.unbounded()
	b.unbounded()
	toNorth := takeOver(t, c, a)
	toSouth := *toNorth
	toSouth.victim = b
	cert := must[tls.Certificate](t)(toNorth.self.certificate(a.opts.Rand, a.now()))
	toSouth.http = toSouth.client(peer.ClientConfig(cert, func() []journal.Hash { return b.keys().id.TLS }))
	before := toNorth.held().Size
	tell := func(r *rogue, word string, n int) {
		st, prev := r.fork(before)
		for n > 0 {
			var entries [][]byte
			for range min(n, 4000) {
				raw := r.note(prev, word)
				e := *prev
				e.Index, e.At = prev.Index+1, prev.At
				entries, prev, n = append(entries, raw), &e, n-1
			}
			if got := r.say([]peer.Run{r.signed(st, nil, entries...)}); len(got.codes()) > 0 {
				t.Fatalf("%q", got.codes())
			}
		}
	}
	tell(toNorth, "to North", length)
	tell(&toSouth, "to South", length+5)
	for range 2 {
		for _, p := range [][2]*testParty{{a, b}, {b, a}} {
			if _, err := p[0].Sync(ctx, SyncRequest{Party: p[1].init.Party}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := 0
	for _, p := range []*testParty{a, b} {
		l := must[*ledger](t)(p.findUnit(""))
		l.mu.Lock()
		fault := l.mirrors[toNorth.origin].fault
		l.mu.Unlock()
		if !contradicts(fault) {
			t.Errorf("%s does not hold West's journal to be false: %q", p.init.Name, fault)
		}
		kept += len(p.evidence(""))
		rep := p.dossier("")
		if !rep.OK || !proved(rep, fault, toNorth.self.party) {
			t.Errorf("%s's dossier (ok %v %s) does not prove it: %+v", p.init.Name, rep.OK, rep.Damage, rep.Findings)
		}
	}
	if kept == 0 {
		t.Error("nobody kept a proof")
	}
}
