package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"entente/internal/api"
	"entente/internal/lang"
	"entente/internal/watch/logs"
)

// wrongLines are command lines with what is wrong with them: each text of the catalogs about a command line, at least once.
var wrongLines = []struct{ line, key string }{
	{"verify", "usage.missing"},
	{"request show", "usage.missing"},
	{"status 3141", "usage.surplus"},
	{"completion 3141", "usage.not-one-of"},
	{"identity rotate 3141 --org-key 1", "usage.not-one-of"},
	{"status --3141", "usage.no-flag"},
	{"status -3", "usage.no-flag"},
	{"status --lang", "usage.no-value"},
	{"search --limit 3.1", "usage.bad-number"},
	{"search --limit 99999999999999999999", "usage.bad-number"},
	{"token new --expires 3141", "usage.bad-duration"},
	{"status --json=3141", "usage.bad-bool"},
	{"exhibit add 1 --request", "usage.no-value"},
	{"import 1 --sigma=,\"", "usage.no-flag"},
	{"status --=3141", "usage.bad-flag"},
	{"stauts", "usage.did-you-mean"},
	{"unit fuond", "usage.did-you-mean"},
	{"31415926", "usage.no-command"},
	{"unit 31415926", "usage.no-command"},
	{"review 31415926", "usage.no-command"},
	{"unit", "usage.needs-command"},
	{"status --lang 3141", "usage.no-lang"},
	{"search --limit 0", "usage.least"},
	{"taxii collections https://3.1.4.1/ --tries 0", "usage.between"},
	{"accord ask share --object indicator=0", "usage.not-form"},
	{"exhibit list --request 1 --case 1", "usage.not-both"},
	{"review --from 2026-01-01 --to 2026-07-01 --csv --html 1", "usage.not-both"},
	{"share", "usage.exactly-one"},
	{"share --all --id 1", "usage.exactly-one"},
	{"search --depth 1", "usage.only-with"},
	{"search --around 1 --held", "usage.around-not"},
	{"request new --title 1 --text 1 --text-file 1", "usage.same"},
	{"request new --file request.yaml --title 1", "usage.same"},
	{"request new --file request.yaml --unit 2", "usage.unit-differs"},
	{"courier export", "usage.needs-output"},
	{"exhibit export 1", "usage.needs-folder"},
	{"init", "usage.needs-name"},
	{"request new", "usage.needs-title"},
	{"unit found", "usage.needs-unit"},
	{"review", "usage.needs-period"},
	{"identity rotate node", "usage.needs-org-key"},
	{"journal succeed", "usage.needs-org-key"},
	{"identity rotate org --org-key 1", "usage.needs-new-org-key"},
	{"officer new 1", "usage.needs-role"},
	{"officer roles 1", "usage.needs-rights"},
	{"officer bind 1", "usage.needs-subject"},
	{"officer end-session", "usage.needs-session"},
	{"intake accept", "usage.needs-items"},
	{"token new", "usage.needs-scope"},
	{"token new --name 1 --scope 3141", "usage.no-scope"},
	{"verify 1 2 --page 3", "usage.one-page"},
	{"verify - 1", "usage.no-stdin"},
	{"taxii collections 3141", "usage.no-server"},
	{"misp pull 3141", "usage.no-feed"},
	{"taxii collections https://3.1.4.1/ --ca request.yaml", "usage.no-certificate"},
	{"taxii collections https://3.1.4.1/ --pin 3141", "usage.no-pin"},
	{"statement propose --text en=request.yaml --authentic vi", "usage.no-text-in"},
	{"leak report", "usage.what-found"},
	{"notify set 1", "usage.one-channel"},
	{"notify plan --escalate 3141", "usage.not-form"},
	{"feed set 1", "usage.needs-format"},
	{"taxii pull https://3.1.4.1/ 1", "usage.where-to"},
	{"taxii pull https://3.1.4.1/ 1 --output 1 --format 3141", "usage.flag-is"},
	{"taxii pull https://3.1.4.1/ 1 --import --append", "usage.append"},
	{"taxii pull https://3.1.4.1/ 1 --output - --json", "usage.both-out"},
	{"dossier export --output - --json", "usage.both-out"},
	{"taxii push https://3.1.4.1/ 1", "usage.push-what"},
	{"taxii push https://3.1.4.1/ 1 1.json --tlp red", "usage.no-red"},
	{"commitment make --standing --every 1 --text 1", "usage.one-form"},
	{"review --from 2026-01-01T00:00 --to 2026-07-01", "usage.no-zone"},
	{"search --after 3141", "usage.no-time"},
	{"import 1 2 --name 1", "usage.one-file"},
	{"status --tz 3141", "usage.no-zone-known"},
	{"search --tz Europe/Paris --after 2026-03-29T02:30", "usage.no-such-hour"},
	{"search --tz Europe/Paris --after 2026-10-25T02:30", "usage.hour-twice"},
	{"watch 1 --indicators 1 --format 3141", "usage.flag-is"},
	{"asset add 1 --file 1", "usage.file-says-all"},
	{"asset add", "usage.needs-asset"},
	{"watch nats://3.1.4.1/31?consumer=31 1 --indicators 1", "usage.queue-alone"},
	{"watch nats://3.1.4.1/31?consumer=31 --indicators 1 --index 1", "usage.queue-index"},
	{"watch nats://3.1.4.1/31?consumer=31 --join https://3.1.4.1 --token-file 1 --position 1", "usage.queue-position"},
	{"watch nats://3.1.4.1/31?consumer=31 --indicators 1 --queue-user 1 --queue-password-file 1", "usage.queue-clear"},
	{"guard review 1", "usage.keep-or-release"},
	{"hunt 192.0.2.1", "usage.needs-index"},
	{"hunt 192.0.2.1 --index 1 --lines -1", "usage.least"},
	{"hunt 192.0.2.1 --index 1 --since 2026-02-01 --until 2026-01-01", "usage.not-before"},
	{"hunt 192.0.2.1 --index 1 --since 3141", "usage.no-since"},
	{"hunt 3141 --index 1", "usage.no-value-or-file"},
	{"hunt 3141.json --index 1", "usage.no-such-list"},
	{"hunt 192.0.2.1 --index 1 --log-tz +31:41", "usage.no-zone-known"},
	{"watch --indicators 1 --log-tz +31:41", "usage.no-zone-known"},
	{"sighting list --since -1h", "usage.lies-ahead"},
	{"watch 1", "usage.needs-indicators"},
	{"watch 1 --indicators 1 --as 3141", "usage.flag-is"},
	{"watch 1 --indicators 1 --count-only", "usage.only-with"},
	{"watch --indicators 1 --follow", "usage.needs-follow"},
	{"watch 1 --indicators 1 --fields 3141", "usage.no-fields"},
	{"watch 1 --indicators 1 --own 3141", "usage.not-form"},
	{"watch 1 --indicators 1 --syslog 3141", "usage.not-form"},
	{"watch 1 --indicators 1 --syslog tls://3.1.4.1:6514", "usage.listen-tls"},
	{"watch 1 --indicators 1 --dnstap tls://3.1.4.1:6514", "usage.listen-tls"},
	{"watch 1 --indicators 1 --dnstap unix://here", "usage.not-form"},
	{"watch 1 --indicators 1 --to-syslog udp://3141", "usage.not-form"},
	{"watch 1 --indicators 1 --to-webhook http://3.1.4.1/", "usage.not-form"},
	{"watch 1 --indicators 1 --to-webhook https://3.1.4.1/", "usage.only-with"},
	{"watch 1 --indicators 1 --to-lines", "usage.only-with"},
	{"watch 1 --indicators 1 --to-syslog tls://3.1.4.1:6514 --to-ca request.yaml", "usage.no-certificates"},
	{"watch 1 --indicators 1 --to-webhook https://3.1.4.1/ --to-secret-file request.yaml", "usage.short-secret"},
	{"watch 1 --join 3141", "usage.no-join"},
	{"watch 1 --join http://3.1.4.1", "usage.join-clear"},
	{"watch 1 --join https://3.1.4.1", "usage.needs-token"},
	{"watch 1 --join https://3.1.4.1 --token-file request.yaml", "usage.no-token"},
}

// TestWrongCommandLinesAreToldInEachLanguage: what is wrong with a command line, what was expected and how to get help stands in the
// reader's language, whichever of the texts it is.
func TestWrongCommandLinesAreToldInEachLanguage(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("request.yaml", []byte("format: entente/request/v1\nunit: \"1\"\ntype: information\nurgency: routine\ntitle: \"1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{"usage.is": true, "usage.help": true}
	typed := regexp.MustCompile(`--as stix|--scope watch|FIELD=[A-Za-z]+(:TYPE)?|entente( [a-z-]+)*( [A-Z]+)*|--[A-Za-z-]+([ =][A-Z]+(\.ndjson)?)?|"[a-z]+"|[A-Z:.\[\]]+=[A-Z]+|AGENCY:ROLE|https://HOST/[a-z0-9A-Z]+/?|-----[A-Z ]+-----|SHA-256|TLP:RED|API|URL|stix, ecs|https?|(udp|tcp|tls|nats|kafka)(\+tls)?://|consumer=|HOST:PORT|docs/watch.md|file-name:|domain:|3141\.json|node.example|Europe/Paris|Asia/Kolkata|TAXII|JSON|PEM|UTC|ENTENTE_DIR|RFC [0-9]+|\d(T[0-9:]+Z?|m|h)|true|false`)
	for _, w := range wrongLines {
		a := &app{now: time.Now, in: strings.NewReader(""), out: new(bytes.Buffer), err: new(bytes.Buffer), env: func(name string) string { return map[string]string{"HOME": t.TempDir()}[name] }}
		root := a.root()
		root.SetArgs(split(w.line))
		root.SetOut(a.out)
		root.SetErr(a.err)
		cmd, err := root.ExecuteContextC(t.Context())
		var u *usageError
		if !errors.As(err, &u) || u.key != w.key {
			t.Errorf("%s: %v, and not %s", w.line, err, w.key)
			continue
		}
		told[u.key] = true
		for _, tag := range []string{"zh", "ru", "vi", "fr"} {
			var b bytes.Buffer
			a.words, _ = lang.Known(tag)
			a.err, a.json = &b, false
			if code := a.failUsage(err, cmd); code != exitUsage {
				t.Errorf("%s exits %d", w.line, code)
			}
			lines := strings.Split(b.String(), "\n")
			if len(lines) != 4 || !strings.Contains(lines[1], cmd.UseLine()) || !strings.Contains(lines[2], cmd.CommandPath()+" --help") {
				t.Errorf("%s, in %s:\n%s", w.line, tag, b.String())
				continue
			}
			if strings.ContainsAny(lines[0], "{}") {
				t.Errorf("%s, in %s: a place is not filled: %s", w.line, tag, lines[0])
			}
			text := strings.ReplaceAll(lines[0], join(cmd.ValidArgs), "")
			text = strings.NewReplacer(childNames(cmd), "", join(scopeNames()), "", strings.Join(scopeNames(), "|"), "", join(lang.Tags()), "", "duty|analyst|liaison|release|auditor|administrator", "", "bundle, ndjson", "",
				"taxii:read:COLLECTION, taxii:write:COLLECTION", "", " vi:", "", " vi：", "", "indicator=0", "", "15m=CHANNEL,CHANNEL", "", "unix:///PATH", "", "unix://here", "", "request.yaml", "", join(logs.Names()), "").Replace(text)
			if left := latin.FindAllString(typed.ReplaceAllString(text, ""), -1); left != nil && (tag == "zh" || tag == "ru") {
				t.Errorf("%s, in %s: %q is left of %s", w.line, tag, left, lines[0])
			}
		}
	}
	for _, key := range lang.Keys() {
		if strings.HasPrefix(key, "usage.") && !told[key] && key != "usage.other" && key != "usage.too-many-values" && key != "usage.queue-empty" && key != "usage.queue-other" && key != "usage.bad-value" && key != "usage.no-folder" {
			t.Errorf("no command line is told of with %s", key)
		}
	}
	// Those that no line here leads to.
	if key := flagUsage(errors.New("3141")); key.Error() != "3141" {
		t.Error(key)
	}
	if _, err := (&app{env: func(string) string { return "" }}).folder(); err == nil || err.Error() != lang.English().Text("usage.no-folder") {
		t.Error(err)
	}
}

// TestAWrongLineAsJSON has the same three sentences, in the language that the line names even where the flag was not read.
func TestAWrongLineAsJSON(t *testing.T) {
	vi, _ := lang.Known("vi")
	var out, errs bytes.Buffer
	code := Main(t.Context(), []string{"request", "show", "--3141", "--lang", "vi", "--json"}, strings.NewReader(""), &out, &errs, func(string) string { return "" })
	var p api.Problem
	if err := json.Unmarshal(errs.Bytes(), &p); err != nil || code != exitUsage || out.Len() > 0 {
		t.Fatal(code, err, out.String(), errs.String())
	}
	if p.Code != "usage" || p.Title != vi.Text("problem.usage") || p.Detail != vi.Text("usage.no-flag", "flag", "--3141") || p.Next != vi.Text("usage.help", "command", "entente request show --help") {
		t.Errorf("%+v", p)
	}
}
