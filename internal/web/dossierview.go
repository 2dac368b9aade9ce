package web

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// dossierSource is what the page about dossiers is about.
type dossierSource interface {
	ExportDossier(context.Context, node.DossierExportRequest, io.Writer) error
	PreviewDossier(context.Context, node.DossierExportRequest) (*node.DossierReport, error)
}

func (h *handler) dossierRoutes() []route {
	return []route{
		look("GET /dossiers", h.dossiers),
		{pattern: "POST /dossier/preview", scope: node.ScopeUnit, show: h.dossiers, act: posted(h.previewDossier)},
		{pattern: "GET /dossier/file", scope: node.ScopeUnit, raw: h.dossierFile},
		{pattern: "POST /dossier/verify", scope: node.ScopeRead, show: h.dossiers, act: uploaded(h.verifyDossier), upload: true},
	}
}

// dossiersData is the form of a dossier.
type dossiersData struct {
	acting
	Cases []node.CaseView // one of which it may be about
}

func (h *handler) dossiers(r *http.Request) (string, *page, error) {
	a, err := h.acting(r, r.FormValue("unit"))
	if err != nil {
		return "", nil, err
	}
	list, err := h.node.Cases(r.Context(), node.JointListRequest{All: true})
	if err != nil {
		return "", nil, err
	}
	return "dossiers", &page{Key: "ui.dossiers", Here: "records", Data: dossiersData{a, list.Cases}}, nil
}

// dossierShown is what came of a form about a dossier: what would be in it, or what a file holds.
type dossierShown struct {
	Preview  *node.DossierReport
	To       string // the address of the file
	Verified *verdict
}

// maxPreviewed is how many of the texts of a dossier are listed.
const maxPreviewed = 200

// Words are the first of the texts that can be read in the dossier; More tells how many there are beside them.
func (d dossierShown) Words() any { return d.Preview.Words[:min(len(d.Preview.Words), maxPreviewed)] }

// More is explained at Words.
func (d dossierShown) More() int { return max(0, len(d.Preview.Words)-maxPreviewed) }

// maxUnread is how much of a file that is damaged is still taken.
const maxUnread = 4 << 30

// verdict is whether a file that was handed in holds, and what it shows in words.
type verdict struct {
	OK     bool
	Name   string
	Why    func(*lang.Catalog) string // why it does not
	report func(*lang.Catalog) string // what it shows, in a reader's language; nil if it does not hold
}

// Text is what a file that holds shows, in words.
func (v *verdict) Text(c *lang.Catalog) string {
	if v.report != nil {
		return v.report(c)
	}
	return ""
}

func (h *handler) previewDossier(r *http.Request, in node.DossierExportRequest) (outcome, error) {
	p, err := h.node.PreviewDossier(r.Context(), in)
	if err != nil {
		return outcome{}, err
	}
	q := url.Values{}
	for name, values := range r.PostForm {
		if values[0] != "" {
			q[name] = values[:1]
		}
	}
	return outcome{shown: dossierShown{Preview: p, To: "/dossier/file?" + q.Encode()}}, nil
}

// dossierFile sends what was looked at before.
func (h *handler) dossierFile(w http.ResponseWriter, r *http.Request) error {
	var in node.DossierExportRequest
	if err := fill(&in, r.URL.Query()); err != nil {
		return err
	}
	return h.send(w, r, "application/octet-stream", "dossier.entente", func(out io.Writer) error { return h.node.ExportDossier(r.Context(), in, out) })
}

// verification is the form that a file is verified with.
type verification struct {
	Trust []string `json:"trust"`
}

// verifyDossier verifies a file that somebody brought: a dossier, a statement or an entry. Of what does not hold nothing is
// shown but why.
func (h *handler) verifyDossier(_ *http.Request, in verification, name string, file io.Reader) (outcome, error) {
	v := &verdict{Name: name}
	defer func() { _, _ = io.CopyN(io.Discard, file, maxUnread) }() // a browser hears the answer once it has sent all
	peek := bufio.NewReader(file)
	begin, _ := peek.Peek(node.StatementMagic) // whatever is shorter is neither
	var err error
	switch {
	case node.IsStatementFile(begin):
		err = v.statement(peek, in.Trust, h.Clock())
	case node.IsEntryFile(begin):
		err = v.entry(peek, in.Trust)
	default:
		err = v.dossier(peek, in.Trust)
	}
	return outcome{shown: dossierShown{Verified: v}}, err
}

func (v *verdict) statement(file io.Reader, trust []string, now time.Time) error {
	rep, err := node.VerifyStatement(file, trust)
	if err != nil {
		return err
	}
	if v.OK, v.Why = rep.OK, rep.Why; v.OK {
		v.report = func(c *lang.Catalog) string {
			var text strings.Builder
			_ = rep.WriteText(&text, now, c) // a Builder does not fail
			return text.String()
		}
	}
	return nil
}

func (v *verdict) entry(file io.Reader, trust []string) error {
	rep, err := node.VerifyEntry(file, trust)
	if err != nil {
		return err
	}
	if v.OK, v.Why = rep.OK, rep.Why; v.OK {
		v.report = rep.Text
	}
	return nil
}

func (v *verdict) dossier(file io.Reader, trust []string) error {
	rep, err := node.VerifyDossier(file, trust)
	if err != nil {
		return err
	}
	if v.OK, v.Why = rep.OK, rep.Why; v.OK {
		v.report = rep.Text
	}
	return nil
}

// Parties are the members of all units, each once: a file may be held to be of those that one knows.
func (d dossiersData) Parties() []node.MemberBrief {
	var out []node.MemberBrief
	for _, u := range d.Units {
		for _, m := range u.Members {
			if !slices.ContainsFunc(out, func(o node.MemberBrief) bool { return o.Party == m.Party }) {
				out = append(out, m)
			}
		}
	}
	return out
}
