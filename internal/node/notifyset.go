package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"entente/internal/notify"
)

// Bounds of a channel that is set over pages, command line or API.
const (
	maxChannelSecret = 4096     // bytes
	maxChannelCA     = 16 << 10 // bytes of certificates
	maxHooks         = 64       // programs in the folder hooks that are offered
)

// hooksDir is the folder of the programs that a channel may run. Only who can write it decides what runs on this machine:
// over pages and API a program is chosen by its name, and never brought.
const hooksDir = "hooks"

var hookName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// config is the channel as one of the configuration.
func (k *keptChannel) config() ChannelConfig {
	c := ChannelConfig{Name: k.Name, Webhook: k.Webhook, Language: k.Language, hook: k.Hook, secret: k.Secret, ca: k.CA, set: true}
	if m := k.Mail; m != nil {
		c.SMTP = &SMTPConfig{Address: m.Server, TLS: m.TLS, User: m.User, From: m.From, To: m.To}
	}
	return c
}

func (s *settings) channels() []ChannelConfig {
	var out []ChannelConfig
	for i := range s.Channels {
		out = append(out, s.Channels[i].config())
	}
	return out
}

// into puts the plan into a configuration.
func (p *keptPlan) into(c *NotifyConfig) error {
	if p == nil {
		return nil
	}
	c.First, c.Quiet = p.First, p.Quiet.config()
	for _, r := range p.Escalate {
		after, err := time.ParseDuration(r.After)
		if err != nil {
			return fmt.Errorf("escalate: %w", err)
		}
		c.Escalate = append(c.Escalate, RungConfig{Duration(after), r.To})
	}
	return nil
}

func (q *NotifyQuiet) config() *QuietConfig {
	if q == nil {
		return nil
	}
	return &QuietConfig{Zone: q.Zone, From: q.From, To: q.To, Days: q.Days, Except: q.Except}
}

// pinsPlan tells that the configuration file says who is told when.
func (c *NotifyConfig) pinsPlan() bool { return len(c.First) > 0 || len(c.Escalate) > 0 }

// notifying is how the duty officer is called now: what the configuration file pins, and what was set here. It always
// holds together: a name that is no more is left out, and of too many channels those that are pinned stay.
func (n *Node) notifying() NotifyConfig { return n.config.Notify.beside(n.set.get()) }

func (c NotifyConfig) beside(s settings) NotifyConfig {
	out := c
	out.Channels = slices.Clone(c.Channels)
	names := map[string]bool{}
	for _, ch := range out.Channels {
		names[ch.Name] = true
	}
	for _, ch := range s.channels() {
		if !names[ch.Name] && len(out.Channels) < maxChannels {
			names[ch.Name] = true
			out.Channels = append(out.Channels, ch)
		}
	}
	mine := NotifyConfig{}
	if err := s.Plan.into(&mine); err != nil { // it was looked at when it was read
		return out
	}
	if out.Quiet == nil {
		out.Quiet = mine.Quiet
	}
	if !c.pinsPlan() {
		gone := func(name string) bool { return !names[name] }
		out.First = slices.DeleteFunc(slices.Clone(mine.First), gone)
		for _, r := range mine.Escalate {
			if to := slices.DeleteFunc(slices.Clone(r.To), gone); len(to) > 0 {
				out.Escalate = append(out.Escalate, RungConfig{r.After, to})
			}
		}
	}
	return out
}

// hookPath is the program of a name in the folder hooks, once it can be run: no file that others may write.
func (at layout) hookPath(name string) (string, error) {
	if !hookName.MatchString(name) {
		return "", fmt.Errorf("%q is no name of a program in the folder %s", name, hooksDir)
	}
	path, err := filepath.Abs(filepath.Join(at.dir, hooksDir, name))
	if err != nil {
		return "", err
	}
	info, err := at.fs.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no program %s in the folder %s of the node", name, hooksDir)
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o100 == 0:
		return "", fmt.Errorf("%s in the folder %s is no program that may be run", name, hooksDir)
	case info.Mode().Perm()&0o022 != 0:
		return "", fmt.Errorf("%s in the folder %s may be written by others than its owner, so it is not run", name, hooksDir)
	}
	return path, nil
}

// hooks are the names of the programs that a channel may run.
func (at layout) hooks() []string {
	names, err := at.fs.ReadDir(filepath.Join(at.dir, hooksDir))
	if err != nil {
		return nil
	}
	var out []string
	for _, name := range names {
		if _, err := at.hookPath(name); err == nil && len(out) < maxHooks {
			out = append(out, name)
		}
	}
	return out
}

// NotifySetRequest makes a channel, or replaces the one of its name. What the configuration file pins is not changed.
type NotifySetRequest struct {
	Channel string `json:"channel"` // its name: 1 to 32 of a-z 0-9 -
	Kind    string `json:"kind"`    // webhook, mail or command
	// URL is the https address of a webhook; empty: as it was.
	URL string `json:"url,omitempty"`
	// Secret is the key of a webhook's signatures (16 bytes to 4 KiB), or the password at a mail server. Empty: as it was, and a new
	// webhook is given one. A password goes along to no other server or user.
	Secret string `json:"secret,omitempty"`
	// CA are certificates (PEM) of a server with a certificate of its own; empty: as it was.
	CA   string `json:"ca,omitempty"`
	NoCA bool   `json:"no_ca,omitempty"` // the machine's own list again
	// What follows is of mail.
	Server string   `json:"server,omitempty"` // host:port
	TLS    string   `json:"tls,omitempty"`    // starttls (default), implicit, none (only to this machine)
	User   string   `json:"user,omitempty"`
	From   string   `json:"from,omitempty"`
	To     []string `json:"to,omitempty"` // 1 to 32 addresses
	// Hook is the name of a program in the folder hooks of the node.
	Hook     string `json:"hook,omitempty"`
	Language string `json:"language,omitempty"` // default: the node's
	New      bool   `json:"new,omitempty"`      // it has to be one that is not there yet
	DryRun   bool   `json:"dry_run,omitempty"`
}

// NotifySetResponse says how a channel is from now on, or would be.
type NotifySetResponse struct {
	DryRun  bool       `json:"dry_run,omitempty"`
	New     bool       `json:"new,omitempty"`
	Channel NotifyWay  `json:"channel"`
	Changes []string   `json:"changes"`           // codes: kind, address, secret, ca, server, user, from, to, language
	Waiting int        `json:"waiting,omitempty"` // open notices that it has not had
	Secret  string     `json:"secret,omitempty"`  // that a new webhook was given: shown this once
	Plan    NotifyPlan `json:"plan"`
}

// keptChannel finds a channel among what was set here: what is set, and where in its channels it stands, -1 if nowhere. One that
// the configuration file pins is refused. n.set.changing must be held.
func (n *Node) keptChannel(ctx context.Context, name string) (s settings, i int, err error) {
	if err := ctx.Err(); err != nil {
		return s, -1, err
	}
	if slices.ContainsFunc(n.config.Notify.Channels, func(c ChannelConfig) bool { return c.Name == name }) {
		return s, -1, pinned("The channel " + name)
	}
	s = n.set.get()
	return s, slices.IndexFunc(s.Channels, func(c keptChannel) bool { return c.Name == name }), nil
}

// way is the channel of a name as it is shown.
func (p *NotifyPlan) way(name string) NotifyWay {
	for _, w := range p.Ways {
		if w.Name == name {
			return w
		}
	}
	return NotifyWay{}
}

// SetChannel makes or replaces a channel. It holds at once.
func (n *Node) SetChannel(ctx context.Context, r NotifySetRequest) (*NotifySetResponse, error) {
	n.set.changing.Lock()
	defer n.set.changing.Unlock()
	s, i, err := n.keptChannel(ctx, r.Channel)
	if err != nil {
		return nil, err
	}
	var old keptChannel
	if i >= 0 {
		old = s.Channels[i]
	}
	if r.New && i >= 0 {
		return nil, conflict("exists", fmt.Sprintf("There is a channel %q already.", r.Channel), "It would be replaced.", "Change that one, or choose another name.")
	}
	k, made, err := n.channelOf(r, old)
	if err != nil {
		return nil, err
	}
	if i < 0 && len(n.config.Notify.Channels)+len(s.Channels) >= maxChannels {
		return nil, conflict("too-many", "There are too many channels.", fmt.Sprintf("At most %d are possible.", maxChannels), "Remove one first.")
	}
	s.Channels = with(s.Channels, k, func(c keptChannel) string { return c.Name })
	then := n.config.Notify.beside(s)
	res := &NotifySetResponse{DryRun: r.DryRun, New: i < 0, Changes: k.changes(&old), Plan: n.planView(then)}
	res.Channel = res.Plan.way(k.Name)
	anew := slices.ContainsFunc(res.Changes, func(c string) bool { return c != "language" })
	if err := n.withBook(func(b *notify.Book) bool { res.Waiting = b.Lacks(k.Name); return false }); err != nil {
		return nil, err
	}
	if r.DryRun {
		return res, nil
	}
	if err := n.set.put(s); err != nil {
		return nil, err
	}
	res.Secret = made
	if anew { // what it was given up on is tried again
		return res, n.withBook(func(b *notify.Book) bool { return b.Renew(k.Name) })
	}
	return res, nil
}

func wrongChannel(why string) error {
	return badInput("The channel cannot be set so.", why+".", "Correct it; 'entente notify set --help' has examples.")
}

// channelOf makes the channel that is asked for, with the secret that it was given here, if it was.
func (n *Node) channelOf(r NotifySetRequest, old keptChannel) (k keptChannel, made string, err error) {
	if !channelName.MatchString(r.Channel) {
		return k, "", wrongChannel(fmt.Sprintf("The name %.64q is not one to 32 of a-z 0-9 -", r.Channel))
	}
	if len(r.Secret) > maxChannelSecret || len(r.CA) > maxChannelCA {
		return k, "", wrongChannel(fmt.Sprintf("A secret has at most %d bytes, and certificates have at most %d", maxChannelSecret, maxChannelCA))
	}
	r.To = eachOf(r.To)
	k = keptChannel{Name: r.Channel, Language: r.Language, CA: strings.TrimSpace(r.CA)}
	secretGiven := strings.TrimSpace(r.Secret)
	others := func(values ...string) bool {
		return slices.ContainsFunc(values, func(s string) bool { return s != "" })
	}
	mail := others(r.Server, r.TLS, r.User, r.From) || len(r.To) > 0
	switch r.Kind {
	case "webhook":
		if mail || r.Hook != "" {
			return k, "", wrongChannel("A webhook has an address and a secret, and nothing of mail or of a program")
		}
		k.Webhook = cmp.Or(strings.TrimSpace(r.URL), old.Webhook)
		if k.Secret = cmp.Or(secretGiven, old.Secret); old.Webhook == "" {
			k.Secret = secretGiven
		}
		if u, err := url.Parse(k.Webhook); err != nil || u.Scheme != "https" {
			return k, "", wrongChannel("The address of a webhook that is set here begins with https://; http to this machine is for the configuration file")
		}
		if err := notify.CheckURL(k.Webhook); err != nil {
			return k, "", wrongChannel(err.Error())
		}
		if k.Secret == "" {
			if made, err = secret(n.opts.Rand); err != nil {
				return k, "", err
			}
			k.Secret = made
		}
		if len(k.Secret) < minWebhookSecret {
			return k, "", wrongChannel(fmt.Sprintf("The secret of a webhook has at least %d bytes", minWebhookSecret))
		}
	case "mail":
		if others(r.URL, r.Hook) {
			return k, "", wrongChannel("Mail has neither the address of a webhook nor a program")
		}
		k.Mail = &keptMail{Server: strings.TrimSpace(r.Server), TLS: cmp.Or(r.TLS, notify.StartTLS), User: r.User, From: strings.TrimSpace(r.From), To: r.To}
		if k.Secret = secretGiven; k.Secret == "" && k.Mail.User != "" && old.Mail != nil && old.Mail.Server == k.Mail.Server && old.Mail.User == k.Mail.User {
			k.Secret = old.Secret
		}
		if (k.Mail.User == "") != (k.Secret == "") {
			return k, "", wrongChannel("User and password go together, and a password goes along to no other server or user: give it again")
		}
		if k.Mail.User != "" && k.Mail.TLS == notify.NoTLS {
			return k, "", wrongChannel("A password does not go without TLS")
		}
		c := k.config()
		if err := c.mail(k.Secret).Check(); err != nil {
			return k, "", wrongChannel(err.Error())
		}
	case "command":
		if mail || others(r.URL, secretGiven, r.CA) {
			return k, "", wrongChannel("A program has a name in the folder hooks, and nothing else")
		}
		k.Hook = r.Hook
		if _, err := n.at.hookPath(k.Hook); err != nil {
			return k, "", badInput("The channel cannot be set so.", err.Error()+".", "Who runs the node's machine puts programs into "+filepath.Join(n.at.dir, hooksDir)+"; over the pages one of them is chosen.")
		}
	default:
		return k, "", wrongChannel(fmt.Sprintf("The kind is %.32q; it is webhook, mail or command", r.Kind))
	}
	if k.CA == "" && !r.NoCA && k.kind() == old.kind() {
		k.CA = old.CA
	}
	if k.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(k.CA)) {
		return k, "", wrongChannel("There is no certificate in what is given as one (PEM)")
	}
	c := NotifyConfig{Channels: []ChannelConfig{k.config()}}
	if _, err := c.plan(); err != nil {
		return k, "", wrongChannel(err.Error())
	}
	return k, made, nil
}

// eachOf parts what was typed into one field: with commas, spaces or lines between.
func eachOf(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })...)
	}
	return out
}

func (k *keptChannel) kind() string {
	switch {
	case k.Webhook != "":
		return "webhook"
	case k.Mail != nil:
		return "mail"
	case k.Hook != "":
		return "command"
	}
	return ""
}

// changes names what is other than it was.
func (k *keptChannel) changes(old *keptChannel) []string {
	m, o := cmp.Or(k.Mail, &keptMail{}), cmp.Or(old.Mail, &keptMail{})
	out := []string{}
	for _, x := range []struct {
		code  string
		other bool
	}{{"kind", k.kind() != old.kind()}, {"address", k.Webhook != old.Webhook}, {"server", m.Server != o.Server || m.TLS != o.TLS}, {"user", m.User != o.User}, {"from", m.From != o.From},
		{"to", !slices.Equal(m.To, o.To) || k.Hook != old.Hook}, {"secret", k.Secret != old.Secret}, {"ca", k.CA != old.CA}, {"language", k.Language != old.Language}} {
		if x.other {
			out = append(out, x.code)
		}
	}
	return out
}

// NotifyRemoveRequest names a channel that was set here.
type NotifyRemoveRequest struct {
	Channel string `json:"channel"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// NotifyRemoveResponse is the channel that is no more, and who is told from now on.
type NotifyRemoveResponse struct {
	DryRun  bool       `json:"dry_run,omitempty"`
	Channel NotifyWay  `json:"channel"`
	Plan    NotifyPlan `json:"plan"`
	Nobody  bool       `json:"nobody,omitempty"` // is called from now on
}

// RemoveChannel removes a channel that was set here, also from who is told when.
func (n *Node) RemoveChannel(ctx context.Context, r NotifyRemoveRequest) (*NotifyRemoveResponse, error) {
	n.set.changing.Lock()
	defer n.set.changing.Unlock()
	s, i, err := n.keptChannel(ctx, r.Channel)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		return nil, notFound(fmt.Sprintf("There is no channel %.64q.", r.Channel), "List them with 'entente notify list'.")
	}
	before := n.planView(n.notifying())
	res := &NotifyRemoveResponse{DryRun: r.DryRun, Channel: before.way(r.Channel)}
	s.Channels = slices.Delete(slices.Clone(s.Channels), i, i+1)
	s.Plan = s.Plan.without(r.Channel)
	res.Plan = n.planView(n.config.Notify.beside(s))
	res.Nobody = !slices.ContainsFunc(res.Plan.Ways, func(w NotifyWay) bool { return !w.Silent })
	if r.DryRun {
		return res, nil
	}
	if err := n.set.put(s); err != nil {
		return nil, err
	}
	return res, n.withBook(func(b *notify.Book) bool { return b.Forget(r.Channel) })
}

// without is the plan without a channel.
func (p *keptPlan) without(name string) *keptPlan {
	if p == nil {
		return nil
	}
	is := func(x string) bool { return x == name }
	out := &keptPlan{First: slices.DeleteFunc(slices.Clone(p.First), is), Quiet: p.Quiet}
	for _, r := range p.Escalate {
		if to := slices.DeleteFunc(slices.Clone(r.To), is); len(to) > 0 {
			out.Escalate = append(out.Escalate, keptRung{r.After, to})
		}
	}
	return out
}

// NotifyPlanRequest says who is told when, in the place of what was set before. What the configuration file pins of it
// stays, and is not named.
type NotifyPlanRequest struct {
	First  []string     `json:"first,omitempty"` // none: all channels that no rung names
	Rungs  []NotifyRung `json:"rungs,omitempty"` // at most 8
	Quiet  *NotifyQuiet `json:"quiet,omitempty"` // none: at every hour
	DryRun bool         `json:"dry_run,omitempty"`
}

// NotifyPlanResponse is how channels are used from now on, or would be.
type NotifyPlanResponse struct {
	DryRun bool       `json:"dry_run,omitempty"`
	Plan   NotifyPlan `json:"plan"`
	Silent []string   `json:"silent,omitempty"` // channels over which nobody is told anything
}

// PlanNotices says who is told when. It holds at once.
func (n *Node) PlanNotices(ctx context.Context, r NotifyPlanRequest) (*NotifyPlanResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.set.changing.Lock()
	defer n.set.changing.Unlock()
	if n.config.Notify.pinsPlan() && (len(r.First) > 0 || len(r.Rungs) > 0) {
		return nil, pinned("Who is told when")
	}
	if n.config.Notify.Quiet != nil && r.Quiet != nil {
		return nil, pinned("Quiet hours")
	}
	s := n.set.get()
	p := &keptPlan{First: r.First, Quiet: r.Quiet}
	for _, x := range r.Rungs {
		p.Escalate = append(p.Escalate, keptRung{x.After.String(), x.To})
	}
	// Looked at before names that are not there are left out: whoever mistypes one is told so.
	whole := n.notifying()
	whole.First, whole.Escalate, whole.Quiet = nil, nil, nil
	err := p.into(&whole)
	var plan notify.Plan
	if err == nil {
		plan, err = whole.plan()
	}
	if err != nil {
		return nil, badInput("The duty officer cannot be called so.", strings.TrimSuffix(err.Error(), ".")+".", "Correct it; 'entente notify plan --help' has examples.")
	}
	if faults := plan.Faults(); len(faults) > 0 {
		return nil, &Error{Code: faults[0], Status: http.StatusBadRequest, What: "The duty officer cannot be called so.", Why: faultText(faults[0]), Next: "Correct it; 'entente notify plan --help' has examples."}
	}
	s.Plan = p
	if n.config.Notify.pinsPlan() && r.Quiet == nil {
		s.Plan = nil
	}
	res := &NotifyPlanResponse{DryRun: r.DryRun, Plan: n.planView(n.config.Notify.beside(s))}
	for _, w := range res.Plan.Ways {
		if w.Silent {
			res.Silent = append(res.Silent, w.Name)
		}
	}
	if r.DryRun {
		return res, nil
	}
	return res, n.set.put(s)
}

// called are the channels in the order in which they are told.
func (c NotifyConfig) called() DutyCalled {
	d := DutyCalled{First: []string{}}
	view := c.view()
	for _, w := range view.Ways {
		if w.First {
			d.First = append(d.First, w.Name)
		}
	}
	for _, r := range view.Rungs {
		for _, name := range r.To {
			if !slices.Contains(d.First, name) && !slices.Contains(d.Then, name) {
				d.Then = append(d.Then, name)
			}
		}
	}
	return d
}

// planView is how channels are used, as it is shown.
func (n *Node) planView(c NotifyConfig) NotifyPlan {
	p := c.view()
	p.Faults = c.faults()
	p.Pinned, p.QuietPinned, p.Hooks = n.config.Notify.pinsPlan(), n.config.Notify.Quiet != nil, n.at.hooks()
	return p
}

// rootsOf reads certificates.
func rootsOf(pem []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bytes.TrimSpace(pem)) {
		return nil, errors.New("ca_file holds no certificate")
	}
	return roots, nil
}
