package cli

import (
	"strings"
	"testing"
	"time"

	"entente/internal/watch"
	"entente/internal/watch/indicators"
	"entente/internal/watch/logs"
	"entente/internal/watch/pass"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// watched reads a line, some hundred others like it before it, and tells whether an indicator with a pattern is found in it, and how many indicators are said to be watched for.
func watched(t *testing.T, pattern, line string) (found bool, rep indicators.Report) {
	t.Helper()
	patterns := newWatchPatterns(nil)
	set := indicators.New(watch.Seed{1, 2})
	text := strings.ReplaceAll(strings.ReplaceAll(pattern, `\`, `\\`), `"`, `\"`)
	rep, err := set.Read(strings.NewReader(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000001-0000-4000-8000-000000000000","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","pattern":"`+text+
		`","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"}`), indicators.Options{Name: "x", Patterns: patterns})
	if err != nil {
		t.Fatal(err)
	}
	live, err := set.Compile()
	if err != nil {
		t.Fatal(err)
	}
	told := func(whole) { found = true }
	p := pass.New(pass.Options{Set: live.Load, All: patterns.all, Sightings: &sighting.Table{}, Logs: logs.Options{},
		Told: func(*sighting.Hit, *sighting.Sighting, bool) { found = true },
		Read: func(r *record.Record, stream string, number int64) { patterns.take(r, stream, number, told) }})
	s, err := p.Open("x", pass.State{})
	if err != nil {
		t.Fatal(err)
	}
	s.Write([]byte(strings.Repeat(line+"\n", 70)), time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
	s.Flush(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
	patterns.flush(told)
	return found, rep
}

// Lines as the formats have them.
const (
	sysmonLoad  = `{"@timestamp":"2024-05-01T10:00:00.000Z","winlog":{"event_id":7,"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"PC1.corp.example","event_data":{"Image":"C:\\Windows\\System32\\rundll32.exe","ImageLoaded":"C:\\Users\\a\\evil.dll","Hashes":"MD5=CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC,SHA256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}}`
	sysmonStart = `{"@timestamp":"2024-05-01T10:00:00.000Z","winlog":{"event_id":1,"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"PC1.corp.example","event_data":{"CommandLine":"cmd /c ping evil.com","Hashes":"SHA256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","Image":"C:\\Windows\\System32\\cmd.exe","ParentImage":"C:\\Users\\a\\evil.exe"}}}`
	sysmonKey   = `{"@timestamp":"2024-05-01T10:00:00.000Z","winlog":{"event_id":13,"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"PC1.corp.example","event_data":{"Image":"C:\\x.exe","TargetObject":"HKLM\\SOFTWARE\\Evil\\Run"}}}`
	eveAnswer   = `{"timestamp":"2024-12-23T02:30:26.051260+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dest_ip":"192.0.2.53","proto":"UDP","dns":{"version":2,"type":"answer","rrname":"k.evil.com","answers":[{"rrname":"k.evil.com","rrtype":"A","rdata":"203.0.113.9"}],"grouped":{"A":["203.0.113.9"]}}}`
	eveAnswer3  = `{"timestamp":"2024-12-23T02:30:26.051260+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dest_ip":"192.0.2.53","proto":"UDP","dns":{"version":3,"type":"response","queries":[{"rrname":"k.evil.com","rrtype":"A"}],"answers":[{"rrname":"k.evil.com","rrtype":"A","rdata":"203.0.113.9"}]}}`
	zeekConn    = `{"_path":"conn","ts":1796040000.1,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"198.51.100.8","id.resp_p":443,"proto":"tcp","conn_state":"SF"}`
	zeekAnswer  = `{"_path":"dns","ts":1796040000.1,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.53","id.resp_p":53,"proto":"udp","query":"k.evil.com","answers":["203.0.113.9"]}`
	zeekMail    = `{"_path":"smtp","ts":1796040000.1,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.25","id.resp_p":25,"mailfrom":"from@evil.com","rcptto":["to@good.example"],"from":"from@evil.com","to":["to@good.example"]}`
	zeekFile    = `{"_path":"files","ts":1796040000.1,"fuid":"F1","tx_hosts":["192.0.2.1"],"rx_hosts":["10.0.0.1"],"source":"HTTP","mime_type":"application/x-dosexec","filename":"evil.dll","md5":"d41d8cd98f00b204e9800998ecf8427e"}`
	zeekX509    = `{"_path":"x509","ts":1796040000.1,"fingerprint":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","certificate.version":3,"certificate.serial":"01","certificate.subject":"CN=evil.com,O=Evil","certificate.issuer":"O=Own CA,C=XX"}`
	eveTLS      = `{"timestamp":"2026-11-30T12:00:00.123456+0100","flow_id":1,"event_type":"tls","src_ip":"10.0.0.1","src_port":1,"dest_ip":"192.0.2.1","dest_port":443,"proto":"TCP","tls":{"subject":"CN=evil.com, O=Evil","issuerdn":"O=Own CA, C=XX","serial":"03:AB:CD","sni":"x.example","version":"TLS 1.2"}}`
	eveBack     = `{"timestamp":"2024-12-23T02:30:26.051260+0000","event_type":"alert","src_ip":"192.0.2.80","src_port":80,"dest_ip":"10.1.1.1","dest_port":5555,"proto":"TCP","alert":{"signature":"S"},"flow":{"src_ip":"10.1.1.1","src_port":5555,"dest_ip":"192.0.2.80","dest_port":80}}`
	auditKey    = `{"@timestamp":"2024-05-01T10:00:00.000Z","winlog":{"event_id":4657,"channel":"Security","computer_name":"PC1.corp.example","event_data":{"ObjectName":"\\REGISTRY\\MACHINE\\SOFTWARE\\Evil","ProcessName":"C:\\x.exe"}}}`
	script      = `{"@timestamp":"2024-05-01T10:00:00.000Z","winlog":{"event_id":4104,"channel":"Microsoft-Windows-PowerShell/Operational","computer_name":"PC1.corp.example","event_data":{"ScriptBlockText":"connect 192.0.2.1 now"}}}`
	plainText   = `something odd with 192.0.2.1 happened`
	zeekHTTP    = `{"_path":"http","ts":1796040000.1,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.1","id.resp_p":80,"method":"GET","host":"evil.com","uri":"/path/a?id=1","referrer":"http://from.example/","user_agent":"EvilBot/1.0"}`
	eveHTTP     = `{"timestamp":"2026-11-30T12:00:02.123456+0100","flow_id":1,"event_type":"http","src_ip":"10.0.0.3","src_port":1,"dest_ip":"192.0.2.1","dest_port":80,"proto":"TCP","http":{"hostname":"evil.com","url":"/path/a?id=1","http_user_agent":"EvilBot/1.0","http_method":"GET","protocol":"HTTP/1.1"}}`
)

// TestWatchMeaning: what a pattern asks for is found in the lines of real formats if and only if they say it.
func TestWatchMeaning(t *testing.T) {
	for line, patterns := range map[string]struct{ yes, no []string }{
		sysmonLoad: {
			yes: []string{"[file:hashes.'SHA-256' LIKE 'aaaaaaaa%' AND file:name = 'evil.dll']", "[file:hashes.MD5 LIKE 'cccc%' AND file:hashes.'SHA-256' LIKE 'aaaaaaaa%']",
				"[file:name = 'evil.dll' AND file:parent_directory_ref.path LIKE '%Users%']"},
			no: []string{"[process:name = 'evil.dll']", "[process:image_ref.name = 'evil.dll']", `[directory:path = 'C:\\Users']`, "[file:hashes.'SHA-256' LIKE 'aaaaaaaa%' AND file:name = 'rundll32.exe']", "[file:name = 'rundll32.exe' AND file:parent_directory_ref.path LIKE '%Users%']"},
		},
		sysmonStart: {
			yes: []string{"[file:hashes.'SHA-256' LIKE 'aaaaaaaa%' AND file:name = 'cmd.exe']", "[process:command_line = 'cmd /c ping evil.com']", "[process:name = 'CMD.exe']", "[process:image_ref.name = 'cmd.exe']",
				`[directory:path = 'C:\\Windows\\System32']`, `[file:parent_directory_ref.path = 'C:\\Users\\a']`, `[file:name = 'evil.exe' AND file:parent_directory_ref.path = 'C:\\Users\\a']`, "[process:name = 'cmd' AND process:command_line LIKE '%ping%']"},
			no: []string{"[file:hashes.'SHA-256' LIKE 'aaaaaaaa%' AND file:name = 'evil.exe']", "[process:command_line = 'cmd /c ping']", "[process:name = 'ping']"},
		},
		sysmonKey: {
			yes: []string{`[windows-registry-key:key LIKE 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Evil%']`, `[windows-registry-key:key LIKE 'HKLM\\SOFTWARE\\Evil%']`, `[windows-registry-key:key MATCHES '^HKLM']`,
				`[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Evil\\Run' AND windows-registry-key:key LIKE '%Evil%']`, `[windows-registry-key:key = 'HKLM\\SOFTWARE\\Evil\\Run' AND windows-registry-key:key LIKE '%Evil%']`,
				`[windows-registry-key:key NOT LIKE 'HKEY_USERS%']`, `[windows-registry-key:key = 'hklm\\software\\evil\\run']`},
			no: []string{`[windows-registry-key:key LIKE 'HKEY_USERS\\SOFTWARE\\Evil%']`, `[windows-registry-key:key NOT LIKE 'HKEY_LOCAL_MACHINE%']`, `[windows-registry-key:key NOT MATCHES '^HKLM']`},
		},
		zeekConn: {
			yes: []string{"[network-traffic:src_ref.value = '10.0.0.1']", "[network-traffic:dst_ref.value = '198.51.100.8']", "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.8']",
				"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.8' AND network-traffic:dst_port = 443]", "[network-traffic:dst_ref.value = '198.51.100.8' AND network-traffic:protocols[*] = 'tcp']",
				"[network-traffic:dst_ref.value = '198.51.100.8' AND network-traffic:protocols[*] = 'ipv4']", "[network-traffic:src_ref.value = '198.51.100.8' OR network-traffic:dst_ref.value = '198.51.100.8']", "[network-traffic:src_ref.value = '192.0.2.1' OR network-traffic:dst_port = 443]", "[ipv4-addr:value = '198.51.100.8']",
				"[network-traffic:dst_ref.value ISSUBSET '198.51.100.0/24']", "[network-traffic:dst_ref.value IN ('198.51.100.8', '198.51.100.9')]"},
			no: []string{"[network-traffic:src_ref.value = '198.51.100.8']", "[network-traffic:dst_ref.value = '10.0.0.1']", "[network-traffic:dst_ref.value = '198.51.100.8' AND network-traffic:protocols[*] = 'udp']", "[network-traffic:dst_ref.value = '198.51.100.8' AND network-traffic:protocols[*] = 'ipv6']",
				"[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = '198.51.100.8']", "[domain-name:resolves_to_refs[*].value = '198.51.100.8']", "[network-traffic:src_ref.value ISSUBSET '198.51.100.0/24']"},
		},
		zeekAnswer: answered,
		zeekMail: {
			yes: []string{"[email-message:from_ref.value = 'from@evil.com']", "[email-message:to_refs[*].value = 'to@good.example']", "[email-message:from_ref.value = 'from@evil.com' AND email-message:is_multipart = false]"},
			no:  []string{"[email-message:from_ref.value = 'to@good.example']", "[email-message:to_refs[*].value = 'from@evil.com']"},
		},
		zeekFile: {
			yes: []string{"[file:name = 'evil.dll' AND file:mime_type = 'application/x-dosexec']", "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' AND file:name = 'other.dll']"},
			no:  []string{"[file:name = 'evil.dll' AND file:mime_type = 'application/pdf']"},
		},
		zeekX509: {
			yes: []string{"[x509-certificate:subject = 'CN=evil.com,O=Evil']", "[x509-certificate:issuer = 'O=Own CA,C=XX']", "[x509-certificate:issuer = 'O=Own CA,C=XX' AND x509-certificate:serial_number = '01']"},
			no:  []string{"[x509-certificate:issuer = 'CN=evil.com,O=Evil']", "[x509-certificate:subject = 'CN=evil.com']"},
		},
		eveTLS: {
			yes: []string{"[x509-certificate:subject = 'CN=evil.com, O=Evil']", "[x509-certificate:issuer = 'O=Own CA, C=XX' AND x509-certificate:subject LIKE '%Evil%']"},
			no:  []string{"[x509-certificate:issuer = 'CN=evil.com, O=Evil']"},
		},
		eveBack: { // a packet that went back to who opened the connection
			yes: []string{"[network-traffic:dst_ref.value = '192.0.2.80']", "[network-traffic:dst_ref.value = '192.0.2.80' AND network-traffic:dst_port = 80]", "[network-traffic:src_ref.value = '10.1.1.1' AND network-traffic:src_port = 5555]"},
			no:  []string{"[network-traffic:src_ref.value = '192.0.2.80']", "[network-traffic:dst_port = 5555]"},
		},
		auditKey: {yes: []string{`[windows-registry-key:key LIKE 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Evil%']`, `[windows-registry-key:key LIKE '%REGISTRY%']`, `[windows-registry-key:key = 'HKLM\\SOFTWARE\\Evil']`}},
		script:   {yes: []string{"[network-traffic:dst_ref.value = '192.0.2.1']"}, no: []string{"[network-traffic:src_ref.value = '192.0.2.1']"}},
		plainText: { // its place says nothing
			yes: []string{"[network-traffic:src_ref.value = '192.0.2.1']", "[network-traffic:dst_ref.value = '192.0.2.1']", "[domain-name:resolves_to_refs[*].value = '192.0.2.1']"},
		},
		eveAnswer:  answered,
		eveAnswer3: answered,
		zeekHTTP:   requested,
		eveHTTP:    requested,
	} {
		for want, list := range map[bool][]string{true: patterns.yes, false: patterns.no} {
			for _, p := range list {
				if got, _ := watched(t, p, line); got != want {
					t.Errorf("%s in\n%s: found is %v", p, line, got)
				}
			}
		}
	}
}

// TestWatchUnseen: what no log tells is told, and not counted as watched for.
func TestWatchUnseen(t *testing.T) {
	for _, p := range []string{"[software:cpe = 'cpe:2.3:a:x:y:1:*:*:*:*:*:*:*']", "[file:size = 5]", "[ipv4-addr:value = '300.1.1.1']", "[process:pid = 4 AND process:name = 'x.exe']", "[domain-name:value = 'a.example'] AND [email-message:message_id = 'x']",
		"[network-traffic:src_byte_count > 5]", "[x-own:thing = 'x']", "[file:hashes.TLSH = 'x']", "[network-traffic:dst_ref.name = 'x']"} {
		if _, rep := watched(t, p, zeekConn); rep.Values != 0 || rep.Compound != 0 || rep.Bad != 1 || len(rep.Told) != 1 {
			t.Errorf("%s: %+v", p, rep)
		}
	}
	for _, p := range []string{"[domain-name:value = 'a.example' OR software:cpe = 'x']", "[network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:dst_port = 4]", "[network-traffic:dst_ref.resolves_to_refs[*].value = '192.0.2.7']", "[network-traffic:protocols[0] = 'tcp']",
		"[user-account:account_type = 'unix' AND user-account:account_login = 'Peter']"} {
		if _, rep := watched(t, p, zeekConn); rep.Values+rep.Compound != 1 || rep.Bad != 0 {
			t.Errorf("%s: %+v", p, rep)
		}
	}
}

var (
	answered = struct{ yes, no []string }{
		yes: []string{"[domain-name:resolves_to_refs[*].value = '203.0.113.9']", "[network-traffic:dst_ref.value = 'k.evil.com']", "[domain-name:value = 'k.evil.com' AND domain-name:resolves_to_refs[*].value = '203.0.113.9']"},
		no: []string{"[domain-name:resolves_to_refs[*].value = '10.1.1.1']", "[domain-name:resolves_to_refs[*].value = '192.0.2.53']", "[network-traffic:dst_ref.value = '203.0.113.9']",
			"[domain-name:value = 'k.evil.com' AND domain-name:resolves_to_refs[*].value = 'k.evil.com']", "[domain-name:value = 'k.evil.com' AND domain-name:resolves_to_refs[*].value = '10.1.1.1']"},
	}
	requested = struct{ yes, no []string }{
		yes: []string{"[network-traffic:extensions.'http-request-ext'.request_value = '/path/a?id=1' AND network-traffic:dst_port = 80]",
			"[network-traffic:extensions.'http-request-ext'.request_value = 'http://evil.com/path/a?id=1' AND network-traffic:dst_port = 80]",
			"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'EvilBot/1.0']", "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'EvilBot/1.0' AND network-traffic:dst_port = 80]",
			"[network-traffic:extensions.'http-request-ext'.request_header.Host = 'evil.com']", "[network-traffic:dst_ref.value = 'evil.com']",
			"[network-traffic:extensions.'http-request-ext'.request_value LIKE '/path/%']", "[network-traffic:extensions.'http-request-ext'.request_value LIKE '%evil.com/path/%']",
			"[network-traffic:extensions.'http-request-ext'.request_value != '/' AND network-traffic:dst_port = 80]"},
		no: []string{"[network-traffic:extensions.'http-request-ext'.request_value = '/path/a?id=2' AND network-traffic:dst_port = 80]",
			"[network-traffic:extensions.'http-request-ext'.request_value != '/path/a?id=1' AND network-traffic:dst_port = 80]",
			"[network-traffic:extensions.'http-request-ext'.request_value NOT LIKE '/path/%']"},
	}
)
