package accord

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	north = strings.Repeat("0", 63) + "1"
	south = strings.Repeat("0", 63) + "2"
	other = strings.Repeat("0", 63) + "3"
	noon  = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func complete(t testing.TB) *Document {
	t.Helper()
	doc, problems, err := Parse(Example("complete"))
	if err != nil {
		t.Fatal(err, problems)
	}
	return doc
}

// lawful is a share from North to South that the complete example allows.
func lawful() Act {
	return Act{
		Kind: "share", Author: north, Recipients: []string{south}, By: Claim{"cert", "duty-officer"}, At: noon,
		Objects: 2, Bytes: 1000, TLP: Green, PAP: Green, Types: map[string]int64{"indicator": 2},
	}
}

func asking() Act {
	return Act{
		Kind: "request.send", Author: north, Recipients: []string{south}, By: Claim{"police", "duty-officer"}, At: noon, Bytes: 500, TLP: Amber,
		Request: &RequestFacts{Type: "information", Urgency: Urgent, Fields: []string{"subject", "purpose"}},
	}
}

func refusing(code string, fields ...string) Act {
	a := asking()
	a.Kind, a.Author, a.Recipients, a.By, a.Bytes, a.TLP = "request.refuse", south, []string{north}, Claim{"cert", "head"}, 0, ""
	a.Request, a.Code = &RequestFacts{Type: "information", Urgency: Urgent, Fields: fields}, code
	return a
}

// TestDecide has a row for each rule, most of them in both directions: what passes and what does not.
func TestDecide(t *testing.T) {
	type world struct {
		doc *Document
		sit Situation
		act Act
	}
	share := func(change func(*world)) func(*world) {
		return func(w *world) { w.act = lawful(); change(w) }
	}
	ask := func(change func(*world)) func(*world) {
		return func(w *world) { w.act = asking(); change(w) }
	}
	nothing := func(*world) {}
	rows := []struct {
		name    string
		make    func(*world)
		verdict Verdict
		clause  string
		code    string
	}{
		{"lawful share", share(nothing), Allow, "H1", CodeOK},
		{"lawful request", ask(nothing), Allow, "H2", CodeOK},
		{"lawful answer back", share(func(w *world) { w.act.Author, w.act.Recipients = south, []string{north} }), Allow, "H1", CodeOK},
		{"recipients left out are the other members", share(func(w *world) { w.act.Recipients = nil }), Allow, "H1", CodeOK},
		{"control kind without any accord", func(w *world) { w.sit.Accord = nil; w.act.Kind = "receipt" }, Allow, Protocol, CodeProtocol},
		{"suspend while suspended", func(w *world) {
			w.act = Act{Kind: "accord.resume"}
			w.sit.Suspended = []Suspension{{By: south}}
		}, Allow, Protocol, CodeProtocol},
		{"unknown kind", share(func(w *world) { w.act.Kind = "gift" }), Refuse, Protocol, CodeUnknownKind},
		{"kind that only looks like one", share(func(w *world) { w.act.Kind = "shared" }), Refuse, Protocol, CodeUnknownKind},
		{"request without a move", share(func(w *world) { w.act.Kind = "request" }), Refuse, Protocol, CodeUnknownKind},
		{"no accord", share(func(w *world) { w.sit.Accord = nil }), Refuse, ClauseNone, CodeNoAccord},
		{"figures contradict", share(func(w *world) { w.act.Objects = 3 }), Refuse, Protocol, CodeBadAct},
		{"negative bytes", share(func(w *world) { w.act.Bytes = -1 }), Refuse, Protocol, CodeBadAct},
		{"no time", share(func(w *world) { w.act.At = time.Time{} }), Refuse, Protocol, CodeBadAct},
		{"author not a party", share(func(w *world) { w.act.Author = other }), Refuse, ClauseParties, CodeNotMember},
		{"author a party but no member", share(func(w *world) { w.sit.Members = []string{south} }), Refuse, ClauseParties, CodeNotMember},
		{"recipient not a party", share(func(w *world) { w.act.Recipients = []string{south, other} }), Refuse, ClauseParties, CodeNotMember},
		{"recipient a party but no member", share(func(w *world) { w.sit.Members = []string{north} }), Refuse, ClauseParties, CodeNotMember},
		{"nobody to receive", share(func(w *world) { w.act.Recipients = []string{north} }), Refuse, ClauseParties, CodeNoRecipient},
		{"author withdrew", share(func(w *world) { w.sit.Withdrawn = []string{north} }), Refuse, "W3", CodeWithdrawn},
		{"recipient withdrew", share(func(w *world) { w.sit.Withdrawn = []string{south} }), Refuse, "W3", CodeWithdrawn},
		{"not yet effective", share(func(w *world) { w.act.At = time.Date(2024, 12, 31, 23, 59, 59, 0, time.UTC) }), Refuse, "V1", CodeNotYet},
		{"effective to the second", share(func(w *world) { w.act.At = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }), Allow, "H1", CodeOK},
		{"expired to the second", share(func(w *world) { w.act.At = time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC) }), Refuse, "V1", CodeExpired},
		{"no expiry", share(func(w *world) { w.act.At = noon.AddDate(100, 0, 0); w.doc.Validity.Expires = "" }), Allow, "H1", CodeOK},
		{"agency of the other party", share(func(w *world) {
			w.act.Author, w.act.Recipients, w.act.By = south, []string{north}, Claim{"police", "duty-officer"}
		}), Refuse, "P2", CodeAgency},
		{"unknown role", share(func(w *world) { w.act.By.Role = "intern" }), Refuse, "P1", CodeRole},
		{"role may not write the kind", share(func(w *world) {
			w.act.By.Role, w.act.Kind, w.act.Elements = "release-officer", "blind.open", 1
		}), Refuse, "P1", CodeRoleKind},
		{"object type in scope", share(func(w *world) { w.doc.Scope.ObjectTypes = []string{"indicator"} }), Allow, "H1", CodeOK},
		{"object type out of scope", share(func(w *world) { w.doc.Scope.ObjectTypes = []string{"malware"} }), Refuse, "S1", CodeObjectType},
		{"incident kind out of scope", share(func(w *world) {
			w.doc.Scope.IncidentKinds, w.act.Incidents = []string{"phishing"}, []string{"ransomware"}
		}), Refuse, "S1", CodeIncidentKind},
		{"incident kind in scope", share(func(w *world) {
			w.doc.Scope.IncidentKinds, w.act.Incidents = []string{"phishing"}, []string{"phishing"}
		}), Allow, "H1", CodeOK},
		{"sector out of scope", share(func(w *world) { w.doc.Scope.Sectors, w.act.Sectors = []string{"health"}, []string{"energy"} }), Refuse, "S1", CodeSector},
		{"excluded incident kind", share(func(w *world) { w.act.Incidents = []string{"military-operation"} }), Refuse, "S2", CodeExcluded},
		{"excluded sector", share(func(w *world) { w.act.Sectors = []string{"defence"} }), Refuse, "S2", CodeExcluded},
		{"excluded object type", share(func(w *world) { w.doc.Scope.Exclusions[0].ObjectTypes = []string{"indicator"} }), Refuse, "S2", CodeExcluded},
		{"exclusion of another kind", share(func(w *world) {
			w.doc.Scope.Exclusions[0].Kinds, w.act.Sectors = []string{"request.*"}, []string{"defence"}
		}), Allow, "H1", CodeOK},
		{"excluded kind", share(func(w *world) {
			w.doc.Scope.Exclusions = []Exclusion{{Clause: Clause{ID: "S2"}, Kinds: []string{"share"}}}
		}), Refuse, "S2", CodeExcluded},
		{"another kind excluded", ask(func(w *world) {
			w.doc.Scope.Exclusions = []Exclusion{{Clause: Clause{ID: "S2"}, Kinds: []string{"share"}}}
		}), Allow, "H2", CodeOK},
		{"TLP above the ceiling", share(func(w *world) { w.act.TLP = AmberStrict }), Refuse, "H1", CodeTLP},
		{"TLP at the ceiling of requests", ask(func(w *world) { w.act.TLP = AmberStrict }), Allow, "H2", CodeOK},
		{"TLP above the ceiling of requests", ask(func(w *world) { w.act.TLP = Red }), Refuse, "H2", CodeTLP},
		{"TLP:WHITE is clear", share(func(w *world) { w.act.TLP = "white" }), Allow, "H1", CodeOK},
		{"unknown TLP", share(func(w *world) { w.act.TLP = "AMBER" }), Refuse, "H0", CodeTLPUnknown},
		{"ceiling in one direction", share(func(w *world) {
			w.doc.Handling.Ceiling = append(w.doc.Handling.Ceiling, Ceiling{Clause: Clause{ID: "H9"}, Kind: "share", From: north, To: south, TLP: Clear, PAP: Red})
		}), Refuse, "H9", CodeTLP},
		{"and not in the other", share(func(w *world) {
			w.doc.Handling.Ceiling = append(w.doc.Handling.Ceiling, Ceiling{Clause: Clause{ID: "H9"}, Kind: "share", From: north, To: south, TLP: Clear, PAP: Red})
			w.act.Author, w.act.Recipients = south, []string{north}
		}), Allow, "H1", CodeOK},
		{"no ceiling for the kind", share(func(w *world) { w.act.Kind, w.act.By.Role, w.act.Elements = "blind.open", "head", 1 }), Refuse, "H0", CodeNoCeiling},
		{"unmarked objects", share(func(w *world) { w.act.TLP = "" }), Refuse, "H1", CodeTLP},
		{"some unmarked objects", share(func(w *world) { w.act.UnmarkedObjects = 1 }), Refuse, "H1", CodeTLP},
		{"unmarked with a statement", share(func(w *world) { w.act.TLP, w.act.Unmarked = "", Green }), Allow, "H1", CodeOK},
		{"statement above the ceiling", share(func(w *world) { w.act.Unmarked = Red }), Refuse, "H1", CodeTLP},
		{"statement that is no label", share(func(w *world) { w.act.Unmarked = "blue" }), Refuse, "H3", CodeTLPUnknown},
		{"statement not allowed", share(func(w *world) { w.act.TLP, w.act.Unmarked, w.doc.Handling.Unmarked.SenderMayState = "", Green, false }), Refuse, "H3", CodeUnmarked},
		{"unmarked counting as clear", share(func(w *world) { w.act.TLP, w.doc.Handling.Unmarked.CountsAs = "", Clear }), Allow, "H1", CodeOK},
		{"a move without content needs no marking", func(w *world) {
			w.act = asking()
			w.act.Kind, w.act.TLP, w.act.Bytes = "request.acknowledge", "", 0
		}, Allow, "P1", CodeOK},
		{"PAP above the ceiling", share(func(w *world) { w.act.PAP, w.doc.Handling.Ceiling[0].PAP = Red, Amber }), Refuse, "H1", CodePAP},
		{"PAP at the ceiling", share(func(w *world) { w.act.PAP, w.doc.Handling.Ceiling[0].PAP = Amber, Amber }), Allow, "H1", CodeOK},
		{"PAP unmarked", share(func(w *world) { w.act.PAP, w.doc.Handling.Ceiling[0].PAP = "", Green }), Refuse, "H1", CodePAP},
		{"PAP unknown", share(func(w *world) { w.act.PAP = "pink" }), Refuse, "H4", CodePAPUnknown},
		{"last request of the day", ask(func(w *world) { w.sit.Used.RequestsToday = 199 }), Allow, "H2", CodeOK},
		{"one request too many", ask(func(w *world) { w.sit.Used.RequestsToday = 200 }), Refuse, "L1", CodeQuotaRequests},
		{"other moves do not count as requests", func(w *world) { w.act = refusing("overload", "reason"); w.sit.Used.RequestsToday = 500 }, Allow, "N7", CodeOK},
		{"last bytes of the day", share(func(w *world) { w.sit.Used.BytesToday = 4<<30 - 1000 }), Allow, "H1", CodeOK},
		{"one byte too many", share(func(w *world) { w.sit.Used.BytesToday = 4<<30 - 999 }), Refuse, "L1", CodeQuotaBytes},
		{"bytes that would overflow", share(func(w *world) { w.sit.Used.BytesToday = 1<<63 - 1 }), Refuse, "L1", CodeQuotaBytes},
		{"as many objects as allowed", share(func(w *world) { w.act.Objects, w.act.Types = 10000, nil }), Allow, "H1", CodeOK},
		{"one object too many", share(func(w *world) { w.act.Objects, w.act.Types = 10001, nil }), Refuse, "L1", CodeQuotaObjects},
		{"blind match too large", ask(func(w *world) { w.act.Elements = 1001 }), Refuse, "L1", CodeQuotaBlind},
		{"blind match over the day", ask(func(w *world) { w.act.Elements, w.sit.Used.BlindToday = 1, 10000 }), Refuse, "L1", CodeQuotaBlind},
		{"value on the never-send list", share(func(w *world) { w.act.Forbidden = []string{"0.0.0.0"} }), Refuse, "L2", CodeNeverSend},
		{"indicator too old", share(func(w *world) { w.act.Oldest = noon.AddDate(-20, 0, -1) }), Refuse, "L2", CodeTooOld},
		{"indicator just young enough", share(func(w *world) { w.act.Oldest = noon.AddDate(-20, 0, 0) }), Allow, "H1", CodeOK},
		{"tier known", share(func(w *world) { w.act.Tier = "summary" }), Allow, "H1", CodeOK},
		{"tier unknown", share(func(w *world) { w.act.Tier = "secret" }), Refuse, "F0", CodeTier},
		{"tier for somebody else", share(func(w *world) { w.act.Tier, w.doc.Fields.Tiers[0].To = "summary", []string{north} }), Refuse, "F7", CodeTier},
		{"request without a type", ask(func(w *world) { w.act.Request = nil }), Refuse, "Q1", CodeRequestType},
		{"unknown type of request", ask(func(w *world) { w.act.Request.Type = "extradition" }), Refuse, "Q1", CodeRequestType},
		{"mandatory field missing", ask(func(w *world) { w.act.Request.Type, w.act.Request.Urgency = "subscriber", Routine }), Refuse, "Q4", CodeRequestField},
		{"mandatory field there", ask(func(w *world) {
			w.act.Request = &RequestFacts{Type: "subscriber", Urgency: Routine, Fields: []string{"legal-basis", "subject", "purpose"}}
		}), Allow, "H2", CodeOK},
		{"urgency not offered for the type", ask(func(w *world) { w.act.Request.Type = "subscriber" }), Refuse, "Q4", CodeUrgency},
		{"urgency missing", ask(func(w *world) { w.act.Request.Urgency = "" }), Refuse, "Q2", CodeUrgency},
		{"refusal code unknown", func(w *world) { w.act = refusing("mood") }, Refuse, "Q1", CodeRefusalCode},
		{"refusal without a code", func(w *world) { w.act = refusing("") }, Refuse, "Q1", CodeRefusalCode},
		{"refusal without owed reason", func(w *world) { w.act = refusing("legal-bar") }, Refuse, "N4", CodeReasonOwed},
		{"refusal with its reason", func(w *world) { w.act = refusing("legal-bar", "reason") }, Allow, "N4", CodeOK},
		{"refusal that owes none", func(w *world) { w.act = refusing("sovereignty") }, Allow, "N1", CodeOK},
		{"postponement without owed reason", func(w *world) { w.act = refusing("overload"); w.act.Kind = "request.postpone" }, Refuse, "N7", CodeReasonOwed},
		{"suspended as a whole", share(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"all"}}} }), Hold, "W2", CodeSuspended},
		{"suspension without scope is of all", share(func(w *world) { w.sit.Suspended = []Suspension{{By: south}} }), Hold, "W2", CodeSuspended},
		{"suspended by kind", share(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"share"}}} }), Hold, "W2", CodeSuspended},
		{"suspended family", ask(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"request.*"}}} }), Hold, "W2", CodeSuspended},
		{"suspended family by its name", ask(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"request"}}} }), Hold, "W2", CodeSuspended},
		{"another kind suspended", share(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"request.*"}}} }), Allow, "H1", CodeOK},
		{"suspended by clause", ask(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"Q2"}}} }), Hold, "W2", CodeSuspended},
		{"another clause suspended", ask(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"Q4"}}} }), Allow, "H2", CodeOK},
		{"suspended party clause", share(func(w *world) { w.sit.Suspended = []Suspension{{By: south, Scope: []string{"P2"}}} }), Hold, "W2", CodeSuspended},
		{"suspending a limit holds and does not lift", share(func(w *world) {
			w.sit.Suspended = []Suspension{{By: south, Scope: []string{"L1"}}}
		}), Hold, "W2", CodeSuspended},
		{"suspension makes no refusal weaker", share(func(w *world) {
			w.sit.Suspended = []Suspension{{By: south}}
			w.act.TLP = Red
		}), Refuse, "H1", CodeTLP},
		{"still allowed while suspended", func(w *world) {
			w.act = asking()
			w.act.Kind, w.act.Bytes, w.act.TLP = "request.withdraw", 0, ""
			w.sit.Suspended = []Suspension{{By: south}}
		}, Allow, "P1", CodeOK},
		{"no release claims", share(func(w *world) { w.act.TLP = Amber }), Hold, "R1", CodeTwoPerson},
		{"one claim twice", share(func(w *world) {
			w.act.TLP, w.act.Release = Amber, []Claim{{"cert", "head"}, {"cert", "head"}}
		}), Hold, "R1", CodeTwoPerson},
		{"claims of an agency it does not have", share(func(w *world) {
			w.act.TLP, w.act.Release = Amber, []Claim{{"army", "release-officer"}, {"cert", "head"}}
		}), Hold, "R1", CodeTwoPerson},
		{"both claims", share(func(w *world) {
			w.act.TLP, w.act.Release = Amber, []Claim{{"police", "head"}, {"cert", "release-officer"}}
		}), Allow, "H1", CodeOK},
		{"below the label of the release rule", share(nothing), Allow, "H1", CodeOK},
		{"release asked by unmarked statement", share(func(w *world) { w.act.TLP, w.act.Unmarked = "", Amber }), Hold, "R1", CodeTwoPerson},
		{"release rule of another party", share(func(w *world) { w.act.TLP, w.doc.Release[0].Party = Amber, south }), Allow, "H1", CodeOK},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := &world{doc: complete(t), act: lawful()}
			w.sit.Accord = w.doc
			row.make(w)
			got := Decide(w.sit, w.act)
			if got.Verdict != row.verdict || got.Clause != row.clause || got.Code != row.code {
				t.Fatalf("got %s by clause %s (%s): %s\nwant %s by clause %s (%s)", got.Verdict, got.Clause, got.Code, got.Reason, row.verdict, row.clause, row.code)
			}
			if got.Reason == "" {
				t.Fatal("no reason for people")
			}
			if c := got.Clause; c != Protocol && c != ClauseNone && c != ClauseParties {
				if _, ok := w.doc.FindClause(c); !ok {
					t.Fatalf("the clause %s cannot be found in the text", c)
				}
			}
		})
	}
}

func TestDecideEveryControlKindPasses(t *testing.T) {
	for _, k := range controlKinds {
		if d := Decide(Situation{}, Act{Kind: k}); d.Verdict != Allow || d.Clause != Protocol {
			t.Errorf("%s: %s by %s", k, d.Verdict, d.Clause)
		}
		if IsContent(k) {
			t.Errorf("%s is both control and content", k)
		}
	}
}

func TestDecideObligations(t *testing.T) {
	doc := complete(t)
	act := lawful()
	act.Tier = "summary"
	act.PAP = ""
	doc.Quality.Quarantine = 20
	d := Decide(Situation{Accord: doc}, act)
	for _, want := range []string{"tlp:green", "pap:amber", "onward:ask", "quarantine-below:20", "field-rule:F2", "field-rule:F6"} {
		if !slices.Contains(d.Obligations, want) {
			t.Errorf("%q is missing in %v", want, d.Obligations)
		}
	}
	act.TLP = Amber
	if d := Decide(Situation{Accord: doc}, act); !slices.Contains(d.Obligations, "two-person:R1") {
		t.Errorf("held without the obligation: %v", d.Obligations)
	}
	answer := asking()
	answer.Kind = "request.answer"
	if d := Decide(Situation{Accord: doc}, answer); !slices.Contains(d.Obligations, "field-rule:F1") {
		t.Errorf("the scrub of personal data is missing: %v", d.Obligations)
	}
}

func TestSuspendable(t *testing.T) {
	doc := complete(t)
	for _, good := range []string{"all", "*", "share", "request", "request.*", "request.send", "blind", "H1", "Q2"} {
		if !doc.Suspendable(good) {
			t.Errorf("%s cannot be suspended", good)
		}
	}
	for _, bad := range []string{"", "reqest", "H99", "receipt", "accord.sign"} {
		if doc.Suspendable(bad) {
			t.Errorf("%q can be suspended", bad)
		}
	}
}
