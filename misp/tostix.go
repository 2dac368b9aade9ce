package misp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"entente/stix"
)

// ToOptions steer [ToSTIX]. The zero value is ready for use.
type ToOptions struct {
	// TLP2 makes the tags tlp:green, tlp:amber and tlp:red TLP 2.0 markings. Without it
	// they become the markings of TLP 1, as MISP's own converter has it; tlp:clear and
	// tlp:amber+strict are TLP 2.0 in any case.
	TLP2 bool
	// MaxObjectBytes is the largest text of one STIX object; default 64 MiB.
	MaxObjectBytes int
}

// DefaultMaxObjectBytes is the default of ToOptions.MaxObjectBytes.
const DefaultMaxObjectBytes = 64 << 20

// Bundle is what an event came to in STIX.
type Bundle struct {
	// ID is the identifier of the bundle, which has the UUID of the event.
	ID string
	// Objects are the objects. Each of them was validated and breaks no MUST.
	Objects []*stix.Object
	// OnlyKept are the attributes, objects and clusters that have no counterpart in
	// STIX. They are in the bundle as objects of a custom type with the original text.
	OnlyKept []OnlyKept
}

// OnlyKept names something that STIX has no counterpart for.
type OnlyKept struct {
	// UUID and Type are those of the attribute, or the UUID and name of the object, or
	// the UUID and galaxy type of the cluster.
	UUID, Type string
	// Why is a sentence for people.
	Why string
}

// WriteTo writes the bundle as one JSON text.
func (b *Bundle) WriteTo(w io.Writer) (int64, error) {
	n := &counter{w: w}
	_, err := stix.WriteBundle(n, b.ID, stix.Raws(b.Objects...))
	return n.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// ErrNotExpressible means that no valid STIX object can be made of an event as a whole.
var ErrNotExpressible = errors.New("misp: the event cannot be written as STIX")

// toSTIX holds one conversion.
type toSTIX struct {
	e       Event
	uuid    string
	opts    ToOptions
	created time.Time // of the event
	stamp   time.Time // last change of the event
	creator string    // identity of the organisation that made it
	// originals are the STIX objects that the event was made of, and inline what of the
	// event says no more than they do; see [toSTIX.original].
	originals []*stix.Object
	inline    map[*Members]bool
	marks     []string // markings of the event
	out       Bundle
	first     []*stix.Object // what goes before the report
	has       map[string]bool
	refs      []string          // what the report refers to
	main      map[string]string // UUID of an attribute or object to its STIX object
	spots     map[string]string // UUID of an attribute to what stands for it, also within objects
	taken     map[string]bool   // UUIDs in use
	// element is what is being written, and wrote what each came to, unless that is nil.
	element *Members
	wrote   map[*Members][]*stix.Object
}

// ToSTIX makes a STIX 2.1 bundle of an event. See the documentation of the package for
// what becomes what. Nothing is lost: [FromSTIX] makes the same event of it again.
//
// The result depends on the event and the options alone.
func ToSTIX(e *Event, opts ToOptions) (*Bundle, error) {
	return newConversion(e, opts).all()
}

func (c *toSTIX) all() (*Bundle, error) {
	if b, err := c.original(); b != nil || err != nil {
		return b, err
	}
	return c.convert()
}
func newConversion(e *Event, opts ToOptions) *toSTIX {
	if opts.MaxObjectBytes <= 0 {
		opts.MaxObjectBytes = DefaultMaxObjectBytes
	}
	c := &toSTIX{e: *e, opts: opts, has: map[string]bool{}, main: map[string]string{}, spots: map[string]string{}, taken: map[string]bool{}}
	var ok bool
	if c.uuid, ok = idUUID(e.UUID()); !ok {
		c.uuid = derive("event", string(e.Members.AppendJSON(nil)))
	}
	c.out.ID = "bundle--" + c.uuid
	day, isDay := e.Date()
	if c.stamp, ok = e.Timestamp(); !ok {
		c.stamp = time.Unix(0, 0).UTC()
		if isDay {
			c.stamp = day
		}
	}
	c.created = c.stamp
	if isDay && day.Before(c.stamp) {
		c.created = day
	}
	return c
}

func (c *toSTIX) convert() (*Bundle, error) {
	for _, o := range c.originals {
		// All versions of an object are given, whatever else would have its identifier.
		c.out.Objects = append(c.out.Objects, o)
		if !c.has[o.ID] {
			c.has[o.ID] = true
			c.refs = append(c.refs, o.ID)
		}
	}
	if err := c.frame(); err != nil {
		return nil, err
	}
	for i, m := range c.e.List("Attribute") {
		if c.inline[m] {
			continue
		}
		c.element = m
		if err := c.attribute(Attribute{m}, i); err != nil {
			return nil, err
		}
	}
	for i, m := range c.e.List("Object") {
		if c.inline[m] {
			continue
		}
		c.element = m
		if err := c.object(Object{m}, i); err != nil {
			return nil, err
		}
	}
	c.element = nil
	for g := range c.e.Galaxies() {
		if c.inline[g.Members] {
			continue
		}
		if _, err := c.galaxy(g); err != nil {
			return nil, err
		}
	}
	for o := range c.e.Objects() {
		if c.inline[o.Members] {
			continue
		}
		if err := c.references(o); err != nil {
			return nil, err
		}
	}
	if err := c.reports(); err != nil {
		return nil, err
	}
	report, err := c.report()
	if err != nil {
		return nil, err
	}
	c.out.Objects = append(append(c.first, report), c.out.Objects...)
	return &c.out, nil
}

// check parses and validates a text that was made here.
func (c *toSTIX) check(raw []byte) (*stix.Object, error) {
	if len(raw) > c.opts.MaxObjectBytes {
		return nil, refuse("", -1, ErrTooLarge, "a STIX object of %d bytes, %d are allowed", len(raw), c.opts.MaxObjectBytes)
	}
	o, err := stix.ParseLimited(raw, stix.Limits{MaxObjectBytes: c.opts.MaxObjectBytes})
	if err != nil {
		return nil, err
	}
	for _, p := range stix.Validate(o) {
		if p.Must {
			return nil, fmt.Errorf("%s: %s", o.Type, p)
		}
	}
	return o, nil
}

// put adds an object unless one of its identifier is there.
func (c *toSTIX) put(o *stix.Object) {
	if !c.has[o.ID] {
		c.has[o.ID] = true
		c.out.Objects = append(c.out.Objects, o)
		c.refs = append(c.refs, o.ID)
		if c.wrote != nil {
			c.wrote[c.element] = append(c.wrote[c.element], o)
		}
	}
}

// putFirst adds an object that the report does not refer to.
func (c *toSTIX) putFirst(raw []byte) error {
	o, err := c.check(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotExpressible, err)
	}
	if !c.has[o.ID] {
		c.has[o.ID] = true
		c.first = append(c.first, o)
	}
	return nil
}

// frame adds what all objects refer to.
func (c *toSTIX) frame() error {
	for _, raw := range extensionTexts() {
		if err := c.putFirst(raw); err != nil {
			return err
		}
	}
	for t := range c.e.Tags() {
		if id, ok := markingOf(t.Name(), c.opts.TLP2); ok {
			if err := c.mark(id); err != nil {
				return err
			}
			c.marks = appendNew(c.marks, id)
		}
	}
	var err error
	c.creator, err = c.identity(c.e.Orgc(), c.stamp)
	return err
}

func appendNew(list []string, s string) []string {
	for _, x := range list {
		if x == s {
			return list
		}
	}
	return append(list, s)
}

func (c *toSTIX) mark(id string) error {
	raw, ok := stix.TLPDefinition(id)
	if !ok {
		raw, ok = stix.PAPDefinition(id)
	}
	if ok && !c.has[id] {
		return c.putFirst(raw)
	}
	return nil
}

// epochStart is when objects were created that are the same for all events: nobody
// knows when, and it must be the same time in all.
var epochStart = time.Unix(0, 0).UTC()

// identity adds an organisation. Its version is that of what names it, so that a new
// name is a new version.
func (c *toSTIX) identity(org Organisation, stamp time.Time) (string, error) {
	uuid, ok := idUUID(org.UUID())
	if !ok {
		if org.Name() == "" {
			return "", nil
		}
		uuid = derive("organisation", org.Name())
	}
	id := "identity--" + uuid
	if c.has[id] {
		return id, nil
	}
	t := newText("identity", id)
	t.when("created", epochStart)
	t.when("modified", stamp)
	name := org.Name()
	if name == "" {
		name = uuid
	}
	t.str("name", name)
	t.str("identity_class", "organization")
	return id, c.putFirst(t.done())
}

// common begins a domain object with the properties that all have.
func (c *toSTIX) common(typ, uuid string, stamp time.Time, revoked bool, marks, labels []string) *text {
	t := newText(typ, typ+"--"+uuid)
	t.str("created_by_ref", c.creator)
	t.when("created", c.since(stamp))
	t.when("modified", stamp)
	if revoked {
		t.flag("revoked", true)
	}
	t.strs("labels", labels)
	if n, ok := confidence(labels); ok {
		t.num("confidence", n)
	}
	t.strs("object_marking_refs", marks)
	return t
}

// since is the time of creation of something: the day of the event, which stays the
// same when things are changed, unless the thing is older.
func (c *toSTIX) since(stamp time.Time) time.Time {
	if stamp.Before(c.created) {
		return stamp
	}
	return c.created
}

// confidence reads MISP's own taxonomy of confidence; of several levels the lowest.
func confidence(labels []string) (n int64, ok bool) {
	for _, l := range labels {
		rest, is := strings.CutPrefix(l, `misp:confidence-level="`)
		if !is {
			continue
		}
		for i, word := range []string{"unconfident", "rarely-confident", "fairly-confident", "usually-confident", "completely-confident"} {
			if rest == word+`"` && (!ok || int64(i)*25 < n) {
				n, ok = int64(i)*25, true
			}
		}
	}
	return n, ok
}

// tags divides tags into markings and labels. PAP is both: labels are where MISP's own converter has it, but only
// markings are on observables, too.
func (c *toSTIX) tags(m *Members, labels []string) (marks, all []string, err error) {
	for _, p := range m.List("Tag") {
		name := Tag{p}.Name()
		id, ok := markingOf(name, c.opts.TLP2)
		if ok {
			if err := c.mark(id); err != nil {
				return nil, nil, err
			}
			marks = appendNew(marks, id)
		}
		if _, tlp := stix.TLPOf(id); !tlp && name != "" {
			labels = appendNew(labels, name)
		}
	}
	return inherited(marks, c.marks), labels, nil
}

// name gives an element its UUID: its own, if it has a good one that is not taken.
func (c *toSTIX) name(m *Members, list string, position int) string {
	uuid, ok := idUUID(m.Text("uuid"))
	if !ok || c.taken[uuid] {
		uuid = derive(c.uuid, list, strconv.Itoa(position))
	}
	c.taken[uuid] = true
	return uuid
}

func (c *toSTIX) stampOf(m *Members) time.Time {
	if t, ok := m.epoch("timestamp"); ok {
		return t
	}
	return c.stamp
}

// textOf gives the kept text of an element. What the artifacts hold is left out of it.
func textOf(m *Members, artifacts []sco) (raw []byte, refs []string) {
	plain := m.AppendJSON(nil)
	if len(artifacts) == 0 || bytes.Contains(plain, []byte(`"data":"artifact `)) {
		return plain, nil
	}
	twins := map[*Members]*Members{}
	m = m.clone(twins)
	for _, s := range artifacts {
		if a := twins[s.data]; a != nil {
			a.SetText("data", dataRef(len(refs)))
			refs = append(refs, s.id)
		}
	}
	return m.AppendJSON(nil), refs
}

// report makes the report, or for an event that is not published the grouping, that
// stands for the event.
func (c *toSTIX) report() (*stix.Object, error) {
	labels := []string{"Threat-Report", `misp:tool="MISP-STIX-Converter"`}
	_, labels, err := c.tags(c.e.Members, labels)
	if err != nil {
		return nil, err
	}
	typ := c.container()
	t := c.common(typ, c.uuid, c.stamp, false, c.marks, labels)
	info := c.e.Info()
	if info == "" {
		info = c.uuid
	}
	t.str("name", info)
	if typ == "report" {
		published, ok := c.e.PublishTimestamp()
		if !ok {
			published = c.stamp
		}
		t.when("published", published)
	} else {
		t.str("context", "suspicious-activity")
	}
	refs := c.refs
	if len(refs) == 0 {
		// A report refers to something; an empty event says at least whose it is.
		refs = []string{extensionAuthor}
		if c.creator != "" {
			refs = []string{c.creator}
		}
	}
	t.strs("object_refs", refs)
	head := &Members{}
	for _, f := range c.e.list {
		if elementKind(f.name) != 0 && f.many {
			parts := f.parts
			f = member{name: f.name, many: true}
			for _, p := range parts {
				if c.inline[p] {
					f.parts = append(f.parts, p)
				}
			}
		}
		head.list = append(head.list, f)
	}
	o, err := c.check(t.seal(kept{element: eventKept, event: c.uuid, text: head.AppendJSON(nil)}))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotExpressible, err)
	}
	return o, nil
}

// container is the type of the object that stands for the event.
func (c *toSTIX) container() string {
	typ := "grouping"
	if c.e.Published() {
		typ = "report"
	}
	for _, o := range c.originals {
		// What came from STIX stays what it is; this one says what was changed since.
		if o.ID == typ+"--"+c.uuid {
			return map[string]string{"report": "grouping", "grouping": "report"}[typ]
		}
	}
	return typ
}

// reports makes a note of each event report.
func (c *toSTIX) reports() error {
	for i, m := range c.e.List("EventReport") {
		if c.inline[m] {
			continue
		}
		c.element = m
		r := Report{m}
		uuid := c.name(m, "EventReport", i)
		marks, labels, err := c.tags(m, []string{`misp:data-layer="Event Report"`})
		if err != nil {
			return err
		}
		t := c.common("note", uuid, c.stampOf(m), r.Deleted(), marks, labels)
		t.str("abstract", r.Name())
		content := r.Content()
		if content == "" {
			content = "-"
		}
		t.str("content", content)
		t.strs("object_refs", c.mentioned(content))
		o, err := c.check(t.seal(kept{element: reportKept, event: c.uuid, position: i, text: m.AppendJSON(nil)}))
		if err != nil {
			return fmt.Errorf("%w: EventReport[%d]: %w", ErrNotExpressible, i, err)
		}
		c.put(o)
	}
	return nil
}

// maxMentions is how many parts of an event a note refers to.
const maxMentions = 1000

// mentioned finds what an event report names as @[attribute](uuid), @[object](uuid);
// without any it is about the event.
func (c *toSTIX) mentioned(content string) []string {
	var refs []string
	for rest := content; ; {
		_, after, ok := strings.Cut(rest, "](")
		if !ok || len(refs) == maxMentions {
			break
		}
		if len(after) >= 36 {
			if uuid, ok := goodUUID(after[:36]); ok {
				if id := c.main[uuid]; id != "" {
					refs = appendNew(refs, id)
				} else if id := c.spots[uuid]; id != "" {
					refs = appendNew(refs, id)
				}
			}
		}
		rest = after
	}
	if refs == nil {
		refs = []string{c.container() + "--" + c.uuid}
	}
	return refs
}

// relate adds a relationship that follows from others.
func (c *toSTIX) relate(source, typ, target string, stamp time.Time, marks []string) error {
	id := derive("relationship", source, typ, target)
	t := c.common("relationship", id, stamp, false, marks, nil)
	t.str("relationship_type", typ)
	t.str("source_ref", source)
	t.str("target_ref", target)
	o, err := c.check(t.done())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotExpressible, err)
	}
	c.put(o)
	return nil
}
