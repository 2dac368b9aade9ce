package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entente/internal/accord"
	"entente/internal/api"
	"entente/internal/node"
)

// registerName is the unit of the longer story: an intrusion into an election register.
const registerName = "Election register"

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
	if s.registry.incident, err = s.open(ctx, s.south, s.north, node.RequestNewRequest{Type: "incident", Urgency: "emergency",
		Title: "Intrusion into the voter register", Text: "A login from outside read 1,200 records. The account is closed.",
		Detected: time.Now().Add(-2 * time.Hour).Truncate(time.Second), Fields: map[string]string{"subject": "voter register"}}); err != nil {
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
	if s.registry.request, err = s.open(ctx, s.south, s.north, node.RequestNewRequest{Type: "assistance", Urgency: "emergency",
		Title: "Who used 198.51.100.7 on 3 May?", Text: "We ask for the customer's records, and that the host is imaged.",
		Fields: map[string]string{"subject": "198.51.100.7", "purpose": "voter register"}}); err != nil {
		return err
	}
	err = s.moves(ctx, unit, s.registry.request,
		move{s.north, "acknowledged", node.RequestMoveRequest{Move: "acknowledge"}},
		move{s.north, "accepted", node.RequestMoveRequest{Move: "accept"}},
		move{s.north, "at-risk", node.RequestMoveRequest{Move: "at-risk", Code: "tip-off", Text: "The host is watched by its owner. To image it may warn him."}},
		move{s.south, "accepted", node.RequestMoveRequest{Move: "proceed"}},
		move{s.north, "answered", node.RequestMoveRequest{Move: "answer", Text: "Rented on 28 April, paid with a stolen card. The image is made."}},
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
	s.say.proved("that acting was a risk, who said so and who decided is on record at both ends")
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
