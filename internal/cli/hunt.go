package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/node"
	"entente/internal/observable"
	"entente/internal/watch/logs"
	"entente/internal/watch/past"
)

// huntFlags are the flags of hunt.
type huntFlags struct {
	index, since, until string
	fields, logZone     string
	lines, limit        int
}

func (a *app) huntCommand() *cobra.Command {
	var f huntFlags
	cmd := command{
		use: "hunt VALUE|FILE... --index DIR", short: "Look back in time: in which hours was a value seen",
		long: `Looks in an index that entente watch --index wrote beside the logs, and tells exactly in
which hours each value was seen. Then only the stretches of the logs with those hours are
read again for the lines themselves. No node is needed, and nothing leaves this machine.

VALUE is an address, a prefix, a domain, a URL, a hash, an e-mail address or TYPE:TEXT, as
in file-name:evil.exe; defanged forms are understood. A domain is looked for with all names
below it, a prefix with every address in it, a URL whatever its scheme. FILE is STIX, MISP,
a table or a list of one value a line.

Hours are those of UTC. Hours that the index has no records of are told of: there, not seen
means not known. A line is looked for where it stood when the index was written; of logs that
were moved since then only the hours can be told.

Exit codes: 0 nothing was seen; 6 something was seen; 1 failed, or a part of the index cannot
be read, so that something may be missing; 2 the command line is wrong; 4 there is no index.`,
		examples: []string{
			"entente hunt bad.example --index /var/lib/entente/past",
			"entente hunt 203.0.113.0/24 'hxxp://bad[.]example/x' --since 7d --index past",
			"entente hunt report.stix.json --since 2026-09-01 --until 2026-10-01 --index past --json",
		},
		args: cobra.MinimumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.hunt(ctx, args, f)
		},
	}.build()
	x := cmd.Flags()
	x.StringVar(&f.index, "index", "", "the folder of the index")
	x.StringVar(&f.logZone, "log-tz", "", "time zone of times that logs write without an offset, as for entente watch (default UTC)")
	x.StringVar(&f.since, "since", "90d", "how far back: 90d, 12h, or a time")
	x.StringVar(&f.until, "until", "", "up to when: 7d or 12h ago, or a time (default: now)")
	x.IntVar(&f.lines, "lines", 10, "how many lines are shown; 0 reads no logs")
	x.StringVar(&f.fields, "fields", "", "where values stand in lines that no format knows, as entente watch was told")
	x.IntVar(&f.limit, "limit", 100, "how many values are shown to people")
	return cmd
}

// hunted is the answer of hunt.
type hunted struct {
	From   time.Time     `json:"from"`
	To     time.Time     `json:"to"`
	Values []huntedValue `json:"values"`
	// HoursKnown is how many of the Hours asked for the index has records of.
	Hours      int           `json:"hours"`
	HoursKnown int           `json:"hours_known"`
	Faults     []huntedFault `json:"faults,omitempty"`
	Refused    []string      `json:"refused,omitempty"` // what was to be hunted for and is no value
	Lines      []huntedLine  `json:"lines,omitempty"`
	More       bool          `json:"more_lines,omitzero"` // there are more lines than are here
	Unread     []huntedFault `json:"unread,omitempty"`    // logs that could not be read again
	read       bool          // logs were read again
	beside     bool          // of the hours asked for, and outside of the time asked for, there are lines
}

type huntedValue struct {
	Type  observable.Type `json:"type"`
	Value string          `json:"value"`
	// Hours are the beginnings of the hours it was seen in.
	Hours []time.Time `json:"hours,omitempty"`
	// Unasked is true for what no index holds.
	Unasked bool `json:"unasked,omitzero"`
	days    int
}

type huntedFault struct {
	File  string `json:"file"`
	Day   string `json:"day,omitzero"`
	Error string `json:"error"`
}

func (a *app) hunt(ctx context.Context, args []string, f huntFlags) error {
	if f.index == "" {
		return usage("usage.needs-index")
	}
	if f.lines < 0 {
		return usage("usage.least", "flag", "--lines", "least", "0")
	}
	now := a.now().UTC()
	from, err := a.sinceTime("--since", f.since, now)
	if err != nil {
		return err
	}
	to := now
	if f.until != "" {
		if to, err = a.sinceTime("--until", f.until, now); err != nil {
			return err
		}
	}
	if !from.Before(to) {
		return usage("usage.not-before", "since", f.since)
	}
	o := logs.Options{Now: func() time.Time { return to }, Own: logs.Private()}
	if o.Zone, err = logZone(f.logZone); err != nil {
		return err
	}
	if f.fields != "" {
		if o.Fields, err = logs.ParseMap(f.fields); err != nil {
			return usage("usage.no-fields", "text", f.fields)
		}
	}
	out := hunted{From: from, To: to}
	values, err := a.huntValues(args, &out)
	if err != nil {
		return err
	}
	x, err := past.Open(f.index)
	if err != nil {
		return &node.Error{Code: node.CodeNotFound, Status: 404, What: "There is no index in " + f.index + ".", Why: err.Error(),
			Next: "Name the folder that entente watch --index wrote.", Err: err}
	}
	answer, err := x.Hunt(ctx, values, from, to)
	if err != nil {
		return err
	}
	out.take(answer)
	if f.lines > 0 {
		if err := a.huntLines(ctx, x, answer, values, f.lines, o, &out); err != nil {
			return err
		}
	}
	for _, v := range out.Values {
		if len(v.Hours) > 0 {
			a.code = exitMatched
		}
	}
	if len(out.Faults) > 0 {
		a.code = exitFailed
	}
	return a.show(&out, func(p *printer) { writeHunted(p, &out, f.limit) })
}

// sinceTime reads a time, or how long before now it is.
func (a *app) sinceTime(flag, s string, now time.Time) (time.Time, error) {
	days, ok := strings.CutSuffix(s, "d")
	if n, err := strconv.ParseUint(days, 10, 16); ok && err == nil {
		return now.AddDate(0, 0, -int(n)), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := a.parseTime(flag, s)
	if err != nil || t.IsZero() {
		return time.Time{}, usage("usage.no-since", "flag", flag, "text", s)
	}
	return t.UTC(), nil
}

func (h *hunted) take(a *past.Answer) {
	for _, s := range a.Seen {
		v := huntedValue{Type: s.Value.Type, Value: s.Value.Text, Unasked: s.Unasked, days: len(s.Days)}
		for _, d := range s.Days {
			d.Each(func(at time.Time) { v.Hours = append(v.Hours, at) })
		}
		h.Values = append(h.Values, v)
	}
	for _, d := range a.Known {
		d.Each(func(time.Time) { h.HoursKnown++ })
	}
	for at := h.From.Truncate(time.Hour); at.Before(h.To); at = at.Add(time.Hour) {
		h.Hours++
	}
	for _, f := range a.Faults {
		h.Faults = append(h.Faults, huntedFault{File: f.File, Day: f.Day.Format(time.DateOnly), Error: f.Err.Error()})
	}
}

func writeHunted(p *printer, h *hunted, limit int) {
	var rows [][]string
	var unseen []string
	seen, not := 0, 0
	for _, v := range h.Values {
		switch {
		case v.Unasked:
			p.say("", "ui.hunt-unasked", "value", v.Value)
		case len(v.Hours) == 0:
			if not++; not <= limit {
				unseen = append(unseen, v.Value)
			}
		default:
			if seen++; seen <= limit {
				rows = append(rows, []string{v.Value, fmt.Sprint(len(v.Hours)), fmt.Sprint(v.days), p.at(v.Hours[0]), p.at(v.Hours[len(v.Hours)-1])})
			}
		}
	}
	p.gap()
	p.grid("", rows, "ui.hunt-value", "ui.hunt-hours", "ui.hunt-days", "ui.hunt-first", "ui.hunt-last")
	if seen > limit {
		p.say("", "ui.hunt-more", "n", seen-limit)
	}
	for _, l := range h.Lines {
		p.gap()
		p.f("%s  %s  %s", p.at(l.Time), p.t("ui.hunt-place", "file", l.File, "n", p.number(l.Offset)), strings.Join(l.Values, ", "))
		p.block("    ", l.Line)
	}
	p.gap()
	if h.More {
		p.hint("%s", p.t("ui.hunt-more-lines"))
	}
	if seen > 0 && len(h.Lines) == 0 && h.beside {
		p.say("", "ui.hunt-beside")
	} else if seen > 0 && len(h.Lines) == 0 && h.read {
		p.say("", "ui.hunt-no-lines")
	}
	for _, u := range h.Unread {
		p.say("", "ui.hunt-unread", "file", u.File, "why", p.tell(u.Error))
	}
	if len(unseen) > 0 {
		p.say("", "ui.hunt-unseen", "n", not, "values", strings.Join(unseen, ", "))
	}
	for _, r := range h.Refused {
		p.say("", "ui.hunt-refused", "why", p.tell(r))
	}
	for _, f := range h.Faults {
		p.say("", "ui.hunt-fault", "day", f.Day, "file", f.File, "why", p.tell(f.Error))
	}
	p.say("", "ui.hunt-known", "known", h.HoursKnown, "all", h.Hours, "from", p.at(h.From), "to", p.at(h.To))
}

// logZone gives the time zone that --log-tz names.
func logZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := accord.Zone(name)
	if err != nil {
		return nil, usage("usage.no-zone-known", "flag", "--log-tz", "text", name)
	}
	return zone, nil
}
