package node

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"entente/internal/intel"
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
		Roots:        []taxii.Root{{Path: TAXIIRoot, Title: n.keys().id.Name, Store: n.taxiiStore()}},
		Authenticate: auth,
		NextKey:      key, Log: n.opts.Log, Random: n.opts.Rand,
	})
}

// maxWritable bounds the collections that clients write to, and maxAlias their names, in characters.
const (
	maxWritable = 64
	maxAlias    = 64
)

// checkWritable looks at the collections that the configuration names.
func checkWritable(all []WritableConfig) error {
	bad := func(why string) error {
		return badInput("taxii.collections cannot be used.", why, "Give each an alias of a-z, 0-9 and hyphen of its own, other than all and local, and a title.")
	}
	if len(all) > maxWritable {
		return bad("There are more than 64.")
	}
	seen := map[string]bool{"all": true, "local": true}
	for _, w := range all {
		if w.Alias == "" || len(w.Alias) > maxAlias || strings.Trim(w.Alias, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || seen[w.Alias] {
			return bad("The alias " + strconv.Quote(w.Alias) + " is empty, too long, taken or has other characters.")
		}
		if w.Title == "" || utf8.RuneCountInString(w.Title) > maxTitle {
			return bad("The title of " + w.Alias + " is empty or too long.")
		}
		seen[w.Alias] = true
	}
	return nil
}

// taxiiStore is what the node knows, with the collections that clients write to.
func (n *Node) taxiiStore() taxii.Store {
	var writable []intel.Writable
	for _, w := range n.config.TAXII.Collections {
		writable = append(writable, intel.Writable{Alias: w.Alias, Title: w.Title})
	}
	s := n.intel.TAXIIWith(n.feedTitle, writable)
	return roomyStore{s, s.(taxii.Writer), n}
}

// roomyStore takes nothing in for which there is no room on the disk.
type roomyStore struct {
	taxii.Store
	taxii.Writer
	n *Node
}

// Put implements taxii.Writer.
func (s roomyStore) Put(ctx context.Context, b taxii.Batch) ([]taxii.Result, error) {
	size := int64(0)
	for _, raw := range b.Objects {
		size += int64(len(raw))
	}
	if err := s.n.roomFor(size); err != nil {
		return nil, err
	}
	return s.Writer.Put(ctx, b)
}

func credential(digestHex string, p taxii.Principal) (taxii.Credential, error) {
	raw, err := hex.DecodeString(digestHex)
	if err != nil || len(raw) != sha256.Size {
		return taxii.Credential{}, badInput("A credential in the configuration is not a SHA-256 digest.", "", "Put 64 hex digits there: the SHA-256 of the token.")
	}
	return taxii.Credential{Digest: [32]byte(raw), Principal: p}, nil
}

// Authenticate tells whether a bearer token may look at the pages.
func (n *Node) Authenticate(token string) bool {
	g, ok := n.Grant(token)
	return ok && g.May(ScopeRead)
}

// Reads is [Node.Authenticate] for callers that keep only the SHA-256 of a token.
func (n *Node) Reads(digest [sha256.Size]byte) bool {
	g, ok := n.GrantOf(digest)
	return ok && g.May(ScopeRead)
}

// bearer lets the bearers of tokens with the scope read in, as sensors; with the scope
// intel they may write to collections, too.
func (n *Node) bearer(r *http.Request) (taxii.Principal, error) {
	token, ok := taxii.BearerToken(r)
	if !ok {
		return taxii.Principal{}, fmt.Errorf("%w: no bearer token", taxii.ErrUnauthenticated)
	}
	g, ok := n.Grant(token)
	switch {
	case !ok:
		return taxii.Principal{}, fmt.Errorf("%w: the token is not known, has run out or was revoked", taxii.ErrUnauthenticated)
	case !g.May(ScopeRead):
		return taxii.Principal{}, fmt.Errorf("%w: the token lacks the scope read", taxii.ErrForbidden)
	}
	name := "token " + g.ID
	if g.ID == "init" {
		name = "api"
	}
	return taxii.Principal{Name: name, All: true, WriteAll: g.May(ScopeIntel)}, nil
}

// feedTitle names a partner's collection for people.
func (n *Node) feedTitle(id journal.UnitID, p journal.PartyID) string {
	if l := n.ledger(id); l != nil {
		return l.nameOf(p) + " in " + l.name()
	}
	return p.Short()
}
