package dossier

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entente/internal/lang"
	"entente/internal/unit"
	"entente/journal"
)

// clean makes foreign text safe to show: control characters, direction marks and everything else that
// is not visible is written as \u{...}, so that a name cannot hide, reorder or overwrite what stands
// beside it.
func clean(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case hidden(r):
			fmt.Fprintf(&b, "\\u{%04x}", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r)
}

// page writes lines in a reader's language, escaping every value that is put into them.
type page struct {
	w     *bufio.Writer
	r     *Report
	c     *lang.Catalog
	joint bool // the report is of several files
}

// say writes a line.
func (p *page) say(indent, key string, args ...any) {
	_, _ = p.w.WriteString(indent + say(key, args...).text(p.c, clean) + "\n")
}

func (p *page) blank() { _, _ = p.w.WriteString("\n") }

// t is a text, whose values are escaped when it is shown.
func (p *page) t(key string, args ...any) string { return say(key, args...).text(p.c, asIs) }

// list writes at most most items under a heading.
func list[T any](p *page, heading string, items []T, line func(T)) {
	const most = 200
	if len(items) == 0 {
		return
	}
	p.blank()
	p.say("", "verify.heading", "what", p.t(heading), "n", len(items))
	for i, x := range items {
		if i == most {
			p.say("  ", "verify.more", "n", len(items)-most)
			return
		}
		line(x)
	}
}

func (p *page) when(t time.Time) string { return whenIn(p.c, t) }

// party returns a party's name with the beginning of its id.
func (p *page) party(id journal.PartyID) string {
	for _, x := range p.r.Parties {
		if x.Party == id {
			return x.Name + " (" + id.Short() + ")"
		}
	}
	if id == "" {
		return p.t("verify.nobody")
	}
	return string(id)
}

// code is a code of a family in words; one without words, which an accord may have of its own, stays as it is.
func (p *page) code(family, code string) string { return p.c.Code(family, code) }

// findingFamilies are where the words of a finding's code stand: its own, of a broken journal, of the gate, of the unit and of the desk.
var findingFamilies = []string{"finding", "fault", "gate", "void", "desk"}

// FindingText is the code of a finding in words.
func FindingText(c *lang.Catalog, code string) string {
	for _, family := range findingFamilies {
		if c.Has(family + "." + code) {
			return c.Code(family, code)
		}
	}
	return code
}

// WriteText writes the report for people, in the language of a catalog. Foreign text in it is escaped.
func (r *Report) WriteText(w io.Writer, c *lang.Catalog) error {
	p := newPage(w, r, c)
	p.report()
	return p.w.Flush()
}

func newPage(w io.Writer, r *Report, c *lang.Catalog) *page {
	return &page{w: bufio.NewWriter(w), r: r, c: c}
}

func (p *page) report() {
	r := p.r
	if p.joint {
		p.say("", "verify.holds-joint")
	} else {
		p.say("", "verify.holds")
	}
	p.say("", "verify.unit", "name", r.Name, "unit", r.Unit, "at", r.Founded, "party", p.party(r.Founder))
	p.say("", "verify.counts", "journals", count("verify.n-journals", r.Counts.Journals), "entries", count("ui.n-entries", r.Counts.Entries), "checkpoints", count("verify.n-checkpoints", r.Counts.Checkpoints),
		"payloads", count("verify.n-payloads", r.Counts.Payloads), "proofs", count("verify.n-proofs", r.Counts.Proofs))
	if !p.joint {
		p.maker()
	}
	for _, ref := range r.About {
		p.say("", "verify.about", "entry", ref)
	}
	p.summary()
	p.parties()
	p.agreement()
	p.requests()
	p.record()
	p.exhibits()
	p.content()
	list(p, "verify.findings", r.Findings, p.finding)
	if r.MoreFindings > 0 {
		p.say("  ", "verify.more-findings", "n", r.MoreFindings)
	}
	if r.faultless() {
		p.blank()
		p.say("", "verify.faultless")
	}
}

// faultless says that nothing was found but moves that changed nothing.
func (r *Report) faultless() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Weight != Noted })
}

// maker is what the maker of the file says of it.
func (p *page) maker() {
	r := p.r
	p.say("", "verify.sha256", "hash", r.SHA256)
	p.say("", "verify.made", "at", r.Created)
	if r.Purpose != "" {
		p.say("", "verify.purpose", "text", r.Purpose)
	}
	for line := range strings.Lines(r.Note) {
		p.say("", "verify.note", "text", strings.TrimRight(line, "\r\n"))
	}
}

// summary says first what a judge asks first.
func (p *page) summary() {
	p.blank()
	for _, x := range p.r.Proven {
		p.say("", "verify.proved-against", "party", p.party(x.Party))
		for _, code := range x.Codes {
			p.say("  ", "verify.meaning", "code", code, "text", meaning(code))
		}
	}
	if len(p.r.Proven) == 0 {
		p.say("", "verify.proved-nothing")
	} else {
		p.say("", "verify.proved-nobody-else")
	}
	n := map[Weight]int{}
	for _, f := range p.r.Findings {
		n[f.Weight]++
	}
	for _, w := range weights[1:] {
		if n[w] > 0 {
			p.say("", "verify.weighs", "n", n[w], "weight", p.code("weight", string(w)), "text", say("weight-is."+string(w)))
		}
	}
	p.say("", "verify.holder")
}

// meaning says in a few words what stands proved with a code.
func meaning(code string) sentence {
	switch code {
	case journal.CodeFork, journal.CodeRollback, journal.CodeRewritten:
		return say("verify.means-histories")
	case journal.CodeTwoStatements, journal.CodeBadIdentity:
		return say("verify.means-statements")
	case CodeCosigned:
		return say("verify.means-cosigned")
	case CodeFalse:
		return say("verify.means-accusation")
	case CodeBadPayload, CodeBadExhibit, CodeTextMismatch, CodeMiscounted, CodeUnderstated, CodePAPUnderstated:
		return say("verify.means-payload")
	case CodeNotMet:
		return say("verify.means-not-met")
	case CodeLate:
		return say("verify.means-late")
	case unit.CodeUnexpected, unit.CodeBadBody:
		return say("verify.means-past-gate")
	}
	if rule := ruleKey(code); rule != "" {
		return say("verify.means-rule", "rule", say(rule))
	}
	return say("verify.means-forbidden")
}

func (p *page) finding(f Finding) {
	_, _ = p.w.WriteString("  " + p.c.Text("verify.finding", "weight", p.code("weight", string(f.Weight)), "code", clean(f.Code), "text", f.words(p.c, clean)) + "\n")
	if f.Party != "" {
		p.say("    ", "verify.finding-about", "party", p.party(f.Party))
	}
	if f.By != "" && f.By != f.Party {
		p.say("    ", "verify.finding-by", "party", p.party(f.By))
	}
	if !f.At.IsZero() {
		p.say("    ", "verify.finding-at", "at", f.At, "party", p.party(f.Clock))
	}
	for i := range f.Exhibits {
		p.shown(&f.Exhibits[i])
	}
	if f.check != "" {
		p.say("    ", "verify.finding-check", "text", say(f.check))
	}
}

// shown tells of bytes that show a finding.
func (p *page) shown(x *Exhibit) {
	where := say("verify.at-compared")
	switch {
	case x.File != "":
		where = say("verify.at-file", "n", x.Offset, "file", x.File)
	case x.Offset > 0:
		where = say("verify.at-byte", "n", x.Offset)
	}
	switch {
	case x.Proof > 0:
		where = say("verify.at-proof", "n", x.Proof, "where", where)
	case x.What != ExhibitEntry && x.Ref != nil:
		where = say("verify.at-entry", "entry", *x.Ref, "where", where)
	}
	what := p.code("shows", strings.ReplaceAll(x.What, " ", "-"))
	switch {
	case x.Head != nil:
		p.say("    ", "verify.shown-head", "what", what, "entries", count("ui.n-entries", x.Head.Size), "root", x.Head.Root, "at", x.At)
		p.say("      ", "verify.shown-where", "where", where, "hash", x.SHA256)
	case x.What == ExhibitEntry:
		p.say("    ", "verify.entry", "entry", *x.Ref)
		p.say("      ", "verify.shown-leaf", "where", where, "hash", x.SHA256)
	default:
		p.say("    ", "verify.shown-other", "what", what, "where", where, "hash", x.SHA256)
	}
}

func (p *page) parties() {
	list(p, "verify.parties", p.r.Parties, func(x PartyReport) {
		p.say("  ", "verify.value", "text", x.Name)
		p.say("    ", "verify.party-id", "id", x.Party)
		switch {
		case x.Trusted:
			p.say("    ", "verify.party-trusted")
		case p.r.Trusted:
			p.say("    ", "verify.party-not-trusted")
		default:
			p.say("    ", "verify.party-compare")
		}
		p.say("    ", "verify.party-org", "id", x.OrgKey)
		p.say("    ", "verify.party-node", "id", x.NodeKey)
		p.say("    ", "verify.party-identity", "n", x.Version, "at", x.Expires)
	})
	list(p, "verify.journals", p.r.Journals, func(j JournalReport) {
		p.say("  ", "verify.journal", "journal", j.Origin, "party", p.party(j.Party), "epoch", fmt.Sprint(j.Epoch))
		p.say("    ", "verify.journal-head", "entries", count("ui.n-entries", j.Head.Size), "root", j.Head.Root)
		for _, k := range j.Keys {
			p.say("    ", "verify.journal-key", "id", k.ID, "n", k.From)
		}
	})
}

func (p *page) agreement() {
	r := p.r
	p.blank()
	if a := r.Accord; a == nil {
		p.say("", "verify.no-accord")
	} else {
		p.say("", "verify.accord", "n", a.Version, "at", a.Since)
		p.say("  ", "verify.accord-hash", "hash", a.Hash)
		for _, tag := range slices.Sorted(maps.Keys(a.Title)) {
			p.say("  ", "verify.fact", "name", p.c.Language(tag), "value", a.Title[tag])
		}
	}
	for _, m := range r.Members {
		p.say("  ", "verify.member", "party", p.party(m))
	}
	for _, s := range r.Suspensions {
		state := say("verify.suspension-active")
		if s.Resumed != nil {
			state = say("verify.suspension-resumed", "at", s.Resumed.At)
		}
		p.say("  ", "verify.suspension", "party", p.party(s.Party), "at", s.At, "scope", p.scope(s.Scope), "code", word{family: "reason", code: s.Code, english: s.Code}, "state", state)
		p.say("    ", "verify.entry", "entry", s.Ref)
	}
	for _, n := range r.Notices {
		p.say("  ", "verify.notice", "at", n.At, "from", n.Effective)
		p.say("    ", "verify.entry", "entry", n.Ref)
	}
	for _, w := range r.Withdrawals {
		p.say("  ", "verify.withdrawal", "party", p.party(w.Party), "at", w.At)
		p.say("    ", "verify.entry", "entry", w.Ref)
	}
}

// scope names the kinds of entries that a suspension is of.
func (p *page) scope(kinds []string) string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = p.c.Entry(k)
	}
	return p.c.List(out)
}

func (p *page) requests() {
	list(p, "verify.requests", p.r.Requests, func(q RequestReport) {
		p.say("  ", "verify.value", "text", p.requestTitle(&q, true))
		p.say("    ", "verify.entry", "entry", q.ID)
		p.say("    ", "verify.sent", "at", q.Sent, "got", q.Received)
		if q.Receipt != nil {
			p.say("    ", "verify.receipt", "entry", *q.Receipt)
		}
		for _, a := range q.Answers {
			p.say("    ", "verify.answer", "move", p.code("move", a.Move), "at", a.At, "got", a.Received)
			p.say("      ", "verify.entry", "entry", a.Ref)
		}
		if q.Overdue {
			p.say("    ", "verify.overdue-at", "at", p.r.At)
		}
		if q.Disputed {
			p.say("    ", "verify.is-disputed")
		}
		for _, s := range slices.Sorted(maps.Keys(q.Scores)) {
			p.say("    ", "verify.fact", "name", p.code("score", s), "value", fmt.Sprint(q.Scores[s]))
		}
	})
}

// requestTitle is who asked whom for what, and if wanted in which state that is.
func (p *page) requestTitle(q *RequestReport, state bool) string {
	text := p.t("verify.asked", "type", p.code("type", q.Type), "urgency", p.code("urgency", q.Urgency), "asking", p.party(q.Asking), "asked", p.party(q.Asked))
	if state {
		return p.t("verify.fact", "name", text, "value", p.code("state", string(q.State)))
	}
	return text
}

func (p *page) content() {
	r := p.r
	list(p, "verify.shares", r.Shares, func(s unit.Share) {
		label := s.TLP
		if label == "" {
			label = p.t("verify.no-tlp")
		}
		p.say("  ", "verify.share", "at", s.At, "party", p.party(s.Party), "objects", count("ui.object-count", s.Objects), "label", label)
		p.say("    ", "verify.share-verdict", "entry", s.Ref, "verdict", p.code("verdict", s.Verdict.Verdict.String()))
		for _, got := range s.Receipted {
			p.say("    ", "verify.received-by", "party", p.party(got.Party), "at", got.At)
		}
	})
	against := func(b unit.Breach) {
		p.against(b.Kind, b.Party, b.At, "gate", b.Code, b.Clause, b.Reason, b.Ref)
	}
	list(p, "verify.breaches", r.Breaches, against)
	list(p, "verify.held", r.Held, against)
	list(p, "verify.void", r.Void, func(x unit.Void) {
		p.against(x.Kind, x.Party, x.At, "void", x.Code, "", x.Reason, x.Ref)
	})
	p.blank()
	p.say("", "verify.payloads", "named", fmt.Sprint(r.Payloads.Named), "included", fmt.Sprint(r.Payloads.Included), "objects", fmt.Sprint(r.Payloads.Objects), "destroyed", fmt.Sprint(r.Payloads.Destroyed), "left", fmt.Sprint(r.Payloads.Left))
}

// against tells of an entry that the gate or the unit's rules did not take.
func (p *page) against(kind string, party journal.PartyID, at time.Time, family, code, clause, reason string, ref journal.Ref) {
	p.say("  ", "verify.against", "kind", kindOf(kind), "party", p.party(party), "at", at, "code", code)
	p.say("    ", "verify.value", "text", word{family, code, reason})
	if clause != "" {
		p.say("    ", "verify.clause", "clause", clause)
	}
	p.say("    ", "verify.entry", "entry", ref)
}
