package peer

import (
	"net/http"
	"runtime/debug"
)

// fault is deferred around each request. A panic is a fault of this program: it ends
// that request and no other, as net/http sees to, and is said where a person looks,
// which net/http does not see to (its own words lie among those about strangers who
// knock at the door).
func (s *Server) fault(r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		s.p.Log.Error("a partner's request met a fault of this program and was ended; please report it", "path", r.URL.Path, "fault", v, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}
