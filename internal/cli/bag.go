package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"entente/internal/exhibit"
	"entente/internal/node"
)

// exportedBag is the answer of exhibit export.
type exportedBag struct {
	Folder string `json:"folder"`
	Files  int64  `json:"files"`
	Bytes  int64  `json:"bytes"`
	Seal   string `json:"seal"`
}

func (a *app) exhibitExport() *cobra.Command {
	var in node.ExhibitIDRequest
	var to string
	cmd := command{
		use: "export ID --to FOLDER", short: "Write an exhibit out as a bag (BagIt 1.0)",
		long: `Writes a folder in the form of RFC 8493: the files under data/, their hashes, when it was
made and from what, the chain of custody (custody.json, custody.txt) and the manifest
that the journals commit to (exhibit.json). Every file is verified as it is written.
FOLDER must not exist; it appears only once all of it is written.`,
		examples: []string{"entente exhibit export 3f9a12 --to bag-3f9a12"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if to == "" {
				return usage("usage.needs-folder")
			}
			in.ID = args[0]
			r, err := a.exportBag(ctx, in, to)
			if err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "ui.bag-in", "folder", r.Folder, "files", p.t("ui.n-files", "n", r.Files), "size", p.size(r.Bytes))
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVar(&to, "to", "", "the folder to make")
	return cmd
}

// exportBag writes beside the folder and renames at the end. What an earlier run that was cut left there goes first.
func (a *app) exportBag(ctx context.Context, in node.ExhibitIDRequest, to string) (*exportedBag, error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: to + " exists.", Why: "A bag is a folder of its own.", Next: "Name a folder that does not exist."}
	}
	bar := a.progress("export")
	defer bar.done()
	part := filepath.Join(filepath.Dir(to), ".entente-bag-"+filepath.Base(to))
	if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o700)); err != nil {
		return nil, fmt.Errorf("a place for %s: %w", to, err)
	}
	root, err := os.OpenRoot(part)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var out *exportedBag
	err = a.with(ctx, func(s *session) error {
		var x node.ExhibitView
		if err := s.Call(ctx, "exhibit.show", in, &x); err != nil {
			return err
		}
		var text bytes.Buffer
		if err := s.Download(ctx, "exhibit.manifest", in, &text, nil); err != nil {
			return err
		}
		m, err := exhibit.ParseManifest(text.Bytes())
		if err != nil {
			return err
		}
		b, err := a.bag(&x, m)
		if err != nil {
			return err
		}
		r, w := io.Pipe()
		go func() {
			c := &counter{w: w, bar: bar, stage: "export"}
			w.CloseWithError(s.Download(ctx, "exhibit.get", node.ExhibitGetRequest{Unit: in.Unit, ID: x.ID}, c, nil))
		}()
		defer r.Close()
		if err := exhibit.WriteBag(rootFolder{root}, b, r); err != nil {
			return err
		}
		out = &exportedBag{Folder: to, Files: x.Files, Bytes: x.Bytes, Seal: x.Seal}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(part))
	}
	if err := syncTree(part); err != nil {
		return nil, err
	}
	if err := os.Rename(part, to); err != nil {
		return nil, fmt.Errorf("writing %s: %w", to, err)
	}
	return out, syncDir(filepath.Dir(to))
}

// bag is what goes beside the files.
func (a *app) bag(x *node.ExhibitView, m *exhibit.Manifest) (exhibit.Bag, error) {
	custody, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return exhibit.Bag{}, err
	}
	p := a.printer()
	p.say("", "ui.chain-of", "id", x.ID)
	p.say("", "ui.times-are-claims")
	p.gap()
	writeExhibit(p, x)
	return exhibit.Bag{Manifest: m, Tags: map[string][]byte{"custody.json": append(custody, '\n'), "custody.txt": []byte(p.String())},
		Info: []exhibit.Field{
			{Name: "Source-Organization", Value: x.From},
			{Name: "External-Description", Value: x.Title},
			{Name: "External-Identifier", Value: x.ID},
			{Name: "Bagging-Date", Value: a.now().UTC().Format("2006-01-02")},
			{Name: "Bag-Software-Agent", Value: "entente"},
			{Name: "Entente-Unit", Value: x.Unit},
			{Name: "Entente-About", Value: x.About},
			{Name: "Entente-Seal", Value: x.Seal},
			{Name: "Entente-Manifest-SHA256", Value: x.ManifestSHA256},
			{Name: "Entente-Added", Value: x.Added.UTC().Format("2006-01-02T15:04:05Z")},
		}}, nil
}

// rootFolder is a folder that no name leads out of.
type rootFolder struct{ root *os.Root }

// Create makes a new file.
func (r rootFolder) Create(name string) (io.WriteCloser, error) {
	if dir := path.Dir(name); dir != "." {
		if err := r.root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
			return nil, err
		}
	}
	f, err := r.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return syncedFile{f}, err
}

// syncedFile is durable once it is closed.
type syncedFile struct{ *os.File }

func (f syncedFile) Close() error { return errors.Join(f.Sync(), f.File.Close()) }

// syncTree makes the names in all folders durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(p)
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // not every system can; the files themselves are synced
	return d.Close()
}
