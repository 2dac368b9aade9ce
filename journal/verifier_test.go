package journal_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
	"entente/journal/journaltest"
)

var (
	verifierMutants = flag.Int("verifier.mutants", 0, "changed journals, entries, checkpoints and proofs for the second verifier to judge (0: few)")
	verifierSeed    = flag.Uint64("verifier.seed", 1, "what is changed in them")
)

const secondVerifier = "../docs/protocol/verifier"

func mutants(t testing.TB, n int) (int, *rand.Rand) {
	if testing.Short() {
		n /= 4
	}
	if *verifierMutants > 0 {
		n = *verifierMutants
	}
	return n, rand.New(rand.NewPCG(*verifierSeed, 1))
}

// trial is what both verifiers judge, and what the product says.
type trial struct {
	name string
	task journaltest.Task
	code string // "" if it holds
	at   int64  // of the entry, for records
	// loose: which of several rules is named first, the documents leave open.
	loose bool
}

func agree(t *testing.T, trials []trial) {
	t.Helper()
	tasks := make([]journaltest.Task, len(trials))
	for i, x := range trials {
		tasks[i] = x.task
	}
	bad := 0
	held := 0
	for i, v := range journaltest.SecondVerifier(t, secondVerifier, tasks) {
		x := trials[i]
		at := int64(-1)
		if v.Index != nil {
			at = *v.Index
		}
		if v.OK {
			held++
		}
		if v.OK != (x.code == "") || x.task.Kind == "records" && !v.OK && (at != x.at || !x.loose && class(v.Code) != class(x.code)) {
			t.Errorf("%s:\n  entente: %q at %d\n  second:  %v %q at %d (%s)\n  %.300s", x.name, x.code, x.at, v.OK, v.Code, at, v.Detail, x.task.Data)
			if bad++; bad == 25 {
				t.Fatal("and so on")
			}
		}
	}
	t.Logf("%d judged alike, %d of them hold", len(trials), held)
}

// said is a verdict as a code; what is refused without one is named by its text.
func said(err error) string {
	if err == nil {
		return ""
	}
	if c := journal.CodeOf(err); c != "" {
		return c
	}
	return err.Error()
}

// class joins the codes of what does not hold in itself: which of them is found first
// the documents leave open.
func class(code string) string {
	switch code {
	case journal.CodeBadEntry, journal.CodeBadIdentity, journal.CodeBadCertificate, journal.CodeWeakKey, journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeOversize:
		return "malformed"
	case journal.CodeGap, journal.CodeReorder, journal.CodeReplay, journal.CodeWrongIndex:
		return "out of place"
	}
	return code
}

type piece struct {
	kind    byte
	content []byte
}

func pieces(t testing.TB, st journal.Storage) (out []piece) {
	for r, err := range journal.Records(st) {
		ok(t, err)
		out = append(out, piece{r.Kind, bytes.Clone(r.Content)})
	}
	return out
}

// everything is a journal in which every kind of this layer stands.
func everything(t testing.TB) *actor {
	a := open(t, "North")
	south := newActor("South")
	o := journal.OriginOf(a.unit, south.id, 0)
	v2 := rotated(t, a.chain[0], a.org, seed("North org 2"), journal.Identity{Name: "North", Node: seed("North node 2").Public(), Created: start.AddDate(0, 1, 0), Expires: start.AddDate(3, 0, 0)})
	a.append(t, note(0), journal.Draft{Kind: journal.KindIdentity, Body: journal.IdentityBody{Signed: v2}})
	a.append(t, receipt(head(18, 6), o, journal.Hash{9}))
	next := seed("North key 2")
	cert, err := journal.NewCertificate(seed("North node 2"), journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()})
	ok(t, err)
	_, _, err = a.w.Rotate(start.Add(2*time.Hour), journal.By{Role: "administrator"}, next, cert)
	ok(t, err)
	a.append(t, journal.Draft{Kind: journal.KindDestroyed, Body: journal.DestroyedBody{Commitments: []journal.Hash{{1}}, Reason: "asked"}},
		journal.Draft{Kind: journal.KindWitness, Body: journal.WitnessBody{Checkpoint: string(checkpoints(a.st)[0])}})
	notice, err := journal.NewCompromise(seed("North org 2"), journal.Compromise{Party: a.id, Key: a.key.Public().ID(), Origin: a.w.Origin(), Good: a.w.Head(), Created: start})
	ok(t, err)
	a.append(t, journal.Draft{Kind: journal.KindCompromise, Body: journal.CompromiseBody{Key: a.key.Public().ID(), Origin: a.w.Origin(), Good: a.w.Head(), Statement: notice}})
	a.append(t, notes(2, 4)...)
	return a
}

func file(ps []piece) (out []byte) {
	for _, p := range ps {
		out = journal.AppendRecord(out, p.kind, p.content)
	}
	return out
}

// TestSecondVerifierRecords: a verifier that was written from the documents alone
// says the same of every journal's file: whether it holds, else the code and the entry.
func TestSecondVerifierRecords(t *testing.T) {
	a := everything(t)
	ps := pieces(t, a.st)
	n, r := mutants(t, 200)
	var trials []trial
	add := func(name string, b []byte) {
		rep, err := verifyFile(b)
		x := trial{name: name, task: journaltest.Task{Kind: "records", Data: b}, code: said(err), at: -1}
		if ref, is := errors.AsType[*journal.Refusal](err); is {
			x.at = ref.Index
		}
		_ = rep
		trials = append(trials, x)
	}
	add("whole", file(ps))
	for range n {
		q := slices.Clone(ps)
		i, j := r.IntN(len(q)), r.IntN(len(q))
		switch r.IntN(7) {
		case 0:
			b := file(q)
			at := r.IntN(len(b))
			b[at] ^= 1 << r.IntN(8)
			add(fmt.Sprintf("byte %d of %d changed", at, len(b)), b)
		case 1:
			b := file(q)
			at := r.IntN(len(b))
			add(fmt.Sprintf("cut at %d", at), b[:at])
		case 2:
			add(fmt.Sprintf("record %d left out", i), file(slices.Delete(q, i, i+1)))
		case 3:
			q[i], q[j] = q[j], q[i]
			add(fmt.Sprintf("records %d and %d exchanged", i, j), file(q))
		default:
			c, what := changed(r, q[i].content)
			q[i].content = c
			add(fmt.Sprintf("record %d (kind %d): %s", i, q[i].kind, what), file(q))
			trials[len(trials)-1].loose = true
		}
	}
	agree(t, trials)
}

// verifyFile reads a journal's file with the product.
func verifyFile(b []byte) (journal.Report, error) {
	return journal.VerifyRecords(context.Background(), journal.ScanRecords(bytes.NewReader(b)), journal.VerifyParams{})
}

const (
	writable   = "0123456789abcdef{}[]\",:\\ \n+-.eE/=_"
	insertable = "0123456789{}[]\",:\\ \t\x00\xc3\xffn"
)

// changed changes one place of text: a byte, a number, a letter, a member.
func changed(r *rand.Rand, b []byte) ([]byte, string) {
	c := bytes.Clone(b)
	at := r.IntN(len(c))
	switch r.IntN(6) {
	case 0:
		return slices.Delete(c, at, at+1), fmt.Sprintf("byte %d left out", at)
	case 1:
		c[at] = writable[r.IntN(len(writable))]
	case 2:
		return slices.Insert(c, at, insertable[r.IntN(len(insertable))]), fmt.Sprintf("a byte put in at %d", at)
	case 3:
		if members := strings.SplitAfter(string(c), ","); len(members) > 2 {
			i := 1 + r.IntN(len(members)-2)
			return []byte(strings.Join(slices.Delete(members, i, i+1), "")), fmt.Sprintf("member %d left out", i)
		}
	case 4:
		if members := strings.SplitAfter(string(c), ","); len(members) > 2 {
			i := 1 + r.IntN(len(members)-2)
			return []byte(strings.Join(slices.Insert(members, i, members[i]), "")), fmt.Sprintf("member %d twice", i)
		}
	default:
		c[at] ^= 1 << r.IntN(8)
	}
	return c, fmt.Sprintf("byte %d changed", at)
}

// odd are values that the documents fix at the edges.
var odd = []string{
	`0`, `-0`, `-1`, `1.0`, `1e0`, `01`, `9007199254740991`, `9007199254740992`, `1048576`, `1048577`, `99999999999999999999`, `null`, `true`, `""`, `[]`, `{}`, `"\u0061"`, `"a\u0000"`, `"\ud800"`, `"\ud83d\ude00"`,
	`"2026-03-01T10:00:00Z"`, `"2026-03-01t10:00:00Z"`, `"2026-03-01T10:00:00z"`, `"2026-03-01 10:00:00Z"`, `"2026-03-01T10:00:60Z"`, `"2026-03-01T24:00:00Z"`, `"2026-02-29T10:00:00Z"`,
	`"2026-03-01T10:00:00+24:00"`, `"2026-03-01T10:00:00+23:59"`, `"2026-03-01T10:00:00+10:60"`, `"2026-03-01T10:00:00-00:00"`, `"2026-03-01T10:00:00.5Z"`, `"2026-03-01T10:00:00,5Z"`, `"2026-03-01T10:00:00.1234567890123Z"`, `"2026-03-01T10:00:00.Z"`,
	`"1999-12-31T23:59:59Z"`, `"1999-12-31T23:59:59-05:00"`, `"2000-01-01T00:00:00+05:00"`, `"2200-12-31T23:59:59Z"`, `"2200-12-31T23:59:59-05:00"`, `"2201-01-01T00:00:00+05:00"`, `"2201-01-01T00:00:00Z"`, `"2026-03-01T10:00Z"`,
	`{"agency":"a","role":"b","x":1}`, `{"agency":"a"}`, `{"agency":null,"role":"b"}`, `{"agency":"a\u007f","role":""}`, `{"agency":"a\u0085","role":""}`, `{"agency":"\u202e","role":""}`, `{"Agency":"a","role":"b"}`,
	`"` + strings.Repeat("a", 200) + `"`, `"` + strings.Repeat("a", 201) + `"`, `"` + strings.Repeat("ü", 200) + `"`, `{"agency":"` + strings.Repeat("ü", 200) + `","role":""}`, `{"agency":"` + strings.Repeat("ü", 201) + `","role":""}`,
	strings.Repeat(`[`, 31) + strings.Repeat(`]`, 31), strings.Repeat(`[`, 32) + strings.Repeat(`]`, 32), strings.Repeat(`{"a":`, 31) + `1` + strings.Repeat(`}`, 31), strings.Repeat(`{"a":`, 30) + `{}` + strings.Repeat(`}`, 30),
	`[{"agency":"a","role":"b"}]`, `[` + strings.Repeat(`{},`, 15) + `{}]`, `[` + strings.Repeat(`{},`, 16) + `{}]`, `1E400`, `1e-400`, `{"a":1,"\u0061":2}`, `{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":1,"type":"stix"}`,
	`{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=","size":1,"type":"stix"}`, `{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":0,"type":"stix"}`, `{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":16777216,"type":"stix"}`,
	`{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":16777217,"type":"stix"}`, `{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":1,"type":"Stix"}`, `{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":1,"type":"stix","salt":"x"}`,
}

// TestSecondVerifierEntries: single entries, at the edges of what the documents allow.
func TestSecondVerifierEntries(t *testing.T) {
	a := everything(t)
	n, r := mutants(t, 500)
	var trials []trial
	add := func(name string, raw []byte) {
		_, err := journal.ParseEntry(raw)
		trials = append(trials, trial{name: name, task: journaltest.Task{Kind: "entry", Data: raw}, code: said(err)})
	}
	es := all(a.st, 0, a.w.Head().Size)
	for i, raw := range es {
		add(fmt.Sprint("entry ", i), raw)
	}
	plain := es[1]
	for _, field := range []string{"v", "kind", "at", "by", "unit", "author", "epoch", "index", "seen", "release", "body", "payload", "unknown"} {
		for _, v := range odd {
			add(field+" is "+v, with(t, plain, field, v))
		}
		add(field+" is left out", with(t, plain, field, ""))
	}
	origin := `"` + string(a.w.Origin()) + `"`
	h := `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="`
	for _, seen := range []string{`{` + origin + `:{"size":0,"root":` + h + `}}`, `{` + origin + `:{"size":1,"root":` + h + `,"x":1}}`, `{` + origin + `:{"size":1}}`, `{` + origin + `:{"root":` + h + `}}`, `{"entente/0":{"size":1,"root":` + h + `}}`, `{` + origin + `:null}`} {
		add("seen is "+seen, with(t, plain, "seen", seen))
	}
	far := `"` + string(journal.OriginOf(a.unit, newActor("South").id, 0)) + `"`
	for _, body := range []string{`{"origin":` + far + `,"size":1,"root":` + h + `}`, `{"origin":` + far + `,"size":1,"root":` + h + `,"missing":[]}`, `{"origin":` + far + `,"size":0,"root":` + h + `,"missing":[]}`,
		`{"origin":` + far + `,"size":1,"root":` + h + `,"missing":null}`, `{"origin":` + far + `,"size":1,"root":` + h + `,"missing":[1]}`, `{"origin":` + far + `,"size":1,"root":` + h + `,"missing":[` + h + `],"x":1}`,
		`{"commitments":[` + h + `],"reason":"x"}`, `{"commitments":[` + h + `]}`, `{"commitments":[],"reason":"x"}`, `{"checkpoint":"x"}`, `{}`} {
		for _, kind := range []string{"receipt", "destroyed", "witness", "evidence", "note"} {
			raw := with(t, with(t, plain, "kind", `"`+kind+`"`), "body", body)
			if kind == "receipt" {
				raw = with(t, raw, "seen", `{`+far+`:{"size":1,"root":`+h+`}}`)
			}
			signed := file(pieces(t, journaltest.Forge(t, a.w.Origin(), [][]byte{es[0], raw}, a.key)))
			_, err := verifyFile(signed)
			x := trial{name: kind + " with " + body, task: journaltest.Task{Kind: "records", Data: signed}, code: said(err), at: -1}
			if ref, is := errors.AsType[*journal.Refusal](err); is {
				x.at = ref.Index
			}
			trials = append(trials, x)
		}
	}
	for _, s := range []string{" ", "\t\r\n", "\ufeff", "\x00", "x", "{}", "\xc2\xa0", "\v"} {
		add(fmt.Sprintf("%q after", s), append(bytes.Clone(plain), s...))
		add(fmt.Sprintf("%q before", s), append([]byte(s), plain...))
	}
	for range n {
		raw := es[1+r.IntN(len(es)-1)]
		c, what := changed(r, raw)
		add(what, c)
	}
	agree(t, trials)
}

// TestEntryFieldsAreStrict: what the second verifier refused and the product took.
func TestEntryFieldsAreStrict(t *testing.T) {
	a := open(t, "North")
	raw := a.append(t, note(0))[0].Raw
	for field, values := range map[string][]string{
		"unit":   {`0`, `null`, `""`, `{}`, `true`},
		"author": {`0`, `null`, `""`, `{}`, `true`},
		"at":     {`"2026-03-01T10:00:00,5Z"`, `"2026-03-01T10:00:00+24:00"`, `"2026-03-01T10:00:00+10:60"`, `"2026-03-01T9:00:00+01:00"`, `"2026-03-01t10:00:00Z"`, `"2026-03-01T10:00:60Z"`},
	} {
		for _, v := range values {
			if _, err := journal.ParseEntry(with(t, raw, field, v)); journal.CodeOf(err) != journal.CodeBadEntry {
				t.Errorf("%s is %s: %v", field, v, err)
			}
		}
	}
	for _, at := range []string{`"2026-03-01T10:00:00.5+23:59"`, `"2026-03-01T10:00:00.123456789-00:00"`} {
		if _, err := journal.ParseEntry(with(t, raw, "at", at)); err != nil {
			t.Error(at, err)
		}
	}
}

// with sets a member of an object to a JSON text, or takes it out.
func with(t testing.TB, raw []byte, name, value string) []byte {
	t.Helper()
	var out []string
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	_, err := d.ReadToken()
	ok(t, err)
	done := false
	for d.PeekKind() == '"' {
		k, err := d.ReadToken()
		ok(t, err)
		n := k.String()
		v, err := d.ReadValue()
		ok(t, err)
		text := string(v)
		if n == name {
			done = true
			if value == "" {
				continue
			}
			text = value
		}
		out = append(out, `"`+n+`":`+text)
	}
	if !done && value != "" {
		out = append(out, `"`+name+`":`+value)
	}
	return []byte("{" + strings.Join(out, ",") + "}")
}

// TestSecondVerifierProofs: checkpoints, proofs, contradictions and violations.
func TestSecondVerifierProofs(t *testing.T) {
	a := everything(t)
	keys := a.w.Keyring()
	text := string(marshal(t, keys))
	n, r := mutants(t, 120)
	var trials []trial
	p, err := journal.Prove(a.st, 2, 0)
	ok(t, err)
	raw := all(a.st, 2, 3)[0]
	cps := checkpoints(a.st)
	other := journaltest.Forge(t, a.w.Origin(), append(all(a.st, 0, 2), []byte("{}")), a.key)
	longer := checkpoints(other)[0]
	contradiction := marshal(t, journal.Contradiction{Code: journal.CodeFork, Origin: a.w.Origin(), A: string(cps[1]), B: string(longer)})
	m := a.mirror(t)
	for _, cp := range cps[:1] {
		_, h, err := journal.CheckpointHead(cp)
		ok(t, err)
		_, err = m.Extend(all(a.st, 0, h.Size), cp)
		ok(t, err)
	}
	bad := journaltest.Forge(t, a.w.Origin(), append(all(a.st, 0, 2), []byte("{}")), a.key)
	_, err = m.Extend(all(bad, 1, 3), checkpoints(bad)[0])
	v, is := errors.AsType[*journal.ViolationError](err)
	if !is {
		t.Fatal(err)
	}
	violation := marshal(t, v.Proof)
	for i := range n {
		one := func(b []byte) ([]byte, string) {
			if i < 4 {
				return b, "whole"
			}
			return changed(r, b)
		}
		c, what := one(cps[i%len(cps)])
		_, err := keys.VerifyCheckpoint(c)
		trials = append(trials, trial{fmt.Sprint("checkpoint ", i%len(cps), ": ", what), journaltest.Task{Kind: "checkpoint", Data: c, Keys: text}, said(err), 0, true})
		c, what = one(p)
		_, _, err = journal.VerifyProof(raw, c, keys)
		trials = append(trials, trial{"proof: " + what, journaltest.Task{Kind: "proof", Data: c, Entry: raw, Keys: text}, said(err), 0, true})
		c, what = one(contradiction)
		var x journal.Contradiction
		if err = json.Unmarshal(c, &x); err == nil {
			err = x.Verify(keys)
		}
		trials = append(trials, trial{"contradiction: " + what, journaltest.Task{Kind: "contradiction", Data: c, Keys: text}, said(err), 0, true})
		c, what = one(violation)
		var y journal.Violation
		if err = json.Unmarshal(c, &y); err == nil {
			err = y.Verify(keys)
		}
		trials = append(trials, trial{"violation: " + what, journaltest.Task{Kind: "violation", Data: c, Keys: text}, said(err), 0, true})
	}
	agree(t, trials)
}

// TestSecondVerifierEd25519: the edges of RFC 8032, where verifiers are known to
// differ: S beyond the order, R and A of small order or not canonical, cofactors.
func TestSecondVerifierEd25519(t *testing.T) {
	priv := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	pub := priv.Public().(ed25519.PublicKey)
	msg := []byte("message")
	sig := ed25519.Sign(priv, msg)
	var trials []trial
	add := func(name string, pub, sig, msg []byte) {
		code := ""
		if !ed25519.Verify(pub, msg, sig) {
			code = "no"
		}
		trials = append(trials, trial{name: name, task: journaltest.Task{Kind: "ed25519", Data: slices.Concat(pub, sig, msg)}, code: code})
	}
	add("good", pub, sig, msg)
	add("another message", pub, sig, []byte("massage"))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	for k := int64(0); k < 16; k++ { // S + k·L means the same to who does not look
		s := new(big.Int).SetBytes(reversed(sig[32:]))
		s.Add(s, new(big.Int).Mul(order, big.NewInt(k)))
		if s.BitLen() <= 256 {
			add(fmt.Sprint("S + ", k, " L"), pub, append(bytes.Clone(sig[:32]), reversed(s.FillBytes(make([]byte, 32)))...), msg)
		}
	}
	small := [][]byte{}
	for _, y := range []string{"0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"} {
		b := unhex(t, y)
		small = append(small, b)
		c := bytes.Clone(b)
		c[31] |= 0x80
		small = append(small, c)
	}
	zero := make([]byte, 32)
	for i, a := range small {
		for j, r := range small {
			for k := range 2 { // for some messages the equation holds
				add(fmt.Sprintf("A of small order %d, R %d, message %d", i, j, k), a, append(bytes.Clone(r), zero...), []byte{byte(k)})
			}
		}
	}
	// A with a component of small order: only a verifier with cofactor takes it.
	mixed := unhex(t, "3bcfb78c4ad06f9b8d7e8c50e37e33dd40042a7805f5df945fbf33620745bc68")
	for i, s := range []string{"1f2a0fb9f5c066cf80acb7dcb1992493f5decbeaca68514b0e1f0a0dd0590d19ffe84dc29b2691738ef1cfe758a718dba5b56e20cd8aca1399737dfa19035d0b",
		"a18a782e32a51cc28cbf9b982817ed60db52e35dafec10a15acdbd4671d63a0e29f84ac24c0821abec3f8efc2a836e1e491fb3d27a4eae4a1e1189fe257ba00c",
		"d08ff4aa3075924d0cf81dece3beaab7d82b15060a4e0d57748d132f06c33a39f78437c835f1a9cdf888adaa8606a54c65ff79bf37345067b0554eb995843103",
		"d35e00b93d43d28438906429ce9aaef6d72996879a9521343cb192b97310cc9435f2dda09cab4f0b3cfb68bfef8507f576982d96107252133d5fc25cd3938d03"} {
		add(fmt.Sprint("a mixed key, message ", i), mixed, unhex(t, s), []byte{byte(i)})
	}
	add("R with a component of small order", pub, unhex(t, "34777f8e849bca54eb2a5854dccb6eb4b67266d4d01783d2a0f3857db19d7768b54dbfb7289cd42b9b73c16ecaf9386169c1e108d7bb2b0740d88cea8f3bad03"), msg)
	for i := range 64 {
		c := bytes.Clone(sig)
		c[i] ^= 0x40
		add(fmt.Sprint("byte ", i, " of the signature"), pub, c, msg)
		if i < 32 {
			p := bytes.Clone(pub)
			p[i] ^= 0x40
			add(fmt.Sprint("byte ", i, " of the key"), p, sig, msg)
		}
	}
	agree(t, trials)
}

// TestSecondVerifierMLDSA: the edges of FIPS 204: hints that are not in the one
// form, z beyond its bound, every part changed.
func TestSecondVerifierMLDSA(t *testing.T) {
	priv, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), bytes.Repeat([]byte{2}, 32))
	ok(t, err)
	pub := priv.PublicKey().Bytes()
	msg := []byte("message")
	sig, err := priv.SignDeterministic(msg, nil)
	ok(t, err)
	var trials []trial
	add := func(name string, pub, sig, msg []byte) {
		code := "no"
		if k, err := mldsa.NewPublicKey(mldsa.MLDSA44(), pub); err == nil && mldsa.Verify(k, msg, sig, nil) == nil {
			code = ""
		}
		trials = append(trials, trial{name: name, task: journaltest.Task{Kind: "mldsa44", Data: slices.Concat(pub, sig, msg)}, code: code})
	}
	add("good", pub, sig, msg)
	add("another message", pub, sig, []byte("massage"))
	hint := 32 + 4*576
	edit := func(name string, f func(h []byte)) {
		c := bytes.Clone(sig)
		f(c[hint:])
		add(name, pub, c, msg)
	}
	for i := range 84 {
		edit(fmt.Sprint("hint byte ", i, " one more"), func(h []byte) { h[i]++ })
		edit(fmt.Sprint("hint byte ", i, " one less"), func(h []byte) { h[i]-- })
		edit(fmt.Sprint("hint byte ", i, " zero"), func(h []byte) { h[i] = 0 })
		edit(fmt.Sprint("hint byte ", i, " full"), func(h []byte) { h[i] = 255 })
	}
	edit("two hints exchanged", func(h []byte) { h[0], h[1] = h[1], h[0] })
	edit("a hint twice", func(h []byte) { h[1] = h[0] })
	edit("more ends than there is room for", func(h []byte) { h[83] = 81 })
	edit("ends that decrease", func(h []byte) { h[80], h[81] = h[81], h[80] })
	edit("something behind the last", func(h []byte) { h[79] = 7 })
	edit("no hint at all", func(h []byte) { clear(h) })
	// z at and beyond gamma1 - beta = 130994: the field holds gamma1 - z.
	for _, z := range []int64{130993, 130994, -130993, -130994, 131072, -131071, 0} {
		for _, at := range []int{0, 1, 255, 1023} {
			c := bytes.Clone(sig)
			setBits(c[32:hint], 18*at, 18, uint64(131072-z)&(1<<18-1))
			add(fmt.Sprintf("z[%d] is %d", at, z), pub, c, msg)
		}
	}
	r := rand.New(rand.NewPCG(5, 5))
	for range 60 {
		c := bytes.Clone(sig)
		c[r.IntN(len(c))] ^= 1 << r.IntN(8)
		add("a bit of the signature", pub, c, msg)
	}
	for range 6 {
		p := bytes.Clone(pub)
		p[r.IntN(len(p))] ^= 1 << r.IntN(8)
		add("a bit of the key", p, sig, msg)
	}
	for i := range 20 { // and signatures that hold, by several keys
		k, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), bytes.Repeat([]byte{byte(10 + i%3)}, 32))
		ok(t, err)
		m := binary.BigEndian.AppendUint32(nil, uint32(i))
		s, err := k.Sign(nil, m, nil)
		ok(t, err)
		add("good, hedged", k.PublicKey().Bytes(), s, m)
	}
	agree(t, trials)
}

// TestSecondVerifierKeys: keys that have to be refused.
func TestSecondVerifierKeys(t *testing.T) {
	good := seed("North key").Public()
	ed, pq := good.Ed25519, good.MLDSA44
	var trials []trial
	add := func(name string, ed, pq []byte) {
		err := journal.PublicKey{Ed25519: ed, MLDSA44: pq}.Check()
		trials = append(trials, trial{name: name, task: journaltest.Task{Kind: "key", Data: slices.Concat(ed, pq)}, code: said(err)})
	}
	add("good", ed, pq)
	for _, y := range []string{"0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "0200000000000000000000000000000000000000000000000000000000000000", "0300000000000000000000000000000000000000000000000000000000000000",
		"0400000000000000000000000000000000000000000000000000000000000000", "0500000000000000000000000000000000000000000000000000000000000000"} {
		b := unhex(t, y)
		add("Ed25519 "+y, b, pq)
		c := bytes.Clone(b)
		c[31] |= 0x80
		add("Ed25519 "+y+" with the sign", c, pq)
	}
	for i := range 64 {
		c := bytes.Clone(ed)
		c[i/2] ^= 1 << (i % 8)
		add(fmt.Sprint("Ed25519 changed ", i), c, pq)
	}
	for _, extreme := range []int{0, 511, 512, 513, 1024} {
		for _, v := range []uint64{0, 1023} {
			c := bytes.Clone(pq)
			for i := range 1024 {
				x := uint64(500)
				if i < extreme {
					x = v
				}
				setBits(c[32:], 10*i, 10, x)
			}
			add(fmt.Sprintf("%d coefficients are %d", extreme, v), ed, c)
		}
	}
	agree(t, trials)
}

func setBits(b []byte, at, n int, v uint64) {
	for i := range n {
		bit := byte(1) << ((at + i) % 8)
		b[(at+i)/8] &^= bit
		if v>>i&1 == 1 {
			b[(at+i)/8] |= bit
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	ok(t, err)
	return b
}

func reversed(b []byte) []byte {
	c := bytes.Clone(b)
	slices.Reverse(c)
	return c
}
