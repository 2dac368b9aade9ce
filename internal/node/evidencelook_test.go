package node

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"entente/internal/exhibit"
	"entente/internal/peer"
	"entente/journal"
)

// chunkFile is the file of a chunk of the only exhibit that there is.
func (p *testParty) chunkFile(number int64) string {
	p.t.Helper()
	l, ref, err := p.findExhibit("", "")
	if err != nil {
		p.t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	x, _ := l.fold.Exhibit(ref)
	c, _ := x.ChunkAt(number)
	name := hex.EncodeToString(c.Payload.Commitment[:])
	found := must[[]string](p.t)(filepath.Glob(filepath.Join(l.dir, "payloads", "*", name)))
	if len(found) != 1 {
		p.t.Fatalf("the files of chunk %d: %v", number, found)
	}
	return found[0]
}

// flip changes one byte of a file, in its place.
func flip(t *testing.T, file string) {
	t.Helper()
	data := must[[]byte](t)(os.ReadFile(file))
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEvidenceThatIsHarmedIsFetchedAgain: what is changed, cut or removed under a running node, at either side, is noticed by
// whoever looks (the list, the page, a reader, a partner that asks, the node itself), is told as what it is, and is fetched from
// the partner in the next session, without a start. Nothing else is kept from being exchanged meanwhile.
func TestEvidenceThatIsHarmedIsFetchedAgain(t *testing.T) {
	ctx := t.Context()
	north, south := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(north.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, north, south, "Watch")
	agree(t, nil, north, south)
	fsys, m, text := evidenceOf(t, 5)
	add := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(text), nil))
	id := ExhibitIDRequest{ID: add.Exhibit.ID}
	must[*ExhibitAddResponse](t)(north.ExhibitContent(ctx, ExhibitContentRequest{ID: id.ID}, exhibit.Content(fsys, m, 0), nil))
	for range 3 {
		south.sync()
	}
	show := func(p *testParty) *ExhibitView { t.Helper(); return must[*ExhibitView](t)(p.Exhibit(ctx, id)) }
	list := func(p *testParty) *ExhibitView {
		t.Helper()
		return &must[*ExhibitListResponse](t)(p.Exhibits(ctx, ExhibitListRequest{})).Exhibits[0]
	}
	counts := func(p *testParty, what string, x *ExhibitView, here, missing, damaged int64) {
		t.Helper()
		if x.Here != here || x.Missing != missing || x.Damaged != damaged || x.ReadBack != here {
			t.Errorf("%s, %s: %d here (%d read back), %d missing, %d damaged; want %d, %d, %d", p.init.Name, what, x.Here, x.ReadBack, x.Missing, x.Damaged, here, missing, damaged)
		}
	}
	whole := func(p *testParty, what string) {
		t.Helper()
		counts(p, what, show(p), 5, 0, 0)
		if v := must[*ExhibitVerifyResponse](t)(p.VerifyExhibit(ctx, id, nil)); !v.OK {
			t.Errorf("%s, %s: %+v", p.init.Name, what, v)
		}
	}
	for _, p := range []*testParty{south, north} { // who got it, and who added it: each has the other to ask
		whole(p, "before")
		for name, look := range map[string]func() *ExhibitView{"the list": func() *ExhibitView { return list(p) }, "one": func() *ExhibitView { return show(p) },
			"the node by itself": func() *ExhibitView {
				p.lookAfterEvidence(ctx)
				l, ref, err := p.findExhibit("", "")
				if err != nil {
					t.Fatal(err)
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				x, _ := l.fold.Exhibit(ref)
				return l.exhibitView(&x, false)
			}} {
			flip(t, p.chunkFile(1))
			if err := os.Truncate(p.chunkFile(2), 7); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(p.chunkFile(3)); err != nil {
				t.Fatal(err)
			}
			counts(p, name, look(), 2, 1, 2)
			p.sync()
			whole(p, "after "+name)
		}
		// A reader finds it where nothing told of it: the time of change is that of before.
		file := p.chunkFile(4)
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
		whole(p, "an hour ago")
		flip(t, file)
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
		if x := show(p); x.Here != 5 {
			t.Errorf("%s: a change that the file system does not tell is told: %+v", p.init.Name, x)
		}
		if err := p.GetExhibit(ctx, ExhibitGetRequest{ID: id.ID}, io.Discard); codeOf(err) != CodeDamaged {
			t.Errorf("%s: read: %v", p.init.Name, err)
		}
		counts(p, "after a reader", show(p), 4, 0, 1)
		p.sync()
		whole(p, "after a reader")
		// What was put back by hand is here again.
		good := must[[]byte](t)(os.ReadFile(p.chunkFile(0)))
		flip(t, p.chunkFile(0))
		counts(p, "changed once more", show(p), 4, 0, 1)
		if err := os.WriteFile(p.chunkFile(0), good, 0o600); err != nil {
			t.Fatal(err)
		}
		whole(p, "put back")
	}
	// Harmed at both: neither gives it, each says so, and what else there is goes on.
	flip(t, south.chunkFile(2))
	flip(t, north.chunkFile(2))
	counts(south, "at both", show(south), 4, 0, 1)
	if _, _, err := north.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "routine", Title: "Meanwhile", Fields: map[string]string{"subject": "s", "purpose": "p", "facts": "f"}}); err != nil {
		t.Fatal(err)
	}
	if s := must[*SyncResponse](t)(south.Sync(ctx, SyncRequest{}, nil)).Sessions[0]; s.Code != peer.CodeMissing {
		t.Errorf("asked of who has it damaged, too: %+v", s)
	}
	if got := must[*RequestListResponse](t)(south.Requests(ctx, RequestListRequest{})).Requests; len(got) != 1 || got[0].Title != "Meanwhile" {
		t.Errorf("what else was sent: %+v", got)
	}
	counts(north, "asked by the partner", show(north), 4, 0, 1)
	if v := must[*ExhibitVerifyResponse](t)(north.VerifyExhibit(ctx, id, nil)); v.OK || v.Damaged != 1 || v.Missing != 0 || v.Chunks != 4 {
		t.Errorf("%+v", v)
	}
	sameState(t, north, south)
	// One gets its own back from a backup: the other fetches it.
	l, _, err := north.findExhibit("", "")
	if err != nil {
		t.Fatal(err)
	}
	wanted := func() (out []journal.Hash) { l.mu.Lock(); defer l.mu.Unlock(); return l.want(10) }
	if len(wanted()) != 1 {
		t.Errorf("asked for: %v", wanted())
	}
	flip(t, north.chunkFile(2))
	whole(north, "restored")
	south.sync()
	whole(south, "after the other was restored")
	if len(wanted()) != 0 {
		t.Errorf("still asked for: %v", wanted())
	}
}
