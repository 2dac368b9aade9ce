package intel_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/intel"
	"entente/internal/observable"
	"entente/stix"
)

// of makes an indicator of one value.
func of(n int, v observable.Value) string {
	p, ok := v.Pattern()
	if !ok {
		panic(v)
	}
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":%q,"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`, idOf(n), p)
}

func TestSearchAround(t *testing.T) {
	w := newWorld(t)
	var objects []string
	for i, s := range []string{ // 1 to f
		"evil.example", "www.evil.example", "a.www.evil.example", "evilness.example", "notevil.example",
		"https://evil.example/x", "http://a.www.evil.example/", "someone@mail.evil.example",
		"198.51.100.7", "198.51.100.0/24", "198.51.0.0/16", "http://198.51.100.7/gate", "2001:db8::7", "2001:db8::/32", "::/0",
	} {
		v, err := observable.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, of(i+1, v))
	}
	w.load(t, "f", objects...)
	for _, c := range []struct {
		value             string
		parents, children bool
		want              string
	}{
		{"evil.example", false, false, "1"},
		{"evil.example", false, true, "1 2 3 6 7 8"},
		{"www.evil.example", false, true, "2 3 7"},
		{"www.evil.example", true, true, "1 2 3 7"},
		{"b.www.evil.example", true, false, "1 2"},
		{"domain:example", false, true, "1 2 3 4 5 6 7 8"},
		{"http://a.www.evil.example/", true, true, "1 2 3 7"},
		{"198.51.100.7", false, false, "9"},
		{"198.51.100.7", true, false, "9 a b"},
		{"198.51.100.7", false, true, "9 c"},
		{"198.51.100.0/24", false, true, "9 a c"},
		{"198.51.100.0/24", true, false, "a b"},
		{"198.51.100.0/23", true, true, "9 a b c"},
		{"0.0.0.0/0", false, true, "9 a b c"},
		{"::/0", false, true, "d e f"},
		{"2001:db8::7", true, false, "d e f"},
		{"203.0.113.1", true, true, ""},
	} {
		for limit := range 4 {
			q := intel.Query{Value: c.value, Parents: c.parents, Children: c.children, Limit: limit}
			if got := ids(search(t, w.in, q)); got != c.want {
				t.Errorf("%+v: %s, want %s", q, got, c.want)
			}
		}
	}
	first, err := w.in.Search(context.Background(), intel.Query{Value: "www.evil.example", Parents: true, Children: true, Limit: 2})
	if err != nil || ids(first.Objects[:1]) != "2" || ids(first.Objects[1:]) != "1" {
		t.Errorf("not itself, then what is above: %v, %v", first, err)
	}
	if _, err := w.in.Search(context.Background(), intel.Query{Children: true}); err == nil {
		t.Error("below nothing")
	}
}

// around tells, by its own way, whether a value is what a query asks for.
func around(asked, v observable.Value, parents, children bool) bool {
	if asked == v {
		return true
	}
	host := func(v observable.Value) observable.Value {
		if h, ok := v.HostOf(); ok {
			return h
		}
		if v.Type == observable.Email {
			h, err := observable.New(observable.Domain, v.Text[strings.LastIndex(v.Text, "@")+1:])
			if err == nil {
				return h
			}
		}
		return v
	}
	block := func(v observable.Value) netip.Prefix {
		if a, ok := v.Addr(); ok {
			return netip.PrefixFrom(a, a.BitLen())
		}
		p, _ := v.CIDR()
		return p
	}
	contains := func(outer, inner netip.Prefix) bool {
		return outer.IsValid() && inner.IsValid() && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
	}
	if parents {
		h := asked
		if asked.Type == observable.URL {
			h, _ = asked.HostOf()
		}
		if h == v || h.Type == observable.Domain && v.Type == observable.Domain && slices.Contains(observable.Parents(h.Text), v.Text) ||
			contains(block(v), block(h)) {
			return true
		}
	}
	if children {
		h := host(v)
		if asked.Type == observable.Domain && h.Type == observable.Domain && (h == asked || strings.HasSuffix(h.Text, "."+asked.Text)) {
			return true
		}
		return contains(block(asked), block(h))
	}
	return false
}

// Whatever is known, a search finds what looking at every object finds, once each,
// however it is paged, and whatever is added between its pages.
func TestSearchIsAFullScan(t *testing.T) {
	label := rapid.SampledFrom([]string{"a", "ab", "b", "a-b"})
	domain := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(label, 1, 3).Draw(t, "labels"), ".") + "." + rapid.SampledFrom([]string{"example", "co.uk"}).Draw(t, "suffix")
	})
	addr := rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "v6") {
			return fmt.Sprintf("2001:db8::%x", rapid.IntRange(0, 20).Draw(t, "low"))
		}
		return fmt.Sprintf("198.51.%d.%d", rapid.IntRange(99, 101).Draw(t, "net"), rapid.SampledFrom([]int{0, 1, 127, 128, 255}).Draw(t, "host"))
	})
	value := rapid.Custom(func(t *rapid.T) observable.Value {
		text := ""
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0, 1:
			text = domain.Draw(t, "domain")
		case 2:
			text = "http://" + rapid.SampledFrom([]string{domain.Draw(t, "host"), "198.51.100.1", "[2001:db8::1]"}).Draw(t, "where") + "/x"
		case 3:
			text = "u@" + domain.Draw(t, "mail")
		case 4:
			text = addr.Draw(t, "addr")
		default:
			a := netip.MustParseAddr(addr.Draw(t, "net"))
			p, _ := a.Prefix(rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
			text = p.String()
		}
		v, err := observable.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		return v
	})
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		texts := map[int]string{}
		make := func(n int) string {
			var parts []string
			for _, v := range rapid.SliceOfN(value, 1, 3).Draw(t, "values") {
				p, _ := v.Pattern()
				parts = append(parts, strings.Trim(p, "[]"))
			}
			o := fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":%q,"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`, idOf(n), "["+strings.Join(parts, " OR ")+"]")
			texts[n] = o
			return o
		}
		var objects []string
		n := rapid.IntRange(1, 12).Draw(t, "objects")
		for i := range n {
			objects = append(objects, make(i+1))
		}
		w.load(t, "f", objects...)
		for range 3 {
			q := intel.Query{Parents: rapid.Bool().Draw(t, "parents"), Children: rapid.Bool().Draw(t, "children"), Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
			asked := value.Draw(t, "asked")
			q.Value = asked.Key()
			var want []string
			for i := 1; i <= n; i++ {
				o, err := stix.Parse([]byte(texts[i]))
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(observable.FromObject(o), func(v observable.Value) bool { return around(asked, v, q.Parents, q.Children) }) {
					want = append(want, o.ID)
				}
			}
			var got []string
			for more := n + 1; ; more++ {
				page, err := w.in.Search(context.Background(), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range page.Objects {
					got = append(got, f.ID)
				}
				if page.Next == "" {
					break
				}
				q.Next = page.Next
				w.load(t, "g", make(more)) // while it is paged
			}
			slices.Sort(got)
			if len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("%v: twice: %v", q, got)
			}
			got = slices.DeleteFunc(got, func(id string) bool { return id > idOf(n) })
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: %v, want %v", q, got, want)
			}
			for i := range texts {
				if i > n {
					n = i
				}
			}
		}
		w.checkRebuild(t)
	})
}
