package feed

import (
	"fmt"
	"time"

	"entente/internal/observable"
	"entente/stix"
)

// Entry is one value that is looked for, with what is known of it.
type Entry struct {
	Value observable.Value
	// ID is the STIX id of the indicator.
	ID string
	// Name is the indicator's name, for people.
	Name string
	// TLP is the strictest marking that it came under.
	TLP stix.TLP
	// PAP is what may be done with it, as a tag of MISP's taxonomy has it ("PAP:AMBER"); empty:
	// nobody said.
	PAP string
	// From and Until are when it is good for; the zero time is no bound.
	From, Until time.Time
	// Changed is when it was changed last.
	Changed time.Time
	// Gone is since when it is looked for no more; zero: it is. Of the formats only misp has what is gone.
	Gone time.Time
	// Closed tells of what is gone that its value is not to be named: it is under a stricter marking now.
	Closed bool
	// Confidence is 0 to 100, or stix.NoConfidence.
	Confidence int
	// Source is who it is from.
	Source string
}

// Meta is what the head of a feed says.
type Meta struct {
	// Name is the feed's.
	Name string
	// Serial rises whenever the feed changes (RFC 1982 for zones).
	Serial uint32
	// TTL is how long a resolver may go by an answer; at least a second.
	TTL time.Duration
	// TLP is the strictest marking in the feed.
	TLP stix.TLP
}

// Format is one form of feed.
type Format struct {
	// Name is what the format is called in the configuration, the CLI and addresses.
	Name string
	// For says for people who reads it.
	For string
	// MediaType and Extension are those of its files.
	MediaType, Extension string
	// Types are those of the values that it carries.
	Types []observable.Type
	// Acts tells that its reader blocks what it names, where others only look for it.
	Acts bool

	head  func(dst []byte, m Meta) []byte
	block func(dst []byte, entries []Entry) []byte
	fits  func(v observable.Value) bool // beyond the type; nil: every value of the types
}

// Carries tells whether a value can be said in the format.
func (f *Format) Carries(v observable.Value) bool {
	for _, t := range f.Types {
		if t == v.Type {
			return f.fits == nil || f.fits(v)
		}
	}
	return false
}

// Head appends what stands before the first block.
func (f *Format) Head(dst []byte, m Meta) []byte {
	if f.head == nil {
		return dst
	}
	return f.head(dst, m)
}

// Block appends the text of a block. Entries that the format does not carry must not
// be among them.
func (f *Format) Block(dst []byte, entries []Entry) []byte { return f.block(dst, entries) }

// Formats lists all formats, by name.
func Formats() []Format {
	return []Format{
		csvFormat(), dnsmasqFormat(), hostsFormat(), listFormat(), mispFormat(), rpzFormat(), sigmaFormat(),
		suricataHashes("suricata-md5", observable.MD5), suricataHashes("suricata-sha256", observable.SHA256),
		suricataDomains(), suricataAddresses(), suricataReputation(), suricataRules(), unboundFormat(), zeekFormat(),
	}
}

// Find gives a format by its name.
func Find(name string) (Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("there is no format %q", name)
}

// each makes a block of lines, one for an entry.
func each(line func(dst []byte, e *Entry) []byte) func([]byte, []Entry) []byte {
	return func(dst []byte, entries []Entry) []byte {
		for i := range entries {
			dst = line(dst, &entries[i])
		}
		return dst
	}
}
