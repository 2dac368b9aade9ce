package past

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"
	"time"
)

var (
	// ErrDamaged means that a file of an index is not what was written: cut short,
	// changed, or no such file at all. What it holds is not known any more; take it
	// away and read the logs of its day again.
	ErrDamaged = errors.New("a file of the index is damaged")
	// ErrVersion means that a file of an index was written by another version of the program.
	ErrVersion = errors.New("a file of the index has a format that this program does not know")
)

const lastDay = 2932896 // 9999-12-31

// part is a part that is open for reading. It believes nothing that it reads.
type part struct {
	header
	in   io.ReaderAt
	buf  []byte
	es   []entry
	dirs [kinds][]byte // of addresses, when they have been read
}

// openPart reads the header of a part.
func openPart(in io.ReaderAt, size int64) (*part, error) {
	b := make([]byte, headerBytes)
	n, err := in.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n < headerBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, fewer than its header", ErrDamaged, n)
	}
	if string(b[:len(magic)]) != magic {
		if string(b[:13]) == magic[:13] {
			return nil, fmt.Errorf("%w: %q", ErrVersion, b[:len(magic)-2])
		}
		return nil, fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	if crc32.Checksum(b[:headerBytes-4], castagnoli) != binary.LittleEndian.Uint32(b[headerBytes-4:]) {
		return nil, fmt.Errorf("%w: the checksum of its header is wrong", ErrDamaged)
	}
	p := &part{in: in}
	b = b[len(magic):]
	p.day = int32(binary.LittleEndian.Uint32(b))
	copy(p.key[:], b[4:])
	b = b[20:]
	for k := range kinds {
		if p.counts[k] = binary.LittleEndian.Uint64(b); p.counts[k] > 2*uint64(size) { // each has six bits at least
			return nil, fmt.Errorf("%w: it is too short for what it says it holds", ErrDamaged)
		}
		b = b[8:]
	}
	p.spansAt, p.size = int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	p.spansSum = binary.LittleEndian.Uint32(b[16:])
	p.addresses[address4], p.addresses[address6] = binary.LittleEndian.Uint32(b[20:]), binary.LittleEndian.Uint32(b[24:])
	switch {
	case p.size != size:
		return nil, fmt.Errorf("%w: it has %d bytes and was written with %d", ErrDamaged, size, p.size)
	case p.day < 0 || p.day > lastDay, p.spansAt < p.dataAt(), p.spansAt > size, size-p.spansAt > maxPlaces:
		return nil, fmt.Errorf("%w: its header says what cannot be", ErrDamaged)
	}
	return p, nil
}

func (p *part) date() time.Time { return time.Unix(int64(p.day)*86400, 0).UTC() }

func (p *part) read(at, size int64) ([]byte, error) {
	if int64(cap(p.buf)) < size {
		p.buf = make([]byte, size)
	}
	b := p.buf[:size]
	if n, err := p.in.ReadAt(b, at); n < len(b) {
		if err == io.EOF {
			err = fmt.Errorf("%w: it ends too early", ErrDamaged)
		}
		return nil, err
	}
	return b, nil
}

// blockAt reads and checks a block that lies between two places. The entries are
// good until the next call.
func (p *part) blockAt(k kind, number uint64, at, end int64) ([]entry, error) {
	if at < p.dataAt() || end > p.spansAt || end-at < 5 || end-at > maxBlock {
		return nil, fmt.Errorf("%w: its directory leads to a place where no block is", ErrDamaged)
	}
	b, err := p.read(at, end-at)
	if err != nil {
		return nil, err
	}
	body := b[:len(b)-4]
	if blockSum(k, number, body) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return nil, fmt.Errorf("%w: the checksum of block %d is wrong", ErrDamaged, number)
	}
	if k == hashed {
		width := tokenBits - bucketBits(p.counts[hashed])
		p.es, err = takeBucket(p.es[:0], body, number<<width, width, riceBits(p.counts[hashed]))
	} else {
		p.es, err = takeAddresses(p.es[:0], body, k)
	}
	for i := range p.es {
		p.es[i].day = p.day
	}
	return p.es, err
}

// token gives the hours of a hash.
func (p *part) token(h uint64) (uint32, error) {
	if p.counts[hashed] == 0 {
		return 0, nil
	}
	number := h >> (tokenBits - bucketBits(p.counts[hashed]))
	at, _ := p.directory(hashed)
	b, err := p.read(at+int64(number)*offsetBytes, 2*offsetBytes)
	if err != nil {
		return 0, err
	}
	es, err := p.blockAt(hashed, number, takeOffset(b), takeOffset(b[offsetBytes:]))
	if err != nil {
		return 0, err
	}
	i := sort.Search(len(es), func(i int) bool { return es[i].lo >= h })
	if i < len(es) && es[i].lo == h {
		return es[i].mask, nil
	}
	return 0, nil
}

// addressDirectory reads the directory of a kind of addresses, once.
func (p *part) addressDirectory(k kind) ([]byte, error) {
	if p.dirs[k] == nil {
		at, size := p.directory(k)
		b := make([]byte, size)
		if n, err := p.in.ReadAt(b, at); n < len(b) {
			return nil, fmt.Errorf("%w: it ends too early: %w", ErrDamaged, err)
		}
		if crc32.Checksum(b, castagnoli) != p.addresses[k] {
			return nil, fmt.Errorf("%w: the checksum of its directory of addresses is wrong", ErrDamaged)
		}
		p.dirs[k] = b
	}
	return p.dirs[k], nil
}

// between gives the hours of all addresses from one to another.
func (p *part) between(first, last token) (mask uint32, err error) {
	n := int(p.blocks(first.kind))
	if n == 0 {
		return 0, nil
	}
	dir, err := p.addressDirectory(first.kind)
	if err != nil {
		return 0, err
	}
	size := first.kind.addressBytes()
	step := size + offsetBytes
	// The first address may be in the block before the first that begins after it.
	i := sort.Search(n, func(i int) bool { return takeAddress(first.kind, dir[i*step:]).compare(first) > 0 })
	for i = max(i-1, 0); i < n && takeAddress(first.kind, dir[i*step:]).compare(last) <= 0 && mask != everyHour; i++ {
		end := (i + 1) * step // the next offset is after the next address, or is the last
		if i+1 < n {
			end += size
		}
		es, err := p.blockAt(first.kind, uint64(i), takeOffset(dir[i*step+size:]), takeOffset(dir[end:]))
		if err != nil {
			return 0, err
		}
		for _, e := range es {
			if e.between(first, last) {
				mask |= e.mask
			}
		}
	}
	return mask, nil
}

func (t token) between(first, last token) bool { return t.compare(first) >= 0 && t.compare(last) <= 0 }

// spans reads which logs the part is of.
func (p *part) spans() (map[spanKey]Span, error) {
	b := make([]byte, p.size-p.spansAt)
	if n, err := p.in.ReadAt(b, p.spansAt); n < len(b) {
		return nil, fmt.Errorf("%w: it ends too early: %w", ErrDamaged, err)
	}
	if crc32.Checksum(b, castagnoli) != p.spansSum {
		return nil, fmt.Errorf("%w: the checksum of its list of log files is wrong", ErrDamaged)
	}
	return takeSpans(b, p.day)
}

// entries reads the whole part in order.
func (p *part) entries() source {
	all := &partReader{part: p}
	return all
}

type partReader struct {
	*part
	kind   kind
	number uint64
	dir    *bufio.Reader
	at     int64 // of the next block
	left   []entry
	got    uint64
}

func (r *partReader) next() (entry, bool, error) {
	for len(r.left) == 0 {
		if r.kind == kinds {
			return entry{}, false, nil
		}
		if r.number == r.blocks(r.kind) {
			if r.got != r.counts[r.kind] {
				return entry{}, false, fmt.Errorf("%w: it holds %d entries of a kind and says %d", ErrDamaged, r.got, r.counts[r.kind])
			}
			r.kind, r.number, r.dir, r.got = r.kind+1, 0, nil, 0
			continue
		}
		if err := r.nextBlock(); err != nil {
			return entry{}, false, err
		}
	}
	e := r.left[0]
	r.left = r.left[1:]
	return e, true, nil
}

func (r *partReader) nextBlock() error {
	skip := 0
	if r.kind != hashed {
		skip = r.kind.addressBytes()
	}
	offset := func(skip int) (int64, error) {
		var b [16 + offsetBytes]byte
		if _, err := io.ReadFull(r.dir, b[:skip+offsetBytes]); err != nil {
			return 0, fmt.Errorf("%w: its directory ends too early: %w", ErrDamaged, err)
		}
		return takeOffset(b[skip:]), nil
	}
	var err error
	if r.dir == nil {
		at, size := r.directory(r.kind)
		r.dir = bufio.NewReaderSize(io.NewSectionReader(r.in, at, size), 1<<14)
		if r.at, err = offset(skip); err != nil {
			return err
		}
	}
	if r.number+1 == r.blocks(r.kind) {
		skip = 0 // the last offset has no address
	}
	end, err := offset(skip)
	if err != nil {
		return err
	}
	r.left, err = r.blockAt(r.kind, r.number, r.at, end)
	r.got += uint64(len(r.left))
	r.at = end
	r.number++
	return err
}
