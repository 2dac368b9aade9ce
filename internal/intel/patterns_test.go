package intel_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/internal/intel"
)

// patterns lists what watchers are given to look for as a whole.
func patterns(t *testing.T, in *intel.Intel) (out []string) {
	t.Helper()
	if err := in.UpdateActive(t.Context()); err != nil {
		t.Fatal(err)
	}
	for p, err := range in.Patterns(t.Context(), 0, intel.ActiveBuckets) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p.ID[len(p.ID)-1:]+" "+p.Pattern+" "+p.TLP.String()+" "+p.Source)
	}
	slices.Sort(out)
	return out
}

// derivedAgain knows what w knows, and has derived all of it anew.
func derivedAgain(t *testing.T, w *world) *intel.Intel {
	t.Helper()
	c := w.config()
	c.Objects = &intel.Memory{}
	fresh, err := intel.Open(c)
	if err == nil {
		err = fresh.CatchUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

// TestPatternsFollow: patterns that ask for more than one value go to watchers, in their newest version, and nowhere else;
// the guard keeps back those of which it keeps every value back; what was taken back, or stated a false positive, goes.
func TestPatternsFollow(t *testing.T) {
	w := newWorld(t)
	put := func(n, modified, pattern, more string) {
		t.Helper()
		w.load(t, "test", `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-00000000000`+n+`","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-0`+modified+`T00:00:00.000Z","pattern":"`+pattern+`","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"`+more+`}`)
	}
	want := func(list ...string) {
		t.Helper()
		if got := patterns(t, w.in); !slices.Equal(got, list) {
			t.Errorf("%q\nwant\n%q", got, list)
		}
		if got := patterns(t, derivedAgain(t, w)); !slices.Equal(got, list) {
			t.Errorf("all was derived again: %q\nwant\n%q", got, list)
		}
	}
	a, b := "[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']", "[ipv4-addr:value = '8.8.8.8'] AND [domain-name:value = 'b.example']"
	put("1", "1", a, "")
	put("2", "1", b, "")
	put("3", "1", "[ipv4-addr:value = '8.8.8.8'] AND [ipv4-addr:value = '9.9.9.9']", "")
	put("4", "1", "[domain-name:value = 'alone.example']", "")
	put("5", "1", "[network-traffic:dst_port = 4444]", "")
	want("1 "+a+"  test", "2 "+b+"  test", "5 [network-traffic:dst_port = 4444]  test")
	put("1", "2", b, "")
	put("5", "2", "[network-traffic:dst_port = 4444]", `,"revoked":true`)
	want("1 "+b+"  test", "2 "+b+"  test")
	if got := active(t, w.in); len(got) != 1 || !strings.Contains(got[0], "alone.example") {
		t.Errorf("feeds have %q", got)
	}
	w.load(t, "test", `{"type":"opinion","spec_version":"2.1","id":"opinion--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","opinion":"strongly-disagree","object_refs":["indicator--00000000-0000-4000-8000-000000000002"]}`)
	want("1 " + b + "  test")
	sources, err := w.in.Sources(t.Context())
	if err != nil || len(sources) != 1 || sources[0].Given != 2 || sources[0].False != 1 {
		t.Errorf("%+v %v", sources, err)
	}
}

// TestPlacesFollow: rows say where a watcher looks for a value, and where the value says less than the pattern watchers are given that in its place; lists have the value in either case.
func TestPlacesFollow(t *testing.T) {
	w := newWorld(t)
	put := func(n, modified, pattern, more string) {
		t.Helper()
		w.load(t, "test", `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-00000000000`+n+`","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-0`+modified+`T00:00:00.000Z","pattern":"`+pattern+`","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"`+more+`}`)
	}
	told := func(in *intel.Intel) (out []string) {
		t.Helper()
		out = patterns(t, in)
		for a, err := range in.Active(t.Context(), 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			line := a.ID[len(a.ID)-1:] + " " + a.Value.Text
			for p := range a.Places.All() {
				line += " " + p.String()
			}
			out = append(out, line)
		}
		slices.Sort(out)
		return out
	}
	want := func(list ...string) {
		t.Helper()
		slices.Sort(list)
		if got := told(w.in); !slices.Equal(got, list) {
			t.Errorf("%q\nwant\n%q", got, list)
		}
		if got := told(derivedAgain(t, w)); !slices.Equal(got, list) {
			t.Errorf("all was derived again: %q\nwant\n%q", got, list)
		}
	}
	udp := "[network-traffic:dst_ref.value = '198.51.100.8' AND network-traffic:protocols[*] = 'udp']"
	quiet := "[ipv4-addr:value = '8.8.8.8' AND network-traffic:protocols[*] = 'udp']"
	put("1", "1", "[network-traffic:dst_ref.value = '198.51.100.7']", "")
	put("2", "1", udp, "")
	put("3", "1", "[network-traffic:src_ref.value = '8.8.8.8' OR network-traffic:src_ref.value = '198.51.100.9' OR network-traffic:dst_ref.value = '198.51.100.9']", "")
	put("4", "1", quiet, "")
	put("5", "1", "[process:name = 'Evil.exe']", "")
	open := "[network-traffic:dst_ref.value = '198.51.100.10' OR network-traffic:dst_port = 4444 OR network-traffic:src_ref.value = '198.51.100.11' AND network-traffic:protocols[*] = 'udp']"
	put("6", "1", open, "")
	want("1 198.51.100.7 destination", "2 "+udp+"  test", "2 198.51.100.8", "3 198.51.100.9 source destination", "5 Evil.exe process",
		"6 "+open+"  test", "6 198.51.100.10 destination", "6 198.51.100.11") // not every watcher looks for what makes every line be read
	put("6", "2", open, `,"revoked":true`)
	var kept []string
	for g, err := range w.in.Guarded(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, fmt.Sprint(g.ID[len(g.ID)-1:], " ", g.Value.Text, " ", g.Pattern))
	}
	slices.Sort(kept)
	if !slices.Equal(kept, []string{"3 8.8.8.8 false", "4 8.8.8.8 true"}) {
		t.Errorf("%q is kept back", kept)
	}
	put("1", "2", "[ipv4-addr:value = '198.51.100.7']", "") // the same value, and elsewhere
	put("2", "2", "[network-traffic:dst_ref.value = '198.51.100.8']", "")
	put("3", "2", "[ipv4-addr:value = '198.51.100.9' OR network-traffic:dst_ref.value = '198.51.100.9']", "")
	want("1 198.51.100.7 anywhere", "2 198.51.100.8 destination", "3 198.51.100.9 anywhere", "5 Evil.exe process")
	put("2", "3", udp, "")
	says := func(modified, what string) {
		w.load(t, "test", `{"type":"opinion","spec_version":"2.1","id":"opinion--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-0`+modified+`T00:00:00.000Z","opinion":"`+what+`","object_refs":["indicator--00000000-0000-4000-8000-000000000002"]}`)
	}
	counts := func(given, wrong int64) {
		t.Helper()
		if sources, err := w.in.Sources(t.Context()); err != nil || len(sources) != 1 || sources[0].Given != given || sources[0].False != wrong {
			t.Errorf("%+v %v", sources, err)
		}
	}
	want("1 198.51.100.7 anywhere", "2 "+udp+"  test", "2 198.51.100.8", "3 198.51.100.9 anywhere", "5 Evil.exe process")
	counts(5, 0)
	says("1", "strongly-disagree")
	want("1 198.51.100.7 anywhere", "3 198.51.100.9 anywhere", "5 Evil.exe process")
	counts(3, 2)
	says("2", "agree")
	want("1 198.51.100.7 anywhere", "2 "+udp+"  test", "2 198.51.100.8", "3 198.51.100.9 anywhere", "5 Evil.exe process")
	counts(5, 0)
	put("2", "4", udp, `,"revoked":true`)
	want("1 198.51.100.7 anywhere", "3 198.51.100.9 anywhere", "5 Evil.exe process")
	counts(3, 0)
}
