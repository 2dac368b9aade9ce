package pairing

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

const (
	// Prefix begins every invitation.
	Prefix = "entente-invite:"
	// MaxInvitation is the longest invitation in characters (all are ASCII), short
	// enough for a QR picture that a telephone can read from a screen.
	MaxInvitation = 1000
	// MaxAddresses is the most addresses of one invitation.
	MaxAddresses = 8

	tokenSize    = 16
	checksumSize = 6
	maxNameBytes = 96
)

// Invitation is what the inviter hands over. Whoever holds it can start a pairing,
// once; it is not enough to finish one.
type Invitation struct {
	V int `json:"v"`
	// Addresses are host:port of the inviter's node, best first.
	Addresses []string `json:"a"`
	// Pin is the inviter's TLS key: SHA-256 of its SubjectPublicKeyInfo.
	Pin journal.Hash `json:"p"`
	// Party is the inviter, Name what it calls itself (shortened to 96 bytes).
	Party journal.PartyID `json:"i"`
	Name  string          `json:"n"`
	// Token is 16 random bytes, good for one pairing.
	Token []byte `json:"t"`
	// Expires is when the invitation ends, in seconds since 1970 UTC.
	Expires int64 `json:"e"`
	// Unit is the unit to join, UnitName what it is called.
	Unit     journal.UnitID `json:"f"`
	UnitName string         `json:"u"`
}

// NewInvitation fills in version and token, shortens the names and checks the rest.
// It fails when the line would be longer than MaxInvitation: then give fewer addresses.
func NewInvitation(rand io.Reader, inv Invitation) (Invitation, error) {
	inv.V = 1
	inv.Token = make([]byte, tokenSize)
	if _, err := io.ReadFull(rand, inv.Token); err != nil {
		return Invitation{}, fmt.Errorf("making an invitation: %w", err)
	}
	inv.Name, inv.UnitName = shorten(inv.Name), shorten(inv.UnitName)
	if err := inv.check(); err != nil {
		return Invitation{}, fmt.Errorf("making an invitation: %w", err)
	}
	if n := len(inv.String()); n > MaxInvitation {
		return Invitation{}, fmt.Errorf("making an invitation: it would have %d characters, at most %d are allowed: give fewer or shorter addresses", n, MaxInvitation)
	}
	return inv, nil
}

// String is the one line: prefix, base64url of compact JSON, a point, base64url of
// the first 6 bytes of SHA-256("entente/invite/v1\n" || JSON).
func (inv Invitation) String() string {
	data, err := json.Marshal(inv)
	if err != nil {
		return Prefix // only names that check() refuses cannot be encoded
	}
	return Prefix + base64.RawURLEncoding.EncodeToString(data) + "." + base64.RawURLEncoding.EncodeToString(checksum(data))
}

// ParseInvitation reads the line, ignoring white space anywhere in it (mail breaks
// lines). It does not ask whether the invitation has expired.
func ParseInvitation(line string) (Invitation, error) {
	if len(line) > 4*MaxInvitation {
		return Invitation{}, refuse(CodeBadInvitation, "the text is too long for an invitation")
	}
	line = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, line)
	rest, ok := strings.CutPrefix(line, Prefix)
	if !ok {
		return Invitation{}, refuse(CodeBadInvitation, "an invitation begins with %q; copy the whole line", Prefix)
	}
	body, sum, ok := strings.Cut(rest, ".")
	if !ok || len(line) > MaxInvitation {
		return Invitation{}, refuse(CodeBadInvitation, "the line is incomplete or too long; copy the whole line again")
	}
	enc := base64.RawURLEncoding.Strict()
	data, err1 := enc.DecodeString(body)
	want, err2 := enc.DecodeString(sum)
	if err1 != nil || err2 != nil || subtle.ConstantTimeCompare(want, checksum(data)) != 1 {
		return Invitation{}, refuse(CodeBadInvitation, "the line was changed or cut on the way (its checksum does not hold); copy it again")
	}
	var inv Invitation
	if err := json.Unmarshal(data, &inv); err != nil {
		return Invitation{}, refuse(CodeBadInvitation, "the line holds no invitation: %v", err)
	}
	if err := inv.check(); err != nil {
		return Invitation{}, err
	}
	return inv, nil
}

func (inv *Invitation) check() error {
	if inv.V != 1 {
		return refuse(CodeBadInvitation, "version %d is not known here; a newer program is needed", inv.V)
	}
	if len(inv.Token) != tokenSize {
		return refuse(CodeBadInvitation, "the token has %d bytes, not %d", len(inv.Token), tokenSize)
	}
	if err := inv.Party.Check(); err != nil {
		return refuse(CodeBadInvitation, "%v", err)
	}
	if err := inv.Unit.Check(); err != nil {
		return refuse(CodeBadInvitation, "%v", err)
	}
	if !validName(inv.Name) || !validName(inv.UnitName) {
		return refuse(CodeBadInvitation, "the name of the inviter or the unit is empty, too long or not plain text")
	}
	if y := time.Unix(inv.Expires, 0).UTC().Year(); inv.Expires <= 0 || y < 2020 || y > 2200 {
		return refuse(CodeBadInvitation, "the time of expiry is out of range")
	}
	if len(inv.Addresses) == 0 || len(inv.Addresses) > MaxAddresses {
		return refuse(CodeBadInvitation, "an invitation has 1 to %d addresses, not %d", MaxAddresses, len(inv.Addresses))
	}
	for _, a := range inv.Addresses {
		if err := CheckAddress(a); err != nil {
			return refuse(CodeBadInvitation, "%v", err)
		}
	}
	return nil
}

// CheckAddress holds a host:port from outside to what may be dialled: a host name
// or IP address without anything that a URL would read as something else.
func CheckAddress(a string) error {
	i := strings.LastIndexByte(a, ':')
	if i <= 0 || len(a) > 260 {
		return fmt.Errorf("%q is not an address of the form host:port", shorten(a))
	}
	host, port := a[:i], a[i+1:]
	if in, ok := strings.CutPrefix(host, "["); ok {
		in, ok = strings.CutSuffix(in, "]")
		ip, err := netip.ParseAddr(in)
		if !ok || err != nil || !ip.Is6() || ip.Zone() != "" {
			return fmt.Errorf("the host in %q is not an IPv6 address in brackets", shorten(a))
		}
		host = ""
	}
	for _, c := range []byte(host) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return fmt.Errorf("the host in %q has a character that is not allowed", shorten(a))
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("the port in %q is not a number of 1 to 65535", shorten(a))
	}
	return nil
}

// ID names the invitation without giving the token away: the first 16 bytes of
// SHA-256("entente/invite-id/v1\n" || token) in hexadecimal.
func (inv *Invitation) ID() string { return idOf(inv.Token) }

func idOf(token []byte) string {
	sum := sha256.Sum256(append([]byte("entente/invite-id/v1\n"), token...))
	return hex.EncodeToString(sum[:16])
}

// Expired reports whether the invitation's time is over.
func (inv *Invitation) Expired(now time.Time) bool { return now.Unix() >= inv.Expires }

// late is the refusal of an invitation that has expired by the clock of one side, which
// need not be the clock that the inviter reckoned by.
func (inv *Invitation) late(now time.Time, side string) *Refusal {
	return refuse(CodeExpired, "the invitation ended at %s, and the clock of the %s says %s; either it is too late, or the clocks of the two sides differ",
		time.Unix(inv.Expires, 0).UTC().Format(time.RFC3339), side, now.UTC().Format(time.RFC3339))
}

func checksum(data []byte) []byte {
	sum := sha256.Sum256(append([]byte("entente/invite/v1\n"), data...))
	return sum[:checksumSize]
}

func validName(s string) bool {
	if s == "" || len(s) > maxNameBytes || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError }) < 0
}

// shorten cuts a name to what an invitation may hold.
func shorten(s string) string {
	if len(s) <= maxNameBytes {
		return s
	}
	n := maxNameBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
