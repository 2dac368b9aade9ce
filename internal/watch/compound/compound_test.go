package compound

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/stix/pattern"

	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

// look is one DNS question of a host.
func look(host, name string, seconds int) *record.Record {
	return &record.Record{Host: host, Time: at(seconds), Fields: []record.Field{
		{Path: "query", Type: observable.Domain, Role: record.Query, Text: name}}}
}

// run gives what an engine tells of records, with a table as its index.
func run(t interface{ Fatal(...any) }, o Options, patterns []string, records ...*record.Record) ([]Match, Counts) {
	e, table := New(o), &Table{}
	for _, p := range patterns {
		id, atoms, err := e.Add(p)
		if err != nil {
			t.Fatal(p, err)
		}
		table.Set(id, atoms)
	}
	var out []Match
	found := func(m Match) { out = append(out, m) }
	for i, r := range records {
		e.Take(r, table.Find(nil, r), uint64(i), found)
	}
	e.Flush(found)
	if e.total != 0 {
		n := 0
		for el := e.states.Front(); el != nil; el = el.Next() {
			n += len(el.Value.(*state).done) + len(el.Value.(*state).waiting)
		}
		if n != e.total {
			t.Fatal(fmt.Sprintf("%d observations are kept and %d are counted", n, e.total))
		}
	}
	return out, e.Counts()
}

const (
	nameA = "[domain-name:value = 'a.example']"
	nameB = "[domain-name:value = 'b.example']"
)

func TestMeaning(t *testing.T) {
	for _, c := range []struct {
		what, pattern string
		records       []*record.Record
		want          int
	}{
		{"one observation", nameA, []*record.Record{look("h", "A.Example.", 0), look("", "a.example", 1), look("h", "x.a.example", 2)}, 2},
		{"the constant is canonical too", "[domain-name:value = 'A.EXAMPLE']", []*record.Record{look("h", "a.example", 0)}, 1},
		{"two in one observation", "[domain-name:value = 'a.example' AND domain-name:value = 'b.example']",
			[]*record.Record{look("h", "a.example", 0), look("h", "b.example", 0)}, 0},
		{"two observations", nameA + " AND " + nameB, []*record.Record{look("h", "b.example", 0), look("h", "a.example", 9)}, 1},
		{"of two hosts", nameA + " AND " + nameB, []*record.Record{look("h", "b.example", 0), look("i", "a.example", 9)}, 0},
		{"of no host", nameA + " FOLLOWEDBY " + nameB, []*record.Record{look("", "a.example", 0), look("", "b.example", 9)}, 0},
		{"in order", nameA + " FOLLOWEDBY " + nameB, []*record.Record{look("h", "a.example", 0), look("h", "b.example", 9)}, 1},
		{"not in order", nameA + " FOLLOWEDBY " + nameB, []*record.Record{look("h", "b.example", 0), look("h", "a.example", 9)}, 0},
		{"in order, and came otherwise", nameA + " FOLLOWEDBY " + nameB, []*record.Record{look("h", "b.example", 9), look("h", "a.example", 0)}, 1},
		{"within", "(" + nameA + " AND " + nameB + ") WITHIN 5 SECONDS", []*record.Record{look("h", "a.example", 0), look("h", "b.example", 5)}, 1},
		{"not within", "(" + nameA + " AND " + nameB + ") WITHIN 5 SECONDS", []*record.Record{look("h", "a.example", 0), look("h", "b.example", 6)}, 0},
		{"beyond the horizon", nameA + " AND " + nameB, []*record.Record{look("h", "a.example", 0), look("h", "b.example", 3601)}, 0},
		{"repeats", nameA + " REPEATS 3 TIMES", []*record.Record{look("h", "a.example", 0), look("h", "a.example", 0), look("h", "a.example", 2), look("h", "a.example", 3)}, 1},
		{"repeats, used up and again", nameA + " REPEATS 2 TIMES", []*record.Record{look("h", "a.example", 0), look("h", "a.example", 1), look("h", "a.example", 2), look("h", "a.example", 3)}, 2},
		{"within before repeats is of each time", nameA + " WITHIN 1 SECONDS REPEATS 2 TIMES", []*record.Record{look("h", "a.example", 0), look("h", "a.example", 100)}, 1},
		{"start and stop", nameA + " START t'2026-09-01T12:00:05Z' STOP t'2026-09-01T12:00:10Z'",
			[]*record.Record{look("h", "a.example", 4), look("h", "a.example", 5), look("h", "a.example", 10)}, 1},
		{"or", nameA + " OR " + nameB, []*record.Record{look("h", "a.example", 0), look("h", "b.example", 1)}, 2},
		{"open", "[domain-name:value LIKE '%.example']", []*record.Record{look("h", "a.example", 0), look("h", "a.test", 1)}, 1},
		{"not", "[domain-name:value NOT = 'a.example'] AND " + nameB, []*record.Record{look("h", "c.example", 0), look("h", "b.example", 1)}, 1},
	} {
		got, counts := run(t, Options{Horizon: time.Hour}, []string{c.pattern}, c.records...)
		if len(got) != c.want {
			t.Errorf("%s: %s: %d matches %v, want %d; %+v", c.what, c.pattern, len(got), got, c.want, counts)
		}
	}
}

// TestObserve: patterns of each kind find what a record becomes.
func TestObserve(t *testing.T) {
	f := func(typ observable.Type, role record.Role, text string) record.Field {
		return record.Field{Type: typ, Role: role, Text: text}
	}
	r := &record.Record{Host: "h", Time: t0, Fields: []record.Field{
		f(observable.Domain, record.Query, "Evil.Example."), f(observable.Domain, record.Answer, "198.51.100.7"), f(observable.IPv6, record.Answer, "2001:DB8::1"),
		f(observable.IPv4, record.Source, "::ffff:10.0.0.1"), f(observable.IPv4, record.Destination, "192.0.2.9:443"),
		{Path: "id.resp_p", Text: "443"}, {Path: "proto", Text: "TCP"},
		f(observable.Domain, record.Host, "www.example"), f(observable.URL, record.Request, "/a?b"), f(observable.UserAgent, record.Agent, "Bad/1.0"),
		f(observable.Email, record.Sender, "Bob@Example.org"), f(observable.Email, record.Recipient, "eve@example.org"), f(observable.MailSubject, record.Subject, "hello"),
		f(observable.FilePath, record.File, `C:\tmp\Evil.exe`), f(observable.FileName, record.File, `Evil.exe`),
		f(observable.MD5, record.File, "D41D8CD98F00B204E9800998ECF8427E"), f(observable.SHA1, record.File, strings.Repeat("a", 40)),
		f(observable.SHA256, record.Certificate, strings.Repeat("b", 64)), f(observable.Serial, record.Certificate, "00AB"),
		f(observable.Process, record.Process, `"C:\x y\run.exe" -q`), f(observable.Mutex, record.Process, "Global\\m"), f(observable.RegistryKey, record.Process, `HKLM\Software\X`),
		f(observable.Account, record.Other, "root"), f(observable.MAC, record.Other, "AA-BB-CC-DD-EE-FF"), f(observable.ASN, record.Other, "AS64500"),
		f(observable.Other, record.Other, "x-thing:colour=red"),
	}}
	yes := []string{
		"[domain-name:value = 'evil.example']", "[domain-name:resolves_to_refs[*].value = '198.51.100.7']", "[domain-name:resolves_to_refs[*].value = '2001:0db8::0001']",
		"[domain-name:value = 'evil.example' AND domain-name:resolves_to_refs[*].value ISSUBSET '198.51.100.0/24']",
		"[ipv4-addr:value = '10.0.0.1']", "[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "[ipv6-addr:value = '2001:db8::1']",
		"[network-traffic:src_ref.value = '10.0.0.1' AND network-traffic:dst_ref.value = '192.0.2.9' AND network-traffic:dst_port = 443]",
		"[network-traffic:protocols[*] = 'tcp']", "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Bad/1.0']",
		"[network-traffic:extensions.'http-request-ext'.request_value = '/a?b']", "[url:value = 'http://WWW.example:80/%61?b']",
		"[email-message:from_ref.value = 'bob@example.org' AND email-message:to_refs[*].value = 'eve@example.org' AND email-message:subject = 'hello']", "[email-addr:value = 'BOB@example.org']",
		"[file:name = 'Evil.exe' AND file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' AND file:hashes.'SHA-1' LIKE 'aaaa%']", "[file:hashes.sha1 = '" + strings.Repeat("A", 40) + "']",
		`[file:parent_directory_ref.path = 'C:\\tmp']`, `[directory:path = 'C:\\tmp']`,
		"[x509-certificate:serial_number = 'ab' AND x509-certificate:hashes.'SHA-256' = '" + strings.Repeat("b", 64) + "']",
		"[process:image_ref.name = 'run.exe']", "[file:name = 'run.exe']", "[process:command_line MATCHES '-q$']", "[mutex:name = 'Global\\\\m']", `[windows-registry-key:key = 'HKLM\\Software\\X']`,
		"[user-account:account_login = 'root']", "[mac-addr:value = 'aa:bb:cc:dd:ee:ff']", "[autonomous-system:number = 64500]", "[x-thing:colour = 'red']",
		"[EXISTS x-thing:colour]", "[ipv4-addr:value IN ('10.0.0.1', '10.0.0.2')]",
	}
	no := []string{
		"[domain-name:value = 'vil.example']", "[network-traffic:src_ref.value = '192.0.2.9']", "[ipv4-addr:value ISSUBSET '192.0.2.0/29']", "[file:name = 'evil.exe']",
		"[file:name = 'run.exe' AND file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", "[url:value = 'https://www.example/a?b']", "[network-traffic:dst_port = 444]",
		"[domain-name:value = 'www.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.7']", "[file:hashes.'SHA-256' = '" + strings.Repeat("b", 64) + "']",
	}
	for want, patterns := range map[int][]string{1: yes, 0: no} {
		for _, p := range patterns {
			if got, _ := run(t, Options{}, []string{p}, r); len(got) != want {
				t.Errorf("%s: %d matches, want %d", p, len(got), want)
			}
		}
	}
}

// somePattern draws a pattern of few names.
func somePattern(parts int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var s string
		if parts == 1 || rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			s = rapid.SampledFrom([]string{nameA, nameB, nameA, nameB, "[domain-name:value LIKE 'c%']", "[domain-name:value NOT = 'a.example']",
				"[domain-name:value = 'a.example' OR domain-name:value = 'c.example']", "[network-traffic:src_ref.value ISSUBSET '10.0.0.0/31']",
				"[domain-name:value = 'c.example' AND domain-name:value LIKE 'c%']"}).Draw(t, "part")
		} else {
			left := rapid.IntRange(1, parts-1).Draw(t, "left")
			s = "(" + somePattern(left).Draw(t, "l") + rapid.SampledFrom([]string{" AND ", " OR ", " FOLLOWEDBY "}).Draw(t, "joint") + somePattern(parts-left).Draw(t, "r") + ")"
		}
		switch rapid.IntRange(0, 7).Draw(t, "qualifier") {
		case 0:
			s = "(" + s + ") WITHIN " + rapid.SampledFrom([]string{"1", "3", "10"}).Draw(t, "within") + " SECONDS"
		case 1:
			if parts <= 2 {
				s = "(" + s + ") REPEATS 2 TIMES"
			}
		case 2:
			from := rapid.IntRange(0, 40).Draw(t, "start")
			s = "(" + s + ") START t'" + at(from).Format(time.RFC3339) + "' STOP t'" + at(from+rapid.IntRange(1, 40).Draw(t, "for")).Format(time.RFC3339) + "'"
		}
		return s
	})
}

// reference is the meaning that doc.go gives, by asking the evaluator of everything
// again and again: no gate, no index, no bound, no waiting.
func reference(t *rapid.T, text string, alone bool, horizon time.Duration, records []*record.Record) (out []string) {
	p, err := pattern.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	byHost := map[string][]pattern.Observed{}
	for _, r := range records {
		if alone || r.Host == "" {
			// The longest match there is of one observation.
			if res, err := p.Match([]pattern.Observed{Observe(r)}); err != nil {
				t.Fatal(err)
			} else if res.Matched && alone {
				out = append(out, fmt.Sprint(r.Host, r.Time))
			}
			continue
		}
		byHost[r.Host] = append(byHost[r.Host], Observe(r))
	}
	for host, all := range byHost {
		slices.SortFunc(all, func(a, b pattern.Observed) int { return a.First.Compare(b.First) })
		used := 0
		for i := range all {
			first := used
			for all[first].First.Before(all[i].First.Add(-horizon)) {
				first++
			}
			res, err := p.Match(all[first : i+1])
			if err != nil {
				t.Fatal(err)
			}
			if res.Matched {
				out = append(out, fmt.Sprint(host, all[i].First))
				used = i + 1
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestStreamIsTheEvaluator: random patterns over random records that come in any order
// within the lateness give the matches of the evaluator over the same windows; and there
// is one at all if and only if the evaluator finds one in everything at once.
func TestStreamIsTheEvaluator(t *testing.T) {
	yes, no := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		const horizon, late = 20 * time.Second, 15 * time.Second
		text := somePattern(rapid.IntRange(1, 4).Draw(t, "parts")).Draw(t, "pattern")
		c, err := compile(text, Options{Horizon: horizon})
		if err != nil {
			t.Fatal(text, err)
		}
		// No two at one time, so that the reference need not know how they are ordered.
		var records []*record.Record
		clock := 0
		for range rapid.IntRange(0, 20).Draw(t, "records") {
			clock += rapid.IntRange(1, 6).Draw(t, "gap")
			r := look(rapid.SampledFrom([]string{"h", "h", "i"}).Draw(t, "host"), rapid.SampledFrom([]string{"a.example", "b.example", "c.example", "d.example"}).Draw(t, "name"), clock)
			r.Fields = append(r.Fields, record.Field{Type: observable.IPv4, Role: record.Source, Text: fmt.Sprintf("10.0.0.%d", rapid.IntRange(0, 3).Draw(t, "source"))})
			records = append(records, r)
		}
		want := reference(t, text, c.alone, c.horizon, records)

		// The order of coming: each is late by up to the bound.
		type coming struct {
			r  *record.Record
			at time.Time
		}
		var order []coming
		for _, r := range records {
			order = append(order, coming{r, r.Time.Add(time.Duration(rapid.IntRange(0, int(late/time.Second)).Draw(t, "late")) * time.Second)})
		}
		slices.SortStableFunc(order, func(a, b coming) int { return a.at.Compare(b.at) })
		records = nil
		for _, x := range order {
			records = append(records, x.r)
		}
		matches, counts := run(t, Options{Horizon: horizon, Late: late}, []string{text}, records...)
		var got []string
		for _, m := range matches {
			last := m.Seen[0].Time
			for _, s := range m.Seen {
				if s.Time.After(last) {
					last = s.Time
				}
			}
			got = append(got, fmt.Sprint(m.Host, last))
		}
		slices.Sort(got)
		if counts.Late > 0 || counts.GivenUp > 0 || !slices.Equal(got, want) {
			t.Fatalf("%s:\n%v\nwant\n%v\n%+v", text, got, want, counts)
		}
		whole, err := pattern.Compile("(" + text + ") WITHIN " + fmt.Sprint(horizon.Seconds()) + " SECONDS")
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"h", "i"} {
			var all []pattern.Observed
			for _, r := range records {
				if r.Host == host {
					all = append(all, Observe(r))
				}
			}
			res, err := whole.Match(all)
			if err != nil {
				t.Fatal(err)
			}
			if told := slices.ContainsFunc(matches, func(m Match) bool { return m.Host == host }); told != res.Matched {
				t.Fatalf("%s at %s: told %v, the evaluator says %v", text, host, told, res.Matched)
			}
		}
		if len(got) > 0 {
			yes++
		} else {
			no++
		}
	})
	if testing.Short() { // a fifth of the cases: too few to say what chance brings
		return
	}
	if yes < 10 || no < 10 {
		t.Errorf("%d matched and %d did not: too few of one", yes, no)
	}
}

func TestLateIsCountedAndTried(t *testing.T) {
	p := nameA + " FOLLOWEDBY " + nameB
	// The first comes an hour late, and what it belongs to is still kept.
	got, counts := run(t, Options{Late: time.Minute, Horizon: 3 * time.Hour}, []string{p}, look("h", "b.example", 100), look("h", "z.example", 4000), look("h", "a.example", 50))
	if len(got) != 1 || counts.Late != 1 {
		t.Errorf("%v %+v", got, counts)
	}
	got, counts = run(t, Options{Late: time.Minute, Horizon: 3 * time.Hour}, []string{p}, look("h", "b.example", 100), look("h", "z.example", 4000), look("h", "a.example", 150))
	if len(got) != 0 || counts.Late != 1 {
		t.Errorf("%v %+v", got, counts)
	}
}

func TestWhenItIsTold(t *testing.T) {
	e, table := New(Options{Late: 10 * time.Second}), &Table{}
	id, atoms, err := e.Add(nameA + " FOLLOWEDBY " + nameB)
	if err != nil {
		t.Fatal(err)
	}
	table.Set(id, atoms)
	n := 0
	take := func(r *record.Record) { e.Take(r, table.Find(nil, r), 0, func(Match) { n++ }) }
	take(look("h", "a.example", 0))
	take(look("h", "b.example", 5))
	take(look("i", "z.example", 1000)) // another clock
	take(look("h", "z.example", 15))
	if n != 0 {
		t.Fatal("told while an earlier one may come")
	}
	take(look("h", "z.example", 16))
	if n != 1 {
		t.Fatal("not told when nothing earlier may come")
	}
	take(look("h", "a.example", 100))
	take(look("h", "b.example", 101))
	e.Settle("h", at(200), func(Match) { n++ })
	if n != 2 {
		t.Fatal("not told when the host was silent")
	}
	take(look("h", "a.example", 300))
	e.Remove(id)
	if e.total != 0 || len(e.hosts) != 0 || e.states.Len() != 0 {
		t.Error("something is kept for a pattern that was removed")
	}
	take(look("h", "b.example", 301))
	e.Flush(func(Match) { t.Error("a removed pattern matched") })
}

func TestBounds(t *testing.T) {
	e := New(Options{})
	for _, p := range []string{
		nameA + " REPEATS 513 TIMES", "(" + nameA + " REPEATS 200 TIMES) REPEATS 200 TIMES", nameA + strings.Repeat(" AND "+nameA, MaxParts),
		"[domain-name:value = '" + strings.Repeat("a", MaxPattern) + "']",
	} {
		if _, _, err := e.Add(p); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%.60s: %v", p, err)
		}
	}
	if _, _, err := e.Add("[domain-name:value = "); !errors.Is(err, pattern.ErrPattern) {
		t.Error(err)
	}
	if _, _, err := e.Add(nameA + " REPEATS 512 TIMES"); err != nil {
		t.Error(err)
	}

	// A flood of one part neither grows nor hides the other.
	e = New(Options{Late: time.Second, Horizon: 1000 * time.Hour})
	table := &Table{}
	id, atoms, err := e.Add(nameA + " FOLLOWEDBY " + nameB + " FOLLOWEDBY [domain-name:value = 'c.example']")
	if err != nil {
		t.Fatal(err)
	}
	table.Set(id, atoms)
	n := 0
	take := func(r *record.Record) { e.Take(r, table.Find(nil, r), 0, func(Match) { n++ }) }
	take(look("h", "a.example", 0))
	for i := range MaxKept + 100 {
		take(look("h", "b.example", 1+i))
	}
	take(look("h", "c.example", 100_000))
	if e.total > MaxKept+3 || e.Counts().Crowded == 0 {
		t.Errorf("%d observations are kept", e.total)
	}
	e.Flush(func(Match) { n++ })
	if n != 1 {
		t.Errorf("%d matches after a flood, want 1", n)
	}
	// A flood of hosts neither.
	for i := range MaxStates + 100 {
		take(look(fmt.Sprint("host", i), "a.example", 0))
	}
	if e.states.Len() != MaxStates || len(e.hosts) != MaxStates || e.Counts().Evicted != 100 {
		t.Errorf("%d states of %d hosts; %+v", e.states.Len(), len(e.hosts), e.Counts())
	}
	long := look("h", strings.Repeat("a.", 3000)+"example", 0)
	long.Fields = append(long.Fields, record.Field{Type: observable.Domain, Text: "a.example"})
	take(long)
	many := look("h", "a.example", 0)
	for range MaxFields {
		many.Fields = append(many.Fields, record.Field{Type: observable.Domain, Text: "x.example"})
	}
	take(many)
	if e.Counts().Cut != 2 {
		t.Errorf("%d records were cut, want 2", e.Counts().Cut)
	}
	take(&record.Record{Host: "h", Fields: look("h", "a.example", 0).Fields})
	if c := e.Counts(); c.Undated != 1 || c.Alone != 1 {
		t.Errorf("%+v", c)
	}
}

// FuzzPatterns: no pattern and no text of a record do harm, and a pattern that is read is one that the evaluator takes.
func FuzzPatterns(f *testing.F) {
	for _, p := range []string{nameA, nameA + " FOLLOWEDBY " + nameB, "[file:hashes.'sha256' = 'x' AND a:b.c[*].d ISSUBSET '10.0.0.0/8'] REPEATS 3 TIMES WITHIN 5 SECONDS", "[a:hashes.b IN ('x','y')]"} {
		f.Add(p, "a.example", "x-a:b=c")
	}
	f.Fuzz(func(t *testing.T, text, name, other string) {
		e, table := New(Options{}), &Table{}
		id, atoms, err := e.Add(text)
		if err != nil {
			return
		}
		table.Set(id, atoms)
		for i, typ := range append(observable.Types(), "") {
			r := look("h", name, i)
			r.Fields = append(r.Fields, record.Field{Type: typ, Text: other, Path: "proto", Role: record.Request})
			e.Take(r, table.Find(nil, r), 0, func(Match) {})
		}
		e.Flush(func(Match) {})
	})
}

// BenchmarkTake is what patterns add to a record: with 10,000 loaded, for a record that
// is of none of them, told by an index that has looked already, and with the table.
func BenchmarkTake(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	e, table := New(Options{}), &Table{}
	for i := range 10_000 {
		id, atoms, err := e.Add(fmt.Sprintf("([domain-name:value = 'n%d.example'] FOLLOWEDBY [ipv4-addr:value = '203.0.%d.%d'] AND [file:hashes.MD5 = '%032x']) WITHIN 600 SECONDS", i, i>>8, i&255, i))
		if err != nil {
			b.Fatal(err)
		}
		table.Set(id, atoms)
	}
	var quiet, hits []*record.Record
	for i := range 4096 {
		r := look(fmt.Sprint("10.0.0.", i%250), fmt.Sprintf("www%d.example.org", rng.IntN(100_000)), i)
		r.Fields = append(r.Fields, record.Field{Type: observable.IPv4, Role: record.Source, Text: fmt.Sprint("10.0.0.", i%250)}, record.Field{Type: observable.IPv4, Role: record.Answer, Text: "198.51.100.9"})
		quiet = append(quiet, r)
		hits = append(hits, look(r.Host, fmt.Sprintf("n%d.example", rng.IntN(10_000)), i))
	}
	none := func(Match) {}
	for name, f := range map[string]func(i int){
		"index says no": func(i int) { e.Take(quiet[i&4095], nil, 0, none) },
		"table says no": func(i int) { e.Take(quiet[i&4095], table.Find(nil, quiet[i&4095]), 0, none) },
		"atom hits": func(i int) {
			r := hits[i&4095]
			r.Time = at(i)
			e.Take(r, table.Find(nil, r), 0, none)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f(i)
			}
		})
	}
}

// TestOwner: a hash is that of the file beside it, wherever it comes in the record.
func TestOwner(t *testing.T) {
	f := func(path string, typ observable.Type, role record.Role, text string) record.Field {
		return record.Field{Path: path, Type: typ, Role: role, Text: text}
	}
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	list := []record.Field{
		f("files.1.sha256", observable.SHA256, record.File, b), f("files.0.sha256", observable.SHA256, record.File, a), f("files.0.filename", observable.FileName, record.File, "a.exe"),
		f("files.1.filename", observable.FileName, record.File, "b.exe"), f("files.2.md5", observable.MD5, record.File, strings.Repeat("c", 32)),
		f("process.executable", observable.FilePath, record.Process, `C:\one\p.exe`), f("process.parent.executable", observable.FilePath, record.Process, `C:\two\p.exe`),
		f("tls.serial", observable.Serial, record.Certificate, "01"), f("tls.client.serial", observable.Serial, record.Certificate, "02"),
		f("tls.client.fingerprint", observable.SHA256, record.Certificate, b), f("tls.fingerprint", observable.SHA256, record.Certificate, a),
	}
	yes := []string{"[file:name = 'a.exe' AND file:hashes.'SHA-256' = '" + a + "']", "[file:name = 'b.exe' AND file:hashes.'SHA-256' = '" + b + "']", "[file:name = 'p.exe' AND file:parent_directory_ref.path LIKE '%one']",
		"[x509-certificate:serial_number = '1' AND x509-certificate:hashes.'SHA-256' = '" + a + "']", "[x509-certificate:serial_number = '2' AND x509-certificate:hashes.'SHA-256' = '" + b + "']"}
	no := []string{"[file:name = 'a.exe' AND file:hashes.'SHA-256' = '" + b + "']", "[file:hashes.MD5 LIKE 'c%' AND file:hashes.'SHA-256' LIKE '%']", "[file:hashes.MD5 LIKE 'c%' AND file:name LIKE '%']",
		"[x509-certificate:serial_number = '1' AND x509-certificate:hashes.'SHA-256' = '" + b + "']", "[file:name = 'p.exe' AND file:hashes.'SHA-256' LIKE '%']"}
	for range 20 {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		r := &record.Record{Host: "h", Time: t0, Fields: list}
		for want, patterns := range map[int][]string{1: yes, 0: no} {
			for _, p := range patterns {
				if got, _ := run(t, Options{}, []string{p}, r); len(got) != want {
					t.Fatalf("%s: %d matches, want %d, of %v", p, len(got), want, list)
				}
			}
		}
	}
}
