package web

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"entente/internal/node"
)

func (story) exhibitView() node.ExhibitView {
	return node.ExhibitView{ID: "entente/" + southID + "#30", Unit: unitID, From: "South", About: "entente/" + southID + "#17", State: "complete", Title: "Logs of the registry", TLP: "amber", Files: 1, Bytes: 11, Chunk: 8 << 20, Chunks: 1, Here: 1, Added: noon, Seal: accordHash,
		List: []node.ExhibitFile{{Path: "logs/auth \u202egol.txt", Bytes: 11, SHA256: accordHash, Type: "text/html"}}, Holders: []node.ExhibitHolder{{Party: "South", Position: "holds", Since: noon}},
		Steps: []node.ExhibitStepView{{Ref: "entente/" + southID + "#30", Move: "add", Party: "South", At: noon}}}
}

func (s story) Exhibits(context.Context, node.ExhibitListRequest) (*node.ExhibitListResponse, error) {
	return &node.ExhibitListResponse{Exhibits: []node.ExhibitView{s.exhibitView()}}, nil
}

func (s story) Exhibit(context.Context, node.ExhibitIDRequest) (*node.ExhibitView, error) {
	x := s.exhibitView()
	return &x, nil
}

func (story) VerifyExhibit(_ context.Context, r node.ExhibitIDRequest, _ func(node.Progress)) (*node.ExhibitVerifyResponse, error) {
	return &node.ExhibitVerifyResponse{OK: r.ID == "x", Errors: []string{"chunk 1 has another hash"}}, nil
}

func (story) GetExhibit(_ context.Context, _ node.ExhibitGetRequest, w io.Writer) error {
	_, err := io.WriteString(w, "<b>logs</b>")
	return err
}

func (s story) AttachFile(_ context.Context, r node.ExhibitAttachRequest, body io.Reader, _ func(node.Progress)) (*node.ExhibitAddResponse, error) {
	x := s.exhibitView()
	text, err := io.ReadAll(body)
	x.ID = r.Name + ":" + r.About + ":" + string(text)
	return &node.ExhibitAddResponse{WriteResponse: node.WriteResponse{Unit: unitID}, Exhibit: &x}, err
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
func (hostile) AttachFile(context.Context, node.ExhibitAttachRequest, io.Reader, func(node.Progress)) (*node.ExhibitAddResponse, error) {
	return filled[node.ExhibitAddResponse]()
}

// TestEvidence: a file goes up as it comes, comes down as something to keep, and is verified in the page.
func TestEvidence(t *testing.T) {
	v := signedIn(t, story{})
	if _, body := v.get(t, "/request?id=x"); !strings.Contains(body, "Logs of the registry") || !strings.Contains(body, `enctype="multipart/form-data"`) {
		t.Error("the request does not show its evidence")
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	_ = form.WriteField("about", "x")
	file, _ := form.CreateFormFile("file", "a.bin")
	_, _ = file.Write([]byte("content"))
	_ = form.Close()
	r := httptest.NewRequest(http.MethodPost, "/request/evidence?id=x", &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	if resp := v.do(r); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), url.QueryEscape("a.bin:x:content")) {
		t.Errorf("up: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
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
