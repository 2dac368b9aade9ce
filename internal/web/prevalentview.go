package web

import (
	"net/http"

	"entente/internal/node"
)

// prevalentData is what is kept from sensors because this party sees it everywhere.
type prevalentData struct {
	*node.GuardPrevalentResponse
	pager
}

func (h *handler) prevalent(r *http.Request) (string, *page, error) {
	list, err := h.node.GuardPrevalent(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := prevalentData{list, pagerOf(r, "/prevalent")}
	list.Values = cutPage(&d.pager, list.Values)
	return "prevalent", &page{Key: "ui.prevalent", Here: "watch", Data: d}, nil
}

// reviewPrevalent keeps a value out of what sensors are given, or gives it to them all the same.
func (h *handler) reviewPrevalent(r *http.Request, in node.PrevalentReviewRequest) (outcome, error) {
	_, err := h.node.ReviewPrevalent(r.Context(), in)
	done := "done.prevalent-kept"
	if in.Release {
		done = "done.prevalent-released"
	}
	return outcome{to: "/prevalent", done: done}, err
}

// disputesData is what partners state to be false positives of what was imported here.
type disputesData struct {
	*node.GuardDisputesResponse
	pager
}

func (h *handler) disputes(r *http.Request) (string, *page, error) {
	list, err := h.node.GuardDisputes(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := disputesData{list, pagerOf(r, "/disputes")}
	list.Disputes = cutPage(&d.pager, list.Disputes)
	return "disputes", &page{Key: "ui.disputes", Here: "watch", Data: d}, nil
}
