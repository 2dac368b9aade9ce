package review

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

//go:embed page.html
var pageText string

// maxShown is how many rows and how many items of a list the page shows; the JSON has more.
const maxShown = 200

// HTML returns the report as one page that needs nothing else: no script, no other file, and fit to print.
// Everything that parties wrote is escaped, and hidden characters are written out.
func (r *Report) HTML() ([]byte, error) {
	hash, err := r.Hash()
	if err != nil {
		return nil, err
	}
	names := r.names()
	t, err := template.New("page").Funcs(template.FuncMap{
		"text": shown, "stamp": stamp, "span": span, "day": func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"party": func(p journal.PartyID) string {
			if n := names[p]; n != "" {
				return shown(n)
			}
			return fmt.Sprintf("%.8s", p)
		},
		"difference": difference,
	}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	p := page{R: r, Hash: hex.EncodeToString(hash[:]), Rows: r.Rows[:min(len(r.Rows), maxShown)], InTime: r.inTime(), Times: r.times(), Clocks: r.clocks(),
		Differences: first(r.Differences), Disputes: first(r.Disputes), Breaches: first(r.Breaches)}
	p.MoreRows = len(r.Rows) - len(p.Rows)
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	return b.Bytes(), nil
}

func first[T any](l List[T]) []T { return l.Listed[:min(len(l.Listed), maxShown)] }

// page is what the template is given.
type page struct {
	R           *Report
	Hash        string
	Rows        []Row
	MoreRows    int
	InTime      bars
	Times       []column
	Clocks      []clockLine
	Differences []Difference
	Disputes    []Dispute
	Breaches    []Breach
}

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
func (r *Report) inTime() bars {
	c := bars{Height: 8}
	for _, row := range r.Types {
		k, ok := row.Clocks[accord.StageAnswer]
		if !ok {
			if k, ok = row.Clocks[accord.StageFinalReport]; !ok {
				continue
			}
		}
		b := bar{Label: row.Type, Y: c.Height, Text: c.Height + 13, Note: fmt.Sprintf("%d of %d", k.InTime, k.N)}
		x := 130
		for _, p := range []part{{Class: "g", Name: "in time", N: k.InTime}, {Class: "l", Name: "late", N: k.Late}, {Class: "m", Name: "missed", N: k.Missed}, {Class: "r", Name: "running or ended before", N: k.Running + k.Ended}} {
			if p.N > 0 {
				p.X, p.W = x, max(1, 380*p.N/k.N)
				x += p.W
				b.Parts = append(b.Parts, p)
			}
		}
		c.Bars = append(c.Bars, b)
		c.Height += 26
	}
	return c
}

// column is one column of the distribution of answer times.
type column struct {
	Label      string
	N, X, Y, H int
	Mid, Above int
}

func (r *Report) times() []column {
	labels := [...]string{"1 h", "8 h", "1 d", "3 d", "7 d", "20 d", "45 d", "90 d", "more"}
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

// clockLine is one clock of one type.
type clockLine struct {
	Type, Name string
	Timing
}

// Span is a time, or nothing where no clock was met.
func (c clockLine) Span(s int64) string {
	if c.InTime+c.Late == 0 {
		return ""
	}
	return span(s)
}

// order is that of a request's life.
var order = []string{accord.StageReceipt, accord.StageEarlyWarning, accord.StageAcknowledge, accord.StageDecide, accord.StageAnswer, accord.StageHold,
	accord.StageNotification, accord.StageFinalReport, accord.StageAssess, accord.StageSilence}

func (r *Report) clocks() []clockLine {
	var out []clockLine
	for _, row := range r.Types {
		for _, name := range order {
			if k, ok := row.Clocks[name]; ok {
				out = append(out, clockLine{row.Type, name, k})
			}
		}
	}
	return out
}

// span writes seconds in their two largest units.
func span(s int64) string {
	units := []struct {
		name string
		size int64
	}{{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}
	var parts []string
	for i, u := range units {
		if n := s / u.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			if i+1 < len(units) {
				if rest := s % u.size / units[i+1].size; rest > 0 {
					parts = append(parts, fmt.Sprintf("%d %s", rest, units[i+1].name))
				}
			}
			return strings.Join(parts, " ")
		}
	}
	return "0 s"
}

func difference(what string) string {
	switch what {
	case DiffTime:
		return "claims of time"
	case DiffReceipt:
		return "asked, and not receipted"
	case DiffMove:
		return "a move without effect"
	case DiffTimeliness:
		return "the score for timeliness and the clock"
	case DiffHistory:
		return "two histories of a journal"
	case DiffSignature:
		return "different reports signed"
	case DiffReveal:
		return "scores that were not committed to"
	}
	return what
}
