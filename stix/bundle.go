package stix

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// WriteBundle writes a bundle with the given identifier around the texts of
// objects, each unchanged, and gives the number written. It stops at the first
// error of objects or of w.
func WriteBundle(w io.Writer, id string, objects iter.Seq2[[]byte, error]) (int, error) {
	bw, err := NewBundleWriter(w, id)
	if err != nil {
		return 0, err
	}
	for raw, err := range objects {
		if err == nil {
			err = bw.Write(raw)
		}
		if err != nil {
			return bw.n, err
		}
	}
	return bw.n, bw.Close()
}

// BundleWriter writes a bundle object by object.
type BundleWriter struct {
	w   io.Writer
	n   int
	err error
	// out collects the bytes of one Write, so that w sees few small writes.
	out []byte
}

// NewBundleWriter begins a bundle. The identifier must be of the form
// "bundle--UUID". Writes to w are many and small if objects are: buffer w.
func NewBundleWriter(w io.Writer, id string) (*BundleWriter, error) {
	if typ, _, ok := SplitID(id); !ok || typ != "bundle" {
		return nil, fmt.Errorf("stix: %s is not the identifier of a bundle (bundle--UUID)", quoteShort(id))
	}
	bw := &BundleWriter{w: w}
	bw.out = append(bw.out, `{"type":"bundle","id":"`+id+`"`...)
	return bw, nil
}

// Write adds the text of one object, which is normally the Raw of an [Object]. It
// fails without writing if the text is not one JSON object.
func (bw *BundleWriter) Write(raw []byte) error {
	if bw.err != nil {
		return bw.err
	}
	if v := jsontext.Value(raw); v.Kind() != KindObject || !v.IsValid() {
		return fmt.Errorf("stix: object %d of the bundle: %w", bw.n, ErrNotObject)
	}
	if bw.n == 0 {
		bw.out = append(bw.out, `,"objects":[`...)
	} else {
		bw.out = append(bw.out, ',')
	}
	bw.out = append(append(bw.out, '\n'), raw...)
	bw.n++
	return bw.flush()
}

// Close ends the bundle. It does not close the writer below.
func (bw *BundleWriter) Close() error {
	if bw.err != nil {
		return bw.err
	}
	if bw.n > 0 { // an empty list is not allowed, a bundle without objects is
		bw.out = append(bw.out, '\n', ']')
	}
	bw.out = append(bw.out, '}', '\n')
	err := bw.flush()
	if err == nil {
		bw.err = errClosed
	}
	return err
}

var errClosed = errors.New("stix: the bundle has been closed")

func (bw *BundleWriter) flush() error {
	_, err := bw.w.Write(bw.out)
	bw.out = bw.out[:0]
	bw.err = err
	return err
}

// Raws gives the texts of objects as [WriteBundle] wants them.
func Raws(objects ...*Object) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, o := range objects {
			if !yield(o.Raw, nil) {
				return
			}
		}
	}
}
