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
	"entente/internal/lang"
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

const pageHead = `<html lang="%s">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%s</title>
`

const pageStyle = `<style>
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
	size *int   // bytes written; -1 once something was left out
	full string // what the page ends with if it has no more room
}

func (h web) raw(s string) {
	if *h.size < 0 || *h.size+len(s) > maxPage-len(h.full)-len(pageEnd) {
		*h.size = -1
		return
	}
	*h.size += len(s)
	_, _ = h.w.WriteString(s)
}

const pageEnd = "</body>\n</html>\n"

func esc(s string) string { return html.EscapeString(clean(s)) }

// t is a text of the catalog, and raw HTML: what it is filled with is escaped.
func (h web) t(key string, args ...any) string { return esc(h.p.t(key, args...)) }

// note is a paragraph. The command in its text is set as code.
func (h web) note(key string, args ...any) {
	h.raw("<p>" + marked(h.t(key, args...)) + "</p>\n")
}

// marked sets what stands between grave accents as code.
func marked(text string) string {
	parts := strings.Split(text, "`")
	for i := 1; i+1 < len(parts); i += 2 {
		parts[i] = "<code>" + parts[i] + "</code>"
	}
	return strings.Join(parts, "")
}

// names puts keys of the catalog into words, as the headings of a table.
func (h web) names(keys ...string) []string {
	for i, key := range keys {
		keys[i] = h.p.t(key)
	}
	return keys
}

// escLines is esc for a text of several lines.
func (h web) escLines(s string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(s) {
		if n += len(line); n > maxPageText {
			b.WriteString("\n[" + h.t("verify.page-more-text") + "]")
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

// WritePage writes the report as one HTML page in the language of a catalog that needs nothing else: no script, no link, nothing
// fetched. Foreign text in it is escaped. With About it shows those requests and cases, and what belongs to them, in full.
func (r *Report) WritePage(w io.Writer, c *lang.Catalog) error {
	h := web{w: bufio.NewWriter(w), p: newPage(io.Discard, r, c), size: new(int)}
	h.full = "\n<p>" + marked(h.t("verify.page-full")) + "</p>\n"
	h.raw(pageStart + fmt.Sprintf(pageHead, c.Tag(), h.t("verify.page")) + pageStyle)
	h.heading(1, h.p.t("verify.page-of", "unit", r.Name))
	h.raw(`<p class="note">` + marked(h.t("verify.page-is")) + "</p>\n")
	h.rows(nil, [][]string{{h.p.t("verify.page-purpose"), r.Purpose}, {h.p.t("verify.page-note"), r.Note}, {h.p.t("verify.page-made"), h.p.when(r.Created)},
		{h.p.t("verify.page-unit"), string(r.Unit)}, {h.p.t("verify.page-founded"), h.p.t("verify.at-by", "at", r.Founded, "party", h.p.party(r.Founder))}})
	h.heading(2, h.p.t("verify.page-parties"))
	var rows [][]string
	for _, p := range r.Parties {
		rows = append(rows, []string{p.Name, string(p.Party), p.OrgKey.String(), p.NodeKey.String()})
	}
	h.rows(h.names("verify.col-name", "verify.col-id", "verify.col-org", "verify.col-node"), rows)
	h.heading(2, h.p.t("verify.page-findings"))
	rows = nil
	for _, f := range r.Findings[:min(len(r.Findings), 200)] {
		rows = append(rows, []string{h.p.code("weight", string(f.Weight)), h.p.t("verify.in-words", "text", FindingText(c, f.Code), "code", f.Code), h.p.party(f.Party), f.words(c, asIs)})
	}
	if r.faultless() {
		h.note("verify.faultless")
	}
	h.rows(h.names("verify.col-weight", "verify.col-code", "verify.col-about", "verify.col-what"), rows)
	h.requests()
	h.record()
	h.exhibits()
	end := pageEnd
	if *h.size < 0 {
		end = h.full + pageEnd
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
		name := f.Name
		if h.p.c.Has("field." + name) {
			name = h.p.code("field", name)
		}
		rows = append(rows, []string{name, f.Value})
	}
	if w.Title != "" {
		h.raw("<p><strong>" + esc(w.Title) + "</strong></p>\n")
	}
	if w.Text != "" {
		h.raw(`<div class="said">` + h.escLines(w.Text) + "</div>\n")
	}
	h.rows(nil, rows)
}

func (h web) requests() {
	r := h.p.r
	h.heading(2, h.p.t("verify.requests"))
	shown := 0
	for _, q := range r.Requests {
		if !r.concerns(q.ID) || shown == 200 {
			continue
		}
		shown++
		h.heading(3, h.p.requestTitle(&q, false))
		h.rows(nil, [][]string{{h.p.t("verify.col-state"), h.p.code("state", string(q.State))}, {h.p.t("verify.col-sent"), h.p.when(q.Sent)}, {h.p.t("verify.received"), h.p.when(q.Received)}, {h.p.t("verify.col-entry"), q.ID.String()}})
		for _, s := range q.Steps {
			h.step(s)
		}
		for _, s := range q.Illegal[:min(len(q.Illegal), maxIdle)] {
			h.step(s)
		}
		if more := len(q.Illegal) - maxIdle; more > 0 {
			h.note("verify.page-more-idle", "n", more)
		}
		var clocks [][]string
		for _, c := range q.Clocks {
			clocks = append(clocks, []string{h.p.code("stage", c.Name), c.Clause, h.p.party(c.Owner), h.p.when(c.Started), h.p.when(c.Due), h.p.when(c.Met)})
		}
		h.rows(h.names("verify.col-clock", "verify.col-clause", "verify.col-owner", "verify.col-since", "verify.due", "verify.col-met"), clocks)
	}
	if shown == 0 {
		h.note("verify.none")
	}
	if more := len(r.Requests) - shown; more > 0 {
		h.note("verify.page-more-requests", "n", more)
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
				h.heading(2, h.p.t(c.heading))
			}
			h.heading(3, t.title)
			var rows [][]string
			if t.id != (journal.Ref{}) {
				rows = append(rows, []string{h.p.t("verify.col-entry"), t.id.String()})
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
			h.note("verify.page-more-others", "n", more)
		}
	}
}

func (h web) step(s desk.Step) {
	what := h.p.code("move", s.Move)
	if s.Refused != "" {
		what = h.p.t("verify.step-idle", "what", what, "code", s.Refused, "why", h.p.code("desk", s.Refused))
	}
	if s.Code != "" {
		what = h.p.t("verify.step-code", "what", what, "code", h.p.code("refusal", s.Code))
	}
	h.raw("<p>" + esc(h.p.stepLine(s.At, what, s.Party, s.By)) + "<br><code>" + esc(s.Ref.String()) + "</code></p>\n")
	h.words(s.Ref)
}

func (h web) exhibits() {
	r := h.p.r
	if len(r.Exhibits) == 0 {
		return
	}
	h.heading(2, h.p.t("verify.exhibits"))
	shown := 0
	for _, x := range r.Exhibits {
		if !r.concerns(x.ID) || shown == 200 {
			continue
		}
		shown++
		h.heading(3, h.p.t("verify.page-exhibit", "title", x.Title))
		h.rows(nil, [][]string{{h.p.t("verify.page-attached"), h.p.t("verify.at-by", "at", x.Added, "party", h.p.party(x.Party))}, {h.p.t("verify.col-state"), h.p.code("exhibit-state", x.State)}, {h.p.t("verify.col-entry"), x.ID.String()}, {h.p.t("verify.col-seal"), x.Seal.String()},
			{h.p.t("verify.page-manifest"), x.Manifest}, {h.p.t("verify.col-size"), h.p.t("verify.page-size", "files", count("ui.n-files", int64(x.Files)), "bytes", count("size.bytes", x.Size), "chunks", count("ui.n-chunks", int64(x.Chunks)))}})
		var rows [][]string
		for _, f := range x.List {
			rows = append(rows, []string{f.Path, fmt.Sprint(f.Size), f.Type, hex.EncodeToString(f.SHA256[:])})
		}
		h.rows(append(h.names("verify.col-file", "verify.col-bytes", "verify.col-type"), "SHA-256"), rows)
		if more := x.Files - int64(len(x.List)); more > 0 && len(x.List) > 0 {
			h.note("verify.page-more-files", "n", more)
		}
		h.heading(3, h.p.t("verify.page-custody"))
		for i, s := range x.Steps {
			h.raw("<p>" + esc(h.p.step(&x, i, s)) + "</p>\n")
			h.words(s.Ref)
		}
	}
	if more := len(r.Exhibits) - shown; more > 0 {
		h.note("verify.page-more-exhibits", "n", more)
	}
}
