package intake

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"entente/internal/observable"
	"entente/stix"
)

// Drafter makes STIX 2.1 objects of what was found. The same source and the same
// values give the same identifiers, so that a list that is read every day does not
// pile up.
type Drafter struct {
	// Source is the name of the list, the table or the page.
	Source string
	// At is when it is drafted: the time of creation of each object.
	At time.Time
	// TLP marks what carries no marking of its own; TLPNone leaves it unmarked.
	TLP stix.TLP
	// Confidence is that of the source, 0 to 100, or stix.NoConfidence.
	Confidence int
	// ValidFor is how long an indicator of the source is good for; 0: no end is stated.
	ValidFor time.Duration
	// Labels are put on each indicator.
	Labels []string
}

// space is the namespace of drafted identifiers. It must not change: a source that
// is read again is recognised by them.
var space = uuid.NewSHA1(uuid.NameSpaceURL, []byte("entente/intake/v1"))

func (d Drafter) id(typ, what string) string {
	return typ + "--" + uuid.NewSHA1(space, []byte(typ+"\x00"+d.Source+"\x00"+what)).String()
}

// common are the properties that every drafted SDO and SRO has.
type common struct {
	Type       string   `json:"type"`
	Spec       string   `json:"spec_version"`
	ID         string   `json:"id"`
	CreatedBy  string   `json:"created_by_ref,omitzero"`
	Created    string   `json:"created"`
	Modified   string   `json:"modified"`
	Labels     []string `json:"labels,omitempty"`
	Confidence *int     `json:"confidence,omitzero"`
	Lang       string   `json:"lang,omitzero"`
	References []ref    `json:"external_references,omitempty"`
	Markings   []string `json:"object_marking_refs,omitempty"`
}

type ref struct {
	Source      string `json:"source_name"`
	Description string `json:"description,omitzero"`
	URL         string `json:"url,omitzero"`
	ExternalID  string `json:"external_id,omitzero"`
}

func (d Drafter) common(typ, what string) common {
	c := common{Type: typ, Spec: "2.1", ID: d.id(typ, what), Created: stamped(d.At), Modified: stamped(d.At)}
	if d.Confidence >= 0 && d.Confidence <= 100 {
		n := d.Confidence
		c.Confidence = &n
	}
	if d.TLP != stix.TLPNone {
		c.Markings = []string{d.TLP.MarkingID()}
	}
	return c
}

func stamped(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type indicator struct {
	common
	Name        string `json:"name"`
	Description string `json:"description,omitzero"`
	Pattern     string `json:"pattern"`
	PatternType string `json:"pattern_type"`
	PatternVer  string `json:"pattern_version"`
	ValidFrom   string `json:"valid_from"`
	ValidUntil  string `json:"valid_until,omitzero"`
}

// IndicatorID is the identifier of what Indicator drafts for a value.
func (d Drafter) IndicatorID(v observable.Value) string {
	return "indicator--" + d.IndicatorUUID(v).String()
}

// IndicatorUUID is the UUID in IndicatorID (RFC 9562 §5.5), without what it takes to write it: a large list has an identifier for each line.
func (d Drafter) IndicatorUUID(v observable.Value) uuid.UUID {
	var room [256]byte
	b := append(room[:0], space[:]...)
	b = append(b, "indicator\x00"...)
	b = append(b, d.Source...)
	b = append(b, 0)
	b = append(b, v.Type...)
	b = append(b, ':')
	b = append(b, v.Text...)
	sum := sha1.Sum(b)
	u := uuid.UUID(sum[:16])
	u[6], u[8] = u[6]&0x0f|5<<4, u[8]&0x3f|0x80
	return u
}

// Indicator drafts an indicator for a value of a list or a table. It fails for a
// value that no pattern expresses, and for an end before the beginning.
func (d Drafter) Indicator(item Item) ([]byte, error) {
	pattern, ok := item.Value.Pattern()
	if !ok {
		return nil, lineError(item.Line, item.Value.Text, "no pattern of STIX looks for a value of this type")
	}
	o := indicator{common: d.common("indicator", item.Value.Key()), Name: bounded(item.Value.Text, 256), Description: bounded(item.Note, 4096),
		Pattern: pattern, PatternType: "stix", PatternVer: "2.1"}
	if item.Confidence >= 0 {
		o.Confidence = &item.Confidence
	}
	o.Labels = append(append([]string{}, d.Labels...), item.Labels...)
	level, from, until, err := d.said(item)
	if err != nil {
		return nil, err
	}
	if level != stix.TLPNone {
		o.Markings = []string{level.MarkingID()}
	}
	if u := webAddress(item.Reference); u != "" {
		o.References = []ref{{Source: d.sourceName(), URL: u}}
	} else {
		o.References = []ref{{Source: d.sourceName(), Description: fmt.Sprintf("line %d", item.Line)}}
	}
	if !until.IsZero() {
		o.ValidUntil = stamped(until)
	}
	o.ValidFrom = stamped(from)
	return json.Marshal(o)
}

// Valid gives from when and until when the draft of an item of a list or a table whose value has a pattern would be valid, without the draft; a zero time until when says that it has no end.
// It fails as Indicator does.
func (d Drafter) Valid(item Item) (from, until time.Time, err error) {
	_, from, until, err = d.said(item)
	return from, until, err
}

// said gives the marking of an item, if it has one, and when it is valid.
func (d Drafter) said(item Item) (level stix.TLP, from, until time.Time, err error) {
	bad := func(text, reason string) (stix.TLP, time.Time, time.Time, error) {
		return stix.TLPNone, time.Time{}, time.Time{}, lineError(item.Line, text, reason)
	}
	if item.TLP != "" {
		if level, err = stix.ParseTLP(item.TLP); err != nil {
			return bad(item.TLP, "not a TLP marking")
		}
	}
	from = d.At
	if t, ok := moment(item.From); ok {
		from = t
	}
	if t, ok := moment(item.To); ok {
		until = t
	} else if !endless(item.To) {
		// Taken in without its end, it would be acted on for ever.
		return bad(item.To, "not a date until when it is valid; write it as in 2030-01-31")
	} else if d.ValidFor > 0 {
		until = from.Add(d.ValidFor)
	}
	if !until.IsZero() && !until.After(from) {
		return bad(item.To, "it ends before it begins")
	}
	if !utf8.ValidString(d.Source) {
		return bad(strings.ToValidUTF8(d.Source, "?"), "not valid UTF-8")
	}
	return level, from, until, nil
}

func (d Drafter) sourceName() string {
	if s := cleanLine(d.Source); s != "" {
		return s
	}
	return "unnamed source"
}

// moment reads the date of a cell.
func moment(s string) (time.Time, bool) {
	layout := layoutLike(s)
	if layout == "" {
		return time.Time{}, false
	}
	t, err := time.Parse(layout, s)
	return t, err == nil && t.Year() >= 1990 && t.Year() <= 2100
}

// layoutLike gives the only layout that a date can have by its looks, empty if there is none.
func layoutLike(s string) string {
	n := len(s)
	switch {
	case n < len("20060102"):
		return ""
	case n == len("20060102"):
		return "20060102"
	case s[2] == '.':
		return "02.01.2006"
	case s[4] == '/':
		return "2006/01/02"
	case n <= len(time.DateOnly):
		return time.DateOnly
	case s[10] == 'T' && (s[n-1] == 'Z' || s[n-6] == '+' || s[n-6] == '-'):
		return time.RFC3339
	case s[10] == 'T':
		return "2006-01-02T15:04:05"
	case strings.HasSuffix(s, "UTC"):
		return "2006-01-02 15:04:05 UTC"
	case strings.Count(s, ":") == 1:
		return "2006-01-02 15:04"
	}
	return time.DateTime
}

// endless tells what tables write where a value has no end.
func endless(s string) bool {
	switch strings.ToLower(s) {
	case "", "-", "0", "none", "null", "nan", "n/a", "na", "never", "unlimited":
		return true
	}
	return strings.HasPrefix(s, "9999") || strings.HasPrefix(s, "2999")
}

type identity struct {
	common
	Name  string `json:"name"`
	Class string `json:"identity_class"`
}

type report struct {
	common
	Name        string   `json:"name"`
	Description string   `json:"description,omitzero"`
	ReportTypes []string `json:"report_types"`
	Published   string   `json:"published"`
	ObjectRefs  []string `json:"object_refs"`
}

type nameOnly struct {
	common
	Name string `json:"name"`
}

// ErrNoDate means that a page does not say when it was published, and nobody else has.
var ErrNoDate = fmt.Errorf("the page does not say in which year it was published")

// Report drafts a report of a page and an object for each thing that it names: first
// the identity of who published it, then observables (named, not judged),
// vulnerabilities and techniques, last the report. It fails with ErrNoDate unless
// the page's date is known.
func (d Drafter) Report(p Page, found []Finding) ([][]byte, error) {
	if !p.Date.Known() {
		return nil, fmt.Errorf("%w (it says %q); state it, as in --date 2015-09-12", ErrNoDate, p.Date)
	}
	publisher := firstOf(p.Site, hostOf(p.URL), d.sourceName())
	who := identity{common: d.common("identity", publisher), Name: bounded(publisher, 256), Class: "organization"}
	who.Confidence = nil
	var out [][]byte
	add := func(v any) error {
		raw, err := json.Marshal(v)
		if err == nil {
			out = append(out, raw)
		}
		return err
	}
	if err := add(who); err != nil {
		return nil, err
	}
	r := report{common: d.common("report", p.Title), Name: firstOf(p.Title, d.sourceName()), Description: p.Text,
		ReportTypes: []string{"threat-report"}, Published: stamped(p.Date.Time()), ObjectRefs: []string{who.ID}}
	r.Lang, r.Labels = p.Language, []string{"draft"}
	source := ref{Source: d.sourceName(), URL: p.URL}
	if p.Date.Inferred {
		source.Description = "date: " + p.Date.Evidence
	} else if p.URL == "" {
		source.Description = bounded(firstOf(joined("author", p.Author), joined("after", p.Via), "saved page"), 512)
	}
	r.References = []ref{source}
	own := hostOf(p.URL)
	for _, f := range found {
		raw, id, err := d.named(f, own)
		if err != nil {
			return nil, err
		}
		if id == "" {
			continue
		}
		out = append(out, raw)
		r.ObjectRefs = append(r.ObjectRefs, id)
	}
	return out, add(r)
}

func joined(what, s string) string {
	if s == "" {
		return ""
	}
	return what + " " + s
}

func hostOf(address string) string {
	v, err := observable.New(observable.URL, address)
	if err != nil {
		return ""
	}
	h, _ := v.HostOf()
	return h.Text
}

// named drafts the object of one finding; id is empty for what says nothing: the
// site's own address.
func (d Drafter) named(f Finding, own string) (raw []byte, id string, err error) {
	if f.Name != "" {
		o := nameOnly{Name: f.Name}
		switch {
		case strings.HasPrefix(f.Name, "CVE-"):
			o.common = d.common("vulnerability", f.Name)
			o.References = []ref{{Source: "cve", ExternalID: f.Name}}
		case strings.HasPrefix(f.Name, "TA"), strings.HasPrefix(f.Name, "DS"):
			return nil, "", nil // tactics and data sources have no type of their own in STIX
		case f.Name[0] == 'T':
			o.common = d.common("attack-pattern", f.Name)
		case f.Name[0] == 'G':
			o.common = d.common("intrusion-set", f.Name)
		case f.Name[0] == 'C':
			o.common = d.common("campaign", f.Name)
		case f.Name[0] == 'M':
			o.common = d.common("course-of-action", f.Name)
		default:
			o.common = d.common("tool", f.Name)
		}
		if o.References == nil {
			o.References = []ref{{Source: "mitre-attack", ExternalID: f.Name}}
		}
		raw, err = json.Marshal(o)
		return raw, o.ID, err
	}
	if own != "" {
		host := f.Value
		if h, ok := f.Value.HostOf(); ok {
			host = h
		}
		if host.Text == own {
			return nil, "", nil
		}
	}
	return sco(f.Value, d.TLP)
}

// sco writes a value as a cyber-observable with its deterministic identifier.
func sco(v observable.Value, tlp stix.TLP) (raw []byte, id string, err error) {
	typ, property, content := "", "value", any(v.Text)
	switch v.Type {
	case observable.Domain:
		typ = "domain-name"
	case observable.IPv4:
		typ = "ipv4-addr"
	case observable.IPv6:
		typ = "ipv6-addr"
	case observable.Prefix:
		typ = "ipv4-addr"
		if strings.Contains(v.Text, ":") {
			typ = "ipv6-addr"
		}
	case observable.URL:
		typ = "url"
	case observable.Email:
		typ = "email-addr"
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.SSDeep:
		typ, property, content = "file", "hashes", map[string]string{observable.HashName(v.Type): v.Text}
	case observable.RegistryKey:
		typ, property = "windows-registry-key", "key"
	case observable.FileName:
		typ, property = "file", "name"
	case observable.Mutex:
		typ, property = "mutex", "name"
	default:
		return nil, "", nil
	}
	body := map[string]any{"type": typ, "spec_version": "2.1", property: content}
	plain, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return nil, "", err
	}
	if id, err = stix.ContributingID(plain); err != nil {
		return nil, "", fmt.Errorf("intake: the identifier of %s: %w", v, err)
	}
	body["id"] = id
	if tlp != stix.TLPNone {
		body["object_marking_refs"] = []string{tlp.MarkingID()}
	}
	raw, err = json.Marshal(body, json.Deterministic(true))
	return raw, id, err
}

type grouping struct {
	common
	Name        string   `json:"name"`
	Description string   `json:"description,omitzero"`
	Context     string   `json:"context"`
	ObjectRefs  []string `json:"object_refs"`
}

// Grouping drafts an object for each thing that a text without title and date names,
// and a grouping that holds them together. It fails with ErrNoText if the text names
// nothing.
func (d Drafter) Grouping(text string, found []Finding) ([][]byte, error) {
	g := grouping{common: d.common("grouping", text), Name: d.sourceName(), Description: bounded(text, MaxText), Context: "suspicious-activity"}
	g.Labels = []string{"draft"}
	var out [][]byte
	for _, f := range found {
		raw, id, err := d.named(f, "")
		if err != nil {
			return nil, err
		}
		if id != "" {
			out, g.ObjectRefs = append(out, raw), append(g.ObjectRefs, id)
		}
	}
	if len(g.ObjectRefs) == 0 {
		return nil, fmt.Errorf("%w, and the text names no value", ErrNoText)
	}
	raw, err := json.Marshal(g)
	return append(out, raw), err
}
