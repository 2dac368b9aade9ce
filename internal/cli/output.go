package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"entente/internal/node"
)

// writeFile runs make with a writer whose bytes become the file name only if
// all went well: a broken download never looks like a whole one. "-" is
// standard output.
func (a *app) writeFile(name string, stage string, make func(io.Writer) error) (int64, error) {
	bar := a.progress(stage)
	defer bar.done()
	if name == "-" {
		w := &counter{w: a.out, bar: bar, stage: stage}
		return w.n, make(w)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".entente-*")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no folder " + filepath.Dir(name) + ".",
			Why: "The file " + filepath.Base(name) + " was to be written there.", Next: "Make the folder, or name another place.", Err: err}
	}
	if err != nil {
		return 0, fmt.Errorf("a place for %s: %w", name, err)
	}
	defer os.Remove(f.Name()) // it is gone once renamed
	w := &counter{w: f, bar: bar, stage: stage}
	if err := make(w); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return 0, errors.Join(fmt.Errorf("writing %s: %w", name, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return 0, fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return 0, fmt.Errorf("writing %s: %w", name, err)
	}
	if d, err := os.Open(filepath.Dir(name)); err == nil {
		_ = d.Sync() // not every system can; the file itself is synced
		_ = d.Close()
	}
	return w.n, nil
}

// counter counts bytes and shows them.
type counter struct {
	w     io.Writer
	n     int64
	bar   *progress
	stage string
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.bar.set(node.Progress{Stage: c.stage, Done: c.n, Unit: "bytes"})
	return n, err
}

// saved is the answer of a command that wrote a file.
type saved struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	// SHA256 is of a file that was read back after it was written.
	SHA256 string `json:"sha256,omitempty"`
}

// downloadChecked is download, and then reads the file back from the disk: what
// went over the wire has to be what lies there.
func (a *app) downloadChecked(ctx context.Context, op, name string) (saved, error) {
	sum := sha256.New()
	s := saved{File: name}
	if name == "-" {
		return a.download(ctx, op, nil, name, nil)
	}
	var err error
	s.Bytes, err = a.writeFile(name, op, func(w io.Writer) error {
		return a.with(ctx, func(x *session) error { return x.Download(ctx, op, nil, io.MultiWriter(w, sum), nil) })
	})
	if err != nil {
		return s, err
	}
	s.SHA256 = hex.EncodeToString(sum.Sum(nil))
	f, err := os.Open(name)
	if err != nil {
		return s, fmt.Errorf("reading %s back: %w", name, err)
	}
	defer f.Close()
	again := sha256.New()
	if _, err := io.Copy(again, f); err != nil {
		return s, fmt.Errorf("reading %s back: %w", name, err)
	}
	if got := hex.EncodeToString(again.Sum(nil)); got != s.SHA256 {
		return s, &exitError{exitVerify, fmt.Errorf("%s is not what was written: it has the SHA-256 %s instead of %s; do not rely on it, and check the disk", name, got, s.SHA256)}
	}
	return s, nil
}

// download runs an operation whose answer is bytes, into a file.
func (a *app) download(ctx context.Context, op string, in any, name string, out any) (saved, error) {
	s := saved{File: name}
	if name == "-" && a.json {
		return s, usage("usage.both-out")
	}
	var err error
	s.Bytes, err = a.writeFile(name, op, func(w io.Writer) error {
		return a.with(ctx, func(x *session) error { return x.Download(ctx, op, in, w, out) })
	})
	return s, err
}

// saveText writes a text to a file.
func (a *app) saveText(name, text string) error {
	_, err := a.writeFile(name, name, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	return err
}
