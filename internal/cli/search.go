package cli

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) searchCommand() *cobra.Command {
	var in node.SearchRequest
	var around node.AroundRequest
	var after, before string
	cmd := command{
		use: "search [VALUE]", short: "Look up what the node knows, and where it came from",
		long: `VALUE is an observable: an address, prefix, domain, URL, hash, e-mail address;
defanged forms (hxxp, [.]) are understood. --above also finds the domains above it,
the host of a URL and the prefixes that contain it; --below the domains, URLs and
mail addresses below a domain, and what lies within a prefix.

--text finds words that people wrote: names, descriptions, aliases, labels, external
ids. All words have to be there, in any order; one with a star behind it may go on.

--around shows what an object is connected with, by relationships, sightings and any
other reference, in either direction: --depth steps far.

What is in quarantine or was rejected is found only with --held, and says so. A
search looks at what this node keeps; it asks nobody else.`,
		examples: []string{"entente search 198.51.100.7 --above", "entente search 'hxxp://bad[.]example/x'", "entente search bad.example --below --limit 100",
			"entente search --text 'lockbit ransom*' --type malware", "entente search --type indicator --tlp green --after 2026-01-01 --json",
			"entente search --around malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b --depth 2"},
		args: cobra.MaximumNArgs(1),
		run: func(ctx context.Context, cmd *cobra.Command, args []string) (err error) {
			if around.ID != "" {
				var other []string
				for _, name := range []string{"above", "below", "text", "id", "type", "tlp", "source", "after", "before", "held", "conflicts"} {
					if cmd.Flags().Changed(name) {
						other = append(other, "--"+name)
					}
				}
				if len(args) > 0 || len(other) > 0 {
					return usage("usage.around-not", "others", join(append(other, args...)))
				}
				around.Limit, around.Next = in.Limit, in.Next
				return a.around(ctx, around)
			}
			if cmd.Flags().Changed("depth") {
				return usage("usage.only-with", "flags", "--depth", "with", "--around")
			}
			if len(args) == 1 {
				in.Value = args[0]
			}
			if in.After, err = a.parseTime("--after", after); err != nil {
				return err
			}
			if in.Before, err = a.parseTime("--before", before); err != nil {
				return err
			}
			var r node.SearchResponse
			if err := a.call(ctx, "search", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeFound(p, &r) })
		},
	}.build()
	f := cmd.Flags()
	f.BoolVar(&in.Above, "above", false, "also the domains above VALUE, the host of a URL, the prefixes that contain it")
	f.BoolVar(&in.Below, "below", false, "also the domains, URLs and mail addresses below VALUE, or what lies within the prefix")
	f.StringVar(&in.Text, "text", "", "words of names, descriptions, aliases, labels; WORD* may go on")
	f.StringVar(&in.ID, "id", "", "STIX id")
	f.StringVar(&in.Type, "type", "", "STIX type")
	f.StringVar(&in.TLP, "tlp", "", "marked so at most: clear, green, amber, amber+strict, red; what nobody marked is left out")
	f.StringVar(&in.Source, "source", "", "import name, party, or \"local\" for all imports")
	f.StringVar(&after, "after", "", "added after this time (RFC 3339, or a date)")
	f.StringVar(&before, "before", "", "added before this time")
	f.BoolVar(&in.Held, "held", false, "also what is in quarantine or was rejected")
	f.BoolVar(&in.Conflicts, "conflicts", false, "only what is in conflict: under its id and version there are other bytes, too")
	f.StringVar(&around.ID, "around", "", "what the object with this STIX id is connected with")
	f.IntVar(&around.Depth, "depth", 0, "how many steps --around goes (default 1, at most 8)")
	f.IntVar(&in.Limit, "limit", 0, "at most this many (default 50, at most 1000)")
	f.StringVar(&in.Next, "next", "", "go on where the last page ended")
	return cmd
}

func (a *app) around(ctx context.Context, in node.AroundRequest) error {
	var r node.AroundResponse
	if err := a.call(ctx, "search.around", in, &r); err != nil {
		return err
	}
	return a.show(r, func(p *printer) { writeAround(p, &r) })
}

func writeAround(p *printer, r *node.AroundResponse) {
	if len(r.Objects) == 0 {
		p.say("", "ui.nothing-known")
	}
	for i, o := range r.Objects {
		if i > 0 {
			p.gap()
		}
		p.f("%s", o.ID)
		if o.Found == nil {
			p.fields("  ", "cli.steps-away", strconv.Itoa(o.Depth), "ui.state", p.t("cli.not-accepted-here"))
		} else {
			p.fields("  ", "cli.steps-away", strconv.Itoa(o.Depth), "ui.state", p.code("instate", o.Found.State), "TLP", o.Found.TLP, "verify.col-name", objectName(o.Found.Object))
		}
		for _, e := range o.References {
			p.pairs("  "+e.Property, p.t("cli.reference-to", "from", e.From, "to", e.To))
		}
	}
	if r.Cut != "" {
		p.gap()
		p.note("", "cli.not-whole", "why", r.Cut)
	}
	if r.Next != "" {
		p.gap()
		p.note("", "cli.next-page", "next", r.Next)
	}
}

// objectName is the name of an object, or nothing.
func objectName(object json.RawMessage) string {
	var o struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return ""
	}
	return o.Name
}

func writeFound(p *printer, r *node.SearchResponse) {
	if len(r.Objects) == 0 {
		if r.Next == "" {
			p.say("", "ui.nothing-known")
			return
		}
		p.say("", "ui.nothing-so-far")
	}
	for i, o := range r.Objects {
		if i > 0 {
			p.gap()
		}
		state := p.code("instate", o.State)
		if o.Conflict {
			state = p.t("cli.in-conflict", "state", state)
		}
		p.f("%s", o.ID)
		p.fields("  ", "ui.state", state, "TLP", o.TLP, "cli.added", p.at(o.Added))
		for _, from := range o.Provenance {
			s := []string{from.Source}
			if from.Ref != "" {
				s = append(s, p.t("verify.entry", "entry", brief(from.Ref)))
			}
			if from.TLP != "" {
				s = append(s, "TLP "+from.TLP)
			}
			p.fields("  ", "ui.from", p.words().List(append(s, p.at(from.At))))
		}
		p.block("    ", indented(o.Object))
	}
	if r.Next != "" {
		p.gap()
		p.note("", "cli.next-page", "next", r.Next)
	}
}
