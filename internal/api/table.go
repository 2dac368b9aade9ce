package api

import (
	"context"
	"io"

	"entente/internal/node"
)

// RequestNewResponse is the answer of request.new: the request as it now
// stands, and what was written (nothing for a draft).
type RequestNewResponse struct {
	Request *node.RequestView   `json:"request,omitempty"`
	Write   *node.WriteResponse `json:"write,omitempty"`
}

// SucceedRequest asks for successors of the journals that may not be extended.
// OrgKey is the text of the organisation key file; it is used once and not kept.
type SucceedRequest struct {
	OrgKey string `json:"org_key"`
}

// SucceedResponse lists the successors that were opened.
type SucceedResponse struct {
	Units []node.RestoredUnit `json:"units"`
}

// Written is the answer of operations whose bytes are their outcome.
type Written struct {
	Written bool `json:"written"`
}

// Operations returns the table of all operations, in the order in which they
// are listed. Restoring a folder is not among them: it makes the folder that a
// node then opens.
func Operations() []Operation {
	return []Operation{
		ask("status", "How the node is and what needs a person now", (*node.Node).Status),

		ask("identity.show", "This party's identity and its chain of versions", (*node.Node).Identity),
		plain("identity.rotate", "Make the next identity version with a new node, TLS or organisation key", (*node.Node).RotateIdentity),

		plain("unit.found", "Found a unit with this party as its first member", (*node.Node).FoundUnit),
		plain("unit.invite", "Make a one-time invitation to a unit", (*node.Node).Invite),
		plain("unit.join", "Answer an invitation and begin a pairing", (*node.Node).Join),
		plain("unit.confirm", "Type in the digits the partner read aloud", (*node.Node).Confirm),
		plain("unit.show", "The whole state of a unit", (*node.Node).ShowUnit),
		plain("unit.suspend", "Suspend a unit, or part of it, at once", (*node.Node).Suspend),
		plain("unit.resume", "Lift an own suspension", (*node.Node).Resume),
		plain("unit.withdraw", "Give notice or withdraw; a dry run until confirmed with the unit's name", (*node.Node).Withdraw),

		plain("accord.propose", "Propose, counter or amend an accord", (*node.Node).ProposeAccord),
		plain("accord.act", "Reserve, accept or sign a proposed accord", (*node.Node).ActOnAccord),
		plain("accord.show", "An accord's text and where it stands", (*node.Node).ShowAccord),
		plain("accord.diff", "The clause-by-clause difference of two accords", (*node.Node).DiffAccords),

		upload("import", "Take in a STIX bundle or a list of indicators", (*node.Node).Import),
		long("share", "Share accepted objects, each through the gate", (*node.Node).Share),
		plain("intake.list", "What arrived and where it stands", (*node.Node).Intake),
		plain("intake.decide", "Accept or reject what is in quarantine", (*node.Node).DecideIntake),
		ask("feed.list", "The feeds for sensors", (*node.Node).Feeds),
		download("feed.get", "A feed for sensors, as it is now", (*node.Node).Feed),
		plain("search", "Look up what the node knows, with provenance", (*node.Node).Search),

		plain("request.new", "Draft or send a request", newRequest),
		plain("request.list", "Requests, the most urgent clock first", (*node.Node).Requests),
		plain("request.show", "One request with its conversation and clocks", (*node.Node).Request),
		plain("request.move", "Make one move in a request", (*node.Node).MoveRequest),

		long("sync", "Open a session with one partner or all", (*node.Node).Sync),
		download("courier.export", "A courier file for one partner", (*node.Node).ExportCourier),
		upload("courier.import", "Take in a courier file", importCourier),

		plain("journal.show", "A page of a journal, or the proofs kept of it", (*node.Node).ShowJournal),
		long("journal.verify", "Read back and verify every byte of every journal", verifyJournals),
		plain("journal.prove", "An entry with its proof of inclusion", (*node.Node).ProveEntry),
		plain("journal.succeed", "Open successors for journals that may not be extended", succeed),
		download("dossier.export", "A package a third person can verify offline", exportDossier),

		download("backup", "Everything the folder holds except its high-water marks, encrypted", backup),
		long("rebuild", "Derive objects and indexes again from journals and local imports", rebuild),
	}
}

func newRequest(n *node.Node, ctx context.Context, r node.RequestNewRequest) (*RequestNewResponse, error) {
	view, write, err := n.NewRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	return &RequestNewResponse{Request: view, Write: write}, nil
}

func importCourier(n *node.Node, ctx context.Context, _ none, body io.Reader, _ func(node.Progress)) (*node.CourierReport, error) {
	return n.ImportCourier(ctx, body)
}

func verifyJournals(n *node.Node, ctx context.Context, _ none, progress func(node.Progress)) (*node.JournalVerifyResponse, error) {
	return n.VerifyJournals(ctx, progress)
}

func succeed(n *node.Node, ctx context.Context, r SucceedRequest) (*SucceedResponse, error) {
	units, err := n.Succeed(ctx, r.OrgKey)
	if err != nil {
		return nil, err
	}
	return &SucceedResponse{Units: append([]node.RestoredUnit{}, units...)}, nil
}

func exportDossier(n *node.Node, ctx context.Context, r node.DossierExportRequest, w io.Writer) (*Written, error) {
	if err := n.ExportDossier(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func backup(n *node.Node, ctx context.Context, _ none, w io.Writer) (*Written, error) {
	// The bytes themselves are the progress: whoever receives them counts them.
	if err := n.Backup(ctx, w, func(node.Progress) {}); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func rebuild(n *node.Node, ctx context.Context, _ none, progress func(node.Progress)) (*node.RebuildResponse, error) {
	return n.Rebuild(ctx, progress)
}
