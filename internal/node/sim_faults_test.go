package node

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"entente/internal/store/storetest"
)

var (
	simFaults     = flag.Bool("sim.faults", false, "plant each fault, and expect the simulator to find it")
	simFaultSeeds = flag.Int("sim.faultseeds", 300, "how many seeds each planted fault may take")
	simFaultOnly  = flag.String("sim.fault", "", "plant only the fault of this name")
)

// plantedFault is a mistake somebody could make: pieces of the source, replaced in a
// copy that only the compiler of one run sees. The tree is not touched.
type plantedFault struct {
	name    string
	what    string
	promise string // which has to catch it: the beginning of a violation, or several with |
	changes []change
}

type change struct{ file, old, new string }

var plantedFaults = []plantedFault{
	{"log-not-synced", "a head is told of entries whose log was not synced", "durable, then said|every receipt", []change{
		{"internal/store/records.go", "if err := r.log.Sync(); err != nil {\n\t\tr.broken", "if err := error(nil); err != nil {\n\t\tr.broken"}}},
	{"folder-not-synced", "a file is renamed into its place and the folder is not synced", "durable, then said|every receipt|nothing acknowledged", []change{
		{"internal/store/fs.go", "return true, fsys.SyncDir(filepath.Dir(name))", "return true, nil"}}},
	{"payload-not-synced", "a received payload is receipted before its folder is synced", "every receipt", []change{
		{"internal/store/payloads.go", "for folder := range touched {\n\t\tif err := p.fs.SyncDir(folder); err != nil {\n\t\t\treturn fmt.Errorf(\"store: keeping payloads", "for folder := range touched {\n\t\tif err := error(nil); err != nil {\n\t\t\t_ = folder\n\t\t\treturn fmt.Errorf(\"store: keeping payloads"},
		{"internal/store/payloads.go", "errors.Join(err, headErr, f.Close(), p.settle(folder))", "errors.Join(err, headErr, f.Close(), func() error { _ = folder; return nil }())"}}},
	{"receipt-of-the-missing", "a receipt does not name the payloads that have not come", "every receipt", []change{
		{"internal/node/exchange.go", "Root: head.Root, Missing: missing}})", "Root: head.Root}})"}}},
	{"mark-ignored", "the high-water mark is written and not looked at", "no node signs two heads|an honest node never", []change{
		{"internal/node/own.go", "\t\tp.HighWater = &mark\n", "\t\t_, have, _ := journal.CheckpointHead(cp)\n\t\tp.HighWater = &have\n"},
		{"internal/node/own.go", "if err := l.n.marks.Raise(l.origin(), head); err != nil {\n\t\treturn err\n\t}\n\tl.marked = head", "_ = l.n.marks.Raise(l.origin(), head)\n\tl.marked = head"}}},
	{"hand-over-without-gate", "a payload is handed over whatever the gate says", "a suspended unit|one way out", []change{
		{"internal/node/exchange.go", "if d.Verdict != accord.Allow {\n\t\treturn peer.Payload{}", "if d.Verdict != accord.Allow && false {\n\t\treturn peer.Payload{}"}}},
	{"suspension-ignored", "the gate is not told of suspensions", "a suspended unit", []change{
		{"internal/unit/view.go", "if f.isMember(v, s.lane.party) && !v.withdrawn[s.lane.party] {", "if false {"}}},
	{"ceiling-ignored", "the marking of an object is not looked at before it leaves", "one way out", []change{
		{"internal/node/share.go", "s := sharedObject{id: o.ID, typ: o.Type, tlp: o.TLP,", "s := sharedObject{id: o.ID, typ: o.Type, tlp: stix.TLPClear,"}}},
	{"applied-twice", "a payload that was taken in is taken in again", "nothing is applied twice", []change{
		{"internal/intel/receive.go", "} else if ok {\n\t\treturn in.again(ctx, base)", "} else if ok && false {\n\t\treturn in.again(ctx, base)"},
		{"internal/node/intelligence.go", takenInOld, takenInNew}}},
	{"order-of-arrival", "the state lists entries in the order in which their journals came", "state is a fold", []change{
		{"internal/unit/received.go", "func compareRecords(a, b *record) int { return desk.CompareRefs(a.ref(), b.ref()) }", "func compareRecords(a, b *record) int {\n\tif a.lane != b.lane {\n\t\treturn a.lane.slot - b.lane.slot\n\t}\n\treturn desk.CompareRefs(a.ref(), b.ref())\n}"}}},
	{"signature-not-checked", "a checkpoint is believed without its signatures", "no node signs two heads|an honest node never", []change{
		{"journal/keyring.go", "return Head{}, nil, k.classify(c.N, err)\n\t}\n\tcanonical,", "return Head{c.N, c.Hash}, signed, nil\n\t}\n\tcanonical,"}}},
	{"stale-is-guilt", "an old head counts as a contradiction", "an honest node never", []change{
		{"internal/node/exchange.go", staleOld, staleNew}}},
	{"time-goes-back", "an entry may be dated before the one before it", "time never goes back", []change{
		{"journal/writer.go", "if led.last != nil && at.Before(led.last.At) {", "if false {"},
		{"journal/rule.go", "case e.At.Before(prev.At):", "case false:"}}},
	{"proof-forgotten", "a kept proof is forgotten when the node is started again", "undeniable", []change{
		{"internal/node/mirrors.go", "fault: l.file.Faults[o]", "fault: \"\""}}},
	{"draft-sent", "a draft is sent", "private stays private|nothing acknowledged", []change{
		{"internal/node/requests.go", "if r.Draft {\n\t\tid, err := n.saveDraft(r)", "if false {\n\t\tid, err := n.saveDraft(r)"}}},
	{"failed-sync-believed", "a sync that the disk fails counts as one that held", "durable, then said|every receipt|nothing acknowledged|after any crash|no node signs two heads|an honest node never", []change{
		{"internal/store/records.go", "if err := r.log.Sync(); err != nil {\n\t\tr.broken", "if err := r.log.Sync(); err != nil && false {\n\t\tr.broken"}}},
	{"rotation-over-older", "a node that was taken back rotates its identity as if it were the newest", "an honest node never|all come to rest", []change{
		{"internal/node/identity.go", "known, err := n.ownIdentities()", "known, err := slices.Clone(n.keys().chain), error(nil)"},
		{"internal/node/identity.go", "if retired != nil {", "if retired != nil && false {"}}},
	{"cosigned-not-stored", "a witness does not store what it cosigned", "a witness cosigns one history", []change{
		{"internal/node/witness.go", "return true, w.n.at.writeJSON(w.n.cosignedPath(o), next)", "return true, nil"}}},
	{"cosigned-not-remembered", "a witness cosigns a head whose entries are not here, and does not hold it against them when they come", "undeniable", []change{
		{"internal/node/witness.go", "if err := l.remember(o, m, \"\", signed); err != nil {", "if err := error(nil); err != nil {"},
		{"internal/node/witness.go", "if !slices.ContainsFunc(m.ahead, func", "if false && !slices.ContainsFunc(m.ahead, func"}}},
	{"cosignature-believed", "whatever a witness answers is journaled as its cosignature", "a cosignature that is shown verifies", []change{
		{"internal/peer/cosign.go", "return nil, fmt.Errorf(\"its answer is not its cosignature of this checkpoint: %w\", err)", "return lines, nil"}}},
	{"cosigned-two-overlooked", "two cosigned heads are held against each other only if they have one size", "undeniable", []change{
		{"internal/dossier/cosigned.go", "case w.Own && t.other.Head.Size > 0 && t.other.Head.Size < w.Head.Size:", "case false:"},
		{"internal/dossier/cosigned.go", "case !w.Own && t.own.Head.Size > w.Head.Size:", "case false:"}}},
	{"witness-keeps-its-key", "a witness goes on with its key when the marks are lost", "a witness cosigns one history", []change{
		{"internal/node/witness.go", "if err == nil && !whole {", "if err == nil && !whole && false {"}}},
	{"final-too-early", "what is held here counts as final, whoever else has it", "what was final", []change{
		{"internal/unit/finality.go", "out[i] = min(out[i], f.knows(p, l))", "_ = p"}}},
}

const (
	takenInOld = "err != nil || took {"
	takenInNew = "err != nil || took && false {"
	staleOld   = "if isStale(err) {\n\t\treturn &peer.Refusal"
	staleNew   = "if isStale(err) {\n\t\treturn l.caught(o, m, before, journal.CodeFork, err, nil, nil)\n\t}\n\tif isStale(err) {\n\t\treturn &peer.Refusal"
)

// overlay writes the changed files and says which ones they stand for.
func (f plantedFault) overlay(t *testing.T, dir string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, c := range f.changes {
		name := filepath.Join(root, filepath.FromSlash(c.file))
		if texts[name] == "" {
			texts[name] = string(must[[]byte](t)(os.ReadFile(name)))
		}
		if n := strings.Count(texts[name], c.old); n != 1 {
			t.Errorf("%s: %s holds the piece to replace %d times: %q", f.name, c.file, n, c.old)
		}
		texts[name] = strings.Replace(texts[name], c.old, c.new, 1)
	}
	replace := map[string]string{}
	for name, text := range texts {
		copied := filepath.Join(dir, fmt.Sprint(len(replace), "-", filepath.Base(name)))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[name] = copied
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, must[[]byte](t)(json.Marshal(map[string]any{"Replace": replace})), 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestPlantedFaults shows that the simulator is not too kind. By itself it checks that
// every fault still fits the source; make faults plants each of them.
func TestPlantedFaults(t *testing.T) {
	storetest.FoldersOnDisk(t)
	for _, f := range plantedFaults {
		if *simFaultOnly != "" && f.name != *simFaultOnly {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			list := f.overlay(t, t.TempDir())
			if !*simFaults || t.Failed() {
				return
			}
			// A seed that breaks a promise without the fault, too, shows nothing of it: the next
			// ones are tried.
			var seed uint64
			var what string
			for from := uint64(1); ; from = seed + 1 {
				if left := *simFaultSeeds - int(from) + 1; left > 0 {
					seed, what = firstFound(t, from, left, "-overlay", list)
				} else {
					seed = 0
				}
				if seed == 0 {
					t.Fatalf("%d seeds did not find it: %s", *simFaultSeeds, f.what)
				}
				if too, _ := firstFound(t, seed, 1); too == 0 {
					break
				}
				t.Logf("seed %d fails without the fault, too: %s", seed, what)
			}
			if !regexp.MustCompile(`^step \d+: (` + f.promise + `)`).MatchString(what) {
				t.Errorf("%s was found, but not where it breaks a promise: %s", f.what, what)
			}
			t.Logf("%s: seed %d: %s", f.what, seed, what)
		})
	}
}

// firstFound runs seeds in a program of its own, until one breaks a promise; 0 if none does.
func firstFound(t *testing.T, from uint64, seeds int, build ...string) (seed uint64, what string) {
	t.Helper()
	args := append([]string{"test", "-vet=off", "-run", "^TestSimulate$", "-v", "-timeout", "0"}, build...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, ".", fmt.Sprintf("-sim.from=%d", from), fmt.Sprintf("-sim.seeds=%d", seeds), "-sim.stop")...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return 0, ""
	}
	found := regexp.MustCompile(`seed (\d+) broke a promise:\s+(.*)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("the seeds could not be run: %v\n%s", err, lastLines(out))
	}
	if seed, err = strconv.ParseUint(string(found[1]), 10, 64); err != nil {
		t.Fatal(err)
	}
	return seed, string(found[2])
}

func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
