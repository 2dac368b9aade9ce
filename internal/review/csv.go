package review

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/journal"
)

// CSV returns the report as a table of one value a line (RFC 4180, UTF-8, CRLF), with a line of column names first: what
// part it is of, the type of request, both parties and agencies, what is measured, and the value. A cell that a spreadsheet would
// take for a formula has an apostrophe before it.
func (r *Report) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := &table{Writer: csv.NewWriter(&b), names: r.names()}
	w.UseCRLF = true
	w.line("part", "type", "asking", "asking_agency", "asked", "asked_agency", "item", "measure", "value")
	for _, kv := range [][2]string{{"unit", string(r.Unit)}, {"name", r.Name}, {"from", stamp(r.From)}, {"to", stamp(r.To)}, {"now", stamp(r.Now)}, {"accord", r.Accord}, {"version", strconv.Itoa(r.Version)}} {
		w.line("report", "", "", "", "", "", "", kv[0], kv[1])
	}
	for _, h := range r.Cut {
		w.line("cut", "", "", "", w.name(h.Party), "", string(h.Origin), "size", strconv.FormatInt(h.Size, 10))
		w.line("cut", "", "", "", w.name(h.Party), "", string(h.Origin), "root", h.Root.String())
	}
	for _, row := range r.Types {
		w.row("type", row)
	}
	for _, row := range r.Rows {
		w.row("row", row)
	}
	for _, c := range r.Calls {
		item := map[bool]string{false: "calls", true: "drills"}[c.Drill]
		w.numbers([]string{"call", "", "", "", w.name(c.Called), "", item}, "n", c.N, "in_time", c.InTime, "late", c.Late, "missed", c.Missed, "running", c.Running, "untimed", c.Untimed, "p50", int(c.P50), "p90", int(c.P90), "max", int(c.Max))
	}
	for _, v := range r.Reviews {
		for _, s := range v.Scores {
			for _, name := range slices.Sorted(maps.Keys(s.Scores)) {
				w.line("review", s.Type, w.name(s.By), "", w.name(s.Of), "", v.Review.String(), "score_"+name, strconv.Itoa(s.Scores[name]))
			}
		}
	}
	for _, x := range r.Breaches.Listed {
		w.line("breach", x.Kind, "", "", w.name(x.Party), "", x.Entry.String(), x.Code, x.Clause)
	}
	for _, d := range r.Disputes.Listed {
		w.line("dispute", d.Type, "", "", w.name(d.Party), "", d.Entry.String(), map[bool]string{true: "open", false: "over"}[d.Open], d.Code)
	}
	for _, d := range r.Differences.Listed {
		for _, c := range d.Claims {
			w.line("difference", d.What, "", "", w.name(c.Party), "", d.Entry.String(), c.Says, stamp(c.At))
		}
	}
	w.numbers([]string{"total", "", "", "", "", "", ""}, "breaches", r.Breaches.Total, "disputes", r.Disputes.Total, "differences", r.Differences.Total)
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	return b.Bytes(), nil
}

// table writes lines of cells that no spreadsheet takes for more than text.
type table struct {
	*csv.Writer
	names map[journal.PartyID]string
}

func (w *table) name(p journal.PartyID) string {
	if n := w.names[p]; n != "" {
		return n
	}
	return string(p)
}

func (w *table) line(cells ...string) {
	for i, c := range cells {
		cells[i] = harmless(shown(c))
	}
	_ = w.Write(cells) // told by Error
}

// harmless puts an apostrophe before what a spreadsheet would take for a formula, blanks before it or not.
func harmless(cell string) string {
	if rest := strings.TrimLeft(cell, " \u00a0\u3000"); rest != "" && strings.ContainsAny(rest[:1], "=+-@|%'\"") || strings.HasPrefix(rest, "\uff1d") || strings.HasPrefix(rest, "\uff0b") || strings.HasPrefix(rest, "\uff0d") || strings.HasPrefix(rest, "\uff20") {
		return "'" + cell
	}
	return cell
}

func (w *table) numbers(before []string, kv ...any) {
	for i := 0; i+1 < len(kv); i += 2 {
		w.line(append(slices.Clone(before), kv[i].(string), strconv.Itoa(kv[i+1].(int)))...)
	}
}

func (w *table) row(part string, r Row) {
	head := []string{part, r.Type, "", r.AskingAgency, "", r.AskedAgency, ""}
	if part == "row" {
		head[2], head[4] = w.name(r.Asking), w.name(r.Asked)
	}
	w.numbers(head, "sent", r.Sent, "answered", r.Answered, "refused", r.Refused, "silent", r.Silent, "unreceived", r.Unreceived,
		"withdrawn", r.Withdrawn, "open", r.Open, "disputed", r.Disputed, "overdue", r.Overdue)
	for _, m := range []struct {
		name string
		of   map[string]int
	}{{"refused", r.Refusals}, {"postponed", r.Postponed}, {"use", r.Use}} {
		for _, code := range slices.Sorted(maps.Keys(m.of)) {
			head[6] = code
			w.numbers(head, m.name, m.of[code])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Scores)) {
		s := r.Scores[name]
		head[6] = name
		w.numbers(head, "score_n", s.N, "score_sum", s.Sum)
		w.line(append(slices.Clone(head), "score_mean", s.Mean)...)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Clocks)) {
		c := r.Clocks[name]
		head[6] = name
		w.numbers(head, "clock_n", c.N, "clock_in_time", c.InTime, "clock_late", c.Late, "clock_missed", c.Missed, "clock_running", c.Running, "clock_ended", c.Ended,
			"clock_posting", c.Posting, "clock_p50", int(c.P50), "clock_p90", int(c.P90), "clock_max", int(c.Max))
	}
	for _, a := range r.Answers {
		head[6] = strconv.FormatInt(a.Seconds, 10)
		w.numbers(head, "answers", a.N)
	}
}

// names are those of parties; one that two parties have stands with the beginning of the id.
func (r *Report) names() map[journal.PartyID]string {
	many := map[string]int{}
	for _, p := range r.Parties {
		many[p.Name]++
	}
	out := map[journal.PartyID]string{}
	for _, p := range r.Parties {
		out[p.ID] = p.Name
		if many[p.Name] > 1 || p.Name == "" {
			out[p.ID] = fmt.Sprintf("%s (%.8s)", p.Name, p.ID)
		}
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
