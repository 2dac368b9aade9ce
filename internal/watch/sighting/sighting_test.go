package sighting

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/stix"
)

var day = time.Date(2024, 5, 23, 2, 0, 0, 0, time.UTC)

func hit(host string, at time.Time, role record.Role) Hit {
	v := observable.Value{Type: observable.Domain, Text: "evil.example"}
	return Hit{ID: "indicator--11111111-1111-4111-8111-111111111111", Value: v, Seen: observable.Value{Type: observable.Domain, Text: "a.evil.example"}, Source: "list.txt", TLP: "TLP:GREEN",
		Fields: []record.Field{{Path: "query", Role: role, Type: observable.Domain, Text: "a.evil.example"}}, Time: at, Host: host, Way: record.Outbound, Format: "zeek-dns-json",
		Input: "dns.log", Number: 7, Line: []byte(`{"query":"a.evil.example"}`)}
}

// TestGathered: by machine and hour; first, last, roles, and a question with its answer as one.
func TestGathered(t *testing.T) {
	var table Table
	for i, h := range []Hit{hit("10.0.0.1", day.Add(5*time.Minute), record.Query), hit("10.0.0.1", day.Add(5*time.Minute), record.Answer), hit("10.0.0.1", day, record.Query),
		hit("10.0.0.1", day.Add(time.Hour), record.Query), hit("10.0.0.2", day, record.Host), hit("10.0.0.2", time.Time{}, record.Host)} {
		if _, isNew := table.Add(h); isNew != (i == 0 || i > 2) {
			t.Errorf("hit %d: new %v", i, isNew)
		}
	}
	all := table.All()
	if len(all) != 4 || table.Hits != 6 {
		t.Fatalf("%d sightings of %d hits", len(all), table.Hits)
	}
	var first *Sighting
	for _, s := range all {
		if s.Host == "10.0.0.1" && s.Hour.Equal(day) {
			first = s
		}
	}
	if first == nil || first.Lines != 3 || first.Count() != 2 || !first.First.Equal(day) || !first.Last.Equal(day.Add(5*time.Minute)) || first.Roles[record.Query] != 2 || first.Ways[record.Outbound] != 3 || len(first.Sample) != 3 {
		t.Errorf("%+v", first)
	}
}

// TestFlood: hits on one indicator from very many machines, and on more indicators than there is room for, take bounded memory and are counted.
func TestFlood(t *testing.T) {
	var table Table
	for i := range 20_000 {
		h := hit(fmt.Sprintf("host%d", i), day.Add(time.Duration(i)*time.Second), record.Query)
		h.Line = []byte(strings.Repeat("x", 10_000))
		table.Add(h)
	}
	if table.Len() != MaxPerIndicator+1 {
		t.Errorf("%d sightings", table.Len())
	}
	total := int64(0)
	for _, s := range table.All() {
		total += s.Count()
		for _, l := range s.Sample {
			if len(l.Text) > MaxSampleLine || !l.Cut {
				t.Fatalf("a line of %d bytes", len(l.Text))
			}
		}
		if len(s.Sample) > MaxSample {
			t.Fatalf("%d lines", len(s.Sample))
		}
	}
	if total != 20_000 {
		t.Errorf("%d counted", total)
	}
	for i := range MaxSightings {
		h := hit("h", day, record.Query)
		h.ID, h.Line = fmt.Sprintf("id%d", i), nil
		table.Add(h)
	}
	if table.Len() != MaxSightings || table.Beyond != MaxPerIndicator+1 {
		t.Errorf("%d sightings, %d beyond", table.Len(), table.Beyond)
	}
}

// TestRestore: what was kept as JSON goes on as if nothing had happened.
func TestRestore(t *testing.T) {
	var a, b Table
	for i := range 2*MaxPerIndicator + 5 {
		a.Add(hit(fmt.Sprintf("host%d", i/2), day, record.Query))
	}
	text, err := json.Marshal(a.All())
	if err != nil {
		t.Fatal(err)
	}
	var list []*Sighting
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	b.Restore(list, a.Hits, a.Beyond)
	for i := range 50 {
		a.Add(hit(fmt.Sprintf("later%d", i), day, record.Query))
		b.Add(hit(fmt.Sprintf("later%d", i), day, record.Query))
	}
	one, err := json.Marshal(a.All())
	if err != nil {
		t.Fatal(err)
	}
	two, err := json.Marshal(b.All())
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) || a.Hits != b.Hits {
		t.Errorf("%d and %d sightings; not the same", a.Len(), b.Len())
	}
}

// TestForget: what is over and told is forgotten, what is not is kept.
func TestForget(t *testing.T) {
	var table Table
	told, _ := table.Add(hit("a", day, record.Query))
	table.Add(hit("b", day, record.Query))
	late, _ := table.Add(hit("a", day.Add(5*time.Hour), record.Query))
	told.Told, late.Told = 1, 1
	at := day.Add(3 * time.Hour)
	table.Forget(at, 2*time.Hour, nil)
	if table.Len() != 3 {
		t.Errorf("what may have grown a moment ago is forgotten: %d are kept", table.Len())
	}
	table.Add(hit("a", day.Add(time.Minute), record.Query)) // read late
	told.Told = told.Count()
	for range 3 {
		table.Forget(at.Add(119*time.Minute), 2*time.Hour, nil)
		at = at.Add(time.Minute)
	}
	if table.Len() != 3 {
		t.Errorf("what grew within the while is forgotten: %d are kept", table.Len())
	}
	at = day.Add(8 * time.Hour) // the later one's hour ended two hours ago
	table.Forget(at, 2*time.Hour, func(s *Sighting) bool { return s == told })
	if table.Len() != 3 {
		t.Errorf("what somebody is owed is forgotten: %d are kept", table.Len())
	}
	table.Forget(at, 2*time.Hour, nil)
	if table.Len() != 2 {
		t.Errorf("%d are kept", table.Len())
	}
}

// TestSTIX: valid, the same object as it grows, with times or as a count alone, and never with machines or lines.
func TestSTIX(t *testing.T) {
	var table Table
	s, _ := table.Add(hit("10.0.0.1", day, record.Query))
	one, err := s.STIX([]byte("secret"), day.Add(24*time.Hour), false)
	if err != nil {
		t.Fatal(err)
	}
	table.Add(hit("10.0.0.1", day.Add(time.Minute), record.Query))
	two, err := s.STIX([]byte("secret"), day.Add(25*time.Hour), true)
	if err != nil {
		t.Fatal(err)
	}
	var objects []*stix.Object
	for _, raw := range [][]byte{one, two} {
		o, err := stix.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if p := stix.ValidateMust(o); len(p) > 0 {
			t.Errorf("%s: %v", raw, p)
		}
		if strings.Contains(string(raw), "10.0.0.1") || strings.Contains(string(raw), "query") {
			t.Errorf("%s says more than it may", raw)
		}
		objects = append(objects, o)
	}
	if stix.CompareVersions(objects[0], objects[1]) >= 0 || objects[0].ID != objects[1].ID || !strings.Contains(string(one), `"first_seen":"2024-05-23T02:00:00.000Z"`) ||
		strings.Contains(string(two), "seen\"") || !strings.Contains(string(two), `"count":2`) || !strings.Contains(string(one), stix.TLPGreen.MarkingID()) {
		t.Errorf("%s\n%s", one, two)
	}
	s.Indicator = "ja3:00"
	if _, err := s.STIX([]byte("secret"), day, false); err == nil {
		t.Error("an indicator without an identifier of STIX has a sighting of STIX")
	}
}

// TestECS: the whole object, by heart.
func TestECS(t *testing.T) {
	var table Table
	s, _ := table.Add(hit("10.0.0.1", day, record.Query))
	got, err := s.ECS(day)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"@timestamp":"2024-05-23T02:00:00Z","ecs":{"version":"8.17.0"},"event":{"kind":"alert","category":["threat"],"type":["indicator"],"provider":"entente","start":"2024-05-23T02:00:00Z","end":"2024-05-23T02:00:00Z","original":"{\"query\":\"a.evil.example\"}"},"host":{"ip":"10.0.0.1"},"network":{"direction":"outbound"},"threat":{"indicator":{"id":["indicator--11111111-1111-4111-8111-111111111111"],"type":"domain-name","name":"evil.example","url":{"domain":"evil.example"},"provider":"list.txt","marking":{"tlp":"GREEN"},"sightings":1,"first_seen":"2024-05-23T02:00:00Z","last_seen":"2024-05-23T02:00:00Z"}},"related":{"ip":["10.0.0.1"]},"entente":{"lines":1,"roles":{"query":1},"directions":{"outbound":1},"formats":["zeek-dns-json"],"seen":["a.evil.example"],"sample":[{"input":"dns.log","number":7,"field":"query","text":"{\"query\":\"a.evil.example\"}"}]}}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

// TestHoursBefore1970: an hour is an hour there, too, and is not that of lines that do not say when.
func TestHoursBefore1970(t *testing.T) {
	epoch := time.Unix(0, 0).UTC()
	var table Table
	for _, at := range []time.Time{epoch.Add(-30 * time.Minute), epoch.Add(30 * time.Minute), {}, epoch.Add(-50 * time.Minute)} {
		table.Add(hit("10.0.0.1", at, record.Query))
	}
	check := func(what string) {
		t.Helper()
		lines := map[time.Time]int64{}
		for _, s := range table.All() {
			lines[s.Hour] = s.Lines
			if !s.Hour.IsZero() && (s.First.Before(s.Hour) || !s.Last.Before(s.Hour.Add(time.Hour))) {
				t.Errorf("%s: %v to %v in the hour of %v", what, s.First, s.Last, s.Hour)
			}
		}
		if len(lines) != 3 || lines[epoch.Add(-time.Hour)] != 2 || lines[epoch] != 1 || lines[time.Time{}] != 1 {
			t.Errorf("%s: %v", what, lines)
		}
	}
	check("added")
	table.Restore(table.All(), table.Hits, 0)
	for _, s := range table.All() {
		s.Lines--
	}
	for _, at := range []time.Time{epoch.Add(-30 * time.Minute), epoch.Add(30 * time.Minute), {}} {
		table.Add(hit("10.0.0.1", at, record.Query))
	}
	check("restored")
}
