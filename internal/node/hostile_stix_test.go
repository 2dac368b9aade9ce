package node

import (
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"
)

// TestHostileStripped is a partner that sends our own object back with its marking
// weakened or taken off, as if it were a newer version, and STIX meant to make
// whoever reads it fall over. Nothing of it is used, and ours stays as it was.
func TestHostileStripped(t *testing.T) {
	ctx := t.Context()
	a, r, quiet := hostileWorld(t)
	ours := indicatorText(80, "ours.example", tlpAmber)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "ours"}, strings.NewReader(string(bundleText(ours))), nil))
	cautious := strings.Replace(indicatorText(86, "cautious.example", tlpClear), `"`+tlpClear+`"`, `"`+tlpClear+`","`+stix.PAPMarkingRed+`"`, 1)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "ours"}, strings.NewReader(string(bundleText(cautious))), nil))
	newer := func(value, marking string) string {
		s := indicatorText(80, value, marking)
		return strings.Replace(s, `"modified":"2026-01-01`, `"modified":"2026-02-01`, 1)
	}
	one := map[string]int64{"indicator": 1}
	for _, x := range []struct {
		name, value, object, code string
	}{
		{"a weaker marking", "weaker.example", newer("weaker.example", tlpClear), intel.CodeWeakened},
		{"no marking", "stripped.example", strings.Replace(newer("stripped.example", tlpClear), `,"object_marking_refs":["`+tlpClear+`"]`, "", 1), intel.CodeWeakened},
		{"a weaker PAP", "bold.example", strings.NewReplacer(stix.PAPMarkingRed, stix.PAPMarkingGreen, `"modified":"2026-01-01`, `"modified":"2026-02-01`, "cautious.example", "bold.example").Replace(cautious), intel.CodeWeakened},
		{"no PAP", "unbound.example", strings.NewReplacer(`,"`+stix.PAPMarkingRed+`"`, "", `"modified":"2026-01-01`, `"modified":"2026-02-01`, "cautious.example", "unbound.example").Replace(cautious), intel.CodeWeakened},
		{"the same version with another marking", "same.example", indicatorText(80, "same.example", tlpClear), intel.CodeCollision},
		{"nesting of 10,000", "deep.example", strings.Replace(indicatorText(81, "deep.example", tlpClear), `"name":`, `"x_deep":`+strings.Repeat("[", 10000)+strings.Repeat("]", 10000)+`,"name":`, 1), intel.CodeInvalid},
		{"a member twice", "twice.example", strings.Replace(indicatorText(82, "twice.example", tlpClear), `"name":`, `"name":"x","name":`, 1), intel.CodeInvalid},
		{"invalid UTF-8", "utf.example", strings.Replace(indicatorText(83, "utf.example", tlpClear), `"name":"`, "\"name\":\"\xff", 1), intel.CodeInvalid},
	} {
		t.Run(x.name, func(t *testing.T) {
			index, got := r.tell(unit.KindShare, shareOf(1, one, "clear"), journal.PayloadSTIX, bundleText(x.object), nil)
			if len(got.codes()) > 0 {
				t.Fatalf("the entry was not kept: %q", got.codes())
			}
			if a.uses(x.value) {
				t.Error("it is used")
			}
			res := must[*IntakeResponse](t)(a.Intake(ctx, IntakeRequest{Ref: journal.Ref{Origin: r.origin, Index: index}.String()}))
			if x.code != intel.CodeInvalid && (len(res.Items) != 1 || res.Items[0].Code != x.code) {
				t.Errorf("in quarantine: %+v, want %s", res.Items, x.code)
			}
		})
	}
	// A pattern that nests without end, and a name of a megabyte, harm nobody.
	bomb := strings.Replace(indicatorText(84, "bomb.example", tlpClear), `"pattern":"[`, `"pattern":"`+strings.Repeat("(", 200000)+`[`, 1)
	huge := strings.Replace(indicatorText(85, "huge.example", tlpClear), `"name":"`, `"name":"`+strings.Repeat("x", 1<<20), 1)
	r.tell(unit.KindShare, shareOf(2, map[string]int64{"indicator": 2}, "clear"), journal.PayloadSTIX, bundleText(bomb, huge), nil)
	if found := must[*SearchResponse](t)(a.Search(ctx, SearchRequest{Value: "bomb.example"})); len(found.Objects) > 0 {
		t.Error("a pattern that cannot be read was read")
	}
	if !a.uses("ours.example") || r.fault() != "" {
		t.Errorf("ours is used: %v; fault %q", a.uses("ours.example"), r.fault())
	}
	found := must[*SearchResponse](t)(a.Search(ctx, SearchRequest{Value: "ours.example"}))
	if len(found.Objects) != 1 || found.Objects[0].TLP != "amber" {
		t.Errorf("ours is now %+v", found.Objects)
	}
	a.lives(quiet)
}
