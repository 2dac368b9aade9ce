package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entente/internal/node"
)

// unitAddresses are the pages about units and accords beside those of generalAddresses.
var unitAddresses = []string{"/pair", "/ask", "/ask?asked=1&kind=share&tlp=red&object=indicator&unit=" + unitID}

func (story) FoundUnit(_ context.Context, r node.UnitFoundRequest) (*node.UnitRef, error) {
	return &node.UnitRef{Unit: unitID, Name: r.Name}, nil
}

func (story) Invite(context.Context, node.UnitInviteRequest) (*node.UnitInviteResponse, error) {
	return &node.UnitInviteResponse{Invitation: "entente-invitation-line", Expires: noon, QRPNG: []byte{1, 2, 3}}, nil
}

func (story) Join(context.Context, node.UnitJoinRequest) (*node.Pairing, error) {
	return &node.Pairing{}, nil
}

func (story) Confirm(_ context.Context, r node.UnitConfirmRequest) (*node.Pairing, error) {
	if r.Digits != "123456" {
		return nil, &node.Error{Code: "digits-differ", Status: http.StatusConflict, What: "The digits are not the same.", Next: "Begin again."}
	}
	return &node.Pairing{State: "done"}, nil
}

func (story) Suspend(context.Context, node.UnitSuspendRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{}, nil
}

func (story) Resume(context.Context, node.UnitResumeRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{}, nil
}

func (story) Withdraw(_ context.Context, r node.UnitWithdrawRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{DryRun: r.Confirm != "Joint Cyber Unit", Effects: []string{"this party leaves the unit at once"}}, nil
}

func (story) AskAccord(_ context.Context, r node.AccordAskRequest) (*node.AccordAskResponse, error) {
	d := node.Decision{Verdict: "allow", Clause: "S1"}
	if r.TLP == "red" {
		d = node.Decision{Verdict: "refuse", Clause: "H1", Code: "tlp-ceiling", Reason: "TLP:RED is above the ceiling"}
	}
	return &node.AccordAskResponse{Unit: unitID, Kind: r.Kind, Decision: d}, nil
}

func (story) ActOnAccord(context.Context, node.AccordActRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{}, nil
}

func (story) ProposeAccord(_ context.Context, r node.AccordProposeRequest) (*node.AccordProposeResponse, error) {
	return &node.AccordProposeResponse{Hash: accordHash, Changes: []node.Change{{Clause: "H1", Text: "The ceiling rises: " + r.Text}}}, nil
}

func (hostile) FoundUnit(context.Context, node.UnitFoundRequest) (*node.UnitRef, error) {
	return filled[node.UnitRef]()
}
func (hostile) Invite(context.Context, node.UnitInviteRequest) (*node.UnitInviteResponse, error) {
	return filled[node.UnitInviteResponse]()
}
func (hostile) Join(context.Context, node.UnitJoinRequest) (*node.Pairing, error) {
	return filled[node.Pairing]()
}
func (hostile) Confirm(context.Context, node.UnitConfirmRequest) (*node.Pairing, error) {
	return filled[node.Pairing]()
}
func (hostile) Suspend(context.Context, node.UnitSuspendRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) Resume(context.Context, node.UnitResumeRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) Withdraw(context.Context, node.UnitWithdrawRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) AskAccord(context.Context, node.AccordAskRequest) (*node.AccordAskResponse, error) {
	return filled[node.AccordAskResponse]()
}
func (hostile) ActOnAccord(context.Context, node.AccordActRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) ProposeAccord(context.Context, node.AccordProposeRequest) (*node.AccordProposeResponse, error) {
	return filled[node.AccordProposeResponse]()
}

// TestPairingPages: an invitation is shown once with its picture; digits that are wrong are told.
func TestPairingPages(t *testing.T) {
	v := signedIn(t, story{})
	if resp, body := v.post(t, "/pair/invite", url.Values{"unit": {unitID}, "validity": {"24h"}}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "entente-invitation-line") || !strings.Contains(body, `src="data:image/png;base64,AQID"`) {
		t.Errorf("an invitation: %d", resp.StatusCode)
	}
	for digits, want := range map[string]int{"123456": http.StatusSeeOther, "1": http.StatusConflict} {
		if resp, _ := v.post(t, "/pair/confirm", url.Values{"pairing": {"p"}, "digits": {digits}}); resp.StatusCode != want {
			t.Errorf("%s: %d", digits, resp.StatusCode)
		}
	}
	for path, form := range map[string]url.Values{"/pair/join": {"invitation": {"line"}}, "/pair/found": {"name": {"Watch"}}, "/unit/suspend": {"unit": {unitID}, "scope": {"all"}, "code": {""}}, "/unit/resume": {"unit": {unitID}},
		"/accord/act": {"unit": {unitID}, "hash": {accordHash}, "move": {"sign"}, "clauses": {""}, "text": {""}}} {
		resp, _ := v.post(t, path, form)
		to := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", path, resp.StatusCode)
			continue
		}
		if _, body := v.get(t, to); !strings.Contains(body, `class="notice good" role="status"`) {
			t.Errorf("%s leads to %s, which does not say what was done", path, to)
		}
	}
}

// TestLeavingIsTypedIn: without the unit's name the page says what withdrawing would do.
func TestLeavingIsTypedIn(t *testing.T) {
	v := signedIn(t, story{})
	if resp, body := v.post(t, "/unit/withdraw", url.Values{"unit": {unitID}, "confirm": {""}}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "this party leaves the unit at once") {
		t.Errorf("%d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/unit/withdraw", url.Values{"unit": {unitID}, "confirm": {"Joint Cyber Unit"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
}

// TestProposingAndAsking: a text is read from a file and its difference shown; a question is answered with a clause.
func TestProposingAndAsking(t *testing.T) {
	v := signedIn(t, story{})
	form := url.Values{"unit": {unitID}, "kind": {"amend"}, "dry_run": {"true"}, "counters": {""}}
	if resp, body := v.send(t, "/accord/propose?unit="+unitID, form, "accord.yaml", "to amber"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "The ceiling rises: to amber") {
		t.Errorf("%d", resp.StatusCode)
	}
	form.Set("dry_run", "false")
	if resp, _ := v.send(t, "/accord/propose?unit="+unitID, form, "accord.yaml", "to amber"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
	if resp, _ := v.send(t, "/accord/propose?unit="+unitID, form, "accord.yaml", strings.Repeat("x", maxAccordFile+1)); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a text that is too large: %d", resp.StatusCode)
	}
	if _, body := v.get(t, unitAddresses[2]); !strings.Contains(body, "TLP:RED is above the ceiling") || !strings.Contains(body, "H1") {
		t.Error("the answer has no clause")
	}
}

// asOfficer is a story whose visitor is an officer with one claim.
type asOfficer struct {
	story
	got *node.AccordProposeRequest
}

func (o asOfficer) GrantOf(d [32]byte) (node.Grant, bool) {
	g, ok := o.story.GrantOf(d)
	g.Session, g.Claims = "s", []node.Claim{{Agency: "CERT", Role: "duty-officer"}}
	return g, ok
}

func (o asOfficer) ProposeAccord(ctx context.Context, r node.AccordProposeRequest) (*node.AccordProposeResponse, error) {
	*o.got = r
	return o.story.ProposeAccord(ctx, r)
}

// TestFormsWithFilesActForTheOfficer: in whose name something is done is the officer's to say within their
// claims, whatever a form holds.
func TestFormsWithFilesActForTheOfficer(t *testing.T) {
	o := asOfficer{got: new(node.AccordProposeRequest)}
	v := signedIn(t, o)
	form := url.Values{"unit": {unitID}, "kind": {"amend"}, "dry_run": {"true"}}
	if resp, _ := v.send(t, "/accord/propose?unit="+unitID, form, "accord.yaml", "x"); resp.StatusCode != http.StatusOK || o.got.By != (node.Claim{Agency: "CERT", Role: "duty-officer"}) {
		t.Errorf("%d as %+v", resp.StatusCode, o.got.By)
	}
	for field, value := range map[string]string{claimField: "POLICE:head", "by.agency": "POLICE"} {
		*o.got = node.AccordProposeRequest{}
		form := url.Values{"unit": {unitID}, "kind": {"amend"}, field: {value}}
		if resp, _ := v.send(t, "/accord/propose?unit="+unitID, form, "accord.yaml", "x"); resp.StatusCode != http.StatusForbidden || o.got.Unit != "" {
			t.Errorf("%s=%s: %d, %+v", field, value, resp.StatusCode, o.got)
		}
	}
}
