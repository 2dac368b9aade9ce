package dossier

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// maxIdle bounds the moves without effect of one thread that a text or a page tells; the findings name them too.
const maxIdle = 100

// chapter is one family of the record, as the text and the page tell it. Nothing in it is escaped.
type chapter struct {
	heading string // a key
	threads []told
}

// told is one thread of the record.
type told struct {
	id    journal.Ref // zero for a contact: the accord has it
	title string
	facts [][2]string
	steps []toldStep
}

// toldStep is one entry of a thread.
type toldStep struct {
	ref  journal.Ref
	line string
}

// fact adds a line with a key of the catalogs for its name; one without a value is left out.
func (p *page) fact(t *told, key, value string) { p.factOf(t, p.t(key), value) }

func (p *page) factOf(t *told, name, value string) {
	if value != "" {
		t.facts = append(t.facts, [2]string{name, value})
	}
}

// entry is a fact that names an entry, if there is one.
func (p *page) entry(t *told, key string, ref *journal.Ref, args ...any) {
	if ref != nil {
		p.factOf(t, p.t(key, args...), ref.String())
	}
}

// chapters are all of the record beside requests and exhibits.
func (p *page) chapters() []chapter {
	r := p.r
	drills := slices.Concat(each(r.Drills.Announced, p.announcement), each(r.Drills.Calls, p.call), each(r.Drills.Pings, p.ping))
	return []chapter{{"verify.calls", each(r.Calls, p.call)}, {"verify.drills", drills}, {"verify.contacts", each(r.Contacts, p.contact)},
		{"verify.cases", each(r.Cases, p.aCase)}, {"verify.commitments", each(r.Commitments, p.commitment)}, {"verify.statements", each(r.Statements, p.statement)},
		{"verify.leaks", each(r.Leaks, p.leak)}, {"verify.reviews", each(r.Reviews, p.review)}}
}

func each[T any](all []T, tell func(*T) told) []told {
	out := make([]told, len(all))
	for i := range all {
		out[i] = tell(&all[i])
	}
	return out
}

// record writes the chapters as text.
func (p *page) record() {
	for _, c := range p.chapters() {
		list(p, c.heading, c.threads, func(t told) {
			p.say("  ", "verify.value", "text", t.title)
			if t.id != (journal.Ref{}) {
				p.say("    ", "verify.entry", "entry", t.id)
			}
			for _, x := range t.facts {
				p.say("    ", "verify.fact", "name", x[0], "value", x[1])
			}
			for _, s := range t.steps {
				p.say("    ", "verify.step-entry", "step", s.line, "entry", s.ref)
			}
		})
	}
}

// steps tells the moves of a family that count and then, of those that do not, the first.
func (p *page) steps(t *told, family, codes string, count, idle []desk.Said, more map[journal.Ref]string) {
	for _, s := range slices.Concat(count, idle[:min(len(idle), maxIdle)]) {
		what := p.c.Move(family, s.Move)
		if x := more[s.Ref]; x != "" {
			what = p.t("verify.step-more", "what", what, "more", x)
		}
		if s.Code != "" {
			what = p.t("verify.step-code", "what", what, "code", p.code(codes, s.Code))
		}
		if s.Refused != "" {
			what = p.t("verify.step-idle", "what", what, "code", s.Refused, "why", word{"desk", s.Refused, s.Reason})
		}
		t.steps = append(t.steps, toldStep{s.Ref, p.stepLine(s.At, what, s.Party, s.By)})
	}
	if n := len(idle) - maxIdle; n > 0 {
		p.fact(t, "verify.idle-name", p.t("verify.idle-more", "n", n))
	}
}

// stepLine is when who did what.
func (p *page) stepLine(at time.Time, what string, party journal.PartyID, by journal.By) string {
	return p.t("verify.step", "at", at, "what", what, "party", p.party(party), "by", by.Agency+":"+by.Role)
}

func (p *page) call(c *desk.Call) told {
	t := told{id: c.ID, title: p.t("verify.call", "calling", p.party(c.Calling), "called", p.party(c.Called), "urgency", p.code("urgency", c.Urgency), "state", p.code("call-state", string(c.State)))}
	if c.Drill {
		t.title = p.t("verify.drill", "what", t.title)
	}
	p.fact(&t, "verify.subject", c.Subject)
	if c.Language != "" {
		p.fact(&t, "verify.language", p.c.Language(c.Language))
	}
	p.entry(&t, "verify.about-request", c.Request)
	p.entry(&t, "verify.follows-call", c.Follows)
	p.entry(&t, "verify.announced-by", c.Announced)
	for _, k := range c.Clocks {
		p.clock(&t, k)
	}
	p.steps(&t, "hotline", "refusal", desk.AllSaid(c.Steps), desk.AllSaid(c.Illegal), nil)
	return t
}

func (p *page) clock(t *told, k desk.Clock) {
	p.factOf(t, p.t("verify.clock-name", "clock", p.code("stage", k.Name)), p.t("verify.clock", "party", p.party(k.Owner), "since", k.Started, "due", k.Due, "met", k.Met))
}

func (p *page) announcement(a *desk.Announcement) told {
	t := told{id: a.ID, title: p.t("verify.drill-announced", "party", p.party(a.Calling), "to", p.party(a.Called), "state", p.code("call-state", string(a.State)))}
	p.fact(&t, "verify.for", p.t("verify.from-to", "from", a.From, "to", a.Until))
	p.fact(&t, "verify.received", p.when(a.Received))
	p.steps(&t, "hotline", "refusal", []desk.Said{{Ref: a.ID, Move: desk.Announce, Party: a.Calling, By: a.By, At: a.At}}, desk.AllSaid(a.Illegal), nil)
	return t
}

func (p *page) ping(x *desk.PingState) told {
	t := told{id: x.ID, title: p.t("verify.drill-contact", "party", p.party(x.Calling), "contact", x.Contact, "of", p.party(x.Called), "state", p.code("call-state", string(x.State)))}
	p.entry(&t, "verify.announced-by", x.Announced)
	if x.Clock != nil {
		p.clock(&t, *x.Clock)
	}
	p.steps(&t, "contact", "refusal", desk.AllSaid(x.Steps), desk.AllSaid(x.Illegal), nil)
	return t
}

func (p *page) contact(c *desk.Contact) told {
	t := told{title: p.t("verify.contact", "id", c.ID, "kind", p.code("contact", c.Kind), "party", p.party(c.Party))}
	p.fact(&t, "verify.mailbox", c.Mailbox)
	p.fact(&t, "verify.phone", c.Phone)
	p.fact(&t, "verify.languages", p.tongues(c.Languages))
	p.fact(&t, "verify.hours", c.Hours+" "+c.Zone)
	p.fact(&t, "verify.reached", p.when(c.Reached))
	p.fact(&t, "verify.fresh", p.t("verify.stale-from", "at", c.Fresh, "due", c.Due))
	if c.Stale {
		p.fact(&t, "verify.stale", p.when(p.r.At))
	}
	if w := c.Confirmed; w != nil {
		what := "verify.contact-confirmed"
		if w.Changed {
			what = "verify.contact-changed"
		}
		t.steps = append(t.steps, toldStep{w.Ref, p.stepLine(w.At, p.t(what), c.Party, w.By)})
	}
	return t
}

// tongues names languages.
func (p *page) tongues(tags []string) string {
	out := make([]string, len(tags))
	for i, tag := range tags {
		out[i] = p.c.Language(tag)
	}
	return p.c.List(out)
}

func (p *page) aCase(c *desk.Case) told {
	t := told{id: c.ID, title: p.t("verify.case", "party", p.party(c.Opener), "at", c.Opened, "state", p.code("case-state", c.State))}
	p.fact(&t, "verify.incidents", p.c.List(c.Incidents))
	p.fact(&t, "verify.sectors", p.c.List(c.Sectors))
	for _, q := range c.Awaited {
		p.fact(&t, "verify.not-closed", p.t("verify.says-so", "party", p.party(q)))
	}
	for _, o := range c.OpenReplies {
		p.fact(&t, "verify.not-answered", p.t("verify.not-answered-claim", "class", p.code("claim", o.Class), "entry", o.Claim, "party", p.party(o.Party), "since", o.Since, "days", count("ui.n-days", int64(o.Days))))
	}
	more := map[journal.Ref]string{}
	back := func(ref journal.Ref, m *desk.Mark) {
		if m != nil {
			more[ref] = p.t("verify.taken-back", "what", more[ref], "entry", m.Ref)
		}
	}
	for _, l := range c.Links {
		what := p.t("verify.object", "id", l.Object)
		if l.Target != nil {
			what = p.t("verify.link", "kind", kindOf(l.Kind), "party", p.party(l.Author), "entry", *l.Target)
		}
		more[l.Ref] = p.t("verify.fact", "name", l.Relation, "value", what)
		back(l.Ref, l.Unlinked)
	}
	for _, e := range c.Events {
		more[e.Ref] = p.t("verify.event", "event", e.Event, "at", e.Happened, "precision", p.code("precision", e.Precision))
		back(e.Ref, e.Withdrawn)
	}
	for _, x := range c.Claims {
		s := []string{p.code("claim", x.Class)}
		if x.Confidence != "" {
			s = append(s, p.code("confidence", x.Confidence))
		}
		if x.Concerns != "" {
			s = append(s, p.t("verify.concerns", "party", p.party(x.Concerns)))
		}
		if x.About != nil {
			s = append(s, p.t("verify.about-claim", "entry", *x.About))
		}
		for _, ref := range x.Evidence {
			s = append(s, p.t("verify.with-evidence", "entry", ref))
		}
		more[x.Ref] = p.c.List(s)
		back(x.Ref, x.Withdrawn)
		for _, m := range x.Replies {
			more[m.Ref] = p.t("verify.to-claim", "entry", x.Ref)
		}
	}
	for _, o := range c.Outcomes {
		more[o.Ref] = p.code("outcome", o.Outcome)
		back(o.Ref, o.Withdrawn)
	}
	p.steps(&t, "case", "refusal", c.Steps, c.Illegal, more)
	return t
}

func (p *page) commitment(c *desk.Commitment) told {
	t := told{id: c.ID, title: p.t("verify.commitment", "party", p.party(c.Party), "form", p.code("commitment-form", c.Form), "state", p.code("commitment-state", c.State))}
	if !c.Due.IsZero() {
		p.fact(&t, "verify.due", p.t("verify.due-first", "at", c.Due, "first", c.First))
	}
	p.fact(&t, "verify.every", p.code("rhythm", c.Every))
	p.entry(&t, "verify.of-case", c.Case)
	if c.Overdue {
		p.fact(&t, "verify.overdue", p.t("verify.days-at", "days", count("ui.n-days", int64(c.Days)), "at", p.r.At))
	}
	for _, x := range c.Answers {
		said := p.t("verify.accepts")
		if !x.Accepted {
			said = p.t("verify.not-enough", "code", p.code("refusal", x.Code))
		}
		p.factOf(&t, p.party(x.Party), said)
	}
	for _, x := range c.Views {
		by := "verify.sees"
		if x.Own {
			by = "verify.reports"
		}
		p.factOf(&t, p.party(x.Party), p.t(by, "standing", p.code("standing", x.Status), "at", x.At, "entry", x.Ref))
	}
	for _, x := range c.Amendments {
		key := "verify.moved"
		if x.Late {
			key = "verify.moved-late"
		}
		p.fact(&t, "verify.date-moved", p.t(key, "from", x.From, "to", x.To, "entry", x.Ref))
	}
	for _, x := range c.Releases {
		p.fact(&t, "verify.released-by", p.t("verify.by-entry", "party", p.party(x.Party), "entry", x.Ref))
	}
	for _, d := range c.Differing {
		report := p.t("verify.reports-nothing")
		if d.Report != "" {
			report = p.code("standing", d.Report)
		}
		p.fact(&t, "verify.seen-differently", p.t("verify.sees-reports", "party", p.party(d.Party), "sees", p.code("standing", d.Sees), "owner", p.party(c.Party), "reports", report))
	}
	p.steps(&t, "commitment", "refusal", c.Steps, c.Illegal, nil)
	return t
}

func (p *page) statement(s *desk.Statement) told {
	t := told{id: s.ID, title: p.t("verify.statement", "form", p.code("statement-form", s.Form), "n", s.Version, "party", p.party(s.Proposer), "state", p.code("statement-state", s.State))}
	p.fact(&t, "verify.embargo", p.when(s.Embargo))
	p.factOf(&t, "SHA-256", s.SHA256)
	p.entry(&t, "verify.replaces", s.Replaces)
	for _, x := range s.Texts {
		kind := "verify.translation"
		if x.Authentic {
			kind = "verify.authentic"
		}
		p.factOf(&t, p.t("verify.text-in", "lang", p.c.Language(x.Lang)), p.t("verify.text-is", "kind", p.t(kind), "hash", x.SHA256))
	}
	for _, m := range s.Signed {
		p.fact(&t, "verify.signed-by", p.t("verify.on-entry", "party", p.party(m.Party), "at", m.At, "entry", m.Ref))
	}
	for _, d := range s.Declined {
		p.fact(&t, "verify.declined-by", p.t("verify.on-code-entry", "party", p.party(d.Party), "at", d.At, "code", p.code("refusal", d.Code), "entry", d.Ref))
	}
	for _, q := range s.Missing {
		p.fact(&t, "verify.missing", p.party(q))
	}
	for _, m := range s.Retracted {
		p.fact(&t, "verify.retracted-by", p.t("verify.on-entry", "party", p.party(m.Party), "at", m.At, "entry", m.Ref))
	}
	p.steps(&t, "statement", "refusal", s.Steps, s.Illegal, nil)
	return t
}

func (p *page) leak(l *desk.Leak) told {
	t := told{id: l.ID, title: p.t("verify.leak", "party", p.party(l.Reporter), "at", l.Found)}
	p.fact(&t, "verify.found", p.t("verify.found-what", "kind", kindOf(l.Kind), "party", p.party(l.Author), "at", l.Written, "entry", l.About))
	if l.Withdrawn != nil {
		p.fact(&t, "verify.withdrawn", p.t("verify.by-entry", "party", p.when(l.Withdrawn.At), "entry", l.Withdrawn.Ref))
	}
	for _, h := range l.Holders {
		key := "verify.since"
		if h.After {
			key = "verify.since-after"
		}
		p.fact(&t, "verify.holders", p.t(key, "party", p.party(h.Party), "at", h.Since))
	}
	for _, a := range l.Answers {
		p.factOf(&t, p.party(a.Party), p.t("verify.answers", "answer", p.code("leak-answer", a.Answer), "entry", a.Ref))
	}
	for _, q := range l.Unanswered {
		p.fact(&t, "verify.unanswered", p.party(q))
	}
	p.steps(&t, "leak", "leak-answer", l.Steps, l.Illegal, nil)
	return t
}

func (p *page) review(v *desk.Review) told {
	t := told{id: v.ID, title: p.t("verify.review", "from", v.From, "to", v.To, "party", p.party(v.Opener), "state", p.code("review-state", string(v.State)))}
	for _, h := range v.Cut {
		p.fact(&t, "verify.cut", p.t("verify.cut-of", "journal", h.Origin, "entries", count("ui.n-entries", h.Size), "root", h.Root))
	}
	if v.Agreed != nil {
		p.fact(&t, "verify.agreed", fmt.Sprintf("SHA-256 %x", v.Agreed[:]))
	}
	if v.Differs {
		p.fact(&t, "verify.signatures", p.t("verify.signed-differ"))
	}
	for i := range v.Parties {
		q := &v.Parties[i]
		p.entry(&t, "verify.committed", q.Committed, "party", p.party(q.Party))
		p.entry(&t, "verify.revealed", q.Revealed, "party", p.party(q.Party))
		for _, of := range slices.Sorted(maps.Keys(q.Scores)) {
			for _, kind := range slices.Sorted(maps.Keys(q.Scores[of])) {
				var all []string
				for _, name := range slices.Sorted(maps.Keys(q.Scores[of][kind])) {
					all = append(all, p.code("score", name)+" "+strconv.Itoa(q.Scores[of][kind][name]))
				}
				p.factOf(&t, p.t("verify.scores", "party", p.party(q.Party)), p.t("verify.fact", "name", p.c.List([]string{p.party(of), p.code("type", kind)}), "value", p.c.List(all)))
			}
		}
		if q.Signed != nil && q.Report != nil {
			p.fact(&t, "verify.signed-by", p.t("verify.signed-report", "party", p.party(q.Party), "hash", fmt.Sprintf("%x", q.Report[:]), "entry", *q.Signed))
		}
	}
	p.steps(&t, "review", "refusal", desk.AllSaid(v.Steps), desk.AllSaid(v.Illegal), nil)
	return t
}
