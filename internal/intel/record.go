package intel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"entente/journal"
)

// A record of the local log: the length of a JSON header (uvarint), the header,
// and for imports the zstd-compressed objects.
type header struct {
	V     int       `json:"v"`
	Kind  string    `json:"kind"`
	At    time.Time `json:"at"`    // local time, for people
	Base  int64     `json:"base"`  // the first slot, in microseconds since 1970
	Count int64     `json:"count"` // slots reserved

	Import  *Source     `json:"import,omitzero"`
	Coll    string      `json:"coll,omitzero"` // id of the collection of an import that is not the local one
	Receive *receiveRec `json:"receive,omitzero"`
	Decide  *decideRec  `json:"decide,omitzero"`
	Destroy *destroyRec `json:"destroy,omitzero"`
	Remove  *removeRec  `json:"remove,omitzero"`
}

const (
	recordVersion = 1
	kindImport    = "import"
	kindReceive   = "receive"
	kindDecide    = "decide"
	kindDestroy   = "destroy"
	kindRemove    = "remove"
)

// receiveRec keeps how a payload was judged when it came, so that a replay does
// not depend on what the guard list says by then.
type receiveRec struct {
	Received Received   `json:"received"`
	Hold     []Reason   `json:"hold,omitempty"`  // of the whole payload
	Items    []itemHold `json:"items,omitempty"` // of single objects, ascending
	Invalid  int64      `json:"invalid,omitzero"`
}

type itemHold struct {
	N int64 `json:"n"` // number of the object among the valid ones of the payload
	Reason
}

// decideRec is a person's decision on held arrivals. The slot at position i of
// all ranges taken together was accepted at Base+i.
type decideRec struct {
	Accept bool       `json:"accept"`
	By     string     `json:"by,omitzero"`
	Note   string     `json:"note,omitzero"`
	Slots  [][2]int64 `json:"slots"` // first, count
}

type destroyRec struct {
	Ref    journal.Ref `json:"ref"`
	By     string      `json:"by,omitzero"`
	Reason string      `json:"reason,omitzero"`
}

// removeRec takes records out of a writable collection, or what imports of one name brought out of the local one.
type removeRec struct {
	Coll   string  `json:"coll"`
	Added  []int64 `json:"added"` // what names each in the collection
	By     string  `json:"by,omitzero"`
	Source string  `json:"source,omitzero"` // only arrivals with imports of this name
}

// Bounds of what a record may say: slots are microseconds, up to the year 4200;
// the largest record is a decision on all that waits.
const (
	maxSlot  = 1 << 56
	maxSlots = 10_000_000
)

// ErrRecord means that a record of the local log cannot be understood.
var ErrRecord = errors.New("a record of the local log cannot be understood; it was written by a newer version, or by something else")

func encodeRecord(h header, body []byte) ([]byte, error) {
	text, err := json.Marshal(h, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, binary.MaxVarintLen64+len(text)+len(body))
	out = binary.AppendUvarint(out, uint64(len(text)))
	return append(append(out, text...), body...), nil
}

func decodeRecord(record []byte) (h header, body []byte, err error) {
	n, used := binary.Uvarint(record)
	if used <= 0 || n > uint64(len(record)-used) {
		return h, nil, fmt.Errorf("%w: no header", ErrRecord)
	}
	if err := json.Unmarshal(record[used:used+int(n)], &h); err != nil {
		return h, nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	ok := false
	switch h.Kind {
	case kindImport:
		ok = h.Import != nil
	case kindReceive:
		ok = h.Receive != nil
	case kindDecide:
		ok = h.Decide != nil
	case kindDestroy:
		ok = h.Destroy != nil
	case kindRemove:
		ok = h.Remove != nil
	}
	if !ok || h.V != recordVersion || h.Base <= 0 || h.Base > maxSlot || h.Count < 0 || h.Count > maxSlots {
		return h, nil, fmt.Errorf("%w: version %d, kind %q", ErrRecord, h.V, h.Kind)
	}
	return h, record[used+int(n):], nil
}

// The objects of an import, before compression: each is tag 0, length (uvarint)
// and text, or tag 1, SHA-256 (32), id and version key (each with its length):
// an object whose text is in an earlier import.
const (
	tagText  = 0
	tagKnown = 1
)

// maxBody bounds the decompressed objects of one record of an import.
const maxBody = 64 << 20

func appendItem(dst []byte, it *item, known bool) []byte {
	if !known {
		dst = append(dst, tagText)
		dst = binary.AppendUvarint(dst, uint64(len(it.raw)))
		return append(dst, it.raw...)
	}
	dst = append(dst, tagKnown)
	dst = append(dst, it.digest[:]...)
	dst = appendText(dst, it.meta.id)
	return appendText(dst, it.verKey)
}

func decodeItems(compressed []byte) ([]item, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	body, err := d.DecodeAll(compressed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	var out []item
	for len(body) > 0 {
		tag := body[0]
		body = body[1:]
		var it item
		switch tag {
		case tagText:
			n, used := binary.Uvarint(body)
			if used <= 0 || n > uint64(len(body)-used) {
				return nil, fmt.Errorf("%w: an object is cut off", ErrRecord)
			}
			end := used + int(n)
			if it, err = parseItem(body[used:end:end]); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrRecord, err)
			}
			body = body[end:]
		case tagKnown:
			if len(body) < len(it.digest) {
				return nil, fmt.Errorf("%w: a reference is cut off", ErrRecord)
			}
			body = body[copy(it.digest[:], body):]
			if it.meta.id, body, err = cutText(body); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrRecord, err)
			}
			if it.verKey, body, err = cutText(body); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrRecord, err)
			}
		default:
			return nil, fmt.Errorf("%w: tag %d", ErrRecord, tag)
		}
		out = append(out, it)
	}
	return out, nil
}
