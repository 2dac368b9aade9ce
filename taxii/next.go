package taxii

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// A next value is where the following page starts, and nothing more: the position of the last record that was shown
// and the upper end that the first page fixed, followed by a MAC over them and everything they belong to. The server
// keeps no state for it, so it can be replayed, survives a restart, and never runs out.
const (
	nextFormat   = 1
	nextBytes    = 1 + 8 + 8 + sha256.Size
	nextChars    = (nextBytes*8 + 5) / 6
	minNextKey   = 32
	nextMACLabel = "taxii 2.1 next, format 1"
)

var (
	errNextForm = errors.New("not a value this server gave out; start again without next")
	errNextMAC  = errors.New("not valid for this collection, endpoint, filter and caller; repeat every filter of the first request, or start again without next")
)

type cursor struct {
	after uint64 // Seq of the last record shown
	upTo  uint64 // Seq of the newest record when the first page was read
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
	return cursor{after: binary.BigEndian.Uint64(body[1:]), upTo: binary.BigEndian.Uint64(body[9:])}, nil
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
	part(scope.filter.canonical())
	part(body)
	return h.Sum(nil)
}
