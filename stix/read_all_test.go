package stix

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestBadInput: what is wrong with one object is told with its place, and the good ones
// beside it are kept, or none if that is asked.
func TestBadInput(t *testing.T) {
	good := objectText("tool", `"name":"n"`)
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for bad, want := range map[string]string{
		`7`:                        "objects[1]: not a JSON object",
		`{"type":"tool","id":"x"}`: "objects[1].id: malformed property",
		`{"type":"tool","id":"tool` + uuid1 + `","name":"a","name":"b"}`:                   "objects[1].name: duplicate member name",
		"{\"type\":\"tool\",\"id\":\"tool" + uuid1 + "\",\"name\":\"\xff\"}":               "objects[1].name: invalid UTF-8",
		`{"type":"tool","id":"tool` + uuid1 + `","name":"\ud800"}`:                         "objects[1].name: invalid UTF-8",
		`{"type":"tool","id":"tool` + uuid1 + `","x":` + deep + `}`:                        "objects[1]: nested too deeply",
		`{"type":"tool","id":"tool` + uuid1 + `","x":"` + strings.Repeat("a", 5000) + `"}`: "objects[1]: too large",
		`{"type":"tool","id":"tool` + uuid1 + `","modified":"2024-01-01T24:00:00Z"}`:       "objects[1].modified: malformed property",
		`{"type":"tool","id":"tool` + uuid1 + `","revoked":"yes"}`:                         "objects[1].revoked: malformed property",
		`{"type":"tool","id":"campaign` + uuid1 + `"}`:                                     "objects[1].id: malformed property",
		`{"type":"bundle","id":"bundle` + uuid1 + `"}`:                                     "objects[1].type: not a stream of STIX objects",
	} {
		text := `{"type":"bundle","id":"bundle` + uuid1 + `","objects":[` + good + "," + bad + "," + good + `]}`
		opts := ReaderOptions{Limits: Limits{MaxObjectBytes: 4096}}
		objects, refused := ReadAll(strings.NewReader(text), opts, false)
		if len(objects) != 2 || len(refused) != 1 || !strings.Contains(refused[0].Error(), want) {
			t.Errorf("%.100s: %d objects, %v", bad, len(objects), refused)
		}
		if objects, refused = ReadAll(strings.NewReader(text), opts, true); objects != nil || len(refused) != 1 {
			t.Errorf("%.100s: all or none gave %d objects, %v", bad, len(objects), refused)
		}
	}
	// A stream that ends too early, at every byte: the objects before the end are kept, and
	// the error says where.
	whole := `{"type":"bundle","id":"bundle` + uuid1 + `","objects":[` + good + "," + good + `]}`
	for n := 1; n < len(whole); n++ {
		objects, refused := ReadAll(strings.NewReader(whole[:n]), ReaderOptions{}, false)
		var re *ReadError
		want := 0
		if n >= strings.Index(whole, good)+len(good) {
			want = 1
		}
		if n >= strings.LastIndex(whole, good)+len(good) {
			want = 2
		}
		if len(refused) != 1 || !errors.As(refused[0], &re) || !re.Fatal || re.Offset > int64(n) || len(objects) != want {
			t.Fatalf("cut at %d: %d objects, %v", n, len(objects), refused)
		}
	}
	// Strict refuses what breaks a MUST.
	if objects, refused := ReadAll(strings.NewReader(objectText("tool", `"name":7`)+good), ReaderOptions{Strict: true}, false); len(objects) != 1 ||
		len(refused) != 1 || !strings.Contains(refused[0].Error(), "[0].name") {
		t.Errorf("%v, %v", objects, refused)
	}
}

func TestReadAllLimit(t *testing.T) {
	text := "[" + strings.Repeat("7,", maxRefused+5) + "8]"
	if _, refused := ReadAll(strings.NewReader(text), ReaderOptions{}, false); len(refused) != maxRefused ||
		!strings.Contains(refused[maxRefused-1].Error(), fmt.Sprintf("[%d]", maxRefused+5)) {
		t.Errorf("%d errors, the last %v", len(refused), refused[len(refused)-1])
	}
}

func TestBundleProblems(t *testing.T) {
	object := objectText("tool", `"name":"n"`)
	for text, want := range map[string]string{
		`{"type":"bundle","id":"bundle` + uuid1 + `","objects":[` + object + `]}`: "",
		`{"objects":[` + object + `],"id":"bundle` + uuid1 + `","type":"bundle"}`: "",
		`{"type":"bundle","id":"bundle` + uuid1 + `"}`:                            "",
		`{"type":"bundle","id":"bundle` + uuid1 + `","objects":[]}`:               "empty@objects",
		`{"objects":[` + object + `]}`:                                            "missing@type missing@id",
		`{"type":"bundle","id":"tool` + uuid1 + `","objects":[` + object + `]}`:   "identifier@id",
		`{"type":"bundle","id":"bundle--2a387450-91c3-7e26-8af3-0ac55e1fa4af"}`:   "identifier@id",
	} {
		r := NewReader(bytes.NewReader([]byte(text)), ReaderOptions{})
		for _, err := range r.Objects() {
			if err != nil {
				t.Fatal(text, err)
			}
		}
		info, ok := r.Bundle()
		if got := codes(info.Problems()); !ok || got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if p := (BundleInfo{Type: "bundle", ID: "bundle--2a387450-91c3-5e26-8af3-0ac55e1fa4af"}).Problems(); len(p) != 1 || p[0].Must || p[0].Check != 103 {
		t.Error(p)
	}
}
