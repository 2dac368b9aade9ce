package dossier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/lang"
	"entente/journal"
)

// MaxFiles is the most dossiers that are read together.
const MaxFiles = 16

// File is one of several dossiers that are read together. It is read several times and must not
// change meanwhile.
type File struct {
	Name string // for people, such as the name of the file
	R    io.ReaderAt
	Size int64
}

// Combined is what several dossiers of one unit show together: what one leaves out another may show,
// and where two contradict each other their signed heads prove it.
type Combined struct {
	Files []FileReport `json:"files"` // in the order given
	// Journals are those that the files do not show alike.
	Journals []Difference `json:"journals"`
	// Changed are findings of one file that all together weigh otherwise: what stood against
	// somebody and falls, or comes.
	Changed []Change `json:"changed"`
	// Report is of everything that the files show, put together; nil if too few of them hold. It bears the newest Created.
	// Offsets of its exhibits are those in the named file, 0 where no file has them.
	Report *Report `json:"report"`
	// Problem says why there is no Report.
	Problem string `json:"problem,omitempty"`

	problem sentence // of which Problem is the English
}

// FileReport is one of the files by itself.
type FileReport struct {
	Name    string       `json:"name"`
	OK      bool         `json:"ok"`
	Damage  string       `json:"damage,omitempty"` // why it is left out
	SHA256  journal.Hash `json:"sha256,omitzero"`
	Created time.Time    `json:"created,omitzero"` // as its maker says
	Purpose string       `json:"purpose,omitempty"`
	Proven  []Proven     `json:"proven"` // by this file alone

	why func(*lang.Catalog) string // Damage in a language
}

// Difference is a journal that the files do not show alike.
type Difference struct {
	Origin  journal.Origin  `json:"origin"`
	Party   journal.PartyID `json:"party"`
	Entries []int64         `json:"entries"` // that each file shows, in their order; 0: it does not show the journal
	// Contradiction says that two files show histories that exclude each other, which is proof against the author.
	Contradiction bool `json:"contradiction,omitempty"`
}

// Change is a finding of one file and what all together make of it.
type Change struct {
	File    string  `json:"file"` // where it stands so; "": only all together show it
	Finding Finding `json:"finding"`
	Now     Weight  `json:"now,omitempty"` // its weight with all together; "": it does not stand
}

// ErrFiles marks a number of dossiers that cannot be read together.
var ErrFiles = fmt.Errorf("dossier: 1 to %d dossiers can be read together", MaxFiles)

// opened is a file that holds.
type opened struct {
	File
	v   *verifier
	rep *Report
}

// VerifyTogether verifies each dossier by itself and then all that hold together, for instance an
// accuser's and the accused's. A file that does not hold, or is about another unit than the first that
// does, is named and left out. Errors are those of reading, and a [*TrustError] beside the result.
func VerifyTogether(ctx context.Context, files []File, o Options) (*Combined, error) {
	if len(files) < 1 || len(files) > MaxFiles {
		return nil, ErrFiles
	}
	c := &Combined{Files: []FileReport{}, Journals: []Difference{}, Changed: []Change{}}
	var held []*opened
	alone := o
	alone.Trust = nil // each party has to be in one of them only
	for _, f := range files {
		x := FileReport{Name: f.Name, Proven: []Proven{}}
		v, rep, err := verifyWith(ctx, io.NewSectionReader(f.R, 0, f.Size), alone)
		var d *Damage
		switch {
		case errors.As(err, &d):
			x.Damage, x.why = err.Error(), d.Text
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		case len(held) > 0 && rep.Unit != held[0].rep.Unit:
			other := say("verify.other-unit", "unit", rep.Unit, "of", held[0].rep.Unit)
			x.why = func(c *lang.Catalog) string { return other.text(c, clean) }
			x.Damage = x.why(lang.English())
		default:
			x.OK, x.SHA256, x.Created, x.Purpose, x.Proven = true, rep.SHA256, rep.Created, rep.Purpose, rep.Proven
			held = append(held, &opened{f, v, rep})
		}
		c.Files = append(c.Files, x)
	}
	if len(held) == 0 {
		c.failed(say("verify.none-holds"))
		return c, nil
	}
	j := joiner{ctx: ctx, files: held, from: map[journal.Origin]*opened{}}
	if err := j.choose(c); err != nil {
		return nil, err
	}
	rep, err := j.verify(o)
	var d *Damage
	var trust *TrustError
	switch {
	case errors.As(err, &d):
		c.failed(say("verify.not-together", "why", d))
		return c, nil
	case err != nil && !errors.As(err, &trust):
		return nil, err
	}
	c.Report = rep
	j.locate(rep)
	c.compare(held)
	return c, err
}

// joiner puts several dossiers together into one.
type joiner struct {
	ctx    context.Context
	files  []*opened
	from   map[journal.Origin]*opened // which file's journal goes in: the longest
	order  []journal.Origin
	proofs []Proof
	chains map[journal.PartyID][]journal.Signed // identities, as the journals that go in tell them
}

// choose picks of each journal the longest, and makes proofs of what contradicts it.
func (j *joiner) choose(c *Combined) error {
	chains := map[journal.PartyID][]journal.Signed{}
	barred := map[journal.PartyID]*opened{} // whose identities contradict each other: all its journals from one file
	for _, f := range j.files {
		for _, p := range f.v.m.Parties {
			chain := f.v.chains[p.Party]
			merged, err := journal.MergeIdentityChains(chains[p.Party], chain)
			if err != nil {
				if q, ok := twoIdentities(p.Party, chains[p.Party], chain); ok {
					j.proofs = append(j.proofs, Proof{Statements: &q})
				}
				if barred[p.Party] == nil {
					barred[p.Party] = j.first(p.Party)
				}
				continue
			}
			chains[p.Party] = merged
		}
	}
	j.chains = chains
	for p, f := range barred {
		chains[p] = f.v.chains[p]
	}
	sizes := map[journal.Origin][]int64{}
	for i, f := range j.files {
		for _, s := range f.v.shelves {
			o := s.head.Origin
			if sizes[o] == nil {
				sizes[o] = make([]int64, len(j.files))
				j.order = append(j.order, o)
			}
			sizes[o][i] = s.head.Size
			if b := barred[s.head.Party]; b != nil && b != f {
				continue
			}
			if best := j.from[o]; best == nil || best.v.byOrigin[o].head.Size < s.head.Size {
				j.from[o] = f
			}
		}
	}
	slices.Sort(j.order)
	for _, o := range j.order {
		best := j.from[o]
		d := Difference{Origin: o, Entries: sizes[o]}
		for _, f := range j.files {
			s := f.v.byOrigin[o]
			if s == nil {
				continue
			}
			d.Party = s.head.Party
			if best == nil || f == best {
				continue
			}
			proof, err := against(best.v.byOrigin[o], s)
			if err != nil {
				return err
			}
			if proof != nil {
				d.Contradiction = true
				j.proofs = append(j.proofs, *proof)
			}
		}
		if d.Contradiction || slices.ContainsFunc(d.Entries, func(n int64) bool { return n != d.Entries[0] }) {
			c.Journals = append(c.Journals, d)
		}
	}
	for _, f := range j.files {
		for _, p := range f.v.proofs {
			if proof, ok := j.carryOver(f, p.proof); ok {
				j.proofs = append(j.proofs, proof)
			}
		}
	}
	return nil
}

func (j *joiner) first(p journal.PartyID) *opened {
	for _, f := range j.files {
		if f.v.chains[p] != nil {
			return f
		}
	}
	return nil
}

func twoIdentities(p journal.PartyID, a, b []journal.Signed) (journal.Equivocation, bool) {
	for _, x := range a {
		for _, y := range b {
			if q := (journal.Equivocation{Party: p, A: x, B: y}); x.Text != y.Text && q.Verify(a) == nil {
				return q, true
			}
		}
	}
	return journal.Equivocation{}, false
}

// against returns the proof that two copies of one journal exclude each other, nil if the shorter is
// the beginning of the longer.
func against(long, short *shelf) (*Proof, error) {
	first, other := long.mirror.Keyring().Keys()[0].Key, short.mirror.Keyring().Keys()[0].Key
	if !first.Equal(other) {
		return &Proof{Statements: &journal.Equivocation{Party: long.head.Party, A: long.first, B: short.first}}, nil
	}
	head := short.mirror.Head()
	root, ok := long.root(head.Size)
	if !ok {
		return nil, fmt.Errorf("dossier: journal %s: the longer copy is too short", long.head.Origin)
	}
	if root == head.Root {
		return nil, nil
	}
	x := journal.Contradiction{Code: journal.CodeFork, Origin: long.head.Origin, A: string(short.mirror.Checkpoint()), B: string(long.mirror.Checkpoint())}
	if long.head.Size > short.head.Size {
		proof, err := tlog.ProveTree(long.head.Size, short.head.Size, long)
		if err != nil {
			return nil, fmt.Errorf("dossier: journal %s: %w", long.head.Origin, err)
		}
		x.Code, x.Proof, x.Root = journal.CodeRewritten, proof, root
	}
	p := withKeys(Proof{Contradiction: &x}, long, short)
	return &p, nil
}

// withKeys adds the key schedule of the other history if it is another.
func withKeys(p Proof, long, short *shelf) Proof {
	a, errA := long.mirror.Keyring().MarshalJSON()
	b, errB := short.mirror.Keyring().MarshalJSON()
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		p.Keyring, p.Certificates = short.mirror.Keyring(), short.later[:min(len(short.later), maxCertificates)]
	}
	return p
}

// carryOver makes a file's proof one of all together. One that brings its own schedule, or whose
// journal goes in as that file has it, stays as it is.
func (j *joiner) carryOver(f *opened, p Proof) (Proof, bool) {
	if p.Statements != nil && len(p.Identities) > 0 {
		return j.carryStatements(p)
	}
	if p.Statements != nil || p.Keyring != nil {
		return p, true
	}
	o := p.about()
	best := j.from[o]
	if best == nil {
		if p.Violation == nil {
			return p, false
		}
		begun, err := p.Violation.Opening()
		return p, err == nil && begun != nil
	}
	if x := p.Violation; x != nil {
		of := best.v.byOrigin[o]
		if begun, err := x.Opening(); err == nil && begun != nil && !begun.Keys.Current().Equal(of.mirror.Keyring().Keys()[0].Key) {
			// Two first keys for one journal, both certified.
			return Proof{Statements: &journal.Equivocation{Party: begun.Party, A: of.first, B: begun.Certificate}}, true
		}
		if f.v.byOrigin[o] == nil {
			return p, true
		}
		if x.Since != nil && x.First == nil {
			theirs, _ := f.v.byOrigin[o].root(x.Since.Size)
			if ours, ok := of.root(x.Since.Size); !ok || ours != theirs {
				return p, false // it builds on another history; that there are two is proved by their heads
			}
		}
	}
	if best == f {
		return p, true
	}
	return withKeys(p, best.v.byOrigin[o], f.v.byOrigin[o]), true
}

// carryStatements makes one file's two statements, with the identities that it brings of their party, a
// proof beside what the others show of that party: they may tell enough of it, or other identities, which
// then are the two statements.
func (j *joiner) carryStatements(p Proof) (Proof, bool) {
	q := *p.Statements
	known := j.chains[q.Party]
	if known != nil && q.Verify(known) == nil {
		return Proof{Statements: &q}, true
	}
	if _, err := journal.MergeIdentityChains(known, p.Identities); err == nil {
		return p, true
	}
	other, ok := twoIdentities(q.Party, known, p.Identities)
	return Proof{Statements: &other}, ok
}

// verify writes the joint dossier and reads it as any other.
func (j *joiner) verify(o Options) (*Report, error) {
	src := Source{Purpose: "several dossiers together", Proofs: j.proofs}
	for _, f := range j.files {
		src.Created = later(src.Created, f.rep.Created)
		for _, ref := range f.v.m.About {
			if j.from[ref.Origin] != nil && !slices.Contains(src.About, ref) && len(src.About) < MaxAbout {
				src.About = append(src.About, ref)
			}
		}
		o.MaxBytes += 2 * f.Size // the longest of each journal, the payloads, and the proofs found
	}
	o.MaxBytes += int64(len(j.proofs)+1) * maxProof
	for _, origin := range j.order {
		if f := j.from[origin]; f != nil {
			src.Journals = append(src.Journals, filed{f.v.byOrigin[origin], f.R})
		}
	}
	src.Payload = func(_ journal.Ref, p journal.PayloadRef) (salt [32]byte, data []byte, ok bool, err error) {
		for _, f := range j.files {
			if at, ok := f.v.places[p.Commitment]; ok {
				x, err := payloadAt(f.R, at)
				return x.salt, x.data, err == nil, err
			}
		}
		return salt, nil, false, nil
	}
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		_, err := Pack(j.ctx, w, src)
		w.CloseWithError(err)
		packed <- err
	}()
	_, rep, err := verifyWith(j.ctx, r, o)
	r.CloseWithError(errors.New("dossier: nobody reads on"))
	if perr := <-packed; perr != nil && err == nil {
		err = perr
	}
	return rep, err
}

// locate says of each exhibit in which file it lies: the joint dossier is nobody's.
func (j *joiner) locate(r *Report) {
	for i := range r.Findings {
		for k := range r.Findings[i].Exhibits {
			x := &r.Findings[i].Exhibits[k]
			x.Offset, x.Proof = 0, 0
			if x.Ref == nil {
				continue
			}
			if f := j.from[x.Ref.Origin]; f != nil {
				x.File, x.Offset = f.Name, f.v.byOrigin[x.Ref.Origin].offsets[x.Ref.Index]
			}
		}
	}
}

// same says whether two findings are of the same thing, whatever they weigh.
func same(a, b Finding) bool {
	if a.Code != b.Code || a.Party != b.Party {
		return false
	}
	heads := func(f Finding) (out []string) {
		for _, x := range f.Exhibits {
			if x.What != ExhibitEntry {
				out = append(out, x.SHA256.String())
			}
		}
		slices.Sort(out)
		return out
	}
	if h := heads(a); len(h) > 0 {
		return slices.Equal(h, heads(b))
	}
	return len(a.Refs) == 0 && len(b.Refs) == 0 && a.Text == b.Text || len(a.Refs) > 0 && len(b.Refs) > 0 && a.Refs[0] == b.Refs[0]
}

// compare holds what each file says by itself against what all say together.
func (c *Combined) compare(files []*opened) {
	for _, f := range files {
		for _, x := range f.rep.Findings {
			now := Weight("")
			for _, y := range c.Report.Findings {
				if same(x, y) && (now == "" || slices.Index(weights, y.Weight) < slices.Index(weights, now)) {
					now = y.Weight
				}
			}
			if now != x.Weight && len(c.Changed) < maxFindings {
				c.Changed = append(c.Changed, Change{f.Name, x, now})
			}
		}
	}
	for _, y := range c.Report.Findings {
		known := false
		for _, f := range files {
			known = known || slices.ContainsFunc(f.rep.Findings, func(x Finding) bool { return same(x, y) })
		}
		if !known && len(c.Changed) < maxFindings {
			c.Changed = append(c.Changed, Change{"", y, y.Weight})
		}
	}
}

// failed says why nothing is shown together.
func (c *Combined) failed(why sentence) { c.Problem, c.problem = why.text(lang.English(), asIs), why }

// OK says whether every file holds and all could be put together.
func (c *Combined) OK() bool {
	return c.Report != nil && !slices.ContainsFunc(c.Files, func(f FileReport) bool { return !f.OK })
}

// WriteText writes the result for people, in the language of a catalog. Foreign text in it is escaped.
func (c *Combined) WriteText(w io.Writer, words *lang.Catalog) error {
	rep := c.Report
	if rep == nil {
		rep = &Report{}
	}
	p := newPage(w, rep, words)
	p.say("", "verify.together", "n", len(c.Files))
	for _, x := range c.Files {
		switch {
		case !x.OK:
			p.say("  ", "verify.file-out", "file", x.Name, "why", x.why(p.c))
		case len(x.Proven) == 0:
			p.say("  ", "verify.file-nothing", "file", x.Name, "at", x.Created, "hash", x.SHA256)
		default:
			var list []string
			for _, g := range x.Proven {
				list = append(list, p.party(g.Party)+" ("+strings.Join(g.Codes, ", ")+")")
			}
			p.say("  ", "verify.file-proves", "file", x.Name, "at", x.Created, "hash", x.SHA256, "list", strings.Join(list, "; "))
		}
	}
	list(p, "verify.differ", c.Journals, func(d Difference) {
		p.say("  ", "verify.differ-journal", "journal", d.Origin, "party", p.party(d.Party))
		n := 0
		for _, x := range c.Files {
			if !x.OK {
				continue
			}
			if size := d.Entries[n]; size == 0 {
				p.say("    ", "verify.differ-none", "file", x.Name)
			} else {
				p.say("    ", "verify.differ-shows", "file", x.Name, "entries", count("ui.n-entries", size))
			}
			n++
		}
		if d.Contradiction {
			p.say("    ", "verify.differ-contradict")
		}
	})
	list(p, "verify.changed", c.Changed, func(x Change) {
		key, now := "verify.changed-is", x.Now
		switch {
		case x.File == "":
			key = "verify.changed-new"
		case now == "":
			key = "verify.changed-falls"
		}
		p.say("  ", key, "now", p.code("weight", string(now)), "file", x.File, "was", p.code("weight", string(x.Finding.Weight)), "code", x.Finding.Code, "text", x.Finding.words(p.c, asIs))
		if x.Finding.Party != "" {
			p.say("    ", "verify.finding-about", "party", p.party(x.Finding.Party))
		}
	})
	if c.Report == nil {
		p.blank()
		p.say("", "verify.no-joint", "why", c.problem)
		return p.w.Flush()
	}
	p.joint = true
	p.blank()
	p.report()
	return p.w.Flush()
}
