package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/input"
	"entente/internal/watch/logs"
	"entente/internal/watch/pass"
	"entente/internal/watch/past"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

const (
	// maxHuntHead is how much of the beginning of a log is read for its header, in bytes.
	maxHuntHead = 64 << 10
	// maxHuntShown is how much of a line is shown, in bytes.
	maxHuntShown = 2000
)

// huntedLine is a line in which a value stands.
type huntedLine struct {
	Time   time.Time `json:"time"`
	File   string    `json:"file"`
	Offset int64     `json:"offset"` // in bytes from the beginning of its decompressed text
	Values []string  `json:"values"`
	Line   string    `json:"line"` // at most 2,000 bytes of it
}

// errEnough ends the reading of lines.
var errEnough = errors.New("enough lines")

// huntLines reads the stretches of the logs that have the hours of an answer.
func (a *app) huntLines(ctx context.Context, x *past.Index, answer *past.Answer, values []observable.Value, most int, o logs.Options, h *hunted) error {
	hours := map[int64]bool{}
	byDay := map[time.Time]uint32{}
	for _, s := range answer.Seen {
		for _, d := range s.Days {
			byDay[d.Day] |= d.Mask
			d.Each(func(at time.Time) { hours[at.Unix()/3600] = true })
		}
	}
	var ask []past.Hours
	for day, mask := range byDay {
		ask = append(ask, past.Hours{Day: day, Mask: mask})
	}
	spans, faults, err := x.Places(ctx, ask)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		for _, f := range faults {
			h.Unread = append(h.Unread, huntedFault{File: f.File, Day: f.Day.Format(time.DateOnly), Error: f.Err.Error()})
		}
	}
	exact := past.NewExact(values)
	bar := a.progress("hunt")
	defer bar.done()
	var found []int
	for _, s := range spans {
		h.read = true
		err := rereadLog(ctx, s, o, func(r *record.Record, at int64) error {
			if !hours[r.Time.Unix()/3600] {
				return nil
			}
			outside := r.Time.Before(h.From) || !r.Time.Before(h.To)
			if outside && h.beside {
				return nil
			}
			if found = exact.Find(found[:0], r); len(found) == 0 {
				return nil
			}
			if outside {
				h.beside = true
				return nil
			}
			if len(h.Lines) == most {
				h.More = true
				return errEnough
			}
			l := huntedLine{Time: r.Time, File: s.Source, Offset: at, Line: string(bytes.ToValidUTF8(r.Line[:min(len(r.Line), maxHuntShown)], []byte("\ufffd")))}
			for _, i := range found {
				l.Values = append(l.Values, values[i].Text)
			}
			h.Lines = append(h.Lines, l)
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			h.Unread = append(h.Unread, huntedFault{File: s.Source, Error: err.Error()})
		}
	}
	return nil
}

// rereadLog reads one stretch of a log, of whatever is read as one, and calls f with each
// record and where it begins.
func rereadLog(ctx context.Context, s past.Span, o logs.Options, f func(*record.Record, int64) error) error {
	file, err := os.Open(s.Source)
	if err != nil {
		return err
	}
	defer file.Close()
	text, closing, err := input.Text(bufio.NewReaderSize(file, 1<<16))
	if err != nil {
		return fmt.Errorf("%s: %w", s.Source, err)
	}
	defer closing()
	in := bufio.NewReaderSize(text, logs.MaxSample)
	sample, err := in.Peek(logs.MaxSample)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", s.Source, err)
	}
	format, _, ok := logs.Detect(bytes.TrimPrefix(sample, []byte(pass.ByteOrderMark)), o)
	if !ok {
		return fmt.Errorf("%s: its format cannot be told", s.Source)
	}
	var arrived time.Time
	if o.Now != nil {
		arrived = o.Now()
	}
	nothing := watch.NewBuilder(watch.Seed{}).Set()
	reading := pass.Options{Set: func() *watch.Set { return nothing }, Sightings: &sighting.Table{}, Logs: o}
	// The header, which stands at the beginning, says what the columns are.
	head, err := pass.New(reading).Open(s.Source, pass.State{Format: format.Name()})
	if err != nil {
		return fmt.Errorf("%s: %w", s.Source, err)
	}
	head.Write(sample[:min(int64(len(sample)), maxHuntHead, s.From)], arrived)
	begins := head.State()
	if n, err := io.CopyN(io.Discard, in, s.From); err != nil {
		return fmt.Errorf("%s has %d bytes now, and the hour began at %d: it was truncated or is another file: %w", s.Source, n, s.From, err)
	}
	var fault error
	reading.Each = func(r *record.Record, _ string, from, _ int64) {
		if fault == nil {
			fault = f(r, from)
		}
	}
	stretch, err := pass.New(reading).Open(s.Source, pass.State{Offset: s.From, Format: begins.Format, Header: begins.Header})
	if err != nil {
		return fmt.Errorf("%s: %w", s.Source, err)
	}
	block := make([]byte, 1<<16)
	for rest := io.LimitReader(in, s.To-s.From); fault == nil; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := rest.Read(block)
		stretch.Write(block[:n], arrived)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if fault == nil {
		stretch.Flush(arrived)
	}
	return fault
}
