package indicators

import (
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"entente/internal/intake"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
	"entente/stix"
)

// readGenerally is Read without objects that are read where they are found, and without items that are looked at beside the reading: the general reader makes an object of each, and a draft of each item that says more than its value.
func readGenerally(s *Set, r io.Reader, o Options) (Report, error) {
	rep := Report{Name: o.Name}
	if s.doubles != nil {
		s.reads = append(s.reads, begun{s.b.Len(), versionOf(o.Now)})
	}
	by := readier{s.b, s.versions, s.doubles, o.drafter()}
	format, err := ReadFile(r, o.Name, Taker{
		Object: func(x *stix.Object) error {
			ready := by.object(x)
			return s.object(&rep, &ready, o)
		},
		Item: func(i intake.Item) error {
			if i.Value.HasPattern() && (i.TLP != "" || i.From != "" || i.To != "") {
				if _, err := o.drafter().Indicator(i); err != nil {
					rep.refuse(fmt.Sprintf("line %d", i.Line), err)
					return nil
				}
			}
			ready, err := by.items()(i)
			if err != nil {
				return err
			}
			return s.item(&rep, &ready, o)
		},
		Refuse: rep.refuse,
	})
	rep.Format = format
	return rep, err
}

// told is all that reading gave.
func told(s *Set, rep Report, err error) []string {
	return append(toldOf(rep, err), holds(s)...)
}

// toldOf is what was said of one file.
func toldOf(rep Report, err error) []string {
	out := []string{fmt.Sprint(err)}
	for _, x := range rep.Told {
		out = append(out, x.What+": "+x.Err.Error())
	}
	rep.Told = nil
	return append(out, fmt.Sprintf("%+v", rep))
}

// holds is what a set holds and finds. It must not be used any more.
func holds(s *Set) (out []string) {
	for n := range s.b.Len() {
		source, value, _ := s.b.Derived(n)
		out = append(out, s.b.Identifier(n)+" "+source+" "+value.Key())
	}
	for _, c := range s.later {
		out = append(out, fmt.Sprintf("later %s %+v", c.ID, c.Indicators))
	}
	live, err := s.Compile()
	if err != nil {
		return append(out, err.Error())
	}
	for i := range 40 {
		field := record.Field{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}
		live.Load().Match(field, now, func(h watch.Hit) { out = append(out, fmt.Sprintf("%d %+v", i, h.Indicator)) })
	}
	return out
}

// sameFound holds the reading of a text to the general one, with all of it at hand and with little each time.
func sameFound(t *testing.T, text string) Report {
	t.Helper()
	o := Options{Name: "x", Now: now, FromValidity: len(text)%2 == 0}
	g := New(watch.Seed{1, 2})
	rep, err := readGenerally(g, strings.NewReader(text), o)
	want := told(g, rep, err)
	for _, r := range []io.Reader{strings.NewReader(text), iotest.HalfReader(strings.NewReader(text))} {
		s := New(watch.Seed{1, 2})
		got, err := s.Read(r, o)
		if all := told(s, got, err); !reflect.DeepEqual(all, want) {
			t.Fatalf("%s:\n%s\nand generally\n%s", text, strings.Join(all, "\n"), strings.Join(want, "\n"))
		}
	}
	return rep
}

// oddObjects writes objects as they come: usual indicators, older and newer, revoked ones, odd ones, wrong ones, and others.
func oddObjects(r *rand.Rand, n int) (out []string) {
	for range n {
		id, name := r.IntN(30), r.IntN(40)
		at := fmt.Sprintf("2024-01-%02dT00:00:%02dZ", 1+r.IntN(28), r.IntN(2))
		more := []string{"", "", "", "", `,"revoked":true`, `,"revoked":false`, `,"name":"a"`, `,"name":"\u00e9\"}]{"`, `,"description":"é"`, `,"x_other":{"type":"bundle","objects":[]}`, `,"labels":["a","b"]`, `,"labels":5`,
			`,"valid_until":"2024-06-30T00:00:00Z"`, `,"valid_until":"2023-06-30T00:00:00Z"`, `,"valid_until":"2024-01-01T00:00:01Z"`, `,"name":"\ud800"`, `,"name":"a","name":"b"`, `,"objects":[]`, `,"objects":{}`,
			`,"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]`, `,"pattern_type":"yara"`, `,"description":"` + strings.Repeat("long ", 1000*r.IntN(5)) + `"`}[r.IntN(22)]
		pattern := fmt.Sprintf([]string{"[domain-name:value = 'n%d.example']", "[domain-name:value = 'n%d.example' OR domain-name:value = 'm.example']", "[domain-name:value = 'n%d.example'] AND [url:value = 'http://a.example/']", "[domain-name:value = 'n%d..']", "broken %d"}[r.IntN(5)*r.IntN(2)], name)
		x := fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--%08d-1111-4111-8111-111111111111","created":"2024-01-01T00:00:00Z","modified":"%s","pattern":"%s","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"%s}`, id, at, pattern, more)
		if strings.Contains(more, "pattern_type") {
			x = strings.Replace(x, `"pattern_type":"stix",`, "", 1)
		}
		switch r.IntN(12) {
		case 0:
			x = `{"type":"identity","spec_version":"2.1","id":"identity--11111111-1111-4111-8111-111111111111","created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z","name":"x"}`
		case 1:
			x = strings.ReplaceAll(x, ",", ",\n    ")
		case 2:
			x = strings.Replace(x, `"type":"indicator",`, "", 1)
			x = x[:len(x)-1] + `,"type":"indicator"}`
		}
		out = append(out, x)
	}
	return out
}

// oddFile writes objects one after the other, in bundles and in lists.
func oddFile(r *rand.Rand) string {
	var text strings.Builder
	for i := range 1 + r.IntN(4) {
		list := oddObjects(r, r.IntN(60))
		divider := []string{",", ",\n", " , "}[r.IntN(3)]
		switch k := r.IntN(5); {
		case k == 0 && i > 0:
			text.WriteString("[" + strings.Join(list, divider) + "]")
		case k == 1:
			text.WriteString(`{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[` + strings.Join(list, divider) + `]}`)
		case k == 2:
			text.WriteString(`{"id":"bundle--11111111-1111-4111-8111-111111111111","spec_version":"2.0", "objects" : [ ` + strings.Join(list, divider) + ` ] , "x":[{}],"type":"bundle"}`)
		default:
			text.WriteString(strings.Join(list, []string{"\n", "\r\n", "", " "}[r.IntN(4)]))
		}
		text.WriteString([]string{"\n", "", " "}[r.IntN(3)])
	}
	return text.String()
}

// TestFoundAsGenerally: indicators that are read where they are found are those that the general reader reads, with the same versions in force, and the same is told of what is
// wrong, also in files that are broken or end early.
func TestFoundAsGenerally(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	var all Report
	for i := range 200 {
		text := oddFile(r)
		if i%4 == 3 && len(text) > 0 {
			at := r.IntN(len(text))
			text = text[:at] + []string{"", "}", "]", "{", `"`, ",", "\xff", "\x00"}[r.IntN(8)] + text[min(len(text), at+r.IntN(3)):]
			if r.IntN(3) == 0 {
				text = text[:r.IntN(len(text)+1)]
			}
		}
		rep := sameFound(t, text)
		all.Indicators, all.Revoked, all.Expired, all.Compound, all.Others, all.Bad = all.Indicators+rep.Indicators, all.Revoked+rep.Revoked, all.Expired+rep.Expired, all.Compound+rep.Compound, all.Others+rep.Others, all.Bad+rep.Bad
	}
	if min(all.Indicators, all.Revoked, all.Expired, all.Compound, all.Others, all.Bad) < 50 {
		t.Errorf("hardly any of a kind: %+v", all)
	}
}

// FuzzFound: so it is with any text.
func FuzzFound(f *testing.F) {
	r := rand.New(rand.NewPCG(25, 26))
	f.Add(plainHead + "}")
	f.Add(plainHead + quickMore + "\n" + plainHead + "}")
	f.Add(`{"type":"bundle","objects":[` + plainHead + "}," + plainHead + `,"name":5}]}`)
	for range 5 {
		f.Add(strings.Join(oddObjects(r, 3), "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) { sameFound(t, text) })
}
