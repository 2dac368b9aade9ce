package desk

import (
	"cmp"
	"slices"
	"time"

	"entente/journal"
)

// History is how fast each side answered, drills and live calls apart.
type History struct {
	Live   []Speed `json:"live"`
	Drills []Speed `json:"drills"`
}

// Speed is how fast a party answered, in all or at one contact. Times run from the receipt (without one
// from the posting) to the answer, in seconds; both are claims.
type Speed struct {
	Party journal.PartyID `json:"party"`
	// Contact is the kind of contact that was called, or the id of a contact that was named; "" is all.
	Contact    string    `json:"contact,omitempty"`
	Rang       int       `json:"rang"`     // how often it rang, each step of the ladder counted
	Answered   int       `json:"answered"` // of these
	Within     int       `json:"within"`   // answered before the clock ran out
	Late       int       `json:"late"`     // answered after it
	Unanswered int       `json:"unanswered"`
	Overdue    int       `json:"overdue"` // unanswered, and the clock has run out
	Median     int64     `json:"median"`  // seconds, of the answered; of an even number the lower middle
	Slowest    int64     `json:"slowest"`
	Last       int64     `json:"last"` // seconds, of the last that was answered
	LastAt     time.Time `json:"last_at,omitzero"`
}

// answer is one time that something rang.
type answer struct {
	party    journal.PartyID
	contacts []string
	clock    Clock
}

// NewHistory computes the history of calls with their clocks, of drills and pings.
func NewHistory(live []Call, drills Drills) History {
	var tried []answer
	for i := range drills.Pings {
		p := &drills.Pings[i]
		if p.Clock != nil {
			tried = append(tried, answer{p.Called, []string{"", p.Kind, p.Contact}, *p.Clock})
		}
	}
	return History{Live: speeds(rung(live)), Drills: speeds(append(rung(drills.Calls), tried...))}
}

// rung are all times that calls rang.
func rung(calls []Call) []answer {
	var out []answer
	for i := range calls {
		c := &calls[i]
		n := len(c.Clocks) - len(c.Rings)
		if n < 0 { // the accord's text is not held
			continue
		}
		for j, r := range c.Rings {
			names := []string{"", r.Contact}
			if r.ID != "" {
				names = append(names, r.ID)
			}
			out = append(out, answer{c.Called, names, c.Clocks[n+j]})
		}
	}
	return out
}

type desked struct {
	party   journal.PartyID
	contact string
}

func speeds(all []answer) []Speed {
	by, took := map[desked]*Speed{}, map[desked][]int64{}
	for _, a := range all {
		for _, contact := range a.contacts {
			key := desked{a.party, contact}
			s := by[key]
			if s == nil {
				s = &Speed{Party: a.party, Contact: contact}
				by[key] = s
			}
			s.Rang++
			switch k := a.clock; {
			case !k.Met.IsZero():
				s.Answered++
				if k.Late {
					s.Late++
				} else {
					s.Within++
				}
				secs := max(0, int64(k.Met.Sub(k.Started)/time.Second)) // a clock that is set back makes nobody faster than at once
				took[key] = append(took[key], secs)
				s.Slowest = max(s.Slowest, secs)
				if k.Met.After(s.LastAt) || k.Met.Equal(s.LastAt) && secs > s.Last {
					s.Last, s.LastAt = secs, k.Met
				}
			default:
				s.Unanswered++
				if k.Overdue || k.Late {
					s.Overdue++
				}
			}
		}
	}
	out := []Speed{}
	for key, s := range by {
		if list := took[key]; len(list) > 0 {
			slices.Sort(list)
			s.Median = list[(len(list)-1)/2]
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Speed) int { return cmp.Or(cmp.Compare(a.Party, b.Party), cmp.Compare(a.Contact, b.Contact)) })
	return out
}
