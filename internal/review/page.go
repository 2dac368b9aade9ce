package review

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"time"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/journal"
)

//go:embed page.html
var pageText string

// maxShown is how many rows and how many items of a list the page shows; the JSON has more.
const maxShown = 200

// HTML returns the report as one page in the words of a language that needs nothing else: no script, no other file, and fit to
// print. Codes of the accord's own, and what parties say, have no words and stand as they are.
// Everything that parties wrote is escaped, and hidden characters are written out.
func (r *Report) HTML(c *lang.Catalog) ([]byte, error) {
	hash, err := r.Hash()
	if err != nil {
		return nil, err
	}
	names := r.names()
	t, err := template.New("page").Funcs(template.FuncMap{
		"text": shown, "stamp": stamp, "span": func(s int64) string { return span(c, s) }, "tag": c.Tag, "t": c.Text,
		"code": func(family string, code any) string { return shown(c.Code(family, fmt.Sprint(code))) },
		"why": func(code string) string { // why a move, or an entry, changed nothing
			if c.Has("desk." + code) {
				return c.Code("desk", code)
			}
			return shown(c.Code("gate", code))
		},
		"day": func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"party": func(p journal.PartyID) string {
			if n := names[p]; n != "" {
				return shown(n)
			}
			return fmt.Sprintf("%.8s", p)
		},
	}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	p := page{R: r, Hash: hex.EncodeToString(hash[:]), Rows: r.Rows[:min(len(r.Rows), maxShown)], InTime: r.inTime(c), Times: r.times(c), Clocks: r.clocks(c),
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
		for _, p := range []part{{Class: "g", Name: c.Text("review.in-time"), N: k.InTime}, {Class: "l", Name: c.Text("review.late"), N: k.Late}, {Class: "m", Name: c.Text("review.missed"), N: k.Missed}, {Class: "r", Name: c.Text("review.running-ended"), N: k.Running + k.Ended}} {
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
	labels := []string{c.Text("time.h", "n", 1), c.Text("time.h", "n", 8)}
	for _, days := range []int{1, 3, 7, 20, 45, 90} {
		labels = append(labels, c.Text("time.d", "n", days))
	}
	labels = append(labels, c.Text("review.more-time"))
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
	words *lang.Catalog
}

// Span is a time, or nothing where no clock was met.
func (c clockLine) Span(s int64) string {
	if c.InTime+c.Late == 0 {
		return ""
	}
	return span(c.words, s)
}

// order is that of a request's life.
var order = []string{accord.StageReceipt, accord.StageEarlyWarning, accord.StageAcknowledge, accord.StageDecide, accord.StageAnswer, accord.StageHold,
	accord.StageNotification, accord.StageFinalReport, accord.StageAssess, accord.StageSilence}

func (r *Report) clocks(c *lang.Catalog) []clockLine {
	var out []clockLine
	for _, row := range r.Types {
		for _, name := range order {
			if k, ok := row.Clocks[name]; ok {
				out = append(out, clockLine{row.Type, name, k, c})
			}
		}
	}
	return out
}

// span writes seconds in their two largest units.
func span(c *lang.Catalog, s int64) string {
	units := []struct {
		key  string
		size int64
	}{{"time.d", 86400}, {"time.h", 3600}, {"time.min", 60}, {"time.s", 1}}
	for i, u := range units {
		n := s / u.size
		if n == 0 {
			continue
		}
		text := c.Text(u.key, "n", int(n))
		if i+1 < len(units) {
			if rest := s % u.size / units[i+1].size; rest > 0 {
				text = c.Text("time.joint", "a", text, "b", c.Text(units[i+1].key, "n", int(rest)))
			}
		}
		return text
	}
	return c.Text("time.s", "n", 0)
}
