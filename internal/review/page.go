package review

import (
	"bytes"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/journal"
)

//go:embed page.html content.html
var pageTexts embed.FS

// maxShown is how many rows and how many items of a list the page shows; the JSON has more.
const maxShown = 200

// HTML returns the report as one page in the words of a language that needs nothing else: no script, no other file, and fit to
// print. Codes of the accord's own, and what parties say, have no words and stand as they are.
// Everything that parties wrote is escaped, and hidden characters are written out.
func (r *Report) HTML(c *lang.Catalog) ([]byte, error) { return r.draw(c, "page.html") }

// Content is what stands on that page below its heading, for a page that has a style and a heading of its own: sections that
// begin with a heading of the second level. The classes of its elements are those of content.html.
func (r *Report) Content(c *lang.Catalog) (template.HTML, error) {
	b, err := r.draw(c, "content.html")
	return template.HTML(b), err //nolint:gosec // the template escapes it
}

func (r *Report) draw(c *lang.Catalog, name string) ([]byte, error) {
	hash, err := r.Hash()
	if err != nil {
		return nil, err
	}
	names := r.names()
	t, err := template.New(name).Funcs(template.FuncMap{
		"text": shown, "says": func(x Claim) string { return shown(x.Text(c)) }, "stamp": stamp, "span": func(s int64) string { return span(c, s) }, "tag": c.Tag, "t": c.Text,
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
	}).ParseFS(pageTexts, "page.html", "content.html")
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	p := page{R: r, Hash: hex.EncodeToString(hash[:]), Rows: r.Rows[:min(len(r.Rows), maxShown)], InTime: r.inTime(c), Times: r.times(c), Clocks: r.clocks(c),
		Differences: first(r.Differences), Disputes: first(r.Disputes), Breaches: first(r.Breaches)}
	p.Spans, p.Scores = spans(p.Clocks, c), r.scoreBars(c)
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
	Spans       ranges
	Scores      bars
	Clocks      []clockLine
	Differences []Difference
	Disputes    []Dispute
	Breaches    []Breach
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

// saying are the families of codes of which Claim.Says may be one, in the order in which they are tried.
var saying = []string{"says", "standing", "claim", "custody", "move", "call-move", "contact-move", "case-move", "commitment-move", "exhibit-move", "statement-move", "leak-move", "review-move"}

// Text is Says in words; a hash, and a code without words, stay as they are.
func (c Claim) Text(words *lang.Catalog) string {
	if n, ok := strings.CutPrefix(c.Says, "timeliness-"); ok {
		return words.Code("score", "timeliness") + " " + n
	}
	for _, family := range saying {
		if words.Has(family + "." + c.Says) {
			return words.Code(family, c.Says)
		}
	}
	return c.Says
}
