package node

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// mmdbValue encodes a value in the format of MaxMind DB 2.0: texts, numbers of 32 bits, lists of texts and maps.
func mmdbValue(v any) []byte {
	head := func(kind, size int) []byte {
		if size >= 29 {
			return []byte{byte(kind<<5 | 29), byte(size - 29)}
		}
		return []byte{byte(kind<<5 | size)}
	}
	switch v := v.(type) {
	case string:
		return append(head(2, len(v)), v...)
	case uint16:
		return append(head(5, 2), byte(v>>8), byte(v))
	case uint32:
		return binary.BigEndian.AppendUint32(head(6, 4), v)
	case uint64: // a type beyond 7 is told in a byte of its own
		return binary.BigEndian.AppendUint64([]byte{8, 9 - 7}, v)
	case []string:
		out := []byte{byte(len(v)), 11 - 7}
		for _, s := range v {
			out = append(out, mmdbValue(s)...)
		}
		return out
	case map[string]any:
		out := head(7, len(v))
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			out = append(append(out, mmdbValue(k)...), mmdbValue(v[k])...)
		}
		return out
	}
	panic("no such type")
}

// mmdb writes a database of IPv4 networks, with records of 24 bits.
func mmdb(kind string, records map[string]map[string]any) []byte {
	type node struct{ next [2]int } // 0: nothing; above 0: a node; below: a record
	nodes := []node{{}}
	var data []byte
	prefixes := make([]string, 0, len(records))
	for p := range records {
		prefixes = append(prefixes, p)
	}
	slices.Sort(prefixes)
	var offsets []int
	for _, text := range prefixes {
		p := netip.MustParsePrefix(text)
		raw, at := p.Addr().As4(), 0
		for i := range p.Bits() {
			bit := raw[i/8] >> (7 - i%8) & 1
			if i == p.Bits()-1 {
				offsets = append(offsets, len(data))
				nodes[at].next[bit] = -len(offsets)
				break
			}
			if nodes[at].next[bit] == 0 {
				nodes = append(nodes, node{})
				nodes[at].next[bit] = len(nodes) - 1
			}
			at = nodes[at].next[bit]
		}
		data = append(data, mmdbValue(records[text])...)
	}
	var out []byte
	for _, n := range nodes {
		for _, x := range n.next {
			v := len(nodes)
			switch {
			case x > 0:
				v = x
			case x < 0:
				v = len(nodes) + 16 + offsets[-x-1]
			}
			out = append(out, byte(v>>16), byte(v>>8), byte(v))
		}
	}
	out = append(append(out, make([]byte, 16)...), data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return append(out, mmdbValue(map[string]any{"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1_700_000_000),
		"database_type": kind, "description": map[string]any{}, "ip_version": uint16(4), "languages": []string{"en"}, "node_count": uint32(len(nodes)), "record_size": uint16(24)})...)
}

func countryRecord(iso string) map[string]any {
	return map[string]any{"country": map[string]any{"iso_code": iso}}
}

func testCountries() []byte {
	return mmdb("Test-Country", map[string]map[string]any{"203.0.113.0/24": countryRecord("FR"), "198.51.100.0/24": countryRecord("DE"), "8.0.0.0/8": {"registered_country": map[string]any{"iso_code": "US"}}})
}

// TestGeo: country and system of an address are those of the databases; a database that is replaced is read again; one that is damaged, cut, missing or
// something else is told of, and nothing else follows.
func TestGeo(t *testing.T) {
	dir := t.TempDir()
	countries, systems := filepath.Join(dir, "c.mmdb"), filepath.Join(dir, "s.mmdb")
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(countries, testCountries())
	write(systems, mmdb("Test-ASN", map[string]map[string]any{"203.0.113.0/25": {"autonomous_system_number": uint32(64500), "autonomous_system_organization": "Example Net"}}))
	fs, now := testOptions(t).withDefaults().FS, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := new(geo)
	paths := []string{countries, systems}
	for text, want := range map[string]origin{"203.0.113.7": {"FR", "64500", "Example Net"}, "203.0.113.200": {country: "FR"}, "198.51.100.1": {country: "DE"}, "8.8.8.8": {country: "US"}, "192.0.2.1": {}, "2001:db8::1": {}} {
		if got := g.of(fs, paths, now, netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	if v := g.view(fs, paths, now); v.Fault != "" || len(v.Types) != 2 || v.Built.Year() != 2023 {
		t.Errorf("%+v", v)
	}

	whole := testCountries()
	for name, data := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}, "text": []byte("no database"), "no tree": whole[200:]} {
		write(countries, data)
		now = now.Add(2 * geoCheck)
		if got := g.of(fs, paths, now, netip.MustParseAddr("203.0.113.7")); got.country != "" || got.system != "64500" {
			t.Errorf("%s: %+v", name, got)
		}
		if v := g.view(fs, paths, now); !strings.Contains(v.Fault, "c.mmdb") {
			t.Errorf("%s: it is not told: %+v", name, v)
		}
	}
	if err := os.Remove(countries); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * geoCheck)
	if v := g.view(fs, paths, now); v.Fault == "" {
		t.Error("a missing database is not told")
	}
	write(countries, mmdb("Test-Country", map[string]map[string]any{"203.0.113.0/24": countryRecord("BE")}))
	now = now.Add(2 * geoCheck)
	if got := g.of(fs, paths, now, netip.MustParseAddr("203.0.113.7")); got.country != "BE" {
		t.Errorf("a database that came back is not read: %+v", got)
	}
}

// TestGeoConfig: what is no path, and too many, are refused.
func TestGeoConfig(t *testing.T) {
	a := newParty(t, "North")
	for _, text := range []string{"watch: {databases: [x.mmdb]}", "watch: {databases: [/a, /b, /c, /d, /e]}"} {
		if _, err := parseConfig(a.dir, []byte("name: North\n"+text)); err == nil || !strings.Contains(err.Error(), "watch.databases") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzGeo: whatever a database holds, asking it ends with an answer or an error, and what it names a country has two letters.
func FuzzGeo(f *testing.F) {
	whole := testCountries()
	f.Add(whole, uint32(0xcb007107))
	f.Add(whole[:len(whole)/2], uint32(1))
	f.Add(mmdb("Test-ASN", map[string]map[string]any{"203.0.113.0/25": {"autonomous_system_number": uint32(64500), "autonomous_system_organization": strings.Repeat("x", 250)}}), uint32(0xcb007107))
	f.Fuzz(func(t *testing.T, data []byte, addr uint32) {
		db, err := openGeo(data)
		if err != nil {
			return
		}
		a := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, addr)))
		g := &geo{checked: time.Unix(1, 0), files: []geoFile{{path: "x", db: db}}}
		o := g.of(nil, []string{"x"}, time.Unix(2, 0), a)
		if o.country != "" && len(o.country) != 2 || len(o.network) > 200 {
			t.Fatalf("%+v", o)
		}
	})
}
