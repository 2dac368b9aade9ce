package peer

import (
	"errors"
	"testing"
)

// What a party says its addresses are is any text. One that is no address is passed over: a session that waited for
// its request to be over, which was none, held its partner's turn for ever and kept the node from stopping.
func TestAddressThatIsNone(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{}, nil)
	c := a.client(t, a.party, Limits{})
	for _, bad := range []string{"[::1", "a b:1", "%zz", "a:b:c", `x\y`, " ", "/"} {
		to := b.target()
		to.Addresses = []string{bad}
		if _, err := c.Sync(t.Context(), to, nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%q: %v", bad, err)
		}
		to.Addresses = append(to.Addresses, b.addr)
		if _, err := c.Sync(t.Context(), to, nil); err != nil {
			t.Errorf("%q and one that is one: %v", bad, err)
		}
	}
}
