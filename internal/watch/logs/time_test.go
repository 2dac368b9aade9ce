package logs

import (
	"encoding/json"
	"testing"
	"time"
)

// TestMoments: what is no time that can be written again is none.
func TestMoments(t *testing.T) {
	for in, want := range map[string]string{
		"2024-05-23T02:00:00+02:00": "2024-05-23T00:00:00Z", "9999-12-31T23:59:59Z": "9999-12-31T23:59:59Z", "9999-12-31 23:59:59": "9999-12-31T23:59:59Z", "1969-12-31T23:30:00Z": "1969-12-31T23:30:00Z",
		"99999999999": "5138-11-16T09:46:39Z", "9223372036854775807": "", "0": "1970-01-01T00:00:00Z", "31/Dec/9999:23:30:00 +0000": "9999-12-31T23:30:00Z",
		"9999-12-31T23:30:00-01:00": "", "0000-01-01T00:30:00+01:00": "", "0001-01-01T00:30:00+01:00": "", "0000-06-01 00:00:00": "", "31/Dec/9999:23:30:00 -0100": "",
		"2024-01-01T00:00:00+24:00": "", "2024-01-01T00:00:00-24:00": "", "2024-01-01T00:00:00-2400": "",
	} {
		got := moment(in)
		text, err := json.Marshal(got)
		if err != nil {
			t.Errorf("%s cannot be written: %v", in, err)
		}
		if want == "" != got.IsZero() || want != "" && got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %s", in, text)
		}
		if hour, err := json.Marshal(got.UTC().Truncate(time.Hour)); err != nil {
			t.Errorf("the hour of %s cannot be written: %s, %v", in, hour, err)
		}
	}
}
