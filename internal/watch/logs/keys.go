package logs

import (
	"maps"
	"slices"
	"strings"

	"entente/internal/watch"
)

// Keys tells a [watch.Scanner] which values of a format's lines are worth a look: at least those that the format's
// Decode puts into a record. It is nil for formats that are not JSON, for those whose values are told by their form, and where the user maps
// fields: there every token of a line is worth one.
func Keys(format string, o Options) (*watch.Keys, error) {
	var tables []map[string]place
	looks := map[string]watch.Look{}
	after := map[string][]string{} // texts without which before them values are not worth a look
	switch {
	case !o.Fields.empty():
		return nil, nil
	case format == zeekJSON.name:
		tables = append(tables, zeekPlaces)
		for of := range maps.Values(zeekOf) {
			tables = append(tables, of)
		}
		looks["uri"], looks["host"] = watch.LookURL, watch.LookAuthority
	case format == suricata.name:
		tables = append(tables, suricataPlaces)
		looks["http.url"], looks["http.hostname"] = watch.LookURL, watch.LookAuthority
		looks["request_headers.value"] = watch.LookHost | watch.LookURL | watch.LookText | watch.LookWords
		after["request_headers.value"] = slices.Collect(maps.Keys(suricataHeaders))
	case format == caddy.name:
		tables = append(tables, caddyPlaces)
		looks["request.uri"], looks["request.host"] = watch.LookURL, watch.LookAuthority
	case format == ipfixJSON.name:
		tables = append(tables, ipfixPlaces)
	case format == dnstap.name || format == dnstapJSON.name:
		tables = append(tables, dnstapPlaces)
	case format == windowsJSON.name:
		tables = append(tables, windowsData, commonPlaces)
		looks["Hash"] = watch.LookHash
		looks["Hashes"] = watch.LookHash
		looks["QueryResults"] = watch.LookWords
		looks["ObjectName"] = watch.LookRegistry
		looks["ScriptBlockText"], looks["Path"] = watch.LookTokens, watch.LookTokens
	default:
		return nil, nil
	}
	for _, t := range tables {
		for name, p := range t {
			if p.as != 0 && p.as != asPlain {
				looks[name] |= lookOf(p.as)
			}
		}
	}
	// A member of an object in an object may also be written as one with a dotted name.
	ends := map[string]watch.Look{}
	always := map[string]bool{}
	texts := map[string][]string{}
	for name, look := range looks {
		for whole := name; ; {
			ends[name] |= look
			if list := after[whole]; list != nil {
				texts[name] = append(texts[name], list...)
			} else {
				always[name] = true
			}
			_, rest, ok := strings.Cut(name, ".")
			if !ok {
				break
			}
			name = rest
		}
	}
	keys := make([]watch.Key, 0, len(ends))
	for name, look := range ends {
		key := watch.Key{Name: name, Look: look}
		if !always[name] && len(name) < 8 {
			key.After = texts[name]
		}
		keys = append(keys, key)
	}
	return watch.NewKeys(keys...)
}

// Marks gives names of members of which one at least is in each line that the format takes for its own, those first that most lines have: a line without them is to be
// read, whatever it begins with, as it may be of another format, of which other values count. It is nil for formats of which [Keys] is nil.
func Marks(format string) []string {
	switch format {
	case zeekJSON.name:
		return []string{"_path", "id.orig_h", "orig_h", "fuid", "certificate.serial", "serial", "software_type"}
	case suricata.name:
		return []string{"event_type"}
	case caddy.name:
		return []string{"request", "request.host", "request.uri"}
	case ipfixJSON.name:
		return tops(ipfixMarks)
	case dnstap.name:
		return []string{"dnstap", "damaged"}
	case dnstapJSON.name:
		return []string{"dns", "dns.qname"}
	case windowsJSON.name:
		return tops(windowsMarks)
	}
	return nil
}

// tops gives the names under which places stand in an object: that of the outermost object, or the whole with its dots.
func tops(places []string) (names []string) {
	for _, p := range places {
		top, _, nested := strings.Cut(p, ".")
		if nested && !slices.Contains(names, top) {
			names = append(names, top)
		}
		names = append(names, p)
	}
	return names
}

// lookOf gives how a scanner has to look at what is in a place.
func lookOf(as shape) watch.Look {
	switch as {
	case asName, asAddress, asHost, asAnswer:
		return watch.LookHost
	case asURL:
		return watch.LookURL
	case asMail:
		return watch.LookMail
	case asSIP:
		return watch.LookMail | watch.LookWords
	case asHash:
		return watch.LookHash
	case asHashes, asDN, asAddresses:
		return watch.LookWords
	case asAgent, asSubject, asJA3, asJA4, asMutex, asAccount:
		return watch.LookText
	case asSerial, asMAC:
		return watch.LookNumber
	case asFile, asPath:
		return watch.LookFile
	case asCommand:
		return watch.LookFile | watch.LookText
	case asRegistry:
		return watch.LookRegistry
	case asForm:
		return watch.LookForm
	}
	return watch.LookAny
}
