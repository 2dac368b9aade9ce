package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"

	jsonv2 "github.com/go-json-experiment/json"
)

// openIntel opens what the node knows over the local log and the derived store.
func (n *Node) openIntel(ctx context.Context) error {
	guard, files, err := n.readGuards(nil)
	if err != nil {
		return err
	}
	n.guards.files = files
	for _, f := range files {
		if f.err != nil {
			n.opts.Log.Error("a guard list cannot be used; what it names is not guarded", "list", f.name, "err", f.err)
		}
	}
	n.intel, err = intel.Open(intel.Config{
		Log: n.local, Objects: n.objects, Now: n.opts.Clock, Guard: guard, Aging: n.config.aging(), Logger: n.opts.Log,
		Payloads: intel.PayloadsFunc(n.receivedPayload),
	})
	if err != nil {
		return err
	}
	if err := n.openPrevalent(ctx); err != nil {
		return err
	}
	return n.takeGiven(ctx)
}

// receivedPayload gives the STIX bundle of a received payload again. One that is
// damaged counts as gone: a byte that flipped on the disk must not keep a node
// from starting, and the partner has another copy.
func (n *Node) receivedPayload(_ context.Context, id journal.UnitID, ref journal.Ref, c journal.Hash) ([]byte, error) {
	l := n.ledger(id)
	if l == nil {
		return nil, fmt.Errorf("unit %s: %w", id.Short(), intel.ErrGone)
	}
	l.mu.Lock()
	np, ok := l.named.of(c, ref)
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("payload of %s: %w", ref, intel.ErrGone)
	}
	plain, err := l.bundle(np.p)
	if errors.Is(err, store.ErrDamaged) {
		n.opts.Log.Warn("a payload is damaged; 'entente doctor' says what to do", "ref", ref.String(), "err", err)
		return nil, fmt.Errorf("%w: %w", intel.ErrGone, err)
	}
	return plain, err
}

// bundle reads the STIX bundle in a held payload: all of a share's, or the
// bundle that goes with an answer.
func (l *ledger) bundle(p journal.PayloadRef) ([]byte, error) {
	plain, err := l.openPayload(p)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", intel.ErrGone, err)
	}
	if err != nil || p.Type != journal.PayloadAnswer {
		return plain, err
	}
	var a answerPayload
	if err := jsonv2.Unmarshal(plain, &a); err != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	return a.Bundle, nil
}

func (n *Node) takeIn(ctx context.Context, l *ledger, np namedPayload, r intel.Received) error {
	// Every start meets what was taken in before; it is not opened for that.
	if verdict, took, err := n.intel.Took(ctx, np.ref); err != nil || took {
		if verdict.Code == CodeBadPayload {
			l.cannotRead(np)
		}
		return err
	}
	plain, err := l.bundle(np.p)
	switch {
	case errors.Is(err, store.ErrDamaged):
		// These are not the bytes its author committed to, so they prove nothing.
		n.opts.Log.Warn("a payload is damaged; 'entente doctor' says what to do", "ref", np.ref.String(), "err", err)
		l.cannotRead(np)
		return nil
	case errors.Is(err, intel.ErrGone):
		l.lost(np)
		return nil
	case err != nil && ofTheMachine(err):
		return fmt.Errorf("reading the payload of %s: %w", np.ref, err) // it says nothing about the bytes
	case err != nil:
		// Its author committed to these bytes, so they are kept as proof; nothing in
		// them is used, and the entry shows why.
		n.opts.Log.Warn("a payload cannot be opened", "ref", np.ref.String(), "err", err)
		r.Verdict = accord.Decision{Verdict: accord.Refuse, Clause: accord.Protocol, Code: CodeBadPayload, Reason: err.Error()}
		plain = nil
		l.cannotRead(np)
	case len(plain) == 0: // an answer in words only
		return nil
	}
	l.mu.Lock()
	doc := l.fold.AccordOf(np.ref)
	l.mu.Unlock()
	if r.Terms, err = receivingTerms(doc, unit.KindShare, np.from, r.At); err != nil {
		return err
	}
	out, err := n.intel.Receive(ctx, r, plain)
	if err != nil {
		return fmt.Errorf("intake of %s: %w", np.ref, err)
	}
	if out.Held > 0 {
		n.opts.Log.Warn("objects are in quarantine", "ref", np.ref.String(), "held", out.Held, "of", out.Objects)
	}
	return nil
}

// ofTheMachine tells a failure to read from what is read.
func ofTheMachine(err error) bool {
	var path *fs.PathError
	return StorageError(err) != nil || errors.As(err, &path)
}

// cannotRead notes that a payload is here and cannot be opened.
func (l *ledger) cannotRead(np namedPayload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unreadable[np.ref] = true
}

// lost notes that a payload that was here is not any more: unless this node
// destroyed it, partners are asked for it again.
func (l *ledger) lost(np namedPayload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone[np.p.Commitment] {
		return
	}
	l.n.opts.Log.Warn("a payload has disappeared from the disk; partners are asked for it again", "ref", np.ref.String())
	l.wanted[np.p.Commitment] = true
}

func (n *Node) intelProgress(stage string, f func(Progress)) func(intel.Progress) {
	if f == nil {
		return nil
	}
	return func(p intel.Progress) {
		f(Progress{Stage: stage, Done: p.Objects, Unit: "objects"})
	}
}

// Intake lists what arrived and was held. Whoever looks at what waits has noticed it.
func (n *Node) Intake(ctx context.Context, r IntakeRequest) (*IntakeResponse, error) {
	res, err := n.intakePage(ctx, r)
	if err == nil {
		n.looked(refsOf(res.Items)...)
	}
	return res, err
}

func refsOf(items []IntakeItem) []string {
	var out []string
	for _, i := range items {
		if i.Ref != "" && !slices.Contains(out, i.Ref) {
			out = append(out, i.Ref)
		}
	}
	return out
}

func (n *Node) intakePage(ctx context.Context, r IntakeRequest) (*IntakeResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	f := intel.IntakeFilter{Limit: r.Limit, Next: r.Next}
	switch r.State {
	case "", "quarantined":
	case "all":
		f.All = true
	case "accepted", "rejected":
		f.State = intel.State(r.State)
	default:
		return nil, badInput("Unknown state "+r.State+".", "", "Use quarantined, accepted, rejected or all.")
	}
	if r.Ref != "" {
		ref, err := journal.ParseRef(r.Ref)
		if err != nil {
			return nil, badInput("This names no entry.", err.Error(), "An entry is named origin#index.")
		}
		f.Ref = &ref
	}
	page, err := n.intel.Intake(ctx, f)
	if err != nil {
		return nil, queryError(err)
	}
	res := &IntakeResponse{Items: []IntakeItem{}, Next: page.Next}
	for _, it := range page.Items {
		v := IntakeItem{Item: it.Item, ID: it.ID, Type: it.Type, Name: it.Name, State: string(it.State)}
		if it.Unit != "" {
			v.From, v.Ref = n.nameIn(it.Unit, it.From), it.Ref.String()
		} else {
			v.From = it.Source
		}
		if len(it.Reasons) > 0 {
			v.Code, v.Clause, v.Reason = it.Reasons[0].Code, it.Reasons[0].Clause, it.Reasons[0].Text
		}
		res.Items = append(res.Items, v)
	}
	return res, nil
}

func (n *Node) nameIn(id journal.UnitID, p journal.PartyID) string {
	if l := n.ledger(id); l != nil {
		return l.nameOf(p)
	}
	return p.Short()
}

func queryError(err error) error {
	switch {
	case errors.Is(err, intel.ErrNoItem):
		return notFound(err.Error(), "List what waits with 'entente intake list'.")
	case errors.Is(err, intel.ErrQuery):
		return badInput("The question cannot be understood.", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "intel: "), "the query cannot be understood: "), "See 'entente search --help'.")
	}
	return err
}

// DecideIntake accepts or rejects what is held.
func (n *Node) DecideIntake(ctx context.Context, r IntakeDecideRequest) (*IntakeDecideResponse, error) {
	c := intel.Choice{Items: r.Items}
	if r.Ref != "" {
		ref, err := journal.ParseRef(r.Ref)
		if err != nil {
			return nil, badInput("This names no entry.", err.Error(), "An entry is named origin#index.")
		}
		c.Ref = &ref
	}
	if len(c.Items) == 0 && c.Ref == nil {
		return nil, badInput("Nothing was chosen.", "", "Name items as 'entente intake list' prints them, or a share with --ref.")
	}
	by := n.config.Acting.Agency + "/" + n.config.Acting.Role
	decide := n.intel.Reject
	if r.Accept {
		decide = n.intel.Accept
	}
	count, err := decide(ctx, c, by, r.Reason)
	if err != nil {
		return nil, queryError(err)
	}
	return &IntakeDecideResponse{Decided: count}, nil
}

// Search looks up what the node knows.
func (n *Node) Search(ctx context.Context, r SearchRequest) (*SearchResponse, error) {
	q, err := n.query(r)
	if err != nil {
		return nil, err
	}
	page, err := n.intel.Search(ctx, q)
	if err != nil {
		return nil, queryError(err)
	}
	res := &SearchResponse{Objects: []FoundObject{}, Next: page.Next}
	for _, o := range page.Objects {
		res.Objects = append(res.Objects, n.found(o))
	}
	return res, nil
}

func (n *Node) query(r SearchRequest) (q intel.Query, err error) {
	if err := checkLimit(r.Limit); err != nil {
		return q, err
	}
	q = intel.Query{Value: r.Value, Parents: r.Above, Children: r.Below, Text: r.Text, ID: r.ID, Type: r.Type,
		After: r.After, Before: r.Before, Held: r.Held, Conflicts: r.Conflicts, Limit: r.Limit, Next: r.Next}
	if r.TLP != "" {
		if q.Marking, err = stix.ParseTLP(r.TLP); err != nil {
			return q, badInput("Unknown marking "+r.TLP+".", "", "Use clear, green, amber, amber+strict or red.")
		}
	}
	q.Source = n.sourceNamed(r.Source)
	return q, nil
}

// sourceNamed takes a partner's name for its id; anything else is the name of
// an import.
func (n *Node) sourceNamed(s string) string {
	if s == "" {
		return ""
	}
	for _, l := range n.units() {
		if p, err := l.findParty(s); err == nil {
			return string(p)
		}
	}
	return s
}

func (n *Node) found(o intel.Found) FoundObject {
	f := FoundObject{ID: o.ID, Type: o.Type, TLP: o.TLP.String(), Added: o.Added, State: string(o.State), Conflict: o.Conflict, Object: json.RawMessage(o.Raw)}
	for _, p := range o.Provenance {
		v := Provenance{Source: p.Source, At: p.At, TLP: p.TLP.String()}
		if p.State != intel.Accepted {
			v.State = string(p.State)
		}
		if p.From != "" && p.Ref != nil {
			v.Source, v.Unit, v.Ref = n.nameIn(p.Unit, p.From), string(p.Unit), p.Ref.String()
		}
		f.Provenance = append(f.Provenance, v)
	}
	return f
}

func (n *Node) counts(ctx context.Context) (ObjectCounts, error) {
	c, err := n.intel.Counts(ctx)
	return ObjectCounts{Accepted: c.Accepted, Quarantined: c.Quarantined, Rejected: c.Rejected, Conflicts: c.Conflicts}, err
}
