package taxii_test

import (
	"slices"
	"strings"
	"testing"

	"entente/taxii"
)

// TestFilters names records by a letter: a collection is written as its records, a result as those that are shown.
func TestFilters(t *testing.T) {
	x, y, z := id("indicator", 1), id("malware", 2), id("indicator", 3)
	collection := []taxii.Record{
		object(x, "2.1", "2024-01-02T00:00:00.000Z"),                   // a  12:00:01
		object(x, "2.1", "2024-01-03T00:00:00Z"),                       // b  :02  the last of x
		object(y, "2.0", "2024-01-05T00:00:00.000Z"),                   // c  :03  newer, but of an older specification
		object(y, "2.1", "2024-01-04T00:00:00.000Z"),                   // d  :04
		object(x, "2.1", "2024-01-01T00:00:00.000Z"),                   // e  :05  the first of x, added late
		object(z, "2.0", "2024-01-06T00:00:00.000Z"),                   // f  :06  there in no newer specification
		{ID: id("url", 4), Type: "url", Raw: []byte(`{"type":"url"}`)}, // g  :07  without version
	}
	for _, ignores := range []bool{false, true} {
		store := newStore(t)
		add(t, store, slices.Clone(collection)...)
		h := newHandler(t, options(watched{Store: store, ignores: ignores}))
		for _, tt := range []struct{ params, want string }{
			{"", "bdfg"},
			{"match[version]=last", "bdfg"},
			{"match[version]=first", "defg"},
			{"match[version]=all", "abdefg"},
			{"match[version]=first,last", "bdefg"},
			{"match[version]=all,2024-01-02T00:00:00Z", "abdefg"},
			{"match[version]=2024-01-02T00:00:00.000Z", "a"},
			{"match[version]=2024-01-02T00:00:00Z,2024-01-03T00:00:00.0000Z", "ab"},
			{"match[version]=2024-01-02T00:00:00Z,last", "abdfg"},
			{"match[version]=2024-01-05T00:00:00.000Z", ""}, // c is hidden by d of a newer specification
			{"match[version]=2024-05-01T12:00:07.000000Z", "g"},
			{"match[version]=2023-01-01T00:00:00Z", ""},
			{"match[spec_version]=2.0", "cf"},
			{"match[spec_version]=2.1", "bdg"},
			{"match[spec_version]=2.0,2.1", "bcfg"}, // of y, the last among both
			{"match[spec_version]=2.0,2.1&match[version]=all", "abcdefg"},
			{"match[spec_version]=2.0,2.1&match[version]=first", "defg"},
			{"match[spec_version]=3.0", ""},
			{"match[type]=indicator", "bf"},
			{"match[type]=indicator,url,indicator", "bfg"},
			{"match[type]=Indicator", ""},
			{"match[id]=" + x, "b"},
			{"match[id]=" + y + "," + z + ",unknown", "df"},
			{"match[id]=" + x + "&match[type]=malware", ""},
			{"match[id]=" + x + "&match[version]=all", "abe"},
			{"added_after=2024-05-01T12:00:02Z", "dfg"},
			{"added_after=2024-05-01T12:00:02.000000Z", "dfg"},
			{"added_after=2024-05-01T12:00:01.999999Z", "bdfg"},
			{"added_after=2024-05-01T12:00:04Z", "fg"}, // e was added later but is not the last of x
			{"added_after=2024-05-01T12:00:04Z&match[version]=all", "efg"},
			{"added_after=2024-05-01T12:00:07Z", ""},
			{"added_after=9999-12-31T23:59:59Z", ""},
			{"added_after=0001-01-01T00:00:00Z", "bdfg"},
			{"match[unknown]=x&match[type]=url", "g"},
			{"limit=3", "bdf"},
			{"limit=100000", "bdfg"},
			{"limit=99999999999999999999999999", "bdfg"},
		} {
			var want []string
			for _, letter := range tt.want {
				want = append(want, string(collection[letter-'a'].Raw))
			}
			w := get(h, base+"objects/?"+tt.params)
			t.Run(tt.params, func(t *testing.T) { sameStrings(t, texts(readEnvelope(t, w).Objects), want) })

			manifest := get(h, base+"manifest/?"+tt.params)
			if got := strings.Count(manifest.Body.String(), `"id"`); got != len(tt.want) || manifest.Code != 200 {
				t.Errorf("manifest %s: %d: %d records, want %d", tt.params, manifest.Code, got, len(tt.want))
			}
		}
		for _, tt := range []struct{ params, want string }{
			{"", "2024-01-04T00:00:00.000Z"},
			{"match[spec_version]=2.0", "2024-01-05T00:00:00.000Z"},
			{"match[spec_version]=2.1,2.0", "2024-01-05T00:00:00.000Z 2024-01-04T00:00:00.000Z"},
			{"match[version]=first&match[id]=x", "2024-01-04T00:00:00.000Z"}, // not known there
		} {
			got := readEnvelope(t, get(h, base+"objects/"+y+"/versions/?"+tt.params)).Versions
			if strings.Join(got, " ") != tt.want {
				t.Errorf("versions %s: %q, want %s", tt.params, got, tt.want)
			}
		}
	}
}

// TestSameVersionInTwoSpecifications: of equal versions the one added first is the first, the one added last the last.
func TestSameVersionInTwoSpecifications(t *testing.T) {
	store, x := newStore(t), id("indicator", 1)
	r := add(t, store, object(x, "2.1", "2024-01-01T00:00:00.000Z"), object(x, "2.0", "2024-01-01T00:00:00.000Z"))
	h := newHandler(t, options(store))
	for version, want := range map[string]taxii.Record{"first": r[0], "last": r[1]} {
		e := readEnvelope(t, get(h, base+"objects/", "match[spec_version]", "2.0,2.1", "match[version]", version))
		sameStrings(t, texts(e.Objects), raws(want))
	}
}

// TestVersionsOfTwoSpecificationsAreListedOnce pages over an object that was published in two specifications.
func TestVersionsOfTwoSpecificationsAreListedOnce(t *testing.T) {
	store, x := newStore(t), id("indicator", 1)
	var want []string
	for _, v := range []string{"2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z", "2024-01-03T00:00:00.000Z"} {
		want = append(want, v)
		add(t, store, object(x, "2.0", v))
	}
	for _, v := range want {
		add(t, store, object(x, "2.1", v))
	}
	h := newHandler(t, options(store))
	var got []string
	params := []string{"limit", "1", "match[spec_version]", "2.0,2.1"}
	for e := readEnvelope(t, get(h, base+"objects/"+x+"/versions/", params...)); ; {
		got = append(got, e.Versions...)
		if !e.More {
			break
		}
		e = readEnvelope(t, get(h, base+"objects/"+x+"/versions/", append(params, "next", e.Next)...))
	}
	sameStrings(t, got, want)
}

func TestTimestamps(t *testing.T) {
	for s, want := range map[string]string{
		"2024-01-02T03:04:05Z":             "2024-01-02T03:04:05.000000Z",
		"2024-01-02T03:04:05.1Z":           "2024-01-02T03:04:05.100000Z",
		"2024-01-02T03:04:05.123456Z":      "2024-01-02T03:04:05.123456Z",
		"2024-01-02T03:04:05.1234567890Z":  "2024-01-02T03:04:05.123456Z",
		"2024-02-29T23:59:59.999999999Z":   "2024-02-29T23:59:59.999999Z",
		"0000-01-01T00:00:00Z":             "0000-01-01T00:00:00.000000Z",
		"2023-02-29T00:00:00Z":             "",
		"2024-01-02T24:00:00Z":             "",
		"2024-01-02T03:04:60Z":             "",
		"2024-01-02 03:04:05Z":             "",
		"2024-01-02T03:04:05":              "",
		"2024-01-02T03:04:05+00:00":        "",
		"2024-01-02T03:04:05.Z":            "",
		"2024-01-02T03:04:05.1e3Z":         "",
		"02024-01-02T03:04:05Z":            "",
		"":                                 "",
		"Z":                                "",
		"２０２４-01-02T03:04:05Z":             "",
		"2024-01-02T03:04:05.000000Z\x00Z": "",
	} {
		got, err := taxii.ParseTime(s)
		if (err == nil) != (want != "") || err == nil && taxii.FormatTime(got) != want {
			t.Errorf("%q: %v, %v; want %q", s, got, err, want)
		}
	}
}
