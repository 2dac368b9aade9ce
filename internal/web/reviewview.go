package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// reviewSource is what the pages about reviews are about.
type reviewSource interface {
	Reviews(context.Context, node.ReviewListRequest) (*node.ReviewListResponse, error)
	Review(context.Context, node.ReviewShowRequest) (*node.ReviewView, error)
	ReviewReport(context.Context, node.ReviewReportRequest, io.Writer) error
	OpenReview(context.Context, node.ReviewOpenRequest) (*node.ReviewOpenResponse, error)
	CommitReview(context.Context, node.ReviewCommitRequest) (*node.WriteResponse, error)
	RevealReview(context.Context, node.ReviewMoveRequest) (*node.WriteResponse, error)
	SignReview(context.Context, node.ReviewMoveRequest) (*node.WriteResponse, error)
}

func (h *handler) reviewRoutes() []route {
	may := func(pattern string, show gather, act act) route {
		return route{pattern: pattern, scope: node.ScopeRequest, show: show, act: act}
	}
	return []route{
		look("GET /reviews", h.reviews),
		look("GET /review", h.review),
		{pattern: "GET /review/file", scope: node.ScopeRead, raw: h.reviewFile},
		may("POST /review/open", h.review, posted(h.openReview)),
		may("POST /review/commit", h.review, posted(h.commitReview)),
		may("POST /review/reveal", h.review, posted(h.revealReview)),
		may("POST /review/sign", h.review, posted(h.signReview)),
	}
}

// reviewsData is the list of reviews, and the period that one can look at.
type reviewsData struct {
	acting
	Listed   []node.ReviewView
	From, To time.Time // the period that is proposed: half a year until now, in days of UTC
}

func (h *handler) reviews(r *http.Request) (string, *page, error) {
	list, err := h.node.Reviews(r.Context(), node.ReviewListRequest{Unit: r.FormValue("unit")})
	if err != nil {
		return "", nil, err
	}
	a, err := h.acting(r, r.FormValue("unit"))
	if err != nil {
		return "", nil, err
	}
	to := h.Clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	return "reviews", &page{Key: "ui.reviews", Here: "records", Data: reviewsData{a, list.Reviews, to.AddDate(0, -6, 0), to}}, nil
}

// reviewData is the report of a period or of an opened review, and where that stands.
type reviewData struct {
	talk
	Report  *node.ReviewReport
	Sum     string   // SHA-256 of its JSON, which is what is signed
	Missing *failure // why there is no report
	Of      url.Values
	Opened  *node.ReviewView // nil: only a period
	Unit    string
	Types   []string // that can be scored
	Scores  []string
}

// subjectOf reads what a report is to be about from an address or a form: an opened review, or a period.
func subjectOf(r *http.Request) (node.ReviewReportRequest, error) {
	var in node.ReviewReportRequest
	form := url.Values{}
	for _, name := range []string{"unit", "id", "from", "to", "now"} {
		if v := r.FormValue(name); v != "" {
			form.Set(name, v)
		}
	}
	if form.Has("id") { // an opened review has its own period
		form = url.Values{"unit": form["unit"], "id": form["id"]}
	}
	return in, fill(&in, form)
}

// address is the query of the page and the files of a report.
func address(in node.ReviewReportRequest) url.Values {
	q := url.Values{}
	for name, t := range map[string]time.Time{"from": in.From, "to": in.To, "now": in.Now} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	for name, s := range map[string]string{"unit": in.Unit, "id": in.ID} {
		if s != "" {
			q.Set(name, s)
		}
	}
	return q
}

func (h *handler) review(r *http.Request) (string, *page, error) {
	in, err := subjectOf(r)
	if err != nil {
		return "", nil, err
	}
	d := reviewData{Of: address(in), Unit: in.Unit, Scores: node.RequestScores(), talk: talk{family: "review-move", unit: in.Unit, id: in.ID, typed: r.PostForm}}
	if in.ID != "" {
		if d.Opened, err = h.node.Review(r.Context(), node.ReviewShowRequest{Unit: in.Unit, ID: in.ID}); err != nil {
			return "", nil, err
		}
		d.Unit, d.talk.unit = d.Opened.Unit, d.Opened.Unit
	}
	var b bytes.Buffer
	err = h.node.ReviewReport(r.Context(), in, &b)
	var known *node.Error
	switch {
	case err == nil:
		d.Report, d.Sum = new(node.ReviewReport), fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
		if err := json.Unmarshal(b.Bytes(), d.Report); err != nil {
			return "", nil, fmt.Errorf("reading the report: %w", err)
		}
	case errors.As(err, &known):
		f := failureOf(err)
		d.Missing = &f
	default:
		return "", nil, err
	}
	terms, _ := h.terms(r, d.Unit)
	for _, t := range terms.Requests.Types {
		d.Types = append(d.Types, t.Type)
	}
	return "review", &page{Key: "ui.review", Here: "records", Data: d}, nil
}

// File is the address of the report in a form that is kept.
func (d reviewData) File(format string) string {
	q := url.Values{"format": {format}}
	for k, v := range d.Of {
		q[k] = v
	}
	return "/review/file?" + q.Encode()
}

// Content draws the report.
func (d reviewData) Content(c *lang.Catalog) (template.HTML, error) { return d.Report.Content(c) }

// May tells whether this side may make a move in the review now.
func (d reviewData) May(move string) bool {
	return d.Opened != nil && slices.Contains(d.Opened.Next, move)
}

// Others are the parties that this side gives scores to.
func (d reviewData) Others() []node.ReviewPartyView {
	return slices.DeleteFunc(slices.Clone(d.Opened.Parties), func(p node.ReviewPartyView) bool { return p.Self })
}

// Name is that of a party of the review.
func (d reviewData) Name(party string) string {
	for _, p := range d.Opened.Parties {
		if p.Party == party {
			return p.Name
		}
	}
	return brief(party)
}

// To is the form of a move of the review.
func (d reviewData) To(move string) saying {
	t := d.talk
	t.action = "/review/" + move
	return t.Say(move, "optional")
}

// reviewFile sends the very bytes that are countersigned, or the same as a table or a page.
func (h *handler) reviewFile(w http.ResponseWriter, r *http.Request) error {
	in, err := subjectOf(r)
	if err != nil {
		return err
	}
	in.Format, in.Lang = r.FormValue("format"), r.FormValue("lang")
	var b bytes.Buffer
	if err := h.node.ReviewReport(r.Context(), in, &b); err != nil {
		return err
	}
	kind, end := "application/json", "json"
	switch in.Format {
	case node.ReviewCSV:
		kind, end = "text/csv; charset=utf-8", "csv"
	case node.ReviewHTML:
		kind, end = "text/html; charset=utf-8", "html"
	}
	attach(w, kind, "review."+end)
	_, _ = w.Write(b.Bytes()) // the reader is gone if this fails
	return nil
}

// openReview names the period to all members.
func (h *handler) openReview(r *http.Request, in node.ReviewOpenRequest) (outcome, error) {
	res, err := h.node.OpenReview(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: writeOf(res)}, err
	}
	if res.Review == nil {
		return outcome{to: "/reviews", done: "done.said"}, nil
	}
	return outcome{to: "/review" + string(query("unit", res.Review.Unit, "id", res.Review.ID)), done: "done.said"}, nil
}

func writeOf(res *node.ReviewOpenResponse) *node.WriteResponse {
	if res == nil {
		return nil
	}
	return res.Write
}

// scoresForm is what the form of scores sends: each by PARTY/TYPE/NAME.
type scoresForm struct {
	node.Acting
	Unit   string         `json:"unit"`
	ID     string         `json:"id"`
	Move   string         `json:"move"`
	Scores map[string]int `json:"scores"`
	DryRun bool           `json:"dry_run"`
}

func (h *handler) commitReview(r *http.Request, in scoresForm) (outcome, error) {
	out := node.ReviewCommitRequest{Acting: in.Acting, Unit: in.Unit, ID: in.ID, DryRun: in.DryRun, Scores: map[string]map[string]map[string]int{}}
	for key, n := range in.Scores {
		parts := strings.Split(key, "/")
		if len(parts) != 3 {
			return outcome{}, badForm(fmt.Errorf("%.100q is no score", key))
		}
		party, typ, name := parts[0], parts[1], parts[2]
		if out.Scores[party] == nil {
			out.Scores[party] = map[string]map[string]int{}
		}
		if out.Scores[party][typ] == nil {
			out.Scores[party][typ] = map[string]int{}
		}
		out.Scores[party][typ][name] = n
	}
	w, err := h.node.CommitReview(r.Context(), out)
	return said(w, err, in.DryRun, "/review", in.Unit, in.ID)
}

// reviewMove is the form of the other moves.
type reviewMove struct {
	node.ReviewMoveRequest
	Move string `json:"move"`
}

func (h *handler) revealReview(r *http.Request, in reviewMove) (outcome, error) {
	w, err := h.node.RevealReview(r.Context(), in.ReviewMoveRequest)
	return said(w, err, in.DryRun, "/review", in.Unit, in.ID)
}

func (h *handler) signReview(r *http.Request, in reviewMove) (outcome, error) {
	w, err := h.node.SignReview(r.Context(), in.ReviewMoveRequest)
	return said(w, err, in.DryRun, "/review", in.Unit, in.ID)
}

// signers are the names of those who have signed a report.
func signers(parties []node.ReviewPartyView) []string {
	var out []string
	for _, p := range parties {
		if p.Signed != "" {
			out = append(out, p.Name)
		}
	}
	return out
}

// Remarks are the moves with words, and those that changed nothing.
func (d reviewData) Remarks() []node.MoveView {
	return slices.DeleteFunc(slices.Clone(d.Opened.Moves), func(m node.MoveView) bool { return m.Text == "" && m.Absent == "" && m.Refused == "" })
}
