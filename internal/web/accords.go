package web

import (
	"encoding/json"
	"sync"

	"entente/internal/accord"
	"entente/internal/node"
)

// accords are the accords in force as they were read last, by unit: nearly every page asks for one, and to read and check its text takes more than
// the rest of many pages. They are not changed by who is given them.
type accords struct {
	mu sync.Mutex
	by map[string]keptAccord
}

type keptAccord struct {
	hash string
	doc  *accord.Document
}

// read returns the accord in force of a unit; one of a later version as far as this one can read it.
func (k *accords) read(a *node.AccordShowResponse) *accord.Document {
	k.mu.Lock()
	defer k.mu.Unlock()
	if had := k.by[a.Unit]; had.doc != nil && had.hash == a.Hash {
		return had.doc
	}
	doc, err := accord.Load(a.Text)
	if err != nil {
		doc = new(accord.Document)
		if json.Unmarshal(a.Text, doc) != nil {
			return new(accord.Document)
		}
	}
	if k.by == nil {
		k.by = map[string]keptAccord{}
	}
	k.by[a.Unit] = keptAccord{a.Hash, doc}
	return doc
}
