package node

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/internal/peer"
	"entente/journal"
	"entente/journal/journaltest"
)

// TestHostileHistory is a partner that signs two histories of one journal. Each
// time both signed heads are kept, journaled, and prove it to a stranger; nothing
// more of that journal is taken; everything else goes on.
func TestHostileHistory(t *testing.T) {
	for _, x := range []struct {
		name, code string
		lie        func(r *rogue) []peer.Run
	}{
		{"fork", journal.CodeFork, func(r *rogue) []peer.Run {
			size := r.held().Size
			other, prev := r.fork(size - 1)
			run := r.signed(other, nil, r.note(prev, "another past"))
			return []peer.Run{run}
		}},
		{"fork shown by its head alone", journal.CodeFork, func(r *rogue) []peer.Run {
			size := r.held().Size
			other, prev := r.fork(size - 1)
			run := r.signed(other, nil, r.note(prev, "another past"))
			return []peer.Run{{Origin: r.origin, Checkpoint: run.Checkpoint}}
		}},
		{"rollback", journal.CodeRollback, func(r *rogue) []peer.Run {
			// The victim holds a batch of two; the head in the middle was never signed before.
			run := r.next(r.note(r.last, "one"))
			e := r.parse(run.Entries[0])
			more := r.next(r.note(e, "two"), r.note(r.parse(r.note(e, "two")), "three"))
			r.say([]peer.Run{run, more})
			other, prev := r.fork(more.First)
			return []peer.Run{r.signed(other, nil, r.note(prev, "never said that"))}
		}},
		{"rewrite of an old entry under a longer journal", journal.CodeRewritten, func(r *rogue) []peer.Run {
			size := r.held().Size
			other, prev := r.fork(size - 2)
			var entries [][]byte
			for i := range 5 {
				raw := r.note(prev, fmt.Sprint("rewritten ", i))
				entries, prev = append(entries, raw), r.parse(raw)
			}
			return []peer.Run{r.signed(other, nil, entries...)}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, quiet := hostileWorld(t)
			runs := x.lie(r)
			before := r.held()
			if got := r.say(runs); !slices.Contains(got.codes(), x.code) {
				t.Fatalf("answered with %d %q, want %s", got.status, got.codes(), x.code)
			}
			caught(t, a, r, x.code, before)
			// Honest entries come too late now: the journal is at an end.
			if got := r.say([]peer.Run{r.next(r.note(r.last, "sorry"))}); len(got.codes()) == 0 || r.held() != before {
				t.Errorf("after the proof the journal goes on: %q", got.codes())
			}
			a.lives(quiet)
			// All of it is there after a restart.
			a.stop()
			a.start()
			caught(t, a, r, x.code, before)
		})
	}
}

// caught checks that a proof is kept where people and strangers find it.
func caught(t *testing.T, a *testParty, r *rogue, code string, before journal.Head) {
	t.Helper()
	if r.held() != before {
		t.Errorf("something of it was taken in: %v after %v", r.held(), before)
	}
	if got := r.fault(); got != code {
		t.Errorf("the journal's fault is %q, want %q", got, code)
	}
	if kept := a.evidence("Watch"); !slices.Equal(kept, []string{code}) {
		t.Errorf("proofs kept: %q", kept)
	}
	st := must[*StatusResponse](t)(a.Status(t.Context()))
	if len(st.Attention) == 0 || !strings.Contains(saysOf(st)[0], code) {
		t.Errorf("the status says nothing of it: %q", saysOf(st))
	}
	a.convicts("Watch", r.self.party, code)
}

// hostileWorldFor leaves the other unit out where a test does not need it.
func hostileWorldFor(t *testing.T, other bool) (*testParty, *rogue, *testParty) {
	t.Helper()
	if other {
		return hostileWorld(t)
	}
	a, b := two(t)
	return a, takeOver(t, b, a), nil
}

// TestHostileEntries is a partner that signs entries which break a rule that the
// entry and its neighbour show: both are kept with the signed head over them.
func TestHostileEntries(t *testing.T) {
	for _, x := range []struct {
		name, code string
		entries    func(r *rogue) [][]byte
	}{
		{"replay of an entry", journal.CodeWrongIndex, func(r *rogue) [][]byte { return [][]byte{slices.Clone(r.last.Raw)} }},
		{"entry for another unit", journal.CodeWrongUnit, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) {
				m["unit"] = must[*ledger](r.t)(r.victim.findUnit("Quiet")).id
			})}
		}},
		{"replay of another unit's entry", journal.CodeWrongUnit, func(r *rogue) [][]byte {
			l := must[*ledger](r.t)(r.victim.findUnit("Quiet"))
			for raw, err := range l.ownStore.Read(1, 2) {
				if err != nil {
					r.t.Fatal(err)
				}
				return [][]byte{slices.Clone(raw)}
			}
			return nil
		}},
		{"replay of another member's entry", journal.CodeWrongAuthor, func(r *rogue) [][]byte {
			l := must[*ledger](r.t)(r.victim.findUnit("Watch"))
			for raw, err := range l.ownStore.Read(1, 2) {
				if err != nil {
					r.t.Fatal(err)
				}
				return [][]byte{slices.Clone(raw)}
			}
			return nil
		}},
		{"entry of a year that is none", journal.CodeBadEntry, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["at"] = "2300-01-01T00:00:00Z" })}
		}},
		{"a key twice in a body", journal.CodeBadEntry, func(r *rogue) [][]byte {
			return [][]byte{bytes.Replace(r.note(r.last, "x"), []byte(`"text":"x"`), []byte(`"text":"x","text":"y"`), 1)}
		}},
		{"invalid UTF-8", journal.CodeBadEntry, func(r *rogue) [][]byte {
			return [][]byte{bytes.Replace(r.note(r.last, "x"), []byte(`"text":"x"`), []byte("\"text\":\"\xff\""), 1)}
		}},
		{"entry of another author", journal.CodeWrongAuthor, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["author"] = r.victim.keys().party })}
		}},
		{"entry of another epoch", journal.CodeWrongOrigin, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["epoch"] = 3 })}
		}},
		{"gap", journal.CodeWrongIndex, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["index"] = r.last.Index + 2 })}
		}},
		{"reorder", journal.CodeWrongIndex, func(r *rogue) [][]byte {
			one := r.note(r.last, "one")
			return [][]byte{r.note(r.parse(one), "two"), one}
		}},
		{"back-dated entry", journal.CodeBackDated, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["at"] = "2026-01-01T00:00:00Z" })}
		}},
		{"seen that shrinks", journal.CodeBadSeen, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["seen"] = map[string]any{} })}
		}},
		{"a receipt its seen does not cover", journal.CodeBadSeen, func(r *rogue) [][]byte {
			body := journal.ReceiptBody{Origin: r.victimOrigin(), Size: 9000, Root: journal.Hash{1}}
			return [][]byte{r.entry(r.last, journal.KindReceipt, body, nil, nil)}
		}},
		{"an entry that is none", journal.CodeBadEntry, func(r *rogue) [][]byte { return [][]byte{[]byte(`{"v":1,"v":1}`)} }},
		{"an entry too deep", journal.CodeBadEntry, func(r *rogue) [][]byte {
			deep := strings.Repeat(`{"x":`, 40) + "1" + strings.Repeat("}", 40)
			return [][]byte{bytes.Replace(r.note(r.last, "x"), []byte(`"x"`), []byte(deep), 1)}
		}},
		{"a second genesis", journal.CodeBadEntry, func(r *rogue) [][]byte {
			return [][]byte{r.entry(r.last, journal.KindGenesis, map[string]any{}, nil, nil)}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, quiet := hostileWorldFor(t, strings.Contains(x.name, "unit"))
			before := r.held()
			run := r.next(x.entries(r)...)
			if got := r.say([]peer.Run{run}); !slices.Contains(got.codes(), x.code) {
				t.Fatalf("answered with %d %q, want %s", got.status, got.codes(), x.code)
			}
			caught(t, a, r, x.code, before)
			a.lives(quiet)
		})
	}
}

func (r *rogue) victimOrigin() journal.Origin {
	return must[*ledger](r.t)(r.victim.findUnit(string(r.unit))).origin()
}

// TestHostileSignatures is what proves nothing against its author, because
// anybody could have sent it: refused with a code, and nothing else happens.
func TestHostileSignatures(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	before := r.held()
	headBefore := must[[]byte](t)(r.st.Latest())
	good := r.next(r.note(r.last, "one"))
	text, sigs, _ := bytes.Cut(good.Checkpoint, []byte("\n\n"))
	lines := bytes.SplitAfter(sigs, []byte("\n"))
	// A half that the same key has signed, over the head before.
	_, sigsBefore, _ := bytes.Cut(headBefore, []byte("\n\n"))
	half := func(i int) []byte { return bytes.SplitAfter(sigsBefore, []byte("\n"))[i] }
	with := func(change func(run *peer.Run)) peer.Run {
		run := good
		change(&run)
		return run
	}
	stranger := journaltest.Key("a stranger")
	other, prev := r.fork(before.Size)
	foreign := r.signed(other, []*journal.PrivateKey{stranger}, r.note(prev, "one"))
	bundle, _ := r.sealed(journal.PayloadSTIX, []byte(oneIndicator))
	for _, x := range []struct {
		name, code string
		runs       []peer.Run
		payloads   []peer.Payload
	}{
		{"the Ed25519 half alone", journal.CodeHalfSignature, []peer.Run{with(func(run *peer.Run) { run.Checkpoint = fmt.Appendf(nil, "%s\n\n%s", text, lines[0]) })}, nil},
		{"the ML-DSA-44 half alone", journal.CodeHalfSignature, []peer.Run{with(func(run *peer.Run) { run.Checkpoint = fmt.Appendf(nil, "%s\n\n%s", text, lines[1]) })}, nil},
		{"no signature at all", journal.CodeBadSignature, []peer.Run{with(func(run *peer.Run) { run.Checkpoint = fmt.Appendf(nil, "%s\n\n", text) })}, nil},
		{"the Ed25519 half twice", journal.CodeHalfSignature, []peer.Run{with(func(run *peer.Run) { run.Checkpoint = fmt.Appendf(nil, "%s\n\n%s%s", text, lines[0], lines[0]) })}, nil},
		{"the Ed25519 half of another head", journal.CodeBadSignature, []peer.Run{with(func(run *peer.Run) { run.Checkpoint = fmt.Appendf(nil, "%s\n\n%s%s", text, half(0), lines[1]) })}, nil},
		{"the ML-DSA-44 half of another head", journal.CodeBadSignature, []peer.Run{with(func(run *peer.Run) { run.Checkpoint = fmt.Appendf(nil, "%s\n\n%s%s", text, lines[0], half(1)) })}, nil},
		{"another key", journal.CodeBadSignature, []peer.Run{foreign}, nil},
		{"another origin", peer.CodeWrongOrigin, []peer.Run{with(func(run *peer.Run) { run.Origin = journal.OriginOf(r.unit, r.self.party, 7); run.First = 0 })}, nil},
		{"a root that is not the entries'", journal.CodeBadRoot, []peer.Run{with(func(run *peer.Run) { run.Entries = [][]byte{r.note(r.last, "two")} })}, nil},
		{"a gap", journal.CodeGap, []peer.Run{with(func(run *peer.Run) {
			later := r.next(r.note(r.parse(good.Entries[0]), "two"))
			*run = later
		})}, nil},
		{"a payload nobody names", peer.CodeUnwanted, nil, []peer.Payload{bundle}},
	} {
		if got := r.say(x.runs, x.payloads...); !slices.Contains(got.codes(), x.code) {
			t.Errorf("%s: answered with %d %q, want %s", x.name, got.status, got.codes(), x.code)
		}
		if r.held() != before || r.fault() != "" || len(a.evidence("Watch")) > 0 {
			t.Errorf("%s: it counted for something: %v, %q", x.name, r.held(), r.fault())
		}
	}
	// Its own journal, as the victim would have written it, and again with a foreign signature.
	mine := r.victimOrigin()
	l := must[*ledger](t)(a.findUnit("Watch"))
	own := must[[]byte](t)(l.ownStore.Latest())
	if got := r.say([]peer.Run{{Origin: mine, Checkpoint: own}}); len(got.codes()) > 0 {
		t.Errorf("the victim's own head: %q", got.codes())
	}
	forged, err := journal.SignCheckpoint(mine, journal.Head{Size: 1 << 20, Root: journal.Hash{1}}, a.now(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	r.say([]peer.Run{{Origin: mine, Checkpoint: forged}})
	if l.retired != nil {
		t.Error("a forged head retired the victim's journal")
	}
	// The honest end still comes in.
	if got := r.say([]peer.Run{good}); len(got.codes()) > 0 || r.held().Size != before.Size+1 {
		t.Errorf("the honest entry: %q", got.codes())
	}
	a.lives(quiet)
}
