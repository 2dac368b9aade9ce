package outlet

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entente/internal/notify"
	"entente/internal/watch/sighting"
)

// choosy takes messages of all machines but one, or nothing at all.
type choosy struct {
	taking
	not   string
	none  bool
	tries int // with what it does not take
	why   error
}

func (*choosy) Make(x Item) ([]byte, error) { return []byte(x.Sighting.Host), nil }

func (s *choosy) Send(ctx context.Context, list []Message) error {
	for _, m := range list {
		if string(m.Text) == s.not || s.none {
			if len(list) == 1 {
				s.tries++
			}
			return s.why
		}
	}
	return s.taking.Send(ctx, list)
}

// until sends until it is so.
func until(t *testing.T, o *Outlet, what string, ok func() bool) {
	t.Helper()
	for range 100_000 {
		if ok() {
			return
		}
		o.Turn(t.Context())
		if o.out > 0 {
			err := <-o.done
			o.settle(o.o.Now(), err)
		}
	}
	t.Fatalf("%s: %+v", what, o.Stats())
}

// TestRefusedIsSetAside: a message that a receiver refuses for good holds up no other; it is set aside after some tries, told, not sent again by the next run,
// and tried again when it says twice as much.
func TestRefusedIsSetAside(t *testing.T) {
	s := &choosy{not: "10.0.0.3", why: refusal{errors.New("too odd")}}
	o, table := outletTo(s)
	var aside []Message
	o.o.Aside = func(m Message, why error) {
		if !strings.Contains(why.Error(), "too odd") {
			t.Error(why)
		}
		aside = append(aside, m)
	}
	fill(o, table, 150)
	until(t, o, "the others are not taken", func() bool { return o.Stats().Sent == 149 })
	if len(aside) == 0 { // one more has to be taken after it was refused, or it is the receiver that refuses
		fill(o, table, 1)
	}
	until(t, o, "it is not set aside", func() bool { return o.Stats().Aside == 1 })
	flush(t, o)
	if len(aside) != 1 || string(aside[0].Text) != "10.0.0.3" || aside[0].ID == "" || s.tries != maxRefused {
		t.Fatalf("%v, tried %d times alone", aside, s.tries)
	}
	var odd *sighting.Sighting
	for _, x := range table.All() {
		if x.Host == s.not {
			odd = x
		} else if x.Sent["k"] != x.Count() {
			t.Errorf("%s was not taken", x.Host)
		}
	}
	// The next run.
	text, err := json.Marshal(table.All())
	if err != nil {
		t.Fatal(err)
	}
	var list []*sighting.Sighting
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	next := &choosy{not: s.not, why: s.why}
	again, _ := outletTo(next)
	for _, x := range list {
		again.Add(x)
	}
	flush(t, again)
	if next.tries > 0 || len(next.ids) > 0 {
		t.Errorf("it is sent again: %d tries, %v", next.tries, next.ids)
	}
	// It grows, and the receiver was mended.
	s.not = ""
	sent := o.Stats().Sent
	for odd.Count() < 2 {
		x, _ := table.Add(hit(3, day))
		o.Add(x)
	}
	flush(t, o)
	if o.Stats().Sent != sent+1 || odd.Sent["k"] != 2 || len(odd.Aside) > 0 {
		t.Errorf("%+v: %+v", o.Stats(), odd)
	}
}

// TestWhoRefusesAll: a receiver that refuses everything, as one that was given a wrong secret, makes nothing be set aside; neither does one that is gone.
func TestWhoRefusesAll(t *testing.T) {
	for _, why := range []error{refusal{errors.New("the webhook answered 401")}, errors.New("gone")} {
		s := &choosy{none: true, why: why}
		o, table := outletTo(s)
		told := 0
		o.o.Tell = func(error) { told++ }
		fill(o, table, 150)
		until(t, o, "it is not tried again", func() bool { return s.tries > 20*maxRefused })
		if x := o.Stats(); x.Aside != 0 || x.Sent != 0 || x.Waiting != 150 || told != 1 || o.pause != lastPause {
			t.Errorf("%v: %+v, told %d times, pause %v", why, x, told, o.pause)
		}
		s.none = false
		until(t, o, "it does not go on", func() bool { return o.Stats().Waiting == 0 && o.out == 0 })
		if x := o.Stats(); x.Aside != 0 || x.Sent != 150 {
			t.Errorf("%v: %+v", why, x)
		}
	}
}

// TestReceiversRefuse: a webhook that answers 4xx, but for 408 and 429, and a receiver of syslog that ends the connection refuse; who is slow, busy or gone does not.
func TestReceiversRefuse(t *testing.T) {
	list := []Message{{ID: "id", Text: []byte("{}")}}
	for status, want := range map[int]bool{400: true, 413: true, 422: true, 401: true, 408: false, 429: false, 500: false, 503: false, 302: false} {
		srv := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(status) }))
		err := (&Webhook{To: &notify.Webhook{URL: srv.URL, Secret: []byte("0123456789abcdef"), Now: time.Now}}).Send(t.Context(), list)
		srv.Close()
		if got := errors.As(err, new(refusal)); err == nil || got != want {
			t.Errorf("%d: %v", status, err)
		}
	}
	l := listen(t)
	address := l.Addr().String()
	serve(t, l, func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	s := &Syslog{Network: "tcp", Address: address, Host: "watcher"}
	if err := s.Send(t.Context(), list); !errors.As(err, new(refusal)) {
		t.Errorf("%v", err)
	}
	slow := listen(t)
	defer slow.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := (&Syslog{Network: "tcp", Address: slow.Addr().String(), Host: "watcher"}).Send(ctx, list); err == nil || errors.As(err, new(refusal)) {
		t.Errorf("%v", err)
	}
	gone := listen(t)
	gone.Close()
	if err := (&Syslog{Network: "tcp", Address: gone.Addr().String(), Host: "watcher"}).Send(t.Context(), list); err == nil || errors.As(err, new(refusal)) {
		t.Errorf("%v", err)
	}
}
