package unit

import (
	"slices"

	"entente/internal/desk"
	"entente/journal"
)

// ThreadRefs returns the entries that opened threads of a family, in order; the family is that of a kind ("case.open"). Nothing
// is put in order or rendered for it.
func (f *Fold) ThreadRefs(kind string) []journal.Ref {
	f.fresh()
	fam := familyOf(kind)
	if fam == nil {
		return nil
	}
	out := make([]journal.Ref, 0, len(f.threads[fam]))
	for t := range f.sorted(fam) {
		out = append(out, t.opened.ref())
	}
	return out
}

// threadOpened returns the thread that an entry opened, nil if it opened none.
func (f *Fold) threadOpened(ref journal.Ref) *thread {
	if r := f.lookup(ref); r != nil {
		return f.threads[familyOf(r.kind)][ref]
	}
	return nil
}

// Entries returns the entry that opened a thread and all that were added to it, those that changed nothing among them, in
// no order; of an entry that opened none it returns that one.
func (f *Fold) Entries(opened journal.Ref) []journal.Ref {
	f.fresh()
	out := []journal.Ref{opened}
	if t := f.threadOpened(opened); t != nil {
		for _, r := range t.moves {
			out = append(out, r.ref())
		}
	}
	return out
}

// Related returns what belongs to a request or a case, that one first: of a request the cases that tie it in, the calls that name it
// and the exhibits about it; of a case what it ties in and names as evidence (of an entry that added to a thread that thread), the
// commitments that came out of it, the exhibits about it, and the calls and exhibits of each request that it ties in. A tie that was taken
// back does not count.
func (f *Fold) Related(ref journal.Ref) []journal.Ref {
	f.fresh()
	out := []journal.Ref{ref}
	have := map[journal.Ref]bool{ref: true}
	add := func(ref journal.Ref) {
		if opened, ok := f.Opened(ref); ok {
			ref = opened
		}
		if !have[ref] {
			have[ref] = true
			out = append(out, ref)
		}
	}
	if t := f.threads[cases][ref]; t != nil {
		for _, tied := range named(jointOf[*desk.Case](f, t)) {
			add(tied)
		}
	} else {
		for t := range f.sorted(cases) {
			if slices.Contains(tiedIn(jointOf[*desk.Case](f, t)), ref) {
				add(t.opened.ref())
			}
		}
	}
	// A case that ties a request in does not bring what else it ties in.
	of := map[journal.Ref]bool{ref: true}
	if f.threads[cases][ref] != nil {
		of = have
	}
	for t := range f.sorted(hotlines) {
		if b, ok := t.opened.body.(*ContentBody).desk.(desk.CallBody); ok && b.Request != nil && of[*b.Request] {
			add(t.opened.ref())
		}
	}
	for t := range f.sorted(commitments) {
		if b := t.opened.body.(*ContentBody).desk.(desk.CommitmentBody); b.Case != nil && of[*b.Case] {
			add(t.opened.ref())
		}
	}
	for t := range f.sorted(exhibits) {
		if b := t.opened.body.(*ContentBody).desk.(desk.ExhibitBody); b.About != nil && of[*b.About] {
			add(t.opened.ref())
		}
	}
	return out
}

// tiedIn are the entries that a case ties in.
func tiedIn(c *desk.Case) (out []journal.Ref) {
	for _, l := range c.Links {
		if l.Target != nil && l.Unlinked == nil {
			out = append(out, *l.Target)
		}
	}
	return out
}

// named are the entries that a case ties in or names as evidence.
func named(c *desk.Case) []journal.Ref {
	out := tiedIn(c)
	for _, x := range c.Claims {
		if x.Withdrawn == nil {
			out = append(out, x.Evidence...)
		}
	}
	return out
}
