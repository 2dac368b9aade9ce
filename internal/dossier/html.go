package dossier

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"entente/internal/desk"
	"entente/journal"
)

// maxPage bounds the page that a dossier holds, in bytes.
const maxPage = 8 << 20

// pageStart is what a page in a dossier begins with.
const pageStart = "<!DOCTYPE html>\n"

// maxPageText bounds what a page shows of one text, in characters.
const maxPageText = 20_000

// PageReport is what is known of the page in a dossier.
type PageReport struct {
	Bytes  int64        `json:"bytes"`
	SHA256 journal.Hash `json:"sha256"`
}

const pageHead = `<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Dossier</title>
<style>
body{font:11pt/1.45 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;border-bottom:1px solid #999;margin-top:2rem}h3{font-size:1rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{border:1px solid #bbb;padding:.25rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
code,pre{font-family:monospace;font-size:.85rem;overflow-wrap:anywhere;white-space:pre-wrap}
.said{border-left:3px solid #999;padding-left:.8rem;white-space:pre-wrap}.note{background:#f3f3f3;padding:.6rem .8rem}
</style>
</head>
<body>
`

// web writes HTML. Everything that is not written by raw is escaped twice over: what cannot be seen, or reorders what
// can, is written as \u{...}, and what HTML would read as markup is not.
//
// A page that has no more room takes nothing more than its end: whoever reads on finds it in the file.
type web struct {
	w    *bufio.Writer
	p    *page
	size *int // bytes written; -1 once something was left out
}

func (h web) raw(s string) {
	if *h.size < 0 || *h.size+len(s) > maxPage-len(pageFull)-len(pageEnd) {
		*h.size = -1
		return
	}
	*h.size += len(s)
	_, _ = h.w.WriteString(s)
}

const (
	pageFull = "\n<p>The page has no more room. The rest is in the file: <code>entente verify FILE</code> tells it.</p>\n"
	pageEnd  = "</body>\n</html>\n"
)

func esc(s string) string { return html.EscapeString(clean(s)) }

// escLines is esc for a text of several lines.
func escLines(s string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(s) {
		if n += len(line); n > maxPageText {
			b.WriteString("\n[more; the dossier has all of it]")
			break
		}
		b.WriteString(esc(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (h web) heading(level int, text string) {
	h.raw(fmt.Sprintf("<h%d>%s</h%d>\n", level, esc(text), level))
}

func (h web) rows(heading []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	h.raw("<table>\n")
	if heading != nil {
		h.raw("<tr>")
		for _, c := range heading {
			h.raw("<th>" + esc(c) + "</th>")
		}
		h.raw("</tr>\n")
	}
	for _, row := range rows {
		h.raw("<tr>")
		for _, c := range row {
			h.raw("<td>" + esc(c) + "</td>")
		}
		h.raw("</tr>\n")
	}
	h.raw("</table>\n")
}

// WritePage writes the report as one HTML page that needs nothing else: no script, no link, nothing fetched. Foreign
// text in it is escaped. With About it shows those requests and cases, and what belongs to them, in full.
func (r *Report) WritePage(w io.Writer) error {
	h := web{bufio.NewWriter(w), newPage(io.Discard, r), new(int)}
	h.raw(pageStart + pageHead)
	h.heading(1, "Dossier of unit "+r.Name)
	h.raw(`<p class="note">This page is for reading. What it says is proved only by the file that it came with: <code>entente verify FILE</code> checks every byte of that, without a node and without a network. Times are what whoever wrote an entry says.</p>` + "\n")
	h.rows(nil, [][]string{{"Purpose, as its maker says", r.Purpose}, {"Note of its maker", r.Note}, {"Made, as its maker says", when(r.Created)},
		{"Unit", string(r.Unit)}, {"Founded", when(r.Founded) + " by " + h.p.party(r.Founder)}})
	h.heading(2, "Parties and keys")
	var rows [][]string
	for _, p := range r.Parties {
		rows = append(rows, []string{p.Name, string(p.Party), p.OrgKey.String(), p.NodeKey.String()})
	}
	h.rows([]string{"name", "party id: compare it with what the party itself publishes", "organisation key", "node key"}, rows)
	h.heading(2, "What is proved, and what is open")
	rows = nil
	for _, f := range r.Findings[:min(len(r.Findings), 200)] {
		rows = append(rows, []string{string(f.Weight), f.Code, h.p.party(f.Party), f.Text})
	}
	if r.faultless() {
		h.raw("<p>No misbehaviour and no gap was found.</p>\n")
	}
	h.rows([]string{"weight", "code", "about", "what"}, rows)
	h.requests()
	h.record()
	h.exhibits()
	end := pageEnd
	if *h.size < 0 {
		end = pageFull + pageEnd
	}
	_, _ = h.w.WriteString(end)
	return h.w.Flush()
}

func (h web) words(ref journal.Ref) {
	r := h.p.r
	i, ok := slices.BinarySearchFunc(r.Words, ref, func(w Words, ref journal.Ref) int { return compareRefs(w.Ref, ref) })
	if !ok {
		return
	}
	w := r.Words[i]
	var rows [][]string
	for _, f := range w.Fields {
		rows = append(rows, []string{f.Name, f.Value})
	}
	if w.Title != "" {
		h.raw("<p><strong>" + esc(w.Title) + "</strong></p>\n")
	}
	if w.Text != "" {
		h.raw(`<div class="said">` + escLines(w.Text) + "</div>\n")
	}
	h.rows(nil, rows)
}

func (h web) requests() {
	r := h.p.r
	h.heading(2, "Requests")
	shown := 0
	for _, q := range r.Requests {
		if !r.concerns(q.ID) || shown == 200 {
			continue
		}
		shown++
		h.heading(3, fmt.Sprintf("%s (%s): %s asked %s", q.Type, q.Urgency, h.p.party(q.Asking), h.p.party(q.Asked)))
		h.rows(nil, [][]string{{"state", string(q.State)}, {"sent", when(q.Sent)}, {"received", when(q.Received)}, {"entry", q.ID.String()}})
		for _, s := range q.Steps {
			h.step(s)
		}
		for _, s := range q.Illegal[:min(len(q.Illegal), maxIdle)] {
			h.step(s)
		}
		if more := len(q.Illegal) - maxIdle; more > 0 {
			h.raw(fmt.Sprintf("<p>%d more moves had no effect.</p>\n", more))
		}
		var clocks [][]string
		for _, c := range q.Clocks {
			clocks = append(clocks, []string{c.Name, c.Clause, h.p.party(c.Owner), when(c.Started), when(c.Due), when(c.Met)})
		}
		h.rows([]string{"clock", "clause", "owed by", "since", "due", "met"}, clocks)
	}
	if shown == 0 {
		h.raw("<p>None.</p>\n")
	}
	if more := len(r.Requests) - shown; more > 0 {
		h.raw(fmt.Sprintf("<p>%d other requests of the unit are in the file and not on this page.</p>\n", more))
	}
}

// record writes the chapters of all that is neither a request nor an exhibit.
func (h web) record() {
	for _, c := range h.p.chapters() {
		shown := 0
		for _, t := range c.threads {
			if !h.p.r.concerns(t.id) || shown == 200 {
				continue
			}
			if shown++; shown == 1 {
				h.heading(2, c.heading)
			}
			h.heading(3, t.title)
			var rows [][]string
			if t.id != (journal.Ref{}) {
				rows = append(rows, []string{"entry", t.id.String()})
			}
			for _, x := range t.facts {
				rows = append(rows, x[:])
			}
			h.rows(nil, rows)
			for _, s := range t.steps {
				h.raw("<p>" + esc(s.line) + "<br><code>" + esc(s.ref.String()) + "</code></p>\n")
				h.words(s.ref)
			}
		}
		if more := len(c.threads) - shown; more > 0 && shown > 0 {
			h.raw(fmt.Sprintf("<p>%d others are in the file and not on this page.</p>\n", more))
		}
	}
}

func (h web) step(s desk.Step) {
	what := s.Move
	if s.Refused != "" {
		what += ", without effect (" + s.Refused + ")"
	}
	h.raw("<p>" + esc(when(s.At)+": "+what+" by "+h.p.party(s.Party)+" ("+s.By.Agency+":"+s.By.Role+") "+s.Code) + "<br><code>" + esc(s.Ref.String()) + "</code></p>\n")
	h.words(s.Ref)
}

func (h web) exhibits() {
	r := h.p.r
	if len(r.Exhibits) == 0 {
		return
	}
	h.heading(2, "Evidence")
	shown := 0
	for _, x := range r.Exhibits {
		if !r.concerns(x.ID) || shown == 200 {
			continue
		}
		shown++
		h.heading(3, "Exhibit "+x.Title)
		h.rows(nil, [][]string{{"attached by", h.p.party(x.Party) + ", " + when(x.Added)}, {"state", x.State}, {"entry", x.ID.String()}, {"seal", x.Seal.String()},
			{"SHA-256 of its manifest", x.Manifest}, {"size", fmt.Sprintf("%d files, %d bytes, %d chunks", x.Files, x.Size, x.Chunks)}})
		var rows [][]string
		for _, f := range x.List {
			rows = append(rows, []string{f.Path, fmt.Sprint(f.Size), f.Type, hex.EncodeToString(f.SHA256[:])})
		}
		h.rows([]string{"file", "bytes", "type", "SHA-256"}, rows)
		if more := x.Files - int64(len(x.List)); more > 0 && len(x.List) > 0 {
			h.raw(fmt.Sprintf("<p>%d more files are in the manifest.</p>\n", more))
		}
		h.heading(3, "Chain of custody")
		for i, s := range x.Steps {
			h.raw("<p>" + esc(h.p.step(&x, i, s)) + "</p>\n")
			h.words(s.Ref)
		}
	}
	if more := len(r.Exhibits) - shown; more > 0 {
		h.raw(fmt.Sprintf("<p>%d other exhibits of the unit are not on this page.</p>\n", more))
	}
}
