package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"time"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"

	"github.com/google/uuid"
)

// Bounds of one share entry: so many objects, and so many bytes before
// compression, go into one payload. More becomes several entries.
const (
	shareObjects = 10000
	shareBytes   = 12 << 20
	maxListed    = 1000
)

// sharedObject is one object on its way out.
type sharedObject struct {
	id, typ string
	tlp     stix.TLP  // none: unmarked
	stated  stix.TLP  // what the importer stated for an unmarked object
	pap     stix.PAP  // none: unmarked
	ours    bool      // it was imported here, and did not only come from partners
	since   time.Time // from when on an indicator is valid; zero unless the accord asks
	raw     []byte
}

// counted is what an entry's body says of objects.
type counted struct {
	objects  int64
	unmarked int64
	types    map[string]int64
	tlp      stix.TLP
	stated   stix.TLP  // the strictest statement for unmarked objects
	unstated bool      // nobody stated anything for one of them
	oldest   time.Time // of the indicators, if the accord asks
	bytes    int64
	pap      stix.PAP // the strictest
	papless  bool     // one of them says nothing of PAP
}

func count(objs []sharedObject) counted {
	c := counted{types: map[string]int64{}}
	for _, o := range objs {
		c.add(o)
	}
	return c
}

func (c *counted) add(o sharedObject) {
	c.objects++
	c.types[o.typ]++
	c.bytes += int64(len(o.raw))
	c.oldest = older(c.oldest, o.since)
	c.pap, c.papless = max(c.pap, o.pap), c.papless || o.pap == stix.PAPNone
	if o.tlp == stix.TLPNone {
		c.unmarked++
		c.stated = max(c.stated, o.stated)
		c.unstated = c.unstated || o.stated == stix.TLPNone
	} else {
		c.tlp = max(c.tlp, o.tlp)
	}
}

// papAmong is the strictest PAP label, where what has none counts as the accord says; empty if none has any, which the
// gate knows by itself.
func (c *counted) papAmong(unmarked stix.PAP) string {
	if c.pap != stix.PAPNone && c.papless {
		return max(c.pap, unmarked).String()
	}
	return c.pap.String()
}

func (c *counted) body(unmarked string, papless stix.PAP) unit.ContentBody {
	b := unit.ContentBody{Objects: c.objects, Types: c.types, TLP: c.tlp.String(), Bytes: c.bytes, UnmarkedObjects: c.unmarked, Oldest: c.oldest, PAP: c.papAmong(papless)}
	switch {
	case c.unmarked == 0:
	case unmarked != "":
		b.Unmarked = unmarked
	case !c.unstated:
		b.Unmarked = c.stated.String()
	}
	return b
}

// bundleOf writes a STIX bundle around the objects' own bytes.
func bundleOf(random io.Reader, objs []sharedObject) ([]byte, error) {
	id, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return nil, err
	}
	size := 128
	for _, o := range objs {
		size += len(o.raw) + 1
	}
	buf := bytes.NewBuffer(make([]byte, 0, size))
	_, err = stix.WriteBundle(buf, "bundle--"+id.String(), func(yield func([]byte, error) bool) {
		for _, o := range objs {
			if !yield(o.raw, nil) {
				return
			}
		}
	})
	return buf.Bytes(), err
}

// objectsByID reads accepted objects by their ids, the newest version of each.
func (n *Node) objectsByID(ctx context.Context, ids []string) ([]sharedObject, error) {
	var out []sharedObject
	for _, id := range ids {
		found := false
		for o, err := range n.intel.Select(ctx, intel.Query{ID: id}) {
			if err != nil {
				return nil, queryError(err)
			}
			s := outgoing(o)
			if found {
				out[len(out)-1] = s // versions come in the order they were added
			} else {
				out = append(out, s)
			}
			found = true
		}
		if !found {
			return nil, notFound(fmt.Sprintf("No accepted object has the id %q.", id), "Look it up with 'entente search', or import it first.")
		}
	}
	return out, nil
}

func outgoing(o intel.Found) sharedObject {
	s := sharedObject{id: o.ID, typ: o.Type, tlp: o.TLP, stated: o.Effective, pap: o.PAP, raw: o.Raw}
	for _, p := range o.Provenance {
		s.ours = s.ours || p.From == ""
	}
	return s
}

// onward is the answer about objects that only came from partners: whoever sent
// them decides where they go, so they do not leave by this way.
var onward = Decision{Verdict: "refuse", Clause: "onward", Code: "onward",
	Reason: "the object came from a partner and was not imported here; passing it on is for its sender to decide"}

// chosen yields the accepted objects that a share names.
func (n *Node) chosen(ctx context.Context, r ShareRequest) (iter.Seq2[intel.Found, error], error) {
	ways := 0
	for _, set := range []bool{len(r.IDs) > 0, r.Source != "", r.Value != "", r.Type != "", r.All} {
		if set {
			ways++
		}
	}
	if ways == 0 {
		return nil, badInput("Nothing was chosen to be shared.", "", "Name objects by --id, --source, --value or --type, or all with --all.")
	}
	if len(r.IDs) > 0 {
		return func(yield func(intel.Found, error) bool) {
			for _, id := range r.IDs {
				found := false
				for o, err := range n.intel.Select(ctx, intel.Query{ID: id}) {
					found = true
					if !yield(o, err) || err != nil {
						return
					}
				}
				if !found {
					yield(intel.Found{}, notFound(fmt.Sprintf("No accepted object has the id %q.", id), "Look it up with 'entente search', or import it first."))
					return
				}
			}
		}, nil
	}
	return n.intel.Select(ctx, intel.Query{Source: n.sourceNamed(r.Source), Value: r.Value, Type: r.Type}), nil
}

// Share sends accepted objects through the gate. What the gate stops is listed
// with its clause and stays here; the rest leaves in entries of at most 10,000
// objects.
func (n *Node) Share(ctx context.Context, r ShareRequest, progress func(Progress)) (*ShareResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	if r.Unmarked != "" {
		if _, err := stix.ParseTLP(r.Unmarked); err != nil {
			return nil, badInput("Unknown marking "+r.Unmarked+".", "", "Use clear, green, amber, amber+strict or red.")
		}
	}
	objects, err := n.chosen(ctx, r)
	if err != nil {
		return nil, err
	}
	n.exports.Lock()
	defer n.exports.Unlock()
	s := &sharing{n: n, l: l, r: r, verdicts: map[verdictKey]Decision{}, seen: map[[32]byte]bool{},
		res: &ShareResponse{WriteResponse: WriteResponse{Unit: string(l.id), Refs: []string{}, DryRun: r.DryRun}}}
	l.mu.Lock()
	doc, _ := l.fold.InForce()
	s.terms, err = sendingTerms(doc, unit.KindShare, n.keys().party, l.others())
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s.terms.guard = n.intel.Guard()
	for o, err := range objects {
		if err != nil {
			return nil, queryError(err)
		}
		if err := s.add(ctx, outgoing(o)); err != nil {
			return nil, err
		}
		if progress != nil && s.taken%1000 == 0 {
			progress(Progress{Stage: "share", Done: s.taken, Unit: "objects"})
		}
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	if len(s.held) > 0 {
		l.mu.Lock()
		s.res.Held, err = l.holdReady(r.Acting, s.ready, s.held...)
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		s.res.Decision = &s.ready
	}
	switch {
	case s.taken == 0:
		return nil, notFound("Nothing accepted here fits.", "See what is here with 'entente search'.")
	case s.res.Shared == 0 && s.res.Stopped > 0 && len(s.held) == 0:
		d := s.res.Refused[0].Decision
		s.res.Decision = &d
		e := gateError(d)
		e.What = fmt.Sprintf("The gate %s all %d object(s).", verdictPast(d.Verdict), s.res.Stopped)
		if !r.DryRun {
			return nil, e
		}
	}
	return s.res, nil
}

type verdictKey struct {
	tlp, stated stix.TLP
	pap         stix.PAP
	typ         string
	since       time.Time
}

// sharing is one share under way.
type sharing struct {
	n        *Node
	l        *ledger
	r        ShareRequest
	res      *ShareResponse
	terms    terms
	verdicts map[verdictKey]Decision
	seen     map[[32]byte]bool // an object found twice leaves once
	batch    []sharedObject
	bytes    int
	taken    int64
	held     []sealed // entries that lack a second person's release
	ready    Decision // that says so
}

func (s *sharing) draft(c *counted) journal.Draft {
	return journal.Draft{Kind: unit.KindShare, By: s.n.by(s.r.By), Release: claims(s.r.Release), Body: c.body(s.r.Unmarked, s.terms.papless)}
}

// add asks the gate about an object alone: so one object above the ceiling does
// not stop the others. The answer depends on markings, type and age only, and is kept.
func (s *sharing) add(ctx context.Context, o sharedObject) error {
	sum := sha256.Sum256(o.raw)
	if s.seen[sum] {
		return nil
	}
	s.seen[sum] = true
	s.taken++
	refused, err := s.terms.apply(&o)
	if err != nil {
		return err
	}
	key := verdictKey{o.tlp, o.stated, o.pap, o.typ, o.since}
	d, ok := s.verdicts[key]
	if refused != nil {
		d, ok = *refused, true
	}
	if !ok {
		c := count([]sharedObject{o})
		s.l.mu.Lock()
		d = decision(s.l.decide(s.draft(&c)))
		s.l.mu.Unlock()
		if len(s.verdicts) < maxListed { // ages make many keys
			s.verdicts[key] = d
		}
	}
	if !o.ours && !s.n.withdrawals.owes(s.l.id, &o) {
		d = onward
	}
	if d.Verdict != "allow" && !s.r.holds(d) {
		s.res.Stopped++
		if len(s.res.Refused) < maxListed {
			s.res.Refused = append(s.res.Refused, GatedObject{ID: o.id, TLP: nameOr(o.tlp.String(), "unmarked"), Decision: d})
		}
		return nil
	}
	if len(s.batch) > 0 && (len(s.batch) >= s.most() || s.bytes+len(o.raw) > shareBytes) {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	s.batch = append(s.batch, o)
	s.bytes += len(o.raw)
	return nil
}

// most is how many objects one entry may hold: our bound, or the accord's.
func (s *sharing) most() int {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if doc, _ := s.l.fold.InForce(); doc != nil && doc.Quotas.ObjectsPerShare > 0 {
		return min(shareObjects, int(doc.Quotas.ObjectsPerShare))
	}
	return shareObjects
}

// flush writes one entry. The payload is sealed without the lock, then the gate
// is asked about exactly what leaves.
func (s *sharing) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c := count(s.batch)
	d := s.draft(&c)
	bundle, err := bundleOf(s.n.opts.Rand, s.batch)
	if err != nil {
		return err
	}
	var salt [32]byte
	if err := s.n.random(salt[:]); err != nil {
		return err
	}
	data, ref, err := journal.SealPayload(salt, bundle)
	if err != nil {
		return fmt.Errorf("sealing %d objects: %w", len(s.batch), err)
	}
	ref.Type = journal.PayloadSTIX
	d.Payload = &ref
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	dec := decision(s.l.decide(d))
	if s.r.holds(dec) && !s.r.DryRun {
		s.held, s.ready = append(s.held, sealed{d, salt, data}), dec
		s.res.Effects = append(s.res.Effects, fmt.Sprintf("%d objects are held ready for a second person", c.objects))
		s.batch, s.bytes = nil, 0
		return nil
	}
	if dec.Verdict != "allow" {
		for _, o := range s.batch {
			s.res.Stopped++
			if len(s.res.Refused) < maxListed {
				s.res.Refused = append(s.res.Refused, GatedObject{ID: o.id, TLP: nameOr(o.tlp.String(), "unmarked"), Decision: dec})
			}
		}
		s.batch, s.bytes = nil, 0
		return nil
	}
	if s.r.DryRun {
		s.res.Effects = append(s.res.Effects, fmt.Sprintf("would share %d objects, %d bytes sealed", c.objects, len(data)))
	} else {
		if err := s.l.keep(ref.Commitment, salt, data); err != nil {
			return err
		}
		entries, err := s.l.write(d)
		if err != nil {
			return err
		}
		s.n.withdrawals.shared(s.l.id, s.batch)
		s.res.Refs = append(s.res.Refs, entries[0].Ref().String())
	}
	s.res.Decision = &dec
	s.res.Shared += c.objects
	s.batch, s.bytes = nil, 0
	return nil
}

// keep makes a sealed payload durable before the entry that names it is written.
func (l *ledger) keep(c journal.Hash, salt [32]byte, data []byte) error {
	if err := l.n.roomFor(int64(len(data))); err != nil {
		return err
	}
	return l.payloads.Put(store.Payload{Commitment: c, Salt: salt, Data: data})
}

// keepSealed is keep for what is not to lie readable on the disk.
func (l *ledger) keepSealed(c journal.Hash, salt [32]byte, data []byte) error {
	if err := l.n.roomFor(int64(len(data))); err != nil {
		return err
	}
	if err := l.payloads.Put(store.Payload{Commitment: c, Salt: salt, Data: data, Sealed: true}); err != nil {
		return err
	}
	l.writtenHere(c)
	return nil
}

var _ = accord.Allow
