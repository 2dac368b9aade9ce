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

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"entente/internal/observable"
	"entente/internal/watch/logs"
	"entente/internal/watch/past"
	"entente/internal/watch/record"
)

const (
	// maxHuntLine is the longest line that is read again, in bytes; of a longer one the beginning is.
	maxHuntLine = 4 << 20
	// maxHuntShown is how much of a line is shown, in bytes.
	maxHuntShown = 2000
	// maxHuntWindow is the memory that a zstd stream may ask for, in bytes.
	maxHuntWindow = 128 << 20
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
			if !hours[r.Time.Unix()/3600] || r.Time.Before(h.From) || !r.Time.Before(h.To) {
				return nil
			}
			if found = exact.Find(found[:0], r); len(found) == 0 {
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

// rereadLog reads one stretch of a log, plain or compressed, and calls f with each
// record and where its line begins.
func rereadLog(ctx context.Context, s past.Span, o logs.Options, f func(*record.Record, int64) error) error {
	file, err := os.Open(s.Source)
	if err != nil {
		return err
	}
	defer file.Close()
	text, closing, err := unpackedLog(bufio.NewReaderSize(file, 1<<16))
	if err != nil {
		return fmt.Errorf("%s: %w", s.Source, err)
	}
	defer closing()
	in := bufio.NewReaderSize(text, maxHuntLine)
	sample, err := in.Peek(logs.MaxSample)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", s.Source, err)
	}
	format, _, ok := logs.Detect(sample, o)
	if !ok {
		return fmt.Errorf("%s: its format cannot be told", s.Source)
	}
	var r record.Record
	// The header, which stands at the beginning, says what the columns are.
	for line := range bytes.Lines(sample[:min(len(sample), 1<<16)]) {
		_ = format.Decode(bytes.TrimRight(line, "\r\n"), &r)
	}
	if n, err := io.CopyN(io.Discard, in, s.From); err != nil {
		return fmt.Errorf("%s has %d bytes now, and the hour began at %d: it was truncated or is another file: %w", s.Source, n, s.From, err)
	}
	for at := s.From; at < s.To; {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, size, err := logLine(in)
		if size == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		begins := at
		at += int64(size)
		bad := format.Decode(line, &r)
		if errors.Is(bad, logs.ErrLine) {
			if other, _, ok := logs.Detect(line, o); ok && other.Name() != format.Name() {
				format = other
				bad = format.Decode(line, &r)
			}
		}
		if errors.Is(bad, logs.ErrNothing) {
			continue
		}
		if err := f(&r, begins); err != nil {
			return err
		}
	}
	return nil
}

// logLine reads a line without its end, and tells how many bytes it took.
func logLine(in *bufio.Reader) (line []byte, size int, err error) {
	line, err = in.ReadSlice('\n')
	size = len(line)
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(line, "\r\n"), size, err
	}
	line = bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		var rest []byte
		rest, err = in.ReadSlice('\n')
		size += len(rest)
	}
	return line, size, nil
}

// unpackedLog undoes gzip and zstd.
func unpackedLog(r *bufio.Reader) (io.Reader, func(), error) {
	head, _ := r.Peek(4) // a shorter file is neither
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxHuntWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}
