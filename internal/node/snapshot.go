package node

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"entente/internal/store"
)

// manifestName is the first file of a backup: what it is, for people and for a
// dry run. Backups of format 1 have none.
const manifestName = "backup.json"

// BackupManifest says what a backup holds.
type BackupManifest struct {
	V      int          `json:"v"`
	Format int          `json:"format"` // of the folder
	Party  string       `json:"party"`
	Name   string       `json:"name"`
	Made   string       `json:"made"` // RFC 3339
	Units  []BackupUnit `json:"units"`
}

// BackupUnit is one unit in a backup.
type BackupUnit struct {
	Unit   string `json:"unit"`
	Name   string `json:"name"`
	Origin string `json:"origin"`
	Size   int64  `json:"size"` // entries of the own journal
}

// snapshot is a state of the folder at one moment: the small files as they were,
// and how much of each log belongs to it. Logs are only ever appended to, and what
// a log names (payloads, proofs) is written before it and never changed, so both
// can be copied while the node works on.
type snapshot struct {
	manifest BackupManifest
	small    []smallFile // in the order of the archive
	logs     []logPart
	units    []string // folders whose payloads and proofs belong to it
}

type smallFile struct {
	name string
	data []byte
}

type logPart struct {
	name string
	size int64
}

// snapshot holds up writers only while it reads the small files of one unit, and
// a rotation of keys while it reads them all: identity, keys and what the journals
// say of both have to be of one moment.
func (n *Node) snapshot() (*snapshot, error) {
	n.rotating.Lock()
	defer n.rotating.Unlock()
	s := &snapshot{manifest: BackupManifest{V: 1, Format: folderFormat, Party: string(n.keys().party), Name: n.keys().id.Name,
		Made: n.now().UTC().Format("2006-01-02T15:04:05Z"), Units: []BackupUnit{}}}
	for _, name := range []string{"format", "config.yaml", "identity.json", "drafts.json", "settings.json", "assets.json"} {
		if err := s.keep(n.at, name); err != nil {
			return nil, err
		}
	}
	if err := s.keepAll(n.at, "keys"); err != nil {
		return nil, err
	}
	// The local log comes before the journals it speaks of: what it took in is in
	// them, and what they have more is taken in after a restore.
	size, head := n.local.Committed()
	s.log("local.log", size, head)
	if head == nil { // empty is not missing
		s.logs = append(s.logs, logPart{"local.log/log", 0})
	}
	for _, l := range n.units() {
		if err := s.unit(n, l); err != nil {
			return nil, fmt.Errorf("unit %s: %w", l.id.Short(), err)
		}
	}
	return s, nil
}

func (s *snapshot) unit(n *Node, l *ledger) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	dir := path.Join("units", string(l.id))
	if err := s.keep(n.at, path.Join(dir, "unit.json")); err != nil {
		return err
	}
	if err := s.keepAll(n.at, dir); err != nil {
		return err
	}
	for _, j := range l.journals() {
		size, head := j.store.Committed()
		s.log(path.Join(dir, "journals", filepath.Base(l.journalDir(j.origin))), size, head)
	}
	s.units = append(s.units, dir)
	s.manifest.Units = append(s.manifest.Units, BackupUnit{Unit: string(l.id), Name: l.name(), Origin: string(l.origin()), Size: l.lastKnown().Size})
	return nil
}

func (s *snapshot) log(dir string, size int64, head []byte) {
	if head == nil {
		return
	}
	s.small = append(s.small, smallFile{dir + "/head", slices.Clone(head)})
	s.logs = append(s.logs, logPart{dir + "/log", size})
}

// keep reads one small file, if it is there.
func (s *snapshot) keep(at layout, name string) error {
	data, err := at.read(filepath.Join(at.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s.small = append(s.small, smallFile{name, data})
	return err
}

// keepAll reads the keys in a folder.
func (s *snapshot) keepAll(at layout, dir string) error {
	names, err := at.fs.ReadDir(filepath.Join(at.dir, filepath.FromSlash(dir)))
	if err != nil {
		return err
	}
	for _, name := range names {
		if full := path.Join(dir, name); kindOf(full) == fileKey {
			if err := s.keep(at, full); err != nil {
				return err
			}
		}
	}
	return nil
}

// archive writes a snapshot as a tar stream.
type archive struct {
	ctx      context.Context
	at       layout
	tw       *tar.Writer
	s        *snapshot
	progress func(Progress)
	done     int64
	total    int64
}

func (a *archive) write() error {
	manifest, err := json.MarshalIndent(a.s.manifest, "", "  ")
	if err != nil {
		return err
	}
	small := append([]smallFile{{manifestName, append(manifest, '\n')}}, a.s.small...)
	for _, f := range small {
		a.total += int64(len(f.data))
	}
	for _, l := range a.s.logs {
		a.total += l.size
	}
	for _, f := range small {
		if err := a.header(f.name, int64(len(f.data))); err != nil {
			return err
		}
		if _, err := a.tw.Write(f.data); err != nil {
			return err
		}
		a.told(int64(len(f.data)))
	}
	for _, l := range a.s.logs {
		if err := a.file(l.name, l.size); err != nil {
			return err
		}
	}
	for _, dir := range a.s.units {
		if err := a.payloads(path.Join(dir, "payloads")); err != nil {
			return err
		}
		if err := a.folder(path.Join(dir, "evidence")); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) payloads(dir string) error {
	ps, err := store.OpenPayloads(filepath.Join(a.at.dir, filepath.FromSlash(dir)), store.Options{FS: a.at.fs})
	if err != nil {
		return err
	}
	for c, err := range ps.List() {
		if err != nil {
			return err
		}
		h := hex.EncodeToString(c[:])
		if err := a.file(path.Join(dir, h[:2], h), -1); err != nil {
			return err
		}
	}
	return nil
}

// folder writes the files of a folder that belong into a backup.
func (a *archive) folder(dir string) error {
	names, err := a.at.fs.ReadDir(filepath.Join(a.at.dir, filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		if full := path.Join(dir, name); err == nil && backedUp(full) {
			err = a.file(full, -1)
		}
	}
	return err
}

// file copies size bytes of a file; a negative size means all of it, and that it
// may be gone by now: a payload that was destroyed since is in no backup.
func (a *archive) file(name string, size int64) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	f, err := a.at.fs.OpenFile(filepath.Join(a.at.dir, filepath.FromSlash(name)), os.O_RDONLY, 0)
	if size < 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if size < 0 {
		if size, err = f.Size(); err != nil {
			return err
		}
		a.total += size
	}
	if err := a.header(name, size); err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	for off := int64(0); off < size; {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if n == 0 {
			return fmt.Errorf("%s ends after %d of %d bytes: %w", name, off, size, errors.Join(err, io.ErrUnexpectedEOF))
		}
		if _, err := a.tw.Write(buf[:n]); err != nil {
			return err
		}
		off += int64(n)
		a.told(int64(n))
	}
	return nil
}

func (a *archive) header(name string, size int64) error {
	return a.tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, Typeflag: tar.TypeReg})
}

func (a *archive) told(n int64) {
	a.done += n
	if a.progress != nil {
		a.progress(Progress{Stage: "backup", Done: a.done, Total: a.total, Unit: "bytes"})
	}
}
