package taxii

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var errNoObject = errors.New("not a JSON object")

// readHeader reads the header of a record out of an object: id, type, spec_version and modified or created. Everything
// else is only checked to be JSON: valid UTF-8 (RFC 8259, section 8.1), no name twice in an object, and at most 10,000
// levels deep. What the object means is the store's business.
func readHeader(raw []byte) (Record, error) {
	if !looksLikeObject(raw) {
		return Record{}, errNoObject
	}
	var h struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Spec     string `json:"spec_version"`
		Created  string `json:"created"`
		Modified string `json:"modified"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return Record{}, err
	}
	if h.Spec == "" && h.Created != "" {
		h.Spec = "2.0" // since 2.1 whatever has a created has a spec_version too
	}
	r := Record{ID: h.ID, Type: h.Type, SpecVersion: h.Spec, Version: h.Modified, Raw: raw}
	if r.Version == "" {
		r.Version = h.Created
	}
	switch {
	case r.ID == "" || r.Type == "":
		return r, errors.New("it has no id or no type")
	case len(r.ID) > maxMatchValue || len(r.Type) > maxMatchValue || len(r.SpecVersion) > maxMatchValue || len(r.Version) > maxMatchValue:
		return r, fmt.Errorf("its id, type, spec_version or version is longer than %d bytes", maxMatchValue)
	}
	return r, nil
}

// peekHeader reads id and version of an object that was not checked yet, as far as they can be read at its top level.
func peekHeader(raw []byte) (id, version string) {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return "", ""
	}
	created := ""
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		into := (*string)(nil)
		switch name.String() {
		case "id":
			into = &id
		case "modified":
			into = &version
		case "created":
			into = &created
		}
		if into == nil || d.PeekKind() != '"' {
			if d.SkipValue() != nil {
				break
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil {
			break
		}
		if s := value.String(); *into == "" && len(s) <= maxMatchValue {
			*into = s
		}
	}
	if version == "" {
		version = created
	}
	return id, version
}
