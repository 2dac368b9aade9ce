// Package unit turns the journals of a unit into its state: who is a member, which accord is in
// force, what was asked, shared and receipted, and what broke the rules.
//
// [Fold] is a pure function of the entries and accord texts it was given. The order in which they
// came does not matter, nor how often; two nodes with the same entries and texts have the same
// [State], byte for byte. The instant `now` only enters overlays (clocks, notices that have run
// out), never the state itself. docs/protocol/state.md specifies everything here for a second
// implementation.
//
// Every rule is judged from the causal past of the entry it is about: what its author had seen.
// What cannot be settled that way (two moves on one request that do not know of each other) is
// settled by rank of kind and leaf hash, never by arrival.
package unit
