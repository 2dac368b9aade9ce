package node

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"entente/internal/lang"
	"entente/internal/notify"
	"entente/internal/store"
)

// NotifyConfig is the part "notify" of the configuration. Without channels nobody is told.
type NotifyConfig struct {
	Channels []ChannelConfig `yaml:"channels"` // at most 16
	// First are the names of the channels that are told at once; none: all that no rung names.
	First []string `yaml:"first"`
	// Escalate says who is told when nobody has looked, at most 8 rungs.
	Escalate []RungConfig `yaml:"escalate"`
	Quiet    *QuietConfig `yaml:"quiet"`
	// Detail is codes (default: codes and references only) or title (the titles of requests too).
	Detail string `yaml:"detail"`
	// UnreachableAfter is how long there may be no session with a partner. Default 1h, at least 1m.
	UnreachableAfter Duration `yaml:"unreachable_after"`
	// Every is how often it is looked what needs somebody. Default 10s, at least 1s.
	Every Duration `yaml:"every"`
}

// ChannelConfig is one way to reach somebody: exactly one of Webhook, SMTP and Command.
type ChannelConfig struct {
	Name       string      `yaml:"name"`
	Webhook    string      `yaml:"webhook"`
	SecretFile string      `yaml:"secret_file"` // of a webhook: the secret that signs, 16 bytes to 4 KiB
	SMTP       *SMTPConfig `yaml:"smtp"`
	Command    []string    `yaml:"command"`
	CAFile     string      `yaml:"ca_file"`  // PEM; of a webhook or a mail server with a certificate of its own
	Language   string      `yaml:"language"` // of this channel; default: the node's

	// What follows is of a channel that was set over pages, command line or API: see [Node.SetChannel].
	set              bool
	hook, secret, ca string
}

const (
	maxChannels      = 16
	minWebhookSecret = 16 // bytes
)

// SMTPConfig is a mail server and who is written to.
type SMTPConfig struct {
	Address      string   `yaml:"address"` // host:port
	TLS          string   `yaml:"tls"`     // starttls (default), implicit, none (only to this machine)
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
}

// RungConfig is one step of the escalation.
type RungConfig struct {
	After Duration `yaml:"after"`
	To    []string `yaml:"to"`
}

// faultLooksRarely is the code of a configuration in which it is looked less than once in rareLook what needs somebody.
const (
	faultLooksRarely = "looks-rarely"
	rareLook         = time.Hour
)

// faults are what keeps the duty officer from being called in time, none where there is no channel: that is said elsewhere.
func (c *NotifyConfig) faults() []NotifyFault {
	plan, err := c.plan()
	if err != nil || len(c.Channels) == 0 {
		return nil
	}
	codes := plan.Faults()
	if time.Duration(c.Every) > rareLook {
		codes = append(codes, faultLooksRarely)
	}
	var out []NotifyFault
	for _, code := range codes {
		out = append(out, NotifyFault{code, faultText(code)})
	}
	return out
}

// faultText says what a fault means.
func faultText(code string) string {
	switch code {
	case notify.FaultQuietAlways:
		return "Quiet hours leave less than an hour of each day, so what is routine would never be told."
	case notify.FaultFirstLate:
		return "Nobody is told at once, and the first step comes more than a day later."
	}
	return "It is looked less than once an hour what needs somebody."
}

// QuietConfig are hours in which only what is urgent is told, and calls that ring.
type QuietConfig struct {
	Zone   string   `yaml:"zone"` // IANA; default UTC
	From   string   `yaml:"from"` // HH:MM
	To     string   `yaml:"to"`
	Days   []string `yaml:"days"`   // mon … sun on which it begins; none: every day
	Except []string `yaml:"except"` // urgencies that are told too; emergency and urgent always are
}

var channelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// check says what is wrong; files are read when the channels are made.
func (c *NotifyConfig) check(dir string) error {
	_, err := c.plan()
	for _, ch := range c.Channels {
		err = errors.Join(err, ch.check())
	}
	if c.Detail != "" && c.Detail != "codes" && c.Detail != "title" {
		err = errors.Join(err, fmt.Errorf("detail is %q; it is codes or title", c.Detail))
	}
	if d := time.Duration(c.UnreachableAfter); d != 0 && d < time.Minute {
		err = errors.Join(err, errors.New("unreachable_after is below one minute"))
	}
	if d := time.Duration(c.Every); d != 0 && d < time.Second {
		err = errors.Join(err, errors.New("every is below one second"))
	}
	if err != nil {
		return badInput("The part notify of the configuration is wrong.", strings.ReplaceAll(err.Error(), "\n", "; ")+".", "Correct "+configPath(dir)+"; docs/operations.md has examples.")
	}
	return nil
}

func (c *ChannelConfig) check() error {
	kinds := 0
	for _, has := range []bool{c.Webhook != "", c.SMTP != nil, len(c.Command) > 0 || c.hook != ""} {
		if has {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return fmt.Errorf("channel %q has to be exactly one of webhook, smtp and command", c.Name)
	case c.set && c.Webhook != "" && len(c.secret) < minWebhookSecret, c.set && c.SMTP != nil && (c.SMTP.User == "") != (c.secret == ""):
		return fmt.Errorf("channel %q lacks its secret", c.Name)
	case c.set && c.hook != "" && !hookName.MatchString(c.hook):
		return fmt.Errorf("channel %q names no program of the folder hooks", c.Name)
	case !c.set && c.Webhook != "" && c.SecretFile == "":
		return fmt.Errorf("channel %q needs secret_file", c.Name)
	case c.Webhook != "":
		return notify.CheckURL(c.Webhook)
	case len(c.Command) > 0 && !filepath.IsAbs(c.Command[0]):
		return fmt.Errorf("the command of channel %q is no absolute path", c.Name)
	case !c.set && c.SMTP != nil && (c.SMTP.User == "") != (c.SMTP.PasswordFile == ""):
		return fmt.Errorf("channel %q: user and password_file go together", c.Name)
	case c.SMTP != nil:
		m := c.mail("")
		return m.Check()
	}
	return nil
}

func (c *ChannelConfig) mail(password string) *notify.Mail {
	m := &notify.Mail{Address: c.SMTP.Address, TLS: c.SMTP.TLS, From: c.SMTP.From, To: c.SMTP.To}
	if m.TLS == "" {
		m.TLS = notify.StartTLS
	}
	if password != "" {
		m.User, m.Password = c.SMTP.User, password
	}
	return m
}

// plan is who is told, and when.
func (c *NotifyConfig) plan() (notify.Plan, error) {
	p := notify.Plan{First: c.First}
	if len(c.Channels) > maxChannels || len(c.Escalate) > 8 {
		return p, errors.New("at most 16 channels and 8 rungs are possible")
	}
	names, rungs := map[string]bool{}, map[string]bool{}
	for _, ch := range c.Channels {
		if !channelName.MatchString(ch.Name) || names[ch.Name] {
			return p, fmt.Errorf("the name %q of a channel is not one to 32 of a-z 0-9 -, or stands there twice", ch.Name)
		}
		if _, ok := lang.Known(ch.Language); ch.Language != "" && !ok {
			return p, fmt.Errorf("channel %q: there are no texts in %q", ch.Name, ch.Language)
		}
		names[ch.Name] = true
	}
	after := time.Duration(0)
	for _, r := range c.Escalate {
		if time.Duration(r.After) < time.Minute || time.Duration(r.After) <= after || len(r.To) == 0 {
			return p, errors.New("each rung of escalate is at least one minute, later than the one before it, and names channels in to")
		}
		after = time.Duration(r.After)
		p.Ladder = append(p.Ladder, notify.Rung{After: after, To: r.To})
		for _, name := range r.To {
			rungs[name] = true
		}
	}
	if len(p.First) == 0 {
		for _, ch := range c.Channels {
			if !rungs[ch.Name] {
				p.First = append(p.First, ch.Name)
			}
		}
	}
	for _, name := range slices.Concat(p.First, sortedKeys(rungs)) {
		if !names[name] {
			return p, fmt.Errorf("there is no channel %q", name)
		}
	}
	var err error
	p.Quiet, err = c.Quiet.read()
	return p, err
}

func sortedKeys(set map[string]bool) []string {
	var out []string
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (c *QuietConfig) read() (*notify.Quiet, error) {
	if c == nil {
		return nil, nil
	}
	q := &notify.Quiet{Except: c.Except}
	zone := c.Zone
	if zone == "" {
		zone = "UTC"
	}
	var err error
	if q.Zone, err = time.LoadLocation(zone); err != nil {
		return nil, fmt.Errorf("quiet: unknown time zone %q", zone)
	}
	for to, from := range map[*int]string{&q.From: c.From, &q.To: c.To} {
		t, err := time.Parse("15:04", from)
		if err != nil {
			return nil, fmt.Errorf("quiet: %q is no time of day such as 22:00", from)
		}
		*to = t.Hour()*60 + t.Minute()
	}
	for _, d := range c.Days {
		i := slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, d)
		if i < 0 {
			return nil, fmt.Errorf("quiet: %q is no day; days are mon to sun", d)
		}
		q.Days = append(q.Days, time.Weekday(i))
	}
	for _, u := range q.Except {
		if !slices.Contains([]string{"emergency", "urgent", "routine"}, u) {
			return nil, fmt.Errorf("quiet: %q is no urgency", u)
		}
	}
	return q, nil
}

// channel makes a channel: secrets are read from their files each time, so that one that is changed
// needs no restart.
func (n *Node) channel(c *ChannelConfig) (notify.Channel, error) {
	var roots *x509.CertPool
	pem := []byte(c.ca)
	if c.CAFile != "" {
		var err error
		if pem, err = n.at.read(n.at.beside(c.CAFile)); err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
	}
	if c.CAFile != "" || c.ca != "" {
		var err error
		if roots, err = rootsOf(pem); err != nil {
			return nil, err
		}
	}
	switch {
	case c.Webhook != "":
		secret, err := n.secretOf(c, c.SecretFile)
		if err != nil {
			return nil, err
		}
		if len(secret) < minWebhookSecret {
			return nil, errors.New("the secret of a webhook has at least 16 bytes")
		}
		return &notify.Webhook{URL: c.Webhook, Secret: secret, Roots: roots, Now: n.opts.Clock}, nil
	case c.SMTP != nil:
		password := ""
		if c.SMTP.PasswordFile != "" || c.secret != "" {
			secret, err := n.secretOf(c, c.SMTP.PasswordFile)
			if err != nil {
				return nil, err
			}
			password = string(secret)
		}
		m := c.mail(password)
		m.Roots, m.Now = roots, n.opts.Clock
		return m, nil
	}
	if c.hook != "" {
		path, err := n.at.hookPath(c.hook)
		if err != nil {
			return nil, err
		}
		return &notify.Command{Argv: []string{path}}, nil
	}
	return &notify.Command{Argv: c.Command}, nil
}

// secretOf is the secret of a channel: set here, or in a file that the configuration names.
func (n *Node) secretOf(c *ChannelConfig, file string) ([]byte, error) {
	if c.set {
		return []byte(c.secret), nil
	}
	return n.at.secretFile(file)
}

// beside is a path of the configuration: one that is not absolute lies in the folder.
func (at layout) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(at.dir, name)
}

func (at layout) secretFile(name string) ([]byte, error) {
	text, err := at.read(at.beside(name))
	if err != nil {
		return nil, fmt.Errorf("the secret: %w", err)
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || len(text) > 4096 {
		return nil, fmt.Errorf("the file %s holds no secret of 1 byte to 4 KiB", name)
	}
	return text, nil
}

// ConfiguredLanguage is the language that the configuration in a folder names, "" if it names none or
// cannot be read: then whoever opens the folder is told why.
func ConfiguredLanguage(dir string) string {
	c, err := readConfig(layout{files{store.OS{}}, dir})
	if err != nil {
		return ""
	}
	return c.Language
}
