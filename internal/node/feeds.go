package node

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"entente/internal/feed"
	"entente/internal/intel"
	"entente/internal/observable"
	"entente/stix"
)

// FeedConfig is one feed for sensors, under feeds: in the configuration. Without
// any, there is one feed of each format, under the format's name, and a list of each
// kind of value that firewalls take lists of.
type FeedConfig struct {
	// Name is what it is called in addresses: letters, digits, hyphens and dots.
	Name string `yaml:"name"`
	// Format is one of those that 'entente feed list --formats' shows.
	Format string `yaml:"format"`
	// TLP is the strictest marking that goes into it; default amber+strict, since
	// sensors are the party's own. RED is for named persons and goes into no feed.
	// What nobody marked counts as amber+strict.
	TLP string `yaml:"tlp"`
	// Types narrows the types of values.
	Types []string `yaml:"types"`
	// MinConfidence leaves out what is less certain, or says nothing of it.
	MinConfidence int `yaml:"min_confidence"`
	// MinScore leaves out what comes from sources of which fewer of a hundred values were
	// right: see 'entente guard sources'.
	MinScore int `yaml:"min_score"`
	// Sources narrows it to imports of these names and members with these party ids.
	Sources []string `yaml:"sources"`
}

// plainLists are the feeds of one kind of value each.
var plainLists = []FeedConfig{
	{Name: "addresses", Format: "list", Types: []string{"ipv4", "ipv6", "prefix"}},
	{Name: "domains", Format: "list", Types: []string{"domain"}},
	{Name: "urls", Format: "list", Types: []string{"url"}},
	{Name: "hashes", Format: "list", Types: []string{"md5", "sha1", "sha256"}},
}

// maxFeeds bounds the feeds of a configuration.
const maxFeeds = 64

// feedSpec is a feed worked out.
type feedSpec struct {
	name       string
	format     feed.Format
	tlp        stix.TLP
	types      map[observable.Type]bool // nil: all of the format's
	confidence int
	sources    map[string]bool // nil: all
	score      int             // 0: any
}

// feedSpecs reads the feeds of a configuration.
func feedSpecs(list []FeedConfig) ([]feedSpec, error) {
	if len(list) == 0 {
		list = defaultFeeds()
	}
	if len(list) > maxFeeds {
		return nil, badInput("Too many feeds.", fmt.Sprintf("At most %d are served.", maxFeeds), "Remove some from the configuration.")
	}
	var out []feedSpec
	seen := map[string]bool{}
	for _, c := range list {
		s, err := feedSpecOf(c)
		if err == nil && seen[c.Name] {
			err = fmt.Errorf("two feeds have this name")
		}
		if err != nil {
			return nil, badInput("The feed "+quoteName(c.Name)+" in the configuration cannot be served.", err.Error(), "Correct it under feeds: in the configuration.")
		}
		seen[c.Name] = true
		out = append(out, s)
	}
	return out, nil
}

func quoteName(s string) string { return fmt.Sprintf("%q", s[:min(len(s), 64)]) }

func feedSpecOf(c FeedConfig) (feedSpec, error) {
	s := feedSpec{name: c.Name, confidence: c.MinConfidence, score: c.MinScore}
	if c.Name == "" || len(c.Name) > 64 || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || c.Name[0] == '.' {
		return s, fmt.Errorf("a name has 1 to 64 letters, digits, hyphens, underscores and dots, and does not begin with a dot")
	}
	var err error
	if s.format, err = feed.Find(c.Format); err != nil {
		return s, err
	}
	if s.tlp, err = sensorTLP(c.TLP); err != nil {
		return s, err
	}
	if c.MinConfidence < 0 || c.MinConfidence > 100 {
		return s, fmt.Errorf("min_confidence is 0 to 100")
	}
	if c.MinScore < 0 || c.MinScore > 100 {
		return s, fmt.Errorf("min_score is 0 to 100")
	}
	for _, t := range c.Types {
		if !s.format.Carries(observable.Value{Type: observable.Type(t)}) && !typeIn(s.format.Types, t) {
			return s, fmt.Errorf("the format %s carries no values of type %q", c.Format, t)
		}
		if s.types == nil {
			s.types = map[observable.Type]bool{}
		}
		s.types[observable.Type(t)] = true
	}
	for _, name := range c.Sources {
		if s.sources == nil {
			s.sources = map[string]bool{}
		}
		s.sources[name] = true
	}
	return s, nil
}

// sensorTLP reads the strictest marking that goes to sensors some way; empty is the default.
func sensorTLP(text string) (stix.TLP, error) {
	if text == "" {
		return intel.SensorCeiling.TLP, nil
	}
	level, err := stix.ParseTLP(text)
	if err == nil && level == stix.TLPRed {
		err = fmt.Errorf("TLP:RED is for named persons and goes to no sensor")
	}
	return level, err
}

func typeIn(list []observable.Type, t string) bool {
	for _, have := range list {
		if string(have) == t {
			return true
		}
	}
	return false
}

// takes tells whether a value goes into a feed now, and when that changes next by
// the clock alone (the zero time: never).
func (s *feedSpec) takes(a *intel.Active, now time.Time) (ok bool, until time.Time) {
	if !s.allows(a) {
		return false, time.Time{}
	}
	if now.Before(a.From) {
		return false, a.From
	}
	if !a.Until.IsZero() {
		return now.Before(a.Until), later(a.Until, now)
	}
	return true, time.Time{}
}

// allows tells whether a value goes into a feed, whenever it is good.
func (s *feedSpec) allows(a *intel.Active) bool {
	return intel.Ceiling{TLP: s.tlp, Acts: s.format.Acts}.Allows(a.TLP, a.PAP) && (a.Confidence >= s.confidence || s.confidence <= 0) && s.format.Carries(a.Value) &&
		(s.types == nil || s.types[a.Value.Type]) && (s.sources == nil || s.sources[a.Source])
}

// later gives a time that is still to come.
func later(t, now time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}

// activeLoop keeps what sensors are given up to date, until ctx ends.
func (n *Node) activeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.intel.Touched():
		}
		settle(ctx, n.intel.Touched())
		if err := n.intel.UpdateActive(ctx); err != nil && ctx.Err() == nil {
			n.opts.Log.Error("what sensors are given is not up to date; it is tried again with the next request", "err", err)
		}
		n.watched.grew() // what partners dispute is known by now, too
	}
}

// Whoever looks at what sensors are given, or changes it, waits so long at most for what was accepted meanwhile, and so long for what changed it.
const (
	activeSoon     = time.Second
	activeSoonMost = 10 * time.Second
)

// upToDate brings what sensors are given up to date as far as there is time. It is behind if there is more: a large import takes minutes.
func (n *Node) upToDate(ctx context.Context) (behind bool, err error) {
	return n.intel.UpdateActiveSoon(ctx, activeSoon, activeSoonMost)
}

// While more arrives, what sensors are given waits: both want the same rows and lock, and
// whoever asks for a feed has it brought up to date at once.
const (
	activeQuiet = 5 * time.Second
	activeMost  = time.Minute
)

// settle waits until nothing has arrived for a while, or a minute.
func settle(ctx context.Context, touched <-chan struct{}) {
	most, quiet := time.NewTimer(activeMost), time.NewTimer(activeQuiet)
	defer most.Stop()
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-most.C:
			return
		case <-quiet.C:
			return
		case <-touched:
			quiet.Reset(activeQuiet)
		}
	}
}

// Feeds lists the feeds of this node.
func (n *Node) Feeds(ctx context.Context) (*FeedListResponse, error) {
	res := &FeedListResponse{Feeds: []FeedView{}}
	for _, f := range n.feeds.all() {
		v := f.spec.view(n.config.pinsFeed(f.spec.name))
		f.read(&v)
		res.Feeds = append(res.Feeds, v)
	}
	for _, f := range feed.Formats() {
		res.Formats = append(res.Formats, FeedFormat{Name: f.Name, For: f.For, Blocks: f.Acts})
	}
	return res, ctx.Err()
}

// view is the feed as it is shown.
func (s *feedSpec) view(pinned bool) FeedView {
	v := FeedView{Name: s.name, Format: s.format.Name, For: s.format.For, TLP: s.tlp.String(), MediaType: s.format.MediaType, Path: FeedPrefix + s.name, Blocks: s.format.Acts,
		MinConfidence: s.confidence, MinScore: s.score, Sources: slices.Sorted(maps.Keys(s.sources)), Pinned: pinned}
	for t := range s.types {
		v.Types = append(v.Types, string(t))
	}
	slices.Sort(v.Types)
	return v
}

// read tells of the text that was read last. While one is made there is nothing to tell.
func (s *feedState) read(v *FeedView) {
	if !s.making.TryLock() {
		return
	}
	defer s.making.Unlock()
	if s.serial == 0 {
		return
	}
	v.ETag = (&feedText{digest: s.digest}).tag(s)
	for i := range s.blocks {
		b := &s.blocks[i]
		v.Entries += int64(b.n)
		if b.moved.After(v.Changed) {
			v.Changed = b.moved
		}
	}
}

// Feed writes a feed as it is now.
func (n *Node) Feed(ctx context.Context, r FeedRequest, w io.Writer) (*FeedResponse, error) {
	f := n.feeds.find(r.Name)
	if f == nil {
		return nil, notFound("There is no feed "+quoteName(r.Name)+".", "List them with 'entente feed list'.")
	}
	text, err := n.feeds.current(ctx, n, f)
	if err != nil {
		return nil, err
	}
	if err := text.writePlain(w); err != nil {
		return nil, fmt.Errorf("writing the feed: %w", err)
	}
	return &FeedResponse{Name: r.Name, Entries: text.entries, Serial: text.serial}, nil
}
