package node

import (
	"bytes"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"entente/internal/exhibit"
)

// BenchmarkExhibit takes one file of 256 MiB that does not compress through every stage of an exhibit, each with the other
// side at rest: its manifest is made, it is attached, it travels over loopback TLS, it is verified, and it is written out as a bag.
func BenchmarkExhibit(b *testing.B) {
	const size = 256 << 20
	dir := b.TempDir()
	f := must[*os.File](b)(os.Create(filepath.Join(dir, "disk.raw")))
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{1}), size); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	fsys := os.DirFS(dir)
	took := map[string]time.Duration{}
	stage := func(name string, do func()) {
		began := time.Now()
		do()
		took[name] += time.Since(began)
	}
	for range b.N {
		north, south, quiet := couple(b)
		quiet()
		ctx := b.Context()
		var m *exhibit.Manifest
		stage("describe", func() { m = must[*exhibit.Manifest](b)(exhibit.Describe(fsys, "disk.raw", exhibit.Options{})) })
		text := must[[]byte](b)(m.Encode())
		add := must[*ExhibitAddResponse](b)(north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(text), nil))
		id := add.Exhibit.ID
		stage("attach", func() {
			must[*ExhibitAddResponse](b)(north.ExhibitContent(ctx, ExhibitContentRequest{ID: id}, exhibit.Content(fsys, m, 0), nil))
		})
		stage("travel", func() { south.sync() })
		stage("verify", func() {
			if v := must[*ExhibitVerifyResponse](b)(south.VerifyExhibit(ctx, ExhibitIDRequest{ID: id}, nil)); !v.OK {
				b.Fatalf("%+v", v)
			}
		})
		stage("bag", func() {
			r, w := io.Pipe()
			go func() { w.CloseWithError(south.GetExhibit(ctx, ExhibitGetRequest{ID: id}, w)) }()
			if err := exhibit.WriteBag(plainFolder(b.TempDir()), exhibit.Bag{Manifest: m}, r); err != nil {
				b.Fatal(err)
			}
		})
		north.stop()
		south.stop()
	}
	for name, d := range took {
		b.ReportMetric(float64(size)*float64(b.N)/d.Seconds()/1e6, name+"-MB/s")
	}
}

// plainFolder is a folder of the disk.
type plainFolder string

func (f plainFolder) Create(name string) (io.WriteCloser, error) {
	name = filepath.Join(string(f), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(0o600))
}
