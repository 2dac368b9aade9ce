// Package node is one running party: every use case is one method on Node.
// It owns wiring, configuration and life cycle; the three faces (api, cli, web)
// stand above it and know nothing below it.
package node

import (
	"context"
	"errors"
	"io"
)

// Node is one party's open folder. All methods are safe for concurrent use.
type Node struct{}

var errUnfinished = errors.New("node: not wired yet")

func (n *Node) Status(ctx context.Context) (*StatusResponse, error)     { return nil, errUnfinished }
func (n *Node) Identity(ctx context.Context) (*IdentityResponse, error) { return nil, errUnfinished }
func (n *Node) RotateIdentity(ctx context.Context, r IdentityRotateRequest) (*IdentityRotateResponse, error) {
	return nil, errUnfinished
}
func (n *Node) FoundUnit(ctx context.Context, r UnitFoundRequest) (*UnitRef, error) {
	return nil, errUnfinished
}
func (n *Node) Invite(ctx context.Context, r UnitInviteRequest) (*UnitInviteResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Join(ctx context.Context, r UnitJoinRequest) (*Pairing, error) {
	return nil, errUnfinished
}
func (n *Node) Confirm(ctx context.Context, r UnitConfirmRequest) (*Pairing, error) {
	return nil, errUnfinished
}
func (n *Node) ShowUnit(ctx context.Context, r UnitShowRequest) (*UnitShowResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Suspend(ctx context.Context, r UnitSuspendRequest) (*WriteResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Resume(ctx context.Context, r UnitResumeRequest) (*WriteResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Withdraw(ctx context.Context, r UnitWithdrawRequest) (*WriteResponse, error) {
	return nil, errUnfinished
}
func (n *Node) ProposeAccord(ctx context.Context, r AccordProposeRequest) (*AccordProposeResponse, error) {
	return nil, errUnfinished
}
func (n *Node) ActOnAccord(ctx context.Context, r AccordActRequest) (*WriteResponse, error) {
	return nil, errUnfinished
}
func (n *Node) ShowAccord(ctx context.Context, r AccordShowRequest) (*AccordShowResponse, error) {
	return nil, errUnfinished
}
func (n *Node) DiffAccords(ctx context.Context, r AccordDiffRequest) (*AccordDiffResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Import(ctx context.Context, r ImportRequest, data io.Reader, progress func(Progress)) (*ImportResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Share(ctx context.Context, r ShareRequest, progress func(Progress)) (*ShareResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Intake(ctx context.Context, r IntakeRequest) (*IntakeResponse, error) {
	return nil, errUnfinished
}
func (n *Node) DecideIntake(ctx context.Context, r IntakeDecideRequest) (*IntakeDecideResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Search(ctx context.Context, r SearchRequest) (*SearchResponse, error) {
	return nil, errUnfinished
}
func (n *Node) NewRequest(ctx context.Context, r RequestNewRequest) (*RequestView, *WriteResponse, error) {
	return nil, nil, errUnfinished
}
func (n *Node) Requests(ctx context.Context, r RequestListRequest) (*RequestListResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Request(ctx context.Context, r RequestShowRequest) (*RequestView, error) {
	return nil, errUnfinished
}
func (n *Node) MoveRequest(ctx context.Context, r RequestMoveRequest) (*WriteResponse, error) {
	return nil, errUnfinished
}
func (n *Node) Sync(ctx context.Context, r SyncRequest, progress func(Progress)) (*SyncResponse, error) {
	return nil, errUnfinished
}
func (n *Node) ExportCourier(ctx context.Context, r CourierExportRequest, w io.Writer) (*CourierReport, error) {
	return nil, errUnfinished
}
func (n *Node) ImportCourier(ctx context.Context, rd io.Reader) (*CourierReport, error) {
	return nil, errUnfinished
}
func (n *Node) ShowJournal(ctx context.Context, r JournalShowRequest) (*JournalShowResponse, error) {
	return nil, errUnfinished
}
func (n *Node) VerifyJournals(ctx context.Context, progress func(Progress)) (*JournalVerifyResponse, error) {
	return nil, errUnfinished
}
func (n *Node) ProveEntry(ctx context.Context, r JournalProveRequest) (*JournalProveResponse, error) {
	return nil, errUnfinished
}
func (n *Node) ExportDossier(ctx context.Context, r DossierExportRequest, w io.Writer) error {
	return errUnfinished
}
func (n *Node) Backup(ctx context.Context, w io.Writer, progress func(Progress)) error {
	return errUnfinished
}
func (n *Node) Rebuild(ctx context.Context, progress func(Progress)) (*RebuildResponse, error) {
	return nil, errUnfinished
}

// Close stops the node and releases its folder.
func (n *Node) Close() error { return nil }
