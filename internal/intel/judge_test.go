package intel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/stix"
	"entente/taxii"
)

// broken breaks a MUST and is read all the same: it is valid until before it is valid from.
func broken(n int) string {
	return indicator(n, 1, "broken.example", `,"valid_until":"2025-01-01T00:00:00Z"`)
}

// TestImportKeepsOutWhatBreaksAMust: with its place, as TAXII refuses it, and the others come in.
func TestImportKeepsOutWhatBreaksAMust(t *testing.T) {
	for _, dry := range []bool{true, false} {
		w := newWorld(t)
		text := string(bundleOf(indicator(1, 1, "a.example"), broken(2), `17`, indicator(3, 1, "c.example"), broken(4)))
		r, err := w.in.Import(context.Background(), strings.NewReader(text), intel.Source{Name: "f"}, intel.Options{DryRun: dry})
		if err != nil || r.Read != 2 || r.New != 2 || r.BadCount != 3 || len(r.Bad) != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		if b := r.Bad[0]; b.Path != "objects[1].valid_until" || b.ID != idOf(2) || b.Reason == "" {
			t.Errorf("%+v", b)
		}
		if r.Bad[1].Path != "objects[2]" || r.Bad[2].Path != "objects[4].valid_until" {
			t.Errorf("not in the order of the file: %+v", r.Bad)
		}
		want := "1 3"
		if dry {
			want = ""
		}
		if got := ids(search(t, w.in, intel.Query{})); got != want {
			t.Errorf("dry %v: %q came in", dry, got)
		}
	}
}

// TestImportRefusesWhatPostRefuses: one rule for both ways in.
func TestImportRefusesWhatPostRefuses(t *testing.T) {
	objects := []string{indicator(1, 1, "a.example"), broken(2),
		strings.Replace(indicator(3, 1, "c.example"), `"modified":"2026-01-01T00:00:00.000Z"`, `"modified":"2025-01-01T00:00:00.000Z"`, 1),
		indicator(4, 1, "d.example", `,"labels":[]`), indicator(5, 1, "e.example", `,"x_own":1`)}
	w := newWorld(t)
	var batch [][]byte
	for _, text := range objects {
		batch = append(batch, []byte(text))
	}
	results, err := w.in.TAXIIWith(nil, []intel.Writable{scratch}, intel.SensorCeiling).(taxii.Writer).Put(t.Context(), taxii.Batch{Collection: scratch.ID(), Principal: "sensor", Objects: batch})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range objects {
		r := newWorld(t).load(t, "f", text)
		if results[i].Refused != (r.BadCount == 1) || r.BadCount+r.Read != 1 {
			t.Errorf("%d: %+v, %+v", i, results[i], r)
		} else if results[i].Refused && r.Bad[0].Path+": "+r.Bad[0].Reason != "[0]."+results[i].Message {
			t.Errorf("%d: %q, %+v", i, results[i].Message, r.Bad[0])
		}
	}
}

func noticed(all []intel.Notice, code string) intel.Notice {
	i := slices.IndexFunc(all, func(n intel.Notice) bool { return n.Code == code })
	if i < 0 {
		return intel.Notice{}
	}
	return all[i]
}

// TestImportCountsWhatIsAdvised: a SHOULD keeps nothing out.
func TestImportCountsWhatIsAdvised(t *testing.T) {
	var texts []string
	for n := range 1200 { // more than are judged at once
		texts = append(texts, indicator(n+1, 1, fmt.Sprintf("h%d.example", n), `,"x_own":1`))
	}
	for _, dry := range []bool{true, false} {
		r, err := newWorld(t).in.Import(context.Background(), strings.NewReader(strings.Join(texts, "\n")), intel.Source{Name: "f"}, intel.Options{DryRun: dry})
		if err != nil || r.New != 1200 || r.BadCount != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		n := noticed(r.Advice, stix.CodeCustom)
		if n.Count != 1200 || n.Must || len(n.First) != 5 || n.First[4].Path != "[4].x_own" || n.First[4].ID != idOf(5) || n.First[0].Reason == "" {
			t.Errorf("%+v", n)
		}
	}
}

func derived(n, from, to int) string {
	return fmt.Sprintf(`{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","relationship_type":"derived-from","source_ref":"%s","target_ref":"%s"}`,
		n, idOf(from), idOf(to))
}

// TestImportTellsWhatSeveralShow: cycles, ids that collide, versions out of order, the same version twice, and what is named
// and not here; also where it stands far apart in the stream.
func TestImportTellsWhatSeveralShow(t *testing.T) {
	texts := []string{indicator(1, 2, "a.example"), indicator(2, 1, "b.example"), derived(101, 1, 2), derived(102, 2, 1), derived(103, 2, 7), derived(104, 2, 8)}
	for n := range 6000 {
		texts = append(texts, indicator(n+1000, 1, fmt.Sprintf("h%d.example", n)))
	}
	texts = append(texts, indicator(1, 1, "a.example"), indicator(2, 1, "other.example"),
		`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-000000000002","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"x"}`)
	for _, dry := range []bool{true, false} {
		w := newWorld(t)
		w.load(t, "before", indicator(7, 1, "known.example")) // is known, so it does not dangle
		r, err := w.in.Import(context.Background(), strings.NewReader(strings.Join(texts, "\n")), intel.Source{Name: "f"}, intel.Options{DryRun: dry})
		if err != nil || r.BadCount != 0 || r.Read != int64(len(texts)) {
			t.Fatalf("%+v, %v", r, err)
		}
		for code, id := range map[string]string{
			stix.CodeCycle:     "relationship--00000000-0000-4000-8000-000000000066",
			stix.CodeOlder:     idOf(1),
			stix.CodeConflict:  idOf(2),
			stix.CodeCollision: "tool--00000000-0000-4000-8000-000000000002",
			stix.CodeDangling:  "relationship--00000000-0000-4000-8000-000000000068",
		} {
			if n := noticed(r.Together, code); n.Count != 1 || len(n.First) != 1 || n.First[0].ID != id {
				t.Errorf("dry %v, %s: %+v", dry, code, n)
			}
		}
		if !slices.IsSortedFunc(r.Together, func(a, b intel.Notice) int { return map[bool]int{true: -1, false: 0}[a.Must && !b.Must] }) || !r.Together[0].Must {
			t.Errorf("what breaks a MUST does not come first: %+v", r.Together)
		}
	}
}

// TestImportComparesNotWithoutEnd: what is remembered of a long stream is bounded, and it is said.
func TestImportComparesNotWithoutEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("imports more references than are remembered")
	}
	var text strings.Builder
	for n := range 1<<15 + 1 { // each names two objects that are not here
		text.WriteString(derived(n, 1_000_000+2*n, 1_000_001+2*n) + "\n")
	}
	r, err := newWorld(t).in.Import(context.Background(), strings.NewReader(text.String()), intel.Source{Name: "f"}, intel.Options{DryRun: true})
	if err != nil || r.New != 1<<15+1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := noticed(r.Together, stix.CodeIncomplete); n.Count != 1 || noticed(r.Together, stix.CodeDangling).Count != 0 {
		t.Errorf("%+v", r.Together)
	}
}

// TestReceiveHoldsWhatBreaksAMust: the object alone, with the place; the others are used, and a rebuild says the same.
func TestReceiveHoldsWhatBreaksAMust(t *testing.T) {
	w := newWorld(t)
	r, plain := sent(1, 1, indicator(1, 1, "a.example"), broken(2), indicator(3, 1, "c.example"))
	out := w.receive(t, r, plain)
	if out.Held != 1 || out.Invalid != 0 || len(out.Reasons) != 0 || out.Objects != 3 {
		t.Fatalf("%+v", out)
	}
	if got := ids(search(t, w.in, intel.Query{})); got != "1 3" {
		t.Fatal(got)
	}
	page, err := w.in.Intake(context.Background(), intel.IntakeFilter{})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != idOf(2) || page.Items[0].Reasons[0].Code != intel.CodeInvalid || !strings.Contains(page.Items[0].Reasons[0].Text, "valid_until") {
		t.Fatalf("%+v, %v", page, err)
	}
	w.checkRebuild(t)
	if n, err := w.in.Accept(context.Background(), intel.Choice{Items: []string{page.Items[0].Item}}, "officer", "reads well enough"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if f := search(t, w.in, intel.Query{ID: idOf(2)}); len(f) != 1 || string(f[0].Raw) != broken(2) {
		t.Fatalf("its bytes are not as they came: %+v", f)
	}
}

// TestShortTimesComeIn: times without milliseconds, as ATT&CK's marking definitions have them, keep nothing out over
// any door, and an import tells that they break a MUST.
func TestShortTimesComeIn(t *testing.T) {
	w := newWorld(t)
	short := `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168","created":"2017-06-01T00:00:00Z","definition_type":"statement","definition":{"statement":"Copyright"}}`
	report, err := w.in.Import(t.Context(), strings.NewReader(string(bundleOf(short))), intel.Source{Name: "attack.json"}, intel.Options{})
	if err != nil || report.New != 1 || report.BadCount != 0 || len(report.Advice) == 0 || !report.Advice[0].Must || report.Advice[0].Code != stix.CodePrecision {
		t.Errorf("%+v, %v", report, err)
	}
}
