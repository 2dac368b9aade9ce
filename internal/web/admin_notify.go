package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/node"
)

func (h *handler) noticeRoutes() []route {
	return []route{
		look("GET /admin/notices", h.notices),
		mayAdmin("POST /notify/set", h.notices, posted(h.setChannel)),
		mayAdmin("POST /notify/remove", h.notices, posted(h.removeChannel)),
		mayAdmin("POST /notify/plan", h.notices, posted(h.planNotices)),
		mayAdmin("POST /notify/test", h.notices, posted(h.testNotices)),
	}
}

func (h *handler) notices(r *http.Request) (string, *page, error) {
	list, err := h.node.Notices(r.Context(), node.NotifyListRequest{})
	return "notices", adminPage("notices", list), err
}

// noticesShown is what came of a form about notices; one of them is set.
type noticesShown struct {
	Tested  *node.NotifyTestResponse
	Set     *node.NotifySetResponse
	Removed *node.NotifyRemoveResponse
	Planned *node.NotifyPlanResponse
}

// testNotices sends a test over one channel or all of them.
func (h *handler) testNotices(r *http.Request, in node.NotifyTestRequest) (outcome, error) {
	res, err := h.node.TestNotices(r.Context(), in)
	return outcome{shown: noticesShown{Tested: res}, empty: true}, err
}

// setChannel sets a channel, or says what that would change. A secret that was made for it is shown once.
func (h *handler) setChannel(r *http.Request, in node.NotifySetRequest) (outcome, error) {
	res, err := h.node.SetChannel(r.Context(), in)
	if err != nil || in.DryRun || res.Secret != "" {
		return outcome{shown: noticesShown{Set: res}, empty: err == nil && !in.DryRun}, err
	}
	return outcome{to: "/admin/notices", done: "done.channel-set"}, nil
}

func (h *handler) removeChannel(r *http.Request, in node.NotifyRemoveRequest) (outcome, error) {
	res, err := h.node.RemoveChannel(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: noticesShown{Removed: res}, empty: true}, err
	}
	return outcome{to: "/admin/notices", done: "done.channel-removed"}, nil
}

// planForm is who is told when, as a form says it: rungs are numbered.
type planForm struct {
	First  []string                 `json:"first"`
	After  map[string]time.Duration `json:"after"` // by number
	To     map[string][]string      `json:"to"`
	Quiet  bool                     `json:"quiet"`
	Zone   string                   `json:"zone"`
	From   string                   `json:"from"`
	Until  string                   `json:"until"`
	Days   []string                 `json:"days"`
	Except []string                 `json:"except"`
	DryRun bool                     `json:"dry_run"`
}

// request is the plan in the order of its rungs. A rung without a time and channels is none.
func (f *planForm) request() (node.NotifyPlanRequest, error) {
	r := node.NotifyPlanRequest{First: f.First, DryRun: f.DryRun}
	for n := range formRungs {
		key := strconv.Itoa(n)
		after, to := f.After[key], f.To[key]
		if after == 0 && len(to) == 0 {
			continue
		}
		if after == 0 {
			return r, badForm(fmt.Errorf("rung %d has channels and no time", n+1))
		}
		r.Rungs = append(r.Rungs, node.NotifyRung{After: after, To: to})
	}
	if f.Quiet {
		r.Quiet = &node.NotifyQuiet{Zone: strings.TrimSpace(f.Zone), From: f.From, To: f.Until, Days: f.Days, Except: f.Except}
	}
	return r, nil
}

// formRungs is how many rungs a form has room for: as many as a plan may have.
const formRungs = 8

func (h *handler) planNotices(r *http.Request, in planForm) (outcome, error) {
	plan, err := in.request()
	if err != nil {
		return outcome{}, err
	}
	res, err := h.node.PlanNotices(r.Context(), plan)
	if err != nil || in.DryRun {
		return outcome{shown: noticesShown{Planned: res}}, err
	}
	return outcome{to: "/admin/notices", done: "done.plan-set"}, nil
}

// channelForm is the form of one channel: of one that is there, or of a new one.
type channelForm struct {
	P     *page
	Way   node.NotifyWay
	New   bool
	Hooks []string
}

func newChannel(p *page, kind string, hooks []string) channelForm {
	return channelForm{p, node.NotifyWay{Kind: kind, TLS: "starttls"}, true, hooks}
}

func thatChannel(p *page, w node.NotifyWay, hooks []string) channelForm {
	return channelForm{p, w, false, hooks}
}

// Mine says that this form is the one that was sent and is shown again.
func (f channelForm) Mine() bool {
	sent := f.P.Form
	return sent.Has("kind") && sent.Get("kind") == f.Way.Kind && sent.Has("new") == f.New && (f.New || sent.Get("channel") == f.Way.Name)
}

// Field is what stands in a field: as it was typed, or else as it is. Secrets never stand anywhere again.
func (f channelForm) Field(name, first string) string {
	if f.Mine() {
		return f.P.Typed(name, first)
	}
	return first
}

// ID makes the ids of the form's fields.
func (f channelForm) ID(name string) string {
	if f.New {
		return name + "-new-" + f.Way.Kind
	}
	return name + "-of-" + f.Way.Name
}

// rungRow is one rung of the form of the plan.
type rungRow struct {
	Number int64
	After  string
	To     []string
}

// rungRows are the rungs that there are, and one more where there is room.
func rungRows(p *page, plan node.NotifyPlan) []rungRow {
	var out []rungRow
	for i := range min(len(plan.Rungs)+1, formRungs) {
		row := rungRow{Number: int64(i)}
		if i < len(plan.Rungs) {
			row.After, row.To = shortSpan(plan.Rungs[i].After), plan.Rungs[i].To
		}
		n := strconv.Itoa(i)
		row.After = p.Typed("after."+n, row.After)
		if p.Form.Has("after." + n) {
			row.To = p.Form["to."+n]
		}
		out = append(out, row)
	}
	return out
}

// firstOf are the channels that are told at once.
func firstOf(plan node.NotifyPlan) []string {
	out := []string{}
	for _, w := range plan.Ways {
		if w.First {
			out = append(out, w.Name)
		}
	}
	return out
}

// shortSpan writes a duration as people type it: 15m, not 15m0s.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// hasWord tells whether a list has a word.
func hasWord(list []string, word string) bool { return slices.Contains(list, word) }
