package intel

import "entente/internal/guard"

// Guard holds what an indicator must not name, because acting on it would harm.
type Guard = guard.Set

// EmptyGuard returns a guard that holds nothing, and what is made of it holds no more
// than it is given.
func EmptyGuard() *Guard { return guard.Empty() }

// DefaultGuard returns the facts that ship with the program. It and what is made of it
// also hold the domains above those that are guarded.
func DefaultGuard() *Guard { return guard.Default() }
