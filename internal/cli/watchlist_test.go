package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/unicode"
)

// TestWatchPackedList: indicators are read as logs are: packed, whatever the name says, and in UTF-16 with its mark, as PowerShell writes them.
func TestWatchPackedList(t *testing.T) {
	dir := t.TempDir()
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("good.example\r\nevil.example\r\n")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(wide)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	line := `{"ts":1700000000.5,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"www.evil.example","qclass":1}` + "\n"
	for name, text := range map[string]string{"wide.txt": wide, "packed.txt": packed.String()} {
		list := filepath.Join(dir, name)
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := Main(t.Context(), []string{"watch", "-", "--lang", "en", "-i", list}, strings.NewReader(line), &out, &errs, func(string) string { return "" })
		if code != exitMatched || !strings.Contains(errs.String(), "Values watched for: 2 ") {
			t.Errorf("%s: %d %s%s", name, code, out.String(), errs.String())
		}
		out.Reset()
		if code := Main(t.Context(), []string{"hunt", list, "--lang", "en", "--index", filepath.Join(dir, "none")}, strings.NewReader(""), &out, &errs, func(string) string { return "" }); strings.Contains(errs.String(), "in a form that is known") {
			t.Errorf("%s: %d %s%s", name, code, out.String(), errs.String())
		}
	}
}
