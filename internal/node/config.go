package node

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"entente/internal/lang"
)

// Config is DIR/config.yaml: what an operator may change. Unknown keys are
// refused, so that a misspelt one is noticed.
type Config struct {
	// Name is how this party calls itself; part of the signed identity.
	Name string `yaml:"name"`
	Peer struct {
		// Listen is the host:port partners connect to; empty: this node only opens sessions itself.
		Listen string `yaml:"listen"`
		// Advertise are the host:port addresses put into the identity and invitations.
		Advertise []string `yaml:"advertise"`
		// SyncEvery is how often sessions are opened without a hint. Default 60s, at least 1s.
		SyncEvery Duration `yaml:"sync_every"`
		// GrowthPerHour is how many MiB the entries that one partner sends may cost in
		// an hour; 512 times as much may come in payloads. Default 8.
		GrowthPerHour int `yaml:"growth_per_hour"`
	} `yaml:"peer"`
	HTTP struct {
		// Listen is the host:port of pages, API and TAXII; keep it on loopback or behind TLS.
		Listen string `yaml:"listen"`
	} `yaml:"http"`
	// HighWater is the folder of the high-water marks. It must not be part of
	// what is backed up: it is what tells a restored folder from a current one.
	HighWater string `yaml:"high_water"`
	// Witnesses are the base URLs of C2SP tlog-witnesses asked for cosignatures.
	Witnesses []WitnessConfig `yaml:"witnesses"`
	// Acting is the agency and role used when a command names none.
	Acting struct {
		Agency string `yaml:"agency"`
		Role   string `yaml:"role"`
	} `yaml:"acting"`
	// Guard holds own and partner assets that must never be acted on.
	Guard struct {
		Assets []string `yaml:"assets"`
		// Without names lists of the program that are left out.
		Without []string `yaml:"without"`
		// Aging says for how long values are good that were not told again.
		Aging []AgingConfig `yaml:"aging"`
		// Prevalence says from when on a value is seen everywhere.
		Prevalence PrevalenceConfig `yaml:"prevalence"`
	} `yaml:"guard"`
	Backup struct {
		// Recipient is the age recipient that backups are encrypted to.
		Recipient string `yaml:"recipient"`
	} `yaml:"backup"`
	Evidence struct {
		// Key is the file of the key under which evidence lies encrypted; "": evidence.key among the other keys. It is made
		// when it is first needed. Elsewhere, it is in no backup of this folder.
		Key string `yaml:"key"`
	} `yaml:"evidence"`
	// Language is in which words this node speaks where nobody asks for others: notices, and commands of
	// people whose environment names no language. Default en.
	Language string `yaml:"language"`
	// Notify is how a duty officer learns of what needs a person.
	Notify NotifyConfig `yaml:"notify"`
	// SignIn is how officers come into the pages.
	SignIn SignInConfig `yaml:"sign_in"`
	// Feeds are what sensors are given; none: one of each format, and lists by kind of value.
	Feeds []FeedConfig `yaml:"feeds"`
	Watch struct {
		// Databases are files in the format of MaxMind DB that say in which country and network an address is: who is told of an
		// attack on an asset is chosen by it. Whole paths, at most four.
		Databases []string `yaml:"databases"`
	} `yaml:"watch"`
	TAXII struct {
		// Collections are those that TAXII clients with a token for it may add to and delete from, besides those that they read.
		Collections []WritableConfig `yaml:"collections"`
		// TLP is the strictest marking that sensors are shown over TAXII, as of feeds; default amber+strict.
		TLP string `yaml:"tlp"`
	} `yaml:"taxii"`
	// Credentials are SHA-256 digests; the secrets were shown once by init.
	Credentials struct {
		APIToken      string `yaml:"api_token_sha256"`
		TAXIIUser     string `yaml:"taxii_user"`
		TAXIIPassword string `yaml:"taxii_password_sha256"`
	} `yaml:"credentials"`
}

// WritableConfig is one collection that TAXII clients write to. Its id follows from its alias.
type WritableConfig struct {
	Alias string `yaml:"alias"`
	Title string `yaml:"title"`
}

// WitnessConfig is one witness: an external one, or a partner's node.
type WitnessConfig struct {
	URL  string `yaml:"url"`
	VKey string `yaml:"vkey"`
	// Party names a partner (its name or id) whose node is asked, in the units shared
	// with it. Where it is reached and under which key are in its identity.
	Party string `yaml:"party"`
	// Own says that this party runs the witness itself, on another machine: it is
	// asked before a head is told to anybody, and at every start before anything is
	// signed. At most one is.
	Own bool `yaml:"own"`
}

// Duration is a time.Duration written as in Go ("90s", "5m").
type Duration time.Duration

// UnmarshalYAML reads a Go duration string.
func (d *Duration) UnmarshalYAML(b []byte) error {
	var s string
	if err := yaml.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("duration %q: %w", s, err)
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML writes a Go duration string.
func (d Duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }

const maxConfig = 1 << 20

// maxGrowth bounds peer.growth_per_hour, in MiB.
const maxGrowth = 1024

// growth is peer.growth_per_hour in bytes.
func (c *Config) growth() int {
	if c.Peer.GrowthPerHour == 0 {
		return DefaultGrowth
	}
	return c.Peer.GrowthPerHour << 20
}

func configPath(dir string) string { return filepath.Join(dir, "config.yaml") }

func readConfig(at layout) (Config, error) {
	var c Config
	dir := at.dir
	text, err := at.read(configPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return c, notFound("There is no node in "+dir+".", "Make one with 'entente init --dir "+dir+" --name NAME', or name another folder with --dir.")
	}
	if err != nil {
		return c, fmt.Errorf("reading configuration: %w", err)
	}
	return parseConfig(at.dir, text)
}

// parseConfig reads the text of the configuration of the node in dir.
func parseConfig(dir string, text []byte) (Config, error) {
	var c Config
	if len(text) > maxConfig {
		return c, badInput("The configuration is too long.", "It has more than 1 MiB.", "Shorten "+configPath(dir)+".")
	}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := dec.Decode(&c); err != nil {
		// What follows the first line shows a piece of the file, which has secrets in it.
		line, _, _ := strings.Cut(err.Error(), "\n")
		return c, badInput("The configuration cannot be read.", "[line:column] and what is wrong there: "+line+".", "Correct "+configPath(dir)+".")
	}
	if c.Peer.SyncEvery == 0 {
		c.Peer.SyncEvery = Duration(time.Minute)
	}
	if time.Duration(c.Peer.SyncEvery) < time.Second {
		return c, badInput("peer.sync_every is too short.", "It is below one second.", "Use 1s or more; partners are told of news by hints anyway.")
	}
	if c.Peer.GrowthPerHour < 0 || c.Peer.GrowthPerHour > maxGrowth {
		return c, badInput("peer.growth_per_hour is out of range.", fmt.Sprintf("It is %d MiB; 1 to %d are possible.", c.Peer.GrowthPerHour, maxGrowth), "Leave it out for the default of 8.")
	}
	if len(c.Witnesses) > 32 {
		return c, badInput("Too many witnesses.", "At most 32 are asked.", "Remove some from the configuration.")
	}
	if _, err := sensorTLP(c.TAXII.TLP); err != nil {
		return c, badInput("taxii.tlp in the configuration cannot be used.", err.Error(), "Use clear, green, amber or amber+strict, or leave it out.")
	}
	if err := checkWritable(c.TAXII.Collections); err != nil {
		return c, err
	}
	own := 0
	for _, w := range c.Witnesses {
		if w.Own {
			own++
		}
		if w.Party != "" && (w.URL != "" || w.VKey != "" || w.Own) {
			return c, badInput("A witness names a partner and more.", "Where partner "+w.Party+" is reached, and its key, are in its identity; it is nobody's own witness.", "Leave url, vkey and own out beside party.")
		}
	}
	if own > 1 {
		return c, badInput("More than one witness is marked as own.", "Each would have to be asked before anything is told, and one that is away would stop it all.", "Mark one of them; the others are asked for cosignatures all the same.")
	}
	if _, err := feedSpecs(c.Feeds); err != nil {
		return c, err
	}
	if _, ok := lang.Known(c.Language); c.Language != "" && !ok {
		return c, badInput("Unknown language "+c.Language+".", "There are texts for "+strings.Join(lang.Tags(), ", ")+".", "Name one of them in language, or leave it out for English.")
	}
	if err := c.Notify.check(dir); err != nil {
		return c, err
	}
	if err := checkWatch(&c); err != nil {
		return c, err
	}
	if err := checkGuard(&c); err != nil {
		return c, err
	}
	if err := c.SignIn.check(); err != nil {
		return c, err
	}
	if c.Evidence.Key != "" && !filepath.IsAbs(c.Evidence.Key) {
		c.Evidence.Key = filepath.Join(dir, c.Evidence.Key)
	}
	if c.HighWater == "" {
		c.HighWater = filepath.Join(dir, "highwater")
	} else if !filepath.IsAbs(c.HighWater) {
		c.HighWater = filepath.Join(dir, c.HighWater)
	}
	return c, nil
}

// configText is the commented file that init writes.
const configText = `# Entente node configuration. 'entente serve' reads it once at start.
name: %q

peer:
  listen: %q          # where partners connect; "" = this side opens every session
  advertise: %s       # addresses partners are told
  sync_every: 1m0s    # sessions are opened this often without a hint
  growth_per_hour: 8  # MiB that the entries of one partner may cost in an hour (payloads: 512 times that)

http:
  listen: %q          # pages, API, TAXII; keep on loopback or behind a TLS proxy

# Marks of the highest head ever signed. Keep this folder OUT of backups (or on
# another disk): it is how a restored folder is told from a current one.
high_water: highwater

# A witness with "own: true" runs on another machine of yours. Nothing is told
# before it has cosigned, and nothing signed after a start before it has agreed:
# it protects against the machine being put back to an older state.
witnesses: []         # - {url: "https://witness.example/", vkey: "...", own: false} or {party: NAME}

acting:               # used when a command names no --agency and --role
  agency: %q
  role: %q

guard:                # with the lists in the folder guard ('entente guard list')
  assets: []          # own networks and domains that must never be acted on
  without: []         # lists of the program that are left out
  aging: []           # - {types: [ipv4], sources: [], days: 90}: the first that fits holds
  prevalence:         # what watchers see at so many own machines a day, on so many days, is held
    {machines: 1000, days: 3, off: false}

# Collections that TAXII clients may add to with a token for it ('entente token new
# --scope taxii:write:scratch'), as in
# taxii:
#   collections: [{alias: scratch, title: Scratch}]
#   tlp: green        # the strictest marking that sensors are shown (default amber+strict)

backup:
  recipient: %q       # backups are encrypted to it; its other half lies with the organisation key

evidence:
  key: ""             # file of the key under which evidence lies encrypted; "" = keys/evidence.key

# Feeds for sensors, resolvers and firewalls, at /feeds/NAME. Without any there is
# one of each format, and a list for each kind of value ('entente feed list'); nothing
# above its marking goes into one.
feeds: []             # - {name: clients, format: rpz, tlp: green, min_confidence: 50, min_score: 80}

language: ""          # of notices, and of commands where the environment names none: en, fr, ru, zh, vi

# How a duty officer learns of what needs a person (docs/operations.md), as in
# notify:
#   channels: [{name: desk, webhook: "https://desk.example/hook", secret_file: keys/hook}]

# How officers sign in to the pages ('entente officer new'; docs/operations.md), as in
# sign_in:
#   origin: "https://entente.example"   # as browsers see the pages: passkeys need it
#   tokens: false                       # no signing in with a bearer token
#   provider: {issuer: "https://id.example", client_id: entente, secret_file: keys/provider, amr: [mfa]}

credentials:          # SHA-256 digests; the secrets were shown once by init
  api_token_sha256: %q
  taxii_user: %q
  taxii_password_sha256: %q
`
