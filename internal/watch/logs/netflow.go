package logs

import "entente/internal/watch/record"

// flowColumns are the columns of nfdump's CSV, of versions before 1.7 and since.
var flowColumns = map[string]place{
	"sa": {asAddress, record.Source}, "da": {asAddress, record.Destination}, "srcaddr": {asAddress, record.Source}, "dstaddr": {asAddress, record.Destination},
	"nh": {asAddress, record.Other}, "nhb": {asAddress, record.Other}, "ra": {asAddress, record.Other}, "ismc": {asMAC, record.Source}, "odmc": {asMAC, record.Destination},
	"srcip": {asAddress, record.Source}, "dstip": {asAddress, record.Destination}, "srcxlateip": {asAddress, record.Source}, "dstxlateip": {asAddress, record.Destination},
}

// ipfixJSON are flows as JSON: the names of RFC 5102 as yaf and others write them, those of goflow2 and those of pmacct.
var ipfixJSON = kindOf{
	name: "ipfix-json",
	make: func(o Options) Format {
		return &jsonFormat{reader: reader{o: o}, name: "ipfix-json", places: ipfixPlaces, must: ipfixMarks,
			times: []string{"flowStartMilliseconds", "flowStartSeconds", "flowStartMicroseconds", "flowStartNanoseconds", "flows.flowStartMilliseconds", "time_flow_start_ns", "time_received_ns",
				"time_flow_start", "timestamp_start", "stamp_inserted", "timestamp"},
			finish: func(f *jsonFormat) {
				f.ends(f.first("sourceIPv4Address", "sourceIPv6Address", "flows.sourceIPv4Address", "flows.sourceIPv6Address", "src_addr", "ip_src"),
					f.first("destinationIPv4Address", "destinationIPv6Address", "flows.destinationIPv4Address", "flows.destinationIPv6Address", "dst_addr", "ip_dst"))
			}}
	},
	mark: func(_ []byte, g *glance) string {
		for _, p := range []string{"sourceIPv4Address", "sourceIPv6Address", "flows.sourceIPv4Address", "flows.sourceIPv6Address"} {
			if g.has(p) {
				return p
			}
		}
		if g.has("src_addr") && g.has("dst_addr") && (g.has("time_flow_start_ns") || g.has("time_received_ns") || g.has("flow_direction")) {
			return "time_flow_start_ns"
		}
		if g.has("ip_src") && g.has("ip_dst") && (g.has("bytes") || g.has("packets")) {
			return "ip_src"
		}
		return ""
	},
}

// ipfixMarks are places that each flow has one of.
var ipfixMarks = []string{"sourceIPv4Address", "sourceIPv6Address", "flows.sourceIPv4Address", "flows.sourceIPv6Address", "src_addr", "ip_src"}

var ipfixPlaces = map[string]place{
	"sourceIPv4Address": {asAddress, record.Source}, "sourceIPv6Address": {asAddress, record.Source}, "flows.sourceIPv4Address": {asAddress, record.Source}, "flows.sourceIPv6Address": {asAddress, record.Source},
	"destinationIPv4Address": {asAddress, record.Destination}, "destinationIPv6Address": {asAddress, record.Destination}, "flows.destinationIPv4Address": {asAddress, record.Destination}, "flows.destinationIPv6Address": {asAddress, record.Destination},
	"postNATSourceIPv4Address": {asAddress, record.Source}, "postNATDestinationIPv4Address": {asAddress, record.Destination},
	"ipNextHopIPv4Address": {asAddress, record.Other}, "ipNextHopIPv6Address": {asAddress, record.Other}, "exporterIPv4Address": {}, "sourceMacAddress": {asMAC, record.Source}, "destinationMacAddress": {asMAC, record.Destination},
	"dnsQName": {asName, record.Query}, "dnsName": {asName, record.Query}, "httpHost": {asHost, record.Host}, "httpRequestHost": {asHost, record.Host}, "httpUserAgent": {asAgent, record.Agent}, "sslServerName": {asHost, record.Host}, "httpReferer": {asURL, record.Referrer},
	"src_addr": {asAddress, record.Source}, "dst_addr": {asAddress, record.Destination}, "next_hop": {asAddress, record.Other}, "src_mac": {asMAC, record.Source}, "dst_mac": {asMAC, record.Destination},
	"ip_src": {asAddress, record.Source}, "ip_dst": {asAddress, record.Destination}, "peer_ip_src": {}, "mac_src": {asMAC, record.Source}, "mac_dst": {asMAC, record.Destination}, "post_nat_ip_src": {asAddress, record.Source}, "post_nat_ip_dst": {asAddress, record.Destination},
}
