package indicators

import (
	"errors"
	"strings"
	"testing"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
)

// book is a Patterns that notes what it is told.
type book struct {
	held   map[string]string
	hidden int
}

func (b *book) Put(p Pattern) ([]observable.Value, error) {
	if strings.Contains(p.Text, "refused") {
		return nil, errors.New("refused")
	}
	b.held[p.ID] = p.Text
	return []observable.Value{{Type: observable.Domain, Text: "a.example"}, {Type: observable.Domain, Text: "com"}}, nil
}
func (b *book) Drop(id string) { delete(b.held, id) }
func (b *book) Hidden()        { b.hidden++ }

// TestPatterns: a pattern of more than one value is handed on, its values are parts of it in the set, and one that cannot stand there is
// told; the newest version counts, and what was refused or revoked is gone.
func TestPatterns(t *testing.T) {
	one := func(n, modified, pattern, more string) string {
		return `{"type":"indicator","spec_version":"2.1","id":"indicator--0000000` + n + `-0000-4000-8000-000000000000","created":"2020-01-01T00:00:00.000Z","modified":"` + modified + `","pattern":"` + pattern + `","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"` + more + `}` + "\n"
	}
	and := "[domain-name:value = 'a.example'] AND [domain-name:value = 'com']"
	b := &book{held: map[string]string{}}
	s := New(watch.Seed{1, 2})
	rep, err := s.Read(strings.NewReader(
		one("1", "2020-01-01T00:00:00.000Z", and, "")+
			one("2", "2020-01-01T00:00:00.000Z", and, "")+one("2", "2020-01-02T00:00:00.000Z", and, `,"revoked":true`)+
			one("3", "2020-01-01T00:00:00.000Z", and, "")+one("3", "2020-01-02T00:00:00.000Z", "[domain-name:value = 'b.example']", "")+
			one("4", "2020-01-01T00:00:00.000Z", "[domain-name:value = 'refused.example'] AND [domain-name:value = 'com']", "")), Options{Name: "x", Patterns: b})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.held) != 1 || b.held["indicator--00000001-0000-4000-8000-000000000000"] != and || b.hidden < 3 || rep.Bad != 1 || rep.Compound != 3 {
		t.Errorf("%+v, %+v", b, rep)
	}
	live, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	parts, whole := map[string]bool{}, map[string]bool{}
	for _, name := range []string{"a.example", "b.example"} {
		live.Load().Match(record.Field{Type: observable.Domain, Text: name}, now, func(h watch.Hit) {
			if h.Indicator.Atom != 0 {
				parts[h.Indicator.ID] = true
			} else {
				whole[h.Indicator.ID] = true
			}
		})
	}
	if len(parts) != 1 || len(whole) != 1 || !whole["indicator--00000003-0000-4000-8000-000000000000"] {
		t.Errorf("parts of %v, and whole %v", parts, whole)
	}
}
