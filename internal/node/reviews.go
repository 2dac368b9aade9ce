package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/internal/review"
	"entente/internal/unit"
	"entente/journal"
)

// ReviewReport is the report on one period at one cut.
type ReviewReport = review.Report

// The forms in which a report is given.
const (
	ReviewJSON = "json" // what is countersigned
	ReviewCSV  = "csv"
	ReviewHTML = "html"
)

// ReviewReportRequest asks for the report of a period, or of a review that was opened (ID).
type ReviewReportRequest struct {
	Unit   string    `json:"unit,omitempty"`
	ID     string    `json:"id,omitempty"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Now    time.Time `json:"now,omitzero"`     // the instant of all clocks; default: To, or the latest time in the cut if that is earlier
	Format string    `json:"format,omitempty"` // json (default), csv or html
	Lang   string    `json:"lang,omitempty"`   // of the page; the node's if it is left out. JSON and CSV are in codes
}

// ReviewOpenRequest names a period and the newest final cut for all members.
type ReviewOpenRequest struct {
	Acting
	Unit   string    `json:"unit,omitempty"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Now    time.Time `json:"now,omitzero"`
	DryRun bool      `json:"dry_run,omitempty"`
}

// ReviewOpenResponse is the review that was opened.
type ReviewOpenResponse struct {
	Review *ReviewView    `json:"review,omitempty"`
	Write  *WriteResponse `json:"write"`
}

// ReviewCommitRequest commits to scores; they stay here until they are revealed.
type ReviewCommitRequest struct {
	Acting
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
	// Scores are 1 (poor) to 5 (excellent), by party, type of request and name of the score. The party may be "" where there is
	// one other.
	Scores map[string]map[string]map[string]int `json:"scores"`
	DryRun bool                                 `json:"dry_run,omitempty"`
}

// ReviewMoveRequest reveals the scores that were committed to, or signs the report of the cut.
type ReviewMoveRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"`
	Text   string `json:"text,omitempty"` // a remark
	TLP    string `json:"tlp,omitempty"`  // of the remark; default amber
	DryRun bool   `json:"dry_run,omitempty"`
}

// ReviewListRequest lists the reviews of a unit.
type ReviewListRequest struct {
	Unit string `json:"unit,omitempty"`
}

// ReviewListResponse lists reviews, the newest first.
type ReviewListResponse struct {
	Reviews []ReviewView `json:"reviews"`
}

// ReviewShowRequest names one review; empty means the only one that is not signed by all.
type ReviewShowRequest struct {
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
}

// ReviewView is one review as it stands here. Hashes of reports are hexadecimal SHA-256.
type ReviewView struct {
	ID      string            `json:"id"`
	Short   string            `json:"short"`
	Unit    string            `json:"unit"`
	Opener  string            `json:"opener"`
	Opened  time.Time         `json:"opened"`
	From    time.Time         `json:"from"`
	To      time.Time         `json:"to"`
	Now     time.Time         `json:"now"`
	Entries int64             `json:"entries"` // of all journals of the cut
	State   string            `json:"state"`   // open, committed, revealed
	Parties []ReviewPartyView `json:"parties"`
	Agreed  string            `json:"agreed,omitempty"`  // the report that all have signed
	Differs bool              `json:"differs,omitempty"` // two have signed different reports
	// Report is what this node computes for the cut; only of a single review, and empty if it does not hold the cut.
	Report string     `json:"report,omitempty"`
	Moves  []MoveView `json:"moves,omitempty"` // those without effect with their code
	Next   []string   `json:"next"`            // what this side may do: commit, reveal, sign
	Labels Labels     `json:"labels,omitempty"`
}

// ReviewPartyView is where one party stands in a review.
type ReviewPartyView struct {
	Party     string                               `json:"party"`
	Name      string                               `json:"name"`
	Self      bool                                 `json:"self,omitempty"`
	Committed bool                                 `json:"committed"`
	Revealed  bool                                 `json:"revealed"`
	Scores    map[string]map[string]map[string]int `json:"scores,omitempty"` // by party and type
	Unfit     int                                  `json:"unfit,omitempty"`  // reveals that did not fit the commitment
	Signed    string                               `json:"signed,omitempty"`
}

// reviewBody joins what the gate reads and what the desk reads.
type reviewBody struct {
	desk.ReviewBody
	Bytes int64 `json:"bytes,omitempty"`
}

// savedScores are scores that were committed to and not shown yet, with their salt. They are private.
type savedScores struct {
	Unit   journal.UnitID    `json:"unit"`
	Review journal.Ref       `json:"review"`
	Salt   journal.Hash      `json:"salt"`
	Scores desk.ReviewScores `json:"scores"`
}

// maxScores is how many commitments wait to be shown.
const maxScores = 1000

// ReviewReport writes the report of a period at the newest final cut, or of an opened review.
func (n *Node) ReviewReport(_ context.Context, r ReviewReportRequest, w io.Writer) error {
	if !slices.Contains([]string{"", ReviewJSON, ReviewCSV, ReviewHTML}, r.Format) {
		return badInput("Unknown form "+r.Format+" of a report.", "", "Use json, csv or html.")
	}
	compute, err := n.reviewing(r)
	if err != nil {
		return err
	}
	report, write := compute(), (*review.Report).JSON
	switch r.Format {
	case ReviewCSV:
		write = (*review.Report).CSV
	case ReviewHTML:
		write = func(x *review.Report) ([]byte, error) { return x.HTML(n.catalog(r.Lang)) }
	}
	b, err := write(report)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// reviewing finds what a report is about. What it returns needs no lock.
func (n *Node) reviewing(r ReviewReportRequest) (func() *review.Report, error) {
	if r.ID != "" {
		if !r.From.IsZero() || !r.To.IsZero() || !r.Now.IsZero() {
			return nil, badInput("A review that was opened has its own period.", "", "Give its id, or a period with --from and --to.")
		}
		l, ref, err := n.findReview(r.Unit, r.ID)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		v, _ := l.fold.Review(ref)
		return l.reviewing(v.Subject)
	}
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.subject(r.From, r.To, r.Now)
	if err != nil {
		return nil, err
	}
	return l.reviewing(s)
}

// subject is a period at the newest final cut. The lock must be held.
func (l *ledger) subject(from, to, now time.Time) (desk.Subject, error) {
	if from.IsZero() || to.IsZero() || !from.Before(to) {
		return desk.Subject{}, badInput("A review needs a period.", "It begins with --from and ends before --to.", "Give both, as dates or RFC 3339: --from 2026-01-01 --to 2026-07-01.")
	}
	s, err := l.fold.Subject(from, to)
	if errors.Is(err, unit.ErrNothingFinal) {
		return s, notFound("There is nothing to review yet.", "Nothing from before the end of the period is held by all members; sync first, or take a later end.")
	}
	if err != nil {
		return s, err
	}
	if !now.IsZero() {
		s.Now = now.UTC()
	}
	if err := s.Check(); err != nil {
		return s, badInput("This cannot be reviewed.", err.Error()+".", "Take another period.")
	}
	return s, nil
}

func (l *ledger) reviewing(s desk.Subject) (func() *review.Report, error) {
	compute, err := l.fold.Reviewing(s)
	if errors.Is(err, unit.ErrCut) {
		return nil, &Error{Code: CodeNotFound, Status: http.StatusNotFound, What: "The cut of this review is not held here.", Why: err.Error() + ".", Next: "Sync, and try again.", Err: err}
	}
	return compute, err
}

// OpenReview names a period and the newest final cut to all members.
func (n *Node) OpenReview(_ context.Context, r ReviewOpenRequest) (*ReviewOpenResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.subject(r.From, r.To, r.Now)
	if err != nil {
		return nil, err
	}
	w, entries, err := l.sendReview(desk.ReviewOpen, r.Acting, desk.ReviewBody{From: s.From, To: s.To, Now: s.Now, Cut: s.Cut}, "", r.DryRun)
	if err != nil || r.DryRun || w.Held != "" {
		return &ReviewOpenResponse{Write: w}, err
	}
	v, ok := l.fold.Review(entries[0].Ref())
	if !ok {
		return nil, notFound("The entry opened no review.", "See why with 'entente journal show'.")
	}
	view := l.reviewView(&v)
	return &ReviewOpenResponse{Review: &view, Write: w}, nil
}

// CommitReview commits to scores. They and their salt are kept here, on the disk, before the commitment is told.
func (n *Node) CommitReview(_ context.Context, r ReviewCommitRequest) (*WriteResponse, error) {
	l, ref, err := n.findReview(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	n.scoring.Lock() // what is kept has to be what is committed to
	defer n.scoring.Unlock()
	if id := n.heldCommitment(l.id, ref); id != "" && !r.DryRun { // its scores are those that are kept
		return nil, conflict("commitment-waits", "A commitment to scores of this review waits for a second person.", "It is held ready as "+id+"; other scores would take the place of those that it commits to.", "Have it released or rejected: 'entente release show "+id+"'.")
	}
	kept, body, err := l.commitment(ref, r)
	if err != nil {
		return nil, err
	}
	if !r.DryRun {
		if err := n.keepScores(kept); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, _, err := l.sendReview(desk.ReviewCommit, r.Acting, body, "", r.DryRun)
	return w, err
}

// commitment makes what is kept and what is told of scores, if they may be committed to now.
func (l *ledger) commitment(ref journal.Ref, r ReviewCommitRequest) (kept savedScores, body desk.ReviewBody, err error) {
	kept = savedScores{Unit: l.id, Review: ref}
	if kept.Scores, err = l.scores(ref, r.Scores); err != nil {
		return kept, body, err
	}
	if err := l.n.random(kept.Salt[:]); err != nil {
		return kept, body, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v, _ := l.fold.Review(ref)
	c := desk.ScoreCommitment(l.id, ref, v.Subject.Hash(), l.n.keys().party, kept.Salt, kept.Scores)
	body = desk.ReviewBody{Review: &ref, Commitment: &c}
	return kept, body, l.judgeReview(desk.ReviewCommit, r.Acting, body)
}

// scores finds the parties that scores are given to: others of the review, by name; "" where there is one.
func (l *ledger) scores(ref journal.Ref, given map[string]map[string]map[string]int) (desk.ReviewScores, error) {
	l.mu.Lock()
	v, _ := l.fold.Review(ref)
	var others []journal.PartyID
	for _, p := range v.Parties {
		if p.Party != l.n.keys().party {
			others = append(others, p.Party)
		}
	}
	called := strings.Join(l.names(others), ", ")
	l.mu.Unlock()
	out := desk.ReviewScores{}
	for name, types := range given {
		var p journal.PartyID
		switch {
		case name != "":
			var err error
			if p, err = l.findParty(name); err != nil {
				return nil, err
			}
			if !slices.Contains(others, p) {
				return nil, badInput("Scores go to another party of the review.", name+" is none.", "They are "+called+".")
			}
		case len(others) == 1:
			p = others[0]
		default:
			return nil, badInput("It is not clear who gets these scores.", "There are several other parties: "+called+".", "Name one: --score PARTY:TYPE.NAME=4.")
		}
		if out[p] == nil {
			out[p] = map[string]map[string]int{}
		}
		for kind, scores := range types {
			if !slices.Contains(desk.Types(), kind) { // they cannot be changed once committed to
				return nil, badInput("Unknown type of request "+kind+".", "", "Use one of "+strings.Join(desk.Types(), ", ")+": --score information.timeliness=4.")
			}
			if out[p][kind] == nil {
				out[p][kind] = map[string]int{}
			}
			for what, n := range scores {
				if old, twice := out[p][kind][what]; twice && old != n {
					return nil, badInput("A score is given twice.", fmt.Sprintf("%s of %s is %d and %d.", what, kind, old, n), "Give it once.")
				}
				out[p][kind][what] = n
			}
		}
	}
	err := out.Check()
	switch {
	case len(out) == 0:
		err = errors.New("there are none")
	case err == nil:
		return out, nil
	}
	return nil, badInput("These scores cannot be given.", err.Error()+".", "Give each from 1 to 5: --score information.timeliness=4. Scored are "+strings.Join(desk.Scores(), ", ")+".")
}

func (n *Node) keepScores(s savedScores) error {
	n.drafting.Lock()
	defer n.drafting.Unlock()
	f, err := n.readDrafts()
	if err != nil {
		return err
	}
	f.Scores = slices.DeleteFunc(f.Scores, func(o savedScores) bool { return o.Unit == s.Unit && o.Review == s.Review })
	if len(f.Scores) >= maxScores {
		return conflict("too-many", "There are too many scores that have not been shown.", fmt.Sprintf("At most %d are kept.", maxScores), "Reveal some with 'entente review reveal'.")
	}
	f.Scores = append(f.Scores, s)
	return n.keepDrafts(f)
}

// forgetScores drops scores that are in a journal now.
func (n *Node) forgetScores(u journal.UnitID, ref journal.Ref) error {
	n.drafting.Lock()
	defer n.drafting.Unlock()
	f, err := n.readDrafts()
	if err != nil {
		return err
	}
	f.Scores = slices.DeleteFunc(f.Scores, func(o savedScores) bool { return o.Unit == u && o.Review == ref })
	return n.keepDrafts(f)
}

// RevealReview shows the scores that were committed to, once all parties have.
func (n *Node) RevealReview(_ context.Context, r ReviewMoveRequest) (*WriteResponse, error) {
	l, ref, err := n.findReview(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	f, err := n.readDrafts()
	if err != nil {
		return nil, err
	}
	w, err := l.reveal(ref, f, r)
	if err != nil || r.DryRun || w.Held != "" {
		return w, err
	}
	return w, n.forgetScores(l.id, ref)
}

func (l *ledger) reveal(ref journal.Ref, f draftFile, r ReviewMoveRequest) (*WriteResponse, error) {
	n := l.n
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(f.Scores, func(o savedScores) bool { return o.Unit == l.id && o.Review == ref })
	if i < 0 {
		v, _ := l.fold.Review(ref)
		if p := v.Party(n.keys().party); p != nil && p.Committed != nil && p.Revealed == nil {
			return nil, notFound("The scores of this review are not in this folder.", "They were committed to elsewhere, or lost with drafts.json; put that file back from a backup.")
		}
		return nil, conflict("illegal-move", "There is nothing to reveal.", "This node has committed to no scores in this review, or has shown them.", "See 'entente review show'.")
	}
	w, _, err := l.sendReview(desk.ReviewReveal, r.Acting, desk.ReviewBody{Review: &ref, Salt: &f.Scores[i].Salt, Scores: f.Scores[i].Scores, TLP: r.TLP}, r.Text, r.DryRun)
	return w, err
}

// SignReview computes the report of the cut and countersigns it.
func (n *Node) SignReview(_ context.Context, r ReviewMoveRequest) (*WriteResponse, error) {
	l, ref, err := n.findReview(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	compute, err := n.reviewing(ReviewReportRequest{Unit: r.Unit, ID: ref.String()})
	if err != nil {
		return nil, err
	}
	hash, err := compute().Hash()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, _, err := l.sendReview(desk.ReviewSign, r.Acting, desk.ReviewBody{Review: &ref, Report: &hash, TLP: r.TLP}, r.Text, r.DryRun)
	if err != nil {
		return nil, err
	}
	w.Report = hex.EncodeToString(hash[:])
	v, _ := l.fold.Review(ref)
	for _, p := range v.Parties {
		if p.Report != nil && *p.Report != hash && p.Party != n.keys().party {
			if w.Others == nil {
				w.Others = map[string]string{}
			}
			w.Others[l.partyName(p.Party)] = hex.EncodeToString(p.Report[:])
		}
	}
	return w, nil
}

// judgeReview asks whether a move would have an effect. The lock must be held.
func (l *ledger) judgeReview(move string, by Acting, body desk.ReviewBody) error {
	code, why := l.fold.Check(l.n.keys().party, journal.Draft{Kind: "review." + move, By: l.n.by(by.By), Release: claims(by.Release), At: l.n.now(), Body: reviewBody{ReviewBody: body}})
	if code == "" {
		return nil
	}
	return illegalMove("review."+move, code, why, nil)
}

// sendReview asks the review and the gate, and writes. The lock must be held.
func (l *ledger) sendReview(move string, by Acting, body desk.ReviewBody, text string, dryRun bool) (*WriteResponse, []*journal.Entry, error) {
	if len(text) > maxText {
		return nil, nil, badInput("The text is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(text), maxText), "Shorten it.")
	}
	var plain []byte
	tlp := ""
	if text != "" {
		tlp = cmp.Or(body.TLP, "amber")
		var err error
		if plain, err = (answerPayload{Text: text}).encode(); err != nil {
			return nil, nil, err
		}
	}
	body.TLP = tlp
	return l.post(posting{kind: "review." + move, act: by, plain: plain, dryRun: dryRun, body: func(bytes int64) any {
		return reviewBody{ReviewBody: body, Bytes: bytes}
	}})
}

// Reviews lists reviews, the newest first.
func (n *Node) Reviews(_ context.Context, r ReviewListRequest) (*ReviewListResponse, error) {
	ledgers := n.units()
	if r.Unit != "" {
		l, err := n.findUnit(r.Unit)
		if err != nil {
			return nil, err
		}
		ledgers = []*ledger{l}
	}
	res := &ReviewListResponse{Reviews: []ReviewView{}}
	for _, l := range ledgers {
		l.mu.Lock()
		all := l.fold.Reviews()
		for i := range all {
			res.Reviews = append(res.Reviews, l.reviewView(&all[i]))
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(res.Reviews, func(a, b ReviewView) int { return b.Opened.Compare(a.Opened) })
	return res, nil
}

// Review shows one review, with what this node computes for its cut.
func (n *Node) Review(_ context.Context, r ReviewShowRequest) (*ReviewView, error) {
	l, ref, err := n.findReview(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	v, _ := l.fold.Review(ref)
	view := l.reviewView(&v)
	for _, s := range slices.Concat(v.Steps, shown(v.Illegal)) {
		m := MoveView{Ref: s.Ref.String(), Move: s.Move, Party: l.partyName(s.Party), By: Claim{s.By.Agency, s.By.Role}, At: s.At, Refused: s.Refused}
		p, absent := l.moveWords(s.Payload, s.Held)
		m.Text, m.Absent = p.Text, absent
		view.Moves = append(view.Moves, m)
	}
	compute, err := l.reviewing(v.Subject)
	l.mu.Unlock()
	if err == nil {
		hash, err := compute().Hash()
		if err != nil {
			return nil, err
		}
		view.Report = hex.EncodeToString(hash[:])
	}
	slices.SortStableFunc(view.Moves, func(a, b MoveView) int { return a.At.Compare(b.At) })
	return &view, nil
}

// findReview takes "origin#index", the short form, or a prefix of either; empty means the only one that is not
// signed by all.
func (n *Node) findReview(unitName, id string) (*ledger, journal.Ref, error) {
	return n.findThread(unitName, id, "review", "entente review list", func(l *ledger) (out []threadID) {
		for _, v := range l.fold.Reviews() {
			out = append(out, threadID{v.ID, v.Agreed == nil})
		}
		return out
	})
}

// reviewView renders a review. The lock must be held.
func (l *ledger) reviewView(v *desk.Review) ReviewView {
	out := ReviewView{ID: v.ID.String(), Short: short(v.ID), Unit: string(l.id), Opener: l.partyName(v.Opener), Opened: v.Opened, From: v.From, To: v.To, Now: v.Now,
		State: string(v.State), Parties: []ReviewPartyView{}, Differs: v.Differs, Next: v.May(l.n.keys().party)}
	for _, h := range v.Cut {
		out.Entries += h.Size
	}
	if v.Agreed != nil {
		out.Agreed = hex.EncodeToString(v.Agreed[:])
	}
	for i := range v.Parties {
		p := &v.Parties[i]
		x := ReviewPartyView{Party: string(p.Party), Name: l.partyName(p.Party), Self: p.Party == l.n.keys().party, Committed: p.Committed != nil, Revealed: p.Revealed != nil, Unfit: len(p.Unfit)}
		for of, types := range p.Scores {
			if x.Scores == nil {
				x.Scores = map[string]map[string]map[string]int{}
			}
			x.Scores[string(of)] = types
		}
		if p.Report != nil {
			x.Signed = hex.EncodeToString(p.Report[:])
		}
		out.Parties = append(out.Parties, x)
	}
	return out
}
