package taxii

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// A next value is where the following page starts, and nothing more: the position of the last record that was shown,
// the upper end that the first page fixed and the added_after it had, followed by a MAC over them and everything they
// belong to. The server keeps no state for it, so it can be replayed, survives a restart, and never runs out.
const (
	nextFormat   = 2
	nextBytes    = 1 + 8 + 8 + 8 + sha256.Size
	nextChars    = (nextBytes*8 + 5) / 6
	minNextKey   = 32
	nextMACLabel = "taxii 2.1 next, format 2"
)

var (
	errNextForm = errors.New("not a value this server gave out; start again without next")
	errNextMAC  = errors.New("not valid for this collection, endpoint, filter and caller; repeat every filter of the first request, or start again without next")
)

type cursor struct {
	after uint64 // Seq of the last record shown
	upTo  uint64 // Seq of the newest record when the first page was read
	since int64  // added_after of the first page in microseconds since 1970, math.MinInt64 if it had none
}

// sinceOf is the value of cursor.since for an added_after.
func sinceOf(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.UnixMicro()
}

// resume tells whether a request with next may have this added_after, and whether it asks for more than the run that
// the next is of. Records are added in order, so what follows a record of the run was added after the run's
// added_after; a client that leaves it out from the second page on, as OpenCTI's connector does, misses nothing.
// The same connector keeps the next of its last run and sends it in the following one with a later added_after: what
// was added after both is all that it has not had, if the end of the old run does not cut it off. An earlier
// added_after, or one where there was none, would promise what the position skips, and is refused.
func (c cursor) resume(addedAfter time.Time) (further, ok bool) {
	since := sinceOf(addedAfter)
	if since == math.MinInt64 || since == c.since {
		return false, true
	}
	return true, c.since != math.MinInt64 && since > c.since
}

// nextScope is what a next value is bound to.
type nextScope struct {
	root, collection, endpoint, object string
	principal                          string
	filter                             filter
}

// checkNext refuses at the door what cannot be a next value.
func checkNext(s string) error {
	if len(s) != nextChars {
		return errNextForm
	}
	return nil
}

func encodeNext(key []byte, scope nextScope, c cursor) string {
	b := make([]byte, 0, nextBytes)
	b = append(b, nextFormat)
	b = binary.BigEndian.AppendUint64(b, c.after)
	b = binary.BigEndian.AppendUint64(b, c.upTo)
	b = binary.BigEndian.AppendUint64(b, uint64(c.since))
	b = append(b, nextMAC(key, scope, b)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeNext(key []byte, scope nextScope, s string) (cursor, error) {
	if err := checkNext(s); err != nil {
		return cursor{}, err
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != nextBytes || b[0] != nextFormat {
		return cursor{}, errNextForm
	}
	body, mac := b[:nextBytes-sha256.Size], b[nextBytes-sha256.Size:]
	if !hmac.Equal(mac, nextMAC(key, scope, body)) {
		return cursor{}, errNextMAC
	}
	return cursor{after: binary.BigEndian.Uint64(body[1:]), upTo: binary.BigEndian.Uint64(body[9:]), since: int64(binary.BigEndian.Uint64(body[17:]))}, nil
}

func nextMAC(key []byte, scope nextScope, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	part := func(p []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(p))))
		h.Write(p)
	}
	for _, s := range []string{nextMACLabel, scope.root, scope.collection, scope.endpoint, scope.object, scope.principal} {
		part([]byte(s))
	}
	scope.filter.addedAfter = time.Time{} // it is in the body
	part(scope.filter.canonical())
	part(body)
	return h.Sum(nil)
}
