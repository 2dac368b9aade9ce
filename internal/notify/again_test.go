package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"entente/internal/lang"
)

// TestSameMessageAgain: what may have been taken is sent again as the message that it was, also where something else is due with
// it; what was certainly not taken goes with the rest.
func TestSameMessageAgain(t *testing.T) {
	p := Plan{First: []string{"desk"}}
	for _, c := range []struct {
		name string
		ends func(*Book, []Delivery) *Book
		same bool
	}{
		{"the process ends", func(b *Book, _ []Delivery) *Book {
			text, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			b = new(Book)
			if err := json.Unmarshal(text, b); err != nil {
				t.Fatal(err)
			}
			return b
		}, true},
		{"the other end is silent", func(b *Book, due []Delivery) *Book {
			b.Done(due, noon, fmt.Errorf("mail: %w", ErrUncertain))
			return b
		}, true},
		{"it is another channel since", func(b *Book, due []Delivery) *Book {
			b.Done(due, noon, fmt.Errorf("mail: %w", ErrUncertain))
			b.Renew("desk")
			return b
		}, true},
		{"the other end refuses", func(b *Book, due []Delivery) *Book {
			b.Done(due, noon, errors.New("550 not here"))
			return b
		}, false},
	} {
		b := new(Book)
		events := []Event{event("1111", "urgent"), event("2222", "urgent")}
		b.Observe(noon, events)
		due := b.Due(noon, p)
		first := Render(lang.English(), due)
		b.Begin(due, first.Key, noon)
		b = c.ends(b, due)
		later := noon.Add(time.Minute)
		b.Observe(later, append(events, event("3333", "emergency")))
		keys := map[string]int{}
		for _, m := range Messages(b.Due(later, p)) {
			r := Render(lang.English(), m)
			keys[r.Key] = r.Count
			b.Begin(m, r.Key, later)
			b.Done(m, later, nil)
		}
		if c.same && (len(keys) != 2 || keys[first.Key] != 2) || !c.same && (len(keys) != 1 || keys[first.Key] != 0) {
			t.Errorf("%s: the first message was %s, then came %v", c.name, first.Key, keys)
		}
		if more := b.Due(later.Add(48*time.Hour), p); len(more) != 0 {
			t.Errorf("%s: and again %+v", c.name, more)
		}
	}
}

// TestWhatIsNotKnown: a channel tells a message that it may have taken from one that it has not.
func TestWhatIsNotKnown(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler) // without a word
	}))
	defer hook.Close()
	w := &Webhook{URL: hook.URL, Secret: secret, Now: clockAt}
	if err := w.Send(t.Context(), message("")); !errors.Is(err, ErrUncertain) {
		t.Errorf("a webhook that has read all and says nothing: %v", err)
	}
	hook.Close()
	if err := w.Send(t.Context(), message("")); err == nil || errors.Is(err, ErrUncertain) {
		t.Errorf("nobody is there: %v", err)
	}
	for name, c := range map[string]struct {
		server    *mailServer
		uncertain bool
	}{"refused after all of it": {&mailServer{after: "554 no"}, false}, "gone after all of it": {&mailServer{after: "gone"}, true}, "gone before": {&mailServer{refuse: "DATA"}, false}} {
		s, roots := newMailServer(t, c.server)
		m := Mail{Address: s.listener.Addr().String(), TLS: StartTLS, From: "node@north.example", To: []string{"duty@north.example"}, Roots: roots, Now: clockAt}
		if err := m.Send(t.Context(), message("")); err == nil || errors.Is(err, ErrUncertain) != c.uncertain {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := (&Webhook{URL: "https://" + l.Addr().String(), Secret: secret, Now: clockAt}).Send(ctx, message("")); err == nil || errors.Is(err, ErrUncertain) {
		t.Errorf("nothing was said in secret yet: %v", err)
	}
}
