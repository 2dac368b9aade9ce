package watch

import (
	"errors"
	"time"

	"entente/internal/observable"
)

// Policy says how much below a domain an indicator means. It has no meaning for other types.
type Policy uint8

// The policies.
const (
	Subdomains Policy = iota // the domain and every name below it
	Exact                    // the domain alone
)

// Indicator is one value that is looked for.
type Indicator struct {
	// ID is the identifier of the indicator, at most [MaxID] bytes. An indicator with
	// several values is added once for each.
	ID string
	// Value is what is looked for, as [observable.New] makes it.
	Value observable.Value
	// From and Until bound when the indicator is valid: at From and before Until. Zero
	// times bound nothing.
	From, Until time.Time
	// Revoked indicators are never matched.
	Revoked bool
	Policy  Policy
	// Atom is 0 for a value that is by itself what the indicator looks for. Otherwise the
	// value is atom number Atom, from 1, of the compound pattern of ID, and a hit is only
	// a part of what the pattern asks.
	Atom uint16
	// Place is where the value has to stand: a field whose role says otherwise does not meet it.
	Place  observable.Place
	Source string // who it came from
	TLP    string // its marking
}

// Hit is one indicator that a value of a line meets.
type Hit struct {
	Indicator Indicator
	// Seen is what stands in the line, in canonical form: "a.evil.example" where the indicator is evil.example.
	Seen observable.Value
}

// Bounds of a set.
const (
	// MaxID is the longest identifier of an indicator, in bytes.
	MaxID = 255
	// MaxIndicators is the number of values that one set holds.
	MaxIndicators = 1 << 28
)

var (
	// ErrTooBroad means that an indicator would meet what belongs to very many: a public
	// suffix, the domain of a hoster or of dynamic names, or a huge block of addresses.
	ErrTooBroad = errors.New("too broad to watch for")
	// ErrIndicator means that an indicator cannot be watched for as it is.
	ErrIndicator = errors.New("cannot be watched for")
	// ErrFull means that a set holds as much as it can.
	ErrFull = errors.New("the set is full")
)
