package indicators

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"entente/internal/intake"
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
