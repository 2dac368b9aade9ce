package pattern

import (
	"errors"
	"fmt"
	"slices"
)

const (
	// DefaultSteps is the budget of [Pattern.Match]. A step is one object looked at,
	// one comparison, one step of a path, one observation tried or one bound narrowed;
	// long values and regular expressions take more than one.
	DefaultSteps = 20_000_000
	// MaxChosen is the most choices of one match; REPEATS takes observations of one
	// Observed as one choice.
	MaxChosen = 1 << 15
)

// ErrBudget means that a match was given up. The error that carries it is a
// [*BudgetError].
var ErrBudget = errors.New("the pattern takes too much work on these observations")

// BudgetError says that a match was given up, so that nobody knows whether the
// pattern matches.
type BudgetError struct {
	// Steps is the budget that was used up.
	Steps int
	// Chosen is set if not the budget but [MaxChosen] was reached.
	Chosen bool
}

// Error implements error.
func (e *BudgetError) Error() string {
	if e.Chosen {
		return fmt.Sprintf("%v: more than %d choices; give fewer observations", ErrBudget, MaxChosen)
	}
	return fmt.Sprintf("%v: more than %d steps; give fewer observations or a larger budget", ErrBudget, e.Steps)
}

// Unwrap gives [ErrBudget].
func (e *BudgetError) Unwrap() error { return ErrBudget }

// Result is what a match found.
type Result struct {
	// Matched is true if the pattern matches.
	Matched bool
	// Chosen are the observations that make it match, in the order of the pattern:
	// one way of choosing them, the earliest ones first.
	Chosen []Choice
	// Steps is what the match took of its budget.
	Steps int
}

// Choice is an observation that was chosen for a part of the pattern.
type Choice struct {
	// Observed is the place of the observation in what Match was given.
	Observed int
	// Part is the "[...]" that it was chosen for, numbered from 0; see
	// [Atom.Observation].
	Part int
	// Count is how many of its number_observed were chosen, at least 1.
	Count int
}

// Observed lists the places of the chosen observations, each once, in order.
func (r Result) Observed() []int {
	var out []int
	for _, c := range r.Chosen {
		out = append(out, c.Observed)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Match tells whether observations match the pattern, with a budget of
// [DefaultSteps]. The observations may come in any order. The error is a
// [*BudgetError].
func (p *Pattern) Match(observed []Observed) (Result, error) {
	return p.MatchWithin(observed, DefaultSteps)
}

// MatchWithin is Match with a budget of its own.
func (p *Pattern) MatchWithin(observed []Observed, steps int) (Result, error) {
	s := newSearch(p, observed, steps)
	matched := s.run(p.root)
	r := Result{Matched: matched, Steps: min(s.steps, s.limit)}
	if matched {
		for _, c := range s.chosen {
			r.Chosen = append(r.Chosen, Choice{Observed: s.order[c.place], Part: c.part, Count: c.count})
		}
		return r, nil
	}
	if s.tooMany {
		return r, &BudgetError{Steps: steps, Chosen: true}
	}
	if s.exhausted() {
		return r, &BudgetError{Steps: steps}
	}
	return r, nil
}
