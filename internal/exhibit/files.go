package exhibit

import (
	"crypto/sha256"
	"hash"

	"entente/journal"
)

// maxBad bounds the files that are named as other than the manifest says.
const maxBad = 100

// FileHashes compares files with the manifest while their content goes by, the one behind the other. What is
// skipped is said to be neither good nor bad.
type FileHashes struct {
	files []File
	sum   hash.Hash
	n     int64 // bytes of the first of files
	holes bool  // some of them were skipped
	good  int64
	bad   []string
}

// NewFileHashes begins with the first file of a manifest.
func NewFileHashes(m *Manifest) *FileHashes { return &FileHashes{files: m.Files, sum: sha256.New()} }

// Write takes the next bytes of the content. It does not keep them.
func (f *FileHashes) Write(b []byte) {
	f.take(int64(len(b)), func(k int64) {
		f.sum.Write(b[:k])
		b = b[k:]
	})
}

// Skip passes over bytes that are not there.
func (f *FileHashes) Skip(n int64) {
	f.take(n, func(k int64) { f.holes = f.holes || k > 0 })
}

// take closes every file that ends within the next n bytes.
func (f *FileHashes) take(n int64, pass func(int64)) {
	for len(f.files) > 0 {
		k := min(n, f.files[0].Size-f.n)
		pass(k)
		f.n += k
		n -= k
		if f.n < f.files[0].Size {
			return
		}
		switch {
		case f.holes:
		case journal.Hash(f.sum.Sum(nil)) == f.files[0].SHA256:
			f.good++
		case len(f.bad) < maxBad:
			f.bad = append(f.bad, f.files[0].Path)
		}
		f.sum.Reset()
		f.files, f.n, f.holes = f.files[1:], 0, false
	}
}

// End closes empty files behind the content, and returns how many files were whole and as the manifest says, and
// the paths of those (at most 100) that were whole and are not.
func (f *FileHashes) End() (good int64, bad []string) {
	f.take(0, func(int64) {})
	return f.good, f.bad
}
