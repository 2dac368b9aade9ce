package past

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Index is an index in a folder. It may be used by many goroutines.
type Index struct {
	dir string
	key key
}

// ErrNoIndex means that a folder holds no index.
var ErrNoIndex = errors.New("there is no index of the past here")

const suffix = ".past"

// Create opens an index to write into it, and makes the folder if it is not there.
func Create(dir string) (*Index, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the index of the past cannot be made: %w", err)
	}
	x := &Index{dir: dir}
	names, err := x.names()
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Backward(names) { // parts of one key can be joined
		if p, done, err := x.open(n.name); err == nil {
			x.key = p.key
			done()
			return x, nil
		}
	}
	_, _ = rand.Read(x.key[:]) // it never fails
	return x, nil
}

// Open opens an index to hunt in it. The error is [ErrNoIndex] if no part is there.
func Open(dir string) (*Index, error) {
	x := &Index{dir: dir}
	names, err := x.names()
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0 {
		return nil, fmt.Errorf("%w: %s; watch writes one with --index %s", ErrNoIndex, dir, dir)
	}
	return x, err
}

// name is a file of a part.
type name struct {
	day  int32
	name string
}

// names lists the parts by day.
func (x *Index) names() ([]name, error) {
	files, err := os.ReadDir(x.dir)
	if err != nil {
		return nil, err
	}
	var out []name
	for _, f := range files {
		date, rest, ok := strings.Cut(f.Name(), ".")
		if !ok || !strings.HasSuffix(rest, suffix[1:]) || !f.Type().IsRegular() {
			continue
		}
		t, err := time.Parse(time.DateOnly, date)
		if err != nil {
			continue
		}
		if day, _, ok := hourOf(t); ok || t.Unix() == 0 {
			out = append(out, name{day, f.Name()})
		}
	}
	slices.SortFunc(out, func(a, b name) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.name, b.name)) })
	return out, nil
}

// open opens a part. done closes it.
func (x *Index) open(name string) (p *part, done func(), err error) {
	f, err := os.Open(filepath.Join(x.dir, name))
	if err != nil {
		return nil, nil, err
	}
	i, err := f.Stat()
	if err == nil {
		p, err = openPart(f, i.Size())
	}
	if err == nil && !strings.HasPrefix(name, p.date().Format(time.DateOnly)+".") {
		err = fmt.Errorf("%w: it is of %s and its name says otherwise", ErrDamaged, p.date().Format(time.DateOnly))
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return p, func() { _ = f.Close() }, nil
}

// write writes a part for each day that entries or spans are of and gives how many
// entries there were. Each part appears as a whole or not at all; after a fault some
// days can be there, and are there twice when it is done again, which changes nothing.
func (x *Index) write(ctx context.Context, all func() source, spans map[spanKey]Span, days map[int32]struct{}) (total uint64, err error) {
	counts := map[int32][kinds]uint64{}
	for s := all(); ; {
		e, ok, err := s.next()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		c := counts[e.day]
		c[e.kind]++
		counts[e.day] = c
		if total++; total&0xffff == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	order := make([]int32, 0, len(days))
	for d := range days {
		order = append(order, d)
	}
	slices.Sort(order)
	byDay := map[int32]map[spanKey]Span{}
	for k, s := range spans {
		if byDay[k.day] == nil {
			byDay[k.day] = map[spanKey]Span{}
		}
		byDay[k.day][k] = s
	}
	s := all()
	e, more, err := s.next()
	if err != nil {
		return 0, err
	}
	for _, day := range order {
		w, f, err := x.begin(day, counts[day])
		if err != nil {
			return 0, err
		}
		fill := func() error {
			for more && e.day == day {
				if err := w.add(e); err != nil {
					return err
				}
				if e, more, err = s.next(); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return w.finish(byDay[day])
		}
		err = fill()
		err = errors.Join(err, f.Close())
		if err == nil {
			err = x.publish(f.Name(), day)
		}
		if err != nil {
			_ = os.Remove(f.Name())
			return 0, err
		}
	}
	return total, nil
}

func (x *Index) begin(day int32, counts [kinds]uint64) (*partWriter, *os.File, error) {
	f, err := os.CreateTemp(x.dir, "part-*.tmp")
	if err != nil {
		return nil, nil, err
	}
	return newPartWriter(f, day, x.key, counts), f, nil
}

// publish gives a part that is on disk its name.
func (x *Index) publish(temporary string, day int32) error {
	var r [8]byte
	_, _ = rand.Read(r[:]) // it never fails
	date := time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
	if err := os.Rename(temporary, filepath.Join(x.dir, date+"."+hex.EncodeToString(r[:])+suffix)); err != nil {
		return err
	}
	return syncDir(x.dir)
}

// compact makes one part of the parts of a day if there are more than so many. Parts
// of another key, damaged ones and those that together would have too many log files
// are left as they are.
func (x *Index) compact(ctx context.Context, day int32, most int) error {
	names, err := x.names()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n name) bool { return n.day != day })
	if len(names) <= most {
		return nil
	}
	var parts []*part
	var joined []string
	spans := map[spanKey]Span{}
	for _, n := range names {
		p, done, err := x.open(n.name)
		if err != nil {
			continue // the hunt says so
		}
		defer done()
		own, err := p.spans()
		if err != nil || p.key != x.key || len(spans)+len(own) > maxSpans {
			continue
		}
		for k, s := range own {
			if t, ok := spans[k]; ok {
				s.add(t)
			}
			spans[k] = s
		}
		parts, joined = append(parts, p), append(joined, n.name)
	}
	if len(parts) < 2 {
		return nil
	}
	all := func() source {
		m := &merged{}
		for _, p := range parts {
			again := *p // with memory of its own
			again.es, again.buf = nil, nil
			m.from = append(m.from, again.entries())
		}
		return m
	}
	if _, err := x.write(ctx, all, spans, map[int32]struct{}{day: {}}); err != nil {
		return fmt.Errorf("the parts of one day in %s could not be joined: %w", x.dir, err)
	}
	for _, n := range joined {
		if err := os.Remove(filepath.Join(x.dir, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Compact makes one part of the parts of each day before one, so that hunts read less.
func (x *Index) Compact(ctx context.Context, before time.Time) error {
	names, err := x.names()
	if err != nil {
		return err
	}
	var fault error
	for i, n := range names {
		if d, _, ok := hourOf(before); ok && n.day < d && (i == 0 || names[i-1].day != n.day) {
			fault = errors.Join(fault, x.compact(ctx, n.day, 1))
		}
	}
	return fault
}

// Prune takes the days before one out of the index, and what writers that were killed
// more than a day before now left behind. It gives how many files and bytes went.
func (x *Index) Prune(before, now time.Time) (files int, bytes int64, err error) {
	entries, err := os.ReadDir(x.dir)
	if err != nil {
		return 0, 0, err
	}
	old := map[string]bool{}
	names, err := x.names()
	if err != nil {
		return 0, 0, err
	}
	for _, n := range names {
		if int64(n.day+1)*86400 <= before.Unix() {
			old[n.name] = true
		}
	}
	for _, e := range entries {
		i, err := e.Info()
		if err != nil {
			continue
		}
		left := strings.HasSuffix(e.Name(), ".tmp") && now.Sub(i.ModTime()) > 24*time.Hour &&
			(strings.HasPrefix(e.Name(), "part-") || strings.HasPrefix(e.Name(), "run-"))
		if !old[e.Name()] && !left {
			continue
		}
		if err := os.Remove(filepath.Join(x.dir, e.Name())); err != nil {
			return files, bytes, err
		}
		files, bytes = files+1, bytes+i.Size()
	}
	return files, bytes, syncDir(x.dir)
}
