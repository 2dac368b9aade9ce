package misp_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"entente/misp"
)

// folder is a feed in memory.
type folder struct {
	files fstest.MapFS
	order []string
}

func (f *folder) put(name string, contents []byte) error {
	if f.files == nil {
		f.files = fstest.MapFS{}
	}
	f.files[name] = &fstest.MapFile{Data: bytes.Clone(contents)}
	f.order = append(f.order, name)
	return nil
}

func eventsOf(list ...*misp.Event) iter.Seq2[*misp.Event, error] {
	return func(yield func(*misp.Event, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// TestFeedReturns writes a feed and reads it.
func TestFeedReturns(t *testing.T) {
	a := mustParse(t, []byte(smallEvent))
	other := strings.ReplaceAll(smallEvent, "0d3b6a5e", "0d3b6a5f")
	b := mustParse(t, []byte(other))
	newer := mustParse(t, []byte(strings.Replace(other, `"timestamp": "1714680000"`, `"timestamp": "1714680099"`, 1)))
	older := mustParse(t, []byte(strings.Replace(other, `"timestamp": "1714680000"`, `"timestamp": "1"`, 1)))
	var dir folder
	stats, err := misp.WriteFeed(dir.put, eventsOf(b, a, newer, older), misp.FeedOptions{})
	if err != nil || stats.Events != 2 || stats.Hashes == 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
	if last := dir.order[len(dir.order)-1]; last != misp.ManifestName {
		t.Errorf("%s was written last", last)
	}
	for name := range dir.files {
		if !misp.FeedFile(name) {
			t.Errorf("%s is no name of a feed", name)
		}
	}
	feed := misp.NewFeed(misp.FSSource(dir.files), misp.FeedLimits{})
	n := 0
	for entry, err := range feed.Manifest() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		e, err := feed.Event(entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range misp.Validate(e) {
			t.Errorf("%s: %s", entry.UUID, p)
		}
		for _, secret := range []string{"inner", "event_id", "org_id", "proposal_email_lock", "ShadowAttribute", `"id"`, "x_unknown"} {
			if bytes.Contains(e.AppendJSON(nil), []byte(secret)) {
				t.Errorf("%s is in the feed", secret)
			}
		}
		if entry.Info() != e.Info() || entry.Part("Orgc").Text("name") != "NORTH" || entry.List("Tag") == nil {
			t.Errorf("manifest: %s", entry.AppendJSON(nil))
		}
		if strings.HasPrefix(entry.UUID, "0d3b6a5f") {
			if at, _ := e.Timestamp(); at.Unix() != 1714680099 {
				t.Errorf("the older event was kept")
			}
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
	sums := map[string]int{}
	for h, err := range feed.Hashes() {
		if err != nil {
			t.Fatal(err)
		}
		sums[hex.EncodeToString(h.MD5[:])]++
	}
	for _, v := range []string{"192.0.2.17", "it's.exe", "d41d8cd98f00b204e9800998ecf8427e", "c2.example.org"} {
		sum := md5.Sum([]byte(v))
		if sums[hex.EncodeToString(sum[:])] != 2 {
			t.Errorf("the hash of %s is there %d times", v, sums[hex.EncodeToString(sum[:])])
		}
	}
	if sum := md5.Sum([]byte("line one\nline \"two\" \\ 'three'")); sums[hex.EncodeToString(sum[:])] != 0 {
		t.Error("a deleted attribute is in the feed")
	}
}

// TestRealFeed writes the real events as a feed and reads it.
func TestRealFeed(t *testing.T) {
	var list []*misp.Event
	for _, raw := range realEvents(t) {
		list = append(list, mustParse(t, raw))
	}
	var dir folder
	stats, err := misp.WriteFeed(dir.put, eventsOf(list...), misp.FeedOptions{Deleted: true})
	if err != nil || stats.Events != 33 {
		t.Fatalf("%+v, %v", stats, err)
	}
	feed := misp.NewFeed(misp.FSSource(dir.files), misp.FeedLimits{})
	for entry, err := range feed.Manifest() {
		if err != nil {
			t.Fatal(err)
		}
		e, err := feed.Event(entry)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range e.AllAttributes() {
			n++
		}
		for _, was := range list {
			if was.UUID() == e.UUID() {
				for range was.AllAttributes() {
					n--
				}
			}
		}
		if n != 0 {
			t.Errorf("%s: attributes are missing", e.UUID())
		}
	}
}

// TestFeedHoldsBack keeps out what its distribution keeps in.
func TestFeedHoldsBack(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	if _, ok := misp.FeedForm(e, misp.FeedOptions{Distributions: []misp.Distribution{misp.AllCommunities}}); ok {
		t.Error("an event of distribution 1 goes to all communities")
	}
	e.SetInt("distribution", 3)
	e.List("Attribute")[0].SetInt("distribution", 0)
	form, ok := misp.FeedForm(e, misp.FeedOptions{Distributions: []misp.Distribution{misp.AllCommunities}})
	if !ok || bytes.Contains(form.AppendJSON(nil), []byte("192.0.2.17")) || !bytes.Contains(form.AppendJSON(nil), []byte("c2.example.org")) {
		t.Errorf("%s", form.AppendJSON(nil))
	}
	if !bytes.Contains(e.AppendJSON(nil), []byte("192.0.2.17")) {
		t.Error("the event itself was changed")
	}
	var dir folder
	stats, err := misp.WriteFeed(dir.put, eventsOf(mustParse(t, []byte(smallEvent))), misp.FeedOptions{Distributions: []misp.Distribution{misp.AllCommunities}})
	if err != nil || stats.HeldBack != 1 || stats.Events != 0 || len(dir.files) != 2 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// TestFeedIsChecked reads feeds that are not what they say.
func TestFeedIsChecked(t *testing.T) {
	var dir folder
	if _, err := misp.WriteFeed(dir.put, eventsOf(mustParse(t, []byte(smallEvent))), misp.FeedOptions{}); err != nil {
		t.Fatal(err)
	}
	const uuid = "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c01"
	read := func(lim misp.FeedLimits) error {
		feed := misp.NewFeed(misp.FSSource(dir.files), lim)
		for entry, err := range feed.Manifest() {
			if err != nil {
				return err
			}
			_, err := feed.Event(entry)
			return err
		}
		return nil
	}
	if err := read(misp.FeedLimits{Limits: misp.Limits{MaxEventBytes: 100}}); !errors.Is(err, misp.ErrIntegrity) && !errors.Is(err, misp.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	file := dir.files[uuid+".json"]
	good := file.Data
	file.Data = bytes.Replace(good, []byte("192.0.2.17"), []byte("192.0.2.18"), 1)
	if err := read(misp.FeedLimits{}); !errors.Is(err, misp.ErrIntegrity) {
		t.Errorf("changed: %v", err)
	}
	manifest := dir.files[misp.ManifestName]
	plain := manifest.Data
	manifest.Data = []byte(`{"` + uuid + `":{"timestamp":"1"}}`)
	file.Data = bytes.ReplaceAll(good, []byte(uuid), []byte(strings.Replace(uuid, "0d", "1d", 1)))
	if err := read(misp.FeedLimits{}); !errors.Is(err, misp.ErrIntegrity) {
		t.Errorf("another event: %v", err)
	}
	delete(dir.files, uuid+".json")
	if err := read(misp.FeedLimits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("not there: %v", err)
	}
	manifest.Data = plain
	feed := misp.NewFeed(func(name string) (io.ReadCloser, error) {
		t.Errorf("%s was asked for", name)
		return nil, fs.ErrNotExist
	}, misp.FeedLimits{})
	for _, name := range []string{"../secret", "/etc/passwd", "", strings.ToUpper(uuid) + "/..", "hashes"} {
		if _, err := feed.Event(misp.ManifestEntry{UUID: name}); !errors.Is(err, misp.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
		if misp.FeedFile(name) || misp.FeedFile(name+".json") {
			t.Errorf("%q is a name of a feed", name)
		}
	}
	if name, ok := misp.EventFile(strings.ToUpper(uuid)); !ok || name != uuid+".json" || misp.FeedFile(strings.ToUpper(uuid)+".json") {
		t.Errorf("%q", name)
	}
}

// TestManifest reads manifests with faults.
func TestManifest(t *testing.T) {
	const uuid = "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c01"
	for _, c := range []struct {
		text string
		kind error
		path string
		good int
		lim  misp.FeedLimits
	}{
		{`{"../x":{"timestamp":"1"},"` + uuid + `":{"timestamp":"1"}}`, misp.ErrName, "../x", 1, misp.FeedLimits{}},
		{`{"` + uuid + `":{"timestamp":"1"},"` + strings.ToUpper(uuid) + `":{"timestamp":2}}`, misp.ErrDuplicateName, strings.ToUpper(uuid), 1, misp.FeedLimits{}},
		{`{"` + uuid + `":{"info":"x"}}`, misp.ErrFormat, uuid + ".timestamp", 0, misp.FeedLimits{}},
		{`{"` + uuid + `":7}`, misp.ErrKind, uuid, 0, misp.FeedLimits{}},
		{`{"` + uuid + `":{"timestamp":"1","a":1,"a":2}}`, misp.ErrDuplicateName, uuid + ".a", 0, misp.FeedLimits{}},
		{"{\"" + uuid + "\":{\"timestamp\":\"1\",\"a\":\"\xff\"}}", misp.ErrInvalidUTF8, uuid + ".a", 0, misp.FeedLimits{}},
		{`[]`, misp.ErrKind, "", 0, misp.FeedLimits{}},
		{``, misp.ErrSyntax, "", 0, misp.FeedLimits{}},
		{`{"` + uuid + `":{"timestamp":"1"}`, misp.ErrSyntax, "", 1, misp.FeedLimits{}},
		{`{} {}`, misp.ErrSyntax, "", 0, misp.FeedLimits{}},
		{`{"` + uuid + `":{"timestamp":"1"},"` + strings.Replace(uuid, "0d", "1d", 1) + `":{"timestamp":"1"}}`, misp.ErrTooLarge, "", 1, misp.FeedLimits{MaxEvents: 1}},
		{`{"` + uuid + `":{"timestamp":"1","info":"` + strings.Repeat("x", 1<<20) + `"}}`, misp.ErrTooLarge, "", 0, misp.FeedLimits{MaxManifestBytes: 1000}},
	} {
		good := 0
		var first error
		for _, err := range misp.ReadManifest(strings.NewReader(c.text), c.lim) {
			if err == nil {
				good++
			} else if first == nil {
				first = err
			}
		}
		var own *misp.Error
		if !errors.Is(first, c.kind) || !errors.As(first, &own) || !strings.HasPrefix(own.Path, c.path) || good != c.good {
			t.Errorf("%.80s: %v and %d entries, want %v at %s and %d", c.text, first, good, c.kind, c.path, c.good)
		}
	}
}

// TestHashes reads hashes.csv with faults.
func TestHashes(t *testing.T) {
	const sum, uuid = "d41d8cd98f00b204e9800998ecf8427e", "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c01"
	text := sum + "," + uuid + "\r\n\nx," + uuid + "\n" + sum + ",y\n" + sum + "\n" + strings.Repeat("z", 300) + "\n" + strings.ToUpper(sum) + "," + uuid
	var places []string
	good := 0
	for h, err := range misp.ReadHashes(strings.NewReader(text), misp.FeedLimits{}) {
		var own *misp.Error
		if errors.As(err, &own) {
			places = append(places, own.Path)
		} else if good++; hex.EncodeToString(h.MD5[:]) != sum || h.UUID != uuid || misp.HashOf("") != h.MD5 {
			t.Errorf("%v", h)
		}
	}
	if good != 2 || !slices.Equal(places, []string{"line 3", "line 4", "line 5", "line 6"}) {
		t.Errorf("%d good, %q", good, places)
	}
	last := func(r io.Reader, lim misp.FeedLimits) error {
		var last error
		for _, err := range misp.ReadHashes(r, lim) {
			last = err
		}
		return last
	}
	if err := last(strings.NewReader(strings.Repeat(sum+","+uuid+"\n", 3)), misp.FeedLimits{MaxHashes: 2}); !errors.Is(err, misp.ErrTooLarge) {
		t.Errorf("MaxHashes: %v", err)
	}
	if err := last(strings.NewReader(strings.Repeat("z", 1<<20)), misp.FeedLimits{}); !errors.Is(err, misp.ErrTooLarge) {
		t.Errorf("a long line: %v", err)
	}
	broken := errors.New("broken")
	if err := last(iotest.ErrReader(broken), misp.FeedLimits{}); !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
}

// TestWriteFeedStops stops at the first error.
func TestWriteFeedStops(t *testing.T) {
	full := errors.New("the disk is full")
	if _, err := misp.WriteFeed(func(string, []byte) error { return full }, eventsOf(mustParse(t, []byte(smallEvent))), misp.FeedOptions{}); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	bad := mustParse(t, []byte(`{"uuid":"../x","info":"y"}`))
	if _, err := misp.WriteFeed((&folder{}).put, eventsOf(bad), misp.FeedOptions{}); !errors.Is(err, misp.ErrName) {
		t.Errorf("%v", err)
	}
	gone := fmt.Errorf("gone")
	if _, err := misp.WriteFeed((&folder{}).put, func(yield func(*misp.Event, error) bool) { yield(nil, gone) }, misp.FeedOptions{}); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	two := mustParse(t, []byte(strings.ReplaceAll(smallEvent, "0d3b6a5e", "0d3b6a5f")))
	if _, err := misp.WriteFeed((&folder{}).put, eventsOf(mustParse(t, []byte(smallEvent)), two), misp.FeedOptions{MaxEvents: 1}); !errors.Is(err, misp.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}
