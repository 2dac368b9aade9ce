package unit

import (
	"strings"
	"testing"

	"entente/journal"
)

// TestLimits reaches the bounds of docs/limits.md on what entries say.
func TestLimits(t *testing.T) {
	names := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = "x"
		}
		return out
	}
	types := func(n int) map[string]int64 {
		out := map[string]int64{}
		for i := range n {
			out["t"+strings.Repeat("x", i%100)+string(rune('a'+i/100))] = 1
		}
		return out
	}
	long := func(n int) string { return strings.Repeat("é", n) }
	note := func(size int64) string {
		return payloadFlaw(&record{kind: KindReserve, payload: &journal.PayloadRef{Size: size, Type: journal.PayloadText}}).code
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"maxScope", checkNames("scope", names(maxScope), 1, maxScope), checkNames("scope", names(maxScope+1), 1, maxScope)},
		{"maxToken", checkName("code", long(maxToken), true), checkName("code", long(maxToken+1), true)},
		{"maxTypes", (&ContentBody{Types: types(maxTypes)}).check(), (&ContentBody{Types: types(maxTypes + 1)}).check()},
		{"maxNames", (&ContentBody{Sectors: names(maxNames)}).check(), (&ContentBody{Sectors: names(maxNames + 1)}).check()},
		{"maxObjects", (&ContentBody{Objects: maxObjects - 1}).check(), (&ContentBody{Objects: maxObjects}).check()},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	if note(maxNote) != "" || note(maxNote+1) != CodeUnexpected {
		t.Errorf("maxNote: %q and %q", note(maxNote), note(maxNote+1))
	}
}
