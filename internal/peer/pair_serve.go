package peer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"entente/internal/peer/pairing"
	"entente/journal"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"
)

// ErrNoInvitation is what Invitations.Update returns for an id it does not keep.
var ErrNoInvitation = errors.New("no such invitation is open")

// Invitations is where the node keeps the pairings it has begun as inviter.
type Invitations interface {
	// Open reports whether any of them is Waiting. Only then may unknown TLS keys
	// connect, and they reach nothing but the pairing.
	Open() bool
	// Own is what this node shows of itself in a unit that it invites to.
	Own(ctx context.Context, unit journal.UnitID) (pairing.Own, error)
	// Update calls f with the pairing of this invitation id, alone, and stores it
	// durably whatever f returned; then it returns f's error. ErrNoInvitation if it
	// has none. A pairing that has reached PhasePaired has a partner to be stored.
	Update(ctx context.Context, id string, f func(*pairing.Inviter) error) error
}

// PairingHandler answers joiners at PathPair.
type PairingHandler struct {
	inv  Invitations
	now  func() time.Time
	rand io.Reader
	log  *slog.Logger
	// wrong thins out the answers to messages for invitations that do not exist. It
	// never stands in the way of one that does: a token of 128 bits is not guessed, but
	// a pairing could be kept from happening.
	wrong *rate.Limiter
	// at is a place for each message that is being answered.
	at chan struct{}
}

// maxPairMessages bounds the messages of strangers answered at a time; each may have
// 1 MiB and take 20 s to arrive.
const maxPairMessages = 8

// NewPairingHandler makes the handler. rand gives nonces and must be safe for
// concurrent use, as crypto/rand.Reader is.
func NewPairingHandler(inv Invitations, now func() time.Time, rand io.Reader, log *slog.Logger) *PairingHandler {
	return &PairingHandler{inv: inv, now: now, rand: rand, log: log, wrong: rate.NewLimiter(1, 20), at: make(chan struct{}, maxPairMessages)}
}

// Open reports whether an invitation is waiting for somebody.
func (h *PairingHandler) Open() bool { return h.inv.Open() }

// ServeHTTP takes one message and answers it.
func (h *PairingHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Second))
	select {
	case h.at <- struct{}{}:
		defer func() { <-h.at }()
	default:
		w.Header().Set("Retry-After", "1")
		h.refuse(w, http.StatusServiceUnavailable, CodeBusy, "too many messages at a time; try again shortly")
		return
	}
	reply, err := h.handle(r, http.MaxBytesReader(w, r.Body, pairing.MaxMessage+1))
	if err == nil {
		var data []byte
		if data, err = reply.Marshal(); err == nil {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write(data)
			return
		}
	}
	code, detail := pairing.CodeOf(err), err.Error()
	if ref, ok := errors.AsType[*pairing.Refusal](err); ok {
		detail = ref.Detail
	}
	status := http.StatusForbidden
	switch code {
	case "":
		h.log.Error("a pairing failed", "err", err)
		status, code, detail = http.StatusInternalServerError, CodeInternal, "the other side failed and has logged why; try again later"
	case pairing.CodeTooMany:
		status = http.StatusTooManyRequests
	case pairing.CodeBadMessage:
		status = http.StatusBadRequest
	}
	if status != http.StatusInternalServerError {
		h.log.Warn("a pairing was refused", "code", code, "from", r.RemoteAddr)
	}
	h.refuse(w, status, code, detail)
}

func (h *PairingHandler) refuse(w http.ResponseWriter, status int, code, detail string) {
	data, err := json.Marshal(&Refusal{Code: code, Index: -1, Detail: plain(detail, 1024)})
	if err != nil {
		data = []byte(`{"code":"internal","index":-1}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (h *PairingHandler) handle(r *http.Request, body io.Reader) (pairing.Message, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return pairing.Message{}, &pairing.Refusal{Code: pairing.CodeBadMessage, Detail: "the message could not be read"}
	}
	m, err := pairing.ParseMessage(data)
	if err != nil {
		return pairing.Message{}, err
	}
	exporter, err := r.TLS.ExportKeyingMaterial(pairing.ExporterLabel, []byte(m.Invitation), 32)
	if err != nil {
		return pairing.Message{}, err
	}
	session := pairing.Session{Pin: Pin(r.TLS.PeerCertificates[0]), Exporter: exporter}
	var reply pairing.Message
	err = h.inv.Update(r.Context(), m.Invitation, func(s *pairing.Inviter) error {
		own, err := h.inv.Own(r.Context(), s.Invitation.Unit)
		if err != nil {
			return err
		}
		reply, err = s.Handle(h.now(), m, session, own, h.rand)
		return err
	})
	if errors.Is(err, ErrNoInvitation) {
		err = &pairing.Refusal{Code: pairing.CodeNoInvitation, Detail: "no such invitation is open; ask for a new one"}
		if !h.wrong.Allow() {
			err = &pairing.Refusal{Code: pairing.CodeTooMany, Detail: "too many wrong tries here; wait a moment"}
		}
	}
	return reply, err
}
