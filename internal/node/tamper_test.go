package node

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// storyFolder is the folder of a node with a bit of everything in it: own and
// mirrored journals with a rotated key, payloads, a local log. The node is stopped.
func storyFolder(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	a, b := two(t)
	shareOne(t, a, 1, "ours.example")
	a.sync()
	shareOne(t, b, 2, "theirs.example")
	b.sync()
	must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "node", OrgKey: a.orgText(), Compromise: true}))
	a.sync()
	if !a.uses("theirs.example") {
		t.Fatal("the story did not go as told")
	}
	a.stop()
	return a.dir
}

// keptFiles lists the files of journals, payloads and the local log.
func keptFiles(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		parts := strings.Split(filepath.ToSlash(name), "/")
		if parts[0] == "local.log" || len(parts) > 3 && (parts[2] == "journals" || parts[2] == "payloads") {
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTamperAnyByte changes a byte anywhere in what a node keeps, derived files
// of the journals included: verification fails and says where.
func TestTamperAnyByte(t *testing.T) {
	dir := storyFolder(t)
	verify := func() *JournalVerifyResponse {
		return must[*JournalVerifyResponse](t)(VerifyFolder(t.Context(), dir, nil))
	}
	before := verify()
	if !before.OK || len(before.Journals) != 2 || before.Payloads == 0 || before.Records == 0 {
		t.Fatalf("untouched: %+v", before)
	}
	files := keptFiles(t, dir)
	kinds := map[string]int{}
	for _, f := range files {
		kinds[filepath.Base(f)]++
	}
	for _, name := range []string{"log", "head", "hashes", "index"} {
		if kinds[name] == 0 {
			t.Errorf("there is no file %s among %v", name, kinds)
		}
	}
	where := map[string]*regexp.Regexp{
		"journals": regexp.MustCompile(`(?i)entry \d+|#\d+|checkpoint|head|index|hash|points|derived|genesis|log`),
		"payloads": regexp.MustCompile(`entry entente/[0-9a-f]{64}#\d+`),
		"local":    regexp.MustCompile(`local log`),
	}
	inLog := regexp.MustCompile(`(?i)entry (at )?\d+|entries|checkpoint|record|entry [^ ]*#\d+|head`)
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(files).Draw(rt, "file")
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		at := rapid.IntRange(0, len(old)-1).Draw(rt, "at")
		bit := rapid.IntRange(0, 7).Draw(rt, "bit")
		changed := flipped(old, at)
		changed[at] = old[at] ^ 1<<bit
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			rt.Fatal(err)
		}
		rep, err := VerifyFolder(t.Context(), dir, nil)
		if back := os.WriteFile(path, old, 0o600); back != nil {
			rt.Fatal(back)
		}
		if err != nil {
			rt.Fatalf("%s changed at %d: the verification itself fails: %v", name, at, err)
		}
		if rep.OK || len(rep.Errors) == 0 {
			rt.Fatalf("%s changed at byte %d, bit %d: verified", name, at, bit)
		}
		said := strings.Join(rep.Errors, "\n")
		part := "local"
		for p := range where {
			if strings.Contains(filepath.ToSlash(name), "/"+p+"/") {
				part = p
			}
		}
		if !where[part].MatchString(said) {
			rt.Fatalf("%s changed at byte %d: it does not say where: %s", name, at, said)
		}
		if part == "journals" && filepath.Base(name) == "log" && !inLog.MatchString(said) {
			rt.Fatalf("%s changed at byte %d: no entry is named: %s", name, at, said)
		}
	})
	if after := verify(); !after.OK {
		t.Fatalf("put back: %q", after.Errors)
	}
}

// TestTamperWholeFiles cuts, empties and removes files that cannot be made again.
func TestTamperWholeFiles(t *testing.T) {
	dir := storyFolder(t)
	files := keptFiles(t, dir)
	for _, name := range files {
		switch filepath.Base(name) {
		case "index", "points", "hashes", "derived":
			continue // of another length they are made again from the log
		}
		path := filepath.Join(dir, name)
		old := must[[]byte](t)(os.ReadFile(path))
		for what, data := range map[string][]byte{"cut by one byte": old[:len(old)-1], "cut in half": old[:len(old)/2], "emptied": {}, "longer": append(append([]byte{}, old...), 0)} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			rep := must[*JournalVerifyResponse](t)(VerifyFolder(t.Context(), dir, nil))
			// What lies beyond the last commit of a log was never acknowledged, and does not count.
			if rep.OK && !(what == "longer" && filepath.Base(name) == "log") {
				t.Errorf("%s %s: verified", name, what)
			}
			if err := os.WriteFile(path, old, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if base := filepath.Base(name); base == "log" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if rep := must[*JournalVerifyResponse](t)(VerifyFolder(t.Context(), dir, nil)); rep.OK {
				t.Errorf("%s removed: verified", name)
			}
			if err := os.WriteFile(path, old, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rep := must[*JournalVerifyResponse](t)(VerifyFolder(t.Context(), dir, nil)); !rep.OK {
		t.Fatalf("put back: %q", rep.Errors)
	}
}
