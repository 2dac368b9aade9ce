package indicators

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"entente/internal/intake"
	"entente/internal/watch/ahead"
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
}

// taking is a Taker that takes what is worked out of each item, of some beside the reading.
type taking[T any] struct {
	object func(*stix.Object) error
	ready  func(intake.Item) T    // safe for use by many at once
	soon   func([]ahead.Found[T]) // is told of what was made ready a little before item is
	item   func(*T) error
	refuse func(what string, err error)
}

// rowWeight is about what a row takes with all that is worked out of it, in bytes: many items may stand in a long one.
func rowWeight(r intake.Row) int { return 256 + 16*r.Len() }

// objectWeight is about what an object takes.
func objectWeight(x ahead.Found[*stix.Object]) int {
	if x.What == nil {
		return 256
	}
	return 1024 + len(x.What.Raw)
}

// ReadFile reads a file of STIX, MISP, a table, or a list of one value a line, and tells which it is. What cannot be read of it is
// refused one by one, as far as what stands behind it can; [ErrFormat] is what is none of these.
func ReadFile(r io.Reader, name string, t Taker) (intake.Format, error) {
	return readFile(r, name, taking[intake.Item]{
		object: t.Object,
		ready:  func(i intake.Item) intake.Item { return i },
		soon:   func([]ahead.Found[intake.Item]) {},
		item:   func(i *intake.Item) error { return t.Item(*i) },
		refuse: t.Refuse,
	})
}

func readFile[T any](r io.Reader, name string, t taking[T]) (intake.Format, error) {
	br := bufio.NewReaderSize(r, maxPeek)
	head, err := br.Peek(maxPeek)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = br.Discard(3) // they are in the buffer
		head = head[3:]
	}
	format := intake.Detect(head)
	switch format {
	case intake.FormatSTIX:
		for x := range ahead.Read(foundIn(stix.NewReader(br, stix.ReaderOptions{}).Objects()), objectWeight, asFound, func([]ahead.Found[*stix.Object]) {}) {
			var read *stix.ReadError
			err := x.Err
			switch {
			case err == nil:
				err = t.object(x.What)
			case errors.As(err, &read) && !read.Fatal:
				t.refuse("object", err)
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
				t.refuse("event", err)
				continue
			}
			for _, x := range bundle.Objects {
				if err := t.object(x); err != nil {
					return format, err
				}
			}
		}
	case intake.FormatTable:
		layout, err := intake.DetectLayout(head)
		if err != nil {
			return format, fmt.Errorf("%s: %w", name, err)
		}
		return format, readRows(intake.TableRows(br, layout), name, t)
	case intake.FormatList:
		return format, readRows(intake.ListRows(br), name, t)
	default:
		return format, fmt.Errorf("%w: %s looks like %s; what is read are STIX, MISP, tables and lists of one value a line", ErrFormat, name, format)
	}
	return format, nil
}

// readRows reads a list or a table.
func readRows[T any](rows intake.Rows, name string, t taking[T]) error {
	look := func(in []intake.Row, give func(T, error) bool) {
		rows.Look(in, func(item intake.Item, err error) bool {
			if err != nil {
				var none T
				return give(none, err)
			}
			return give(t.ready(item), nil)
		})
	}
	for x := range ahead.Read(rows.Find(), rowWeight, look, t.soon) {
		if x.Err == nil {
			if err := t.item(&x.What); err != nil {
				return err
			}
			continue
		}
		var line *intake.LineError
		if !errors.As(x.Err, &line) {
			return fmt.Errorf("%s: %w", name, x.Err)
		}
		t.refuse(fmt.Sprintf("line %d", line.Line), x.Err)
	}
	return nil
}

// foundIn gives the elements of a sequence with their errors, and asFound what is found so.
func foundIn[T any](seq iter.Seq2[T, error]) iter.Seq[ahead.Found[T]] {
	return func(yield func(ahead.Found[T]) bool) {
		for what, err := range seq {
			if !yield(ahead.Found[T]{What: what, Err: err}) {
				return
			}
		}
	}
}

func asFound[T any](in []ahead.Found[T], give func(T, error) bool) {
	for i := range in {
		give(in[i].What, in[i].Err)
	}
}
