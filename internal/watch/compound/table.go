package compound

import (
	"net/netip"
	"slices"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// Finder finds the patterns of which an atom is in a record: at least those whose atom
// is a value of an object that [Observe] makes, or of a block around one. It is what the
// index of all indicators is to an [Engine].
type Finder interface {
	// Find adds the patterns to dst, in any order and however often.
	Find(dst []ID, r *record.Record) []ID
}

// Table is a [Finder] of its own, for who has no other index.
type Table struct {
	values  map[observable.Value][]ID
	blocks  map[netip.Prefix][]ID
	lengths [2][129]int // how many blocks have so many bits, of IPv4 and IPv6
}

// Set puts the atoms of a pattern into the table.
func (t *Table) Set(id ID, atoms []observable.Value) {
	if t.values == nil {
		t.values, t.blocks = map[observable.Value][]ID{}, map[netip.Prefix][]ID{}
	}
	for _, v := range atoms {
		if p, ok := v.CIDR(); ok {
			t.blocks[p] = append(t.blocks[p], id)
			t.lengths[family(p.Addr())][p.Bits()]++
			continue
		}
		t.values[v] = append(t.values[v], id)
	}
}

// Remove takes out what Set put in.
func (t *Table) Remove(id ID, atoms []observable.Value) {
	without := func(ids []ID) []ID { return slices.DeleteFunc(ids, func(x ID) bool { return x == id }) }
	for _, v := range atoms {
		if p, ok := v.CIDR(); ok {
			had := len(t.blocks[p])
			left := without(t.blocks[p])
			t.lengths[family(p.Addr())][p.Bits()] -= had - len(left)
			if t.blocks[p] = left; len(left) == 0 {
				delete(t.blocks, p)
			}
			continue
		}
		if left := without(t.values[v]); len(left) == 0 {
			delete(t.values, v)
		} else {
			t.values[v] = left
		}
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Find implements Finder.
func (t *Table) Find(dst []ID, r *record.Record) []ID {
	host := ""
	for i := range r.Fields {
		f := &r.Fields[i]
		if i == MaxFields {
			break
		}
		if f.Type == "" || f.Text == "" || len(f.Text) > observable.MaxText {
			continue
		}
		switch f.Type {
		case observable.Domain, observable.IPv4, observable.IPv6:
			v := hostOf(f.Text)
			dst = append(dst, t.values[v]...)
			if len(t.blocks) > 0 {
				dst = t.around(dst, v)
			}
		case observable.URL:
			if host == "" {
				host = hostField(r)
			}
			if u, ok := urlOf(f.Text, host); ok {
				dst = append(dst, t.values[observable.Value{Type: observable.URL, Text: u}]...)
			}
		case observable.FileName, observable.FilePath:
			dst = t.find(dst, observable.FileName, f.Text[lastName(f.Text):])
		case observable.Process:
			dst = t.find(dst, f.Type, f.Text)
			dst = t.find(dst, observable.FileName, imageName(f.Text))
		default:
			dst = t.find(dst, f.Type, f.Text)
		}
	}
	return dst
}

func (t *Table) find(dst []ID, typ observable.Type, text string) []ID {
	v, err := observable.New(typ, text)
	if err != nil {
		return dst
	}
	return append(dst, t.values[v]...)
}

func (t *Table) around(dst []ID, v observable.Value) []ID {
	a, ok := v.Addr()
	if !ok {
		return dst
	}
	for bits, n := range t.lengths[family(a)] {
		if n == 0 {
			continue
		}
		if p, err := a.Prefix(bits); err == nil {
			dst = append(dst, t.blocks[p]...)
		}
	}
	return dst
}
