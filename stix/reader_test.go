package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func obj(n int) string {
	return fmt.Sprintf(`{"type":"note","id":"note--00000000-0000-4000-8000-%012d"}`, n)
}

// events reads a stream and writes what came of it, one word per object: its
// number, or the path and kind of its error.
func events(r io.Reader, opts ReaderOptions) string {
	var out []string
	for o, err := range NewReader(r, opts).Objects() {
		var re *ReadError
		switch {
		case err == nil:
			out = append(out, strings.TrimLeft(o.ID[len(o.ID)-12:], "0"))
		case errors.As(err, &re):
			kind := "?"
			for name, sentinel := range map[string]error{"syntax": ErrSyntax, "twice": ErrDuplicateName, "utf8": ErrInvalidUTF8, "large": ErrTooLarge,
				"deep": ErrTooDeep, "notobject": ErrNotObject, "property": ErrProperty, "stream": ErrStream} {
				if errors.Is(err, sentinel) {
					kind = name
				}
			}
			if re.Fatal {
				kind += "!"
			}
			out = append(out, re.Path+":"+kind)
		default:
			out = append(out, err.Error())
		}
	}
	return strings.Join(out, " ")
}

func TestReaderForms(t *testing.T) {
	one, two, three := obj(1), obj(2), obj(3)
	big := `{"type":"note","id":"note` + uuid1 + `","content":"` + strings.Repeat(`\"]}{[`, 200) + `"}`
	small := ReaderOptions{Limits: Limits{MaxObjectBytes: 200}}
	cases := []struct {
		name, text, want string
		opts             ReaderOptions
	}{
		{"nothing", "", "", ReaderOptions{}},
		{"blank", " \r\n\t", "", ReaderOptions{}},
		{"bundle", `{"type":"bundle","id":"` + testBundleID + `","objects":[` + one + `,` + two + `]}`, "1 2", ReaderOptions{}},
		{"byte order mark", "\xef\xbb\xbf" + one, "1", ReaderOptions{}},
		{"objects first", `{"objects":[` + one + `] , "x":{"y":[1]}, "type":"bundle"}`, "1", ReaderOptions{}},
		{"escaped names", `{"\u006fbjects":[` + one + `],"typ\u0065":"bundle"}`, "1", ReaderOptions{}},
		{"envelope", `{"more":true,"next":"x","objects":[` + one + `]}`, "1", ReaderOptions{}},
		{"empty bundle", `{"type":"bundle","id":"` + testBundleID + `"}`, "", ReaderOptions{}},
		{"no objects", `{"type":"bundle","objects":[ ]}`, "", ReaderOptions{}},
		{"two bundles", `{"type":"bundle","objects":[` + one + `]}{"type":"bundle","objects":[` + two + `]}`, "1 2", ReaderOptions{}},
		{"array", "[" + one + " ,\n" + two + "]", "1 2", ReaderOptions{}},
		{"single", one, "1", ReaderOptions{}},
		{"ndjson", one + "\n" + two + "\r\n\n" + three + "\n", "1 2 3", ReaderOptions{}},
		{"objects as a dictionary", `{"type":"observed-data","id":"observed-data` + uuid1 + `","objects":{"0":{}}}`, "ac55e1fa4af", ReaderOptions{}},
		{"custom with a list called objects", `{"type":"x-y","id":"x-y--00000000-0000-4000-8000-000000000007","objects":[1]}`, "7", ReaderOptions{}},

		{"bad among good", `{"objects":[` + one + `,{"type":"indicator","id":"indicator` + uuid1 + `","valid_from":"x"},` + two + `]}`,
			"1 objects[1].valid_from:property 2", ReaderOptions{}},
		{"bad in an array", "[" + `{"a":1},` + one + "]", "[0].type:property 1", ReaderOptions{}},
		{"bad in ndjson", one + "\n{\"a\":1}\n" + two, "1 [1].type:property 2", ReaderOptions{}},
		{"duplicate name", "[" + `{"type":"note","a":{"b":1,"b":2}},` + one + "]", "[0].a.b:twice 1", ReaderOptions{}},
		{"bad utf-8", "[" + "{\"type\":\"\xff\"}," + one + "]", "[0].type:utf8 1", ReaderOptions{}},
		{"not objects", "[1, null, \"]\", [" + one + "], " + one + "]", "[0]:notobject [1]:notobject [2]:notobject [3]:notobject 1", ReaderOptions{}},
		{"scalar at top", "17\n" + one, "[0]:notobject 1", ReaderOptions{}},
		{"bundle in bundle", `[{"type":"bundle","id":"` + testBundleID + `"},` + one + `]`, "[0].type:stream 1", ReaderOptions{}},
		{"too large is skipped", "[" + one + "," + big + "," + two + "]", "1 [1]:large 2", small},
		{"too large at the top", one + big + two, "1 [1]:large 2", small},
		{"too large beside the objects", `{"x":` + big + `,"objects":[` + one + `],"y":` + big + `}`, "1", small},
		{"too large before the type", `{"x":` + big + `,"type":"bundle","objects":[` + one + `]}`, "1", small},
		{"bad member before the objects", `{"x":nope,"objects":[` + one + `]}`, "x:syntax!", ReaderOptions{}},
		{"type twice before the objects", `{"type":"note","type":"bundle","objects":[` + one + `]}`, "type:twice!", ReaderOptions{}},
		{"id on both sides", `{"id":"a","objects":[` + one + `],"id":"b"}`, "1 id:twice!", ReaderOptions{}},
		{"bad bundle without objects", `{"type":"bundle","x":nope}` + one, "x:syntax!", ReaderOptions{}},
		{"too deep", "[" + `{"type":"note","a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}," + one + "]", "[0]:deep 1", ReaderOptions{}},
		{"type contradicts", `{"objects":[` + one + `],"type":"note"}` + two, "1 type:stream 2", ReaderOptions{}},

		{"syntax inside", "[" + one + `,{"a":tru},` + two + "]", "1 [1].a:syntax!", ReaderOptions{}},
		{"mixed brackets", "[" + `{"a":[}]},` + one + "]", "[0].a[0]:syntax!", ReaderOptions{}},
		{"half a byte order mark", "\xef" + one, ":syntax!", ReaderOptions{}},
		{"truncated", `{"type":"bundle","objects":[` + one + `,{"type":"no`, "1 objects[1]:syntax!", ReaderOptions{}},
		{"no end of list", "[" + one, "1 :syntax!", ReaderOptions{}},
		{"comma at the end", "[" + one + ",]", "1 :syntax!", ReaderOptions{}},
		{"no comma", "[" + one + one + "]", "1 :syntax!", ReaderOptions{}},
		{"html", "<html>", "[0]:syntax!", ReaderOptions{}},
		{"comma at top", one + "," + two, "1 [1]:syntax!", ReaderOptions{}},
		{"no colon", `{"type" "bundle"}`, ":syntax!", ReaderOptions{}},
		{"no name", `{type:1}`, ":syntax!", ReaderOptions{}},
		{"objects twice", `{"objects":[` + one + `],"objects":[` + two + `]}`, "1 objects:twice!", ReaderOptions{}},
		{"type twice", `{"type":"bundle","objects":[],"type":"note"}`, "type:twice!", ReaderOptions{}},
		{"bad member of the frame", `{"objects":[],"x":nope}`, "x:syntax!", ReaderOptions{}},

		{"count", "[" + one + "," + two + "," + three + "]", "1 2 :large!", ReaderOptions{MaxObjects: 2}},
		{"stream size", one + strings.Repeat(" ", 1000) + two, ":large!", ReaderOptions{MaxStreamBytes: 500}},
		{"strict", "[" + one + `,{"type":"mutex","id":"mutex--00000000-0000-4000-8000-000000000002","name":"m"}]`,
			"[0].created:property 2", ReaderOptions{Strict: true}},
	}
	for _, c := range cases {
		if got := events(strings.NewReader(c.text), c.opts); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if c.opts.MaxStreamBytes > 0 {
			continue // how much is read before the limit is told depends on the source
		}
		if got := events(iotest.OneByteReader(strings.NewReader(c.text)), c.opts); got != c.want {
			t.Errorf("%s, byte by byte: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReaderPositions(t *testing.T) {
	text := `{"id":"` + testBundleID + `", "objects": [` + obj(1) + `,  ` + obj(2) + `], "spec_version":"2.0"}` + "\n" + obj(3)
	r := NewReader(strings.NewReader(text), ReaderOptions{})
	for i, want := range []string{"objects[0]", "objects[1]", "[2]"} {
		o, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		p := r.Position()
		if p.Index != i || p.Path != want || text[p.Offset:int(p.Offset)+len(o.Raw)] != string(o.Raw) {
			t.Errorf("object %d stands at %+v", i, p)
		}
		if b, ok := r.Bundle(); i < 2 && (!ok || b.ID != testBundleID) {
			t.Errorf("bundle is %+v", b)
		}
	}
	for range 2 {
		if _, err := r.Next(); err != io.EOF {
			t.Error(err)
		}
	}
}

func TestReaderErrorsAreUseful(t *testing.T) {
	good, bad := obj(1)+",\n", `{"type":"indicator","id":"indicator`+uuid1+`","valid_from":"soon"}`
	text := `{"type":"bundle","objects":[` + strings.Repeat(good, 17) + bad + `]}`
	for _, err := range NewReader(strings.NewReader(text), ReaderOptions{}).Objects() {
		if err == nil {
			continue
		}
		var re *ReadError
		if !errors.As(err, &re) || re.Path != "objects[17].valid_from" || re.Index != 17 || re.Offset != int64(strings.Index(text, `"soon"`)) {
			t.Errorf("%+v", err)
		}
		if want := "objects[17].valid_from"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "soon") {
			t.Errorf("message %q does not name %s", err, want)
		}
		return
	}
	t.Error("no error")
}

func TestReaderPassesOnFailure(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := NewReader(io.MultiReader(strings.NewReader("["+obj(1)+","), iotest.ErrReader(broken)), ReaderOptions{})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var re *ReadError
		if _, err := r.Next(); !errors.Is(err, broken) || !errors.As(err, &re) || !re.Fatal {
			t.Errorf("got %v", err)
		}
	}
}

// endless gives a bundle of n objects without ever holding it.
type endless struct {
	n    int
	rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.n == 0 {
			return 0, io.EOF
		}
		e.n--
		e.rest = []byte(sampleIndicator + ",\n")
		if e.n == 0 {
			e.rest = []byte(sampleIndicator + "]}")
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestReaderMemory reads a bundle of 140 MB (35 if short) and looks at the live heap.
func TestReaderMemory(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 50_000
	}
	src := io.MultiReader(strings.NewReader(`{"type":"bundle","objects":[`), &endless{n: n})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most, got := m.HeapAlloc, uint64(0), 0
	for _, err := range NewReader(src, ReaderOptions{}).Objects() {
		if err != nil {
			t.Fatal(err)
		}
		if got++; got%25_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if got != n {
		t.Fatalf("%d objects, want %d", got, n)
	}
	if most > before+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, most)
	}
}

// TestHugeObjectIsNotHeld feeds one object of 64 MB under a limit of 64 KiB.
func TestHugeObjectIsNotHeld(t *testing.T) {
	huge := io.MultiReader(strings.NewReader(`[{"type":"note","x":"`), io.LimitReader(filler{}, 64<<20), strings.NewReader(`"},`+obj(1)+`]`))
	r := NewReader(huge, ReaderOptions{Limits: Limits{MaxObjectBytes: 64 << 10}})
	if _, err := r.Next(); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	if o, err := r.Next(); err != nil || o.Type != "note" {
		t.Fatal(o, err)
	}
	if c := cap(r.scan.buf); c > 1<<20 {
		t.Errorf("the buffer has grown to %d bytes", c)
	}
}

type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// genJSON draws JSON text with odd whitespace, escapes and numbers.
func genJSON(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pad := rapid.SampledFrom([]string{"", " ", "\n\t", "  \r\n"})
		kind := rapid.IntRange(0, 6).Draw(t, "kind")
		if depth == 0 && kind > 4 {
			kind = 1
		}
		switch kind {
		case 0:
			return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")
		case 1, 2:
			return genString().Draw(t, "string")
		case 3, 4:
			return rapid.SampledFrom([]string{"0", "-0", "1.50", "1e400", "-12.0E-7", "12345678901234567890"}).Draw(t, "number")
		case 5:
			var b strings.Builder
			b.WriteString("[" + pad.Draw(t, "pad"))
			for i, v := range rapid.SliceOfN(genJSON(depth-1), 0, 4).Draw(t, "list") {
				if i > 0 {
					b.WriteString("," + pad.Draw(t, "pad"))
				}
				b.WriteString(v + pad.Draw(t, "pad"))
			}
			return b.String() + "]"
		}
		var b strings.Builder
		b.WriteString("{" + pad.Draw(t, "pad"))
		for i, v := range rapid.SliceOfN(genJSON(depth-1), 0, 4).Draw(t, "members") {
			if i > 0 {
				b.WriteString("," + pad.Draw(t, "pad"))
			}
			fmt.Fprintf(&b, `"x\u005f%d\\"%s:%s%s`, i, pad.Draw(t, "pad"), pad.Draw(t, "pad"), v)
		}
		return b.String() + "}"
	})
}

func genString() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"a", `\"`, `\\`, `\u00e9`, `\ud83d\ude00`, "é", "😀", "]", "}", "{", "[", ",", ":", `\/`, " ", strings.Repeat("z", 40)})).Draw(t, "parts")
		return `"` + strings.Join(parts, "") + `"`
	})
}

// TestRoundTripProperty: whatever objects go through Reader, WriteBundle and
// Reader again come out byte for byte as they were, and every value is found where
// encoding/json finds it.
func TestRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var raws []string
		for i := range rapid.IntRange(0, 5).Draw(rt, "objects") {
			inner := genJSON(4).Draw(rt, "inner")
			form := rapid.SampledFrom([]string{
				`{"type":"x-test","id":"x-test--00000000-0000-4000-8000-%012d","x":%s}`,
				"{ \"x\"\n:%[2]s ,\t\"id\" : \"x-test--00000000-0000-4000-8000-%012[1]d\",\r\n \"type\":\"x-test\" }",
			}).Draw(rt, "form")
			raws = append(raws, fmt.Sprintf(form, i, inner))
		}
		sep := rapid.SampledFrom([]string{"\n", "", " \r\n "}).Draw(rt, "separator")
		text := strings.Join(raws, sep)
		for range 2 {
			var got []*Object
			r := NewReader(iotest.HalfReader(strings.NewReader(text)), ReaderOptions{})
			for o, err := range r.Objects() {
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, o)
			}
			if len(got) != len(raws) {
				rt.Fatalf("%d objects of %d", len(got), len(raws))
			}
			for i, o := range got {
				if string(o.Raw) != raws[i] {
					rt.Fatalf("object %d changed:\n%s\n%s", i, o.Raw, raws[i])
				}
				want, err := decodeNumbers(o.Raw)
				if err != nil {
					rt.Fatal(err)
				}
				walk(t, o.Root(), want)
			}
			var buf bytes.Buffer
			if _, err := WriteBundle(&buf, testBundleID, Raws(got...)); err != nil {
				rt.Fatal(err)
			}
			text = buf.String()
		}
	})
}

func TestBundleWriter(t *testing.T) {
	if _, err := NewBundleWriter(io.Discard, "bundle--1"); err == nil {
		t.Error("a malformed identifier was taken")
	}
	var buf bytes.Buffer
	n, err := WriteBundle(&buf, testBundleID, Raws())
	if err != nil || n != 0 || strings.TrimSpace(buf.String()) != `{"type":"bundle","id":"`+testBundleID+`"}` {
		t.Errorf("%d, %v, %s", n, err, buf.String())
	}
	bw, err := NewBundleWriter(&buf, testBundleID)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{``, `[]`, `{`, `{"a":1}{}`, `{"a":1,"a":2}`} {
		if err := bw.Write([]byte(bad)); !errors.Is(err, ErrNotObject) {
			t.Errorf("Write(%s): %v", bad, err)
		}
	}
	if err := bw.Close(); err != nil {
		t.Error(err)
	}
	if bw.Write([]byte(obj(1))) == nil || bw.Close() == nil {
		t.Error("a closed bundle takes more")
	}
	failing := func(yield func([]byte, error) bool) {
		_ = yield([]byte(obj(1)), nil) && yield(nil, io.ErrUnexpectedEOF)
	}
	if n, err := WriteBundle(io.Discard, testBundleID, failing); n != 1 || err != io.ErrUnexpectedEOF {
		t.Errorf("%d, %v", n, err)
	}
}
