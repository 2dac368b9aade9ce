package misp

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"entente/stix"

	"github.com/go-json-experiment/json/jsontext"
)

// ExtensionID is the extension definition under which STIX objects made from MISP
// keep the text they were made from. Every bundle that uses it carries it.
const ExtensionID = "extension-definition--5c1f7e52-2d55-4d0e-8b8e-0c6f3c9a7b11"

// extensionAuthor is the identity that the definition names as its author.
const extensionAuthor = "identity--0f6b1d3e-7a44-4c39-9d57-5b2f8e6a1c02"

// extensionTexts are the definition and its author.
func extensionTexts() [2][]byte {
	const at = "2026-01-01T00:00:00.000Z"
	author := newText("identity", extensionAuthor)
	author.str("created", at)
	author.str("modified", at)
	author.str("name", "Entente")
	author.str("description", "Software for joint cyber security units: author of the extension that keeps MISP data in STIX.")
	author.str("identity_class", "system")
	def := newText("extension-definition", ExtensionID)
	def.str("created_by_ref", extensionAuthor)
	def.str("created", at)
	def.str("modified", at)
	def.str("name", "MISP original")
	def.str("description", "Keeps, in the property text, the JSON of the MISP event, attribute, object or event report that an object "+
		"was made from, so that nothing of it is lost. The property digest is the SHA-256 of the canonical JSON (RFC 8785) of the object without "+
		"this extension: while it fits, the text says the same as the object; once it does not, the object was changed since and prevails.")
	def.str("schema", "MISP core format, draft-dulaunoy-misp-core-format")
	def.str("version", "1.0.0")
	def.strs("extension_types", []string{"property-extension"})
	return [2][]byte{author.done(), def.done()}
}

// The kinds of elements that the extension names.
const (
	eventKept     = "event"
	attributeKept = "attribute"
	objectKept    = "object"
	reportKept    = "report"
)

// kept is the contents of the extension.
type kept struct {
	element  string
	event    string // UUID of the event
	position int    // in the list it came from
	text     []byte // JSON of the element, without what stands elsewhere
	data     []string
}

// seal ends an object, whose text so far lacks the closing brace, with the extension.
func (t *text) seal(k kept) []byte {
	sum := digest(append(t.b, '}'))
	ext := &text{b: []byte{'{'}}
	ext.str("extension_type", "property-extension")
	ext.str("element", k.element)
	ext.str("event", k.event)
	if k.element != eventKept {
		ext.num("position", int64(k.position))
	}
	ext.str("text", string(k.text))
	ext.strs("data_refs", k.data)
	ext.str("digest", sum)
	t.raw("extensions", pair(ExtensionID, ext.done()))
	return t.done()
}

// digest is the SHA-256 of the canonical form of an object.
func digest(object []byte) string {
	v := jsontext.Value(append([]byte(nil), object...))
	if err := v.Canonicalize(); err != nil {
		return ""
	}
	sum := sha256.Sum256(v)
	return hex.EncodeToString(sum[:])
}

// keptIn reads the extension of an object. intact is true if the object still says
// what it said when it was made.
func keptIn(o *stix.Object) (k kept, intact, ok bool) {
	if len(o.ExtensionIDs) == 0 {
		return k, false, false
	}
	ext := o.Root().Member("extensions").Member(ExtensionID)
	if ext.Kind() != stix.KindObject {
		return k, false, false
	}
	get := func(name string) string {
		s, _ := ext.Member(name).Text()
		return s
	}
	k = kept{element: get("element"), event: get("event"), text: []byte(get("text"))}
	if n, ok := ext.Member("position").Int(); ok && n >= 0 && n < 1<<31 {
		k.position = int(n)
	}
	k.data, _ = ext.Member("data_refs").Texts()
	return k, get("digest") != "" && get("digest") == digest(without(o)), true
}

// without gives the text of an object without the extension.
func without(o *stix.Object) []byte {
	b := []byte{'{'}
	put := func(name string, raw []byte) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, name)
		b = append(append(b, ':'), raw...)
	}
	for name, v := range o.Root().Members() {
		if name != "extensions" {
			put(name, v.Raw())
			continue
		}
		if v.Len() == 1 {
			continue
		}
		rest := &text{b: []byte{'{'}}
		for id, ext := range v.Members() {
			if id != ExtensionID {
				rest.raw(id, ext.Raw())
			}
		}
		put(name, rest.done())
	}
	return append(b, '}')
}

// dataRef marks, in a kept text, data that stands in an artifact.
func dataRef(i int) string { return "artifact " + strconv.Itoa(i) }

func dataRefOf(s string) (int, bool) {
	rest, ok := strings.CutPrefix(s, "artifact ")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(rest)
	return n, err == nil && n >= 0
}
