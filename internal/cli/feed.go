package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) feedCommand() *cobra.Command {
	list := command{
		use: "list", short: "List the feeds for sensors, resolvers and firewalls",
		long: `Shows each feed with its format, who reads it, and the strictest marking that goes
into it. Feeds are read at http.listen under /feeds/NAME with the TAXII user and
password, and say with an ETag whether anything changed. They are set with 'entente feed
set' or on the pages, or pinned under feeds: in config.yaml; without any there is one of
each format, and a list for each kind of value that firewalls take.`,
		examples: []string{"entente feed list", "curl -s -u sensor:PASSWORD http://127.0.0.1:8080/feeds/rpz"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.FeedListResponse
			if err := a.call(ctx, "feed.list", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				rows := [][]string{}
				for _, f := range r.Feeds {
					does := "ui.feed-looks"
					if f.Blocks {
						does = "ui.feed-blocks"
					}
					rows = append(rows, []string{f.Name, f.Format, p.t("cli.up-to", "tlp", f.TLP), p.t(does), p.tell(f.For)})
				}
				p.grid("", rows, "verify.col-name", "cli.format", "cli.marking", "cli.reader", "cli.for")
			})
		},
	}.build()
	var output string
	get := command{
		use: "get NAME", short: "Write a feed as it is now",
		long: `Writes the feed to a file, or to standard output. Nothing that its marking or the
Permissible Actions Protocol forbids is in it, nor what the guard holds, nor what has
run out or was taken back.`,
		examples: []string{"entente feed get rpz --output rpz.entente.zone", "entente feed get list | head"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.FeedResponse
			s, err := a.download(ctx, "feed.get", node.FeedRequest{Name: args[0]}, output, &r)
			if err != nil || output == "-" {
				return err
			}
			return a.show(struct {
				saved
				node.FeedResponse
			}{s, r}, func(p *printer) {
				p.say("", "cli.feed-in", "name", r.Name, "file", s.File, "entries", p.many("ui.n-entries", r.Entries), "serial", fmt.Sprint(r.Serial))
			})
		},
	}.build()
	get.Flags().StringVarP(&output, "output", "o", "-", "the file to write (\"-\": standard output)")
	return group("feed", "What sensors, resolvers and firewalls read", "", []string{"entente feed list", "entente feed get zeek --output entente.intel", "entente feed set clients --format rpz --tlp green"}, list, get, a.feedSet(), a.feedRemove())
}
