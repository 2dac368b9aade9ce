// Package guard holds values that an indicator must never name, because acting on
// it would harm: reserved ranges, services that everybody uses, and the assets of
// one's own and of partners. What is held comes from lists: a set of facts that
// ships with the program, and those that an operator adds, in MISP's format of
// warning lists or as plain text.
//
// A value is found by what it is (a name, an address, a block), by what lies above
// it (a subdomain of a name, an address of a block), and by what lies below it (a
// block around a guarded address, a domain above a guarded name). Names are found
// through a map, blocks through a binary search over disjoint ranges, so that a list
// of 100,000s costs no more than a short one.
//
// The package is pure: no I/O, no clock.
package guard
