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
	err = out.write()
	if err == nil {
		err = out.given(n)
	}
	if err != nil {
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

// Rebuild drops everything derived and makes it again from the journals'
// payloads and the local log. The digests before and after have to be equal.
func (n *Node) Rebuild(ctx context.Context, progress func(Progress)) (*RebuildResponse, error) {
	start := time.Now()
	if err := n.roomFor(1); err != nil {
		return nil, err
	}
	was := "" // what cannot be read has no digest
	before, err := n.intel.Digest(ctx)
	switch {
	case err == nil:
		was = hex.EncodeToString(before[:])
	case !derivedDamaged(err):
		return nil, err
	}
	if err := n.watching.renew(n.opts.Rand); err != nil {
		return nil, err
	}
	if err := n.intel.Rebuild(ctx, n.intelProgress("rebuild", progress)); err != nil {
		return nil, err
	}
	if err := n.watching.renew(n.opts.Rand); err != nil { // for who asked while it was made
		return nil, err
	}
	after, err := n.intel.Digest(ctx)
	if err != nil {
		return nil, err
	}
	res := &RebuildResponse{Before: was, Digest: hex.EncodeToString(after[:]), DurationMS: time.Since(start).Milliseconds()}
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
