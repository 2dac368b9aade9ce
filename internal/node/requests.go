package node

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/journal"
	"entente/stix"

	"github.com/go-json-experiment/json/jsontext"
)

// requestPayload is the payload of type "request": what is asked, in words.
type requestPayload struct {
	Title  string            `json:"title"`
	Text   string            `json:"text"`
	Fields map[string]string `json:"fields,omitempty"`
	Lang   string            `json:"lang,omitempty"` // in which the words are, RFC 5646; "" if not stated
}

// answerPayload is the payload of type "answer": words, and a STIX bundle whose
// objects are byte for byte as this party holds them.
type answerPayload struct {
	Text   string         `json:"text"`
	Title  string         `json:"title,omitempty"` // of a request whose text this translates
	Lang   string         `json:"lang,omitempty"`  // in which the words are, RFC 5646; "" if not stated
	Bundle jsontext.Value `json:"bundle,omitempty"`
}

// encode writes the payload around the bundle's own bytes. A JSON encoder would
// reformat it, and then its objects would not be those that this party holds.
func (a answerPayload) encode() ([]byte, error) {
	out, err := jsontext.AppendQuote([]byte(`{"text":`), a.Text)
	if err != nil {
		return nil, err
	}
	for _, m := range []struct{ name, value string }{{"title", a.Title}, {"lang", a.Lang}} {
		if m.value == "" {
			continue
		}
		if out, err = jsontext.AppendQuote(append(out, `,"`+m.name+`":`...), m.value); err != nil {
			return nil, err
		}
	}
	if len(a.Bundle) > 0 {
		out = append(append(out, `,"bundle":`...), a.Bundle...)
	}
	return append(out, '}'), nil
}

// Bounds on what a request's payload may say.
const (
	maxTitle = 200
	maxText  = 256 << 10
	// maxTextPayload bounds what a payload of words opens to: maxText with every character escaped, and
	// some more. What is larger is not shown.
	maxTextPayload = 2 << 20
	// maxIllegalShown is how many moves without effect the view of a thread shows; they cost a partner nothing, and there
	// is no end to them.
	maxIllegalShown = 100
)

// requestBody joins what the gate reads and what the desk reads: both parse the
// same entry body.
type requestBody struct {
	desk.Body
	Bytes           int64            `json:"bytes,omitempty"`
	Objects         int64            `json:"objects,omitempty"`
	Types           map[string]int64 `json:"types,omitempty"`
	Unmarked        string           `json:"unmarked,omitempty"`
	UnmarkedObjects int64            `json:"unmarked_objects,omitempty"`
	PAP             string           `json:"pap,omitempty"`
}

// RequestTypes lists the types of request that are known here.
func RequestTypes() []string { return desk.Types() }

// NewRequest drafts or sends a request.
func (n *Node) NewRequest(ctx context.Context, r RequestNewRequest) (*RequestView, *WriteResponse, error) {
	if r.From != "" && !r.Draft {
		d, err := n.draft(r.From)
		if err != nil {
			return nil, nil, err
		}
		act := r.Acting // who sends it, in the office that the draft names if they name none
		if act.By == (Claim{}) {
			act.By = d.By
		}
		if len(act.Release) == 0 {
			act.Release = d.Release
		}
		d.Draft, d.DryRun, d.From, d.Acting = false, r.DryRun, r.From, act
		r = d
	}
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case strings.TrimSpace(r.Title) == "" || len(r.Title) > maxTitle:
		return nil, nil, badInput("A request needs a title.", fmt.Sprintf("It has %d bytes; 1 to %d are allowed.", len(r.Title), maxTitle), "Give one with --title.")
	case len(r.Text) > maxText:
		return nil, nil, badInput("The text is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(r.Text), maxText), "Shorten it; evidence does not belong into the text.")
	}
	if r.Lang, err = textLanguage(r.Lang); err != nil {
		return nil, nil, err
	}
	if !slices.Contains(desk.Types(), r.Type) {
		return nil, nil, badInput("Unknown type of request "+r.Type+".", "", "Use one of "+strings.Join(desk.Types(), ", ")+", as far as the accord offers it.")
	}
	if !r.Detected.IsZero() && (r.Type != desk.Incident || r.Detected.After(n.now())) {
		return nil, nil, badInput("The time of detection does not fit.", "It belongs to an incident, and lies behind.", "Leave it out, or give the time at which the incident was detected.")
	}
	if r.TLP == "" {
		r.TLP = "amber"
	}
	if _, err := stix.ParseTLP(r.TLP); err != nil {
		return nil, nil, badInput("Unknown marking "+r.TLP+".", "", "Use clear, green, amber, amber+strict or red.")
	}
	if err := checkFields(r.Fields); err != nil {
		return nil, nil, err
	}
	to := journal.PartyID("")
	if r.To != "" {
		if to, err = l.findParty(r.To); err != nil {
			return nil, nil, err
		}
	}
	if r.Draft {
		id, err := n.saveDraft(r)
		if err != nil {
			return nil, nil, err
		}
		return &RequestView{ID: id, Short: id, Unit: string(l.id), Type: r.Type, Urgency: r.Urgency, Title: r.Title, Text: r.Text, Lang: r.Lang, Fields: r.Fields, State: "draft", TLP: r.TLP, Detected: r.Detected}, nil, nil
	}
	body := requestBody{Body: desk.Body{To: to, Type: r.Type, Urgency: r.Urgency, TLP: r.TLP, Detected: r.Detected}}
	for name, v := range r.Fields {
		if strings.TrimSpace(v) != "" {
			body.Fields = append(body.Fields, name)
		}
	}
	slices.Sort(body.Fields)
	plain, err := json.Marshal(requestPayload{Title: r.Title, Text: r.Text, Fields: r.Fields, Lang: r.Lang})
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.draft = r.From
	w, entries, err := l.send("request."+desk.Send, r.Acting, body, journal.PayloadRequest, plain, r.DryRun)
	if err != nil || r.DryRun || w.Held != "" {
		return nil, w, err
	}
	if r.From != "" {
		if err := n.dropDraft(r.From); err != nil {
			return nil, w, err
		}
	}
	v, err := l.requestView(entries[0].Ref())
	return v, w, err
}

// send asks the gate and, if it allows, seals the payload and writes the entry.
// The lock must be held.
func (l *ledger) send(kind string, act Acting, body requestBody, payloadType string, plain []byte, dryRun bool) (*WriteResponse, []*journal.Entry, error) {
	return l.post(posting{kind: kind, gateFirst: body.Request == nil, act: act, payloadType: payloadType, plain: plain, dryRun: dryRun, refused: func(code, why string) error {
		return l.illegalRequest(strings.TrimPrefix(kind, "request."), body.Request, code, why)
	}, body: func(bytes int64) any {
		body.Bytes = bytes
		return body
	}})
}

// MoveRequest makes one move of this side.
func (n *Node) MoveRequest(ctx context.Context, r RequestMoveRequest) (*WriteResponse, error) {
	l, ref, err := n.findRequest(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	if len(r.Text) > maxText {
		return nil, badInput("The text is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(r.Text), maxText), "Shorten it.")
	}
	if r.Lang, err = textLanguage(r.Lang); err != nil {
		return nil, err
	}
	if (r.Move == desk.Translate) != (r.Of != "" || r.As != "" || r.Authentic) {
		return nil, badInput("What is translated does not fit the move.", "A translation names the text (of), its kind (as) and its language (lang); no other move does.", "Use 'entente request translate ID --of REF --lang TAG --as human'.")
	}
	body := requestBody{Body: desk.Body{Request: &ref, TLP: r.TLP, Code: r.Code, Until: r.Until, Scores: r.Scores, Use: r.Use}}
	if r.Move == desk.Transfer {
		body.Agency = r.Text
	}
	var plain []byte
	payloadType := journal.PayloadText
	switch {
	case r.Move == desk.Translate:
		if plain, err = l.translation(ref, &r, &body); err != nil {
			return nil, err
		}
	case r.Move == desk.Answer || r.Move == desk.PartAnswer:
		payloadType = journal.PayloadAnswer
		if plain, err = l.answer(ctx, r, &body); err != nil {
			return nil, err
		}
	case r.Text != "" && r.Move != desk.Transfer:
		if plain, err = (answerPayload{Text: r.Text, Lang: r.Lang}).encode(); err != nil {
			return nil, err
		}
		if r.Move == desk.Refuse || r.Move == desk.Postpone {
			body.Fields = append(body.Fields, "reason")
		}
	}
	if plain != nil && body.TLP == "" {
		body.TLP = "amber"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if q, ok := l.request(ref); ok && r.Move == desk.Renew && q.State == desk.Held && !r.Until.IsZero() && !r.Until.After(q.Until) { // no rule of the desk: who is asked may pass over it
		return nil, l.illegalRequest(r.Move, &ref, desk.CodeBadDate, "the data are kept until "+q.Until.Format(time.RFC3339)+" already, and a date is moved on, never back")
	}
	w, _, err := l.send("request."+r.Move, r.Acting, body, payloadType, plain, r.DryRun)
	return w, err
}

// illegalRequest tells why a move in a request would have no effect, and what is possible in its place. The lock must be held.
func (l *ledger) illegalRequest(move string, ref *journal.Ref, code, why string) error {
	if ref == nil {
		return illegalMove("request."+move, code, why, nil)
	}
	q, ok := l.request(*ref)
	if !ok {
		return notFound("That request is not here any more.", "")
	}
	side := q.SideOf(l.n.keys().party)
	e := conflict("illegal-move", cannot("request", move, code),
		fmt.Sprintf("The request is %s, and this party is the %s side: %s (%s).", q.State, side, inWords(why), code), "Possible now: "+nameOr(strings.Join(q.Next[side], ", "), "none")+".")
	e.Terms = &Terms{Family: "request", Move: move, State: string(q.State), Side: string(side), Code: code, Next: q.Next[side]}
	return e
}

// answer makes an answer's payload, and counts for the gate what is in it.
func (l *ledger) answer(ctx context.Context, r RequestMoveRequest, body *requestBody) ([]byte, error) {
	n, a := l.n, answerPayload{Text: r.Text, Lang: r.Lang}
	if len(r.Objects) > 0 {
		objs, err := n.objectsByID(ctx, r.Objects)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		doc, _ := l.fold.InForce()
		t, err := sendingTerms(doc, "request."+r.Move, n.keys().party, l.others())
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		t.guard = n.intel.Guard()
		for i := range objs {
			switch refused, err := t.apply(&objs[i]); {
			case err != nil:
				return nil, err
			case refused != nil:
				return nil, gateError(*refused)
			}
		}
		n.withdrawals.shared(l.id, objs)
		c := count(objs)
		c.papless = c.papless || r.Text != "" // a text says nothing of PAP
		body.Objects, body.Types, body.UnmarkedObjects, body.PAP = c.objects, c.types, c.unmarked, c.papAmong(t.papless)
		if c.tlp != stix.TLPNone {
			if low, err := stix.ParseTLP(body.TLP); body.TLP == "" || err == nil && c.tlp > low {
				body.TLP = c.tlp.String()
			}
		}
		bundle, err := bundleOf(n.opts.Rand, objs)
		if err != nil {
			return nil, err
		}
		a.Bundle = bundle
	}
	return a.encode()
}

// Bounds on a list of requests.
const (
	defaultRequestList = 1_000
	maxRequestList     = 10_000
)

// Requests lists requests and own drafts, the most urgent clock first.
func (n *Node) Requests(_ context.Context, r RequestListRequest) (*RequestListResponse, error) {
	if !slices.Contains([]string{"", "asked", "owed"}, r.Side) {
		return nil, badInput("Unknown side "+r.Side+".", "", "Use asked for what this party asked, owed for what it was asked, or leave it out.")
	}
	if r.Limit < 0 || r.Limit > maxRequestList {
		return nil, badInput(fmt.Sprintf("A list cannot have %d requests.", r.Limit), "", fmt.Sprintf("Ask for 1 to %d, or leave it out.", maxRequestList))
	}
	if r.Skip < 0 || r.Each < 0 {
		return nil, badInput("A list cannot begin or break off before it begins.", "", "Leave skip and each out, or give what is not below 0.")
	}
	var ledgers []*ledger
	if r.Unit != "" {
		l, err := n.findUnit(r.Unit)
		if err != nil {
			return nil, err
		}
		ledgers = []*ledger{l}
	} else {
		ledgers = n.units()
	}
	type listed struct {
		l *ledger
		q *desk.Request
	}
	var found []listed
	from := 0 // units that have some of them
	for _, l := range ledgers {
		l.mu.Lock()
		due := l.requests(n.now()).byDue()
		l.mu.Unlock()
		before := len(found)
		found = slices.Grow(found, len(due))
		for _, q := range due {
			if wanted(q, r, n.keys().party) {
				found = append(found, listed{l, q})
			}
		}
		if len(found) > before {
			from++
		}
	}
	if from > 1 { // else they are in order as they are
		slices.SortStableFunc(found, func(a, b listed) int {
			switch da, db := a.q.Due, b.q.Due; {
			case da.IsZero() && db.IsZero():
				return desk.CompareRefs(a.q.ID, b.q.ID)
			case da.IsZero():
				return 1
			case db.IsZero():
				return -1
			default:
				return da.Compare(db)
			}
		})
	}
	counts := map[string]int{}
	found = slices.DeleteFunc(found, func(x listed) bool {
		counts[string(x.q.State)]++
		return r.Each > 0 && counts[string(x.q.State)] > r.Each
	})
	found = found[min(r.Skip, len(found)):]
	most := min(len(found), cmp.Or(r.Limit, defaultRequestList))
	res := &RequestListResponse{Requests: make([]RequestView, 0, most), More: len(found) - most, Counts: counts}
	for i := range found[:most] {
		// Only what is listed is read: the title of each lies in a payload.
		l := found[i].l
		l.mu.Lock()
		res.Requests = append(res.Requests, *l.viewOf(found[i].q, false))
		l.mu.Unlock()
	}
	if r.State == "" || r.State == "all" || r.State == "draft" {
		drafts, err := n.drafts()
		if err != nil {
			return nil, err
		}
		res.Drafts = drafts
	}
	return res, nil
}

func wanted(q *desk.Request, r RequestListRequest, self journal.PartyID) bool {
	switch r.Side {
	case "asked":
		if q.Asking != self {
			return false
		}
	case "owed":
		if q.Asked != self {
			return false
		}
	}
	if r.Type != "" && q.Type != r.Type || r.Urgency != "" && q.Urgency != r.Urgency {
		return false
	}
	switch r.State {
	case "", "open":
		return q.IsOpen()
	case "all":
		return true
	}
	return string(q.State) == r.State
}

// Request shows one request.
func (n *Node) Request(_ context.Context, r RequestShowRequest) (*RequestView, error) {
	if strings.HasPrefix(r.ID, "draft-") {
		drafts, err := n.drafts()
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(drafts, func(d RequestView) bool { return d.ID == r.ID }); i >= 0 {
			return &drafts[i], nil
		}
		return nil, noDraft(r.ID)
	}
	l, ref, err := n.findRequest(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	n.looked(ref.String())
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requestView(ref)
}

// findRequest takes "origin#index", the short form that lists print, or a
// prefix of either; empty means the only open one.
func (n *Node) findRequest(unitName, id string) (*ledger, journal.Ref, error) {
	if ref, err := journal.ParseRef(id); err == nil && unitName != "" { // there may be ten thousand, and a page names the one it is about whole
		l, err := n.findUnit(unitName)
		if err != nil {
			return nil, journal.Ref{}, err
		}
		l.mu.Lock()
		_, here := l.request(ref)
		l.mu.Unlock()
		if here {
			return l, ref, nil
		}
	}
	return n.findThread(unitName, id, "request", "entente request list --state all", func(l *ledger) (out []threadID) {
		for q := range l.fold.Unclocked() {
			out = append(out, threadID{q.ID, q.IsOpen()})
		}
		return out
	})
}

// short is how lists print a request: eight digits of the journal, and the index.
func short(r journal.Ref) string { return r.Origin.Short() + "-" + strconv.FormatInt(r.Index, 10) }

func (l *ledger) request(ref journal.Ref) (*desk.Request, bool) {
	q, ok := l.fold.Request(ref, l.n.now())
	return &q, ok
}

func (l *ledger) requestView(ref journal.Ref) (*RequestView, error) {
	q, ok := l.request(ref)
	if !ok {
		return nil, notFound("The request opened no case.", "See why with 'entente journal show'.")
	}
	return l.viewOf(q, true), nil
}

// shown are those of the moves without effect that a view shows.
func shown[S any](illegal []S) []S { return illegal[:min(len(illegal), maxIllegalShown)] }

// viewOf renders a request; whole reads the payloads of its moves too.
func (l *ledger) viewOf(q *desk.Request, whole bool) *RequestView {
	v := &RequestView{ID: q.ID.String(), Short: short(q.ID), Unit: string(l.id), Type: q.Type, Urgency: q.Urgency,
		From: l.partyName(q.Asking), To: l.partyName(q.Asked), State: string(q.State), Detected: q.Detected, Until: q.Until}
	if side := q.SideOf(l.n.keys().party); side != "" {
		v.Next = q.Next[side]
	}
	for _, c := range q.Clocks {
		v.Clocks = append(v.Clocks, ClockView{Name: c.Name, Clause: c.Clause, Owner: l.partyName(c.Owner), Started: c.Started,
			Due: c.Due, Stopped: c.Stopped, Met: c.Met, Ended: c.Ended, Late: c.Late, Overdue: c.Overdue, Warning: c.Warning, Short: c.Short, Basis: c.Basis})
	}
	if len(q.Steps) > 0 {
		v.TLP = q.Steps[0].TLP
	}
	if len(q.Steps) > 0 {
		var p requestPayload
		if v.Absent = l.said(q.Steps[0].Payload, q.Steps[0].Held, 0, &p); v.Absent == "" {
			v.Title, v.Lang = p.Title, plainTag(p.Lang)
			if whole {
				v.Text, v.Fields = p.Text, p.Fields
			}
		}
	}
	if !whole {
		return v
	}
	steps := append(slices.Clone(q.Steps), shown(q.Illegal)...)
	slices.SortStableFunc(steps, func(a, b desk.Step) int { return a.At.Compare(b.At) })
	var refs []journal.Ref
	spoken := map[journal.Ref][]TranslationView{}
	for i, s := range steps {
		if s.Move == desk.Translate && s.Refused == "" {
			spoken[*s.Of] = append(spoken[*s.Of], l.translationView(s))
			continue
		}
		m := MoveView{Ref: s.Ref.String(), Move: s.Move, Party: l.partyName(s.Party), By: Claim{s.By.Agency, s.By.Role}, At: s.At,
			Code: s.Code, Until: s.Until, Scores: s.Scores, Refused: s.Refused, TLP: s.TLP}
		if i > 0 {
			p, absent := l.moveWords(s.Payload, s.Held)
			m.Text, m.Lang, m.Absent = p.Text, plainTag(p.Lang), absent
			for o, err := range stix.NewReader(bytes.NewReader(p.Bundle), stix.ReaderOptions{}).Objects() {
				if err == nil {
					m.Objects = append(m.Objects, o.ID)
				}
			}
		}
		v.Moves = append(v.Moves, m)
		refs = append(refs, s.Ref)
	}
	v.Translations = spoken[q.ID]
	for i, ref := range refs {
		if ref != q.ID {
			v.Moves[i].Translations = spoken[ref]
		}
	}
	return v
}

// RequestScores lists what an answer is scored for, each from 1 to 5.
func RequestScores() []string { return desk.Scores() }

// Translations lists the kinds of translation that there are.
func Translations() []string { return desk.Translations() }
