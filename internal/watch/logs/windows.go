package logs

import (
	"fmt"
	"strings"

	"entente/internal/watch/record"
)

// windowsJSON are events of Windows as JSON, those of Sysmon among them: as winlogbeat ships them, as evtx_dump writes them and
// as NXLog does.
var windowsJSON = kindOf{
	name: "windows-json",
	make: func(o Options) Format { return &windowsObjects{jsonFormat{reader: reader{o: o}, name: "windows-json"}} },
	mark: func(_ []byte, g *glance) string {
		switch {
		case g.has("winlog.event_id") || g.has("winlog.channel"):
			return "winlog"
		case g.has("Event.System.EventID") || g.has("Event.System.EventID.#text"):
			return "Event.System.EventID"
		case g.has("EventID") && (g.has("Hostname") || g.has("Computer") || g.has("Channel")):
			return "EventID"
		}
		return ""
	},
}

// windowsMarks are places that each event has one of.
var windowsMarks = []string{"winlog.event_id", "winlog.channel", "Event.System.EventID", "Event.System.EventID.#text", "EventID"}

type windowsObjects struct{ jsonFormat }

// windowsData are the names of event data.
var windowsData = map[string]place{
	"Image": {asPath, record.Process}, "ParentImage": {asPath, record.Process}, "SourceImage": {asPath, record.Process}, "TargetImage": {asPath, record.Process},
	"NewProcessName": {asPath, record.Process}, "ParentProcessName": {asPath, record.Process}, "ProcessName": {asPath, record.Process}, "CallerProcessName": {asPath, record.Process}, "Application": {asPath, record.Process},
	"CommandLine": {asCommand, record.Process}, "ParentCommandLine": {asCommand, record.Process}, "ProcessCommandLine": {asCommand, record.Process}, "OriginalFileName": {asFile, record.Process},
	"ImageLoaded": {asPath, record.File}, "TargetFilename": {asPath, record.File}, "ServiceFileName": {asPath, record.Process}, "ImagePath": {asPath, record.Process}, "ShareName": {asPath, record.File}, "RelativeTargetName": {asPath, record.File}, "FileName": {asPath, record.File}, "Path": {asPath, record.File},
	"Hashes": {asHashes, record.File}, "Hash": {asHashes, record.File}, "MD5": {asHash, record.File}, "SHA1": {asHash, record.File}, "SHA256": {asHash, record.File}, "IMPHASH": {},
	"TargetObject": {asRegistry, record.Process}, "ObjectName": {asForm, record.Process}, "NewName": {asRegistry, record.Process}, "PipeName": {asFile, record.Process},
	"DestinationIp": {asAddress, record.Destination}, "SourceIp": {asAddress, record.Source}, "DestinationHostname": {asName, record.Destination}, "SourceHostname": {asName, record.Source},
	"DestAddress": {asAddress, record.Destination}, "SourceAddress": {asAddress, record.Source}, "IpAddress": {asAddress, record.Source}, "ClientAddress": {asAddress, record.Source}, "Address": {asAddress, record.Source},
	"QueryName": {asName, record.Query}, "QNAME": {asName, record.Query}, "Source": {asAnswer, record.Source}, "ScriptBlockText": {asForm, record.Process}, "QueryResults": {asAnswer, record.Answer}, "TargetServerName": {asName, record.Destination}, "WorkstationName": {asForm, record.Source}, "Workstation": {asForm, record.Source},
	"User": {asAccount, record.Source}, "TargetUserName": {asAccount, record.Destination}, "SubjectUserName": {asAccount, record.Source}, "url": {asURL, record.Request}, "Url": {asURL, record.Request}, "RemoteName": {asURL, record.Request}, "remoteName": {asURL, record.Request}, "LocalName": {asPath, record.File},
	"Contents": {}, "Destination": {asCommand, record.Process},
}

// Decode implements [Format].
func (f *windowsObjects) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	err := f.walker.walk(line)
	for i := range f.walker.leaves {
		l := &f.walker.leaves[i]
		name := l.place
		for _, prefix := range []string{"winlog.event_data.", "Event.EventData.", "Event.UserData.", "EventData.", "event_data."} {
			if after, ok := strings.CutPrefix(name, prefix); ok {
				name = after
				break
			}
		}
		p, ok := windowsData[name]
		if !ok {
			p, ok = commonPlaces[name]
		}
		switch {
		case !ok || l.kind != leafText && l.kind != leafNumber:
		case name == "QueryResults": // "type:  5 name;::ffff:192.0.2.1;"
			for part := range strings.SplitSeq(l.text, ";") {
				if words := strings.Fields(part); len(words) > 0 {
					f.put(p, l.path, words[len(words)-1])
				}
			}
		case name == "ScriptBlockText":
			f.byForm(p.role, l.path, l.text)
		case name == "Path" && strings.Contains(l.text, ":_"): // of Defender: "file:_C:\\x.exe; webfile:_C:\\y|http://host/y|pid:1"
			for part := range strings.FieldsFuncSeq(l.text, func(c rune) bool { return c == ';' || c == '|' }) {
				if _, after, ok := strings.Cut(part, ":_"); ok {
					part = after
				}
				if part = strings.TrimSpace(part); strings.Contains(part, "://") {
					f.put(place{asURL, record.Request}, l.path, part)
				} else {
					f.put(p, l.path, part)
				}
			}
		case name == "Path" && strings.Contains(l.text, "://"):
			f.put(place{asURL, record.Request}, l.path, l.text)
		case name == "ObjectName" && strings.HasPrefix(l.text, `\REGISTRY\`):
			f.put(place{asRegistry, p.role}, l.path, l.text)
		case name == "TargetObject":
			f.put(p, l.path, l.text)
			if i := strings.LastIndexByte(l.text, '\\'); i > 0 && !strings.HasSuffix(f.first("winlog.event_data.EventType", "Event.EventData.EventType", "EventData.EventType", "EventType"), "Key") {
				f.put(p, l.path, l.text[:i]) // what is set is a value in the key
			}
		case name == "Hashes" || name == "Hash":
			if strings.IndexByte(l.text, '=') < 0 {
				p = place{asHash, p.role}
			}
			f.put(p, l.path, l.text)
		default:
			f.put(p, l.path, l.text)
		}
	}
	r.Host = f.first("winlog.computer_name", "Event.System.Computer", "Computer", "Hostname", "host.name")
	r.Time = moment(f.first("@timestamp", "Event.System.TimeCreated.#attributes.SystemTime", "Event.System.TimeCreated.SystemTime", "Event.System.TimeCreated_attributes.SystemTime"))
	if r.Time.IsZero() {
		r.Time = moment(f.first("UtcTime")).UTC()
	}
	if r.Time.IsZero() {
		r.Time = moment(f.first("EventTime", "TimeCreated"))
	}
	data := func(names ...string) string {
		for _, n := range names {
			if s := f.first("winlog.event_data."+n, "Event.EventData."+n, "EventData."+n, n); s != "" {
				return s
			}
		}
		return ""
	}
	host := r.Host
	f.ends(data("SourceIp", "SourceAddress"), data("DestinationIp", "DestAddress"))
	if data("Initiated") == "false" { // Sysmon names this machine first also where the other opened the connection
		switch r.Direction {
		case record.Outbound:
			r.Direction = record.Inbound
		case record.Inbound:
			r.Direction = record.Outbound
		}
	}
	if r.Direction == "" {
		if own, is := f.own(data("IpAddress", "ClientAddress")); is && own {
			r.Direction = record.Internal
		} else if is {
			r.Direction = record.Inbound
		}
	}
	if host != "" {
		r.Host = host
	}
	if f.must = windowsMarks; err == nil && !f.fits() {
		err = fmt.Errorf("%w: %w: it has none of %q", ErrLine, ErrOther, f.must)
	}
	return err
}
