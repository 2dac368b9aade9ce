package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash. Its text and JSON form is standard base64 (RFC 4648 section 4).
type Hash = tlog.Hash

// PartyID names a party for as long as it exists: 64 lower-case hexadecimal
// digits, the SHA-256 of "entente/party/v1\n" and the text of version 1 of its identity.
type PartyID string

// UnitID names a unit: 64 lower-case hexadecimal digits, the SHA-256 of
// "entente/unit/v1\n" and the text of its founding document.
type UnitID string

// Origin names one journal: "entente/" and 64 lower-case hexadecimal digits. It
// is the first line of the journal's checkpoints and the name of its signing key.
type Origin string

const originPrefix = "entente/"

// OriginOf returns the origin of the journal that party p writes for unit u in
// the given epoch: SHA-256("entente/origin/v1\n" u "\n" p "\n" epoch in decimal).
// Epoch 0 is a party's first journal in a unit, each successor counts one up.
func OriginOf(u UnitID, p PartyID, epoch int) Origin {
	b := make([]byte, 0, 192)
	b = append(b, "entente/origin/v1\n"...)
	b = append(b, u...)
	b = append(b, '\n')
	b = append(b, p...)
	b = append(b, '\n')
	b = strconv.AppendInt(b, int64(epoch), 10)
	sum := sha256.Sum256(b)
	return Origin(originPrefix + hex.EncodeToString(sum[:]))
}

// Check reports whether the id is well formed.
func (p PartyID) Check() error {
	if !isHex64(string(p)) {
		return fmt.Errorf("journal: %q is not a party id (64 lower-case hexadecimal digits)", clip(string(p)))
	}
	return nil
}

// Short returns the first 8 digits, for people.
func (p PartyID) Short() string { return clipTo(string(p), 8) }

// Check reports whether the id is well formed.
func (u UnitID) Check() error {
	if !isHex64(string(u)) {
		return fmt.Errorf("journal: %q is not a unit id (64 lower-case hexadecimal digits)", clip(string(u)))
	}
	return nil
}

// Short returns the first 8 digits, for people.
func (u UnitID) Short() string { return clipTo(string(u), 8) }

// Check reports whether the origin is well formed.
func (o Origin) Check() error {
	rest, ok := strings.CutPrefix(string(o), originPrefix)
	if !ok || !isHex64(rest) {
		return fmt.Errorf("journal: %q is not an origin (%s and 64 lower-case hexadecimal digits)", clip(string(o)), originPrefix)
	}
	return nil
}

// Short returns the first 8 digits after the prefix, for people.
func (o Origin) Short() string { return clipTo(strings.TrimPrefix(string(o), originPrefix), 8) }

func isHex64[T ~string | ~[]byte](s T) bool {
	if len(s) != 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Head is the state of a journal: how many entries it has and the RFC 6962 root over them.
type Head struct {
	Size int64 `json:"size"`
	Root Hash  `json:"root"`
}

// String returns "size root" for people and logs.
func (h Head) String() string { return fmt.Sprintf("%d %s", h.Size, h.Root) }

// By says in which role of which agency an officer acted. It carries no person's name.
// Each part is at most [MaxName] characters.
type By struct {
	Agency string `json:"agency"`
	Role   string `json:"role"`
}

// Ref points at one entry of one journal.
type Ref struct {
	Origin Origin `json:"origin"`
	Index  int64  `json:"index"`
}

// String returns "origin#index".
func (r Ref) String() string { return string(r.Origin) + "#" + strconv.FormatInt(r.Index, 10) }

// ParseRef reads the form that [Ref.String] writes.
func ParseRef(s string) (Ref, error) {
	o, n, ok := strings.Cut(s, "#")
	if !ok {
		return Ref{}, fmt.Errorf("journal: %q is not a reference (origin#index)", clip(s))
	}
	i, err := strconv.ParseInt(n, 10, 64)
	if err != nil || i < 0 || i > maxIndex || n != strconv.FormatInt(i, 10) {
		return Ref{}, fmt.Errorf("journal: %q has no valid index", clip(s))
	}
	r := Ref{Origin(o), i}
	return r, r.Origin.Check()
}

// refJSON has Ref's members without its methods.
type refJSON Ref

// UnmarshalJSON reads {"origin", "index"} and checks both.
func (r *Ref) UnmarshalJSON(b []byte) error {
	var x refJSON
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	if x.Index < 0 || x.Index > maxIndex {
		return fmt.Errorf("journal: index %d is out of range", x.Index)
	}
	if err := x.Origin.Check(); err != nil {
		return err
	}
	*r = Ref(x)
	return nil
}

// UnmarshalJSON reads {"size", "root"} and checks the size.
func (h *Head) UnmarshalJSON(b []byte) error {
	var x struct {
		Size *int64 `json:"size"`
		Root *Hash  `json:"root"`
	}
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	if x.Size == nil || x.Root == nil || *x.Size < 0 || *x.Size > maxIndex {
		return fmt.Errorf("journal: a head needs a size of 0 to %d and a root", int64(maxIndex))
	}
	*h = Head{*x.Size, *x.Root}
	return nil
}

// hashOf returns SHA-256(domain || parts...).
func hashOf(domain string, parts ...[]byte) Hash {
	h := sha256.New()
	h.Write([]byte(domain))
	for _, p := range parts {
		h.Write(p)
	}
	return Hash(h.Sum(nil))
}

// clip shortens foreign text for an error message.
func clip(s string) string { return clipTo(s, 80) }

func clipTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

// hexOf returns the lower-case hexadecimal form (%x would format the base64 text).
func hexOf(h Hash) string { return hex.EncodeToString(h[:]) }
