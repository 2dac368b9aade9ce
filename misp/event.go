package misp

import (
	"cmp"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Distribution is who may have an event or a part of it.
type Distribution int

// The distributions.
const (
	OrganisationOnly     Distribution = 0
	CommunityOnly        Distribution = 1
	ConnectedCommunities Distribution = 2
	AllCommunities       Distribution = 3
	SharingGroupOnly     Distribution = 4
	InheritEvent         Distribution = 5 // of parts only
)

// ThreatLevel is how grave an event is.
type ThreatLevel int

// The threat levels.
const (
	HighThreat      ThreatLevel = 1
	MediumThreat    ThreatLevel = 2
	LowThreat       ThreatLevel = 3
	UndefinedThreat ThreatLevel = 4
)

// Analysis is how far the analysis of an event has come.
type Analysis int

// The states of analysis.
const (
	InitialAnalysis  Analysis = 0
	OngoingAnalysis  Analysis = 1
	CompleteAnalysis Analysis = 2
)

// Event is an event (misp-core-format §2.2). All its members, known or not, are
// reached through Members.
type Event struct{ *Members }

// Attribute is an attribute, in or outside of an object, or a proposal for one
// (misp-core-format §2.3, §2.4).
type Attribute struct{ *Members }

// Object is a MISP object: attributes that belong together (misp-core-format §2.5).
type Object struct{ *Members }

// Reference is the reference of an object to another or to an attribute
// (misp-core-format §2.6).
type Reference struct{ *Members }

// Report is an event report (misp-core-format §2.7).
type Report struct{ *Members }

// Tag is a tag (misp-core-format §2.8).
type Tag struct{ *Members }

// Sighting says that an attribute was seen, or that it is a false positive, or when
// it expires (misp-core-format §2.9).
type Sighting struct{ *Members }

// Galaxy is a galaxy with the clusters of it that are attached (misp-core-format
// §2.10).
type Galaxy struct{ *Members }

// Cluster is a cluster of a galaxy.
type Cluster struct{ *Members }

// Organisation is an organisation.
type Organisation struct{ *Members }

// SharingGroup says which organisations and servers may have something.
type SharingGroup struct{ *Members }

// UUID is the UUID of the event, as it is written.
func (e Event) UUID() string { return e.Text("uuid") }

// Info is the event's text, normally one line.
func (e Event) Info() string { return e.Text("info") }

// Published is whether the event was published.
func (e Event) Published() bool { return e.Flag("published") }

// ThreatLevel is how grave the event is, UndefinedThreat without a word of it.
func (e Event) ThreatLevel() ThreatLevel { return ThreatLevel(e.number("threat_level_id", 4)) }

// Analysis is how far the analysis has come.
func (e Event) Analysis() Analysis { return Analysis(e.number("analysis", 0)) }

// Distribution is who may have the event, the own organisation alone without a word of it.
func (e Event) Distribution() Distribution {
	return Distribution(e.number("distribution", 0))
}

// Date is the day the event is about, as YYYY-MM-DD at midnight UTC; ok is false if
// it is no such day.
func (e Event) Date() (day time.Time, ok bool) {
	day, err := time.Parse(time.DateOnly, e.Text("date"))
	return day, err == nil && day.Year() > 0
}

// Timestamp is when the event was changed last; ok is false if there is no such time.
func (e Event) Timestamp() (t time.Time, ok bool) { return e.epoch("timestamp") }

// PublishTimestamp is when the event was published last.
func (e Event) PublishTimestamp() (t time.Time, ok bool) { return e.epoch("publish_timestamp") }

// Orgc is the organisation that made the event. Its Members may be nil.
func (e Event) Orgc() Organisation { return Organisation{e.Part("Orgc")} }

// Org is the organisation whose instance gave the event. Its Members may be nil.
func (e Event) Org() Organisation { return Organisation{e.Part("Org")} }

// SharingGroup is the group the event may be given to, with distribution 4. Its
// Members may be nil.
func (e Event) SharingGroup() SharingGroup { return SharingGroup{e.Part("SharingGroup")} }

// Attributes iterates over the attributes that stand in no object.
func (e Event) Attributes() iter.Seq[Attribute] { return views[Attribute](e.List("Attribute")) }

// AllAttributes iterates over all attributes, those of objects after the others.
func (e Event) AllAttributes() iter.Seq[Attribute] {
	return func(yield func(Attribute) bool) {
		for a := range e.Attributes() {
			if !yield(a) {
				return
			}
		}
		for o := range e.Objects() {
			for a := range o.Attributes() {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// Objects iterates over the objects.
func (e Event) Objects() iter.Seq[Object] { return views[Object](e.List("Object")) }

// Reports iterates over the event reports.
func (e Event) Reports() iter.Seq[Report] { return views[Report](e.List("EventReport")) }

// Tags iterates over the tags of the event itself.
func (e Event) Tags() iter.Seq[Tag] { return views[Tag](e.List("Tag")) }

// Galaxies iterates over the galaxies whose clusters are attached to the event itself.
func (e Event) Galaxies() iter.Seq[Galaxy] { return views[Galaxy](e.List("Galaxy")) }

// Proposals iterates over the proposals for new attributes.
func (e Event) Proposals() iter.Seq[Attribute] {
	return views[Attribute](e.List("ShadowAttribute"))
}

// AppendJSON appends the text {"Event":{…}} to dst, as files and instances have it.
func (e Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"Event":`...)
	dst = e.Members.AppendJSON(dst)
	return append(dst, '}')
}

// MarshalJSON implements json.Marshaler by [Event.AppendJSON].
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// UUID is the UUID of the attribute, as it is written.
func (a Attribute) UUID() string { return a.Text("uuid") }

// Type is the type, as in "ip-dst"; see [TypeOf].
func (a Attribute) Type() string { return a.Text("type") }

// Category is the category, as in "Network activity".
func (a Attribute) Category() string { return a.Text("category") }

// Value is the whole value.
func (a Attribute) Value() string { return a.Text("value") }

// Comment is the comment.
func (a Attribute) Comment() string { return a.Text("comment") }

// ObjectRelation is the part that the attribute plays in its object, empty outside of one.
func (a Attribute) ObjectRelation() string { return a.Text("object_relation") }

// Deleted is whether the attribute was taken back.
func (a Attribute) Deleted() bool { return a.Flag("deleted") }

// Distribution is who may have the attribute, InheritEvent without a word of it.
func (a Attribute) Distribution() Distribution {
	return Distribution(a.number("distribution", int(InheritEvent)))
}

// ToIDS is whether the attribute is meant for detection; without a word of it, what
// MISP has for its type.
func (a Attribute) ToIDS() bool {
	if !a.Has("to_ids") {
		info, _ := TypeOf(a.Type())
		return info.ToIDS
	}
	return a.Flag("to_ids")
}

// Data is the base64 of an attachment or of a malware sample (a zip archive with the
// password "infected"), empty if there is none.
func (a Attribute) Data() string { return a.Text("data") }

// Timestamp is when the attribute was changed last.
func (a Attribute) Timestamp() (t time.Time, ok bool) { return a.epoch("timestamp") }

// FirstSeen is when what it describes was seen first.
func (a Attribute) FirstSeen() (t time.Time, ok bool) { return a.moment("first_seen") }

// LastSeen is when what it describes was seen last.
func (a Attribute) LastSeen() (t time.Time, ok bool) { return a.moment("last_seen") }

// Tags iterates over the tags of the attribute.
func (a Attribute) Tags() iter.Seq[Tag] { return views[Tag](a.List("Tag")) }

// Galaxies iterates over the galaxies whose clusters are attached to it.
func (a Attribute) Galaxies() iter.Seq[Galaxy] { return views[Galaxy](a.List("Galaxy")) }

// Sightings iterates over its sightings.
func (a Attribute) Sightings() iter.Seq[Sighting] { return views[Sighting](a.List("Sighting")) }

// Proposals iterates over the proposals to change the attribute.
func (a Attribute) Proposals() iter.Seq[Attribute] {
	return views[Attribute](a.List("ShadowAttribute"))
}

// Values gives the parts of the value as MISP has them for lookup: of a composite
// type such as domain|ip, and of a malware-sample, what stands between the bars; of
// any other type the value alone.
func (a Attribute) Values() []string {
	if t := a.Type(); strings.Contains(t, "|") || t == "malware-sample" {
		return strings.Split(a.Value(), "|")
	}
	return []string{a.Value()}
}

// UUID is the UUID of the object, as it is written.
func (o Object) UUID() string { return o.Text("uuid") }

// Name is the name of its template, as in "file".
func (o Object) Name() string { return o.Text("name") }

// MetaCategory is the category of its template.
func (o Object) MetaCategory() string { return o.Text("meta-category") }

// Comment is the comment.
func (o Object) Comment() string { return o.Text("comment") }

// Deleted is whether the object was taken back.
func (o Object) Deleted() bool { return o.Flag("deleted") }

// Timestamp is when the object was changed last.
func (o Object) Timestamp() (t time.Time, ok bool) { return o.epoch("timestamp") }

// FirstSeen is when what it describes was seen first.
func (o Object) FirstSeen() (t time.Time, ok bool) { return o.moment("first_seen") }

// LastSeen is when what it describes was seen last.
func (o Object) LastSeen() (t time.Time, ok bool) { return o.moment("last_seen") }

// Attributes iterates over its attributes.
func (o Object) Attributes() iter.Seq[Attribute] { return views[Attribute](o.List("Attribute")) }

// References iterates over its references.
func (o Object) References() iter.Seq[Reference] { return views[Reference](o.List("ObjectReference")) }

// UUID is the UUID of the reference.
func (r Reference) UUID() string { return r.Text("uuid") }

// ReferencedUUID is the UUID of the object or attribute it points to.
func (r Reference) ReferencedUUID() string { return r.Text("referenced_uuid") }

// RelationshipType says how the two belong together, as in "connects-to".
func (r Reference) RelationshipType() string { return r.Text("relationship_type") }

// Comment is the comment.
func (r Reference) Comment() string { return r.Text("comment") }

// Deleted is whether the reference was taken back.
func (r Reference) Deleted() bool { return r.Flag("deleted") }

// Timestamp is when the reference was changed last.
func (r Reference) Timestamp() (t time.Time, ok bool) { return r.epoch("timestamp") }

// UUID is the UUID of the report.
func (r Report) UUID() string { return r.Text("uuid") }

// Name is its title.
func (r Report) Name() string { return r.Text("name") }

// Content is its text, in the Markdown of MISP.
func (r Report) Content() string { return r.Text("content") }

// Deleted is whether the report was taken back.
func (r Report) Deleted() bool { return r.Flag("deleted") }

// Timestamp is when the report was changed last.
func (r Report) Timestamp() (t time.Time, ok bool) { return r.epoch("timestamp") }

// UUID is the UUID of the sighting.
func (s Sighting) UUID() string { return s.Text("uuid") }

// Source is what saw it, in words.
func (s Sighting) Source() string { return s.Text("source") }

// Organisation is who saw it. Its Members may be nil.
func (s Sighting) Organisation() Organisation { return Organisation{s.Part("Organisation")} }

// Time is when it was seen.
func (s Sighting) Time() (t time.Time, ok bool) { return s.epoch("date_sighting") }

// Type is what the sighting says.
func (s Sighting) Type() SightingType { return SightingType(s.number("type", 0)) }

// UUID is the UUID of the galaxy.
func (g Galaxy) UUID() string { return g.Text("uuid") }

// Type is its short name, as in "mitre-attack-pattern".
func (g Galaxy) Type() string { return g.Text("type") }

// Name is its name.
func (g Galaxy) Name() string { return g.Text("name") }

// Clusters iterates over the clusters that are attached.
func (g Galaxy) Clusters() iter.Seq[Cluster] { return views[Cluster](g.List("GalaxyCluster")) }

// UUID is the UUID of the cluster.
func (c Cluster) UUID() string { return c.Text("uuid") }

// Type is the type of its galaxy.
func (c Cluster) Type() string { return c.Text("type") }

// Value is its name, as in "Phishing - T1566".
func (c Cluster) Value() string { return c.Text("value") }

// Description is its description.
func (c Cluster) Description() string { return c.Text("description") }

// TagName is the tag that stands for it.
func (c Cluster) TagName() string { return c.Text("tag_name") }

// UUID is the UUID of the organisation.
func (o Organisation) UUID() string { return o.Text("uuid") }

// Name is its name.
func (o Organisation) Name() string { return o.Text("name") }

// Meta gives the strings of one key of the cluster's meta, be it a list or one string.
func (c Cluster) Meta(key string) []string {
	f := c.find("meta")
	if f == nil || f.raw.Kind() != '{' {
		return nil
	}
	meta, err := parseMembers(f.raw, "", 0, maxDepth)
	if err != nil {
		return nil
	}
	if list := meta.Texts(key); list != nil || meta.Kind(key) != '"' {
		return list
	}
	return []string{meta.Text(key)}
}

// SightingType is what a sighting says.
type SightingType int

// The types of sightings.
const (
	Seen          SightingType = 0
	FalsePositive SightingType = 1
	Expiration    SightingType = 2
	TruePositive  SightingType = 3
)

// number gives a small number, or def for what is none.
func (m *Members) number(name string, def int) int {
	n, ok := m.Int(name)
	if !ok || n < 0 || n > 1000 {
		return def
	}
	return int(n)
}

// lastSecond is the end of the year 9999, beyond which RFC 3339 cannot write.
const lastSecond = 253402300799

// epoch reads seconds since 1970, with or without a fraction.
func (m *Members) epoch(name string) (time.Time, bool) {
	whole, _, _ := strings.Cut(m.Text(name), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

// moment reads an ISO 8601 time as MISP writes it, with or without a zone (then UTC).
func (m *Members) moment(name string) (time.Time, bool) {
	s := m.Text(name)
	if len(s) < len(time.DateOnly) || len(s) > 40 {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			return t, t.Year() >= 1 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}

// views wraps each part of a list.
func views[T ~struct{ *Members }](parts []*Members) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, p := range parts {
			if !yield(T{p}) {
				return
			}
		}
	}
}

// NewEvent makes an event of another UUID, date and text with the members that the
// format demands. The time is when it is made.
func NewEvent(uuid string, day, now time.Time, info string) *Event {
	m := &Members{}
	m.SetText("uuid", uuid)
	m.SetText("info", info)
	m.SetText("date", day.UTC().Format(time.DateOnly))
	m.SetInt("timestamp", now.Unix())
	m.SetInt("publish_timestamp", 0)
	m.SetFlag("published", false)
	m.SetInt("threat_level_id", int64(UndefinedThreat))
	m.SetInt("analysis", int64(InitialAnalysis))
	m.SetInt("distribution", int64(OrganisationOnly))
	m.SetInt("sharing_group_id", 0)
	m.SetText("extends_uuid", "")
	m.SetFlag("locked", false)
	return &Event{m}
}

// SetOrgc says which organisation made the event.
func (e Event) SetOrgc(uuid, name string) {
	o := &Members{}
	o.SetText("uuid", uuid)
	o.SetText("name", name)
	e.SetPart("Orgc", o)
}

// NewAttribute makes an attribute with the category and to_ids that MISP has for its
// type.
func NewAttribute(uuid, typ, value string, now time.Time) Attribute {
	info, _ := TypeOf(typ)
	m := &Members{}
	m.SetText("uuid", uuid)
	m.SetText("type", typ)
	m.SetText("category", cmp.Or(info.Category, "Other"))
	m.SetText("value", value)
	m.SetFlag("to_ids", info.ToIDS)
	m.SetText("comment", "")
	m.SetInt("timestamp", now.Unix())
	m.SetInt("distribution", int64(InheritEvent))
	m.SetInt("sharing_group_id", 0)
	m.SetFlag("deleted", false)
	m.SetFlag("disable_correlation", false)
	return Attribute{m}
}

// AddAttribute appends an attribute.
func (e Event) AddAttribute(a Attribute) { e.Add("Attribute", a.Members) }

// AddObject appends an object.
func (e Event) AddObject(o Object) { e.Add("Object", o.Members) }

// AddTag appends a tag of the name.
func (m *Members) AddTag(name string) {
	t := &Members{}
	t.SetText("name", name)
	m.Add("Tag", t)
}
