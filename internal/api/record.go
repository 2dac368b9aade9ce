package api

import (
	"context"
	"encoding/json"

	"entente/internal/node"
)

// quietly are operations of other scopes than read that change nothing and show
// nothing that only few may see.
var quietly = map[string]bool{"token.list": true, "officer.list": true, "officer.show": true, "officer.sessions": true, "officer.provider": true, "setup": true, "identity.keys": true, "backup.state": true}

// recorded is the operation with its outcome written into the audit log, if it does
// more than look. That the audit log was read is recorded, too.
func (op Operation) recorded() Operation {
	if op.Scope == node.ScopeRead || quietly[op.Name] {
		return op
	}
	run := op.run
	op.run = func(ctx context.Context, c call) (any, error) {
		out, err := run(ctx, c)
		if c.node != nil { // a table of a test has none
			ref, by := about(c.request)
			if x, ok := out.(interface{ FirstRef() string }); ok && err == nil && x.FirstRef() != "" {
				ref = x.FirstRef()
			}
			c.node.Record(c.who, node.Deed{Action: op.Name, Ref: ref, By: by, From: c.from, Err: err})
		}
		return out, err
	}
	return op
}

// FirstRef is the entry that was written.
func (r *RequestNewResponse) FirstRef() string {
	if r.Write == nil {
		return ""
	}
	return r.Write.FirstRef()
}

// maxAbout is the longest request, in bytes, that is read again for the audit log.
const maxAbout = 1 << 20

// about is what a request is about: of the members that name something, the first.
// Contents have other names.
func about(request []byte) (ref string, by node.Claim) {
	var x struct {
		By                                                                                                                  node.Claim
		ID, Ref, Request, Call, Case, Commitment, Statement, Leak, Exhibit, Item, Hash, Officer, Unit, Party, Channel, Feed string
	}
	if len(request) > maxAbout || len(request) == 0 || json.Unmarshal(request, &x) != nil {
		return "", x.By
	}
	for _, s := range []string{x.ID, x.Ref, x.Request, x.Call, x.Case, x.Commitment, x.Statement, x.Leak, x.Exhibit, x.Item, x.Hash, x.Officer, x.Unit, x.Party, x.Channel, x.Feed} {
		if s != "" {
			return s, x.By
		}
	}
	return "", x.By
}
