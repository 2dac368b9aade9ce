package intake

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
)

// dated are the facts that date a text; see the file.
//
//go:embed dated.tsv
var dated string

// fact is one of them.
type fact struct {
	from, to time.Time
	meeting  bool
	what     string
	names    [][]string // all of these groups, each in any of its spellings
}

// facts reads the table. The error is for the test that holds the file to its form.
func facts() ([]fact, error) {
	var out []fact
	for line := range strings.Lines(dated) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cols := strings.Split(line, "\t")
		if len(cols) != 5 || cols[2] != "term" && cols[2] != "meeting" {
			return nil, fmt.Errorf("dated.tsv: %q has not the five columns", line)
		}
		f := fact{meeting: cols[2] == "meeting", what: cols[3]}
		var err error
		if f.from, err = time.Parse(time.DateOnly, cols[0]); err != nil {
			return nil, fmt.Errorf("dated.tsv: %w", err)
		}
		if f.to, err = time.Parse(time.DateOnly, cols[1]); err != nil {
			return nil, fmt.Errorf("dated.tsv: %w", err)
		}
		for group := range strings.SplitSeq(cols[4], "+") {
			f.names = append(f.names, strings.Split(group, "|"))
		}
		out = append(out, f)
	}
	return out, nil
}

// near is how long before and after a meeting texts speak of it.
const near = 60 * 24 * time.Hour

// in tells whether a text holds all the names of a fact.
func (f fact) in(text string) bool {
	for _, group := range f.names {
		if !slices.ContainsFunc(group, func(name string) bool { return strings.Contains(text, name) }) {
			return false
		}
	}
	return true
}

// fits tells whether a day can be meant by a text that speaks of the fact.
func (f fact) fits(t time.Time) bool {
	if f.meeting {
		return !t.Before(f.from.Add(-near)) && !t.After(f.to.Add(near))
	}
	return !t.Before(f.from) && !t.After(f.to)
}

// inferYear finds the one year that a day without a year can be of, from who is in
// office and which meetings are near in the text. A meeting says more than any
// number of offices. Where several years fit, or none, the year stays unknown: an
// analyst says it.
func inferYear(d Date, p Page) Date {
	all, err := facts()
	if err != nil {
		return d
	}
	text := p.Title + "\n" + p.Text
	var held []fact
	for _, f := range all {
		if f.in(text) {
			held = append(held, f)
		}
	}
	best, years := 0, []int(nil)
	for year := 1993; year <= 2030; year++ {
		day := Date{Year: year, Month: d.Month, Day: d.Day}
		if !day.valid() {
			continue
		}
		score := 0
		for _, f := range held {
			if f.fits(day.Time()) {
				if score++; f.meeting {
					score += 100
				}
			}
		}
		if score > best {
			best, years = score, nil
		}
		if score == best && score > 0 {
			years = append(years, year)
		}
	}
	if len(years) != 1 {
		return d
	}
	d.Year, d.Inferred = years[0], true
	var why []string
	for _, f := range held {
		if f.fits(d.Time()) && (f.meeting || len(why) < 3) {
			why = append(why, f.what)
		}
	}
	d.Evidence += "; the year is inferred from " + strings.Join(why, ", ")
	return d
}
