package stix

import (
	"bytes"
	"cmp"
)

// CompareVersions orders two versions of one object: by modified, and then by
// created (STIX 2.1 §3.6). It gives -1 if a is older than b, +1 if it is newer and 0
// if both state the same version, to any number of fractional digits. An object
// without modified, such as a marking definition, counts by created alone; an
// observable has neither, so all of its copies are of one version. Compare only
// objects with the same ID; others are ordered by ID, so that sorting works.
func CompareVersions(a, b *Object) int {
	if a.ID != b.ID {
		return cmp.Compare(a.ID, b.ID)
	}
	if c := a.version().Compare(b.version()); c != 0 {
		return c
	}
	return a.Created.Compare(b.Created)
}

func (o *Object) version() Timestamp {
	if o.Modified.IsZero() {
		return o.Created
	}
	return o.Modified
}

// SameVersion reports whether a and b are the same version of the same object.
func SameVersion(a, b *Object) bool { return a.ID == b.ID && CompareVersions(a, b) == 0 }

// Conflict reports whether a and b claim to be the same version of the same
// object and yet differ in a byte. Neither may then replace the other.
func Conflict(a, b *Object) bool { return SameVersion(a, b) && !bytes.Equal(a.Raw, b.Raw) }
