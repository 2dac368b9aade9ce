package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/cli"
)

// entente runs the whole program in this process.
func entente(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, strings.NewReader(""), &out, &errs, func(string) string { return "" })
	return code, out.String(), errs.String()
}

// keepStory tells the demo once and leaves its folders.
func keepStory(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	code, out, errs := entente(t, append([]string{"demo", "--once", "--keep", dir}, args...)...)
	if code != 0 || !strings.Contains(out, "Every step held.") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	return dir
}

func TestDemoOnceLeavesFoldersThatHold(t *testing.T) {
	dir := keepStory(t)
	for _, name := range []string{"north", "south"} {
		if code, out, errs := entente(t, "journal", "verify", "--dir", filepath.Join(dir, name), "--json"); code != 0 {
			t.Errorf("journal verify of %s: exit %d\n%s%s", name, code, out, errs)
		}
		code, out, errs := entente(t, "status", "--dir", filepath.Join(dir, name), "--json")
		var st struct {
			Units []struct{ State string }
		}
		if err := json.Unmarshal([]byte(out), &st); code != 0 || err != nil || len(st.Units) != 3 || st.Units[0].State != "in-force" || st.Units[1].State != "withdrawn" || st.Units[2].State != "withdrawn" {
			t.Errorf("status of %s: exit %d %v\n%s%s", name, code, err, out, errs)
		}
	}
	for _, unit := range []string{"", "Election register", "Second unit"} {
		reports := []string{}
		for _, name := range []string{"north", "south"} {
			code, out, errs := entente(t, "review", "--dir", filepath.Join(dir, name), "--unit", unit, "--from", "2020-01-01", "--to", "2200-01-01", "--json")
			if code != 0 || !json.Valid([]byte(out)) || strings.Contains(out, `"types":[]`) != (unit == "Second unit") {
				t.Errorf("review at %s of %q: exit %d\n%s%s", name, unit, code, out, errs)
			}
			reports = append(reports, out)
		}
		if reports[0] != reports[1] {
			t.Errorf("the reviews of %q differ:\n%s\n%s", unit, reports[0], reports[1])
		}
	}
	for _, dossier := range []string{"dossier.entente", "register.entente", "statement.entente"} {
		if code, out, errs := entente(t, "verify", filepath.Join(dir, dossier)); code != 0 {
			t.Errorf("verify of %s: exit %d\n%s%s", dossier, code, out, errs)
		}
	}
}

// A byte changed anywhere in a kept journal or dossier is found, and the entry
// is named.
func TestOneByteAnywhere(t *testing.T) {
	dir := keepStory(t)
	r := rand.New(rand.NewPCG(1, 2))
	var files []string
	err := filepath.WalkDir(filepath.Join(dir, "north", "units"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (strings.Contains(p, "/journals/") || strings.Contains(p, "/payloads/")) {
			files = append(files, p)
		}
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	flip := func(file string, verify ...string) {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) == 0 {
			return
		}
		at := r.IntN(len(data))
		bad := bytes.Clone(data)
		bad[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := entente(t, verify...)
		if code == 0 {
			t.Errorf("byte %d of %s changed, and nothing was found", at, file)
		} else if !strings.Contains(out+errs, "entry") && !strings.Contains(out+errs, "entries") {
			t.Errorf("byte %d of %s: no entry is named:\n%s%s", at, file, out, errs)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		for range 3 {
			flip(f, "journal", "verify", "--dir", filepath.Join(dir, "north"))
		}
	}
	dossier := filepath.Join(dir, "dossier.entente")
	data, err := os.ReadFile(dossier)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		at := r.IntN(len(data))
		bad := bytes.Clone(data)
		bad[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(dossier, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := entente(t, "verify", dossier); code == 0 {
			t.Errorf("byte %d of the dossier changed, and it holds:\n%s%s", at, out, errs)
		}
	}
}

// TestDemoImportsRealBundles has one demo import and share every bundle beside the repository.
func TestDemoImportsRealBundles(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/stix/*")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: ../shared/data/stix is not beside the repository")
	}
	var args []string
	for _, f := range files {
		args = append(args, "--import", f)
	}
	keepStory(t, args...)
}

func TestDemoJSON(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out := &lineWriter{line: make(chan string, 1)}
	done := make(chan int, 1)
	go func() {
		done <- cli.Main(ctx, []string{"demo", "--json", "--keep", t.TempDir()}, strings.NewReader(""), out, os.Stderr, func(string) string { return "" })
	}()
	var d struct {
		Ready   bool
		Parties []struct {
			Name, Dir, Pages, API string
			SignedIn              string `json:"signed_in"`
			TAXII                 struct {
				Discovery   string
				APIRoot     string `json:"api_root"`
				Collections []struct{ ID, Alias, URL string }
			}
			Credentials map[string]string
		}
	}
	select {
	case line := <-out.line:
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	case code := <-done:
		t.Fatalf("the demo ended with %d", code)
	}
	if !d.Ready || len(d.Parties) != 2 || d.Parties[0].Name != "North" || len(d.Parties[1].TAXII.Collections) < 3 ||
		d.Parties[0].TAXII.APIRoot == "" || d.Parties[0].Credentials["api_token"] == "" {
		t.Errorf("%+v", d)
	}
	// One browser has both side by side, each in its own language.
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	person := &http.Client{Jar: jar, Timeout: time.Minute}
	for i := range 2 * len(d.Parties) {
		p := d.Parties[i%len(d.Parties)]
		at := p.SignedIn
		if i >= len(d.Parties) {
			at = p.Pages + "requests?state=all"
		}
		res, err := person.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"North": "en", "South": "vi"}[p.Name]
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Language") != want || res.Request.URL.Query().Has("token") || i >= len(d.Parties) && !strings.Contains(string(body), "198.51.100.7") {
			t.Errorf("%s: %s, in %s, at %s", p.Name, res.Status, res.Header.Get("Content-Language"), res.Request.URL.Path)
		}
	}
	empty := ""
	for _, c := range d.Parties[0].TAXII.Collections {
		if c.Alias == "scratch" {
			empty = c.URL
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, empty+"objects/", strings.NewReader(`{"objects":[{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-000000000001","created":"2024-01-01T00:00:00.123456Z","modified":"2024-01-01T00:00:00.123456Z","name":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(d.Parties[0].Credentials["taxii_user"], d.Parties[0].Credentials["taxii_password"])
	req.Header.Set("Content-Type", "application/taxii+json;version=2.1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("adding to scratch: %s", res.Status)
	}
	cancel()
	<-done
}

// lineWriter hands on the first line that is written.
type lineWriter struct {
	buf  bytes.Buffer
	line chan string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.buf.Write(p)
	if s := w.buf.String(); strings.HasSuffix(s, "\n") {
		select {
		case w.line <- s:
		default:
		}
	}
	return len(p), nil
}
