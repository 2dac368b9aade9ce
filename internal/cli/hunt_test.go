package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/logs"
	"entente/internal/watch/pass"
	"entente/internal/watch/past"
	"entente/internal/watch/record"
)

// indexLog adds a log to an index, as watch does.
func indexLog(t *testing.T, b *past.Builder, name, text string) {
	t.Helper()
	f, _, ok := logs.Detect([]byte(text), logs.Options{})
	if !ok {
		t.Fatalf("the format of %s cannot be told", name)
	}
	var r record.Record
	at := int64(0)
	for line := range strings.Lines(text) {
		err := f.Decode([]byte(strings.TrimRight(line, "\n")), &r)
		if err == nil {
			err = b.Add(t.Context(), &r, past.Place{Source: name, From: at, To: at + int64(len(line))})
		}
		if err != nil && !errors.Is(err, logs.ErrNothing) {
			t.Fatal(err)
		}
		at += int64(len(line))
	}
}

func huntRun(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(context.Background(), append([]string{"hunt"}, args...), strings.NewReader(""), &o, &e, func(string) string { return "" })
	return code, o.String(), e.String()
}

func TestHunt(t *testing.T) {
	dir := t.TempDir()
	day := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour)
	line := func(hour int, query, from, answer string) string {
		return fmt.Sprintf(`{"_path":"dns","ts":%q,"uid":"C1","id.orig_h":%q,"id.orig_p":4177,"id.resp_h":"10.0.0.100","id.resp_p":53,"proto":"udp","query":"%s","qtype_name":"A","answers":[%q]}`+"\n",
			day.Add(time.Duration(hour)*time.Hour+time.Minute).Format(time.RFC3339), from, query, answer)
	}
	plain := line(1, "www.Evil.example", "10.1.1.1", "203.0.113.9") + line(2, "good.example", "10.1.1.1", "198.51.100.1") + line(2, "evil.example", "10.1.1.2", "203.0.113.9") +
		line(5, "notevil.example", "10.1.1.3", "203.0.114.9") + line(6, `evil.example.good.example`, "10.1.1.3", "203.0.114.9") + line(7, `a.\u0065vil.example`, "10.1.1.3", "203.0.114.9")
	table := "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tanswers\n" +
		"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tvector[string]\n"
	for hour := range 24 {
		name := "host.example"
		if hour == 9 {
			name = "evil.example"
		}
		table += fmt.Sprintf("%d.5\tC1\t10.1.1.9\t4177\t10.0.0.100\t53\tudp\t%s\t203.0.113.77\n", day.Add(time.Duration(hour)*time.Hour).Unix(), name)
	}
	json1, tsv := filepath.Join(dir, "dns.json"), filepath.Join(dir, "dns.log.gz")
	if err := os.WriteFile(json1, []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(table)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tsv, z.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(dir, "past")
	x, err := past.Create(index)
	if err != nil {
		t.Fatal(err)
	}
	b := x.Builder()
	defer b.Close()
	indexLog(t, b, json1, plain)
	indexLog(t, b, tsv, table)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	code, out, errs := huntRun(t, "evil[.]example", "absent.example", "--index", index)
	if code != 6 || errs != "" {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	for _, want := range []string{"evil.example", "www.Evil.example", json1 + ", byte 0", tsv + ", byte ", `\u0065vil`, "absent.example", "24 of"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, not := range []string{"notevil.example", "good.example"} {
		if strings.Contains(out, not) {
			t.Errorf("%q in\n%s", not, out)
		}
	}

	list := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(list, []byte("# mine\nevil.example\n203.0.113.0/26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = huntRun(t, list, "--index", index, "--json", "--lines", "3", "--since", day.Format(time.RFC3339), "--until", day.Add(24*time.Hour).Format(time.RFC3339))
	var h hunted
	if err := json.Unmarshal([]byte(out), &h); err != nil || code != 6 {
		t.Fatalf("%d %v %s%s", code, err, out, errs)
	}
	if len(h.Values) != 2 || h.Hours != 24 || h.HoursKnown != 24 || len(h.Lines) != 3 || !h.More {
		t.Errorf("%+v", h)
	}
	hours := func(v huntedValue) (out []int) {
		for _, at := range v.Hours {
			out = append(out, int(at.Sub(day)/time.Hour))
		}
		return out
	}
	if got := fmt.Sprint(hours(h.Values[0]), hours(h.Values[1])); got != "[1 2 7 9] [1 2]" {
		t.Errorf("the hours are %s", got)
	}

	if code, out, _ = huntRun(t, "absent.example", "--index", index); code != 0 || !strings.Contains(out, "absent.example") {
		t.Errorf("%d %s", code, out)
	}
	if code, out, _ = huntRun(t, "evil.example", "--index", index, "--since", "1d"); code != 0 || !strings.Contains(out, "0 of") {
		t.Errorf("a day that no log is of: %d %s", code, out)
	}
	for want, args := range map[int][]string{
		2: {"evil.example"}, 4: {"evil.example", "--index", filepath.Join(dir, "nothing")},
	} {
		if code, out, errs := huntRun(t, args...); code != want {
			t.Errorf("%v: %d, want %d: %s%s", args, code, want, out, errs)
		}
	}
	for _, args := range [][]string{{"no value at all"}, {"evil.example", "--since", "yesterday"}, {"evil.example", "--since", "1d", "--until", "2d"}, {"evil.example", "--lines", "-1"}} {
		if code, _, errs := huntRun(t, append(args, "--index", index)...); code != 2 || errs == "" {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}

	// The logs go, and the hours stay.
	if err := os.Remove(tsv); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(json1, []byte(plain[:100]), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ = huntRun(t, "evil.example", "--index", index); code != 6 || strings.Count(out, "cannot be read again") < 1 || !strings.Contains(out, "4 ") {
		t.Errorf("%d %s", code, out)
	}
	// A damaged part is said, and is not a "no".
	names, err := filepath.Glob(filepath.Join(index, "*.past"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := os.Truncate(names[0], 200); err != nil {
		t.Fatal(err)
	}
	if code, out, _ = huntRun(t, "evil.example", "--index", index); code != 1 || !strings.Contains(out, filepath.Base(names[0])) {
		t.Errorf("%d %s", code, out)
	}
}

// TestHuntMarkedLog: of a log with a byte order mark its only line is read again, where it stands.
func TestHuntMarkedLog(t *testing.T) {
	text := pass.ByteOrderMark + `{"_path":"dns","ts":1716431400,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.100","query":"evil.example"}` + "\n"
	path := filepath.Join(t.TempDir(), "dns.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := rereadLog(t.Context(), past.Span{Source: path, From: 3, To: int64(len(text))}, logs.Options{}, func(r *record.Record, at int64) error {
		got = append(got, fmt.Sprint(at, " ", r.Format, " ", r.Time.Unix()))
		return nil
	})
	if want := "3 zeek-dns-json 1716431400"; err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%q, %v", got, err)
	}
}

// TestHuntWhateverIsRead: each kind of log that is read into an index is read again for its lines.
func TestHuntWhateverIsRead(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kept := func(path ...string) []byte {
		text, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	packed := filepath.Join("..", "watch", "input", "testdata", "packed")
	wide := func(mark bool) (out []byte) {
		if mark {
			out = append(out, 0xfe, 0xff)
		}
		for n := range 40 {
			for _, c := range fmt.Appendf(nil, `{"ts":%d,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"w%d.evil.example","qclass":1}`+"\n", 1700000000+n, n) {
				out = append(out, 0, c)
			}
		}
		return out
	}
	for name, c := range map[string]struct {
		text   []byte
		value  string
		within string
	}{
		"dns.bz2":    {kept(packed, "lines.bz2"), "n19.evil.example", `"query":"n19.evil.example"`},
		"dns.xz":     {kept(packed, "lines.xz"), "n39.evil.example", `"query":"n39.evil.example"`},
		"marked.log": {wide(true), "w39.evil.example", `"query":"w39.evil.example"`},
		"wide.log":   {wide(false), "w38.evil.example", `"query":"w38.evil.example"`},
		"dns.tap":    {kept("..", "watch", "dnstap", "testdata", "bind.dnstap"), "notevil.example", `notevil.example`},
	} {
		t.Run(name, func(t *testing.T) {
			path, index := put(name, c.text), filepath.Join(dir, name+".past")
			list := put(name+".list", []byte("nothing.example\n"))
			var out, errs bytes.Buffer
			if code := Main(t.Context(), []string{"watch", path, "--indicators", list, "--index", index}, strings.NewReader(""), &out, &errs, func(string) string { return "" }); code != 0 {
				t.Fatalf("%d %s%s", code, &out, &errs)
			}
			code, said, complaint := huntRun(t, c.value, "--index", index, "--since", "2000-01-01", "--json")
			var h hunted
			if err := json.Unmarshal([]byte(said), &h); err != nil || code != 6 {
				t.Fatalf("%d %v %s%s", code, err, said, complaint)
			}
			if len(h.Unread) > 0 || len(h.Lines) == 0 || h.Lines[0].File != path || !strings.Contains(h.Lines[0].Line, c.within) {
				t.Errorf("%+v", h)
			}
		})
	}
}
