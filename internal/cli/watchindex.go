package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"entente/internal/watch/past"
	"entente/internal/watch/record"
)

// indexEvery is how long at most passes until what was read is in the index.
const indexEvery = 5 * time.Minute

// indexFlags are the flags of watch that are about the index of the past.
type indexFlags struct {
	index     string
	indexDays int
	lookBack  string
}

func (f *indexFlags) register(x *pflag.FlagSet) {
	x.StringVar(&f.index, "index", "", "a folder for an index of the past, which entente hunt asks")
	x.StringVar(&f.lookBack, "look-back", "90d", "with --index: how far back new indicators are looked for at once; 0 looks for none")
	x.IntVar(&f.indexDays, "index-days", 0, "how many days before today stay in the index (default: all)")
}

// indexing writes an index beside a watch. A nil one does nothing.
type indexing struct {
	ctx     context.Context
	a       *app
	index   *past.Index
	builder *past.Builder
	days    int
	last    time.Time         // of writing
	writes  int               // that succeeded
	written uint64            // records that they wrote
	paths   map[string]string // of the streams that are files
	err     error             // what went wrong and was not mended since
}

// indexing opens the index that the flags name; nil if they name none.
func (a *app) indexing(ctx context.Context, f indexFlags) (*indexing, error) {
	if f.index == "" {
		if f.indexDays != 0 {
			return nil, usage("usage.only-with", "flags", "--index-days", "with", "--index")
		}
		return nil, nil
	}
	if f.indexDays < 0 {
		return nil, usage("usage.least", "flag", "--index-days", "least", "1")
	}
	x, err := past.Create(f.index)
	if err != nil {
		return nil, err
	}
	// What was read is written although the watch is ended.
	return &indexing{ctx: context.WithoutCancel(ctx), a: a, index: x, builder: x.Builder(), days: f.indexDays, last: a.now(), paths: map[string]string{}}, nil
}

// each is what a pass tells its records to.
func (x *indexing) each() func(*record.Record, string, int64, int64) {
	if x == nil {
		return nil
	}
	return func(r *record.Record, stream string, from, to int64) {
		path, known := x.paths[stream]
		if !known {
			if i, err := os.Stat(stream); err == nil && i.Mode().IsRegular() {
				if path, err = filepath.Abs(stream); err != nil {
					path = ""
				}
			}
			if len(x.paths) < maxIndexPaths {
				x.paths[stream] = path
			}
		}
		at := past.Place{Source: path, From: from, To: to}
		if path == "" {
			at = past.Place{} // it cannot be read again
		}
		if err := x.builder.Add(x.ctx, r, at); err != nil {
			x.err = err
		}
	}
}

// maxIndexPaths is how many names of streams are remembered.
const maxIndexPaths = 100_000

// now writes what was read if the last writing is long ago.
func (x *indexing) now(t time.Time) {
	if x != nil && t.Sub(x.last) >= indexEvery {
		x.flush()
	}
}

// flush writes what was read. What cannot be written stays, and is tried again.
func (x *indexing) flush() {
	if x == nil {
		return
	}
	x.last = x.a.now()
	x.err = x.builder.Flush(x.ctx)
	if x.err == nil {
		x.writes, x.written = x.writes+1, x.builder.Stats().Records
	}
	if x.days > 0 && x.err == nil {
		_, _, x.err = x.index.Prune(x.last.AddDate(0, 0, -x.days), x.last)
	}
	if x.err != nil {
		p := x.a.printer()
		p.say("", "ui.hunt-index-failed", "why", p.tell(x.err.Error()), "n", p.number(int64(x.builder.Stats().Dropped)))
		_, _ = io.WriteString(x.a.err, p.String()) // the end of the watch tells it again
	}
}

// clean tells whether the index has all that was read.
func (x *indexing) clean() bool { return x.builder.Stats().Records == x.written }

// end tells what the index got, which was written.
func (x *indexing) end(w *watching) error {
	if x == nil {
		return nil
	}
	if err := errors.Join(x.err, x.index.Compact(x.ctx, x.last.UTC().Truncate(24*time.Hour))); err != nil {
		return err
	}
	s := x.builder.Stats()
	p := x.a.printer()
	p.say("", "ui.hunt-indexed", "records", p.number(int64(s.Records)), "undated", p.number(int64(s.Undated)), "values", p.number(int64(s.Entries)))
	return w.note(p)
}

func (x *indexing) close() {
	if x != nil {
		x.builder.Close()
	}
}
