package intel_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/stix"
	"entente/taxii"
)

// step is one thing that happens to a node. Its objects are drawn from few, so
// that they meet again and again.
type step struct {
	kind    string // import, receive
	party   int
	index   int64
	objects []string
	hold    bool
}

func drawObjects(t *rapid.T, conflicts bool, party int) []string {
	var out []string
	for range rapid.IntRange(1, 6).Draw(t, "objects") {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		if !conflicts { // who brings an object first may bring newer versions: each has its own
			n += 6 * party
		}
		version := rapid.IntRange(1, 2).Draw(t, "version")
		host := fmt.Sprintf("n%d.example", n)
		if conflicts && rapid.IntRange(0, 3).Draw(t, "conflict") == 0 {
			host = "other." + host
		}
		out = append(out, indicator(n, version, host))
	}
	return out
}

func drawSteps(t *rapid.T, conflicts bool) []step {
	var out []step
	for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
		s := step{kind: "import", index: int64(i)}
		if rapid.Bool().Draw(t, "received") {
			s.kind, s.party, s.hold = "receive", rapid.IntRange(1, 2).Draw(t, "party"), rapid.IntRange(0, 2).Draw(t, "hold") == 0
		}
		s.objects = drawObjects(t, conflicts, s.party)
		out = append(out, s)
	}
	return out
}

func (s step) run(t fataler, w *world) {
	if s.kind == "import" {
		w.load(t, fmt.Sprintf("import %d", s.index), s.objects...)
		return
	}
	r, plain := sent(s.party, s.index, s.objects...)
	if s.hold {
		r.Verdict = accord.Decision{Verdict: accord.Hold, Clause: "c", Code: "held", Reason: "r"}
	}
	w.receive(t, r, plain)
}

// logical says what is known, without when it came.
func logical(t fataler, w *world) string {
	var lines []string
	for _, f := range search(t, w.in, intel.Query{Held: true}) {
		line := fmt.Sprintf("%s %x %s %v", f.ID, sha256.Sum256(f.Raw), f.State, f.Conflict)
		var from []string
		for _, p := range f.Provenance {
			from = append(from, fmt.Sprintf("%s %v %s", p.Source, p.Ref, p.State))
		}
		sort.Strings(from)
		lines = append(lines, line+" "+strings.Join(from, ","))
	}
	sort.Strings(lines)
	c := counts(t, w.in)
	return strings.Join(lines, "\n") + fmt.Sprint(c.Accepted, c.Local, c.Quarantined, c.Conflicts, c.Types)
}

// In whatever order imports and payloads come, the same is known. (Collisions
// between partners are left out here, and newer versions of what another brought:
// which of two comes first decides which is held.)
func TestAnyOrderGivesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t, false)
		a, b := newWorld(t), newWorld(t)
		for _, s := range steps {
			s.run(t, a)
		}
		for _, s := range rapid.Permutation(steps).Draw(t, "order") {
			s.run(t, b)
			if s.kind == "receive" && rapid.Bool().Draw(t, "again") {
				s.run(t, b)
			}
		}
		if x, y := logical(t, a), logical(t, b); x != y {
			t.Fatalf("%s\n\nin another order:\n%s", x, y)
		}
		a.checkRebuild(t)
		b.checkRebuild(t)
	})
}

// After any history of imports, receipts, duplicates, conflicts, decisions,
// destructions and crashes, the log and the payloads still held give the
// content that is there, byte for byte; what is served is what was accepted.
func TestAnyHistoryIsReplayed(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		kept := w.objects
		var received []step
		for _, s := range drawSteps(t, true) {
			if rapid.IntRange(0, 3).Draw(t, "crash") == 0 {
				w.objects = &stopping{kept, 0}
				w.open(t)
				if s.kind == "import" {
					_, err := w.in.Import(ctx, strings.NewReader(strings.Join(s.objects, "\n")), intel.Source{Name: fmt.Sprintf("import %d", s.index)}, intel.Options{})
					if err == nil {
						t.Fatal("a write that failed was not told")
					}
				}
				w.objects = kept
				w.open(t)
			}
			s.run(t, w)
			if s.kind == "receive" {
				received = append(received, s)
			}
			if len(received) > 0 && rapid.Bool().Draw(t, "act") {
				s := rapid.SampledFrom(received).Draw(t, "on")
				ref := refOf(s.party, s.index)
				switch rapid.IntRange(0, 3).Draw(t, "act") {
				case 0:
					if err := w.in.DestroyRef(ctx, ref, "o", "r"); err != nil {
						t.Fatal(err)
					}
					delete(w.payloads, ref)
				case 1:
					if _, err := w.in.Reject(ctx, intel.Choice{Ref: &ref}, "o", "n"); err != nil {
						t.Fatal(err)
					}
				default:
					page, err := w.in.Intake(ctx, intel.IntakeFilter{All: true})
					if err != nil {
						t.Fatal(err)
					}
					for i, item := range page.Items {
						if i%2 == 0 {
							if _, err := w.in.Accept(ctx, intel.Choice{Items: []string{item.Item}}, "o", "n"); err != nil {
								t.Fatal(err)
							}
						}
					}
				}
			}
			w.checkRebuild(t)
			checkGroups(t, w)
			if rapid.Bool().Draw(t, "update") {
				if err := w.in.UpdateActive(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		checkViews(t, w)
		checkActive(t, w)
	})
}

// checkGroups compares the rows that say which objects share their id with others with
// the index of ids, and what TAXII makes of them with what it finds in there.
func checkGroups(t fataler, w *world) {
	objects := map[string][]int64{}
	many := map[int64]bool{}
	members, beside := map[[32]byte]int64{}, map[[32]byte]string{}
	rows := map[int64]string{}
	number := func(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }
	for row, err := range w.objects.Scan(nil, nil, false) {
		if err != nil {
			t.Fatal(err)
		}
		switch row.Key[0] {
		case 'i':
			id, _, _ := strings.Cut(string(row.Key[1:]), "\x00")
			for v := row.Value; len(v) > 0; v = v[64:] {
				objects[id] = append(objects[id], number(v))
			}
		case 'j':
			many[number(row.Key[1:])] = true
			rows[number(row.Key[1:])] = string(row.Value)
		case 'g':
			members[[32]byte(row.Key[1:])], beside[[32]byte(row.Key[1:])] = number(row.Value), string(row.Value[8:])
		}
	}
	for id, seqs := range objects {
		h := sha256.Sum256([]byte(id))
		for _, seq := range seqs {
			if many[seq] != (len(seqs) > 1) {
				t.Fatalf("%s has %d objects, and of %d it is said that it has others: %v", id, len(seqs), seq, many[seq])
			}
			if len(seqs) > 1 && rows[seq] != beside[h] {
				t.Fatalf("%s has the row %x, and beside %d lies %x", id, beside[h], seq, rows[seq])
			}
			delete(many, seq)
		}
		if members[h] != int64(len(seqs)) || (beside[h] == "") != (len(seqs) > 8) {
			t.Fatalf("%s has the objects %v, and the row says %d: %x", id, seqs, members[h], beside[h])
		}
		delete(members, h)
	}
	if len(many) > 0 || len(members) > 0 {
		t.Fatalf("rows of what is not there: %v, %v", many, members)
	}
	ctx, s := context.Background(), w.in.TAXII(nil)
	all, err := s.Collections(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		checkVersions(t, s, c.ID)
	}
}

// checkVersions compares what a walk through a collection says of an id with what is found of it.
func checkVersions(t fataler, s taxii.Store, collection string) {
	ctx := context.Background()
	header := func(r taxii.Record) string {
		return fmt.Sprint(r.Seq, r.Added, r.ID, r.Type, r.SpecVersion, r.Version)
	}
	for r, err := range s.Scan(ctx, collection, taxii.Query{UpTo: 1 << 62}) {
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for v, err := range s.Versions(ctx, collection, r.ID) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, header(v))
		}
		for _, v := range r.Group {
			got = append(got, header(v))
		}
		if r.Group == nil {
			got = []string{header(r)}
		}
		if !slices.Equal(got, want) || r.Only != (len(want) == 1) || !slices.Contains(want, header(r)) {
			t.Fatalf("a walk gives %v (only: %v), its id %v", got, r.Only, want)
		}
	}
}

// What lies beside the objects of one id says what the other rows say, whatever comes and goes: few versions, more than are
// held there, conflicts, the same from several partners, and the first arrival of an object destroyed before its others.
func TestVersionsBesideFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var refs []step
		for i := range rapid.IntRange(4, 24).Draw(t, "steps") {
			if len(refs) > 0 && rapid.IntRange(0, 2).Draw(t, "destroy") == 0 {
				n := rapid.IntRange(0, len(refs)-1).Draw(t, "which")
				if err := w.in.DestroyRef(context.Background(), refOf(refs[n].party, refs[n].index), "o", "r"); err != nil {
					t.Fatal(err)
				}
				delete(w.payloads, refOf(refs[n].party, refs[n].index))
				refs = slices.Delete(refs, n, n+1)
			} else {
				s := step{kind: "receive", party: rapid.IntRange(1, 3).Draw(t, "party"), index: int64(i)}
				for range rapid.IntRange(1, 6).Draw(t, "objects") {
					host := rapid.SampledFrom([]string{"a.example", "a.example", "b.example"}).Draw(t, "host")
					s.objects = append(s.objects, indicator(1, rapid.IntRange(1, 12).Draw(t, "version"), host))
				}
				r, plain := sent(s.party, s.index, s.objects...)
				w.receive(t, r, plain)
				if rapid.Bool().Draw(t, "accept") { // collisions and others' newer versions are held
					if _, err := w.in.Accept(context.Background(), intel.Choice{Ref: &r.Ref}, "o", "n"); err != nil {
						t.Fatal(err)
					}
				}
				refs = append(refs, s)
			}
			w.checkRebuild(t)
			checkGroups(t, w)
		}
		checkViews(t, w)
	})
}

// checkViews compares search, selection, counters and TAXII with one another.
func checkViews(t fataler, w *world) {
	c := counts(t, w.in)
	accepted := search(t, w.in, intel.Query{})
	held := 0
	for _, f := range search(t, w.in, intel.Query{Held: true}) {
		for _, p := range f.Provenance {
			if p.State == intel.Quarantined {
				held++
			}
		}
	}
	served := tail(t, w.in.TAXII(nil), intel.CollectionAll())
	if len(accepted) != int(c.Accepted) || len(served) != len(accepted) || len(selected(t, w.in, intel.Query{})) != len(accepted) || held != int(c.Quarantined) {
		t.Fatalf("%d found, %d served, %d selected, %d held; counted %+v", len(accepted), len(served), len(selected(t, w.in, intel.Query{})), held, c)
	}
	if got := ids(served); got != ids(accepted) {
		t.Fatalf("served %s, found %s", got, ids(accepted))
	}
	for i := 1; i < len(served); i++ {
		if string(served[i].Raw) == string(served[i-1].Raw) {
			t.Fatal("an object is served twice")
		}
	}
	types := int64(0)
	for typ, n := range c.Types {
		types += n
		if got := len(search(t, w.in, intel.Query{Type: typ})); got != int(n) {
			t.Fatalf("%d of type %s are found, %d counted", got, typ, n)
		}
	}
	if types != c.Accepted {
		t.Fatalf("%+v", c)
	}
	feeds := 0
	for _, f := range c.Feeds {
		if got := len(tail(t, w.in.TAXII(nil), intel.CollectionOf(f.Unit, f.Party))); got != int(f.Total) {
			t.Fatalf("%d served of a partner, %d counted", got, f.Total)
		}
		feeds++
	}
	if got := len(search(t, w.in, intel.Query{Source: "local"})); got != int(c.Local) {
		t.Fatalf("%d found here, %d counted", got, c.Local)
	}
	for _, f := range accepted {
		if o, err := stix.Parse(f.Raw); err != nil || o.ID != f.ID {
			t.Fatal(err)
		}
	}
}
