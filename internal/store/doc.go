// Package store keeps what a node must not lose, behind the ports of those who
// need it.
//
// The truth is plain append-only files: journals (own and mirrored), payloads
// and the private local log. Every byte of them can be checked, and they can
// be copied with cp. What can be computed from them (tree hashes, offsets,
// object indexes) is derived: it is rebuilt when it is lost, and it never says
// anything the files do not say. docs/decisions/0002-storage.md gives the
// reasons.
//
// Three rules hold throughout:
//
//   - Durable, then said: a call that stores something returns after the bytes
//     and everything needed to find them again are synced.
//   - All or nothing: after a crash at any moment a batch is there whole or not
//     at all.
//   - Below the head nothing is forgiven: damage in what was once acknowledged
//     is an error that names the entry; only bytes that were never acknowledged
//     are cut off.
package store
