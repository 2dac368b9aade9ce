package accord

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Document)
		want   []string
	}{
		{"nothing", func(*Document) {}, nil},
		{"a ceiling", func(d *Document) { d.Handling.Ceiling[0].TLP = Green }, []string{"handling.ceiling[share].tlp: amber -> green (clause H1)"}},
		{"a clock", func(d *Document) { d.Requests.Types[0].Clocks[Routine][StageAnswer] = "P10D" },
			[]string{"requests.types[information].clocks.routine.answer: P7D -> P10D (clause Q2)"}},
		{"a clock goes", func(d *Document) { delete(d.Requests.Types[0].Clocks, Emergency) },
			[]string{"requests.types[information].clocks.emergency: acknowledge: PT30M, answer: PT8H -> (none) (clause Q2)"}},
		{"a clause comes", func(d *Document) {
			d.Handling.Ceiling = append(d.Handling.Ceiling, Ceiling{Clause: Clause{ID: "H20", Text: Texts{}}, Kind: "share", From: north, To: south, TLP: Clear, PAP: Red})
		}, []string{"handling.ceiling[share 00000000…>00000000…]: (none) -> id: H20, kind: share, from: " + north + ", to: " + south + ", tlp: clear, pap: red (clause H20)"}},
		{"a clause goes", func(d *Document) { d.Escalation = d.Escalation[:2] },
			[]string{"escalation[T4]: id: T4, after: P1D, contact: diplomatic, role: ministry -> (none) (clause T4)"}},
		{"clauses in another order", func(d *Document) { slices.Reverse(d.Handling.Ceiling); slices.Reverse(d.Refusals) }, nil},
		{"a list of words", func(d *Document) { d.Scope.Sectors = []string{"health", "energy"} }, []string{"scope.sectors: (none) -> health, energy (clause S1)"}},
		{"a quota and a flag", func(d *Document) { d.Quotas.RequestsPerDay = 0; d.Drills.Announced = false },
			[]string{"quotas.requests_per_day: 200 -> 0 (clause L1)", "drills.announced: true -> false (clause W5)"}},
		{"a wording", func(d *Document) { d.Handling.Ceiling[0].Text = Texts{"en": "New."} },
			[]string{"handling.ceiling[share].text.en: Intelligence is shared up to TLP:AMBER. -> New. (clause H1)",
				"handling.ceiling[share].text.fr: Les renseignements sont partagés jusqu'au niveau TLP:AMBER. -> (none) (clause H1)"}},
		{"outside all clauses", func(d *Document) { d.Version = 2 }, []string{"version: 1 -> 2"}},
		{"a role", func(d *Document) { d.Signatories[1].Agencies[0].Roles[0].May = []string{"share"} },
			[]string{"parties[South].agencies[cert].roles[duty-officer].may: share, share.*, request.*, blind.*, hotline.*, contact.*, case.*, commitment.*, exhibit.*, statement.*, leak.*, review.* -> share (clause P2)"}},
		{"an agency", func(d *Document) { d.Signatories[0].Agencies = d.Signatories[0].Agencies[:1] },
			[]string{"parties[North].agencies[police]: agency: police, name: police, roles: {role: duty-officer, may: share, share.*, request.*, blind.*, hotline.*, contact.*, case.*, commitment.*, exhibit.*, statement.*, leak.*, review.*}, {role: release-officer, may: share, share.*, request.*}, {role: head, may: *} -> (none) (clause P1)"}},
		{"an end", func(d *Document) { d.Validity.Expires = "" }, []string{"validity.expires: 2035-01-01T00:00:00Z -> (none) (clause V1)"}},
		{"a section's id", func(d *Document) { d.Quotas.ID = "L9" }, []string{"quotas.id: L1 -> L9 (clause L1)"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, b := complete(t), complete(t)
			row.change(b)
			var got []string
			for _, c := range Diff(a, b) {
				got = append(got, c.Text)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(row.want, "\n"))
			}
			symmetrical(t, a, b)
		})
	}
}

func symmetrical(t interface{ Errorf(string, ...any) }, a, b *Document) {
	there, back := Diff(a, b), Diff(b, a)
	if len(there) != len(back) {
		t.Errorf("%d changes there, %d back", len(there), len(back))
		return
	}
	for i := range there {
		x, y := there[i], back[i]
		if x.Path != y.Path || x.Clause != y.Clause || x.Before != y.After || x.After != y.Before {
			t.Errorf("there %+v\nback  %+v", x, y)
		}
	}
}

func TestDiffProperty(t *testing.T) {
	full, _, err := Parse(Example("complete"))
	if err != nil {
		t.Fatal(err)
	}
	small, _, err := Parse(Example("minimal"))
	if err != nil {
		t.Fatal(err)
	}
	pick := func(t *rapid.T, name string) *Document {
		d := *rapid.SampledFrom([]*Document{full, small}).Draw(t, name)
		d.Handling.Ceiling = slices.Clone(d.Handling.Ceiling)
		for i := range d.Handling.Ceiling {
			d.Handling.Ceiling[i].TLP = rapid.SampledFrom(tlpLabels).Draw(t, "tlp")
			d.Handling.Ceiling[i].Kind = rapid.SampledFrom([]string{"share", "request.*", "*"}).Draw(t, "kind")
		}
		from := rapid.IntRange(0, len(d.Requests.Types)).Draw(t, "from")
		d.Requests.Types = d.Requests.Types[from:]
		d.Quotas.BytesPerDay = rapid.Int64Range(0, 3).Draw(t, "bytes")
		return &d
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := pick(t, "a"), pick(t, "b")
		symmetrical(t, a, b)
		if one, two := Diff(a, b), Diff(a, b); !reflect.DeepEqual(one, two) {
			t.Fatal("two runs differ")
		}
		if len(Diff(a, a)) != 0 {
			t.Fatal("a document differs from itself")
		}
		ja, _ := a.JSON()
		jb, _ := b.JSON()
		if (len(Diff(a, b)) == 0) != (string(ja) == string(jb)) {
			t.Fatal("no change shown between texts that differ, or the other way round")
		}
	})
}

func TestClauses(t *testing.T) {
	doc := complete(t)
	c, ok := doc.FindClause("H1")
	if !ok || c.Path != "handling.ceiling[0]" || c.Text["fr"] == "" {
		t.Errorf("%+v", c)
	}
	if _, ok := doc.FindClause("H99"); ok {
		t.Error("a clause nobody wrote")
	}
	if n := len(doc.Clauses()); n != 71 {
		t.Errorf("%d clauses", n)
	}
}
