package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entente/internal/node"
)

func (story) exhibitView() node.ExhibitView {
	return node.ExhibitView{ID: "entente/" + southID + "#30", Unit: unitID, From: "South", About: "entente/" + southID + "#17", State: "complete", Title: "Logs of the registry", TLP: "amber", Files: 1, Bytes: 11, Chunk: 8 << 20, Chunks: 1, Here: 1, Added: noon, Seal: accordHash,
		List: []node.ExhibitFile{{Path: "logs/auth \u202egol.txt", Bytes: 11, SHA256: accordHash, Type: "text/html"}}, Next: []string{"destroyed", "handed", "rejected"}, Holders: []node.ExhibitHolder{{Party: "South", Position: "holds", Since: noon}},
		Steps: []node.ExhibitStepView{{Ref: "entente/" + southID + "#30", Move: "add", Party: "South", At: noon, Seal: accordHash, Receipts: []node.ReceiptOfWhole{{Party: "North", At: noon.Add(time.Minute)}}},
			{Ref: "entente/" + northID + "#60", Move: "custody", Act: "received", Party: "North", By: node.Claim{Agency: "cert", Role: "head"}, At: noon.Add(2 * time.Minute), Seal: accordHash},
			{Ref: "entente/" + northID + "#61", Move: "custody", Act: "handed", Party: "North", By: node.Claim{Agency: "cert", Role: "head"}, To: node.Claim{Agency: "police", Role: "lab"}, At: noon.Add(3 * time.Minute), Seal: northID, Refused: "bad-seal"}}}
}

func (s story) Exhibits(context.Context, node.ExhibitListRequest) (*node.ExhibitListResponse, error) {
	return &node.ExhibitListResponse{Exhibits: []node.ExhibitView{s.exhibitView()}}, nil
}

func (s story) Exhibit(context.Context, node.ExhibitIDRequest) (*node.ExhibitView, error) {
	x := s.exhibitView()
	return &x, nil
}

// harmedStory is a node on whose disk evidence was changed.
type harmedStory struct{ story }

func (s harmedStory) Exhibit(context.Context, node.ExhibitIDRequest) (*node.ExhibitView, error) {
	x := s.exhibitView()
	x.Chunks, x.Missing, x.Damaged = 4, 2, 1
	return &x, nil
}

// TestHarmedEvidence: the page says what is missing and what was changed, and offers nothing that is not whole.
func TestHarmedEvidence(t *testing.T) {
	_, body := signedIn(t, harmedStory{}).get(t, "/exhibit?id=x")
	for _, want := range []string{"1 / 4", "2 chunks are not here", "1 chunk was changed on this disk", "entente sync"} {
		if !strings.Contains(body, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(body, "/exhibit/content") {
		t.Error("what is not whole is offered")
	}
}

func (story) VerifyExhibit(_ context.Context, r node.ExhibitIDRequest, _ func(node.Progress)) (*node.ExhibitVerifyResponse, error) {
	return &node.ExhibitVerifyResponse{OK: r.ID == "x", Errors: []string{"chunk 1 has another hash"}}, nil
}

func (story) ExhibitCustody(_ context.Context, r node.ExhibitCustodyRequest, _ func(node.Progress)) (*node.WriteResponse, error) {
	if r.Act == "handed" && r.To != (node.Claim{Agency: "police", Role: "lab"}) {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The statement is not complete."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Decision: &node.Decision{Verdict: "allow", Clause: "H1", Code: "ok"}}, nil
}

func (hostile) ExhibitCustody(context.Context, node.ExhibitCustodyRequest, func(node.Progress)) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

func (story) GetExhibit(_ context.Context, _ node.ExhibitGetRequest, w io.Writer) error {
	_, err := io.WriteString(w, "<b>logs</b>")
	return err
}

func (s story) AttachFiles(_ context.Context, r node.ExhibitAttachRequest, next func() (string, io.Reader, error), _ func(node.Progress)) (*node.ExhibitAddResponse, error) {
	x := s.exhibitView()
	x.ID = r.About
	for {
		name, body, err := next()
		if errors.Is(err, io.EOF) {
			return &node.ExhibitAddResponse{WriteResponse: node.WriteResponse{Unit: unitID}, Exhibit: &x}, nil
		} else if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		x.ID += ":" + name + "=" + string(text)
	}
}

func (hostile) Exhibits(context.Context, node.ExhibitListRequest) (*node.ExhibitListResponse, error) {
	return filled[node.ExhibitListResponse]()
}

func (hostile) Exhibit(context.Context, node.ExhibitIDRequest) (*node.ExhibitView, error) {
	return filled[node.ExhibitView]()
}

func (hostile) VerifyExhibit(context.Context, node.ExhibitIDRequest, func(node.Progress)) (*node.ExhibitVerifyResponse, error) {
	return filled[node.ExhibitVerifyResponse]()
}
func (hostile) GetExhibit(context.Context, node.ExhibitGetRequest, io.Writer) error { return nil }
func (hostile) AttachFiles(context.Context, node.ExhibitAttachRequest, func() (string, io.Reader, error), func(node.Progress)) (*node.ExhibitAddResponse, error) {
	return filled[node.ExhibitAddResponse]()
}

// TestEvidence: a file goes up as it comes, comes down as something to keep, and is verified in the page.
func TestEvidence(t *testing.T) {
	v := signedIn(t, story{})
	if _, body := v.get(t, "/request?id=x"); !strings.Contains(body, "Logs of the registry") || !strings.Contains(body, `enctype="multipart/form-data"`) {
		t.Error("the request does not show its evidence")
	}
	send := func(after string, names ...string) *http.Response {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		_ = form.WriteField("about", "x")
		for _, name := range names {
			file, _ := form.CreateFormFile("file", name)
			_, _ = file.Write([]byte("content of " + name))
		}
		if after != "" {
			_ = form.WriteField(after, "y")
		}
		_ = form.Close()
		r := httptest.NewRequest(http.MethodPost, "/request/evidence?id=x", &b)
		r.Header.Set("Content-Type", form.FormDataContentType())
		return v.do(r)
	}
	for names, want := range map[string]string{"a.bin": "x:a.bin=content of a.bin", "a.bin b.bin c.bin": "x:a.bin=content of a.bin:b.bin=content of b.bin:c.bin=content of c.bin"} {
		if resp := send("", strings.Fields(names)...); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), "id="+url.QueryEscape(want)) {
			t.Errorf("up: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	if resp := send("title", "a.bin"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("what was typed behind the file is lost without a word: %d", resp.StatusCode)
	}
	// The chain of custody has who, when, whose receipt, and the hash that each statement is about.
	_, page := v.get(t, "/exhibit?id=x")
	page = html.UnescapeString(page)
	at := 0
	for _, want := range []string{"holds it", "add the exhibit", "North receipted", "received", "North, cert, head", "2026-03-09 12:02:00", accordHash, "the hash of this exhibit", "handed on", "→ police", "another hash"} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Errorf("the chain of custody does not say %q where it should", want)
			continue
		}
		at += i
	}
	if !strings.Contains(page, `id="do-destroyed"`) || strings.Contains(page, `id="do-received"`) {
		t.Error("the page offers other statements than this side may make")
	}
	custody := url.Values{"unit": {unitID}, "id": {"x"}, "act": {"handed"}, "to.agency": {"police"}, "text": {"In a <sealed> bag."}}
	if resp, body := v.post(t, "/exhibit/custody", custody); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `id="do-handed" data-keep open`) || strings.Count(body, "In a <sealed> bag.") != 1 {
		t.Errorf("a statement that is not complete: %d", resp.StatusCode)
	}
	custody.Set("to.role", "lab")
	if resp, _ := v.post(t, "/exhibit/custody", custody); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/exhibit?") {
		t.Errorf("a statement: %d", resp.StatusCode)
	}
	custody.Set("dry_run", "true")
	if resp, body := v.post(t, "/exhibit/custody", custody); resp.StatusCode != http.StatusOK || !strings.Contains(body, "This is what it would do.") {
		t.Errorf("a dry run: %d", resp.StatusCode)
	}
	resp, body := v.get(t, "/exhibit/content?id=x")
	if kind, where := resp.Header.Get("Content-Type"), resp.Header.Get("Content-Disposition"); body != "<b>logs</b>" || kind != "application/octet-stream" || !strings.HasPrefix(where, "attachment;") || strings.Contains(where, "\u202e") || strings.Contains(where, "%E2%80%AE") {
		t.Errorf("down: %q %q %q", body, kind, where)
	}
	for id, want := range map[string]string{"x": "All of it is here", "y": "chunk 1 has another hash"} {
		if _, body := v.post(t, "/exhibit/verify", url.Values{"id": {id}}); !strings.Contains(body, want) {
			t.Errorf("verifying %s does not say %q", id, want)
		}
	}
}

// TestFilesComeLast: a form that ends with a file has nothing behind it: what is typed is read before the file, which is never held.
func TestFilesComeLast(t *testing.T) {
	list, err := files.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	forms := 0
	for _, f := range list {
		text, err := files.ReadFile("pages/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range regexp.MustCompile(`(?s)<form [^>]*multipart/form-data.*?</form>`).FindAllString(string(text), -1) {
			forms++
			_, after, ok := strings.Cut(form, `type="file"`)
			if !ok {
				t.Errorf("%s: a form for a file has none: %.200s", f.Name(), form)
			}
			if m := regexp.MustCompile(`<(?:input|select|textarea)[^>]* name="[^"]*"|{{template "[^"]*"`).FindString(after); m != "" {
				t.Errorf("%s: behind the file comes %s", f.Name(), m)
			}
		}
	}
	if forms < 6 {
		t.Errorf("only %d forms for files were found", forms)
	}
}
