package dossier_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"entente/internal/dossier"
	"entente/journal"
	"entente/journal/journaltest"
)

var (
	verifierMutants = flag.Int("verifier.mutants", 0, "changed dossiers for the second verifier to judge (0: few)")
	verifierSeed    = flag.Uint64("verifier.seed", 1, "what is changed in them")
)

const secondVerifier = "../../docs/protocol/verifier"

// specimen is a dossier and what was done to it.
type specimen struct {
	name string
	file []byte
}

// bases are dossiers in which everything occurs that a dossier can hold.
func bases(t testing.TB) []specimen {
	attached, _ := withExhibit(t, nil)
	out := []specimen{{"exhibit and page", attached}, {"v1", golden(t)}, {"small", pack(t, small(t).source())}, {"story", pack(t, story(t, "North", "South").source())}}
	w, _, _, _, c := contradict(t)
	w.proofs = []dossier.Proof{{Contradiction: &c}}
	out = append(out, specimen{"contradiction", pack(t, w.source())})
	w, _, south := fromAgreed(t)
	return append(out, specimen{"statements", pack(t, w.without(south, both(south)["two first keys, one under version 2"]))})
}

// mutate changes one thing, with all hashes made right again or not.
func mutate(r *rand.Rand, t testing.TB, s specimen) specimen {
	fs := frames(t, s.file)
	i := r.IntN(len(fs))
	switch r.IntN(10) {
	case 8: // the framing of a record: what it belongs to has to be named all the same
		at, b := fs[i].from+r.IntN(journal.RecordHeader), byte([]int{0, 0, 1, 16, 17, 18, 19, 20, 21, 22, 255}[r.IntN(11)])
		return specimen{fmt.Sprintf("%s, byte %d put in at %d (record %d of kind %d)", s.name, b, at, i, fs[i].kind), slices.Insert(bytes.Clone(s.file), at, b)}
	case 9:
		at := fs[i].from + r.IntN(journal.RecordHeader)
		return specimen{fmt.Sprintf("%s, byte %d taken out (record %d of kind %d)", s.name, at, i, fs[i].kind), slices.Delete(bytes.Clone(s.file), at, at+1)}
	case 0:
		b := bytes.Clone(s.file)
		at := r.IntN(len(b))
		b[at] ^= 1 << r.IntN(8)
		return specimen{fmt.Sprintf("%s, byte %d changed", s.name, at), b}
	case 1:
		at := r.IntN(len(s.file))
		return specimen{fmt.Sprintf("%s, cut at %d", s.name, at), s.file[:at]}
	case 2:
		return specimen{fmt.Sprintf("%s, record %d left out", s.name, i), build(slices.Delete(slices.Clone(fs), i, i+1))}
	case 3:
		return specimen{fmt.Sprintf("%s, record %d twice", s.name, i), build(slices.Insert(slices.Clone(fs), i, fs[i]))}
	case 4:
		j := r.IntN(len(fs))
		fs = slices.Clone(fs)
		fs[i], fs[j] = fs[j], fs[i]
		return specimen{fmt.Sprintf("%s, records %d and %d exchanged", s.name, i, j), build(fs)}
	default: // a byte of a record, hashes made right
		fs = slices.Clone(fs)
		c := bytes.Clone(fs[i].content)
		if len(c) == 0 {
			return s
		}
		at := r.IntN(len(c))
		what := "changed"
		switch r.IntN(4) {
		case 0:
			c = slices.Delete(c, at, at+1)
			what = "left out"
		case 1:
			c[at] = "0123456789abcdef{}[]\",:\\ \n"[r.IntN(26)]
		default:
			c[at] ^= 1 << r.IntN(8)
		}
		fs[i].content = c
		return specimen{fmt.Sprintf("%s, byte %d of record %d (kind %d) %s, hashes made right", s.name, at, i, fs[i].kind, what), build(fs)}
	}
}

// withoutFold are the codes of findings that need neither the fold nor an opened payload.
var withoutFold = []string{
	journal.CodeFork, journal.CodeRollback, journal.CodeRewritten, journal.CodeReplay, journal.CodeGap, journal.CodeReorder,
	journal.CodeWrongUnit, journal.CodeWrongAuthor, journal.CodeWrongIndex, journal.CodeWrongOrigin, journal.CodeBadEntry,
	journal.CodeOversize, journal.CodeBadRoot, journal.CodeBadSeen, journal.CodeBackDated, journal.CodeBadIdentity,
	journal.CodeBadCertificate, journal.CodeTwoStatements,
	dossier.CodeBadPayload, dossier.CodeBeyond, dossier.CodeAbsent, dossier.CodeCompromise,
}

// judged says what the product says of a dossier in the words of the second verifier.
func judged(file []byte) (ok bool, part, ref string, findings []string, err error) {
	r, err := verify(file)
	if err != nil {
		d, is := errors.AsType[*dossier.Damage](err)
		if !is {
			return false, "", "", nil, err
		}
		ref = string(d.Origin)
		if d.Ref != nil {
			ref = d.Ref.String()
		}
		return false, d.Part, ref, nil, err
	}
	for _, f := range r.Findings {
		// What hangs on the content of payloads, which the second verifier cannot open, or
		// on the fold, which it does not make: what the accord forbids, deadlines, entries that
		// wait for a journal that is not there, and members without one.
		if !slices.Contains(withoutFold, f.Code) || strings.HasPrefix(f.Text, "the text of accord ") ||
			f.Code == dossier.CodeBeyond && f.Party == "" || strings.HasPrefix(f.Text, "member ") {
			continue
		}
		findings = append(findings, fmt.Sprintf("%s %s of %.8s", f.Weight, f.Code, f.Party))
	}
	slices.Sort(findings)
	return true, "", "", slices.Compact(findings), nil
}

// TestForeignEntryIsNamedByItsPlace: an entry of another journal is named by the place
// where it stands, whatever it calls itself; the sound entry after it is not blamed.
func TestForeignEntryIsNamedByItsPlace(t *testing.T) {
	fs := frames(t, pack(t, small(t).source()))
	var own, other []int
	for i, f := range fs {
		if f.kind == byte(kEntry) && f.ref != nil {
			if f.ref.Origin == fs[3].ref.Origin {
				own = append(own, i)
			} else {
				other = append(other, i)
			}
		}
	}
	// The checkpoint after entry 1 gives way to entry 3 of the other party, so that it
	// stands as number 2 before this journal's own entry 2.
	at := own[1] + 1
	fs[at] = frame{kind: byte(kEntry), content: fs[other[3]].content}
	_, err := verify(build(fs))
	d, is := errors.AsType[*dossier.Damage](err)
	if !is || d.Part != dossier.PartEntry || d.Ref == nil || d.Ref.Index != 2 {
		t.Fatalf("%v", err)
	}
}

// TestSecondVerifier: a verifier that was written from the documents alone says the
// same of every dossier, whole or changed: whether it holds, what is damaged where,
// and who is proved to have lied.
func TestSecondVerifier(t *testing.T) {
	all := bases(t)
	whole := len(all)
	n := 150
	if testing.Short() {
		n = 50
	}
	if *verifierMutants > 0 {
		n = *verifierMutants
	}
	r := rand.New(rand.NewPCG(*verifierSeed, 0))
	for i := range n {
		all = append(all, mutate(r, t, all[i%whole]))
	}
	tasks := make([]journaltest.Task, len(all))
	for i, s := range all {
		tasks[i] = journaltest.Task{Kind: "dossier", Data: s.file}
	}
	bad := 0
	for i, v := range journaltest.SecondVerifier(t, secondVerifier, tasks) {
		ok, part, ref, findings, err := judged(all[i].file)
		var theirs []string
		for _, f := range v.Findings {
			theirs = append(theirs, fmt.Sprintf("%s %s of %.8s", f.Weight, f.Code, f.Party))
		}
		slices.Sort(theirs)
		theirs = slices.Compact(theirs)
		if ok != v.OK || part != v.Part || ref != v.Ref || !slices.Equal(findings, theirs) {
			t.Errorf("%s:\n  entente: %v %s %s %s (%v)\n  second:  %v %s %s %s (%s)", all[i].name, ok, part, ref, strings.Join(findings, ", "), err, v.OK, v.Part, v.Ref, strings.Join(theirs, ", "), v.Detail)
			if bad++; bad == 20 {
				t.Fatal("and so on")
			}
		}
	}
}
