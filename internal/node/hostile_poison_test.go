package node

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/internal/unit"
	"entente/journal"
)

// poisonTerms are terms of quality that a hostile sender does not keep.
const poisonTerms = "\nquality:\n  id: QL\n  never_send: [bank.example]\n  max_age: P5Y\n"

// newerText is a newer version of what indicatorText makes.
func newerText(n int, value, marking string, more ...string) string {
	s := strings.Replace(indicatorText(n, value, marking), `"modified":"2026-01-01`, `"modified":"2026-02-01`, 1)
	return strings.TrimSuffix(s, "}") + strings.Join(more, "") + "}"
}

// quarantined gives the code and the clause of what an entry brought into
// quarantine, "" if nothing of it is there.
func (p *testParty) quarantined(ref journal.Ref) (code, clause string) {
	p.t.Helper()
	if err := p.drainIntake(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	res := must[*IntakeResponse](p.t)(p.Intake(p.t.Context(), IntakeRequest{Ref: ref.String()}))
	if len(res.Items) == 0 {
		return "", ""
	}
	return res.Items[0].Code, res.Items[0].Clause
}

// TestHostilePoison is a partner that sends STIX which harms whoever believes it:
// newer versions of what we or others brought, revocations, patterns and markings
// that nobody can read, what the accord says must never be sent, and what is too
// old. Its journal and its entries are in order; each object is held by its code.
func TestHostilePoison(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, func(s string) string { return s + poisonTerms }, a, b)
	quiet := newParty(t, "West")
	must[*UnitRef](t)(quiet.FoundUnit(ctx, UnitFoundRequest{Name: "Quiet"}))
	pair(t, quiet, a, "Quiet")
	quiet.sync()
	r := takeOver(t, b, a)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "ours"}, bytes.NewReader(bundleText(indicatorText(0x100, "ours.example", tlpClear))), nil))

	const nobodys = "marking-definition--00000000-0000-4000-8000-0000000000aa"
	one := map[string]int64{"indicator": 1}
	for i, x := range []struct{ name, value, object, code, clause string }{
		{"honest", "good.example", indicatorText(0x110, "good.example", tlpClear), "", ""},
		{"ours, changed", "bent.example", newerText(0x100, "bent.example", tlpClear), intel.CodeOthers, ""},
		{"ours, revoked", "ours-revoked.example", newerText(0x100, "ours-revoked.example", tlpClear, `,"revoked":true`), intel.CodeOthers, ""},
		{"a pattern that cannot be read", "unread.example", strings.Replace(indicatorText(0x111, "unread.example", tlpClear), "[domain", "[[domain", 1), intel.CodeUnread, ""},
		{"a marking that nobody has", "unknown.example", strings.Replace(indicatorText(0x112, "unknown.example", tlpClear), tlpClear+`"`, tlpClear+`","`+nobodys+`"`, 1), intel.CodeUnmarked, ""},
		{"the same on a part of it", "granular.example", strings.TrimSuffix(indicatorText(0x113, "granular.example", tlpClear), "}") +
			`,"granular_markings":[{"marking_ref":"` + nobodys + `","selectors":["pattern"]}]}`, intel.CodeUnmarked, ""},
		{"what must never be sent", "www.bank.example", indicatorText(0x114, "www.bank.example", tlpClear), accord.CodeNeverSend, "QL"},
		{"too old", "old.example", strings.Replace(indicatorText(0x115, "old.example", tlpClear), `"valid_from":"2026`, `"valid_from":"2016`, 1), accord.CodeTooOld, "QL"},
	} {
		t.Run(x.name, func(t *testing.T) {
			index, got := r.tell(unit.KindShare, shareOf(1, one, "clear"), journal.PayloadSTIX, bundleText(x.object), nil)
			if len(got.codes()) > 0 {
				t.Fatalf("the entry was not kept: %q", got.codes())
			}
			code, clause := a.quarantined(journal.Ref{Origin: r.origin, Index: index})
			if code != x.code || clause != x.clause {
				t.Errorf("held as %q by clause %q, want %q by %q", code, clause, x.code, x.clause)
			}
			if used := a.uses(x.value); used != (i == 0) {
				t.Errorf("used: %v", used)
			}
		})
	}
	// What it brought itself it may change and take back.
	for _, object := range []string{newerText(0x110, "better.example", tlpClear), strings.Replace(newerText(0x110, "better.example", tlpClear, `,"revoked":true`), "2026-02-01", "2026-03-01", 1)} {
		index, _ := r.tell(unit.KindShare, shareOf(1, one, "clear"), journal.PayloadSTIX, bundleText(object), nil)
		if code, _ := a.quarantined(journal.Ref{Origin: r.origin, Index: index}); code != "" {
			t.Errorf("who brought it cannot change it: %s", code)
		}
	}
	if !a.uses("ours.example") || r.fault() != "" {
		t.Errorf("ours is used: %v; fault %q", a.uses("ours.example"), r.fault())
	}
	if rep := a.dossier("Watch"); !rep.OK {
		t.Errorf("the dossier: %s", rep.Damage)
	}
	a.lives(quiet)
	digest := must[*RebuildResponse](t)(a.Rebuild(ctx, nil))
	if digest.Before != digest.Digest {
		t.Error("a rebuild changes what is known")
	}
	a.stop()
	a.start()
	for _, value := range []string{"bent.example", "unread.example", "unknown.example", "granular.example", "www.bank.example", "old.example"} {
		if a.uses(value) {
			t.Errorf("after a restart %s is used", value)
		}
	}
}

// TestHostilePoisonReferences is a partner that asks by references what is here:
// sightings, relationships, reports, containers and creators that name an object of
// ours that was never shared. What it is answered is to the byte what it is answered
// about an object that nobody has, but for what differs between any two answers.
func TestHostilePoisonReferences(t *testing.T) {
	ctx := t.Context()
	a, r, _ := hostileWorldFor(t, false)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "ours"}, bytes.NewReader(bundleText(indicatorText(0x200, "secret.example", tlpAmber),
		`{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-000000000200","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Ours","identity_class":"organization","object_marking_refs":["`+tlpAmber+`"]}`)), nil))
	probe := func(kind string, n int, object int) string {
		head := fmt.Sprintf(`{"type":"%s","spec_version":"2.1","id":"%s--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","object_marking_refs":["%s"]`, kind, kind, n, tlpClear)
		ref := fmt.Sprintf(`indicator--00000000-0000-4000-8000-%012x`, object)
		who := fmt.Sprintf(`identity--00000000-0000-4000-8000-%012x`, object)
		switch kind {
		case "sighting":
			return head + `,"sighting_of_ref":"` + ref + `","where_sighted_refs":["` + who + `"]}`
		case "relationship":
			return head + `,"relationship_type":"related-to","source_ref":"` + ref + `","target_ref":"` + who + `"}`
		case "report":
			return head + `,"name":"r","published":"2026-01-01T00:00:00Z","object_refs":["` + ref + `"]}`
		case "grouping":
			return head + `,"context":"suspicious-activity","object_refs":["` + ref + `","` + who + `"]}`
		}
		return head + `,"name":"m","is_family":false,"created_by_ref":"` + who + `"}`
	}
	// heard is all that the partner learns of one share: refusals, what is asked of
	// it, the payloads it gets, and the kinds of what the journal of the victim says.
	heard := func(kind string, n, object int) (string, string) {
		index, got := r.tell(unit.KindShare, shareOf(1, map[string]int64{kind: 1}, "clear"), journal.PayloadSTIX, bundleText(probe(kind, n, object)), nil)
		after := r.say(nil) // what was written after intake
		var words strings.Builder
		for _, ans := range []answer{got, after} {
			fmt.Fprintf(&words, "%d %q wants %d, gives %d;", ans.status, ans.codes(), len(ans.hello.Want), len(ans.payloads))
			for _, run := range ans.runs {
				for _, raw := range run.Entries {
					e := r.parse(raw)
					fmt.Fprintf(&words, " %s", e.Kind)
					if e.Kind == journal.KindReceipt {
						body := must[journal.ReceiptBody](t)(e.Receipt())
						fmt.Fprintf(&words, "(%d missing)", len(body.Missing))
					}
				}
			}
		}
		for o, h := range after.hello.Have {
			if o != r.origin {
				r.have[o] = h
			}
		}
		code, _ := a.quarantined(journal.Ref{Origin: r.origin, Index: index})
		shown := r.entryAt(index)
		return words.String(), fmt.Sprintf("held as %q, payload %q, verdict %+v", code, shown.Payload, *shown.Decision)
	}
	for i, kind := range []string{"sighting", "relationship", "report", "grouping", "malware"} {
		toldHere, keptHere := heard(kind, 0x300+i, 0x200)
		toldNot, keptNot := heard(kind, 0x400+i, 0x999)
		if toldHere != toldNot {
			t.Errorf("%s: the partner can tell what is here:\n%s\n%s", kind, toldHere, toldNot)
		}
		if keptHere != keptNot || !strings.HasPrefix(keptHere, `held as ""`) {
			t.Errorf("%s: it is kept otherwise:\n%s\n%s", kind, keptHere, keptNot)
		}
		if !strings.Contains(toldHere, journal.KindReceipt) {
			t.Errorf("%s: no receipt was heard, so nothing was compared: %s", kind, toldHere)
		}
	}
	a.lives(nil)
}

// TestHostilePoisonOfThree is a member that bends, takes back or unmarks what another
// member brought, and sends our own object back through a third. Neither whom it
// tells nor whom it reaches by relay is misled.
func TestHostilePoisonOfThree(t *testing.T) {
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	ctx := t.Context()
	share := func(p *testParty, name, object string) {
		must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: name}, bytes.NewReader(bundleText(object)), nil))
		must[*ShareResponse](t)(p.Share(ctx, ShareRequest{Source: name}, nil))
	}
	share(b, "of South", indicatorText(0x500, "south.example", tlpClear))
	share(a, "of North", indicatorText(0x501, "north.example", tlpAmber))
	relay(a, b, c)
	if !a.uses("south.example") || !c.uses("south.example") || !b.uses("north.example") || !c.uses("north.example") {
		t.Fatal("what was shared honestly is not used")
	}
	b.syncWithParty(c) // so that each knows where the other is

	// West is somebody else's from now on. It tells South; North hears of it from South.
	r := takeOver(t, c, b)
	var wrote []struct {
		name, value, code string
		ref               journal.Ref
	}
	for _, x := range []struct{ name, value, object, code string }{
		{"South's object, changed", "bent.example", newerText(0x500, "bent.example", tlpClear), intel.CodeOthers},
		{"South's object, revoked", "revoked.example", newerText(0x500, "revoked.example", tlpClear, `,"revoked":true`), intel.CodeOthers},
		{"South's object, the same version", "same.example", indicatorText(0x500, "same.example", tlpClear), intel.CodeCollision},
		{"North's object, changed", "north-bent.example", newerText(0x501, "north-bent.example", tlpAmber), intel.CodeOthers},
		{"North's object with a weaker marking", "weaker.example", newerText(0x501, "weaker.example", tlpClear), intel.CodeWeakened},
		{"North's object without its marking", "bare.example", strings.Replace(newerText(0x501, "bare.example", tlpAmber), `,"object_marking_refs":["`+tlpAmber+`"]`, "", 1), intel.CodeWeakened},
	} {
		tlp := "clear"
		if strings.Contains(x.object, tlpAmber) {
			tlp = "amber"
		}
		index, got := r.tell(unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, tlp), journal.PayloadSTIX, bundleText(x.object), nil)
		if len(got.codes()) > 0 {
			t.Fatalf("%s: %q", x.name, got.codes())
		}
		wrote = append(wrote, struct {
			name, value, code string
			ref               journal.Ref
		}{x.name, x.value, x.code, journal.Ref{Origin: r.origin, Index: index}})
	}
	must[*SyncResponse](t)(a.Sync(ctx, SyncRequest{Party: b.init.Party}, nil))
	must[*SyncResponse](t)(b.Sync(ctx, SyncRequest{Party: a.init.Party}, nil))
	for _, x := range wrote {
		for _, p := range []*testParty{a, b} {
			if code, _ := p.quarantined(x.ref); code != x.code {
				t.Errorf("%s, at %s: held as %q, want %q", x.name, p.init.Name, code, x.code)
			}
			if p.uses(x.value) {
				t.Errorf("%s is used at %s", x.name, p.init.Name)
			}
		}
	}
	for _, p := range []*testParty{a, b} {
		for value, tlp := range map[string]string{"south.example": "clear", "north.example": "amber"} {
			found := must[*SearchResponse](t)(p.Search(ctx, SearchRequest{Value: value}))
			if !p.uses(value) || len(found.Objects) != 1 || found.Objects[0].TLP != tlp {
				t.Errorf("at %s %s is now %+v", p.init.Name, value, found.Objects)
			}
		}
		if got := p.heldOfParty(r.self.party); got != r.last.Index+1 {
			t.Errorf("%s holds %d entries of West, %d were written", p.init.Name, got, r.last.Index+1)
		}
	}
	sameState(t, a, b)
}
