package node

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"entente/stix"
)

// TestImportOfLists: a list becomes indicators, the same ones when it is read again,
// and a new version of one that has run out.
func TestImportOfLists(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	list := ImportRequest{Name: "feed.txt", Unmarked: "amber", ValidFor: 24 * time.Hour}
	text := "evil[.]example[.]com\n198.51.100.7 # seen\nnot a value\nd41d8cd98f00b204e9800998ecf8427e\n"
	first := must[*ImportResponse](t)(a.Import(ctx, list, strings.NewReader(text), nil))
	if first.Format != "list" || first.New != 3 || first.BadCount != 1 || first.Bad[0].Path != "line 3" || first.Held {
		t.Fatalf("%+v", first)
	}
	again := must[*ImportResponse](t)(a.Import(ctx, list, strings.NewReader(text+"more.example.com\n"), nil))
	if again.New != 1 || again.Known != 3 {
		t.Errorf("read again: %+v", again)
	}
	found := must[*SearchResponse](t)(a.Search(ctx, SearchRequest{Value: "evil.example.com"}))
	if len(found.Objects) != 1 || found.Objects[0].State != "accepted" || !strings.Contains(string(found.Objects[0].Object), "55d920b0") {
		t.Errorf("%+v", found)
	}
	for _, bad := range []struct {
		r    ImportRequest
		text string
	}{
		{ImportRequest{As: "list"}, "nothing here\nis a value\n"},
		{ImportRequest{As: "colour"}, "x"},
		{ImportRequest{As: "table"}, "a b c\nd e f\n"},
		{ImportRequest{As: "table", Layout: "value=0"}, "a,b\n"},
		{ImportRequest{As: "list", ValidFor: -1}, "a.example.com\n"},
		{ImportRequest{As: "page", Date: "yesterday"}, "A title\n\nSomebody broke into the mail of the council and left with letters of its officers, it said.\n"},
		{ImportRequest{As: "page"}, "A title\n\nSomebody broke into the mail of the council and left with letters of its officers, it said.\n"},
		{ImportRequest{}, "\x00\x01\x02"},
	} {
		var e *Error
		if _, err := a.Import(ctx, bad.r, strings.NewReader(bad.text), nil); !errors.As(err, &e) || e.Next == "" {
			t.Errorf("%+v %q: %v", bad.r, bad.text, err)
		}
	}
}

// TestImportOfTables: a table is read by its layout, detected or declared.
func TestImportOfTables(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	res := must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "feed.csv"}, strings.NewReader("type,value,tlp\ndomain,evil.example.com,TLP:GREEN\nsha256,nonsense,\n"), nil))
	if res.Format != "table" || res.New != 1 || res.BadCount != 1 || res.Layout != "type=1,value=2,tlp=3,separator=comma,header=yes" {
		t.Errorf("%+v", res)
	}
}

// TestImportOfUTF16: what Windows tools write (UTF-16 behind a byte order mark) is read, plain and compressed; JSON in it is
// refused, since what is kept is what came.
func TestImportOfUTF16(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	wide := func(s string, order binary.AppendByteOrder) string {
		b := order.AppendUint16(nil, 0xfeff)
		for _, u := range utf16.Encode([]rune(s)) {
			b = order.AppendUint16(b, u)
		}
		return string(b)
	}
	zip := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}
	table := "indicator,comment\r\nevil.example.com,Größe\r\n198.51.100.7,\r\n"
	for name, text := range map[string]string{"little": wide(table, binary.LittleEndian), "big": wide(table, binary.BigEndian),
		"packed": zip(wide(table, binary.LittleEndian)), "UTF-8": "\ufeff" + table, "UTF-8 packed": zip("\ufeff" + table)} {
		res, err := a.Import(ctx, ImportRequest{Name: "feed.csv", DryRun: true}, strings.NewReader(text), nil)
		if err != nil || res.Format != "table" || res.New != 2 || res.BadCount != 0 || res.Layout != "value=1,note=2,separator=comma,header=yes" {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	var e *Error
	if _, err := a.Import(ctx, ImportRequest{DryRun: true}, strings.NewReader(wide(`{"type":"bundle","objects":[]}`, binary.LittleEndian)), nil); !errors.As(err, &e) || !strings.Contains(e.Why, "UTF-16") {
		t.Errorf("JSON in UTF-16: %v", err)
	}
}

// TestImportOfAPage: a page becomes a draft that waits in intake, is found nowhere,
// and survives a rebuild; accepted, it is what the node knows.
func TestImportOfAPage(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	page := "A breach of the council\n\nOn 3 June 2019 the council said that CVE-2016-5195 was used from 198.51.100[.]7 and evil[.]example[.]com to get at its mail.\n\nSource: Example News\n"
	dry := must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "page", DryRun: true}, strings.NewReader(page), nil))
	if dry.Page == nil || dry.Page.Date != "2019-06-03" || dry.Page.Title != "A breach of the council" || len(dry.Page.Named) != 3 {
		t.Fatalf("%+v", dry.Page)
	}
	res := must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "page"}, strings.NewReader(page), nil))
	if !res.Held || res.New != 5 {
		t.Fatalf("%+v", res)
	}
	value := SearchRequest{Value: "198.51.100.7"}
	if found := must[*SearchResponse](t)(a.Search(ctx, value)); len(found.Objects) != 0 {
		t.Fatalf("a draft is found before anybody has confirmed it: %+v", found)
	}
	before := must[[32]byte](t)(a.intel.Digest(ctx))
	must[*RebuildResponse](t)(a.Rebuild(ctx, func(Progress) {}))
	if after := must[[32]byte](t)(a.intel.Digest(ctx)); after != before {
		t.Error("a rebuild derives something else from a draft")
	}
	waiting := must[*IntakeResponse](t)(a.Intake(ctx, IntakeRequest{}))
	if len(waiting.Items) != 5 || waiting.Items[0].Code != "draft" || waiting.Items[0].From != "page" || waiting.Items[0].Ref != "" {
		t.Fatalf("%+v", waiting)
	}
	var items []string
	for _, it := range waiting.Items {
		items = append(items, it.Item)
	}
	must[*IntakeDecideResponse](t)(a.DecideIntake(ctx, IntakeDecideRequest{Items: items, Accept: true}))
	if found := must[*SearchResponse](t)(a.Search(ctx, value)); len(found.Objects) != 1 {
		t.Errorf("accepted, and not found: %+v", found)
	}
}

// TestImportOfSavedReports: the two reports that the project began with.
func TestImportOfSavedReports(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/reports/*.txt")
	if len(files) == 0 {
		t.Skip("shared/data/reports is not beside this checkout")
	}
	a := newParty(t, "North")
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		res := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: filepath.Base(file)}, f, nil))
		f.Close()
		if !res.Held || res.Types["report"] != 1 || res.Page.Language != "vi" {
			t.Errorf("%s: %+v", file, res)
		}
	}
}

// TestImportListsSoManyBadLines: bad lines are all counted, and so many listed.
func TestImportListsSoManyBadLines(t *testing.T) {
	a := newParty(t, "North")
	for more, listed := range []int{maxBadListed, maxBadListed} {
		res := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{As: "list", DryRun: true}, strings.NewReader("good.example.com\n"+strings.Repeat("no value\n", maxBadListed+more)), nil))
		if res.BadCount != int64(maxBadListed+more) || len(res.Bad) != listed || res.New != 1 {
			t.Errorf("%d more: %d bad, %d listed, %d new", more, res.BadCount, len(res.Bad), res.New)
		}
	}
}

const mispEvent = `{"response":[{"Event":{"uuid":"5c6ab833-676c-42f3-95d2-034f0a00020f","info":"A breach","date":"2019-02-18","threat_level_id":"1","analysis":"2","published":true,"timestamp":"1550506225","publish_timestamp":"1550506225","Orgc":{"name":"Example CERT","uuid":"5c6ab833-676c-42f3-95d2-034f0a000210"},"Tag":[{"name":"tlp:amber"}],
"Attribute":[{"uuid":"5c6ab833-676c-42f3-95d2-034f0a000211","type":"domain","category":"Network activity","value":"evil.example.com","to_ids":true,"timestamp":"1550506225"},{"uuid":"5c6ab833-676c-42f3-95d2-034f0a000212","type":"ip-dst","category":"Network activity","value":"203.0.113.9","to_ids":true,"timestamp":"1550506225"}]}},{"Event":"not one"}]}`

// TestImportOfMISP: events become STIX with their markings; one that is none is listed,
// and what is read again is known.
func TestImportOfMISP(t *testing.T) {
	a := newParty(t, "North")
	res := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "misp.json"}, strings.NewReader(mispEvent), nil))
	if res.Format != "misp" || res.Types["indicator"] != 2 || res.BadCount != 1 || res.Held {
		t.Fatalf("%+v", res)
	}
	found := must[*SearchResponse](t)(a.Search(t.Context(), SearchRequest{Value: "evil.example.com", Type: "indicator"}))
	if len(found.Objects) != 1 || !strings.Contains(string(found.Objects[0].Object), stix.TLP2Amber) {
		t.Errorf("%+v", found)
	}
	again := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "misp.json"}, strings.NewReader(mispEvent), nil))
	if again.New != 0 {
		t.Errorf("read again: %+v", again)
	}
	var e *Error
	if _, err := a.Import(t.Context(), ImportRequest{As: "misp"}, strings.NewReader(`{"Event":[]}`), nil); !errors.As(err, &e) {
		t.Errorf("no event: %v", err)
	}
}

// TestImportOfRealEvents: MISP's and ESET's own events, all of them.
func TestImportOfRealEvents(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/misp/*.json")
	if len(files) == 0 {
		t.Skip("shared/data/misp is not beside this checkout")
	}
	a := newParty(t, "North")
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		res := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: filepath.Base(file)}, f, nil))
		f.Close()
		if res.Format != "misp" || res.BadCount != 0 || res.Types["report"]+res.Types["grouping"] != 1 {
			t.Errorf("%s: %+v", file, res)
		}
	}
}

// TestImportOfChangedEvent: an attribute that is for detection no more, or deleted, leaves
// the feeds with the next import of its event; an older state of it changes nothing, and
// nor does an event of another organisation.
func TestImportOfChangedEvent(t *testing.T) {
	a := newParty(t, "North")
	uuid := func(n int) string { return fmt.Sprintf("5c000000-0000-4000-8000-%012d", n) }
	attribute := func(n int, stamp int64, typ, value, more string) string {
		return fmt.Sprintf(`{"uuid":"%s","type":"%s","category":"Network activity","value":"%s","timestamp":"%d"%s}`, uuid(n), typ, value, stamp, more)
	}
	load := func(org int, attributes, objects string) {
		t.Helper()
		event := fmt.Sprintf(`{"Event":{"uuid":"%s","info":"x","date":"2024-01-01","timestamp":"1704100000","published":true,"Orgc":{"uuid":"%s","name":"O"},"Tag":[{"name":"tlp:clear"}],"Attribute":[%s],"Object":[%s]}}`,
			uuid(1), uuid(org), attributes, objects)
		if res := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "e"}, strings.NewReader(event), nil)); res.BadCount != 0 {
			t.Fatalf("%+v", res)
		}
	}
	object := func(stamp int64, ids string) string {
		return fmt.Sprintf(`{"uuid":"%s","name":"domain-ip","timestamp":"1704100000","Attribute":[%s]}`, uuid(20),
			attribute(21, stamp, "domain", "four.example.org", `,"object_relation":"domain"`+ids))
	}
	want := func(names ...string) {
		t.Helper()
		if got := lines(t, sensor(t, a, "/feeds/list")); !slices.Equal(got, names) {
			t.Errorf("sensors are given %q, want %q", got, names)
		}
	}
	const on, off = `,"to_ids":true`, `,"to_ids":false`
	before := strings.Join([]string{attribute(11, 1704100000, "domain", "one.example.org", on), attribute(12, 1704100000, "domain", "two.example.org", on),
		attribute(13, 1704100000, "domain", "three.example.org", on)}, ",")
	after := strings.Join([]string{attribute(11, 1704200000, "domain", "one.example.org", off), attribute(12, 1704200000, "domain", "two.example.org", on+`,"deleted":true`),
		attribute(13, 1704100000, "domain", "three.example.org", on)}, ",")
	load(9, before, object(1704100000, on))
	want("four.example.org", "one.example.org", "three.example.org", "two.example.org")
	load(8, after, object(1704200000, off))
	want("four.example.org", "one.example.org", "three.example.org") // who deletes says so in the attribute itself
	load(9, after, object(1704200000, off))
	want("three.example.org")
	load(9, before, object(1704100000, on))
	want("three.example.org")
	load(9, strings.ReplaceAll(after, "1704200000", "1704300000"), object(1704300000, off))
	want("three.example.org")
	// For detection again.
	load(9, attribute(11, 1704400000, "domain", "one.example.org", on), "")
	want("one.example.org", "three.example.org")
}

// TestImportWhole: of a file that is asked for whole, nothing is taken in if any of it is bad or it breaks off, and the place is
// told; a good one is taken in as any other.
func TestImportWhole(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	whole := func(text string, dry bool) (*ImportResponse, error) {
		as := "stix"
		if strings.HasPrefix(text, "evil") {
			as = "list"
		}
		return a.Import(ctx, ImportRequest{Name: "x", As: as, Whole: true, DryRun: dry}, strings.NewReader(text), nil)
	}
	for name, text := range map[string]string{"a bad object": strings.Replace(threeIndicators, `"objects":[`, `"objects":[7,`, 1), "cut": threeIndicators[:len(threeIndicators)-10], "bad lines": "evil.example.com\nnothing to see\n198.51.100.7\n"} {
		_, err := whole(text, false)
		var e *Error
		if !errors.As(err, &e) || e.Status != 400 || e.Why == "" || strings.Contains(e.Why, "were taken in") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "a bad object" && !strings.Contains(e.Why, "objects[0]") {
			t.Errorf("%s: no place: %s", name, e.Why)
		}
	}
	if c := must[ObjectCounts](t)(a.counts(ctx)); c.Accepted != 0 || c.Quarantined != 0 {
		t.Fatalf("%+v", c)
	}
	if res, err := whole(threeIndicators, true); err != nil || !res.DryRun || res.New != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	if c := must[ObjectCounts](t)(a.counts(ctx)); c.Accepted != 0 {
		t.Errorf("a dry run: %+v", c)
	}
	if res, err := whole(threeIndicators, false); err != nil || res.DryRun || res.New != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	if c := must[ObjectCounts](t)(a.counts(ctx)); c.Accepted < 3 {
		t.Errorf("%+v", c)
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(a.at.spool())); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

// TestImportUnpacked: a file may come as gzip, is told apart by what is in it, and a
// bomb ends in an error instead of in silence.
func TestImportUnpacked(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	pack := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := io.WriteString(z, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	list := "evil.example.com\n198.51.100.7\n"
	if res := must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "list"}, strings.NewReader(pack(list)), nil)); res.Format != "list" || res.New != 2 {
		t.Errorf("a list: %+v", res)
	}
	if res := must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "stix"}, strings.NewReader(pack(threeIndicators)), nil)); !strings.Contains(res.Format, "stix") || !strings.Contains(res.Format, "gzip") || res.New != 3 {
		t.Errorf("a bundle: %+v", res)
	}
	var e *Error
	if _, err := a.Import(ctx, ImportRequest{Name: "twice"}, strings.NewReader(pack(pack(list))), nil); !errors.As(err, &e) || e.Next == "" {
		t.Errorf("gzip in gzip: %v", err)
	}
	if _, err := a.Import(ctx, ImportRequest{Name: "cut"}, strings.NewReader(pack(strings.Repeat(list, 5000))[:300]), nil); !errors.As(err, &e) || e.Next == "" {
		t.Errorf("half a file: %v", err)
	}
	for left, want := range map[int64]error{int64(len(list)): nil, int64(len(list)) - 1: &Error{}} {
		got, err := io.ReadAll(&boundedReader{r: strings.NewReader(list), left: left})
		if (want == nil) != (err == nil) || int64(len(got)) != left {
			t.Errorf("%d bytes of room: %d read, %v", left, len(got), err)
		}
	}
}
