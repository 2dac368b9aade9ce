package node

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"

	"filippo.io/age"
)

// restoringDir is where a backup is unpacked, inside the folder it becomes: only
// what was read to its end and holds together is moved up.
const restoringDir = "restoring"

// Restore makes a folder from a backup. A journal whose latest head cannot be
// established is never extended: with the organisation key a successor takes its
// place, without it the journal stays retired. A backup that is cut, altered or of
// another party leaves nothing behind. A restore that was interrupted can be done
// again into the same folder.
func Restore(ctx context.Context, dir string, backup io.Reader, o RestoreOptions) (*RestoreResult, error) {
	o.Node = o.Node.withDefaults()
	at := layout{files{o.Node.FS}, dir}
	ids, orgText, err := at.restoreKeys(o)
	if err != nil {
		return nil, err
	}
	if err := at.vacant(); err != nil {
		return nil, err
	}
	made, err := at.exists(dir)
	if err != nil {
		return nil, err
	}
	res, err := at.stage(ctx, backup, ids, orgText, o.Progress)
	if err == nil {
		err = at.settle()
	}
	if err != nil {
		return nil, errors.Join(err, at.unstage(!made))
	}
	if err := at.open(ctx, res, orgText, o.Node); err != nil {
		return nil, err
	}
	return res, nil
}

// vacant refuses a folder that holds anything but the rest of a restore that was
// interrupted before a node was opened on it, which it takes away.
func (l layout) vacant() error {
	names, err := l.fs.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := []string{restoringDir, "format", "config.yaml", "identity.json", "drafts.json", "settings.json", "assets.json", "keys", "local.log", "units"}
	interrupted := slices.Contains(names, restoringDir) && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(ours, name) })
	if len(names) > 0 && !interrupted {
		return conflict("exists", "The folder "+l.dir+" is not empty.", "A backup is restored into a folder of its own.", "Name another folder with --dir.")
	}
	// The marker goes last: cut here, the next attempt still knows what this is.
	slices.SortFunc(names, func(a, b string) int { return order(a == restoringDir) - order(b == restoringDir) })
	for _, name := range names {
		if err := l.remove(filepath.Join(l.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func order(last bool) int {
	if last {
		return 1
	}
	return 0
}

// stage unpacks the backup and looks at what it is.
func (l layout) stage(ctx context.Context, backup io.Reader, ids []age.Identity, orgText string, progress func(Progress)) (*RestoreResult, error) {
	in := layout{l.files, filepath.Join(l.dir, restoringDir)}
	if err := store.MakeDir(l.fs, in.dir); err != nil {
		return nil, err
	}
	dec, err := decrypted(backup, ids, progress)
	if err != nil {
		return nil, err
	}
	count, err := in.unpack(ctx, dec)
	if err != nil {
		return nil, damagedBackup(ctx, err)
	}
	if err := in.knowsFormat(); err != nil {
		return nil, err
	}
	if _, err := readConfig(in); err != nil {
		return nil, damagedBackup(ctx, err)
	}
	k, err := loadKeys(in)
	if err != nil {
		return nil, damagedBackup(ctx, err)
	}
	if err := k.opens(orgText); err != nil {
		return nil, err
	}
	res := &RestoreResult{Dir: l.dir, Party: string(k.party), Name: k.id.Name, Files: count, Units: []RestoredUnit{}}
	rep, err := verifyFolder(ctx, in, progress)
	if err != nil {
		return nil, err
	}
	for _, e := range rep.Errors {
		res.Damage = append(res.Damage, strings.ReplaceAll(e, in.dir+string(filepath.Separator), ""))
	}
	return res, nil
}

// opens checks, before anything depends on it, that a given organisation key is
// that of the party in the backup.
func (k *keys) opens(orgText string) error {
	if orgText == "" {
		return nil
	}
	if _, err := k.readOrgKey(orgText); err != nil {
		return badInput("This is a backup of "+k.id.Name+", and the organisation key is not that party's.",
			"The backup's identity names another organisation key: it is of another party, or the key was rotated since.",
			"Give the organisation key that was in use when the backup was made; or open it with --identity only, which leaves the journals retired.")
	}
	return nil
}

func damagedBackup(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return badInput("The backup cannot be restored.", err.Error(), "Nothing of it was kept. Take another backup.")
}

// settle moves what was unpacked into its place, the configuration last: until it
// is there, the folder is no node's.
func (l layout) settle() error {
	in := filepath.Join(l.dir, restoringDir)
	names, err := l.fs.ReadDir(in)
	if err != nil {
		return err
	}
	slices.SortFunc(names, func(a, b string) int { return order(a == "config.yaml") - order(b == "config.yaml") })
	for _, name := range names {
		if err := l.rename(filepath.Join(in, name), filepath.Join(l.dir, name)); err != nil {
			return err
		}
	}
	return l.remove(in)
}

// unstage takes away what a refused backup brought.
func (l layout) unstage(folder bool) error {
	err := l.vacant()
	if err == nil && folder {
		err = l.remove(l.dir)
	}
	return err
}

// open opens the restored node and lets its journals go on where they may.
func (l layout) open(ctx context.Context, res *RestoreResult, orgText string, o Options) (err error) {
	n, err := Open(ctx, l.dir, o)
	if err != nil {
		return fmt.Errorf("the folder is restored, but does not open ('entente doctor' names what is damaged): %w", err)
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	for _, l := range n.units() {
		u := RestoredUnit{Unit: string(l.id), Name: l.name(), State: "current", Origin: string(l.origin())}
		if l.retired != nil {
			u.State = "retired"
			if orgText != "" {
				known, err := n.succeed(ctx, l, orgText)
				if err != nil {
					return err
				}
				u.State, u.Origin, u.Head = "successor", string(l.origin()), known.Size
			}
		}
		if u.Head == 0 {
			u.Head = l.lastKnown().Size
		}
		res.Units = append(res.Units, u)
	}
	if orgText != "" {
		n.renewWitness(ctx, orgText)
	}
	return nil
}

// RestorePlan says what a restore would do; nothing was changed.
type RestorePlan struct {
	Party  string `json:"party"`
	Name   string `json:"name"`
	Made   string `json:"made,omitempty"`
	Format int    `json:"format"`
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"`
	// Units and whether their own journals are current, or need a successor.
	Units []RestoredUnit `json:"units"`
}

// PlanRestore reads a whole backup, checks it, and says what restoring it into dir
// would do. It writes nothing.
func PlanRestore(ctx context.Context, dir string, backup io.Reader, o RestoreOptions) (*RestorePlan, error) {
	o.Node = o.Node.withDefaults()
	at := layout{files{store.ReadOnly(o.Node.FS)}, dir}
	ids, orgText, err := at.restoreKeys(o)
	if err != nil {
		return nil, err
	}
	dec, err := decrypted(backup, ids, o.Progress)
	if err != nil {
		return nil, err
	}
	plan := &RestorePlan{Units: []RestoredUnit{}}
	small := map[string][]byte{} // what the plan depends on
	held := int64(0)
	plan.Files, err = eachInBackup(ctx, dec, func(name string, size int64, data io.Reader) error {
		plan.Bytes += size
		kind := kindOf(name)
		if name != manifestName && kind != fileSetting && kind != fileIdentity && !(kind == fileLog && path.Base(name) == "head") {
			_, err := io.Copy(io.Discard, data)
			return err
		}
		if held += size + int64(len(name)); held > maxPlanned {
			return fmt.Errorf("up to %.100q its small files have %d bytes, more than those of any node", name, held)
		}
		text, err := io.ReadAll(data)
		small[name] = text
		return err
	})
	if err != nil {
		return nil, damagedBackup(ctx, err)
	}
	if err := plan.read(at, small, orgText); err != nil {
		return nil, err
	}
	return plan, nil
}

// maxPlanned bounds the small files that a plan holds in memory, with their names.
const maxPlanned = 256 << 20

func (p *RestorePlan) read(at layout, small map[string][]byte, orgText string) error {
	ctx := context.Background()
	var err error
	if p.Format, err = parseFormat(at.dir, small["format"]); err == nil {
		err = checkFormat("in the backup", p.Format)
	}
	if err != nil {
		return err
	}
	config, err := parseConfig(at.dir, small["config.yaml"])
	if err != nil {
		return damagedBackup(ctx, err)
	}
	k, err := parseIdentity("identity.json", small["identity.json"])
	if err != nil {
		return damagedBackup(ctx, err)
	}
	if err := k.opens(orgText); err != nil {
		return err
	}
	var manifest BackupManifest
	if text, ok := small[manifestName]; ok {
		if err := json.Unmarshal(text, &manifest); err != nil {
			return damagedBackup(ctx, err)
		}
	}
	p.Party, p.Name, p.Made = string(k.party), k.id.Name, manifest.Made
	marks := store.HighWaterAt(config.HighWater, store.Options{FS: at.fs})
	for _, name := range slices.Sorted(maps.Keys(small)) {
		if path.Base(name) != "unit.json" {
			continue
		}
		u, err := planned(k, marks, small, path.Dir(name), orgText != "")
		if err != nil {
			return damagedBackup(ctx, fmt.Errorf("%s: %w", path.Dir(name), err))
		}
		p.Units = append(p.Units, *u)
	}
	return nil
}

// planned says how a unit of a backup would go on.
func planned(k *keys, marks *store.HighWater, small map[string][]byte, dir string, org bool) (*RestoredUnit, error) {
	var file unitFile
	if err := json.Unmarshal(small[dir+"/unit.json"], &file); err != nil {
		return nil, err
	}
	id := journal.UnitID(path.Base(dir))
	origin := journal.OriginOf(id, k.party, file.Epoch)
	u := &RestoredUnit{Unit: string(id), Name: id.Short(), State: "retired", Origin: string(origin)}
	if f, err := journal.ParseFounding(file.Founding); err == nil {
		u.Name = f.Name
	}
	if org {
		u.State = "successor"
	}
	text, ok := small[dir+"/journals/"+strings.TrimPrefix(string(origin), "entente/")+"/head"]
	if !ok {
		return u, nil
	}
	_, head, err := journal.CheckpointHead(text)
	if err != nil {
		return nil, err
	}
	u.Head = head.Size
	if mark, ok, err := marks.Get(origin); err == nil && ok && mark.Size <= head.Size && !file.Retired {
		u.State = "current"
	}
	return u, nil
}

// restoreKeys reads what opens the backup, and the organisation key if given.
func (f files) restoreKeys(o RestoreOptions) (ids []age.Identity, orgText string, err error) {
	for _, file := range []string{o.OrgKey, o.Identity} {
		if file == "" {
			continue
		}
		// A pipe would be waited for, perhaps for ever.
		info, err := f.fs.Stat(file)
		if err != nil {
			return nil, "", err
		}
		if !info.Mode().IsRegular() {
			return nil, "", badInput("The key in "+file+" cannot be read.", "It is not a regular file.", "Name the file that init wrote.")
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

// decrypted reads the inside of a backup. What is read is authentic; that nothing
// is missing shows only at its end.
func decrypted(backup io.Reader, ids []age.Identity, progress func(Progress)) (io.Reader, error) {
	dec, err := age.Decrypt(bufio.NewReader(&metered{r: backup, progress: progress}), ids...)
	var other *age.NoIdentityMatchError
	switch {
	case errors.As(err, &other):
		return nil, badInput("The backup cannot be opened with this key.", "It was made for another one: the backup is of another party, or the key is not the organisation key that this party had then, or a later one.",
			"Give the organisation key file that init wrote (--org-key), or the age identity it was made for (--identity).")
	case err != nil:
		return nil, badInput("This is no backup, or its beginning is damaged.", "What its beginning says is wrong: "+peer.AgeReason(err)+".", "Name a file that 'entente backup' wrote.")
	}
	return dec, nil
}

// metered tells how much was read.
type metered struct {
	r        io.Reader
	n        int64
	progress func(Progress)
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	if m.progress != nil {
		m.progress(Progress{Stage: "restore", Done: m.n, Unit: "bytes"})
	}
	return n, err
}

// eachInBackup calls f with every file of a backup, in order, and reads it to its
// end: a backup that was cut is noticed. Only plain files of names that a backup
// has are let through, and none leads out of a folder. A backup is not compressed,
// so it cannot hold more than it is long.
func eachInBackup(ctx context.Context, r io.Reader, f func(name string, size int64, data io.Reader) error) (int, error) {
	return eachOfAtMost(ctx, r, maxBackupFiles, maxBackupBytes, f)
}

func eachOfAtMost(ctx context.Context, r io.Reader, most int, bytes int64, f func(name string, size int64, data io.Reader) error) (int, error) {
	tr := tar.NewReader(r)
	total := int64(0)
	for files := 0; ; files++ {
		if err := ctx.Err(); err != nil {
			return files, err
		}
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// Reading on makes age check the end of the file.
			_, err := io.Copy(io.Discard, r)
			return files, err
		}
		if err != nil {
			return files, err
		}
		known := h.Name == manifestName && files == 0 || backedUp(h.Name)
		if h.Typeflag != tar.TypeReg || !known || !fs.ValidPath(h.Name) || files >= most {
			return files, fmt.Errorf("it holds %.100q, which no backup has", h.Name)
		}
		if total += h.Size; h.Size < 0 || total > bytes {
			return files, errors.New("it is larger than any backup")
		}
		if err := f(h.Name, h.Size, tr); err != nil {
			return files, err
		}
	}
}

// unpack writes the files of a backup into the folder, which is new.
func (l layout) unpack(ctx context.Context, r io.Reader) (int, error) {
	return eachInBackup(ctx, r, func(name string, _ int64, data io.Reader) error {
		if name == manifestName {
			return nil
		}
		local, err := filepath.Localize(name) // also where a backslash separates
		if err != nil {
			return fmt.Errorf("it holds %.100q, which no backup has", name)
		}
		return l.unpackFile(filepath.Join(l.dir, local), data)
	})
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
