package node

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestAttachFile: a file that comes once is an exhibit afterwards, byte for byte; meanwhile and then it lies readable nowhere.
func TestAttachFile(t *testing.T) {
	ctx := t.Context()
	north, south := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(north.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, north, south, "Watch")
	agree(t, nil, north, south)
	text := strings.Repeat("the words of the evidence, ", 1<<15)
	body := io.MultiReader(strings.NewReader(text), readFunc(func([]byte) (int, error) { // all of it has come, and nothing is described yet
		if seen := readableIn(t, north.at.spool(), "words of the evidence"); len(seen) > 0 {
			t.Errorf("readable while it comes: %q", seen)
		}
		return 0, io.EOF
	}))
	added := must[*ExhibitAddResponse](t)(north.AttachFile(ctx, ExhibitAttachRequest{Name: `C:\evidence\notes.txt`, TLP: "green"}, body, nil))
	if x := added.Exhibit; x == nil || x.State != "complete" || x.Title != "notes.txt" || x.Bytes != int64(len(text)) || x.TLP != "green" {
		t.Fatalf("%+v", added.Exhibit)
	}
	var got bytes.Buffer
	if err := north.GetExhibit(ctx, ExhibitGetRequest{ID: added.Exhibit.ID}, &got); err != nil || got.String() != text {
		t.Errorf("%d bytes came back, %v", got.Len(), err)
	}
	if v := must[*ExhibitVerifyResponse](t)(north.VerifyExhibit(ctx, ExhibitIDRequest{ID: added.Exhibit.ID}, nil)); !v.OK {
		t.Errorf("%+v", v)
	}
	if left, err := os.ReadDir(north.at.spool()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// Several at once are one exhibit; an empty one and sizes that are no multiple of anything come back, too.
	want := map[string]string{"a.txt": text[:4097], "b.txt": "", "c.txt": "the end", "z.log": text[3:70001]}
	coming := []string{"z.log", "b.txt", "a.txt", "c.txt"}
	several := func(names ...string) func() (string, io.Reader, error) {
		return func() (string, io.Reader, error) {
			if len(names) == 0 {
				return "", nil, io.EOF
			}
			name := names[0]
			names = names[1:]
			return "folder/" + name, strings.NewReader(want[name]), nil
		}
	}
	added = must[*ExhibitAddResponse](t)(north.AttachFiles(ctx, ExhibitAttachRequest{}, several(coming...), nil))
	x := must[*ExhibitView](t)(north.Exhibit(ctx, ExhibitIDRequest{ID: added.Exhibit.ID}))
	if x.State != "complete" || x.Title != "z.log (+3)" || x.Files != 4 || len(x.List) != 4 {
		t.Fatalf("%+v", x)
	}
	got.Reset()
	if err := north.GetExhibit(ctx, ExhibitGetRequest{ID: x.ID}, &got); err != nil || got.String() != want["a.txt"]+want["b.txt"]+want["c.txt"]+want["z.log"] {
		t.Errorf("%d bytes of several came back, %v", got.Len(), err)
	}
	for _, f := range x.List {
		if f.Bytes != int64(len(want[f.Path])) {
			t.Errorf("%+v", f)
		}
	}
	broken := errors.New("the browser went away")
	if _, err := north.AttachFiles(ctx, ExhibitAttachRequest{}, func() (string, io.Reader, error) { return "", nil, broken }, nil); !errors.Is(err, broken) {
		t.Errorf("a stream that ends early: %v", err)
	}
	for _, names := range [][]string{nil, {"a.txt", "a.txt"}, {"a.txt", "A.TXT"}} {
		if _, err := north.AttachFiles(ctx, ExhibitAttachRequest{}, several(names...), nil); codeOf(err) != CodeBadInput {
			t.Errorf("%q: %v", names, err)
		}
	}
	for _, name := range []string{"", "..", "a/"} {
		if _, err := north.AttachFile(ctx, ExhibitAttachRequest{Name: name + "\x00"}, strings.NewReader("x"), nil); codeOf(err) != CodeBadInput {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	if _, err := north.AttachFile(ctx, ExhibitAttachRequest{Name: "x", TLP: "red"}, strings.NewReader("x"), nil); codeOf(err) != CodeGate {
		t.Errorf("above the ceiling: %v", err)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
