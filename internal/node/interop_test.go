package node

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goccy/go-yaml"

	"entente/internal/intel"
	"entente/misp"
)

// installed finds a program or skips the test by its name.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed here", name)
	}
	return path
}

// interopServer serves TAXII and the feeds of a node that knows a value of each kind, guards set aside.
func interopServer(t *testing.T) (*testParty, *httptest.Server) {
	t.Helper()
	p := newParty(t, "North")
	clear := markedTLP("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487")
	var objects []string
	for i, pattern := range []string{"[domain-name:value = 'evil.interop.org']", "[ipv4-addr:value = '185.199.7.7']", "[ipv4-addr:value = '185.199.8.0/24']", "[ipv6-addr:value = '2a00:1450:7::7']",
		"[url:value = 'http://evil.interop.org/x']", "[file:hashes.MD5 = '0123456789abcdef0123456789abcdef']",
		"[file:hashes.'SHA-256' = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef']"} {
		objects = append(objects, feedIndicator(i+1, pattern, clear))
	}
	bundle := `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-00000000000f","objects":[` + strings.Join(objects, ",") + `]}`
	must[*ImportResponse](t)(p.Import(t.Context(), ImportRequest{Name: "x.json"}, strings.NewReader(bundle), nil))
	mux := http.NewServeMux()
	mux.Handle("/taxii2/", must[http.Handler](t)(p.TAXII()))
	mux.Handle(FeedPrefix, must[http.Handler](t)(p.FeedHandler()))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return p, server
}

// feedScript is docs/examples/entente-feed, ready to be run, with commands in its path that only write down that they were called.
type feedScript struct {
	bin, called string
	env         []string
}

func newFeedScript(t *testing.T, p *testParty, address string, stubs ...string) *feedScript {
	t.Helper()
	installed(t, "sh")
	installed(t, "curl")
	dir := t.TempDir()
	s := &feedScript{bin: filepath.Join(dir, "bin"), called: filepath.Join(dir, "called")}
	text := must[[]byte](t)(os.ReadFile("../../docs/examples/entente-feed"))
	must[int](t)(0, os.Mkdir(s.bin, 0o700))
	must[int](t)(0, os.WriteFile(filepath.Join(s.bin, "entente-feed"), text, 0o700))
	for _, name := range stubs {
		must[int](t)(0, os.WriteFile(filepath.Join(s.bin, name), []byte("#!/bin/sh\necho "+name+" \"$@\" >>'"+s.called+"'\n"), 0o700))
	}
	login := filepath.Join(dir, "login")
	must[int](t)(0, os.WriteFile(login, []byte(`user = "`+p.init.TAXIIUser+":"+p.init.TAXIIPassword+"\"\n"), 0o600))
	s.env = append(os.Environ(), "PATH="+s.bin+":/usr/sbin:/sbin:"+os.Getenv("PATH"), "ENTENTE_NODE="+address, "ENTENTE_LOGIN="+login)
	return s
}

// run runs shell lines and gives what they say and whether they succeed.
func (s *feedScript) run(t *testing.T, lines string) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", lines)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// calls gives the commands that were called since the last time.
func (s *feedScript) calls(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.called)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	_ = os.Remove(s.called)
	return string(text)
}

// TestFeedScript: the script replaces a file whole and only when its feed has changed; what does not pass the check, breaks off,
// or is refused leaves the file as it was, nothing beside it, and reloads nothing.
func TestFeedScript(t *testing.T) {
	p, server := interopServer(t)
	var cut atomic.Pointer[string]
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if half := cut.Load(); half != nil {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, *half)
			panic(http.ErrAbortHandler)
		}
		server.Config.Handler.ServeHTTP(w, r)
	}))
	defer between.Close()
	s := newFeedScript(t, p, between.URL, "reload")
	dir := t.TempDir()
	file := filepath.Join(dir, "a list")
	fetch := func(flags string) (string, bool) { return s.run(t, "entente-feed "+flags+" 'domains="+file+"'") }
	text := func() string { return string(must[[]byte](t)(os.ReadFile(file))) }
	files := func() (names []string) {
		for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
			names = append(names, e.Name())
		}
		return names
	}
	if out, ok := fetch("-r 'reload a b'"); !ok || !strings.Contains(text(), "evil.interop.org\n") || s.calls(t) != "reload a b\n" {
		t.Fatalf("%v %s %v", ok, out, files())
	}
	first := must[os.FileInfo](t)(os.Stat(file))
	if out, ok := fetch("-r reload"); !ok || s.calls(t) != "" || !os.SameFile(first, must[os.FileInfo](t)(os.Stat(file))) {
		t.Errorf("nothing changed: %v %s", ok, out)
	}
	must[*ImportResponse](t)(p.Import(t.Context(), ImportRequest{Name: "y.json"}, strings.NewReader(feedIndicator(99, "[domain-name:value = 'later.interop.org']", "")), nil))
	old := text()
	if out, ok := fetch("-r reload -c 'grep -q nothing-like-it'"); ok || s.calls(t) != "" || text() != old || !strings.Contains(out, "does not pass") {
		t.Errorf("a check that fails: %v %s", ok, out)
	}
	half := "half of a fe"
	cut.Store(&half)
	if out, ok := fetch("-r reload"); ok || s.calls(t) != "" || text() != old {
		t.Errorf("broken off: %v %s", ok, out)
	}
	cut.Store(nil)
	if out, ok := s.run(t, "ENTENTE_LOGIN=/dev/null entente-feed -r reload 'domains="+file+"'"); ok || s.calls(t) != "" || text() != old {
		t.Errorf("who asks is not known: %v %s", ok, out)
	}
	if out, ok := s.run(t, "entente-feed -r reload nonsense"); ok || !strings.Contains(out, "usage:") {
		t.Errorf("%v %s", ok, out)
	}
	if names := files(); len(names) != 2 || names[0] != ".a list.etag" || names[1] != "a list" {
		t.Errorf("%q", names)
	}
	if out, ok := fetch("-r reload -c 'grep -q later'"); !ok || s.calls(t) != "reload\n" || !strings.Contains(text(), "later.interop.org\n") || os.SameFile(first, must[os.FileInfo](t)(os.Stat(file))) {
		t.Errorf("%v %s", ok, out)
	}
	must[int](t)(0, os.Remove(file))
	if out, ok := fetch(""); !ok || !strings.Contains(text(), "later.interop.org\n") {
		t.Errorf("a file that is gone: %v %s", ok, out)
	}
}

// TestInteropLines: the lines of docs/interop.md are run and read: what is fetched comes from a node, by the commands there, to
// the places there, and the configuration there is read by the tool that it is for, where that is installed.
func TestInteropLines(t *testing.T) {
	p, server := interopServer(t)
	doc := string(must[[]byte](t)(os.ReadFile("../../docs/interop.md")))
	user, password := p.init.TAXIIUser, p.init.TAXIIPassword
	get := func(t *testing.T, target string, head ...string) string {
		t.Helper()
		r := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "GET", target, nil))
		if r.URL.User == nil {
			r.SetBasicAuth(user, password)
		}
		for i := 0; i < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		res := must[*http.Response](t)(http.DefaultClient.Do(r))
		defer res.Body.Close()
		body := must[[]byte](t)(io.ReadAll(res.Body))
		if res.StatusCode != 200 {
			t.Fatalf("%s: %d %s", target, res.StatusCode, body)
		}
		return string(body)
	}
	addresses := func(t *testing.T, list string) {
		t.Helper()
		n := 0
		for l := range strings.Lines(list) {
			if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
				continue
			}
			n++
			if _, err := netip.ParseAddr(l); err != nil {
				if _, err := netip.ParsePrefix(l); err != nil {
					t.Errorf("%q is no address", l)
				}
			}
		}
		if n != 3 {
			t.Errorf("%d addresses: %s", n, list)
		}
	}
	// The blocks of a section by the name that stands behind their fence, in order, for this node.
	blocks := func(t *testing.T, section, name string) []string {
		t.Helper()
		_, rest, ok := strings.Cut(doc, "\n## "+section)
		if !ok {
			t.Fatalf("there is no section %q", section)
		}
		rest, _, _ = strings.Cut(rest, "\n## ")
		var out []string
		for _, m := range regexp.MustCompile("(?s)\n```"+regexp.QuoteMeta(name)+"\n(.*?\n)```\n").FindAllStringSubmatch(rest, -1) {
			text := strings.NewReplacer("https://NODE", server.URL, "https://USER:PASSWORD@NODE", strings.Replace(server.URL, "://", "://"+user+":"+password+"@", 1),
				"BASE64(USER:PASSWORD)", base64.StdEncoding.EncodeToString([]byte(user+":"+password))).Replace(m[1])
			text = regexp.MustCompile(`\bUSER\b`).ReplaceAllLiteralString(text, user)
			out = append(out, regexp.MustCompile(`\bPASSWORD\b`).ReplaceAllLiteralString(text, password))
		}
		if len(out) == 0 {
			t.Fatalf("%s has no block %q", section, name)
		}
		return out
	}
	below := regexp.MustCompile(`(^|[ "'=>])/(etc|opt|srv|var)/`)
	// tried runs the commands of a section below a folder, twice, and gives how its configuration reads there.
	tried := func(t *testing.T, section, reload string, configs ...string) (root string, read []string) {
		t.Helper()
		root = t.TempDir()
		s := newFeedScript(t, p, server.URL, "rndc", "suricatasc", "unbound-control", "systemctl", "pkill")
		var wanted []string
		for _, name := range configs {
			for _, b := range blocks(t, section, name) {
				read = append(read, below.ReplaceAllString(b, "${1}"+root+"/$2/"))
			}
		}
		for _, lines := range blocks(t, section, "sh") {
			lines = below.ReplaceAllString(lines, "${1}"+root+"/$2/")
			for _, m := range regexp.MustCompile(`[=>](`+regexp.QuoteMeta(root)+`/\S+)`).FindAllStringSubmatch(lines, -1) {
				must[int](t)(0, os.MkdirAll(filepath.Dir(m[1]), 0o755))
				wanted = append(wanted, m[1])
			}
			if out, ok := s.run(t, "set -e\n"+lines); !ok || out != "" {
				t.Fatalf("%s: %s", lines, out)
			}
			if strings.Contains(lines, "entente-feed") {
				if out, ok := s.run(t, lines); !ok || out != "" {
					t.Fatalf("again: %s: %s", lines, out)
				}
			}
		}
		if got := s.calls(t); got != reload {
			t.Errorf("called: %q, want %q", got, reload)
		}
		all := strings.Join(read, "\n")
		for _, file := range wanted {
			if text, err := os.ReadFile(file); err != nil || len(bytes.TrimSpace(text)) == 0 {
				t.Errorf("%s: %q, %v", file, text, err)
			}
			// By its name, if the folder is named for all, or within another file.
			if !strings.Contains(all, filepath.Base(file)) && !strings.HasPrefix(filepath.Base(file), "suricata-") {
				t.Errorf("no configuration reads %s:\n%s", file, all)
			}
		}
		return root, read
	}
	// check has a program read a configuration, whose file is put behind the last argument.
	check := func(t *testing.T, root, config, want, program string, args ...string) {
		t.Helper()
		program = installed(t, program)
		file := filepath.Join(root, "config")
		must[int](t)(0, os.WriteFile(file, []byte(config), 0o644))
		args[len(args)-1] += file
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v\n%s\n%s", err, out, config)
		}
	}
	t.Run("BIND", func(t *testing.T) {
		installed(t, "named-checkzone")
		root, read := tried(t, "BIND", "rndc reload rpz.entente\n", "named.conf")
		check(t, root, strings.Join(read, ""), "zone rpz.entente/IN: loaded serial", "named-checkconf", "-z", "")
	})
	t.Run("Unbound", func(t *testing.T) {
		root, read := tried(t, "Unbound", "unbound-control auth_zone_reload rpz.entente\nunbound-control reload\n", "unbound.conf")
		for _, config := range read {
			check(t, root, config, "no errors", "unbound-checkconf", "")
		}
	})
	t.Run("dnsmasq", func(t *testing.T) {
		root, read := tried(t, "dnsmasq", "systemctl restart dnsmasq\npkill -HUP -x dnsmasq\n", "dnsmasq.conf")
		check(t, root, read[0], "syntax check OK", "dnsmasq", "--test", "--conf-file=")
	})
	t.Run("Suricata", func(t *testing.T) {
		root, read := tried(t, "Suricata", "suricatasc -c reload-rules\n", "suricata.yaml")
		must[int](t)(0, os.WriteFile(filepath.Join(root, "var/lib/suricata/rules/suricata.rules"), []byte("alert icmp any any -> any any (msg:\"x\"; sid:1; rev:1;)\n"), 0o644))
		config := "%YAML 1.1\n---\nvars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}\nclassification-file: /etc/suricata/classification.config\nstats: {enabled: no}\noutputs: []\n" + read[0]
		check(t, root, config, "9 rules successfully loaded, 0 rules failed", "suricata", "-T", "-v", "-l", root, "-c", "")
	})
	t.Run("Zeek", func(t *testing.T) {
		root, read := tried(t, "Zeek", "", "local.zeek")
		check(t, root, read[0], "", "zeek", "--parse-only", "")
	})
	t.Run("Splunk", func(t *testing.T) {
		tried(t, "Splunk", "", "transforms.conf")
		value := func(stanza, name string) string {
			m := regexp.MustCompile(`(?m)^` + name + ` = (.*)$`).FindStringSubmatch(stanza)
			if m == nil {
				t.Fatalf("no %s: %s", name, stanza)
			}
			return m[1]
		}
		config := blocks(t, "Splunk", "inputs.conf")
		ip, domain, _ := strings.Cut(config[0], "\n\n")
		addresses(t, get(t, value(ip, "url")))
		if got := get(t, value(domain, "url")); !strings.HasSuffix(got, "\nevil.interop.org\n") || value(ip, "fields") != "ip:$1" || value(domain, "fields") != "domain:$1" {
			t.Errorf("%s", got)
		}
		if args := value(config[1], "post_args"); !strings.Contains(args, `collection="`+intel.CollectionAll()+`"`) ||
			!strings.Contains(get(t, value(config[1], "url")+"collections/"+intel.CollectionAll()+"/objects/"), "evil.interop.org") {
			t.Error(args)
		}
	})
	t.Run("Sentinel", func(t *testing.T) {
		m := regexp.MustCompile(`(?s)API root URL +(\S+)\nCollection ID +(\S+)\n`).FindStringSubmatch(blocks(t, "Microsoft Sentinel", "settings")[0])
		if m == nil || !strings.Contains(get(t, m[1]+"collections/"+m[2]+"/objects/?added_after=2000-01-01T00:00:00.000Z"), "evil.interop.org") {
			t.Errorf("%q", m)
		}
	})
	t.Run("OpenCTI", func(t *testing.T) {
		env := map[string]string{}
		for l := range strings.Lines(blocks(t, "OpenCTI", "env")[0]) {
			name, value, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "=")
			env[name] = value
		}
		var d struct {
			Roots []string `json:"api_roots"`
		}
		must[int](t)(0, json.Unmarshal([]byte(get(t, env["TAXII2_DISCOVERY_URL"])), &d))
		// The connector: the last part of the root's path, a dot, the title, which has no dot in it.
		names := strings.Split(env["TAXII2_COLLECTIONS"], ".")
		if len(names) != 2 || len(d.Roots) != 1 || !strings.HasSuffix(d.Roots[0], "/"+names[0]+"/") ||
			!strings.Contains(get(t, server.URL+TAXIIRoot+"collections/"), `"title":"`+names[1]+`"`) || env["TAXII2_USERNAME"] != user || env["TAXII2_PASSWORD"] != password {
			t.Errorf("%q %+v", env, d)
		}
	})
	t.Run("MISP", func(t *testing.T) {
		var f struct {
			URL     string `json:"url"`
			Headers string `json:"headers"`
			Format  string `json:"source_format"`
		}
		must[int](t)(0, json.Unmarshal([]byte(blocks(t, "MISP", "feed.json")[0]), &f))
		name, value, _ := strings.Cut(f.Headers, ": ")
		n := 0
		for m, err := range misp.ReadManifest(strings.NewReader(get(t, f.URL+"/manifest.json", name, value)), misp.FeedLimits{}) {
			if err != nil {
				t.Fatal(err)
			}
			for range must[*misp.Event](t)(misp.Parse([]byte(get(t, f.URL+"/"+m.UUID+".json", name, value)), misp.Limits{})).Attributes() {
				n++
			}
		}
		if n != 7 || f.Format != "misp" {
			t.Errorf("%d attributes, %+v", n, f)
		}
	})
	t.Run("pfSense", func(t *testing.T) {
		m := regexp.MustCompile(`URL +(\S+)`).FindStringSubmatch(blocks(t, "pfSense", "settings")[0])
		addresses(t, get(t, m[1]))
		for name, want := range map[string][]string{"domains": {"evil.interop.org"}, "urls": {"http://evil.interop.org/x"},
			"hashes": {"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}} {
			head, list, _ := strings.Cut(get(t, server.URL+FeedPrefix+name), "\n")
			got := slices.Sorted(strings.FieldsSeq(list)) // which stands first depends on the buckets that values lie in
			if !strings.HasPrefix(head, "# ") || !slices.Equal(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		}
		var c Config
		must[int](t)(0, yaml.Unmarshal([]byte(blocks(t, "pfSense", "config.yaml")[0]), &c))
		if specs := must[[]feedSpec](t)(feedSpecs(c.Feeds)); len(specs) != 1 || specs[0].confidence != 50 || len(specs[0].types) != 3 {
			t.Errorf("%+v", specs)
		}
	})
}
