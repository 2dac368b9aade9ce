package intake

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"entente/internal/observable"
)

// sameRow holds the short way to divide a row to the reader of CSV.
func sameRow(t interface{ Fatalf(string, ...any) }, text string, comma rune) {
	got, err := splitRow(nil, text, comma)
	want, wanted := splitCSV(text, comma)
	if (err == nil) != (wanted == nil) || err != nil && err.Error() != wanted.Error() || !slices.Equal(got, want) {
		t.Fatalf("%q at %q: %q, %v; CSV has %q, %v", text, comma, got, err, want, wanted)
	}
}

// FuzzSplitRow: a row has the cells that the reader of CSV finds, whichever way it is divided.
func FuzzSplitRow(f *testing.F) {
	for _, s := range []string{"", " ", "a", "a,b", ",", " a , b ", "a,,\t b\u00a0,\u2003c", "a;b|c\td", "\t\ta\t", `a,"b,c",d`, `a "b",c`, "a\r", "a,\r\n b", "\xff, \xfe", "#a,b", "\u0085,x"} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		sameRow(t, text, []rune(",;|\t\x00\u00a7")[int(which)%6])
	})
}

// TestSplitRow: so do rows of quoted cells that are closed, doubled and left open in any way.
func TestSplitRow(t *testing.T) {
	part := rapid.SampledFrom([]string{`"`, `"`, `""`, `",`, `,"`, ",", ";", "|", "\t", " ", "\u2003", "a", "b c", "é", "\xff", "\n", "\r", "\r\n"})
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 30).Draw(r, "parts"), "")
		sameRow(r, text, rapid.SampledFrom([]rune(",;|\t\x00\u00a7")).Draw(r, "comma"))
	})
}

// TestSplitRowIsBounded: the number of columns is, on both ways.
func TestSplitRowIsBounded(t *testing.T) {
	for _, n := range []int{MaxColumns - 2, MaxColumns - 1, MaxColumns, 3 * MaxColumns} {
		text := make([]byte, n)
		for i := range text {
			text[i] = ','
		}
		sameRow(t, string(text), ',')
		sameRow(t, strings.ReplaceAll(string(text), ",", `"",`), ',')
		cells, err := splitRow(nil, string(text), ',')
		if (err == nil) != (n < MaxColumns) || err == nil && len(cells) != n+1 {
			t.Errorf("%d commas: %d cells, %v", n, len(cells), err)
		}
	}
}

// TestIndicatorUUID holds the identifiers of drafts to what they always were, for short and long sources and values.
func TestIndicatorUUID(t *testing.T) {
	long := make([]byte, observable.MaxText)
	for i := range long {
		long[i] = 'x'
	}
	for _, source := range []string{"", "list.txt", string(long)} {
		for _, text := range []string{"a.example", string(long)} {
			v := observable.Value{Type: observable.Domain, Text: text}
			d := Drafter{Source: source}
			want := uuid.NewSHA1(space, []byte("indicator\x00"+source+"\x00"+v.Key()))
			if got := d.IndicatorUUID(v); got != want || d.IndicatorID(v) != "indicator--"+want.String() || d.id("indicator", v.Key()) != d.IndicatorID(v) {
				t.Errorf("source of %d bytes, value of %d: %s instead of %s", len(source), len(text), got, want)
			}
		}
	}
}
