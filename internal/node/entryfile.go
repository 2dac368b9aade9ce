package node

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// ExportEntry writes one entry with its proof and the receipts for it as one file, which anybody verifies offline with the
// parties' ids. Contents are not in it.
func (n *Node) ExportEntry(_ context.Context, r JournalFileRequest, w io.Writer) error {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return err
	}
	l.mu.Lock()
	f, err := l.entryFile(r.Ref)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return dossier.WriteEntry(w, *f)
}

// entryFile gathers what the file holds. The lock must be held.
func (l *ledger) entryFile(name string) (*dossier.EntryFile, error) {
	j, index, err := l.findEntry(name)
	if err != nil {
		return nil, err
	}
	ref := journal.Ref{Origin: j.origin, Index: index}
	f := &dossier.EntryFile{Unit: l.id, Founding: l.file.Founding, Exported: l.n.now().UTC().Truncate(time.Second), Entry: ref, Receipts: []dossier.EntryReceipt{}}
	show := []journal.Ref{ref}
	for _, g := range l.fold.Covering(ref) {
		path, err := tlog.ProveRecord(g.Head.Size, index, j.store)
		if err != nil {
			return nil, err
		}
		f.Receipts = append(f.Receipts, dossier.EntryReceipt{Ref: g.Ref, Path: path})
		show = append(show, g.Ref)
	}
	slices.SortFunc(f.Receipts, func(a, b dossier.EntryReceipt) int {
		return strings.Compare(string(a.Ref.Origin), string(b.Ref.Origin))
	})
	f.Journals, err = l.proved(show)
	return f, err
}

// EntryReport says whether an entry's file holds, and what it shows.
type EntryReport struct {
	OK bool `json:"ok"`
	// Damage says what does not hold.
	Damage string `json:"damage,omitempty"`
	*dossier.EntryReport

	why error // that Damage is of
}

// Why is Damage in the language of a catalog; what is foreign in it is escaped.
func (r *EntryReport) Why(c *lang.Catalog) string { return dossier.Reason(c, r.why) }

// VerifyEntry checks every byte of an entry's file. It needs no node, no network and nothing but the file; trust pins the parties
// the reader knows by their ids.
func VerifyEntry(r io.Reader, trust []string) (*EntryReport, error) {
	o, err := trusting(trust)
	if err != nil {
		return nil, err
	}
	rep, err := dossier.VerifyEntry(r, o)
	damage, is := foundIn(err)
	if !is {
		return nil, fmt.Errorf("verifying the entry: %w", err)
	}
	return &EntryReport{OK: err == nil, Damage: damage, EntryReport: rep, why: err}, nil
}

// IsEntryFile says whether what begins with these bytes is the file of an entry.
func IsEntryFile(begin []byte) bool { return dossier.IsEntry(begin) }
