package seen

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"entente/internal/observable"
)

// Bounds of what is counted of machines.
const (
	// MaxHashes is how many hashes stand for the machines of one value and day. Up to so many machines are counted exactly, more with
	// an error of 1/sqrt(MaxHashes), 4.4 % (Bar-Yossef et al., "Counting distinct elements in a data stream", RANDOM 2002).
	MaxHashes = 512
	// MaxSpread is how many hashes a spread holds in all.
	MaxSpread = 1 << 21
	// MaxDays is for how many days machines are counted.
	MaxDays = 31
)

// Machines counts different machines: it keeps the smallest hashes of their names, so that what several watchers counted is put
// together as it is, however often it comes. The zero value has counted none.
type Machines struct{ hashes []uint64 }

// HashMachine is what stands for a machine. It is the same at every watcher.
func HashMachine(name string) uint64 {
	sum := sha256.Sum256([]byte("entente/machine\x00" + name))
	return binary.BigEndian.Uint64(sum[:])
}

// Add counts a machine, and tells whether that says anything new.
func (m *Machines) Add(hash uint64) bool {
	n := len(m.hashes)
	if n == MaxHashes && hash >= m.hashes[n-1] {
		return false
	}
	i, known := slices.BinarySearch(m.hashes, hash)
	if known {
		return false
	}
	m.hashes = slices.Insert(m.hashes, i, hash)
	if n == MaxHashes {
		m.hashes = m.hashes[:MaxHashes]
	}
	return true
}

// Count is how many there are, about.
func (m *Machines) Count() int64 {
	n := len(m.hashes)
	if n < MaxHashes {
		return int64(n)
	}
	share := float64(m.hashes[n-1]) / math.MaxUint64 // of all hashes, below the largest that is kept
	return int64(min(float64(MaxHashes-1)/max(share, 1/float64(MaxCount)), MaxCount))
}

// Day is a value of an indicator on one day of UTC.
type Day struct {
	Indicator string           `json:"indicator"`
	Value     observable.Value `json:"value"`
	Day       string           `json:"day"` // as in 2026-01-02
}

// Spread is at how many machines a watcher saw a value on a day, as far as it was not told before.
type Spread struct {
	Day
	Hashes []byte `json:"hashes"` // eight bytes each, the highest first
}

// AppendHash adds a hash to those of a spread.
func AppendHash(b []byte, hash uint64) []byte { return binary.BigEndian.AppendUint64(b, hash) }

// Check tells what is wrong with a spread, by the clock of who takes it in.
func (s *Spread) Check(now time.Time) error {
	day, err := time.Parse(time.DateOnly, s.Day.Day)
	switch {
	case err != nil || day.Format(time.DateOnly) != s.Day.Day:
		return errors.New("the day is none")
	case len(s.Hashes) == 0 || len(s.Hashes)%8 != 0 || len(s.Hashes) > 8*MaxHashes:
		return errors.New("the hashes of machines are not eight bytes each, or too many")
	}
	r := Report{Key: Key{Indicator: s.Indicator, Value: s.Value, Hour: day}, Count: Count{Count: 1}}
	return r.Check(now)
}

// Spreads holds at how many machines values were seen on which days. The zero value is empty. It is not safe for concurrent use.
type Spreads struct {
	all  map[observable.Value]map[string]*Machines // by the value and the day
	held int
}

// Take takes in what has passed Check, and gives of it what is new. It fails with [ErrFull].
func (s *Spreads) Take(x Spread) (fresh []byte, err error) {
	if s.all == nil {
		s.all = map[observable.Value]map[string]*Machines{}
	}
	days := s.all[x.Value]
	m := days[x.Day.Day]
	if m == nil {
		m = &Machines{}
	}
	before := len(m.hashes)
	for b := x.Hashes; len(b) >= 8; b = b[8:] {
		if s.held+len(m.hashes)-before >= MaxSpread {
			err = ErrFull
			break
		}
		if h := binary.BigEndian.Uint64(b); m.Add(h) {
			fresh = AppendHash(fresh, h)
		}
	}
	if s.held += len(m.hashes) - before; len(m.hashes) == 0 {
		return nil, err
	}
	if days == nil {
		days = map[string]*Machines{}
		s.all[x.Value] = days
	}
	days[x.Day.Day] = m
	return fresh, err
}

// Widely tells on how many days a value was seen at least at so many machines, and at how many on the widest day.
func (s *Spreads) Widely(v observable.Value, machines int64) (days int, most int64) {
	for _, m := range s.all[v] {
		n := m.Count()
		if most = max(most, n); n >= machines {
			days++
		}
	}
	return days, most
}

// Forget drops the days before one.
func (s *Spreads) Forget(day string) {
	for v, days := range s.all {
		for d, m := range days {
			if d < day {
				s.held -= len(m.hashes)
				delete(days, d)
			}
		}
		if len(days) == 0 {
			delete(s.all, v)
		}
	}
}
