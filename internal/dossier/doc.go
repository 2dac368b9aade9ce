// Package dossier writes and verifies dossiers: one file that lets a third person check, offline and
// with nothing but the parties' ids, what the members of a unit agreed, asked, answered and did.
//
// A dossier holds whole journals from their first entry, with every kept checkpoint, the accord
// texts and (unless they are left out) the payloads that entries commit to, and kept proofs of
// misbehaviour. [Pack] writes one from stored journals, [Writer] writes one piece by piece, [Verify]
// checks every byte of one and folds it into a [Report].
//
// What is wrong with the file is a [*Damage] and the dossier does not hold. What is wrong with what
// the parties did is a [Finding], and the dossier that shows it does hold.
//
// docs/protocol/dossier.md specifies the format for a second implementation.
package dossier
