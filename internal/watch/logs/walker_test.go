package logs

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// reference reads a JSON object with a library that is known to be right.
func reference(t *testing.T, line []byte) (leaves []leaf, ok bool) {
	d := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != '{' || len(bytes.TrimLeft(line, " \t\r\n")) == 0 {
		return nil, false
	}
	path := func() string {
		var parts []string
		for i := 1; i <= d.StackDepth(); i++ {
			kind, n := d.StackIndex(i)
			if kind == '[' {
				parts = append(parts, strconv.FormatInt(n-1, 10))
			} else {
				parts = append(parts, "\x00")
			}
		}
		names := d.StackPointer()
		i := 0
		for token := range names.Tokens() {
			if i < len(parts) && parts[i] == "\x00" {
				parts[i] = token
			}
			i++
		}
		return strings.Join(parts, ".")
	}
	for {
		depth := d.StackDepth()
		if depth == 0 && d.InputOffset() > 0 {
			_, err := d.ReadToken()
			return leaves, err == io.EOF // there is one object
		}
		kind, n := d.StackIndex(depth)
		tok, err := d.ReadToken()
		if err == io.EOF {
			return leaves, true
		}
		if err != nil {
			return nil, false
		}
		name := kind == '{' && n%2 == 0
		if depth > MaxDepth {
			return nil, false
		}
		switch tok.Kind() {
		case '"':
			if !name {
				leaves = append(leaves, leaf{kind: leafText, path: path(), text: tok.String()})
			}
		case '0':
			leaves = append(leaves, leaf{kind: leafNumber, path: path(), text: tok.String()})
		case 't', 'f':
			leaves = append(leaves, leaf{kind: leafBool, path: path(), text: tok.String()})
		case 'n':
			leaves = append(leaves, leaf{kind: leafNull, path: path()})
		}
	}
}

func same(t *testing.T, line []byte) {
	want, ok := reference(t, line)
	var w walker
	err := w.walk(line)
	if !ok {
		return
	}
	if err != nil {
		t.Fatalf("%q is JSON, and not read: %v", line, err)
	}
	if len(want) != len(w.leaves) {
		t.Fatalf("%q: %d values instead of %d: %+v", line, len(w.leaves), len(want), w.leaves)
	}
	for i, l := range want {
		got := w.leaves[i]
		path := l.path[:min(len(l.path), MaxPath)]
		if got.kind != l.kind || got.text != l.text || got.path != path {
			t.Fatalf("%q: value %d is %+v instead of %+v", line, i, got, l)
		}
	}
}

// TestWalkerIsJSON: what is JSON is read as a library of JSON reads it.
func TestWalkerIsJSON(t *testing.T) {
	for _, line := range []string{
		`{}`, `{"a":1}`, `{"a":"\u0065vil.com"}`, `{"a":"\ud83d\ude00 \\ \" \/ \b\f\n\r\t"}`, `{"\u0061":{"b":[1,[2,{"c":null}],true,"x"]}}`, ` { "a" : [ ] , "b" : { } , "c" : -1.5e+3 } `,
		`{"a":"1","a":"2"}`, `{"":{"":""}}`, `{"a":"\\\\"}`, `{"a":"x\\"}`,
	} {
		same(t, []byte(line))
	}
}

// TestWalkerKeepsWhatItRead: a line that is cut or wrong says what it said before.
func TestWalkerKeepsWhatItRead(t *testing.T) {
	for line, want := range map[string]string{
		`{"a":"evil.com","b":`: "evil.com", `{"a":"evil.com"`: "evil.com", `{"a":"evil.com`: "evil.com", `{"a":"evil.com" "b":1}`: "evil.com",
		`{"a":"evil.com"} tail`: "evil.com", "{\"a\":\"ev\xffil.com\"}": "ev\xffil.com", `{"a":"\ud800x"}`: "\ufffdx", `{"a":"\q"}`: `\q`, `{"a":"\u12"}`: `\u12`,
	} {
		var w walker
		_ = w.walk([]byte(line))
		if len(w.leaves) == 0 || w.leaves[0].text != want {
			t.Errorf("%s: %+v instead of %q", line, w.leaves, want)
		}
	}
}

// TestWalkerIsBounded: depth, values and the texts of paths.
func TestWalkerIsBounded(t *testing.T) {
	var w walker
	if err := w.walk([]byte(strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1))); err == nil {
		t.Error("deeper than is read, and read")
	}
	if err := w.walk([]byte(`{"a":[` + strings.Repeat("1,", MaxValues) + "1]}")); err == nil || len(w.leaves) != MaxValues {
		t.Errorf("%d values: %v", len(w.leaves), err)
	}
	long := strings.Repeat("k", 1<<20)
	if err := w.walk([]byte(`{"` + long + `":[` + strings.Repeat(`"",`, 10_000) + `""]}`)); err != nil {
		t.Error(err)
	}
	if got := cap(w.scratch.b); got > 64<<20 {
		t.Errorf("%d bytes for paths", got)
	}
	key, texts := strings.Repeat("k", 1000), 0
	flat := `{"` + key + `":[` + strings.Repeat("0,", 60_000) + `"evil.com"]}`
	if err := w.walk([]byte(flat)); err != nil || len(w.leaves) != 60_001 || w.leaves[60_000].text != "evil.com" || w.leaves[60_000].place != key || w.leaves[1].path != key+".1" {
		t.Errorf("%d values: %v", len(w.leaves), err)
	}
	for i, l := range w.leaves {
		if i == 0 || unsafe.StringData(l.path) != unsafe.StringData(w.leaves[i-1].path) {
			texts += len(l.path)
		}
	}
	if texts > maxPaths+2*len(key) {
		t.Errorf("%d bytes for the paths of a line of %d", texts, len(flat))
	}
	var deep strings.Builder
	deep.WriteString(`{"` + key + `":{"k":0`)
	for i := range 60_000 {
		fmt.Fprintf(&deep, `,"%d":0`, i)
	}
	if err := w.walk([]byte(deep.String() + "}}")); err == nil || len(w.leaves) < maxPaths/(len(key)+8) || cap(w.scratch.b) > 8*maxPaths {
		t.Errorf("%d values of one place each: %v; %d bytes", len(w.leaves), err, cap(w.scratch.b))
	}
	w.scratch.reset()
	if got := cap(w.scratch.b); got > maxScratch {
		t.Errorf("%d bytes are kept", got)
	}
}

func FuzzWalker(f *testing.F) {
	f.Add([]byte(`{"a":["\u0065",1,{"b":null}]}`))
	f.Add([]byte(`{"a":"x`))
	f.Fuzz(func(t *testing.T, line []byte) { same(t, line) })
}
