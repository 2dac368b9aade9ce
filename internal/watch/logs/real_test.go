package logs

import (
	"bufio"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/watch/record"
)

func realLogs(t *testing.T) {
	files, err := filepath.Glob("../../../../shared/data/logs/*.gz")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("SKIPPED %s: ../shared/data is not beside this folder", t.Name())
	}
	for _, file := range files {
		want := "suricata-eve"
		if name := filepath.Base(file); strings.Contains(name, ".tsv") {
			want = "zeek-tsv"
		} else if strings.HasPrefix(name, "zeek") {
			want = "zeek-json"
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReaderSize(z, 1<<20)
		head, _ := in.Peek(64 << 10) // a shorter file gives what it has
		d, e, ok := Detect(head, Options{})
		if !ok || d.Name() != want {
			t.Errorf("%s is taken for %v: %+v", filepath.Base(file), d, e)
			continue
		}
		var r record.Record
		lines, fields, timed := 0, 0, 0
		s := bufio.NewScanner(in)
		s.Buffer(nil, 16<<20)
		for s.Scan() {
			err := d.Decode(s.Bytes(), &r)
			if errors.Is(err, ErrNothing) {
				continue
			}
			lines++
			if err != nil {
				t.Errorf("%s: %v: %.200s", filepath.Base(file), err, s.Text())
				break
			}
			fields += len(r.Fields)
			if !r.Time.IsZero() {
				timed++
			}
		}
		if s.Err() != nil || lines < 100 || timed < lines-1 || fields < lines {
			t.Errorf("%s: %d lines, %d fields, %d with a time: %v", filepath.Base(file), lines, fields, timed, s.Err())
		}
		f.Close()
	}
}
