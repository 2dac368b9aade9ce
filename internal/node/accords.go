package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"
)

// by fills in the configured agency and role where a command names none.
func (n *Node) by(c Claim) journal.By {
	b := journal.By{Agency: c.Agency, Role: c.Role}
	if b.Agency == "" {
		b.Agency = n.config.Acting.Agency
	}
	if b.Role == "" {
		b.Role = n.config.Acting.Role
	}
	return b
}

func claims(cs []Claim) []journal.By {
	var out []journal.By
	for _, c := range cs {
		out = append(out, journal.By{Agency: c.Agency, Role: c.Role})
	}
	return out
}

func decision(d accord.Decision) Decision {
	return Decision{Verdict: d.Verdict.String(), Clause: d.Clause, Code: d.Code, Reason: d.Reason, Obligations: d.Obligations}
}

func (l *ledger) wrote(entries []*journal.Entry) WriteResponse {
	w := WriteResponse{Unit: string(l.id), Refs: []string{}}
	for _, e := range entries {
		w.Refs = append(w.Refs, e.Ref().String())
	}
	return w
}

func problems(ps []accord.Problem) []Problem {
	out := make([]Problem, 0, len(ps))
	for _, p := range ps {
		out = append(out, Problem{Path: p.Path, Line: p.Line, Message: p.Text})
	}
	return out
}

func changes(cs []accord.Change) []Change {
	out := make([]Change, 0, len(cs))
	for _, c := range cs {
		out = append(out, Change{Clause: c.Clause, Path: c.Path, Before: c.Before, After: c.After, Text: c.Text})
	}
	return out
}

// ProposeAccord proposes, counters or amends.
func (n *Node) ProposeAccord(_ context.Context, r AccordProposeRequest) (*AccordProposeResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	_, found, err := accord.Parse([]byte(r.Text))
	var text []byte
	if err == nil {
		text, err = accord.Canonical([]byte(r.Text))
	}
	if err != nil {
		res := badInput("The accord is not valid.", firstLines(err, 20), "Correct it; 'entente accord check FILE' lists everything.")
		res.Err = err
		return nil, res
	}
	doc, err := accord.Load(text)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	inForce, _ := l.fold.Texts(n.now())
	kind, against := r.Kind, ""
	switch {
	case kind == "" && r.Counters != "":
		kind = "counter"
	case kind == "" && inForce != nil:
		kind = "amend"
	case kind == "":
		kind = "propose"
	}
	sum := accord.HashOf(text)
	body := unit.ProposeBody{Hash: hex.EncodeToString(sum[:]), Version: doc.Version, Supersedes: doc.Supersedes}
	switch kind {
	case "propose":
	case "amend":
		if inForce == nil {
			return nil, conflict("no-accord", "There is no accord in force to amend.", "", "Propose one with 'entente accord propose'.")
		}
		against = inForce.Hash
	case "counter":
		if body.Counters, err = l.findAccord(r.Counters); err != nil {
			return nil, err
		}
		against = body.Counters
	default:
		return nil, badInput("Unknown kind of proposal "+kind+".", "", "Use propose, counter or amend.")
	}
	if supersedes := ""; inForce != nil || doc.Supersedes != "" {
		if inForce != nil {
			supersedes = inForce.Hash
		}
		if doc.Supersedes != supersedes {
			return nil, badInput("The accord names the wrong predecessor.",
				fmt.Sprintf("'supersedes' is %q, in force is %q.", doc.Supersedes, supersedes),
				"Set 'supersedes' to the hash of the accord in force and 'version' to the next number.")
		}
	}
	res := &AccordProposeResponse{Hash: body.Hash, Problems: problems(found)} // warnings
	if against != "" {
		if old, ok := l.texts[against]; ok {
			if before, err := accord.Load(old); err == nil {
				res.Changes = changes(accord.Diff(before, doc))
			}
		}
	}
	res.WriteResponse = WriteResponse{Unit: string(l.id), DryRun: r.DryRun, Refs: []string{}}
	if r.DryRun {
		res.Effects = []string{fmt.Sprintf("would %s accord %s, version %d; it would go to so many other members: %d", kind, body.Hash[:12], doc.Version, len(l.others()))}
		return res, nil
	}
	payload, err := l.seal(journal.PayloadAccord, text)
	if err != nil {
		return nil, err
	}
	entries, err := l.writeControl(journal.Draft{Kind: "accord." + kind, By: n.by(r.By), Release: claims(r.Release), Body: body, Payload: payload})
	if err != nil {
		return nil, err
	}
	res.WriteResponse = l.wrote(entries)
	return res, nil
}

// findAccord takes the hash of a known accord text or a prefix of it; empty
// means the only open proposal. The lock must be held.
func (l *ledger) findAccord(s string) (string, error) {
	inForce, proposals := l.fold.Texts(l.n.now())
	var all, open []string
	if inForce != nil {
		all = append(all, inForce.Hash)
	}
	for _, p := range proposals {
		all = append(all, p.Hash)
		if p.Status == "open" {
			open = append(open, p.Hash)
		}
	}
	if s == "" {
		switch {
		case len(open) == 1:
			return open[0], nil
		case len(open) == 0:
			return "", notFound("There is no open proposal.", "See where things stand with 'entente accord show'.")
		}
		return "", badInput("There are several open proposals.", shortHashes(open)+".", "Name one by the first digits of its hash.")
	}
	var hits []string
	for _, h := range all {
		if strings.HasPrefix(h, strings.ToLower(s)) {
			hits = appendNew(hits, h)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return "", notFound(fmt.Sprintf("No accord %q is known here.", s), "Known are: "+shortHashes(all)+".")
	}
	return "", badInput(fmt.Sprintf("%q fits several accords.", s), shortHashes(hits)+".", "Give more digits.")
}

func appendNew(list []string, s string) []string {
	for _, x := range list {
		if x == s {
			return list
		}
	}
	return append(list, s)
}

func shortHashes(hs []string) string {
	var out []string
	for _, h := range hs {
		out = append(out, h[:min(12, len(h))])
	}
	return strings.Join(out, ", ")
}

// ActOnAccord reserves, accepts or signs.
func (n *Node) ActOnAccord(_ context.Context, r AccordActRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	hash, err := l.findAccord(r.Hash)
	if err != nil {
		return nil, err
	}
	if _, ok := l.texts[hash]; !ok {
		return nil, conflict("no-text", "The text of accord "+hash[:12]+" is not here yet.", "What cannot be read cannot be signed.", "Sync first with 'entente sync'.")
	}
	d := journal.Draft{By: n.by(r.By), Release: claims(r.Release)}
	switch r.Move {
	case "accept":
		d.Kind, d.Body = unit.KindAccept, unit.HashBody{Hash: hash}
	case "sign":
		d.Kind, d.Body = unit.KindSign, unit.HashBody{Hash: hash}
	case "reserve":
		if len(r.Clauses) == 0 {
			return nil, badInput("A reservation names the clauses it is about.", "", "Name them with --clause ID.")
		}
		d.Kind, d.Body = unit.KindReserve, unit.ReserveBody{Hash: hash, Clauses: r.Clauses}
		if r.Text != "" {
			if d.Payload, err = l.seal(journal.PayloadText, []byte(r.Text)); err != nil {
				return nil, err
			}
		}
	default:
		return nil, badInput("Unknown move "+r.Move+".", "", "Use reserve, accept or sign.")
	}
	entries, err := l.writeControl(d)
	if err != nil {
		return nil, err
	}
	res := l.wrote(entries)
	return &res, nil
}

// ShowAccord shows one accord text and where every proposal stands.
func (n *Node) ShowAccord(_ context.Context, r AccordShowRequest) (*AccordShowResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	inForce, proposals := l.fold.Texts(n.now())
	res := &AccordShowResponse{Unit: string(l.id)}
	switch {
	case r.Hash != "":
		if res.Hash, err = l.findAccord(r.Hash); err != nil {
			return nil, err
		}
	case inForce != nil:
		res.Hash = inForce.Hash
	case len(proposals) > 0:
		res.Hash = proposals[len(proposals)-1].Hash
	default:
		return nil, notFound("There is no accord and no proposal yet.", "Begin with 'entente accord example' and 'entente accord propose'.")
	}
	res.InForce = inForce != nil && inForce.Hash == res.Hash
	text, ok := l.texts[res.Hash]
	if !ok {
		return nil, conflict("no-text", "The text of accord "+res.Hash[:12]+" is not here yet.", "", "Sync first with 'entente sync'.")
	}
	res.Text = json.RawMessage(text)
	res.Proposals, err = json.Marshal(proposals)
	return res, err
}

// DiffAccords compares two accords clause by clause.
func (n *Node) DiffAccords(_ context.Context, r AccordDiffRequest) (*AccordDiffResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	inForce, proposals := l.fold.Texts(n.now())
	res := &AccordDiffResponse{}
	if res.A, err = l.pickAccord(r.A, func() string {
		switch {
		case inForce != nil:
			return inForce.Hash
		case len(proposals) > 0:
			return proposals[0].Hash
		}
		return ""
	}); err != nil {
		return nil, err
	}
	if res.B, err = l.pickAccord(r.B, func() string {
		if len(proposals) > 0 {
			return proposals[len(proposals)-1].Hash
		}
		return ""
	}); err != nil {
		return nil, err
	}
	var docs [2]*accord.Document
	for i, h := range []string{res.A, res.B} {
		text, ok := l.texts[h]
		if !ok {
			return nil, conflict("no-text", "The text of accord "+h[:12]+" is not here yet.", "", "Sync first with 'entente sync'.")
		}
		if docs[i], err = accord.Load(text); err != nil {
			return nil, err
		}
	}
	res.Changes = changes(accord.Diff(docs[0], docs[1]))
	return res, nil
}

func (l *ledger) pickAccord(given string, otherwise func() string) (string, error) {
	if given != "" {
		return l.findAccord(given)
	}
	if h := otherwise(); h != "" {
		return h, nil
	}
	return "", notFound("There is no accord and no proposal to compare.", "Begin with 'entente accord propose'.")
}

// firstLines shortens a long error for a sentence.
func firstLines(err error, lines int) string {
	all := strings.Split(err.Error(), "\n")
	if len(all) > lines {
		all = append(all[:lines], fmt.Sprintf("... and %d more", len(all)-lines))
	}
	return strings.Join(all, "\n")
}
