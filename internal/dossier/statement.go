package dossier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// StatementMagic is the first line of a file that shows one statement, and who signed it.
const StatementMagic = "entente/statement/v1\n"

// Parts of such a file, as [Damage] names them.
const (
	PartStatement = "statement"
	PartSigner    = "signer's journal"
)

// Bounds on such a file. They are part of the format.
const (
	MaxStatementFile     = 64 << 20 // bytes
	MaxStatementJournals = 256      // journals from which it shows entries
	MaxStatementEntries  = 1024     // entries of one of them: its keys, and what the party signed
)

// StatementFile is one statement with all that a third person needs to see that it counts: the entries by which it was proposed
// and signed, each proved to lie in its author's journal, and the keys down to the party's identity. Exported and Embargoed are
// claims of whoever made the file.
type StatementFile struct {
	V         int                `json:"v"` // 1
	Unit      journal.UnitID     `json:"unit"`
	Founding  string             `json:"founding"` // text of the founding document
	Exported  time.Time          `json:"exported"` // whole seconds, UTC
	Embargoed bool               `json:"embargoed,omitzero"`
	Statement journal.Ref        `json:"statement"` // the entry that proposed it
	Salt      []byte             `json:"salt"`      // of its payload
	Payload   []byte             `json:"payload"`   // compressed, as the entry commits to it
	Accord    string             `json:"accord"`    // the canonical text under which it was proposed
	Journals  []StatementJournal `json:"journals"`  // by origin
}

// StatementJournal are entries of one journal, in order: the first entry, every rotation of its key, and what its party wrote
// about the accord and the statement.
type StatementJournal struct {
	Origin  journal.Origin   `json:"origin"`
	Entries []StatementEntry `json:"entries"`
}

// StatementEntry is an entry with its proof.
type StatementEntry struct {
	Raw   string `json:"raw"`   // its exact bytes, which are what the tree hashes
	Proof string `json:"proof"` // a C2SP tlog-proof; for a rotation under the head right after it
}

// StatementReport is what such a file shows if it holds. Texts and names in it are foreign: escape them before showing them.
type StatementReport struct {
	Format    string             `json:"format"` // "entente/statement/v1"
	SHA256    journal.Hash       `json:"sha256"` // of the file
	Unit      journal.UnitID     `json:"unit"`
	Name      string             `json:"name"` // of the unit
	Statement journal.Ref        `json:"statement"`
	Form      string             `json:"form"`
	Version   int                `json:"version"`
	Replaces  *journal.Ref       `json:"replaces,omitempty"`
	Proposer  journal.PartyID    `json:"proposer"`
	Proposed  time.Time          `json:"proposed"`
	Completed time.Time          `json:"completed"` // the latest claim among the signatures
	Embargo   time.Time          `json:"embargo"`   // not to be published before
	Exported  time.Time          `json:"exported"`
	Embargoed bool               `json:"embargoed,omitzero"` // it was exported before the embargo ended
	TextsSHA  string             `json:"texts_sha256"`       // what was signed
	Texts     []StatementReading `json:"texts"`
	Signed    []StatementSigned  `json:"signed"` // by party
	Left      []journal.PartyID  `json:"left"`   // parties to the accord that had left before it was proposed
	Accord    string             `json:"accord"` // hash
	Trusted   bool               `json:"trusted"`
}

// StatementReading is a text of the statement.
type StatementReading struct {
	Lang      string `json:"lang"`
	Authentic bool   `json:"authentic"`
	SHA256    string `json:"sha256"`
	Text      string `json:"text"`
}

// StatementSigned is a signature that counts.
type StatementSigned struct {
	Party   journal.PartyID `json:"party"`
	Name    string          `json:"name"` // in the identity with which the journal begins
	By      journal.By      `json:"by"`
	At      time.Time       `json:"at"` // as the party says
	Ref     journal.Ref     `json:"ref"`
	Head    journal.Head    `json:"head"` // of its journal, signed by its keys, under which the signature is proved
	Keys    []journal.Hash  `json:"keys"` // that signed that head
	Trusted bool            `json:"trusted,omitzero"`
}

// WriteStatement writes such a file. It verifies nothing; run [VerifyStatement] on the result before giving it away.
func WriteStatement(w io.Writer, f StatementFile) error {
	f.V = 1
	return writeSmall(w, StatementMagic, f)
}

// IsStatement says whether what begins with these bytes is a statement's file rather than a dossier.
func IsStatement(begin []byte) bool { return bytes.HasPrefix(begin, []byte(StatementMagic)) }

// VerifyStatement checks every byte of a statement's file: that each signature lies in a journal of the party that is said to
// have signed, under that party's keys, and that the statement counts by the accord that all signers signed. It needs nothing
// else, but it cannot know what the file leaves out: a retraction by all afterwards, a later accord, or a key that was replaced
// since. A file that does not hold gives a [*Damage], one that lacks a trusted party its report and a [*TrustError].
func VerifyStatement(r io.Reader, o Options) (*StatementReport, error) {
	all, err := readSmall(r, o)
	if err != nil {
		return nil, err
	}
	v := &statementVerifier{all: all, proved: map[journal.Ref]*provedEntry{}}
	rep, err := v.run()
	if err != nil {
		return nil, err
	}
	missing := slices.Clone(o.Trust)
	for i := range rep.Signed {
		s := &rep.Signed[i]
		s.Trusted = slices.Contains(o.Trust, s.Party)
		missing = slices.DeleteFunc(missing, func(p journal.PartyID) bool { return p == s.Party })
	}
	if rep.Trusted = len(o.Trust) > 0 && len(missing) == 0; len(missing) > 0 {
		e := &TrustError{Missing: missing}
		for _, s := range rep.Signed {
			e.Named = append(e.Named, Party{s.Party, s.Name})
		}
		return rep, e
	}
	return rep, nil
}

type statementVerifier struct {
	all    []byte
	f      StatementFile
	proved map[journal.Ref]*provedEntry
	order  []*provedEntry
}

// provedEntry is an entry that is proved to lie in its journal.
type provedEntry struct {
	e    *journal.Entry
	head journal.Head
	keys *journal.Keyring
	name string // of its party
}

func damaged(part string, origin journal.Origin, ref *journal.Ref, format string, args ...any) error {
	return &Damage{Part: part, Origin: origin, Ref: ref, Detail: fmt.Sprintf(format, args...)}
}

func (v *statementVerifier) run() (*StatementReport, error) {
	rest, ok := bytes.CutPrefix(v.all, []byte(StatementMagic))
	if !ok {
		return nil, damaged(PartMagic, "", nil, "%s", fixed("damage.no-statement-file"))
	}
	doc, ok := bytes.CutSuffix(rest, []byte("\n"))
	if !ok {
		return nil, damaged(PartTrailing, "", nil, "%s", fixed("damage.breaks-off"))
	}
	if err := unmarshal(doc, &v.f); err != nil {
		return nil, damaged(PartStatement, "", nil, "%v", err)
	}
	if err := v.check(); err != nil {
		return nil, damaged(PartStatement, "", nil, "%v", err)
	}
	founding, err := journal.ParseFounding(v.f.Founding)
	if err != nil {
		return nil, damaged(PartStatement, "", nil, "founding document: %v", err)
	}
	for i := range v.f.Journals {
		if err := v.journal(&v.f.Journals[i]); err != nil {
			return nil, err
		}
	}
	rep, err := v.judge()
	if err != nil {
		return nil, err
	}
	rep.Name = founding.Name
	return rep, nil
}

// check bounds the file and checks what can be checked without the journals.
func (v *statementVerifier) check() error {
	f := &v.f
	switch {
	case f.V != 1:
		return fmt.Errorf("version %d of the format is not known here; a newer program is needed", f.V)
	case len(f.Salt) != 32 || len(f.Payload) == 0 || len(f.Payload) > journal.MaxPayload:
		return errors.New("the payload does not have the size of one, or no salt")
	}
	return checkShown(f.Unit, f.Founding, f.Exported, f.Journals)
}

// checkShown bounds what files that show entries of journals have in common.
func checkShown(unit journal.UnitID, founding string, exported time.Time, journals []StatementJournal) error {
	y := exported.UTC().Year()
	switch {
	case journal.UnitOf(founding) != unit:
		return errors.New("the founding document founds another unit")
	case y < 2000 || y > 2200 || exported.Nanosecond() != 0 || exported.Location() != time.UTC:
		return errors.New("exported has to be a whole second, in UTC, of the years 2000 to 2200")
	case len(journals) == 0 || len(journals) > MaxStatementJournals:
		return fmt.Errorf("it shows entries of %d journals, 1 to %d are allowed", len(journals), MaxStatementJournals)
	}
	for i, j := range journals {
		switch {
		case i > 0 && j.Origin <= journals[i-1].Origin:
			return errors.New("the journals do not stand in the order of their origins, each once")
		case len(j.Entries) == 0 || len(j.Entries) > MaxStatementEntries:
			return fmt.Errorf("it shows %d entries of a journal, 1 to %d are allowed", len(j.Entries), MaxStatementEntries)
		}
	}
	return nil
}

// journal verifies the entries of one journal: its keys first, then that each entry is in it.
func (v *statementVerifier) journal(j *StatementJournal) error {
	fail := func(i int, err error) error {
		d := &Damage{Part: PartSigner, Origin: j.Origin, Code: journal.CodeOf(err), Detail: fmt.Sprintf("entry %d that is shown of it: %v", i, err)}
		return d
	}
	entries := make([]*journal.Entry, len(j.Entries))
	for i, x := range j.Entries {
		e, err := journal.ParseEntry([]byte(x.Raw))
		if err != nil {
			return fail(i, err)
		}
		switch {
		case e.Unit != v.f.Unit || e.Origin() != j.Origin:
			return fail(i, errors.New("it belongs to another journal"))
		case i == 0 && e.Index != 0, i > 0 && e.Index <= entries[i-1].Index:
			return fail(i, errors.New("the entries do not begin with the first one, or do not stand in order"))
		}
		entries[i] = e
	}
	if err := journal.CheckGenesis(entries[0], nil); err != nil {
		return fail(0, err)
	}
	g, err := entries[0].Genesis()
	if err != nil {
		return fail(0, err)
	}
	if g.Founding != v.f.Founding {
		return fail(0, errors.New("it was opened under another founding document"))
	}
	cert, err := journal.ParseCertificate(g.Certificate)
	if err != nil {
		return fail(0, err)
	}
	keys, err := journal.NewKeyring(j.Origin, cert.Key)
	if err != nil {
		return fail(0, err)
	}
	id, err := journal.ParseIdentity(g.Identities[len(g.Identities)-1])
	if err != nil {
		return fail(0, err)
	}
	for i, e := range entries {
		if e.Kind != journal.KindRotate {
			continue
		}
		b, err := journal.DecodeBody[journal.RotateBody](e, e.Kind)
		if err != nil {
			return fail(i, err)
		}
		next, err := keys.With(e.Index, b.Key)
		if err != nil {
			return fail(i, err)
		}
		// Only the head right after a rotation is signed by both keys: the old one vouches for the new.
		_, head, err := journal.VerifyProof([]byte(j.Entries[i].Raw), []byte(j.Entries[i].Proof), next)
		if err != nil {
			return fail(i, err)
		}
		if head.Size != e.Index+1 {
			return fail(i, errors.New("a rotation is proved under the head right after it, which both keys sign"))
		}
		keys = next
	}
	for i, x := range j.Entries {
		e, head, err := journal.VerifyProof([]byte(x.Raw), []byte(x.Proof), keys)
		if err != nil {
			return fail(i, err)
		}
		p := &provedEntry{e, head, keys, id.Name}
		v.proved[e.Ref()] = p
		v.order = append(v.order, p)
	}
	return nil
}

// judge asks whether the statement counts.
func (v *statementVerifier) judge() (*StatementReport, error) {
	proposed := v.proved[v.f.Statement]
	if proposed == nil || proposed.e.Kind != "statement."+desk.StatementPropose || proposed.e.Payload == nil {
		return nil, damaged(PartStatement, "", &v.f.Statement, "%s", fixed("damage.no-proposal"))
	}
	bad := func(format string, args ...any) (*StatementReport, error) {
		return nil, damaged(PartStatement, "", &v.f.Statement, format, args...)
	}
	act, err := statementAct(proposed.e)
	if err != nil {
		return bad("%v", err)
	}
	plain, err := journal.OpenPayload(*proposed.e.Payload, [32]byte(v.f.Salt), v.f.Payload, desk.MaxStatementBytes)
	if err != nil {
		return bad("its payload: %v", err)
	}
	texts, err := desk.OpenStatement(plain, act.Body)
	if err != nil {
		return bad("%v", err)
	}
	doc, err := accord.Load([]byte(v.f.Accord))
	if err != nil {
		return bad("the accord: %v", err)
	}
	sum := accord.HashOf([]byte(v.f.Accord))
	hash := hex.EncodeToString(sum[:])
	rep := &StatementReport{Format: StatementMagic[:len(StatementMagic)-1], SHA256: journal.Hash(sha256.Sum256(v.all)), Unit: v.f.Unit, Statement: v.f.Statement, Exported: v.f.Exported,
		Embargoed: v.f.Embargoed, Accord: hash, Left: []journal.PartyID{}, Signed: []StatementSigned{}, Texts: []StatementReading{}}
	for _, p := range doc.Parties() {
		id := journal.PartyID(p)
		if v.left(proposed.e, id) {
			rep.Left = append(rep.Left, id)
			continue
		}
		if !v.signedAccord(id, hash) {
			return bad("that party %s signed the accord is not shown", id)
		}
		act.Members = append(act.Members, id)
	}
	if act.Body.Replaces != nil {
		// What it replaces is shown by name only; that there was such a statement is for its proposer to answer for.
		act.Known = map[journal.Ref]desk.Known{*act.Body.Replaces: {Kind: "statement." + desk.StatementPropose}}
	}
	if !slices.Contains(act.Members, act.Party) {
		return bad("its proposer is no member under the accord that is shown")
	}
	if err := gated(doc, rep, act, proposed.e); err != nil {
		return bad("%v", err)
	}
	s, err := desk.NewStatement(act, &doc.Publicity)
	if err != nil {
		return bad("%v", err)
	}
	if err := v.signatures(s, rep, doc); err != nil {
		return nil, err
	}
	if !s.Counts() {
		return bad("it does not count: the signatures of %d of %d members are missing (%v)", len(s.Missing), len(s.Signers), s.Missing)
	}
	rep.Form, rep.Version, rep.Replaces, rep.Proposer, rep.Proposed, rep.Completed, rep.Embargo, rep.TextsSHA = s.Form, s.Version, s.Replaces, s.Proposer, s.Proposed.UTC(), s.Completed.UTC(), s.Embargo, s.SHA256
	if v.f.Exported.Before(s.Embargo) != v.f.Embargoed {
		return bad("it is marked as exported before or after the end of the embargo, and by its own times it was not")
	}
	for i, t := range texts {
		rep.Texts = append(rep.Texts, StatementReading{t.Lang, s.Texts[i].Authentic, s.Texts[i].SHA256, t.Text})
	}
	return rep, nil
}

// signatures applies what is shown about the statement, in the order in which its authors say they wrote it, and nothing else:
// every entry of the file has to have its use there.
func (v *statementVerifier) signatures(s *desk.Statement, rep *StatementReport, doc *accord.Document) error {
	var moves []*provedEntry
	for _, p := range v.order {
		switch {
		case p.e.Ref() == v.f.Statement || p.e.Index == 0 || p.e.Kind == journal.KindRotate || p.e.Kind == unit.KindSign || p.e.Kind == unit.KindWithdraw:
		case p.e.Kind == "statement."+desk.StatementSign:
			moves = append(moves, p)
		default:
			ref := p.e.Ref()
			return damaged(PartSigner, ref.Origin, &ref, "an entry of kind %s has no use here", p.e.Kind)
		}
	}
	slices.SortStableFunc(moves, func(a, b *provedEntry) int { return a.e.At.Compare(b.e.At) })
	for _, p := range moves {
		ref := p.e.Ref()
		a, err := statementAct(p.e)
		if err == nil && *a.Body.Statement != v.f.Statement {
			err = errors.New("it signs another statement")
		}
		if err == nil {
			err = gated(doc, rep, a, p.e)
		}
		if err == nil {
			err = s.Apply(a)
		}
		if err != nil {
			return damaged(PartSigner, ref.Origin, &ref, "%v", err)
		}
		signed := StatementSigned{Party: a.Party, Name: p.name, By: p.e.By, At: p.e.At.UTC(), Ref: ref, Head: p.head}
		for _, k := range p.keys.At(p.head.Size) {
			signed.Keys = append(signed.Keys, k.ID())
		}
		rep.Signed = append(rep.Signed, signed)
	}
	slices.SortFunc(rep.Signed, func(a, b StatementSigned) int { return strings.Compare(string(a.Party), string(b.Party)) })
	return nil
}

// gated asks the gate of the accord whether an office may write such an entry at all. What its author used up that day and what
// was suspended the file does not show.
func gated(doc *accord.Document, rep *StatementReport, a desk.StatementMove, e *journal.Entry) error {
	act := accord.Act{Kind: e.Kind, Author: string(e.Author), By: accord.Claim(e.By), At: e.At, TLP: a.Body.TLP}
	for _, c := range e.Release {
		act.Release = append(act.Release, accord.Claim(c))
	}
	if e.Payload != nil {
		act.Bytes = e.Payload.Size
	}
	s := accord.Situation{Accord: doc, Hash: rep.Accord, Members: doc.Parties()}
	for _, p := range rep.Left {
		s.Withdrawn = append(s.Withdrawn, string(p))
	}
	if d := accord.Decide(s, act); d.Verdict != accord.Allow {
		return fmt.Errorf("the gate of the accord does not allow it by clause %s (%s): %s", d.Clause, d.Code, d.Reason)
	}
	return nil
}

// left says whether a party is shown to have withdrawn in what the proposer had seen.
func (v *statementVerifier) left(proposed *journal.Entry, id journal.PartyID) bool {
	return slices.ContainsFunc(v.order, func(p *provedEntry) bool {
		return p.e.Author == id && p.e.Kind == unit.KindWithdraw && proposed.Seen[p.e.Origin()].Size > p.e.Index
	})
}

func (v *statementVerifier) signedAccord(id journal.PartyID, hash string) bool {
	return slices.ContainsFunc(v.order, func(p *provedEntry) bool {
		if p.e.Author != id || p.e.Kind != unit.KindSign {
			return false
		}
		b, err := journal.DecodeBody[unit.HashBody](p.e, unit.KindSign)
		return err == nil && b.Hash == hash
	})
}

// statementAct is an entry about a statement as package desk sees it.
func statementAct(e *journal.Entry) (desk.StatementMove, error) {
	_, move, _ := strings.Cut(e.Kind, ".")
	b, err := desk.ParseStatement(move, e.Body)
	return desk.StatementMove{Ref: e.Ref(), Name: move, Party: e.Author, By: e.By, At: e.At, Body: b, Payload: e.Payload}, err
}
