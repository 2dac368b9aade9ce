package dossier

import (
	"errors"
	"fmt"
	"strings"

	"entente/journal"
)

// Parts of a dossier, as [Damage] names them.
const (
	PartMagic      = "first line"
	PartManifest   = "manifest"
	PartHeader     = "journal header"
	PartEntry      = "entry"
	PartCheckpoint = "checkpoint"
	PartText       = "accord text"
	PartPayload    = "payload"
	PartProof      = "proof"
	PartPage       = "page"
	PartEnd        = "end"
	PartTrailing   = "bytes after the end"
)

// ErrTooLarge is wrapped by the error of a file that is larger than Options.MaxBytes.
var ErrTooLarge = errors.New("dossier: the file is larger than allowed")

// Damage says where and why a dossier does not hold.
type Damage struct {
	Part   string         `json:"part"`             // one of the Part constants
	Origin journal.Origin `json:"origin,omitempty"` // the journal concerned, if it is one
	Ref    *journal.Ref   `json:"ref,omitempty"`    // the entry concerned, if it is one; for a checkpoint the last one it covers
	Offset int64          `json:"offset"`           // of the record, in bytes from the start of the file
	Code   string         `json:"code,omitempty"`   // of package journal, if a signature, key, root or entry does not hold
	Detail string         `json:"detail"`           // what does not hold, for people
}

// Error says what happened, why, and what to do next.
func (d *Damage) Error() string {
	var b strings.Builder
	b.WriteString("the dossier does not hold: " + d.Part)
	switch {
	case d.Ref != nil && d.Part == PartEntry:
		fmt.Fprintf(&b, " %s", d.Ref)
	case d.Ref != nil:
		fmt.Fprintf(&b, " of entry %s", d.Ref)
	case d.Origin != "":
		fmt.Fprintf(&b, " of journal %s", d.Origin)
	}
	fmt.Fprintf(&b, " (byte %d): %s. Do not rely on the file; ask its maker for another copy.", d.Offset, clean(d.Detail))
	return b.String()
}

// TrustError says that parties somebody trusts have no part in a dossier that otherwise holds.
type TrustError struct {
	Missing []journal.PartyID
	Named   []Party // whom the dossier names instead
}

// Error names both.
func (e *TrustError) Error() string {
	names := make([]string, len(e.Named))
	for i, p := range e.Named {
		names[i] = clean(p.Name) + " " + string(p.Party)
	}
	missing := make([]string, len(e.Missing))
	for i, p := range e.Missing {
		missing[i] = string(p)
	}
	return fmt.Sprintf("the dossier has no journal of the trusted party %s; it names %s. Compare the ids with what the parties themselves publish.",
		strings.Join(missing, ", "), strings.Join(names, "; "))
}
