package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

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
					return usagef("--around goes with --depth, --limit and --next alone, not with %s", strings.Join(append(other, args...), ", "))
				}
				around.Limit, around.Next = in.Limit, in.Next
				return a.around(ctx, around)
			}
			if cmd.Flags().Changed("depth") {
				return usagef("--depth goes with --around")
			}
			if len(args) == 1 {
				in.Value = args[0]
			}
			if in.After, err = parseTime("--after", after); err != nil {
				return err
			}
			if in.Before, err = parseTime("--before", before); err != nil {
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
		p.f("Nothing is known.")
	}
	for i, o := range r.Objects {
		if i > 0 {
			p.gap()
		}
		p.f("%s", o.ID)
		what := []string{"  steps away", fmt.Sprint(o.Depth)}
		if o.Found == nil {
			what = append(what, "  state", "referred to, not accepted here")
		} else {
			what = append(what, "  state", o.Found.State, "  TLP", o.Found.TLP, "  name", objectName(o.Found.Object))
		}
		p.pairs(what...)
		for _, e := range o.References {
			p.pairs("  "+e.Property, e.From+" to "+e.To)
		}
	}
	if r.Cut != "" {
		p.gap()
		p.hint("It is not whole: there is too much to look at (%s).", r.Cut)
	}
	if r.Next != "" {
		p.gap()
		p.hint("More: add --next %s", r.Next)
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
			p.f("Nothing is known.")
			return
		}
		p.f("Nothing so far: there is much to look at.")
	}
	for i, o := range r.Objects {
		if i > 0 {
			p.gap()
		}
		state := o.State
		if o.Conflict {
			state += ", in conflict: other content of the same id and version is kept, too"
		}
		p.f("%s", o.ID)
		p.pairs("  state", state, "  TLP", o.TLP, "  added", moment(o.Added))
		for _, from := range o.Provenance {
			s := from.Source
			if from.Ref != "" {
				s += ", entry " + brief(from.Ref)
			}
			if from.TLP != "" {
				s += ", TLP " + from.TLP
			}
			p.pairs("  from", s+", "+moment(from.At))
		}
		p.block("    ", indented(o.Object))
	}
	if r.Next != "" {
		p.gap()
		p.hint("More: add --next %s", r.Next)
	}
}
