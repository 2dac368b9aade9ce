// Package journal implements the append-only, signed Merkle log that one party
// writes for one unit, and everything that can be checked about it without
// trusting anybody: entries, tree heads, receipts, keys, proofs and evidence.
//
// The package is pure. It opens no file, reads no clock and draws no random
// number: bytes, times and seeds are arguments, and [Storage] is the one port
// through which entries become durable. The same bytes give the same result on
// every machine.
//
// # Parts
//
//   - [Entry] and [ParseEntry]: one record, at most [MaxEntry] bytes of JSON.
//   - [PublicKey] and [PrivateKey]: the pair Ed25519 and ML-DSA-44. Both halves
//     of every signature are always required.
//   - [Signed], [Identity], [Certificate], [Founding], [Compromise]: statements.
//   - [Writer] appends to the own journal, [Mirror] keeps a verified copy of
//     somebody else's. Both cut a C2SP tlog-checkpoint per batch.
//   - [Keyring]: which key signs which sizes of one journal.
//   - [Contradiction] and [Violation]: what is kept when a writer lies.
//   - [Prove], [VerifyProof], [Tile], [EntryBundle]: C2SP tlog-proof and tlog-tiles.
//   - [Verify] and [VerifyRecords]: every byte of a whole stored journal.
//   - [SealPayload] and [OpenPayload]: content outside the tree behind a salted
//     commitment.
//
// The formats are described in docs/protocol/journal.md.
package journal
