package node

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"entente/internal/store"

	"filippo.io/age"
)

// backupWorld is two parties in force, the first of which is backed up.
func backupWorld(t *testing.T) (a, b *testParty) {
	t.Helper()
	a, b = newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	agree(t, nil, a, b)
	return a, b
}

func (p *testParty) shareOne(n int) error {
	ctx, name := context.WithoutCancel(p.t.Context()), fmt.Sprintf("import %d", n)
	if _, err := p.Import(ctx, ImportRequest{Name: name}, bytes.NewReader(bundleText(indicatorText(n, fmt.Sprintf("h%d.example", n), tlpClear))), nil); err != nil {
		return err
	}
	_, err := p.Share(ctx, ShareRequest{Unit: "Watch", Source: name}, nil)
	return err
}

// TestBackupUnderLoad takes backups while shares, sessions, intake and rotations
// of every key go on. Each is the state of one moment: it restores without damage,
// and what it holds is a beginning of what the node has in the end.
func TestBackupUnderLoad(t *testing.T) {
	a, b := backupWorld(t)
	ctx := t.Context()
	orgKey := string(must[[]byte](t)(os.ReadFile(a.org)))
	rounds, backups := 8, 4
	if testing.Short() {
		rounds, backups = 4, 2
	}
	var wg sync.WaitGroup
	var stop atomic.Bool
	work := func(what string, f func(i int) error) {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				if err := f(i); err != nil {
					t.Errorf("%s while a backup is made: %v", what, err)
					return
				}
			}
		})
	}
	var written atomic.Int64
	work("share", func(i int) error { written.Add(1); return a.shareOne(1000 + i) })
	work("share of the partner", func(i int) error { written.Add(1); return b.shareOne(5000 + i) })
	work("session", func(int) error { _, err := a.Sync(ctx, SyncRequest{}, nil); return err })
	work("rotation", func(i int) error {
		_, err := a.RotateIdentity(ctx, IdentityRotateRequest{What: []string{"node", "tls"}[i%2], OrgKey: orgKey, Compromise: i%3 == 0})
		return err
	})
	var taken [][]byte
	for range backups {
		for written.Load() < int64(rounds*(len(taken)+1)) && !t.Failed() {
			must[*StatusResponse](t)(a.Status(ctx))
		}
		var buf bytes.Buffer
		if err := a.Backup(ctx, &buf, nil); err != nil {
			t.Fatal(err)
		}
		taken = append(taken, buf.Bytes())
	}
	stop.Store(true)
	wg.Wait()
	a.stop()
	b.stop() // a restore asks partners for what they hold; here only the backup counts
	final := folderFiles(t, a.dir)
	for i, data := range taken {
		dir := filepath.Join(t.TempDir(), "restored")
		res, err := Restore(ctx, dir, bytes.NewReader(data), RestoreOptions{OrgKey: a.org, Node: testOptions(t)})
		if err != nil {
			t.Fatalf("backup %d: %v", i, err)
		}
		if len(res.Damage) > 0 || len(res.Units) != 1 || res.Units[0].State != "successor" {
			t.Errorf("backup %d: %+v", i, res)
		}
		for name, data := range folderFiles(t, dir) {
			if kindOf(name) == fileLog && filepath.Base(name) == "log" && final[name] != nil && !bytes.HasPrefix(final[name], data) && !strings.HasPrefix(name, "local.log") {
				t.Errorf("backup %d: %s is not a beginning of what the node has", i, name)
			}
		}
		n := must[*Node](t)(Open(ctx, dir, testOptions(t)))
		r := must[*RebuildResponse](t)(n.Rebuild(ctx, nil))
		if r.Before != r.Digest {
			t.Errorf("backup %d: %+v", i, r)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestBackupHoldsNobodyUp: a medium that takes no more bytes, or fails, stops the
// backup and nothing else.
func TestBackupHoldsNobodyUp(t *testing.T) {
	a, _ := backupWorld(t)
	ctx := t.Context()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := a.Backup(ctx, w, nil)
		done <- errors.Join(err, w.CloseWithError(err))
	}()
	start := must[int](t)(io.ReadFull(r, make([]byte, 1))) // it is under way, and stuck
	if err := a.shareOne(1); err != nil || start != 1 {
		t.Fatalf("a share while a backup is stuck: %v", err)
	}
	key := string(must[[]byte](t)(os.ReadFile(a.org)))
	must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "tls", OrgKey: key}))
	full := errors.New("no space left on device")
	r.CloseWithError(full)
	if err := <-done; !errors.Is(err, full) {
		t.Errorf("a full medium: %v", err)
	}
	cut, cancel := context.WithCancel(ctx)
	cancel()
	if err := a.Backup(cut, io.Discard, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that was cancelled: %v", err)
	}
	if err := a.shareOne(2); err != nil {
		t.Error(err)
	}
}

// TestRestoreRefuses: a backup that is cut, altered, of another party or of a newer
// format, or with names or files no backup has, leaves nothing, and says why.
func TestRestoreRefuses(t *testing.T) {
	a, b := backupWorld(t)
	ctx := t.Context()
	good := a.backup()
	age_, err := age.ParseHybridRecipient(a.config.Backup.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(change map[string]string, extra ...tar.Header) []byte {
		var buf bytes.Buffer
		enc := must[io.WriteCloser](t)(age.Encrypt(&buf, age_))
		tw := tar.NewWriter(enc)
		put := func(h tar.Header, data []byte) {
			h.Mode, h.Size = 0o600, int64(len(data))
			if err := tw.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			_, _ = tw.Write(data)
		}
		files := map[string][]byte{}
		for name, data := range folderFiles(t, a.dir) {
			if backedUp(name) {
				files[name] = data
			}
		}
		for name, text := range change {
			files[name] = []byte(text)
			if text == "" {
				delete(files, name)
			}
		}
		for name, data := range files {
			put(tar.Header{Name: name, Typeflag: tar.TypeReg}, data)
		}
		for _, h := range extra {
			var data []byte
			if h.Typeflag == tar.TypeReg {
				data = []byte("x")
			}
			put(h, data)
		}
		if err := errors.Join(tw.Close(), enc.Close()); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	reg := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg} }
	backups := map[string][]byte{
		"empty": nil, "of another party": b.backup(), "no backup at all": []byte("age-encryption.org/v1\n"),
		"of a newer format":         forged(map[string]string{"format": "3\n"}),
		"without an identity":       forged(map[string]string{"identity.json": ""}),
		"with another identity":     forged(map[string]string{"identity.json": string(folderFiles(t, b.dir)["identity.json"])}),
		"without keys":              forged(map[string]string{"keys/node.key": ""}),
		"without a configuration":   forged(map[string]string{"config.yaml": ""}),
		"with a name that climbs":   forged(nil, reg("../outside")),
		"with a name that climbs 2": forged(nil, reg("keys/../../outside")),
		"with an absolute name":     forged(nil, reg("/tmp/outside")),
		"with a link":               forged(nil, tar.Header{Name: "keys/x.key", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		"with a device":             forged(nil, tar.Header{Name: "keys/node.key", Typeflag: tar.TypeChar}),
		"with a folder":             forged(nil, tar.Header{Name: "keys/", Typeflag: tar.TypeDir}),
		"with a file twice":         forged(nil, reg("config.yaml")),
		"with a high-water mark":    forged(nil, reg("highwater/"+strings.Repeat("ab", 32))),
		"with a lock":               forged(nil, reg("lock")),
		"with a strange file":       forged(nil, reg("units/x/unit.json")),
	}
	for _, at := range []int{1, len(good) / 3, len(good) - 1, len(good) - 17} {
		backups[fmt.Sprintf("cut to %d bytes", at)] = good[:at]
	}
	for _, at := range []int{10, len(good) / 2, len(good) - 1} {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		backups[fmt.Sprintf("altered at %d", at)] = bad
	}
	for name, data := range backups {
		parent := t.TempDir()
		dir := filepath.Join(parent, "restored")
		o := RestoreOptions{OrgKey: a.org, Node: testOptions(t)}
		_, err := Restore(ctx, dir, bytes.NewReader(data), o)
		var e *Error
		if !errors.As(err, &e) || e.What == "" || e.Next == "" {
			t.Errorf("a backup %s: %v", name, err)
		}
		if left := must[[]os.DirEntry](t)(os.ReadDir(parent)); len(left) > 0 {
			t.Errorf("a backup %s leaves %v", name, left)
		}
		if name == "without keys" || name == "with a file twice" {
			continue // a dry run keeps no private key, and no file
		}
		if _, err := PlanRestore(ctx, dir, bytes.NewReader(data), o); !errors.As(err, &e) {
			t.Errorf("a dry run of a backup %s: %v", name, err)
		}
	}
	// A folder with something in it is left as it is.
	dir := t.TempDir()
	for _, name := range []string{"a file of mine", "config.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(ctx, dir, bytes.NewReader(good), RestoreOptions{OrgKey: a.org, Node: testOptions(t)}); err == nil {
			t.Error("restored over something")
		}
		if string(folderFiles(t, dir)[name]) != "mine" {
			t.Error("what was there is gone")
		}
	}
}

// TestRestoreInterrupted cuts a restore at changes of the disk; done again into
// the same folder, it gives what an uncut one gives.
func TestRestoreInterrupted(t *testing.T) {
	a, _ := backupWorld(t)
	ctx := t.Context()
	data := a.backup()
	a.stop()
	whole := filepath.Join(t.TempDir(), "whole")
	opts := func() RestoreOptions { return RestoreOptions{Identity: a.org, Node: testOptions(t)} }
	must[*RestoreResult](t)(Restore(ctx, whole, bytes.NewReader(data), opts()))
	truth := func(dir string) map[string][]byte {
		out := folderFiles(t, dir)
		maps.DeleteFunc(out, func(name string, _ []byte) bool { return !backedUp(name) || strings.HasPrefix(name, "local.log/head") })
		return out
	}
	want := truth(whole)
	step, ended := 9, false
	if testing.Short() {
		step = 29
	}
	for at := 0; !ended; at += step {
		dir := filepath.Join(t.TempDir(), "cut")
		ids, _, err := (layout{files{store.OS{}}, dir}).restoreKeys(opts())
		if err != nil {
			t.Fatal(err)
		}
		d := &dyingFS{left: at}
		dying := layout{files{d}, dir}
		if _, err = dying.stage(ctx, bytes.NewReader(data), ids, "", nil); err == nil {
			err = dying.settle()
		}
		if ended = err == nil; !ended && !errors.Is(err, errKilled) && d.left >= 0 {
			t.Fatal(err)
		}
		if ended {
			break
		}
		if n, err := Open(ctx, dir, testOptions(t)); err == nil {
			// Only the tidying up was cut: the configuration comes last, so all of it is there.
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			if got := truth(dir); !maps.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("cut at change %d: half a folder is taken for a node", at)
			}
			continue
		}
		if err := os.Remove(filepath.Join(dir, "lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if _, err := Restore(ctx, dir, bytes.NewReader(data), opts()); err != nil {
			t.Fatalf("cut at change %d, then: %v", at, err)
		}
		if got := truth(dir); !maps.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("cut at change %d: another folder", at)
		}
	}
}

// TestPlanRestore: the dry run reads everything, tells whose backup it is and which
// journals would go on, and writes nothing.
func TestPlanRestore(t *testing.T) {
	a, _ := backupWorld(t)
	ctx := t.Context()
	data := a.backup()
	top := t.TempDir()
	elsewhere := filepath.Join(top, "none")
	plan := func(dir string, o RestoreOptions) *RestorePlan {
		o.Node = testOptions(t)
		return must[*RestorePlan](t)(PlanRestore(ctx, dir, bytes.NewReader(data), o))
	}
	p := plan(elsewhere, RestoreOptions{OrgKey: a.org})
	if p.Party != a.init.Party || p.Name != "North" || p.Format != folderFormat || len(p.Units) != 1 || p.Units[0].State != "successor" || p.Units[0].Name != "Watch" || p.Units[0].Head < 4 {
		t.Errorf("%+v", p)
	}
	if p := plan(elsewhere, RestoreOptions{Identity: a.org}); p.Units[0].State != "retired" {
		t.Errorf("without an organisation key: %+v", p)
	}
	// Over the folder's own marks it is current, until something more is signed.
	if p := plan(a.dir, RestoreOptions{OrgKey: a.org}); p.Units[0].State != "current" {
		t.Errorf("beside its marks: %+v", p)
	}
	if err := a.shareOne(1); err != nil {
		t.Fatal(err)
	}
	if p := plan(a.dir, RestoreOptions{OrgKey: a.org}); p.Units[0].State != "successor" {
		t.Errorf("behind its marks: %+v", p)
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(top)); len(left) > 0 {
		t.Errorf("a dry run leaves %v", left)
	}
}

// TestBackupKeyOutlivesRotation: the file of a rotated organisation key opens the
// backups that are made with the same configuration.
func TestBackupKeyOutlivesRotation(t *testing.T) {
	a, _ := backupWorld(t)
	ctx := t.Context()
	res := must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "org", OrgKey: string(must[[]byte](t)(os.ReadFile(a.org)))}))
	if err := os.WriteFile(a.org, []byte(res.NewOrgKey), 0o600); err != nil {
		t.Fatal(err)
	}
	must[*RestoreResult](t)(Restore(ctx, filepath.Join(t.TempDir(), "restored"), bytes.NewReader(a.backup()), RestoreOptions{OrgKey: a.org, Node: testOptions(t)}))
}

// TestRotationsAtOnce: two rotations at once are two versions, one after the other.
func TestRotationsAtOnce(t *testing.T) {
	a, _ := backupWorld(t)
	key := string(must[[]byte](t)(os.ReadFile(a.org)))
	var wg sync.WaitGroup
	for _, what := range []string{"node", "tls", "node", "tls"} {
		wg.Go(func() {
			if _, err := a.RotateIdentity(t.Context(), IdentityRotateRequest{What: what, OrgKey: key}); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	wg.Wait()
	if v := a.keys().id.Version; v != 5 {
		t.Errorf("after four rotations the identity has version %d", v)
	}
	a.stop()
	a.start()
}
