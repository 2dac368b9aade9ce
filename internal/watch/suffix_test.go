package watch

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write suffixes.bloom")

// rules gives the rules that golang.org/x/net was made of.
func rules(t *testing.T) (list []string) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "publicsuffix", "table_test.go"))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED %s: golang.org/x/net came without its tests, so its rules cannot be read", t.Name())
	}
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(text), "var rules = [...]string{")
	rules, _, _ = strings.Cut(rules, "\n}")
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(rules, -1) {
		list = append(list, m[1])
	}
	if len(list) < 5000 {
		t.Fatalf("only %d rules", len(list))
	}
	return list
}

// TestAboveIsThatOfTheList holds above.txt to the rules that golang.org/x/net was made of.
func TestAboveIsThatOfTheList(t *testing.T) {
	var names []string
	plain := map[string]bool{}
	for _, rule := range rules(t) {
		names = append(names, strings.TrimPrefix(rule, "!"))
		plain[rule] = true
	}
	want := map[string]bool{}
	for _, n := range names {
		for _, over, ok := strings.Cut(n, "."); ok && strings.Contains(over, "."); _, over, ok = strings.Cut(over, ".") {
			if !plain[over] {
				want[over] = true
			}
		}
	}
	have := aboveSuffixes()
	for n := range want {
		if _, ok := have[n]; !ok {
			t.Errorf("%s is missing", n)
		}
	}
	for n := range have {
		if !want[n] {
			t.Errorf("%s is not above a rule any more", n)
		}
	}
}

// TestSuffixBits holds suffixes.bloom to the rules that golang.org/x/net was made of, and to above.txt.
func TestSuffixBits(t *testing.T) {
	want := make([]byte, 32<<10)
	if len(suffixBits) != len(want) && *update {
		suffixBits = make([]byte, len(want)) // suffixPlace asks for its length
	}
	put := func(name string, mark uint64) {
		word, set := suffixPlace([]byte(name), mark)
		b := want[8*word:]
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)|set)
	}
	for _, rule := range rules(t) {
		if below, ok := strings.CutPrefix(rule, "*."); ok {
			put(below, belowMark)
		} else {
			put(rule, 0) // of exceptions, which begin with a mark, none is a suffix
		}
	}
	for name := range aboveSuffixes() {
		put(name, 0)
	}
	if *update {
		if err := os.WriteFile("suffixes.bloom", want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(suffixBits, want) {
		t.Error("suffixes.bloom is not that of the rules: go test -run SuffixBits -update")
	}
}

// sameBroad holds broad to a close look at each name.
func sameBroad(t *testing.T, name string, above map[string]struct{}) {
	t.Helper()
	why, registry := broad(name, above)
	if want, of := broadByRules(name, above); why != want || registry != of {
		t.Fatalf("%q: %q, %t; by the rules %q, %t", name, why, registry, want, of)
	}
}

// TestBroadIsByRules asks for each rule and what is above and below it, and for names made of parts of them; few others need a close look.
func TestBroadIsByRules(t *testing.T) {
	above, all := aboveSuffixes(), rules(t)
	var labels []string
	for _, rule := range all {
		name := strings.TrimPrefix(strings.TrimPrefix(rule, "!"), "*.")
		for _, n := range []string{name, "a." + name, "a.b." + name, "." + name, name + ".", "a.." + name, "x" + name} {
			sameBroad(t, n, above)
		}
		for rest, ok := name, true; ok; _, rest, ok = strings.Cut(rest, ".") {
			sameBroad(t, rest, above)
		}
		labels = append(labels, strings.Split(name, ".")...)
	}
	for name := range above {
		sameBroad(t, name, above)
		sameBroad(t, "a."+name, above)
	}
	r, closer := rand.New(rand.NewPCG(5, 6)), 0
	const n = 50_000
	for range n {
		name := labels[r.IntN(len(labels))]
		for range r.IntN(4) {
			name = labels[r.IntN(len(labels))] + "." + name
		}
		sameBroad(t, name, above)
		rule := all[r.IntN(len(all))]
		if maySuffix("site" + strconv.Itoa(r.IntN(n)) + "." + rule[strings.LastIndexByte(rule, '.')+1:]) {
			closer++
		}
	}
	if closer > n/50 {
		t.Errorf("%d of %d names need a close look", closer, n)
	}
	for _, name := range []string{"", ".", "1.2.3.4", "::1", "::ffff:1.2.3.4", "1.2.3.4.", "co.UK", "CO.UK", "fe80::1%a.b", strings.Repeat("a.", 200) + "com", "\xff.uk"} {
		sameBroad(t, name, above)
	}
}

// FuzzBroad holds broad to a close look at any name.
func FuzzBroad(f *testing.F) {
	for _, name := range []string{"co.uk", "a.ck", "www.ck", "amazonaws.com", "a.kawasaki.jp", "city.kawasaki.jp", "1.2.3.4", "::1", "x.y"} {
		f.Add(name)
	}
	above := aboveSuffixes()
	f.Fuzz(func(t *testing.T, name string) { sameBroad(t, name, above) })
}
