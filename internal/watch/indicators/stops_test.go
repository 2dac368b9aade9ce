package indicators

import (
	"bytes"
	"errors"
	"testing"

	"entente/internal/intake"
	"entente/stix"
)

// TestReadFileStops: an error of the one who takes ends the reading with it.
func TestReadFileStops(t *testing.T) {
	broken := errors.New("broken")
	for _, form := range []string{"list", "table", "stix", "bundle"} {
		n := 0
		take := func() error {
			if n++; n == 700 {
				return broken
			}
			return nil
		}
		if _, err := readValues(form, 1500, take); !errors.Is(err, broken) || n != 700 {
			t.Errorf("%s: %v after %d", form, err, n)
		}
		n = 1000
		if _, err := readValues(form, 1500, take); err != nil || n != 2500 {
			t.Errorf("%s: %v after %d", form, err, n-1000)
		}
	}
}

// readValues reads n values in a form, each of which is taken.
func readValues(form string, n int, take func() error) (intake.Format, error) {
	return ReadFile(bytes.NewReader(values(n, form)), "x", Taker{
		Object: func(*stix.Object) error { return take() },
		Item:   func(intake.Item) error { return take() },
		Refuse: func(string, error) {},
	})
}
