package stix

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharedData is where the real input lies that the repository does not ship.
const sharedData = "../../shared/data"

// realFiles gives the texts of the real STIX files, unpacked, by name.
func realFiles(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(sharedData, filepath.FromSlash(pattern)))
	if len(names) == 0 {
		t.Skipf("no real data: %s/%s is absent", sharedData, pattern)
	}
	out := make(map[string][]byte)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if b, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		out[filepath.Base(name)] = b
	}
	return out
}

// oracle reads a bundle or NDJSON with encoding/json, which shares no code with
// the Reader.
func oracle(t *testing.T, text []byte) []json.RawMessage {
	t.Helper()
	var frame struct{ Objects []json.RawMessage }
	if err := json.Unmarshal(text, &frame); err == nil && frame.Objects != nil {
		return frame.Objects
	}
	var out []json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var m json.RawMessage
		if err := dec.Decode(&m); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
}

// TestRealDataUnchanged reads every real file and compares each object byte for
// byte with what encoding/json finds; then it writes them into a bundle and reads
// that again.
func TestRealDataUnchanged(t *testing.T) {
	for name, text := range realFiles(t, "stix/*") {
		t.Run(name, func(t *testing.T) {
			want := oracle(t, text)
			got := readAll(t, text)
			if len(got) != len(want) {
				t.Fatalf("read %d objects, encoding/json finds %d", len(got), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i].Raw, want[i]) {
					t.Fatalf("object %d changed:\n%s\n%s", i, got[i].Raw, want[i])
				}
			}
			var buf bytes.Buffer
			n, err := WriteBundle(&buf, testBundleID, Raws(got...))
			if err != nil || n != len(got) {
				t.Fatalf("wrote %d: %v", n, err)
			}
			for i, o := range readAll(t, buf.Bytes()) {
				if !bytes.Equal(o.Raw, want[i]) {
					t.Fatalf("object %d changed on its way through a bundle", i)
				}
			}
		})
	}
}

const testBundleID = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d"

// readAll reads a stream in which every object must be good.
func readAll(t testing.TB, text []byte) []*Object {
	t.Helper()
	var out []*Object
	for o, err := range NewReader(bytes.NewReader(text), ReaderOptions{}).Objects() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}
