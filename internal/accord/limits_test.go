package accord

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLimits reaches the bounds of docs/limits.md on accords.
func TestLimits(t *testing.T) {
	problem := func(old, new string) error {
		if _, problems, err := Parse(edited(t, old, new)); err != nil {
			return fmt.Errorf("%w: %v", err, problems)
		}
		return nil
	}
	days := func(d time.Duration) string { return fmt.Sprintf("P%dD", d/(24*time.Hour)) }
	clock := func(d time.Duration) error { return problem("receipt: PT15M", "receipt: "+days(d)) }
	term := func(d time.Duration) error { return problem("keep: P5Y", "keep: "+days(d)) }
	span := func(d time.Duration) error { _, err := Duration(days(d)).Span(); return err }
	steps := func(n int) error { return problem("path: $.user_id", "path: $"+strings.Repeat(".a", n)) }
	const day = 24 * time.Hour
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"maxClock", clock(maxClock), clock(maxClock + day)},
		{"maxTerm", term(maxTerm), term(maxTerm + day)},
		{"maxSpan", span(maxSpan), span(maxSpan + day)},
		{"maxSteps", steps(maxSteps), steps(maxSteps + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
}

// TestLimitsOfText reaches the bounds on a text that is read and on an object that rules are applied to.
func TestLimitsOfText(t *testing.T) {
	size := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	depth := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	nodes := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("0,", n-1), ",") + "]" }
	for name, b := range map[string]bounds{"documentBounds": documentBounds, "objectBounds": objectBounds} {
		for _, x := range []struct {
			limit string
			text  func(int) string
			most  int
		}{{"size", size, b.size}, {"depth", depth, b.depth}, {"nodes", nodes, b.nodes}} {
			if _, err := readJSON([]byte(x.text(x.most)), b); err != nil {
				t.Errorf("%s, %s: %v", name, x.limit, err)
			}
			if _, err := readJSON([]byte(x.text(x.most+1)), b); err == nil {
				t.Errorf("%s, %s: %d are accepted", name, x.limit, x.most+1)
			}
		}
	}
}

// TestLimitsOfProblems: a text that is wrong all over is answered with so many problems and a last line.
func TestLimitsOfProblems(t *testing.T) {
	days := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint("day ", i))
		}
		return out
	}
	warned := len(check(complete(t), &node{kind: '{'}))
	for name, problems := range map[string]func(n int) []Problem{
		"of the schema": func(n int) []Problem {
			_, out, _ := Parse(edited(t, `["2027-01-01", "2027-12-25"]`, `["`+strings.Join(days(n), `", "`)+`"]`))
			return out
		},
		"of the checks": func(n int) []Problem {
			doc := complete(t)
			doc.Calendars[0].Holidays = days(n - warned)
			return check(doc, &node{kind: '{'})
		},
	} {
		if got := problems(maxProblems); len(got) != maxProblems || strings.Contains(got[maxProblems-1].Text, "more problems") {
			t.Errorf("%s: %d problems are listed of %d", name, len(got), maxProblems)
		}
		if got := problems(maxProblems + 2); len(got) != maxProblems+1 || !strings.Contains(got[maxProblems].Text, "more problems") {
			t.Errorf("%s: %d problems are listed of %d", name, len(got), maxProblems+2)
		}
	}
}

// TestLimitsOfCalendars: a calendar with hardly any working time puts a deadline off so far and no further.
func TestLimitsOfCalendars(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	off := func(n int) *business { // n days off, then working days from 8 to 18
		b := &business{loc: time.UTC, days: [7]bool{true, true, true, true, true, true, true}, from: 8 * 60, to: 18 * 60, holidays: map[string]bool{}}
		for i := range n {
			b.holidays[from.AddDate(0, 0, i).Format("2006-01-02")] = true
		}
		return b
	}
	short := off(0) // works a minute a day
	short.to = short.from + 1
	for _, x := range []struct {
		name      string
		got, want time.Time
	}{
		{"the last day that is looked at", off(maxCalendarDays - 1).ahead(from), from.AddDate(0, 0, maxCalendarDays-1).Add(8 * time.Hour)},
		{"the day after", off(maxCalendarDays).ahead(from), from.AddDate(0, 0, maxCalendarDays)},
		{"working time", short.after(from, Span{Clock: maxCalendarDays * time.Minute}), from.AddDate(0, 0, maxCalendarDays-1).Add(8*time.Hour + time.Minute)},
		{"more working time", short.after(from, Span{Clock: (maxCalendarDays + 1) * time.Minute}), from.AddDate(0, 0, maxCalendarDays)},
		{"working days", off(0).after(from, Span{Days: maxCalendarDays}), from.AddDate(0, 0, maxCalendarDays).Add(8 * time.Hour)},
		{"more working days", off(0).after(from, Span{Days: maxCalendarDays + 1}), from.AddDate(0, 0, maxCalendarDays).Add(8 * time.Hour)},
	} {
		if !x.got.Equal(x.want) {
			t.Errorf("%s: %s, want %s", x.name, x.got, x.want)
		}
	}
	for days, want := range map[int]time.Duration{maxCalendarDays: maxCalendarDays * time.Minute, maxCalendarDays + 1: maxCalendarDays * time.Minute} {
		if got := short.between(from, from.AddDate(0, 0, days)); got != want {
			t.Errorf("%d days hold %s of working time, want %s", days, got, want)
		}
	}
}

// TestLimitsOfVisits: a rule that would have to look at too much in one object is an error, and nothing is shared.
func TestLimitsOfVisits(t *testing.T) {
	rule := FieldRule{Clause: Clause{ID: "F"}, Path: "$..*..*..*.x", Action: "drop"}
	steps, err := parsePath(rule.Path)
	if err != nil {
		t.Fatal(err)
	}
	object := func(more int) string { // many values, some of them deep; each further member is one visit more
		var b strings.Builder
		b.WriteString(`{"a":[[[[[[` + strings.TrimSuffix(strings.Repeat("0,", 128_000), ",") + `]]]]]]`)
		for i := range more {
			fmt.Fprintf(&b, `,"m%d":0`, i)
		}
		return b.String() + "}"
	}
	root, err := readJSON([]byte(object(0)), objectBounds)
	if err != nil {
		t.Fatal(err)
	}
	limit := maxVisits
	if !selectPlaces(root, "$", steps, &limit, func(place) {}) || limit > 500_000 {
		t.Fatalf("%d visits are left", limit)
	}
	if _, _, err := (Rules{rule}).Apply([]byte(object(limit))); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	if out, _, err := (Rules{rule}).Apply([]byte(object(limit + 1))); err == nil || out != nil {
		t.Errorf("beyond the limit: %d bytes, %v", len(out), err)
	}
}

// TestEveryFamilyCanBeNamed: what goes through the gate can be named where the accord names kinds, and nothing else.
func TestEveryFamilyCanBeNamed(t *testing.T) {
	text := string(Example("complete"))
	for _, family := range append(slices.Clone(contentFamilies), "accord", "receipt") {
		for _, kind := range []string{family + ".*", family + ".open"} {
			doc, problems, err := Parse([]byte(strings.Replace(text, "may: [share, share.*, request.*]", "may: ["+kind+"]", 1)))
			if named := err == nil && doc.Signatories[0].Agencies[0].Roles[1].May[0] == kind; named != IsContent(family+".x") {
				t.Errorf("%s as a kind: %v %v", kind, problems, err)
			}
		}
	}
}
