package stix

import "strings"

// SplitID divides an identifier "type--uuid" (STIX 2.1 §2.9) into its type and
// its UUID. ok is false unless the type is a valid type name and the rest is a
// UUID in the 8-4-4-4-12 form, in lower or upper case hexadecimal.
func SplitID(id string) (typ, uuid string, ok bool) {
	const uuidLen = 36
	n := len(id) - uuidLen - 2
	if n < 1 || n > maxTypeName || id[n] != '-' || id[n+1] != '-' {
		return "", "", false
	}
	typ, uuid = id[:n], id[n+2:]
	if !lenientTypeName(typ) || !isUUID(uuid) {
		return "", "", false
	}
	return typ, uuid, true
}

// IDType gives the type part of an identifier without checking the rest; empty
// if there is none.
func IDType(id string) string {
	typ, _, ok := strings.Cut(id, "--")
	if !ok {
		return ""
	}
	return typ
}

// maxTypeName is the longest type name (STIX 2.1 §3.1).
const maxTypeName = 250

// lenientTypeName accepts what real producers use as a type name: letters,
// digits and hyphens, and the underscore and capitals of STIX 2.0 customs.
func lenientTypeName[S ~string | ~[]byte](s S) bool {
	if len(s) == 0 || len(s) > maxTypeName {
		return false
	}
	good := inTypeName
	for i := 0; i < len(s); i++ {
		good &= charClass[s[i]]
	}
	return good != 0
}

// Classes of bytes.
const (
	inTypeName uint8 = 1 << iota
	inHex
)

var charClass = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		if b-'a' < 26 || b-'A' < 26 || isDigit(b) || b == '-' || b == '_' {
			t[c] |= inTypeName
		}
		if isDigit(b) || b-'a' < 6 || b-'A' < 6 {
			t[c] |= inHex
		}
	}
	return t
}()

// strictTypeName is the rule of STIX 2.1 §3.1 and §7.3.2.2: a-z, 0-9 and hyphen, a
// letter first, no two hyphens together, 3 to 250 characters.
func strictTypeName[S ~string | ~[]byte](s S) bool {
	if len(s) < 3 || len(s) > maxTypeName || s[0]-'a' > 25 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c-'a' > 25 && !isDigit(c) && (c != '-' || s[i-1] == '-') {
			return false
		}
	}
	return true
}

// rfc4122 reports whether a well-formed UUID is of the layout and one of the versions
// of RFC 4122.
func rfc4122[S ~string | ~[]byte](uuid S) bool {
	if v := uuid[14]; v < '1' || v > '5' {
		return false
	}
	switch uuid[19] {
	case '8', '9', 'a', 'b', 'A', 'B':
		return true
	}
	return false
}

func isUUID[S ~string | ~[]byte](s S) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	good := inHex
	for i := 0; i < 8; i++ {
		good &= charClass[s[i]]
	}
	for i := 9; i < 23; i += 5 {
		good &= charClass[s[i]] & charClass[s[i+1]] & charClass[s[i+2]] & charClass[s[i+3]]
	}
	for i := 24; i < 36; i++ {
		good &= charClass[s[i]]
	}
	return good != 0
}

func isHex(c byte) bool { return isDigit(c) || c-'a' < 6 || c-'A' < 6 }

// validID is SplitID without allocating, for text straight from the object.
func validID(b []byte) (typ []byte, ok bool) {
	n := len(b) - 38
	if n < 1 || n > maxTypeName || b[n] != '-' || b[n+1] != '-' || !lenientTypeName(b[:n]) || !isUUID(b[n+2:]) {
		return nil, false
	}
	return b[:n], true
}
