package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
)

// ledger is one unit as this node holds it: the own journal, the mirrors of the
// others, the payloads, and the fold over all of them. Everything that writes
// goes through its lock, so that an entry says exactly what its author had seen.
type ledger struct {
	n        *Node
	id       journal.UnitID
	dir      string
	file     unitFile
	payloads *store.Payloads

	mu sync.Mutex
	contents
	vouching   sync.Mutex
	vouchAgain time.Time // when the own witness is asked again after a failure
}

// contents is what a ledger knows from the disk; it is replaced whole when the journals
// are opened again (see reload).
type contents struct {
	own      *journal.Writer // nil: the own journal is retired, and held as a mirror
	ownStore *store.Journal
	marked   journal.Head // how far the own journal is under its high-water mark
	mirrors  map[journal.Origin]*mirror
	fold     *unit.Fold
	table    *requestTable     // the last that was made of the fold's requests
	texts    map[string][]byte // accord texts by hash
	named    named
	titles   map[journal.Hash]titledManifest
	gone     map[journal.Hash]bool     // payloads this node destroyed
	wanted   map[journal.Hash]bool     // payloads that held entries name and that are not here, or not as they were
	looked   map[journal.Hash]lookedAt // payloads of evidence that were written or read back by this process
	// unreadable are held payloads that cannot be opened although they are what their entries committed to.
	// The key is the entry: another one may say the truth about the same bytes.
	unreadable map[journal.Ref]bool
	toldAt     toldIn                           // the own entry that tells the newest own identity
	accused    map[journal.Origin][]journal.Ref // evidence about journals that waits for entries of them
	ownChain   []journal.Signed                 // the own identity as the unit knows it, where that is more than this folder does
	proclaimed map[journal.Origin]bool          // journals that an evidence entry of this party is about
	untold     []journal.Ref                    // entries that tell identities, not learnt yet: their past may not be here
	// ids are the newest identities of partners, their chains verified: a connection,
	// which anybody may open, must not cost a check of every partner's signatures.
	ids     map[journal.PartyID]journal.Identity
	pending []*arrival // content entries of others whose payload is here, not yet through intake
	retired error      // why the own journal may not be extended, if so
	ailing  error      // what left unknown what the disk holds; see mend

	hold hold            // what is waited for before anything is signed
	owed []journal.Draft // entries that could not be signed when they were due
	// unmarked: nothing but a mark is missing, and the own witness can make up for it.
	unmarked bool
	begun    bool // the own journal was begun by this process, so nobody else can have extended it
}

// toldIn is where the own journals tell the newest own identity.
type toldIn struct {
	epoch int
	ref   journal.Ref
}

// tell moves to an own entry that tells an identity, the genesis too, which tells the
// whole chain; never back, in whatever order the journals are read.
func (t *toldIn) tell(e *journal.Entry) {
	if t.ref.Origin == "" || e.Epoch > t.epoch || e.Epoch == t.epoch && e.Index > t.ref.Index {
		*t = toldIn{e.Epoch, e.Ref()}
	}
}

// mirror is the verified copy of another party's journal.
type mirror struct {
	party journal.PartyID
	m     *journal.Mirror
	store *store.Journal
	fault string // code of a proven or suspected misbehaviour
	// upTo is how far a journal that another member proved to be false is still taken
	// from others than its author: both heads of the proof are beginnings of what
	// somebody honest may have built on.
	upTo int64
	// receipted is the size our own journal has receipted.
	receipted int64
	missing   int // payloads the last receipt named as missing
	// ahead are signed heads that lie beyond what is held.
	ahead []aheadHead
}

// unitFile is what is private to this node about a unit: how it came to be.
type unitFile struct {
	Founding string `json:"founding"`
	Epoch    int    `json:"epoch"`
	// Partners are the identity chains compared by voice, or introduced by a member.
	Partners map[journal.PartyID]partner `json:"partners"`
	// Faults are the codes of proven misbehaviour by origin; the proofs lie in evidence/.
	Faults map[journal.Origin]string `json:"faults,omitempty"`
	// Certificate certifies the first key of the own journal when the organisation
	// key did so (a successor); otherwise the node key does when it is made.
	Certificate *journal.Signed `json:"certificate,omitempty"`
	// Closed is how much of each journal a party that has left may still fetch.
	Closed map[journal.PartyID]map[journal.Origin]int64 `json:"closed,omitempty"`
	// Retired says that the own journal of this epoch must not be extended.
	Retired bool `json:"retired,omitempty"`
}

type partner struct {
	Chain  []journal.Signed `json:"chain"`
	Paired bool             `json:"paired"` // compared by voice here, not introduced by another
	// Pin is the TLS key that it showed when it was last compared by voice, if the newest
	// identity known does not name it: whoever was put back to before a rotation has no
	// other. It counts until a newer identity is known.
	Pin journal.Hash `json:"pin,omitzero"`
}

func (l *ledger) unitPath() string { return filepath.Join(l.dir, "unit.json") }

func (l *ledger) journalDir(o journal.Origin) string {
	return filepath.Join(l.dir, "journals", strings.TrimPrefix(string(o), "entente/"))
}

func (l *ledger) keyPath(epoch int) string {
	return filepath.Join(l.dir, fmt.Sprintf("journal-%d.key", epoch))
}

func (l *ledger) name() string {
	f, err := journal.ParseFounding(l.file.Founding)
	if err != nil {
		return l.id.Short()
	}
	return f.Name
}

func (l *ledger) origin() journal.Origin {
	return journal.OriginOf(l.id, l.n.keys().party, l.file.Epoch)
}

// save writes the private unit file.
func (l *ledger) save() error { return l.n.at.writeJSON(l.unitPath(), l.file) }

// createLedger makes a unit's folder with an own journal that holds its genesis.
// It is safe to repeat after a crash, or after the disk failed: the last step makes it
// whole.
func createLedger(ctx context.Context, n *Node, founding string, partners map[journal.PartyID]partner) (*ledger, error) {
	l, made, err := newLedger(ctx, n, founding, partners)
	if err != nil || made {
		return l, err
	}
	key, err := journal.GenerateKey(n.opts.Rand)
	if err != nil {
		return nil, err
	}
	if err := n.at.write(l.keyPath(0), key.Marshal("journal key of unit "+l.id.Short())); err != nil {
		return nil, err
	}
	if err := l.begin(0); err != nil {
		return nil, err
	}
	if err := l.save(); err != nil {
		return nil, err
	}
	return openLedger(ctx, n, l.id)
}

// enterAgain makes the folder of a unit that this party began a journal in before, of
// which this folder knows nothing: that journal is never signed here, what the others hold
// of it comes with the sessions, and a successor goes on.
func enterAgain(ctx context.Context, n *Node, founding string, partners map[journal.PartyID]partner) (*ledger, error) {
	l, made, err := newLedger(ctx, n, founding, partners)
	if err != nil || made {
		return l, err
	}
	n.opts.Log.Error("this party began a journal in the unit before, and this folder was put back to before that; nothing is signed there until the organisation key opens a successor", "unit", l.id.Short())
	l.file.Retired = true
	if err := l.save(); err != nil {
		return nil, err
	}
	return openLedger(ctx, n, l.id)
}

// newLedger is a unit of which nothing is on the disk yet. One that was made before and
// could not be opened then is opened instead (made).
func newLedger(ctx context.Context, n *Node, founding string, partners map[journal.PartyID]partner) (l *ledger, made bool, err error) {
	id := journal.UnitOf(founding)
	l = &ledger{n: n, id: id, dir: n.at.unit(string(id)),
		file: unitFile{Founding: founding, Partners: partners}}
	if l.file.Partners == nil {
		l.file.Partners = map[journal.PartyID]partner{}
	}
	there, err := n.at.exists(l.unitPath())
	switch {
	case err != nil:
		return nil, false, err
	case there && n.ledger(id) == nil:
		l, err = openLedger(ctx, n, id)
		return l, true, err
	case there:
		return nil, false, conflict("exists", "This node is in the unit already.", "", "See it with 'entente unit show'.")
	}
	return l, false, nil
}

// openLedger opens what is there. A folder without a unit file is the leftover
// of a creation that was cut; it holds nothing anybody was told of.
func openLedger(ctx context.Context, n *Node, id journal.UnitID) (_ *ledger, err error) {
	l := &ledger{n: n, id: id, dir: n.at.unit(string(id)), contents: contents{
		mirrors: map[journal.Origin]*mirror{}, wanted: map[journal.Hash]bool{}, ids: map[journal.PartyID]journal.Identity{},
		texts: map[string][]byte{}, named: named{}, gone: map[journal.Hash]bool{},
		unreadable: map[journal.Ref]bool{}, accused: map[journal.Origin][]journal.Ref{}, proclaimed: map[journal.Origin]bool{}}}
	ok, err := n.at.readJSON(l.unitPath(), &l.file)
	if err != nil || !ok {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if err := n.at.syncFolders(l.dir); err != nil {
		return nil, err
	}
	if journal.UnitOf(l.file.Founding) != id {
		return nil, &Error{Code: CodeDamaged, Status: 500, What: "The founding document is not this unit's.", Why: "unit.json was changed.", Next: "Restore it from a backup."}
	}
	if l.payloads, err = store.OpenPayloads(filepath.Join(l.dir, "payloads"), store.Options{FS: n.opts.FS, Sealer: n.vault}); err != nil {
		return nil, err
	}
	l.fold = unit.NewFold(l.file.Founding)
	if err := l.openOwn(); err != nil {
		return nil, err
	}
	names, err := n.at.folders(filepath.Join(l.dir, "journals"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		o := journal.Origin("entente/" + name)
		if o.Check() != nil || o == l.origin() {
			continue
		}
		if err := l.openMirror(o); err != nil {
			return nil, fmt.Errorf("journal %s: %w", o.Short(), err)
		}
	}
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	_, vouched := n.vouched(l.origin())
	l.hold.witness = n.ownWitness() != nil && !vouched && !l.begun && (l.own != nil || l.unmarked)
	if l.owed, err = l.unannounced(); err != nil {
		return nil, err
	}
	l.owed = append(l.owed, l.unproclaimed()...)
	return l, nil
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	if l.ownStore != nil {
		errs = append(errs, l.ownStore.Close())
	}
	for _, m := range l.mirrors {
		errs = append(errs, m.store.Close())
	}
	l.ownStore, l.mirrors = nil, nil
	return errors.Join(errs...)
}

// load folds what the journals hold. Entries of one journal go in order; across
// journals the fold takes any interleaving.
func (l *ledger) load(ctx context.Context) error {
	for _, j := range l.journals() {
		if err := l.foldJournal(ctx, j); err != nil {
			return err
		}
	}
	if err := l.learnAll(); err != nil {
		return err
	}
	return l.tidyPayloads(ctx)
}

// foldJournal folds one journal as it is on the disk. The lock must be held, or the ledger
// not yet shared.
func (l *ledger) foldJournal(ctx context.Context, j heldJournal) error {
	for raw, err := range j.store.Read(0, j.size()) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := journal.ParseEntry(slices.Clone(raw))
		if err != nil {
			return err
		}
		if err := l.take(e, j.own); err != nil {
			return err
		}
	}
	return nil
}

// tidyPayloads removes payloads that must not be here: those that this party has
// destroyed, which a restored backup brings back, and those that no entry names,
// because the node stopped between payload and entry.
func (l *ledger) tidyPayloads(ctx context.Context) error {
	var remove []journal.Hash
	for c, err := range l.payloads.List() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if _, named := l.named[c]; !named || l.gone[c] {
			remove = append(remove, c)
		}
	}
	return l.payloads.Destroy(remove...)
}

// noteReceipt remembers what the own journal has receipted.
func (l *ledger) noteReceipt(e *journal.Entry) {
	r, err := e.Receipt()
	if err != nil {
		return
	}
	if m := l.mirrors[r.Origin]; m != nil {
		m.receipted = max(m.receipted, r.Size)
		m.missing = len(r.Missing)
	}
}

// noteDestroyed remembers own destructions, so that a payload that comes back
// with a backup or a partner is not wanted again.
func (l *ledger) noteDestroyed(e *journal.Entry) error {
	if e.Author != l.n.keys().party {
		return nil
	}
	b, err := journal.DecodeBody[journal.DestroyedBody](e, e.Kind)
	if err != nil {
		return nil // void; the fold shows it
	}
	for _, c := range b.Commitments {
		l.gone[c] = true
		delete(l.wanted, c)
		if !l.has(c) {
			continue
		}
		// A backup from before it brought it back, and a partner still knew.
		if err := l.payloads.Destroy(c); err != nil {
			return err
		}
	}
	return nil
}

// noteEvidence believes a proof that a member journaled, if it holds under the
// keys known here: then this node, too, takes nothing more of that journal than
// what the proof is about, and what others say they saw of it parts nobody.
func (l *ledger) noteEvidence(e *journal.Entry) {
	c, err := journal.DecodeBody[journal.EvidenceBody](e, e.Kind)
	if err != nil {
		return
	}
	m := l.mirrors[c.Origin]
	if m == nil && c.Origin == l.origin() && l.own != nil && c.Verify(l.own.Keyring()) == nil {
		l.retire("a member proves that two histories were signed with our key: this folder was copied, or the key was stolen")
		m = l.mirrors[c.Origin]
	}
	if m == nil || c.Verify(m.m.Keyring()) != nil {
		l.await(c.Origin, e.Ref())
		return
	}
	if m.fault == "" {
		m.fault = c.Kind() // what it calls itself is for its author to say
		if _, b, err := journal.CheckpointHead([]byte(c.B)); err == nil {
			m.upTo = b.Size
		}
	}
	l.fold.Disprove(c.Origin, e.Ref())
}

// maxAccused bounds the proofs of one member about a journal that wait for entries of it:
// for the first, or for those that tell the keys under which they hold.
const maxAccused = 4

// await lets a proof wait for more of the journal that it is about.
func (l *ledger) await(about journal.Origin, proof journal.Ref) {
	list, n := l.accused[about], 0
	for _, ref := range list {
		if ref.Origin == proof.Origin {
			n++
		}
	}
	if n < maxAccused && (len(list) > 0 || len(l.accused) < maxJournals) {
		l.accused[about] = append(list, proof)
	}
}

// heldJournal is one journal in this ledger, own or mirrored.
type heldJournal struct {
	unit   journal.UnitID
	origin journal.Origin
	party  journal.PartyID
	own    bool
	store  *store.Journal
	head   journal.Head
	fault  string
}

func (j heldJournal) size() int64 { return j.head.Size }

// journals lists what is held: the own journal first, then by origin. The lock
// must be held, or the ledger not yet shared.
func (l *ledger) journals() []heldJournal {
	var out []heldJournal
	for o, m := range l.mirrors {
		out = append(out, heldJournal{unit: l.id, origin: o, party: m.party, own: m.party == l.n.keys().party, store: m.store, head: m.m.Head(), fault: m.fault})
	}
	own := l.origin()
	slices.SortFunc(out, func(a, b heldJournal) int {
		switch own { // a retired one, too, comes first
		case a.origin:
			return -1
		case b.origin:
			return 1
		}
		return strings.Compare(string(a.origin), string(b.origin))
	})
	if l.own != nil {
		out = append([]heldJournal{{origin: l.origin(), party: l.n.keys().party, own: true, store: l.ownStore, head: l.own.Head()}}, out...)
	}
	return out
}

// take folds one entry and notes what its payload asks for. The lock must be held.
func (l *ledger) take(e *journal.Entry, own bool) error {
	if err := l.fold.Add(e); err != nil {
		return err
	}
	return l.note(e, own)
}

func (l *ledger) note(e *journal.Entry, own bool) error {
	switch e.Kind {
	case journal.KindGenesis:
		if e.Author == l.n.keys().party && e.Epoch > l.file.Epoch {
			l.retire("this party has opened a successor of this journal elsewhere: this folder is older than that")
		}
		if own {
			l.toldAt.tell(e)
		}
	case journal.KindReceipt:
		if own {
			l.noteReceipt(e)
		}
	case journal.KindDestroyed:
		return l.noteDestroyed(e)
	case unit.KindAdmit, journal.KindIdentity:
		if own && e.Kind == journal.KindIdentity {
			l.toldAt.tell(e)
		}
		l.untold = append(l.untold, e.Ref())
	case journal.KindEvidence:
		if c, err := journal.DecodeBody[journal.EvidenceBody](e, e.Kind); own && err == nil {
			l.proclaimed[c.Origin] = true
		}
		l.noteEvidence(e)
	}
	if e.Payload == nil {
		return nil
	}
	np := namedPayload{ref: e.Ref(), p: *e.Payload, kind: e.Kind, from: e.Author}
	l.named[np.p.Commitment] = append(l.named[np.p.Commitment], np)
	size, held, err := l.payloads.Size(np.p.Commitment)
	if !held || err != nil {
		if !l.gone[np.p.Commitment] {
			l.wanted[np.p.Commitment] = true
		}
		return nil
	}
	l.bothHere(np, size)
	return nil
}

// bothHere is called for each entry that names a payload of so many bytes, once
// both are here. One that names another size is false.
func (l *ledger) bothHere(np namedPayload, size int64) {
	if np.p.Size != size {
		l.unreadable[np.ref] = true
		return
	}
	l.payloadHere(np)
}

// payloadHere is called once the payload of a folded entry is on this disk.
func (l *ledger) payloadHere(np namedPayload) {
	switch {
	case np.p.Type == journal.PayloadAccord:
		text, err := l.openPayload(np.p)
		if err != nil {
			l.n.opts.Log.Warn("an accord text cannot be read", "ref", np.ref.String(), "err", err)
			return
		}
		sum := accord.HashOf(text)
		l.texts[hex.EncodeToString(sum[:])] = text
		if err := l.fold.AddAccord(text); err != nil {
			l.n.opts.Log.Warn("an accord text is not valid", "ref", np.ref.String(), "err", err)
		}
	case np.from != l.n.keys().party && bringsObjects(np):
		l.pending = append(l.pending, &arrival{namedPayload: np, since: l.n.now()})
	}
}

// bringsObjects tells whether a payload is for intake: that of a share, or the bundle
// of an answer. Under any other kind nobody says what objects would be for.
func bringsObjects(np namedPayload) bool {
	switch np.kind {
	case unit.KindShare:
		return true
	case "request." + desk.Answer, "request." + desk.PartAnswer:
		return np.p.Type == journal.PayloadAnswer
	}
	return false
}

// has tells whether a payload is on this disk. A disk that cannot say counts as
// not having it: then it is asked for again.
func (l *ledger) has(c journal.Hash) bool {
	ok, err := l.payloads.Has(c)
	return ok && err == nil
}

// openPayload reads a held payload back as it was before compression.
func (l *ledger) openPayload(p journal.PayloadRef) ([]byte, error) {
	salt, data, err := l.payloads.Get(p.Commitment)
	if err != nil {
		return nil, err
	}
	most := int64(journal.MaxPlain)
	switch p.Type {
	case journal.PayloadAccord:
		most = accord.MaxText
	case journal.PayloadText:
		most = maxTextPayload
	}
	return journal.OpenPayload(p, salt, data, most)
}

// seal makes a payload durable and returns what an entry says of it. A payload
// without an entry is harmless: nothing names it, and the next start drops it.
func (l *ledger) seal(kind string, plain []byte) (*journal.PayloadRef, error) {
	var salt [32]byte
	if err := l.n.random(salt[:]); err != nil {
		return nil, err
	}
	data, ref, err := journal.SealPayload(salt, plain)
	if err != nil {
		return nil, err
	}
	if err := l.n.roomFor(int64(len(data))); err != nil {
		return nil, err
	}
	ref.Type = kind
	return &ref, l.payloads.Put(store.Payload{Commitment: ref.Commitment, Salt: salt, Data: data})
}

// write appends drafts to the own journal: durable, marked, folded, then told.
// What could be more than one append may hold goes into several. The lock must be held.
func (l *ledger) write(drafts ...journal.Draft) ([]*journal.Entry, error) {
	const most = journal.MaxBatchBytes / journal.MaxEntry // entries that fit, however large
	var out []*journal.Entry
	for part := range slices.Chunk(drafts, most) {
		entries, err := l.append(part)
		if err != nil {
			return out, err
		}
		out = append(out, entries...)
	}
	l.n.ring(l.id)
	return out, l.closeLeft()
}

// append writes one batch.
func (l *ledger) append(drafts []journal.Draft) ([]*journal.Entry, error) {
	if err := l.maySign(); err != nil {
		return nil, err
	}
	if err := l.payOwed(); err != nil {
		return nil, err
	}
	seen := l.fold.Seen(l.n.keys().party)
	for i := range drafts {
		drafts[i].Seen = seen
	}
	if l.ailing != nil {
		return nil, fmt.Errorf("the journals of unit %s are opened again as soon as the disk works: %w", l.id.Short(), l.ailing)
	}
	entries, head, err := l.own.Append(l.n.now(), drafts...)
	if err != nil {
		return nil, l.ail(err)
	}
	if err := l.mark(head); err != nil {
		l.ailing = fmt.Errorf("the high-water mark could not be written, so nothing more is signed: %w", err)
		return nil, l.ailing
	}
	for _, e := range entries {
		if err := l.take(e, true); err != nil { // it is signed and on the disk all the same
			l.ailing = err
			return nil, err
		}
	}
	return entries, l.learnAll()
}

// writeControl writes one entry of the negotiation, if it would have an effect:
// an entry that changes nothing stays in a journal for ever.
func (l *ledger) writeControl(d journal.Draft) ([]*journal.Entry, error) {
	if d.At.IsZero() {
		d.At = l.n.now()
	}
	if code, reason := l.fold.Check(l.n.keys().party, d); code != "" {
		return nil, conflict(code, "This would have no effect, and nothing was written.", reason+".", "See where things stand with 'entente unit show' and 'entente accord show'.")
	}
	return l.write(d)
}

// decide asks the gate about something about to be written.
func (l *ledger) decide(d journal.Draft) accord.Decision {
	if d.At.IsZero() {
		d.At = l.n.now()
	}
	return l.fold.Decide(l.n.keys().party, d)
}

// others are the members (or, before an accord, candidates) beside this party.
func (l *ledger) others() []journal.PartyID {
	return slices.DeleteFunc(l.fold.Members(), func(p journal.PartyID) bool { return p == l.n.keys().party })
}

// partyName is the name in the newest identity known.
func (l *ledger) partyName(p journal.PartyID) string {
	if id, ok := l.identity(p); ok {
		return id.Name
	}
	return p.Short()
}

// identity returns the newest identity known of a party. The lock must be held.
func (l *ledger) identity(p journal.PartyID) (journal.Identity, bool) {
	if p == l.n.keys().party {
		return l.n.keys().id, true
	}
	c, ok := l.file.Partners[p]
	if !ok || len(c.Chain) == 0 {
		return journal.Identity{}, false
	}
	if id, ok := l.ids[p]; ok {
		return id, true
	}
	_, id, err := journal.VerifyIdentityChain(c.Chain, time.Time{})
	if err != nil {
		return id, false
	}
	l.ids[p] = id
	return id, true
}

func sortedLedgers(m map[journal.UnitID]*ledger) []*ledger {
	out := make([]*ledger, 0, len(m))
	for _, l := range m {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *ledger) int { return strings.Compare(string(a.id), string(b.id)) })
	return out
}
