package node

import (
	"context"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"
)

// AccordAskRequest asks what the accord in force would say of something, without there being anything yet.
type AccordAskRequest struct {
	Acting
	Unit    string           `json:"unit,omitempty"`
	Party   string           `json:"party,omitempty"` // who would write it; empty: this party
	Kind    string           `json:"kind,omitempty"`  // of entry, such as request.send; empty: share
	TLP     string           `json:"tlp,omitempty"`   // the strictest marking; empty: nothing is marked
	PAP     string           `json:"pap,omitempty"`
	Types   map[string]int64 `json:"types,omitempty"` // STIX objects by type
	Bytes   int64            `json:"bytes,omitempty"` // how large it is
	Oldest  time.Time        `json:"oldest,omitzero"` // of the oldest indicator
	Type    string           `json:"type,omitempty"`  // of a request
	Urgency string           `json:"urgency,omitempty"`
	Fields  []string         `json:"fields,omitempty"` // of a request, that would be filled in
}

// AccordAskResponse is the gate's answer, as it would be now.
type AccordAskResponse struct {
	Unit     string    `json:"unit"`
	Party    string    `json:"party"`
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	Decision Decision  `json:"decision"`
}

// maxAsked bounds the types and the fields that one question names.
const maxAsked = 256

// AskAccord asks the gate. Nothing is written, and the answer binds nobody: what is written later is judged by
// what holds then.
func (n *Node) AskAccord(_ context.Context, r AccordAskRequest) (*AccordAskResponse, error) {
	if r.Kind == "" {
		r.Kind = "share"
	}
	if !accord.IsContent(r.Kind) {
		return nil, badInput("The accord is not asked about entries of the kind "+r.Kind+".", "Only what carries content goes through it.", "Ask about share, or about a kind such as request.send or hotline.call.")
	}
	if len(r.Types) > maxAsked || len(r.Fields) > maxAsked {
		return nil, badInput("The question names too much.", "It may have 256 types and 256 fields.", "Ask about less at once.")
	}
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	party := n.keys().party
	if r.Party != "" {
		if party, err = l.findParty(r.Party); err != nil {
			return nil, err
		}
	}
	var objects int64
	for _, count := range r.Types {
		objects += count
	}
	body := unit.ContentBody{Objects: objects, Types: r.Types, TLP: strings.ToLower(r.TLP), PAP: strings.ToLower(r.PAP), Bytes: r.Bytes, Oldest: r.Oldest, Type: r.Type, Urgency: r.Urgency, Fields: r.Fields}
	d := journal.Draft{Kind: r.Kind, At: n.now(), By: n.by(r.By), Release: claims(r.Release), Body: body}
	l.mu.Lock()
	defer l.mu.Unlock()
	return &AccordAskResponse{Unit: string(l.id), Party: string(party), Kind: r.Kind, At: d.At, Decision: decision(l.fold.Decide(party, d))}, nil
}
