package peer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

// exchange takes in a packet and answers with one.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, by caller) {
	end, ok := s.begin(by.key())
	if !ok {
		w.Header().Set("Retry-After", "1")
		s.fail(w, http.StatusServiceUnavailable, refuse(CodeBusy, "an exchange is running; try again shortly"))
		return
	}
	defer end()
	ctx, cancel := context.WithTimeout(r.Context(), s.p.Limits.Session)
	defer cancel()
	log := s.p.Log.With(slog.String("party", by[0].Short()))

	lim := s.p.Limits
	rc := http.NewResponseController(w)
	in := &pacedReader{
		r:    http.MaxBytesReader(w, r.Body, lim.PacketBytes+1),
		pace: pace{window: lim.Window, least: lim.WindowBytes},
		arm:  armDeadline(rc.SetReadDeadline),
	}
	pr, err := NewReader(in, lim)
	if err != nil {
		hearOut(in, err)
		s.failPacket(w, log, err)
		return
	}
	hello := pr.Hello()
	if err := s.mayExchange(hello, by); err != nil {
		hearOut(in, err)
		s.failPacket(w, log, err)
		return
	}
	from := hello.From
	g := &incoming{backend: s.p.Backend, unit: hello.Unit, from: from}
	got, err := g.receive(ctx, pr)
	if err != nil {
		hearOut(in, err)
	}
	// The peer has had its say. From here on only the session's bound holds: net/http
	// keeps reading to notice a lost connection, and a deadline would look like one.
	_ = rc.SetReadDeadline(time.Now().Add(lim.Session))
	if err != nil {
		log.Info("an exchange ended early", "unit", hello.Unit.Short(), "entries", got.entries, "err", err)
		s.failPacket(w, log, err)
		return
	}
	answer, err := newHello(ctx, s.p.Backend, hello.Unit, s.p.Self, from, s.p.Now())
	if err != nil {
		s.failPacket(w, log, err)
		return
	}
	out := &outgoing{
		backend: s.p.Backend, limits: lim, hello: answer,
		have: hello.Have, want: hello.Want, refusals: got.ours,
		skip: refusedJournals(got.theirs), unavailable: make(map[journal.Hash]bool),
	}
	if out.have == nil {
		out.have = make(map[journal.Origin]journal.Head)
	}
	ready, err := out.prepare(ctx)
	if err != nil {
		s.failPacket(w, log, err)
		return
	}
	defer ready.Close()
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Cache-Control", "no-store")
	pw := &pacedWriter{w: w, pace: pace{window: lim.Window, least: lim.WindowBytes}, arm: armDeadline(rc.SetWriteDeadline)}
	_, err = io.Copy(pw, ready.reader())
	// What net/http still holds back is flushed under a deadline, too.
	_ = rc.SetWriteDeadline(time.Now().Add(lim.Window))
	if err != nil {
		// The answer lacks its end frame, so the peer notices that it was cut.
		log.Warn("an answer could not be completed", "unit", hello.Unit.Short(), "err", err)
		return
	}
	if s.p.OnExchange != nil {
		s.p.OnExchange(from, hello.Unit)
	}
	log.Debug("exchange", "unit", hello.Unit.Short(), "accepted", got.entries, "payloads", got.payloads,
		"refused", len(got.ours), "sent", ready.counts.Entries, "bytes", ready.counts.Bytes)
}

// maxHeardOut bounds what is still read of a packet that is refused: the largest frame of
// a type that is skipped, and as much again.
const maxHeardOut = 2 * MaxOptionalBytes

// hearOut reads the rest of a packet that is refused, if it is not long. A connection that
// is closed with bytes unread is reset, and the answer may be lost to a peer that is still
// writing; net/http sees to that only where the peer does not ask for it to be closed.
func hearOut(in io.Reader, why error) {
	if _, refused := AsRefusal(why); refused {
		_, _ = io.CopyN(io.Discard, in, maxHeardOut)
	}
}

// mayExchange holds a hello against the connection it came on.
func (s *Server) mayExchange(h Hello, by caller) error {
	switch {
	case !slices.Contains(by, h.From):
		return refuse(CodeWrongParty, "the packet is of another party than the TLS key")
	case h.To != s.p.Self:
		return refuse(CodeWrongParty, "the packet is for another party than this one")
	case !s.p.Directory.Member(h.Unit, h.From):
		return refuse(CodeWrongUnit, "no unit of that id is shared here")
	}
	return nil
}

// refusedJournals are those that a peer has refused for good, so that they are not
// sent to it again in the same session.
func refusedJournals(refusals []Refusal) map[journal.Origin]bool {
	m := make(map[journal.Origin]bool)
	for _, r := range refusals {
		if r.Origin != "" && r.Commitment == nil && !passing(r.Code) {
			m[r.Origin] = true
		}
	}
	return m
}

func armDeadline(set func(time.Time) error) func(time.Duration) func() {
	return func(d time.Duration) func() {
		_ = set(time.Now().Add(d))
		return func() {}
	}
}

// failPacket answers an exchange that cannot go on. A fault of ours is logged and
// not described to the peer.
func (s *Server) failPacket(w http.ResponseWriter, log *slog.Logger, err error) {
	ref, ok := AsRefusal(err)
	var big *http.MaxBytesError
	switch {
	case ok:
	case errors.Is(err, ErrSlow):
		ref = refuse(CodeSlow, "the packet came too slowly; what was complete is kept, open a new exchange for the rest")
	case errors.As(err, &big):
		ref = refuse(CodeOversize, "a packet of more than %d bytes", big.Limit)
	case errors.Is(err, errBroken):
		ref = refuse(CodeCut, "the request broke off, or is no proper HTTP; what was complete is kept, open a new exchange for the rest")
	default:
		log.Error("an exchange failed", "err", err)
		ref = refuse(CodeInternal, "this side failed and has logged why; try again later")
	}
	s.fail(w, statusOf(ref.Code), ref)
}

func statusOf(code string) int {
	switch code {
	case CodeBusy:
		return http.StatusServiceUnavailable
	case CodeInternal:
		return http.StatusInternalServerError
	case CodeUnknownParty, CodeWrongParty, CodeWrongUnit:
		return http.StatusForbidden
	case CodeOversize, CodeTooMany:
		return http.StatusRequestEntityTooLarge
	case CodeSlow:
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

// fail answers with a refusal as the whole body.
func (s *Server) fail(w http.ResponseWriter, status int, ref *Refusal) {
	data, err := json.Marshal(ref)
	if err != nil {
		data = []byte(`{"code":"internal","index":-1}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
