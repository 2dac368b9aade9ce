package cli

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

// version is what the build says it is.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && !strings.Contains(v, s.Value[:12]) {
			v += " " + s.Value[:12]
		}
	}
	return v
}

// openNode opens the folder in this process.
func openNode(ctx context.Context, dir string) (*node.Node, error) {
	return node.Open(ctx, dir, node.Options{Version: version()})
}

func (a *app) initCommand() *cobra.Command {
	var o node.InitOptions
	cmd := command{
		use: "init --name NAME", short: "Make a new node: a folder with keys and an identity",
		long: `Makes the folder (--dir), the organisation key, the node's key and identity
version 1, and a commented configuration file. The organisation key belongs
offline: it certifies the node, and successors after a restore. The secrets that
are printed are shown once; the folder keeps only their digests.`,
		examples: []string{"entente init --name North", "entente --dir /srv/entente init --name North --peer-listen 0.0.0.0:7450 --advertise node.example:7450 --org-key /media/stick/north.key"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			if o.Name == "" {
				return usage("usage.needs-name")
			}
			r, err := node.Init(ctx, dir, o, node.Options{Version: version()})
			if err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "cli.node-made", "name", r.Name, "dir", r.Dir)
				p.gap()
				p.fields("", "review.party", r.Party, "key.organisation", r.OrgKeyPath, "ui.partners-connect", r.PeerListen, "cli.pages-api-taxii", r.HTTPListen)
				p.gap()
				p.say("", "cli.secrets-once")
				p.fields("  ", "cli.api-token", r.APIToken, "cli.taxii-user", r.TAXIIUser, "cli.taxii-password", r.TAXIIPassword)
				p.gap()
				p.note("", "cli.move-org-key")
				p.note("", "cli.next-serve")
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&o.Name, "name", "", "what the party calls itself (required)")
	f.StringVar(&o.PeerListen, "peer-listen", "", "host:port where partners connect (default: none, this side opens every session)")
	f.StringArrayVar(&o.Advertise, "advertise", nil, "host:port that partners are told; repeatable")
	f.StringVar(&o.HTTPListen, "http-listen", "", "host:port of pages, API and TAXII (default 127.0.0.1:8080)")
	f.StringVar(&o.Agency, "agency", "", "agency used by commands that name none (default CERT)")
	f.StringVar(&o.Role, "role", "", "role used by commands that name none (default duty)")
	f.StringVar(&o.OrgKeyPath, "org-key", "", "where the offline organisation key goes (default: organisation.key in the folder)")
	return cmd
}

func (a *app) setupCommand() *cobra.Command {
	return command{
		use: "setup", short: "Say what a new node still needs",
		long: `Lists the steps of the first day, each with whether it is done: an account for an
administrator, the name that partners are told, the organisation key out of the folder, a
unit, a partner, and something that is known. The pages lead through the same steps at
/first.`,
		examples: []string{"entente setup", "entente setup --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.SetupResponse
			if err := a.call(ctx, "setup", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeSetup(p, &r) })
		},
	}.build()
}

func writeSetup(p *printer, r *node.SetupResponse) {
	c := p.words()
	for _, s := range r.Steps {
		state := c.Text("ui.to-do")
		if s.Done {
			state = c.Text("ui.is-done")
		}
		p.f("%s: %s", c.Code("setup", s.Code), state)
	}
	if r.OrgKeyFile != "" {
		p.gap()
		p.f("%s", c.Text("ui.org-key-here", "file", r.OrgKeyFile))
	}
}

func (a *app) versionCommand() *cobra.Command {
	return command{
		use: "version", short: "Say which version this is",
		long:     "Prints the version of this program and of Go.",
		examples: []string{"entente version", "entente version --json"},
		run: func(context.Context, *cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				System  string `json:"system"`
			}{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return a.show(v, func(p *printer) { p.f("entente %s (%s, %s)", v.Version, v.Go, v.System) })
		},
	}.build()
}

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := command{
		use: "completion bash|zsh|fish|powershell", short: "Print a completion script for a shell",
		long:     "Prints a script that teaches the shell to complete commands and flags. Load it\nfrom the shell's start-up file.",
		examples: []string{"source <(entente completion bash)", "entente completion fish > ~/.config/fish/completions/entente.fish"},
		args:     cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		run: func(_ context.Context, cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
		},
	}.build()
	cmd.ValidArgs = shells
	return cmd
}
