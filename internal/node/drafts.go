package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
)

// Drafts are private: they are in no journal and leave the node only as the
// request that is made of them.
type draftFile struct {
	Drafts []savedDraft  `json:"drafts"`
	Scores []savedScores `json:"scores,omitempty"` // of reviews: committed to, not shown
}

type savedDraft struct {
	ID      string            `json:"id"`
	Request RequestNewRequest `json:"request"`
	Why     *DraftReason      `json:"why,omitempty"` // nil: a person made it
}

const maxDrafts = 1000

func (n *Node) draftPath() string { return filepath.Join(n.at.dir, "drafts.json") }

func (n *Node) readDrafts() (draftFile, error) {
	var f draftFile
	_, err := n.at.readJSON(n.draftPath(), &f)
	return f, err
}

// keepDrafts makes drafts durable. n.drafting must be held.
func (n *Node) keepDrafts(f draftFile) error {
	if err := n.at.writeJSON(n.draftPath(), f); err != nil {
		return err
	}
	n.watched.changed()
	return nil
}

func (n *Node) saveDraft(r RequestNewRequest) (string, error) {
	n.drafting.Lock()
	defer n.drafting.Unlock()
	f, err := n.readDrafts()
	if err != nil {
		return "", err
	}
	if r.From != "" {
		i := slices.IndexFunc(f.Drafts, func(d savedDraft) bool { return d.ID == r.From })
		if i < 0 {
			return "", noDraft(r.From)
		}
		id := r.From
		r.Draft, r.From = false, ""
		f.Drafts[i].Request = r
		return id, n.keepDrafts(f)
	}
	r.Draft = false
	return n.addDraft(f, savedDraft{Request: r})
}

// keepDraft keeps a draft that the node made.
func (n *Node) keepDraft(d savedDraft) (string, error) {
	n.drafting.Lock()
	defer n.drafting.Unlock()
	f, err := n.readDrafts()
	if err != nil {
		return "", err
	}
	return n.addDraft(f, d)
}

// addDraft gives a draft its id and keeps it.
func (n *Node) addDraft(f draftFile, d savedDraft) (string, error) {
	if len(f.Drafts) >= maxDrafts {
		return "", conflict("too-many", "There are too many drafts.", fmt.Sprintf("At most %d are kept.", maxDrafts), "Send or drop some.")
	}
	var id [4]byte
	if err := n.random(id[:]); err != nil {
		return "", err
	}
	d.ID = "draft-" + hex.EncodeToString(id[:])
	f.Drafts = append(f.Drafts, d)
	return d.ID, n.keepDrafts(f)
}

func (n *Node) draft(id string) (RequestNewRequest, error) {
	f, err := n.readDrafts()
	if err != nil {
		return RequestNewRequest{}, err
	}
	for _, d := range f.Drafts {
		if d.ID == id {
			return d.Request, nil
		}
	}
	return RequestNewRequest{}, noDraft(id)
}

func noDraft(id string) error {
	return notFound(fmt.Sprintf("There is no draft %q.", id), "List drafts with 'entente request list'.")
}

// DropDraft drops a draft for good, and returns what it was.
func (n *Node) DropDraft(_ context.Context, r RequestDropRequest) (*RequestView, error) {
	drafts, err := n.drafts()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(drafts, func(d RequestView) bool { return d.ID == r.ID })
	if i < 0 {
		return nil, noDraft(r.ID)
	}
	return &drafts[i], n.dropDraft(r.ID)
}

func (n *Node) dropDraft(id string) error {
	n.drafting.Lock()
	defer n.drafting.Unlock()
	f, err := n.readDrafts()
	if err != nil {
		return err
	}
	f.Drafts = slices.DeleteFunc(f.Drafts, func(d savedDraft) bool { return d.ID == id })
	return n.keepDrafts(f)
}

func (n *Node) drafts() ([]RequestView, error) {
	f, err := n.readDrafts()
	if err != nil {
		return nil, err
	}
	var out []RequestView
	for _, d := range f.Drafts {
		out = append(out, draftView(d))
	}
	return out, nil
}

func draftView(d savedDraft) RequestView {
	return RequestView{ID: d.ID, Short: d.ID, Unit: d.Request.Unit, Type: d.Request.Type, Urgency: d.Request.Urgency, To: d.Request.To, Title: d.Request.Title,
		Text: d.Request.Text, Lang: d.Request.Lang, Fields: d.Request.Fields, State: "draft", TLP: d.Request.TLP, Detected: d.Request.Detected, Why: d.Why}
}
