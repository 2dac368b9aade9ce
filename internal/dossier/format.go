package dossier

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// Magic is the first line of every dossier.
const Magic = "entente/dossier/v1\n"

// Extension is what the names of dossier files end in.
const Extension = ".entente"

// Kinds of records. Entries and checkpoints have the kinds of package journal.
const (
	recordEntry      = journal.RecordEntry
	recordCheckpoint = journal.RecordCheckpoint

	recordManifest byte = 16
	recordText     byte = 17 // an accord text, laid out like a payload, before all journals
	recordJournal  byte = 18
	recordPayload  byte = 19
	recordProof    byte = 20
	recordEnd      byte = 21
	recordPage     byte = 22 // a page for people, before the end; not signed by anybody
)

// Bounds. They are part of the format.
const (
	// MaxJournals is the most journals of one dossier.
	MaxJournals = 1024
	// MaxEntries is the most entries of all journals together.
	MaxEntries = 10_000_000
	// MaxTexts is the most accord texts.
	MaxTexts = 16384
	// MaxProofs is the most kept proofs of misbehaviour beside the journals.
	MaxProofs = 1024
	// MaxAbout is the most entries that a dossier says it is about.
	MaxAbout = 64
	// MaxIdentities is the most versions of an identity that one proof brings: with two statements
	// of the largest size they fit into its record.
	MaxIdentities = 32
	// MaxNote is the longest note in characters.
	MaxNote = 4096
	// DefaultMaxBytes is the most bytes that Verify reads unless told otherwise.
	DefaultMaxBytes int64 = 64 << 30

	maxManifest = 4 << 20
	maxHeader   = 1024
	maxProof    = 4 << 20
)

// A payload record begins with the entry that names the payload, its commitment and its salt.
const (
	originBytes   = len("entente/") + 64
	refBytes      = originBytes + 8
	payloadHeader = refBytes + 32 + 32
	endBytes      = 6*8 + 32
)

// limit returns the largest content of a record by its kind; 0 for kinds that dossiers do not have.
func limit(kind byte) int {
	switch kind {
	case recordManifest:
		return maxManifest
	case recordText, recordPayload:
		return payloadHeader + journal.MaxPayload
	case recordJournal:
		return maxHeader
	case recordEntry:
		return journal.MaxEntry
	case recordCheckpoint:
		return journal.MaxCheckpoint
	case recordProof:
		return maxProof
	case recordPage:
		return maxPage
	case recordEnd:
		return endBytes
	}
	return 0
}

// Party names a party for people. Its name has to be one that its identity bears.
type Party struct {
	Party journal.PartyID `json:"party"`
	Name  string          `json:"name"`
}

// Manifest says what a dossier holds. Founding, Cut, Texts and Parties are checked against the
// journals. Created, Purpose, Note and About are claims of whoever made the file: nobody signed them.
type Manifest struct {
	V        int            `json:"v"`        // 1; NewWriter sets it
	Unit     journal.UnitID `json:"unit"`     // NewWriter sets it from Founding
	Founding string         `json:"founding"` // text of the founding document
	Created  time.Time      `json:"created"`  // years 2000 to 2200, whole seconds, UTC
	Purpose  string         `json:"purpose"`  // a line, at most journal.MaxName characters, may be empty
	Note     string         `json:"note"`     // at most MaxNote characters, may be empty
	About    []journal.Ref  `json:"about"`    // entries of the journals, at most MaxAbout
	Parties  []Party        `json:"parties"`  // the authors of the journals, by id
	// Cut is how far each journal goes; the journals follow in the order of their origins.
	Cut map[journal.Origin]journal.Head `json:"cut"`
	// Texts are the entries whose accord texts follow at once, in the order of compareRefs.
	Texts []journal.Ref `json:"texts"`
}

// JournalHeader opens one journal of a dossier.
type JournalHeader struct {
	Origin journal.Origin  `json:"origin"`
	Party  journal.PartyID `json:"party"`
	Epoch  int             `json:"epoch"`
	Size   int64           `json:"size"` // entries, as in the cut
}

// Origins returns the journals of the cut in the order in which they stand in the dossier.
func (m *Manifest) Origins() []journal.Origin { return slices.Sorted(maps.Keys(m.Cut)) }

// check bounds a manifest and checks what can be checked without the journals.
func (m *Manifest) check() error {
	if m.V != 1 {
		return fmt.Errorf("version %d of the format is not known here; a newer program is needed", m.V)
	}
	if _, err := journal.ParseFounding(m.Founding); err != nil {
		return fmt.Errorf("founding document: %w", err)
	}
	if u := journal.UnitOf(m.Founding); u != m.Unit {
		return fmt.Errorf("the founding document founds unit %s, not %s", u.Short(), m.Unit.Short())
	}
	if y := m.Created.UTC().Year(); y < 2000 || y > 2200 || m.Created.Nanosecond() != 0 {
		return errors.New("created has to be a whole second of the years 2000 to 2200")
	}
	if n := utf8.RuneCountInString(m.Purpose); n > journal.MaxName || strings.ContainsFunc(m.Purpose, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return fmt.Errorf("the purpose is one line of at most %d characters", journal.MaxName)
	}
	if utf8.RuneCountInString(m.Note) > MaxNote || !utf8.ValidString(m.Note) || !utf8.ValidString(m.Purpose) {
		return fmt.Errorf("the note is UTF-8 of at most %d characters", MaxNote)
	}
	if err := m.checkCut(); err != nil {
		return err
	}
	return m.checkRefs()
}

func (m *Manifest) checkCut() error {
	if len(m.Cut) == 0 || len(m.Cut) > MaxJournals {
		return fmt.Errorf("the cut names %d journals, 1 to %d are allowed", len(m.Cut), MaxJournals)
	}
	var all int64
	for o, h := range m.Cut {
		if err := o.Check(); err != nil {
			return err
		}
		if h.Size < 1 || h.Size > MaxEntries {
			return fmt.Errorf("the cut names %d entries of journal %s, 1 to %d are allowed", h.Size, o.Short(), MaxEntries)
		}
		all += h.Size
	}
	if all > MaxEntries {
		return fmt.Errorf("the journals have %d entries, at most %d are allowed", all, MaxEntries)
	}
	if len(m.Parties) == 0 || len(m.Parties) > len(m.Cut) {
		return fmt.Errorf("%d parties are named for %d journals", len(m.Parties), len(m.Cut))
	}
	for i, p := range m.Parties {
		if err := p.Party.Check(); err != nil {
			return err
		}
		if i > 0 && p.Party <= m.Parties[i-1].Party {
			return errors.New("the parties do not stand in the order of their ids, each once")
		}
	}
	return nil
}

func (m *Manifest) checkRefs() error {
	if len(m.About) > MaxAbout || len(m.Texts) > MaxTexts {
		return fmt.Errorf("more than %d entries in \"about\" or %d in \"texts\"", MaxAbout, MaxTexts)
	}
	for i, ref := range slices.Concat(m.About, m.Texts) {
		if h, ok := m.Cut[ref.Origin]; !ok || ref.Index < 0 || ref.Index >= h.Size {
			return fmt.Errorf("entry %s is named but lies outside the cut", ref)
		}
		if i > len(m.About) && compareRefs(m.Texts[i-len(m.About)-1], ref) >= 0 {
			return errors.New("the texts do not stand in the order of their entries, each once")
		}
	}
	return nil
}

// compareRefs orders entries as they stand in a dossier: by origin, then by index.
func compareRefs(a, b journal.Ref) int {
	if a.Origin != b.Origin {
		return strings.Compare(string(a.Origin), string(b.Origin))
	}
	switch {
	case a.Index < b.Index:
		return -1
	case a.Index > b.Index:
		return 1
	}
	return 0
}

// marshal writes the one form that a dossier has of a value: members in the order of the struct, no
// white space, map members sorted by name.
func marshal(v any) ([]byte, error) {
	return json.Marshal(v, json.Deterministic(true), jsontext.EscapeForHTML(false))
}

// unmarshal reads a value and insists on the form that marshal writes, so that no byte of it can
// mean nothing.
func unmarshal(b []byte, into any) error {
	if err := json.Unmarshal(b, into, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	again, err := marshal(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return errors.New("it is not in canonical form")
	}
	return nil
}

// payload is the content of a payload or text record.
type payload struct {
	ref        journal.Ref
	commitment journal.Hash
	salt       [32]byte
	data       []byte // compressed
}

func appendRef(b []byte, r journal.Ref) []byte {
	b = append(b, r.Origin...)
	return binary.BigEndian.AppendUint64(b, uint64(r.Index))
}

func parseRef(b []byte) (journal.Ref, bool) {
	if len(b) < refBytes {
		return journal.Ref{}, false
	}
	r := journal.Ref{Origin: journal.Origin(b[:originBytes]), Index: int64(binary.BigEndian.Uint64(b[originBytes:refBytes]))}
	return r, r.Index >= 0 && r.Origin.Check() == nil
}

func parsePayload(b []byte) (payload, error) {
	if len(b) <= payloadHeader {
		return payload{}, errors.New("it is too short to hold a payload")
	}
	ref, ok := parseRef(b)
	if !ok {
		return payload{}, errors.New("it does not begin with the entry that it belongs to")
	}
	p := payload{ref: ref, data: b[payloadHeader:]}
	copy(p.commitment[:], b[refBytes:])
	copy(p.salt[:], b[refBytes+32:])
	return p, nil
}

// Counts are how many records of each kind a dossier holds, and of how many bytes before its end
// record it consists.
type Counts struct {
	Journals    int64 `json:"journals"`
	Entries     int64 `json:"entries"`
	Checkpoints int64 `json:"checkpoints"`
	Payloads    int64 `json:"payloads"` // accord texts included
	Proofs      int64 `json:"proofs"`
	Bytes       int64 `json:"bytes"`
}

// end returns the content of the end record.
func (c Counts) end(sum [32]byte) []byte {
	b := make([]byte, 0, endBytes)
	for _, n := range []int64{c.Journals, c.Entries, c.Checkpoints, c.Payloads, c.Proofs, c.Bytes} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, sum[:]...)
}
