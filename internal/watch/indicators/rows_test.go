package indicators

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/intake"
	"entente/internal/watch"
	"entente/stix"
)

// TestRowsInOrder: lists and tables of many batches, with lines that cannot be read and rows over several lines, give what reading one line after the other gives, in the same order, with
// the same errors and numbers of lines.
func TestRowsInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	odd := []string{"\n", "# a comment\n", "\xff\n", "not a value at all\n", "0.0.0.0 a.example b.example\n"}
	for _, form := range []string{"list", "table"} {
		var text strings.Builder
		if form == "table" {
			text.WriteString("type,value,comment\n")
		}
		for i := range 6000 {
			switch {
			case i%29 == 0 && (i < 500 || i%7 > 0):
				text.WriteString(odd[r.IntN(len(odd))])
			case i%701 == 700:
				text.WriteString(strings.Repeat("x", intake.MaxLine+r.IntN(9)) + "\n")
			case form == "list":
				fmt.Fprintf(&text, "n%d.example\n", i)
			case i%31 == 0:
				fmt.Fprintf(&text, "domain,n%d.example,\"a\n\n,b\"\n", i)
			default:
				fmt.Fprintf(&text, "domain,n%d.example,x\n", i)
			}
		}
		var want, got []string
		var seq iter.Seq2[intake.Item, error]
		if seq = intake.ReadList(strings.NewReader(text.String())); form == "table" {
			layout, err := intake.DetectLayout([]byte(text.String()[:1000]))
			if err != nil {
				t.Fatal(err)
			}
			seq = intake.ReadTable(strings.NewReader(text.String()), layout)
		}
		for i, err := range seq {
			var line *intake.LineError
			if errors.As(err, &line) {
				want = append(want, fmt.Sprintf("line %d: %v", line.Line, err))
			} else {
				want = append(want, fmt.Sprint(i, err))
			}
		}
		format, err := ReadFile(strings.NewReader(text.String()), "x", Taker{
			Object: func(*stix.Object) error { return errors.New("no object") },
			Item: func(i intake.Item) error {
				got = append(got, fmt.Sprint(i, nil))
				return nil
			},
			Refuse: func(what string, err error) { got = append(got, what+": "+err.Error()) },
		})
		if err != nil || format != map[string]intake.Format{"list": intake.FormatList, "table": intake.FormatTable}[form] {
			t.Fatalf("%s: %s, %v", form, format, err)
		}
		if !slices.Equal(got, want) || len(want) < 5000 {
			t.Errorf("%s: %d where there are %d", form, len(got), len(want))
		}
	}
}

// oddTable draws a table whose rows say more than a value, well and badly.
func oddTable(r *rapid.T) string {
	cells := map[string][]string{
		"value": {"n1.example", "n2.example", "N2.example.", "n3.example", "n4.example", "n5.example:443", "co.uk", "192.0.2.0/24", "0.0.0.0/0", "mutex:x", "file-name:a.exe", "http://n6.example/%ff",
			"ja3:e7d705a3286e19ea42f587b344ee6865", "ja4:t13d1516h2_8daaf6152771_b186095e22b6", "", "no value"},
		"comment":     {"", "x", "a, b; c", "a\n\nb", `""x""`, "\xff", "é", strings.Repeat("long ", 1000)},
		"tlp":         {"", "", "TLP:AMBER", "tlp:red", "green", "TLP:PURPLE", "white", "-"},
		"first_seen":  {"", "", "2024-05-01", "2024-05-01 10:00:00", "2025-01-01T00:00:00Z", "yesterday", "1970-01-01"},
		"valid_until": {"", "", "2024-12-31", "2024-05-01T09:59:59", "2024-05-01", "31.12.2024", "never", "9999-12-31", "12/31/2024", "2024-06-01 00:00"},
		"reference":   {"", "https://n7.example/%ff", "\u00a0", "x"},
	}
	names := append([]string{"value"}, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"comment", "tlp", "first_seen", "valid_until", "reference"}), 1, 5, rapid.ID).Draw(r, "columns")...)
	names = rapid.Permutation(names).Draw(r, "order")
	comma, quoted := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(r, "comma"), rapid.Bool()
	var text strings.Builder
	text.WriteString(strings.Join(names, comma) + "\n")
	for range rapid.IntRange(1, 12).Draw(r, "rows") {
		for i, name := range names {
			if i > 0 {
				text.WriteString(comma)
			}
			cell := rapid.SampledFrom(cells[name]).Draw(r, name)
			if quoted.Draw(r, "quoted") || strings.ContainsAny(cell, comma+"\n") {
				cell = `"` + cell + `"`
			}
			text.WriteString(cell)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// TestItemsAsDrafted: tables whose rows say more than a value, and what is read before and after them, give what a draft of each row gives: the same is refused with the same words, and the same is watched for.
func TestItemsAsDrafted(t *testing.T) {
	var all Report
	rapid.Check(t, func(r *rapid.T) {
		s, g := New(watch.Seed{1, 2}), New(watch.Seed{1, 2})
		for range rapid.IntRange(1, 4).Draw(r, "files") {
			o := Options{Name: rapid.SampledFrom([]string{"x", "y", "\xff"}).Draw(r, "name"), Now: now.AddDate(0, rapid.IntRange(-2, 1).Draw(r, "month"), 0)}
			text := ""
			switch rapid.IntRange(0, 5).Draw(r, "form") {
			case 0:
				text = "n1.example\nn2.example # x\nco.uk\n1.2.3.4\n"
			case 1:
				text = strings.Replace(plainHead, "url:value = 'http://a.example/'", "domain-name:value = 'n1.example'", 1) + "}\n"
			default:
				text = oddTable(r)
			}
			rep, err := s.Read(strings.NewReader(text), o)
			general, failed := readGenerally(g, strings.NewReader(text), o)
			if got, want := toldOf(rep, err), toldOf(general, failed); !slices.Equal(got, want) {
				r.Fatalf("%s:\n%s\nand drafted\n%s", text, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			all.Indicators, all.Bad, all.Broad = all.Indicators+rep.Indicators, all.Bad+rep.Bad, all.Broad+rep.Broad
		}
		if got, want := holds(s), holds(g); !slices.Equal(got, want) {
			r.Fatalf("%s\nand drafted\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	if min(all.Indicators, all.Bad, all.Broad) < 10 {
		t.Errorf("hardly any of a kind: %+v", all)
	}
}
