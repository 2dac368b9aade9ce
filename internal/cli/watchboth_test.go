package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/indicators"
	"entente/internal/watch/record"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// asked are patterns beside those of someCondition: what logs say of processes, folders, subjects and certificates, and of more than one record.
var asked = []string{
	"[process:name = 'Evil.exe']", "[process:image_ref.name = 'evil.exe']", "[process:name = 'evil.exe' AND process:command_line = 'evil.exe -x']", "[process:command_line = 'evil.exe -x']",
	"[directory:path = 'C:\\\\\\\\temp']", "[file:name = 'evil.exe' AND file:parent_directory_ref.path = 'C:\\\\\\\\temp']", "[email-message:subject = 'Invoice due']",
	"[x509-certificate:subject = 'CN=bad']", "[software:cpe = 'x']", "[network-traffic:dst_port = 4444]", "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 4444]",
	"[network-traffic:dst_ref.value = '192.0.2.1' OR network-traffic:dst_ref.value = '192.0.2.2' AND network-traffic:protocols[*] = 'tcp']",
	"[domain-name:value = 'k.three.example'] OR [network-traffic:src_ref.value = '192.0.2.2']", "[domain-name:value = 'k.three.example'] FOLLOWEDBY [network-traffic:dst_ref.value = '192.0.2.3']",
	"[ipv4-addr:value = '192.0.2.3'] REPEATS 2 TIMES", "[file:hashes.MD5 = '44d88612fea8a8f36de82e1278abb02f' AND file:mime_type = 'text/plain']",
}

// someRecord draws a record in which what patterns ask for may stand, in any place.
func someRecord(t *rapid.T) *record.Record {
	r := &record.Record{Host: rapid.SampledFrom([]string{"h", "i"}).Draw(t, "host")}
	add := func(typ observable.Type, role record.Role, path string, values ...string) {
		if rapid.IntRange(0, 2).Draw(t, path) == 0 {
			r.Fields = append(r.Fields, record.Field{Path: path, Type: typ, Role: role, Text: rapid.SampledFrom(values).Draw(t, "field")})
		}
	}
	addresses := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}
	mails := []string{"a@one.example", "b@two.example", "c@five.example"}
	add(observable.IPv4, record.Source, "source", addresses...)
	add(observable.IPv4, record.Destination, "destination", addresses...)
	add("", record.Destination, "dest_port", "4444", "53")
	add(observable.Domain, record.Query, "query", "k.three.example", "www.l.four.example", "m.example")
	add(observable.IPv4, record.Answer, "answers.0", addresses...)
	add(observable.Email, record.Sender, "from", mails...)
	add(observable.Email, record.Recipient, "to.0", mails...)
	add(observable.MailSubject, record.Subject, "subject", "Invoice due", "Hello")
	add(observable.FileName, record.File, "filename", "x.txt", "evil.exe")
	add(observable.FileName, record.Process, "process", "evil.exe", "x.txt")
	add(observable.FilePath, record.File, "path", `C:\temp\evil.exe`, `C:\other\x.txt`)
	add(observable.Process, record.Process, "command_line", "evil.exe -x", "x.txt")
	add(observable.MD5, record.File, "md5", "44d88612fea8a8f36de82e1278abb02f")
	add("", record.File, "mime_type", "text/plain", "x.txt")
	add("", record.Other, "proto", "tcp", "udp")
	return r
}

// looker is what looks for indicators in records, in either way.
type looker struct {
	set      *watch.Set
	patterns *watchPatterns
}

// found gives the indicators that a record meets.
func (l *looker) found(r *record.Record, number int64) []string {
	ids := map[string]bool{}
	for _, f := range r.Fields {
		l.set.Match(f, r.Time, func(h watch.Hit) {
			if h.Indicator.Atom == 0 {
				id, _, _ := strings.Cut(h.Indicator.ID, "#")
				ids[id+" as "+h.Indicator.Value.Text] = true
			}
		})
	}
	l.patterns.take(r, "log", number, func(x whole) { ids[x.ID] = true })
	return slices.Sorted(maps.Keys(ids))
}

// TestJoinedIsAlone: a watcher finds what a node tells it to look for wherever it would find it if it had read the same indicators from a file: of any pattern, in any record.
func TestJoinedIsAlone(t *testing.T) {
	const patterns, records = 400, 1500
	var file strings.Builder
	texts := map[string]string{}
	for i := range patterns {
		text := asked[i%len(asked)]
		if i >= len(asked) {
			text = "[" + someCondition(i%4).Example(i) + "]"
		}
		id := "indicator--" + uuid.NewSHA1(uuid.Nil, []byte(fmt.Sprint(i))).String()
		texts[id] = text
		fmt.Fprintf(&file, `{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"%s","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`+"\n", id, text)
	}
	alone := looker{patterns: newWatchPatterns(nil)}
	set := indicators.New(watch.Seed{1, 2})
	rep, err := set.Read(strings.NewReader(file.String()), indicators.Options{Name: "file", Now: time.Now(), Patterns: alone.patterns})
	if err != nil {
		t.Fatal(err)
	}
	live, err := set.Compile()
	if err != nil {
		t.Fatal(err)
	}
	alone.set = live.Load()

	dir, o := filepath.Join(t.TempDir(), "node"), node.Options{Version: "test"}
	if _, err := node.Init(t.Context(), dir, node.InitOptions{Name: "North"}, o); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if res, err := n.Import(t.Context(), node.ImportRequest{Name: "file"}, strings.NewReader(file.String()), nil); err != nil || res.New != patterns {
		t.Fatalf("%+v %v", res, err)
	}
	j := &joined{seed: watch.Seed{1, 2}, patterns: newWatchPatterns(nil), asked: map[int]map[string]bool{}, everyLine: true}
	for before := uint64(0); ; before = j.change { // what came alone is told as soon as some of it is worked off
		var lines strings.Builder
		told, err := n.WatchSet(t.Context(), node.WatchSetRequest{Run: j.run, Since: j.change, ByIndicator: true}, &lines)
		if err != nil {
			t.Fatal(err)
		}
		taken, err := j.take(strings.NewReader(lines.String()))
		if err == nil {
			err = taken(told)
		}
		if err != nil {
			t.Fatal(err)
		}
		if j.change == before {
			break
		}
	}
	joined := looker{set: j.live.Load(), patterns: j.patterns}
	if alone.patterns.len() != joined.patterns.len() || int64(rep.Bad) != j.left()+j.broad {
		t.Errorf("alone %d patterns are looked for and %d are not, joined %d and %d", alone.patterns.len(), rep.Bad, joined.patterns.len(), j.left()+j.broad)
	}

	values, wholes := 0, 0
	some := rapid.Custom(someRecord)
	for i := range records {
		r := some.Example(i)
		r.Time = time.Unix(1.8e9+int64(i), 0)
		want, got := alone.found(r, int64(i)), joined.found(r, int64(i))
		got = slices.DeleteFunc(got, func(what string) bool { // what by itself is enough for a pattern is told beside one that not every watcher looks for
			id, _, value := strings.Cut(what, " as ")
			return value && j.patterns.isOpen(id)
		})
		if !slices.Equal(got, want) {
			for _, what := range slices.Concat(got, want) {
				if slices.Contains(got, what) != slices.Contains(want, what) {
					id, _, _ := strings.Cut(what, " as ")
					t.Errorf("in %v %s is found: %v, and alone: %v (%s)", r.Fields, what, slices.Contains(got, what), slices.Contains(want, what), texts[id])
				}
			}
			t.FailNow()
		}
		for _, id := range got {
			if strings.Contains(id, " as ") {
				values++
			} else {
				wholes++
			}
		}
	}
	t.Logf("%d values and %d patterns were found, of %d and %d", values, wholes, joined.set.Len(), joined.patterns.len())
	if values < records/10 || wholes < records/10 {
		t.Errorf("%d values and %d patterns were found: too few", values, wholes)
	}
}
