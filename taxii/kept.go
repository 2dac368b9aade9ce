package taxii

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// StatusStore keeps the status resources of requests to add objects (TAXII 2.1, section 4.3), so that they are still there
// when the server has started again. A [Handler] keeps at most 1,000 of at most 300,000 objects for a day, and drops the others.
// The methods are called concurrently, for one status by one caller at a time.
type StatusStore interface {
	// Statuses lists what is kept, in any order.
	Statuses() ([]StatusName, error)
	// LoadStatus returns the text of a status; of one that is not kept, an error that wraps fs.ErrNotExist.
	LoadStatus(StatusName) ([]byte, error)
	// SaveStatus keeps a text, durably, in place of what was kept for the status.
	SaveStatus(StatusName, []byte) error
	// DropStatus forgets a status. It is no error if it is not kept.
	DropStatus(StatusName) error
}

// StatusName is what is known of a status without reading it.
type StatusName struct {
	ID    string    // a UUID
	At    time.Time // of the request, in whole microseconds
	Total int       // its objects
}

// keptStatus is a status as it is kept: with whose it is.
type keptStatus struct {
	Root      string         `json:"root"`
	Principal string         `json:"principal"`
	Status    statusResource `json:"status"`
}

// parseStatus reads a status as it was kept. What was not decided by then never will be: its objects are in the memory of a
// process that has ended.
func parseStatus(text []byte) (k keptStatus, err error) {
	if err := json.Unmarshal(text, &k); err != nil {
		return keptStatus{}, fmt.Errorf("taxii: a status that was kept: %w", err)
	}
	s := &k.Status
	for _, p := range s.Pendings {
		p.Message = "The server was stopped before it noted what became of this object. Send it again; what was stored is not stored twice."
		s.Failures = append(s.Failures, p)
	}
	s.Pendings, s.Status = nil, "complete"
	s.SuccessCount, s.FailureCount, s.PendingCount = len(s.Successes), len(s.Failures), 0
	return k, nil
}

func (p *posted) name() StatusName {
	return StatusName{ID: p.id, At: p.at, Total: p.total}
}

// restore begins with what an earlier process kept.
func (s *statuses) restore(store StatusStore, now time.Time) error {
	s.store = store
	if store == nil {
		return nil
	}
	names, err := store.Statuses()
	if err != nil {
		return fmt.Errorf("taxii: listing the statuses that were kept: %w", err)
	}
	slices.SortFunc(names, func(a, b StatusName) int { return a.At.Compare(b.At) })
	done := make(chan struct{})
	close(done)
	var gone []error
	for _, n := range names {
		p := &posted{id: n.ID, at: n.At, total: n.Total, saved: true, answered: true, done: done}
		if n.Total < 0 || now.Sub(n.At) > maxStatusAge {
			gone = append(gone, store.DropStatus(n))
			continue
		}
		gone = append(gone, s.drop(s.add(p)))
	}
	return errors.Join(gone...)
}

// save keeps what is known of a request by now.
func (s *statuses) save(p *posted) error {
	if s.store == nil {
		return nil
	}
	p.saving.Lock() // nothing older comes after something newer
	defer p.saving.Unlock()
	text, err := json.Marshal(keptStatus{Root: p.root, Principal: p.principal, Status: p.resource()})
	if err == nil {
		err = s.store.SaveStatus(p.name(), text)
	}
	if err != nil {
		return fmt.Errorf("taxii: keeping the status %s: %w", p.id, err)
	}
	return nil
}

// drop takes away what is kept of requests that are forgotten.
func (s *statuses) drop(all []*posted) error {
	if s.store == nil {
		return nil
	}
	var errs []error
	for _, p := range all {
		errs = append(errs, s.store.DropStatus(p.name()))
	}
	return errors.Join(errs...)
}

// let notes that a request is answered, or kept. What is both is no longer held in memory.
func (p *posted) let(flag *bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*flag = true
	if p.saved && p.answered {
		p.results = nil
	}
}

// status returns the status of a request that was found, if it is this caller's below this root.
func (h *handler) status(ctx context.Context, p *posted, root, principal string) (statusResource, bool, error) {
	p.mu.Lock()
	load := p.saved && p.answered
	p.mu.Unlock()
	if !load {
		return p.resource(), true, nil
	}
	text, err := h.posts.store.LoadStatus(p.name())
	if errors.Is(err, fs.ErrNotExist) {
		return statusResource{}, false, nil
	}
	if err != nil {
		return statusResource{}, false, fmt.Errorf("taxii: reading the status %s: %w", p.id, err)
	}
	k, err := parseStatus(text)
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "taxii: a status that was kept cannot be read", slog.String("status", p.id), slog.Any("cause", err))
		return statusResource{}, false, nil
	}
	return k.Status, k.Root == root && k.Principal == principal && k.Status.ID == p.id, nil
}

// warn logs what went wrong with keeping statuses: what was asked for is done all the same.
func (h *handler) warn(ctx context.Context, err error) {
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "taxii: statuses are not kept as they should be", slog.Any("cause", err))
	}
}
