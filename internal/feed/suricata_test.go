package feed

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rulesByUpdate has the rule parser of suricata-update read a file, and prints what it found, one rule a line.
const rulesByUpdate = `
import json, sys
from suricata.update import rule
for r in rule.parse_file(sys.argv[1]):
    print(json.dumps({"sid": r.sid, "rev": r.rev, "msg": r.msg, "enabled": r.enabled, "action": r.action, "raw": r.raw}))
`

// TestSuricataUpdate: the parser of rules that comes with Suricata reads each rule of the feed as one that is on, with an id of
// its own.
func TestSuricataUpdate(t *testing.T) {
	tool := program(t, "suricata-update")
	text, err := os.ReadFile(tool)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	python, isScript := strings.CutPrefix(line, "#!")
	if !isScript || strings.Contains(python, " ") {
		t.Skipf("%s begins with %q: it is not known how to reach its parser", tool, line)
	}
	rules := written(t, t.TempDir(), "suricata-rules")
	file, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for l := range strings.Lines(string(file)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			want[l] = true
		}
	}
	script := filepath.Join(t.TempDir(), "rules.py")
	if err := os.WriteFile(script, []byte(rulesByUpdate), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script, rules)
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	sids := map[int]bool{}
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		var r struct {
			SID, Rev         int
			Msg, Action, Raw string
			Enabled          bool
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if sids[r.SID] || r.SID < 9_810_000 || r.SID >= 9_820_000 || r.Rev < 1 || !strings.HasPrefix(r.Msg, "ENTENTE ") || !r.Enabled || r.Action != "alert" || !want[r.Raw] {
			t.Errorf("%s", lines.Bytes())
		}
		sids[r.SID] = true
	}
	if len(want) == 0 || len(sids) != len(want) || told.Len() > 0 {
		t.Errorf("%d rules of %d are read\n%s", len(sids), len(want), told.String())
	}
}
