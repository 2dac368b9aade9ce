package input

import (
	"os"
	"testing"
)

// TestRotatedTwice: of a log that is watched alone and that was rotated several times while nothing ran, the parts in between are read, in their order, and not what was there before it was watched or is
// something else.
func TestRotatedTwice(t *testing.T) {
	b := newBench(t)
	b.write("x.log.1", lines(90, 95)) // nobody asked for it
	b.write("x.log", lines(0, 10))
	b.once(true, b.path("x.log"))
	b.has("first", 10)
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(b.path(from), b.path(to)); err != nil {
			t.Fatal(err)
		}
	}
	b.add("x.log", lines(10, 12))
	rename("x.log.1", "x.log.2")
	rename("x.log", "x.log.1")
	b.write("x.log", lines(12, 15)) // nothing runs from its beginning to its end
	rename("x.log.2", "x.log.3")
	rename("x.log.1", "x.log.2")
	rename("x.log", "x.log.1")
	b.write("x.log.bak", lines(80, 85))
	b.write("xy.log", lines(70, 75))
	b.write("x.log", lines(15, 20))
	b.once(true, b.path("x.log"))
	b.has("rotated twice", 20)
	b.once(true, b.path("x.log"))
	b.has("again", 20)
	// The first of the parts is gone already, the second is packed.
	b.add("x.log", lines(20, 25))
	rename("x.log", "x.log.1")
	b.write("x-20261201.log.gz", packed(t, lines(25, 30)))
	b.write("x.log", lines(30, 31))
	b.once(true, b.path("x.log"))
	b.has("packed", 31)
	if len(b.problems) > 0 {
		t.Error(b.problems)
	}
	if err := os.Remove(b.path("x.log")); err != nil {
		t.Fatal(err)
	}
	b.write("x-20261202.log.gz", packed(t, lines(31, 35)))
	b.write("x.log", lines(35, 36))
	b.once(true, b.path("x.log"))
	b.has("gone", 36)
	if len(b.problems) != 1 || b.problems[0] != "rotated" {
		t.Error(b.problems)
	}
}

// TestParts: which names are those of parts of a log.
func TestParts(t *testing.T) {
	for name, want := range map[string]bool{
		"dns.log.1": true, "dns.log.12.gz": true, "dns.log-20261201": true, "dns-20261201.log.xz": true, "dns.2026-12-01-10-00-00.log.zst": true, "dns.10:00:00-11:00:00.log.gz": true, "dns_2026-12-01T10.log": true,
		"dns.log": false, "dns.log.gz": false, "dns.log.bak": false, "dns-old.log": false, "dnsmasq.log.1": false, "dns.log.": false, "dns2.log": false, "conn.log.1": false,
	} {
		if got := part(name, "dns.log"); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !part("messages-20261201", "messages") || part("messages", "messages") || part("1", "") {
		t.Error("names without an ending")
	}
}
