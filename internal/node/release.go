package node

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"
)

const (
	maxHeldPlain   = 64 << 10 // bytes of a content that are shown as they are
	maxHeldObjects = 200      // objects of a content that are shown
)

// barTo says why somebody may not release an act, nil if they may. Nobody releases what they prepared, and a program is no second
// person: officers in their sessions are, and whoever works on the node's machine itself, who could write it anyway.
func (h *heldFile) barTo(g Grant) *Error {
	const what = "You cannot release this."
	switch who := personOf(g); {
	case !g.May(ScopeRelease):
		return &Error{Code: "scope", Status: http.StatusForbidden, What: what, Why: "It needs the scope release.", Next: "An officer with the role release does it."}
	case who.Kind == "token":
		return &Error{Code: "no-person", Status: http.StatusForbidden, What: what, Why: "A token is a program's, and no second person.", Next: "An officer with the role release does it on the pages."}
	case who.Kind == h.Prepared.Kind && who.ID == h.Prepared.ID:
		return &Error{Code: "same-person", Status: http.StatusForbidden, What: what, Why: "You prepared it yourself.", Next: "Another officer with the role release does it."}
	}
	return nil
}

// HeldActs lists what is held ready for a second person.
func (n *Node) HeldActs(ctx context.Context, r ReleaseListRequest) (*ReleaseListResponse, error) {
	var only journal.UnitID
	if r.Unit != "" {
		l, err := n.findUnit(r.Unit)
		if err != nil {
			return nil, err
		}
		only = l.id
	}
	n.held.mu.Lock()
	if err := n.expireHeld(); err != nil {
		n.held.mu.Unlock()
		return nil, err
	}
	var all []*heldFile
	res := &ReleaseListResponse{Acts: []HeldAct{}}
	for _, h := range n.held.acts {
		if h.open() {
			res.Waiting++
		}
		if (only == "" || h.Unit == only) && (r.All || h.open()) && h.visible(r.asker()) {
			x := *h
			x.Entries = slices.Clone(h.Entries)
			all = append(all, &x)
		}
	}
	n.held.mu.Unlock()
	slices.SortFunc(all, func(a, b *heldFile) int {
		return cmp.Or(boolOrder(a.open(), b.open()), a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	for _, h := range all {
		res.Acts = append(res.Acts, n.heldView(h, r.asker()))
	}
	return res, ctx.Err()
}

// boolOrder puts what is true first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// visible tells whether somebody may see an act: who may release, and who prepared it.
func (h *heldFile) visible(g Grant) bool {
	who := personOf(g)
	return g.May(ScopeRelease) || who.Kind == h.Prepared.Kind && who.ID == h.Prepared.ID
}

func (n *Node) heldView(h *heldFile, g Grant) HeldAct {
	who := personOf(g)
	v := HeldAct{ID: h.ID, Unit: string(h.Unit), State: h.State, Kind: h.Entries[0].Kind, By: Claim{h.By.Agency, h.By.Role}, Prepared: h.Prepared, At: h.At, Expires: h.expires(), Decision: h.Decision,
		Own: who.Kind == h.Prepared.Kind && who.ID == h.Prepared.ID, Bytes: h.bytes(), Decided: h.Decided, Claim: h.Claim, DoneAt: h.DoneAt, Reason: h.Reason}
	for _, ref := range h.Refs {
		v.Refs = append(v.Refs, ref.String())
	}
	if e := h.barTo(g); e != nil {
		v.Why = e.Why
	}
	v.May = h.open() && v.Why == ""
	if l := n.ledger(h.Unit); l != nil {
		l.mu.Lock()
		v.Name = l.name()
		for _, p := range l.others() {
			v.To = append(v.To, l.partyName(p))
		}
		l.mu.Unlock()
	}
	var about map[string]json.RawMessage
	if json.Unmarshal(h.Entries[0].Body, &about) == nil {
		for _, name := range []string{"request", "call", "case", "commitment", "statement", "leak", "exhibit", "review", "about"} {
			var ref journal.Ref
			if json.Unmarshal(about[name], &ref) == nil && ref.Origin != "" {
				v.About = ref.String()
				break
			}
		}
	}
	return v
}

// seenAct copies one act, if somebody may see it.
func (n *Node) seenAct(id string, g Grant) (*heldFile, error) {
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	h, err := n.heldAct(id)
	if err != nil {
		return nil, err
	}
	if !h.visible(g) {
		return nil, notFound(fmt.Sprintf("Nothing is held ready as %q.", id), "See what is with 'entente release list'.")
	}
	x := *h
	x.Entries = slices.Clone(h.Entries)
	return &x, nil
}

// HeldAct shows one act with exactly what would leave.
func (n *Node) HeldAct(_ context.Context, r ReleaseShowRequest) (*HeldAct, error) {
	h, err := n.seenAct(r.ID, r.asker())
	if err != nil {
		return nil, err
	}
	v := n.heldView(h, r.asker())
	if !h.open() {
		return &v, nil
	}
	v.Digest, v.Files = h.digest(), h.Whole
	for i := range h.Entries {
		e, err := n.heldEntry(h, i)
		if err != nil {
			return nil, err
		}
		v.Entries = append(v.Entries, e)
	}
	return &v, nil
}

// heldEntry opens the content of an entry and reads what it says.
func (n *Node) heldEntry(h *heldFile, i int) (HeldEntry, error) {
	e := h.Entries[i]
	out := HeldEntry{Kind: e.Kind, Body: e.Body}
	var marked struct {
		TLP string `json:"tlp"`
	}
	if json.Unmarshal(e.Body, &marked) == nil {
		out.TLP = marked.TLP
	}
	if e.Kind == "review."+desk.ReviewCommit {
		out.Given = n.committedScores(h)
	}
	if e.Payload == nil {
		return out, nil
	}
	plain, err := n.heldPlain(h, i)
	if err != nil {
		return out, err
	}
	if e.Payload.Type == journal.PayloadExhibit {
		out.List = filesOf(plain)
	}
	out.Type, out.Whole = e.Payload.Type, int64(len(plain))
	out.Plain = string(plain[:min(len(plain), maxHeldPlain)])
	for !utf8.ValidString(out.Plain) && len(out.Plain) > 0 && len(out.Plain) > maxHeldPlain-utf8.UTFMax { // a character that was cut
		out.Plain = out.Plain[:len(out.Plain)-1]
	}
	out.Cut = out.Whole - int64(len(out.Plain))
	var said struct {
		Title   string            `json:"title"`
		Text    string            `json:"text"`
		Lang    string            `json:"lang"`
		Fields  map[string]string `json:"fields"`
		Bundle  json.RawMessage   `json:"bundle"`
		Objects []json.RawMessage `json:"objects"`
	}
	if json.Unmarshal(plain, &said) != nil {
		return out, nil
	}
	out.Title, out.Text, out.Lang, out.Fields = said.Title, said.Text, said.Lang, said.Fields
	bundle := []byte(said.Bundle)
	if len(said.Objects) > 0 {
		bundle = plain
	}
	for o, err := range stix.NewReader(bytes.NewReader(bundle), stix.ReaderOptions{}).Objects() {
		if err != nil || len(bundle) == 0 {
			break
		}
		if len(out.Objects) == maxHeldObjects {
			out.More++
			continue
		}
		out.Objects = append(out.Objects, HeldObject{ID: o.ID, Type: o.Type, Object: slices.Clone(o.Raw)})
	}
	return out, nil
}

// heldPlain opens a content.
func (n *Node) heldPlain(h *heldFile, i int) ([]byte, error) {
	e := h.Entries[i]
	data, err := n.heldData(h, i)
	if err != nil {
		return nil, fmt.Errorf("content of what is held ready: %w", err)
	}
	if len(e.Salt) != 32 {
		return nil, journal.ErrCommitment
	}
	return journal.OpenPayload(*e.Payload, [32]byte(e.Salt), data, journal.MaxPlain)
}

// HeldContent writes one content of an act as it would leave.
func (n *Node) HeldContent(_ context.Context, r ReleaseContentRequest, w io.Writer) error {
	h, err := n.seenAct(r.ID, r.asker())
	if err != nil {
		return err
	}
	i := r.Entry
	if r.Files {
		if h.Whole == 0 || !h.open() {
			return notFound("There are no files beside this.", "See what is held ready with 'entente release show'.")
		}
		content, err := n.openFiles(h.ID)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, content)
		return errors.Join(err, content.Close())
	}
	if i < 0 || i >= len(h.Entries) || h.Entries[i].Payload == nil || !h.open() {
		return notFound("There is no such content.", "See what is held ready with 'entente release show'.")
	}
	plain, err := n.heldPlain(h, i)
	if err == nil {
		_, err = w.Write(plain)
	}
	return err
}

// Release writes an act that is held ready, and brings the files that go with it.
func (n *Node) Release(ctx context.Context, r ReleaseApproveRequest) (*WriteResponse, error) {
	n.held.deciding.Lock()
	defer n.held.deciding.Unlock()
	w, h, err := n.releaseHeld(ctx, r)
	if err != nil || h == nil || h.Whole == 0 {
		return w, err
	}
	if err := n.bringHeld(ctx, h); err != nil { // it is released; what is missing is tried again
		n.opts.Log.Error("evidence that was released cannot be written yet; it will be tried again", "act", h.ID, "err", err)
	}
	return w, nil
}

// releaseHeld writes an act that is held ready, under the claims of both. The gate is asked again, with both; what it does not allow
// stays. It is safe to repeat: what was written of it already is not written twice.
func (n *Node) releaseHeld(ctx context.Context, r ReleaseApproveRequest) (*WriteResponse, *heldFile, error) {
	g := r.asker()
	h, err := n.seenAct(r.ID, g)
	if err != nil {
		return nil, nil, err
	}
	if e := h.barTo(g); e != nil {
		return nil, nil, e
	}
	if !h.open() {
		return nil, nil, decided(h)
	}
	if r.Digest != h.digest() && !r.DryRun {
		return nil, nil, conflict("other-content", "This is not what was looked at.", "A release says by its digest what it releases.", "Look at it with 'entente release show', and release it then.")
	}
	acting, err := g.Acting(r.By)
	if err != nil {
		return nil, nil, err
	}
	by := n.by(acting.By)
	h.Decided, h.Claim = personOf(g), Claim{by.Agency, by.Role}
	l := n.ledger(h.Unit)
	if l == nil {
		return nil, nil, notFound("That unit is not here any more.", "Reject what was held ready for it.")
	}
	if r.DryRun {
		w, err := l.tryHeld(h)
		return w, nil, err
	}
	if err := n.stillTrue(ctx, h); err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h.State, h.From = HeldReleasing, map[journal.Origin]int64{l.origin(): l.ownSize()}
	if err := n.saveHeld(h); err != nil {
		return nil, nil, err
	}
	refs, err := l.writeHeld(ctx, h)
	if err != nil {
		// Nothing of it may have been written, or a part; what was is found again when it is tried again.
		h.State = HeldWaiting
		if failed := n.saveHeld(h); failed != nil {
			return nil, nil, errors.Join(err, failed)
		}
		return nil, nil, err
	}
	if err := n.wroteHeld(h, refs, g); err != nil {
		return nil, nil, err
	}
	w := &WriteResponse{Unit: string(l.id), Refs: []string{}}
	for _, ref := range refs {
		w.Refs = append(w.Refs, ref.String())
	}
	return w, h, nil
}

func decided(h *heldFile) error {
	return conflict("decided", "This does not wait any more.", "It is "+h.State+".", "See what does with 'entente release list'.")
}

// saveHeld makes the state of an act durable, and known.
func (n *Node) saveHeld(h *heldFile) error {
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	if err := n.at.writeJSON(n.at.heldAct(h.ID), h); err != nil {
		return err
	}
	n.held.acts[h.ID] = h
	return nil
}

func (l *ledger) ownSize() int64 {
	if l.own == nil {
		return 0
	}
	return l.own.Head().Size
}

// drafts are the entries as they are written.
func (h *heldFile) drafts() []journal.Draft {
	var out []journal.Draft
	for _, e := range h.Entries {
		out = append(out, journal.Draft{Kind: e.Kind, By: h.By, Release: h.claims(), Body: jsontext.Value(e.Body), Payload: e.Payload})
	}
	return out
}

// allowed asks whether an entry would have an effect now, and the gate. The lock must be held.
func (l *ledger) allowed(d journal.Draft) (Decision, error) {
	d.At = l.n.now()
	if code, why := l.fold.Check(l.n.keys().party, d); code != "" {
		return Decision{}, conflict("illegal-move", "This would have no effect any more, and nothing was written.", why+" ("+code+").", "Reject it, and look at where things stand.")
	}
	return decision(l.decide(d)), nil
}

// tryHeld says what a release would do.
func (l *ledger) tryHeld(h *heldFile) (*WriteResponse, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &WriteResponse{Unit: string(l.id), Refs: []string{}, DryRun: true}
	for _, d := range h.drafts() {
		dec, err := l.allowed(d)
		if err != nil {
			return nil, err
		}
		if w.Decision == nil || dec.Verdict != "allow" {
			w.Decision = &dec
		}
		w.Effects = append(w.Effects, "the gate says "+dec.Verdict+" by clause "+dec.Clause+": "+dec.Reason)
	}
	return w, nil
}

// writeHeld writes what is not written yet of an act. The lock must be held.
func (l *ledger) writeHeld(ctx context.Context, h *heldFile) ([]journal.Ref, error) {
	refs, err := l.writtenOf(h)
	if err != nil {
		return nil, err
	}
	for i, d := range h.drafts() {
		if refs[i] != (journal.Ref{}) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		dec, err := l.allowed(d)
		if err != nil {
			return nil, err
		}
		if dec.Verdict != "allow" {
			return nil, gateError(dec)
		}
		if d.Payload != nil {
			data, err := l.n.heldData(h, i)
			if err != nil {
				return nil, err
			}
			salt := [32]byte(h.Entries[i].Salt)
			if journal.Commit(salt, data) != d.Payload.Commitment {
				return nil, journal.ErrCommitment
			}
			keep := l.keep
			if h.Entries[i].isEvidence() {
				keep = l.keepSealed
			}
			if err := keep(d.Payload.Commitment, salt, data); err != nil {
				return nil, l.n.sealedError(err)
			}
		}
		entries, err := l.write(append([]journal.Draft{d}, l.goesWith(d)...)...)
		if err != nil {
			return nil, err
		}
		refs[i] = entries[0].Ref()
		l.n.passedOn(l.id, h, i)
	}
	return refs, nil
}

// passedOn notes that objects were shared, so that what is owed about them is known.
func (n *Node) passedOn(id journal.UnitID, h *heldFile, i int) {
	if h.Entries[i].Kind != unit.KindShare {
		return
	}
	plain, err := n.heldPlain(h, i)
	if err != nil {
		return
	}
	var objects []sharedObject
	for o, err := range stix.NewReader(bytes.NewReader(plain), stix.ReaderOptions{}).Objects() {
		if err != nil {
			break
		}
		objects = append(objects, sharedObject{id: o.ID, typ: o.Type, raw: slices.Clone(o.Raw)})
	}
	n.withdrawals.shared(id, objects)
}

// writtenOf finds the entries of an act that are in the own journal: by their contents, which nothing else commits to, and those
// without by all they say, since the release. The lock must be held.
func (l *ledger) writtenOf(h *heldFile) ([]journal.Ref, error) {
	refs := make([]journal.Ref, len(h.Entries))
	taken := map[journal.Ref]bool{}
	for i, d := range h.drafts() {
		if d.Payload != nil {
			for _, np := range l.named[d.Payload.Commitment] {
				if np.from == l.n.keys().party {
					refs[i] = np.ref
				}
			}
			continue
		}
		for _, j := range l.journals() {
			from, began := h.From[j.origin]
			if !began || !j.own {
				continue
			}
			for raw, err := range j.store.Read(min(from, j.size()), j.size()) {
				if err != nil {
					return nil, err
				}
				e, err := journal.ParseEntry(slices.Clone(raw))
				if err != nil {
					return nil, err
				}
				if !taken[e.Ref()] && refs[i] == (journal.Ref{}) && e.Payload == nil && e.Kind == d.Kind && e.By == d.By && slices.Equal(e.Release, d.Release) && sameJSON(e.Body, h.Entries[i].Body) {
					refs[i], taken[e.Ref()] = e.Ref(), true
				}
			}
		}
	}
	return refs, nil
}

func sameJSON(a, b []byte) bool {
	x, y := jsontext.Value(slices.Clone(a)), jsontext.Value(slices.Clone(b))
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}

// wroteHeld ends an act that was written, and records both persons.
func (n *Node) wroteHeld(h *heldFile, refs []journal.Ref, g Grant) error {
	h.State, h.Refs, h.DoneAt = HeldReleased, refs, n.now()
	n.Record(g, Deed{Action: "release.written", Ref: fmt.Sprintf("%s as %s, prepared by %s", refs[0], h.ID, h.Prepared.Name), By: h.Claim})
	if h.Draft != "" {
		if err := n.dropDraft(h.Draft); err != nil {
			return err
		}
	}
	if err := n.toldScores(h); err != nil {
		return err
	}
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	n.held.acts[h.ID] = h
	return n.dropContents(h)
}

// Reject drops an act that is held ready.
func (n *Node) Reject(_ context.Context, r ReleaseRejectRequest) (*HeldAct, error) {
	n.held.deciding.Lock()
	defer n.held.deciding.Unlock()
	g := r.asker()
	h, err := n.seenAct(r.ID, g)
	if err != nil {
		return nil, err
	}
	if h.State != HeldWaiting {
		return nil, decided(h)
	}
	r.Reason = strings.TrimSpace(r.Reason)
	h.Decided, h.DoneAt, h.Reason = personOf(g), n.now(), r.Reason
	h.State = HeldRejected
	if h.Decided == h.Prepared {
		h.State = HeldWithdrawn
	} else if e := h.barTo(g); e != nil {
		return nil, e
	} else if r.Reason == "" {
		return nil, badInput("A rejection says why.", "Who prepared it is owed a reason.", "Give a reason.")
	}
	if utf8.RuneCountInString(r.Reason) > maxHeldReason {
		return nil, badInput("The reason is too long.", fmt.Sprintf("At most %d characters are kept.", maxHeldReason), "Shorten it.")
	}
	n.held.mu.Lock()
	n.held.acts[h.ID] = h
	err = n.dropContents(h)
	n.held.mu.Unlock()
	if err != nil {
		return nil, err
	}
	action := "release.rejected"
	if h.State == HeldWithdrawn {
		action = "release.taken-back"
	}
	n.Record(g, Deed{Action: action, Ref: fmt.Sprintf("%s, prepared by %s", h.ID, h.Prepared.Name)})
	v := n.heldView(h, g)
	return &v, nil
}

// heldNeeds are what waits for a second person, the oldest first.
func (n *Node) heldNeeds() (out []HeldAct) {
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	if err := n.expireHeld(); err != nil {
		n.opts.Log.Error("what was held ready too long could not be dropped", "err", err)
	}
	for _, h := range n.held.acts {
		if h.open() {
			out = append(out, HeldAct{ID: h.ID, Unit: string(h.Unit), Kind: h.Entries[0].Kind, At: h.At, Expires: h.expires(), Prepared: h.Prepared})
		}
	}
	slices.SortFunc(out, func(a, b HeldAct) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return out
}
