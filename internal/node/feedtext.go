package node

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"entente/internal/feed"
	"entente/internal/intel"
	"entente/internal/observable"
	"entente/journal"
)

// feeds holds the texts of the feeds in blocks, each packed: a block is made anew only
// when something in it changed or ran out, and packed texts one after another are one.
type feeds struct {
	mu   sync.Mutex   // of what follows, and of each feedState's text
	list []*feedState // another slice when feeds are changed
	held int64        // bytes of all blocks that are kept
}

// maxFeedBytes bounds the packed text that is kept of all feeds together; what is
// beyond it is made anew at each request.
const maxFeedBytes = 128 << 20

// blockRows is about how many rows a block is made of.
const blockRows = 256

// feedState is one feed and the text that is kept of it.
type feedState struct {
	spec feedSpec

	making sync.Mutex                // one request brings the text up to date, the others wait
	span   int                       // buckets a block
	stand  map[string]intel.Standing // of sources, as of the text; nil: the feed asks for no score
	synced uint64                    // the last change that is durable for sure, if its readers keep what they are given
	blocks []feedBlock
	digest [sha256.Size]byte // of all blocks
	serial uint32
	gone   bool   // it was changed or removed: no text of it is kept
	after  uint32 // the serial that a feed of this name had before it was changed
	packer packer
}

// feedBlock is the text of one block.
type feedBlock struct {
	made   bool
	change uint64    // the last change in its buckets when it was made
	until  time.Time // when it changes by the clock alone; zero: never
	n      int       // entries
	moved  time.Time // when the text changed last
	sum    [16]byte
	packed packedText
}

func newFeeds(specs []feedSpec) *feeds {
	f := &feeds{}
	f.serve(specs)
	return f
}

// serve replaces the feeds that there are. One that stays as it is keeps its text; the serial of one that is another
// goes on, so that its readers see that it has changed.
func (f *feeds) serve(specs []feedSpec) {
	var list, gone []*feedState
	for _, s := range specs {
		next := &feedState{spec: s}
		if old := f.find(s.name); old != nil && reflect.DeepEqual(old.spec.view(false), s.view(false)) {
			next = old
		} else if old != nil {
			old.making.Lock()
			next.after = max(old.serial, old.after)
			old.making.Unlock()
		}
		list = append(list, next)
	}
	f.mu.Lock()
	for _, old := range f.list {
		if !slices.Contains(list, old) {
			gone = append(gone, old)
		}
	}
	f.list = list
	f.mu.Unlock()
	for _, old := range gone {
		old.making.Lock() // whoever reads it reads to the end of what it was given
		f.drop(old)
		old.span, old.gone = 0, true
		old.making.Unlock()
	}
}

// all are the feeds that there are now.
func (f *feeds) all() []*feedState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list
}

func (f *feeds) find(name string) *feedState {
	for _, s := range f.all() {
		if s.spec.name == name {
			return s
		}
	}
	return nil
}

// feedText is a feed at one moment. It stays as it is while the feed goes on.
type feedText struct {
	head    packedText
	blocks  []packedText
	parts   []feedPart // of blocks
	span    int        // buckets a block
	stand   map[string]intel.Standing
	entries int64
	serial  uint32
	digest  [sha256.Size]byte
}

// current brings a feed up to date and gives its text.
func (f *feeds) current(ctx context.Context, n *Node, s *feedState) (*feedText, error) {
	if err := n.intel.UpdateActive(ctx); err != nil {
		return nil, err
	}
	s.making.Lock()
	defer s.making.Unlock()
	last, buckets, err := n.intel.ActiveChanges()
	if err != nil {
		return nil, err
	}
	counts, err := n.intel.ActiveCounts()
	if err != nil {
		return nil, err
	}
	stand, err := s.standings(ctx, n)
	if err != nil {
		return nil, err
	}
	if s.keeps() && (last != s.synced || !maps.Equal(stand, s.stand)) {
		if err := n.intel.SyncGiven(); err != nil {
			return nil, err
		}
		s.synced = last
	}
	if span := s.spanOf(counts); span != s.span {
		f.drop(s)
		s.span, s.blocks = span, make([]feedBlock, intel.ActiveBuckets/span)
	}
	if !maps.Equal(stand, s.stand) {
		s.stand = stand
		for i := range s.blocks {
			s.blocks[i].made = false // it stays known since when its text is as it is
		}
	}
	now := n.now()
	out := &feedText{span: s.span, stand: stand}
	sum := sha256.New()
	for i := range s.blocks {
		b := &s.blocks[i]
		change := uint64(0)
		for _, c := range buckets[i*s.span : (i+1)*s.span] {
			change = max(change, c)
		}
		if !b.made || b.change != change || !b.until.IsZero() && !now.Before(b.until) {
			fresh := feedBlock{made: true, change: change}
			if change > 0 || s.keeps() { // what is gone may be from before all was derived again
				if err := s.make(ctx, n, &fresh, i, now); err != nil {
					return nil, err
				}
			}
			fresh.moved = b.moved
			if fresh.sum != b.sum || b.moved.IsZero() {
				fresh.moved = now
				if !fresh.moved.After(b.moved.Add(time.Second)) {
					fresh.moved = b.moved.Add(time.Second)
				}
			}
			f.keep(b, fresh)
			out.add(i, &fresh, sum)
			continue
		}
		out.add(i, b, sum)
	}
	sum.Sum(out.digest[:0])
	if out.digest != s.digest || s.serial == 0 {
		s.digest = out.digest
		s.serial = max(s.serial+1, s.after+1, uint32(now.Unix()))
	}
	out.serial = s.serial
	if s.gone { // asked for before it was changed
		f.drop(s)
		s.span = 0
	}
	head := s.spec.format.Head(nil, feed.Meta{Name: "Entente feed " + s.spec.name, Serial: s.serial, TTL: 5 * time.Minute, TLP: s.spec.tlp})
	out.head, err = s.packer.pack(head)
	return out, err
}

// standings tells how sources stand with the feed, if it asks for a score.
func (s *feedState) standings(ctx context.Context, n *Node) (map[string]intel.Standing, error) {
	if s.spec.score == 0 {
		return nil, nil
	}
	return n.intel.Standings(ctx, s.spec.name, s.spec.score)
}

// feedPart says of a block what a reader of many files wants to know.
type feedPart struct {
	number, entries int
	moved           time.Time
}

func (t *feedText) add(i int, b *feedBlock, sum io.Writer) {
	_, _ = sum.Write(b.sum[:])
	t.entries += int64(b.n)
	if b.packed.size > 0 {
		t.blocks = append(t.blocks, b.packed)
		t.parts = append(t.parts, feedPart{i, b.n, b.moved})
	}
}

// keep puts a fresh block in the place of an old one, without its text where there
// is no room for it.
func (f *feeds) keep(old *feedBlock, fresh feedBlock) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held += int64(len(fresh.packed.data) - len(old.packed.data))
	*old = fresh
	if f.held > maxFeedBytes {
		f.held -= int64(len(old.packed.data))
		old.packed, old.made = packedText{}, false
	}
}

// drop forgets the text of a feed.
func (f *feeds) drop(s *feedState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range s.blocks {
		f.held -= int64(len(s.blocks[i].packed.data))
	}
	s.blocks = nil
}

// keeps tells that readers of the feed keep what they were given, until they are told that it is gone.
func (s *feedState) keeps() bool { return s.spec.format.Name == "misp" }

// spanOf tells how many buckets a block has, a power of two, so that it has about
// blockRows rows. Those of a MISP feed never change: a reader has to find a value in the event where it met it.
func (s *feedState) spanOf(counts map[observable.Type]int64) int {
	if s.keeps() {
		return 1
	}
	rows := int64(0)
	for _, t := range s.spec.format.Types {
		rows += counts[t]
	}
	span := intel.ActiveBuckets
	for span > 1 && rows*int64(span)/intel.ActiveBuckets > blockRows {
		span /= 2
	}
	return span
}

// make writes the text of block i.
func (s *feedState) make(ctx context.Context, n *Node, b *feedBlock, i int, now time.Time) error {
	var entries []feed.Entry
	var past []intel.Gone // what has run out
	var err error
	names := map[string]string{} // of sources, since neighbours mostly have the same
	for a, err := range n.intel.Active(ctx, i*s.span, (i+1)*s.span) {
		if err != nil {
			return err
		}
		ok, until := s.spec.takes(&a, now)
		if !until.IsZero() && (b.until.IsZero() || until.Before(b.until)) {
			b.until = until
		}
		stand := s.stand[a.Source]
		if !ok || stand.Low {
			if !ok && !a.Until.IsZero() && !now.Before(a.Until) {
				past = append(past, intel.Gone{Active: a, When: a.Until})
			} else if ok && !stand.Since.IsZero() {
				past = append(past, intel.Gone{Active: a, When: stand.Since})
			}
			continue
		}
		if stand.Since.After(a.Changed) {
			a.Changed = stand.Since
		}
		if k := len(entries); k > 0 && entries[k-1].Value == a.Value && s.spec.format.Name != "csv" {
			continue // another indicator says the same
		}
		name, known := names[a.Source]
		if !known {
			name = n.sourceName(a.Source)
			names[a.Source] = name
		}
		entries = append(entries, feed.Entry{Value: a.Value, ID: a.ID, Name: a.Name, TLP: a.TLP, PAP: a.PAP.Label(), From: a.From, Until: a.Until, Changed: a.Changed,
			Confidence: a.Confidence, Source: name})
	}
	b.n = len(entries)
	if s.keeps() {
		if entries, err = s.withGone(ctx, n, b, i, entries, past, now); err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return nil
	}
	text := s.spec.format.Block(nil, entries)
	sum := sha256.Sum256(text)
	b.sum = [16]byte(sum[:16])
	b.packed, err = s.packer.pack(text)
	return err
}

// withGone adds what has left the block of a feed lately, for readers that keep what they once had. A value that is there
// all the same, by another indicator, has changed since.
func (s *feedState) withGone(ctx context.Context, n *Node, b *feedBlock, i int, entries []feed.Entry, past []intel.Gone, now time.Time) ([]feed.Entry, error) {
	for g, err := range n.intel.Gone(ctx, i*s.span, (i+1)*s.span) {
		if err != nil {
			return nil, err
		}
		past = append(past, g)
	}
	at := make(map[observable.Value]int, len(entries))
	for k := range entries {
		at[entries[k].Value] = k
	}
	for _, g := range past {
		end := g.When.Add(intel.GoneFor)
		if !s.spec.allows(&g.Active) || !now.Before(end) {
			continue
		}
		if b.until.IsZero() || end.Before(b.until) {
			b.until = end
		}
		k, known := at[g.Value]
		switch {
		case !known:
			at[g.Value] = len(entries)
			entries = append(entries, feed.Entry{Value: g.Value, ID: g.ID, TLP: g.TLP, PAP: g.PAP.Label(), From: g.From, Changed: g.Changed, Gone: g.When, Closed: g.Closed})
		case !entries[k].Gone.IsZero():
			if entries[k].Gone.Before(g.When) {
				entries[k].Gone = g.When
			}
			entries[k].Closed = entries[k].Closed || g.Closed
		case !entries[k].Changed.After(g.When):
			entries[k].Changed = g.When.Add(time.Second)
		}
	}
	return entries, nil
}

// sourceName gives the name of a member for its party id, or the name of an import.
func (n *Node) sourceName(source string) string {
	p := journal.PartyID(source)
	for _, l := range n.units() {
		if name := l.nameOf(p); name != p.Short() {
			return name
		}
	}
	return source
}

// writePacked writes the feed as gzip.
func (t *feedText) writePacked(w io.Writer) error {
	return writeGzip(w, append([]packedText{t.head}, t.blocks...))
}

// writePlain writes the feed as it is.
func (t *feedText) writePlain(w io.Writer) error {
	for _, part := range append([]packedText{t.head}, t.blocks...) {
		if part.size == 0 {
			continue
		}
		if _, err := io.Copy(w, part.reader()); err != nil { //nolint:gosec // our own text
			return err
		}
	}
	return nil
}

// tag names the text: the same tag, the same entries. The serial in the head may
// differ after a restart, so the tag is a weak one (RFC 9110 §8.8.1).
func (t *feedText) tag(s *feedState) string {
	sum := sha256.Sum256(append([]byte(s.spec.format.Name+"\x00"+s.spec.tlp.String()+"\x00"), t.digest[:]...))
	return fmt.Sprintf(`W/"%x"`, sum[:16])
}
