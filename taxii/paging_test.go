package taxii_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/taxii"
)

// oracle selects from a whole collection what a request shall show, straight from the rules in the package's
// documentation and with no paging.
func oracle(all []taxii.Record, ids, types, specs, versions []string, after time.Time) []taxii.Record {
	considered := func(r taxii.Record) bool {
		if len(specs) > 0 {
			return slices.Contains(specs, r.SpecVersion)
		}
		return !slices.ContainsFunc(all, func(o taxii.Record) bool { return o.ID == r.ID && o.SpecVersion > r.SpecVersion })
	}
	order := func(a, b taxii.Record) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Seq, b.Seq))
	}
	var out []taxii.Record
	for _, r := range all {
		if !considered(r) || len(ids) > 0 && !slices.Contains(ids, r.ID) || len(types) > 0 && !slices.Contains(types, r.Type) || !r.Added.After(after) {
			continue
		}
		var same []taxii.Record
		for _, o := range all {
			if o.ID == r.ID && considered(o) {
				same = append(same, o)
			}
		}
		for _, v := range versions {
			if v == "all" || v == "first" && slices.MinFunc(same, order).Seq == r.Seq ||
				v == "last" && slices.MaxFunc(same, order).Seq == r.Seq || v == r.Version {
				out = append(out, r)
				break
			}
		}
	}
	return out
}

var randomRecord = rapid.Custom(func(t *rapid.T) taxii.Record {
	kind := rapid.SampledFrom([]string{"indicator", "malware", "tool"}).Draw(t, "type")
	return object(id(kind, rapid.IntRange(1, 6).Draw(t, "object")),
		rapid.SampledFrom([]string{"2.0", "2.1", "2.1"}).Draw(t, "spec"),
		fmt.Sprintf("2024-01-%02dT00:00:00.000Z", rapid.IntRange(1, 9).Draw(t, "version")))
})

// TestPagingSeesEachObjectOnce: whatever the filter, whoever adds between the pages, through restarts, with a limit that
// changes from page to page, a run of pages shows exactly what one unbounded answer would have shown when it began.
func TestPagingSeesEachObjectOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := taxii.NewMemoryStore(ticking())
		if err := store.AddCollection(taxii.Collection{ID: openID, Title: "x"}); err != nil {
			t.Fatal(err)
		}
		var all []taxii.Record
		grow := func(most int, label string) {
			for _, r := range rapid.SliceOfN(randomRecord, 0, most).Draw(t, label) {
				added, err := store.Add(openID, r)
				if err != nil {
					t.Fatal(err)
				}
				if added.Seq > uint64(len(all)) {
					all = append(all, added)
				}
			}
		}
		grow(60, "before")
		params := map[string]string{}
		var ids, types, specs []string
		versions, after := []string{"last"}, time.Time{}
		list := func(name string, from []string) []string {
			if !rapid.Bool().Draw(t, name+" given") {
				return nil
			}
			values := rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, name)
			params[name] = strings.Join(values, ",")
			return values
		}
		ids = list("match[id]", []string{id("indicator", 1), id("indicator", 2), id("malware", 1), id("tool", 3), "none"})
		types = list("match[type]", []string{"indicator", "malware", "tool"})
		specs = list("match[spec_version]", []string{"2.0", "2.1"})
		if v := list("match[version]", []string{"first", "last", "all", "2024-01-03T00:00:00.000Z", "2024-01-05T00:00:00.000Z"}); v != nil {
			versions = v
		}
		if len(all) > 0 && rapid.Bool().Draw(t, "added_after given") {
			after = rapid.SampledFrom(all).Draw(t, "added_after").Added
			params["added_after"] = taxii.FormatTime(after)
		}
		want := raws(oracle(all, ids, types, specs, versions, after)...)

		o := options(watched{Store: store, ignores: rapid.Bool().Draw(t, "store ignores hints")})
		o.MaxPageBytes = rapid.SampledFrom([]int{1, 500, 1 << 20}).Draw(t, "page bytes")
		var got []string
		next := ""
		for {
			o.Random = bytes.NewReader(make([]byte, 1<<10))
			h, err := taxii.Handler(o) // a restart before every page
			if err != nil {
				t.Fatal(err)
			}
			page := func(limit int) envelope {
				var query []string
				// The order and spelling of the filter's values are not part of it.
				for _, name := range slices.Sorted(maps.Keys(params)) {
					values := strings.Split(params[name], ",")
					slices.Reverse(values)
					query = append(query, name, strings.Join(append(values, values[0]), ","))
					if name == "added_after" {
						query[len(query)-1] = params[name]
					}
				}
				query = append(query, "limit", strconv.Itoa(limit))
				if next != "" {
					query = append(query, "next", next)
				}
				w := get(h, base+"objects/", query...)
				if w.Code != http.StatusOK {
					t.Fatalf("status %d: %s", w.Code, w.Body)
				}
				return readEnvelope(t, w)
			}
			limit := rapid.IntRange(1, 8).Draw(t, "limit")
			e := page(limit)
			grow(5, "between")
			if next != "" { // the first page has no fixed upper end to come back to
				again, other := page(limit), page(limit%8+1)
				if !slices.Equal(texts(again.Objects), texts(e.Objects)) || again.More != e.More || again.Next != e.Next {
					t.Fatalf("the same next gave another page:\n%q\n%q", texts(e.Objects), texts(again.Objects))
				}
				if len(e.Objects) > 0 && !bytes.Equal(other.Objects[0], e.Objects[0]) {
					t.Fatalf("with another limit the page starts elsewhere")
				}
			}
			if len(e.Objects) > limit {
				t.Fatalf("%d objects, limit %d", len(e.Objects), limit)
			}
			got = append(got, texts(e.Objects)...)
			if !e.More {
				break
			}
			if len(e.Objects) == 0 {
				t.Fatal("more is true after a page without objects")
			}
			next = e.Next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

// TestPollingByDateAdded follows a growing collection by added_after alone, as sensors do.
func TestPollingByDateAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := taxii.NewMemoryStore(func() time.Time { return start }) // a clock that stands still
		if err := store.AddCollection(taxii.Collection{ID: openID, Title: "x"}); err != nil {
			t.Fatal(err)
		}
		h, err := taxii.Handler(options(store))
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		after := "2000-01-01T00:00:00Z"
		n := 0
		for range rapid.IntRange(1, 12).Draw(t, "polls") {
			for range rapid.IntRange(0, 5).Draw(t, "added") {
				n++
				r, err := store.Add(openID, object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z"))
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, string(r.Raw))
			}
			w := get(h, base+"objects/", "added_after", after, "limit", strconv.Itoa(rapid.IntRange(1, 4).Draw(t, "limit")))
			got = append(got, texts(readEnvelope(t, w).Objects)...)
			after = cmp.Or(w.Header().Get("X-TAXII-Date-Added-Last"), after)
		}
		got = append(got, texts(readEnvelope(t, get(h, base+"objects/", "added_after", after)).Objects)...)
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

func TestNewestVersionThatArrivesWhilePaging(t *testing.T) {
	store, x, y := newStore(t), id("indicator", 1), id("indicator", 2)
	r := add(t, store, object(y, "2.1", "2024-01-01T00:00:00.000Z"), object(x, "2.1", "2024-01-01T00:00:00.000Z"))
	h := newHandler(t, options(store))
	first := readEnvelope(t, get(h, base+"objects/", "limit", "1"))
	sameStrings(t, texts(first.Objects), raws(r[0]))
	newer := add(t, store, object(x, "2.1", "2024-01-02T00:00:00.000Z"), object(y, "2.1", "2024-01-02T00:00:00.000Z"))
	w := get(h, base+"objects/", "limit", "1", "next", first.Next)
	second := readEnvelope(t, w)
	sameStrings(t, texts(second.Objects), raws(r[1])) // not vanished
	if second.More {
		t.Error("the run grew while it was read")
	}
	poll := readEnvelope(t, get(h, base+"objects/", "added_after", w.Header().Get("X-TAXII-Date-Added-Last")))
	sameStrings(t, texts(poll.Objects), raws(newer...))
	fresh := readEnvelope(t, get(h, base+"objects/"))
	sameStrings(t, texts(fresh.Objects), raws(newer...)) // each once
}

// TestNextWithoutAddedAfter: a client that leaves added_after out from the second page on gets the rest of its run, and one
// that sends the next of an old run with a later added_after gets what was added since, as OpenCTI's connector does both; an
// earlier added_after is refused, since the next skips what it asks for.
func TestNextWithoutAddedAfter(t *testing.T) {
	store := newStore(t)
	var r []taxii.Record
	for n := range 6 {
		r = append(r, add(t, store, object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z"))...)
	}
	h := newHandler(t, options(store))
	since := taxii.FormatTime(r[0].Added)
	first := readEnvelope(t, get(h, base+"objects/", "limit", "3", "added_after", since))
	sameStrings(t, texts(first.Objects), raws(r[1:4]...))
	rest := readEnvelope(t, get(h, base+"objects/", "limit", "3", "next", first.Next))
	sameStrings(t, texts(rest.Objects), raws(r[4:]...))
	if again := readEnvelope(t, get(h, base+"objects/", "limit", "3", "next", first.Next, "added_after", since)); len(again.Objects) != 2 || rest.More || again.More {
		t.Errorf("%+v, %+v", rest, again)
	}
	newer := add(t, store, object(id("indicator", 7), "2.1", "2024-01-02T00:00:00.000Z"), object(id("indicator", 8), "2.1", "2024-01-02T00:00:00.000Z"))
	later := []string{"next", first.Next, "added_after", taxii.FormatTime(r[5].Added), "limit", "1"}
	run := readEnvelope(t, get(h, base+"objects/", later...))
	sameStrings(t, texts(run.Objects), raws(newer[0]))
	run = readEnvelope(t, get(h, base+"objects/", "next", run.Next))
	sameStrings(t, texts(run.Objects), raws(newer[1]))
	for _, earlier := range []string{"2000-01-01T00:00:00Z", taxii.FormatTime(r[0].Added.Add(-time.Microsecond))} {
		checkError(t, get(h, base+"objects/", "next", first.Next, "added_after", earlier), http.StatusBadRequest, "bad-parameter")
	}
}

func TestNextIsBound(t *testing.T) {
	store := newStore(t)
	for n := range 5 {
		r := object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z")
		add(t, store, r)
		if _, err := store.Add(secretID, r); err != nil {
			t.Fatal(err)
		}
	}
	add(t, store, object(id("indicator", 0), "2.1", "2024-01-02T00:00:00.000Z"))
	o := options(store)
	o.Authenticate = taxii.Anonymous(taxii.Principal{Name: "reader", All: true})
	h := newHandler(t, o)
	objects := base + "objects/"
	filter := []string{"match[type]", "indicator,malware", "limit", "2"}
	next := readEnvelope(t, get(h, objects, filter...)).Next
	if next == "" {
		t.Fatal("no next")
	}
	with := func(params ...string) []string { return append(params, "next", next) }
	for _, params := range [][]string{
		with(filter...), with("match[type]", "indicator,malware"), with("match[type]", "malware,indicator,malware", "limit", "1"),
		with("match[type]", "indicator,malware", "match[version]", "last", "match[unknown]", "x"),
	} {
		if w := get(h, objects, params...); w.Code != http.StatusOK {
			t.Errorf("%q: %d: %s", params, w.Code, w.Body)
		}
	}
	otherKey, otherCaller := o, o
	otherKey.NextKey = bytes.Repeat([]byte{8}, 32)
	otherCaller.Authenticate = taxii.Anonymous(taxii.Principal{Name: "rival", All: true})
	for name, w := range map[string]int{
		"without the filter": get(h, objects, with()...).Code,
		"another type":       get(h, objects, with("match[type]", "indicator")...).Code,
		"a filter more":      get(h, objects, with("match[type]", "indicator,malware", "match[version]", "all")...).Code,
		"added_after":        get(h, objects, with("match[type]", "indicator,malware", "added_after", "2000-01-01T00:00:00Z")...).Code,
		"manifest":           get(h, base+"manifest/", with("match[type]", "indicator,malware")...).Code,
		"an object":          get(h, objects+id("indicator", 0)+"/", with("match[type]", "indicator,malware")...).Code,
		"another collection": get(h, "/api1/collections/"+secretID+"/objects/", with("match[type]", "indicator,malware")...).Code,
		"another key":        get(newHandler(t, otherKey), objects, with("match[type]", "indicator,malware")...).Code,
		"another caller":     get(newHandler(t, otherCaller), objects, with("match[type]", "indicator,malware")...).Code,
	} {
		if w != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, w)
		}
	}
	if w := get(h, "/api1/collections/accepted/objects/", with("match[type]", "indicator,malware")...); w.Code != http.StatusOK {
		t.Errorf("the same collection under its alias: %d", w.Code)
	}
	// Every single bit counts.
	token, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(token) * 8 {
		forged := bytes.Clone(token)
		forged[i/8] ^= 1 << (i % 8)
		w := get(h, objects, "match[type]", "indicator,malware", "next", base64.RawURLEncoding.EncodeToString(forged))
		checkError(t, w, http.StatusBadRequest, "bad-parameter")
	}
	// An object's next is of that object alone.
	one := readEnvelope(t, get(h, objects+id("indicator", 0)+"/", "limit", "1", "match[version]", "all"))
	if w := get(h, objects+id("indicator", 1)+"/", "match[version]", "all", "next", one.Next); w.Code != http.StatusBadRequest {
		t.Errorf("next of another object: %d", w.Code)
	}
}

func TestPageBytes(t *testing.T) {
	store := newStore(t)
	var want []string
	for n := range 9 {
		r := object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z")
		size := 100
		if n%3 == 0 {
			size = 5000 // alone larger than a page
		}
		r.Raw = []byte(`{"n":` + strconv.Itoa(n) + `,"fill":"` + strings.Repeat("x", size) + `"}`)
		want = append(want, raws(add(t, store, r)...)...)
	}
	o := options(store)
	o.MaxPageBytes = 1000
	h := newHandler(t, o)
	var got []string
	var sizes []int
	for e := readEnvelope(t, get(h, base+"objects/")); ; e = readEnvelope(t, get(h, base+"objects/", "next", e.Next)) {
		got = append(got, texts(e.Objects)...)
		sizes = append(sizes, len(e.Objects))
		if !e.More {
			break
		}
	}
	sameStrings(t, got, want)
	if !slices.Equal(sizes, []int{1, 2, 1, 2, 1, 2}) {
		t.Errorf("page sizes %v", sizes)
	}
	// The bound is met exactly by two objects of half its size, and does not concern a manifest, which has no objects in
	// it, even if the store hands them out.
	exact := newStore(t)
	for n := range 4 {
		r := object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z")
		r.Raw = []byte(`{"x":"` + strings.Repeat("x", 492) + `"}`)
		add(t, exact, r)
	}
	o = options(watched{Store: exact, ignores: true})
	o.MaxPageBytes = 1000
	if e := readEnvelope(t, get(newHandler(t, o), base+"objects/")); len(e.Objects) != 2 {
		t.Errorf("%d objects of 500 bytes in a page of 1000", len(e.Objects))
	}
	o.MaxPageBytes = 1
	if e := readEnvelope(t, get(newHandler(t, o), base+"manifest/")); len(e.Objects) != 4 {
		t.Errorf("%d records in a manifest", len(e.Objects))
	}
	o = options(store)
	o.MaxLimit = 3
	if e := readEnvelope(t, get(newHandler(t, o), base+"manifest/", "limit", "50")); len(e.Objects) != 3 || !e.More {
		t.Errorf("a manifest under MaxLimit 3: %d records, more %v", len(e.Objects), e.More)
	}
}

// TestVersionsGrowWhilePaging: the list of versions, too, is as of its first page.
func TestVersionsGrowWhilePaging(t *testing.T) {
	store, x := newStore(t), id("indicator", 1)
	add(t, store, object(x, "2.1", "2024-01-01T00:00:00.000Z"), object(x, "2.1", "2024-01-02T00:00:00.000Z"))
	h := newHandler(t, options(store))
	first := readEnvelope(t, get(h, base+"objects/"+x+"/versions/", "limit", "1"))
	add(t, store, object(x, "2.1", "2024-01-03T00:00:00.000Z"))
	second := readEnvelope(t, get(h, base+"objects/"+x+"/versions/", "next", first.Next))
	sameStrings(t, append(first.Versions, second.Versions...), []string{"2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z"})
}
