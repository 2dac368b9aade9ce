package accord

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var sameDocument = cmp.Options{cmpopts.IgnoreUnexported(Document{})}

func TestCanonicalIsTheSameDocument(t *testing.T) {
	for _, kind := range []string{"complete", "minimal"} {
		text := Example(kind)
		canonical, err := Canonical(text)
		if err != nil {
			t.Fatal(err)
		}
		doc, _, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := Parse(canonical)
		if err != nil {
			t.Fatalf("%s: the canonical text is no accord: %v", kind, err)
		}
		if d := cmp.Diff(doc, again, sameDocument); d != "" {
			t.Errorf("%s: %s", kind, d)
		}
		if twice, err := Canonical(canonical); err != nil || !bytes.Equal(twice, canonical) {
			t.Errorf("%s: canonical text is no fixed point (%v)", kind, err)
		}
		if _, err := Load(canonical); err != nil {
			t.Error(err)
		}
		if _, err := Load(append(bytes.Clone(canonical), '\n')); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: a text with one byte more was loaded (%v)", kind, err)
		}
	}
}

// TestHashOfIsPinned: a change of these values is a change of what everybody has signed.
func TestHashOfIsPinned(t *testing.T) {
	if got := fmt.Sprintf("%x", HashOf([]byte("{}"))); got != pinnedEmpty {
		t.Errorf("the hash of {} is now %s", got)
	}
	canonical, err := Canonical(Example("minimal"))
	if err != nil {
		t.Fatal(err)
	}
	h := HashOf(canonical)
	if got := hex.EncodeToString(h[:]); got != pinnedMinimal {
		t.Errorf("the hash of the minimal example is now %s:\n%s", got, canonical)
	}
}

const (
	pinnedEmpty   = "b34161211a4b2396f0795dfac7c466cdf7a73956b06644d2cfe14d382c110ca2"
	pinnedMinimal = "7892f9c07e8fdb6f850f78acb997ba45333d01192533648086aab04d5d41bf1a"
)

func TestListItemsTakeNothingFromDefaults(t *testing.T) {
	doc := complete(t)
	if q := doc.RequestType("assistance"); len(q.Stops) != 0 || q.Text["en"] != "" {
		t.Errorf("a type that lists no stop rules has %v", q.Stops)
	}
	if len(doc.Refusals) != 7 || doc.Refusals[0].Code != "sovereignty" {
		t.Errorf("refusals: %+v", doc.Refusals)
	}
}

// edit replaces one place of the complete example, which must be there.
func edited(t testing.TB, old, new string) []byte {
	t.Helper()
	text := string(Example("complete"))
	if !strings.Contains(text, old) {
		t.Fatalf("the example no longer has %q", old)
	}
	return []byte(strings.Replace(text, old, new, 1))
}

func lineWith(text []byte, s string) int {
	for i, l := range strings.Split(string(text), "\n") {
		if strings.Contains(l, s) {
			return i + 1
		}
	}
	return -1
}

// TestProblems: each mistake is refused, at its line and path, with words that help.
func TestProblems(t *testing.T) {
	for _, row := range []struct{ name, old, new, path, words, mark string }{
		{"unknown field", "expires:", "expiry:", "validity.expiry", "not a field", "expiry:"},
		{"unknown field on top", "quotas:", "quotes:", "quotes", "not a field", "requests_per_day"},
		{"wrong label", "tlp: amber+strict", "tlp: orange", "handling.ceiling[1].tlp", "amber+strict", "tlp: orange"},
		{"missing label", "      tlp: amber+strict\n", "", "handling.ceiling[1]", "needs tlp", "- id: H2"},
		{"not a duration", "receipt: PT15M", "receipt: 15 minutes", "requests.receipt", "ISO 8601", "receipt: 15"},
		{"duration the schema lets through", "receipt: PT15M", "receipt: PT", "requests.receipt", "too short", "receipt: PT"},
		{"no time at all", "receipt: PT15M", "receipt: PT0S", "requests.receipt", "more than zero", "receipt: PT0S"},
		{"clock too long", "receipt: PT15M", "receipt: P3Y", "requests.receipt", "two years", "receipt: P3Y"},
		{"same party twice", "party: \"" + south, "party: \"" + north, "parties[1].party", "twice", ""},
		{"party id cut", "party: \"" + south, "party: \"" + south[:63], "parties[1].party", "64", ""},
		{"clause id twice", "id: H2", "id: H1", "handling.ceiling[1].id", "twice", ""},
		{"clause id is a word of the protocol", "id: H2", "id: all", "handling.ceiling[1].id", "word of the protocol", "id: all"},
		{"clause id is a kind", "id: H2", "id: request.send", "handling.ceiling[1].id", "word of the protocol", "id: request.send"},
		{"clause id missing", "    - id: H2\n      text", "    - text", "handling.ceiling[1]", "needs id", ""},
		{"expires before effective", "expires: \"2035", "expires: \"2015", "validity.expires", "before it is effective", "expires: \"2015"},
		{"no date", "effective: \"2025-01-01T00:00:00Z\"", "effective: tomorrow", "validity.effective", "date-time", "effective: tomorrow"},
		{"supersedes in version 1", "supersedes: \"\"", "supersedes: \"" + strings.Repeat("ab", 32) + "\"", "supersedes", "version 1", "supersedes: "},
		{"version 2 without supersedes", "version: 1 ", "version: 2 ", "supersedes", "needs the hash", ""},
		{"title not in every language", "  fr: Accord d'alerte", "  de: Vertrag ueber", "title", "missing in fr", "title:"},
		{"a language nobody listed", "  fr: Accord d'alerte", "  de: Vertrag\n  fr: Accord d'alerte", "title.de", "not one of the authentic", "de: Vertrag"},
		{"exclusion of nothing", "incident_kinds: [military-operation]\n      sectors: [defence]", "incident_kinds: []", "scope.exclusions[0]", "excludes nothing", "- id: S2"},
		{"unknown calendar", "calendar: office\n    - id: Q4", "calendar: moon\n    - id: Q4", "requests.types[1].calendar", "not a calendar", "calendar: moon"},
		{"contact hours", "hours: 24/7", "hours: moon", "contacts[0].hours", "not a calendar", "hours: moon"},
		{"zone of the machine", "zone: UTC\n    days", "zone: Local\n    days", "calendars[0].zone", "time zone", "zone: Local"},
		{"day that ends before it starts", "to: \"18:00\"", "to: \"08:00\"", "calendars[0].to", "end before", "to: \"08:00\""},
		{"election that closes first", "to: \"2028-11-30", "to: \"2027-11-30", "elections[0].to", "close before", "to: \"2027"},
		{"election for an unknown type", "types: [information, assistance, takedown]", "types: [horoscope]", "elections[0].types[0]", "not a type of request", "horoscope"},
		{"stop without start", "until: [info], at_most: P14D", "until: [], at_most: P14D", "requests.types[0].stops[0].until", "start the clocks again", "until: []"},
		{"ceiling from a stranger", "from: \"*\"            # a party id", "from: \"" + other + "\" #", "handling.ceiling[0].from", "not one of the parties", "from: \"" + other},
		{"ceiling twice", "kind: request.*\n      from: \"*\"\n      to: \"*\"\n      tlp", "kind: share\n      tlp", "handling.ceiling[1]", "twice", ""},
		{"victim notice without time", "    after: P3D\n", "", "handling.victim_notice.after", "needs a time", ""},
		{"path with an index", "path: $.latitude", "path: $.a[0]", "fields.rules[5].path", "not a path", "path: $.a[0]"},
		{"coarsen with nothing", "coarsen: {ipv4: 24, ipv6: 48}", "coarsen: {}", "fields.rules[3].coarsen", "how much stays", "coarsen: {}"},
		{"mask on a drop", "action: drop         #", "action: drop\n      mask: x #", "fields.rules[0].mask", "mask only", "mask: x"},
		{"scrub of an unknown rule", "scrub: [F1]", "scrub: [F9]", "personal_data.scrub[0]", "not the id of a field rule", "scrub: [F9]"},
		{"tier of an unknown rule", "rules: [F2,", "rules: [H1,", "fields.tiers[0].rules[0]", "not the id of a field rule", "rules: [H1"},
		{"release nobody can give", "role: head}", "role: pope}", "release[0].claims", "never release", "claims:"},
		{"release by one", "      - {agency: \"*\", role: head}\n", "", "release[0].claims", "at least 2", "claims:"},
		{"host bits", "0.0.0.0/8", "10.1.2.3/8", "quality.never_send[1]", "CIDR", "10.1.2.3"},
		{"quota below zero", "requests_per_day: 200", "requests_per_day: -1", "quotas.requests_per_day", "at least 0", "requests_per_day: -1"},
		{"number as text", "requests_per_day: 200", "requests_per_day: \"200\"", "quotas.requests_per_day", "must be integer", "requests_per_day"},
		{"refusal code twice", "code: out-of-scope", "code: sovereignty", "refusals[1].code", "twice", "id: N2"},
		{"anchor", "version: 1 ", "version: &v 1 ", "", "anchors", "version: &v"},
		{"alias", "version: 1 ", "version: *v ", "", "anchors", "version: *v"},
		{"tag", "version: 1 ", "version: !!int 1 ", "", "tags", "version: !!int"},
		{"name twice", "version: 1 ", "format: x\nversion: 1 ", "", "", "format: x"},
		{"no value", "version: 1 ", "version: ", "", "no value", "version: "},
		{"a fraction", "version: 1 ", "version: 1.5 ", "", "whole numbers", "version: 1.5"},
		{"hexadecimal", "version: 1 ", "version: 0x1 ", "", "plain whole number", "version: 0x1"},
		{"text that turns round on the screen", "Military", "Mili\u202etary", "", "U+202E", "Mili"},
		{"two documents", "# --- Who", "---\nformat: x\n# --- Who", "", "more than one", "format: x"},
		{"broken", "languages: [en, fr]\ntitle", "languages: [en, fr\ntitle", "", "cannot be read", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := edited(t, row.old, row.new)
			doc, problems, err := Parse(text)
			if !errors.Is(err, ErrInvalid) || doc != nil {
				t.Fatalf("accepted: %v", err)
			}
			for _, p := range problems {
				if p.Warning || p.Path != row.path || !strings.Contains(p.Text, row.words) {
					continue
				}
				if row.mark != "" && row.path != "quotes" && p.Line != lineWith(text, row.mark) {
					t.Fatalf("%s\nshould be at line %d", p, lineWith(text, row.mark))
				}
				return
			}
			t.Fatalf("no problem at %q saying %q:\n%v", row.path, row.words, problems)
		})
	}
}

func TestProblemsOfJSON(t *testing.T) {
	canonical, err := Canonical(Example("minimal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, old, new, words string }{
		{"name twice", `"version":1`, `"version":1,"version":2`, "duplicate"},
		{"huge number", `"version":1`, `"version":1e999999999`, "plain whole number"},
		{"escape of a hidden character", `"unit-accord"`, `"unit\u202eaccord"`, "U+202E"},
		{"trailing", `"version":1`, `"version":1}{`, "more than one"},
		{"unknown field", `"version":1`, `"version":1,"colour":2`, "not a field"},
	} {
		text := strings.Replace(string(canonical), row.old, row.new, 1)
		if _, problems, err := Parse([]byte(text)); err == nil || !strings.Contains(fmt.Sprint(problems), row.words) {
			t.Errorf("%s: %v, %v", row.name, err, problems)
		}
	}
	if _, problems, _ := Parse([]byte("{\n\n\"format\": \"x\",\n}")); len(problems) != 1 || problems[0].Line != 3 {
		t.Errorf("the line of a JSON mistake: %v", problems)
	}
}

func TestParseBounds(t *testing.T) {
	for name, text := range map[string]string{
		"size":        "a: " + strings.Repeat("x", 1<<20),
		"json size":   `{"a":"` + strings.Repeat("x", 1<<20) + `"}`,
		"json depth":  strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40),
		"flow depth":  "a: " + strings.Repeat("[", 500_000),
		"flow maps":   "a: " + strings.Repeat("{b: ", 200_000),
		"block lists": strings.Repeat("- ", 400_000) + "x",
		"indentation": deep(700),
		"values":      "a: [" + strings.Repeat("1,", 60_000) + "1]",
		"keys":        strings.Repeat("? ", 300_000),
		"quotes":      strings.Repeat("\"", 500_001),
		"documents":   strings.Repeat("a\n---\n", 170_000),
		"empty":       "",
		"comment":     "# nothing\n",
		"list":        "- a\n- b\n",
		"null":        "null",
		"nul byte":    "a: \x00",
		"not UTF-8":   "a: \xff",
	} {
		if doc, problems, err := Parse([]byte(text)); err == nil || doc != nil || len(problems) == 0 {
			t.Errorf("%s: accepted", name)
		}
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestCanonicalRoundTripProperty changes the terms of the complete example at random.
func TestCanonicalRoundTripProperty(t *testing.T) {
	base := complete(t)
	rapid.Check(t, func(t *rapid.T) {
		doc := *base
		doc.Title = Texts{"en": rapid.StringMatching(`[ -~äöüßéñ中]{1,40}`).Draw(t, "title"), "fr": "x"}
		doc.Quotas.RequestsPerDay = rapid.Int64Range(0, 1_000_000).Draw(t, "requests")
		doc.Requests.Receipt = Duration(rapid.SampledFrom([]string{"PT15M", "PT900S", "P1D", "P1W"}).Draw(t, "receipt"))
		doc.Handling.Ceiling = append([]Ceiling{}, base.Handling.Ceiling...)
		doc.Handling.Ceiling[0].TLP = rapid.SampledFrom(tlpLabels).Draw(t, "tlp")
		doc.Scope.Sectors = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"health", "energy", "finance"}), 0, 3, rapid.ID[string]).Draw(t, "sectors")
		text, err := doc.JSON()
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := Canonical(text)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, canonical) {
			t.Fatalf("the JSON of a document is not canonical:\n%s\n%s", text, canonical)
		}
		again, err := Load(canonical)
		if err != nil {
			t.Fatal(err)
		}
		back, err := again.JSON()
		if err != nil || !bytes.Equal(back, canonical) {
			t.Fatalf("not the same document: %v", err)
		}
	})
}

// TestYAMLAndJSONAreTheSame writes the tree of the example as JSON in another order of names.
func TestYAMLAndJSONAreTheSame(t *testing.T) {
	root, err := readYAML(Example("complete"), documentBounds)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := 0, len(root.members)-1; i < j; i, j = i+1, j-1 {
		root.members[i], root.members[j] = root.members[j], root.members[i]
	}
	fromJSON, err := Canonical(root.appendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	fromYAML, err := Canonical(Example("complete"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fromJSON, fromYAML) {
		t.Error("the same terms in JSON give another text")
	}
}

func TestExampleFor(t *testing.T) {
	var parties []PartyRef
	for i := range 30 {
		parties = append(parties, PartyRef{ID: fmt.Sprintf("%064x", i+1), Name: fmt.Sprintf("Bank %d: \"N°\" — 北", i+1)})
	}
	for _, kind := range []string{"complete", "minimal"} {
		text, err := ExampleFor(kind, parties)
		if err != nil {
			t.Fatal(err)
		}
		doc, _, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Parties(); len(got) != 30 || !reflect.DeepEqual(got[0], parties[0].ID) || doc.NameOf(parties[3].ID) != parties[3].Name {
			t.Errorf("%s: %v", kind, got)
		}
		if doc.HasParty(strings.Repeat("f", 64)) || !doc.HasParty(parties[29].ID) {
			t.Error("HasParty")
		}
	}
	for name, bad := range map[string][]PartyRef{
		"one":       parties[:1],
		"twice":     {parties[0], parties[0]},
		"no id":     {parties[0], {Name: "x"}},
		"injection": {parties[0], {ID: "x\"\nversion: 2", Name: "x"}},
	} {
		if _, err := ExampleFor("minimal", bad); !errors.Is(err, ErrExample) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ExampleFor("novel", parties); !errors.Is(err, ErrExample) || Example("novel") != nil {
		t.Error("an example nobody wrote")
	}
}
