package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/notify"
	"entente/internal/observable"
	"entente/internal/store"
	"entente/internal/watch/seen"
)

// Bounds on an operator's lists.
const (
	maxGuardFiles   = 256
	maxGuardEntries = 4_000_000 // of all lists together
	maxGuardAsked   = 1000      // values asked about at once
	maxGuardShown   = 10_000    // entries or values in one answer
)

// assetsList is what the assets of the configuration are called where lists are named.
const assetsList = "own asset"

// guardName is what a list's file may be called.
var guardName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(json|txt)$`)

func (l layout) guard() string { return filepath.Join(l.dir, "guard") }

// guards are the lists in the folder, as they were last read.
type guards struct {
	changing sync.Mutex // held while they change
	mu       sync.Mutex // of what follows
	files    []guardFile
}

// guardFile is one list in the folder.
type guardFile struct {
	name     string
	list     *guard.List // nil: it cannot be used
	err      error       // why
	problems guard.Problems
}

// guardChange is what is put in the place of a file, to see what would follow.
type guardChange struct {
	name    string
	content []byte // nil: the file is taken away
}

// readGuards reads the lists in the folder, as they are after a change that need not be on
// the disk, and makes the guard of them, of the facts and of the configuration. A list
// that cannot be used is told and left out.
func (n *Node) readGuards(change *guardChange) (*intel.Guard, []guardFile, error) {
	set := guard.Default(n.config.Guard.Without...)
	if assets := n.config.Guard.Assets; len(assets) > 0 {
		var err error
		if set, err = set.With(assetsList, assets...); err != nil {
			return nil, nil, badInput("guard.assets in the configuration cannot be read.", err.Error(), "Correct "+configPath(n.at.dir)+".")
		}
	}
	names, err := n.at.fs.ReadDir(n.at.guard())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return kindOf("guard/"+name) == fileLeft || change != nil && name == change.name
	})
	if change != nil && change.content != nil {
		names = append(names, change.name)
	}
	slices.Sort(names)
	var files []guardFile
	var lists []*guard.List
	entries := 0
	for _, name := range names {
		f := guardFile{name: name}
		switch {
		case !guardName.MatchString(name):
			f.err = errors.New("a list's file is called by letters, digits, hyphens, underscores and dots, and ends in .json or .txt")
		case len(files) == maxGuardFiles:
			return nil, nil, badInput("There are too many guard lists.", fmt.Sprintf("At most %d files are read from %s.", maxGuardFiles, n.at.guard()), "Put several lists into one, or remove some.")
		case change != nil && name == change.name:
			f.list, f.err = guard.ReadFile(name, bytes.NewReader(change.content))
		default:
			content, err := n.guardFile(name)
			if f.err = err; err == nil {
				f.list, f.err = guard.ReadFile(name, bytes.NewReader(content))
			}
		}
		if f.list != nil {
			if entries += len(f.list.Entries); entries > maxGuardEntries {
				entries -= len(f.list.Entries)
				f.list, f.err = nil, fmt.Errorf("the lists have more than %d entries together", maxGuardEntries)
			}
		}
		if f.list != nil {
			lists = append(lists, f.list)
		}
		files = append(files, f)
	}
	set, problems := set.Add(lists...)
	for i, at := 0, 0; i < len(files); i++ {
		if files[i].list != nil {
			files[i].problems = problems[at]
			at++
		}
	}
	return set, files, nil
}

// guardFile reads a list's file. What is no file is not opened: it may not end.
func (n *Node) guardFile(name string) ([]byte, error) {
	path := filepath.Join(n.at.guard(), name)
	info, err := n.at.fs.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file")
	}
	return store.ReadFile(n.at.fs, path, guard.MaxFileBytes)
}

// checkGuard looks at what the configuration says of the guard.
func checkGuard(c *Config) error {
	known := []string{guard.RulesList}
	for _, l := range guard.Facts() {
		known = append(known, l.Name)
	}
	for _, name := range c.Guard.Without {
		if !slices.Contains(known, name) {
			return badInput("guard.without in the configuration names no list of the program.", fmt.Sprintf("There is no list %.40q.", name), "Name some of "+strings.Join(known, ", ")+".")
		}
	}
	if p := c.Guard.Prevalence; p.Machines < 0 || p.Machines > 1_000_000_000 || p.Days < 0 || p.Days > seen.MaxDays {
		return badInput("guard.prevalence in the configuration cannot be used.", fmt.Sprintf("machines is 0 (for %d) or more, and days 0 (for %d) to %d.", defaultPrevalentMachines, defaultPrevalentDays, seen.MaxDays), "Correct it.")
	}
	if err := c.aging().Check(); err != nil {
		return badInput("guard.aging in the configuration cannot be used.", err.Error(), "Correct it.")
	}
	return nil
}

// AgingConfig is one rule under guard: aging: in the configuration. The first that fits a
// value holds.
type AgingConfig struct {
	// Types and Sources say which values it is for: types as in 'entente search', names of
	// imports and party ids; none: all.
	Types   []string `yaml:"types"`
	Sources []string `yaml:"sources"`
	// Days is for how long a value is good after its indicator's newest version; 0: as
	// long as the indicator says.
	Days int `yaml:"days"`
}

func (c *Config) aging() intel.Aging {
	var out intel.Aging
	for _, r := range c.Guard.Aging {
		rule := intel.AgingRule{Sources: r.Sources, For: time.Duration(min(max(r.Days, -1), 100_000)) * 24 * time.Hour}
		for _, t := range r.Types {
			rule.Types = append(rule.Types, observable.Type(t))
		}
		out = append(out, rule)
	}
	return out
}

// GuardLists lists what is guarded: the facts of the program, the assets of the
// configuration, and the operator's lists, with what of what is in use each keeps back.
func (n *Node) GuardLists(ctx context.Context) (*GuardListResponse, error) {
	behind, err := n.upToDate(ctx)
	if err != nil {
		return nil, err
	}
	holds := map[string]int64{}
	res := &GuardListResponse{Lists: []GuardList{}, Behind: behind}
	for g, err := range n.intel.Guarded(ctx) {
		if err != nil {
			return nil, err
		}
		holds[g.Hit.List]++
		res.Holds++
	}
	n.guards.mu.Lock()
	defer n.guards.mu.Unlock()
	for _, l := range n.intel.Guard().Lists() {
		if l.Builtin || l.Name == assetsList {
			res.Lists = append(res.Lists, guardListView(l, holds))
		}
	}
	if !slices.Contains(n.config.Guard.Without, guard.RulesList) {
		res.Lists = append(res.Lists, GuardList{Name: guard.RulesList, Builtin: true, Why: "public suffixes, very large blocks, domains above guarded names", Source: "publicsuffix.org; this program", Holds: holds[guard.RulesList]})
	}
	for _, f := range n.guards.files {
		v := GuardList{Name: f.name}
		if f.list != nil {
			v = guardListView(f.list, holds)
		}
		v.describe(&f)
		if info, err := n.at.fs.Stat(filepath.Join(n.at.guard(), f.name)); err == nil {
			v.Changed = info.ModTime()
		}
		res.Lists = append(res.Lists, v)
	}
	res.Without = n.config.Guard.Without
	return res, nil
}

func guardListView(l *guard.List, holds map[string]int64) GuardList {
	return GuardList{Name: l.Name, Builtin: l.Builtin, Why: l.Why, Source: l.Source, Type: string(l.Type), Version: l.Version,
		Description: l.Description, Entries: len(l.Entries), Holds: holds[l.Name]}
}

// listFault says what is wrong with a list, to somebody who knows that something is.
func listFault(err error) string {
	return strings.TrimPrefix(err.Error(), guard.ErrFile.Error()+": ")
}

func (v *GuardList) describe(f *guardFile) {
	v.Unused = f.problems.Count
	for _, err := range f.problems.First {
		v.Problems = append(v.Problems, err.Error())
	}
	if f.err != nil {
		v.Fault = listFault(f.err)
	}
}

// GuardShow gives the entries of one list, a page of them.
func (n *Node) GuardShow(ctx context.Context, r GuardShowRequest) (*GuardShowResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	for _, l := range n.intel.Guard().Lists() {
		if l.Name != r.Name {
			continue
		}
		limit := r.Limit
		if limit == 0 {
			limit = 1000
		}
		from := min(max(r.Offset, 0), len(l.Entries))
		to := min(from+min(limit, maxGuardShown), len(l.Entries))
		return &GuardShowResponse{List: guardListView(l, nil), Offset: from, Entries: slices.Clone(l.Entries[from:to])}, ctx.Err()
	}
	return nil, notFound(fmt.Sprintf("No guard list that is in use is called %.80q.", r.Name), "List them with 'entente guard list'.")
}

// GuardTest tells of values whether they are guarded, by which lists and entries and why.
func (n *Node) GuardTest(ctx context.Context, r GuardTestRequest) (*GuardTestResponse, error) {
	if len(r.Values) == 0 || len(r.Values) > maxGuardAsked {
		return nil, badInput("No value is asked about, or too many.", fmt.Sprintf("It is 1 to %d at once.", maxGuardAsked), "Give values, as in 'entente guard test 8.8.8.8 example.com'.")
	}
	set := n.intel.Guard()
	res := &GuardTestResponse{Results: []GuardTested{}}
	for _, text := range r.Values {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := observable.Parse(text)
		if err != nil {
			return nil, badInput("A value cannot be read.", err.Error(), "Give a domain, an address, a block, a URL, an e-mail address or a hash; or with its type, as in file-name:x.")
		}
		t := GuardTested{Value: v.Text, Type: string(v.Type)}
		if first, ok := set.Match(v); ok {
			t.Guarded = true
			hits := []guard.Hit{first}
			if len(r.Values) == 1 { // looking at every list takes its time
				hits = set.Explain(v)
			}
			for _, h := range hits {
				t.Hits = append(t.Hits, hitView(h))
			}
		}
		res.Results = append(res.Results, t)
	}
	return res, nil
}

func hitView(h guard.Hit) GuardHit {
	return GuardHit{List: h.List, Source: h.Source, Entry: h.Entry, Relation: string(h.Relation), Why: h.Why, Text: h.String()}
}

// GuardHeld lists what the guard keeps from sensors of what is accepted here.
func (n *Node) GuardHeld(ctx context.Context, r GuardHeldRequest) (*GuardHeldResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	behind, err := n.upToDate(ctx)
	if err != nil {
		return nil, err
	}
	limit := r.Limit
	if limit == 0 {
		limit = 1000
	}
	res := &GuardHeldResponse{Held: []GuardHeld{}, Behind: behind}
	for g, err := range n.intel.Guarded(ctx) {
		if err != nil {
			return nil, err
		}
		if r.List != "" && g.Hit.List != r.List {
			continue
		}
		if res.Total++; len(res.Held) < min(limit, maxGuardShown) {
			res.Held = append(res.Held, heldView(&g, n.sourceName(g.Source)))
		}
	}
	return res, nil
}

func heldView(g *intel.Guarded, source string) GuardHeld {
	return GuardHeld{ID: g.ID, Name: g.Name, Source: source, Value: g.Value.Text, Type: string(g.Value.Type), Hit: hitView(g.Hit)}
}

// AddGuardList puts a list into the folder, in the place of one of the same name, and in
// force. A list of which nothing can be used is refused.
func (n *Node) AddGuardList(ctx context.Context, r GuardAddRequest, data io.Reader, _ func(Progress)) (*GuardChangeResponse, error) {
	if !guardName.MatchString(r.Name) {
		return nil, badInput("The list cannot be called this.", "Its name becomes that of a file: up to 64 letters, digits, hyphens, underscores and dots, and .json (a MISP warning list) or .txt (an entry a line) at its end.", "Give one with --name, as in --name partners.txt.")
	}
	content, err := io.ReadAll(io.LimitReader(data, guard.MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	l, err := guard.ReadFile(r.Name, bytes.NewReader(content))
	if err != nil {
		return nil, badInput("The list cannot be used.", listFault(err), "Give a MISP warning list in JSON, or a text with an entry a line.")
	}
	if _, problems := guard.Empty().Add(l); problems[0].Count == len(l.Entries) {
		return nil, badInput("None of the list's entries can be used.", problems[0].First[0].Error(), "Correct it.")
	}
	return n.changeGuard(ctx, &guardChange{r.Name, content}, r.DryRun)
}

// RemoveGuardList takes a list out of the folder and out of force.
func (n *Node) RemoveGuardList(ctx context.Context, r GuardRemoveRequest) (*GuardChangeResponse, error) {
	there := false
	if guardName.MatchString(r.Name) {
		var err error
		if there, err = n.at.exists(filepath.Join(n.at.guard(), r.Name)); err != nil {
			return nil, err
		}
	}
	if !there {
		next := "List them with 'entente guard list'."
		if slices.ContainsFunc(n.intel.Guard().Lists(), func(l *guard.List) bool { return l.Builtin && l.Name == r.Name }) {
			next = fmt.Sprintf("It ships with the program: leave it out with guard: {without: [%s]} in %s, and start the node again.", r.Name, configPath(n.at.dir))
		}
		return nil, notFound(fmt.Sprintf("No list in the guard folder is called %.80q.", r.Name), next)
	}
	return n.changeGuard(ctx, &guardChange{name: r.Name}, r.DryRun)
}

// UpdateGuard reads the folder again, after lists in it were changed by other means. If
// one of them cannot be used, nothing changes.
func (n *Node) UpdateGuard(ctx context.Context, r GuardUpdateRequest) (*GuardChangeResponse, error) {
	return n.changeGuard(ctx, nil, r.DryRun)
}

// changeGuard puts the lists in force as they are after a change.
func (n *Node) changeGuard(ctx context.Context, change *guardChange, dry bool) (*GuardChangeResponse, error) {
	n.guards.changing.Lock()
	defer n.guards.changing.Unlock()
	set, files, err := n.readGuards(change)
	if err != nil {
		return nil, err
	}
	for i := range files {
		// A list that is broken since longer must not keep another from being mended.
		if f := &files[i]; f.err != nil && (change == nil || f.name == change.name) {
			return nil, badInput("The guard stays as it is: the list "+quoteName(f.name)+" cannot be used.", listFault(f.err), "Correct it in "+n.at.guard()+", or take it away with 'entente guard remove'.")
		}
	}
	res := &GuardChangeResponse{DryRun: dry, Lists: []GuardList{}}
	for i := range files {
		if change != nil && files[i].name != change.name {
			continue
		}
		v := GuardList{Name: files[i].name}
		if files[i].list != nil {
			v = guardListView(files[i].list, nil)
		}
		v.describe(&files[i])
		res.Lists = append(res.Lists, v)
	}
	if err := n.follows(ctx, set, res); err != nil || dry {
		return res, err
	}
	if change != nil {
		path := filepath.Join(n.at.guard(), change.name)
		if change.content == nil {
			err = n.at.remove(path)
		} else {
			err = n.at.write(path, change.content)
		}
		if err != nil {
			return nil, fmt.Errorf("changing the guard's lists: %w", err)
		}
	}
	n.guards.mu.Lock()
	n.guards.files = files
	n.guards.mu.Unlock()
	n.intel.SetGuard(set)
	res.Behind, err = n.upToDate(ctx)
	return res, err
}

// follows tells what another guard would change of what sensors are given.
func (n *Node) follows(ctx context.Context, set *intel.Guard, res *GuardChangeResponse) error {
	var err error
	if res.Behind, err = n.upToDate(ctx); err != nil {
		return err
	}
	for a, err := range n.intel.Active(ctx, 0, intel.ActiveBuckets) {
		if err != nil {
			return err
		}
		if h, ok := set.Match(a.Value); ok {
			if res.TakenOut++; len(res.First) < 20 {
				res.First = append(res.First, heldView(&intel.Guarded{ID: a.ID, Name: a.Name, Value: a.Value, Hit: h}, n.sourceName(a.Source)))
			}
		}
	}
	for g, err := range n.intel.Guarded(ctx) {
		if err != nil {
			return err
		}
		if _, ok := set.Match(g.Value); !ok && g.Hit.List != intel.FalsePositives && g.Hit.List != intel.Prevalent {
			res.ComeBack++
		}
	}
	return nil
}

// guardNeeds are the lists that cannot be used: what they name is not guarded.
func (n *Node) guardNeeds() []notify.Item {
	n.guards.mu.Lock()
	defer n.guards.mu.Unlock()
	var out []notify.Item
	for _, f := range n.guards.files {
		if f.err != nil {
			out = append(out, notify.Item{Code: notify.ItemGuardList, Word: f.name, Detail: listFault(f.err)})
		}
	}
	return out
}
