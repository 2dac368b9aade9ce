package node

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"filippo.io/age"

	"entente/internal/store"
	"entente/journal"
)

// KeyView is one key of this party, without its secret half.
type KeyView struct {
	Kind string    `json:"kind"`             // organisation, node, tls, witness, courier, journal, evidence, backup
	ID   string    `json:"id,omitempty"`     // key id or public half, as the identity has it
	Unit string    `json:"unit,omitempty"`   // of a journal key: the unit's name
	File string    `json:"file,omitempty"`   // where the secret half lies; "" where it is not this node's to know
	At   time.Time `json:"since,omitzero"`   // since when it is in use; zero: not known
	More int       `json:"before,omitempty"` // keys before it that are kept to open what was sealed to them
}

// The kinds of keys.
const (
	KeyOrganisation = "organisation"
	KeyNode         = "node"
	KeyTLS          = "tls"
	KeyWitness      = "witness"
	KeyCourier      = "courier"
	KeyJournal      = "journal"
	KeyEvidence     = "evidence"
	KeyBackup       = "backup"
)

// KeysResponse lists the keys of this party.
type KeysResponse struct {
	Keys    []KeyView `json:"keys"`
	Version int       `json:"version"` // of the identity that names them
	Expires time.Time `json:"expires"`
	// OrgKeyFile is the organisation key where it should not be: in the folder; "" if it is not there.
	OrgKeyFile string   `json:"org_key_file,omitempty"`
	Commands   []string `json:"commands,omitempty"` // that take it out
}

// Keys lists the keys of this party, and since when each is in use.
func (n *Node) Keys(ctx context.Context) (*KeysResponse, error) {
	k := n.keys()
	r := &KeysResponse{Version: k.id.Version, Expires: k.id.Expires}
	var err error
	if r.OrgKeyFile, r.Commands, err = n.at.orgKeyHere(); err != nil {
		return nil, err
	}
	var versions []journal.Identity
	for _, s := range k.chain {
		id, err := journal.ParseIdentity(s)
		if err != nil {
			return nil, err
		}
		versions = append(versions, id)
	}
	named := func(kind, file string, of func(journal.Identity) string) {
		v := KeyView{Kind: kind, ID: of(k.id), File: file}
		for i := len(versions) - 1; i >= 0 && of(versions[i]) == v.ID; i-- {
			v.At = versions[i].Created
		}
		r.Keys = append(r.Keys, v)
	}
	hexID := func(key journal.PublicKey) string { id := key.ID(); return hex.EncodeToString(id[:]) }
	named(KeyOrganisation, r.OrgKeyFile, func(id journal.Identity) string { return hexID(id.Org) })
	named(KeyNode, n.at.key(keyNode), func(id journal.Identity) string { return hexID(id.Node) })
	named(KeyTLS, n.at.key(keyTLS), func(id journal.Identity) string {
		if len(id.TLS) == 0 {
			return ""
		}
		return hex.EncodeToString(id.TLS[0][:])
	})
	named(KeyWitness, n.at.key(keyWitness), func(id journal.Identity) string { return id.Witness })
	named(KeyCourier, n.at.key(keyCourier), func(id journal.Identity) string { return id.Courier })
	for _, l := range n.units() {
		l.mu.Lock()
		if l.own != nil {
			r.Keys = append(r.Keys, KeyView{Kind: KeyJournal, ID: hexID(l.own.Keyring().Current()), Unit: l.name(), File: l.keyPath(l.file.Epoch)})
		}
		l.mu.Unlock()
	}
	v, err := n.vault.view()
	if err != nil {
		return nil, err
	}
	r.Keys = append(r.Keys, v, KeyView{Kind: KeyBackup, ID: n.config.Backup.Recipient})
	return r, ctx.Err()
}

// view shows the keys of evidence; none where there is none yet, and where they lie elsewhere and are away.
func (v *vault) view() (KeyView, error) {
	out := KeyView{Kind: KeyEvidence, File: v.path}
	ids, err := v.identities()
	if errors.Is(err, store.ErrSealed) {
		return out, nil
	}
	if err == nil {
		out.ID, out.More = ids[0].(*age.HybridIdentity).Recipient().String(), len(ids)-1
	}
	return out, err
}
