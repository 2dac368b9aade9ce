package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

// claimList reads claims of the form AGENCY:ROLE.
func claimList(flag string, texts []string) ([]node.Claim, error) {
	var out []node.Claim
	for _, r := range texts {
		agency, role, ok := strings.Cut(r, ":")
		if !ok || agency == "" || role == "" {
			return nil, usage("usage.not-form", "flag", "--"+flag, "value", r, "form", "AGENCY:ROLE")
		}
		out = append(out, node.Claim{Agency: agency, Role: role})
	}
	return out, nil
}

const rolesText = `Roles of officers: duty (requests, calls, cases), analyst (imports, shares, decides on
what arrived), liaison (also units, accords, exchange), release (releases or
rejects what another officer prepared), auditor (reads the audit log, too), administrator (officers,
tokens, keys, backups). Everybody reads. What an officer does in a unit is done under
a claim, the agency and role that the accord knows; which claims they may use is said
with --claim.`

func (a *app) officerCommand() *cobra.Command {
	var in node.OfficerNewRequest
	var claims []string
	create := command{
		use: "new NAME --role ROLE", short: "Make an officer who can sign in to the pages",
		long: `Shows a one-time code. With it the officer opens the page /set-up within three days and
chooses how to sign in: with a passkey, or with a password and a second factor. Give it
to them in person, or by a way that is not the one by which they will sign in.

` + rolesText,
		examples: []string{"entente officer new ada --display \"Ada Byron\" --role duty --role liaison --claim cert:duty-officer", "entente officer new theo --role auditor --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			in.Name = args[0]
			if len(in.Roles) == 0 {
				return usage("usage.needs-role")
			}
			if in.Claims, err = claimList("claim", claims); err != nil {
				return err
			}
			return a.officerCode(ctx, "officer.new", in, "cli.officer-made")
		},
	}.build()
	f := create.Flags()
	f.StringVar(&in.Display, "display", "", "name that is shown (default: the sign-in name)")
	f.StringVar(&in.Agency, "agency", "", "agency the officer is of")
	f.StringSliceVar(&in.Roles, "role", nil, "duty, analyst, liaison, release, auditor or administrator (repeat it for more)")
	f.StringArrayVar(&claims, "claim", nil, "AGENCY:ROLE of the accord that the officer may act under (repeat it for more)")
	f.StringVar(&in.Language, "language", "", "language of the pages for this officer: en, fr, ru, zh, vi")
	f.StringVar(&in.Zone, "zone", "", "time zone of the pages for this officer: a name such as Asia/Kolkata, or an offset such as +05:30")

	list := command{
		use: "list", short: "List the officers",
		long:     `Shows each officer with roles, claims, how they sign in, and how many sessions are live.`,
		examples: []string{"entente officer list", "entente officer list --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.OfficerListResponse
			if err := a.call(ctx, "officer.list", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Officers) == 0 {
					p.say("", "cli.no-officers")
					p.note("", "cli.make-officer")
					return
				}
				rows := [][]string{}
				for _, o := range r.Officers {
					rows = append(rows, []string{o.Name, o.Display, p.codes("role", o.Roles), claimText(o.Claims), p.code("officer-state", o.State), signsIn(p, &o), strconv.Itoa(o.Sessions)})
				}
				p.grid("", rows, "verify.col-name", "cli.who", "cli.roles", "cli.claims", "ui.state", "cli.signs-in-with", "cli.sessions")
			})
		},
	}.build()

	show := a.oneOfficer("show", "Show one officer", "Shows an officer with roles, scopes, claims, credentials by kind, and passkeys by name.", "officer.show")

	var roles node.OfficerRolesRequest
	var newClaims []string
	change := command{
		use: "roles NAME", short: "Replace the roles of an officer, or the claims",
		long: `What is named replaces what was; roles and claims are independent of each other. It holds
from the officer's next page on.

` + rolesText,
		examples: []string{"entente officer roles ada --role duty --role release", "entente officer roles ada --claim cert:duty-officer --claim cert:release-officer", "entente officer roles ada --no-claims"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			roles.Officer = args[0]
			if roles.Claims, err = claimList("claim", newClaims); err != nil {
				return err
			}
			if len(roles.Roles) == 0 && len(newClaims) == 0 && !roles.NoClaims {
				return usage("usage.needs-rights")
			}
			var r node.OfficerResponse
			if err := a.call(ctx, "officer.roles", roles, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeOfficer(p, &r.Officer) })
		},
	}.build()
	change.Flags().StringSliceVar(&roles.Roles, "role", nil, "a role (repeat it for more)")
	change.Flags().StringArrayVar(&newClaims, "claim", nil, "AGENCY:ROLE of the accord (repeat it for more)")
	change.Flags().BoolVar(&roles.NoClaims, "no-claims", false, "take all claims away")

	reads := a.officerReads()
	disable := a.disableOfficer()
	enable := a.oneOfficer("enable", "Let a disabled officer in again", "The officer signs in as before.", "officer.enable")

	var anew node.OfficerEndRequest
	reset := command{
		use: "reset NAME", short: "Take credentials and sessions of an officer away, with a new one-time code",
		long: `For who has lost password, second factor or passkey, and for a code that has run out. The
old ones let in no more; with the code the officer sets up new ones on the page /set-up.
--dry-run says which sessions would end, and which acts wait that they prepared.`,
		examples: []string{"entente officer reset ada --dry-run", "entente officer reset ada"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			anew.Officer = args[0]
			return a.officerCode(ctx, "officer.reset", anew, "cli.officer-anew")
		},
	}.build()
	reset.Flags().BoolVar(&anew.DryRun, "dry-run", false, "say what would end, and change nothing")

	var account node.OfficerBindRequest
	bind := command{
		use: "bind NAME --subject SUB", short: "Let an officer sign in with an account at the OpenID provider",
		long: `SUB is who they are at the provider that sign_in.provider in config.yaml names: the sub of
its ID tokens, which stays the same, and no e-mail address. Who tries to sign in without
being bound is told theirs, and so is the audit log. An officer who can sign in otherwise
may also link the account on their own page. Roles and claims stay those given here. A
one-time code that is still open is used up, and sessions end.`,
		examples: []string{"entente officer bind ada --subject 248289761001"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if account.Subject == "" {
				return usage("usage.needs-subject")
			}
			account.Officer = args[0]
			var r node.OfficerResponse
			if err := a.call(ctx, "officer.bind", account, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeOfficer(p, &r.Officer) })
		},
	}.build()
	bind.Flags().StringVar(&account.Subject, "subject", "", "the sub of the provider's ID tokens")
	unbind := a.oneOfficer("unbind", "Take the account at the OpenID provider away from an officer", "Their sessions end. It is refused where the account is the only way in: reset or disable the officer then.", "officer.unbind")

	provider := command{
		use: "provider", short: "Show the OpenID provider and what has to be registered there",
		long: `Shows the provider that sign_in.provider in config.yaml names, and the addresses of this node
that have to be registered there: where browsers come back to, and where the provider tells
who is signed out there (OpenID Connect Back-Channel Logout 1.0), so that their sessions here
end, too. The provider is asked whether it does that.`,
		examples: []string{"entente officer provider", "entente officer provider --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.ProviderResponse
			if err := a.call(ctx, "officer.provider", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				tells := "cli.provider-away"
				switch {
				case r.Sessions:
					tells = "cli.provider-tells-sessions"
				case r.Tells:
					tells = "cli.provider-tells"
				case r.Answers:
					tells = "cli.provider-tells-not"
				}
				told := p.t("cli.provider-told-never")
				if !r.Told.IsZero() {
					told = p.at(r.Told)
				}
				p.say("", "cli.provider-head", "name", r.Name, "issuer", r.Issuer)
				p.fields("  ", "cli.provider-client", r.Client, "cli.provider-redirect", r.Redirect, "cli.provider-logout", r.Logout, "cli.provider-signouts", p.t(tells), "cli.provider-told", told)
			})
		},
	}.build()

	var of node.SessionListRequest
	sessions := command{
		use: "sessions", short: "List who is signed in to the pages",
		long:     `Shows each browser in which somebody is signed in, and from where: officers, and bearers of tokens.`,
		examples: []string{"entente officer sessions", "entente officer sessions --officer ada --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.SessionListResponse
			if err := a.call(ctx, "officer.sessions", of, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Sessions) == 0 {
					p.say("", "cli.nobody-signed-in")
				}
				writeSessions(p, r.Sessions)
			})
		},
	}.build()
	sessions.Flags().StringVar(&of.Officer, "officer", "", "only of this officer (name or id)")

	var end node.SessionEndRequest
	endSession := command{
		use: "end-session [ID]", short: "Sign an officer out, of one browser or of all",
		long:     `Ends the session with this id, or with --officer all sessions of an officer. The officer can sign in again; to prevent that, disable them. --dry-run says what would end.`,
		examples: []string{"entente officer end-session 4f1c09ab77e2 --dry-run", "entente officer end-session 4f1c09ab77e2", "entente officer end-session --officer ada"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if (len(args) == 0) == (end.Officer == "") {
				return usage("usage.needs-session")
			}
			if len(args) == 1 {
				end.ID = args[0]
			}
			var r node.SessionEndResponse
			if err := a.call(ctx, "officer.end-session", end, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					writeEnds(p, &node.Ends{Sessions: r.Ended})
					return
				}
				p.f("%s", p.many("cli.sessions-ended", int64(len(r.Ended))))
				writeSessions(p, r.Ended)
			})
		},
	}.build()
	endSession.Flags().BoolVar(&end.DryRun, "dry-run", false, "say what would end, and end nothing")
	endSession.Flags().StringVar(&end.Officer, "officer", "", "all sessions of this officer (name or id)")

	return group("officer", "The people who sign in to the pages", rolesText, []string{"entente officer new ada --role duty --claim cert:duty-officer", "entente officer list", "entente officer disable ada"},
		create, list, show, change, reads, disable, enable, reset, bind, unbind, provider, sessions, endSession)
}

// oneOfficer is a command that names an officer and shows them.
func (a *app) oneOfficer(verb, short, long, op string) *cobra.Command {
	return command{
		use: verb + " NAME", short: short, long: long, examples: []string{"entente officer " + verb + " ada"}, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.OfficerResponse
			if err := a.call(ctx, op, node.OfficerRequest{Officer: args[0]}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeOfficer(p, &r.Officer) })
		},
	}.build()
}

// disableOfficer is a command that shuts an officer out, or says what that would end.
func (a *app) disableOfficer() *cobra.Command {
	var in node.OfficerEndRequest
	cmd := command{
		use: "disable NAME", short: "Sign an officer out and let them in no more", long: `Ends the officer's sessions at once. Roles and credentials are kept for 'entente officer
enable'. --dry-run says which sessions would end, and which acts wait that they prepared:
those stay, and can still be released by another.`,
		examples: []string{"entente officer disable ada --dry-run", "entente officer disable ada"}, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Officer = args[0]
			var r node.OfficerResponse
			if err := a.call(ctx, "officer.disable", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					writeEnds(p, r.Ends)
					return
				}
				writeOfficer(p, &r.Officer)
				if r.Ends != nil && len(r.Ends.Held) > 0 {
					p.f("%s", p.words().Text("ui.held-stay", "n", len(r.Ends.Held)))
				}
			})
		},
	}.build()
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "say what would end, and change nothing")
	return cmd
}

// writeEnds says what would end with somebody's access.
func writeEnds(p *printer, e *node.Ends) {
	if e == nil {
		return
	}
	c := p.words()
	changed(p, true, "")
	p.f("%s", c.Text("ui.sessions-end", "n", len(e.Sessions)))
	for _, s := range e.Sessions {
		p.f("  %s  %s  %s  %s", s.ID, s.Name, c.Code("how", s.How), s.From)
	}
	if len(e.Held) > 0 {
		p.f("%s", c.Text("ui.held-stay", "n", len(e.Held)))
		for _, h := range e.Held {
			p.f("  %s  %s", h.ID, node.EntryText(c, h.Kind))
		}
	}
}

// officerCode runs an operation that answers with a one-time code.
func (a *app) officerCode(ctx context.Context, op string, in any, done string) error {
	var r node.OfficerCodeResponse
	if err := a.call(ctx, op, in, &r); err != nil {
		return err
	}
	return a.show(r, func(p *printer) {
		if r.DryRun {
			writeEnds(p, r.Ends)
			return
		}
		p.say("", done, "name", r.Officer.Name, "roles", p.codes("role", r.Officer.Roles))
		where := r.Link
		if where == "" {
			where = p.t("cli.the-page", "path", r.Path)
		}
		p.fields("  ", "how.set-up", r.Code, "cli.to-be-used-at", where, "ui.until", p.at(r.Officer.CodeUntil))
		p.note("", "cli.code-once", "name", r.Officer.Name)
	})
}

func claimText(list []node.Claim) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Agency+":"+c.Role)
	}
	return strings.Join(out, ", ")
}

func signsIn(p *printer, o *node.OfficerView) string {
	var out []string
	if o.Password {
		out = append(out, p.t("cli.a-password"))
	}
	if n := len(o.Passkeys); n > 0 {
		out = append(out, p.many("ui.passkey-count", int64(n)))
	}
	if o.Provider != "" {
		out = append(out, p.t("cli.account-at", "provider", o.Provider, "subject", o.Subject))
	}
	return p.words().List(out)
}

func writeOfficer(p *printer, o *node.OfficerView) {
	p.say("", "cli.officer-head", "display", o.Display, "name", o.Name, "state", p.code("officer-state", o.State))
	code := ""
	if !o.CodeUntil.IsZero() {
		code = p.t("cli.fresh-until", "at", p.at(o.CodeUntil))
	}
	recovery := ""
	if o.Second {
		recovery = p.t("cli.codes-left", "n", strconv.Itoa(o.Recovery))
	}
	p.fields("  ", "ui.id", o.ID, "cli.agency", o.Agency, "cli.roles", p.codes("role", o.Roles), "cli.may", scopeText(o.Scopes), "cli.acts-as", claimText(o.Claims), "ui.spoken", o.Language, "cli.zone", o.Zone,
		"cli.made", p.at(o.Created), "how.set-up", code, "cli.signs-in-with", signsIn(p, o), "cli.recovery-codes", recovery, "cli.sessions", strconv.Itoa(o.Sessions))
	rows := [][]string{}
	for _, k := range o.Passkeys {
		rows = append(rows, []string{"  " + k.Name, p.at(k.Created), p.at(k.Used)})
	}
	p.grid("  ", rows, "how.passkey", "cli.made", "cli.last-used")
}

func writeSessions(p *printer, list []node.SessionView) {
	rows := [][]string{}
	for _, s := range list {
		rows = append(rows, []string{s.ID, s.Name, p.code("how", s.How), p.at(s.Begun), p.at(s.Seen), s.From, s.Agent})
	}
	p.grid("", rows, "cli.session", "audit-kind.officer", "ui.by", "ui.since", "cli.last-used", "ui.from", "cli.browser")
}
