package node

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/store"
	"entente/journal"
)

// ProposeStatement proposes what is to be said in public.
func (n *Node) ProposeStatement(_ context.Context, r StatementProposeRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	var texts []desk.StatementWords
	var authentic []string
	for _, t := range r.Texts {
		texts = append(texts, desk.StatementWords{Lang: strings.ToLower(t.Lang), Text: t.Text})
		if t.Authentic {
			authentic = append(authentic, strings.ToLower(t.Lang))
		}
	}
	slices.SortFunc(texts, func(a, b desk.StatementWords) int { return cmp.Compare(a.Lang, b.Lang) })
	plain, sum, said, err := desk.SealStatement(texts, authentic)
	if err != nil {
		return nil, badInput("This is no statement that could be proposed.", err.Error(), "Give each language one text, and name at least one of them as authentic.")
	}
	tlp, err := marking(r.TLP, plain)
	if err != nil {
		return nil, err
	}
	b := desk.StatementBody{TLP: tlp, Form: r.Form, SHA256: sum, Texts: said, Embargo: r.Embargo.Truncate(time.Second)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Replaces != "" {
		if b.Replaces, err = l.optionalRef(r.Replaces); err != nil {
			return nil, err
		}
		if old, ok := l.fold.Statement(*b.Replaces, n.now()); ok {
			b.Version = old.Version + 1
		}
	}
	w, _, err := l.sendJoint(jointDraft{kind: "statement." + desk.StatementPropose, act: r.Acting, body: b, payloadType: journal.PayloadStatement, plain: plain, dryRun: r.DryRun})
	return w, err
}

// MoveStatement signs, declines or retracts a statement. What is signed has to be here and to be what its entry says it is.
func (n *Node) MoveStatement(_ context.Context, r StatementMoveRequest) (*WriteResponse, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "statement")
	if err != nil {
		return nil, err
	}
	plain, tlp, err := jointPayload{Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	b := desk.StatementBody{TLP: tlp, Statement: &id, Code: r.Code}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Move == desk.StatementSign {
		s, ok := l.fold.Statement(id, n.now())
		if !ok {
			return nil, notFound("That statement is not here any more.", "")
		}
		if _, err := l.statementTexts(&s); err != nil {
			return nil, conflict(desk.CodeMismatch, "This statement is not signed.", err.Error()+".", "Sync first; if the texts are here and are others than its entry says, ask its proposer for a new one.")
		}
		b.SHA256 = cmp.Or(strings.ToLower(r.SHA256), s.SHA256)
	}
	w, _, err := l.sendJoint(jointDraft{kind: "statement." + r.Move, act: r.Acting, body: b, plain: plain, dryRun: r.DryRun})
	return w, err
}

// statementTexts reads the texts of a statement and holds them against what its entry says.
func (l *ledger) statementTexts(s *desk.Statement) ([]desk.StatementWords, error) {
	first := s.Steps[0]
	switch {
	case first.Payload == nil:
		return nil, errors.New("it was proposed without its texts")
	case first.Held:
		return nil, errors.New("the gate holds its texts")
	}
	plain, err := l.openBounded(*first.Payload, desk.MaxStatementBytes)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errors.New("its texts are not here")
	case err != nil:
		return nil, err
	}
	return desk.OpenStatement(plain, desk.StatementBody{SHA256: s.SHA256, Texts: s.Texts})
}

// Statements lists statements, the newest first; without All those that were retracted are left out.
func (n *Node) Statements(_ context.Context, r JointListRequest) (*StatementListResponse, error) {
	ledgers, err := n.these(r.Unit)
	if err != nil {
		return nil, err
	}
	res := &StatementListResponse{Statements: []StatementView{}}
	for _, l := range ledgers {
		l.mu.Lock()
		for _, s := range l.fold.Statements(n.now()) {
			if r.All || s.State != desk.StatementRetracted {
				res.Statements = append(res.Statements, *l.statementView(&s, false))
			}
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(res.Statements, func(a, b StatementView) int { return b.Proposed.Compare(a.Proposed) })
	return res, nil
}

// Statement shows one statement with its texts and who has signed.
func (n *Node) Statement(_ context.Context, r JointShowRequest) (*StatementView, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "statement")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.fold.Statement(id, n.now())
	if !ok {
		return nil, notFound("That statement is not here any more.", "")
	}
	return l.statementView(&s, true), nil
}

func (l *ledger) statementView(s *desk.Statement, whole bool) *StatementView {
	v := &StatementView{ID: s.ID.String(), Short: short(s.ID), Unit: string(l.id), Form: s.Form, State: s.State, Counts: s.Counts(), Version: s.Version, Replaces: refString(s.Replaces), Proposer: l.partyName(s.Proposer), Proposed: s.Proposed,
		Embargo: s.Embargo, Embargoed: s.Embargoed, Completed: s.Completed, SHA256: s.SHA256, Signed: l.markViews(s.Signed), Missing: append([]string{}, l.names(s.Missing)...), Retracted: l.markViews(s.Retracted), Texts: []StatementTextView{}}
	for _, t := range s.Texts {
		v.Texts = append(v.Texts, StatementTextView{Lang: t.Lang, Authentic: t.Authentic, SHA256: t.SHA256})
	}
	for _, d := range s.Declined {
		for i := range s.Steps {
			if s.Steps[i].Ref == d.Ref {
				v.Declined = append(v.Declined, l.saidView(&s.Steps[i]))
			}
		}
	}
	if !whole {
		return v
	}
	texts, err := l.statementTexts(s)
	if err != nil {
		v.Problem = err.Error()
	}
	for i, t := range texts {
		v.Texts[i].Text = t.Text
	}
	rest := s.Minutes
	if first := s.Steps[0]; len(s.Steps) > 0 { // its payload is the texts, which are shown
		first.Payload = nil
		rest.Steps = append([]desk.Said{first}, s.Steps[1:]...)
	}
	v.Said = l.saidViews(rest)
	return v
}

// CompareStatement holds a text that was published against those of a statement, byte for byte.
func (n *Node) CompareStatement(_ context.Context, r StatementCompareRequest) (*StatementCompareResponse, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "statement")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.fold.Statement(id, n.now())
	if !ok {
		return nil, notFound("That statement is not here any more.", "")
	}
	sum := sha256.Sum256([]byte(r.Text))
	res := &StatementCompareResponse{ID: id.String(), SHA256: hex.EncodeToString(sum[:]), Counts: s.Counts(), Embargoed: s.Embargoed}
	for _, t := range s.Texts {
		if t.SHA256 == res.SHA256 {
			res.Same, res.Lang, res.Authentic = true, t.Lang, t.Authentic
		}
	}
	return res, nil
}

// ExportStatement writes a statement that counts as one file, which anybody verifies offline with the parties' ids. Before the
// embargo ends it does so only if that is asked for, and the file says so.
func (n *Node) ExportStatement(_ context.Context, r StatementExportRequest, w io.Writer) error {
	l, id, err := n.findJoint(r.Unit, r.ID, "statement")
	if err != nil {
		return err
	}
	l.mu.Lock()
	f, err := l.statementFile(id, r.Embargoed)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return dossier.WriteStatement(w, *f)
}

// statementFile gathers what a statement's file holds. The lock must be held.
func (l *ledger) statementFile(id journal.Ref, early bool) (*dossier.StatementFile, error) {
	now := l.n.now().UTC().Truncate(time.Second)
	s, ok := l.fold.Statement(id, now)
	if !ok {
		return nil, notFound("That statement is not here any more.", "")
	}
	switch {
	case !s.Counts():
		return nil, conflict("not-complete", "This statement does not count, and is not exported.", fmt.Sprintf("It is %s; not signed by: %s.", s.State, strings.Join(l.names(s.Missing), ", ")), "A statement counts once everybody who has to has signed it.")
	case s.Embargoed && !early:
		return nil, conflict(desk.CodeEmbargo, "This statement is under embargo.", "Nothing is published before "+s.Embargo.Format(time.RFC3339)+".", "Wait until then; --embargoed writes a file that says that it was made before.")
	}
	if _, err := l.statementTexts(&s); err != nil {
		return nil, conflict(desk.CodeMismatch, "The texts of this statement cannot be shown.", err.Error()+".", "Sync first.")
	}
	salt, data, err := l.payloads.Get(s.Steps[0].Payload.Commitment)
	if err != nil {
		return nil, err
	}
	hash := l.fold.Under(id)
	text, ok := l.texts[hash]
	if !ok {
		return nil, conflict("no-text", "The text of the accord is not here yet.", "", "Sync first with 'entente sync'.")
	}
	f := &dossier.StatementFile{Unit: l.id, Founding: l.file.Founding, Exported: now, Embargoed: now.Before(s.Embargo), Statement: id, Salt: salt[:], Payload: data, Accord: string(text)}
	show := []journal.Ref{id}
	signed := l.fold.SignedAccord(hash)
	doc := l.fold.AccordOf(id)
	for _, p := range doc.Parties() {
		if left, ok := l.fold.WithdrawnBefore(journal.PartyID(p), id); ok {
			show = append(show, left)
			continue
		}
		ref, ok := signed[journal.PartyID(p)]
		if !ok {
			return nil, fmt.Errorf("the entry by which %s signed the accord is not held", journal.PartyID(p).Short())
		}
		show = append(show, ref)
	}
	for _, m := range s.Signed {
		show = append(show, m.Ref)
	}
	f.Journals, err = l.proved(show)
	return f, err
}

// proved gathers entries with their proofs by journal, and what shows the keys of each: its first entry and every rotation.
func (l *ledger) proved(show []journal.Ref) ([]dossier.StatementJournal, error) {
	byOrigin := map[journal.Origin][]int64{}
	for _, ref := range show {
		byOrigin[ref.Origin] = append(byOrigin[ref.Origin], ref.Index)
	}
	var out []dossier.StatementJournal
	for _, j := range l.journals() {
		want := byOrigin[j.origin]
		if len(want) == 0 {
			continue
		}
		delete(byOrigin, j.origin)
		keys := l.keyring(j.origin)
		rotations := map[int64]bool{}
		want = append(want, 0)
		for _, k := range keys.Keys()[1:] {
			rotations[k.From-1] = true
			want = append(want, k.From-1)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if err := l.onlyTold(&j); err != nil {
			return nil, err
		}
		if last := want[len(want)-1]; last >= j.head.Size {
			return nil, conflict(CodeHeld, "The file would tell what the own witness has not cosigned.", "The newest head of the own journal is told to nobody before.", "Try again when the witness answers; 'entente status' says why it does not.")
		}
		sj := dossier.StatementJournal{Origin: j.origin}
		for _, i := range want {
			size := int64(0)
			if rotations[i] {
				size = i + 1
			}
			proof, err := journal.Prove(j.store, i, size)
			if err != nil {
				return nil, err
			}
			for raw, err := range j.store.Read(i, i+1) {
				if err != nil {
					return nil, err
				}
				sj.Entries = append(sj.Entries, dossier.StatementEntry{Raw: string(raw), Proof: string(proof)})
			}
		}
		out = append(out, sj)
	}
	for o := range byOrigin {
		return nil, fmt.Errorf("journal %s is not held", o.Short())
	}
	slices.SortFunc(out, func(a, b dossier.StatementJournal) int { return cmp.Compare(a.Origin, b.Origin) })
	return out, nil
}

// StatementReport says whether a statement's file holds, and what it shows.
type StatementReport struct {
	OK bool `json:"ok"`
	// Damage says what does not hold.
	Damage string `json:"damage,omitempty"`
	*dossier.StatementReport

	why error // that Damage is of
}

// Why is Damage in the language of a catalog; what is foreign in it is escaped.
func (r *StatementReport) Why(c *lang.Catalog) string { return dossier.Reason(c, r.why) }

// VerifyStatement checks every byte of a statement's file. It needs no node, no network and nothing but the file; trust pins the
// parties the reader knows by their ids.
func VerifyStatement(r io.Reader, trust []string) (*StatementReport, error) {
	o, err := trusting(trust)
	if err != nil {
		return nil, err
	}
	rep, err := dossier.VerifyStatement(r, o)
	damage, is := foundIn(err)
	if !is {
		return nil, fmt.Errorf("verifying the statement: %w", err)
	}
	return &StatementReport{OK: err == nil, Damage: damage, StatementReport: rep, why: err}, nil
}

// IsStatementFile says whether what begins with these bytes is the file of a statement.
func IsStatementFile(begin []byte) bool { return dossier.IsStatement(begin) }

// StatementMagic is how many bytes IsStatementFile has to see.
const StatementMagic = len(dossier.StatementMagic)
