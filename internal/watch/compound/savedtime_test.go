package compound

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// TestFarTimes: times that 64 bits of nanoseconds do not tell part observations as others do: what is centuries apart is not within seconds, the order is that of the
// events, and an engine that is saved and loaded after each record tells the same.
func TestFarTimes(t *testing.T) {
	patterns := []string{nameA + " FOLLOWEDBY " + nameB, "(" + nameA + " AND " + nameB + ") WITHIN 60 SECONDS"}
	const wrap = 1 << 63 / 1_000_000_000 * 2 // the seconds after which 64 bits of nanoseconds begin again
	day := func(year int) time.Time { return time.Date(year, 3, 1, 0, 0, 0, 7, time.UTC) }
	for _, x := range []struct {
		a, b    time.Time
		matches int
	}{
		{day(2024), day(2024).Add(time.Second), 2}, {day(2300), day(2300).Add(time.Second), 2}, {day(9999), day(9999).Add(time.Second), 2}, {day(1600), day(1600).Add(time.Second), 2},
		{day(1), day(1).Add(time.Second), 2}, {day(2262).AddDate(0, 1, 10), day(2262).AddDate(0, 1, 10).Add(time.Second), 2},
		{day(2300).Add(time.Second), day(2300), 1}, {day(1600).Add(time.Second), day(1600), 1},
		{day(2024), time.Unix(day(2024).Unix()+wrap+1, 7), 0}, {time.Unix(day(2024).Unix()+wrap, 7), day(2024), 0}, {day(1600), day(2300), 0}, {day(9999), day(1), 0}, {day(1), day(9999), 0},
	} {
		for _, saved := range []bool{false, true} {
			e, table, names := loaded(t, Options{}, patterns, nil)
			var got []string
			found := func(m Match) {
				got = append(got, fmt.Sprint(names[m.Pattern], m.Seen[0].Time.Unix(), m.Seen[1].Time.Unix()))
			}
			for i, name := range []string{"a.example", "b.example"} {
				r := look("h", name, 0)
				r.Time = []time.Time{x.a, x.b}[i]
				e.Take(r, table.Find(nil, r), 0, found)
				if !saved {
					continue
				}
				state, err := e.Save(func(id ID) string { return names[id] })
				if err != nil {
					t.Fatal(err)
				}
				e, table, names = loaded(t, Options{}, patterns, state)
			}
			e.Flush(found)
			if slices.Sort(got); len(got) != x.matches {
				t.Errorf("%s and %s, saved %v: %q", x.a, x.b, saved, got)
			}
		}
	}
}

// TestSavedTimes: a time is loaded as it was saved, an old state's is read, and what is none is refused.
func TestSavedTimes(t *testing.T) {
	for text, want := range map[string]time.Time{
		"5": time.Unix(0, 5), "-5": time.Unix(0, -5), "9223372036854775807": time.Unix(0, math.MaxInt64), "-9223372036854775808": time.Unix(0, math.MinInt64),
		"[9223372036,854775808]": time.Unix(9223372036, 854775808), "[-62135596800,1]": time.Unix(-62135596800, 1), "[253402300799,999999999]": time.Unix(253402300799, 999999999),
	} {
		var x savedTime
		if err := json.Unmarshal([]byte(text), &x); err != nil || !time.Time(x).Equal(want) {
			t.Errorf("%s is %s, %v", text, time.Time(x), err)
		}
		if back, err := json.Marshal(x); err != nil || string(back) != text {
			t.Errorf("%s became %s, %v", text, back, err)
		}
	}
	for _, bad := range []string{"[]", "[1]", "[1,2,3]", "[1,-1]", "[1,1000000000]", "[253402300800,0]", "[-62135596801,0]", "\"x\"", "1.5", "[9223372036854775808,0]", "{}"} {
		if err := New(Options{}).Load([]byte(`{"v":1,"seen":[{"t":`+bad+`,"o":[]}]}`), func(string) (ID, bool) { return 0, false }); !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
