package logs

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is when the lines of the tests are read.
var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// tell writes a record as the golden files have it.
func tell(n int, r *record.Record, err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", n, r.Format)
	if !r.Time.IsZero() {
		fmt.Fprintf(&b, " at %s", r.Time.Format(time.RFC3339Nano))
	}
	if r.Host != "" {
		fmt.Fprintf(&b, " host %s", r.Host)
	}
	if r.Direction != "" {
		fmt.Fprintf(&b, " %s", r.Direction)
	}
	switch {
	case errors.Is(err, ErrNothing):
		b.WriteString(" NOTHING")
	case err != nil:
		fmt.Fprintf(&b, " ERROR %v", err)
	}
	b.WriteByte('\n')
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "    %s %s %s %q\n", f.Path, f.Role, f.Type, f.Text)
	}
	return b.String()
}

// TestGolden: the lines of each format, the format being told by themselves, and what is read of them.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/lines/*.log")
	if err != nil || len(files) < len(kinds()) {
		t.Fatalf("%d files of lines for %d formats: %v", len(files), len(kinds()), err)
	}
	for _, file := range files {
		want := strings.TrimSuffix(filepath.Base(file), ".log")
		t.Run(want, func(t *testing.T) {
			lines, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, e, ok := Detect(lines, Options{Now: clock})
			if !ok || f.Name() != want {
				t.Fatalf("detected %v (%+v) for %s", f, e, want)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s: %d of %d lines, by %q\n", f.Name(), e.Agree, e.Lines, e.Marks)
			var r record.Record
			for i, line := range bytes.Split(bytes.TrimSuffix(lines, []byte("\n")), []byte("\n")) {
				before := bytes.Clone(line)
				err := f.Decode(line, &r)
				if err != nil && !errors.Is(err, ErrLine) && !errors.Is(err, ErrNothing) {
					t.Errorf("line %d: %v is no error of this package", i+1, err)
				}
				if !bytes.Equal(line, before) {
					t.Errorf("line %d was changed", i+1)
				}
				b.WriteString(tell(i+1, &r, err))
			}
			golden := strings.TrimSuffix(file, ".log") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != b.String() {
				t.Errorf("%s is not what is read now:\n%s", golden, b.String())
			}
		})
	}
}
