package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"entente/internal/lang"
	"entente/internal/notify"
)

// notices is what a duty officer was told. The book is read at the first use.
type notices struct {
	mu     sync.Mutex
	book   *notify.Book // nil until it is read
	since  time.Time    // when this process began to look
	looker sync.Mutex   // one round at a time
}

func (n *Node) noticePath() string { return filepath.Join(n.at.dir, "notices.json") }

// withBook runs f with the book, and keeps it on disk if f says that it has changed.
func (n *Node) withBook(f func(*notify.Book) bool) error {
	n.notes.mu.Lock()
	defer n.notes.mu.Unlock()
	if n.notes.book == nil {
		b := new(notify.Book)
		if _, err := n.at.readJSON(n.noticePath(), b); err != nil {
			// A file that cannot be read must not keep anybody from being told. What was told is told again.
			n.opts.Log.Error("what was told cannot be read; it is told again", "file", n.noticePath(), "err", err)
			b = new(notify.Book)
		}
		if b.Records == nil {
			b.Records = map[string]*notify.Record{}
		}
		for id, r := range b.Records {
			if r == nil {
				delete(b.Records, id)
			}
		}
		n.notes.book = b
	}
	if !f(n.notes.book) {
		return nil
	}
	text, err := json.Marshal(n.notes.book)
	if err != nil {
		return fmt.Errorf("notices: %w", err)
	}
	return n.at.write(n.noticePath(), text)
}

// notifyLoop tells people until ctx ends.
func (n *Node) notifyLoop(ctx context.Context) {
	every := time.Duration(n.config.Notify.Every)
	if every == 0 {
		every = 10 * time.Second
	}
	for {
		if err := n.notifyRound(ctx); err != nil && ctx.Err() == nil {
			n.opts.Log.Error("the duty officer could not be told; it is tried again", "err", err)
		}
		if !sleep(ctx, every) {
			return
		}
	}
}

// notifyRound looks once what needs somebody, and tells whom it is to be told now.
func (n *Node) notifyRound(ctx context.Context) error {
	n.notes.looker.Lock()
	defer n.notes.looker.Unlock()
	config := n.notifying()
	if len(config.Channels) == 0 {
		return nil
	}
	plan, err := config.plan()
	if err != nil {
		return err
	}
	events, err := n.events(ctx)
	if err != nil {
		return err
	}
	var due []notify.Delivery
	err = n.withBook(func(b *notify.Book) bool {
		changed, dropped := b.Observe(n.now(), events)
		if dropped > 0 {
			n.opts.Log.Error("there are more notices than are kept; the rest comes once there is room", "left out", dropped)
		}
		due = b.Due(n.now(), plan)
		return changed
	})
	if err != nil {
		return err
	}
	// Each channel has its own turn: one that hangs keeps none of the others waiting.
	var wg sync.WaitGroup
	errs := make([]error, len(config.Channels))
	for i := range config.Channels {
		c := &config.Channels[i]
		mine := slices.DeleteFunc(slices.Clone(due), func(d notify.Delivery) bool { return d.Channel != c.Name })
		if len(mine) > 0 {
			wg.Go(func() { errs[i] = n.tellOfficer(ctx, c, mine) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// tellOfficer sends what is due over one channel: as one message, but for what is sent again as it was. After one that fails
// the others wait for the next round.
func (n *Node) tellOfficer(ctx context.Context, c *ChannelConfig, due []notify.Delivery) error {
	for _, message := range notify.Messages(due) {
		if err := n.sendNotices(ctx, c, message); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// sendNotices sends one message, and notes on disk before it that it goes and after it how that went.
func (n *Node) sendNotices(ctx context.Context, c *ChannelConfig, due []notify.Delivery) error {
	ch, err := n.channel(c)
	if err == nil {
		m := notify.Render(n.catalog(c.Language), due)
		if err := n.withBook(func(b *notify.Book) bool { b.Begin(due, m.Key, n.now()); return true }); err != nil {
			return err
		}
		err = ch.Send(ctx, m)
	}
	if ctx.Err() != nil && err != nil {
		return nil // the process ends: that is no failure of the channel
	}
	if err := n.withBook(func(b *notify.Book) bool { b.Done(due, n.now(), err); return true }); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("channel %s: %w", c.Name, err)
	}
	return nil
}

// catalog are the words of a language, of the node's where none is named.
func (n *Node) catalog(tag string) *lang.Catalog { return lang.Match(tag, n.config.Language) }

// looked says that somebody has opened what notices are about. It fails silently: whoever looks has
// what they wanted.
func (n *Node) looked(refs ...string) {
	if len(n.notifying().Channels) == 0 {
		return
	}
	err := n.withBook(func(b *notify.Book) bool {
		acked := 0
		for _, ref := range refs {
			acked += b.Ack(ref, "opened", n.now())
		}
		return acked > 0
	})
	if err != nil {
		n.opts.Log.Error("it could not be noted that somebody has looked", "err", err)
	}
}

// NotifyListRequest asks for notices.
type NotifyListRequest struct {
	All bool `json:"all,omitempty"` // also those that somebody has looked at, or that are over
}

// NotifyListResponse lists notices, those that are open first.
type NotifyListResponse struct {
	Channels []string     `json:"channels"` // that are configured
	Plan     NotifyPlan   `json:"plan"`     // how they are used
	Events   []NotifyView `json:"events"`
}

// NotifyPlan is who is told when, as the configuration says it. Secrets are not in it.
type NotifyPlan struct {
	Ways  []NotifyWay  `json:"ways"`
	Rungs []NotifyRung `json:"rungs"`
	Quiet *NotifyQuiet `json:"quiet,omitempty"` // none: at every hour
	// Pinned and QuietPinned say that the configuration file has them: they are not changed here.
	Pinned      bool     `json:"pinned,omitempty"`
	QuietPinned bool     `json:"quiet_pinned,omitempty"`
	Hooks       []string `json:"hooks,omitempty"` // programs that a channel may run
	// Faults are what keeps it from calling anybody in time. It cannot be set so here; the configuration file may have it, and
	// what was set before it was refused.
	Faults []NotifyFault `json:"faults,omitempty"`
}

// NotifyFault is one thing that keeps a plan from doing what it is for.
type NotifyFault struct {
	Code string `json:"code"` // quiet-always, first-late, looks-rarely
	Text string `json:"text"`
}

// NotifyWay is a channel.
type NotifyWay struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`         // webhook, mail, command
	To       []string `json:"to,omitempty"` // the host of a webhook, addresses, or the program
	Language string   `json:"language,omitempty"`
	First    bool     `json:"first"`            // told at once
	Silent   bool     `json:"silent,omitempty"` // nothing is told over it: neither at once nor by a rung
	Pinned   bool     `json:"pinned,omitempty"` // in the configuration file: it is not changed here
	CA       bool     `json:"ca,omitempty"`     // it has certificates of its own
	// What follows is of mail. The password, as any secret, is never shown.
	Server string `json:"server,omitempty"`
	TLS    string `json:"tls,omitempty"`
	User   string `json:"user,omitempty"`
	From   string `json:"from,omitempty"`
}

// NotifyRung is a step of the escalation: who is told when nobody has looked for so long.
type NotifyRung struct {
	After time.Duration `json:"after" jsonschema:"nanoseconds"`
	To    []string      `json:"to"`
}

// NotifyQuiet are hours in which only what is excepted is told.
type NotifyQuiet struct {
	Zone   string   `json:"zone"`
	From   string   `json:"from"` // HH:MM
	To     string   `json:"to"`
	Days   []string `json:"days,omitempty"`   // on which it begins; none: every day
	Except []string `json:"except,omitempty"` // urgencies that are told too; emergency, urgent and calls that ring always are
}

// view is the plan as it is shown.
func (c *NotifyConfig) view() NotifyPlan {
	p := NotifyPlan{Ways: []NotifyWay{}, Rungs: []NotifyRung{}}
	later := map[string]bool{}
	for _, r := range c.Escalate {
		p.Rungs = append(p.Rungs, NotifyRung{time.Duration(r.After), r.To})
		for _, name := range r.To {
			later[name] = true
		}
	}
	for _, ch := range c.Channels {
		w := NotifyWay{Name: ch.Name, Language: ch.Language, Pinned: !ch.set, CA: ch.CAFile != "" || ch.ca != "",
			First: slices.Contains(c.First, ch.Name) || len(c.First) == 0 && !later[ch.Name]}
		w.Silent = !w.First && !later[ch.Name]
		switch {
		case ch.SMTP != nil:
			w.Kind, w.To = "mail", ch.SMTP.To
			w.Server, w.TLS, w.User, w.From = ch.SMTP.Address, cmp.Or(ch.SMTP.TLS, notify.StartTLS), ch.SMTP.User, ch.SMTP.From
		case ch.Webhook != "":
			w.Kind = "webhook"
			if u, err := url.Parse(ch.Webhook); err == nil {
				w.To = []string{u.Host} // what stands behind it is often a secret
			}
		default:
			w.Kind = "command"
			w.To = ch.Command[:min(len(ch.Command), 1)]
			if ch.hook != "" {
				w.To = []string{ch.hook}
			}
		}
		p.Ways = append(p.Ways, w)
	}
	if q := c.Quiet; q != nil {
		p.Quiet = &NotifyQuiet{Zone: cmp.Or(q.Zone, "UTC"), From: q.From, To: q.To, Days: q.Days, Except: q.Except}
	}
	return p
}

// NotifyView is one notice and what became of it.
type NotifyView struct {
	ID      string       `json:"id"`
	Kind    string       `json:"kind"`
	Unit    string       `json:"unit,omitempty"`
	Ref     string       `json:"ref,omitempty"`
	At      time.Time    `json:"at"`
	Urgency string       `json:"urgency"`
	Code    string       `json:"code,omitempty"`
	Seen    time.Time    `json:"seen"` // when this node noticed it
	Acked   time.Time    `json:"acked,omitzero"`
	By      string       `json:"by,omitempty"`
	Gone    time.Time    `json:"gone,omitzero"`  // since when it needs nobody any more
	Need    *notify.Item `json:"need,omitempty"` // what waits, in full
	Sent    []NotifySent `json:"sent,omitempty"`
	// Coming are the channels that are told of it for the first time unless somebody looks before.
	Coming []NotifyComing `json:"coming,omitempty"`
	Labels Labels         `json:"labels,omitempty"`
}

// NotifySent is what became of a notice on one channel.
type NotifySent struct {
	Channel string    `json:"channel"`
	Done    time.Time `json:"done,omitzero"` // when the channel took it
	Tries   int       `json:"tries"`
	Next    time.Time `json:"next,omitzero"` // when it is tried again
	Error   string    `json:"error,omitempty"`
}

// NotifyComing is a channel that has not had a notice yet.
type NotifyComing struct {
	Channel   string    `json:"channel"`
	At        time.Time `json:"at"`                  // at the earliest
	Escalated bool      `json:"escalated,omitempty"` // told because nobody has looked by then
	Quiet     bool      `json:"quiet,omitempty"`     // quiet hours hold it back until then
}

// ComingKey is the key of the words for it in the catalogs; the time is "at".
func ComingKey(x NotifyComing) string {
	switch {
	case x.Quiet && x.Escalated:
		return "ui.coming-quiet-unseen"
	case x.Quiet:
		return "ui.coming-quiet"
	case x.Escalated:
		return "ui.coming-unseen"
	}
	return "ui.coming"
}

// Notices lists what a duty officer was told, or is about to be.
func (n *Node) Notices(_ context.Context, r NotifyListRequest) (*NotifyListResponse, error) {
	config := n.notifying()
	res := &NotifyListResponse{Channels: []string{}, Plan: n.planView(config), Events: []NotifyView{}}
	for _, c := range config.Channels {
		res.Channels = append(res.Channels, c.Name)
	}
	plan, err := config.plan()
	if err != nil {
		return nil, err
	}
	now := n.now()
	err = n.withBook(func(b *notify.Book) bool {
		for _, rec := range b.List(r.All) {
			e := rec.Event
			v := NotifyView{ID: e.ID, Kind: e.Kind, Unit: e.Unit, Ref: e.Ref, At: e.At, Urgency: e.Urgency, Code: e.Code, Seen: rec.Seen, Acked: rec.Acked, By: rec.By, Gone: rec.Gone, Need: e.Need}
			for _, c := range res.Channels {
				if s := rec.Sent[c]; s != nil {
					v.Sent = append(v.Sent, NotifySent{c, s.Done, s.Tries, s.Next, s.Error})
				}
			}
			for _, c := range rec.Coming(now, plan) {
				v.Coming = append(v.Coming, NotifyComing(c))
			}
			res.Events = append(res.Events, v)
		}
		return false
	})
	return res, err
}

// NotifyAckRequest says that somebody has looked: ID is a notice's, a prefix of it, or "all".
type NotifyAckRequest struct {
	Acting
	ID string `json:"id"`
}

// NotifyAckResponse counts what was confirmed.
type NotifyAckResponse struct {
	Confirmed int `json:"confirmed"`
}

// AckNotice ends the escalation of a notice.
func (n *Node) AckNotice(_ context.Context, r NotifyAckRequest) (*NotifyAckResponse, error) {
	res := new(NotifyAckResponse)
	by := n.by(r.By)
	err := n.withBook(func(b *notify.Book) bool {
		res.Confirmed = b.Ack(r.ID, by.Agency+":"+by.Role, n.now())
		return res.Confirmed > 0
	})
	if err != nil {
		return nil, err
	}
	if res.Confirmed == 0 && r.ID != "all" {
		return nil, notFound("No open notice has the id "+r.ID+".", "List them with 'entente notify list'; a prefix has at least four digits.")
	}
	return res, nil
}

// NotifyTestRequest tries the channels: Channel is the name of one, or empty for all.
type NotifyTestRequest struct {
	Channel string `json:"channel,omitempty"`
}

// NotifyTestResponse says how each went.
type NotifyTestResponse struct {
	Channels []NotifyTested `json:"channels"`
}

// NotifyTested is one channel that was tried.
type NotifyTested struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
	Error   string `json:"error,omitempty"`
}

// TestNotices sends a notice of kind test over channels at once, quiet hours or not. It is not kept.
func (n *Node) TestNotices(ctx context.Context, r NotifyTestRequest) (*NotifyTestResponse, error) {
	res := &NotifyTestResponse{Channels: []NotifyTested{}}
	config := n.notifying()
	for i := range config.Channels {
		c := &config.Channels[i]
		if r.Channel != "" && r.Channel != c.Name {
			continue
		}
		now := n.now()
		id := notify.IDOf(notify.KindTest, c.Name, now.UTC().Format(time.RFC3339Nano))
		t := NotifyTested{Channel: c.Name, OK: true}
		ch, err := n.channel(c)
		if err == nil {
			err = ch.Send(ctx, notify.Render(n.catalog(c.Language), []notify.Delivery{{Channel: c.Name, Key: id, Try: 1, Event: notify.Event{ID: id, Kind: notify.KindTest, At: now, Urgency: "routine"}}}))
		}
		if err != nil {
			t.OK, t.Error = false, err.Error()
		}
		res.Channels = append(res.Channels, t)
	}
	if len(res.Channels) == 0 {
		return nil, notFound("There is no such channel.", "Set one with 'entente notify set', or in the part notify of "+configPath(n.at.dir)+"; docs/operations.md has examples.")
	}
	return res, nil
}
