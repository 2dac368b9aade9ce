package dossier

import (
	"fmt"

	"entente/internal/accord"
	"entente/internal/unit"
)

// conduct tells as findings what the fold found against the accord. The verdict on an entry follows
// from the entry and its causal past alone, and all of that is in the dossier or the entry waits; so
// what a maker leaves out makes nobody guilty. Where the past is only partly the one its author had
// seen, because somebody else signed two histories, the finding is disputed.
func (v *verifier) conduct(st *unit.State) {
	for _, b := range st.Breaches {
		why := "the accord in force when it was written refuses it"
		if b.Code == accord.CodeNoAccord {
			why = "no accord allowed it"
		}
		v.breach(b, why)
	}
	for _, b := range st.Held {
		switch {
		case b.Knowing:
			v.breach(b, "its author knew of the suspension that holds it")
		case b.Code == accord.CodeTwoPerson:
			v.breach(b, "the accord demands a release by two roles, and it carries none")
		}
	}
	for _, x := range st.Void {
		if x.Payload == nil || x.Code != unit.CodeUnexpected && x.Code != unit.CodeBadBody {
			continue
		}
		v.add(Finding{Weight: Proved, Code: x.Code, Party: x.Party, Refs: refs(x.Ref), At: x.At, Clock: x.Party,
			Text: fmt.Sprintf("the party put content behind an entry of kind %s, past the gate: %s", x.Kind, x.Reason)})
	}
}

func (v *verifier) breach(b unit.Breach, why string) {
	f := Finding{Weight: Proved, Code: b.Code, Party: b.Party, Refs: refs(b.Ref), At: b.At, Clock: b.Party,
		Text: fmt.Sprintf("the party wrote an entry of kind %s, and %s (clause %s): %s", b.Kind, why, b.Clause, b.Reason)}
	if b.Partial {
		f.Weight = Disputed
		f.Text += ". Its author had seen a history of another party's journal that is not the one in the dossier; with that the verdict may have been another"
	}
	v.add(f)
}
