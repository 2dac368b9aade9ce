package taxii_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/taxii"
)

// TestRealObjectsComeOutAsTheyWentIn serves real STIX data and compares every byte.
func TestRealObjectsComeOutAsTheyWentIn(t *testing.T) {
	const folder = "../../shared/data/stix"
	files, err := filepath.Glob(folder + "/*")
	if err != nil || len(files) == 0 {
		t.Skip("there is no ../shared/data/stix beside the repository")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			objects := readObjects(t, file)
			if len(objects) == 0 {
				t.Fatal("no objects")
			}
			store := newStore(t)
			var want []string
			for _, raw := range objects {
				var head struct {
					ID          string `json:"id"`
					Type        string `json:"type"`
					SpecVersion string `json:"spec_version"`
					Created     string `json:"created"`
					Modified    string `json:"modified"`
				}
				if err := json.Unmarshal(raw, &head); err != nil {
					t.Fatal(err)
				}
				r := taxii.Record{ID: head.ID, Type: head.Type, SpecVersion: head.SpecVersion, Version: head.Modified, Raw: raw}
				if r.Version == "" {
					r.Version = head.Created
				}
				added, err := store.Add(openID, r)
				if err != nil {
					t.Fatal(err)
				}
				if int(added.Seq) == len(want)+1 {
					want = append(want, string(raw))
				}
			}
			o := options(store)
			o.MaxPageBytes = 64 << 10
			h := newHandler(t, o)
			params := []string{"match[version]", "all", "match[spec_version]", "2.0,2.1"}
			var got []string
			for e := readEnvelope(t, get(h, base+"objects/", params...)); ; e = readEnvelope(t, get(h, base+"objects/", append(params, "next", e.Next)...)) {
				got = append(got, texts(e.Objects)...)
				if !e.More {
					break
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%d objects, want %d", len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("object %d differs:\n got %s\nwant %s", i, got[i], want[i])
				}
			}
			t.Logf("%d objects", len(got))
		})
	}
}

// readObjects reads a bundle, or gzipped lines of one object each.
func readObjects(t *testing.T, file string) []jsontext.Value {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file, ".ndjson.gz") {
		var bundle struct {
			Objects []jsontext.Value `json:"objects"`
		}
		if err := json.Unmarshal(data, &bundle); err != nil {
			t.Fatal(err)
		}
		return bundle.Objects
	}
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var out []jsontext.Value
	lines := bufio.NewScanner(zip)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		out = append(out, bytes.Clone(bytes.TrimSpace(lines.Bytes())))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
