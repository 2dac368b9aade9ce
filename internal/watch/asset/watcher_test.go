package asset

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/pass"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// zeekDNS writes lines of Zeek's dns.log: of each hundred, fresh ask for a name that no other line has.
func zeekDNS(lines, fresh int, extra ...string) []byte {
	r := rand.New(rand.NewPCG(7, 7))
	pool := make([]string, 5000)
	for i := range pool {
		pool[i] = fmt.Sprintf("host-%d.service%d.provider%d.example", r.IntN(1<<30), r.IntN(300), r.IntN(900))
	}
	var b bytes.Buffer
	for i := range lines {
		name := pool[r.IntN(len(pool))]
		if r.IntN(100) < fresh {
			name = fmt.Sprintf("x%x-%d.cdn%d.example", r.Uint64(), i, r.IntN(50))
		}
		if len(extra) > 0 && i%97 == 5 {
			name = extra[r.IntN(len(extra))]
		}
		fmt.Fprintf(&b, `{"_path":"dns","_write_ts":"2026-11-03T10:00:00.000000Z","ts":"2026-11-03T%02d:%02d:%02d.000000Z","uid":"C%016x","id.orig_h":"10.0.%d.%d","id.orig_p":%d,"id.resp_h":"10.0.0.53","id.resp_p":53,"proto":"udp","trans_id":%d,"rtt":0.012,"query":"%s","qclass":1,"qclass_name":"C_INTERNET","qtype":1,"qtype_name":"A","rcode":0,"rcode_name":"NOERROR","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,"answers":["203.0.113.%d"],"TTLs":[300.0],"rejected":false}`+"\n",
			10+i*3/lines, i%60, i%59, r.Uint64(), i%4, i%200, 1024+i%60000, i%65536, name, i%250)
	}
	return b.Bytes()
}

func emptySet(tb testing.TB) func() *watch.Set {
	tb.Helper()
	b := watch.NewBuilder(watch.Seed{1, 2})
	if err := b.Add(watch.Indicator{ID: "indicator--1", Value: observable.Value{Type: observable.Domain, Text: "hit.bad.example"}}); err != nil {
		tb.Fatal(err)
	}
	set := b.Set()
	return func() *watch.Set { return set }
}

// watchOver reads lines, every one exactly or only those that may hold something, and lists what was found.
func watchOver(t testing.TB, text []byte, every bool, list ...Asset) (found []string, w *Watcher, c pass.Counts) {
	t.Helper()
	set, err := NewSet(list)
	if err != nil {
		t.Fatal(err)
	}
	w = NewWatcher(func() *Set { return set }, logs.Private(), maphash.MakeSeed())
	o := pass.Options{Set: emptySet(t), Logs: logs.Options{Own: logs.Private(), Now: clock}, Sightings: new(sighting.Table), Name: w.Name,
		Read: func(r *record.Record, stream string, number int64) { w.Read(r, stream, number, func(*Seen, bool) {}) },
		Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
			w.Hit(h.Record, h.ID, h.Value, h.Fields, h.Input, h.Number, func(*Seen, bool) {})
		}}
	if every {
		o.Each = func(*record.Record, string, int64, int64) {}
	}
	p := pass.New(o)
	s, err := p.Open("dns.log", pass.State{})
	if err != nil {
		t.Fatal(err)
	}
	for block := range slices.Chunk(text, 256<<10) {
		s.Write(block, noon)
	}
	s.Flush(noon)
	for _, f := range w.Table.All() {
		found = append(found, fmt.Sprintf("%s %s %s %s %s %s %d %v %v", f.Of, f.Asset, f.At, f.Value.Text, f.Why, f.Hour.Format(time.RFC3339), f.Count.Count, f.Sources, f.Hosts))
	}
	return found, w, p.Counts
}

// TestFastAndExact: lookalikes that are told by the names in the bytes of lines are those that reading every line tells, with the same counts: whatever the case, with
// IDN, escapes and ports; names that look like nothing make no line be read; attacks are told with the asset and the other side.
func TestFastAndExact(t *testing.T) {
	imitations := []string{"registre.example", "REGISTER.example.net", "www.register.example.bad.test", "xn--rgister-bya.example", "r\\u0065gisters.example", "register-login.test", "party.example.net"}
	text := zeekDNS(20_000, 10, append(imitations, "www.register.example", "party.example", "hit.bad.example")...)
	list := []Asset{register(), {ID: "party", Names: []string{"party.example"}}, {ID: "clients", Prefixes: []string{"10.0.1.0/24"}}}
	fast, w, counts := watchOver(t, text, false, list...)
	exact, _, _ := watchOver(t, text, true, list...)
	if !slices.Equal(fast, exact) {
		t.Errorf("fast and exact differ: %d and %d findings\n%s\n\n%s", len(fast), len(exact), strings.Join(fast, "\n"), strings.Join(exact, "\n"))
	}
	for _, want := range []string{"lookalike register register.example registre.example typo", "register.example.net", "register.example.bad.test embedded", "xn--rgister-bya.example homoglyph", "registers.example typo", "register-login.test added-word",
		"lookalike party party.example party.example.net", "attack clients 10.0.1.0/24 hit.bad.example source"} {
		if !slices.ContainsFunc(fast, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s was not found in\n%s", want, strings.Join(fast, "\n"))
		}
	}
	if slices.ContainsFunc(fast, func(s string) bool {
		return strings.Contains(s, " www.register.example ") || strings.Contains(s, " party.example other")
	}) {
		t.Error("an asset's own name counts as an imitation")
	}
	if counts.Decoded > 500 || w.Looked > 12_000 {
		t.Errorf("%d lines were read, %d names looked at, of 20,000 lines with some 7,000 names", counts.Decoded, w.Looked)
	}
}

// TestOtherAssets: a name that looked like nothing is looked at again when there are other assets.
func TestOtherAssets(t *testing.T) {
	var set *Set
	w := NewWatcher(func() *Set { return set }, nil, maphash.MakeSeed())
	if w.Name(1, []byte("partv.example")) {
		t.Error("without assets something is looked like")
	}
	for _, x := range []struct {
		name string
		want bool
	}{{"register.example", false}, {"party.example", true}} {
		s, err := NewSet([]Asset{{ID: "x", Names: []string{x.name}}})
		if err != nil {
			t.Fatal(err)
		}
		set = s
		for range 2 {
			if got := w.Name(1, []byte("partv.example")); got != x.want {
				t.Errorf("%s: %v", x.name, got)
			}
		}
	}
}

// TestMail: a mail from a name that imitates one, and where a name leads.
func TestMail(t *testing.T) {
	s := set(t)
	w := NewWatcher(func() *Set { return s }, nil, maphash.MakeSeed())
	var got *Seen
	r := &record.Record{Time: noon, Fields: []record.Field{field(record.Source, observable.IPv4, "203.0.113.1"), field(record.Sender, observable.Email, "clerk@registre.example"), field(record.Answer, observable.IPv4, "203.0.113.2")}}
	w.Read(r, "mail.log", 1, func(f *Seen, _ bool) { got = f })
	if got == nil || got.Value.Text != "registre.example" || fmt.Sprint(got.Sources) != "[203.0.113.2]" || got.Asset != "register" {
		t.Errorf("%+v", got)
	}
}

// BenchmarkZeekDNS is a pass over Zeek's dns.log with and without assets: what it costs to look for lookalikes. Of a hundred lines, three (as in real samples when names come
// again) or ten have a new name.
func BenchmarkZeekDNS(b *testing.B) {
	for _, fresh := range []int{3, 10} {
		text := zeekDNS(200_000, fresh)
		for _, n := range []int{0, 10, 10_000} {
			b.Run(fmt.Sprintf("fresh=%d%%/names=%d", fresh, n), func(b *testing.B) {
				var list []Asset
				for i := range n {
					if i%100 == 0 {
						list = append(list, Asset{ID: fmt.Sprintf("a%d", i/100)})
					}
					a := &list[len(list)-1]
					a.Names = append(a.Names, fmt.Sprintf("protected-name-%d.example", i))
				}
				set, err := NewSet(list)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					o := pass.Options{Set: emptySet(b), Logs: logs.Options{Own: logs.Private(), Now: clock}, Sightings: new(sighting.Table)}
					if n > 0 {
						w := NewWatcher(func() *Set { return set }, logs.Private(), maphash.MakeSeed())
						o.Name = w.Name
						o.Read = func(r *record.Record, stream string, number int64) { w.Read(r, stream, number, func(*Seen, bool) {}) }
					}
					p := pass.New(o)
					s, err := p.Open("dns.log", pass.State{})
					if err != nil {
						b.Fatal(err)
					}
					for block := range slices.Chunk(text, 256<<10) {
						s.Write(block, noon)
					}
					s.Flush(noon)
				}
			})
		}
	}
}
