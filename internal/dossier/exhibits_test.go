package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/exhibit"
	"entente/internal/lang"
	"entente/journal"
)

const hostile = "<script>alert(1)</script> \u202eexe.fdp\x1b[2J & \"quotes\""

// withExhibit is a dossier with a request, an exhibit of three chunks about it, its custody, and a page. edit changes
// a chunk, or (number -1) the manifest, before it is sealed, or leaves it out of the dossier (nil).
func withExhibit(t testing.TB, edit func(number int, b []byte) []byte) ([]byte, *exhibit.Manifest) {
	w := newWorld(t, "North", "South")
	w.agree()
	north, south := w.parties[0], w.parties[1]
	text := `{"title":"<b>bold</b>","text":"line\n` + "\u202e" + `<i>x</i>","fields":{"subject":"<s>"}}`
	send := north.write("request.send", map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id},
		w.seal(journal.PayloadRequest, []byte(text)))
	w.about = []journal.Ref{send.Ref()}
	fsys := fstest.MapFS{"a/" + hostile[8:9] + "<img src=x>.raw": {Data: bytes.Repeat([]byte("evidence"), 2*desk.MinChunk/8)}, "b.txt": {Data: []byte("notes")}}
	m, err := exhibit.Describe(fsys, ".", exhibit.Options{Title: strings.ReplaceAll(hostile, "\x1b", ""), Chunk: desk.MinChunk})
	ok(t, err)
	manifest, err := m.Encode()
	ok(t, err)
	content, err := io.ReadAll(exhibit.Content(fsys, m, 0))
	ok(t, err)
	left := map[journal.Hash]bool{}
	seal := func(number int, kind string, b []byte) *journal.PayloadRef {
		if edit == nil {
			return w.seal(kind, b)
		}
		changed := edit(number, bytes.Clone(b))
		if changed == nil {
			ref := w.seal(kind, b)
			left[ref.Commitment] = true
			return ref
		}
		return w.seal(kind, changed)
	}
	add := north.write("exhibit.add", map[string]any{"about": send.Ref(), "files": 2, "size": m.Size, "chunk": m.Chunk, "chunks": 3, "tlp": "amber"}, seal(-1, journal.PayloadExhibit, manifest))
	for n := range 3 {
		b := content[n*desk.MinChunk : min(len(content), (n+1)*desk.MinChunk)]
		north.write("exhibit.chunk", map[string]any{"exhibit": add.Ref(), "number": n, "tlp": "amber"}, seal(n, journal.PayloadChunk, b))
	}
	north.write("exhibit.complete", map[string]any{"exhibit": add.Ref()}, nil)
	w.sync()
	south.write("exhibit.custody", map[string]any{"exhibit": add.Ref(), "act": "received", "seal": add.Payload.Commitment, "tlp": "amber"}, w.seal(journal.PayloadText, []byte(`{"text":"taken in"}`)))
	w.sync()
	src := w.source()
	all := src.Payload
	src.Payload = func(ref journal.Ref, p journal.PayloadRef) ([32]byte, []byte, bool, error) {
		if left[p.Commitment] {
			return [32]byte{}, nil, false, nil
		}
		return all(ref, p)
	}
	r, err := dossier.Verify(context.Background(), bytes.NewReader(pack(t, src)), dossier.Options{Words: true})
	ok(t, err)
	var page bytes.Buffer
	ok(t, r.WritePage(&page, lang.English()))
	src.Page = page.Bytes()
	return pack(t, src), m
}

// TestExhibitInADossier: a stranger verifies every chunk and every file against the manifest, and sees who held it.
func TestExhibitInADossier(t *testing.T) {
	file, m := withExhibit(t, nil)
	r, err := verify(file)
	ok(t, err)
	if len(r.Exhibits) != 1 || len(r.Findings) != 0 || r.Page == nil {
		t.Fatalf("%d exhibits, findings %+v, page %v", len(r.Exhibits), r.Findings, r.Page)
	}
	x := r.Exhibits[0]
	if x.ChunksVerified != 3 || x.FilesVerified != 2 || x.Title != m.Title || len(x.List) != 2 || len(x.Steps) != 3 || len(x.Receipts[2]) != 1 || len(x.Holders) != 2 {
		t.Errorf("%+v", x)
	}
	var text strings.Builder
	ok(t, r.WriteText(&text, lang.English()))
	if strings.ContainsAny(text.String(), "\u202e\x1b") || !strings.Contains(text.String(), "3 of 3 chunks and 2 of 2 files") {
		t.Errorf("the report:\n%s", text.String())
	}
}

// TestExhibitOfADossierThatLies: what its author committed to and is not what its own manifest says is proved against the
// author; what is left out of the file is proved against nobody.
func TestExhibitOfADossierThatLies(t *testing.T) {
	for name, c := range map[string]struct {
		edit          func(int, []byte) []byte
		proved        int
		chunks, files int64
	}{
		"another chunk": {func(n int, b []byte) []byte {
			if n == 1 {
				b[7] ^= 1
			}
			return b
		}, 1, 2, 1},
		"a shorter chunk": {func(n int, b []byte) []byte {
			if n == 2 {
				return b[1:]
			}
			return b
		}, 1, 2, 1},
		"another hash of a file": {func(n int, b []byte) []byte {
			if n < 0 {
				m, err := exhibit.ParseManifest(b)
				ok(t, err)
				m.Files[1].SHA256[0] ^= 1
				b, err = m.Encode()
				ok(t, err)
			}
			return b
		}, 1, 3, 1},
		"no manifest": {func(n int, b []byte) []byte {
			if n < 0 {
				return []byte("{}")
			}
			return b
		}, 1, 0, 0},
		"the manifest of another exhibit": {func(n int, b []byte) []byte {
			if n < 0 {
				m, err := exhibit.Describe(fstest.MapFS{"x": {Data: []byte("x")}}, ".", exhibit.Options{})
				ok(t, err)
				b, err = m.Encode()
				ok(t, err)
			}
			return b
		}, 1, 0, 0},
		"a chunk left out": {func(n int, b []byte) []byte {
			if n == 0 {
				return nil
			}
			return b
		}, 0, 2, 0},
		"the manifest left out": {func(n int, b []byte) []byte {
			if n < 0 {
				return nil
			}
			return b
		}, 0, 0, 0},
	} {
		file, _ := withExhibit(t, c.edit)
		r, err := verify(file)
		ok(t, err)
		n := 0
		for _, f := range r.Findings {
			if f.Code == dossier.CodeBadExhibit && f.Weight == dossier.Proved {
				n++
			}
		}
		if x := r.Exhibits[0]; n != c.proved || len(r.Proven) != c.proved || x.ChunksVerified != c.chunks || name != "a chunk left out" && x.FilesVerified != c.files {
			t.Errorf("%s: %d proved, %d chunks, %d files: %+v", name, n, x.ChunksVerified, x.FilesVerified, r.Findings)
		}
	}
}

// TestPage: the page says what was asked and who held what; nothing in it that a party wrote is markup, a direction mark or
// a control character, and nothing is fetched.
func TestPage(t *testing.T) {
	file, _ := withExhibit(t, nil)
	fs := frames(t, file)
	at := slices.IndexFunc(fs, func(f frame) bool { return f.kind == kPage })
	if at != len(fs)-2 {
		t.Fatalf("the page is record %d of %d", at, len(fs))
	}
	page := string(fs[at].content)
	for _, want := range []string{"&lt;b&gt;bold&lt;/b&gt;", "&lt;i&gt;x&lt;/i&gt;", `\u{202e}`, "&lt;img src=x&gt;", "received by South", "taken in", "default-src 'none'"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if bad := regexp.MustCompile(`(?i)<(script|img|b|i|s|a|link|iframe)[ >]|\x{202e}|\x1b|https?:|src="`).FindString(page); bad != "" {
		t.Errorf("the page has %q", bad)
	}
	for name, change := range map[string]func([]byte) []byte{
		"no page":   func(b []byte) []byte { return b[1:] },
		"not UTF-8": func(b []byte) []byte { return append(b, 0xff) },
		"too large": func(b []byte) []byte { return append(b, make([]byte, 8<<20)...) },
		"empty":     func([]byte) []byte { return nil },
	} {
		bad := slices.Clone(fs)
		bad[at].content = change(bytes.Clone(fs[at].content))
		_, err := verify(build(bad))
		if d, is := errors.AsType[*dossier.Damage](err); !is || d.Part != dossier.PartPage {
			t.Errorf("%s: %v", name, err)
		}
	}
	twice := slices.Insert(slices.Clone(fs), at, fs[at])
	if d, is := errors.AsType[*dossier.Damage](second(verify(build(twice)))); !is || d.Part != dossier.PartEnd {
		t.Errorf("two pages: %v", d)
	}
	other := slices.Clone(fs)
	other[at].content = []byte("<!DOCTYPE html>\nanything")
	if _, err := verify(build(other)); err != nil {
		t.Errorf("another page is the maker's affair: %v", err)
	}
}

func second(_ *dossier.Report, err error) error { return err }
