package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/desk"
	"entente/journal"
	"entente/stix"
)

// jointPayload is the payload of what members keep together, of type "text": words, and of a leak where it was found and by
// whom it was noticed.
type jointPayload struct {
	Title   string `json:"title,omitempty"`
	Text    string `json:"text"`
	Where   string `json:"where,omitempty"`
	Noticed string `json:"noticed,omitempty"`
}

// maxJointPayload bounds what is read of a partner's words, in bytes: the text with its JSON, in which a character may take six.
const maxJointPayload = 6*maxText + 16<<10

// encode checks the words of this side and writes them, nil if there are none.
func (p jointPayload) encode() ([]byte, error) {
	for name, s := range map[string]string{"title": p.Title, "place": p.Where, "name of who noticed it": p.Noticed} {
		if len(s) > maxTitle {
			return nil, badInput("The "+name+" is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(s), maxTitle), "Shorten it; the rest belongs into the text.")
		}
	}
	if len(p.Text) > maxText {
		return nil, badInput("The text is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(p.Text), maxText), "Shorten it; evidence does not belong into the text.")
	}
	if p == (jointPayload{}) {
		return nil, nil
	}
	return jsonv2.Marshal(p, jsonv2.Deterministic(true), jsontext.EscapeForHTML(false))
}

// marked is encode with the marking that the words go under; none where there are no words.
func (p jointPayload) marked(tlp string) (plain []byte, under string, err error) {
	if plain, err = p.encode(); err != nil {
		return nil, "", err
	}
	under, err = marking(tlp, plain)
	return plain, under, err
}

// openBounded reads a payload of at most so many bytes before compression.
func (l *ledger) openBounded(p journal.PayloadRef, most int64) ([]byte, error) {
	salt, data, err := l.payloads.Get(p.Commitment)
	if err != nil {
		return nil, err
	}
	return journal.OpenPayload(p, salt, data, most)
}

// jointDraft is an entry that is about to be written to what members keep together.
type jointDraft struct {
	kind        string
	act         Acting
	body        any // of package desk
	payloadType string
	plain       []byte // or nil
	dryRun      bool
}

// usualTLP is how words are marked of which it is not said.
const usualTLP = "amber"

// marking returns the TLP of words; none where there are none.
func marking(tlp string, plain []byte) (string, error) {
	if tlp == "" && plain != nil {
		tlp = usualTLP
	}
	if tlp != "" {
		if _, err := stix.ParseTLP(tlp); err != nil {
			return "", badInput("Unknown marking "+tlp+".", "", "Use clear, green, amber, amber+strict or red.")
		}
	}
	return tlp, nil
}

// sendJoint writes an entry to what members keep together. The lock must be held.
func (l *ledger) sendJoint(x jointDraft) (*WriteResponse, journal.Ref, error) {
	raw, err := jsonv2.Marshal(x.body, jsonv2.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return nil, journal.Ref{}, fmt.Errorf("body of %s: %w", x.kind, err)
	}
	w, entries, err := l.post(posting{kind: x.kind, act: x.act, payloadType: x.payloadType, plain: x.plain, dryRun: x.dryRun, body: func(bytes int64) any {
		return jsontext.Value(withBytes(raw, bytes))
	}})
	if err != nil || len(entries) == 0 {
		return w, journal.Ref{}, err
	}
	return w, entries[0].Ref(), nil
}

// withBytes puts the size of a payload into a body, for the gate; none where there is no payload.
func withBytes(body []byte, bytes int64) []byte {
	if bytes == 0 {
		return body
	}
	out := append([]byte(`{"bytes":`), strconv.FormatInt(bytes, 10)...)
	if len(body) > len("{}") {
		out = append(out, ',')
	}
	return append(out, body[1:]...)
}

// parseRef reads the name of an entry: origin#index, or the short form that lists print. Nothing is looked up for a whole one.
func (l *ledger) parseRef(s string) (journal.Ref, error) {
	cut := strings.LastIndexAny(s, "#-")
	if cut < 0 {
		return journal.Ref{}, badInput(fmt.Sprintf("%q names no entry.", s), "", "Give its whole name (origin#index) or the short one that lists print.")
	}
	name := strings.TrimPrefix(s[:cut], "entente/")
	index, err := strconv.ParseInt(s[cut+1:], 10, 64)
	if err != nil || index < 0 || name == "" {
		return journal.Ref{}, badInput(fmt.Sprintf("%q names no entry.", s), "", "Give its whole name (origin#index) or the short one that lists print.")
	}
	var hits []journal.Origin
	for _, j := range l.journals() {
		if strings.HasPrefix(strings.TrimPrefix(string(j.origin), "entente/"), name) {
			hits = append(hits, j.origin)
		}
	}
	switch len(hits) {
	case 1:
		return journal.Ref{Origin: hits[0], Index: index}, nil
	case 0:
		return journal.Ref{}, notFound(fmt.Sprintf("No journal %q is held in this unit.", name), "List entries with 'entente journal show'.")
	}
	return journal.Ref{}, badInput(fmt.Sprintf("%q fits several journals.", name), "", "Give more of its name.")
}

// optionalRef reads the name of an entry where one is given.
func (l *ledger) optionalRef(s string) (*journal.Ref, error) {
	if s == "" {
		return nil, nil
	}
	ref, err := l.parseRef(s)
	return &ref, err
}

// findJoint finds what an id means among what members keep together: whole, short, or a prefix of either; empty means the only
// one.
func (n *Node) findJoint(unitName, id, what string) (*ledger, journal.Ref, error) {
	return n.findThread(unitName, id, what, "entente "+what+" list", func(l *ledger) []threadID { return allOpen(l.fold.ThreadRefs(what + ".")) })
}

// these are the units that a list is of.
func (n *Node) these(unitName string) ([]*ledger, error) {
	if unitName == "" {
		return n.units(), nil
	}
	l, err := n.findUnit(unitName)
	if err != nil {
		return nil, err
	}
	return []*ledger{l}, nil
}

// saidViews renders all of a thread: what counts and what does not, by the time their authors say.
func (l *ledger) saidViews(m desk.Minutes) []SaidView {
	all := append(slices.Clone(m.Steps), shown(m.Illegal)...)
	slices.SortStableFunc(all, func(a, b desk.Said) int { return a.At.Compare(b.At) })
	out := make([]SaidView, 0, len(all))
	for i := range all {
		out = append(out, l.saidView(&all[i]))
	}
	return out
}

func (l *ledger) saidView(s *desk.Said) SaidView {
	w, absent := l.payloadOf(s)
	return SaidView{Ref: s.Ref.String(), Move: s.Move, Party: l.partyName(s.Party), By: Claim{s.By.Agency, s.By.Role}, At: s.At, Code: s.Code,
		Title: w.Title, Text: w.Text, Absent: absent, Where: w.Where, Noticed: w.Noticed, Refused: s.Refused, Reason: s.Reason}
}

// opening returns the words with which a thread was opened.
func (l *ledger) opening(m desk.Minutes) (p jointPayload, absent string) {
	return l.payloadOf(&m.Steps[0])
}

// textOf returns the words of one entry of a thread.
func (l *ledger) textOf(m desk.Minutes, ref journal.Ref) (text, absent string) {
	for i := range m.Steps {
		if m.Steps[i].Ref == ref {
			p, absent := l.payloadOf(&m.Steps[i])
			return p.Text, absent
		}
	}
	return "", ""
}

func (l *ledger) markView(m desk.Mark) MarkView {
	return MarkView{Ref: m.Ref.String(), Party: l.partyName(m.Party), At: m.At}
}

func (l *ledger) markViews(ms []desk.Mark) []MarkView {
	out := make([]MarkView, 0, len(ms))
	for _, m := range ms {
		out = append(out, l.markView(m))
	}
	return out
}

// takenBack is the mark of what was taken back, with what the minutes have of it.
func (l *ledger) takenBack(minutes desk.Minutes, m *desk.Mark) *TakenBackView {
	if m == nil {
		return nil
	}
	v := &TakenBackView{MarkView: l.markView(*m)}
	for i := range minutes.Steps {
		if s := &minutes.Steps[i]; s.Ref == m.Ref {
			w, absent := l.payloadOf(s)
			v.Code, v.Text, v.Absent = s.Code, w.Text, absent
		}
	}
	return v
}

func refString(r *journal.Ref) string {
	if r == nil {
		return ""
	}
	return r.String()
}

// ClaimClasses are the classes of claims.
func ClaimClasses() []string { return desk.ClaimClasses() }

// Confidences are how sure somebody may be of a claim.
func Confidences() []string { return desk.Confidences() }

// Precisions are how exactly the time of an event may be known.
func Precisions() []string { return desk.Precisions() }

// Outcomes are what may come of a case.
func Outcomes() []string { return desk.Outcomes() }

// CommitmentForms are the forms of a commitment, Rhythms how often a recurring one is due, Standings how one may stand.
func CommitmentForms() []string { return desk.Forms() }

// Rhythms are how often a recurring commitment is due.
func Rhythms() []string { return desk.Rhythms() }

// Standings are how a commitment may stand.
func Standings() []string { return desk.Standings() }

// LeakAnswers are what a member may answer to the report of a leak.
func LeakAnswers() []string { return desk.LeakAnswers() }
