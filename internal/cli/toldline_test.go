package cli

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	fastjson "github.com/go-json-experiment/json"

	"entente/internal/node"
)

// sameTold holds toldLine to the reader of JSON, and tells whether it read the line.
func sameTold(t *testing.T, line string) bool {
	t.Helper()
	var got, want node.WatchBucket
	if !toldLine(line, &got) {
		return false
	}
	if err := fastjson.Unmarshal([]byte(line), &want); err != nil {
		t.Fatalf("%s: it was read, and is wrong: %v", line, err)
	}
	if got.Bucket != want.Bucket || got.Indicator != want.Indicator || len(got.Values) != len(want.Values) || len(want.Patterns) > 0 {
		t.Fatalf("%s: %+v, not %+v", line, got, want)
	}
	for i, v := range got.Values {
		w := want.Values[i]
		if !v.From.Equal(w.From) || !v.Until.Equal(w.Until) || v.Type != w.Type || v.Value != w.Value || v.Indicator != w.Indicator || v.TLP != w.TLP {
			t.Fatalf("%s: value %d is %+v, not %+v", line, i, v, w)
		}
	}
	return true
}

// TestToldLine: what nodes write is read the short way, unless it has patterns.
func TestToldLine(t *testing.T) {
	v := node.WatchValue{Type: "url", Value: "http://a.example/?a=1&b=<ü>\"\\", Indicator: "indicator--00000000-0000-4000-8000-000000000001", Name: "a\nb", TLP: "TLP:AMBER", Confidence: -1}
	w := v
	w.Confidence, w.From, w.Until = 100, time.Unix(1.7e9, 5).UTC(), time.Unix(1.8e9, 0).UTC()
	for _, b := range []node.WatchBucket{{Bucket: 4095, Values: []node.WatchValue{}}, {Values: []node.WatchValue{v, w, w, v}}, {Bucket: 7, Indicator: v.Indicator, Values: []node.WatchValue{w}}} {
		plain, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var as bytes.Buffer // the other way of escaping
		e := json.NewEncoder(&as)
		e.SetEscapeHTML(false)
		if err := e.Encode(b); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{string(plain), string(bytes.TrimSuffix(as.Bytes(), []byte("\n")))} {
			if !sameTold(t, line) {
				t.Errorf("%s is not read", line)
			}
		}
	}
}

// TestToldLineMutated: so it is with lines that are nearly as nodes write them.
func TestToldLineMutated(t *testing.T) {
	const value = `{"type":"domain","value":"a\u0026.example","indicator":"indicator--00000000-0000-4000-8000-000000000001","name":"é","tlp":"TLP:AMBER","valid_from":"2024-01-01T00:00:00Z","valid_until":"2024-02-29T23:59:59.5Z","confidence":-1}`
	parts := []string{`"`, `\`, `,`, `:`, `{`, `}`, `[`, `]`, ` `, `0`, `9`, `-`, `Z`, `null`, `true`, `\u00e9`, `\ud800`, "\xff", "\x7f", "\n", `"bucket":2`, `"values":[]`, `"patterns":[]`, `"type":"x"`, `"tlp":""`, `"other":1`}
	r := rand.New(rand.NewPCG(15, 16))
	read := 0
	for range 20_000 {
		line := `{"bucket":17,"values":[` + value + `,` + value + `]}`
		for range 1 + r.IntN(2) {
			at := r.IntN(len(line) + 1)
			line = line[:at] + parts[r.IntN(len(parts))] + line[min(at+r.IntN(3), len(line)):]
		}
		if sameTold(t, line) {
			read++
		}
	}
	if read < 1000 {
		t.Errorf("%d lines were read the short way", read)
	}
}

// FuzzToldLine: what is read the short way is what the reader of JSON makes of it.
func FuzzToldLine(f *testing.F) {
	for _, s := range []string{`{}`, `{"bucket":1,"values":[]}`, `{"bucket":-0,"indicator":"x\u0041\ud800","values":[{}]}`, `{"values":[{"type":"a","value":"b","name":"\u00e9","tlp":"","confidence":-1,"valid_from":"2024-02-30T00:00:00Z"},{"valid_until":"2024-02-29T23:59:60.5Z"}]}`,
		`{"bucket":01}`, `{"bucket":1,"bucket":1}`, `{"bucket":1}x`, `{"values":[{"type":null}]}`, `{"values":[{}},{}]}`, `{"bucket":1,}`, "{\"indicator\":\"\xff\"}", "{\"indicator\":\"\x7f\"}", `{"values":[{"valid_from":"2024-02-29T23:59:59.123456789Z","valid_until":"2024-02-29T23:59:59.123456789Z"}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) { sameTold(t, line) })
}
