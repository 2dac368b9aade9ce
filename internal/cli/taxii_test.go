package cli

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/stix"
	"entente/taxii"
)

// taxiiPeer is a TAXII server of somebody else's, with one collection.
type taxiiPeer struct {
	store *taxii.MemoryStore
	h     http.Handler
}

const inboxID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"

func newTAXIIPeer(t *testing.T, objects int) *taxiiPeer {
	t.Helper()
	p := &taxiiPeer{store: taxii.NewMemoryStore(time.Now)}
	if err := p.store.AddCollection(taxii.Collection{ID: inboxID, Title: "Inbox", Alias: "inbox", Writable: true}); err != nil {
		t.Fatal(err)
	}
	for i := range objects {
		id := fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", i)
		raw := fmt.Sprintf(`{"type":"indicator","id":%q}`, id)
		if _, err := p.store.Add(inboxID, taxii.Record{ID: id, Type: "indicator", Raw: []byte(raw)}); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	p.h, err = taxii.Handler(taxii.Options{Title: "peer", Roots: []taxii.Root{{Path: "/api1/", Title: "peer", Store: p.store}},
		Authenticate: taxii.Basic(taxii.Credential{Digest: taxii.Digest("pass:word"), Principal: taxii.Principal{Name: "user", All: true, WriteAll: true}}), NextKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// entente runs a command line with the credential of the peer in the environment.
func entente(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, told bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(""), &out, &told, func(name string) string {
		if name == taxiiCredentialsEnv {
			return "user:pass:word"
		}
		return ""
	})
	return code, out.String(), told.String()
}

// A server is believed by the authorities of the system or those named, or by its key, and by nothing else.
func TestTAXIIBelieves(t *testing.T) {
	server := httptest.NewUnstartedServer(newTAXIIPeer(t, 1).h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	pin, other := hex.EncodeToString(sum[:]), strings.Repeat("00", 32)
	for _, x := range []struct {
		args []string
		code int
		told string
	}{
		{nil, exitFailed, "does not prove who it is"},
		{[]string{"--pin", pin}, exitOK, ""},
		{[]string{"--pin", other}, exitFailed, pin},
		{[]string{"--ca", ca}, exitOK, ""},
		{[]string{"--ca", ca, "--pin", pin}, exitOK, ""},
		{[]string{"--ca", ca, "--pin", other}, exitFailed, "not the pinned server"},
		{[]string{"--ca", empty}, exitUsage, "no certificate"},
		{[]string{"--pin", "12"}, exitUsage, "64 hex digits"},
	} {
		code, out, told := entente(t, append([]string{"taxii", "collections", server.URL, "--tries", "1"}, x.args...)...)
		if code != x.code || !strings.Contains(told, x.told) || (code == exitOK) != strings.Contains(out, "inbox") {
			t.Errorf("%v: exit %d: %s%s", x.args, code, out, told)
		}
	}
}

// A run that breaks off keeps the whole pages that came and goes on there, so that nothing is lost, into a new file and at
// the end of one.
func TestTAXIIPullBreaksOff(t *testing.T) {
	p := newTAXIIPeer(t, 10)
	pages := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/objects/") {
			if pages++; pages == 3 {
				http.Error(w, "broken", http.StatusInternalServerError)
				return
			}
		}
		p.h.ServeHTTP(w, r)
	}))
	defer server.Close()
	dir := t.TempDir()
	for _, x := range []struct {
		name  string
		first []string
		again []string
	}{
		{"new files", []string{"-o", filepath.Join(dir, "a.json")}, []string{"-o", filepath.Join(dir, "b.json")}},
		{"one file", []string{"-o", filepath.Join(dir, "c.ndjson"), "--append"}, []string{"-o", filepath.Join(dir, "c.ndjson"), "--append"}},
	} {
		pages = 0
		state := filepath.Join(dir, x.name+".state")
		args := []string{"taxii", "pull", server.URL, "Inbox", "--limit", "2", "--state", state, "--tries", "1"}
		code, out, told := entente(t, append(args, x.first...)...)
		if code != exitFailed || !strings.Contains(out, "4 objects") || !strings.Contains(told, "refused") {
			t.Fatalf("%s: exit %d: %s%s", x.name, code, out, told)
		}
		if code, out, told = entente(t, append(args, x.again...)...); code != exitOK || !strings.Contains(out, "6 objects") {
			t.Fatalf("%s, again: exit %d: %s%s", x.name, code, out, told)
		}
		seen := map[string]int{}
		for _, name := range []string{x.first[1], x.again[1]} {
			if name == x.again[1] && name == x.first[1] && len(seen) > 0 {
				continue
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			for o, err := range stix.NewReader(f, stix.ReaderOptions{}).Objects() {
				if o == nil {
					t.Fatal(err)
				}
				seen[o.ID]++
			}
			f.Close()
		}
		if len(seen) != 10 {
			t.Errorf("%s: %d of 10 objects: %v", x.name, len(seen), seen)
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s came %d times", x.name, id, n)
			}
		}
	}
}

// A server's objects are foreign: what is no JSON spoils no file, and breaks in the text of one do not break the lines.
func TestTAXIIPullOfBadObjects(t *testing.T) {
	p := newTAXIIPeer(t, 0)
	body := `{"objects":[{"type":"indicator",` + "\r\n" + `"id":"indicator--00000000-0000-4000-8000-000000000001","name":"a` + "\xff" + `"},{"type":oops},{"id":"x"}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/objects/") {
			p.h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", taxii.MediaType)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "x.ndjson")
	code, out, told := entente(t, "taxii", "pull", server.URL, "inbox", "-o", file, "--json")
	var r pulled
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || r.Objects != 2 || r.BadCount != 1 || r.Bad[0].Path != "page 1, objects[1]" {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, told)
	}
	text, err := os.ReadFile(file)
	want := `{"type":"indicator",  "id":"indicator--00000000-0000-4000-8000-000000000001","name":"a` + "\xff" + "\"}\n{\"id\":\"x\"}\n"
	if err != nil || string(text) != want {
		t.Fatalf("%q, %v", text, err)
	}
}

// What a file ends with is looked at before anything is added.
func TestTAXIIAppendMends(t *testing.T) {
	for _, x := range []struct{ before, after string }{
		{"", "+\n"},
		{"{}\n", "{}\n+\n"},
		{"{}", "{}\n+\n"},
		{"{}\n{\"a\":1}", "{}\n{\"a\":1}\n+\n"},
		{"{}\n{\"a\":", "{}\n+\n"},
		{"{\"a\":", "+\n"},
		{"a text of somebody", ""},
		{"{}\nnot json", ""},
		{"{" + strings.Repeat(" ", maxTAXIILine-1), "+\n"},
		{"{" + strings.Repeat(" ", maxTAXIILine), ""}, // maxTAXIILine
	} {
		name := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(name, []byte(x.before), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := openAppend(name)
		if x.after == "" {
			if text, _ := os.ReadFile(name); err == nil || string(text) != x.before {
				t.Errorf("%.40q: %v, and now %.40q", x.before, err, text)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%.40q: %v", x.before, err)
		}
		if _, err := s.add([]byte("+")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.f.Close()
		if text, _ := os.ReadFile(name); string(text) != x.after {
			t.Errorf("%.40q: %.40q, want %.40q", x.before, text, x.after)
		}
	}
}

func markedObject(n int, extra string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`, n, extra)
}

// Markings decide also where they are defined behind what they mark, stand on a part of an object, or say nothing of TLP.
func TestTAXIIPushMarkings(t *testing.T) {
	p := newTAXIIPeer(t, 0)
	server := httptest.NewServer(p.h)
	defer server.Close()
	const statement = "marking-definition--00000000-0000-4000-8000-0000000000aa"
	define := `{"type":"marking-definition","spec_version":"2.1","id":"` + statement + `","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"Copyright"},"object_marking_refs":["` + stix.TLP2Clear + `"]}`
	lines := []string{
		markedObject(1, `,"object_marking_refs":["`+stix.TLP2Clear+`","`+statement+`"]`),
		markedObject(2, `,"object_marking_refs":["`+stix.TLP2Clear+`"],"granular_markings":[{"marking_ref":"`+stix.TLP2Amber+`","selectors":["name"]}],"name":"x"`),
		markedObject(3, `,"object_marking_refs":["`+stix.TLP2Green+`"]`),
		markedObject(4, ``),
		define,
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, strings.Join(lines, "\n"))
	z.Close()
	file := filepath.Join(t.TempDir(), "out.ndjson.gz")
	if err := os.WriteFile(file, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		out  int64
	}{
		{nil, 2}, // 1 and the definition
		{[]string{"--tlp", "green"}, 3},
		{[]string{"--tlp", "green", "--unmarked", "green"}, 4},
		{[]string{"--tlp", "amber", "--unmarked", "green"}, 5},
	} {
		code, out, told := entente(t, append([]string{"taxii", "push", server.URL, "inbox", file, "--dry-run", "--json"}, x.args...)...)
		var r pushed
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || r.Outgoing != x.out || r.HeldCount != 5-x.out || r.Selected != 5 {
			t.Errorf("%v: exit %d, %v: %s%s", x.args, code, err, out, told)
		}
	}
	if head, err := p.store.Head(t.Context(), inboxID); err != nil || head != 0 {
		t.Fatalf("a dry run sent %d objects, %v", head, err)
	}
	if code, out, told := entente(t, "taxii", "push", server.URL, "inbox", file, "--gzip", "--batch", "1"); code != exitOK || !strings.Contains(out, "2 objects taken in by Inbox, 0 refused, 0 not decided, in 2 requests") {
		t.Fatalf("exit %d: %s%s", code, out, told)
	}
	for r, err := range p.store.Scan(t.Context(), inboxID, taxii.Query{UpTo: 10}) {
		if err != nil || string(r.Raw) != lines[0] && string(r.Raw) != define {
			t.Fatalf("it arrived as %s, %v", r.Raw, err)
		}
	}
}

// TestTAXIILimits reaches the bounds on files and on what is listed.
func TestTAXIILimits(t *testing.T) {
	server := httptest.NewServer(newTAXIIPeer(t, 1).h)
	defer server.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, x := range []struct {
		flag string
		most int
		with []string
	}{
		{"--credentials", maxTAXIICredentials, nil},
		{"--ca", maxTAXIICA, nil},
		{"--state", maxTAXIIState, []string{"pull", "inbox", "-o", "-"}},
	} {
		for more := range 2 {
			args := []string{"taxii", "collections", server.URL}
			if x.with != nil {
				args = append([]string{"taxii", x.with[0], server.URL}, x.with[1:]...)
			}
			_, out, told := entente(t, append(args, x.flag, file("f", strings.Repeat(" ", x.most+more)))...)
			if long := strings.Contains(told, "too long: more than"); long != (more > 0) || out != "" {
				t.Errorf("%s, %d more: %s%s", x.flag, more, out, told)
			}
		}
	}
	// What is held is listed up to a number and counted beyond it.
	var b strings.Builder
	for i := range maxTAXIIListed + 5 {
		b.WriteString(markedObject(i, "") + "\n{}\n")
	}
	code, out, told := entente(t, "taxii", "push", server.URL, "inbox", file("many.ndjson", b.String()), "--dry-run", "--json")
	var r pushed
	if err := json.Unmarshal([]byte(out), &r); err != nil || code == exitOK || len(r.Held) != maxTAXIIListed || r.HeldCount != maxTAXIIListed+5 || len(r.Bad) != maxTAXIIListed || r.BadCount != maxTAXIIListed+5 {
		t.Errorf("exit %d, %v: %d of %d, %d of %d: %s", code, err, len(r.Held), r.HeldCount, len(r.Bad), r.BadCount, told)
	}
	// What a file unpacks to is bounded.
	for more := range 2 {
		text := markedObject(1, "")
		p := &pusher{a: &app{}, stream: int64(len(text) - more)}
		n := 0
		err := p.eachOf(t.Context(), file("one.json", text), func(o *stix.Object, _ error, _ string) bool { n++; return true })
		if (err == nil) != (more == 0) || n != 1-more {
			t.Errorf("maxTAXIIStream, %d more: %d objects, %v", more, n, err)
		}
	}
	// Marking definitions beyond those kept in mind are not known, so that what they mark stays.
	p := &pusher{defined: map[string]*stix.Object{}}
	for i := range maxTAXIIDefinitions + 1 {
		p.define(&stix.Object{Type: "marking-definition", ID: fmt.Sprint(i)})
	}
	if len(p.defined) != maxTAXIIDefinitions || p.resolve(t.Context())(fmt.Sprint(maxTAXIIDefinitions)) != nil {
		t.Errorf("%d marking definitions are kept in mind", len(p.defined))
	}
}

// What a server has no more is found, and deleted here if that is asked for, unless it came from elsewhere, too, or so much is
// gone that the server is rather not well.
func TestTAXIIPullFindsWhatIsGone(t *testing.T) {
	p := newTAXIIPeer(t, 0)
	server := httptest.NewServer(p.h)
	defer server.Close()
	home := t.TempDir()
	dir, bundle := filepath.Join(home, "node"), filepath.Join(home, "ours.json")
	object := func(n int) string {
		return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'n%d.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}`, n, n)
	}
	var objects [][]byte
	for n := range 4 {
		objects = append(objects, []byte(object(n)))
	}
	if _, err := p.store.Put(t.Context(), taxii.Batch{Collection: inboxID, Objects: objects}); err != nil {
		t.Fatal(err)
	}
	run := func(code int, args ...string) string {
		t.Helper()
		got, out, told := entente(t, append([]string{"--dir", dir}, args...)...)
		if got != code {
			t.Fatalf("%v: exit %d: %s%s", args, got, out, told)
		}
		return out + told
	}
	pull := func(code int, args ...string) (r pulled, told string) {
		t.Helper()
		told = run(code, append([]string{"taxii", "pull", server.URL, "inbox", "--import", "--json"}, args...)...)
		text, _, _ := strings.Cut(told, "\n")
		_ = json.Unmarshal([]byte(text), &r)
		return r, told
	}
	run(exitOK, "init", "--name", "North", "--org-key", filepath.Join(home, "org.key"))
	if err := os.WriteFile(bundle, []byte(object(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	run(exitOK, "import", bundle)
	if r, told := pull(exitOK, "--gone"); r.GoneCount != 0 || r.Objects != 4 {
		t.Fatal(told)
	}
	for n := range 3 { // of 0 to 3, the last stays
		id := fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", n)
		var records []taxii.Record
		for r, err := range p.store.Versions(t.Context(), inboxID, id) {
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
		if _, err := p.store.Remove(t.Context(), taxii.Removal{Collection: inboxID, ID: id, Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	known := func(n int) bool {
		t.Helper()
		return strings.Contains(run(exitOK, "search", fmt.Sprintf("n%d.example", n), "--json"), "indicator--")
	}
	if r, told := pull(exitOK, "--gone"); r.GoneCount != 3 || len(r.Gone) != 3 || r.Withdrawn != 0 || !known(0) {
		t.Error(told)
	}
	if r, told := pull(exitOK, "--withdraw-gone", "--dry-run"); r.GoneCount != 3 || r.Withdrawn != 0 || !known(0) {
		t.Error(told)
	}
	if _, told := pull(exitFailed, "--withdraw-gone", "--gone-most", "2"); !strings.Contains(told, "gone-most") || !known(0) {
		t.Error(told)
	}
	if r, told := pull(exitOK, "--withdraw-gone"); r.GoneCount != 3 || r.Withdrawn != 3 {
		t.Error(told)
	}
	for n, want := range []bool{false, true, false, true} { // the second is an import of ours, too
		if known(n) != want {
			t.Errorf("n%d.example: known %v", n, !want)
		}
	}
	if r, told := pull(exitOK, "--withdraw-gone"); r.GoneCount != 0 || r.Withdrawn != 0 {
		t.Error(told)
	}
	for _, args := range [][]string{{"-o", "x.json", "--gone"}, {"--import", "--gone", "--gone-most", "-1"}} {
		run(exitUsage, append([]string{"taxii", "pull", server.URL, "inbox"}, args...)...)
	}
}
