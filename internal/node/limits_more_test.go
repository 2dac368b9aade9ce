package node

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"entente/internal/store"
	"entente/journal"
	"entente/stix"
)

// TestLimitsOfBackups reaches the bounds on a backup that is read back.
func TestLimitsOfBackups(t *testing.T) {
	heads := func(size int64, names ...string) io.Reader {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range names {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: size}); err != nil {
				t.Fatal(err)
			}
		}
		return &b
	}
	seen := errors.New("it was let through")
	read := func(size int64) error {
		_, err := eachInBackup(t.Context(), heads(size, manifestName), func(string, int64, io.Reader) error { return seen })
		return err
	}
	if in, out := read(maxBackupBytes), read(maxBackupBytes+1); !errors.Is(in, seen) || errors.Is(out, seen) || !strings.Contains(out.Error(), "larger than any") {
		t.Errorf("maxBackupBytes: %v and %v", in, out)
	}
	for _, most := range []int{2, 3} {
		n, err := eachOfAtMost(t.Context(), heads(0, manifestName, "format", "format"), most, 1, func(string, int64, io.Reader) error { return nil })
		if n != most || (most < 3) != (err != nil && strings.Contains(err.Error(), "which no backup has")) {
			t.Errorf("maxBackupFiles: %d of 3 at most %d, %v", n, most, err)
		}
	}
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan := func(size int64) error {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, key.Recipient())
		if err == nil {
			_, err = io.Copy(w, heads(size, manifestName))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = PlanRestore(t.Context(), filepath.Join(t.TempDir(), "new"), &b, RestoreOptions{Identity: file, Node: testOptions(t)})
		return err
	}
	// What is announced is looked at before any of it is held; there is nothing behind it.
	const told = "more than those of any node"
	names := int64(len(manifestName))
	if in, out := plan(maxPlanned-names), plan(maxPlanned-names+1); in == nil || out == nil || strings.Contains(in.Error(), told) || !strings.Contains(out.Error(), told) {
		t.Errorf("maxPlanned: %v and %v", in, out)
	}
}

// TestLimitsOfTheMachine reaches bounds on what a node reads and lists of its own folder,
// and on the room that it keeps.
func TestLimitsOfTheMachine(t *testing.T) {
	d := &doctor{res: &DoctorResponse{}, seen: map[string]bool{}}
	for range maxFindings + 2 {
		d.found(DoctorFinding{Rank: RankNote, Kind: "x", File: "x"})
	}
	if len(d.res.Findings) != maxFindings || d.res.More != 2 {
		t.Errorf("maxFindings: %d and %d more", len(d.res.Findings), d.res.More)
	}
	at := files{testOptions(t).withDefaults().FS}
	name := filepath.Join(t.TempDir(), "file")
	for more, good := range []bool{true, false} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, int64(maxPrivateFile+more)); err != nil {
			t.Fatal(err)
		}
		if got, err := at.read(name); (err == nil && len(got) == maxPrivateFile) != good {
			t.Errorf("maxPrivateFile, %d more: %d bytes, %v", more, len(got), err)
		}
	}
	for total, want := range map[int64]int64{10*maxReserve - 10: maxReserve - 1, 10 * maxReserve: maxReserve, 10*maxReserve + 10: maxReserve, 0: minReserve} {
		if got := reserveOf(store.Room{Total: total}); got != want {
			t.Errorf("maxReserve: of %d bytes %d are kept, want %d", total, got, want)
		}
	}
}

// TestLimitsOfHeads reaches the bounds on signed heads that lie ahead: what the writer
// shows cannot crowd out what others show, and the shortest stay.
func TestLimitsOfHeads(t *testing.T) {
	m := &mirror{party: "writer"}
	for i, x := range []struct {
		from journal.PartyID
		size int64
		kept bool
	}{
		{"writer", 14, true}, {"", 13, true}, {"writer", 12, true}, {"writer", 11, true},
		{"writer", 15, false}, {"writer", 10, true}, // maxAheadOfOwn: the longest goes
		{"a", 20, true}, {"b", 21, true}, {"c", 22, true}, {"d", 23, true},
		{"e", 24, true}, {"f", 25, true}, {"g", 26, true}, {"h", 27, true}, // maxAhead: the writer's go
		{"i", 9, false}, {"writer", 8, false},
	} {
		if kept := m.room(aheadHead{From: x.from, Size: x.size}, 0); kept != x.kept {
			t.Errorf("head %d: kept %v", i, kept)
		}
		if want := min(i+1, maxAheadOfOwn); i < 6 && len(m.ahead) != want || len(m.ahead) > maxAhead {
			t.Errorf("head %d: %d wait", i, len(m.ahead))
		}
	}
	if len(m.ahead) != maxAhead {
		t.Errorf("%d wait", len(m.ahead))
	}
}

// TestLimitsOfPartners reaches the bounds on the parties of a unit, and on proofs about
// journals of which nothing is held.
func TestLimitsOfPartners(t *testing.T) {
	a, b := two(t)
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	all, south := l.file.Partners, b.keys().party
	chain := all[south].Chain
	l.file.Partners = map[journal.PartyID]partner{}
	for i := range maxPartners {
		l.file.Partners[journal.PartyID(fmt.Sprintf("%064x", i))] = partner{}
	}
	if l.learn(south, chain, false) {
		t.Error("maxPartners: one more is known")
	}
	delete(l.file.Partners, journal.PartyID(fmt.Sprintf("%064x", 7)))
	if !l.learn(south, chain, false) || len(l.file.Partners) != maxPartners {
		t.Error("maxPartners: the last is not known")
	}
	l.file.Partners = all
	about := journal.OriginOf(l.id, journal.PartyID(strings.Repeat("9", 64)), 0)
	head := string(about) + "\n1\n" + strings.Repeat("A", 43) + "=\n\n\u2014 x AAAAAAAA\n" // it cannot be verified yet
	for i := range 2 * (maxAccused + 1) {
		author := []journal.PartyID{a.keys().party, south}[i/(maxAccused+1)]
		proof := journal.Contradiction{Origin: about, A: head, B: head}
		l.noteEvidence(&journal.Entry{Kind: "evidence", Unit: l.id, Author: author, Index: int64(i), Body: must[[]byte](t)(json.Marshal(proof))})
	}
	if got := len(l.accused[about]); got != 2*maxAccused {
		t.Errorf("maxAccused: %d proofs of two members wait", got)
	}
	delete(l.accused, about)
}

// TestLimitsOfShare reaches the bounds on one payload of a share, and on what is listed.
func TestLimitsOfShare(t *testing.T) {
	a, _ := two(t)
	l := must[*ledger](t)(a.findUnit(""))
	share := func(n, size int, tlp stix.TLP, batches, listed int) {
		t.Helper()
		s := &sharing{n: a.Node, l: l, r: ShareRequest{DryRun: true}, verdicts: map[verdictKey]Decision{}, seen: map[[32]byte]bool{}, res: &ShareResponse{}}
		for i := range n {
			id := fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", i)
			raw := `{"type":"indicator","id":"` + id + `","x":"`
			raw += strings.Repeat("x", max(0, size-len(raw)-2)) + `"}`
			if err := s.add(t.Context(), sharedObject{id: id, typ: "indicator", tlp: tlp, ours: true, raw: []byte(raw)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.res.Effects) != batches || len(s.res.Refused) != listed || listed > 0 && int(s.res.Stopped) != n {
			t.Errorf("%d objects of %d bytes, %v: %d entries, %d listed, %d stopped", n, size, tlp, len(s.res.Effects), len(s.res.Refused), s.res.Stopped)
		}
	}
	share(shareObjects, 0, stix.TLPGreen, 1, 0)
	share(shareObjects+1, 0, stix.TLPGreen, 2, 0)
	share(3, shareBytes/3, stix.TLPGreen, 1, 0)
	share(3, shareBytes/3+1, stix.TLPGreen, 2, 0)
	share(maxListed, 0, stix.TLPRed, 0, maxListed)
	share(maxListed+1, 0, stix.TLPRed, 0, maxListed)
}
