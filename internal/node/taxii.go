package node

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
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
	auth, err := n.taxiiAuth()
	if err != nil {
		return nil, err
	}
	h, err := taxii.Handler(taxii.Options{
		Title: "Entente node of " + n.keys().id.Name, Description: "Indicators this node has accepted.",
		Roots:        []taxii.Root{{Path: TAXIIRoot, Title: n.keys().id.Name, Store: n.taxiiStore()}},
		Authenticate: auth,
		Statuses:     statusFiles{n.at},
		NextKey:      key, Now: n.now, Log: n.opts.Log, Random: n.opts.Rand,
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), writerKey{}, &taxiiWriter{from: r.RemoteAddr})))
	}), nil
}

// taxiiWriter is who writes over TAXII, for the audit log: known once the token was looked at.
type taxiiWriter struct {
	who  Grant
	from string
}

type writerKey struct{}

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
		if !isAlias(w.Alias) || seen[w.Alias] {
			return bad("The alias " + strconv.Quote(w.Alias) + " is empty, too long, taken or has other characters.")
		}
		if w.Title == "" || utf8.RuneCountInString(w.Title) > maxTitle {
			return bad("The title of " + w.Alias + " is empty or too long.")
		}
		seen[w.Alias] = true
	}
	return nil
}

func isAlias(s string) bool {
	return s != "" && len(s) <= maxAlias && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// taxiiStore is what the node knows, with the collections that clients write to.
func (n *Node) taxiiStore() taxii.Store {
	var writable []intel.Writable
	for _, w := range n.config.TAXII.Collections {
		writable = append(writable, intel.Writable{Alias: w.Alias, Title: w.Title})
	}
	ceiling := intel.SensorCeiling
	if level, err := sensorTLP(n.config.TAXII.TLP); err == nil { // the configuration was looked at when it was read
		ceiling.TLP = level
	}
	s := n.intel.TAXIIWith(n.feedTitle, writable, ceiling)
	return roomyStore{s, s.(taxii.Writer), n}
}

// roomyStore takes nothing in for which there is no room on the disk, and records who writes.
type roomyStore struct {
	taxii.Store
	taxii.Writer
	n *Node
}

// Put implements taxii.Writer.
func (s roomyStore) Put(ctx context.Context, b taxii.Batch) (out []taxii.Result, err error) {
	defer func() { s.record(ctx, "taxii.add", b.Collection, len(b.Objects), err) }()
	size := int64(0)
	for _, raw := range b.Objects {
		size += int64(len(raw))
	}
	if err := s.n.roomFor(size); err != nil {
		return nil, err
	}
	return s.Writer.Put(ctx, b)
}

// Remove implements taxii.Writer.
func (s roomyStore) Remove(ctx context.Context, r taxii.Removal) (gone int, err error) {
	defer func() { s.record(ctx, "taxii.delete", r.Collection, gone, err) }()
	return s.Writer.Remove(ctx, r)
}

// record notes that somebody wrote to a collection. Sensors write all day: of each token, collection and outcome there are
// some lines, and the rest is summed up.
func (s roomyStore) record(ctx context.Context, action, collection string, objects int, err error) {
	x, ok := ctx.Value(writerKey{}).(*taxiiWriter)
	if !ok {
		return
	}
	i := slices.IndexFunc(s.n.config.TAXII.Collections, func(w WritableConfig) bool { return s.n.collectionID(w.Alias) == collection })
	if i >= 0 {
		collection = s.n.config.TAXII.Collections[i].Alias
	}
	s.n.recordPaced(x.who.ID+" "+action+" "+collection+" "+OutcomeOf(err), s.n.tallies.taxii, x.who, Deed{Action: action, Ref: collection, From: x.from, Err: err, Objects: objects})
}

func credential(digestHex string, p taxii.Principal) (taxii.Credential, error) {
	raw, err := hex.DecodeString(digestHex)
	if err != nil || len(raw) != sha256.Size {
		return taxii.Credential{}, badInput("A credential in the configuration is not a SHA-256 digest.", "", "Put 64 hex digits there: the SHA-256 of the token.")
	}
	return taxii.Credential{Digest: [32]byte(raw), Principal: p}, nil
}

// sensorAuth lets in who reads feeds: sensors by the TAXII user and password of the configuration, others by a token
// that reads every collection over TAXII, which is more than any feed has, or everything.
func (n *Node) sensorAuth() (taxii.Authenticate, error) {
	sensor, err := n.sensor()
	if err != nil {
		return nil, err
	}
	return taxii.AnyOf(taxii.Basic(sensor), taxii.Bearer(sensor), n.byToken(func(g Grant) (taxii.Principal, bool) {
		return n.taxiiRights(g), g.May(ScopeRead) || g.May(ScopeTAXIIRead)
	})), nil
}

// taxiiAuth lets in who speaks TAXII: sensors as [Node.sensorAuth] does, others by tokens, of which some say what they
// may read and write.
func (n *Node) taxiiAuth() (taxii.Authenticate, error) {
	sensor, err := n.sensor()
	if err != nil {
		return nil, err
	}
	return taxii.AnyOf(taxii.Basic(sensor), taxii.Bearer(sensor), n.byToken(func(g Grant) (taxii.Principal, bool) {
		p := n.taxiiRights(g)
		return p, p.All || p.WriteAll || len(p.Collections) > 0 || len(p.Writes) > 0
	})), nil
}

// sensor is the TAXII user of the configuration: it reads what sensors may be given, and writes nowhere.
func (n *Node) sensor() (taxii.Credential, error) {
	if _, err := credential(n.config.Credentials.APIToken, taxii.Principal{}); err != nil {
		return taxii.Credential{}, err
	}
	return credential(n.config.Credentials.TAXIIPassword, taxii.Principal{Name: n.config.Credentials.TAXIIUser, All: true, View: intel.SensorView})
}

// byToken lets in the bearers of tokens: in the header of RFC 6750, or as the password of HTTP Basic, whatever the user,
// since many TAXII clients speak nothing else.
func (n *Node) byToken(rights func(Grant) (taxii.Principal, bool)) taxii.Authenticate {
	return func(r *http.Request) (taxii.Principal, error) {
		token, ok := taxii.BearerToken(r)
		if !ok {
			if _, token, ok = taxii.BasicPassword(r); !ok {
				return taxii.Principal{}, fmt.Errorf("%w: no token", taxii.ErrUnauthenticated)
			}
		}
		g, ok := n.Grant(token)
		if !ok {
			return taxii.Principal{}, fmt.Errorf("%w: the token is not known, has run out or was revoked", taxii.ErrUnauthenticated)
		}
		p, ok := rights(g)
		if !ok {
			return taxii.Principal{}, fmt.Errorf("%w: the token lacks the scope for it", taxii.ErrForbidden)
		}
		if x, ok := r.Context().Value(writerKey{}).(*taxiiWriter); ok {
			x.who = g
		}
		return p, nil
	}
}

// taxiiRights are what the scopes of a token let its bearer do over TAXII.
func (n *Node) taxiiRights(g Grant) taxii.Principal {
	p := taxii.Principal{Name: "token " + g.ID, View: intel.SensorView}
	if g.ID == "init" {
		p.Name = "api"
	}
	for _, s := range g.Scopes {
		all, name := s.CutCollection()
		switch {
		case s == ScopeRead:
			p.All, p.View = true, ""
		case s == ScopeTAXIIRead:
			p.All = true
		case s == ScopeIntel, s == ScopeTAXIIWrite:
			p.WriteAll = true
		case all == ScopeTAXIIRead:
			p.Collections = append(p.Collections, n.collectionID(name))
		case all == ScopeTAXIIWrite:
			p.Writes = append(p.Writes, n.collectionID(name))
		}
	}
	return p
}

// collectionID is the id of the collection that an alias or an id names.
func (n *Node) collectionID(name string) string {
	switch name {
	case "all":
		return intel.CollectionAll()
	case "local":
		return intel.CollectionLocal()
	}
	for _, w := range n.config.TAXII.Collections {
		if w.Alias == name {
			return intel.Writable{Alias: w.Alias}.ID()
		}
	}
	return name
}

// checkTAXIIScopes refuses scopes for collections that there are not, or that nobody writes to.
func (n *Node) checkTAXIIScopes(ctx context.Context, scopes []Scope) error {
	all, err := n.taxiiStore().Collections(ctx)
	if err != nil {
		return err
	}
	for _, s := range scopes {
		right, name := s.CutCollection()
		if name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(c taxii.Collection) bool { return c.ID == n.collectionID(name) })
		switch {
		case i < 0:
			return badInput("The token cannot be for the collection "+strconv.Quote(name)+".", "There is none with this alias or id.", "List them with 'entente taxii collections URL'; those that clients write to are named in config.yaml, under taxii.collections.")
		case right == ScopeTAXIIWrite && !all[i].Writable:
			return badInput("The token cannot write to the collection "+strconv.Quote(name)+".", "Nobody can: it is not one of taxii.collections in config.yaml.", "Use taxii:read, or name a collection there, start the node again, and make the token then.")
		}
	}
	return nil
}

// feedTitle names a partner's collection for people.
func (n *Node) feedTitle(id journal.UnitID, p journal.PartyID) string {
	if l := n.ledger(id); l != nil {
		return l.nameOf(p) + " in " + l.name()
	}
	return p.Short()
}
