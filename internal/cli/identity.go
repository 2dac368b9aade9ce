package cli

import (
	"context"
	"fmt"
	"io"
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
			if keyFile == "" {
				return usagef("the organisation key signs the new version: --org-key FILE")
			}
			if in.What == "org" && newKeyFile == "" {
				return usagef("the new organisation key needs a place: --new-org-key FILE")
			}
			text, err := readFile(keyFile, 1<<20)
			if err != nil {
				return err
			}
			in.OrgKey = string(text)
			var out io.WriteCloser
			if in.What == "org" {
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
				p.f("Identity version %d is made; %s.", r.Identity.Version, count(int64(len(r.Entries)), "journal entry")+" written")
				if newKeyFile != "" && in.What == "org" {
					p.f("The new organisation key is in %s. Move it offline and destroy the old one.", newKeyFile)
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
	rotate.Flags().StringVar(&in.Note, "note", "", "why, for the own records")
	return group("identity", "Show or rotate this party's identity", "", []string{"entente identity show"}, show, rotate)
}

func writeIdentity(p *printer, r *node.IdentityResponse) {
	p.f("%s, identity version %d", r.Name, r.Version)
	p.pairs("  party", r.Party, "  organisation key", r.OrgKey, "  node key", r.NodeKey, "  witness key", r.Witness,
		"  made", moment(r.Created), "  expires", deadline(r.Expires, p.now), "  addresses", join(r.Addresses))
	for _, h := range r.TLS {
		p.pairs("  TLS key", h)
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
		return nil, fmt.Errorf("%s is too long: more than %s", name, size(limit))
	}
	return text, nil
}

// readText reads a file a person named, or standard input for "-".
func (a *app) readText(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readAtMost(a.in, "standard input", limit)
	}
	return readFile(name, limit)
}
