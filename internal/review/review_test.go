package review_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"flag"
	"html"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/lang"
	"entente/internal/review"
	"entente/journal"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	north = journal.PartyID("1111111111111111111111111111111111111111111111111111111111111111")
	south = journal.PartyID("2222222222222222222222222222222222222222222222222222222222222222")
	one   = journal.Origin("entente/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	two   = journal.Origin("entente/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// asking builds requests move by move.
type asking struct {
	t     testing.TB
	doc   *accord.Document
	index int64
	all   []*desk.Request
	got   []time.Time // receipts
}

func newAsking(t testing.TB) *asking {
	text, err := accord.ExampleFor("minimal", []accord.PartyRef{{ID: string(north), Name: "North", Agencies: []string{"cert"}}, {ID: string(south), Name: "South", Agencies: []string{"cert"}}})
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := accord.Canonical(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := accord.Load(canonical)
	if err != nil {
		t.Fatal(err)
	}
	return &asking{t: t, doc: doc}
}

func (a *asking) ref(p journal.PartyID) journal.Ref {
	a.index++
	return journal.Ref{Origin: map[journal.PartyID]journal.Origin{north: one, south: two}[p], Index: a.index}
}

// send opens a request of a party of an agency, received so long afterwards; 0: never.
func (a *asking) send(p journal.PartyID, agency, kind string, at time.Time, received time.Duration) *desk.Request {
	a.t.Helper()
	other := map[journal.PartyID]journal.PartyID{north: south, south: north}[p]
	q, err := desk.NewRequest(desk.Move{Ref: a.ref(p), Name: desk.Send, Party: p, By: journal.By{Agency: agency, Role: "duty-officer"}, At: at, Body: desk.Body{Type: kind, Urgency: "urgent"}}, other, "")
	if err != nil {
		a.t.Fatal(err)
	}
	a.all = append(a.all, q)
	if received != 0 {
		a.got = append(a.got, at.Add(received))
	} else {
		a.got = append(a.got, time.Time{})
	}
	return q
}

// move makes moves of a party; an illegal one is kept.
func (a *asking) move(q *desk.Request, p journal.PartyID, agency string, at time.Time, name string, body desk.Body) {
	_ = q.Apply(desk.Move{Ref: a.ref(p), Name: name, Party: p, By: journal.By{Agency: agency, Role: "duty-officer"}, At: at, Body: body})
}

// story is a period in which most things happen once. name is how South calls itself and its agency.
func story(t testing.TB, name string) review.Input {
	a, h := newAsking(t), time.Hour
	q := a.send(north, "cert", desk.Information, start, time.Minute) // answered in time
	a.move(q, south, name, start.Add(h), desk.Acknowledge, desk.Body{})
	a.move(q, south, name, start.Add(2*h), desk.Accept, desk.Body{})
	a.move(q, south, name, start.Add(5*h), desk.Answer, desk.Body{})
	a.move(q, north, "cert", start.Add(6*h), desk.Assess, desk.Body{Scores: map[string]int{"timeliness": 1, "accuracy": 4}, Use: "blocked"})
	a.move(q, north, "cert", start.Add(7*h), desk.Dispute, desk.Body{Code: "incomplete"})
	a.move(q, north, "cert", start.Add(7*h), desk.Close, desk.Body{})
	q = a.send(north, "cert", desk.Information, start.Add(h), time.Minute) // answered late, and skewed
	a.move(q, south, name, start.Add(2*h), desk.Acknowledge, desk.Body{})
	a.move(q, south, name, start.Add(-20*h), desk.Accept, desk.Body{})
	a.move(q, north, "cert", start.Add(2*h), desk.Answer, desk.Body{}) // not its move
	a.move(q, south, name, start.Add(30*24*h), desk.Answer, desk.Body{})
	a.move(q, north, "cert", start.Add(31*24*h), desk.Assess, desk.Body{Scores: map[string]int{"timeliness": 5, "accuracy": 5}, Use: "blocked"})
	q = a.send(north, "police", desk.Takedown, start.Add(2*h), time.Minute) // refused, and disputed
	a.move(q, south, name, start.Add(3*h), desk.Acknowledge, desk.Body{})
	a.move(q, south, name, start.Add(4*h), desk.Refuse, desk.Body{Code: "scope"})
	a.move(q, south, name, start.Add(5*h), desk.Dispute, desk.Body{Code: "jurisdiction"})
	a.send(north, "cert", desk.Information, start.Add(3*h), 0)        // never received
	a.send(south, name, desk.Information, start.Add(4*h), -2*h)       // received before it was sent, and silence
	a.send(north, "cert", desk.Information, start.Add(-h), time.Hour) // before the period
	q = a.send(south, name, desk.Incident, start.Add(6*h), time.Minute)
	a.move(q, south, name, start.Add(7*h), desk.Notify, desk.Body{})
	q = a.send(south, name, desk.Information, start.Add(8*h), time.Minute)
	a.move(q, south, name, start.Add(9*h), desk.Withdraw, desk.Body{})

	now := start.AddDate(0, 2, 0)
	in := review.Input{Unit: "9999", Name: "Election watch", Accord: strings.Repeat("c", 64), Version: 3,
		Parties: []review.Party{{ID: south, Name: name}, {ID: north, Name: "North"}},
		Cut:     []review.Head{{Origin: two, Party: south, Size: 40, Root: journal.Hash{2}}, {Origin: one, Party: north, Size: 30, Root: journal.Hash{1}}},
		Subject: desk.Subject{From: start, To: start.AddDate(0, 1, 0), Now: now}}
	for i, q := range a.all {
		in.Requests = append(in.Requests, q.Clocked(a.doc, now, a.got[i], nil))
	}
	in.Strays = []desk.Step{{Ref: journal.Ref{Origin: two, Index: 90}, Move: "answer", Party: south, At: start.Add(h), Refused: desk.CodeUnknownRequest}, {Ref: journal.Ref{Origin: two, Index: 91}, Move: "answer", Party: south, At: now, Refused: desk.CodeUnknownRequest}}
	in.Breaches = []review.Breach{{Entry: journal.Ref{Origin: two, Index: 93}, Kind: "share", Party: south, At: start.Add(h), Clause: "handling", Code: "tlp-ceiling"},
		{Entry: journal.Ref{Origin: two, Index: 92}, Kind: "share", Party: south, At: start.Add(h), Clause: "scope", Code: "out-of-scope", Partial: true}}
	in.Histories = []review.History{{Entry: journal.Ref{Origin: one, Index: 94}, Party: north, At: start.Add(h)}}
	in.Calls = []review.Call{{Called: south, Calling: north, At: start, Answered: start.Add(10 * time.Minute), Due: start.Add(30 * time.Minute)},
		{Called: south, Calling: north, Drill: true, At: start, Answered: start.Add(40 * time.Minute), Due: start.Add(30 * time.Minute)},
		{Called: south, Calling: north, Drill: true, At: start.Add(h), Due: start.Add(2 * h)}, {Called: north, Calling: south, At: now}}
	in.Reviews = []desk.Review{earlier(t)}
	return in
}

// earlier is a review in which North's scores were shown and South showed others than it had committed to.
func earlier(t testing.TB) desk.Review {
	ref := journal.Ref{Origin: one, Index: 200}
	s := desk.Subject{From: start.AddDate(0, -6, 0), To: start, Now: start, Cut: []desk.CutHead{{Origin: one, Size: 1}}}
	v, err := desk.NewReview(desk.ReviewMove{Ref: ref, Name: desk.ReviewOpen, Party: north, At: start, Body: desk.ReviewBody{From: s.From, To: s.To, Now: s.Now, Cut: s.Cut}}, "9999", []journal.PartyID{south, north})
	if err != nil {
		t.Fatal(err)
	}
	salt, knew := journal.Hash{5}, map[journal.PartyID]bool{north: true, south: true}
	of := map[journal.PartyID]desk.ReviewScores{north: {south: {desk.Information: {"timeliness": 2}}}, south: {north: {desk.Information: {"timeliness": 3}}}}
	n := int64(200)
	for _, name := range []string{desk.ReviewCommit, desk.ReviewReveal, desk.ReviewSign} {
		for _, p := range []journal.PartyID{north, south} {
			n++
			scores := of[p]
			c := desk.ScoreCommitment("9999", ref, s.Hash(), p, salt, scores)
			if p == south && name == desk.ReviewReveal {
				scores = desk.ReviewScores{north: {desk.Information: {"timeliness": 1}}}
			}
			_ = v.Apply(desk.ReviewMove{Ref: journal.Ref{Origin: one, Index: n}, Name: name, Party: p, At: start, Body: desk.ReviewBody{Review: &ref, Commitment: &c, Salt: &salt, Scores: scores, Report: &journal.Hash{byte(n)}, Knew: knew}})
		}
	}
	return *v
}

func bytesOf(t testing.TB) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was:\n%s", name, got)
	}
}

func TestGolden(t *testing.T) {
	r := review.Compute(story(t, "South"))
	golden(t, "report.json", bytesOf(t)(r.JSON()))
	golden(t, "report.csv", bytesOf(t)(r.CSV()))
	golden(t, "report.html", bytesOf(t)(r.HTML(lang.English())))
}

// TestWhatIsCounted holds the report against what the story tells.
func TestWhatIsCounted(t *testing.T) {
	r := review.Compute(story(t, "South"))
	types := map[string]review.Row{}
	for _, row := range r.Types {
		types[row.Type] = row
	}
	q := types[desk.Information]
	if q.Sent != 5 || q.Answered != 2 || q.Silent != 2 || q.Unreceived != 1 || q.Withdrawn != 1 || q.Disputed != 1 || q.Use["blocked"] != 2 {
		t.Errorf("%+v", q)
	}
	if c := q.Clocks[accord.StageAnswer]; c.N != 5 || c.InTime != 1 || c.Late != 1 || c.Missed != 2 || c.Ended != 1 || c.Posting != 1 || c.P50 != int64((5*time.Hour-time.Minute)/time.Second) || c.P90 != c.Max || c.Max < 29*86400 {
		t.Errorf("%+v", c)
	}
	if s := q.Scores["timeliness"]; s != (review.Score{N: 2, Sum: 6, Mean: "3.00"}) {
		t.Errorf("%+v", s)
	}
	if s := q.Scores["accuracy"]; s.Mean != "4.50" {
		t.Errorf("%+v", s)
	}
	if d := types[desk.Takedown]; d.Refused != 1 || d.Refusals["scope"] != 1 || d.Answered != 0 {
		t.Errorf("%+v", d)
	}
	what := map[string]int{}
	for _, d := range r.Differences.Listed {
		what[d.What]++
	}
	for name, n := range map[string]int{review.DiffTime: 2, review.DiffReceipt: 1, review.DiffMove: 2, review.DiffTimeliness: 2, review.DiffHistory: 1, review.DiffSignature: 1, review.DiffReveal: 1} {
		if what[name] != n {
			t.Errorf("%s: %d, want %d", name, what[name], n)
		}
	}
	if r.Disputes.Total != 2 || r.Disputes.Listed[0].Open || !r.Disputes.Listed[1].Open || r.Breaches.Total != 2 || r.Breaches.Listed[0].Entry.Index != 92 {
		t.Errorf("%+v\n%+v", r.Disputes, r.Breaches)
	}
	if len(r.Calls) != 2 || r.Calls[0].Drill || r.Calls[0].InTime != 1 || r.Calls[0].Max != 600 || !r.Calls[1].Drill || r.Calls[1].Late != 1 || r.Calls[1].Missed != 1 {
		t.Errorf("%+v", r.Calls)
	}
	if len(r.Reviews) != 1 || len(r.Reviews[0].Scores) != 1 || r.Reviews[0].Scores[0].By != north || !r.Reviews[0].Differs {
		t.Errorf("%+v", r.Reviews)
	}
	agencies := map[string]int{}
	for _, row := range r.Rows {
		agencies[row.AskingAgency+">"+row.AskedAgency] += row.Sent
	}
	if agencies["police>South"] != 1 || agencies["cert>South"] != 2 || agencies["cert>"] != 1 || agencies["South>"] != 3 {
		t.Errorf("%v", agencies)
	}
}

// TestTheOrderOfTheInputDoesNotMatter: lists in any order give the same bytes.
func TestTheOrderOfTheInputDoesNotMatter(t *testing.T) {
	in := story(t, "South")
	want := bytesOf(t)(review.Compute(in).JSON())
	rapid.Check(t, func(t *rapid.T) {
		x := in
		x.Requests, x.Strays, x.Breaches = rapid.Permutation(in.Requests).Draw(t, "requests"), rapid.Permutation(in.Strays).Draw(t, "strays"), rapid.Permutation(in.Breaches).Draw(t, "breaches")
		x.Calls, x.Parties, x.Cut = rapid.Permutation(in.Calls).Draw(t, "calls"), rapid.Permutation(in.Parties).Draw(t, "parties"), rapid.Permutation(in.Cut).Draw(t, "cut")
		got, err := review.Compute(x).JSON()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v\n%s\n%s", err, want, got)
		}
	})
}

// hostile are names that try to be something else.
var hostile = []string{
	"=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\t=1", "  =1", "\u00a0=1", "\uff1d1", "\r\n=1", "\"a\",=b", "'", "|calc",
	"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title><svg/onload=x>", "{{.}}", "javascript:alert(1)",
	"\u202egnp.exe", "a\u2066b\u2069", "\x1b[31mred", "\x00", "line\u2028break", "\ufeff", "\U000e0041", "a\u200bb", "\u061c", "\u00ad", "\xff\xfe",
}

func TestHostileTexts(t *testing.T) {
	for _, name := range hostile {
		harmless(t, name)
	}
}

// FuzzHostileTexts: whatever members and accords call things, the three forms of a report parse, show no hidden character, and
// hold neither a formula nor markup.
func FuzzHostileTexts(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(harmless)
}

func harmless(t *testing.T, name string) {
	in := story(t, name)
	in.Name = name
	for i := range in.Breaches {
		in.Breaches[i].Clause, in.Breaches[i].Kind = name, name
	}
	r := review.Compute(in)
	var back any
	text := bytesOf(t)(r.JSON())
	if err := json.Unmarshal(text, &back); err != nil {
		t.Errorf("%q: JSON does not parse: %v", name, err)
	}
	table, page := bytesOf(t)(r.CSV()), bytesOf(t)(r.HTML(lang.English()))
	for what, b := range map[string][]byte{"JSON": bytes.TrimSuffix(text, []byte("\n")), "CSV": bytes.ReplaceAll(table, []byte("\r\n"), nil), "HTML": bytes.ReplaceAll(page, []byte("\n"), nil)} {
		if i := bytes.IndexFunc(b, bad); i >= 0 {
			t.Errorf("%q: %s shows a hidden character: %q", name, what, b[max(0, i-20):min(len(b), i+20)])
		}
	}
	lines, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		t.Errorf("%q: CSV does not parse: %v", name, err)
	}
	for _, cell := range slices.Concat(lines...) {
		if rest := strings.TrimLeft(cell, " \u00a0\u3000\t"); rest != "" && strings.ContainsAny(rest[:1], "=+-@|") || strings.HasPrefix(rest, "\uff1d") {
			t.Errorf("%q: a cell is a formula: %q", name, cell)
		}
	}
	for _, tag := range []string{"<script", "<img", "<svg/", "onerror=alert(1)>"} {
		if bytes.Contains(page, []byte(tag)) {
			t.Errorf("%q: the page has %q", name, tag)
		}
	}
}

func bad(c rune) bool {
	return c < 0x20 || c >= 0x7f && c <= 0x9f || strings.ContainsRune("\u202e\u2066\u2069\u2028\ufeff\U000e0041\u200b\u061c\u00ad", c)
}

// TestThePageNeedsNothingElse: well-formed, no script, no address of another place.
func TestThePageNeedsNothingElse(t *testing.T) {
	page := bytesOf(t)(review.Compute(story(t, "South")).HTML(lang.English()))
	for _, no := range []string{"http://", "https://", "src=", "<script", "<link", "url(", "@import"} {
		if bytes.Contains(page, []byte(no)) {
			t.Errorf("the page has %q", no)
		}
	}
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "br"}, xml.HTMLEntity
	charts := 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "svg" {
			charts++
		}
	}
	if charts != 4 {
		t.Errorf("%d charts", charts)
	}
}

// TestNoFloats: the JSON holds whole numbers and strings only.
func TestNoFloats(t *testing.T) {
	text := bytesOf(t)(review.Compute(story(t, "South")).JSON())
	in := false
	for i, c := range text {
		switch {
		case c == '"' && text[i-1] != '\\':
			in = !in
		case !in && (c == '.' || c == 'e' && text[i-1] >= '0' && text[i-1] <= '9'):
			t.Fatalf("a number with a fraction: %s", text[max(0, i-20):i+5])
		}
	}
}

func TestNothingWasAsked(t *testing.T) {
	r := review.Compute(review.Input{Subject: desk.Subject{From: start, To: start.Add(time.Hour), Now: start}})
	want := `{"v":1,"unit":"","name":"","from":"2026-03-02T09:00:00Z","to":"2026-03-02T10:00:00Z","now":"2026-03-02T09:00:00Z","accord":"","version":0,"cut":[],"parties":[],"types":[],"rows":[],"no_agencies":false,"calls":[],"reviews":[],"breaches":{"total":0,"listed":[]},"disputes":{"total":0,"listed":[]},"differences":{"total":0,"listed":[]}}` + "\n"
	if got := bytesOf(t)(r.JSON()); string(got) != want {
		t.Errorf("%s", got)
	}
	if page := bytesOf(t)(r.HTML(lang.English())); !bytes.Contains(page, []byte("Nothing was asked")) {
		t.Errorf("%s", page)
	}
}

func TestLimits(t *testing.T) {
	in := review.Input{Subject: desk.Subject{From: start, To: start.AddDate(1, 0, 0), Now: start.AddDate(1, 0, 0)}}
	for i := range review.MaxListed + 5 {
		in.Breaches = append(in.Breaches, review.Breach{Entry: journal.Ref{Origin: one, Index: int64(i)}, At: start})
	}
	a := newAsking(t)
	for i := range review.MaxRows + 1 {
		q := a.send(north, "agency "+strings.Repeat("x", i%50)+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)), desk.Information, start, time.Minute)
		a.move(q, south, "cert", start.Add(time.Hour), desk.Acknowledge, desk.Body{})
		a.move(q, south, "cert", start.Add(time.Hour), desk.Refuse, desk.Body{Code: "code-" + string(rune('a'+i%26)) + string(rune('a'+i/26%26))})
		in.Requests = append(in.Requests, q.Clocked(a.doc, in.Now, start, nil))
	}
	r := review.Compute(in)
	if r.Breaches.Total != review.MaxListed+5 || len(r.Breaches.Listed) != review.MaxListed {
		t.Errorf("%d of %d breaches", len(r.Breaches.Listed), r.Breaches.Total)
	}
	if !r.NoAgencies || len(r.Rows) != 1 || r.Rows[0].Sent != review.MaxRows+1 || r.Rows[0].AskingAgency != "" {
		t.Errorf("%v, %d rows", r.NoAgencies, len(r.Rows))
	}
	if codes := r.Types[0].Refusals; len(codes) != review.MaxCodes+1 || codes["(other)"] == 0 {
		t.Errorf("%d codes", len(codes))
	}
	page := bytesOf(t)(r.HTML(lang.English()))
	if n := bytes.Count(page, []byte("<tr>")); n > 300 {
		t.Errorf("%d rows on the page", n)
	}
}

// TestThePageInEveryLanguage: each language has all of the page, with no code or place left open where there are words, and the JSON stays as it is.
func TestThePageInEveryLanguage(t *testing.T) {
	r := review.Compute(story(t, "South"))
	before := bytesOf(t)(r.JSON())
	seen := map[string]string{}
	for _, tag := range lang.Tags() {
		c := lang.Match(tag)
		page := string(bytesOf(t)(r.HTML(c)))
		for _, want := range []string{`<html lang="` + tag + `">`, html.EscapeString(c.Text("review.differences")), html.EscapeString(c.Code("type", "information")), html.EscapeString(c.Code("stage", "acknowledge"))} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %q", tag, want)
			}
		}
		body := page[strings.Index(page, "<body>"):]
		for _, left := range []string{"review.", "time.", "{", "ZgotmplZ", "<no value>"} {
			if strings.Contains(body, left) {
				t.Errorf("%s: %q is left on the page", tag, left)
			}
		}
		if other, twice := seen[body]; twice {
			t.Errorf("%s is %s", tag, other)
		}
		seen[body] = tag
	}
	if after := bytesOf(t)(r.JSON()); !bytes.Equal(before, after) {
		t.Error("a page changed the report")
	}
}
