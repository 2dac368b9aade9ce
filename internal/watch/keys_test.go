package watch

import (
	"errors"
	"fmt"
	"testing"
)

// TestKeysAreBounded: a table has an end, and no key that could not end one of JSON.
func TestKeysAreBounded(t *testing.T) {
	var all []Key
	for i := range MaxKeys {
		all = append(all, Key{Name: fmt.Sprintf("key%d", i), Look: LookHost})
	}
	if _, err := NewKeys(all...); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]Key{
		"one more":     append(all, Key{Name: "one-more", Look: LookHost}),
		"empty":        {{Look: LookHost}},
		"quotation":    {{Name: `a"b`, Look: LookHost}},
		"backslash":    {{Name: `a\`, Look: LookHost}},
		"without look": {{Name: "a"}},
	} {
		if _, err := NewKeys(keys...); !errors.Is(err, ErrKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
