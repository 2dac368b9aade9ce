package taxii

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md on what a client asks.
func TestLimits(t *testing.T) {
	query := func(n int) error {
		_, err := parseQuery(strings.TrimSuffix(strings.Repeat("x=1&", n), "&"), matchFields{})
		return err
	}
	text := func(n int) error {
		_, err := parseQuery("x="+strings.Repeat("y", n-2), matchFields{})
		return err
	}
	list := func(n, size int) error {
		_, err := parseList(strings.TrimSuffix(strings.Repeat(strings.Repeat("v", size)+",", n), ","))
		return err
	}
	auth := func(n int) error {
		r := httptest.NewRequest(http.MethodGet, "/taxii2/", nil)
		r.Header.Set("Authorization", "Basic "+strings.Repeat("A", n-6))
		_, err := Basic()(r)
		if err != nil && strings.Contains(err.Error(), "too long") {
			return err
		}
		return nil
	}
	path := func(n int) error {
		h := &handler{}
		_, err := h.route(&call{Request: httptest.NewRequest(http.MethodGet, "/"+strings.Repeat("x", n-1), nil)})
		if err != nil && strings.Contains(err.Error(), "so long") || errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	}
	stamp := func(n int) error {
		const at = "2026-01-01T00:00:00."
		_, err := ParseTime(at + strings.Repeat("0", n-len(at)-1) + "Z")
		return err
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"maxQueryParams", query(maxQueryParams), query(maxQueryParams + 1)},
		{"maxQueryBytes", text(maxQueryBytes), text(maxQueryBytes + 1)},
		{"maxMatchValues", list(maxMatchValues, 1), list(maxMatchValues+1, 1)},
		{"maxMatchValue", list(1, maxMatchValue), list(1, maxMatchValue+1)},
		{"maxAuthLine", auth(maxAuthLine), auth(maxAuthLine + 1)},
		{"maxPath", path(maxPath), path(maxPath + 1)},
		{"maxTimestamp", stamp(maxTimestamp), stamp(maxTimestamp + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	// What lies beyond the bounds of a list in the header is as if it were not there.
	for _, x := range []struct {
		limit string
		lines []string
		want  int
	}{
		{"maxAcceptItems", []string{strings.Repeat("a,", maxAcceptItems)}, maxAcceptItems},
		{"maxAcceptItems", []string{strings.Repeat("a,", maxAcceptItems+1)}, maxAcceptItems},
		{"maxAcceptBytes", []string{"a", strings.Repeat("b", maxAcceptBytes-1)}, 2},
		{"maxAcceptBytes", []string{"a", strings.Repeat("b", maxAcceptBytes)}, 1},
	} {
		n := 0
		for range listItems(x.lines) {
			n++
		}
		if n != x.want {
			t.Errorf("%s: %d items are read, want %d", x.limit, n, x.want)
		}
	}
}

// lookups counts how often a page asks for the versions of an object.
type lookups struct {
	Store
	n int
}

func (l *lookups) Versions(context.Context, string, string) iter.Seq2[Record, error] {
	l.n++
	return func(func(Record, error) bool) {}
}

// TestLimitsOfSelections: a page that has met too many objects forgets them and looks again.
func TestLimitsOfSelections(t *testing.T) {
	store := &lookups{}
	s := selector{store: store}
	choose := func(i int) {
		t.Helper()
		if _, err := s.choose(t.Context(), Record{ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxSelections {
		choose(i)
	}
	for i := range maxSelections {
		choose(i)
	}
	if store.n != maxSelections {
		t.Errorf("%d lookups of %d objects", store.n, maxSelections)
	}
	choose(maxSelections)
	choose(0)
	if store.n != maxSelections+2 || len(s.known) != 2 {
		t.Errorf("one object more: %d lookups, %d objects remembered", store.n, len(s.known))
	}
}
