package indicators

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

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
	// Unmarked is told how many attributes of an event of MISP are not marked for detection (to_ids), and so left out.
	Unmarked func(n int)
}

// taking is a Taker that takes what is worked out of each object and item, of some beside the reading.
type taking[O, I any] struct {
	// quick makes objects ready that a text begins with, but for what check does, and says where they end, where it can: see [stix.Reader.Texts]. It may be nil.
	quick       func(rest []byte) (O, int)
	readyObject func(*stix.Object) O // like check and ready safe for use by many at once
	check       func(*O)
	soonObjects func([]ahead.Found[O]) // is told of what was made ready a little before object is
	object      func(*O) error
	ready       func() func(intake.Item) (I, error) // gives what makes the items of a batch ready, or fails with an [intake.LineError]
	soon        func([]ahead.Found[I])
	item        func(*I) error
	refuse      func(what string, err error)
	unmarked    func(n int)
}

// rowWeight is about what a row takes with all that is worked out of it, in bytes: many items may stand in a long one.
func rowWeight(r intake.Row) int { return 256 + 16*r.Len() }

// foundObject is an object that was read where it was found, the text of another, or why there is none.
type foundObject[O any] struct {
	read O
	text *stix.Text
	err  error
}

// objectWeight is about what an object takes, with its text and its index if it has them.
func objectWeight[O any](x foundObject[O]) int {
	if x.text == nil {
		return 512
	}
	return 1024 + 3*len(x.text.Raw())
}

// ReadFile reads a file of STIX, MISP, a table, or a list of one value a line, and tells which it is. What cannot be read of it is
// refused one by one, as far as what stands behind it can; [ErrFormat] is what is none of these.
func ReadFile(r io.Reader, name string, t Taker) (intake.Format, error) {
	return readFile(r, name, taking[*stix.Object, intake.Item]{
		readyObject: func(x *stix.Object) *stix.Object { return x },
		soonObjects: func([]ahead.Found[*stix.Object]) {},
		object:      func(x **stix.Object) error { return t.Object(*x) },
		ready: func() func(intake.Item) (intake.Item, error) {
			return func(i intake.Item) (intake.Item, error) { return i, nil }
		},
		soon:     func([]ahead.Found[intake.Item]) {},
		item:     func(i *intake.Item) error { return t.Item(*i) },
		refuse:   t.Refuse,
		unmarked: t.Unmarked,
	})
}

func readFile[O, I any](r io.Reader, name string, t taking[O, I]) (intake.Format, error) {
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
		return format, readObjects(stix.NewReader(br, stix.ReaderOptions{}), name, t)
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
			t.unmarked(unmarked(e))
			for _, x := range bundle.Objects {
				ready := t.readyObject(x)
				if err := t.object(&ready); err != nil {
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
	case intake.FormatUnknown:
		if nothing(head) {
			return format, fmt.Errorf("%w: there is nothing in %s; see whether it was written whole", ErrFormat, name)
		}
		return format, fmt.Errorf("%w: %s is no text; what is read are STIX, MISP, tables and lists of one value a line", ErrFormat, name)
	default:
		return format, fmt.Errorf("%w: %s looks like %s; what is read are STIX, MISP, tables and lists of one value a line", ErrFormat, name, format)
	}
	return format, nil
}

// unmarked counts the attributes of an event that are not marked for detection.
func unmarked(e *misp.Event) (n int) {
	for a := range e.AllAttributes() {
		if !a.Deleted() && !a.ToIDS() {
			n++
		}
	}
	return n
}

// nothing tells a file that has no line, or comments alone.
func nothing(head []byte) bool {
	for line := range bytes.Lines(head) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// readObjects reads STIX.
func readObjects[O, I any](r *stix.Reader, name string, t taking[O, I]) error {
	find := func(yield func(foundObject[O]) bool) {
		var x foundObject[O]
		var take func(rest []byte) int
		if t.quick != nil {
			take = func(rest []byte) (n int) {
				x.read, n = t.quick(rest)
				return n
			}
		}
		for x.text, x.err = range r.Texts(take) {
			if !yield(x) {
				return
			}
		}
	}
	look := func(in []foundObject[O], give func(O, error) bool) {
		for i := range in {
			x := &in[i]
			switch {
			case x.err != nil:
			case x.text == nil:
				t.check(&x.read)
			default:
				var object *stix.Object
				if object, x.err = x.text.Object(); x.err == nil {
					x.read = t.readyObject(object)
				}
			}
			give(x.read, x.err)
		}
	}
	for x := range ahead.Read(find, objectWeight, look, t.soonObjects) {
		if x.Err == nil {
			if err := t.object(&x.What); err != nil {
				return err
			}
			continue
		}
		var read *stix.ReadError
		if !errors.As(x.Err, &read) || read.Fatal {
			return fmt.Errorf("%s: %w", name, x.Err)
		}
		t.refuse("object", x.Err)
	}
	return nil
}

// readRows reads a list or a table.
func readRows[O, I any](rows intake.Rows, name string, t taking[O, I]) error {
	look := func(in []intake.Row, give func(I, error) bool) {
		ready := t.ready()
		rows.Look(in, func(item intake.Item, err error) bool {
			if err != nil {
				var none I
				return give(none, err)
			}
			return give(ready(item))
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
