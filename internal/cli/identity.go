package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) identityCommand() *cobra.Command {
	show := command{
		use: "show", short: "Show this party's identity",
		long:     "Shows the current version of the identity, its keys and fingerprints, and the\nchain of versions that led to it.",
		examples: []string{"entente identity show", "entente identity show --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.IdentityResponse
			if err := a.call(ctx, "identity.show", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeIdentity(p, &r) })
		},
	}.build()

	in := node.IdentityRotateRequest{}
	var keyFile, newKeyFile string
	rotate := command{
		use: "rotate node|tls|witness|org", short: "Make the next version of the identity with a new key",
		long: `Makes a new node key, TLS key, witness key or organisation key and the next version
of the identity, signed by the organisation key (--org-key; it is used once and not
kept). Every unit's journal gets an entry, so that partners follow. A new
organisation key is written to --new-org-key and signed by the old one too. A witness
that cosigns nothing any more (see status) gets its next key whichever is rotated. The
courier key stays.`,
		examples: []string{"entente identity rotate node --org-key /media/stick/north.key", "entente identity rotate org --org-key old.key --new-org-key new.key"},
		args:     cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.What = args[0]
			if keyFile == "" && !in.DryRun {
				return usage("usage.needs-org-key")
			}
			if in.What == "org" && newKeyFile == "" && !in.DryRun {
				return usage("usage.needs-new-org-key")
			}
			if keyFile != "" {
				text, err := readFile(keyFile, 1<<20)
				if err != nil {
					return err
				}
				in.OrgKey = string(text)
			}
			var out io.WriteCloser
			var err error
			if in.What == "org" && !in.DryRun {
				// Opened first: a new key that cannot be kept must not be made.
				if out, err = os.OpenFile(newKeyFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
					return fmt.Errorf("a place for the new organisation key: %w", err)
				}
				defer out.Close()
			}
			var r node.IdentityRotateResponse
			if err := a.call(ctx, "identity.rotate", in, &r); err != nil {
				if out != nil {
					_ = os.Remove(newKeyFile)
				}
				return err
			}
			if out != nil {
				if _, err := io.WriteString(out, r.NewOrgKey); err != nil {
					return fmt.Errorf("writing the new organisation key (it is lost unless you repeat this): %w", err)
				}
				if err := out.Close(); err != nil {
					return fmt.Errorf("writing the new organisation key: %w", err)
				}
				r.NewOrgKey = "" // it lies in the file, not in a terminal's history
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					p.say("", "cli.identity-would", "version", r.Version, "kinds", join(r.Changes), "units", join(r.Units))
					return
				}
				p.say("", "cli.identity-made", "n", len(r.Entries), "version", r.Identity.Version)
				if newKeyFile != "" && in.What == "org" {
					p.say("", "cli.org-key-in", "file", newKeyFile)
				}
				p.gap()
				writeIdentity(p, &r.Identity)
			})
		},
	}.build()
	rotate.ValidArgs = []string{"node", "tls", "witness", "org"}
	rotate.Flags().StringVar(&keyFile, "org-key", "", "file of the offline organisation key (required)")
	rotate.Flags().StringVar(&newKeyFile, "new-org-key", "", "file for the new organisation key; it must not exist")
	rotate.Flags().BoolVar(&in.Compromise, "compromise", false, "the old key may be in other hands: write a compromise notice too")
	rotate.Flags().BoolVar(&in.Unseen, "unseen", false, "the high-water marks are lost, and nobody can have seen an identity newer than this one")
	rotate.Flags().BoolVar(&in.DryRun, "dry-run", false, "say what would change, change nothing; needs no organisation key")
	rotate.Flags().StringVar(&in.Note, "note", "", "why, for the own records")
	keys := command{
		use: "keys", short: "List the keys of this party",
		long:     "Shows each key with where its secret half lies and since when it is in use, and whether the\norganisation key lies in the folder, where it should not be.",
		examples: []string{"entente identity keys", "entente identity keys --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.KeysResponse
			if err := a.call(ctx, "identity.keys", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				rows := [][]string{}
				for _, k := range r.Keys {
					rows = append(rows, []string{p.code("key", k.Kind), k.Unit, brief(k.ID), p.at(k.At), k.File})
				}
				p.grid("", rows, "cli.key", "ui.in-unit", "ui.id", "ui.since", "cli.file")
				if r.OrgKeyFile != "" {
					p.f("%s", p.words().Text("ui.org-key-here", "file", r.OrgKeyFile))
				}
			})
		},
	}.build()
	return group("identity", "Show or rotate this party's identity", "", []string{"entente identity show"}, show, keys, rotate)
}

func writeIdentity(p *printer, r *node.IdentityResponse) {
	p.say("", "cli.identity-head", "name", r.Name, "version", r.Version)
	p.fields("  ", "review.party", r.Party, "key.organisation", r.OrgKey, "key.node", r.NodeKey, "key.witness", r.Witness,
		"cli.made", p.at(r.Created), "ui.expires", p.until(r.Expires), "cli.addresses", join(r.Addresses))
	for _, h := range r.TLS {
		p.fields("  ", "key.tls", h)
	}
}

// readFile reads a small file that a person named.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, name, limit)
}

func readAtMost(r io.Reader, name string, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(text)) > limit {
		return nil, tooLong(name, limit)
	}
	return text, nil
}

// tooLong is the error for what a person named and what is longer than is read.
func tooLong(name string, most int64) error {
	return &node.Error{Code: node.CodeBadInput, Status: http.StatusRequestEntityTooLarge, What: fmt.Sprintf("%s is too long: more than %s.", name, size(most)),
		Next: "Name a shorter one; files of any size are attached with 'entente exhibit add'."}
}

// readText reads a file a person named, or standard input for "-".
func (a *app) readText(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readAtMost(a.in, a.catalog().Text("cli.standard-input"), limit)
	}
	return readFile(name, limit)
}
