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
			times: []string{"flowStartMilliseconds", "flowStartSeconds", "flowStartMicroseconds", "flowStartNanoseconds", "flows.flowStartMilliseconds", "iana:flowStartMilliseconds", "iana:flowStartSeconds", "iana:flowStartMicroseconds",
				"iana:flowStartNanoseconds", "time_flow_start_ns", "time_received_ns", "time_flow_start", "timestamp_start", "stamp_inserted", "timestamp", "t_first", "first", "TimeFlowStart", "TimeReceived", "FLOW_START_MILLISECONDS",
				"FIRST_SWITCHED", "FLOW_START_SEC", "netflow.flow_start_msec", "@timestamp"},
			finish: func(f *jsonFormat) {
				var from, to string
				for _, ends := range flowEnds {
					if from == "" {
						from = f.get(ends[0])
					}
					if to == "" {
						to = f.get(ends[1])
					}
				}
				f.ends(from, to)
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
		if g.has("SrcAddr") && g.has("DstAddr") && (g.has("TimeFlowStart") || g.has("TimeReceived")) {
			return "SrcAddr"
		}
		for _, ends := range flowEnds[flowsTold:] {
			if g.has(ends[0]) && g.has(ends[1]) {
				return ends[0]
			}
		}
		return ""
	},
}

// flowEnds are the places of the two ends of a flow; those from flowsTold on tell the format by themselves.
var flowEnds = [...][2]string{
	{"sourceIPv4Address", "destinationIPv4Address"}, {"sourceIPv6Address", "destinationIPv6Address"}, {"flows.sourceIPv4Address", "flows.destinationIPv4Address"},
	{"flows.sourceIPv6Address", "flows.destinationIPv6Address"}, {"src_addr", "dst_addr"}, {"ip_src", "ip_dst"}, {"SrcAddr", "DstAddr"}, // goflow 1
	{"iana:sourceIPv4Address", "iana:destinationIPv4Address"}, {"iana:sourceIPv6Address", "iana:destinationIPv6Address"}, // ipfixcol2
	{"src4_addr", "dst4_addr"}, {"src6_addr", "dst6_addr"}, // nfdump
	{"IPV4_SRC_ADDR", "IPV4_DST_ADDR"}, {"IPV6_SRC_ADDR", "IPV6_DST_ADDR"}, // nProbe
	{"netflow.ipv4_src_addr", "netflow.ipv4_dst_addr"}, {"netflow.ipv6_src_addr", "netflow.ipv6_dst_addr"}, // Logstash
}

const flowsTold = 7

// ipfixMarks are places that each flow has one of.
var ipfixMarks = func() (marks []string) {
	for _, ends := range flowEnds {
		marks = append(marks, ends[0])
	}
	return marks
}()

var ipfixPlaces = withEnds(map[string]place{
	"postNATSourceIPv4Address": {asAddress, record.Source}, "postNATDestinationIPv4Address": {asAddress, record.Destination},
	"ipNextHopIPv4Address": {asAddress, record.Other}, "ipNextHopIPv6Address": {asAddress, record.Other}, "exporterIPv4Address": {}, "sourceMacAddress": {asMAC, record.Source}, "destinationMacAddress": {asMAC, record.Destination},
	"dnsQName": {asName, record.Query}, "dnsName": {asName, record.Query}, "httpHost": {asHost, record.Host}, "httpRequestHost": {asHost, record.Host}, "httpUserAgent": {asAgent, record.Agent}, "sslServerName": {asHost, record.Host}, "httpReferer": {asURL, record.Referrer},
	"next_hop": {asAddress, record.Other}, "src_mac": {asMAC, record.Source}, "dst_mac": {asMAC, record.Destination},
	"peer_ip_src": {}, "mac_src": {asMAC, record.Source}, "mac_dst": {asMAC, record.Destination}, "post_nat_ip_src": {asAddress, record.Source}, "post_nat_ip_dst": {asAddress, record.Destination},
	"iana:ipNextHopIPv4Address": {asAddress, record.Other}, "iana:ipNextHopIPv6Address": {asAddress, record.Other}, "iana:postNATSourceIPv4Address": {asAddress, record.Source}, "iana:postNATDestinationIPv4Address": {asAddress, record.Destination},
	"iana:sourceMacAddress": {asMAC, record.Source}, "iana:destinationMacAddress": {asMAC, record.Destination}, "flowmon:httpHost": {asHost, record.Host}, "flowmon:dnsQname": {asName, record.Query}, "flowmon:tlsSni": {asHost, record.Host},
	"ip4_next_hop": {asAddress, record.Other}, "bgp4_next_hop": {asAddress, record.Other}, "src4_xlt_ip": {asAddress, record.Source}, "dst4_xlt_ip": {asAddress, record.Destination}, "in_src_mac": {asMAC, record.Source}, "out_dst_mac": {asMAC, record.Destination},
	"NextHop": {asAddress, record.Other}, "SrcMac": {asMAC, record.Source}, "DstMac": {asMAC, record.Destination},
	"IPV4_NEXT_HOP": {asAddress, record.Other}, "IN_SRC_MAC": {asMAC, record.Source}, "OUT_DST_MAC": {asMAC, record.Destination}, "HTTP_HOST": {asHost, record.Host}, "HTTP_SITE": {asHost, record.Host}, "HTTP_URL": {asURL, record.Request},
	"HTTP_REFERER": {asURL, record.Referrer}, "HTTP_UA": {asAgent, record.Agent}, "DNS_QUERY": {asName, record.Query}, "TLS_SERVER_NAME": {asHost, record.Host}, "JA3C_HASH": {asJA3, record.Agent}, "JA3S_HASH": {asJA3, record.Agent},
	"netflow.ipv4_next_hop": {asAddress, record.Other}, "netflow.in_src_mac": {asMAC, record.Source}, "netflow.out_dst_mac": {asMAC, record.Destination},
})

// withEnds adds the ends of flows to places.
func withEnds(places map[string]place) map[string]place {
	for _, ends := range flowEnds {
		places[ends[0]], places[ends[1]] = place{asAddress, record.Source}, place{asAddress, record.Destination}
	}
	return places
}
