package past

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
)

// entry is a token and the hours of a day that it was seen in, bit 0 from 00:00 UTC.
type entry struct {
	day  int32 // since 1970-01-01
	mask uint32
	token
}

const everyHour = 1<<24 - 1

func (t token) compare(u token) int {
	if c := cmp.Compare(t.kind, u.kind); c != 0 {
		return c
	}
	if c := cmp.Compare(t.hi, u.hi); c != 0 {
		return c
	}
	return cmp.Compare(t.lo, u.lo)
}

func (e *entry) compare(f *entry) int {
	if c := cmp.Compare(e.day, f.day); c != 0 {
		return c
	}
	return e.token.compare(f.token)
}

// tidy sorts entries and joins those of one token and day.
func tidy(es []entry) []entry {
	slices.SortFunc(es, func(a, b entry) int { return a.compare(&b) })
	n := 0
	for i := range es {
		if n > 0 && es[n-1].compare(&es[i]) == 0 {
			es[n-1].mask |= es[i].mask
			continue
		}
		es[n] = es[i]
		n++
	}
	return es[:n]
}

// source gives entries in order; ok is false after the last.
type source interface {
	next() (e entry, ok bool, err error)
}

// inMemory are entries that are in order.
type inMemory []entry

func (m *inMemory) next() (entry, bool, error) {
	if len(*m) == 0 {
		return entry{}, false, nil
	}
	e := (*m)[0]
	*m = (*m)[1:]
	return e, true, nil
}

// merged gives the entries of several sources in order, each token and day once.
type merged struct {
	heads []head // a heap
	began bool
	from  []source
}

type head struct {
	entry
	source
}

func (m *merged) next() (entry, bool, error) {
	if !m.began {
		m.began = true
		for _, s := range m.from {
			e, ok, err := s.next()
			if err != nil {
				return entry{}, false, err
			}
			if ok {
				m.heads = append(m.heads, head{e, s})
			}
		}
		for i := len(m.heads) / 2; i >= 0; i-- {
			m.down(i)
		}
	}
	if len(m.heads) == 0 {
		return entry{}, false, nil
	}
	out := m.heads[0].entry
	for first := true; len(m.heads) > 0 && (first || m.heads[0].compare(&out) == 0); first = false {
		out.mask |= m.heads[0].mask
		e, ok, err := m.heads[0].next()
		if err != nil {
			return entry{}, false, err
		}
		if ok && e.compare(&m.heads[0].entry) <= 0 {
			return entry{}, false, fmt.Errorf("%w: its entries are not in order", ErrDamaged)
		}
		if ok {
			m.heads[0].entry = e
		} else {
			last := len(m.heads) - 1
			m.heads[0] = m.heads[last]
			m.heads = m.heads[:last]
		}
		m.down(0)
	}
	return out, true, nil
}

func (m *merged) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heads); c++ {
			if m.heads[c].compare(&m.heads[least].entry) < 0 {
				least = c
			}
		}
		if least == i {
			return
		}
		m.heads[i], m.heads[least] = m.heads[least], m.heads[i]
		i = least
	}
}

// run is a sorted stretch of entries in a file that nobody else sees.
type run struct {
	file *os.File
	size int64
	sum  uint32
}

const runEntry = 4 + 1 + 4 + 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeRun writes what a source gives into a new file of the folder. Where the system
// allows it the file has no name, so that nothing is left of it after a crash.
func writeRun(dir string, from source) (_ *run, err error) {
	f, err := os.CreateTemp(dir, "run-*.tmp")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // it stays until the run is dropped where an open file cannot be removed
	r := &run{file: f}
	defer func() {
		if err != nil {
			r.drop()
		}
	}()
	w := bufio.NewWriterSize(f, 1<<18)
	var b [runEntry]byte
	for {
		e, ok, err := from.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		binary.LittleEndian.PutUint32(b[0:], uint32(e.day))
		b[4] = byte(e.kind)
		binary.LittleEndian.PutUint32(b[5:], e.mask)
		binary.LittleEndian.PutUint64(b[9:], e.hi)
		binary.LittleEndian.PutUint64(b[17:], e.lo)
		r.sum = crc32.Update(r.sum, castagnoli, b[:])
		if _, err := w.Write(b[:]); err != nil {
			return nil, err
		}
		r.size += runEntry
	}
	return r, w.Flush()
}

func (r *run) drop() {
	_ = r.file.Close()
	_ = os.Remove(r.file.Name())
}

// entries reads a run from its start.
func (r *run) entries() source {
	return &runReader{in: bufio.NewReaderSize(io.NewSectionReader(r.file, 0, r.size), 1<<16), want: r.sum}
}

type runReader struct {
	in        *bufio.Reader
	sum, want uint32
}

func (r *runReader) next() (entry, bool, error) {
	var b [runEntry]byte
	switch _, err := io.ReadFull(r.in, b[:]); {
	case err == io.EOF && r.sum == r.want:
		return entry{}, false, nil
	case err == io.EOF:
		return entry{}, false, fmt.Errorf("%w: a sorted run came back from the disk changed", ErrDamaged)
	case err != nil:
		return entry{}, false, err
	}
	r.sum = crc32.Update(r.sum, castagnoli, b[:])
	return entry{day: int32(binary.LittleEndian.Uint32(b[0:])), mask: binary.LittleEndian.Uint32(b[5:]),
		token: token{kind(b[4]), binary.LittleEndian.Uint64(b[9:]), binary.LittleEndian.Uint64(b[17:])}}, true, nil
}
