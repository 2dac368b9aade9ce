package node

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// finds checks that the doctor says something of a rank about a file.
func finds(t *testing.T, r *DoctorResponse, rank, file, words string) {
	t.Helper()
	if !slices.ContainsFunc(r.Findings, func(f DoctorFinding) bool {
		return f.Rank == rank && f.File == file && strings.Contains(f.What+f.Means, words)
	}) {
		t.Errorf("nothing of rank %s about %q with %q in\n\t%s", rank, file, words, brief(r))
	}
}

// TestDoctorOnAnyFolder looks at folders that are running, of other versions, half
// restored, stale, too open, out of time.
func TestDoctorOnAnyFolder(t *testing.T) {
	s := newSickbed(t)
	dir, now := s.k.path("north"), s.k.now.Load()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.fresh()
	own := ""
	for name := range s.north {
		if strings.HasPrefix(name, "highwater/") && !strings.HasPrefix(name, "highwater/witness-") && name != "highwater/identities" {
			own = max(own, name)
		}
	}

	t.Run("with open doors, leftovers and strangers", func(t *testing.T) {
		s.fresh()
		for _, name := range []string{"identity.json.tmp", "keys/.tmp-1", "notes.txt", "units/readme"} {
			put(name, "x")
		}
		if err := os.Chmod(filepath.Join(dir, "keys/node.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		put("organisation.key", "x")
		r := s.doctor(dir)
		finds(t, r, RankNote, "identity.json.tmp", "rest of a write")
		finds(t, r, RankNote, "keys/.tmp-1", "rest of a write")
		finds(t, r, RankNote, "notes.txt", "No file of a node")
		finds(t, r, RankNote, "units/readme", "No file of a node")
		finds(t, r, RankRisk, "keys/node.key", "Other users")
		finds(t, r, RankRisk, "organisation.key", "lies in the folder")
		if err := s.run("chmod go-rwx '" + filepath.Join(dir, "keys/node.key") + "'"); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "organisation.key")); err != nil {
			t.Fatal(err)
		}
		if r := s.doctor(dir); !r.Healthy {
			t.Error(brief(r))
		}
	})
	t.Run("out of time", func(t *testing.T) {
		s.fresh()
		defer s.k.at(*now)
		s.k.at(now.AddDate(-1, 0, 0))
		finds(t, s.doctor(dir), RankRisk, "", "clock says")
		s.k.at(now.AddDate(1, 11, 20))
		finds(t, s.doctor(dir), RankRisk, "identity.json", "expires on")
		s.k.at(now.AddDate(3, 0, 0))
		r := s.doctor(dir)
		finds(t, r, RankRisk, "identity.json", "expired on")
		if err := s.run(r.Findings[0].Commands[0]); err != nil {
			t.Fatal(err)
		}
		if r := s.doctor(dir); !r.Healthy {
			t.Error(brief(r))
		}
	})
	t.Run("of the format before", func(t *testing.T) {
		k := unpackKept(t)
		s := *s
		s.t, s.k = t, k
		r := s.doctor(k.path("south"))
		finds(t, r, RankNote, "format", "next start upgrades it to format 2; remove half-written files")
		if !r.Healthy || r.Format != 1 {
			t.Error(brief(r))
		}
	})
	t.Run("of a newer version", func(t *testing.T) {
		s.fresh()
		put("format", "7\n")
		put("config.yaml", "something new")
		r := s.doctor(dir)
		finds(t, r, RankLost, "format", "newer version")
		if len(r.Findings) != 1 || r.Format != 7 {
			t.Error(brief(r))
		}
	})
	t.Run("half restored", func(t *testing.T) {
		s.fresh()
		if err := os.MkdirAll(filepath.Join(dir, restoringDir, "keys"), 0o700); err != nil {
			t.Fatal(err)
		}
		put(restoringDir+"/keys/node.key", "x")
		if err := os.Remove(filepath.Join(dir, "config.yaml")); err != nil {
			t.Fatal(err)
		}
		finds(t, s.doctor(dir), RankLost, "config.yaml", "restore was interrupted")
	})
	t.Run("older than its mark", func(t *testing.T) {
		s.fresh()
		for name, data := range s.north {
			if name == own {
				lines := strings.SplitN(string(data), "\n", 3)
				put(name, lines[0]+"\n999\n"+lines[2])
			}
		}
		r := s.doctor(dir)
		if len(r.Findings) == 0 || !strings.Contains(r.Findings[0].What, "999 were signed once") && !strings.Contains(brief(r), "999") {
			t.Error(brief(r))
		}
	})
	t.Run("with damaged objects", func(t *testing.T) {
		s.fresh()
		for name, data := range s.north {
			if !strings.HasSuffix(name, ".sst") {
				continue
			}
			bad := bytes.Clone(data)
			for i := range min(len(bad), 4096) {
				bad[i] ^= 0x55
			}
			put(name, string(bad))
		}
		r := s.doctor(dir)
		finds(t, r, RankDerived, "objects", "cannot be read")
		for _, c := range r.Findings[0].Commands {
			if err := s.run(c); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.doctor(dir); !r.Healthy {
			t.Error(brief(r))
		}
		if err := s.works(dir, true); err != nil {
			t.Error(err)
		}
	})
	t.Run("of a running node", func(t *testing.T) {
		s.fresh()
		north, south := s.k.party("north"), s.k.party("south")
		defer func() { north.stop(); south.stop(); s.k.parties = nil }()
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if err := north.shareOne(2000 + i); err != nil {
					done <- err
					return
				}
			}
		}()
		for range 3 {
			r := must[*DoctorResponse](t)(Doctor(t.Context(), dir, DoctorOptions{Clock: func() time.Time { return *now }}))
			if !r.InUse || r.Process != os.Getpid() || !r.Healthy {
				t.Errorf("in use %v by %d\n\t%s", r.InUse, r.Process, brief(r))
			}
		}
		close(stop)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if _, err := Doctor(t.Context(), filepath.Join(t.TempDir(), "none"), DoctorOptions{}); code(err) != CodeNotFound {
		t.Errorf("no folder: %v", err)
	}
}
