package node

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente/internal/store"
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

// backedUp are the names in a unit's folder that are truth; what is derived is
// made again, and the high-water marks must not be in a backup at all.
func backedUp(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	switch top {
	case "format", "config.yaml", "identity.json", "drafts.json", "keys":
		return true
	case "units", "local.log":
		base := path.Base(name)
		switch base {
		case "index", "points", "hashes", "derived":
			return false
		}
		return !strings.HasPrefix(base, ".") && !strings.HasSuffix(base, ".tmp")
	}
	return false
}

// Backup writes everything the folder holds that cannot be made again, encrypted
// to the backup key whose other half lies with the organisation key. It runs
// while the node works: of each journal the acknowledged head is copied before
// the log, so the copy ends at or behind it.
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
	tw := tar.NewWriter(enc)
	names, err := n.backupNames()
	if err != nil {
		return err
	}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := n.backupFile(tw, name); err != nil {
			return fmt.Errorf("backing up %s: %w", name, err)
		}
		if progress != nil {
			progress(Progress{Stage: "backup", Done: int64(i + 1), Total: int64(len(names)), Unit: "files"})
		}
	}
	return errors.Join(tw.Close(), enc.Close(), buf.Flush())
}

// backupNames lists what goes in; heads before logs.
func (n *Node) backupNames() ([]string, error) {
	var names []string
	err := n.at.walk("", func(name string) {
		if backedUp(name) {
			names = append(names, name)
		}
	})
	slices.SortFunc(names, func(a, b string) int {
		ha, hb := path.Base(a) == "head", path.Base(b) == "head"
		switch {
		case ha && !hb:
			return -1
		case hb && !ha:
			return 1
		}
		return strings.Compare(a, b)
	})
	return names, err
}

func (n *Node) backupFile(tw *tar.Writer, name string) error {
	f, err := n.at.fs.OpenFile(filepath.Join(n.at.dir, filepath.FromSlash(name)), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a payload destroyed meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: n.now(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(tw, io.NewSectionReader(f, 0, size)) // it may have grown since
	return err
}

// RestoreOptions name the files a restore needs.
type RestoreOptions struct {
	// OrgKey is the file of the offline organisation key; it also opens backups.
	OrgKey string
	// Identity is a file with an age identity, where the backup was made for another key.
	Identity string
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

// Restore makes a folder from a backup. A journal whose latest head cannot be
// established is never extended: with the organisation key a successor takes its
// place, without it the journal stays retired.
func Restore(ctx context.Context, dir string, backup io.Reader, o RestoreOptions) (*RestoreResult, error) {
	o.Node = o.Node.withDefaults()
	at := layout{files{o.Node.FS}, dir}
	names, err := at.fs.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(names) > 0 {
		return nil, conflict("exists", "The folder "+dir+" is not empty.", "A backup is restored into a folder of its own.", "Name another folder with --dir.")
	}
	ids, orgText, err := at.restoreKeys(o)
	if err != nil {
		return nil, err
	}
	dec, err := age.Decrypt(bufio.NewReader(backup), ids...)
	if err != nil {
		return nil, badInput("The backup cannot be opened.", err.Error(), "Give the organisation key file that init wrote (--org-key), or the age identity it was made for (--identity).")
	}
	files, err := at.unpack(ctx, dec)
	if err != nil {
		return nil, badInput("The backup is damaged.", err.Error(), "Nothing of it should be used: remove "+dir+" and take another backup.")
	}
	n, err := Open(ctx, dir, o.Node)
	if err != nil {
		return nil, err
	}
	res := &RestoreResult{Dir: dir, Party: string(n.keys().party), Name: n.keys().id.Name, Files: files, Units: []RestoredUnit{}}
	for _, l := range n.units() {
		u := RestoredUnit{Unit: string(l.id), Name: l.name(), State: "current", Origin: string(l.origin())}
		if l.retired != nil {
			u.State = "retired"
			if orgText != "" {
				l.mu.Lock()
				known := l.lastKnown()
				l.mu.Unlock()
				if err := n.succeed(ctx, l, orgText); err != nil {
					return nil, errors.Join(err, n.Close())
				}
				u.State, u.Origin, u.Head = "successor", string(n.ledger(l.id).origin()), known.Size
			}
		}
		if u.Head == 0 {
			u.Head = l.lastKnown().Size
		}
		res.Units = append(res.Units, u)
	}
	return res, n.Close()
}

// restoreKeys reads what opens the backup, and the organisation key if given.
func (f files) restoreKeys(o RestoreOptions) (ids []age.Identity, orgText string, err error) {
	for _, file := range []string{o.OrgKey, o.Identity} {
		if file == "" {
			continue
		}
		text, err := f.read(file)
		if err != nil {
			return nil, "", err
		}
		if file == o.OrgKey {
			orgText = string(text)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
			if i := strings.Index(line, backupIdentityPrefix); i >= 0 {
				id, err := age.ParseHybridIdentity(line[i:])
				if err != nil {
					return nil, "", badInput("The backup key in "+file+" cannot be read.", err.Error(), "Use the file as init wrote it.")
				}
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, "", badInput("There is no key to open the backup with.", "Backups are encrypted to a key whose other half lies with the organisation key.", "Give that file with --org-key, or an age identity with --identity.")
	}
	return ids, orgText, nil
}

// unpack writes the files of a backup into the folder, which is new. Only names that
// a backup has are taken, none of which leads out of the folder, and nothing but
// plain files, so no name can lead through a link either.
func (l layout) unpack(ctx context.Context, r io.Reader) (int, error) {
	tr := tar.NewReader(r)
	total := int64(0)
	for files := 0; ; files++ {
		if err := ctx.Err(); err != nil {
			return files, err
		}
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// Reading on makes age check the end of the file: a cut backup is noticed.
			_, err := io.Copy(io.Discard, r)
			return files, err
		}
		if err != nil {
			return files, err
		}
		if h.Typeflag != tar.TypeReg || !backedUp(h.Name) || !fs.ValidPath(h.Name) || files >= maxBackupFiles {
			return files, fmt.Errorf("it holds %q, which no backup has", h.Name)
		}
		if total += h.Size; h.Size < 0 || total > maxBackupBytes {
			return files, errors.New("it is larger than any backup")
		}
		local, err := filepath.Localize(h.Name) // also where a backslash separates
		if err != nil {
			return files, fmt.Errorf("it holds %q, which no backup has", h.Name)
		}
		if err := l.unpackFile(filepath.Join(l.dir, local), tr); err != nil {
			return files, err
		}
	}
}

func (l layout) unpackFile(name string, r io.Reader) error {
	folder := filepath.Dir(name)
	if err := store.MakeDir(l.fs, folder); err != nil {
		return err
	}
	f, err := l.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.NewOffsetWriter(f, 0), r); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close(), l.fs.SyncDir(folder))
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
	old, head := l.certificate(), l.lastKnown()
	l.mu.Unlock()
	key, err := journal.GenerateKey(n.opts.Rand)
	if err != nil {
		return err
	}
	cert, err := journal.NewSuccessor(org, old, head, key.Public())
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.file.Epoch++
	l.file.Certificate, l.file.Retired = &cert, false
	err = n.at.write(l.keyPath(l.file.Epoch), key.Marshal("journal key of unit "+l.id.Short()+", successor"))
	if err == nil {
		err = l.begin(l.file.Epoch)
	}
	if err == nil {
		err = l.save()
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
