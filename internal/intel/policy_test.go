package intel_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/observable"

	"pgregory.net/rapid"
)

// given are the rows of what sensors are given and what is kept from them, without the numbers of changes.
func given(t fataler, o intel.Objects) string {
	t.Helper()
	var out strings.Builder
	for row, err := range o.Scan([]byte("f"), []byte("g"), false) {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte([]byte("acgknd"), row.Key[1]) >= 0 {
			fmt.Fprintf(&out, "%q %q\n", row.Key, row.Value)
		}
	}
	return out.String()
}

// TestAnotherGuardIsTheGuard: what is looked at when the guard changed is enough: were everything looked at, nothing would differ. So it is in whatever
// state the change finds it, and whatever else keeps values back.
func TestAnotherGuardIsTheGuard(t *testing.T) {
	ctx := context.Background()
	names := []string{"a.example", "www.a.example", "b.example", "c.b.example", "d.example"}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		name := rapid.SampledFrom(names)
		pick := func(n int) string {
			return fmt.Sprintf("domain-name:value = '%s'", name.Draw(rt, fmt.Sprint("value", n)))
		}
		load := func(n int) {
			one := indicator(n, 1, "x")
			pattern := "[" + pick(n) + "]"
			switch rapid.IntRange(0, 6).Draw(rt, "form") {
			case 0:
				pattern = "[" + pick(n) + " OR " + pick(n) + "]"
			case 1:
				pattern = "[" + pick(n) + " AND " + pick(n) + "]"
			case 3: // a list has the value, a watcher the pattern
				pattern = "[" + pick(n) + " AND network-traffic:protocols[*] = 'udp']"
			case 4:
				pattern = "[" + pick(n) + " AND network-traffic:protocols[*] = 'udp'] OR [" + pick(n) + " AND " + pick(n) + "]"
			case 5:
				pattern = "[network-traffic:dst_ref.value = '" + name.Draw(rt, "there") + "' OR network-traffic:dst_port = 4444]"
			case 2: // more values than are told
				var all []string
				first, last := name.Draw(rt, "first"), name.Draw(rt, "last")
				for i := range 20 {
					all = append(all, fmt.Sprintf("domain-name:value = 'x%d.%s'", i, first))
				}
				all = append(all, fmt.Sprintf("domain-name:value = '%s'", last))
				pattern = "[" + strings.Join(all, " OR ") + "]"
			}
			w.load(rt, "a", strings.Replace(one, "[domain-name:value = 'x']", pattern, 1))
		}
		n := rapid.IntRange(1, 12).Draw(rt, "indicators")
		for i := range n {
			load(i + 1)
		}
		everywhere := map[observable.Value]string{}
		for round := range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			switch rapid.IntRange(0, 3).Draw(rt, "beside") {
			case 0:
				w.load(rt, "us", opinion(100+round, 1, "strongly-disagree", idOf(rapid.IntRange(1, n).Draw(rt, "false"))))
			case 1:
				v := observable.Value{Type: observable.Domain, Text: name.Draw(rt, "everywhere")}
				everywhere[v] = "it is everywhere"
				if err := w.in.SetEverywhere(ctx, everywhere, nil, []observable.Value{v}); err != nil {
					rt.Fatal(err)
				}
			case 2:
				load(n + round + 1)
			}
			if rapid.Bool().Draw(rt, "begun") {
				if _, err := w.in.UpdateActiveFor(ctx, 0); err != nil {
					rt.Fatal(err)
				}
			}
			g, err := guard.Default().With("list", rapid.SliceOfDistinct(name, func(s string) string { return s }).Draw(rt, "guard")...)
			if err != nil {
				rt.Fatal(err)
			}
			w.in.SetGuard(g)
			if err := w.in.UpdateActive(ctx); err != nil {
				rt.Fatal(err)
			}
			got := given(rt, w.objects)
			// A copy, of which all is looked at again.
			c := w.config()
			c.Objects = &intel.Memory{}
			for row, err := range w.objects.Scan(nil, nil, false) {
				if err == nil {
					err = c.Objects.Write([]intel.Change{{Key: row.Key, Value: row.Value}})
				}
				if err != nil {
					rt.Fatal(err)
				}
			}
			c.Guard, c.Aging = g, intel.Aging{{Sources: []string{"nobody"}, For: time.Hour}}
			in, err := intel.Open(c)
			if err != nil {
				rt.Fatal(err)
			}
			if err := in.SetEverywhere(ctx, everywhere, nil, nil); err != nil {
				rt.Fatal(err)
			}
			if err := in.UpdateActive(ctx); err != nil {
				rt.Fatal(err)
			}
			if want := given(rt, c.Objects); got != want {
				rt.Fatalf("after the guard changed:\n%s\nwith everything looked at:\n%s", got, want)
			}
		}
	})
}

// TestFewAreLookedAt: what another guard says nothing of is not looked at again, and what it keeps back comes before what waits.
func TestFewAreLookedAt(t *testing.T) {
	ctx := context.Background()
	const many = 2000
	w := newWorld(t)
	var all []string
	for i := range many {
		all = append(all, indicator(i+1, 1, fmt.Sprintf("n%d.example.org", i)))
	}
	w.load(t, "a", all...)
	if got := len(active(t, w.in)); got != many {
		t.Fatalf("sensors are given %d", got)
	}
	waits := func() (n int) {
		for _, err := range w.objects.Scan([]byte("fd"), []byte("fe"), false) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	keep := func(names ...string) {
		g, err := guard.Default().With("list", names...)
		if err != nil {
			t.Fatal(err)
		}
		w.in.SetGuard(g)
	}
	keep("n7.example.org")
	for i, want := range []bool{true, false} { // a batch, and that nothing is left
		if more, err := w.in.UpdateActiveFor(ctx, 0); more != want || err != nil {
			t.Fatalf("after %d batches more is %v, %v", i+1, more, err)
		}
	}
	if got := len(active(t, w.in)); got != many-1 {
		t.Errorf("sensors are given %d", got)
	}

	all = all[:0]
	for i := range many {
		all = append(all, indicator(many+i+1, 1, fmt.Sprintf("m%d.example.org", i)))
	}
	w.load(t, "b", all...)
	keep("n8.example.org")
	if more, err := w.in.UpdateActiveSoon(ctx, 0, time.Hour); !more || err != nil {
		t.Fatalf("more is %v, %v", more, err)
	}
	if n := waits(); n < many-500 {
		t.Fatalf("only %d wait", n)
	}
	for a, err := range w.in.Active(ctx, 0, intel.ActiveBuckets) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Value.Text == "n8.example.org" {
			t.Error("what the guard keeps back waits for what was loaded")
		}
	}
	if more, err := w.in.UpdateActiveSoon(ctx, time.Hour, time.Hour); more || err != nil {
		t.Errorf("more is %v, %v", more, err)
	}
	if n := waits(); n != 0 {
		t.Errorf("%d wait", n)
	}
}
