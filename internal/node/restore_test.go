package node

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
)

// backup makes one in memory.
func (p *testParty) backup() []byte {
	p.t.Helper()
	var buf bytes.Buffer
	if err := p.Backup(p.t.Context(), &buf, nil); err != nil {
		p.t.Fatal(err)
	}
	return buf.Bytes()
}

// restored makes a party of a backup, in another folder, at the same address.
func (p *testParty) restored(backup []byte, o RestoreOptions) (*testParty, *RestoreResult) {
	p.t.Helper()
	q := &testParty{t: p.t, init: p.init, org: p.org, dir: filepath.Join(p.t.TempDir(), "restored")}
	o.Node = testOptions(p.t)
	res := must[*RestoreResult](p.t)(Restore(p.t.Context(), q.dir, bytes.NewReader(backup), o))
	q.start()
	p.t.Cleanup(func() { q.stop() })
	return q, res
}

// backupIdentity is the key that opens backups, without the organisation key.
func (p *testParty) backupIdentity() string {
	p.t.Helper()
	text := string(must[[]byte](p.t)(os.ReadFile(p.org)))
	i := strings.Index(text, backupIdentityPrefix)
	line, _, _ := strings.Cut(text[i:], "\n")
	path := filepath.Join(p.t.TempDir(), "backup.key")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *testParty) orgText() string {
	p.t.Helper()
	return string(must[[]byte](p.t)(os.ReadFile(p.org)))
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// soundAt checks that nobody holds anybody's journal to be false, and that all verifies.
func sound(t *testing.T, ps ...*testParty) {
	t.Helper()
	for _, p := range ps {
		for _, m := range must[*UnitShowResponse](t)(p.ShowUnit(t.Context(), UnitShowRequest{})).Brief.Members {
			if m.Fault != "" {
				t.Errorf("%s holds %s's journal to be false: %s", p.init.Name, m.Name, m.Fault)
			}
		}
		if rep := must[*JournalVerifyResponse](t)(p.VerifyJournals(t.Context(), nil)); !rep.OK {
			t.Errorf("%s does not verify: %q", p.init.Name, rep.Errors)
		}
		p.clears("")
	}
}

// TestRestore is a backup that is older than what partners hold.
func TestRestore(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	shareOne(t, a, 1, "in-backup.example")
	a.sync()
	backup := a.backup()
	shareOne(t, a, 2, "after-backup.example")
	a.sync()
	signed := a.heldOf("", a)
	a.stop()

	t.Run("without the organisation key nothing is signed", func(t *testing.T) {
		r, res := a.restored(backup, RestoreOptions{Identity: a.backupIdentity()})
		if len(res.Units) != 1 || res.Units[0].State != "retired" {
			t.Fatalf("restored: %+v", res.Units)
		}
		if _, err := r.Suspend(ctx, UnitSuspendRequest{}); code(err) != CodeRetired {
			t.Errorf("a retired journal was written to: %v", err)
		}
		// What partners hold of it comes back and still binds.
		r.codes()
		b.codes()
		if got := r.heldOf("", r); got != signed {
			t.Errorf("holds %d of its own entries, signed were %d", got, signed)
		}
		if _, err := r.Suspend(ctx, UnitSuspendRequest{}); code(err) != CodeRetired {
			t.Errorf("a partner's word was enough to resume signing: %v", err)
		}
		if !r.uses("in-backup.example") {
			t.Error("what was known before the backup is gone")
		}
		sound(t, r, b)
		// With the organisation key it goes on as a successor.
		units := must[[]RestoredUnit](t)(r.Succeed(ctx, r.orgText()))
		if len(units) != 1 || units[0].State != "successor" || units[0].Head != signed {
			t.Errorf("successor: %+v", units)
		}
		followed(t, r, b, signed)
		r.stop()
	})
	if t.Failed() {
		return
	}
}

// TestRestoreWithTheOrganisationKey restores and succeeds at once, without having
// heard from any partner: the tail that only they hold stays binding.
func TestRestoreWithTheOrganisationKey(t *testing.T) {
	a, b := two(t)
	shareOne(t, a, 1, "in-backup.example")
	a.sync()
	backup := a.backup()
	shareOne(t, a, 2, "after-backup.example")
	a.sync()
	signed := a.heldOf("", a)
	a.stop()
	r, res := a.restored(backup, RestoreOptions{OrgKey: a.org})
	if len(res.Units) != 1 || res.Units[0].State != "successor" {
		t.Fatalf("restored: %+v", res.Units)
	}
	followed(t, r, b, signed)
	// The rebuilt derived data is what a rebuild gives.
	if rb := must[*RebuildResponse](t)(r.Rebuild(t.Context(), nil)); rb.Before != rb.Digest {
		t.Error("a rebuild changes what is known")
	}
	// And a second restore, of a backup of the successor.
	again := r.backup()
	r.stop()
	r2, res := a.restored(again, RestoreOptions{OrgKey: a.org})
	if res.Units[0].State != "successor" {
		t.Fatalf("restored again: %+v", res.Units)
	}
	for range 3 {
		r2.codes()
		b.codes()
	}
	shareOne(t, r2, 9, "third-epoch.example")
	r2.codes()
	if !b.uses("third-epoch.example") {
		t.Error("the partner does not follow the second successor")
	}
	sameState(t, r2, b)
	sound(t, r2, b)
}

// followed checks that a successor works: its partner takes it, the old tail
// stays, and content passes in both directions.
func followed(t *testing.T, r, b *testParty, signed int64) {
	t.Helper()
	for range 3 {
		r.codes()
		b.codes()
	}
	sameState(t, r, b)
	for _, p := range []*testParty{r, b} {
		journals := must[*UnitShowResponse](t)(p.ShowUnit(t.Context(), UnitShowRequest{})).Brief.Members
		sizes := map[string]int64{}
		for _, m := range journals {
			if m.Party == r.init.Party {
				sizes[m.Origin] = m.Size
			}
		}
		if len(sizes) != 2 {
			t.Fatalf("%s holds %d journals of the restored party", p.init.Name, len(sizes))
		}
		old := string(journal.OriginOf(must[*ledger](t)(p.findUnit("")).id, r.keys().party, 0))
		if sizes[old] != signed {
			t.Errorf("%s holds %d entries of the old journal, signed were %d", p.init.Name, sizes[old], signed)
		}
	}
	shareOne(t, r, 3, "successor.example")
	r.codes()
	b.codes()
	shareOne(t, b, 4, "to-successor.example")
	b.codes()
	r.codes()
	if !b.uses("successor.example") || !r.uses("to-successor.example") || !b.uses("after-backup.example") {
		t.Errorf("after the restore: South uses %v and %v, North uses %v", b.uses("successor.example"), b.uses("after-backup.example"), r.uses("to-successor.example"))
	}
	sameState(t, r, b)
	sound(t, r, b)
}

// TestRestoreRefusals are backups that are not what they should be.
func TestRestoreRefusals(t *testing.T) {
	a, b := two(t)
	backup := a.backup()
	dir := t.TempDir()
	for name, x := range map[string]struct {
		data []byte
		o    RestoreOptions
	}{
		"another party's key": {backup, RestoreOptions{OrgKey: b.org}},
		"no key":              {backup, RestoreOptions{}},
		"cut":                 {backup[:len(backup)-100], RestoreOptions{OrgKey: a.org}},
		"changed":             {flipped(backup, len(backup)/2), RestoreOptions{OrgKey: a.org}},
		"nothing":             {nil, RestoreOptions{OrgKey: a.org}},
	} {
		if _, err := Restore(t.Context(), filepath.Join(dir, name), bytes.NewReader(x.data), x.o); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	if bytes.Contains(backup, []byte("PRIVATE KEY")) {
		t.Error("a backup shows private keys")
	}
}

func flipped(b []byte, i int) []byte {
	c := bytes.Clone(b)
	c[i] ^= 0x20
	return c
}

// copyFolder copies a node's folder as an image of a machine would. What skip
// says is left out.
func copyFolder(t testing.TB, from, to string, skip func(string) bool) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || skip != nil && skip(name) {
			return err
		}
		target := filepath.Join(to, name)
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		in, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wholeMachine is the file system of a machine that was put back as a whole, as a
// snapshot or an image of its disk does it: no file can tell that it is not the
// one that was written.
type wholeMachine struct{ store.OS }

func (m wholeMachine) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := m.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return struct{ store.File }{f}, nil
}

// snapshot makes the party's folder once more, as a copy of its machine would. It
// may be started in place of the party, or beside it at another address.
func (p *testParty) snapshot() *testParty {
	p.t.Helper()
	q := &testParty{t: p.t, init: p.init, org: p.org, dir: filepath.Join(p.t.TempDir(), "image"), fs: wholeMachine{}, stop: func() {}}
	copyFolder(p.t, p.dir, q.dir, nil)
	p.t.Cleanup(func() { q.stop() })
	return q
}

// TestImageOfAnOlderState is a folder that was copied, marks and all, and comes
// back after the original went on. It cannot know before its first contact; at
// that it retires, and never signs a second history.
func TestImageOfAnOlderState(t *testing.T) {
	for _, x := range []struct {
		name  string
		first func(image, b *testParty)
	}{
		{"it opens the session", func(image, _ *testParty) { image.codes() }},
		{"its partner does", func(_, b *testParty) { b.codes() }},
		{"by courier", func(image, b *testParty) { carry(image.t, b, image) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			ctx := t.Context()
			a, b := two(t)
			shareOne(t, a, 1, "before.example")
			a.sync()
			a.stop()
			image := a.snapshot()
			a.start()
			for i := range 5 {
				shareOne(t, a, 10+i, "later.example")
				a.sync()
			}
			shareOne(t, b, 20, "from-south.example") // something for the image to receipt
			b.sync()
			signed := a.heldOf("", a)
			a.stop()

			image.start()
			x.first(image, b)
			l := must[*ledger](t)(image.findUnit(""))
			if l.retired == nil {
				t.Fatal("the image did not retire")
			}
			if _, err := image.Suspend(ctx, UnitSuspendRequest{}); code(err) != CodeRetired {
				t.Errorf("it writes: %v", err)
			}
			for range 2 {
				image.codes()
				b.codes()
			}
			if got := b.heldOf("", a); got != signed {
				t.Errorf("the partner holds %d entries, signed were %d", got, signed)
			}
			sound(t, image, b)
			if got := image.heldOf("", a); got != signed {
				t.Errorf("the image holds %d of its own entries after it heard, signed were %d", got, signed)
			}
			must[[]RestoredUnit](t)(image.Succeed(ctx, image.orgText()))
			for range 3 {
				image.codes()
				b.codes()
			}
			sameState(t, image, b)
			sound(t, image, b)
		})
	}
}

// TestImageThatWroteBeforeContact is a copy that signed something before it met
// anybody: two histories exist. The partner has the proof, and the copy, once it
// sees the other history, signs no more.
func TestImageThatWroteBeforeContact(t *testing.T) {
	a, b := two(t)
	a.stop()
	image := a.snapshot()
	a.start()
	shareOne(t, a, 1, "original.example")
	a.sync()
	a.stop()
	image.start()
	for i := range 6 {
		shareOne(t, image, 2+i, "image.example")
	}
	image.codes()
	b.codes()
	image.codes()
	if l := must[*ledger](t)(image.findUnit("")); l.retired == nil {
		t.Error("the copy goes on signing its own history")
	}
	if len(b.evidence("")) == 0 {
		t.Error("the partner kept no proof")
	}
	if b.uses("image.example") {
		t.Error("the second history is used")
	}
}

// TestLostHighWater is a folder whose marks are gone: it cannot know whether it
// is current, so it signs nothing.
func TestLostHighWater(t *testing.T) {
	a, b := two(t)
	a.stop()
	if err := os.RemoveAll(filepath.Join(a.dir, "highwater")); err != nil {
		t.Fatal(err)
	}
	a.start()
	if _, err := a.Suspend(t.Context(), UnitSuspendRequest{}); code(err) != CodeRetired {
		t.Fatalf("it writes: %v", err)
	}
	a.codes()
	b.codes()
	sound(t, a, b)
	must[[]RestoredUnit](t)(a.Succeed(t.Context(), a.orgText()))
	for range 3 {
		a.codes()
		b.codes()
	}
	sameState(t, a, b)
}

// TestRotation replaces each key; the partner follows, also over a restart.
func TestRotation(t *testing.T) {
	for _, what := range []string{"node", "tls", "org"} {
		t.Run(what, func(t *testing.T) {
			ctx := t.Context()
			a, b := two(t)
			if _, err := a.RotateIdentity(ctx, IdentityRotateRequest{What: what, OrgKey: b.orgText()}); err == nil {
				t.Fatal("rotated with another party's key")
			}
			res := must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: what, OrgKey: a.orgText()}))
			if res.Identity.Version != 2 || len(res.Entries) != 1 {
				t.Fatalf("%+v", res)
			}
			a.sync()
			known, _ := must[*ledger](t)(b.findUnit("")).identity(a.keys().party)
			if known.Version != 2 {
				t.Errorf("the partner knows version %d", known.Version)
			}
			a.stop()
			a.start() // from now on with the new TLS key
			shareOne(t, a, 1, "rotated.example")
			b.sync()
			a.sync()
			if !b.uses("rotated.example") {
				t.Error("after the rotation nothing arrives")
			}
			sameState(t, a, b)
			sound(t, a, b)
			next := a.orgText()
			if what == "org" {
				if _, err := a.RotateIdentity(ctx, IdentityRotateRequest{What: "node", OrgKey: next}); err == nil {
					t.Error("the old organisation key still rotates")
				}
				next = res.NewOrgKey
			}
			must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: what, OrgKey: next}))
			a.sync()
			sameState(t, a, b)
		})
	}
}

// TestRotationCut is a crash at each step of a rotation.
func TestRotationCut(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	nodeKey, identity, journalKey := filepath.Join(a.dir, "keys", keyNode), filepath.Join(a.dir, "identity.json"), must[*ledger](t)(a.findUnit("")).keyPath(0)
	read := func(path string) []byte { return must[[]byte](t)(os.ReadFile(path)) }
	write := func(path string, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	oldNode, oldIdentity, oldJournal := read(nodeKey), read(identity), read(journalKey)
	must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "node", OrgKey: a.orgText(), Compromise: true}))
	newNode, newJournal := read(nodeKey), read(journalKey)
	if bytes.Equal(oldNode, newNode) || bytes.Equal(oldJournal, newJournal) {
		t.Fatal("nothing was replaced")
	}
	a.stop()
	// The new journal key had not taken its place yet, nor had the node key.
	write(journalKey, oldJournal)
	write(journalKey+nextKey, newJournal)
	write(nodeKey, oldNode)
	write(nodeKey+nextKey, newNode)
	a.start()
	shareOne(t, a, 1, "mended.example")
	a.sync()
	if !b.uses("mended.example") || !bytes.Equal(read(journalKey), newJournal) || !bytes.Equal(read(nodeKey), newNode) {
		t.Error("the keys were not put into their places")
	}
	sameState(t, a, b)
	sound(t, a, b)
	s := b.state()
	kinds := map[string]int{}
	for _, m := range s.Kept {
		kinds[m.Kind]++
	}
	if kinds[journal.KindCompromise] != 1 || kinds[journal.KindRotate] != 1 {
		t.Errorf("kept: %v", kinds)
	}

	// The identity was written, and the units were not told.
	c, d := two(t)
	next := must[journal.Signed](t)(journal.RotateIdentity(c.keys().chain[0], orgKey(t, c), nil, c.keys().id))
	if err := saveIdentity(c.at, append(append([]journal.Signed{}, c.keys().chain...), next)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	c.start()
	c.sync()
	if known, _ := must[*ledger](t)(d.findUnit("")).identity(c.keys().party); known.Version != 2 {
		t.Errorf("the partner knows version %d", known.Version)
	}
	sameState(t, c, d)
	_ = oldIdentity
}

// TestCompromise says that a journal key fell into wrong hands: what a thief
// signs with it afterwards is refused, and what was receipted stays binding.
func TestCompromise(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	shareOne(t, a, 1, "before.example")
	a.sync()
	stolen := must[*journal.PrivateKey](t)(journal.ParsePrivateKey(must[[]byte](t)(os.ReadFile(must[*ledger](t)(a.findUnit("")).keyPath(0)))))
	must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "node", OrgKey: a.orgText(), Compromise: true}))
	a.sync()
	shareOne(t, a, 2, "after.example")
	a.sync()
	if !b.uses("before.example") || !b.uses("after.example") {
		t.Error("the partner did not follow the rotation")
	}
	sameState(t, a, b)
	sound(t, a, b)
	// The thief has the old journal key, and the TLS key as well.
	r := takeOver(t, a, b)
	r.key = stolen
	before := r.held()
	other := r.st.Snapshot()
	if got := r.say([]peer.Run{r.signed(other, []*journal.PrivateKey{stolen}, r.note(r.last, "stolen"))}); len(got.codes()) == 0 || r.held() != before {
		t.Errorf("the stolen key still signs: %q", got.codes())
	}
	if r.fault() != "" {
		t.Errorf("a signature by the stolen key is held against its owner: %s", r.fault())
	}
	_ = unit.KindShare
}
