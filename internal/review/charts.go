package review

import (
	"fmt"
	"maps"
	"slices"

	"entente/internal/accord"
	"entente/internal/lang"
)

// bars are a chart of one bar a type, in parts.
type bars struct {
	Height int
	Bars   []bar
}

type bar struct {
	Label   string
	Y, Text int
	Parts   []part
	Note    string
}

type part struct {
	Class, Name string
	N, X, W     int
}

// inTime charts the clock that says when a type is answered: of incidents that of the final report.
func (r *Report) inTime(c *lang.Catalog) bars {
	out := bars{Height: 8}
	for _, row := range r.Types {
		k, ok := row.Clocks[accord.StageAnswer]
		if !ok {
			if k, ok = row.Clocks[accord.StageFinalReport]; !ok {
				continue
			}
		}
		b := bar{Label: row.Type, Y: out.Height, Text: out.Height + 13, Note: c.Text("review.share", "n", k.InTime, "all", k.N)}
		x := 240
		for _, p := range []part{{Class: "part-good", Name: c.Text("review.in-time"), N: k.InTime}, {Class: "part-late", Name: c.Text("review.late"), N: k.Late}, {Class: "part-missed", Name: c.Text("review.missed"), N: k.Missed}, {Class: "part-rest", Name: c.Text("review.running-ended"), N: k.Running + k.Ended}} {
			if p.N > 0 {
				p.X, p.W = x, max(1, 270*p.N/k.N)
				x += p.W
				b.Parts = append(b.Parts, p)
			}
		}
		out.Bars = append(out.Bars, b)
		out.Height += 26
	}
	return out
}

// column is one column of the distribution of answer times.
type column struct {
	Label      string
	N, X, Y, H int
	Mid, Above int
}

func (r *Report) times(c *lang.Catalog) []column {
	labels := append(bounds(c), c.Text("review.more-time"))
	sums, most := [len(buckets) + 1]int{}, 1
	for _, row := range r.Types {
		for i, b := range row.Answers {
			sums[i] += b.N
			most = max(most, sums[i])
		}
	}
	var out []column
	for i, n := range sums {
		h := 140 * n / most
		x := 28 + 66*i
		out = append(out, column{Label: labels[i], N: n, X: x, Y: 170 - h, H: h, Mid: x + 26, Above: 166 - h})
	}
	return out
}

// bounds are those of Row.Answers in words.
func bounds(c *lang.Catalog) []string {
	var out []string
	for _, s := range buckets {
		out = append(out, span(c, s))
	}
	return out
}

// ranges are a chart of how long clocks took, on the scale of the bounds of Row.Answers: from the median over what 90 of
// 100 took to the longest.
type ranges struct {
	Height, Foot int
	Ticks        []tick
	Lines        []rangeLine
}

type tick struct {
	Label string
	X     int
}

type rangeLine struct {
	Type, Name     string
	Y, Text        int
	P50, P90, Max  int // where they lie
	Median, Length string
}

// maxLines is how many clocks the chart shows; the table has all.
const maxLines = 40

func spans(clocks []clockLine, c *lang.Catalog) ranges {
	out := ranges{Height: 8}
	for _, k := range clocks {
		if k.InTime+k.Late == 0 || len(out.Lines) == maxLines {
			continue
		}
		out.Lines = append(out.Lines, rangeLine{Type: k.Type, Name: k.Name, Y: out.Height + 24, Text: out.Height + 12, P50: along(k.P50), P90: along(k.P90), Max: along(k.Max), Median: span(c, k.P50), Length: span(c, k.Max)})
		out.Height += 38
	}
	for i, label := range bounds(c) {
		out.Ticks = append(out.Ticks, tick{label, along(buckets[i])})
	}
	out.Foot = out.Height
	out.Height += 20
	return out
}

// along is where a time lies on the scale: each step from one bound to the next is as wide as the others.
func along(s int64) int {
	const begin, step = 20, 66
	from := int64(0)
	for i, to := range buckets {
		if s <= to {
			return begin + i*step + int((s-from)*step/(to-from))
		}
		from = to
	}
	return begin + len(buckets)*step + step/2
}

// scoreBars chart the mean of each score over all types.
func (r *Report) scoreBars(c *lang.Catalog) bars {
	n, sum := map[string]int{}, map[string]int{}
	for _, row := range r.Types {
		for name, s := range row.Scores {
			n[name] += s.N
			sum[name] += s.Sum
		}
	}
	out := bars{Height: 8}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		if n[name] == 0 {
			continue
		}
		mean := (200*sum[name]/n[name] + 1) / 2
		note := fmt.Sprintf("%d.%02d (%d)", mean/100, mean%100, n[name])
		out.Bars = append(out.Bars, bar{Label: name, Y: out.Height, Text: out.Height + 13, Note: note, Parts: []part{{Class: "part-mark", Name: note, X: 240, W: max(1, 270*mean/500)}}})
		out.Height += 26
	}
	return out
}
