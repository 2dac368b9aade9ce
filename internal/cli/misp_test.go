package cli

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// mispPeer is a MISP feed of somebody else's.
type mispPeer struct {
	mu    sync.Mutex
	files map[string]string
	asked []string
	serve func(w http.ResponseWriter, r *http.Request, name string) bool // answers in another way
}

func (p *mispPeer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/feed/")
	p.asked = append(p.asked, name)
	if p.serve != nil && p.serve(w, r, name) {
		return
	}
	text, ok := p.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, text)
}

func mispUUID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// put lays events into the feed, each with one domain.
func (p *mispPeer) put(stamp int, events ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	manifest := map[string]any{}
	if text := p.files["manifest.json"]; text != "" {
		_ = json.Unmarshal([]byte(text), &manifest)
	}
	if p.files == nil {
		p.files = map[string]string{}
	}
	for _, n := range events {
		text := fmt.Sprintf(`{"Event":{"uuid":%q,"info":"event %d","date":"2026-01-01","timestamp":"%d","analysis":"2","threat_level_id":"2","Orgc":{"name":"O","uuid":%q},`+
			`"Attribute":[{"uuid":%q,"type":"domain","category":"Network activity","value":"n%d.example","to_ids":true,"timestamp":"%d"}]}}`,
			mispUUID(n), n, stamp, mispUUID(0xffff), mispUUID(n+0x1000), n, stamp)
		p.files[mispUUID(n)+".json"] = text
		manifest[mispUUID(n)] = map[string]any{"info": "event", "timestamp": fmt.Sprint(stamp), "integrity:sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(text)))}
	}
	text, _ := json.Marshal(manifest)
	p.files["manifest.json"] = string(text)
}

func (p *mispPeer) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.asked)
	p.asked = nil
	return n
}

// newNode makes the folder of a node that commands work on without a server.
func newMISPNode(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "node")
	if code, _, told := entente(t, "--dir", dir, "init", "--name", "North", "--org-key", filepath.Join(t.TempDir(), "org.key")); code != exitOK {
		t.Fatal(told)
	}
	return dir
}

func mispPull(t *testing.T, dir string, args ...string) (code int, r mispPulled, told string) {
	t.Helper()
	code, out, told := entente(t, append([]string{"--dir", dir, "--json", "misp", "pull"}, args...)...)
	if out != "" {
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(out, err)
		}
	}
	return code, r, told
}

// A pull takes in what is new or has changed, and goes on where one broke off.
func TestMISPPullGoesOn(t *testing.T) {
	p := &mispPeer{}
	p.put(1_700_000_000, 1, 2, 3)
	server := httptest.NewServer(p)
	defer server.Close()
	dir, state := newMISPNode(t), filepath.Join(t.TempDir(), "state")
	url := server.URL + "/feed"

	code, r, told := mispPull(t, dir, url, "--state", state, "--dry-run")
	if _, err := os.Stat(state); code != exitOK || r.Pulled != 3 || r.Import.New == 0 || err == nil {
		t.Fatal(code, r, told)
	}
	code, r, told = mispPull(t, dir, url+"/manifest.json", "--state", state, "--max-events", "2")
	if code != exitOK || r.Pulled != 2 || !r.More {
		t.Fatal(code, r, told)
	}
	p.serve = func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name != "manifest.json" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		return name != "manifest.json"
	}
	if code, r, told = mispPull(t, dir, url, "--state", state); code != exitFailed || !r.More || r.Same != 2 || !strings.Contains(told, "500") {
		t.Fatal(code, r, told)
	}
	p.serve = nil
	p.count()
	if code, r, told = mispPull(t, dir, url, "--state", state); code != exitOK || r.Pulled != 1 || r.Same != 2 || r.More || p.count() != 2 {
		t.Fatal(code, r, told)
	}
	if code, r, told = mispPull(t, dir, url, "--state", state); code != exitOK || r.Pulled != 0 || r.Same != 3 || p.count() != 1 {
		t.Fatal(code, r, told)
	}
	p.put(1_700_000_100, 2)
	if code, r, told = mispPull(t, dir, url, "--state", state); code != exitOK || r.Pulled != 1 || r.Import.New == 0 {
		t.Fatal(code, r, told)
	}
	if code, out, told := entente(t, "--dir", dir, "search", "n2.example", "--json"); code != exitOK || !strings.Contains(out, "misp:127.0.0.1") {
		t.Fatal(code, out, told)
	}
	if code, _, told := mispPull(t, dir, server.URL+"/other", "--state", state); code == exitOK || !strings.Contains(told, "of the feed") {
		t.Fatal(code, told)
	}
}

// What a hostile feed does harms nothing but what it says itself: the good events of the same feed come in.
func TestMISPPullFromHostileFeed(t *testing.T) {
	p := &mispPeer{}
	p.put(1_700_000_000, 1, 2, 3, 4, 5, 6)
	p.files[mispUUID(2)+".json"] += " "                         // another hash
	p.files[mispUUID(3)+".json"] = strings.Repeat("[", 100_000) // and no event
	delete(p.files, mispUUID(4)+".json")                        // not there
	p.files["manifest.json"] = strings.Replace(p.files["manifest.json"], "{", `{"../../etc/passwd":{"timestamp":"1"},"`+mispUUID(7)+`":{"timestamp":"soon"},`, 1)
	swapped := strings.ReplaceAll(p.files[mispUUID(1)+".json"], "n1.example", "n8.example") // names another event
	p.files[mispUUID(5)+".json"] = swapped
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	p.serve = func(w http.ResponseWriter, r *http.Request, name string) bool {
		if r.Header.Get("Authorization") != "key" {
			http.Error(w, "who?", http.StatusForbidden)
			return true
		}
		return false
	}
	server := httptest.NewServer(p)
	defer server.Close()
	dir, headers := newMISPNode(t), filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("Authorization: key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := server.URL + "/feed/"
	if code, _, told := mispPull(t, dir, url); code != exitFailed || !strings.Contains(told, "--headers") {
		t.Fatal(code, told)
	}
	code, r, told := mispPull(t, dir, url, "--headers", headers)
	if code != exitOK || r.Pulled != 2 || r.BadCount != 6 || r.Import.New == 0 {
		t.Fatal(code, r, told)
	}
	for _, name := range p.asked {
		if strings.Contains(name, "passwd") {
			t.Error(name)
		}
	}
	if code, out, _ := entente(t, "--dir", dir, "search", "n8.example", "--json"); code != exitOK || strings.Contains(out, "indicator--") {
		t.Error("an event came in under the name of another")
	}

	for name, serve := range map[string]func(w http.ResponseWriter, r *http.Request){
		"points elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"circles":          func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"a page":           func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"half": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a`)
		},
		"a bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "{")
			spaces := strings.Repeat(" ", 1<<20)
			for range maxMISPManifest>>20 + 1 {
				_, _ = io.WriteString(z, spaces)
			}
			_ = z.Close()
		},
	} {
		p.serve = func(w http.ResponseWriter, r *http.Request, _ string) bool { serve(w, r); return true }
		if code, _, told := mispPull(t, dir, url, "--headers", headers); code != exitFailed || !strings.Contains(told, `"code":"remote"`) {
			t.Errorf("%s: %d %s", name, code, told)
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("the headers went elsewhere: %q", elsewhere)
	}
	for _, args := range [][]string{{"ftp://x.example/"}, {"http://u:p@x.example/"}, {url, "--max-events", "-1"}, {"http://misp.example/feed", "--headers", headers}} {
		if code, _, told := mispPull(t, dir, args...); code == exitOK {
			t.Errorf("%v: %s", args, told)
		}
	}
}
