package node

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/dossier"
	"entente/internal/store"
	"entente/journal"
)

// FuzzBackup unpacks any bytes as the inside of a backup. Nothing comes to lie
// outside of the folder, and nothing in it that no backup has.
func FuzzBackup(f *testing.F) {
	archive := func(headers ...tar.Header) []byte {
		var buf bytes.Buffer
		tw := tar.NewWriter(&buf)
		for _, h := range headers {
			h.Mode = 0o600
			if h.Typeflag == tar.TypeReg {
				h.Size = 3
			}
			if err := tw.WriteHeader(&h); err != nil {
				f.Fatal(err)
			}
			if h.Typeflag == tar.TypeReg {
				_, _ = tw.Write([]byte("abc"))
			}
		}
		_ = tw.Close()
		return buf.Bytes()
	}
	reg := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg} }
	f.Add(archive(reg("config.yaml"), reg("identity.json"), reg("keys/node.key"), reg("units/ab/journals/cd/log"), reg("local.log/head")))
	f.Add(archive(reg("units/../../outside")))
	f.Add(archive(reg("/config.yaml")))
	f.Add(archive(tar.Header{Name: "units/x", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, reg("units/x/passwd")))
	f.Add(archive(reg("highwater/00")))
	f.Add(archive(reg("keys/a"), reg("keys/a")))
	f.Add(archive(reg("keys"), reg("keys/a")))
	f.Add(archive(reg("units/a\\..\\b"), reg("units/ \x01")))
	f.Fuzz(func(t *testing.T, data []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "node")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		files, err := (layout{files{store.OS{}}, dir}).unpack(context.Background(), bytes.NewReader(data))
		found, total := 0, int64(0)
		walk := filepath.WalkDir(top, func(path string, d fs.DirEntry, werr error) error {
			if werr != nil {
				return werr
			}
			if d.IsDir() {
				return nil
			}
			info, ierr := d.Info()
			if ierr != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
				t.Fatalf("%s: %v, %v", path, info, ierr)
			}
			name, rerr := filepath.Rel(dir, path)
			if rerr != nil || strings.HasPrefix(name, "..") || !backedUp(filepath.ToSlash(name)) {
				t.Fatalf("%s was written", path)
			}
			found++
			total += info.Size()
			return nil
		})
		if walk != nil {
			t.Fatal(walk)
		}
		if err == nil && found != files || total > int64(len(data)) {
			t.Fatalf("%d files of %d, %d bytes of %d", found, files, total, len(data))
		}
	})
}

// FuzzConfig reads any bytes as the configuration. What is taken is within its bounds.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("name: \"x\"\npeer:\n  listen: \"127.0.0.1:1\"\n  sync_every: 1m0s\n"))
	f.Add([]byte("name: &a [*a]\n"))
	f.Add([]byte("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nname: [*b,*b,*b]\n"))
	f.Add([]byte("peer: {sync_every: 1ns}\n"))
	f.Add([]byte("name: x\nname: y\n"))
	f.Add([]byte("high_water: ../../x\nwitnesses: [{url: a, vkey: b}]\n"))
	f.Add([]byte("guard: {assets: [8.8.8.8, example.com]}\n---\nname: z\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(configPath(dir), text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig(layout{files{store.OS{}}, dir})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.What == "" || e.Next == "" {
				t.Fatalf("an error that tells nobody what to do: %v", err)
			}
			return
		}
		if time.Duration(c.Peer.SyncEvery) < time.Second || len(c.Witnesses) > 32 || !filepath.IsAbs(c.HighWater) {
			t.Fatalf("taken: %+v", c)
		}
	})
}

// fuzzedFolder is a folder of a node with a unit, a pairing, a draft and a proof in it,
// made once in a process and copied for each input.
var fuzzedFolder = sync.OnceValue(func() *keptFolder { return new(keptFolder) })

type keptFolder struct {
	dir   string
	files []string // that the input may replace
	unit  journal.UnitID
	party journal.PartyID
	head  journal.Head
}

func quiet() Options {
	return Options{Version: "test", Log: slog.New(slog.DiscardHandler)}
}

func keptNode(t testing.TB) *keptFolder {
	k := fuzzedFolder()
	if k.dir != "" {
		return k
	}
	top, err := os.MkdirTemp("", "entente-fuzz-*")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	dir := filepath.Join(top, "node")
	if _, err := Init(ctx, dir, InitOptions{Name: "North", PeerListen: "127.0.0.1:8443", OrgKeyPath: filepath.Join(top, "org"), Agency: "CERT"}, quiet()); err != nil {
		t.Fatal(err)
	}
	n, err := Open(ctx, dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.FoundUnit(ctx, UnitFoundRequest{Name: "Joint unit"}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Invite(ctx, UnitInviteRequest{Unit: "Joint unit"}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.saveDraft(RequestNewRequest{Title: "a draft"}); err != nil {
		t.Fatal(err)
	}
	l := n.units()[0]
	k.unit, k.party, k.head = l.id, n.Party(), l.own.Head()
	name := strings.TrimPrefix(string(l.origin()), "entente/")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join("units", string(k.unit))
	k.files = []string{
		"identity.json", "pairings.json", "drafts.json", "config.yaml",
		filepath.Join(unit, "unit.json"), filepath.Join(unit, "journal-0.key"), filepath.Join(unit, "evidence", "fork-1.json"),
		filepath.Join("highwater", name),
		filepath.Join(unit, "journals", name, "log"), filepath.Join(unit, "journals", name, "head"),
		filepath.Join("keys", keyNode), filepath.Join("keys", keyTLS), filepath.Join("keys", keyWitness), filepath.Join("keys", keyCourier),
		filepath.Join("local.log", "log"), filepath.Join("local.log", "head"),
	}
	k.dir = dir
	return k
}

// FuzzFolder opens a node's folder in which one file has any bytes. It opens or
// says why not; it never signs below a head that it told, and what it exports holds.
func FuzzFolder(f *testing.F) {
	k := keptNode(f)
	f.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(k.dir)); k.dir = "" })
	for i, name := range k.files {
		data, err := os.ReadFile(filepath.Join(k.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
		f.Add(uint8(i), data[:len(data)/2])
		f.Add(uint8(i), []byte{})
	}
	for i, s := range []string{`{"chain":[{"text":"","signatures":[]}]}`, `{"invited":[null],"joined":[null]}`, `{"drafts":[{}]}`, "name: x\n",
		`{"founding":"","partners":null}`, ``, `{"proof":{"origin":"x","checkpoint":"x"}}`} {
		f.Add(uint8(i), []byte(s))
		f.Add(uint8(i), []byte("null"))
	}
	f.Add(uint8(6), []byte(`{"proof":{"origin":"","a":"x","b":"y"}}`))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		k := keptNode(t)
		name := k.files[int(which)%len(k.files)]
		dir := filepath.Join(t.TempDir(), "node")
		copyFolder(t, k.dir, dir, func(name string) bool {
			return name == "objects" || strings.HasPrefix(name, "objects"+string(filepath.Separator)) || name == "control.sock"
		})
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		n, err := Open(ctx, dir, quiet())
		if err != nil {
			return
		}
		defer func() {
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}()
		if n.Party() != k.party {
			t.Fatalf("the node speaks for %s", n.Party())
		}
		if _, err := n.Status(ctx); err != nil {
			t.Fatalf("%s: the node opens and cannot say how it is: %v", name, err)
		}
		l := n.ledger(k.unit)
		if l == nil {
			t.Fatalf("%s: the unit is gone without a word", name)
		}
		if l.retired == nil && l.own.Head().Size < k.head.Size {
			t.Fatalf("%s: %v was told, and now the journal ends at %v", name, k.head, l.own.Head())
		}
		if strings.Contains(name, "evidence") {
			var buf bytes.Buffer
			if err := n.ExportDossier(ctx, DossierExportRequest{}, &buf); err != nil {
				t.Fatalf("a damaged proof stops the dossier: %v", err)
			}
			rep, err := dossier.Verify(ctx, bytes.NewReader(buf.Bytes()), dossier.Options{})
			if err != nil || len(rep.Findings) > 0 {
				t.Fatalf("the dossier: %v, %+v", err, rep)
			}
		}
	})
}
