package node

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"entente/internal/peer/pairing"
	"entente/internal/store"
	"entente/journal"

	"filippo.io/age"
)

// InitOptions say what a new node is.
type InitOptions struct {
	// Name is how the party calls itself; it becomes part of the signed identity.
	Name string
	// PeerListen is the host:port partners connect to; empty when this side
	// cannot be reached and opens every session itself.
	PeerListen string
	// Advertise are the host:port addresses told to partners; empty: PeerListen,
	// unless its port is 0.
	Advertise []string
	// HTTPListen is the host:port of pages, API and TAXII; default 127.0.0.1:8080.
	HTTPListen string
	// OrgKeyPath is where the offline organisation key is written; default
	// DIR/organisation.key, from where it is to be moved away.
	OrgKeyPath string
	// Agency and Role are used by commands that name none.
	Agency, Role string
}

// InitResult is what the operator has to note down; the secrets are not shown again.
type InitResult struct {
	Dir           string `json:"dir"`
	Name          string `json:"name"`
	Party         string `json:"party"`
	OrgKeyPath    string `json:"org_key_path"`
	APIToken      string `json:"api_token"`
	TAXIIUser     string `json:"taxii_user"`
	TAXIIPassword string `json:"taxii_password"`
	PeerListen    string `json:"peer_listen,omitempty"`
	HTTPListen    string `json:"http_listen"`
}

// Init makes a node's folder: keys, identity, configuration. It refuses a folder
// that already holds anything.
func Init(ctx context.Context, dir string, o InitOptions, opts Options) (*InitResult, error) {
	opts = opts.withDefaults()
	if o.Name == "" {
		return nil, badInput("A node needs a name.", "It is part of the signed identity that partners see.", "Give one, for example --name \"CERT North\".")
	}
	if o.HTTPListen == "" {
		o.HTTPListen = "127.0.0.1:8080"
	}
	if o.Agency == "" {
		o.Agency = "cert" // as in the examples of accords
	}
	if o.Role == "" {
		o.Role = "duty-officer"
	}
	if o.PeerListen == "none" { // as the flags of init and serve spell it
		o.PeerListen = ""
	}
	if len(o.Advertise) == 0 && o.PeerListen != "" && !hasPortZero(o.PeerListen) {
		o.Advertise = []string{o.PeerListen}
	}
	for _, a := range o.Advertise {
		if err := pairing.CheckAddress(a); err != nil {
			return nil, badInput("Partners cannot connect to this.", err.Error()+".", "Give host:port, as partners will dial it.")
		}
	}
	names, err := opts.FS.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(names) > 0 {
		return nil, conflict("exists", "The folder "+dir+" is not empty.", "A node is made in a folder of its own.", "Name another folder with --dir, or look at this one with 'entente status --dir "+dir+"'.")
	}
	orgPath := o.OrgKeyPath
	if orgPath == "" {
		orgPath = filepath.Join(dir, orgKeyName)
	}
	at := layout{files{opts.FS}, dir}
	if there, err := at.exists(orgPath); err != nil {
		return nil, err
	} else if there {
		return nil, conflict("exists", "There is a file "+orgPath+" already.", "An organisation key is never overwritten.", "Name another place with --org-key.")
	}
	if err := opts.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	org, err := journal.GenerateKey(opts.Rand)
	if err != nil {
		return nil, err
	}
	_, id, err := dailyKeys(at, opts.Rand)
	if err != nil {
		return nil, err
	}
	unused, err := store.OpenHighWater(at.key(""), store.Options{FS: opts.FS})
	if err == nil {
		err = unused.Note(keyWitnessUnused)
	}
	if err != nil {
		return nil, err
	}
	id.Name = o.Name
	id.Addresses = o.Advertise
	id.Created = opts.Clock()
	id.Expires = id.Created.Add(identityLife)
	first, err := journal.NewIdentity(org, id)
	if err != nil {
		return nil, badInput("This cannot be an identity.", err.Error(), "Correct the name or the addresses.")
	}
	backup, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	offline := offlineText(backup.String())
	if err := at.write(orgPath, append([]byte(offline), org.Marshal("organisation key of "+o.Name+": keep OFFLINE; needed to rotate keys and after a restore")...)); err != nil {
		return nil, err
	}
	res := &InitResult{Dir: dir, Name: o.Name, OrgKeyPath: orgPath, TAXIIUser: "sensor", PeerListen: o.PeerListen, HTTPListen: o.HTTPListen}
	if res.APIToken, err = secret(opts.Rand); err != nil {
		return nil, err
	}
	if res.TAXIIPassword, err = secret(opts.Rand); err != nil {
		return nil, err
	}
	advertise, err := json.Marshal(append([]string{}, o.Advertise...)) // JSON is YAML
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(configText, o.Name, o.PeerListen, advertise, o.HTTPListen, o.Agency, o.Role,
		backup.Recipient().String(), digest(res.APIToken), res.TAXIIUser, digest(res.TAXIIPassword))
	if err := at.write(at.formatPath(), []byte(formatText(folderFormat))); err != nil {
		return nil, err
	}
	if err := at.write(configPath(dir), []byte(text)); err != nil {
		return nil, err
	}
	if err := at.writeJSON(at.identity(), identityFile{[]journal.Signed{first}}); err != nil {
		return nil, err
	}
	res.Party = string(journal.PartyOf(first.Text))
	return res, nil
}

// secret makes a 256-bit token.
func secret(r io.Reader) (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// digest is how a token is kept: tokens are 256 random bits, so a plain hash
// cannot be searched.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func hasPortZero(addr string) bool {
	return len(addr) >= 2 && addr[len(addr)-2:] == ":0"
}

// offlineText heads the file of an organisation key. It carries the key that opens
// backups, so that one file is all that has to be kept; without one it is empty.
func offlineText(backupKey string) string {
	if backupKey == "" {
		return ""
	}
	return "This file opens backups and speaks for the whole organisation. Keep it OFFLINE.\n" +
		"backup key (age): " + backupKey + "\n\n"
}

// backupLine finds the key that opens backups in the file of an organisation key.
func backupLine(text string) string {
	i := strings.Index(text, backupIdentityPrefix)
	if i < 0 {
		return ""
	}
	line, _, _ := strings.Cut(text[i:], "\n")
	return strings.TrimSpace(line)
}
