package node

import (
	"strconv"
	"testing"

	"entente/internal/accord"
)

// TestAskAccord: the answer is the gate's, for either side, and asking writes nothing.
func TestAskAccord(t *testing.T) {
	a, b := twoInForce(t, nil)
	before := must[*StatusResponse](t)(a.Status(t.Context())).Units[0].Members
	ask := func(r AccordAskRequest) Decision {
		t.Helper()
		return must[*AccordAskResponse](t)(a.AskAccord(t.Context(), r)).Decision
	}
	if d := ask(AccordAskRequest{TLP: "GREEN", Types: map[string]int64{"indicator": 1}}); d.Verdict != "allow" || d.Clause == "" {
		t.Errorf("TLP:GREEN: %+v", d)
	}
	for _, party := range []string{"", string(b.init.Party)} {
		if d := ask(AccordAskRequest{Party: party, TLP: "red", Types: map[string]int64{"indicator": 1}}); d.Verdict != "refuse" || d.Code != accord.CodeTLP || d.Clause == "" {
			t.Errorf("TLP:RED of %q: %+v", party, d)
		}
	}
	types := map[string]int64{}
	for i := range maxAsked + 1 {
		types["x"+strconv.Itoa(i)] = 1
	}
	for what, r := range map[string]AccordAskRequest{"a kind that goes through no gate": {Kind: "unit.suspend"}, "too much": {Types: types}, "a stranger": {Party: "nobody"}} {
		if _, err := a.AskAccord(t.Context(), r); err == nil {
			t.Errorf("%s was answered", what)
		}
	}
	delete(types, "x0")
	if d := ask(AccordAskRequest{TLP: "green", Types: types}); d.Verdict == "" {
		t.Errorf("%d types: %+v", len(types), d)
	}
	if after := must[*StatusResponse](t)(a.Status(t.Context())).Units[0].Members; after[0].Size != before[0].Size {
		t.Error("asking wrote an entry")
	}
}
