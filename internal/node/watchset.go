package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"entente/internal/intel"
	"entente/internal/observable"
)

const (
	// maxWatchWait is the longest that a watcher's question is left open.
	maxWatchWait = 60 // seconds
	// watchBeat is how often it is looked at whether something changed, while a watcher waits: what is new has to be
	// watched for within a second.
	watchBeat = 400 * time.Millisecond
	// watchWhile is how long what was left to do is worked off before a watcher is told what came of it.
	watchWhile = 200 * time.Millisecond
)

// WatchSet writes what is to be watched for: each bucket that holds anything, or what changed since the watcher's
// last answer, by the indicator where that is asked for and remembered and by the bucket otherwise, a line of JSON each (WatchBucket), after a line that says which of the two (WatchSetHead). Log lines are only read, so what may be looked for goes into it, up to
// [intel.SensorCeiling], and patterns that ask for more than one value; what the guard keeps back and what was taken back is not in it. A value whose validity has not begun
// or is over is: the watcher holds it against the time of the event.
func (n *Node) WatchSet(ctx context.Context, r WatchSetRequest, w io.Writer) (*WatchSetResponse, error) {
	if r.Wait < 0 || r.Wait > maxWatchWait {
		return nil, badInput("The question cannot wait so long.", fmt.Sprintf("wait is 0 to %d seconds.", maxWatchWait), "Ask again when the answer says that nothing changed.")
	}
	run := *n.watching.name.Load()
	out := &WatchSetResponse{Run: run, Whole: r.Run != run}
	since := r.Since
	if out.Whole {
		since = 0
	}
	last, buckets, behind, err := n.watchChange(ctx, since, r.Assets, out.Whole, time.Duration(r.Wait)*time.Second)
	if err != nil {
		return nil, err
	}
	head := WatchSetHead{Whole: out.Whole}
	file, _, mark, err := n.assetsNow()
	if err != nil {
		return nil, err
	}
	if head.Mark = mark; r.Assets != mark {
		for _, a := range file.Assets {
			head.Assets = append(head.Assets, WatchAsset{ID: a.ID, Names: a.Names, Prefixes: a.Prefixes})
		}
	}
	out.Change = last
	line := func(v any) error {
		if err := json.MarshalWrite(w, v); err != nil {
			return fmt.Errorf("writing what is watched for: %w", err)
		}
		if _, err := w.Write([]byte{'\n'}); err != nil {
			return fmt.Errorf("writing what is watched for: %w", err)
		}
		return nil
	}
	if err := line(head); err != nil {
		return nil, err
	}
	told := watchLine{behind: behind, keepsBack: n.intel.KeepsBack, WatchBucket: WatchBucket{Values: []WatchValue{}}}
	tell := func(empty bool) error {
		if len(told.Values)+len(told.Patterns) == 0 && !empty {
			return nil
		}
		out.Buckets++
		out.Values += int64(len(told.Values))
		out.Patterns += int64(len(told.Patterns))
		return line(&told.WatchBucket)
	}
	var moves []intel.Move
	narrow := r.ByIndicator && !out.Whole
	if narrow {
		moves, narrow = n.intel.ActiveMoves(since)
	}
	if narrow {
		for m, err := range n.intel.Moved(ctx, moves) {
			if err != nil {
				return nil, err
			}
			told.begin(m.Bucket, m.ID)
			for i := range m.Values {
				told.value(&m.Values[i])
			}
			if m.Pattern != nil {
				told.pattern(m.Pattern)
			}
			if err := tell(true); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	for b, changed := range buckets {
		if changed <= since {
			continue
		}
		told.begin(b, "")
		for a, err := range n.intel.Active(ctx, b, b+1) {
			if err != nil {
				return nil, err
			}
			told.value(&a)
		}
		for p, err := range n.intel.Patterns(ctx, b, b+1) {
			if err != nil {
				return nil, err
			}
			told.pattern(&p)
		}
		if err := tell(!out.Whole); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// watchLine is a line under way.
type watchLine struct {
	WatchBucket
	behind    bool // more was not worked off: what the guard keeps back by now may be among what is given
	keepsBack func(bucket int, a *intel.Active) bool
}

func (l *watchLine) begin(bucket int, indicator string) {
	l.WatchBucket = WatchBucket{Bucket: bucket, Indicator: indicator, Values: l.Values[:0], Patterns: l.Patterns[:0]}
}

func (l *watchLine) value(a *intel.Active) {
	if a.Places != 0 && intel.SensorCeiling.Allows(a.TLP, a.PAP) && !(l.behind && l.keepsBack(l.Bucket, a)) {
		l.Values = append(l.Values, watchValue(a))
	}
}

func (l *watchLine) pattern(p *intel.ActivePattern) {
	if intel.SensorCeiling.Allows(p.TLP, p.PAP) {
		l.Patterns = append(l.Patterns, WatchPattern{Pattern: p.Pattern, Indicator: p.ID, TLP: p.TLP.String(), From: p.From, Until: p.Until})
	}
}

// watchCatchUp is how long a watcher that has nothing waits at most until what sensors are given is up to date; then it is given what is there. One
// that has most of it waits watchWhile: what is new comes first, and little is told again.
const watchCatchUp = 5 * time.Second

// watchChange brings what sensors are given up to date and tells the last change of each bucket, as soon as there is one after
// since or the assets are others than those of a mark, or when the wait is over. It is behind if there is more that was not worked off: then
// what the guard keeps back by now may be among what is given.
func (n *Node) watchChange(ctx context.Context, since uint64, assets string, now bool, wait time.Duration) (last uint64, buckets *[intel.ActiveBuckets]uint64, behind bool, err error) {
	catchUp := watchWhile
	if now {
		catchUp = watchCatchUp
	}
	for {
		more, err := n.intel.UpdateActiveFor(ctx, catchUp)
		if err != nil {
			return 0, nil, false, err
		}
		last, err := n.intel.ActiveChange()
		if err != nil {
			return 0, nil, false, err
		}
		_, _, mark, err := n.assetsNow()
		if err != nil {
			return 0, nil, false, err
		}
		if now || last > since || assets != "" && mark != assets || wait <= 0 {
			last, buckets, err = n.intel.ActiveChanges()
			return last, buckets, more, err
		}
		if more {
			wait -= catchUp
			continue // what was worked off concerns no sensor
		}
		beat := min(watchBeat, wait)
		if wait -= beat; !sleep(ctx, beat) {
			return 0, nil, false, ctx.Err()
		}
	}
}

func watchValue(a *intel.Active) WatchValue {
	var places []string
	if a.Places != observable.AnyPlace {
		for p := range a.Places.All() {
			places = append(places, p.String())
		}
	}
	v := observable.Sought(a.Value, a.Places)
	return WatchValue{Type: string(v.Type), Value: v.Text, Places: places, Indicator: a.ID, Name: a.Name, TLP: a.TLP.String(), From: a.From, Until: a.Until, Confidence: a.Confidence}
}

// watchRun names one life of the index that changes are numbered in: they begin anew when it is made anew, so a watcher's
// number counts only with the run that gave it.
type watchRun struct{ name atomic.Pointer[string] }

// renew begins another run: whoever asks next is given the whole set.
func (r *watchRun) renew(random io.Reader) error {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return fmt.Errorf("naming what is watched for: %w", err)
	}
	name := hex.EncodeToString(b[:])
	r.name.Store(&name)
	return nil
}
