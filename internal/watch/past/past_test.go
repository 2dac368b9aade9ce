package past

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"

	"pgregory.net/rapid"
)

var day0 = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

func TestSipHash(t *testing.T) {
	k := key{}
	for i := range k {
		k[i] = byte(i)
	}
	in := make([]byte, 15)
	for i := range in {
		in[i] = byte(i)
	}
	// From the paper and the reference vectors of its authors.
	for n, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5} {
		if got := k.hash(in[:n]); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

func value(t testing.TB, text string) observable.Value {
	t.Helper()
	v, err := observable.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func rec(at time.Time, fields ...record.Field) *record.Record {
	return &record.Record{Time: at, Fields: fields}
}

func build(t testing.TB, dir string) (*Index, *Builder) {
	t.Helper()
	x, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := x.Builder()
	t.Cleanup(b.Close)
	return x, b
}

func flush(t testing.TB, b *Builder) {
	t.Helper()
	if err := b.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, b *Builder, r *record.Record, at Place) {
	t.Helper()
	if err := b.Add(context.Background(), r, at); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAValueIsFoundAs(t *testing.T) {
	fields := func(fs ...record.Field) []record.Field { return fs }
	f := func(typ observable.Type, text string) []record.Field {
		return fields(record.Field{Type: typ, Text: text})
	}
	for _, c := range []struct {
		in   []record.Field
		hit  []string
		miss []string
	}{
		{f(observable.Domain, "WwW.Evil.COM."), []string{"evil.com", "www.evil.com"}, []string{"vil.com", "notevil.com", "evil.com.example.net", "a.www.evil.com"}},
		{f(observable.Domain, "a.b.co.uk"), []string{"b.co.uk", "a.b.co.uk"}, []string{"c.co.uk"}},
		{f(observable.Domain, "_ldap._tcp.evil.com"), []string{"evil.com"}, nil},
		{f(observable.Domain, "not a name.evil.com"), []string{"evil.com"}, []string{"name.evil.com"}},
		{f(observable.Domain, "bücher.example"), []string{"xn--bcher-kva.example"}, nil},
		{f(observable.Domain, "evil.com:8080"), []string{"evil.com"}, nil},
		{f(observable.Domain, "1.2.3.4:80"), []string{"1.2.3.4", "1.2.3.0/24"}, []string{"1.2.3.49"}},
		{f(observable.Domain, "[2001:db8::1]:443"), []string{"2001:db8::1", "2001:db8::/32"}, nil},
		{f(observable.IPv6, "::ffff:1.2.3.4"), []string{"1.2.3.4"}, nil},
		{f(observable.IPv6, "fe80::1%eth0"), []string{"fe80::1"}, nil},
		{f(observable.IPv4, "1.2.3.49"), []string{"1.2.3.49", "1.2.3.48/31", "0.0.0.0/0"}, []string{"1.2.3.4", "1.2.3.50/31", "::/0"}},
		{f(observable.IPv6, "2001:db8:ffff::1"), []string{"2001:db8::/32", "::/0", "2001:db8:ffff::/64"}, []string{"2001:db9::/32", "2001:db8::/64"}},
		{f(observable.URL, "HTTPS://Evil.com:443/a%41#x"), []string{"https://evil.com/aA", "http://evil.com/aA", "evil.com"}, []string{"https://evil.com/", "http://evil.com:8080/aA"}},
		{f(observable.URL, "evil.com/path?q"), []string{"http://evil.com/path?q", "evil.com"}, []string{"http://evil.com/path"}},
		{fields(record.Field{Type: observable.Domain, Role: record.Host, Text: "evil.com"}, record.Field{Type: observable.URL, Role: record.Request, Text: "/x"}),
			[]string{"http://evil.com/x", "https://evil.com/x"}, []string{"http://evil.com/"}},
		{f(observable.URL, "/x"), nil, []string{"http://evil.com/x"}},
		{f(observable.Email, "Bob@Mail.Evil.com"), []string{"bob@mail.evil.com", "evil.com"}, []string{"ob@mail.evil.com"}},
		{f(observable.MD5, "D41D8CD98F00B204E9800998ECF8427E"), []string{"d41d8cd98f00b204e9800998ecf8427e"}, []string{"d41d8cd98f00b204e9800998ecf8427f"}},
		{f(observable.FilePath, `C:\Windows\Evil.EXE`), []string{"file-name:evil.exe", `file-path:c:\windows\evil.exe`}, []string{"file-name:vil.exe", "process:evil.exe"}},
		{f("", "evil.com"), nil, []string{"evil.com"}},
		{f(observable.URL, "//evil.com/x"), []string{"https://evil.com/x"}, nil},
		{f(observable.FileName, "dir/Evil.exe"), []string{"file-name:evil.exe"}, nil},
		{f(observable.UserAgent, "Bad/1.0"), []string{"user-agent:Bad/1.0"}, []string{"user-agent:bad/1.0"}},
	} {
		x, b := build(t, t.TempDir())
		add(t, b, rec(day0.Add(90*time.Minute), c.in...), Place{})
		flush(t, b)
		for want, values := range map[bool][]string{true: c.hit, false: c.miss} {
			for _, s := range values {
				a, err := x.Hunt(t.Context(), []observable.Value{value(t, s)}, day0, day0.AddDate(0, 0, 1))
				if err != nil || len(a.Faults) > 0 {
					t.Fatal(err, a)
				}
				if got := a.Seen[0].Count() == 1 && a.Seen[0].Days[0].Mask == 2; got != want {
					t.Errorf("%q hunted for in %q: %v, want %v", s, c.in[0].Text, a.Seen[0].Days, want)
				}
				if got := len(NewExact([]observable.Value{value(t, s)}).Find(nil, rec(day0, c.in...))) == 1; got != want {
					t.Errorf("%q looked for in %q: %v, want %v", s, c.in[0].Text, got, want)
				}
			}
		}
	}
}

// TestHuntIsTheNaiveMap: whatever records come, in whatever order, spilled, flushed and
// joined at any time, a hunt says what a map of every value and hour says.
func TestHuntIsTheNaiveMap(t *testing.T) {
	names := []string{"a.example.com", "b.example.com", "example.com", "x.y.z.example.org", "only"}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "past")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		x, err := Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		b := x.Builder()
		defer b.Close()
		b.limit = rapid.IntRange(2, 40).Draw(t, "entries in memory")
		naive := map[string]map[int64]bool{}
		saw := func(what string, at time.Time) {
			if naive[what] == nil {
				naive[what] = map[int64]bool{}
			}
			naive[what][at.Unix()/3600] = true
		}
		known := map[int64]bool{}
		var addresses []netip.Addr
		seen := map[netip.Addr][]time.Time{}
		for range rapid.IntRange(0, 60).Draw(t, "records") {
			at := day0.Add(time.Duration(rapid.IntRange(0, 4*24*3600).Draw(t, "second")) * time.Second)
			known[at.Unix()/3600] = true
			r := rec(at)
			if rapid.Bool().Draw(t, "name") {
				n := rapid.SampledFrom(names).Draw(t, "n")
				r.Fields = append(r.Fields, record.Field{Type: observable.Domain, Text: n})
				for s := n; ; {
					saw(s, at)
					_, above, ok := strings.Cut(s, ".")
					if !ok || !strings.Contains(above, ".") {
						break
					}
					s = above
				}
			} else {
				var a netip.Addr
				if rapid.Bool().Draw(t, "v4") {
					a = netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 3).Draw(t, "b")), 0, byte(rapid.IntRange(0, 255).Draw(t, "c"))})
				} else {
					a = netip.AddrFrom16([16]byte{0x20, 1, 13: byte(rapid.IntRange(0, 3).Draw(t, "b")), 15: byte(rapid.IntRange(0, 255).Draw(t, "c"))})
				}
				r.Fields = append(r.Fields, record.Field{Type: observable.IPv4, Text: a.String()})
				addresses = append(addresses, a)
				seen[a] = append(seen[a], at)
			}
			if err := b.Add(context.Background(), r, Place{}); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 5).Draw(t, "flush") == 0 {
				if err := b.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "compact") {
			if err := x.Compact(context.Background(), day0.AddDate(0, 0, rapid.IntRange(0, 6).Draw(t, "before"))); err != nil {
				t.Fatal(err)
			}
		}
		values := []observable.Value{{Type: observable.Domain, Text: "absent.example.net"}, {Type: observable.Domain, Text: "example.org"}}
		for _, n := range names {
			values = append(values, observable.Value{Type: observable.Domain, Text: n})
		}
		for _, p := range []string{"10.0.0.0/14", "10.1.0.0/25", "0.0.0.0/0", "2001::/16", "2001::100/120"} {
			v, err := observable.New(observable.Prefix, p)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
			pre := netip.MustParsePrefix(v.Text)
			for _, a := range addresses {
				if pre.Contains(a) {
					for _, at := range seen[a] {
						saw(v.Text, at)
					}
				}
			}
		}
		if len(addresses) > 0 {
			a := addresses[0]
			v, _ := observable.Parse(a.String())
			values = append(values, v)
			for _, at := range seen[a] {
				saw(v.Text, at)
			}
		}
		from := day0.Add(time.Duration(rapid.IntRange(-30, 100).Draw(t, "from")) * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "hours")) * time.Hour)
		if _, err := Open(dir); len(known) == 0 {
			if !errors.Is(err, ErrNoIndex) {
				t.Fatalf("an empty folder was opened: %v", err)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		got, err := x.Hunt(context.Background(), values, from, to)
		if err != nil || len(got.Faults) > 0 {
			t.Fatal(err, got.Faults)
		}
		check := func(what string, days []Hours, want map[int64]bool) {
			n := 0
			for _, d := range days {
				d.Each(func(at time.Time) {
					n++
					if !want[at.Unix()/3600] {
						t.Fatalf("%s at %s, which was not", what, at)
					}
				})
			}
			for h := range want {
				if at := time.Unix(h*3600, 0); !at.Before(from) && at.Before(to) {
					n--
				}
			}
			if n != 0 {
				t.Fatalf("%s: %d hours are missing; %v", what, -n, days)
			}
		}
		for i, v := range values {
			check(v.Text, got.Seen[i].Days, naive[v.Text])
		}
		check("known hours", got.Known, known)
	})
}

// TestManyTokens: a part with many buckets, pages and blocks.
func TestManyTokens(t *testing.T) {
	x, b := build(t, t.TempDir())
	b.limit = 20_000
	const n = 60_000
	for i := range n {
		r := rec(day0.Add(time.Duration(i%24)*time.Hour),
			record.Field{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)},
			record.Field{Type: observable.IPv4, Text: netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 7}).String()},
			record.Field{Type: observable.IPv6, Text: netip.AddrFrom16([16]byte{0x20, byte(i >> 12), byte(i), byte(i >> 8), 15: 1}).String()})
		add(t, b, r, Place{Source: "log", From: int64(i), To: int64(i + 1)})
	}
	flush(t, b)
	var values []observable.Value
	for i := 0; i < n; i += 7 {
		values = append(values, observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)},
			observable.Value{Type: observable.IPv4, Text: netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 7}).String()})
	}
	present := len(values)
	const absent = 200_000
	for i := range absent {
		values = append(values, observable.Value{Type: observable.Domain, Text: fmt.Sprintf("absent%d.example", i)})
	}
	a, err := x.Hunt(t.Context(), values, day0, day0.AddDate(0, 0, 1))
	if err != nil || len(a.Faults) > 0 {
		t.Fatal(err, a.Faults)
	}
	for i, s := range a.Seen {
		want := uint32(0)
		if i < present {
			want = 1 << (i / 2 * 7 % 24)
		}
		if got := len(s.Days) == 1 && s.Days[0].Mask == want; got != (want != 0) {
			t.Fatalf("%s: %v, want %b", s.Value, s.Days, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	x, b := build(t, t.TempDir())
	line := func(hour int, source string, from, to int64) {
		add(t, b, rec(day0.Add(time.Duration(hour)*time.Hour), record.Field{Type: observable.Domain, Text: "evil.com"}), Place{source, from, to})
	}
	line(1, "a", 0, 100)
	line(2, "a", 100, 200)
	line(1, "a", 200, 300)
	line(5, "a", 900, 1000)
	line(3, "b", 0, 50)
	line(1, "", 0, 0)
	flush(t, b)
	line(2, "a", 250, 400)
	flush(t, b)
	for range 2 {
		got, faults, err := x.Places(t.Context(), []Hours{{day0, 1<<1 | 1<<2 | 1<<3}})
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		if want := []Span{{"a", 0, 400, 4}, {"b", 0, 50, 1}}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if err := x.Compact(t.Context(), day0.AddDate(0, 0, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if names, _ := x.names(); len(names) != 1 {
		t.Errorf("%d parts after they were joined", len(names))
	}
	if _, err := x.Hunt(t.Context(), make([]observable.Value, maxValues+1), day0, day0); err == nil {
		t.Error("a hunt for too many values was not refused")
	}
	if err := b.Add(t.Context(), rec(day0), Place{Source: strings.Repeat("x", maxSource+1)}); err == nil {
		t.Error("too long a name of a log was not refused")
	}
	add(t, b, rec(time.Time{}), Place{})
	add(t, b, rec(time.Unix(-1, 0)), Place{})
	add(t, b, rec(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), Place{})
	if s := b.Stats(); s.Undated != 3 {
		t.Errorf("%d records without a time, want 3", s.Undated)
	}
}

func TestPrune(t *testing.T) {
	x, b := build(t, t.TempDir())
	for d := range 5 {
		add(t, b, rec(day0.AddDate(0, 0, d), record.Field{Type: observable.Domain, Text: "evil.com"}), Place{})
	}
	flush(t, b)
	old := filepath.Join(x.dir, "part-1.tmp")
	for _, n := range []string{old, filepath.Join(x.dir, "part-2.tmp"), filepath.Join(x.dir, "notes.txt")} {
		if err := os.WriteFile(n, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	if err := os.Chtimes(old, now, now.Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	files, size, err := x.Prune(day0.AddDate(0, 0, 2).Add(time.Hour), now)
	if err != nil || files != 3 || size == 0 {
		t.Fatal(files, size, err)
	}
	a, err := x.Hunt(t.Context(), []observable.Value{value(t, "evil.com")}, day0.AddDate(-1, 0, 0), day0.AddDate(1, 0, 0))
	if err != nil || len(a.Seen[0].Days) != 3 || !a.Seen[0].Days[0].Day.Equal(day0.AddDate(0, 0, 2)) {
		t.Fatal(a, err)
	}
	for _, n := range []string{"part-2.tmp", "notes.txt"} {
		if _, err := os.Stat(filepath.Join(x.dir, n)); err != nil {
			t.Error(err)
		}
	}
}

// sample is a part of every kind of entry, in bytes.
func sample(t testing.TB) []byte {
	t.Helper()
	x, b := build(t, t.TempDir())
	x.key, b.tokens.key = key{1}, key{1}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 600 {
		add(t, b, rec(day0.Add(time.Duration(rng.IntN(86400))*time.Second),
			record.Field{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i%400)},
			record.Field{Type: observable.IPv4, Text: fmt.Sprintf("10.0.%d.%d", i%3, i%251)},
			record.Field{Type: observable.IPv6, Text: fmt.Sprintf("2001:db8::%x", i)}), Place{"a.log", int64(i), int64(i + 1)})
	}
	flush(t, b)
	names, _ := x.names()
	out, err := os.ReadFile(filepath.Join(x.dir, names[0].name))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// askEverything reads a part in every way there is.
func askEverything(b []byte) (sum uint64, err error) {
	p, err := openPart(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, err
	}
	spans, err := p.spans()
	if err != nil {
		return 0, err
	}
	for _, s := range spans {
		sum += s.Events
	}
	tk := tokenizer{key: p.key}
	for i := range 500 {
		m, err := p.token(tk.of(observable.Domain, fmt.Sprintf("n%d.example", i)).lo)
		if err != nil {
			return 0, err
		}
		sum = sum*31 + uint64(m)
	}
	for _, s := range []string{"10.0.0.0/8", "10.0.1.4/32", "2001:db8::/120", "::/0"} {
		v, err := observable.New(observable.Prefix, s)
		if err != nil {
			return 0, err
		}
		first, last, _ := tk.asked(v)
		m, err := p.between(first, last)
		if err != nil {
			return 0, err
		}
		sum = sum*31 + uint64(m)
	}
	for r := p.entries(); ; {
		e, ok, err := r.next()
		if err != nil || !ok {
			return sum, err
		}
		sum = sum*31 + e.lo + e.hi + uint64(e.mask)
	}
}

// TestDamage: a part that was cut short or changed in one bit anywhere is refused, or
// the bit meant nothing.
func TestDamage(t *testing.T) {
	whole := sample(t)
	want, err := askEverything(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 1 + n/50 {
		if _, err := askEverything(whole[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	refused := 0
	asked := 0
	for i := 0; i < len(whole); i += 1 + i/headerBytes { // every byte of the header, and all over the rest
		asked++
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		got, err := askEverything(b)
		switch {
		case err == nil && got != want:
			t.Fatalf("byte %d changed: another answer and no error", i)
		case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion):
			t.Fatalf("byte %d changed: %v", i, err)
		case err != nil:
			refused++
		}
	}
	if refused < asked*99/100 {
		t.Errorf("only %d of %d changed bytes were noticed", refused, asked)
	}
	other := bytes.Replace(whole, []byte("past 2"), []byte("past 1"), 1)
	if _, err := askEverything(other); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

// TestHuntNamesWhatItCannotRead: a damaged day is named and the others answer.
func TestHuntNamesWhatItCannotRead(t *testing.T) {
	x, b := build(t, t.TempDir())
	for d := range 3 {
		add(t, b, rec(day0.AddDate(0, 0, d), record.Field{Type: observable.Domain, Text: "evil.com"}), Place{})
	}
	flush(t, b)
	names, _ := x.names()
	if err := os.Truncate(filepath.Join(x.dir, names[1].name), 300); err != nil {
		t.Fatal(err)
	}
	a, err := x.Hunt(t.Context(), []observable.Value{value(t, "evil.com")}, day0, day0.AddDate(0, 0, 3))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Seen[0].Days) != 2 || len(a.Faults) != 1 || !errors.Is(a.Faults[0], ErrDamaged) || !a.Faults[0].Day.Equal(day0.AddDate(0, 0, 1)) {
		t.Errorf("%+v", a)
	}
	if len(a.Known) != 2 {
		t.Errorf("hours of a part that cannot be read are known: %v", a.Known)
	}
}

// TestFlushAgain: a flush that failed can be done again and nothing is missing.
func TestFlushAgain(t *testing.T) {
	x, b := build(t, t.TempDir())
	b.limit = 10
	for i := range 50 {
		add(t, b, rec(day0, record.Field{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}), Place{})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	flush(t, b)
	for i := range 50 {
		a, err := x.Hunt(t.Context(), []observable.Value{{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}, day0, day0.AddDate(0, 0, 1))
		if err != nil || a.Seen[0].Count() != 1 {
			t.Fatal(i, a, err)
		}
	}
}

func FuzzPart(f *testing.F) {
	whole := sample(f)
	f.Add(whole)
	f.Add(whole[:headerBytes])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := askEverything(b)
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
	})
}

// FuzzBlocks reads blocks whose checksums are right, as those of a hostile file are.
func FuzzBlocks(f *testing.F) {
	es := []entry{{mask: 1, token: token{lo: 5}}, {mask: everyHour, token: token{lo: 9}}, {mask: 6, token: token{lo: 1 << 40}}}
	f.Add(appendBucket(nil, es, 0, 40))
	f.Add(appendAddresses(nil, []entry{{mask: 3, token: token{kind: address4, lo: 1}}, {mask: 1, token: token{kind: address4, lo: 300}}}))
	f.Add(appendSpans(nil, map[spanKey]Span{{1, 2, "a"}: {"a", 1, 2, 3}, {1, 3, "a"}: {"a", 1, 2, 3}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, rice := range []uint{0, 20, 40, tokenBits} {
			if es, err := takeBucket(nil, b, 0, tokenBits, rice); err == nil {
				again, err := takeBucket(nil, appendBucket(nil, es, 0, rice), 0, tokenBits, rice)
				if err != nil || fmt.Sprint(es) != fmt.Sprint(again) {
					t.Fatal(es, again, err)
				}
			}
		}
		for _, k := range []kind{address4, address6} {
			if es, err := takeAddresses(nil, b, k); err == nil {
				again, err := takeAddresses(nil, appendAddresses(nil, es), k)
				if err != nil || fmt.Sprint(es) != fmt.Sprint(again) {
					t.Fatal(es, again, err)
				}
			}
		}
		if s, err := takeSpans(b, 1); err == nil {
			if again, err := takeSpans(appendSpans(nil, s), 1); err != nil || len(again) != len(s) {
				t.Fatal(s, again, err)
			}
		}
	})
}

// TestBuilderBounds: what does not fit goes to the disk by itself, and nothing is lost.
func TestBuilderBounds(t *testing.T) {
	x, b := build(t, t.TempDir())
	b.limit = 4
	for i := range 4 * maxRuns {
		add(t, b, rec(day0, record.Field{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}), Place{})
		if len(b.runs) > maxRuns || len(b.es) > 2*b.limit {
			t.Fatalf("%d runs and %d entries are kept", len(b.runs), len(b.es))
		}
	}
	for i := range maxSpans + 1 {
		add(t, b, rec(day0), Place{Source: fmt.Sprint(i)})
	}
	if b.Stats().Parts != 1 {
		t.Errorf("%d parts after too many log files, want 1", b.Stats().Parts)
	}
	flush(t, b)
	if err := x.Compact(t.Context(), day0.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	if names, _ := x.names(); len(names) != 2 {
		t.Errorf("%d parts, want two that have too many log files together", len(names))
	}
	for i := range 4 * maxRuns {
		a, err := x.Hunt(t.Context(), []observable.Value{{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}, day0, day0.AddDate(0, 0, 1))
		if err != nil || a.Seen[0].Count() != 1 {
			t.Fatal(i, a, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(x.dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFullDisk: what cannot be written stays in memory up to a bound, is counted beyond it, and is written when there is room.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	x, b := build(t, dir)
	b.limit = 8
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range 100 {
		if err := b.Add(t.Context(), rec(day0, record.Field{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}), Place{}); err != nil {
			failed++
		}
	}
	s := b.Stats()
	if failed == 0 || s.Dropped == 0 || s.Records+s.Dropped != 100 || len(b.es) > 2*b.limit+2 {
		t.Fatalf("%d failed, %+v, %d entries in memory", failed, s, len(b.es))
	}
	if err := b.Flush(t.Context()); err == nil {
		t.Fatal("nothing was said")
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	flush(t, b)
	for i := range int(s.Records) {
		a, err := x.Hunt(t.Context(), []observable.Value{{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}, day0, day0.AddDate(0, 0, 1))
		if err != nil || a.Seen[0].Count() != 1 {
			t.Fatal(i, a, err)
		}
	}
}
