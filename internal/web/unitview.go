package web

import (
	"encoding/json"
	"time"

	"entente/internal/node"
)

// unitState is what the page of a unit shows of the canonical state (the whole
// of it is below, as JSON).
type unitState struct {
	Proposals   []proposal   `json:"proposals"`
	Suspensions []suspension `json:"suspensions"`
	Breaches    []breach     `json:"breaches"`
	Held        []breach     `json:"held"`
	Void        []breach     `json:"void"`
	Missing     []string     `json:"missing"`
	Problem     string       `json:"problem"`

	names map[string]string
}

type mention struct {
	Ref struct {
		Origin string `json:"origin"`
		Index  int64  `json:"index"`
	} `json:"ref"`
	Kind  string    `json:"kind"`
	Party string    `json:"party"`
	At    time.Time `json:"at"`
	Final bool      `json:"final"`
}

type proposal struct {
	Hash         string    `json:"hash"`
	Version      int       `json:"version"`
	Status       string    `json:"status"`
	Counters     []string  `json:"counters"` // hashes of the texts that it answers
	Proposed     []mention `json:"proposed"`
	Reservations []struct {
		mention
		Clauses []string `json:"clauses"`
	} `json:"reservations"`
	Accepted []mention `json:"accepted"`
	Signed   []mention `json:"signed"`
	Unsigned []string  `json:"unsigned"`
}

type suspension struct {
	mention
	Scope   []string `json:"scope"`
	Code    string   `json:"code"`
	Active  bool     `json:"active"`
	Resumed *mention `json:"resumed"`
}

type breach struct {
	mention
	Clause string `json:"clause"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// readState reads what is shown of a state. A state that this version cannot
// read is still shown whole.
func readState(text json.RawMessage, members []node.MemberBrief) unitState {
	var s unitState
	if err := json.Unmarshal(text, &s); err != nil {
		s = unitState{Problem: "The state cannot be set out: " + err.Error() + "."}
	}
	s.names = map[string]string{}
	for _, m := range members {
		s.names[m.Party] = m.Name
	}
	return s
}

// Who is the name of a party, or the beginning of its id.
func (s unitState) Who(party string) string {
	if name := s.names[party]; name != "" {
		return name
	}
	return brief(party)
}

// Names are the names behind a list of mentions or of parties.
func (s unitState) Names(list any) []string {
	var out []string
	switch list := list.(type) {
	case []mention:
		for _, m := range list {
			out = append(out, s.Who(m.Party))
		}
	case []string:
		for _, p := range list {
			out = append(out, s.Who(p))
		}
	}
	return out
}

// readProposals reads the proposals that come with an accord.
func readProposals(text json.RawMessage, members []node.MemberBrief) unitState {
	if len(text) == 0 {
		text = json.RawMessage("[]")
	}
	return readState(json.RawMessage(`{"proposals":`+string(text)+`}`), members)
}
