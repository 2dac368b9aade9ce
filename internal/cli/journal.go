package cli

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/api"
	"entente/internal/node"
)

func (a *app) journalCommand() *cobra.Command {
	return group("journal", "Read, verify and prove journals", "", []string{"entente journal show", "entente journal verify", "entente journal prove 12"},
		a.journalShow(), a.journalVerify(), a.journalProve(), a.journalReceipts(), a.journalSucceed())
}

func (a *app) journalReceipts() *cobra.Command {
	return command{
		use: "receipts REF", short: "Tell which members have acknowledged an own entry",
		long: `REF is "origin#index", as 'entente share' shows it. A member that has acknowledged an
entry with a signed receipt holds it and cannot deny it: so it is seen whether a
retraction has reached everybody.`,
		examples: []string{"entente journal receipts 'entente/…#12'", "entente journal receipts 'entente/…#12' --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.ReceiptsResponse
			if err := a.call(ctx, "journal.receipts", node.ReceiptsRequest{Ref: args[0]}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				rows := [][]string{}
				for _, m := range r.Members {
					state := "ui.step-wait"
					if m.Acknowledged {
						state = "ui.yes"
					}
					rows = append(rows, []string{m.Name, p.t(state), p.number(m.Receipted)})
				}
				p.grid("", rows, "ui.member-name", "cli.acknowledged", "cli.of-entries")
			})
		},
	}.build()
}

func (a *app) journalShow() *cobra.Command {
	var in node.JournalShowRequest
	cmd := command{
		use: "show [JOURNAL]", short: "Show the entries of a journal",
		long: `JOURNAL is an origin, or a party's name or id; without it the own journal. Each
entry is shown with the verdict both ends compute for it. --evidence lists the
proofs of misbehaviour that are kept.`,
		examples: []string{"entente journal show", "entente journal show South --from 10 --limit 5", "entente journal show South --evidence --json"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) == 1 {
				in.Origin = args[0]
			}
			var r node.JournalShowResponse
			if err := a.call(ctx, "journal.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeJournal(p, &r, in.Evidence) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	f := cmd.Flags()
	f.Int64Var(&in.From, "from", 0, "first index")
	f.IntVar(&in.Limit, "limit", 0, "at most this many")
	f.BoolVar(&in.Evidence, "evidence", false, "list the proofs of misbehaviour that are kept")
	return cmd
}

// entryHead is what a line about an entry shows of it.
type entryHead struct {
	Kind string `json:"kind"`
	At   string `json:"at"`
	By   struct {
		Agency string `json:"agency"`
		Role   string `json:"role"`
	} `json:"by"`
	Body json.RawMessage `json:"body"`
}

func writeJournal(p *printer, r *node.JournalShowResponse, evidence bool) {
	p.say("", "cli.journal-head", "name", r.Name, "unit", brief(r.Unit), "entries", p.many("ui.n-entries", r.Size))
	p.fields("  ", "cli.origin", r.Origin, "review.party", r.Party)
	if evidence {
		if len(r.Evidence) == 0 {
			p.say("  ", "cli.no-proof-kept")
		}
		for _, e := range r.Evidence {
			p.gap()
			p.block("  ", indented(e))
		}
		return
	}
	for _, e := range r.Entries {
		var h entryHead
		kind := p.t("cli.cannot-be-read")
		if json.Unmarshal(e.Entry, &h) == nil {
			kind = h.Kind
		}
		p.gap()
		marks := []string{}
		if e.Final {
			marks = append(marks, p.t("ui.final"))
		}
		if e.Payload != "" {
			marks = append(marks, payloadText(p, e.Payload))
		}
		if e.Void != "" {
			marks = append(marks, p.t("cli.void", "why", coded(p.words(), "void", e.Void)))
		}
		p.f("#%d  %s  %s  %s", e.Index, h.At, kind, p.words().List(marks))
		by := strings.Trim(h.By.Agency+", "+h.By.Role, ", ")
		p.fields("    ", "ui.by", by, "cli.leaf", e.Leaf, "cli.body", shortened(p, string(h.Body), 240))
		if e.Decision != nil {
			p.fields("    ", "ui.gate", p.t("cli.gate-by-clause", "verdict", p.code("verdict", e.Decision.Verdict), "clause", e.Decision.Clause, "reason", p.tell(e.Decision.Reason)))
		}
	}
	if n := len(r.Entries); n > 0 && r.Entries[n-1].Index+1 < r.Size {
		p.gap()
		p.note("", "cli.more-from", "n", r.Entries[n-1].Index+1)
	}
}

// payloadText says whether the content of an entry is here.
func payloadText(p *printer, state string) string {
	if key, ok := map[string]string{"held": "ui.content-held", "destroyed": "ui.content-destroyed", "missing": "ui.content-missing", "unreadable": "ui.content-unreadable"}[state]; ok {
		return p.t(key)
	}
	return state
}

// shortened cuts a long text for a line; --json has all of it.
func shortened(p *printer, s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return p.t("cli.more-characters", "n", len(runes)-most, "text", string(runes[:most]))
}

func (a *app) journalVerify() *cobra.Command {
	return command{
		use: "verify", short: "Read back and verify every byte of every journal in the folder",
		long: `Reads the folder only, also while a server runs: entries, checkpoints, both
signatures, payload commitments, and the local log. Exit code 5 names the entry
that does not hold.`,
		examples: []string{"entente journal verify", "entente journal verify --dir /srv/entente --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			bar := a.progress("verify")
			r, err := node.VerifyFolder(ctx, dir, bar.set)
			bar.done()
			if err != nil {
				return err
			}
			if !r.OK {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) { writeVerified(p, r) })
		},
	}.build()
}

func writeVerified(p *printer, r *node.JournalVerifyResponse) {
	var rows [][]string
	for _, j := range r.Journals {
		state := "cli.holds"
		if j.Error != "" {
			state = "cli.does-not-hold"
		}
		rows = append(rows, []string{j.Name, brief(j.Unit), brief(j.Origin), p.number(j.Size), p.number(j.Heads), p.t(state)})
	}
	p.grid("", rows, "cli.journal-of", "ui.in-unit", "cli.origin", "review.entries", "cli.checkpoints", "ui.state")
	p.gap()
	for _, j := range r.Journals {
		if j.Error != "" {
			p.f("%s: %s", j.Name, p.tell(j.Error))
		}
	}
	for _, e := range r.Errors {
		p.f("%s", p.tell(e))
	}
	if r.OK {
		p.say("", "cli.every-byte", "journals", p.many("verify.n-journals", int64(len(r.Journals))), "payloads", p.many("verify.n-payloads", r.Payloads), "records", p.many("cli.n-records", r.Records))
	} else {
		p.say("", "cli.folder-not-verified")
	}
}

func (a *app) journalProve() *cobra.Command {
	var in node.JournalProveRequest
	var output, file string
	cmd := command{
		use: "prove REF", short: "Prove that an entry is in a journal",
		long: `REF is "origin#index", or an index of the own journal. Prints the entry and a C2SP
tlog-proof that anybody can check with the party's public keys. --file writes one file
with the receipts and the keys too, which 'entente verify' checks by itself.`,
		examples: []string{"entente journal prove 12", "entente journal prove 12 --file entry.entente", "entente journal prove 'entente/…#12' --output entry.tlog-proof"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Ref = args[0]
			if file != "" {
				s, err := a.download(ctx, "journal.file", node.JournalFileRequest(in), file, nil)
				if err != nil || file == "-" {
					return err
				}
				return a.show(s, func(p *printer) {
					p.say("", "cli.entry-in", "file", s.File, "size", p.size(s.Bytes))
					p.note("", "ui.anybody-checks", "file", s.File)
				})
			}
			var r node.JournalProveResponse
			if err := a.call(ctx, "journal.prove", in, &r); err != nil {
				return err
			}
			if output != "" {
				if err := a.saveText(output, r.Proof); err != nil {
					return err
				}
			}
			return a.show(r, func(p *printer) {
				p.fields("", "ui.entry", r.Ref)
				p.block("  ", string(r.Entry))
				p.gap()
				p.block("", r.Proof)
				p.gap()
				for _, k := range r.Keys {
					p.fields("", "cli.key", k)
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVarP(&output, "output", "o", "", "also write the proof to this file")
	cmd.Flags().StringVar(&file, "file", "", "write entry, proof, receipts and keys as one file instead (\"-\": standard output)")
	return cmd
}

func (a *app) journalSucceed() *cobra.Command {
	var keyFile string
	cmd := command{
		use: "succeed --org-key FILE", short: "Open successors for journals that may not be extended",
		long: `After a restore, a journal whose latest head cannot be established stays retired.
The organisation key certifies a successor with a new origin and a new key, which
names the last known head. The key is used once and not kept. If this node's witness
cosigns nothing any more and every member can be heard, its key is replaced, too.`,
		examples: []string{"entente journal succeed --org-key /media/stick/north.key"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if keyFile == "" {
				return usage("usage.needs-org-key")
			}
			text, err := readFile(keyFile, 1<<20)
			if err != nil {
				return err
			}
			var r api.SucceedResponse
			if err := a.call(ctx, "journal.succeed", api.SucceedRequest{OrgKey: string(text)}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Units) == 0 {
					p.say("", "cli.none-retired")
				}
				for _, u := range r.Units {
					writeRestoredUnit(p, &u)
				}
			})
		},
	}.build()
	cmd.Flags().StringVar(&keyFile, "org-key", "", "file of the offline organisation key (required)")
	return cmd
}

func (a *app) dossierCommand() *cobra.Command {
	in := node.DossierExportRequest{}
	var output string
	var from, to string
	var noPayloads bool
	export := command{
		use: "export --output FILE", short: "Write a package a third person can verify offline",
		long: `Packs a unit's journals with checkpoints, receipts, keys and (unless --no-payloads)
payloads. Whoever has it needs only 'entente verify' and the parties' public keys.
With --request it is about one request: the contents of that request, of the calls that
name it, of the cases that tie it in and of the exhibits about it go in, and a page for
people. With --case it is about one case: its contents, those of all that it ties in or
names as evidence, of the calls and exhibits of its requests, and of the commitments that
came out of it. Of exhibits the manifests go in, with --evidence the exhibits themselves.
--from and --to leave out the contents of entries whose authors say that they were
written earlier, or later; the entries themselves are always all there.`,
		examples: []string{"entente dossier export --output dossier.entente", "entente dossier export --request 3f9a12 --evidence --output dossier.entente", "entente dossier export --case 3f9a12-7 --output case.entente", "entente dossier export --no-payloads --request 3f9a12 --output dossier.entente"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if output == "" {
				return usage("usage.needs-output")
			}
			in.Payloads = !noPayloads
			if err := a.period(&in.From, &in.To, new(time.Time), from, to, "", false); err != nil {
				return err
			}
			s, err := a.download(ctx, "dossier.export", in, output, nil)
			if err != nil || output == "-" {
				return err
			}
			return a.show(s, func(p *printer) {
				p.say("", "ui.dossier-in", "file", s.File, "size", p.size(s.Bytes))
				p.hint("%s", p.t("ui.anybody-checks", "file", s.File))
			})
		},
	}.build()
	unitFlag(export, &in.Unit)
	export.Flags().BoolVar(&noPayloads, "no-payloads", false, "leave the contents out; entries and proofs still verify")
	export.Flags().BoolVar(&in.Evidence, "evidence", false, "put the content of exhibits in, not only their manifests")
	export.Flags().BoolVar(&in.Page, "page", false, "put a page for people in (with --request or --case there always is one)")
	export.Flags().StringVar(&in.Request, "request", "", "the request the dossier is about: contents of others are left out")
	export.Flags().StringVar(&in.Case, "case", "", "the case the dossier is about, in the place of a request")
	export.Flags().StringVar(&from, "from", "", "contents from here only (RFC 3339, or a date in UTC)")
	export.Flags().StringVar(&to, "to", "", "contents until before here only")
	export.Flags().StringVar(&in.Note, "note", "", "a note for the reader")
	export.Flags().StringVarP(&output, "output", "o", "", "the file to write (\"-\": standard output)")
	return group("dossier", "Packages that a third person can verify", "", []string{"entente dossier export --output dossier.entente"}, export)
}
