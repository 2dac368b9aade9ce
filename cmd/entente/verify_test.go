package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectorFile is a dossier in which a party signed two histories, among other things.
var vectorFile = filepath.Join("..", "..", "internal", "dossier", "testdata", "v1.entente")

// TestVerifyProvesGuilt is the program in the hands of a judge: guilt is no damage, exit code 0; a
// file that does not hold is, exit code 5; and several files are read together.
func TestVerifyProvesGuilt(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b := put("a.entente", whole), put("b.entente", whole)
	broken := append([]byte(nil), whole...)
	broken[len(broken)/2] ^= 1
	c := put("c.entente", broken)

	code, stdout, stderr := entente(t, "verify", "--json", a)
	var rep struct {
		OK      bool `json:"ok"`
		Parties []struct {
			Party, Name string
		} `json:"parties"`
		Proven []struct {
			Party string   `json:"party"`
			Codes []string `json:"codes"`
		} `json:"proven"`
	}
	if err := json.Unmarshal([]byte(stdout), &rep); code != 0 || err != nil || !rep.OK || len(rep.Proven) == 0 || strings.Join(rep.Proven[0].Codes, " ") != "fork text-mismatch" {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	guilty, trust := "", []string{}
	for _, p := range rep.Parties {
		trust = append(trust, "--trust", p.Party)
		if p.Party == rep.Proven[0].Party {
			guilty = p.Name
		}
	}
	for _, x := range []struct {
		code int
		want []string
		args []string
	}{
		{0, []string{"PROVED against " + guilty, "Nothing is proved against anybody else", "to check:", "by the clock of " + guilty}, append([]string{a}, trust...)},
		{0, []string{"2 dossiers, read together", "PROVED against " + guilty}, append([]string{a, b}, trust...)},
		{5, []string{"does NOT verify"}, []string{c}},
		{5, []string{"LEFT OUT", "PROVED against " + guilty}, []string{a, c}},
		{5, []string{"there is no joint report"}, []string{c, c}},
		{5, []string{"has no journal of the trusted party"}, []string{a, "--trust", strings.Repeat("0", 64)}},
		{5, []string{"NOT AS TRUSTED"}, []string{a, b, "--trust", strings.Repeat("0", 64)}},
		{2, []string{"read more than once"}, []string{a, "-"}},
		{4, nil, []string{a, filepath.Join(dir, "missing")}},
	} {
		code, stdout, stderr := entente(t, append([]string{"verify"}, x.args...)...)
		if code != x.code {
			t.Errorf("%q: exit code %d, want %d\n%s%s", x.args, code, x.code, stdout, stderr)
		}
		for _, want := range x.want {
			if !strings.Contains(strings.ToLower(stdout+stderr), strings.ToLower(want)) {
				t.Errorf("%q: %q is not said:\n%s%s", x.args, want, stdout, stderr)
			}
		}
	}
}
