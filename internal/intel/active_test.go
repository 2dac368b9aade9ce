package intel_test

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/observable"
	"entente/stix"
)

// active lists what sensors are given, as "value id tlp".
func active(t fataler, in *intel.Intel) []string {
	t.Helper()
	if err := in.UpdateActive(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out []string
	counts := map[observable.Type]int64{}
	for a, err := range in.Active(context.Background(), 0, intel.ActiveBuckets) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %v", a.Value, a.ID, a.TLP))
		counts[a.Value.Type]++
	}
	sort.Strings(out)
	got, err := in.ActiveCounts()
	if err != nil || fmt.Sprint(got) != fmt.Sprint(counts) {
		t.Fatalf("counted %v, there are %v, %v", got, counts, err)
	}
	return out
}

// checkActive compares what sensors are given with what follows from a search, and
// with what a rebuild gives.
func checkActive(t fataler, w *world) {
	t.Helper()
	newest := map[string]intel.Found{}
	for _, f := range selected(t, w.in, intel.Query{Type: "indicator"}) {
		if old, ok := newest[f.ID]; !ok || f.Version > old.Version {
			newest[f.ID] = f
		}
	}
	var want []string
	for _, f := range newest {
		o, err := stix.Parse(f.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if o.Revoked {
			continue
		}
		for _, v := range observable.Alone(o.Pattern) {
			if _, guarded := guard.Default().Match(v); !guarded {
				want = append(want, fmt.Sprintf("%s %s %v", v, f.ID, f.Effective))
			}
		}
	}
	sort.Strings(want)
	// Where one version has several texts, either may be the one.
	got := active(t, w.in)
	if len(got) != len(want) {
		t.Fatalf("sensors are given\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c := w.config()
	c.Objects = &intel.Memory{}
	in, err := intel.Open(c)
	if err == nil {
		err = in.CatchUp(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	if again := active(t, in); strings.Join(again, "\n") != strings.Join(got, "\n") {
		t.Fatalf("sensors are given\n%s\nand after a rebuild\n%s", strings.Join(got, "\n"), strings.Join(again, "\n"))
	}
}

// TestBenignIsNotActedOn: an indicator that says of itself that what it names is harmless is no reason to block it.
func TestBenignIsNotActedOn(t *testing.T) {
	w := newWorld(t)
	w.load(t, "a", indicator(1, 1, "one.example.org", `,"indicator_types":["benign"]`), indicator(2, 1, "two.example.org", `,"indicator_types":["anomalous-activity"]`),
		indicator(3, 1, "three.example.org", `,"indicator_types":["benign","malicious-activity"]`), indicator(4, 1, "benign.example.org"),
		strings.Replace(strings.Replace(indicator(5, 1, "five.example.org", `,"labels":["benign"]`), `"spec_version":"2.1",`, "", 1), `"pattern_type":"stix",`, "", 1),
		indicator(6, 1, "six.example.org"))
	want := []string{"benign.example.org " + idOf(4), "six.example.org " + idOf(6), "three.example.org " + idOf(3), "two.example.org " + idOf(2)}
	var got []string
	for _, line := range active(t, w.in) {
		f := strings.Fields(line)
		got = append(got, strings.TrimPrefix(f[0], "domain:")+" "+f[1])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("sensors are given\n%s", strings.Join(got, "\n"))
	}
	// A newer version can say so, too.
	w.load(t, "b", indicator(6, 2, "six.example.org", `,"indicator_types":["benign"]`))
	if all := strings.Join(active(t, w.in), "\n"); strings.Contains(all, "six") {
		t.Errorf("sensors are given\n%s", all)
	}
}

// TestActive: versions, revocations, quarantine, guards, markings, and patterns of
// which no value is enough.
func TestActive(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.load(t, "a", indicator(1, 1, "one.example.org"), indicator(2, 1, "8.8.8.8"), indicator(3, 1, "three.example.org"),
		strings.Replace(indicator(4, 1, "four.example.org"), "[domain", "[file:name = 'x'] AND [domain", 1), indicator(5, 1, "five.example.org"))
	want := func(lines ...string) {
		t.Helper()
		if got := active(t, w.in); strings.Join(got, "\n") != strings.Join(lines, "\n") {
			t.Fatalf("sensors are given\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
	}
	line := func(v string, n int, tlp stix.TLP) string { return fmt.Sprintf("domain:%s %s %v", v, idOf(n), tlp) }
	want(line("five.example.org", 5, 0), line("one.example.org", 1, 0), line("three.example.org", 3, 0))
	last, before, err := w.in.ActiveChanges()
	if err != nil || last == 0 {
		t.Fatal(last, err)
	}
	// A newer version with another value, and a revocation.
	w.load(t, "b", indicator(1, 2, "uno.example.org"), indicator(3, 2, "three.example.org", `,"revoked":true`))
	want(line("five.example.org", 5, 0), line("uno.example.org", 1, 0))
	_, after, err := w.in.ActiveChanges()
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for b := range after {
		if after[b] != before[b] {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d buckets changed, want the one that few values share", changed)
	}
	// An older version changes nothing; nor does the same again.
	w.load(t, "c", indicator(1, 1, "one.example.org"), indicator(5, 1, "five.example.org"))
	want(line("five.example.org", 5, 0), line("uno.example.org", 1, 0))
	if again, _, _ := w.in.ActiveChanges(); again != last+1 {
		t.Errorf("the number of changes is %d, want %d", again, last+1)
	}
	// What is held is given to nobody until it is accepted.
	r, plain := sent(1, 0, indicator(6, 1, "six.example.org", marked(stix.TLP2Amber)))
	r.Verdict.Verdict = accord.Hold
	w.receive(t, r, plain)
	want(line("five.example.org", 5, 0), line("uno.example.org", 1, 0))
	ref := r.Ref
	if _, err := w.in.Accept(ctx, intel.Choice{Ref: &ref}, "o", "n"); err != nil {
		t.Fatal(err)
	}
	want(line("five.example.org", 5, 0), line("six.example.org", 6, stix.TLPAmber), line("uno.example.org", 1, 0))
	// A further arrival that states a stricter marking makes it stricter.
	r2, plain2 := sent(2, 0, indicator(5, 1, "five.example.org"))
	r2.Claims.Unmarked = stix.TLPRed
	w.receive(t, r2, plain2)
	want(line("five.example.org", 5, stix.TLPRed), line("six.example.org", 6, stix.TLPAmber), line("uno.example.org", 1, 0))
	// What is destroyed is gone.
	delete(w.payloads, ref)
	if err := w.in.DestroyRef(ctx, ref, "o", "r"); err != nil {
		t.Fatal(err)
	}
	want(line("five.example.org", 5, stix.TLPRed), line("uno.example.org", 1, 0))
	// Another guard is applied to what is there already.
	c := w.config()
	if c.Guard, err = guard.Default().With("own asset", "example.org"); err != nil {
		t.Fatal(err)
	}
	if w.in, err = intel.Open(c); err != nil {
		t.Fatal(err)
	}
	want()
	w.open(t)
	want(line("five.example.org", 5, stix.TLPRed), line("uno.example.org", 1, 0))
}

// countActive counts the values that sensors are given, as far as that was worked off.
func countActive(t fataler, in *intel.Intel) (n int) {
	t.Helper()
	for _, err := range in.Active(context.Background(), 0, intel.ActiveBuckets) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestActiveForAWhile: where much waits, sensors are given what is worked off so far, then the rest.
func TestActiveForAWhile(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	const n = 4500 // more than two batches
	objects := make([]string, n)
	for i := range objects {
		objects[i] = indicator(i+1, 1, fmt.Sprintf("n%d.example.org", i))
	}
	w.load(t, "a", objects...)
	given := func() int { return countActive(t, w.in) }
	before, rounds := 0, 0
	for more := true; more; rounds++ {
		var err error
		if more, err = w.in.UpdateActiveFor(ctx, 0); err != nil {
			t.Fatal(err)
		}
		now := given()
		if more && now <= before || now > n {
			t.Fatalf("sensors are given %d after %d", now, before)
		}
		before = now
	}
	if before != n || rounds < 3 {
		t.Errorf("sensors are given %d of %d after %d rounds", before, n, rounds)
	}
	if more, err := w.in.UpdateActiveFor(ctx, time.Minute); more || err != nil {
		t.Error(more, err)
	}
}

// TestKeptBackAtOnce: what a guard keeps back that was changed a moment ago is told of before sensors are given anything else.
func TestKeptBackAtOnce(t *testing.T) {
	w := newWorld(t)
	w.load(t, "a", indicator(1, 1, "one.example.org"), indicator(2, 1, "two.example.net"))
	if len(active(t, w.in)) != 2 {
		t.Fatal("sensors are not given both")
	}
	g, err := guard.Default().With("own asset", "example.org")
	if err != nil {
		t.Fatal(err)
	}
	w.in.SetGuard(g)
	for a, err := range w.in.Active(context.Background(), 0, intel.ActiveBuckets) {
		if err != nil {
			t.Fatal(err)
		}
		if got, want := w.in.KeepsBack(0, &a), strings.HasSuffix(a.Value.Text, "example.org"); got != want {
			t.Errorf("%s is kept back: %v", a.Value.Text, got)
		}
	}
}

// TestLeftOutIsToldAgain: what a reader was not told of, for a guard that was changed back before anything was looked at, is told when all is worked off.
func TestLeftOutIsToldAgain(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.load(t, "a", indicator(1, 1, "one.example.org"), indicator(2, 1, "two.example.net"))
	rows := active(t, w.in)
	last, before, err := w.in.ActiveChanges()
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	g, err := guard.Default().With("own asset", "example.org")
	if err != nil {
		t.Fatal(err)
	}
	was := w.in.Guard()
	w.in.SetGuard(g)
	bucket := -1
	for b := range intel.ActiveBuckets {
		for a, err := range w.in.Active(ctx, b, b+1) {
			if err != nil {
				t.Fatal(err)
			}
			if w.in.KeepsBack(b, &a) {
				bucket = b
			}
		}
	}
	w.in.SetGuard(was)
	if err := w.in.UpdateActive(ctx); err != nil {
		t.Fatal(err)
	}
	now, changes, err := w.in.ActiveChanges()
	if err != nil {
		t.Fatal(err)
	}
	for b := range changes {
		if told := changes[b] > last; told != (b == bucket) {
			t.Errorf("bucket %d changed at %d of %d, and %d before; %d lacks a value", b, changes[b], now, before[b], bucket)
		}
	}
	if moves, ok := w.in.ActiveMoves(last); ok {
		t.Errorf("a reader that has all until %d is told %v alone", last, moves)
	}
	if len(active(t, w.in)) != 2 {
		t.Error("sensors are not given both")
	}
	if again, _, err := w.in.ActiveChanges(); again != now || err != nil {
		t.Errorf("told at %d and again at %d: %v", now, again, err)
	}
}

// TestActiveSaysWhatIsKnown: what a row says of an indicator beside its value.
func TestActiveSaysWhatIsKnown(t *testing.T) {
	w := newWorld(t)
	w.load(t, "the feed", indicator(1, 1, "one.example.org", `,"name":"A name","confidence":70,"valid_until":"2026-02-01T00:00:00Z","labels":["x","PAP:AMBER"]`),
		indicator(2, 1, "two.example.org", `,"labels":["misp:pap=\"RED\""]`), indicator(3, 1, "three.example.org"))
	if err := w.in.UpdateActive(context.Background()); err != nil {
		t.Fatal(err)
	}
	for a, err := range w.in.Active(context.Background(), 0, intel.ActiveBuckets) {
		if err != nil {
			t.Fatal(err)
		}
		switch a.Value.Text {
		case "one.example.org":
			if a.Name != "A name" || a.Confidence != 70 || a.PAP != stix.PAPAmber || a.Source != "the feed" || !a.Until.Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) || a.From.IsZero() {
				t.Errorf("%+v", a)
			}
		case "three.example.org":
			if a.Confidence != stix.NoConfidence || a.PAP != stix.PAPNone || !a.Until.IsZero() {
				t.Errorf("%+v", a)
			}
		}
	}
}
