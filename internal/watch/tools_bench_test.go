package watch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/watch"
	"entente/internal/watch/compound"
	"entente/internal/watch/logs"
	"entente/internal/watch/pass"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// lists writes what other tools look for and the log, and gives both, and a log of one line.
func lists(b *testing.B, inds []watch.Indicator, log []byte) (list, file, empty string) {
	b.Helper()
	dir := b.TempDir()
	var text bytes.Buffer
	for _, ind := range inds {
		text.WriteString(ind.Value.Text + "\n")
	}
	for name, content := range map[string][]byte{"list": text.Bytes(), "log": log, "empty": log[:bytes.IndexByte(log, '\n')+1]} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return filepath.Join(dir, "list"), filepath.Join(dir, "log"), filepath.Join(dir, "empty")
}

// BenchmarkTools runs other tools on the same log of Zeek DNS in JSON, as far as they are there, beside this one in the same run: MB per second of
// processor time without what it takes to begin with the same list (measured with a log of one line), how many times as fast this one is, and how many
// lines each finds. ENTENTE_BENCH_TOOLS_MB is the size of the log, ENTENTE_DUCKDB a folder in which @duckdb/node-api is installed.
func BenchmarkTools(b *testing.B) {
	lines := templates(b, "zeek-dns.json.gz", 20_000)
	stock := takeStock(b)
	inds := stock.indicators(b, amount("ENTENTE_BENCH_WATCH", 1_000_000))
	log := stock.input(lines, amount("ENTENTE_BENCH_TOOLS_MB", 64)<<20, inds)
	list, file, empty := lists(b, inds, log)
	set, _, _ := load(b, inds)
	keys, err := logs.Keys("zeek-json", logs.Options{})
	if err != nil {
		b.Fatal(err)
	}
	own, found := 0.0, 0
	for range 3 {
		f, err := logs.New("zeek-json", logs.Options{})
		if err != nil {
			b.Fatal(err)
		}
		var r record.Record
		found = 0
		s := watch.NewScanner(func() *watch.Set { return set }, keys)
		start := cpu()
		for p := range slices.Chunk(log, 256<<10) {
			s.Scan(p, func(line []byte, at int64) {
				if err := f.Decode(line, &r); err != nil {
					return
				}
				hit := false
				for _, v := range r.Fields {
					set.Match(v, r.Time, func(watch.Hit) { hit = true })
				}
				if hit {
					found++
				}
			})
		}
		s.End(func([]byte, int64) {})
		own = max(own, float64(len(log))/1e6/(cpu()-start).Seconds())
	}
	b.Run("entente", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(own, "MB/cpu-s")
		b.ReportMetric(float64(found), "lines")
	})
	tools := "testdata/tools"
	// command gives how a tool is called with a log; nil if it is not there. own tells that it says its time itself.
	for _, tool := range []struct {
		name string
		tell bool
		of   func(b *testing.B, log string) *exec.Cmd
	}{
		{"grep-F", false, func(_ *testing.B, log string) *exec.Cmd { return exec.Command("grep", "-c", "-F", "-f", list, log) }},
		{"mawk", false, func(_ *testing.B, log string) *exec.Cmd {
			return exec.Command("mawk", "-f", filepath.Join(tools, "join.awk"), list, log)
		}},
		{"gawk", false, func(_ *testing.B, log string) *exec.Cmd {
			return exec.Command("gawk", "-f", filepath.Join(tools, "join.awk"), list, log)
		}},
		{"hyperscan", true, func(b *testing.B, log string) *exec.Cmd {
			program := filepath.Join(filepath.Dir(list), "hyperscan")
			if _, err := os.Stat(program); err != nil {
				if out, err := exec.Command("cc", "-O2", filepath.Join(tools, "hyperscan.c"), "-lhs", "-o", program).CombinedOutput(); err != nil {
					b.Skipf("without libhyperscan: %v %.200s", err, out)
				}
			}
			return exec.Command(program, list, log)
		}},
		{"duckdb", true, func(b *testing.B, log string) *exec.Cmd {
			dir := os.Getenv("ENTENTE_DUCKDB")
			if dir == "" {
				b.Skip("without ENTENTE_DUCKDB")
			}
			script, err := filepath.Abs(filepath.Join(tools, "duckdb.mjs"))
			if err != nil {
				b.Fatal(err)
			}
			c := exec.Command("node", script, list, log)
			c.Dir = dir
			return c
		}},
	} {
		b.Run(tool.name, func(b *testing.B) {
			// run gives the processor time, and the lines that were found.
			run := func(log string) (time.Duration, int) {
				c := tool.of(b, log)
				if _, err := exec.LookPath(c.Path); err != nil {
					b.Skip("it is not here: ", err)
				}
				c.Env = append(os.Environ(), "LC_ALL=C")
				c.Stderr = os.Stderr
				out, err := c.Output()
				if err != nil && c.ProcessState == nil {
					b.Fatal(err)
				}
				if tool.tell {
					var said struct {
						Compile, Scan float64
						Lines         int
					}
					if err := json.Unmarshal(out, &said); err != nil {
						b.Fatalf("%v: %.200s", err, out)
					}
					return time.Duration(said.Scan * float64(time.Second)), said.Lines
				}
				n := 0
				_, _ = fmt.Sscan(strings.TrimSpace(string(out)), &n) // grep -c says nothing where it finds nothing
				return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), n
			}
			best, lines := 0.0, 0
			for b.Loop() {
				begin := time.Duration(0)
				if !tool.tell {
					begin, _ = run(empty)
				}
				took, n := run(file)
				best, lines = max(best, float64(len(log))/1e6/max(took-begin, time.Microsecond).Seconds()), n
			}
			b.ReportMetric(best, "MB/cpu-s")
			b.ReportMetric(own/best, "times-as-fast")
			b.ReportMetric(float64(lines), "lines")
		})
	}
}

// BenchmarkBeside measures what 10,000 patterns of several values cost beside the set, on the whole way of a log: the same log is read
// without and with them, in turns.
func BenchmarkBeside(b *testing.B) {
	const patterns = 10_000
	lines := templates(b, "zeek-dns.json.gz", 20_000)
	stock := takeStock(b)
	inds := stock.indicators(b, amount("ENTENTE_BENCH_WATCH", 1_000_000))
	engine, table := compound.New(compound.Options{}), &compound.Table{}
	var atoms []watch.Indicator
	for i := range patterns {
		value := func(k int) string { return fmt.Sprintf("p%d-%d.of-patterns.net", i, k) }
		text := map[int]string{
			0: "([domain-name:value = '%s'] FOLLOWEDBY [domain-name:value = '%s']) WITHIN 600 SECONDS",
			1: "[domain-name:value = '%s'] AND [domain-name:value = '%s']",
			2: "[domain-name:value = '%s' AND domain-name:resolves_to_refs[*].value = '198.51.100.7'] OR ([domain-name:value = '%s'] REPEATS 5 TIMES WITHIN 60 SECONDS)",
		}[i%3]
		id, values, err := engine.Add(fmt.Sprintf(text, value(0), value(1)))
		if err != nil {
			b.Fatal(err)
		}
		table.Set(id, values)
		for k, v := range values {
			atoms = append(atoms, watch.Indicator{ID: fmt.Sprintf("indicator--%08x-3333-4333-8333-000000000000", i), Value: v, Atom: uint16(k + 1)})
		}
	}
	log := stock.input(lines, amount("ENTENTE_BENCH_WATCH_MB", 128)<<20, append(slices.Clone(inds), atoms...)) // they are met as often as others
	build := func(all ...[]watch.Indicator) *watch.Set {
		builder := watch.NewBuilder(watch.Seed{5, 6})
		for _, list := range all {
			for _, ind := range list {
				if err := builder.Add(ind); err != nil {
					b.Fatal(err)
				}
			}
		}
		return builder.Set()
	}
	without, with := build(inds), build(inds, atoms)
	var hits []compound.ID
	run := func(set *watch.Set, read func(*record.Record, string, int64)) float64 {
		p := pass.New(pass.Options{Set: func() *watch.Set { return set }, Sightings: &sighting.Table{}, Read: read})
		s, err := p.Open("log", pass.State{})
		if err != nil {
			b.Fatal(err)
		}
		start := cpu()
		for part := range slices.Chunk(log, 256<<10) {
			s.Write(part, time.Time{})
		}
		s.Flush(time.Time{})
		return float64(len(log)) / 1e6 / (cpu() - start).Seconds()
	}
	matches := 0
	bare, beside := 0.0, 0.0
	for b.Loop() {
		bare = max(bare, run(without, nil))
		beside = max(beside, run(with, func(r *record.Record, _ string, _ int64) {
			hits = table.Find(hits[:0], r)
			engine.Take(r, hits, 0, func(compound.Match) { matches++ })
		}))
	}
	b.ReportMetric(bare, "MB/cpu-s-without")
	b.ReportMetric(beside, "MB/cpu-s")
	b.ReportMetric((1-beside/bare)*100, "%slower")
	b.ReportMetric(float64(engine.Counts().Records)/float64(b.N), "looks")
	b.ReportMetric(float64(matches)/float64(b.N), "matches")
}
