package node

import (
	"context"
	"fmt"
	"slices"

	"entente/journal"
)

// Acknowledged tells which members have acknowledged an entry of the own journal with a
// signed receipt: they hold it, with all before it, and cannot deny it. An entry in which
// an indicator is taken back is acknowledged like any other.
func (n *Node) Acknowledged(ctx context.Context, r ReceiptsRequest) (*ReceiptsResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ref, err := journal.ParseRef(r.Ref)
	if err != nil {
		return nil, badInput("The entry is not named.", err.Error(), "Give the reference that 'entente share' showed, as ORIGIN#INDEX.")
	}
	for _, l := range n.units() {
		if res, err := l.acknowledged(ref); res != nil || err != nil {
			return res, err
		}
	}
	return nil, notFound("No own journal has the entry "+ref.String()+".", "Only what this node wrote is acknowledged to it. Give a reference that 'entente share' showed.")
}

// acknowledged gives nil for an entry that is not of an own journal in this unit.
func (l *ledger) acknowledged(ref journal.Ref) (*ReceiptsResponse, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	journals := l.journals()
	i := slices.IndexFunc(journals, func(j heldJournal) bool { return j.own && j.origin == ref.Origin })
	if i < 0 {
		return nil, nil
	}
	if size := journals[i].head.Size; ref.Index >= size {
		return nil, notFound(fmt.Sprintf("The own journal has no entry %s yet.", ref), fmt.Sprintf("It has %d entries.", size))
	}
	res := &ReceiptsResponse{Ref: ref.String(), Unit: string(l.id), Members: []Receipt{}}
	for _, j := range journals {
		if j.own || slices.ContainsFunc(res.Members, func(r Receipt) bool { return r.Party == string(j.party) }) {
			continue // a member may have had several journals
		}
		size := l.fold.Receipted(j.party, ref.Origin)
		res.Members = append(res.Members, Receipt{Party: string(j.party), Name: l.partyName(j.party), Acknowledged: size > ref.Index, Receipted: size})
	}
	return res, nil
}
