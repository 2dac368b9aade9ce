package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/journal"

	"entente/internal/store/storetest"
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

// A node that stops between a unit's genesis and its high-water mark goes on
// with it: nobody was told of more.
func TestCrashAtFoundingDoesNotRetire(t *testing.T) {
	storetest.FoldersOnDisk(t)
	ctx := t.Context()
	p := newParty(t, "North")
	u := must[*UnitRef](t)(p.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	p.stop()
	// As the disk was before the mark of the genesis: the mark of nothing.
	mark := filepath.Join(p.dir, "highwater", strings.TrimPrefix(u.Origin, "entente/"))
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	empty := "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	if err := os.WriteFile(mark, []byte(u.Origin+"\n0\n"+empty+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	must[*WriteResponse](t)(p.Suspend(ctx, UnitSuspendRequest{}))
	// Without any mark nothing is signed.
	p.stop()
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	p.start()
	if _, err := p.Suspend(ctx, UnitSuspendRequest{}); code(err) != CodeRetired {
		t.Fatalf("signed without a mark: %v", err)
	}
	if p.ledgers[journal.UnitID(u.Unit)].own != nil {
		t.Fatal("the journal is open for writing")
	}
}

// An old copy in which the own journal is still empty must not begin it a second
// time: that would be a fork of ourselves. With the organisation key it goes on.
func TestEmptyCopyIsNotBegunAgain(t *testing.T) {
	ctx := t.Context()
	p := newParty(t, "North")
	u := must[*UnitRef](t)(p.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	p.stop()
	for _, dir := range []string{filepath.Join(p.dir, "highwater"), filepath.Join(p.dir, "units", u.Unit, "journals")} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	if _, err := p.Suspend(ctx, UnitSuspendRequest{}); code(err) != CodeRetired {
		t.Fatalf("signed a second beginning: %v", err)
	}
	units := must[[]RestoredUnit](t)(p.Succeed(ctx, p.orgText()))
	if len(units) != 1 || units[0].State != "successor" || units[0].Origin == u.Origin {
		t.Fatalf("%+v", units)
	}
	must[*WriteResponse](t)(p.Suspend(ctx, UnitSuspendRequest{}))
}
