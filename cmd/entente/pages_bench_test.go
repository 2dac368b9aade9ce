package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/api"
	"entente/internal/node"
)

// benchSize is a number from the environment, so that a look at the code takes a minute and not ten.
func benchSize(b *testing.B, name string, otherwise int) int {
	b.Helper()
	if s := os.Getenv(name); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return otherwise
}

// ownProcess is the built program serving a folder, in a process of its own.
type ownProcess struct {
	Pages, API string
	PID        int
	token      string
	unit       string // with an accord in force
	end        func()
	*api.Client
}

// built is the program and the folders of two nodes that it serves.
type built struct {
	program, story string
}

// serveBuilt builds the program and serves the folder of North after the demo's story, with many objects and
// requests put into it by the program itself. With ENTENTE_PAGES_KEPT the folders lie there, and are used again
// by the next run that asks for as many.
func serveBuilt(b *testing.B, objects, requests int) *ownProcess {
	b.Helper()
	dir := b.TempDir()
	at := built{program: filepath.Join(dir, "entente"), story: filepath.Join(dir, "story")}
	at.run(b, nil, "go", "build", "-o", at.program, ".")
	if kept := os.Getenv("ENTENTE_PAGES_KEPT"); kept != "" {
		at.story = filepath.Join(kept, fmt.Sprintf("%d-objects-%d-requests", objects, requests))
		if _, err := os.Stat(filepath.Join(at.story, "whole")); err == nil {
			return at.serve(b, "north")
		}
		if err := os.RemoveAll(at.story); err != nil { // of a run that did not come to its end
			b.Fatal(err)
		}
		if err := os.MkdirAll(kept, 0o700); err != nil {
			b.Fatal(err)
		}
	}
	at.prepare(b, objects, requests)
	if err := os.WriteFile(filepath.Join(at.story, "whole"), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	return at.serve(b, "north")
}

// run runs a program to its end and returns what it wrote.
func (at built) run(b *testing.B, in io.Reader, name string, args ...string) []byte {
	b.Helper()
	c := exec.CommandContext(b.Context(), name, args...)
	c.Stdin = in
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		b.Fatalf("%s %q: %v\n%s", name, args, err, errs.Bytes())
	}
	return out.Bytes()
}

// serve serves the folder of one of the two.
func (at built) serve(b *testing.B, name string) *ownProcess {
	b.Helper()
	folder := filepath.Join(at.story, name)
	s := &ownProcess{}
	if err := json.Unmarshal(at.run(b, nil, at.program, "token", "new", "--name", "bench", "--scope", "read,request,intel,unit,admin,audit", "--dir", folder, "--json"), &struct {
		Secret *string `json:"secret"`
	}{&s.token}); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	c := exec.CommandContext(ctx, at.program, "serve", "--dir", folder, "--json", "--http-listen", "127.0.0.1:0")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	s.end = sync.OnceFunc(func() { stop(); _ = c.Wait() }) // the interrupt is what ends it
	b.Cleanup(s.end)
	if err := json.NewDecoder(out).Decode(s); err != nil {
		b.Fatal(err)
	}
	s.Client = api.TCP(s.Pages, s.token)
	b.Cleanup(s.Client.Close)
	var st node.StatusResponse
	if err := s.Call(b.Context(), "status", nil, &st); err != nil {
		b.Fatal(err)
	}
	for _, u := range st.Units {
		if u.Name == "Election watch" {
			s.unit = u.Unit
		}
	}
	return s
}

// prepare makes the folders: the demo's story, then an import, then requests that North asks while South is away, so
// that South takes in all of them at once when it is back, and not one after the other.
func (at built) prepare(b *testing.B, objects, requests int) {
	b.Helper()
	at.run(b, nil, at.program, "demo", "--once", "--keep", at.story)
	dir := filepath.Join(at.story, "north")
	in, feed := io.Pipe()
	go func() {
		w := bufio.NewWriter(feed)
		for i := range objects {
			fmt.Fprintf(w, `{"type":"indicator","spec_version":"2.1","id":"indicator--%08x-0000-4000-8000-%012x","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"host-%d","indicator_types":["malicious-activity"],"pattern":"[domain-name:value = 'h%d.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00.000Z","labels":["bench"],"confidence":65}`+"\n", i, i, i, i)
		}
		feed.CloseWithError(w.Flush())
	}()
	at.run(b, in, at.program, "import", "-", "--dir", dir, "--quiet")
	at.run(b, strings.NewReader(broadBundle(2000)), at.program, "import", "-", "--dir", dir, "--quiet")
	north, south := at.serve(b, "north"), at.serve(b, "south")
	widen(b, north, south)
	south.end()
	at.open(b, "south")
	for i := range requests {
		north.ask(b, i)
	}
	south = at.serve(b, "south")
	until(b, func() bool { // South has them all, and North its receipts
		var st node.StatusResponse
		if err := north.Call(b.Context(), "status", nil, &st); err != nil {
			b.Fatal(err)
		}
		i := slices.IndexFunc(st.Units, func(u node.UnitBrief) bool { return u.Unit == north.unit })
		m := slices.IndexFunc(st.Units[i].Members, func(m node.MemberBrief) bool { return !m.Self })
		return st.Units[i].Members[m].Receipted > int64(requests)
	})
	south.end()
	north.end()
}

// open lets partners of a node add more in an hour than a node takes unless it is told so: else the requests would come
// within two hours.
func (at built) open(b *testing.B, name string) {
	b.Helper()
	file := filepath.Join(at.story, name, "config.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	wide := strings.Replace(string(text), "growth_per_hour: 8 ", "growth_per_hour: 1024 ", 1)
	if wide == string(text) {
		b.Fatalf("%s says nothing of growth_per_hour", file)
	}
	if err := os.WriteFile(file, []byte(wide), 0o600); err != nil {
		b.Fatal(err)
	}
}

// until waits for what two nodes settle between them.
func until(b *testing.B, holds func() bool) {
	b.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatal("it did not come about within five minutes")
}

// widen amends the accord so that it allows as many requests a day as are needed here.
func widen(b *testing.B, north, south *ownProcess) {
	b.Helper()
	var shown node.AccordShowResponse
	if err := north.Call(b.Context(), "accord.show", node.AccordShowRequest{Unit: north.unit}, &shown); err != nil {
		b.Fatal(err)
	}
	var terms map[string]any
	if err := json.Unmarshal(shown.Text, &terms); err != nil {
		b.Fatal(err)
	}
	terms["quotas"] = map[string]any{"id": "QT", "requests_per_day": 1_000_000}
	terms["supersedes"], terms["version"] = shown.Hash, 2
	text, err := json.Marshal(terms)
	if err != nil {
		b.Fatal(err)
	}
	var made node.AccordProposeResponse
	if err := north.Call(b.Context(), "accord.propose", node.AccordProposeRequest{Unit: north.unit, Text: string(text)}, &made); err != nil {
		b.Fatal(err)
	}
	for _, p := range []*ownProcess{south, north} {
		until(b, func() bool {
			return p.Call(b.Context(), "accord.act", node.AccordActRequest{Unit: p.unit, Hash: made.Hash, Move: "sign"}, nil) == nil
		})
	}
	until(b, func() bool {
		var v node.UnitShowResponse
		return north.Call(b.Context(), "unit.show", node.UnitShowRequest{Unit: north.unit}, &v) == nil && v.Brief.Accord == made.Hash
	})
}

// ask sends one more request.
func (s *ownProcess) ask(b *testing.B, i int) {
	b.Helper()
	r := node.RequestNewRequest{Unit: s.unit, Type: "information", Urgency: "routine", Title: fmt.Sprintf("Question %d", i), Fields: map[string]string{"subject": "host", "purpose": "case"}}
	if err := s.Call(b.Context(), "request.new", r, nil); err != nil {
		b.Fatal(err)
	}
}

const broadMiddle = "malware--00000000-0000-4000-8000-000000000000"

// broadBundle is a malware that n indicators indicate, by half as many relationships each.
func broadBundle(n int) string {
	var w strings.Builder
	const rest = `"spec_version":"2.1","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z"`
	fmt.Fprintf(&w, `{"type":"malware","id":"%s",%s,"name":"broad","is_family":false}`+"\n", broadMiddle, rest)
	for i := range n / 2 {
		id := fmt.Sprintf("0000000a-0000-4000-8000-%012x", i)
		fmt.Fprintf(&w, `{"type":"indicator","id":"indicator--%s",%s,"name":"part %d","pattern":"[ipv4-addr:value = '203.0.113.%d']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00.000Z"}`+"\n", id, rest, i, i%250)
		fmt.Fprintf(&w, `{"type":"relationship","id":"relationship--%s",%s,"relationship_type":"indicates","source_ref":"indicator--%s","target_ref":"%s"}`+"\n", id, rest, id, broadMiddle)
	}
	return w.String()
}

// officer is somebody's browser, as far as a server sees it.
func (s *ownProcess) officer(b *testing.B) *http.Client {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}
	b.Cleanup(c.CloseIdleConnections)
	wire(b, c, s.Pages+"?token="+url.QueryEscape(s.token))
	return c
}

// wire fetches an address as a browser does and returns the body, and the bytes that came for it.
func wire(b *testing.B, c *http.Client, at string) (body []byte, came int) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, at, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip") // asked for by hand, it is not undone behind our back
	resp, err := c.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", at, resp.Status, err)
	}
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return raw, len(raw)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		b.Fatal(err)
	}
	if body, err = io.ReadAll(z); err != nil {
		b.Fatal(err)
	}
	return body, len(raw)
}

var partOfPage = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)

// BenchmarkPages serves a node that has lived through the demo's story and has many objects and requests besides,
// and asks for each page as a browser does: what comes over the wire the first time, with all that belongs to it,
// and how long the server takes. ENTENTE_PAGES_OBJECTS and ENTENTE_PAGES_REQUESTS say how many.
func BenchmarkPages(b *testing.B) {
	s := serveBuilt(b, benchSize(b, "ENTENTE_PAGES_OBJECTS", 10_000), benchSize(b, "ENTENTE_PAGES_REQUESTS", 200))
	c := s.officer(b)
	first := func(page, pattern string) string {
		body, _ := wire(b, c, s.Pages+page)
		m := regexp.MustCompile(pattern).FindSubmatch(body)
		if m == nil {
			b.Fatalf("/%s leads to nothing like %s", page, pattern)
		}
		return html.UnescapeString(strings.TrimPrefix(string(m[1]), "/"))
	}
	unit, request, entry := "unit="+s.unit, first("requests?state=all", `href="(/request\?[^"]+)"`), first("journal", `href="(/entry\?[^"]+)"`)
	pages := map[string]string{
		"home": "", "requests": "requests?state=all", "board": "requests?state=all&view=board", "intelligence": "intelligence", "search-value": "intelligence?value=h7.example",
		"search-text": "intelligence?text=host", "intake": "intake", "import": "import", "journal": "journal?" + unit, "journal-about": "journal?" + unit + "&kind=request.send", "graph-2000": "graph?id=" + broadMiddle + "&depth=1",
		"object-2000": "object?id=" + broadMiddle,
		"object":      "object?id=indicator--00000007-0000-4000-8000-000000000007", "share": "share?ids=indicator--00000007-0000-4000-8000-000000000007", "unit": "unit?" + unit, "accord": "accord?" + unit, "ask": "ask?" + unit,
		"request": request, "request-last": first("requests?state=all&page=200", `href="(/request\?[^"]+)"`), "request-form": "request/new?" + unit, "entry": entry,
		"pair": "pair", "hotline": "hotline", "call-form": "call/new", "drills": "drills?" + unit, "contacts": "contacts?" + unit, "cases": "cases", "commitments": "commitments", "statements": "statements", "leaks": "leaks",
		"dossiers": "dossiers", "reviews": "reviews", "release": "release", "guard": "admin/guard", "feeds": "admin/feeds", "notices": "admin/notices", "case-form": "case/new?" + unit, "commitment-form": "commitment/new?" + unit, "statement-form": "statement/new?" + unit, "leak-form": "leak/new?" + unit,
		"admin": "admin", "officers": "admin/officers", "sessions": "admin/sessions", "tokens": "admin/tokens", "keys": "admin/keys", "backups": "admin/backups", "agencies": "admin/agencies", "audit": "admin/audit", "first": "first",
	}
	maps.Copy(pages, s.records(b, c))
	ada, name := s.signedIn(b)
	pages["profile"], pages["officer"] = "profile", "admin/officer?officer="+name
	visitors := map[string]*http.Client{"profile": ada} // who signed in with a token has no profile
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		c := cmp.Or(visitors[name], c)
		b.Run(name, func(b *testing.B) {
			body, came := wire(b, c, s.Pages+pages[name])
			again := came
			for _, m := range partOfPage.FindAllSubmatch(body, -1) {
				_, n := wire(b, c, s.Pages+strings.TrimPrefix(string(m[1]), "/"))
				came += n
			}
			var took []time.Duration
			before := cpuOf(b, s.PID)
			for b.Loop() {
				begun := time.Now()
				wire(b, c, s.Pages+pages[name])
				took = append(took, time.Since(begun))
			}
			b.ReportMetric(float64((cpuOf(b, s.PID)-before).Microseconds())/1000/float64(len(took)), "cpu-ms/op")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms-p95")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-max")
			b.ReportMetric(float64(came)/1000, "kB-first")
			b.ReportMetric(float64(again)/1000, "kB-again")
			s.memory(b)
		})
	}
	b.Run("officers-200", func(b *testing.B) { s.officers(b, 200) })
}

// cpuOf is the time for which a process has run on a processor so far, all its threads together; 0 where there is no /proc.
func cpuOf(b *testing.B, pid int) (all time.Duration) {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) { // the thread has ended
			continue
		}
		var ns int64
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			b.Fatal(name, err)
		}
		all += time.Duration(ns)
	}
	return all
}

// officers lets so many look at live pages while the node changes, and reads how much memory it has taken.
func (s *ownProcess) officers(b *testing.B, n int) {
	var renewed sync.WaitGroup
	ctx, stop := context.WithCancel(b.Context())
	for range n {
		c := s.officer(b)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Pages+"live", nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := c.Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(err, resp)
		}
		renewed.Go(func() {
			defer resp.Body.Close()
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
				if lines.Text() == "event: changed" {
					r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Pages, nil)
					if err != nil {
						b.Error(err)
						return
					}
					r.Header.Set("X-Live", "1") // as an open page does
					if page, err := c.Do(r); err == nil {
						_, _ = io.Copy(io.Discard, page.Body)
						page.Body.Close()
					}
				}
			}
		})
	}
	changes := 0
	for b.Loop() {
		s.ask(b, changes)
		changes++
		time.Sleep(2 * time.Second)
	}
	stop()
	renewed.Wait()
	if s.memory(b) {
		return
	}
	b.Skip("SKIPPED: no /proc on this machine, so nothing is known of the memory taken")
}

// memory reports what memory the server has, and has had at most; it says whether that is known.
func (s *ownProcess) memory(b *testing.B) bool {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID))
	if err != nil {
		return false
	}
	for what, name := range map[string]string{"VmHWM": "MB-peak", "VmRSS": "MB-now"} {
		m := regexp.MustCompile(what + `:\s+(\d+) kB`).FindSubmatch(status)
		if m == nil {
			b.Fatalf("no %s in %s", what, status)
		}
		kb, _ := strconv.ParseFloat(string(m[1]), 64) // digits
		b.ReportMetric(kb/1000, name)
	}
	return true
}
