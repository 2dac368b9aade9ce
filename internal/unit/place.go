package unit

import (
	"slices"

	"entente/journal"
)

// place puts the next entry of a lane into the causal order, if its past is known, and judges it.
// Everything it sets on the record is a function of that past.
func (f *Fold) place(l *lane, r *record) bool {
	code := f.check(l, r)
	var prev clock
	if l.placed > 0 {
		prev = l.recs[l.placed-1].clock
	}
	r.clock = prev
	all := f.claims(l, r)
	claims := all
	if len(f.forked) > 0 {
		claims = slices.DeleteFunc(slices.Clone(all), f.unfit)
	}
	r.partial = len(claims) < len(all) || l.placed > 0 && l.recs[l.placed-1].partial
	if code == "" {
		for _, c := range claims {
			if known := f.byOrigin[c.origin]; known != nil {
				if root, ok := known.root(c.head.Size); ok && root != c.head.Root {
					code = CodeBadRoot
				}
			}
		}
	}
	if code == "" {
		waits := false
		for _, c := range claims {
			if known := f.byOrigin[c.origin]; known == nil || int64(known.placed) < c.head.Size {
				f.block(l, c.origin)
				waits = true
			}
		}
		if waits {
			return false
		}
		for _, c := range claims {
			other := f.byOrigin[c.origin]
			var past clock
			if c.head.Size > 0 {
				past = other.recs[c.head.Size-1].clock
			}
			r.clock = r.clock.join(other.slot, c.head.Size, past, l.slot)
			r.partial = r.partial || c.head.Size > 0 && other.recs[c.head.Size-1].partial
			if !c.implied && c.head.Size > l.floor[c.origin].Size {
				l.floor[c.origin] = c.head
				l.named[c.origin] = append(l.named[c.origin], naming{r.index, c.head.Size})
			}
		}
		l.at = r.at
	}
	r.partial = r.partial || code == CodeBadRoot
	l.placed++
	if l.view == nil {
		l.view = newView(l)
	}
	f.judge(l, r, prev, code)
	return true
}

// check is what an entry and its own journal show: no other journal is needed.
func (f *Fold) check(l *lane, r *record) string {
	if r.at.Before(l.at) {
		return CodeBackDated
	}
	if _, own := r.seen[l.origin]; own {
		return CodeSeesItself
	}
	code := ""
	for o, had := range l.floor {
		h, ok := r.seen[o]
		if ok && h.Size >= had.Size {
			continue
		}
		code = CodeSeenDecreases
		if marks := l.receipt[o]; len(marks) > 0 && marks[len(marks)-1].head.Size > h.Size {
			return CodeUncovered
		}
	}
	return code
}

// claim is a head that an entry says its author held.
type claim struct {
	origin  journal.Origin
	head    journal.Head
	implied bool // by a certificate; later entries need not repeat it
}

// claims are the heads that the entry says it has seen and that are new, a receipt's own included.
// A successor has seen its predecessor up to the head it names, unless it says it saw less.
func (f *Fold) claims(l *lane, r *record) []claim {
	var out []claim
	for o, h := range r.seen {
		if l.floor[o] != h {
			out = append(out, claim{origin: o, head: h})
		}
	}
	switch b := r.body.(type) {
	case *journal.ReceiptBody:
		if r.bodyErr == nil && b.Origin != l.origin && l.floor[b.Origin] != b.Head() && r.seen[b.Origin] != b.Head() {
			out = append(out, claim{origin: b.Origin, head: b.Head()})
		}
	case *journal.GenesisBody:
		if p := f.predecessor(l, r); p != nil && p.Head.Size > 0 {
			if h, said := r.seen[p.Origin]; !said || h.Size > p.Head.Size {
				out = append(out, claim{p.Origin, p.Head, true})
			}
		}
	}
	return out
}

// predecessor returns what a successor's genesis names, nil for any other entry.
func (f *Fold) predecessor(l *lane, r *record) *journal.Predecessor {
	b, ok := r.body.(*journal.GenesisBody)
	if !ok || r.index != 0 || l.epoch == 0 || r.bodyErr != nil {
		return nil
	}
	c, err := journal.ParseCertificate(b.Certificate)
	if err != nil || c.Unit != f.unit || c.Party != l.party || c.Epoch != l.epoch || c.Origin != l.origin {
		return nil
	}
	return c.Predecessor
}
