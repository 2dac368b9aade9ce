package input

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/pass"
	"entente/internal/watch/sighting"
)

// bench is a reader over a folder, with what it found.
type bench struct {
	t        *testing.T
	dir      string
	set      *watch.Set
	table    *sighting.Table
	pass     *pass.Pass
	problems []string
	book     string
	numbers  []int // the numbers that hits had, in their order
}

func newBench(t *testing.T) *bench {
	b := watch.NewBuilder(watch.Seed{1, 2})
	v, err := observable.Parse("evil.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(watch.Indicator{ID: "i", Value: v}); err != nil {
		t.Fatal(err)
	}
	x := &bench{t: t, dir: t.TempDir(), set: b.Set()}
	x.book = filepath.Join(x.dir, "position")
	return x
}

func (b *bench) path(name string) string {
	dir := filepath.Join(b.dir, "logs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// line is an event with a number.
func line(n int) string {
	return fmt.Sprintf(`{"ts":%d,"uid":"C%d","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"n%d.evil.example","qclass":1}`+"\n", 1_700_000_000+n, n, n)
}

func lines(from, to int) string {
	var s strings.Builder
	for i := from; i < to; i++ {
		s.WriteString(line(i))
	}
	return s.String()
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) add(name, text string) {
	b.t.Helper()
	f, err := os.OpenFile(b.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
}

// start makes a reader as a new process would, with a book or without.
func (b *bench) start(o Options, book bool) *Reader {
	b.t.Helper()
	b.table, b.problems = &sighting.Table{}, nil
	b.pass = pass.New(pass.Options{Set: func() *watch.Set { return b.set }, Sightings: b.table, Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
		n := 0
		if _, err := fmt.Sscanf(h.Seen.Text, "n%d.", &n); err == nil {
			b.numbers = append(b.numbers, n)
		}
	}})
	o.Now = time.Now
	o.Tell = func(p Problem) { b.problems = append(b.problems, p.Kind) }
	if book {
		k, err := OpenBook(b.book)
		if err != nil {
			b.t.Fatal(err)
		}
		o.Book = k
		if len(k.Kept) > 0 {
			var n []int
			if err := json.Unmarshal(k.Kept, &n); err != nil {
				b.t.Fatal(err)
			}
			b.numbers = n
		} else {
			b.numbers = nil
		}
		o.Kept = func() any { return slices.Clone(b.numbers) }
	} else {
		b.numbers = nil
	}
	return NewReader(b.pass, o)
}

// once reads to the end.
func (b *bench) once(book bool, names ...string) {
	b.t.Helper()
	if err := b.start(Options{}, book).Run(context.Background(), names); err != nil {
		b.t.Fatal(err)
	}
}

// has checks that each number was seen once.
func (b *bench) has(what string, n int) {
	b.t.Helper()
	got := slices.Sorted(slices.Values(b.numbers))
	for i := range n {
		if i >= len(got) || got[i] != i {
			b.t.Fatalf("%s: %d numbers, wrong at %d: %v", what, len(got), i, got[:min(len(got), i+3)])
		}
	}
	if len(got) != n {
		b.t.Fatalf("%s: %d numbers instead of %d", what, len(got), n)
	}
}

// TestFilesFoldersCompression: plain, gzip of several members, zstd, by folder, by pattern, whatever their names say.
func TestFilesFoldersCompression(t *testing.T) {
	b := newBench(t)
	var gz bytes.Buffer
	for i := range 2 {
		z := gzip.NewWriter(&gz)
		if _, err := z.Write([]byte(lines(i*10, i*10+10))); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b.write("a.log", gz.String())
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.write("b.gz", string(e.EncodeAll([]byte(lines(20, 40)), nil)))
	b.write("c.zst", lines(40, 60))
	b.write(".hidden", lines(90, 99))
	b.once(false, filepath.Join(b.dir, "logs"))
	b.has("folder", 60)
	b.once(false, b.path("[ab].*"), b.path("c.zst"))
	b.has("pattern", 60)
	if _, err := files([]string{b.path("nothing*")}, nil, false, nil); err == nil {
		t.Error("a pattern that matches nothing matched")
	}
}

// TestBrokenCompression: what comes before the fault is read, the fault is told, the other files are read.
func TestBrokenCompression(t *testing.T) {
	b := newBench(t)
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	if _, err := z.Write([]byte(lines(0, 2000))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	b.write("a.gz", gz.String()[:gz.Len()/2])
	b.write("b.log", lines(5000, 5010))
	b.write("c.gz", "\x1f\x8bnonsense")
	b.once(false, b.path("a.gz"), b.path("b.log"), b.path("c.gz"))
	if !slices.Equal(b.problems, []string{"broken", "unreadable"}) || len(b.numbers) < 100 || !slices.Contains(b.numbers, 5009) {
		t.Errorf("%v, %d hits", b.problems, len(b.numbers))
	}
}

// TestGoesOn: a second run reads what was added only, a line without an end when it has one, and a packed file not again.
func TestGoesOn(t *testing.T) {
	b := newBench(t)
	b.write("x.log", lines(0, 10)+line(10)[:30])
	b.once(true, b.path("x.log"))
	b.has("first", 10)
	b.add("x.log", line(10)[30:]+lines(11, 20))
	b.once(true, b.path("x.log"))
	b.has("second", 20)
	b.once(true, b.path("x.log"))
	b.has("third", 20)
	// Rotated between two runs, and packed: the same text goes on in another file.
	b.add("x.log", lines(20, 25))
	text, err := os.ReadFile(b.path("x.log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.path("x.log")); err != nil {
		t.Fatal(err)
	}
	b.write("x.log.1.gz", string(gzipped(t, text)))
	b.write("x.log", lines(25, 30))
	b.once(true, b.path("x.log"))
	b.has("rotated and packed", 30)
	// Rotated by a new name.
	b.add("x.log", lines(30, 35))
	if err := os.Rename(b.path("x.log"), b.path("x.log.1")); err != nil {
		t.Fatal(err)
	}
	b.write("x.log", lines(35, 40))
	b.once(true, b.path("x.log"))
	b.has("rotated", 40)
	// Truncated in place.
	b.write("x.log", lines(40, 41))
	b.once(true, b.path("x.log"))
	b.has("truncated", 41)
	// The whole folder, which has the rotated parts, too: nothing twice.
	b.once(true, filepath.Join(b.dir, "logs"))
	b.has("folder", 41)
}

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	_, err := z.Write(text)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return gz.Bytes()
}

// TestCopiedAndTruncated: a log of which a rotation keeps a copy and that it then truncates, read by a pattern, with as much before as is enough to tell a log
// from others, and with a line.
func TestCopiedAndTruncated(t *testing.T) {
	for _, first := range []int{1, 10} {
		for _, copied := range []string{"a.log.1", "a-20261130.log", "a.log.1.gz"} {
			for i, next := range []int{1, 5, 1, 5} {
				early := []string{"a.log", copied}[i/2] // what was written last is read last
				now := time.Now()
				b := newBench(t)
				b.write("a.log", lines(0, first))
				b.once(true, b.path("a*"))
				b.has("first", first)
				b.add("a.log", lines(first, first+3))
				text, err := os.ReadFile(b.path("a.log"))
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(copied, ".gz") {
					text = gzipped(t, text)
				}
				b.write(copied, string(text))
				b.write("a.log", lines(first+3, first+3+next)) // in place
				what := fmt.Sprintf("%d lines, then %s, then %d lines, read first: %s", first, copied, next, early)
				if err := os.Chtimes(b.path(early), now, now.Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
				b.once(true, b.path("a*"))
				b.has(what, first+3+next)
				b.add("a.log", lines(first+3+next, first+next+5))
				b.once(true, b.path("a*"))
				b.has(what+", and again", first+next+5)
			}
		}
	}
}

// TestLostPart: what was rotated away and is not to be found is told.
func TestLostPart(t *testing.T) {
	b := newBench(t)
	b.write("x.log", lines(0, 10))
	b.once(true, b.path("x.log"))
	if err := os.Remove(b.path("x.log")); err != nil {
		t.Fatal(err)
	}
	b.write("x.log", lines(10, 20))
	b.once(true, b.path("x.log"))
	b.has("after", 20)
	if !slices.Contains(b.problems, "rotated") {
		t.Errorf("%v", b.problems)
	}
}

// TestFollow: lines that come one by one, in halves, through rotation by name and by truncation.
func TestFollow(t *testing.T) {
	b := newBench(t)
	b.write("x.log", lines(0, 3))
	f := b.follow(false, b.path("x.log"))
	f.hits("at first", 3)
	b.add("x.log", line(3)[:40])
	b.add("x.log", line(3)[40:])
	f.hits("in halves", 4)
	if err := os.Rename(b.path("x.log"), b.path("x.log.1")); err != nil {
		t.Fatal(err)
	}
	b.add("x.log.1", line(4)) // who writes was not told yet
	b.write("x.log", lines(5, 8))
	f.hits("rotated", 8)
	if err := os.Truncate(b.path("x.log"), 0); err != nil {
		t.Fatal(err)
	}
	f.hits("truncated", 8)
	b.add("x.log", lines(8, 9))
	f.hits("after the truncation", 9)
	f.end()
	b.has("all", 9)
}

// TestFullDisk: a position that cannot be saved is told, and reading goes on.
func TestFullDisk(t *testing.T) {
	b := newBench(t)
	b.write("x.log", lines(0, 10))
	b.book = filepath.Join(b.dir, "no such folder", "position")
	r := b.start(Options{}, true)
	if err := r.Run(context.Background(), []string{b.path("x.log")}); err == nil {
		t.Error("it could not be saved, and nobody was told at the end")
	}
	b.has("all", 10)
	if !slices.Contains(b.problems, "position") {
		t.Errorf("%v", b.problems)
	}
}

// TestBooks: what is no book is refused, and what a book says that cannot be is left out.
func TestBooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBook(path); err == nil {
		t.Error("nonsense was a book")
	}
	if err := os.WriteFile(path, []byte(`{"files":[null,{"path":"a","length":-1},{"path":"b","length":5,"state":{"offset":-4}},{"path":"c","length":99999999}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBook(path)
	if err != nil || len(b.Files) != 0 {
		t.Errorf("%v %v", b, err)
	}
	for i := range maxEntries + 10 {
		b.Files = append(b.Files, &Entry{Path: fmt.Sprint(i), Used: int64(i)})
	}
	if err := b.Save(nil); err != nil || len(b.Files) != maxEntries || b.Files[0].Path != fmt.Sprint(maxEntries+9) {
		t.Errorf("%d files: %v", len(b.Files), err)
	}
}

// TestSyslogMessages: what is said in messages of both kinds, and in both framings.
func TestSyslogMessages(t *testing.T) {
	for in, want := range map[string]string{
		`<34>1 2003-10-11T22:14:15.003Z h su - ID47 - {"a":1}`:                       `{"a":1}`,
		`<165>1 2003-10-11T22:14:15.003Z h named 77 ID47 [x@1 a="b\"]"][y@1] client`: `2003-10-11T22:14:15.003Z h named[77]: client`,
		"<34>1 2003-10-11T22:14:15.003Z h app - - - \xef\xbb\xbftext":                `2003-10-11T22:14:15.003Z h app: text`,
		`<34>Oct 11 22:14:15 h suricata[1]: {"event_type":"dns"}`:                    `{"event_type":"dns"}`,
		`<34>Oct 11 22:14:15 mx postfix/qmgr[1]: X: from=<a@b.c>`:                    `Oct 11 22:14:15 mx postfix/qmgr[1]: X: from=<a@b.c>`,
		`no priority`: `no priority`, `<999999>x`: `<999999>x`, `<1>1 short`: `1 short`,
	} {
		if got := string(said([]byte(in))); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
	for in, want := range map[string][]string{
		"5 <1>ab7 <1>c\nde<1>one\n<1>two":                                              {"ab\n", "c de\n", "one\n", "two\n"},
		strings.Repeat("y", maxMessage) + "\nnext\n":                                   {strings.Repeat("y", maxMessage) + "\n", "next\n"},
		strings.Repeat("y", maxMessage+100) + "\nnext\n":                               {strings.Repeat("y", maxMessage) + "\n", "cut", "next\n"},
		fmt.Sprintf("%d %s3 abc", maxMessage+100, strings.Repeat("y", maxMessage+100)): {strings.Repeat("y", maxMessage) + "\n", "cut", "abc\n"},
	} {
		got, err := streamed(in)
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%.40q: %d messages, %v", in, len(got), err)
		}
	}
	for bad, want := range map[string][]string{
		"99999999 <1>x": nil, "5x <1>ab": nil, "12 <1>begun": {"begun\n", "cut"},
		strings.Repeat("y", maxPassed+maxMessage+1<<17):                          {strings.Repeat("y", maxMessage) + "\n", "cut"},
		fmt.Sprintf("%d %s", maxMessage+100, strings.Repeat("y", maxMessage+99)): {strings.Repeat("y", maxMessage) + "\n", "cut"},
	} {
		got, err := streamed(bad)
		if !slices.Equal(got, want) || !errors.Is(err, errMessage) {
			t.Errorf("%.20q: %d messages, %v", bad, len(got), err)
		}
	}
}

// resting is a connection of which nobody asks where it is.
type resting struct{ io.Reader }

func (resting) rests() {}

func (resting) begins(time.Duration) {}

// streamed gives the messages of a stream, with "cut" behind those of which only the beginning was read.
func streamed(in string) (got []string, err error) {
	err = stream(resting{strings.NewReader(in)}, func(b []byte, cut bool) bool {
		if got = append(got, string(b)); cut {
			got = append(got, "cut")
		}
		return true
	})
	return got, err
}

func FuzzSyslog(f *testing.F) {
	f.Add([]byte(`<165>1 2003-10-11T22:14:15.003Z h named 77 ID47 [x@1 a="b\"]"][y@1] client`))
	f.Add([]byte("5 <1>ab7 <1>c\nde<1>one\n<1>two"))
	f.Fuzz(func(t *testing.T, in []byte) {
		_ = stream(resting{bytes.NewReader(in)}, func(b []byte, _ bool) bool { // what is no stream of syslog ends it
			if bytes.Count(b, []byte("\n")) != 1 || b[len(b)-1] != '\n' {
				t.Fatalf("%q is not one line", b)
			}
			return true
		})
	})
}

// TestNetwork: syslog over UDP, TCP and TLS, and HTTP, into one pass.
func TestNetwork(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := make(chan Message, 16)
	server := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer server.Close()
	config := &tls.Config{Certificates: server.TLS.Certificates}
	ended := make(chan error, 5)
	open := func(network string) net.Addr {
		at := make(chan net.Addr, 1)
		s := &Syslog{Out: out, TLS: config}
		go func() { ended <- s.Listen(ctx, network, "127.0.0.1:0", func(a net.Addr) { at <- a }) }()
		return <-at
	}
	udp, tcp, secure := open("udp"), open("tcp"), open("tls")
	at := make(chan net.Addr, 1)
	go func() { ended <- HTTP(ctx, "127.0.0.1:0", out, func(a net.Addr) { at <- a }) }()
	web := <-at
	r := b.start(Options{Messages: out, Poll: 5 * time.Millisecond}, false)
	go func() { ended <- r.Run(ctx, nil) }()
	send := func(c net.Conn, err error, text string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := net.Dial("udp", udp.String())
	send(c, err, "<1>1 - h z - - - "+line(0))
	c, err = net.Dial("tcp", tcp.String())
	send(c, err, "<1>Oct 11 22:14:15 h zeek: "+line(1)+fmt.Sprintf("%d <1>%s", len(line(2))+3, line(2)))
	s, err := tls.Dial("tcp", secure.String(), &tls.Config{InsecureSkipVerify: true})
	send(s, err, "<1>Oct 11 22:14:15 h zeek: "+line(3))
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := z.Write([]byte(strings.TrimSuffix(lines(4, 5000), "\n"))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post("http://"+web.String()+"/", "text/plain", &body)
	if err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", answer, err)
	}
	answer.Body.Close()
	if answer, err = http.Get("http://" + web.String()); err != nil || answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("%v %v", answer, err)
	}
	answer.Body.Close()
	time.Sleep(200 * time.Millisecond) // datagrams and streams have no answer; what is on its way arrives
	cancel()
	for range 5 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	b.has("network", 5000)
}

// TestSavesAreSpaced: a save that takes long comes rarely.
func TestSavesAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(nil, Options{Now: time.Now, Book: &Book{path: filepath.Join(t.TempDir(), "b")}, Kept: func() any { time.Sleep(2 * time.Second); return nil }})
		for range 60 {
			r.dirty = true
			if err := r.save(false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := r.o.Book.Saves; n < 2 || n > 4 {
			t.Errorf("%d saves of two seconds each in a minute", n)
		}
	})
}
