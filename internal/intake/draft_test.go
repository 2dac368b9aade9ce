package intake

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/observable"
	"entente/stix"
)

var at = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func valid(t *testing.T, raw []byte) *stix.Object {
	t.Helper()
	o, err := stix.Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	for _, p := range stix.Validate(o) {
		if p.Must {
			t.Errorf("%s: %v", raw, p)
		}
	}
	return o
}

func TestDraftIndicators(t *testing.T) {
	d := Drafter{Source: "list.txt", At: at, TLP: stix.TLPAmber, Confidence: 60, ValidFor: 24 * time.Hour, Labels: []string{"feed"}}
	for _, text := range []string{"evil.example.com", "198.51.100.7", "198.51.100.0/24", "2001:db8::/32", "http://a.example/'x\\", "who@example.org",
		"d41d8cd98f00b204e9800998ecf8427e", `HKLM\Run`, "mutex:it's", "file-name:a b.exe", "AS64496", "02:00:5e:10:00:00", `C:\x\y.exe`, "account:root"} {
		v, err := observable.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := d.Indicator(Item{Line: 3, Value: v, Confidence: -1})
		if err != nil {
			t.Fatal(err)
		}
		o := valid(t, raw)
		if until, _ := o.Root().Member("valid_until").Text(); until != "2024-05-07T07:08:09.000Z" {
			t.Errorf("%s: valid until %s", text, until)
		}
		if level, marked := o.TLP(nil); !marked || level != stix.TLPAmber {
			t.Errorf("%s: marked %v", text, level)
		}
		again, err := d.Indicator(Item{Line: 3, Value: v, Confidence: -1})
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%s: drafted twice, two texts", text)
		}
	}
	v, _ := observable.Parse("evil.example.com")
	if _, err := d.Indicator(Item{Value: v, TLP: "TLP:PURPLE", Confidence: -1}); err == nil {
		t.Error("an unknown marking is dropped in silence")
	}
	if _, err := d.Indicator(Item{Value: v, From: "2024-05-06", To: "2024-05-05", Confidence: -1}); err == nil {
		t.Error("an end before the beginning is taken")
	}
	if _, err := d.Indicator(Item{Value: v, To: "01/02/2030", Confidence: -1}); err == nil {
		t.Error("an end that cannot be read is dropped in silence")
	}
	for _, to := range []string{"", "never", "9999-12-31", "20300131", "2030-01-31"} {
		if _, err := d.Indicator(Item{Value: v, To: to, Confidence: -1}); err != nil {
			t.Errorf("valid until %q: %v", to, err)
		}
	}
	raw, err := d.Indicator(Item{Value: v, TLP: "red", Confidence: 5, From: "2024-01-02 03:04:05", Reference: "javascript:alert(1)", Note: strings.Repeat("ü", 4096)})
	if err != nil {
		t.Fatal(err)
	}
	if o := valid(t, raw); bytes.Contains(o.Raw, []byte("javascript")) {
		t.Error("an address of a script is a reference")
	}
}

func TestDraftReport(t *testing.T) {
	p, err := ReadPage([]byte(advisory))
	if err != nil {
		t.Fatal(err)
	}
	found, err := Find(p.Text + "\nhttps://cert.example.org/advisories/8 G0007 ATT&CK M1030 C0001 DS0001 TA0001 evil@example.org")
	if err != nil {
		t.Fatal(err)
	}
	all, err := (Drafter{Source: "7.html", At: at, TLP: stix.TLPGreen, Confidence: -1}).Report(p, found)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]int{}
	var report *stix.Object
	for _, raw := range all {
		o := valid(t, raw)
		types[o.Type]++
		if o.Type == "report" {
			report = o
		}
	}
	if report == nil || types["identity"] != 1 || types["vulnerability"] != 1 || types["attack-pattern"] != 1 || types["file"] != 1 ||
		types["domain-name"] != 1 || types["url"] != 1 || types["ipv4-addr"] != 1 || types["indicator"] != 0 || types["email-addr"] != 1 {
		t.Fatalf("drafted %v", types)
	}
	if n := report.Root().Member("object_refs").Len(); n != len(all)-1 {
		t.Errorf("the report names %d of %d objects", n, len(all)-1)
	}
	if lang, _ := report.Root().Member("lang").Text(); lang != "en" {
		t.Errorf("in %q", lang)
	}
}

// TestMoment: a date is read as the only layout reads it that fits.
func TestMoment(t *testing.T) {
	layouts := []string{time.RFC3339, "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly, "2006/01/02", "02.01.2006", "20060102"}
	parts := []string{"", "", "", "0", "9", "-", "/", ".", ":", ",", " ", "T", "Z", "+02:00", "-02:00", ".123", " UTC", "é"}
	rapid.Check(t, func(r *rapid.T) {
		like := rapid.SampledFrom(append(layouts, "2006-1-2", "2006-01-02 3:04", "2006-01-02T3:04:05Z", "", "never")).Draw(r, "layout")
		s := time.Unix(rapid.Int64Range(-1<<35, 1<<33).Draw(r, "time"), 0).UTC().Format(like)
		for range rapid.IntRange(0, 2).Draw(r, "changes") {
			at := rapid.IntRange(0, len(s)).Draw(r, "at")
			s = s[:at] + rapid.SampledFrom(parts).Draw(r, "part") + s[min(len(s), at+rapid.IntRange(0, 2).Draw(r, "cut")):]
		}
		var want time.Time
		known := false
		for _, layout := range layouts {
			if at, err := time.Parse(layout, s); err == nil && at.Year() >= 1990 && at.Year() <= 2100 {
				want, known = at, true
				break
			}
		}
		if got, ok := moment(s); ok != known || ok && !got.Equal(want) {
			r.Fatalf("%q: %s, %t; there is %s, %t", s, got, ok, want, known)
		}
	})
}
