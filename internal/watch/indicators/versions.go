package indicators

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"time"

	"github.com/google/uuid"
)

// version is when an indicator was modified last.
type version struct {
	at   int64 // seconds since 1970
	part int32 // nanoseconds of the next
}

func versionOf(t time.Time) version { return version{at: t.Unix(), part: int32(t.Nanosecond())} }

func (v version) after(w version) bool { return v.at > w.at || v.at == w.at && v.part > w.part }

// idKey stands for an identifier in half of its room: the UUID of an indicator's, the beginning of a SHA-256 for others.
type idKey [16]byte

func keyOf(id string) idKey {
	if rest, ok := strings.CutPrefix(id, "indicator--"); ok && len(rest) == 36 {
		if u, err := uuid.Parse(rest); err == nil {
			return idKey(u)
		}
	}
	sum := sha256.Sum256([]byte(id))
	return idKey(sum[:16])
}

// nowhere is the number of no value.
const nowhere = -1

// versions keeps the version of each identifier that was read. It is the largest part of what is needed only while indicators are read. So identifiers that have a value in the set are
// not kept here again but found there, by the first of their values; and versions are kept once for all that follow each other closely with the same, a list for example.
type versions struct {
	seed   maphash.Seed
	held   places           // the first values of identifiers
	of     pieces[uint32]   // by the numbers of those: places in list
	absent map[idKey]uint32 // places in list of identifiers without a value in the set
	list   pieces[version]
	recent [256]uint32        // 1 + a place in list, by the version
	id     func(n int) string // of a value of the set
}

func newVersions(id func(n int) string) *versions {
	return &versions{seed: maphash.MakeSeed(), absent: map[idKey]uint32{}, id: id}
}

func (s *versions) hash(key idKey) uint64 { return maphash.Bytes(s.seed, key[:]) }

// find gives the version of an identifier by its key and the hash of that, and the number of its first value in the set, which may be nowhere.
func (s *versions) find(key idKey, hash uint64) (v version, n int, ok bool) {
	if n, ok := s.held.find(hash, func(n int) bool { return keyOf(s.id(n)) == key }); ok {
		return *s.list.at(int(*s.of.at(n))), n, true
	}
	at, ok := s.absent[key]
	if !ok {
		return version{}, nowhere, false
	}
	return *s.list.at(int(at)), nowhere, true
}

// add sets the version of an identifier that has no value in the set so far. n is the number of its first value there, or nowhere.
func (s *versions) add(key idKey, hash uint64, v version, n int) {
	if n == nowhere {
		s.absent[key] = s.place(v)
		return
	}
	delete(s.absent, key)
	s.held.add(hash, n)
	s.set(n, v)
}

// set sets the version of an identifier that has a value in the set, by the number of the first.
func (s *versions) set(n int, v version) { *s.of.at(n) = s.place(v) }

// place gives the place of a version in the list.
func (s *versions) place(v version) uint32 {
	slot := &s.recent[uint64(v.at^int64(v.part))*0x9e3779b97f4a7c15>>56]
	if *slot == 0 || *s.list.at(int(*slot - 1)) != v {
		*s.list.at(s.list.n) = v
		*slot = uint32(s.list.n)
	}
	return *slot - 1
}

// pieces is a list that grows without being copied.
type pieces[T any] struct {
	parts []*[pieceLength]T
	n     int
}

const pieceLength = 1 << 10

// at gives an element. The list is as long as asked for then, at least.
func (p *pieces[T]) at(i int) *T {
	for i >= len(p.parts)*pieceLength {
		p.parts = append(p.parts, new([pieceLength]T))
	}
	p.n = max(p.n, i+1)
	return &p.parts[i/pieceLength][i%pieceLength]
}
