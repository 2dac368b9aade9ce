package node

import (
	"path/filepath"
	"testing"
)

// A node that listens to nobody tells nobody an address: otherwise it would wait
// for partners to call that never can.
func TestInitWithoutListeningTellsNoAddress(t *testing.T) {
	for _, listen := range []string{"", "none"} {
		dir := filepath.Join(t.TempDir(), "node")
		must[*InitResult](t)(Init(t.Context(), dir, InitOptions{Name: "South", PeerListen: listen}, testOptions(t)))
		n := must[*Node](t)(Open(t.Context(), dir, testOptions(t)))
		if got := n.keys().id.Addresses; len(got) != 0 || n.Config().Peer.Listen != "" || len(n.Config().Peer.Advertise) != 0 {
			t.Errorf("listening to %q it tells %q", listen, got)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Init(t.Context(), filepath.Join(t.TempDir(), "node"), InitOptions{Name: "South", Advertise: []string{"nowhere"}}, testOptions(t)); err == nil {
		t.Error("an address without a port was taken")
	}
}
