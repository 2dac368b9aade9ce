package web

import (
	"net/http"
	"time"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/internal/node"
)

// drillsData is what is tried in a unit: when, and how fast each side answered.
type drillsData struct {
	unitChoice
	Terms   *accord.Document
	View    node.DrillView
	History *node.HotlineHistoryResponse
}

// Surprise tells whether the accord lets a drill come without having been announced.
func (d drillsData) Surprise() bool { return !d.Terms.Drills.Announced }

func (h *handler) drills(r *http.Request) (string, *page, error) {
	c, err := h.chosenUnit(r)
	if err != nil {
		return "", nil, err
	}
	d := drillsData{unitChoice: c}
	if c.Unit != nil {
		unit := c.Unit.Unit
		d.Terms, _ = h.terms(r, unit)
		list, err := h.node.Calls(r.Context(), node.HotlineListRequest{Unit: unit, State: "all"})
		if err != nil {
			return "", nil, err
		}
		for _, v := range list.Drills {
			d.View = v
		}
		if d.History, err = h.node.CallHistory(r.Context(), node.HotlineHistoryRequest{Unit: unit}); err != nil {
			return "", nil, err
		}
	}
	return "drills", &page{Key: "ui.drills", Here: "hotline", Data: d}, nil
}

func toDrills(unit string) string { return "/drills" + string(query("unit", unit)) }

func (h *handler) announceDrill(r *http.Request, in node.HotlineAnnounceRequest) (outcome, error) {
	w, err := h.node.AnnounceDrill(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: toDrills(in.Unit), done: "done.announced"}, nil
}

// answerPing says that a contact that was tried answers.
func (h *handler) answerPing(r *http.Request, in node.ContactAnswerRequest) (outcome, error) {
	w, err := h.node.AnswerPing(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: toDrills(in.Unit), done: "done.ping-answered"}, nil
}

const (
	barRoom  = 400 // of the bars of a chart, in its own units
	barHigh  = 34  // of a row
	barLabel = 190 // of the names beside the bars
)

// speedChart is how fast each side answered as bars: the median, behind it the slowest, and the line of the accord.
type speedChart struct {
	Rows         []speedBar
	High         int // of the picture
	Limit        int // where the line of the accord stands; 0: it is not in the picture
	LimitSeconds int64
}

// speedBar is one row of a chart.
type speedBar struct {
	node.SpeedView
	Y, Text, Median, Slowest int // places in the picture
}

// chartOf draws what has answers; nil where nothing has. limit is the accord's clock in seconds, 0 for none.
func chartOf(speeds []node.SpeedView, limit int64) *speedChart {
	most := limit
	c := &speedChart{LimitSeconds: limit}
	for _, s := range speeds {
		if s.Answered > 0 {
			most = max(most, s.Slowest, s.Median)
		}
	}
	wide := func(seconds int64) int {
		return max(2, int(float64(barRoom)*float64(seconds)/float64(max(most, 1))))
	}
	for _, s := range speeds {
		if s.Answered == 0 {
			continue
		}
		y := 8 + len(c.Rows)*barHigh
		c.Rows = append(c.Rows, speedBar{SpeedView: s, Y: y, Text: y + 16, Median: wide(s.Median), Slowest: wide(s.Slowest)})
	}
	if len(c.Rows) == 0 {
		return nil
	}
	c.High = 16 + len(c.Rows)*barHigh
	if limit > 0 {
		c.Limit = barLabel + wide(limit)
	}
	return c
}

// spanOf is a time in seconds in words, also that of less than one.
func spanOf(c *lang.Catalog, seconds int64) string {
	if seconds == 0 {
		return c.Text("time.s", "n", 0)
	}
	return c.Span(time.Duration(seconds) * time.Second)
}

// callLimit is the accord's clock for taking a call, in seconds; 0 where it cannot be said in seconds.
func callLimit(terms *accord.Document) int64 {
	span, err := terms.Hotline.Acknowledge.Span()
	if err != nil || span.Months > 0 || span.Days > 0 {
		return 0
	}
	return int64(span.Clock.Seconds())
}
