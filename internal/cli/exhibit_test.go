package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/exhibit"
	"entente/internal/node"
)

// TestOpenedStaysInside: what is attached is what was named and what lies under it. A link that was named is followed, one that
// lies inside is refused, and nothing else is a file.
func TestOpenedStaysInside(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		full := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return full
	}
	write("secret", "no evidence")
	file := write("tree/a/file.txt", "evidence")
	link := filepath.Join(dir, "link.txt")
	if err := os.Symlink(file, link); err != nil {
		t.Skip("SKIPPED: this system makes no links")
	}
	describe := func(path string) (*exhibit.Manifest, error) {
		fsys, root, done, err := opened(path)
		if err != nil {
			return nil, err
		}
		defer done()
		m, err := exhibit.Describe(fsys, root, exhibit.Options{})
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(exhibit.Content(fsys, m, 0))
		if err != nil || string(b) != "evidence" {
			t.Errorf("%s: %q, %v", path, b, err)
		}
		return m, nil
	}
	for path, want := range map[string]string{file: "file.txt", link: "file.txt", filepath.Join(dir, "tree"): "a/file.txt"} {
		if m, err := describe(path); err != nil || len(m.Files) != 1 || m.Files[0].Path != want {
			t.Errorf("%s: %+v, %v", path, m, err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "tree", "out")); err != nil {
		t.Fatal(err)
	}
	var pe *exhibit.PathError
	if m, err := describe(filepath.Join(dir, "tree")); !errors.As(err, &pe) {
		t.Errorf("a link inside: %+v, %v", m, err)
	}
	if _, _, _, err := opened(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if _, _, _, err := opened("/dev/null"); err == nil {
		t.Error("a device was opened")
	}
}

// TestBagFolder: no name leads out of the folder of a bag, nothing in it is overwritten, and a folder that exists is refused.
func TestBagFolder(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(in)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := rootFolder{root}.Create("data/a/b.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte("x"))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/a/b.txt", "../out", "data/../../out", "/tmp/out"} {
		if _, err := (rootFolder{root}).Create(name); err == nil {
			t.Errorf("%q was made", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("something lies outside")
	}
	a := &app{}
	if _, err := a.exportBag(t.Context(), node.ExhibitIDRequest{}, in); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("over a folder that exists: %v", err)
	}
}

// TestWaitUntil: who waits for another day goes on when the clock says so, also if it is set meanwhile, and stops when it is told to.
func TestWaitUntil(t *testing.T) {
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	now := at.Add(-time.Second)
	asked := 0
	a := &app{now: func() time.Time {
		if asked++; asked > 1 { // set while it waits
			now = at
		}
		return now
	}}
	if err := a.waitUntil(t.Context(), at); err != nil {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := (&app{now: func() time.Time { return at.Add(-time.Hour) }}).waitUntil(ctx, at); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v", err)
	}
}
