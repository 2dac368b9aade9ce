package taxii

import (
	"context"
	"fmt"
	"iter"
)

// maxSelections bounds what a page remembers of the versions of objects it has met.
const maxSelections = 4096

// pageRequest is one page to be read, after everything foreign was checked.
type pageRequest struct {
	store      Store
	collection string
	filter     filter
	from       cursor
	limit      int
	maxBytes   int
	noRaw      bool   // only the headers are wanted
	versionsOf string // read the records of this object from Store.Versions instead of Store.Scan
}

// page is a run of records that fit the request, and whether more follow it below the upper end.
type page struct {
	records []Record
	more    bool
}

// readPage collects records until the limit or the byte bound is reached, and one more to know whether more follow.
// A page holds at least one record if there is one, however large, so that paging always gets on.
//
// Everything is decided as of from.upTo, the newest record when the first page was read. So version=last means the
// same version on every page of one run: an object whose newer version arrives meanwhile is shown once, in the
// version that was the last when the run began, and the newer one comes with the next request that asks for what was
// added after. And a page that is asked for again is the same page.
func readPage(ctx context.Context, req pageRequest) (page, error) {
	var (
		out   page
		bytes int
		prev  = req.from.after
		seen  = map[string]bool{}
		sel   = selector{store: req.store, collection: req.collection, filter: req.filter, upTo: req.from.upTo}
	)
	for r, err := range source(ctx, req) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return page{}, err
		}
		if r.Seq > req.from.upTo {
			break
		}
		if req.versionsOf != "" && r.Seq <= req.from.after {
			// Versions starts at the beginning. A version that an earlier page has shown must not come again
			// with another specification version.
			if len(req.filter.specs) > 1 && req.filter.matches(r) {
				seen[r.version()] = true
			}
			continue
		}
		if r.Seq <= prev {
			return page{}, fmt.Errorf("taxii: the store broke the order of collection %s: record %d after %d", req.collection, r.Seq, prev)
		}
		prev = r.Seq
		if !req.filter.matches(r) {
			continue
		}
		if keep, err := sel.keeps(ctx, r); err != nil {
			return page{}, err
		} else if !keep {
			continue
		}
		if req.versionsOf != "" && len(req.filter.specs) > 1 {
			if seen[r.version()] {
				continue
			}
			seen[r.version()] = true
		}
		if len(out.records) == req.limit || !req.noRaw && len(out.records) > 0 && bytes+len(r.Raw) > req.maxBytes {
			out.more = true
			break
		}
		if !req.noRaw && !looksLikeObject(r.Raw) {
			return page{}, fmt.Errorf("taxii: record %d (%q) of collection %s is not a JSON object", r.Seq, r.ID, req.collection)
		}
		if req.noRaw {
			r.Raw = nil // the hint may have been ignored
		}
		bytes += len(r.Raw)
		r.Group = nil
		out.records = append(out.records, r)
	}
	return out, nil
}

func source(ctx context.Context, req pageRequest) iter.Seq2[Record, error] {
	if req.versionsOf != "" {
		return req.store.Versions(ctx, req.collection, req.versionsOf)
	}
	return req.store.Scan(ctx, req.collection, Query{
		After: req.from.after, UpTo: req.from.upTo, AddedAfter: req.filter.addedAfter,
		IDs: req.filter.ids, Types: req.filter.kinds, SpecVersions: req.filter.specs, NoRaw: req.noRaw,
		versions: &req.filter,
	})
}

// looksLikeObject catches a store that hands out something else than what it promised before it spoils an envelope.
// It is no validation: what was stored was checked when it came.
func looksLikeObject(raw []byte) bool {
	return len(raw) >= 2 && raw[0] == '{' && raw[len(raw)-1] == '}'
}

// matches applies everything that can be decided by looking at one record alone.
func (f filter) matches(r Record) bool {
	return (f.addedAfter.IsZero() || r.Added.After(f.addedAfter)) &&
		oneOf(f.ids, r.ID) && oneOf(f.kinds, r.Type) && oneOf(f.specs, r.specVersion())
}

// selector decides what needs the other versions of an object: the latest specification version, the first and the
// last version. They are those of the object in the collection; added_after does not take part, so that asking for
// what was added after a time never digs out an old version that arrived late.
type selector struct {
	store      Store
	collection string
	filter     filter
	upTo       uint64
	known      map[string]selection
}

type selection struct {
	spec        string // the latest specification version among the records that count
	first, last uint64 // Seq of the first and the last version among them
}

func (s *selector) keeps(ctx context.Context, r Record) (bool, error) {
	versions := s.filter.versions
	latestSpec := len(s.filter.specs) == 0
	if r.Only || !latestSpec && !versions.first && !versions.last {
		return versions.all || versions.first && r.Only || versions.last && r.Only || versions.hasExact(r.version()), nil
	}
	chosen, err := s.choose(ctx, r)
	return err == nil && s.filter.shows(r, chosen), err
}

// shows tells whether a record is one of those chosen of its id.
func (f filter) shows(r Record, chosen selection) bool {
	if len(f.specs) == 0 && r.specVersion() != chosen.spec {
		return false
	}
	return f.versions.all ||
		f.versions.first && r.Seq == chosen.first ||
		f.versions.last && r.Seq == chosen.last ||
		f.versions.hasExact(r.version())
}

// choose reads the headers of all records of an object once per page.
func (s *selector) choose(ctx context.Context, of Record) (selection, error) {
	if of.Group != nil {
		return s.filter.choose(of.Group, s.upTo), nil // for each of them: to remember it costs more
	}
	if chosen, ok := s.known[of.ID]; ok {
		return chosen, nil
	}
	var group []Record
	for r, err := range s.store.Versions(ctx, s.collection, of.ID) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return selection{}, err
		}
		if r.Seq > s.upTo {
			break
		}
		r.Raw, r.Group = nil, nil
		group = append(group, r)
	}
	chosen := s.filter.choose(group, s.upTo)
	if s.known == nil || len(s.known) >= maxSelections {
		s.known = make(map[string]selection)
	}
	s.known[of.ID] = chosen
	return chosen, nil
}

// choose decides of the records of an id, in ascending Seq.
func (f filter) choose(group []Record, upTo uint64) selection {
	var (
		chosen      selection
		first, last objectVersion
		found       bool
	)
	for i := range group {
		r := &group[i]
		if r.Seq > upTo {
			break
		}
		spec := r.specVersion()
		if !oneOf(f.specs, spec) {
			continue
		}
		if len(f.specs) == 0 && found && spec != chosen.spec {
			if compareSpec(spec, chosen.spec) < 0 {
				continue
			}
			found = false
		}
		v := parseVersion(r.version())
		if !found || v.compare(first) < 0 {
			chosen.first, first = r.Seq, v
		}
		if !found || v.compare(last) >= 0 {
			chosen.last, last = r.Seq, v
		}
		if !found {
			chosen.spec = spec
		}
		found = true
	}
	return chosen
}
