package taxii

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLimitsOfEnvelopes reaches the bounds on the frame around objects.
func TestLimitsOfEnvelopes(t *testing.T) {
	members := func(n int) error {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"m%d":0`, i)
		}
		_, err := readEnvelope([]byte("{"+b.String()[1:]+"}"), 1)
		return err
	}
	name := func(n int) error {
		_, err := readEnvelope([]byte(`{"`+strings.Repeat("n", n-2)+`":0}`), 1)
		return err
	}
	items := func(n int) error {
		_, err := readEnvelope([]byte(`{"objects":[0`+strings.Repeat(",0", n-1)+`]}`), maxPageItems)
		return err
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"maxMembers", members(maxMembers), members(maxMembers + 1)},
		{"maxMemberName", name(maxMemberName), name(maxMemberName + 1)},
		{"maxPageItems", items(maxPageItems), items(maxPageItems + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	if !errors.Is(items(maxPageItems+1), errTooMany) {
		t.Error("too many elements are not told as that")
	}
}

// TestLimitsOfStatuses: the oldest request that is done makes room, one that is under way never does.
func TestLimitsOfStatuses(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	request := func(s *statuses, n, total int, at time.Time, done bool) {
		p := &posted{id: fmt.Sprint(n), at: at, total: total, done: make(chan struct{})}
		if done {
			close(p.done)
		}
		s.add(p)
	}
	kept := func(s *statuses, n int) bool { return s.find("", "", fmt.Sprint(n)) != nil }

	var many statuses
	request(&many, -1, 0, at, false)
	for n := range maxStatuses - 1 {
		request(&many, n, 0, at, true)
	}
	if !kept(&many, 0) {
		t.Error("within maxStatuses one was forgotten")
	}
	request(&many, maxStatuses, 0, at, true)
	if kept(&many, 0) || !kept(&many, 1) || !kept(&many, -1) || len(many.order) != maxStatuses {
		t.Errorf("beyond maxStatuses %d are kept", len(many.order))
	}

	var large statuses
	request(&large, 0, maxStatusObjects-1, at, true)
	request(&large, 1, 1, at, true)
	if !kept(&large, 0) {
		t.Error("within maxStatusObjects one was forgotten")
	}
	request(&large, 2, 1, at, true)
	if kept(&large, 0) || !kept(&large, 1) || large.objects != 2 {
		t.Errorf("beyond maxStatusObjects: %d objects", large.objects)
	}

	var old statuses
	request(&old, 0, 1, at, true)
	request(&old, 1, 1, at.Add(maxStatusAge), true)
	if !kept(&old, 0) {
		t.Error("within maxStatusAge it was forgotten")
	}
	request(&old, 2, 1, at.Add(maxStatusAge+1), true)
	if kept(&old, 0) || !kept(&old, 1) {
		t.Error("beyond maxStatusAge it is kept")
	}

	p := &posted{total: 1, objects: [][]byte{nil}, done: make(chan struct{})}
	p.decide([]Result{{Message: strings.Repeat("ü", maxMessage)}})
	if m := p.results[0].Message; len(m) > maxMessage || len(m) < maxMessage-1 {
		t.Errorf("a message of %d bytes", len(m))
	}
}
