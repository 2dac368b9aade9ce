package node

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// sickbed makes copies of two healthy folders (those of the kept archive, upgraded)
// to damage.
type sickbed struct {
	t      *testing.T
	k      *keptFolders
	north  map[string][]byte
	south  map[string][]byte
	states map[string][]byte // of the units, at north
	when   time.Time         // they were asked for
	backup []byte
	secret string // file of the key that opens the backup
}

func newSickbed(t *testing.T) *sickbed {
	t.Helper()
	s := &sickbed{t: t, k: unpackKept(t), secret: filepath.Join(t.TempDir(), "backup.key")}
	// The archive has no key for its backups: another takes its place.
	id := must[*age.HybridIdentity](t)(age.GenerateHybridIdentity())
	if err := os.WriteFile(s.secret, []byte(id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := s.k.path("north/config.yaml")
	text := regexp.MustCompile(`recipient: "[^"]*"`).ReplaceAll(must[[]byte](t)(os.ReadFile(name)), []byte(`recipient: "`+id.Recipient().String()+`"`))
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	north, south := s.k.party("north"), s.k.party("south")
	// North has lost a mark once, so its witness needs another key; and its folder will be
	// copied, which no mark or note is to notice.
	north.stop()
	north.fs = wholeMachine{}
	north.start()
	s.k.tick()
	must[*IdentityRotateResponse](t)(north.RotateIdentity(t.Context(), IdentityRotateRequest{What: "witness", OrgKey: north.orgText()}))
	s.k.tick()
	north.sync()
	south.sync()
	north.sync()
	s.backup = north.backup()
	s.when = *s.k.now.Load()
	s.states = s.stateOf(north.Node)
	north.stop()
	south.stop()
	s.north, s.south = folderFiles(t, north.dir), folderFiles(t, south.dir)
	delete(s.north, "control.sock")
	return s
}

func (s *sickbed) stateOf(n *Node) map[string][]byte {
	s.t.Helper()
	out := map[string][]byte{}
	for _, unit := range keptUnits {
		out[unit] = must[*UnitShowResponse](s.t)(n.ShowUnit(s.t.Context(), UnitShowRequest{Unit: unit})).State
	}
	return out
}

// fresh puts both folders back into health.
func (s *sickbed) fresh() {
	s.t.Helper()
	for who, files := range map[string]map[string][]byte{"north": s.north, "south": s.south} {
		dir := s.k.path(who)
		for _, d := range []string{dir, dir + ".damaged"} {
			if err := os.RemoveAll(d); err != nil {
				s.t.Fatal(err)
			}
		}
		for name, data := range files {
			full := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
				s.t.Fatal(err)
			}
			if err := os.WriteFile(full, data, 0o600); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

func (s *sickbed) doctor(dir string) *DoctorResponse {
	s.t.Helper()
	before := treeOf(s.t, dir)
	r := must[*DoctorResponse](s.t)(Doctor(s.t.Context(), dir, DoctorOptions{Clock: func() time.Time { return *s.k.now.Load() }}))
	if after := treeOf(s.t, dir); !maps.Equal(before, after) {
		s.t.Fatal("the doctor changed the folder")
	}
	return r
}

// treeOf is everything that can be seen of a folder but times of access.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text := ""
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text = string(data)
		}
		out[name] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano(), info.Size(), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var ofCommand = regexp.MustCompile(`^(rm -rf|mv|chmod go-rwx|entente --dir) '([^']*)' ?(.*)$`)

// run does what an officer would who types in the doctor's advice.
func (s *sickbed) run(command string) error {
	ctx := s.t.Context()
	m := ofCommand.FindStringSubmatch(command)
	if m == nil {
		s.t.Fatalf("this is no command: %q", command)
	}
	opts := testOptions(s.t)
	opts.Clock, opts.Dial = func() time.Time { return *s.k.now.Load() }, s.k.dial
	switch m[1] {
	case "rm -rf":
		return os.RemoveAll(m[2])
	case "mv":
		return os.Rename(m[2], strings.Trim(m[3], "'"))
	case "chmod go-rwx":
		info, err := os.Stat(m[2])
		if err != nil {
			return err
		}
		return os.Chmod(m[2], info.Mode().Perm()&^0o077)
	}
	if strings.HasPrefix(m[3], "restore BACKUP ") {
		_, err := Restore(ctx, m[2], bytes.NewReader(s.backup), RestoreOptions{OrgKey: s.k.path("north2.key"), Identity: s.secret, Node: opts})
		return err
	}
	n, err := Open(ctx, m[2], opts)
	if err != nil {
		return err
	}
	defer func() {
		if err := n.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	org := string(must[[]byte](s.t)(os.ReadFile(s.k.path("north2.key"))))
	switch m[3] {
	case "status":
	case "sync":
		south := s.k.party("south")
		defer func() { south.stop(); s.k.parties = nil }()
		for range 3 {
			if _, err := n.Sync(ctx, SyncRequest{}, nil); err != nil {
				return err
			}
		}
	case "journal succeed --org-key ORGANISATION-KEY":
		_, err = n.Succeed(ctx, org)
	case "identity rotate node --org-key ORGANISATION-KEY", "identity rotate witness --org-key ORGANISATION-KEY":
		_, err = n.RotateIdentity(ctx, IdentityRotateRequest{What: strings.Fields(m[3])[2], OrgKey: org})
	default:
		s.t.Fatalf("an officer cannot do this: %q", command)
	}
	return err
}

// works tells whether a node opens on the folder and holds what it held.
func (s *sickbed) works(dir string, same bool) error {
	opts := testOptions(s.t)
	opts.Clock = func() time.Time { return s.when }
	n, err := Open(s.t.Context(), dir, opts)
	if err != nil {
		return err
	}
	defer n.Close()
	if v := must[*JournalVerifyResponse](s.t)(n.VerifyJournals(s.t.Context(), nil)); !v.OK {
		return fmt.Errorf("it does not verify: %v", v.Errors)
	}
	if same && !maps.EqualFunc(s.stateOf(n), s.states, bytes.Equal) {
		return fmt.Errorf("the state is another")
	}
	return nil
}

// damages are the ways to spoil a file. Each returns false if it would change nothing.
var damages = []struct {
	name string
	do   func(path string, data, other []byte) error
}{
	{"deleted", func(path string, _, _ []byte) error { return os.Remove(path) }},
	{"emptied", func(path string, _, _ []byte) error { return os.WriteFile(path, nil, 0o600) }},
	{"cut", func(path string, data, _ []byte) error { return os.WriteFile(path, data[:len(data)/2], 0o600) }},
	{"flipped", func(path string, data, _ []byte) error {
		bad := bytes.Clone(data)
		bad[len(bad)/2] ^= 0x04
		return os.WriteFile(path, bad, 0o600)
	}},
	{"extended", func(path string, data, _ []byte) error {
		return os.WriteFile(path, append(bytes.Clone(data), "x"...), 0o600)
	}},
	{"swapped", func(path string, _, other []byte) error { return os.WriteFile(path, other, 0o600) }},
	{"a folder", func(path string, _, _ []byte) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o700)
	}},
}

var everyDamage = flag.Bool("doctor-all", false, "spoil each kind of file in each way, not in one of them")

// TestDoctorNamesDamage spoils a file of each kind in each way. The doctor names
// it (or the node works on it as if nothing were), changes nothing, and what it
// advises mends it.
func TestDoctorNamesDamage(t *testing.T) {
	s := newSickbed(t)
	dir := s.k.path("north")
	s.fresh()
	if r := s.doctor(dir); !r.Healthy || r.InUse || r.Journals != 7 || r.Payloads == 0 || r.Records == 0 {
		t.Fatalf("a healthy folder: %+v", r)
	}
	// One file of each class, and another one of it to swap with.
	hexes := regexp.MustCompile(`[0-9a-f]{64}|/[0-9a-f]{2}/|[0-9T.]+-[0-9a-f]{8}-`)
	classes := map[string][]string{}
	opts := testOptions(t)
	opts.Clock = func() time.Time { return *s.k.now.Load() }
	n := must[*Node](t)(Open(t.Context(), dir, opts))
	l := must[*ledger](t)(n.findUnit("Watch"))
	watch, own := string(l.id), strings.TrimPrefix(string(l.origin()), "entente/")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	s.fresh()
	for _, name := range slices.Sorted(maps.Keys(s.north)) {
		class := hexes.ReplaceAllString(strings.ReplaceAll(name, own, "OWN"), "*")
		if kindOf(name) == filePassing || strings.HasPrefix(name, "objects/") {
			continue
		}
		if strings.Contains(name, watch) || strings.Contains(name, own) {
			classes[class] = slices.Insert(classes[class], 0, name)
		} else {
			classes[class] = append(classes[class], name)
		}
	}
	if len(classes) < 24 {
		t.Fatalf("only %d classes of files: %v", len(classes), slices.Sorted(maps.Keys(classes)))
	}
	mended := map[string]bool{}
	turn := 0
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		name := classes[class][0]
		other := []byte("something else altogether\n")
		if len(classes[class]) > 1 {
			other = s.north[classes[class][1]]
		}
		turn++
		for i, damage := range damages {
			if !*everyDamage && ((i+turn)%7 > 0 || testing.Short() && turn%6 > 0) {
				continue
			}
			s.fresh()
			if len(s.north[name]) == 0 || bytes.Equal(other, s.north[name]) {
				continue
			}
			what := fmt.Sprintf("%s %s", class, damage.name)
			if err := damage.do(filepath.Join(dir, filepath.FromSlash(name)), s.north[name], other); err != nil {
				t.Fatal(err)
			}
			r := s.doctor(dir)
			var hit *DoctorFinding
			for i, f := range r.Findings {
				if f.File == name {
					hit = &r.Findings[i]
					break
				}
			}
			if hit == nil || hit.Rank == RankNote {
				// Then it must be as if nothing were.
				if err := s.works(dir, true); err != nil {
					t.Errorf("%s: the doctor finds %s, and the node says: %v", what, brief(r), err)
				}
				continue
			}
			if hit.What == "" || hit.Means == "" || hit.Next == "" || r.Healthy {
				t.Errorf("%s: not told: %+v", what, hit)
			}
			for _, f := range r.Findings {
				if f.Rank != RankNote && f.File != name && !about(f.File, name) {
					t.Errorf("%s: the doctor also names %s: %s", what, f.File, f.What)
				}
			}
			key := class + strings.Join(hit.Commands, ";")
			if mended[key] {
				continue
			}
			mended[key] = true
			same := s.follow(what, dir)
			if err := s.works(dir, same); err != nil {
				t.Errorf("%s: after the advice: %v", what, err)
			}
			if r := s.doctor(dir); !r.Healthy {
				t.Errorf("%s: after the advice: %s", what, brief(r))
			}
		}
	}
}

// about tells whether a finding in one file may follow from damage to another: a
// journal that cannot be read leaves what it names unknown.
func about(found, damaged string) bool {
	return filepath.Dir(found) == filepath.Dir(damaged) || strings.HasPrefix(found, "highwater/") && kindOf(damaged) == fileLog
}

func brief(r *DoctorResponse) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Rank+" "+f.File+": "+f.What)
	}
	return strings.Join(out, "\n\t")
}

// follow does what the doctor advises, the worst first, until there is nothing to
// do. It reports whether the journals went on without a successor.
func (s *sickbed) follow(what, dir string) (same bool) {
	same = true
	for range 4 {
		r := s.doctor(dir)
		if r.Healthy {
			break
		}
		f := r.Findings[0]
		if len(f.Commands) == 0 {
			s.t.Errorf("%s: no command for %+v", what, f)
			return false
		}
		for _, c := range f.Commands {
			if err := s.run(c); err != nil {
				s.t.Errorf("%s: the advice %q: %v", what, c, err)
				return false
			}
			same = same && !strings.Contains(c, "succeed") && !strings.Contains(c, "restore")
		}
	}
	return false
}
