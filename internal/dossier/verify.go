package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entente/internal/unit"
	"entente/journal"
)

// Options say how to verify.
type Options struct {
	// Trust are the parties the reader knows by their ids. Each has to have a journal in the dossier;
	// parties beside them are named in the report. None: the report names all parties and it is for
	// the reader to compare their ids with what is known from elsewhere.
	Trust []journal.PartyID
	// Progress is told now and then how far the verification is; nil: nobody is.
	Progress func(Progress)
	// MaxBytes bounds the file; 0 means DefaultMaxBytes.
	MaxBytes int64
	// At is the instant for which clocks are computed; zero means the manifest's Created.
	At time.Time
	// Words keeps the texts of the record for the report, as far as they are in the dossier.
	Words bool
}

// Progress is how much has been verified.
type Progress struct {
	Bytes, Entries, Payloads int64
}

// Verify checks every byte of a dossier and folds what it shows into a report. It needs nothing else.
//
// A dossier that does not hold gives a [*Damage]; one that holds but lacks a trusted party gives its
// report together with a [*TrustError]. Errors of r, of ctx and [ErrTooLarge] come wrapped. Payloads
// are read one at a time; of entries their tree hashes and what the fold needs are held in memory.
func Verify(ctx context.Context, r io.Reader, o Options) (*Report, error) {
	_, rep, err := verifyWith(ctx, r, o)
	return rep, err
}

func verifyWith(ctx context.Context, r io.Reader, o Options) (*verifier, *Report, error) {
	for _, p := range o.Trust {
		if err := p.Check(); err != nil {
			return nil, nil, fmt.Errorf("dossier: trusted party: %w", err)
		}
	}
	v := &verifier{ctx: ctx, opt: o, r: newReader(r, o.MaxBytes), byOrigin: map[journal.Origin]*shelf{},
		texts: map[journal.Ref]payloadFacts{}, payloads: map[journal.Ref]*payloadState{}, byHash: map[journal.Hash][]journal.Ref{}, places: map[journal.Hash]int64{}, contra: map[string]int{}, witnesses: map[journal.PartyID]map[string][]string{}, tallies: map[cosigner]*tally{}, destroyed: map[journal.Hash]bool{}, chains: map[journal.PartyID][]journal.Signed{}}
	for _, step := range []func() error{v.manifest, v.readTexts, v.journals, v.rest, v.parties} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	v.crossCheck()
	rep := v.report()
	return v, rep, v.trust(rep)
}

// verifier holds what has been read and believed so far.
type verifier struct {
	ctx context.Context
	opt Options
	r   *reader

	cur     record // the record that was read last
	curErr  error  // why it does not hold, a *badRecord or io.EOF
	pending bool   // cur has not been taken yet

	m        Manifest
	founding journal.Founding
	fold     *unit.Fold
	shelves  []*shelf // in order
	byOrigin map[journal.Origin]*shelf
	chains   map[journal.PartyID][]journal.Signed // identities, as the journals so far tell them

	texts    map[journal.Ref]payloadFacts // of text records, until their entries come
	places   map[journal.Hash]int64       // where payload and text records lie, by commitment
	payloads map[journal.Ref]*payloadState
	byHash   map[journal.Hash][]journal.Ref
	last     *journal.Ref // payload record

	claims       []claim
	receipts     []receipt
	byAuthor     map[receiptKey][]*receipt // those whose heads the journals have
	contra       map[string]int            // contradictions told, by their two heads: the finding
	witnesses    map[journal.PartyID]map[string][]string
	tallies      map[cosigner]*tally
	witnessed    []Witnessed      // heads that parties' witnesses cosigned
	earlier      int              // schedules of the past that were tried
	notices      []notice         // declared compromises
	certs        []*journal.Entry // evidence, witness, genesis of successors: judged when all is known
	findings     []Finding
	moreFindings int64
	destroyed    map[journal.Hash]bool
	counts       Counts
	proofs       []provenProof
	proofBytes   []byte // of the proof before
	objects      int64
	sent         weakening
	attached     map[journal.Ref]*evidence // by the entry that added the exhibit
	manifests    int64                     // bytes of the manifests that are held
	words        map[journal.Ref]Words
	wordBytes    int64
	page         *PageReport
	sum          journal.Hash
	reported     int64
}

// look reads the next record without taking it. Errors are only those of reading itself; a record
// that does not hold is left in cur and curErr for whoever expects it.
func (v *verifier) look() error {
	if err := v.ctx.Err(); err != nil {
		return fmt.Errorf("dossier: stopped: %w", err)
	}
	if v.pending {
		return nil
	}
	rec, err := v.r.next()
	var bad *badRecord
	if err != nil && err != io.EOF && !errors.As(err, &bad) {
		return err
	}
	v.cur, v.curErr, v.pending = rec, err, true
	if f := v.opt.Progress; f != nil && v.r.read-v.reported >= 1<<20 {
		v.reported = v.r.read
		f(Progress{v.r.read, v.counts.Entries, v.counts.Payloads})
	}
	return nil
}

func (v *verifier) take() { v.pending = false }

// holds says whether the next record is a good one of this kind.
func (v *verifier) is(kind byte) bool { return v.curErr == nil && v.cur.kind == kind }

// why says for people what is wrong with the next record where another was expected.
func (v *verifier) why() string {
	switch {
	case v.curErr == io.EOF:
		return fixed("damage.missing")
	case v.curErr != nil:
		return v.curErr.Error()
	}
	return fmt.Sprintf("a record of kind %d stands in its place", v.cur.kind)
}

// damage describes the next record.
func (v *verifier) damage(part string, origin journal.Origin, ref *journal.Ref, format string, args ...any) error {
	return &Damage{Part: part, Origin: origin, Ref: ref, Offset: v.cur.offset, Detail: fmt.Sprintf(format, args...)}
}

func (v *verifier) manifest() error {
	var bad *badRecord
	switch err := v.r.magic(); {
	case errors.As(err, &bad):
		return v.damage(PartMagic, "", nil, "%v", err)
	case err != nil:
		return err
	}
	if err := v.look(); err != nil {
		return err
	}
	if !v.is(recordManifest) {
		return v.damage(PartManifest, "", nil, "%s", v.why())
	}
	if err := unmarshal(v.cur.content, &v.m); err != nil {
		return v.damage(PartManifest, "", nil, "%v", err)
	}
	if err := v.m.check(); err != nil {
		return v.damage(PartManifest, "", nil, "%v", err)
	}
	v.take()
	f, err := journal.ParseFounding(v.m.Founding)
	if err != nil {
		return v.damage(PartManifest, "", nil, "%v", err)
	}
	v.founding, v.fold = f, unit.NewFold(v.m.Founding)
	return nil
}

// parties checks the manifest's names, which stand before what proves them.
func (v *verifier) parties() error {
	names := map[journal.PartyID]map[string]bool{}
	for _, s := range v.shelves {
		if names[s.head.Party] == nil {
			names[s.head.Party] = map[string]bool{}
		}
		chain, err := s.mirror.Identities()
		if err != nil {
			return fmt.Errorf("dossier: %w", err)
		}
		for _, signed := range chain {
			if id, err := journal.ParseIdentity(signed); err == nil {
				names[s.head.Party][id.Name] = true
			}
		}
	}
	bad := func(format string, args ...any) error {
		return &Damage{Part: PartManifest, Offset: int64(len(Magic)), Detail: fmt.Sprintf(format, args...)}
	}
	if len(v.m.Parties) != len(names) {
		return bad("it names %d parties, the journals are those of %d", len(v.m.Parties), len(names))
	}
	for _, p := range v.m.Parties {
		switch {
		case names[p.Party] == nil:
			return bad("it names party %s, of which there is no journal", p.Party)
		case !names[p.Party][p.Name]:
			return bad("it calls party %s by a name that its identity does not bear", p.Party)
		}
	}
	return nil
}

func (v *verifier) trust(rep *Report) error {
	e := &TrustError{Named: v.m.Parties}
	for _, p := range v.opt.Trust {
		if !slices.ContainsFunc(rep.Parties, func(q PartyReport) bool { return q.Party == p }) {
			e.Missing = append(e.Missing, p)
		}
	}
	if len(e.Missing) > 0 {
		return e
	}
	return nil
}
