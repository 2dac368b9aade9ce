package node

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"entente/journal"

	"filippo.io/age"
)

// backupIdentityPrefix marks the line of the offline key file that opens backups.
const backupIdentityPrefix = "AGE-SECRET-KEY-PQ-1"

// Bounds on a backup that is read back.
const (
	maxBackupFiles = 1 << 22
	maxBackupBytes = 1 << 42
)

// Backup writes everything the folder holds that cannot be made again, encrypted
// to the backup key whose other half lies with the organisation key. It is the
// state of one moment (see snapshot), and the node works on while it is written.
// Memory does not grow with the folder. After an error what was written is no
// backup and cannot be read as one.
func (n *Node) Backup(ctx context.Context, w io.Writer, progress func(Progress)) error {
	if n.config.Backup.Recipient == "" {
		return conflict("no-backup-key", "The configuration names no backup key.", "A backup holds private keys and is never written unencrypted.", "Set backup.recipient to an age recipient (age1...).")
	}
	recipient, err := age.ParseHybridRecipient(n.config.Backup.Recipient)
	if err != nil {
		return badInput("The backup key in the configuration cannot be used.", err.Error(), "Set backup.recipient to an age recipient (age1pq...).")
	}
	buf := bufio.NewWriterSize(w, 256<<10)
	enc, err := age.Encrypt(buf, recipient)
	if err != nil {
		return err
	}
	snap, err := n.snapshot()
	if err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	tw := tar.NewWriter(enc)
	out := &archive{ctx: ctx, at: n.at, tw: tw, s: snap, progress: progress}
	if err := out.write(); err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	return errors.Join(tw.Close(), enc.Close(), buf.Flush())
}

// RestoreOptions name the files a restore needs.
type RestoreOptions struct {
	// OrgKey is the file of the offline organisation key; it also opens backups.
	OrgKey string
	// Identity is a file with an age identity, where the backup was made for another key.
	Identity string
	// Progress is told as the backup is read; it may be nil.
	Progress func(Progress)
	// Node are the seams of the restored node.
	Node Options
}

// RestoreResult tells what a restored node may do.
type RestoreResult struct {
	Dir   string         `json:"dir"`
	Party string         `json:"party"`
	Name  string         `json:"name"`
	Files int            `json:"files"`
	Units []RestoredUnit `json:"units"`
	// Damage names what was damaged in the folder already when the backup was made.
	Damage []string `json:"damage,omitempty"`
}

// RestoredUnit says how one unit goes on.
type RestoredUnit struct {
	Unit string `json:"unit"`
	Name string `json:"name"`
	// State is "current" (the high-water mark shows that nothing is missing),
	// "successor" (a new journal was opened) or "retired" (nothing may be signed).
	State  string `json:"state"`
	Origin string `json:"origin"`
	Head   int64  `json:"last_known"`
}

// succeed opens the successor of a journal whose latest head cannot be
// established. The certificate is on disk before the new journal begins, so a
// crash in between only delays the genesis.
func (n *Node) succeed(ctx context.Context, l *ledger, orgText string) error {
	org, err := n.keys().readOrgKey(orgText)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old, head, err := l.latestOwn()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	key, err := journal.GenerateKey(n.opts.Rand)
	if err != nil {
		return err
	}
	cert, err := journal.NewSuccessor(org, old, head, key.Public())
	if err != nil {
		return err
	}
	l.mu.Lock()
	err = n.at.write(l.keyPath(old.Epoch+1), key.Marshal("journal key of unit "+l.id.Short()+", successor"))
	if err == nil {
		err = l.begin(old.Epoch + 1)
	}
	if err == nil {
		was := l.file
		l.file.Epoch, l.file.Certificate, l.file.Retired = old.Epoch+1, &cert, false
		if err = l.save(); err != nil {
			l.file = was
		}
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if err := l.close(); err != nil {
		return err
	}
	next, err := openLedger(ctx, n, l.id)
	if err != nil {
		return err
	}
	n.adopt(next)
	return nil
}

// Succeed opens successors for all journals of this node that may not be
// extended. orgKey is the text of the organisation key file.
func (n *Node) Succeed(ctx context.Context, orgKey string) ([]RestoredUnit, error) {
	var out []RestoredUnit
	for _, l := range n.units() {
		if l.retired == nil {
			continue
		}
		l.mu.Lock()
		known := l.lastKnown()
		l.mu.Unlock()
		if err := n.succeed(ctx, l, orgKey); err != nil {
			return out, err
		}
		out = append(out, RestoredUnit{Unit: string(l.id), Name: l.name(), State: "successor", Origin: string(n.ledger(l.id).origin()), Head: known.Size})
	}
	return out, nil
}

// latestOwn is the newest journal of ours that is known to have begun, with its
// latest known head. It is not this folder's if the folder is older than a
// succession: then the marks, or a partner's copy, know of a later journal, which a
// second one of the same origin would contradict. The lock must be held.
func (l *ledger) latestOwn() (journal.Certificate, journal.Head, error) {
	cert, head := l.certificate(), l.lastKnown()
	for {
		next := journal.OriginOf(l.id, cert.Party, cert.Epoch+1)
		mark, marked, err := l.n.marks.Get(next)
		if err != nil {
			return cert, head, err
		}
		m := l.mirrors[next]
		switch {
		case m != nil && m.m.Head().Size > 0 && m.m.Head().Size >= mark.Size:
			cert, head = m.m.Certificate(), m.m.Head()
		case marked && mark.Size > 0: // with a mark of no entries nothing was signed yet
			cert, head = journal.Certificate{Unit: l.id, Party: cert.Party, Epoch: cert.Epoch + 1}, mark
		default:
			return cert, head, nil
		}
	}
}

// certificate is that of the own journal's first key. The lock must be held.
func (l *ledger) certificate() journal.Certificate {
	if l.own != nil {
		return l.own.Certificate()
	}
	if m := l.mirrors[l.origin()]; m != nil && m.m.Head().Size > 0 {
		return m.m.Certificate()
	}
	return l.emptyCertificate()
}

// emptyCertificate names a journal of which nothing is left.
func (l *ledger) emptyCertificate() journal.Certificate {
	return journal.Certificate{Unit: l.id, Party: l.n.keys().party, Epoch: l.file.Epoch}
}

// lastKnown is the head of the own journal, or, for a successor without entries
// of its own, of the journal before.
func (l *ledger) lastKnown() journal.Head {
	if l.own != nil {
		return l.own.Head()
	}
	if m := l.mirrors[l.origin()]; m != nil {
		return m.m.Head()
	}
	return journal.Head{}
}

// Rebuild drops everything derived and makes it again from the journals'
// payloads and the local log. The digests before and after have to be equal.
func (n *Node) Rebuild(ctx context.Context, progress func(Progress)) (*RebuildResponse, error) {
	start := time.Now()
	if err := n.roomFor(1); err != nil {
		return nil, err
	}
	before, err := n.intel.Digest(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.intel.Rebuild(ctx, n.intelProgress("rebuild", progress)); err != nil {
		return nil, err
	}
	after, err := n.intel.Digest(ctx)
	if err != nil {
		return nil, err
	}
	res := &RebuildResponse{Before: hex.EncodeToString(before[:]), Digest: hex.EncodeToString(after[:]), DurationMS: time.Since(start).Milliseconds()}
	c, err := n.counts(ctx)
	if err != nil {
		return nil, err
	}
	res.Objects = c.Accepted + c.Quarantined + c.Rejected
	for _, l := range n.units() {
		l.mu.Lock()
		for _, j := range l.journals() {
			res.Entries += j.head.Size
		}
		l.mu.Unlock()
	}
	return res, nil
}
