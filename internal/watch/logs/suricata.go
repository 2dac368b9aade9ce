package logs

import (
	"strconv"
	"strings"

	"entente/internal/watch/record"
)

// suricata is Suricata's EVE output, one JSON object a line: dns of versions 1 to 3 and all other events by the names of
// their fields. https://docs.suricata.io/en/latest/output/eve/eve-json-format.html
var suricata = kindOf{
	name: "suricata-eve",
	make: func(o Options) Format {
		return &jsonFormat{reader: reader{o: o}, name: "suricata-eve", places: suricataPlaces, times: []string{"timestamp"}, must: []string{"event_type"}, finish: suricataFinish}
	},
	mark: func(_ []byte, g *glance) string {
		if g.json() && g.has("event_type") && g.has("timestamp") && (g.has("src_ip") || g.has("stats.uptime") || g.has("flow_id") || g.has("engine.message")) {
			return "event_type"
		}
		return ""
	},
}

var suricataPlaces = map[string]place{
	"src_port":  {asPlain, record.Source},
	"dest_port": {asPlain, record.Destination},
	"proto":     {asPlain, record.Other},
	"src_ip":    {asAddress, record.Source}, "dest_ip": {asAddress, record.Destination},
	"tunnel.src_ip": {asAddress, record.Source}, "tunnel.dest_ip": {asAddress, record.Destination},
	"ether.src_mac": {asMAC, record.Source}, "ether.dest_mac": {asMAC, record.Destination},
	"ether.src_macs": {asMAC, record.Source}, "ether.dest_macs": {asMAC, record.Destination},
	"alert.source.ip": {asAddress, record.Source}, "alert.target.ip": {asAddress, record.Destination}, "alert.xff": {asAddress, record.Source}, "xff": {asAddress, record.Source},

	"dns.rrname": {asName, record.Query}, "dns.rdata": {asAnswer, record.Answer},
	"dns.query.rrname": {asName, record.Query}, "dns.queries.rrname": {asName, record.Query},
	"dns.answer.rrname": {asName, record.Answer}, "dns.answer.rdata": {asAnswer, record.Answer},
	"dns.answers.rrname": {asName, record.Answer}, "dns.answers.rdata": {asAnswer, record.Answer},
	"dns.authorities.rrname": {asName, record.Answer}, "dns.authorities.rdata": {asAnswer, record.Answer},
	"dns.additionals.rrname": {asName, record.Answer}, "dns.additionals.rdata": {asAnswer, record.Answer},
	"dns.answers.soa.mname": {asName, record.Answer}, "dns.authorities.soa.mname": {asName, record.Answer}, "dns.soa.mname": {asName, record.Answer},
	"dns.answers.srv.name": {asName, record.Answer}, "dns.answers.mx": {asName, record.Answer},
	"dns.grouped.A": {asAddress, record.Answer}, "dns.grouped.AAAA": {asAddress, record.Answer}, "dns.grouped.CNAME": {asName, record.Answer},
	"dns.grouped.MX": {asName, record.Answer}, "dns.grouped.NS": {asName, record.Answer}, "dns.grouped.PTR": {asName, record.Answer}, "dns.grouped.SRV.name": {asName, record.Answer}, "dns.grouped.SOA.mname": {asName, record.Answer},
	"dns.answer.grouped.A": {asAddress, record.Answer}, "dns.answer.grouped.AAAA": {asAddress, record.Answer}, "dns.answer.grouped.CNAME": {asName, record.Answer},
	"mdns.queries.rrname": {asName, record.Query}, "mdns.answers.rrname": {asName, record.Answer}, "mdns.answers.rdata": {asAnswer, record.Answer},

	"http.hostname": {asHost, record.Host}, "http.http_user_agent": {asAgent, record.Agent}, "http.http_refer": {asURL, record.Referrer},
	"http.xff": {asAddresses, record.Source}, "http.redirect": {asURL, record.Answer}, "http.true_client_ip": {asAddresses, record.Source},
	"http.org_src_ip": {asAddress, record.Source}, "http.x_bluecoat_via": {}, "http.referer": {asURL, record.Referrer}, "http.location": {asURL, record.Answer},

	"tls.sni": {asHost, record.Host}, "tls.subject": {asDN, record.Certificate}, "tls.issuerdn": {asDN, record.Certificate},
	"tls.fingerprint": {asHash, record.Certificate}, "tls.serial": {asSerial, record.Certificate}, "tls.subjectaltname": {asHost, record.Certificate},
	"tls.ja3.hash": {asJA3, record.Agent}, "tls.ja3s.hash": {asJA3, record.Agent}, "tls.ja4": {asJA4, record.Agent},
	"tls.client.subject": {asDN, record.Certificate}, "tls.client.issuerdn": {asDN, record.Certificate}, "tls.client.fingerprint": {asHash, record.Certificate}, "tls.client.serial": {asSerial, record.Certificate},
	"quic.sni": {asHost, record.Host}, "quic.ja3.hash": {asJA3, record.Agent}, "quic.ja3s.hash": {asJA3, record.Agent}, "quic.ja4": {asJA4, record.Agent}, "quic.ua": {asAgent, record.Agent},
	"ssh.client.hassh.hash": {asJA3, record.Agent}, "ssh.server.hassh.hash": {asJA3, record.Agent},

	"fileinfo.filename": {asPath, record.File}, "fileinfo.md5": {asHash, record.File}, "fileinfo.sha1": {asHash, record.File}, "fileinfo.sha256": {asHash, record.File},
	"files.filename": {asPath, record.File}, "files.md5": {asHash, record.File}, "files.sha1": {asHash, record.File}, "files.sha256": {asHash, record.File},
	"smb.filename": {asPath, record.File}, "smb.share": {asPath, record.File}, "smb.ntlmssp.host": {asForm, record.Source}, "smb.ntlmssp.domain": {asForm, record.Source}, "smb.ntlmssp.user": {asAccount, record.Source}, "nfs.filename": {asPath, record.File}, "tftp.file": {asPath, record.File},
	"smb.named_pipe": {asFile, record.File}, "ftp_data.filename": {asPath, record.File},

	"smtp.helo": {asHost, record.Sender}, "smtp.mail_from": {asMail, record.Sender}, "smtp.rcpt_to": {asMail, record.Recipient},
	"email.from": {asMail, record.Sender}, "email.to": {asMail, record.Recipient}, "email.cc": {asMail, record.Recipient}, "email.bcc": {asMail, record.Recipient},
	"email.reply_to": {asMail, record.Sender}, "email.subject": {asSubject, record.Subject}, "email.attachment": {asFile, record.File}, "email.url": {asURL, record.Other},
	"email.x_mailer": {asAgent, record.Agent}, "email.x_originating_ip": {asAddresses, record.Source},

	"dhcp.client_mac": {asMAC, record.Source}, "dhcp.assigned_ip": {asAddress, record.Source}, "dhcp.client_ip": {asAddress, record.Source}, "dhcp.hostname": {asForm, record.Source}, "dhcp.dns_servers": {asAddress, record.Other}, "dhcp.relay_ip": {asAddress, record.Other}, "dhcp.next_server_ip": {asAddress, record.Other},
	"krb5.sname": {asForm, record.Destination}, "krb5.realm": {asForm, record.Destination}, "krb5.cname": {asAccount, record.Source},
	"rdp.cookie": {asAccount, record.Source}, "sip.uri": {asSIP, record.Request}, "sip.request_line": {},
	"mqtt.connect.client_id": {}, "mqtt.publish.topic": {}, "ldap.request.search_request.base_object": {asDN, record.Other},
	"arp.src_ip": {asAddress, record.Source}, "arp.dest_ip": {asAddress, record.Destination}, "arp.src_mac": {asMAC, record.Source}, "arp.dest_mac": {asMAC, record.Destination},
	"snmp.trap_address": {asAddress, record.Source}, "ftp.command_data": {asForm, record.Request}, "ftp.dynamic_ip": {asAddress, record.Destination},
	"bittorrent_dht.response.values.ip": {asAddress, record.Answer}, "smb.kerberos.realm": {asForm, record.Destination}, "rdp.client.client_name": {asForm, record.Source},
	"pgsql.request.startup_parameters.user": {asAccount, record.Source},
}

func suricataFinish(f *jsonFormat) {
	if f.get("dns.type") == "answer" || f.get("dns.type") == "response" {
		// The question that an answer repeats is part of the answer: the query has an event of its own.
		for i := range f.r.Fields {
			if p := &f.r.Fields[i]; p.Role == record.Query {
				p.Role = record.Answer
			}
		}
	}
	// Events of a packet have its ends; the flow's are named beside it where they may differ. What is told of a file has
	// the end that sent it first: the server is the one with the lower port.
	from, to, serverPort := f.first("flow.src_ip", "src_ip"), f.first("flow.dest_ip", "dest_ip"), f.first("flow.dest_port", "dest_port")
	if f.get("event_type") == "fileinfo" && portOf(f.get("src_port")) < portOf(f.get("dest_port")) {
		from, to, serverPort = to, from, f.get("src_port")
	}
	f.ends(from, to)
	if from != to && from == f.get("dest_ip") && to == f.get("src_ip") { // the other end opened the connection
		for i := range f.r.Fields {
			switch p := &f.r.Fields[i]; p.Path {
			case "src_ip", "src_port":
				p.Role = record.Destination
			case "dest_ip", "dest_port":
				p.Role = record.Source
			}
		}
	}
	if target := f.get("http.url"); target != "" {
		scheme, port := "http", f.get("http.http_port")
		if f.has("tls.version") || f.has("tls.sni") {
			scheme = "https"
		}
		if port == "" {
			port = serverPort
		}
		host := f.get("http.hostname")
		if host == "" {
			if host = to; strings.IndexByte(host, ':') >= 0 {
				host = f.scratch.join("[", host, "]")
			}
		}
		f.url(record.Request, "http.url", scheme, host, port, target)
	}
	for i := range f.walker.leaves { // headers as lists of names and values
		l := &f.walker.leaves[i]
		if l.place != "http.request_headers.value" && l.place != "http2.request_headers.value" && l.place != "http.http2.request_headers.value" {
			continue
		}
		name := ""
		if i > 0 {
			name = f.walker.leaves[i-1].text
		}
		p, known := suricataHeaders[strings.ToLower(name)]
		if known {
			f.put(p, l.path, l.text)
		}
	}
}

// suricataHeaders are the headers of a request that hold something, by their names in lower case.
var suricataHeaders = map[string]place{
	"host": {asHost, record.Host}, ":authority": {asHost, record.Host}, "user-agent": {asAgent, record.Agent}, "referer": {asURL, record.Referrer},
	"x-forwarded-for": {asAddresses, record.Source},
}

// portOf reads a port; 0 if it is none.
func portOf(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 16) // what is no port has none
	return n
}
