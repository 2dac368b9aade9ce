package store_test

import (
	"strings"
	"testing"

	"entente/internal/store/storetest"
)

// TestMaxPayload reaches the bound on one payload: written, and found on the disk.
func TestMaxPayload(t *testing.T) {
	const most = 16 << 20
	d := storetest.NewDisk()
	p := openPayloads(t, d)
	in, out := payload(1, most), payload(2, most+1)
	if err := p.Put(in); err != nil {
		t.Error(err)
	}
	if _, data, err := p.Get(in.Commitment); err != nil || len(data) != most {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	for _, name := range d.Names() {
		if content := d.Content(name); len(content) > most {
			d.Set(name, append(content, 0))
		}
	}
	if _, _, err := p.Get(in.Commitment); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("a longer file was read: %v", err)
	}
	if err := p.Put(out); err == nil || !strings.Contains(err.Error(), "over the limit") {
		t.Errorf("one byte more was kept: %v", err)
	}
}
