package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/node"
)

// maxAccord bounds an accord text that is read from a file.
const maxAccord = 1 << 20

func (a *app) accordCommand() *cobra.Command {
	return group("accord", "Write, negotiate, sign and show accords", `An accord is the signed, machine-readable agreement of a unit. Both nodes execute
it: every decision of the gate cites one of its clauses.`, []string{"entente accord example > accord.yaml", "entente accord check accord.yaml", "entente accord propose accord.yaml"},
		a.accordExample(), a.accordCheck(),
		a.accordPropose("propose", "Propose an accord", "Puts the text into this party's journal, for all members to see."),
		a.accordPropose("counter", "Answer a proposal with another text", "The answer says, clause by clause, how it differs from what it counters."),
		a.accordPropose("amend", "Propose a change of the accord in force", "The accord in force stays in force until every member signed the new version."),
		a.accordAct("reserve", "Put a reservation on a proposal", "Says which clauses this party does not accept as they are, and why."),
		a.accordAct("accept", "Accept a proposal", "Says that this party will sign the text. It does not bind yet; signing does."),
		a.accordAct("sign", "Sign a proposal", "Signs the hash of the text. The accord is in force when every member signed the\nsame hash and all have seen that."),
		a.accordDiff(), a.accordShow(), a.accordAsk())
}

func (a *app) accordExample() *cobra.Command {
	var minimal bool
	cmd := command{
		use: "example [complete|minimal]", short: "Print a commented example of an accord",
		long: `Prints the complete example, or the smallest one that works (minimal), as YAML
with comments. With --unit the names and ids of its members are filled in.`,
		examples: []string{"entente accord example > accord.yaml", "entente accord example minimal --unit \"Joint Cyber Unit\""},
		args:     cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		run: func(ctx context.Context, cmd *cobra.Command, args []string) error {
			kind := "complete"
			if minimal || len(args) == 1 && args[0] == "minimal" {
				kind = "minimal"
			}
			text, err := a.example(ctx, kind, cmd.Flag("unit").Value.String())
			if err != nil {
				return err
			}
			out := struct {
				Kind string `json:"kind"`
				Text string `json:"text"`
			}{kind, string(text)}
			return a.show(out, func(p *printer) { p.raw(string(text)) })
		},
	}.build()
	cmd.ValidArgs = []string{"complete", "minimal"}
	cmd.Flags().BoolVar(&minimal, "minimal", false, "the same as the argument minimal")
	cmd.Flags().String("unit", "", "fill in the members of this unit")
	return cmd
}

// checked is what 'accord check' answers.
type checked struct {
	OK       bool             `json:"ok"`
	Hash     string           `json:"hash,omitempty"` // what would be signed
	Problems []accord.Problem `json:"problems"`
	// Canonical is the text that would be signed, when it was asked for.
	Canonical json.RawMessage `json:"canonical,omitempty"`
}

func (a *app) accordCheck() *cobra.Command {
	var showCanonical bool
	cmd := command{
		use: "check FILE", short: "Check an accord text against the schema and for sense",
		long: `Reads YAML or JSON and names every problem with its line and place. Prints the
hash that would be signed. It needs no node. "-" reads standard input.`,
		examples: []string{"entente accord check accord.yaml", "entente accord check --canonical accord.yaml", "entente accord check - < accord.yaml"},
		args:     cobra.ExactArgs(1),
		run: func(_ context.Context, _ *cobra.Command, args []string) error {
			text, err := a.readText(args[0], maxAccord)
			if err != nil {
				return err
			}
			r := checked{Problems: []accord.Problem{}}
			_, problems, err := accord.Parse(text)
			r.Problems = append(r.Problems, problems...)
			if err != nil && len(problems) == 0 {
				r.Problems = append(r.Problems, accord.Problem{Text: err.Error()})
			}
			if err == nil {
				canonical, err := accord.Canonical(text)
				if err != nil {
					return err
				}
				hash := accord.HashOf(canonical)
				r.OK, r.Hash = true, hex.EncodeToString(hash[:])
				if showCanonical {
					r.Canonical = canonical
				}
			} else {
				a.code = exitFailed
			}
			return a.show(r, func(p *printer) {
				for _, x := range r.Problems {
					p.f("%s", p.words().Tell(x.String()))
				}
				if r.OK && showCanonical {
					p.raw(string(r.Canonical) + "\n")
					return
				}
				if r.OK {
					p.say("", "cli.accord-valid")
					p.fields("  ", "ui.hash", r.Hash)
					return
				}
				p.f("%s", p.many("cli.accord-not-valid", int64(len(r.Problems))))
			})
		},
	}.build()
	cmd.Flags().BoolVar(&showCanonical, "canonical", false, "print the text that would be signed, every default written out")
	return cmd
}

func (a *app) accordPropose(kind, short, long string) *cobra.Command {
	in := node.AccordProposeRequest{Kind: kind}
	var act *acting
	done := map[string]string{"propose": "said.text-proposed", "counter": "said.countered", "amend": "said.amendment-proposed"}[kind]
	cmd := command{
		use: kind + " FILE", short: short,
		long:     long + "\nReads YAML or JSON; \"-\" reads standard input.",
		examples: []string{"entente accord " + kind + " accord.yaml --agency CERT --role head", "entente accord " + kind + " accord.yaml --dry-run"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			text, err := a.readText(args[0], maxAccord)
			if err != nil {
				return err
			}
			in.Text = string(text)
			var r node.AccordProposeResponse
			if err := a.call(ctx, "accord.propose", in, &r); err != nil {
				return err
			}
			a.gated(r.Decision)
			if len(r.Problems) > 0 && len(r.Refs) == 0 && !r.DryRun {
				a.code = exitFailed
			}
			return a.show(r, func(p *printer) {
				writeWrite(p, &r.WriteResponse, done)
				p.fields("  ", "ui.hash", r.Hash)
				for _, x := range r.Problems {
					where := x.Path
					if x.Line > 0 {
						where = p.t("cli.line", "n", x.Line, "where", where)
					}
					p.f("  %s: %s", where, p.words().Tell(x.Message))
				}
				writeChanges(p, r.Changes)
			})
		},
	}.build()
	act = a.actingFlags(cmd)
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "check and show the difference, write nothing")
	if kind != "propose" {
		cmd.Flags().StringVar(&in.Counters, "counters", "", "hash of the text it answers, or a prefix (default: the latest of the partner)")
	}
	return cmd
}

func (a *app) accordAct(move, short, long string) *cobra.Command {
	in := node.AccordActRequest{Move: move}
	var act *acting
	cmd := command{
		use: move + " [HASH]", short: short,
		long:     long + "\nHASH may be a prefix; without it the only open proposal is meant.",
		examples: []string{"entente accord " + move, "entente accord " + move + " 3f9a12 --agency CERT --role head"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if len(args) == 1 {
				in.Hash = args[0]
			}
			done := map[string]string{"reserve": "said.reserved", "accept": "said.accepted", "sign": "said.signed"}[move]
			return a.write(ctx, "accord.act", in, done)
		},
	}.build()
	act = a.actingFlags(cmd)
	if move == "reserve" {
		cmd.Flags().StringArrayVar(&in.Clauses, "clause", nil, "id of a clause; repeatable")
		cmd.Flags().StringVar(&in.Text, "text", "", "what this party wants instead, for the partner to read")
	}
	return cmd
}

func (a *app) accordShow() *cobra.Command {
	var in node.AccordShowRequest
	cmd := command{
		use: "show [HASH]", short: "Show an accord and where it stands",
		long:     "Shows the accord in force, or the one with this hash (or prefix of it): its text,\nand who proposed, reserved, accepted and signed.",
		examples: []string{"entente accord show", "entente accord show 3f9a12 --json"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) == 1 {
				in.Hash = args[0]
			}
			var r node.AccordShowResponse
			if err := a.call(ctx, "accord.show", in, &r); err != nil {
				return err
			}
			var u node.UnitShowResponse // for the names only
			if err := a.call(ctx, "unit.show", node.UnitShowRequest{Unit: r.Unit}, &u); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				state := "ui.not-in-force"
				if r.InForce {
					state = "ui.in-force"
				}
				p.fields("", "ui.in-unit", r.Unit, "ui.hash", r.Hash, "ui.state", p.t(state))
				writeProposals(p, r.Proposals, u.Brief.Members)
				p.gap()
				p.block("", readable(r.Text))
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func (a *app) accordDiff() *cobra.Command {
	var in node.AccordDiffRequest
	cmd := command{
		use: "diff [A [B]]", short: "Show how two accords differ, clause by clause",
		long: `A and B are files, or hashes (or prefixes) of texts the unit knows. Without A: the
one in force, or the earliest proposal; without B: the latest proposal. Two files
need no node.`,
		examples: []string{"entente accord diff", "entente accord diff old.yaml new.yaml", "entente accord diff 3f9a12 new.yaml"},
		args:     cobra.MaximumNArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			for i, arg := range args {
				if i == 0 {
					in.A = arg
				} else {
					in.B = arg
				}
			}
			var r node.AccordDiffResponse
			if !isFile(in.A) && !isFile(in.B) {
				if err := a.call(ctx, "accord.diff", in, &r); err != nil {
					return err
				}
			} else {
				before, err := a.accordText(ctx, in.Unit, in.A)
				if err != nil {
					return err
				}
				after, err := a.accordText(ctx, in.Unit, in.B)
				if err != nil {
					return err
				}
				if r, err = diffTexts(before, after, in.A, in.B); err != nil {
					return err
				}
			}
			return a.show(r, func(p *printer) {
				if len(r.Changes) == 0 {
					p.say("", "cli.accords-same")
					return
				}
				p.fields("", "ui.from", r.A, "ui.to", r.B)
				writeChanges(p, r.Changes)
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

// isFile tells whether a name means a file: there is one, or something else under a name that no
// hash has, so that who named a pipe or a folder hears that, and not of an accord that is unknown.
func isFile(name string) bool {
	info, err := os.Lstat(name)
	if name == "" || err != nil {
		return false
	}
	if info.Mode()&os.ModeSymlink != 0 {
		if info, err = os.Stat(name); err != nil {
			return strings.Trim(name, hexDigits) != ""
		}
	}
	return info.Mode().IsRegular() || strings.Trim(name, hexDigits) != ""
}

const hexDigits = "0123456789abcdefABCDEF"

// accordText is the text of a file, or of an accord that the unit knows.
func (a *app) accordText(ctx context.Context, unit, name string) ([]byte, error) {
	if isFile(name) {
		return readFile(name, maxAccord)
	}
	var r node.AccordShowResponse
	if err := a.call(ctx, "accord.show", node.AccordShowRequest{Unit: unit, Hash: name}, &r); err != nil {
		return nil, err
	}
	return r.Text, nil
}

// diffTexts compares two texts without a node.
func diffTexts(before, after []byte, nameA, nameB string) (node.AccordDiffResponse, error) {
	r := node.AccordDiffResponse{Changes: []node.Change{}}
	docs := make([]*accord.Document, 2)
	for i, text := range [][]byte{before, after} {
		doc, problems, err := accord.Parse(text)
		name := []string{nameA, nameB}[i]
		if err != nil {
			why := err.Error()
			if len(problems) > 0 {
				why = problems[0].String()
			}
			return r, &node.Error{Code: node.CodeBadInput, Status: 400, What: name + " is not a valid accord.", Why: why + ".", Next: "See 'entente accord check FILE'.", Err: err}
		}
		canonical, err := accord.Canonical(text)
		if err != nil {
			return r, err
		}
		hash := accord.HashOf(canonical)
		docs[i] = doc
		if i == 0 {
			r.A = hex.EncodeToString(hash[:])
		} else {
			r.B = hex.EncodeToString(hash[:])
		}
	}
	for _, c := range accord.Diff(docs[0], docs[1]) {
		r.Changes = append(r.Changes, node.Change{Clause: c.Clause, Path: c.Path, Before: c.Before, After: c.After, Text: c.Text})
	}
	return r, nil
}

// readable is an accord as people write it: YAML, in the order of the document.
func readable(text []byte) string {
	doc, err := accord.Load(text)
	if err != nil {
		return indented(text) // still better than nothing
	}
	inOrder, err := json.Marshal(doc)
	if err != nil {
		return indented(text)
	}
	out, err := yaml.JSONToYAML(inOrder)
	if err != nil {
		return indented(text)
	}
	return string(out)
}

func writeChanges(p *printer, changes []node.Change) {
	for _, c := range changes {
		p.gap()
		where := c.Path
		if c.Clause != "" {
			where = p.t("cli.clause-path", "clause", c.Clause, "path", c.Path)
		}
		p.f("%s", where)
		if c.Before == "" && c.After == "" {
			p.f("  %s", c.Text)
		}
		if c.Before != "" {
			p.block("  - ", c.Before)
		}
		if c.After != "" {
			p.block("  + ", c.After)
		}
	}
}
