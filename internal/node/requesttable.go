package node

import (
	"time"

	"entente/internal/desk"
)

// requestTable is what lists and statuses want of all requests of a unit. It is made of one list of them, each part when it is first asked
// for, and good for as long as the fold gives that list: where ten thousand are open, most looks find it made. The ledger's lock must be held.
type requestTable struct {
	l     *ledger
	all   []*desk.Request
	due   []*desk.Request
	wants []desk.Need
	more  int
	open  *openCounts
}

// openCounts is how many requests are open.
type openCounts struct{ asked, owed, overdue int }

// requests is the table of an instant. The lock must be held.
func (l *ledger) requests(now time.Time) *requestTable {
	all, t := l.fold.Clocked(now), l.table
	if t == nil || len(t.all) != len(all) || len(all) > 0 && &t.all[0] != &all[0] {
		t = &requestTable{l: l, all: all}
		l.table = t
	}
	return t
}

// byDue are all requests, the most urgent clock first.
func (t *requestTable) byDue() []*desk.Request {
	if t.due == nil {
		t.due = desk.ByDue(t.all)
	}
	return t.due
}

// pressing are the most pressing needs of requests, as many as a status names and one, and how many there are beyond them.
func (t *requestTable) pressing() (needs []desk.Need, more int) {
	if t.wants == nil {
		var all int
		t.wants, all = desk.Pressing(t.all, t.l.n.keys().party, maxNamed+1)
		t.more = all - len(t.wants)
	}
	return t.wants, t.more
}

func (t *requestTable) counts() openCounts {
	if t.open == nil {
		t.open = &openCounts{}
		for _, q := range t.all {
			if !q.IsOpen() {
				continue
			}
			switch t.l.n.keys().party {
			case q.Asking:
				t.open.asked++
			case q.Asked:
				t.open.owed++
			}
			if q.Overdue {
				t.open.overdue++
			}
		}
	}
	return *t.open
}
