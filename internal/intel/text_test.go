package intel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/intel"
)

// prose makes an object that people write about.
func prose(typ string, n int, more string) string {
	return fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":"%s--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"%s}`, typ, typ, n, more)
}

func TestSearchText(t *testing.T) {
	w := newWorld(t)
	w.load(t, "f",
		prose("malware", 1, `,"name":"LockBit 3.0","is_family":true,"aliases":["ABCD ransomware"],"labels":["financial"]`),
		prose("attack-pattern", 2, `,"name":"Phishing","description":"Spear-phishing via e-mail; STRASSE, ＦＵＬＬ width.","external_references":[{"source_name":"mitre-attack","external_id":"T1566.001"}]`),
		prose("report", 3, `,"name":"Tấn công mạng","published":"2026-01-01T00:00:00Z","object_refs":["malware--00000000-0000-4000-8000-000000000001"],"description":"東京都庁への攻撃"`),
		indicator(4, 1, "lockbit.example", `,"name":"LockBit"`),
		prose("note", 5, `,"content":"lockers are not locks","object_refs":["malware--00000000-0000-4000-8000-000000000001"]`),
		prose("tool", 6, `,"name":"Straße"`))
	for text, want := range map[string]string{
		"lockbit": "1 4", "LOCKBIT ransomware": "1", "lockbit phishing": "", "lock": "", "lock*": "1 4 5", "lockbit* 3*": "1",
		"t1566.001": "2", "T1566": "2", "spear phishing": "2", "full width": "2", "financial": "1", "e-mail": "2",
		"tấn công": "3", "TẤN": "3", "tấn": "3", // composed and decomposed
		"東京": "3", "京都": "3", "東京都庁": "3", "東都": "", "庁": "3", "攻撃": "3", "撃": "3", "東": "3", "都": "3", "への": "3", "大": "",
		"straße": "6", "mitre": "",
	} {
		for limit := range 3 {
			if got := ids(search(t, w.in, intel.Query{Text: text, Limit: limit})); got != want {
				t.Errorf("%q, %d a page: %q, want %q", text, limit, got, want)
			}
		}
	}
	if got := ids(search(t, w.in, intel.Query{Text: "lock*", Type: "note"})); got != "5" {
		t.Errorf("text and type: %s", got)
	}
	if got := ids(search(t, w.in, intel.Query{Text: "lockbit", Source: "other"})); got != "" {
		t.Errorf("text and source: %s", got)
	}
	for _, text := range []string{"!!!", "*", strings.Repeat("x", 1001), many(33)} {
		if _, err := w.in.Search(context.Background(), intel.Query{Text: text}); !errors.Is(err, intel.ErrQuery) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if got := search(t, w.in, intel.Query{Text: many(32)}); len(got) != 0 {
		t.Error(got)
	}
	w.checkRebuild(t)
}

func many(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("w", i))
	}
	return strings.Join(out, " ")
}

// TestLimitsOfText reaches the bounds on the words of one object.
func TestLimitsOfText(t *testing.T) {
	w := newWorld(t)
	far := strings.Repeat(". ", 32<<10)
	w.load(t, "f", prose("tool", 1, fmt.Sprintf(`,"name":"x","description":"%s"`, many(1000))),
		prose("tool", 2, fmt.Sprintf(`,"name":"","description":"near %s far"`, far)),
		prose("tool", 3, fmt.Sprintf(`,"name":"%s"`, strings.Repeat("a", 60)+"b")))
	for text, want := range map[string]string{
		"w998": "1", "w999": "", // the name is the first word
		"near": "2", "far": "",
		strings.Repeat("a", 59): "", strings.Repeat("a", 60): "3", strings.Repeat("a", 60) + "c": "3",
	} {
		if got := ids(search(t, w.in, intel.Query{Text: text})); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A search by words finds what looking at every object finds.
func TestSearchTextIsAFullScan(t *testing.T) {
	word := rapid.SampledFrom([]string{"one", "two", "oneness", "Two", "ONE", "on"})
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var have [][]string
		var objects []string
		for i := range rapid.IntRange(1, 10).Draw(t, "objects") {
			ws := rapid.SliceOfN(word, 0, 4).Draw(t, "words")
			objects = append(objects, prose("tool", i, fmt.Sprintf(`,"name":%q`, strings.Join(ws, ", "))))
			have = append(have, strings.Fields(strings.ToLower(strings.Join(ws, " "))))
		}
		w.load(t, "f", objects...)
		asked := rapid.SliceOfN(word, 1, 3).Draw(t, "asked")
		var text, want []string
		stars := make([]bool, len(asked))
		for i, a := range asked {
			if stars[i] = rapid.Bool().Draw(t, "star"); stars[i] {
				a += "*"
			}
			text = append(text, a)
		}
		for i, ws := range have {
			all := true
			for k, a := range asked {
				a = strings.ToLower(a)
				all = all && slices.ContainsFunc(ws, func(s string) bool { return s == a || stars[k] && strings.HasPrefix(s, a) })
			}
			if all {
				want = append(want, fmt.Sprintf("tool--00000000-0000-4000-8000-%012x", i))
			}
		}
		var got []string
		for _, f := range search(t, w.in, intel.Query{Text: strings.Join(text, " "), Limit: rapid.IntRange(1, 3).Draw(t, "limit")}) {
			got = append(got, f.ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
	})
}
