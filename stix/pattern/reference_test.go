package pattern

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The reference below says what a match is by trying everything: each way through
// the alternatives, each observation for each part, each second for each choice.

// way is one way through the alternatives of a pattern: the parts that need an
// observation, and whether times that were given to them will do.
type way struct {
	parts []*Observation
	fits  func(times []int) bool
}

func ways(e Expr) []way {
	switch e := e.(type) {
	case *Observation:
		return []way{{[]*Observation{e}, func([]int) bool { return true }}}
	case *Combination:
		if e.Joint == Or {
			var out []way
			for _, x := range e.Terms {
				out = append(out, ways(x)...)
			}
			return out
		}
		out := ways(e.Terms[0])
		for _, x := range e.Terms[1:] {
			out = joined(out, ways(x), e.Joint == FollowedBy)
		}
		return out
	case *Qualified:
		out := ways(e.Expr)
		for _, q := range e.Qualifiers {
			out = qualified(out, q)
		}
		return out
	}
	panic("no expression")
}

func joined(left, right []way, inOrder bool) (out []way) {
	for _, l := range left {
		for _, r := range right {
			n := len(l.parts)
			out = append(out, way{slices.Concat(l.parts, r.parts), func(t []int) bool {
				return l.fits(t[:n]) && r.fits(t[n:]) && (!inOrder || slices.Max(t[:n]) <= slices.Min(t[n:]))
			}})
		}
	}
	return out
}

func qualified(in []way, q Qualifier) (out []way) {
	if r, ok := q.(*Repeats); ok {
		out = in
		for range r.Times - 1 {
			out = joined(out, in, false)
		}
		return out
	}
	for _, w := range in {
		out = append(out, way{w.parts, func(t []int) bool {
			switch q := q.(type) {
			case *Within:
				seconds, _ := strconv.Atoi(q.Seconds)
				return w.fits(t) && slices.Max(t)-slices.Min(t) <= seconds
			case *StartStop:
				start, _ := q.Start.Time()
				stop, _ := q.Stop.Time()
				return w.fits(t) && slices.Min(t) >= int(start.Unix()) && slices.Max(t) < int(stop.Unix())
			}
			return false
		}})
	}
	return out
}

// matches tries everything.
func matches(t *Tree, observed []Observed) bool {
	for _, w := range ways(t.Root) {
		free := make([]int, len(observed))
		for i, o := range observed {
			free[i] = max(1, o.Count)
		}
		times := make([]int, len(w.parts))
		var try func(part int) bool
		try = func(part int) bool {
			if part == len(w.parts) {
				return w.fits(times)
			}
			for i, o := range observed {
				want := w.parts[part].Where.(*Comparison).Value.Text
				if has, _ := o.Objects[0].Property("v"); free[i] == 0 || has.string != want {
					continue
				}
				free[i]--
				for s := o.First.Unix(); s <= o.Last.Unix(); s++ {
					times[part] = int(s)
					if try(part + 1) {
						return true
					}
				}
				free[i]++
			}
			return false
		}
		if try(0) {
			return true
		}
	}
	return false
}

// smallExpr draws an expression with few parts.
func smallExpr(parts int) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		var e Expr
		if parts == 1 || rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			e = &Observation{Where: &Comparison{Path: ObjectPath{Type: "x", Steps: []Step{{Key: "v"}}}, Op: OpEqual,
				Value: Literal{Kind: StringLiteral, Text: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "value")}}}
		} else {
			left := rapid.IntRange(1, parts-1).Draw(t, "left")
			e = &Combination{Joint: rapid.SampledFrom([]Joint{And, Or, FollowedBy, And, FollowedBy}).Draw(t, "joint"),
				Terms: []Expr{smallExpr(left).Draw(t, "l"), smallExpr(parts-left).Draw(t, "r")}}
		}
		n := rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "qualifiers")
		if n == 0 {
			return e
		}
		q := &Qualified{Expr: e}
		for range n {
			switch k := rapid.IntRange(0, 3).Draw(t, "qualifier"); {
			case k == 0 && parts <= 2:
				q.Qualifiers = append(q.Qualifiers, &Repeats{Times: 2})
			case k == 1:
				from := rapid.IntRange(0, 5).Draw(t, "start")
				to := rapid.IntRange(from, 7).Draw(t, "stop")
				q.Qualifiers = append(q.Qualifiers, &StartStop{Start: second(from), Stop: second(to)})
			default:
				q.Qualifiers = append(q.Qualifiers, &Within{Seconds: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "within")})
			}
		}
		return q
	})
}

func second(n int) Literal {
	return Literal{Kind: TimeLiteral, Text: time.Unix(int64(n), 0).UTC().Format(time.RFC3339)}
}

// TestMatchReference: Match says what trying everything says.
func TestMatchReference(t *testing.T) {
	yes, no := 0, 0
	for range 30 {
		rapid.Check(t, func(t *rapid.T) {
			tree := &Tree{Root: smallExpr(rapid.IntRange(1, 4).Draw(t, "parts")).Draw(t, "pattern")}
			var observed []Observed
			for range rapid.IntRange(0, 4).Draw(t, "observations") {
				first := rapid.IntRange(0, 6).Draw(t, "first")
				observed = append(observed, Observed{
					First: time.Unix(int64(first), 0).UTC(), Last: time.Unix(int64(first+rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "long")), 0).UTC(),
					Count:   rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "count"),
					Objects: []Object{MapObject{"type": "x", "v": rapid.SampledFrom([]string{"a", "b"}).Draw(t, "v")}},
				})
			}
			p, err := Compile(tree.String())
			if err != nil {
				t.Fatalf("%s: %v", tree, err)
			}
			r, err := p.Match(observed)
			if err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			if want := matches(tree, observed); r.Matched != want {
				t.Fatalf("%s: %v, want %v", p, r.Matched, want)
			}
			if r.Matched {
				yes++
			} else {
				no++
			}
		})
	}
	if yes < 10 || no < 10 {
		t.Errorf("%d matched and %d did not: too few of one", yes, no)
	}
}
