package node

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"

	"entente/journal"
	"entente/taxii"
)

// TAXIIRoot is the path of the API root that sensors pull from.
const TAXIIRoot = "/taxii2/entente/"

// TAXII is the handler of discovery and API root: what was accepted, for sensors.
func (n *Node) TAXII() (http.Handler, error) {
	// The key binds page tokens to this node; it comes from the node key, so
	// tokens survive a restart and need no file of their own.
	key, err := hkdf.Key(sha256.New, n.keys().node.Marshal(""), nil, "entente/taxii-next/v1", 32)
	if err != nil {
		return nil, err
	}
	auth, err := n.sensorAuth()
	if err != nil {
		return nil, err
	}
	return taxii.Handler(taxii.Options{
		Title: "Entente node of " + n.keys().id.Name, Description: "Indicators this node has accepted.",
		Roots:        []taxii.Root{{Path: TAXIIRoot, Title: n.keys().id.Name, Store: n.intel.TAXII(n.feedTitle)}},
		Authenticate: auth,
		NextKey:      key, Log: n.opts.Log, Random: n.opts.Rand,
	})
}

func credential(digestHex string, p taxii.Principal) (taxii.Credential, error) {
	raw, err := hex.DecodeString(digestHex)
	if err != nil || len(raw) != sha256.Size {
		return taxii.Credential{}, badInput("A credential in the configuration is not a SHA-256 digest.", "", "Put 64 hex digits there: the SHA-256 of the token.")
	}
	return taxii.Credential{Digest: [32]byte(raw), Principal: p}, nil
}

// Authenticate tells whether a bearer token of the API is good.
func (n *Node) Authenticate(token string) bool {
	want, err := hex.DecodeString(n.config.Credentials.APIToken)
	sum := sha256.Sum256([]byte(token))
	return err == nil && subtle.ConstantTimeCompare(want, sum[:]) == 1
}

// feedTitle names a partner's collection for people.
func (n *Node) feedTitle(id journal.UnitID, p journal.PartyID) string {
	if l := n.ledger(id); l != nil {
		return l.nameOf(p) + " in " + l.name()
	}
	return p.Short()
}
