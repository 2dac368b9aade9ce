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

// page writes lines, escaping every argument that is text.
type page struct {
	w     *bufio.Writer
	r     *Report
	joint bool // the report is of several files
}

func (p *page) f(format string, args ...any) {
	for i, a := range args {
		args[i] = clean(fmt.Sprint(a))
	}
	fmt.Fprintf(p.w, format+"\n", args...)
}

// list writes at most most items under a heading.
func list[T any](p *page, heading string, items []T, line func(T)) {
	const most = 200
	if len(items) == 0 {
		return
	}
	p.f("\n%s (%s)", heading, len(items))
	for i, x := range items {
		if i == most {
			p.f("  and %s more; the JSON report has all", len(items)-most)
			return
		}
		line(x)
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// party returns a party's name with the beginning of its id.
func (p *page) party(id journal.PartyID) string {
	for _, x := range p.r.Parties {
		if x.Party == id {
			return x.Name + " (" + id.Short() + ")"
		}
	}
	if id == "" {
		return "nobody"
	}
	return string(id)
}

// WriteText writes the report for people. Foreign text in it is escaped.
func (r *Report) WriteText(w io.Writer) error {
	p := newPage(w, r)
	p.report()
	return p.w.Flush()
}

func newPage(w io.Writer, r *Report) *page { return &page{w: bufio.NewWriter(w), r: r} }

func (p *page) report() {
	r := p.r
	if p.joint {
		p.f("Every byte of these files was verified. Put together they are:")
	} else {
		p.f("The dossier holds: every byte of it was verified.")
	}
	p.f("Unit %s, %s, founded %s by %s", r.Name, r.Unit, when(r.Founded), p.party(r.Founder))
	p.f("%s journals, %s entries, %s checkpoints, %s payloads, %s proofs", r.Counts.Journals, r.Counts.Entries, r.Counts.Checkpoints, r.Counts.Payloads, r.Counts.Proofs)
	if !p.joint {
		p.maker()
	}
	for _, ref := range r.About {
		p.f("About entry %s, as its maker says", ref)
	}
	p.summary()
	p.parties()
	p.agreement()
	p.requests()
	p.record()
	p.exhibits()
	p.content()
	list(p, "Findings", r.Findings, p.finding)
	if r.MoreFindings > 0 {
		p.f("  and %s findings more than a report lists", r.MoreFindings)
	}
	if r.faultless() {
		p.f("\nNo misbehaviour and no gap was found.")
	}
}

// faultless says that nothing was found but moves that changed nothing.
func (r *Report) faultless() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Weight != Noted })
}

// maker is what the maker of the file says of it.
func (p *page) maker() {
	r := p.r
	p.f("SHA-256 %s", r.SHA256)
	p.f("Made %s, as its maker says without signature.", when(r.Created))
	if r.Purpose != "" {
		p.f("Purpose, as its maker says: %s", r.Purpose)
	}
	for line := range strings.Lines(r.Note) {
		p.f("Note of its maker: %s", strings.TrimRight(line, "\r\n"))
	}
}

// summary says first what a judge asks first.
func (p *page) summary() {
	p.f("")
	for _, x := range p.r.Proven {
		p.f("PROVED against %s, by its own signatures:", p.party(x.Party))
		for _, code := range x.Codes {
			p.f("  %s: %s", code, meaning(code))
		}
	}
	if len(p.r.Proven) == 0 {
		p.f("Nothing is proved against anybody.")
	} else {
		p.f("Nothing is proved against anybody else. What follows under \"Findings\" says what, when and how to check it.")
	}
	n := map[Weight]int{}
	for _, f := range p.r.Findings {
		n[f.Weight]++
	}
	for _, x := range []struct {
		w    Weight
		what string
	}{{Disputed, "signed statements exclude each other; who is to blame cannot be told from them"}, {Claimed, "said by a party and not proved"}, {Open, "the dossier does not hold what would be needed to tell"}, {Noted, "moves that changed nothing; that is no breach, and two that do not know of each other may make them in good faith"}} {
		if n[x.w] > 0 {
			p.f("%s %s: %s", n[x.w], x.w, x.what)
		}
	}
	p.f("Proof is against whoever held the party's keys. All times are claims of whoever wrote them.")
}

// meaning says in a few words what stands proved with a code.
func meaning(code string) string {
	switch code {
	case journal.CodeFork, journal.CodeRollback, journal.CodeRewritten:
		return "it signed two histories of one journal"
	case journal.CodeTwoStatements, journal.CodeBadIdentity:
		return "it signed two statements of which it may sign one"
	case CodeCosigned:
		return "as a witness it cosigned two histories of one journal"
	case CodeFalse:
		return "it signed an accusation that its own proof does not support"
	case CodeBadPayload, CodeBadExhibit, CodeTextMismatch, CodeMiscounted, CodeUnderstated:
		return "what it committed to is not what its entry says"
	case CodeNotMet:
		return "by its own clock a deadline passed and what it owed is not there"
	case CodeLate:
		return "by its own clock what it owed came after the deadline"
	case unit.CodeUnexpected, unit.CodeBadBody:
		return "it put content past the gate"
	}
	if text := ruleText(code); text != code {
		return "it signed an entry that breaks a rule: " + text
	}
	return "it wrote what the accord forbids"
}

func (p *page) finding(f Finding) {
	p.f("  %s, %s: %s", f.Weight, f.Code, f.Text)
	if f.Party != "" {
		p.f("    about %s", p.party(f.Party))
	}
	if f.By != "" && f.By != f.Party {
		p.f("    shown by %s", p.party(f.By))
	}
	if !f.At.IsZero() {
		p.f("    at %s by the clock of %s", when(f.At), p.party(f.Clock))
	}
	for _, x := range f.Exhibits {
		where := "found by comparing the files"
		switch {
		case x.File != "":
			where = fmt.Sprintf("byte %d of %s", x.Offset, x.File)
		case x.Offset > 0:
			where = fmt.Sprintf("byte %d of the file", x.Offset)
		}
		switch {
		case x.Proof > 0:
			where = fmt.Sprintf("in proof %d, ", x.Proof) + where
		case x.What != ExhibitEntry && x.Ref != nil:
			where = "in entry " + x.Ref.String() + ", " + where
		}
		switch {
		case x.Head != nil:
			p.f("    %s: %s entries, root %s, signed %s\n      %s, SHA-256 %s", x.What, x.Head.Size, x.Head.Root, when(x.At), where, x.SHA256)
		case x.What == ExhibitEntry:
			p.f("    entry %s\n      %s, leaf hash %s", x.Ref, where, x.SHA256)
		default:
			p.f("    %s: %s, SHA-256 %s", x.What, where, x.SHA256)
		}
	}
	if f.Check != "" {
		p.f("    to check: %s", f.Check)
	}
}

func (p *page) parties() {
	list(p, "Parties", p.r.Parties, func(x PartyReport) {
		p.f("  %s\n    party id          %s", x.Name, x.Party)
		switch {
		case x.Trusted:
			p.f("    trusted: it is one of the ids that were given")
		case p.r.Trusted:
			p.f("    NOT among the ids that were given")
		default:
			p.f("    compare this id with what the party itself publishes")
		}
		p.f("    organisation key  %s\n    node key          %s", x.OrgKey, x.NodeKey)
		p.f("    identity version %s, expires %s", x.Version, when(x.Expires))
	})
	list(p, "Journals", p.r.Journals, func(j JournalReport) {
		p.f("  %s of %s, epoch %s\n    %s entries, root %s", j.Origin, p.party(j.Party), j.Epoch, j.Head.Size, j.Head.Root)
		for _, k := range j.Keys {
			p.f("    key %s from size %s", k.ID, k.From)
		}
	})
}

func (p *page) agreement() {
	r := p.r
	if a := r.Accord; a == nil {
		p.f("\nNo accord is in force.")
	} else {
		p.f("\nAccord in force: version %s since %s\n  hash %s", a.Version, when(a.Since), a.Hash)
		for _, lang := range slices.Sorted(maps.Keys(a.Title)) {
			p.f("  %s: %s", lang, a.Title[lang])
		}
	}
	for _, m := range r.Members {
		p.f("  member %s", p.party(m))
	}
	for _, s := range r.Suspensions {
		state := "active"
		if s.Resumed != nil {
			state = "resumed " + when(s.Resumed.At)
		}
		p.f("  suspended by %s on %s: %s, code %s, %s\n    entry %s", p.party(s.Party), when(s.At), strings.Join(s.Scope, " "), s.Code, state, s.Ref)
	}
	for _, n := range r.Notices {
		p.f("  notice of withdrawal on %s, effective %s\n    entry %s", when(n.At), when(n.Effective), n.Ref)
	}
	for _, w := range r.Withdrawals {
		p.f("  withdrawal of %s on %s\n    entry %s", p.party(w.Party), when(w.At), w.Ref)
	}
}

func (p *page) requests() {
	list(p, "Requests", p.r.Requests, func(q RequestReport) {
		p.f("  %s (%s), %s asked %s: %s", q.Type, q.Urgency, p.party(q.Asking), p.party(q.Asked), q.State)
		p.f("    entry %s\n    sent %s, received %s", q.ID, when(q.Sent), when(q.Received))
		if q.Receipt != nil {
			p.f("    receipt %s", *q.Receipt)
		}
		for _, a := range q.Answers {
			p.f("    %s %s, received %s\n      entry %s", a.Move, when(a.At), when(a.Received), a.Ref)
		}
		if q.Overdue {
			p.f("    overdue at %s", when(p.r.At))
		}
		if q.Disputed {
			p.f("    disputed")
		}
		for _, s := range slices.Sorted(maps.Keys(q.Scores)) {
			p.f("    %s %s", s, q.Scores[s])
		}
	})
}

func (p *page) content() {
	r := p.r
	list(p, "Shares", r.Shares, func(s unit.Share) {
		p.f("  %s, %s: %s objects, %s\n    entry %s, verdict %s", when(s.At), p.party(s.Party), s.Objects, orNone(s.TLP), s.Ref, s.Verdict.Verdict)
		for _, got := range s.Receipted {
			p.f("    received by %s %s", p.party(got.Party), when(got.At))
		}
	})
	list(p, "Against the accord", r.Breaches, func(b unit.Breach) {
		p.f("  %s by %s on %s: %s, clause %s\n    %s\n    entry %s", b.Kind, p.party(b.Party), when(b.At), b.Code, b.Clause, b.Reason, b.Ref)
	})
	list(p, "Held by the gate", r.Held, func(b unit.Breach) {
		p.f("  %s by %s on %s: %s, clause %s\n    %s\n    entry %s", b.Kind, p.party(b.Party), when(b.At), b.Code, b.Clause, b.Reason, b.Ref)
	})
	list(p, "Without effect", r.Void, func(x unit.Void) {
		p.f("  %s by %s on %s: %s\n    %s\n    entry %s", x.Kind, p.party(x.Party), when(x.At), x.Code, x.Reason, x.Ref)
	})
	p.f("\nPayloads: %s named, %s included and verified (%s STIX objects), %s destroyed, %s left out", r.Payloads.Named, r.Payloads.Included,
		r.Payloads.Objects, r.Payloads.Destroyed, r.Payloads.Left)
}

func orNone(s string) string {
	if s == "" {
		return "no TLP stated"
	}
	return s
}
