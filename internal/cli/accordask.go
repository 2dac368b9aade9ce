package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) accordAsk() *cobra.Command {
	var in node.AccordAskRequest
	var act *acting
	var types []string
	cmd := command{
		use: "ask [KIND]", short: "Ask what the accord allows, without sending anything",
		long: `Asks the gate as it stands now: may this party, or the one --party names, write an
entry of this kind (share when left out) with this marking, these objects, this
size? The answer names the clause. Exit code 0: yes; 3: no, or not now.`,
		examples: []string{"entente accord ask --tlp amber --object indicator=25", "entente accord ask --party South --pap red", "entente accord ask request.send --type traffic --urgency urgent --field reason"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if len(args) == 1 {
				in.Kind = args[0]
			}
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			in.Types = map[string]int64{}
			for _, s := range types {
				name, count, counted := strings.Cut(s, "=")
				n := int64(1)
				if counted {
					if n, err = strconv.ParseInt(count, 10, 64); err != nil || n < 1 {
						return usage("usage.not-form", "flag", "--object", "value", s, "form", "TYPE=NUMBER")
					}
				}
				in.Types[name] += n
			}
			var r node.AccordAskResponse
			if err := a.call(ctx, "accord.ask", in, &r); err != nil {
				return err
			}
			a.gated(&r.Decision)
			return a.show(r, func(p *printer) { writeDecision(p, &r.Decision) })
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Party, "party", "", "who would write it (default: this party)")
	f.StringVar(&in.TLP, "tlp", "", "the strictest TLP in it (default: nothing is marked)")
	f.StringVar(&in.PAP, "pap", "", "the strictest PAP in it")
	f.StringArrayVar(&types, "object", nil, "a STIX type in it and how many, as in indicator=25 (repeatable)")
	f.Int64Var(&in.Bytes, "bytes", 0, "how large it is")
	f.StringVar(&in.Type, "type", "", "type of a request")
	f.StringVar(&in.Urgency, "urgency", "", "urgency of a request")
	f.StringSliceVar(&in.Fields, "field", nil, "field of a request that would be filled in (repeatable)")
	return cmd
}
