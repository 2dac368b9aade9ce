package journal

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Bounds on what comes from outside. They are part of the format: a second
// implementation has to refuse what lies beyond them.
const (
	// MaxEntry is the largest entry in bytes: the most a C2SP tlog-tiles entry bundle can hold.
	MaxEntry = 65535
	// MaxDepth is the deepest nesting of objects and arrays in an entry, the entry itself included.
	MaxDepth = 32
	// MaxSeen is the most journals one entry can say it has seen.
	MaxSeen = 1024
	// MaxRelease is the most release claims of one entry.
	MaxRelease = 16
	// MaxName is the longest name, agency, role or address, in characters.
	MaxName = 200
	// MaxAddresses is the most addresses of one identity.
	MaxAddresses = 16
	// MaxPins is the most TLS key pins of one identity.
	MaxPins = 16
	// MaxChain is the most versions in one identity chain.
	MaxChain = 1000
	// MaxStatement is the longest text of one statement in bytes.
	MaxStatement = 32 << 10
	// MaxCheckpoint is the largest signed checkpoint in bytes, cosignatures included.
	MaxCheckpoint = 64 << 10
	// MaxBatchEntries is the most entries under one checkpoint of one append.
	MaxBatchEntries = 16384
	// MaxBatchBytes is the most bytes of entries under one checkpoint of one append: what
	// a mirror has to hold before it can verify any of it.
	MaxBatchBytes = 8 << 20
	// MaxPayload is the largest compressed payload in bytes.
	MaxPayload = 16 << 20
	// MaxPlain is the largest content of a payload in bytes, before compression. It is
	// what a receiver has to hold while it looks at it.
	MaxPlain = 16 << 20
	// MaxMissing is the most commitments that a receipt or a destruction can list.
	MaxMissing = 1024

	// maxIndex keeps every number exact in a float64 (RFC 8259 section 6).
	maxIndex = 1<<53 - 1
	maxEpoch = 1 << 20
	minYear  = 2000
	maxYear  = 2200
)

// checkTime bounds a date from outside: years 2000 to 2200.
func checkTime(t time.Time) error {
	if y := t.UTC().Year(); y < minYear || y > maxYear {
		return fmt.Errorf("date %d lies outside the years %d to %d", y, minYear, maxYear)
	}
	return nil
}

// checkName bounds a short text from outside: 1 (or 0 if optional) to MaxName
// characters, UTF-8, no control characters.
func checkName(what, s string, optional bool) error {
	if s == "" {
		if optional {
			return nil
		}
		return fmt.Errorf("%s is empty", what)
	}
	if len(s) > 4*MaxName || utf8.RuneCountInString(s) > MaxName {
		return fmt.Errorf("%s is longer than %d characters", what, MaxName)
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError || r >= 0x80 && r < 0xa0 {
			return fmt.Errorf("%s holds a control or invalid character", what)
		}
	}
	return nil
}
