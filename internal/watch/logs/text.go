package logs

import (
	"strconv"
	"unsafe"
)

// text8 is the bytes of a line as a string that shares their memory: the record says that its texts are good until
// the next line only, and copying each would cost more than all else.
func text8(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// arena holds the texts of one record that do not stand in its line as they are. What it gave out stays
// where it is when it grows.
type arena struct{ b []byte }

func (a *arena) reset() {
	if cap(a.b) > maxScratch {
		a.b = nil
	}
	a.b = a.b[:0]
}

// rest gives back what is more than small.
func (a *arena) rest() {
	if cap(a.b) > 64*maxResting {
		a.b = nil
	}
}

// open gives room for n bytes to append to; close gives what was appended as a text.
func (a *arena) open(n int) []byte {
	if cap(a.b)-len(a.b) < n {
		a.b = make([]byte, 0, max(4096, 2*cap(a.b), n))
	}
	return a.b[len(a.b):len(a.b)]
}

func (a *arena) close(out []byte) string {
	if cap(a.b)-len(a.b) >= len(out) && len(out) > 0 && &out[0] == &a.b[:len(a.b)+1][len(a.b)] {
		a.b = a.b[:len(a.b)+len(out)]
	}
	return text8(out)
}

// keep copies a text.
func (a *arena) keep(b []byte) string { return a.close(append(a.open(len(b)), b...)) }

// join makes one text of several.
func (a *arena) join(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := a.open(n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return a.close(out)
}

func itoa(n int) string { return strconv.Itoa(n) }
