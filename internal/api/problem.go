package api

import (
	"context"
	"errors"
	"net/http"

	"entente/internal/node"
)

// Problem is an error as it travels: RFC 9457 with six extension members.
// It is the error a [Client] returns when the node refused or failed.
type Problem struct {
	Type     string         `json:"type"`               // urn:entente:problem:CODE
	Title    string         `json:"title"`              // what happened
	Status   int            `json:"status"`             // HTTP status
	Detail   string         `json:"detail,omitempty"`   // why
	Code     string         `json:"code"`               // short, stable, kebab-case
	Next     string         `json:"next,omitempty"`     // what to do next
	Decision *node.Decision `json:"decision,omitempty"` // the gate's, when it was the gate
	Scope    node.Scope     `json:"scope,omitempty"`    // that the caller's token lacks
	Terms    *node.Terms    `json:"terms,omitempty"`    // the codes in detail and next, of an illegal move
	Said     *Said          `json:"said,omitempty"`     // title, detail and next as sentences and what fills their places
}

// Error gives the three sentences in one line.
func (p *Problem) Error() string {
	s := p.Title
	for _, more := range []string{p.Detail, p.Next} {
		if more != "" {
			s += " " + more
		}
	}
	return s
}

// ProblemOf puts any error into the form of a [Problem]. It is the one place
// where errors of the node become statuses.
func ProblemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	p = &Problem{Status: http.StatusInternalServerError, Code: "internal", Title: "The node could not do this.", Detail: err.Error()}
	if machine := node.StorageError(err); machine != nil {
		err = machine
	}
	var ne *node.Error
	switch {
	case errors.As(err, &ne):
		p.Code, p.Title, p.Detail, p.Next, p.Terms = ne.Code, ne.What, ne.Why, ne.Next, ne.Terms
		if ne.Status >= 400 && ne.Status <= 599 {
			p.Status = ne.Status
		}
		var gate *node.GateError
		if errors.As(err, &gate) {
			p.Decision = &gate.Decision
		}
	case errors.Is(err, node.ErrLocked):
		p.Status, p.Code = http.StatusConflict, node.CodeLocked
		p.Title = "The folder is in use."
		p.Detail = "Another process has it open and does not answer on its control socket."
		p.Next = "Wait for it, or stop it; two processes must never write one journal."
	case errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Code, p.Title = http.StatusGatewayTimeout, "timeout", "It took too long."
	case errors.Is(err, context.Canceled):
		p.Status, p.Code, p.Title = http.StatusServiceUnavailable, "cancelled", "It was broken off before it was done."
	}
	p.Type = "urn:entente:problem:" + p.Code
	return p
}
