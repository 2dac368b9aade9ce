package lookalike

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

func assets(t testing.TB) *Set {
	t.Helper()
	s, err := New([]Asset{
		{"register", []string{"elections.example.gov", "voterregister.org"}},
		{"party", []string{"greenparty.co.uk"}},
		{"short", []string{"vote.org"}},
		{"media", []string{"news7.example"}},
	}, []string{"greenparty.com", "voterregisternews.org"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLookalikes(t *testing.T) {
	s := assets(t)
	puny := func(s string) string {
		a, err := idna.Punycode.ToASCII(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, want := range map[string]string{
		"voterregister.com": "voterregister.org other-suffix", "VoterRegister.co.uk.": "voterregister.org other-suffix", "greenparty.org.uk": "greenparty.co.uk other-suffix",
		"vote.com":                              "vote.org other-suffix",
		"www.login.vote.net":                    "vote.org other-suffix",
		"v0terregister.org":                     "voterregister.org homoglyph",
		puny("vоterregister.org"):               "voterregister.org homoglyph idn", // Cyrillic о
		"vоterregister.org":                     "voterregister.org homoglyph idn",
		"vötérregister.com":                     "voterregister.org homoglyph idn",
		"ɡrееnраrty.co.uk":                      "greenparty.co.uk homoglyph idn",
		"vvoterregister.org":                    "voterregister.org typo",
		"voterregistre.org":                     "voterregister.org typo",
		"voterregiser.org":                      "voterregister.org typo",
		"voterregisterr.com":                    "voterregister.org typo",
		"voterrejister.org":                     "voterregister.org typo",
		"voterregister-login.com":               "voterregister.org added-word",
		"my-voterregister.com":                  "voterregister.org added-word",
		"thevoterregister.com":                  "voterregister.org added-word",
		"secure-voterregister-us.com":           "voterregister.org added-word",
		"v0terregister-login.com":               "voterregister.org added-word",
		"voteonline.com":                        "vote.org added-word",
		"my-vote.com":                           "vote.org added-word",
		"elections.example.gov.bad.example":     "elections.example.gov embedded",
		"www.elections-example-gov.bad.example": "elections.example.gov embedded",
		"x.voterregister.org.evil.net":          "voterregister.org embedded",
	} {
		var got []string
		for _, f := range s.Find(nil, name) {
			text := f.Name + " " + string(f.Reason)
			if f.IDN {
				text += " idn"
			}
			got = append(got, text)
		}
		if !strings.Contains(strings.Join(got, "; "), want) || len(got) == 0 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{
		"voterregister.org", "www.voterregister.org", "a.b.elections.example.gov", "other.example.gov", "greenparty.com", "shop.greenparty.com", "voterregisternews.org",
		"examine.org", "org", "co.uk", "voted.org", "votive.com", "devote.org", "pivote.com", "register.com", "voter.com", "green.com", "party.co.uk",
		"greenpeace.org", "newsroom.example", "198.51.100.7", "", "not a name", "voter-register-of-deeds.org", "xn--zz.org", strings.Repeat("a.", 200) + "org",
	} {
		if got := s.Find(nil, name); len(got) > 0 {
			t.Errorf("%s looks like %v", name, got)
		}
	}
}

// TestOneStepIsTheDistance: the quick way finds what trying every change finds.
func TestOneStepIsTheDistance(t *testing.T) {
	s, err := New([]Asset{{"a", []string{"abacus.org"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const base, abc = "abacus", "abcusxyz"
	tried := map[string]bool{}
	for i := 0; i <= len(base); i++ {
		for _, c := range abc {
			tried[base[:i]+string(c)+base[i:]] = true
			if i < len(base) {
				tried[base[:i]+string(c)+base[i+1:]] = true
			}
		}
		if i < len(base) {
			tried[base[:i]+base[i+1:]] = true
		}
		if i+1 < len(base) {
			tried[base[:i]+base[i+1:i+2]+base[i:i+1]+base[i+2:]] = true
		}
	}
	delete(tried, base)
	for x := range tried {
		if got := s.Find(nil, x+".org"); len(got) != 1 || got[0].Reason != Typo {
			t.Errorf("%s: %v", x, got)
		}
	}
	for _, x := range []string{"abcaus", "bacsua", "aabbacus", "abac", "acubas"} {
		if got := s.Find(nil, x+".org"); len(got) != 0 && !tried[x] {
			t.Errorf("%s: %v", x, got)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, a := range []Asset{{"x", []string{"co.uk"}}, {"x", []string{"no name"}}, {"x", []string{""}}} {
		if _, err := New([]Asset{a}, nil); !errors.Is(err, ErrAsset) {
			t.Errorf("%v: %v", a, err)
		}
	}
	many := Asset{ID: "many"}
	for i := range MaxNames + 1 {
		many.Names = append(many.Names, fmt.Sprintf("same.x%d.ck", i))
	}
	if _, err := New([]Asset{many}, nil); !errors.Is(err, ErrAsset) {
		t.Error("too many names were taken")
	}
	many.Names = many.Names[:100]
	s, err := New([]Asset{many}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Find(nil, "same.org"); len(got) != maxFindings {
		t.Errorf("%d findings, want %d", len(got), maxFindings)
	}
	if _, err := New(nil, []string{"no name"}); !errors.Is(err, ErrAsset) {
		t.Error(err)
	}
}

func FuzzFind(f *testing.F) {
	s := assets(f)
	for _, x := range []string{"v0terregister-login.com", "xn--vterregister-dwh.org", "a-b-c.d", "elections.example.gov.x.y", strings.Repeat("a-", 126)} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, x := range s.Find(nil, name) {
			if x.Asset == "" || x.Reason == "" {
				t.Fatal(x)
			}
		}
	})
}

// BenchmarkFind: the time of a name does not grow with the assets.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		a := Asset{ID: "a"}
		for i := range n {
			a.Names = append(a.Names, fmt.Sprintf("asset%dname.org", i))
		}
		s, err := New([]Asset{a}, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{"cdn-17.static.somewhere-else.example.net", "asset7nane.org"} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				var dst []Finding
				for b.Loop() {
					dst = s.Find(dst[:0], name)
				}
			})
		}
	}
}
