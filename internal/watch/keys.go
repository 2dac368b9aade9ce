package watch

import (
	"errors"
	"fmt"
	"math/bits"
)

// Look is how a value is looked at before it is known what it means. It has to find at least what [Set.Match] finds in
// the fields that the value becomes.
type Look uint16

// The looks. They can be joined by |.
const (
	LookHost     Look = 1 << iota // a name or an address, perhaps with a port
	LookURL                       // a URL with or without scheme, or the path of one whose host stands elsewhere in the line
	LookMail                      // e-mail addresses among other text
	LookHash                      // a hash, perhaps with colons
	LookText                      // the value as a whole: a user agent, a subject, a mutex, a fingerprint, an account
	LookFile                      // a path or a file name, or the path of a program
	LookWords                     // whatever words stand in it: "MD5=...,SHA256=...", "CN=host,O=..."
	LookRegistry                  // a registry key
	LookNumber                    // a serial number, a MAC address, the number of an autonomous system
	LookAny      = LookHost | LookURL | LookMail | LookHash | LookText | LookFile | LookWords | LookRegistry | LookNumber
)

// Key is a name of a member of an object and how its values are looked at: strings, and strings in lists. The name is the last part of a
// path: "orig_h" for {"id":{"orig_h":...}}, "id.orig_h" where the name itself has a dot.
type Key struct {
	Name string
	Look Look
}

// MaxKeys is the number of keys in a table.
const MaxKeys = 1000

// ErrKeys means that a table of keys cannot be made.
var ErrKeys = errors.New("not a table of keys")

// Keys is a table of keys, the same for all scanners of a format. Names are told apart by their last eight bytes: of two that end alike
// both are looked at in the ways of both.
type Keys struct {
	slots []keySlot
	mul   uint64
	shift uint
	paths bool // some key has URLs, so the hosts of a line are kept
}

type keySlot struct {
	end  uint64 // the last eight bytes of the name, the last one highest
	look Look
}

// NewKeys makes a table. It fails with [ErrKeys] for more than [MaxKeys] names and for a name that is empty, holds
// a quotation mark or ends in a backslash.
func NewKeys(keys ...Key) (*Keys, error) {
	ends := map[uint64]Look{}
	k := &Keys{}
	for _, key := range keys {
		n := key.Name
		if n == "" || n[len(n)-1] == '\\' || key.Look == 0 {
			return nil, fmt.Errorf("%w: %q with looks %d", ErrKeys, n, key.Look)
		}
		var end uint64
		for i := max(0, len(n)-8); i < len(n); i++ {
			if n[i] == '"' {
				return nil, fmt.Errorf("%w: %q", ErrKeys, n)
			}
			end = end>>8 | uint64(n[i])<<56
		}
		end >>= 8 * uint(max(0, 8-len(n)))
		ends[end] |= key.Look
		k.paths = k.paths || key.Look&LookURL != 0
	}
	if len(ends) > MaxKeys {
		return nil, fmt.Errorf("%w: %d names", ErrKeys, len(ends))
	}
	// A multiplier that sends each name to a slot of its own. About one in two does at this size.
	size := uint(max(6, bits.Len(uint(len(ends)*len(ends)/2))))
	k.shift = 64 - size
search:
	for k.mul = 0x9e3779b97f4a7c15; ; k.mul = k.mul*0xd1342543de82ef95 + 2 {
		k.slots = make([]keySlot, 1<<size)
		for end, look := range ends {
			s := &k.slots[end*k.mul>>k.shift]
			if s.look != 0 {
				continue search
			}
			*s = keySlot{end, look}
		}
		return k, nil
	}
}
