package asset

import (
	"hash/maphash"
	"net/netip"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/lookalike"
	"entente/internal/watch/record"
)

// memory is how many names a watcher remembers that look like nothing; a power of two. One that was forgotten is looked at
// again, which costs time and changes nothing.
const memory = 1 << 16

// names are names that were looked at and look like nothing, by hashes: a later one takes the place of an earlier one.
type names []uint64

func (n names) has(h uint64) bool { return n[h%memory] == h }
func (n names) add(h uint64)      { n[h%memory] = h }

// Watcher looks for what concerns assets in the records of one pass. It is not safe for concurrent use.
type Watcher struct {
	Table Table
	// Also, if not nil, gathers the same findings apart, without lines: what one message of a queue held.
	Also *Table
	// Looked is how many names were held against those of assets.
	Looked int64

	set     func() *Set
	own     []netip.Prefix
	now     *Set
	scanned names // by the hashes of the scanner
	read    names // by hashes of the texts in records
	tops    names // registrable names
	seed    maphash.Seed
	buf     []lookalike.Finding
}

// NewWatcher makes a watcher that asks set for the set, nil if there is none, and knows the networks of this party.
func NewWatcher(set func() *Set, own []netip.Prefix, seed maphash.Seed) *Watcher {
	return &Watcher{set: set, own: own, seed: seed}
}

// current is the set as it is now; a name may look like something in another set than before.
func (w *Watcher) current() *Set {
	s := w.set()
	if s != w.now {
		w.now = s
		if w.scanned == nil {
			w.scanned, w.read, w.tops = make(names, memory), make(names, memory), make(names, memory)
		}
		clear(w.scanned)
		clear(w.read)
		clear(w.tops)
	}
	return s
}

// Name tells whether a line has to be read for a name in it that looks like one of an asset's. h is its hash, by which it is known again. The name is
// good until Name returns.
func (w *Watcher) Name(h uint64, name []byte) bool {
	s := w.current()
	if s == nil || w.scanned.has(h) {
		return false
	}
	w.Looked++
	if w.looks(s, string(name)) {
		return true
	}
	w.scanned.add(h)
	return false
}

// looks finds what a name looks like. Names below one registrable name are many, and are told by it.
func (w *Watcher) looks(s *Set, name string) bool {
	w.buf = w.buf[:0]
	plain := strings.TrimSuffix(name, ".")
	var top uint64
	if canonical(plain) {
		text := lookalike.Top(plain)
		if text == "" {
			return false
		}
		top = maphash.String(w.seed, text)
		if w.tops.has(top) && !s.look.Within(plain) {
			return false
		}
	}
	w.buf = s.Lookalikes(w.buf, name)
	if top != 0 && len(w.buf) == 0 {
		w.tops.add(top)
	}
	return len(w.buf) > 0
}

// canonical tells names that are known to stand in their canonical form: without capitals, and of ASCII alone.
func canonical(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// Read looks for lookalikes among the names of a record; told is told of each, with its finding, which is nil if the table is full.
func (w *Watcher) Read(r *record.Record, stream string, number int64, told func(s *Seen, isNew bool)) {
	s := w.current()
	if s == nil {
		return
	}
	var sources []netip.Addr
	for i, f := range r.Fields {
		if i == maxPlaces {
			return
		}
		switch f.Type {
		case observable.Domain, observable.URL, observable.Email:
		default:
			continue
		}
		h := maphash.String(w.seed, f.Text)
		if w.read.has(h) {
			continue
		}
		w.Looked++
		name, ok := Domain(f)
		if !ok || !w.looks(s, name) {
			w.read.add(h)
			continue
		}
		if sources == nil {
			sources = s.Foreign(r, nil, w.own)
		}
		for _, x := range w.buf {
			k := Key{Of: Lookalike, Asset: x.Asset, At: x.Name, Value: observable.Value{Type: observable.Domain, Text: name}, Why: string(x.Reason), IDN: x.IDN}
			told(w.add(k, r, w.leads(r, sources), stream, number))
		}
	}
}

// leads are the addresses that a name may lead to: not who asked for it.
func (w *Watcher) leads(r *record.Record, all []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range all {
		asked := false
		for _, f := range r.Fields {
			if f.Role == record.Source {
				if x, ok := address(f); ok && x == a {
					asked = true
				}
			}
		}
		if !asked {
			out = append(out, a)
		}
	}
	return out
}

// Hit looks whether a record that met an indicator concerns assets. fields are those that met it.
func (w *Watcher) Hit(r *record.Record, indicator string, value observable.Value, fields []record.Field, stream string, number int64, told func(s *Seen, isNew bool)) {
	s := w.current()
	if s == nil {
		return
	}
	for _, p := range s.Concerns(r, fields) {
		k := Key{Of: Attack, Asset: p.Asset, At: p.At, Value: value, Why: string(p.Role), Indicator: indicator}
		told(w.add(k, r, s.Foreign(r, fields, w.own), stream, number))
	}
}

// add adds a line to the tables.
func (w *Watcher) add(k Key, r *record.Record, sources []netip.Addr, stream string, number int64) (*Seen, bool) {
	if w.Also != nil {
		w.Also.Add(k, &record.Record{Time: r.Time, Host: r.Host}, sources, stream, number)
	}
	return w.Table.Add(k, r, sources, stream, number)
}
