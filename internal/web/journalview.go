package web

import (
	"encoding/json"
	"fmt"
	"net/http"

	"entente/internal/node"
)

// pageEntries is how many entries a column of the journal page shows.
const pageEntries = 25

// journalData is the journals of a unit side by side.
type journalData struct {
	Units   []node.UnitBrief
	Unit    *node.UnitBrief
	Columns []column
}

// column is one journal, newest entry first.
type column struct {
	Member  node.MemberBrief
	Entries []entryView
	Size    int64
	Older   int64 // index below which older entries begin, for the next page
	More    bool
	Error   string
}

// entryView is an entry as the page shows it.
type entryView struct {
	node.JournalEntry
	Kind   string
	At     string
	Agency string
	Role   string
	Body   string
}

func view(e node.JournalEntry) entryView {
	v := entryView{JournalEntry: e, Kind: "(cannot be read)"}
	var head struct {
		Kind string `json:"kind"`
		At   string `json:"at"`
		By   struct {
			Agency string `json:"agency"`
			Role   string `json:"role"`
		} `json:"by"`
		Body json.RawMessage `json:"body"`
	}
	if json.Unmarshal(e.Entry, &head) == nil {
		v.Kind, v.At, v.Agency, v.Role, v.Body = head.Kind, head.At, head.By.Agency, head.By.Role, string(head.Body)
	}
	return v
}

func (h *handler) journal(r *http.Request) (string, *page, error) {
	status, err := h.node.Status(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := journalData{Units: status.Units}
	p := &page{Title: "Journals", Here: "journal"}
	for i, u := range status.Units {
		if u.Unit == r.FormValue("unit") || d.Unit == nil {
			d.Unit = &status.Units[i]
		}
		if u.Unit == r.FormValue("unit") {
			break
		}
	}
	if d.Unit != nil {
		for _, m := range d.Unit.Members {
			d.Columns = append(d.Columns, h.column(r, d.Unit.Unit, m))
		}
	}
	p.Data = d
	return "journal", p, nil
}

// column reads the page of one journal. One that cannot be read does not take
// the others away.
func (h *handler) column(r *http.Request, unit string, m node.MemberBrief) column {
	c := column{Member: m, Size: m.Size}
	// Each column is turned on its own: "before.PARTY" is the index it ends at.
	end := m.Size
	if before := formInt(r, "before."+m.Party); before > 0 && before < end {
		end = before
	}
	from := max(0, end-pageEntries)
	if end == 0 {
		return c
	}
	j, err := h.node.ShowJournal(r.Context(), node.JournalShowRequest{Unit: unit, Origin: m.Origin, From: from, Limit: int(end - from)})
	if err != nil {
		c.Error = err.Error()
		return c
	}
	for i := len(j.Entries) - 1; i >= 0; i-- {
		c.Entries = append(c.Entries, view(j.Entries[i]))
	}
	c.Older, c.More = from, from > 0
	return c
}

// entryData is one entry with what proves it.
type entryData struct {
	Journal   *node.JournalShowResponse
	Entry     entryView
	Proof     *node.JournalProveResponse
	ProofFail string
	Receipts  []receipted
}

// receipted tells whether a member has receipted an entry.
type receipted struct {
	Name string
	Upto int64
	Yes  bool
}

func (h *handler) entry(r *http.Request) (string, *page, error) {
	unit, origin, index := r.FormValue("unit"), r.FormValue("origin"), formInt(r, "index")
	j, err := h.node.ShowJournal(r.Context(), node.JournalShowRequest{Unit: unit, Origin: origin, From: index, Limit: 1})
	if err != nil {
		return "", nil, err
	}
	if len(j.Entries) == 0 || j.Entries[0].Index != index {
		return "", nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: fmt.Sprintf("The journal has no entry %d.", index), Why: fmt.Sprintf("This node holds %d entries of it.", j.Size)}
	}
	d := entryData{Journal: j, Entry: view(j.Entries[0])}
	if d.Proof, err = h.node.ProveEntry(r.Context(), node.JournalProveRequest{Unit: unit, Ref: fmt.Sprintf("%s#%d", j.Origin, index)}); err != nil {
		d.ProofFail = err.Error()
	}
	status, err := h.node.Status(r.Context())
	if err != nil {
		return "", nil, err
	}
	if j.Party == status.Party { // receipts are known for the own journal
		for _, u := range status.Units {
			for _, m := range u.Members {
				if u.Unit == j.Unit && !m.Self {
					d.Receipts = append(d.Receipts, receipted{m.Name, m.Receipted, m.Receipted > index})
				}
			}
		}
	}
	return "entry", &page{Title: fmt.Sprintf("Entry %d of %s", index, j.Name), Here: "journal", Data: d}, nil
}
