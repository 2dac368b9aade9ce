package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"entente/internal/lang"
	"entente/internal/node"
)

// journalSource is what the pages about journals are made of.
type journalSource interface {
	JournalSides(context.Context, node.JournalSidesRequest) (*node.JournalSidesResponse, error)
	CheckEntry(context.Context, node.JournalCheckRequest) (*node.JournalCheckResponse, error)
	ExportEntry(context.Context, node.JournalFileRequest, io.Writer) error
	Proofs(context.Context, node.ProofListRequest) (*node.ProofListResponse, error)
}

func (h *handler) journalRoutes() []route {
	return []route{
		look("GET /journal", h.journal),
		look("GET /entry", h.entry),
		{pattern: "GET /entry/file", scope: node.ScopeRead, raw: h.entryFile},
		look("GET /fork", h.fork),
	}
}

// journalData is the journals of a unit side by side.
type journalData struct {
	Units []node.UnitBrief
	*node.JournalSidesResponse
	Asked    node.JournalSidesRequest
	From, To string // days, as they were typed
}

// Others are the journals that this party does not write.
func (d journalData) Others() (out []node.SideJournal) {
	for _, j := range d.Journals {
		if !j.Self {
			out = append(out, j)
		}
	}
	return out
}

// Authors are the parties, each once.
func (d journalData) Authors() (out []node.SideJournal) {
	have := map[string]bool{}
	for _, j := range d.Journals {
		if !have[j.Party] {
			have[j.Party] = true
			out = append(out, j)
		}
	}
	return out
}

// Filtered tells whether only some entries are asked for.
func (d journalData) Filtered() bool {
	return d.Asked.Kind != "" || d.Asked.Author != "" || d.Asked.About != "" || d.From != "" || d.To != ""
}

func (h *handler) journal(r *http.Request) (string, *page, error) {
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return "", nil, err
	}
	p := &page{Key: "ui.journals", Here: "journal"}
	q := r.URL.Query()
	d := journalData{Units: status.Units, From: q.Get("from"), To: q.Get("to"), Asked: node.JournalSidesRequest{Unit: q.Get("unit"), Kind: q.Get("kind"), Author: q.Get("author"), About: q.Get("about"), Next: q.Get("next")}}
	if d.Asked.Unit == "" && len(status.Units) > 0 {
		d.Asked.Unit = status.Units[0].Unit
	}
	in := h.zoneOf(r, grantOf(r))
	if d.Asked.From, err = startOf(d.From, 0, in); err != nil {
		return "", nil, err
	}
	if d.Asked.To, err = startOf(d.To, 1, in); err != nil {
		return "", nil, err
	}
	if len(status.Units) > 0 {
		if d.JournalSidesResponse, err = h.node.JournalSides(r.Context(), d.Asked); err != nil {
			return "", nil, err
		}
	}
	p.Data = d
	return "journal", p, nil
}

// entryRefOf is the entry that an address names.
func entryRefOf(r *http.Request) string {
	q := r.URL.Query()
	if ref := q.Get("ref"); ref != "" {
		return ref
	}
	return q.Get("origin") + "#" + q.Get("index")
}

// entryData is one entry with what was verified of it.
type entryData struct {
	*node.JournalCheckResponse
	File string // the name under which it is downloaded
}

// Waits tells whether something has not come yet.
func (d entryData) Waits() bool {
	for _, s := range d.Steps {
		if s.State == "wait" {
			return true
		}
	}
	return false
}

func (h *handler) entry(r *http.Request) (string, *page, error) {
	c, err := h.node.CheckEntry(r.Context(), node.JournalCheckRequest{Unit: r.URL.Query().Get("unit"), Ref: entryRefOf(r)})
	if err != nil {
		return "", nil, err
	}
	return "entry", &page{Title: fmt.Sprintf("%s #%d", c.Name, c.Entry.Index), Here: "journal", Data: entryData{c, entryFileName(c.Ref)}}, nil
}

func entryFileName(ref string) string {
	return "entry-" + strings.ReplaceAll(brief(ref), "#", "-") + ".entente"
}

// entryFile sends an entry as a file that verifies by itself.
func (h *handler) entryFile(w http.ResponseWriter, r *http.Request) error {
	var b bytes.Buffer // at most what dossier allows of such a file, and as a rule some kB
	ref := entryRefOf(r)
	if err := h.node.ExportEntry(r.Context(), node.JournalFileRequest{Unit: r.URL.Query().Get("unit"), Ref: ref}, &b); err != nil {
		return err
	}
	attach(w, "application/octet-stream", fileName(entryFileName(ref)))
	_, _ = w.Write(b.Bytes()) // the reader is gone if this fails
	return nil
}

func (h *handler) fork(r *http.Request) (string, *page, error) {
	q := r.URL.Query()
	list, err := h.node.Proofs(r.Context(), node.ProofListRequest{Unit: q.Get("unit"), Origin: q.Get("origin")})
	if err != nil {
		return "", nil, err
	}
	return "fork", &page{Key: "ui.lies-title", Here: "journal", Data: list}, nil
}

// stepText says what a step of a check did.
func stepText(c *lang.Catalog, s node.CheckStep) string {
	return c.Text("check."+s.Code, "n", s.N, "size", s.Size, "name", s.Name, "hash", s.Hash)
}
