package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"entente/journal"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func someOrigin(n int) journal.Origin {
	return journal.OriginOf(unitID("test"), partyID("a"), n)
}

func someHello() Hello {
	return Hello{
		V: Version, Unit: unitID("test"), From: partyID("a"), To: partyID("b"),
		Have: map[journal.Origin]journal.Head{someOrigin(0): {Size: 7, Root: journal.Hash{1}}},
		Want: []journal.Hash{{2}}, Sent: time.Date(2026, 11, 20, 1, 2, 3, 4e6, time.UTC),
	}
}

// What is written is what is read, whatever it is and however the stream is chopped.
func TestPacketRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		hello := someHello()
		var items []Item
		for range rapid.IntRange(0, 8).Draw(rt, "items") {
			body := func(name string, lo, hi int) []byte {
				return bytes.Repeat([]byte{byte(rapid.IntRange(0, 255).Draw(rt, name))}, rapid.IntRange(lo, hi).Draw(rt, name+" size"))
			}
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				run := &Run{Origin: someOrigin(rapid.IntRange(0, 3).Draw(rt, "origin")), First: rapid.Int64Range(0, 1<<40).Draw(rt, "first"), Checkpoint: body("checkpoint", 1, 3000)}
				for range rapid.IntRange(1, 5).Draw(rt, "entries") {
					run.Entries = append(run.Entries, body("entry", 1, MaxEntryBytes))
				}
				items = append(items, Item{Run: run})
			case 1:
				o := someOrigin(4)
				items = append(items, Item{Run: &Run{Origin: o, Checkpoint: []byte(string(o) + "\n5\n")}})
			case 2:
				p := &Payload{Data: body("payload", 0, 300_000)}
				copy(p.Commitment[:], body("commitment", 32, 32))
				copy(p.Salt[:], body("salt", 32, 32))
				items = append(items, Item{Payload: p})
			case 3:
				items = append(items, Item{Refusal: &Refusal{Code: CodeGap, Origin: someOrigin(1), Index: rapid.Int64Range(-1, 99).Draw(rt, "index"), Commitment: &journal.Hash{3}, Detail: "why"}})
			}
		}
		var buf bytes.Buffer
		w, err := NewWriter(&buf, Limits{}, hello)
		if err != nil {
			rt.Fatal(err)
		}
		for _, it := range items {
			switch {
			case it.Run != nil:
				err = w.Run(*it.Run)
			case it.Payload != nil:
				err = w.Payload(*it.Payload)
			default:
				err = w.Refusal(*it.Refusal)
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		more := rapid.Bool().Draw(rt, "more")
		if err := w.Close(more); err != nil {
			rt.Fatal(err)
		}
		chop := rapid.IntRange(1, 5000).Draw(rt, "chop")
		r, err := NewReader(&chopped{buf.Bytes(), chop}, Limits{})
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(hello, r.Hello()); d != "" {
			rt.Fatal(d)
		}
		for i := 0; ; i++ {
			it, err := r.Next()
			if err == io.EOF {
				if i != len(items) || r.More() != more {
					rt.Fatalf("%d items of %d, more %v", i, len(items), r.More())
				}
				break
			}
			if err != nil {
				rt.Fatal(err)
			}
			want := items[i]
			if !reflect.DeepEqual(want, it) {
				rt.Fatal(cmp.Diff(want, it))
			}
		}
	})
}

type chopped struct {
	data []byte
	size int
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.data)
	c.data = c.data[n:]
	return n, nil
}

// A full packet says so and loses nothing; its end always fits.
func TestWriterStopsWhenFull(t *testing.T) {
	for name, lim := range map[string]Limits{
		"bytes":    {PacketBytes: 200 << 10, small: true},
		"entries":  {PacketEntries: 10, small: true},
		"payloads": {PacketPayloads: 3, small: true},
	} {
		var buf bytes.Buffer
		w, err := NewWriter(&buf, lim, someHello())
		if err != nil {
			t.Fatal(err)
		}
		full := false
		for i := 0; i < 1000 && !full; i++ {
			err = w.Run(Run{Origin: someOrigin(0), First: int64(3 * i), Entries: [][]byte{{1}, make([]byte, 1000), {3}}, Checkpoint: make([]byte, 500)})
			if err == nil || name == "payloads" {
				err = w.Payload(Payload{Data: make([]byte, 10)})
			}
			full = errors.Is(err, ErrFull)
			if err != nil && !full {
				t.Fatal(err)
			}
		}
		if !full {
			t.Fatalf("%s: never full", name)
		}
		for range MaxRefusals + 5 {
			if err := w.Refusal(Refusal{Code: "x", Detail: strings.Repeat("y", 5000)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(true); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(&buf, lim)
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF || !r.More() {
			t.Errorf("%s: a full packet reads as %v, more %v", name, err, r.More())
		}
	}
}

// What a reader would refuse is not written in the first place.
func TestWriterRefusesWhatReadersWould(t *testing.T) {
	w, err := NewWriter(io.Discard, Limits{}, someHello())
	if err != nil {
		t.Fatal(err)
	}
	before := w.Counts()
	for name, run := range map[string]Run{
		"no checkpoint":         {Origin: someOrigin(0), Entries: [][]byte{{1}}},
		"an oversize entry":     {Origin: someOrigin(0), Entries: [][]byte{make([]byte, MaxEntryBytes+1)}, Checkpoint: []byte("x")},
		"an empty entry":        {Origin: someOrigin(0), Entries: [][]byte{{}}, Checkpoint: []byte("x")},
		"no origin":             {Entries: [][]byte{{1}}, Checkpoint: []byte("x")},
		"too many entries":      {Origin: someOrigin(0), Entries: make([][]byte, MaxRunEntries+1), Checkpoint: []byte("x")},
		"an oversize check":     {Origin: someOrigin(0), Checkpoint: make([]byte, MaxCheckpointBytes+1)},
		"a place before it all": {Origin: someOrigin(0), First: -1, Entries: [][]byte{{1}}, Checkpoint: []byte("x")},
	} {
		if err := w.Run(run); err == nil || errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Payload(Payload{Data: make([]byte, MaxPayloadBytes+1)}); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("an oversize payload: %v", err)
	}
	if w.Counts() != before {
		t.Error("something was written")
	}
	bad := someHello()
	bad.Want = make([]journal.Hash, MaxWant+1)
	if _, err := NewWriter(io.Discard, Limits{}, bad); !errors.Is(err, &Refusal{Code: CodeTooMany}) {
		t.Errorf("a hello that wants too much: %v", err)
	}
}

func TestDetailsFromPeersAreMadePlain(t *testing.T) {
	for in, want := range map[string]string{
		"fine": "fine", "two\nlines\x1b[31m": "two lines [31m", "rtl \u202e txt": "rtl   txt", "bad \xff": "bad \uFFFD",
		strings.Repeat("ü", 600): strings.Repeat("ü", 512),
	} {
		if got := plain(in, 1024); got != want {
			t.Errorf("plain(%q) = %q", in, got)
		}
	}
}

func packetSeeds(f *testing.F) [][]byte {
	var full, empty bytes.Buffer
	w, err := NewWriter(&full, Limits{}, someHello())
	if err != nil {
		f.Fatal(err)
	}
	o := someOrigin(0)
	_ = w.Run(Run{Origin: o, First: 7, Entries: [][]byte{[]byte("one"), []byte("two")}, Checkpoint: []byte("checkpoint")})
	_ = w.Run(Run{Origin: o, Checkpoint: []byte(string(o) + "\n1\n")})
	_ = w.Payload(Payload{Data: []byte("data")})
	_ = w.Refusal(Refusal{Code: CodeGap, Origin: o, Index: 3})
	_ = w.Close(true)
	w, _ = NewWriter(&empty, Limits{}, someHello())
	_ = w.Close(false)
	return [][]byte{full.Bytes(), empty.Bytes(), []byte(Magic), full.Bytes()[:full.Len()/2]}
}

func FuzzPacketReader(f *testing.F) {
	for _, s := range packetSeeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data), Limits{})
		for err == nil {
			var it Item
			it, err = r.Next()
			kinds := 0
			for _, is := range []bool{it.Run != nil, it.Payload != nil, it.Refusal != nil} {
				if is {
					kinds++
				}
			}
			if err == nil && kinds != 1 {
				t.Fatalf("an item of %d kinds: %+v", kinds, it)
			}
			if err == nil && it.Run != nil {
				if cerr := it.Run.check(); cerr != nil {
					t.Fatalf("the reader lets through what the writer would not send: %v", cerr)
				}
			}
		}
		if _, ok := AsRefusal(err); !ok && err != io.EOF {
			t.Fatalf("neither an end nor a coded refusal: %v", err)
		}
	})
}

func FuzzHello(f *testing.F) {
	h := someHello()
	data, _ := h.marshal()
	f.Add(data)
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHello(data)
		if err != nil {
			return
		}
		out, err := h.marshal()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := ParseHello(out); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out)
		}
	})
}

func BenchmarkPacketReader(b *testing.B) {
	var buf bytes.Buffer
	w, err := NewWriter(&buf, Limits{}, someHello())
	if err != nil {
		b.Fatal(err)
	}
	entry := make([]byte, 1024)
	es := make([][]byte, 1024)
	for i := range es {
		es[i] = entry
	}
	for i := range 16 {
		if err := w.Run(Run{Origin: someOrigin(0), First: int64(i * 1024), Entries: es, Checkpoint: make([]byte, 4000)}); err != nil {
			b.Fatal(err)
		}
	}
	_ = w.Close(false)
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(buf.Bytes()), Limits{})
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(16*1024*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// Real journals over loopback TLS: entries signed, sent, verified and mirrored in
// memory, with the receipt back.
func BenchmarkExchange(b *testing.B) {
	const per = 1000
	x, y, rx, ry := twoReals(b)
	y.listen(b, ry, Limits{}, nil)
	c := x.client(b, rx, Limits{})
	if _, err := c.Sync(b.Context(), y.target(), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for range 10 {
			rx.share(b, per, nil)
		}
		b.StartTimer()
		if _, err := c.Sync(b.Context(), y.target(), nil); err != nil {
			b.Fatal(err)
		}
	}
	if ry.mirrored(rx) != rx.writer.Head() {
		b.Fatal("not everything arrived")
	}
	b.ReportMetric(float64(10*per*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// The time from an entry that is on disk here to its receipt being here.
func BenchmarkOneEntry(b *testing.B) {
	x, y, rx, ry := twoReals(b)
	y.listen(b, ry, Limits{}, nil)
	c := x.client(b, rx, Limits{})
	if _, err := c.Sync(b.Context(), y.target(), nil); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		rx.share(b, 1, fmt.Appendf(nil, "indicator %d", n))
		n++
		rep, err := c.Sync(b.Context(), y.target(), nil)
		if err != nil || !rep.Complete || rep.Round != 1 {
			b.Fatalf("%+v, %v", rep, err)
		}
	}
}
