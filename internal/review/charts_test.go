package review

import (
	"testing"

	"entente/internal/lang"
)

// TestLimitOfChart: a chart of how long things took shows so many clocks; the table has all.
func TestLimitOfChart(t *testing.T) {
	for more := range 2 {
		clocks := make([]clockLine, maxLines+more)
		for i := range clocks {
			clocks[i].InTime = 1
		}
		if got := len(spans(clocks, lang.English()).Lines); got != maxLines {
			t.Errorf("maxLines, %d more: %d are drawn", more, got)
		}
	}
}
