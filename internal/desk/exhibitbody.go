package desk

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// Moves of an exhibit.
const (
	ExhibitAdd      = "add"      // opens it; the payload is the manifest
	ExhibitChunk    = "chunk"    // one chunk; the payload is its bytes
	ExhibitComplete = "complete" // every chunk was written
	ExhibitAbandon  = "abandon"  // the rest will not come
	ExhibitCustody  = "custody"  // a statement of who holds it; see the Act constants
)

// Bounds of an exhibit.
const (
	MaxExhibitChunks = 1 << 16         // chunks of one exhibit
	MaxExhibitFiles  = 1 << 15         // files of one exhibit
	MinChunk         = 64 << 10        // bytes of a chunk that is not the last
	MaxChunk         = 16<<20 - 64<<10 // what fits into a payload even where zstd makes it larger
)

// ExhibitBody is what an entry of an exhibit says. No name, no text and no hash of content that could
// be tried against a guess lies in it: those are in the manifest.
type ExhibitBody struct {
	Exhibit *journal.Ref  `json:"exhibit,omitempty"` // the entry that added it; absent in add
	About   *journal.Ref  `json:"about,omitempty"`   // add: the request or case that it belongs to
	Files   int64         `json:"files,omitempty"`   // add
	Size    int64         `json:"size,omitempty"`    // add: of all files, in bytes
	Chunk   int64         `json:"chunk,omitempty"`   // add: size of every chunk but the last
	Chunks  int64         `json:"chunks,omitempty"`  // add: how many there are
	Number  int64         `json:"number,omitempty"`  // chunk: which one, from 0
	TLP     string        `json:"tlp,omitempty"`     // marking of the payload
	Act     string        `json:"act,omitempty"`     // custody
	Seal    *journal.Hash `json:"seal,omitempty"`    // custody: the commitment of the manifest that was verified
	Code    string        `json:"code,omitempty"`    // custody: why it was rejected, what was done; a short token
	Agency  string        `json:"agency,omitempty"`  // custody, handed: to which agency of the same party
	Role    string        `json:"role,omitempty"`    // custody, handed: to which role of it
}

// ExhibitMove is one move of an exhibit; see ParseExhibitBody.
type ExhibitMove = Act[ExhibitBody]

// ParseExhibitBody reads the body of a move and checks every bound and what the move needs. Members
// it does not know are ignored. The error says what is wrong.
func ParseExhibitBody(move string, raw jsontext.Value) (ExhibitBody, error) {
	var b ExhibitBody
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return ExhibitBody{}, fmt.Errorf("desk: body of exhibit %s: %w", clip(move), err)
	}
	return b, b.check(move)
}

func (b *ExhibitBody) check(move string) error {
	if (b.Exhibit == nil) != (move == ExhibitAdd) {
		return errors.New("desk: every move but add names its exhibit, and add names none")
	}
	for _, s := range []string{b.TLP, b.Act, b.Code} {
		if s != "" && !token(s) {
			return fmt.Errorf("desk: %q is not a short token (1 to %d of a-z 0-9 . _ + -)", clip(s), MaxToken)
		}
	}
	for _, s := range []string{b.Agency, b.Role} {
		if utf8.RuneCountInString(s) > MaxToken {
			return fmt.Errorf("desk: the name of an agency or role is longer than %d characters", MaxToken)
		}
	}
	switch {
	case move == ExhibitAdd:
		return b.checkAdd()
	case b.Number < 0 || b.Number >= MaxExhibitChunks:
		return fmt.Errorf("desk: chunk %d, there are at most %d", b.Number, MaxExhibitChunks)
	case move == ExhibitCustody && (b.Act == "" || b.Seal == nil):
		return errors.New("desk: custody needs an act and the seal")
	case b.Act == ActHanded && b.Agency == "":
		return errors.New("desk: handed needs the agency it goes to")
	case b.Act == ActRejected && b.Code == "":
		return errors.New("desk: rejected needs a code")
	}
	return nil
}

func (b *ExhibitBody) checkAdd() error {
	switch {
	case b.Files < 1 || b.Files > MaxExhibitFiles:
		return fmt.Errorf("desk: an exhibit has 1 to %d files, not %d", MaxExhibitFiles, b.Files)
	case b.Chunk < MinChunk || b.Chunk > MaxChunk:
		return fmt.Errorf("desk: a chunk has %d to %d bytes, not %d", MinChunk, MaxChunk, b.Chunk)
	case b.Chunks < 0 || b.Chunks > MaxExhibitChunks:
		return fmt.Errorf("desk: an exhibit has at most %d chunks, not %d", MaxExhibitChunks, b.Chunks)
	case b.Size < 0 || b.Size > b.Chunks*b.Chunk || b.Size <= (b.Chunks-1)*b.Chunk:
		return fmt.Errorf("desk: %d bytes do not make %d chunks of %d", b.Size, b.Chunks, b.Chunk)
	}
	return nil
}
