package misp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"entente/stix"
)

// What marks the object that keeps the texts of imported STIX objects. Its name and
// template are those of MISP, which keeps an imported file the same way.
const (
	originalName     = "original-imported-file"
	originalTemplate = "4cd560e9-2cfe-40a1-9964-7b2e797ecac5"
	originalComment  = "STIX objects as they were received; what stands beside this says what MISP can say of them."
	fileTemplate     = "688c46fb-5edb-40a3-8273-1af7923e2215"
)

// fromSTIX makes one event of objects that do not come from MISP.
type fromSTIX struct {
	event *Event
	all   []*stix.Object
	live  map[string]*stix.Object
	stamp time.Time
	taken map[string]bool
	attrs map[string][]*Members // STIX identifier to attributes made of it
	only  []OnlyKept
	// galaxies and tagged are those of the event, by type and name.
	galaxies map[string]*Members
	tagged   map[string]bool
}

func fromOthers(objects []*stix.Object, opts FromOptions, used map[string]bool) (*Event, []OnlyKept, error) {
	f := &fromSTIX{all: objects, live: newest(objects), taken: map[string]bool{}, attrs: map[string][]*Members{},
		galaxies: map[string]*Members{}, tagged: map[string]bool{}}
	f.begin(opts, used)
	for _, o := range objects {
		if f.live[o.ID] != o {
			f.keepOnly(o, "a newer version of it is there")
		} else if why := f.object(o); why != "" {
			f.keepOnly(o, why)
		}
	}
	for _, o := range objects {
		if o.Type == "sighting" && f.live[o.ID] == o {
			f.sighting(o)
		}
	}
	return f.event, f.only, f.original()
}

func (f *fromSTIX) keepOnly(o *stix.Object, why string) {
	f.only = append(f.only, OnlyKept{UUID: o.ID, Type: o.Type, Why: why})
}

// begin makes the event itself.
func (f *fromSTIX) begin(opts FromOptions, used map[string]bool) {
	var frame *stix.Object
	frames := 0
	var ids strings.Builder
	at := opts.Time
	for _, o := range f.all {
		ids.WriteString(o.ID + "\x00")
		if f.live[o.ID] != o {
			continue
		}
		if o.Type == "report" || o.Type == "grouping" {
			frame = o
			frames++
		}
		if m := o.Modified.Time; opts.Time.IsZero() && plausible(m) && m.After(at) {
			at = m
		}
	}
	if frames != 1 {
		frame = nil
	}
	if !plausible(at) {
		at = time.Unix(0, 0)
	}
	uuid, ok := goodUUID(opts.EventUUID)
	info, day := opts.Info, at
	if frame != nil {
		if !ok {
			_, uuid, _ = stix.SplitID(frame.ID)
			uuid = strings.ToLower(uuid)
		}
		if info == "" {
			info = frame.Name
		}
		if opts.Time.IsZero() && plausible(frame.Modified.Time) {
			at = frame.Modified.Time
		}
		if plausible(frame.Created.Time) {
			day = frame.Created.Time
		}
		if t, ok := timeAt(frame, "published"); ok {
			day = t
		}
	}
	if uuid == "" || used[uuid] {
		uuid = derive("event", ids.String())
	}
	if info == "" {
		info = fmt.Sprintf("%d STIX objects", len(f.all))
	}
	f.stamp = at.Truncate(time.Second)
	f.event = NewEvent(uuid, day, f.stamp, info)
	f.event.SetInt("distribution", int64(opts.Distribution))
	f.taken[uuid] = true
	f.orgc(frame, opts)
	if frame != nil {
		f.tag(f.event.Members, frame)
		for t := range f.event.Tags() {
			f.tagged[t.Name()] = true
		}
		if frame.Type == "report" {
			f.event.SetFlag("published", true)
			f.event.SetInt("publish_timestamp", day.Unix())
		}
	}
}

func plausible(t time.Time) bool { return t.Unix() >= 0 && t.Unix() <= lastSecond }

func timeAt(o *stix.Object, name string) (time.Time, bool) {
	s, ok := o.Root().Member(name).Text()
	if !ok {
		return time.Time{}, false
	}
	t, err := stix.ParseTimestamp(s)
	return t.Time, err == nil && plausible(t.Time)
}

func (f *fromSTIX) orgc(frame *stix.Object, opts FromOptions) {
	uuid, ok := goodUUID(opts.OrgcUUID)
	name := opts.OrgcName
	if frame != nil && !ok && name == "" {
		if _, u, is := stix.SplitID(frame.CreatedByRef); is {
			uuid = strings.ToLower(u)
			if who := f.live[frame.CreatedByRef]; who != nil {
				name = who.Name
			}
		}
	}
	if uuid == "" {
		uuid = derive("organisation", name)
	}
	if name == "" {
		name = uuid
	}
	f.event.SetOrgc(uuid, name)
}

// tag gives a part the tags that follow from the markings and labels of an object. A tag has no selector: what marks a
// part of the object marks it whole.
func (f *fromSTIX) tag(m *Members, o *stix.Object) {
	var names []string
	for id := range o.MarkingRefs {
		pap, fixed := stix.PAPOf(id)
		if t := tlpTag(id); t != "" {
			names = appendNew(names, t)
		} else if def := f.live[id]; def != nil && !fixed {
			var level stix.TLP
			if level, pap = stix.Asks(def); level != stix.TLPNone {
				names = appendNew(names, "tlp:"+level.String())
			}
		}
		if pap != stix.PAPNone {
			names = appendNew(names, pap.Label())
		}
	}
	for _, l := range o.Labels {
		if l != "" {
			names = appendNew(names, l)
		}
	}
	for _, n := range names {
		m.AddTag(n)
	}
}

// name gives a new part its UUID.
func (f *fromSTIX) name(id, more string) string {
	_, uuid, _ := stix.SplitID(id)
	uuid = strings.ToLower(uuid)
	if more != "" || uuid == "" || f.taken[uuid] {
		uuid = derive(id, more)
	}
	for f.taken[uuid] {
		uuid = derive(uuid)
	}
	f.taken[uuid] = true
	return uuid
}

// attribute makes an attribute of an object and adds it to the event or to a MISP
// object.
func (f *fromSTIX) attribute(o *stix.Object, more, typ, value string, ids bool) Attribute {
	at := f.stamp
	if m := o.Modified.Time; plausible(m) && !o.Modified.IsZero() {
		at = m
	}
	a := NewAttribute(f.name(o.ID, more), typ, value, at)
	a.SetFlag("to_ids", ids)
	a.SetFlag("deleted", o.Revoked)
	if about, ok := o.Root().Member("description").Text(); ok {
		a.SetText("comment", short(about, 65535))
	}
	return a
}

func (f *fromSTIX) add(o *stix.Object, a Attribute) {
	f.tag(a.Members, o)
	f.event.AddAttribute(a)
	f.attrs[o.ID] = append(f.attrs[o.ID], a.Members)
}

// object adds what MISP can say of an object. It gives a reason if that is nothing.
func (f *fromSTIX) object(o *stix.Object) string {
	switch o.Type {
	case "indicator":
		return f.indicator(o)
	case "vulnerability":
		if strings.HasPrefix(strings.ToUpper(o.Name), "CVE-") {
			f.add(o, f.attribute(o, "", "vulnerability", o.Name, false))
			return ""
		}
		return f.cluster(o)
	case "attack-pattern", "campaign", "course-of-action", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool":
		return f.cluster(o)
	case "note":
		return f.note(o)
	case "report", "grouping":
		return f.describe(o)
	case "sighting":
		ref, _ := o.Root().Member("sighting_of_ref").Text()
		if f.live[ref] == nil || f.live[ref].Type != "indicator" {
			return "what was sighted is no attribute"
		}
		return ""
	}
	return f.observable(o)
}

// describe makes an event report of the description of a report.
func (f *fromSTIX) describe(o *stix.Object) string {
	about, _ := o.Root().Member("description").Text()
	if about == "" {
		return ""
	}
	f.report(o, o.Name, about)
	return ""
}

func (f *fromSTIX) note(o *stix.Object) string {
	content, _ := o.Root().Member("content").Text()
	title, _ := o.Root().Member("abstract").Text()
	if content == "" {
		return "a note without content"
	}
	f.report(o, title, content)
	return ""
}

func (f *fromSTIX) report(o *stix.Object, title, content string) {
	if title == "" {
		title = short(strings.Join(strings.Fields(content), " "), 80)
	}
	m := &Members{}
	m.SetText("uuid", f.name(o.ID, ""))
	m.SetText("name", title)
	m.SetText("content", content)
	m.SetInt("distribution", int64(InheritEvent))
	m.SetInt("sharing_group_id", 0)
	at := f.stamp
	if plausible(o.Modified.Time) && !o.Modified.IsZero() {
		at = o.Modified.Time
	}
	m.SetInt("timestamp", at.Unix())
	m.SetFlag("deleted", o.Revoked)
	f.event.Add("EventReport", m)
}

// cluster adds a domain object as a cluster of a galaxy of the name that MISP's own
// converter gives it, and the tag that goes with it.
func (f *fromSTIX) cluster(o *stix.Object) string {
	if o.Name == "" {
		return "a " + o.Type + " without a name"
	}
	galaxy := "stix-2.1-" + o.Type
	g := f.galaxies[galaxy]
	if g == nil {
		g = &Members{}
		g.SetText("uuid", derive("galaxy", galaxy))
		g.SetText("name", "STIX 2.1 "+strings.ToUpper(o.Type[:1])+strings.ReplaceAll(o.Type[1:], "-", " "))
		g.SetText("type", galaxy)
		g.SetText("description", "Objects of the STIX 2.1 type "+o.Type)
		g.SetText("version", "1")
		f.event.Add("Galaxy", g)
		f.galaxies[galaxy] = g
	}
	tag := "misp-galaxy:" + galaxy + `="` + strings.ReplaceAll(o.Name, `"`, "'") + `"`
	c := &Members{}
	c.SetText("uuid", f.name(o.ID, ""))
	c.SetText("type", galaxy)
	c.SetText("value", o.Name)
	c.SetText("tag_name", tag)
	about, _ := o.Root().Member("description").Text()
	c.SetText("description", about)
	c.SetText("source", "STIX 2.1")
	c.SetText("version", "1")
	_ = c.SetRaw("authors", []byte("[]"))
	_ = c.SetRaw("meta", clusterMeta(o))
	g.Add("GalaxyCluster", c)
	if !f.tagged[tag] {
		f.tagged[tag] = true
		f.event.AddTag(tag)
	}
	return ""
}

func clusterMeta(o *stix.Object) []byte {
	meta := &text{b: []byte{'{'}}
	var ids, refs, chain []string
	for r := range o.Root().Member("external_references").Elements() {
		if id, _ := r.Member("external_id").Text(); id != "" {
			ids = append(ids, id)
		}
		if url, _ := r.Member("url").Text(); url != "" {
			refs = append(refs, url)
		}
	}
	for p := range o.Root().Member("kill_chain_phases").Elements() {
		name, _ := p.Member("kill_chain_name").Text()
		phase, _ := p.Member("phase_name").Text()
		chain = append(chain, name+":"+phase)
	}
	aliases, _ := o.Root().Member("aliases").Texts()
	meta.strs("external_id", ids)
	meta.strs("kill_chain", chain)
	meta.strs("refs", refs)
	meta.strs("synonyms", aliases)
	return meta.done()
}

// sighting adds a sighting to the attributes of the indicator that was sighted.
func (f *fromSTIX) sighting(o *stix.Object) {
	ref, _ := o.Root().Member("sighting_of_ref").Text()
	at, ok := timeAt(o, "last_seen")
	if !ok {
		if at, ok = timeAt(o, "first_seen"); !ok {
			at = f.stamp
		}
	}
	for i, a := range f.attrs[ref] {
		m := &Members{}
		more := ""
		if i > 0 {
			more = fmt.Sprint("sighting", i)
		}
		m.SetText("uuid", f.name(o.ID, more))
		m.SetInt("date_sighting", at.Unix())
		about, _ := o.Root().Member("description").Text()
		m.SetText("source", about)
		m.SetText("type", "0")
		where, _ := o.Root().Member("where_sighted_refs").Index(0).Text()
		if who := f.live[where]; who != nil && who.Type == "identity" {
			_, uuid, _ := stix.SplitID(who.ID)
			org := &Members{}
			org.SetText("uuid", strings.ToLower(uuid))
			org.SetText("name", who.Name)
			m.SetPart("Organisation", org)
		}
		a.Add("Sighting", m)
	}
}

// original adds the object that keeps the texts.
func (f *fromSTIX) original() error {
	var b bytes.Buffer
	if _, err := stix.WriteBundle(&b, "bundle--"+f.event.UUID(), stix.Raws(f.all...)); err != nil {
		return fmt.Errorf("misp: the objects as they were received: %w", err)
	}
	o := newObject(f.name(f.event.UUID(), originalName), originalName, "file", "Object describing the original file used to import data in MISP.", originalTemplate, "2", f.stamp)
	o.SetText("comment", originalComment)
	sample := NewAttribute(f.name(f.event.UUID(), "imported-sample"), "attachment", f.event.UUID()+".stix2.json", f.stamp)
	sample.SetText("object_relation", "imported-sample")
	sample.SetText("data", base64.StdEncoding.EncodeToString(b.Bytes()))
	o.Add("Attribute", sample.Members)
	format := NewAttribute(f.name(f.event.UUID(), "format"), "text", "STIX 2.1", f.stamp)
	format.SetText("object_relation", "format")
	o.Add("Attribute", format.Members)
	f.event.AddObject(o)
	return nil
}

// newObject makes an object of a template.
func newObject(uuid, name, meta, about, template, version string, at time.Time) Object {
	m := &Members{}
	m.SetText("uuid", uuid)
	m.SetText("name", name)
	m.SetText("meta-category", meta)
	m.SetText("description", about)
	m.SetText("template_uuid", template)
	m.SetText("template_version", version)
	m.SetText("comment", "")
	m.SetInt("timestamp", at.Unix())
	m.SetInt("distribution", int64(InheritEvent))
	m.SetInt("sharing_group_id", 0)
	m.SetFlag("deleted", false)
	m.SetList("Attribute", nil)
	m.SetList("ObjectReference", nil)
	return Object{m}
}
