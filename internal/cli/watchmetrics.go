package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"entente/internal/watch/input"
	"entente/internal/watch/outlet"
	"entente/internal/watch/pass"
	"entente/internal/watch/queue"
)

// gauges are what metrics show, as of the last block.
type gauges struct {
	counts              pass.Counts
	hits, beyond, lost  int64
	looked, seen        int64 // back in time
	sightings, watching int
	queue               queue.Stats
	taps, senders       input.SenderStats // of dnstap, of syslog
	syslog, webhook     outlet.Stats
}

// measure takes what metrics show.
func (w *watching) measure() {
	if w.f.metrics == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = gauges{counts: w.pass.Counts, hits: w.table.Hits, beyond: w.table.Beyond, lost: w.lost, sightings: w.table.Len(), watching: w.live.Load().Len(), looked: w.lookedBack, seen: w.seenBack}
	w.shown.taps, w.shown.senders = w.taps.Stats(), w.syslog.Stats()
	if w.queue != nil {
		w.shown.queue = w.queue.stats
	}
	if w.outs.syslog != nil {
		w.shown.syslog = w.outs.syslog.Stats()
	}
	if w.outs.webhook != nil {
		w.shown.webhook = w.outs.webhook.Stats()
	}
}

// serveMetrics shows counters in the text format of Prometheus until the context ends.
func (w *watching) serveMetrics(ctx context.Context, wg *sync.WaitGroup) error {
	lc := net.ListenConfig{}
	l, err := lc.Listen(ctx, "tcp", w.f.metrics)
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	p := w.a.printer()
	p.say("", "ui.watch-listening", "kind", "metrics", "address", l.Addr().String())
	if err := w.note(p); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(out http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		g := w.shown
		w.mu.Unlock()
		out.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		g.write(out)
	})
	s := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	wg.Go(func() { _ = s.Serve(l) }) // it ends with the context
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return nil
}

// metric is one counter or gauge, without the beginning of its name.
type metric struct {
	name, kind, help string
	value            int64
}

// receiverMetrics are what is shown of a receiver of what was seen, which is called what in words.
func receiverMetrics(name, what string, x outlet.Stats) []metric {
	return []metric{
		{name + "_sent_total", "counter", "Messages that " + what + " took.", x.Sent},
		{name + "_retried_total", "counter", "Messages to " + what + " that were sent again.", x.Retried},
		{name + "_failed_total", "counter", "Attempts to reach " + what + " that failed.", x.Failed},
		{name + "_aside_total", "counter", "Messages that were set aside, because " + what + " refuses them and takes others.", x.Aside},
		{name + "_waiting", "gauge", "Sightings that " + what + " does not have as they are.", x.Waiting},
	}
}

func (g *gauges) write(out io.Writer) {
	list := []metric{
		{"lines_total", "counter", "Lines read.", g.counts.Lines},
		{"bytes_total", "counter", "Bytes of lines read, after decompression.", g.counts.Bytes},
		{"lines_failed_total", "counter", "Lines that could not be read whole.", g.counts.Failed},
		{"lines_as_text_total", "counter", "Lines that were not of the format of their stream and were read as text.", g.counts.AsText},
		{"lines_binary_total", "counter", "Lines that are no text.", g.counts.Binary},
		{"lines_too_long_total", "counter", "Lines of which only the beginning was read.", g.counts.TooLong},
		{"lines_stray_total", "counter", "Lines with a quote that is not closed, read line by line.", g.counts.Stray},
		{"format_changes_total", "counter", "Times that the format of a stream changed.", g.counts.Changed},
		{"clock_backwards_total", "counter", "Times that the clock of a stream went back by more than an hour.", g.counts.Backwards},
		{"hits_total", "counter", "Lines and indicators that met.", g.hits},
		{"hits_untold_total", "counter", "Hits beyond the sightings that are kept.", g.beyond},
		{"looked_back_total", "counter", "Values that were looked for in the index of the past, because they were new.", g.looked},
		{"seen_back_total", "counter", "Values that the index of the past has.", g.seen},
		{"problems_total", "counter", "Files that could not be read on, truncations, positions that could not be saved.", g.lost},
		{"messages_total", "counter", "Messages of a queue read.", g.queue.Messages},
		{"messages_again_total", "counter", "Messages of a queue that came again and were not counted again.", g.queue.Again},
		{"messages_settled_total", "counter", "Messages of a queue that were acknowledged, because what they held is kept.", g.queue.Settled},
		{"messages_lost_total", "counter", "Messages of a queue that were gone before they were read.", g.queue.Lost},
		{"dnstap_connections", "gauge", "Connections of DNS servers that send dnstap.", g.taps.Open},
		{"dnstap_broken_total", "counter", "Connections for dnstap that broke off, were none of dnstap, found no place, or gave theirs to another.", g.taps.Broken},
		{"syslog_connections", "gauge", "Connections that send syslog.", g.senders.Open},
		{"syslog_broken_total", "counter", "Connections for syslog that broke off within a message, were none of syslog, found no place, or gave theirs to another.", g.senders.Broken},
		{"syslog_cut_total", "counter", "Messages of syslog over TCP of which only the beginning was read.", g.senders.Cut},
		{"sightings", "gauge", "Sightings in memory.", int64(g.sightings)},
		{"indicator_values", "gauge", "Values that are watched for.", int64(g.watching)},
	}
	list = append(list, receiverMetrics("syslog", "the receiver of syslog", g.syslog)...)
	list = append(list, receiverMetrics("webhook", "the webhook", g.webhook)...)
	for _, m := range list {
		fmt.Fprintf(out, "# HELP entente_watch_%[1]s %[2]s\n# TYPE entente_watch_%[1]s %[3]s\nentente_watch_%[1]s %[4]d\n", m.name, m.help, m.kind, m.value)
	}
}
