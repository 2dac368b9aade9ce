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
	LookHost      Look = 1 << iota // a name or an address, perhaps with a port
	LookURL                        // a URL with or without scheme, or the path of one whose host stands elsewhere in the line
	LookMail                       // e-mail addresses among other text
	LookHash                       // a hash, perhaps with colons
	LookText                       // the value as a whole: a user agent, a subject, a mutex, a fingerprint, an account
	LookFile                       // a path or a file name, or the path of a program
	LookWords                      // whatever words stand in it: "MD5=...,SHA256=...", "CN=host,O=..."
	LookRegistry                   // a registry key
	LookNumber                     // a serial number, a MAC address, the number of an autonomous system
	LookForm                       // whatever its form says it is: a name, an address, a URL, a path, a hash, a registry key, without a space
	LookTokens                     // whatever stands in it, as in a line of text
	LookAuthority                  // the host of a URL of which the path stands elsewhere in the line: with what only URLs have in it the line is handed over
	LookAny       = LookHost | LookURL | LookMail | LookHash | LookText | LookFile | LookWords | LookRegistry | LookNumber
)

// Key is a name of a member of an object and how its values are looked at: strings, and strings in lists. The name is the last part of a
// path: "orig_h" for {"id":{"orig_h":...}}, "id.orig_h" where the name itself has a dot.
type Key struct {
	Name string
	Look Look
	// After are texts of ASCII in lower case: if there are some, values are looked at that stand right behind one of them, whatever its case, as
	// in {"name":"host","value":...}, and where that is not plain to see. The name must have fewer than eight bytes.
	After []string
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
	after [][]string // of slots
	paths bool       // some key has URLs, so the hosts of a line are kept
	// tails tells, by their last three bytes, names that are worth more of a look: those in slots and few others.
	tails [1 << tailBits]uint8
}

const tailBits = 12

// tail is the place in tails of the last three bytes before a quotation mark, in the lower part of x.
func tail(x uint32) uint32 { return x << 8 * 0x9e3779b1 >> (32 - tailBits) }

type keySlot struct {
	end   uint64 // the last eight bytes of the name, the last one highest; the bytes of a shorter one are the lowest
	look  Look
	after uint16 // 1 + the place in after, 0 for none
	size  uint8  // of a name with after
}

// NewKeys makes a table. It fails with [ErrKeys] for more than [MaxKeys] names and for a name that is empty, holds
// a quotation mark or ends in a backslash; and for one of eight bytes and more that is looked at after some texts only.
func NewKeys(keys ...Key) (*Keys, error) {
	ends := map[uint64]Look{}
	after, sizes := map[uint64]uint16{}, map[uint64]uint8{}
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
		if _, twice := ends[end]; len(key.After) == 0 || twice { // looked at whatever stands before
			after[end] = 0
		} else if len(n) >= 8 {
			return nil, fmt.Errorf("%w: %q is too long to be looked at after some texts only", ErrKeys, n)
		} else {
			k.after = append(k.after, key.After)
			after[end], sizes[end] = uint16(len(k.after)), uint8(len(n))
		}
		ends[end] |= key.Look
		k.keepTail(n)
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
			*s = keySlot{end, look, after[end], sizes[end]}
		}
		return k, nil
	}
}

// keepTail notes the last three bytes of a name. Those of a shorter one begin with its quotation mark and what stands before that.
func (k *Keys) keepTail(name string) {
	name = `"` + name
	if len(name) > 2 {
		name = name[len(name)-3:]
		k.tails[tail(uint32(name[0])|uint32(name[1])<<8|uint32(name[2])<<16)] = 1
		return
	}
	for _, before := range "{, \t\r\n" {
		k.tails[tail(uint32(before)|uint32(name[0])<<8|uint32(name[1])<<16)] = 1
	}
}

// has tells whether the name that ends before the quotation mark at i is in the table.
func (k *Keys) has(b []byte, i int) bool {
	w := word(b, i-8)
	w >>= (64 - uint(bits.LeadingZeros64(zeros(w^quotes)))) & 63
	slot := &k.slots[w*k.mul>>(k.shift&63)]
	return slot.end == w && slot.look != 0
}
