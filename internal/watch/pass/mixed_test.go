package pass

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// told reads a text and gives number, format, machine and role of each hit, and what was counted.
func told(t *testing.T, o logs.Options, text string, each func(*record.Record, string, int64, int64)) (hits []string, c Counts) {
	t.Helper()
	s := set(t, "evil.example", "192.0.2.66")
	o.Now = func() time.Time { return now }
	p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: o, Each: each, Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
		hits = append(hits, fmt.Sprintf("%d %s %s %s", h.Number, h.Format, h.Host, h.Fields[0].Role))
	}})
	x, err := p.Open("log", State{})
	if err != nil {
		t.Fatal(err)
	}
	x.Write([]byte(text), now)
	x.Flush(now)
	return hits, p.Counts
}

// TestMixedStreams: where several programs write into one stream, each line is matched: as what it is where its format is known, and as text where it is not.
func TestMixedStreams(t *testing.T) {
	mail := "Nov 30 12:00:00 mx postfix/smtpd[1]: connect from ok.example[192.0.2.9]\n"
	zone := "30-Nov-2023 11:59:00.123 general: info: zone %d.example/IN: loaded serial 1\n"
	query := "30-Nov-2023 12:00:00.123 queries: info: client @0x7f 10.0.0.5#4711 (www.evil.example): query: www.evil.example IN A + (10.0.0.1)\n"
	zones := ""
	for i := range 70 {
		zones += fmt.Sprintf(zone, i)
	}
	caddy := `{"level":"info","ts":1646861401.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.7","proto":"HTTP/2.0","method":"GET","host":"ok.example","uri":"/"},"status":200}` + "\n"
	zeek := `{"ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"a.example","qclass":1}` + "\n"
	for name, c := range map[string]struct {
		text   string
		want   []string
		failed int64
	}{
		"relay": {mail + mail +
			"Nov 30 12:00:02 fw kernel: DROP IN=eth0 SRC=192.0.2.66 DST=10.0.0.1 PROTO=TCP\n" +
			"Nov 30 12:00:03 ns1 dnsmasq[1]: query[A] www.evil.example from 10.0.0.5\n" +
			"Nov 30 12:00:04 mx sshd[1]: Failed password for root from 192.0.2.66 port 22 ssh2\n" +
			"Nov 30 12:00:05 mx dovecot: imap-login: Login: user=<a>, rip=192.0.2.66\n" + mail + mail,
			[]string{"3 text  other", "4 text  other", "5 text  other", "6 text  other"}, 4},
		"known lines behind others": {zones + query, []string{"71 bind-queries 10.0.0.5 query"}, 0},
		"others behind known lines": {query + fmt.Sprintf(zone, 1) + "30-Nov-2023 12:00:01.123 client @0x7f 192.0.2.66#53: update denied\n" + query,
			[]string{"1 bind-queries 10.0.0.5 query", "3 bind-queries 192.0.2.66 source", "4 bind-queries 10.0.0.5 query"}, 0},
		"many others behind known lines":       {query + zones + query, []string{"1 bind-queries 10.0.0.5 query", "72 bind-queries 10.0.0.5 query"}, 0},
		"text in JSON":                         {zeek + zeek + "sensor: lost 192.0.2.66\n" + zeek, []string{"3 text  other"}, 1},
		"lines of the format without an event": {mail + "Nov 30 12:00:01 mx postfix/smtpd[1]: warning: hostname www.evil.example does not resolve\n" + mail, []string{"2 postfix mx other"}, 0},
		"messages of Caddy that are no requests": {caddy + caddy +
			`{"level":"error","ts":1646861402.5,"logger":"tls.obtain","msg":"will retry","error":"[www.evil.example] Obtain: authorization failed","attempt":1}` + "\n" +
			`{"level":"error","ts":1646861404.5,"logger":"http.handlers.reverse_proxy","msg":"dial tcp 192.0.2.66:443: connection refused"}` + "\n" + caddy +
			`{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"connect","peer":"192.0.2.66"}` + "\n" + caddy,
			[]string{"3 jsonl  other", "4 jsonl  other", "6 jsonl  other"}, 0},
		"each message of its own": {mail + query + mail + "Nov 30 12:00:02 fw kernel: SRC=192.0.2.66\n" + query + mail,
			[]string{"2 bind-queries 10.0.0.5 query", "4 text  other", "5 bind-queries 10.0.0.5 query"}, 1},
	} {
		for _, each := range []func(*record.Record, string, int64, int64){nil, func(*record.Record, string, int64, int64) {}} {
			hits, counts := told(t, logs.Options{Own: logs.Private()}, c.text, each)
			if !slices.Equal(hits, c.want) || counts.Failed != c.failed || counts.AsText != c.failed {
				t.Errorf("%s: %q instead of %q\n%+v", name, hits, c.want, counts)
			}
		}
	}
	m, err := logs.ParseMap("2=query")
	if err != nil {
		t.Fatal(err)
	}
	if hits, c := told(t, logs.Options{Fields: m}, "a,evil.example\nevil.example\n"+strings.Repeat("a,b\n", 3), nil); len(hits) != 1 || c.AsText != 0 {
		t.Errorf("a value that nobody named: %q %+v", hits, c)
	}
}

// TestAlikeBeginnings: lines that begin as those of a known format do, and are of another or of none that is known, are read.
func TestAlikeBeginnings(t *testing.T) {
	eve := `{"timestamp":"2023-11-30T12:00:00.000000+0000","flow_id":%d,"event_type":"dns","src_ip":"10.0.0.5","dns":{"rrname":"a.example"}}` + "\n"
	beat := `{"@timestamp":"2023-11-30T12:00:00.000Z","netflow":{"ipv4_src_addr":"10.0.0.%d","ipv4_dst_addr":"203.0.113.9","version":9}}` + "\n"
	zeek := `{"ts":1521911720.%d,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"a.example","qclass":1}` + "\n"
	many := func(line string) (text string) {
		for i := range 40 {
			text += fmt.Sprintf(line, i)
		}
		return text
	}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"EVE, then an application": {many(eve) + `{"timestamp":"2023-11-30T12:00:01Z","level":"warn","peer":"192.0.2.66"}` + "\n" + many(eve), []string{"41 jsonl  other"}},
		"EVE that is named elsewhere": {many(eve) + `{"timestamp":"2023-11-30T12:00:01Z","log":"no \"event_type\":","peer":"192.0.2.66"}` + "\n" + many(eve),
			[]string{"41 jsonl  other"}},
		"flows, then Windows": {many(beat) + `{"@timestamp":"2023-11-30T12:00:01.000Z","winlog":{"channel":"Security","event_id":"5156","event_data":{"DestAddress":"192.0.2.66"}}}` + "\n" + many(beat),
			[]string{"41 windows-json  destination"}},
		"Zeek, then an application": {many(zeek) + `{"ts":1521911721.1,"logger":"x","text":"lost www.evil.example"}` + "\n" + many(zeek), []string{"41 jsonl  other"}},
	} {
		all, _ := told(t, logs.Options{Own: logs.Private()}, c.text, func(*record.Record, string, int64, int64) {})
		some, counts := told(t, logs.Options{Own: logs.Private()}, c.text, nil)
		if !slices.Equal(some, c.want) || !slices.Equal(all, c.want) {
			t.Errorf("%s: %q, and where each is read %q, instead of %q\n%+v", name, some, all, c.want, counts)
		}
		if counts.Decoded > 20 {
			t.Errorf("%s: %d lines were read", name, counts.Decoded)
		}
	}
}

// TestHostsThatPartURLs: whoever sends a request writes what he likes where its host stands; what the line says as a URL is found.
func TestHostsThatPartURLs(t *testing.T) {
	found := 0
	for name, line := range map[string]string{
		"Caddy": `{"level":"info","ts":1646861401.5,"msg":"handled request","request":{"remote_ip":"203.0.113.8","host":"%s","uri":"/r?q=1"}}`,
		"EVE":   `{"timestamp":"2023-11-30T12:00:00.000000+0000","event_type":"http","src_ip":"10.0.0.5","http":{"hostname":"%s","url":"/r"}}`,
		"SIP":   `{"_path":"sip","ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","method":"INVITE","uri":"sip:%s"}`,
		"Zeek":  `{"_path":"http","ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","method":"GET","host":"%s","uri":"/r"}`,
	} {
		good := fmt.Sprintf(line, "good.example") + "\n"
		for _, host := range []string{"192.0.2.66", "192.0.2.66/443", "www.evil.example/x", "evil.example?x", "evil.example#x", "eve@evil.example", "evil.example/" + strings.Repeat("x", 100)} {
			text := strings.Repeat(good, 80) + fmt.Sprintf(line, host) + "\n" + good
			want, _ := told(t, logs.Options{Own: logs.Private()}, text, func(*record.Record, string, int64, int64) {})
			got, counts := told(t, logs.Options{Own: logs.Private()}, text, nil)
			if !slices.Equal(got, want) || counts.Decoded > 10 {
				t.Errorf("%s, %s: %q instead of %q\n%+v", name, host, got, want, counts)
			}
			found += len(want)
		}
	}
	if found < 16 {
		t.Errorf("%d were found", found)
	}
}
