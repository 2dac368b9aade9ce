package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"entente/internal/peer"
	"entente/journal"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"
)

// ExportCourier writes what a partner lacks, by its own receipts, into a file
// that only it can open.
func (n *Node) ExportCourier(ctx context.Context, r CourierExportRequest, w io.Writer) (*CourierReport, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	party, err := l.findParty(r.Party)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	id, ok := l.identity(party)
	have := map[journal.Origin]journal.Head{}
	if !r.Full {
		have = l.held(party)
	}
	l.mu.Unlock()
	if !ok || id.Courier == "" {
		return nil, conflict("no-courier-key", "The partner told no courier key.", "Its identity names none, so nothing can be encrypted to it.", "Ask it to rotate its identity, and sync once.")
	}
	recipient, err := age.ParseHybridRecipient(id.Courier)
	if err != nil {
		return nil, fmt.Errorf("the partner's courier key: %w", err)
	}
	counts, more, err := peer.ExportCourier(ctx, backend{n}, w, peer.CourierExport{
		Unit: l.id, From: n.keys().party, To: party, Have: have, Recipients: []age.Recipient{recipient}, Now: n.now()})
	if err != nil {
		return nil, err
	}
	res := &CourierReport{Unit: string(l.id), From: string(n.keys().party), To: string(party),
		Entries: counts.Entries, Payloads: counts.Payloads, Bytes: counts.Bytes}
	if more {
		res.Notes = append(res.Notes, "more: there is more than fits into one file; export again once this one was receipted")
	}
	return res, nil
}

// held is what a party is known to hold by its own journal: what its last entry
// has seen, and its journal itself. The lock must be held.
func (l *ledger) held(p journal.PartyID) map[journal.Origin]journal.Head {
	have := map[journal.Origin]journal.Head{}
	for _, j := range l.journals() {
		if j.party != p || j.head.Size == 0 {
			continue
		}
		// Its own last entry goes back to it, under the head it signed: somebody whose
		// folder is an old copy must know before it signs anything about the rest.
		before := journal.Head{Size: j.head.Size - 1}
		if before.Size > 0 {
			root, err := tlog.TreeHash(before.Size, j.store)
			if err != nil {
				before = j.head
			} else {
				before.Root = root
			}
		}
		have[j.origin] = before
	}
	for o, h := range l.fold.SeenBy(p) {
		have[o] = h
	}
	return have
}

// ageIntro is what every age file begins with.
const ageIntro = "age-encryption.org/v1\n"

// ImportCourier takes in a courier file. It is kept in a temporary file first,
// because nothing of it is believed before all of it is there.
func (n *Node) ImportCourier(ctx context.Context, r io.Reader) (*CourierReport, error) {
	head := bufio.NewReader(r)
	most := int64(peer.DefaultCourierBytes)
	if begin, _ := head.Peek(len(ageIntro)); string(begin) != ageIntro {
		most = int64(len(begin)) // enough to say that it is no courier file, and no reason to write a GiB
	}
	text, drop, err := n.spooled(io.LimitReader(head, most+1))
	defer drop()
	if err != nil {
		return nil, err
	}
	size := text.Size()
	if size > peer.DefaultCourierBytes {
		return nil, badInput("The courier file is too large.", fmt.Sprintf("It has more than %d bytes.", int64(peer.DefaultCourierBytes)), "Ask the partner for several smaller ones.")
	}
	rep, err := peer.ImportCourier(ctx, carried{backend{n}}, text, peer.CourierImport{
		Self: n.keys().party, Directory: backend{n}, Identities: []age.Identity{n.keys().courier}, Limits: n.opts.Limits})
	if err != nil {
		if ref, ok := peer.AsRefusal(err); ok {
			return nil, &Error{Code: ref.Code, Status: 400, What: "The courier file was refused.", Why: ref.Error() + ".", Next: "Ask the partner what it is, or for another.", Err: err}
		}
		if errors.Is(err, peer.ErrCourierDamaged) || errors.Is(err, peer.ErrCourierForeign) {
			return nil, &Error{Code: CodeBadInput, Status: 400, What: "The courier file cannot be taken in.", Why: err.Error() + ".", Next: "Nothing was changed.", Err: err}
		}
		return nil, err
	}
	if err := n.drainIntake(ctx); err != nil {
		return nil, err
	}
	res := &CourierReport{Unit: string(rep.Unit), From: string(rep.From), To: string(n.keys().party),
		Entries: rep.Entries, Payloads: rep.Payloads, Bytes: size, New: rep.Entries}
	for _, ref := range append(rep.RefusedHere, rep.RefusedThere...) {
		if len(res.Notes) < 100 {
			res.Notes = append(res.Notes, ref.Error())
		}
	}
	if rep.More {
		res.Notes = append(res.Notes, "more: the partner had more than the file held; ask for the next one")
	}
	return res, nil
}
