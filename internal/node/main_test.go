package node

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"testing"

	"entente/internal/store/storetest"
)

// TestMain makes the tests cost less: their folders lie in memory, and garbage, of which
// nodes that start and stop leave much beside little that lives, is collected less
// often. Where much lives it is collected as usual.
func TestMain(m *testing.M) {
	if err := storetest.FoldersInMemory(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		if debug.SetMemoryLimit(-1) == math.MaxInt64 {
			debug.SetMemoryLimit(1 << 30)
		}
	}
	os.Exit(m.Run())
}
