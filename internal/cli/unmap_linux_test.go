package cli

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestProgramMappings: what was changed is left alone, also if it was swapped out, when no page of it counts as one of no file any more; and what is not said to be unchanged.
func TestProgramMappings(t *testing.T) {
	const text = `00400000-01c8d000 r-xp 00000000 fe:00 1   /usr/bin/ent ente
Size:              25140 kB
Rss:               14132 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd ex
01c8d000-03a64000 r--p 0188d000 fe:00 1   /usr/bin/ent ente
Rss:               15132 kB
Anonymous:             0 kB
Swap:                  0 kB
03a64000-03a65000 r--p 03664000 fe:00 1   /usr/bin/ent ente
Anonymous:             4 kB
Swap:                  0 kB
03a65000-03c80000 rw-p 03664000 fe:00 1   /usr/bin/ent ente
Anonymous:             0 kB
Swap:                  0 kB
03c80000-05cd2000 rw-p 00000000 00:00 0
Anonymous:             0 kB
Swap:                  0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 2   /usr/lib/other/usr/bin/ent ente2
Anonymous:             0 kB
Swap:                  0 kB
7f0000002000-7f0000001000 r-xp 00000000 fe:00 1   /usr/bin/ent ente
Anonymous:             0 kB
Swap:                  0 kB
x-y r-xp 00000000 fe:00 1   /usr/bin/ent ente
Anonymous:             0 kB
Swap:                  0 kB
7f0000003000-7f0000004000 r--p 00000000 fe:00 1   /usr/bin/ent ente
Anonymous:             0 kB
Swap:                  4 kB
SwapPss:               4 kB
7f0000005000-7f0000006000 r--p 00000000 fe:00 1   /usr/bin/ent ente
Swap:                  0 kB
`
	got := programMappings(bufio.NewScanner(strings.NewReader(text)), "/usr/bin/ent ente")
	if want := []mapping{{0x400000, 0x188d000}, {0x1c8d000, 0x1dd7000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestUnmapProgram: less of the program is resident, and it goes on.
func TestUnmapProgram(t *testing.T) {
	before := residentProgram(t)
	for range 3 {
		unmapProgram()
	}
	if after := residentProgram(t); after >= before*3/4 {
		t.Errorf("%d KiB of the program were resident, and %d are", before, after)
	}
	if rest := slices.Sorted(slices.Values([]string{"b", "a"})); rest[0] != "a" {
		t.Error(rest)
	}
}

// residentProgram gives how much of the memory that this process has is that of files, in KiB.
func residentProgram(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "RssFile:")
	if !ok {
		t.Skip("this kernel does not tell how much of a file is resident")
	}
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
