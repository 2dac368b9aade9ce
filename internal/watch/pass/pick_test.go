package pass

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// TestPicksMissNothing: what is found in a stream of which only some lines are read is what is found where every line is,
// in lines of several formats in any order, damaged ones among them.
func TestPicksMissNothing(t *testing.T) {
	s := set(t, "evil.example", "192.0.2.66", "http://bad.example/x", "44d88612fea8a8f36de82e1278abb02f")
	names := []string{"a.evil.example", "notevil.example", "EVIL.example.", `\u0065vil.example`, "evil.example.net", "192.0.2.66", "192.0.2.6", "www.example.org", `x\\evil.example`,
		"%62ad.example", `%62ad\u002eexample`, "http://192.0.2.66/x", "bad.example", "not a evil.example"}
	shapes := []string{
		`{"ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`,
		`{"ts":1521911721.1,"uid":"C1","id.orig_h":"%s","id.resp_h":"192.0.2.66","proto":"tcp","service":"ssl"}`,
		`{"_path":"http","ts":1521911721.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","host":"%s","uri":"/x"}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dest_ip":"192.0.2.53","dns":{"type":"query","rrname":"%s"}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"fileinfo","src_ip":"10.1.1.1","dest_ip":"%s","fileinfo":{"md5":"44d88612fea8a8f36de82e1278abb02f"}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"http","src_ip":"10.1.1.1","http":{"hostname":"x.example","request_headers":[{"name":"Cookie","value":"a=b"},{"name":"HOST","value":"%s"}]}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"http","src_ip":"10.1.1.1","http2":{"request_headers":[{"name":":authorİty","value":"%s"},{"name":"x","value":["host","%s"]}]}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"http","src_ip":"10.1.1.1","http":{"request_headers":[{"name":"X-Forwarded-For", "value": "10.0.0.1, %s"},{"name":"r\u0065ferer","value":"http://%s/"},{"name":"user-agent","value":"%s"}]}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"http","src_ip":"10.1.1.1","http":{"request_headers":[{"name":"etag","value":"W/\"x\""},{"name":"Host","value":"%s"},{"name":"a\"host","value":"%s"},{"name":"\",","value":"%s"}]}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"http","src_ip":"10.1.1.1","http":{"request_headers":[{"name":"h\u006fst","value":"%s"},{"name":"hos\u0074","value":"%s"},{"name":"","value":"%s"}]}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"http","src_ip":"10.1.1.1","http":{"hostnam\u0065":"%s","\u0068ostname":"%s","note":"\\"},"a_long_na\u006de_of_no_m\u0065aning":{"d\u0065st_ip":"%s"}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"dhcp","src_ip":"10.1.1.1","dhcp":{"hostname":"%s"},"krb5":{"sname":"host/%s"}}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%s"}`,
		`{"timestamp":"2024-05-23T02:30:26.051260+0000","\u0074s":1521911720.1,"_path":"smb_files","uid":"C1","name":"%s","command":"%s"}`,
		`{"ts":1521911720.1,"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dns":{"rdata":"%s"}}`,
		`{"level":"info","ts":1646861401.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.9","method":"GET","host":"%s","uri":"/"},"status":200}`,
		`{"ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","query":"%s`,
		`1521911720.865716	C1	10.47.1.100	10.0.0.100	%s`,
		`%s`, ``,
	}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 40).Draw(t, "lines") {
			shape := rapid.SampledFrom(shapes).Draw(t, "shape")
			for range rapid.SampledFrom([]int{1, 1, 1, 7}).Draw(t, "times") {
				b.WriteString(strings.ReplaceAll(shape, "%s", rapid.SampledFrom(names).Draw(t, "name")))
				b.WriteString(rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "end"))
			}
		}
		text := []byte(b.String())
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		read := func(each func(*record.Record, string, int64, int64)) (hits []string, c Counts) {
			var table sighting.Table
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Own: logs.Private(), Now: clock}, Each: each,
				Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
					hits = append(hits, fmt.Sprintf("%d %s %s %s %s", h.Number, h.ID, h.Fields[0].Path, h.Format, h.Line))
				}})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			x.Write(text[:cut], now)
			x.Write(text[cut:], now)
			x.Flush(now)
			if st := x.State(); st.Offset != int64(len(text)) || st.Line != p.Counts.Lines {
				t.Fatalf("the stream is at %+v of %d", st, len(text))
			}
			return hits, p.Counts
		}
		some, c := read(nil)
		all, d := read(func(*record.Record, string, int64, int64) {})
		if !slices.Equal(some, all) {
			t.Fatalf("found\n%s\nand where every line is read\n%s", strings.Join(some, "\n"), strings.Join(all, "\n"))
		}
		if c.Lines != d.Lines || c.Bytes != d.Bytes || c.Changed != d.Changed || c.Decoded > d.Decoded {
			t.Fatalf("%+v\n%+v", c, d)
		}
	})
}

// TestPicks: lines that hold nothing are passed over.
func TestPicks(t *testing.T) {
	s := set(t, "evil.example")
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, `{"ts":1521911720.1,"uid":"C%d","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%d.good.example","qclass":1}`+"\n", i, i)
	}
	fmt.Fprintf(&b, `{"ts":1521911720.1,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"evil.example","qclass":1}`+"\n")
	hits, c := run(t, s, []byte(b.String()), nil, nil)
	if len(hits) != 1 || !strings.HasPrefix(hits[0], "2001 ") || c.Lines != 2001 || c.Decoded > 200 {
		t.Errorf("%q %+v", hits, c)
	}
}

// TestEscapedTwice: a host with an escape of URLs in it is found where it has one of JSON, too.
func TestEscapedTwice(t *testing.T) {
	s := set(t, "http://bad.example/x")
	line := `{"_path":"http","ts":1521911721.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","host":"%s","uri":"/x"}` + "\n"
	var b strings.Builder
	for range 100 {
		fmt.Fprintf(&b, line, "good.example")
	}
	for _, host := range []string{"bad.example", "%62ad.example", `%62ad\u002eexample`, `\u002562ad.example`} {
		fmt.Fprintf(&b, line, host)
	}
	if hits, c := run(t, s, []byte(b.String()), nil, nil); len(hits) != 4 || c.Lines != 104 || c.Decoded > 100 {
		t.Errorf("%q %+v", hits, c)
	}
}

// TestFormatsThatAlternate: where each line begins alike and is of another format than the one before, each is found, and none is looked at again and
// again.
func TestFormatsThatAlternate(t *testing.T) {
	s := set(t, "evil.example")
	var b strings.Builder
	for i := range 4000 {
		name := "good.example"
		if i%100 == 99 || i%100 == 50 {
			name = "evil.example"
		}
		if i%2 == 0 {
			fmt.Fprintf(&b, `{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dest_ip":"192.0.2.53","dns":{"rrname":"%s"}}`+"\n", name)
		} else {
			fmt.Fprintf(&b, `{"timestamp":"2024-05-23T02:30:26.051260+0000","ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%s"}`+"\n", name)
		}
	}
	if hits, c := run(t, s, []byte(b.String()), nil, nil); len(hits) != 80 || c.Lines != 4000 || c.Changed < 3990 {
		t.Errorf("%d hits, %+v", len(hits), c)
	}
}
