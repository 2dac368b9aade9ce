package dossier

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
	"github.com/go-json-experiment/json"
)

// shelf holds one journal while it is verified: it is the storage of a journal.Mirror, which makes
// every check of signatures, keys, order, times, seen and roots. It keeps the tree hashes and hands
// the entries on.
type shelf struct {
	head    JournalHeader
	mirror  *journal.Mirror
	hashes  []journal.Hash
	offsets []int64 // of the entries' records in the file
	kept    []byte  // canonical form of the checkpoint that was just taken
	seen    map[journal.Origin]journal.Head
	checks  int64 // checkpoints
	marks   []mark
	first   journal.Signed   // certificate of the first key
	later   []journal.Signed // certificates of the keys that replaced it
	last    time.Time
}

// mark is where a checkpoint's record lies.
type mark struct{ size, offset int64 }

// Append implements journal.Storage.
func (s *shelf) Append(b journal.Batch) error {
	s.hashes = append(s.hashes, b.Hashes...)
	s.kept = bytes.Clone(b.Checkpoint)
	return nil
}

// ReadHashes implements tlog.HashReader.
func (s *shelf) ReadHashes(indexes []int64) ([]journal.Hash, error) {
	out := make([]journal.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(s.hashes)) {
			return nil, fmt.Errorf("dossier: tree hash %d is not known", x)
		}
		out[i] = s.hashes[x]
	}
	return out, nil
}

// leaf returns the leaf hash of an entry.
func (s *shelf) leaf(index int64) journal.Hash { return s.hashes[tlog.StoredHashIndex(0, index)] }

// Latest implements journal.Storage: a shelf begins empty.
func (s *shelf) Latest() ([]byte, error) { return nil, nil }

// Read implements journal.Storage. A mirror that began empty never reads back.
func (s *shelf) Read(_, _ int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { yield(nil, errors.New("dossier: entries are not kept")) }
}

// Checkpoints implements journal.Storage.
func (s *shelf) Checkpoints(_ int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		yield(nil, errors.New("dossier: checkpoints are not kept"))
	}
}

func (v *verifier) journals() error {
	for _, o := range v.m.Origins() {
		if err := v.journal(o); err != nil {
			return err
		}
	}
	for _, ref := range v.m.Texts {
		if f, left := v.texts[ref]; left {
			return &Damage{Part: PartText, Origin: ref.Origin, Ref: &ref, Offset: f.offset, Detail: fixed("damage.no-text")}
		}
	}
	return nil
}

// journal reads and verifies one journal.
func (v *verifier) journal(o journal.Origin) error {
	s, err := v.open(o)
	if err != nil {
		return err
	}
	var batch [][]byte
	bytes, n := 0, int64(0)
	for n < s.head.Size || len(batch) > 0 {
		if err := v.look(); err != nil {
			return err
		}
		switch {
		case v.is(recordEntry) && n < s.head.Size && !looksLikeCheckpoint(v.cur.content):
			if bytes += len(v.cur.content); len(batch) == journal.MaxBatchEntries || bytes > journal.MaxBatchBytes {
				return v.damage(PartEntry, o, &journal.Ref{Origin: o, Index: n}, "%s", fixed("damage.no-checkpoint"))
			}
			batch = append(batch, v.cur.content)
			s.offsets = append(s.offsets, v.cur.offset)
			n++
			v.counts.Entries++
		case v.is(recordCheckpoint) && len(batch) > 0 && !looksLikeEntry(v.cur.content):
			if err := v.extend(s, batch, n); err != nil {
				return err
			}
			batch, bytes = nil, 0
			v.counts.Checkpoints++
			s.checks++
			s.marks = append(s.marks, mark{n, v.cur.offset})
		default:
			return v.brokenJournal(o, n, len(batch) > 0, n < s.head.Size)
		}
		v.take()
	}
	if h := s.mirror.Head(); h != v.m.Cut[o] {
		return v.damage(PartManifest, o, nil, "its cut names another root for %d entries than the journal has", h.Size)
	}
	return v.learn(s)
}

// looksLikeEntry and looksLikeCheckpoint guess from the beginning of a content what it is, also if it
// is shifted by a byte that came or went before it.
func looksLikeEntry(b []byte) bool {
	return bytes.IndexByte(b[:min(len(b), 2)], '{') >= 0 || bytes.HasPrefix(b, []byte(`"v":`))
}

func looksLikeCheckpoint(b []byte) bool {
	return bytes.Contains(b[:min(len(b), 10)], []byte("ntente/"))
}

// brokenJournal names what the next record should have been: the next entry or the checkpoint over
// those before it. The kind that stands there is believed only if nothing speaks against it.
func (v *verifier) brokenJournal(o journal.Origin, n int64, open, more bool) error {
	entry := more && (!open || v.curErr == nil && v.cur.kind != recordCheckpoint || v.cur.kind == recordEntry || looksLikeEntry(v.cur.content))
	if open && looksLikeCheckpoint(v.cur.content) {
		entry = false
	}
	if entry {
		return v.damage(PartEntry, o, &journal.Ref{Origin: o, Index: n}, "%s", v.why())
	}
	return v.damage(PartCheckpoint, o, &journal.Ref{Origin: o, Index: n - 1}, "%s", v.why())
}

// open reads the header of a journal.
func (v *verifier) open(o journal.Origin) (*shelf, error) {
	if err := v.look(); err != nil {
		return nil, err
	}
	if !v.is(recordJournal) {
		return nil, v.damage(PartHeader, o, nil, "%s", v.why())
	}
	s := &shelf{}
	if err := unmarshal(v.cur.content, &s.head); err != nil {
		return nil, v.damage(PartHeader, o, nil, "%v", err)
	}
	h := s.head
	switch {
	case h.Origin != o || h.Size != v.m.Cut[o].Size:
		return nil, v.damage(PartHeader, o, nil, "it opens journal %s with %d entries, the cut names %d", h.Origin.Short(), h.Size, v.m.Cut[o].Size)
	case h.Epoch < 0 || journal.OriginOf(v.m.Unit, h.Party, h.Epoch) != o:
		return nil, v.damage(PartHeader, o, nil, "the origin is not that of epoch %d of party %s", h.Epoch, h.Party.Short())
	}
	m, err := journal.OpenMirror(s, journal.MirrorParams{Unit: v.m.Unit, Party: h.Party, Origin: o, Known: v.known})
	if err != nil {
		return nil, fmt.Errorf("dossier: %w", err)
	}
	s.mirror = m
	v.take()
	v.counts.Journals++
	v.shelves = append(v.shelves, s)
	v.byOrigin[o] = s
	return s, nil
}

// known returns the identity chain of a party as the journals before tell it.
func (v *verifier) known(p journal.PartyID) []journal.Signed { return v.chains[p] }

// learn adds what a complete journal tells of its author's identity.
func (v *verifier) learn(s *shelf) error {
	chain, err := s.mirror.Identities()
	if err != nil {
		return fmt.Errorf("dossier: %w", err)
	}
	all, err := journal.MergeIdentityChains(v.chains[s.head.Party], chain)
	if err != nil {
		v.find(Proved, journal.CodeBadIdentity, s.head.Party, []journal.Ref{{Origin: s.head.Origin}},
			"verify.identities-differ", "detail", err)
		return nil
	}
	v.chains[s.head.Party] = all
	return nil
}

// extend verifies the entries since the last checkpoint with the checkpoint that follows them.
func (v *verifier) extend(s *shelf, batch [][]byte, n int64) error {
	o, first := s.head.Origin, n-int64(len(batch))
	ext, err := s.mirror.Extend(batch, v.cur.content)
	if err != nil {
		return v.refused(o, first, batch, err)
	}
	last := &journal.Ref{Origin: o, Index: n - 1}
	if !bytes.Equal(s.kept, v.cur.content) {
		return v.damage(PartCheckpoint, o, last, "%s", fixed("damage.other-form"))
	}
	for _, e := range ext.Entries {
		if err := v.entry(s, e); err != nil {
			return err
		}
	}
	return nil
}

// refused turns what the mirror says into damage.
func (v *verifier) refused(o journal.Origin, first int64, batch [][]byte, err error) error {
	d := &Damage{Part: PartEntry, Origin: o, Offset: v.cur.offset, Code: journal.CodeOf(err), Detail: err.Error()}
	var r *journal.Refusal
	if errors.As(err, &r) {
		d.Detail = r.Detail
	}
	// The first entry that is none, or not in its place: what it calls itself says nothing.
	for i, raw := range batch {
		if e, perr := journal.ParseEntry(raw); perr != nil || e.Index != first+int64(i) || e.Origin() != o {
			d.Ref = &journal.Ref{Origin: o, Index: first + int64(i)}
			return d
		}
	}
	if r != nil && r.Index >= first && r.Index < first+int64(len(batch)) {
		d.Ref = &journal.Ref{Origin: o, Index: r.Index}
		return d
	}
	if len(batch) == 1 {
		d.Ref = &journal.Ref{Origin: o, Index: first}
		if d.Code != journal.CodeBadRoot {
			d.Part = PartCheckpoint
		}
		return d
	}
	d.Part = PartCheckpoint
	d.Ref = &journal.Ref{Origin: o, Index: first + int64(len(batch)) - 1}
	if d.Code == journal.CodeBadRoot {
		d.Detail = fmt.Sprintf("%s: one of entries %d to %d is not what was signed", d.Detail, first, d.Ref.Index)
	}
	return d
}

// entry takes one verified entry into account.
func (v *verifier) entry(s *shelf, e *journal.Entry) error {
	ref := e.Ref()
	if err := v.fold.Add(e); err != nil {
		return fmt.Errorf("dossier: entry %s: %w", ref, err)
	}
	at := len(v.claims)
	for o, h := range e.Seen {
		if s.seen[o] != h {
			v.claims = append(v.claims, claim{ref, o, h, false})
		}
	}
	slices.SortFunc(v.claims[at:], func(a, b claim) int { return cmp.Compare(a.origin, b.origin) })
	s.seen, s.last = e.Seen, e.At
	switch e.Kind {
	case journal.KindGenesis:
		if b, err := e.Genesis(); err == nil {
			s.first = b.Certificate
		}
	case journal.KindRotate:
		if b, err := journal.DecodeBody[journal.RotateBody](e, e.Kind); err == nil {
			s.later = append(s.later, b.Certificate)
		}
	case journal.KindReceipt:
		v.receipt(e)
	case journal.KindEvidence, journal.KindWitness:
		v.certs = append(v.certs, e)
	case journal.KindCompromise:
		if b, err := journal.DecodeBody[journal.CompromiseBody](e, e.Kind); err == nil {
			v.notices = append(v.notices, notice{ref, b})
		}
	case journal.KindDestroyed:
		if b, err := journal.DecodeBody[journal.DestroyedBody](e, e.Kind); err == nil {
			for _, c := range b.Commitments {
				v.destroyed[c] = true
			}
		}
	}
	if e.Payload == nil {
		return nil
	}
	st := &payloadState{p: *e.Payload, author: e.Author, kind: e.Kind, at: e.At.UTC()}
	if e.Kind == "share" || e.Payload.Type == journal.PayloadAccord {
		st.body = readClaims(e.Body)
	}
	if strings.HasPrefix(e.Kind, exhibitKinds) && json.Unmarshal(e.Body, &st.body.chunk) != nil {
		st.body.chunk = chunkClaims{}
	}
	v.payloads[ref] = st
	if e.Payload.Type != journal.PayloadAccord {
		v.byHash[e.Payload.Commitment] = append(v.byHash[e.Payload.Commitment], ref)
		return nil
	}
	facts, ok := v.texts[ref]
	if !ok {
		return nil
	}
	delete(v.texts, ref)
	if facts.commitment != e.Payload.Commitment {
		return &Damage{Part: PartText, Origin: ref.Origin, Ref: &ref, Offset: facts.offset, Detail: fixed("damage.not-committed")}
	}
	st.held = true
	v.judgePayload(ref, st, facts)
	return nil
}
