package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"entente/internal/node"
)

const (
	maxStreams  = 1024        // live pages at once
	maxRenewing = 4           // of them that are made anew at once; the others wait
	liveEvery   = time.Second // how often a live page looks whether anything changed
	liveWrite   = 20 * time.Second
	liveQuiet   = 25 // looks without a change until a line is sent all the same, so that proxies keep the connection
)

// live tells an open page when something changed that pages show (server-sent events, HTML Standard, section
// 9.2): an event changed with a number that is another after each change; since is the number that the page was made
// at, so that what changed until the page listens is told too. It ends with the session, and does
// not keep one alive.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	here, err := h.node.Here(r.Context())
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	cookie := cookieName(here.Party)
	if _, ok := h.granted(r, cookie, false); !ok {
		http.Error(w, "Nobody is signed in.", http.StatusUnauthorized)
		return
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		w.Header().Set("Retry-After", "60")
		http.Error(w, "There are too many live pages; this one is renewed by reloading it.", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // nothing more is read; a server that cannot set it has none
	last, err := strconv.ParseUint(r.URL.Query().Get("since"), 16, 64)
	if err != nil {
		last = h.node.Pulse()
	}
	say := func(line string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(liveWrite))
		if _, err := fmt.Fprint(w, line); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !say("retry: 5000\n\n") {
		return
	}
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for quiet := 0; ; quiet++ {
		select {
		case <-r.Context().Done():
			return
		case <-h.Closing:
			return
		case <-tick.C:
		}
		if _, ok := h.granted(r, cookie, false); !ok {
			say("event: over\ndata: session\n\n")
			return
		}
		now := h.node.Pulse()
		if now == last && quiet < liveQuiet {
			continue
		}
		line := ": quiet\n\n"
		if now != last {
			line = "event: changed\ndata: " + strconv.FormatUint(now, 16) + "\n\n"
		}
		if last, quiet = now, 0; !say(line) {
			return
		}
	}
}

var _ Source = (*node.Node)(nil)
