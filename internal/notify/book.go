package notify

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of a book.
const (
	MaxRecords = 20_000              // notices that are kept; what comes beyond waits until there is room
	MaxTries   = 20                  // attempts to send one notice over one channel
	keep       = 30 * 24 * time.Hour // of what is over
	flap       = time.Hour           // an episode that comes back within it is the same one
	firstPause = 30 * time.Second    // before the second attempt; doubled up to lastPause
	lastPause  = time.Hour
	// After so many messages over a channel within an hour it has rest between two: what is due meanwhile is gathered. Whoever
	// can make notices at will cannot keep a pager ringing.
	burst   = 10
	spacing = 5 * time.Minute
)

// Book remembers what was told. It is a plain JSON document. It is not safe for concurrent use.
type Book struct {
	Records map[string]*Record `json:"records"`
	// Told are the last messages that went over each channel, at most burst.
	Told map[string][]time.Time `json:"told,omitempty"`
}

// Record is one notice.
type Record struct {
	Event Event     `json:"event"`
	Seen  time.Time `json:"seen"`           // when it was first noticed
	Acked time.Time `json:"acked,omitzero"` // when somebody looked
	By    string    `json:"by,omitempty"`
	Gone  time.Time `json:"gone,omitzero"` // since when it needs nobody any more
	// Sent is what became of it, by channel.
	Sent map[string]*Sent `json:"sent,omitempty"`
}

// Sent is what became of a notice on one channel.
type Sent struct {
	Tries int       `json:"tries"`
	Done  time.Time `json:"done,omitzero"` // when the channel took it
	Next  time.Time `json:"next,omitzero"` // when it is tried again; zero: it is not
	Error string    `json:"error,omitempty"`
	// Under is the key of a message with this notice of which nobody knows whether the channel took it: what was sent when the
	// process ended, or when the other end was silent. It is sent again as that message, so that who has it already can tell.
	Under string `json:"under,omitempty"`
}

// Delivery is a message that is to be sent now.
type Delivery struct {
	Channel   string
	Event     Event
	Key       string
	Under     string // the message that it is sent again with; "": a new one
	Escalated bool
	Try       int
}

// Open says whether the notice still waits for somebody to look.
func (r *Record) Open() bool { return r.Acked.IsZero() && r.Gone.IsZero() }

// Observe takes in what needs somebody now. What is new is kept; what is not there any more is over. It
// reports whether the book has changed, and how many notices there was no room for.
func (b *Book) Observe(now time.Time, events []Event) (changed bool, dropped int) {
	if b.Records == nil {
		b.Records = map[string]*Record{}
	}
	here := map[string]bool{}
	for _, e := range events {
		here[e.ID] = true
		r := b.Records[e.ID]
		switch {
		case r == nil && len(b.Records) >= MaxRecords:
			dropped++
		case r == nil:
			b.Records[e.ID], changed = &Record{Event: e, Seen: now}, true
		case r.Gone.IsZero():
		case e.Episode && now.Sub(r.Gone) >= flap:
			b.Records[e.ID], changed = &Record{Event: e, Seen: now}, true
		case e.Episode:
			r.Gone, changed = time.Time{}, true
		default:
			r.Gone, changed = time.Time{}, true // it was hidden for a moment; what was sent stays sent
		}
	}
	for id, r := range b.Records {
		switch {
		case here[id]:
		case r.Gone.IsZero():
			r.Gone, changed = now, true
		case now.Sub(r.Gone) > keep:
			delete(b.Records, id)
			changed = true
		}
	}
	return changed, dropped
}

// Due returns what is to be sent now, the most urgent first, of these the oldest. What is due on one channel makes one
// message (but see [Messages]); a channel that has had many within an hour has rest first.
func (b *Book) Due(now time.Time, p Plan) []Delivery {
	var out []Delivery
	for _, id := range slices.Sorted(maps.Keys(b.Records)) {
		r := b.Records[id]
		if !r.Open() {
			continue
		}
		named := map[string]bool{} // channels that are told of it in this round
		for at, rung := range p.steps(r) {
			escalated := rung.After > 0
			if now.Before(at) || now.Before(p.Quiet.told(now, &r.Event)) {
				continue
			}
			for _, c := range rung.To {
				s := r.Sent[c]
				switch {
				case named[c]:
				case s == nil:
					named[c] = true
					out = append(out, Delivery{Channel: c, Event: r.Event, Key: keyOf(r, c), Escalated: escalated, Try: 1})
				case s.Done.IsZero() && !s.Next.IsZero() && !now.Before(s.Next):
					named[c] = true
					out = append(out, Delivery{Channel: c, Event: r.Event, Key: keyOf(r, c), Under: s.Under, Escalated: escalated, Try: s.Tries + 1})
				}
			}
		}
	}
	rank := func(u string) int {
		return slices.Index([]string{"emergency", "urgent"}, u) + 3*b2i(u != "emergency" && u != "urgent")
	}
	slices.SortStableFunc(out, func(x, y Delivery) int {
		return cmp.Or(cmp.Compare(rank(x.Event.Urgency), rank(y.Event.Urgency)), b.Records[x.Event.ID].Seen.Compare(b.Records[y.Event.ID].Seen))
	})
	return slices.DeleteFunc(out, func(d Delivery) bool { return b.rests(d.Channel, now) })
}

// Coming is a channel that has not had a notice yet and will, if nobody looks until then.
type Coming struct {
	Channel   string
	At        time.Time // at the earliest
	Escalated bool
	Quiet     bool // quiet hours make it later than it would be
}

// Coming says which channels have still to be told of an open notice for the first time, the soonest first.
func (r *Record) Coming(now time.Time, p Plan) []Coming {
	var out []Coming
	if !r.Open() {
		return nil
	}
	for at, rung := range p.steps(r) {
		if at.Before(now) {
			at = now
		}
		told := p.Quiet.told(at, &r.Event)
		held := told.After(now) && told.After(r.Seen.Add(rung.After)) // else it would have been then
		for _, c := range rung.To {
			if r.Sent[c] == nil && !slices.ContainsFunc(out, func(x Coming) bool { return x.Channel == c }) {
				out = append(out, Coming{c, told, rung.After > 0, held})
			}
		}
	}
	return out
}

// rests says whether a channel has had so many messages that it has to wait.
func (b *Book) rests(channel string, now time.Time) bool {
	last := b.Told[channel]
	return len(last) >= burst && now.Sub(last[0]) < time.Hour && now.Sub(last[len(last)-1]) < spacing
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keyOf is the same in every attempt. An episode that begins anew has another.
func keyOf(r *Record, channel string) string {
	return IDOf(r.Event.ID, channel, r.Seen.UTC().Format(time.RFC3339Nano))
}

// Messages parts what is due on one channel into messages: each that is sent again because nobody knows whether it was taken,
// as it was, and one of all the rest.
func Messages(due []Delivery) [][]Delivery {
	var out [][]Delivery
	at := map[string]int{}
	for _, d := range due {
		i, known := at[d.Under]
		if !known {
			i = len(out)
			at[d.Under] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], d)
	}
	return out
}

// Begin notes that a message is about to be sent, under its key. Whatever ends the process from here on: it is sent again
// as the same message.
func (b *Book) Begin(due []Delivery, key string, now time.Time) {
	for _, d := range due {
		if s := b.sent(d); s != nil {
			s.Under, s.Next, s.Error = key, now, ErrUncertain.Error()
		}
	}
}

// sent is what is noted of a delivery, nil if the notice is no more.
func (b *Book) sent(d Delivery) *Sent {
	r := b.Records[d.Event.ID]
	if r == nil {
		return nil
	}
	if r.Sent == nil {
		r.Sent = map[string]*Sent{}
	}
	if r.Sent[d.Channel] == nil {
		r.Sent[d.Channel] = new(Sent)
	}
	return r.Sent[d.Channel]
}

// Done notes how an attempt went to send a message over one channel: all of due is on it.
func (b *Book) Done(due []Delivery, now time.Time, err error) {
	if len(due) == 0 {
		return
	}
	if channel := due[0].Channel; err == nil {
		if b.Told == nil {
			b.Told = map[string][]time.Time{}
		}
		last := append(b.Told[channel], now)
		b.Told[channel] = last[max(0, len(last)-burst):]
	}
	for _, d := range due {
		b.done(d, now, err)
	}
}

func (b *Book) done(d Delivery, now time.Time, err error) {
	s := b.sent(d)
	if s == nil {
		return
	}
	under := s.Under
	s.Tries++
	s.Next, s.Error, s.Under = time.Time{}, "", ""
	if err == nil {
		s.Done = now
		return
	}
	s.Error = clip(err.Error(), 300)
	if s.Tries < MaxTries {
		s.Next = now.Add(pauseAfter(s.Tries))
		if errors.Is(err, ErrUncertain) {
			s.Under = under
		}
	}
}

// pauseAfter is how long to wait after so many attempts.
func pauseAfter(tries int) time.Duration {
	p := firstPause
	for i := 1; i < tries && p < lastPause; i++ {
		p *= 2
	}
	return min(p, lastPause)
}

// Ack says that somebody has looked: at the notice with this id or a prefix of it (at least four
// digits), at all about a reference, or, with "all", at everything. It returns how many that were.
func (b *Book) Ack(what, by string, now time.Time) int {
	n := 0
	for id, r := range b.Records {
		if r.Open() && (what == "all" || what == id || len(what) >= 4 && strings.HasPrefix(id, what) || what != "" && what == r.Event.Ref) {
			r.Acked, r.By = now, clip(by, 200)
			n++
		}
	}
	return n
}

// List returns the notices, those that are open first, then the newest first.
func (b *Book) List(all bool) []Record {
	var out []Record
	for _, r := range b.Records {
		if all || r.Open() {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(x, y Record) int {
		return cmp.Or(cmp.Compare(b2i(!x.Open()), b2i(!y.Open())), y.Seen.Compare(x.Seen), cmp.Compare(x.Event.ID, y.Event.ID))
	})
	return out
}

// Lacks counts the notices that wait for somebody to look and that a channel has not had.
func (b *Book) Lacks(channel string) int {
	n := 0
	for _, r := range b.Records {
		if s := r.Sent[channel]; r.Open() && (s == nil || s.Done.IsZero()) {
			n++
		}
	}
	return n
}

// Renew forgets attempts over a channel that have failed: it is another now. What may have been taken is still sent again as
// the message that it was. It reports whether there were any.
func (b *Book) Renew(channel string) bool {
	any := false
	for _, r := range b.Records {
		s := r.Sent[channel]
		if s == nil || !s.Done.IsZero() {
			continue
		}
		if any = true; s.Under != "" {
			r.Sent[channel] = &Sent{Under: s.Under, Next: r.Seen, Error: s.Error}
		} else {
			delete(r.Sent, channel)
		}
	}
	return any
}

// Forget drops all that went over a channel. It reports whether there was anything.
func (b *Book) Forget(channel string) bool {
	any := b.Told[channel] != nil
	delete(b.Told, channel)
	for _, r := range b.Records {
		if r.Sent[channel] != nil {
			delete(r.Sent, channel)
			any = true
		}
	}
	return any
}

// clip cuts a text to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
