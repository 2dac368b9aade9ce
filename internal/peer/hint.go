package peer

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

const (
	defaultPollWait = 60 * time.Second
	maxPolls        = 8 // long polls of one party at a time
	maxHintBody     = 1024
	maxPollCounts   = 1 << 62
)

// Bell counts, for each unit, how often something new was there to be fetched. It
// is how a long poll waits for a push. The count says nothing else, and a change is
// the whole message. It starts at the time at which the bell was made, so that a node
// that starts again does not come upon a count that it told before.
type Bell struct {
	start int64
	mu    sync.Mutex
	units map[journal.UnitID]*ring
}

type ring struct {
	count int64
	rung  chan struct{} // closed at the next ring
}

// NewBell makes a bell for one node.
func NewBell() *Bell {
	return &Bell{start: time.Now().UnixMicro(), units: make(map[journal.UnitID]*ring)}
}

func (b *Bell) unit(u journal.UnitID) *ring {
	r := b.units[u]
	if r == nil {
		r = &ring{count: b.start, rung: make(chan struct{})}
		b.units[u] = r
	}
	return r
}

// Ring tells everybody who waits that the unit has something new.
func (b *Bell) Ring(u journal.UnitID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.unit(u)
	r.count++
	close(r.rung)
	r.rung = make(chan struct{})
}

// Wait returns the unit's count as soon as it differs from after, or when ctx ends.
func (b *Bell) Wait(ctx context.Context, u journal.UnitID, after int64) int64 {
	for {
		b.mu.Lock()
		r := b.unit(u)
		count, rung := r.count, r.rung
		b.mu.Unlock()
		if count != after {
			return count
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return count
		}
	}
}

// hintMessage is the body of a hint, and with Count the answer to a poll.
type hintMessage struct {
	Unit  journal.UnitID `json:"unit"`
	Count int64          `json:"count,omitzero"`
}

// hint takes in "I have something new". It carries nothing else and promises nothing.
func (s *Server) hint(w http.ResponseWriter, r *http.Request, by caller) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHintBody))
	var m hintMessage
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		s.fail(w, http.StatusBadRequest, refuse(CodeBadFrame, "a hint is a small JSON object with a unit"))
		return
	}
	from, member := by.in(s.p.Directory, m.Unit)
	if !member {
		s.fail(w, http.StatusForbidden, refuse(CodeWrongUnit, "no unit of that id is shared here"))
		return
	}
	if s.p.OnHint != nil {
		s.p.OnHint(from, m.Unit)
	}
	w.WriteHeader(http.StatusNoContent)
}

// poll waits for something new on this side, for a party that cannot be reached.
func (s *Server) poll(w http.ResponseWriter, r *http.Request, by caller) {
	q := r.URL.Query()
	unit := journal.UnitID(q.Get("unit"))
	if _, member := by.in(s.p.Directory, unit); !member {
		s.fail(w, http.StatusForbidden, refuse(CodeWrongUnit, "no unit of that id is shared here"))
		return
	}
	after, err := strconv.ParseInt(q.Get("after"), 10, 64)
	seconds, err2 := strconv.ParseInt(q.Get("wait"), 10, 32)
	if err != nil || err2 != nil || after < 0 || after > maxPollCounts || seconds < 0 {
		s.fail(w, http.StatusBadRequest, refuse(CodeBadFrame, "after and wait must be whole numbers"))
		return
	}
	if !s.pollBegin(by.key()) {
		s.fail(w, http.StatusServiceUnavailable, refuse(CodeBusy, "at most %d polls at a time", maxPolls))
		return
	}
	defer s.pollEnd(by.key())
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(seconds)*time.Second, s.p.Limits.Poll))
	defer cancel()
	data, err := json.Marshal(hintMessage{Unit: unit, Count: s.p.Bell.Wait(ctx, unit, after)})
	if err != nil {
		s.fail(w, http.StatusInternalServerError, refuse(CodeInternal, "this side failed"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(data)
}

func (s *Server) pollBegin(p string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polls[p] >= maxPolls {
		return false
	}
	s.polls[p]++
	return true
}

func (s *Server) pollEnd(p string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polls[p]--; s.polls[p] == 0 {
		delete(s.polls, p)
	}
}
