package feed

import (
	"crypto/md5" //nolint:gosec // the hashes of a MISP feed are MD5 by its format
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"entente/internal/observable"
	"entente/stix"
)

// mispFormat is a feed that a MISP instance pulls by its address: manifest.json,
// hashes.csv and a file for each event. Its blocks are the attributes of one event.
func mispFormat() Format {
	f := Format{Name: "misp", For: "MISP instances (Sync Actions, Feeds, format MISP): give them the address of the folder", MediaType: "application/json", Extension: "json",
		fits:  func(v observable.Value) bool { return plainLine(v.Text) },
		block: mispAttributes}
	for _, t := range observable.Types() {
		if _, ok := mispTypes[t]; ok {
			f.Types = append(f.Types, t)
		}
	}
	return f
}

// mispTypes are the types of attributes with their usual categories.
var mispTypes = map[observable.Type][2]string{
	observable.Domain: {"domain", "Network activity"}, observable.IPv4: {"ip-dst", "Network activity"}, observable.IPv6: {"ip-dst", "Network activity"},
	observable.Prefix: {"ip-dst", "Network activity"}, observable.URL: {"url", "Network activity"}, observable.Email: {"email", "Payload delivery"},
	observable.MD5: {"md5", "Payload delivery"}, observable.SHA1: {"sha1", "Payload delivery"}, observable.SHA256: {"sha256", "Payload delivery"},
	observable.SHA512: {"sha512", "Payload delivery"}, observable.SSDeep: {"ssdeep", "Payload delivery"}, observable.FileName: {"filename", "Payload delivery"},
	observable.MAC: {"mac-address", "Network activity"}, observable.ASN: {"AS", "Network activity"}, observable.Mutex: {"mutex", "Artifacts dropped"},
	observable.RegistryKey: {"regkey", "Persistence mechanism"}, observable.UserAgent: {"user-agent", "Network activity"},
	observable.MailSubject: {"email-subject", "Payload delivery"}, observable.JA3: {"ja3-fingerprint-md5", "Network activity"},
}

// mispSpace is the namespace of the UUIDs of events and attributes. It must not
// change: a MISP instance recognises what it has by them.
var mispSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("entente/misp-feed/v1"))

type mispAttribute struct {
	UUID         string    `json:"uuid"`
	Type         string    `json:"type"`
	Category     string    `json:"category"`
	Value        string    `json:"value"`
	ToIDs        bool      `json:"to_ids"`
	Distribution string    `json:"distribution"`
	Deleted      bool      `json:"deleted"`
	Timestamp    string    `json:"timestamp"`
	Comment      string    `json:"comment"`
	FirstSeen    string    `json:"first_seen,omitzero"`
	Tag          []mispTag `json:"Tag,omitempty"`
}

type mispTag struct {
	Name   string `json:"name"`
	Colour string `json:"colour"`
}

func mispTags(level stix.TLP, pap string) []mispTag {
	var tags []mispTag
	if level != stix.TLPNone {
		colour := map[stix.TLP]string{stix.TLPClear: "#ffffff", stix.TLPGreen: "#33ff00", stix.TLPAmber: "#ffc000", stix.TLPAmberStrict: "#ffc000", stix.TLPRed: "#ff2b2b"}[level]
		tags = append(tags, mispTag{"tlp:" + level.String(), colour})
	}
	if pap != "" {
		colour := map[string]string{"PAP:CLEAR": "#ffffff", "PAP:GREEN": "#33ff00", "PAP:AMBER": "#ffc000", "PAP:RED": "#ff2b2b"}[pap]
		tags = append(tags, mispTag{pap, colour})
	}
	return tags
}

// mispAttributes writes attributes, parted by commas.
func mispAttributes(dst []byte, entries []Entry) []byte {
	for i := range entries {
		e := &entries[i]
		kind := mispTypes[e.Value.Type]
		a := mispAttribute{UUID: uuid.NewSHA1(mispSpace, []byte(e.Value.Key())).String(), Type: kind[0], Category: kind[1], Value: e.Value.Text, ToIDs: e.Gone.IsZero(), Deleted: !e.Gone.IsZero(),
			Distribution: "5", Comment: oneLine(e.ID + " " + e.Name), Tag: mispTags(e.TLP, e.PAP), Timestamp: "0"}
		if e.Closed { // an instance that has it goes by the UUID
			a.Type, a.Category, a.Value, a.Comment = "other", "Other", "withdrawn "+a.UUID, ""
		}
		if !e.From.IsZero() {
			a.FirstSeen = e.From.UTC().Format("2006-01-02T15:04:05.000000-07:00")
		}
		// An instance takes an attribute again only if this is later than before.
		stamp := e.From
		if e.Changed.After(stamp) {
			stamp = e.Changed
		}
		if !e.Gone.IsZero() {
			if stamp = stamp.Add(time.Second); e.Gone.After(stamp) {
				stamp = e.Gone
			}
		}
		if !stamp.IsZero() && stamp.Unix() > 0 {
			a.Timestamp = strconv.FormatInt(stamp.Unix(), 10)
		}
		text, err := json.Marshal(a)
		if err != nil {
			continue // a struct of valid texts is always written; Carries has seen to that
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, text...)
	}
	return dst
}

// MISPEvent says of one event of a feed what is not in its attributes.
type MISPEvent struct {
	// Feed and Number name the event; two of a feed have different numbers.
	Feed   string
	Number int
	// Org is who publishes the feed, with its UUID.
	Org, OrgUUID string
	// Changed is when the attributes changed last: an instance pulls what is newer
	// than what it has.
	Changed time.Time
	TLP     stix.TLP
	Entries int
}

// UUID names the event.
func (e MISPEvent) UUID() string {
	return uuid.NewSHA1(mispSpace, []byte(e.Feed+"\x00"+strconv.Itoa(e.Number))).String()
}

type mispHead struct {
	UUID          string    `json:"uuid,omitzero"`
	Info          string    `json:"info"`
	Date          string    `json:"date"`
	Analysis      string    `json:"analysis"`
	ThreatLevelID string    `json:"threat_level_id"`
	Timestamp     string    `json:"timestamp"`
	Orgc          mispOrg   `json:"Orgc"`
	Tag           []mispTag `json:"Tag,omitempty"`
	Published     *bool     `json:"published,omitzero"`
	PublishedAt   string    `json:"publish_timestamp,omitzero"`
}

type mispOrg struct {
	Name string `json:"name"`
	UUID string `json:"uuid"`
}

func (e MISPEvent) head() mispHead {
	stamp := strconv.FormatInt(e.Changed.Unix(), 10)
	return mispHead{Info: fmt.Sprintf("%s, part %d: %d indicators", e.Feed, e.Number+1, e.Entries), Date: e.Changed.UTC().Format(time.DateOnly),
		Analysis: "2", ThreatLevelID: "4", Timestamp: stamp, Orgc: mispOrg{e.Org, e.OrgUUID}, Tag: mispTags(e.TLP, "")}
}

// File writes the event's file around the text of its block.
func (e MISPEvent) File(attributes []byte) ([]byte, error) {
	h := e.head()
	yes := true
	h.UUID, h.Published, h.PublishedAt = e.UUID(), &yes, h.Timestamp
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("feed: writing a MISP event: %w", err)
	}
	out := append([]byte(`{"Event":`), text[:len(text)-1]...)
	out = append(out, `,"Attribute":[`...)
	out = append(out, attributes...)
	return append(out, `]}}`...), nil
}

// MISPManifest writes the list of a feed's events.
func MISPManifest(events []MISPEvent) ([]byte, error) {
	all := map[string]mispHead{}
	for _, e := range events {
		all[e.UUID()] = e.head()
	}
	text, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("feed: writing a MISP manifest: %w", err)
	}
	return text, nil
}

// MISPHash appends the line of hashes.csv for a value of an event.
func MISPHash(dst []byte, value, event string) []byte {
	sum := md5.Sum([]byte(value)) //nolint:gosec // see above
	dst = hex.AppendEncode(dst, sum[:])
	return append(append(append(dst, ','), event...), '\n')
}

// OrgUUID gives the UUID of an organisation for its party id.
func OrgUUID(party string) string {
	return uuid.NewSHA1(mispSpace, []byte("org\x00"+party)).String()
}
