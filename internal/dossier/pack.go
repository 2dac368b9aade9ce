package dossier

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entente/journal"
)

// Source is what a dossier is made from.
type Source struct {
	Created time.Time // the instant of the report; has to be given
	Purpose string
	Note    string
	About   []journal.Ref
	// Journals are the stored journals of the unit, own and mirrored, in any order. Each goes in up
	// to its latest checkpoint at the time of the call.
	Journals []journal.Storage
	// Payload returns what is kept of an entry's payload, ok false if nothing is (or is to go in).
	// Accord texts should always go in: without them nothing that depends on them can be judged.
	Payload func(ref journal.Ref, p journal.PayloadRef) (salt [32]byte, compressed []byte, ok bool, err error)
	Proofs  []Proof
	Page    []byte // see Writer.Page; nil for none
}

// Pack writes a dossier. It verifies nothing; run Verify on the result before giving it away.
func Pack(ctx context.Context, w io.Writer, s Source) (Counts, error) {
	p := packer{ctx: ctx, src: s}
	if err := p.survey(); err != nil {
		return Counts{}, err
	}
	dw, err := NewWriter(w, p.m)
	if err != nil {
		return Counts{}, err
	}
	for _, step := range []func(*Writer) error{p.texts, p.journals, p.payloads} {
		if err := step(dw); err != nil {
			return Counts{}, err
		}
	}
	for _, proof := range s.Proofs {
		if err := dw.Proof(proof); err != nil {
			return Counts{}, err
		}
	}
	if s.Page != nil {
		if err := dw.Page(s.Page); err != nil {
			return Counts{}, err
		}
	}
	err = dw.Close()
	return dw.counts, err
}

type packer struct {
	ctx  context.Context
	src  Source
	m    Manifest
	list []packed
	refs map[journal.Ref]journal.PayloadRef // of accord texts
	more []named                            // other payloads, in order
}

type packed struct {
	st   journal.Storage
	head JournalHeader
}

type named struct {
	ref journal.Ref
	p   journal.PayloadRef
}

// survey reads all journals once: who wrote them, how far they go, which payloads they name.
func (p *packer) survey() error {
	p.m = Manifest{Created: p.src.Created, Purpose: p.src.Purpose, Note: p.src.Note, About: p.src.About,
		Cut: map[journal.Origin]journal.Head{}}
	p.refs = map[journal.Ref]journal.PayloadRef{}
	names := map[journal.PartyID]nameOf{}
	for _, st := range p.src.Journals {
		cp, err := st.Latest()
		if err != nil {
			return fmt.Errorf("dossier: reading the latest checkpoint: %w", err)
		}
		if cp == nil {
			continue
		}
		origin, head, err := journal.CheckpointHead(cp)
		if err != nil {
			return err
		}
		first, g, err := journal.ReadGenesis(st)
		if err != nil {
			return err
		}
		if p.m.Founding == "" {
			p.m.Founding = g.Founding
		}
		p.m.Cut[origin] = head
		p.list = append(p.list, packed{st, JournalHeader{origin, first.Author, first.Epoch, head.Size}})
		if err := p.scan(st, head.Size, first, g, names); err != nil {
			return err
		}
	}
	if len(p.list) == 0 {
		return errors.New("dossier: there is no journal to put into a dossier")
	}
	slices.SortFunc(p.list, func(a, b packed) int { return cmp.Compare(a.head.Origin, b.head.Origin) })
	slices.SortFunc(p.more, func(a, b named) int { return compareRefs(a.ref, b.ref) })
	for id, n := range names {
		p.m.Parties = append(p.m.Parties, Party{id, n.name})
	}
	slices.SortFunc(p.m.Parties, func(a, b Party) int { return cmp.Compare(a.Party, b.Party) })
	return p.chooseTexts()
}

// nameOf is the name of the newest identity version met so far.
type nameOf struct {
	version int
	name    string
}

func (p *packer) scan(st journal.Storage, size int64, first *journal.Entry, g journal.GenesisBody, names map[journal.PartyID]nameOf) error {
	identity := func(s journal.Signed) {
		if id, err := journal.ParseIdentity(s); err == nil && id.Version > names[first.Author].version {
			names[first.Author] = nameOf{id.Version, id.Name}
		}
	}
	identity(g.Identities[len(g.Identities)-1])
	for raw, err := range st.Read(0, size) {
		if err == nil {
			err = p.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("dossier: reading journal %s: %w", first.Origin().Short(), err)
		}
		// Most entries need no parsing. A name can hide only behind an escape.
		if bytes.IndexByte(raw, '\\') < 0 && !bytes.Contains(raw, []byte(`"payload"`)) && !bytes.Contains(raw, []byte(`"identity"`)) {
			continue
		}
		e, err := journal.ParseEntry(bytes.Clone(raw))
		if err != nil {
			return err
		}
		if e.Kind == journal.KindIdentity {
			if b, err := journal.DecodeBody[journal.IdentityBody](e, e.Kind); err == nil {
				identity(b.Signed)
			}
		}
		switch {
		case e.Payload == nil:
		case e.Payload.Type == journal.PayloadAccord:
			p.refs[e.Ref()] = *e.Payload
		default:
			p.more = append(p.more, named{e.Ref(), *e.Payload})
		}
	}
	return nil
}

// chooseTexts lists the accord texts that are kept.
func (p *packer) chooseTexts() error {
	if p.src.Payload == nil {
		return nil
	}
	for ref, pr := range p.refs {
		_, _, ok, err := p.src.Payload(ref, pr)
		if err != nil {
			return fmt.Errorf("dossier: accord text of entry %s: %w", ref, err)
		}
		if ok {
			p.m.Texts = append(p.m.Texts, ref)
		}
	}
	slices.SortFunc(p.m.Texts, compareRefs)
	return nil
}

func (p *packer) texts(w *Writer) error {
	for _, ref := range p.m.Texts {
		pr := p.refs[ref]
		salt, data, ok, err := p.src.Payload(ref, pr)
		if err == nil && !ok {
			err = errors.New("it is gone since the dossier was begun")
		}
		if err != nil {
			return fmt.Errorf("dossier: accord text of entry %s: %w", ref, err)
		}
		if err := w.Text(ref, pr.Commitment, salt, data); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) journals(w *Writer) error {
	for _, j := range p.list {
		if err := w.Journal(j.head); err != nil {
			return err
		}
		from := int64(0)
		for cp, err := range j.st.Checkpoints(1) {
			if err == nil {
				err = p.ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("dossier: reading checkpoints of %s: %w", j.head.Origin.Short(), err)
			}
			cp = bytes.Clone(cp)
			_, h, err := journal.CheckpointHead(cp)
			if err != nil {
				return err
			}
			if h.Size > j.head.Size {
				break
			}
			for raw, err := range j.st.Read(from, h.Size) {
				if err != nil {
					return fmt.Errorf("dossier: reading journal %s: %w", j.head.Origin.Short(), err)
				}
				if err := w.Entry(raw); err != nil {
					return err
				}
			}
			from = h.Size
			if err := w.Checkpoint(cp); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *packer) payloads(w *Writer) error {
	if p.src.Payload == nil {
		return nil
	}
	for _, n := range p.more {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		salt, data, ok, err := p.src.Payload(n.ref, n.p)
		if err != nil {
			return fmt.Errorf("dossier: payload of entry %s: %w", n.ref, err)
		}
		if !ok {
			continue
		}
		if err := w.Payload(n.ref, n.p.Commitment, salt, data); err != nil {
			return err
		}
	}
	return nil
}
