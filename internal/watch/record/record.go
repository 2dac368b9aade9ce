// Package record is what one line of a log says, in the words that all of Watch
// shares: the readers of formats make records, the matcher, the compound
// patterns, the index of the past and the watch over assets take them.
//
// It is pure: no I/O, no clock, no randomness.
package record

import (
	"strings"
	"time"

	"entente/internal/observable"
)

// Role says what a value does in the event it stands in. A sighting names it,
// so that who reads the sighting knows whether a name was asked for or answered.
type Role string

// The roles.
const (
	Query       Role = "query"       // a name that was asked for
	Answer      Role = "answer"      // what a question was answered with
	Host        Role = "host"        // the host a request was for: HTTP Host, TLS server name
	Request     Role = "request"     // the URL or path that was requested
	Referrer    Role = "referrer"    // where a request came from
	Source      Role = "source"      // the end that opened the connection
	Destination Role = "destination" // the end that was connected to
	Sender      Role = "sender"      // who a message says it is from
	Recipient   Role = "recipient"   // who a message is to
	Subject     Role = "subject"     // the subject of a message
	Agent       Role = "agent"       // a user agent, or the fingerprint of a client
	File        Role = "file"        // a file: its name or its hash
	Certificate Role = "certificate" // a certificate: its hash, serial or names
	Process     Role = "process"     // what ran: image, mutex, registry key
	Other       Role = "other"       // anything else
	Past        Role = "past"        // seen in an hour of the past, as an index says that knows no lines
)

// Direction is which way an event went, seen from the party that keeps the log.
// A scanner that comes in is not a beacon that goes out.
type Direction string

// The directions. The empty one means that the line does not tell.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
	Internal Direction = "internal"
	External Direction = "external"
)

// Field is one value of a record.
type Field struct {
	// Path is where the value stands in the line: names joined by dots, positions
	// in lists as numbers, such as "dns.answers.0.rdata"; a column's name elsewhere.
	Path string
	// Type is what the value is by its place in the format. It is empty where the
	// place does not tell; such a field is not matched.
	Type observable.Type
	Role Role
	// Text is the value with the escapes of its format undone and nothing else:
	// neither refanged nor normalised.
	Text string
}

// Asked tells a name that was asked for, also one that an answer repeats.
func (f *Field) Asked() bool {
	return f.Role == Query || f.Role == Answer && (f.Path == "dns.rrname" || f.Path == "dns.qname" || strings.HasPrefix(f.Path, "dns.query.") || strings.HasPrefix(f.Path, "dns.queries."))
}

// Record is what one line says. Its texts may share memory with the line and are
// good until the reader is asked for the next one; who keeps them clones them.
type Record struct {
	Format string    // the name of the format, such as "zeek-dns-json"
	Time   time.Time // when it happened by the line's own word; zero if it does not say
	// Host is the party's own machine that the event is about, by address or name,
	// as the line has it: the scope of compound patterns and of prevalence.
	Host      string
	Direction Direction
	Fields    []Field
	Line      []byte // the line itself, without its end
}

// Reset empties r and keeps its memory.
func (r *Record) Reset() {
	clear(r.Fields)
	*r = Record{Fields: r.Fields[:0]}
}
