package taxii

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// problem is a refusal that the client is told about: a status, a stable code for programs, and words for people.
type problem struct {
	status int
	code   string
	title  string
	detail string
	header http.Header // sent along, may be nil
	cause  error       // logged, never sent
}

func (p *problem) Error() string { return p.code + ": " + p.detail }
func (p *problem) Unwrap() error { return p.cause }

func notFound(detail string) *problem {
	return &problem{status: http.StatusNotFound, code: "not-found", title: "Not found", detail: detail}
}

func badRequest(err error) *problem {
	return &problem{status: http.StatusBadRequest, code: "bad-parameter", title: "Malformed request", detail: err.Error()}
}

// asProblem turns any error into what may be told.
func asProblem(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, code: "interrupted", title: "Interrupted", cause: err,
			detail: "The request was given up before it was answered. Ask again, with a smaller limit or a narrower filter if it happens again."}
	default:
		return &problem{status: http.StatusInternalServerError, code: "internal", title: "Internal error", cause: err,
			detail: "The server failed to answer. Ask again later; if it happens again, give error_id to whoever runs the server."}
	}
}

// writeProblem sends an error resource (section 3.6.1).
func (h *handler) writeProblem(w http.ResponseWriter, r *http.Request, p *problem) {
	id := h.errorID()
	if p.status >= http.StatusInternalServerError {
		h.log.LogAttrs(r.Context(), slog.LevelError, "taxii request failed", slog.String("error_id", id),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("cause", p.cause))
	}
	body, err := json.Marshal(errorResource{
		Title: p.title, Description: p.detail, ErrorID: id, ErrorCode: p.code, HTTPStatus: strconv.Itoa(p.status),
	}, jsonOptions)
	if err != nil { // cannot be: only strings, and invalid UTF-8 is allowed for
		http.Error(w, http.StatusText(p.status), p.status)
		return
	}
	hearOut(w, r)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", MediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.status)
	w.Write(body)
}

const (
	maxHeardOut     = 64 << 20         // bytes that are still read of a body that is refused
	maxHeardOutTime = 10 * time.Second // for them to arrive
)

// hearOut reads what is left of the body of a request that is refused, and forgets it. A connection that is closed with
// bytes unread is reset, and a client that is still writing never sees the answer. One that asked whether it should send
// its body at all (Expect) gets the answer instead, and one that says it will send more than is heard out gets it at once.
func hearOut(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.ContentLength == 0 || r.ContentLength > maxHeardOut || r.Header.Get("Expect") != "" || r.Context().Err() != nil {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxHeardOutTime)) // not every server has one
	_, _ = io.CopyN(io.Discard, r.Body, maxHeardOut)
}

// errorID names one refusal, so that a person can be pointed to the line of the log.
func (h *handler) errorID() string {
	var b [8]byte
	if _, err := io.ReadFull(h.random, b[:]); err != nil {
		return "unnamed"
	}
	return hex.EncodeToString(b[:])
}
