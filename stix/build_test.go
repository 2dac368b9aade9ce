package stix

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func TestBuild(t *testing.T) {
	bytes := [16]byte{0xff, 1, 2, 3, 4, 5, 0xff, 7, 0xff}
	cases := []struct {
		b    *Builder
		want string
	}{
		{Build("indicator").Set("pattern", "[url:value='http://x.example/<&>']").Set("x_b", 1.5).Set("x_a", []string{"é"}).Set("valid_from", noon).
			Set("pattern_type", "stix").Random(bytes).At(noon.Add(1500*time.Microsecond)).Set("labels", []string{}).Set("lang", nil),
			`{"type":"indicator","spec_version":"2.1","id":"indicator--ff010203-0405-4f07-bf00-000000000000","created":"2026-01-31T12:00:00.001500Z",` +
				`"modified":"2026-01-31T12:00:00.001500Z","pattern":"[url:value='http://x.example/<&>']","pattern_type":"stix",` +
				`"valid_from":"2026-01-31T12:00:00.000Z","x_b":1.5,"x_a":["é"]}`},
		{Build("file").Set("magic_number_hex", []byte{0x4d, 0x5A}).Set("name", "a").Extension("ntfs-ext", "", map[string]any{"sid": "1"}),
			`{"type":"file","spec_version":"2.1","id":"file--76b60acb-6b4f-5d8d-bcf1-6a33a7f6e8d0","extensions":{"ntfs-ext":{"sid":"1"}},"name":"a","magic_number_hex":"4d5a"}`},
		{Build("artifact").Set("payload_bin", []byte("abc")).ID("artifact" + uuid1),
			`{"type":"artifact","spec_version":"2.1","id":"artifact` + uuid1 + `","payload_bin":"YWJj"}`},
		{Build("process").Set("pid", 7).Random(bytes),
			`{"type":"process","spec_version":"2.1","id":"process--ff010203-0405-4f07-bf00-000000000000","pid":7}`},
		{Build("marking-definition").At(noon).Random(bytes).Set("definition_type", "statement").Set("definition", map[string]string{"statement": "s"}),
			`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--ff010203-0405-4f07-bf00-000000000000",` +
				`"created":"2026-01-31T12:00:00.000Z","definition_type":"statement","definition":{"statement":"s"}}`},
		{Build("x-case").At(noon).Random(bytes).Set("stage", "open").
			Extension("extension-definition"+uuid1, "new-sdo", map[string]any{"seen": noon}),
			`{"type":"x-case","spec_version":"2.1","id":"x-case--ff010203-0405-4f07-bf00-000000000000","created":"2026-01-31T12:00:00.000Z",` +
				`"modified":"2026-01-31T12:00:00.000Z","extensions":{"extension-definition` + uuid1 +
				`":{"extension_type":"new-sdo","seen":"2026-01-31T12:00:00.000Z"}},"stage":"open"}`},
		{Build("report").At(noon).Random(bytes).Set("name", "n").Set("published", noon).Refs("object_refs", "tool"+uuid1).Refs("object_refs", "url"+uuid1),
			`{"type":"report","spec_version":"2.1","id":"report--ff010203-0405-4f07-bf00-000000000000","created":"2026-01-31T12:00:00.000Z",` +
				`"modified":"2026-01-31T12:00:00.000Z","name":"n","published":"2026-01-31T12:00:00.000Z","object_refs":["tool` + uuid1 + `","url` + uuid1 + `"]}`},
	}
	for _, c := range cases {
		o, err := c.b.Object()
		if err != nil {
			t.Error(err)
			continue
		}
		got := string(o.Raw)
		if o.Type == "file" { // its identifier is checked by the vectors
			got = strings.Replace(got, o.ID, "file--76b60acb-6b4f-5d8d-bcf1-6a33a7f6e8d0", 1)
			if id, _ := o.ContributingID(); id != o.ID {
				t.Errorf("%s is not %s", o.ID, id)
			}
		}
		if got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}

// TestBuildRefuses: nothing comes out that would break a MUST.
func TestBuildRefuses(t *testing.T) {
	id := [16]byte{1}
	for want, b := range map[string]*Builder{
		"needs the bytes of a random UUID":       Build("tool").At(noon).Set("name", "n"),
		"needs the bytes":                        Build("process").Set("pid", 1),
		"name: is required":                      Build("tool").At(noon).Random(id),
		"created: is required":                   Build("tool").Set("name", "n").Random(id),
		"confidence: must be from 0 to 100":      Build("tool").At(noon).Random(id).Set("name", "n").Set("confidence", 101),
		"the year 10000 has no STIX timestamp":   Build("tool").At(noon.AddDate(10000-2026, 0, 0)).Random(id),
		"invalid UTF-8":                          Build("tool").At(noon).Random(id).Set("name", "\xff"),
		"extensions are set twice":               Build("file").Set("name", "n").Set("extensions", map[string]any{"ntfs-ext": 1}).Extension("ntfs-ext", "", nil),
		"must be a list":                         Build("tool").At(noon).Random(id).Set("name", "n").Set("labels", "l"),
		"a property name has":                    Build("tool").At(noon).Random(id).Set("name", "n").Set("X", "l"),
		"not an identifier":                      Build("tool").At(noon).ID("tool--1").Set("name", "n"),
		"must be later than that of the version": Revise(mustParse(t, objectText("tool", `"name":"n"`)), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)),
		"has no versions":                        Revise(mustParse(t, objectText("mutex", `"name":"n"`)), noon),
		"is revoked, and that is for ever":       Revise(mustParse(t, objectText("tool", `"name":"n","revoked":true`)), noon),
		"object_refs":                            Build("note").Set("object_refs", "x").Refs("object_refs", "y"),
	} {
		o, err := b.Object()
		if o != nil || !errors.Is(err, ErrBuild) && !strings.Contains(want, "UTF-8") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, o, err)
		}
	}
}

// TestRevise: a new version has everything the old one had, to the byte, and is newer.
func TestRevise(t *testing.T) {
	old := mustParse(t, objectText("tool", `"name":"n","x_digits":1.50,"description":"\u00e9"`))
	o, err := Revise(old, noon).Set("name", "m").Revoke().Object()
	if err != nil {
		t.Fatal(err)
	}
	if CompareVersions(o, old) <= 0 || !o.Revoked || o.Name != "m" || o.Created.Text != old.Created.Text {
		t.Errorf("%s", o.Raw)
	}
	for _, same := range []string{"x_digits", "description"} {
		a, _ := o.Get(same)
		b, _ := old.Get(same)
		if !slices.Equal(a.Raw(), b.Raw()) {
			t.Errorf("%s became %s", b.Raw(), a.Raw())
		}
	}
	if v, err := Build("tool").Set("x", jsontext.Value(`{`)).Object(); err == nil {
		t.Errorf("took broken text: %s", v.Raw)
	}
}

func TestFormatTimestamp(t *testing.T) {
	for nanos, want := range map[int]string{0: "000", 1e6: "001", 1e3: "000001", 1: "000000001", 999_999_999: "999999999", 120_000_000: "120"} {
		got := FormatTimestamp(time.Date(2026, 1, 2, 3, 4, 5, nanos, time.FixedZone("", 3600)))
		if got != "2026-01-02T02:04:05."+want+"Z" {
			t.Error(nanos, got)
		}
		if ts, err := ParseTimestamp(got); err != nil || ts.Time.Nanosecond() != nanos {
			t.Error(got, err)
		}
	}
}
