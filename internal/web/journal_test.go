package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entente/internal/lang"
	"entente/internal/node"
)

const (
	ownEntry   = "entente/" + northID + "#40"
	theirEntry = "entente/" + southID + "#19"
)

// journalAddresses are the pages about journals.
var journalAddresses = []string{
	"/journal", "/journal?unit=" + unitID + "&kind=request.*&author=" + northID + "&from=2026-03-01&to=2026-03-09&about=" + url.QueryEscape(ownEntry) + "&next=x", "/entry?unit=" + unitID + "&ref=" + url.QueryEscape(ownEntry),
	"/entry?unit=" + unitID + "&origin=" + url.QueryEscape("entente/"+northID) + "&index=3", "/entry?ref=broken", "/fork?unit=" + unitID,
}

func sideEntry(self bool, index int64, kind string) node.SideEntry {
	e := node.SideEntry{Origin: "entente/" + southID, Index: index, Name: "South", Self: self, Kind: kind, At: noon.Add(time.Duration(index-60) * time.Minute), By: node.Claim{Agency: "cert", Role: "duty-officer"}, Final: index < 40, Receipts: []node.SideReceipt{}}
	if self {
		e.Origin, e.Name = "entente/"+northID, "North"
	}
	e.Ref = fmt.Sprintf("%s#%d", e.Origin, index)
	if kind != "receipt" && index < 41 {
		e.Receipts = append(e.Receipts, node.SideReceipt{Name: map[bool]string{true: "South", false: "North"}[self], Ref: theirEntry, At: noon, Missing: index == 39})
	}
	return e
}

func (s story) JournalSides(_ context.Context, r node.JournalSidesRequest) (*node.JournalSidesResponse, error) {
	if r.Kind == "none" {
		return &node.JournalSidesResponse{Unit: unitID, Name: "Joint Cyber Unit", Looked: 5000, Next: "x"}, nil
	}
	share, held := sideEntry(true, 39, "share"), sideEntry(false, 20, "request.answer")
	share.Payload, share.Decision = "held", &node.Decision{Verdict: "allow", Clause: "H1"}
	held.Payload, held.Decision = "missing", &node.Decision{Verdict: "hold", Clause: "suspension", Code: "suspended"}
	gone, odd := sideEntry(true, 38, "exhibit.chunk"), sideEntry(false, 18, "x.unheard-of")
	gone.Payload, odd.Void = "destroyed", "bad-body"
	return &node.JournalSidesResponse{Unit: unitID, Name: "Joint Cyber Unit", Kinds: []string{"-receipt", "request.*", "share", "accord.*", "receipt"}, Next: "a:1,b:2", Lies: 1,
		Journals: []node.SideJournal{{Origin: "entente/" + northID, Party: northID, Name: "North", Self: true, Size: 1284, Final: 1200}, {Origin: "entente/" + southID, Party: southID, Name: "South", Size: 61, Final: 40, Fault: "fork"}},
		Rows:     []node.SideRow{{Entries: []node.SideEntry{sideEntry(true, 41, "receipt")}}, {Entries: []node.SideEntry{sideEntry(true, 40, "request.needs-info"), held}}, {Entries: []node.SideEntry{share}}, {Entries: []node.SideEntry{sideEntry(false, 19, "request.info")}}, {Entries: []node.SideEntry{gone, odd}}}}, nil
}

func (story) CheckEntry(_ context.Context, r node.JournalCheckRequest) (*node.JournalCheckResponse, error) {
	if strings.HasSuffix(r.Ref, "#99999") {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "The journal of North has no entry 99999."}
	}
	res := &node.JournalCheckResponse{Unit: unitID, Name: "North", Party: northID, Self: true, Ref: ownEntry, Origin: "entente/" + northID, Size: 1284, Kind: "request.needs-info", At: noon, By: node.Claim{Agency: "cert", Role: "duty-officer"}, Release: []node.Claim{{Agency: "cert", Role: "release-officer"}},
		Entry: node.JournalEntry{Index: 40, Payload: "held", Decision: &node.Decision{Verdict: "allow", Clause: "R1", Code: "ok"}}, Raw: []byte(`{"v":1,"kind":"request.needs-info","index":40}`), Thread: "entente/" + southID + "#17", Family: "request",
		Proof: "c2sp.org/tlog-proof@v1\nindex 40\nq2h0kEZ…\n", Keys: []string{"entente/3f9a12+c0ffee12+AXj…"}, Whole: true}
	step := func(s node.CheckStep) { res.Steps = append(res.Steps, s) }
	hash := "q2h0kEZb1d5l3t8mZrmVQ3n0p3TqWv0a8m1cBZ6kq5U="
	for _, code := range []string{node.StepBytes, node.StepPlace, node.StepPath, node.StepEd25519, node.StepMLDSA44, node.StepCertificate, node.StepSelf} {
		step(node.CheckStep{Code: code, State: "good", Name: "North", N: 11, Size: 1284, Hash: hash})
	}
	step(node.CheckStep{Code: node.StepReceipt, State: "good", Name: "South", Size: 61, Ref: theirEntry, At: noon, Hash: hash})
	step(node.CheckStep{Code: node.StepReceiptPath, State: "good", Name: "South", N: 6, Hash: hash})
	step(node.CheckStep{Code: node.StepWithheld, State: "wait", Name: "South", Decision: &node.Decision{Verdict: "hold", Clause: "suspension", Code: "suspended"}})
	step(node.CheckStep{Code: node.StepWitnessNone, State: "wait"})
	if r.Ref == "broken" {
		res.Whole, res.Thread, res.Family = false, theirEntry, "case"
		step(node.CheckStep{Code: node.StepHeld, State: "bad", N: 12, Hash: hash, Why: "the payload is not the one that the entry commits to"})
	}
	return res, nil
}

func (story) ExportEntry(_ context.Context, r node.JournalFileRequest, w io.Writer) error {
	if r.Ref == "#" {
		return &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such entry."}
	}
	_, err := io.WriteString(w, "entente/entry/v1\n{}\n")
	return err
}

func (story) Proofs(context.Context, node.ProofListRequest) (*node.ProofListResponse, error) {
	head := func(size int64, root string, held bool) node.ProofHead {
		return node.ProofHead{Size: size, Root: root, Checkpoint: "entente/" + southID + "\n" + fmt.Sprint(size) + "\n" + root + "\n", Held: held, At: "rootat" + root}
	}
	return &node.ProofListResponse{Unit: unitID, Name: "Joint Cyber Unit", More: 2, Proofs: []node.ProofView{
		{Code: "fork", Origin: "entente/" + southID, Party: southID, Name: "South", At: noon, Holds: true, Upto: 61, Told: ownEntry, Text: "{}", Heads: []node.ProofHead{head(61, "AAAA", true), head(61, "BBBB", false)}},
		{Code: "rewritten", Origin: "entente/" + southID, Name: "South", At: noon, Why: "bad signature", Upto: 50, Text: "{}", Heads: []node.ProofHead{head(50, "CCCC", true), head(61, "DDDD", false)}},
		{Code: "bad-seen", Origin: "entente/" + southID, Name: "South", At: noon, Text: "{}"}}}, nil
}

func (hostile) JournalSides(context.Context, node.JournalSidesRequest) (*node.JournalSidesResponse, error) {
	r, err := filled[node.JournalSidesResponse]()
	r.Kinds = []string{"share"} // this program's own
	return r, err
}
func (hostile) CheckEntry(context.Context, node.JournalCheckRequest) (*node.JournalCheckResponse, error) {
	return filled[node.JournalCheckResponse]()
}
func (hostile) ExportEntry(context.Context, node.JournalFileRequest, io.Writer) error { return nil }
func (hostile) Proofs(context.Context, node.ProofListRequest) (*node.ProofListResponse, error) {
	return filled[node.ProofListResponse]()
}

// TestJournalPages: both sides, what each entry is in words, what was verified, and what a fork looks like.
func TestJournalPages(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string][]string{
		"/journal":             {"North: 1,284 entries, 1,200 of them final", "request: ask for more information", "content withheld", "held · suspension", "receipted by South, without the content", "Older entries", "x.unheard-of", "evidence: write a part", "content destroyed", "/fork?", "of no effect|Without effect"},
		journalAddresses[1]:    {"only what belongs to the request", "All entries", "Newest entries", `value="2026-03-01"`},
		"/journal?kind=none":   {"No entry here", "Entries looked at for this page: 5000", "Older entries"},
		"/journal?from=never":  {"is no day"},
		journalAddresses[2]:    {"Everything that could be checked", "What has not come yet is marked.", "Ed25519", "ML-DSA-44", "South receipted the first entries (entries: 61)", "The accord keeps the content from South", "entente verify entry-3f9a12c07be1-40.entente", "/request?", "about=", "release-officer", "tlog-proof", "Entry before"},
		journalAddresses[4]:    {"does NOT hold. Do not rely on it.", "DOES NOT HOLD", "the payload is not the one that the entry commits to"},
		"/entry?ref=x%2399999": {"has no entry 99999"},
		"/fork":                {"South", "The history that is held here", "The other history", "AAAA", "BBBB", "For their beginning (61 entries)", "accuses nobody: bad signature", "rootatDDDD", "another form than two heads", "More are kept than shown: 2"},
		"/request?id=x":        {"about="},
	} {
		_, body := v.get(t, path)
		body = html.UnescapeString(body)
	words:
		for _, s := range want {
			for _, any := range strings.Split(s, "|") {
				if strings.Contains(body, any) {
					continue words
				}
			}
			t.Errorf("%s does not say %q", path, s)
		}
	}
}

// TestEntryIsTakenAlong: the file comes as something to keep, under a name of its own.
func TestEntryIsTakenAlong(t *testing.T) {
	v := signedIn(t, story{})
	resp, body := v.get(t, "/entry/file?unit="+unitID+"&ref="+url.QueryEscape(ownEntry))
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "entente/entry/v1\n") || resp.Header.Get("Content-Disposition") != "attachment; filename=entry-3f9a12c07be1-40.entente" {
		t.Errorf("%d, %q, %.20q", resp.StatusCode, resp.Header.Get("Content-Disposition"), body)
	}
	if resp, _ := v.get(t, "/entry/file"); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("an entry that is not: %d", resp.StatusCode)
	}
}

// TestEntryKinds: every kind and family that can be asked for has words, in every language; of a partner's own kind
// the name is shown.
func TestEntryKinds(t *testing.T) {
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		for _, kind := range []string{"genesis", "share", "request.*", "request.send", "hotline.call", "exhibit.add", "accord.sign", "accord.*", "unit.admit", "leak.report", "review.open", "commitment.make", "statement.sign", "contact.ping", "case.open"} {
			if got := node.EntryText(c, kind); got == kind || strings.Contains(got, "kind.") {
				t.Errorf("%s: %s is %q", tag, kind, got)
			}
		}
		for _, kind := range []string{"x.note", "request", "request.unheard-of", "", "accord.x"} {
			if got := node.EntryText(c, kind); kind != "request" && got != kind {
				t.Errorf("%s: %q became %q", tag, kind, got)
			}
		}
	}
}

// TestJournalWalk goes from a request to the proof of a step, back to what belongs to it, and to the two heads of a fork, in two
// languages; ENTENTE_SCREENSHOTS names a folder for pictures.
func TestJournalWalk(t *testing.T) {
	w := walk(t, story{})
	for _, tag := range []string{"en", "vi"} {
		w.open("/request?unit=" + unitID + "&id=x&lang=" + tag)
		w.click(`.talk .move a[href^="/entry"]`, ".proofs .clock.good")
		w.look("entry-" + tag)
		w.click(`dl.rows a[href^="/journal"]`, ".sides .siderow")
		w.look("journal-" + tag)
		w.click(`.sidehead a[href^="/fork"]`, ".columns .card")
		w.look("fork-" + tag)
	}
}
