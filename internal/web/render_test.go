package web

import "testing"

// TestBuffers: the buffer of a page that was sent comes back empty, and one that grew large does not come back.
func TestBuffers(t *testing.T) {
	var b buffers
	large := b.take()
	large.Grow(maxBuffer + 1)
	b.put(large)
	for range 100 {
		x := b.take()
		if x == large || x.Len() > 0 {
			t.Fatalf("a buffer of %d bytes, with %d in it", x.Cap(), x.Len())
		}
		x.WriteString("what one officer was shown")
		b.put(x)
	}
}
