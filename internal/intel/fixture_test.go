package intel_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/journal"
	"entente/stix"
)

// fataler is what testing.T and rapid.T share.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// memoryLog is a log in memory.
type memoryLog struct{ recs [][]byte }

func (l *memoryLog) Append(recs ...[]byte) (int64, error) {
	first := int64(len(l.recs))
	for _, r := range recs {
		l.recs = append(l.recs, bytes.Clone(r))
	}
	return first, nil
}

func (l *memoryLog) Records(from int64) iter.Seq2[[]byte, error] {
	recs := l.recs[from:]
	return func(yield func([]byte, error) bool) {
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *memoryLog) Record(n int64) ([]byte, error) { return l.recs[n], nil }
func (l *memoryLog) Len() int64                     { return int64(len(l.recs)) }

// world is a node's log, payloads and derived objects, with a clock.
type world struct {
	log      *memoryLog
	objects  intel.Objects
	payloads map[journal.Ref][]byte
	now      time.Time
	in       *intel.Intel
}

func newWorld(t fataler) *world {
	t.Helper()
	w := &world{log: &memoryLog{}, objects: &intel.Memory{}, payloads: map[journal.Ref][]byte{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.open(t)
	return w
}

func (w *world) config() intel.Config {
	return intel.Config{
		Log: w.log, Objects: w.objects,
		Now: func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now },
		Payloads: intel.PayloadsFunc(func(_ context.Context, _ journal.UnitID, ref journal.Ref, _ journal.Hash) ([]byte, error) {
			p, ok := w.payloads[ref]
			if !ok {
				return nil, intel.ErrGone
			}
			return p, nil
		}),
	}
}

func (w *world) open(t fataler) {
	t.Helper()
	in, err := intel.Open(w.config())
	if err == nil {
		err = in.CatchUp(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	w.in = in
}

func (w *world) digest(t fataler) [sha256.Size]byte {
	t.Helper()
	d, err := w.in.Digest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// checkRebuild shows that what is derived is what the log and the payloads give.
func (w *world) checkRebuild(t fataler) {
	t.Helper()
	live := dump(t, w.objects)
	fresh := &intel.Memory{}
	c := w.config()
	c.Objects = fresh
	in, err := intel.Open(c)
	if err == nil {
		err = in.CatchUp(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	if again := dump(t, fresh); again != live {
		t.Fatalf("rebuilt content differs:\n%s", firstDifference(live, again))
	}
}

func dump(t fataler, o intel.Objects) string {
	t.Helper()
	var b strings.Builder
	for row, err := range o.Scan(nil, nil, false) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Key[0] == 'f' || row.Key[0] == 'G' { // what sensors are given follows by itself
			continue
		}
		fmt.Fprintf(&b, "%q = %q\n", row.Key, row.Value)
	}
	return b.String()
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := 0; i < len(x) || i < len(y); i++ {
		var l, r string
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l != r {
			return "live:    " + l + "\nrebuilt: " + r
		}
	}
	return "no difference"
}

func (w *world) load(t fataler, name string, objects ...string) intel.Report {
	t.Helper()
	r, err := w.in.Import(context.Background(), strings.NewReader(strings.Join(objects, "\n")), intel.Source{Name: name}, intel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func unitID(n int) journal.UnitID   { return journal.UnitID(fmt.Sprintf("%064x", 0xa0+n)) }
func partyID(n int) journal.PartyID { return journal.PartyID(fmt.Sprintf("%064x", 0xb0+n)) }

func refOf(party int, index int64) journal.Ref {
	return journal.Ref{Origin: journal.Origin(fmt.Sprintf("entente/%064x", 0xc0+party)), Index: index}
}

// sent makes the claims that fit a payload.
func sent(party int, index int64, objects ...string) (intel.Received, []byte) {
	r := intel.Received{
		Unit: unitID(1), From: partyID(party), Ref: refOf(party, index), At: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC),
		Claims:  intel.Claims{Objects: len(objects), Types: map[string]int{}},
		Verdict: accord.Decision{Verdict: accord.Allow, Clause: "share", Code: accord.CodeOK},
	}
	for _, text := range objects {
		o, err := stix.Parse([]byte(text))
		if err != nil {
			panic(err)
		}
		r.Claims.Types[o.Type]++
		if level, ok := o.TLP(nil); ok {
			r.Claims.TLP = max(r.Claims.TLP, level)
		}
	}
	return r, bundleOf(objects...)
}

func bundleOf(objects ...string) []byte {
	return []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`)
}

func (w *world) receive(t fataler, r intel.Received, plain []byte) intel.Outcome {
	t.Helper()
	w.payloads[r.Ref] = plain
	out, err := w.in.Receive(context.Background(), r, plain)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// indicator makes one indicator of a domain.
func indicator(n, version int, value string, more ...string) string {
	return fmt.Sprintf(`{"type":"indicator", "spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-%02dT00:00:00.000Z","pattern":"[domain-name:value = '%s']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`,
		n, version, value, strings.Join(more, ""))
}

func indicatorIP(n int, addr string) string {
	kind := "ipv4-addr"
	if strings.Contains(addr, ":") {
		kind = "ipv6-addr"
	}
	return strings.Replace(indicator(n, 1, addr), "domain-name", kind, 1)
}

func marked(id string) string { return `,"object_marking_refs":["` + id + `"]` }

func idOf(n int) string { return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", n) }

func search(t fataler, in *intel.Intel, q intel.Query) []intel.Found {
	t.Helper()
	var out []intel.Found
	for {
		page, err := in.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page.Objects...)
		if page.Next == "" {
			return out
		}
		q.Next = page.Next
	}
}

func selected(t fataler, in *intel.Intel, q intel.Query) []intel.Found {
	t.Helper()
	var out []intel.Found
	for f, err := range in.Select(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func ids(found []intel.Found) string {
	var out []string
	for _, f := range found {
		out = append(out, strings.TrimLeft(f.ID[len(f.ID)-12:], "0"))
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

func counts(t fataler, in *intel.Intel) intel.Counts {
	t.Helper()
	c, err := in.Counts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var errStop = errors.New("stopped here")

// stopping fails the n-th write, as a crash between the log and the objects.
type stopping struct {
	intel.Objects
	after int
}

func (s *stopping) Write(changes []intel.Change) error {
	if s.after--; s.after < 0 {
		return errStop
	}
	return s.Objects.Write(changes)
}
