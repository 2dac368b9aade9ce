package peer

import (
	"crypto/sha256"

	"entente/journal"
)

// Magic is the first line of every packet.
const Magic = "entente packet 1\n"

// Frame types. A type with the high bit set is optional: a reader that does not
// know it skips it. Any other unknown type ends the packet as refused.
const (
	frameHello      = 0x01 // JSON, first and only once
	frameJournal    = 0x02 // first index (8) | count (4) | origin
	frameEntry      = 0x03 // the exact bytes of an entry
	frameCheckpoint = 0x04 // the signed checkpoint that ends a run
	framePayload    = 0x05 // commitment (32) | salt (32) | compressed bytes
	frameRefusal    = 0x07 // JSON
	frameEnd        = 0x08 // JSON, last
	frameGossip     = 0x86 // a signed checkpoint shown without entries

	frameShownTree = 0x87 // size (8) | root (32) | number of hashes (1) | hashes | a signed checkpoint

	optionalFrame = 0x80
)

// maxFrame is the largest length allowed for a frame of each type.
func maxFrame(typ byte) int64 {
	switch typ {
	case frameHello:
		return MaxHelloBytes
	case frameJournal:
		return 12 + 8 + 64
	case frameEntry:
		return MaxEntryBytes
	case frameCheckpoint, frameGossip:
		return MaxCheckpointBytes
	case frameShownTree:
		return prefixHeader + journal.MaxProof*sha256.Size + MaxCheckpointBytes
	case framePayload:
		return payloadHeader + MaxPayloadBytes
	case frameRefusal:
		return MaxRefusalBytes
	case frameEnd:
		return MaxEndBytes
	}
	return MaxOptionalBytes
}

// Counts tell what went through a packet.
type Counts struct {
	Frames   int64 `json:"frames"`
	Entries  int64 `json:"entries"`
	Payloads int64 `json:"payloads"`
	Refusals int64 `json:"refusals"`
	Bytes    int64 `json:"bytes"`
}

// ending is the body of the end frame. The counts and the sum are over everything
// before it, the magic line included.
type ending struct {
	Counts
	// More is true when the author has more to give than fitted.
	More   bool   `json:"more,omitzero"`
	SHA256 []byte `json:"sha256"`
}
