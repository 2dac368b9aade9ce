package cli

import (
	"context"
	"fmt"

	"entente/internal/accord"
	"entente/internal/node"
)

// example is the example accord, with the members of a unit filled in where
// one is named.
func (a *app) example(ctx context.Context, kind, unit string) ([]byte, error) {
	if unit == "" {
		return accord.Example(kind), nil
	}
	var r node.UnitShowResponse
	if err := a.call(ctx, "unit.show", node.UnitShowRequest{Unit: unit}, &r); err != nil {
		return nil, err
	}
	var parties []accord.PartyRef
	for _, m := range r.Brief.Members {
		parties = append(parties, accord.PartyRef{ID: m.Party, Name: m.Name})
	}
	if len(parties) < 2 {
		return nil, fmt.Errorf("unit %s has %s: pair with a partner first, or leave --unit out", r.Brief.Name, count(int64(len(parties)), "member"))
	}
	return accord.ExampleFor(kind, parties)
}
