package intake

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md that no other test does.
func TestLimits(t *testing.T) {
	row := func(n int) string { return "evil.example.com" + strings.Repeat(",x", n-1) + "\n" }
	for n, want := range map[int]int{MaxColumns: 1, MaxColumns + 1: 0} {
		got, bad := readAll(t, ReadTable(strings.NewReader(row(n)), Layout{Comma: ',', Columns: []Role{RoleValue}}))
		if len(got) != want || len(bad) != 1-want {
			t.Errorf("%d columns: %d values, %d bad", n, len(got), len(bad))
		}
	}
	if _, err := ParseLayout(fmt.Sprintf("value=%d", MaxColumns)); err != nil {
		t.Error(err)
	}
	sentence := "Somebody broke into the mail of the council and left with letters of its officers, it said. "
	p, err := ReadPage([]byte("A title\n\n" + strings.Repeat(sentence, MaxText/len(sentence)+10) + "\n"))
	if err != nil || len(p.Text) > MaxText || len(p.Text) < MaxText-4 {
		t.Errorf("a text of %d bytes, %v", len(p.Text), err)
	}
	if _, err := ReadPage([]byte("<html><body>" + strings.Repeat("<p>x", maxNodes/2+10))); !errors.Is(err, ErrTooLong) {
		t.Errorf("a page of too many elements: %v", err)
	}
}

// TestQuotedCellWithoutEnd: a row of very many lines costs what it is long, not the
// square of it.
func TestQuotedCellWithoutEnd(t *testing.T) {
	layout := Layout{Comma: ',', Columns: []Role{RoleValue, RoleNote}}
	text := "evil.example.com,\"" + strings.Repeat("\n", MaxLine-100) + "\"\nnext.example.com,x\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, bad := readAll(t, ReadTable(strings.NewReader(text), layout))
	runtime.ReadMemStats(&after)
	if len(got) != 2 || len(bad) != 0 {
		t.Errorf("%q, bad: %q", got, bad)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 200*MaxLine {
		t.Errorf("a row of %d bytes took %d bytes of memory, one copy for each line of it", len(text), took)
	}
	// One that never ends is cut where a row may end, and reading goes on behind it.
	got, bad = readAll(t, ReadTable(strings.NewReader("evil.example.com,\""+strings.Repeat("\n", 2*MaxLine)+"next.example.com,x\n"), layout))
	if len(got) == 0 || got[len(got)-1] != fmt.Sprintf("%d domain:next.example.com", 2*MaxLine+1) {
		t.Errorf("what follows a cell without an end: %q, bad: %q", got, bad)
	}
}
