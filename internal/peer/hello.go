package peer

import (
	"cmp"
	"fmt"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

// Version is the version of the packet format and of the messages spoken here.
const Version = 1

// Hello opens every packet: who speaks to whom about which unit, what the author
// holds of each journal, and which payloads it lacks.
type Hello struct {
	V    int             `json:"v"`
	Unit journal.UnitID  `json:"unit"`
	From journal.PartyID `json:"from"`
	To   journal.PartyID `json:"to"`
	// Have is the verified head of every journal of the unit that the author
	// holds, its own among them. It is a claim, used to choose what to send.
	Have map[journal.Origin]journal.Head `json:"have"`
	// Want lists commitments of payloads the author lacks, at most MaxWant.
	Want []journal.Hash `json:"want,omitempty"`
	// Sent is the author's clock, to the second or finer. It decides nothing.
	Sent time.Time `json:"sent"`
}

// ParseHello reads a hello frame. Unknown members are ignored, so that a later
// version may add some; everything known is checked.
func ParseHello(data []byte) (Hello, error) {
	var h Hello
	if len(data) > MaxHelloBytes {
		return h, refuse(CodeOversize, "a hello of %d bytes, at most %d are allowed", len(data), MaxHelloBytes)
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return h, refuse(CodeBadFrame, "the hello is not valid JSON: %v", err)
	}
	if err := h.check(); err != nil {
		return h, err
	}
	return h, nil
}

func (h *Hello) check() error {
	if h.V != Version {
		return refuse(CodeBadVersion, "version %d is not spoken here, only %d", h.V, Version)
	}
	if err := cmp.Or(h.Unit.Check(), h.From.Check(), h.To.Check()); err != nil {
		return refuse(CodeBadFrame, "the hello's unit, from or to: %v", err)
	}
	if len(h.Have) > MaxJournals {
		return refuse(CodeTooMany, "%d journals, at most %d are allowed", len(h.Have), MaxJournals)
	}
	if len(h.Want) > MaxWant {
		return refuse(CodeTooMany, "%d payloads wanted, at most %d are allowed", len(h.Want), MaxWant)
	}
	for o, head := range h.Have {
		if err := o.Check(); err != nil {
			return refuse(CodeBadFrame, "the hello's have: %v", err)
		}
		if head.Size < 0 || head.Size > maxJournalSize {
			return refuse(CodeBadFrame, "journal %s cannot have %d entries", o, head.Size)
		}
	}
	if y := h.Sent.Year(); y < 2020 || y > 2200 {
		return refuse(CodeBadFrame, "the sent time %s is out of range", h.Sent.Format(time.DateOnly))
	}
	return nil
}

func (h *Hello) marshal() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("writing a hello: %w", err)
	}
	data, err := json.Marshal(h, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("writing a hello: %w", err)
	}
	if len(data) > MaxHelloBytes {
		return nil, refuse(CodeOversize, "a hello of %d bytes, at most %d are allowed", len(data), MaxHelloBytes)
	}
	return data, nil
}

// maxJournalSize is the largest size or index that the journal format allows:
// every number stays exact in a float64 (RFC 8259 section 6).
const maxJournalSize = 1<<53 - 1
