package logs

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"entente/internal/watch/record"
)

// Bounds on what is read of one line.
const (
	// MaxDepth is the deepest nesting of a JSON line that is read.
	MaxDepth = 64
	// MaxValues is the number of values that are read of one line.
	MaxValues = 65_536
	// MaxPath is the longest path of a value that is told, in bytes; it is cut there.
	MaxPath = 1024
	// maxPaths is how much room for the paths of a line's values there is, in bytes; for a long line it is 16 times its length.
	maxPaths = 4 << 20
	// MaxColumns is the number of columns of a table.
	MaxColumns = 1024
	// MaxHeader is the longest header of a table that is kept, in bytes.
	MaxHeader = 64 << 10
	// MaxSample is how much of a stream Detect looks at, in bytes, and maxLooks the number of lines.
	MaxSample = 256 << 10
	maxLooks  = 64
	// maxResting is how many values, and bytes of texts, there is room for in a format that rests.
	maxResting = 256
	// maxScratch is how much memory for texts is kept from one line to the next, in bytes.
	maxScratch = 1 << 20
)

var (
	// ErrNothing means that a line says nothing by itself: it is empty, a comment, or the header of a table.
	ErrNothing = errors.New("the line holds no event")
	// ErrLine means that a line is not of the format, or is cut or damaged.
	ErrLine = errors.New("not a line of this format")
	// ErrOther means that a line is whole and not of the format. Such an error is an ErrLine, too.
	ErrOther = errors.New("of another format")
	// ErrFormat means that there is no format of that name.
	ErrFormat = errors.New("there is no such format")
)

// Options are what a line does not say itself.
type Options struct {
	// Own are the networks of the party. Nil means [Private].
	Own []netip.Prefix
	// Now tells the time at which a line is read, for formats that do not write the year. Nil: such times are not known.
	Now func() time.Time
	// Zone is where times are that are written without an offset. Nil means UTC.
	Zone *time.Location
	// Fields says where values stand in JSON lines, tables and texts that no format knows.
	Fields Map
}

// Format reads the lines of one stream. It is not safe for concurrent use.
type Format interface {
	// Name is the name of the format, as [New] takes it.
	Name() string
	// Decode fills r, which it resets, with what line says. The record's texts are good until
	// the next call. It fails with [ErrNothing] or [ErrLine]; with ErrLine the record has what could be read.
	Decode(line []byte, r *record.Record) error
	// Header gives the lines that have to be read again before reading can go on in
	// the middle of the stream; empty for most formats.
	Header() string
}

// Rester is a format that gives back the line that it read last, and the memory that a large one took.
type Rester interface {
	Rest()
}

// Vague is a format that any line of its kind is of: JSON, a table, text. Foreign tells of the line that was decoded last whether it is of
// a more particular one.
type Vague interface {
	Format
	Foreign() bool
}

// Private are the networks that are taken for the party's own when it does not name them: RFC 1918, RFC 4193,
// shared address space (RFC 6598), link-local and loopback.
func Private() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("::1/128"),
	}
}

// kindOf is one format in the list of those that there are.
type kindOf struct {
	name string
	make func(Options) Format
	// mark says what in a line is of this format alone, empty if it is none of it. Lines come without their end.
	mark func(line []byte, seen *glance) string
	// rows tells that a record may have several lines: mark is asked about all of them together then.
	rows bool
}

// kinds are the formats, the most particular first: [Detect] takes the first that fits.
func kinds() []kindOf {
	return []kindOf{
		zeekTSV, zeekJSON, suricata, caddy, windowsJSON, ipfixJSON, dnstap, dnstapJSON,
		bind, unbound, combined, common, squid, w3c, postfix, exim, nfdump,
		jsonLines, table, text,
	}
}

// Names lists the formats.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// New makes a reader of the format with that name. It fails with [ErrFormat].
func New(name string, o Options) (Format, error) {
	if o.Own == nil {
		o.Own = Private()
	}
	for _, k := range kinds() {
		if k.name == name {
			return k.make(o), nil
		}
	}
	return nil, fmt.Errorf("%w: %q; there are %q", ErrFormat, name, Names())
}
