package past

import (
	"net/netip"
	"slices"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// Exact tells which of some values a record has, by the same rules as a hunt but by
// comparing texts: it is for the lines of the hours that a hunt gave. It does not change
// and may be used by many goroutines.
type Exact struct {
	texts  map[observable.Value][]int
	blocks []block
}

type block struct {
	netip.Prefix
	value int
}

// NewExact makes ready to look for values, which are named by their place.
func NewExact(values []observable.Value) *Exact {
	x := &Exact{texts: map[observable.Value][]int{}}
	for i, v := range values {
		if a, ok := v.Addr(); ok {
			x.blocks = append(x.blocks, block{netip.PrefixFrom(a, a.BitLen()), i})
		} else if p, ok := v.CIDR(); ok {
			x.blocks = append(x.blocks, block{p, i})
		} else {
			if v.Type == observable.URL {
				v.Text = schemeless(v.Text)
			}
			x.texts[v] = append(x.texts[v], i)
		}
	}
	return x
}

// Find adds the places of the values that a record has to dst, in order, each once.
func (x *Exact) Find(dst []int, r *record.Record) []int {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Type == "" || f.Text == "" {
			continue
		}
		text := f.Text
		if f.Type == observable.URL {
			text = string(request(nil, r, f))
		}
		forms(f.Type, text, func(f form) {
			if f.typ != "" {
				dst = append(dst, x.texts[observable.Value{Type: f.typ, Text: f.text}]...)
				return
			}
			for _, b := range x.blocks {
				if b.Contains(f.address) {
					dst = append(dst, b.value)
				}
			}
		})
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}
