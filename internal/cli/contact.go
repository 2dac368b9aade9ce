package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) contactCommand() *cobra.Command {
	return group("contact", "Whom to call, and whether contacts still hold", `Contacts are part of the accord. They are kept fresh: their party confirms them,
and drills try them. CONTACT is the id of a contact's clause.`, []string{"entente contact list", "entente contact confirm K1.duty", "entente contact ping K2.technical"},
		a.contactList(), a.contactShow(), a.contactConfirm(), a.contactPing(), a.contactAnswer())
}

func (a *app) contactList() *cobra.Command {
	var in node.ContactListRequest
	cmd := command{
		use: "list", short: "Say whom to call at this minute",
		long: `Lists the other members' contacts in the order in which to call them now: who
answers at this hour first, then who speaks the language, the duty desk before the
technical and the diplomatic side. A contact that was neither confirmed nor
reached within the accord's rhythm of drills is marked STALE.`,
		examples: []string{"entente contact list", "entente contact list --language fr", "entente contact list --party North --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.ContactListResponse
			if err := a.call(ctx, "contact.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Contacts) == 0 {
					p.say("", "ui.no-contacts")
					return
				}
				if c := &r.Contacts[0]; c.Open {
					p.say("", "ui.call-first", "kind", p.code("contact", c.Kind), "party", c.Party, "reach", join(reach(c)))
				} else {
					p.say("", "ui.nobody-answers", "first", firstOpen(p, r.Contacts))
				}
				p.gap()
				var rows [][]string
				for i := range r.Contacts {
					c := &r.Contacts[i]
					rows = append(rows, []string{c.ID, c.Party, p.code("contact", c.Kind), openText(p, c), strings.Join(c.Languages, " "), join(reach(c)), freshText(p, c)})
				}
				p.grid("", rows, "ui.id", "review.party", "ui.kind", "time.now", "cli.languages", "ui.reach", "ui.fresh")
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVar(&in.Party, "party", "", "whose contacts (default: all other members)")
	cmd.Flags().StringVar(&in.Language, "language", "", "language to call in, such as fr")
	return cmd
}

func reach(c *node.ContactView) (out []string) {
	for _, s := range []string{c.Phone, c.Mailbox} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func firstOpen(p *printer, list []node.ContactView) string {
	first := &list[0]
	for i := range list {
		if c := &list[i]; !c.Change.IsZero() && (first.Change.IsZero() || c.Change.Before(first.Change)) {
			first = c
		}
	}
	return p.t("ui.opens-at", "contact", first.ID, "at", p.at(first.Change))
}

func openText(p *printer, c *node.ContactView) string {
	switch {
	case c.Open && c.Change.IsZero():
		return p.t("ui.answers-hours", "hours", c.Hours)
	case c.Open:
		return p.t("ui.answers-until", "at", p.at(c.Change))
	}
	return p.t("ui.closed-until", "at", p.at(c.Change))
}

func freshText(p *printer, c *node.ContactView) string {
	s := p.t("cli.fresh-until", "at", p.until(c.Stale))
	if c.IsStale {
		s = p.t("cli.stale-since", "at", p.at(c.Stale))
	}
	if c.Changed {
		s = p.t("ui.fresh-changes", "fresh", s)
	}
	return s
}

func (a *app) contactShow() *cobra.Command {
	var in node.ContactShowRequest
	cmd := command{
		use: "show CONTACT", short: "Show a contact and how fresh it is",
		long: "Shows hours and languages, when its party last confirmed it, and when it last\nanswered.", examples: []string{"entente contact show K2.duty", "entente contact show K2.duty --json"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Contact = args[0]
			var r node.ContactView
			if err := a.call(ctx, "contact.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "ui.contact-of", "kind", p.code("contact", r.Kind), "party", r.Party, "state", openText(p, &r))
				by := ""
				if !r.Confirmed.IsZero() {
					by = r.By.Agency + ", " + r.By.Role
				}
				p.fields("  ", "ui.contact", r.ID, "cli.phone", r.Phone, "cli.mailbox", r.Mailbox, "cli.languages", strings.Join(r.Languages, " "), "cli.hours", r.Hours+" ("+r.Zone+")",
					"cli.confirmed", p.at(r.Confirmed), "ui.by", by, "ui.last-reached", p.at(r.Reached), "ui.fresh", freshText(p, &r))
				p.spoken("  ", "| ", r.Text, r.Absent)
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func (a *app) contactConfirm() *cobra.Command {
	var in node.ContactConfirmRequest
	return a.contactWord(contactWord{use: "confirm CONTACT", short: "Say that an own contact holds, or that it changes", op: "contact.confirm", done: "said.confirmed",
		long:     "Says that an own contact of the accord still holds. With --changed it says that it\ndoes not, and how it is reached now; the accord is amended apart from that.",
		examples: []string{"entente contact confirm K1.duty", "entente contact confirm K1.technical --changed --text \"From Monday: +00 123\""}},
		&in.Acting, &in.Unit, &in.Contact, &in.Text, &in.TLP, &in.DryRun, func() any { return in },
		func(cmd *cobra.Command) {
			cmd.Flags().BoolVar(&in.Changed, "changed", false, "it changes: the text says how")
		})
}

func (a *app) contactPing() *cobra.Command {
	var in node.ContactPingRequest
	return a.contactWord(contactWord{use: "ping CONTACT", short: "Try a contact of another party: a drill", op: "contact.ping", done: "said.drill-pinged",
		long:     "Asks the other side to answer for one contact, and is marked as a drill. Where the\naccord wants drills announced, so are these.",
		examples: []string{"entente contact ping K2.technical", "entente contact ping K2.technical --announced 3f9a12-7"}},
		&in.Acting, &in.Unit, &in.Contact, &in.Text, &in.TLP, &in.DryRun, func() any { return in },
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&in.Announced, "announced", "", "announcement that it belongs to")
		})
}

func (a *app) contactAnswer() *cobra.Command {
	var in node.ContactAnswerRequest
	return a.contactWord(contactWord{use: "answer [ID]", short: "Answer a ping", op: "contact.answer", done: "said.drill-answered", optional: true,
		long: "Answers a ping of an own contact. ID is what 'hotline list' prints; left out, it is\nthe only one that is open.", examples: []string{"entente contact answer", "entente contact answer 3f9a12-7 --language fr"}},
		&in.Acting, &in.Unit, &in.ID, &in.Text, &in.TLP, &in.DryRun, func() any { return in },
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&in.Language, "language", "", "language in which it was answered, such as fr")
		})
}

// contactWord describes a command that says something of a contact.
type contactWord struct {
	use, short, long, op, done string
	examples                   []string
	optional                   bool
}

func (a *app) contactWord(w contactWord, acts *node.Acting, unit, arg, text, tlp *string, dry *bool, in func() any, more func(*cobra.Command)) *cobra.Command {
	var act *acting
	var file *string
	args := cobra.ExactArgs(1)
	if w.optional {
		args = cobra.MaximumNArgs(1)
	}
	cmd := command{
		use: w.use, short: w.short, long: w.long, examples: w.examples, args: args,
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if len(args) > 0 {
				*arg = args[0]
			}
			if *acts, err = act.claims(); err != nil {
				return err
			}
			*unit = act.unit
			if *text, err = a.text(*text, *file); err != nil {
				return err
			}
			return a.write(ctx, w.op, in(), w.done)
		},
	}.build()
	act = a.actingFlags(cmd)
	file = a.sayFlags(cmd, text, tlp, dry)
	more(cmd)
	return cmd
}
