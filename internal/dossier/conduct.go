package dossier

import (
	"entente/internal/accord"
	"entente/internal/unit"
)

// conduct tells as findings what the fold found against the accord. The verdict on an entry follows
// from the entry and its causal past alone, and all of that is in the dossier or the entry waits; so
// what a maker leaves out makes nobody guilty. Where the past is only partly the one its author had
// seen, because somebody else signed two histories, the finding is disputed.
func (v *verifier) conduct(st *unit.State) {
	for _, b := range st.Breaches {
		why := "verify.why-refused"
		if b.Code == accord.CodeNoAccord {
			why = "verify.why-no-accord"
		}
		v.breach(b, why)
	}
	for _, b := range st.Held {
		switch {
		case b.Knowing:
			v.breach(b, "verify.why-knew")
		case b.Code == accord.CodeTwoPerson:
			v.breach(b, "verify.why-two-roles")
		}
	}
	for _, x := range st.Void {
		if x.Payload == nil || x.Code != unit.CodeUnexpected && x.Code != unit.CodeBadBody {
			continue
		}
		v.add(Finding{Weight: Proved, Code: x.Code, Party: x.Party, Refs: refs(x.Ref), At: x.At, Clock: x.Party,
			says: []sentence{say("verify.past-gate", "kind", kindOf(x.Kind), "reason", word{"void", x.Code, x.Reason})}})
	}
}

func (v *verifier) breach(b unit.Breach, why string) {
	f := Finding{Weight: Proved, Code: b.Code, Party: b.Party, Refs: refs(b.Ref), At: b.At, Clock: b.Party,
		says: []sentence{say("verify.breach", "kind", kindOf(b.Kind), "why", say(why), "clause", b.Clause, "reason", word{"gate", b.Code, b.Reason})}}
	if b.Partial {
		f.Weight = Disputed
		f.say("verify.breach-partial")
	}
	v.add(f)
}
