// Package api is the one JSON interface over a node: every use case of
// internal/node is one operation, reached with POST /api/v1/{operation}. The
// command line speaks it over DIR/control.sock, over TCP, or in process; other
// programs speak it over TCP with a bearer token.
package api

import (
	"context"
	"io"

	"entente/internal/node"
)

// Kind says how an operation carries its data.
type Kind string

const (
	// Plain takes one JSON document and answers one JSON document.
	Plain Kind = "plain"
	// Long takes one JSON document and answers lines of JSON (application/x-ndjson):
	// {"progress":…} any number of times, then one {"result":…} or {"error":…}.
	// With "Accept: application/json" it answers like Plain, once it is done.
	Long Kind = "long"
	// Upload takes raw bytes as body, its JSON request in the header
	// Entente-Request, and answers like Long.
	Upload Kind = "upload"
	// Download takes one JSON document and answers raw bytes, with the outcome
	// in the HTTP trailer Entente-Result, or Entente-Problem when it broke off.
	// Bytes without the trailer Entente-Result are not complete.
	Download Kind = "download"
)

// Header fields of uploads and downloads (see Kind).
const (
	HeaderRequest = "Entente-Request"
	HeaderResult  = "Entente-Result"
	HeaderProblem = "Entente-Problem"
)

// Bounds on what a caller may send.
const (
	maxRequest       = 20 << 20 // bytes of a JSON request; an accord or an answer text may be up to 16 MiB
	maxHeaderRequest = 64 << 10 // bytes of the JSON in HeaderRequest
)

// Operation is one row of the table: a name, what it does, how it carries its
// data, and the use case it runs.
type Operation struct {
	Name     string
	Summary  string
	Kind     Kind
	Scope    node.Scope // that a token needs for it
	Request  any        // a zero request, to show its fields; nil when there is none
	Response any        // a zero answer, for its type
	run      func(context.Context, call) (any, error)
}

// call is what one run of an operation gets.
type call struct {
	node     *node.Node
	who      node.Grant
	from     string // address
	request  []byte // the JSON request, empty counts as {}
	body     io.Reader
	out      io.Writer
	progress func(node.Progress)
}

// asks tells a request for which that matters who asks.
func asks(in any, who node.Grant) {
	if x, ok := in.(interface{ Asks(node.Grant) }); ok {
		x.Asks(who)
	}
}

// none is the request of operations that need nothing said.
type none struct{}

func ask[Out any](scope node.Scope, name, summary string, f func(*node.Node, context.Context) (Out, error)) Operation {
	return Operation{Name: name, Summary: summary, Scope: scope, Kind: Plain, Response: *new(Out), run: func(ctx context.Context, c call) (any, error) {
		if _, err := decode[none](c.request); err != nil {
			return nil, err
		}
		return f(c.node, ctx)
	}}
}

func plain[In, Out any](scope node.Scope, name, summary string, f func(*node.Node, context.Context, In) (Out, error)) Operation {
	return Operation{Name: name, Summary: summary, Scope: scope, Kind: Plain, Request: *new(In), Response: *new(Out), run: func(ctx context.Context, c call) (any, error) {
		in, err := decode[In](c.request)
		if err != nil {
			return nil, err
		}
		asks(&in, c.who)
		return f(c.node, ctx, in)
	}}
}

func long[In, Out any](scope node.Scope, name, summary string, f func(*node.Node, context.Context, In, func(node.Progress)) (Out, error)) Operation {
	return Operation{Name: name, Summary: summary, Scope: scope, Kind: Long, Request: *new(In), Response: *new(Out), run: func(ctx context.Context, c call) (any, error) {
		in, err := decode[In](c.request)
		if err != nil {
			return nil, err
		}
		asks(&in, c.who)
		return f(c.node, ctx, in, c.progress)
	}}
}

func upload[In, Out any](scope node.Scope, name, summary string, f func(*node.Node, context.Context, In, io.Reader, func(node.Progress)) (Out, error)) Operation {
	return Operation{Name: name, Summary: summary, Scope: scope, Kind: Upload, Request: *new(In), Response: *new(Out), run: func(ctx context.Context, c call) (any, error) {
		in, err := decode[In](c.request)
		if err != nil {
			return nil, err
		}
		asks(&in, c.who)
		return f(c.node, ctx, in, c.body, c.progress)
	}}
}

func download[In, Out any](scope node.Scope, name, summary string, f func(*node.Node, context.Context, In, io.Writer) (Out, error)) Operation {
	return Operation{Name: name, Summary: summary, Scope: scope, Kind: Download, Request: *new(In), Response: *new(Out), run: func(ctx context.Context, c call) (any, error) {
		in, err := decode[In](c.request)
		if err != nil {
			return nil, err
		}
		asks(&in, c.who)
		return f(c.node, ctx, in, c.out)
	}}
}
