package exhibit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"entente/internal/desk"
	"entente/journal"
)

// Bounds of a manifest.
const (
	// MaxManifest is the largest manifest in bytes. It is one payload.
	MaxManifest = 12 << 20
	// MaxFiles is the most files of one exhibit.
	MaxFiles = desk.MaxExhibitFiles
	// MaxChunks is the most chunks of one exhibit.
	MaxChunks = desk.MaxExhibitChunks
	// ChunkSize is what this implementation cuts into, in bytes. One chunk, and what it is compressed
	// to, is what adding, taking in and writing out hold in memory.
	ChunkSize = 8 << 20
	// MaxTitle is the longest title in characters.
	MaxTitle = 200
	maxType  = 127 // characters of a media type, RFC 6838 section 4.2
)

// ErrManifest marks a manifest that is not one.
var ErrManifest = errors.New("it is no manifest of an exhibit")

// Manifest stands for the whole: every file with its hash, and the hash of every chunk. The content of
// all files in the order of the manifest, one behind the other, is cut into chunks.
type Manifest struct {
	V      int            `json:"v"` // 1
	Title  string         `json:"title"`
	Chunk  int64          `json:"chunk"`  // bytes of every chunk but the last
	Size   int64          `json:"size"`   // of all files
	Files  []File         `json:"files"`  // by path, as bytes
	Chunks []journal.Hash `json:"chunks"` // SHA-256 of each
}

// File is one file of an exhibit.
type File struct {
	Path   string       `json:"path"`
	Size   int64        `json:"size"`
	SHA256 journal.Hash `json:"sha256"`
	Type   string       `json:"type"` // media type as whoever added it took it to be
}

// Encode returns the one form of the manifest, after checking it.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	b, err := m.bytes()
	if err == nil && len(b) > MaxManifest {
		err = fmt.Errorf("%w: it has %d bytes, at most %d are allowed; add fewer files at a time, or one archive of them", ErrManifest, len(b), MaxManifest)
	}
	return b, err
}

func (m *Manifest) bytes() ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return b, nil
}

// ParseManifest reads a manifest of anybody and checks every rule. It has one form only: what is
// written again gives the same bytes. Errors wrap [ErrManifest].
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrManifest, len(b), MaxManifest)
	}
	m := &Manifest{}
	if err := json.Unmarshal(b, m, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	again, err := m.bytes()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: it is not in the one form that a manifest has", ErrManifest)
	}
	return m, nil
}

func (m *Manifest) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrManifest}, args...)...)
	}
	switch {
	case m.V != 1:
		return fail("its version is %d, known is 1", m.V)
	case utf8.RuneCountInString(m.Title) > MaxTitle || !utf8.ValidString(m.Title) || strings.ContainsFunc(m.Title, unicode.IsControl):
		return fail("its title is no line of at most %d characters", MaxTitle)
	case m.Chunk < desk.MinChunk || m.Chunk > desk.MaxChunk:
		return fail("its chunks have %d bytes, allowed are %d to %d", m.Chunk, desk.MinChunk, desk.MaxChunk)
	case len(m.Files) < 1 || len(m.Files) > MaxFiles:
		return fail("it has %d files, allowed are 1 to %d", len(m.Files), MaxFiles)
	case len(m.Chunks) > MaxChunks:
		return fail("it has %d chunks, at most %d are allowed", len(m.Chunks), MaxChunks)
	}
	most, sum, last, paths := m.Chunk*MaxChunks, int64(0), "", newCollisions(len(m.Files))
	for i, f := range m.Files {
		if err := CheckPath(f.Path); err != nil {
			return fail("%w", err)
		}
		if i > 0 && f.Path <= last {
			return fail("its files are not in the order of their paths, each once")
		}
		if err := paths.add(f.Path); err != nil {
			return fail("%w", err)
		}
		if f.Size < 0 || f.Size > most-sum {
			return fail("the size of %+q is out of range", clip(f.Path))
		}
		if !mediaType(f.Type) {
			return fail("%+q is no media type", clip(f.Type))
		}
		sum, last = sum+f.Size, f.Path
	}
	if sum != m.Size || int64(len(m.Chunks)) != (sum+m.Chunk-1)/m.Chunk {
		return fail("its files have %d bytes, which is not what it says (%d bytes, %d chunks)", sum, m.Size, len(m.Chunks))
	}
	return nil
}

// mediaType says whether s is "type/subtype" in the characters of RFC 6838 section 4.2, without parameters.
func mediaType(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	if !ok || kind == "" || sub == "" || len(s) > maxType {
		return false
	}
	return !strings.ContainsFunc(kind+sub, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$&-^_.+", r))
	})
}

// Body is what the entry that adds the exhibit says of it.
func (m *Manifest) Body() desk.ExhibitBody {
	return desk.ExhibitBody{Files: int64(len(m.Files)), Size: m.Size, Chunk: m.Chunk, Chunks: int64(len(m.Chunks))}
}

// Fits says whether the manifest is the one that an entry describes, and if not why.
func (m *Manifest) Fits(files, size, chunk, chunks int64) error {
	if b := m.Body(); b.Files != files || b.Size != size || b.Chunk != chunk || b.Chunks != chunks {
		return fmt.Errorf("the entry speaks of %d files, %d bytes and %d chunks of %d, the manifest of %d, %d and %d of %d",
			files, size, chunks, chunk, b.Files, b.Size, b.Chunks, b.Chunk)
	}
	return nil
}

// SizeOf is how many bytes a chunk has.
func (m *Manifest) SizeOf(number int64) int64 { return min(m.Chunk, m.Size-number*m.Chunk) }

// ChunkError says which chunk is not what the manifest says.
type ChunkError struct {
	Number int64
	Why    string
}

// Error names the chunk, from 1.
func (e *ChunkError) Error() string { return fmt.Sprintf("chunk %d %s", e.Number+1, e.Why) }

// CheckChunk compares the bytes of a chunk with the manifest. The error is a *ChunkError.
func (m *Manifest) CheckChunk(number int64, b []byte) error {
	switch {
	case number < 0 || number >= int64(len(m.Chunks)):
		return &ChunkError{number, fmt.Sprintf("does not exist: the manifest has %d", len(m.Chunks))}
	case int64(len(b)) != m.SizeOf(number):
		return &ChunkError{number, fmt.Sprintf("has %d bytes, the manifest says %d", len(b), m.SizeOf(number))}
	case journal.Hash(sha256.Sum256(b)) != m.Chunks[number]:
		return &ChunkError{number, "does not have the SHA-256 that the manifest says"}
	}
	return nil
}

// ReadChunk reads the next chunk of the content into buf, which has to have room for m.Chunk bytes, and
// compares it with the manifest.
func (m *Manifest) ReadChunk(r io.Reader, number int64, buf []byte) ([]byte, error) {
	if number < 0 || number >= int64(len(m.Chunks)) {
		return nil, m.CheckChunk(number, nil)
	}
	b := buf[:m.SizeOf(number)]
	if n, err := io.ReadFull(r, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &ChunkError{number, fmt.Sprintf("ends after %d bytes, the manifest says %d", n, len(b))}
		}
		return nil, err
	}
	return b, m.CheckChunk(number, b)
}
