package misp_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"entente/misp"
	"entente/stix"
)

// benchEvent is an event of 5,000 attributes for detection.
func benchEvent() *misp.Event {
	now := time.Unix(1714680000, 0)
	e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "5,000 attributes")
	e.SetOrgc("22222222-2222-4222-8222-222222222222", "North")
	for i := range 5000 {
		typ, value := "domain", fmt.Sprintf("host-%d.example.org", i)
		switch i % 3 {
		case 1:
			typ, value = "ip-dst", fmt.Sprintf("198.51.%d.%d", i/250, i%250)
		case 2:
			typ, value = "sha256", fmt.Sprintf("%064x", i)
		}
		e.AddAttribute(misp.NewAttribute(fmt.Sprintf("33333333-3333-4333-8333-%012d", i), typ, value, now))
	}
	return e
}

func perAttribute(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "attributes/s")
}

func BenchmarkParse(b *testing.B) {
	text := benchEvent().AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := misp.Parse(text, misp.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
	perAttribute(b, 5000)
}

func BenchmarkToSTIX(b *testing.B) {
	e := benchEvent()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := misp.ToSTIX(e, misp.ToOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	perAttribute(b, 5000)
}

func BenchmarkFromSTIX(b *testing.B) {
	bundle, err := misp.ToSTIX(benchEvent(), misp.ToOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if im, err := misp.FromSTIX(bundle.Objects, misp.FromOptions{}); err != nil || len(im.Events) != 1 {
			b.Fatal(err)
		}
	}
	perAttribute(b, 5000)
}

// BenchmarkFromOtherSTIX takes indicators that do not come from MISP.
func BenchmarkFromOtherSTIX(b *testing.B) {
	var objects []*stix.Object
	for i := range 5000 {
		o, err := stix.Parse(fmt.Appendf(nil, `{"type":"indicator","spec_version":"2.1","id":"indicator--33333333-3333-4333-8333-%012d",`+
			`"created":"2024-05-02T00:00:00.000Z","modified":"2024-05-02T00:00:00.000Z","pattern":"[domain-name:value = 'host-%d.example.org']",`+
			`"pattern_type":"stix","valid_from":"2024-05-02T00:00:00Z"}`, i, i))
		if err != nil {
			b.Fatal(err)
		}
		objects = append(objects, o)
	}
	for b.Loop() {
		if _, err := misp.FromSTIX(objects, misp.FromOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	perAttribute(b, 5000)
}

func BenchmarkMatchHostname(b *testing.B) {
	l := &misp.Warninglist{Name: "n", Type: misp.HostnameList}
	for i := range 100_000 {
		l.List = append(l.List, fmt.Sprintf("host-%d.example.org", i))
	}
	m, _ := l.Compile()
	for b.Loop() {
		if _, ok := m.Match("url", "https://www.a.host-777.example.org/path"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkMatchCIDR(b *testing.B) {
	l := &misp.Warninglist{Name: "n", Type: misp.CIDRList}
	for i := range 100_000 {
		l.List = append(l.List, fmt.Sprintf("10.%d.%d.%d/%d", i>>16, i>>8&255, i&255, 24+i%9))
	}
	m, _ := l.Compile()
	for b.Loop() {
		if _, ok := m.Match("ip-dst", "10.1.2.3"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkMatchSubstring(b *testing.B) {
	l := &misp.Warninglist{Name: "n", Type: misp.SubstringList}
	for i := range 10_000 {
		l.List = append(l.List, fmt.Sprintf("host-%d.example.org", i))
	}
	m, _ := l.Compile()
	text := string(bytes.Repeat([]byte("host-x.example.com/"), 5)) + "host-777.example.org"
	for b.Loop() {
		if _, ok := m.Match("url", text); !ok {
			b.Fatal("not found")
		}
	}
}
