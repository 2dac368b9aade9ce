package intel

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// ErrFormat means that an import is of a format that is not read (yet).
var ErrFormat = errors.New("not a format that can be imported")

// FormatError says what an import looks like instead of STIX.
type FormatError struct{ Seen string }

func (e *FormatError) Error() string {
	return fmt.Sprintf("this looks like %s, and not like STIX: a bundle, a list, one object, or one object a line (NDJSON), plain or with gzip", e.Seen)
}

// Unwrap returns ErrFormat.
func (e *FormatError) Unwrap() error { return ErrFormat }

// open looks at the first bytes, undoes gzip and a byte order mark, and returns
// a reader of what should be STIX.
func open(r io.Reader) (br *bufio.Reader, gzipped bool, err error) {
	br = bufio.NewReaderSize(r, 256<<10)
	for {
		start, err := br.Peek(512)
		if len(start) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, gzipped, err
			}
			return nil, gzipped, &FormatError{"an empty file"}
		}
		if bytes.HasPrefix(start, []byte{0x1f, 0x8b}) {
			if gzipped {
				return nil, true, &FormatError{"gzip within gzip"}
			}
			z, err := gzip.NewReader(br)
			if err != nil {
				return nil, true, fmt.Errorf("undoing gzip: %w", err)
			}
			br, gzipped = bufio.NewReaderSize(z, 256<<10), true
			continue
		}
		if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
			if _, err := br.Discard(3); err != nil {
				return nil, gzipped, err
			}
			continue
		}
		text := bytes.TrimLeft(start, " \t\r\n")
		if len(text) == 0 { // white space only, as far as can be seen
			if _, err := br.Discard(len(start)); err != nil {
				return nil, gzipped, err
			}
			continue
		}
		if text[0] != '{' && text[0] != '[' {
			return nil, gzipped, &FormatError{seen(text)}
		}
		return br, gzipped, nil
	}
}

// seen names what is neither JSON nor gzip.
func seen(text []byte) string {
	for _, known := range []struct{ prefix, name string }{
		{"PK\x03\x04", "a ZIP archive"},
		{"%PDF", "a PDF document"},
		{"BZh", "a file compressed with bzip2"},
		{"\xfd7zXZ", "a file compressed with xz"},
		{"\x28\xb5\x2f\xfd", "a file compressed with zstd"},
		{"7z\xbc\xaf", "a 7-Zip archive"},
		{"\xff\xfe", "text in UTF-16"},
		{"\xfe\xff", "text in UTF-16"},
		{"<", "XML or HTML"},
		{"age-encryption.org", "a file encrypted with age, perhaps a courier file"},
		{"alert ", "Suricata or Snort rules"},
		{"rule ", "YARA rules"},
	} {
		if bytes.HasPrefix(text, []byte(known.prefix)) {
			return known.name
		}
	}
	for _, b := range text[:min(len(text), 256)] {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' {
			return "a binary file"
		}
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if n := max(bytes.Count(line, []byte(",")), bytes.Count(line, []byte(";")), bytes.Count(line, []byte("\t"))); n > 0 {
		return "a table with separated columns (CSV)"
	}
	return "plain text, perhaps a list of values"
}

// seenJSON names JSON that is not STIX by what its beginning holds.
func seenJSON(start []byte) string {
	start = start[:min(len(start), 4096)]
	for _, known := range []struct{ part, name string }{
		{`"Event"`, "MISP events"},
		{`"Attribute"`, "MISP events"},
		{`"event_type"`, "a log in JSON"},
		{`"entente`, "a document of Entente"},
	} {
		if bytes.Contains(start, []byte(known.part)) {
			return known.name
		}
	}
	return "JSON that is not STIX"
}

// looksLikeSTIX tells from the beginning whether a text that held no good
// object was meant to be STIX all the same.
func looksLikeSTIX(start []byte) bool {
	return bytes.Contains(start, []byte(`"type"`)) && bytes.Contains(start, []byte("--"))
}
