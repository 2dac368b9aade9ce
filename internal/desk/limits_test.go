package desk_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"entente/internal/desk"
)

// TestLimits reaches the bounds of docs/limits.md on requests.
func TestLimits(t *testing.T) {
	send := func(b desk.Body) error {
		b.Type, b.Urgency = "information", "urgent"
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		_, err = desk.ParseBody(desk.Send, raw)
		return err
	}
	fields := func(n int) error { return send(desk.Body{Fields: strings.Split(strings.Repeat("x,", n-1)+"x", ",")}) }
	field := func(n int) error { return send(desk.Body{Fields: []string{strings.Repeat("x", n)}}) }
	code := func(n int) error { return send(desk.Body{Code: strings.Repeat("x", n)}) }
	agency := func(n int) error { return send(desk.Body{Agency: strings.Repeat("é", n)}) }
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"MaxFields", fields(desk.MaxFields), fields(desk.MaxFields + 1)},
		{"MaxToken of a field", field(desk.MaxToken), field(desk.MaxToken + 1)},
		{"MaxToken of a code", code(desk.MaxToken), code(desk.MaxToken + 1)},
		{"MaxToken of an agency", agency(desk.MaxToken), agency(desk.MaxToken + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	c := newConversation(t)
	c.move(south, desk.Acknowledge, "")
	c.move(south, desk.Accept, "")
	for range desk.MaxMoves - 3 { // send, acknowledge, accept
		c.move(south, desk.Progress, "")
	}
	c.move(south, desk.Progress, desk.CodeTooMany)
	c.move(north, desk.Withdraw, desk.CodeTooMany)
}
