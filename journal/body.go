package journal

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// Kinds whose bodies this package defines. They are protocol messages and carry no content.
const (
	KindGenesis    = "genesis"    // [GenesisBody]: index 0 of every journal, and only there
	KindReceipt    = "receipt"    // [ReceiptBody]: "of yours I durably hold everything up to this head"
	KindIdentity   = "identity"   // [IdentityBody]: the author's next identity version
	KindRotate     = "rotate"     // [RotateBody]: the next journal key
	KindCompromise = "compromise" // [CompromiseBody]: a journal key fell into wrong hands
	KindWitness    = "witness"    // [WitnessBody]: a checkpoint of any journal with cosignatures
	KindEvidence   = "evidence"   // [EvidenceBody]: two heads that contradict each other
	KindDestroyed  = "destroyed"  // [DestroyedBody]: payloads that the author's node no longer holds
)

// GenesisBody opens a journal.
type GenesisBody struct {
	Identities  []Signed `json:"identities"`  // the author's identity chain, see [CompactIdentityChain]
	Certificate Signed   `json:"certificate"` // for the journal's first key
	Founding    string   `json:"founding"`    // text of the unit's founding document
}

// ReceiptBody says that the author durably holds a journal up to a head, except
// for the payloads listed as missing.
type ReceiptBody struct {
	Origin  Origin `json:"origin"`
	Size    int64  `json:"size"`
	Root    Hash   `json:"root"`
	Missing []Hash `json:"missing,omitempty"` // commitments, at most [MaxMissing]
}

// Head returns the head that was receipted.
func (r ReceiptBody) Head() Head { return Head{r.Size, r.Root} }

// IdentityBody carries the author's next identity version.
type IdentityBody struct {
	Signed Signed `json:"signed"`
}

// RotateBody replaces the journal's key from the next entry on.
type RotateBody struct {
	Key         PublicKey `json:"key"`
	Certificate Signed    `json:"certificate"` // names the key it replaces
}

// CompromiseBody carries a compromise notice; the members beside the statement
// repeat what it says and have to agree with it.
type CompromiseBody struct {
	Key       Hash   `json:"key"`
	Origin    Origin `json:"origin"`
	Good      Head   `json:"good"`
	Statement Signed `json:"statement"`
}

// WitnessBody carries a signed checkpoint of any journal with the cosignatures
// of witnesses. It becomes evidence of time and existence once journaled.
type WitnessBody struct {
	Checkpoint string `json:"checkpoint"`
}

// EvidenceBody carries a [Contradiction].
type EvidenceBody = Contradiction

// DestroyedBody says which payloads the author's node has destroyed.
type DestroyedBody struct {
	Commitments []Hash `json:"commitments"` // at most [MaxMissing]
	Reason      string `json:"reason"`      // at most [MaxName] characters
}

// DecodeBody reads the body of an entry of the given kind into one of the Body types and
// checks its bounds. Errors are a [*Refusal] with code bad-entry.
func DecodeBody[T any](e *Entry, kind string) (T, error) {
	var b T
	if e.Kind != kind {
		return b, refuse(CodeBadEntry, e.Origin(), e.Index, "an entry of kind %s is not a %s", e.Kind, kind)
	}
	if e.Body == nil {
		return b, refuse(CodeBadEntry, e.Origin(), e.Index, "a %s entry needs a body", kind)
	}
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return b, refuse(CodeBadEntry, e.Origin(), e.Index, "body: %v", err)
	}
	if c, ok := any(b).(interface{ check() error }); ok {
		if err := c.check(); err != nil {
			return b, asRefusal(fmt.Errorf("body: %w", err), CodeBadEntry, e.Origin(), e.Index)
		}
	}
	return b, nil
}

// Receipt reads a receipt entry.
func (e *Entry) Receipt() (ReceiptBody, error) { return DecodeBody[ReceiptBody](e, KindReceipt) }

// Genesis reads a genesis entry. It verifies no signature.
func (e *Entry) Genesis() (GenesisBody, error) { return DecodeBody[GenesisBody](e, KindGenesis) }

func (b GenesisBody) check() error {
	if len(b.Identities) == 0 || len(b.Identities) > MaxChain {
		return fmt.Errorf("a genesis needs 1 to %d identity versions", MaxChain)
	}
	if len(b.Founding) > MaxFounding {
		return fmt.Errorf("the founding document is larger than %d bytes", MaxFounding)
	}
	return nil
}

func (b ReceiptBody) check() error {
	if err := b.Origin.Check(); err != nil {
		return err
	}
	if b.Size < 1 || b.Size > maxIndex {
		return fmt.Errorf("a receipt needs a size of at least 1")
	}
	if len(b.Missing) > MaxMissing {
		return fmt.Errorf("more than %d missing payloads", MaxMissing)
	}
	return nil
}

func (b CompromiseBody) check() error { return b.Origin.Check() }

func (b WitnessBody) check() error {
	_, err := parseCheckpointText([]byte(b.Checkpoint))
	return err
}

func (b DestroyedBody) check() error {
	if len(b.Commitments) == 0 || len(b.Commitments) > MaxMissing {
		return fmt.Errorf("a destruction lists 1 to %d payloads", MaxMissing)
	}
	if !utf8.ValidString(b.Reason) {
		return fmt.Errorf("the reason is not UTF-8")
	}
	return checkName("the reason", b.Reason, true)
}
