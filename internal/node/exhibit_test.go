package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"
)

// evidenceOf is a folder of n chunks of the smallest size, and its manifest.
func evidenceOf(t testing.TB, n int) (fstest.MapFS, *exhibit.Manifest, []byte) {
	t.Helper()
	noise, sum := []byte{}, sha256.Sum256([]byte("noise"))
	for len(noise) < (n-1)*desk.MinChunk {
		sum = sha256.Sum256(sum[:])
		noise = append(noise, sum[:]...)
	}
	fsys := fstest.MapFS{"disk/image.raw": {Data: noise}, "notes.txt": {Data: []byte("READABLE NOTES of the register")}, "empty": {}}
	m := must[*exhibit.Manifest](t)(exhibit.Describe(fsys, ".", exhibit.Options{Title: "READABLE TITLE", Chunk: desk.MinChunk}))
	if len(m.Chunks) != n {
		t.Fatalf("%d chunks", len(m.Chunks))
	}
	return fsys, m, must[[]byte](t)(m.Encode())
}

// cutReader ends with an error after so many bytes, as a connection that breaks.
type cutReader struct {
	r    io.Reader
	left int
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("cut")
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

// readableIn names the files under a folder that hold a text.
func readableIn(t *testing.T, dir string, text ...string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		for _, s := range text {
			if bytes.Contains(b, []byte(s)) {
				out = append(out, p)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestExhibitBetweenTwo: what is attached at one node, with a break in the middle, verifies at the other, lies readable at
// neither, and both record who held it.
func TestExhibitBetweenTwo(t *testing.T) {
	ctx := t.Context()
	north, south := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(north.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, north, south, "Watch")
	agree(t, nil, north, south)
	fsys, m, text := evidenceOf(t, 5)
	asked := map[string]string{}
	for _, title := range []string{"About the exhibit", "About something else"} {
		q, _, err := north.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "routine", Title: title, Fields: map[string]string{"subject": "s", "purpose": "p", "facts": "f"}})
		if err != nil {
			t.Fatal(err)
		}
		asked[title] = q.ID
	}

	dry := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{DryRun: true}, bytes.NewReader(text), nil))
	if dry.Exhibit != nil || len(dry.Refs) != 0 || dry.Decision.Verdict != "allow" {
		t.Fatalf("a dry run: %+v", dry)
	}
	if _, err := north.AddExhibit(ctx, ExhibitAddRequest{TLP: "red"}, bytes.NewReader(text), nil); codeOf(err) != CodeGate {
		t.Errorf("above the ceiling: %v", err)
	}
	if _, err := north.AddExhibit(ctx, ExhibitAddRequest{}, strings.NewReader("{}"), nil); codeOf(err) != CodeBadInput {
		t.Errorf("no manifest: %v", err)
	}
	add := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{About: asked["About the exhibit"]}, bytes.NewReader(text), nil))
	id := add.Exhibit.ID
	content := ExhibitContentRequest{ID: id}

	// The connection breaks within the third chunk; what was whole stays, and the same manifest goes on from there.
	if _, err := north.ExhibitContent(ctx, content, &cutReader{exhibit.Content(fsys, m, 0), 2*desk.MinChunk + 100}, nil); err == nil {
		t.Fatal("a cut was not noticed")
	}
	south.sync()
	if _, err := south.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: id, Act: "received"}, nil); codeOf(err) != "illegal-move" {
		t.Errorf("received before it was complete: %v", err)
	}
	north.stop()
	north.start()
	again := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{About: asked["About the exhibit"]}, bytes.NewReader(text), nil))
	if !again.Resumed || again.Exhibit.ID != id || again.Offset != 2*desk.MinChunk {
		t.Fatalf("it does not go on: %+v", again)
	}
	content.Offset = again.Offset
	other := fstest.MapFS{"disk/image.raw": {Data: bytes.Clone(fsys["disk/image.raw"].Data)}, "notes.txt": fsys["notes.txt"]}
	other["disk/image.raw"].Data[3*desk.MinChunk+5] ^= 1
	if _, err := north.ExhibitContent(ctx, content, exhibit.Content(other, m, content.Offset), nil); codeOf(err) != "other-content" {
		t.Errorf("other bytes than announced: %v", err)
	}
	done := must[*ExhibitAddResponse](t)(north.ExhibitContent(ctx, content, exhibit.Content(fsys, m, content.Offset), nil))
	if done.Exhibit.State != "complete" || done.Exhibit.Here != 5 {
		t.Fatalf("not complete: %+v", done.Exhibit)
	}
	if twice := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{About: asked["About the exhibit"]}, bytes.NewReader(text), nil)); !twice.Resumed || twice.Offset != m.Size {
		t.Errorf("attached twice: %+v", twice)
	}

	south.sync()
	south.sync()
	if v := must[*ExhibitVerifyResponse](t)(south.VerifyExhibit(ctx, ExhibitIDRequest{ID: id}, nil)); !v.OK || v.Files != 3 || v.Bytes != m.Size {
		t.Fatalf("South: %+v", v)
	}
	var got bytes.Buffer
	if err := south.GetExhibit(ctx, ExhibitGetRequest{ID: id, Offset: 10}, &got); err != nil || !bytes.Equal(got.Bytes(), append(bytes.Clone(fsys["disk/image.raw"].Data), fsys["notes.txt"].Data...)[10:]) {
		t.Errorf("South reads something else (%v)", err)
	}
	for _, p := range []*testParty{north, south} {
		if names := readableIn(t, p.dir, "READABLE", string(fsys["disk/image.raw"].Data[:32]), "notes.txt"); len(names) > 0 {
			t.Errorf("%s: evidence lies readable in %v", p.init.Name, names)
		}
	}
	must[*WriteResponse](t)(south.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: id, Act: "received", Text: "READABLE statement"}, nil))
	must[*WriteResponse](t)(south.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: id, Act: "handed", To: Claim{"lab", "analyst"}}, nil))
	south.sync()
	north.sync()
	south.sync()
	sameState(t, north, south)
	x := must[*ExhibitView](t)(north.Exhibit(ctx, ExhibitIDRequest{ID: id}))
	if len(x.Steps) != 4 || x.Steps[2].Text != "READABLE statement" || len(x.Steps[2].Receipts) != 1 || x.Steps[3].To.Agency != "lab" || len(x.Received) != 1 {
		t.Fatalf("custody at North: %+v", x)
	}

	// A dossier about the request has that and the evidence, as far as it is asked for, and nothing of the other request.
	for _, evidence := range []bool{false, true} {
		var file bytes.Buffer
		if err := south.ExportDossier(ctx, DossierExportRequest{Payloads: true, Request: asked["About the exhibit"], Evidence: evidence}, &file); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(file.Bytes(), []byte("About the exhibit")) || bytes.Contains(file.Bytes(), []byte("About something else")) {
			t.Error("the page is not about that request alone")
		}
		rep := must[*DossierReport](t)(VerifyDossierForPage(bytes.NewReader(file.Bytes()), []string{north.init.Party, south.init.Party}))
		if x := rep.Exhibits[0]; !rep.OK || rep.Page == nil || len(rep.Findings) != 0 || x.Manifest == "" || evidence != (x.ChunksVerified == 5 && x.FilesVerified == 3) {
			t.Errorf("evidence %v: %+v %+v", evidence, rep.Findings, x)
		}
		if len(rep.Words) != 2 { // the request, and the text of the statement of custody
			t.Errorf("texts: %+v", rep.Words)
		}
	}

	// Without its key evidence is named, and not given out; with another one likewise.
	south.stop()
	key := filepath.Join(south.dir, "keys", keyEvidence)
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	south.start()
	if _, err := south.VerifyExhibit(ctx, ExhibitIDRequest{ID: id}, nil); codeOf(err) != CodeSealed || !strings.Contains(err.Error(), key) {
		t.Errorf("without the key: %v", err)
	}
	if rep := must[*JournalVerifyResponse](t)(VerifyFolder(ctx, south.dir, nil)); rep.OK {
		t.Error("without the key the folder verifies to the last byte")
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	if rep := must[*JournalVerifyResponse](t)(VerifyFolder(ctx, south.dir, nil)); !rep.OK {
		t.Errorf("with its key: %v", rep.Errors)
	}

	// Destroyed is destroyed, for good, and the other side learns of it.
	must[*WriteResponse](t)(south.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: id, Act: "destroyed"}, nil))
	south.sync()
	if err := south.GetExhibit(ctx, ExhibitGetRequest{ID: id}, io.Discard); err == nil {
		t.Error("it was destroyed, and can be read")
	}
	sameState(t, north, south)
	if v := must[*ExhibitVerifyResponse](t)(north.VerifyExhibit(ctx, ExhibitIDRequest{ID: id}, nil)); !v.OK {
		t.Errorf("North: %+v", v)
	}
}

// TestExhibitThatLies: what can pass on no day is refused by the clause before anything is sent; a chunk that is not
// what its author announced is found, and nobody states to have received it.
func TestExhibitThatLies(t *testing.T) {
	ctx := t.Context()
	north, south := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(north.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, north, south, "Watch")
	agree(t, func(s string) string { return s + "\nquotas:\n  id: Q9\n  bytes_per_day: 250000\n" }, north, south)
	m := must[*exhibit.Manifest](t)(exhibit.Describe(fstest.MapFS{"large": {Data: make([]byte, 1<<20)}}, ".", exhibit.Options{Chunk: 4 * desk.MinChunk}))
	large := must[[]byte](t)(m.Encode())
	l := must[*ledger](t)(north.findUnit(""))
	before := l.own.Head().Size
	_, err := north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(large), nil)
	if codeOf(err) != CodeGate || !strings.Contains(err.Error(), "Q9") || !strings.Contains(err.Error(), "250000") || l.own.Head().Size != before {
		t.Errorf("pieces that pass on no day: %v", err)
	}
	_, _, text := evidenceOf(t, 2)
	add := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(text), nil))
	_, ref, err := north.findExhibit("", add.Exhibit.ID)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	for number := range int64(2) { // as no honest node does
		salt, data, pr, err := north.sealed([]byte("something else"), journal.PayloadChunk)
		if err == nil {
			err = l.payloads.Put(store.Payload{Commitment: pr.Commitment, Salt: salt, Data: data, Sealed: true})
		}
		if err == nil {
			_, err = l.write(journal.Draft{Kind: "exhibit.chunk", By: north.by(Claim{}), Payload: &pr,
				Body: exhibitBody{ExhibitBody: desk.ExhibitBody{Exhibit: &ref, Number: number, TLP: "amber"}, Bytes: 14}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err = l.completeExhibit(ref, Acting{}, &WriteResponse{})
	l.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	south.sync()
	south.sync()
	if v := must[*ExhibitVerifyResponse](t)(south.VerifyExhibit(ctx, ExhibitIDRequest{ID: add.Exhibit.ID}, nil)); v.OK || len(v.Errors) != 2 || v.Missing != 0 {
		t.Errorf("other chunks than announced: %+v", v)
	}
	if _, err := south.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: add.Exhibit.ID, Act: "received"}, nil); codeOf(err) != "not-verified" {
		t.Errorf("received: %v", err)
	}
	must[*WriteResponse](t)(south.ExhibitCustody(ctx, ExhibitCustodyRequest{ID: add.Exhibit.ID, Act: "rejected", Code: "mismatch"}, nil))
	if err := south.GetExhibit(ctx, ExhibitGetRequest{ID: add.Exhibit.ID}, io.Discard); err == nil {
		t.Error("it was given out")
	}
}

// TestExhibitOverDays: what is more than the accord's bytes of a day goes on the next day, leaves room for other content, and both
// sides say when; what its author writes beyond the quota all the same is refused at both, and its bytes are not taken.
func TestExhibitOverDays(t *testing.T) {
	ctx := t.Context()
	north, south := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(north.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, north, south, "Watch")
	agree(t, func(s string) string { return s + "\nquotas:\n  id: Q9\n  bytes_per_day: 250000\n" }, north, south)
	midnight := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	clock := &handClock{}
	north.takes(clock)
	south.takes(clock)
	noon := func(day int) { at := midnight.AddDate(0, 0, day).Add(12 * time.Hour); clock.at.Store(&at) }
	noon(0)
	fsys, m, text := evidenceOf(t, 7)
	dry := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{DryRun: true}, bytes.NewReader(text), nil))
	if p := dry.Pace; p == nil || p.Clause != "Q9" || !p.Ends.Equal(midnight.AddDate(0, 0, 2)) {
		t.Errorf("a dry run says %+v", p)
	}
	bring := func(r *ExhibitAddResponse, until int64) *ExhibitAddResponse {
		t.Helper()
		content := ExhibitContentRequest{ID: r.Exhibit.ID, Offset: r.Offset, Until: until}
		end := until
		if end == 0 {
			end = m.Size
		}
		return must[*ExhibitAddResponse](t)(north.ExhibitContent(ctx, content, io.LimitReader(exhibit.Content(fsys, m, r.Offset), end-r.Offset), nil))
	}
	add := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(text), nil))
	id := add.Exhibit.ID
	if add.Offset != 0 || add.Until != 3*desk.MinChunk || !add.Exhibit.Pace.Ends.Equal(midnight.AddDate(0, 0, 2)) || !add.Exhibit.Pace.Resumes.IsZero() {
		t.Fatalf("announced: %+v %+v", add, add.Exhibit.Pace)
	}
	if _, err := north.ExhibitContent(ctx, ExhibitContentRequest{ID: id, Until: 5}, strings.NewReader("12345"), nil); codeOf(err) != CodeBadInput {
		t.Errorf("an end within a chunk: %v", err)
	}
	// Who asks for more than the day leaves gets as far as it goes, and no further by asking again.
	for range 2 {
		if add = bring(add, 0); add.Offset != 3*desk.MinChunk || add.Until != add.Offset || add.Exhibit.Written != 3 || !add.Exhibit.Pace.Resumes.Equal(midnight.AddDate(0, 0, 1)) {
			t.Fatalf("on the first day: %+v %+v", add, add.Exhibit.Pace)
		}
	}
	if _, _, err := north.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "routine", Title: "On the same day", Fields: map[string]string{"subject": "s", "purpose": "p", "facts": "f"}}); err != nil {
		t.Errorf("nothing else passes on that day: %v", err)
	}
	south.sync()
	for _, p := range []*testParty{north, south} {
		x := must[*ExhibitView](t)(p.Exhibit(ctx, ExhibitIDRequest{ID: id}))
		if x.Here != 3 || *x.Pace != *add.Exhibit.Pace && !x.Pace.Resumes.Equal(add.Exhibit.Pace.Resumes) {
			t.Errorf("%s: %+v %+v", p.init.Name, x, x.Pace)
		}
	}
	if st := strings.Join(saysOf(must[*StatusResponse](t)(north.Status(ctx))), "\n"); !strings.Contains(st, "192 KiB of 3") || !strings.Contains(st, midnight.AddDate(0, 0, 2).Format(time.DateOnly)) {
		t.Errorf("the status says %s", st)
	}

	// A node without scruples writes the next chunk today.
	l := must[*ledger](t)(north.findUnit(""))
	_, ref, err := north.findExhibit("", id)
	if err != nil {
		t.Fatal(err)
	}
	salt, data, pr, err := north.sealed(fsys["disk/image.raw"].Data[3*desk.MinChunk:4*desk.MinChunk], journal.PayloadChunk)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	err = l.payloads.Put(store.Payload{Commitment: pr.Commitment, Salt: salt, Data: data, Sealed: true})
	if err == nil {
		_, err = l.write(journal.Draft{Kind: "exhibit.chunk", By: north.by(Claim{}), Payload: &pr,
			Body: exhibitBody{ExhibitBody: desk.ExhibitBody{Exhibit: &ref, Number: 3, TLP: "amber"}, Bytes: desk.MinChunk}})
	}
	l.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	res := must[*SyncResponse](t)(south.Sync(ctx, SyncRequest{}, nil))
	if one := res.Sessions[0]; one.Code != peer.CodeWithheld {
		t.Errorf("North hands over what is over the quota: %+v", one)
	}
	sl := must[*ledger](t)(south.findUnit(""))
	var no *peer.Refusal
	if _, err := (backend{south.Node}).AcceptPayload(ctx, sl.id, north.keys().party, peer.Payload{Commitment: pr.Commitment, Salt: salt, Data: data}); !errors.As(err, &no) || no.Code != peer.CodeUnwanted {
		t.Errorf("it is handed over all the same: %v", err)
	}
	x := must[*ExhibitView](t)(south.Exhibit(ctx, ExhibitIDRequest{ID: id}))
	if last := x.Steps[len(x.Steps)-1]; x.Written != 3 || last.Refused != desk.CodeRefused {
		t.Errorf("over the quota: %+v", x)
	}
	if held, err := sl.payloads.Has(pr.Commitment); held || err != nil {
		t.Errorf("bytes over the quota were taken (%v)", err)
	}

	for i, offset := range []int64{3 * desk.MinChunk, 6 * desk.MinChunk} {
		day := i + 1
		noon(day)
		add = must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(text), nil))
		if !add.Resumed || add.Exhibit.ID != id || add.Offset != offset {
			t.Fatalf("day %d: %+v", day, add)
		}
		add = bring(add, add.Until)
		must[*SyncResponse](t)(south.Sync(ctx, SyncRequest{}, nil))
	}
	if add.Exhibit.State != "complete" || add.Exhibit.Pace != nil {
		t.Fatalf("in the end: %+v", add.Exhibit)
	}
	if v := must[*ExhibitVerifyResponse](t)(south.VerifyExhibit(ctx, ExhibitIDRequest{ID: id}, nil)); !v.OK {
		t.Errorf("South: %+v", v)
	}
	sameState(t, north, south)
}

// TestExhibitRekey: after another key was made, what was taken in before and after is opened, also after a restart; sealed anew, the key of before
// opens nothing any more, and a key that is away is neither replaced nor forgotten.
func TestExhibitRekey(t *testing.T) {
	ctx := t.Context()
	north, south := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(north.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, north, south, "Watch")
	agree(t, nil, north, south)
	var ids []string
	attach := func(title string) {
		t.Helper()
		fsys := fstest.MapFS{"a.txt": {Data: []byte("content of " + title)}}
		m := must[*exhibit.Manifest](t)(exhibit.Describe(fsys, ".", exhibit.Options{Title: title}))
		add := must[*ExhibitAddResponse](t)(north.AddExhibit(ctx, ExhibitAddRequest{}, bytes.NewReader(must[[]byte](t)(m.Encode())), nil))
		must[*ExhibitAddResponse](t)(north.ExhibitContent(ctx, ExhibitContentRequest{ID: add.Exhibit.ID}, exhibit.Content(fsys, m, 0), nil))
		ids = append(ids, add.Exhibit.ID)
	}
	opens := func(when string, want bool) {
		t.Helper()
		for _, id := range ids {
			if v, err := north.VerifyExhibit(ctx, ExhibitIDRequest{ID: id}, nil); want != (err == nil && v.OK) {
				t.Errorf("%s: %s: %+v, %v", when, id, v, err)
			}
		}
	}
	file := filepath.Join(north.dir, "keys", keyEvidence)
	attach("one")
	first := must[[]byte](t)(os.ReadFile(file))
	if r := must[*ExhibitRekeyResponse](t)(north.RekeyExhibits(ctx, ExhibitRekeyRequest{}, nil)); r.Keys != 2 || r.File != file || r.Resealed != 0 {
		t.Errorf("another key: %+v", r)
	}
	attach("two")
	opens("with both keys", true)
	north.stop()
	second := must[[]byte](t)(os.ReadFile(file))
	if err := os.WriteFile(file, first, 0o600); err != nil {
		t.Fatal(err)
	}
	north.start()
	if _, err := north.VerifyExhibit(ctx, ExhibitIDRequest{ID: ids[1]}, nil); codeOf(err) != CodeSealed {
		t.Errorf("what was taken in after it is sealed to the key of before: %v", err)
	}
	north.stop()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	north.start()
	for _, all := range []bool{false, true} {
		if _, err := north.RekeyExhibits(ctx, ExhibitRekeyRequest{All: all}, nil); codeOf(err) != CodeSealed {
			t.Errorf("without the keys: %v", err)
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a key was made in the place of one that is away")
	}
	if err := os.WriteFile(file, append([]byte("# both keys\n\n"), second...), 0o600); err != nil {
		t.Fatal(err)
	}
	opens("after a restart", true)
	if r := must[*ExhibitRekeyResponse](t)(north.RekeyExhibits(ctx, ExhibitRekeyRequest{All: true}, nil)); r.Keys != 1 || r.Resealed != 4 {
		t.Errorf("all of it anew: %+v", r)
	}
	attach("three")
	opens("sealed anew", true)
	north.stop()
	third := must[[]byte](t)(os.ReadFile(file))
	if err := os.WriteFile(file, second, 0o600); err != nil {
		t.Fatal(err)
	}
	north.start()
	opens("with the keys of before", false)
	north.stop()
	full := bytes.Repeat(third, maxEvidenceKeys)
	if err := os.WriteFile(file, full, 0o600); err != nil {
		t.Fatal(err)
	}
	north.start()
	if _, err := north.RekeyExhibits(ctx, ExhibitRekeyRequest{}, nil); codeOf(err) != "too-many-keys" {
		t.Errorf("one more than are kept: %v", err)
	}
	if r := must[*ExhibitRekeyResponse](t)(north.RekeyExhibits(ctx, ExhibitRekeyRequest{All: true}, nil)); r.Keys != 1 || r.Resealed != 6 {
		t.Errorf("all of it anew, with as many as are kept: %+v", r)
	}
	opens("in the end", true)
	if rep := must[*JournalVerifyResponse](t)(VerifyFolder(ctx, north.dir, nil)); !rep.OK {
		t.Errorf("the folder: %v", rep.Errors)
	}
}
