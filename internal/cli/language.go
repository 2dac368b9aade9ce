package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/internal/node"
)

// catalog is the language that is printed in: that of --lang, else of the environment (POSIX: LC_ALL,
// LC_MESSAGES, LANG; the first that is set), else of the node's configuration, else English.
func (a *app) catalog() *lang.Catalog {
	if a.words != nil {
		return a.words
	}
	if a.env == nil {
		return lang.English().In(a.zone())
	}
	env := ""
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if env = a.env(name); env != "" {
			break
		}
	}
	c, ok := lang.Known(a.wish)
	if !ok && env != "C" && env != "POSIX" && env != "C.UTF-8" && env != "C.utf8" { // they name no language
		c, ok = lang.Known(env)
	}
	if !ok {
		dir, err := a.folder()
		if err == nil {
			c, ok = lang.Known(node.ConfiguredLanguage(dir))
		}
	}
	if !ok {
		c = lang.English()
	}
	a.words = c.In(a.zone())
	return a.words
}

// zone is the time zone that instants are told in: that of --tz, else of the environment (TZ), else of the machine.
func (a *app) zone() *time.Location {
	if loc, err := accord.Zone(a.zoneWish); err == nil {
		return loc
	}
	return time.Local
}

func (a *app) requestTranslate() *cobra.Command {
	in := node.RequestMoveRequest{Move: "translate"}
	x := &moveFlags{in: &in}
	var tag string
	cmd := command{
		use: "translate ID", short: "Add a translation of a text",
		long: `Adds what a text of a request says in another language. The original stays as it
is and counts; a translation is signed by the side that adds it. --of names the
entry whose text it is, as 'request show' prints it (default: the request
itself). --as says who made it: human (a person who answers for it), courtesy (a
person, for convenience) or machine. Only the author of a text may say with
--authentic that a translation counts as the original does. --lang is here the
language of the translation; what is printed goes by the environment.`,
		examples: []string{"entente request translate 3f9a12 --lang fr --as human --text-file question.fr.txt --title \"Qui exploite 198.51.100.7 ?\"", "entente request translate 3f9a12 --of 3f9a12c07be1#7 --lang ru --as machine --text \"…\""},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID, in.Lang = args[0], tag
			return a.makeMove(ctx, x, "said.added")
		},
	}.build()
	x.act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&tag, "lang", "", "language of the translation (RFC 5646, such as fr or zh-Hans; required)")
	f.StringVar(&in.Of, "of", "", "entry whose text it is (default: the request's title and text)")
	f.StringVar(&in.As, "as", "human", "human, courtesy or machine")
	f.StringVar(&in.Title, "title", "", "translation of the request's title")
	f.StringVar(&in.Text, "text", "", "the translation")
	f.StringVar(&x.textFile, "text-file", "", "read it from this file (\"-\": standard input)")
	f.BoolVar(&in.Authentic, "authentic", false, "it counts as the original does (of an own text only)")
	f.StringVar(&in.TLP, "tlp", "", "TLP of the translation (default: that of the text)")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, send nothing")
	return cmd
}
