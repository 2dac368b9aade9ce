package feed

import (
	"encoding/base64"
	"strconv"

	"entente/internal/observable"
)

// suricataDomains is a dataset of type string: base64 of the name, one a line. A
// dataset compares whole names; names below one are not in it.
func suricataDomains() Format {
	return Format{Name: "suricata-domains", For: "a Suricata dataset of names (type string), for the rules of suricata-rules", MediaType: "text/plain; charset=utf-8", Extension: "lst",
		Types: []observable.Type{observable.Domain}, fits: func(v observable.Value) bool { return plainName(v.Text) },
		block: each(func(dst []byte, e *Entry) []byte {
			return append(base64.StdEncoding.AppendEncode(dst, []byte(e.Value.Text)), '\n')
		})}
}

// suricataAddresses is a dataset of type ip.
func suricataAddresses() Format {
	return Format{Name: "suricata-ips", For: "a Suricata dataset of addresses (type ip), for the rules of suricata-rules", MediaType: "text/plain; charset=utf-8", Extension: "lst",
		Types: []observable.Type{observable.IPv4, observable.IPv6},
		block: each(func(dst []byte, e *Entry) []byte { return append(append(dst, e.Value.Text...), '\n') })}
}

// suricataHashes is a dataset of type md5 or sha256.
func suricataHashes(name string, t observable.Type) Format {
	return Format{Name: name, For: "a Suricata dataset of hashes of files (type " + string(t) + ")", MediaType: "text/plain; charset=utf-8", Extension: "lst",
		Types: []observable.Type{t},
		block: each(func(dst []byte, e *Entry) []byte { return append(append(dst, e.Value.Text...), '\n') })}
}

// suricataReputation is a list of reputations, which takes prefixes as well:
// address, category, score.
func suricataReputation() Format {
	return Format{Name: "suricata-iprep", For: "a Suricata reputation list (reputation-files:), category 1", MediaType: "text/plain; charset=utf-8", Extension: "list",
		Types: []observable.Type{observable.IPv4, observable.IPv6, observable.Prefix},
		block: each(func(dst []byte, e *Entry) []byte {
			score := 127
			if e.Confidence >= 0 && e.Confidence <= 100 {
				score = 1 + e.Confidence*126/100
			}
			dst = append(append(dst, e.Value.Text...), ",1,"...)
			return append(strconv.AppendInt(dst, int64(score), 10), '\n')
		})}
}

// suricataRules are the rules that look into the datasets; they do not change with
// what is known.
func suricataRules() Format {
	return Format{Name: "suricata-rules", For: "the Suricata rules (7.0 and later) that look into the datasets", MediaType: "text/plain; charset=utf-8", Extension: "rules",
		head: func(dst []byte, m Meta) []byte {
			return append(comment("#")(dst, m), `alert dns any any -> any any (msg:"ENTENTE name of an indicator is asked for"; dns.query; to_lowercase; dataset:isset,entente-domains,type string,load suricata-domains.lst; classtype:trojan-activity; sid:9810001; rev:1;)
alert tls any any -> any any (msg:"ENTENTE name of an indicator in a TLS handshake"; tls.sni; to_lowercase; dataset:isset,entente-domains,type string,load suricata-domains.lst; classtype:trojan-activity; sid:9810002; rev:1;)
alert http any any -> any any (msg:"ENTENTE name of an indicator in a request"; http.host; dataset:isset,entente-domains,type string,load suricata-domains.lst; classtype:trojan-activity; sid:9810003; rev:1;)
alert ip any any -> any any (msg:"ENTENTE connection to an address of an indicator"; ip.dst; dataset:isset,entente-ips,type ip,load suricata-ips.lst; classtype:trojan-activity; sid:9810004; rev:1;)
alert ip any any -> any any (msg:"ENTENTE connection from an address of an indicator"; ip.src; dataset:isset,entente-ips,type ip,load suricata-ips.lst; classtype:trojan-activity; sid:9810005; rev:1;)
alert http any any -> any any (msg:"ENTENTE file of an indicator"; filesha256:suricata-sha256.lst; classtype:trojan-activity; sid:9810006; rev:1;)
alert http any any -> any any (msg:"ENTENTE file of an indicator"; filemd5:suricata-md5.lst; classtype:trojan-activity; sid:9810007; rev:1;)
`...)
		},
		block: func(dst []byte, _ []Entry) []byte { return dst }}
}
