package intel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/intel"
)

func sdo(typ string, n int) string {
	return fmt.Sprintf("%s--00000000-0000-4000-8000-%012x", typ, n)
}

func relation(n int, from, to string) string {
	return prose("relationship", n, fmt.Sprintf(`,"relationship_type":"related-to","source_ref":%q,"target_ref":%q`, from, to))
}

// neighbours reads all pages: "depth:number" of each object, and its edges.
func neighbours(t fataler, in *intel.Intel, q intel.GraphQuery) (found, edges []string, cut string) {
	t.Helper()
	for {
		n, err := in.Neighbours(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range n.Objects {
			found = append(found, fmt.Sprintf("%d:%s", o.Depth, o.ID))
			for _, e := range o.Edges {
				edges = append(edges, fmt.Sprint(e))
			}
		}
		if cut = n.Cut; n.Next == "" {
			return found, edges, cut
		}
		q.Next = n.Next
	}
}

func TestNeighbours(t *testing.T) {
	w := newWorld(t)
	actor, malware, tool, who, missing := sdo("threat-actor", 1), sdo("malware", 2), sdo("tool", 3), sdo("identity", 4), sdo("tool", 9)
	w.load(t, "f",
		prose("threat-actor", 1, `,"name":"a","created_by_ref":"`+who+`"`),
		prose("malware", 2, `,"name":"m","is_family":false,"created_by_ref":"`+who+`"`),
		prose("tool", 3, `,"name":"t"`+marked("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487")),
		prose("identity", 4, `,"name":"i"`),
		relation(5, actor, malware), relation(6, malware, tool), relation(7, tool, actor), relation(8, tool, missing),
		prose("sighting", 0xa, `,"sighting_of_ref":"`+malware+`","where_sighted_refs":["`+who+`"]`),
		prose("note", 0xb, `,"content":"c","object_refs":["`+tool+`"]`))
	r := func(n int) string { return sdo("relationship", n) }
	for _, c := range []struct {
		id    string
		depth int
		want  []string
	}{
		{actor, 1, []string{"0:" + actor, "1:" + who, "1:" + malware, "1:" + r(5), "1:" + r(7), "1:" + tool}},
		{sdo("note", 0xb), 1, []string{"0:" + sdo("note", 0xb), "1:" + tool}},
		{who, 1, []string{"0:" + who, "1:" + malware, "1:" + sdo("sighting", 0xa), "1:" + actor}},
		{r(8), 1, []string{"0:" + r(8), "1:" + tool, "1:" + missing}},
		{missing, 1, []string{"0:" + missing, "1:" + r(8), "1:" + tool}},
		{sdo("tool", 77), 1, nil},
	} {
		for limit := range 4 {
			got, _, cut := neighbours(t, w.in, intel.GraphQuery{ID: c.id, Depth: c.depth, Limit: limit})
			if !slices.Equal(got, c.want) || cut != "" {
				t.Errorf("%s, %d a page: %q (%s), want %q", c.id, limit, got, cut, c.want)
			}
		}
	}
	_, edges, _ := neighbours(t, w.in, intel.GraphQuery{ID: actor, Limit: 1})
	slices.Sort(edges)
	for _, e := range []string{fmt.Sprint(intel.Edge{From: r(5), Property: "source_ref", To: actor}), fmt.Sprint(intel.Edge{From: r(5), Property: "target_ref", To: malware}), fmt.Sprint(intel.Edge{From: malware, Property: "created_by_ref", To: who})} {
		if !slices.Contains(edges, e) {
			t.Errorf("no edge %s in %q", e, edges)
		}
	}
	// A newer version that refers to something else.
	w.load(t, "g", strings.Replace(prose("note", 0xb, `,"content":"c","object_refs":["`+actor+`"]`), `"modified":"2026-01-01`, `"modified":"2026-01-02`, 1))
	if got, _, _ := neighbours(t, w.in, intel.GraphQuery{ID: sdo("note", 0xb)}); !slices.Equal(got, []string{"0:" + sdo("note", 0xb), "1:" + actor}) {
		t.Errorf("a newer version: %q", got)
	}
	if got, _, _ := neighbours(t, w.in, intel.GraphQuery{ID: tool}); slices.Contains(got, "1:"+sdo("note", 0xb)) {
		t.Errorf("an older version counts: %q", got)
	}
	for _, q := range []intel.GraphQuery{{ID: "x"}, {ID: actor, Depth: 9}, {ID: actor, Depth: -1}, {ID: actor, Next: "zz"}, {ID: actor, Next: "00"}} {
		if _, err := w.in.Neighbours(context.Background(), q); !errors.Is(err, intel.ErrQuery) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// In any graph, cycles included, the neighbourhood is what a plain search of the whole
// graph gives, and what comes between two pages is in none of them.
func TestNeighboursOfAnyGraph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "nodes")
		var objects []string
		near := map[string]map[string]bool{} // across one relationship, and directly
		join := func(a, b string) {
			for _, x := range [][2]string{{a, b}, {b, a}} {
				if near[x[0]] == nil {
					near[x[0]] = map[string]bool{}
				}
				near[x[0]][x[1]] = true
			}
		}
		note := func(i int) string { return sdo("note", i) }
		for i := range n {
			var refs []string
			for range rapid.IntRange(0, 2).Draw(t, "refs") {
				to := note(rapid.IntRange(0, n-1).Draw(t, "to"))
				refs = append(refs, `"`+to+`"`)
				join(note(i), to)
			}
			if len(refs) == 0 {
				refs = []string{`"` + note(i) + `"`}
			}
			objects = append(objects, prose("note", i, `,"content":"c","object_refs":[`+strings.Join(refs, ",")+`]`))
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "relations") {
			a, b := note(rapid.IntRange(0, n-1).Draw(t, "a")), note(rapid.IntRange(0, n-1).Draw(t, "b"))
			r := sdo("relationship", 100+i)
			objects = append(objects, relation(100+i, a, b))
			for _, e := range []string{a, b} {
				if near[e] == nil {
					near[e] = map[string]bool{}
				}
				near[e][r], near[e][a], near[e][b] = true, true, true
			}
		}
		depth := rapid.IntRange(1, 4).Draw(t, "depth")
		want := map[string]int{note(0): 0}
		level := []string{note(0)}
		for d := 1; d <= depth; d++ {
			var next []string
			for _, id := range level {
				for to := range near[id] {
					if _, ok := want[to]; !ok {
						want[to] = d
						if !strings.HasPrefix(to, "relationship") {
							next = append(next, to)
						}
					}
				}
			}
			level = next
		}
		w := newWorld(t)
		w.load(t, "f", objects...)
		q := intel.GraphQuery{ID: note(0), Depth: depth, Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		got := map[string]int{}
		for more := 0; ; more++ {
			page, err := w.in.Neighbours(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Objects {
				if _, twice := got[o.ID]; twice || o.Object == nil {
					t.Fatalf("%s comes twice, or is missing", o.ID)
				}
				got[o.ID] = o.Depth
			}
			if q.Next = page.Next; q.Next == "" {
				break
			}
			w.load(t, "g", prose("note", 1000+more, `,"content":"c","object_refs":["`+note(0)+`"]`), relation(2000+more, note(0), note(n-1)))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		w.checkRebuild(t)
	})
}

// A hub gives an answer of bounded size, and says that it is not whole.
func TestLimitsOfGraphs(t *testing.T) {
	w := newWorld(t)
	hub := sdo("identity", 0)
	objects := []string{prose("identity", 0, `,"name":"hub"`)}
	for i := range 100_000 {
		objects = append(objects, prose("tool", i+1, `,"name":"","created_by_ref":"`+hub+`"`))
	}
	w.load(t, "f", objects...)
	got, _, cut := neighbours(t, w.in, intel.GraphQuery{ID: hub, Depth: 8, Limit: 1000})
	if len(got) != 10_000 || cut != "objects" {
		t.Errorf("maxGraphObjects: %d objects, cut by %q", len(got), cut)
	}
	if n, err := w.in.Neighbours(context.Background(), intel.GraphQuery{ID: hub, Limit: 2001}); err != nil || len(n.Objects) != 2000 || n.Next == "" {
		t.Errorf("maxGraphPage, one more: %d objects, %v", len(n.Objects), err)
	}
	// From one of those that it made, the others are not near.
	if got, _, cut := neighbours(t, w.in, intel.GraphQuery{ID: sdo("tool", 1), Depth: 8}); len(got) != 2 || cut != "" {
		t.Errorf("made by one identity: %d objects, cut by %q", len(got), cut)
	}
	// Many references to one object, all by older versions.
	var versions []string
	for i := range 100_001 {
		refs := `"` + sdo("tool", 5) + `"`
		versions = append(versions, strings.Replace(prose("note", i/1000, `,"content":"c","object_refs":[`+refs+`]`), `"modified":"2026-01-01T00:00:00.000Z"`, fmt.Sprintf(`"modified":"2026-01-01T00:00:00.%06dZ"`, i), 1))
	}
	w.load(t, "g", versions...)
	if got, _, cut := neighbours(t, w.in, intel.GraphQuery{ID: sdo("tool", 5), Depth: 1, Limit: 1000}); cut != "references" && cut != "time" {
		t.Errorf("maxGraphRows: %d objects, cut by %q", len(got), cut)
	}
}
