package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/node"
)

func init() {
	for _, pattern := range []string{"GET /admin/keys", "POST /identity/check", "POST /identity/rotate", "POST /exhibit/rekey", "GET /admin/backups", "GET /backup", "POST /doctor"} {
		rights[pattern] = node.ScopeAdmin
	}
}

func (story) Keys(context.Context) (*node.KeysResponse, error) {
	return &node.KeysResponse{Version: 2, Expires: noon.AddDate(0, 5, 0), OrgKeyFile: "/srv/entente/north/organisation.key", Commands: []string{"rm /srv/entente/north/organisation.key"}, Keys: []node.KeyView{
		{Kind: "organisation", ID: southID, At: noon.AddDate(-1, 0, 0)}, {Kind: "node", ID: northID, File: "/srv/entente/north/keys/node.key", At: noon.AddDate(0, -1, 0)},
		{Kind: "journal", ID: accordHash, Unit: "Joint Cyber Unit", File: "/srv/entente/north/units/journal-0.key"}, {Kind: "evidence", ID: "age1pq1x", File: "/srv/entente/north/keys/evidence.key", More: 1}, {Kind: "backup", ID: "age1pq1" + strings.Repeat("q", 1900)},
	}}, nil
}

func (story) RotateIdentity(_ context.Context, r node.IdentityRotateRequest) (*node.IdentityRotateResponse, error) {
	if !r.DryRun && r.OrgKey != "the organisation key" {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "This is not the organisation key of this party.", Next: "See the key id."}
	}
	return &node.IdentityRotateResponse{Version: 3, Changes: []string{r.What, "witness"}, Units: []string{"Joint Cyber Unit"}, DryRun: r.DryRun}, nil
}

func (story) RekeyExhibits(context.Context, node.ExhibitRekeyRequest, func(node.Progress)) (*node.ExhibitRekeyResponse, error) {
	return &node.ExhibitRekeyResponse{Keys: 2}, nil
}

func (story) BackupState(context.Context) (*node.BackupStateResponse, error) {
	return &node.BackupStateResponse{Ready: true, Last: noon.AddDate(0, 0, -2), By: "ada", Name: "north.backup"}, nil
}

func (story) Backup(_ context.Context, w io.Writer, _ func(node.Progress)) error {
	_, err := io.WriteString(w, "encrypted")
	return err
}

func (story) Examine(context.Context, func(node.Progress)) (*node.DoctorResponse, error) {
	return &node.DoctorResponse{Files: 1284, Entries: 1345, Findings: []node.DoctorFinding{{Rank: "risk", File: "organisation.key", What: "The organisation key lies in the folder.", Means: "Who breaks in can speak for it.", Next: "Move it.", Commands: []string{"mv a b"}}}}, nil
}

func (hostile) Keys(context.Context) (*node.KeysResponse, error) { return filled[node.KeysResponse]() }
func (hostile) RotateIdentity(context.Context, node.IdentityRotateRequest) (*node.IdentityRotateResponse, error) {
	return filled[node.IdentityRotateResponse]()
}
func (hostile) RekeyExhibits(context.Context, node.ExhibitRekeyRequest, func(node.Progress)) (*node.ExhibitRekeyResponse, error) {
	return filled[node.ExhibitRekeyResponse]()
}
func (hostile) BackupState(context.Context) (*node.BackupStateResponse, error) {
	return filled[node.BackupStateResponse]()
}
func (hostile) Backup(context.Context, io.Writer, func(node.Progress)) error { return nil }
func (hostile) Examine(context.Context, func(node.Progress)) (*node.DoctorResponse, error) {
	return filled[node.DoctorResponse]()
}

// TestKeyPages: a rotation is looked at before it asks for the organisation key, and never replaces that key itself.
func TestKeyPages(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/admin/keys")
	for _, want := range []string{"The organisation key lies on this machine", "rm /srv/entente/north/organisation.key", "certifies the keys of journals", "/srv/entente/north/keys/node.key", "and 1 before it"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, `action="/identity/rotate"`) {
		t.Error("a key is replaced without a look first")
	}
	resp, body := v.post(t, "/identity/check", url.Values{"what": {"tls"}, "compromise": {"true"}})
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "there is a new TLS key") || !strings.Contains(body, "unit Joint Cyber Unit is told") || !strings.Contains(body, `action="/identity/rotate"`) || !strings.Contains(body, `name="compromise" value="true"`) {
		t.Errorf("a look first: %d", resp.StatusCode)
	}
	form := url.Values{"what": {"tls"}}
	if resp, _ := v.send(t, "/identity/rotate", form, "organisation.key", "the organisation key"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("rotated: %d", resp.StatusCode)
	}
	if resp, body := v.send(t, "/identity/rotate", form, "other.key", "another key"); resp.StatusCode != http.StatusBadRequest || strings.Contains(body, "another key") {
		t.Errorf("another key: %d", resp.StatusCode)
	}
	if resp, _ := v.send(t, "/identity/rotate", form, "x", strings.Repeat("x", maxKeyFile+1)); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a file that is too large: %d", resp.StatusCode)
	}
	form.Set("what", "org")
	if resp, body := v.send(t, "/identity/rotate", form, "organisation.key", "the organisation key"); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "--new-org-key") {
		t.Errorf("the organisation key: %d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/exhibit/rekey", nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("rekeyed: %d", resp.StatusCode)
	}
}

// unwritable is a story whose backup fails, at once or after its first bytes.
type unwritable struct {
	story
	after string
}

func (u unwritable) Backup(_ context.Context, w io.Writer, _ func(node.Progress)) error {
	if u.after != "" {
		_, _ = io.WriteString(w, u.after)
	}
	return errors.New("the disk is gone")
}

// TestBackupPages: a backup comes whole or is cut so that the browser notices; what is wrong in the folder is named.
func TestBackupPages(t *testing.T) {
	v := signedIn(t, story{})
	if _, body := v.get(t, "/admin/backups"); !strings.Contains(body, "2 d ago") || !strings.Contains(body, `href="/backup"`) {
		t.Error("the page does not say when the last one was made")
	}
	if resp, body := v.get(t, "/backup"); resp.StatusCode != http.StatusOK || body != "encrypted" || resp.Header.Get("Content-Disposition") != "attachment; filename=north.backup" {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
	if resp, body := v.post(t, "/doctor", nil); resp.StatusCode != http.StatusOK || !strings.Contains(body, "The organisation key lies in the folder.") || !strings.Contains(body, "mv a b") || !strings.Contains(body, "Files: 1,284") {
		t.Errorf("%d", resp.StatusCode)
	}
	if resp, _ := signedIn(t, unwritable{}).get(t, "/backup"); resp.StatusCode != http.StatusInternalServerError || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("one that fails at once: %d, %v", resp.StatusCode, resp.Header)
	}
	defer func() {
		if r := recover(); r != http.ErrAbortHandler { //nolint:errorlint // the very value
			t.Errorf("one that fails later ends with %v", r)
		}
	}()
	signedIn(t, unwritable{after: "a part"}).get(t, "/backup")
}

// TestBackupOfANode: the page knows of the backup that it made.
func TestBackupOfANode(t *testing.T) {
	d, dir, secret := newFirst(t)
	v := &visitor{h: d.h}
	resp, _ := v.get(t, "/?token="+secret)
	v.keep(resp)
	if _, body := v.get(t, "/admin/backups"); !strings.Contains(body, "The audit log knows of none.") {
		t.Error("a new node knows of a backup")
	}
	resp = v.do(newGet("/backup"))
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.HasPrefix(text, []byte("age-encryption.org/v1")) {
		t.Fatalf("%d, %v, %.30q", resp.StatusCode, err, text)
	}
	if _, err := node.Restore(t.Context(), filepath.Join(t.TempDir(), "new"), bytes.NewReader(text), node.RestoreOptions{OrgKey: filepath.Join(dir, "organisation.key")}); err != nil {
		t.Errorf("it cannot be restored: %v", err)
	}
	d.now = d.now.AddDate(0, 0, 3)
	v = &visitor{h: d.h}
	resp, _ = v.get(t, "/?token="+secret)
	v.keep(resp)
	if _, body := v.get(t, "/admin/backups"); !strings.Contains(body, "3 d ago") || !strings.Contains(body, "init") {
		t.Error("the page does not know of the backup")
	}
	if resp, body := v.post(t, "/doctor", nil); resp.StatusCode != http.StatusOK || !strings.Contains(body, "The organisation key lies in the folder.") {
		t.Errorf("%d", resp.StatusCode)
	}
}
