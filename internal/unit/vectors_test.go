package unit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// stateVector is one file of testdata/vectors; its README says what it means.
type stateVector struct {
	About    string          `json:"about"`
	Founding string          `json:"founding"`
	Texts    []string        `json:"texts"`
	Journals []vectorJournal `json:"journals"`
	States   []vectorState   `json:"states"`
	Reports  []vectorReport  `json:"reports,omitempty"` // of reviews
}

type vectorJournal struct {
	Party   string         `json:"party"` // a name, for people
	Origin  journal.Origin `json:"origin"`
	Entries []string       `json:"entries"`
}

// vectorReport is the review of a period at the newest final cut.
type vectorReport struct {
	From    time.Time    `json:"from"`
	To      time.Time    `json:"to"`
	Subject desk.Subject `json:"subject"`
	SHA256  string       `json:"sha256"` // of the report's bytes
	Report  string       `json:"report"`
}

type vectorState struct {
	Now    time.Time      `json:"now"`
	SHA256 string         `json:"sha256"` // of the state's bytes as they stand here
	State  jsontext.Value `json:"state"`
}

// histories that the vectors tell, each in a world of its own.
var vectorStories = map[string]struct {
	about string
	later []time.Duration // the instants, after the last entry
	tell  func(t testing.TB) *world
}{
	"accord": {"Two parties sign their first accord; everything is final.", []time.Duration{0}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		return w
	}},
	"together": {"A case with a claim that is answered, one that is not, one that its own author denies, and an event that lies; a promise that is moved after it had passed and that each side sees differently; a statement that both sign, and one whose retraction wins over a signature that did not know of it; a leak.",
		[]time.Duration{0, 3 * 24 * time.Hour}, func(t testing.TB) *world {
			w, _ := founded(t, "North", "South")
			n, s := w.actors[0], w.actors[1]
			share := n.share(1)
			c := n.write("case.open", map[string]any{"tlp": "green", "incidents": []string{"intrusion"}}, payload("text", 200))
			n.write("case.link", map[string]any{"case": c.Ref(), "target": share.Ref(), "relation": "evidence"})
			n.write("case.event", map[string]any{"case": c.Ref(), "event": "intrusion", "happened": start.Add(-48 * time.Hour), "precision": "hour"})
			n.write("case.event", map[string]any{"case": c.Ref(), "event": "intrusion", "happened": w.clock.Add(time.Hour)})
			claim := n.write("case.claim", map[string]any{"case": c.Ref(), "class": "attribution", "confidence": "moderate", "concerns": s.id, "evidence": []journal.Ref{share.Ref()}})
			n.write("case.claim", map[string]any{"case": c.Ref(), "class": "fact", "concerns": s.id})
			s.receipt(n)
			s.write("case.reply", map[string]any{"tlp": "green", "case": c.Ref(), "claim": claim.Ref()}, payload("text", 100))
			s.write("case.claim", map[string]any{"case": c.Ref(), "class": "denial", "about": claim.Ref()})
			n.write("case.reply", map[string]any{"tlp": "green", "case": c.Ref(), "claim": claim.Ref()})
			n.write("case.claim", map[string]any{"case": c.Ref(), "class": "denial", "about": claim.Ref()})
			promise := s.write("commitment.make", map[string]any{"tlp": "green", "case": c.Ref(), "due": w.clock.Add(3 * time.Second)}, payload("text", 100))
			s.write("commitment.report", map[string]any{"commitment": promise.Ref(), "status": "on-track"})
			n.receipt(s)
			n.write("commitment.view", map[string]any{"commitment": promise.Ref(), "status": "broken"})
			s.write("commitment.amend", map[string]any{"commitment": promise.Ref(), "due": w.clock.AddDate(0, 0, 2), "code": "capacity"})
			said := func() *journal.Entry {
				e := n.write("statement.propose", map[string]any{"tlp": "green", "sha256": textSum, "embargo": "2026-03-04T12:00:00+07:00", "texts": []map[string]any{{"lang": "en", "sha256": textSum, "authentic": true}}}, payload("statement", 400))
				n.write("statement.sign", map[string]any{"statement": e.Ref(), "sha256": textSum})
				return e
			}
			first, second := said(), said()
			s.receipt(n)
			n.write("statement.retract", map[string]any{"statement": second.Ref(), "code": "overtaken"})
			for _, e := range []*journal.Entry{first, second} {
				s.write("statement.sign", map[string]any{"statement": e.Ref(), "sha256": textSum})
			}
			leak := s.write("leak.report", map[string]any{"tlp": "green", "about": first.Ref(), "found": w.clock}, payload("text", 100))
			n.receipt(s)
			n.write("leak.answer", map[string]any{"leak": leak.Ref(), "answer": "deny"})
			n.write("case.close", map[string]any{"case": c.Ref()})
			w.sync()
			return w
		}},
	"request": {"A request, acknowledged, questioned, answered in part, answered and assessed; another that nobody answers runs out; an illegal move and a move twice.",
		[]time.Duration{0, 4 * 24 * time.Hour, 40 * 24 * time.Hour}, func(t testing.TB) *world {
			w, _ := founded(t, "North", "South")
			n, s := w.actors[0], w.actors[1]
			q := n.ask()
			lost := n.ask()
			s.receipt(n)
			s.move("acknowledge", q, nil)
			s.move("needs-info", q, nil)
			n.receipt(s)
			n.move("info", q, map[string]any{"tlp": "amber", "fields": []string{"reason"}})
			n.move("accept", q, nil) // not North's to make
			s.receipt(n)
			s.move("accept", q, nil)
			s.move("accept", q, nil)
			s.move("answer", q, map[string]any{"tlp": "green"})
			n.receipt(s)
			n.move("assess", q, map[string]any{"scores": map[string]int{"accuracy": 4, "timeliness": 2}})
			_ = lost
			w.sync()
			return w
		}},
	"translation": {"Both sides translate a request, one of them marks its own as authentic; a translation that another than the author calls authentic, of a translation, of nothing, and after the end.",
		[]time.Duration{0}, func(t testing.TB) *world {
			w, _ := founded(t, "North", "South")
			n, s := w.actors[0], w.actors[1]
			q := n.ask()
			s.receipt(n)
			into := func(a *actor, of *journal.Entry, authentic bool, opts ...option) *journal.Entry {
				body := map[string]any{"request": q.Ref(), "of": of.Ref(), "lang": "vi", "kind": "human", "tlp": "amber"}
				if authentic {
					body["authentic"] = true
				}
				return a.write("request.translate", body, append([]option{payload("text", 40)}, opts...)...)
			}
			s.move("acknowledge", q, nil)
			first := into(s, q, false)
			into(s, q, true) // not South's to say
			n.receipt(s)
			into(n, q, true)
			into(n, first, false)                                                                  // a translation
			into(n, q, false, says("kind", "guess"))                                               // no kind of translation
			into(n, q, false, says("lang", "zh-Hans"))                                             // not in lower case
			n.move("translate", q, map[string]any{"of": q.Ref(), "lang": "fr", "kind": "machine"}) // without a text
			n.move("withdraw", q, nil)
			into(n, q, false)
			w.sync()
			return w
		}},
	"preservation": {"Data are held until a date, longer after a renewal, and lapse; dates that contradict what was said.",
		[]time.Duration{0, 50 * 24 * time.Hour, 100 * 24 * time.Hour}, func(t testing.TB) *world {
			w, _ := founded(t, "North", "South")
			n, s := w.actors[0], w.actors[1]
			until := func(days int) map[string]any {
				return map[string]any{"until": w.clock.AddDate(0, 0, days).UTC().Format(time.RFC3339)}
			}
			q := n.ask(says("type", "preservation"))
			s.receipt(n)
			s.move("acknowledge", q, nil)
			s.move("hold", q, until(-1)) // behind
			s.move("hold", q, until(60))
			s.move("lapse", q, nil) // too early
			n.receipt(s)
			n.move("renew", q, until(90))
			s.receipt(n)
			s.move("hold", q, until(30)) // shorter
			s.move("hold", q, until(90))
			w.sync()
			return w
		}},
	"incident": {"An incident that was detected earlier is warned of, notified and reported; another is warned of and nothing follows; one was detected after it was sent.",
		[]time.Duration{0, 4 * 24 * time.Hour}, func(t testing.TB) *world {
			w, _ := founded(t, "North", "South")
			n, s := w.actors[0], w.actors[1]
			detected := func(hours int) string {
				return w.clock.Add(time.Duration(hours) * time.Hour).UTC().Format(time.RFC3339)
			}
			q := n.ask(says("type", "incident"), says("detected", detected(-20)))
			n.ask(says("type", "incident"))
			n.ask(says("type", "incident"), says("detected", detected(20)))
			s.receipt(n)
			s.move("acknowledge", q, nil)
			s.move("needs-info", q, nil)
			n.receipt(s)
			n.move("info", q, nil)
			n.move("notify", q, nil)
			s.receipt(n)
			s.move("acknowledge", q, nil) // again
			n.move("report", q, nil)
			s.receipt(n)
			s.move("close", q, nil)
			w.sync()
			return w
		}},
	"concurrent-suspension": {"North suspends shares while South, who does not know, shares; South shares again knowing it; North resumes.", []time.Duration{0}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		stop := n.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"share"}, Code: "incident"})
		s.share(2)
		n.receipt(s)
		s.receipt(n)
		s.share(3)
		s.ask()
		n.receipt(s)
		n.write(unit.KindResume, unit.ResumeBody{Suspension: stop.Ref()})
		s.receipt(n)
		s.share(4)
		w.sync()
		return w
	}},
	"competing-accords": {"Two amendments of the same accord at once; South signs one, then the one with the lower hash; only that comes into force.", []time.Duration{0}, func(t testing.TB) *world {
		w, base := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		x, y := w.text("Second, North's", 2, base, n, s), w.text("Second, South's", 2, base, n, s)
		n.propose(unit.KindAmend, x, 2, base)
		s.propose(unit.KindAmend, y, 2, base)
		w.sync()
		low, high := min(x, y), max(x, y)
		n.sign(low)
		s.sign(high)
		w.sync()
		n.sign(high) // not towards the lower hash: does not count
		s.sign(low)
		w.sync()
		return w
	}},
	"void": {"Entries that are void or wait: back-dated, a vector that decreases, one with a false root, one beyond what is there; a body that is none; content without an accord's role.", []time.Duration{0}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		n.share(1, at(start))
		n.write("share", map[string]any{"objects": -1}, payload("stix", 10))
		n.write(unit.KindSuspend, map[string]any{"scope": []string{}, "code": "x"})
		s.see(n)
		s.share(1, by(journal.By{Agency: "nobody", Role: "nothing"}))
		s.share(1, seeing(map[journal.Origin]journal.Head{}))
		s.write("note", nil, seeing(map[journal.Origin]journal.Head{n.origin: {Size: int64(len(n.entries)), Root: journal.Hash{9}}}))
		w.sync()
		s.write("note", nil, seeing(map[journal.Origin]journal.Head{n.origin: {Size: int64(len(n.entries)) + 5, Root: journal.Hash{7}}}))
		return w
	}},
	"finality": {"What is final and what not yet: a share that South has not seen, one that it has seen and North does not know so, one that both know.", []time.Duration{0}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		n.share(1)
		w.sync()
		n.share(2)
		s.receipt(n)
		n.share(3)
		return w
	}},
	"membership": {"A third party is admitted and joins by an amendment; then an amendment without South comes into force.", []time.Duration{0}, func(t testing.TB) *world {
		w, base := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		c := w.join("Centre", 0, nil)
		w.admit(n, c)
		w.sync()
		second := w.text("With the Centre", 2, base, n, s, c)
		n.propose(unit.KindAmend, second, 2, base)
		w.sync()
		for _, a := range []*actor{n, s, c} {
			a.sign(second)
		}
		w.sync()
		c.share(2)
		third := w.text("Without South", 3, second, n, c)
		c.propose(unit.KindAmend, third, 3, second)
		w.sync()
		n.sign(third)
		c.sign(third)
		w.sync()
		s.share(1)
		w.sync()
		return w
	}},
	"successor": {"South's journal is retired after a restore; its successor names a head below what South had written, and the tail stays binding where North had seen it.", []time.Duration{0}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		s.share(1)
		n.receipt(s)
		s.share(2) // nobody has seen this one before the successor opens
		next := w.join("South", 1, &journal.Predecessor{Origin: s.origin, Head: s.head(int64(len(s.entries)) - 1)})
		next.see(n)
		next.share(3)
		for range 2 {
			n.receipt(s, next)
			next.receipt(n)
		}
		return w
	}},
	"withdrawal": {"South gives notice; before it takes effect it still shares; afterwards it counts as withdrawn.", []time.Duration{0, 400 * 24 * time.Hour}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		s.write(unit.KindNotice, unit.NoticeBody{Effective: w.clock.AddDate(0, 2, 0)})
		s.share(1)
		w.sync()
		w.clock = w.clock.AddDate(0, 6, 0)
		n.share(1)
		s.share(2)
		w.sync()
		return w
	}},
	"review": {"A review is opened; scores are shown too early, then with other scores than were committed to, then rightly; two different reports are signed, then the same.", []time.Duration{0}, func(t testing.TB) *world {
		w, _ := founded(t, "North", "South")
		n, s := w.actors[0], w.actors[1]
		q := n.ask()
		s.receipt(n)
		s.move("acknowledge", q, nil)
		s.move("accept", q, nil)
		s.move("answer", q, map[string]any{"tlp": "green"})
		n.receipt(s)
		n.move("assess", q, map[string]any{"scores": map[string]int{"accuracy": 4, "timeliness": 2}, "use": "blocked"})
		n.move("dispute", q, map[string]any{"code": "incomplete"})
		w.sync()
		about := w.subject()
		r, err := w.fold().Report(about)
		if err != nil {
			t.Fatal(err)
		}
		report, err := r.Hash()
		if err != nil {
			t.Fatal(err)
		}
		opened := n.openReview(about)
		s.see(n)
		nc, nr := n.scoring(opened, about, s, 2)
		sc, sr := s.scoring(opened, about, n, 5)
		n.review("commit", opened, nc)
		n.review("reveal", opened, nr) // too early
		s.review("commit", opened, sc)
		s.see(n)
		n.see(s)
		_, other := s.scoring(opened, about, n, 1)
		s.review("reveal", opened, other) // does not fit
		s.review("reveal", opened, sr)
		n.review("reveal", opened, nr)
		n.review("sign", opened, map[string]any{"report": report})
		s.review("sign", opened, map[string]any{"report": journal.Hash{1}})
		s.review("sign", opened, map[string]any{"report": report})
		w.sync()
		return w
	}},
}

func vectorPath(name string) string { return filepath.Join("testdata", "vectors", name+".json") }

// TestVectors: the histories in testdata/vectors give the states that stand there, to
// the byte, in whatever order their entries come; and the files are what this test
// would write.
func TestVectors(t *testing.T) {
	for name, story := range vectorStories {
		t.Run(name, func(t *testing.T) {
			w := story.tell(t)
			v := stateVector{About: story.about, Founding: w.founding, Texts: []string{}}
			for _, text := range w.texts {
				v.Texts = append(v.Texts, string(text))
			}
			for _, a := range w.actors {
				j := vectorJournal{Party: a.name, Origin: a.origin}
				for _, e := range a.entries {
					j.Entries = append(j.Entries, string(e.Raw))
				}
				v.Journals = append(v.Journals, j)
			}
			f := w.fold()
			for _, d := range story.later {
				now := w.clock.Add(d).UTC()
				state := f.State(now).JSON()
				sum := sha256.Sum256(state)
				v.States = append(v.States, vectorState{now, hex.EncodeToString(sum[:]), state})
			}
			for _, to := range []time.Time{start.Add(20 * time.Second), w.clock.Add(time.Hour)} {
				subject, text := reportOf(t, f, to.UTC())
				sum := sha256.Sum256(text)
				v.Reports = append(v.Reports, vectorReport{start, to.UTC(), subject, hex.EncodeToString(sum[:]), string(text)})
			}
			made, err := json.Marshal(v, jsontext.Multiline(false))
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, '\n')
			if *update {
				if err := os.MkdirAll(filepath.Dir(vectorPath(name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(vectorPath(name), made, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := os.ReadFile(vectorPath(name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(kept, made) {
				t.Errorf("the vector has changed; if that is meant, write it anew with -update")
			}
			readVector(t, kept)
		})
	}
}

// readVector does what another implementation does with a file.
func readVector(t *testing.T, text []byte) {
	t.Helper()
	var v stateVector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for _, backwards := range []bool{false, true} {
		journals := slices.Clone(v.Journals)
		if backwards {
			slices.Reverse(journals)
		}
		f := unit.NewFold(v.Founding)
		addTexts := func() {
			for _, text := range v.Texts {
				if err := f.AddAccord([]byte(text)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !backwards {
			addTexts()
		}
		for _, j := range journals {
			for _, raw := range j.Entries {
				e, err := journal.ParseEntry([]byte(raw))
				if err != nil {
					t.Fatal(err)
				}
				if err := f.Add(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		if backwards {
			addTexts()
		}
		for _, s := range v.States {
			state := f.State(s.Now).JSON()
			sum := sha256.Sum256(state)
			if !bytes.Equal(state, s.State) || hex.EncodeToString(sum[:]) != s.SHA256 {
				t.Fatalf("at %s:\n%s\nis wanted, and is\n%s", s.Now.Format(time.RFC3339), pretty(s.State), pretty(state))
			}
		}
		for _, x := range v.Reports {
			subject, report := reportOf(t, f, x.To)
			sum := sha256.Sum256(report)
			if subject.Hash() != x.Subject.Hash() || string(report) != x.Report || hex.EncodeToString(sum[:]) != x.SHA256 {
				t.Fatalf("until %s:\n%s\nis wanted, and is\n%s", x.To.Format(time.RFC3339), x.Report, report)
			}
		}
	}
}

// TestVectorsSayWhatTheyAreFor: each history does what its name says.
func TestVectorsSayWhatTheyAreFor(t *testing.T) {
	for name, wants := range map[string][]string{
		"request": {`"answered"`, `"overdue"`}, "preservation": {`"held"`, `"bad-date"`, `"overdue"`}, "incident": {`"closed"`, `"bad-date"`, `"duplicate"`, `"basis":"claim"`}, "concurrent-suspension": {`"knowing":true`, `"resumed":`}, "competing-accords": {`higher-hash`},
		"void": {`back-dated`, `bad-body`, `bad-root`}, "successor": {`"retired":{`}, "withdrawal": {`withdrawn`}, "finality": {`"final":false`, `"final":true`}, "membership": {`"left":[{`},
		"review": {`"too-early"`, `"does-not-fit"`, `"revealed"`, `"agreed":`, `"replaced":`},
	} {
		text, err := os.ReadFile(vectorPath(name))
		if err != nil {
			t.Fatal(err)
		}
		var v stateVector
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !slices.ContainsFunc(v.States, func(s vectorState) bool { return strings.Contains(string(s.State), want) }) {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}
