package peer

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"entente/journal"
)

// Codes of refusals that the exchange itself makes. Those about the contents of a
// journal are the journal package's.
const (
	CodeBadPacket    = "bad-packet"    // the bytes are not a packet
	CodeBadVersion   = "bad-version"   // a packet or message of a version not spoken here
	CodeBadFrame     = "bad-frame"     // a frame out of place or malformed
	CodeUnknownFrame = "unknown-frame" // a frame that must be understood and is not
	CodeOversize     = "oversize"      // something is larger than the protocol allows
	CodeTooMany      = "too-many"      // more of something than allowed
	CodeCut          = "cut"           // the packet ends early, or its sum does not hold
	CodeSlow         = "slow"          // below the slowest speed allowed
	CodeBusy         = "busy"          // an exchange is running already; try later
	CodeUnknownParty = "unknown-party" // the TLS key belongs to nobody known here
	CodeWrongParty   = "wrong-party"   // the packet names another author or reader
	CodeWrongUnit    = "wrong-unit"    // not a unit that both are in
	CodeGap          = "gap"           // entries before these are missing here
	CodeStale        = "stale"         // old, and harmless
	CodeWrongOrigin  = "wrong-origin"  // a journal not known here (yet)
	CodeUnwanted     = "unwanted"      // a payload nobody asked for
	CodeWithheld     = "withheld"      // a payload the gate does not let out now
	CodeDestroyed    = "destroyed"     // a payload that was destroyed
	CodeMissing      = "missing"       // a payload that is not held here
	CodeLater        = "later"         // more than is taken in at a time; what is left comes in a later session
	CodeInternal     = "internal"      // the other side failed; it has logged why
)

// Refusal says what was refused and why, in a form that travels. Code is for
// programs, Detail for people; everything else may be empty. It is an error.
type Refusal struct {
	Code       string         `json:"code"`
	Origin     journal.Origin `json:"origin,omitempty"`
	Index      int64          `json:"index"` // of the entry concerned, -1 if none
	Commitment *journal.Hash  `json:"commitment,omitempty"`
	Detail     string         `json:"detail,omitempty"`
}

// Error reads as a sentence.
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString("refused (" + r.Code + ")")
	if r.Origin != "" {
		b.WriteString(" in journal " + r.Origin.Short())
	}
	if r.Index >= 0 {
		fmt.Fprintf(&b, " at entry %d", r.Index)
	}
	if r.Commitment != nil {
		fmt.Fprintf(&b, " for payload %s", r.Commitment)
	}
	if r.Detail != "" {
		b.WriteString(": " + r.Detail)
	}
	return b.String()
}

// Is makes errors.Is(err, &Refusal{Code: c}) true for any refusal with code c.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code && t.Origin == "" && t.Detail == "" && t.Commitment == nil
}

func refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Index: -1, Detail: fmt.Sprintf(format, args...)}
}

// AsRefusal finds the refusal in err: one of this package or of package journal.
func AsRefusal(err error) (*Refusal, bool) {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r, true
	}
	if r, ok := errors.AsType[*journal.Refusal](err); ok {
		return &Refusal{Code: r.Code, Origin: r.Origin, Index: max(r.Index, -1), Detail: r.Detail}, true
	}
	if errors.Is(err, journal.ErrStale) {
		return refuse(CodeStale, "old and consistent with what is held"), true
	}
	return nil, false
}

// passing reports whether a refusal with this code may be gone by the next round
// of the same session, once what it waits for has arrived.
func passing(code string) bool {
	switch code {
	case CodeGap, CodeStale, CodeWrongOrigin, CodeBusy:
		return true
	}
	return false
}

// plain makes a peer's text fit to be shown: valid UTF-8, one line, no control or
// direction-changing characters, at most max bytes.
func plain(s string, max int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, s)
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

// validCode bounds what may stand for a code: lower-case words with hyphens.
func validCode(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != ':' {
			return false
		}
	}
	return true
}
