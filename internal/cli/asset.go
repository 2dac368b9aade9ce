package cli

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
	"entente/internal/watch/asset"
)

func (a *app) assetCommand() *cobra.Command {
	return group("asset", "What this party protects, and what watchers found about it", `An asset has names (domains) and prefixes (addresses, blocks). Watchers of this node look for
names that imitate its own, and for indicators in records that concern it. What they find
is drafted as an incident notice and a request to the partner that answers for where it
comes from, and waits for an officer. Assets leave this node with nothing.`,
		[]string{"entente asset add register --kind voter-register --name register.example --prefix 192.0.2.0/24", "entente asset list", "entente asset findings"},
		a.assetAdd(), a.assetList(), a.assetShow(), a.assetRemove(), a.assetPartner(), a.assetFindings(), a.assetSettle(), a.assetDraft())
}

func (a *app) assetAdd() *cobra.Command {
	var v node.AssetView
	var in node.AssetAddRequest
	var windows []string
	var file string
	cmd := command{
		use: "add [ID]", short: "Add what is to be protected, or a file of it",
		long: `ID is a short name of its own: small letters, digits, dots and hyphens. A name stands for itself
and all names below it. A window is a time in which it is watched most closely: FROM/TO NAME
with times in RFC 3339, or UNIT#CLAUSE for an election window of the accord in force there.

With --file all of a file is added, or nothing: JSON as 'entente asset list --json' writes
it, or text with a name, an address or a block a line.`,
		examples: []string{
			"entente asset add register --kind voter-register --owner 'Electoral commission' --name register.example --prefix 192.0.2.0/24",
			"entente asset add results --kind results --name results.example --window '2026-11-01T00:00:00Z/2026-11-04T00:00:00Z general election'",
			"entente asset add register --name register.example --window North-South#K7.election --replace --dry-run",
			"entente asset add --file assets.json --replace",
		},
		args: cobra.MaximumNArgs(1),
		run: func(ctx context.Context, cmd *cobra.Command, args []string) error {
			switch {
			case file != "" && (len(args) > 0 || cmd.Flags().Changed("name") || cmd.Flags().Changed("prefix") || cmd.Flags().Changed("kind")):
				return usage("usage.file-says-all")
			case file == "" && len(args) == 0:
				return usage("usage.needs-asset")
			case file != "":
				list, err := readAssetFile(a, file)
				if err != nil {
					return err
				}
				in.Assets = list
			default:
				v.ID = args[0]
				for _, text := range windows {
					w, err := node.ParseAssetWindow(text)
					if err != nil {
						return err
					}
					v.Windows = append(v.Windows, w)
				}
				in.Assets = []node.AssetView{v}
			}
			var r node.AssetAddResponse
			if err := a.call(ctx, "asset.add", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					p.say("", "ui.asset-would", "n", len(r.Added))
				} else {
					p.say("", "ui.asset-added", "n", len(r.Added), "total", r.Total)
				}
				assetRows(p, r.Added)
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&v.Title, "title", "", "what people call it")
	f.StringVar(&v.Owner, "owner", "", "who answers for it")
	f.StringVar(&v.Kind, "kind", "", "what it is: "+strings.Join(node.AssetKinds(), ", ")+", or a word of your own")
	f.StringArrayVar(&v.Names, "name", nil, "a domain of it (again for more)")
	f.StringArrayVar(&v.Prefixes, "prefix", nil, "an address or a block of it (again for more)")
	f.StringArrayVar(&windows, "window", nil, "a time in which it is watched most closely (again for more)")
	f.StringVar(&file, "file", "", "add what stands in this file")
	f.BoolVar(&in.Replace, "replace", false, "replace what has the same id")
	f.BoolVar(&in.DryRun, "dry-run", false, "show what would be added, change nothing")
	return cmd
}

// readAssetFile reads a file of assets as the node takes them.
func readAssetFile(a *app, name string) ([]node.AssetView, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	list, err := asset.ReadFile(in)
	if err != nil {
		return nil, &node.Error{Code: node.CodeBadInput, Status: 400, What: "The file of assets cannot be read.", Why: strings.TrimPrefix(err.Error(), "asset: ") + ".",
			Next: "Give JSON as 'entente asset list --json' writes it, or a name, an address or a block a line.", Err: err}
	}
	out := make([]node.AssetView, 0, len(list))
	for _, x := range list {
		v := node.AssetView{ID: x.ID, Title: x.Title, Owner: x.Owner, Kind: x.Kind, Names: x.Names, Prefixes: x.Prefixes}
		for _, w := range x.Windows {
			v.Windows = append(v.Windows, node.AssetWindow{Name: w.Name, Unit: w.Unit, Clause: w.Clause, From: w.From, To: w.To})
		}
		out = append(out, v)
	}
	return out, nil
}

func assetRows(p *printer, list []node.AssetView) {
	rows := [][]string{}
	for _, x := range list {
		what := strings.Join(append(append([]string{}, x.Names...), x.Prefixes...), ", ")
		open := ""
		for _, w := range x.Windows {
			if w.Open {
				open = w.Name
			}
		}
		rows = append(rows, []string{x.ID, node.AssetKindText(p.words(), x.Kind), x.Owner, cutText(what, 60), open})
	}
	if len(rows) > 0 {
		p.grid("", rows, "ui.id", "ui.asset-kind", "ui.asset-owner", "ui.asset-what", "ui.asset-open")
	}
}

func cutText(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func (a *app) assetList() *cobra.Command {
	var in node.AssetListRequest
	cmd := command{
		use: "list", short: "List what is protected, and who answers for which countries and networks",
		long: `What --json prints can be added elsewhere with 'entente asset add --file'.`, examples: []string{"entente asset list", "entente asset list --kind party", "entente asset list --json > assets.json"},
		args: cobra.NoArgs,
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.AssetListResponse
			if err := a.call(ctx, "asset.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Assets) == 0 {
					p.say("", "ui.asset-none")
				}
				assetRows(p, r.Assets)
				for _, x := range r.Partners {
					p.say("", "ui.asset-partner", "partner", x.Name, "unit", x.UnitName, "areas", strings.Join(append(append([]string{}, x.Countries...), x.Networks...), ", "))
				}
				if r.Database.Fault != "" {
					p.say("", "ui.asset-database-fault", "fault", r.Database.Fault)
				} else if len(r.Database.Types) > 0 {
					p.say("", "ui.asset-database", "types", strings.Join(r.Database.Types, ", "), "built", p.at(r.Database.Built))
				}
			})
		},
	}.build()
	cmd.Flags().StringVar(&in.Kind, "kind", "", "only of this kind")
	cmd.Flags().StringVar(&in.Owner, "owner", "", "only of this owner")
	return cmd
}

func (a *app) assetShow() *cobra.Command {
	return command{
		use: "show ID", short: "Show an asset, and what was found about it",
		examples: []string{"entente asset show register", "entente asset show register --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.AssetShowResponse
			if err := a.call(ctx, "asset.show", node.AssetShowRequest{ID: args[0]}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				x := r.Asset
				p.f("%s: %s", x.ID, x.Title)
				p.fields("  ", "ui.asset-kind", node.AssetKindText(p.words(), x.Kind), "ui.asset-owner", x.Owner, "ui.asset-names", strings.Join(x.Names, ", "), "ui.asset-prefixes", strings.Join(x.Prefixes, ", "))
				for _, w := range x.Windows {
					switch {
					case w.Absent:
						p.say("  ", "ui.asset-window-absent", "unit", w.Unit, "clause", w.Clause)
					case w.Open:
						p.say("  ", "ui.asset-window-open", "name", w.Name, "from", p.at(w.From), "to", p.at(w.To))
					default:
						p.say("  ", "ui.asset-window", "name", w.Name, "from", p.at(w.From), "to", p.at(w.To))
					}
				}
				findingRows(p, r.Findings, r.Total)
			})
		},
	}.build()
}

func (a *app) assetRemove() *cobra.Command {
	var in node.AssetRemoveRequest
	cmd := command{
		use: "remove ID", short: "Protect an asset no more", long: "What was found about it stays, and so do drafts.",
		examples: []string{"entente asset remove results --dry-run", "entente asset remove results"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.AssetRemoveResponse
			if err := a.call(ctx, "asset.remove", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					p.say("", "ui.asset-would-remove", "id", r.Asset.ID)
				} else {
					p.say("", "ui.asset-removed", "id", r.Asset.ID)
				}
			})
		},
	}.build()
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "show what would be removed, change nothing")
	return cmd
}

func (a *app) assetPartner() *cobra.Command {
	var in node.AssetPartnerRequest
	cmd := command{
		use: "partner [PARTY]", short: "Say for which countries and networks a partner answers",
		long: `An attack from there is drafted for this partner. Where several answer, the narrowest network
comes first, then the number of an autonomous system, then the country. Countries and
systems of addresses are known if watch: databases in config.yaml names files in the format
of MaxMind DB. With neither --country nor --network what was said is taken back.`,
		examples: []string{"entente asset partner South --country FR --network 203.0.113.0/24 --network AS64500", "entente asset partner South --dry-run"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) > 0 {
				in.Party = args[0]
			}
			var r node.AssetPartnerResponse
			if err := a.call(ctx, "asset.partner", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				x := r.Partner
				if r.DryRun {
					p.say("", "ui.asset-partner-would")
				}
				if r.Removed {
					p.say("", "ui.asset-partner-none", "partner", x.Name, "unit", x.UnitName)
					return
				}
				p.say("", "ui.asset-partner", "partner", x.Name, "unit", x.UnitName, "areas", strings.Join(append(append([]string{}, x.Countries...), x.Networks...), ", "))
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	f := cmd.Flags()
	f.StringArrayVar(&in.Countries, "country", nil, "a country, two letters of ISO 3166-1 (again for more)")
	f.StringArrayVar(&in.Networks, "network", nil, "an address, a block, or the number of an autonomous system as in AS64500 (again for more)")
	f.BoolVar(&in.DryRun, "dry-run", false, "show what would be set, change nothing")
	return cmd
}

func (a *app) assetFindings() *cobra.Command {
	var in node.FindingListRequest
	cmd := command{
		use: "findings", short: "List what watchers found about assets, the last first",
		long: `A lookalike is a name that imitates one of an asset; an attack is an indicator in a record that
concerns one. They are kept for ninety days and leave this node with nothing. With --open only
those are listed that wait for a person: nothing was drafted about them, since nobody is known
to answer for where they come from or too many drafts wait, and nobody settled them.`,
		examples: []string{"entente asset findings", "entente asset findings --open", "entente asset findings --of lookalike --asset register", "entente asset findings --json"},
		args:     cobra.NoArgs,
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.FindingListResponse
			if err := a.call(ctx, "finding.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { findingRows(p, r.Findings, r.Total-in.Offset) })
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.ID, "id", "", "only this finding")
	f.BoolVar(&in.Open, "open", false, "only those that wait for a person")
	f.StringVar(&in.Asset, "asset", "", "only about this asset")
	f.StringVar(&in.Of, "of", "", "only lookalike or attack")
	f.StringVar(&in.Value, "value", "", "only of this name, address or other value")
	f.IntVar(&in.Limit, "limit", 100, "how many, at most 1,000")
	f.IntVar(&in.Offset, "offset", 0, "how many to pass over")
	return cmd
}

func findingRows(p *printer, list []node.FindingView, total int) {
	if len(list) == 0 {
		p.say("", "ui.finding-none")
		return
	}
	rows := [][]string{}
	for _, x := range list {
		last := ""
		if !x.Last.IsZero() {
			last = p.at(x.Last)
		}
		came := strings.Join(x.Drafts, ", ")
		if x.Settled != nil {
			came = strings.TrimPrefix(came+", "+p.words().Text("ui.finding-is-settled"), ", ")
		}
		rows = append(rows, []string{x.ID, p.code("asset-finding", x.Of), x.Asset, x.Value, node.FindingWhyText(p.words(), x.Of, x.Why), strconv.FormatInt(x.Count, 10), last, came})
	}
	p.grid("", rows, "ui.id", "ui.finding", "ui.asset", "ui.value", "ui.finding-why", "ui.sighting-count", "ui.sighting-last", "ui.drafts")
	if more := total - len(list); more > 0 {
		p.say("", "ui.sighting-more", "n", more)
	}
}

func (a *app) assetSettle() *cobra.Command {
	var in node.FindingSettleRequest
	cmd := command{
		use: "settle FINDING", short: "Say that nothing more is to be done about a finding",
		long: `It holds for all findings of the same kind, asset and value, of later hours too: nothing is drafted
about them any more, and they need nobody. Drafts that wait stay. --reopen takes it back.`,
		examples: []string{"entente asset settle 3f1c09ab77e2aa01b2c3d4e5 --note 'a site of our own'", "entente asset settle 3f1c09ab77e2aa01b2c3d4e5 --reopen"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.FindingSettleResponse
			if err := a.call(ctx, "finding.settle", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					p.say("", "ui.finding-settle-would")
				}
				key := "ui.finding-settled"
				if r.Finding.Settled == nil {
					key = "ui.finding-reopened"
				}
				p.say("", key, "value", r.Finding.Value, "asset", r.Finding.Asset)
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.Note, "note", "", "why, for people")
	f.BoolVar(&in.Reopen, "reopen", false, "take it back")
	f.BoolVar(&in.DryRun, "dry-run", false, "show what would be, change nothing")
	return cmd
}

func (a *app) assetDraft() *cobra.Command {
	var in node.FindingDraftRequest
	cmd := command{
		use: "draft FINDING", short: "Draft an incident notice and a request about a finding, for a partner of your choice",
		long: `For findings of which nobody is known to answer for where they come from, or to tell another
partner. The drafts wait here: look at one with 'entente request show', send it with
'entente request new --from-draft', drop it with 'entente request drop'.`,
		examples: []string{"entente asset draft 3f1c09ab77e2aa01b2c3d4e5 --unit North-South --dry-run", "entente asset draft 3f1c09ab77e2aa01b2c3d4e5 --to South"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.FindingDraftResponse
			if err := a.call(ctx, "finding.draft", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					p.say("", "ui.finding-draft-would")
				} else {
					p.say("", "ui.finding-drafted")
				}
				for _, d := range r.Drafts {
					p.f("%s %s: %s", d.ID, p.code("type", d.Type), d.Title)
					p.block("  ", d.Text)
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVar(&in.To, "to", "", "the partner (default: the other member of a pair)")
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "show the drafts, keep none")
	return cmd
}
