package stix

import "io"

// ReadAll reads a whole stream. It gives the good objects, and for each refused one an
// error that names its place; with allOrNone it gives no object if anything was refused.
// Its memory is that of the stream: bound MaxObjects or MaxStreamBytes. The errors are
// [*ReadError], at most 1,000; the last may say that the stream could not be read on.
func ReadAll(r io.Reader, opts ReaderOptions, allOrNone bool) (objects []*Object, refused []error) {
	for o, err := range NewReader(r, opts).Objects() {
		switch {
		case err == nil && (len(refused) == 0 || !allOrNone):
			objects = append(objects, o)
		case err == nil:
		case len(refused) < maxRefused:
			refused = append(refused, err)
		default:
			refused[maxRefused-1] = err
		}
	}
	if allOrNone && len(refused) > 0 {
		objects = nil
	}
	return objects, refused
}

// maxRefused bounds the errors that ReadAll gives.
const maxRefused = 1000
