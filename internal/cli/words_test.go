package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/api"
	"entente/internal/exhibit"
	"entente/internal/node"
	"entente/journal"
)

// filling makes answers of which no field is empty and no datum holds a letter, so that each letter in what is printed is a text
// of the program.
type filling struct {
	yes   bool              // what is said by a bool
	codes map[string]string // by the name of a field: where the printing depends on it
	empty bool              // lists and texts are empty
}

func (f filling) value(t reflect.Type, name string, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	if depth > 14 {
		return v
	}
	switch {
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(f.value(t.Elem(), name, depth+1))
	case t == reflect.TypeFor[journal.Origin]():
		v.SetString("entente/" + strings.Repeat("3", 64))
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				v.Field(i).Set(f.value(t.Field(i).Type, t.Name()+"."+t.Field(i).Name, depth+1))
			}
		}
		if t == reflect.TypeFor[node.Attention]() {
			v.FieldByName("Code").SetString("request-new") // it always is one that is known
		}
	case f.empty:
	case t == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 8, 15, 0, 0, time.UTC)))
	case t == reflect.TypeFor[json.RawMessage]():
		v.Set(reflect.ValueOf(json.RawMessage(`{}`)))
	case t.Kind() == reflect.String:
		v.SetString("3141")
		if code, ok := f.codes[name]; ok {
			v.SetString(code)
		}
	case t.Kind() == reflect.Bool:
		v.SetBool(f.yes)
	case v.CanInt():
		v.SetInt(7)
	case v.CanUint():
		v.SetUint(7)
	case t.Kind() == reflect.Slice:
		for range 2 {
			v = reflect.Append(v, f.value(t.Elem(), name, depth+1))
		}
	case t.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(f.value(t.Key(), "", depth+1), f.value(t.Elem(), name, depth+1))
	}
	return v
}

// answering is a node that answers every operation with a filling.
func answering(t *testing.T, dir string, f *filling) {
	l, err := listenControl(dir)
	if err != nil {
		t.Fatal(err)
	}
	ops := map[string]api.Operation{}
	for _, o := range api.Operations() {
		ops[o.Name] = o
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o, ok := ops[strings.TrimPrefix(r.URL.Path, api.Prefix)]
		if _, err := io.Copy(io.Discard, r.Body); err != nil || !ok {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		answer := o.Response
		if o.Name == "review.report" {
			answer = &node.ReviewReport{}
		}
		text, err := json.Marshal(f.value(reflect.TypeOf(answer), "", 0).Interface())
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
		switch o.Name { // an exhibit that is written out is one file of a byte
		case "exhibit.manifest":
			m, err := exhibit.Describe(fstest.MapFS{"1": {Data: []byte("1")}}, ".", exhibit.Options{})
			if err == nil {
				text, err = m.Encode()
			}
			if err != nil {
				t.Error(err)
			}
		case "exhibit.get":
			text = []byte("1")
		}
		switch o.Kind {
		case api.Download:
			w.Header().Set("Trailer", api.HeaderResult)
			_, _ = w.Write(text)
			w.Header().Set(api.HeaderResult, "{}")
		case api.Plain:
			_, _ = w.Write(text)
		default:
			_, _ = w.Write(slices.Concat([]byte(`{"result":`), text, []byte("}\n")))
		}
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

var (
	latin = regexp.MustCompile(`[A-Za-z]{2,}`)
	// typed is what is the same in every language: names of standards and units, what one types, and codes behind their words.
	typed = regexp.MustCompile(`entente( [a-z-]+)*( [A-Z]+)?|--role [a-z]+|--[a-z-]+|docs/[a-z.]+|config\.yaml|peer\.listen|guard\.prevalence|null|notify|\([a-z-]+\)|SHA-256|TLP|TLS|UTC|STIX|MUST|SHOULD|\b(DIR|FILE)\b|[0-9a-f]{64}|[KMG]iB|\bid\b`)
)

// remarked are names of fields that hold a remark of the program, and written are fields by such a name that hold a code or what a
// person wrote, which nobody translates.
var (
	remarked = []string{"Reason", "Why", "Error", "Errors", "Problem", "Problems", "Fault", "Detail", "Message", "Notes", "GuardHit.Text", "ProofView.Text", "HeldEntry.Text", "DoctorFinding.What", "DoctorFinding.Next"}
	written  = []string{"MemberBrief.Fault", "SideJournal.Fault", "SaidView.Reason", "ExhibitStepView.Reason", "HeldAct.Reason"}
)

// remarks fills each field of an answer that holds what the program remarks with a sentence of its own.
func remarks(t *testing.T) map[string]string {
	out := map[string]string{}
	var walk func(reflect.Type, int)
	walk = func(typ reflect.Type, depth int) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			walk(typ.Elem(), depth+1)
		case reflect.Struct:
			if depth > 14 {
				return
			}
			for i := range typ.NumField() {
				x := typ.Field(i)
				name := typ.Name() + "." + x.Name
				of := x.Type
				if of.Kind() == reflect.Slice {
					of = of.Elem()
				}
				if of.Kind() == reflect.String && (slices.Contains(remarked, x.Name) || slices.Contains(remarked, name)) && !slices.Contains(written, name) {
					if out[name] == "" {
						out[name] = fmt.Sprintf("more than %d levels", 100+len(out)) // the number tells which it is
					}
				} else {
					walk(x.Type, depth+1)
				}
			}
		}
	}
	for _, o := range api.Operations() {
		if o.Response != nil {
			walk(reflect.TypeOf(o.Response), 0)
		}
	}
	if len(out) < 20 {
		t.Errorf("only %v hold remarks", out)
	}
	return out
}

// TestCommandsSpeakTheReadersLanguage: whatever a command of the desk prints stands in the reader's language. The examples of every
// such command are run in Chinese and Russian, which are not written in Latin letters, against answers without letters.
func TestCommandsSpeakTheReadersLanguage(t *testing.T) {
	dir, work := t.TempDir(), t.TempDir()
	f := new(filling)
	answering(t, dir, f)
	t.Chdir(work)
	for _, name := range []string{"disk.raw", "mails/1", "what.txt", "why.txt", "answer.txt", "question.txt", "question.fr.txt", "statement.en.txt", "statement.vi.txt", "statement.fr.txt", "again.txt", "published.txt", "partners.txt", "list.json",
		"bundle.json", "*.json", "page.html", "blocklist.txt", "feed.csv", "saved-page.txt", "north.key", "old.key", "north.courier", "invitation.txt"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("request.yaml", []byte("format: entente/request/v1\ntype: information\nurgency: routine\ntitle: \"1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"accord.yaml", "old.yaml", "new.yaml"} {
		if err := os.WriteFile(name, accord.Example("complete"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	desk := []string{"import", "share", "intake", "search", "release", "feed", "guard", "sighting", "journal", "audit", "backup", "rebuild", "identity", "officer", "token", "unit", "accord", "sync", "courier",
		"request", "hotline", "contact", "notify", "case", "commitment", "statement", "leak", "review", "exhibit", "dossier", "status",
		"unit suspend", "unit resume", "unit notice", "unit withdraw", "accord accept", "accord sign", "accord reserve"}
	codes := map[string]string{"ExhibitView.State": "adding", "CommitmentView.Form": "standing", "ExhibitStepView.Act": "handed", "ExhibitHolder.Position": "holds", "SaidView.Refused": "wrong-side",
		"LineView.What": "case.event", "LineView.Of": "reply", "LeakView.Kind": "share", "LinkView.Kind": "request.answer", "Decision.Verdict": "hold", "Pairing.State": "compare"}
	// What these print is not this program's: the accord, in its own languages, and what is wrong with it; or they read a folder.
	others := []string{"accord check", "accord diff", "accord example", "accord show", "journal verify"}
	ran := 0
	for i, fill := range []filling{{yes: true}, {}, {empty: true}, {yes: true, codes: codes}, {yes: true, codes: remarks(t)}} {
		*f = fill
		tags := []string{"zh", "ru"}
		if i == 4 {
			tags = tags[:1]
		}
		var walk func(*cobra.Command)
		walk = func(c *cobra.Command) {
			path := strings.TrimPrefix(c.CommandPath(), "entente ")
			if c.HasSubCommands() {
				for _, child := range c.Commands() {
					walk(child)
				}
			}
			if !slices.ContainsFunc(desk, func(d string) bool { return path == d || strings.HasPrefix(path, d+" ") }) || c.HasSubCommands() && path != "review" || slices.Contains(others, path) {
				return
			}
			for line := range strings.SplitSeq(c.Example, "\n") {
				args := split(strings.TrimSpace(line))[1:]
				if slices.ContainsFunc(args, func(s string) bool { return s == "--json" || s == "--csv" }) || strings.ContainsAny(line, "<>|") || strings.HasPrefix(strings.TrimSpace(line), "LANG") || !strings.HasPrefix(strings.TrimSpace(line), "entente ") {
					continue
				}
				for _, tag := range tags {
					var out, errs bytes.Buffer
					for _, left := range []string{"bag-3f9a12", "review.html", "dossier.entente", "case.entente", "statement.entente", "new.key"} {
						if err := os.RemoveAll(left); err != nil {
							t.Fatal(err)
						}
					}
					args := slices.Clone(args)
					for i := range args {
						args[i] = strings.TrimPrefix(strings.TrimPrefix(args[i], "/media/stick/"), "/media/disk/")
					}
					if path == "exhibit add" {
						args = append(slices.Clone(args), "--no-wait")
					}
					if path == "request show" && slices.Contains(args, "--lang") { // it names a language of its own
						args = args[:len(args)-2]
					}
					env := func(name string) string { return map[string]string{"LC_ALL": tag}[name] }
					code := Main(t.Context(), append(slices.Clone(args), "--dir", dir), strings.NewReader("1"), &out, &errs, env)
					if code == exitUsage || code == exitNotFound || out.Len() == 0 && !fill.empty {
						t.Errorf("%s exits %d and prints %q, %q", line, code, out.String(), errs.String())
						continue
					}
					ran++
					text := out.String() + errs.String()
					for _, a := range slices.SortedFunc(slices.Values(args[strings.Count(path, " ")+1:]), func(a, b string) int { return len(b) - len(a) }) {
						text = strings.ReplaceAll(text, a, "")
					}
					if left := latin.FindAllString(typed.ReplaceAllString(text, ""), -1); left != nil {
						t.Errorf("%s, %+v, in %s: %q\n%s", strings.TrimSpace(line), fill, tag, left, out.String()+errs.String())
					}
				}
			}
		}
		walk((&app{env: func(string) string { return "" }}).root())
	}
	if ran < 300 {
		t.Errorf("only %d command lines ran", ran)
	}
}
