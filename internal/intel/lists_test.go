package intel

import (
	"fmt"
	"testing"

	"entente/internal/observable"
	"entente/stix"
)

// BenchmarkListKeys makes what one object is found by beside its values.
func BenchmarkListKeys(b *testing.B) {
	for name, text := range map[string]string{
		"indicator": `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-91c3-4e26-8af3-000000000000","created_by_ref":"identity--ab7f7fd1-5715-42e8-b5d6-ee329b812939","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"family_311: h5.malicious.example","indicator_types":["malicious-activity"],"pattern":"[url:value = 'http://h5.example/gate.php?id=7']","pattern_type":"stix","pattern_version":"2.1","valid_from":"2024-01-01T00:00:00Z","labels":["malware","family_7"],"confidence":65,"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],"external_references":[{"source_name":"feed","url":"https://feed.example/pulse/1"}]}`,
		"prose":     `{"type":"malware","spec_version":"2.1","id":"malware--00000000-91c3-4e26-8af3-000000000000","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"a","is_family":false,"description":"It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of darkness"}`,
	} {
		o, err := stix.Parse([]byte(text))
		if err != nil {
			b.Fatal(err)
		}
		values := observable.FromObject(o)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(listKeysOf(o, values)) == 0 {
					b.Fatal(fmt.Errorf("nothing"))
				}
			}
		})
	}
}
