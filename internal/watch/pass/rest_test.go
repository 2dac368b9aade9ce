package pass

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/sighting"
)

// TestRestingStreams: streams that rest hold neither the line that was read last nor the memory that it took: there may be thousands, each of which had one large line.
func TestRestingStreams(t *testing.T) {
	s := set(t, "evil.example")
	var table sighting.Table
	p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Now: clock}})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	wide := strings.Repeat("0,", 60_000)
	shapes := []string{
		`{"ts":1,"uid":"C2","id.orig_h":"10.0.0.1","query":"evil.example","x":["` + strings.Repeat(`\u0061`, 100<<10) + `",` + wide + "0]}\n",
		`{"event_type":"dns","src_ip":"10.0.0.1","dns":{"rrname":"evil.example","x":[` + wide + "0]}}\n",
		"ts,src_ip,query\n1,10.0.0.1,evil.example\n1,10.0.0.1,evil.example" + strings.Repeat("x", 1<<20) + "\n",
		"evil.example " + strings.Repeat("n.example ", 60_000) + "\n",
	}
	const each = 6
	before := heap()
	var streams []*Stream
	for i := range each * len(shapes) {
		x, err := p.Open(fmt.Sprint(i), State{})
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, x)
		x.Write([]byte(shapes[i%len(shapes)]), now)
		x.Rest(now)
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d streams that rest hold %d bytes", len(streams), grown)
	}
	for i, x := range streams { // and go on
		x.Write([]byte(shapes[i%len(shapes)]), now)
		x.Flush(now)
	}
	if want := int64(2 * each * len(shapes)); table.Hits != want {
		t.Errorf("%d hits instead of %d", table.Hits, want)
	}
	runtime.KeepAlive(streams)
}

// TestYearsOfALongRun: a line without its year is of the year in which it is read, however long ago the reading began.
func TestYearsOfALongRun(t *testing.T) {
	s := set(t, "evil.example")
	var table sighting.Table
	at := time.Date(2026, 12, 30, 12, 0, 0, 0, time.UTC)
	p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Now: func() time.Time { return at }}, Format: "postfix"})
	x, err := p.Open("mail.log", State{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for range 6 {
		x.Write([]byte(at.Format(time.Stamp)+" mx postfix/smtpd[124]: connect from a.evil.example[192.0.2.9]\n"), at)
		x.Flush(at)
		want = append(want, at.Format(time.RFC3339))
		at = at.Add(25 * time.Hour)
	}
	var got []string
	for _, x := range table.All() {
		got = append(got, x.First.UTC().Format(time.RFC3339))
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("lines of %v were seen at %v", want, got)
	}
}
