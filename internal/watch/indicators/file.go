package indicators

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"entente/internal/intake"
	"entente/misp"
	"entente/stix"
)

// maxPeek is how much of a file is looked at to tell what it is, in bytes.
const maxPeek = 32 << 10

// Taker takes what a file of values or indicators holds. An error of Object or Item ends the reading.
type Taker struct {
	Object func(*stix.Object) error // of STIX, and of MISP made into it
	Item   func(intake.Item) error  // of a list or a table
	Refuse func(what string, err error)
	// Soon is told of an item a little before Item is; it may be nil.
	Soon func(intake.Item)
}

// itemWeight and objectWeight are about what they take, in bytes.
func itemWeight(i intake.Item) int { return 256 + len(i.Value.Text) + len(i.Note) }

func objectWeight(x *stix.Object) int {
	if x == nil {
		return 256
	}
	return 1024 + len(x.Raw)
}

// ReadFile reads a file of STIX, MISP, a table, or a list of one value a line, and tells which it is. What cannot be read of it is
// refused one by one, as far as what stands behind it can; [ErrFormat] is what is none of these.
func ReadFile(r io.Reader, name string, t Taker) (intake.Format, error) {
	br := bufio.NewReaderSize(r, maxPeek)
	head, err := br.Peek(maxPeek)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = br.Discard(3) // they are in the buffer
		head = head[3:]
	}
	item := func(i intake.Item, err error) error {
		if err == nil {
			return t.Item(i)
		}
		var line *intake.LineError
		if !errors.As(err, &line) {
			return fmt.Errorf("%s: %w", name, err)
		}
		t.Refuse(fmt.Sprintf("line %d", line.Line), err)
		return nil
	}
	soon := t.Soon
	if soon == nil {
		soon = func(intake.Item) {}
	}
	format := intake.Detect(head)
	switch format {
	case intake.FormatSTIX:
		for x, err := range ahead(stix.NewReader(br, stix.ReaderOptions{}).Objects(), objectWeight, func(*stix.Object) {}) {
			var read *stix.ReadError
			switch {
			case err == nil:
				err = t.Object(x)
			case errors.As(err, &read) && !read.Fatal:
				t.Refuse("object", err)
				continue
			default:
				err = fmt.Errorf("%s: %w", name, err)
			}
			if err != nil {
				return format, err
			}
		}
	case intake.FormatMISP:
		for e, err := range misp.NewReader(br, misp.Limits{}).Events() {
			if err != nil {
				return format, fmt.Errorf("%s: %w", name, err)
			}
			bundle, err := misp.ToSTIX(e, misp.ToOptions{TLP2: true})
			if err != nil {
				t.Refuse("event", err)
				continue
			}
			for _, x := range bundle.Objects {
				if err := t.Object(x); err != nil {
					return format, err
				}
			}
		}
	case intake.FormatTable:
		layout, err := intake.DetectLayout(head)
		if err != nil {
			return format, fmt.Errorf("%s: %w", name, err)
		}
		for i, err := range ahead(intake.ReadTable(br, layout), itemWeight, soon) {
			if err := item(i, err); err != nil {
				return format, err
			}
		}
	case intake.FormatList:
		for i, err := range ahead(intake.ReadList(br), itemWeight, soon) {
			if err := item(i, err); err != nil {
				return format, err
			}
		}
	default:
		return format, fmt.Errorf("%w: %s looks like %s; what is read are STIX, MISP, tables and lists of one value a line", ErrFormat, name, format)
	}
	return format, nil
}
