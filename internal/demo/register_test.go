package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"testing"
	"testing/synctest"

	"entente/internal/api"
	"entente/internal/node"
)

// line is a hotline call as two nodes have it between which what is written travels late: one of them has it only when it
// was asked for what it has in vain.
type line struct{ written, held map[string][]string }

// at is the API of one of them.
func (l *line) at(name, other string) http.Handler {
	early := true
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in node.HotlineMoveRequest
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		op := path.Base(r.URL.Path)
		switch {
		case op == "hotline.show":
			view := node.CallView{State: "ringing"}
			for _, move := range l.held[name] {
				switch move {
				case "acknowledge":
					view.State = "acknowledged"
				case "close":
					view.State = map[string]string{"ringing": "cancelled", "acknowledged": "closed"}[view.State]
				}
				view.Moves = append(view.Moves, node.CallMoveView{Move: move})
			}
			l.held[name] = append(l.held[name], l.written[other]...)
			l.written[other] = nil
			_ = json.NewEncoder(w).Encode(view)
			return
		case op == "hotline.call":
			in.Move = "call"
		case in.Move == "escalate" && early:
			early = false
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(api.Problem{Code: "illegal-move"})
			return
		}
		l.held[name] = append(l.held[name], in.Move)
		l.written[name] = append(l.written[name], in.Move)
		_ = json.NewEncoder(w).Encode(node.WriteResponse{Refs: []string{"call"}})
	})
}

// The call is closed at both ends, not given up by a caller who did not know yet that it was answered.
func TestTheCallIsClosedHoweverLateItTravels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{map[string][]string{}, map[string][]string{}}
		s := &story{say: &narrator{out: io.Discard},
			north: &party{name: "North", Client: api.InProcess(l.at("North", "South"))},
			south: &party{name: "South", Client: api.InProcess(l.at("South", "North"))}}
		if err := s.climb(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
