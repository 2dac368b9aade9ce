package journal_test

import (
	"context"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
)

// resources lets the standard client of torchwood read a journal.
type resources struct{ st journal.Storage }

func (r resources) ReadTiles(_ context.Context, tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		b, err := journal.Resource(r.st, torchwood.TilePath(t))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}
func (r resources) SaveTiles([]tlog.Tile, [][]byte) {}
func (r resources) ReadEndpoint(_ context.Context, path string) ([]byte, error) {
	return journal.Resource(r.st, path)
}

func TestTilesAreReadByAStandardClient(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 700)...)
	cp, err := journal.Resource(a.st, "checkpoint")
	ok(t, err)
	c, _, err := torchwood.VerifyCheckpoint(cp, a.w.Keyring().Policy(701))
	ok(t, err)
	client, err := torchwood.NewClient(resources{a.st})
	ok(t, err)
	n := int64(0)
	for i, e := range client.AllEntries(context.Background(), c.Tree, 0) {
		parsed, err := journal.ParseEntry(e)
		ok(t, err)
		if parsed.Index != i || i != n {
			t.Fatalf("entry %d came as %d", parsed.Index, i)
		}
		n++
	}
	ok(t, client.Err())
	if n != 701 {
		t.Fatalf("the client read %d entries", n)
	}
	for _, path := range []string{"", "tile", "tile/0/003", "tile/1/001", "tile/7/000", "tile/entries/002.p/190", "tile/entries/003", "../x", "tile/0/x999", "tile/0/000.p/0"} {
		_, err := journal.Resource(a.st, path)
		wantIs(t, err, journal.ErrNoResource)
	}
	for path, size := range map[string]int{"tile/0/000": 256 * 32, "tile/0/002.p/189": 189 * 32, "tile/1/000.p/2": 64} {
		b, err := journal.Resource(a.st, path)
		ok(t, err)
		if len(b) != size {
			t.Fatalf("%s has %d bytes, want %d", path, len(b), size)
		}
	}
	_, err = journal.Resource(newStore(), "checkpoint")
	wantIs(t, err, journal.ErrNoResource)
}
