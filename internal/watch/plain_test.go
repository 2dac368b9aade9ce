package watch

import (
	"fmt"
	"strings"
	"testing"

	"entente/internal/observable"
	"pgregory.net/rapid"
)

// TestPlainLines: in lines that are not JSON, whatever stands around a value, no line is passed over in which one is found.
func TestPlainLines(t *testing.T) {
	b := NewBuilder(testSeed)
	more := []string{`mutex:Global\evil mutex`, "mail-subject:Срочно: invoice!", "registry-key:HKCU\\Software\\Evil", "registry-key:HKLM", "mac:00:11:22:33:44:55", "asn:AS64500",
		"certificate-serial:cc57fe", `file-path:C:\Users\x\evil file.exe`, "file-name:résumé.exe", "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1", "http://[2001:db8::5]/a"}
	texts := append([]string{`Global\evil mutex`, "Срочно: invoice!", `HKEY_CURRENT_USER\SOFTWARE\evil`, "hklm", "00-11-22-33-44-55", "0011.2233.4455", "00:11:22:33:44:55", "AS64500", "64500", "00:CC:57:FE", "00cc57fe",
		`c:\users\X\Evil File.exe`, "RÉSUMÉ.EXE", "T13d1516h2_8daaf6152771_e5627efa2ab1", "http://[2001:DB8:0::5]:80/a?", "http://[2001:DB8:0::5]:80/a", "%65vil.com/a", "http://%65vil.com/a", "evil。com", `"a"@evil.com`, `"b.c"@mail.example`}, testTexts...)
	for _, k := range append(more, testIndicators...) {
		ind := Indicator{ID: k}
		if rest, ok := strings.CutPrefix(k, "="); ok {
			k, ind.Policy = rest, Exact
		}
		ind.Value = value(t, k)
		if err := b.Add(ind); err != nil {
			t.Fatal(err)
		}
	}
	set := b.Set()
	around := [][2]string{{"", ""}, {"", "\t"}, {"\t", "\t"}, {`"`, `"`}, {"x=", " "}, {"<", ">"}, {"(", "),"}, {"[", "]:25"}, {"key: ", ";"}, {"from=<", ">,"}, {"|", "|"}, {",", ","}, {"IPv6:", "]"}, {"GET ", " HTTP/1.1"}, {"é ", " é"}}
	found, passed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var line strings.Builder
		var what []string
		for range rapid.IntRange(1, 4).Draw(t, "fields") {
			text := rapid.SampledFrom(texts).Draw(t, "text")
			if strings.ContainsAny(text, "\n\r") {
				continue
			}
			a := rapid.SampledFrom(around).Draw(t, "around")
			line.WriteString(a[0] + text + a[1] + rapid.SampledFrom([]string{" ", "\t"}).Draw(t, "between"))
			for _, typ := range observable.Types() {
				if set.holds(typ, text) {
					what = append(what, fmt.Sprintf("%s %q", typ, text))
				}
			}
		}
		if line.Len() == 0 || strings.HasPrefix(line.String(), "{") {
			return
		}
		n := 0
		s := NewScanner(func() *Set { return set }, nil)
		s.Scan([]byte(line.String()+"\n"), func([]byte, int64) { n++ })
		if n == 0 && len(what) > 0 {
			t.Fatalf("passed over %q with %s", line.String(), what)
		}
		if n > 0 {
			found++
		} else {
			passed++
		}
	})
	if testing.Short() { // too few cases to say what chance brings
		return
	}
	if found == 0 || passed == 0 {
		t.Errorf("%d found, %d passed over", found, passed)
	}
}
