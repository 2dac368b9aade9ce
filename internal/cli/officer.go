package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

// claimList reads claims of the form AGENCY:ROLE.
func claimList(flag string, texts []string) ([]node.Claim, error) {
	var out []node.Claim
	for _, r := range texts {
		agency, role, ok := strings.Cut(r, ":")
		if !ok || agency == "" || role == "" {
			return nil, usagef("--%s %q is not of the form AGENCY:ROLE", flag, r)
		}
		out = append(out, node.Claim{Agency: agency, Role: role})
	}
	return out, nil
}

const rolesText = `Roles of officers: duty (requests, calls, cases), analyst (imports, shares, decides on
what arrived), liaison (also units, accords, exchange), release (kept for releasing
what another officer holds ready; it only reads yet), auditor (reads the audit log, too), administrator (officers,
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
				return usagef("an officer needs a role: --role duty|analyst|liaison|release|auditor|administrator")
			}
			if in.Claims, err = claimList("claim", claims); err != nil {
				return err
			}
			return a.officerCode(ctx, "officer.new", in, "The officer %s is made, as %s.")
		},
	}.build()
	f := create.Flags()
	f.StringVar(&in.Display, "display", "", "name that is shown (default: the sign-in name)")
	f.StringVar(&in.Agency, "agency", "", "agency the officer is of")
	f.StringSliceVar(&in.Roles, "role", nil, "duty, analyst, liaison, release, auditor or administrator (repeat it for more)")
	f.StringArrayVar(&claims, "claim", nil, "AGENCY:ROLE of the accord that the officer may act under (repeat it for more)")
	f.StringVar(&in.Language, "language", "", "language of the pages for this officer: en, fr, ru, zh, vi")

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
					p.f("There are no officers; people sign in with tokens.")
					p.hint("Make one with: entente officer new NAME --role administrator")
					return
				}
				rows := [][]string{}
				for _, o := range r.Officers {
					rows = append(rows, []string{o.Name, o.Display, strings.Join(o.Roles, ", "), claimText(o.Claims), o.State, signsIn(&o), strconv.Itoa(o.Sessions)})
				}
				p.table([]string{"name", "who", "roles", "claims", "state", "signs in with", "sessions"}, rows)
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
				return usagef("name what the officer is to have: --role, --claim or --no-claims")
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

	disable := a.oneOfficer("disable", "Sign an officer out and let them in no more", "Ends the officer's sessions at once. Roles and credentials are kept for 'entente officer enable'.", "officer.disable")
	enable := a.oneOfficer("enable", "Let a disabled officer in again", "The officer signs in as before.", "officer.enable")

	reset := command{
		use: "reset NAME", short: "Take credentials and sessions of an officer away, with a new one-time code",
		long: `For who has lost password, second factor or passkey, and for a code that has run out. The
old ones let in no more; with the code the officer sets up new ones on the page /set-up.`,
		examples: []string{"entente officer reset ada"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.officerCode(ctx, "officer.reset", node.OfficerRequest{Officer: args[0]}, "The officer %s starts anew, as %s.")
		},
	}.build()

	var of node.SessionListRequest
	sessions := command{
		use: "sessions", short: "List who is signed in to the pages",
		long:     `Shows each browser in which an officer is signed in, and from where. Who is signed in with a token is not in the list: revoke the token.`,
		examples: []string{"entente officer sessions", "entente officer sessions --officer ada --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.SessionListResponse
			if err := a.call(ctx, "officer.sessions", of, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Sessions) == 0 {
					p.f("Nobody is signed in.")
				}
				writeSessions(p, r.Sessions)
			})
		},
	}.build()
	sessions.Flags().StringVar(&of.Officer, "officer", "", "only of this officer (name or id)")

	var end node.SessionEndRequest
	endSession := command{
		use: "end-session [ID]", short: "Sign an officer out, of one browser or of all",
		long:     `Ends the session with this id, or with --officer all sessions of an officer. The officer can sign in again; to prevent that, disable them.`,
		examples: []string{"entente officer end-session 4f1c09ab77e2", "entente officer end-session --officer ada"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if (len(args) == 0) == (end.Officer == "") {
				return usagef("name a session by its id, or an officer with --officer")
			}
			if len(args) == 1 {
				end.ID = args[0]
			}
			var r node.SessionEndResponse
			if err := a.call(ctx, "officer.end-session", end, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.f("Ended: %s.", count(int64(len(r.Ended)), "session"))
				writeSessions(p, r.Ended)
			})
		},
	}.build()
	endSession.Flags().StringVar(&end.Officer, "officer", "", "all sessions of this officer (name or id)")

	return group("officer", "The people who sign in to the pages", rolesText, []string{"entente officer new ada --role duty --claim cert:duty-officer", "entente officer list", "entente officer disable ada"},
		create, list, show, change, disable, enable, reset, sessions, endSession)
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

// officerCode runs an operation that answers with a one-time code.
func (a *app) officerCode(ctx context.Context, op string, in any, say string) error {
	var r node.OfficerCodeResponse
	if err := a.call(ctx, op, in, &r); err != nil {
		return err
	}
	return a.show(r, func(p *printer) {
		p.f(say, r.Officer.Name, strings.Join(r.Officer.Roles, ", "))
		where := r.Link
		if where == "" {
			where = "the page " + r.Path
		}
		p.pairs("  one-time code", r.Code, "  to be used at", where, "  until", moment(r.Officer.CodeUntil.Local()))
		p.hint("It is shown this once. A new one: entente officer reset %s", r.Officer.Name)
	})
}

func claimText(list []node.Claim) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Agency+":"+c.Role)
	}
	return strings.Join(out, ", ")
}

func signsIn(o *node.OfficerView) string {
	var out []string
	if o.Password {
		out = append(out, "password")
	}
	if n := len(o.Passkeys); n > 0 {
		out = append(out, count(int64(n), "passkey"))
	}
	if o.Provider != "" {
		out = append(out, o.Provider)
	}
	return strings.Join(out, ", ")
}

func writeOfficer(p *printer, o *node.OfficerView) {
	p.f("%s (%s), %s.", o.Display, o.Name, o.State)
	code := ""
	if !o.CodeUntil.IsZero() {
		code = "until " + moment(o.CodeUntil.Local())
	}
	recovery := ""
	if o.Second {
		recovery = strconv.Itoa(o.Recovery) + " left"
	}
	p.pairs("  id", o.ID, "  agency", o.Agency, "  roles", strings.Join(o.Roles, ", "), "  may", scopeText(o.Scopes), "  acts as", claimText(o.Claims), "  language", o.Language,
		"  made", o.Created.Format(time.DateOnly), "  one-time code", code, "  signs in with", signsIn(o), "  recovery codes", recovery, "  sessions", strconv.Itoa(o.Sessions))
	rows := [][]string{}
	for _, k := range o.Passkeys {
		rows = append(rows, []string{"  " + k.Name, k.Created.Format(time.DateOnly), moment(k.Used)})
	}
	p.table([]string{"  passkey", "made", "last used"}, rows)
}

func writeSessions(p *printer, list []node.SessionView) {
	rows := [][]string{}
	for _, s := range list {
		rows = append(rows, []string{s.ID, s.Name, s.How, moment(s.Begun.Local()), moment(s.Seen.Local()), s.From, s.Agent})
	}
	p.table([]string{"session", "officer", "by", "since", "last used", "from", "browser"}, rows)
}
