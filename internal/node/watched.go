package node

import (
	"sync"
	"time"
)

// watchedPace is how often at most pages are renewed because watchers counted more.
const watchedPace = 10 * time.Second

// watched is a number that is another when something changed of assets, drafts, and what watchers tell. Watchers of a busy network
// tell of more all the time, and every open page asks for itself again at each change: what only grows changes the number at most once in
// watchedPace. The zero value is good for use.
type watched struct {
	mu     sync.Mutex
	n      uint64
	at     time.Time // of the last change by growth
	growth bool      // there is some that the number does not tell of yet
}

// changed says that a person, or the node for one, changed something.
func (w *watched) changed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
}

// grew says that watchers counted more.
func (w *watched) grew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.growth = true
}

// number is what all changes came to by now.
func (w *watched) number(now time.Time) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := now.Sub(w.at); w.growth && (d >= watchedPace || d < 0) { // a clock may have been set back
		w.n, w.at, w.growth = w.n+1, now, false
	}
	return w.n
}
