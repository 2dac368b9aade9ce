package logs

import (
	"testing"
	"time"

	"entente/internal/watch/record"
)

// TestFlowsOfOthers: a table of flows as SiLK prints it has its ends and its time, and a number that is no time by what it is called is none.
func TestFlowsOfOthers(t *testing.T) {
	var r record.Record
	for _, header := range []string{"sIP|dIP|sPort|dPort|pro|sTime|", "sip,dip,start"} {
		f, err := New("csv", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Decode([]byte(header), &r); err == nil {
			t.Errorf("%s is an event", header)
		}
		line, at := "192.0.2.66|10.0.0.1|4444|53|6|2023/11/30T12:00:00.123|", time.Date(2023, 11, 30, 12, 0, 0, 123e6, time.UTC)
		if header == "sip,dip,start" {
			line, at = "192.0.2.66,10.0.0.1,12.5", time.Time{}
		}
		if err := f.Decode([]byte(line), &r); err != nil || !r.Time.Equal(at) || len(r.Fields) < 2 || r.Fields[0].Role != record.Source || r.Fields[1].Role != record.Destination {
			t.Errorf("%s: %v %v", line, r, err)
		}
	}
}
