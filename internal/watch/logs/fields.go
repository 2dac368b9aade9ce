package logs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// ErrFields means that a field map cannot be understood.
var ErrFields = errors.New("not a field map")

// maxMapped is the number of fields that a map names.
const maxMapped = 256

// Map says where values stand in lines that no format knows: "client=source:ipv4, q=query:domain, when=time". The zero
// Map says nothing.
type Map struct{ fields []mapped }

// mapped is one place that the user named.
type mapped struct {
	name string
	as   shape
	role record.Role
	typ  observable.Type // where the user named one
	time bool
	host bool
}

// shapes are the words of a map that are no types.
var shapes = map[string]shape{
	"address": asAddress, "name": asHost, "answer": asAnswer, "mail": asMail, "hash": asHash, "agent": asAgent, "subject": asSubject,
	"file": asPath, "command": asCommand, "any": asForm,
}

var roles = []record.Role{record.Query, record.Answer, record.Host, record.Request, record.Referrer, record.Source, record.Destination, record.Sender,
	record.Recipient, record.Subject, record.Agent, record.File, record.Certificate, record.Process, record.Other}

// usual is what stands in a place whose role alone was named.
var usual = map[record.Role]shape{
	record.Query: asName, record.Answer: asAnswer, record.Host: asHost, record.Request: asURL, record.Referrer: asURL, record.Source: asHost,
	record.Destination: asHost, record.Sender: asMail, record.Recipient: asMail, record.Subject: asSubject, record.Agent: asAgent, record.File: asPath,
	record.Certificate: asHash, record.Process: asCommand, record.Other: asForm,
}

// ParseMap reads a field map: FIELD=ROLE, FIELD=ROLE:TYPE, FIELD=time or FIELD=machine, separated by commas. FIELD is a path in a JSON line, the name or
// the number (from 1) of a column. TYPE is that of an observable, or one of address, name, answer, mail, hash, agent,
// subject, file, command and any. It fails with [ErrFields].
func ParseMap(s string) (Map, error) {
	var m Map
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, what, ok := strings.Cut(part, "=")
		if !ok || name == "" {
			return Map{}, fmt.Errorf("%w: %q is not FIELD=ROLE, FIELD=ROLE:TYPE or FIELD=time", ErrFields, part)
		}
		f := mapped{name: strings.TrimSpace(name)}
		role, typ, typed := strings.Cut(strings.TrimSpace(what), ":")
		f.role = record.Role(role)
		switch {
		case role == "time" && !typed:
			f.time = true
		case role == "machine" && !typed:
			f.host = true
		case !slices.Contains(roles, f.role):
			return Map{}, fmt.Errorf("%w: %q is no role; there are time, machine and %v", ErrFields, role, roles)
		case !typed:
			f.as = usual[f.role]
		case shapes[typ] != 0:
			f.as = shapes[typ]
		case slices.Contains(observable.Types(), observable.Type(typ)):
			f.typ = observable.Type(typ)
		default:
			return Map{}, fmt.Errorf("%w: %q is no type; there are %v and address, name, answer, mail, hash, agent, subject, file, command, any", ErrFields, typ, observable.Types())
		}
		if m.fields = append(m.fields, f); len(m.fields) > maxMapped {
			return Map{}, fmt.Errorf("%w: more than %d fields", ErrFields, maxMapped)
		}
	}
	if len(m.fields) == 0 {
		return Map{}, fmt.Errorf("%w: it names no field", ErrFields)
	}
	return m, nil
}

func (m Map) empty() bool { return len(m.fields) == 0 }

// Values tells whether the map names a value: only named ones are looked at then, where no format knows the others. One that names times and machines
// leaves the values to their form.
func (m Map) Values() bool {
	return slices.ContainsFunc(m.fields, func(f mapped) bool { return !f.time && !f.host })
}

func (m Map) times() []string {
	var names []string
	for _, f := range m.fields {
		if f.time {
			names = append(names, f.name)
		}
	}
	return names
}

// find gives what the user says of a place, nil if nothing.
func (m Map) find(place, path string) *mapped {
	for i := range m.fields {
		if f := &m.fields[i]; f.name == place || f.name == path {
			return f
		}
	}
	return nil
}

// column gives what the user says of a column, by its name or its number from 1.
func (m Map) column(i int, name string) *mapped {
	if f := m.find(name, name); f != nil && name != "" {
		return f
	}
	return m.find(strconv.Itoa(i+1), "")
}

// put adds a value where the user said.
func (f *mapped) put(d *reader, path, text string) {
	switch {
	case f.time:
		if d.r.Time.IsZero() {
			d.r.Time = moment(text)
		}
	case f.host:
		d.r.Host = text
	case f.typ != "":
		d.field(f.typ, f.role, path, text)
	default:
		d.put(place{f.as, f.role}, path, text)
	}
	if f.as == asHost || f.as == asAddress || f.typ == observable.IPv4 || f.typ == observable.IPv6 {
		switch f.role {
		case record.Source:
			d.from = text
		case record.Destination:
			d.to = text
		}
	}
}

// monthDay reads "Jan  2 15:04:05" in the year nearest before now.
func monthDay(s string, now func() time.Time) time.Time {
	t, err := time.Parse("Jan _2 15:04:05", s)
	if err != nil {
		return time.Time{}
	}
	return thisYear(t, now)
}
