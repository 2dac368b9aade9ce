package misp_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"entente/misp"
)

// TestBadInput reads what is no good event. Each fault is named with its place, and what
// is good beside it is given.
func TestBadInput(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, c := range []struct {
		name, text string
		kind       error
		path       string
		events     int // that are given
		parts      int // attributes in them
	}{
		{"truncated", smallEvent[:len(smallEvent)-200], misp.ErrSyntax, "Event", 0, 0},
		{"empty", ``, misp.ErrFormat, "", 0, 0},
		{"no JSON", `<xml/>`, misp.ErrSyntax, "", 0, 0},
		{"not an event", `{"a": 1}`, misp.ErrFormat, "", 0, 0},
		{"a string", `"event"`, misp.ErrKind, "", 0, 0},
		{"an array with something else", `[{"Event":{"uuid":"a","info":"b"}}, 7]`, misp.ErrKind, "[1]", 1, 0},
		{"attribute that is none", `{"Event":{"info":"b","Attribute":[{"value":"1"},"x",{"value":"2"}]}}`, misp.ErrKind, "Event.Attribute[1]", 1, 2},
		{"name twice in an attribute", `{"response":[{"Event":{"info":"b","Attribute":[{"value":"1","value":"2"},{"value":"2"}]}}]}`, misp.ErrDuplicateName,
			"response[0].Event.Attribute[0].value", 1, 1},
		{"name twice in an event", `{"Event":{"info":"b","info":"c"}}`, misp.ErrDuplicateName, "Event.info", 0, 0},
		{"list twice in an event", `{"Event":{"info":"b","Attribute":[],"Attribute":[{"value":"1"}]}}`, misp.ErrDuplicateName, "Event.Attribute", 0, 0},
		{"name twice, deep", `{"Event":{"info":"b","Org":{"a":{"b":1,"b":2}}}}`, misp.ErrDuplicateName, "Event.Org.a.b", 0, 0},
		{"no UTF-8", "{\"Event\":{\"info\":\"b\",\"Object\":[{\"name\":\"\xff\"},{\"name\":\"x\"}]}}", misp.ErrInvalidUTF8, "Event.Object[0].name", 1, 0},
		{"half a surrogate", `{"Event":{"info":"b","EventReport":[{"name":"\ud800"}]}}`, misp.ErrInvalidUTF8, "Event.EventReport[0].name", 1, 0},
		{"deep attribute", `{"Event":{"info":"b","Attribute":[{"x":` + deep + `}]}}`, misp.ErrTooDeep, "Event.Attribute[0]", 1, 0},
		{"deep member", `{"Event":{"info":"b","x":` + deep + `}}`, misp.ErrTooDeep, "Event", 0, 0},
		{"deep frame", strings.Repeat(`[`, 20), misp.ErrFormat, "[0][0][0][0]", 0, 0},
		{"something beside an event", `{"Event":{"info":"b"},"more":1}`, misp.ErrFormat, "more", 1, 0},
	} {
		events, parts := 0, 0
		var first error
		for e, err := range misp.NewReader(strings.NewReader(c.text), misp.Limits{}).Events() {
			if err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			events++
			for range e.Attributes() {
				parts++
			}
		}
		if c.name == "empty" {
			if first != nil {
				t.Errorf("empty: %v", first)
			}
			_, first = misp.Parse([]byte(c.text), misp.Limits{})
		}
		var own *misp.Error
		if !errors.Is(first, c.kind) || !errors.As(first, &own) || !strings.HasPrefix(own.Path, c.path) {
			t.Errorf("%s: %v, want %v at %s", c.name, first, c.kind, c.path)
		}
		if events != c.events || parts != c.parts {
			t.Errorf("%s: %d events with %d attributes, want %d with %d", c.name, events, parts, c.events, c.parts)
		}
		if _, err := misp.Parse([]byte(c.text), misp.Limits{}); err == nil {
			t.Errorf("%s: Parse took it", c.name)
		}
	}
}

// TestForms reads events in all the forms in which they come.
func TestForms(t *testing.T) {
	bare := `{"uuid":"a","info":"b","Attribute":[{"value":"1"}]}`
	one := `{"Event":` + bare + `}`
	for text, want := range map[string]int{
		bare: 1, one: 1, one + one: 2, one + "\n" + bare: 2, "[" + one + "," + bare + "]": 2, `{"response":[` + one + `,` + one + `]}`: 2,
		`{"response":` + one + `}`: 1, `[{"response":[` + one + `]}]`: 1, "\n ": 0, `[]`: 0, `{"response":[]}`: 0,
	} {
		n := 0
		for e, err := range misp.NewReader(iotest.OneByteReader(strings.NewReader(text)), misp.Limits{}).Events() {
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if n++; e.Info() != "b" || len(e.List("Attribute")) != 1 {
				t.Errorf("%s: %s", text, e.AppendJSON(nil))
			}
		}
		if n != want {
			t.Errorf("%s: %d events", text, n)
		}
	}
}

// TestReaderFails tells of a source that fails.
func TestReaderFails(t *testing.T) {
	broken := errors.New("the line broke")
	r := io.MultiReader(strings.NewReader(`{"Event":{"info":"b","Attribute":[{"value":"1"},`), iotest.ErrReader(broken))
	var last error
	n := 0
	for el, err := range misp.NewReader(r, misp.Limits{}).Elements() {
		if last = err; err == nil && el.Kind == misp.AttributeElement {
			n++
		}
	}
	var own *misp.Error
	if !errors.Is(last, broken) || !errors.As(last, &own) || !own.Fatal || n != 1 {
		t.Errorf("%v after %d attributes", last, n)
	}
}

// TestLimits reaches every limit of the reader.
func TestLimits(t *testing.T) {
	many := `{"Event":{"info":"b","Attribute":[` + strings.Repeat(`{"value":"1"},`, 20) + `{"value":"2"}]}}`
	for _, c := range []struct {
		name string
		lim  misp.Limits
		text string
		kind error
	}{
		{"MaxElementBytes", misp.Limits{MaxElementBytes: 100}, `{"Event":{"info":"b","Attribute":[{"value":"` + strings.Repeat("x", 200) + `"}]}}`, misp.ErrTooLarge},
		{"MaxElementBytes, far", misp.Limits{MaxElementBytes: 100}, `{"Event":{"info":"b","Attribute":[{"value":"` + strings.Repeat("x", 1<<20) + `"}]}}`, misp.ErrTooLarge},
		{"MaxHeaderBytes", misp.Limits{MaxHeaderBytes: 1000}, `{"Event":{"info":"` + strings.Repeat("x", 1<<20) + `"}}`, misp.ErrTooLarge},
		{"MaxHeaderBytes, many", misp.Limits{MaxHeaderBytes: 1000}, `{"Event":{"info":"x"` + numbered(200) + `}}`, misp.ErrTooLarge},
		{"MaxEventBytes", misp.Limits{MaxEventBytes: 150}, many, misp.ErrTooLarge},
		{"MaxDepth", misp.Limits{MaxDepth: 2}, `{"Event":{"info":"b","Attribute":[{"Tag":[{"name":"x"}]}]}}`, misp.ErrTooDeep},
		{"MaxElements", misp.Limits{MaxElements: 10}, many, misp.ErrTooLarge},
	} {
		var found error
		for _, err := range misp.NewReader(strings.NewReader(c.text), c.lim).Events() {
			if err != nil {
				found = err
			}
		}
		if !errors.Is(found, c.kind) {
			t.Errorf("%s: %v", c.name, found)
		}
	}
	// Depth beyond 1000 is not to be had.
	deep := strings.Repeat("[", 1001) + strings.Repeat("]", 1001)
	if _, err := misp.Parse([]byte(`{"info":"b","x":`+deep+`}`), misp.Limits{MaxDepth: 1 << 20}); !errors.Is(err, misp.ErrTooDeep) {
		t.Errorf("depth: %v", err)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d":"y"`, i)
	}
	return b.String()
}

// endless is an event whose attributes do not end until n bytes were read.
type endless struct {
	head string
	unit string
	n    int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.unit)
	if n < len(e.unit) {
		e.head = e.unit[n:]
	}
	e.n -= len(e.unit)
	return n, nil
}

// TestLargeEventInLittleMemory streams an event of 200 MB.
func TestLargeEventInLittleMemory(t *testing.T) {
	unit := `{"type":"ip-dst","value":"192.0.2.1","comment":"` + strings.Repeat("x", 4000) + `"},`
	src := &endless{head: `{"Event":{"uuid":"a","info":"b","Attribute":[`, unit: unit, n: 200 << 20}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most, n := uint64(0), 0
	for el, err := range misp.NewReader(src, misp.Limits{}).Elements() {
		if err != nil {
			if !errors.Is(err, misp.ErrSyntax) {
				t.Fatal(err)
			}
			break // the text ends in the middle
		}
		if n++; n%5000 == 0 && el.Kind == misp.AttributeElement {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	if n < 50_000 {
		t.Fatalf("%d attributes", n)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// TestMembers changes parts of an event.
func TestMembers(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	if string(e.Raw("x_unknown")) != `{"kept":[1,2.50,null]}` {
		t.Errorf("%s", e.Raw("x_unknown"))
	}
	c := e.Clone()
	c.Delete("x_unknown")
	c.List("Attribute")[0].SetText("value", "198.51.100.1")
	if err := c.SetRaw("x_new", []byte(`{ "a" : [1] }`)); err != nil || string(c.Raw("x_new")) != `{"a":[1]}` {
		t.Errorf("%v: %s", err, c.Raw("x_new"))
	}
	for _, bad := range []string{`{"a":`, `{"a":1,"a":2}`, "\"\xff\"", ``} {
		if err := c.SetRaw("x_bad", []byte(bad)); !errors.Is(err, misp.ErrSyntax) || c.Has("x_bad") {
			t.Errorf("SetRaw(%q): %v", bad, err)
		}
	}
	if !e.Has("x_unknown") || e.List("Attribute")[0].Text("value") != "192.0.2.17" {
		t.Error("a change of the clone changed the original")
	}
	if d := misp.Difference(e, &misp.Event{Members: c}); d == "" {
		t.Error("no difference")
	}
	m := &misp.Members{}
	_ = m.SetRaw("list", []byte(`["a",1,"b",{"c":"d"}]`))
	if got := m.Texts("list"); len(got) != 2 || got[1] != "b" {
		t.Errorf("%q", got)
	}
	for name, raw := range map[string]string{"a": `"1"`, "b": `1`, "c": `true`, "d": `"true"`} {
		_ = m.SetRaw(name, []byte(raw))
		if !m.Flag(name) {
			t.Errorf("%s is not set", raw)
		}
	}
	if n, ok := m.Int("a"); n != 1 || !ok || m.Flag("none") || m.Text("list") != "" || m.Kind("none") != 0 {
		t.Error("values are read wrongly")
	}
}

// TestDifference ignores order where the format does, and nothing else.
func TestDifference(t *testing.T) {
	a := mustParse(t, []byte(`{"uuid":"a","info":"b","Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"y"}]},{"uuid":"2"}],"n":[1,2]}`))
	for text, want := range map[string]string{
		`{"info":"b","uuid":"a","n":[1.0,2],"Attribute":[{"uuid":"2"},{"Tag":[{"name":"y"},{"name":"x"}],"uuid":"1"}]}`:     "",
		`{"uuid":"a","info":"b","Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"z"}]},{"uuid":"2"}],"n":[1,2]}`:       "Attribute[0].Tag",
		`{"uuid":"a","info":"b","Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"y"}]},{"uuid":"2"}],"n":[2,1]}`:       "n",
		`{"uuid":"a","info":"b","Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"y"}]},{"uuid":"2"}],"n":["1",2]}`:     "n",
		`{"uuid":"a","info":"b","Attribute":[{"uuid":"2"}],"n":[1,2]}`:                                                      "Attribute: 2 elements",
		`{"uuid":"a","info":"b","Attribute":{},"n":[1,2]}`:                                                                  "Attribute: differs in kind",
		`{"uuid":"a","info":"b","Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"y"}]},{"uuid":"2"}]}`:                 "n: is in only one",
		`{"uuid":"a","info":null,"Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"y"}]},{"uuid":"2"}],"n":[1,2]}`:      "info",
		`{"uuid":"a","info":"b","Attribute":[{"uuid":"1","Tag":[{"name":"x"},{"name":"y"}]},{"uuid":"2"}],"n":[1,2],"m":1}`: "m: is in only one",
	} {
		if got := misp.Difference(a, mustParse(t, []byte(text))); want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestReaderByteOrderMark: a mark before the text is no part of it, however little comes
// at a time.
func TestReaderByteOrderMark(t *testing.T) {
	const event = `{"Event":{"uuid":"5c000000-0000-4000-8000-000000000001","info":"x"}}`
	for _, text := range []string{event, "\xef\xbb\xbf" + event} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			n := 0
			for e, err := range misp.NewReader(r, misp.Limits{}).Events() {
				if err != nil || e.Info() != "x" {
					t.Errorf("%q: %v", text, err)
				}
				n++
			}
			if n != 1 {
				t.Errorf("%q: %d events", text, n)
			}
		}
	}
	for _, text := range []string{"\xef\xbb", "\xef\xbb\xbf\xef\xbb\xbf" + event} {
		for _, err := range misp.NewReader(strings.NewReader(text), misp.Limits{}).Events() {
			if err == nil {
				t.Errorf("%q is read", text)
			}
		}
	}
}

// TestReaderAttributesAlone: what an instance answers to a search for attributes says what
// is missing.
func TestReaderAttributesAlone(t *testing.T) {
	n := 0
	for e, err := range misp.NewReader(strings.NewReader(`{"response":{"Attribute":[{"type":"domain","value":"x.example"}]}}`), misp.Limits{}).Events() {
		if n++; e != nil || !errors.Is(err, misp.ErrFormat) || !strings.Contains(err.Error(), "search for them") {
			t.Errorf("%v, %v", e, err)
		}
	}
	if n != 1 {
		t.Errorf("told %d times", n)
	}
}
