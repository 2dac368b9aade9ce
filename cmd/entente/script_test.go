package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/html"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"entente": main})
}

// TestScripts drives the whole program: one txtar file of testdata/script is
// one story told on the command line.
func TestScripts(t *testing.T) { run(t, "testdata/script") }

// TestStory drives two whole nodes over real connections.
func TestStory(t *testing.T) { run(t, "testdata/story") }

func run(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Skipf("SKIPPED %s: there are no scripts in %s", t.Name(), dir)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			// Quiet hours that hold now, and for long enough whatever the script takes.
			now := time.Now().UTC()
			e.Setenv("QUIET", now.Add(-time.Hour).Format("15:04")+"-"+now.Add(20*time.Hour).Format("15:04"))
			for _, name := range []string{"ENTENTE_DIR", "ENTENTE_AGENCY", "ENTENTE_ROLE"} {
				e.Setenv(name, "")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"get":        get,
			"eventually": eventually,
			"freeport":   freeport,
			"flip":       flip,
			"onejson":    oneJSON,
			"status":     status,
			"crawl":      crawl,
			"swap":       swap,
			"append":     appendTo,
			"samefields": samefields,
			"in":         in,
			"big":        big,
			"api":        callAPI,
			"samereview": sameReview,
			"page":       pageOf,

			"noise":       noise,
			"changechunk": changeChunk,
			"removechunk": removeChunk,
		},
	})
}

// get NAME PATH [FILE] puts a value of a JSON document (standard output, or a
// file) into an environment variable. A path is names and indexes with dots.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: get NAME PATH [FILE]")
	}
	source := "stdout"
	if len(args) == 3 {
		source = args[2]
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(source)), &v))
	for step := range strings.SplitSeq(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				ts.Fatalf("%s: there is no %q", args[1], step)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: there is no item %q among %d", args[1], step, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: %q is below a plain value", args[1], step)
		}
	}
	switch v.(type) {
	case map[string]any, []any:
		text, err := json.Marshal(v)
		ts.Check(err)
		ts.Setenv(args[0], string(text))
	default:
		ts.Setenv(args[0], fmt.Sprint(v))
	}
}

// patience is how long eventually waits.
const patience = 30 * time.Second

// eventually REGEXP COMMAND ARGS... runs a command until it succeeds and its
// standard output matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND ARGS...")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	for end := time.Now().Add(patience); ; {
		err := ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if err == nil && want.MatchString(out) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("after %v: %v\n%s\n%s", patience, err, out, ts.ReadFile("stderr"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// freeport NAME... puts ports that nothing listens on into variables.
func freeport(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: freeport NAME...")
	}
	for _, name := range args {
		port, err := nextPort()
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(port))
	}
}

// flip FILE OFFSET changes one bit of a file; a negative offset counts from
// its end, a percentage from its start.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	name := ts.MkAbs(args[0])
	text, err := os.ReadFile(name)
	ts.Check(err)
	at := 0
	if percent, ok := strings.CutSuffix(args[1], "%"); ok {
		n, err := strconv.Atoi(percent)
		ts.Check(err)
		at = len(text) * n / 100
	} else {
		at, err = strconv.Atoi(args[1])
		ts.Check(err)
		if at < 0 {
			at += len(text)
		}
	}
	text[at] ^= 1
	ts.Check(os.WriteFile(name, text, 0o600))
}

// onejson [FILE] checks that standard output (or standard error, or a file) is
// exactly one JSON document.
func oneJSON(ts *testscript.TestScript, neg bool, args []string) {
	source := "stdout"
	if len(args) == 1 {
		source = args[0]
	}
	if ok := json.Valid([]byte(ts.ReadFile(source))); ok == neg {
		ts.Fatalf("%s is one JSON document: %v\n%s", source, ok, ts.ReadFile(source))
	}
}

// status CODE COMMAND ARGS... runs a command that must exit with this code.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		if e, ok := err.(interface{ ExitCode() int }); ok {
			code = strconv.Itoa(e.ExitCode())
		} else {
			ts.Fatalf("%v", err)
		}
	}
	if code != args[0] {
		ts.Fatalf("it exited with %s, not %s\n%s%s", code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// crawl BASE TOKEN LEAST signs in to the pages of a running node and follows
// every link: each must lead to a page of the same host that is there, and
// there must be at least LEAST of them.
func crawl(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: crawl BASE TOKEN LEAST")
	}
	least, err := strconv.Atoi(args[2])
	ts.Check(err)
	base, err := url.Parse(args[0])
	ts.Check(err)
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	seen, next := map[string]bool{}, []string{"/?token=" + url.QueryEscape(args[1])}
	const most = 500
	for len(next) > 0 && len(seen) < most {
		at, err := base.Parse(next[0])
		ts.Check(err)
		next = next[1:]
		resp, err := client.Get(at.String())
		ts.Check(err)
		body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
		resp.Body.Close()
		ts.Check(err)
		if resp.StatusCode != http.StatusOK {
			ts.Fatalf("%s: %s\n%s", at, resp.Status, body)
		}
		if strings.Contains(resp.Request.URL.RawQuery, "token") {
			ts.Fatalf("the token stays in the address")
		}
		seen[at.RequestURI()] = true
		for _, link := range links(string(body)) {
			to, err := at.Parse(link)
			ts.Check(err)
			if to.Host != base.Host {
				ts.Fatalf("%s leads to another host: %s", at, to)
			}
			if uri := to.RequestURI(); !seen[uri] && !strings.HasSuffix(uri, ".css") {
				seen[uri] = true
				next = append(next, uri)
			}
		}
	}
	ts.Logf("%d pages", len(seen))
	if len(seen) < least {
		ts.Fatalf("only %d pages, want %d", len(seen), least)
	}
}

// swap FILE OLD NEW replaces what must stand in a file; \n is a new line.
func swap(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: swap FILE OLD NEW")
	}
	lines := strings.NewReplacer(`\n`, "\n")
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, lines.Replace(args[1])) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, lines.Replace(args[1]), lines.Replace(args[2]))), 0o600))
}

// append FILE TEXT adds a text to the end of a file; \n is a new line.
func appendTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE TEXT")
	}
	text := ts.ReadFile(args[0]) + strings.ReplaceAll(args[1], `\n`, "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// samefields NORTH SOUTH REQUEST writes what the nodes in north and south say of a request to two files, and wants all of it
// that does not depend on the side to be the same; what runs to the instant of a look is asked for anew.
func samefields(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: samefields FILE FILE REQUEST")
	}
	var texts [2]string
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		for i, dir := range []string{"north", "south"} {
			ts.Check(ts.Exec("entente", "--dir", dir, "request", "show", args[2], "--json"))
			var v map[string]any
			ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
			delete(v, "next")
			text, err := json.MarshalIndent(v, "", " ")
			ts.Check(err)
			texts[i] = string(text)
			ts.Check(os.WriteFile(ts.MkAbs(args[i]), text, 0o600))
		}
		if texts[0] == texts[1] {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the two sides differ:\n%s\n%s", texts[0], texts[1])
		}
	}
}

// samereview UNIT wants the same bytes from the nodes in north and south as their review of a unit, each from what it holds; what is
// still on its way is waited for.
func sameReview(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: samereview UNIT")
	}
	var texts [2]string
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		for i, dir := range []string{"north", "south"} {
			ts.Check(ts.Exec("entente", "--dir", dir, "review", "--unit", args[0], "--from", "2026-01-01", "--to", "2199-01-01", "--json"))
			texts[i] = ts.ReadFile("stdout")
		}
		if texts[0] == texts[1] && texts[0] != "" {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the two reviews differ:\n%s\n%s", texts[0], texts[1])
		}
	}
}

// in NAME DURATION puts an instant that lies ahead into a variable.
func in(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: in NAME DURATION")
	}
	d, err := time.ParseDuration(args[1])
	ts.Check(err)
	ts.Setenv(args[0], time.Now().Add(d).UTC().Format(time.RFC3339))
}

// big FILE BYTES writes a text of that length.
func big(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: big FILE BYTES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat("x", n)), 0o600))
}

// api STATUS BASE TOKEN CALL BODY makes a call of the API of a running node, as a program with a bearer token does; the answer, with
// this status, becomes standard output.
func callAPI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: api STATUS BASE TOKEN CALL BODY")
	}
	req, err := http.NewRequest(http.MethodPost, args[1]+"/api/v1/"+args[3], strings.NewReader(args[4]))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+args[2])
	client := &http.Client{Timeout: patience}
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("%s answers %s, not %s\n%s", args[3], resp.Status, args[0], body)
	}
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}

// page BASE TOKEN PATH signs in to the pages of a running node and makes one of them standard output.
func pageOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: page BASE TOKEN PATH")
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{Jar: jar, Timeout: patience}
	for _, path := range []string{"/?token=" + url.QueryEscape(args[1]), args[2]} {
		resp, err := client.Get(args[0] + path)
		ts.Check(err)
		body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
		resp.Body.Close()
		ts.Check(err)
		if resp.StatusCode != http.StatusOK {
			ts.Fatalf("%s: %s\n%s", path, resp.Status, body)
		}
		if path == args[2] {
			_, err = ts.Stdout().Write(body)
			ts.Check(err)
		}
	}
}

// noise FILE BYTES writes that many bytes that no compression makes fewer, the same ones each time.
func noise(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: noise FILE BYTES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := make([]byte, n)
	_, err = rand.NewChaCha8([32]byte{}).Read(text)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// chunkOf finds the chunk of evidence in the folder of a node that has one: the largest file among its payloads.
func chunkOf(ts *testscript.TestScript, dir string) string {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(dir), "units", "*", "payloads", "*", "*"))
	ts.Check(err)
	var name string
	var most int64
	for _, f := range files {
		info, err := os.Stat(f)
		ts.Check(err)
		if info.Size() > most {
			name, most = f, info.Size()
		}
	}
	if name == "" {
		ts.Fatalf("%s holds no payload", dir)
	}
	return name
}

// changechunk DIR changes one bit in the middle of the chunk of evidence in a node's folder.
func changeChunk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: changechunk DIR")
	}
	flip(ts, false, []string{chunkOf(ts, args[0]), "50%"})
}

// removechunk DIR removes the chunk of evidence from a node's folder.
func removeChunk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: removechunk DIR")
	}
	ts.Check(os.Remove(chunkOf(ts, args[0])))
}

// links are the addresses that a page leads to.
func links(page string) []string {
	var out []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			for _, a := range z.Token().Attr {
				if a.Key == "href" {
					out = append(out, a.Val)
				}
			}
		case html.TextToken, html.EndTagToken, html.CommentToken, html.DoctypeToken:
		}
	}
}
