package pass

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/sighting"
)

// TestRestingStreams: streams that rest hold neither the line that was read last nor the memory that it took: there may be thousands, each of which had one large line.
func TestRestingStreams(t *testing.T) {
	s := set(t, "evil.example")
	var table sighting.Table
	p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Now: now}})
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
