package intel

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"entente/stix"

	"github.com/klauspost/compress/zstd"
)

// FuzzRows reads any bytes as rows of the derived database. A row that is read is
// written as it was, so nothing in it is believed and lost.
func FuzzRows(f *testing.F) {
	o, err := stix.Parse([]byte(`{"type":"domain-name","spec_version":"2.1","id":"domain-name--00000000-0000-4000-8000-00000000000d","value":"a.example"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(docValue(metaOf(o), o.Raw))
	f.Add(appendVariant(appendVariant(nil, variant{seq: 1, base: 2}), variant{seq: 3, base: 4}))
	f.Add(moreValue(7, collID{1}))
	f.Add(appendList(nil, []uint32{0, 1, 5, 300, maxSlots - 1}))
	f.Add(value8(9))
	f.Add(appendMembers(nil, []member{
		{seq: 7, version: "2026-01-01T00:00:00.000Z", spec: "2.1", places: []spot{{allColl(), 7}, {collID{1}, 9}}},
		{seq: 8, version: "2026-01-02T00:00:00.000Z", spec: "2.1", lost: true},
	}))
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, raw, err := parseDoc(b); err == nil {
			m2, raw2, err := parseDoc(docValue(m, raw))
			if err != nil || m2 != m || !bytes.Equal(raw, raw2) {
				t.Fatalf("%+v became %+v: %v", m, m2, err)
			}
		} else if !errors.Is(err, errBadRow) {
			t.Fatal(err)
		}
		if vs, err := parseVariants(b); err == nil {
			var again []byte
			for _, v := range vs {
				again = appendVariant(again, v)
			}
			if !bytes.Equal(again, b) {
				t.Fatalf("%x became %x", b, again)
			}
		}
		if base, c, err := parseMore(b); err == nil && !bytes.Equal(moreValue(base, c), b) {
			t.Fatalf("%x is not kept", b)
		}
		if l, err := parseList(b); err == nil {
			again, err := parseList(appendList(nil, l))
			if err != nil || !slices.Equal(again, l) || !slices.IsSorted(l) || len(slices.Compact(again)) != len(l) {
				t.Fatalf("%x is the list %v, which became %v: %v", b, l, again, err)
			}
		} else if !errors.Is(err, errBadRow) {
			t.Fatal(err)
		}
		if ms, err := parseMembers(b); err == nil {
			again, err := parseMembers(appendMembers(nil, ms))
			if err != nil || !slices.EqualFunc(ms, again, func(a, b member) bool {
				return a.seq == b.seq && a.version == b.version && a.spec == b.spec && a.lost == b.lost && slices.Equal(a.places, b.places)
			}) {
				t.Fatalf("%+v became %+v: %v", ms, again, err)
			}
			if _, err := groupBeside(b, allColl()); err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, errBadRow) {
			t.Fatal(err)
		}
		if n, err := number(b); err == nil && !bytes.Equal(value8(n), b) {
			t.Fatalf("%x is not kept", b)
		}
	})
}

// FuzzImportRecord reads any bytes as the objects of a record of the local log.
func FuzzImportRecord(f *testing.F) {
	it, err := parseItem([]byte(`{"type":"domain-name","spec_version":"2.1","id":"domain-name--00000000-0000-4000-8000-00000000000d","value":"a.example"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendItem(appendItem(nil, &it, false), &it, true), true)
	f.Add([]byte{tagKnown, 1, 2}, true)
	f.Add([]byte{tagText, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, true)
	f.Add([]byte("no zstd"), false)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, compress bool) {
		body := b
		if compress {
			b = enc.EncodeAll(b, nil)
		}
		items, err := decodeItems(b)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Fatal(err)
			}
			return
		}
		if !compress {
			return
		}
		var again []byte
		for i := range items {
			again = appendItem(again, &items[i], items[i].raw == nil)
		}
		if back, err := decodeItems(enc.EncodeAll(again, nil)); err != nil || len(back) != len(items) || len(again) > len(body) {
			t.Fatalf("%d items became %d: %v", len(items), len(back), err)
		}
	})
}

// FuzzNames reads any text as the names that come in over API and TAXII: of items
// in intake, of collections.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"abc123", "0", "-1", "ZZZ", "zzzzzzzzzzzzzzzzzz", "00000000-0000-4000-8000-00000000000D", "\u212a", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if slot, err := parseItemName(s); err == nil && (slot <= 0 || itemName(slot) != s) {
			t.Fatalf("%q is item %d", s, slot)
		}
		if c, err := parseColl(s); err == nil {
			if text, err := c.MarshalText(); err != nil || string(text) != strings.ToLower(s) {
				t.Fatalf("%q is collection %s: %v", s, text, err)
			}
		}
	})
}
