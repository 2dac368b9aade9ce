package web

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"entente/internal/node"
)

const (
	requestsPerPage = 50
	cardsPerColumn  = 20 // of a board
	maxSaved        = 10 // filters kept in a browser
	maxSavedName    = 40 // characters
)

// requestStates are the states in the order of a request's life: that of the columns of the board.
func requestStates() []string {
	return []string{"sent", "transferred", "acknowledged", "needs-info", "conditional", "terms-accepted", "postponed", "accepted", "at-risk", "partial",
		"held", "renewal", "notified", "answered", "reported", "released", "lapsed", "refused", "filed", "assessed", "closed", "withdrawn"}
}

// requestFilter is what the address of the list says.
type requestFilter struct {
	Unit, State, Side, Type, Urgency, View string
	Page                                   int
}

func readFilter(q url.Values) requestFilter {
	f := requestFilter{Unit: q.Get("unit"), State: q.Get("state"), Side: q.Get("side"), Type: q.Get("type"), Urgency: q.Get("urgency")}
	if q.Get("view") == "board" {
		f.View = "board"
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil {
		f.Page = min(n, 1_000_000)
	}
	f.Page = max(1, f.Page)
	return f
}

// To is the address of the list with one value of the filter set anew; the pages are counted from the first again,
// unless it is the page that is set.
func (f requestFilter) To(name, value string) string {
	page := ""
	if name == "page" && value != "1" {
		page = value
	}
	values := map[string]string{"unit": f.Unit, "state": f.State, "side": f.Side, "type": f.Type, "urgency": f.Urgency, "view": f.View, "page": page}
	values[name] = value
	if name == "page" {
		values[name] = page
	}
	q := url.Values{}
	for k, v := range values {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return "/requests"
	}
	return "/requests?" + q.Encode()
}

// Before and After are the numbers of the pages around this one.
func (f requestFilter) Before() string { return strconv.Itoa(f.Page - 1) }

// After is explained at Before.
func (f requestFilter) After() string { return strconv.Itoa(f.Page + 1) }

// InList is the address of the list of one state.
func (f requestFilter) InList(state string) string {
	f.View = ""
	return f.To("state", state)
}

// Query is the filter as it is saved: without the page.
func (f requestFilter) Query() string {
	_, q, _ := strings.Cut(f.To("page", "1"), "?")
	return q
}

// savedFilter is a filter with the name that somebody gave it. Filters are kept in a cookie: they are habits of
// one person at one desk, and nothing of them is worth a file of the node.
type savedFilter struct {
	Name  string `json:"n"`
	Query string `json:"q"`
}

// To is the address of the list under the filter.
func (s savedFilter) To() string {
	return strings.TrimSuffix("/requests?"+s.Query, "?")
}

func savedName(party string) string { return cookieName(party) + "_filters" }

// savedFilters reads the cookie; one that was tampered with holds none.
func savedFilters(r *http.Request, party string) []savedFilter {
	c, err := r.Cookie(savedName(party))
	if err != nil {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	var out []savedFilter
	if json.Unmarshal(text, &out) != nil || len(out) > maxSaved {
		return nil
	}
	for i := range out {
		q, _ := url.ParseQuery(out[i].Query) // what cannot be read filters nothing
		out[i].Query = readFilter(q).Query()
	}
	return out
}

type stateColumn struct {
	State    string
	Count    int
	Requests []node.RequestView
}

type requestsData struct {
	*node.RequestListResponse
	Filter  requestFilter
	Saved   []savedFilter
	States  []string
	Types   []string
	Units   []node.UnitBrief
	Columns []stateColumn
	Total   int
	First   int // number of the first on the page, from 1; 0 on an empty page
	Last    int
}

func (h *handler) requests(r *http.Request) (string, *page, error) {
	q := r.URL.Query()
	if r.PostForm.Has("query") { // a filter that was not saved
		q, _ = url.ParseQuery(r.PostForm.Get("query")) // what cannot be read filters nothing
	}
	f := readFilter(q)
	in := node.RequestListRequest{Unit: f.Unit, State: f.State, Side: f.Side, Type: f.Type, Urgency: f.Urgency}
	if f.View == "board" {
		in.Each, in.Limit = cardsPerColumn, cardsPerColumn*len(requestStates())
	} else {
		in.Skip, in.Limit = (f.Page-1)*requestsPerPage, requestsPerPage
	}
	list, err := h.node.Requests(r.Context(), in)
	if err != nil {
		return "", nil, err
	}
	here, err := h.node.Here(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := requestsData{RequestListResponse: list, Filter: f, Saved: savedFilters(r, here.Party), States: requestStates(), Types: node.RequestTypes()}
	for _, n := range list.Counts {
		d.Total += n
	}
	if n := len(list.Requests); n > 0 {
		d.First, d.Last = in.Skip+1, in.Skip+n
	}
	if f.View == "board" {
		d.Columns = columnsOf(list)
	}
	return "requests", &page{Key: "ui.requests", Here: "requests", Data: d}, nil
}

// columnsOf puts what is listed into columns, one for each state that something is in.
func columnsOf(list *node.RequestListResponse) []stateColumn {
	var out []stateColumn
	for state, n := range list.Counts {
		out = append(out, stateColumn{State: state, Count: n})
	}
	order := requestStates()
	slices.SortFunc(out, func(a, b stateColumn) int {
		return cmp.Or(slices.Index(order, a.State)-slices.Index(order, b.State), strings.Compare(a.State, b.State))
	})
	for _, q := range list.Requests {
		if i := slices.IndexFunc(out, func(c stateColumn) bool { return c.State == q.State }); i >= 0 {
			out[i].Requests = append(out[i].Requests, q)
		}
	}
	return out
}

// savedChange is the form that saves a filter or drops one.
type savedChange struct {
	Name  string `json:"name"`
	Query string `json:"query"`
	Drop  bool   `json:"drop"`
}

func (h *handler) saveFilter(r *http.Request, in savedChange) (outcome, error) {
	here, err := h.node.Here(r.Context())
	if err != nil {
		return outcome{}, err
	}
	name := strings.TrimSpace(in.Name)
	if name == "" || utf8.RuneCountInString(name) > maxSavedName {
		return outcome{}, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "A filter needs a name.", Why: "It has 1 to 40 characters.", Next: "Give one, and save it again."}
	}
	q, err := url.ParseQuery(in.Query)
	if err != nil {
		return outcome{}, badForm(err)
	}
	s := savedFilter{Name: name, Query: readFilter(q).Query()}
	saved := slices.DeleteFunc(savedFilters(r, here.Party), func(x savedFilter) bool { return x.Name == name })
	done := "done.filter-dropped"
	if !in.Drop {
		done = "done.filter-saved"
		if len(saved) == maxSaved {
			return outcome{}, &node.Error{Code: "too-many", Status: http.StatusConflict, What: "There are too many saved filters.", Why: "A browser keeps ten.", Next: "Drop one first."}
		}
		saved = append(saved, s)
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return outcome{}, err
	}
	return outcome{to: s.To(), done: done, cookie: &http.Cookie{Name: savedName(here.Party), Value: base64.RawURLEncoding.EncodeToString(text), Path: "/requests",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600}}, nil
}
