package node

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/stix"
)

// heldWatch is a watcher: what it holds of each bucket.
type heldWatch struct {
	run     string
	change  uint64
	narrow  bool // it takes lines about one indicator
	buckets map[int][]WatchValue
}

// ask takes in one answer.
func (w *heldWatch) ask(t *testing.T, n *Node, wait int) *WatchSetResponse {
	t.Helper()
	var lines bytes.Buffer
	r := must[*WatchSetResponse](t)(n.WatchSet(t.Context(), WatchSetRequest{Run: w.run, Since: w.change, ByIndicator: w.narrow, Wait: wait}, &lines))
	if r.Whole {
		w.buckets = map[int][]WatchValue{}
	}
	var values int64
	dec := jsontext.NewDecoder(&lines)
	var head WatchSetHead
	if err := json.UnmarshalDecode(dec, &head); err != nil || head.Whole != r.Whole {
		t.Fatalf("%v %+v", err, head)
	}
	for range r.Buckets {
		var b WatchBucket
		if err := json.UnmarshalDecode(dec, &b); err != nil {
			t.Fatal(err)
		}
		values += int64(len(b.Values))
		if b.Indicator == "" {
			w.buckets[b.Bucket] = b.Values
			continue
		}
		if r.Whole || !w.narrow {
			t.Errorf("told by indicators, and not asked for or the whole set: %+v", b)
		}
		held := slices.DeleteFunc(w.buckets[b.Bucket], func(v WatchValue) bool { return v.Indicator == b.Indicator })
		for _, v := range b.Values {
			if v.Indicator != b.Indicator {
				t.Errorf("%s is told of %s", v.Indicator, b.Indicator)
			}
		}
		held = append(held, b.Values...)
		slices.SortFunc(held, func(a, b WatchValue) int { // as the node has them
			return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Value, b.Value), strings.Compare(a.Indicator, b.Indicator))
		})
		w.buckets[b.Bucket] = held
	}
	if values != r.Values {
		t.Errorf("%d values are said and %d came", r.Values, values)
	}
	w.run, w.change = r.Run, r.Change
	return r
}

func (w *heldWatch) values() (out []string) {
	for _, vs := range w.buckets {
		for _, v := range vs {
			out = append(out, v.Value)
		}
	}
	slices.Sort(out)
	return out
}

// TestWatchSet: a watcher that takes in what changed holds what one holds that asks for the whole, whatever came, changed
// or was taken back; what only named persons may see, and what is not to be looked for, it is not told.
func TestWatchSet(t *testing.T) {
	for _, narrow := range []bool{false, true} {
		t.Run(fmt.Sprintf("by indicator %t", narrow), func(t *testing.T) { watchSet(t, narrow) })
	}
}

func watchSet(t *testing.T, narrow bool) {
	a := newParty(t, "North")
	load := func(n int, value, modified, more string) {
		t.Helper()
		text := feedIndicator(n, "[domain-name:value = '"+value+"']", more)
		i := strings.Index(text, `"modified":"`) + len(`"modified":"`)
		text = text[:i] + modified + text[i+strings.Index(text[i:], `"`):]
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(text), nil))
	}
	clear := markedTLP(stix.TLP2Clear)
	load(1, "a.example.org", "2026-01-02T00:00:00.000Z", clear)
	load(2, "b.example.org", "2026-01-02T00:00:00.000Z", clear)
	load(3, "red.example.org", "2026-01-02T00:00:00.000Z", markedTLP(stix.TLP2Red))
	held := &heldWatch{narrow: narrow}
	look := func(whole bool, buckets int, want ...string) {
		t.Helper()
		r := held.ask(t, a.Node, 0)
		if r.Whole != whole || r.Buckets != buckets || !slices.Equal(held.values(), want) {
			t.Errorf("%+v, and %q is held, want %v %d %q", r, held.values(), whole, buckets, want)
		}
		fresh := &heldWatch{}
		fresh.ask(t, a.Node, 0)
		maps.DeleteFunc(held.buckets, func(_ int, v []WatchValue) bool { return len(v) == 0 })
		if !maps.EqualFunc(fresh.buckets, held.buckets, func(a, b []WatchValue) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("%v is held, and the whole is %v", held.buckets, fresh.buckets)
		}
	}
	look(true, 1, "a.example.org", "b.example.org")
	look(false, 0, "a.example.org", "b.example.org")
	load(4, "c.example.org", "2026-01-02T00:00:00.000Z", clear+`,"valid_until":"2027-01-02T00:00:00Z","confidence":70`)
	look(false, 1, "a.example.org", "b.example.org", "c.example.org")
	load(1, "a.example.org", "2026-01-03T00:00:00.000Z", clear+`,"revoked":true`)
	look(false, 1, "b.example.org", "c.example.org")
	must[*RebuildResponse](t)(a.Rebuild(t.Context(), nil))
	look(true, 1, "b.example.org", "c.example.org")
	for _, vs := range held.buckets {
		if v := vs[0]; v.Value == "c.example.org" && (v.Type != "domain" || v.Confidence != 70 || v.TLP != "clear" || v.Until.IsZero() || !strings.HasPrefix(v.Indicator, "indicator--")) {
			t.Errorf("%+v", v)
		}
	}

	// Who waits hears of a change, and of nothing when the time is over.
	done := make(chan *WatchSetResponse)
	go func() { done <- held.ask(t, a.Node, maxWatchWait) }()
	load(5, "d.example.org", "2026-01-02T00:00:00.000Z", clear)
	if r := <-done; r.Buckets != 1 || !slices.Contains(held.values(), "d.example.org") {
		t.Errorf("%+v %q", r, held.values())
	}
	if r := held.ask(t, a.Node, 1); r.Buckets != 0 || r.Whole {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.WatchSet(ctx, WatchSetRequest{Run: held.run, Since: held.change, Wait: maxWatchWait}, &bytes.Buffer{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who went away is still waited for: %v", err)
	}
	if _, err := a.WatchSet(t.Context(), WatchSetRequest{Wait: maxWatchWait + 1}, &bytes.Buffer{}); err == nil {
		t.Error("a question may wait without end")
	}
}
