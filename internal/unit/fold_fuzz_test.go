package unit_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"entente/internal/unit"
	"entente/journal"
)

// line is one entry of a fuzzed history as text: who writes, what it sees, the kind,
// and the body as it stands.
func line(who, sees byte, kind, body string) string {
	return string([]byte{who, sees}) + kind + " " + body
}

// histories are seeds in which everything is named as the target's world names it.
func histories(w *world, hash string) []string {
	a := w.actors[0]
	other := strings.Repeat("1", 64)
	origin := string(a.origin)
	ref := fmt.Sprintf(`{"origin":%q,"index":%d}`, origin, len(a.entries))
	return []string{
		strings.Join([]string{line('0', 'b', "share", `{"objects":2,"types":{"indicator":2},"tlp":"green"}`), line('1', 'b', "receipt", `{}`), line('1', 'a', "share", `{"objects":-1}`)}, "\n"),
		strings.Join([]string{line('0', 'b', "request.send", `{"type":"information","urgency":"urgent","fields":["subject","purpose"],"tlp":"amber"}`),
			line('1', 'b', "request.acknowledge", `{"request":`+ref+`}`), line('1', 'b', "request.accept", `{"request":`+ref+`}`),
			line('1', 'a', "request.answer", `{"request":`+ref+`,"tlp":"green"}`), line('0', 'b', "request.assess", `{"request":`+ref+`,"scores":{"accuracy":3}}`)}, "\n"),
		strings.Join([]string{line('0', 'a', "suspend", `{"scope":["all"],"code":"x"}`), line('1', 'a', "share", `{"objects":1,"types":{"indicator":1},"tlp":"green"}`),
			line('0', 'b', "resume", `{"suspension":`+ref+`}`), line('1', 'b', "withdraw", `{}`)}, "\n"),
		strings.Join([]string{line('0', 'b', "amend", `{"hash":"`+other+`","version":2,"supersedes":"`+hash+`"}`), line('1', 'b', "sign", `{"hash":"`+other+`"}`), line('0', 'b', "sign", `{"hash":"`+other+`"}`)}, "\n"),
		strings.Join([]string{line('2', 'b', "admit", `{}`), line('0', 'x', "notice", `{"effective":"2026-04-01T00:00:00Z"}`), line('1', 'b', "destroyed", `{"commitments":[],"reason":"x"}`)}, "\n"),
		line('0', 'b', "witness", `{"checkpoint":"x"}`) + "\n" + line('1', 'b', "evidence", `{"code":"fork","origin":"`+origin+`","a":"","b":"","proof":[],"root":""}`),
	}
}

// copy returns a world that goes on by itself from where w is.
func (w *world) copy(t testing.TB) *world {
	c := *w
	c.t, c.actors = t, nil
	for _, a := range w.actors {
		b := *a
		b.w, b.entries, b.hashes, b.seen = &c, slices.Clone(a.entries), slices.Clone(a.hashes), maps.Clone(a.seen)
		c.actors = append(c.actors, &b)
	}
	return &c
}

// FuzzFold writes entries of any kind and body into three journals, with any vectors
// that a mirror would take, and folds them. The fold takes them in every order to
// the same bytes, at any instant, and nothing becomes another unit's.
func FuzzFold(f *testing.F) {
	base, hash := founded(f, "North", "South")
	base.join("Centre", 0, nil)
	for _, h := range histories(base, hash) {
		f.Add(h, uint32(7), int64(86400))
	}
	base.empty()
	f.Fuzz(func(t *testing.T, history string, order uint32, later int64) {
		w := base.copy(t)
		for i, l := range strings.Split(history, "\n") {
			if i == 24 || len(l) < 3 {
				break
			}
			a := w.actors[int(l[0])%len(w.actors)]
			switch l[1] {
			case 'b':
				a.see(w.actors...)
			case 'c':
				a.see(w.actors[(int(l[0])+1)%len(w.actors)])
			}
			kind, body, _ := strings.Cut(l[2:], " ")
			m := fmt.Sprintf(`{"v":1,"kind":%q,"at":%q,"by":{"agency":"cert","role":"duty-officer"},"unit":%q,"author":%q,"epoch":%d,"index":%d,"seen":%s`,
				kind, w.clock.Format(time.RFC3339), w.unit, a.id, a.epoch, len(a.entries), seenText(t, a))
			if body != "" {
				m += `,"body":` + body
			}
			switch kind {
			case "share", "request.send", "request.answer", "amend":
				sum := journal.Hash(sha256.Sum256([]byte(m)))
				m += fmt.Sprintf(`,"payload":{"commitment":%q,"size":1000,"type":%q}`, sum, map[string]string{"share": "stix", "request.send": "request", "request.answer": "answer", "amend": "accord"}[kind])
			}
			w.clock = w.clock.Add(time.Minute)
			e, err := journal.ParseEntry([]byte(m + "}"))
			if err != nil || e.Kind == journal.KindGenesis || e.Index != int64(len(a.entries)) || e.Author != a.id {
				continue // a mirror would not take it
			}
			hs, err := tlog.StoredHashesForRecordHash(e.Index, e.LeafHash, a.hashes)
			if err != nil {
				t.Fatal(err)
			}
			a.hashes, a.entries = append(a.hashes, hs...), append(a.entries, e)
		}
		now := w.clock.Add(time.Duration(later%(1<<24)) * time.Second)
		f1 := w.fold()
		want := f1.State(now).JSON()
		if !jsontext.Value(want).IsValid() {
			t.Fatalf("a state that is no JSON: %s", want)
		}
		if !bytes.Equal(want, f1.State(now).JSON()) {
			t.Fatal("asked twice, answered twice otherwise")
		}
		// Another interleaving, with an entry or two given again.
		g := w.empty()
		next := make([]int, len(w.actors))
		for left := true; left; {
			left = false
			for i := range w.actors {
				order = order*1664525 + 1013904223
				k := (i + int(order>>16)) % len(w.actors)
				for n := int(order>>8) % 4; n >= 0 && next[k] < len(w.actors[k].entries); n-- {
					e := w.actors[k].entries[next[k]]
					for range 1 + int(order>>12)%2 {
						if err := g.Add(e); err != nil {
							t.Fatalf("%v: %s", err, e.Raw)
						}
					}
					next[k]++
				}
			}
			for i, a := range w.actors {
				left = left || next[i] < len(a.entries)
			}
		}
		if got := g.State(now).JSON(); !bytes.Equal(got, want) {
			t.Fatalf("two orders of the same entries give two states:\n%s\n%s", pretty(want), pretty(got))
		}
	})
}

func seenText(t *testing.T, a *actor) string {
	t.Helper()
	keys := make([]string, 0, len(a.seen))
	for o := range a.seen {
		keys = append(keys, string(o))
	}
	slices.Sort(keys)
	var b strings.Builder
	for i, o := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		h := a.seen[journal.Origin(o)]
		fmt.Fprintf(&b, `%q:{"size":%d,"root":%q}`, o, h.Size, h.Root)
	}
	return "{" + b.String() + "}"
}

// FuzzStory drives the random histories of TestConvergenceOfThree from the input, so
// that coverage leads them.
func FuzzStory(f *testing.F) {
	for i := range 4 {
		f.Add(bytes.Repeat([]byte{byte(17 * i), 3, byte(i), 200}, 300))
	}
	base, hash := founded(f, "North", "South", "West")
	base.empty()
	f.Fuzz(rapid.MakeFuzz(func(rt *rapid.T) {
		w := base.copy(f)
		s := &story{t: rt, w: w, hashes: []string{hash}}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			s.step()
		}
		now := w.clock.Add(4 * 24 * time.Hour)
		want := w.fold().State(now).JSON()
		fold := shuffled(rt, w, unit.NewFold(w.founding), slices.Clone(w.texts), "order", nil)
		if got := fold.State(now).JSON(); !bytes.Equal(got, want) {
			rt.Fatalf("two orders of the same entries give two states:\n%s\n%s", pretty(want), pretty(got))
		}
	}))
}
