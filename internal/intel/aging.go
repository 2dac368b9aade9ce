package intel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/internal/observable"
)

// AgingRule says for how long values are good after they were last told: from when the
// indicator is valid, or from when its newest version is, whichever is later.
type AgingRule struct {
	Types   []observable.Type // none: all
	Sources []string          // as in [Active]; none: all
	For     time.Duration     // 0: as long as the indicator says
}

// Aging are rules, of which the first that fits a value holds. It shortens what an
// indicator says of its validity and never lengthens it.
type Aging []AgingRule

// The bounds on aging.
const (
	maxAgingRules = 256
	maxAgingNames = 1000
	maxAging      = 100 * 365 * 24 * time.Hour
)

// Check tells what is wrong with rules.
func (a Aging) Check() error {
	if len(a) > maxAgingRules {
		return fmt.Errorf("there are %d rules, and at most %d are possible", len(a), maxAgingRules)
	}
	for i, r := range a {
		switch {
		case r.For < 0 || r.For > maxAging:
			return fmt.Errorf("rule %d: values are good for 0 to 36,500 days", i+1)
		case len(r.Types) > maxAgingNames || len(r.Sources) > maxAgingNames:
			return fmt.Errorf("rule %d: it names more than %d types or sources", i+1, maxAgingNames)
		}
		for _, t := range r.Types {
			if !slices.Contains(observable.Types(), t) {
				return fmt.Errorf("rule %d: there is no type of value %.40q", i+1, string(t))
			}
		}
		if slices.Contains(r.Sources, "") {
			return errors.New("a source without a name")
		}
	}
	return nil
}

// text is the same for the same rules only.
func (a Aging) text() string {
	var b strings.Builder
	for _, r := range a {
		fmt.Fprintf(&b, "%q %q %d\n", r.Types, r.Sources, r.For)
	}
	return b.String()
}

// until tells when a value ends that was last told at since and ends by itself at until;
// the zero time is never.
func (a Aging) until(t observable.Type, source string, since, until time.Time) time.Time {
	for _, r := range a {
		if len(r.Types) > 0 && !slices.Contains(r.Types, t) || len(r.Sources) > 0 && !slices.Contains(r.Sources, source) {
			continue
		}
		if r.For == 0 || since.IsZero() {
			return until
		}
		if end := since.Add(r.For); until.IsZero() || end.Before(until) {
			return end
		}
		return until
	}
	return until
}
