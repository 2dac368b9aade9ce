package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestMemoryGoalFollows: the goal of the memory manager lies above what is in use, also where that grew after the start, is not moved
// by what is in use for a moment, and comes down again.
func TestMemoryGoalFollows(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	var m memory
	look := func() int64 {
		m.aim()
		return debug.SetMemoryLimit(-1)
	}
	const much = 64 << 20
	runtime.GC()
	first := look()
	if first < memoryGoal {
		t.Fatalf("a goal of %d bytes", first)
	}
	journals := make([]byte, much)
	runtime.GC()
	for i := range memorySpan - 1 {
		if goal := look(); goal > first {
			t.Fatalf("after %d looks a goal of %d bytes, before %d", i+1, goal, first)
		}
	}
	if goal := look(); goal < memoryGoal+much {
		t.Errorf("a goal of %d bytes, with %d in use for long", goal, much)
	}
	runtime.KeepAlive(journals)
	runtime.GC()
	if goal := look(); goal >= memoryGoal+much {
		t.Errorf("a goal of %d bytes, when no more than %d were in use", goal, m.used[len(m.used)-1])
	}
}
