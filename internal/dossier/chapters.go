package dossier

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"entente/internal/desk"
	"entente/journal"
)

// maxIdle bounds the moves without effect of one thread that a text or a page tells; the findings name them too.
const maxIdle = 100

// chapter is one family of the record, as the text and the page tell it. Nothing in it is escaped.
type chapter struct {
	heading string
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

func (t *told) fact(name, format string, args ...any) {
	if s := fmt.Sprintf(format, args...); s != "" {
		t.facts = append(t.facts, [2]string{name, s})
	}
}

// chapters are all of the record beside requests and exhibits.
func (p *page) chapters() []chapter {
	r := p.r
	drills := slices.Concat(each(r.Drills.Announced, p.announcement), each(r.Drills.Calls, p.call), each(r.Drills.Pings, p.ping))
	return []chapter{{"Calls", each(r.Calls, p.call)}, {"Drills, of which nothing is among the calls", drills}, {"Contacts", each(r.Contacts, p.contact)},
		{"Cases", each(r.Cases, p.aCase)}, {"Commitments", each(r.Commitments, p.commitment)}, {"Statements", each(r.Statements, p.statement)},
		{"Leaks", each(r.Leaks, p.leak)}, {"Reviews", each(r.Reviews, p.review)}}
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
			p.f("  %s", t.title)
			if t.id != (journal.Ref{}) {
				p.f("    entry %s", t.id)
			}
			for _, x := range t.facts {
				p.f("    %s: %s", x[0], x[1])
			}
			for _, s := range t.steps {
				p.f("    %s, entry %s", s.line, s.ref)
			}
		})
	}
}

// steps tells those that count and then, of those that do not, the first.
func (p *page) steps(t *told, count, idle []desk.Said, more map[journal.Ref]string) {
	for _, s := range slices.Concat(count, idle[:min(len(idle), maxIdle)]) {
		what := s.Move
		if x := more[s.Ref]; x != "" {
			what += " (" + x + ")"
		}
		if s.Code != "" {
			what += ", code " + s.Code
		}
		if s.Refused != "" {
			what += ", without effect (" + s.Refused + "): " + s.Reason
		}
		t.steps = append(t.steps, toldStep{s.Ref, fmt.Sprintf("%s: %s by %s (%s:%s)", when(s.At), what, p.party(s.Party), s.By.Agency, s.By.Role)})
	}
	if n := len(idle) - maxIdle; n > 0 {
		t.fact("without effect", "%d more entries than are told here", n)
	}
}

func (p *page) call(c *desk.Call) told {
	t := told{id: c.ID, title: fmt.Sprintf("%s called %s (%s): %s", p.party(c.Calling), p.party(c.Called), c.Urgency, c.State)}
	if c.Drill {
		t.title = "Drill: " + t.title
	}
	t.fact("subject", "%s", c.Subject)
	t.fact("language", "%s", c.Language)
	t.entry("about request", c.Request)
	t.entry("follows call", c.Follows)
	t.entry("announced by", c.Announced)
	for _, k := range c.Clocks {
		p.clock(&t, k)
	}
	p.steps(&t, desk.AllSaid(c.Steps), desk.AllSaid(c.Illegal), nil)
	return t
}

func (t *told) entry(name string, ref *journal.Ref) {
	if ref != nil {
		t.fact(name, "%s", *ref)
	}
}

func (p *page) clock(t *told, k desk.Clock) {
	t.fact("clock "+k.Name, "owed by %s since %s, due %s, met %s", p.party(k.Owner), when(k.Started), when(k.Due), when(k.Met))
}

func (p *page) announcement(a *desk.Announcement) told {
	t := told{id: a.ID, title: fmt.Sprintf("Drill announced by %s to %s: %s", p.party(a.Calling), p.party(a.Called), a.State)}
	t.fact("for", "%s to %s", when(a.From), when(a.Until))
	t.fact("received", "%s", when(a.Received))
	p.steps(&t, []desk.Said{{Ref: a.ID, Move: desk.Announce, Party: a.Calling, By: a.By, At: a.At}}, desk.AllSaid(a.Illegal), nil)
	return t
}

func (p *page) ping(x *desk.PingState) told {
	t := told{id: x.ID, title: fmt.Sprintf("Drill: %s tried contact %s of %s: %s", p.party(x.Calling), x.Contact, p.party(x.Called), x.State)}
	t.entry("announced by", x.Announced)
	if x.Clock != nil {
		p.clock(&t, *x.Clock)
	}
	p.steps(&t, desk.AllSaid(x.Steps), desk.AllSaid(x.Illegal), nil)
	return t
}

func (p *page) contact(c *desk.Contact) told {
	t := told{title: fmt.Sprintf("Contact %s (%s) of %s", c.ID, c.Kind, p.party(c.Party))}
	t.fact("mailbox", "%s", c.Mailbox)
	t.fact("phone", "%s", c.Phone)
	t.fact("languages", "%s", strings.Join(c.Languages, ", "))
	t.fact("hours", "%s %s", c.Hours, c.Zone)
	t.fact("last reached", "%s", when(c.Reached))
	t.fact("fresh since", "%s, stale from %s", when(c.Fresh), when(c.Due))
	if c.Stale {
		t.fact("stale at", "%s", when(p.r.At))
	}
	if w := c.Confirmed; w != nil {
		what := "confirmed"
		if w.Changed {
			what = "said to have changed"
		}
		t.steps = append(t.steps, toldStep{w.Ref, fmt.Sprintf("%s: %s by %s (%s:%s)", when(w.At), what, p.party(c.Party), w.By.Agency, w.By.Role)})
	}
	return t
}

func (p *page) aCase(c *desk.Case) told {
	t := told{id: c.ID, title: fmt.Sprintf("Case opened by %s on %s: %s", p.party(c.Opener), when(c.Opened), c.State)}
	t.fact("incidents", "%s", strings.Join(c.Incidents, ", "))
	t.fact("sectors", "%s", strings.Join(c.Sectors, ", "))
	for _, q := range c.Awaited {
		t.fact("not closed before", "%s says so", p.party(q))
	}
	for _, o := range c.OpenReplies {
		t.fact("not answered", "%s %s, by %s, since %s (%d days)", o.Class, o.Claim, p.party(o.Party), when(o.Since), o.Days)
	}
	more := map[journal.Ref]string{}
	back := func(ref journal.Ref, m *desk.Mark) {
		if m != nil {
			more[ref] += ", taken back by entry " + m.Ref.String()
		}
	}
	for _, l := range c.Links {
		what := "object " + l.Object
		if l.Target != nil {
			what = l.Kind + " of " + p.party(l.Author) + ", " + l.Target.String()
		}
		more[l.Ref] = l.Relation + ": " + what
		back(l.Ref, l.Unlinked)
	}
	for _, e := range c.Events {
		more[e.Ref] = fmt.Sprintf("%s, happened %s, to the %s", e.Event, when(e.Happened), e.Precision)
		back(e.Ref, e.Withdrawn)
	}
	for _, x := range c.Claims {
		s := x.Class
		if x.Confidence != "" {
			s += ", confidence " + x.Confidence
		}
		if x.Concerns != "" {
			s += ", concerns " + p.party(x.Concerns)
		}
		if x.About != nil {
			s += ", about claim " + x.About.String()
		}
		for _, ref := range x.Evidence {
			s += ", evidence " + ref.String()
		}
		more[x.Ref] = s
		back(x.Ref, x.Withdrawn)
		for _, m := range x.Replies {
			more[m.Ref] = "to claim " + x.Ref.String()
		}
	}
	for _, o := range c.Outcomes {
		more[o.Ref] = o.Outcome
		back(o.Ref, o.Withdrawn)
	}
	p.steps(&t, c.Steps, c.Illegal, more)
	return t
}

func (p *page) commitment(c *desk.Commitment) told {
	t := told{id: c.ID, title: fmt.Sprintf("Commitment of %s (%s): %s", p.party(c.Party), c.Form, c.State)}
	if !c.Due.IsZero() {
		t.fact("due", "%s, at first %s", when(c.Due), when(c.First))
	}
	t.fact("every", "%s", c.Every)
	t.entry("came out of case", c.Case)
	if c.Overdue {
		t.fact("overdue", "%d days at %s", c.Days, when(p.r.At))
	}
	for _, x := range c.Answers {
		said := "accepts it"
		if !x.Accepted {
			said = "does not take it as good enough, code " + x.Code
		}
		t.fact(p.party(x.Party), "%s", said)
	}
	for _, x := range c.Views {
		by := "sees it as"
		if x.Own {
			by = "reports it as"
		}
		t.fact(p.party(x.Party), "%s %s since %s, entry %s", by, x.Status, when(x.At), x.Ref)
	}
	for _, x := range c.Amendments {
		late := ""
		if x.Late {
			late = ", when it was overdue"
		}
		t.fact("date moved", "from %s to %s%s, entry %s", when(x.From), when(x.To), late, x.Ref)
	}
	for _, x := range c.Releases {
		t.fact("released by", "%s, entry %s", p.party(x.Party), x.Ref)
	}
	for _, d := range c.Differing {
		report := d.Report
		if report == "" {
			report = "nothing"
		}
		t.fact("seen differently", "%s sees %s, %s reports %s", p.party(d.Party), d.Sees, p.party(c.Party), report)
	}
	p.steps(&t, c.Steps, c.Illegal, nil)
	return t
}

func (p *page) statement(s *desk.Statement) told {
	t := told{id: s.ID, title: fmt.Sprintf("Statement (%s, version %d) proposed by %s: %s", s.Form, s.Version, p.party(s.Proposer), s.State)}
	t.fact("not to be published before", "%s", when(s.Embargo))
	t.fact("SHA-256", "%s", s.SHA256)
	t.entry("replaces", s.Replaces)
	for _, x := range s.Texts {
		kind := "translation"
		if x.Authentic {
			kind = "authentic"
		}
		t.fact("text "+x.Lang, "%s, SHA-256 %s", kind, x.SHA256)
	}
	for _, m := range s.Signed {
		t.fact("signed by", "%s on %s, entry %s", p.party(m.Party), when(m.At), m.Ref)
	}
	for _, d := range s.Declined {
		t.fact("declined by", "%s on %s, code %s, entry %s", p.party(d.Party), when(d.At), d.Code, d.Ref)
	}
	for _, q := range s.Missing {
		t.fact("signature missing", "%s", p.party(q))
	}
	for _, m := range s.Retracted {
		t.fact("retracted by", "%s on %s, entry %s", p.party(m.Party), when(m.At), m.Ref)
	}
	p.steps(&t, s.Steps, s.Illegal, nil)
	return t
}

func (p *page) leak(l *desk.Leak) told {
	t := told{id: l.ID, title: fmt.Sprintf("Leak reported by %s, found %s", p.party(l.Reporter), when(l.Found))}
	t.fact("what was found", "%s of %s, written %s, entry %s", l.Kind, p.party(l.Author), when(l.Written), l.About)
	if l.Withdrawn != nil {
		t.fact("withdrawn", "%s, entry %s", when(l.Withdrawn.At), l.Withdrawn.Ref)
	}
	for _, h := range l.Holders {
		after := ""
		if h.After {
			after = ", after it was found"
		}
		t.fact("who had it", "%s since %s%s", p.party(h.Party), when(h.Since), after)
	}
	for _, a := range l.Answers {
		t.fact(p.party(a.Party), "answers %s, entry %s", a.Answer, a.Ref)
	}
	for _, q := range l.Unanswered {
		t.fact("not answered by", "%s", p.party(q))
	}
	p.steps(&t, l.Steps, l.Illegal, nil)
	return t
}

func (p *page) review(v *desk.Review) told {
	t := told{id: v.ID, title: fmt.Sprintf("Review of %s to %s, opened by %s: %s", when(v.From), when(v.To), p.party(v.Opener), v.State)}
	for _, h := range v.Cut {
		t.fact("cut", "%s: %d entries, root %s", h.Origin, h.Size, h.Root)
	}
	if v.Agreed != nil {
		t.fact("report that all signed", "SHA-256 %x", v.Agreed[:])
	}
	if v.Differs {
		t.fact("signatures", "two parties signed different reports")
	}
	for i := range v.Parties {
		q := &v.Parties[i]
		t.entry(p.party(q.Party)+" committed to scores", q.Committed)
		t.entry(p.party(q.Party)+" showed them", q.Revealed)
		for _, of := range slices.Sorted(maps.Keys(q.Scores)) {
			for _, kind := range slices.Sorted(maps.Keys(q.Scores[of])) {
				var all []string
				for _, name := range slices.Sorted(maps.Keys(q.Scores[of][kind])) {
					all = append(all, name+" "+strconv.Itoa(q.Scores[of][kind][name]))
				}
				t.fact(p.party(q.Party)+" scores", "%s, %s: %s", p.party(of), kind, strings.Join(all, ", "))
			}
		}
		if q.Signed != nil && q.Report != nil {
			t.fact("signed by", "%s, report SHA-256 %x, entry %s", p.party(q.Party), q.Report[:], *q.Signed)
		}
	}
	p.steps(&t, desk.AllSaid(v.Steps), desk.AllSaid(v.Illegal), nil)
	return t
}
