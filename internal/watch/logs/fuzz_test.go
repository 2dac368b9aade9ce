package logs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// FuzzDecode: whatever a line is, every format reads it without a panic, does not change it, fails with its own errors only,
// and gives texts that are of the line's making.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/lines/*.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	m, err := ParseMap("1=source,2=query:domain,a.b=destination:ipv4,t=time")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range Names() {
			for _, fields := range []Map{{}, m} {
				d, err := New(name, Options{Now: clock, Fields: fields})
				if err != nil {
					t.Fatal(err)
				}
				var r record.Record
				for line := range bytes.SplitSeq(text, []byte("\n")) {
					before := bytes.Clone(line)
					if err := d.Decode(line, &r); err != nil && !errors.Is(err, ErrLine) && !errors.Is(err, ErrNothing) {
						t.Fatalf("%s: %v", name, err)
					}
					if !bytes.Equal(before, line) {
						t.Fatalf("%s changed the line", name)
					}
					size := 0
					for _, x := range r.Fields {
						if x.Role == "" || x.Path == "" && name != "jsonl" && name != "windows-json" || x.Text == "" {
							t.Fatalf("%s: %+v", name, x)
						}
						size += len(x.Text)
					}
					if size > 64*len(line)+4096 {
						t.Fatalf("%s: %d bytes of text from a line of %d", name, size, len(line))
					}
				}
				if len(d.Header()) > MaxHeader {
					t.Fatalf("%s keeps a header of %d bytes", name, len(d.Header()))
				}
			}
		}
		if d, e, ok := Detect(text, Options{Now: clock}); ok && (d == nil || e.Agree == 0 || e.Agree > e.Lines) {
			t.Fatalf("%v %+v", d, e)
		}
	})
}

func FuzzParseMap(f *testing.F) {
	f.Add("client=source:ipv4,q=query,when=time")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMap(s)
		if err != nil && !errors.Is(err, ErrFields) {
			t.Fatal(err)
		}
		if err == nil && (m.empty() || len(m.fields) > maxMapped) {
			t.Fatalf("%q: %d fields", s, len(m.fields))
		}
	})
}

// TestMap: what a field map can say and cannot.
func TestMap(t *testing.T) {
	m, err := ParseMap("client.addr = source, q=query:domain,when=time , ws=machine,x=other:sha256")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New("jsonl", Options{Fields: m})
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	line := []byte(`{"client":{"addr":"10.0.0.1:53"},"q":"Evil.example","when":"2024-01-02T03:04:05Z","ws":"pc7","x":"ab","free":"203.0.113.1"}`)
	if err := d.Decode(line, &r); err != nil {
		t.Fatal(err)
	}
	want := []record.Field{{Path: "client.addr", Type: observable.IPv4, Role: record.Source, Text: "10.0.0.1"}, {Path: "q", Type: observable.Domain, Role: record.Query, Text: "Evil.example"},
		{Path: "x", Type: observable.SHA256, Role: record.Other, Text: "ab"}}
	if len(r.Fields) != len(want) || r.Fields[0] != want[0] || r.Fields[1] != want[1] || r.Fields[2] != want[2] || r.Host != "pc7" || r.Time.Year() != 2024 {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{"", "a", "a=", "=source", "a=nobody", "a=source:nothing", "a=time:ipv4"} {
		if _, err := ParseMap(bad); !errors.Is(err, ErrFields) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestRealLogs: the logs of the shared data are told and read without a single line that fails.
func TestRealLogs(t *testing.T) { realLogs(t) }
