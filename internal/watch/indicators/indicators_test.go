package indicators

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
)

var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

const bundle = `{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[
{"type":"indicator","spec_version":"2.1","id":"indicator--11111111-1111-4111-8111-111111111111","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'one.example' OR url:value = 'http://two.example/x']","pattern_type":"stix","valid_from":"2024-05-30T00:00:00Z","object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]},
{"type":"indicator","spec_version":"2.1","id":"indicator--22222222-2222-4222-8222-222222222222","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'old.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--22222222-2222-4222-8222-222222222222","created":"2024-01-01T00:00:00.000Z","modified":"2024-02-01T00:00:00.000Z","pattern":"[domain-name:value = 'new.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--33333333-3333-4333-8333-333333333333","created":"2024-01-01T00:00:00.000Z","modified":"2024-02-01T00:00:00.000Z","revoked":true,"pattern":"[domain-name:value = 'revoked.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--44444444-4444-4444-8444-444444444444","created":"2024-01-01T00:00:00.000Z","modified":"2024-02-01T00:00:00.000Z","pattern":"[domain-name:value = 'a.example'] FOLLOWEDBY [file:name = 'b']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--55555555-5555-4555-8555-555555555555","created":"2024-01-01T00:00:00.000Z","modified":"2024-02-01T00:00:00.000Z","pattern":"alert tcp any any","pattern_type":"snort","valid_from":"2024-01-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--66666666-6666-4666-8666-666666666666","created":"2024-01-01T00:00:00.000Z","modified":"2024-02-01T00:00:00.000Z","pattern":"[domain-name:value = 'co.uk']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--22222222-2222-4222-8222-222222222222","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-15T00:00:00.000Z","pattern":"[domain-name:value = 'between.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
{"type":"domain-name","id":"domain-name--11111111-1111-5111-8111-111111111111","value":"named.example"}
]}`

func read(t *testing.T, text string, o Options) (*watch.Live, Report) {
	t.Helper()
	s := New(watch.Seed{1, 2})
	o.Name, o.Now = "file", now
	rep, err := s.Read(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	live, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return live, rep
}

// looked tells which of the names a set looks for at a time.
func looked(live *watch.Live, at time.Time, names ...string) []string {
	var out []string
	for _, name := range names {
		live.Load().Match(record.Field{Type: observable.Domain, Text: name}, at, func(h watch.Hit) {
			out = append(out, name+" "+h.Indicator.ID[:12]+" "+h.Indicator.TLP)
		})
	}
	return out
}

// TestSTIX: several values of one pattern; the newest version counts, in whatever order versions come; what is revoked, compound, too broad
// or in another language is counted; what is named only is not looked for.
func TestSTIX(t *testing.T) {
	live, rep := read(t, bundle, Options{})
	got := looked(live, time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), "one.example", "two.example", "old.example", "new.example", "between.example", "revoked.example", "a.example", "x.co.uk", "named.example")
	want := []string{"one.example indicator--1 TLP:GREEN", "new.example indicator--2 "}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if rep.Indicators != 2 || rep.Values != 3 || rep.Revoked != 1 || rep.Compound != 1 || rep.Others != 1 || rep.Broad != 1 || rep.Bad != 0 || len(rep.Told) != 1 {
		t.Errorf("%+v", rep)
	}
	live, _ = read(t, bundle, Options{FromValidity: true})
	if got := looked(live, time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), "one.example", "new.example"); !slices.Equal(got, want[1:]) {
		t.Errorf("with the beginning of validity: %q", got)
	}
}

// TestLists: a list and a table, with what is no value told by its line.
func TestLists(t *testing.T) {
	live, rep := read(t, "# comment\nhxxp://one[.]example/a\nnew.example\nnew.example\n!!\n203.0.113.0/24\n", Options{})
	if got := looked(live, now, "new.example", "a.new.example", "203.0.113.9"); len(got) != 3 || !strings.HasPrefix(got[0], "new.example indicator--") || rep.Bad != 0 && rep.Bad != 1 || rep.Values != 3 {
		t.Errorf("%q %+v", got, rep)
	}
	live, rep = read(t, "type,value,tlp\ndomain,t.example,TLP:AMBER\ndomain,nonsense value,\nja3,e7d705a3286e19ea42f587b344ee6865,\n", Options{})
	if got := looked(live, now, "t.example"); len(got) != 1 || !strings.HasSuffix(got[0], "TLP:AMBER") || rep.Values != 2 || rep.Bad != 1 {
		t.Errorf("%q %+v", got, rep)
	}
}

// TestMISP: a real event, if the shared data is there, and one of three attributes.
func TestMISP(t *testing.T) {
	const event = `{"Event":{"uuid":"11111111-1111-4111-8111-111111111111","info":"x","date":"2024-01-01","published":true,"timestamp":"1704067200","threat_level_id":"1","analysis":"2","distribution":"0","Orgc":{"name":"o","uuid":"22222222-2222-4222-8222-222222222222"},
"Attribute":[{"uuid":"33333333-3333-4333-8333-333333333333","type":"domain","category":"Network activity","value":"misp.example","to_ids":true,"timestamp":"1704067200","distribution":"5"},
{"uuid":"44444444-4444-4444-8444-444444444444","type":"domain","category":"Network activity","value":"named.example","to_ids":false,"timestamp":"1704067200","distribution":"5"}]}}`
	live, rep := read(t, event, Options{})
	if got := looked(live, now, "misp.example", "named.example"); len(got) != 1 || rep.Values != 1 || rep.Unmarked != 1 {
		t.Errorf("%q %+v", got, rep)
	}
	files, err := filepath.Glob("../../../../shared/data/misp/*.json")
	if err != nil || len(files) == 0 {
		t.Skipf("SKIPPED %s, the real events: ../shared/data is not beside this folder", t.Name())
	}
	s := New(watch.Seed{1, 2})
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := s.Read(f, Options{Name: name, Now: now})
		f.Close()
		if err != nil || rep.Values == 0 && rep.Indicators == 0 && rep.Compound == 0 {
			t.Logf("%s: %+v %v", filepath.Base(name), rep, err)
		}
	}
	if s.Len() < 100 {
		t.Errorf("%d values in all real events", s.Len())
	}
}

// TestNothing: what holds no indicators is refused with what it looks like, and nothing else is.
func TestNothing(t *testing.T) {
	s := New(watch.Seed{1, 2})
	if _, err := s.Read(strings.NewReader("<html><body><p>A page of news about nothing at all.</p></body></html>"), Options{Name: "x", Now: now}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(bundle)
	f.Add("one.example\n203.0.113.1\n")
	f.Add("type,value\ndomain,t.example\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := New(watch.Seed{1, 2})
		rep, err := s.Read(strings.NewReader(text), Options{Name: "x", Now: now})
		if rep.Values != s.Len() && len(s.later) == 0 {
			t.Fatalf("%+v, %d values: %v", rep, s.Len(), err)
		}
		if live, err := s.Compile(); err != nil && !errors.Is(err, watch.ErrTooBroad) && !errors.Is(err, watch.ErrIndicator) || live == nil {
			t.Fatal(fmt.Errorf("compiling: %w", err))
		}
	})
}
