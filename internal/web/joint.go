package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entente/internal/lang"
	"entente/internal/node"
)

// talk is the page about one thing that members keep together, with what was typed into the form that comes again.
type talk struct {
	action, family, unit, id string
	typed                    url.Values
}

// saying is the form of one move in a talk.
type saying struct {
	Action, Family, Move, Unit, ID string
	On, Ref                        string // the field that says which entry it is about, and that entry; "" where there is none
	Words                          string // "", optional or required
	typed                          url.Values
}

// Say is the form of a move.
func (t talk) Say(move, words string) saying { return t.SayOn(move, "", "", words) }

// SayOn is the form of a move that is about one of the entries on the page.
func (t talk) SayOn(move, on, ref, words string) saying {
	s := saying{Action: t.action, Family: t.family, Move: move, Unit: t.unit, ID: t.id, On: on, Ref: ref, Words: words}
	if t.typed.Get("move") == move && (on == "" || t.typed.Get(on) == ref) {
		s.typed = t.typed
	}
	return s
}

// Key tells the form from the others of its page.
func (s saying) Key() string {
	if s.Ref == "" {
		return s.Move
	}
	return s.Move + "-" + strings.ReplaceAll(brief(s.Ref), "#", "-")
}

// Again tells whether this form comes again.
func (s saying) Again() bool { return s.typed != nil }

// Typed is what was typed into a field of this very form, when it comes again.
func (s saying) Typed(name string) string { return s.typed.Get(name) }

// Chosen tells whether a value of a field was chosen in this very form.
func (s saying) Chosen(name, value string) bool {
	return slices.Contains(s.typed[name], value)
}

// said is what comes of a move that was written, or tried.
func said(w *node.WriteResponse, err error, dryRun bool, path, unit, id string) (outcome, error) {
	if err != nil || dryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: path + string(query("unit", unit, "id", id)), done: "done.said"}, nil
}

// acting are the units in which something can be written, and the one that is meant: the one named, or the only one.
type acting struct {
	Units []node.UnitBrief
	Unit  *node.UnitBrief
}

func (h *handler) acting(r *http.Request, unit string) (acting, error) {
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return acting{}, err
	}
	var a acting
	for _, u := range status.Units {
		if u.Accord != "" && u.State != "withdrawn" {
			a.Units = append(a.Units, u)
		}
	}
	for i, u := range a.Units {
		if u.Unit == unit || u.Name == unit || unit == "" && len(a.Units) == 1 {
			a.Unit = &a.Units[i]
		}
	}
	return a, nil
}

// Others are the members of the unit beside this party.
func (a acting) Others() []node.MemberBrief {
	var out []node.MemberBrief
	for _, m := range a.Unit.Members {
		if !m.Self {
			out = append(out, m)
		}
	}
	return out
}

// lineText says what stands on a line of a case.
func lineText(c *lang.Catalog, l node.LineView) string {
	switch l.Of {
	case "event":
		return c.Text("ui.line-event", "what", l.Code)
	case "reply":
		return c.Text("ui.line-reply", "what", c.Code("claim", l.Code))
	case "outcome":
		return c.Text("ui.line-outcome", "what", c.Code("outcome", l.Code))
	case "move":
		return c.Text("ui.line-request", "what", c.Code("move", l.Code))
	case "kind":
		return node.EntryText(c, l.Code)
	}
	return c.Code(l.Of, l.Code)
}

// pageOf is the page of what an entry opened, or that of the entry.
func pageOf(unit, kind, ref string) string {
	path, ok := map[string]string{"request.send": "/request", "exhibit.add": "/exhibit", "case.open": "/case", "commitment.make": "/commitment",
		"statement.propose": "/statement", "leak.report": "/leak", "review.open": "/review"}[kind]
	e := entryOf(ref)
	switch {
	case ok:
		return path + string(query("unit", unit, "id", ref))
	case e != nil:
		return "/entry" + string(query("unit", unit, "origin", e.Origin, "index", e.Index))
	}
	return "/journal" // what names no entry, which the node would not give
}
