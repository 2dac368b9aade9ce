package intel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/stix"
)

func TestImportKeepsBytesAndFindsThem(t *testing.T) {
	w := newWorld(t)
	a, b := indicator(1, 1, "evil.example"), indicator(2, 1, "worse.example", marked(stix.TLP2Green))
	sco := `{"type":"domain-name","id":"domain-name--00000000-0000-4000-8000-00000000000d","value":"EVIL.example."}`
	r := w.load(t, "file.json", a, "  "+b, sco)
	if r.Format != "stix-list" || r.Read != 3 || r.New != 3 || r.Known+r.Conflicts+r.BadCount != 0 || r.Types["indicator"] != 2 {
		t.Fatalf("%+v", r)
	}
	found := search(t, w.in, intel.Query{Value: "evil[.]example"})
	if len(found) != 2 || string(found[1].Raw) != a || string(found[0].Raw) != sco {
		t.Fatalf("%+v", found)
	}
	f := found[1]
	if f.State != intel.Accepted || f.Conflict || len(f.Provenance) != 1 || f.Provenance[0].Source != "file.json" || f.Added.IsZero() {
		t.Fatalf("%+v", f)
	}
	if all, err := w.in.Get(context.Background(), idOf(2)); err != nil || len(all) != 1 || all[0].TLP != stix.TLPGreen || string(all[0].Raw) != b {
		t.Fatalf("%+v, %v", all, err)
	}
	w.checkRebuild(t)
}

func TestImportTwiceAddsProvenanceOnly(t *testing.T) {
	w := newWorld(t)
	a, b := indicator(1, 1, "a.example"), indicator(2, 1, "b.example")
	w.load(t, "first", a, b, a)
	size := len(w.log.recs[0])
	r := w.load(t, "second", b, a)
	if r.New != 0 || r.Known != 2 {
		t.Fatalf("%+v", r)
	}
	if got := len(w.log.recs[1]); got > size {
		t.Errorf("the log keeps the texts again: %d bytes after %d", got, size)
	}
	f := search(t, w.in, intel.Query{ID: idOf(1)})
	if len(f) != 1 || len(f[0].Provenance) != 3 || f[0].Provenance[2].Source != "second" {
		t.Fatalf("%+v", f)
	}
	if c := counts(t, w.in); c.Accepted != 2 || c.Local != 2 || c.Types["indicator"] != 2 {
		t.Fatalf("%+v", c)
	}
	w.checkRebuild(t)
}

func TestImportConflictKeepsBoth(t *testing.T) {
	w := newWorld(t)
	a, other := indicator(1, 1, "a.example"), indicator(1, 1, "b.example")
	newer := indicator(1, 2, "a.example")
	rewritten := strings.Replace(a, `"2026-01-01T00:00:00.000Z","pattern"`, `"2026-01-01T00:00:00.0000Z","pattern"`, 1) // the same instant
	r := w.load(t, "f", a, other, newer, rewritten)
	if r.New != 4 || r.Conflicts != 2 {
		t.Fatalf("%+v", r)
	}
	all, err := w.in.Get(context.Background(), idOf(1))
	if err != nil || len(all) != 4 || !all[0].Conflict || !all[1].Conflict || !all[2].Conflict || all[3].Conflict || string(all[3].Raw) != newer {
		t.Fatalf("%+v, %v", all, err)
	}
	if c := counts(t, w.in); c.Conflicts != 2 || c.Accepted != 4 {
		t.Fatalf("%+v", c)
	}
	w.checkRebuild(t)
}

func TestImportGoodObjectsOfABadBundle(t *testing.T) {
	w := newWorld(t)
	bundle := `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` +
		strings.Join([]string{indicator(1, 1, "a.example"), `{"type":"indicator","id":"nonsense"}`, indicator(2, 1, "b.example"), `17`}, ",") + `]}`
	r, err := w.in.Import(context.Background(), strings.NewReader(bundle), intel.Source{Name: "f"}, intel.Options{})
	if err != nil || r.Read != 2 || r.BadCount != 2 || r.Format != "stix-bundle" {
		t.Fatalf("%+v, %v", r, err)
	}
	if !strings.HasPrefix(r.Bad[0].Path, "objects[1]") || !strings.HasPrefix(r.Bad[1].Path, "objects[3]") || r.Bad[0].Reason == "" {
		t.Fatalf("%+v", r.Bad)
	}
	// A stream that breaks off: what came before is kept.
	r, err = w.in.Import(context.Background(), strings.NewReader(indicator(3, 1, "c.example")+"\n"+indicator(4, 1, "d.example")[:80]), intel.Source{Name: "g"}, intel.Options{})
	if err == nil || r.Read != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := ids(search(t, w.in, intel.Query{})); got != "1 2 3" {
		t.Fatal(got)
	}
}

func TestImportFormats(t *testing.T) {
	object := indicator(1, 1, "a.example")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, object)
	z.Close()
	for name, c := range map[string]struct{ in, format string }{
		"one object": {object, "stix-object"},
		"bundle":     {string(bundleOf(object)), "stix-bundle"},
		"list":       {"[" + object + "," + indicator(2, 1, "b.example") + "]", "stix-list"},
		"lines":      {object + "\n" + indicator(2, 1, "b.example") + "\n", "stix-list"},
		"mark":       {"\xef\xbb\xbf\n " + object, "stix-object"},
		"gzip":       {zipped.String(), "stix-object+gzip"},
	} {
		r, err := newWorld(t).in.Import(context.Background(), strings.NewReader(c.in), intel.Source{Name: "f"}, intel.Options{})
		if err != nil || r.Format != c.format || r.New == 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for name, c := range map[string]struct{ in, seen string }{
		"empty":      {"", "an empty file"},
		"white":      {"\n \n", "an empty file"},
		"zip":        {"PK\x03\x04...", "ZIP"},
		"pdf":        {"%PDF-1.7", "PDF"},
		"html":       {"<!doctype html>", "HTML"},
		"csv":        {"date,ip,comment\n", "CSV"},
		"list":       {"evil.example\nworse.example\n", "plain text"},
		"misp":       {`{"Event":{"info":"x"}}`, "MISP"},
		"eve":        {`{"timestamp":"x","event_type":"alert"}`, "a log"},
		"some json":  {`{"a":1}`, "JSON that is not STIX"},
		"binary":     {"\x00\x01\x02", "binary"},
		"gzip twice": {gz(zipped.String()), "gzip within gzip"},
	} {
		r, err := newWorld(t).in.Import(context.Background(), strings.NewReader(c.in), intel.Source{Name: "f"}, intel.Options{})
		if !errors.Is(err, intel.ErrFormat) || !strings.Contains(err.Error(), c.seen) {
			t.Errorf("%s: %+v, %v; want %q", name, r, err, c.seen)
		}
	}
	if _, err := newWorld(t).in.Import(context.Background(), strings.NewReader(object), intel.Source{}, intel.Options{}); err == nil {
		t.Error("a source without a name is taken")
	}
}

func gz(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, s)
	z.Close()
	return b.String()
}

func TestImportDryRunChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.load(t, "f", indicator(1, 1, "a.example"))
	before, records := w.digest(t), w.log.Len()
	in := strings.Join([]string{indicator(1, 1, "a.example"), indicator(1, 1, "b.example"), indicator(2, 1, "c.example"), indicator(2, 1, "c.example")}, "\n")
	dry, err := w.in.Import(context.Background(), strings.NewReader(in), intel.Source{Name: "g"}, intel.Options{DryRun: true})
	if err != nil || !dry.DryRun || dry.New != 2 || dry.Known != 2 || dry.Conflicts != 1 {
		t.Fatalf("%+v, %v", dry, err)
	}
	if w.digest(t) != before || w.log.Len() != records {
		t.Fatal("a dry run changed something")
	}
	wet := w.load(t, "g", strings.Split(in, "\n")...)
	if dry.DryRun = false; fmt.Sprint(wet) != fmt.Sprint(dry) {
		t.Fatalf("the dry run said %+v, the real one %+v", dry, wet)
	}
}

// An import of many batches, stopped between log and objects at each of them:
// the next start completes it, and importing again adds nothing new.
func TestImportStoppedBetweenLogAndObjects(t *testing.T) {
	var objects []string
	for n := range 12_000 {
		objects = append(objects, indicator(n, 1, fmt.Sprintf("n%d.example", n)))
	}
	text := strings.Join(objects, "\n")
	whole := newWorld(t)
	whole.load(t, "f", objects...)
	for stop := range 3 {
		w := newWorld(t)
		kept := w.objects
		w.objects = &stopping{kept, stop}
		w.open(t)
		_, err := w.in.Import(context.Background(), strings.NewReader(text), intel.Source{Name: "f"}, intel.Options{})
		if !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		if got := int(w.log.Len()); got != stop+1 {
			t.Fatalf("%d records in the log", got)
		}
		w.objects = kept
		w.open(t)
		want := min(12_000, (stop+1)*5000)
		if c := counts(t, w.in); c.Accepted != int64(want) {
			t.Fatalf("stopped at write %d: %d objects, want %d", stop, c.Accepted, want)
		}
		w.checkRebuild(t)
		if r := w.load(t, "again", objects...); r.New != int64(12_000-want) || r.Known != int64(want) {
			t.Fatalf("%+v", r)
		}
		if got := len(selected(t, w.in, intel.Query{})); got != 12_000 {
			t.Fatal(got)
		}
		w.checkRebuild(t)
	}
}

// An object store that does not belong to the log is derived again.
func TestOpenNoticesAnotherLog(t *testing.T) {
	a, b := newWorld(t), newWorld(t)
	a.load(t, "f", indicator(1, 1, "a.example"))
	b.load(t, "f", indicator(2, 1, "b.example"))
	b.load(t, "g", indicator(3, 1, "c.example"))
	a.objects = b.objects
	a.open(t)
	if got := ids(search(t, a.in, intel.Query{})); got != "1" {
		t.Fatal(got)
	}
	a.checkRebuild(t)
}
