package accord

// The stages of a request that clocks measure. A type may have others.
const (
	StageReceipt      = "receipt"       // machine receipt
	StageAcknowledge  = "acknowledge"   // a named role has it
	StageDecide       = "decide"        // accepted, refused, postponed
	StageAnswer       = "answer"        // the answer is there
	StageAssess       = "assess"        // the asker has scored the answer
	StageHold         = "hold"          // preservation: how long data are held
	StageEarlyWarning = "early-warning" // incident notice, first
	StageNotification = "notification"  // incident notice, second
	StageFinalReport  = "final-report"  // incident notice, last
	StageSilence      = "silence"       // no move at all
)

// The urgencies that the default request types offer.
const (
	Emergency = "emergency"
	Urgent    = "urgent"
	Routine   = "routine"
)

func usualStops() []Stop {
	return []Stop{
		{Move: "needs-info", Until: []string{"info"}, AtMost: "P14D"},
		{Move: "conditions", Until: []string{"accept-terms"}, AtMost: "P14D"},
		{Move: "at-risk", Until: []string{"proceed"}, AtMost: "P7D"},
	}
}

func usualClocks(routine Duration) map[string]map[string]Duration {
	return map[string]map[string]Duration{
		Emergency: {StageAcknowledge: "PT30M", StageAnswer: "PT8H"},
		Urgent:    {StageAcknowledge: "PT4H", StageAnswer: "P3D"},
		Routine:   {StageAcknowledge: "P1D", StageAnswer: routine},
	}
}

// defaultRequestTypes are those of the design, part 8; each figure is from a real instrument and
// editable: a document that lists types of its own replaces them all.
func defaultRequestTypes() []RequestType {
	mk := func(name string, fields []string, clocks map[string]map[string]Duration, warn ...Duration) RequestType {
		return RequestType{Clause: Clause{ID: "requests." + name}, Type: name, Fields: fields, Clocks: clocks, Warnings: warn, Stops: usualStops(), Calendar: Always}
	}
	preservation := usualClocks("P7D")
	for _, stages := range preservation {
		stages[StageHold] = "P60D"
	}
	notice := map[string]map[string]Duration{}
	for _, u := range []string{Emergency, Urgent, Routine} {
		notice[u] = map[string]Duration{StageAcknowledge: "P1D", StageEarlyWarning: "PT24H", StageNotification: "PT72H", StageFinalReport: "P1M"}
	}
	return []RequestType{
		mk("information", []string{"subject", "purpose"}, usualClocks("P7D")),
		mk("assistance", []string{"subject", "purpose"}, usualClocks("P7D")),
		mk("subscriber", []string{"subject", "purpose", "legal-basis"}, usualClocks("P20D")),
		mk("traffic", []string{"subject", "purpose", "legal-basis"}, usualClocks("P45D")),
		mk("preservation", []string{"subject", "purpose"}, preservation, "P14D", "P3D"),
		mk("takedown", []string{"subject", "purpose"}, usualClocks("P7D")),
		mk("incident", []string{"subject"}, notice),
		mk("protest", []string{"subject"}, usualClocks("P7D")),
		mk("pre-notice", []string{"subject", "legal-basis"}, usualClocks("P7D")),
	}
}

func defaultRefusals() []RefusalCode {
	mk := func(code string, reason bool) RefusalCode {
		return RefusalCode{Clause: Clause{ID: "refusals." + code}, Code: code, Reason: reason}
	}
	return []RefusalCode{
		mk("sovereignty", false), mk("political-offence", false), mk("out-of-scope", true),
		mk("no-such-data", false), mk("legal-bar", true), mk("ongoing-case", false),
		mk("disproportionate", true), mk("overload", true),
	}
}

// defaults is the document in which every optional term has its default. Parse decodes a text over
// it, so that what was left out is written out in the canonical text and signed with the rest.
func defaults() *Document {
	c := func(id string) Clause { return Clause{ID: id, Text: Texts{}} }
	return &Document{
		Format:   Format,
		Version:  1,
		Validity: Validity{Clause: c("validity"), Review: "P6M", Notice: "P30D"},
		Scope:    Scope{Clause: c("scope")},
		Requests: Requests{Clause: c("requests"), Receipt: "PT15M", Silence: "P7D", Types: defaultRequestTypes()},
		Refusals: defaultRefusals(),
		Handling: Handling{
			Clause:   c("handling"),
			Unmarked: Unmarked{Clause: c("handling.unmarked"), CountsAs: Red},
			PAP:      PAPTerms{Clause: c("handling.pap"), Unmarked: Amber},
			Onward:   OnwardTerms{Clause: c("handling.onward"), Rule: "ask"},
			Court:    CourtTerms{Clause: c("handling.court"), Rule: "ask"},
			Credit:   Attribution{Clause: c("handling.attribution"), Rule: "ask"},
			Victims:  VictimNotice{Clause: c("handling.victim_notice"), Rule: "ask"},
		},
		Fields:       FieldTerms{Clause: c("fields")},
		PersonalData: PersonalData{Clause: c("personal_data"), Keep: "P1Y"},
		Evidence:     Evidence{Clause: c("evidence"), Originals: true, Custody: true, Keep: "P5Y"},
		Quotas: Quotas{Clause: c("quotas"), RequestsPerDay: 200, BytesPerDay: 4 << 30, ObjectsPerShare: 10_000,
			BlindMatchPerDay: 10_000, BlindMatchPerCall: 1_000},
		Quality:    Quality{Clause: c("quality"), Quarantine: 0},
		Hotline:    Hotline{Clause: c("hotline"), Acknowledge: "PT30M"},
		Publicity:  Publicity{Clause: c("publicity"), Statements: "joint", Embargo: "P30D"},
		Retention:  Retention{Clause: c("retention"), Keep: "P5Y", AtEnd: "destroy", Within: "P30D"},
		Suspension: SuspensionTerms{Clause: c("suspension"), ResumeBy: "suspender"},
		Withdrawal: Withdrawal{Clause: c("withdrawal"), Notice: "P30D", HeldData: "destroy", Within: "P30D"},
		Audit:      Audit{Clause: c("audit"), Every: "P1Y"},
		Drills:     Drills{Clause: c("drills"), Every: "P3M", Announced: true},
		Time:       TimeTerms{Clause: c("time"), Tolerance: "PT5M"},
	}
}

// fill puts the defaults into list items, which defaults cannot reach.
func (d *Document) fill() {
	star := func(ss ...*string) {
		for _, s := range ss {
			if *s == "" {
				*s = Any
			}
		}
	}
	for i := range d.Signatories {
		for j := range d.Signatories[i].Agencies {
			a := &d.Signatories[i].Agencies[j]
			if a.Name == "" {
				a.Name = a.Agency
			}
			for k := range a.Roles {
				if a.Roles[k].May == nil {
					a.Roles[k].May = []string{Any}
				}
			}
		}
	}
	for i := range d.Contacts {
		if c := &d.Contacts[i]; c.Hours == "" {
			c.Hours = "24/7"
		}
		if c := &d.Contacts[i]; c.Zone == "" {
			c.Zone = "UTC"
		}
	}
	for i := range d.Requests.Types {
		if t := &d.Requests.Types[i]; t.Calendar == "" {
			t.Calendar = Always
		}
	}
	for i := range d.Calendars {
		c := &d.Calendars[i]
		if c.Days == nil {
			c.Days = []string{"mon", "tue", "wed", "thu", "fri"}
		}
	}
	for i := range d.Handling.Ceiling {
		c := &d.Handling.Ceiling[i]
		star(&c.Kind, &c.From, &c.To)
		if c.PAP == "" {
			c.PAP = Red
		}
	}
	for i := range d.Fields.Rules {
		r := &d.Fields.Rules[i]
		star(&r.Kind, &r.From, &r.To)
		if r.Action == "mask" && r.Mask == "" {
			r.Mask = "[withheld]"
		}
	}
	for i := range d.Release {
		r := &d.Release[i]
		star(&r.Kind, &r.Party)
		if r.FromTLP == "" {
			r.FromTLP = Clear
		}
		for j := range r.Claims {
			star(&r.Claims[j].Agency)
		}
	}
}
