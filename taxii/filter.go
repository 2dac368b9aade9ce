package taxii

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds on what a URL may ask.
const (
	maxQueryBytes  = 32 << 10 // the whole query string
	maxQueryParams = 64       // parameters, known or not
	maxMatchValues = 512      // values of one match field
	maxMatchValue  = 300      // characters of one value; the longest STIX id has 288
)

// matchFields says which match fields an endpoint knows (TAXII 2.1, sections 5.3, 5.4, 5.6, 5.8); others are ignored.
type matchFields struct{ id, kind, spec, version bool }

// filter is the part of a request that selects records. Two requests with equal filters select the same records, in
// whatever order or spelling the parameters came.
type filter struct {
	addedAfter time.Time // zero: from the beginning
	ids        []string  // sorted, distinct; empty: all
	kinds      []string  // likewise
	specs      []string  // likewise; empty: the latest that the collection has of each object
	versions   versionFilter
}

type versionFilter struct {
	all, first, last bool
	exact            []time.Time // sorted, distinct
}

type pageParams struct {
	filter filter
	limit  int    // 0: not given
	next   string // "": not given
}

// paramError is a malformed parameter: a 400 that names it.
type paramError struct {
	name string
	err  error
}

func (e *paramError) Error() string { return fmt.Sprintf("query parameter %q: %v", e.name, e.err) }
func (e *paramError) Unwrap() error { return e.err }

// parseQuery reads the filtering parameters of section 3.4. Values of single-valued parameters and match fields must
// not occur twice (a match field "MUST NOT occur more than once in a request"); unknown parameters are ignored.
func parseQuery(raw string, fields matchFields) (pageParams, error) {
	p := pageParams{filter: filter{versions: versionFilter{last: true}}}
	if len(raw) > maxQueryBytes {
		return p, fmt.Errorf("the query string has %d bytes; at most %d are read: ask for fewer values at a time", len(raw), maxQueryBytes)
	}
	if strings.Count(raw, "&") >= maxQueryParams {
		return p, fmt.Errorf("the query string has more than %d parameters", maxQueryParams)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return p, fmt.Errorf("the query string cannot be read: %w", err)
	}
	for _, f := range []struct {
		name  string
		known bool
		read  func(string) error
	}{
		{"added_after", true, func(s string) (err error) { p.filter.addedAfter, err = ParseTime(s); return err }},
		{"limit", true, func(s string) (err error) { p.limit, err = parseLimit(s); return err }},
		{"next", true, func(s string) (err error) { p.next, err = s, checkNext(s); return err }},
		{"match[id]", fields.id, func(s string) (err error) { p.filter.ids, err = parseList(s); return err }},
		{"match[type]", fields.kind, func(s string) (err error) { p.filter.kinds, err = parseList(s); return err }},
		{"match[spec_version]", fields.spec, func(s string) (err error) { p.filter.specs, err = parseList(s); return err }},
		{"match[version]", fields.version, func(s string) (err error) { p.filter.versions, err = parseVersions(s); return err }},
	} {
		got := values[f.name]
		if !f.known || len(got) == 0 {
			continue
		}
		if len(got) > 1 {
			return p, &paramError{f.name, errors.New("given more than once; separate several values of a match field with commas")}
		}
		if err := f.read(got[0]); err != nil {
			return p, &paramError{f.name, err}
		}
	}
	return p, nil
}

func parseLimit(s string) (int, error) {
	if strings.Trim(s, "0123456789") != "" || strings.Trim(s, "0") == "" {
		return 0, errors.New("not a whole number greater than zero")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = 1<<31 - 1 // a number too large for us is still only a wish; the server's maximum applies
	}
	return int(min(n, 1<<31-1)), nil
}

// parseList reads comma separated values into a sorted list without duplicates.
func parseList(s string) ([]string, error) {
	if strings.Count(s, ",") >= maxMatchValues {
		return nil, fmt.Errorf("more than %d values", maxMatchValues)
	}
	list := strings.Split(s, ",")
	for _, v := range list {
		if v == "" {
			return nil, errors.New("an empty value")
		}
		if len(v) > maxMatchValue {
			return nil, fmt.Errorf("a value longer than %d bytes", maxMatchValue)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func parseVersions(s string) (versionFilter, error) {
	var f versionFilter
	list, err := parseList(s)
	if err != nil {
		return f, err
	}
	for _, v := range list {
		switch v {
		case "all":
			f.all = true
		case "first":
			f.first = true
		case "last":
			f.last = true
		default:
			t, err := ParseTime(v)
			if err != nil {
				return f, fmt.Errorf("%q is none of first, last, all and %w", v, err)
			}
			f.exact = append(f.exact, t)
		}
	}
	slices.SortFunc(f.exact, time.Time.Compare)
	f.exact = slices.CompactFunc(f.exact, time.Time.Equal)
	if f.all {
		f = versionFilter{all: true}
	}
	return f, nil
}

// hasExact tells whether a version was asked for by its timestamp. Timestamps are compared as instants: 10:00:00Z and
// 10:00:00.000Z name the same version.
func (f versionFilter) hasExact(version string) bool {
	if len(f.exact) == 0 {
		return false
	}
	v := parseVersion(version)
	if v.text != "" {
		return false
	}
	_, found := slices.BinarySearchFunc(f.exact, v.at, time.Time.Compare)
	return found
}

// canonical is an unambiguous encoding of the filter, equal for equal filters. It is only ever hashed.
func (f filter) canonical() []byte {
	var b []byte
	list := func(values []string) {
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = binary.AppendUvarint(b, uint64(len(v)))
			b = append(b, v...)
		}
	}
	after := ""
	if !f.addedAfter.IsZero() {
		after = f.addedAfter.Format(time.RFC3339Nano)
	}
	list([]string{after})
	list(f.ids)
	list(f.kinds)
	list(f.specs)
	list([]string{fmt.Sprint(f.versions.all, f.versions.first, f.versions.last)})
	exact := make([]string, len(f.versions.exact))
	for i, t := range f.versions.exact {
		exact[i] = t.Format(time.RFC3339Nano)
	}
	list(exact)
	return b
}
