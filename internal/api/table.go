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
		ask(node.ScopeRead, "status", "How the node is and what needs a person now", (*node.Node).Status),

		ask(node.ScopeAdmin, "setup", "What a new node needs before it does its work, and what of it is done", (*node.Node).Setup),

		ask(node.ScopeRead, "identity.show", "This party's identity and its chain of versions", (*node.Node).Identity),
		ask(node.ScopeAdmin, "identity.keys", "The keys of this party, and since when each is in use", (*node.Node).Keys),
		plain(node.ScopeAdmin, "identity.rotate", "Make the next identity version with a new node, TLS, witness or organisation key", (*node.Node).RotateIdentity),

		plain(node.ScopeRead, "notify.list", "What the duty officer was told, or is about to be", (*node.Node).Notices),
		plain(node.ScopeRequest, "notify.ack", "Say that somebody has looked at a notice", (*node.Node).AckNotice),
		plain(node.ScopeAdmin, "notify.set", "Set a channel over which the duty officer is called; a secret made for it is shown once", (*node.Node).SetChannel),
		plain(node.ScopeAdmin, "notify.remove", "Remove a channel that was set here", (*node.Node).RemoveChannel),
		plain(node.ScopeAdmin, "notify.plan", "Say who is told at once, who when nobody has looked, and in which hours nobody", (*node.Node).PlanNotices),
		plain(node.ScopeAdmin, "notify.test", "Send a test over the channels at once", (*node.Node).TestNotices),

		plain(node.ScopeUnit, "unit.found", "Found a unit with this party as its first member", (*node.Node).FoundUnit),
		plain(node.ScopeUnit, "unit.invite", "Make a one-time invitation to a unit", (*node.Node).Invite),
		plain(node.ScopeUnit, "unit.join", "Answer an invitation and begin a pairing", (*node.Node).Join),
		plain(node.ScopeUnit, "unit.confirm", "Type in the digits the partner read aloud", (*node.Node).Confirm),
		plain(node.ScopeRead, "unit.show", "The whole state of a unit", (*node.Node).ShowUnit),
		plain(node.ScopeUnit, "unit.suspend", "Suspend a unit, or part of it, at once", (*node.Node).Suspend),
		plain(node.ScopeUnit, "unit.resume", "Lift an own suspension", (*node.Node).Resume),
		plain(node.ScopeUnit, "unit.withdraw", "Give notice or withdraw; a dry run until confirmed with the unit's name", (*node.Node).Withdraw),

		plain(node.ScopeUnit, "accord.propose", "Propose, counter or amend an accord", (*node.Node).ProposeAccord),
		plain(node.ScopeUnit, "accord.act", "Reserve, accept or sign a proposed accord", (*node.Node).ActOnAccord),
		plain(node.ScopeRead, "accord.show", "An accord's text and where it stands", (*node.Node).ShowAccord),
		plain(node.ScopeRead, "accord.ask", "What the gate would say of something, without there being anything yet", (*node.Node).AskAccord),
		plain(node.ScopeRead, "accord.diff", "The clause-by-clause difference of two accords", (*node.Node).DiffAccords),

		upload(node.ScopeIntel, "import", "Take in a STIX bundle or a list of indicators", (*node.Node).Import),
		plain(node.ScopeIntel, "import.forget", "Delete here what an import brought", (*node.Node).ForgetImported),
		long(node.ScopeIntel, "share", "Share accepted objects, each through the gate", (*node.Node).Share),
		plain(node.ScopeRead, "intake.list", "What arrived and where it stands", (*node.Node).Intake),
		plain(node.ScopeIntel, "intake.decide", "Accept or reject what is in quarantine", (*node.Node).DecideIntake),
		ask(node.ScopeRead, "feed.list", "The feeds for sensors", (*node.Node).Feeds),
		plain(node.ScopeAdmin, "feed.set", "Make or change a feed for sensors", (*node.Node).SetFeed),
		plain(node.ScopeAdmin, "feed.remove", "End a feed for sensors", (*node.Node).RemoveFeed),
		download(node.ScopeRead, "feed.get", "A feed for sensors, as it is now", (*node.Node).Feed),
		download(node.ScopeWatch, "watch.set", "What is to be watched for, whole or since an earlier answer", (*node.Node).WatchSet),
		plain(node.ScopeWatch, "watch.report", "Take in what a watcher saw", (*node.Node).ReportSightings),
		plain(node.ScopeRead, "sighting.list", "What watchers saw, the last first", (*node.Node).Sightings),
		plain(node.ScopeIntel, "sighting.make", "Make a STIX sighting of what watchers saw, which can be shared", (*node.Node).MakeSighting),
		plain(node.ScopeIntel, "asset.add", "Add what is to be protected, or replace it", (*node.Node).AddAssets),
		plain(node.ScopeRead, "asset.list", "What is protected, and which partner answers for which countries and networks", (*node.Node).Assets),
		plain(node.ScopeRead, "asset.show", "One asset, with what was found about it", (*node.Node).Asset),
		plain(node.ScopeIntel, "asset.remove", "Protect an asset no more", (*node.Node).RemoveAsset),
		plain(node.ScopeIntel, "asset.partner", "Say for which countries and networks a partner answers", (*node.Node).SetAssetPartner),
		plain(node.ScopeRead, "finding.list", "What watchers saw of assets, the last first", (*node.Node).Findings),
		plain(node.ScopeRequest, "finding.settle", "Say that nothing more is to be done about a finding, or take that back", (*node.Node).SettleFinding),
		plain(node.ScopeRequest, "finding.draft", "Draft an incident notice and a request about a finding, for a partner of one's choice", (*node.Node).DraftFinding),
		ask(node.ScopeRead, "guard.list", "What is guarded: lists, and what each keeps from sensors", (*node.Node).GuardLists),
		plain(node.ScopeRead, "guard.show", "The entries of a guard list", (*node.Node).GuardShow),
		plain(node.ScopeRead, "guard.test", "Which guard lists hold a value, and why", (*node.Node).GuardTest),
		plain(node.ScopeRead, "guard.held", "What the guard keeps from sensors of what is accepted", (*node.Node).GuardHeld),
		ask(node.ScopeRead, "guard.sources", "The score of each source, from its false positives", (*node.Node).GuardSources),
		plain(node.ScopeIntel, "guard.false-positive", "State that an indicator is a false positive, or take that back", (*node.Node).FalsePositive),
		ask(node.ScopeRead, "guard.prevalent", "Values that are held because this party sees them everywhere", (*node.Node).GuardPrevalent),
		plain(node.ScopeIntel, "guard.review", "Decide on a value that is held because it is seen everywhere", (*node.Node).ReviewPrevalent),
		ask(node.ScopeRead, "guard.disputes", "What partners state to be false positives of what was imported here", (*node.Node).GuardDisputes),
		upload(node.ScopeAdmin, "guard.add", "Add or replace a guard list", (*node.Node).AddGuardList),
		plain(node.ScopeAdmin, "guard.remove", "Remove a guard list", (*node.Node).RemoveGuardList),
		plain(node.ScopeAdmin, "guard.update", "Read the folder of guard lists again", (*node.Node).UpdateGuard),
		plain(node.ScopeRead, "search", "Look up what the node knows, with provenance", (*node.Node).Search),
		plain(node.ScopeRead, "search.around", "What an object is connected with, to a depth", (*node.Node).Around),

		plain(node.ScopeRead, "release.list", "What is held ready for a second person, what runs out first at the head", (*node.Node).HeldActs),
		plain(node.ScopeRead, "release.show", "One act that is held ready, with exactly what would leave", (*node.Node).HeldAct),
		download(node.ScopeRead, "release.content", "One content of an act that is held ready, as it would leave", heldContent),
		plain(node.ScopeRelease, "release.approve", "Release an act that somebody else prepared", (*node.Node).Release),
		plain(node.ScopeRead, "release.reject", "Drop an act: as a second person with a reason, or one's own", (*node.Node).Reject),
		plain(node.ScopeRead, "request.form", "The form of a type of request under the accord in force", (*node.Node).RequestForm),
		plain(node.ScopeRequest, "request.new", "Draft or send a request", newRequest),
		plain(node.ScopeRequest, "request.drop", "Drop a draft for good", (*node.Node).DropDraft),
		plain(node.ScopeRead, "request.list", "Requests, the most urgent clock first", (*node.Node).Requests),
		plain(node.ScopeRead, "request.show", "One request with its conversation and clocks", (*node.Node).Request),
		plain(node.ScopeRequest, "request.move", "Make one move in a request", (*node.Node).MoveRequest),

		download(node.ScopeRead, "review.report", "The report on a period, or of an opened review, at a cut of the journals", reviewReport),
		plain(node.ScopeRequest, "review.open", "Name a period and the newest final cut for a review", (*node.Node).OpenReview),
		plain(node.ScopeRequest, "review.commit", "Commit to scores without showing them", (*node.Node).CommitReview),
		plain(node.ScopeRequest, "review.reveal", "Show the scores that were committed to", (*node.Node).RevealReview),
		plain(node.ScopeRequest, "review.sign", "Countersign the report of a review", (*node.Node).SignReview),
		plain(node.ScopeRead, "review.list", "Reviews, the newest first", (*node.Node).Reviews),
		plain(node.ScopeRead, "review.show", "One review: who has committed, shown and signed what", (*node.Node).Review),
		plain(node.ScopeRequest, "hotline.call", "Call another member, or try to in a drill", (*node.Node).Call),
		plain(node.ScopeRequest, "hotline.move", "Acknowledge, say, escalate or close in a call", (*node.Node).MoveCall),
		plain(node.ScopeRequest, "hotline.announce", "Announce a drill", (*node.Node).AnnounceDrill),
		plain(node.ScopeRead, "hotline.list", "Calls, the most urgent clock first, and apart from them drills", (*node.Node).Calls),
		plain(node.ScopeRead, "hotline.show", "One call with its conversation, clocks and ladder", (*node.Node).ShowCall),
		plain(node.ScopeRead, "hotline.history", "How fast each side answered, live calls and drills apart", (*node.Node).CallHistory),
		plain(node.ScopeRead, "contact.list", "Whom to call at this minute", (*node.Node).Contacts),
		plain(node.ScopeRead, "contact.show", "One contact and how fresh it is", (*node.Node).ShowContact),
		plain(node.ScopeRequest, "contact.confirm", "Say that an own contact holds, or that it changes", (*node.Node).ConfirmContact),
		plain(node.ScopeRequest, "contact.ping", "Try a contact of another party: a drill", (*node.Node).PingContact),
		plain(node.ScopeRequest, "contact.answer", "Answer a ping", (*node.Node).AnswerPing),
		plain(node.ScopeRequest, "case.open", "Open a case: a joint record of what belongs together", (*node.Node).OpenCase),
		plain(node.ScopeRequest, "case.move", "Add to a case: link, unlink, event, claim, reply, withdraw, outcome, close, reopen", (*node.Node).MoveCase),
		plain(node.ScopeRead, "case.list", "Cases, those with open replies first", (*node.Node).Cases),
		plain(node.ScopeRead, "case.show", "One case with the time line of all that is tied to it", (*node.Node).Case),
		plain(node.ScopeRequest, "commitment.make", "Bind this party to something", (*node.Node).MakeCommitment),
		plain(node.ScopeRequest, "commitment.move", "Say something of a commitment: accept, decline, report, view, amend, release", (*node.Node).MoveCommitment),
		plain(node.ScopeRead, "commitment.list", "The register of commitments, the next due first", (*node.Node).Commitments),
		plain(node.ScopeRead, "commitment.show", "One commitment, with each side's view of how it stands", (*node.Node).Commitment),
		plain(node.ScopeRequest, "statement.propose", "Propose what is to be said in public", (*node.Node).ProposeStatement),
		plain(node.ScopeRequest, "statement.move", "Sign, decline or retract a statement", (*node.Node).MoveStatement),
		plain(node.ScopeRead, "statement.list", "Statements, the newest first", (*node.Node).Statements),
		plain(node.ScopeRead, "statement.show", "One statement with its texts and who has signed", (*node.Node).Statement),
		plain(node.ScopeRead, "statement.compare", "Hold a published text against those of a statement", (*node.Node).CompareStatement),
		download(node.ScopeUnit, "statement.export", "A statement that counts as a file that verifies by itself", exportStatement),
		plain(node.ScopeRequest, "leak.report", "Put on record that something of the unit was found in public", (*node.Node).ReportLeak),
		plain(node.ScopeRequest, "leak.move", "Answer the report of a leak, or take an own one back", (*node.Node).MoveLeak),
		plain(node.ScopeRead, "leak.list", "The log of leaks, the newest first", (*node.Node).Leaks),
		plain(node.ScopeRead, "leak.show", "One leak, with who had what was found", (*node.Node).Leak),
		upload(node.ScopeRequest, "exhibit.add", "Attach files by their manifest (the body), or go on with it", (*node.Node).AddExhibit),
		upload(node.ScopeRequest, "exhibit.attach", "Attach one file whose content (the body) comes once", (*node.Node).AttachFile),
		upload(node.ScopeRequest, "exhibit.content", "Bring the content of an exhibit that is being added", (*node.Node).ExhibitContent),
		plain(node.ScopeRequest, "exhibit.abandon", "Give up adding an exhibit", (*node.Node).AbandonExhibit),
		plain(node.ScopeRead, "exhibit.list", "Exhibits, the newest first", (*node.Node).Exhibits),
		plain(node.ScopeRead, "exhibit.show", "One exhibit with its files and its custody", (*node.Node).Exhibit),
		long(node.ScopeRead, "exhibit.verify", "Read an exhibit back: every chunk and file against the manifest", (*node.Node).VerifyExhibit),
		long(node.ScopeRequest, "exhibit.custody", "State who holds an exhibit; what passes on is verified before", (*node.Node).ExhibitCustody),
		long(node.ScopeAdmin, "exhibit.rekey", "Make another key under which evidence lies here", (*node.Node).RekeyExhibits),
		download(node.ScopeRequest, "exhibit.manifest", "The manifest of an exhibit, byte for byte", exhibitManifest),
		download(node.ScopeRequest, "exhibit.get", "The content of an exhibit: all files, one behind the other", getExhibit),

		long(node.ScopeUnit, "sync", "Open a session with one partner or all", (*node.Node).Sync),
		download(node.ScopeAdmin, "courier.export", "A courier file for one partner", (*node.Node).ExportCourier),
		upload(node.ScopeAdmin, "courier.import", "Take in a courier file", importCourier),

		plain(node.ScopeRead, "journal.show", "A page of a journal, or the proofs kept of it", (*node.Node).ShowJournal),
		long(node.ScopeAdmin, "journal.verify", "Read back and verify every byte of every journal", verifyJournals),
		plain(node.ScopeRead, "journal.prove", "An entry with its proof of inclusion", (*node.Node).ProveEntry),
		plain(node.ScopeRead, "journal.receipts", "Which members have acknowledged an own entry", (*node.Node).Acknowledged),
		plain(node.ScopeRead, "journal.sides", "The journals of a unit side by side in causal order, the newest entries first", (*node.Node).JournalSides),
		plain(node.ScopeRead, "journal.check", "An entry, verified step by step", (*node.Node).CheckEntry),
		download(node.ScopeRead, "journal.file", "An entry with proof, receipts and keys as a file that verifies by itself", exportEntry),
		plain(node.ScopeRead, "journal.proofs", "The proofs of misbehaviour kept about journals, verified again", (*node.Node).Proofs),
		plain(node.ScopeAdmin, "journal.succeed", "Open successors for journals that may not be extended", succeed),
		download(node.ScopeUnit, "dossier.export", "A package a third person can verify offline", exportDossier),

		plain(node.ScopeAdmin, "token.new", "Make a bearer token with scopes; its secret is shown once", (*node.Node).NewToken),
		ask(node.ScopeAdmin, "token.list", "The bearer tokens, without their secrets", (*node.Node).Tokens),
		plain(node.ScopeAdmin, "token.revoke", "End a bearer token at once", (*node.Node).RevokeToken),

		plain(node.ScopeAdmin, "officer.new", "Make an officer; the one-time code to set up credentials is shown once", (*node.Node).NewOfficer),
		ask(node.ScopeAdmin, "officer.list", "The officers, without their credentials", (*node.Node).Officers),
		plain(node.ScopeAdmin, "officer.show", "One officer", (*node.Node).Officer),
		plain(node.ScopeAdmin, "officer.roles", "Replace the roles of an officer, or the claims they may act under", (*node.Node).ChangeOfficer),
		plain(node.ScopeAdmin, "officer.reads", "Change in which language and time zone an officer reads the pages", (*node.Node).OfficerReads),
		plain(node.ScopeAdmin, "officer.disable", "Sign an officer out and let them in no more", (*node.Node).DisableOfficer),
		plain(node.ScopeAdmin, "officer.enable", "Let a disabled officer in again", (*node.Node).EnableOfficer),
		plain(node.ScopeAdmin, "officer.reset", "Take credentials and sessions of an officer away; a new one-time code is shown once", (*node.Node).ResetOfficer),
		plain(node.ScopeAdmin, "officer.bind", "Give an officer an account at the OpenID provider, with which they sign in", (*node.Node).BindOfficer),
		plain(node.ScopeAdmin, "officer.unbind", "Take the account at an OpenID provider away from an officer", (*node.Node).UnbindOfficer),
		ask(node.ScopeAdmin, "officer.provider", "The OpenID provider at which officers sign in: what is registered there, and whether it tells of sign-outs", (*node.Node).SignInProvider),
		plain(node.ScopeAdmin, "officer.sessions", "Who is signed in, and where", (*node.Node).OfficerSessions),
		plain(node.ScopeAdmin, "officer.end-session", "End one session, or all of an officer", (*node.Node).EndSession),

		plain(node.ScopeAudit, "audit.list", "What was done here, and by whom, the newest first", (*node.Node).Audit),
		ask(node.ScopeAudit, "audit.verify", "Read the audit log back and name the first line that breaks its chain", (*node.Node).VerifyAudit),

		download(node.ScopeAudit, "audit.export", "The whole audit log as it lies: JSON, an act a line, the oldest first", exportAudit),

		download(node.ScopeAdmin, "backup", "Everything the folder holds except its high-water marks, encrypted", backup),
		ask(node.ScopeAdmin, "backup.state", "When a backup was last made", (*node.Node).BackupState),
		long(node.ScopeAdmin, "doctor", "Read every file of the node's folder and name what is damaged, missing or in danger", examine),
		long(node.ScopeAdmin, "rebuild", "Derive objects and indexes again from journals and local imports", rebuild),
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

func exhibitManifest(n *node.Node, ctx context.Context, r node.ExhibitIDRequest, w io.Writer) (*Written, error) {
	if err := n.ExhibitManifest(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func getExhibit(n *node.Node, ctx context.Context, r node.ExhibitGetRequest, w io.Writer) (*Written, error) {
	if err := n.GetExhibit(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func exportDossier(n *node.Node, ctx context.Context, r node.DossierExportRequest, w io.Writer) (*Written, error) {
	if err := n.ExportDossier(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func reviewReport(n *node.Node, ctx context.Context, r node.ReviewReportRequest, w io.Writer) (*Written, error) {
	if err := n.ReviewReport(ctx, r, w); err != nil {
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

func examine(n *node.Node, ctx context.Context, _ none, progress func(node.Progress)) (*node.DoctorResponse, error) {
	return n.Examine(ctx, progress)
}

func exportAudit(n *node.Node, ctx context.Context, _ none, w io.Writer) (*Written, error) {
	if err := n.ExportAudit(ctx, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func rebuild(n *node.Node, ctx context.Context, _ none, progress func(node.Progress)) (*node.RebuildResponse, error) {
	return n.Rebuild(ctx, progress)
}

func exportStatement(n *node.Node, ctx context.Context, r node.StatementExportRequest, w io.Writer) (*Written, error) {
	if err := n.ExportStatement(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func exportEntry(n *node.Node, ctx context.Context, r node.JournalFileRequest, w io.Writer) (*Written, error) {
	if err := n.ExportEntry(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}

func heldContent(n *node.Node, ctx context.Context, r node.ReleaseContentRequest, w io.Writer) (*Written, error) {
	if err := n.HeldContent(ctx, r, w); err != nil {
		return nil, err
	}
	return &Written{Written: true}, nil
}
