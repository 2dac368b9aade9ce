package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"entente/journal"
)

// unproclaimed are the kept proofs of two heads that no evidence entry of this party
// is about: a crash came between the file and the entry, or nothing could be signed
// then. One that does not hold under the keys known here (its file was changed, or
// its journal is not held) accuses nobody. The lock must be held, or the ledger not
// yet shared; the journals must be folded.
func (l *ledger) unproclaimed() []journal.Draft {
	if l.own == nil {
		return nil
	}
	dir := filepath.Join(l.dir, "evidence")
	names, err := l.n.at.fs.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.n.opts.Log.Warn("the proofs kept cannot be listed; whether all are in the own journal is looked at again with the next start", "unit", l.id.Short(), "err", err)
	}
	var drafts []journal.Draft
	due := map[journal.Origin]bool{}
	for _, name := range names { // oldest first: the first proof is the one that was meant
		if !ofTwoHeads(name) {
			continue
		}
		text, err := l.n.at.read(filepath.Join(dir, name))
		if err != nil {
			l.n.opts.Log.Warn("a kept proof cannot be read; whether it is in the own journal is looked at again with the next start", "unit", l.id.Short(), "file", name, "err", err)
			continue
		}
		c, ok := l.contradiction(text)
		if !ok || due[c.Origin] || l.proclaimed[c.Origin] {
			continue
		}
		due[c.Origin] = true
		drafts = append(drafts, journal.Draft{Kind: journal.KindEvidence, By: l.n.machine(), Body: c})
	}
	return drafts
}

// ofTwoHeads tells from its name whether a kept proof is of two heads: others fit into
// no entry and travel in dossiers only.
func ofTwoHeads(name string) bool {
	code := strings.TrimSuffix(name, ".json")
	return code != name && contradicts(code[strings.LastIndexByte(code, '-')+1:])
}

// contradiction reads a kept proof of two heads back, if it holds against the author
// of a journal that is held here and is not the own one.
func (l *ledger) contradiction(text []byte) (journal.Contradiction, bool) {
	var e struct {
		Proof journal.Contradiction `json:"proof"`
	}
	if json.Unmarshal(text, &e) != nil {
		return journal.Contradiction{}, false
	}
	m := l.mirrors[e.Proof.Origin]
	if m == nil || e.Proof.Origin == l.origin() || e.Proof.Verify(m.m.Keyring()) != nil {
		return journal.Contradiction{}, false
	}
	return e.Proof, true
}
