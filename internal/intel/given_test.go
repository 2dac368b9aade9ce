package intel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/intel"
	"entente/stix"
)

var errKilled = errors.New("killed")

// mortal is an object store whose process is killed at one of the steps that change something.
type mortal struct {
	*intel.Memory
	synced map[string]string // rows that are durable
	left   int               // steps until then
}

func (m *mortal) step(do func() error) error {
	if m.left--; m.left < 0 {
		return errKilled
	}
	return do()
}

func (m *mortal) Write(c []intel.Change) error {
	return m.step(func() error { return m.Memory.Write(c) })
}

func (m *mortal) Sync() error {
	return m.step(func() error { m.synced = rowsOf(m.Memory); return nil })
}

// Reset is durable by itself; what it leaves there may not be.
func (m *mortal) Reset(from []byte) error {
	return m.step(func() error {
		for k := range m.synced {
			if k >= string(from) {
				delete(m.synced, k)
			}
		}
		return m.Memory.Reset(from)
	})
}

func rowsOf(o intel.Objects) map[string]string {
	out := map[string]string{}
	for row, err := range o.Scan(nil, nil, false) {
		if err != nil {
			panic(err)
		}
		out[string(row.Key)] = string(row.Value)
	}
	return out
}

func memoryOf(t *testing.T, rows map[string]string) *intel.Memory {
	t.Helper()
	m := &intel.Memory{}
	var changes []intel.Change
	for k, v := range rows {
		changes = append(changes, intel.Change{Key: []byte(k), Value: []byte(v)})
	}
	if err := m.Write(changes); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestGivenOutlivesRebuild: where a value lies, what is gone and since when is the same after everything was derived again,
// and what was given but came to be no more is told as gone, wherever a rebuild is killed, whether or not what was written
// last is lost with it. Nothing that a rebuild needs for it is left behind.
func TestGivenOutlivesRebuild(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	update := func() {
		t.Helper()
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	load := func(from, to, version int, more string) {
		t.Helper()
		var objects []string
		for n := from; n < to; n++ {
			objects = append(objects, indicator(n+1, version, fmt.Sprintf("n%d.example", n), more))
		}
		w.load(t, "f", objects...)
	}
	told := func() string {
		t.Helper()
		var lines []string
		for k, v := range rowsOf(w.objects) {
			if strings.HasPrefix(k, "Gy") {
				t.Errorf("%q is left", k)
			}
			if strings.HasPrefix(k, "Gv") {
				lines = append(lines, fmt.Sprintf("%q %q", k, v))
			}
		}
		for a, err := range w.in.Active(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(a))
		}
		for g, err := range w.in.Gone(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			if g.ID == idOf(401) || g.ID == idOf(402) { // they go while it is killed
				g.When = time.Time{}
			}
			lines = append(lines, fmt.Sprint(g.Active, g.When, g.Closed))
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	clear, red := marked(stix.TLP2Clear), marked(stix.TLP2Red)
	load(400, 600, 1, clear)
	update()
	load(0, 400, 1, clear)
	update()
	load(0, 3, 2, clear+`,"revoked":true`)
	load(3, 5, 2, red)
	update()
	load(0, 1, 3, clear) // back, later than its version says
	update()
	given := rowsOf(w.objects)
	load(400, 401, 2, clear+`,"revoked":true`)
	load(401, 402, 2, red)
	now := rowsOf(w.objects)
	update()
	want := told()
	if n := strings.Count(want, "n400.example"); n != 1 {
		t.Fatalf("%d lines of what is gone: %s", n, want)
	}
	begin := w.now
	for steps := 0; ; steps++ {
		killed := false
		for _, kept := range []bool{true, false} {
			m := &mortal{memoryOf(t, now), maps.Clone(given), 1 << 20}
			w.objects, w.now = m, begin
			w.open(t)
			m.left = steps
			err := w.in.Rebuild(ctx, nil)
			if err == nil {
				err = w.in.UpdateActive(ctx)
			}
			if killed = err != nil; killed && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			after := m.synced
			if kept || !killed {
				after = rowsOf(m.Memory)
			}
			w.objects = memoryOf(t, after)
			w.open(t)
			update()
			if got := told(); got != want {
				t.Fatalf("killed after %d steps, what was written last is kept: %v:\n%s", steps, kept, firstDifference(want, got))
			}
		}
		if !killed {
			if steps < 6 {
				t.Fatalf("only %d steps", steps)
			}
			break
		}
	}
}

// TestGivenThatCannotBeRead: rows of what sensors were given that make no sense are left out by a rebuild, and keep nothing
// from going on.
func TestGivenThatCannotBeRead(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	w.load(t, "f", indicator(1, 1, "a.example"), indicator(2, 1, "b.example"))
	if err := w.in.UpdateActive(ctx); err != nil {
		t.Fatal(err)
	}
	good := rowsOf(w.objects)
	for _, key := range []string{"G", "Gq", "Gv", "Gvx", "Gv12345678", "Gw", "Gwabc", "Gx", "Gx\xff\xffdomain\x00a\x00b", "Gx\x00\x00domain\x00a\x00b", "Gy\xff\xffdomain\x00a\x00b", "Gy\x00\x00"} {
		if err := w.objects.Write([]intel.Change{{Key: []byte(key), Value: []byte("\xff\xff\xff")}}); err != nil {
			t.Fatal(err)
		}
	}
	entry := ""
	for k, v := range good {
		if strings.HasPrefix(k, "fa") {
			entry = v
		}
	}
	for n, into := range map[int]*world{4000: newWorld(t), 4 << 10: w} {
		var text []byte
		for _, part := range []string{"Gy\x00\x00domain\x00" + strings.Repeat("a", n) + "\x00b", entry} {
			text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
		}
		if whole, err := into.in.TakeGiven(text); whole != (into != w) || err != nil {
			t.Errorf("a key of %d bytes: %v, %v", n, whole, err)
		}
	}
	if err := errors.Join(w.in.Rebuild(ctx, nil), w.in.UpdateActive(ctx)); err != nil {
		t.Fatal(err)
	}
	for k, v := range rowsOf(w.objects) {
		if k[0] == 'G' && good[k] != v {
			t.Errorf("%q = %q", k, v)
		}
		delete(good, k)
	}
	for k := range good {
		t.Errorf("%q is not there", k)
	}
}

// TestGivenOfLayout8: in layout 8 what sensors were given lay among what is derived. It outlives the change.
func TestGivenOfLayout8(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	w.load(t, "f", indicator(1, 1, "a.example"), indicator(2, 1, "b.example"))
	update := func() {
		t.Helper()
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	update()
	w.load(t, "f", indicator(1, 2, "a.example", `,"revoked":true`))
	update()
	if _, err := w.in.Standings(ctx, "careful", 100); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	old := map[string]string{}
	for k, v := range rowsOf(w.objects) {
		switch k[0] {
		case 'G':
			want[k] = v
			k = "f" + k[1:]
		case 'm':
			v = "\x08" + v[1:]
		}
		old[k] = v
	}
	w.objects = memoryOf(t, old)
	w.open(t)
	update()
	got := rowsOf(w.objects)
	maps.DeleteFunc(got, func(k, _ string) bool { return k[0] != 'G' })
	if len(want) < 4 || !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzGiven: whatever a backup has of what sensors were given is refused or comes back as it was, and keeps nothing from going on.
func FuzzGiven(f *testing.F) {
	ctx := context.Background()
	w := newWorld(f)
	w.load(f, "f", indicator(1, 1, "a.example"), indicator(2, 1, "b.example"))
	if err := w.in.UpdateActive(ctx); err != nil {
		f.Fatal(err)
	}
	w.load(f, "f", indicator(1, 2, "a.example", `,"revoked":true`))
	if err := w.in.UpdateActive(ctx); err != nil {
		f.Fatal(err)
	}
	if _, err := w.in.Standings(ctx, "careful", 100); err != nil {
		f.Fatal(err)
	}
	for text, err := range w.in.GivenTexts(ctx) {
		if err != nil {
			f.Fatal(err)
		}
		if whole, err := newWorld(f).in.TakeGiven(text); !whole || err != nil {
			f.Fatal(whole, err)
		}
		f.Add(bytes.Clone(text))
		f.Add(bytes.Clone(text[:len(text)/2]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w := newWorld(t)
		if _, err := w.in.TakeGiven(text); err != nil {
			t.Fatal(err)
		}
		w.load(t, "f", indicator(1, 3, "a.example"))
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
		for _, err := range w.in.Gone(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range w.in.Active(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
