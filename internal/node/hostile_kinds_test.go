package node

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// TestHostileUnknownKinds is a partner that writes kinds which no version of this
// program knows, some of them under names that look like known ones, with bodies,
// fields, releases and payloads of every sort. All are kept, none changes the state of
// anything, content under them is against the accord, and what comes after counts.
func TestHostileUnknownKinds(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	before := a.stateOf("Watch")
	stix := bundleText(indicatorText(0x600, "kinds.example", tlpClear))
	answer := append(append([]byte(`{"text":"x","bundle":`), stix...), '}')
	one := shareOf(1, map[string]int64{"indicator": 1}, "clear")
	deep := strings.Repeat(`{"x":`, 20) + "1" + strings.Repeat("}", 20)
	var wrote []int64
	for _, x := range []struct {
		kind, payload string
		body          any
		change        func(map[string]any)
	}{
		{"x", "", map[string]any{}, nil},
		{"share.v2", "", shareOf(1, map[string]int64{"indicator": 1}, "clear"), nil},
		{"request.send.more", "", map[string]any{"to": a.keys().party, "type": "information"}, nil},
		{"request.levitate", "", map[string]any{"request": journal.Ref{Origin: r.victimOrigin(), Index: 1}}, nil},
		{"accord.ratify", "", map[string]any{"hash": strings.Repeat("0", 64)}, nil},
		{"unit.expel", "", map[string]any{"party": a.keys().party}, nil},
		{"receipt.of.everything", "", map[string]any{"origin": r.victimOrigin(), "size": 9000}, nil},
		{"rotate.all", "", json.RawMessage(deep), nil},
		{"x.fields", "", map[string]any{}, func(m map[string]any) { m["x_more"] = map[string]any{"a": []int{1, 2}}; m["version"] = 99 }},
		{"x.share", journal.PayloadSTIX, one, nil},
		{"x.of.no.type", "x-unknown", map[string]any{}, nil},
		{"x.answer", journal.PayloadAnswer, one, nil},
		{"share.v2", journal.PayloadSTIX, one, nil},           // of a family that the accord knows: within its
		{"share.v3", journal.PayloadAnswer, one, nil},         // ceilings, and yet nothing that this
		{"request.levitate", journal.PayloadAnswer, one, nil}, // version knows what to do with
	} {
		var data []byte
		switch x.payload {
		case "":
		case journal.PayloadAnswer:
			data = append(slices.Clone(answer), strings.Repeat(" ", len(wrote))...)
		default:
			data = append(slices.Clone(stix), strings.Repeat(" ", len(wrote))...) // each a payload of its own
		}
		index, got := r.tell(x.kind, x.body, x.payload, data, x.change)
		if len(got.codes()) > 0 {
			t.Fatalf("%s: %q", x.kind, got.codes())
		}
		wrote = append(wrote, index)
		d := r.entryAt(index).Decision
		if refused := d != nil && d.Verdict == "refuse" && d.Code == accord.CodeUnknownKind; strings.HasPrefix(x.kind, "x.") && x.payload != "" && !refused {
			t.Errorf("content under %s: %+v", x.kind, d)
		}
		if a.uses("kinds.example") {
			t.Fatalf("what came under %s is used", x.kind)
		}
	}
	after := a.stateOf("Watch")
	if len(after.Requests) != len(before.Requests) || len(after.Shares) != len(before.Shares) || len(after.Proposals) != len(before.Proposals) ||
		len(after.Members) != len(before.Members) || after.Accord.Hash != before.Accord.Hash {
		t.Errorf("kinds that nobody knows changed the state: %+v", after)
	}
	strays := 0 // moves that no table has: shown, with a code
	for _, s := range after.Strays {
		if s.Refused == "" {
			t.Errorf("a move that nobody knows was made: %+v", s)
		}
		strays++
	}
	if shares := 3; len(after.Unknown)+strays+shares != len(wrote) {
		t.Errorf("of %d entries %d are shown as of unknown kinds, and %d as moves that are none", len(wrote), len(after.Unknown), strays)
	}
	if r.fault() != "" {
		t.Errorf("fault %q", r.fault())
	}
	// They are receipted like all else, and what follows them counts.
	r.tell(unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), journal.PayloadSTIX, bundleText(indicatorText(0x601, "after.example", tlpClear)), nil)
	if !a.uses("after.example") {
		t.Error("an honest share after them is not used")
	}
	st := a.stateOf("Watch")
	for _, m := range st.Members {
		for _, rc := range m.Receipts {
			if m.Party == a.keys().party && rc.Origin == r.origin && rc.Head.Size < wrote[len(wrote)-1] {
				t.Errorf("of %d entries %d are receipted", r.last.Index+1, rc.Head.Size)
			}
		}
	}
	if rep := a.dossier("Watch"); !rep.OK {
		t.Errorf("the dossier: %s", rep.Damage)
	}
	a.lives(quiet)
}

// stateOf is the fold's state of a unit.
func (p *testParty) stateOf(unitName string) unit.State {
	p.t.Helper()
	var s unit.State
	if err := json.Unmarshal(must[*UnitShowResponse](p.t)(p.ShowUnit(p.t.Context(), UnitShowRequest{Unit: unitName})).State, &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// TestHostileVersions is a partner that signs entries of versions of the format that
// are none: the format of a unit's journals has one version, growth goes by fields and
// kinds, so such an entry is no entry and ends its author's journal with a proof. A
// greeting of another version is refused, and nothing is held against anybody.
func TestHostileVersions(t *testing.T) {
	for _, x := range []struct {
		name string
		v    any
	}{{"the next", 2}, {"none", 0}, {"below none", -1}, {"far ahead", 1 << 40}, {"a fraction", 1.5}, {"text", "1"}, {"null", nil}} {
		t.Run(x.name, func(t *testing.T) {
			a, r, quiet := hostileWorldFor(t, x.name == "the next")
			good := r.note(r.last, "before")
			if got := r.say([]peer.Run{r.next(good)}); len(got.codes()) > 0 {
				t.Fatalf("%q", got.codes())
			}
			r.last = r.parse(good)
			before := r.held()
			run := r.next(r.entry(r.last, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), nil, func(m map[string]any) { m["v"] = x.v }))
			if got := r.say([]peer.Run{run}); !slices.Equal(got.codes(), []string{journal.CodeBadEntry}) {
				t.Fatalf("answered with %d %q", got.status, got.codes())
			}
			caught(t, a, r, journal.CodeBadEntry, before)
			a.lives(quiet)
		})
	}
	t.Run("of the greeting", func(t *testing.T) {
		a, r, _ := hostileWorldFor(t, false)
		before := r.held()
		for _, v := range []string{`"v":2`, `"v":0`, `"v":"1"`} {
			hello := strings.Replace(string(must[[]byte](t)(json.Marshal(r.hello()))), `"v":1`, v, 1)
			got := r.post(strings.NewReader(peer.Magic + string(frame(1, uint32(len(hello)), []byte(hello)))))
			if want := map[bool]string{true: peer.CodeBadFrame, false: peer.CodeBadVersion}[v == `"v":"1"`]; got.status == http.StatusOK || got.code != want {
				t.Errorf("%s: %d %q", v, got.status, got.code)
			}
		}
		if r.held() != before || r.fault() != "" || len(a.evidence("Watch")) > 0 {
			t.Errorf("held %+v, fault %q, evidence %q", r.held(), r.fault(), a.evidence("Watch"))
		}
		if got := r.say(nil); got.status != http.StatusOK {
			t.Errorf("afterwards: %d %q", got.status, got.codes())
		}
		a.clears("Watch")
		a.lives(nil)
	})
}
