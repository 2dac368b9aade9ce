package seen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMessagesCountOnce: whoever reports messages, in whatever batches, twice or after others, each is counted once, and what is known
// of them does not grow with those that were acknowledged.
func TestMessagesCountOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Book
		total := rapid.IntRange(1, 60).Draw(t, "messages")
		counted := map[uint64]bool{}
		floor := uint64(0)
		for range rapid.IntRange(1, 40).Draw(t, "reports") {
			from := rapid.IntRange(1, total).Draw(t, "from")
			x := Batch{Lane: "0", Floor: floor}
			for n := from; n <= min(total, from+rapid.IntRange(0, 9).Draw(t, "more")); n++ {
				x.Messages = append(x.Messages, uint64(n))
			}
			if err := x.Check(); err != nil {
				t.Fatal(err)
			}
			known := b.Known("queue-run", x)
			for _, n := range x.Messages {
				if slices.Contains(known, n) != counted[n] {
					t.Fatalf("message %d: known %v, counted %v", n, known, counted[n])
				}
			}
			x.Messages = slices.DeleteFunc(x.Messages, func(n uint64) bool { return counted[n] })
			if len(x.Messages) > 0 {
				r := report(1, "10.0.0.1", 1)
				r.Count.Count = int64(len(x.Messages))
				if err := errors.Join(b.Mark("queue-run", x), b.Add("queue-run", r)); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range x.Messages {
				counted[n] = true
			}
			for counted[floor+1] && rapid.Bool().Draw(t, "acknowledged") {
				floor++
			}
			if m := b.lanes.of[lane{"queue-run", "0"}]; m != nil && (m.Floor > floor || len(m.Known) > len(counted)-int(m.Floor)) {
				t.Fatalf("%+v with %d counted", m, len(counted))
			}
		}
		all := b.All(nil)
		if len(counted) > 0 && (len(all) != 1 || all[0].Count.Count != int64(len(counted)) || all[0].Runs != 1) {
			t.Fatalf("%d were counted: %+v", len(counted), all)
		}
	})
}

func TestMessageBounds(t *testing.T) {
	for _, x := range []Batch{{}, {Messages: []uint64{0}}, {Messages: []uint64{2, 1}}, {Messages: []uint64{1, 1}}, {Messages: []uint64{MaxCount + 1}}, {Messages: make([]uint64, MaxBatch+1)},
		{Lane: "a b", Messages: []uint64{1}}, {Lane: strings.Repeat("a", MaxLane+1), Messages: []uint64{1}}, {Floor: MaxCount + 1, Messages: []uint64{1}}} {
		if x.Check() == nil {
			t.Errorf("%.80v is taken", x)
		}
	}
	var m Messages
	for n := uint64(2); n < 2+MaxMessages; n++ {
		m.Add(0, n)
	}
	m.Add(0, 1_000_000)
	if len(m.Known) != MaxMessages || m.Has(2) || !m.Has(3) || !m.Has(1_000_000) {
		t.Errorf("%d are known", len(m.Known))
	}
	var b Book
	for i := range MaxLanes {
		if err := b.Mark("run", Batch{Lane: fmt.Sprint(i), Messages: []uint64{1}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Mark("run", Batch{Lane: "more", Messages: []uint64{1}}); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	// Roles are bounded whoever adds to them.
	r := report(1, "", 1)
	for i := range 3 {
		r.Roles = map[string]int64{}
		for j := range MaxNames {
			r.Roles[strings.Repeat("a", i*MaxNames+j+1)[:min(MaxName, i*MaxNames+j+1)]] = 1
		}
		if err := b.Add("run", r); err != nil {
			t.Fatal(err)
		}
	}
	if all := b.All(nil); len(all) != 1 || len(all[0].Roles) > MaxNames || all[0].Count.Count != 3 {
		t.Errorf("%+v", all)
	}
}
