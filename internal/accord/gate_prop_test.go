package accord

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var anyKind = rapid.SampledFrom([]string{"share", "share.retract", "request.send", "request.refuse", "request.answer", "request.acknowledge", "blind.open", "receipt", "accord.sign", "gift", "", "request.", "share."})

func drawText(choices ...string) *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(choices), rapid.StringN(0, 8, 16))
}

func drawAct(t *rapid.T) Act {
	parties := drawText(north, south, other, "")
	claims := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Claim {
		return Claim{drawText("cert", "police").Draw(t, "agency"), drawText("head", "release-officer", "duty-officer").Draw(t, "role")}
	}), 0, 4)
	label := drawText("", Clear, Green, Amber, AmberStrict, Red)
	a := Act{
		Kind: anyKind.Draw(t, "kind"), Author: parties.Draw(t, "author"), Recipients: rapid.SliceOfN(parties, 0, 3).Draw(t, "recipients"),
		By: append(claims.Draw(t, "by"), Claim{})[0], Release: claims.Draw(t, "release"),
		At:      time.Unix(rapid.Int64Range(1_600_000_000, 2_200_000_000).Draw(t, "at"), 0),
		Objects: rapid.IntRange(-1, 20_000).Draw(t, "objects"), Bytes: rapid.Int64().Draw(t, "bytes"),
		TLP: label.Draw(t, "tlp"), Unmarked: label.Draw(t, "unmarked"), UnmarkedObjects: rapid.IntRange(0, 3).Draw(t, "n"), PAP: label.Draw(t, "pap"),
		Incidents: rapid.SliceOfN(drawText("phishing", "military-operation"), 0, 2).Draw(t, "incidents"),
		Elements:  rapid.Int64Range(-1, 2000).Draw(t, "elements"), Tier: drawText("", "", "summary").Draw(t, "tier"),
		Code: drawText("", "overload", "sovereignty").Draw(t, "code"),
	}
	if rapid.Bool().Draw(t, "typed") {
		a.Types = map[string]int64{"indicator": int64(a.Objects)}
	}
	if rapid.Bool().Draw(t, "request") {
		a.Request = &RequestFacts{Type: drawText("information", "subscriber").Draw(t, "type"), Urgency: drawText(Urgent, Routine).Draw(t, "urgency"),
			Fields: rapid.SliceOfN(drawText("subject", "purpose", "reason"), 0, 4).Draw(t, "fields")}
	}
	return a
}

// nearlyLawful is a lawful act with one thing or none changed, so that properties meet all rules.
func nearlyLawful(t *rapid.T) Act {
	a := lawful()
	if rapid.Bool().Draw(t, "asks") {
		a = asking()
	}
	wild := drawAct(t)
	switch rapid.IntRange(0, 12).Draw(t, "change") {
	case 0:
		a.TLP = wild.TLP
	case 1:
		a.Unmarked = wild.Unmarked
	case 2:
		a.PAP = wild.PAP
	case 3:
		a.Objects, a.Types = max(0, wild.Objects), nil
	case 4:
		a.Bytes = max(0, wild.Bytes)
	case 5:
		a.Release, a.TLP = wild.Release, Amber
	case 6:
		a.Request = wild.Request
	case 7:
		a.Author, a.Recipients = south, []string{north}
	case 8:
		a.Elements = max(0, wild.Elements)
	case 9:
		a.At = wild.At
	}
	return a
}

func drawSituation(t *rapid.T, doc *Document) Situation {
	s := Situation{Accord: doc, Used: Usage{
		RequestsToday: rapid.Int64Range(0, 300).Draw(t, "requests"),
		BytesToday:    rapid.SampledFrom([]int64{0, 1 << 20, 4 << 30, 1<<63 - 1}).Draw(t, "bytes today"),
		BlindToday:    rapid.Int64Range(0, 11_000).Draw(t, "blind"),
	}}
	if rapid.IntRange(0, 5).Draw(t, "withdrawal") == 0 {
		s.Withdrawn = []string{rapid.SampledFrom([]string{north, south}).Draw(t, "withdrawn")}
	}
	return s
}

func TestDecideIsTotalAndDeterministic(t *testing.T) {
	doc := complete(t)
	before, _ := doc.JSON()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t, doc)
		if rapid.IntRange(0, 9).Draw(t, "accord") == 0 {
			s.Accord = rapid.SampledFrom([]*Document{nil, {}}).Draw(t, "none")
		}
		a := drawAct(t)
		one, two := Decide(s, a), Decide(s, a)
		if !reflect.DeepEqual(one, two) {
			t.Fatalf("%+v\n%+v", one, two)
		}
		if one.Clause == "" && s.Accord != nil && s.Accord.Format != "" || one.Code == "" || one.Reason == "" {
			t.Fatalf("a decision without clause, code or reason: %+v", one)
		}
		if one.Verdict == Allow && !IsControl(a.Kind) && !IsContent(a.Kind) {
			t.Fatalf("%q passed", a.Kind)
		}
	})
	if after, _ := doc.JSON(); string(after) != string(before) {
		t.Fatal("Decide changed the document")
	}
}

// TestDecideStricterNeverAllowsMore tightens ceilings, quotas and offices and asks both accords.
func TestDecideStricterNeverAllowsMore(t *testing.T) {
	lax := complete(t)
	seen := map[Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		strict := *lax
		strict.Handling.Ceiling = slices.Clone(lax.Handling.Ceiling)
		for i := range strict.Handling.Ceiling {
			c := &strict.Handling.Ceiling[i]
			tlp, _ := tlpRank(c.TLP)
			pap, _ := papRank(c.PAP)
			c.TLP = tlpLabels[rapid.IntRange(0, tlp).Draw(t, "tlp")]
			c.PAP = papLabels[rapid.IntRange(0, pap).Draw(t, "pap")]
		}
		lower := func(name string, v *int64) { *v = rapid.Int64Range(0, *v).Draw(t, name) }
		lower("requests", &strict.Quotas.RequestsPerDay)
		lower("bytes", &strict.Quotas.BytesPerDay)
		lower("objects", &strict.Quotas.ObjectsPerShare)
		lower("blind day", &strict.Quotas.BlindMatchPerDay)
		lower("blind call", &strict.Quotas.BlindMatchPerCall)
		strict.Handling.Unmarked.SenderMayState = rapid.Bool().Draw(t, "state") && lax.Handling.Unmarked.SenderMayState
		s := drawSituation(t, lax)
		a := nearlyLawful(t)
		wide := Decide(s, a)
		s.Accord = &strict
		narrow := Decide(s, a)
		seen[wide.Verdict]++
		if narrow.Verdict > wide.Verdict {
			t.Fatalf("the stricter accord says %s (%s), the laxer %s (%s)", narrow.Verdict, narrow.Reason, wide.Verdict, wide.Reason)
		}
	})
	if seen[Allow] == 0 || seen[Refuse] == 0 {
		t.Fatalf("the property met only %v", seen)
	}
}

func TestDecideSuspensionNeverWidens(t *testing.T) {
	doc := complete(t)
	scopes := []string{"all", "share", "request.*", "request.send", "nonsense", ""}
	for _, c := range doc.Clauses() {
		scopes = append(scopes, c.ID)
	}
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t, doc)
		a := nearlyLawful(t)
		free := Decide(s, a)
		s.Suspended = []Suspension{{By: south, Scope: rapid.SliceOfN(rapid.SampledFrom(scopes), 0, 4).Draw(t, "scope")}}
		bound := Decide(s, a)
		if bound.Verdict > free.Verdict {
			t.Fatalf("suspended %s, free %s", bound.Verdict, free.Verdict)
		}
		if free.Verdict == Refuse && !reflect.DeepEqual(free, bound) {
			t.Fatalf("a suspension changed a refusal: %+v", bound)
		}
		if bound.Code == CodeSuspended {
			held++
		}
		s.Suspended = append(s.Suspended, Suspension{By: north, Scope: []string{"all"}})
		if more := Decide(s, a); more.Verdict > bound.Verdict {
			t.Fatalf("a second suspension widened %s to %s", bound.Verdict, more.Verdict)
		}
	})
	if held == 0 {
		t.Fatal("no draw was ever held")
	}
}

// TestDecideMoreClaimsNeverHarm: adding claims to a release never turns an allow into a hold.
func TestDecideMoreClaimsNeverHarm(t *testing.T) {
	doc := complete(t)
	rapid.Check(t, func(t *rapid.T) {
		a := lawful()
		a.TLP = Amber
		a.Release = drawAct(t).Release
		few := Decide(Situation{Accord: doc}, a)
		a.Release = append(a.Release, drawAct(t).Release...)
		if many := Decide(Situation{Accord: doc}, a); many.Verdict < few.Verdict {
			t.Fatalf("%s became %s", few.Verdict, many.Verdict)
		}
	})
}
