package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/notify"
	"entente/internal/officer"
	"entente/internal/store"
	"entente/journal"
)

// Ranks of what a doctor finds, the worst first.
const (
	RankLost    = "lost"    // truth is damaged or missing: something has to be brought back
	RankDerived = "derived" // something is damaged that can be made again
	RankRisk    = "risk"    // it works, and will hurt
	RankNote    = "note"    // nothing to do, or the node does it by itself
)

var ranks = []string{RankLost, RankDerived, RankRisk, RankNote}

// DoctorFinding is one thing that is not as it should be: where, what it means,
// and what to do.
type DoctorFinding struct {
	Rank  string `json:"rank"`
	File  string `json:"file"`            // in the folder, with slashes; "" for the folder itself
	Entry string `json:"entry,omitempty"` // origin#index, or the number of a record of the local log
	Kind  string `json:"kind"`            // what the file is: log, payload, key, derived, ...
	What  string `json:"what"`
	Means string `json:"means"`
	Next  string `json:"next"`
	// Commands mend it, in this order, on a folder that no process has open.
	Commands []string `json:"commands,omitempty"`
}

// DoctorResponse is what a look at a folder gave, the worst first.
type DoctorResponse struct {
	Healthy  bool   `json:"healthy"` // nothing but notes
	Dir      string `json:"dir"`
	Format   int    `json:"format"`
	InUse    bool   `json:"in_use"` // a process has the folder
	Process  int    `json:"process,omitempty"`
	Files    int64  `json:"files"`
	Journals int    `json:"journals"`
	Entries  int64  `json:"entries"`
	Payloads int64  `json:"payloads"`
	Records  int64  `json:"records"` // of the local log
	// Findings are at most maxFindings; More counts the others.
	Findings []DoctorFinding `json:"findings"`
	More     int             `json:"more,omitempty"`
}

const maxFindings = 10_000

// DoctorOptions are the seams of a doctor; zero values mean the real thing.
type DoctorOptions struct {
	FS    store.FS
	Clock func() time.Time
	// Progress may be nil.
	Progress func(Progress)
}

// Doctor looks at every file of a node's folder and names what is damaged,
// missing, in danger or left over, and what mends it. It changes nothing (it
// reads through store.ReadOnly and takes no lock), so it may be used on any folder:
// of a node that is running, stopped, damaged, of another version, half restored.
// Of the folder of a running node the derived objects are not read, because they
// change while one looks. Damage is no error of the call.
func Doctor(ctx context.Context, dir string, o DoctorOptions) (*DoctorResponse, error) {
	if o.FS == nil {
		o.FS = store.OS{}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	first, err := examine(ctx, dir, o)
	if err != nil || !first.InUse || first.Healthy {
		return first, err
	}
	// What was changing while we looked is as it should be when we look again.
	second, err := examine(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	second.Findings = slices.DeleteFunc(second.Findings, func(f DoctorFinding) bool {
		return !slices.ContainsFunc(first.Findings, func(g DoctorFinding) bool { return f.Rank == g.Rank && f.File == g.File })
	})
	second.judge()
	return second, nil
}

func (r *DoctorResponse) judge() {
	r.Healthy = !slices.ContainsFunc(r.Findings, func(f DoctorFinding) bool { return f.Rank != RankNote })
}

// examine looks at the folder once.
func examine(ctx context.Context, dir string, o DoctorOptions) (*DoctorResponse, error) {
	d := &doctor{ctx: ctx, at: layout{files{store.ReadOnly(o.FS)}, dir}, now: o.Clock(), progress: o.Progress,
		res: &DoctorResponse{Dir: dir, Findings: []DoctorFinding{}}, seen: map[string]bool{}}
	info, err := o.FS.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, notFound("There is no folder "+dir+".", "Name a node's folder with --dir.")
	}
	if err != nil {
		return nil, err
	}
	if l, ok := o.FS.(store.LockTester); ok {
		d.res.Process, d.res.InUse, err = l.Locked(dir)
		if err != nil {
			d.found(DoctorFinding{Rank: RankNote, File: "lock", What: "It cannot be told whether a process has the folder: " + err.Error() + "."})
		}
	}
	if room, err := store.RoomOf(o.FS, dir); err == nil && room.Free < reserveOf(room) {
		d.found(DoctorFinding{Rank: RankRisk, Kind: "disk", What: doctorSays("doctor.only-free", "size", sizeText(room.Free)),
			Means: doctorSays("doctor.no-content"), Next: doctorSays("doctor.make-room")})
	}
	if err := d.look(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(d.res.Findings, func(a, b DoctorFinding) int {
		return cmp.Or(slices.Index(ranks, a.Rank)-slices.Index(ranks, b.Rank), strings.Compare(a.File, b.File), strings.Compare(a.Entry, b.Entry))
	})
	d.res.judge()
	return d.res, nil
}

// doctor is one look at a folder.
type doctor struct {
	ctx      context.Context
	at       layout
	now      time.Time
	progress func(Progress)
	res      *DoctorResponse

	keys       *keys // identity only; nil when it cannot be read
	config     *Config
	logDamaged bool // the local log
	partners   bool // there are some, in a unit

	last time.Time       // the latest time that anything in the folder is of
	seen map[string]bool // files that something damaged was said of
}

func (d *doctor) found(f DoctorFinding) {
	if f.Rank != RankNote {
		d.seen[f.File] = true
	}
	if f.Kind == "" {
		f.Kind = string(kindOf(f.File))
	}
	if len(d.res.Findings) == maxFindings {
		d.res.More++
		return
	}
	d.res.Findings = append(d.res.Findings, f)
}

// look goes through the folder: what is known of single files first, then what
// they say together.
func (d *doctor) look() error {
	if err := d.walk(""); err != nil {
		return err
	}
	if !d.formats() {
		return d.ctx.Err() // a newer version's folder: more would be guessing
	}
	d.configuration()
	d.identity()
	d.identities()
	for _, name := range []string{"drafts.json", "pairings.json", "tokens.json", "settings.json", "assets.json", "notices.json", "officers.json", "sessions.json"} {
		d.private(name)
	}
	d.calling()
	d.provider()
	d.auditLog()
	d.units()
	d.witness()
	d.localLog()
	d.objects()
	if d.last.After(d.now.Add(time.Minute)) {
		d.found(DoctorFinding{Rank: RankRisk, Kind: "clock", What: doctorSays("doctor.clock-back", "now", d.now.UTC().Format(time.RFC3339), "then", d.last.UTC().Format(time.RFC3339)),
			Means: doctorSays("doctor.clock-means"),
			Next:  doctorSays("doctor.clock-next")})
	}
	return d.ctx.Err()
}

// walk looks at every name: is it one of a node's, a plain file, for its owner only?
func (d *doctor) walk(under string) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	names, err := d.at.fs.ReadDir(d.path(under))
	if err != nil {
		d.found(DoctorFinding{Rank: RankLost, File: under, Kind: "folder", What: "The folder cannot be listed: " + reason(err) + ".",
			Means: "What lies in it could not be looked at.", Next: "See to it that the user of the node may read it."})
		return nil
	}
	for _, one := range names {
		name := path.Join(under, one)
		info, err := d.at.fs.Stat(d.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since, or a link to nothing
		}
		if err != nil {
			d.unreadable(name, err)
			continue
		}
		kind := kindOf(name)
		if kind != fileOperator { // whoever put it there says who may read it
			d.closed(name, info)
		}
		switch {
		case info.IsDir() && kind != fileUnknown && kind != fileLeft && kind != filePassing:
			d.notAFile(name, kind)
		case info.IsDir():
			if err := d.walk(name); err != nil {
				return err
			}
		case kind == filePassing:
		case kind == fileLeft:
			d.leftover(name)
		case kind == fileUnknown:
			d.found(DoctorFinding{Rank: RankNote, File: name, What: doctorSays("doctor.not-ours"), Means: doctorSays("doctor.not-ours-means"), Next: doctorSays("doctor.not-ours-next")})
		}
		if d.res.Files++; d.progress != nil && d.res.Files%256 == 0 {
			d.progress(Progress{Stage: "doctor", Done: d.res.Files, Unit: "files"})
		}
	}
	return nil
}

func (d *doctor) path(name string) string { return filepath.Join(d.at.dir, filepath.FromSlash(name)) }

func (d *doctor) leftover(name string) {
	if d.res.InUse {
		return // it is being written
	}
	d.found(DoctorFinding{Rank: RankNote, File: name, What: doctorSays("doctor.rest"), Means: doctorSays("doctor.rest-means"),
		Next: doctorSays("doctor.rest-next"), Commands: []string{d.rm(name)}})
}

// closed says which files others may read, and which the owner may not.
func (d *doctor) closed(name string, info fs.FileInfo) {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 || kindOf(name) != fileKey && strings.Contains(name, "/") {
		return // inside folders that are closed; only keys must be closed by themselves
	}
	if root, err := d.at.fs.Stat(d.at.dir); kindOf(name) != fileKey && err == nil && root.Mode().Perm()&0o077 == 0 {
		return
	}
	d.found(DoctorFinding{Rank: RankRisk, File: name, What: doctorSays("doctor.open", "mode", fmt.Sprintf("%04o", mode)),
		Means: doctorSays("doctor.open-means"), Next: doctorSays("doctor.open-next"),
		Commands: []string{"chmod go-rwx " + quoted(d.path(name))}})
}

func (d *doctor) unreadable(name string, err error) {
	d.found(DoctorFinding{Rank: RankLost, File: name, What: doctorSays("doctor.unreadable", "reason", reason(err)), Means: doctorSays("doctor.nothing-known"),
		Next: doctorSays("doctor.let-read")})
}

// notAFile is a folder in the place of a file.
func (d *doctor) notAFile(name string, kind fileKind) {
	f := DoctorFinding{Rank: RankLost, File: name, What: doctorSays("doctor.folder-there"), Means: doctorSays("doctor.folder-means"), Next: doctorSays("doctor.folder-next"), Commands: []string{d.rm(name)}}
	if kind == fileDerived {
		f.Rank = RankDerived
	}
	d.found(f)
}

// formats tells whether this program knows the folder's format.
func (d *doctor) formats() bool {
	n, err := d.at.format()
	if err != nil {
		if !d.seen["format"] {
			d.found(DoctorFinding{Rank: RankLost, File: "format", What: "It does not say which format the folder has.", Means: "The node does not start on a folder that it might not understand.",
				Next: "If this is the newest version that ever ran here, remove the file; the format is then found out again.", Commands: []string{d.rm("format"), d.entente("status")}})
		}
		n = folderFormat
	}
	d.res.Format = n
	switch {
	case n > folderFormat:
		d.found(DoctorFinding{Rank: RankLost, File: "format", What: fmt.Sprintf("The folder has format %d; this program knows formats up to %d.", n, folderFormat),
			Means: "A newer version wrote it. Nothing else was looked at.", Next: "Run that version, or a later one."})
		return false
	case n < folderFormat:
		if there, err := d.at.exists(d.at.identity()); err == nil && there {
			what := ""
			for _, s := range upgradeSteps() {
				if s.from >= n {
					what += "; " + s.what
				}
			}
			d.found(DoctorFinding{Rank: RankNote, File: "format", What: fmt.Sprintf("The folder has format %d.", n),
				Means: "The next start upgrades it to format " + strconv.Itoa(folderFormat) + what + ".", Next: "Make a backup before you start the new version."})
		}
	}
	return true
}

func (d *doctor) configuration() {
	const name = "config.yaml"
	c, err := readConfig(d.at)
	if err == nil {
		d.config = &c
		return
	}
	if d.seen[name] {
		return
	}
	f := DoctorFinding{Rank: RankLost, File: name, What: doctorSays("doctor.configuration", "reason", reason(err)), Means: doctorSays("doctor.no-start"),
		Next: doctorSays("doctor.correct-it"), Commands: d.restore()}
	if there, _ := d.at.exists(filepath.Join(d.at.dir, restoringDir)); there {
		f.What, f.Means = doctorSays("doctor.restore-cut"), doctorSays("doctor.restore-means")
		f.Next = doctorSays("doctor.restore-next")
	}
	d.found(f)
}

// private looks at small files that only this node needs.
func (d *doctor) private(name string) {
	var any struct {
		Drafts  []savedDraft `json:"drafts"`
		Invited []struct{}   `json:"invited"`
		Joined  []struct{}   `json:"joined"`
	}
	var err error
	switch name {
	case "pairings.json":
		var file pairingFile
		_, err = d.at.readJSON(d.path(name), &file)
	case "tokens.json":
		_, err = readTokens(d.at)
	case "settings.json":
		_, err = readSettings(d.at)
	case "assets.json":
		_, err = readAssets(d.at)
	case "officers.json":
		_, err = officer.Read(d.at.fs, d.at.dir)
	case "sessions.json":
		_, err = officer.ReadSessions(d.at.fs, d.at.dir)
	case "notices.json":
		var book notify.Book
		_, err = d.at.readJSON(d.path(name), &book)
	default:
		_, err = d.at.readJSON(d.path(name), &any)
	}
	if err == nil || d.seen[name] {
		return
	}
	means := "The drafts of requests are lost. Nothing that was sent is."
	next := "Remove it, and write drafts (or invite) again; a backup holds the drafts, too."
	switch name {
	case "pairings.json":
		means = "The node does not start. Introductions that were under way are lost; partners of before are not."
	case "tokens.json":
		means = "The node does not start: it is not known which bearer tokens are good, which were revoked."
		next = "Remove it, and make new tokens with 'entente token new'; the token that init showed stays good. A backup does not hold it."
	}
	switch name {
	case "settings.json":
		means, next = "The node does not start: it is not known how the duty officer is called, or what sensors are given.", "Restore it from a backup, or remove it and set channels and feeds again; what config.yaml pins still holds."
	case "assets.json":
		means, next = "It is not known what is protected, nor who is told of an attack from where. Watchers are given nothing.", "Restore it from a backup, or remove it and add the assets again with 'entente asset add'."
	case "officers.json":
		means, next = officersLost, officersLostNext
	case "sessions.json":
		means, next = "The node does not start: it is not known who is signed in.", sessionsLostNext
	}
	if name == "notices.json" {
		means = "It is not known what the duty officer was told. The node starts, and tells what is open again."
		next = "Remove it, or leave it: the next notice replaces it."
	}
	d.found(DoctorFinding{Rank: RankLost, File: name, What: doctorSays("doctor.unreadable", "reason", reason(err)), Means: means,
		Next: next, Commands: []string{d.rm(name)}})
}

// calling says what keeps the duty officer from being called in time.
func (d *doctor) calling() {
	s, err := readSettings(d.at)
	if err != nil || d.config == nil {
		return // said already
	}
	file, next := "settings.json", "Set it anew with 'entente notify plan', or on the pages."
	if d.config.Notify.Quiet != nil || d.config.Notify.pinsPlan() || d.config.Notify.Every != 0 {
		file, next = "config.yaml", "Correct the part notify of config.yaml, and what 'entente notify plan --show' has beside it."
	}
	c := d.config.Notify.beside(s)
	for _, f := range c.faults() {
		d.found(DoctorFinding{Rank: RankRisk, File: file, What: f.Text, Means: "Whoever has no page open learns of it too late, or never. What is urgent and calls that ring are told all the same.", Next: next})
	}
}

func (d *doctor) rm(name string) string { return "rm -rf " + quoted(d.path(name)) }

func (d *doctor) entente(args string) string {
	return "entente --dir " + quoted(d.at.dir) + " " + args
}

// restore are the commands that put the last backup in the folder's place.
func (d *doctor) restore() []string {
	return []string{"mv " + quoted(d.at.dir) + " " + quoted(d.at.dir+".damaged"),
		"entente --dir " + quoted(d.at.dir) + " restore BACKUP --org-key ORGANISATION-KEY --yes"}
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// reason is an error for people, without a full stop at its end.
func reason(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return strings.TrimSuffix(strings.TrimSpace(e.What+" "+e.Why), ".")
	}
	return strings.TrimSuffix(err.Error(), ".")
}

// dated notes a time that something in the folder is of.
func (d *doctor) dated(t time.Time) {
	if t.After(d.last) {
		d.last = t
	}
}

// under names the file of a damage in the folder.
func (d *doctor) under(err error, otherwise string) (name string, damage *store.DamageError) {
	if !errors.As(err, &damage) {
		return otherwise, nil
	}
	rel, relErr := filepath.Rel(d.at.dir, damage.Path)
	if relErr != nil {
		return otherwise, damage
	}
	return filepath.ToSlash(rel), damage
}

func entryOf(o journal.Origin, err error) string {
	var damage *store.DamageError
	if errors.As(err, &damage) {
		return journal.Ref{Origin: o, Index: damage.Entry}.String()
	}
	return ""
}
