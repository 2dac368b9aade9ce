package officer

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 names HMAC-SHA-1, and the apps know nothing else
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// TOTP is a second factor by RFC 6238: six digits every 30 seconds.
type TOTP struct {
	Secret []byte `json:"secret"`
	// Last is the newest step that a code was taken of: it, and those before it, are
	// not taken again.
	Last int64 `json:"last"`
}

const (
	totpBytes = 20
	totpStep  = 30 * time.Second
	// totpSkew is how many steps the officer's clock may be away, either way.
	totpSkew = 1
	// recoveryCodes are made at once.
	recoveryCodes = 10
)

// code is the code of a step (RFC 4226, section 5.3).
func (t *TOTP) code(step int64) string {
	mac := hmac.New(sha1.New, t.Secret)
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(step)) //nolint:gosec // steps since 1970 are not negative
	mac.Write(b[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// take tells whether a code is good now, and remembers its step.
func (t *TOTP) take(code string, now time.Time) bool {
	if len(code) != 6 {
		return false
	}
	step, found := now.Unix()/int64(totpStep/time.Second), int64(-1)
	for s := step - totpSkew; s <= step+totpSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(t.code(s)), []byte(code)) == 1 && s > t.Last {
			found = s
		}
	}
	if found < 0 {
		return false
	}
	t.Last = found
	return true
}

// URI is what an authenticator app reads from a QR picture.
func (t *TOTP) URI(party, name string) string {
	q := url.Values{"secret": {letters.EncodeToString(t.Secret)}, "issuer": {party}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return "otpauth://totp/" + url.PathEscape(party+":"+name) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// Text is the secret as it is typed in where no picture can be read.
func (t *TOTP) Text() string { return letters.EncodeToString(t.Secret) }

func newTOTP(rand io.Reader) (*TOTP, error) {
	t := &TOTP{Secret: make([]byte, totpBytes)}
	_, err := io.ReadFull(rand, t.Secret)
	return t, err
}

// newRecovery makes codes that stand in for the second factor, each once.
func newRecovery(rand io.Reader) (codes []string, kept []Digest, err error) {
	for range recoveryCodes {
		c, err := newCode(rand)
		if err != nil {
			return nil, nil, err
		}
		codes, kept = append(codes, c), append(kept, digestOf(c))
	}
	return codes, kept, nil
}
