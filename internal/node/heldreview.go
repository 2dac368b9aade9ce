package node

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/journal"
)

// What an act says beyond its entries, and what has to be true still when it is released.

// reviewOf is what a move of a review that is held ready says; ok false where it is none.
func (h *heldFile) reviewOf(move string) (b desk.ReviewBody, ok bool) {
	if len(h.Entries) == 0 || h.Entries[0].Kind != "review."+move || json.Unmarshal(h.Entries[0].Body, &b) != nil || b.Review == nil {
		return b, false
	}
	return b, true
}

// heldCommitment is the act that commits to scores of a review and waits; "" if there is none.
func (n *Node) heldCommitment(u journal.UnitID, ref journal.Ref) string {
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	for _, h := range n.held.acts {
		if b, ok := h.reviewOf(desk.ReviewCommit); ok && h.open() && n.now().Before(h.expires()) && h.Unit == u && *b.Review == ref {
			return h.ID
		}
	}
	return ""
}

// keptFor are the scores that an act commits to, if they are here. Whoever looks at it sees what a hash stands for.
func (n *Node) keptFor(h *heldFile) (desk.ReviewScores, bool) {
	b, ok := h.reviewOf(desk.ReviewCommit)
	l := n.ledger(h.Unit)
	if !ok || b.Commitment == nil || l == nil {
		return nil, false
	}
	n.drafting.Lock()
	f, err := n.readDrafts()
	n.drafting.Unlock()
	if err != nil {
		return nil, false
	}
	l.mu.Lock()
	v, _ := l.fold.Review(*b.Review)
	l.mu.Unlock()
	for _, s := range f.Scores {
		if s.Unit == h.Unit && s.Review == *b.Review && desk.ScoreCommitment(h.Unit, s.Review, v.Subject.Hash(), n.keys().party, s.Salt, s.Scores) == *b.Commitment {
			return s.Scores, true
		}
	}
	return nil, false
}

func (n *Node) committedScores(h *heldFile) map[string]map[string]map[string]int {
	scores, ok := n.keptFor(h)
	l := n.ledger(h.Unit)
	if !ok || l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]map[string]map[string]int{}
	for p, types := range scores {
		out[l.partyName(p)] = types
	}
	return out
}

// stillTrue asks of an act, before it is written, what nothing that is written says: that the scores it commits to are here to be shown,
// and that evidence of which custody is stated verifies.
func (n *Node) stillTrue(ctx context.Context, h *heldFile) error {
	if _, ok := h.reviewOf(desk.ReviewCommit); ok {
		if _, here := n.keptFor(h); !here {
			return conflict("scores-lost", "The scores that this commits to are not here any more.", "They could never be shown.", "Reject it, and commit to scores anew.")
		}
	}
	for _, e := range h.Entries {
		var b exhibitBody
		if e.Kind == exhibitKinds+desk.ExhibitCustody && json.Unmarshal(e.Body, &b) == nil && b.Exhibit != nil {
			if err := n.verified(ctx, ExhibitIDRequest{Unit: string(h.Unit), ID: b.Exhibit.String()}, b.Act, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// toldScores forgets scores that an act has shown.
func (n *Node) toldScores(h *heldFile) error {
	if b, ok := h.reviewOf(desk.ReviewReveal); ok {
		return n.forgetScores(h.Unit, *b.Review)
	}
	return nil
}

// goesWith are the entries that are written with one: those that say what is destroyed with an exhibit. The lock must be held.
func (l *ledger) goesWith(d journal.Draft) []journal.Draft {
	var b exhibitBody
	text, ok := d.Body.(jsontext.Value)
	if !ok || d.Kind != exhibitKinds+desk.ExhibitCustody || json.Unmarshal(text, &b) != nil || b.Act != desk.ActDestroyed || b.Exhibit == nil {
		return nil
	}
	x, ok := l.fold.Exhibit(*b.Exhibit)
	if !ok {
		return nil
	}
	return l.destruction(&x.Exhibit)
}

// filesOf are the first files of a manifest.
func filesOf(manifest []byte) (out []ExhibitFile) {
	m, err := exhibit.ParseManifest(manifest)
	if err != nil {
		return nil
	}
	for _, f := range m.Files[:min(len(m.Files), maxFilesListed)] {
		out = append(out, ExhibitFile{f.Path, f.Size, hex.EncodeToString(f.SHA256[:]), f.Type})
	}
	return out
}
