package desk

import "slices"

// States returns the states that the tables of all types know, sorted.
func States() []State {
	seen := map[State]bool{}
	for _, l := range lifecycles() {
		seen[l.start] = true
		for e, to := range l.edges {
			seen[e.from], seen[to] = true, true
		}
	}
	return sorted(seen)
}

// Moves returns the moves that the tables of all types know, and send, sorted.
func Moves() []string {
	seen := map[string]bool{Send: true}
	for _, l := range lifecycles() {
		for e := range l.edges {
			seen[e.move] = true
		}
	}
	return sorted(seen)
}

// Bases returns what a clock may start from.
func Bases() []string { return []string{BasisReceipt, BasisPosting, BasisMove, BasisClaim} }

func sorted[T ~string](set map[T]bool) []T {
	out := make([]T, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// LastMove returns the newest step that has to do with the life of the request: no dispute and no
// translation.
func (r *Request) LastMove() Step {
	for i := len(r.Steps) - 1; i > 0; i-- {
		if moves(r.Steps[i].Move) {
			return r.Steps[i]
		}
	}
	return r.Steps[0]
}

// MayMove says whether a side has something to do now beyond putting words on record and giving up.
func (r *Request) MayMove(side Side) bool {
	return slices.ContainsFunc(r.life.next(r.State, side), func(m string) bool { return moves(m) && m != Withdraw })
}
