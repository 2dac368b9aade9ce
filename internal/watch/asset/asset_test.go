package asset

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func register() Asset {
	return Asset{ID: "register", Kind: "voter-register", Names: []string{"register.example"}, Prefixes: []string{"192.0.2.128/25", "2001:db8:1::/48"}}
}

func set(t testing.TB) *Set {
	t.Helper()
	s, err := NewSet([]Asset{register(), {ID: "wide", Prefixes: []string{"192.0.2.0/24"}}, {ID: "party", Kind: "party", Names: []string{"party.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func field(role record.Role, typ observable.Type, text string) record.Field {
	return record.Field{Path: string(role), Role: role, Type: typ, Text: text}
}

// TestConcerns: an asset is met by its names and what lies below them, in URLs and mail too, and by the longest of the prefixes around an address; never by what
// merely ends alike, by where somebody came from, or by what the indicator itself names.
func TestConcerns(t *testing.T) {
	s := set(t)
	for _, x := range []struct {
		fields []record.Field
		host   string
		but    []record.Field
		want   string
	}{
		{fields: []record.Field{field(record.Destination, observable.IPv4, "192.0.2.200")}, want: "register/192.0.2.128/25/destination"},
		{fields: []record.Field{field(record.Destination, observable.IPv4, "192.0.2.1")}, want: "wide/192.0.2.0/24/destination"},
		{fields: []record.Field{field(record.Source, observable.IPv6, "2001:db8:1::5")}, want: "register/2001:db8:1::/48/source"},
		{fields: []record.Field{field(record.Source, observable.IPv6, "::ffff:192.0.2.200")}, want: "register/192.0.2.128/25/source"},
		{fields: []record.Field{field(record.Host, observable.Domain, "WWW.Register.Example.")}, want: "register/register.example/host"},
		{fields: []record.Field{field(record.Request, observable.URL, "https://a.party.example:8443/x")}, want: "party/party.example/request"},
		{fields: []record.Field{field(record.Recipient, observable.Email, "clerk@register.example")}, want: "register/register.example/recipient"},
		{fields: []record.Field{field(record.Host, observable.Domain, "notregister.example"), field(record.Host, observable.Domain, "register.example.net"), field(record.Destination, observable.IPv4, "192.0.3.1")}},
		{fields: []record.Field{field(record.Referrer, observable.URL, "https://register.example/"), field(record.Agent, observable.UserAgent, "register.example")}},
		{fields: []record.Field{field(record.Query, observable.Domain, "register.example")}, but: []record.Field{field(record.Query, observable.Domain, "register.example")}},
		{host: "192.0.2.200", want: "register/192.0.2.128/25/source"},
		{host: "db.register.example", want: "register/register.example/source"},
		{fields: []record.Field{field(record.Source, observable.IPv4, "192.0.2.200"), field(record.Destination, observable.IPv4, "192.0.2.201")}, want: "register/192.0.2.128/25/source"},
		{fields: []record.Field{field(record.Source, observable.IPv4, "192.0.2.200"), field(record.Query, observable.Domain, "party.example")}, want: "register/192.0.2.128/25/source party/party.example/query"},
	} {
		var got []string
		for _, p := range s.Concerns(&record.Record{Fields: x.fields, Host: x.host}, x.but) {
			got = append(got, fmt.Sprintf("%s/%s/%s", p.Asset, p.At, p.Role))
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%+v: %q, want %q", x.fields, got, x.want)
		}
	}
}

// TestForeign: whose addresses an attack came from; a resolver's is not, nor one's own.
func TestForeign(t *testing.T) {
	s := set(t)
	own := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	dns := []record.Field{field(record.Source, observable.IPv4, "10.0.0.1"), field(record.Destination, observable.IPv4, "9.9.9.9"), field(record.Query, observable.Domain, "x.example"), field(record.Answer, observable.IPv4, "203.0.113.5")}
	conn := []record.Field{field(record.Source, observable.IPv4, "203.0.113.9"), field(record.Destination, observable.IPv4, "192.0.2.200")}
	out := []record.Field{field(record.Source, observable.IPv4, "198.51.100.7"), field(record.Destination, observable.IPv4, "203.0.113.9")}
	for _, x := range []struct {
		fields, hit []record.Field
		want        string
	}{{dns, dns[2:3], "[203.0.113.5]"}, {conn, conn[:1], "[203.0.113.9]"}, {out, out[1:], "[203.0.113.9]"}, {[]record.Field{field(record.Source, observable.IPv4, "127.0.0.1"), field(record.Destination, observable.IPv6, "fe80::1")}, nil, "[]"}} {
		if got := fmt.Sprint(s.Foreign(&record.Record{Fields: x.fields}, x.hit, own)); got != x.want {
			t.Errorf("%+v: %s, want %s", x.fields, got, x.want)
		}
	}
}

// TestTableAndBook: a watcher gathers by hour, within its bounds, and what it says of a finding so far comes to the same in the book however often and in whatever
// order it is told; several watchers are added up.
func TestTableAndBook(t *testing.T) {
	var table Table
	k := Key{Of: Lookalike, Asset: "register", At: "register.example", Value: observable.Value{Type: observable.Domain, Text: "registre.example"}, Why: "typo"}
	at := func(m int) *record.Record {
		return &record.Record{Time: noon.Add(time.Duration(m) * time.Minute), Host: fmt.Sprintf("::ffff:10.0.0.%d", m%20), Line: []byte(strings.Repeat("x", 5000) + "\xff")}
	}
	var told []Report
	for m := range 90 {
		s, isNew := table.Add(k, at(m), []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, byte(m)})}, "dns.log", int64(m))
		if isNew != (m == 0 || m == 60) {
			t.Errorf("line %d: new %v", m, isNew)
		}
		told = append(told, Report{s.Key, s.Count})
	}
	if all := table.All(); len(all) != 2 || all[0].Count.Count != 60 || all[1].Count.Count != 30 || len(all[0].Sources) != MaxSources || len(all[0].Hosts) != MaxHosts || all[0].Hosts[0] != "10.0.0.0" ||
		len(all[0].Sample) != MaxSample || !all[0].Sample[0].Cut || len(all[0].Sample[0].Text) > MaxSampleLine {
		t.Fatalf("%+v", all)
	}
	var forward, backward Book
	for i := range told {
		if err := told[i].Check(noon.Add(2 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := forward.Take("one", told[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := backward.Take("one", told[len(told)-1-i]); err != nil {
			t.Fatal(err)
		}
	}
	if anew, err := forward.Take("one", told[3]); anew || err != nil {
		t.Errorf("an old report is news: %v", err)
	}
	for _, b := range []*Book{&forward, &backward} {
		all := b.All(nil)
		if len(all) != 2 || all[0].Count.Count != 30 || all[1].Count.Count != 60 || !all[1].First.Equal(noon) || !all[1].Last.Equal(noon.Add(59*time.Minute)) {
			t.Errorf("%+v", all)
		}
	}
	if _, err := forward.Take("two", told[0]); err != nil {
		t.Fatal(err)
	}
	if f, ok := forward.Of(told[0].Key); !ok || f.Count.Count != 61 || f.Runs != 2 {
		t.Errorf("%+v", f)
	}

	text, err := json.Marshal(table.All())
	if err != nil {
		t.Fatal(err)
	}
	var kept []*Seen
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	var again Table
	again.Restore(kept, table.Beyond)
	table.Add(k, at(5), nil, "dns.log", 1)
	again.Add(k, at(5), nil, "dns.log", 1)
	if !reflect.DeepEqual(table.All()[0].Report, again.All()[0].Report) || table.Len() != again.Len() {
		t.Errorf("%+v\n%+v", table.All()[0].Report, again.All()[0].Report)
	}
	again.Forget(noon.Add(61*time.Minute), func(*Seen) bool { return true })
	if again.Len() != 1 {
		t.Errorf("%d are kept", again.Len())
	}
	forward.Forget(noon.Add(time.Hour))
	if forward.Len() != 1 {
		t.Errorf("%d are kept", forward.Len())
	}
}

// TestFlood: a thousand imitations of one asset in an hour are kept, the rest is counted; so are findings beyond what a table and a book hold, and more watchers than are counted.
func TestFlood(t *testing.T) {
	var table Table
	for i := range MaxPerAsset + 10 {
		k := Key{Of: Lookalike, Asset: "register", Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("r%d.example", i)}}
		table.Add(k, &record.Record{Time: noon}, nil, "x", 1)
	}
	if table.Len() != MaxPerAsset || table.Beyond != 10 {
		t.Errorf("%d findings, %d beyond", table.Len(), table.Beyond)
	}
	for i := range MaxFindings {
		table.Add(Key{Of: Attack, Asset: fmt.Sprintf("a%d", i)}, &record.Record{}, nil, "x", 1)
	}
	if table.Len() != MaxFindings {
		t.Errorf("%d findings", table.Len())
	}
	var b Book
	for i := range MaxFindings + 1 {
		_, err := b.Take("run", Report{Key{Of: Attack, Asset: fmt.Sprintf("a%d", i)}, Count{Count: 1}})
		if (i == MaxFindings) != errors.Is(err, ErrFull) {
			t.Fatalf("finding %d: %v", i, err)
		}
	}
	var runs Book
	for i := range maxRuns + 1 {
		_, err := runs.Take(fmt.Sprint(i), Report{Key{Asset: "a"}, Count{Count: 1}})
		if (i == maxRuns) != errors.Is(err, ErrFull) {
			t.Fatalf("run %d: %v", i, err)
		}
	}
}

// TestBounds: what has too much of something, or is written otherwise, is no asset.
func TestBounds(t *testing.T) {
	long := make([]string, MaxNames+1)
	for i := range long {
		long[i] = fmt.Sprintf("n%d.example", i)
	}
	nets := make([]string, MaxPrefixes+1)
	for i := range nets {
		nets[i] = fmt.Sprintf("192.0.%d.0/24", i%250)
	}
	window := Window{From: noon, To: noon.Add(time.Hour)}
	for what, change := range map[string]func(*Asset){
		"id": func(a *Asset) { a.ID = strings.Repeat("x", maxID+1) }, "kind": func(a *Asset) { a.Kind = "Voter Register" }, "title": func(a *Asset) { a.Title = strings.Repeat("x", maxWords+1) },
		"names": func(a *Asset) { a.Names = long }, "prefixes": func(a *Asset) { a.Prefixes = nets }, "windows": func(a *Asset) { a.Windows = slices.Repeat([]Window{window}, MaxWindows+1) },
		"bits": func(a *Asset) { a.Prefixes = []string{"2000::/15"} }, "zone": func(a *Asset) { a.Prefixes = []string{"fe80::1%eth0"} }, "none": func(a *Asset) { a.Names, a.Prefixes = nil, nil },
		"both dates and clause": func(a *Asset) { a.Windows = []Window{{Unit: "u", Clause: "c", From: noon, To: noon.Add(1)}} },
	} {
		a := register()
		change(&a)
		if _, err := Clean(a); !errors.Is(err, ErrBad) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var all []Asset
	for i := range MaxAll/MaxNames + 1 {
		a := Asset{ID: fmt.Sprintf("a%d", i)}
		for j := range MaxNames {
			a.Names = append(a.Names, fmt.Sprintf("n%d-%d.example", i, j))
		}
		all = append(all, a)
	}
	if _, err := CleanAll(all); !errors.Is(err, ErrBad) {
		t.Error(err)
	}
	if _, err := ReadFile(strings.NewReader(strings.Repeat(" ", MaxFile+1))); !errors.Is(err, ErrBad) {
		t.Error(err)
	}
}

// TestReadFile: a list as it is written by hand, one as a node prints it, and what is neither.
func TestReadFile(t *testing.T) {
	list, err := ReadFile(strings.NewReader("\xef\xbb\xbf# ours\nRegister.example.\n192.0.2.0/24 # net\n\n2001:db8::1\n"))
	if err != nil || len(list) != 3 || list[0].ID != "register.example" || list[0].Names[0] != "register.example" || list[1].Prefixes[0] != "192.0.2.0/24" || list[2].Prefixes[0] != "2001:db8::1/128" {
		t.Errorf("%+v %v", list, err)
	}
	for _, text := range []string{`[{"id":"register","names":["register.example"]}]`, `{"assets":[{"id":"register","names":["register.example"],"kind":"party"}],"partners":[]}`} {
		if list, err := ReadFile(strings.NewReader(text)); err != nil || len(list) != 1 || list[0].ID != "register" {
			t.Errorf("%s: %+v %v", text, list, err)
		}
	}
	for _, text := range []string{"", "# nothing", "{}", "[]", "[1]", "no name\n", "a.example\na.example\n", `{"assets":[{"id":"x"}]}`} {
		if _, err := ReadFile(strings.NewReader(text)); !errors.Is(err, ErrBad) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzReadFile: what is read can be protected, and reads the same when it is written.
func FuzzReadFile(f *testing.F) {
	for _, text := range []string{"register.example\n192.0.2.0/24", `{"assets":[{"id":"r","names":["r.example"],"windows":[{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"}]}]}`, `[{"id":"r","prefixes":["::ffff:10.0.0.1"]}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ReadFile(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		if _, err := NewSet(list); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadFile(strings.NewReader(string(text)))
		if err != nil || Mark(again) != Mark(list) {
			t.Fatalf("%s: %v", text, err)
		}
	})
}
