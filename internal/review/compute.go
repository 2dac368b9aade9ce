package review

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// Compute reports on a period. The order of the input's lists does not matter.
func Compute(in Input) *Report {
	r := &Report{V: Version, Unit: in.Unit, Name: valid(in.Name), From: in.From.UTC(), To: in.To.UTC(), Now: in.Now.UTC(),
		Accord: in.Accord, Version: in.Version, Cut: sorted(in.Cut, func(h Head) string { return string(h.Origin) }),
		Parties: sorted(in.Parties, func(p Party) string { return string(p.ID) }), Calls: []CallRow{}, Reviews: []Earlier{}}
	for i := range r.Parties {
		r.Parties[i].Name = valid(r.Parties[i].Name)
	}
	c := computing{Report: r, in: in}
	c.requests()
	c.calls()
	c.reviews()
	c.breaches()
	c.strays()
	c.records()
	slices.SortFunc(c.disputes, func(a, b Dispute) int { return desk.CompareRefs(a.Entry, b.Entry) })
	r.Disputes = listed(c.disputes)
	slices.SortStableFunc(c.differences, func(a, b Difference) int {
		return cmp.Or(desk.CompareRefs(a.Entry, b.Entry), strings.Compare(a.What, b.What))
	})
	r.Differences = listed(c.differences)
	return r
}

// computing is one report in the making.
type computing struct {
	*Report
	in          Input
	disputes    []Dispute
	differences []Difference
}

func listed[T any](all []T) List[T] {
	l := List[T]{Listed: []T{}}
	for _, x := range all {
		l.add(x)
	}
	return l
}

func sorted[T any](list []T, by func(T) string) []T {
	out := append([]T{}, list...)
	slices.SortFunc(out, func(a, b T) int { return strings.Compare(by(a), by(b)) })
	return out
}

// within says whether an instant lies in the period.
func (c *computing) within(at time.Time) bool { return !at.Before(c.From) && at.Before(c.To) }

// rowKey is what rows are told apart by.
type rowKey struct {
	kind         string
	asking       journal.PartyID
	askingAgency string
	asked        journal.PartyID
	askedAgency  string
}

func (c *computing) requests() {
	var all []*desk.Request
	for i := range c.in.Requests {
		if q := &c.in.Requests[i]; c.within(q.Sent) {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b *desk.Request) int { return desk.CompareRefs(a.ID, b.ID) })
	types, rows, coarse := map[rowKey]*tally{}, map[rowKey]*tally{}, map[rowKey]*tally{}
	for _, q := range all {
		k := rowKey{q.Type, q.Asking, valid(q.Steps[0].By.Agency), q.Asked, valid(agency(q))}
		into(types, rowKey{kind: q.Type}).add(q)
		if rows != nil {
			if into(rows, k).add(q); len(rows) > MaxRows {
				rows = nil
			}
		}
		k.askingAgency, k.askedAgency = "", ""
		into(coarse, k).add(q)
		c.see(q)
	}
	if c.NoAgencies = rows == nil; c.NoAgencies {
		rows = coarse
	}
	c.Types, c.Rows = finished(types), finished(rows)
}

// agency is the one of the asked side that has the request.
func agency(q *desk.Request) string {
	if q.Agency != "" {
		return q.Agency
	}
	for _, s := range q.Steps {
		if s.Party == q.Asked {
			return s.By.Agency
		}
	}
	return ""
}

func into(m map[rowKey]*tally, k rowKey) *tally {
	t := m[k]
	if t == nil {
		t = newTally(k)
		m[k] = t
	}
	return t
}

func finished(m map[rowKey]*tally) []Row {
	out := make([]Row, 0, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.asking, b.asking), cmp.Compare(a.askingAgency, b.askingAgency),
			cmp.Compare(a.asked, b.asked), cmp.Compare(a.askedAgency, b.askedAgency))
	}) {
		out = append(out, m[k].finish())
	}
	return out
}

// see notes what the two sides of a request see differently.
func (c *computing) see(q *desk.Request) {
	if q.Received.IsZero() {
		c.differ(DiffReceipt, q, q.ID, "", Claim{Party: q.Asking, Says: desk.Send, At: q.Sent.UTC()}, Claim{Party: q.Asked, Says: "no-receipt"})
	}
	c.seeTimes(q)
	for i, s := range q.Steps {
		if s.Move != desk.Dispute {
			continue
		}
		d := Dispute{Request: q.ID, Type: q.Type, Entry: s.Ref, Party: s.Party, At: s.At.UTC(), State: string(s.State), Code: s.Code, Open: true}
		for _, later := range q.Steps[i+1:] {
			if later.Party == s.Party && (later.Move == desk.Close || later.Move == desk.Withdraw) {
				d.Open = false
			}
		}
		c.disputes = append(c.disputes, d)
		if d.Open {
			c.differ(DiffDispute, q, s.Ref, s.Code, Claim{Party: s.Party, Says: s.Move, At: s.At.UTC()}, otherSide(q, s.Party))
		}
	}
	for _, s := range q.Illegal {
		c.differ(DiffMove, q, s.Ref, s.Refused, Claim{Party: s.Party, Says: s.Move, At: s.At.UTC()})
	}
	c.seeScore(q)
}

// seeTimes tells the two claims of each skewed move: its own, and the latest before it.
func (c *computing) seeTimes(q *desk.Request) {
	for _, ref := range q.Skewed {
		if ref == q.ID {
			c.differ(DiffTime, q, ref, "", Claim{Party: q.Asking, Says: desk.Send, At: q.Sent.UTC(), Entry: &q.ID}, Claim{Party: q.Asked, Says: "receipt", At: q.Received.UTC()})
			continue
		}
		before := q.Steps[0]
		for _, s := range q.Steps[1:] {
			if s.Ref == ref {
				c.differ(DiffTime, q, ref, "", Claim{Party: before.Party, Says: before.Move, At: before.At.UTC(), Entry: &before.Ref}, Claim{Party: s.Party, Says: s.Move, At: s.At.UTC(), Entry: &s.Ref})
				break
			}
			if s.At.After(before.At) {
				before = s
			}
		}
	}
}

// seeScore compares the score for timeliness with the clock of the answer: 4 or 5 for a late answer and 1 or 2
// for one in time contradict it.
func (c *computing) seeScore(q *desk.Request) {
	given := q.Scores["timeliness"]
	for _, k := range q.Clocks {
		late := k.Late
		if k.Name != accord.StageAnswer || k.Met.IsZero() || given == 0 || given == 3 || late != (given > 3) {
			continue
		}
		for _, s := range slices.Backward(q.Steps) {
			if s.Move == desk.Assess {
				says := "in-time"
				if late {
					says = "late"
				}
				c.differ(DiffTimeliness, q, s.Ref, "", Claim{Party: s.Party, Says: fmt.Sprintf("timeliness-%d", given), At: s.At.UTC()}, Claim{Party: k.Owner, Says: says, At: k.Met.UTC()})
				return
			}
		}
	}
}

func (c *computing) differ(what string, q *desk.Request, entry journal.Ref, code string, claims ...Claim) {
	d := Difference{What: what, Entry: entry, Code: code, Claims: claims}
	if q != nil {
		d.Request = &q.ID
	}
	c.differences = append(c.differences, d)
}

func (c *computing) strays() {
	for _, s := range c.in.Strays {
		if c.within(s.At) {
			c.differ(DiffMove, nil, s.Ref, s.Refused, Claim{Party: s.Party, Says: s.Move, At: s.At.UTC()})
		}
	}
	for _, h := range c.in.Histories {
		if c.within(h.At) {
			c.differ(DiffHistory, nil, h.Entry, "", Claim{Party: h.Party, Says: "evidence", At: h.At.UTC()})
		}
	}
}

func (c *computing) breaches() {
	var all []Breach
	for _, b := range c.in.Breaches {
		if c.within(b.At) {
			b.At, b.Kind, b.Clause = b.At.UTC(), valid(b.Kind), valid(b.Clause)
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b Breach) int { return desk.CompareRefs(a.Entry, b.Entry) })
	c.Breaches = listed(all)
}

// calls counts calls and drills apart: they never mix.
func (c *computing) calls() {
	type key struct {
		called journal.PartyID
		drill  bool
	}
	rows, times := map[key]*CallRow{}, map[key][]int64{}
	for _, call := range c.in.Calls {
		if !c.within(call.At) {
			continue
		}
		k := key{call.Called, call.Drill}
		row := rows[k]
		if row == nil {
			row = &CallRow{Called: call.Called, Drill: call.Drill}
			rows[k] = row
		}
		row.N++
		answered, timed := !call.Answered.IsZero(), !call.Due.IsZero()
		switch {
		case answered && !timed:
			row.Untimed++
		case answered && call.Answered.After(call.Due):
			row.Late++
		case answered:
			row.InTime++
		case timed && c.Now.After(call.Due):
			row.Missed++
		default:
			row.Running++
		}
		if answered {
			times[k] = append(times[k], seconds(call.At, call.Answered))
		}
	}
	for k, row := range rows {
		row.P50, row.P90, row.Max = ranks(times[k])
		c.Calls = append(c.Calls, *row)
	}
	slices.SortFunc(c.Calls, func(a, b CallRow) int {
		switch {
		case a.Called != b.Called:
			return cmp.Compare(a.Called, b.Called)
		case a.Drill:
			return 1
		}
		return -1
	})
}

// reviews takes in the reviews that were opened in the period.
func (c *computing) reviews() {
	all := slices.Clone(c.in.Reviews)
	slices.SortFunc(all, func(a, b desk.Review) int { return desk.CompareRefs(a.ID, b.ID) })
	for i := range all {
		if v := &all[i]; c.within(v.Opened) {
			c.review(v)
		}
	}
}

func (c *computing) review(v *desk.Review) {
	e := Earlier{Review: v.ID, From: v.From.UTC(), To: v.To.UTC(), State: string(v.State), Agreed: v.Agreed, Differs: v.Differs, Scores: []PartyScore{}}
	var signed []Claim
	for i := range v.Parties {
		p := &v.Parties[i]
		for _, of := range slices.Sorted(maps.Keys(p.Scores)) {
			for _, kind := range slices.Sorted(maps.Keys(p.Scores[of])) {
				e.Scores = append(e.Scores, PartyScore{By: p.Party, Of: of, Type: kind, Scores: p.Scores[of][kind]})
			}
		}
		for _, ref := range p.Unfit {
			c.differences = append(c.differences, Difference{What: DiffReveal, Request: &v.ID, Entry: ref, Code: desk.CodeUnfit, Claims: []Claim{{Party: p.Party, Says: desk.ReviewReveal}}})
		}
		if p.Report != nil {
			signed = append(signed, Claim{Party: p.Party, Says: hex.EncodeToString(p.Report[:]), Entry: p.Signed})
		}
	}
	for _, s := range v.Illegal {
		if s.Refused != desk.CodeUnfit { // told above
			c.differences = append(c.differences, Difference{What: DiffMove, Request: &v.ID, Entry: s.Ref, Code: s.Refused, Claims: []Claim{{Party: s.Party, Says: s.Move, At: s.At.UTC()}}})
		}
	}
	if v.Differs {
		c.differences = append(c.differences, Difference{What: DiffSignature, Request: &v.ID, Entry: v.ID, Claims: signed})
	}
	c.Reviews = append(c.Reviews, e)
}

// valid makes a text that JSON can hold; entries hold nothing else.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// seconds is a time in whole seconds, rounded down, never negative: claims of time may contradict each other.
func seconds(from, to time.Time) int64 { return max(0, int64(to.Sub(from)/time.Second)) }

// ranks are the values of nearest rank at 50 and 90 of 100, and the largest; 0 of nothing.
func ranks(times []int64) (p50, p90, most int64) {
	n := len(times)
	if n == 0 {
		return 0, 0, 0
	}
	slices.Sort(times)
	return times[(n*50+99)/100-1], times[(n*90+99)/100-1], times[n-1]
}
