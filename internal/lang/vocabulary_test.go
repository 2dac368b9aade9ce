package lang_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/audit"
	"entente/internal/desk"
	"entente/internal/lang"
	"entente/internal/officer"
	"entente/internal/watch/asset"
)

// constants are the values of the string constants of a package whose names begin with a prefix.
func constants(t *testing.T, dir, prefix string) []string {
	return consts(t, dir, func(name, _ string) bool { return strings.HasPrefix(name, prefix) && name != prefix })
}

// consts are the values of the string constants of a package that are wanted by name and type ("" for none), without
// empty ones.
func consts(t *testing.T, dir string, want func(name, typ string) bool) []string {
	t.Helper()
	var out []string
	for _, file := range sources(t, "../../"+dir, ".go") {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				typ := ""
				if id, ok := v.Type.(*ast.Ident); ok {
					typ = id.Name
				}
				for i, name := range v.Names {
					if i >= len(v.Values) || !want(name.Name, typ) {
						continue
					}
					if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						value, err := strconv.Unquote(lit.Value)
						if err != nil {
							t.Fatal(err)
						}
						if value != "" {
							out = append(out, value)
						}
					}
				}
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no such constant", dir)
	}
	return out
}

// movesOf are the constants of package desk that name moves: by prefix and without a type, but for those of states and words.
func movesOf(t *testing.T, prefix string, others ...string) []string {
	return consts(t, "internal/desk", func(name, typ string) bool {
		return typ == "" && strings.HasPrefix(name, prefix) && name != prefix && !slices.Contains(others, strings.TrimPrefix(name, prefix))
	})
}

func ofType(t *testing.T, want, prefix string) []string {
	return consts(t, "internal/desk", func(name, typ string) bool { return typ == want && strings.HasPrefix(name, prefix) })
}

// sources are the files of a folder, without tests.
func sources(t *testing.T, dir, ext string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ext) && !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// problems are the codes of errors that faces show, as the code names them.
func problems(t *testing.T) []string {
	codes := constants(t, "internal/node", "Code")
	literal := regexp.MustCompile(`(?:conflict\(|(?:\*?Problem|node\.Error|[^n]Error)\{[^\n]*Code: )"([a-z-]+)"`)
	field := regexp.MustCompile(`p\.(?:Status, p\.)?Code(?:, p\.Title)? = (?:http\.\w+, )?"([a-z-]+)"`)
	for _, dir := range []string{"internal/node", "internal/api", "internal/cli", "internal/web"} {
		for _, file := range sources(t, "../../"+dir, ".go") {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, re := range []*regexp.Regexp{literal, field} {
				for _, m := range re.FindAllStringSubmatch(string(text), -1) {
					codes = append(codes, m[1])
				}
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// vocabulary is every code that people are shown, by family, taken from the code itself.
func vocabulary(t *testing.T) map[string][]string {
	states := []string{"draft"}
	for _, s := range desk.States() {
		states = append(states, string(s))
	}
	fields := []string{"reason", "reason.help"} // of a refusal; the others are those of the form
	for _, f := range desk.Fields() {
		fields = append(fields, f.Name, f.Name+".help")
	}
	var roles []string
	for _, r := range officer.Roles() {
		roles = append(roles, string(r))
	}
	return map[string][]string{
		"role": roles, "opens": roles, "how": append(officer.Ways(), "token"), "officer-state": consts(t, "internal/officer", func(_, typ string) bool { return typ == "State" }),
		"audit-kind": {audit.Officer, audit.Token, audit.Console, audit.Nobody, audit.Node}, "channel": {"webhook", "mail", "command"}, "mailtls": {"starttls", "implicit", "none"}, "setting": {"kind", "address", "server", "user", "from", "to", "secret", "ca", "language"}, "key": constants(t, "internal/node", "Key"), "key-is": constants(t, "internal/node", "Key"), "rank": constants(t, "internal/node", "Rank"), "setup": constants(t, "internal/node", "Setup"), "setup-why": constants(t, "internal/node", "Setup"), "scope": consts(t, "internal/node", func(_, typ string) bool { return typ == "Scope" }),
		"state": states, "move": desk.Moves(), "type": desk.Types(), "side": {string(desk.Asking), string(desk.Asked)},
		"day":     {"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
		"urgency": {accord.Emergency, accord.Urgent, accord.Routine},
		"stage":   constants(t, "internal/accord", "Stage"), "basis": desk.Bases(),
		"desk": constants(t, "internal/desk", "Code"), "gate": constants(t, "internal/accord", "Code"),
		"stopped": {"held", "refused"}, "marked": {"marked", "unmarked-and-counts-as"},
		"verdict": {accord.Allow.String(), accord.Hold.String(), accord.Refuse.String()},
		"refusal": accord.RefusalCodes(), "score": desk.Scores(), "field": fields, "written": constants(t, "internal/desk", "Field"), "translation": desk.Translations(),
		"problem": problems(t), "pairing": {"compare", "confirmed-here", "confirmed-there", "done", "failed"},
		"proposal": append([]string{"propose", "counter", "amend"}, constants(t, "internal/unit", "Status")...), "accord-move": {"accept", "sign", "reserve"}, "validity": {"1h", "24h", "168h", "720h", "2160h", "8760h"},
		"ask": {"share", "request.send", "hotline.call", "exhibit.add", "case.open", "statement.propose"}, "done": {"accord-accept", "accord-sign", "accord-reserve"},
		"instate": {"quarantined", "accepted", "rejected", "all"}, "notify": constants(t, "internal/notify", "Kind"),
		"need": append(movesOf(t, "Need", "Info"), constants(t, "internal/notify", "Item")...), "claim": desk.ClaimClasses(), "claims": desk.ClaimClasses(), "confidence": desk.Confidences(),
		"precision": desk.Precisions(), "outcome": desk.Outcomes(), "case-state": {desk.CaseIsOpen, desk.CaseIsClosed}, "case-move": movesOf(t, "Case", "IsOpen", "IsClosed"),
		"commitment-state": {desk.CommitOpen, desk.CommitKept, desk.CommitReleased}, "commitment-form": desk.Forms(), "standing": desk.Standings(), "rhythm": desk.Rhythms(),
		"commitment-move": movesOf(t, "Commit", "Open", "Kept", "Released"),
		"statement-state": {desk.StatementProposed, desk.StatementDeclined, desk.StatementComplete, desk.StatementRetracted},
		"statement-form":  {desk.JointStatement, desk.OwnStatement},
		"statement-move":  movesOf(t, "Statement", "Proposed", "Declined", "Complete", "Retracted"),
		"leak-answer":     desk.LeakAnswers(), "leak-move": movesOf(t, "Leak", "Own", "Deny", "Unknown"),
		"exhibit-state": ofType(t, "ExhibitState", ""), "position": ofType(t, "Position", ""), "custody": desk.Acts(), "exhibit-move": movesOf(t, "Exhibit"),
		"call-state": {string(desk.Ringing), string(desk.Acknowledged), string(desk.Closed), string(desk.Cancelled), string(desk.Answered), string(desk.Coming), string(desk.UnderWay), string(desk.Drilled), string(desk.NotDrilled)},
		"call-move":  {desk.Ring, desk.Acknowledge, desk.Escalate, desk.Say, desk.Close, desk.Announce}, "contact-move": {desk.Confirm, desk.Ping, desk.Answer}, "contact": constants(t, "internal/desk", "Kind"),
		"review-state": ofType(t, "State", "Review"), "review-move": movesOf(t, "Review"), "difference": constants(t, "internal/review", "Diff"),
		"unit":  {"founding", "in-force", "suspended", "partly-suspended", "withdrawn", "retired"},
		"kind":  slices.Concat(constants(t, "journal", "Kind"), constants(t, "internal/unit", "Kind"), []string{"request", "accord", "hotline", "contact", "case", "commitment", "statement", "leak", "exhibit", "review", "call", "ping", "request-or-case"}),
		"check": constants(t, "internal/node", "Step"), "held": constants(t, "internal/node", "Held"), "absent": constants(t, "internal/node", "Absent"),
		"void": constants(t, "internal/unit", "Code"), "fault": constants(t, "journal", "Code"), "reason": example(t).Suspension.Codes,
		"weight": consts(t, "internal/dossier", func(_, typ string) bool { return typ == "Weight" }), "weight-is": {"disputed", "claimed", "open", "noted"},
		"each": {"bytes", "entries", "events", "files", "journals", "objects", "payloads"},
		"part": parts(t), "finding": constants(t, "internal/dossier", "Code"), "rule": {"bad-entry", "oversize", "wrong-unit", "wrong-author", "wrong-origin", "wrong-index", "back-dated", "bad-seen", "bad-signature", "bad-identity"},
		"shows":      {"signed-head", "signed-entry", "statement"},
		"asset-kind": asset.Kinds(), "asset-finding": {asset.Lookalike, asset.Attack}, "lookalike": consts(t, "internal/watch/lookalike", func(_, typ string) bool { return typ == "Reason" }),
		"record-role": consts(t, "internal/watch/record", func(_, typ string) bool { return typ == "Role" }), "chosen": constants(t, "internal/node", "byP"),
		"alarm": alarms(),
		"says":  {"receipt", "no-receipt", "in-time", "late", "evidence", "nothing", "no-report"},
	}
}

// alarms are the texts that drafts about findings are made of.
func alarms() (out []string) {
	for _, part := range []string{"title", "purpose", "what", "seen", "source", "ask"} {
		out = append(out, part+"-"+asset.Attack, part+"-"+asset.Lookalike)
	}
	return append(out, "window", "why", "why-window")
}

// parts are those of a dossier, as keys name them.
func parts(t *testing.T) (out []string) {
	for _, part := range constants(t, "internal/dossier", "Part") {
		out = append(out, strings.NewReplacer(" ", "-", "'", "").Replace(part))
	}
	return out
}

// TestEveryCodeHasAText in every language; TestCatalogs holds the languages equal.
func TestEveryCodeHasAText(t *testing.T) {
	words := vocabulary(t)
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		for family, codes := range words {
			for _, code := range codes {
				if !c.Has(family + "." + code) {
					t.Errorf("%s: no text for %s.%s", tag, family, code)
				}
			}
		}
	}
}

// example is the accord as it comes.
func example(t *testing.T) *accord.Document {
	t.Helper()
	doc, problems, err := accord.Parse(accord.Example("complete"))
	if err != nil {
		t.Fatal(err, problems)
	}
	return doc
}

// TestTypesAndFieldsOfTheAccord: what the accord as it comes offers has labels.
func TestTypesAndFieldsOfTheAccord(t *testing.T) {
	for _, r := range example(t).Requests.Types {
		for _, f := range r.Fields {
			if !slices.ContainsFunc(desk.Fields(), func(x desk.Field) bool { return x.Name == f }) {
				t.Errorf("type %s demands %s, which has no label", r.Type, f)
			}
		}
		if !lang.English().Has("type." + r.Type) {
			t.Errorf("type %s has no text", r.Type)
		}
	}
}

// TestNoKeyIsUnused: a key is a code of the program, or a face names it.
func TestNoKeyIsUnused(t *testing.T) {
	used := map[string]bool{"language": true}
	for family, codes := range vocabulary(t) {
		for _, code := range codes {
			used[family+"."+code] = true
		}
	}
	var text strings.Builder
	for _, dir := range []string{"lang", "node", "notify", "api", "cli", "web", "review", "dossier"} {
		for _, ext := range []string{".go", ".html"} {
			for _, file := range sources(t, "../"+dir, ext) {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				text.Write(b)
			}
		}
	}
	for _, key := range lang.Keys() {
		if !used[key] && !strings.Contains(text.String(), strconv.Quote(key)) && !strings.HasPrefix(key, "time.month.") {
			t.Errorf("nobody uses %s", key)
		}
	}
}

// TestEveryKeyThatIsNamedExists: a face that names a key has its text.
func TestEveryKeyThatIsNamedExists(t *testing.T) {
	named := regexp.MustCompile(`[{( ]t "([a-z][a-z.-]+)"|\.Text\("([a-z][a-z.-]+)"|Key: +"([a-z][a-z.-]+)"|"(done\.[a-z.-]+)"`)
	found := 0
	for _, dir := range []string{"node", "notify", "api", "cli", "web", "review", "dossier"} {
		for _, ext := range []string{".go", ".html"} {
			for _, file := range sources(t, "../"+dir, ext) {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range named.FindAllStringSubmatch(string(b), -1) {
					key := strings.Join(m[1:], "")
					if found++; !lang.English().Has(key) && !strings.HasSuffix(key, ".") && !strings.HasSuffix(key, "-") { // a part that a code is put behind is no key
						t.Errorf("%s names %s, which has no text", file, key)
					}
				}
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d keys are named: the test looks at nothing", found)
	}
}
