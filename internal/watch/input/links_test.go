//go:build unix

package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func (b *bench) link(to, name string) {
	b.t.Helper()
	if err := os.Symlink(to, name); err != nil {
		b.t.Fatal(err)
	}
}

// folder makes a folder among the logs.
func (b *bench) folder(name string) string {
	b.t.Helper()
	if err := os.MkdirAll(b.path(name), 0o700); err != nil {
		b.t.Fatal(err)
	}
	return b.path(name)
}

// TestLinks: a link to a folder or a file is followed wherever it stands, and a file to which several paths lead is read once, under its own.
func TestLinks(t *testing.T) {
	b := newBench(t)
	day := b.folder("2026-12-01")
	b.write("2026-12-01/a.log", lines(0, 3))
	b.write("2026-12-01/b.log", lines(3, 5))
	b.link(day, b.path("current"))
	b.link("a.log", b.path("2026-12-01/latest.log"))
	b.link("..", b.path("2026-12-01/up")) // leads around in a circle
	if err := os.Link(b.path("2026-12-01/b.log"), b.path("2026-12-01/c.log")); err != nil {
		t.Fatal(err)
	}
	spool := t.TempDir()
	if err := os.WriteFile(filepath.Join(spool, "d.log"), []byte(lines(5, 7)), 0o600); err != nil {
		t.Fatal(err)
	}
	logs := filepath.Join(b.dir, "logs")
	for what, x := range map[string]struct {
		n     int
		names []string
	}{
		"a folder that is a link":              {5, []string{b.path("current")}},
		"and with a slash":                     {5, []string{b.path("current") + "/"}},
		"a folder with links in it":            {5, []string{logs}},
		"a link and what it leads to":          {5, []string{b.path("current"), day, logs}},
		"a pattern that meets link and file":   {3, []string{b.path("2026-12-01/[al]*.log")}},
		"a link alone":                         {3, []string{b.path("2026-12-01/latest.log")}},
		"a pattern for what is named already":  {3, []string{b.path("2026-12-01/a.log"), b.path("2026-12-01/a*")}},
		"a pattern that meets folders":         {5, []string{b.path("2026*")}},
		"a file twice":                         {3, []string{b.path("2026-12-01/a.log"), b.path("current/a.log"), b.path("2026-12-01/../2026-12-01/a.log")}},
		"a pattern for links below a linked":   {5, []string{b.path("cur*/*.log")}},
		"a hidden name is not asked for":       {5, []string{b.path("*")}},
		"a link that is asked for and hidden.": {3, []string{b.path(".h*")}},
	} {
		if what == "a link that is asked for and hidden." {
			b.link("2026-12-01/a.log", b.path(".hidden"))
		}
		b.once(false, x.names...)
		b.has(what, x.n)
		if len(b.problems) > 0 {
			t.Errorf("%s: %v", what, b.problems)
		}
	}
	b.link(spool, b.path("spool"))
	b.once(false, logs)
	b.has("a link out of the folder", 7)
	found, err := files([]string{logs}, nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, x := range found {
		rel, err := filepath.Rel(logs, x.path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, rel)
	}
	slices.Sort(paths)
	if want := []string{"2026-12-01/a.log", "2026-12-01/b.log", "spool/d.log"}; !slices.Equal(paths, want) {
		t.Errorf("%q, not %q", paths, want)
	}
}

// TestDeadLinks: a link that leads nowhere, or around, is told, and the rest is read; where it is the input itself, there is no such input.
func TestDeadLinks(t *testing.T) {
	b := newBench(t)
	b.write("a.log", lines(0, 3))
	b.link("nowhere", b.path("dead"))
	b.link("around", b.path("around"))
	b.once(false, filepath.Join(b.dir, "logs"))
	b.has("a folder", 3)
	if !slices.Equal(b.problems, []string{"unreadable", "unreadable"}) {
		t.Error(b.problems)
	}
	if err := b.start(Options{}, false).Run(t.Context(), []string{b.path("dead")}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	f := b.follow(false, filepath.Join(b.dir, "logs"))
	f.hits("followed", 3)
	f.settled()
	f.end()
	if !slices.Equal(b.problems, []string{"unreadable", "unreadable"}) {
		t.Errorf("followed: %v", b.problems)
	}
}

// TestZeekFolder: the folder of Zeek's logs, where what is written at the moment lies behind a link out of it and each hour is packed into the folder of its day, is read and followed
// without a line missed or counted twice: over a rotation while it runs, and over one while it does not.
func TestZeekFolder(t *testing.T) {
	b := newBench(t)
	spool := t.TempDir()
	live := filepath.Join(spool, "dns.log")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(live, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	rotate := func(hour int) {
		t.Helper()
		text, err := os.ReadFile(live)
		if err != nil {
			t.Fatal(err)
		}
		aside := filepath.Join(spool, fmt.Sprintf("dns-26-12-01_%02d.00.00.log", hour))
		if err := os.Rename(live, aside); err != nil {
			t.Fatal(err)
		}
		b.folder("2026-12-01")
		b.write(fmt.Sprintf("2026-12-01/dns.%02d:00:00-%02d:00:00.log.gz", hour, hour+1), packed(t, string(text)))
		if err := os.Remove(aside); err != nil {
			t.Fatal(err)
		}
	}
	b.link(spool, b.path("current"))
	logs := filepath.Join(b.dir, "logs")
	write(lines(0, 5))
	f := b.follow(true, logs)
	f.hits("at first", 5)
	rotate(9)
	write(lines(5, 9))
	f.hits("rotated", 9)
	f.settled()
	f.end()
	write(lines(9, 12))
	rotate(10)
	write(lines(12, 15))
	f = b.follow(true, logs)
	f.hits("rotated meanwhile", 15)
	f.settled()
	f.end()
	b.has("all", 15)
	if len(b.problems) > 0 {
		t.Error(b.problems)
	}
}

// TestLinkMovesOn: a link to the log of the day is followed to that of the next, and the end of the first, in a folder of its own, is read although nothing ran meanwhile.
func TestLinkMovesOn(t *testing.T) {
	b := newBench(t)
	b.folder("days")
	b.write("days/1.log", lines(0, 3))
	b.link("days/1.log", b.path("latest.log"))
	b.once(true, b.path("latest.log"))
	b.add("days/1.log", lines(3, 5))
	b.write("days/2.log", lines(5, 8))
	if err := os.Remove(b.path("latest.log")); err != nil {
		t.Fatal(err)
	}
	b.link("days/2.log", b.path("latest.log"))
	f := b.follow(true, b.path("latest.log"))
	f.hits("the next day", 8)
	b.write("days/3.log", lines(8, 9))
	if err := os.Symlink("days/3.log", b.path("new")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.path("new"), b.path("latest.log")); err != nil {
		t.Fatal(err)
	}
	f.hits("the third", 9)
	f.settled()
	f.end()
	b.has("all", 9)
	if len(b.problems) > 0 {
		t.Error(b.problems)
	}
}
