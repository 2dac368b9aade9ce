// Package unread is what is still sent of a request that is refused.
package unread

import (
	"io"
	"net/http"
	"time"
)

const (
	maxBytes = 64 << 20         // that are still read
	maxTime  = 10 * time.Second // for them to arrive
)

// Drop reads and drops the rest of a request that is refused, before it is answered: a
// connection that is closed with bytes unread is reset, and a caller who is still
// writing never sees the answer. One that asked whether it should send the body (Expect)
// gets the answer instead, and one that says that it sends more than is read, too.
func Drop(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength > maxBytes || r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxTime)) // not every writer has one
	_, _ = io.CopyN(io.Discard, r.Body, maxBytes)
}
