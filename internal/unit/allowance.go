package unit

import (
	"time"

	"entente/journal"
)

// Allowance is what an author may still write of payloads on its day, under the accord in force.
type Allowance struct {
	Clause string    // the accord's clause on quotas
	PerDay int64     // bytes of payloads that the accord allows in a day
	Left   int64     // bytes of them that are left
	Next   time.Time // when the next day begins (UTC)
}

// Allowance returns what is left to an author that writes now, as far as is known here; ok is false where no accord is in force.
// An author whose journal is ahead of now is asked about the day that its journal is at: its next entry cannot be earlier.
func (f *Fold) Allowance(author journal.PartyID, now time.Time) (a Allowance, ok bool) {
	f.fresh()
	if f.global.terms == nil {
		return Allowance{}, false
	}
	q := f.global.terms.doc.Quotas
	a = Allowance{Clause: q.ID, PerDay: q.BytesPerDay, Left: q.BytesPerDay}
	if l := f.current(author); l != nil {
		if l.at.After(now) {
			now = l.at
		}
		if l.view != nil && l.view.day == day(now) {
			a.Left = max(0, a.PerDay-l.view.used.BytesToday)
		}
	}
	a.Next = now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	return a, true
}
