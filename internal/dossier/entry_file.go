package dossier

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/lang"
	"entente/journal"
)

// EntryMagic is the first line of a file that shows one entry, and who receipted it.
const EntryMagic = "entente/entry/v1\n"

// EntryFile is one entry of a journal with all that a third person needs to see that it lies there, and that others said to
// hold it. It has the entry's text and no payload. Exported is a claim of whoever made the file.
type EntryFile struct {
	V        int                `json:"v"` // 1
	Unit     journal.UnitID     `json:"unit"`
	Founding string             `json:"founding"` // text of the founding document
	Exported time.Time          `json:"exported"` // whole seconds, UTC
	Entry    journal.Ref        `json:"entry"`
	Journals []StatementJournal `json:"journals"` // by origin: the first entry, every rotation, and the entry or the receipt
	Receipts []EntryReceipt     `json:"receipts"` // in the order of the receipts' origins
}

// EntryReceipt is a receipt that covers the entry: where it stands, and the RFC 6962 audit path that leads from the entry to
// the root that was receipted.
type EntryReceipt struct {
	Ref  journal.Ref    `json:"ref"`
	Path []journal.Hash `json:"path"`
}

// EntryReport is what such a file shows if it holds. Texts and names in it are foreign: escape them before showing them.
type EntryReport struct {
	Format   string          `json:"format"` // "entente/entry/v1"
	SHA256   journal.Hash    `json:"sha256"` // of the file
	Unit     journal.UnitID  `json:"unit"`
	Name     string          `json:"name"` // of the unit
	Exported time.Time       `json:"exported"`
	Entry    journal.Ref     `json:"entry"`
	Kind     string          `json:"kind"`
	At       time.Time       `json:"at"` // as the author says
	By       journal.By      `json:"by"`
	Leaf     journal.Hash    `json:"leaf"`
	Raw      string          `json:"raw"`
	Author   EntryParty      `json:"author"`
	Receipts []EntryReceived `json:"receipts"`
	Trusted  bool            `json:"trusted"` // every party that the reader knows is named in it
}

// EntryParty is a party whose journal the file shows something of.
type EntryParty struct {
	Party   journal.PartyID `json:"party"`
	Name    string          `json:"name"` // in the identity with which the journal begins
	Head    journal.Head    `json:"head"` // signed by its keys
	Keys    []journal.Hash  `json:"keys"` // that signed it
	Trusted bool            `json:"trusted,omitzero"`
}

// EntryReceived is a receipt that holds.
type EntryReceived struct {
	EntryParty
	Ref      journal.Ref  `json:"ref"`
	At       time.Time    `json:"at"`
	Received journal.Head `json:"received"` // of the author's journal
}

// WriteEntry writes such a file. It verifies nothing; run [VerifyEntry] on the result before giving it away.
func WriteEntry(w io.Writer, f EntryFile) error {
	f.V = 1
	return writeSmall(w, EntryMagic, f)
}

// IsEntry says whether what begins with these bytes is an entry's file.
func IsEntry(begin []byte) bool { return bytes.HasPrefix(begin, []byte(EntryMagic)) }

// VerifyEntry checks every byte of an entry's file: that the entry lies in its author's journal and each receipt in that of who
// gave it, both under signatures of that party's keys, and that the head receipted covers the entry. It cannot know
// what the file leaves out. A file that does not hold gives a [*Damage], one that lacks a trusted party its report and a [*TrustError].
func VerifyEntry(r io.Reader, o Options) (*EntryReport, error) {
	all, err := readSmall(r, o)
	if err != nil {
		return nil, err
	}
	rep, err := verifyEntry(all)
	if err != nil {
		return nil, err
	}
	parties := []*EntryParty{&rep.Author}
	for i := range rep.Receipts {
		parties = append(parties, &rep.Receipts[i].EntryParty)
	}
	missing := slices.Clone(o.Trust)
	for _, p := range parties {
		p.Trusted = slices.Contains(o.Trust, p.Party)
		missing = slices.DeleteFunc(missing, func(id journal.PartyID) bool { return id == p.Party })
	}
	if rep.Trusted = len(o.Trust) > 0 && len(missing) == 0; len(missing) > 0 {
		e := &TrustError{Missing: missing}
		for _, p := range parties {
			e.Named = append(e.Named, Party{p.Party, p.Name})
		}
		return rep, e
	}
	return rep, nil
}

func verifyEntry(all []byte) (*EntryReport, error) {
	rest, ok := bytes.CutPrefix(all, []byte(EntryMagic))
	if !ok {
		return nil, damaged(PartMagic, "", nil, "%s", fixed("damage.no-entry-file"))
	}
	doc, ok := bytes.CutSuffix(rest, []byte("\n"))
	if !ok {
		return nil, damaged(PartTrailing, "", nil, "%s", fixed("damage.breaks-off"))
	}
	var f EntryFile
	if err := unmarshal(doc, &f); err != nil {
		return nil, damaged(PartEntry, "", nil, "%v", err)
	}
	if err := f.check(); err != nil {
		return nil, damaged(PartEntry, "", nil, "%v", err)
	}
	founding, err := journal.ParseFounding(f.Founding)
	if err != nil {
		return nil, damaged(PartEntry, "", nil, "founding document: %v", err)
	}
	v := &statementVerifier{f: StatementFile{Unit: f.Unit, Founding: f.Founding}, proved: map[journal.Ref]*provedEntry{}}
	for i := range f.Journals {
		if err := v.journal(&f.Journals[i]); err != nil {
			return nil, err
		}
	}
	shown := v.proved[f.Entry]
	if shown == nil {
		return nil, damaged(PartEntry, "", &f.Entry, "%s", fixed("damage.not-shown"))
	}
	e := shown.e
	rep := &EntryReport{Format: strings.TrimSuffix(EntryMagic, "\n"), SHA256: journal.Hash(sha256.Sum256(all)), Unit: f.Unit, Name: founding.Name, Exported: f.Exported, Entry: f.Entry,
		Kind: e.Kind, At: e.At.UTC(), By: e.By, Leaf: e.LeafHash, Raw: string(e.Raw), Author: shown.party(), Receipts: []EntryReceived{}}
	used := map[journal.Ref]bool{f.Entry: true}
	of := map[journal.Origin]bool{f.Entry.Origin: true}
	for _, r := range f.Receipts {
		got, err := v.receipt(e, r)
		if err != nil {
			return nil, damaged(PartEntry, r.Ref.Origin, &r.Ref, "%v", err)
		}
		used[r.Ref], of[r.Ref.Origin] = true, true
		rep.Receipts = append(rep.Receipts, *got)
	}
	for _, p := range v.order {
		if ref := p.e.Ref(); !of[ref.Origin] || !used[ref] && ref.Index != 0 && p.e.Kind != journal.KindRotate {
			return nil, damaged(PartEntry, ref.Origin, &ref, "an entry of kind %s has no use here", p.e.Kind)
		}
	}
	return rep, nil
}

// check bounds the file and checks what can be checked without the journals.
func (f *EntryFile) check() error {
	if f.V != 1 {
		return fmt.Errorf("version %d of the format is not known here; a newer program is needed", f.V)
	}
	if err := checkShown(f.Unit, f.Founding, f.Exported, f.Journals); err != nil {
		return err
	}
	for i, r := range f.Receipts {
		switch {
		case i > 0 && r.Ref.Origin <= f.Receipts[i-1].Ref.Origin:
			return errors.New("the receipts do not stand in the order of their origins, each once")
		case r.Ref.Origin == f.Entry.Origin:
			return errors.New("nobody receipts its own journal")
		case len(r.Path) > journal.MaxProof:
			return fmt.Errorf("a path has at most %d hashes", journal.MaxProof)
		}
	}
	return nil
}

// receipt checks that a receipt is one, of another party, for a head of the entry's journal that covers the entry.
func (v *statementVerifier) receipt(e *journal.Entry, r EntryReceipt) (*EntryReceived, error) {
	p := v.proved[r.Ref]
	if p == nil || p.e.Kind != journal.KindReceipt {
		return nil, errors.New("the receipt itself is not shown")
	}
	body, err := p.e.Receipt()
	switch {
	case err != nil:
		return nil, err
	case body.Origin != e.Origin() || p.e.Author == e.Author:
		return nil, errors.New("it receipts another journal, or its own")
	case body.Size <= e.Index:
		return nil, fmt.Errorf("it receipts the first %d entries, and this is number %d", body.Size, e.Index)
	}
	if err := tlog.CheckRecord(r.Path, body.Size, body.Root, e.Index, e.LeafHash); err != nil {
		return nil, fmt.Errorf("the path does not lead to the root that was receipted: %w", err)
	}
	return &EntryReceived{EntryParty: p.party(), Ref: r.Ref, At: p.e.At.UTC(), Received: journal.Head{Size: body.Size, Root: body.Root}}, nil
}

func (p *provedEntry) party() EntryParty {
	out := EntryParty{Party: p.e.Author, Name: p.name, Head: p.head}
	for _, k := range p.keys.At(p.head.Size) {
		out.Keys = append(out.Keys, k.ID())
	}
	return out
}

// Text is the report for people, in the language of a catalog. Foreign text in it is escaped.
func (r *EntryReport) Text(c *lang.Catalog) string {
	var b strings.Builder
	p := &page{w: bufio.NewWriter(&b), c: c}
	p.say("", "verify.entry-holds")
	p.blank()
	p.say("", "verify.unit-is", "name", r.Name, "unit", r.Unit)
	p.say("", "verify.entry", "entry", r.Entry)
	p.fact1("verify.kind", p.kind(r.Kind))
	p.say("", "verify.written", "at", r.At, "by", claimed(r.By.Agency, r.By.Role))
	p.say("", "verify.leaf", "hash", r.Leaf)
	p.blank()
	p.say("", "verify.author")
	p.headed(&r.Author)
	p.blank()
	if len(r.Receipts) == 0 {
		p.say("", "verify.no-receipt-shown")
	}
	for i := range r.Receipts {
		x := &r.Receipts[i]
		p.say("", "verify.receipted-by")
		p.headed(&x.EntryParty)
		p.say("    ", "verify.receipted-at", "at", x.At, "entries", count("ui.n-entries", x.Received.Size), "entry", x.Ref)
	}
	p.blank()
	p.say("", "verify.value", "text", r.Raw)
	_ = p.w.Flush() // a Builder does not fail
	return b.String()
}

// kind is a kind of entries in words, with its code.
func (p *page) kind(kind string) string {
	if words := p.c.Entry(kind); words != kind {
		return p.t("verify.step-more", "what", words, "more", kind)
	}
	return kind
}

// headed names a party with the head under which the file shows its entry.
func (p *page) headed(x *EntryParty) {
	p.known("  ", x.Name, string(x.Party), x.Trusted)
	p.say("    ", "verify.signed-head", "entries", count("ui.n-entries", x.Head.Size))
}
