package intake

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func names(t *testing.T, text string) []string {
	t.Helper()
	found, err := Find(text)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		if f.Name != "" {
			out = append(out, f.Name)
		} else {
			out = append(out, f.Value.Key())
		}
	}
	return out
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"The implant called hxxps://evil[.]example[.]com/gate.php?id=1, then stopped.", []string{"url:https://evil.example.com/gate.php?id=1"}},
		{"C2: evil [.] example [.] org and 198.51.100[.]7.", []string{"domain:evil.example.org", "ipv4:198.51.100.7"}},
		{"(see http://a.example.com/x_(y))", []string{"url:http://a.example.com/x_(y)"}},
		{"Mail from who(at)example(dot)org;", []string{"email:who@example.org"}},
		{"203.0.113.5:8443, [2001:db8::7]:443 and 198.51.100.0/24", []string{"ipv4:203.0.113.5", "ipv6:2001:db8::7", "prefix:198.51.100.0/24"}},
		{"MD5 D41D8CD98F00B204E9800998ECF8427E", []string{"md5:d41d8cd98f00b204e9800998ecf8427e"}},
		{"number 12345678901234567890123456789012 is no hash", nil},
		{"CVE-2016-5195 and cve‑2021‑44228.", []string{"CVE-2016-5195", "CVE-2021-44228"}},
		{"(T1566.002, T1059) TA0001", []string{"T1566.002", "T1059", "TA0001"}},
		{"https://attack.mitre.org/techniques/T1566/002/", []string{"T1566.002"}},
		{"ATT&CK group G0007 uses S0002", []string{"G0007", "S0002"}},
		{"The summit G2020 and S1000 are no groups", nil},
		{"run setup.py, see README.md and node.js", nil},
		{"setup[.]py was a domain", []string{"domain:setup.py"}},
		{"It ended in time.In the morning it began e.g. again, i.e. at U.S. cost", nil},
		{"Tới t.rẻ e.m và t.uổi, h.ôn", nil},
		{"version 1.2.3 or 1.2.3.4.5", nil},
		{"恶意域名evil.example.com，地址为203.0.113.9。", []string{"domain:evil.example.com", "ipv4:203.0.113.9"}},
		{"a.example.com,b.example.com;c.example.com", []string{"domain:a.example.com", "domain:b.example.com", "domain:c.example.com"}},
		{"evil[.]example[.]com/path", []string{"url:http://evil.example.com/path"}},
		{"evil[.]example and evil [.] test, bad[at]evil(dot)example, x@y.example, c2[.]x.onion/a", []string{"domain:evil.example", "domain:evil.test", "email:bad@evil.example", "email:x@y.example", "url:http://c2.x.onion/a"}},
		{"at (a.example.com). And [198.51.100.7], {b.example.com}; ((c.example.com)): [e[.]example.com], d.example.com...", []string{"domain:a.example.com", "ipv4:198.51.100.7", "domain:b.example.com", "domain:c.example.com", "domain:e.example.com", "domain:d.example.com"}},
		{"config.example and invoice[.]exe and readme[.]md5x", nil},
		{`https:\/\/a.example.com\/c, hxxp:\\b.example.com\x and meow://c.example.com/d`, []string{"url:https://a.example.com/c", "url:http://b.example.com/x", "url:http://c.example.com/d"}},
		{`HKLM\Software\Evil\Run`, []string{`registry-key:hkey_local_machine\software\evil\run`}},
		{"no.such.suffix.invalidtld and localhost", nil},
		{"javascript:alert(1) data:text/html,x", nil},
	} {
		if diff := cmp.Diff(c.want, names(t, c.text)); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

func TestFindCountsAndPlaces(t *testing.T) {
	text := "see evil[.]example[.]com; again: evil.example.com"
	found, err := Find(text)
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if f := found[0]; f.Count != 2 || f.Offset != 4 || !f.Defanged {
		t.Errorf("%+v", f)
	}
}

// TestBracketsAreBounded: within as many brackets as there are in texts a value is found, and a wall of them is passed by.
func TestBracketsAreBounded(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 1, maxBrackets: 1, 100: 0, 10_000: 0} {
		found, err := Find(strings.Repeat("(", n) + "evil.example.com" + strings.Repeat(")", n) + ".")
		if err != nil || len(found) != want {
			t.Errorf("in %d brackets: %v, %v", n, found, err)
		}
	}
}

func TestFindIsBounded(t *testing.T) {
	if _, err := Find(strings.Repeat("x", MaxPage+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a text over the bound: %v", err)
	}
	var b strings.Builder
	for i := range MaxFindings + 10 {
		b.WriteString("h" + strings.Repeat("a", i%7) + ".")
		for n := i; ; n /= 26 {
			b.WriteByte(byte('a' + n%26))
			if n < 26 {
				break
			}
		}
		b.WriteString(".example.com\n")
	}
	found, err := Find(b.String())
	if err != nil || len(found) > MaxFindings {
		t.Errorf("%d things, %v", len(found), err)
	}
}

// TestFindPlaces: whatever is found stands in the text where it is said to.
func TestFindPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab.[]()/:@ ,;hxtp1298\n-é中")), 0, 200, -1).Draw(t, "text")
		found, err := Find(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Offset < 0 || f.Offset >= len(text) || f.Count < 1 {
				t.Fatalf("%q: %+v", text, f)
			}
		}
	})
}

// TestFindBetweenWords: in many languages no space parts a value from the words around it.
func TestFindBetweenWords(t *testing.T) {
	for _, text := range []string{
		"攻撃元のIPアドレスは203.0.113[.]99であり、通信先としてbad-server[.]jpが確認され、脆弱性CVE-2022-42475が悪用された",
		"공격자는 203.0.113[.]99에서 bad-server[.]jp으로 접속했고 CVE-2022-42475를 악용했다",
		"攻击者从203.0.113[.]99连接到bad-server[.]jp并利用CVE-2022-42475漏洞",
		"ผู้โจมตีใช้203.0.113[.]99และbad-server[.]jpกับCVE-2022-42475ด้วย",
		"サーバー203.0.113[.]99サーバーbad-server[.]jpサーバーCVE-2022-42475サーバー",
	} {
		found, err := Find(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			if got = append(got, f.Name); f.Name == "" {
				got[len(got)-1] = f.Value.Text
			}
		}
		if s := strings.Join(got, " "); s != "203.0.113.99 bad-server.jp CVE-2022-42475" {
			t.Errorf("%s: %q", text, s)
		}
	}
}
