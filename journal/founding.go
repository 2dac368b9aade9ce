package journal

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// MaxFounding is the longest founding document in bytes.
const MaxFounding = 4096

// Founding is the document that founds a unit. Its text names the unit.
type Founding struct {
	V       int       `json:"v"`       // 1
	Name    string    `json:"name"`    // of the unit, at most [MaxName] characters
	Founder PartyID   `json:"founder"` // the party that founded it
	Nonce   Hash      `json:"nonce"`   // 32 random bytes
	Created time.Time `json:"created"` // years 2000 to 2200
}

// UnitOf returns the id of the unit that this founding document founds:
// SHA-256("entente/unit/v1\n" text).
func UnitOf(foundingText string) UnitID {
	return UnitID(hexOf(hashOf("entente/unit/v1\n", []byte(foundingText))))
}

// Check bounds a founding document.
func (f Founding) Check() error {
	if f.V != 1 {
		return fmt.Errorf("founding document: version %d is not known here", f.V)
	}
	if err := checkName("the unit's name", f.Name, false); err != nil {
		return err
	}
	if err := f.Founder.Check(); err != nil {
		return err
	}
	return checkTime(f.Created)
}

// Text returns the document's text. V is set to 1 if it is 0.
func (f Founding) Text() (string, error) {
	if f.V == 0 {
		f.V = 1
	}
	f.Created = f.Created.UTC().Truncate(time.Second)
	if err := f.Check(); err != nil {
		return "", fmt.Errorf("journal: %w", err)
	}
	b, err := json.Marshal(f)
	return string(b), err
}

// ParseFounding reads and checks a founding document.
func ParseFounding(text string) (Founding, error) {
	if len(text) > MaxFounding {
		return Founding{}, refuse(CodeOversize, "", -1, "a founding document of %d bytes is larger than %d", len(text), MaxFounding)
	}
	if err := checkDepth([]byte(text), 4); err != nil {
		return Founding{}, refuse(CodeBadEntry, "", -1, "founding document: %v", err)
	}
	var f Founding
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return Founding{}, refuse(CodeBadEntry, "", -1, "founding document: %v", err)
	}
	if err := f.Check(); err != nil {
		return Founding{}, refuse(CodeBadEntry, "", -1, "%v", err)
	}
	return f, nil
}
