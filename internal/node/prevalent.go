package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"entente/internal/intel"
	"entente/internal/notify"
	"entente/internal/observable"
	"entente/internal/watch/seen"
	"entente/stix"
)

const (
	// defaultPrevalentMachines and defaultPrevalentDays are from when on a value is seen everywhere, where the configuration says nothing.
	defaultPrevalentMachines, defaultPrevalentDays = 1000, 3
	// maxPrevalent is the most values that are told of as seen everywhere; beyond, what is decided on longest ago is forgotten.
	maxPrevalent = 10_000
)

// PrevalenceConfig is guard: prevalence: in the configuration: a value that is seen at so many different machines of this party's
// own on so many days, of the last 31, is kept from sensors until a person looks.
type PrevalenceConfig struct {
	Machines int  `yaml:"machines"` // 0: 1,000
	Days     int  `yaml:"days"`     // 0: 3
	Off      bool `yaml:"off"`
}

func (c *Config) prevalence() (machines int64, days int) {
	p := c.Guard.Prevalence
	machines, days = int64(p.Machines), p.Days
	if machines == 0 {
		machines = defaultPrevalentMachines
	}
	if days == 0 {
		days = defaultPrevalentDays
	}
	return machines, days
}

// prevalent is what is seen everywhere, in the order in which it was found.
type prevalent struct {
	mu   sync.Mutex
	list []PrevalentValue
}

type prevalentFile struct {
	V      int              `json:"v"`
	Values []PrevalentValue `json:"values"`
}

func (l layout) prevalent() string { return filepath.Join(l.dir, "prevalent.json") }

func (v *PrevalentValue) value() observable.Value {
	return observable.Value{Type: observable.Type(v.Type), Text: v.Value}
}

// why is the reason for people, where a guard's reasons stand.
func (v *PrevalentValue) why() string {
	return fmt.Sprintf("it was seen at %d machines of this party's own in a day, on %d days", v.Machines, v.Days)
}

// openPrevalent reads what is seen everywhere, and puts it in force.
func (n *Node) openPrevalent(ctx context.Context) error {
	var f prevalentFile
	if ok, err := n.at.readJSON(n.at.prevalent(), &f); err != nil || !ok {
		return err
	}
	if f.V != 1 || len(f.Values) > maxPrevalent {
		return fmt.Errorf("%s has version %d and %d values, which this program does not write", n.at.prevalent(), f.V, len(f.Values))
	}
	p := &n.prevalent
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = f.Values
	var all []observable.Value
	var ids []string
	for i := range p.list {
		all, ids = append(all, p.list[i].value()), append(ids, p.list[i].Indicator)
	}
	return n.intel.SetEverywhere(ctx, p.inForce(), ids, all)
}

func (p *prevalent) inForce() map[observable.Value]string {
	out := map[observable.Value]string{}
	for i := range p.list {
		if v := &p.list[i]; v.State != PrevalentReleased {
			out[v.value()] = v.why()
		}
	}
	return out
}

// keep makes a list durable, and then puts it in force. p.mu must be held.
func (n *Node) keepPrevalent(ctx context.Context, list []PrevalentValue, ids []string, changed ...observable.Value) error {
	if len(list) > maxPrevalent {
		oldest := 0
		for i := range list {
			if list[i].State != PrevalentHeld && (list[oldest].State == PrevalentHeld || list[i].Decided.Before(list[oldest].Decided)) {
				oldest = i
			}
		}
		list = slices.Delete(list, oldest, oldest+1)
	}
	if err := n.at.writeJSON(n.at.prevalent(), prevalentFile{1, list}); err != nil {
		return err
	}
	n.prevalent.list = list
	n.watched.changed()
	return n.intel.SetEverywhere(ctx, n.prevalent.inForce(), ids, changed)
}

// lookWidely looks whether values that watchers reported are seen everywhere by now.
func (n *Node) lookWidely(ctx context.Context, values map[observable.Value]PrevalentValue) error {
	p := &n.prevalent
	p.mu.Lock()
	defer p.mu.Unlock()
	list := slices.Clone(p.list)
	var ids []string
	var changed []observable.Value
	for v, found := range values {
		if i := slices.IndexFunc(list, func(x PrevalentValue) bool { return x.value() == v }); i >= 0 {
			continue // whatever was decided on it holds
		}
		found.State, found.Since = PrevalentHeld, n.now().UTC()
		list, ids, changed = append(list, found), append(ids, found.Indicator), append(changed, v)
		n.opts.Log.Warn("a value is seen at so many machines that it is kept from sensors until somebody looks", "type", string(v.Type), "machines", found.Machines, "days", found.Days)
	}
	if len(changed) == 0 {
		return nil
	}
	return n.keepPrevalent(ctx, list, ids, changed...)
}

// takeSpreads takes in at how many machines watchers saw values. The lock of the sightings must be held.
func (n *Node) takeSpreads(s *sightings, spreads []seen.Spread) (fresh []seen.Spread, wide map[observable.Value]PrevalentValue, full bool) {
	machines, days := n.config.prevalence()
	wide = map[observable.Value]PrevalentValue{}
	for _, x := range spreads {
		anew, err := s.spreads.Take(x)
		full = full || errors.Is(err, seen.ErrFull)
		if len(anew) == 0 {
			continue
		}
		x.Hashes = anew
		fresh = append(fresh, x)
		if n.config.Guard.Prevalence.Off {
			continue
		}
		if on, most := s.spreads.Widely(x.Value, machines); on >= days {
			wide[x.Value] = PrevalentValue{Value: x.Value.Text, Type: string(x.Value.Type), Indicator: x.Indicator, Machines: most, Days: on}
		}
	}
	return fresh, wide, full
}

// GuardPrevalent lists the values that this party sees everywhere, what nobody has looked at first.
func (n *Node) GuardPrevalent(_ context.Context) (*GuardPrevalentResponse, error) {
	machines, days := n.config.prevalence()
	res := &GuardPrevalentResponse{Machines: machines, Days: days, Off: n.config.Guard.Prevalence.Off, Values: []PrevalentValue{}}
	n.prevalent.mu.Lock()
	defer n.prevalent.mu.Unlock()
	res.Values = append(res.Values, n.prevalent.list...)
	slices.SortStableFunc(res.Values, func(a, b PrevalentValue) int {
		if (a.State == PrevalentHeld) != (b.State == PrevalentHeld) {
			if a.State == PrevalentHeld {
				return -1
			}
			return 1
		}
		return b.Since.Compare(a.Since)
	})
	return res, nil
}

// ReviewPrevalent decides on a value that is seen everywhere: it stays out of what sensors are given, or comes back, and may be
// decided otherwise at any time.
func (n *Node) ReviewPrevalent(ctx context.Context, r PrevalentReviewRequest) (*PrevalentValue, error) {
	if !utf8.ValidString(r.Note) || utf8.RuneCountInString(r.Note) > maxStatedNote {
		return nil, badInput("The note is too long.", fmt.Sprintf("A note has at most %d characters.", maxStatedNote), "Shorten it.")
	}
	v := observable.Value{Type: seen.Pattern, Text: r.Value}
	if !strings.HasPrefix(r.Value, "[") && !strings.HasPrefix(r.Value, "(") {
		var err error
		if v, err = observable.Parse(r.Value); err != nil {
			return nil, badInput("The value cannot be understood.", err.Error(), "Give it as 'entente guard prevalent' shows it.")
		}
	}
	p := &n.prevalent
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.list, func(x PrevalentValue) bool { return x.value() == v })
	if i < 0 {
		return nil, notFound(fmt.Sprintf("%.80q is not held because it is seen everywhere.", r.Value), "See what is with 'entente guard prevalent'.")
	}
	list := slices.Clone(p.list)
	x := &list[i]
	x.State, x.Note, x.Decided, x.By = PrevalentKept, r.Note, n.now().UTC(), personOf(r.asker()).Name
	if r.Release {
		x.State = PrevalentReleased
	}
	out := *x
	if r.DryRun {
		return &out, nil
	}
	if err := n.keepPrevalent(ctx, list, []string{x.Indicator}, v); err != nil {
		return nil, err
	}
	if _, err := n.upToDate(ctx); err != nil {
		return nil, err
	}
	return &out, nil
}

// prevalentNeed tells how many values that are seen everywhere nobody has looked at.
func (n *Node) prevalentNeed() (notify.Item, bool) {
	n.prevalent.mu.Lock()
	defer n.prevalent.mu.Unlock()
	count := 0
	var since time.Time
	for i := range n.prevalent.list {
		if x := &n.prevalent.list[i]; x.State == PrevalentHeld {
			if count++; since.IsZero() || x.Since.Before(since) {
				since = x.Since
			}
		}
	}
	return notify.Item{Code: notify.ItemGuardPrevalent, Count: count, Since: since, Urgency: "routine"}, count > 0
}

// tellOriginators shares a statement with each unit that the indicator came from, through the gate.
func (n *Node) tellOriginators(ctx context.Context, r FalsePositiveRequest, opinion string) ([]TellOriginator, error) {
	units := map[string]map[string]bool{} // the parties of each
	for f, err := range n.intel.Select(ctx, intel.Query{ID: r.ID}) {
		if err != nil {
			return nil, queryError(err)
		}
		for _, p := range f.Provenance {
			if p.From == "" || p.Unit == "" || p.State != intel.Accepted {
				continue
			}
			if units[string(p.Unit)] == nil {
				units[string(p.Unit)] = map[string]bool{}
			}
			units[string(p.Unit)][n.sourceName(string(p.From))] = true
		}
	}
	out := []TellOriginator{}
	for _, id := range slices.Sorted(maps.Keys(units)) {
		x := TellOriginator{Unit: id, To: slices.Sorted(maps.Keys(units[id]))}
		res, err := n.Share(ctx, ShareRequest{Acting: r.Acting, Unit: id, IDs: []string{opinion}}, nil)
		var gate *GateError
		switch {
		case errors.As(err, &gate):
			x.Decision = &gate.Decision
		case err != nil:
			return out, err
		default:
			if x.Shared = res.Shared > 0; !x.Shared && len(res.Refused) > 0 {
				x.Decision = &res.Refused[0].Decision
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// maxDisputes is the most statements of partners that are told of.
const maxDisputes = 1000

// GuardDisputes lists what partners state to be false positives of what was imported here: who gave an indicator may take it back. It
// takes nothing from sensors and counts against no source.
func (n *Node) GuardDisputes(ctx context.Context) (*GuardDisputesResponse, error) {
	behind, err := n.upToDate(ctx)
	if err != nil {
		return nil, err
	}
	res := &GuardDisputesResponse{Disputes: []GuardDispute{}, Behind: behind}
	list, err := n.disputes(ctx, maxDisputes)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		for f, err := range n.intel.Select(ctx, intel.Query{ID: d.Opinion}) {
			if err != nil {
				return nil, queryError(err)
			}
			if len(f.Provenance) > 0 {
				d.By, d.At = n.sourceName(f.Provenance[0].Source), f.Provenance[0].At
			}
			d.Note = memberText(f.Raw, "explanation")
			break
		}
		res.Disputes = append(res.Disputes, d)
	}
	slices.SortStableFunc(res.Disputes, func(a, b GuardDispute) int { return b.At.Compare(a.At) })
	return res, nil
}

// disputes are those that stand, of indicators that were imported here.
func (n *Node) disputes(ctx context.Context, most int) ([]GuardDispute, error) {
	all, err := n.intel.Disputes(ctx, most)
	if err != nil {
		return nil, err
	}
	var out []GuardDispute
	for _, d := range all {
		raw, err := n.intel.NewestHere(ctx, d.Indicator)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			continue
		}
		x := GuardDispute{Indicator: d.Indicator, Opinion: d.Opinion}
		if x.Name, x.Source, err = n.standing(ctx, d.Indicator); err != nil {
			return nil, err
		}
		if x.Source != "" {
			out = append(out, x)
		}
	}
	return out, nil
}

// standing gives the name of an indicator and its source, which is empty if it was taken back or is not accepted.
func (n *Node) standing(ctx context.Context, id string) (name, source string, err error) {
	newest := ""
	for f, err := range n.intel.Select(ctx, intel.Query{ID: id}) {
		if err != nil {
			return "", "", queryError(err)
		}
		if f.Version < newest {
			continue
		}
		newest, name, source = f.Version, memberText(f.Raw, "name"), ""
		if len(f.Provenance) > 0 && !isRevoked(f.Raw) {
			source = n.sourceName(f.Provenance[0].Source)
		}
	}
	return name, source, nil
}

// maxDisputesNeeded is how many statements of partners a status looks at.
const maxDisputesNeeded = 100

// disputeNeed tells how many indicators of this party partners state to be false positives.
func (n *Node) disputeNeed() (notify.Item, bool) {
	list, err := n.disputes(context.Background(), maxDisputesNeeded)
	if err != nil {
		n.opts.Log.Warn("what partners state to be false positives cannot be read", "err", err)
		return notify.Item{}, false
	}
	which := map[string]bool{}
	for _, d := range list {
		which[d.Indicator] = true
	}
	return notify.Item{Code: notify.ItemGuardDisputed, Count: len(which), Urgency: "routine"}, len(which) > 0
}

// memberText is a text of an object, "" if it has none.
func memberText(raw []byte, name string) string {
	o, err := stix.Parse(raw)
	if err != nil {
		return ""
	}
	v, _ := o.Get(name)
	text, _ := v.Text()
	return text
}

func isRevoked(raw []byte) bool {
	o, err := stix.Parse(raw)
	return err == nil && o.Revoked
}
