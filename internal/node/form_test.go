package node

import (
	"strings"
	"testing"
)

// TestRequestForm: a form says what the accord wants, and a value that the other end could not read does
// not leave.
func TestRequestForm(t *testing.T) {
	a, _ := two(t)
	f := must[*RequestFormResponse](t)(a.RequestForm(t.Context(), RequestFormRequest{Type: "subscriber"}))
	if f.Clause != "requests.subscriber" || len(f.Urgencies) != 3 || len(f.Fields) < 10 || !f.Fields[2].Mandatory || f.Fields[2].Name != "legal-basis" || f.Fields[3].Mandatory {
		t.Errorf("%+v", f)
	}
	for _, kind := range []string{"", "levitation"} {
		if _, err := a.RequestForm(t.Context(), RequestFormRequest{Type: kind}); code(err) != "bad-input" {
			t.Errorf("%q: %v", kind, err)
		}
	}
	l := a.units()[0]
	before := l.own.Head()
	fields := map[string]string{"subject": "198.51.100.7", "purpose": "case-17", "legal-basis": "article 31", "period": "1 to 4 May"}
	_, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: "subscriber", Urgency: "urgent", Title: "Who was it?", Fields: fields})
	if code(err) != "bad-input" || !strings.Contains(err.Error(), "period") || l.own.Head() != before {
		t.Errorf("%v", err)
	}
	fields["period"] = "2026-05-01T00:00:00+02:00/2026-05-04T00:00:00+02:00"
	if _, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: "subscriber", Urgency: "urgent", Title: "Who was it?", Fields: fields}); err != nil {
		t.Error(err)
	}
}
