package taxii

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
)

var allFields = matchFields{id: true, kind: true, spec: true, version: true}

// FuzzQuery: whatever is read stays within its bounds, and reading it again from its canonical spelling gives the same
// filter.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		"", "limit=5&added_after=2024-01-01T00:00:00.123456Z", "match[id]=a,b&match[type]=c&match[spec_version]=2.0,2.1",
		"match%5Bversion%5D=first,last,2024-01-01T00:00:00Z", "match[version]=all", "limit=0", "next=x", "a=%zz", "a;b", "match[id]=,",
		"added_after=2024-01-01T00:00:00Z&added_after=2024-01-01T00:00:00Z", "limit=18446744073709551616", "match[type]=%00,%ff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseQuery(raw, allFields)
		if err != nil {
			if err.Error() == "" || len(err.Error()) > 2000 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if p.limit < 0 || len(p.next) > nextChars || len(raw) > maxQueryBytes {
			t.Fatalf("out of bounds: %+v", p)
		}
		values := url.Values{}
		for name, list := range map[string][]string{"match[id]": p.filter.ids, "match[type]": p.filter.kinds, "match[spec_version]": p.filter.specs} {
			if len(list) > maxMatchValues || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Fatalf("%s: %q", name, list)
			}
			if len(list) > 0 {
				values.Set(name, strings.Join(list, ","))
			}
		}
		if !p.filter.addedAfter.IsZero() {
			values.Set("added_after", p.filter.addedAfter.Format("2006-01-02T15:04:05.000000000Z"))
		}
		var versions []string
		v := p.filter.versions
		for name, on := range map[string]bool{"all": v.all, "first": v.first, "last": v.last} {
			if on {
				versions = append(versions, name)
			}
		}
		for _, at := range v.exact {
			versions = append(versions, at.Format("2006-01-02T15:04:05.000000000Z"))
		}
		if len(versions) == 0 {
			t.Fatal("no version can match")
		}
		values.Set("match[version]", strings.Join(versions, ","))
		if len(values.Encode()) > maxQueryBytes {
			return
		}
		again, err := parseQuery(values.Encode(), allFields)
		if err != nil {
			t.Fatalf("%q, read from %q: %v", values.Encode(), raw, err)
		}
		if !bytes.Equal(again.filter.canonical(), p.filter.canonical()) {
			t.Fatalf("%+v, again %+v", p.filter, again.filter)
		}
	})
}

// FuzzAccept: no header brings the negotiation down, and an item that cannot match does not take away what does.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{
		"", "*/*", "application/taxii+json;version=2.1;q=0.5", "application/*;q=0", `a/b;c="d,e\"";q=1, */*`, ";;;,,,", `"`, "application/taxii+json;q=1.0000",
		`application/taxii+json;version="2.1"`, "gzip;q=0, *", "gzip; Q=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		acceptsGzip([]string{line})
		accepted := acceptsTAXII([]string{line})
		if with := acceptsTAXII([]string{"text/html", line}); len(line) < maxAcceptBytes-100 && strings.Count(line, ",") < maxAcceptItems-2 && with != accepted {
			t.Fatalf("%q: %v, behind text/html %v", line, accepted, with)
		}
		if !acceptsTAXII([]string{"application/taxii+json;version=2.1", "image/png"}) {
			t.Fatal("refused")
		}
	})
}

// FuzzNext: nothing but what was given out is taken, and what was given out comes back whole.
func FuzzNext(f *testing.F) {
	key := bytes.Repeat([]byte{1}, minNextKey)
	scope := nextScope{root: "/a/", collection: "c", endpoint: "objects", principal: "p"}
	f.Add("", uint64(0), uint64(0), int64(0), "c")
	f.Add(encodeNext(key, scope, cursor{after: 5, upTo: 9}), uint64(5), uint64(9), int64(0), "c")
	f.Add(strings.Repeat("A", nextChars), uint64(1), uint64(1<<63), int64(-1<<63), "d")
	f.Fuzz(func(t *testing.T, foreign string, after, upTo uint64, since int64, collection string) {
		scope.collection = collection
		want := cursor{after: after, upTo: upTo, since: since}
		own := encodeNext(key, scope, want)
		if got, err := decodeNext(key, scope, own); err != nil || got != want {
			t.Fatalf("own value: %+v, %v", got, err)
		}
		if got, err := decodeNext(key, scope, foreign); err == nil && encodeNext(key, scope, got) != foreign {
			t.Fatalf("took %q, which this server never gave out", foreign)
		}
		scope.collection += "x"
		if _, err := decodeNext(key, scope, own); err == nil {
			t.Fatal("took the value of another collection")
		}
	})
}

// FuzzTimestamp: what is read and written again is the same instant, and nothing but the strict form is read.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2024-01-02T03:04:05Z", "2024-01-02T03:04:05.123456Z", "2024-01-02T03:04:05,1Z", "2024-13-02T03:04:05Z", "9999-12-31T23:59:59.999999999Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := ParseTime(s)
		if err != nil {
			return
		}
		if again, err := ParseTime(FormatTime(at)); err != nil || at.Sub(again) < 0 || at.Sub(again) >= 1000 {
			t.Fatalf("%q: %v, then %v, %v", s, at, again, err)
		}
		if s[:19] != FormatTime(at)[:19] {
			t.Fatalf("%q is read as %v", s, at)
		}
	})
}

func TestCompareSpec(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"2.1", "2.1", 0}, {"2.0", "2.1", -1}, {"2.10", "2.9", 1}, {"2", "2.0", -1}, {"3", "2.1", 1}, {"x", "2.1", 1}, {"", "2.0", -1}} {
		if got := compareSpec(tt.a, tt.b); got != tt.want || compareSpec(tt.b, tt.a) != -tt.want {
			t.Errorf("compareSpec(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestVersionsThatAreNoTimes(t *testing.T) {
	order := []string{"", "next", "2024-01-01T00:00:00+02:00", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000001Z"}
	for i, a := range order {
		for j, b := range order {
			if got := parseVersion(a).compare(parseVersion(b)); got < 0 != (i < j) || got == 0 != (i == j) {
				t.Errorf("%q against %q: %d", a, b, got)
			}
		}
	}
}
