package web

import (
	"io"
	"net/http"
	"slices"

	"entente/internal/node"
)

func (h *handler) sensorRoutes() []route {
	return []route{
		look("GET /admin/feeds", h.feeds),
		mayAdmin("POST /feed/set", h.feeds, posted(h.setFeed)),
		mayAdmin("POST /feed/remove", h.feeds, posted(h.removeFeed)),
		look("GET /admin/guard", h.guard),
		{pattern: "POST /guard/add", scope: node.ScopeAdmin, show: h.guard, act: uploaded(h.addGuardList), upload: true},
		mayAdmin("POST /guard/remove", h.guard, posted(h.removeGuardList)),
	}
}

func (h *handler) feeds(r *http.Request) (string, *page, error) {
	list, err := h.node.Feeds(r.Context())
	return "feeds", adminPage("feeds", list), err
}

// setFeed makes or changes a feed, or says how many entries it would have.
func (h *handler) setFeed(r *http.Request, in node.FeedSetRequest) (outcome, error) {
	res, err := h.node.SetFeed(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/admin/feeds", done: "done.feeds-set"}, nil
}

func (h *handler) removeFeed(r *http.Request, in node.FeedRemoveRequest) (outcome, error) {
	res, err := h.node.RemoveFeed(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: res, empty: true}, err
	}
	return outcome{to: "/admin/feeds", done: "done.feeds-set"}, nil
}

// feedForm is the form of one feed: of one that is there, or of a new one.
type feedForm struct {
	P       *page
	Feed    node.FeedView
	New     bool
	Formats []node.FeedFormat
}

func newFeed(p *page, formats []node.FeedFormat) feedForm {
	return feedForm{p, node.FeedView{Format: "list", TLP: "amber+strict"}, true, formats}
}

func thatFeed(p *page, f node.FeedView, formats []node.FeedFormat) feedForm {
	return feedForm{p, f, false, formats}
}

// Mine says that this form is the one that was sent and is shown again.
func (f feedForm) Mine() bool {
	sent := f.P.Form
	return sent.Has("format") && sent.Has("new") == f.New && (f.New || sent.Get("feed") == f.Feed.Name)
}

// Field is what stands in a field: as it was typed, or else as it is.
func (f feedForm) Field(name, first string) string {
	if f.Mine() {
		return f.P.Typed(name, first)
	}
	return first
}

// ID makes the ids of the form's fields.
func (f feedForm) ID(name string) string {
	if f.New {
		return name + "-new"
	}
	return name + "-of-" + f.Feed.Name
}

// Sources are the fields of sources: those that there are, and one more.
func (f feedForm) Sources() []string {
	list := f.Feed.Sources
	if f.Mine() {
		list = slices.DeleteFunc(slices.Clone(f.P.Form["sources"]), func(s string) bool { return s == "" })
	}
	return append(slices.Clone(list), "")
}

// guardData is what is kept from sensors, and how good the sources were.
type guardData struct {
	*node.GuardListResponse
	Sources []node.GuardSource
}

func (h *handler) guard(r *http.Request) (string, *page, error) {
	list, err := h.node.GuardLists(r.Context())
	if err != nil {
		return "", nil, err
	}
	sources, err := h.node.GuardSources(r.Context())
	if err != nil {
		return "", nil, err
	}
	return "guard", adminPage("guard", guardData{list, sources.Sources}), nil
}

// addGuardList puts a list in force, or says what that would take from sensors.
func (h *handler) addGuardList(r *http.Request, in node.GuardAddRequest, name string, file io.Reader) (outcome, error) {
	if in.Name == "" {
		in.Name = name
	}
	res, err := h.node.AddGuardList(r.Context(), in, file, nil)
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/admin/guard", done: "done.guard"}, nil
}

// removeGuardList takes a list out of force, or says what sensors would be given again.
func (h *handler) removeGuardList(r *http.Request, in node.GuardRemoveRequest) (outcome, error) {
	res, err := h.node.RemoveGuardList(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/admin/guard", done: "done.guard"}, nil
}
