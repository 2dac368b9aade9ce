package node

import (
	"errors"
	"strings"
	"testing"

	"entente/internal/accord"
)

// Where the accord asks for two persons, one is held, and two that it names pass
// at both ends.
func TestTwoPersonRelease(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, func(s string) string {
		return s + "\nrelease:\n  - id: R1\n    kind: share\n    from_tlp: clear\n    claims:\n      - role: duty-officer\n      - role: release-officer\n"
	}, a, b)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "one"}, strings.NewReader(oneIndicator), nil))
	_, err := a.Share(ctx, ShareRequest{Source: "one"}, nil)
	var gate *GateError
	if !errors.As(err, &gate) || gate.Decision.Verdict != "hold" || gate.Decision.Clause != "R1" || gate.Decision.Code != accord.CodeTwoPerson {
		t.Fatalf("one person alone: %v", err)
	}
	sh := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{Source: "one", Acting: Acting{Release: []Claim{{"CERT", "duty-officer"}, {"CERT", "release-officer"}}}}, nil))
	if sh.Shared != 1 {
		t.Fatalf("%+v", sh)
	}
	a.sync()
	if found := must[*SearchResponse](t)(b.Search(ctx, SearchRequest{Value: "evil.example"})); len(found.Objects) != 1 || found.Objects[0].State != "accepted" {
		// Intake may still be under way.
		if err := b.drainIntake(ctx); err != nil {
			t.Fatal(err)
		}
		if found = must[*SearchResponse](t)(b.Search(ctx, SearchRequest{Value: "evil.example"})); len(found.Objects) != 1 {
			t.Fatalf("at South: %+v", found)
		}
	}
	sameState(t, a, b)
}
