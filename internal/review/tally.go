package review

import (
	"fmt"
	"slices"

	"entente/internal/desk"
)

// tally counts the requests of one row.
type tally struct {
	row    Row
	scores map[string]*Score
	clocks map[string]*Timing
	times  map[string][]int64 // of the clocks that were met
}

func newTally(k rowKey) *tally {
	t := &tally{scores: map[string]*Score{}, clocks: map[string]*Timing{}, times: map[string][]int64{}}
	t.row = Row{Type: k.kind, Asking: k.asking, AskingAgency: k.askingAgency, Asked: k.asked, AskedAgency: k.askedAgency,
		Refusals: map[string]int{}, Postponed: map[string]int{}, Use: map[string]int{}, Scores: map[string]Score{}, Clocks: map[string]Timing{}}
	for _, s := range buckets {
		t.row.Answers = append(t.row.Answers, Bucket{Seconds: s})
	}
	t.row.Answers = append(t.row.Answers, Bucket{})
	return t
}

func (t *tally) add(q *desk.Request) {
	r := &t.row
	r.Sent++
	moved, refused, answered := false, false, false
	for _, s := range q.Steps {
		moved = moved || s.Party == q.Asked
		switch s.Move {
		case desk.Refuse:
			refused = true
			count(r.Refusals, s.Code)
		case desk.Postpone:
			count(r.Postponed, s.Code)
		case desk.Answer, desk.Hold, desk.Report:
			if !answered {
				answered = true
				t.answer(q, s)
			}
		}
	}
	add(&r.Answered, answered)
	add(&r.Refused, refused)
	add(&r.Silent, !moved && q.State != desk.Withdrawn)
	add(&r.Unreceived, q.Received.IsZero())
	add(&r.Withdrawn, q.State == desk.Withdrawn)
	add(&r.Open, q.State != desk.Withdrawn && q.State != desk.Closed)
	add(&r.Disputed, q.Disputed)
	add(&r.Overdue, q.Overdue)
	if q.Use != "" {
		count(r.Use, q.Use)
	}
	for name, v := range q.Scores {
		s := t.scores[name]
		if s == nil {
			s = &Score{}
			t.scores[name] = s
		}
		s.N++
		s.Sum += v
	}
	for i := range q.Clocks {
		t.clock(&q.Clocks[i])
	}
}

func add(n *int, yes bool) {
	if yes {
		*n++
	}
}

// other counts what would be the code number MaxCodes+1 and further. It is no token, so no code is it.
const other = "(other)"

func count(m map[string]int, code string) {
	if _, known := m[code]; !known && len(m) >= MaxCodes {
		code = other
	}
	m[code]++
}

// answer puts the time of the first answer into its bucket.
func (t *tally) answer(q *desk.Request, s desk.Step) {
	from := q.Received
	if from.IsZero() {
		from = q.Sent
	}
	if s.Move == desk.Report {
		if from = q.Sent; !q.Detected.IsZero() {
			from = q.Detected
		}
	}
	took := seconds(from, s.At)
	i := slices.IndexFunc(buckets[:], func(most int64) bool { return took <= most })
	if i < 0 {
		i = len(buckets)
	}
	t.row.Answers[i].N++
}

func (t *tally) clock(k *desk.Clock) {
	c := t.clocks[k.Name]
	if c == nil {
		c = &Timing{}
		t.clocks[k.Name] = c
	}
	c.N++
	add(&c.Posting, k.Basis == desk.BasisPosting)
	switch met := !k.Met.IsZero(); {
	case met && k.Late:
		c.Late++
	case met:
		c.InTime++
	case k.Overdue, k.Late:
		c.Missed++
	case !k.Ended.IsZero():
		c.Ended++
	default:
		c.Running++
	}
	if !k.Met.IsZero() {
		t.times[k.Name] = append(t.times[k.Name], seconds(k.Started, k.Met))
	}
}

func (t *tally) finish() Row {
	for name, s := range t.scores {
		s.Mean = mean(s.Sum, s.N)
		t.row.Scores[name] = *s
	}
	for name, c := range t.clocks {
		c.P50, c.P90, c.Max = ranks(t.times[name])
		t.row.Clocks[name] = *c
	}
	return t.row
}

// mean is sum/n with two decimals, half up.
func mean(sum, n int) string {
	hundredths := (200*sum + n) / (2 * n)
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}
