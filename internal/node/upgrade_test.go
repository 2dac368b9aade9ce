package node

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/internal/dossier"
	"entente/internal/store"
	"entente/journal"
)

// keptFolders is the archive of two folders as an earlier program left them, unpacked
// (testdata/format1/README.md).
type keptFolders struct {
	t   *testing.T
	dir string
	now atomic.Pointer[time.Time] // what both nodes take for the time

	parties []*testParty
}

func unpackKept(t *testing.T) *keptFolders {
	t.Helper()
	k := &keptFolders{t: t, dir: t.TempDir()}
	f := must[*os.File](t)(os.Open("testdata/format1/kept.tar.gz"))
	defer f.Close()
	tr := tar.NewReader(must[*gzip.Reader](t)(gzip.NewReader(f)))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(k.dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(name, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(name, must[[]byte](t)(io.ReadAll(tr)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.at(k.shown("south", "Successor").now)
	return k
}

// at sets the time.
func (k *keptFolders) at(now time.Time) { k.now.Store(&now) }

func (k *keptFolders) path(name string) string { return filepath.Join(k.dir, name) }

// said reads what the earlier program reported.
func (k *keptFolders) said(name string, v any) {
	k.t.Helper()
	if err := json.Unmarshal(must[[]byte](k.t)(os.ReadFile(k.path("said/"+name))), v); err != nil {
		k.t.Fatalf("%s: %v", name, err)
	}
}

type keptState struct {
	now   time.Time
	state []byte
	brief UnitBrief
}

func (k *keptFolders) shown(who, unit string) keptState {
	k.t.Helper()
	var show UnitShowResponse
	k.said(who+"-"+unit+".unit.json", &show)
	var s struct {
		Now time.Time `json:"now"`
	}
	if err := json.Unmarshal(show.State, &s); err != nil || s.Now.IsZero() {
		k.t.Fatalf("%s, %s: no time: %v", who, unit, err)
	}
	return keptState{s.Now, show.State, show.Brief}
}

// party opens a kept folder and answers partners; sessions find each other
// wherever they listen now.
func (k *keptFolders) party(who string) *testParty {
	k.t.Helper()
	p := &testParty{t: k.t, dir: k.path(who), org: k.path(who + ".key"), init: &InitResult{Name: who}}
	if who == "north" {
		p.org = k.path("north2.key") // rotated
	}
	p.init.PeerListen = "127.0.0.1:0"
	p.options = func(o *Options) {
		o.Clock = func() time.Time { return *k.now.Load() }
		o.Dial = k.dial
	}
	p.start()
	k.t.Cleanup(func() { p.stop() })
	p.init.Party = string(p.Party())
	k.parties = append(k.parties, p)
	return p
}

var keptUnits = []string{"Watch", "Fork", "Successor"}

// changed returns where what an earlier program said is said otherwise now, "" if nowhere. A later program
// may say more: objects may have further members, and who may move may have further moves (next).
func changed(at string, then, now []byte) string {
	var a, b any
	if err := errors.Join(json.Unmarshal(then, &a), json.Unmarshal(now, &b)); err != nil {
		return err.Error()
	}
	return changedAt(at, a, b)
}

func changedAt(at string, then, now any) string {
	switch then := then.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		if !ok {
			return at
		}
		for _, name := range slices.Sorted(maps.Keys(then)) {
			if _, ok := now[name]; !ok {
				return at + "." + name
			}
			if where := changedAt(at+"."+name, then[name], now[name]); where != "" {
				return where
			}
		}
		return ""
	case []any:
		now, ok := now.([]any)
		if !ok {
			return at
		}
		if strings.Contains(at, ".next") {
			if slices.ContainsFunc(then, func(m any) bool { return !slices.Contains(now, m) }) {
				return at
			}
			return ""
		}
		if len(now) != len(then) {
			return at
		}
		for i := range then {
			if where := changedAt(fmt.Sprintf("%s[%d]", at, i), then[i], now[i]); where != "" {
				return where
			}
		}
		return ""
	}
	if then != now {
		return at
	}
	return ""
}

// same checks that a node says of its folder what the earlier program said.
func (k *keptFolders) same(p *testParty) {
	k.t.Helper()
	t, ctx, who := k.t, k.t.Context(), p.init.Name
	equal := func(what string, got, want any) {
		t.Helper()
		g, w := must[[]byte](t)(json.Marshal(got)), must[[]byte](t)(json.Marshal(want))
		if !bytes.Equal(g, w) {
			t.Errorf("%s, %s:\n now %s\nthen %s", who, what, g, w)
		}
	}
	last := *k.now.Load()
	defer k.at(last)
	for _, name := range keptUnits {
		then := k.shown(who, name)
		k.at(then.now)
		now := must[*UnitShowResponse](t)(p.ShowUnit(ctx, UnitShowRequest{Unit: name}))
		if where := changed("state", then.state, now.State); where != "" {
			t.Errorf("%s, %s: %s: the state is\n%s\nand was\n%s", who, name, where, now.State, then.state)
		}
		for i := range then.brief.Members {
			then.brief.Members[i].LastSync = time.Time{}
		}
		equal(name, now.Brief, then.brief)
		var requests RequestListResponse
		k.said(who+"-"+name+".requests.json", &requests)
		listed := must[*RequestListResponse](t)(p.Requests(ctx, RequestListRequest{Unit: name, State: "all"}))
		if where := changed("requests", must[[]byte](t)(json.Marshal(&requests)), must[[]byte](t)(json.Marshal(listed))); where != "" {
			t.Errorf("%s, %s: %s: the requests are\n%+v\nand were\n%+v", who, name, where, listed, requests)
		}
		var shown JournalShowResponse
		k.said(who+"-"+name+".evidence.json", &shown)
		proofs := must[*JournalShowResponse](t)(p.ShowJournal(ctx, JournalShowRequest{Unit: name, Evidence: true}))
		equal("proofs", proofs.Evidence, shown.Evidence)

		var then2, now2 DossierReport
		k.said(who+"-"+name+".dossier.json", &then2)
		var file bytes.Buffer
		if err := p.ExportDossier(ctx, DossierExportRequest{Unit: name, Payloads: true}, &file); err != nil {
			t.Fatal(err)
		}
		now2 = *must[*DossierReport](t)(VerifyDossier(&file, nil))
		summary := func(r *DossierReport) any {
			return []any{r.OK, r.Counts.Journals, r.Counts.Entries, r.Counts.Checkpoints, r.Counts.Payloads, r.Counts.Proofs, r.Proposals, r.Shares, r.Suspensions, r.Void, r.Held, len(r.Breaches), len(r.Requests)}
		}
		equal("dossier of "+name, summary(&now2), summary(&then2))
		for _, f := range then2.Findings {
			if !slices.ContainsFunc(now2.Findings, func(g dossier.Finding) bool { return g.Code == f.Code && g.Party == f.Party }) {
				t.Errorf("%s, %s: the dossier no longer finds %+v", who, name, f)
			}
		}
	}
	var found SearchResponse
	k.said(who+".search.json", &found)
	equal("search", must[*SearchResponse](t)(p.Search(ctx, SearchRequest{Type: "indicator", Limit: 1000})), &found)
	var intake IntakeResponse
	k.said(who+".intake.json", &intake)
	equal("intake", must[*IntakeResponse](t)(p.Intake(ctx, IntakeRequest{State: "all"})), &intake)
	var status struct { // what needs somebody was told in other words then
		Objects ObjectCounts `json:"objects"`
	}
	k.said(who+".status.json", &status)
	now := must[*StatusResponse](t)(p.Status(ctx))
	equal("objects", now.Objects, status.Objects)

	var verify JournalVerifyResponse
	k.said(who+".verify.json", &verify)
	got := must[*JournalVerifyResponse](t)(p.VerifyJournals(ctx, nil))
	equal("journals", got, &verify)
	// The program that kept the folders derived other rows, so its digest says nothing here:
	// what counts is that everybody derives these from them.
	again := must[*RebuildResponse](t)(p.Rebuild(ctx, nil))
	if want := keptDigests[who]; again.Before != want || again.Digest != want {
		t.Errorf("%s: what is derived has the digest %s, a rebuild gives %s, it should be %s", who, again.Before, again.Digest, want)
	}
}

// keptDigests is what is derived from the kept folders, in layout 9 of the derived rows.
var keptDigests = map[string]string{
	"north": "4ef2c822f6f8a45a55294734412ae18d31c33829b2cb407d7ed2c79cac2a5575",
	"south": "43d211b52c605c4329dff2a71448468dfa04c71776469086737ebd1d7535c97c",
}

// dial finds the other kept node, whatever address its identity names.
func (k *keptFolders) dial(ctx context.Context, network, address string) (net.Conn, error) {
	who := map[string]string{"127.0.0.1:47441": "north", "127.0.0.1:47442": "south"}[address]
	for _, p := range k.parties {
		if p.init.Name == who {
			address = p.init.PeerListen
		}
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// tick lets some time pass.
func (k *keptFolders) tick() { k.at(k.now.Load().Add(time.Minute)) }

// TestUpgradeKeptFolders opens folders of the format before with this program:
// nothing is lost, everything is what it was to the byte, and the two go on.
func TestUpgradeKeptFolders(t *testing.T) {
	k, ctx := unpackKept(t), t.Context()
	for _, who := range []string{"north", "south"} {
		before := folderFiles(t, k.path(who))
		if _, there := before["format"]; there {
			t.Fatal("the kept folder says its format already")
		}
		p := k.party(who)
		k.same(p)
		p.stop()
		p.start()
		k.same(p)
		p.stop()
		after := folderFiles(t, p.dir)
		if string(after["format"]) != "2\n" {
			t.Errorf("%s has the format %q", who, after["format"])
		}
		for name, was := range before {
			is, there := after[name]
			switch top, _, _ := strings.Cut(name, "/"); {
			case top == "objects" || name == "lock":
			case !there:
				t.Errorf("%s lost %s", who, name)
			case filepath.Base(name) == "log" && !bytes.HasPrefix(is, was):
				t.Errorf("%s: what was written to %s was changed", who, name)
			}
		}
		p.start()
	}

	north, south := k.parties[0], k.parties[1]
	k.tick()
	north.sync()
	south.sync()
	k.tick()
	must[*ImportResponse](t)(north.Import(ctx, ImportRequest{Name: "later"}, strings.NewReader(string(bundleText(indicatorText(900, "later.example", tlpClear)))), nil))
	must[*ShareResponse](t)(north.Share(ctx, ShareRequest{Unit: "Watch", Source: "later"}, nil))
	north.sync()
	if !south.uses("later.example") {
		t.Error("what is shared after the upgrade does not arrive")
	}
	open := must[*RequestListResponse](t)(north.Requests(ctx, RequestListRequest{Unit: "Watch"}))
	if len(open.Requests) == 0 || open.Requests[0].State != "sent" {
		t.Fatalf("open requests: %d", len(open.Requests))
	}
	k.tick()
	must[*WriteResponse](t)(north.MoveRequest(ctx, RequestMoveRequest{Unit: "Watch", ID: open.Requests[0].ID, Move: "acknowledge"}))
	must[*WriteResponse](t)(north.MoveRequest(ctx, RequestMoveRequest{Unit: "Watch", ID: open.Requests[0].ID, Move: "accept"}))
	north.sync()
	k.tick()
	must[*WriteResponse](t)(south.Suspend(ctx, UnitSuspendRequest{Unit: "Successor"}))
	south.sync()
	north.sync()
	key := string(must[[]byte](t)(os.ReadFile(north.org)))
	if _, err := north.RotateIdentity(ctx, IdentityRotateRequest{What: "node", OrgKey: key}); err != nil {
		t.Error(err)
	}
	north.sync()
	south.sync()
	for _, name := range []string{"Watch", "Successor"} {
		a := must[*UnitShowResponse](t)(north.ShowUnit(ctx, UnitShowRequest{Unit: name}))
		b := must[*UnitShowResponse](t)(south.ShowUnit(ctx, UnitShowRequest{Unit: name}))
		if !bytes.Equal(a.State, b.State) {
			t.Errorf("%s: states differ\n%s\n%s", name, a.State, b.State)
		}
	}
	for _, p := range k.parties {
		if v := must[*JournalVerifyResponse](t)(p.VerifyJournals(ctx, nil)); !v.OK {
			t.Errorf("%s: %v", p.init.Name, v.Errors)
		}
	}
}

// TestUpgradeOfAWitness: where all marks are there the witness goes on with its key. North lost
// one once (in the unit Successor) and South is a copy (in Fork): what their witnesses have
// cosigned may have been lost with it, so they get another key, with whatever is rotated.
func TestUpgradeOfAWitness(t *testing.T) {
	for _, x := range []struct {
		who     string
		without string // a unit that is not in the folder
		stopped bool
	}{{"north", "Watch", true}, {"north", "Successor", false}, {"south", "Watch", true}, {"south", "Fork", false}} {
		k := unpackKept(t)
		units := k.path(x.who + "/units")
		for _, e := range must[[]os.DirEntry](t)(os.ReadDir(units)) {
			var f unitFile
			if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(filepath.Join(units, e.Name(), "unit.json"))), &f); err != nil {
				t.Fatal(err)
			}
			if must[journal.Founding](t)(journal.ParseFounding(f.Founding)).Name == x.without {
				if err := os.RemoveAll(filepath.Join(units, e.Name())); err != nil {
					t.Fatal(err)
				}
			}
		}
		p := k.party(x.who)
		key := p.keys().id.Witness
		for range 2 {
			if p.witnessStopped() != x.stopped {
				t.Errorf("%s without %s: its witness is stopped: %v", x.who, x.without, !x.stopped)
			}
			p.stop()
			p.start()
		}
		if x.who != "north" {
			continue
		}
		k.tick()
		must[*IdentityRotateResponse](t)(p.RotateIdentity(t.Context(), IdentityRotateRequest{What: "node", OrgKey: p.orgText()}))
		if p.witnessStopped() || (p.keys().id.Witness != key) != x.stopped {
			t.Errorf("%s without %s: after a rotation of the node key its witness is stopped: %v, with another key: %v", x.who, x.without, p.witnessStopped(), p.keys().id.Witness != key)
		}
	}
}

// folderFiles reads every regular file of a folder.
func folderFiles(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err == nil {
			out[filepath.ToSlash(rel)], err = os.ReadFile(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dyingFS stops for good before a given change of the disk, as a killed process does.
type dyingFS struct {
	store.OS
	left int
}

var errKilled = errors.New("killed")

func (d *dyingFS) change() error {
	if d.left--; d.left < 0 {
		return errKilled
	}
	return nil
}

func (d *dyingFS) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		if err := d.change(); err != nil {
			return nil, err
		}
	}
	f, err := d.OS.OpenFile(name, flag, perm)
	return dyingFile{f, d}, err
}

func (d *dyingFS) Rename(a, b string) error {
	return errors.Join(d.change(), doUnless(d.left < 0, func() error { return d.OS.Rename(a, b) }))
}

func (d *dyingFS) Remove(name string) error {
	return errors.Join(d.change(), doUnless(d.left < 0, func() error { return d.OS.Remove(name) }))
}

func doUnless(dead bool, f func() error) error {
	if dead {
		return nil
	}
	return f()
}

type dyingFile struct {
	store.File
	d *dyingFS
}

func (f dyingFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.d.change(); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off) // torn
		return n, err
	}
	return f.File.WriteAt(p, off)
}

// TestUpgradeKilled cuts the upgrade at every change of the disk; done again, it
// gives the same folder.
func TestUpgradeKilled(t *testing.T) {
	k := unpackKept(t)
	dir := k.path("north")
	leftover := []string{".tmp-123", "keys/.tmp-456", "units/.tmp-789"}
	plant := func() {
		for _, name := range leftover {
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte("half a key"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := folderFiles(t, dir)
	want["format"] = []byte("2\n")
	for at := 0; ; at++ {
		plant()
		d := &dyingFS{left: at}
		err := layout{files{d}, dir}.upgrade(func(string) {})
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if d.left >= 0 && at < 4 {
			t.Fatalf("the upgrade changes the disk only %d times", at-d.left)
		}
		if n, err := (layout{files{store.OS{}}, dir}).format(); err != nil || n != 1 && n != 2 {
			t.Fatalf("cut at change %d: format %d, %v", at, n, err)
		}
		if err := (layout{files{store.OS{}}, dir}).upgrade(func(string) {}); err != nil {
			t.Fatal(err)
		}
		got := folderFiles(t, dir)
		delete(got, "format.tmp") // the next write goes over it
		if !maps.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("cut at change %d: %v", at, slices.Collect(maps.Keys(got)))
		}
		if d.left >= 0 {
			break
		}
		if err := os.Remove(filepath.Join(dir, "format")); err != nil {
			t.Fatal(err)
		}
	}
	k.same(k.party("north"))
}

// TestUpgradeNewerIsRefused: a folder of a newer format, or one that does not say
// which, is refused, and not a byte of it is touched.
func TestUpgradeNewerIsRefused(t *testing.T) {
	k := unpackKept(t)
	dir := k.path("north")
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	for text, code := range map[string]string{"3\n": CodeNewerFormat, "99\n": CodeNewerFormat, "": CodeDamaged, "2": CodeDamaged, "two\n": CodeDamaged, "02\n": CodeDamaged, "1\n": CodeDamaged, "2\n\n": CodeDamaged} {
		if err := os.WriteFile(filepath.Join(dir, "format"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before := folderFiles(t, dir)
		_, err := Open(t.Context(), dir, testOptions(t))
		var e *Error
		if !errors.As(err, &e) || e.Code != code || e.Why == "" || e.Next == "" {
			t.Errorf("format %q: %v", text, err)
		}
		if !maps.EqualFunc(before, folderFiles(t, dir), bytes.Equal) {
			t.Errorf("format %q: the folder was touched", text)
		}
	}
}
