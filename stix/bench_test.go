package stix

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

const sampleIndicator = `{"type":"indicator","spec_version":"2.1","id":"indicator--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created_by_ref":"identity--ab7f7fd1-5715-42e8-b5d6-ee329b812939","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"example: http://192.0.2.45","indicator_types":["malicious-activity"],"pattern":"[url:value = 'http://192.0.2.45']","pattern_type":"stix","pattern_version":"2.1","valid_from":"2024-01-01T00:00:00.000Z","labels":["malware","example","url"],"confidence":65,"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],"external_references":[{"source_name":"example","url":"https://example.org/pulse/5d8201965473b98dbf01a84f"}]}`

func BenchmarkParse(b *testing.B) {
	raw := []byte(sampleIndicator)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	defer perCore(b, 1)()
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// bigStream is a bundle of n indicators.
func bigStream(n int) []byte {
	var buf bytes.Buffer
	buf.WriteString(`{"type":"bundle","id":"` + testBundleID + `","objects":[`)
	for i := range n {
		if i > 0 {
			buf.WriteString(",\n")
		}
		buf.WriteString(sampleIndicator)
	}
	buf.WriteString("]}")
	return buf.Bytes()
}

func BenchmarkReader(b *testing.B) {
	const n = 10_000
	b.Run("bundle", func(b *testing.B) { benchmarkReader(b, bigStream(n), n) })
	b.Run("ndjson", func(b *testing.B) { benchmarkReader(b, bytes.Repeat([]byte(sampleIndicator+"\n"), n), n) })
}

func benchmarkReader(b *testing.B, text []byte, n int) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		got := 0
		for _, err := range NewReader(bytes.NewReader(text), ReaderOptions{}).Objects() {
			if err != nil {
				b.Fatal(err)
			}
			got++
		}
		if got != n {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// cleanIndicator has everything that is advised.
var cleanIndicator = strings.NewReplacer(`"indicator_types"`, `"description":"A URL that serves malware.","indicator_types"`,
	`"url":"https://example.org/pulse/5d8201965473b98dbf01a84f"`, `"external_id":"5d8201965473b98dbf01a84f"`).Replace(sampleIndicator)

// BenchmarkParseAndValidate reads and judges one indicator: what it must be, what it
// should be (one with nothing to complain of, and one with two complaints).
func BenchmarkParseAndValidate(b *testing.B) {
	for _, c := range []struct {
		name     string
		text     string
		validate func(*Object) []Problem
		want     int
	}{
		{"must", sampleIndicator, ValidateMust, 0},
		{"both", cleanIndicator, Validate, 0},
		{"both-two-problems", sampleIndicator, Validate, 2},
	} {
		b.Run(c.name, func(b *testing.B) {
			raw := []byte(c.text)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			defer perCore(b, 1)()
			for b.Loop() {
				o, err := Parse(raw)
				if err != nil {
					b.Fatal(err)
				}
				if p := c.validate(o); len(p) != c.want {
					b.Fatal(p)
				}
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, text := range []string{cleanIndicator,
		`{"type":"file","spec_version":"2.1","id":"file--2a387450-91c3-5e26-8af3-0ac55e1fa4af","hashes":{"SHA-256":"fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db"},"size":25536,"name":"foo.dll"}`,
		objectText("malware", `"name":"n","is_family":true,"malware_types":["ransomware"],"kill_chain_phases":[{"kill_chain_name":"k","phase_name":"p"}]`),
	} {
		o := mustParse(b, text)
		b.Run(o.Type, func(b *testing.B) {
			b.ReportAllocs()
			defer perCore(b, 1)()
			for b.Loop() {
				Validate(o)
			}
		})
	}
}

// BenchmarkJSONText is the part of Parse that jsontext takes, for comparison.
func BenchmarkJSONText(b *testing.B) {
	raw := []byte(sampleIndicator)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if !jsontext.Value(raw).IsValid() {
			b.Fatal("invalid")
		}
	}
}

// BenchmarkEncodingJSON is what encoding/json takes to unmarshal the same bytes into
// a struct of the same properties, for comparison.
func BenchmarkEncodingJSON(b *testing.B) {
	raw := []byte(sampleIndicator)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	defer perCore(b, 1)()
	for b.Loop() {
		var v struct {
			Type           string   `json:"type"`
			SpecVersion    string   `json:"spec_version"`
			ID             string   `json:"id"`
			CreatedByRef   string   `json:"created_by_ref"`
			Created        string   `json:"created"`
			Modified       string   `json:"modified"`
			Name           string   `json:"name"`
			IndicatorTypes []string `json:"indicator_types"`
			Pattern        string   `json:"pattern"`
			PatternType    string   `json:"pattern_type"`
			PatternVersion string   `json:"pattern_version"`
			ValidFrom      string   `json:"valid_from"`
			Labels         []string `json:"labels"`
			Confidence     int      `json:"confidence"`
			Markings       []string `json:"object_marking_refs"`
			References     []struct {
				SourceName string `json:"source_name"`
				URL        string `json:"url"`
			} `json:"external_references"`
		}
		if err := json.Unmarshal(raw, &v); err != nil || v.Confidence != 65 {
			b.Fatal(err)
		}
	}
}
