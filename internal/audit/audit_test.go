package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/store/storetest"
)

var at = time.Date(2026, 3, 9, 12, 0, 0, 0, time.FixedZone("", 3600))

func clock() time.Time { return at }

func open(t testing.TB, d *storetest.Disk) *Log {
	t.Helper()
	l, err := Open("/n/audit", d, clock)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fill(t testing.TB, l *Log, n int, pad string) {
	t.Helper()
	for i := range n {
		if err := l.Append(Line{Kind: Officer, Who: "0123456789ab", Name: "ada", Roles: []string{"duty"}, Action: "request.move", Ref: fmt.Sprint("r", i) + pad, Outcome: OK}); err != nil {
			t.Fatal(err)
		}
	}
}

// The log goes on over restarts and through files, as one chain, and what it is asked
// for comes newest first.
func TestLogGoesOn(t *testing.T) {
	d := storetest.NewDisk()
	l := open(t, d)
	fill(t, l, 3, "")
	l = open(t, d)
	fill(t, l, 2, "")
	if err := l.Append(Line{Kind: Nobody, Action: "sign-in", Outcome: "wrong", Name: "ada\n{\"n\":1}" + strings.Repeat("x", 1000)}); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(d, "/n/audit")
	if err != nil || r.Lines != 6 || r.Files != 1 || len(r.Hash) != 64 {
		t.Fatalf("%+v, %v", r, err)
	}
	lines, more, err := l.Lines(Filter{Limit: 2})
	if err != nil || !more || len(lines) != 2 || lines[0].N != 6 || lines[1].Ref != "r1" || !lines[0].At.Equal(at) || len(lines[0].Name) > maxText {
		t.Fatalf("%+v, %v, %v", lines, more, err)
	}
	if lines, more, err = l.Lines(Filter{Failed: true}); err != nil || more || len(lines) != 1 {
		t.Fatalf("%+v, %v, %v", lines, more, err)
	}
	if lines, _, err = l.Lines(Filter{Who: "ada", Before: 3, Action: "request"}); err != nil || len(lines) != 2 || lines[0].N != 2 {
		t.Fatalf("%+v, %v", lines, err)
	}
}

// A file that is full is followed by the next, and the chain goes through.
func TestLogRotates(t *testing.T) {
	d := storetest.NewDisk()
	l := open(t, d)
	fill(t, l, 1, "")
	// A file that is nearly full, as after some ten thousand lines.
	text := d.Content("/n/audit/" + fileName(1))
	for l.end.Size < maxFile-400 {
		x, err := parseLine(bytes.TrimSuffix(text[bytes.LastIndexByte(text[:len(text)-1], '\n')+1:], []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		x.N, x.Prev, x.Ref = x.N+1, l.end.Hash, strings.Repeat("p", maxText)
		line := mustJSON(t, x)
		text = append(append(text, line...), '\n')
		l.end.N, l.end.Hash, l.end.Size = x.N, hashOf(line), int64(len(text))
	}
	d.Set("/n/audit/"+fileName(1), text)
	if err := l.writeHead(); err != nil {
		t.Fatal(err)
	}
	before := l.end.N
	l = open(t, d)
	fill(t, l, 5, "")
	r, err := Verify(d, "/n/audit")
	if err != nil || r.Files != 2 || r.Lines != before+5 {
		t.Fatalf("%+v, %v", r, err)
	}
	l = open(t, d)
	fill(t, l, 1, "")
	if lines, more, err := l.Lines(Filter{Limit: maxPage + 1}); err != nil || !more || len(lines) != maxPage || lines[0].N != before+6 {
		t.Fatalf("%d, %v, %v", len(lines), more, err)
	}
	// The first file, then a line of it, is taken away.
	first := d.Content("/n/audit/" + fileName(1))
	d.Set("/n/audit/"+fileName(1), first[:bytes.LastIndexByte(first[:len(first)-1], '\n')+1])
	if _, err := Verify(d, "/n/audit"); !errors.As(err, new(*Damage)) {
		t.Errorf("the last line of the first file is gone: %v", err)
	}
	if err := d.Remove("/n/audit/" + fileName(1)); err != nil {
		t.Fatal(err)
	}
	var damage *Damage
	if _, err := Verify(d, "/n/audit"); !errors.As(err, &damage) || damage.File != fileName(1) {
		t.Errorf("the first file is gone: %v", err)
	}
}

// What a crash leaves at the end of the log, at any point of writing it, is no damage,
// and nothing that was told is lost.
func TestLogSurvivesCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := storetest.NewDisk()
		l := open(t, d)
		n := rapid.IntRange(0, 4).Draw(rt, "lines")
		fill(t, l, n, "")
		until := d.Ops() + rapid.IntRange(0, 30).Draw(rt, "steps")
		d.Fault = func(_, _ string, n int) error {
			if n >= until && n < until+3 {
				return errors.New("the disk fails")
			}
			return nil
		}
		told := int64(n)
		for range 3 {
			if l.Append(Line{Kind: Officer, Action: "a", Outcome: OK}) == nil {
				told++
			}
		}
		d = d.Crash(func(most int) int { return rapid.IntRange(0, most).Draw(rt, "kept") })
		if _, err := Verify(d, "/n/audit"); err != nil {
			rt.Fatalf("after a crash, before a start: %v", err)
		}
		l, err := Open("/n/audit", d, clock)
		if err != nil || l.Damage() != nil {
			rt.Fatalf("after a crash: %v, %v", err, l.Damage())
		}
		fill(t, l, 1, "")
		r, err := Verify(d, "/n/audit")
		if err != nil || r.Lines <= told || r.Lines > told+4 {
			rt.Fatalf("%d told: %+v, %v", told, r, err)
		}
	})
}

// Any change to the log's files is found: a byte, a cut, a line that is gone, there
// twice, or elsewhere.
func TestAnyChangeIsFound(t *testing.T) {
	base := storetest.NewDisk()
	fill(t, open(t, base), 8, "")
	name := "/n/audit/" + fileName(1)
	whole := slices.Clone(base.Content(name))
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	rapid.Check(t, func(rt *rapid.T) {
		text := slices.Clone(whole)
		i, j := rapid.IntRange(0, len(lines)-1).Draw(rt, "i"), rapid.IntRange(0, len(lines)-1).Draw(rt, "j")
		what := rapid.SampledFrom([]string{"byte", "cut", "drop", "twice", "swap"}).Draw(rt, "what")
		changed := slices.Clone(lines)
		switch what {
		case "byte":
			text[rapid.IntRange(0, len(text)-1).Draw(rt, "at")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		case "cut":
			text = text[:rapid.IntRange(0, len(text)-1).Draw(rt, "at")]
		case "drop":
			text = bytes.Join(slices.Delete(changed, i, i+1), nil)
		case "twice":
			if i == len(lines)-1 && j == i {
				return // it stands behind the head, as what a crash left: it is taken off, and nothing is lost by it
			}
			text = bytes.Join(slices.Insert(changed, j, lines[i]), nil)
		case "swap":
			if i == j {
				return
			}
			changed[i], changed[j] = changed[j], changed[i]
			text = bytes.Join(changed, nil)
		}
		d := storetest.NewDisk()
		if err := d.MkdirAll("/n/audit", 0o700); err != nil {
			rt.Fatal(err)
		}
		d.Set(name, text)
		d.Set("/n/audit/head", slices.Clone(base.Content("/n/audit/head")))
		var damage *Damage
		if r, err := Verify(d, "/n/audit"); !errors.As(err, &damage) {
			rt.Fatalf("%s: %+v, %v", what, r, err)
		}
		if what == "drop" && i < len(lines)-1 && damage.Line != int64(i+1) {
			rt.Fatalf("line %d was dropped, and %v is named", i+1, damage)
		}
		// The log goes on all the same, and the break stays named.
		l, err := Open("/n/audit", d, clock)
		if err != nil || l.Damage() == nil {
			rt.Fatalf("%s: %v, %v", what, err, l.Damage())
		}
		fill(t, l, 1, "")
		if _, err := Verify(d, "/n/audit"); !errors.As(err, &damage) {
			rt.Fatalf("%s: the break is forgotten: %v", what, err)
		}
		if got, _, err := l.Lines(Filter{Limit: 2}); err != nil || got[0].Action != "request.move" || got[1].Action != "audit.broken" {
			rt.Fatalf("%+v, %v", got, err)
		}
	})
}

// FuzzLine: a line is read as this version would have written it, or is damage.
func FuzzLine(f *testing.F) {
	d := storetest.NewDisk()
	fill(f, open(f, d), 1, "")
	f.Add(bytes.TrimSpace(d.Content("/n/audit/" + fileName(1))))
	f.Add([]byte(`{"n":1,"at":"2026-03-09T12:00:00+01:00","kind":"","action":"","outcome":"","prev":""}`))
	f.Add([]byte(`{"n":1,"n":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := parseLine(text)
		if err == nil && !bytes.Equal(mustJSON(t, x), text) {
			t.Fatalf("%q is read as %+v", text, x)
		}
	})
}

// FuzzHead: whatever the head says, the log is whole or damaged, and goes on.
func FuzzHead(f *testing.F) {
	base := storetest.NewDisk()
	fill(f, open(f, base), 2, "")
	f.Add(base.Content("/n/audit/head"))
	f.Add([]byte(`{"file":"audit-000002.jsonl","size":1,"n":1,"hash":"` + zero + `"}`))
	f.Add([]byte(`{"file":"../x","size":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := storetest.NewDisk()
		if err := d.MkdirAll("/n/audit", 0o700); err != nil {
			t.Fatal(err)
		}
		d.Set(filepath.Join("/n/audit", fileName(1)), slices.Clone(base.Content("/n/audit/"+fileName(1))))
		d.Set("/n/audit/head", slices.Clone(text))
		l, err := Open("/n/audit", d, clock)
		if err != nil {
			if len(text) <= maxHead {
				t.Fatal(err)
			}
			return
		}
		fill(t, l, 1, "")
		if _, err := Verify(d, "/n/audit"); (err == nil) != (l.Damage() == nil) {
			t.Fatalf("%q: %v, but %v", text, err, l.Damage())
		}
	})
}

func mustJSON(t testing.TB, x Line) []byte {
	t.Helper()
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestExport: the whole log comes as it lies, through all files, and a question about a time is held to it.
func TestExport(t *testing.T) {
	d := storetest.NewDisk()
	now := at
	l, err := Open("/n/audit", d, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	fill(t, l, 3, "")
	now = at.Add(time.Hour)
	fill(t, l, 10_000, strings.Repeat("y", maxText-10))
	var all bytes.Buffer
	if err := l.Export(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	names, err := list(d, "/n/audit")
	if err != nil || len(names) != 2 {
		t.Fatalf("%q, %v", names, err)
	}
	prev, n := zero, int64(0)
	for line := range bytes.Lines(all.Bytes()) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		x, err := parseLine(line)
		if n++; err != nil || x.N != n || x.Prev != prev {
			t.Fatalf("line %d: %+v, %v", n, x, err)
		}
		prev = hashOf(line)
	}
	if r, err := l.Verify(); err != nil || n != 10_003 || r.Hash != prev {
		t.Errorf("%d lines that end with %s, and the log %+v, %v", n, prev, r, err)
	}
	for _, c := range []struct {
		from, until time.Time
		lines       int
	}{{at, now, 3}, {now, time.Time{}, 1000}, {time.Time{}, at, 0}, {at.Add(time.Second), now, 0}} {
		lines, _, err := l.Lines(Filter{From: c.from, Until: c.until, Limit: maxPage})
		if err != nil || len(lines) != c.lines {
			t.Errorf("from %v until %v: %d lines, %v", c.from, c.until, len(lines), err)
		}
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := l.Export(gone, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
