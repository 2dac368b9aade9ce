package taxii

import (
	"fmt"
	"sync"
	"time"
)

// Bounds on what is remembered of requests to add objects.
const (
	maxStatuses      = 1000           // status resources
	maxStatusObjects = 300_000        // objects in all of them; each costs some 200 bytes
	maxStatusAge     = 24 * time.Hour // section 4.3 asks for a day
	maxMessage       = 1000           // bytes of what is said of one object
)

// posted is one request to add objects, from when it was accepted until it is forgotten.
type posted struct {
	id, root, principal string
	at                  time.Time

	mu      sync.Mutex
	objects [][]byte // those not decided yet; nil when done
	total   int
	results []Result
	stored  int   // how many of them the store decided about
	failed  error // why it stopped before the end
	done    chan struct{}

	saving   sync.Mutex
	saved    bool // all of it is in the store of statuses
	answered bool // nobody waits for it
}

// decide notes what became of the next objects.
func (p *posted) decide(results []Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range results {
		r.Message = cutText(r.Message, maxMessage)
		p.results = append(p.results, r)
	}
	p.stored += len(results)
	p.objects = p.objects[len(results):]
}

// end notes what became of the rest.
func (p *posted) end(failed error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed != nil {
		p.failed = failed
		for _, raw := range p.objects {
			id, version := peekHeader(raw)
			p.results = append(p.results, Result{ID: id, Version: version, Refused: true,
				Message: "The server failed before this object was stored. Send it again later; what was stored is not stored twice."})
		}
	}
	p.objects = nil
}

// nothing gives the error of a request that failed before anything of it was stored.
func (p *posted) nothing() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stored == 0 {
		return p.failed
	}
	return nil
}

// resource is section 4.3.1.
func (p *posted) resource() statusResource {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := statusResource{ID: p.id, Status: "complete", RequestTimestamp: FormatTime(p.at), TotalCount: p.total}
	detail := func(n int, r Result) statusDetail {
		if r.ID == "" {
			r.ID = fmt.Sprintf("objects[%d]", n) // required, and the place is all that is known
		}
		return statusDetail{ID: r.ID, Version: r.Version, Message: r.Message}
	}
	for i, r := range p.results {
		if r.Refused {
			s.Failures = append(s.Failures, detail(i, r))
		} else {
			s.Successes = append(s.Successes, detail(i, r))
		}
	}
	if len(p.objects) > 0 {
		s.Status = "pending"
		for i, raw := range p.objects {
			var r Result
			r.ID, r.Version = peekHeader(raw)
			s.Pendings = append(s.Pendings, detail(len(p.results)+i, r))
		}
	}
	s.SuccessCount, s.FailureCount, s.PendingCount = len(s.Successes), len(s.Failures), len(s.Pendings)
	return s
}

// statuses remembers requests to add objects.
type statuses struct {
	mu      sync.Mutex
	order   []*posted // oldest first
	byID    map[string]*posted
	objects int
	store   StatusStore // nil: what is known ends with the process
}

// add remembers a request and forgets the oldest that are done, as far as that is needed. It returns those.
func (s *statuses) add(p *posted) (forgotten []*posted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*posted{}
	}
	s.objects += p.total
	s.order = append(s.order, p)
	s.byID[p.id] = p
	keep := s.order[:0]
	count := len(s.order)
	for _, old := range s.order {
		over := count > maxStatuses || s.objects > maxStatusObjects || p.at.Sub(old.at) > maxStatusAge
		if over && old != p && old.over() {
			delete(s.byID, old.id)
			s.objects -= old.total
			count--
			forgotten = append(forgotten, old)
			continue
		}
		keep = append(keep, old)
	}
	clear(s.order[len(keep):])
	s.order = keep
	return forgotten
}

func (p *posted) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// find returns a request of this caller below this root. Whose one is that an earlier process kept is not known here.
func (s *statuses) find(root, principal, id string) *posted {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil || p.root != "" && (p.root != root || p.principal != principal) {
		return nil
	}
	return p
}

// status is section 4.3.
func (c *call) status() (*response, error) {
	p := c.h.posts.find(c.root.Path, c.principal.Name, c.args[1])
	var s statusResource
	ok := p != nil
	if ok {
		var err error
		if s, ok, err = c.h.status(c.Context(), p, c.root.Path, c.principal.Name); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, notFound("There is no status resource with this id, or it is not yours. One is kept for a day, unless many come after it.")
	}
	res, err := resourceResponse(s)
	if err == nil && s.Status == "pending" {
		res.header = retryAfter(1)
	}
	return res, err
}

// cutText shortens a text to at most n bytes, at a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
