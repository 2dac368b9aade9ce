package node

import (
	"context"
	"path/filepath"
	"slices"

	"entente/internal/officer"
)

// SetupStep is one thing that a new node needs before it does its work.
type SetupStep struct {
	Code string `json:"code"` // account, name, keys, unit, partner, import
	Done bool   `json:"done"`
}

// The steps of a new node, in their order.
const (
	SetupAccount = "account" // an administrator can sign in under a name of their own
	SetupName    = "name"    // partners are told the name and the addresses of the configuration
	SetupKeys    = "keys"    // the organisation key is not in the folder
	SetupUnit    = "unit"    // there is a unit
	SetupPartner = "partner" // one has another member
	SetupImport  = "import"  // something is known here
)

// SetupResponse says what a new node needs, and what of it is done. Nothing of it is kept: it is what
// there is.
type SetupResponse struct {
	Done  bool        `json:"done"` // all of it
	Steps []SetupStep `json:"steps"`
	// Name and Addresses are what the configuration says; Told is the name that partners are told.
	Name      string   `json:"name"`
	Told      string   `json:"told"`
	Party     string   `json:"party"`
	Addresses []string `json:"addresses,omitempty"`
	// Invited is the sign-in name of an administrator who has a one-time code and has not used it.
	Invited string `json:"invited,omitempty"`
	OrgKey  string `json:"org_key"` // id of the organisation key, hex
	// OrgKeyFile is the organisation key where it should not be: in the folder; "" if it is not there.
	OrgKeyFile string `json:"org_key_file,omitempty"`
	// Commands take it out of the folder, once a medium is at the place that they name.
	Commands []string `json:"commands,omitempty"`
	Acting   Claim    `json:"acting"` // in whose name is acted where none is named
}

// orgKeyName is what init calls the file of the organisation key if no other place was named.
const orgKeyName = "organisation.key"

// orgKeyHere is the organisation key's file if it lies in the folder, else "", and the commands that take it out.
func (l layout) orgKeyHere() (path string, commands []string, err error) {
	path = filepath.Join(l.dir, orgKeyName)
	there, err := l.exists(path)
	if err != nil || !there {
		return "", nil, err
	}
	copied := "/media/OFFLINE/" + orgKeyName
	return path, []string{"cp " + quoted(path) + " " + copied, "cmp " + quoted(path) + " " + copied, "rm " + quoted(path)}, nil
}

// Setup says what a new node needs before it does its work.
func (n *Node) Setup(ctx context.Context) (*SetupResponse, error) {
	id, err := n.Identity(ctx)
	if err != nil {
		return nil, err
	}
	r := &SetupResponse{Name: n.config.Name, Told: id.Name, Party: id.Party, Addresses: n.config.Peer.Advertise, OrgKey: id.OrgKey, Acting: Claim(n.config.Acting)}
	if r.OrgKeyFile, r.Commands, err = n.at.orgKeyHere(); err != nil {
		return nil, err
	}
	account := false
	for _, o := range n.officers.List() {
		if !slices.Contains(o.Roles, officer.Administrator) {
			continue
		}
		switch o.State {
		case officer.Active:
			account = true
		case officer.Invited:
			r.Invited = o.Name
		}
	}
	units := n.units()
	partner := slices.ContainsFunc(units, func(l *ledger) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.file.Partners) > 0
	})
	c, err := n.counts(ctx)
	if err != nil {
		return nil, err
	}
	r.Steps = []SetupStep{
		{SetupAccount, account}, {SetupName, id.Name == n.config.Name && slices.Equal(id.Addresses, n.config.Peer.Advertise)}, {SetupKeys, r.OrgKeyFile == ""},
		{SetupUnit, len(units) > 0}, {SetupPartner, partner}, {SetupImport, c.Accepted+c.Quarantined+c.Rejected > 0},
	}
	r.Done = !slices.ContainsFunc(r.Steps, func(s SetupStep) bool { return !s.Done })
	return r, nil
}
