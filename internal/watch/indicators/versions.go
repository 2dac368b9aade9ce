package indicators

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/google/uuid"
)

// version is when an indicator was modified last, and whether it is in the set.
type version struct {
	at   int64 // seconds since 1970
	part int32 // nanoseconds of the next
	in   bool
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

// versions keeps the version of each identifier that was read. Versions are kept once for all that follow each other closely with the same: a list
// has one, and it is the largest part of what is needed only while indicators are read.
type versions struct {
	places map[idKey]uint32 // in list
	list   []version
	recent [256]uint32 // 1 + a place in list, by the version
}

func newVersions() versions { return versions{places: map[idKey]uint32{}} }

// of gives the version of an identifier.
func (s *versions) of(key idKey) (version, bool) {
	at, ok := s.places[key]
	if !ok {
		return version{}, false
	}
	return s.list[at], true
}

// put sets the version of an identifier.
func (s *versions) put(key idKey, v version) {
	slot := &s.recent[uint64(v.at^int64(v.part))*0x9e3779b97f4a7c15>>56]
	if *slot == 0 || s.list[*slot-1] != v {
		s.list = append(s.list, v)
		*slot = uint32(len(s.list))
	}
	s.places[key] = *slot - 1
}
