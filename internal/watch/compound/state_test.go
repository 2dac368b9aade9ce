package compound

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"

	"pgregory.net/rapid"
)

// loaded gives an engine with the patterns, that goes on from a state. Patterns are added in another order than before.
func loaded(t interface{ Fatal(...any) }, o Options, patterns []string, state []byte) (*Engine, *Table, map[ID]string) {
	e, table, names := New(o), &Table{}, map[ID]string{}
	for _, p := range slices.Backward(patterns) {
		id, atoms, err := e.Add(p)
		if err != nil {
			t.Fatal(p, err)
		}
		table.Set(id, atoms)
		names[id] = p
	}
	if state != nil {
		err := e.Load(state, func(name string) (ID, bool) {
			for id, p := range names {
				if p == name {
					return id, true
				}
			}
			return 0, false
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return e, table, names
}

// TestStateGoesOn: an engine that is saved and loaded at any point tells what one tells that was never stopped.
func TestStateGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Horizon: 20 * time.Second, Late: 10 * time.Second, Note: func(r *record.Record) string { return fmt.Sprint(r.Time.Unix(), " ", r.Fields[0].Type) }}
		var patterns []string
		for range rapid.IntRange(1, 3).Draw(t, "patterns") {
			patterns = append(patterns, somePattern(rapid.IntRange(1, 4).Draw(t, "parts")).Draw(t, "pattern"))
		}
		slices.Sort(patterns)
		patterns = slices.Compact(patterns)
		var records []*record.Record
		clock := 0
		for range rapid.IntRange(0, 20).Draw(t, "records") {
			clock += rapid.IntRange(-3, 6).Draw(t, "gap")
			r := look(rapid.SampledFrom([]string{"h", "\xff\x00", "i"}).Draw(t, "host"), rapid.SampledFrom([]string{"a.example", "b.example", "c.example", "\xfe.example"}).Draw(t, "name"), clock)
			r.Fields = append(r.Fields, record.Field{Type: observable.IPv4, Role: record.Source, Text: fmt.Sprintf("10.0.0.%d", rapid.IntRange(0, 3).Draw(t, "source"))},
				record.Field{Type: observable.MD5, Role: record.File, Text: strings.Repeat("a", 32)}, record.Field{Path: "src_port", Text: "99"},
				record.Field{Type: observable.UserAgent, Role: record.Agent, Text: "x\xff"})
			records = append(records, r)
		}
		run := func(stops int) (out []string) {
			e, table, names := loaded(t, o, patterns, nil)
			found := func(m Match) { out = append(out, fmt.Sprint(names[m.Pattern], m.Host, m.Seen)) }
			for i, r := range records {
				if stops>>i&1 == 1 {
					state, err := e.Save(func(id ID) string { return names[id] })
					if err != nil {
						t.Fatal(err)
					}
					total := e.total
					e, table, names = loaded(t, o, patterns, state)
					if e.total != total {
						t.Fatalf("%d observations were kept and %d are", total, e.total)
					}
				}
				e.Take(r, table.Find(nil, r), uint64(i), found)
			}
			e.Flush(found)
			slices.Sort(out)
			return out
		}
		want := run(0)
		if got := run(rapid.IntRange(0, 1<<20-1).Draw(t, "stops")); !slices.Equal(got, want) {
			t.Fatalf("%q\n%q\nwant\n%q", patterns, got, want)
		}
	})
}

// TestStateIsChecked: what is no state, or one of another version, is refused, and what a pattern that is gone waited for is left out.
func TestStateIsChecked(t *testing.T) {
	o := Options{Late: time.Second, Note: func(r *record.Record) string { return strings.Repeat("n", int(r.Time.Unix()%2)*MaxNote+1) }}
	p := nameA + " FOLLOWEDBY " + nameB
	e, table, names := loaded(t, o, []string{p}, nil)
	r := look("h", "a.example", 0)
	e.Take(r, table.Find(nil, r), 7, func(Match) { t.Error("told too early") })
	state, err := e.Save(func(id ID) string { return names[id] })
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{}", `{"v":2}`, `{"v":1,"more":1}`, `{"v":1,"seen":[{"t":1,"o":[],"note":"` + strings.Repeat("n", MaxNote+1) + `"}]}`, strings.Replace(string(state), `"h":0`, `"h":1`, 1), strings.Replace(string(state), `[[0,1]]`, `[[1,1]]`, 1), string(state[:len(state)-2])} {
		if err := New(o).Load([]byte(bad), func(string) (ID, bool) { return 0, true }); !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if e, _, _ = loaded(t, o, []string{nameB + " FOLLOWEDBY " + nameA}, state); e.total != 0 {
		t.Errorf("%d observations are kept for a pattern that is gone", e.total)
	}
	e, table, _ = loaded(t, o, []string{p}, state)
	n := 0
	r = look("h", "b.example", 5)
	e.Take(r, table.Find(nil, r), 8, func(m Match) { n++ })
	e.Flush(func(m Match) {
		if n++; len(m.Seen) != 2 || m.Seen[0].Tag != 7 || m.Seen[1].Tag != 8 {
			t.Errorf("%+v", m)
		}
	})
	if n != 1 {
		t.Errorf("%d matches", n)
	}
}

// TestTick: a match is told although its host falls silent, and not while an earlier line may still come.
func TestTick(t *testing.T) {
	e, table, _ := loaded(t, Options{}, []string{nameA + " FOLLOWEDBY " + nameB}, nil)
	n := 0
	found := func(Match) { n++ }
	take := func(r *record.Record) { e.Take(r, table.Find(nil, r), 0, found) }
	take(look("h", "b.example", 5))
	e.Tick(found)
	take(look("h", "a.example", 0))
	if n != 0 {
		t.Fatal("told while an earlier one may come")
	}
	e.Tick(found)
	take(look("h", "a.example", 9))
	if n != 1 {
		t.Fatalf("%d matches, and the host is silent", n)
	}
	take(look("h", "b.example", 10))
	e.Tick(found)
	e.Tick(found)
	e.Tick(found)
	if n != 2 || e.total != 0 {
		t.Fatalf("%d matches, %d observations kept", n, e.total)
	}
}

// TestTableForgets: what is taken out of the table is found no more, and nothing else is.
func TestTableForgets(t *testing.T) {
	e, table := New(Options{}), &Table{}
	first, atoms, err := e.Add("[domain-name:value = 'a.example' AND ipv4-addr:value ISSUBSET '10.0.0.0/8'] AND [ipv4-addr:value ISSUBSET '10.0.0.0/8']")
	if err != nil {
		t.Fatal(err)
	}
	second, others, err := e.Add(nameA + " AND [ipv4-addr:value ISSUBSET '10.0.0.0/8']")
	if err != nil {
		t.Fatal(err)
	}
	table.Set(first, atoms)
	table.Set(second, others)
	r := look("h", "a.example", 0)
	r.Fields = append(r.Fields, record.Field{Type: observable.IPv4, Role: record.Source, Text: "10.1.1.1"})
	table.Remove(first, atoms)
	if got := table.Find(nil, r); len(got) == 0 || slices.Contains(got, first) {
		t.Errorf("%v", got)
	}
	table.Remove(second, others)
	if got := table.Find(nil, r); len(got) != 0 || len(table.values)+len(table.blocks) != 0 || table.lengths != ([2][129]int{}) {
		t.Errorf("%v %+v", got, table)
	}
}

func FuzzState(f *testing.F) {
	p := nameA + " FOLLOWEDBY " + nameB
	e, table, names := loaded(f, Options{}, []string{p}, nil)
	for i, name := range []string{"a.example", "b.example", "a.example"} {
		r := look("h", name, 100*i)
		e.Take(r, table.Find(nil, r), uint64(i), func(Match) {})
	}
	state, err := e.Save(func(id ID) string { return names[id] })
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"v":1,"seen":[{"t":0,"o":[{"type":"file","id":"f","m":[{"n":"hashes","v":{"d":[{"n":"MD5","v":{"s":"x"}}]}}]}]}],"hosts":[{"name":"aA==","latest":5}],"states":[{"p":"x","h":0,"done":[[0,9]],"wait":[[0,1],[0,1]]}]}`))
	f.Add([]byte(strings.Replace(string(state), `"t":`, `"t":[-62135596800,1],"tag":`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, table := New(Options{Late: time.Second}), &Table{}
		id, atoms, err := e.Add(p)
		if err != nil {
			t.Fatal(err)
		}
		table.Set(id, atoms)
		if err := e.Load(text, func(string) (ID, bool) { return id, true }); err != nil {
			if e.total+len(e.hosts)+e.states.Len() != 0 {
				t.Fatal("something of a state that was refused was taken")
			}
			return
		}
		for i, name := range []string{"b.example", "a.example"} {
			r := look("h", name, 1000+100*i)
			e.Take(r, table.Find(nil, r), 0, func(Match) {})
		}
		again, err := e.Save(func(ID) string { return p })
		if err != nil {
			t.Fatal(err)
		}
		if err := New(Options{}).Load(again, func(string) (ID, bool) { return id, true }); err != nil {
			t.Fatal(err)
		}
		e.Flush(func(Match) {})
	})
}
