package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente/internal/intel"
	"entente/internal/store"
	"entente/journal"

	"filippo.io/age"
)

// identity looks at who this party is, and whether the everyday keys are those
// that the identity names.
func (d *doctor) identity() {
	k, err := readIdentity(d.at)
	if err != nil {
		if !d.seen["identity.json"] {
			d.found(DoctorFinding{Rank: RankLost, File: "identity.json", What: "The identity cannot be read: " + reason(err) + ".", Means: "The node does not start: it does not know for whom.",
				Next: doctorSays("doctor.restore-last"), Commands: d.restore()})
		}
		return
	}
	d.keys = k
	d.dated(k.id.Created)
	switch left := k.id.Expires.Sub(d.now); {
	case left < 0:
		d.found(DoctorFinding{Rank: RankRisk, File: "identity.json", What: doctorSays("doctor.identity-expired", "at", k.id.Expires.Format(time.RFC3339)), Means: doctorSays("doctor.may-refuse"),
			Next: doctorSays("doctor.rotate-now"), Commands: []string{d.entente("identity rotate node --org-key ORGANISATION-KEY")}})
	case left < 30*24*time.Hour:
		d.found(DoctorFinding{Rank: RankRisk, File: "identity.json", What: doctorSays("doctor.identity-expires", "at", k.id.Expires.Format(time.RFC3339)), Means: doctorSays("doctor.may-refuse-then"),
			Next: doctorSays("doctor.rotate-before"), Commands: []string{d.entente("identity rotate node --org-key ORGANISATION-KEY")}})
	}
	if path, _, err := d.at.orgKeyHere(); err == nil && path != "" {
		d.found(DoctorFinding{Rank: RankRisk, File: orgKeyName, Kind: string(fileKey), What: doctorSays("doctor.org-key"), Means: doctorSays("doctor.org-key-means"),
			Next: doctorSays("doctor.org-key-next")})
	}
	for name, check := range map[string]func([]byte) error{
		keyNode: func(text []byte) error {
			key, err := journal.ParsePrivateKey(text)
			if err == nil && !key.Public().Equal(k.id.Node) {
				err = errors.New("it is not the node key that the identity names")
			}
			return err
		},
		keyTLS: func(text []byte) error {
			key, err := parseTLSKey(text)
			if err == nil && !names(k.id, key) {
				err = errors.New("it is not a TLS key that the identity names")
			}
			return err
		},
		keyTLSOld: func(text []byte) error { _, err := parseTLSKey(text); return err },
		keyWitness: func(text []byte) error {
			key, err := parseWitnessKey(text)
			if err == nil && witnessVKey(key) != k.id.Witness {
				err = errors.New("it is not the witness key that the identity names")
			}
			return err
		},
		keyCourier: func(text []byte) error {
			c, err := age.ParseHybridIdentity(string(trimLine(text)))
			if err == nil && c.Recipient().String() != k.id.Courier {
				err = errors.New("it is not the courier key that the identity names")
			}
			return err
		},
	} {
		d.key("keys/"+name, name == keyTLSOld, check)
	}
}

// key looks at one key file; a waiting one beside it may be the right one.
func (d *doctor) key(name string, optional bool, check func([]byte) error) {
	text, err := d.at.read(d.path(name))
	if errors.Is(err, fs.ErrNotExist) && optional || d.seen[name] {
		return
	}
	if err == nil {
		err = check(text)
	}
	if err == nil {
		return
	}
	if next, waiting := d.at.read(d.path(name + nextKey)); waiting == nil && check(next) == nil {
		if !d.res.InUse {
			d.found(DoctorFinding{Rank: RankNote, File: name + nextKey, What: "A rotation was cut before this key took its place.", Means: "The next start finishes it.", Next: doctorSays("doctor.nothing")})
		}
		return
	}
	what := doctorSays("doctor.key-unusable", "reason", reason(err))
	if errors.Is(err, fs.ErrNotExist) {
		what = doctorSays("doctor.key-missing")
	}
	d.found(DoctorFinding{Rank: RankLost, File: name, What: what, Means: doctorSays("doctor.key-means"), Next: doctorSays("doctor.key-next"), Commands: d.restore()})
}

// localLog reads the private log to its last byte.
func (d *doctor) localLog() {
	const dir = "local.log"
	log, err := store.OpenLogReadOnly(d.path(dir), store.Options{FS: d.at.fs})
	if errors.Is(err, fs.ErrNotExist) && d.fresh() {
		return
	}
	if err == nil {
		defer log.Close()
		var rep store.Report
		rep, err = log.Verify(d.ctx)
		d.res.Records = rep.Entries
	}
	if err != nil && d.ctx.Err() == nil {
		d.logDamaged = true
		name, damage := d.under(err, dir+"/log")
		d.logDamage(name, damage, err, DoctorFinding{Means: doctorSays("doctor.local-means"),
			Next: doctorSays("doctor.local-next"), Commands: d.restore()})
		return
	}
	d.missingDerived(dir, "index", "points", "derived")
}

// logDamage tells damage in an append-only folder; lost says what it means when
// it is the truth that is damaged.
func (d *doctor) logDamage(name string, damage *store.DamageError, err error, lost DoctorFinding) {
	if d.seen[name] {
		return
	}
	lost.Rank, lost.File, lost.What = RankLost, name, doctorSays("doctor.damaged", "reason", reason(err))
	if damage != nil {
		lost.What = doctorSays("doctor.damaged-at", "n", damage.Entry, "reason", damage.Detail)
		if lost.Entry == "" {
			lost.Entry = fmt.Sprint(damage.Entry)
		}
		if damage.Derived {
			lost.Rank, lost.Means = RankDerived, doctorSays("doctor.derived")
			lost.Next = doctorSays("doctor.remove-derived")
			lost.Commands = []string{d.rm(name), d.entente("status")}
		}
	}
	d.found(lost)
}

// missingDerived notes derived files that are not there: the next start makes them.
func (d *doctor) missingDerived(dir string, names ...string) {
	for _, name := range names {
		if there, err := d.at.exists(d.path(dir + "/" + name)); err == nil && !there && !d.res.InUse {
			d.found(DoctorFinding{Rank: RankNote, File: dir + "/" + name, What: doctorSays("doctor.missing"), Means: doctorSays("doctor.derived"), Next: doctorSays("doctor.derived-next")})
		}
	}
}

// fresh tells whether the folder was never opened since it was made or restored.
func (d *doctor) fresh() bool {
	there, err := d.at.exists(d.at.objects())
	return err == nil && !there
}

// objects reads the derived store, and whether it belongs to the local log.
func (d *doctor) objects() {
	if d.res.InUse || d.fresh() {
		return
	}
	f := DoctorFinding{Rank: RankDerived, File: "objects", Kind: string(fileDerived), Means: "Nothing is lost: it is derived from the local log and the payloads. Until it is mended searches and feeds may fail.",
		Next: "Remove it; the next start derives it again, which takes about as long as importing everything did.", Commands: []string{d.rm("objects"), d.entente("status")}}
	err := func() error {
		objects, err := store.OpenObjectsReadOnly(d.at.objects(), store.Options{FS: d.at.fs})
		if err != nil {
			return err
		}
		defer objects.Close()
		n := 0
		for _, err := range objects.Scan([]byte{0}, []byte{0xff}, false) {
			if n++; err != nil {
				return err
			}
			if n%4096 == 0 && d.ctx.Err() != nil {
				return nil
			}
		}
		log, err := store.OpenLogReadOnly(d.at.localLog(), store.Options{FS: d.at.fs})
		if err != nil || d.logDamaged {
			return nil // told already
		}
		defer log.Close()
		behind, fits, err := intel.Applied(log, objects)
		switch {
		case err != nil:
			return err
		case !fits:
			d.found(DoctorFinding{Rank: RankNote, File: "objects", Kind: string(fileDerived), What: "It was derived from another local log than the one here.", Means: "The next start notices, drops it and derives it again.", Next: doctorSays("doctor.nothing")})
		case behind > 0:
			d.found(DoctorFinding{Rank: RankNote, File: "objects", Kind: string(fileDerived), What: fmt.Sprintf("It lacks the last %d records of the local log.", behind), Means: "The node was stopped hard; the next start applies them.", Next: doctorSays("doctor.nothing")})
		}
		return nil
	}()
	if err != nil {
		f.What = doctorSays("doctor.unreadable", "reason", reason(err))
		d.found(f)
	}
}

// mark looks at the high-water mark of an own journal.
func (d *doctor) mark(l doctorUnit, head journal.Head) {
	if d.config == nil {
		return
	}
	name := d.markName(strings.TrimPrefix(string(l.origin), "entente/"))
	f := DoctorFinding{Rank: RankLost, File: name, Kind: string(fileMark), Means: "It cannot be shown that this folder holds the latest head that was signed, so nothing more is signed in unit " + l.name() + ".",
		Next:     "Let partners hand back what they hold, then open a successor with the organisation key.",
		Commands: []string{d.entente("sync"), d.entente("journal succeed --org-key ORGANISATION-KEY")}}
	mark, ok, err := store.HighWaterAt(d.config.HighWater, store.Options{FS: d.at.fs}).Get(l.origin)
	switch {
	case l.file.Retired, d.seen[f.File]:
		return
	case err != nil:
		f.What = "The high-water mark cannot be read: " + reason(err) + "."
		f.Commands = slices.Insert(f.Commands, 0, "rm -rf "+quoted(filepath.Join(d.config.HighWater, filepath.Base(name))))
	case !ok:
		f.What = "The high-water mark of this journal is missing."
	case mark.Size > head.Size && d.res.InUse && d.headNow(l.dir+"/journals/"+strings.TrimPrefix(string(l.origin), "entente/"), head).Size >= mark.Size:
		return // written while we looked
	case mark.Size > head.Size:
		f.File = l.dir + "/journals/" + strings.TrimPrefix(string(l.origin), "entente/") + "/log"
		f.Kind = string(fileLog)
		f.What = fmt.Sprintf("The own journal has %d entries, but %d were signed once.", head.Size, mark.Size)
		f.Means = "This folder is older than what was signed: it was restored, or copied, or the end of the log is lost. Nothing more is signed in unit " + l.name() + "."
	case mark.Size == head.Size && mark.Root != head.Root:
		f.What = "The high-water mark is of another history than the own journal."
		f.Means = "Two histories were signed with one key, or the mark is of another folder. Nothing more may be signed in unit " + l.name() + "."
	default:
		return
	}
	d.found(f)
}

// identities looks at the identities that lie beside the high-water marks.
func (d *doctor) identities() {
	if d.config == nil || d.keys == nil {
		return
	}
	marked, err := markedIdentities(d.at, d.config)
	if err == nil && len(marked) > 0 {
		_, err = journal.MergeIdentityChains(d.keys.chain, marked)
	}
	if err == nil {
		return
	}
	name := d.markName(identitiesName)
	d.found(DoctorFinding{Rank: RankRisk, File: name, Kind: string(fileMark), What: "The identities beside the high-water marks cannot be used: " + reason(err) + ".",
		Means:    "A folder that is put back would not know from them which identities this party has made since, and where they cannot be read no key is rotated.",
		Next:     "Listen to every member, who tell of identities that this folder may have forgotten; then remove the file. The next rotation writes it anew.",
		Commands: []string{d.entente("sync"), "rm -rf " + quoted(filepath.Join(d.config.HighWater, identitiesName))}})
}

// witness looks whether the marks are those that the witness key was used with.
func (d *doctor) witness() {
	if d.config == nil || d.keys == nil || d.keys.id.Witness == "" || !d.partners {
		return // without partners there is nothing to cosign
	}
	if noted, err := d.at.exists(d.at.key(keyWitnessNoted)); err != nil || !noted {
		return // the next start looks at the marks, and notes what they are
	}
	note := witnessNote(d.keys.id.Witness)
	what := "There is no note among the high-water marks that they are whole for the witness key."
	switch ok, err := store.HighWaterAt(d.config.HighWater, store.Options{FS: d.at.fs}).Noted(note); {
	case ok:
		return
	case err != nil:
		what = "The note that the marks are whole for the witness key does not count: " + reason(err) + "."
	}
	d.found(DoctorFinding{Rank: RankRisk, File: d.markName(note), Kind: string(fileMark), What: what,
		Means:    "What this node's witness has cosigned is not known any more: the marks were lost, copied or put back. It cosigns nothing (" + CodeWitnessStopped + ").",
		Next:     "A succession replaces the witness key, too, if every member can be heard. Otherwise replace it once all have been heard.",
		Commands: []string{d.entente("sync"), d.entente("identity rotate witness --org-key ORGANISATION-KEY")}})
}

// markName is a file among the marks, as seen from the folder.
func (d *doctor) markName(name string) string {
	if rel, err := filepath.Rel(d.at.dir, d.config.HighWater); err == nil {
		return filepath.ToSlash(filepath.Join(rel, name))
	}
	return "highwater/" + name
}

// headNow reads the head of a journal that may have grown since it was read.
func (d *doctor) headNow(dir string, then journal.Head) journal.Head {
	text, err := d.at.read(d.path(dir + "/head"))
	if err != nil {
		return then
	}
	_, head, err := journal.CheckpointHead(text)
	if err != nil {
		return then
	}
	return head
}
