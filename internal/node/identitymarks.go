package node

import (
	"path/filepath"

	"entente/journal"
)

// Two identities of one version exclude each other and are proof against whoever made them.
// A folder that is put back has an older identity than it may have shown, so the identities
// that were made lie beside the high-water marks, too, which are not put back with it.

// identitiesName is the file, in the folder of the marks.
const identitiesName = "identities"

// markOwn brings the marks up to the identities of the folder at a start, before anybody is
// shown them: a rotation may have been cut between the two. What lies there beyond them stays.
func (n *Node) markOwn() error {
	chain := n.keys().chain
	marked, err := markedIdentities(n.at, &n.config)
	if err != nil || len(chain) <= max(1, len(marked)) {
		return err
	}
	return n.markIdentities(chain)
}

// markIdentities keeps the chain beside the marks, durably, before anybody is shown its last.
func (n *Node) markIdentities(chain []journal.Signed) error {
	return n.at.writeJSON(filepath.Join(n.config.HighWater, identitiesName), chain)
}

// markedIdentities are the identities that lie beside the marks. What does not belong to this
// party does not fit its chain and counts for nothing.
func markedIdentities(at layout, c *Config) (chain []journal.Signed, err error) {
	_, err = at.readJSON(filepath.Join(c.HighWater, identitiesName), &chain)
	return chain, err
}

// CodeMarksLost: what this party has shown as its identity is not known any more.
const CodeMarksLost = "marks-lost"

// mayFollow refuses a next identity where another of its version may have been seen: the
// marks are lost, and this folder is in no unit whose members would have told. unseen is an
// officer's word that there is none.
func (n *Node) mayFollow(unseen bool) error {
	if unseen || len(n.units()) > 0 || !n.witnessStopped() {
		return nil
	}
	return conflict(CodeMarksLost, "The identity is not rotated.",
		"The high-water marks of this folder are lost, and with them which identities this party has made. If one was made after the folder was saved, and anybody has seen it, another of the same version would be proof against this party.",
		"Pair with a member of a unit first: whoever knows a newer identity tells it. If nobody can have seen a newer one, rotate with --unseen.")
}
