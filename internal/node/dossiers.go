package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/store"
	"entente/journal"
)

// ExportDossier packs a unit's journals, as this node holds them, with what a
// stranger needs to verify them offline.
func (n *Node) ExportDossier(ctx context.Context, r DossierExportRequest, w io.Writer) error {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return err
	}
	src := dossier.Source{Created: n.now(), Note: r.Note, Purpose: "journals of unit " + l.name()}
	about, err := n.dossierAbout(l, &r)
	if err != nil {
		return err
	}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return badInput("This is no period.", "It ends before it begins.", "Give the day that it begins, and the day before which it ends.")
	}
	if about != nil {
		src.About, src.Purpose = []journal.Ref{about.ref}, about.what+" "+short(about.ref)+" in unit "+l.name()
	}
	if period := periodText(r.From, r.To); period != "" {
		src.Purpose += ", contents" + period
	}
	n.vouchSoon(ctx, l)
	l.mu.Lock()
	chosen := l.payloadsFor(&r, src.About)
	held := l.journals()
	for _, j := range held {
		size := j.head.Size
		if err := l.onlyTold(&j); err != nil || j.head.Size < size {
			l.mu.Unlock()
			return errors.Join(err, conflict(CodeHeld, "A dossier would tell what the own witness has not cosigned.",
				"The newest head of the own journal is told to nobody before.", "Try again when the witness answers; 'entente status' says why it does not."))
		}
	}
	evidence, err := l.evidence()
	keyrings := map[journal.Origin]*journal.Keyring{}
	chains := map[journal.PartyID][]journal.Signed{}
	mirrors := map[journal.Origin]*journal.Mirror{}
	for _, j := range held {
		if m := l.mirrors[j.origin]; m != nil && j.head.Size > 0 {
			mirrors[j.origin] = m.m
		}
		keyrings[j.origin] = l.keyring(j.origin)
		if chain := l.told(j.origin); len(chain) > len(chains[j.party]) {
			chains[j.party] = chain
		}
	}
	known := map[journal.PartyID][]journal.Signed{l.n.keys().party: l.n.keys().chain}
	for p, x := range l.file.Partners {
		known[p] = x.Chain
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	for _, j := range held {
		if j.head.Size > 0 {
			src.Journals = append(src.Journals, j.store)
		}
	}
	src.Payload = func(ref journal.Ref, p journal.PayloadRef) (salt [32]byte, data []byte, ok bool, err error) {
		if !chosen(ref, p) {
			return salt, nil, false, nil
		}
		if p.Type != journal.PayloadAccord {
			if in, err := writtenIn(held, ref, r.From, r.To); err != nil || !in {
				return salt, nil, false, err
			}
		}
		salt, data, err = l.payloads.Get(p.Commitment)
		if errors.Is(err, store.ErrNotFound) {
			return salt, nil, false, nil
		}
		return salt, data, err == nil, n.sealedError(err)
	}
	for _, text := range evidence {
		if p, ok := keptProof(text, keyrings, chains, known, mirrors); ok {
			src.Proofs = append(src.Proofs, p)
		}
	}
	if r.Page || about != nil {
		if src.Page, err = pageOf(ctx, src, n.catalog("")); err != nil {
			return err
		}
	}
	_, err = dossier.Pack(ctx, w, src)
	return err
}

// periodText says which period it is; "" where there is none.
func periodText(from, to time.Time) string {
	var b strings.Builder
	if !from.IsZero() {
		b.WriteString(" from " + from.UTC().Format(time.RFC3339))
	}
	if !to.IsZero() {
		b.WriteString(" until before " + to.UTC().Format(time.RFC3339))
	}
	return b.String()
}

// writtenIn tells whether an entry says that it was written in a period. A zero time is no end.
func writtenIn(held []heldJournal, ref journal.Ref, from, to time.Time) (bool, error) {
	if from.IsZero() && to.IsZero() {
		return true, nil
	}
	for _, j := range held {
		if j.origin != ref.Origin {
			continue
		}
		for raw, err := range j.store.Read(ref.Index, ref.Index+1) {
			if err != nil {
				return false, err
			}
			e, err := journal.ParseEntry(raw)
			if err != nil {
				return false, err
			}
			return !e.At.Before(from) && (to.IsZero() || e.At.Before(to)), nil
		}
	}
	return false, nil
}

// PreviewDossier makes a dossier, verifies it as a stranger would, and keeps only the report with the texts that are in it.
func (n *Node) PreviewDossier(ctx context.Context, r DossierExportRequest) (*DossierReport, error) {
	in, out := io.Pipe()
	go func() { out.CloseWithError(n.ExportDossier(ctx, r, out)) }()
	rep, err := VerifyDossierForPage(in, nil)
	in.CloseWithError(errReadNoMore)
	return rep, err
}

// errReadNoMore ends whoever writes into a pipe that nobody reads any more.
var errReadNoMore = errors.New("nobody reads on")

// subject is what a dossier is about.
type subject struct {
	what string
	ref  journal.Ref
}

// dossierAbout finds the request or the case that a dossier is about, nil for none.
func (n *Node) dossierAbout(l *ledger, r *DossierExportRequest) (*subject, error) {
	s, in := subject{what: "request"}, l
	var err error
	switch {
	case r.Request != "" && r.Case != "":
		return nil, badInput("A dossier is about one thing.", "A request and a case are named.", "Name one; that of a case has its requests.")
	case r.Request != "":
		in, s.ref, err = n.findRequest(r.Unit, r.Request)
	case r.Case != "":
		s.what = "case"
		in, s.ref, err = n.findJoint(r.Unit, r.Case, "case")
	default:
		return nil, nil
	}
	switch {
	case err != nil:
		return nil, err
	case in != l:
		return nil, badInput("The "+s.what+" is of another unit.", "", "Name its unit with --unit.")
	}
	return &s, nil
}

// payloadsFor says which payloads go into a dossier: accord texts always; of a dossier about something those of what belongs to
// it (see unit.Fold.Related), else all; the content of exhibits only if it is asked for. The lock must be held.
func (l *ledger) payloadsFor(r *DossierExportRequest, about []journal.Ref) func(journal.Ref, journal.PayloadRef) bool {
	var only map[journal.Ref]bool
	if len(about) > 0 {
		only = map[journal.Ref]bool{}
		for _, thread := range l.fold.Related(about[0]) {
			for _, ref := range l.fold.Entries(thread) {
				only[ref] = true
			}
		}
	}
	return func(ref journal.Ref, p journal.PayloadRef) bool {
		switch {
		case p.Type == journal.PayloadAccord:
			return true
		case !r.Payloads || p.Type == journal.PayloadChunk && !r.Evidence:
			return false
		}
		return only == nil || only[ref]
	}
}

// pageOf draws the page of a dossier, in the language of the node, from what a stranger would verify of it, without the content of exhibits.
func pageOf(ctx context.Context, src dossier.Source, words *lang.Catalog) ([]byte, error) {
	all := src.Payload
	src.Payload = func(ref journal.Ref, p journal.PayloadRef) (salt [32]byte, data []byte, ok bool, err error) {
		if p.Type == journal.PayloadChunk {
			return salt, nil, false, nil
		}
		return all(ref, p)
	}
	r, w := io.Pipe()
	go func() {
		_, err := dossier.Pack(ctx, w, src)
		w.CloseWithError(err)
	}()
	rep, err := dossier.Verify(ctx, r, dossier.Options{Words: true})
	r.CloseWithError(errReadNoMore)
	if err != nil {
		return nil, fmt.Errorf("drawing the page: %w", err)
	}
	var page bytes.Buffer
	err = rep.WritePage(&page, words)
	return page.Bytes(), err
}

// keptProof reads a kept proof back: two heads that contradict each other, an
// entry that breaks a rule, or two statements that exclude each other. One that does not hold (its file was changed) would
// spoil the dossier, and is left out.
func keptProof(text []byte, keyrings map[journal.Origin]*journal.Keyring, chains, known map[journal.PartyID][]journal.Signed, mirrors map[journal.Origin]*journal.Mirror) (dossier.Proof, bool) {
	var e struct {
		Proof json.RawMessage `json:"proof"`
	}
	if json.Unmarshal(text, &e) != nil {
		return dossier.Proof{}, false
	}
	var c journal.Contradiction
	if json.Unmarshal(e.Proof, &c) == nil && c.A != "" && c.Verify(keyrings[c.Origin]) == nil {
		return dossier.Proof{Contradiction: &c}, true
	}
	var v journal.Violation
	if json.Unmarshal(e.Proof, &v) == nil && v.Checkpoint != "" && violated(v, keyrings[v.Origin], chains, mirrors[v.Origin]) {
		return dossier.Proof{Violation: &v}, true
	}
	if m := mirrors[v.Origin]; v.Checkpoint != "" && m != nil {
		// Others hold that journal under another first key than the one of this lie.
		if o, err := v.Opening(); err == nil {
			if q, two, err := m.TwoFirstKeys(o); err == nil && two {
				return shownWith(q, chains[q.Party], known[q.Party])
			}
		}
	}
	var q journal.Equivocation
	if json.Unmarshal(e.Proof, &q) == nil && q.Party != "" {
		return shownWith(q, chains[q.Party], known[q.Party])
	}
	return dossier.Proof{}, false
}

// shownWith makes a dossier's proof of two statements. Where the journals in the dossier do not tell enough
// of their party, because nothing of it is held or what was compared by voice is newer, the proof brings
// the identities that it takes. More of them than a proof may bring are no proof there; it stays where it is.
func shownWith(q journal.Equivocation, told, known []journal.Signed) (dossier.Proof, bool) {
	if told != nil && q.Verify(told) == nil {
		return dossier.Proof{Statements: &q}, true
	}
	if a, err := journal.ParseIdentity(q.A); err == nil { // those before it: the journals may tell either of the two
		known = slices.DeleteFunc(slices.Clone(known), func(s journal.Signed) bool {
			id, err := journal.ParseIdentity(s)
			return err != nil || id.Version >= a.Version
		})
	}
	for _, bring := range []func([]journal.Signed) ([]journal.Signed, error){journal.CompactIdentityChain, whole} {
		ids, err := bring(known)
		if err != nil || len(ids) > dossier.MaxIdentities {
			continue
		}
		if all, err := journal.MergeIdentityChains(told, ids); err == nil && q.Verify(all) == nil {
			return dossier.Proof{Statements: &q, Identities: ids}, true
		}
	}
	return dossier.Proof{}, false
}

func whole(chain []journal.Signed) ([]journal.Signed, error) { return chain, nil }

// violated says whether a kept violation holds in a dossier of these journals: on top of the journal that it is
// about or, where nothing of that is held, by the beginning that it brings.
func violated(v journal.Violation, keys *journal.Keyring, chains map[journal.PartyID][]journal.Signed, m *journal.Mirror) bool {
	switch {
	case m != nil:
		return m.VerifyViolation(v) == nil
	case keys != nil:
		return v.Verify(keys) == nil
	}
	o, err := v.Opening()
	if err != nil || o == nil || v.Verify() != nil {
		return false
	}
	known := chains[o.Party]
	_, differs := journal.MergeIdentityChains(known, o.Chain)
	bad := journal.CheckGenesis(o.Entry, known)
	return differs == nil && (bad == nil || v.Entry.Index == 0 && journal.CodeOf(bad) == v.Code)
}

// DossierReport says whether a dossier holds, and what it shows.
type DossierReport struct {
	OK bool `json:"ok"`
	// Damage says what does not hold, naming the entry or the part of the file.
	Damage string `json:"damage,omitempty"`
	*dossier.Report

	why error // that Damage is of
}

// Why is Damage in the language of a catalog; what is foreign in it is escaped.
func (r *DossierReport) Why(c *lang.Catalog) string { return dossier.Reason(c, r.why) }

// Text is the report for people, in the language of a catalog.
func (r *DossierReport) Text(c *lang.Catalog) string {
	if r.Report == nil {
		return r.Why(c) + "\n"
	}
	var b strings.Builder
	b.WriteString(notTrusted(c, r.why))
	_ = r.Report.WriteText(&b, c) // a Builder does not fail
	return b.String()
}

// notTrusted says that parties whom the reader trusts have no part in what otherwise holds; "" if none is missing.
func notTrusted(c *lang.Catalog, why error) string {
	if why == nil {
		return ""
	}
	return c.Text("verify.not-trusted", "detail", dossier.Reason(c, why)) + "\n\n"
}

// VerifyDossier checks every byte of a dossier. It needs no node, no network and
// nothing but the file; trust pins the parties the reader knows by their ids.
func VerifyDossier(r io.Reader, trust []string) (*DossierReport, error) {
	return verifyDossier(r, trust, false)
}

// VerifyDossierForPage is VerifyDossier, and keeps the texts of the record, so that WritePage of the report
// draws them.
func VerifyDossierForPage(r io.Reader, trust []string) (*DossierReport, error) {
	return verifyDossier(r, trust, true)
}

func verifyDossier(r io.Reader, trust []string, words bool) (*DossierReport, error) {
	o, err := trusting(trust)
	if err != nil {
		return nil, err
	}
	o.Words = words
	rep, err := dossier.Verify(context.Background(), r, o)
	damage, is := foundIn(err)
	if !is {
		return nil, fmt.Errorf("verifying the dossier: %w", err)
	}
	return &DossierReport{OK: err == nil, Damage: damage, Report: rep, why: err}, nil
}

// foundIn says whether a verification came to an end, and what it found, "" if nothing: damage, or a signer who is not trusted. Any
// other error is that it could not be made.
func foundIn(err error) (damage string, is bool) {
	var d *dossier.Damage
	var trust *dossier.TrustError
	switch {
	case err == nil:
		return "", true
	case errors.As(err, &d), errors.As(err, &trust):
		return err.Error(), true
	}
	return "", false
}

func trusting(trust []string) (o dossier.Options, err error) {
	for _, t := range trust {
		p := journal.PartyID(t)
		if err := p.Check(); err != nil {
			return o, badInput("This is not a party id: "+t+".", err.Error(), "A party id has 64 hex digits, see 'entente identity show'.")
		}
		o.Trust = append(o.Trust, p)
	}
	return o, nil
}

// DossierFile is one of several dossiers that are verified together.
type DossierFile = dossier.File

// DossiersReport says whether several dossiers hold, and what they show together.
type DossiersReport struct {
	OK bool `json:"ok"` // every file holds, and a trusted party is missing in none of them together
	// Damage says which trusted party is missing; what is wrong with a file stands beside it.
	Damage string `json:"damage,omitempty"`
	*dossier.Combined

	why error // that Damage is of
}

// Text is the report for people, in the language of a catalog.
func (r *DossiersReport) Text(c *lang.Catalog) string {
	var b strings.Builder
	b.WriteString(notTrusted(c, r.why))
	_ = r.Combined.WriteText(&b, c) // a Builder does not fail
	return b.String()
}

// VerifyDossiers checks several dossiers of one unit, each by itself and all
// together: what one leaves out another may show.
func VerifyDossiers(files []DossierFile, trust []string) (*DossiersReport, error) {
	o, err := trusting(trust)
	if err != nil {
		return nil, err
	}
	c, err := dossier.VerifyTogether(context.Background(), files, o)
	var trustErr *dossier.TrustError
	switch {
	case errors.Is(err, dossier.ErrFiles):
		return nil, badInput("These are too many dossiers.", err.Error(), "Verify those that contradict each other.")
	case errors.As(err, &trustErr):
		return &DossiersReport{Damage: err.Error(), Combined: c, why: err}, nil
	case err != nil:
		return nil, fmt.Errorf("verifying the dossiers: %w", err)
	}
	return &DossiersReport{OK: c.OK(), Combined: c}, nil
}
