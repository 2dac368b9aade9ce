package node

import (
	"context"
	"fmt"
	"slices"

	"entente/internal/feed"
	"entente/internal/intel"
)

// feedConfig is the feed as one of the configuration.
func (k *keptFeed) config() FeedConfig {
	return FeedConfig{Name: k.Name, Format: k.Format, TLP: k.TLP, Types: k.Types, MinConfidence: k.MinConfidence, MinScore: k.MinScore, Sources: k.Sources}
}

// feedList works out feeds that were set here; none are none, not those that there are as long as nobody has set any.
func feedList(list []keptFeed) ([]feedSpec, error) {
	if len(list) == 0 {
		return nil, nil
	}
	configs := make([]FeedConfig, len(list))
	for i := range list {
		configs[i] = list[i].config()
	}
	return feedSpecs(configs)
}

// defaultFeeds are the feeds of a node whose operator and administrators have named none.
func defaultFeeds() []FeedConfig {
	var list []FeedConfig
	for _, f := range feed.Formats() {
		list = append(list, FeedConfig{Name: f.Name, Format: f.Name})
	}
	return append(list, plainLists...)
}

// feedSpecsOf are the feeds that there are: those of the configuration file, which are pinned, and those that were set here.
// Where neither has any, there is one of each format.
func (c *Config) feedSpecsOf(s settings) ([]feedSpec, error) {
	if s.Feeds == nil {
		return feedSpecs(c.Feeds)
	}
	mine, err := feedList(*s.Feeds)
	if err != nil || len(c.Feeds) == 0 {
		return mine, err
	}
	out, err := feedSpecs(c.Feeds)
	for _, m := range mine {
		if !c.pinsFeed(m.name) && len(out) < maxFeeds {
			out = append(out, m)
		}
	}
	return out, err
}

// pinsFeed tells that the configuration file has the feed.
func (c *Config) pinsFeed(name string) bool {
	return slices.ContainsFunc(c.Feeds, func(f FeedConfig) bool { return f.Name == name })
}

// setFeeds are the feeds that may be changed here.
func (n *Node) setFeeds() []keptFeed {
	if list := n.set.get().Feeds; list != nil {
		return *list
	}
	var out []keptFeed
	if len(n.config.Feeds) == 0 {
		for _, c := range defaultFeeds() {
			out = append(out, keptFeed{Name: c.Name, Format: c.Format, Types: c.Types})
		}
	}
	return out
}

// FeedSetRequest makes a feed for sensors, or replaces the one of its name. What the configuration file has is not changed.
type FeedSetRequest struct {
	Feed          string   `json:"feed"` // its name, as it stands in its address
	Format        string   `json:"format"`
	TLP           string   `json:"tlp,omitempty"`            // the strictest marking that goes into it; default amber+strict
	Types         []string `json:"types,omitempty"`          // of values; none: all that the format carries
	MinConfidence int      `json:"min_confidence,omitempty"` // 0 to 100
	MinScore      int      `json:"min_score,omitempty"`      // 0 to 100
	Sources       []string `json:"sources,omitempty"`        // none: all
	New           bool     `json:"new,omitempty"`            // it has to be one that is not there yet
	DryRun        bool     `json:"dry_run,omitempty"`
}

// FeedRemoveRequest names a feed that was set here, or that there is because nobody has set any.
type FeedRemoveRequest struct {
	Feed   string `json:"feed"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// FeedChangeResponse says what became of a feed, or would.
type FeedChangeResponse struct {
	DryRun  bool     `json:"dry_run,omitempty"`
	New     bool     `json:"new,omitempty"`
	Removed bool     `json:"removed,omitempty"`
	Feed    FeedView `json:"feed"`
	Before  int64    `json:"before"` // entries that it had
	After   int64    `json:"after"`  // and that it has from now on
}

// SetFeed makes or replaces a feed. Its readers get it from their next request on.
func (n *Node) SetFeed(ctx context.Context, r FeedSetRequest) (*FeedChangeResponse, error) {
	k := keptFeed{Name: r.Feed, Format: r.Format, TLP: r.TLP, Types: eachOf(r.Types), MinConfidence: r.MinConfidence, MinScore: r.MinScore, Sources: r.Sources}
	spec, err := feedSpecOf(k.config())
	if err != nil {
		return nil, badInput("The feed "+quoteName(r.Feed)+" cannot be served.", err.Error()+".", "Correct it; 'entente feed set --help' has examples.")
	}
	if r.New && n.feeds.find(r.Feed) != nil {
		return nil, conflict("exists", "There is a feed "+quoteName(r.Feed)+" already.", "It would be replaced.", "Change that one, or choose another name.")
	}
	return n.changeFeeds(ctx, r.Feed, r.DryRun, &spec, func(list []keptFeed) []keptFeed {
		return with(list, k, func(f keptFeed) string { return f.Name })
	})
}

// RemoveFeed ends a feed: whoever asks for it is told that there is none.
func (n *Node) RemoveFeed(ctx context.Context, r FeedRemoveRequest) (*FeedChangeResponse, error) {
	return n.changeFeeds(ctx, r.Feed, r.DryRun, nil, func(list []keptFeed) []keptFeed {
		return slices.DeleteFunc(slices.Clone(list), func(f keptFeed) bool { return f.Name == r.Feed })
	})
}

// changeFeeds changes one feed; spec is how it is then, nil if it is no more.
func (n *Node) changeFeeds(ctx context.Context, name string, dry bool, spec *feedSpec, change func([]keptFeed) []keptFeed) (*FeedChangeResponse, error) {
	n.set.changing.Lock()
	defer n.set.changing.Unlock()
	if n.config.pinsFeed(name) {
		return nil, pinned("The feed " + quoteName(name))
	}
	old := n.feeds.find(name)
	if old == nil && spec == nil {
		return nil, notFound("There is no feed "+quoteName(name)+".", "List them with 'entente feed list'.")
	}
	list := change(n.setFeeds())
	if len(list)+len(n.config.Feeds) > maxFeeds {
		return nil, conflict("too-many", "There are too many feeds.", fmt.Sprintf("At most %d are served.", maxFeeds), "Remove one first.")
	}
	res := &FeedChangeResponse{DryRun: dry, New: old == nil, Removed: spec == nil}
	var err error
	if old != nil {
		res.Feed = old.spec.view(false)
		if res.Before, err = n.countFeed(ctx, &old.spec); err != nil {
			return nil, err
		}
	}
	if spec != nil {
		res.Feed = spec.view(false)
		if res.After, err = n.countFeed(ctx, spec); err != nil {
			return nil, err
		}
	}
	if dry {
		return res, nil
	}
	s := n.set.get()
	if list == nil {
		list = []keptFeed{}
	}
	s.Feeds = &list
	specs, err := n.config.feedSpecsOf(s)
	if err != nil {
		return nil, err
	}
	if err := n.set.put(s); err != nil {
		return nil, err
	}
	n.feeds.serve(specs)
	return res, nil
}

// countFeed counts what a feed has now.
func (n *Node) countFeed(ctx context.Context, s *feedSpec) (int64, error) {
	if err := n.intel.UpdateActive(ctx); err != nil {
		return 0, err
	}
	stand, err := (&feedState{spec: *s}).standings(ctx, n)
	if err != nil {
		return 0, err
	}
	count, now := int64(0), n.now()
	var last intel.Active
	for a, err := range n.intel.Active(ctx, 0, intel.ActiveBuckets) {
		if err != nil {
			return 0, err
		}
		if ok, _ := s.takes(&a, now); !ok || stand[a.Source].Low || count > 0 && last.Value == a.Value && s.format.Name != "csv" {
			continue
		}
		count, last = count+1, a
	}
	return count, nil
}
