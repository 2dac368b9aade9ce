package exhibit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"

	"entente/internal/desk"
	"entente/journal"
)

// Describe options.
type Options struct {
	Title string
	// Chunk is what the content is cut into, in bytes; ChunkSize if it is 0.
	Chunk int64
	// Sniff says what media type a file has, from its path and its first 512 bytes; nil and "" stand
	// for application/octet-stream.
	Sniff func(path string, first []byte) string
	// Progress is told how many bytes were read of how many.
	Progress func(done, total int64)
}

// Describe reads a file, or a folder with all that is in it (root "."), and makes the manifest of it. Links
// and everything else that is neither file nor folder are refused: what they stand for is not evidence.
// Folders without a file in them leave no trace.
func Describe(fsys fs.FS, root string, o Options) (*Manifest, error) {
	m := &Manifest{V: 1, Title: o.Title, Chunk: o.Chunk, Files: []File{}, Chunks: []journal.Hash{}}
	if m.Chunk == 0 {
		m.Chunk = ChunkSize
	}
	if m.Chunk < desk.MinChunk || m.Chunk > desk.MaxChunk {
		return nil, fmt.Errorf("chunks of %d bytes: allowed are %d to %d", m.Chunk, desk.MinChunk, desk.MaxChunk)
	}
	if err := m.survey(fsys, root); err != nil {
		return nil, err
	}
	c := &chunker{size: m.Chunk, sum: sha256.New()}
	done := int64(0)
	for i := range m.Files {
		if err := m.read(fsys, i, c, o.Sniff, func(n int64) {
			if o.Progress != nil {
				o.Progress(done+n, m.Size)
			}
		}); err != nil {
			return nil, err
		}
		done += m.Files[i].Size
	}
	m.Chunks = c.end()
	return m, m.check()
}

// survey lists the files with their sizes, in the order of the manifest.
func (m *Manifest) survey(fsys fs.FS, root string) error {
	paths := newCollisions(16)
	err := fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return &PathError{p, "is neither a file nor a folder (a link, a device, a pipe)"}
		case len(m.Files) == MaxFiles:
			return fmt.Errorf("there are more than %d files; add fewer at a time, or one archive of them", MaxFiles)
		}
		if err := errors.Join(CheckPath(p), paths.add(p)); err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		m.Files = append(m.Files, File{Path: p, Size: info.Size()})
		m.Size += info.Size()
		return nil
	})
	if err != nil {
		return err
	}
	if len(m.Files) == 0 {
		return errors.New("there is no file in it")
	}
	if m.Size > m.Chunk*MaxChunks {
		return fmt.Errorf("it has %d bytes, at most %d are possible; add less at a time", m.Size, m.Chunk*MaxChunks)
	}
	slices.SortFunc(m.Files, func(a, b File) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	return nil
}

// read hashes one file.
func (m *Manifest) read(fsys fs.FS, i int, c *chunker, sniff func(string, []byte) string, progress func(int64)) error {
	f := &m.Files[i]
	r, err := fsys.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	sum, buf, n, first := sha256.New(), make([]byte, 256<<10), int64(0), []byte(nil)
	for {
		k, err := r.Read(buf)
		if len(first) < 512 {
			first = append(first, buf[:min(k, 512-len(first))]...)
		}
		sum.Write(buf[:k])
		c.write(buf[:k])
		n += int64(k)
		progress(n)
		if n > f.Size {
			break
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if n != f.Size {
		return &PathError{f.Path, "changed while it was read; add a copy that nobody writes to"}
	}
	f.SHA256 = journal.Hash(sum.Sum(nil))
	if sniff != nil {
		f.Type = sniff(f.Path, first)
	}
	if !mediaType(f.Type) {
		f.Type = "application/octet-stream"
	}
	return nil
}

// chunker hashes what is written in chunks.
type chunker struct {
	size, n int64
	sum     hash.Hash
	out     []journal.Hash
}

func (c *chunker) write(b []byte) {
	for len(b) > 0 {
		k := min(int64(len(b)), c.size-c.n)
		c.sum.Write(b[:k])
		c.n += k
		b = b[k:]
		if c.n == c.size {
			c.cut()
		}
	}
}

func (c *chunker) cut() {
	c.out = append(c.out, journal.Hash(c.sum.Sum(nil)))
	c.sum.Reset()
	c.n = 0
}

func (c *chunker) end() []journal.Hash {
	if c.n > 0 {
		c.cut()
	}
	return append([]journal.Hash{}, c.out...)
}

// Content reads the content of all files from an offset on. A file that is shorter or longer than
// the manifest says is an error; whether its bytes are those is for who reads to check.
func Content(fsys fs.FS, m *Manifest, offset int64) io.ReadCloser {
	return &content{fsys: fsys, files: m.Files, skip: offset}
}

type content struct {
	fsys  fs.FS
	files []File
	skip  int64
	open  fs.File
	left  int64
}

func (c *content) Read(p []byte) (int, error) {
	for c.open == nil {
		if len(c.files) == 0 {
			return 0, io.EOF
		}
		f := c.files[0]
		if c.skip >= f.Size && f.Size > 0 || f.Size == 0 {
			c.skip -= f.Size
			c.files = c.files[1:]
			continue
		}
		r, err := c.fsys.Open(f.Path)
		if err != nil {
			return 0, err
		}
		if c.skip > 0 {
			if err := seek(r, c.skip); err != nil {
				_ = r.Close()
				return 0, err
			}
		}
		c.open, c.left, c.skip = r, f.Size-c.skip, 0
	}
	n, err := c.open.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case c.left == 0:
		err = c.open.Close()
		c.open, c.files = nil, c.files[1:]
	case errors.Is(err, io.EOF):
		err = &PathError{c.files[0].Path, "became shorter while it was read; add a copy that nobody writes to"}
	}
	return n, err
}

// Close closes the file that is open.
func (c *content) Close() error {
	if c.open == nil {
		return nil
	}
	return c.open.Close()
}

func seek(r fs.File, n int64) error {
	if s, ok := r.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, r, n)
	return err
}
