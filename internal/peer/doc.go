// Package peer carries journals between nodes that do not trust each other.
//
// There is one format, the packet: a bounded stream of frames that says what its
// author holds, and brings what the other side lacks. A sync session over HTTPS
// is a series of packets, each answered with a packet, until neither side has
// anything new; a courier file is one packet under age encryption. So resuming,
// catching up and exchanging without any network are the same code, and a
// session may be cut anywhere: what was accepted stays accepted, the rest comes
// with the next packet.
//
// The package stores nothing and decides nothing. What to hand over and what to
// accept is asked of the Backend, which the node implements; who somebody is, of
// the Directory. Everything read from a peer is bounded before it is looked at,
// and what is refused is refused with a code.
//
// The wire is specified in docs/protocol/exchange.md.
package peer
