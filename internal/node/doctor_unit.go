package node

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
)

// doctorUnit is one unit's folder under the doctor's eyes.
type doctorUnit struct {
	dir    string // in the folder, with slashes
	id     journal.UnitID
	file   unitFile
	origin journal.Origin // of the own journal; "" when the identity is not known

	keyrings   map[journal.Origin]*journal.Keyring
	chains     map[journal.PartyID][]journal.Signed
	held       map[journal.Origin]journal.Head
	receipts   map[journal.Origin]journal.ReceiptBody // the latest own one of each journal
	named      map[journal.Hash]namedBy
	gone       map[journal.Hash]bool
	damaged    map[journal.Origin]bool // what these journals say is not known
	others     bool                    // entries of others are held
	introduced journal.Ref             // the entry that introduces this party under the newest identity
	version    int                     // of that identity
}

// namedBy is an entry that names a payload.
type namedBy struct {
	ref journal.Ref
	own bool
}

func (u *doctorUnit) name() string {
	if f, err := journal.ParseFounding(u.file.Founding); err == nil {
		return f.Name
	}
	return u.id.Short()
}

func (d *doctor) units() {
	ids, err := d.at.folders(d.at.units())
	if err != nil {
		return // told by walk
	}
	for _, name := range ids {
		if id := journal.UnitID(name); id.Check() == nil && d.ctx.Err() == nil {
			d.unit(id)
		}
	}
}

func (d *doctor) unit(id journal.UnitID) {
	u := &doctorUnit{dir: "units/" + string(id), id: id, keyrings: map[journal.Origin]*journal.Keyring{}, chains: map[journal.PartyID][]journal.Signed{},
		held: map[journal.Origin]journal.Head{}, receipts: map[journal.Origin]journal.ReceiptBody{}, named: map[journal.Hash]namedBy{}, gone: map[journal.Hash]bool{}, damaged: map[journal.Origin]bool{}}
	ok, err := d.at.readJSON(d.path(u.dir+"/unit.json"), &u.file)
	dirs, _ := d.at.folders(d.path(u.dir + "/journals"))
	if err == nil && !ok {
		if len(dirs) == 0 {
			return // of a creation that was cut; nothing was told of it
		}
		err = errors.New("it is missing")
	}
	if err == nil && journal.UnitOf(u.file.Founding) != id {
		err = errors.New("the founding document in it is not this unit's")
	}
	if err == nil {
		d.partners = d.partners || len(u.file.Partners) > 0
		for p, partner := range u.file.Partners {
			if party, _, bad := journal.VerifyIdentityChain(partner.Chain, time.Time{}); bad != nil || party != p {
				err = fmt.Errorf("the identity of %s in it does not hold: %w", p.Short(), errors.Join(bad, errors.New("another party's, or changed")))
			}
		}
	}
	if err != nil && !d.seen[u.dir+"/unit.json"] {
		d.found(DoctorFinding{Rank: RankLost, File: u.dir + "/unit.json", What: "It cannot be used: " + reason(err) + ".", Means: "Who the partners of this unit are is not known any more. The node does not start, or goes on without this unit.",
			Next: doctorSays("doctor.restore-last"), Commands: d.restore()})
	}
	if err != nil {
		return
	}
	if d.keys != nil {
		u.origin = journal.OriginOf(id, d.keys.party, u.file.Epoch)
	}
	for _, name := range dirs {
		if o := journal.Origin("entente/" + name); o.Check() == nil {
			d.journal(u, o)
		}
	}
	d.own(u)
	d.strangers(u)
	for o, r := range u.receipts {
		if head := u.held[o]; head.Size < r.Size && !u.damaged[o] && !(d.res.InUse && d.headNow(u.journalDir(o), head).Size >= r.Size) {
			d.found(DoctorFinding{Rank: RankLost, File: u.journalDir(o) + "/log", Entry: journal.Ref{Origin: o, Index: head.Size}.String(),
				What:  fmt.Sprintf("%d entries of this journal are here, but %d were receipted.", head.Size, r.Size),
				Means: "The end of a partner's journal is lost here. The partner has it.", Next: doctorSays("doctor.session-again"), Commands: []string{d.entente("sync")}})
		}
	}
	d.payloads(u)
	d.evidence(u)
}

func (u *doctorUnit) journalDir(o journal.Origin) string {
	return u.dir + "/journals/" + strings.TrimPrefix(string(o), "entente/")
}

// journal reads one journal to its last byte and notes what it names.
func (d *doctor) journal(u *doctorUnit, o journal.Origin) {
	dir := u.journalDir(o)
	if d.at.neverTold(d.path(dir)) && o != u.origin {
		return // nothing of it was ever acknowledged
	}
	st, err := store.OpenJournalReadOnly(d.path(dir), store.Options{FS: d.at.fs})
	if err == nil {
		defer st.Close()
		_, err = st.Verify(d.ctx)
	}
	var rep journal.Report
	if err == nil && st.Len() > 0 {
		rep, err = journal.Verify(d.ctx, st, journal.VerifyParams{Unit: u.id, Origin: o})
	}
	if d.ctx.Err() != nil {
		return
	}
	if err != nil {
		u.damaged[o] = true
		name, damage := d.under(err, dir+"/log")
		lost := DoctorFinding{Entry: entryOf(o, err), Means: doctorSays("doctor.partner-journal"),
			Next: doctorSays("doctor.partner-next"), Commands: []string{d.rm(dir), d.entente("sync")}}
		if o == u.origin {
			lost.Means = doctorSays("doctor.own-journal")
			lost.Next = doctorSays("doctor.own-next")
			lost.Commands = []string{d.rm(dir), d.entente("sync"), d.entente("journal succeed --org-key ORGANISATION-KEY")}
		}
		d.logDamage(name, damage, err, lost)
		return
	}
	d.res.Journals++
	d.res.Entries += rep.Head.Size
	d.dated(rep.Last)
	u.held[o], u.keyrings[o] = rep.Head, rep.Keys
	if len(rep.Identities) > len(u.chains[rep.Party]) {
		u.chains[rep.Party] = rep.Identities
	}
	d.missingDerived(dir, "index", "points", "hashes", "derived")
	own := d.keys != nil && rep.Party == d.keys.party
	for raw, err := range st.Read(0, rep.Head.Size) {
		if err != nil || d.ctx.Err() != nil {
			return
		}
		e, err := journal.ParseEntry(slices.Clone(raw))
		if err != nil {
			return
		}
		if e.Payload != nil {
			u.named[e.Payload.Commitment] = namedBy{e.Ref(), own}
		}
		if !own {
			u.others = true
			u.noteIntroduction(d.keys, e)
			continue
		}
		switch e.Kind {
		case journal.KindReceipt:
			if r, err := e.Receipt(); err == nil && r.Size >= u.receipts[r.Origin].Size {
				u.receipts[r.Origin] = r
			}
		case journal.KindDestroyed:
			if b, err := journal.DecodeBody[journal.DestroyedBody](e, e.Kind); err == nil {
				for _, c := range b.Commitments {
					u.gone[c] = true
				}
			}
		}
	}
}

// noteIntroduction remembers by which identity members know this party.
func (u *doctorUnit) noteIntroduction(k *keys, e *journal.Entry) {
	if k == nil || e.Kind != unit.KindAdmit {
		return
	}
	b, err := journal.DecodeBody[unit.AdmitBody](e, e.Kind)
	if err != nil {
		return
	}
	chain, err := journal.MergeIdentityChains(k.chain, b.Identities)
	if err == nil && versionOf(chain) > max(u.version, k.id.Version) {
		u.introduced, u.version = e.Ref(), versionOf(chain)
	}
}

// strangers looks for signs that this folder and the members of the unit do not know each
// other any more, because one of them was put back.
func (d *doctor) strangers(u *doctorUnit) {
	if u.version > 0 {
		d.found(DoctorFinding{Rank: RankRisk, File: "identity.json", Entry: u.introduced.String(),
			What:     fmt.Sprintf("Members of unit %s know version %d of this party's identity, and this folder has %d.", u.name(), u.version, d.keys.id.Version),
			Means:    "The folder was put back to before a rotation of keys. A journal that it began since is refused by whoever knows the newer version.",
			Next:     "Open a successor if the status says that the own journal may not be extended, and rotate again.",
			Commands: []string{d.entente("status"), d.entente("journal succeed --org-key ORGANISATION-KEY"), d.entente("identity rotate tls --org-key ORGANISATION-KEY")}})
	}
	if !u.others && len(u.damaged) == 0 && len(u.file.Partners) > 0 {
		d.found(DoctorFinding{Rank: RankNote, File: u.dir + "/journals", What: "Nothing of any other member of unit " + u.name() + " is here.",
			Means:    "No session has brought anything since the pairing. If sessions are refused, the inviter may have been put back to before it, and the unit does not know this party.",
			Next:     "Open a session. If it is refused, pair again with any member: 'entente unit invite' there, 'entente unit join' here.",
			Commands: []string{d.entente("sync")}})
	}
}

// own looks at what the own journal needs to go on: its folder, key and mark.
func (d *doctor) own(u *doctorUnit) {
	if u.origin == "" {
		return
	}
	dir := u.journalDir(u.origin)
	keyring := u.keyrings[u.origin]
	if u.held[u.origin].Size == 0 && !u.damaged[u.origin] {
		d.found(DoctorFinding{Rank: RankLost, File: dir + "/log", What: doctorSays("doctor.own-missing"), Means: "Nothing more may be signed in unit " + u.name() + ". Partners hold what they have receipted.",
			Next:     doctorSays("doctor.hand-back"),
			Commands: []string{d.entente("sync"), d.entente("journal succeed --org-key ORGANISATION-KEY")}})
	}
	d.key(fmt.Sprintf("%s/journal-%d.key", u.dir, u.file.Epoch), false, func(text []byte) error {
		key, err := journal.ParsePrivateKey(text)
		if err == nil && keyring != nil && !key.Public().Equal(keyring.Current()) {
			err = errors.New("it is not the key that the journal names")
		}
		return err
	})
	if keyring != nil {
		d.mark(*u, u.held[u.origin])
	}
}

// payloads reads every payload, and looks for those that should be here.
func (d *doctor) payloads(u *doctorUnit) {
	here := map[journal.Hash]bool{}
	dir := u.dir + "/payloads"
	file := func(c journal.Hash) string {
		h := hex.EncodeToString(c[:])
		return dir + "/" + h[:2] + "/" + h
	}
	missing := map[journal.Hash]bool{} // that partners had not sent when we last receipted
	for _, r := range u.receipts {
		for _, c := range r.Missing {
			missing[c] = true
		}
	}
	mend := func(own bool) (string, []string) {
		if own {
			return "Open a session: a partner that has it hands it back. Otherwise it is in the last backup.", []string{d.entente("sync")}
		}
		return doctorSays("doctor.session-again"), []string{d.entente("sync")}
	}
	if there, err := d.at.exists(d.path(dir)); err == nil && there {
		ps, err := store.OpenPayloads(d.path(dir), store.Options{FS: d.at.fs, Sealer: d.at.vault(d.config)})
		if err != nil {
			d.unreadable(dir, err)
			return
		}
		sealed := 0
		for c, err := range ps.List() {
			if err != nil || d.ctx.Err() != nil {
				break
			}
			here[c] = true
			by, named := u.named[c]
			_, _, err := ps.Get(c)
			switch {
			case errors.Is(err, store.ErrNotFound) || d.seen[file(c)]:
			case !named && (d.res.InUse || len(u.damaged) > 0):
			// A journal names it, but which cannot be told.
			case !named:
				d.found(DoctorFinding{Rank: RankNote, File: file(c), What: "No entry names this payload.", Means: "The node stopped between writing it and telling of it, or the journal that names it is damaged.", Next: "Nothing has to be done; a start without damage removes it."})
			case errors.Is(err, store.ErrSealed):
				if sealed++; sealed == 1 {
					d.found(DoctorFinding{Rank: RankRisk, File: file(c), Entry: by.ref.String(), What: "Evidence lies encrypted, and its key cannot be used: " + reason(err) + ".",
						Means: "It is neither handed over nor written out, and this party cannot show what it was given.", Next: "Put the key back, from a backup or from where it is kept."})
				}
			case err != nil:
				next, commands := mend(by.own)
				d.found(DoctorFinding{Rank: RankLost, File: file(c), Entry: by.ref.String(), What: "It is not what its entry committed to: " + reason(err) + ".", Means: doctorSays("doctor.payload-means"),
					Next: "Remove it. " + next, Commands: append([]string{d.rm(file(c))}, commands...)})
			default:
				d.res.Payloads++
			}
		}
	}
	for c, by := range u.named {
		if here[c] || u.gone[c] || d.seen[file(c)] {
			continue
		}
		if missing[c] {
			d.found(DoctorFinding{Rank: RankNote, File: file(c), Entry: by.ref.String(), What: doctorSays("doctor.payload-waits"), Means: doctorSays("doctor.payload-waits-means"), Next: doctorSays("doctor.payload-waits-next")})
			continue
		}
		next, commands := mend(by.own)
		d.found(DoctorFinding{Rank: RankLost, File: file(c), Entry: by.ref.String(), What: doctorSays("doctor.payload-missing"), Means: doctorSays("doctor.payload-means"), Next: next, Commands: commands})
	}
}

// evidence checks that every kept proof still proves something.
func (d *doctor) evidence(u *doctorUnit) {
	names, err := d.at.fs.ReadDir(d.path(u.dir + "/evidence"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if d.keys != nil && len(d.keys.chain) > len(u.chains[d.keys.party]) {
		u.chains[d.keys.party] = d.keys.chain
	}
	for p, partner := range u.file.Partners {
		if len(partner.Chain) > len(u.chains[p]) {
			u.chains[p] = partner.Chain
		}
	}
	kept := 0
	for _, one := range names {
		name := u.dir + "/evidence/" + one
		if kindOf(name) != fileProof || d.seen[name] {
			continue
		}
		text, err := d.at.read(d.path(name))
		if err == nil && !json.Valid(text) {
			err = errors.New("it is no JSON")
		}
		mirrors := map[journal.Origin]*journal.Mirror{}
		if err == nil {
			var e evidenceFile
			if err = json.Unmarshal(text, &e); err == nil && u.keyrings[e.Origin] == nil {
				kept++
				continue // the journal is not here, or damaged itself
			}
			if st, oerr := store.OpenJournalReadOnly(d.path(u.journalDir(e.Origin)), store.Options{FS: d.at.fs}); oerr == nil && err == nil {
				defer st.Close()
				if m, oerr := journal.OpenMirror(st, journal.MirrorParams{Unit: u.id, Origin: e.Origin}); oerr == nil && m.Head().Size > 0 {
					mirrors[e.Origin] = m // a proof can build on what the journal tells
				}
			}
		}
		if _, holds := keptProof(text, u.keyrings, u.chains, u.chains, mirrors); err == nil && !holds {
			err = errors.New("what it says does not prove anything under the keys known here")
		}
		if err == nil {
			kept++
			continue
		}
		d.found(DoctorFinding{Rank: RankLost, File: name, What: "The proof does not hold: " + reason(err) + ".", Means: "It proves nothing any more. Proofs that fit into an entry are in the own journal, too; that the journal is false is remembered in unit.json.",
			Next: "Restore the file from a backup. If there is none, remove it.", Commands: []string{d.rm(name)}})
	}
}
