package logs

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata" // the test needs no zones of the machine

	"entente/internal/watch/record"
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

// TestTimesSomewhere: a time that is written without its offset is one of the zone that is said, and no other is.
func TestTimesSomewhere(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Zone: zone, Now: func() time.Time { return time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC) }}
	for _, x := range []struct{ format, line, want, utc string }{
		{"bind-queries", "30-Nov-2026 12:00:00.123 queries: info: client @0x1 10.0.0.5#5353 (evil.example): query: evil.example IN A + (10.0.0.53)", "2026-11-30T17:00:00.123Z", "2026-11-30T12:00:00.123Z"},
		{"postfix", "Nov 30 23:30:00 mx postfix/smtpd[1]: connect from a.example[192.0.2.1]", "2026-12-01T04:30:00Z", "2026-11-30T23:30:00Z"},
		{"jsonl", `{"time":"2026-07-01T12:00:00","host":"a.example"}`, "2026-07-01T16:00:00Z", "2026-07-01T12:00:00Z"},
		{"jsonl", `{"time":"2026-11-01 01:30:00","host":"a.example"}`, "2026-11-01T05:30:00Z", "2026-11-01T01:30:00Z"}, // it was there twice
		{"jsonl", `{"time":"2026-07-01T12:00:00Z","host":"a.example"}`, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"},
		{"jsonl", `{"time":"2026-07-01 12:00:00 +0000","host":"a.example"}`, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"},
		{"jsonl", `{"time":1782907200,"host":"a.example"}`, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"},
		{"combined", `192.0.2.1 - - [01/Jul/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"},
		{"windows-json", `{"EventID":1,"Provider":"Microsoft-Windows-Sysmon","UtcTime":"2026-07-01 12:00:00.000","Image":"C:\\a.exe"}`, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"},
		{"windows-json", `{"EventID":1,"EventTime":"2026-07-01 12:00:00","Image":"C:\\a.exe"}`, "2026-07-01T16:00:00Z", "2026-07-01T12:00:00Z"},
	} {
		f, err := New(x.format, o)
		if err != nil {
			t.Fatal(err)
		}
		var r record.Record
		if err := f.Decode([]byte(x.line), &r); err != nil {
			t.Fatalf("%s: %v", x.line, err)
		}
		if got := o.At(r.Time).Format(time.RFC3339Nano); got != x.want {
			t.Errorf("%s: %s instead of %s", x.line, got, x.want)
		}
		if got := (&Options{}).At(r.Time).Format(time.RFC3339Nano); got != x.utc {
			t.Errorf("%s, with no zone: %s instead of %s", x.line, got, x.utc)
		}
	}
}
