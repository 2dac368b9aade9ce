package node

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
)

// Pulse is a number that is another whenever something changed that is shown to people: a journal grew, a
// unit or an introduction came or went on, objects arrived or were decided on, watchers told more, the disk filled. It is cheap
// enough to be asked for each second by every open page. What changes with time alone, such as a clock that
// runs out, does not change it.
func (n *Node) Pulse() uint64 {
	h := fnv.New64a()
	for _, l := range n.units() {
		l.mu.Lock()
		for _, j := range l.journals() {
			fmt.Fprintln(h, j.origin, j.head.Size)
		}
		fmt.Fprintln(h, l.id, len(l.pending))
		l.mu.Unlock()
	}
	n.pairing.mu.Lock()
	for _, p := range n.pairing.views() {
		fmt.Fprintln(h, p.ID, p.State, p.Code)
	}
	n.pairing.mu.Unlock()
	if c, err := n.counts(context.Background()); err == nil { // an index that cannot be read is told by Status
		fmt.Fprintln(h, c)
	}
	n.held.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(n.held.acts)) {
		fmt.Fprintln(h, id, n.held.acts[id].State)
	}
	n.held.mu.Unlock()
	fmt.Fprintln(h, n.full.Load(), n.watched.number(n.now()))
	return h.Sum64()
}
