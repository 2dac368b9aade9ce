package peer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"entente/journal"
)

// prefixHeader is the size, the root and the number of hashes of a shown tree.
const prefixHeader = 8 + 32 + 1

// appendPrefix writes what stands before the checkpoint in a shown tree.
func appendPrefix(b []byte, p journal.Prefix) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.Size))
	b = append(append(b, p.Root[:]...), byte(len(p.Proof)))
	for _, h := range p.Proof {
		b = append(b, h[:]...)
	}
	return b
}

// cutPrefix reads it back; what follows is the checkpoint.
func cutPrefix(data []byte) (p journal.Prefix, checkpoint []byte, err error) {
	if len(data) < prefixHeader {
		return p, nil, fmt.Errorf("%d bytes are too short", len(data))
	}
	size, n := binary.BigEndian.Uint64(data), int(data[prefixHeader-1])
	if size > maxJournalSize {
		return p, nil, errors.New("its size is out of range")
	}
	p.Size, p.Proof = int64(size), make([]journal.Hash, n)
	copy(p.Root[:], data[8:])
	if err := p.Check(); err != nil {
		return p, nil, err
	}
	data = data[prefixHeader:]
	if len(data) < n*len(p.Root) {
		return p, nil, errors.New("the proof is cut off")
	}
	for i := range p.Proof {
		data = data[copy(p.Proof[i][:], data):]
	}
	return p, data, nil
}
