package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"entente/internal/node"
)

// dossierAddresses are the pages about dossiers.
var dossierAddresses = []string{"/dossiers", "/dossiers?unit=" + unitID + "&case=" + url.QueryEscape(caseID)}

func (story) ExportDossier(_ context.Context, r node.DossierExportRequest, w io.Writer) error {
	if r.Request == "none" {
		return &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such request.", Next: "List them."}
	}
	return json.NewEncoder(w).Encode(r)
}

func (story) PreviewDossier(_ context.Context, r node.DossierExportRequest) (*node.DossierReport, error) {
	if r.Request == "none" {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such request.", Next: "List them."}
	}
	out := new(node.DossierReport)
	return out, json.Unmarshal([]byte(`{"ok":true,"purpose":"case 3f9a12c0-70 in unit Joint Cyber Unit","note":"`+r.Note+`","counts":{"journals":2,"entries":1345,"payloads":40,"bytes":81234},"payloads":{"named":52,"included":40,"objects":7},
"parties":[{"party":"`+northID+`","name":"North"}],"words":[{"ref":{"origin":"entente/`+northID+`","index":70},"title":"Register broken into","text":"What belongs to the break-in."}]}`), out)
}

func (hostile) ExportDossier(_ context.Context, _ node.DossierExportRequest, w io.Writer) error {
	_, err := io.WriteString(w, poison)
	return err
}

func (hostile) PreviewDossier(context.Context, node.DossierExportRequest) (*node.DossierReport, error) {
	return filled[node.DossierReport]()
}

// TestDossierPage: what would be in a dossier is shown before it is fetched, with the address of exactly that one.
func TestDossierPage(t *testing.T) {
	v := signedIn(t, story{})
	if _, body := v.get(t, dossierAddresses[1]); !strings.Contains(body, `value="`+caseID+`" selected`) || !strings.Contains(body, `name="payloads" value="true" checked`) {
		t.Error("the case that was asked for is not chosen")
	}
	form := url.Values{"unit": {unitID}, "request": {""}, "case": {caseID}, "from": {"2026-01-01"}, "to": {""}, "payloads": {"true"}, "page": {"true"}, "note": {"For the court"}}
	resp, body := v.post(t, "/dossier/preview", form)
	for _, want := range []string{"1,345", "40 / 52", "81,234", "Register broken into", "For the court", "/dossier/file?case=" + url.QueryEscape(caseID) + "&from=2026-01-01&note=For+the+court&page=true&payloads=true&unit=" + unitID} {
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, and the page does not say %q", resp.StatusCode, want)
		}
	}
	if strings.Contains(body, `name="evidence" value="true" checked`) || !strings.Contains(body, `name="page" value="true" checked`) {
		t.Error("what was ticked is not ticked again")
	}
	resp, body = v.get(t, "/dossier/file?case=x&from=2026-01-01&payloads=true&unit="+unitID)
	if !strings.Contains(body, `"payloads":true`) || !strings.Contains(body, `"from":"2026-01-01T00:00:00Z"`) || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q, %v", body, resp.Header)
	}
	if resp, _ := v.get(t, "/dossier/file?request=none"); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("what is not here: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := v.get(t, "/dossier/file?colour=red"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a field that is not one: %d", resp.StatusCode)
	}
	form.Set("request", "none")
	if resp, body := v.post(t, "/dossier/preview", form); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "For the court") {
		t.Errorf("of what is not here: %d", resp.StatusCode)
	}
	h := signedIn(t, hostile{})
	_, raw := h.postRaw(t, "/dossier/preview", form)
	checkMarkup(t, "a preview", raw)
	if !strings.Contains(raw, "&lt;script&gt;") {
		t.Error("the preview shows nothing of the poison")
	}
}

// TestVerifyingAFile: real files are verified as the command line does, and one changed byte is told.
func TestVerifyingAFile(t *testing.T) {
	v := signedIn(t, story{})
	read := func(name string) string {
		b, err := os.ReadFile("../dossier/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	whole, statement, entry := read("v1.entente"), read("statement-v1.entente"), read("entry-v1.entente")
	changed := []byte(whole)
	changed[len(changed)/2] ^= 1
	for name, x := range map[string]struct {
		file, want string
		form       url.Values
	}{
		"dossier.entente":   {whole, "Every byte of dossier.entente holds.", nil},
		"statement.entente": {statement, "Every byte of statement.entente holds.", nil},
		"entry.entente":     {entry, "Every byte of entry.entente holds.", nil},
		"changed.entente":   {string(changed), "changed.entente does not verify.", nil},
		"holiday.jpg":       {"\xff\xd8\xff", "holiday.jpg does not verify.", nil},
		"strangers.entente": {whole, "strangers.entente does not verify.", url.Values{"trust": {southID}}},
	} {
		resp, body := v.send(t, "/dossier/verify?lang=en", x.form, name, x.file)
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, x.want) {
			t.Errorf("%s: %d, and the page does not say %q", name, resp.StatusCode, x.want)
		}
		if strings.HasPrefix(x.want, "Every") && !strings.Contains(body, `class="card verdicttext"`) {
			t.Errorf("%s: the page does not say what it shows", name)
		}
	}
	if resp, _ := v.send(t, "/dossier/verify", url.Values{"trust": {"nobody"}}, "d.entente", whole); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a party that is none: %d", resp.StatusCode)
	}
	_, body := v.send(t, "/dossier/verify", nil, poison, "x")
	if strings.Contains(body, "\u202e") {
		t.Error("the name of a file turns the direction of writing")
	}
}
