package dossier_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/dossier"
	"entente/journal"
)

// locate returns the record in which byte i lies, nil for the first line.
func locate(fs []frame, i int) (int, *frame) {
	for n := range fs {
		if i >= fs[n].from && i < fs[n].to {
			return n, &fs[n]
		}
	}
	return -1, nil
}

// named checks that a verification failed and named the entry that was touched.
func named(t interface{ Fatalf(string, ...any) }, file []byte, fs []frame, at int, edge bool, what string) {
	_, err := verify(file)
	var d *dossier.Damage
	if !errors.As(err, &d) {
		t.Fatalf("%s at byte %d: the dossier is believed: %v", what, at, err)
	}
	n, f := locate(fs, at)
	if f == nil {
		return
	}
	want := []*frame{f}
	if edge && at == f.from && n > 0 { // a byte put between two records belongs to neither
		want = append(want, &fs[n-1])
	}
	for _, w := range want {
		switch w.kind {
		case kEntry, kCheckpoint, kPayload, kText:
			if d.Ref != nil && *d.Ref == *w.ref {
				return
			}
			// A checkpoint that lost its kind cannot be told from the entry that could stand there.
			if w.kind == kCheckpoint && d.Ref != nil && d.Ref.Origin == w.ref.Origin && d.Ref.Index == w.ref.Index+1 && at <= w.from+1 {
				return
			}
		case kManifest:
			if d.Part == dossier.PartManifest {
				return
			}
		case kJournal:
			if d.Part == dossier.PartHeader {
				return
			}
		case kProof: // only its kind tells it from an end
			if d.Part == dossier.PartProof || at <= w.from+1 && d.Ref == nil && (d.Part == dossier.PartEnd || d.Part == dossier.PartPayload || d.Part == dossier.PartPage) {
				return
			}
		case kPage: // the same
			if d.Part == dossier.PartPage || at <= w.from+1 && d.Ref == nil && (d.Part == dossier.PartEnd || d.Part == dossier.PartPayload || d.Part == dossier.PartProof) {
				return
			}
		case kEnd:
			if d.Part == dossier.PartEnd || d.Part == dossier.PartTrailing || at == w.from && d.Ref == nil && (d.Part == dossier.PartProof || d.Part == dossier.PartPayload || d.Part == dossier.PartPage) {
				return
			}
		}
	}
	t.Fatalf("%s at byte %d (record %d of kind %d, byte %d of %d, about %v): named was %v", what, at, n, f.kind, at-f.from, f.to-f.from, f.ref, d)
}

// TestAnyByte: a byte changed, put in or taken out anywhere makes the dossier fail and names the
// entry or the part of the file.
func TestAnyByte(t *testing.T) {
	file := two()
	fs := frames(t, file)
	rapid.Check(t, func(t *rapid.T) {
		// Half of the time near the head of a record, where the framing is.
		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "framing") {
			f := fs[rapid.IntRange(0, len(fs)-1).Draw(t, "record")]
			at = min(f.from+rapid.IntRange(0, 45).Draw(t, "in"), f.to-1)
		}
		out := bytes.Clone(file)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			out[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
			named(t, out, fs, at, false, "a changed byte")
		case 1:
			b := byte(rapid.IntRange(0, 255).Draw(t, "byte"))
			out = slices.Insert(out, at, b)
			named(t, out, fs, at, true, "an inserted byte")
		case 2:
			out = slices.Delete(out, at, at+1)
			if bytes.Equal(out, file[:len(file)-1]) {
				at = len(file) - 1
			}
			named(t, out, fs, at, false, "a deleted byte")
		}
	})
}

// framingChanges calls f with every change of one byte of the framing of a record, its neighbours
// included: each bit and some values of its kind and length, each byte of its hash, a byte put
// in (of all that change what the length says), each byte taken out.
func framingChanges(file []byte, at frame, f func(out []byte, i int, edge bool, what string)) {
	for i := at.from; i < min(at.to, at.from+journal.RecordHeader+1); i++ {
		head := i < at.from+5 // kind and length; in the hash one change is like another
		for bit := range 8 {
			if head || bit == i%8 {
				out := bytes.Clone(file)
				out[i] ^= 1 << bit
				f(out, i, false, "a flipped bit")
			}
		}
		for _, b := range []byte{0, 1, 2, 16, 17, 18, 19, 20, 21, 255} {
			if head && b != file[i] {
				out := bytes.Clone(file)
				out[i] = b
				f(out, i, false, "a changed byte")
			}
			if head || b == 0 {
				f(slices.Insert(bytes.Clone(file), i, b), i, true, "an inserted byte")
			}
		}
		out := slices.Delete(bytes.Clone(file), i, i+1)
		f(out, i, false, "a deleted byte")
	}
}

// everyFrame makes TestEveryFrameByte try every change, not every framingStride-th.
var everyFrame = flag.Bool("frames.all", false, "TestEveryFrameByte: try every change of the framing")

// framingStride is prime, and so has no rhythm in common with the kinds of change.
const framingStride = 23

// TestEveryFrameByte: any change of any byte of the framing of every record names the entry that
// the record belongs to, or the part of the file. Without -frames.all that is every change of the kind
// and of the first byte of the length in the first record of each kind, and one in framingStride of all others.
func TestEveryFrameByte(t *testing.T) {
	file := pack(t, small(t).source())
	fs := frames(t, file)
	seen, changes := map[byte]bool{}, 0
	for n, f := range fs {
		first := !seen[f.kind]
		seen[f.kind] = true
		tried := 0
		t.Run(fmt.Sprintf("record %d of kind %d", n, f.kind), func(t *testing.T) {
			framingChanges(file, f, func(out []byte, i int, edge bool, what string) {
				changes++
				if bytes.Equal(out, file) || !*everyFrame && changes%framingStride != 0 && !(first && i < f.from+2) {
					return
				}
				if bytes.Equal(out, file[:len(file)-1]) {
					i = len(file) - 1
				}
				named(t, out, fs, i, edge, what)
				tried++
			})
		})
		if tried == 0 {
			t.Errorf("record %d: nothing was tried", n)
		}
	}
	for _, kind := range []byte{kEntry, kCheckpoint, kManifest, kText, kJournal, kPayload, kEnd} {
		if !seen[kind] {
			t.Errorf("the dossier has no record of kind %d", kind)
		}
	}
}

// TestInsertedZeroNamesThePayload: a zero put into the length of a payload makes it 256 times as short,
// so that what the payload is about lies behind what the length covers. It is found all the same.
func TestInsertedZeroNamesThePayload(t *testing.T) {
	file := two()
	fs := frames(t, file)
	for _, f := range fs {
		if f.kind != kPayload && f.kind != kText {
			continue
		}
		for i := 1; i < 5; i++ {
			named(t, slices.Insert(bytes.Clone(file), f.from+i, 0), fs, f.from+i, true, "an inserted zero")
		}
	}
}

func TestCutAnywhere(t *testing.T) {
	file := two()
	fs := frames(t, file)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		_, err := verify(file[:at])
		var d *dossier.Damage
		if !errors.As(err, &d) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	})
	for _, f := range fs { // exactly between two records as well
		if _, err := verify(file[:f.from]); err == nil {
			t.Fatalf("cut before byte %d", f.from)
		}
	}
	for _, more := range [][]byte{{0}, []byte("\n"), file} {
		var d *dossier.Damage
		if _, err := verify(slices.Concat(file, more)); !errors.As(err, &d) || d.Part != dossier.PartTrailing {
			t.Errorf("trailing bytes: %v", err)
		}
	}
}

// TestForgedBytes: changes with right hashes and a right end record fail as well: what was signed or
// committed to is what counts.
func TestForgedBytes(t *testing.T) {
	file := two()
	fs := frames(t, file)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, len(fs)-2).Draw(t, "record") // the manifest's claims are nobody's signature
		if rapid.Bool().Draw(t, "payload") {
			n = len(fs) - 2 - rapid.IntRange(0, 4).Draw(t, "which")
		}
		forged := slices.Clone(fs)
		c := bytes.Clone(forged[n].content)
		at := rapid.IntRange(0, len(c)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			c[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		case 1:
			c = slices.Insert(c, at, byte(rapid.IntRange(0, 255).Draw(t, "byte")))
		case 2:
			c = slices.Delete(c, at, at+1)
		}
		if bytes.Equal(c, forged[n].content) {
			return
		}
		forged[n].content = c
		_, err := verify(build(forged))
		var d *dossier.Damage
		if !errors.As(err, &d) {
			t.Fatalf("a forged record of kind %d is believed: %v", forged[n].kind, err)
		}
		if k := forged[n].kind; (k == kText || k == kPayload) && at >= 80 && (d.Ref == nil || *d.Ref != *forged[n].ref) {
			t.Fatalf("a forged payload of %v: %v", forged[n].ref, err)
		}
	})
}

// TestForgedOrder: records left out, doubled or swapped, with right hashes.
func TestForgedOrder(t *testing.T) {
	file := two()
	fs := frames(t, file)
	body := fs[:len(fs)-1]
	rapid.Check(t, func(t *rapid.T) {
		forged := slices.Clone(body)
		i, j := rapid.IntRange(0, len(body)-1).Draw(t, "i"), rapid.IntRange(0, len(body)-1).Draw(t, "j")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			if body[i].kind == kPayload { // payloads may be left out
				return
			}
			if body[i].kind == kCheckpoint && i+1 < len(body) && body[i+1].kind == kEntry {
				return // so may a checkpoint that a later one covers; the next test has that
			}
			forged = slices.Delete(forged, i, i+1)
		case 1:
			forged = slices.Insert(forged, j, body[i])
		case 2:
			if i == j {
				return
			}
			forged[i], forged[j] = forged[j], forged[i]
		}
		if _, err := verify(build(forged)); err == nil {
			t.Fatalf("forged order of records %d and %d", i, j)
		}
	})
}

// TestForgedManifest: what the manifest says and the journals show is compared.
func TestForgedManifest(t *testing.T) {
	fs := frames(t, two())
	for _, change := range [][2]string{
		{`"name":"North"`, `"name":"Notth"`},
		{`"v":1`, `"v":2`},
		{`{"v":1,`, `{"v":1,"more":1,`},
		{`{"v":1,`, `{ "v":1,`},
		{`\"Test unit\"`, `\"Best unit\"`},
		{`"texts":[{`, `"texts":[],"x":[{`},
		{`"root":"`, `"root":"A`},
		{`"index":9`, `"index":9999`},
		{`"created":"2026`, `"created":"1926`},
	} {
		forged := slices.Clone(fs)
		forged[0].content = bytes.Replace(fs[0].content, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(forged[0].content, fs[0].content) {
			if change[0] == `"index":9` {
				continue // wherever the request stands
			}
			t.Fatalf("the manifest has no %s: %s", change[0], fs[0].content)
		}
		var d *dossier.Damage
		if _, err := verify(build(forged)); !errors.As(err, &d) {
			t.Errorf("%s: %v", change[1], err)
		}
	}
}

// TestForgeries: careful forgeries, each with right hashes and a right end record, and what they are
// named as.
func TestForgeries(t *testing.T) {
	file := two()
	fs := frames(t, file)
	first := func(kind byte) int { return slices.IndexFunc(fs, func(f frame) bool { return f.kind == kind }) }
	text, pay, cp := first(kText), first(kPayload), first(kCheckpoint)
	put := func(f []frame, i int, c []byte) { f[i].content = c }
	refOf := func(f frame) []byte { return f.content[:80] }
	tests := map[string]struct {
		forge func(f []frame) []frame
		part  string
		ref   *journal.Ref
	}{
		"another payload, consistent in itself": {func(f []frame) []frame {
			put(f, pay, slices.Concat(refOf(fs[pay]), fs[pay+1].content[80:]))
			return f
		}, dossier.PartPayload, fs[pay].ref},
		"another text, consistent in itself": {func(f []frame) []frame {
			put(f, text, slices.Concat(refOf(fs[text]), fs[pay].content[80:]))
			return f
		}, dossier.PartText, fs[text].ref},
		"another salt": {func(f []frame) []frame {
			c := bytes.Clone(fs[pay].content)
			c[112]++
			put(f, pay, c)
			return f
		}, dossier.PartPayload, fs[pay].ref},
		"other content": {func(f []frame) []frame {
			c := bytes.Clone(fs[pay].content)
			c[len(c)-1]++
			put(f, pay, c)
			return f
		}, dossier.PartPayload, fs[pay].ref},
		"a payload of an entry that names none": {func(f []frame) []frame {
			c := bytes.Clone(fs[pay].content)
			c[79] = 0 // the genesis
			put(f, pay, c)
			return f
		}, dossier.PartPayload, fs[pay].ref},
		"a payload twice":  {func(f []frame) []frame { return slices.Insert(f, pay, f[pay]) }, dossier.PartPayload, fs[pay].ref},
		"payloads swapped": {func(f []frame) []frame { f[pay], f[pay+1] = f[pay+1], f[pay]; return f }, dossier.PartPayload, fs[pay].ref},
		"a text as a payload": {func(f []frame) []frame {
			f[pay].content = f[text].content
			return f
		}, dossier.PartPayload, nil},
		"a foreign signature in a checkpoint": {func(f []frame) []frame {
			put(f, cp, slices.Concat(fs[cp].content, []byte("\u2014 witness.example AAAAAAAA\n")))
			return f
		}, dossier.PartCheckpoint, fs[cp].ref},
		"a checkpoint twice": {func(f []frame) []frame { return slices.Insert(f, cp, f[cp]) }, dossier.PartEntry, nil},
		"a manifest twice":   {func(f []frame) []frame { return slices.Insert(f, 1, f[0]) }, dossier.PartText, fs[text].ref},
		"the last journal's end": {func(f []frame) []frame {
			last := pay - 1
			return slices.Delete(f, last, last+1)
		}, dossier.PartCheckpoint, fs[pay-1].ref},
		"another root in the cut": {func(f []frame) []frame {
			c := string(fs[0].content)
			i := strings.Index(c, `"root":"`) + len(`"root":"`)
			b := byte('A')
			if c[i] == b {
				b = 'B'
			}
			put(f, 0, []byte(c[:i]+string(b)+c[i+1:]))
			return f
		}, dossier.PartManifest, nil},
		"a checkpoint for a proof": {func(f []frame) []frame {
			return slices.Insert(f, len(f)-1, frame{kind: kProof, content: f[cp].content})
		}, dossier.PartProof, nil},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := verify(build(c.forge(slices.Clone(fs))))
			var d *dossier.Damage
			if !errors.As(err, &d) || d.Part != c.part {
				t.Fatalf("%v", err)
			}
			if c.ref != nil && (d.Ref == nil || *d.Ref != *c.ref) && name != "payloads swapped" {
				t.Errorf("named was %v, not %v", d.Ref, c.ref)
			}
		})
	}
	// The end record itself: each count, with its own hash made right.
	end := fs[len(fs)-1]
	for i := 7; i < 48; i += 8 {
		c := bytes.Clone(end.content)
		c[i]++
		var d *dossier.Damage
		if _, err := verify(journal.AppendRecord(bytes.Clone(file[:end.from]), kEnd, c)); !errors.As(err, &d) || d.Part != dossier.PartEnd {
			t.Errorf("count at byte %d: %v", i, err)
		}
	}
}
