package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"entente/internal/node"
)

// sightingsData is what watchers saw of indicators; of one, with what can be said of it.
type sightingsData struct {
	pager
	In        node.SightingListRequest
	Sightings []node.SightingView
	Found     *node.FoundObject // the indicator that is asked for; nil: none is, or it is not here any more
	Statement string            // this party's that it is a false positive
	Sum       int64             // of what is on the page
}

// Object is the indicator's text, nil if it is not here.
func (d sightingsData) Object() json.RawMessage {
	if d.Found == nil {
		return nil
	}
	return d.Found.Object
}

// sightingShown is what came of a form on the page: the STIX sighting that would be made, field by field, or what was said of the indicator
// and to whom.
type sightingShown struct {
	Would     []field
	Said      *node.FalsePositiveResponse
	Retracted bool
}

// counted are numbers by words, the largest first.
type counted struct {
	Word string
	N    int64
}

func mostFirst(m map[string]int64) []counted {
	out := make([]counted, 0, len(m))
	for _, word := range slices.Sorted(maps.Keys(m)) {
		out = append(out, counted{word, m[word]})
	}
	slices.SortStableFunc(out, func(a, b counted) int {
		switch {
		case a.N > b.N:
			return -1
		case a.N < b.N:
			return 1
		}
		return 0
	})
	return out
}

func (h *handler) sightings(r *http.Request) (string, *page, error) {
	q := r.URL.Query()
	d := sightingsData{pager: pagerOf(r, "/sightings"), In: node.SightingListRequest{Indicator: q.Get("indicator"), Value: q.Get("value"), Host: q.Get("host"), Limit: watchPerPage}}
	d.In.Offset = d.Skip()
	list, err := h.node.Sightings(r.Context(), d.In)
	if err != nil {
		return "", nil, err
	}
	d.Sightings, d.Total, d.Statement = list.Sightings, list.Total, list.Statement
	for _, s := range list.Sightings {
		d.Sum += s.Count
	}
	if d.In.Indicator != "" {
		found, err := h.node.Search(r.Context(), node.SearchRequest{ID: d.In.Indicator, Limit: maxVersions})
		if err != nil {
			return "", nil, err
		}
		if len(found.Objects) > 0 {
			newest := slices.MaxFunc(found.Objects, func(a, b node.FoundObject) int { return a.Added.Compare(b.Added) })
			d.Found = &newest
		}
	}
	return "sightings", &page{Key: "ui.sightings", Here: "watch", Data: d}, nil
}

// makeSighting makes a STIX sighting of what was ticked, or shows it. What was made leads to the page that shares: nothing has left yet.
func (h *handler) makeSighting(r *http.Request, in node.SightingMakeRequest) (outcome, error) {
	res, err := h.node.MakeSighting(r.Context(), in)
	if err != nil {
		return outcome{}, err
	}
	if in.DryRun {
		return outcome{shown: sightingShown{Would: fieldsOf(json.RawMessage(res.Object))}}, nil
	}
	return outcome{to: "/share" + string(query("ids", res.ID)), done: "done.sighting-made"}, nil
}

// falsePositive states that an indicator is a false positive, or takes that back. Where the statement went is told on the page.
func (h *handler) falsePositive(r *http.Request, in node.FalsePositiveRequest) (outcome, error) {
	res, err := h.node.FalsePositive(r.Context(), in)
	if err != nil {
		return outcome{}, err
	}
	if in.Tell {
		return outcome{shown: sightingShown{Said: res, Retracted: in.Retract}, empty: true}, nil
	}
	done := "done.false-stated"
	if in.Retract {
		done = "done.false-back"
	}
	return outcome{to: "/sightings" + string(query("indicator", res.ID)), done: done}, nil
}
