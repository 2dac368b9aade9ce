package node

import (
	"bytes"
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
