package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"entente/internal/lang"
	"entente/internal/node"
)

func (a *app) verifyCommand() *cobra.Command {
	var trust []string
	var page string
	cmd := command{
		use: "verify FILE...", short: "Verify dossiers, statements and entries, offline, without a node",
		long: `Needs nothing but the file: no node, no folder, no network. --trust pins the
parties you know by their ids (repeatable); without it the report says which
parties the file names, and it is for you to compare their ids with what you know
from elsewhere. Exit code 0 only if every byte of the file holds, 5 otherwise.
That somebody is proved guilty is no damage: the dossier that shows it holds.

The report says first against whom something is proved, and under "Findings"
what, when by whose clock, which bytes show it and how to check them. Only
"proved" rests on the party's own signatures; what a maker left out of a file
makes nobody guilty.

The file of a statement ('statement export') is verified the same way: the report says
who signed which texts, when, and until when they are under embargo. So is that of a
single entry ('journal prove --file', or the button of its page): whose journal it lies
in, and who said with a signed receipt to hold it.

With several dossiers of one unit, such as an accuser's and the accused's, each is
verified by itself and then all together (at most 16): what one leaves out another
shows, two histories of one journal contradict each other, and a finding of one
file that falls beside another is named. A file that does not hold, or is about
another unit, is left out and makes the exit code 5.

--page draws a page to read and print from what was verified. The page that its maker
may have put into the file is a claim of the maker, and is not used.`,
		examples: []string{"entente verify dossier.entente", "entente verify dossier.entente --page dossier.html", "entente verify dossier.entente --trust PARTY-ID --trust PARTY-ID", "entente verify north.entente south.entente", "entente verify - < dossier.entente"},
		args:     cobra.MinimumNArgs(1),
		run: func(_ context.Context, _ *cobra.Command, args []string) error {
			if len(args) > 1 {
				if page != "" {
					return usage("usage.one-page")
				}
				return a.verifyTogether(args, trust)
			}
			body, done, err := a.open(args[0])
			if err != nil {
				return err
			}
			defer done()
			peek := bufio.NewReader(body)
			begin, _ := peek.Peek(node.StatementMagic) // whatever is shorter is neither
			switch {
			case node.IsStatementFile(begin):
				return a.verifyStatement(peek, trust)
			case node.IsEntryFile(begin):
				return a.verifyEntry(peek, trust)
			}
			verify := node.VerifyDossier
			if page != "" {
				verify = node.VerifyDossierForPage
			}
			r, err := verify(peek, trust)
			if err != nil {
				return &exitError{exitVerify, err}
			}
			if page != "" && r.OK {
				if _, err := a.writeFile(page, "page", func(w io.Writer) error { return r.WritePage(w, a.catalog()) }); err != nil {
					return err
				}
			}
			if !r.OK {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) { writeDossier(p, r) })
		},
	}.build()
	cmd.Flags().StringVar(&page, "page", "", "write what was verified as one HTML page to this file")
	cmd.Flags().StringArrayVar(&trust, "trust", nil, "party id you know; repeatable")
	return cmd
}

func (a *app) verifyEntry(body io.Reader, trust []string) error {
	r, err := node.VerifyEntry(body, trust)
	if err != nil {
		return &exitError{exitVerify, err}
	}
	return a.showVerified(r, r.OK, "ui.entry-fails", func(p *printer) string { return r.Text(p.words()) })
}

// verified is the report of a file that was verified.
type verified interface{ Why(*lang.Catalog) string }

// showVerified shows what a file says, or that it does not hold, and why.
func (a *app) showVerified(r verified, holds bool, fails string, text func(*printer) string) error {
	if !holds {
		a.code = exitVerify
	}
	return a.show(r, func(p *printer) {
		if !holds {
			p.say("", fails)
			p.f("  %s", r.Why(p.words()))
			return
		}
		p.block("", text(p))
	})
}

// verifyTogether verifies several files, which are read more than once.
func (a *app) verifyTogether(names, trust []string) error {
	var files []node.DossierFile
	for _, name := range names {
		if name == "-" {
			return usage("usage.no-stdin")
		}
		f, err := openFile(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		files = append(files, node.DossierFile{Name: name, R: f, Size: info.Size()})
	}
	r, err := node.VerifyDossiers(files, trust)
	if err != nil {
		return &exitError{exitVerify, err}
	}
	if !r.OK {
		a.code = exitVerify
	}
	return a.show(r, func(p *printer) { p.block("", r.Text(p.words())) })
}

// writeDossier prints what a dossier shows, or what does not hold of it.
func writeDossier(p *printer, r *node.DossierReport) {
	if r.OK {
		p.block("", r.Text(p.words()))
		return
	}
	p.say("", "ui.dossier-fails")
	p.f("  %s", r.Why(p.words()))
}
