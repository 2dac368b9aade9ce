package logs

import "entente/internal/watch/record"

// jsonLines is any log of one JSON object a line: the names of the Elastic Common Schema, of the Open Cybersecurity Schema
// and others that are widely used; what stands elsewhere is taken if its form is that of one kind of value only.
var jsonLines = kindOf{
	name: "jsonl",
	make: func(o Options) Format {
		return &anyObjects{jsonFormat{reader: reader{o: o}, name: "jsonl", places: commonPlaces, mapped: o.Fields, loose: !o.Fields.Values(),
			times:  append(o.Fields.times(), "@timestamp", "timestamp", "time", "ts", "event.created", "date", "datetime", "eventTime", "_time", "start", "sTime"),
			finish: jsonLinesFinish}}
	},
	mark: func(_ []byte, g *glance) string {
		if g.json() {
			return "{"
		}
		return ""
	},
}

// anyObjects are JSON lines of no particular format.
type anyObjects struct{ jsonFormat }

// particular are places that lines of particular formats have.
var particular = append([]string{"_path", "id.orig_h", "event_type", "dns.qname", "request.uri", "sourceIPv4Address", "sourceIPv6Address"}, windowsMarks...)

// Foreign implements [Vague].
func (f *anyObjects) Foreign() bool {
	if f.mapped.empty() {
		for _, p := range particular {
			if f.has(p) {
				return true
			}
		}
	}
	return false
}

// commonPlaces are names that many logs share.
var commonPlaces = map[string]place{
	"source.port":       {asPlain, record.Source},
	"destination.port":  {asPlain, record.Destination},
	"network.transport": {asPlain, record.Other},
	"src_port":          {asPlain, record.Source},
	"dst_port":          {asPlain, record.Destination},
	"dest_port":         {asPlain, record.Destination},
	"source.ip":         {asAddress, record.Source}, "client.ip": {asAddress, record.Source}, "source.address": {asHost, record.Source}, "client.address": {asHost, record.Source},
	"destination.ip": {asAddress, record.Destination}, "server.ip": {asAddress, record.Destination}, "destination.address": {asHost, record.Destination}, "server.address": {asHost, record.Destination},
	"source.domain": {asName, record.Source}, "destination.domain": {asName, record.Destination}, "client.domain": {asName, record.Source}, "server.domain": {asName, record.Destination},
	"source.mac": {asMAC, record.Source}, "destination.mac": {asMAC, record.Destination}, "source.nat.ip": {asAddress, record.Source}, "destination.nat.ip": {asAddress, record.Destination},
	"dns.question.name": {asName, record.Query}, "dns.answers.name": {asName, record.Answer}, "dns.answers.data": {asAnswer, record.Answer}, "dns.resolved_ip": {asAddress, record.Answer},
	"url.full": {asURL, record.Request}, "url.original": {asForm, record.Request}, "url.domain": {asHost, record.Host}, "http.request.referrer": {asURL, record.Referrer},
	"user_agent.original": {asAgent, record.Agent}, "tls.client.server_name": {asHost, record.Host}, "tls.client.ja3": {asJA3, record.Agent}, "tls.server.ja3s": {asJA3, record.Agent}, "tls.client.ja4": {asJA4, record.Agent},
	"tls.server.hash.sha1": {asHash, record.Certificate}, "tls.server.hash.sha256": {asHash, record.Certificate}, "tls.server.hash.md5": {asHash, record.Certificate},
	"tls.client.hash.sha1": {asHash, record.Certificate}, "tls.client.hash.sha256": {asHash, record.Certificate}, "tls.server.x509.serial_number": {asSerial, record.Certificate}, "x509.serial_number": {asSerial, record.Certificate},
	"tls.server.subject": {asDN, record.Certificate}, "tls.server.issuer": {asDN, record.Certificate}, "x509.subject.common_name": {asHost, record.Certificate}, "x509.alternative_names": {asForm, record.Certificate}, "tls.server.x509.alternative_names": {asForm, record.Certificate},
	"file.name": {asFile, record.File}, "file.path": {asPath, record.File}, "file.hash.md5": {asHash, record.File}, "file.hash.sha1": {asHash, record.File}, "file.hash.sha256": {asHash, record.File}, "file.hash.sha512": {asHash, record.File},
	"process.hash.md5": {asHash, record.Process}, "process.hash.sha1": {asHash, record.Process}, "process.hash.sha256": {asHash, record.Process}, "process.executable": {asPath, record.Process}, "process.command_line": {asCommand, record.Process}, "process.name": {asFile, record.Process},
	"process.parent.executable": {asPath, record.Process}, "dll.path": {asPath, record.File}, "dll.hash.sha256": {asHash, record.File}, "dll.hash.md5": {asHash, record.File}, "dll.hash.sha1": {asHash, record.File},
	"registry.path": {asRegistry, record.Process}, "registry.key": {}, "user.name": {asAccount, record.Source}, "user.email": {asMail, record.Source},
	"email.from.address": {asMail, record.Sender}, "email.sender.address": {asMail, record.Sender}, "email.reply_to.address": {asMail, record.Sender}, "email.to.address": {asMail, record.Recipient}, "email.cc.address": {asMail, record.Recipient}, "email.subject": {asSubject, record.Subject},
	"email.attachments.file.name": {asFile, record.File}, "email.attachments.file.hash.sha256": {asHash, record.File}, "email.attachments.file.hash.md5": {asHash, record.File},
	"host.name": {}, "host.hostname": {}, "agent.name": {}, "log.file.path": {}, "log.file.name": {}, "event.module": {}, "host.ip": {asAddress, record.Other},

	"src_endpoint.ip": {asAddress, record.Source}, "dst_endpoint.ip": {asAddress, record.Destination}, "src_endpoint.hostname": {asName, record.Source}, "dst_endpoint.hostname": {asName, record.Destination},
	"query.hostname": {asName, record.Query}, "answers.rdata": {asAnswer, record.Answer}, "http_request.user_agent": {asAgent, record.Agent}, "http_request.url.url_string": {asURL, record.Request}, "http_request.url.hostname": {asHost, record.Host}, "http_request.referrer": {asURL, record.Referrer},

	"srcaddr": {asAddress, record.Source}, "dstaddr": {asAddress, record.Destination}, // flows of VPCs
	"sip": {asAddress, record.Source}, "dip": {asAddress, record.Destination}, "sIP": {asAddress, record.Source}, "dIP": {asAddress, record.Destination}, // SiLK
	"src_ip": {asAddress, record.Source}, "srcip": {asAddress, record.Source}, "src": {asHost, record.Source}, "source_ip": {asAddress, record.Source}, "client_ip": {asAddress, record.Source}, "clientip": {asAddress, record.Source}, "remote_addr": {asAddress, record.Source}, "remote_ip": {asAddress, record.Source},
	"dst_ip": {asAddress, record.Destination}, "dest_ip": {asAddress, record.Destination}, "dstip": {asAddress, record.Destination}, "dst": {asHost, record.Destination}, "dest": {asHost, record.Destination}, "destination_ip": {asAddress, record.Destination},
	"query": {asForm, record.Query}, "qname": {asName, record.Query}, "query_name": {asName, record.Query}, "domain": {asHost, record.Host}, "fqdn": {asName, record.Host}, "hostname": {asForm, record.Other}, "host": {asForm, record.Host}, "sni": {asHost, record.Host}, "server_name": {asHost, record.Host},
	"url": {asURL, record.Request}, "uri": {asForm, record.Request}, "request_url": {asURL, record.Request}, "referer": {asURL, record.Referrer}, "referrer": {asURL, record.Referrer}, "http_referer": {asURL, record.Referrer},
	"user_agent": {asAgent, record.Agent}, "useragent": {asAgent, record.Agent}, "http_user_agent": {asAgent, record.Agent}, "ja3": {asJA3, record.Agent}, "ja3s": {asJA3, record.Agent}, "ja4": {asJA4, record.Agent},
	"md5": {asHash, record.File}, "sha1": {asHash, record.File}, "sha256": {asHash, record.File}, "hash": {asHash, record.File}, "filename": {asFile, record.File}, "file_name": {asFile, record.File}, "file_path": {asPath, record.File},
	"from": {asMail, record.Sender}, "mail_from": {asMail, record.Sender}, "sender": {asMail, record.Sender}, "to": {asMail, record.Recipient}, "rcpt_to": {asMail, record.Recipient}, "recipient": {asMail, record.Recipient}, "subject": {asSubject, record.Subject},
}

func jsonLinesFinish(f *jsonFormat) {
	f.ends(f.first("source.ip", "client.ip", "src_endpoint.ip", "src_ip", "srcip", "srcaddr", "sIP", "source_ip", "client_ip", "remote_addr", "src"),
		f.first("destination.ip", "server.ip", "dst_endpoint.ip", "dst_ip", "dest_ip", "dstip", "dstaddr", "dIP", "destination_ip", "dst", "dest"))
	switch d := record.Direction(f.get("network.direction")); d {
	case record.Inbound, record.Outbound, record.Internal, record.External:
		f.r.Direction = d
	case "ingress":
		f.r.Direction = record.Inbound
	case "egress":
		f.r.Direction = record.Outbound
	}
	f.hostIs(f.first("host.name", "host.hostname"))
	if target := f.get("url.path"); target != "" && f.get("url.full") == "" {
		scheme := f.get("url.scheme")
		if scheme == "" {
			scheme = "http"
		}
		if q := f.get("url.query"); q != "" {
			target = f.scratch.join(target, "?", q)
		}
		f.url(record.Request, "url.path", scheme, f.first("url.domain", "destination.domain"), f.get("url.port"), target)
	}
}
