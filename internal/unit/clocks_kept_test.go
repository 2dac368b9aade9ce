package unit

import (
	"reflect"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// TestKeptClocks: beyond so many requests clocks are not kept, and are the same.
func TestKeptClocks(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for more, kept := range []bool{true, false} {
		f := NewFold("")
		f.kept = maxKept - 1 + more
		opened := &record{lane: &lane{origin: "entente/x", party: "p"}, at: now}
		fresh, err := opener(func() (*desk.Request, error) {
			return desk.NewRequest(desk.Act[desk.Body]{Ref: opened.ref(), Name: desk.Send, Party: "p", At: now, Body: desk.Body{Type: "information", Urgency: "routine"}}, journal.PartyID("q"), "")
		})
		if err != nil {
			t.Fatal(err)
		}
		th := &thread{opened: opened, fresh: fresh, state: fresh()}
		f.threads[requests] = map[journal.Ref]*thread{opened.ref(): th}
		first, again := f.Clocked(now), f.Clocked(now)
		if len(first) != 1 || !reflect.DeepEqual(first, again) || !reflect.DeepEqual(*first[0], f.Requests(now)[0]) {
			t.Fatalf("maxKept, %d more: %+v, then %+v", more, first, again)
		}
		if (th.clocked != nil) != kept || (first[0] == again[0]) != kept {
			t.Errorf("maxKept, %d more: kept %v", more, !kept)
		}
	}
}
