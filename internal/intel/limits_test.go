package intel

import (
	"fmt"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md on what one payload may hold: the
// objects up to there are looked at, and the payload counts as broken off, so that it
// is held as a whole.
func TestLimits(t *testing.T) {
	object := func(i int, rest string) string {
		return fmt.Sprintf(`{"type":"indicator","id":"indicator--%08x-0000-4000-8000-000000000001"%s}`, i, rest)
	}
	payload := func(n int, rest string) []byte {
		var list []string
		for i := range n {
			list = append(list, object(i, rest))
		}
		return []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[` + strings.Join(list, ",") + `]}`)
	}
	many := `,"x":[` + strings.TrimSuffix(strings.Repeat("0,", 1000), ",") + `]` // 1007 values an object
	for _, x := range []struct {
		limit            string
		plain            []byte
		objects, invalid int
	}{
		{"maxPayloadObjects, within", payload(maxPayloadObjects, ""), maxPayloadObjects, 0},
		{"maxPayloadObjects", payload(maxPayloadObjects+1, ""), maxPayloadObjects, 1},
		{"maxPayloadValues, within", payload(maxPayloadValues/1007, many), maxPayloadValues / 1007, 0},
		{"maxPayloadValues", payload(maxPayloadValues/1007+1, many), maxPayloadValues / 1007, 1},
	} {
		objects, invalid, err := readPayload(x.plain)
		if err != nil || len(objects) != x.objects || int(invalid) != x.invalid {
			t.Errorf("%s: %d objects and %d that are none, want %d and %d (%v)", x.limit, len(objects), invalid, x.objects, x.invalid, err)
		}
	}
}
