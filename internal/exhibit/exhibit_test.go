package exhibit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/journal"
)

// memory is a Folder in memory.
type memory map[string]*bytes.Buffer

type memoryFile struct{ *bytes.Buffer }

func (memoryFile) Close() error { return nil }

func (m memory) Create(name string) (io.WriteCloser, error) {
	if m[name] != nil {
		return nil, fs.ErrExist
	}
	m[name] = &bytes.Buffer{}
	return memoryFile{m[name]}, nil
}

func tree() fstest.MapFS {
	return fstest.MapFS{
		"mail.eml":        {Data: []byte("From: a@example\n")},
		"disk/image.raw":  {Data: bytes.Repeat([]byte("sector"), 30_000)},
		"disk/empty":      {Data: nil},
		"disk-notes.txt":  {Data: []byte("found 100% of it\n")},
		"odd\n%name\r.md": {Data: []byte("x")},
	}
}

func describe(t testing.TB, fsys fs.FS, root string) *exhibit.Manifest {
	t.Helper()
	m, err := exhibit.Describe(fsys, root, exhibit.Options{Title: "Disk of the register", Chunk: desk.MinChunk,
		Sniff: func(p string, _ []byte) string {
			if strings.HasSuffix(p, ".txt") {
				return "text/plain"
			}
			return "text/plain; charset=utf-8" // no bare type: stands for octets
		}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestManifestGolden: the bytes of a manifest do not change; journals commit to them.
func TestManifestGolden(t *testing.T) {
	got, err := describe(t, tree(), ".").Encode()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != strings.TrimSuffix(string(want), "\n") {
		t.Errorf("the manifest is\n%s", got)
	}
}

func TestOneFile(t *testing.T) {
	m := describe(t, tree(), "mail.eml")
	if len(m.Files) != 1 || m.Files[0].Path != "mail.eml" || m.Size != 16 || len(m.Chunks) != 1 {
		t.Errorf("%+v", m)
	}
	if m := describe(t, tree(), "disk/empty"); m.Size != 0 || len(m.Chunks) != 0 {
		t.Errorf("an empty file: %+v", m)
	}
}

// TestManifestRules: a manifest in which one thing is wrong is none.
func TestManifestRules(t *testing.T) {
	base := describe(t, tree(), ".")
	for name, change := range map[string]func(m *exhibit.Manifest){
		"version":         func(m *exhibit.Manifest) { m.V = 2 },
		"title":           func(m *exhibit.Manifest) { m.Title = "two\nlines" },
		"long title":      func(m *exhibit.Manifest) { m.Title = strings.Repeat("x", exhibit.MaxTitle+1) },
		"chunk":           func(m *exhibit.Manifest) { m.Chunk = desk.MinChunk - 1 },
		"no files":        func(m *exhibit.Manifest) { m.Files, m.Size, m.Chunks = nil, 0, nil },
		"order":           func(m *exhibit.Manifest) { slices.Reverse(m.Files) },
		"twice":           func(m *exhibit.Manifest) { m.Files[1] = m.Files[0] },
		"negative":        func(m *exhibit.Manifest) { m.Files[0].Size = -1 },
		"overflow":        func(m *exhibit.Manifest) { m.Files[0].Size, m.Files[1].Size = 1<<62, 1<<62 },
		"sum":             func(m *exhibit.Manifest) { m.Size++ },
		"chunks":          func(m *exhibit.Manifest) { m.Chunks = m.Chunks[1:] },
		"media type":      func(m *exhibit.Manifest) { m.Files[0].Type = "text" },
		"traversal":       func(m *exhibit.Manifest) { m.Files[0].Path = "../etc/passwd" },
		"case":            func(m *exhibit.Manifest) { m.Files[2].Path, m.Files[3].Path = "Mail.eml", "mail.eml" },
		"file and folder": func(m *exhibit.Manifest) { m.Files[0].Path = "disk" },
	} {
		m := *base
		m.Files, m.Chunks = slices.Clone(base.Files), slices.Clone(base.Chunks)
		change(&m)
		if _, err := m.Encode(); !errors.Is(err, exhibit.ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good, err := base.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":    nil,
		"white":      append([]byte(" "), good...),
		"more":       append(bytes.Clone(good), '1'),
		"unknown":    bytes.Replace(good, []byte(`"v":1`), []byte(`"v":1,"w":1`), 1),
		"duplicate":  bytes.Replace(good, []byte(`"v":1`), []byte(`"v":1,"v":1`), 1),
		"escapes":    bytes.Replace(good, []byte("Disk of"), []byte(`\u0044isk of`), 1),
		"null files": []byte(`{"v":1,"title":"","chunk":65536,"size":0,"files":null,"chunks":[]}`),
		"too large":  append(bytes.Clone(good), make([]byte, exhibit.MaxManifest)...),
	} {
		if _, err := exhibit.ParseManifest(b); !errors.Is(err, exhibit.ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLargestManifest: as many files and chunks as there may be fit into a manifest, and one more of either does not.
func TestLargestManifest(t *testing.T) {
	m := &exhibit.Manifest{V: 1, Chunk: desk.MinChunk, Chunks: make([]journal.Hash, exhibit.MaxChunks)}
	for i := range exhibit.MaxFiles {
		m.Files = append(m.Files, exhibit.File{Path: fmt.Sprintf("folder/%06d.eml", i), Type: "message/rfc822", Size: 2 * desk.MinChunk})
		m.Size += 2 * desk.MinChunk
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exhibit.ParseManifest(b); err != nil {
		t.Fatal(err)
	}
	more := *m
	more.Files = append(slices.Clone(m.Files), exhibit.File{Path: "z", Type: "a/b"})
	if _, err := more.Encode(); err == nil {
		t.Error("one file more")
	}
	more = *m
	more.Chunks, more.Size = append(slices.Clone(m.Chunks), journal.Hash{}), m.Size+1
	if _, err := more.Encode(); err == nil {
		t.Error("one chunk more")
	}
	long := *m
	long.Files = slices.Clone(m.Files)
	for i := range long.Files {
		long.Files[i].Path = fmt.Sprintf("%06d/%s", i, strings.Repeat("n", 235))
	}
	if _, err := long.Encode(); err == nil || !strings.Contains(err.Error(), "archive") {
		t.Errorf("more than a payload holds: %v", err)
	}
}

func TestPaths(t *testing.T) {
	for _, good := range []string{"a", "a/b.txt", "2026-01-01T10:00:00.log", "x\ny", "ünï/ко", strings.Repeat("d/", exhibit.MaxDepth-1) + "f", "COM10", "..x", "a b"} {
		if err := exhibit.CheckPath(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", `a\b`, "a\x00", "a.", "a /b", "NUL", "con.txt", "x/LPT1.tar.gz", "com¹", "\xff",
		strings.Repeat("d/", exhibit.MaxDepth) + "f", strings.Repeat("n", exhibit.MaxName+1), strings.Repeat("n/", exhibit.MaxPath/2) + "n"} {
		var pe *exhibit.PathError
		if err := exhibit.CheckPath(bad); !errors.As(err, &pe) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := exhibit.CheckPath("a\x1b[2J/../\u202e"); strings.ContainsAny(err.Error(), "\x1b\u202e") {
		t.Error("an error brings control characters to the terminal")
	}
}

// TestRefusedTrees: what is no evidence, or would be another file elsewhere, is refused by name.
func TestRefusedTrees(t *testing.T) {
	for name, fsys := range map[string]fstest.MapFS{
		"a link":        {"a": {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}},
		"case":          {"A": {}, "a": {}},
		"composition":   {"\u00e9": {}, "e\u0301": {}},
		"folder's case": {"Sub/a": {}, "sub/b": {}},
		"folder, file":  {"SUB": {}, "sub/b": {}},
		"reserved":      {"aux.log": {}},
		"empty":         {},
	} {
		if m, err := exhibit.Describe(fsys, ".", exhibit.Options{}); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestContentAndChunks: whatever is attached, its content from any offset is what was there, its chunks are those of the
// manifest, and one changed bit shows.
func TestContentAndChunks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fsys := fstest.MapFS{}
		for i := range rapid.IntRange(1, 6).Draw(rt, "files") {
			size := rapid.SampledFrom([]int{0, 1, 100, desk.MinChunk - 1, desk.MinChunk, desk.MinChunk + 1, 3 * desk.MinChunk}).Draw(rt, "size")
			fsys[fmt.Sprintf("d%d/f%d", i%2, i)] = &fstest.MapFile{Data: bytes.Repeat([]byte{byte(i + 1), 0, byte(size)}, size/3+1)[:size]}
		}
		m, err := exhibit.Describe(fsys, ".", exhibit.Options{Chunk: desk.MinChunk})
		if err != nil {
			rt.Fatal(err)
		}
		text, err := m.Encode()
		if err != nil {
			rt.Fatal(err)
		}
		if again, err := exhibit.ParseManifest(text); err != nil || again.Size != m.Size {
			rt.Fatal(err)
		}
		var all []byte
		for _, f := range m.Files {
			all = append(all, fsys[f.Path].Data...)
		}
		from := int64(rapid.IntRange(0, len(all)).Draw(rt, "offset"))
		got, err := io.ReadAll(exhibit.Content(fsys, m, from))
		if err != nil || !bytes.Equal(got, all[from:]) {
			rt.Fatalf("from %d: %d bytes of %d, %v", from, len(got), len(all), err)
		}
		r, buf := exhibit.Content(fsys, m, 0), make([]byte, m.Chunk)
		for n := range m.Chunks {
			b, err := m.ReadChunk(r, int64(n), buf)
			if err != nil {
				rt.Fatal(err)
			}
			bad := bytes.Clone(b)
			bad[len(bad)/2] ^= 1
			var ce *exhibit.ChunkError
			if err := m.CheckChunk(int64(n), bad); !errors.As(err, &ce) || ce.Number != int64(n) {
				rt.Fatalf("a changed chunk: %v", err)
			}
		}
		if _, err := m.ReadChunk(bytes.NewReader(all), int64(len(m.Chunks)), buf); len(m.Chunks) > 0 && err == nil {
			rt.Fatal("one chunk more than there is")
		}
	})
}

// TestChangedWhileRead: a file that is not what it was when it was described is noticed.
func TestChangedWhileRead(t *testing.T) {
	fsys := tree()
	m := describe(t, fsys, ".")
	fsys["disk/image.raw"].Data = fsys["disk/image.raw"].Data[1:]
	if _, err := io.ReadAll(exhibit.Content(fsys, m, 0)); err == nil {
		t.Error("a file that became shorter was read")
	}
}

// bagOf reads a bag back by the rules of RFC 8493 alone, and returns its payload.
func bagOf(t *testing.T, bag memory) map[string]string {
	t.Helper()
	if got := bag["bagit.txt"].String(); got != "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n" {
		t.Errorf("bagit.txt: %q", got)
	}
	lines := func(name string) map[string]string {
		out := map[string]string{}
		for line := range strings.Lines(bag[name].String()) {
			sum, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
			path = strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n").Replace(path)
			b := bag[path]
			if !ok || b == nil {
				t.Fatalf("%s: %q", name, line)
			}
			if got := sha256.Sum256(b.Bytes()); hex.EncodeToString(got[:]) != sum {
				t.Errorf("%s: the SHA-256 of %q", name, path)
			}
			out[path] = b.String()
		}
		return out
	}
	payload, tags := lines("manifest-sha256.txt"), lines("tagmanifest-sha256.txt")
	if len(payload)+len(tags)+1 != len(bag) {
		t.Errorf("%d files, %d in the manifests", len(bag), len(payload)+len(tags))
	}
	total := 0
	for name, data := range payload {
		total += len(data)
		if !strings.HasPrefix(name, "data/") {
			t.Errorf("payload outside data: %q", name)
		}
	}
	if want := fmt.Sprintf("Payload-Oxum: %d.%d\n", total, len(payload)); !strings.Contains(bag["bag-info.txt"].String(), want) {
		t.Errorf("bag-info.txt without %q:\n%s", want, bag["bag-info.txt"])
	}
	return payload
}

// TestBag: a bag is one by the rules of RFC 8493, and has every file of the exhibit.
func TestBag(t *testing.T) {
	fsys := tree()
	m := describe(t, fsys, ".")
	bag := memory{}
	err := exhibit.WriteBag(bag, exhibit.Bag{Manifest: m, Info: []exhibit.Field{{Name: "Source-Organization", Value: "North\nPayload-Oxum: 0.0"}},
		Tags: map[string][]byte{"custody.json": []byte("{}")}}, exhibit.Content(fsys, m, 0))
	if err != nil {
		t.Fatal(err)
	}
	payload := bagOf(t, bag)
	if len(payload) != len(fsys) {
		t.Errorf("%d files of %d", len(payload), len(fsys))
	}
	for name, f := range fsys {
		if payload["data/"+name] != string(f.Data) {
			t.Errorf("%q is another file", name)
		}
	}
	if strings.Count(bag["bag-info.txt"].String(), "\nPayload-Oxum") != 1 {
		t.Errorf("a value began a line of its own:\n%s", bag["bag-info.txt"])
	}
	if !strings.Contains(bag["manifest-sha256.txt"].String(), "data/odd%0A%25name%0D.md\n") {
		t.Errorf("line ends in a path:\n%s", bag["manifest-sha256.txt"])
	}
}

// TestBagOfOtherContent: content that is shorter, longer or other than the manifest says makes no bag.
func TestBagOfOtherContent(t *testing.T) {
	fsys := tree()
	m := describe(t, fsys, ".")
	all, err := io.ReadAll(exhibit.Content(fsys, m, 0))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(all)
	changed[len(changed)-1] ^= 1
	for name, content := range map[string][]byte{"shorter": all[:len(all)-1], "longer": append(bytes.Clone(all), 0), "other": changed, "none": nil} {
		bag := memory{}
		if err := exhibit.WriteBag(bag, exhibit.Bag{Manifest: m}, bytes.NewReader(content)); !errors.Is(err, exhibit.ErrContent) || bag["bagit.txt"] != nil {
			t.Errorf("%s: %v, files %v", name, err, slices.Sorted(maps.Keys(bag)))
		}
	}
	for _, name := range []string{"bagit.txt", "../x", "data/x", "exhibit.json", "tagmanifest-md5.txt"} {
		if err := exhibit.WriteBag(memory{}, exhibit.Bag{Manifest: m, Tags: map[string][]byte{name: nil}}, bytes.NewReader(all)); err == nil {
			t.Errorf("a tag file %q", name)
		}
	}
}

// FuzzParseManifest: whatever is taken for a manifest keeps every rule and is written again as it was.
func FuzzParseManifest(f *testing.F) {
	good, err := describe(f, tree(), ".").Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":1,"title":"","chunk":65536,"size":0,"files":[{"path":"a","size":0,"sha256":"` + strings.Repeat("0", 64) + `","type":"a/b"}],"chunks":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := exhibit.ParseManifest(b)
		if err != nil {
			if !errors.Is(err, exhibit.ErrManifest) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("written again: %v\n%s", err, again)
		}
		sum := int64(0)
		for _, file := range m.Files {
			if !fs.ValidPath(file.Path) || exhibit.CheckPath(file.Path) != nil {
				t.Fatalf("the path %q", file.Path)
			}
			sum += file.Size
		}
		if sum != m.Size || len(m.Chunks) > exhibit.MaxChunks {
			t.Fatalf("%d bytes in %d chunks", sum, len(m.Chunks))
		}
		for n := range m.Chunks {
			if k := m.SizeOf(int64(n)); k <= 0 || k > m.Chunk {
				t.Fatalf("chunk %d of %d bytes", n, k)
			}
		}
	})
}
