package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"entente/internal/accord"
	"entente/internal/api"
	"entente/internal/exhibit"
	"entente/internal/node"
)

// registerName is the unit of the longer story: an intrusion into an election register.
const registerName = "Election register"

// registerTerms are what this accord has beyond the minimal one. Its clocks are as short as a story is.
const registerTerms = `
hotline:
  id: HL
  acknowledge: PT1S
escalation:
  - {id: EL1, after: PT1S, contact: technical, role: head of the agency}
publicity:
  id: PU
  statements: joint
  embargo: PT1S
`

// register founds the unit and puts an accord in force.
func (s *story) register(ctx context.Context) (err error) {
	if s.registry.unit, err = s.pair(ctx, registerName); err != nil {
		return err
	}
	text, err := accord.ExampleFor("minimal", []accord.PartyRef{
		{ID: s.north.init.Party, Name: s.north.name, Agencies: []string{"CERT"}},
		{ID: s.south.init.Party, Name: s.south.name, Agencies: []string{"CERT"}}})
	if err != nil {
		return err
	}
	text = append(text, registerTerms...)
	unit := s.registry.unit
	var proposed node.AccordProposeResponse
	if err := s.north.Call(ctx, "accord.propose", node.AccordProposeRequest{Unit: unit, Text: string(text)}, &proposed); err != nil {
		return err
	}
	var shown node.AccordShowResponse
	if err := s.await(ctx, s.south, unit, proposed.Hash, &shown); err != nil {
		return err
	}
	for _, p := range []*party{s.north, s.south} {
		if err := p.Call(ctx, "accord.act", node.AccordActRequest{Unit: unit, Hash: proposed.Hash, Move: "sign"}, nil); err != nil {
			return err
		}
	}
	if err := s.inForce(ctx, unit, proposed.Hash); err != nil {
		return err
	}
	s.say.did("North and South sign accord %s… for the unit %q", proposed.Hash[:12], registerName)
	return nil
}

// open sends a request in the register's unit, and waits until the other side has it.
func (s *story) open(ctx context.Context, from, to *party, r node.RequestNewRequest) (string, error) {
	r.Unit = s.registry.unit
	var sent api.RequestNewResponse
	if err := from.Call(ctx, "request.new", r, &sent); err != nil {
		return "", err
	}
	s.say.did("%s: %s (%s, request %s)", from.name, sent.Request.Title, r.Type, sent.Request.Short)
	return sent.Request.ID, s.reach(ctx, to, r.Unit, sent.Request.ID, "sent")
}

// notice is the early warning, and the wish that data are kept before anything is explained.
func (s *story) notice(ctx context.Context) (err error) {
	unit := s.registry.unit
	if s.registry.incident, err = s.sendDraft(ctx, s.drafted.incident, func(r *node.RequestNewRequest) {
		r.Title = "Intrusion into the voter register"
		r.Text += "\nA login from outside read 1,200 records. The account is closed."
	}); err != nil {
		return err
	}
	if err := s.moves(ctx, unit, s.registry.incident, move{s.north, "acknowledged", node.RequestMoveRequest{Move: "acknowledge"}}); err != nil {
		return err
	}
	kept, err := s.open(ctx, s.south, s.north, node.RequestNewRequest{Type: "preservation", Urgency: "emergency",
		Title: "Keep the logs of 198.51.100.7", Text: "From 1 May, all connections.", Fields: map[string]string{"subject": "198.51.100.7", "purpose": "voter register"}})
	if err != nil {
		return err
	}
	until := time.Now().Add(60 * 24 * time.Hour).Truncate(time.Second)
	if err := s.moves(ctx, unit, kept,
		move{s.north, "acknowledged", node.RequestMoveRequest{Move: "acknowledge"}},
		move{s.north, "held", node.RequestMoveRequest{Move: "hold", Until: until}}); err != nil {
		return err
	}
	var v node.RequestView
	if err := s.south.Call(ctx, "request.show", node.RequestShowRequest{Unit: unit, ID: kept}, &v); err != nil {
		return err
	}
	if !v.Until.Equal(until) {
		return fmt.Errorf("data that North keeps until %s South reads to be kept until %s", until, v.Until)
	}
	s.say.proved("the clocks of the notice run from when it was detected, and the data are kept until %s: North signed it", until.UTC().Format(time.DateOnly))
	return nil
}

// investigate asks for an act whose doing may expose the case: the asking side decides.
func (s *story) investigate(ctx context.Context) (err error) {
	unit := s.registry.unit
	if s.registry.request, err = s.sendDraft(ctx, s.drafted.request, func(r *node.RequestNewRequest) {
		r.Title = "Who uses 198.51.100.7?"
		r.Text += "\nWe ask for the customer's records, and that the host is imaged."
	}); err != nil {
		return err
	}
	err = s.moves(ctx, unit, s.registry.request,
		move{s.north, "acknowledged", node.RequestMoveRequest{Move: "acknowledge"}},
		move{s.north, "accepted", node.RequestMoveRequest{Move: "accept"}},
		move{s.north, "at-risk", node.RequestMoveRequest{Move: "at-risk", Code: "tip-off", Text: "The host is watched by its owner. To image it may warn him."}},
		move{s.south, "accepted", node.RequestMoveRequest{Move: "proceed"}})
	if err != nil {
		return err
	}
	s.say.proved("that acting was a risk, who said so and who decided is on record at both ends")
	return nil
}

// climb calls North's duty desk, which does not answer, and climbs the accord's ladder.
func (s *story) climb(ctx context.Context) error {
	unit := s.registry.unit
	var w node.WriteResponse
	err := s.south.Call(ctx, "hotline.call", node.HotlineCallRequest{Unit: unit, Urgency: "emergency", Subject: "voter-register", Request: s.registry.request,
		Text: "The host is still up. Is anybody there?"}, &w)
	if err != nil {
		return err
	}
	call := w.Refs[0]
	s.say.did("South calls about its request; the accord gives North's duty desk a second to acknowledge")
	// Until the clock has run out, and the step's own time after it, climbing is refused.
	var early error
	err = eventually(ctx, "the step of the ladder", func() (bool, error) {
		err := s.south.Call(ctx, "hotline.move", node.HotlineMoveRequest{Unit: unit, ID: call, Move: "escalate"}, nil)
		var problem *api.Problem
		if errors.As(err, &problem) && problem.Code == "illegal-move" {
			early = err
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	if early == nil {
		return errors.New("the ladder was climbed before the clock had run out")
	}
	s.say.did("nobody answers: South climbs to the technical head, by clause EL1, and not before its time")
	// Each move is made once both sides hold the one before: a call that its caller closes while it still rings there is given up.
	if err := s.heard(ctx, unit, call, "ringing", 2); err != nil {
		return err
	}
	for i, m := range []struct {
		by   *party
		then string
		r    node.HotlineMoveRequest
	}{
		{s.north, "acknowledged", node.HotlineMoveRequest{Move: "acknowledge"}},
		{s.north, "acknowledged", node.HotlineMoveRequest{Move: "say", Text: "Head of operations here. The image is being made."}},
		{s.south, "closed", node.HotlineMoveRequest{Move: "close"}},
	} {
		m.r.Unit, m.r.ID = unit, call
		if err := m.by.Call(ctx, "hotline.move", m.r, nil); err != nil {
			return fmt.Errorf("%s: %w", m.r.Move, err)
		}
		if err := s.heard(ctx, unit, call, m.then, 3+i); err != nil {
			return err
		}
	}
	s.say.did("North's technical head answers, and the call is closed")
	s.say.proved("who was called, when nobody answered, and who did: both sides have the same seconds")
	return nil
}

// heard waits until a call has a state at both parties, and so many moves.
func (s *story) heard(ctx context.Context, unit, id, state string, moves int) error {
	for _, p := range []*party{s.north, s.south} {
		var v node.CallView
		err := eventually(ctx, fmt.Sprintf("a call that is %s after %d moves at %s", state, moves, p.name), func() (bool, error) {
			v = node.CallView{}
			err := p.Call(ctx, "hotline.show", node.HotlineShowRequest{Unit: unit, ID: id}, &v)
			var problem *api.Problem
			if errors.As(err, &problem) && problem.Code == "not-found" {
				return false, nil
			}
			return err == nil && v.State == state && len(v.Moves) == moves, err
		})
		if err != nil {
			return fmt.Errorf("%w: there it is %q after %d", err, v.State, len(v.Moves))
		}
	}
	return nil
}

// evidence is what North attaches to its answer.
func evidence() map[string][]byte {
	return map[string][]byte{
		"host/image.raw":       bytes.Repeat([]byte("A voter register is no secret, but who reads it is.\n"), 40_000),
		"host/connections.csv": []byte("time,from,to\n2026-05-03T01:12:00Z,198.51.100.7,register\n"),
	}
}

// collect lays the evidence out, as whoever made the image did.
func (s *story) collect() (dir string, err error) {
	dir = filepath.Join(s.dir, "evidence")
	for name, data := range evidence() {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(at, data, 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// answer answers with evidence, which South takes into custody, and closes what is open.
func (s *story) answer(ctx context.Context) error {
	unit := s.registry.unit
	dir, err := s.collect()
	if err != nil {
		return err
	}
	files := os.DirFS(dir)
	m, err := exhibit.Describe(files, ".", exhibit.Options{Title: "Image of 198.51.100.7"})
	if err != nil {
		return err
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	var added node.ExhibitAddResponse
	if err := s.north.Long(ctx, "exhibit.add", node.ExhibitAddRequest{Unit: unit, About: s.registry.request}, bytes.NewReader(text), nil, &added); err != nil {
		return err
	}
	content := exhibit.Content(files, m, added.Offset)
	defer content.Close()
	id := added.Exhibit.ID
	if err := s.north.Long(ctx, "exhibit.content", node.ExhibitContentRequest{Unit: unit, ID: id, Offset: added.Offset}, content, nil, &added); err != nil {
		return err
	}
	s.say.did("North attaches the image of the host: %d files, %d bytes, by hash", len(evidence()), added.Exhibit.Bytes)
	err = eventually(ctx, "the evidence reaching South", func() (bool, error) {
		err := s.south.Long(ctx, "exhibit.custody", node.ExhibitCustodyRequest{Unit: unit, ID: id, Act: "received"}, nil, nil, nil)
		var problem *api.Problem
		if errors.As(err, &problem) {
			return false, nil // not whole yet
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	s.say.did("South verifies every byte of it against the manifest, and states that it received it")
	err = s.moves(ctx, unit, s.registry.request,
		move{s.north, "answered", node.RequestMoveRequest{Move: "answer", Text: "Rented on 28 April, paid with a stolen card. The image is attached."}},
		move{s.south, "assessed", node.RequestMoveRequest{Move: "assess", Use: "mitigated", Scores: map[string]int{"relevance": 5, "accuracy": 4, "timeliness": 5, "clarity": 4, "usefulness": 5, "completeness": 4}}},
		move{s.south, "closed", node.RequestMoveRequest{Move: "close"}})
	if err != nil {
		return err
	}
	err = s.moves(ctx, unit, s.registry.incident,
		move{s.south, "notified", node.RequestMoveRequest{Move: "notify", Text: "1,200 records were read, none was changed."}},
		move{s.south, "reported", node.RequestMoveRequest{Move: "report", Text: "The way in was a stolen password. It is closed; those concerned are told."}},
		move{s.north, "closed", node.RequestMoveRequest{Move: "close"}})
	if err != nil {
		return err
	}
	s.say.proved("the chain of custody has each hand it went through, and the hash at each")
	return nil
}

// reviewed computes the review of the day at both nodes, and both sign it.
func (s *story) reviewed(ctx context.Context) error {
	unit := s.registry.unit
	if err := s.settle(ctx, unit); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	var opened node.ReviewOpenResponse
	if err := s.north.Call(ctx, "review.open", node.ReviewOpenRequest{Unit: unit, From: now.Add(-24 * time.Hour), To: now.Add(24 * time.Hour)}, &opened); err != nil {
		return err
	}
	id := opened.Review.ID
	var reports [][]byte
	for _, p := range []*party{s.north, s.south} {
		var report bytes.Buffer
		err := eventually(ctx, "the review at "+p.name, func() (bool, error) {
			report.Reset()
			err := p.Download(ctx, "review.report", node.ReviewReportRequest{Unit: unit, ID: id}, &report, nil)
			var problem *api.Problem
			if errors.As(err, &problem) {
				return false, nil
			}
			return err == nil, err
		})
		if err != nil {
			return err
		}
		reports = append(reports, report.Bytes())
	}
	if !bytes.Equal(reports[0], reports[1]) {
		return errors.New("the two sides computed different reviews")
	}
	for _, p := range []*party{s.north, s.south} {
		if err := p.Call(ctx, "review.sign", node.ReviewMoveRequest{Unit: unit, ID: id}, nil); err != nil {
			return err
		}
	}
	var v node.ReviewView
	if err := eventually(ctx, "both signatures", func() (bool, error) {
		err := s.north.Call(ctx, "review.show", node.ReviewShowRequest{Unit: unit, ID: id}, &v)
		return err == nil && v.Agreed != "", err
	}); err != nil {
		return err
	}
	s.say.did("each node computes the review of the period by itself: %d bytes, SHA-256 %s…; both sign it", len(reports[0]), v.Agreed[:12])
	s.say.proved("asked, answered, silent, late: both sides computed the same bytes from their own copies of the record")
	return nil
}

// announce says together what is said in public.
func (s *story) announce(ctx context.Context) error {
	unit := s.registry.unit
	var proposed node.WriteResponse
	err := s.north.Call(ctx, "statement.propose", node.StatementProposeRequest{Unit: unit, Texts: []node.StatementTextRequest{
		{Lang: "en", Text: "An intrusion into the voter register was found and ended. No record was changed.", Authentic: true},
		{Lang: "fr", Text: "Une intrusion dans le registre électoral a été découverte et arrêtée. Aucune donnée n'a été modifiée.", Authentic: true}}}, &proposed)
	if err != nil {
		return err
	}
	id := proposed.Refs[0]
	s.say.did("North proposes a joint statement, in two languages that are equally authentic")
	for _, p := range []*party{s.south, s.north} {
		// Its entry comes first, its texts may come a moment later, and nobody signs what they cannot read.
		err := eventually(ctx, "the statement at "+p.name, func() (bool, error) {
			var there node.StatementView
			err := p.Call(ctx, "statement.show", node.JointShowRequest{Unit: unit, ID: id}, &there)
			var problem *api.Problem
			if errors.As(err, &problem) && problem.Code == "not-found" {
				return false, nil
			}
			return err == nil && there.Problem == "", err
		})
		if err != nil {
			return err
		}
		if err := p.Call(ctx, "statement.move", node.StatementMoveRequest{Unit: unit, ID: id, Move: "sign"}, nil); err != nil {
			return err
		}
	}
	path := filepath.Join(s.dir, "statement.entente")
	err = eventually(ctx, "the countersigned statement", func() (bool, error) {
		var file bytes.Buffer
		err := s.north.Download(ctx, "statement.export", node.StatementExportRequest{Unit: unit, ID: id}, &file, nil)
		var problem *api.Problem
		if errors.As(err, &problem) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return true, os.WriteFile(path, file.Bytes(), 0o600)
	})
	if err != nil {
		return err
	}
	s.say.did("both sign, and it counts: statement.entente verifies by itself, with nothing but the keys")
	s.say.proved("neither side can speak for both alone, and nobody can change a word of what both said")
	return nil
}

// leave withdraws from the register's unit: what was said stays provable, and nothing more can be.
func (s *story) leave(ctx context.Context) error {
	unit := s.registry.unit
	var plan node.WriteResponse
	if err := s.south.Call(ctx, "unit.withdraw", node.UnitWithdrawRequest{Unit: unit}, &plan); err != nil {
		return err
	}
	if !plan.DryRun {
		return errors.New("a withdrawal that nobody confirmed was carried out")
	}
	s.say.did("South asks what a withdrawal would do, and confirms it with the unit's name")
	if err := s.south.Call(ctx, "unit.withdraw", node.UnitWithdrawRequest{Unit: unit, Confirm: registerName}, nil); err != nil {
		return err
	}
	if err := eventually(ctx, "the withdrawal reaching North", func() (bool, error) {
		v, err := s.north.unit(ctx, unit)
		return err == nil && v.Brief.State == "withdrawn", err
	}); err != nil {
		return err
	}
	err := s.north.Call(ctx, "request.new", node.RequestNewRequest{Unit: unit, Type: "information", Urgency: "routine", Title: "One more question",
		Fields: map[string]string{"subject": "voter register", "purpose": "the same"}}, nil)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != node.CodeGate {
		return fmt.Errorf("a question left after the withdrawal: %w", err)
	}
	s.say.did("North tries to ask once more: %s", problem.Detail)
	s.say.proved("leaving takes one command and takes nothing back: the record up to here still verifies")
	return nil
}
