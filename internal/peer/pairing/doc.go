// Package pairing introduces two parties to each other so that nobody can stand in
// between. It is pure: bytes, time and randomness are arguments, and the state of
// either end is a plain struct that can be kept as JSON between two steps.
//
// The inviter hands over one line of text (or its QR picture) by any means. The
// joiner commits to its identity and a nonce, the inviter reveals its own, the
// joiner reveals. Both then compute the same two groups of six digits from both
// identities, both nonces and the TLS session. Each officer reads the group on the
// own screen aloud, over a line on which they know each other's voice, and types in
// the group heard. Whoever stands in between had to fix everything before knowing
// either group, so has one chance in a million at each end, and one wrong try ends
// the pairing at both.
package pairing
