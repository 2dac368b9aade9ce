package pattern

import (
	"strings"
	"testing"
)

// typicalPatterns are of the forms that most indicators have.
var typicalPatterns = []string{
	`[domain-name:value = 'www.example.com']`,
	`[ipv4-addr:value = '198.51.100.7']`,
	`[url:value = 'http://www.example.com/path/index.php?id=17']`,
	`[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']`,
	`[email-addr:value = 'somebody@example.com']`,
	`[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4' OR file:hashes.'SHA-1' = '0123456789012345678901234567890123456789']`,
}

// longPattern is the longest example of the specification.
const longPattern = `[user-account:account_type = 'unix' AND user-account:user_id = '1007' AND user-account:account_login = 'Peter'] AND [user-account:account_type = 'unix' AND user-account:user_id = '1008' AND user-account:account_login = 'Paul'] AND [user-account:account_type = 'unix' AND user-account:user_id = '1009' AND user-account:account_login = 'Mary']`

func BenchmarkParse(b *testing.B) {
	for _, x := range []struct {
		name     string
		patterns []string
	}{{"typical", typicalPatterns}, {"domain", typicalPatterns[:1]}, {"long", []string{longPattern}}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(strings.Join(x.patterns, "")) / len(x.patterns)))
			for i := 0; b.Loop(); i++ {
				if _, err := Parse(x.patterns[i%len(x.patterns)]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "patterns/s")
		})
	}
}

// BenchmarkCheck is what validation does of each indicator: read and check.
func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		t, err := Parse(typicalPatterns[i%len(typicalPatterns)])
		if err != nil || t.Check() != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "patterns/s")
}

// BenchmarkAtoms is what indexing does of each indicator.
func BenchmarkAtoms(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := ExtractAtoms(typicalPatterns[i%len(typicalPatterns)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "patterns/s")
}

func BenchmarkCanonical(b *testing.B) {
	t, err := Parse(longPattern)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = t.Append(buf[:0])
	}
}

// BenchmarkMatch looks for one value, and for a sequence, in 10,000 observations.
func BenchmarkMatch(b *testing.B) {
	observed := events(10_000, 1_000_000_000, person)
	for name, text := range map[string]string{
		"value":    `[p:n = 9999]`,
		"sequence": `([p:n = 1000] FOLLOWEDBY [p:n > 5000] FOLLOWEDBY [p:n = 5060]) WITHIN 5000 SECONDS`,
		"repeats":  `[p:x = 'x'] REPEATS 1000 TIMES WITHIN 1000 SECONDS`,
	} {
		p, err := Compile(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r, err := p.Match(observed); err != nil || !r.Matched {
					b.Fatal(r, err)
				}
			}
		})
	}
}
