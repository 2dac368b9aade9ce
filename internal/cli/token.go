package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/api"
	"entente/internal/node"
)

func (a *app) tokenCommand() *cobra.Command {
	var in node.TokenNewRequest
	var scopes []string
	create := command{
		use: "new --name NAME --scope SCOPE", short: "Make a bearer token for a program",
		long: `Shows the secret once; the node keeps only its SHA-256. A scope says what the token
may be used for, and holds no other: read (look at everything, TAXII and feeds), intel
(import, share, decide on what arrived, write over TAXII), request (make requests and
moves in them), unit (units, accords, exchange, dossiers), admin (identity, officers,
tokens, backup, rebuild, succession, courier files), release (see and reject what
waits for a second person; no token releases it), audit (read the audit log), watch
(be told what to watch for, and report what was seen), taxii:read (TAXII and feeds) and taxii:write (TAXII); with :COLLECTION behind it, an
alias or id, for that one alone, and not for feeds. Since admin makes tokens, it is as
good as all of them. The pages ask for read.

With taxii:read a program reads as sensors do: without what the guard keeps back, but
in collections that it may write to. A token is also good as the password of HTTP
Basic, with any user, for TAXII clients that speak nothing else.`,
		examples: []string{"entente token new --name MISP --scope read --scope intel --expires 720h", "entente token new --name honeypot --scope taxii:read:inbox --scope taxii:write:inbox", "entente token new --name dashboard --scope read --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if in.Name == "" || len(scopes) == 0 {
				return usage("usage.needs-scope", "scopes", strings.Join(scopeNames(), "|"))
			}
			for _, s := range scopes {
				if node.Scope(s).Check() != nil {
					return usage("usage.no-scope", "scope", s, "scopes", join(append(scopeNames(), "taxii:read:COLLECTION", "taxii:write:COLLECTION")))
				}
				in.Scopes = append(in.Scopes, node.Scope(s))
			}
			var r node.TokenNewResponse
			if err := a.call(ctx, "token.new", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "cli.token-made", "id", r.Token.ID, "name", r.Token.Name, "scopes", scopeText(r.Token.Scopes), "until", until(p, r.Token))
				p.fields("  ", "cli.secret", r.Secret)
				p.note("", "cli.token-once", "id", r.Token.ID)
			})
		},
	}.build()
	f := create.Flags()
	f.StringVar(&in.Name, "name", "", "what the token is for, to tell it from others")
	f.StringSliceVar(&scopes, "scope", nil, "what it may be used for: read, intel, request, unit, admin, release, audit, watch, taxii:read, taxii:write (repeat it for more)")
	f.DurationVar(&in.Expires, "expires", 0, "how long it is good, as in 720h (default: until it is revoked)")

	list := command{
		use: "list", short: "List the bearer tokens",
		long: `Shows name, scopes and end of each token, never its secret. The token that 'entente
init' showed is in the configuration and not in the list.`,
		examples: []string{"entente token list", "entente token list --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.TokenListResponse
			if err := a.call(ctx, "token.list", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Tokens) == 0 {
					p.say("", "cli.no-tokens")
					return
				}
				rows := [][]string{}
				for _, t := range r.Tokens {
					rows = append(rows, []string{t.ID, t.Name, scopeText(t.Scopes), p.at(t.Created), until(p, t)})
				}
				p.grid("", rows, "ui.id", "verify.col-name", "cli.scopes", "cli.made", "cli.good")
			})
		},
	}.build()

	var gone node.TokenRevokeRequest
	revoke := command{
		use: "revoke ID", short: "End a bearer token at once",
		long: `From now on the token is refused, on a server that runs, too, and who signed in to
the pages with it is signed out. What is under way is not broken off. --dry-run says which
sessions would end, and which acts wait that were prepared with it.`,
		examples: []string{"entente token revoke 4f1c09ab77e2 --dry-run", "entente token revoke 4f1c09ab77e2"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.TokenRevokeResponse
			gone.ID = args[0]
			if err := a.call(ctx, "token.revoke", gone, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					writeEnds(p, &r.Ends)
					return
				}
				p.say("", "cli.token-revoked", "id", r.Token.ID, "name", r.Token.Name)
			})
		},
	}.build()
	revoke.Flags().BoolVar(&gone.DryRun, "dry-run", false, "say what would end, and change nothing")
	return group("token", "Bearer tokens for programs that use the API", "", []string{"entente token new --name dashboard --scope read", "entente token list", "entente token revoke 4f1c09ab77e2"}, create, list, revoke)
}

func scopeNames() []string {
	var out []string
	for _, s := range node.Scopes() {
		out = append(out, string(s))
	}
	return out
}

func scopeText(scopes []node.Scope) string {
	var out []string
	for _, s := range scopes {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// until says how long a token is good.
func until(p *printer, t node.TokenView) string {
	switch {
	case t.Revoked:
		return p.t("cli.revoked-not-kept")
	case t.Expired:
		return p.t("cli.run-out", "at", p.at(t.Expires))
	case t.Expires.IsZero():
		return p.t("cli.until-revoked")
	}
	return p.t("cli.fresh-until", "at", p.at(t.Expires))
}

func (a *app) apiCommand() *cobra.Command {
	return command{
		use: "api", short: "Print the description of the API (OpenAPI 3.1)",
		long: `Prints the document that a node serves at /api/v1/openapi.json, made from the program
itself: each operation with its request, its answer, its errors and the scope that a
token needs. It needs no node.`,
		examples: []string{"entente api > openapi.json"},
		run: func(context.Context, *cobra.Command, []string) error {
			text, err := api.OpenAPI()
			if err != nil {
				return err
			}
			if _, err := a.out.Write(text); err != nil {
				return fmt.Errorf("printing the description: %w", err)
			}
			return nil
		},
	}.build()
}
