package taxii

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// pageETag names what a page shows: which records, under which filter, and where the next page starts. Records do not
// change, so their numbers stand for their text. It is weak (RFC 9110, section 8.8.1), since the same page goes out plain
// and compressed.
func pageETag(scope nextScope, p page, next string) string {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	for _, s := range []string{scope.root, scope.collection, scope.endpoint, scope.object, next} {
		part([]byte(s))
	}
	part(scope.filter.canonical())
	seqs := make([]byte, 0, 8*len(p.records))
	for _, r := range p.records {
		seqs = binary.BigEndian.AppendUint64(seqs, r.Seq)
	}
	part(seqs)
	return etag(h.Sum(nil))
}

func bodyETag(b []byte) string {
	sum := sha256.Sum256(b)
	return etag(sum[:])
}

func etag(sum []byte) string { return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"` }

// matchesETag tells whether an If-None-Match names the tag, by weak comparison (RFC 9110, section 13.1.2).
func matchesETag(lines []string, tag string) bool {
	opaque := strings.TrimPrefix(tag, "W/")
	for item := range listItems(lines) {
		if item == "*" || strings.TrimPrefix(item, "W/") == opaque {
			return true
		}
	}
	return false
}
