package logs

import (
	"strings"

	"entente/internal/watch/record"
)

// zeekPlaces are the fields of Zeek's logs that are matched, by their names; the same name means the same in all logs but
// for those in zeekOf. https://docs.zeek.org/en/master/logs/
var zeekPlaces = map[string]place{
	"id.orig_p": {asPlain, record.Source},
	"id.resp_p": {asPlain, record.Destination},
	"proto":     {asPlain, record.Other},
	"mime_type": {asPlain, record.File},
	"id.orig_h": {asAddress, record.Source}, "id.resp_h": {asAddress, record.Destination},
	"orig_h": {asAddress, record.Source}, "resp_h": {asAddress, record.Destination},
	"src": {asAddress, record.Source}, "dst": {asAddress, record.Destination},
	"tx_hosts": {asAddress, record.Source}, "rx_hosts": {asAddress, record.Destination},
	"orig_l2_addr": {asMAC, record.Source}, "resp_l2_addr": {asMAC, record.Destination},
	"tunnel_parents": {},

	"query": {asName, record.Query}, "answers": {asAnswer, record.Answer},

	"referrer": {asURL, record.Referrer}, "user_agent": {asAgent, record.Agent},
	"orig_filenames": {asFile, record.File}, "resp_filenames": {asFile, record.File}, "proxied": {asAddresses, record.Source},

	"server_name": {asHost, record.Host}, "subject": {asDN, record.Certificate}, "issuer": {asDN, record.Certificate},
	"client_subject": {asDN, record.Certificate}, "client_issuer": {asDN, record.Certificate},
	"cert_chain_fps": {asHash, record.Certificate}, "client_cert_chain_fps": {asHash, record.Certificate},
	"ja3": {asJA3, record.Agent}, "ja3s": {asJA3, record.Agent}, "ja4": {asJA4, record.Agent}, "ja4s": {asJA4, record.Agent},
	"ja4h": {asJA4, record.Agent}, "ja4x": {asJA4, record.Certificate}, "hassh": {asJA3, record.Agent}, "hasshServer": {asJA3, record.Agent},

	"fingerprint": {asHash, record.Certificate}, "certificate.serial": {asSerial, record.Certificate},
	"certificate.subject": {asDN, record.Certificate}, "certificate.issuer": {asDN, record.Certificate}, "certificate.cn": {asHost, record.Certificate},
	"san.dns": {asName, record.Certificate}, "san.uri": {asURL, record.Certificate}, "san.email": {asMail, record.Certificate}, "san.ip": {asAddress, record.Certificate},

	"md5": {asHash, record.File}, "sha1": {asHash, record.File}, "sha256": {asHash, record.File}, "filename": {asFile, record.File}, "extracted": {},

	"mailfrom": {asMail, record.Sender}, "from": {asMail, record.Sender}, "reply_to": {asMail, record.Sender},
	"rcptto": {asMail, record.Recipient}, "to": {asMail, record.Recipient}, "cc": {asMail, record.Recipient},
	"x_originating_ip": {asAddress, record.Source}, "helo": {asHost, record.Sender}, "path": {asAddress, record.Other},

	"host": {asHost, record.Host}, "url": {asURL, record.Request}, "unparsed_version": {asAgent, record.Agent},
	"client_name": {asForm, record.Source}, "server": {asForm, record.Destination},
	"hostname": {asName, record.Source}, "domain": {asName, record.Source}, "host_name": {asName, record.Source}, "client_fqdn": {asName, record.Source},
	"assigned_addr": {asAddress, record.Source}, "assigned_ip": {asAddress, record.Source}, "client_addr": {asAddress, record.Source},
	"server_addr": {asAddress, record.Destination}, "requested_addr": {asAddress, record.Source}, "mac": {asMAC, record.Source},
	"seen.indicator": {asForm, record.Other}, "seen.host": {asAddress, record.Other}, "request_p": {},
	"bound.host": {asHost, record.Destination}, "bound.name": {asHost, record.Destination}, "request.host": {asHost, record.Destination}, "request.name": {asHost, record.Destination},
	"data_channel.orig_h": {asAddress, record.Source}, "data_channel.resp_h": {asAddress, record.Destination}, "framed_addr": {asAddress, record.Source}, "tunnel_client": {asHost, record.Source},
	"request_from": {asSIP, record.Sender}, "response_from": {asSIP, record.Sender}, "request_to": {asSIP, record.Recipient}, "response_to": {asSIP, record.Recipient},
	"name":                     {asFile, record.File},
	"server_dns_computer_name": {asName, record.Destination}, "server_nb_computer_name": {}, "hash": {asHash, record.File},
	"cookie": {asAccount, record.Source}, "user": {asAccount, record.Source}, "username": {asAccount, record.Source},
	"virtual_host": {asHost, record.Host}, "request_path": {}, "command": {asForm, record.Other}, "arg": {asForm, record.Request},
	"share_type": {}, "prev_name": {asFile, record.File},
}

// zeekOf are fields that mean something else in one log. An empty place is not matched.
var zeekOf = map[string]map[string]place{
	"smtp":           {"subject": {asSubject, record.Subject}, "user_agent": {asAgent, record.Agent}},
	"software":       {"host": {asAddress, record.Source}, "name": {}},
	"weird":          {"name": {}, "path": {}},
	"files":          {"path": {}},
	"notice":         {"dst": {asAddress, record.Destination}, "from": {}, "to": {}},
	"ssl":            {"path": {}},
	"http":           {"path": {}, "user": {}, "username": {asAccount, record.Source}},
	"known_hosts":    {"host": {asAddress, record.Source}},
	"known_services": {"host": {asAddress, record.Destination}},
	"known_certs":    {"host": {asAddress, record.Destination}, "subject": {asDN, record.Certificate}},
	"smb_files":      {"path": {asPath, record.File}, "name": {asPath, record.File}},
	"smb_mapping":    {"path": {asPath, record.File}},
	"pe":             {"name": {}},
	"sip":            {"from": {asMail, record.Sender}, "subject": {asSubject, record.Subject}, "path": {}},
	"kerberos":       {"from": {}, "to": {}, "till": {}},
	"dpd":            {},
	"capture_loss":   {},
	"stats":          {},
	"reporter":       {},
	"loaded_scripts": {"name": {}},
	"packet_filter":  {"node": {}},
	"syslog":         {"message": {}},
	"dce_rpc":        {"endpoint": {}},
	"radius":         {"result": {}},
	"ldap_search":    {},
	"conn":           {},
	"dns":            {"path": {}, "host": {}},
	"x509":           {"path": {}},
	"rdp":            {"cookie": {asAccount, record.Source}},
	"intel":          {},
}

// zeekShape tells which log a line is of by the fields it has, for lines that do not say.
var zeekShape = []struct{ log, field string }{
	{"dns", "qclass"}, {"dns", "rtt"}, {"dns", "qtype_name"}, {"dns", "rejected"},
	{"http", "trans_depth"}, // smtp has it, too, and is told first by what it alone has
	{"ssl", "ssl_history"}, {"ssl", "cert_chain_fps"}, {"ssl", "cipher"}, {"ssl", "resumed"},
	{"x509", "certificate.serial"}, {"software", "software_type"}, {"files", "fuid"}, {"rdp", "security_protocol"}, {"rdp", "cert_count"},
	{"conn", "conn_state"}, {"notice", "note"}, {"intel", "seen.indicator"}, {"weird", "notice"}, {"dhcp", "msg_types"},
	{"ssh", "auth_attempts"}, {"kerberos", "request_type"}, {"smb_files", "action"}, {"smb_mapping", "share_type"},
	{"ntlm", "server_dns_computer_name"}, {"dce_rpc", "named_pipe"}, {"pe", "machine"}, {"ftp", "reply_code"}, {"sip", "call_id"}, {"dns", "query"},
}

// zeekLog tells the log of a line by its fields.
func zeekLog(has func(string) bool) string {
	if has("is_webmail") || has("helo") || has("last_reply") {
		return "smtp"
	}
	for _, s := range zeekShape {
		if has(s.field) {
			return s.log
		}
	}
	return ""
}

func zeekPlace(log, field string) (place, bool) {
	if p, ok := zeekOf[log][field]; ok {
		return p, p.as != 0
	}
	p, ok := zeekPlaces[field]
	return p, ok && p.as != 0
}

// zeekFinish adds what takes more than one field of a Zeek log. get gives a field's text.
func zeekFinish(d *reader, log string, get func(string) string) {
	if log == "http" {
		scheme := "http"
		if get("id.resp_p") == "443" {
			scheme = "https"
		}
		host := get("host")
		if host == "" {
			host = get("id.resp_h")
			if strings.IndexByte(host, ':') >= 0 {
				host = d.scratch.join("[", host, "]")
			}
		}
		d.url(record.Request, "uri", scheme, host, get("id.resp_p"), get("uri"))
		if get("method") == "CONNECT" {
			d.put(place{asHost, record.Host}, "uri", get("uri"))
		}
	}
	if log == "sip" { // a place by its name would have all URIs of HTTP looked at for this
		_, host, _ := strings.Cut(get("uri"), ":")
		host, _, _ = strings.Cut(host[strings.LastIndexByte(host, '@')+1:], ";")
		d.put(place{asHost, record.Request}, "uri", host)
	}
	from, to := get("id.orig_h"), get("id.resp_h")
	switch {
	case from != "" || to != "":
	case log == "files":
		from, to = get("tx_hosts"), get("rx_hosts")
	case log == "dhcp":
		d.hostIs(get("assigned_addr"))
		d.hostIs(get("client_addr"))
		return
	case get("src") != "":
		from, to = get("src"), get("dst")
	case log == "software", strings.HasPrefix(log, "known_"):
		d.hostIs(get("host"))
		return
	}
	d.ends(from, to)
	switch get("local_orig") + get("local_resp") { // Zeek knows its networks
	case "truetrue", "TT":
		d.r.Direction = record.Internal
	case "truefalse", "TF":
		d.r.Direction = record.Outbound
	case "falsetrue", "FT":
		d.r.Direction = record.Inbound
	case "falsefalse", "FF":
		d.r.Direction = record.External
	}
}
