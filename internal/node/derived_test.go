package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedObjectsAreDerivedAgain: what is derived may be damaged or gone; the next
// start makes it again from the local log.
func TestDamagedObjectsAreDerivedAgain(t *testing.T) {
	ctx := t.Context()
	p := newParty(t, "North")
	must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: "feed"}, strings.NewReader(oneIndicator), nil))
	before := must[*StatusResponse](t)(p.Status(ctx)).Objects
	p.stop()
	hurt := 0
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(p.dir, "objects"))) {
		if name := filepath.Join(p.dir, "objects", e.Name()); strings.HasPrefix(e.Name(), "MANIFEST") {
			text := must[[]byte](t)(os.ReadFile(name))
			for i := range text {
				text[i] ^= 0x55
			}
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			hurt++
		}
	}
	if hurt == 0 {
		t.Fatal("no manifest was found")
	}
	p.start()
	if after := must[*StatusResponse](t)(p.Status(ctx)).Objects; after != before || after.Accepted == 0 {
		t.Errorf("derived again: %+v, before: %+v", after, before)
	}
}
