package stix

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md.
func TestLimits(t *testing.T) {
	object := func(rest string) error {
		_, err := Parse([]byte(`{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001"` + rest + `}`))
		return err
	}
	values := func(n int) string { // with the values that the object has anyway, n in all
		const have = 1 + 4 + 2
		return `,"x":[` + strings.TrimSuffix(strings.Repeat("0,", n-have), ",") + `]`
	}
	selector := func(n int) error {
		o, err := Parse([]byte(`{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001"}`))
		if err == nil {
			_, err = o.Select(strings.Repeat("a", n))
		}
		if errors.Is(err, ErrTooLarge) || err != nil && strings.Contains(err.Error(), "long") {
			return err
		}
		return nil
	}
	read := func(text string, o ReaderOptions) error {
		r := NewReader(strings.NewReader(text), o)
		for {
			_, err := r.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil && errors.Is(err, ErrTooLarge) {
				return err
			}
		}
	}
	members := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[]`)
		for i := range n - 3 {
			fmt.Fprintf(&b, `,"x%d":0`, i)
		}
		return b.String() + `}`
	}
	one := `{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001"}`
	typeName := func(n int) error {
		name := strings.Repeat("x", n)
		_, err := Parse([]byte(`{"type":"` + name + `","id":"` + name + `--00000000-0000-4000-8000-000000000001"}`))
		return err
	}
	nested := func(n int) error {
		_, err := ParseLimited([]byte(strings.TrimSuffix(one, "}")+`,"x":`+strings.Repeat("[", n-1)+strings.Repeat("]", n-1)+"}"), Limits{MaxDepth: 2 * maxNesting})
		return err
	}
	stamp := func(n int) error {
		const at = "2026-01-01T00:00:00."
		_, err := ParseTimestamp(at + strings.Repeat("0", n-len(at)-1) + "Z")
		return err
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"DefaultMaxValues", object(values(DefaultMaxValues)), object(values(DefaultMaxValues + 1))},
		{"maxTypeName", typeName(maxTypeName), typeName(maxTypeName + 1)},
		{"maxSelector", selector(maxSelector), selector(maxSelector + 1)},
		{"maxFrameMembers", read(members(maxFrameMembers), ReaderOptions{}), read(members(maxFrameMembers+1), ReaderOptions{})},
		{"MaxObjects", read(one+one, ReaderOptions{MaxObjects: 2}), read(one+one+one, ReaderOptions{MaxObjects: 2})},
		{"MaxStreamValues", read(one+one, ReaderOptions{MaxStreamValues: 10}), read(one+one+one, ReaderOptions{MaxStreamValues: 10})},
		{"MaxStreamBytes", read(one+one, ReaderOptions{MaxStreamBytes: int64(2 * len(one))}), read(one+one+one, ReaderOptions{MaxStreamBytes: int64(2 * len(one))})},
		{"maxNesting", nested(maxNesting), nested(maxNesting + 1)},
		{"maxTimestampBytes", stamp(maxTimestampBytes), stamp(maxTimestampBytes + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	for asked, want := range map[int]int{maxObjectBytes: maxObjectBytes, maxObjectBytes + 1: maxObjectBytes} {
		if got := (Limits{MaxObjectBytes: asked}).withDefaults().MaxObjectBytes; got != want {
			t.Errorf("maxObjectBytes: %d allowed where %d were configured", got, asked)
		}
	}
}

// TestLimitsOfPaths: hostile names make no endless path.
func TestLimitsOfPaths(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, x := range []struct{ limit, got, want string }{
		{"maxPathName", appendName("a", long(maxPathName)), "a." + long(maxPathName)},
		{"maxPathName", appendName("a", long(maxPathName+1)), "a['" + long(maxPathName) + "...']"},
		{"maxPath", appendName(long(maxPath), "b"), long(maxPath) + ".b"},
		{"maxPath", appendName(long(maxPath+1), "b"), long(maxPath + 1)},
		{"maxPath", appendIndex(long(maxPath), 1), long(maxPath) + "[1]"},
		{"maxPath", appendIndex(long(maxPath+1), 1), long(maxPath + 1)},
	} {
		if x.got != x.want {
			t.Errorf("%s: %d characters, want %d", x.limit, len(x.got), len(x.want))
		}
	}
}
