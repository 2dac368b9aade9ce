package stix

import (
	"fmt"
	"strings"
)

// Parse reads one STIX object under the default limits. The object keeps raw, so
// raw must not be changed afterwards.
//
// Parse refuses what is not one JSON object with unique names and valid UTF-8,
// and an object whose identity, version, marking or (for an indicator) pattern
// and validity cannot be relied on: see [ErrProperty]. Everything else that the
// specification demands is left to [Validate], so that real data, which is
// seldom perfect, can be received and judged. The error is a [*ParseError].
func Parse(raw []byte) (*Object, error) { return ParseLimited(raw, Limits{}) }

// ParseLimited is [Parse] under the given limits.
func ParseLimited(raw []byte, lim Limits) (*Object, error) {
	nodes, err := index(raw, lim.withDefaults())
	if err != nil {
		return nil, err
	}
	if top := nodes[0]; int(top.end-top.start) != len(raw) {
		raw = raw[top.start:top.end:top.end] // drop surrounding whitespace
		for i := range nodes {
			nodes[i].start -= top.start
			nodes[i].end -= top.start
		}
	}
	o := &Object{Raw: raw, nodes: nodes, Confidence: NoConfidence}
	if err := o.readHeader(); err != nil {
		return nil, err
	}
	return o, nil
}

// header is what readHeader carries from one member to the next.
type header struct {
	o       *Object
	scratch [80]byte
	// text backs the short strings of the header, so that they cost one allocation.
	text strings.Builder
	// What only an indicator has is kept until the type is known.
	pattern, patternType, patternVersion, validFrom, validUntil Value
}

// headerText is the usual size of the strings of a header.
const headerText = 384

// str makes a string of b.
func (h *header) str(b []byte) string {
	if h.text.Cap()-h.text.Len() < len(b) {
		return string(b)
	}
	from := h.text.Len()
	h.text.Write(b)
	return h.text.String()[from:]
}

// string gives the characters of a string value; empty for other kinds.
func (h *header) string(v Value) string {
	b, ok := h.bytes(v)
	if !ok {
		return ""
	}
	return h.str(b)
}

// strings gives a list of strings, or nil if it is anything else.
func (h *header) strings(v Value) []string {
	if v.Kind() != KindArray {
		return nil
	}
	out := make([]string, 0, min(v.Len(), 8))
	for e := range v.Elements() {
		b, ok := h.bytes(e)
		if !ok {
			return nil
		}
		out = append(out, h.str(b))
	}
	return out
}

func (o *Object) readHeader() error {
	h := header{o: o}
	h.text.Grow(min(headerText, len(o.Raw)))
	for at, end := uint32(1), o.nodes[0].next; at < end; at = o.nodes[at+1].next {
		if err := h.member(Value{o, at}.unquoted(h.scratch[:0]), Value{o, at + 1}); err != nil {
			return err
		}
	}
	switch {
	case o.Type == "":
		return &ParseError{Path: "type", Kind: ErrProperty, Detail: "an object must state its type"}
	case o.ID == "":
		return &ParseError{Path: "id", Kind: ErrProperty, Detail: "an object must have an identifier"}
	case len(o.ID) != len(o.Type)+38 || o.ID[:len(o.Type)] != o.Type:
		return h.bad("id", Value{}, "the identifier "+quoteShort(o.ID)+" does not begin with the object's type "+quoteShort(o.Type))
	}
	if o.Type == "indicator" {
		return h.indicator()
	}
	return nil
}

// The members of the header, in the order of headerNames.
const (
	atType = iota
	atId
	atSpecVersion
	atCreated
	atModified
	atRevoked
	atCreatedByRef
	atObjectMarkingRefs
	atGranularMarkings
	atPattern
	atPatternType
	atPatternVersion
	atValidFrom
	atValidUntil
	atName
	atValue
	atLang
	atLabels
	atConfidence
	atExtensions
)

var headerNames = newFinder([]string{"type", "id", "spec_version", "created", "modified", "revoked", "created_by_ref", "object_marking_refs", "granular_markings", "pattern", "pattern_type", "pattern_version", "valid_from", "valid_until", "name", "value", "lang", "labels", "confidence", "extensions"})

// member reads one top-level member if it is of the header. On what every reader
// decides by it insists; a label or a name of the wrong kind is left alone.
func (h *header) member(name []byte, v Value) (err error) {
	o := h.o
	switch headerNames.index(name) {
	case atType:
		b, ok := h.bytes(v)
		if !ok || !lenientTypeName(b) {
			return h.bad("type", v, "not a type name")
		}
		if o.spec = specFor(b); o.spec != nil {
			o.Type = o.spec.Name
		} else {
			o.Type = h.str(b)
		}
	case atId:
		b, ok := h.bytes(v)
		if ok {
			_, ok = validID(b)
		}
		if !ok {
			return h.bad("id", v, "not an identifier of the form type--UUID")
		}
		o.ID = h.str(b)
	case atSpecVersion:
		b, ok := h.bytes(v)
		if !ok {
			return h.bad("spec_version", v, "not a string")
		}
		if o.SpecVersion = "2.1"; string(b) != o.SpecVersion {
			o.SpecVersion = h.str(b)
		}
	case atCreated:
		o.Created, err = h.time("created", v)
	case atModified:
		o.Modified, err = h.time("modified", v)
	case atRevoked:
		var ok bool
		if o.Revoked, ok = v.Bool(); !ok {
			return h.bad("revoked", v, "neither true nor false")
		}
	case atCreatedByRef:
		o.CreatedByRef, err = h.id("created_by_ref", v)
	case atObjectMarkingRefs:
		o.ObjectMarkingRefs, err = h.ids("object_marking_refs", v)
	case atGranularMarkings:
		o.GranularMarkings, err = h.granular(v)
	case atPattern:
		h.pattern = v
	case atPatternType:
		h.patternType = v
	case atPatternVersion:
		h.patternVersion = v
	case atValidFrom:
		h.validFrom = v
	case atValidUntil:
		h.validUntil = v
	case atName:
		o.Name = h.string(v)
	case atValue:
		o.Value = h.string(v)
	case atLang:
		o.Lang = h.string(v)
	case atLabels:
		o.Labels = h.strings(v)
	case atConfidence:
		if n, ok := v.Int(); ok && n >= 0 && n <= 100 {
			o.Confidence = int(n)
		}
	case atExtensions:
		for ext := range v.members() {
			o.ExtensionIDs = append(o.ExtensionIDs, h.string(ext))
		}
	}
	return err
}

// indicator reads what only indicators have.
func (h *header) indicator() (err error) {
	o := h.o
	if v := h.pattern; v.o != nil {
		b, ok := h.bytes(v)
		if !ok {
			return h.bad("pattern", v, "not a string")
		}
		o.Pattern = h.str(b)
	}
	if v := h.patternType; v.o != nil {
		b, ok := h.bytes(v)
		if !ok {
			return h.bad("pattern_type", v, "not a string")
		}
		if o.PatternType = "stix"; string(b) != o.PatternType {
			o.PatternType = h.str(b)
		}
	}
	if b, ok := h.bytes(h.patternVersion); ok {
		if o.PatternVersion = "2.1"; string(b) != o.PatternVersion {
			o.PatternVersion = h.str(b)
		}
	}
	if h.validFrom.o != nil {
		if o.ValidFrom, err = h.time("valid_from", h.validFrom); err != nil {
			return err
		}
	}
	if h.validUntil.o != nil {
		o.ValidUntil, err = h.time("valid_until", h.validUntil)
	}
	return err
}

func (h *header) bytes(v Value) ([]byte, bool) {
	if v.Kind() != KindString {
		return nil, false
	}
	return v.unquoted(h.scratch[:0]), true
}

func (h *header) time(path string, v Value) (Timestamp, error) {
	b, ok := h.bytes(v)
	if !ok {
		return Timestamp{}, h.bad(path, v, "not a timestamp")
	}
	// Most objects say the same instant two or three times: keep one string.
	for _, known := range [...]*Timestamp{&h.o.Created, &h.o.Modified} {
		if len(b) > 0 && known.Text == string(b) {
			return *known, nil
		}
	}
	t, _, err := parseTime(b)
	if err != nil {
		return Timestamp{}, h.bad(path, v, err.Error())
	}
	return Timestamp{Text: h.str(b), Time: t}, nil
}

func (h *header) id(path string, v Value) (string, error) {
	b, ok := h.bytes(v)
	if ok {
		_, ok = validID(b)
	}
	if !ok {
		return "", h.bad(path, v, "not an identifier of the form type--UUID")
	}
	return h.str(b), nil
}

func (h *header) ids(path string, v Value) ([]string, error) {
	if v.Kind() != KindArray {
		return nil, h.bad(path, v, "not a list of identifiers")
	}
	var out []string
	i := 0
	for e := range v.Elements() {
		b, ok := h.bytes(e)
		if ok {
			_, ok = validID(b)
		}
		if !ok {
			return nil, h.bad(appendIndex(path, i), e, "not an identifier of the form type--UUID")
		}
		out = append(out, h.str(b))
		i++
	}
	return out, nil
}

func (h *header) granular(v Value) ([]GranularMarking, error) {
	const path = "granular_markings"
	if v.Kind() != KindArray {
		return nil, h.bad(path, v, "not a list")
	}
	var out []GranularMarking
	i, count := 0, 0
	for e := range v.Elements() {
		at := appendIndex(path, i)
		if e.Kind() != KindObject {
			return nil, h.bad(at, e, "not an object")
		}
		var g GranularMarking
		var err error
		if ref := e.Member("marking_ref"); ref.Kind() != KindInvalid {
			if g.MarkingRef, err = h.id(at+".marking_ref", ref); err != nil {
				return nil, err
			}
		}
		g.Lang, _ = e.Member("lang").Text()
		if g.MarkingRef == "" && g.Lang == "" {
			return nil, h.bad(at, e, "a granular marking needs a marking_ref or a lang")
		}
		var ok bool
		sel := e.Member("selectors")
		if g.Selectors, ok = sel.Texts(); !ok || len(g.Selectors) == 0 {
			if sel.Kind() == KindInvalid {
				sel = e
			}
			return nil, h.bad(at+".selectors", sel, "not a list of one or more selectors")
		}
		if count += len(g.Selectors); count > maxSelectors {
			return nil, &ParseError{Path: path, Offset: int64(v.Offset()), Kind: ErrTooLarge,
				Detail: fmt.Sprintf("more than %d selectors", maxSelectors)}
		}
		out = append(out, g)
		i++
	}
	return out, nil
}

// bad makes the error for a property that cannot be relied on.
func (h *header) bad(path string, v Value, why string) error {
	if v.o != nil {
		why = fmt.Sprintf("%s: %s", why, quoteShort(string(v.Raw())))
	}
	return &ParseError{Path: path, Offset: int64(v.Offset()), Kind: ErrProperty, Detail: why}
}
